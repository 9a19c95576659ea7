/* indexes.c - the rows of the table indexes: claims, and what was seen.
 *
 * Claims on one table are told apart by an advisory lock of the transaction (pooler-safe), which
 * nobody waits for: who does not get it lets go of everything and looks again. What the
 * lock protects is read in a statement of its own, after it. Every call is one short transaction
 * under a search_path of ours, and does no harm when it is done twice. */
#include "config.h"
#include "core/state/indexes.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/stop.h"
#include "core/state/schema.h"
#include "core/state/words.h"

#define LOOK_MS 50
#define MOST_LOOKS 20   /* for a claim: a second */
#define RENEW_LOOKS 4   /* on a connection that has more to do */

#define NOW "pg_catalog.clock_timestamp()"

#define BEGIN_SHORT \
	"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = pg_catalog, pg_temp;" \
	"SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s';" \
	"SET LOCAL idle_in_transaction_session_timeout = '10s';"

static const char *const state_names[] = { "missing", "building", "valid", "invalid", "drifted", "failed" };

const char *sg_index_state_name(enum sg_index_state state)
{
	SG_ASSERT((size_t)state < SG_COUNT(state_names));
	return state_names[state];
}

/* ---- reading ---------------------------------------------------------------- */

/* In whatever transaction, and on a standby: nothing is locked. */
int sg_indexes_read(struct sg_db *db, const char *state_schema, struct sg_arena *arena, struct sg_index_row **rows_r,
                    size_t *count_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db,
	                sg_arena_printf(arena,
	                                "SELECT i.name, i.state, i.owner, i.owner IS NOT NULL AND i.expires_at" SG_GT NOW ", "
	                                SG_UTC("i.started_at") ", " SG_UTC("i.finished_at") ", i.duration_ms, i.bytes, i.sqlstate,"
	                                " i.message FROM %s.indexes i ORDER BY i.name",
	                                sg_db_identifier(arena, state_schema)),
	                0, NULL, arena, &result, err) != 0) {
		sg_state_explain(err, "read", state_schema);
		return -1;
	}
	*count_r = (size_t)sg_result_rows(result);
	*rows_r = sg_arena_array(arena, *count_r, sizeof **rows_r);
	for (int at = 0; at < sg_result_rows(result); at++) {
		struct sg_index_row *row = &(*rows_r)[at];

		row->name = sg_result_value(result, at, 0);
		for (size_t i = 0; i < SG_COUNT(state_names); i++)
			if (strcmp(sg_result_value(result, at, 1), state_names[i]) == 0)
				row->state = (enum sg_index_state)i;
		row->owner = sg_result_value(result, at, 2);
		row->alive = sg_result_true(result, at, 3);
		row->started_at = sg_result_value(result, at, 4);
		row->finished_at = sg_result_value(result, at, 5);
		row->duration_ms = sg_result_int_or(result, at, 6, -1);
		row->bytes = sg_result_int_or(result, at, 7, -1);
		row->sqlstate = sg_result_value(result, at, 8);
		row->message = sg_result_value(result, at, 9);
	}
	return 0;
}

const struct sg_index_row *sg_indexes_find(const struct sg_index_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* ---- claims ---------------------------------------------------------------- */

static const char *names_sql(const struct sg_index_claim *claim, struct sg_arena *arena)
{
	const char *names = sg_db_text_array(arena, claim->siblings, claim->sibling_count);

	return sg_arena_printf(arena, "array_append(%s::text[], %s)", sg_db_literal(arena, names),
	                       sg_db_literal(arena, claim->name));
}

/* One row comes back: whether the claim was written, and somebody else's that lives.
 *
 * The row is locked before it is read (nobody is waited for: NOWAIT), so what the WHERE of the last
 * statement sees is what it writes to. Where no row is, ON CONFLICT looks again at one that came meanwhile. */
static const char *write_sql(const struct sg_index_claim *claim, bool renew, struct sg_arena *arena)
{
	const char *table = sg_arena_printf(arena, "%s.indexes", sg_db_identifier(arena, claim->state_schema));
	const char *name = sg_db_literal(arena, claim->name), *owner = sg_db_literal(arena, claim->owner);
	const char *write;

	if (renew)
		write = sg_arena_printf(arena,
		                        "UPDATE %s SET expires_at = clock_timestamp() + make_interval(secs => %d)"
		                        " WHERE name = %s AND owner = %s AND NOT EXISTS (SELECT FROM alive) RETURNING 1",
		                        table, claim->seconds, name, owner);
	else
		write = sg_arena_printf(
			arena,
			"INSERT INTO %s AS i (name, state, owner, expires_at, started_at)"
			" SELECT %s, 'building', %s, clock_timestamp() + make_interval(secs => %d), clock_timestamp()"
			" WHERE NOT EXISTS (SELECT FROM alive)"
			" ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at,"
			/* another has just built it: its gates stay open while this one finds that out */
			" state = CASE WHEN i.state = 'valid' THEN i.state ELSE excluded.state END,"
			" started_at = CASE WHEN i.owner = excluded.owner THEN i.started_at ELSE excluded.started_at END,"
			" finished_at = CASE WHEN i.state = 'valid' THEN i.finished_at END, sqlstate = NULL, message = NULL"
			" WHERE i.owner IS NULL OR i.owner = excluded.owner OR i.expires_at <= clock_timestamp() RETURNING 1",
			table, name, owner, claim->seconds);
	return sg_arena_printf(arena,
	                       "SELECT FROM %1$s WHERE name = %2$s FOR UPDATE NOWAIT;"
	                       "WITH alive AS MATERIALIZED (SELECT name, owner, started_at, expires_at FROM %1$s WHERE name = ANY (%3$s)"
	                       " AND owner <> %4$s AND expires_at > clock_timestamp() ORDER BY name <> %2$s, name LIMIT 1),"
	                       " written AS (%5$s)"
	                       " SELECT (SELECT count(*) FROM written), a.owner, a.name, " SG_UTC("a.started_at") ","
	                       " ceil(extract(epoch FROM a.expires_at - clock_timestamp()))::int8"
	                       " FROM (SELECT 1) one LEFT JOIN alive a ON true; COMMIT",
	                       table, name, names_sql(claim, arena), owner, write);
}

/* 1: written; 0: not, and holder_r says whose claim lives, or is NULL: nobody's, and the table has just been locked
 * by whoever claims, renews or notes in this moment (0), or the row is not ours any more (renew); -1. */
static int write_once(const struct sg_index_claim *claim, bool renew, struct sg_db *db, struct sg_arena *arena,
                      bool *passing_r, const char **holder_r, struct sg_err *err)
{
	struct sg_result *result;
	int status = -1;

	*passing_r = false;
	*holder_r = NULL;
	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena, BEGIN_SHORT "SELECT pg_try_advisory_xact_lock(%d, hashtext(%s))",
	                                      SG_INDEX_CLAIM_LOCK, sg_db_literal(arena, claim->relation)),
	                      arena, &result, err) == 0) {
		if (!sg_result_true(result, 0, 0)) {
			*passing_r = true;
			sg_db_rollback(db);
			return 0;
		}
		if (sg_db_script_rows(db, write_sql(claim, renew, arena), arena, &result, err) == 0) {
			status = sg_result_int(result, 0, 0) == 1;
			if (status == 0 && sg_result_value(result, 0, 1) != NULL)
				*holder_r = sg_arena_printf(arena, "%s, since %s: %s (its claim runs out in %" PRId64 " s if it does not renew it)",
				                            sg_result_value(result, 0, 1),
				                            sg_result_value(result, 0, 3) ? sg_result_value(result, 0, 3) : "some time",
				                            sg_result_value(result, 0, 2), sg_result_int(result, 0, 4));
			return status;
		}
	}
	if (!sg_db_lost(db))
		sg_db_rollback(db);
	if (!sg_db_lost(db) && err->class == SG_CLASS_LOCKED) {
		sg_err_clear(err);
		*passing_r = true;
		return 0;
	}
	sg_state_explain(err, "write to", claim->state_schema);
	return -1;
}

int sg_index_claim_take(const struct sg_index_claim *claim, struct sg_db *db, struct sg_arena *arena,
                        const char **holder_r, struct sg_err *err)
{
	for (int turn = 1;; turn++) {
		bool passing;
		int taken = write_once(claim, false, db, arena, &passing, holder_r, err);

		if (taken != 0 || *holder_r != NULL)
			return taken;
		if (turn >= MOST_LOOKS) {
			*holder_r = sg_arena_printf(arena, "somebody who holds a lock on the claims of %s", claim->relation);
			return 0;
		}
		if (!sg_stop_sleep(LOOK_MS))
			return sg_stop_err(err);
	}
}

/* A claim that has expired is taken anew by the same rules: a sibling's may live by now. */
int sg_index_claim_renew(const struct sg_index_claim *claim, struct sg_db *db, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	bool passing = true;
	int status = 0;

	for (int turn = 1; passing && status == 0; turn++) {
		const char *holder;

		if (turn > 1)
			(void)sg_stop_sleep(LOOK_MS);
		status = write_once(claim, true, db, &arena, &passing, &holder, err);
		if (status == 0 && passing && turn >= RENEW_LOOKS)
			status = sg_err_set(err, SG_CLASS_LOCKED, "somebody holds a lock on the claims of %s", claim->relation);
	}
	sg_arena_release(&arena);
	return status;
}

static int run_short(struct sg_db *db, const char *sql, const char *state_schema, struct sg_err *err)
{
	if (sg_db_script(db, sql, err) == 0)
		return 0;
	if (!sg_db_lost(db))
		sg_db_rollback(db);
	sg_state_explain(err, "write to", state_schema);
	return -1;
}

void sg_index_claim_drop(const struct sg_index_claim *claim, struct sg_db *db)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;

	if (db != NULL && !sg_db_lost(db) &&
	    run_short(db,
	              sg_arena_printf(&arena,
	                              BEGIN_SHORT "UPDATE %s.indexes SET state = CASE WHEN state = 'building' THEN 'missing' ELSE state END,"
	                                          " owner = NULL, expires_at = NULL"
	                                          " WHERE name = %s AND owner = %s; COMMIT",
	                              sg_db_identifier(&arena, claim->state_schema), sg_db_literal(&arena, claim->name),
	                              sg_db_literal(&arena, claim->owner)),
	              claim->state_schema, &err) != 0)
		sg_err_release(&err);
	sg_arena_release(&arena);
}

/* ---- what was seen ---------------------------------------------------------------- */

static const char *or_null(const char *text, struct sg_arena *arena)
{
	return text != NULL ? sg_db_literal(arena, text) : "NULL::text";
}

static const char *number_or_null(int64_t number, struct sg_arena *arena)
{
	return number >= 0 ? sg_arena_printf(arena, "%" PRId64 "::bigint", number) : "NULL::bigint";
}

/* The primary, and behind a line break the detail: sg_index_row_err takes them apart. */
static const char *message_of(const struct sg_err *why, struct sg_arena *arena)
{
	if (why == NULL || why->class == SG_CLASS_NONE || why->primary == NULL)
		return NULL;
	return sg_state_bounded(arena, why->detail != NULL ? sg_arena_printf(arena, "%s\n%s", why->primary, why->detail)
	                                                   : why->primary);
}

int sg_indexes_note(struct sg_db *db, const char *state_schema, const char *name, const char *owner,
                    const struct sg_index_seen *seen, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *message = message_of(seen->why, &arena);
	const char *sqlstate = message != NULL && seen->why->sqlstate[0] != '\0' ? seen->why->sqlstate : NULL;
	const char *same_why, *same_state = "i.state = n.state";
	/* What is valid nobody builds, whatever a claim says: its owner was killed at the end of it, or is about to note the same. */
	bool valid = seen->state == SG_INDEX_VALID;
	int status;

	SG_ASSERT(seen->state != SG_INDEX_BUILDING);
	/* Who only looks sees that nothing is there, or that it is broken: why so, the last build has said. */
	same_why = message == NULL && (seen->state == SG_INDEX_INVALID || seen->state == SG_INDEX_DRIFTED ||
	                               seen->state == SG_INDEX_FAILED || seen->state == SG_INDEX_MISSING)
	                   ? "true"
	                   : "(i.sqlstate, i.message) IS NOT DISTINCT FROM (n.sqlstate, n.message)";
	if (seen->state == SG_INDEX_MISSING && message == NULL && owner == NULL)
		same_state = "i.state IN (n.state, 'failed')";
	status = run_short(
		db,
		sg_arena_printf(
			&arena,
			BEGIN_SHORT
			"WITH n (name, state, duration_ms, bytes, sqlstate, message, by) AS (VALUES (%2$s, '%3$s', %4$s, %5$s, %6$s, %7$s, %8$s))"
			" INSERT INTO %1$s.indexes AS i (name, state, finished_at, duration_ms, bytes, sqlstate, message)"
			" SELECT n.name, n.state, CASE WHEN n.duration_ms IS NOT NULL THEN clock_timestamp() END, n.duration_ms, n.bytes,"
			" n.sqlstate, n.message FROM n WHERE NOT EXISTS (SELECT FROM %1$s.indexes i WHERE i.name = n.name AND"
			" ((%12$s AND i.owner IS NOT NULL AND i.owner IS DISTINCT FROM n.by AND i.expires_at > clock_timestamp())"
			" OR (i.owner IS NULL AND n.duration_ms IS NULL AND %9$s AND %10$s"
			" AND COALESCE(n.bytes, i.bytes, -1) = COALESCE(i.bytes, -1))))"
			" ON CONFLICT (name) DO UPDATE SET state = excluded.state, owner = NULL, expires_at = NULL,"
			" finished_at = COALESCE(excluded.finished_at, i.finished_at),"
			" duration_ms = COALESCE(excluded.duration_ms, i.duration_ms),"
			" bytes = CASE WHEN excluded.state IN ('missing', 'failed') THEN NULL ELSE COALESCE(excluded.bytes, i.bytes) END,"
			" sqlstate = CASE WHEN %11$s THEN i.sqlstate ELSE excluded.sqlstate END,"
			" message = CASE WHEN %11$s THEN i.message ELSE excluded.message END"
			" WHERE NOT %12$s OR i.owner IS NULL OR i.owner = %8$s OR i.expires_at <= clock_timestamp(); COMMIT",
			sg_db_identifier(&arena, state_schema), sg_db_literal(&arena, name), state_names[seen->state],
			number_or_null(seen->duration_ms, &arena), number_or_null(seen->bytes, &arena), or_null(sqlstate, &arena),
			or_null(message, &arena), or_null(owner, &arena), same_state, same_why,
			message == NULL ? "i.state = excluded.state AND i.state IN ('invalid', 'drifted', 'failed')" : "false",
			valid ? "false" : "true"),
		state_schema, err);
	sg_arena_release(&arena);
	return status;
}

void sg_index_row_err(const struct sg_index_row *row, struct sg_arena *arena, struct sg_err *err_r)
{
	const char *line = row->message != NULL ? strchr(row->message, '\n') : NULL;
	enum sg_class class = row->state == SG_INDEX_DRIFTED ? SG_CLASS_VERIFY : SG_CLASS_SQL; /* as the run said it */

	sg_err_init(err_r);
	if (row->message == NULL)
		return;
	sg_err_defer(err_r, arena);
	if (line == NULL) {
		sg_err_set(err_r, class, "%s", row->message);
	} else {
		sg_err_set(err_r, class, "%.*s", (int)(line - row->message), row->message);
		sg_err_detail(err_r, "%s", line + 1);
	}
	sg_err_sqlstate(err_r, row->sqlstate);
	sg_err_step(err_r, row->name);
}

const char *sg_index_row_text(const struct sg_index_row *row, struct sg_arena *arena)
{
	int line = row != NULL && row->message != NULL ? (int)strcspn(row->message, "\n") : 0;

	switch (row != NULL ? row->state : SG_INDEX_MISSING) {
	case SG_INDEX_VALID:
		return "valid";
	case SG_INDEX_BUILDING:
		if (!row->alive)
			return "its build was broken off";
		return sg_arena_printf(arena, "being built by %s since %s", row->owner, row->started_at ? row->started_at : "some time");
	case SG_INDEX_INVALID:
		return line > 0 ? sg_arena_printf(arena, "invalid: %.*s", line, row->message) : "invalid, to be built again";
	case SG_INDEX_DRIFTED:
		return "drifted: it is not what the manifest says";
	case SG_INDEX_FAILED:
		return line > 0 ? sg_arena_printf(arena, "failed: %.*s", line, row->message) : "failed";
	case SG_INDEX_MISSING:
		break;
	}
	return "not built yet";
}
