/* said.c - errors in the server's own words, with the names of what they are
 * about. Must never let a password through: contexts repeat statements. */
#include "config.h"
#include "core/db/said.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

struct sg_verdict sg_said_judge(const struct sg_said *said, enum sg_phase phase, bool bad)
{
	struct sg_report report = {
		.phase = phase,
		.sqlstate = said->sqlstate,
		.severity = said->severity_plain != NULL ? said->severity_plain : said->severity,
		.by_server = said->severity_plain != NULL,
		.bad = bad,
		.standby = said->standby,
		.schema = said->schema,
		.message = said->primary,
	};

	return sg_sqlstate_judge(&report);
}

static void add_name(struct sg_buf *buf, const char *label, const char *name)
{
	if (name != NULL)
		sg_buf_addf(buf, "%s%s %s", buf->length > 0 ? ", " : "", label, name);
}

/* The server's detail, the objects it names, and where in a function it was. */
static void add_detail(const struct sg_said *said, struct sg_err *err)
{
	struct sg_buf names = SG_BUF_INIT, all = SG_BUF_INIT;

	add_name(&names, "schema", said->schema);
	add_name(&names, "table", said->table);
	add_name(&names, "column", said->column);
	add_name(&names, "type", said->type);
	add_name(&names, "constraint", said->constraint);
	if (said->detail != NULL)
		sg_buf_adds(&all, said->detail);
	if (names.length > 0)
		sg_buf_addf(&all, "%s(%s)", all.length > 0 ? " " : "", names.data);
	if (said->context != NULL && strcasestr(said->context, "password") == NULL)
		sg_buf_addf(&all, "%sin %s", all.length > 0 ? "\n" : "", said->context);
	if (all.length > 0)
		sg_err_detail(err, "%s", all.data);
	sg_buf_release(&names);
	sg_buf_release(&all);
}

int sg_said_fail(const struct sg_said *said, const struct sg_verdict *verdict, const char *sql, struct sg_err *err)
{
	sg_err_set(err, verdict->class, "%s", said->primary);
	sg_err_sqlstate(err, said->sqlstate);
	err->uncertain = verdict->uncertain;
	add_detail(said, err);
	if (said->hint != NULL)
		sg_err_hint(err, "%s", said->hint);
	else if (verdict->class == SG_CLASS_REJECTED && strstr(said->primary, "statement pooling mode") != NULL)
		sg_err_hint(err, "Set pool_mode = transaction (or session) for this database in PgBouncer, or give a dsn that leads past it.");
	else if (verdict->class == SG_CLASS_TRANSIENT &&
	         (strcmp(said->sqlstate, "25006") == 0 || strcmp(said->sqlstate, "0A000") == 0))
		sg_err_hint(err, "This server is a standby, or read-only: does the connection string lead to the primary?"
		                 " target_session_attrs=read-write chooses among several.");
	if (sql != NULL)
		sg_err_statement(err, sql, said->position != NULL ? atoi(said->position) : 0);
	return -1;
}

/* Behind "FATAL:  ", in whatever language the server speaks, comes "53300: "
 * (fe-protocol3.c, pqBuildErrorMessage3). Returns the text behind it, or NULL. */
static const char *find_sqlstate(const char *text, char sqlstate_r[6])
{
	for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  "))
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':' && at[9] == ' ') {
			memcpy(sqlstate_r, at + 3, 5);
			sqlstate_r[5] = '\0';
			return at + 10;
		}
	return NULL;
}

static int line_length(const char *text)
{
	return (int)strcspn(text, "\n");
}

int sg_said_refused(const char *message, bool password, const char *where, struct sg_err *err)
{
	char sqlstate[6] = "";
	const char *said = find_sqlstate(message, sqlstate), *failed = strstr(message, "failed: ");
	const char *detail = strstr(message, "\nDETAIL:  "), *hint = strstr(message, "\nHINT:  ");
	struct sg_report report = { .phase = SG_PHASE_CONNECT, .sqlstate = sqlstate, .bad = true, .message = message };
	struct sg_verdict verdict = sg_sqlstate_judge(&report);

	if (said == NULL)
		said = failed != NULL ? failed + 8 : message;
	sg_err_set(err, password ? SG_CLASS_REJECTED : verdict.class, "could not connect to %s: %.*s", where,
	           line_length(said), said);
	sg_err_sqlstate(err, sqlstate);
	if (detail != NULL)
		sg_err_detail(err, "%.*s", line_length(detail + 10), detail + 10);
	if (password)
		sg_err_hint(err, "Give the password in ~/.pgpass, in PGPASSWORD, or in the connection string.");
	else if (hint != NULL)
		sg_err_hint(err, "%.*s", line_length(hint + 8), hint + 8);
	else if (strncmp(sqlstate, "28", 2) == 0)
		sg_err_hint(err, "Correct user or password where they are given (dsn in [database], PGUSER, PGPASSWORD, ~/.pgpass);"
		                 " who may come in, and how, is in the server's pg_hba.conf.");
	else if (strcmp(sqlstate, "3D000") == 0)
		sg_err_hint(err, "Correct the name in dsn in [database], or create the database.");
	else if (err->class == SG_CLASS_REJECTED)
		sg_err_hint(err, "The server or pooler is there, but does not take this connection: correct dsn in [database].");
	else if (err->class == SG_CLASS_CONNECTION)
		sg_err_hint(err, "Is the server running there, and does it accept connections from here?");
	return -1;
}
