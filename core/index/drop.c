/* drop.c - the dropping of an invalid index, and who is in its way.
 *
 * Must never drop what is valid, or what anybody builds: pg_index is asked first, and who has a lock
 * on the table with which a build or a REINDEX works, or waits for one, is waited for outside, never by
 * the DROP itself: he would make valid what it then drops. What is left is the moment between the
 * question and the DROP's lock; a whole REINDEX would have to fit in there. */
#include "config.h"
#include "core/index/build.h"

#include <string.h>

#include "core/base/log.h"

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

enum { PID = 0, VALID = 7 };

static const char target_sql[] =
	BEGIN_LOOK "o.*, i.indisvalid FROM (SELECT x.indisvalid, x.indrelid AS relation FROM pg_class c"
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

/* 1: dropped, or gone meanwhile. */
static int drop(struct sg_index_work *work, const char *schema, const char *index, struct sg_arena *arena, struct sg_err *err)
{
	const char *before = work->doing;
	int status;

	work->doing = sg_arena_printf(arena, "drops the invalid index %s", index);
	status = sg_index_send(work,
	                       sg_arena_printf(arena, "DROP INDEX CONCURRENTLY %s.%s", sg_db_identifier(arena, schema),
	                                       sg_db_identifier(arena, index)),
	                       err);
	work->doing = before;
	if (status == 0) {
		sg_log(SG_LOG_INFO, "index-dropped", work->build->definition->step->id, 0, "dropped %s.%s, which was invalid", schema, index);
		return 1;
	}
	status = work->gave_way ? 0 : strcmp(err->sqlstate, "42704") == 0 ? 1 : -1;
	work->gave_way = false;
	if (status >= 0)
		sg_err_clear(err);
	return status;
}

int sg_index_drop_invalid_in(struct sg_index_work *work, const char *schema, const char *index, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *result;
	int status;

	sg_buf_clear(&work->obstacle);
	status = sg_db_script_rows(work->session.db,
	                           sg_arena_printf(&arena, target_sql, sg_db_literal(&arena, schema), sg_db_literal(&arena, index)),
	                           &arena, &result, err);
	if (status == 0 && sg_result_rows(result) == 0) {
		status = 1;
	} else if (status == 0 && !sg_result_true(result, 0, VALID)) {
		if (sg_result_value(result, 0, PID) != NULL)
			sg_buf_adds(&work->obstacle, name(result, &arena));
		else
			status = drop(work, schema, index, &arena, err);
		if (status == 0 && work->obstacle.length == 0)
			sg_buf_adds(&work->obstacle, "another session, which builds on the table");
	}
	sg_arena_release(&arena);
	return status;
}

int sg_index_drop_invalid(struct sg_index_work *work, const char *index, struct sg_err *err)
{
	return sg_index_drop_invalid_in(work, work->build->definition->schema, index, err);
}
