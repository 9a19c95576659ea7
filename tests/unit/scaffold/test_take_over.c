/* SQL in, plugins out: what each class of statement becomes, and that none is lost. */
#include "config.h"

#include "core/scaffold/take_over.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>

static struct sg_arena arena;
static struct sg_scaffold scaffold;
static struct sg_taken_over taken;

static const char *const words[] = {"ddl", "outside", "index", "backfill", "seed", "off", "not"};

/* Each statement's fate and where it went, a line each. `files`: names and texts, NULL-terminated, of a tree. */
static const char *fates(const char *const *files)
{
    struct sg_take_over_options options = {.where = {.folder = "out"}};
    const char *paths[] = {sg_test_strf("%s/t", sg_tmp_dir())};
    struct sg_err err = SG_ERR_INIT;
    const char *text = "";
    size_t sum = 0;

    sg_tmp_remove(paths[0]);
    for (; files[0] != NULL; files += 2)
        sg_tmp_write(sg_test_strf("t/%s", files[0]), files[1]);
    sg_arena_reset(&arena);
    scaffold = (struct sg_scaffold){0};
    sg_errs_release(&taken.errs);
    if (sg_take_over(&options, paths, 1, &arena, &scaffold, &taken, &err) != 0)
        sg_test_fatal(SG_HERE_, "%s", err.primary);
    for (size_t i = 0; i < taken.count; i++)
        text = sg_test_strf("%s%d %s%s%s\n", text, taken.statements[i].line, words[taken.statements[i].taken],
                            taken.statements[i].into != NULL ? " " : "", taken.statements[i].into != NULL ? taken.statements[i].into : "");
    for (size_t i = 0; i <= SG_TAKEN_NOT; i++)
        sum += taken.per[i];
    T_EQ_INT((long long)sum, (long long)taken.count);
    return text;
}

#define T_FATES(sql, expected) T_EQ_STR(fates((const char *const[]){"1.sql", (sql), NULL}), (expected))

static const char *file(const char *name)
{
    for (size_t i = 0; i < scaffold.count; i++)
        if (strcmp(scaffold.files[i].path, sg_test_strf("out/%s", name)) == 0)
            return scaffold.files[i].text;
    sg_test_fatal(SG_HERE_, "no file %s", name);
    return "";
}

#define TABLE "CREATE TABLE t (id int PRIMARY KEY, a text, b text, j json);\n"

SG_TEST(definitions_stay_in_the_migration)
{
    T_FATES(TABLE "CREATE INDEX i ON t (a);\nCREATE VIEW v AS SELECT 1;\nDO $$ BEGIN ALTER TABLE t ADD c int; END $$",
            "1 ddl 1\n2 ddl 1\n3 ddl 1\n4 ddl 1\n");
    T_CONTAINS(file("1.c"), "SG_MIGRATION(\"1\"");
    T_CONTAINS(file("1.c"), "sg_ddl(sg, \"CREATE INDEX i ON t (a)\");");
    T_CONTAINS(file("1.c"), "sg_index_exists(sg, \"i\")");
    T_TRUE(taken.statements[3].no_fingerprint);
    T_FATES("GRANT SELECT ON t TO x", "1 ddl 1\n");
    T_CONTAINS(file("1.c"), "TO DO");
    T_TRUE(taken.statements[0].unproven);
}

SG_TEST(what_the_runner_does_is_taken_off)
{
    T_FATES("BEGIN;\nSET lock_timeout = 1;\nSELECT pg_catalog.set_config('search_path', '', false);\nSET search_path = public;\nCOMMIT;\n\\echo x\n",
            "1 off\n2 off\n3 off\n4 off\n5 off\n6 off\n");
    T_FATES("SET search_path = crm;\nSET my.x = 1;\nROLLBACK;\n\\i other.sql\n", "1 not\n2 not\n3 not\n4 not\n");
}

SG_TEST(indexes_of_tables_that_were_there_are_sections)
{
    T_FATES("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t USING btree (a DESC, lower(b)) INCLUDE (c) WHERE a > '$1';\n",
            "1 index index i\n");
    T_CONTAINS(file("sgrun.ini"), "[index i]\nname = i\ntable = s.t\ncolumns = a DESC, lower(b)\nunique = yes\ninclude = c\n");
    T_FATES("DROP INDEX CONCURRENTLY i;\nALTER TABLE t ADD a int;\nREINDEX INDEX CONCURRENTLY k;\n", "1 outside 1\n2 ddl 1_2\n3 not\n");
    T_CONTAINS(file("1.c"), "SG_NO_TRANSACTION");
}

SG_TEST(sections_follow_what_comes_later)
{
    (void)fates((const char *const[]){"1.sql", TABLE, "2.sql", "CREATE INDEX i ON t (a); CREATE INDEX k ON t (b)", "3.sql",
                                      "ALTER TABLE t RENAME COLUMN a TO \"A\"; DROP INDEX k; ALTER TABLE t RENAME TO tt", NULL});
    T_CONTAINS(file("sgrun.ini"), "[index i]\nname = i\ntable = tt\ncolumns = \"A\"\nmigration = 3\n");
    T_LACKS(file("sgrun.ini"), "[index k]");
    T_EQ_INT((long long)taken.per[SG_TAKEN_OFF], 2);
    T_CONTAINS(file("1.c"), "(sg_table_exists(sg, \"t\") || sg_table_exists(sg, \"tt\"))");
    (void)fates((const char *const[]){"1.sql", TABLE, "2.sql", "CREATE UNIQUE INDEX i ON t (a)", "3.sql",
                                      "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", NULL});
    T_CONTAINS(file("sgrun.ini"), "[index c]\nname = c\n");
    T_CONTAINS(file("3.c"), "UNIQUE USING INDEX c");
    T_CONTAINS(file("sgrun.ini"), "requires = index:c\n");
}

SG_TEST(changes_become_ranges)
{
    T_FATES(TABLE "UPDATE t AS x SET a = lower(b) WHERE x.a IS NULL;\nDELETE FROM t WHERE b = ''", "1 ddl 1\n2 backfill 1_update_t\n3 backfill 1_delete_t\n");
    T_CONTAINS(file("1_update_t.c"), "SG_BACKFILL_X(\"1_update_t\", \"1\", \"t\", \"id\", SG_REPEATABLE);");
    T_CONTAINS(file("1_update_t.c"), "\" WHERE (x.a IS NULL) AND x.id BETWEEN $1 AND $2\"");
    T_CONTAINS(file("1_update_t.c"), "x.a IS DISTINCT FROM (lower(b))");
    T_CONTAINS(file("sgrun.ini"), "requires = backfill:1_update_t");
    /* what goes on from its old value cannot be told */
    T_FATES(TABLE "UPDATE t SET a = a || 'x'", "1 ddl 1\n2 backfill 1_update_t\n");
    T_TRUE(taken.statements[1].no_fingerprint);
    T_CONTAINS(file("1_update_t.c"), "return 0;");
    T_FATES(TABLE "UPDATE t SET id = id + 1;\nVACUUM t", "1 ddl 1\n2 not\n3 not\n");
    /* what a later migration takes away is not asked for in vain */
    (void)fates((const char *const[]){"1.sql", TABLE "UPDATE t SET a = b WHERE a IS NULL;", "2.sql", "ALTER TABLE t DROP COLUMN b", NULL});
    T_CONTAINS(file("1_update_t.c"), "if (!sg_column_exists(sg, \"t\", \"b\"))");
    T_LACKS(file("1.c"), "\"b\", \"text\"");
    T_FATES("WITH x AS (SELECT 1) DELETE FROM t;\nTRUNCATE t;\nINSERT INTO t SELECT 1", "1 not\n2 not\n3 not\n");
}

SG_TEST(literal_rows_become_seeds)
{
    T_FATES(TABLE "INSERT INTO t (id, a) VALUES (1, 'x'), (2, DEFAULT) ON CONFLICT DO NOTHING", "1 ddl 1\n2 seed 1_seed_t\n");
    T_CONTAINS(file("1_seed_t.c"), "\"SELECT 1 FROM t WHERE id = 1\"");
    T_CONTAINS(file("1_seed_t.c"), "ON CONFLICT DO NOTHING");
    T_CONTAINS(file("sgrun.ini"), "also_writes = t\n");
    T_FATES(TABLE "INSERT INTO t (a) VALUES ('x'), ('x')", "1 ddl 1\n2 not\n");
}

SG_TEST(what_depends_on_moved_work_waits_for_it)
{
    T_FATES(TABLE "ALTER TABLE t ADD c text;\nUPDATE t SET c = 'x' WHERE c IS NULL;\nALTER TABLE t ALTER c SET NOT NULL;\nALTER TABLE t ADD d int",
            "1 ddl 1\n2 ddl 1\n3 backfill 1_update_t\n4 ddl 1_2\n5 ddl 1_2\n");
    T_CONTAINS(file("sgrun.ini"), "[migration 1_2]\nplugin = 1_2\nrequires = backfill:1_update_t\n");
}

SG_TEST(hostile_input)
{
    T_FATES("SELECT '\xff';\n\\copy t from 'x'\n${x};\n''';\n", "1 not\n2 not\n3 not\n4 not\n");
    T_FATES("", "");
    T_FATES("CREATE TABLE \"*/ \"\"x\" (\"a\"\"\" int);\nUPDATE \"*/ \"\"x\" SET \"a\"\"\" = 1", "1 ddl 1\n2 not\n");
}

static const struct sg_test tests[] = {SG_CASE(definitions_stay_in_the_migration), SG_CASE(what_the_runner_does_is_taken_off),
                                       SG_CASE(indexes_of_tables_that_were_there_are_sections), SG_CASE(sections_follow_what_comes_later), SG_CASE(changes_become_ranges),
                                       SG_CASE(literal_rows_become_seeds), SG_CASE(what_depends_on_moved_work_waits_for_it),
                                       SG_CASE(hostile_input), SG_CASES_END};
static const struct sg_suite suites[] = {{"take_over", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
