/* build.c - the state machine of build.h.
 *
 * An attempt: the claim, a session, its lock on the table; then look, and do what the look asks for, and look
 * again, until pg_index says that it is over. Whatever fails in a way that may pass ends the attempt: its
 * connections are closed and the next begins with a look, so that it makes no difference what the failed
 * one has left, or whether the server finished what we never heard the end of. What fails for good
 * is cleaned up: an invalid index that nobody uses but every write pays for, and that may enforce its
 * uniqueness, is dropped, or told.
 *
 * Every loop here ends by a limit: attempts, lock_seconds, max_seconds, the run's deadline, a stop. Without
 * limits somebody else's build is waited for as long as it lives. */
#include "config.h"
#include "core/index/build.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/retry.h"

#define CLEAN_MS 60000      /* for a carcass, after a failure of its own */
#define CLEAN_SOON_MS 6000  /* after a stop, or when the time is over: whoever asked is waiting */
#define WORTH_A_NOTE_MS 1000

struct course {
	struct sg_index_work work;
	struct sg_retry retry;
	struct sg_index_look look;  /* the last one; its texts are in `arena` until the next */
	struct sg_arena arena;
	bool looked;
	int builds;                 /* statements, or rounds over the partitions, that were begun */
	bool maybe_ours;            /* a CREATE of ours was sent, and has not failed for certain: one that is valid is ours */
	bool carcass;               /* an invalid one is there, or may be */
	bool erred;                 /* something failed on the way, whatever came of it: no connection is left to the next build */
	bool valid_after;           /* found valid when its carcass was to be dropped: the server finished what we had given up */
	enum sg_index_state state;  /* what is to be noted, as far as is known */
};

/* ---- what a look asks for; 1: it is over, 0: look again, -1: err --------------------------------- */

/* 1: nobody is at the table; 0: waited for whoever is; -1: err. */
static int leave_to_others(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	struct sg_index_busy busy;

	if (sg_index_busy(&work->session, work->build->definition, 0, &course->arena, &busy, err) != 0)
		return -1;
	if (!busy.building)
		return 1;
	course->carcass = false; /* what is invalid yet is his work */
	return sg_index_wait(work,
	                     sg_arena_printf(&course->arena, "%s on this table by another session: %s",
	                                     busy.same ? "the build of this very index" : "a build", busy.text),
	                     err);
}

static int wait_for_obstacle(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;

	return sg_index_wait(work, work->obstacle.length > 0 ? work->obstacle.data : "another look", err);
}

/* What an interrupted REINDEX CONCURRENTLY left. One that the server will not drop is told, and is no reason not to build. 1: gone. */
static int drop_leftovers(struct course *course, struct sg_err *err)
{
	struct sg_index_result *result = course->work.result;

	for (size_t i = 0; i < course->look.leftover_count; i++) {
		const char *name = course->look.leftovers[i];
		int dropped;

		/* if a stop comes in between it is told */
		if (course->work.condemned.length == 0)
			sg_buf_adds(&course->work.condemned, name);
		dropped = sg_index_drop_invalid(&course->work, name, err);
		if (dropped > 0 || (dropped < 0 && err->class == SG_CLASS_SQL))
			sg_buf_clear(&course->work.condemned);
		if (dropped < 0 && err->class == SG_CLASS_SQL) {
			result->carcass = true;
			result->note = sg_arena_printf(course->work.build->run->arena, "%s, left over beside it, is invalid and could not be dropped: %s",
			                               name, err->primary);
			course->erred = true;
			sg_err_clear(err);
		} else if (dropped <= 0) {
			return dropped;
		} else {
			result->rebuilt |= course->look.found == SG_INDEX_FOUND_MISSING;
		}
	}
	return 1;
}

/* It is valid, whatever becomes of what lies beside it. */
static void tidy(struct course *course)
{
	struct sg_index_work *work = &course->work;
	struct sg_index_result *result = work->result;
	struct sg_err err = SG_ERR_INIT;

	if (course->look.leftover_count == 0)
		return;
	work->cleaning_ms = sg_clock_ms() + CLEAN_SOON_MS;
	if (drop_leftovers(course, &err) <= 0) {
		result->carcass = true;
		result->note = sg_arena_printf(work->build->run->arena, "%s, left over beside it, is invalid and could not be dropped: %s",
		                               course->look.leftovers[0], err.primary != NULL ? err.primary : work->obstacle.data);
	}
	work->cleaning_ms = 0;
	sg_err_release(&err);
}

static int is_valid(struct course *course)
{
	const struct sg_index_look *look = &course->look;
	struct sg_index_result *result = course->work.result;
	struct sg_arena *arena = course->work.build->run->arena;

	result->end = course->maybe_ours ? SG_INDEX_END_BUILT : SG_INDEX_END_ALREADY;
	result->bytes = look->bytes;
	course->state = SG_INDEX_VALID;
	if (look->constraint != NULL)
		result->note = sg_arena_printf(arena, "is now constraint %s", look->constraint);
	else if (look->not_compared)
		result->note = sg_arena_printf(arena, "its definition was not compared: %s", look->why != NULL ? look->why : "?");
	tidy(course);
	return 1;
}

static int drop_first(struct course *course, struct sg_err *err)
{
	const char *name = course->work.build->definition->name;
	int dropped = sg_index_drop_invalid(&course->work, name, err);

	if (dropped > 0)
		course->work.result->rebuilt = true;
	if (dropped != 0)
		return dropped < 0 ? -1 : 0;
	return wait_for_obstacle(course, err);
}

static int create(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	const struct sg_index_definition *definition = work->build->definition;
	int status;

	if (course->builds >= definition->step->policy.max_retries && course->builds > 0) {
		sg_err_set(err, SG_CLASS_VERIFY, "built %d times, and each time it was not there and valid after", course->builds);
		return sg_err_hint(err, "Somebody drops it, or makes another of its name: look who does.");
	}
	course->builds++;
	course->maybe_ours = course->carcass = true;
	work->doing = NULL;
	work->sent_ms = sg_clock_ms();
	work->result->attempts += !course->look.partitioned;
	if (course->look.partitioned) /* counts its attempts itself */
		status = sg_index_build_partitioned(work, &course->look, err);
	else
		status = sg_index_send(work,
		                       sg_index_statement(definition, SG_INDEX_CONCURRENTLY, definition->name,
		                                          sg_index_relation_sql(definition, &course->arena), &course->arena),
		                       err);
	work->result->build_ms = sg_clock_ms() - work->sent_ms;
	if (status == 0)
		return 0;
	course->erred = true;
	if (course->look.partitioned && err->class == SG_CLASS_VERIFY) {
		work->result->end = SG_INDEX_END_DRIFTED;
		course->state = SG_INDEX_DRIFTED;
		return 1;
	}
	/* The server's own word that it did not do it. */
	if (err->sqlstate[0] != '\0' && !sg_db_lost(work->session.db))
		course->maybe_ours = false;
	if (work->gave_way) {
		work->result->attempts--; /* it was not begun */
		course->builds--;
		course->maybe_ours = false;
		sg_err_clear(err);
		return sg_index_wait(work, "another session's build on this table", err);
	}
	if (strcmp(err->sqlstate, "42P07") == 0) {
		sg_log(SG_LOG_INFO, "index-there", definition->step->id, work->result->attempts, "%s; looking again", err->primary);
		sg_err_clear(err);
		return 0;
	}
	return -1;
}

static int step(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	const struct sg_index_look *look = &course->look;
	int free;

	course->carcass = look->found == SG_INDEX_FOUND_INVALID;
	switch (look->found) {
	case SG_INDEX_FOUND_VALID:
		return is_valid(course);
	case SG_INDEX_FOUND_DRIFTED:
		work->result->end = SG_INDEX_END_DRIFTED;
		work->result->bytes = look->bytes;
		course->state = SG_INDEX_DRIFTED;
		(void)sg_index_drift_err(work->build->run, work->build->definition, look, err);
		return 1;
	case SG_INDEX_FOUND_NO_TABLE:
		return sg_index_no_table_err(work->build->run, work->build->definition, err);
	case SG_INDEX_FOUND_MISSING:
	case SG_INDEX_FOUND_INVALID:
		break;
	}
	free = leave_to_others(course, err);
	if (free <= 0)
		return free;
	free = drop_leftovers(course, err);
	if (free <= 0)
		return free < 0 ? -1 : wait_for_obstacle(course, err);
	if (look->found == SG_INDEX_FOUND_INVALID && !look->partitioned)
		return drop_first(course, err);
	return create(course, err);
}

/* ---- attempts --------------------------------------------------------------------------------------- */

static int look(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	bool made = work->build->made && course->builds == 0 && course->retry.failures == 0;

	work->doing = "looks";
	for (;; sg_arena_reset(&course->arena)) {
		int64_t begun = sg_clock_ms();
		const char *whom;

		if (sg_index_check(work, err) != 0 || sg_index_own_alive(work, err) != 0)
			return -1;
		if ((made ? sg_index_look_made : sg_index_look)(&work->session, work->build->definition, &course->arena, &course->look, err) == 0) {
			course->looked = true;
			return 0;
		}
		course->erred = true;
		if (err->class != SG_CLASS_LOCKED || sg_db_lost(work->session.db))
			return -1;
		whom = sg_index_table_holder(work, &course->arena);
		whom = whom != NULL ? whom : sg_arena_strdup(&course->arena, err->primary);
		sg_err_clear(err);
		work->waited_ms += sg_clock_ms() - begun; /* the look itself has waited */
		if (sg_index_wait(work, whom, err) != 0)
			return -1;
	}
}

static int attempt(struct course *course, struct sg_err *err)
{
	int status;

	/* the claim first: the session shows by it that it is in the database that the watch sees */
	if (sg_index_await_claim(&course->work, &course->arena, err) != 0 || sg_index_own_open(&course->work, err) != 0 ||
	    sg_index_await_lock(&course->work, &course->arena, err) != 0)
		return -1;
	course->work.adopted = false;
	do {
		status = look(course, err) == 0 ? step(course, err) : -1;
		sg_arena_reset(&course->arena);
	} while (status == 0);
	return status < 0 ? -1 : 0;
}

static void close_all(struct course *course)
{
	struct sg_index_work *work = &course->work;

	sg_session_drop(&work->session);
	sg_watch_release(&work->watch);
	sg_watch_init(&work->watch, work->build->run, NULL);
	work->locked = work->set_up = work->adopted = false;
}

/* Within the limits of [policy]; a build that ran for long before it failed begins a new budget of time, not of attempts. */
static bool again(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	const struct sg_step *step = work->build->definition->step;
	int64_t pause_ms, now = sg_clock_ms();
	char span[32];

	if (sg_stop_count() > 0 || err->class == SG_CLASS_LOCKED)
		return false;
	if (sg_index_line_broke(work, err)) {
		sg_err_clear(err);
		close_all(course);
		return true;
	}
	if (course->retry.started_ms != 0 && work->sent_ms > course->retry.started_ms &&
	    now - work->sent_ms > (int64_t)step->policy.retry_seconds * 1000)
		course->retry.started_ms = 0;
	if (sg_retry_next(&course->retry, err, now, &pause_ms) != SG_AGAIN_RETRY) {
		sg_retry_conclude(&course->retry, now, err);
		return false;
	}
	sg_clock_text(pause_ms, span);
	sg_log(SG_LOG_WARNING, "retry", step->id, course->retry.failures, "%s; looking again in %s", err->primary, span);
	work->doing = sg_arena_printf(&course->arena, "%s; looking again", err->primary);
	sg_index_tell(work, NULL);
	work->doing = NULL;
	sg_err_clear(err);
	close_all(course);
	if (!sg_stop_sleep(pause_ms)) {
		sg_stop_err(err);
		return false;
	}
	return true;
}

/* ---- the end --------------------------------------------------------------------------------------------- */

static bool stopped(const struct sg_err *err)
{
	return err->class == SG_CLASS_INTERRUPTED || err->class == SG_CLASS_TERMINATED;
}

/* The next run goes on: nothing is wrong with the index or its section. (0A000 that may pass: BEGIN READ WRITE on a standby.) */
static bool is_left(const struct sg_index_build *build, const struct sg_err *err)
{
	if (build->deadline_ms != 0 && sg_clock_ms() >= build->deadline_ms && (err->class == SG_CLASS_LATE || err->class == SG_CLASS_LOCKED))
		return true;
	return err->class == SG_CLASS_CONNECTION ||
	       (err->class == SG_CLASS_TRANSIENT && (strcmp(err->sqlstate, "57P03") == 0 || strcmp(err->sqlstate, "53300") == 0 ||
	                                             strcmp(err->sqlstate, "25006") == 0 || strcmp(err->sqlstate, "0A000") == 0));
}

/* Drops the invalid index that a failed attempt, or an earlier run, left. */
static void clean(struct course *course, const struct sg_err *failure)
{
	struct sg_index_work *work = &course->work;
	const struct sg_index_definition *definition = work->build->definition;
	struct sg_err err = SG_ERR_INIT;
	int dropped = 0;

	if (!course->carcass || course->look.partitioned)
		return;
	work->cleaning_ms = sg_clock_ms() + (failure->class == SG_CLASS_SQL ? CLEAN_MS : CLEAN_SOON_MS);
	work->doing = "drops what the failed build left";
	while (dropped <= 0 && sg_stop_count() < 2 && sg_clock_ms() < work->cleaning_ms) {
		sg_err_clear(&err);
		dropped = sg_index_own_open(work, &err) == 0 ? sg_index_drop_invalid(work, definition->name, &err) : -1;
		course->valid_after = dropped == 0 && work->obstacle.length == 0;
		if (course->valid_after)
			break;
		if (dropped < 0)
			sg_session_drop(&work->session);
		/* the attempts have been for nothing: so would this be */
		if (dropped < 0 && (!sg_class_retries(err.class) || failure->class == SG_CLASS_CONNECTION))
			break;
		if (dropped <= 0 && wait_for_obstacle(course, &err) != 0)
			break;
	}
	if (dropped > 0 || course->valid_after)
		course->carcass = false;
	else
		sg_log(SG_LOG_WARNING, "carcass", definition->step->id, 0, "an invalid index %s is left behind: %s",
		       sg_index_carcass_name(work, definition->name), err.primary != NULL ? err.primary : "a second signal came");
	work->cleaning_ms = 0;
	sg_err_release(&err);
}

static void fail(struct course *course, struct sg_err *err)
{
	struct sg_index_work *work = &course->work;
	struct sg_index_result *result = work->result;

	course->carcass |= sg_index_carcass_name(work, work->build->definition->name) != work->build->definition->name;
	clean(course, err);
	if (course->look.partitioned) /* its leaves are dropped, or told, where they are built */
		course->carcass = result->carcass;
	result->carcass = course->carcass;
	if (course->carcass && result->note == NULL && work->condemned.length > 0)
		result->note = sg_arena_printf(work->build->run->arena, "it is called %s until the next run drops it", work->condemned.data);
	course->state = course->carcass ? SG_INDEX_INVALID : SG_INDEX_MISSING;
	if (stopped(err)) {
		result->end = SG_INDEX_END_STOPPED;
	} else if (is_left(work->build, err)) {
		result->end = SG_INDEX_END_LEFT;
	} else {
		struct sg_err lost = SG_ERR_INIT;

		result->end = SG_INDEX_END_FAILED;
		if (!course->carcass)
			course->state = SG_INDEX_FAILED;
		result->duplicates = strcmp(err->sqlstate, "23505") == 0 && err->class == SG_CLASS_SQL;
		if (result->duplicates && sg_stop_count() < 2 && sg_index_own_open(work, &lost) == 0)
			sg_index_name_duplicates(work, err);
		sg_err_release(&lost);
	}
	if (course->valid_after)
		course->state = SG_INDEX_VALID;
	sg_err_step(err, work->build->definition->step->id);
	sg_err_at(err, work->build->run->manifest->path, work->build->definition->step->line);
}

/* What became of it, for status and gates. */
static void note(struct course *course, const struct sg_err *why)
{
	const struct sg_index_result *result = course->work.result;
	const struct sg_index_seen seen = {
		.state = course->state,
		.duration_ms = result->end == SG_INDEX_END_BUILT || result->end == SG_INDEX_END_FAILED ? result->build_ms : -1,
		.bytes = result->bytes,
		.why = course->state == SG_INDEX_VALID || course->state == SG_INDEX_MISSING ? NULL : why,
	};
	bool known = course->looked || result->end == SG_INDEX_END_FAILED;

	sg_index_settle_claim(&course->work, known ? &seen : NULL, result->end != SG_INDEX_END_LEFT);
}

static void begin(struct course *course, const struct sg_index_build *build, struct sg_index_result *result_r)
{
	const struct sg_step *step = build->definition->step;
	struct sg_index_work *work = &course->work;

	memset(result_r, 0, sizeof *result_r);
	result_r->build_ms = result_r->bytes = -1;
	memset(course, 0, sizeof *course);
	work->build = build;
	work->result = result_r;
	work->started_ms = sg_clock_ms();
	work->lock_ms = (int64_t)step->index.lock_seconds * 1000;
	work->limit_ms = step->index.max_seconds > 0 ? work->started_ms + (int64_t)step->index.max_seconds * 1000 : 0;
	if (build->deadline_ms != 0 && (work->limit_ms == 0 || build->deadline_ms < work->limit_ms))
		work->limit_ms = build->deadline_ms;
	work->claim = (struct sg_index_claim) {
		.state_schema = build->run->manifest->state_schema,
		.name = step->id,
		.relation = build->definition->relation,
		.siblings = build->siblings,
		.sibling_count = build->sibling_count,
		.owner = build->run->runner,
		.seconds = build->run->manifest->lease_seconds,
	};
	sg_buf_init(&work->waited_for, 0);
	sg_buf_init(&work->obstacle, 0);
	sg_buf_init(&work->condemned, 0);
	sg_session_init(&work->session, build->run, true);
	sg_watch_init(&work->watch, build->run, NULL);
	sg_index_meter_init(&work->meter, &work->watch, build->definition);
	sg_retry_init(&course->retry, &step->policy);
}

/* Nothing went wrong, however it was mended: only then the next build may have the connections. */
static bool went_well(const struct course *course)
{
	const struct sg_index_result *result = course->work.result;

	return (result->end == SG_INDEX_END_ALREADY || result->end == SG_INDEX_END_BUILT) && !course->erred &&
	       course->retry.failures == 0 && !result->carcass && !course->look.partitioned;
}

void sg_index_build(const struct sg_index_build *build, struct sg_index_result *result_r)
{
	struct sg_err err = SG_ERR_INIT;
	struct course course;
	int status;

	begin(&course, build, result_r);
	sg_index_line_take(&course.work);
	do
		status = attempt(&course, &err);
	while (status != 0 && again(&course, &err));
	if (status != 0)
		fail(&course, &err);
	sg_index_line_clear(&course.work, status == 0 && went_well(&course)); /* before the claim is given up */
	note(&course, &err);
	sg_index_line_leave(&course.work);
	if (status == 0 && result_r->note == NULL && course.work.waited_ms >= WORTH_A_NOTE_MS && course.work.waited_for.length > 0) {
		char span[32];

		sg_clock_text(course.work.waited_ms, span);
		result_r->note = sg_arena_printf(build->run->arena, "waited %s for others, last for %s", span, course.work.waited_for.data);
	}
	sg_buf_release(&course.work.waited_for);
	sg_buf_release(&course.work.obstacle);
	sg_buf_release(&course.work.condemned);
	sg_arena_release(&course.arena);
	sg_err_move(&result_r->err, &err);
	result_r->duration_ms = sg_clock_ms() - course.work.started_ms;
}
