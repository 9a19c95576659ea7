/*
 * backfill_ranges on a real server: who gets which range, at which position, while others hold, move, cut and finish theirs; and
 * that a key comes back as the bytes that it was.
 */
#include "config.h"

#include "tests/db/states.h"

#include <stdlib.h>
#include <string.h>

static const struct sg_ranges of = {STATE, "fill", 1};

/* The backfill's row, running, and one range from..to. */
static void start(const struct states *s, const char *from, const char *to)
{
    struct sg_backfill_row row;

    begin(s->db);
    must(sg_backfills_lock(s->db, STATE, of.key, &arena, &row, &err));
    T_FALSE(row.begun);
    must(sg_backfills_begin(s->db, &of, from ? key1(from) : NULL, to ? key1(to) : NULL, 1000, "abc", "me", &arena, &err));
    commit(s->db);
}

static const char *ranges(const struct states *s)
{
    return sg_sql_rows(s->sql, "SELECT lo, hi, pos, deferred, rows_done, batches, batch_size FROM " SCHEMA
                               ".backfill_ranges ORDER BY no");
}

SG_TEST(a_range_is_worked_to_its_end)
{
    struct states s = states_new();
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim c;

    begin(s.db);
    c = claim(s.db, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "over"); /* no row: nobody began */
    commit(s.db);
    start(&s, "1", "100");
    begin_hostile(s.db);
    c = claim(s.db, &of, 0, NULL);
    T_MUST_EQ_STR(claimed(&c), "range 1 1..100 after nothing");
    T_EQ_INT(c.ranges, 1);
    T_EQ_INT(c.deferred, 0);
    T_EQ_INT(c.range.batch_size, 0);
    sg_ranges_move(&sql, &of, &c.range, key1("40"), 40, 12.5, "host:1", &arena);
    flush(s.db, &sql);
    commit(s.db);
    T_EQ_STR(ranges(&s), "{1}|{100}|{40}|f|40|1|40");
    begin_hostile(s.db);
    c = claim(s.db, &of, 1, NULL);
    T_MUST_EQ_STR(claimed(&c), "range 1 1..100 after 40");
    T_EQ_INT(c.range.rows_done, 40);
    T_EQ_INT(c.range.batches, 1);
    T_EQ_INT(c.range.batch_size, 40);
    T_TRUE(c.range.batch_ms > 12.4 && c.range.batch_ms < 12.6);
    sg_ranges_finish(&sql, &of, &c.range, 60, &arena);
    flush(s.db, &sql);
    commit(s.db);
    T_EQ_STR(ranges(&s), "");
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT rows_done, lanes, state FROM " SCHEMA ".backfills"), "100|0|running");
    begin(s.db);
    c = claim(s.db, &of, 1, NULL);
    T_EQ_STR(claimed(&c), "nothing");
    T_EQ_INT(c.ranges, 0);
    commit(s.db);
    sg_buf_release(&sql);
}

SG_TEST(two_lanes_never_share_a_range)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim mine, c;

    start(&s, "1", "100");
    begin(s.db);
    mine = claim(s.db, &of, 0, NULL);
    /* all is held: busy, and one more range is wanted */
    begin_hostile(other);
    c = claim(other, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "busy");
    T_EQ_INT(c.ranges, 1);
    sg_ranges_want(&sql, &of, &arena);
    flush(other, &sql);
    commit(other);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT lanes FROM " SCHEMA ".backfills"), "2");
    /* its last batch is not committed yet: not nothing, but busy */
    sg_ranges_finish(&sql, &of, &mine.range, 100, &arena);
    flush(s.db, &sql);
    begin(other);
    c = claim(other, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "busy");
    commit(other);
    sg_db_rollback(s.db);
    begin_hostile(s.db);
    mine = claim(s.db, &of, mine.range.no, NULL);
    T_MUST_EQ_STR(claimed(&mine), "range 1 1..100 after nothing");
    T_EQ_INT(mine.lanes, 2);
    mine.range.batch_size = 10;
    mine.range.batch_ms = 5;
    sg_ranges_cut(&sql, &of, &mine.range, key1("30"), &arena);
    flush(s.db, &sql);
    begin(other);
    c = claim(other, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "busy"); /* not committed */
    commit(other);
    commit(s.db);
    T_EQ_STR(ranges(&s), "{1}|{30}||f|0|0|\n{30}|{100}|{30}|f|0|0|10");
    begin(s.db);
    mine = claim(s.db, &of, 1, NULL);
    T_EQ_STR(claimed(&mine), "range 1 1..30 after nothing");
    begin(other);
    c = claim(other, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "range 2 30..100 after 30");
    commit(other);
    /* its own range first, if it is free */
    commit(s.db);
    begin(other);
    c = claim(other, &of, 2, NULL);
    T_EQ_STR(claimed(&c), "range 2 30..100 after 30");
    commit(other);
    /* somebody holds it: another one */
    begin(s.db);
    mine = claim(s.db, &of, 2, NULL);
    begin(other);
    c = claim(other, &of, 2, NULL);
    T_EQ_STR(claimed(&c), "range 1 1..30 after nothing");
    commit(other);
    commit(s.db);
    sg_buf_release(&sql);
}

/* The statement's snapshot is older than a batch that is committed before the row is locked: the position must be that batch's. */
SG_TEST(the_position_is_the_newest_committed_one)
{
    struct states s = states_new();
    struct sg_db *late = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_sql *slow = sg_sql_open(s.conninfo), *gate = sg_sql_open(s.conninfo);
    struct sg_claim c;

    start(&s, "1", "100");
    for (int turn = 0; turn < 2; turn++) {
        sg_sql_exec(gate, "SELECT pg_advisory_lock(7)");
        sg_sql_exec(slow, "DROP TABLE IF EXISTS got; BEGIN");
        /* takes its snapshot, and waits for the gate before it comes to the ranges */
        sg_sql_send(slow, sg_test_strf("CREATE TABLE got AS SELECT q.pos, q.no FROM (SELECT pg_advisory_xact_lock(7)) w(x)"
                                       " LEFT JOIN LATERAL (%s) q ON true", sg_ranges_claim_sql(&of, 0, 0, NULL, &arena)));
        sg_test_sleep_ms(100);
        T_TRUE(sg_sql_busy(slow));
        begin(late);
        c = claim(late, &of, 0, NULL);
        if (turn == 0)
            sg_ranges_move(&sql, &of, &c.range, key1("77"), 77, 1, "late", &arena);
        else
            sg_ranges_finish(&sql, &of, &c.range, 23, &arena);
        flush(late, &sql);
        commit(late);
        sg_sql_exec(gate, "SELECT pg_advisory_unlock(7)");
        T_MUST_EQ_STR(sg_sql_finish(slow, 20000), "");
        sg_sql_exec(slow, "COMMIT");
        T_EQ_STR(sg_sql_rows(s.sql, "SELECT no, pos FROM got"), turn == 0 ? "1|{77}" : "|");
    }
    sg_buf_release(&sql);
}

/* The same for a lane that sees the range as free, but whose holder's transaction is in flight: skipped, never waited for. */
SG_TEST(a_ghost_is_not_waited_for)
{
    struct states s = states_new();
    struct sg_db *ghost = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim c;
    int64_t start_ms;

    start(&s, "1", "100");
    begin(ghost);
    c = claim(ghost, &of, 0, NULL);
    sg_ranges_move(&sql, &of, &c.range, key1("50"), 50, 1, "ghost", &arena);
    flush(ghost, &sql);
    begin(s.db);
    start_ms = sg_test_now_ms();
    c = claim(s.db, &of, 1, NULL);
    T_EQ_STR(claimed(&c), "busy");
    T_LT_INT(sg_test_now_ms() - start_ms, 20000); /* the ghost waits for us */
    commit(ghost);
    c = claim(s.db, &of, 1, NULL);
    T_EQ_STR(claimed(&c), "range 1 1..100 after 50");
    commit(s.db);
    sg_buf_release(&sql);
}

SG_TEST(deferred_ranges_are_for_later_passes)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_buf sql = SG_BUF_INIT;
    const char *before, *next;
    struct sg_claim c, d;

    start(&s, "1", "100");
    begin_hostile(s.db);
    c = claim(s.db, &of, 0, NULL);
    sg_ranges_defer(&sql, &of, key1("7"), key1("7"), "me", &arena);
    sg_ranges_defer(&sql, &of, key1("9"), key1("9"), "me", &arena);
    sg_ranges_finish(&sql, &of, &c.range, 98, &arena);
    flush(s.db, &sql);
    commit(s.db);
    begin(s.db);
    c = claim(s.db, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "nothing");
    T_EQ_INT(c.ranges, 2);
    T_EQ_INT(c.deferred, 2);
    sg_ranges_want(&sql, &of, &arena); /* nobody cuts a single key */
    flush(s.db, &sql);
    must(sg_backfills_pass(s.db, STATE, of.key, &arena, &before, &err));
    commit(s.db);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT pass, lanes FROM " SCHEMA ".backfills"), "2|1");
    begin_hostile(s.db);
    c = claim(s.db, &of, 0, before);
    T_EQ_STR(claimed(&c), "range 2 7..7 after nothing deferred");
    begin(other);
    d = claim(other, &of, 0, before);
    T_EQ_STR(claimed(&d), "range 3 9..9 after nothing deferred");
    sg_ranges_touch(&sql, &of, &d.range, "other", &arena);
    flush(other, &sql);
    commit(other);
    /* the other one is touched, this one is held */
    begin(other);
    d = claim(other, &of, 0, before);
    T_EQ_STR(claimed(&d), "busy");
    commit(other);
    sg_ranges_finish(&sql, &of, &c.range, 1, &arena);
    flush(s.db, &sql);
    commit(s.db);
    begin(s.db);
    c = claim(s.db, &of, 0, before);
    T_EQ_STR(claimed(&c), "nothing");
    T_EQ_INT(c.ranges, 1);
    must(sg_backfills_pass(s.db, STATE, of.key, &arena, &next, &err));
    T_LT_INT(strcmp(before, next), 0);
    c = claim(s.db, &of, 0, next);
    T_EQ_STR(claimed(&c), "range 3 9..9 after nothing deferred");
    commit(s.db);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT rows_done FROM " SCHEMA ".backfills"), "99");
    sg_buf_release(&sql);
}

SG_TEST(claims_obey_the_state)
{
    static const char *const states[] = {"failed", "residual", "complete"};
    struct states s = states_new();
    struct sg_claim c;

    start(&s, "1", "100");
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfills SET state = 'paused', paused_by = 'eva@host', paused_at = '2026-01-31 12:00+00'");
    begin_hostile(s.db);
    c = claim(s.db, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "paused");
    T_EQ_STR(c.paused_by, "eva@host");
    T_EQ_STR(c.paused_at, "2026-01-31T12:00:00Z");
    /* and holds nothing */
    T_EQ_STR(sg_sql_value(s.sql, "SELECT count(*) FROM (SELECT FROM " SCHEMA ".backfill_ranges FOR UPDATE SKIP LOCKED) x"), "1");
    commit(s.db);
    for (size_t i = 0; i < SG_COUNT(states); i++) {
        sg_sql_execf(s.sql, "UPDATE " SCHEMA ".backfills SET state = '%s'", states[i]);
        begin(s.db);
        c = claim(s.db, &of, 0, NULL);
        T_EQ_STR(claimed(&c), "over");
        commit(s.db);
    }
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfills SET state = 'pending'");
    begin(s.db);
    c = claim(s.db, &of, 0, NULL);
    T_EQ_STR(claimed(&c), "range 1 1..100 after nothing");
    commit(s.db);
    /* another backfill's ranges are not ours */
    c = claim(s.db, &(struct sg_ranges){STATE, "other", 1}, 0, NULL);
    T_EQ_STR(claimed(&c), "over");
}

SG_TEST(keys_come_back_as_they_were)
{
    static const char *const hostile[] = {"", "NULL", "null", "a\"b", "\\", "\\\\x", "{", "}", "{a,b}", ",", "it's", " ", " a ", "\n\t",
                                          "\x01\x7f", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "$1 %s %n", "'; DROP TABLE x --", "\"\"",
                                          "[0:1]={a,b}", "\\N", "a b"};
    static const struct sg_ranges pairs = {STATE, "it's {\"a\\b\"} \xc3\xa4", 2};
    struct states s = states_new();
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_backfill_row row;
    struct sg_claim c;

    begin(s.db);
    must(sg_backfills_lock(s.db, STATE, pairs.key, &arena, &row, &err));
    must(sg_backfills_begin(s.db, &pairs, NULL, NULL, -1, NULL, NULL, &arena, &err));
    commit(s.db);
    for (size_t i = 0; i < SG_COUNT(hostile); i++) {
        const char *const lo[] = {hostile[i], "x"}, *const hi[] = {"\xc3\xbf", hostile[i]}, *const pos[] = {hostile[i], hostile[i]};

        begin_hostile(s.db);
        sg_ranges_defer(&sql, &pairs, lo, hi, "r", &arena);
        flush(s.db, &sql);
        c = claim(s.db, &pairs, 0, "infinity");
        T_MUST_EQ_INT(c.what, SG_CLAIMED_RANGE);
        T_EQ_STR(c.range.lo[0], hostile[i]);
        T_EQ_STR(c.range.lo[1], "x");
        T_EQ_STR(c.range.hi[0], "\xc3\xbf");
        T_EQ_STR(c.range.hi[1], hostile[i]);
        T_NULL(c.range.pos);
        sg_ranges_move(&sql, &pairs, &c.range, pos, 1, 1, hostile[i], &arena);
        flush(s.db, &sql);
        c = claim(s.db, &pairs, 0, "infinity");
        T_MUST_NOT_NULL(c.range.pos);
        T_EQ_STR(c.range.pos[0], hostile[i]);
        T_EQ_STR(c.range.pos[1], hostile[i]);
        sg_ranges_finish(&sql, &pairs, &c.range, 1, &arena);
        flush(s.db, &sql);
        commit(s.db);
    }
    T_EQ_STR(sg_sql_value(s.sql, "SELECT count(*) FROM " SCHEMA ".backfill_ranges"), "0");
    T_EQ_STR(sg_sql_value(s.sql, "SELECT rows_done FROM " SCHEMA ".backfills"), sg_test_strf("%zu", 2 * SG_COUNT(hostile)));
    sg_buf_release(&sql);
}

SG_TEST(tampered_keys_are_told)
{
    static const char *const wrong[] = {NULL, "", "{}", "{a}", "{a,b,c}", "{a,b,}", "{a,b", "{a,b}x", "{a,NULL}", "{\"a\",\"b}", "{\"a\\", "{{a,b}}",
                                        "{a,}", "[0:1]={a,b}", "{a,b}}", "{,b}", "{\"a\"b,c}"};
    sg_range_key key = NULL;
    struct states s = states_new();
    struct sg_result *result;
    struct sg_claim c;

    for (size_t i = 0; i < SG_COUNT(wrong); i++) {
        sg_err_clear(&err);
        T_EQ_INT(sg_ranges_array(wrong[i], 2, &arena, &key, &err), -1);
        T_EQ_STR(sg_class_name(err.class), "state");
    }
    sg_err_clear(&err);
    T_EQ_INT(sg_ranges_array("{a,\"NULL\"}", 2, &arena, &key, &err), 0);
    T_EQ_STR(key[1], "NULL");
    start(&s, "1", "100");
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".backfill_ranges SET hi = '{1,2}'");
    must(sg_db_script_rows(s.db, sg_ranges_claim_sql(&of, 0, 0, NULL, &arena), &arena, &result, &err));
    T_EQ_INT(sg_ranges_claimed(&of, result, 0, &arena, &c, &err), -1);
    T_CONTAINS(err.primary, "range 1 of backfill fill: a key of 1 column was expected in the state, found {1,2}");
}

SG_TEST(bad_rows_are_counted_by_key)
{
    struct states s = states_new();
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_err why = SG_ERR_INIT;

    start(&s, "1", "100");
    sg_err_set(&why, SG_CLASS_SQL, "value \"%s\" is bad: \xff", "it's");
    sg_err_sqlstate(&why, "22P02");
    for (int i = 0; i < 2; i++) {
        begin_hostile(s.db);
        sg_ranges_bad(&sql, &of, key1("4\"2"), &why, &arena);
        sg_ranges_bad(&sql, &of, key1("43"), &why, &arena);
        flush(s.db, &sql);
        commit(s.db);
    }
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT row_key[1], sqlstate, attempts, message LIKE 'value \"it''s\" is bad: _%' FROM " SCHEMA
                                ".backfill_failures ORDER BY row_key"), "4\"2|22P02|2|t\n43|22P02|2|t");
    sg_err_release(&why);
    sg_buf_release(&sql);
}

/* No more lanes are ever wanted than one server has room for. */
SG_TEST(wishes_end_somewhere)
{
    struct states s = states_new();
    struct sg_buf sql = SG_BUF_INIT;

    start(&s, "1", "100");
    sg_sql_exec(s.sql, "INSERT INTO " SCHEMA ".backfill_ranges (key, lo, hi) SELECT 'fill', '{1}', '{2}' FROM generate_series(1, 400)");
    for (int i = 0; i < 2; i++) {
        begin_hostile(s.db);
        sg_ranges_want(&sql, &of, &arena);
        flush(s.db, &sql);
        commit(s.db);
        T_EQ_STR(sg_sql_value(s.sql, "SELECT lanes FROM " SCHEMA ".backfills"), "256");
    }
    sg_buf_release(&sql);
}

static long long pages(const struct states *s, const char *table)
{
    return sg_sql_int(s->sql, sg_test_strf("SELECT pg_relation_size('" SCHEMA ".%s') / 8192", table));
}

/* Cutting, moving and finishing without end leaves small tables, whatever has gone through them: what one VACUUM finds to remove is all
 * that there ever is. How many pages that takes depends on the keys' lengths, which are therefore the same all the way: a page that
 * has room for less than one more range above its fillfactor, and is less than that full, is neither used nor pruned. */
SG_TEST(no_pile_grows)
{
    struct states s = states_new();
    int turns = sg_test_full() ? 20000 : 3000;
    struct sg_buf sql = SG_BUF_INIT;
    struct sg_claim c;
    long long after_one = 0;

    start(&s, "0", "100000000");
    run(s.db, "SET synchronous_commit = off");
    /* its ANALYZE would keep one of our VACUUMs from its work, at a time of its own */
    sg_sql_exec(s.sql, "ALTER TABLE " SCHEMA ".backfill_ranges SET (autovacuum_enabled = false)");
    for (int i = 1; i <= turns; i++) {
        begin(s.db);
        c = claim(s.db, &of, 0, NULL);
        T_MUST_EQ_INT(c.what, SG_CLAIMED_RANGE);
        sg_ranges_cut(&sql, &of, &c.range, key1(sg_test_strf("%d", 100000 + i)), &arena);
        flush(s.db, &sql);
        sg_ranges_move(&sql, &of, &c.range, key1(sg_test_strf("%d", 100000 + i)), 1, 1, "r", &arena);
        sg_ranges_finish(&sql, &of, &c.range, 0, &arena);
        flush(s.db, &sql);
        commit(s.db);
        if (i % 1000 == 0)
            sg_sql_exec(s.sql, "VACUUM " SCHEMA ".backfill_ranges"); /* as autovacuum does */
        if (i == 1000)
            after_one = pages(&s, "backfill_ranges");
    }
    T_EQ_INT(sg_sql_int(s.sql, "SELECT rows_done FROM " SCHEMA ".backfills"), turns);
    T_EQ_INT(sg_sql_int(s.sql, "SELECT count(*) FROM " SCHEMA ".backfill_ranges"), 1);
    T_LE_INT(after_one, 200);
    T_LE_INT(pages(&s, "backfill_ranges"), after_one + 5);
    T_LE_INT(pages(&s, "backfills"), 3);
    sg_buf_release(&sql);
}

/* Buffers that a claim reads which knows of this lowest number. */
static int64_t claim_reads(const struct states *s, int64_t lowest)
{
    const char *plan = sg_sql_value(s->sql, sg_test_strf("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) %s",
                                                         sg_ranges_claim_sql(&of, 0, lowest, NULL, &arena)));

    T_MUST_NOT_NULL(plan);
    T_MUST_NOT_NULL(strstr(plan, "\"Shared Hit Blocks\": "));
    return atoll(strstr(plan, "\"Shared Hit Blocks\": ") + strlen("\"Shared Hit Blocks\": "));
}

/* An old snapshot (pg_dump, a report) keeps what was finished in the index: a claim that knows the oldest range walks past it. */
SG_TEST(an_old_snapshot_makes_no_claim_slower)
{
    struct states s = states_new();
    struct sg_sql *old = sg_sql_hold(s.conninfo, "SELECT count(*) FROM pg_class");
    struct sg_claim c;

    start(&s, "1", "100000");
    sg_sql_exec(old, "DECLARE c CURSOR FOR SELECT generate_series(1, 10); FETCH 1 FROM c");
    sg_sql_exec(s.sql, "INSERT INTO " SCHEMA ".backfill_ranges (key, lo, hi) SELECT 'fill', ARRAY[i::text], ARRAY[i::text] FROM"
                       " generate_series(1, 20000) i; DELETE FROM " SCHEMA ".backfill_ranges WHERE no < 20000; ANALYZE " SCHEMA ".backfill_ranges");
    c = claim(s.db, &of, 0, NULL);
    T_EQ_INT(c.ranges, 2);
    T_EQ_INT(c.lowest, 20000);
    T_TRUE(claim_reads(&s, 0) > 500);
    T_LE_INT(claim_reads(&s, c.lowest), 60);
    sg_sql_close(old);
}

static const struct sg_test tests[] = {
    SG_CASE(a_range_is_worked_to_its_end),
    SG_CASE(two_lanes_never_share_a_range),
    SG_CASE(the_position_is_the_newest_committed_one),
    SG_CASE(a_ghost_is_not_waited_for),
    SG_CASE(deferred_ranges_are_for_later_passes),
    SG_CASE(claims_obey_the_state),
    SG_CASE(keys_come_back_as_they_were),
    SG_CASE(tampered_keys_are_told),
    SG_CASE(bad_rows_are_counted_by_key),
    SG_CASE(wishes_end_somewhere),
    SG_CASE(no_pile_grows),
    SG_CASE(an_old_snapshot_makes_no_claim_slower),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"ranges", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
