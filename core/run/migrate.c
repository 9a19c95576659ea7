/* migrate.c - the migrate phase: what is left, the lease, and step after step. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/exec/probe.h"
#include "core/exec/retry.h"
#include "core/run/connect.h"
#include "core/run/gates.h"
#include "core/run/plugins.h"
#include "core/run/run.h"
#include "core/run/step.h"

#define KEPT_LOADED 32 /* 0.3 MiB each: most deployments load no plugin twice */
#define GIVE_BACK_MS 5000 /* as long as a server takes to start again after a crash */

struct migrating {
	struct sg_run *run;
	const struct sg_migrate_options *options;
	struct sg_migrate_result *result;
	struct sg_session session;
	struct sg_watch watch;
	struct sg_lease lease;
	struct sg_ledger ledger;
	struct sg_gates gates;
	struct sg_plugins plugins;
	size_t *slots;       /* of each item; SIZE_MAX: none */
	size_t left, number; /* steps to do, and the one at work */
};

static void tell_started(struct migrating *m, const struct sg_step *step)
{
	const struct sg_observer *observer = m->run->observer;

	if (observer != NULL && observer->started != NULL)
		observer->started(observer->context, step, m->number, m->left);
}

static void tell_ended(struct migrating *m, struct sg_migrate_item *item, const char *note)
{
	const struct sg_observer *observer = m->run->observer;

	if (observer != NULL && observer->ended != NULL)
		observer->ended(observer->context, item->step, item->outcome, item->duration_ms, item->attempts, item->existed,
		                note, item->outcome == SG_OUTCOME_FAILED ? &item->err : NULL);
}

/* What is there to do, by the ledger alone: every item gets its outcome, those
 * to do are NOT_REACHED until they are. */
static void lay_out(struct migrating *m)
{
	const struct sg_manifest *manifest = m->run->manifest;
	struct sg_migrate_result *result = m->result;
	bool past = false;

	result->count = 0;
	m->left = 0;
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		struct sg_migrate_item *item;

		if (step->kind != SG_STEP_MIGRATION)
			continue;
		item = &result->items[result->count++];
		item->step = step;
		if (sg_ledger_find(&m->ledger, step->id) != NULL)
			item->outcome = SG_OUTCOME_SKIPPED;
		else if (step->superseded_by != NULL)
			item->outcome = SG_OUTCOME_SUPERSEDED;
		else
			item->outcome = SG_OUTCOME_NOT_REACHED;
		if (item->outcome == SG_OUTCOME_NOT_REACHED && !past)
			m->left++;
		if (m->options->to != NULL && strcmp(step->id, m->options->to) == 0)
			past = true;
	}
}

/* Connects and reads ledger and gates, within the retry budget of [policy];
 * makes the state tables when something is to be done. */
static int read_state(struct migrating *m, struct sg_err *err)
{
	const struct sg_manifest *manifest = m->run->manifest;
	struct sg_retry retry;

	sg_retry_init(&retry, &manifest->policy);
	for (;;) {

		if (sg_session_open(&m->session, err) == 0 &&
		    sg_ledger_read(m->session.db, manifest->state_schema, false, m->run->arena, &m->ledger, err) == 0 &&
		    sg_gates_read(m->session.db, manifest, &m->ledger, m->run->arena, &m->gates, err) == 0)
			return 0;
		sg_session_drop(&m->session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
}

/* The state, and what the probe has to know of this database. */
static int read_all(struct migrating *m, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &m->run->manifest->policy);
	for (;;) {
		if (read_state(m, err) != 0)
			return -1; /* it has tried again already */
		if (sg_probe_learn(m->run, m->session.db, err) == 0 &&
		    sg_probe_triggers(m->session.db, m->run->arena, &m->run->event_triggers, err) == 0)
			return 0;
		sg_session_drop(&m->session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
}

static int install(struct migrating *m, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &m->run->manifest->policy);
	while (!m->ledger.installed) {
		if (sg_session_open(&m->session, err) != 0 ||
		    sg_state_install(m->session.db, m->run->manifest->state_schema, err) != 0) {
			sg_session_drop(&m->session);
			if (sg_again_after(&retry, err) != 0)
				return -1;
		}
		if (read_state(m, err) != 0)
			return -1;
	}
	return 0;
}

/* Whose work holds what this step would have done: at the end of the chain, for
 * a successor may be superseded itself (the manifest has no circles). */
static const char *successor(const struct migrating *m, const struct sg_step *step)
{
	const struct sg_step *next = step;

	while (next->superseded_by != NULL && sg_ledger_find(&m->ledger, next->superseded_by) == NULL) {
		const struct sg_step *after = sg_manifest_step(m->run->manifest, SG_STEP_MIGRATION, next->superseded_by);

		SG_ASSERT(after != NULL);
		if (after->superseded_by == NULL)
			break;
		next = after;
	}
	return next->superseded_by;
}

/* The ids that are recorded as superseded together with this step. */
static const char *const *supersedes(struct migrating *m, const struct sg_step *step, size_t *count_r)
{
	const char **ids = NULL;
	size_t room = 0;

	*count_r = 0;
	for (size_t i = 0; i < m->result->count; i++) {
		const struct sg_step *old = m->result->items[i].step;

		if (m->result->items[i].outcome == SG_OUTCOME_SUPERSEDED && strcmp(successor(m, old), step->id) == 0) {
			ids = sg_arena_grow(m->run->arena, ids, &room, *count_r + 1, sizeof *ids);
			ids[(*count_r)++] = old->id;
		}
	}
	return ids;
}

static void fail_item(struct migrating *m, struct sg_migrate_item *item, struct sg_err *err)
{
	item->outcome = SG_OUTCOME_FAILED;
	sg_err_step(err, item->step->id);
	sg_err_at(err, m->run->manifest->path, item->step->line);
	sg_err_defer(&item->err, m->run->arena);
	sg_err_move(&item->err, err);
	m->result->exit = sg_exit_worse(m->result->exit, sg_class_exit(item->err.class));
	/* a signal beats all: what came with it is told, but whoever sent it expects this status */
	m->result->exit = sg_exit_worse(m->result->exit, sg_class_exit(sg_stop_class()));
	tell_ended(m, item, NULL);
}

/* It is recorded, and so is what it supersedes. */
static void open_gates(struct migrating *m, const struct sg_step *step)
{
	size_t count;
	const char *const *ids = supersedes(m, step, &count);

	sg_gates_done(&m->gates, step->id, m->run->arena);
	for (size_t i = 0; i < count; i++)
		sg_gates_done(&m->gates, ids[i], m->run->arena);
}

static void do_steps(struct migrating *m)
{
	const struct sg_stage stage = {
		.run = m->run, .lease = &m->lease, .session = &m->session, .watch = &m->watch, .plugins = &m->plugins
	};
	struct sg_migrate_result *result = m->result;

	for (size_t i = 0; i < result->count; i++) {
		struct sg_migrate_item *item = &result->items[i];
		struct sg_err err = SG_ERR_INIT;
		const char *const *ids;
		size_t id_count;

		if (item->outcome == SG_OUTCOME_SUPERSEDED) {
			if (sg_ledger_find(&m->ledger, successor(m, item->step)) != NULL && sg_step_supersede(&stage, item->step, &err) != 0) {
				fail_item(m, item, &err);
				return;
			}
		}
		if (m->slots[i] == SIZE_MAX)
			continue;
		if (sg_stop_count() > 0) {
			sg_stop_err(&err);
			fail_item(m, item, &err);
			return;
		}
		item->waits_for = sg_gates_closed(&m->gates, item->step, 0, m->run->arena);
		if (item->waits_for != NULL) {
			/* Each later migration waits with it: the order of the file is the order of history. */
			item->outcome = SG_OUTCOME_WAITING;
			item->waits_why = sg_gates_why(&m->gates, item->waits_for, m->run->arena);
			if (!m->run->manifest->policy.waiting_allow)
				result->exit = sg_exit_worse(result->exit, sg_class_exit(SG_CLASS_WAIT));
			tell_ended(m, item,
			           item->waits_why == NULL ? item->waits_for
			                                   : sg_arena_printf(m->run->arena, "%s (%s)", item->waits_for, item->waits_why));
			return;
		}
		m->number++;
		tell_started(m, item->step);
		ids = supersedes(m, item->step, &id_count);
		if (sg_step_run(&stage, item, m->slots[i], ids, id_count, &err) != 0) {
			fail_item(m, item, &err);
			return;
		}
		open_gates(m, item->step);
		tell_ended(m, item, NULL);
	}
}

/* Which items are to be done now: those not recorded, up to --to. */
static bool find_slots(struct migrating *m)
{
	bool past = false, any = false;

	m->slots = sg_arena_array(m->run->arena, m->result->count, sizeof *m->slots);
	for (size_t i = 0; i < m->result->count; i++) {
		const struct sg_migrate_item *item = &m->result->items[i];

		m->slots[i] = SIZE_MAX;
		if (item->outcome == SG_OUTCOME_NOT_REACHED && !past) {
			m->slots[i] = sg_plugins_add(&m->plugins, item->step);
			any = true;
		}
		/* superseded, and its successor is recorded already: a row is to be written */
		if (item->outcome == SG_OUTCOME_SUPERSEDED && !past &&
		    sg_ledger_find(&m->ledger, successor(m, item->step)) != NULL)
			any = true;
		if (m->options->to != NULL && strcmp(item->step->id, m->options->to) == 0)
			past = true;
	}
	return any;
}

void sg_migrate_count(struct sg_migrate_result *result)
{
	result->skipped = result->applied = result->reconciled = result->superseded = result->waiting = result->failed =
		result->not_reached = 0;
	for (size_t i = 0; i < result->count; i++) {
		switch (result->items[i].outcome) {
		case SG_OUTCOME_SKIPPED: result->skipped++; break;
		case SG_OUTCOME_APPLIED: result->applied++; break;
		case SG_OUTCOME_ADOPTED:
		case SG_OUTCOME_RECONCILED: result->reconciled++; break;
		case SG_OUTCOME_SUPERSEDED: result->superseded++; break;
		case SG_OUTCOME_WAITING: result->waiting++; break;
		case SG_OUTCOME_FAILED: result->failed++; break;
		case SG_OUTCOME_NOT_REACHED: result->not_reached++; break;
		}
	}
}

/* Everything but its frame: connections and plugins end in sg_migrate. */
static int migrate(struct migrating *m, struct sg_errs *errs, struct sg_err *err)
{
	if (read_state(m, err) != 0)
		return -1;
	lay_out(m);
	if (!find_slots(m))
		return 0;
	if (sg_plugins_check(&m->plugins, KEPT_LOADED, errs) != 0)
		return -1;
	if (install(m, err) != 0 ||
	    sg_connect_lease(&m->session, &m->lease, m->options->wait_seconds, &m->watch.renewed_ms, err) != 0)
		return -1;
	/* Another may have done it all while we waited: plan anew. */
	if (read_all(m, err) != 0)
		return -1;
	lay_out(m);
	for (size_t i = 0; i < m->result->count; i++)
		if (m->result->items[i].outcome != SG_OUTCOME_NOT_REACHED)
			m->slots[i] = SIZE_MAX;
	do_steps(m);
	return 0;
}

/* A lease that stays keeps the next runner waiting: if the connection proves to
 * be dead, once more on a new one; and if the server was there for all the work,
 * it is given a moment to come back. */
static void give_back(struct migrating *m, bool patient)
{
	int64_t end = sg_clock_ms() + (patient ? GIVE_BACK_MS : 0);

	for (int turn = 0; m->lease.fence != 0; turn++) {
		struct sg_lease lease = m->lease;
		struct sg_err why = SG_ERR_INIT;

		if (sg_session_open(&m->session, &why) == 0) {
			sg_lease_release(&lease, m->session.db);
			if (!sg_db_lost(m->session.db))
				m->lease.fence = 0;
		}
		sg_err_release(&why);
		if (sg_stop_count() >= 2 || (turn > 0 && (sg_clock_ms() >= end || !sg_stop_sleep(100))))
			return;
	}
}

int sg_migrate(struct sg_run *run, const struct sg_migrate_options *options, struct sg_migrate_result *result_r,
               struct sg_errs *errs)
{
	struct migrating m = { .run = run, .options = options, .result = result_r };
	struct sg_err err = SG_ERR_INIT;
	int status;

	memset(result_r, 0, sizeof *result_r);
	result_r->items = sg_arena_array(run->arena, run->manifest->step_count, sizeof *result_r->items);
	m.lease = (struct sg_lease){ .state_schema = run->manifest->state_schema,
		                     .owner = run->runner,
		                     .seconds = run->manifest->lease_seconds };
	sg_session_init(&m.session, run, false);
	sg_watch_init(&m.watch, run, &m.lease);
	sg_plugins_init(&m.plugins, run->manifest, run->arena);
	status = migrate(&m, errs, &err);
	sg_plugins_release(&m.plugins);
	give_back(&m, err.class == SG_CLASS_NONE && result_r->exit != sg_class_exit(SG_CLASS_CONNECTION));
	sg_watch_release(&m.watch);
	sg_session_drop(&m.session);
	if (err.class != SG_CLASS_NONE)
		sg_err_move(sg_errs_add(errs), &err);
	for (size_t i = 0; i < errs->count; i++)
		result_r->exit = sg_exit_worse(result_r->exit, sg_class_exit(errs->list[i].class));
	sg_migrate_count(result_r);
	return status;
}
