/* connect.c - see connect.h. */
#include "config.h"
#include "core/run/connect.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/again.h"

static int kept(const struct sg_lease *lease, const struct sg_lease_holder *holder, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_LEASE, "another runner has the lease: %s", holder->owner ? holder->owner : "(just released)");
	sg_err_detail(err, "It has had it since %s%s.", holder->since ? holder->since : "a moment ago",
	              holder->alive ? "" : ", and seems to be dead: its lease runs out by itself");
	return sg_err_hint(err, "Wait for it: run again with --wait SECONDS (a dead runner's lease ends after %d s).",
	                   lease->seconds);
}

int sg_connect_lease(struct sg_session *session, struct sg_lease *lease, int wait_seconds, int64_t *asked_ms_r,
                     struct sg_err *err)
{
	int64_t end = sg_clock_ms() + (int64_t)wait_seconds * 1000;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_retry retry;
	bool said = false;
	int status = -1;

	sg_retry_init(&retry, &session->run->manifest->policy);
	for (;; sg_arena_reset(&arena)) {
		struct sg_lease_holder holder = { 0 };
		int taken = -1;

		*asked_ms_r = sg_clock_ms();
		if (sg_session_open(session, err) == 0)
			taken = sg_lease_take(lease, session->db, &arena, &holder, err);
		if (taken > 0) {
			status = 0;
			break;
		}
		if (taken < 0) {
			sg_session_drop(session);
			if (sg_again_after(&retry, err) != 0)
				break;
			continue;
		}
		if (sg_clock_ms() >= end) {
			kept(lease, &holder, err);
			break;
		}
		/* the server answers: what failed an hour ago does not count any more */
		sg_retry_init(&retry, &session->run->manifest->policy);
		if (!said)
			sg_log(SG_LOG_INFO, "lease-wait", NULL, 0, "waiting for another runner: %s, at work since %s",
			       holder.owner ? holder.owner : "?", holder.since ? holder.since : "?");
		said = true;
		if (!sg_stop_sleep(200 + sg_random(200))) {
			sg_stop_err(err);
			break;
		}
	}
	sg_arena_release(&arena);
	return status;
}
