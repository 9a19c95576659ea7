# The zoo: plugins, most of them bad, one file each. -rpath makes libtool build a .so that is never installed.
ZOO = tests/plugins/good_ddl.la

check_LTLIBRARIES += $(ZOO)
ZOO_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(SG_LDFLAGS)
ZOO_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_plugins_good_ddl_la_CFLAGS = $(ZOO_CFLAGS)
tests_plugins_good_ddl_la_LDFLAGS = $(ZOO_LDFLAGS)
