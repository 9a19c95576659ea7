/* The database layer against a real server, PgBouncer, and a proxy that breaks things. */
#include "config.h"
#include "core/db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_err err;

static void release(void *unused)
{
	(void)unused;
	sg_err_clear(&err);
	sg_arena_release(&arena);
}

static void close_db(void *db)
{
	sg_db_close(db);
}

static int try_open(struct sg_db **db_r, const char *conninfo, int64_t ms)
{
	struct sg_dsn dsn;

	sg_err_clear(&err);
	if (sg_dsn_parse(conninfo, &arena, &dsn, &err) != 0)
		T_FATAL("%s", err.primary);
	return sg_db_open(db_r, &dsn, "sgrun:test", sg_clock_ms() + ms, &err);
}

static struct sg_db *open_db(const char *conninfo)
{
	struct sg_db *db = NULL;

	sg_test_defer(release, NULL);
	if (try_open(&db, conninfo, 10000) != 0)
		T_FATAL("%s: %s", conninfo, err.primary);
	sg_test_defer(close_db, db);
	return db;
}

static struct sg_db *shared(void)
{
	struct sg_server *server = sg_server_shared();

	return open_db(sg_server_conninfo(server, sg_server_new_db(server), NULL));
}

static const char *value(struct sg_db *db, const char *sql)
{
	struct sg_result *result;

	sg_err_clear(&err);
	if (sg_db_query(db, sql, 0, NULL, &arena, &result, &err) != 0)
		return sg_test_strf("%s %s", err.sqlstate, err.primary);
	return sg_result_rows(result) == 1 ? sg_result_value(result, 0, 0) : "not one row";
}

static void ok(struct sg_db *db, const char *sql)
{
	if (sg_db_script(db, sql, &err) != 0)
		T_FATAL("%s: %s", sql, err.primary);
}

static void fails(struct sg_db *db, const char *sql, const char *sqlstate, enum sg_class class)
{
	T_EQ_INT(sg_db_query(db, sql, 0, NULL, &arena, NULL, &err), -1);
	T_EQ_STR(err.sqlstate, sqlstate);
	T_EQ_STR(sg_class_name(err.class), sg_class_name(class));
}

SG_TEST(runs_statements)
{
	static const char *const values[] = { "7", NULL, "it's \\ \"x\"", "{\"a\",NULL}" };
	struct sg_db *db = shared();
	struct sg_result *result;

	T_EQ_INT(sg_db_server_version(db) / 10000, sg_server_version());
	T_EQ_STR(value(db, "SHOW application_name"), "sgrun:test");
	T_EQ_STR(value(db, "SHOW client_encoding"), "UTF8");
	T_EQ_STR(value(db, "SELECT pg_backend_pid()"), sg_test_strf("%d", sg_db_pid(db)));
	T_EQ_INT(sg_db_query(db, "SELECT $1::int + 1 AS a, $2::text, $3, ($4::text[])[1], true", 4, values, &arena, &result, &err), 0);
	T_EQ_STR(sg_result_name(result, 0), "a");
	T_EQ_INT(sg_result_int(result, 0, 0), 8);
	T_NULL(sg_result_value(result, 0, 1));
	T_EQ_STR(sg_result_value(result, 0, 2), values[2]);
	T_EQ_STR(sg_result_value(result, 0, 3), "a");
	T_TRUE(sg_result_true(result, 0, 4));
	T_EQ_INT(sg_db_query(db, "CREATE TABLE t AS SELECT generate_series(1,5) AS a", 0, NULL, &arena, &result, &err), 0);
	T_EQ_INT(sg_result_affected(result), 5);
	T_EQ_STR(sg_result_tag(result), "SELECT 5");
	T_EQ_INT(sg_db_script_rows(db, "BEGIN; SELECT 1; SELECT a FROM t ORDER BY a; COMMIT", &arena, &result, &err), 0);
	T_EQ_INT(sg_result_rows(result), 5);
	T_EQ_STR(value(db, sg_test_strf("SELECT %s = ANY(%s::text[])", sg_db_literal(&arena, values[2]),
	                                sg_db_literal(&arena, sg_db_text_array(&arena, values, 4)))), "t");
	T_EQ_STR(value(db, sg_test_strf("SELECT 1 AS %s", sg_db_identifier(&arena, "odd \"name\""))), "1");
}

SG_TEST(tells_errors)
{
	struct sg_db *db = shared();

	ok(db, "CREATE TABLE leads (id int CONSTRAINT leads_key PRIMARY KEY)");
	fails(db, "INSERT INTO leads VALUES (1), (1)", "23505", SG_CLASS_SQL);
	T_CONTAINS(err.detail, "schema public, table leads, constraint leads_key");
	fails(db, "SELECT * FROM nowhere", "42P01", SG_CLASS_SQL);
	T_EQ_INT(err.position, 15);
	T_EQ_STR(err.statement, "SELECT * FROM nowhere");
	fails(db, "SELECT 1; SELECT 2", "42601", SG_CLASS_SQL);
	fails(db, "SELECT $1", "08P01", SG_CLASS_SQL); /* a parameter too few is no lost connection */
	T_FALSE(sg_db_lost(db));
	fails(db, "DO $$ BEGIN EXECUTE 'CREATE ROLE r PASSWORD ''s3cret'' NIX'; END $$", "42601", SG_CLASS_SQL);
	T_LACKS(err.detail != NULL ? err.detail : "", "s3cret");
	fails(db, "DO $$ BEGIN PERFORM 1/0; END $$", "22012", SG_CLASS_SQL);
	T_CONTAINS(err.detail, "PL/pgSQL function");
	T_EQ_STR(value(db, "SELECT 'still here'"), "still here");
}

SG_TEST(checks_commits)
{
	struct sg_db *db = shared();

	ok(db, "CREATE TABLE p (id int PRIMARY KEY);"
	       "CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
	ok(db, "BEGIN; INSERT INTO p VALUES (1)");
	T_EQ_INT(sg_db_commit(db, &err), 0);
	ok(db, "BEGIN");
	fails(db, "SELECT 1/0", "22012", SG_CLASS_SQL);
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_CONTAINS(err.primary, "ROLLBACK");
	T_FALSE(err.uncertain);
	ok(db, "BEGIN; INSERT INTO c VALUES (2)");
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_EQ_STR(err.sqlstate, "23503");
	T_FALSE(err.uncertain);
	ok(db, "BEGIN; INSERT INTO p VALUES (3)");
	sg_db_rollback(db);
	T_EQ_STR(value(db, "SELECT count(*) FROM p"), "1");
}

SG_TEST(reads_no_more_than_allowed)
{
	struct sg_db *db = shared();
	struct sg_result *result = NULL;
	int64_t began = sg_clock_ms();
	struct rusage usage;

	T_EQ_INT(sg_db_query_limited(db, "SELECT repeat('x', 1000) FROM generate_series(1, 500000)", 0, NULL, 100000, &arena,
	                             &result, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
	T_NULL(result);
	T_EQ_STR(value(db, "SELECT 1"), "1");
	T_EQ_INT(sg_db_query_limited(db, "SELECT repeat('x', 16000000)", 0, NULL, (size_t)16 << 20, &arena, &result, &err), 0);
	T_EQ_STR(sg_result_rows(result) == 1 ? sg_result_tag(result) : NULL, "SELECT 1");
	sg_arena_reset(&arena);
	result = NULL;
	/* a row that alone is too large is not even read to its end */
	T_EQ_INT(sg_db_query_limited(db, "SELECT repeat('x', 300000000)", 0, NULL, 100000, &arena, &result, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
#ifndef SG_SANITIZED
	T_CONTAINS(err.primary, "a row of the result");
	T_TRUE(sg_db_lost(db));
#endif
	T_LT_INT(sg_clock_ms() - began, 20000);
	T_EQ_INT(getrusage(RUSAGE_SELF, &usage), 0);
#ifndef SG_INSTRUMENTED
	T_LT_INT(usage.ru_maxrss, 150 * 1024);
#endif
}

SG_TEST(refuses_copy)
{
	struct sg_db *db = shared();

	ok(db, "CREATE TABLE t AS SELECT generate_series(1, 100000) AS a");
	fails(db, "COPY t FROM STDIN", "", SG_CLASS_POLICY);
	fails(db, "COPY t TO STDOUT", "", SG_CLASS_POLICY);
	T_EQ_STR(sg_db_lost(db) ? "lost" : value(db, "SELECT count(*) FROM t"), "100000");
	T_EQ_INT(sg_db_script(db, "SELECT 1; COPY t FROM STDIN; SELECT 2", &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
}

struct waiting {
	int64_t cancel_at, abandon_at;
	int asked;
};

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct waiting *waiting = context;

	waiting->asked++;
	if (waiting->abandon_at > 0 && elapsed_ms >= waiting->abandon_at)
		return SG_WAIT_ABANDON;
	return waiting->cancel_at > 0 && elapsed_ms >= waiting->cancel_at ? SG_WAIT_CANCEL : SG_WAIT_ON;
}

SG_TEST(cancels_and_abandons)
{
	struct sg_server *server = sg_server_shared();
	const char *name = sg_server_new_db(server);
	struct sg_db *db = open_db(sg_server_conninfo(server, name, NULL));
	struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, name, NULL));
	struct waiting waiting = { .cancel_at = 300 };
	int64_t began = sg_clock_ms();

	sg_db_on_wait(db, on_wait, &waiting);
	fails(db, "SELECT pg_sleep(30)", "57014", SG_CLASS_SQL);
	T_LT_INT(sg_clock_ms() - began, 20000);
	T_GE_INT(waiting.asked, 3);
	T_EQ_STR(value(db, "SELECT 1"), "1");
	waiting = (struct waiting) { .abandon_at = 200 };
	ok(db, "BEGIN; CREATE TABLE gone ()");
	began = sg_clock_ms();
	T_EQ_INT(sg_db_script(db, "SELECT pg_sleep(6)", &err), -1);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_LT_INT(sg_clock_ms() - began, 5000);
	T_TRUE(sg_db_lost(db));
	sg_sql_await_alone(sql, 30000);
	T_NULL(sg_sql_value(sql, "SELECT to_regclass('gone')"));
}

SG_TEST(survives_the_end_of_its_backend)
{
	struct sg_server *server = sg_server_start("idle_in_transaction_session_timeout = 100ms\n");
	const char *name = sg_server_new_db(server);
	struct sg_db *db = open_db(sg_server_conninfo(server, name, NULL));

	fails(db, "SELECT pg_terminate_backend(pg_backend_pid())", "57P01", SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db));
	db = open_db(sg_server_conninfo(server, name, NULL));
	ok(db, "BEGIN");
	sg_test_sleep_ms(500);
	fails(db, "SELECT 1", "25P03", SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db));
	db = open_db(sg_server_conninfo(server, name, NULL));
	T_MUST(sg_server_kill_backend(server, sg_db_pid(db)));
	T_EQ_INT(sg_db_script(db, "SELECT 1", &err), -1);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db));
}

SG_TEST(says_why_it_cannot_connect)
{
	struct sg_server *server = sg_server_start("max_connections = 4\nsuperuser_reserved_connections = 0\n");
	const char *dir = sg_server_dir(server);
	struct sg_db *db = NULL, *more[4];
	int rc = 0, opened = 0;

	sg_test_defer(release, NULL);
	T_EQ_INT(try_open(&db, sg_server_conninfo(server, "nix", NULL), 5000), -1);
	T_EQ_STR(err.sqlstate, "3D000");
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_CONTAINS(err.primary, "nix");
	T_EQ_INT(try_open(&db, sg_server_conninfo(server, "postgres", "nobody_here"), 5000), -1);
	T_EQ_STR(err.sqlstate, "28000");
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_EQ_INT(try_open(&db, sg_test_strf("host=%s port=1", dir), 5000), -1);
	T_EQ_STR(err.sqlstate, "");
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	/* the first does not exist, the second does */
	T_EQ_INT(try_open(&db, sg_test_strf("host=/nonexistent,%s port=%d dbname=postgres user=postgres", dir,
	                                    sg_server_port(server)), 5000), 0);
	sg_db_close(db);
	while (opened < 4 && try_open(&more[opened], sg_server_conninfo(server, "postgres", NULL), 5000) == 0)
		opened++;
	T_EQ_INT(opened, 4);
	rc = try_open(&db, sg_server_conninfo(server, "postgres", NULL), 5000);
	T_EQ_INT(rc, -1);
	T_EQ_STR(err.sqlstate, "53300");
	T_EQ_INT(err.class, SG_CLASS_TRANSIENT);
	while (opened > 0)
		sg_db_close(more[--opened]);
}

SG_TEST(asks_for_a_password)
{
	struct sg_server *server = sg_server_start(NULL);
	struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
	struct sg_db *db = NULL;
	const char *hba = sg_test_strf("%s/pg_hba.conf", sg_server_data(server));

	sg_sql_exec(sql, "CREATE ROLE app LOGIN PASSWORD 'right'");
	sg_sql_execf(sql, "COPY (SELECT 'local all app scram-sha-256' UNION ALL SELECT 'local all all trust') TO '%s'", hba);
	sg_sql_exec(sql, "SELECT pg_reload_conf()");
	sg_test_sleep_ms(300);
	setenv("PGPASSFILE", "/nonexistent", 1);
	sg_test_defer(release, NULL);
	T_EQ_INT(try_open(&db, sg_server_conninfo(server, "postgres", "app"), 5000), -1);
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_CONTAINS(err.hint, ".pgpass");
	T_EQ_INT(try_open(&db, sg_test_strf("%s password=wr0ng", sg_server_conninfo(server, "postgres", "app")), 5000), -1);
	T_EQ_STR(err.sqlstate, "28P01");
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_LACKS(err.primary, "wr0ng");
	T_EQ_INT(try_open(&db, sg_test_strf("%s password=right", sg_server_conninfo(server, "postgres", "app")), 5000), 0);
	sg_db_close(db);
	/* from the environment, which is cleared before the connect */
	setenv("PGPASSWORD", "right", 1);
	{
		struct sg_dsn dsn;

		T_EQ_INT(sg_dsn_parse(sg_server_conninfo(server, "postgres", "app"), &arena, &dsn, &err), 0);
		sg_dsn_take_secrets(NULL, 0);
		T_NULL(getenv("PGPASSWORD"));
		T_EQ_INT(sg_db_open(&db, &dsn, "x", sg_clock_ms() + 5000, &err), 0);
		sg_db_close(db);
	}
}

SG_TEST(insists_on_standard_strings)
{
	struct sg_server *server = sg_server_shared();
	const char *name = sg_server_new_db(server);
	struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, name, NULL));
	struct sg_db *db = NULL;

	sg_sql_execf(sql, "ALTER DATABASE %s SET standard_conforming_strings = off", name);
	sg_test_defer(release, NULL);
	T_EQ_INT(try_open(&db, sg_server_conninfo(server, name, NULL), 5000), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.primary, "standard_conforming_strings = off");
	/* the encoding a role wants does not matter: we ask for ours */
	sg_sql_execf(sql, "ALTER DATABASE %s RESET standard_conforming_strings", name);
	sg_sql_execf(sql, "ALTER DATABASE %s SET client_encoding = latin1", name);
	T_EQ_INT(try_open(&db, sg_server_conninfo(server, name, NULL), 5000), 0);
	sg_db_close(db);
}

/* ---- COMMIT, with a network that breaks ----------------------------------- */

static void commit_with(enum sg_fault fault, bool committed, const char *dir, int port, struct sg_server *server)
{
	const char *name = sg_server_new_db(server);
	struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, name, NULL));
	struct sg_proxy *proxy = sg_proxy_start(dir, port);
	struct waiting waiting = { .abandon_at = 1000 };
	struct sg_db *db;

	sg_sql_exec(sql, "CREATE TABLE t (a int)");
	db = open_db(sg_proxy_conninfo(proxy, name, NULL));
	sg_db_on_wait(db, on_wait, &waiting);
	sg_proxy_arm(proxy, &(struct sg_proxy_rule){ .fault = fault, .match = "COMMIT", .whole = true });
	ok(db, "BEGIN; INSERT INTO t VALUES (1)");
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_TRUE(err.uncertain);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db));
	sg_proxy_disarm(proxy);
	sg_db_on_wait(db, NULL, NULL);
	if (fault != SG_FAULT_HOLE)
		sg_sql_await(sql, "SELECT count(*) FROM t", committed ? "1" : "0", 10000);
}

SG_TEST(does_not_know_what_a_lost_commit_became)
{
	struct sg_server *server = sg_server_shared();
	const char *dir = sg_server_dir(server);

	commit_with(SG_FAULT_DROP_REQUEST, false, dir, sg_server_port(server), server);
	commit_with(SG_FAULT_DROP_REPLY, true, dir, sg_server_port(server), server);
	commit_with(SG_FAULT_CUT_NOW, true, dir, sg_server_port(server), server);
	commit_with(SG_FAULT_HOLE, false, dir, sg_server_port(server), server);
}

/* ---- PgBouncer ------------------------------------------------------------ */

SG_TEST(works_through_a_pooler)
{
	struct sg_server *server = sg_server_start(NULL);
	const char *name = sg_server_new_db(server);
	struct sg_pgbouncer *bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){ .dir = sg_server_dir(server),
		.port = sg_server_port(server), .pool_size = 2, .query_wait_timeout = 2 });
	const char *conninfo = sg_pgbouncer_conninfo(bouncer, name, NULL);
	struct sg_db *db = open_db(conninfo), *none = NULL;
	struct waiting waiting = { .cancel_at = 200 };

	T_NE_STR(value(db, "SELECT pg_backend_pid()"), sg_test_strf("%d", sg_db_pid(db)));
	ok(db, "BEGIN; SET LOCAL lock_timeout = 100; CREATE TABLE t (a int)");
	T_EQ_INT(sg_db_commit(db, &err), 0);
	sg_db_on_wait(db, on_wait, &waiting);
	fails(db, "SELECT pg_sleep(30)", "57014", SG_CLASS_SQL);
	sg_db_on_wait(db, NULL, NULL);
	fails(db, "SELECT $1", "08P01", SG_CLASS_SQL); /* relayed with the field 'V': the server's own word */
	T_FALSE(sg_db_lost(db));
	/* its refusals are all 08P01 */
	T_EQ_INT(try_open(&none, sg_pgbouncer_conninfo(bouncer, "pgbouncer", NULL), 5000), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.hint, "console");
	T_EQ_INT(try_open(&none, sg_pgbouncer_conninfo(bouncer, name, "stranger"), 5000), -1);
	T_EQ_STR(err.sqlstate, "08P01");
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	/* the server goes while a COMMIT is on its way */
	ok(db, "BEGIN; CREATE TABLE u (a int)");
	sg_server_stop(server, SG_STOP_IMMEDIATE);
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_TRUE(err.uncertain);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db));
	/* a connect may succeed or not, the first statement does not */
	if (try_open(&none, conninfo, 5000) == 0) {
		T_EQ_INT(sg_db_script(none, "SELECT 1", &err), -1);
		sg_db_close(none);
	}
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	sg_server_restart(server);
	for (int i = 0; i < 20; i++) { /* server_login_retry; and the first attempt after it fails, too */
		db = open_db(conninfo);
		if (strcmp(value(db, "SELECT 1"), "1") == 0)
			break;
		T_EQ_INT(err.class, SG_CLASS_CONNECTION);
		sg_test_sleep_ms(500);
	}
	T_EQ_STR(value(db, "SELECT to_regclass('t')::text || coalesce(to_regclass('u')::text, ' alone')"), "t alone");
}

/* PQcancel must not be the end of a program whose pooler is gone, nor a notice its output. */
SG_TEST(prints_nothing)
{
	struct sg_db *db = shared();
	int ends[2], saved = dup(STDERR_FILENO);
	char text[256] = "";
	ssize_t got;

	T_MUST(saved >= 0 && pipe(ends) == 0);
	fflush(NULL);
	T_MUST(dup2(ends[1], STDERR_FILENO) >= 0);
	sg_log_setup(SG_LOG_WARNING, SG_LOG_HUMAN);
	ok(db, "DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful'; END $$");
	sg_log_setup(SG_LOG_DEBUG, SG_LOG_HUMAN);
	ok(db, "DO $$ BEGIN RAISE NOTICE 'greetings'; END $$");
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(ends[1]);
	got = read(ends[0], text, sizeof text - 1);
	(void)close(ends[0]);
	T_MUST(got > 0);
	T_EQ_STR(text, "sgrun: debug: server: NOTICE: greetings\n");
}

static const struct sg_test tests[] = {
	SG_CASE(runs_statements), SG_CASE(tells_errors), SG_CASE(checks_commits), SG_CASE(reads_no_more_than_allowed),
	SG_CASE(refuses_copy), SG_CASE(cancels_and_abandons), SG_CASE(survives_the_end_of_its_backend),
	SG_CASE(says_why_it_cannot_connect), SG_CASE(asks_for_a_password), SG_CASE(insists_on_standard_strings),
	SG_CASE(does_not_know_what_a_lost_commit_became), SG_CASE(works_through_a_pooler), SG_CASE(prints_nothing),
	SG_CASES_END
};
static const struct sg_suite suites[] = { { "db", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
