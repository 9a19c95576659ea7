# Plugins: wire, image, loader and process. The process tests play a host without a server.
UNIT_TESTS += tests/unit/plugin/test_channel_faults tests/unit/plugin/test_wire_faults
tests_unit_plugin_test_channel_faults_SOURCES = tests/unit/plugin/test_channel_faults.c plugins/process/channel.c $(fault)
tests_unit_plugin_test_channel_faults_LDFLAGS = $(AM_LDFLAGS) $(fault_wraps)
tests_unit_plugin_test_channel_faults_LDADD = libsgrun-wire.la libsgrun-test.la
tests_unit_plugin_test_wire_faults_SOURCES = tests/unit/plugin/test_wire_faults.c $(fault)
tests_unit_plugin_test_wire_faults_LDFLAGS = $(AM_LDFLAGS) $(fault_wraps)
UNIT_TESTS += tests/unit/plugin/test_elf
UNIT_TESTS += tests/unit/plugin/test_image
UNIT_TESTS += tests/unit/plugin/test_manual
UNIT_TESTS += tests/unit/plugin/test_process
UNIT_TESTS += tests/unit/plugin/test_quote
UNIT_TESTS += tests/unit/plugin/test_request
UNIT_TESTS += tests/unit/plugin/test_wire
tests_unit_plugin_test_elf_LDADD = libsgrun-loader.la $(LDADD)
tests_unit_plugin_test_quote_LDADD = libsgrun-loader.la $(LDADD)
tests_unit_plugin_test_process_SOURCES = tests/unit/plugin/test_process.c tests/unit/plugin/host.c tests/unit/plugin/host.h
tests_unit_plugin_test_process_CPPFLAGS = $(AM_CPPFLAGS) -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
tests_unit_plugin_test_manual_SOURCES = tests/unit/plugin/test_manual.c tests/unit/plugin/host.c tests/unit/plugin/host.h
tests_unit_plugin_test_manual_CPPFLAGS = $(AM_CPPFLAGS) -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
# sgrun-plugin on kernels without landlock, and without seccomp.
check_PROGRAMS += tests/unit/plugin/no-landlock tests/unit/plugin/no-seccomp
tests_unit_plugin_no_landlock_SOURCES = tests/unit/plugin/old_kernel.c
tests_unit_plugin_no_landlock_CPPFLAGS = $(tests_unit_plugin_test_manual_CPPFLAGS) -DLACKS=SYS_landlock_create_ruleset
tests_unit_plugin_no_landlock_LDADD =
tests_unit_plugin_no_seccomp_SOURCES = tests/unit/plugin/old_kernel.c
tests_unit_plugin_no_seccomp_CPPFLAGS = $(tests_unit_plugin_test_manual_CPPFLAGS) -DLACKS=SYS_seccomp
tests_unit_plugin_no_seccomp_LDADD =
