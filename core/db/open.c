/* open.c - one good connection out of all the places that a string names: which
 * is tried for how long, and what a session must be like before it is used. */
#include "config.h"
#include "core/db/db.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/db/conninfo.h"

static int expect(const struct sg_db *db, const char *name, const char *wanted, struct sg_err *err)
{
	const char *value = sg_db_parameter(db, name);

	if (value != NULL && strcmp(value, wanted) == 0)
		return 0;
	sg_err_set(err, SG_CLASS_STATE, "the session has %s = %s, but %s is needed", name, value ? value : "unknown", wanted);
	return sg_err_hint(err, "Set it for the role (ALTER ROLE … SET %s = '%s'), and behind a pooler reconnect its"
	                        " sessions; statements are checked by a parser that takes it for granted.", name, wanted);
}

int sg_session_check(const struct sg_db *db, struct sg_err *err)
{
	int major = sg_db_server_version(db) / 10000;
	const char *version = sg_db_parameter(db, "server_version");

	if (major < 14 || major > 18) {
		sg_err_set(err, SG_CLASS_STATE, "the server says its version is %s; this sgrun knows PostgreSQL 14 to 18",
		           version ? version : "unknown");
		return sg_err_hint(err, major > 18 ? "Use a newer sgrun." : "Upgrade the server;"
		                        " or is this a pooler's administration console?");
	}
	if (expect(db, "client_encoding", "UTF8", err) != 0)
		return -1;
	return expect(db, "standard_conforming_strings", "on", err);
}

int sg_session_kept(const struct sg_db *db, struct sg_err *err)
{
	static const char *const wanted[][2] = { { "client_encoding", "UTF8" }, { "standard_conforming_strings", "on" } };

	for (size_t i = 0; i < SG_COUNT(wanted); i++) {
		const char *value = sg_db_parameter(db, wanted[i][0]);

		if (value != NULL && strcmp(value, wanted[i][1]) == 0)
			continue;
		sg_err_set(err, SG_CLASS_POLICY, "the session's %s has been made %s", wanted[i][0], value ? value : "unknown");
		sg_err_detail(err, "A function, trigger or rule behind a statement did that, or an administrator for all sessions.");
		return sg_err_hint(err, "What sgrun checks and sends would be read as something else: take that setting out.");
	}
	return 0;
}

/* Another server will not like the password better, and may lock the account. */
static bool ends_search(enum sg_class class)
{
	return class == SG_CLASS_REJECTED || class == SG_CLASS_STATE || class == SG_CLASS_INTERRUPTED ||
	       class == SG_CLASS_TERMINATED;
}

/* Each place gets its share of the time that is left. */
static int try_all(struct sg_db **db_r, const struct sg_target *targets, size_t count, int64_t deadline,
                   struct sg_err *err)
{
	struct sg_buf all = SG_BUF_INIT;

	for (size_t i = 0; i < count && !ends_search(err->class); i++) {
		struct sg_err failure = SG_ERR_INIT;
		int64_t share = sg_clock_left(deadline) / (int)(count - i);

		if (sg_db_attempt(db_r, &targets[i], sg_clock_ms() + share, &failure) == 0) {
			sg_buf_release(&all);
			return 0;
		}
		sg_buf_addf(&all, "%s%s", all.length > 0 ? "\n" : "", failure.primary);
		/* What a server said tells more than that another one is silent. */
		if (err->class == SG_CLASS_NONE || ends_search(failure.class) ||
		    (err->sqlstate[0] == '\0' && failure.sqlstate[0] != '\0'))
			sg_err_move(err, &failure);
		sg_err_release(&failure);
	}
	if (count > 1)
		sg_err_detail(err, "%s", all.data);
	sg_buf_release(&all);
	return -1;
}

int sg_db_open(struct sg_db **db_r, const struct sg_dsn *dsn, const char *application_name, int64_t deadline,
               struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err failure = SG_ERR_INIT;
	struct sg_dsn full = *dsn;
	struct sg_target *targets;
	size_t count;
	int rc;

	sg_dsn_put(&full, &arena, "application_name", application_name);
	sg_dsn_put(&full, &arena, "client_encoding", "UTF8");
	count = sg_dsn_targets(&full, &arena, &targets);
	rc = try_all(db_r, targets, count, deadline, &failure);
	if (rc != 0)
		sg_err_move(err, &failure);
	sg_err_release(&failure);
	sg_arena_release(&arena);
	return rc;
}
