/* progress.c - the meter of progress.h.
 *
 * Asked about twice a second while a build runs, so it costs one short question, and a
 * second one (who blocks) only while the build waits or has not begun. It is a courtesy:
 * whatever fails here leaves the progress empty and the build alone. */
#include "config.h"
#include "core/index/progress.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

#define SPEED_AFTER_MS 2000 /* before that the speed of a phase says nothing: the server counts in leaps */
#define MOST_FAILURES 3
#define SELDOM_MS 15000     /* a pool without a connection to spare will hardly have one soon */

/* What a phase counts, and which of the phases with work of their own it is. The waits between them, which
 * may be over at once or never, have no number. Names: src/backend/catalog/system_views.sql and
 * btbuildphasename() in src/backend/access/nbtree/nbtutils.c. */
enum counts { NOTHING, BLOCKS, TUPLES, EITHER };

struct phase {
	const char *name;
	int btree, other; /* its number for btree, which tells of three parts of the building, and for all else */
	enum counts counts;
};

static const struct phase phases[] = {
	{ "building index: initializing", 1, 1, NOTHING },
	{ "building index: scanning table", 1, 1, BLOCKS },
	{ "building index: sorting live tuples", 2, 1, NOTHING },
	{ "building index: sorting dead tuples", 2, 1, NOTHING },
	{ "building index: loading tuples in tree", 3, 1, TUPLES },
	{ "building index", 1, 1, EITHER },
	{ "index validation: scanning index", 4, 2, BLOCKS },
	{ "index validation: sorting tuples", 5, 3, NOTHING },
	{ "index validation: scanning table", 6, 4, BLOCKS },
};
#define BTREE_PHASES 6
#define OTHER_PHASES 4

void sg_index_meter_init(struct sg_index_meter *meter, struct sg_watch *watch, const struct sg_index_definition *definition)
{
	memset(meter, 0, sizeof *meter);
	meter->watch = watch;
	meter->definition = definition;
}

void sg_index_meter_reset(struct sg_index_meter *meter, int pid)
{
	meter->pid = pid;
	meter->phase[0] = '\0';
	meter->phase_ms = meter->first_done = meter->wait_ms = 0;
}

static void nothing(struct sg_index_progress *progress_r)
{
	memset(progress_r, 0, sizeof *progress_r);
	progress_r->fraction = -1;
	progress_r->seconds_left = -1;
}

static bool is_btree(const struct sg_index_definition *definition)
{
	return !sg_text_prefix(definition->rest, "USING ") || sg_text_prefix(definition->rest, "USING btree ");
}

static void count(const struct phase *phase, const struct sg_index_reading *reading, struct sg_index_progress *progress_r)
{
	progress_r->blocks = phase->counts == BLOCKS || (phase->counts == EITHER && reading->blocks_total > 0);
	if (progress_r->blocks) {
		progress_r->done = reading->blocks_done;
		progress_r->total = reading->blocks_total;
	} else if (phase->counts != NOTHING) {
		progress_r->done = reading->tuples_done;
		progress_r->total = reading->tuples_total;
	}
}

/* By the speed since this phase was first seen. */
static void estimate(const struct sg_index_meter *meter, int64_t now_ms, struct sg_index_progress *progress_r)
{
	int64_t took = now_ms - meter->phase_ms, did = progress_r->done - meter->first_done;
	int64_t left = progress_r->total - progress_r->done;

	if (progress_r->total <= 0)
		return;
	progress_r->fraction = left > 0 ? (double)progress_r->done / (double)progress_r->total : 1;
	if (left <= 0)
		progress_r->seconds_left = 0;
	else if (took >= SPEED_AFTER_MS && did > 0)
		progress_r->seconds_left = (int64_t)((double)left * (double)took / (double)did / 1000 + 0.5);
}

void sg_index_meter_take(struct sg_index_meter *meter, const struct sg_index_reading *reading, int64_t now_ms,
                         struct sg_index_progress *progress_r)
{
	bool btree = is_btree(meter->definition);

	nothing(progress_r);
	if (reading->phase == NULL)
		return;
	progress_r->phase = reading->phase;
	for (size_t i = 0; i < SG_COUNT(phases); i++)
		if (strcmp(phases[i].name, reading->phase) == 0) {
			progress_r->phase_number = btree ? phases[i].btree : phases[i].other;
			progress_r->phases = btree ? BTREE_PHASES : OTHER_PHASES;
			count(&phases[i], reading, progress_r);
			break;
		}
	/* the name as far as it is kept: none of the server's is longer */
	if (strncmp(meter->phase, reading->phase, sizeof meter->phase - 1) != 0 || progress_r->done < meter->first_done) {
		snprintf(meter->phase, sizeof meter->phase, "%s", reading->phase);
		meter->phase_ms = now_ms;
		meter->first_done = progress_r->done;
	}
	estimate(meter, now_ms, progress_r);
}

/* Without a pid: whoever builds on the table, or on a partition of it. No function is asked that would lock them. */
static const char question[] =
	"BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;"
	" WITH RECURSIVE part (oid) AS (SELECT to_regclass(%s)::oid UNION"
	" SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid)"
	" SELECT p.pid, p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total"
	" FROM pg_stat_progress_create_index p WHERE p.datname = current_database() AND"
	" CASE WHEN %d <> 0 THEN p.pid = %d ELSE p.relid IN (SELECT oid FROM part) END"
	" ORDER BY p.pid LIMIT 1; COMMIT";

/* 0 also where there is no row. */
static int ask(struct sg_index_meter *meter, struct sg_arena *arena, struct sg_index_reading *reading_r, int *pid_r)
{
	const char *relation = sg_index_relation_sql(meter->definition, arena);
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *result;
	int status = -1;

	memset(reading_r, 0, sizeof *reading_r);
	*pid_r = meter->pid;
	if (sg_watch_open(meter->watch, &err) == 0 &&
	    sg_db_script_rows(meter->watch->session.db,
	                      sg_arena_printf(arena, question, sg_db_literal(arena, relation), meter->pid, meter->pid), arena,
	                      &result, &err) == 0) {
		if (sg_result_rows(result) == 1) {
			*pid_r = (int)sg_result_int(result, 0, 0);
			reading_r->phase = sg_result_value(result, 0, 1);
			reading_r->blocks_done = sg_result_int(result, 0, 2);
			reading_r->blocks_total = sg_result_int(result, 0, 3);
			reading_r->tuples_done = sg_result_int(result, 0, 4);
			reading_r->tuples_total = sg_result_int(result, 0, 5);
		}
		status = 0;
	} else {
		sg_session_drop(&meter->watch->session);
	}
	meter->failures = status == 0 ? 0 : meter->failures + 1;
	meter->again_ms = meter->failures >= MOST_FAILURES ? sg_clock_ms() + SELDOM_MS : 0;
	sg_err_release(&err);
	return status;
}

void sg_index_meter_read(struct sg_index_meter *meter, struct sg_arena *arena, struct sg_index_progress *progress_r,
                         bool *waiting_r)
{
	struct sg_blockers blockers = { 0 };
	struct sg_index_reading reading;
	int64_t now;
	int pid;

	nothing(progress_r);
	if (waiting_r != NULL)
		*waiting_r = false;
	if (sg_clock_ms() < meter->again_ms || ask(meter, arena, &reading, &pid) != 0)
		return;
	now = sg_clock_ms();
	sg_index_meter_take(meter, &reading, now, progress_r);
	/* No row: it waits for the table's lock, or it drops. The view's current_locker_pid is among those who block. */
	if (pid != 0 && (reading.phase == NULL || sg_text_prefix(reading.phase, "waiting ")))
		sg_watch_blockers(meter->watch, pid, arena, &blockers);
	/* a build takes hours, and its lock_seconds counts by what is told here: what failed is asked again, if seldom */
	if (meter->watch->off) {
		meter->watch->off = false;
		meter->watch->failures = 0;
		meter->again_ms = now + SELDOM_MS;
	}
	if (blockers.waited_ms == 0 && blockers.text == NULL) {
		meter->wait_ms = 0;
		return;
	}
	if (meter->wait_ms == 0)
		meter->wait_ms = now > blockers.waited_ms ? now - blockers.waited_ms : now;
	progress_r->waits_for = blockers.text;
	progress_r->waits_ms = now - meter->wait_ms;
	if (waiting_r != NULL)
		*waiting_r = true;
}
