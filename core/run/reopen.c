/* reopen.c - a unique index could not be built for duplicates, although the backfills that it requires
 * are complete: is one of them undone after all?
 *
 * Rows may have come since, or its fingerprint may ask too little. What its fingerprint says decides; only a
 * plugin that may go over its rows again (drain mode, SG_REPEATABLE) is made pending without a person's word, and each
 * once a run: if duplicates come back as fast as they go, no number of turns ends it. */
#include "config.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/plugin/abi.h"
#include "core/run/index_phase.h"

enum reopening {
	REOPENED,     /* or another runner has done it meanwhile: the index is worth another try */
	HOLDS,        /* its fingerprint sees no duplicates */
	NOT_AGAIN,    /* it does not hold, but may not begin again by itself */
	ONCE_ALREADY,
	UNKNOWN       /* it could not be asked, or not be reopened: why */
};

static bool among(const char *const *keys, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static void add_reopened(struct sg_indexes_result *result, const char *key, struct sg_arena *arena)
{
	const char **keys;

	if (among(result->reopened, result->reopened_count, key))
		return;
	keys = sg_arena_array(arena, result->reopened_count + 1, sizeof *keys);
	for (size_t i = 0; i < result->reopened_count; i++)
		keys[i] = result->reopened[i];
	keys[result->reopened_count++] = key;
	result->reopened = keys;
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Has another runner been at it since this phase read its gates? pending: it may be at it still. */
static int others(struct sg_index_phase *phase, const char *key, bool *others_r, bool *pending_r, struct sg_err *err)
{
	const struct sg_backfill_row *was = sg_backfills_find(phase->gates.backfills, phase->gates.backfill_count, key), *is;
	struct sg_backfill_row *rows;
	size_t count;

	*others_r = *pending_r = false;
	if (sg_session_open(&phase->session, err) != 0 ||
	    sg_backfills_read(phase->session.db, phase->run->manifest->state_schema, phase->run->arena, &rows, &count, err) != 0)
		return -1;
	is = sg_backfills_find(rows, count, key);
	if (is == NULL || was == NULL)
		return 0;
	*pending_r = is->state == SG_BACKFILL_PENDING || is->state == SG_BACKFILL_RUNNING;
	*others_r = is->state != was->state || !same(is->started_at, was->started_at) || !same(is->finished_at, was->finished_at);
	return 0;
}

/* The sweep begins anew with whoever runs it next; a lost answer is asked again, which does no harm. */
static int make_pending(struct sg_index_phase *phase, const char *key, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &phase->run->manifest->policy);
	while (sg_session_open(&phase->session, err) != 0 ||
	       sg_backfills_again(phase->session.db, phase->run->manifest->state_schema, key, err) != 0) {
		sg_session_drop(&phase->session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
	return 0;
}

static enum reopening open_again(struct sg_index_phase *phase, const struct sg_backfill *backfill, struct sg_err *err)
{
	const char *key = backfill->step->id;
	bool moved, pending;

	if (!backfill->drain && !(backfill->flags & SG_REPEATABLE))
		return NOT_AGAIN;
	if (make_pending(phase, key, err) == 0) {
		sg_log(SG_LOG_WARNING, "reopened", key, 0,
		       "there are rows that it has not done (its fingerprint does not hold): it is pending again");
		return REOPENED;
	}
	/* another runner may have been faster */
	if (err->class == SG_CLASS_USAGE) {
		struct sg_err why = SG_ERR_INIT;

		if (others(phase, key, &moved, &pending, &why) == 0 && pending) {
			sg_err_clear(err);
			return REOPENED;
		}
		sg_err_release(&why);
	}
	return UNKNOWN;
}

static enum reopening reopen(struct sg_index_phase *phase, const struct sg_step *step, struct sg_err *err)
{
	struct sg_backfill backfill;
	bool holds, moved, pending;

	if (phase->before != NULL && among(phase->before->reopened, phase->before->reopened_count, step->id))
		return ONCE_ALREADY;
	if (among(phase->result->reopened, phase->result->reopened_count, step->id))
		return REOPENED;
	if (sg_backfill_open(&backfill, phase->run, step, &phase->session, err) != 0 ||
	    sg_backfill_holds(&backfill, &phase->session, &holds, NULL, err) != 0)
		return UNKNOWN;
	if (!holds)
		return open_again(phase, &backfill, err);
	if (others(phase, step->id, &moved, &pending, err) != 0)
		return UNKNOWN;
	return moved || pending ? REOPENED : HOLDS;
}

/* What to do now, instead of what was said of duplicates in general. */
static void advise(struct sg_err *to, enum reopening what, const char *index, const char *key, const struct sg_err *why)
{
	switch (what) {
	case REOPENED:
		sg_err_hint(to, "Backfill %s is pending again: `sgrun deploy` runs it and then builds the index; or run"
		                " `sgrun backfill --only %s` and then `sgrun index --only %s`.", key, key, index);
		break;
	case HOLDS:
		sg_err_hint(to,
		            "The fingerprint of backfill %s holds although there are duplicates: it asks too little. Let it ask for"
		            " just what the index forbids, and run `sgrun backfill --again %s`.",
		            key, key);
		break;
	case NOT_AGAIN:
		sg_err_hint(to,
		            "The fingerprint of backfill %s does not hold any more, but its plugin is not declared SG_REPEATABLE: if"
		            " it may go over all rows once more, run `sgrun backfill --again %s`, then `sgrun deploy`.",
		            key, key);
		break;
	case ONCE_ALREADY:
		sg_err_hint(to,
		            "Backfill %s ran once more in this run, and there are duplicates again: something writes them. Stop"
		            " that, then run `sgrun deploy`.",
		            key);
		break;
	case UNKNOWN:
		sg_err_hint(to, "Whether backfill %s is undone could not be told, or it could not begin again: %s%s%s", key,
		            why->primary != NULL ? why->primary : "it did not say why", why->hint != NULL ? ". " : ".",
		            why->hint != NULL ? why->hint : "");
		break;
	}
}

/* Of several backfills that which says most decides the advice: the order of enum reopening, but HOLDS last. */
static int weight(enum reopening what)
{
	static const int weights[] = { [REOPENED] = 4, [NOT_AGAIN] = 3, [ONCE_ALREADY] = 2, [UNKNOWN] = 1, [HOLDS] = 0 };

	return weights[what];
}

static void reopen_for(struct sg_index_phase *phase, struct sg_indexes_item *item)
{
	const struct sg_step *most = NULL;
	enum reopening what = HOLDS;
	struct sg_err why = SG_ERR_INIT;

	for (size_t i = 0; i < item->step->require_count; i++) {
		const struct sg_require *require = &item->step->requires[i];
		const struct sg_step *step = sg_manifest_step(phase->run->manifest, SG_STEP_BACKFILL, require->id);
		struct sg_err err = SG_ERR_INIT;
		enum reopening one;

		if (require->kind != SG_STEP_BACKFILL || step == NULL || sg_stop_count() > 0)
			continue;
		one = reopen(phase, step, &err);
		if (one == REOPENED)
			add_reopened(phase->result, step->id, phase->run->arena);
		if (most == NULL || weight(one) > weight(what)) {
			most = step;
			what = one;
			sg_err_clear(&why);
			sg_err_move(&why, &err);
		}
		sg_err_release(&err);
	}
	if (most != NULL)
		advise(&item->result.err, what, item->step->id, most->id, &why);
	sg_err_release(&why);
}

void sg_index_reopen(struct sg_index_phase *phase)
{
	for (size_t i = 0; i < phase->result->count; i++) {
		struct sg_indexes_item *item = &phase->result->items[i];
		bool old = false;

		for (size_t k = 0; phase->before != NULL && k < phase->before->count; k++)
			old |= phase->before->items[k].step == item->step && phase->before->items[k].result.duplicates &&
			       !item->again;
		if (!old && item->result.end == SG_INDEX_END_FAILED && item->result.duplicates)
			reopen_for(phase, item);
	}
	sg_session_drop(&phase->session);
}
