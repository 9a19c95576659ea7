/*
 * One index, from whatever it is to valid: sg_index_build in this process, against real servers. What its progress tells is written
 * down, and is where a test does to the server what it has in mind while the build waits.
 */
#include "config.h"

#include "core/index/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/run/run.h"
#include "core/state/schema.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_manifest manifest;
static struct sg_run run;
static struct sg_index_definition definition;
static struct sg_index_build build;
static struct sg_index_result result;
static struct sg_err err;
static struct sg_buf logged, told;
static struct sg_sql *sql;      /* the test's own look */
static const char *conninfo;    /* straight to the server */
static void (*meanwhile)(const struct sg_index_progress *progress);
static int ticks;

static void note_line(const char *line, size_t length)
{
    sg_buf_add(&logged, line, length);
    sg_buf_addc(&logged, '\n');
}

static void on_progress(void *context, const struct sg_index_progress *progress)
{
    (void)context;
    ticks++;
    sg_buf_addf(&told, "%s|%s|%s\n", progress->phase ? progress->phase : "", progress->doing ? progress->doing : "",
                progress->waits_for ? progress->waits_for : "");
    if (meanwhile != NULL) {
        meanwhile(progress);
    }
}

static struct sg_sql *holder, *maker;
static int struck;

static void release(void *unused)
{
    (void)unused;
    conninfo = NULL;
    holder = maker = NULL;
    meanwhile = NULL;
    struck = 0;
    sg_log_divert(NULL);
    sg_err_release(&result.err);
    sg_err_release(&err);
    sg_buf_release(&logged);
    sg_buf_release(&told);
    sg_arena_release(&arena);
}

static void must(int status)
{
    if (status != 0) {
        T_FATAL("%s: %s (%s)", sg_class_name(err.class), err.primary, err.detail ? err.detail : "");
    }
}

/* A database with the table t (1000 rows, b is 0 to 9, c is unique), the state's tables, and an [index] section. */
static void begin(struct sg_server *server, const char *dsn, const char *direct, const char *section)
{
    struct sg_errs errs = SG_ERRS_INIT;
    const char *text;
    struct sg_db *db;

    sg_buf_init(&logged, 0);
    sg_buf_init(&told, 0);
    sg_test_defer(release, NULL);
    sg_log_setup(SG_LOG_INFO, SG_LOG_HUMAN);
    sg_log_divert(note_line);
    if (conninfo == NULL) {
        conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL);
    }
    sql = sg_sql_open(conninfo);
    sg_sql_exec(sql, "CREATE TABLE t (a int PRIMARY KEY, b int, c text);"
                     "INSERT INTO t SELECT g, g % 10, 'x' || g FROM generate_series(1, 1000) g; CREATE TABLE other (a int)");
    text = sg_test_strf("[sgrun]\nplugin_path = .\n[database]\ndsn = %s\n%s%s\n[policy]\nretry_base_ms = 10\nretry_cap_ms = 200\n%s",
                        dsn != NULL ? dsn : conninfo, direct != NULL ? "direct_dsn = " : "", direct != NULL ? direct : "", section);
    if (sg_manifest_parse("etc/test.ini", text, strlen(text), NULL, 0, false, &arena, &manifest, &errs) != 0) {
        T_FATAL("%s", errs.list[0].primary);
    }
    must(sg_run_open(&run, &manifest, NULL, &arena, &err));
    must(sg_index_define(&manifest, &manifest.steps[manifest.step_count - 1], &arena, &definition, &err));
    must(sg_db_open(&db, &run.dsn, "sgrun", sg_clock_ms() + 10000, &err));
    must(sg_state_install(db, "sgrun", &err));
    sg_db_close(db);
    build = (struct sg_index_build){.run = &run, .definition = &definition, .progress = on_progress};
}

static void plain(const char *section)
{
    begin(sg_server_shared(), NULL, NULL, section);
}

#define I_B "[index i_b]\ntable = t\ncolumns = b\n"
#define U_B "[index u_b]\ntable = t\ncolumns = b\nunique = yes\n"

/* Builds, and gives the end's name. */
static const char *built(void)
{
    sg_err_release(&result.err);
    sg_buf_clear(&told);
    ticks = 0;
    sg_index_build(&build, &result);
    return sg_index_end_name(result.end);
}

static const char *primary(void)
{
    return result.err.primary != NULL ? result.err.primary : "";
}

static const char *detail(void)
{
    return result.err.detail != NULL ? result.err.detail : "";
}

/* Name, "!" behind an invalid one, of all indexes of t but the key. */
static const char *there(void)
{
    const char *text = sg_sql_value(sql, "SELECT string_agg(c.relname || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE '!' END,"
                                         " ' ' ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                                         " WHERE i.indrelid = 't'::regclass AND NOT i.indisprimary");

    return text != NULL ? text : "";
}

/* State, and whether a claim is left. */
static const char *noted(void)
{
    const char *text = sg_sql_rows(sql, "SELECT state || CASE WHEN owner IS NULL THEN '' ELSE ' claimed' END FROM sgrun.indexes");

    return text != NULL ? text : "";
}

/* ---- what is there ---------------------------------------------------------------------- */

SG_TEST(a_missing_one_is_built_and_then_found)
{
    const char *oid;

    plain(I_B);
    T_EQ_STR(built(), "built");
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "valid");
    T_EQ_INT(result.attempts, 1);
    T_GT_INT(result.bytes, 0);
    T_GE_INT(result.build_ms, 0);
    T_FALSE(result.rebuilt);
    T_FALSE(result.carcass);
    T_EQ_INT(result.err.class, SG_CLASS_NONE);
    oid = sg_sql_value(sql, "SELECT 'i_b'::regclass::oid");
    T_EQ_STR(built(), "already");
    T_EQ_INT(result.attempts, 0);
    T_EQ_INT(result.build_ms, -1);
    T_GT_INT(result.bytes, 0);
    T_EQ_STR(sg_sql_value(sql, "SELECT 'i_b'::regclass::oid"), oid);
    T_EQ_STR(noted(), "valid");
}

SG_TEST(another_definition_is_told_and_left_alone)
{
    plain(I_B);
    sg_sql_exec(sql, "CREATE INDEX i_b ON t (b DESC)");
    T_EQ_STR(built(), "drifted");
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "drifted");
    T_CONTAINS(detail(), "DESC");
    T_EQ_STR(result.err.file, "etc/test.ini");
    T_GT_INT(result.err.line, 0);
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_indexes WHERE indexname = 'i_b' AND indexdef LIKE '%DESC%'"), 1);
}

SG_TEST(something_else_of_that_name_is_left_alone)
{
    plain(I_B);
    sg_sql_exec(sql, "CREATE VIEW i_b AS SELECT 1 AS one");
    T_EQ_STR(built(), "drifted");
    T_CONTAINS(detail(), "a view");
    T_CONTAINS(primary(), "i_b is taken");
    T_LACKS(primary(), "valid");
    T_EQ_INT(sg_sql_int(sql, "SELECT one FROM i_b"), 1);
}

SG_TEST(an_invalid_one_is_dropped_and_built)
{
    plain(U_B);
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b)", "23505");
    T_EQ_STR(there(), "u_b!");
    sg_sql_exec(sql, "DELETE FROM t WHERE a > 10");
    T_EQ_STR(built(), "built");
    T_EQ_STR(there(), "u_b");
    T_TRUE(result.rebuilt);
    T_EQ_STR(noted(), "valid");
}

/* What an interrupted REINDEX INDEX CONCURRENTLY leaves beside the old one, which stays valid. */
SG_TEST(leftovers_of_a_reindex_are_dropped)
{
    plain(I_B);
    sg_sql_exec(sql, "CREATE INDEX i_b ON t (b); CREATE INDEX i_b_other ON t (a, b)");
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY i_b_ccnew ON t (b)", "23505");
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY i_b_ccnew1 ON t (b)", "23505");
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY i_c_ccnew ON t (b)", "23505");
    T_EQ_STR(built(), "already");
    T_EQ_STR(there(), "i_b i_b_other i_c_ccnew!");
    T_FALSE(result.carcass);
}

SG_TEST(a_constraint_that_took_it_over_counts)
{
    plain("[index u_a]\ntable = t\ncolumns = c\nunique = yes\n");
    T_EQ_STR(built(), "built");
    sg_sql_exec(sql, "ALTER TABLE t ADD CONSTRAINT t_c_unique UNIQUE USING INDEX u_a");
    T_EQ_STR(built(), "already");
    T_CONTAINS(result.note, "t_c_unique");
    T_EQ_STR(there(), "t_c_unique");
}

SG_TEST(a_missing_table_is_told)
{
    plain("[index i_none]\ntable = none\ncolumns = b\n");
    T_EQ_STR(built(), "failed");
    T_EQ_STR(result.err.sqlstate, "42P01");
    T_CONTAINS(primary(), "none");
    T_CONTAINS(result.err.hint, "migration =");
    T_EQ_INT(result.attempts, 0);
    T_EQ_STR(noted(), "failed");
}

SG_TEST(what_the_server_refuses_is_told_with_file_and_line)
{
    plain("[index i_x]\ntable = t\ncolumns = no_such_column\n");
    T_EQ_STR(built(), "failed");
    T_EQ_STR(result.err.sqlstate, "42703");
    T_CONTAINS(primary(), "no_such_column");
    T_EQ_STR(result.err.file, "etc/test.ini");
    T_GT_INT(result.err.line, 0);
    T_EQ_STR(there(), "");
    T_EQ_STR(noted(), "failed");
    T_FALSE(result.carcass);
}

/* A carcass that is ready would refuse rows of the application for as long as it lies there. */
SG_TEST(duplicates_are_named_and_nothing_is_left)
{
    plain(U_B);
    T_EQ_STR(built(), "failed");
    T_TRUE(result.duplicates);
    T_EQ_STR(result.err.sqlstate, "23505");
    T_CONTAINS(detail(), "100");
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
    T_EQ_STR(noted(), "failed");
    T_EQ_INT(result.attempts, 1);
}

/* ---- others ------------------------------------------------------------------------------ */

/* Once it is known who is waited for, he ends. */
static void let_go(const struct sg_index_progress *progress)
{
    if (holder != NULL && (progress->waits_for != NULL || (progress->doing != NULL && strstr(progress->doing, "waits for") != NULL))) {
        sg_sql_close(holder);
        holder = NULL;
    }
}

SG_TEST(a_lock_on_the_table_is_waited_for)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the holder'; LOCK TABLE t IN SHARE MODE");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "(the holder, user postgres, idle in transaction for ");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "i_b");
}

SG_TEST(a_writer_is_waited_for_and_named)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the writer'; INSERT INTO t VALUES (5000, 5000, 'secret')");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "waiting for writers before build||pid ");
    T_CONTAINS(told.data, "(the writer, user postgres, idle in transaction for ");
    T_LACKS(told.data, "secret");
}

SG_TEST(an_old_snapshot_is_waited_for_and_named)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the reader'; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                                   " SELECT 1 FROM other");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "waiting for old snapshots||pid ");
    T_CONTAINS(told.data, "the reader");
}

SG_TEST(lock_seconds_end_a_wait_and_nothing_is_left)
{
    plain(I_B "lock_seconds = 1\n");
    holder = sg_sql_hold(conninfo, "SET application_name = 'the reader'; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                                   " SELECT 1 FROM other");
    T_EQ_STR(built(), "failed");
    T_EQ_INT(result.err.class, SG_CLASS_LOCKED);
    T_CONTAINS(primary(), "lock_seconds (1 s)");
    T_CONTAINS(detail(), "the reader");
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
    T_EQ_STR(noted(), "failed");
    T_EQ_INT(result.attempts, 1);
}

SG_TEST(lock_seconds_end_the_wait_for_the_tables_lock)
{
    plain(I_B "lock_seconds = 1\n");
    holder = sg_sql_hold(conninfo, "LOCK TABLE t IN SHARE MODE");
    T_EQ_STR(built(), "failed");
    T_EQ_INT(result.err.class, SG_CLASS_LOCKED);
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
}

/* Its carcass cannot be dropped while a writer is there, so it is told; the next run does it. */
SG_TEST(a_carcass_that_cannot_be_dropped_is_told)
{
    plain(I_B "lock_seconds = 1\n");
    holder = sg_sql_hold(conninfo, "INSERT INTO t VALUES (5000, 5000, 'x')");
    T_EQ_STR(built(), "failed");
    T_EQ_INT(result.err.class, SG_CLASS_LOCKED);
    T_TRUE(result.carcass);
    T_CONTAINS(there(), "i_b_ccold");
    T_CONTAINS(result.note, sg_test_strf("%.*s", (int)strcspn(there(), "!"), there()));
    T_EQ_STR(noted(), "invalid");
    sg_sql_close(holder);
    T_EQ_STR(built(), "built");
    T_TRUE(result.rebuilt);
    T_FALSE(result.carcass);
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "valid");
}

SG_TEST(max_seconds_end_a_build)
{
    plain(I_B "max_seconds = 1\n");
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    T_EQ_STR(built(), "failed");
    T_EQ_INT(result.err.class, SG_CLASS_LATE);
    T_CONTAINS(primary(), "max_seconds (1 s)");
    T_EQ_STR(there(), "");
}

SG_TEST(the_runs_deadline_leaves_it_to_the_next)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    build.deadline_ms = sg_clock_ms() + 800;
    T_EQ_STR(built(), "left");
    T_EQ_STR(there(), "");
    T_EQ_STR(noted(), "missing");
}

static void make_it(const struct sg_index_progress *progress)
{
    if (progress->doing != NULL && strstr(progress->doing, "the build of this very index") != NULL) {
        let_go(progress);
    }
}

/* He waits for a snapshot, we for him; then his is taken. */
SG_TEST(another_sessions_build_is_waited_for_and_taken)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    maker = sg_sql_open(conninfo);
    sg_sql_exec(maker, "SET application_name = 'somebody'");
    sg_sql_send(maker, "CREATE INDEX CONCURRENTLY i_b ON t (b)");
    sg_sql_await(sql, "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()", "waiting for old snapshots",
                 10000);
    meanwhile = make_it;
    T_EQ_STR(built(), "already");
    T_EQ_STR(sg_sql_finish(maker, 10000), "");
    T_CONTAINS(told.data, "(somebody, user postgres, active for ");
    T_EQ_INT(result.attempts, 0);
    T_EQ_STR(there(), "i_b");
}

/* He queues behind us, with a snapshot; when we come to wait for that, the server ends us, and not him: he has waited longer. */
static void make_another(const struct sg_index_progress *progress)
{
    if (maker == NULL && progress->waits_for != NULL) {
        maker = sg_sql_open(conninfo);
        sg_sql_send(maker, "CREATE INDEX CONCURRENTLY i_c ON t (c)");
        sg_sql_await(sql, "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted", "2", 10000);
        sg_test_sleep_ms(1300);
        sg_sql_close(holder);
        holder = NULL;
    }
}

SG_TEST(the_victim_of_a_deadlock_builds_again)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "LOCK TABLE t IN SHARE MODE");
    meanwhile = make_another;
    T_EQ_STR(built(), "built");
    T_EQ_STR(sg_sql_finish(maker, 10000), "");
    T_EQ_STR(there(), "i_b i_c");
    T_EQ_INT(result.attempts, 2);
    T_CONTAINS(logged.data, "deadlock detected; looking again");
}

/* What he builds has our index's name, and is another. */
SG_TEST(one_who_was_there_first_is_let_through)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "LOCK TABLE t IN ROW EXCLUSIVE MODE");
    maker = sg_sql_open(conninfo);
    sg_sql_send(maker, "CREATE INDEX CONCURRENTLY i_b ON t (c)");
    sg_sql_await(sql, "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()",
                 "waiting for writers before build", 10000);
    meanwhile = let_go;
    T_EQ_STR(built(), "drifted");
    T_EQ_STR(sg_sql_finish(maker, 10000), "");
    T_EQ_STR(there(), "i_b");
}

/* A ghost of ours: its session has the lock, and its client is gone without a word. */
SG_TEST(an_idle_ghosts_session_is_ended)
{
    plain(I_B);
    maker = sg_sql_open(conninfo);
    sg_sql_exec(maker, "SET application_name = 'sgrun:i_b'");
    T_EQ_STR(sg_sql_value(maker, "SELECT pg_try_advisory_lock(1936159337, hashtext('public.t'))"), "t");
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "(sgrun:i_b, user postgres, idle for ");
    T_EQ_STR(sg_sql_try(maker, "SELECT 1"), "57P01");
}

/* A claim that lives is waited for, and runs out. */
SG_TEST(another_runners_claim_is_waited_for)
{
    plain(I_B);
    sg_sql_exec(sql, "INSERT INTO sgrun.indexes (name, state, owner, expires_at, started_at) VALUES ('i_b', 'building', 'eva@elsewhere:7',"
                     " clock_timestamp() + interval '2 s', clock_timestamp())");
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "another runner: eva@elsewhere:7");
    T_GE_INT(result.duration_ms, 1500);
    T_EQ_STR(noted(), "valid");
}

/* He would make valid what our DROP then drops. */
SG_TEST(a_reindex_of_the_invalid_one_is_waited_for)
{
    plain(U_B);
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b)", "23505");
    sg_sql_exec(sql, "DELETE FROM t WHERE a > 10");
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    maker = sg_sql_open(conninfo);
    sg_sql_send(maker, "REINDEX INDEX CONCURRENTLY u_b");
    sg_sql_await(sql, "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()", "waiting for old snapshots",
                 10000);
    meanwhile = let_go;
    T_EQ_STR(built(), "already");
    T_EQ_STR(sg_sql_finish(maker, 10000), "");
    T_EQ_INT(result.attempts, 0);
    T_FALSE(result.rebuilt);
    T_EQ_STR(there(), "u_b");
}

/* Who has the table to himself keeps us from looking, and is named. */
SG_TEST(a_table_that_cannot_be_looked_at_is_waited_for)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the owner'; LOCK TABLE t");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "(the owner, user postgres, idle in transaction for ");
}

/* An invalid one cannot be dropped while somebody keeps the table. */
SG_TEST(who_is_in_the_way_of_a_drop_is_named)
{
    plain(U_B);
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b)", "23505");
    sg_sql_exec(sql, "DELETE FROM t WHERE a > 10");
    holder = sg_sql_hold(conninfo, "SET application_name = 'the keeper'; LOCK TABLE t IN SHARE MODE");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_TRUE(result.rebuilt);
    T_CONTAINS(told.data, "waits for pid ");
    T_CONTAINS(told.data, "(the keeper, user postgres, idle in transaction for ");
}

static pid_t run_child(const char *runner)
{
    pid_t pid = fork();

    /* a process of its own, as builders are */
    if (pid == 0) {
        run.runner = runner;
        built();
        _exit(result.end == SG_INDEX_END_BUILT ? 10 : result.end == SG_INDEX_END_ALREADY ? 11 : 12);
    }
    return pid;
}

static void two_at_once(void)
{
    int statuses[2];
    pid_t pids[2];

    sg_sql_exec(sql, "INSERT INTO t SELECT g, g % 10, 'x' || g FROM generate_series(1001, 200000) g");
    pids[0] = run_child("a");
    pids[1] = run_child("b");
    for (int i = 0; i < 2; i++) {
        T_MUST(waitpid(pids[i], &statuses[i], 0) == pids[i]);
        T_MUST(WIFEXITED(statuses[i]));
    }
    T_EQ_INT(WEXITSTATUS(statuses[0]) + WEXITSTATUS(statuses[1]), 21);
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "valid");
}

SG_TEST(two_runners_at_once_build_it_once)
{
    plain(I_B);
    two_at_once();
}

/* ---- faults -------------------------------------------------------------------------------- */

static void terminate(const struct sg_index_progress *progress)
{
    if (progress->waits_for != NULL && struck++ == 0) {
        sg_sql_exec(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()");
    }
    if (struck > 0 && holder != NULL) {
        sg_sql_close(holder);
        holder = NULL;
    }
}

SG_TEST(a_terminated_backend_is_built_again)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = terminate;
    T_EQ_STR(built(), "built");
    T_EQ_INT(result.attempts, 2);
    T_TRUE(result.rebuilt);
    T_EQ_STR(there(), "i_b");
    T_CONTAINS(logged.data, "looking again");
}

static void cancel(const struct sg_index_progress *progress)
{
    if (progress->waits_for != NULL && struck++ == 0) {
        sg_sql_exec(sql, "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()");
    }
}

SG_TEST(a_cancel_that_is_not_ours_ends_it)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = cancel;
    T_EQ_STR(built(), "failed");
    T_EQ_STR(result.err.sqlstate, "57014");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
}

/* In a process of its own, as builders are: stops are counted for good. Only the numbers of the result come back. */
static const char *built_apart(void)
{
    struct sg_index_result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid;

    T_MUST(shared != MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        built();
        *shared = result;
        _exit(0);
    }
    T_MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    result = *shared;
    memset(&result.err, 0, sizeof result.err);
    result.err.class = shared->err.class;
    munmap(shared, sizeof *shared);
    return sg_index_end_name(result.end);
}

static void stop(const struct sg_index_progress *progress)
{
    if (progress->waits_for != NULL && struck++ == 0) {
        sg_stop_tell(1, 15);
    }
}

SG_TEST(a_stop_drops_what_was_begun)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = stop;
    T_EQ_STR(built_apart(), "stopped");
    T_EQ_INT(result.err.class, SG_CLASS_TERMINATED);
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
    T_EQ_STR(noted(), "missing");
    T_LT_INT(result.duration_ms, 20000); /* the holder never lets go */
}

static void stop_beside(const struct sg_index_progress *progress)
{
    if (progress->doing != NULL && strstr(progress->doing, "the build of this very index") != NULL) {
        sg_stop_tell(1, 15);
    }
}

/* What he has begun is invalid yet, and is no carcass: we leave, and leave it alone. */
SG_TEST(another_sessions_build_outlives_our_stop)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    maker = sg_sql_open(conninfo);
    sg_sql_send(maker, "CREATE INDEX CONCURRENTLY i_b ON t (b)");
    sg_sql_await(sql, "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()", "waiting for old snapshots",
                 10000);
    meanwhile = stop_beside;
    T_EQ_STR(built_apart(), "stopped");
    T_FALSE(result.carcass);
    T_LT_INT(result.duration_ms, 20000);
    sg_sql_close(holder);
    T_EQ_STR(sg_sql_finish(maker, 10000), "");
    T_EQ_STR(there(), "i_b");
}

static void stop_twice(const struct sg_index_progress *progress)
{
    if (progress->waits_for != NULL && struck++ == 0) {
        sg_stop_tell(2, 2);
    }
}

SG_TEST(a_second_stop_leaves_at_once_and_tells)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = stop_twice;
    T_EQ_STR(built_apart(), "stopped");
    T_EQ_INT(result.err.class, SG_CLASS_INTERRUPTED);
    T_TRUE(result.carcass);
    T_LT_INT(result.duration_ms, 20000);
}

/* The server has done it, and nobody heard so. */
SG_TEST(an_answer_that_is_lost_is_no_failure)
{
    struct sg_server *server = sg_server_shared();
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(server), sg_server_port(server));
    const char *db = sg_server_new_db(server);

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_proxy_conninfo(proxy, db, NULL), NULL, I_B);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REPLY, .match = "CREATE INDEX CONCURRENTLY"});
    T_EQ_STR(built(), "built");
    T_EQ_INT(sg_proxy_hits(proxy), 1);
    T_EQ_INT(result.attempts, 1);
    T_FALSE(result.rebuilt);
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "valid");
}

/* Nothing is cut: the answer just never comes. */
SG_TEST(an_answer_that_never_comes_is_not_waited_for)
{
    struct sg_server *server = sg_server_shared();
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(server), sg_server_port(server));
    const char *db = sg_server_new_db(server);

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, conninfo, sg_proxy_conninfo(proxy, db, NULL), I_B);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_HOLE_REPLY, .match = "CREATE INDEX CONCURRENTLY"});
    T_EQ_STR(built(), "built");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "i_b");
    T_LT_INT(result.duration_ms, 15000);
}

SG_TEST(a_request_that_is_lost_is_sent_again)
{
    struct sg_server *server = sg_server_shared();
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(server), sg_server_port(server));
    const char *db = sg_server_new_db(server);

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_proxy_conninfo(proxy, db, NULL), NULL, I_B);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = SG_FAULT_DROP_REQUEST, .match = "CREATE INDEX CONCURRENTLY"});
    T_EQ_STR(built(), "built");
    T_EQ_INT(result.attempts, 2);
    T_EQ_STR(there(), "i_b");
}

/* At each statement of a whole run, one run after the other, until none is left to be hit. */
static void hit_each(struct sg_proxy *proxy, enum sg_fault fault, const char *already)
{
    int at = 0;

    do {
        sg_sql_exec(sql, "TRUNCATE sgrun.indexes");
        if (already != NULL) {
            sg_sql_expect(sql, already, "23505");
        }
        sg_sql_exec(sql, "DELETE FROM t WHERE a > 10");
        sg_proxy_disarm(proxy);
        sg_proxy_forget(proxy);
        sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = fault, .nth = ++at});
        if (strcmp(built(), "built") != 0 || strcmp(there(), "u_b") != 0 || strcmp(noted(), "valid") != 0) {
            T_FAIL("fault %d at statement %d: %s, %s, %s: %s\n%s%s", (int)fault, at, sg_index_end_name(result.end), there(), noted(),
                   primary(), sg_proxy_statements(proxy), logged.data);
        }
        sg_sql_exec(sql, "DROP INDEX u_b; INSERT INTO t SELECT g, g % 10, 'x' FROM generate_series(11, 100) g");
    } while (sg_proxy_hits(proxy) > 0 && at < 200);
    T_GT_INT(at, 8);
    T_LT_INT(at, 200);
}

static void hit_each_way(struct sg_server *server, const char *dir, int port, enum sg_fault fault)
{
    struct sg_proxy *proxy = sg_proxy_start(dir, port);
    const char *db = sg_server_new_db(server);

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_proxy_conninfo(proxy, db, NULL), NULL, U_B);
    hit_each(proxy, fault, NULL);
    hit_each(proxy, fault, "CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b)");
}

static void hit_direct(enum sg_fault fault)
{
    struct sg_server *server = sg_server_shared();

    hit_each_way(server, sg_server_dir(server), sg_server_port(server), fault);
}

static void hit_pooled(enum sg_fault fault)
{
    struct sg_server *server = sg_server_shared();
    struct sg_pgbouncer *bouncer =
        sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = 5});

    hit_each_way(server, sg_pgbouncer_dir(bouncer), sg_pgbouncer_port(bouncer), fault);
}

SG_TEST(any_request_may_be_lost)
{
    hit_direct(SG_FAULT_DROP_REQUEST);
}

SG_TEST(any_answer_may_be_lost)
{
    hit_direct(SG_FAULT_DROP_REPLY);
}

SG_TEST(any_line_may_be_cut)
{
    hit_direct(SG_FAULT_CUT_NOW);
}

SG_TEST(any_request_may_be_lost_behind_a_pooler)
{
    hit_pooled(SG_FAULT_DROP_REQUEST);
}

SG_TEST(any_answer_may_be_lost_behind_a_pooler)
{
    hit_pooled(SG_FAULT_DROP_REPLY);
}

SG_TEST(any_line_may_be_cut_behind_a_pooler)
{
    hit_pooled(SG_FAULT_CUT_NOW);
}

static struct sg_proxy *paused;

static void be_faster(const struct sg_index_progress *progress)
{
    (void)progress;
    if (sg_proxy_hits(paused) == 0 && struck++ == 0) {
        return;
    }
    if (holder == NULL) {
        holder = sql;
        sg_sql_exec(sql, "CREATE INDEX i_b ON t (b)");
        sg_proxy_release(paused);
    }
}

/* Between the look and the statement: its name is taken, and by what is wanted. */
SG_TEST(somebody_makes_it_before_our_statement_arrives)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);

    paused = sg_proxy_start(sg_server_dir(server), sg_server_port(server));
    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, conninfo, sg_proxy_conninfo(paused, db, NULL), I_B);
    sg_proxy_arm(paused, &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "CREATE INDEX CONCURRENTLY"});
    meanwhile = be_faster;
    T_EQ_STR(built(), "already");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "i_b");
    T_CONTAINS(logged.data, "already exists; looking again");
}

static void terminate_each(const struct sg_index_progress *progress)
{
    if (progress->waits_for != NULL) {
        struck++;
        sg_sql_exec(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()");
    }
}

/* Every attempt is ended; at last it is given up, and what lies there dropped. */
SG_TEST(attempts_are_counted)
{
    plain(I_B "max_retries = 3\n");
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = terminate_each;
    T_EQ_STR(built(), "left");
    T_EQ_INT(result.attempts, 3);
    T_EQ_INT(struck, 3);
    T_EQ_STR(result.err.sqlstate, "57P01");
    T_CONTAINS(primary(), "3 attempts in ");
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
    T_EQ_STR(noted(), "missing");
}

SG_TEST(a_server_that_is_away_is_left_to_the_next_run)
{
    struct sg_server *server = sg_server_start(NULL);

    conninfo = NULL;
    begin(server, NULL, NULL, I_B "max_retries = 3\nretry_seconds = 2\n");
    sg_server_stop(server, SG_STOP_FAST);
    T_EQ_STR(built(), "left");
    T_CONTAINS(primary(), "3 attempts in ");
}

/* ---- sessions -------------------------------------------------------------------------------- */

static int idle_in_transaction, snapshots;

static void look_at_ours(const struct sg_index_progress *progress)
{
    if (progress->phase == NULL) {
        return;
    }
    idle_in_transaction += (int)sg_sql_int(sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                                " AND application_name LIKE 'sgrun%' AND state LIKE 'idle in%'");
    snapshots += (int)sg_sql_int(sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                      " AND application_name LIKE 'sgrun%' AND backend_xmin IS NOT NULL"
                                      " AND pid NOT IN (SELECT pid FROM pg_stat_progress_create_index)");
    let_go(progress);
}

SG_TEST(no_connection_of_ours_keeps_a_transaction_meanwhile)
{
    plain(I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = look_at_ours;
    T_EQ_STR(built(), "built");
    T_GT_INT(ticks, 0);
    T_EQ_INT(idle_in_transaction, 0);
    T_EQ_INT(snapshots, 0);
}

/* What the role brings along would end the build, hide the table, or refuse to write. */
SG_TEST(the_roles_settings_do_not_matter_on_an_own_session)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *role = sg_test_strf("%s_role", db);
    struct sg_sql *super = sg_sql_open(sg_server_conninfo(server, db, NULL));

    sg_sql_execf(super, "CREATE ROLE %s LOGIN SUPERUSER; ALTER ROLE %s SET statement_timeout = '700ms'; ALTER ROLE %s SET lock_timeout ="
                        " '300ms'; ALTER ROLE %s SET search_path = pg_temp; ALTER ROLE %s SET default_transaction_isolation ="
                        " 'serializable'; ALTER ROLE %s SET default_transaction_read_only = on",
                 role, role, role, role, role, role);
    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_server_conninfo(server, db, role), NULL, I_B);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    build.deadline_ms = sg_clock_ms() + 20000;
    meanwhile = NULL;
    if (fork() == 0) { /* longer than the role's timeouts */
        sg_test_sleep_ms(1500);
        sg_sql_execf(super = sg_sql_open(conninfo), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state ="
                                                    " 'idle in transaction' AND datname = '%s'", db);
        _exit(0);
    }
    T_EQ_STR(built(), "built");
    T_EQ_STR(there(), "i_b");
    sg_sql_close(super);
    super = sg_sql_open(conninfo);
    sg_sql_execf(super, "REASSIGN OWNED BY %s TO postgres;"
                        "DROP OWNED BY %s; DROP ROLE %s", role, role, role);
}

/* The table is another role's, who may not log in: only as him it can be indexed. */
SG_TEST(the_manifests_role_builds)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *login = sg_test_strf("%s_login", db), *owner = sg_test_strf("%s_owner", db);

    conninfo = sg_server_conninfo(server, db, NULL);
    sql = sg_sql_open(conninfo);
    sg_sql_execf(sql, "CREATE ROLE %s; CREATE ROLE %s LOGIN NOINHERIT IN ROLE %s; GRANT ALL ON SCHEMA public TO %s;"
                      "GRANT ALL ON DATABASE %s TO %s, %s", owner, login, owner, owner, db, login, owner);
    begin(server, sg_server_conninfo(server, db, login), NULL, U_B);
    manifest.role = owner;
    sg_sql_execf(sql, "ALTER TABLE t OWNER TO %s", owner);
    sg_sql_expect(sql, "CREATE UNIQUE INDEX CONCURRENTLY u_b ON t (b)", "23505");
    sg_sql_exec(sql, "DELETE FROM t WHERE a > 10");
    T_EQ_STR(built(), "built");
    T_TRUE(result.rebuilt);
    T_EQ_STR(there(), "u_b");
    T_EQ_STR(noted(), "valid");
    T_EQ_STR(built(), "already");
    sg_sql_execf(sql, "REASSIGN OWNED BY %s, %s TO postgres; DROP OWNED BY %s, %s; DROP ROLE %s; DROP ROLE %s", login, owner, login, owner,
                 login, owner);
}

SG_TEST(a_table_of_somebody_else_is_left_alone)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *login = sg_test_strf("%s_login", db);

    conninfo = sg_server_conninfo(server, db, NULL);
    sql = sg_sql_open(conninfo);
    sg_sql_execf(sql, "CREATE ROLE %s LOGIN; GRANT ALL ON SCHEMA public TO %s; GRANT ALL ON DATABASE %s TO %s", login, login, db, login);
    begin(server, sg_server_conninfo(server, db, login), NULL, I_B);
    T_EQ_STR(built(), "failed");
    T_EQ_STR(result.err.sqlstate, "42501");
    T_CONTAINS(result.err.hint, "role in [database]");
    T_EQ_STR(result.err.file, "etc/test.ini");
    T_EQ_STR(there(), "");
    T_FALSE(result.carcass);
    T_EQ_STR(noted(), "failed");
    sg_sql_execf(sql, "REASSIGN OWNED BY %s TO postgres; DROP OWNED BY %s; DROP ROLE %s", login, login, login);
}

SG_TEST(a_direct_dsn_to_another_database_is_found_out)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *elsewhere = sg_server_new_db(server);

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, conninfo, sg_server_conninfo(server, elsewhere, NULL), I_B);
    T_EQ_STR(built(), "failed");
    T_EQ_INT(result.err.class, SG_CLASS_STATE);
    T_CONTAINS(primary(), "direct_dsn leads to another database");
    T_EQ_STR(there(), "");
}

static const char *pooled(const char *conf, const char *section, int pool_size)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
        .dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = pool_size, .conf = conf});

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_pgbouncer_conninfo(bouncer, db, NULL), NULL, section);
    return db;
}

SG_TEST(behind_a_pooler_it_is_built_with_progress_and_names)
{
    pooled(NULL, I_B, 4);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the reader'; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                                   " SELECT 1 FROM other");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "waiting for old snapshots||pid ");
    T_CONTAINS(told.data, "the reader");
    T_EQ_STR(there(), "i_b");
    T_CONTAINS(logged.data, "session settings");
}

/* Its parallel workers bear the same text, and end while it goes on: it is not they who are watched. */
SG_TEST(behind_a_pooler_the_leader_is_watched_and_not_its_workers)
{
    struct sg_sql *early[4];

    for (size_t i = 0; i < 4; i++)
        early[i] = sg_sql_open(sg_server_conninfo(sg_server_shared(), "postgres", NULL));
    pooled(NULL, "[index i_b]\ntable = t\ncolumns = slow(b)\n", 4);
    for (size_t i = 0; i < 4; i++)
        sg_sql_close(early[i]); /* pg_stat_activity shows whoever takes their places first */
    sg_sql_exec(sql, "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS"
                     " 'BEGIN PERFORM pg_sleep(0.004); RETURN $1; END'; ALTER TABLE t SET (parallel_workers = 2)");
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "building index: scanning table");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "i_b");
}

SG_TEST(two_runners_behind_a_pooler_build_it_once)
{
    pooled(NULL, I_B, 4);
    two_at_once();
}

/* The watch has no connection to be had while the build runs: no progress, no renewals, and the build goes on. */
SG_TEST(a_pool_of_one_is_enough)
{
    pooled(NULL, I_B, 1);
    T_EQ_STR(built(), "built");
    T_EQ_STR(there(), "i_b");
    T_EQ_STR(noted(), "valid");
}

SG_TEST(a_pooled_sessions_statement_timeout_is_named)
{
    const char *db = pooled(NULL, I_B, 4);

    sg_sql_execf(sql, "ALTER DATABASE %s SET statement_timeout = '900ms'", db);
    sg_sql_execf(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()", db);
    holder = sg_sql_hold(conninfo, "SET statement_timeout = 0; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    T_EQ_STR(built(), "failed");
    T_EQ_STR(result.err.sqlstate, "57014");
    T_CONTAINS(result.err.hint, "direct_dsn");
    T_CONTAINS(logged.data, "statement_timeout = 900ms");
    T_EQ_INT(result.attempts, 1);
    T_EQ_STR(there(), "");
}

/* What the server says of it, "a standby, or read-only", would send people looking for a primary. */
SG_TEST(a_pooled_session_that_is_read_only_is_named)
{
    const char *db = pooled(NULL, I_B "max_retries = 3\n", 4), *first;

    sg_sql_execf(sql, "ALTER DATABASE %s SET default_transaction_read_only = on", db);
    sg_sql_execf(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()", db);
    T_NE_STR(built(), "built");
    T_EQ_STR(result.err.sqlstate, "25006");
    T_CONTAINS(result.err.hint, "default_transaction_read_only");
    T_CONTAINS(result.err.hint, "direct_dsn");
    first = strstr(logged.data, "default_transaction_read_only = on");
    T_MUST_NOT_NULL(first);
    T_NULL(strstr(first + 1, "default_transaction_read_only = on")); /* however often it is tried */
    T_EQ_STR(there(), "");
}

SG_TEST(a_direct_dsn_goes_past_the_pooler)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    struct sg_pgbouncer *bouncer =
        sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = 1});

    conninfo = sg_server_conninfo(server, db, NULL);
    begin(server, sg_pgbouncer_conninfo(bouncer, db, NULL), conninfo, I_B);
    holder = sg_sql_hold(conninfo, "SET application_name = 'the reader'; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                                   " SELECT 1 FROM other");
    meanwhile = let_go;
    T_EQ_STR(built(), "built");
    T_CONTAINS(told.data, "the reader");
    T_LACKS(logged.data, "session settings");
}

static const struct sg_test found[] = {
    SG_CASE(a_missing_one_is_built_and_then_found),
    SG_CASE(another_definition_is_told_and_left_alone),
    SG_CASE(something_else_of_that_name_is_left_alone),
    SG_CASE(an_invalid_one_is_dropped_and_built),
    SG_CASE(leftovers_of_a_reindex_are_dropped),
    SG_CASE(a_constraint_that_took_it_over_counts),
    SG_CASE(a_missing_table_is_told),
    SG_CASE(what_the_server_refuses_is_told_with_file_and_line),
    SG_CASE(duplicates_are_named_and_nothing_is_left),
    SG_CASES_END,
};
static const struct sg_test others[] = {
    SG_CASE(a_lock_on_the_table_is_waited_for),
    SG_CASE(a_writer_is_waited_for_and_named),
    SG_CASE(an_old_snapshot_is_waited_for_and_named),
    SG_CASE(lock_seconds_end_a_wait_and_nothing_is_left),
    SG_CASE(lock_seconds_end_the_wait_for_the_tables_lock),
    SG_CASE(a_carcass_that_cannot_be_dropped_is_told),
    SG_CASE(max_seconds_end_a_build),
    SG_CASE(the_runs_deadline_leaves_it_to_the_next),
    SG_CASE(another_sessions_build_is_waited_for_and_taken),
    SG_CASE(the_victim_of_a_deadlock_builds_again),
    SG_CASE(one_who_was_there_first_is_let_through),
    SG_CASE(a_reindex_of_the_invalid_one_is_waited_for),
    SG_CASE(a_table_that_cannot_be_looked_at_is_waited_for),
    SG_CASE(who_is_in_the_way_of_a_drop_is_named),
    SG_CASE(an_idle_ghosts_session_is_ended),
    SG_CASE(another_runners_claim_is_waited_for),
    SG_CASE(two_runners_at_once_build_it_once),
    SG_CASES_END,
};
static const struct sg_test faults[] = {
    SG_CASE(a_terminated_backend_is_built_again),
    SG_CASE(a_cancel_that_is_not_ours_ends_it),
    SG_CASE(a_stop_drops_what_was_begun),
    SG_CASE(another_sessions_build_outlives_our_stop),
    SG_CASE(a_second_stop_leaves_at_once_and_tells),
    SG_CASE(an_answer_that_is_lost_is_no_failure),
    SG_CASE(an_answer_that_never_comes_is_not_waited_for),
    SG_CASE(a_request_that_is_lost_is_sent_again),
    SG_CASE(any_request_may_be_lost),
    SG_CASE(any_answer_may_be_lost),
    SG_CASE(any_line_may_be_cut),
    SG_CASE(any_request_may_be_lost_behind_a_pooler),
    SG_CASE(any_answer_may_be_lost_behind_a_pooler),
    SG_CASE(any_line_may_be_cut_behind_a_pooler),
    SG_CASE(somebody_makes_it_before_our_statement_arrives),
    SG_CASE(attempts_are_counted),
    SG_CASE(a_server_that_is_away_is_left_to_the_next_run),
    SG_CASES_END,
};
static const struct sg_test sessions[] = {
    SG_CASE(no_connection_of_ours_keeps_a_transaction_meanwhile),
    SG_CASE(the_roles_settings_do_not_matter_on_an_own_session),
    SG_CASE(the_manifests_role_builds),
    SG_CASE(a_table_of_somebody_else_is_left_alone),
    SG_CASE(a_direct_dsn_to_another_database_is_found_out),
    SG_CASE(behind_a_pooler_it_is_built_with_progress_and_names),
    SG_CASE(behind_a_pooler_the_leader_is_watched_and_not_its_workers),
    SG_CASE(two_runners_behind_a_pooler_build_it_once),
    SG_CASE(a_pool_of_one_is_enough),
    SG_CASE(a_pooled_session_that_is_read_only_is_named),
    SG_CASE(a_pooled_sessions_statement_timeout_is_named),
    SG_CASE(a_direct_dsn_goes_past_the_pooler),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {
    {"found", found}, {"others", others}, {"faults", faults}, {"sessions", sessions}, SG_SUITES_END,
};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
