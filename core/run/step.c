/* step.c - an attempt, its failure noted, a pause, a fresh attempt: the retries of
 * one migration. */
#include "config.h"
#include "core/run/step.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/retry.h"
#include "core/plugin/abi.h"
#include "core/exec/again.h"
#include "core/run/outside.h"
#include "core/run/plugins.h"
#include "core/state/attempts.h"

#define LOST_COMMIT "The answer to COMMIT was lost: it may be recorded or not. Run again; the ledger decides."

static void note_failure(const struct sg_stage *stage, const struct sg_step *step, const char *result, int64_t started_ms,
                         const struct sg_err *err)
{
	struct sg_err why = SG_ERR_INIT;

	if (sg_stop_count() >= 2)
		return; /* whoever asks twice wants out */
	/* Through the second connection: ours is closed, and may not come back. What
	 * broke ours may have broken that one too, unseen as yet. */
	if (sg_watch_open(stage->watch, &why) == 0 && sg_db_script(stage->watch->session.db, "SELECT 1", &why) != 0)
		sg_session_drop(&stage->watch->session);
	sg_err_clear(&why);
	if (sg_watch_open(stage->watch, &why) == 0)
		sg_attempts_add(stage->watch->session.db, stage->run->manifest->state_schema, step->id, stage->run->runner, result,
		                sg_clock_ms() - started_ms, err);
	sg_err_release(&why);
}

/* What would have been tried again is not why it ends. */
static void stop_instead(struct sg_err *err)
{
	struct sg_err last = SG_ERR_INIT;

	sg_err_move(&last, err);
	sg_stop_err(err);
	sg_err_step(err, last.step);
	sg_err_detail(err, "It was at: %s%s%s", last.primary, last.detail ? ", " : "", last.detail ? last.detail : "");
	sg_err_release(&last);
}

/* One step to its end: recorded, or failed for good. */
int sg_step_run(const struct sg_stage *stage, struct sg_migrate_item *item, size_t slot, const char *const *ids,
                size_t id_count, struct sg_err *err)
{
	const struct sg_step *step = item->step;
	struct sg_plugin_slot *plugin = &stage->plugins->slots[slot];
	bool outside = (plugin->flags & SG_NO_TRANSACTION) != 0;
	struct sg_retry retry;
	struct sg_attempt attempt = {
		.run = stage->run,
		.step = step,
		.lease = stage->lease,
		.session = stage->session,
		.watch = stage->watch,
		.plugins = stage->plugins,
		.slot = slot,
		.title = plugin->title,
		.sha256 = plugin->sha256,
		.superseded = ids,
		.superseded_count = id_count,
		.started_ms = sg_clock_ms(),
	};

	item->outside = outside;
	sg_retry_init(&retry, &step->policy);
	for (;;) {
		int64_t started = sg_clock_ms(), pause;
		enum sg_again again;
		char span[32];
		int status;

		attempt.number++;
		attempt.lock_ms = sg_retry_lock_ms(&retry);
		status = outside ? sg_outside_run(&attempt, err) : sg_attempt_run(&attempt, err);
		item->attempts = attempt.number;
		item->duration_ms = sg_clock_ms() - attempt.started_ms;
		if (status == 0) {
			/* Its COMMIT renewed the lease; an attempt that failed did not. */
			if (attempt.outcome != SG_OUTCOME_SKIPPED)
				stage->watch->renewed_ms = started;
			item->outcome = attempt.outcome;
			item->existed = attempt.existed;
			return 0;
		}
		/* Nothing of the attempt is used again. */
		sg_session_rollback(stage->session);
		sg_session_drop(stage->session);
		if (err->uncertain && !outside)
			attempt.uncertain = true;
		sg_err_step(err, step->id);
		again = sg_stop_count() > 0 ? SG_AGAIN_NO : sg_retry_next(&retry, err, sg_clock_ms(), &pause);
		if (again == SG_AGAIN_NO) {
			if (sg_stop_count() > 0 && sg_class_retries(err->class))
				stop_instead(err);
			else
				sg_retry_conclude(&retry, sg_clock_ms(), err);
			if (attempt.uncertain && !outside && err->class != SG_CLASS_LEASE)
				sg_err_hint(err, LOST_COMMIT);
			note_failure(stage, step, "failed", started, err);
			return -1;
		}
		sg_clock_text(pause, span);
		if (again == SG_AGAIN_RETRY) {
			note_failure(stage, step, "retried", started, err);
			sg_log(SG_LOG_WARNING, "retry", step->id, attempt.number, "%s%s%s; trying again in %s", err->primary,
			       err->sqlstate[0] ? ", SQLSTATE " : "", err->sqlstate, span);
		} else {
			sg_log(SG_LOG_INFO, "lock-wait", step->id, attempt.number,
			       "no lock within %d ms%s%s; rolled back, letting others through, trying again in %s", attempt.lock_ms,
			       err->detail ? ", " : "", err->detail ? err->detail : "", span);
		}
		sg_err_clear(err);
		if (sg_watch_sleep(stage->watch, pause, err) != 0) {
			if (!attempt.uncertain || outside || err->class != SG_CLASS_LEASE) {
				if (attempt.uncertain && !outside)
					sg_err_hint(err, LOST_COMMIT);
				return sg_err_step(err, step->id);
			}
			/* The next attempt finds the same, and what became of our COMMIT. */
			sg_err_clear(err);
		}
	}
}

static int write_superseded(const struct sg_stage *stage, const struct sg_step *step, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_record record = { .step = step, .outcome = SG_RECORDED_SUPERSEDED, .attempts = 0 };
	struct sg_begun begun;

	record.reason = sg_arena_printf(arena, "superseded by %s", step->superseded_by);
	if (sg_attempt_begin(stage->run, step, stage->lease, stage->session, arena, &begun, err) != 0)
		return -1;
	if (begun.recorded) {
		sg_session_rollback(stage->session);
		return 0;
	}
	if (sg_record_write(stage->session, stage->lease, &record, arena, err) != 0 || sg_db_commit(stage->session->db, err) != 0)
		return -1;
	stage->session->backend = 0;
	return 0;
}

/* Superseded steps whose successor was recorded before they were in the
 * manifest. After a lost COMMIT the next attempt finds the row, or writes it. */
int sg_step_supersede(const struct sg_stage *stage, const struct sg_step *step, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_retry retry;
	int status;

	sg_retry_init(&retry, &step->policy);
	while ((status = write_superseded(stage, step, &arena, err)) != 0) {

		sg_session_rollback(stage->session);
		sg_session_drop(stage->session);
		if (sg_again_after(&retry, err) != 0)
			break;
	}
	sg_arena_release(&arena);
	return status;
}
