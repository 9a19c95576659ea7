/*
 * The tests' own SQL sessions: the only includer of libpq under tests/kit. Statements go by PQsendQuery and are read to the last
 * result, keeping the first error: after a FATAL libpq gives several results, and PQexec would keep the last.
 */
#include "config.h"

#include "tests/kit/sql.h"

#include <libpq-fe.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 5

struct sg_sql {
    PGconn *conn;
    PGresult *rows; /* of the last statement that gave rows, or NULL */
    bool failed;
    char sqlstate[8];
    char message[2048];
};

static void close_it(void *arg)
{
    struct sg_sql *sql = arg;

    PQclear(sql->rows);
    PQfinish(sql->conn);
    free(sql);
}

struct sg_sql *sg_sql_try_open(const char *conninfo, const char **why_r)
{
    struct sg_sql *sql = calloc(1, sizeof *sql);

    if (sql == NULL)
        abort();
    sql->conn = PQconnectdb(conninfo);
    if (PQstatus(sql->conn) != CONNECTION_OK) {
        if (why_r != NULL)
            *why_r = sg_test_strf("%s", PQerrorMessage(sql->conn));
        close_it(sql);
        return NULL;
    }
    (void)PQsetErrorVerbosity(sql->conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeProcessor(sql->conn, NULL, NULL);
    sg_test_defer(close_it, sql);
    return sql;
}

struct sg_sql *sg_sql_open_at(struct sg_here here, const char *conninfo)
{
    const char *why = "";
    struct sg_sql *sql = sg_sql_try_open(conninfo, &why);

    if (sql == NULL)
        sg_test_fatal(here, "cannot connect to %s: %s", conninfo, why);
    return sql;
}

void sg_sql_close(struct sg_sql *sql)
{
    if (sql == NULL)
        return;
    sg_test_undefer(close_it, sql);
    close_it(sql);
}

/* Notes RESULT, or for NULL the state of the connection, as what the statement came to, unless an earlier one was an error. */
static void note(struct sg_sql *sql, const PGresult *result)
{
    const char *code = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(sql->conn);

    if (sql->failed)
        return;
    sql->failed = true;
    (void)snprintf(sql->sqlstate, sizeof sql->sqlstate, "%s", code != NULL ? code : "lost");
    (void)snprintf(sql->message, sizeof sql->message, "%s", text);
}

static void reset(struct sg_sql *sql)
{
    PQclear(sql->rows);
    sql->rows = NULL;
    sql->failed = false;
    sql->sqlstate[0] = sql->message[0] = '\0';
}

/* Reads all results of what was sent, waiting for them as long as it takes. */
static void collect(struct sg_sql *sql)
{
    PGresult *result;

    while ((result = PQgetResult(sql->conn)) != NULL) {
        switch (PQresultStatus(result)) {
        case PGRES_TUPLES_OK:
            PQclear(sql->rows);
            sql->rows = result;
            continue;
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:
            break;
        case PGRES_COPY_IN:
            (void)PQputCopyEnd(sql->conn, "tests do not copy");
            break;
        default:
            note(sql, result);
            if (PQstatus(sql->conn) != CONNECTION_OK) {
                PQclear(result);
                return;
            }
        }
        PQclear(result);
    }
    if (PQstatus(sql->conn) != CONNECTION_OK)
        note(sql, NULL);
}

static void run(struct sg_sql *sql, const char *text)
{
    reset(sql);
    if (PQsendQuery(sql->conn, text) == 1)
        collect(sql);
    else
        note(sql, NULL);
}

void sg_sql_exec_at(struct sg_here here, struct sg_sql *sql, const char *text)
{
    run(sql, text);
    if (sql->failed)
        sg_test_fatal(here, "%s: %s\n  in: %s", sql->sqlstate, sql->message, text);
}

void sg_sql_expect_at(struct sg_here here, struct sg_sql *sql, const char *text, const char *sqlstate)
{
    run(sql, text);
    sg_test_check(here, false, strcmp(sql->sqlstate, sqlstate) == 0, "SQLSTATE \"%s\" expected, got \"%s\": %s\n  in: %s", sqlstate,
                  sql->sqlstate, sql->message, text);
}

const char *sg_sql_try(struct sg_sql *sql, const char *text)
{
    run(sql, text);
    return sg_sql_sqlstate(sql);
}

const char *sg_sql_sqlstate(struct sg_sql *sql)
{
    return sg_test_strf("%s", sql->sqlstate);
}

const char *sg_sql_message(struct sg_sql *sql)
{
    return sg_test_strf("%s", sql->message);
}

const char *sg_sql_value_at(struct sg_here here, struct sg_sql *sql, const char *text)
{
    sg_sql_exec_at(here, sql, text);
    if (sql->rows == NULL)
        sg_test_fatal(here, "gives no rows: %s", text);
    if (PQntuples(sql->rows) > 1 || PQnfields(sql->rows) != 1)
        sg_test_fatal(here, "one value expected, got %d rows of %d: %s", PQntuples(sql->rows), PQnfields(sql->rows), text);
    if (PQntuples(sql->rows) == 0 || PQgetisnull(sql->rows, 0, 0))
        return NULL;
    return sg_test_strf("%s", PQgetvalue(sql->rows, 0, 0));
}

long long sg_sql_int_at(struct sg_here here, struct sg_sql *sql, const char *text)
{
    const char *value = sg_sql_value_at(here, sql, text);
    char *end = NULL;
    long long number = value != NULL ? strtoll(value, &end, 10) : 0;

    if (value == NULL || end == value || *end != '\0')
        sg_test_fatal(here, "a number expected, got %s: %s", value != NULL ? value : "NULL", text);
    return number;
}

const char *sg_sql_rows_at(struct sg_here here, struct sg_sql *sql, const char *text)
{
    const char *copy;
    char *all = NULL;
    size_t size = 0;
    FILE *f;

    sg_sql_exec_at(here, sql, text);
    if ((f = open_memstream(&all, &size)) == NULL)
        abort();
    for (int row = 0; row < PQntuples(sql->rows); row++)
        for (int col = 0; col < PQnfields(sql->rows); col++)
            fprintf(f, "%s%s", col > 0 ? "|" : row > 0 ? "\n" : "", PQgetvalue(sql->rows, row, col));
    (void)fclose(f);
    copy = sg_test_strf("%s", all);
    free(all);
    return copy;
}

/* ---- without waiting ---- */

void sg_sql_send_at(struct sg_here here, struct sg_sql *sql, const char *text)
{
    reset(sql);
    if (PQsendQuery(sql->conn, text) != 1)
        sg_test_fatal(here, "cannot send: %s\n  in: %s", PQerrorMessage(sql->conn), text);
    (void)PQflush(sql->conn);
}

bool sg_sql_busy(struct sg_sql *sql)
{
    return PQconsumeInput(sql->conn) == 1 && PQisBusy(sql->conn) == 1;
}

const char *sg_sql_finish(struct sg_sql *sql, int timeout_ms)
{
    int64_t until = sg_test_now_ms() + timeout_ms;

    while (sg_sql_busy(sql)) {
        struct pollfd fd = {.fd = PQsocket(sql->conn), .events = POLLIN};
        int64_t left = until - sg_test_now_ms();

        if (left <= 0)
            return NULL;
        (void)poll(&fd, 1, (int)left);
    }
    collect(sql);
    return sg_sql_sqlstate(sql);
}

void sg_sql_cancel(struct sg_sql *sql)
{
    PGcancel *cancel = PQgetCancel(sql->conn);
    char why[256] = "";

    if (cancel != NULL)
        (void)PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
}

struct sg_sql *sg_sql_hold_at(struct sg_here here, const char *conninfo, const char *text)
{
    struct sg_sql *sql = sg_sql_open_at(here, conninfo);

    sg_sql_exec_at(here, sql, "BEGIN");
    sg_sql_exec_at(here, sql, text);
    return sql;
}

/* ---- waiting for something to become true ---- */

void sg_sql_await_at(struct sg_here here, struct sg_sql *sql, const char *query, const char *expected, int timeout_ms)
{
    int64_t until = sg_test_now_ms() + timeout_ms;

    for (;;) {
        char last[512];
        bool is_null;

        sg_sql_exec_at(here, sql, query);
        is_null = PQntuples(sql->rows) == 0 || PQgetisnull(sql->rows, 0, 0);
        (void)snprintf(last, sizeof last, "%s", is_null ? "NULL" : PQgetvalue(sql->rows, 0, 0));
        if (!is_null && strcmp(last, expected) == 0)
            return;
        if (sg_test_now_ms() >= until)
            sg_test_fatal(here, "not \"%s\" within %d ms but \"%s\": %s", expected, timeout_ms, last, query);
        sg_test_sleep_ms(POLL_MS);
    }
}

void sg_sql_await_waiting_at(struct sg_here here, struct sg_sql *sql, int pid, int timeout_ms)
{
    const char *query = sg_test_strf("SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_locks WHERE pid = %d AND NOT granted", pid);

    sg_sql_await_at(here, sql, query, "t", timeout_ms);
}

void sg_sql_await_queued_at(struct sg_here here, struct sg_sql *sql, const char *relation, int timeout_ms)
{
    const char *query = sg_test_strf("SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_locks l WHERE NOT l.granted"
                                     " AND l.relation = pg_catalog.to_regclass('%s')"
                                     " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
                                     relation);

    sg_sql_await_at(here, sql, query, "t", timeout_ms);
}

void sg_sql_await_alone_at(struct sg_here here, struct sg_sql *sql, int timeout_ms)
{
    sg_sql_await_at(here, sql,
                    "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()",
                    "0", timeout_ms);
}
