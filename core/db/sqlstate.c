/* sqlstate.c - the table behind sqlstate.h.
 *
 * The first row that fits decides. Message texts are looked at only where the
 * code does not tell: PgBouncer says 08P01 whatever happens, and libpq's own
 * errors have no code at all. No text is needed for anything that commits. */
#include "config.h"
#include "core/db/sqlstate.h"

#include <string.h>

#define IN_CONNECT (1u << SG_PHASE_CONNECT)
#define IN_STATEMENT (1u << SG_PHASE_STATEMENT)
#define IN_COMMIT (1u << SG_PHASE_COMMIT)
#define AFTER_CONNECT (IN_STATEMENT | IN_COMMIT)
#define ANYWHERE (IN_CONNECT | AFTER_CONNECT)

enum speaker { ANYONE, SERVER, POOLER };

struct rule {
	const char *sqlstate; /* five characters, or the two of a class; "" = none */
	unsigned phases;
	enum speaker speaker;
	const char *schema;   /* NULL = any */
	const char *message;  /* part of the message; NULL = any */
	enum sg_class class;
};

static const struct rule rules[] = {
	/* PgBouncer's refusals, some of them relayed from the server's login */
	{ "08P01", ANYWHERE, POOLER, NULL, "no such database", SG_CLASS_REJECTED },
	{ "08P01", ANYWHERE, POOLER, NULL, "no such user", SG_CLASS_REJECTED },
	{ "08P01", ANYWHERE, POOLER, NULL, "authentication failed", SG_CLASS_REJECTED },
	{ "08P01", ANYWHERE, POOLER, NULL, "unsupported startup parameter", SG_CLASS_REJECTED },
	{ "08P01", ANYWHERE, POOLER, NULL, "does not exist", SG_CLASS_REJECTED },
	{ "08P01", ANYWHERE, POOLER, NULL, "statement pooling mode", SG_CLASS_REJECTED }, /* no BEGIN there */
	/* from PostgreSQL itself: a wrong number of parameters, no connection trouble */
	{ "08P01", AFTER_CONNECT, SERVER, NULL, NULL, SG_CLASS_SQL },
	{ "08", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION },
	{ "57P01", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION }, /* terminated, fast shutdown */
	{ "57P02", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION }, /* another backend crashed */
	{ "57P05", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION }, /* idle_session_timeout */
	{ "25P03", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION }, /* idle in transaction */
	{ "57P03", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT },  /* starting up, shutting down */
	{ "57P04", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_REJECTED },   /* the database was dropped */
	{ "53300", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT },  /* too many connections */
	{ "25006", AFTER_CONNECT, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT }, /* read only: failed over */
	/* BEGIN READ WRITE on a standby (variable.c, check_transaction_read_only); the text is for poolers,
	 * which do not pass on in_hot_standby */
	{ "0A000", AFTER_CONNECT, ANYONE, NULL, "during recovery", SG_CLASS_TRANSIENT },
	{ "40001", AFTER_CONNECT, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT },
	{ "40P01", AFTER_CONNECT, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT },
	{ "53200", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_TRANSIENT }, /* see sg_sqlstate_retry_once */
	{ "55P03", AFTER_CONNECT, ANYONE, NULL, NULL, SG_CLASS_LOCKED },
	/* races of two DDL statements; elog() texts are never translated */
	{ "XX000", AFTER_CONNECT, ANYONE, NULL, "tuple concurrently", SG_CLASS_TRANSIENT },
	{ "23505", AFTER_CONNECT, ANYONE, "pg_catalog", NULL, SG_CLASS_TRANSIENT },
	/* libpq alone, while connecting: what no repetition mends */
	{ "", IN_CONNECT, ANYONE, NULL, "no password supplied", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "does not support SSL", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "does not support GSSAPI", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "certificate", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "definition of service", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "service file", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "value: \"", SG_CLASS_REJECTED }, /* invalid sslmode value: "x" */
	{ "", IN_CONNECT, ANYONE, NULL, "invalid port number", SG_CLASS_REJECTED },
	{ "", IN_CONNECT, ANYONE, NULL, "invalid integer value", SG_CLASS_REJECTED },
	{ "", ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_CONNECTION },
	/* everything else */
	{ NULL, IN_CONNECT, ANYONE, NULL, NULL, SG_CLASS_REJECTED },
	{ NULL, ANYWHERE, ANYONE, NULL, NULL, SG_CLASS_SQL },
};

static bool fits(const struct rule *rule, const struct sg_report *report, const char *sqlstate)
{
	if ((rule->phases & (1u << report->phase)) == 0)
		return false;
	if (rule->sqlstate != NULL) {
		if (rule->sqlstate[0] == '\0' ? sqlstate[0] != '\0'
		                              : strncmp(sqlstate, rule->sqlstate, strlen(rule->sqlstate)) != 0)
			return false;
	}
	/* While connecting libpq does not tell who spoke: taken for a pooler. */
	if (rule->speaker == SERVER && !report->by_server)
		return false;
	if (rule->speaker == POOLER && report->by_server)
		return false;
	if (rule->schema != NULL && (report->schema == NULL || strcmp(report->schema, rule->schema) != 0))
		return false;
	return rule->message == NULL || (report->message != NULL && strstr(report->message, rule->message) != NULL);
}

static bool is_fatal(const char *severity)
{
	return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

struct sg_verdict sg_sqlstate_judge(const struct sg_report *report)
{
	const char *sqlstate = report->sqlstate != NULL ? report->sqlstate : "";
	struct sg_verdict verdict = { SG_CLASS_SQL, false, false };

	if (report->standby && strcmp(sqlstate, "0A000") == 0)
		sqlstate = "25006"; /* what it does not do, a primary does */
	for (size_t i = 0; i < SG_COUNT(rules); i++)
		if (fits(&rules[i], report, sqlstate)) {
			verdict.class = rules[i].class;
			break;
		}
	/* PQstatus still says OK after a FATAL: the severity is the truth. */
	verdict.dead = report->phase == SG_PHASE_CONNECT || report->bad || is_fatal(report->severity) ||
	               sqlstate[0] == '\0' || verdict.class == SG_CLASS_CONNECTION || verdict.class == SG_CLASS_REJECTED;
	/* Only an ERROR of the server itself is a definite rollback: a pooler does
	 * not know, and a FATAL may come after the commit record was written. */
	verdict.uncertain = report->phase == SG_PHASE_COMMIT && !(report->by_server && sqlstate[0] != '\0' &&
	                    report->severity != NULL && strcmp(report->severity, "ERROR") == 0);
	return verdict;
}

bool sg_sqlstate_retry_once(const char *sqlstate)
{
	return sqlstate != NULL && strcmp(sqlstate, "53200") == 0;
}
