/* claim.c - how two runners, and a build and its ghost, are kept apart at one table: the claim, the lock of the session that
 * builds, and the giving up of both with what became of the index.
 *
 * Nobody waits for either on the server: who does not get it asks again, outside any transaction. */
#include "config.h"
#include "core/index/build.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"

#define NOTE_TRIES 3
#define NOTE_PAUSE_MS 300

/* On the watch's connection, but not in its hurry. */
static int open_watch(struct sg_index_work *work, struct sg_err *err)
{
	if (sg_session_open(&work->watch.session, err) != 0)
		return -1;
	sg_session_unwatch(&work->watch.session);
	return 0;
}

int sg_index_await_claim(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err)
{
	work->doing = "takes the claim on its table";
	for (;; sg_arena_reset(arena)) {
		const char *holder = NULL;
		int taken = -1;

		if (sg_index_check(work, err) != 0)
			return -1;
		if (open_watch(work, err) == 0)
			taken = sg_index_claim_take(&work->claim, work->watch.session.db, arena, &holder, err);
		if (taken < 0)
			return -1;
		if (taken > 0) {
			work->renewed_ms = sg_clock_ms();
			return 0;
		}
		if (sg_index_wait(work, sg_arena_printf(arena, "another runner: %s", holder != NULL ? holder : "?"), err) != 0)
			return -1;
	}
}

int sg_index_await_lock(struct sg_index_work *work, struct sg_arena *arena, struct sg_err *err)
{
	work->doing = "takes the lock on its table";
	for (;; sg_arena_reset(arena)) {
		const char *whom = NULL;
		int taken = sg_index_own_lock(work, arena, &whom, err);

		if (taken != 0)
			return taken > 0 ? 0 : -1;
		if (sg_index_wait(work, whom, err) != 0)
			return -1;
	}
}

/* Whoever said stop twice does not wait; but a claim that nobody gives up, the next run waits for. On the connection that is
 * there, within the half second that the watch has. seen NULL: nothing is known of it. */
static void note_in_haste(struct sg_index_work *work, const struct sg_index_seen *seen)
{
	struct sg_db *db = work->watch.session.db;
	struct sg_err err = SG_ERR_INIT;

	if (work->renewed_ms != 0 && db != NULL && !sg_db_lost(db) && sg_watch_open(&work->watch, &err) == 0) {
		if (seen == NULL)
			sg_index_claim_drop(&work->claim, work->watch.session.db);
		else if (sg_indexes_note(work->watch.session.db, work->claim.state_schema, work->claim.name, work->claim.owner, seen, &err) != 0)
			sg_session_drop(&work->watch.session);
	}
	sg_err_release(&err);
}

void sg_index_settle_claim(struct sg_index_work *work, const struct sg_index_seen *seen, bool again)
{
	struct sg_err err = SG_ERR_INIT;

	if (sg_stop_count() >= 2) {
		note_in_haste(work, seen);
		return;
	}
	if (seen == NULL) {
		if (work->renewed_ms != 0 && open_watch(work, &err) == 0)
			sg_index_claim_drop(&work->claim, work->watch.session.db);
		sg_err_release(&err);
		return;
	}
	for (int i = 0; i < NOTE_TRIES && sg_stop_count() < 2; i++) {
		sg_err_clear(&err);
		if (open_watch(work, &err) == 0 &&
		    sg_indexes_note(work->watch.session.db, work->claim.state_schema, work->claim.name, work->claim.owner, seen, &err) == 0)
			break;
		sg_session_drop(&work->watch.session);
		if (!sg_class_retries(err.class) || !again)
			break;
		(void)sg_clock_sleep(NOTE_PAUSE_MS);
	}
	if (err.class != SG_CLASS_NONE)
		sg_log(SG_LOG_WARNING, "index-note", work->claim.name, 0, "what became of it could not be noted: %s", err.primary);
	sg_err_release(&err);
}
