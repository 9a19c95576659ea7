# The benchmarks: `make bench`, `make bench-backfill`, `make bench-index`, `make bench-audit`. Their programs are made for them alone.
EXTRA_PROGRAMS += bench/timed bench/baseline bench/loops
CLEANFILES += bench/timed bench/baseline bench/loops
EXTRA_DIST += bench/run bench/backfill bench/index bench/audit bench/server.sh bench/make-plugins bench/README.md
bench_timed_SOURCES = bench/timed.c
bench_baseline_SOURCES = bench/baseline.c
bench_baseline_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS)
bench_baseline_LDADD = $(LIBPQ_LIBS)
bench_loops_SOURCES = bench/loops.c
bench_loops_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS)
bench_loops_LDADD = $(LIBPQ_LIBS)

bench: all bench/timed bench/baseline
	$(srcdir)/bench/run --build . $(BENCHFLAGS)
bench-backfill: all bench/timed bench/loops
	$(srcdir)/bench/backfill --build . $(BENCHFLAGS)
bench-index: all bench/timed
	$(srcdir)/bench/index --build . $(BENCHFLAGS)
bench-audit: all bench/timed
	$(srcdir)/bench/audit --build . $(BENCHFLAGS)
.PHONY: bench bench-backfill bench-index bench-audit
