/*
 * Connections that one build leaves to the next: which of them, in what state, and what of one build must not reach another. Builds
 * in this process, one after the other on one line, and then sgrun itself, whose builders do the same.
 */
#include "config.h"

#include "core/index/build.h"

#include <signal.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/run/run.h"
#include "core/state/schema.h"
#include "tests/db/project.h"
#include "tests/kit/pgbouncer.h"

static struct sg_arena arena;
static struct sg_manifest manifest;
static struct sg_run run;
static struct sg_index_definition definitions[4];
static struct sg_index_line line;
static struct sg_index_result result;
static struct sg_err err;
static struct sg_buf logged;
static struct sg_sql *sql, *holder;
static const char *conninfo;
static void (*meanwhile)(const struct sg_index_progress *progress);

#define LOCKS "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database" \
              " WHERE datname = current_database())"
#define SESSIONS "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sgrun%'"

static void note_line(const char *text, size_t length)
{
    sg_buf_add(&logged, text, length);
    sg_buf_addc(&logged, '\n');
}

static void on_progress(void *context, const struct sg_index_progress *progress)
{
    (void)context;
    if (meanwhile != NULL) {
        meanwhile(progress);
    }
}

static void release(void *unused)
{
    (void)unused;
    holder = NULL;
    meanwhile = NULL;
    sg_index_line_release(&line);
    sg_log_divert(NULL);
    sg_err_release(&result.err);
    sg_err_release(&err);
    sg_buf_release(&logged);
    sg_arena_release(&arena);
}

static void must(int status)
{
    if (status != 0) {
        T_FATAL("%s: %s (%s)", sg_class_name(err.class), err.primary, err.detail ? err.detail : "");
    }
}

#define I(n, lines) "[index i" #n "]\ntable = t" #n "\ncolumns = b\n" lines
#define THREE I(1, "") I(2, "") I(3, "")

/* Tables t1 to t4 of 1000 rows, the state's tables, and these sections. dsn NULL: straight to the server. */
static void begin(const char *db, const char *dsn, const char *database, const char *sections)
{
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_db *state;
    conninfo = sg_server_conninfo(sg_server_shared(), db, NULL);
    sg_buf_init(&logged, 0);
    sg_test_defer(release, NULL);
    sg_log_setup(SG_LOG_INFO, SG_LOG_HUMAN);
    sg_log_divert(note_line);
    sql = sg_sql_open(conninfo);
    for (int i = 1; i <= 4; i++) {
        sg_sql_execf(sql, "CREATE TABLE t%d (a int PRIMARY KEY, b int, c text);"
                          " INSERT INTO t%d SELECT g, g %% 10, 'x' || g FROM generate_series(1, 1000) g", i, i);
    }
    sg_sql_exec(sql, "CREATE TABLE other (a int); INSERT INTO other VALUES (1)");
    const char *text = sg_test_strf("[sgrun]\nplugin_path = .\n[database]\ndsn = %s\n%s\n[policy]\nretry_base_ms = 10\nretry_cap_ms = 200\n%s",
                                    dsn != NULL ? dsn : conninfo, database, sections);
    if (sg_manifest_parse("etc/test.ini", text, strlen(text), NULL, 0, false, &arena, &manifest, &errs) != 0) {
        T_FATAL("%s", errs.list[0].primary);
    }
    must(sg_run_open(&run, &manifest, NULL, &arena, &err));
    for (size_t i = 0; i < manifest.step_count; i++) {
        must(sg_index_define(&manifest, &manifest.steps[i], &arena, &definitions[i], &err));
    }
    must(sg_db_open(&state, &run.dsn, "sgrun", sg_clock_ms() + 10000, &err));
    must(sg_state_install(state, "sgrun", &err));
    sg_db_close(state);
    sg_buf_clear(&logged); /* that they were made */
}

static void plain(const char *sections)
{
    begin(sg_server_new_db(sg_server_shared()), NULL, "", sections);
}

static const char *built(int number)
{
    struct sg_index_build build = {.run = &run, .definition = &definitions[number - 1], .progress = on_progress, .line = &line};
    sg_err_release(&result.err);
    sg_index_build(&build, &result);
    return sg_index_end_name(result.end);
}

/* What a session of the line answers. */
static const char *ask(struct sg_session *session, const char *question)
{
    struct sg_result *answer;
    must(sg_db_query(session->db, question, 0, NULL, &arena, &answer, &err));
    return sg_result_value(answer, 0, 0);
}

static int pid(const struct sg_session *session)
{
    return sg_db_pid(session->db);
}

SG_TEST(three_by_the_same_two_sessions)
{
    plain(THREE);
    int own = 0, watch = 0;
    for (int i = 1; i <= 3; i++) {
        T_EQ_STR(built(i), "built");
        T_EQ_INT(result.attempts, 1);
        T_MUST(line.kept);
        if (i == 1) {
            own = pid(&line.session);
            watch = pid(&line.watch.session);
        }
        T_EQ_INT(pid(&line.session), own);
        T_EQ_INT(pid(&line.watch.session), watch);
        /* Nothing is kept but the connections: no lock, no transaction, no claim. */
        T_EQ_INT(sg_sql_int(sql, LOCKS), 0);
        T_EQ_STR(sg_sql_rows(sql, "SELECT state FROM pg_stat_activity WHERE application_name LIKE 'sgrun%' AND datname = current_database()"
                                  " AND (state <> 'idle' OR backend_xmin IS NOT NULL)"),
                 "");
        T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM sgrun.indexes WHERE owner IS NOT NULL"), 0);
    }
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text ~ '^i[123]$' AND indisvalid"), 3);
    T_EQ_STR(built(2), "already");
    T_TRUE(line.kept);
    T_EQ_INT(pid(&line.session), own);
    T_EQ_STR(logged.length > 0 ? logged.data : "", "");
    sg_index_line_release(&line);
    sg_sql_await(sql, SESSIONS, "0", 20000);
}

static struct {
    const char *locks, *names;
} seen;

static void look(const struct sg_index_progress *progress)
{
    if (progress->waits_for == NULL || holder == NULL) {
        return;
    }
    seen.locks = sg_sql_rows(sql, "SELECT hashtext('public.t1') = l.objid::int8::bit(32)::int4, hashtext('public.t2') = l.objid::int8::bit(32)::int4"
                                  " FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.database ="
                                  " (SELECT oid FROM pg_database WHERE datname = current_database())");
    seen.names = sg_sql_rows(sql, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
                                  " AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'");
    sg_sql_close(holder);
    holder = NULL;
}

SG_TEST(the_first_tables_lock_is_free_while_the_second_is_built)
{
    plain(THREE);
    T_EQ_STR(built(1), "built");
    T_MUST(line.kept);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = look;
    T_EQ_STR(built(2), "built");
    T_EQ_STR(seen.locks, "f|t");
    T_EQ_STR(seen.names, "sgrun:i2");
    T_TRUE(line.kept);
    T_EQ_INT(sg_sql_int(sql, LOCKS), 0);
}

SG_TEST(nothing_of_one_build_is_set_for_the_next)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *login = sg_test_strf("%s_login", db), *owner = sg_test_strf("%s_owner", db);
    struct sg_sql *first = sg_sql_open(sg_server_conninfo(server, db, NULL));
    static const char settings[] = "SELECT concat_ws(' ', current_user = session_user, current_setting('application_name'),"
                                   " current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('work_mem'))";
    sg_sql_execf(first, "CREATE ROLE %s; CREATE ROLE %s LOGIN NOINHERIT IN ROLE %s; GRANT ALL ON SCHEMA public TO %s;"
                        "GRANT ALL ON DATABASE %s TO %s, %s; ALTER ROLE %s SET lock_timeout = '7s'; ALTER ROLE %s SET statement_timeout = '50s'",
                 owner, login, owner, owner, db, login, owner, login, login);
    begin(db, sg_server_conninfo(server, db, login), "", THREE "[index i4]\ntable = t4\nsql = CREATE INDEX CONCURRENTLY i4 ON t4 (rude(b))\n");
    manifest.role = owner;
    for (int i = 1; i <= 4; i++) {
        sg_sql_execf(sql, "ALTER TABLE t%d OWNER TO %s", i, owner);
    }
    /* Says it is immutable, and sets what it likes. */
    sg_sql_exec(sql, "CREATE FUNCTION rude(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                     " $$ BEGIN PERFORM set_config('work_mem', '77MB', false); RETURN $1; END $$");
    for (int i = 4; i >= 1; i--) {
        T_EQ_STR(built(i), "built");
        T_MUST(line.kept);
        T_EQ_STR(ask(&line.session, settings), "t sgrun 7s 50s 4MB");
        T_EQ_STR(ask(&line.watch.session, settings), "t sgrun 7s 50s 4MB");
        T_EQ_STR(sg_sql_value(sql, sg_test_strf("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'i%d'", i)), owner);
    }
    sg_index_line_release(&line);
    sg_sql_execf(sql, "REASSIGN OWNED BY %s, %s TO postgres; DROP OWNED BY %s, %s; DROP ROLE %s; DROP ROLE %s", login, owner, login, owner,
                 login, owner);
}

static int64_t held_ms;

static void let_go_late(const struct sg_index_progress *progress)
{
    if (holder != NULL && progress->waits_for != NULL) {
        held_ms = held_ms == 0 ? sg_test_now_ms() : held_ms;
        if (sg_test_now_ms() - held_ms > 5000) {
            sg_sql_close(holder);
            holder = NULL;
        }
    }
}

/* The first section's lock_seconds and max_seconds are its own. */
SG_TEST(limits_are_each_sections_own)
{
    plain(I(1, "lock_seconds = 4\nmax_seconds = 4\n") I(2, ""));
    held_ms = 0;
    T_EQ_STR(built(1), "built");
    T_MUST(line.kept);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = let_go_late;
    T_EQ_STR(built(2), "built");
    T_NULL(holder);
    T_TRUE(line.kept);
    sg_sql_exec(sql, "DROP INDEX i1");
    meanwhile = NULL;
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    T_EQ_STR(built(1), "failed");
    T_FALSE(line.kept);
    sg_sql_await(sql, SESSIONS, "0", 20000);
}

SG_TEST(what_fails_leaves_nothing)
{
    static const char *const sections =
        I(1, "") "[index i2]\ntable = t2\ncolumns = b\nunique = yes\n[index i3]\ntable = t3\ncolumns = nothing\n"
                 "[index i4]\ntable = t4\ncolumns = b\n";
    plain(sections);
    for (int bad = 2; bad <= 4; bad++) {
        if (bad == 4) { /* of another definition: nothing is wrong with the connection, but it is no plain sailing */
            sg_sql_exec(sql, "CREATE INDEX i4 ON t4 (c)");
        }
        T_EQ_STR(built(1), bad == 2 ? "built" : "already");
        T_MUST(line.kept);
        int own = pid(&line.session), watch = pid(&line.watch.session);
        T_EQ_STR(built(bad), bad == 4 ? "drifted" : "failed");
        T_FALSE(line.kept);
        sg_sql_await(sql, sg_test_strf("SELECT count(*) FROM pg_stat_activity WHERE pid IN (%d, %d)", own, watch), "0", 20000);
    }
}

/* A session that is ended between two builds costs the next neither an attempt nor a word. */
SG_TEST(a_connection_that_went_away_meanwhile)
{
    plain(THREE);
    for (int which = 0; which < 2; which++) {
        T_EQ_STR(built(1 + which), "built");
        T_MUST(line.kept);
        int victim = pid(which == 0 ? &line.session : &line.watch.session), other = pid(which == 0 ? &line.watch.session : &line.session);
        sg_sql_execf(sql, "SELECT pg_terminate_backend(%d)", victim);
        sg_sql_await(sql, sg_test_strf("SELECT count(*) FROM pg_stat_activity WHERE pid = %d", victim), "0", 20000);
        T_EQ_STR(built(2 + which), "built");
        T_EQ_INT(result.attempts, 1);
        T_MUST(line.kept);
        /* fresh ones, both */
        T_TRUE(pid(&line.session) != victim && pid(&line.watch.session) != victim);
        T_TRUE(pid(&line.session) != other && pid(&line.watch.session) != other);
        if (which == 0) {
            sg_sql_exec(sql, "DROP INDEX i2");
        }
    }
    T_EQ_STR(logged.length > 0 ? logged.data : "", "");
}

static void terminate(const struct sg_index_progress *progress)
{
    if (holder != NULL && progress->waits_for != NULL) {
        sg_sql_exec(sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
                         " AND query LIKE 'CREATE INDEX CONCURRENTLY%'");
        sg_sql_close(holder);
        holder = NULL;
    }
}

/* It came out well in the end; but there was a retry in between. */
SG_TEST(a_retry_leaves_nothing)
{
    plain(THREE);
    T_EQ_STR(built(1), "built");
    T_MUST(line.kept);
    holder = sg_sql_hold(conninfo, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM other");
    meanwhile = terminate;
    T_EQ_STR(built(2), "built");
    T_FALSE(line.kept);
    meanwhile = NULL;
    T_EQ_STR(built(3), "built");
    T_TRUE(line.kept);
}

SG_TEST(behind_a_pooler)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    const struct sg_pgbouncer_opts opts = {.dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = 3};
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&opts);
    begin(db, sg_pgbouncer_conninfo(bouncer, db, NULL), "", THREE);
    for (int i = 1; i <= 3; i++) {
        T_EQ_STR(built(i), "built");
        T_TRUE(line.kept);
        T_EQ_INT(sg_sql_int(sql, LOCKS), 0);
    }
    T_EQ_STR(sg_sql_rows(sql, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sgrun:%'"),
             "");
    sg_index_line_release(&line);
}

SG_TEST(past_a_pooler)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server);
    const struct sg_pgbouncer_opts opts = {.dir = sg_server_dir(server), .port = sg_server_port(server), .pool_size = 3};
    struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&opts);
    begin(db, sg_pgbouncer_conninfo(bouncer, db, NULL), sg_test_strf("direct_dsn = %s\n", sg_server_conninfo(server, db, NULL)), THREE);
    int own = 0;
    for (int i = 1; i <= 3; i++) {
        T_EQ_STR(built(i), "built");
        T_MUST(line.kept);
        own = i == 1 ? pid(&line.session) : own;
        T_EQ_INT(pid(&line.session), own);
        T_EQ_INT(sg_sql_int(sql, LOCKS), 0);
    }
    sg_index_line_release(&line);
}

/* ---- sgrun itself ------------------------------------------------------------------ */

/* The pids, once each and in their order, of the server's log in which every line begins with one: of the builds in that database. */
static const char *who_built(const struct sg_server *server)
{
    const char *text = sg_server_log(server);
    struct sg_buf pids = SG_BUF_INIT;
    for (const char *at = text; (at = strstr(at, "statement: CREATE INDEX CONCURRENTLY")) != NULL; at++) {
        const char *start = at;
        while (start > text && start[-1] != '\n') {
            start--;
        }
        const char *word = sg_test_strf("%.*s ", (int)strcspn(start, " "), start);
        if (pids.length == 0 || strstr(pids.data, word) == NULL) {
            sg_buf_adds(&pids, word);
        }
    }
    const char *copy = sg_test_strf("%s", pids.length > 0 ? pids.data : "");
    sg_buf_release(&pids);
    return copy;
}

static int words(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += *text == ' ';
    }
    return count;
}

static struct project *registry(struct sg_server *server, const char *lines)
{
    struct project *project = project_new(server, NULL);
    struct sg_buf sections = SG_BUF_INIT;
    sg_buf_addf(&sections, "[indexes]\njobs = 1\n");
    for (int t = 1; t <= 3; t++) {
        sg_sql_execf(project->sql, "CREATE TABLE t%d (id bigint PRIMARY KEY, a int); INSERT INTO t%d SELECT i, i %% 7 FROM generate_series(1, 200) i",
                     t, t);
        sg_buf_addf(&sections, "[index ix_%d]\ntable = t%d\ncolumns = a\n%s", t, t, t == 2 ? lines : "");
    }
    sg_sql_exec(project->sql, "CREATE TABLE elsewhere (n int); INSERT INTO elsewhere VALUES (1)");
    project_write(project, sections.data);
    sg_buf_release(&sections);
    return project;
}

#define LOGGED "log_statement = all\nlog_line_prefix = '%p '\n"
#define VALID "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'ix_%' AND indisvalid AND indisready"

SG_TEST(sgrun_builds_all_in_one_session)
{
    struct sg_server *server = sg_server_start(LOGGED);
    struct project *project = registry(server, "");
    (void)project_must(project, 0, "index", "--strict");
    T_EQ_INT(sg_sql_int(project->sql, VALID), 3);
    T_EQ_INT(words(who_built(server)), 1);
    T_EQ_STR(sg_run_orphans(), "");
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sgrun%'", "0", 20000);
}

SG_TEST(sgrun_takes_a_fresh_session_after_a_failure)
{
    struct sg_server *server = sg_server_start(LOGGED);
    struct project *project = registry(server, "unique = yes\n");
    (void)project_must(project, 0, "index");
    T_EQ_INT(sg_sql_int(project->sql, VALID), 2);
    T_EQ_INT(words(who_built(server)), 2);
}

/* kill -9 of a builder on its second index, which is held there by an old snapshot. */
SG_TEST(sgrun_whose_builder_is_killed_on_its_second)
{
    struct sg_server *server = sg_server_start(LOGGED);
    struct project *project = registry(server, "");
    pid_t first[4], again[4];
    struct sg_sql *gate = sg_sql_hold(project->conninfo, "LOCK TABLE t2 IN ROW EXCLUSIVE MODE");
    struct sg_run *started = project_start_args(project, (const char *const[]){"index", NULL});
    sg_sql_await(project->sql, "SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = 't2'::regclass"
                               " AND phase = 'waiting for writers before build'", "1", 20000);
    T_EQ_INT(sg_sql_int(project->sql, VALID), 1);
    T_MUST_EQ_INT(sg_run_lanes(started, first, 4), 1);
    T_MUST_EQ_INT(kill(first[0], SIGKILL), 0);
    sg_run_await(started, "a new one goes on", 10000);
    T_MUST_EQ_INT(sg_run_lanes(started, again, 4), 1);
    T_TRUE(again[0] != first[0]);
    sg_sql_close(gate);
    struct sg_run_result ended = sg_run_wait(started, 40000);
    T_EQ_INT(ended.exit, 0);
    T_EQ_INT(sg_sql_int(project->sql, VALID), 3);
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    T_EQ_INT(words(who_built(server)), 2);
    T_EQ_STR(sg_run_orphans(), "");
}

static const struct sg_test lines[] = {SG_CASE(three_by_the_same_two_sessions),
                                       SG_CASE(the_first_tables_lock_is_free_while_the_second_is_built),
                                       SG_CASE(nothing_of_one_build_is_set_for_the_next),
                                       SG_CASE(limits_are_each_sections_own),
                                       SG_CASE(what_fails_leaves_nothing),
                                       SG_CASE(a_connection_that_went_away_meanwhile),
                                       SG_CASE(a_retry_leaves_nothing),
                                       SG_CASE(behind_a_pooler),
                                       SG_CASE(past_a_pooler),
                                       SG_CASES_END};
static const struct sg_test runs[] = {SG_CASE_SECONDS(sgrun_builds_all_in_one_session, 60),
                                      SG_CASE_SECONDS(sgrun_takes_a_fresh_session_after_a_failure, 60),
                                      SG_CASE_SECONDS(sgrun_whose_builder_is_killed_on_its_second, 90),
                                      SG_CASES_END};
static const struct sg_suite suites[] = {{"line", lines}, {"line_of_sgrun", runs}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
