# The host: everything but main() is libsgrun-core, which the unit tests link.
noinst_LTLIBRARIES += libsgrun-core.la
libsgrun_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBPQ_CFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS) $(MD_CFLAGS)
libsgrun_core_la_LIBADD = libsgrun-wire.la $(LIBPQ_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(MD_LIBS) $(PG_QUERY_LIBS) -lpthread
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
	core/base/stop.c core/base/stop.h \
	core/base/text.c core/base/text.h
libsgrun_core_la_SOURCES += \
	core/db/conninfo.h \
	core/db/db.c core/db/db.h \
	core/db/dsn.c core/db/dsn.h \
	core/db/open.c \
	core/db/quote.c \
	core/db/result.c core/db/result.h \
	core/db/said.c core/db/said.h \
	core/db/sqlstate.c core/db/sqlstate.h \
	core/db/target.c

bin_PROGRAMS += sgrun
sgrun_SOURCES = core/cli/main.c
sgrun_LDADD = libsgrun-core.la
