/* own_session.c - the session that builds: opened, judged (is it ours alone, or is a pooler in
 * between?) and set up, and its advisory lock on the table.
 *
 * SET and session locks are used only where pg_backend_pid() is what the startup packet's
 * answer said: behind a pooler they would be another client's. There a build works all
 * the same, with the settings of the server's role; what of them can harm it is named. No
 * lock is ever waited for on the server: a waiter would hold a snapshot, and a build wait for it. */
#include "config.h"
#include "core/index/build.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/state/schema.h"

#define LOCK_CLASS 0x73677269 /* "sgri", for advisory locks on tables */
#define IDLE_SECONDS 3        /* an sgrun's session that has the lock and does nothing for so long has lost its client */

void sg_index_say_pooled(struct sg_run *run)
{
	if (run->index_pooler_said)
		return;
	run->index_pooler_said = true;
	sg_log(SG_LOG_INFO, "index-pooler", NULL, 0,
	       "indexes are built through a connection pooler: session settings (statement_timeout, lock_timeout, role) cannot be"
	       " set there, and a session lock cannot tell of an earlier build; claims and the server's progress views do."
	       " Give [database] a direct_dsn to have both");
}

/* Behind a pooler these hold as they are. */
static void name_settings(struct sg_index_work *work, const struct sg_result *result)
{
	const struct sg_manifest *manifest = work->build->run->manifest;
	const char *step = work->build->definition->step->id;

	sg_index_say_pooled(work->build->run);
	work->pooled_read_only = strcmp(sg_result_value(result, 0, 4), "on") == 0;
	if (work->pooled_said)
		return;
	work->pooled_said = true;
	if (strcmp(sg_result_value(result, 0, 1), "0") != 0)
		sg_log(SG_LOG_WARNING, "index-pooler", step, 0,
		       "the pooled session has statement_timeout = %s: a build that takes longer will be cancelled by it",
		       sg_result_value(result, 0, 1));
	if (strcmp(sg_result_value(result, 0, 2), "0") != 0)
		sg_log(SG_LOG_WARNING, "index-pooler", step, 0,
		       "the pooled session has lock_timeout = %s: a build that waits longer for others will be ended by it",
		       sg_result_value(result, 0, 2));
	if (work->pooled_read_only)
		sg_log(SG_LOG_WARNING, "index-pooler", step, 0,
		       "the pooled session has default_transaction_read_only = on: nothing can be built in it");
	if (manifest->role != NULL)
		sg_log(SG_LOG_WARNING, "index-pooler", step, 0, "role = %s cannot be set for a build behind a pooler: it is done as %s",
		       manifest->role, sg_result_value(result, 0, 3));
}

/* Ours, by what this session sees: else what it builds is in another database than what the watch sees. */
static int check_claim(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_index_claim *claim = &work->claim;
	struct sg_result *result;
	const char *values[2] = { claim->name, claim->owner };

	if (!work->build->run->has_direct || work->renewed_ms == 0)
		return 0;
	if (sg_db_query(work->session.db,
	                sg_arena_printf(arena,
	                                "SELECT EXISTS (SELECT FROM %s.indexes WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text"
	                                " AND owner OPERATOR(pg_catalog.=) $2::pg_catalog.text)",
	                                sg_db_identifier(arena, claim->state_schema)),
	                2, values, arena, &result, err) == 0) {
		if (sg_result_true(result, 0, 0))
			return 0;
	} else if (sg_db_lost(work->session.db) || !sg_state_is_missing(err)) {
		sg_state_explain(err, "read", claim->state_schema);
		return -1;
	}
	sg_err_clear(err);
	sg_err_set(err, SG_CLASS_STATE, "direct_dsn leads to another database than dsn: our claim is not there");
	return sg_err_hint(err, "Let direct_dsn in [database] name the same server and database, past the pooler.");
}

static int set_up(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_index_build *build = work->build;
	struct sg_session *own = &work->session;

	/* No lock_timeout: a build waits for old snapshots under it, too, and one that it ends leaves an invalid index. */
	sg_buf_addf(&own->pending,
	            "SET default_transaction_read_only = off;SET default_transaction_isolation = 'read committed';"
	            "SET search_path = %s, pg_temp;SET lock_timeout = 0;SET statement_timeout = 0;SET idle_session_timeout = 0;"
	            "SET TimeZone = 'UTC';SET client_connection_check_interval = 500;SET application_name = %s;",
	            sg_db_identifier(arena, build->run->manifest->schema),
	            sg_db_literal(arena, sg_arena_printf(arena, "sgrun:%s", build->definition->name)));
	if (sg_db_server_version(own->db) >= 170000)
		sg_buf_adds(&own->pending, "SET transaction_timeout = 0;");
	return sg_session_flush(own, err);
}

int sg_index_own_open(struct sg_index_work *work, struct sg_err *err)
{
	struct sg_session *own = &work->session;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *result;
	int status = -1;

	if (work->set_up && own->db != NULL && !sg_db_lost(own->db))
		return 0;
	work->locked = work->set_up = false;
	if (sg_session_open(own, err) == 0 &&
	    sg_db_query(own->db,
	                "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('statement_timeout'),"
	                " pg_catalog.current_setting('lock_timeout'), session_user,"
	                " pg_catalog.current_setting('default_transaction_read_only')",
	                0, NULL, &arena, &result, err) == 0) {
		work->own_session = (int)sg_result_int(result, 0, 0) == sg_db_pid(own->db);
		if (!work->own_session)
			name_settings(work, result);
		status = check_claim(work, &arena, err);
		if (status == 0 && work->own_session)
			status = set_up(work, &arena, err);
		work->set_up = status == 0;
	}
	if (status != 0)
		sg_session_drop(own); /* half set up it is of no use to anybody */
	sg_arena_release(&arena);
	return status;
}

int sg_index_own_alive(const struct sg_index_work *work, struct sg_err *err)
{
	return !sg_db_lost(work->session.db) ? 0 : sg_err_set(err, SG_CLASS_CONNECTION, "the connection to the server was lost");
}

int sg_index_own_role(struct sg_index_work *work, bool on, struct sg_err *err)
{
	const char *role = work->build->run->manifest->role;
	struct sg_arena arena = SG_ARENA_INIT;
	int status = 0;

	if (role != NULL && work->own_session)
		status = sg_db_script(work->session.db,
		                      on ? sg_arena_printf(&arena, "SET ROLE %s", sg_db_identifier(&arena, role)) : "SET ROLE NONE", err);
	sg_arena_release(&arena);
	return status;
}

/* Who has it. In a transaction with a search_path, so that no other pg_locks or operator is meant; an idle session of
 * an sgrun is ended: its client is gone, else it would build or leave. */
static const char holder_sql[] =
	"BEGIN; SET LOCAL search_path = pg_catalog, pg_temp;"
	" SELECT l.pid, a.application_name, a.usename, a.state,"
	" (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::int8,"
	" CASE WHEN a.state = 'idle' AND a.usename = session_user AND a.application_name LIKE 'sgrun:%%'"
	" AND clock_timestamp() - a.state_change > %d * interval '1 second' THEN pg_terminate_backend(l.pid) END"
	" FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
	" WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = %u"
	" AND l.objid = (hashtext(%s)::int8 & 4294967295)::oid"
	" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1; COMMIT";

static int name_holder(struct sg_index_work *work, const char *relation, struct sg_arena *arena, const char **whom_r,
                       struct sg_err *err)
{
	struct sg_result *result;
	const char *state;
	char age[32];

	if (sg_db_script_rows(work->session.db, sg_arena_printf(arena, holder_sql, IDLE_SECONDS, LOCK_CLASS, relation), arena,
	                      &result, err) != 0)
		return -1;
	*whom_r = "a session that has just ended";
	if (sg_result_rows(result) == 0)
		return 0;
	state = sg_result_value(result, 0, 3);
	sg_clock_text(sg_result_int(result, 0, 4), age);
	*whom_r = sg_arena_printf(arena, "an sgrun's session that has the lock on this table: pid %s (%s, user %s, %s for %s)",
	                          sg_result_value(result, 0, 0),
	                          sg_result_value(result, 0, 1) != NULL ? sg_result_value(result, 0, 1) : "application not visible",
	                          sg_result_value(result, 0, 2) != NULL ? sg_result_value(result, 0, 2) : "not visible",
	                          state != NULL ? state : "state not visible", age);
	return 0;
}

int sg_index_own_lock(struct sg_index_work *work, struct sg_arena *arena, const char **whom_r, struct sg_err *err)
{
	const char *relation = sg_db_literal(arena, work->build->definition->relation);
	struct sg_result *result;

	if (!work->own_session || work->locked)
		return 1;
	if (sg_db_script_rows(work->session.db,
	                      sg_arena_printf(arena, "SELECT pg_catalog.pg_try_advisory_lock(%u, pg_catalog.hashtext(%s))", LOCK_CLASS,
	                                      relation),
	                      arena, &result, err) != 0)
		return -1;
	work->locked = sg_result_true(result, 0, 0);
	return work->locked ? 1 : name_holder(work, relation, arena, whom_r, err);
}

/* DISCARD ALL: settings, role, locks, temporary tables, whatever an index's own functions may have set (sql-discard). It is no
 * transaction's, so it goes alone. */
bool sg_index_own_clear(struct sg_index_work *work)
{
	struct sg_session *own = &work->session;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *result;
	bool clear = own->db != NULL && !sg_db_lost(own->db) && !own->begun && own->pending.length == 0;

	if (clear && work->own_session) {
		clear = work->locked &&
		        sg_db_script_rows(own->db,
		                          sg_arena_printf(&arena, "SELECT pg_catalog.pg_advisory_unlock(%u, pg_catalog.hashtext(%s))",
		                                          LOCK_CLASS, sg_db_literal(&arena, work->build->definition->relation)),
		                          &arena, &result, &err) == 0 &&
		        sg_result_true(result, 0, 0) && sg_db_script(own->db, "DISCARD ALL", &err) == 0;
		work->locked = false;
	}
	sg_err_release(&err);
	sg_arena_release(&arena);
	return clear;
}
