/* db.h - one connection, and one statement at a time on it.
 *
 * The only door to libpq. Everything is asynchronous below and synchronous
 * above: while a statement runs, the wait hook is called. A connection that has
 * once failed (lost, or an error of severity FATAL) stays failed: it is closed,
 * and a retry opens a new one. Nothing is sent (SG_CLASS_POLICY) once code behind
 * a statement has changed how the session reads texts (its encoding,
 * standard_conforming_strings); COMMIT and ROLLBACK are.
 *
 * Errors: err->class is the verdict on a retry (class.h): SG_CLASS_CONNECTION
 * (lost, or could not be had), SG_CLASS_REJECTED (password, no such database:
 * no retry), SG_CLASS_TRANSIENT (the server asks to try again), SG_CLASS_LOCKED
 * (55P03), SG_CLASS_SQL (all else). err->sqlstate, detail, hint and position
 * are the server's; of several errors the first is kept. */
#ifndef SG_DB_H
#define SG_DB_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/dsn.h"

struct sg_db;
struct sg_result;

enum sg_wait {
	SG_WAIT_ON,      /* go on waiting */
	SG_WAIT_CANCEL,  /* send a cancel request (once), go on waiting for the answer */
	SG_WAIT_ABANDON  /* close the connection: the outcome is unknown */
};
/* Called at least every 50 ms while a statement runs; elapsed_ms since it was sent. */
typedef enum sg_wait (*sg_wait_hook)(void *context, int64_t elapsed_ms);

/* Opens a connection before the deadline (sg_clock_ms). application_name is
 * shown in pg_stat_activity. Fails unless the server says client_encoding UTF8
 * and standard_conforming_strings on, and is of version 14 to 18 (SG_CLASS_STATE).
 * A SIGINT or SIGTERM that arrives meanwhile ends it (stop.h); one that came
 * before does not, so that what was begun can be looked at and put right. */
SG_MUST_CHECK int sg_db_open(struct sg_db **db_r, const struct sg_dsn *dsn, const char *application_name,
                             int64_t deadline, struct sg_err *err);
/* Closes at once; NULL is allowed. A running statement is not waited for. */
void sg_db_close(struct sg_db *db);
void sg_db_on_wait(struct sg_db *db, sg_wait_hook hook, void *context);

/* True once the connection is of no more use (lost, FATAL, abandoned), and of NULL. */
bool sg_db_lost(const struct sg_db *db);
int sg_db_server_version(const struct sg_db *db); /* 150020 */
/* The process id of the startup packet's answer; behind a pooler it is not the backend's. */
int sg_db_pid(const struct sg_db *db);
const char *sg_db_parameter(const struct sg_db *db, const char *name); /* PQparameterStatus */
/* Round trips since this was asked last, and the fastest of them in microseconds (0 without any):
 * the time that the way there takes, whatever is done at its end. */
int sg_db_trips(struct sg_db *db, int64_t *fastest_us_r);
/* Asks the server to cancel what runs now, from any place (also a signal's second arrival). */
void sg_db_cancel(struct sg_db *db);

/* Host-owned constant text, simple protocol, several statements allowed. */
SG_MUST_CHECK int sg_db_script(struct sg_db *db, const char *sql, struct sg_err *err);
/* As sg_db_script, and the rows of the last statement that gave rows. */
SG_MUST_CHECK int sg_db_script_rows(struct sg_db *db, const char *sql, struct sg_arena *arena,
                                    struct sg_result **result_r, struct sg_err *err);
/* One statement with n parameters in text form (NULL = NULL), extended
 * protocol, unnamed. result_r (or NULL) is freed with the arena. */
SG_MUST_CHECK int sg_db_query(struct sg_db *db, const char *sql, int n, const char *const *values,
                              struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err);
/* As sg_db_query in single-row mode; more than max_bytes of values cancels the
 * statement: SG_CLASS_POLICY, with a hint to use LIMIT. COPY is refused. */
SG_MUST_CHECK int sg_db_query_limited(struct sg_db *db, const char *sql, int n, const char *const *values,
                                      size_t max_bytes, struct sg_arena *arena, struct sg_result **result_r,
                                      struct sg_err *err);
/* COMMIT, alone in its round trip, checked by its tag (a failed transaction's
 * COMMIT answers ROLLBACK). -1 with err->uncertain false: rolled back for
 * certain; with err->uncertain true: nobody knows, and the ledger must be asked. */
SG_MUST_CHECK int sg_db_commit(struct sg_db *db, struct sg_err *err);
/* ROLLBACK; a failure only marks the connection lost. */
void sg_db_rollback(struct sg_db *db);

int sg_result_rows(const struct sg_result *result);
int sg_result_columns(const struct sg_result *result);
const char *sg_result_name(const struct sg_result *result, int column);
const char *sg_result_value(const struct sg_result *result, int row, int column); /* NULL = NULL */
int64_t sg_result_int(const struct sg_result *result, int row, int column);       /* 0 for NULL */
int64_t sg_result_int_or(const struct sg_result *result, int row, int column, int64_t null); /* null for NULL */
bool sg_result_true(const struct sg_result *result, int row, int column);
int64_t sg_result_affected(const struct sg_result *result); /* PQcmdTuples, 0 if none */
const char *sg_result_tag(const struct sg_result *result);  /* PQcmdStatus */

/* Quoted for SQL, in the arena: "name" and 'text'. Pure: need no connection. */
const char *sg_db_identifier(struct sg_arena *arena, const char *name);
const char *sg_db_literal(struct sg_arena *arena, const char *text);
/* {"a","b c",NULL}: the text form of a text[] parameter. */
const char *sg_db_text_array(struct sg_arena *arena, const char *const *values, size_t count);

#endif
