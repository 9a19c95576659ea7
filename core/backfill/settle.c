/* settle.c - what the state says of a backfill, and what follows from it: the sweep
 * begins, goes on, is begun once more, or the backfill ends.
 *
 * Any number of runs do this at the same time. Whatever is decided is decided
 * under the lock of the backfill's row and written in the same transaction; the
 * fingerprint, which takes longer, is asked before, and what it said is of use only
 * while no range has appeared since. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/backfill/course.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/abi.h"
#include "core/state/attempts.h"

#define LOCK_MS 2000  /* for the row: held by others for a moment, in drain mode for a batch */
#define CATALOG "\"pg_catalog\"."
#define TOUCH_MS 200  /* the same, where it is of use only */

int sg_course_again(struct sg_course *course, struct sg_retry *retry, struct sg_err *err)
{
	int64_t pause;
	char span[32];

	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	if (sg_retry_next(retry, err, sg_clock_ms(), &pause) == SG_AGAIN_NO || sg_course_over(course, pause)) {
		sg_retry_conclude(retry, sg_clock_ms(), err);
		return -1;
	}
	sg_clock_text(pause, span);
	sg_log(SG_LOG_INFO, "retry", course->step->id, retry->failures, "%s%s%s; trying again in %s", err->primary,
	       err->sqlstate[0] != '\0' ? ", SQLSTATE " : "", err->sqlstate, span);
	sg_err_clear(err);
	return sg_stop_sleep(pause) ? 0 : sg_stop_err(err);
}

static int transact_once(struct sg_course *course, int lock_ms, sg_course_act act, void *what, struct sg_err *err)
{
	struct sg_session *session = &course->session;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_begun begun;
	int status = -1;

	if (sg_session_open(session, err) == 0 &&
	    sg_session_begin(session, course->step, NULL, NULL, lock_ms, &arena, &begun, err) == 0 &&
	    act(course, what, &arena, err) == 0 && sg_db_commit(session->db, err) == 0) {
		session->backend = 0;
		session->begun = false;
		status = 0;
	}
	if (status != 0) {
		sg_session_rollback(session);
		sg_session_drop(session);
	}
	sg_arena_release(&arena);
	return status;
}

int sg_course_transact(struct sg_course *course, sg_course_act act, void *what, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &course->step->policy);
	while (transact_once(course, LOCK_MS, act, what, err) != 0)
		if (sg_course_again(course, &retry, err) != 0)
			return -1;
	return 0;
}

int sg_course_look(struct sg_course *course, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_backfill_row *rows;
	const struct sg_backfill_row *row;
	int64_t told = course->lanes.rows;
	size_t count;

	if (sg_session_open(&course->session, err) != 0 ||
	    sg_backfills_read(course->session.db, course->run->manifest->state_schema, &arena, &rows, &count, err) != 0) {
		sg_arena_release(&arena);
		return -1;
	}
	sg_arena_release(&course->row_arena);
	course->row_arena = arena;
	memset(&course->row, 0, sizeof course->row);
	row = sg_backfills_find(rows, count, course->step->id);
	if (row != NULL)
		course->row = *row;
	course->row_ms = sg_clock_ms();
	course->row_rows = told;
	return 0;
}

/* ---- what comes next --------------------------------------------------------- */

struct settling {
	bool asked, holds;  /* the fingerprint */
	bool begun;         /* when it was asked */
	int64_t left;
	/* what was decided, of use once it is committed */
	enum sg_next next;
	bool swept, running;
	bool again;         /* drain mode: rows that were locked are looked for once more */
};

static enum sg_next ended(struct sg_course *course, enum sg_backfill_end end)
{
	course->result->end = end;
	return SG_NEXT_ENDED;
}

/* Somebody else failed it, while we worked. */
static enum sg_next failed_elsewhere(struct sg_course *course, const struct sg_backfill_row *row)
{
	struct sg_err *err = &course->result->err;

	sg_err_set(err, row->err.class != SG_CLASS_NONE ? row->err.class : SG_CLASS_FAILED, "%s",
	           row->err.primary != NULL ? row->err.primary : row->message != NULL ? row->message : "another run failed it");
	sg_err_sqlstate(err, row->err.sqlstate);
	sg_err_detail(err, "Another run of this backfill came upon it, and stopped it for all.");
	return ended(course, SG_BACKFILL_END_FAILED);
}

static int set(struct sg_course *course, enum sg_backfill_state state, int64_t left, struct sg_arena *arena,
               struct sg_err *err)
{
	return sg_backfills_set(course->session.db, course->run->manifest->state_schema, course->step->id, state, NULL, NULL,
	                        left, arena, err);
}

/* What the positions of its ranges mean. Integers of any width are the same, and so are texts. */
static const char *described(const struct sg_key *key, struct sg_arena *arena)
{
	static const struct { const char *type, *as; } same[] = { { "\"int2\"", "integer" },
		{ "\"int4\"", "integer" }, { "\"int8\"", "integer" }, { "\"varchar\"", "text" }, { "\"text\"", "text" } };
	const char *all = sg_arena_printf(arena, "%s (", key->shown);

	for (size_t i = 0; i < key->count; i++) {
		const char *type = key->types[i];

		type += strncmp(type, CATALOG, strlen(CATALOG)) == 0 ? strlen(CATALOG) : 0;
		for (size_t k = 0; k < sizeof same / sizeof *same; k++)
			if (strcmp(type, same[k].type) == 0)
				type = same[k].as;
		all = sg_arena_printf(arena, "%s%s%s %s%s", all, i > 0 ? ", " : "", key->names[i], type, key->collations[i]);
	}
	return sg_arena_printf(arena, "%s)", all);
}

/* Its line in the journal: number 0, which no statement has. */
static int note_key(struct sg_course *course, struct sg_arena *arena, struct sg_err *err)
{
	return sg_db_script(course->session.db,
	                    sg_arena_printf(arena,
	                                    "INSERT INTO %s.journal AS j (step, seq, kind, sql) VALUES (%s, 0, 'key', %s)"
	                                    " ON CONFLICT (step, seq) DO UPDATE SET kind = EXCLUDED.kind, sql = EXCLUDED.sql",
	                                    sg_db_identifier(arena, course->run->manifest->state_schema),
	                                    sg_db_literal(arena, course->step->id),
	                                    sg_db_literal(arena, described(&course->backfill.key, arena))),
	                    err);
}

/* Ranges that were made of another key would have rows done twice, and others never. */
static int check_key(struct sg_course *course, struct sg_arena *arena, struct sg_err *err)
{
	const char *is = described(&course->backfill.key, arena), *was;
	const char *schema = sg_db_identifier(arena, course->run->manifest->state_schema);
	const char *step = sg_db_literal(arena, course->step->id);
	struct sg_result *result;

	if (sg_db_script_rows(course->session.db,
	                      sg_arena_printf(arena,
	                                      "SELECT j.sql FROM %s.journal j WHERE j.step OPERATOR(pg_catalog.=) %s"
	                                      " AND j.seq OPERATOR(pg_catalog.=) 0 AND j.kind OPERATOR(pg_catalog.=) 'key'",
	                                      schema, step),
	                      arena, &result, err) != 0)
		return -1;
	was = sg_result_rows(result) == 1 ? sg_result_value(result, 0, 0) : NULL;
	if (was == NULL || strcmp(was, is) == 0)
		return 0;
	sg_err_set(err, SG_CLASS_REFUSED, "this backfill was begun over %s, and is now over %s", was, is);
	sg_err_detail(err, "Ranges of it are left, and their positions say nothing of another table or key.");
	sg_err_hint(err, "Let it end with the key that it was begun with. If that key is no more, and its batches do no harm to rows "
	                 "that are done already: DELETE FROM %s.backfill_ranges WHERE key = %s, and then sgrun backfill --again %s.",
	            schema, step, course->step->id);
	sg_err_step(err, course->step->id);
	return sg_err_at(err, course->run->manifest->path, course->step->line);
}

/* A sweep over all that is there now: its upper end is frozen here. */
static int begin_sweep(struct sg_course *course, struct settling *settling, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_backfill *backfill = &course->backfill;
	struct sg_db *db = course->session.db;
	sg_key_values lowest = NULL, highest = NULL;
	int64_t estimate = settling->asked ? settling->left : -1;

	if (!backfill->drain) {
		sg_session_role(&course->session, true, arena);
		if (sg_session_flush(&course->session, err) != 0 ||
		    sg_key_ends(db, &backfill->key, arena, &lowest, &highest, err) != 0 ||
		    sg_key_estimate(db, &backfill->key, arena, &estimate, err) != 0)
			return -1;
		sg_session_role(&course->session, false, arena);
		if (sg_session_flush(&course->session, err) != 0 || note_key(course, arena, err) != 0)
			return -1;
	}
	if (!backfill->drain && lowest == NULL)
		estimate = 0;
	if (sg_backfills_begin(db, &backfill->ranges, lowest, highest, estimate, backfill->image.sha256,
	                       course->run->runner, arena, err) != 0 ||
	    set(course, SG_BACKFILL_RUNNING, -1, arena, err) != 0)
		return -1;
	settling->swept = settling->running = true;
	settling->next = backfill->drain || lowest != NULL ? SG_NEXT_WORK : SG_NEXT_SETTLE;
	return 0;
}

/* Would another sweep be of use? Rows that fail for their own data fail again. */
static bool may_sweep(const struct sg_course *course, const struct settling *settling, const struct sg_backfill_row *row)
{
	if (settling->holds || course->sweeps >= course->step->backfill.max_passes)
		return false;
	if (course->backfill.drain)
		return true;
	if (!(course->backfill.flags & SG_REPEATABLE))
		return false;
	if (row->bad_rows > 0 && settling->left >= 0 && settling->left <= row->bad_rows)
		return false;
	return course->sweeps == 0 || course->lanes.changed > course->swept_changed;
}

/* Nothing is left to work on, and the fingerprint was asked. */
static int judge(struct sg_course *course, struct settling *settling, const struct sg_backfill_row *row,
                 struct sg_arena *arena, struct sg_err *err)
{
	if (settling->holds && row->bad_rows == 0) {
		settling->next = ended(course, SG_BACKFILL_END_COMPLETE);
		return set(course, SG_BACKFILL_COMPLETE, 0, arena, err);
	}
	if (row->state == SG_BACKFILL_PAUSED) {
		settling->next = ended(course, SG_BACKFILL_END_PAUSED);
		return 0;
	}
	if (may_sweep(course, settling, row) && course->backfill.drain && row->state != SG_BACKFILL_RESIDUAL) {
		settling->next = SG_NEXT_WORK;
		settling->running = settling->again = true;
		return row->state == SG_BACKFILL_RUNNING ? 0 : set(course, SG_BACKFILL_RUNNING, -1, arena, err);
	}
	if (may_sweep(course, settling, row))
		return begin_sweep(course, settling, arena, err);
	settling->next = ended(course, SG_BACKFILL_END_RESIDUAL);
	return set(course, SG_BACKFILL_RESIDUAL, settling->holds ? row->bad_rows : settling->left, arena, err);
}

/* Under the row's lock. */
static int decide(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err)
{
	struct settling *settling = what;
	struct sg_backfill_row row;
	bool work;

	settling->swept = settling->running = settling->again = false;
	settling->next = SG_NEXT_SETTLE;
	memset(&row, 0, sizeof row);
	if (sg_backfills_lock(course->session.db, course->run->manifest->state_schema, course->step->id, arena, &row, err) != 0)
		return -1;
	if (row.state == SG_BACKFILL_COMPLETE) {
		settling->next = ended(course, course->running ? SG_BACKFILL_END_COMPLETE : SG_BACKFILL_END_ALREADY);
		return 0;
	}
	if (row.state == SG_BACKFILL_FAILED && course->running) {
		settling->next = failed_elsewhere(course, &row);
		return 0;
	}
	work = course->backfill.drain ? row.begun && !course->emptied && row.state != SG_BACKFILL_RESIDUAL : row.ranges > 0;
	if (row.state == SG_BACKFILL_PAUSED && (work || !row.begun)) {
		settling->next = ended(course, SG_BACKFILL_END_PAUSED);
		return 0;
	}
	if (work && !course->backfill.drain && check_key(course, arena, err) != 0)
		return -1;
	if (work) {
		settling->next = SG_NEXT_WORK;
		settling->running = true;
		return row.state == SG_BACKFILL_RUNNING ? 0 : set(course, SG_BACKFILL_RUNNING, -1, arena, err);
	}
	if (row.again)
		return begin_sweep(course, settling, arena, err);
	if (!settling->asked) {
		settling->begun = row.begun;
		return 0; /* it depends on the fingerprint */
	}
	if (row.begun != settling->begun)
		return 0; /* another run has done a sweep since: it is asked anew */
	if (row.begun || settling->holds)
		return judge(course, settling, &row, arena, err);
	return begin_sweep(course, settling, arena, err);
}

static int ask(struct sg_course *course, struct settling *settling, struct sg_err *err)
{
	sg_course_show(course, "asks the fingerprint", true);
	if (sg_backfill_holds(&course->backfill, &course->session, &settling->holds, &settling->left, err) != 0)
		return -1;
	settling->asked = true;
	return 0;
}

int sg_course_settle(struct sg_course *course, enum sg_next *next_r, struct sg_err *err)
{
	struct settling settling = { .left = -1 };

	if (sg_course_transact(course, decide, &settling, err) != 0)
		return -1;
	if (settling.next == SG_NEXT_SETTLE && !settling.swept) {
		if (ask(course, &settling, err) != 0 || sg_course_transact(course, decide, &settling, err) != 0)
			return -1;
	}
	course->running |= settling.running;
	course->emptied = false;
	course->sweeps += settling.swept || settling.again;
	if (settling.swept) {
		course->pass = 1;
		course->swept_changed = course->lanes.changed;
		course->shown_rows = 0;
	}
	*next_r = settling.next;
	return 0;
}

/* ---- the small writes ---------------------------------------------------------- */

struct passing {
	const char *before;
};

static int next_pass(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err)
{
	struct passing *passing = what;
	const char *before;

	if (sg_backfills_pass(course->session.db, course->run->manifest->state_schema, course->step->id, arena, &before,
	                      err) != 0)
		return -1;
	passing->before = sg_arena_strdup(course->run->arena, before);
	return 0;
}

int sg_course_pass(struct sg_course *course, const char **before_r, struct sg_err *err)
{
	struct passing passing = { NULL };

	if (sg_course_transact(course, next_pass, &passing, err) != 0)
		return -1;
	*before_r = passing.before;
	return 0;
}

/* A state that another gave it meanwhile is left as it is: only one that is being
 * worked on has a message. */
static int set_message(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err)
{
	const char *schema = course->run->manifest->state_schema;
	struct sg_backfill_row row;

	memset(&row, 0, sizeof row);
	if (sg_backfills_lock(course->session.db, schema, course->step->id, arena, &row, err) != 0)
		return -1;
	if (!row.begun || (row.state != SG_BACKFILL_RUNNING && row.state != SG_BACKFILL_PENDING))
		return 0;
	if (sg_backfills_set(course->session.db, schema, course->step->id, SG_BACKFILL_RUNNING, what, NULL, -1, arena, err) != 0)
		return -1;
	return what == NULL ? 0
	                    : sg_backfills_alive(course->session.db, schema, course->step->id, course->run->runner,
	                                         sg_lanes_alive(&course->lanes), arena, err);
}

void sg_course_message(struct sg_course *course, const char *message)
{
	struct sg_err why = SG_ERR_INIT;
	char text[SG_LANES_TEXT];

	(void)snprintf(text, sizeof text, "%s", message != NULL ? message : "");
	course->message_ms = sg_clock_ms();
	if (transact_once(course, TOUCH_MS, set_message, message != NULL ? text : NULL, &why) == 0) {
		course->message_set = message != NULL;
		memcpy(course->message, text, sizeof course->message);
	}
	sg_err_release(&why);
}

static int set_pending(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err)
{
	const char *schema = course->run->manifest->state_schema;
	struct sg_db *db = course->session.db;
	struct sg_backfill_row row;
	bool others;

	(void)what;
	memset(&row, 0, sizeof row);
	if (sg_backfills_lock(db, schema, course->step->id, arena, &row, err) != 0 ||
	    sg_backfills_others(db, schema, course->step->id, course->run->runner, arena, &others, err) != 0)
		return -1;
	/* others that were not seen set it to running again as soon as they look */
	return row.state == SG_BACKFILL_RUNNING && !others ? set(course, SG_BACKFILL_PENDING, -1, arena, err) : 0;
}

void sg_course_leave(struct sg_course *course)
{
	struct sg_err why = SG_ERR_INIT;
	bool away = course->result->err.class == SG_CLASS_CONNECTION || course->result->err.class == SG_CLASS_REJECTED;
	int status = 0;

	/* whoever asks twice wants out; the lanes are gone, and status sees that */
	if (sg_stop_count() < 2)
		status = away ? transact_once(course, LOCK_MS, set_pending, NULL, &why)
		              : sg_course_transact(course, set_pending, NULL, &why);
	if (status != 0)
		sg_log(SG_LOG_DEBUG, "state", course->step->id, 0, "its state stays running: %s", why.primary);
	sg_err_release(&why);
}

static int set_failed(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_err *why = what;
	const char *schema = course->run->manifest->state_schema;
	struct sg_backfill_row row;

	memset(&row, 0, sizeof row);
	if (sg_backfills_lock(course->session.db, schema, course->step->id, arena, &row, err) != 0)
		return -1;
	return row.state == SG_BACKFILL_COMPLETE
	               ? 0
	               : sg_backfills_set(course->session.db, schema, course->step->id, SG_BACKFILL_FAILED, NULL, why, -1, arena,
	                                  err);
}

void sg_course_fail(struct sg_course *course, struct sg_err *why)
{
	struct sg_err err = SG_ERR_INIT;

	if (sg_course_transact(course, set_failed, why, &err) != 0)
		sg_log(SG_LOG_WARNING, "state", course->step->id, 0, "that it failed could not be recorded: %s", err.primary);
	else
		sg_attempts_add(course->session.db, course->run->manifest->state_schema, course->step->id, course->run->runner,
		                "failed", sg_clock_ms() - course->started_ms, why);
	sg_err_release(&err);
}
