/*
 * A backfill as it is opened, its fingerprint, and a batch of it as the executor serves it: scripted plugins in processes of their own,
 * on a real server.
 */
#include "config.h"

#include <string.h>

#include "core/backfill/backfill.h"
#include "core/base/clock.h"
#include "core/exec/executor.h"
#include "core/exec/inner.h"
#include "core/plugin/abi.h"
#include "core/plugin/nursery.h"
#include "core/run/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

#include <stdlib.h>

/* A manifest of one backfill, and what comes of it. */
struct place {
    struct sg_arena arena;
    struct sg_manifest manifest;
    struct sg_run run;
    struct sg_session session;
    struct sg_backfill backfill;
    struct sg_process *process;
    struct sg_executor executor;
    struct sg_err err;
    struct sg_sql *sql;
    const char *conninfo;
    int64_t changed;
};

static void release(void *arg)
{
    struct place *p = arg;

    sg_process_kill(p->process);
    sg_session_drop(&p->session);
    sg_run_close(&p->run);
    sg_err_release(&p->err);
    sg_arena_release(&p->arena);
    sg_nursery_stop();
    free(p);
}

/* ROWS rows in items. SECTION: "[backfill …]" and its lines. */
static struct place *place_new(int rows, const char *section)
{
    struct place *p = calloc(1, sizeof(*p));
    struct sg_server *server = sg_server_shared();
    struct sg_errs errs = SG_ERRS_INIT;
    const char *db = sg_server_new_db(server), *text;

    T_MUST_NOT_NULL(p);
    T_MUST_EQ_INT(setenv("SGRUN_PLUGIN_HOST", sg_test_built("sgrun-plugin"), 1), 0);
    sg_test_defer(release, p);
    p->conninfo = sg_server_conninfo(server, db, NULL);
    p->sql = sg_sql_open(p->conninfo);
    sg_sql_execf(p->sql,
                 "CREATE TABLE items (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, text text);"
                 "INSERT INTO items SELECT g, 0, 'x' FROM generate_series(1, %d) g; CREATE TABLE queue (id int)",
                 rows);
    text = sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = %s\n%s\n", sg_test_built("tests/scripted"),
                        sg_server_url(server, db, NULL), section);
    if (sg_manifest_parse("test.ini", text, strlen(text), NULL, 0, false, &p->arena, &p->manifest, &errs) != 0)
        T_FATAL("%s", errs.list[0].primary);
    T_MUST_EQ_INT(sg_run_open(&p->run, &p->manifest, NULL, &p->arena, &p->err), 0);
    sg_session_init(&p->session, &p->run, false);
    T_MUST_EQ_INT(sg_session_open(&p->session, &p->err), 0);
    return p;
}

static int open_it(struct place *p)
{
    sg_err_clear(&p->err);
    return sg_backfill_open(&p->backfill, &p->run, &p->manifest.steps[0], &p->session, &p->err);
}

static void must_open(struct place *p)
{
    if (open_it(p) != 0)
        T_FATAL("%s (%s)", p->err.primary, p->err.detail != NULL ? p->err.detail : "");
}

/* One batch of the keys 1 to 10, in a transaction that stays open. */
static int batch(struct place *p, bool drain)
{
    static const char *const firsts[] = {"1"}, *const lasts[] = {"10"};
    const struct sg_step *step = &p->manifest.steps[0];
    const struct sg_process_batch what = {drain ? 0 : 1, firsts, lasts, 1, 5};
    struct sg_result *rows;

    sg_err_clear(&p->err);
    sg_session_rollback(&p->session);
    if (p->process == NULL)
        T_MUST_EQ_INT(sg_backfill_process(&p->backfill, &p->process, &p->err), 0);
    T_MUST_EQ_INT(sg_session_begin_batch(&p->session, step, "SELECT 1 AS a", &p->arena, &rows, &p->err), 0);
    sg_executor_init(&p->executor, &p->run, step, &p->session, p->process, NULL, step->backfill.lock_ms, &p->arena);
    sg_executor_watch(&p->executor);
    p->executor.guarded = true;
    if (sg_executor_batch(&p->executor, &what, drain, &p->changed, &p->err) == 0)
        return 0;
    sg_process_kill(p->process);
    p->process = NULL;
    return -1;
}

SG_TEST(opening_learns_what_it_is)
{
    struct place *p = place_new(20, "[backfill b02]\nplugin = b02\nalso_writes = queue\noption.left = SELECT 1 FROM items WHERE n = 0");

    must_open(p);
    T_EQ_INT(p->backfill.flags, SG_REPEATABLE);
    T_FALSE(p->backfill.drain);
    T_EQ_STR(p->backfill.title, "scripted backfill b02");
    T_EQ_STR(p->backfill.key.shown, "public.items");
    T_EQ_INT(p->backfill.key.count, 1);
    T_EQ_STR(p->backfill.ranges.key, "b02");
    T_EQ_STR(p->backfill.ranges.state_schema, "sgrun");
    T_EQ_INT(p->backfill.ranges.keys, 1);
    T_EQ_STR(p->backfill.writes.shown, "public.items, public.queue");
    T_EQ_INT(strlen(p->backfill.image.sha256), 64);
    /* nothing is left open */
    T_FALSE(p->session.begun);
    T_EQ_INT(sg_sql_int(p->sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                                " AND pid <> pg_backend_pid()"), 0);
}

SG_TEST(a_drain_backfill_says_what_it_writes_to)
{
    struct place *p = place_new(1, "[backfill d01]\nplugin = d01");

    T_EQ_INT(open_it(p), -1);
    T_EQ_INT(p->err.class, SG_CLASS_REFUSED);
    T_CONTAINS(p->err.primary, "nothing says which tables");
    T_CONTAINS(p->err.hint, "also_writes = TABLE");
    T_EQ_STR(p->err.step, "d01");
    T_EQ_INT(p->err.line, 5);
    p = place_new(1, "[backfill d01]\nplugin = d01\nalso_writes = queue\ntitle = of the manifest");
    must_open(p);
    T_TRUE(p->backfill.drain);
    T_EQ_STR(p->backfill.title, "of the manifest");
    T_EQ_INT(p->backfill.key.oid, 0);
    T_EQ_INT(p->backfill.ranges.keys, 0);
    T_EQ_STR(p->backfill.writes.shown, "public.queue");
}

SG_TEST(what_does_not_fit_is_refused_with_its_line)
{
    struct place *p = place_new(1, "[backfill b01]\n\nplugin = b02");

    T_EQ_INT(open_it(p), -1);
    T_EQ_INT(p->err.class, SG_CLASS_REFUSED);
    T_CONTAINS(p->err.primary, "its id is \"b02\", the section's is \"b01\"");
    T_EQ_STR(p->err.file, "test.ini");
    T_EQ_INT(p->err.line, 7);
    p = place_new(1, "[backfill s01]\nplugin = s01");
    T_EQ_INT(open_it(p), -1);
    T_CONTAINS(p->err.primary, "is a migration, the section is a backfill");
    p = place_new(1, "[backfill b99]\nplugin = b99");
    T_EQ_INT(open_it(p), -1);
    T_EQ_INT(p->err.class, SG_CLASS_REFUSED);
    T_EQ_INT(p->err.line, 6);
    /* its table is not there */
    p = place_new(1, "[backfill b07]\nplugin = b07");
    T_EQ_INT(open_it(p), -1);
    T_EQ_INT(p->err.class, SG_CLASS_REFUSED);
    T_CONTAINS(p->err.primary, "others");
    T_EQ_INT(p->err.line, 5);
    p = place_new(1, "[backfill b01]\nplugin = b01\nalso_writes = nothing");
    T_EQ_INT(open_it(p), -1);
    T_EQ_INT(p->err.class, SG_CLASS_MANIFEST);
}

/* States what the fingerprint says, and how many rows it says are left. */
static void holds(struct place *p, bool wanted, int64_t left)
{
    bool found = !wanted;
    int64_t rows = -7;

    sg_err_clear(&p->err);
    if (sg_backfill_holds(&p->backfill, &p->session, &found, &rows, &p->err) != 0)
        T_FATAL("%s (%s)", p->err.primary, p->err.detail != NULL ? p->err.detail : "");
    T_EQ_INT(found, wanted);
    T_EQ_INT(rows, left);
    T_FALSE(p->session.begun);
}

SG_TEST(the_fingerprint_says_what_is_left)
{
    struct place *p = place_new(50000, "[backfill b01]\nplugin = b01\n"
                                       "option.left = SELECT repeat(text, 1000) AS a, repeat(text, 1000) AS a FROM items WHERE n = 0; -- far more than a result may hold");

    must_open(p);
    holds(p, false, 50000);
    sg_sql_exec(p->sql, "UPDATE items SET n = 1 WHERE id > 7");
    holds(p, false, 7);
    sg_sql_exec(p->sql, "UPDATE items SET n = 1");
    holds(p, true, -1);
    T_EQ_INT(sg_backfill_holds(&p->backfill, &p->session, &(bool){false}, NULL, &p->err), 0);
    /* asked the other way round, or with what is no SELECT, it cannot be told */
    p = place_new(3, "[backfill b01]\nplugin = b01\noption.fingerprint = SELECT 1 FROM items WHERE n = 1");
    must_open(p);
    holds(p, false, -1);
    p = place_new(3, "[backfill b01]\nplugin = b01\noption.left = SHOW server_version");
    must_open(p);
    holds(p, false, -1);
    p = place_new(3, "[backfill b01]\nplugin = b01\noption.left = EXPLAIN SELECT 1");
    must_open(p);
    holds(p, false, -1);
    /* a session that is lost is made anew */
    sg_sql_exec(p->sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    holds(p, false, -1);
}

SG_TEST(a_slow_fingerprint_says_so)
{
    struct place *p = place_new(2000, "[backfill b01]\nplugin = b01\nread_seconds = 1\n"
                                      "option.left = SELECT count(*) FROM items a, items b, items c, items d HAVING count(*) > 0");
    bool found;

    must_open(p);
    T_EQ_INT(sg_backfill_holds(&p->backfill, &p->session, &found, NULL, &p->err), -1);
    T_EQ_STR(p->err.sqlstate, "57014");
    T_CONTAINS(p->err.primary, "fingerprint: ");
    T_CONTAINS(p->err.hint, "read_seconds (1 s)");
    T_CONTAINS(p->err.statement, "SELECT count(*)");
    /* its first row comes soon, but they cannot all be counted in time */
    p = place_new(2000, "[backfill b01]\nplugin = b01\nread_seconds = 1\noption.left = SELECT 1 FROM items a, items b, items c, items d");
    must_open(p);
    holds(p, false, -1);
}

SG_TEST(the_first_row_is_asked_of_any_query)
{
    /* each finds one row at least */
    static const char *const queries[] = {
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1 ; -- done",
        "SELECT 1 -- done",
        "SELECT 1 /* done */",
        "SELECT ';' AS a, '--' AS \"--\", $$;$$ AS b; /* ; */ ;",
        "(SELECT 1)",
        "VALUES (1), (2)",
        "TABLE items",
        "SELECT FROM items",
        "SELECT id, id, * FROM items ORDER BY 1 LIMIT 3 OFFSET 1",
        "WITH x AS (SELECT 1 AS a), y AS MATERIALIZED (SELECT * FROM x) SELECT * FROM y",
        "WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2",
        "SELECT count(*) FROM items GROUP BY n HAVING count(*) > 0",
        "SELECT DISTINCT ON (n) * FROM items ORDER BY n, id",
        "SELECT NULL, 'x', ROW(1, 2), ARRAY[1]",
        "SELECT NULL::int AS a, NULL AS a",
        "SELECT i, i AS i FROM items i",
        "SELECT generate_series(1, 3)",
        "SELECT id FROM items FOR UPDATE",
        "SELECT id FROM items ORDER BY id LIMIT 5 FOR NO KEY UPDATE SKIP LOCKED",
        "SELECT i.id FROM items i LEFT JOIN queue q ON q.id = i.id FOR SHARE OF i NOWAIT",
        "SELECT sum(n) OVER w FROM items WINDOW w AS (ORDER BY id)",
    };
    struct sg_policy_rules rules = {.phase = SG_PHASE_BATCH, .state_schema = "sgrun", .schema = "public", .drain = true};
    struct place *p = place_new(20, "[backfill b01]\nplugin = b01");

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const char *sent = sg_inner_sql(&p->arena, "SELECT sgrun_exists.* FROM (", queries[i], ") sgrun_exists LIMIT 1");
        struct sg_verdict verdict;
        struct sg_result *rows;

        sg_err_clear(&p->err);
        if (sg_policy_judge(&rules, SG_CALL_QUERY, queries[i], strlen(queries[i]), &p->arena, &verdict, &p->err) != 0)
            T_FATAL("%s: %s", queries[i], p->err.primary);
        T_EQ_STR(verdict.kind, "SELECT");
        if (sg_db_query(p->session.db, sent, 0, NULL, &p->arena, &rows, &p->err) != 0)
            T_FATAL("%s: %s", sent, p->err.primary);
        T_EQ_INT(sg_result_rows(rows), 1);
    }
}

SG_TEST(an_error_in_it_is_shown_as_it_was_asked)
{
    struct place *p = place_new(1, "[backfill b01]\nplugin = b01\noption.left = SELECT nosuch(1) FROM items");
    bool found;

    /* "there is no such function" only says that it does not hold; so an error of another kind */
    must_open(p);
    holds(p, false, -1);
    p = place_new(1, "[backfill b01]\nplugin = b01\noption.left = SELECT 1 FROM items WHERE id = 'abc'");
    must_open(p);
    T_EQ_INT(sg_backfill_holds(&p->backfill, &p->session, &found, NULL, &p->err), -1);
    T_EQ_STR(p->err.sqlstate, "22P02");
    T_EQ_STR(p->err.statement, "SELECT 1 FROM items WHERE id = 'abc'");
    T_EQ_INT(p->err.position, 32);
    /* nor is one in a column passed over, which would read as "there is a row" */
    p = place_new(3, "[backfill b01]\nplugin = b01\noption.fingerprint = SELECT id, 1 / (id - 1) FROM items ORDER BY id");
    must_open(p);
    T_EQ_INT(sg_backfill_holds(&p->backfill, &p->session, &found, NULL, &p->err), -1);
    T_EQ_STR(p->err.sqlstate, "22012");
}

SG_TEST(a_batch_changes_rows)
{
    struct place *p = place_new(20, "[backfill b01]\nplugin = b01\n"
                                    "option.read = SELECT id FROM items WHERE id BETWEEN $1 AND $2 FOR UPDATE\n"
                                    "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2 RETURNING *\n"
                                    "option.batch2 = UPDATE items SET n = n + 1 WHERE id = $1::int\n"
                                    "option.batch3 = INSERT INTO queue SELECT id FROM items WHERE id BETWEEN $1::int AND $2::int");

    must_open(p);
    for (int round = 0; round < 3; round++) { /* by one process */
        T_MUST_EQ_INT(batch(p, false), 0);
        T_EQ_INT(p->changed, 21);
        T_MUST_EQ_INT((int)p->executor.journal.count, 2);
        T_EQ_STR(p->executor.journal.entries[0].kind, "UPDATE");
        T_EQ_INT(p->executor.journal.entries[0].rows, 10);
        T_CONTAINS(p->executor.journal.entries[0].sql, "RETURNING *");
        T_EQ_STR(p->executor.journal.entries[1].kind, "INSERT");
        T_MUST_EQ_INT(sg_db_commit(p->session.db, &p->err), 0);
        p->session.begun = false;
    }
    T_EQ_STR(sg_sql_value(p->sql, "SELECT min(n) || ' ' || max(n) || ' ' || sum(n) FROM items WHERE id <= 10"), "3 6 33");
    T_EQ_INT(sg_sql_int(p->sql, "SELECT sum(n) FROM items WHERE id > 10"), 0);
    T_EQ_INT(sg_process_finish(p->process, &p->err), 0);
    p->process = NULL;
}

SG_TEST(a_batch_fails_as_it_should)
{
    static const struct {
        const char *lines;
        enum sg_class class;
        const char *primary;
    } cases[] = {
        {"option.returns = -3", SG_CLASS_FAILED, "backfill_batch returned -3"},
        {"option.returns = 9223372036854775807", SG_CLASS_FAILED, "backfill_batch returned 9223372036854775807"},
        {"option.fail_at = 5", SG_CLASS_FAILED, "scripted: no batch with 5"},
        {"option.crash_at = 5", SG_CLASS_CRASH, "in backfill_batch()"},
        {"option.exit_at = 5", SG_CLASS_CRASH, "in backfill_batch()"},
        {"plugin_seconds = 1\noption.hang_at = 5", SG_CLASS_TIMEOUT, "did not answer within 1.0 s in backfill_batch()"},
        {"idle_seconds = 1\noption.sleep_ms = 1500", SG_CLASS_TIMEOUT, "in backfill_batch() without a statement"},
        {"option.batch = DELETE FROM items WHERE id IN (SELECT id FROM items FOR UPDATE SKIP LOCKED)", SG_CLASS_POLICY, "SKIP LOCKED"},
        {"option.batch = TRUNCATE items", SG_CLASS_POLICY, "TRUNCATE"},
        {"option.batch = UPDATE sgrun.backfills SET state = 'complete'", SG_CLASS_POLICY, "belongs to the runner"},
        {"option.batch = UPDATE items SET id = 3", SG_CLASS_SQL, "duplicate key"},
        {"option.read = WITH d AS (DELETE FROM items RETURNING *) SELECT * FROM d", SG_CLASS_POLICY, "DELETE writes rows"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct place *p = place_new(20, sg_test_strf("[backfill b01]\nplugin = b01\n%s", cases[i].lines));

        must_open(p);
        T_EQ_INT(batch(p, false), -1);
        T_EQ_INT(p->err.class, cases[i].class);
        T_CONTAINS(p->err.primary, cases[i].primary);
        if (cases[i].class == SG_CLASS_SQL || cases[i].class == SG_CLASS_POLICY)
            T_NOT_NULL(p->err.statement);
    }
}

SG_TEST(a_drain_batch_selects_its_rows)
{
    struct place *p = place_new(20, "[backfill d01]\nplugin = d01\nalso_writes = items\n"
                                    "option.unless = SELECT id FROM items WHERE n = 0 LIMIT 1 FOR UPDATE SKIP LOCKED; -- one\n"
                                    "option.fail_at = 1\n"
                                    "option.batch = UPDATE items SET n = 1 WHERE id IN (SELECT id FROM items WHERE n = 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)");

    must_open(p);
    (void)sg_sql_hold(p->conninfo, "SELECT 1 FROM items WHERE id IN (2, 4) FOR UPDATE");
    T_MUST_EQ_INT(batch(p, true), 0);
    T_EQ_INT(p->changed, 5);
    T_MUST_EQ_INT(sg_writes_ask(&p->executor, &p->backfill.writes, &p->err), 0);
    T_MUST_EQ_INT(sg_db_commit(p->session.db, &p->err), 0);
    p->session.begun = false;
    T_EQ_STR(sg_sql_value(p->sql, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM items WHERE n = 1"), "1 3 5 6 7");
}

SG_TEST(guards_stand_whatever_the_plugin_does)
{
    struct place *p = place_new(20, "[backfill b01]\nplugin = b01\nlock_ms = 100\nstatement_seconds = 20\n"
                                    "option.batch = UPDATE items SET n = undo() WHERE id = $1::int\n"
                                    "option.batch2 = UPDATE items SET n = 2 WHERE id = 7");
    int64_t before;

    sg_sql_exec(p->sql, "CREATE FUNCTION undo() RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM (SELECT set_config('lock_timeout', '0', true),"
                        " set_config('statement_timeout', '0', true), set_config('search_path', 'pg_catalog', true)) q $$");
    must_open(p);
    T_MUST_EQ_INT(batch(p, false), 0);
    T_MUST_EQ_INT(sg_writes_ask(&p->executor, &p->backfill.writes, &p->err), 0);
    sg_session_rollback(&p->session);
    (void)sg_sql_hold(p->conninfo, "SELECT 1 FROM items WHERE id = 7 FOR UPDATE");
    before = sg_clock_ms();
    T_EQ_INT(batch(p, false), -1);
    T_EQ_INT(p->err.class, SG_CLASS_LOCKED);
    T_CONTAINS(p->err.hint, "lock_ms in [backfills]");
    T_EQ_STR(p->err.statement, "UPDATE items SET n = 2 WHERE id = 7");
    T_LT_INT(sg_clock_ms() - before, 15000);
    p = place_new(2000, "[backfill b01]\nplugin = b01\nstatement_seconds = 1\n"
                        "option.batch = UPDATE items SET n = (SELECT count(*) FROM items a, items b, items c) WHERE id = $1::int");
    must_open(p);
    T_EQ_INT(batch(p, false), -1);
    T_EQ_STR(p->err.sqlstate, "57014");
    T_CONTAINS(p->err.hint, "statement_seconds in [backfills]");
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {
        SG_CASE(opening_learns_what_it_is), SG_CASE(a_drain_backfill_says_what_it_writes_to),
        SG_CASE(what_does_not_fit_is_refused_with_its_line), SG_CASE(the_fingerprint_says_what_is_left),
        SG_CASE(a_slow_fingerprint_says_so), SG_CASE(the_first_row_is_asked_of_any_query),
        SG_CASE(an_error_in_it_is_shown_as_it_was_asked), SG_CASE(a_batch_changes_rows), SG_CASE(a_batch_fails_as_it_should),
        SG_CASE(a_drain_batch_selects_its_rows), SG_CASE(guards_stand_whatever_the_plugin_does), SG_CASES_END};
    static const struct sg_suite suites[] = {{"opened", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
