/* Every row of core/db/sqlstate.c, and what a COMMIT's errors leave open. */
#include "config.h"
#include "core/db/sqlstate.h"
#include "tests/kit/test.h"

struct row {
	enum sg_phase phase;
	const char *sqlstate, *severity;
	bool by_server, bad;
	const char *schema, *message;
	enum sg_class class;
	bool dead, uncertain;
};

#define C SG_PHASE_CONNECT
#define S SG_PHASE_STATEMENT
#define M SG_PHASE_COMMIT
#define ERR "ERROR", true, false
#define FAT "FATAL", true, false
#define POOL "FATAL", false, false /* PgBouncer: no field 'V' */
#define LOST NULL, false, true

static const struct row rows[] = {
	/* the connection ends */
	{ S, "57P01", FAT, NULL, "terminating connection", SG_CLASS_CONNECTION, true, false },
	{ M, "57P01", FAT, NULL, "terminating connection", SG_CLASS_CONNECTION, true, true },
	{ S, "57P02", FAT, NULL, NULL, SG_CLASS_CONNECTION, true, false },
	{ S, "57P05", FAT, NULL, NULL, SG_CLASS_CONNECTION, true, false },
	{ S, "25P03", FAT, NULL, NULL, SG_CLASS_CONNECTION, true, false },
	{ M, "25P03", FAT, NULL, NULL, SG_CLASS_CONNECTION, true, true },
	{ S, "57P04", FAT, NULL, NULL, SG_CLASS_REJECTED, true, false },
	{ S, "08006", FAT, NULL, NULL, SG_CLASS_CONNECTION, true, false },
	{ S, "08003", ERR, NULL, NULL, SG_CLASS_CONNECTION, true, false },
	{ S, NULL, LOST, NULL, "server closed the connection unexpectedly", SG_CLASS_CONNECTION, true, false },
	{ S, "", LOST, NULL, "no connection to the server", SG_CLASS_CONNECTION, true, false },
	{ M, NULL, LOST, NULL, "server closed the connection unexpectedly", SG_CLASS_CONNECTION, true, true },
	/* FATAL and PANIC of any code: dead, whatever PQstatus says, but no reason to retry */
	{ S, "XX000", "PANIC", true, false, NULL, "could not write", SG_CLASS_SQL, true, false },
	{ M, "53100", "PANIC", true, false, NULL, "could not write", SG_CLASS_SQL, true, true },
	{ S, "25P04", FAT, NULL, "transaction timeout", SG_CLASS_SQL, true, false },
	/* try again */
	{ C, "57P03", FAT, NULL, "starting up", SG_CLASS_TRANSIENT, true, false },
	{ C, "53300", FAT, NULL, "too many clients", SG_CLASS_TRANSIENT, true, false },
	{ S, "57P03", FAT, NULL, NULL, SG_CLASS_TRANSIENT, true, false },
	{ S, "25006", ERR, NULL, "read-only transaction", SG_CLASS_TRANSIENT, false, false },
	{ S, "0A000", ERR, NULL, "cannot set transaction read-write mode during recovery", SG_CLASS_TRANSIENT, false, false },
	{ S, "0A000", ERR, NULL, "cannot alter type of a column used by a view or rule", SG_CLASS_SQL, false, false },
	{ S, "40001", ERR, NULL, NULL, SG_CLASS_TRANSIENT, false, false },
	{ M, "40001", ERR, NULL, NULL, SG_CLASS_TRANSIENT, false, false },
	{ S, "40P01", ERR, NULL, NULL, SG_CLASS_TRANSIENT, false, false },
	{ S, "53200", ERR, NULL, "out of shared memory", SG_CLASS_TRANSIENT, false, false },
	{ S, "55P03", ERR, NULL, NULL, SG_CLASS_LOCKED, false, false },
	{ S, "XX000", ERR, NULL, "tuple concurrently updated", SG_CLASS_TRANSIENT, false, false },
	{ S, "XX000", ERR, NULL, "tuple concurrently deleted", SG_CLASS_TRANSIENT, false, false },
	{ S, "XX000", ERR, NULL, "cache lookup failed", SG_CLASS_SQL, false, false },
	{ S, "23505", ERR, "pg_catalog", "duplicate key", SG_CLASS_TRANSIENT, false, false },
	{ S, "23505", ERR, "public", "duplicate key", SG_CLASS_SQL, false, false },
	{ S, "23505", ERR, NULL, "duplicate key", SG_CLASS_SQL, false, false },
	/* never: syntax, permission, data, disk full, our own time-out */
	{ S, "42601", ERR, NULL, "tuple concurrently", SG_CLASS_SQL, false, false },
	{ S, "42501", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "22012", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "53100", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "53400", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "57014", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "58P01", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "25P02", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ S, "0A000", ERR, NULL, "cached plan must not change result type", SG_CLASS_SQL, false, false },
	{ M, "23503", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	{ M, "57014", ERR, NULL, NULL, SG_CLASS_SQL, false, false },
	/* 08P01 of the server itself: parameters that do not match the statement */
	{ S, "08P01", ERR, NULL, "bind message supplies 1 parameters", SG_CLASS_SQL, false, false },
	/* PgBouncer */
	{ S, "08P01", POOL, NULL, "server conn crashed?", SG_CLASS_CONNECTION, true, false },
	{ M, "08P01", POOL, NULL, "server conn crashed?", SG_CLASS_CONNECTION, true, true },
	{ M, "08P01", "ERROR", false, false, NULL, "query_wait_timeout", SG_CLASS_CONNECTION, true, true },
	{ C, "08P01", POOL, NULL, "query_wait_timeout", SG_CLASS_CONNECTION, true, false },
	{ C, "08P01", POOL, NULL, "server login has been failing, try again later (server_login_retry)",
	  SG_CLASS_CONNECTION, true, false },
	{ S, "08P01", POOL, NULL, "query timeout", SG_CLASS_CONNECTION, true, false },
	{ S, "08P01", POOL, NULL, "client_idle_timeout", SG_CLASS_CONNECTION, true, false },
	{ S, "08P01", POOL, NULL, "database removed", SG_CLASS_CONNECTION, true, false },
	{ C, "08P01", POOL, NULL, "no more connections allowed (max_client_conn)", SG_CLASS_CONNECTION, true, false },
	{ C, "08P01", POOL, NULL, "database \"x\" is disabled", SG_CLASS_CONNECTION, true, false },
	{ C, "08P01", POOL, NULL, "no such database: x", SG_CLASS_REJECTED, true, false },
	{ C, "08P01", POOL, NULL, "no such user: x", SG_CLASS_REJECTED, true, false },
	{ C, "08P01", POOL, NULL, "\"trust\" authentication failed", SG_CLASS_REJECTED, true, false },
	{ C, "08P01", POOL, NULL, "unsupported startup parameter: options", SG_CLASS_REJECTED, true, false },
	{ S, "08P01", POOL, NULL, "database \"x\" does not exist", SG_CLASS_REJECTED, true, false },
	/* a connect that is refused */
	{ C, "28P01", FAT, NULL, "password authentication failed", SG_CLASS_REJECTED, true, false },
	{ C, "28000", FAT, NULL, NULL, SG_CLASS_REJECTED, true, false },
	{ C, "3D000", FAT, NULL, NULL, SG_CLASS_REJECTED, true, false },
	{ C, "55000", FAT, NULL, "not currently accepting connections", SG_CLASS_REJECTED, true, false },
	{ C, "42501", FAT, NULL, NULL, SG_CLASS_REJECTED, true, false },
	/* and one that never got so far */
	{ C, NULL, LOST, NULL, "Connection refused", SG_CLASS_CONNECTION, true, false },
	{ C, NULL, LOST, NULL, "could not translate host name", SG_CLASS_CONNECTION, true, false },
	{ C, NULL, LOST, NULL, "fe_sendauth: no password supplied", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "server does not support SSL, but SSL was required", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "server does not support GSSAPI", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "root certificate file \"x\" does not exist", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "definition of service \"x\" not found", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "service file \"x\" not found", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "invalid sslmode value: \"x\"", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "invalid port number: \"x\"", SG_CLASS_REJECTED, true, false },
	{ C, NULL, LOST, NULL, "invalid integer value \"x\" for connection option", SG_CLASS_REJECTED, true, false },
};

SG_TEST(judges_each_row)
{
	for (size_t i = 0; i < SG_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct sg_report report = { r->phase, r->sqlstate, r->severity, r->by_server, r->bad, r->schema, r->message, false };
		struct sg_verdict verdict = sg_sqlstate_judge(&report);
		const char *what = sg_test_strf("row %zu (%s, %s)", i, r->sqlstate ? r->sqlstate : "none",
		                                r->message ? r->message : "-");

		T_EQ_STR(sg_test_strf("%s: %s", what, sg_class_name(verdict.class)),
		         sg_test_strf("%s: %s", what, sg_class_name(r->class)));
		T_EQ_STR(sg_test_strf("%s: dead %d", what, verdict.dead), sg_test_strf("%s: dead %d", what, r->dead));
		T_EQ_STR(sg_test_strf("%s: uncertain %d", what, verdict.uncertain),
		         sg_test_strf("%s: uncertain %d", what, r->uncertain));
	}
}

/* In whatever language it says so. */
SG_TEST(a_standby_cannot_begin)
{
	struct sg_report report = { S, "0A000", ERR, NULL, "kann nicht", true };

	T_EQ_INT(sg_sqlstate_judge(&report).class, SG_CLASS_TRANSIENT);
	report.standby = false;
	T_EQ_INT(sg_sqlstate_judge(&report).class, SG_CLASS_SQL);
	report.standby = true;
	report.sqlstate = "42601";
	T_EQ_INT(sg_sqlstate_judge(&report).class, SG_CLASS_SQL);
}

SG_TEST(retries_shared_memory_once)
{
	T_TRUE(sg_sqlstate_retry_once("53200"));
	T_FALSE(sg_sqlstate_retry_once("53300"));
	T_FALSE(sg_sqlstate_retry_once(""));
	T_FALSE(sg_sqlstate_retry_once(NULL));
}

static const struct sg_test tests[] = { SG_CASE(judges_each_row), SG_CASE(a_standby_cannot_begin),
	                                 SG_CASE(retries_shared_memory_once), SG_CASES_END };
static const struct sg_suite suites[] = { { "sqlstate", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
