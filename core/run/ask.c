/* ask.c - see ask.h. */
#include "config.h"
#include "core/run/ask.h"

#include "core/exec/executor.h"
#include "core/exec/retry.h"
#include "core/exec/again.h"

static int ask_once(struct sg_run *run, struct sg_session *session, struct sg_plugins *plugins, size_t slot,
                    bool *holds_r, struct sg_err *err)
{
	const struct sg_step *step = plugins->slots[slot].step;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_executor executor;
	struct sg_begun begun;
	bool spent;
	int status = -1;

	/* The last rung: nothing of ours queues behind the read but ourselves. */
	sg_executor_init(&executor, run, step, session, NULL, NULL,
	                 step->policy.lock_rungs_ms[step->policy.lock_rungs - 1], &arena);
	if (sg_session_open(session, err) == 0 && sg_plugins_take(plugins, slot, &executor.process, err) == 0) {
		sg_executor_watch(&executor);
		if (sg_session_begin(session, step, NULL, NULL, executor.lock_ms, &arena, &begun, err) == 0)
			status = sg_executor_fingerprint(&executor, holds_r, &spent, err);
		sg_session_rollback(session);
		sg_session_unwatch(session);
	}
	sg_process_kill(executor.process);
	sg_arena_release(&arena);
	return status;
}

int sg_ask_fingerprint(struct sg_run *run, struct sg_session *session, struct sg_plugins *plugins, size_t slot,
                       bool *holds_r, struct sg_err *err)
{
	const struct sg_step *step = plugins->slots[slot].step;
	struct sg_retry retry;

	sg_retry_init(&retry, &step->policy);
	while (ask_once(run, session, plugins, slot, holds_r, err) != 0) {
		/* Whoever only looks waits for no lock: that one is told, and not tried again. */
		if (err->class == SG_CLASS_LOCKED || !sg_class_retries(err->class) || sg_again_after(&retry, err) != 0) {
			sg_err_step(err, step->id);
			return sg_err_at(err, run->manifest->path, step->line);
		}
		sg_session_drop(session);
	}
	return 0;
}

int sg_ask_ledger(struct sg_run *run, struct sg_session *session, bool full, struct sg_ledger *ledger_r,
                  struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &run->manifest->policy);
	for (;;) {
		if (sg_session_open(session, err) == 0 &&
		    sg_ledger_read(session->db, run->manifest->state_schema, full, run->arena, ledger_r, err) == 0)
			return 0;
		sg_session_drop(session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
}
