/* fakepq.c - the calls of fakepq.h. A connection's socket is one end of a pair
 * with a byte in it, so that poll() returns at once; "busy until cancelled" is an
 * empty one. */
#include "config.h"
#include "tests/unit/db/fakepq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/kit/test.h"

struct pg_conn {
	const struct fake_connect *how;
	const struct fake_exchange *exchange; /* the one that is being answered, or NULL */
	int next, busy, copy_rows;
	bool bad, cancelled, single, warned;
	int ends[2];
	PQnoticeReceiver receiver;
	void *context;
};

struct pg_result {
	const struct fake_result *what;
};

struct pg_cancel {
	PGconn *conn;
};

static const struct fake_connect *connects;
static const struct fake_exchange *exchanges;
static int connects_left, exchanges_left, results_open, conns_open;
static char calls[4096];

static void note(const char *what)
{
	strncat(calls, what, sizeof calls - strlen(calls) - 1);
	strncat(calls, ";", sizeof calls - strlen(calls) - 1);
}

void fake_script(const struct fake_connect *cs, int nconnects, const struct fake_exchange *es, int nexchanges)
{
	connects = cs;
	exchanges = es;
	connects_left = nconnects;
	exchanges_left = nexchanges;
	calls[0] = '\0';
}

const char *fake_calls(void)
{
	return calls;
}

bool fake_done(void)
{
	return connects_left == 0 && exchanges_left == 0 && results_open == 0 && conns_open == 0;
}

/* ---- connections ---------------------------------------------------------- */

PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
	PGconn *conn = calloc(1, sizeof *conn);

	T_EQ_INT(expand_dbname, 0);
	if (conn == NULL || connects_left == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, conn->ends) != 0)
		T_FATAL("a connect that was not expected");
	conn->how = connects++;
	connects_left--;
	conns_open++;
	conn->bad = conn->how->bad_at_once;
	for (int i = 0; keywords[i] != NULL; i++)
		if (conn->how->host != NULL && strcmp(keywords[i], "host") == 0)
			T_EQ_STR(values[i], conn->how->host);
	note("connect");
	return conn;
}

PostgresPollingStatusType PQconnectPoll(PGconn *conn)
{
	if (conn->how->hangs)
		return PGRES_POLLING_READING;
	if (conn->how->message == NULL)
		return PGRES_POLLING_OK;
	conn->bad = true;
	return PGRES_POLLING_FAILED;
}

void PQfinish(PGconn *conn)
{
	(void)close(conn->ends[0]);
	(void)close(conn->ends[1]);
	free(conn);
	conns_open--;
	note("finish");
}

ConnStatusType PQstatus(const PGconn *conn)
{
	return conn->bad ? CONNECTION_BAD : CONNECTION_OK;
}

int PQsocket(const PGconn *conn)
{
	return conn->ends[0];
}

char *PQerrorMessage(const PGconn *conn)
{
	static char text[256];

	strncpy(text, conn->how->message != NULL ? conn->how->message : conn->bad ? "server closed the connection\n\tx\n" : "",
	        sizeof text - 1);
	return text;
}

int PQconnectionNeedsPassword(const PGconn *conn)
{
	return conn->how->needs_password;
}

int PQserverVersion(const PGconn *conn)
{
	return conn->how->version != 0 ? conn->how->version : 150020;
}

int PQbackendPID(const PGconn *conn)
{
	(void)conn;
	return 4711;
}

const char *PQparameterStatus(const PGconn *conn, const char *name)
{
	if (strcmp(name, "client_encoding") == 0)
		return conn->how->encoding != NULL ? conn->how->encoding : "UTF8";
	if (strcmp(name, "standard_conforming_strings") == 0)
		return conn->how->strings != NULL ? conn->how->strings : "on";
	return NULL;
}

PGVerbosity PQsetErrorVerbosity(PGconn *conn, PGVerbosity verbosity)
{
	(void)conn;
	T_EQ_INT(verbosity, PQERRORS_VERBOSE);
	return PQERRORS_DEFAULT;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *conn, PQnoticeReceiver receiver, void *context)
{
	conn->receiver = receiver;
	conn->context = context;
	return NULL;
}

int PQsetnonblocking(PGconn *conn, int on)
{
	(void)conn;
	return on == 1 ? 0 : -1;
}

PGcancel *PQgetCancel(PGconn *conn)
{
	PGcancel *cancel = calloc(1, sizeof *cancel);

	if (cancel == NULL)
		abort();
	cancel->conn = conn;
	return cancel;
}

void PQfreeCancel(PGcancel *cancel)
{
	free(cancel);
}

int PQcancel(PGcancel *cancel, char *text, int size)
{
	(void)text;
	(void)size;
	note("cancel");
	cancel->conn->cancelled = true;
	return 1;
}

/* ---- statements ----------------------------------------------------------- */

static const struct fake_result *coming(const PGconn *conn)
{
	return conn->exchange != NULL && conn->next < conn->exchange->count ? &conn->exchange->results[conn->next] : NULL;
}

static int start(PGconn *conn, const char *sql)
{
	if (exchanges_left == 0)
		T_FATAL("sent, but not expected: %s", sql);
	note(sql);
	conn->exchange = exchanges++;
	exchanges_left--;
	T_EQ_STR(sql, conn->exchange->sql);
	conn->next = conn->busy = conn->copy_rows = 0;
	conn->single = conn->cancelled = conn->warned = false;
	conn->bad = conn->bad || conn->exchange->drop_at_send;
	return !conn->exchange->send_fails;
}

int PQsendQuery(PGconn *conn, const char *sql)
{
	return start(conn, sql);
}

int PQsendQueryParams(PGconn *conn, const char *sql, int n, const Oid *types, const char *const *values,
                      const int *lengths, const int *formats, int format)
{
	(void)n;
	(void)values;
	T_TRUE(types == NULL && lengths == NULL && formats == NULL && format == 0);
	return start(conn, sql);
}

int PQsetSingleRowMode(PGconn *conn)
{
	note("single");
	conn->single = true;
	return 1;
}

int PQflush(PGconn *conn)
{
	(void)conn;
	return 0;
}

int PQconsumeInput(PGconn *conn)
{
	char byte;

	(void)recv(conn->ends[0], &byte, 1, MSG_DONTWAIT);
	return !conn->bad;
}

int PQisBusy(PGconn *conn)
{
	const struct fake_result *result = coming(conn);

	if (result == NULL || conn->bad)
		return 0;
	if (result->warning != NULL && !conn->warned) {
		static struct fake_result warning;
		PGresult res = { &warning };

		warning = (struct fake_result) { .v = "WARNING", .primary = result->warning };
		conn->warned = true;
		conn->receiver(conn->context, &res);
	}
	if (result->busy < 0)
		return !conn->cancelled;
	if (conn->busy >= result->busy)
		return 0;
	conn->busy++;
	(void)send(conn->ends[1], "x", 1, 0);
	return 1;
}

PGresult *PQgetResult(PGconn *conn)
{
	const struct fake_result *result = coming(conn);
	PGresult *res;

	if (result == NULL) {
		conn->exchange = NULL;
		return NULL;
	}
	conn->next++;
	conn->busy = 0;
	conn->warned = false;
	conn->bad = conn->bad || result->drop;
	res = calloc(1, sizeof *res);
	if (res == NULL)
		abort();
	res->what = result;
	results_open++;
	return res;
}

void PQclear(PGresult *res)
{
	free(res);
	results_open--;
}

int PQputCopyEnd(PGconn *conn, const char *message)
{
	(void)conn;
	T_NOT_NULL(message);
	note("copyend");
	return 1;
}

int PQgetCopyData(PGconn *conn, char **row_r, int async)
{
	T_EQ_INT(async, 1);
	*row_r = NULL;
	if (conn->copy_rows++ >= 3)
		return -1;
	*row_r = strdup("row");
	return 3;
}

/* ---- results -------------------------------------------------------------- */

ExecStatusType PQresultStatus(const PGresult *res)
{
	return res->what->status;
}

char *PQresultErrorField(const PGresult *res, int field)
{
	const char *value = NULL;

	switch (field) {
	case PG_DIAG_SQLSTATE: value = res->what->sqlstate; break;
	case PG_DIAG_SEVERITY: value = res->what->severity != NULL ? res->what->severity : res->what->v; break;
	case PG_DIAG_SEVERITY_NONLOCALIZED: value = res->what->v; break;
	case PG_DIAG_MESSAGE_PRIMARY: value = res->what->primary; break;
	case PG_DIAG_SCHEMA_NAME: value = res->what->schema; break;
	default: break;
	}
	return (char *)(uintptr_t)value;
}

char *PQresultErrorMessage(const PGresult *res)
{
	return (char *)(uintptr_t)(res->what->primary != NULL ? res->what->primary : "");
}

int PQnfields(const PGresult *res)
{
	return res->what->columns;
}

int PQntuples(const PGresult *res)
{
	return res->what->rows;
}

char *PQfname(const PGresult *res, int column)
{
	static char name[] = "c";

	(void)res;
	(void)column;
	return name;
}

char *PQgetvalue(const PGresult *res, int row, int column)
{
	(void)row;
	(void)column;
	return (char *)(uintptr_t)(res->what->cell != NULL ? res->what->cell : "");
}

int PQgetisnull(const PGresult *res, int row, int column)
{
	(void)row;
	(void)column;
	return res->what->cell == NULL;
}

int PQgetlength(const PGresult *res, int row, int column)
{
	return (int)strlen(PQgetvalue(res, row, column));
}

char *PQcmdStatus(PGresult *res)
{
	return (char *)(uintptr_t)(res->what->tag != NULL ? res->what->tag : "");
}

char *PQcmdTuples(PGresult *res)
{
	return (char *)(uintptr_t)(res->what->affected != NULL ? res->what->affected : "");
}
