/* writes.c - the look of writes.h: one quick question a batch, and the names with
 * their ways only where it says that something else was written. */
#include "config.h"
#include "core/exec/writes.h"

#include <inttypes.h>
#include <string.h>

#include "core/exec/exempt.h"
#include "core/exec/serve_parts.h"

#define MOST_PARTS "500" /* partitions that the quick look knows; with more, each batch asks with names */

/* Locks that no statement which only changes rows takes on a table, and ANALYZE neither. */
#define STRONG "NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock')"
/* What holds rows, or looks so; a temporary table's rows are nobody's. */
#define HOLDS_ROWS "c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'"
#define MINE \
	"l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.locktype = 'relation'" \
	" AND (l.relation >= 16384 OR l.relation = 2613)"

/* ---- what is allowed -------------------------------------------------------- */

static int fail_name(struct sg_session *session, const struct sg_step *step, const char *name, const char *what,
                     struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_MANIFEST, "also_writes names \"%s\", %s", name, what);
	sg_err_hint(err, "Names without a schema are those of schema \"%s\"; write another one as schema.name.",
	            session->run->manifest->schema);
	sg_err_step(err, step->id);
	return sg_err_at(err, session->run->manifest->path, step->line);
}

/* Adds the oids of also_writes to the text of an array. */
static int look_up(struct sg_session *session, const struct sg_step *step, struct sg_buf *oids, struct sg_buf *shown,
                   struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_list *also = &step->also_writes;
	const char *values[] = { sg_db_text_array(arena, also->items, also->count), session->run->manifest->schema };
	struct sg_result *rows;

	if (also->count == 0)
		return 0;
	if (sg_db_query(session->db,
	                "SELECT w.name, t.oid, t.relkind IN ('r', 'p', 'f', 'v'), t.shown"
	                " FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY w (name, no) LEFT JOIN"
	                " (SELECT c.oid, c.relkind, c.relname, n.nspname, n.nspname || '.' || c.relname AS shown"
	                " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	                " WHERE c.relpersistence <> 't') t ON t.shown = w.name"
	                " OR pg_catalog.strpos(w.name, '.') = 0 AND t.relname = w.name AND t.nspname = $2 ORDER BY w.no",
	                2, values, arena, &rows, err) != 0)
		return -1;
	for (int row = 0; row < sg_result_rows(rows); row++) {
		if (sg_result_value(rows, row, 1) == NULL)
			return fail_name(session, step, sg_result_value(rows, row, 0), "and there is no such table", err);
		if (!sg_result_true(rows, row, 2))
			return fail_name(session, step, sg_result_value(rows, row, 0), "which is no table", err);
		sg_buf_addf(oids, "%s%s", oids->length > 0 ? "," : "", sg_result_value(rows, row, 1));
		sg_buf_addf(shown, "%s%s", shown->length > 0 ? ", " : "", sg_result_value(rows, row, 3));
	}
	return 0;
}

/* With the parts of what was named, if these are few, and our own tables. */
static int look_around(struct sg_session *session, uint32_t table, const char *named, const char *shown,
                       struct sg_arena *arena, struct sg_writes *writes, struct sg_err *err)
{
	const char *values[] = { sg_arena_printf(arena, "{%s}", named), session->run->manifest->state_schema,
		                 sg_arena_printf(arena, "%" PRIu32, table) };
	struct sg_result *rows;

	if (sg_db_query(session->db,
	                "WITH RECURSIVE part (oid) AS (SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION"
	                " SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid),"
	                " ours AS (SELECT c.oid, c.relname FROM pg_catalog.pg_class c"
	                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = $2)"
	                " SELECT CASE WHEN (SELECT pg_catalog.count(*) FROM part) > " MOST_PARTS
	                " THEN $1::pg_catalog.oid[] ELSE ARRAY(SELECT oid FROM part) END,"
	                " ARRAY(SELECT oid FROM ours),"
	                " ARRAY(SELECT oid FROM ours WHERE relname IN ('backfills', 'backfill_ranges')),"
	                " (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c"
	                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $3::pg_catalog.oid)",
	                3, values, arena, &rows, err) != 0)
		return -1;
	writes->oids = sg_result_value(rows, 0, 0);
	writes->ours = sg_result_value(rows, 0, 1);
	writes->shared = sg_result_value(rows, 0, 2);
	writes->shown = sg_result_value(rows, 0, 3);
	if (writes->shown == NULL)
		writes->shown = shown;
	else if (shown[0] != '\0')
		writes->shown = sg_arena_printf(arena, "%s, %s", writes->shown, shown);
	return 0;
}

int sg_writes_learn(struct sg_session *session, const struct sg_step *step, uint32_t table, struct sg_arena *arena,
                    struct sg_writes *writes_r, struct sg_err *err)
{
	struct sg_buf oids = SG_BUF_INIT, shown = SG_BUF_INIT;
	int status = -1;

	memset(writes_r, 0, sizeof *writes_r);
	if (table != 0)
		sg_buf_addf(&oids, "%" PRIu32, table);
	if (look_up(session, step, &oids, &shown, arena, err) == 0)
		status = look_around(session, table, oids.length > 0 ? oids.data : "",
		                     shown.length > 0 ? sg_arena_strdup(arena, shown.data) : "", arena, writes_r, err);
	sg_buf_release(&oids);
	sg_buf_release(&shown);
	return status;
}

/* ---- the looks -------------------------------------------------------------- */

/* A condition over l and c, without a look at parents: whatever may be wrong. What
 * was dropped has no name any more, but among ours its oid is known. */
static void add_condition(struct sg_buf *sql, const struct sg_writes *writes)
{
	sg_buf_addf(sql,
	            MINE " AND l.mode <> 'AccessShareLock' AND CASE WHEN l.relation = ANY ('%s'::pg_catalog.oid[])"
	            " THEN l.mode <> 'RowShareLock' OR l.relation <> ALL ('%s'::pg_catalog.oid[])"
	            " ELSE " HOLDS_ROWS " AND (l.mode " STRONG
	            " OR l.mode = 'RowExclusiveLock' AND l.relation <> ALL ('%s'::pg_catalog.oid[])) END",
	            writes->ours, writes->shared, writes->oids);
}

static void add_quick(struct sg_buf *sql, const struct sg_writes *writes)
{
	sg_buf_adds(sql, "SELECT 1 FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation WHERE ");
	add_condition(sql, writes);
	sg_buf_adds(sql, " LIMIT 1");
}

/* Columns: what ('ours', 'held', 'write', 'exempt'), schema and name of it (a part's: of its topmost parent),
 * mode, foreign keys, rules, triggers of what was written (the same in each row). */
static void add_names(struct sg_buf *sql, const struct sg_manifest *manifest, const struct sg_step *step,
                      const struct sg_writes *writes, struct sg_arena *arena)
{
	sg_buf_adds(sql, "WITH RECURSIVE hit AS (SELECT l.relation AS oid, l.mode, c.oid IS NOT NULL AS found,"
	                 " coalesce(n.nspname, '') AS nspname, coalesce(c.relname, 'a table that was dropped') AS relname,"
	                 " coalesce(");
	sg_exempt_add(sql, manifest, step, arena);
	sg_buf_addf(sql,
	            ", false) AS exempt, l.relation = ANY ('%s'::pg_catalog.oid[]) AS ours"
	            " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation"
	            " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ",
	            writes->ours);
	add_condition(sql, writes);
	sg_buf_addf(
		sql,
		"), up (oid, parent, level) AS (SELECT oid, oid, 0 FROM hit UNION"
		" SELECT up.oid, i.inhparent, up.level + 1 FROM up JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.parent),"
		" bad AS (SELECT h.*, t.parent AS top FROM hit h, LATERAL"
		" (SELECT parent FROM up WHERE up.oid = h.oid ORDER BY level DESC, parent LIMIT 1) t"
		" WHERE h.ours OR h.mode <> 'RowExclusiveLock' OR NOT EXISTS"
		" (SELECT FROM up WHERE up.oid = h.oid AND up.parent = ANY ('%s'::pg_catalog.oid[]))),"
		" written AS (SELECT pg_catalog.unnest('%s'::pg_catalog.oid[]) AS oid UNION SELECT oid FROM bad UNION SELECT top FROM bad)"
		" SELECT CASE WHEN b.ours THEN 'ours' WHEN b.exempt THEN 'exempt' WHEN b.mode = 'RowExclusiveLock' THEN 'write'"
		" ELSE 'held' END, coalesce(tn.nspname, b.nspname), coalesce(tc.relname, b.relname), b.mode,"
		" (SELECT pg_catalog.string_agg(DISTINCT f.conname || ' (' || pg_catalog.concat_ws(', ',"
		" CASE f.confdeltype WHEN 'c' THEN 'ON DELETE CASCADE' WHEN 'n' THEN 'ON DELETE SET NULL'"
		" WHEN 'd' THEN 'ON DELETE SET DEFAULT' END,"
		" CASE f.confupdtype WHEN 'c' THEN 'ON UPDATE CASCADE' WHEN 'n' THEN 'ON UPDATE SET NULL'"
		" WHEN 'd' THEN 'ON UPDATE SET DEFAULT' END) || ')', ', ') FROM pg_catalog.pg_constraint f"
		" WHERE f.contype = 'f' AND f.conrelid IN (b.oid, b.top) AND f.confrelid IN (SELECT oid FROM written)"
		" AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))),"
		" (SELECT pg_catalog.string_agg(DISTINCT r.rulename || ' of ' || r.ev_class::pg_catalog.regclass::pg_catalog.text, ', ')"
		" FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
		" AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid IN (b.oid, b.top)"
		" WHERE r.ev_type IN ('2', '3', '4') AND r.ev_class <> b.oid AND r.ev_class IN (SELECT oid FROM written)),"
		" (SELECT pg_catalog.string_agg(DISTINCT g.tgname || ' of ' || g.tgrelid::pg_catalog.regclass::pg_catalog.text, ', ')"
		" FROM pg_catalog.pg_trigger g WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgrelid NOT IN (b.oid, b.top)"
		" AND g.tgrelid IN (SELECT oid FROM written))"
		" FROM bad b LEFT JOIN pg_catalog.pg_class tc ON tc.oid = b.top"
		" LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace ORDER BY 1, 2, 3, 4",
		writes->oids, writes->oids);
}

/* ---- the judgement ---------------------------------------------------------- */

struct found {
	struct sg_buf tables;  /* what happened to which, and how */
	struct sg_buf adds;    /* for also_writes */
	const char *schema, *name; /* of the first */
	const char *last;      /* that was added: rows of one table follow each other */
	int ours, held, written;
};

static void add_way(struct sg_buf *to, const struct sg_result *rows, int row)
{
	const char *keys = sg_result_value(rows, row, 4), *rules = sg_result_value(rows, row, 5);
	const char *triggers = sg_result_value(rows, row, 6);

	if (keys != NULL)
		sg_buf_addf(to, " by foreign key %s", keys);
	else if (rules != NULL)
		sg_buf_addf(to, " by rule %s", rules);
	else if (triggers != NULL)
		sg_buf_addf(to, " by the plugin's own statement, a function in it, or a trigger: %s", triggers);
	else
		sg_buf_adds(to, " by the plugin's own statement, or a function in it");
}

/* One row of the answer; its table may have come before. */
static void take(struct found *found, const struct sg_result *rows, int row, const struct sg_manifest *manifest,
                 struct sg_arena *arena)
{
	const char *what = sg_result_value(rows, row, 0), *schema = sg_result_value(rows, row, 1);
	const char *name = sg_result_value(rows, row, 2);
	const char *label = sg_arena_printf(arena, "%s %s.%s", what, schema, name);
	bool held = strcmp(what, "held") == 0;

	if (found->last != NULL && strcmp(found->last, label) == 0)
		return;
	found->last = label;
	if (found->name == NULL) {
		found->schema = schema;
		found->name = name;
	}
	sg_buf_addf(&found->tables, "%s%s%s%s ", found->tables.length > 0 ? "; " : "", schema, schema[0] ? "." : "", name);
	if (strcmp(what, "write") != 0) {
		sg_buf_addf(&found->tables, "is locked in mode %s", sg_result_value(rows, row, 3));
		found->held += held;
		found->ours += !held;
		return;
	}
	found->written++;
	sg_buf_adds(&found->tables, "was written to");
	add_way(&found->tables, rows, row);
	sg_buf_adds(&found->adds, found->adds.length > 0 ? ", " : "");
	if (strcmp(schema, manifest->schema) != 0)
		sg_buf_addf(&found->adds, "%s.", schema);
	sg_buf_adds(&found->adds, name);
}

static int refuse(const struct found *found, const struct sg_step *step, const struct sg_writes *writes,
                  const struct sg_journal *journal, struct sg_err *err)
{
	struct sg_buf line = SG_BUF_INIT;

	if (found->ours > 0) {
		sg_err_set(err, SG_CLASS_POLICY, "a batch touched sgrun's own tables");
		sg_err_hint(err, "A backfill may not touch the state schema: take it out of the function or trigger.");
	} else if (found->held > 0) {
		sg_err_set(err, SG_CLASS_POLICY, "a batch did more than change rows: it changed, emptied or locked a table");
		sg_err_hint(err, "A batch changes rows, and holds up nobody: take the DDL, TRUNCATE or LOCK out of the function or"
		                 " trigger.");
	} else {
		sg_err_set(err, SG_CLASS_POLICY, "a batch wrote to \"%s\".\"%s\", which the backfill does not declare", found->schema,
		           found->name);
		for (size_t i = 0; i < step->also_writes.count; i++)
			sg_buf_addf(&line, "%s, ", step->also_writes.items[i]);
		sg_err_hint(err, "If that is meant, let the section say: also_writes = %s%s", line.length > 0 ? line.data : "",
		            found->adds.data);
	}
	sg_err_detail(err, "%s. Declared: %s.", found->tables.data, writes->shown[0] != '\0' ? writes->shown : "nothing");
	if (journal->count == 1)
		sg_err_statement(err, journal->entries[0].sql, 0);
	sg_err_step(err, step->id);
	sg_buf_release(&line);
	return -1;
}

static int judge(struct sg_executor *executor, const struct sg_writes *writes, const struct sg_result *rows,
                 struct sg_arena *arena, struct sg_err *err)
{
	struct found found = { .tables = SG_BUF_INIT, .adds = SG_BUF_INIT };
	int status = 0;

	for (int row = 0; row < sg_result_rows(rows); row++)
		if (strcmp(sg_result_value(rows, row, 0), "exempt") != 0)
			take(&found, rows, row, executor->run->manifest, arena);
	if (found.name != NULL)
		status = refuse(&found, executor->step, writes, &executor->journal, err);
	for (int row = 0; status == 0 && row < sg_result_rows(rows); row++)
		sg_exempt_note(&executor->journal, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2), executor->arena);
	sg_buf_release(&found.tables);
	sg_buf_release(&found.adds);
	return status;
}

int sg_writes_ask(struct sg_executor *executor, const struct sg_writes *writes, struct sg_err *err)
{
	struct sg_session *session = executor->session;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *rows;
	int status = -1;

	/* Deferred triggers fire as who they are, and wait no longer than the batch's statements. */
	if (!executor->guarded) {
		sg_session_guards(session, executor->step, executor->lock_ms, executor->step->backfill.statement_seconds, &arena);
		sg_executor_role(executor);
	}
	sg_buf_adds(&session->pending, "CLOSE ALL;SET CONSTRAINTS ALL IMMEDIATE;SET LOCAL ROLE NONE;"
	                               "SET LOCAL search_path = pg_catalog, pg_temp;");
	add_quick(&session->pending, writes);
	sg_executor_limit(executor, sg_serve_limit_ms(executor), NULL);
	if (sg_session_flush_rows(session, &arena, &rows, err) != 0) {
		sg_serve_fail(executor, NULL, err);
		goto done;
	}
	if (sg_result_rows(rows) == 0) {
		status = 0;
		goto done;
	}
	add_names(&session->pending, session->run->manifest, executor->step, writes, &arena);
	sg_executor_limit(executor, SG_HOST_LIMIT_MS, NULL);
	if (sg_session_flush_rows(session, &arena, &rows, err) == 0)
		status = judge(executor, writes, rows, &arena, err);
done:
	sg_arena_release(&arena);
	return status;
}
