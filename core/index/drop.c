/* drop.c - the dropping of an invalid index, and who is in its way.
 *
 * Must never drop what is valid, or what anybody builds: pg_index is asked first, and who has a lock
 * on the table with which a build or a REINDEX works, or waits for one, is waited for outside, never by
 * the DROP itself: he would make valid what it then drops. DROP INDEX CONCURRENTLY goes by a name, and may come
 * late (a pool's queue, a process that was stopped): what bears the name then may be another index, and valid. So
 * its name is taken from it first, in a short transaction that sees under the lock of the renaming that it is the
 * very one, and still invalid; by the new name, which has its oid, nobody builds anything. Whoever is killed in
 * between leaves a left-over like REINDEX's (leftover.h). */
#include "config.h"
#include "core/index/build.h"

#include <string.h>

#include "core/base/log.h"
#include "core/index/leftover.h"

/* Autovacuum steps aside, and does not count: it has no usesysid (its backend_type not every role may see). */
#define OBSTACLE \
	" pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'relation' AND l.relation = i.relation" \
	" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())" \
	" AND l.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL AND l.mode IN"
#define SESSION \
	"a.pid, a.application_name, a.usename, a.state," \
	" (extract(epoch FROM clock_timestamp() - COALESCE(a.xact_start, a.query_start)) * 1000)::int8, left(a.query, 300)," \
	" a.backend_type"
#define BEGIN_LOOK "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; SELECT "

enum { PID = 0, VALID = 7, OID, FREE };

static const char target_sql[] =
	BEGIN_LOOK "o.*, i.indisvalid, i.oid, i.free FROM (SELECT x.indisvalid, x.indrelid AS relation, c.oid,"
	/* what hangs on a parent's index or a constraint keeps its name: it cannot be dropped by itself */
	" NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS free"
	" FROM pg_class c"
	" JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index x ON x.indexrelid = c.oid"
	" WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'i') i LEFT JOIN LATERAL (SELECT " SESSION " FROM" OBSTACLE
	" ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
	" ORDER BY l.granted DESC, a.xact_start LIMIT 1) o ON true; COMMIT";

static const char lock_sql[] =
	BEGIN_LOOK SESSION " FROM (SELECT c.oid AS relation FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = %s AND c.relname = %s) i," OBSTACLE " ('AccessExclusiveLock') AND l.granted LIMIT 1; COMMIT";

static const char *name(const struct sg_result *result, struct sg_arena *arena)
{
	struct sg_buf text = SG_BUF_INIT;
	const char *copy;

	sg_watch_add_session(&text, result, 0, PID, arena);
	copy = sg_arena_strndup(arena, text.data, text.length);
	sg_buf_release(&text);
	return copy;
}

const char *sg_index_table_holder(struct sg_index_work *work, struct sg_arena *arena)
{
	const struct sg_index_definition *definition = work->build->definition;
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *result;
	const char *text = NULL;

	if (sg_db_script_rows(work->session.db,
	                      sg_arena_printf(arena, lock_sql, sg_db_literal(arena, definition->schema),
	                                      sg_db_literal(arena, definition->table)),
	                      arena, &result, &err) == 0 &&
	    sg_result_rows(result) == 1)
		text = name(result, arena);
	sg_err_release(&err);
	return text;
}

static bool is_gone(const struct sg_err *err)
{
	return strcmp(err->sqlstate, "42704") == 0 || strcmp(err->sqlstate, "42P01") == 0;
}

/* Its lock keeps away who would make it valid (a REINDEX CONCURRENTLY has the same one on the index), and is in nobody's way
 * who reads or writes. Waited for shorter than any deadlock_timeout: he would come to wait for us. */
static const char rename_sql[] =
	"BEGIN; SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '5s';"
	"SET LOCAL idle_in_transaction_session_timeout = '5s';%s ALTER INDEX %s.%s RENAME TO %s;"
	"SET LOCAL search_path = pg_catalog, pg_temp;"
	" SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index x ON x.indexrelid = c.oid"
	" WHERE n.nspname = %s AND c.relname = %s AND c.oid = %u AND NOT x.indisvalid)";

static const char *role_sql(const struct sg_index_work *work, struct sg_arena *arena)
{
	const char *role = work->build->run->manifest->role;

	return role != NULL && work->own_session ? sg_arena_printf(arena, "SET LOCAL ROLE %s;", sg_db_identifier(arena, role)) : "";
}

/* 1: *name_r is the name to drop it by; 0: it is not what it was, or locked; -1: err. */
static int take_name(struct sg_index_work *work, const char *schema, const char *index, uint32_t oid, struct sg_arena *arena,
                     const char **name_r, struct sg_err *err)
{
	const char *name = sg_index_leftover_name(arena, index, oid);
	struct sg_result *result;
	int status;

	sg_buf_clear(&work->condemned);
	sg_buf_adds(&work->condemned, name);
	*name_r = work->condemned.data;
	status = sg_db_script_rows(work->session.db,
	                           sg_arena_printf(arena, rename_sql, role_sql(work, arena), sg_db_identifier(arena, schema),
	                                           sg_db_identifier(arena, index), sg_db_identifier(arena, name),
	                                           sg_db_literal(arena, schema), sg_db_literal(arena, name), oid),
	                           arena, &result, err);
	if (status == 0 && sg_result_true(result, 0, 0))
		return sg_db_commit(work->session.db, err) == 0 ? 1 : -1;
	if (sg_db_lost(work->session.db))
		return -1;
	sg_db_rollback(work->session.db);
	sg_buf_clear(&work->condemned);
	*name_r = index;
	if (status == 0)
		return 0;
	/* who may drop it need not have the right to make names in its schema */
	status = strcmp(err->sqlstate, "42501") == 0 ? 1 : err->class == SG_CLASS_LOCKED || is_gone(err) ? 0 : -1;
	if (status >= 0)
		sg_err_clear(err);
	return status;
}

/* 1: dropped, or gone meanwhile. */
static int drop(struct sg_index_work *work, const char *schema, const char *index, const char *name, struct sg_arena *arena,
                struct sg_err *err)
{
	const char *before = work->doing;
	int status;

	work->doing = sg_arena_printf(arena, "drops the invalid index %s", index);
	status = sg_index_send(work,
	                       sg_arena_printf(arena, "DROP INDEX CONCURRENTLY %s.%s", sg_db_identifier(arena, schema),
	                                       sg_db_identifier(arena, name)),
	                       err);
	work->doing = before;
	if (status == 0) {
		sg_log(SG_LOG_INFO, "index-dropped", work->build->definition->step->id, 0, "dropped %s.%s, which was invalid", schema, index);
		return 1;
	}
	status = work->gave_way ? 0 : is_gone(err) ? 1 : -1;
	work->gave_way = false;
	if (status >= 0)
		sg_err_clear(err);
	return status;
}

static int drop_one(struct sg_index_work *work, const char *schema, const char *index, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *by = index;
	struct sg_result *result = NULL;
	int status;

	sg_buf_clear(&work->obstacle);
	status = sg_index_own_alive(work, err);
	if (status == 0)
		status = sg_db_script_rows(work->session.db,
		                           sg_arena_printf(&arena, target_sql, sg_db_literal(&arena, schema), sg_db_literal(&arena, index)),
		                           &arena, &result, err);
	if (status == 0 && sg_result_rows(result) == 0) {
		status = 1;
	} else if (status == 0 && !sg_result_true(result, 0, VALID)) {
		if (sg_result_value(result, 0, PID) != NULL) {
			sg_buf_adds(&work->obstacle, name(result, &arena));
		} else {
			status = !sg_result_true(result, 0, FREE) || sg_index_has_leftover_name(index)
			                 ? 1
			                 : take_name(work, schema, index, (uint32_t)sg_result_int(result, 0, OID), &arena, &by, err);
			if (status > 0)
				status = drop(work, schema, index, by, &arena, err);
		}
		if (status == 0 && work->obstacle.length == 0)
			sg_buf_adds(&work->obstacle, "another session, which works on the index");
	}
	sg_arena_release(&arena);
	return status;
}

int sg_index_drop_invalid_in(struct sg_index_work *work, const char *schema, const char *index, struct sg_err *err)
{
	/* its name was taken from it before, and then something came in between */
	if (work->condemned.length > 0 && sg_index_is_leftover(index, work->condemned.data)) {
		struct sg_arena arena = SG_ARENA_INIT;
		int status = drop_one(work, schema, sg_arena_strdup(&arena, work->condemned.data), err);

		sg_arena_release(&arena);
		if (status <= 0)
			return status;
		sg_buf_clear(&work->condemned);
	}
	return drop_one(work, schema, index, err);
}

const char *sg_index_carcass_name(const struct sg_index_work *work, const char *index)
{
	return work->condemned.length > 0 && sg_index_is_leftover(index, work->condemned.data) ? work->condemned.data : index;
}

int sg_index_drop_invalid(struct sg_index_work *work, const char *index, struct sg_err *err)
{
	return sg_index_drop_invalid_in(work, work->build->definition->schema, index, err);
}
