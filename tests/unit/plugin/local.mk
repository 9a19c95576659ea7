# Plugins: wire, image, loader and process. The process tests play a host without a server.
UNIT_TESTS += tests/unit/plugin/test_elf
UNIT_TESTS += tests/unit/plugin/test_image
UNIT_TESTS += tests/unit/plugin/test_manual
UNIT_TESTS += tests/unit/plugin/test_process
UNIT_TESTS += tests/unit/plugin/test_quote
UNIT_TESTS += tests/unit/plugin/test_wire
tests_unit_plugin_test_elf_LDADD = libsgrun-loader.la $(LDADD)
tests_unit_plugin_test_quote_LDADD = libsgrun-loader.la $(LDADD)
tests_unit_plugin_test_process_SOURCES = tests/unit/plugin/test_process.c tests/unit/plugin/host.c tests/unit/plugin/host.h
tests_unit_plugin_test_process_CPPFLAGS = $(AM_CPPFLAGS) -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
tests_unit_plugin_test_manual_SOURCES = tests/unit/plugin/test_manual.c tests/unit/plugin/host.c tests/unit/plugin/host.h
tests_unit_plugin_test_manual_CPPFLAGS = $(AM_CPPFLAGS) -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
