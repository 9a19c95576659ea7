/* ledger.c - reads schema_migrations, in one round trip for a thousand rows. */
#include "config.h"
#include "core/state/ledger.h"

#include <string.h>

#include "core/state/schema.h"

#define OWN_SCHEMA "Give sgrun a schema of its own by state_schema in [sgrun]; the other table is not touched."

#define MOST_TURNS 10 /* somebody drops and makes the tables all the time */

static const char *const recorded_names[] = { "applied", "reconciled", "adopted", "superseded" };

const char *sg_recorded_name(enum sg_recorded outcome)
{
	SG_ASSERT((unsigned)outcome < SG_COUNT(recorded_names));
	return recorded_names[outcome];
}

static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211ULL;
	return h;
}

static void make_index(struct sg_ledger *ledger, struct sg_arena *arena)
{
	size_t size = 16;

	while (size < ledger->count * 2)
		size *= 2;
	ledger->index = sg_arena_array(arena, size, sizeof *ledger->index);
	ledger->index_size = size;
	for (size_t i = 0; i < ledger->count; i++) {
		size_t at = hash(ledger->rows[i].id) & (size - 1);

		while (ledger->index[at] != 0)
			at = (at + 1) & (size - 1);
		ledger->index[at] = i + 1;
	}
}

const struct sg_ledger_row *sg_ledger_find(const struct sg_ledger *ledger, const char *id)
{
	if (ledger->index_size == 0)
		return NULL;
	for (size_t at = hash(id) & (ledger->index_size - 1); ledger->index[at] != 0;
	     at = (at + 1) & (ledger->index_size - 1)) {
		const struct sg_ledger_row *row = &ledger->rows[ledger->index[at] - 1];

		if (strcmp(row->id, id) == 0)
			return row;
	}
	return NULL;
}

/* No meta table: nothing there, or what somebody else made; 1: both tables are
 * there by now, so that another runner made them since we looked. In a transaction
 * of its own, since the role may have another search_path; both by one scan, since
 * to_regclass() would see what was committed after the scan began. */
static int look_for_another_tool(struct sg_db *db, const char *state_schema, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena,
	                                      "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	                                      " SELECT string_agg(a.attname, ', ' ORDER BY a.attnum)"
	                                      " FILTER (WHERE c.relname = 'schema_migrations'),"
	                                      " bool_or(c.relname = 'meta') FROM pg_class c"
	                                      " JOIN pg_namespace n ON n.oid = c.relnamespace"
	                                      " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	                                      " WHERE n.nspname = %s AND c.relname IN ('meta', 'schema_migrations'); COMMIT",
	                                      sg_db_literal(arena, state_schema)),
	                      arena, &result, err) != 0) {
		if (!sg_db_lost(db))
			sg_db_rollback(db);
		return -1;
	}
	if (sg_result_value(result, 0, 0) == NULL) {
		if (!sg_result_true(result, 0, 1))
			return 0;
		/* Taken for "not made yet" it would be looked for, made, and looked for, without end. */
		sg_err_set(err, SG_CLASS_STATE, "schema \"%s\" holds a table meta, but no schema_migrations", state_schema);
		return sg_err_hint(err, "If it is sgrun's, restore what is missing (`sgrun check --state-sql` prints the tables);"
		                        " if it is another program's, give sgrun a schema of its own by state_schema in [sgrun].");
	}
	if (sg_result_true(result, 0, 1))
		return 1;
	sg_err_set(err, SG_CLASS_STATE, "schema \"%s\" holds a schema_migrations that another tool made", state_schema);
	sg_err_detail(err, "Its columns are: %s.", sg_result_value(result, 0, 0));
	return sg_err_hint(err, OWN_SCHEMA);
}

/* The ledger could not be read: not made yet (0), to be read again (1), not ours, not for us. */
static int explain(struct sg_db *db, const char *state_schema, struct sg_arena *arena, struct sg_err *err)
{
	if (sg_db_lost(db))
		return -1;
	if (sg_state_is_missing(err)) {
		sg_err_clear(err);
		return look_for_another_tool(db, state_schema, arena, err);
	}
	if (strcmp(err->sqlstate, "42703") == 0) {
		/* tables of our names, with other columns */
		err->class = SG_CLASS_STATE;
		sg_err_wrap(err, "schema \"%s\" holds tables of sgrun's names that another tool made", state_schema);
		sg_err_hint(err, OWN_SCHEMA);
	} else {
		sg_state_explain(err, "read", state_schema);
	}
	return -1;
}

int sg_ledger_read(struct sg_db *db, const char *state_schema, bool full, struct sg_arena *arena,
                   struct sg_ledger *ledger_r, struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, state_schema);
	struct sg_result *result;
	const char *sql;
	int rows;

	memset(ledger_r, 0, sizeof *ledger_r);
	/* applied_at is never NULL; naming it makes another tool's table an error.
	 * LIMIT 1 keeps the planner's guess about a never analyzed table small: else
	 * it compiles the query (JIT), for 25 ms. */
	sql = sg_arena_printf(arena,
	                      "SELECT m.version, s.id, s.outcome%s FROM (SELECT version FROM %s.meta LIMIT 1) m"
	                      " LEFT JOIN %s.schema_migrations s ON s.applied_at IS NOT NULL%s",
	                      full ? ", s.title, s.plugin_sha256,"
	                             " pg_catalog.to_char(s.applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
	                             " s.duration_ms, s.attempts, s.runner, s.sgrun_version, s.reason"
	                           : "",
	                      schema, schema, full ? " ORDER BY s.applied_at, s.id" : "");
	for (int turn = 0; sg_db_query(db, sql, 0, NULL, arena, &result, err) != 0; turn++) {
		int found = explain(db, state_schema, arena, err);

		if (found <= 0)
			return found;
		if (turn == MOST_TURNS)
			return sg_err_set(err, SG_CLASS_STATE, "the state tables in schema \"%s\" come and go", state_schema);
	}
	ledger_r->installed = true;
	rows = sg_result_rows(result);
	if (rows < 1) {
		sg_err_set(err, SG_CLASS_STATE, "table \"%s\".meta is empty", state_schema);
		return sg_err_hint(err, "The state tables were tampered with: restore them, or insert their version (%d).",
		                   SG_STATE_VERSION);
	}
	ledger_r->version = (int)sg_result_int(result, 0, 0);
	if (ledger_r->version > SG_STATE_VERSION) {
		sg_err_set(err, SG_CLASS_STATE, "the state tables in schema \"%s\" are of version %d, this sgrun knows %d",
		           state_schema, ledger_r->version, SG_STATE_VERSION);
		return sg_err_hint(err, "A newer sgrun has been here: use that one.");
	}
	ledger_r->rows = sg_arena_array(arena, (size_t)rows, sizeof *ledger_r->rows);
	for (int i = 0; i < rows; i++) {
		struct sg_ledger_row *row = &ledger_r->rows[ledger_r->count];
		const char *outcome = sg_result_value(result, i, 2);

		row->id = sg_result_value(result, i, 1);
		if (row->id == NULL || outcome == NULL)
			continue; /* the LEFT JOIN's row of an empty ledger */
		for (size_t k = 0; k < SG_COUNT(recorded_names); k++)
			if (strcmp(outcome, recorded_names[k]) == 0)
				row->outcome = (enum sg_recorded)k;
		if (full) {
			row->title = sg_result_value(result, i, 3);
			row->plugin_sha256 = sg_result_value(result, i, 4);
			row->applied_at = sg_result_value(result, i, 5);
			row->duration_ms = sg_result_value(result, i, 6) ? sg_result_int(result, i, 6) : -1;
			row->attempts = sg_result_value(result, i, 7) ? (int)sg_result_int(result, i, 7) : -1;
			row->runner = sg_result_value(result, i, 8);
			row->sgrun_version = sg_result_value(result, i, 9);
			row->reason = sg_result_value(result, i, 10);
		}
		ledger_r->count++;
	}
	make_index(ledger_r, arena);
	return 0;
}
