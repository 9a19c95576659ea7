# The other side of the fence: the one installed header, the wire both sides
# speak, and the program that loads a plugin.
sgrunincludedir = $(includedir)/sgrun
sgruninclude_HEADERS = plugins/include/sgrun/plugin.h
noinst_LTLIBRARIES += libsgrun-wire.la libsgrun-loader.la
libsgrun_wire_la_SOURCES = plugins/wire/wire.c plugins/wire/wire.h

# The pure parts of sgrun-plugin, which unit tests link too.
libsgrun_loader_la_SOURCES = \
	plugins/process/elf.c plugins/process/elf.h \
	plugins/process/quote.c plugins/process/quote.h

# The seccomp filters, computed when sgrun is built (see filter_make.c).
noinst_PROGRAMS += plugins/process/filter-make
plugins_process_filter_make_SOURCES = plugins/process/filter_make.c plugins/process/filter.h
plugins_process_filter_make_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
plugins_process_filter_make_LDADD = $(SECCOMP_LIBS)
plugins/process/filters.h: plugins/process/filter-make$(EXEEXT)
	$(AM_V_GEN)plugins/process/filter-make$(EXEEXT) >$@.new && mv $@.new $@
CLEANFILES += plugins/process/filters.h plugins/process/filters.h.new

# Few libraries: each costs time in every process that is started.
pkglibexec_PROGRAMS += sgrun-plugin
sgrun_plugin_SOURCES = \
	plugins/process/api.c plugins/process/api.h \
	plugins/process/channel.c plugins/process/channel.h \
	plugins/process/confine.c plugins/process/confine.h plugins/process/filter.h \
	plugins/process/landlock.c plugins/process/landlock.h \
	plugins/process/load.c plugins/process/load.h \
	plugins/process/main.c \
	plugins/process/nursery.c plugins/process/nursery.h
nodist_sgrun_plugin_SOURCES = plugins/process/filters.h
plugins/process/sgrun_plugin-confine.$(OBJEXT): plugins/process/filters.h
sgrun_plugin_CFLAGS = $(AM_CFLAGS) -fPIE
sgrun_plugin_LDFLAGS = $(AM_LDFLAGS) -pie
sgrun_plugin_LDADD = libsgrun-loader.la libsgrun-wire.la $(DL_LIBS)
