# Manifests: demo.ini is made for this build folder, with a link to the SQL beside it: a path from the root may be longer than a line of
# a manifest can be. The SQL and prod.ini are as they stand.
noinst_DATA = etc/demo.ini
CLEANFILES += etc/demo.ini
EXTRA_DIST += etc/demo.ini.in etc/demo-legacy.sql

etc/demo.ini: etc/demo.ini.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && { test -f etc/demo-legacy.sql || ln -sf $(abs_srcdir)/etc/demo-legacy.sql etc/demo-legacy.sql; } \
		&& cat $(srcdir)/etc/demo.ini.in >$@.tmp && mv $@.tmp $@

CLEAN_LOCAL += clean-etc
clean-etc:
	-test ! -L etc/demo-legacy.sql || rm -f etc/demo-legacy.sql
