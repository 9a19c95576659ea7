# The host: everything but main() is libsgrun-core, which the unit tests link.
noinst_LTLIBRARIES += libsgrun-core.la
libsgrun_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS) $(MD_CFLAGS)
libsgrun_core_la_LIBADD = libsgrun-wire.la $(LIBPQ_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(MD_LIBS) $(PG_QUERY_LIBS) -lpthread
# One line a file, so that two changes meet rarely.
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
libsgrun_core_la_SOURCES += core/db/conninfo.h
libsgrun_core_la_SOURCES += core/db/db.c core/db/db.h
libsgrun_core_la_SOURCES += core/db/dsn.c core/db/dsn.h
libsgrun_core_la_SOURCES += core/db/open.c
libsgrun_core_la_SOURCES += core/db/quote.c
libsgrun_core_la_SOURCES += core/db/result.c core/db/result.h
libsgrun_core_la_SOURCES += core/db/said.c core/db/said.h
libsgrun_core_la_SOURCES += core/db/sqlstate.c core/db/sqlstate.h
libsgrun_core_la_SOURCES += core/db/target.c
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

bin_PROGRAMS += sgrun
sgrun_SOURCES = core/cli/main.c
sgrun_LDADD = libsgrun-core.la
