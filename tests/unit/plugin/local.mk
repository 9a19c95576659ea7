# Plugins: wire, image, loader and process. The process tests play a host without a server.
UNIT_TESTS += tests/unit/plugin/test_process
PLAY = tests/unit/plugin/host.c tests/unit/plugin/host.h
tests_unit_plugin_test_process_SOURCES = tests/unit/plugin/test_process.c $(PLAY)
tests_unit_plugin_test_process_CPPFLAGS = $(AM_CPPFLAGS) -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
