/* rehearse_manifest.c - the manifest of a rehearsal: a copy whose database is a private server.
 *
 * A server that nobody else uses needs no throttle and no window, and waits for nobody; what a step asks of the machine that only the real
 * one has (a tablespace) is left out. All else is as written: the policy of statements, batch sizes, lanes. */
#include "config.h"
#include "core/run/rehearse_parts.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_SECONDS 20
#define BACKFILL_SECONDS 3600
#define LANES 4

static void relieve_policy(struct sg_policy_settings *policy)
{
	if (policy->retry_seconds > RETRY_SECONDS)
		policy->retry_seconds = RETRY_SECONDS;
	if (policy->lock_seconds > RETRY_SECONDS)
		policy->lock_seconds = RETRY_SECONDS;
}

static void relieve_backfill(struct sg_backfill_settings *backfill)
{
	backfill->duty = 1;
	backfill->window = NULL;
	backfill->max_lag_mb = backfill->max_lag_seconds = backfill->max_wal_backlog_mb = 0;
	backfill->unknown_signal_stop = false;
	backfill->pass_pause_seconds = 0;
	if (backfill->max_seconds == 0 || backfill->max_seconds > BACKFILL_SECONDS)
		backfill->max_seconds = BACKFILL_SECONDS;
	if (backfill->jobs > LANES)
		backfill->jobs = LANES;
}

/* ---- what migrations wait for ------------------------------------------------------ */

static void mark(const struct sg_manifest *from, const struct sg_step *step, bool *needed)
{
	for (size_t i = 0; i < step->require_count; i++) {
		const struct sg_step *next = sg_manifest_step(from, step->requires[i].kind, step->requires[i].id);

		if (next == NULL || needed[next - from->steps])
			continue;
		needed[next - from->steps] = true;
		mark(from, next, needed); /* as deep as the longest chain: each is marked once */
	}
}

static bool *mark_needed(const struct sg_manifest *from, struct sg_arena *arena)
{
	bool *needed = sg_arena_array(arena, from->step_count, sizeof *needed);

	for (size_t i = 0; i < from->step_count; i++)
		if (from->steps[i].kind == SG_STEP_MIGRATION) {
			needed[i] = true;
			mark(from, &from->steps[i], needed);
		}
	return needed;
}

/* ---- the copy -------------------------------------------------------------------------- */

void sg_rehearse_manifest_make(const struct sg_manifest *from, bool only_needed, struct sg_arena *arena,
                               struct sg_rehearse_manifest *copy_r)
{
	struct sg_manifest *copy = &copy_r->manifest;
	const bool *needed = only_needed ? mark_needed(from, arena) : NULL;
	const struct sg_step **sorted = sg_arena_array(arena, from->step_count, sizeof *sorted);
	const struct sg_step **moved = sg_arena_array(arena, from->step_count, sizeof *moved);
	size_t count = 0;

	*copy = *from;
	copy->dsn = copy->direct_dsn = NULL;
	copy->embedded = copy->embedded_init = NULL;
	relieve_policy(&copy->policy);
	relieve_backfill(&copy->backfill);
	copy->steps = sg_arena_array(arena, from->step_count, sizeof *copy->steps);
	copy_r->originals = sg_arena_array(arena, from->step_count, sizeof *copy_r->originals);
	copy->step_count = 0;
	for (size_t i = 0; i < from->step_count; i++) {
		struct sg_step *step = &copy->steps[copy->step_count];

		if (needed != NULL && !needed[i])
			continue;
		*step = from->steps[i];
		step->tablespace = NULL;
		relieve_policy(&step->policy);
		relieve_backfill(&step->backfill);
		moved[i] = step;
		copy_r->originals[copy->step_count++] = &from->steps[i];
	}
	for (size_t i = 0; i < from->step_count; i++)
		if (moved[from->by_id[i] - from->steps] != NULL)
			sorted[count++] = moved[from->by_id[i] - from->steps];
	copy->by_id = sorted;
}
