/* core/db/db.c and open.c against a scripted libpq: what a server says at the
 * worst moment, and what we make of it. */
#include "config.h"
#include "core/db/db.h"

#include <string.h>

#include "core/base/clock.h"
#include "tests/kit/test.h"
#include "tests/unit/db/fakepq.h"

#define ERROR(code, text) { .status = PGRES_FATAL_ERROR, .sqlstate = code, .v = "ERROR", .primary = text }
#define FATAL(code, text) { .status = PGRES_FATAL_ERROR, .sqlstate = code, .v = "FATAL", .primary = text }
#define POOLER(text) { .status = PGRES_FATAL_ERROR, .sqlstate = "08P01", .severity = "FATAL", .primary = text }
#define LOST { .status = PGRES_FATAL_ERROR, .drop = true }
#define TAG(text) { .status = PGRES_COMMAND_OK, .tag = text }
#define ROW(text) { .status = PGRES_SINGLE_TUPLE, .columns = 1, .rows = 1, .cell = text }
#define END { .status = PGRES_TUPLES_OK, .columns = 1, .tag = "SELECT 1", .affected = "1" }
#define ANSWER(...) .results = { __VA_ARGS__ }, \
	.count = (int)(sizeof((const struct fake_result[]){ __VA_ARGS__ }) / sizeof(struct fake_result))

static const struct fake_connect one[] = { { .host = "/s" } };

static struct sg_db *db;
static struct sg_err err;
static struct sg_arena arena;

static int open_hosts(const char *hosts, int64_t ms)
{
	static const char *keywords[] = { "host", NULL }, *values[] = { NULL, NULL };
	struct sg_dsn dsn = { keywords, values, "", "" };

	values[0] = hosts;
	sg_err_clear(&err);
	db = NULL;
	return sg_db_open(&db, &dsn, "t", sg_clock_ms() + ms, &err);
}

static void begin(void)
{
	T_MUST_EQ_INT(open_hosts("/s", 1000), 0);
}

static void end(void)
{
	sg_db_close(db);
	sg_err_clear(&err);
	sg_arena_release(&arena);
	T_TRUE(fake_done());
}

/* ---- COMMIT --------------------------------------------------------------- */

struct commit {
	const struct fake_exchange exchange;
	int rc;
	enum sg_class class;
	const char *sqlstate;
	bool uncertain, lost;
};

static const struct commit commits[] = {
	{ { .sql = "COMMIT", ANSWER(TAG("COMMIT")) }, 0, SG_CLASS_NONE, "", false, false },
	/* a failed transaction's COMMIT succeeds, and is none */
	{ { .sql = "COMMIT", ANSWER(TAG("ROLLBACK")) }, -1, SG_CLASS_SQL, "25P02", false, false },
	{ { .sql = "COMMIT", ANSWER(ERROR("23503", "deferred")) }, -1, SG_CLASS_SQL, "23503", false, false },
	{ { .sql = "COMMIT", ANSWER(ERROR("40001", "serialize")) }, -1, SG_CLASS_TRANSIENT, "40001", false, false },
	/* a definite rollback stays one, whatever happens to the connection afterwards */
	{ { .sql = "COMMIT", ANSWER(ERROR("40001", "serialize"), LOST) }, -1, SG_CLASS_TRANSIENT, "40001", false, true },
	{ { .sql = "COMMIT", ANSWER(LOST) }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", ANSWER(FATAL("57P01", "terminating"), LOST) }, -1, SG_CLASS_CONNECTION, "57P01", true, true },
	{ { .sql = "COMMIT", ANSWER(POOLER("server conn crashed?")) }, -1, SG_CLASS_CONNECTION, "08P01", true, true },
	{ { .sql = "COMMIT", ANSWER({ .status = PGRES_EMPTY_QUERY }) }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", ANSWER(TAG("SELECT 1")) }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", .count = 0 }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", .drop_at_send = true }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", .send_fails = true }, -1, SG_CLASS_CONNECTION, "", true, true },
	{ { .sql = "COMMIT", ANSWER({ .status = PGRES_COPY_BOTH }) }, -1, SG_CLASS_CONNECTION, "", true, true },
};

SG_TEST(knows_what_a_commit_became)
{
	for (size_t i = 0; i < SG_COUNT(commits); i++) {
		const struct commit *c = &commits[i];
		const char *wanted = sg_test_strf("%zu: %d %s %s uncertain %d lost %d", i, c->rc, sg_class_name(c->class),
		                                  c->sqlstate, c->uncertain, c->lost);
		int rc;

		fake_script(one, 1, &c->exchange, 1);
		begin();
		rc = sg_db_commit(db, &err);
		T_EQ_STR(sg_test_strf("%zu: %d %s %s uncertain %d lost %d", i, rc, sg_class_name(err.class), err.sqlstate,
		                      err.uncertain, sg_db_lost(db)), wanted);
		end();
	}
}

SG_TEST(is_certain_of_a_commit_that_was_never_sent)
{
	static const struct fake_exchange script[] = { { .sql = "x", ANSWER(LOST) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_FALSE(err.uncertain);
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_FALSE(err.uncertain);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_NULL(sg_db_parameter(db, "client_encoding"));
	end();
}

static enum sg_wait verdict;
static int asked;

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	asked++;
	T_GE_INT(elapsed_ms, *(int *)context);
	return verdict;
}

SG_TEST(gives_a_commit_up)
{
	static const struct fake_exchange script[] = { { .sql = "COMMIT", ANSWER({ .status = PGRES_COMMAND_OK, .busy = -1 }) } };
	int least = 0;

	FAKE(one, script);
	begin();
	verdict = SG_WAIT_ABANDON;
	sg_db_on_wait(db, on_wait, &least);
	T_EQ_INT(sg_db_commit(db, &err), -1);
	T_TRUE(err.uncertain);
	T_TRUE(sg_db_lost(db));
	T_EQ_STR(fake_calls(), "connect;COMMIT;finish;");
	end();
}

/* ---- errors --------------------------------------------------------------- */

SG_TEST(keeps_the_first_error)
{
	static const struct fake_exchange script[] = {
		{ .sql = "x", ANSWER(ERROR("22012", "first"), FATAL("57P01", "second"), LOST) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_query(db, "x", 0, NULL, &arena, NULL, &err), -1);
	T_EQ_STR(err.sqlstate, "22012");
	T_EQ_STR(err.primary, "first");
	T_EQ_STR(err.statement, "x");
	T_TRUE(sg_db_lost(db));
	T_EQ_STR(fake_calls(), "connect;x;finish;");
	end();
}

SG_TEST(takes_fatal_for_the_end)
{
	static const struct fake_exchange script[] = {
		{ .sql = "x", ANSWER(FATAL("25P03", "idle"), POOLER("server conn crashed?"), LOST) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_EQ_STR(err.sqlstate, "25P03");
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_TRUE(sg_db_lost(db)); /* although PQstatus said OK */
	T_EQ_INT(sg_db_script(db, "y", &err), -1);
	T_CONTAINS(err.primary, "lost before");
	end();
}

SG_TEST(says_what_the_server_warned_of)
{
	static const struct fake_exchange script[] = {
		{ .sql = "x", ANSWER({ .status = PGRES_FATAL_ERROR, .drop = true, .warning = "crash of another server process" }) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_CONTAINS(err.detail, "crash of another server process");
	end();
}

SG_TEST(goes_on_after_an_error)
{
	static const struct fake_exchange script[] = {
		{ .sql = "x", ANSWER(TAG("BEGIN"), ERROR("42601", "syntax")) },
		{ .sql = "ROLLBACK", ANSWER(TAG("ROLLBACK")) },
		{ .sql = "y", ANSWER(TAG("SET")) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_NULL(err.statement); /* which part of a script it was, nobody knows */
	T_FALSE(sg_db_lost(db));
	sg_db_rollback(db);
	T_FALSE(sg_db_lost(db));
	T_EQ_INT(sg_db_script(db, "y", &err), 0);
	end();
}

SG_TEST(closes_when_rollback_fails)
{
	static const struct fake_exchange script[] = { { .sql = "ROLLBACK", ANSWER(ERROR("XX000", "odd")) } };

	FAKE(one, script);
	begin();
	sg_db_rollback(db);
	T_TRUE(sg_db_lost(db));
	sg_db_rollback(db); /* sends nothing */
	end();
}

/* ---- waiting -------------------------------------------------------------- */

SG_TEST(cancels_once_and_waits_on)
{
	static const struct fake_exchange script[] = { { .sql = "x",
		ANSWER({ .status = PGRES_FATAL_ERROR, .sqlstate = "57014", .v = "ERROR", .primary = "canceling", .busy = -1 }) } };
	int least = 0;

	FAKE(one, script);
	begin();
	verdict = SG_WAIT_CANCEL;
	sg_db_on_wait(db, on_wait, &least);
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_EQ_STR(err.sqlstate, "57014");
	T_EQ_INT(err.class, SG_CLASS_SQL);
	T_FALSE(sg_db_lost(db));
	T_EQ_STR(fake_calls(), "connect;x;cancel;");
	end();
}

static enum sg_wait patient(void *context, int64_t elapsed_ms)
{
	static int64_t last;

	(void)context;
	last = asked++ == 0 ? 0 : last;
	T_LE_INT(elapsed_ms - last, 200); /* 50 ms, and what a busy machine adds */
	last = elapsed_ms;
	return elapsed_ms > 400 ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

SG_TEST(asks_every_50_ms)
{
	static const struct fake_exchange script[] = { { .sql = "x", ANSWER({ .status = PGRES_COMMAND_OK, .busy = -1 }) } };

	FAKE(one, script);
	begin();
	asked = 0;
	sg_db_on_wait(db, patient, NULL);
	T_EQ_INT(sg_db_script(db, "x", &err), -1);
	T_GE_INT(asked, 4);
	T_LE_INT(asked, 9);
	end();
}

/* ---- rows ----------------------------------------------------------------- */

SG_TEST(reads_rows_one_by_one)
{
	static const struct fake_exchange script[] = {
		{ .sql = "q", ANSWER({ .status = PGRES_SINGLE_TUPLE, .columns = 1, .rows = 1, .cell = "a", .busy = 5 }, ROW(NULL), END) },
		{ .sql = "none", ANSWER({ .status = PGRES_TUPLES_OK, .columns = 1, .tag = "SELECT 0", .affected = "0" }) },
		{ .sql = "ddl", ANSWER(TAG("CREATE TABLE")) },
		{ .sql = "", ANSWER({ .status = PGRES_EMPTY_QUERY }) } };
	struct sg_result *result = NULL;

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_query_limited(db, "q", 0, NULL, 1000, &arena, &result, &err), 0);
	T_MUST_EQ_INT(sg_result_rows(result), 2);
	T_EQ_STR(sg_result_value(result, 0, 0), "a");
	T_NULL(sg_result_value(result, 1, 0));
	T_EQ_STR(sg_result_name(result, 0), "c");
	T_EQ_STR(sg_result_tag(result), "SELECT 1");
	T_EQ_INT(sg_db_query_limited(db, "none", 0, NULL, 1000, &arena, &result, &err), 0);
	T_EQ_INT(sg_result_rows(result), 0);
	T_EQ_INT(sg_result_columns(result), 1);
	T_EQ_INT(sg_db_query(db, "ddl", 0, NULL, &arena, &result, &err), 0);
	T_EQ_INT(sg_result_columns(result), 0);
	T_EQ_STR(sg_result_tag(result), "CREATE TABLE");
	T_EQ_INT(sg_db_query(db, "", 0, NULL, &arena, &result, &err), 0);
	T_EQ_INT(sg_result_columns(result), 0);
	T_EQ_STR(fake_calls(), "connect;q;single;none;single;ddl;;");
	end();
}

SG_TEST(stops_at_the_limit)
{
	static const struct fake_exchange script[] = {
		{ .sql = "q", ANSWER(ROW("0123456789"), ROW("0123456789"), ROW("x"), ROW("y"), ERROR("57014", "canceling")) },
		{ .sql = "nulls", ANSWER(ROW(NULL), ROW(NULL), ROW(NULL), ROW(NULL), END) },
		{ .sql = "y", ANSWER(TAG("SET")) } };
	struct sg_result *result = NULL;

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_query_limited(db, "q", 0, NULL, 40, &arena, &result, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
	T_EQ_STR(err.sqlstate, "");
	T_CONTAINS(err.primary, "larger than 40 bytes");
	T_CONTAINS(err.hint, "LIMIT");
	T_EQ_STR(fake_calls(), "connect;q;single;cancel;");
	/* rows of nothing count too */
	T_EQ_INT(sg_db_query_limited(db, "nulls", 0, NULL, 40, &arena, &result, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
	T_NULL(result);
	T_EQ_INT(sg_db_script(db, "y", &err), 0);
	end();
}

SG_TEST(keeps_the_last_rows_of_a_script)
{
	static const struct fake_exchange script[] = {
		{ .sql = "s", ANSWER(TAG("BEGIN"), { .status = PGRES_TUPLES_OK, .columns = 1, .rows = 1, .cell = "first", .tag = "SELECT 1" },
		                     { .status = PGRES_TUPLES_OK, .columns = 2, .rows = 1, .cell = "second", .tag = "SELECT 1" },
		                     TAG("SET")) },
		{ .sql = "none", ANSWER(TAG("SET")) } };
	struct sg_result *result = NULL;

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_script_rows(db, "s", &arena, &result, &err), 0);
	T_EQ_INT(sg_result_columns(result), 2);
	T_MUST_EQ_INT(sg_result_rows(result), 1);
	T_EQ_STR(sg_result_value(result, 0, 1), "second");
	T_EQ_STR(sg_result_tag(result), "SELECT 1");
	T_EQ_INT(sg_db_script_rows(db, "none", &arena, &result, &err), 0);
	T_EQ_INT(sg_result_rows(result), 0);
	end();
}

SG_TEST(refuses_copy)
{
	static const struct fake_exchange script[] = {
		{ .sql = "in", ANSWER({ .status = PGRES_COPY_IN }, ERROR("57014", "COPY from stdin failed")) },
		{ .sql = "out", ANSWER({ .status = PGRES_COPY_OUT }, TAG("COPY 3")) },
		{ .sql = "both", ANSWER({ .status = PGRES_COPY_BOTH }) } };

	FAKE(one, script);
	begin();
	T_EQ_INT(sg_db_query(db, "in", 0, NULL, &arena, NULL, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
	T_CONTAINS(err.primary, "COPY");
	T_FALSE(sg_db_lost(db));
	T_EQ_INT(sg_db_query(db, "out", 0, NULL, &arena, NULL, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_POLICY);
	T_FALSE(sg_db_lost(db));
	T_EQ_INT(sg_db_query(db, "both", 0, NULL, &arena, NULL, &err), -1);
	T_TRUE(sg_db_lost(db));
	T_EQ_STR(fake_calls(), "connect;in;copyend;out;cancel;both;finish;");
	end();
}

/* ---- connecting ----------------------------------------------------------- */

static const struct fake_exchange nothing[1];

static int connect_to(const struct fake_connect *connects, int count, const char *hosts, int64_t ms)
{
	fake_script(connects, count, nothing, 0);
	return open_hosts(hosts, ms);
}

SG_TEST(opens_a_session_that_fits)
{
	static const struct fake_connect good = { .host = "/s" }, old = { .version = 130009 }, newer = { .version = 190000 },
		console = { .version = 11800 }, latin = { .encoding = "LATIN1" }, lax = { .strings = "off" };

	T_EQ_INT(connect_to(&good, 1, "/s", 1000), 0);
	T_EQ_INT(sg_db_server_version(db), 150020);
	T_EQ_INT(sg_db_pid(db), 4711);
	T_EQ_STR(sg_db_parameter(db, "client_encoding"), "UTF8");
	end();
	T_EQ_INT(connect_to(&old, 1, "/s", 1000), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.primary, "14 to 18");
	end();
	T_EQ_INT(connect_to(&newer, 1, "/s", 1000), -1);
	T_CONTAINS(err.hint, "newer sgrun");
	end();
	T_EQ_INT(connect_to(&console, 1, "/s", 1000), -1);
	T_CONTAINS(err.hint, "console");
	end();
	T_EQ_INT(connect_to(&latin, 1, "/s", 1000), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.primary, "client_encoding = LATIN1");
	end();
	T_EQ_INT(connect_to(&lax, 1, "/s", 1000), -1);
	T_CONTAINS(err.primary, "standard_conforming_strings = off");
	end();
}

SG_TEST(walks_over_the_hosts)
{
	static const struct fake_connect second[] = { { .host = "/a", .message = "failed: Connection refused\n" }, { .host = "/b" } };
	static const struct fake_connect rejected[] = {
		{ .host = "/a", .message = "failed: Connection refused\n" },
		{ .host = "/b", .message = "failed: FATAL:  28P01: password authentication failed\n" } };
	static const struct fake_connect slow[] = { { .host = "/a", .hangs = true }, { .host = "/b" } };
	static const struct fake_connect none[] = {
		{ .host = "/a", .message = "failed: FATAL:  57P03: the database system is starting up\n" },
		{ .host = "/b", .message = "failed: Connection refused\n" } };

	T_EQ_INT(connect_to(second, 2, "/a,/b", 1000), 0);
	T_EQ_INT(err.class, SG_CLASS_NONE);
	end();
	/* a refusal ends it: the third host is not asked */
	T_EQ_INT(connect_to(rejected, 2, "/a,/b,/c", 1000), -1);
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_EQ_STR(err.sqlstate, "28P01");
	T_CONTAINS(err.detail, "/a");
	end();
	/* a host that is silent gets its share of the time, and no more */
	T_EQ_INT(connect_to(slow, 2, "/a,/b", 400), 0);
	end();
	T_EQ_INT(connect_to(none, 2, "/a,/b", 1000), -1);
	T_EQ_INT(err.class, SG_CLASS_TRANSIENT);
	T_EQ_STR(err.sqlstate, "57P03");
	T_CONTAINS(err.detail, "/b");
	end();
}

SG_TEST(gives_up_in_time)
{
	static const struct fake_connect slow = { .hangs = true };
	static const struct fake_connect bad = { .bad_at_once = true, .message = "invalid sslmode value: \"x\"\n" };
	static const struct fake_connect needs = { .message = "failed: fe_sendauth: no password supplied\n", .needs_password = true };
	int64_t began = sg_clock_ms();

	T_EQ_INT(connect_to(&slow, 1, "/a", 200), -1);
	T_EQ_INT(err.class, SG_CLASS_CONNECTION);
	T_CONTAINS(err.primary, "no answer in time");
	T_LT_INT(sg_clock_ms() - began, 1000);
	end();
	T_EQ_INT(connect_to(&bad, 1, "/a", 200), -1);
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	end();
	T_EQ_INT(connect_to(&needs, 1, "/a", 200), -1);
	T_EQ_INT(err.class, SG_CLASS_REJECTED);
	T_CONTAINS(err.hint, ".pgpass");
	end();
}

static const struct sg_test tests[] = {
	SG_CASE(knows_what_a_commit_became), SG_CASE(is_certain_of_a_commit_that_was_never_sent), SG_CASE(gives_a_commit_up),
	SG_CASE(keeps_the_first_error), SG_CASE(takes_fatal_for_the_end), SG_CASE(says_what_the_server_warned_of),
	SG_CASE(goes_on_after_an_error), SG_CASE(closes_when_rollback_fails), SG_CASE(cancels_once_and_waits_on),
	SG_CASE(asks_every_50_ms), SG_CASE(reads_rows_one_by_one), SG_CASE(stops_at_the_limit),
	SG_CASE(keeps_the_last_rows_of_a_script), SG_CASE(refuses_copy), SG_CASE(opens_a_session_that_fits),
	SG_CASE(walks_over_the_hosts), SG_CASE(gives_up_in_time), SG_CASES_END
};
static const struct sg_suite suites[] = { { "db", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
