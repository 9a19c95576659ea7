# Migrations whose work is in the manifest, for tests/db: one source, an id each.
scripted_ldflags = $(SG_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^(sg_plugin|fingerprint|run)$$'
check_LTLIBRARIES += tests/scripted/s01.la
tests_scripted_s01_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s01_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s01"'
tests_scripted_s01_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s01_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s01_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s02.la
tests_scripted_s02_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s02_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s02"'
tests_scripted_s02_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s02_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s02_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s03.la
tests_scripted_s03_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s03_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s03"'
tests_scripted_s03_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s03_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s03_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s04.la
tests_scripted_s04_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s04_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s04"'
tests_scripted_s04_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s04_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s04_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s05.la
tests_scripted_s05_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s05_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s05"'
tests_scripted_s05_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s05_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s05_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s06.la
tests_scripted_s06_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s06_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s06"'
tests_scripted_s06_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s06_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s06_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s07.la
tests_scripted_s07_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s07_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s07"'
tests_scripted_s07_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s07_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s07_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s08.la
tests_scripted_s08_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s08_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s08"'
tests_scripted_s08_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s08_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s08_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s09.la
tests_scripted_s09_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s09_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s09"'
tests_scripted_s09_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s09_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s09_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s10.la
tests_scripted_s10_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s10_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s10"'
tests_scripted_s10_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s10_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s10_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s11.la
tests_scripted_s11_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s11_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s11"'
tests_scripted_s11_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s11_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s11_la_LIBADD =
check_LTLIBRARIES += tests/scripted/s12.la
tests_scripted_s12_la_SOURCES = tests/scripted/scripted.c
tests_scripted_s12_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"s12"'
tests_scripted_s12_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_s12_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_s12_la_LIBADD =
check_LTLIBRARIES += tests/scripted/x01.la
tests_scripted_x01_la_SOURCES = tests/scripted/scripted.c
tests_scripted_x01_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"x01"' -DSCRIPTED_FLAGS=SG_NO_TRANSACTION
tests_scripted_x01_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_x01_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_x01_la_LIBADD =
check_LTLIBRARIES += tests/scripted/x02.la
tests_scripted_x02_la_SOURCES = tests/scripted/scripted.c
tests_scripted_x02_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"x02"' -DSCRIPTED_FLAGS=SG_NO_TRANSACTION
tests_scripted_x02_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_x02_la_LDFLAGS = $(scripted_ldflags)
tests_scripted_x02_la_LIBADD =
