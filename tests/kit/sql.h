/*
 * SQL in tests: sessions that end with the test, statements that end it when they fail. Made for the tests' own looks at a server,
 * and for being the other session that holds a lock; the product's own database code is core/db and not this.
 *
 * A session is owned by the test that opened it and closed with it; what a function gives as text lives as long. A failure inside
 * a call is reported at the caller's place.
 */
#ifndef SG_TESTS_KIT_SQL_H
#define SG_TESTS_KIT_SQL_H

#include "tests/kit/test.h"

#include <stdbool.h>

struct sg_sql;

/* Connects; ends the test if it cannot. CONNINFO is as for libpq. */
#define sg_sql_open(conninfo) sg_sql_open_at(SG_HERE_, (conninfo))
/* Connects; NULL if it cannot, with libpq's message in *why_r (unless that is NULL). */
struct sg_sql *sg_sql_try_open(const char *conninfo, const char **why_r);
/* Ends the session at once, whatever it is doing; its open transaction is rolled back. NULL is allowed. */
void sg_sql_close(struct sg_sql *sql);

/* Runs a text of one or more statements; ends the test on an error. */
#define sg_sql_exec(sql, text) sg_sql_exec_at(SG_HERE_, (sql), (text))
/* The same with a printf format. Quote by hand. */
#define sg_sql_execf(sql, ...) sg_sql_exec_at(SG_HERE_, (sql), sg_test_strf(__VA_ARGS__))
/* Runs it and states that it fails with this SQLSTATE ("" : that it succeeds; "lost": that the connection breaks without one). */
#define sg_sql_expect(sql, text, sqlstate) sg_sql_expect_at(SG_HERE_, (sql), (text), (sqlstate))
/* Runs it, stating nothing; gives its SQLSTATE, "" for success, "lost" for a broken connection. */
const char *sg_sql_try(struct sg_sql *sql, const char *text);
/* The SQLSTATE of the last failure, "" after a success, "lost" for a broken connection; and its whole message. */
const char *sg_sql_sqlstate(struct sg_sql *sql);
const char *sg_sql_message(struct sg_sql *sql);

/* The one value that the query gives: NULL for SQL's NULL and for no row. More than one row or column ends the test. */
#define sg_sql_value(sql, text) sg_sql_value_at(SG_HERE_, (sql), (text))
/* The same as a number; NULL, no row or something else ends the test. */
#define sg_sql_int(sql, text) sg_sql_int_at(SG_HERE_, (sql), (text))
/* All rows as `psql -At` shows them: columns separated by |, a line break after each row but the last, NULL as nothing. */
#define sg_sql_rows(sql, text) sg_sql_rows_at(SG_HERE_, (sql), (text))

/* Sends a statement and does not wait for it: a session that is to wait for a lock, or to be slow. */
#define sg_sql_send(sql, text) sg_sql_send_at(SG_HERE_, (sql), (text))
/* Whether the statement that was sent has not been answered yet. */
bool sg_sql_busy(struct sg_sql *sql);
/* Waits for its answer: its SQLSTATE, "" for success, "lost" for a broken connection; NULL if there is none within that time. */
const char *sg_sql_finish(struct sg_sql *sql, int timeout_ms);
/* Asks the server to cancel what runs in this session. */
void sg_sql_cancel(struct sg_sql *sql);

/* Opens a session that begins a transaction and runs TEXT in it (LOCK TABLE ..., SELECT ... FOR UPDATE), and holds what it got until
 * it is closed or runs COMMIT. */
#define sg_sql_hold(conninfo, text) sg_sql_hold_at(SG_HERE_, (conninfo), (text))

/* The process id of the server's backend that serves this session now (pg_backend_pid(), not what libpq was told). */
#define sg_sql_pid(sql) ((int)sg_sql_int((sql), "SELECT pg_catalog.pg_backend_pid()"))

/* Runs QUERY every 5 ms until its value is EXPECTED; ends the test with the last value if it is not so within that time. */
#define sg_sql_await(sql, query, expected, timeout_ms) sg_sql_await_at(SG_HERE_, (sql), (query), (expected), (timeout_ms))
/* Until backend PID waits for a lock; until somebody waits for a lock on RELATION of this session's database ("leads", or with its
 * schema). */
#define sg_sql_await_waiting(sql, pid, timeout_ms) sg_sql_await_waiting_at(SG_HERE_, (sql), (pid), (timeout_ms))
#define sg_sql_await_queued(sql, relation, timeout_ms) sg_sql_await_queued_at(SG_HERE_, (sql), (relation), (timeout_ms))
/* Until no other client is connected to this session's database. */
#define sg_sql_await_alone(sql, timeout_ms) sg_sql_await_alone_at(SG_HERE_, (sql), (timeout_ms))

/* ---- behind the macros ---- */
struct sg_sql *sg_sql_open_at(struct sg_here here, const char *conninfo);
void sg_sql_exec_at(struct sg_here here, struct sg_sql *sql, const char *text);
void sg_sql_expect_at(struct sg_here here, struct sg_sql *sql, const char *text, const char *sqlstate);
const char *sg_sql_value_at(struct sg_here here, struct sg_sql *sql, const char *text);
long long sg_sql_int_at(struct sg_here here, struct sg_sql *sql, const char *text);
const char *sg_sql_rows_at(struct sg_here here, struct sg_sql *sql, const char *text);
void sg_sql_send_at(struct sg_here here, struct sg_sql *sql, const char *text);
struct sg_sql *sg_sql_hold_at(struct sg_here here, const char *conninfo, const char *text);
void sg_sql_await_at(struct sg_here here, struct sg_sql *sql, const char *query, const char *expected, int timeout_ms);
void sg_sql_await_waiting_at(struct sg_here here, struct sg_sql *sql, int pid, int timeout_ms);
void sg_sql_await_queued_at(struct sg_here here, struct sg_sql *sql, const char *relation, int timeout_ms);
void sg_sql_await_alone_at(struct sg_here here, struct sg_sql *sql, int timeout_ms);

#endif
