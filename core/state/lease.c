/* lease.c - taking, renewing and giving back the lease row.
 *
 * Each call is one string with its own BEGIN, so that a role's defaults for
 * isolation, read-only or search_path do not matter; its COMMIT needs no care, since every
 * call may be repeated. FOR UPDATE SKIP LOCKED: a locked row is a working
 * runner, and nobody waits for it. */
#include "config.h"
#include "core/state/lease.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/stop.h"
#include "core/state/schema.h"

#define LOOK_MS 50
#define MOST_LOOKERS 40
#define READ_WRITE_ON_STANDBY "0A000" /* "cannot set transaction read-write mode during recovery" */

#define BEGIN_SHORT BEGIN_AS("READ WRITE")
#define BEGIN_AS(access) \
	"BEGIN ISOLATION LEVEL READ COMMITTED " access "; SET LOCAL search_path = pg_catalog, pg_temp;" \
	"SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s';" \
	"SET LOCAL idle_in_transaction_session_timeout = '10s';"

/* A standby knows neither locks nor whether expires_at is the newest: nobody is called dead there. */
static const char *look_on_standby_sql(const char *schema, struct sg_arena *arena)
{
	return sg_arena_printf(arena,
	                       BEGIN_AS("READ ONLY")
	                       "SELECT owner, pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), doing, true"
	                       " FROM %s.lease WHERE name = 'migrate'; ROLLBACK",
	                       schema);
}

/* FOR SHARE SKIP LOCKED is what tells a dead holder from a working one. A role
 * that may only read sees at least whether some transaction has locked a row. */
static const char *look_sql(const char *schema, bool may_lock, struct sg_arena *arena)
{
	const char *free = may_lock ? sg_arena_printf(arena,
	                                              "SELECT FROM %s.lease WHERE name = 'migrate' FOR SHARE SKIP LOCKED", schema)
	                            : sg_arena_printf(arena,
	                                              "SELECT WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation'"
	                                              " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	                                              " AND relation = %s::regclass AND mode IN ('RowShareLock', 'RowExclusiveLock')"
	                                              " AND granted AND pid <> pg_backend_pid())",
	                                              sg_db_literal(arena, sg_arena_printf(arena, "%s.lease", schema)));

	return sg_arena_printf(arena,
	                       BEGIN_SHORT
	                       "WITH free AS MATERIALIZED (%s)"
	                       " SELECT owner, pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), doing,"
	                       " expires_at > pg_catalog.clock_timestamp() OR NOT EXISTS (SELECT FROM free)"
	                       " FROM %s.lease WHERE name = 'migrate'; ROLLBACK",
	                       free, schema);
}

int sg_lease_look(const char *state_schema, struct sg_db *db, struct sg_arena *arena,
                  struct sg_lease_holder *holder_r, struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, state_schema);
	struct sg_result *result;
	const char *sql;

	memset(holder_r, 0, sizeof *holder_r);
	sql = look_sql(schema, true, arena);
	for (bool first = true; sg_db_script_rows(db, sql, arena, &result, err) != 0; first = false) {
		if (!sg_db_lost(db))
			sg_db_rollback(db);
		if (!sg_db_lost(db) && first && strcmp(err->sqlstate, "42501") == 0) {
			sql = look_sql(schema, false, arena);
		} else if (!sg_db_lost(db) && first && strcmp(err->sqlstate, READ_WRITE_ON_STANDBY) == 0) {
			sql = look_on_standby_sql(schema, arena);
		} else {
			sg_state_explain(err, "read", state_schema);
			return -1;
		}
		sg_err_clear(err);
	}
	if (sg_result_rows(result) != 1) {
		sg_err_set(err, SG_CLASS_STATE, "table %s.lease has lost its row", schema);
		return sg_err_hint(err, "The state tables were tampered with. Put it back, while no runner works: INSERT INTO"
		                        " %s.lease (name) VALUES ('migrate');", schema);
	}
	holder_r->owner = sg_result_value(result, 0, 0);
	holder_r->since = sg_result_value(result, 0, 1);
	holder_r->doing = sg_result_value(result, 0, 2);
	holder_r->alive = holder_r->owner != NULL && sg_result_true(result, 0, 3);
	return 0;
}

static int try_once(struct sg_lease *lease, struct sg_db *db, struct sg_arena *arena, struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, lease->state_schema);
	const char *owner = sg_db_literal(arena, lease->owner);
	struct sg_result *result;
	const char *sql;

	sql = sg_arena_printf(arena,
	                      BEGIN_SHORT
	                      "UPDATE %s.lease SET owner = %s, fence = fence + 1, since = pg_catalog.clock_timestamp(),"
	                      " expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => %d), doing = NULL"
	                      " WHERE name = (SELECT name FROM %s.lease WHERE name = 'migrate' AND"
	                      " (owner IS NULL OR owner = %s OR expires_at < pg_catalog.clock_timestamp())"
	                      " FOR UPDATE SKIP LOCKED) RETURNING fence; COMMIT",
	                      schema, owner, lease->seconds, schema, owner);
	if (sg_db_script_rows(db, sql, arena, &result, err) != 0) {
		if (!sg_db_lost(db))
			sg_db_rollback(db);
		sg_state_explain(err, "write to", lease->state_schema);
		return -1;
	}
	if (sg_result_rows(result) == 1) {
		lease->fence = sg_result_int(result, 0, 0);
		return 1;
	}
	lease->fence = 0;
	return 0;
}

int sg_lease_take(struct sg_lease *lease, struct sg_db *db, struct sg_arena *arena,
                  struct sg_lease_holder *holder_r, struct sg_err *err)
{
	for (int turn = 1;; turn++) {
		int taken = try_once(lease, db, arena, err);

		if (taken != 0)
			return taken;
		if (sg_lease_look(lease->state_schema, db, arena, holder_r, err) != 0)
			return -1;
		/* Nobody has it, or a dead runner, and yet its row was locked: by one
		 * who looks, or takes it in this moment; be it our own ghost. */
		if ((holder_r->alive && strcmp(holder_r->owner, lease->owner) != 0) || turn >= MOST_LOOKERS)
			return 0;
		if (!sg_stop_sleep(LOOK_MS))
			return sg_stop_err(err);
	}
}

int sg_lease_renew(struct sg_lease *lease, struct sg_db *db, const char *doing, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *result;
	int status = -1;

	/* A row that our own ghost still locks is not lost: the lock is the sign of life. */
	if (sg_db_script_rows(db,
	                      sg_arena_printf(&arena,
	                                      BEGIN_SHORT
	                                      "WITH mine AS (SELECT name FROM %s.lease WHERE name = 'migrate' AND owner = %s"
	                                      " AND fence = %" PRId64 " FOR UPDATE SKIP LOCKED),"
	                                      " done AS (UPDATE %s.lease l SET expires_at = pg_catalog.clock_timestamp()"
	                                      " + pg_catalog.make_interval(secs => %d), doing = %s FROM mine"
	                                      " WHERE l.name = mine.name RETURNING 1)"
	                                      " SELECT EXISTS (SELECT FROM %s.lease WHERE name = 'migrate' AND owner = %s"
	                                      " AND fence = %" PRId64 "), (SELECT count(*) FROM done); COMMIT",
	                                      sg_db_identifier(&arena, lease->state_schema),
	                                      sg_db_literal(&arena, lease->owner), lease->fence,
	                                      sg_db_identifier(&arena, lease->state_schema), lease->seconds,
	                                      doing ? sg_db_literal(&arena, doing) : "NULL",
	                                      sg_db_identifier(&arena, lease->state_schema),
	                                      sg_db_literal(&arena, lease->owner), lease->fence),
	                      &arena, &result, err) != 0) {
		if (!sg_db_lost(db))
			sg_db_rollback(db);
	} else if (sg_result_true(result, 0, 0)) {
		status = sg_result_int(result, 0, 1) == 1 ? 1 : 2;
	} else {
		status = 0;
	}
	sg_arena_release(&arena);
	return status;
}

void sg_lease_release(struct sg_lease *lease, struct sg_db *db)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;

	if (lease->fence != 0 && db != NULL && !sg_db_lost(db) &&
	    sg_db_script(db,
	                 sg_arena_printf(&arena,
	                                 BEGIN_SHORT "UPDATE %s.lease SET owner = NULL, since = NULL, expires_at = NULL,"
	                                             " doing = NULL WHERE name = 'migrate' AND owner = %s AND fence = %" PRId64
	                                             "; COMMIT",
	                                 sg_db_identifier(&arena, lease->state_schema),
	                                 sg_db_literal(&arena, lease->owner), lease->fence),
	                 &err) != 0 &&
	    !sg_db_lost(db))
		sg_db_rollback(db);
	lease->fence = 0;
	sg_err_release(&err);
	sg_arena_release(&arena);
}

int sg_lease_lost_err(const struct sg_lease *lease, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_LEASE, "another runner took the lease: nothing more is done here");
	sg_err_detail(err, "This runner was %s; it had not renewed the lease for %d s or longer.", lease->owner, lease->seconds);
	return sg_err_hint(err, "See who works with `sgrun status`, or run again with --wait SECONDS.");
}
