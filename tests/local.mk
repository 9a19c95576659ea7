# Tests: unit/ mirrors core/, db/ talks to servers that it starts itself, kit/ is what both are written with.
# A test program is one line here, its source is its name with .c; it links what LDADD names. Its last line is "N passed, N failed",
# which ./check adds up; a script among the TESTS has to end so, too.
# A test program is one line here, its source is its name with .c; it links what LDADD names.
UNIT_TESTS += tests/unit/cli/test_completion
UNIT_TESTS += tests/unit/cli/test_exits
UNIT_TESTS += tests/unit/cli/test_help
UNIT_TESTS += tests/unit/cli/test_look
UNIT_TESTS += tests/unit/cli/test_options
UNIT_TESTS += tests/unit/cli/test_render
UNIT_TESTS += tests/unit/cli/test_markdown tests/unit/cli/test_render_audit tests/unit/run/test_measured
UNIT_TESTS += tests/unit/cli/test_html tests/unit/cli/test_render_html
tests_unit_cli_test_html_SOURCES = tests/unit/cli/test_html.c tests/unit/cli/pages.c tests/unit/cli/pages.h
tests_unit_cli_test_render_html_SOURCES = tests/unit/cli/test_render_html.c tests/unit/cli/pages.c tests/unit/cli/pages.h
audit_look = tests/unit/audit/look.c tests/unit/audit/look.h
UNIT_TESTS += tests/unit/base/test_json
UNIT_TESTS += tests/unit/audit/test_model
UNIT_TESTS += tests/unit/audit/test_rules
UNIT_TESTS += tests/unit/audit/test_audit
tests_unit_audit_test_audit_SOURCES = tests/unit/audit/test_audit.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_dml
tests_unit_audit_test_dml_SOURCES = tests/unit/audit/test_dml.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_rules_columns
tests_unit_audit_test_rules_columns_SOURCES = tests/unit/audit/test_rules_columns.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_rules_constraints
tests_unit_audit_test_rules_constraints_SOURCES = tests/unit/audit/test_rules_constraints.c $(audit_look)
tests_unit_audit_test_rules_types_SOURCES = tests/unit/audit/test_rules_types.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_rules_indexes
tests_unit_audit_test_rules_indexes_SOURCES = tests/unit/audit/test_rules_indexes.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_rules_tables
tests_unit_audit_test_rules_tables_SOURCES = tests/unit/audit/test_rules_tables.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_rules_transaction
tests_unit_audit_test_rules_transaction_SOURCES = tests/unit/audit/test_rules_transaction.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_baseline tests/unit/audit/test_layout tests/unit/audit/test_script
EXTRA_DIST += tests/audit/trees
UNIT_TESTS += tests/unit/audit/test_rules_columns tests/unit/audit/test_rules_constraints tests/unit/audit/test_rules_types
UNIT_TESTS += tests/unit/audit/test_dml_routines
tests_unit_audit_test_dml_routines_SOURCES = tests/unit/audit/test_dml_routines.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_dml_hostile
tests_unit_audit_test_dml_hostile_SOURCES = tests/unit/audit/test_dml_hostile.c $(audit_look)
UNIT_TESTS += tests/unit/audit/test_history tests/unit/audit/test_priority
tests_unit_audit_test_history_SOURCES = tests/unit/audit/test_history.c $(audit_look)
tests_unit_audit_test_priority_SOURCES = tests/unit/audit/test_priority.c $(audit_look)
EXTRA_DIST += tests/audit/history
UNIT_TESTS += tests/unit/backfill/test_size
UNIT_TESTS += tests/unit/backfill/test_window
UNIT_TESTS += tests/unit/cli/test_render_backfill
UNIT_TESTS += tests/unit/cli/test_report_fill
UNIT_TESTS += tests/unit/cli/test_render_index
UNIT_TESTS += tests/unit/cli/test_report_index
UNIT_TESTS += tests/unit/scaffold/test_c_text tests/unit/scaffold/test_scaffold tests/unit/scaffold/test_fingerprint tests/unit/scaffold/test_take_over
UNIT_TESTS += tests/unit/test_includes
UNIT_TESTS += tests/unit/kit/test_test
UNIT_TESTS += tests/unit/etc/test_manifests
UNIT_TESTS += tests/unit/db/test_db tests/unit/db/test_dsn tests/unit/db/test_script tests/unit/rehearse/test_schema_from tests/unit/db/test_quote tests/unit/db/test_said \
	tests/unit/db/test_sqlstate
tests_unit_db_test_db_SOURCES = tests/unit/db/test_db.c tests/unit/db/fakepq.c tests/unit/db/fakepq.h
tests_unit_db_test_db_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS)
UNIT_TESTS += tests/unit/exec/test_note
UNIT_TESTS += tests/unit/index/test_tree
UNIT_TESTS += tests/unit/run/test_graph tests/unit/cli/test_render_graph tests/unit/cli/test_render_tap
UNIT_TESTS += tests/unit/exec/test_retry
UNIT_TESTS += tests/unit/index/test_leftover
UNIT_TESTS += tests/unit/index/test_progress
UNIT_TESTS += tests/unit/exec/test_worker
UNIT_TESTS += tests/unit/index/test_builder_notes
UNIT_TESTS += tests/unit/index/test_builders
UNIT_TESTS += tests/unit/index/test_builders_kept
UNIT_TESTS += tests/unit/index/test_definition
UNIT_TESTS += tests/unit/manifest/test_expand
# Faults in calls and allocations (tests/unit/fault.h): the linker leads the calls of our own objects there.
fault = tests/unit/fault.c tests/unit/fault.h
fault_wraps = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=read,--wrap=write,--wrap=recv,--wrap=send,--wrap=_exit,--wrap=__gcov_dump
UNIT_TESTS += tests/unit/manifest/test_faults
tests_unit_manifest_test_faults_SOURCES = tests/unit/manifest/test_faults.c $(fault)
tests_unit_manifest_test_faults_LDFLAGS = $(AM_LDFLAGS) $(fault_wraps),--wrap=ini_parse_stream
UNIT_TESTS += tests/unit/manifest/test_graph
UNIT_TESTS += tests/unit/manifest/test_ini
UNIT_TESTS += tests/unit/manifest/test_inih
UNIT_TESTS += tests/unit/manifest/test_settings
UNIT_TESTS += tests/unit/manifest/test_source
UNIT_TESTS += tests/unit/manifest/test_steps
EXTRA_DIST += tests/unit/manifest/read.h tests/unit/manifest/twelve-mistakes.ini
UNIT_TESTS += tests/unit/run/test_deploy_ready tests/unit/run/test_index_schedule
UNIT_TESTS += tests/unit/sql/test_lex
UNIT_TESTS += tests/unit/sql/test_mask
UNIT_TESTS += tests/unit/sql/test_parse
UNIT_TESTS += tests/unit/sql/test_policy
UNIT_TESTS += tests/unit/sql/test_exists
UNIT_TESTS += tests/unit/sql/test_statements

# In the order in which they are started: what takes longest comes first.
DB_TESTS = tests/db/test_kit
DB_TESTS += tests/db/test_killed_deploy tests/db/test_killed_deploy_pooled
killed_deploy = tests/db/kills.c tests/db/kills.h tests/db/left.c tests/db/left.h tests/db/crm.c tests/db/crm.h
tests_db_test_killed_deploy_SOURCES = tests/db/test_killed_deploy.c $(killed_deploy)
tests_db_test_killed_deploy_pooled_SOURCES = tests/db/test_killed_deploy_pooled.c $(killed_deploy)
DB_TESTS += tests/db/test_deploy_pair
tests_db_test_deploy_pair_SOURCES = tests/db/test_deploy_pair.c $(killed_deploy)
DB_TESTS += tests/db/test_index_faults tests/db/test_index_faults_pooled tests/db/test_index_faults_past
index_faults = tests/db/build_faults.c tests/db/build_faults.h tests/db/builds.c tests/db/builds.h
tests_db_test_index_faults_SOURCES = tests/db/test_index_faults.c $(index_faults)
tests_db_test_index_faults_pooled_SOURCES = tests/db/test_index_faults_pooled.c $(index_faults)
tests_db_test_index_faults_past_SOURCES = tests/db/test_index_faults_past.c $(index_faults)
DB_TESTS += tests/db/test_index_cases
tests_db_test_index_cases_SOURCES = tests/db/test_index_cases.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_index_waits
tests_db_test_index_waits_SOURCES = tests/db/test_index_waits.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_index_drop
tests_db_test_index_drop_SOURCES = tests/db/test_index_drop.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_index_parts
tests_db_test_index_parts_SOURCES = tests/db/test_index_parts.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_index_pair
tests_db_test_index_pair_SOURCES = tests/db/test_index_pair.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_killed_sequence
tests_db_test_killed_sequence_SOURCES = tests/db/test_killed_sequence.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h \
	tests/db/left.c tests/db/left.h
DB_TESTS += tests/db/test_index_odd
tests_db_test_index_odd_SOURCES = tests/db/test_index_odd.c tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_index_cuts
tests_db_test_index_cuts_SOURCES = tests/db/test_index_cuts.c tests/db/both_ways.h tests/db/builds.c tests/db/builds.h
DB_TESTS += tests/db/test_killed
tests_db_test_killed_SOURCES = tests/db/test_killed.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_killed_pooled
tests_db_test_killed_pooled_SOURCES = tests/db/test_killed_pooled.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_crashed
tests_db_test_crashed_SOURCES = tests/db/test_crashed.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_outside
tests_db_test_outside_SOURCES = tests/db/test_outside.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_existing tests/db/test_writes tests/db/test_opened
DB_TESTS += tests/db/test_rehearse
rehearsed = tests/db/rehearsed.c tests/db/rehearsed.h
tests_db_test_rehearse_SOURCES = tests/db/test_rehearse.c $(rehearsed)
DB_TESTS += tests/db/test_rehearse_real
tests_db_test_rehearse_real_SOURCES = tests/db/test_rehearse_real.c tests/db/project.c tests/db/project.h $(rehearsed)
DB_TESTS += tests/db/test_rehearse_truth
tests_db_test_rehearse_truth_SOURCES = tests/db/test_rehearse_truth.c $(rehearsed)
DB_TESTS += tests/db/test_test
tests_db_test_test_SOURCES = tests/db/test_test.c $(rehearsed)
DB_TESTS += tests/db/test_audit_model
DB_TESTS += tests/db/test_keys
DB_TESTS += tests/db/test_legacy
DB_TESTS += tests/db/test_statements tests/db/test_example
DB_TESTS += tests/db/test_throttle
DB_TESTS += tests/db/test_index_build
tests_db_test_example_SOURCES = tests/db/test_example.c tests/db/crm.c tests/db/crm.h
DB_TESTS += tests/db/test_crm_backfills
tests_db_test_crm_backfills_SOURCES = tests/db/test_crm_backfills.c tests/db/crm.c tests/db/crm.h
DB_TESTS += tests/db/test_index_forms
DB_TESTS += tests/db/test_crm_indexes
tests_db_test_crm_indexes_SOURCES = tests/db/test_crm_indexes.c tests/db/crm.c tests/db/crm.h
DB_TESTS += tests/db/test_audit_locks tests/db/test_audit_rules
tests_db_test_audit_rules_SOURCES = tests/db/test_audit_rules.c $(audit_look)
DB_TESTS += tests/db/test_rows
DB_TESTS += tests/db/test_db tests/db/test_embedded
DB_TESTS += tests/db/test_cli
DB_TESTS += tests/db/test_faults
tests_db_test_faults_SOURCES = tests/db/test_faults.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_signals
tests_db_test_signals_SOURCES = tests/db/test_signals.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_outages
tests_db_test_outages_SOURCES = tests/db/test_outages.c tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_deploy
tests_db_test_deploy_SOURCES = tests/db/test_deploy.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_index_phase
tests_db_test_index_phase_SOURCES = tests/db/test_index_phase.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_index_told
tests_db_test_index_told_SOURCES = tests/db/test_index_told.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_sequence
tests_db_test_sequence_SOURCES = tests/db/test_sequence.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_lease
tests_db_test_lease_SOURCES = tests/db/test_lease.c tests/db/runners.c tests/db/runners.h tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_away
tests_db_test_away_SOURCES = tests/db/test_away.c tests/db/runners.c tests/db/runners.h tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_edges
tests_db_test_edges_SOURCES = tests/db/test_edges.c tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_locks
tests_db_test_locks_SOURCES = tests/db/test_locks.c tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_policy
tests_db_test_policy_SOURCES = tests/db/test_policy.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_world
tests_db_test_world_SOURCES = tests/db/test_world.c tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_passwords
tests_db_test_passwords_SOURCES = tests/db/test_passwords.c tests/db/deploys.c tests/db/deploys.h
DB_TESTS += tests/db/test_zoo
tests_db_test_zoo_SOURCES = tests/db/test_zoo.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_migrate
tests_db_test_migrate_SOURCES = tests/db/test_migrate.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_existed
tests_db_test_existed_SOURCES = tests/db/test_existed.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_reports
tests_db_test_reports_SOURCES = tests/db/test_reports.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_ranges
tests_db_test_ranges_SOURCES = tests/db/test_ranges.c tests/db/states.c tests/db/states.h
DB_TESTS += tests/db/test_backfill_state
tests_db_test_backfill_state_SOURCES = tests/db/test_backfill_state.c tests/db/states.c tests/db/states.h
DB_TESTS += tests/db/test_graph
tests_db_test_graph_SOURCES = tests/db/test_graph.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_index_duplicates
tests_db_test_index_duplicates_SOURCES = tests/db/test_index_duplicates.c tests/db/parted.c tests/db/parted.h
DB_TESTS += tests/db/test_index_partitions
tests_db_test_index_partitions_SOURCES = tests/db/test_index_partitions.c tests/db/parted.c tests/db/parted.h
DB_TESTS += tests/db/test_index_look
DB_TESTS += tests/db/test_index_state
tests_db_test_index_state_SOURCES = tests/db/test_index_state.c tests/db/states.c tests/db/states.h
DB_TESTS += tests/db/test_exactly_once tests/db/test_exactly_once_pooled
tests_db_test_exactly_once_SOURCES = tests/db/test_exactly_once.c tests/db/once.c tests/db/once.h tests/db/faults.c tests/db/faults.h
tests_db_test_exactly_once_pooled_SOURCES = tests/db/test_exactly_once_pooled.c tests/db/once.c tests/db/once.h \
	tests/db/faults.c tests/db/faults.h
DB_TESTS += tests/db/test_locked_rows
tests_db_test_locked_rows_SOURCES = tests/db/test_locked_rows.c tests/db/fills.c tests/db/fills.h tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_backfill_places
tests_db_test_backfill_places_SOURCES = tests/db/test_backfill_places.c tests/db/fills.c tests/db/fills.h tests/db/project.c \
	tests/db/project.h
DB_TESTS += tests/db/test_backfill_at_once
tests_db_test_backfill_at_once_SOURCES = tests/db/test_backfill_at_once.c tests/db/fills.c tests/db/fills.h tests/db/project.c \
	tests/db/project.h
DB_TESTS += tests/db/test_bad_rows
tests_db_test_bad_rows_SOURCES = tests/db/test_bad_rows.c tests/db/fills.c tests/db/fills.h tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_backfill_cli
tests_db_test_backfill_cli_SOURCES = tests/db/test_backfill_cli.c tests/db/fills.c tests/db/fills.h tests/db/project.c \
	tests/db/project.h
DB_TESTS += tests/db/test_held
tests_db_test_held_SOURCES = tests/db/test_held.c tests/db/fills.c tests/db/fills.h tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_backfill_limits
tests_db_test_backfill_limits_SOURCES = tests/db/test_backfill_limits.c tests/db/fills.c tests/db/fills.h tests/db/project.c \
	tests/db/project.h
DB_TESTS += tests/db/test_backfill_reports
tests_db_test_backfill_reports_SOURCES = tests/db/test_backfill_reports.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_index_reports
tests_db_test_index_reports_SOURCES = tests/db/test_index_reports.c tests/db/project.c tests/db/project.h

DB_TESTS += tests/db/test_index_cli
tests_db_test_index_cli_SOURCES = tests/db/test_index_cli.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_new tests/db/test_from_sql
DB_TESTS += tests/db/test_index_line
tests_db_test_index_line_SOURCES = tests/db/test_index_line.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_index_builders
tests_db_test_index_builders_SOURCES = tests/db/test_index_builders.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_audit_cli tests/db/test_audit_own
tests_db_test_audit_cli_SOURCES = tests/db/test_audit_cli.c tests/db/project.c tests/db/project.h
DB_TESTS += tests/db/test_rules_measured
tests_db_test_rules_measured_SOURCES = tests/db/test_rules_measured.c $(audit_look)

TESTS += $(UNIT_TESTS) $(DB_TESTS)
check_PROGRAMS += $(UNIT_TESTS) $(DB_TESTS) tests/unit/kit/bad_tests
LDADD = libsgrun-core.la libsgrun-test.la

# All that "make check" runs, built but not run.
# After all, not beside it: two makes at once would link from what is half made.
build-tests: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(check_LTLIBRARIES)
.PHONY: build-tests

# The tests with servers, with the sgrun that is installed.
installcheck-local: build-tests
	SGRUN_TEST_BINDIR='$(DESTDIR)$(bindir)' $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(DB_TESTS)'

# The unit tests under valgrind; an error in it is a failure of the program it was found in.
check-valgrind: build-tests
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)' LOG_COMPILER='$(LIBTOOL) --mode=execute valgrind' \
		LOG_FLAGS='-q --suppressions=$(abs_srcdir)/tests/valgrind.supp --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
.PHONY: check-valgrind

check_LTLIBRARIES += libsgrun-test.la
libsgrun_test_la_SOURCES = \
	tests/kit/pgbouncer.c tests/kit/pgbouncer.h \
	tests/kit/proc.c tests/kit/proc.h \
	tests/kit/proxy.c tests/kit/proxy.h \
	tests/kit/proxy_conn.c tests/kit/proxy_loop.c tests/kit/proxy_parts.h \
	tests/kit/run.c tests/kit/run.h \
	tests/kit/server.c tests/kit/server.h \
	tests/kit/sql.c tests/kit/sql.h \
	tests/kit/statements.c tests/kit/statements.h \
	tests/kit/super.c tests/kit/super.h \
	tests/kit/test.c tests/kit/test.h \
	tests/kit/tmp.c tests/kit/tmp.h
libsgrun_test_la_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS) $(LIBPQ_CFLAGS) \
	-DSG_TEST_SRCDIR='"$(abs_top_srcdir)"' -DSG_TEST_BUILDDIR='"$(abs_top_builddir)"'
libsgrun_test_la_LIBADD = $(CUNIT_LIBS) $(LIBPQ_LIBS)

EXTRA_DIST += tests/valgrind.supp quickstart .ci/prepare .ci/run

# Not in EXTRA_DIST: what is there is made before it is packed, and to make "check" means to run all tests.
dist-hook:
	cp -p $(srcdir)/check $(distdir)/check
UNIT_TESTS += tests/unit/audit/test_rules_inside
tests_unit_audit_test_rules_inside_SOURCES = tests/unit/audit/test_rules_inside.c $(audit_look)
