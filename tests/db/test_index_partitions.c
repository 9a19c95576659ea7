/*
 * The index of a partitioned table: each partition's concurrently, then all put together, whatever is there already, whoever
 * is in the way, and wherever an earlier run was ended.
 */
#include "config.h"

#include "tests/db/parted.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/stop.h"
#include "tests/kit/run.h"
#include "tests/kit/tmp.h"

#define TABLE \
    "CREATE TABLE m (id int, at int, t text) PARTITION BY RANGE (at);" \
    "CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10);" \
    "CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id);" \
    "CREATE TABLE m2a PARTITION OF m2 FOR VALUES IN (1, 2);" \
    "CREATE TABLE m2b PARTITION OF m2 DEFAULT;" \
    "CREATE TABLE md PARTITION OF m DEFAULT;" \
    "INSERT INTO m SELECT g % 4, g % 30, 'x' || g FROM generate_series(1, 1000) g;"
#define I_M "[index i_m]\ntable = m\ncolumns = t\n"

/* "i_m_m1 on m1 in i_m", an invalid one with a "!"; by name */
static const char *indexes(void)
{
    return sg_sql_rows(one.sql,
                       "SELECT i.indexrelid::regclass || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE '!' END || ' on ' ||"
                       " i.indrelid::regclass || coalesce(' in ' || h.inhparent::regclass, '')"
                       " FROM pg_index i LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
                       " WHERE i.indrelid::regclass::text ~ '^(m|q|\"|n)' ORDER BY i.indrelid::regclass::text, 1");
}

#define ALL_OF_M \
    "i_m on m\ni_m_m1 on m1 in i_m\ni_m_m2 on m2 in i_m\ni_m_m2a on m2a in i_m_m2\ni_m_m2b on m2b in i_m_m2\ni_m_md on md in i_m"

static void expect_built(void)
{
    if (strcmp(one_built(), "built") != 0)
        T_FATAL("%s: %s (%s)\n%s", sg_index_end_name(one.result.end), one_primary(), one_detail(), one.logged.data);
}

static const char *sent(void)
{
    return sg_test_strf("%d of %d", one.result.attempts, one.result.partitions);
}

/* ---- what is built ---- */

SG_TEST(all_levels)
{
    one_begin(TABLE, false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
    T_EQ_STR(sent(), "4 of 4");
    T_FALSE(one.result.carcass);
    T_CONTAINS(one.told.data, "1/4 partition public.m1");
    T_CONTAINS(one.told.data, "4/4 partition public.m2b");
    T_CONTAINS(one.told.data, "puts the partitions together");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT state, bytes > 0 OR bytes IS NULL FROM sgrun.indexes"), "valid|t");
    T_EQ_STR(one_built(), "already");
    T_EQ_INT(one.result.attempts, 0);
}

SG_TEST(nothing_of_ours_is_open_after)
{
    one_begin(TABLE, false, "", I_M);
    expect_built();
    sg_sql_await(one.sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", "0", 20000);
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT owner FROM sgrun.indexes WHERE owner IS NOT NULL"), "");
}

SG_TEST(a_table_without_partitions)
{
    one_begin("CREATE TABLE m (t text, at int) PARTITION BY RANGE (at)", false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), "i_m on m");
}

SG_TEST(unique_ones_with_the_key)
{
    one_begin(TABLE "UPDATE m SET id = 1000 - at * 30; CREATE TABLE mx (LIKE m)", false, "",
              "[index u_m]\ntable = m\ncolumns = at, id, t\nunique = yes\n");
    expect_built();
    T_CONTAINS(indexes(), "u_m_m2a on m2a in u_m_m2");
    sg_sql_exec(one.sql, "INSERT INTO m VALUES (1, 5, 'once')");
    sg_sql_expect(one.sql, "INSERT INTO m VALUES (1, 5, 'once')", "23505");
}

SG_TEST(unique_ones_without_the_key_are_refused_before_anything_is_built)
{
    one_begin(TABLE, false, "", "[index u_m]\ntable = m\ncolumns = t\nunique = yes\n");
    T_EQ_STR(one_built(), "failed");
    T_CONTAINS(one_primary(), "unique constraint on partitioned table must include all partitioning columns");
    T_CONTAINS(one_detail(), "\"m\" lacks column \"at\"");
    T_CONTAINS(one_hint(), "columns of the table's partition key");
    T_EQ_STR(indexes(), "");
    /* the key of a level below is one, too */
    one_section("", "[index u_m]\ntable = m\ncolumns = t, at\nunique = yes\n");
    T_EQ_STR(one_built(), "failed");
    T_CONTAINS(one_hint(), "partition key of public.m2, LIST (id)");
    T_EQ_STR(indexes(), "");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT state, sqlstate FROM sgrun.indexes"), "failed|0A000");
}

#define FOREIGN \
    "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;" \
    "CREATE FOREIGN TABLE mf PARTITION OF m FOR VALUES FROM (100) TO (200) SERVER s"

SG_TEST(a_foreign_partition_is_left_out)
{
    one_begin(TABLE FOREIGN, false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
    T_EQ_STR(sent(), "4 of 4");
}

SG_TEST(a_foreign_partition_and_a_unique_index)
{
    one_begin(TABLE FOREIGN, false, "", "[index u_m]\ntable = m\ncolumns = t, at, id\nunique = yes\n");
    T_EQ_STR(one_built(), "failed");
    T_CONTAINS(one_primary(), "cannot create unique index on partitioned table \"m\"");
    T_CONTAINS(one_detail(), "public.mf is a foreign table");
    T_EQ_STR(indexes(), "");
}

/* ---- names ---- */

SG_TEST(odd_and_long_names)
{
    one_begin("CREATE SCHEMA \"Other One\"; CREATE TABLE m (t text, at int) PARTITION BY RANGE (at);"
              "CREATE TABLE \"Other One\".\"m; 'q\"\"\" PARTITION OF m FOR VALUES FROM (0) TO (1);"
              "CREATE TABLE m_with_a_name_that_is_as_long_as_a_name_may_be_for_2026_01_01 PARTITION OF m FOR VALUES FROM (1) TO (2);"
              "CREATE TABLE m_with_a_name_that_is_as_long_as_a_name_may_be_for_2026_01_02 PARTITION OF m FOR VALUES FROM (2) TO (3)",
              NULL, "", I_M);
    expect_built();
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT count(*), max(octet_length(relname)) FROM pg_class WHERE relkind = 'i' AND relname LIKE 'i\\_m\\_%'"),
             "3|45");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT relname FROM pg_class WHERE relname LIKE 'i\\_m\\_m;%'"), "i_m_m; 'q\"");
    T_CONTAINS(sg_sql_rows(one.sql, "SELECT relname FROM pg_class WHERE relname LIKE 'i\\_m\\_%2026%'"), "_2026_01_02_");
    T_EQ_STR(one_built(), "already");
}

SG_TEST(a_table_with_the_words_of_a_definition_in_its_name)
{
    one_begin("CREATE TABLE \"m USING x\" (t text, at int) PARTITION BY RANGE (at);"
              "CREATE TABLE \"m USING y\" PARTITION OF \"m USING x\" DEFAULT; CREATE INDEX mine ON \"m USING y\" (t)", false, "",
              "[index i_m]\nsql = CREATE INDEX CONCURRENTLY i_m ON \"m USING x\" (t)\n");
    expect_built();
    T_EQ_STR(sent(), "0 of 1");
    T_CONTAINS(one_note(), "mine on public.m USING y");
}

SG_TEST(a_name_that_is_taken)
{
    one_begin(TABLE "CREATE TABLE i_m_m1 (a int); CREATE INDEX i_m_md ON md (id); CREATE VIEW i_m_m2 AS SELECT 1 AS one", false, "", I_M);
    expect_built();
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'i_m'::regclass"), "3");
    T_CONTAINS(indexes(), "i_m_md on md\n");
    T_EQ_STR(one_built(), "already");
}

/* ---- what is there already ---- */

SG_TEST(an_equal_index_of_another_name_is_taken)
{
    one_begin(TABLE "CREATE INDEX mine ON m1 (t); CREATE INDEX other ON m1 (t DESC); CREATE INDEX part ON md (t) WHERE id > 1;"
                    "CREATE INDEX theirs ON m2 (t)", false, "", I_M);
    expect_built();
    T_EQ_STR(sent(), "1 of 4");
    T_CONTAINS(indexes(), "mine on m1 in i_m\n");
    T_CONTAINS(indexes(), "other on m1\n");
    T_CONTAINS(indexes(), "theirs on m2 in i_m\n");
    T_CONTAINS(indexes(), "i_m_md on md in i_m\n");
    T_CONTAINS(one_note(), "mine on public.m1");
    T_CONTAINS(one_note(), "theirs on public.m2");
    T_LACKS(one_note(), "other");
}

/* The server takes the first that it thinks equal, whatever its direction: ours is attached by hand then. */
SG_TEST(an_almost_equal_index_is_not)
{
    one_begin(TABLE "CREATE INDEX backwards ON m1 (t DESC)", false, "", I_M);
    expect_built();
    T_CONTAINS(indexes(), "backwards on m1\n");
    T_CONTAINS(indexes(), "i_m_m1 on m1 in i_m\n");
}

SG_TEST(an_index_of_another_parent_is_not_taken)
{
    one_begin(TABLE "CREATE INDEX first ON m (t)", false, "", I_M);
    expect_built();
    T_EQ_STR(sent(), "4 of 4");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'i_m'::regclass"), "3");
}

SG_TEST(an_invalid_parent_is_gone_on_from)
{
    one_begin(TABLE "CREATE INDEX i_m ON ONLY m (t); CREATE INDEX byhand ON md (t); ALTER INDEX i_m ATTACH PARTITION byhand;"
                    "CREATE INDEX i2 ON ONLY m2 (t)", false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), "i_m on m\ni_m_m1 on m1 in i_m\ni2 on m2 in i_m\ni_m_m2a on m2a in i2\ni_m_m2b on m2b in i2\nbyhand on md in i_m");
    T_EQ_STR(sent(), "3 of 4");
}

SG_TEST(an_invalid_parent_of_another_definition_is_drift)
{
    one_begin(TABLE "CREATE INDEX i_m ON ONLY m (id)", false, "", I_M);
    T_EQ_STR(one_built(), "drifted");
    T_CONTAINS(one_detail(), "is: USING btree (id)\nwanted: USING btree (t)");
    T_EQ_STR(indexes(), "i_m! on m");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT state FROM sgrun.indexes"), "drifted");
}

SG_TEST(an_invalid_parent_with_a_foreign_partition)
{
    one_begin(TABLE FOREIGN "; CREATE INDEX i_m ON ONLY m (t)", false, "", I_M);
    T_EQ_STR(one_built(), "failed");
    T_CONTAINS(one_primary(), "not valid though each partition");
    T_CONTAINS(one_detail(), "public.mf is a foreign table");
    T_CONTAINS(one_hint(), "DROP INDEX");
    sg_sql_exec(one.sql, "DROP INDEX i_m");
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
}

/* As a killed build leaves them. */
SG_TEST(invalid_ones_are_built_again)
{
    one_begin(TABLE "CREATE INDEX i_m_m1 ON m1 (t); CREATE INDEX i_m_m1_ccnew ON m1 (t); CREATE INDEX i_m_m2a ON m2a (t);"
                    "CREATE INDEX i_m_md ON md (id);"
                    "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('i_m_m1'::regclass, 'i_m_m1_ccnew'::regclass,"
                    " 'i_m_md'::regclass)", false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
    T_TRUE(one.result.rebuilt);
    T_EQ_STR(sent(), "3 of 4");
}

/* One that its parent requires cannot be dropped. */
SG_TEST(an_invalid_one_that_is_attached_is_rebuilt)
{
    one_begin(TABLE "CREATE INDEX i_m ON ONLY m (t); CREATE INDEX i_m_m1 ON m1 (t); ALTER INDEX i_m ATTACH PARTITION i_m_m1;"
                    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_m_m1'::regclass", false, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
}

SG_TEST(all_attached_but_the_parent_is_not_valid)
{
    one_begin(TABLE "CREATE INDEX i_m ON m (t); UPDATE pg_index SET indisvalid = false"
                    " WHERE indexrelid = 'i_m'::regclass", false, "", I_M);
    expect_built();
    T_CONTAINS(indexes(), "i_m on m\n");
    T_EQ_INT(one.result.attempts, 0);
}

static const struct sg_test there[] = {
    SG_CASE(an_equal_index_of_another_name_is_taken), SG_CASE(an_almost_equal_index_is_not),
    SG_CASE(an_index_of_another_parent_is_not_taken), SG_CASE(an_invalid_parent_is_gone_on_from),
    SG_CASE(an_invalid_parent_of_another_definition_is_drift), SG_CASE(an_invalid_parent_with_a_foreign_partition),
    SG_CASE(invalid_ones_are_built_again), SG_CASE(an_invalid_one_that_is_attached_is_rebuilt),
    SG_CASE(all_attached_but_the_parent_is_not_valid), SG_CASES_END};

/* ---- what changes meanwhile ---- */

static int struck;
static struct sg_sql *holder;

/* Once, when a line that is told begins so. */
static bool now(const struct sg_index_progress *progress, const char *doing)
{
    if (struck > 0 || progress->doing == NULL || strncmp(progress->doing, doing, strlen(doing)) != 0)
        return false;
    struck++;
    return true;
}

static void add_partition(const struct sg_index_progress *progress)
{
    if (now(progress, "puts the partitions together"))
        sg_sql_exec(one.sql, "CREATE TABLE m3 PARTITION OF m FOR VALUES FROM (200) TO (300)");
}

SG_TEST(a_partition_that_appears)
{
    one_begin(TABLE, false, "", I_M);
    struck = 0;
    one.meanwhile = add_partition;
    expect_built();
    T_EQ_INT(struck, 1);
    T_EQ_STR(indexes(), "i_m on m\ni_m_m1 on m1 in i_m\ni_m_m2 on m2 in i_m\ni_m_m2a on m2a in i_m_m2\ni_m_m2b on m2b in i_m_m2\n"
                        "i_m_m3 on m3 in i_m\ni_m_md on md in i_m");
    T_EQ_STR(sent(), "5 of 5");
}

static void detach_partition(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.m2a"))
        sg_sql_exec(one.sql, "ALTER TABLE m DETACH PARTITION m1");
}

SG_TEST(a_partition_that_is_detached)
{
    one_begin(TABLE, false, "", I_M);
    struck = 0;
    one.meanwhile = detach_partition;
    expect_built();
    T_EQ_INT(struck, 1);
    T_CONTAINS(indexes(), "i_m on m\n");
    T_CONTAINS(indexes(), "i_m_m1 on m1\n"); /* it is valid: not ours to drop */
}

static void drop_partition(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.m1"))
        sg_sql_exec(one.sql, "DROP TABLE m1");
}

SG_TEST(a_partition_that_is_dropped_just_before_its_build)
{
    one_begin(TABLE, false, "", I_M);
    struck = 0;
    one.meanwhile = drop_partition;
    expect_built();
    T_EQ_INT(struck, 1);
    T_EQ_STR(sent(), "4 of 3");
    T_LACKS(indexes(), "m1");
}

/* DETACH CONCURRENTLY that was broken off between its two transactions. */
SG_TEST(a_partition_whose_detach_is_pending)
{
    one_begin("CREATE TABLE m (t text, at int) PARTITION BY RANGE (at); CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10);"
              "CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20)", false, "", I_M);
    holder = sg_sql_open(one.conninfo);
    sg_sql_exec(holder, "BEGIN");
    sg_sql_exec(holder, "SELECT * FROM m");
    {
        struct sg_sql *detacher = sg_sql_open(one.conninfo);

        sg_sql_send(detacher, "ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY");
        sg_sql_await(one.sql, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending", "1", 20000);
        sg_sql_cancel(detacher);
        T_MUST_NOT_NULL(sg_sql_finish(detacher, 5000));
    }
    sg_sql_exec(holder, "COMMIT");
    expect_built();
    T_EQ_STR(indexes(), "i_m on m\ni_m_m2 on m2 in i_m");
}

static void stop_here(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.m2b"))
        sg_stop_tell(1, 15);
}

SG_TEST(a_stop_and_another_run)
{
    one_begin(TABLE, false, "", I_M);
    struck = 0;
    one.meanwhile = stop_here;
    T_EQ_STR(one_built_apart(), "stopped");
    T_EQ_STR(indexes(), "i_m_m1 on m1\ni_m_m2a on m2a\ni_m_md on md");
    T_FALSE(one.result.carcass);
    one.meanwhile = NULL;
    expect_built();
    T_EQ_STR(sent(), "1 of 4"); /* nothing valid is built twice */
    T_EQ_STR(indexes(), ALL_OF_M);
}

static void lose_it(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.m2b") || (struck == 1 && progress->doing != NULL && strstr(progress->doing, "puts") && struck++))
        sg_sql_exec(one.sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sgrun:i_m'"
                             " AND datname = current_database()");
}

static void die_here(const struct sg_index_progress *progress)
{
    if (progress->phase != NULL && progress->part == 3)
        raise(SIGKILL);
}

/* In the middle of the third: its carcass is found, the claim of the dead one runs out, and its backend ends by itself. */
SG_TEST(a_kill_and_another_run)
{
    one_begin(TABLE, false, "", I_M);
    holder = sg_sql_open(one.conninfo);
    sg_sql_exec(holder, "BEGIN; INSERT INTO m2a VALUES (1, 11, 'held')");
    one.meanwhile = die_here;
    T_EQ_STR(one_built_apart(), "killed");
    T_EQ_STR(indexes(), "i_m_m1 on m1\ni_m_m2a! on m2a\ni_m_md on md");
    sg_sql_close(holder);
    one.meanwhile = NULL;
    sg_sql_exec(one.sql, "UPDATE sgrun.indexes SET expires_at = clock_timestamp()");
    expect_built();
    T_LE_INT(one.result.attempts, 2); /* 1: the dead one's backend has finished its own */
    T_EQ_STR(indexes(), ALL_OF_M);
}

SG_TEST(connections_that_are_lost)
{
    one_begin(TABLE, false, "", I_M);
    struck = 0;
    one.meanwhile = lose_it;
    expect_built();
    T_EQ_INT(struck, 2);
    T_EQ_STR(indexes(), ALL_OF_M);
}

static void fill_twice(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.md"))
        sg_sql_exec(one.sql, "INSERT INTO m VALUES (7, 25, 'twice'), (7, 25, 'twice')");
}

SG_TEST(duplicates_in_one_partition)
{
    one_begin(TABLE "UPDATE m SET t = t || ctid || tableoid", false, "", "[index u_m]\ntable = m\ncolumns = at, id, t\nunique = yes\n");
    struck = 0;
    one.meanwhile = fill_twice;
    T_EQ_STR(one_built(), "failed");
    T_TRUE(one.result.duplicates);
    T_FALSE(one.result.carcass);
    T_EQ_STR(one_detail(), "(at, id, t) = (25, 7, twice): 2 rows");
    T_EQ_STR(indexes(), "u_m_m1 on m1"); /* no carcass */
    sg_sql_exec(one.sql, "DELETE FROM m WHERE t = 'twice'");
    one.meanwhile = NULL;
    expect_built();
    T_EQ_STR(sent(), "3 of 4");
}

static const struct sg_test changes[] = {
    SG_CASE(a_partition_that_appears), SG_CASE(a_partition_that_is_detached), SG_CASE(a_partition_that_is_dropped_just_before_its_build),
    SG_CASE(a_partition_whose_detach_is_pending), SG_CASE(a_stop_and_another_run), SG_CASE(a_kill_and_another_run), SG_CASE(connections_that_are_lost),
    SG_CASE(duplicates_in_one_partition), SG_CASES_END};

/* ---- who is in the way ---- */

static int ticks;

static void let_go(const struct sg_index_progress *progress)
{
    if (progress->doing != NULL && strstr(progress->doing, "waits for pid") != NULL && ++ticks == 3)
        sg_sql_close(holder);
}

/* A transaction that has written keeps the last step waiting, is named, and meanwhile others get through. */
SG_TEST(a_writer_is_waited_for_up_the_ladder)
{
    one_begin(TABLE, false, "lock_rungs_ms = 100, 300, 700\nlock_pause_ms = 50\n", I_M);
    expect_built();
    sg_sql_exec(one.sql, "DROP INDEX i_m");
    sg_sql_exec(one.sql, "CREATE INDEX i_m_m1 ON m1 (t); CREATE INDEX i_m_m2a ON m2a (t); CREATE INDEX i_m_m2b ON m2b (t);"
                         "CREATE INDEX i_m_md ON md (t)");
    holder = sg_sql_hold(one.conninfo, "INSERT INTO m VALUES (1, 1, 'held')");
    ticks = 0;
    one.meanwhile = let_go;
    expect_built();
    T_GE_INT(ticks, 3);
    T_CONTAINS(one.logged.data, "within 100 ms: blocked by pid");
    T_CONTAINS(one.logged.data, "within 300 ms: blocked by pid");
    T_EQ_STR(indexes(), ALL_OF_M);
    T_EQ_INT(one.result.attempts, 0);
}

SG_TEST(the_ladder_ends)
{
    one_begin(TABLE, false, "lock_rungs_ms = 100\nlock_pause_ms = 50\nlock_seconds = 1\n", I_M);
    sg_sql_exec(one.sql, "CREATE INDEX i_m_m1 ON m1 (t); CREATE INDEX i_m_m2a ON m2a (t); CREATE INDEX i_m_m2b ON m2b (t);"
                         "CREATE INDEX i_m_md ON md (t)");
    holder = sg_sql_hold(one.conninfo, "INSERT INTO m VALUES (1, 1, 'held')");
    T_EQ_STR(one_built(), "failed");
    T_EQ_INT(one.result.err.class, SG_CLASS_LOCKED);
    T_CONTAINS(one_detail(), "blocked by pid");
    T_EQ_STR(indexes(), "i_m_m1 on m1\ni_m_m2a on m2a\ni_m_m2b on m2b\ni_m_md on md");
    sg_sql_close(holder);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
}

/* A transaction that only reads, and stays open, is not in the way, and readers do not wait for us. */
SG_TEST(readers_are_not_in_the_way)
{
    one_begin(TABLE, false, "lock_rungs_ms = 100\nlock_seconds = 0\n", I_M);
    holder = sg_sql_hold(one.conninfo, "SELECT count(*) FROM m WHERE t = 'x1'");
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
    sg_sql_exec(holder, "SELECT count(*) FROM m WHERE t = 'x1'");
}

static int64_t since;

static void ask_for_ours(const struct sg_index_progress *progress)
{
    if (progress->doing == NULL || strstr(progress->doing, "waits for pid") == NULL)
        return;
    if (since == 0)
        since = sg_test_now_ms();
    if (struck == 0 && sg_test_now_ms() - since > 900) {
        struck++;
        sg_sql_send(holder, "INSERT INTO m1 VALUES (1, 1, 'crosswise'); COMMIT");
    }
}

/* A transaction that we wait for comes to wait for us, crosswise: it is not it that is ended. */
SG_TEST(who_waits_crosswise_is_no_victim)
{
    one_begin(TABLE, false, "lock_rungs_ms = 5000\n", I_M);
    sg_sql_exec(one.sql, "CREATE INDEX i_m_m1 ON m1 (t); CREATE INDEX i_m_m2a ON m2a (t); CREATE INDEX i_m_m2b ON m2b (t);"
                         "CREATE INDEX i_m_md ON md (t)");
    holder = sg_sql_hold(one.conninfo, "INSERT INTO m2b VALUES (3, 11, 'held')");
    since = struck = 0;
    one.meanwhile = ask_for_ours;
    expect_built();
    T_EQ_INT(struck, 1);
    T_EQ_STR(sg_sql_finish(holder, 20000), "");
    T_EQ_STR(indexes(), ALL_OF_M);
}

static struct sg_sql *busy_with;

static void build_there(const struct sg_index_progress *progress)
{
    if (now(progress, "partition public.m1")) {
        holder = sg_sql_hold(one.conninfo, "INSERT INTO m VALUES (1, 1, 'held')");
        sg_sql_send(busy_with, "CREATE INDEX CONCURRENTLY their ON m1 (id)");
        sg_sql_await(one.sql, "SELECT count(*) FROM pg_stat_progress_create_index", "1", 20000);
    } else if (progress->doing != NULL && strstr(progress->doing, "a build on partition public.m1 by another session") != NULL && holder != NULL) {
        sg_sql_close(holder);
        holder = NULL;
    }
}

SG_TEST(a_build_of_somebody_else_on_a_partition)
{
    struct sg_sql *other;

    one_begin(TABLE, false, "", I_M);
    other = sg_sql_open(one.conninfo);
    busy_with = other;
    struck = 0;
    one.meanwhile = build_there;
    expect_built();
    T_EQ_STR(sg_sql_finish(other, 20000), "");
    T_CONTAINS(one.logged.data, "another session builds on partition public.m1");
    T_CONTAINS(indexes(), "their on m1\n");
}

SG_TEST(behind_a_pooler)
{
    one_begin(TABLE, true, "", I_M);
    expect_built();
    T_EQ_STR(indexes(), ALL_OF_M);
    T_EQ_STR(sent(), "4 of 4");
    T_EQ_STR(one_built(), "already");
}

/* ---- under load ---- */

/* Writes and reads all the time, each noting how long it took, its wait for locks included. */
static struct sg_run *load(void)
{
    static const char *const scripts[] = {
        "\\set k random(0, 199)\n\\sleep 2 ms\nWITH w AS (INSERT INTO m VALUES (:k, :k, 'new') RETURNING 1)"
        " INSERT INTO took SELECT true, clock_timestamp() - statement_timestamp() FROM w;\n",
        "\\set k random(0, 199)\n\\sleep 2 ms\nWITH r AS MATERIALIZED (SELECT count(*) FROM m WHERE at = :k AND t = 'x1')"
        " INSERT INTO took SELECT false, clock_timestamp() - statement_timestamp() FROM r;\n"};
    const char *files[2];

    for (int i = 0; i < 2; i++)
        files[i] = sg_tmp_write(sg_test_strf("%d.sql", i), scripts[i]);
    return sg_run_start(&(struct sg_run_opts){
        .argv = (const char *const[]){sg_server_program("pgbench"), "-n", "-c", "4", "-j", "1", "-T", "100", "-f", files[0], "-f", files[1],
                                      one.conninfo, NULL}});
}

SG_TEST(two_hundred_partitions_under_load)
{
    struct sg_buf setup = SG_BUF_INIT;
    struct sg_run *run;
    int64_t begun;

    sg_buf_adds(&setup, "CREATE TABLE took (writes bool, ms interval); CREATE TABLE m (id int, at int, t text) PARTITION BY LIST (at);");
    for (int i = 0; i < 200; i++)
        sg_buf_addf(&setup, "CREATE TABLE m%d PARTITION OF m FOR VALUES IN (%d);", i, i);
    sg_buf_adds(&setup, "INSERT INTO m SELECT g, g % 200, 'x' || g FROM generate_series(1, 20000) g");
    one_begin(setup.data, false, "lock_rungs_ms = 200, 500, 1500\n", I_M);
    sg_buf_release(&setup);
    run = load();
    sg_sql_await(one.sql, "SELECT count(DISTINCT writes) FROM took", "2", 10000);
    begun = sg_test_now_ms();
    expect_built();
    begun = sg_test_now_ms() - begun;
    sg_run_goes_on(run);
    sg_run_signal(run, SIGTERM);
    sg_run_wait(run, 20000);
    T_EQ_STR(sent(), "200 of 200");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT bool_and(indisvalid), count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'i\\_m%'"), "t|201");
    printf("     200 partitions in %lld ms; %s\n", (long long)begun,
           sg_sql_rows(one.sql, "SELECT string_agg(format('%s %s, the slowest %s ms', n, CASE WHEN writes THEN 'writes' ELSE 'reads' END, most), '; ')"
                                " FROM (SELECT writes, count(*) n, round(extract(epoch FROM max(ms)) * 1000) most FROM took GROUP BY 1) s"));
    T_GT_INT(sg_sql_int(one.sql, "SELECT count(*) FROM took"), 500);
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT FROM took WHERE ms > interval '5 s'"), "");
    T_EQ_STR(sg_sql_rows(one.sql, "SELECT count(*) > 20 FROM took WHERE NOT writes AND ms > interval '500 ms'"), "f");
}

static const struct sg_test built[] = {
    SG_CASE(all_levels), SG_CASE(nothing_of_ours_is_open_after), SG_CASE(a_table_without_partitions), SG_CASE(unique_ones_with_the_key),
    SG_CASE(unique_ones_without_the_key_are_refused_before_anything_is_built), SG_CASE(a_foreign_partition_is_left_out),
    SG_CASE(a_foreign_partition_and_a_unique_index), SG_CASE(odd_and_long_names), SG_CASE(a_table_with_the_words_of_a_definition_in_its_name), SG_CASE(a_name_that_is_taken), SG_CASES_END};
static const struct sg_test others[] = {
    SG_CASE(a_writer_is_waited_for_up_the_ladder), SG_CASE(the_ladder_ends), SG_CASE(readers_are_not_in_the_way), SG_CASE(who_waits_crosswise_is_no_victim),
    SG_CASE(a_build_of_somebody_else_on_a_partition), SG_CASE(behind_a_pooler), SG_CASE(two_hundred_partitions_under_load), SG_CASES_END};
static const struct sg_suite suites[] = {{"built", built}, {"there", there}, {"changes", changes}, {"others", others}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
