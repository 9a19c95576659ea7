/* backfill.c - the backfill phase: which are ready, in which order, one after the
 * other; and what a person asks of one from any host. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/exec/again.h"
#include "core/run/gates.h"
#include "core/run/run.h"

struct filling {
	struct sg_run *run;
	const struct sg_backfills_options *options;
	struct sg_backfills_result *result;
	struct sg_session session;
	struct sg_ledger ledger;
	struct sg_gates gates;
	bool *tried;          /* of each item: its result stands */
	size_t number, total; /* of those that are not complete */
};

/* ---- what is there to do ------------------------------------------------------ */

/* Every backfill that was asked for, HIGH before MEDIUM before LOW, else as the
 * manifest has them. */
static int lay_out(struct filling *f, struct sg_err *err)
{
	const struct sg_manifest *manifest = f->run->manifest;
	const char *only = f->options->only;
	const struct sg_backfill_result not_reached = { .end = SG_BACKFILL_END_NOT_REACHED,
		                                        .rows_done = -1,
		                                        .rows_estimate = -1,
		                                        .left = -1,
		                                        .bad_rows = -1,
		                                        .deferred = -1 };
	struct sg_backfills_result *result = f->result;

	if (only != NULL && sg_manifest_step(manifest, SG_STEP_BACKFILL, only) == NULL)
		return sg_manifest_no_step_err(manifest, SG_STEP_BACKFILL, only, err);
	result->items = sg_arena_array(f->run->arena, manifest->step_count, sizeof *result->items);
	f->tried = sg_arena_array(f->run->arena, manifest->step_count, sizeof *f->tried);
	for (int priority = SG_PRIORITY_HIGH; priority <= SG_PRIORITY_LOW; priority++) {
		for (size_t i = 0; i < manifest->step_count; i++) {
			const struct sg_step *step = &manifest->steps[i];

			if (step->kind != SG_STEP_BACKFILL || (int)step->priority != priority ||
			    (only != NULL && strcmp(step->id, only) != 0))
				continue;
			result->items[result->count].step = step;
			result->items[result->count].result = not_reached;
			result->count++;
		}
	}
	return 0;
}

static bool is_reopened(const struct filling *f, const struct sg_step *step)
{
	for (size_t i = 0; i < f->options->reopened_count; i++)
		if (strcmp(f->options->reopened[i], step->id) == 0)
			return true;
	return false;
}

/* What an earlier round said of it stands: nothing is tried twice, but what an index has found undone. */
static void take_over(struct filling *f, const struct sg_backfills_result *before)
{
	for (size_t i = 0; before != NULL && i < f->result->count; i++) {
		struct sg_backfills_item *item = &f->result->items[i];

		for (size_t k = 0; k < before->count; k++) {
			const struct sg_backfills_item *old = &before->items[k];

			if (old->step != item->step || old->result.end == SG_BACKFILL_END_WAITING ||
			    old->result.end == SG_BACKFILL_END_NOT_REACHED || is_reopened(f, item->step))
				continue;
			/* its error stays with the item that owns it */
			item->result = old->result;
			f->tried[i] = true;
		}
	}
}

static int read_once(struct filling *f, struct sg_err *err)
{
	const struct sg_manifest *manifest = f->run->manifest;

	return sg_session_open(&f->session, err) == 0 &&
	                       sg_ledger_read(f->session.db, manifest->state_schema, false, f->run->arena, &f->ledger, err) == 0 &&
	                       sg_gates_read(f->session.db, manifest, &f->ledger, f->run->arena, &f->gates, err) == 0
	               ? 0
	               : -1;
}

static int read_state(struct filling *f, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &f->run->manifest->policy);
	while (read_once(f, err) != 0) {
		sg_session_drop(&f->session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
	return 0;
}

static int install(struct sg_run *run, struct sg_session *session, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &run->manifest->policy);
	while (sg_session_open(session, err) != 0 || sg_state_install(session->db, run->manifest->state_schema, err) != 0) {
		sg_session_drop(session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- the work ------------------------------------------------------------------- */

static void tell_ended(const struct filling *f, const struct sg_backfills_item *item)
{
	const struct sg_observer *observer = f->run->observer;

	if (observer != NULL && observer->fill_ended != NULL)
		observer->fill_ended(observer->context, item->step, &item->result);
}

static void run_item(struct filling *f, struct sg_backfills_item *item)
{
	const struct sg_observer *observer = f->run->observer;
	struct sg_backfill_limits limits = { .jobs = f->options->jobs, .deadline_ms = f->options->deadline_ms };

	f->number++;
	if (observer != NULL && observer->fill_started != NULL)
		observer->fill_started(observer->context, item->step, f->number, f->total);
	/* no connection of ours is idle while the lanes work */
	sg_session_drop(&f->session);
	sg_backfill_run(f->run, item->step, &limits, &item->result);
	tell_ended(f, item);
}

static bool is_complete(const struct filling *f, const struct sg_step *step)
{
	const struct sg_backfill_row *row = sg_backfills_find(f->gates.backfills, f->gates.backfill_count, step->id);

	return row != NULL && row->state == SG_BACKFILL_COMPLETE;
}

/* Of one that is not looked at any closer. */
static void take_row(const struct filling *f, struct sg_backfills_item *item)
{
	const struct sg_backfill_row *row = sg_backfills_find(f->gates.backfills, f->gates.backfill_count, item->step->id);

	if (row == NULL)
		return;
	item->result.rows_done = row->rows_done;
	item->result.rows_estimate = row->rows_estimate;
	item->result.left = row->left;
	item->result.bad_rows = row->bad_rows;
	item->result.deferred = row->deferred;
}

/* The first one that is ready; f->result->count: none. What waits says for what. */
static size_t next_ready(struct filling *f)
{
	for (size_t i = 0; i < f->result->count; i++) {
		struct sg_backfills_item *item = &f->result->items[i];
		const char *why;

		if (f->tried[i])
			continue;
		item->waits_for = NULL;
		take_row(f, item);
		if (is_complete(f, item->step)) {
			item->result.end = SG_BACKFILL_END_ALREADY;
			f->tried[i] = true;
			continue;
		}
		item->waits_for = sg_gates_closed(&f->gates, item->step, 0, f->run->arena);
		if (item->waits_for == NULL)
			return i;
		item->result.end = SG_BACKFILL_END_WAITING;
		why = sg_gates_why(&f->gates, item->waits_for, f->run->arena);
		item->result.note = why != NULL ? sg_arena_printf(f->run->arena, "%s (%s)", item->waits_for, why) : item->waits_for;
	}
	return f->result->count;
}

static bool over(const struct filling *f)
{
	return sg_stop_count() > 0 || (f->options->deadline_ms != 0 && sg_clock_ms() >= f->options->deadline_ms);
}

/* Highest priority first; one that becomes complete may open the gate of another, of
 * any priority. Each is tried once. */
static int run_ready(struct filling *f, struct sg_err *err)
{
	for (;;) {
		size_t i = next_ready(f);
		struct sg_backfills_item *item = &f->result->items[i];

		if (i == f->result->count || over(f))
			return 0;
		if (!f->ledger.installed) {
			if (install(f->run, &f->session, err) != 0)
				return -1;
			f->ledger.installed = true;
		}
		run_item(f, item);
		f->tried[i] = true;
		/* each of the others would wait as long for a server that is away */
		if (item->result.err.class == SG_CLASS_CONNECTION || item->result.err.class == SG_CLASS_REJECTED)
			return 0;
		if (item->result.end != SG_BACKFILL_END_COMPLETE && item->result.end != SG_BACKFILL_END_ALREADY)
			continue;
		if (over(f))
			return 0;
		if (read_state(f, err) != 0)
			return -1;
		for (size_t k = 0; k < f->options->waiting_count; k++) {
			if (sg_gates_closed(&f->gates, f->options->waiting[k], 0, f->run->arena) != NULL)
				continue;
			f->result->opened = true;
			return 0;
		}
	}
}

/* An earlier round has said of it that it waits for just that. */
static bool told(const struct sg_backfills_result *before, const struct sg_backfills_item *item)
{
	for (size_t i = 0; before != NULL && i < before->count; i++)
		if (before->items[i].step == item->step && before->items[i].waits_for != NULL &&
		    strcmp(before->items[i].waits_for, item->waits_for) == 0)
			return true;
	return false;
}

/* Reached by neither a gate's opening nor the run's time. */
static void end_rest(struct filling *f, const struct sg_backfills_result *before)
{
	for (size_t i = 0; i < f->result->count; i++) {
		struct sg_backfills_item *item = &f->result->items[i];

		if (f->tried[i])
			continue;
		if (item->waits_for == NULL) {
			item->result.end = SG_BACKFILL_END_NOT_REACHED;
			item->result.note = NULL;
			if (sg_stop_count() == 0 && over(f))
				item->result.note = "the time of this run is over";
		} else if (!told(before, item)) {
			tell_ended(f, item);
		}
	}
}

static void summarise(struct sg_backfills_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		switch (result->items[i].result.end) {
		case SG_BACKFILL_END_ALREADY: result->already++; break;
		case SG_BACKFILL_END_COMPLETE: result->complete++; break;
		case SG_BACKFILL_END_RESIDUAL:
		case SG_BACKFILL_END_LEFT:
		case SG_BACKFILL_END_PAUSED:
		case SG_BACKFILL_END_CLOSED:
		case SG_BACKFILL_END_STOPPED:
		case SG_BACKFILL_END_NOT_REACHED: result->left++; break;
		case SG_BACKFILL_END_WAITING: result->waiting++; break;
		case SG_BACKFILL_END_FAILED:
		case SG_BACKFILL_END_REFUSED: result->failed++; break;
		}
	}
}

static int fill(struct filling *f, const struct sg_backfills_result *before, struct sg_err *err)
{
	if (lay_out(f, err) != 0)
		return -1;
	take_over(f, before);
	if (f->result->count == 0)
		return 0;
	if (read_state(f, err) != 0)
		return -1;
	for (size_t i = 0; i < f->result->count; i++)
		f->total += !f->tried[i] && !is_complete(f, f->result->items[i].step);
	if (run_ready(f, err) != 0)
		return -1;
	end_rest(f, before);
	return 0;
}

int sg_backfills_run(struct sg_run *run, const struct sg_backfills_options *options,
                     const struct sg_backfills_result *before, struct sg_backfills_result *result_r,
                     struct sg_errs *errs)
{
	struct filling f = { .run = run, .options = options, .result = result_r };
	struct sg_err err = SG_ERR_INIT;
	int status;

	memset(result_r, 0, sizeof *result_r);
	sg_session_init(&f.session, run, false);
	status = fill(&f, before, &err);
	sg_session_drop(&f.session);
	if (err.class != SG_CLASS_NONE) {
		result_r->exit = sg_class_exit(err.class);
		sg_err_move(sg_errs_add(errs), &err);
	}
	if (sg_stop_count() > 0)
		result_r->exit = sg_class_exit(sg_stop_class());
	summarise(result_r);
	return status;
}

/* ---- --pause, --resume, --retry, --again ------------------------------------------ */

/* The runner without its process: who asks, as a person reads it. */
static const char *asker(struct sg_run *run)
{
	const char *end = strrchr(run->runner, ':');

	return end != NULL ? sg_arena_strndup(run->arena, run->runner, (size_t)(end - run->runner)) : run->runner;
}

/* In the manifest, or begun once by one that had it. */
static int know_key(struct sg_run *run, struct sg_session *session, const char *key, struct sg_err *err)
{
	const char *schema = run->manifest->state_schema;
	struct sg_backfill_row *rows = NULL;
	struct sg_ledger ledger;
	size_t count = 0;

	if (sg_session_open(session, err) != 0 || sg_ledger_read(session->db, schema, false, run->arena, &ledger, err) != 0)
		return -1;
	if (sg_manifest_step(run->manifest, SG_STEP_BACKFILL, key) != NULL)
		return ledger.installed ? 0 : sg_state_install(session->db, schema, err);
	if (ledger.installed && sg_backfills_read(session->db, schema, run->arena, &rows, &count, err) != 0)
		return -1;
	return sg_backfills_find(rows, count, key) != NULL ? 0 : sg_manifest_no_step_err(run->manifest, SG_STEP_BACKFILL, key, err);
}

static int ask_once(struct sg_run *run, struct sg_session *session, enum sg_backfill_ask what, const char *key,
                    const char **text_r, struct sg_err *err)
{
	const char *schema = run->manifest->state_schema;
	int64_t count;

	if (know_key(run, session, key, err) != 0)
		return -1;
	switch (what) {
	case SG_BACKFILL_ASK_PAUSE:
		*text_r = sg_arena_printf(run->arena, "%s is paused: whoever is at work on it holds after the batch that runs", key);
		return sg_backfills_pause(session->db, schema, key, asker(run), err);
	case SG_BACKFILL_ASK_RESUME:
		*text_r = sg_arena_printf(run->arena, "%s goes on, with whoever holds it or with the next run", key);
		return sg_backfills_resume(session->db, schema, key, err);
	case SG_BACKFILL_ASK_RETRY:
		if (sg_backfills_retry(session->db, schema, key, &count, err) != 0)
			return -1;
		*text_r = count == 0 ? sg_arena_printf(run->arena, "%s has no failed rows", key)
		                     : sg_arena_printf(run->arena, "%s: %lld failed row%s tried again by the next run", key,
		                                       (long long)count, count == 1 ? " is" : "s are");
		return 0;
	case SG_BACKFILL_ASK_AGAIN:
		*text_r = sg_arena_printf(run->arena, "%s: the next run sweeps all rows once more", key);
		return sg_backfills_again(session->db, schema, key, err);
	}
	SG_BUG("unknown request");
}

int sg_backfills_ask(struct sg_run *run, enum sg_backfill_ask what, const char *key, const char **text_r,
                     struct sg_err *err)
{
	struct sg_session session;
	struct sg_retry retry;
	int status;

	sg_session_init(&session, run, false);
	sg_retry_init(&retry, &run->manifest->policy);
	while ((status = ask_once(run, &session, what, key, text_r, err)) != 0) {
		sg_session_drop(&session);
		if (sg_again_after(&retry, err) != 0)
			break;
	}
	sg_session_drop(&session);
	return status;
}
