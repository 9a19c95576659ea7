# Manifests: demo.ini is made for this build folder; the SQL and prod.ini are as
# they stand. demo.ini names the SQL by its absolute path, so that it is found
# from a build folder anywhere.
noinst_DATA = etc/demo.ini
CLEANFILES += etc/demo.ini
EXTRA_DIST += etc/prod.ini etc/demo.ini.in etc/demo-legacy.sql

etc/demo.ini: etc/demo.ini.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && sed 's|@sql_folder@|$(abs_srcdir)/etc|' $(srcdir)/etc/demo.ini.in >$@.tmp && mv $@.tmp $@
