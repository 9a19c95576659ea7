/*
 * The steps among each other: whatever kinds a circle runs through, over `requires`, over `migration =` and over the order of the
 * migrations, it is found and told; and an order that can be is never refused.
 */
#include "config.h"

#include "tests/unit/manifest/read.h"

#define BACKFILL(id) "[backfill " id "]\nplugin = " id "\n"
#define INDEX(id) "[index " id "]\ntable = t\ncolumns = c\n"

/* The detail of the one error of the lines after HEAD. */
static const char *detail(struct sg_here here, const char *text)
{
    const struct read *r = read_text(sg_test_strf(HEAD "%s", text));

    sg_test_int(here, true, "errors", "==", "1", (long long)r->errs.count, 1);
    return r->errs.list[0].detail;
}
#define T_DETAIL(text, words) sg_test_str(SG_HERE_, false, true, "detail", #words, detail(SG_HERE_, text), words)
#define LINE(n) (HEAD_LINES + (n))

SG_TEST(circles_of_each_pair_of_kinds)
{
    T_ERROR_IN(INDEX("i") "requires = index:i\n", 4, "index i needs itself", "Remove one");
    T_ERROR_IN(INDEX("i") "requires = index:j\n" INDEX("j") "requires = index:i\n", 8, "index i needs itself", "Remove one");
    T_ERROR_IN(INDEX("i") "requires = backfill:b\n" BACKFILL("b") "requires = index:i\n", 7, "index i needs itself", "Remove one");
    T_DETAIL(INDEX("i") "requires = backfill:b\n" BACKFILL("b") "requires = index:i\n",
             sg_test_strf("index i (line %d), which needs backfill b (line %d), which needs index i (line %d).", LINE(1), LINE(5), LINE(1)));
    /* a migration and what comes after it by `migration =` */
    T_ERROR_IN(MIGRATION("a") "requires = index:i\n" INDEX("i") "migration = a\n", 3,
               "migration a requires index i, which can only come after it", "let the index need an earlier one");
    T_DETAIL(MIGRATION("a") "requires = index:i\n" INDEX("i") "migration = a\n",
             sg_test_strf("index i (line %d) needs migration a (line %d), and migrations are run in the order of the file.", LINE(4), LINE(1)));
    T_ERROR_IN(MIGRATION("a") "requires = index:i\n" INDEX("i") "requires = migration:a\n", 3,
               "migration a requires index i, which can only come after it", "let the index need an earlier one");
}

/* The circle closes over the order of the migrations: nothing names a step twice. */
SG_TEST(circles_over_the_order_of_the_file)
{
    T_ERROR_IN(MIGRATION("a") "requires = index:i\n" MIGRATION("b") INDEX("i") "migration = b\n", 3,
               "migration a requires index i, which can only come after it", "Move this migration down");
    T_DETAIL(MIGRATION("a") "requires = index:i\n" INDEX("i") "requires = backfill:d\n" BACKFILL("d") "migration = b\n" MIGRATION("b"),
             sg_test_strf("index i (line %d) needs what backfill d (line %d) needs migration b (line %d), and migrations are run in the "
                          "order of the file.", LINE(4), LINE(8), LINE(11)));
    T_ERROR_IN(MIGRATION("a") MIGRATION("b") "requires = backfill:d\n" BACKFILL("d") "requires = index:i\n" INDEX("i")
               "requires = migration:c\n" MIGRATION("c") "requires = migration:a\n", 5,
               "migration b requires backfill d, which can only come after it", "let the backfill need an earlier one");
    /* a unique index after its clean-up, and a constraint from it: right, as soon as the clean-up comes first */
    T_EQ_INT(read_good(HEAD MIGRATION("a") BACKFILL("dedupe") "migration = a\n" INDEX("uq") "requires = backfill:dedupe\nmigration = a\n"
                       MIGRATION("b") "requires = index:uq\n")->manifest.step_count, 4);
    T_ERROR_IN(MIGRATION("a") MIGRATION("b") "requires = index:uq\n" BACKFILL("dedupe") "migration = b\n" INDEX("uq")
               "requires = backfill:dedupe\n", 5, "migration b requires index uq, which can only come after it", "Move");
}

SG_TEST(names_that_nobody_has)
{
    T_ERROR_IN(INDEX("i") "requires = backfill:dedup\n" BACKFILL("dedupe"), 4, "requires: there is no backfill dedup",
               "Did you mean backfill:dedupe?");
    T_ERROR_IN(INDEX("i") "requires = migration:i\n", 4, "requires: there is no migration i", "Did you mean index:i?");
    T_ERROR_IN(INDEX("i") "migration = 0115\n", 4, "migration: there is no migration 0115", "add a section");
    T_ERROR_IN("[index short]\nname = idx_long\ntable = t\ncolumns = c\n" INDEX("j") "requires = index:short\n", 8,
               "requires: there is no index short", "Did you mean index:idx_long?");
}

/* The state tables and the gates know an index by its name alone: whatever the schema of its table. */
SG_TEST(one_name_one_index)
{
    T_ERROR_IN(INDEX("i") "[index j]\nname = i\ntable = t2\ncolumns = c\n", 5, "index i is here twice", "another id");
    T_ERROR_IN(INDEX("i") "[index j]\nid = i\ntable = crm.t\ncolumns = c\n", 5, "index i is here twice", "another id");
    T_ERROR_IN(INDEX("i") INDEX("i"), 4, "[index i]", "");
    T_ERROR_IN(INDEX("i") "[index j]\nname = i\nsql = CREATE INDEX CONCURRENTLY i ON crm.t (c)\n", 5, "index i is here twice", "another id");
}

#define MOST 9

struct world {
    int count;
    int kinds[MOST];           /* enum sg_step_kind */
    int migration[MOST];       /* of backfills and indexes; -1: none */
    bool needs[MOST][MOST];
};

/* What a run would do: whatever has become possible, until nothing is. */
static bool can_end(const struct world *w)
{
    bool done[MOST] = {false}, more = true, all = true;

    while (more) {
        more = false;
        for (int i = 0; i < w->count; i++) {
            bool ready = !done[i] && (w->migration[i] < 0 || done[w->migration[i]]);

            for (int k = 0; k < w->count; k++)
                if ((w->needs[i][k] || (w->kinds[i] == SG_STEP_MIGRATION && k < i && w->kinds[k] == SG_STEP_MIGRATION)) && !done[k])
                    ready = false;
            if (ready)
                done[i] = more = true;
        }
    }
    for (int i = 0; i < w->count; i++)
        all = all && done[i];
    return all;
}

static const char *text_of(const struct world *w)
{
    const char *text = HEAD;

    for (int i = 0; i < w->count; i++) {
        const char *requires = "";

        text = sg_test_strf("%s[%s s%d]\n%s", text, sg_step_kind_name((enum sg_step_kind)w->kinds[i]), i,
                            w->kinds[i] == SG_STEP_INDEX ? "table = t\ncolumns = c\n" : "plugin = p\n");
        if (w->migration[i] >= 0)
            text = sg_test_strf("%smigration = s%d\n", text, w->migration[i]);
        for (int k = 0; k < w->count; k++)
            if (w->needs[i][k])
                requires = sg_test_strf("%s %s:s%d", requires, sg_step_kind_name((enum sg_step_kind)w->kinds[k]), k);
        if (*requires != '\0')
            text = sg_test_strf("%srequires =%s\n", text, requires);
    }
    return text;
}

SG_TEST(what_is_accepted_can_be_done_and_nothing_else)
{
    const int tries = sg_test_valgrind() ? 200 : 3000;
    int good = 0;

    for (int t = 0; t < tries; t++) {
        struct world w = {.count = 2 + (int)sg_test_rand(MOST - 1)};
        const uint64_t density = 3 + sg_test_rand(20);
        const struct read *r;
        bool possible;

        for (int i = 0; i < w.count; i++)
            w.kinds[i] = (int)sg_test_rand(3);
        for (int i = 0; i < w.count; i++) {
            w.migration[i] = -1;
            for (int k = 0; k < w.count; k++) {
                w.needs[i][k] = sg_test_rand(density) == 0;
                if (w.kinds[i] != SG_STEP_MIGRATION && w.kinds[k] == SG_STEP_MIGRATION && sg_test_rand(3) == 0)
                    w.migration[i] = k;
            }
        }
        possible = can_end(&w);
        good += possible;
        r = read_text(text_of(&w));
        if ((r->errs.count == 0) != possible)
            T_FATAL("%s, but %zu errors (%s):\n%s", possible ? "possible" : "impossible", r->errs.count,
                    r->errs.count ? r->errs.list[0].primary : "", text_of(&w));
    }
    /* both happen, and often */
    T_GT_INT(good, tries / 10);
    T_LT_INT(good, tries - tries / 10);
}

static const struct sg_test tests[] = {
    SG_CASE(circles_of_each_pair_of_kinds), SG_CASE(circles_over_the_order_of_the_file), SG_CASE(names_that_nobody_has),
    SG_CASE(one_name_one_index), SG_CASE(what_is_accepted_can_be_done_and_nothing_else), SG_CASES_END};
static const struct sg_suite suites[] = {{"graph", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
