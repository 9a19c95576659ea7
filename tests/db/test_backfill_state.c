/*
 * The table backfills on a real server: what a run writes, what everybody reads, and what a person may ask for from another host, in
 * every state that there is.
 */
#include "config.h"

#include "tests/db/states.h"

#include <string.h>

static const struct sg_ranges of = {STATE, "fill", 1};

static void start(const struct states *s, const char *from, const char *to, int64_t estimate)
{
    struct sg_backfill_row row;

    begin_hostile(s->db);
    must(sg_backfills_lock(s->db, STATE, of.key, &arena, &row, &err));
    must(sg_backfills_begin(s->db, &of, from ? key1(from) : NULL, to ? key1(to) : NULL, estimate, "abc", "me", &arena, &err));
    commit(s->db);
}

static const struct sg_backfill_row *look(struct sg_db *db)
{
    struct sg_backfill_row *rows;
    size_t count;

    must(sg_backfills_read(db, STATE, &arena, &rows, &count, &err));
    return sg_backfills_find(rows, count, of.key);
}

static const char *row(const struct states *s, const char *columns)
{
    return sg_sql_rows(s->sql, sg_test_strf("SELECT %s FROM " SCHEMA ".backfills", columns));
}

SG_TEST(a_run_begins_moves_and_ends)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_backfill_row mine;
    const struct sg_backfill_row *r;
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim c;

    T_NULL(look(s.db));
    begin_hostile(s.db);
    must(sg_backfills_lock(s.db, STATE, of.key, &arena, &mine, &err));
    T_EQ_STR(mine.key, "fill");
    T_FALSE(mine.begun);
    T_FALSE(mine.again);
    T_EQ_STR(sg_backfill_state_name(mine.state), "pending");
    T_EQ_STR(sg_backfill_row_text(&mine, &arena), "not started");
    must(sg_backfills_begin(s.db, &of, key1("1"), key1("1000000"), 1000000, "abc", "me", &arena, &err));
    commit(s.db);
    r = look(s.db);
    T_MUST_NOT_NULL(r);
    T_TRUE(r->begun);
    T_EQ_INT(r->state, SG_BACKFILL_RUNNING);
    T_EQ_INT(r->rows_estimate, 1000000);
    T_EQ_INT(r->left, 1000000);
    T_EQ_INT(r->lanes, 0);
    T_EQ_INT(r->silent_s, -1);
    T_EQ_STR(sg_backfill_row_text(r, &arena), "1,000,000 of about 1,000,000 rows left; nobody is at work");
    begin_hostile(s.db);
    c = claim(s.db, &of, 0, NULL);
    sg_ranges_move(&sql, &of, &c.range, key1("688000"), 688000, 88000, "me", &arena);
    flush(s.db, &sql);
    commit(s.db);
    begin(s.db);
    c = claim(s.db, &of, 1, NULL);
    r = look(other);
    T_EQ_INT(r->lanes, 1);
    T_EQ_INT(r->rows_done, 688000);
    T_EQ_INT(r->left, 312000);
    T_EQ_INT(r->batch_size, 688000);
    T_TRUE(r->rows_per_s > 7818 && r->rows_per_s < 7819);
    T_EQ_INT(r->seconds_left, 40);
    T_TRUE(r->silent_s >= 0 && r->silent_s < 20);
    T_EQ_STR(sg_backfill_row_text(r, &arena), "312,000 of about 1,000,000 rows left, about 40.0 s");
    /* read where no lock may be had, too: in a transaction that only reads, and in one that would fail on changed rows */
    run(other, "BEGIN READ ONLY");
    T_EQ_INT(look(other)->lanes, 1);
    run(other, "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ");
    T_EQ_INT(look(other)->lanes, 1);
    run(other, "COMMIT");
    sg_ranges_finish(&sql, &of, &c.range, 312000, &arena);
    flush(s.db, &sql);
    commit(s.db);
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_COMPLETE, NULL, NULL, 0, &arena, &err));
    commit(s.db);
    r = look(s.db);
    T_EQ_STR(sg_backfill_row_text(r, &arena), "complete");
    T_EQ_INT(r->left, 0);
    T_EQ_INT(r->rows_done, 1000000);
    T_NOT_NULL(r->finished_at);
    sg_buf_release(&sql);
}

SG_TEST(states_are_written_as_asked)
{
    struct states s = states_new();
    struct sg_err why = SG_ERR_INIT;
    const struct sg_backfill_row *r;

    start(&s, "1", "100", -1);
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_RUNNING, "replication lag", NULL, -1, &arena, &err));
    commit(s.db);
    T_TRUE(look(s.db)->nobody);
    begin_hostile(s.db);
    must(sg_backfills_alive(s.db, STATE, of.key, "me", 3, &arena, &err));
    commit(s.db);
    T_FALSE(look(s.db)->nobody);
    T_EQ_INT(look(s.db)->lanes, 1);
    r = look(s.db);
    T_EQ_STR(r->message, "replication lag");
    T_EQ_INT(r->err.class, SG_CLASS_NONE);
    T_EQ_INT(r->left, -1);
    T_EQ_STR(sg_backfill_row_text(r, &arena), "0 rows are done, how many are left is not known; it holds still: replication lag");
    sg_err_set(&why, SG_CLASS_SQL, "column \"x\" does not exist");
    sg_err_sqlstate(&why, "42703");
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_FAILED, NULL, &why, -1, &arena, &err));
    commit(s.db);
    r = look(s.db);
    T_EQ_INT(r->state, SG_BACKFILL_FAILED);
    T_EQ_STR(r->err.primary, "column \"x\" does not exist");
    T_EQ_STR(r->err.sqlstate, "42703");
    T_EQ_STR(sg_class_name(r->err.class), "sql");
    T_NOT_NULL(r->finished_at);
    T_CONTAINS(sg_backfill_row_text(r, &arena), "failed: column \"x\" does not exist (");
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_RUNNING, NULL, NULL, -1, &arena, &err));
    commit(s.db);
    T_EQ_STR(row(&s, "state, class, sqlstate, message, finished_at"), "running||||");
    sg_sql_exec(s.sql, "DELETE FROM " SCHEMA ".backfill_ranges; UPDATE " SCHEMA ".backfills SET rows_done = 90");
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_RESIDUAL, NULL, NULL, 12, &arena, &err));
    commit(s.db);
    r = look(s.db);
    T_EQ_INT(r->left, 12);
    T_EQ_STR(sg_backfill_row_text(r, &arena), "residual: 12 rows are left that came or changed since");
    sg_err_release(&why);
}

SG_TEST(pause_and_resume)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    const struct sg_backfill_row *r;

    T_EQ_INT(sg_backfills_resume(s.db, STATE, of.key, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "usage");
    T_CONTAINS(err.primary, "backfill fill is not paused: it has not begun");
    sg_err_clear(&err);
    /* before it began */
    must(sg_backfills_pause(other, STATE, of.key, "eva@one", &err));
    must(sg_backfills_pause(other, STATE, of.key, "tom@two", &err));
    r = look(s.db);
    T_EQ_STR(r->paused_by, "eva@one");
    T_NOT_NULL(r->paused_at);
    T_CONTAINS(sg_backfill_row_text(r, &arena), "paused by eva@one since 20");
    T_CONTAINS(sg_backfill_row_text(r, &arena), "Z: not started");
    /* a run that begins, and goes, leaves it paused */
    start(&s, "1", "100", 100);
    T_EQ_STR(row(&s, "state"), "paused");
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_RUNNING, NULL, NULL, -1, &arena, &err));
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_PENDING, NULL, NULL, -1, &arena, &err));
    commit(s.db);
    T_EQ_STR(row(&s, "state, paused_by"), "paused|eva@one");
    must(sg_backfills_resume(other, STATE, of.key, &err));
    T_EQ_STR(row(&s, "state, paused_by, paused_at"), "pending||");
    begin_hostile(s.db);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_COMPLETE, NULL, NULL, -1, &arena, &err));
    commit(s.db);
    T_EQ_INT(sg_backfills_pause(s.db, STATE, of.key, "eva@one", &err), -1);
    T_EQ_STR(err.primary, "backfill fill is complete: there is nothing to pause");
    sg_err_clear(&err);
    T_EQ_INT(sg_backfills_resume(s.db, STATE, of.key, &err), -1);
    T_EQ_STR(err.primary, "backfill fill is not paused: it is complete");
    T_EQ_STR(row(&s, "state"), "complete");
}

SG_TEST(retry_puts_failures_back)
{
    struct states s = states_new();
    struct sg_err why = SG_ERR_INIT;
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim c;
    const char *before;
    int64_t count = -1;

    T_EQ_INT(sg_backfills_retry(s.db, STATE, of.key, &count, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "usage");
    sg_err_clear(&err);
    start(&s, "1", "100", 100);
    must(sg_backfills_retry(s.db, STATE, of.key, &count, &err));
    T_EQ_INT(count, 0);
    T_EQ_STR(row(&s, "state"), "running");
    begin(s.db);
    c = claim(s.db, &of, 0, NULL);
    sg_err_set(&why, SG_CLASS_SQL, "bad");
    sg_ranges_bad(&sql, &of, key1("7"), &why, &arena);
    sg_ranges_bad(&sql, &of, key1("it's \"8\""), &why, &arena);
    sg_ranges_finish(&sql, &of, &c.range, 98, &arena);
    flush(s.db, &sql);
    must(sg_backfills_set(s.db, STATE, of.key, SG_BACKFILL_RESIDUAL, NULL, NULL, -1, &arena, &err));
    commit(s.db);
    T_EQ_INT(look(s.db)->bad_rows, 2);
    T_EQ_STR(sg_backfill_row_text(look(s.db), &arena), "residual: 2 bad rows are left");
    must(sg_backfills_retry(s.db, STATE, of.key, &count, &err));
    T_EQ_INT(count, 2);
    T_EQ_INT(look(s.db)->bad_rows, 0);
    T_EQ_INT(look(s.db)->deferred, 2);
    T_EQ_STR(row(&s, "state, finished_at, rows_done"), "pending||98");
    /* one fails again: it has been tried twice */
    begin_hostile(s.db);
    must(sg_backfills_pass(s.db, STATE, of.key, &arena, &before, &err));
    c = claim(s.db, &of, 0, before);
    T_EQ_STR(claimed(&c), "range 2 7..7 after nothing deferred");
    sg_ranges_bad(&sql, &of, c.range.lo, &why, &arena);
    sg_ranges_finish(&sql, &of, &c.range, 0, &arena);
    flush(s.db, &sql);
    c = claim(s.db, &of, 0, before);
    T_EQ_STR(claimed(&c), "range 3 it's \"8\"..it's \"8\" after nothing deferred");
    sg_ranges_finish(&sql, &of, &c.range, 1, &arena);
    flush(s.db, &sql);
    commit(s.db);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT row_key[1], attempts FROM " SCHEMA ".backfill_failures"), "7|2");
    sg_err_release(&why);
    sg_buf_release(&sql);
}

SG_TEST(again_begins_anew_and_only_then)
{
    static const char *const endings[] = {"complete", "residual", "failed", "pending"};
    struct states s = states_new();
    const struct sg_backfill_row *r;

    T_EQ_INT(sg_backfills_again(s.db, STATE, of.key, &err), -1);
    T_CONTAINS(err.primary, "backfill fill has not begun");
    sg_err_clear(&err);
    start(&s, "1", "100", 100);
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfills SET state = 'pending'");
    T_EQ_INT(sg_backfills_again(s.db, STATE, of.key, &err), -1);
    T_EQ_STR(err.primary, "backfill fill is not through: 1 range is left");
    T_CONTAINS(err.hint, "sgrun backfill --only fill");
    sg_err_clear(&err);
    sg_sql_exec(s.sql, "DELETE FROM " SCHEMA ".backfill_ranges; UPDATE " SCHEMA ".backfills SET state = 'running'");
    T_EQ_INT(sg_backfills_again(s.db, STATE, of.key, &err), -1);
    T_EQ_STR(err.primary, "backfill fill is running");
    sg_err_clear(&err);
    must(sg_backfills_pause(s.db, STATE, of.key, "eva@one", &err));
    T_EQ_INT(sg_backfills_again(s.db, STATE, of.key, &err), -1);
    T_EQ_STR(err.primary, "backfill fill is paused by eva@one");
    sg_err_clear(&err);
    must(sg_backfills_resume(s.db, STATE, of.key, &err));
    for (size_t i = 0; i < SG_COUNT(endings); i++) {
        sg_sql_execf(s.sql, "UPDATE " SCHEMA ".backfills SET state = '%s', started_at = now(), finished_at = now(), rows_done = 9,"
                            " pass = 3, message = 'x', class = 'sql'; INSERT INTO " SCHEMA ".backfill_failures VALUES ('fill', '{1}')", endings[i]);
        must(sg_backfills_again(s.db, STATE, of.key, &err));
        T_EQ_STR(row(&s, "state, started_at, finished_at, rows_done, message, class"), "pending|||0||");
        r = look(s.db);
        T_TRUE(r->again);
        T_FALSE(r->begun);
        T_EQ_INT(r->bad_rows, 0);
        T_EQ_STR(sg_backfill_row_text(r, &arena), "not started");
        must(sg_backfills_again(s.db, STATE, of.key, &err));
    }
    start(&s, NULL, NULL, 0);
    r = look(s.db);
    T_FALSE(r->again);
    T_EQ_INT(r->pass, 1);
    T_EQ_INT(r->ranges, 0);
}

SG_TEST(drains_hold_their_row)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_result *result;
    struct sg_claim c;
    const char *ask = sg_backfills_drain_sql(&of, &arena);

    must(sg_db_script_rows(s.db, ask, &arena, &result, &err));
    must(sg_backfills_drain_claimed(result, 0, &c, &err));
    T_EQ_STR(claimed(&c), "over");
    start(&s, NULL, NULL, -1);
    begin_hostile(s.db);
    must(sg_db_script_rows(s.db, ask, &arena, &result, &err));
    must(sg_backfills_drain_claimed(result, 0, &c, &err));
    T_EQ_INT(c.what, SG_CLAIMED_RANGE);
    T_EQ_INT(look(other)->lanes, 1);
    begin_hostile(other);
    must(sg_db_script_rows(other, ask, &arena, &result, &err));
    must(sg_backfills_drain_claimed(result, 0, &c, &err));
    T_EQ_STR(claimed(&c), "busy");
    commit(other);
    sg_backfills_drained(&sql, &of, 33, &arena);
    flush(s.db, &sql);
    commit(s.db);
    T_EQ_INT(look(other)->rows_done, 33);
    T_EQ_INT(look(other)->lanes, 0);
    must(sg_backfills_pause(other, STATE, of.key, "eva@one", &err));
    must(sg_db_script_rows(s.db, ask, &arena, &result, &err));
    must(sg_backfills_drain_claimed(result, 0, &c, &err));
    T_EQ_STR(claimed(&c), "paused");
    T_EQ_STR(c.paused_by, "eva@one");
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfills SET state = 'failed'");
    must(sg_db_script_rows(s.db, ask, &arena, &result, &err));
    must(sg_backfills_drain_claimed(result, 0, &c, &err));
    T_EQ_STR(claimed(&c), "over");
    sg_buf_release(&sql);
}

/* A person's wish waits for a batch that holds the row, and is told when that is too long. */
SG_TEST(asking_waits_a_little)
{
    struct states s = states_new();
    struct sg_sql *holder;

    start(&s, "1", "100", 100);
    holder = sg_sql_hold(s.conninfo, "SELECT FROM " SCHEMA ".backfills FOR UPDATE");
    T_EQ_INT(sg_backfills_pause(s.db, STATE, of.key, "eva@one", &err), -1);
    T_EQ_STR(sg_class_name(err.class), "locked");
    T_CONTAINS(err.primary, "backfill fill is locked");
    sg_err_clear(&err);
    sg_sql_close(holder);
    must(sg_backfills_pause(s.db, STATE, of.key, "eva@one", &err));
    T_EQ_STR(row(&s, "state"), "paused");
}

/* A role that may only read sees who moved within ten seconds. */
SG_TEST(a_reader_is_enough)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    const struct sg_backfill_row *r;
    struct sg_claim c;

    start(&s, "1", "100", 100);
    begin(s.db);
    c = claim(s.db, &of, 0, NULL);
    sg_ranges_move(&sql, &of, &c.range, key1("40"), 40, 400, "me", &arena);
    flush(s.db, &sql);
    commit(s.db);
    sg_sql_exec(s.sql, "DO $$ BEGIN CREATE ROLE watcher; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                       "GRANT USAGE ON SCHEMA " SCHEMA " TO watcher; GRANT SELECT ON ALL TABLES IN SCHEMA " SCHEMA " TO watcher");
    run(other, "SET ROLE watcher");
    r = look(other);
    T_EQ_INT(r->lanes, 1);
    T_EQ_INT(r->left, 60);
    T_TRUE(r->rows_per_s > 99 && r->rows_per_s < 101);
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfill_ranges SET updated_at = updated_at - interval '1 hour'");
    r = look(other);
    T_EQ_INT(r->lanes, 0);
    T_TRUE(r->silent_s >= 3600 && r->silent_s < 3700);
    T_EQ_INT(r->seconds_left, -1);
    T_EQ_INT(sg_backfills_pause(other, STATE, of.key, "eva@one", &err), -1);
    T_EQ_STR(sg_class_name(err.class), "state");
    T_CONTAINS(err.hint, "Grant");
    sg_buf_release(&sql);
    sg_sql_exec(s.sql, "DROP OWNED BY watcher");
}

static const struct sg_test tests[] = {
    SG_CASE(a_run_begins_moves_and_ends),
    SG_CASE(states_are_written_as_asked),
    SG_CASE(pause_and_resume),
    SG_CASE(retry_puts_failures_back),
    SG_CASE(again_begins_anew_and_only_then),
    SG_CASE(drains_hold_their_row),
    SG_CASE(asking_waits_a_little),
    SG_CASE(a_reader_is_enough),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"backfill_state", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
