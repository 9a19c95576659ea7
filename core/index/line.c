/* line.c - the two connections that one build leaves to the next (struct sg_index_line).
 *
 * What is kept is as if it had just been opened, or it is not kept: the lock is given up and seen to be, what was set is
 * taken back, no transaction is open. Nothing of an attempt that failed is ever kept. */
#include "config.h"

#include "core/base/stop.h"
#include "core/index/build.h"

void sg_index_line_take(struct sg_index_work *work)
{
	struct sg_index_line *line = work->build->line;

	if (line == NULL || !line->kept)
		return;
	SG_ASSERT(line->session.run == work->build->run);
	work->session = line->session;
	work->watch = line->watch;
	work->adopted = true;
	line->kept = false;
}

bool sg_index_line_broke(const struct sg_index_work *work, const struct sg_err *err)
{
	const struct sg_db *own = work->session.db, *watch = work->watch.session.db;

	/* both were there: one that is not was closed for what it said, or did not say */
	return work->adopted && sg_class_retries(err->class) && (own == NULL || sg_db_lost(own) || watch == NULL || sg_db_lost(watch));
}

/* The watch is in nobody's way: it must only be there, and have answered. */
static bool is_sound(const struct sg_index_work *work)
{
	const struct sg_session *own = &work->session, *watch = &work->watch.session;

	return own->db != NULL && !sg_db_lost(own->db) && watch->db != NULL && !sg_db_lost(watch->db) && !watch->begun &&
	       !work->watch.off && work->watch.failures == 0 && work->meter.failures == 0;
}

void sg_index_line_clear(struct sg_index_work *work, bool well)
{
	if (!well || work->build->line == NULL || sg_stop_count() > 0 || !is_sound(work) || !sg_index_own_clear(work))
		sg_session_drop(&work->session);
}

void sg_index_line_leave(struct sg_index_work *work)
{
	struct sg_index_line *line = work->build->line;

	if (line == NULL || sg_stop_count() > 0 || !is_sound(work)) {
		sg_session_drop(&work->session);
		sg_watch_release(&work->watch);
		return;
	}
	sg_session_unwatch(&work->session);
	sg_session_unwatch(&work->watch.session);
	line->session = work->session;
	line->watch = work->watch;
	line->kept = true;
}

void sg_index_line_release(struct sg_index_line *line)
{
	if (!line->kept)
		return;
	sg_session_drop(&line->session);
	sg_watch_release(&line->watch);
	line->kept = false;
}
