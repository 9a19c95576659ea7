/* probe.c - the probe of probe.h: a quick look, one query with names, and its judgement. */
#include "config.h"
#include "core/exec/probe.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/exec/exempt.h"

int sg_probe_snapshot(struct sg_session *session, struct sg_arena *kept, struct sg_arena *arena,
                      struct sg_probe_snapshot *snapshot_r, struct sg_err *err)
{
	struct sg_result *result;

	/* Never pg_relation_size() of a table that we hold no lock on: it waits for
	 * others' locks. What pg_class and the statistics say may be old: a table holds
	 * none only if nothing says otherwise, and something says so. */
	if (sg_db_query(session->db,
	                "SELECT c.oid, c.relfilenode, CASE WHEN l.relation IS NULL THEN c.relpages > 0 OR c.reltuples > 0"
	                " OR s.live > 0 ELSE pg_catalog.pg_relation_size(c.oid) > 0 END,"
	                " CASE WHEN l.relation IS NULL THEN c.reltuples = 0 AND s.live = 0"
	                " ELSE pg_catalog.pg_relation_size(c.oid) = 0 END"
	                " FROM pg_catalog.pg_class c CROSS JOIN LATERAL"
	                " (SELECT coalesce(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) AS live) s"
	                " LEFT JOIN (SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid()"
	                " AND locktype = 'relation' AND granted) l ON l.relation = c.oid"
	                " WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384 ORDER BY c.oid",
	                0, NULL, arena, &result, err) != 0)
		return -1;
	snapshot_r->taken = true;
	snapshot_r->count = (size_t)sg_result_rows(result);
	if (snapshot_r->count > snapshot_r->room) {
		snapshot_r->room = snapshot_r->count + snapshot_r->count / 4;
		snapshot_r->oids = sg_arena_array(kept, snapshot_r->room, sizeof *snapshot_r->oids);
		snapshot_r->filenodes = sg_arena_array(kept, snapshot_r->room, sizeof *snapshot_r->filenodes);
		snapshot_r->filled = sg_arena_array(kept, snapshot_r->room, sizeof *snapshot_r->filled);
		snapshot_r->empty = sg_arena_array(kept, snapshot_r->room, sizeof *snapshot_r->empty);
	}
	for (size_t i = 0; i < snapshot_r->count; i++) {
		snapshot_r->oids[i] = (uint32_t)sg_result_int(result, (int)i, 0);
		snapshot_r->filenodes[i] = (uint32_t)sg_result_int(result, (int)i, 1);
		snapshot_r->filled[i] = sg_result_true(result, (int)i, 2);
		snapshot_r->empty[i] = sg_result_true(result, (int)i, 3);
	}
	return 0;
}

int sg_probe_triggers(struct sg_db *db, struct sg_arena *arena, bool *any_r, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db, "SELECT 1 FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' LIMIT 1", 0, NULL, arena, &result,
	                err) != 0)
		return -1;
	*any_r = sg_result_rows(result) > 0;
	return 0;
}

/* Our own tables, as schema.c makes them. */
#define STATE_TABLES \
	"'meta','schema_migrations','journal','attempts','backfills','backfill_ranges','backfill_failures','indexes','lease'"

/* What it is a part of, up to the top: "schema TAB name" lines. */
#define ANCESTORS \
	"(WITH RECURSIVE up (oid) AS (SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid" \
	" UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up ON i.inhrelid = up.oid)" \
	" SELECT pg_catalog.string_agg(pn.nspname || E'\\t' || pc.relname, E'\\n') FROM up" \
	" JOIN pg_catalog.pg_class pc ON pc.oid = up.oid JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace)"

/* Columns: what ('write', 'exempt', 'state', 'gone', 'held'), schema, name, oid, relfilenode, has size, event triggers
 * enabled, ancestors. */
static void add_names(struct sg_session *session, const struct sg_step *step, const struct sg_probe_snapshot *snapshot,
                      struct sg_arena *arena)
{
	const struct sg_manifest *manifest = session->run->manifest;
	const char *state = sg_db_literal(arena, manifest->state_schema);

	sg_buf_adds(&session->pending, "SELECT CASE WHEN ");
	sg_exempt_add(&session->pending, manifest, step, arena);
	sg_buf_addf(&session->pending,
	            " THEN CASE l.mode WHEN 'RowExclusiveLock' THEN 'exempt' END"
	            " WHEN n.nspname = %s THEN 'state' WHEN l.mode = 'RowExclusiveLock' THEN 'write'"
	            " ELSE 'held' END, n.nspname, c.relname, c.oid, c.relfilenode,"
	            " CASE WHEN l.mode = 'AccessExclusiveLock' AND c.relkind = 'r'"
	            " THEN pg_catalog.pg_relation_size(c.oid) > 0 ELSE false END,"
	            " (SELECT pg_catalog.string_agg(evtname, ', ') FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'),"
	            " CASE WHEN l.mode = 'AccessExclusiveLock' THEN " ANCESTORS " END"
	            " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation"
	            " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	            " WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted"
	            " AND (l.relation >= 16384 OR l.relation = 2613) AND ("
	            "(l.mode = 'RowExclusiveLock' AND c.relkind IN ('r', 'p', 'f', 'v'))"
	            " OR (n.nspname = %s AND c.relkind = 'r' AND l.mode <> 'AccessShareLock'"
	            " AND NOT (c.relname = 'lease' AND l.mode = 'RowShareLock'))",
	            state, state);
	if (snapshot->taken)
		sg_buf_adds(&session->pending, " OR (l.mode = 'AccessExclusiveLock' AND c.relkind = 'r'"
		                               " AND c.relpersistence <> 't')");
	sg_buf_addc(&session->pending, ')');
	/* What was dropped has no name any more that a lock could lead to. */
	if (snapshot->taken)
		sg_buf_addf(&session->pending,
		            " UNION ALL SELECT 'gone', %s, t.name, 0::oid, 0::oid, false, NULL, NULL"
		            " FROM pg_catalog.unnest(ARRAY[" STATE_TABLES "]) t (name)"
		            " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
		            " ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = t.name AND c.relkind = 'r')",
		            state, state);
	sg_buf_adds(&session->pending, " ORDER BY 2, 3");
}

/* standard is the schema of a name without one; NULL: any will do. */
static bool named(const struct sg_relations *relations, const char *standard, const char *schema, const char *name)
{
	for (size_t i = 0; i < relations->count; i++) {
		const struct sg_relation *relation = &relations->list[i];

		const char *in = relation->schema != NULL ? relation->schema : standard;

		if (strcmp(relation->name, name) == 0 && (in == NULL || strcmp(in, schema) == 0))
			return true;
	}
	return false;
}

static int compare_oids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The table by its own name, or something that it is a part of: DDL reaches partitions through it. */
static bool named_whole(const struct sg_relations *relations, const char *standard, const struct sg_result *rows, int row)
{
	const char *line = sg_result_value(rows, row, 7);
	struct sg_buf schema = SG_BUF_INIT, name = SG_BUF_INIT;
	bool found = named(relations, standard, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2));

	while (!found && line != NULL && *line != '\0') {
		size_t first = strcspn(line, "\t"), length = strcspn(line, "\n");

		sg_buf_clear(&schema);
		sg_buf_clear(&name);
		if (first < length) {
			sg_buf_add(&schema, line, first);
			sg_buf_add(&name, line + first + 1, length - first - 1);
			found = named(relations, standard, schema.data, name.data);
		}
		line += line[length] == '\n' ? length + 1 : length;
	}
	sg_buf_release(&schema);
	sg_buf_release(&name);
	return found;
}

/* Held with ACCESS EXCLUSIVE: was it emptied, or made with rows in it? */
static const char *hidden_write(const struct sg_result *rows, int row, const struct sg_probe_snapshot *snapshot,
                                const struct sg_relations *altered, const char *standard)
{
	uint32_t oid = (uint32_t)sg_result_int(rows, row, 3), filenode = (uint32_t)sg_result_int(rows, row, 4);
	bool filled = sg_result_true(rows, row, 5);
	const uint32_t *found = snapshot->count == 0 ? NULL
	                                             : bsearch(&oid, snapshot->oids, snapshot->count, sizeof oid, compare_oids);
	size_t i;
	bool ours;

	if (found == NULL)
		return filled ? "made with rows in it (CREATE TABLE AS or SELECT INTO)" : NULL;
	i = (size_t)(found - snapshot->oids);
	if (filled || snapshot->filenodes[i] == filenode)
		return NULL;
	/* A new file and no rows: TRUNCATE, or our own DDL rewrote a table that held none. */
	ours = named_whole(altered, standard, rows, row);
	if (ours ? snapshot->filled[i] && !snapshot->empty[i] : !snapshot->empty[i])
		return "emptied (TRUNCATE)";
	return NULL;
}

/* Written to, but an extension's, or named in trigger_tables. */
static void note_exempt(const struct sg_result *rows, struct sg_journal *journal, struct sg_arena *arena)
{
	for (int row = 0; row < sg_result_rows(rows); row++)
		if (sg_result_value(rows, row, 0) != NULL && strcmp(sg_result_value(rows, row, 0), "exempt") == 0)
			sg_exempt_note(journal, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2), arena);
}

static int judge(const struct sg_result *rows, const struct sg_probe_snapshot *snapshot,
                 const struct sg_relations *altered, const struct sg_relations *bodies, const char *schema,
                 const char *statement, struct sg_err *err)
{
	struct sg_buf tables = SG_BUF_INIT;
	const char *first = NULL, *first_schema = NULL, *triggers = NULL;
	bool state = false;

	for (int row = 0; row < sg_result_rows(rows); row++) {
		const char *what = sg_result_value(rows, row, 0), *how = "written to";

		if (what == NULL || strcmp(what, "exempt") == 0)
			continue;
		if (strcmp(what, "held") == 0)
			how = snapshot->taken ? hidden_write(rows, row, snapshot, altered, schema) : NULL;
		else if (strcmp(what, "write") == 0 &&
		         named(bodies, NULL, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2)))
			how = NULL;
		if (how == NULL)
			continue;
		if (strcmp(what, "gone") == 0)
			how = "dropped or moved";
		state = state || strcmp(what, "state") == 0 || strcmp(what, "gone") == 0;
		sg_buf_addf(&tables, "%s%s.%s was %s", tables.length ? "; " : "", sg_result_value(rows, row, 1),
		            sg_result_value(rows, row, 2), how);
		if (first == NULL) {
			first_schema = sg_result_value(rows, row, 1);
			first = sg_result_value(rows, row, 2);
			triggers = sg_result_value(rows, row, 6);
		}
	}
	if (first == NULL) {
		sg_buf_release(&tables);
		return 0;
	}
	if (state)
		sg_err_set(err, SG_CLASS_POLICY, "a migration touched sgrun's own tables");
	else
		sg_err_set(err, SG_CLASS_POLICY, "a migration wrote rows: the server holds a write lock on \"%s\".\"%s\"",
		           first_schema, first);
	if (triggers != NULL)
		sg_err_detail(err, "%s. Event triggers that may have done it: %s.", tables.data, triggers);
	else
		sg_err_detail(err, "%s, by a function, trigger or rule behind a statement.", tables.data);
	if (state)
		sg_err_hint(err, "Migrations may not touch the state schema; take it out.");
	else if (triggers != NULL)
		sg_err_hint(err, "Move data in a backfill. If an event trigger logs DDL there, add to [policy]: trigger_tables = %s.%s",
		            first_schema, first);
	else
		sg_err_hint(err, "Migrations are DDL only: move the data in a backfill.");
	sg_err_statement(err, statement, 0);
	sg_buf_release(&tables);
	return -1;
}

int sg_probe_learn(struct sg_run *run, struct sg_db *db, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db,
	                "SELECT pg_catalog.array_agg(oid), pg_catalog.max(oid) FILTER (WHERE relname = 'lease')"
	                " FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace ="
	                " (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)",
	                1, (const char *[]){ run->manifest->state_schema }, run->arena, &result, err) != 0)
		return -1;
	run->state_oids = sg_result_value(result, 0, 0);
	run->lease_oid = sg_result_value(result, 0, 1);
	return 0;
}

/* No join, no names: what it finds may still be a sequence or an extension's. */
static void add_quick(struct sg_session *session)
{
	sg_buf_addf(&session->pending,
	            "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted"
	            " AND l.locktype = 'relation' AND ((l.mode = 'RowExclusiveLock' AND"
	            " (l.relation >= 16384 OR l.relation = 2613)) OR (l.mode <> 'AccessShareLock' AND"
	            " l.relation = ANY ('%s'::oid[]) AND NOT (l.relation = %s AND l.mode = 'RowShareLock')))",
	            session->run->state_oids, session->run->lease_oid);
}

/* The session refused: what changed it was the last statement. */
static int blame(const char *statement, struct sg_err *err)
{
	return err->class == SG_CLASS_POLICY && err->statement == NULL ? sg_err_statement(err, statement, 0) : -1;
}

int sg_probe_ask(struct sg_session *session, const struct sg_step *step, const struct sg_probe_snapshot *snapshot,
                 const struct sg_relations *altered, const struct sg_relations *bodies, const char *statement,
                 struct sg_journal *journal, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_result *rows;
	int status = -1;

	if (!snapshot->taken && session->run->state_oids != NULL && session->run->lease_oid != NULL) {
		add_quick(session);
		if (sg_session_flush_rows(session, &scratch, &rows, err) != 0) {
			blame(statement, err);
			goto done;
		}
		if (sg_result_rows(rows) == 0) {
			status = 0;
			goto done;
		}
	}
	add_names(session, step, snapshot, &scratch);
	if (sg_session_flush_rows(session, &scratch, &rows, err) != 0) {
		blame(statement, err);
		goto done;
	}
	status = judge(rows, snapshot, altered, bodies, session->run->manifest->schema, statement, err);
	if (status == 0)
		note_exempt(rows, journal, arena);
done:
	sg_arena_release(&scratch);
	return status;
}
