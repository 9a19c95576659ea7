# The benchmark: `make bench`. Its two programs are made for it alone.
EXTRA_PROGRAMS += bench/timed bench/baseline
CLEANFILES += bench/timed bench/baseline
EXTRA_DIST += bench/run bench/make-plugins bench/README.md
bench_timed_SOURCES = bench/timed.c
bench_baseline_SOURCES = bench/baseline.c
bench_baseline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS)
bench_baseline_LDADD = $(LIBPQ_LIBS)

bench: all bench/timed bench/baseline
	$(srcdir)/bench/run --build . $(BENCHFLAGS)
.PHONY: bench
