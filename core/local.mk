# The host: everything but main() is libsgrun-core, which the unit tests link.
noinst_LTLIBRARIES += libsgrun-core.la
libsgrun_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS) $(MD_CFLAGS)
libsgrun_core_la_LIBADD = libsgrun-wire.la $(LIBPQ_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(MD_LIBS) $(PG_QUERY_LIBS) -lpthread

bin_PROGRAMS += sgrun
sgrun_SOURCES = core/cli/main.c
sgrun_LDADD = libsgrun-core.la

# One line a file, in the order of the alphabet, so that two changes meet rarely.
libsgrun_core_la_SOURCES =
libsgrun_core_la_SOURCES += \
libsgrun_core_la_SOURCES += core/base/arena.c core/base/arena.h
libsgrun_core_la_SOURCES += core/base/base.h
libsgrun_core_la_SOURCES += core/base/buf.c core/base/buf.h
libsgrun_core_la_SOURCES += core/base/class.c core/base/class.h
libsgrun_core_la_SOURCES += core/base/clock.c core/base/clock.h
libsgrun_core_la_SOURCES += core/base/err.c core/base/err.h
libsgrun_core_la_SOURCES += core/base/hash.c core/base/hash.h
libsgrun_core_la_SOURCES += core/base/json.c core/base/json.h
libsgrun_core_la_SOURCES += core/base/log.c core/base/log.h
libsgrun_core_la_SOURCES += core/base/stop.c core/base/stop.h
libsgrun_core_la_SOURCES += core/base/text.c core/base/text.h
libsgrun_core_la_SOURCES += core/cli/cli.c core/cli/cli.h
libsgrun_core_la_SOURCES += core/cli/cmd_check.c
libsgrun_core_la_SOURCES += core/cli/cmd_deploy.c
libsgrun_core_la_SOURCES += core/cli/cmd_plan.c
libsgrun_core_la_SOURCES += core/cli/cmd_status.c
libsgrun_core_la_SOURCES += core/cli/cmd_verify.c
libsgrun_core_la_SOURCES += core/cli/exits.c core/cli/exits.h
libsgrun_core_la_SOURCES += core/cli/help.c
libsgrun_core_la_SOURCES += core/cli/live.c core/cli/live.h
libsgrun_core_la_SOURCES += core/cli/look.c core/cli/look.h
libsgrun_core_la_SOURCES += core/cli/options.c core/cli/options.h
libsgrun_core_la_SOURCES += core/cli/render.c core/cli/render.h
libsgrun_core_la_SOURCES += core/cli/render_migrate.c
libsgrun_core_la_SOURCES += core/cli/render_plan.c
libsgrun_core_la_SOURCES += core/cli/render_settings.c
libsgrun_core_la_SOURCES += core/cli/render_status.c
libsgrun_core_la_SOURCES += core/cli/render_verify.c
libsgrun_core_la_SOURCES += core/cli/report.c core/cli/report.h
libsgrun_core_la_SOURCES += core/cli/version.c core/cli/version.h
libsgrun_core_la_SOURCES += core/db/child.c core/db/child.h
libsgrun_core_la_SOURCES += core/db/conninfo.h
libsgrun_core_la_SOURCES += core/db/db.c core/db/db.h
libsgrun_core_la_SOURCES += core/db/dsn.c core/db/dsn.h
libsgrun_core_la_SOURCES += core/db/embedded.c core/db/embedded.h
libsgrun_core_la_SOURCES += core/db/embedded_home.c
libsgrun_core_la_SOURCES += core/db/embedded_init.c
libsgrun_core_la_SOURCES += core/db/embedded_parts.h
libsgrun_core_la_SOURCES += core/db/embedded_programs.c
libsgrun_core_la_SOURCES += core/db/embedded_server.c
libsgrun_core_la_SOURCES += core/db/open.c
libsgrun_core_la_SOURCES += core/db/quote.c
libsgrun_core_la_SOURCES += core/db/result.c core/db/result.h
libsgrun_core_la_SOURCES += core/db/said.c core/db/said.h
libsgrun_core_la_SOURCES += core/db/script.c core/db/script.h
libsgrun_core_la_SOURCES += core/db/sqlstate.c core/db/sqlstate.h
libsgrun_core_la_SOURCES += core/db/target.c
libsgrun_core_la_SOURCES += core/exec/checks.c core/exec/checks.h
libsgrun_core_la_SOURCES += core/exec/executor.c core/exec/executor.h
libsgrun_core_la_SOURCES += core/exec/existing.c core/exec/existing.h
libsgrun_core_la_SOURCES += core/exec/journal.c core/exec/journal.h
libsgrun_core_la_SOURCES += core/exec/probe.c core/exec/probe.h
libsgrun_core_la_SOURCES += core/exec/record.c core/exec/record.h
libsgrun_core_la_SOURCES += core/exec/retry.c core/exec/retry.h
libsgrun_core_la_SOURCES += core/exec/session.c core/exec/session.h
libsgrun_core_la_SOURCES += core/exec/watch.c core/exec/watch.h
libsgrun_core_la_SOURCES += core/manifest/checks.c core/manifest/checks.h
libsgrun_core_la_SOURCES += core/manifest/draft.h
libsgrun_core_la_SOURCES += core/manifest/expand.c core/manifest/expand.h
libsgrun_core_la_SOURCES += core/manifest/graph.c
libsgrun_core_la_SOURCES += core/manifest/ini.c core/manifest/ini.h
libsgrun_core_la_SOURCES += core/manifest/manifest.c core/manifest/manifest.h
libsgrun_core_la_SOURCES += core/manifest/names.c core/manifest/names.h
libsgrun_core_la_SOURCES += core/manifest/override.c
libsgrun_core_la_SOURCES += core/manifest/reading.c core/manifest/reading.h
libsgrun_core_la_SOURCES += core/manifest/sections.c
libsgrun_core_la_SOURCES += core/manifest/settings.c core/manifest/settings.h
libsgrun_core_la_SOURCES += core/manifest/source.c core/manifest/source.h
libsgrun_core_la_SOURCES += core/manifest/steps.c
libsgrun_core_la_SOURCES += core/manifest/value.c core/manifest/value.h
libsgrun_core_la_SOURCES += core/plugin/abi.h
libsgrun_core_la_SOURCES += core/plugin/channel.c core/plugin/channel.h
libsgrun_core_la_SOURCES += core/plugin/image.c core/plugin/image.h
libsgrun_core_la_SOURCES += core/plugin/judge.c core/plugin/judge.h
libsgrun_core_la_SOURCES += core/plugin/process.c core/plugin/process.h
libsgrun_core_la_SOURCES += core/plugin/rows.c
libsgrun_core_la_SOURCES += core/plugin/spawn.c core/plugin/spawn.h
libsgrun_core_la_SOURCES += core/plugin/table.h
libsgrun_core_la_SOURCES += core/run/ask.c core/run/ask.h
libsgrun_core_la_SOURCES += core/run/attempt.c core/run/attempt.h
libsgrun_core_la_SOURCES += core/run/check.c
libsgrun_core_la_SOURCES += core/run/connect.c core/run/connect.h
libsgrun_core_la_SOURCES += core/run/gates.c core/run/gates.h
libsgrun_core_la_SOURCES += core/run/migrate.c
libsgrun_core_la_SOURCES += core/run/observer.h
libsgrun_core_la_SOURCES += core/run/outside.c core/run/outside.h
libsgrun_core_la_SOURCES += core/run/plan.c
libsgrun_core_la_SOURCES += core/run/plugins.c core/run/plugins.h
libsgrun_core_la_SOURCES += core/run/run.c core/run/run.h
libsgrun_core_la_SOURCES += core/run/status.c
libsgrun_core_la_SOURCES += core/run/verify.c
libsgrun_core_la_SOURCES += core/sql/alter.c
libsgrun_core_la_SOURCES += core/sql/create.c
libsgrun_core_la_SOURCES += core/sql/doblock.c
libsgrun_core_la_SOURCES += core/sql/functions.c
libsgrun_core_la_SOURCES += core/sql/judge.h
libsgrun_core_la_SOURCES += core/sql/lex.c core/sql/lex.h
libsgrun_core_la_SOURCES += core/sql/mask.c core/sql/mask.h
libsgrun_core_la_SOURCES += core/sql/names.c
libsgrun_core_la_SOURCES += core/sql/parse.c core/sql/parse.h
libsgrun_core_la_SOURCES += core/sql/policy.c core/sql/policy.h
libsgrun_core_la_SOURCES += core/sql/statements.c
libsgrun_core_la_SOURCES += core/sql/tree.c core/sql/tree.h
libsgrun_core_la_SOURCES += core/sql/types.c
libsgrun_core_la_SOURCES += core/sql/unparsed.c
libsgrun_core_la_SOURCES += core/sql/walk.c
libsgrun_core_la_SOURCES += core/state/attempts.c core/state/attempts.h
libsgrun_core_la_SOURCES += core/state/lease.c core/state/lease.h
libsgrun_core_la_SOURCES += core/state/ledger.c core/state/ledger.h
libsgrun_core_la_SOURCES += core/state/schema.c core/state/schema.h
	core/db/child.c core/db/child.h \
	core/db/conninfo.h \
	core/db/db.c core/db/db.h \
	core/db/dsn.c core/db/dsn.h \
	core/db/embedded.c core/db/embedded.h \
	core/db/embedded_home.c core/db/embedded_init.c core/db/embedded_parts.h \
	core/db/embedded_programs.c core/db/embedded_server.c \
	core/db/open.c \
	core/db/quote.c \
	core/db/result.c core/db/result.h \
	core/db/said.c core/db/said.h \
	core/db/script.c core/db/script.h \
	core/db/sqlstate.c core/db/sqlstate.h \
	core/db/target.c
libsgrun_core_la_SOURCES = \
	core/base/arena.c core/base/arena.h \
	core/base/base.h \
	core/base/buf.c core/base/buf.h \
	core/base/class.c core/base/class.h \
	core/base/clock.c core/base/clock.h \
	core/base/err.c core/base/err.h \
	core/base/hash.c core/base/hash.h \
	core/base/json.c core/base/json.h \
	core/base/log.c core/base/log.h \
	core/base/text.c core/base/text.h \
	core/sql/alter.c \
	core/sql/create.c \
	core/sql/doblock.c \
	core/sql/functions.c \
	core/sql/judge.h \
	core/sql/lex.c core/sql/lex.h \
	core/sql/mask.c core/sql/mask.h \
	core/sql/names.c \
	core/sql/parse.c core/sql/parse.h \
	core/sql/policy.c core/sql/policy.h \
	core/sql/statements.c \
	core/sql/tree.c core/sql/tree.h \
	core/sql/types.c \
	core/sql/unparsed.c \
	core/sql/walk.c
	core/manifest/checks.c core/manifest/checks.h \
	core/manifest/draft.h \
	core/manifest/expand.c core/manifest/expand.h \
	core/manifest/graph.c \
	core/manifest/ini.c core/manifest/ini.h \
	core/manifest/manifest.c core/manifest/manifest.h \
	core/manifest/names.c core/manifest/names.h \
	core/manifest/override.c \
	core/manifest/reading.c core/manifest/reading.h \
	core/manifest/sections.c \
	core/manifest/settings.c core/manifest/settings.h \
	core/manifest/source.c core/manifest/source.h \
	core/manifest/steps.c \
	core/manifest/value.c core/manifest/value.h
libsgrun_core_la_SOURCES += core/exec/checks.c core/exec/checks.h
libsgrun_core_la_SOURCES += core/exec/existing.c core/exec/existing.h
libsgrun_core_la_SOURCES += core/exec/executor.c core/exec/executor.h
libsgrun_core_la_SOURCES += core/exec/journal.c core/exec/journal.h
libsgrun_core_la_SOURCES += core/exec/probe.c core/exec/probe.h
libsgrun_core_la_SOURCES += core/exec/record.c core/exec/record.h
libsgrun_core_la_SOURCES += core/exec/retry.c core/exec/retry.h
libsgrun_core_la_SOURCES += core/exec/session.c core/exec/session.h
libsgrun_core_la_SOURCES += core/exec/watch.c core/exec/watch.h
libsgrun_core_la_SOURCES += core/run/attempt.c core/run/attempt.h
libsgrun_core_la_SOURCES += core/run/connect.c core/run/connect.h
libsgrun_core_la_SOURCES += core/run/gates.c core/run/gates.h
libsgrun_core_la_SOURCES += core/run/outside.c core/run/outside.h
libsgrun_core_la_SOURCES += core/run/plugins.c core/run/plugins.h
libsgrun_core_la_SOURCES += core/run/check.c
libsgrun_core_la_SOURCES += core/run/migrate.c
libsgrun_core_la_SOURCES += core/run/ask.c core/run/ask.h
libsgrun_core_la_SOURCES += core/run/plan.c
libsgrun_core_la_SOURCES += core/run/status.c
libsgrun_core_la_SOURCES += core/run/verify.c
libsgrun_core_la_SOURCES += core/run/run.c core/run/run.h core/run/observer.h

bin_PROGRAMS += sgrun
sgrun_SOURCES = core/cli/main.c
sgrun_LDADD = libsgrun-core.la
