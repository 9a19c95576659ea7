# Fuzzing: what comes from outside is thrown at the code that reads it.
#
# A target is fuzz_NAME.c with LLVMFuzzerTestOneInput and nothing else, its seeds
# are the files of corpus/NAME, words that help it may be in NAME.dict. It is told
# here by one line. In an ordinary build it is linked with driver.c, and
# "make check" runs the seeds through it. With --enable-fuzzing CC=clang it is a
# libFuzzer program, and "make fuzz" runs each for FUZZ_SECONDS; what it finds is
# left in fuzz-found/NAME. A finding, mended, becomes a seed.
FUZZ_TARGETS = tests/fuzz/fuzz_manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_manifest_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_manifest_LDADD = libsgrun-core.la
FUZZ_TARGETS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_wire_LDADD = libsgrun-wire.la
FUZZ_TARGETS += tests/fuzz/fuzz_elf
tests_fuzz_fuzz_elf_SOURCES = tests/fuzz/fuzz_elf.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_elf_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_elf_LDADD = libsgrun-loader.la

FUZZ_TARGETS += tests/fuzz/fuzz_policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_policy_LDADD = libsgrun-core.la

FUZZ_TARGETS += tests/fuzz/fuzz_index
tests_fuzz_fuzz_index_SOURCES = tests/fuzz/fuzz_index.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_index_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_index_LDADD = libsgrun-core.la

FUZZ_TARGETS += tests/fuzz/fuzz_script
tests_fuzz_fuzz_script_SOURCES = tests/fuzz/fuzz_script.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_script_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_script_LDADD = libsgrun-core.la

FUZZ_TARGETS += tests/fuzz/fuzz_model
tests_fuzz_fuzz_model_SOURCES = tests/fuzz/fuzz_model.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_model_LDFLAGS = $(AM_LDFLAGS) $(LINK_FUZZ)
tests_fuzz_fuzz_model_LDADD = libsgrun-core.la

EXTRA_DIST += tests/fuzz/script.dict tests/fuzz/index.dict tests/fuzz/corpus tests/fuzz/manifest.dict tests/fuzz/policy.dict
FUZZ_SECONDS = 60

if FUZZING
EXTRA_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_DRIVER =
LINK_FUZZ = -fsanitize=fuzzer

fuzz: $(FUZZ_TARGETS)
	@for program in $(FUZZ_TARGETS); do \
		name=$${program##*/fuzz_}; \
		mkdir -p fuzz-found/$$name/corpus || exit 1; \
		dict=; test ! -f $(srcdir)/tests/fuzz/$$name.dict || dict=-dict=$(srcdir)/tests/fuzz/$$name.dict; \
		echo "fuzzing $$name for $(FUZZ_SECONDS) s"; \
		./$$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 $$dict \
			-artifact_prefix=fuzz-found/$$name/ fuzz-found/$$name/corpus $(srcdir)/tests/fuzz/corpus/$$name \
			> fuzz-found/$$name/log 2>&1 || \
			{ tail -40 fuzz-found/$$name/log; echo "fuzz: $$name failed; its input is in fuzz-found/$$name/"; exit 1; }; \
		tail -12 fuzz-found/$$name/log | sed -n 's/^stat::/  /p'; \
	done; \
	echo "fuzz: nothing was found"

CLEAN_LOCAL += clean-fuzz
clean-fuzz:
	rm -rf fuzz-found
else
UNIT_TESTS += $(FUZZ_TARGETS)
FUZZ_DRIVER = tests/fuzz/driver.c
LINK_FUZZ =

fuzz:
	@echo "make fuzz needs a build folder of its own: ../configure --enable-fuzzing CC=clang CXX=clang++" >&2; exit 1
endif
.PHONY: fuzz
