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

# Backfills likewise: an id, a table, a key and flags each.
filled_ldflags = $(SG_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^(sg_plugin|fingerprint|backfill_batch)$$'
check_LTLIBRARIES += tests/scripted/b01.la
tests_scripted_b01_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b01_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b01"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"id"'
tests_scripted_b01_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b01_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b01_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b02.la
tests_scripted_b02_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b02_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b02"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"id"' -DSCRIPTED_FLAGS=SG_REPEATABLE
tests_scripted_b02_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b02_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b02_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b03.la
tests_scripted_b03_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b03_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b03"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"a, b"'
tests_scripted_b03_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b03_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b03_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b04.la
tests_scripted_b04_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b04_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b04"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"code"'
tests_scripted_b04_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b04_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b04_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b05.la
tests_scripted_b05_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b05_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b05"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"uid"' -DSCRIPTED_FLAGS=SG_REPEATABLE
tests_scripted_b05_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b05_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b05_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b06.la
tests_scripted_b06_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b06_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b06"' -DSCRIPTED_TABLE='"items"' -DSCRIPTED_KEY='"at"'
tests_scripted_b06_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b06_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b06_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b07.la
tests_scripted_b07_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b07_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b07"' -DSCRIPTED_TABLE='"others"' -DSCRIPTED_KEY='"id"'
tests_scripted_b07_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b07_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b07_la_LIBADD =
check_LTLIBRARIES += tests/scripted/b08.la
tests_scripted_b08_la_SOURCES = tests/scripted/backfill.c
tests_scripted_b08_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"b08"' -DSCRIPTED_TABLE='"others"' -DSCRIPTED_KEY='"id"'
tests_scripted_b08_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_b08_la_LDFLAGS = $(filled_ldflags)
tests_scripted_b08_la_LIBADD =
check_LTLIBRARIES += tests/scripted/d01.la
tests_scripted_d01_la_SOURCES = tests/scripted/backfill.c
tests_scripted_d01_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"d01"' -DSCRIPTED_DRAIN
tests_scripted_d01_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_d01_la_LDFLAGS = $(filled_ldflags)
tests_scripted_d01_la_LIBADD =
check_LTLIBRARIES += tests/scripted/d02.la
tests_scripted_d02_la_SOURCES = tests/scripted/backfill.c
tests_scripted_d02_la_CPPFLAGS = $(AM_CPPFLAGS) -DSCRIPTED_ID='"d02"' -DSCRIPTED_DRAIN
tests_scripted_d02_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
tests_scripted_d02_la_LDFLAGS = $(filled_ldflags)
tests_scripted_d02_la_LIBADD =
