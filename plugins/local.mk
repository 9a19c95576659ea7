# The other side of the fence: the one installed header, the wire both sides
# speak, and the program that loads a plugin.
sgrunincludedir = $(includedir)/sgrun
sgruninclude_HEADERS = plugins/include/sgrun/plugin.h
noinst_LTLIBRARIES += libsgrun-wire.la
libsgrun_wire_la_SOURCES = plugins/wire/wire.c plugins/wire/wire.h
