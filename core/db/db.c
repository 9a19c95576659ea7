/* db.c - connections and statements of db.h: the only file that includes libpq.
 *
 * libpq is used asynchronously all through: PQexec keeps only the last of the
 * several results that follow a FATAL, so that the SQLSTATE would be lost
 * (fe-exec.c, PQexecFinish), and a blocking call could not be given up. Rows are
 * copied into arenas (result.c); what an error means is decided in sqlstate.c
 * and told in said.c; which server is tried when, in open.c.
 * Must never print, never block without a deadline or hook, and never put a
 * connection string into an error. */
#include "config.h"
#include "core/db/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/db/cap.h"
#include "core/db/conninfo.h"
#include "core/db/result.h"
#include "core/db/said.h"
#include "core/db/script.h"

#define HOOK_MS 50
#define ROLLBACK_MS 5000
#define CELL_BYTES 8       /* what a value costs beside its bytes: NULLs are not free */
#define CAP_BYTES ((size_t)64 << 20) /* growth beside a limited result, its copy and libpq's */

struct sg_db {
	PGconn *conn;    /* NULL once lost */
	PGcancel *cancel;
	sg_wait_hook hook;
	void *context;
	int version, pid;
	int trips;       /* as sg_db_trips says */
	int64_t fastest_us;
	char *warning;   /* the last WARNING: a backend that is told to quit says why in one */
};

/* ---- connection strings --------------------------------------------------- */

static void put_option(struct sg_conninfo *list, size_t *count, struct sg_arena *arena, const PQconninfoOption *option,
                       bool given)
{
	size_t at = 0;

	if (option->val == NULL || option->val[0] == '\0')
		return;
	while (at < *count && strcmp(list[at].keyword, option->keyword) != 0)
		at++;
	if (at == *count)
		(*count)++;
	list[at].keyword = sg_arena_strdup(arena, option->keyword);
	list[at].value = sg_arena_strdup(arena, option->val);
	list[at].given = given;
}

/* PQconndefaults reads the service file that PGSERVICE names; a service named
 * in the text is put there for as long as that takes. */
static PQconninfoOption *read_defaults(const char *service)
{
	const char *old = getenv("PGSERVICE");
	char *kept = old != NULL ? sg_xstrdup(old) : NULL;
	PQconninfoOption *defaults;

	if (service != NULL)
		setenv("PGSERVICE", service, 1);
	defaults = PQconndefaults();
	if (service != NULL && kept != NULL)
		setenv("PGSERVICE", kept, 1);
	else if (service != NULL)
		unsetenv("PGSERVICE");
	free(kept);
	return defaults;
}

int sg_conninfo_read(const char *text, struct sg_arena *arena, struct sg_conninfo **list_r, size_t *count_r)
{
	PQconninfoOption *defaults, *given;
	const char *service = NULL;
	char *message = NULL;
	size_t count = 0;

	given = PQconninfoParse(text, &message);
	PQfreemem(message); /* may repeat the text */
	if (given == NULL)
		return -1;
	for (PQconninfoOption *o = given; o->keyword != NULL; o++) {
		count++;
		if (strcmp(o->keyword, "service") == 0)
			service = o->val;
	}
	*list_r = sg_arena_array(arena, 2 * count + 1, sizeof **list_r);
	count = 0;
	defaults = read_defaults(service);
	for (PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
		put_option(*list_r, &count, arena, o, o->val != NULL && (o->compiled == NULL || strcmp(o->val, o->compiled) != 0));
	for (PQconninfoOption *o = given; o->keyword != NULL; o++)
		put_option(*list_r, &count, arena, o, true);
	PQconninfoFree(defaults);
	PQconninfoFree(given);
	*count_r = count;
	return 0;
}

/* ---- errors --------------------------------------------------------------- */

static void set_lost(struct sg_db *db)
{
	if (db->conn != NULL)
		PQfinish(db->conn);
	db->conn = NULL;
}

static struct sg_said said_by(const PGresult *res)
{
	return (struct sg_said) {
		.sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE),
		.severity = PQresultErrorField(res, PG_DIAG_SEVERITY),
		.severity_plain = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED),
		.primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY),
		.detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL),
		.hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT),
		.context = PQresultErrorField(res, PG_DIAG_CONTEXT),
		.position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION),
		.schema = PQresultErrorField(res, PG_DIAG_SCHEMA_NAME),
		.table = PQresultErrorField(res, PG_DIAG_TABLE_NAME),
		.column = PQresultErrorField(res, PG_DIAG_COLUMN_NAME),
		.type = PQresultErrorField(res, PG_DIAG_DATATYPE_NAME),
		.constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME),
	};
}

/* ---- one statement -------------------------------------------------------- */

struct job {
	const char *sql;
	bool simple;              /* simple protocol; else one statement, extended */
	int n;
	const char *const *values;
	size_t max_bytes;         /* 0 = no limit; else single-row mode */
	enum sg_phase phase;
	int64_t deadline;         /* 0 = the hook decides alone */
	bool free_text;           /* COMMIT, ROLLBACK, a script of the user's: no literals of ours */
	struct sg_arena *arena;   /* or NULL: rows are not wanted */
	/* found */
	struct sg_result *result;
	size_t bytes;
	int64_t sent, asked;
	int answered;             /* statements that succeeded */
	bool failed, cancelled;
	char tag[64];
};

/* libpq takes a message that it has no room for, the cap being reached, for a
 * broken stream (fe-protocol3.c, handleSyncLoss). */
static bool hit_cap(const struct job *job, const char *said)
{
	return job->max_bytes != 0 && (strstr(said, "lost synchronization") != NULL || strstr(said, "memory") != NULL);
}

static int fail_lost(struct sg_db *db, struct job *job, struct sg_err *err, const char *what)
{
	const char *said = db->conn != NULL ? PQerrorMessage(db->conn) : "";

	if (!job->failed && hit_cap(job, said)) {
		sg_err_set(err, SG_CLASS_POLICY, "a row of the result is much larger than %zu bytes", job->max_bytes);
		sg_err_hint(err, "Select fewer columns, or part of the value with substring().");
		sg_err_statement(err, job->sql, 0);
	} else if (!job->failed) {
		sg_err_set(err, SG_CLASS_CONNECTION, "%s", what);
		err->uncertain = job->phase == SG_PHASE_COMMIT && job->sent != 0;
		if (db->warning != NULL)
			sg_err_detail(err, "the server said before: %s", db->warning);
		else if (said[0] != '\0')
			sg_err_detail(err, "%.*s", (int)strcspn(said, "\n"), said);
	}
	job->failed = true;
	set_lost(db);
	return -1;
}

/* The first error stays; what comes after it is its consequence. */
static int fail_result(struct sg_db *db, struct job *job, const PGresult *res, struct sg_err *err)
{
	struct sg_said said = said_by(res);
	struct sg_verdict verdict;
	const char *standby;

	if (said.sqlstate == NULL || said.primary == NULL)
		return fail_lost(db, job, err, "the connection to the server was lost");
	standby = PQparameterStatus(db->conn, "in_hot_standby");
	said.standby = standby != NULL && strcmp(standby, "on") == 0;
	verdict = sg_said_judge(&said, job->phase, PQstatus(db->conn) == CONNECTION_BAD);
	if (!job->failed)
		sg_said_fail(&said, &verdict, job->simple && said.position == NULL ? NULL : job->sql, err);
	job->failed = true;
	if (verdict.dead)
		set_lost(db);
	return -1;
}

static void cancel_once(struct sg_db *db, struct job *job)
{
	if (!job->cancelled)
		sg_db_cancel(db);
	job->cancelled = true;
}

/* Asks the hook; -1 when the connection was given up. */
static int ask_hook(struct sg_db *db, struct job *job, struct sg_err *err)
{
	int64_t now = sg_clock_ms();

	job->asked = now;
	if (job->deadline != 0 && now >= job->deadline)
		return fail_lost(db, job, err, "the server did not answer in time");
	if (job->deadline != 0 || db->hook == NULL)
		return 0;
	switch (db->hook(db->context, now - job->sent)) {
	case SG_WAIT_ON:
		break;
	case SG_WAIT_CANCEL:
		cancel_once(db, job);
		break;
	case SG_WAIT_ABANDON:
		return fail_lost(db, job, err, "the statement was given up before the server answered");
	}
	return 0;
}

/* Waits until the socket is ready or it is time to ask the hook again. */
static int await(struct sg_db *db, struct job *job, struct sg_err *err)
{
	int flushed = PQflush(db->conn);
	struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };
	int64_t next = job->asked + HOOK_MS;

	if (fd.fd < 0)
		return fail_lost(db, job, err, "the connection to the server was lost");
	if (flushed > 0)
		fd.events |= POLLOUT;
	/* flushed < 0: what the server said before it hung up is still to be read */
	/* Failed: PQgetResult says so, after what the server still had to say. */
	if (poll(&fd, 1, sg_clock_left(next)) > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    PQconsumeInput(db->conn) == 0 && PQstatus(db->conn) != CONNECTION_BAD)
		return fail_lost(db, job, err, "the connection to the server was lost");
	return sg_clock_ms() < next ? 0 : ask_hook(db, job, err);
}

static int refuse_copy(struct sg_db *db, struct job *job, ExecStatusType status, struct sg_err *err)
{
	if (!job->failed) {
		sg_err_set(err, SG_CLASS_POLICY, "COPY between server and client is refused");
		sg_err_hint(err, "A migration moves no rows; bulk work belongs in a backfill, with INSERT or UPDATE.");
		sg_err_statement(err, job->sql, 0);
		job->failed = true;
	}
	if (status == PGRES_COPY_IN && PQputCopyEnd(db->conn, "refused") > 0)
		return 0; /* the server answers with an error, then is ready again */
	cancel_once(db, job);
	while (status == PGRES_COPY_OUT && db->conn != NULL) {
		char *row = NULL;
		int got = PQgetCopyData(db->conn, &row, 1);

		PQfreemem(row);
		if (got < 0)
			return 0; /* -1: the end, or the server's error; both come by PQgetResult */
		if (got == 0 && await(db, job, err) != 0)
			return -1;
	}
	return fail_lost(db, job, err, "");
}

static void take_rows(struct job *job, PGresult *res, struct sg_err *err)
{
	int columns = PQnfields(res), rows = PQntuples(res);
	struct sg_arena scratch = SG_ARENA_INIT;
	const char **values;
	int *lengths;

	if (job->arena == NULL || job->failed)
		return;
	if (job->result == NULL || PQresultStatus(res) == PGRES_TUPLES_OK) {
		/* In single-row mode the last, empty result only ends the rows. */
		if (job->max_bytes == 0 || job->result == NULL)
			job->result = sg_result_new(job->arena, columns);
		for (int i = 0; i < columns; i++)
			sg_result_set_name(job->result, i, PQfname(res, i));
	}
	values = sg_arena_array(&scratch, (size_t)columns, sizeof *values);
	lengths = sg_arena_array(&scratch, (size_t)columns, sizeof *lengths);
	for (int row = 0; row < rows && !job->failed; row++) {
		for (int i = 0; i < columns; i++) {
			values[i] = PQgetvalue(res, row, i);
			lengths[i] = PQgetisnull(res, row, i) ? -1 : PQgetlength(res, row, i);
			job->bytes += CELL_BYTES + (lengths[i] > 0 ? (size_t)lengths[i] : 0);
		}
		job->bytes += CELL_BYTES;
		if (job->max_bytes != 0 && job->bytes > job->max_bytes) {
			sg_err_set(err, SG_CLASS_POLICY, "the result is larger than %zu bytes", job->max_bytes);
			sg_err_hint(err, "Read less: add a LIMIT, or let the server count.");
			sg_err_statement(err, job->sql, 0);
			job->failed = true;
			break;
		}
		sg_result_add_row(job->result, values, lengths);
	}
	sg_arena_release(&scratch);
}

/* The command's tag and count; a statement without columns still gives a result. */
static void take_end(struct job *job, PGresult *res)
{
	const char *tag = PQcmdStatus(res), *affected = PQcmdTuples(res);

	snprintf(job->tag, sizeof job->tag, "%s", tag);
	job->answered++;
	if (job->arena == NULL || job->failed)
		return;
	if (job->result == NULL)
		job->result = sg_result_new(job->arena, 0);
	/* Of a script the rows are wanted, so their tag stays theirs. */
	if (!job->simple || PQresultStatus(res) == PGRES_TUPLES_OK)
		sg_result_set_tag(job->result, tag, affected[0] != '\0' ? (int64_t)strtoll(affected, NULL, 10) : 0);
}

static int take_result(struct sg_db *db, struct job *job, PGresult *res, struct sg_err *err)
{
	ExecStatusType status = PQresultStatus(res);

	switch (status) {
	case PGRES_SINGLE_TUPLE:
		take_rows(job, res, err);
		break;
	case PGRES_TUPLES_OK:
		take_rows(job, res, err);
		take_end(job, res);
		break;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		take_end(job, res);
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
		return refuse_copy(db, job, status, err);
	case PGRES_FATAL_ERROR:
	case PGRES_NONFATAL_ERROR:
	case PGRES_BAD_RESPONSE:
		return fail_result(db, job, res, err);
	default: /* COPY_BOTH, pipelines: nothing we ever asked for */
		return fail_lost(db, job, err, "the server answered with something that was not asked for");
	}
	if (job->failed)
		cancel_once(db, job); /* too many rows: the rest is read and thrown away */
	return 0;
}

static int send_job(struct sg_db *db, struct job *job, struct sg_err *err)
{
	int sent;

	if (db->conn == NULL)
		return fail_lost(db, job, err, "the connection was lost before");
	free(db->warning);
	db->warning = NULL;
	job->sent = job->asked = sg_clock_ms();
	sent = job->simple ? PQsendQuery(db->conn, job->sql)
	                   : PQsendQueryParams(db->conn, job->sql, job->n, NULL, job->values, NULL, NULL, 0);
	/* On failure the bytes may be half sent; or the server had hung up, and said why. */
	if (sent == 0 && PQstatus(db->conn) != CONNECTION_BAD)
		return fail_lost(db, job, err, "the statement could not be sent");
	if (sent != 0 && job->max_bytes != 0 && PQsetSingleRowMode(db->conn) == 0)
		return fail_lost(db, job, err, "the statement could not be sent");
	return 0;
}

static int converse(struct sg_db *db, struct job *job, struct sg_err *err)
{
	if (send_job(db, job, err) != 0)
		return -1;
	while (db->conn != NULL) {
		PGresult *res;

		while (db->conn != NULL && PQisBusy(db->conn) != 0)
			(void)await(db, job, err);
		if (db->conn == NULL)
			break;
		res = PQgetResult(db->conn);
		if (res == NULL)
			break;
		(void)take_result(db, job, res, err);
		PQclear(res);
	}
	if (db->conn != NULL && PQstatus(db->conn) == CONNECTION_BAD)
		(void)fail_lost(db, job, err, "the connection to the server was lost");
	return job->failed ? -1 : 0;
}

static int run(struct sg_db *db, struct job *job, struct sg_err *err)
{
	struct sg_cap cap = { .set = false };
	int64_t us;
	int rc;

	/* What a function did behind the last statement must not change what our
	 * literals mean; the server reports it with that statement's end. */
	if (!job->free_text && db->conn != NULL && sg_session_kept(db, err) != 0)
		return -1;
	if (job->max_bytes != 0)
		sg_cap_begin(&cap, job->max_bytes <= SIZE_MAX / 8 ? 4 * job->max_bytes + CAP_BYTES : SIZE_MAX / 2);
	us = sg_clock_us();
	rc = converse(db, job, err);
	us = sg_clock_us() - us;
	db->fastest_us = db->trips == 0 || us < db->fastest_us ? us : db->fastest_us;
	db->trips++;
	sg_cap_end(&cap);
	return rc;
}

int sg_db_script(struct sg_db *db, const char *sql, struct sg_err *err)
{
	struct job job = { .sql = sql, .simple = true, .phase = SG_PHASE_STATEMENT };

	return run(db, &job, err);
}

int sg_db_script_counted(struct sg_db *db, const char *sql, int *answered_r, struct sg_err *err)
{
	struct job job = { .sql = sql, .simple = true, .phase = SG_PHASE_STATEMENT, .free_text = true };
	int rc = run(db, &job, err);

	*answered_r = job.answered;
	return rc;
}

int sg_db_script_rows(struct sg_db *db, const char *sql, struct sg_arena *arena, struct sg_result **result_r,
                      struct sg_err *err)
{
	struct job job = { .sql = sql, .simple = true, .phase = SG_PHASE_STATEMENT, .arena = arena };

	if (run(db, &job, err) != 0)
		return -1;
	*result_r = job.result != NULL ? job.result : sg_result_new(arena, 0);
	return 0;
}

int sg_db_query_limited(struct sg_db *db, const char *sql, int n, const char *const *values, size_t max_bytes,
                        struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err)
{
	struct job job = { .sql = sql, .n = n, .values = values, .max_bytes = max_bytes, .phase = SG_PHASE_STATEMENT,
	                   .arena = result_r != NULL ? arena : NULL };

	if (run(db, &job, err) != 0)
		return -1;
	if (result_r != NULL)
		*result_r = job.result != NULL ? job.result : sg_result_new(arena, 0);
	return 0;
}

int sg_db_query(struct sg_db *db, const char *sql, int n, const char *const *values, struct sg_arena *arena,
                struct sg_result **result_r, struct sg_err *err)
{
	return sg_db_query_limited(db, sql, n, values, 0, arena, result_r, err);
}

int sg_db_commit(struct sg_db *db, struct sg_err *err)
{
	struct job job = { .sql = "COMMIT", .simple = true, .phase = SG_PHASE_COMMIT, .free_text = true };

	if (run(db, &job, err) != 0)
		return -1;
	if (strcmp(job.tag, "COMMIT") == 0)
		return 0;
	if (strcmp(job.tag, "ROLLBACK") == 0) {
		sg_err_set(err, SG_CLASS_SQL, "COMMIT was answered with ROLLBACK: the transaction had failed before");
		return sg_err_sqlstate(err, "25P02");
	}
	sg_err_set(err, SG_CLASS_CONNECTION, "COMMIT was answered with neither COMMIT nor ROLLBACK");
	err->uncertain = true;
	set_lost(db);
	return -1;
}

void sg_db_rollback(struct sg_db *db)
{
	struct job job = { .sql = "ROLLBACK", .simple = true, .phase = SG_PHASE_STATEMENT, .free_text = true,
	                   .deadline = sg_clock_ms() + ROLLBACK_MS };
	struct sg_err err = SG_ERR_INIT;

	if (db->conn != NULL && run(db, &job, &err) != 0)
		set_lost(db); /* closing it rolls back too */
	sg_err_release(&err);
}

/* ---- connections ---------------------------------------------------------- */

/* libpq would print these to stderr. */
static void on_notice(void *context, const PGresult *res)
{
	struct sg_db *db = context;
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	bool warning;

	if (severity == NULL)
		severity = PQresultErrorField(res, PG_DIAG_SEVERITY);
	warning = severity != NULL && strcmp(severity, "WARNING") == 0;
	if (primary == NULL)
		primary = PQresultErrorMessage(res);
	sg_log(warning ? SG_LOG_INFO : SG_LOG_DEBUG, "notice", NULL, 0, "server: %s: %s", severity ? severity : "NOTICE",
	       primary);
	if (warning) {
		free(db->warning);
		db->warning = sg_xstrdup(primary);
	}
}

/* PQconnectPoll until it is connected, refused, or out of time. */
static int shake_hands(PGconn *conn, const struct sg_target *target, int64_t deadline, struct sg_err *err)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	int stops = sg_stop_count();

	while (PQstatus(conn) != CONNECTION_BAD) {
		struct pollfd fd = { .fd = PQsocket(conn), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		int left = sg_clock_left(deadline), ready;

		if (sg_stop_count() > stops)
			return sg_stop_err(err);
		if (left == 0) {
			sg_err_set(err, SG_CLASS_CONNECTION, "could not connect to %s: no answer in time", target->text);
			return sg_err_hint(err, "Is the server running there, and is a firewall in between?"
			                        " connect_seconds in [database] is how long we wait.");
		}
		ready = poll(&fd, 1, left < HOOK_MS ? left : HOOK_MS);
		if (ready == 0 || (ready < 0 && errno == EINTR))
			continue;
		state = PQconnectPoll(conn);
		if (state == PGRES_POLLING_OK)
			return 0;
		if (state == PGRES_POLLING_FAILED)
			break;
	}
	return sg_said_refused(PQerrorMessage(conn), PQconnectionNeedsPassword(conn) != 0, target->text, err);
}

int sg_db_attempt(struct sg_db **db_r, const struct sg_target *target, int64_t deadline, struct sg_err *err)
{
	struct sg_db *db = sg_xcalloc(1, sizeof *db);

	/* The session's time zone is to be what the server and the role have: windows are given in it. */
	unsetenv("PGTZ");
	db->conn = PQconnectStartParams(target->keywords, target->values, 0);
	if (db->conn == NULL) {
		sg_err_set(err, SG_CLASS_CONNECTION, "no memory for a connection");
		goto failed;
	}
	PQsetNoticeReceiver(db->conn, on_notice, db);
	PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE); /* for sg_said_refused() */
	if (shake_hands(db->conn, target, deadline, err) != 0)
		goto failed;
	db->version = PQserverVersion(db->conn);
	db->pid = PQbackendPID(db->conn);
	db->cancel = PQgetCancel(db->conn);
	if (sg_session_check(db, err) != 0)
		goto failed;
	if (PQsetnonblocking(db->conn, 1) != 0) {
		sg_err_set(err, SG_CLASS_CONNECTION, "could not connect to %s: the connection was lost at once", target->text);
		goto failed;
	}
	*db_r = db;
	return 0;
failed:
	sg_db_close(db);
	return -1;
}

void sg_db_close(struct sg_db *db)
{
	if (db == NULL)
		return;
	set_lost(db);
	PQfreeCancel(db->cancel);
	free(db->warning);
	free(db);
}

void sg_db_on_wait(struct sg_db *db, sg_wait_hook hook, void *context)
{
	db->hook = hook;
	db->context = context;
}

bool sg_db_lost(const struct sg_db *db)
{
	return db == NULL || db->conn == NULL || PQstatus(db->conn) == CONNECTION_BAD;
}

int sg_db_server_version(const struct sg_db *db)
{
	return db->version;
}

int sg_db_pid(const struct sg_db *db)
{
	return db->pid;
}

const char *sg_db_parameter(const struct sg_db *db, const char *name)
{
	return db->conn == NULL ? NULL : PQparameterStatus(db->conn, name);
}

int sg_db_trips(struct sg_db *db, int64_t *fastest_us_r)
{
	int trips = db->trips;

	*fastest_us_r = trips > 0 ? db->fastest_us : 0;
	db->trips = 0;
	return trips;
}

/* PQcancel is safe in signal handlers, and bound by tcp_user_timeout. */
void sg_db_cancel(struct sg_db *db)
{
	char why[256];

	if (db->cancel != NULL)
		(void)PQcancel(db->cancel, why, sizeof why);
}
