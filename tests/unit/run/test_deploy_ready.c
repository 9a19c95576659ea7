/*
 * What a deploy could go on with after a round, judged by what its phases have found: gates of all three kinds, phases that are no
 * part of it, reopened backfills; and what is said at the end of gates that stayed shut.
 */
#include "config.h"

#include "core/run/deploy_ready.h"

#include "tests/kit/test.h"

#define MAX 8

/* A deploy in which each migration, index, backfill was come upon. */
static struct {
    struct sg_step steps[3 * MAX];
    struct sg_require requires[3 * MAX][4];
    size_t count;
    struct sg_migrate_item migrations[MAX];
    struct sg_indexes_item indexes[MAX];
    struct sg_backfills_item backfills[MAX];
    struct sg_deploy_result result;
    struct sg_deploy_options options;
    struct sg_arena arena;
} t;

static void release(void *arg)
{
    (void)arg;
    sg_arena_release(&t.arena);
}

static void begin(void)
{
    t = (typeof(t)){.options = {.migrations = true, .indexes = true, .backfills = true}};
    t.result.migrate.items = t.migrations;
    t.result.indexes.items = t.indexes;
    t.result.backfills.items = t.backfills;
    sg_test_defer(release, NULL);
}

/* A step that requires these, "index:x", "backfill:y"; NULL ends them. */
static const struct sg_step *step(enum sg_step_kind kind, const char *id, const char *const *gates)
{
    size_t n = t.count++;
    struct sg_step *made = &t.steps[n];

    made->kind = kind;
    made->id = id;
    made->requires = t.requires[n];
    for (; gates != NULL && gates[made->require_count] != NULL; made->require_count++) {
        const char *gate = gates[made->require_count];
        struct sg_require *require = &t.requires[n][made->require_count];

        require->kind = *gate == 'i' ? SG_STEP_INDEX : *gate == 'b' ? SG_STEP_BACKFILL : SG_STEP_MIGRATION;
        while (*gate++ != ':')
            continue;
        require->id = gate;
    }
    return made;
}

#define GATES(...) (const char *const[]){__VA_ARGS__, NULL}

static struct sg_migrate_item *migration(const char *id, enum sg_outcome outcome, const char *const *gates)
{
    struct sg_migrate_item *item = &t.migrations[t.result.migrate.count++];

    item->step = step(SG_STEP_MIGRATION, id, gates);
    item->outcome = outcome;
    item->waits_for = outcome == SG_OUTCOME_WAITING ? gates[0] : NULL;
    return item;
}

static struct sg_indexes_item *index_of(const char *id, enum sg_index_end end, const char *const *gates)
{
    struct sg_indexes_item *item = &t.indexes[t.result.indexes.count++];

    item->step = step(SG_STEP_INDEX, id, gates);
    item->result.end = end;
    item->waits_for = end == SG_INDEX_END_WAITING ? gates[0] : NULL;
    return item;
}

static struct sg_backfills_item *backfill(const char *id, enum sg_backfill_end end, const char *const *gates)
{
    struct sg_backfills_item *item = &t.backfills[t.result.backfills.count++];

    item->step = step(SG_STEP_BACKFILL, id, gates);
    item->result.end = end;
    item->waits_for = end == SG_BACKFILL_END_WAITING ? gates[0] : NULL;
    return item;
}

static bool migration_ready(void)
{
    return sg_deploy_migration_ready(&t.result, &t.options);
}

static bool index_ready(void)
{
    return sg_deploy_index_ready(&t.result, &t.options);
}

SG_TEST(a_migration_and_its_gates)
{
    struct sg_indexes_item *x;
    struct sg_backfills_item *b;

    begin();
    T_FALSE(migration_ready());
    migration("m1", SG_OUTCOME_APPLIED, NULL);
    T_FALSE(migration_ready());
    T_NULL(sg_deploy_waiting(&t.result));
    migration("m2", SG_OUTCOME_WAITING, GATES("backfill:b", "index:x"));
    migration("m3", SG_OUTCOME_NOT_REACHED, NULL);
    T_EQ_STR(sg_deploy_waiting(&t.result)->step->id, "m2");
    x = index_of("x", SG_INDEX_END_WAITING, GATES("backfill:b"));
    T_FALSE(migration_ready()); /* nothing is known of b */
    b = backfill("b", SG_BACKFILL_END_LEFT, NULL);
    T_FALSE(migration_ready());
    T_FALSE(index_ready());
    b->result.end = SG_BACKFILL_END_COMPLETE;
    T_FALSE(migration_ready());
    T_TRUE(index_ready());
    x->result.end = SG_INDEX_END_FAILED;
    T_FALSE(migration_ready());
    T_FALSE(index_ready());
    x->result.end = SG_INDEX_END_BUILT;
    T_TRUE(migration_ready());
    b->result.end = SG_BACKFILL_END_ALREADY;
    x->result.end = SG_INDEX_END_ALREADY;
    T_TRUE(migration_ready());
    x->result.end = SG_INDEX_END_DRIFTED;
    T_FALSE(migration_ready());
}

/* Of a phase that is not run only the gate that was told is known to be shut. */
SG_TEST(phases_that_are_no_part_of_it)
{
    begin();
    migration("m", SG_OUTCOME_WAITING, GATES("backfill:b", "index:x"));
    backfill("b", SG_BACKFILL_END_COMPLETE, NULL);
    t.options.indexes = false;
    T_TRUE(migration_ready());
    t.migrations[0].waits_for = "index:x";
    T_FALSE(migration_ready());
    t.migrations[0].waits_for = "index:xy"; /* another one */
    T_TRUE(migration_ready());
    t.options.migrations = false;
    T_FALSE(migration_ready());
}

SG_TEST(what_waits_for_a_migration)
{
    struct sg_step *made;

    begin();
    migration("m", SG_OUTCOME_WAITING, GATES("backfill:b"));
    made = (struct sg_step *)(uintptr_t)index_of("x", SG_INDEX_END_WAITING, GATES("backfill:b"))->step;
    made->migration = "m";
    backfill("b", SG_BACKFILL_END_COMPLETE, NULL);
    T_FALSE(index_ready());
    t.migrations[0].outcome = SG_OUTCOME_RECONCILED;
    T_TRUE(index_ready());
    /* superseded: as its successor */
    t.migrations[0].outcome = SG_OUTCOME_SUPERSEDED;
    t.steps[0].superseded_by = "n";
    T_FALSE(index_ready());
    migration("n", SG_OUTCOME_SKIPPED, NULL);
    T_TRUE(index_ready());
}

SG_TEST(a_backfill_behind_an_index)
{
    struct sg_indexes_item *x;

    begin();
    x = index_of("x", SG_INDEX_END_LEFT, NULL);
    backfill("b", SG_BACKFILL_END_WAITING, GATES("index:x"));
    T_FALSE(sg_deploy_backfill_ready(&t.result, &t.options));
    x->result.end = SG_INDEX_END_BUILT;
    T_TRUE(sg_deploy_backfill_ready(&t.result, &t.options));
    t.options.backfills = false;
    T_FALSE(sg_deploy_backfill_ready(&t.result, &t.options));
}

/* Once a run, and only when the backfill has run again. */
SG_TEST(a_reopened_one)
{
    const char *keys[] = {"b"};
    struct sg_indexes_item *x;
    struct sg_backfills_item *b;

    begin();
    x = index_of("x", SG_INDEX_END_FAILED, GATES("backfill:b"));
    b = backfill("b", SG_BACKFILL_END_COMPLETE, NULL);
    x->result.duplicates = true;
    T_FALSE(index_ready());
    t.result.indexes.reopened = keys;
    t.result.indexes.reopened_count = 1;
    T_TRUE(index_ready());
    b->result.end = SG_BACKFILL_END_FAILED;
    T_FALSE(index_ready());
    b->result.end = SG_BACKFILL_END_COMPLETE;
    x->again = true;
    T_FALSE(index_ready());
}

SG_TEST(what_goes_before_backfills)
{
    const struct sg_step *const *first;
    size_t count;

    begin();
    migration("m", SG_OUTCOME_WAITING, GATES("index:y"));
    index_of("x", SG_INDEX_END_ALREADY, NULL);
    index_of("y", SG_INDEX_END_WAITING, GATES("backfill:b"));
    index_of("z", SG_INDEX_END_FAILED, GATES("backfill:b"));
    first = sg_deploy_first(&t.result, &t.options, &t.arena, &count);
    T_MUST_EQ_INT(count, 2);
    T_EQ_STR(first[0]->id, "m");
    T_EQ_STR(first[1]->id, "y");
    t.options.indexes = false;
    (void)sg_deploy_first(&t.result, &t.options, &t.arena, &count);
    T_EQ_INT(count, 1);
}

SG_TEST(how_shut_gates_stand)
{
    struct sg_migrate_item *m;
    struct sg_indexes_item *x, *y;

    begin();
    m = migration("m", SG_OUTCOME_WAITING, GATES("index:y"));
    y = index_of("y", SG_INDEX_END_WAITING, GATES("index:x"));
    x = index_of("x", SG_INDEX_END_FAILED, NULL);
    sg_err_defer(&x->result.err, &t.arena);
    sg_err_set(&x->result.err, SG_CLASS_SQL, "no such thing");
    sg_deploy_retell(&t.result, &t.arena);
    T_EQ_STR(y->result.note, "index:x (failed: no such thing)");
    T_EQ_STR(m->waits_why, "waits for index:x (failed: no such thing)");
    /* told twice is told once */
    sg_deploy_retell(&t.result, &t.arena);
    T_EQ_STR(m->waits_why, "waits for index:x (failed: no such thing)");
    y->result.end = SG_INDEX_END_BUILT;
    m->waits_why = "before";
    sg_deploy_retell(&t.result, &t.arena);
    T_EQ_STR(m->waits_why, "before");
    y->result.end = SG_INDEX_END_REFUSED;
    sg_deploy_retell(&t.result, &t.arena);
    T_EQ_STR(m->waits_why, "refused");
}

static const struct sg_test tests[] = {SG_CASE(a_migration_and_its_gates),
                                       SG_CASE(phases_that_are_no_part_of_it),
                                       SG_CASE(what_waits_for_a_migration),
                                       SG_CASE(a_backfill_behind_an_index),
                                       SG_CASE(a_reopened_one),
                                       SG_CASE(what_goes_before_backfills),
                                       SG_CASE(how_shut_gates_stand),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"deploy_ready", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
