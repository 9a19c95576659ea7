/*
 * The steps: what a section becomes, identities, what each kind needs, references between steps, and that there is an order in which
 * all can come.
 */
#include "config.h"

#include "tests/unit/manifest/read.h"

#include <stdio.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BIG_HASH "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"
#define BACKFILL(id) "[backfill " id "]\nplugin = " id "\n"
#define INDEX(id) "[index " id "]\ntable = t\ncolumns = c\n"

SG_TEST(a_migration_in_full)
{
    const struct read *r = read_good(
        HEAD MIGRATION("0090") "[migration 0096_lead_name] ; names\nplugin = ../x/0096.so\ntitle = lead names\n"
        "description = long\nsha256 = " BIG_HASH "\nlibraries = libz.so.1, libcrypt.so.1\n"
        "requires = migration:0090 index:i,backfill:b\nsuperseded_by = 0117\noption.country = IT\noption.a.b = 1\n"
        "[backfill b]\nplugin = b\nmigration = 0090\n" INDEX("i") MIGRATION("0117"));
    const struct sg_step *step = sg_manifest_step(&r->manifest, SG_STEP_MIGRATION, "0096_lead_name");

    T_MUST_NOT_NULL(step);
    T_EQ_INT(step - r->manifest.steps, 1);
    T_EQ_INT(step->kind, SG_STEP_MIGRATION);
    T_EQ_STR(step->label, "0096_lead_name");
    T_EQ_INT(step->line, HEAD_LINES + 3);
    T_EQ_STR(step->plugin, "../x/0096.so");
    T_EQ_INT(step->plugin_line, HEAD_LINES + 4);
    T_EQ_STR(step->title, "lead names");
    T_EQ_STR(step->description, "long");
    T_EQ_STR(step->sha256, HASH);
    T_MUST_EQ_INT(step->libraries.count, 2);
    T_EQ_STR(step->libraries.items[1], "libcrypt.so.1");
    T_MUST_EQ_INT(step->require_count, 3);
    T_EQ_INT(step->requires[1].kind, SG_STEP_INDEX);
    T_EQ_STR(step->requires[1].id, "i");
    T_EQ_INT(step->requires[2].kind, SG_STEP_BACKFILL);
    T_EQ_INT(step->requires[2].line, HEAD_LINES + 9);
    T_EQ_STR(step->superseded_by, "0117");
    T_MUST_EQ_INT(step->option_count, 2);
    T_EQ_STR(step->options[0].key, "country");
    T_EQ_STR(step->options[0].value, "IT");
    T_EQ_STR(step->options[1].key, "a.b");
    T_EQ_INT(step->options[1].line, HEAD_LINES + 12);
    T_NULL(step->migration);
    T_NULL(sg_manifest_step(&r->manifest, SG_STEP_BACKFILL, "0096_lead_name"));
    T_NULL(sg_manifest_step(&r->manifest, SG_STEP_MIGRATION, "0096"));
    T_EQ_STR(sg_step_kind_name(SG_STEP_BACKFILL), "backfill");
}

SG_TEST(a_backfill_and_indexes)
{
    const struct sg_manifest *m = &read_good(
        HEAD MIGRATION("m") "[backfill b]\nplugin = b\nmigration = m\npriority = HIGH\nalso_writes = audit.log, t2\nbatch_size = 500\n"
        "[index i]\ntable = crm.t\ncolumns = a, lower(b)\nopclass = default text_pattern_ops\nunique = yes\nmethod = btree\nwhere = a > 0\ninclude = c\nwith = fillfactor = 70\n"
        "tablespace = fast\nnulls_not_distinct = yes\ncritical = yes\npriority = LOW\nmigration = m\n"
        "[index j]\nsql = create  unique index concurrently j\n  on t (a)\n"
        "[index k]\ntable = crm.t\nwhere =\nsql = create index k on crm.t (a)\n")->manifest;
    const struct sg_step *b = &m->steps[1], *i = &m->steps[2], *j = &m->steps[3], *k = &m->steps[4];

    T_EQ_STR(b->migration, "m");
    T_EQ_INT(b->priority, SG_PRIORITY_HIGH);
    T_MUST_EQ_INT(b->also_writes.count, 2);
    T_EQ_STR(b->also_writes.items[0], "audit.log");
    T_EQ_INT(b->backfill.batch_size, 500);
    T_EQ_STR(i->table, "crm.t");
    T_EQ_STR(i->columns, "a, lower(b)");
    T_EQ_STR(i->opclass, "default text_pattern_ops");
    T_TRUE(i->unique && i->nulls_not_distinct && i->critical);
    T_EQ_STR(i->method, "btree");
    T_EQ_STR(i->where, "a > 0");
    T_EQ_STR(i->include, "c");
    T_EQ_STR(i->with, "fillfactor = 70");
    T_EQ_STR(i->tablespace, "fast");
    T_EQ_INT(i->priority, SG_PRIORITY_LOW);
    T_EQ_STR(i->migration, "m");
    T_NULL(i->sql);
    T_EQ_STR(j->sql, "create  unique index concurrently j on t (a)");
    T_FALSE(j->unique || j->critical);
    T_EQ_STR(k->table, "crm.t");
    T_EQ_INT(sg_step_line(i, "columns"), i->line + 2);
    T_EQ_INT(sg_step_line(i, "migration"), i->line + 13);
    T_EQ_INT(sg_step_line(j, "columns"), j->line);
    T_EQ_INT(sg_step_line(k, "sql"), k->line + 3); /* an empty value counts as not given */
    T_EQ_INT(sg_step_line(k, "where"), k->line);
}

SG_TEST(identities)
{
    const struct sg_manifest *m = &read_good(
        HEAD "[migration short]\nid = 0096_a_very_long_name_that_does_not_fit_into_the_name_of_a_section\nplugin = x\n"
        "[index s]\nname = idx_a_very_long_name_that_does_not_fit_into_the_section\ntable = t\ncolumns = c\n")->manifest;

    T_EQ_STR(m->steps[0].id, "0096_a_very_long_name_that_does_not_fit_into_the_name_of_a_section");
    T_EQ_STR(m->steps[0].label, "short");
    T_EQ_STR(m->steps[1].id, "idx_a_very_long_name_that_does_not_fit_into_the_section");
    T_NULL(sg_manifest_step(m, SG_STEP_MIGRATION, "short"));
    T_ERROR_IN(MIGRATION("a") "[migration b]\nid = a\nplugin = b\n", 4, "migration a is here twice", "another id");
    T_ERROR_IN("[migration b]\nid = a\nplugin = b\n" MIGRATION("a"), 4, "migration a is here twice", "another id");
    T_ERROR_IN("[migration b]\nid = a\nname = c\nplugin = b\n", 3, "both id and name", "one of them");
    T_ERROR_IN("[migration a b]\nplugin = b\n", 1, "migration a b: not allowed as an id", "letters, digits");
    T_ERROR_IN("[migration b]\nid = ä\nplugin = b\n", 2, "migration ä: not allowed as an id", "letters, digits");
    T_ERROR_IN("[index a.b]\ntable = t\ncolumns = c\n", 1, "index a.b: not allowed as a name", "schema is its table's");
    T_ERROR(sg_test_strf(HEAD "[index a]\nname = %0*d\ntable = t\ncolumns = c\n", 64, 0), HEAD_LINES + 2, "not allowed as a name",
            "63 bytes");
    /* kinds have names of their own */
    T_EQ_INT(read_good(HEAD MIGRATION("a") BACKFILL("a") INDEX("a"))->manifest.step_count, 3);
}

SG_TEST(what_each_kind_needs)
{
    T_ERROR_IN("[migration a]\ntitle = x\n", 1, "[migration a] has no plugin", "plugin = …");
    T_ERROR_IN("[migration a]\nplugin =\n", 1, "[migration a] has no plugin", "not given");
    T_ERROR_IN("[backfill a]\njobs = 2\n", 1, "[backfill a] has no plugin", "plugin = …");
    T_ERROR_IN("[index a]\ntable = t\n", 1, "[index a] has no columns", "columns = …");
    T_ERROR_IN("[index a]\ncolumns = c\n", 1, "[index a] has no table", "table = …");
    T_ERROR_IN("[index a]\nsql = CREATE INDEX CONCURRENTLY a ON t (c)\ncolumns = c\n", 3, "both sql and columns", "Keep sql");
    T_ERROR_IN("[index a]\nsql = CREATE INDEX CONCURRENTLY a ON t (c)\nopclass = default\n", 3, "both sql and opclass", "Keep sql");
    T_ERROR_IN("[index a]\nsql = CREATE INDEX CONCURRENTLY a ON t (c)\nunique = no\n", 3, "both sql and unique", "Keep sql");
    T_ERROR_IN("[index a]\nsql = DROP INDEX a\n", 2, "sql = DROP INDEX a: not allowed", "CREATE [UNIQUE] INDEX");
    T_ERROR_IN("[index a]\nsql = CREATE INDEX\n", 2, "sql = CREATE INDEX: not allowed", "CREATE [UNIQUE] INDEX");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nnulls_not_distinct = yes\n", 4, "without unique", "unique = yes");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nplugin = p\n", 4, "plugin does not belong in [index a]", "[migration …], [backfill …]");
    T_ERROR_IN(MIGRATION("a") "table = t\n", 3, "table does not belong in [migration a]", "[index …]");
    T_ERROR_IN(BACKFILL("a") "superseded_by = t\n", 3, "superseded_by does not belong", "[migration …]");
    T_ERROR_IN("[migration a]\nplugin = a.so\n", 2, "plugin = a.so: not allowed", "Leave out .so");
    T_ERROR_IN("[migration a]\nplugin = a b\n", 2, "plugin = a b: not allowed", "column 1");
    T_ERROR_IN(MIGRATION("a") "sha256 = 0123\n", 3, "sha256 = 0123: not allowed", "64 hexadecimal digits");
    T_ERROR_IN(MIGRATION("a") "sha256 = " HASH "0\n", 3, "…: not allowed", "64 hexadecimal digits");
    T_ERROR_IN(MIGRATION("a") "libraries = z\n", 3, "libraries = z: an item that is not allowed", "libz.so.1");
    T_ERROR_IN(BACKFILL("a") "also_writes = a.b.c\n", 3, "also_writes = a.b.c: an item", "schema.name");
    T_ERROR("[database]\ndsn = x\n" MIGRATION("a"), 4, "no plugin_path in [sgrun]", "plugin_path = FOLDER");
    T_ERROR("[sgrun]\nwait_seconds = 1\n[database]\ndsn = x\n" MIGRATION("a"), 1, "no plugin_path in [sgrun]", "plugin_path = FOLDER");
    T_EQ_INT(read_good("[database]\ndsn = x\n[migration a]\nplugin = ./a.so\n")->manifest.step_count, 1);
}

SG_TEST(references)
{
    T_ERROR_IN(MIGRATION("a") "requires = 0001\n", 3, "requires: 0001 names no step", "migration:ID");
    T_ERROR_IN(MIGRATION("a") "requires = migrations:b\n", 3, "requires: migrations:b names no step", "migration:ID");
    T_ERROR_IN(MIGRATION("a") "requires = index:\n", 3, "requires: index: names no step", "migration:ID");
    T_ERROR_IN(MIGRATION("0001_lead") MIGRATION("b") "requires = migration:0001_laed\n", 5, "there is no migration 0001_laed",
               "Did you mean migration:0001_lead?");
    T_ERROR_IN(BACKFILL("x") MIGRATION("b") "requires = index:x\n", 5, "there is no index x", "Did you mean backfill:x?");
    T_ERROR_IN(MIGRATION("b") "requires = index:zzzzzz\n", 3, "there is no index zzzzzz", "add a section [index …]");
    T_ERROR_IN("[migration l]\nid = longer\nplugin = l\n" BACKFILL("b") "migration = l\n", 6, "there is no migration l", "Did you mean longer?");
    T_ERROR_IN(BACKFILL("b") "migration = 0001\n", 3, "migration: there is no migration 0001", "add a section");
    T_ERROR_IN(MIGRATION("a") "superseded_by = b\n", 3, "superseded_by: there is no migration b", "");
    T_ERROR_IN(MIGRATION("a") "superseded_by = a\n", 3, "migration a is superseded by itself", "further down");
    T_ERROR_IN(MIGRATION("a") MIGRATION("b") "superseded_by = a\n", 5, "superseded_by: migration a is not a later one", "further down");
}

SG_TEST(orders_that_can_be)
{
    const struct sg_manifest *m = &read_good(
        HEAD BACKFILL("early") "migration = a\nrequires = index:i\n" INDEX("i") "requires = migration:a\n" MIGRATION("a") MIGRATION("b")
        "requires = backfill:early, index:i, migration:a\n" BACKFILL("late") "migration = b\nrequires = backfill:early backfill:free\n"
        MIGRATION("c") "requires = backfill:late\n" BACKFILL("free"))->manifest;

    T_EQ_INT(m->step_count, 7);
}

SG_TEST(orders_that_cannot_be)
{
    const struct read *r;

    T_ERROR_IN(MIGRATION("a") "requires = migration:a\n", 3, "migration a requires itself", "remove the requirement");
    T_ERROR_IN(MIGRATION("a") "requires = migration:b\n" MIGRATION("b"), 3, "migration a requires a later one", "Move");
    T_ERROR_IN(MIGRATION("a") "requires = backfill:x\n" BACKFILL("x") "migration = a\n", 3,
               "migration a requires backfill x, which can only come after it", "Move this migration down");
    T_ERROR_IN(MIGRATION("a") "requires = index:x\n" MIGRATION("b") INDEX("x") "requires = migration:b\n", 3,
               "migration a requires index x, which can only come after it", "let the index need an earlier one");
    r = read_text(HEAD MIGRATION("a") "requires = backfill:x\n" MIGRATION("b") BACKFILL("x") "requires = index:y\n" INDEX("y")
                  "requires = backfill:z\n" BACKFILL("z") "migration = b\n");
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_STR(r->errs.list[0].detail,
             sg_test_strf("backfill x (line %d) needs what index y (line %d) needs what backfill z (line %d) needs migration b (line %d), "
                          "and migrations are run in the order of the file.",
                          HEAD_LINES + 6, HEAD_LINES + 9, HEAD_LINES + 13, HEAD_LINES + 4));
    /* circles of backfills and indexes, each told once */
    T_ERROR_IN(BACKFILL("x") "requires = backfill:x\n", 3, "backfill x needs itself", "Remove one");
    r = read_text(HEAD BACKFILL("x") "requires = index:y\n" INDEX("y") "requires = backfill:z\n" BACKFILL("z") "requires = backfill:x\n"
                  BACKFILL("w") "requires = backfill:x\n");
    T_MUST_EQ_INT(r->errs.count, 1);
    T_CONTAINS(r->errs.list[0].primary, "backfill x needs itself");
    T_EQ_STR(r->errs.list[0].detail, sg_test_strf("backfill x (line %d), which needs index y (line %d), which needs backfill z (line %d), "
                                                  "which needs backfill x (line %d).",
                                                  HEAD_LINES + 1, HEAD_LINES + 4, HEAD_LINES + 8, HEAD_LINES + 1));
}

SG_TEST(a_wide_circle)
{
    const char *text = HEAD;
    const struct read *r;

    for (int i = 0; i < 20; i++)
        text = sg_test_strf("%s" "[backfill b%d]\nplugin = p\nrequires = backfill:b%d\n", text, i, (i + 1) % 20);
    r = read_text(text);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_CONTAINS(r->errs.list[0].primary, "backfill b0 needs itself");
    T_CONTAINS(r->errs.list[0].detail, "backfill b9 (line 33), which needs …, which needs backfill b0 (line 6).");
}

/* A chain as long as the manifest must not take the stack, nor the square of its length in time. */
SG_TEST(a_long_chain)
{
    const size_t steps = 20000, size = steps * 80;
    char *text = malloc(size);
    struct read *r;
    size_t length;
    int64_t start;

    T_MUST(text != NULL);
    length = (size_t)snprintf(text, size, HEAD MIGRATION("first") "requires = backfill:0\n");
    for (size_t i = 0; i < steps; i++)
        length += (size_t)snprintf(text + length, size - length, "[backfill %zu]\nplugin = p\n%s = %s%zu\n", i,
                                   i + 1 < steps ? "requires" : "migration", i + 1 < steps ? "backfill:" : "first",
                                   i + 1);
    /* the last one's migration is "first20000": mend it */
    memcpy(strstr(text + length - 20, "first") + 5, "\n\0", 2);
    start = sg_test_now_ms();
    r = read_bytes(text, strlen(text), false, 0, NULL);
    T_LT_INT(sg_test_now_ms() - start, sg_test_valgrind() ? 20000 : 2000);
    free(text);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_CONTAINS(r->errs.list[0].primary, "migration first requires backfill 0, which can only come after it");
    T_LT_INT(strlen(r->errs.list[0].detail), 1500);
}

/* What a deployment with nothing to do reads first, each time. */
SG_TEST(a_thousand_migrations)
{
    const size_t size = 1000 * 160;
    char *text = malloc(size);
    int64_t start, best = 1000;
    struct read *r = NULL;
    size_t length;

    T_MUST(text != NULL);
    length = (size_t)snprintf(text, size, HEAD);
    for (int i = 0; i < 1000; i++)
        length += (size_t)snprintf(text + length, size - length,
                                   "[migration %04d_change]\nplugin = %04d_change\nsha256 = " HASH "\nrequires = migration:%04d_change\n", i, i,
                                   i ? i - 1 : 999);
    for (int i = 0; i < 5; i++) {
        start = sg_test_now_ms();
        r = read_bytes(text, length, false, 0, NULL);
        if (sg_test_now_ms() - start < best)
            best = sg_test_now_ms() - start;
    }
    free(text);
    T_EQ_INT(r->errs.count, 1); /* the first requires the last */
    T_MUST_EQ_INT(r->manifest.step_count, 1000);
    for (int i = 0; i < 1000; i++)
        T_MUST(sg_manifest_step(&r->manifest, SG_STEP_MIGRATION, sg_test_strf("%04d_change", i)) == &r->manifest.steps[i]);
    T_LT_INT(best, sg_test_valgrind() ? 2000 : 100); /* some 3 ms; sanitizers and busy machines need more */
    T_LE_INT(sizeof(struct sg_step), 544);
}

static const struct sg_test tests[] = {
    SG_CASE(a_migration_in_full), SG_CASE(a_backfill_and_indexes), SG_CASE(identities), SG_CASE(what_each_kind_needs),
    SG_CASE(references), SG_CASE(orders_that_can_be), SG_CASE(orders_that_cannot_be), SG_CASE(a_wide_circle), SG_CASE(a_long_chain),
    SG_CASE(a_thousand_migrations), SG_CASES_END};
static const struct sg_suite suites[] = {{"steps", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
