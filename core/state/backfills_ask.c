/* backfills_ask.c - what a person asks of a backfill, from any host: pause, resume,
 * retry, again.
 *
 * Each is a transaction of its own: guards, the row's lock, then, in a statement of its
 * own, the state that the lock protects; what is not allowed there is told and rolled back.
 * Asking twice does no harm, so a COMMIT whose fate is unknown may be asked again. */
#include "config.h"
#include "core/state/backfills.h"

#include <inttypes.h>
#include <string.h>

#include "core/state/schema.h"
#include "core/state/words.h"

struct asking {
	struct sg_db *db;
	struct sg_arena arena;
	const char *state_schema, *schema; /* plain, quoted */
	const char *name, *key;            /* plain, quoted */
	enum sg_backfill_state state;
	bool found, begun;
	int64_t ranges, failures;
	const char *paused_by;
};

static int look(struct asking *a, bool make, struct sg_err *err)
{
	struct sg_result *result;
	const char *state;

	if (sg_db_script(a->db,
	                 sg_arena_printf(&a->arena,
	                                 "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
	                                 "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '5s';"
	                                 "SET LOCAL statement_timeout = '60s';"
	                                 "SET LOCAL idle_in_transaction_session_timeout = '20s';%s",
	                                 make ? sg_arena_printf(&a->arena,
	                                                        "INSERT INTO %s.backfills (key) VALUES (%s) ON CONFLICT (key) DO NOTHING",
	                                                        a->schema, a->key)
	                                      : ""),
	                 err) != 0 ||
	    sg_db_query(a->db, sg_arena_printf(&a->arena, "SELECT 1 FROM %s.backfills WHERE key = %s FOR UPDATE", a->schema, a->key),
	                0, NULL, &a->arena, &result, err) != 0 ||
	    sg_db_query(a->db,
	                sg_arena_printf(&a->arena,
	                                "SELECT state, started_at IS NOT NULL, paused_by,"
	                                " (SELECT count(*) FROM %s.backfill_ranges WHERE key = %s),"
	                                " (SELECT count(*) FROM %s.backfill_failures WHERE key = %s)"
	                                " FROM %s.backfills WHERE key = %s",
	                                a->schema, a->key, a->schema, a->key, a->schema, a->key),
	                0, NULL, &a->arena, &result, err) != 0)
		return -1;
	a->found = sg_result_rows(result) == 1;
	if (!a->found)
		return 0;
	state = sg_result_value(result, 0, 0);
	while (strcmp(sg_backfill_state_name(a->state), state) != 0 && a->state < SG_BACKFILL_COMPLETE)
		a->state++;
	a->begun = sg_result_true(result, 0, 1);
	a->paused_by = sg_result_value(result, 0, 2);
	a->ranges = sg_result_int(result, 0, 3);
	a->failures = sg_result_int(result, 0, 4);
	return 0;
}

static int change(struct asking *a, const char *sql, struct sg_err *err)
{
	return sg_db_script(a->db, sql, err) != 0 || sg_db_commit(a->db, err) != 0 ? -1 : 0;
}

static int never_begun(const struct asking *a, const char *what, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_USAGE, "backfill %s has not begun: %s", a->name, what);
	return sg_err_hint(err, "`sgrun backfill --only %s` begins it.", a->name);
}

static int pause(struct asking *a, const char *by, struct sg_err *err)
{
	if (a->state == SG_BACKFILL_COMPLETE) {
		sg_err_set(err, SG_CLASS_USAGE, "backfill %s is complete: there is nothing to pause", a->name);
		return sg_err_hint(err, "See `sgrun status`.");
	}
	/* paused before: that one's name and time stay */
	return change(a,
	              sg_arena_printf(&a->arena,
	                              "UPDATE %s.backfills SET state = 'paused', paused_by = %s,"
	                              " paused_at = clock_timestamp(), finished_at = NULL WHERE key = %s AND state <> 'paused'",
	                              a->schema, sg_db_literal(&a->arena, sg_state_bounded(&a->arena, by)), a->key),
	              err);
}

static int resume(struct asking *a, struct sg_err *err)
{
	if (!a->found || a->state != SG_BACKFILL_PAUSED) {
		sg_err_set(err, SG_CLASS_USAGE, "backfill %s is not paused: %s", a->name,
		           a->found ? sg_arena_printf(&a->arena, "it is %s", sg_backfill_state_name(a->state)) : "it has not begun");
		return sg_err_hint(err, "See `sgrun status`.");
	}
	return change(a,
	              sg_arena_printf(&a->arena,
	                              "UPDATE %s.backfills SET state = 'pending', paused_by = NULL, paused_at = NULL WHERE key = %s",
	                              a->schema, a->key),
	              err);
}

/* The new ranges' batches say how often each key was tried (sg_ranges_bad goes on from there). */
static int retry(struct asking *a, struct sg_err *err)
{
	if (!a->found)
		return never_begun(a, "no row of it has failed", err);
	if (a->failures == 0) {
		sg_db_rollback(a->db);
		return 0;
	}
	return change(a,
	              sg_arena_printf(&a->arena,
	                              "WITH bad AS (DELETE FROM %s.backfill_failures WHERE key = %s RETURNING key, row_key, attempts)"
	                              " INSERT INTO %s.backfill_ranges (key, lo, hi, deferred, batches, updated_at)"
	                              " SELECT key, row_key, row_key, true, attempts, clock_timestamp() FROM bad;"
	                              "UPDATE %s.backfills SET state = 'pending', finished_at = NULL, class = NULL,"
	                              " sqlstate = NULL, message = NULL WHERE key = %s"
	                              " AND state IN ('failed', 'residual', 'complete')",
	                              a->schema, a->key, a->schema, a->schema, a->key),
	              err);
}

static int again(struct asking *a, struct sg_err *err)
{
	if (!a->found)
		return never_begun(a, "there is no sweep to do again", err);
	if (a->ranges > 0) {
		sg_err_set(err, SG_CLASS_USAGE, "backfill %s is not through: %" PRId64 " %s left", a->name, a->ranges,
		           a->ranges == 1 ? "range is" : "ranges are");
		return sg_err_hint(err, "Run `sgrun backfill --only %s`: it goes on where it is.", a->name);
	}
	if (a->state == SG_BACKFILL_PAUSED) {
		sg_err_set(err, SG_CLASS_USAGE, "backfill %s is paused by %s", a->name, a->paused_by ? a->paused_by : "somebody");
		return sg_err_hint(err, "Resume it first: `sgrun backfill --resume %s`.", a->name);
	}
	if (a->state == SG_BACKFILL_RUNNING) {
		sg_err_set(err, SG_CLASS_USAGE, "backfill %s is running", a->name);
		return sg_err_hint(err, "Wait for its end (see `sgrun status`); if its runner died, `sgrun backfill --only %s`"
		                        " brings it to its end.", a->name);
	}
	/* pass 0: asked for, whatever the fingerprint says (sg_backfill_row.again) */
	return change(a,
	              sg_arena_printf(&a->arena,
	                              "UPDATE %s.backfills SET state = 'pending', pass = 0, lanes = 0, rows_done = 0,"
	                              " rows_estimate = NULL, started_at = NULL, finished_at = NULL, class = NULL, sqlstate = NULL,"
	                              " message = NULL WHERE key = %s; DELETE FROM %s.backfill_failures WHERE key = %s",
	                              a->schema, a->key, a->schema, a->key),
	              err);
}

static int begin(struct asking *a, struct sg_db *db, const char *state_schema, const char *key, bool make,
                 struct sg_err *err)
{
	memset(a, 0, sizeof *a);
	a->db = db;
	a->state_schema = state_schema;
	a->schema = sg_db_identifier(&a->arena, state_schema);
	a->name = key;
	a->key = sg_db_literal(&a->arena, key);
	return look(a, make, err);
}

static int end(struct asking *a, int status, struct sg_err *err)
{
	if (status != 0) {
		if (!sg_db_lost(a->db))
			sg_db_rollback(a->db);
		if (err->class == SG_CLASS_LOCKED) {
			sg_err_wrap(err, "backfill %s is locked", a->name);
			sg_err_hint(err, "A long batch, or another sgrun, holds its row: ask again in a moment.");
		}
		sg_state_explain(err, "write to", a->state_schema);
	}
	sg_arena_release(&a->arena);
	return status;
}

int sg_backfills_pause(struct sg_db *db, const char *state_schema, const char *key, const char *by,
                       struct sg_err *err)
{
	struct asking a = { 0 };

	return end(&a, begin(&a, db, state_schema, key, true, err) == 0 ? pause(&a, by, err) : -1, err);
}

int sg_backfills_resume(struct sg_db *db, const char *state_schema, const char *key, struct sg_err *err)
{
	struct asking a = { 0 };

	return end(&a, begin(&a, db, state_schema, key, false, err) == 0 ? resume(&a, err) : -1, err);
}

int sg_backfills_retry(struct sg_db *db, const char *state_schema, const char *key, int64_t *count_r,
                       struct sg_err *err)
{
	struct asking a = { 0 };
	int status = begin(&a, db, state_schema, key, false, err) == 0 ? retry(&a, err) : -1;

	*count_r = status == 0 ? a.failures : 0;
	return end(&a, status, err);
}

int sg_backfills_again(struct sg_db *db, const char *state_schema, const char *key, struct sg_err *err)
{
	struct asking a = { 0 };

	return end(&a, begin(&a, db, state_schema, key, false, err) == 0 ? again(&a, err) : -1, err);
}
