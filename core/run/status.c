/* status.c - what is recorded, what is left, who works: from the state tables
 * alone (but for the progress of a build), so that it answers from any host and loads no plugin. */
#include "config.h"

#include <string.h>

#include "core/run/ask.h"
#include "core/run/gates.h"
#include "core/run/run.h"
#include "core/state/lease.h"

#define BAD_ROWS 20 /* of a backfill, that are named */

/* The last failure of each step that is not recorded. */
static int read_failures(struct sg_run *run, struct sg_db *db, struct sg_status *status, struct sg_err *err)
{
	const char *schema = sg_db_identifier(run->arena, run->manifest->state_schema);
	struct sg_result *result;

	if (sg_db_query(db,
	                sg_arena_printf(run->arena,
	                                "SELECT DISTINCT ON (a.step) a.step, a.class, a.sqlstate, a.message, a.statement,"
	                                " pg_catalog.to_char(a.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
	                                " a.result, (SELECT count(*) FROM %s.attempts b WHERE b.step = a.step)"
	                                " FROM %s.attempts a WHERE NOT EXISTS"
	                                " (SELECT FROM %s.schema_migrations s WHERE s.id = a.step) ORDER BY a.step, a.no DESC",
	                                schema, schema, schema),
	                0, NULL, run->arena, &result, err) != 0)
		return -1;
	for (int row = 0; row < sg_result_rows(result); row++) {
		for (size_t i = 0; i < status->migration_count; i++) {
			struct sg_status_migration *item = &status->migrations[i];
			const char *class = sg_result_value(result, row, 1);
			enum sg_class found = SG_CLASS_SQL;

			/* a superseded one never runs again */
			if (strcmp(item->id, sg_result_value(result, row, 0)) != 0 || strcmp(item->state, "superseded") == 0)
				continue;
			for (int k = 0; k < SG_CLASS_COUNT; k++)
				if (class != NULL && strcmp(sg_class_name((enum sg_class)k), class) == 0)
					found = (enum sg_class)k;
			sg_err_defer(&item->err, run->arena);
			sg_err_set(&item->err, found, "%s", sg_result_value(result, row, 3) ? sg_result_value(result, row, 3) : "");
			sg_err_sqlstate(&item->err, sg_result_value(result, row, 2));
			sg_err_statement(&item->err, sg_result_value(result, row, 4), 0);
			sg_err_step(&item->err, item->id);
			item->failed_at = sg_result_value(result, row, 5);
			item->attempts = (int)sg_result_int(result, row, 7);
			/* "retried": it has not failed, it is being tried again */
			if (sg_result_value(result, row, 6) != NULL && strcmp(sg_result_value(result, row, 6), "failed") == 0)
				item->state = "failed";
		}
	}
	return 0;
}

static void add_recorded(struct sg_status_migration *item, const struct sg_ledger_row *row)
{
	item->state = sg_recorded_name(row->outcome);
	item->applied_at = row->applied_at;
	item->duration_ms = row->duration_ms;
	item->attempts = row->attempts;
	item->reason = row->reason;
	if (item->title == NULL)
		item->title = row->title;
}

/* The gates that are closed, and how each one stands. */
static void list_gates(struct sg_run *run, const struct sg_gates *gates, const struct sg_step *step,
                       const char *const **waits_r, const char *const **why_r, size_t *count_r)
{
	const char **waits = sg_arena_array(run->arena, step->require_count + 1, sizeof *waits);
	const char **why = sg_arena_array(run->arena, step->require_count + 1, sizeof *why);
	size_t count = 0;

	for (const char *closed; (closed = sg_gates_closed(gates, step, count, run->arena)) != NULL; count++) {
		waits[count] = closed;
		why[count] = sg_gates_why(gates, closed, run->arena);
	}
	*waits_r = waits;
	*why_r = why;
	*count_r = count;
}

static void list_backfills(struct sg_run *run, const struct sg_gates *gates, struct sg_status *status)
{
	const struct sg_manifest *manifest = run->manifest;

	status->backfills = sg_arena_array(run->arena, manifest->step_count, sizeof *status->backfills);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		const struct sg_backfill_row *row = sg_backfills_find(gates->backfills, gates->backfill_count, step->id);
		struct sg_status_backfill *item;

		if (step->kind != SG_STEP_BACKFILL)
			continue;
		item = &status->backfills[status->backfill_count++];
		item->step = step;
		item->row = row;
		item->state = sg_backfill_state_name(row != NULL ? row->state : SG_BACKFILL_PENDING);
		if (row == NULL || !row->begun)
			list_gates(run, gates, step, &item->waits_for, &item->waits_why, &item->waits_count);
		if (item->waits_count > 0 && (row == NULL || row->state == SG_BACKFILL_PENDING))
			item->state = "waiting";
		if (row == NULL)
			continue;
		if (row->state == SG_BACKFILL_PAUSED)
			item->throttle = sg_arena_printf(run->arena, "paused by %s", row->paused_by ? row->paused_by : "somebody");
		if (row->nobody)
			item->state = "stopped";
		else if (row->state == SG_BACKFILL_RUNNING)
			item->throttle = row->message;
	}
}

static bool may_wait(const struct sg_index_row *row)
{
	return row == NULL || (row->state != SG_INDEX_VALID && row->state != SG_INDEX_DRIFTED && row->state != SG_INDEX_BUILDING);
}

/* Its section says nothing that a run would build: what is known of an earlier one is no answer. */
static bool is_refused(struct sg_run *run, struct sg_status_index *item)
{
	struct sg_index_definition definition;

	sg_err_init(&item->err);
	sg_err_defer(&item->err, run->arena);
	return sg_index_define(run->manifest, item->step, run->arena, &definition, &item->err) != 0;
}

static void list_indexes(struct sg_run *run, const struct sg_gates *gates, struct sg_status *status)
{
	const struct sg_manifest *manifest = run->manifest;

	status->indexes = sg_arena_array(run->arena, manifest->step_count, sizeof *status->indexes);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		const struct sg_index_row *row = sg_indexes_find(gates->indexes, gates->index_count, step->id);
		struct sg_status_index *item;

		if (step->kind != SG_STEP_INDEX)
			continue;
		item = &status->indexes[status->index_count++];
		item->step = step;
		item->row = row;
		item->state = sg_index_state_name(row != NULL ? row->state : SG_INDEX_MISSING);
		item->progress.fraction = -1;
		item->progress.seconds_left = -1;
		if (may_wait(row))
			list_gates(run, gates, step, &item->waits_for, &item->waits_why, &item->waits_count);
		if (item->waits_count > 0 && (row == NULL || row->state == SG_INDEX_MISSING))
			item->state = "waiting";
		if (is_refused(run, item)) {
			item->state = "refused";
			continue;
		}
		if (row == NULL)
			continue;
		if (row->state == SG_INDEX_BUILDING && !row->alive)
			item->state = "stopped";
		if (row->state == SG_INDEX_FAILED || row->state == SG_INDEX_INVALID || row->state == SG_INDEX_DRIFTED)
			sg_index_row_err(row, run->arena, &item->err);
	}
}

/* How those go on that are being built now: short questions on a connection of their own, answered soon or not at all. */
static void read_progress(struct sg_run *run, struct sg_status *status)
{
	struct sg_watch watch;

	sg_watch_init(&watch, run, NULL);
	for (size_t i = 0; i < status->index_count; i++) {
		struct sg_status_index *item = &status->indexes[i];
		struct sg_index_definition *definition;
		struct sg_index_meter meter;
		struct sg_err err = SG_ERR_INIT;

		if (item->row == NULL || item->row->state != SG_INDEX_BUILDING || !item->row->alive)
			continue;
		definition = sg_arena_alloc(run->arena, sizeof *definition);
		if (sg_index_define(run->manifest, item->step, run->arena, definition, &err) == 0) {
			sg_index_meter_init(&meter, &watch, definition);
			sg_index_meter_read(&meter, run->arena, &item->progress, NULL);
		}
		sg_err_release(&err);
	}
	sg_watch_release(&watch);
}

/* Which rows a person has to mend. */
static int read_bad_rows(struct sg_run *run, struct sg_db *db, struct sg_status *status, struct sg_err *err)
{
	for (size_t i = 0; i < status->backfill_count; i++) {
		struct sg_status_backfill *item = &status->backfills[i];
		struct sg_bad_row *rows;

		if (item->row == NULL || item->row->bad_rows == 0)
			continue;
		if (sg_ranges_bad_rows(db, run->manifest->state_schema, item->step->id, BAD_ROWS, run->arena, &rows,
		                       &item->bad_count, err) != 0)
			return -1;
		item->bad = rows;
	}
	return 0;
}

static void list_migrations(struct sg_run *run, const struct sg_ledger *ledger, const struct sg_gates *gates,
                            struct sg_status *status)
{
	const struct sg_manifest *manifest = run->manifest;

	status->migrations = sg_arena_array(run->arena, manifest->step_count + ledger->count, sizeof *status->migrations);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		const struct sg_ledger_row *row;
		struct sg_status_migration *item;

		if (step->kind != SG_STEP_MIGRATION)
			continue;
		item = &status->migrations[status->migration_count++];
		item->step = step;
		item->id = step->id;
		item->title = step->title;
		item->duration_ms = -1;
		item->attempts = -1;
		item->state = step->superseded_by != NULL ? "superseded" : "pending";
		row = sg_ledger_find(ledger, step->id);
		if (row != NULL) {
			add_recorded(item, row);
		} else {
			list_gates(run, gates, step, &item->waits_for, &item->waits_why, &item->waits_count);
			if (item->waits_count > 0)
				item->state = "waiting";
		}
	}
	for (size_t i = 0; i < ledger->count; i++) {
		struct sg_status_migration *item;

		if (sg_manifest_step(manifest, SG_STEP_MIGRATION, ledger->rows[i].id) != NULL)
			continue;
		item = &status->migrations[status->migration_count++];
		item->id = ledger->rows[i].id;
		add_recorded(item, &ledger->rows[i]);
	}
}

static int read_all(struct sg_run *run, struct sg_session *session, struct sg_status *status, struct sg_err *err)
{
	struct sg_arena *arena = run->arena;
	struct sg_lease_holder holder = { 0 };
	struct sg_ledger ledger;
	struct sg_gates gates;

	if (sg_ask_ledger(run, session, true, &ledger, err) != 0 ||
	    sg_gates_read(session->db, run->manifest, &ledger, arena, &gates, err) != 0)
		return -1;
	/* One transaction, to see the backend's pid (is a pooler in between?), and
	 * with a search_path of ours. */
	if (sg_session_begin_look(session, arena, err) != 0)
		return -1;
	status->pooler = run->pooler;
	list_migrations(run, &ledger, &gates, status);
	list_backfills(run, &gates, status);
	list_indexes(run, &gates, status);
	if (ledger.installed) {
		status->state_version = ledger.version;
		if (read_failures(run, session->db, status, err) != 0 ||
		    read_bad_rows(run, session->db, status, err) != 0)
			return -1;
	}
	sg_session_rollback(session);
	if (ledger.installed && sg_lease_look(run->manifest->state_schema, session->db, arena, &holder, err) != 0)
		return -1;
	read_progress(run, status);
	status->lease_owner = holder.owner;
	status->lease_since = holder.since;
	status->lease_doing = holder.doing;
	status->lease_alive = holder.alive;
	return 0;
}

/* What is at work or stopped in the middle is pending, too: it is not done. */
static void count(struct sg_status *status, const char *state)
{
	static const char *const pending[] = { "pending", "running", "paused", "stopped", "missing", "building", "invalid" };
	static const char *const failed[] = { "failed", "residual", "drifted", "refused" };

	for (size_t i = 0; i < SG_COUNT(pending); i++)
		status->pending += strcmp(state, pending[i]) == 0;
	status->waiting += strcmp(state, "waiting") == 0;
	for (size_t i = 0; i < SG_COUNT(failed); i++)
		status->failed += strcmp(state, failed[i]) == 0;
}

int sg_status_read(struct sg_run *run, struct sg_status *status_r, struct sg_err *err)
{
	struct sg_session session;
	int status;

	memset(status_r, 0, sizeof *status_r);
	status_r->database = run->dsn.database;
	sg_session_init(&session, run, false);
	status = read_all(run, &session, status_r, err);
	sg_session_drop(&session);
	for (size_t i = 0; status == 0 && i < status_r->migration_count; i++)
		count(status_r, status_r->migrations[i].state);
	for (size_t i = 0; status == 0 && i < status_r->backfill_count; i++)
		count(status_r, status_r->backfills[i].state);
	for (size_t i = 0; status == 0 && i < status_r->index_count; i++)
		count(status_r, status_r->indexes[i].state);
	return status;
}
