/* probe.c - the probe of probe.h: one query, and its judgement. */
#include "config.h"
#include "core/exec/probe.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

int sg_probe_snapshot(struct sg_session *session, struct sg_arena *arena, struct sg_probe_snapshot *snapshot_r,
                      struct sg_err *err)
{
	struct sg_result *result;

	/* Never pg_relation_size() of tables that we do not hold: it waits for their locks. */
	if (sg_db_query(session->db,
	                "SELECT oid, relfilenode, relpages > 0 OR reltuples > 0, reltuples = 0 FROM pg_catalog.pg_class"
	                " WHERE relkind IN ('r', 'p', 'm') AND relpersistence <> 't' AND oid >= 16384 ORDER BY oid",
	                0, NULL, arena, &result, err) != 0)
		return -1;
	snapshot_r->taken = true;
	snapshot_r->count = (size_t)sg_result_rows(result);
	snapshot_r->oids = sg_arena_array(arena, snapshot_r->count, sizeof *snapshot_r->oids);
	snapshot_r->filenodes = sg_arena_array(arena, snapshot_r->count, sizeof *snapshot_r->filenodes);
	snapshot_r->filled = sg_arena_array(arena, snapshot_r->count, sizeof *snapshot_r->filled);
	snapshot_r->empty = sg_arena_array(arena, snapshot_r->count, sizeof *snapshot_r->empty);
	for (size_t i = 0; i < snapshot_r->count; i++) {
		snapshot_r->oids[i] = (uint32_t)sg_result_int(result, (int)i, 0);
		snapshot_r->filenodes[i] = (uint32_t)sg_result_int(result, (int)i, 1);
		snapshot_r->filled[i] = sg_result_true(result, (int)i, 2);
		snapshot_r->empty[i] = sg_result_true(result, (int)i, 3);
	}
	return 0;
}

/* Columns: what ('write', 'state', 'held'), schema, name, oid, relfilenode, has size, event triggers enabled. */
void sg_probe_add(struct sg_session *session, const struct sg_step *step, const struct sg_probe_snapshot *snapshot,
                  struct sg_arena *arena)
{
	const struct sg_manifest *manifest = session->run->manifest;
	const char *state = sg_db_literal(arena, manifest->state_schema);
	const struct sg_list *exempt = &step->policy.trigger_tables;

	sg_buf_addf(&session->pending,
	            "SELECT CASE WHEN n.nspname = %s THEN 'state' WHEN l.mode = 'RowExclusiveLock' THEN 'write'"
	            " ELSE 'held' END, n.nspname, c.relname, c.oid, c.relfilenode,"
	            " CASE WHEN l.mode = 'AccessExclusiveLock' AND c.relkind = 'r'"
	            " THEN pg_catalog.pg_relation_size(c.oid) > 0 ELSE false END,"
	            " (SELECT pg_catalog.string_agg(evtname, ', ') FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D')"
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
	sg_buf_adds(&session->pending, ") AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid ="
	                               " 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')");
	if (exempt->count > 0)
		sg_buf_addf(&session->pending,
		            " AND NOT (n.nspname <> %s AND (c.relname = ANY (%s::text[]) AND n.nspname = %s"
		            " OR n.nspname || '.' || c.relname = ANY (%s::text[])))",
		            state, sg_db_literal(arena, sg_db_text_array(arena, exempt->items, exempt->count)),
		            sg_db_literal(arena, manifest->schema),
		            sg_db_literal(arena, sg_db_text_array(arena, exempt->items, exempt->count)));
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
	ours = named(altered, standard, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2));
	if (ours ? snapshot->filled[i] && !snapshot->empty[i] : !snapshot->empty[i])
		return "emptied (TRUNCATE)";
	return NULL;
}

int sg_probe_judge(const struct sg_result *rows, const struct sg_probe_snapshot *snapshot,
                   const struct sg_relations *altered, const struct sg_relations *bodies, const char *schema,
                   const char *statement, struct sg_err *err)
{
	struct sg_buf tables = SG_BUF_INIT;
	const char *first = NULL, *first_schema = NULL, *triggers = NULL;
	bool state = false;

	for (int row = 0; row < sg_result_rows(rows); row++) {
		const char *what = sg_result_value(rows, row, 0), *how = "written to";

		if (strcmp(what, "held") == 0)
			how = snapshot->taken ? hidden_write(rows, row, snapshot, altered, schema) : NULL;
		else if (strcmp(what, "write") == 0 &&
		         named(bodies, NULL, sg_result_value(rows, row, 1), sg_result_value(rows, row, 2)))
			how = NULL;
		if (how == NULL)
			continue;
		state = state || strcmp(what, "state") == 0;
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
