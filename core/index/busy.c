/* busy.c - who builds on a table, or waits to.
 *
 * pg_stat_progress_create_index knows who builds, but not who waits for the table's lock before he begins;
 * pg_locks knows both. Without pg_read_all_stats another user's query, and what he builds on, are
 * hidden (pgstatfuncs.c): then the lock alone tells, and a session in none of the other progress views
 * counts as one that builds: a build of ours would have to wait for it in any case. */
#include "config.h"
#include "core/index/look.h"

#include <string.h>

#include "core/exec/watch.h"

/* Columns 0 to 6 as sg_watch_add_session wants them. CREATE and DROP INDEX CONCURRENTLY and REINDEX CONCURRENTLY take SHARE UPDATE
 * EXCLUSIVE on the table, the others SHARE (explicit-locking, "Table-Level Locks"); a partitioned table's
 * parts count. Background processes have no usesysid; parallel workers have their leader's locks as well, and are nobody else. */
static const char busy_sql[] =
	"BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	"SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s';"
	" WITH RECURSIVE t (oid) AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = %1$s AND c.relname = %2$s UNION ALL SELECT h.inhrelid FROM t JOIN pg_class p ON p.oid = t.oid"
	" AND p.relkind = 'p' JOIN pg_inherits h ON h.inhparent = t.oid),"
	" k (oid) AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %1$s AND c.relname = %3$s),"
	" l AS MATERIALIZED (SELECT l.pid, bool_and(l.granted) AS granted FROM pg_locks l JOIN t ON t.oid = l.relation"
	" WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
	" AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') AND l.pid IS NOT NULL GROUP BY l.pid),"
	" w AS (SELECT l.pid, a.application_name, a.usename, a.state,"
	" (extract(epoch FROM clock_timestamp() - COALESCE(a.query_start, a.xact_start)) * 1000)::int8,"
	" CASE WHEN a.backend_type IS NOT NULL THEN left(a.query, 300) END AS query,"
	" a.backend_type, p.index_relid, p.pid IS NOT NULL AS progress, l.granted, a.backend_type IS NULL AS hidden"
	" FROM l JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_stat_progress_create_index p ON p.pid = l.pid"
	" WHERE a.usesysid IS NOT NULL AND a.backend_type IS DISTINCT FROM 'autovacuum worker'"
	" AND a.backend_type IS DISTINCT FROM 'parallel worker' AND l.pid NOT IN (pg_backend_pid(), %4$d))"
	" SELECT w.*, COALESCE(w.index_relid = ANY (SELECT oid FROM k), false) OR COALESCE(strpos(w.query, %3$s), 0) > 0"
	" OR COALESCE(w.application_name, '') IN (left('sgrun:' || %3$s, 63), left('sgrun:' || %5$s, 63)),"
	" COALESCE(w.application_name, '') ~ '^sgrun(:|$)'"
	" FROM w WHERE w.progress OR w.query ~* '\\m(create\\s+(unique\\s+)?index|reindex|drop\\s+index)\\M'"
	" OR (w.hidden AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = w.pid)"
	" AND NOT EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = w.pid))"
	" ORDER BY w.progress DESC, w.granted DESC, w.pid LIMIT 1; COMMIT";

/* Most tables have nobody who has such a lock, and that is seen sooner. */
static const char anybody_sql[] =
	"BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	"SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s';"
	" SELECT EXISTS (SELECT FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace JOIN pg_locks l ON l.locktype = 'relation'"
	" AND (l.relation = t.oid OR t.relkind = 'p') WHERE s.nspname = %1$s AND t.relname = %2$s"
	" AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') AND l.pid IS NOT NULL AND l.pid NOT IN (pg_backend_pid(), %3$d)); COMMIT";

enum { PID, SAME = 11, OURS };

static int ask(struct sg_session *session, const char *sql, struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err)
{
	session->begun = true;
	if (sg_db_script_rows(session->db, sql, arena, result_r, err) != 0) {
		sg_session_rollback(session);
		return -1;
	}
	session->begun = false;
	return 0;
}

int sg_index_busy(struct sg_session *session, const struct sg_index_definition *definition, int but_pid,
                  struct sg_arena *arena, struct sg_index_busy *busy_r, struct sg_err *err)
{
	const char *schema = sg_db_literal(arena, definition->schema), *table = sg_db_literal(arena, definition->table);
	struct sg_buf text = SG_BUF_INIT;
	struct sg_result *result;

	memset(busy_r, 0, sizeof *busy_r);
	if (ask(session, sg_arena_printf(arena, anybody_sql, schema, table, but_pid), arena, &result, err) != 0)
		return -1;
	if (!sg_result_true(result, 0, 0))
		return 0;
	if (ask(session,
	        sg_arena_printf(arena, busy_sql, schema, table, sg_db_literal(arena, definition->name), but_pid,
	                        sg_db_literal(arena, definition->step->id)),
	        arena, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) == 0)
		return 0;
	busy_r->building = true;
	busy_r->pid = (int)sg_result_int(result, 0, PID);
	busy_r->same = sg_result_true(result, 0, SAME);
	busy_r->ours = sg_result_true(result, 0, OURS);
	sg_watch_add_session(&text, result, 0, PID, arena);
	busy_r->text = sg_arena_strndup(arena, text.data, text.length);
	sg_buf_release(&text);
	return 0;
}
