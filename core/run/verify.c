/* verify.c - fingerprints of what is recorded, and adoption: recording what is
 * there already without running it. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/exec/record.h"
#include "core/run/ask.h"
#include "core/run/attempt.h"
#include "core/run/connect.h"
#include "core/run/run.h"
#include "core/state/lease.h"

struct verifying {
	struct sg_run *run;
	struct sg_verify_result *result;
	struct sg_session session;
	struct sg_plugins plugins;
	struct sg_ledger ledger;
	struct sg_lease lease;
};

static void start(struct verifying *v, struct sg_run *run, struct sg_verify_result *result_r)
{
	memset(v, 0, sizeof *v);
	memset(result_r, 0, sizeof *result_r);
	v->run = run;
	v->result = result_r;
	result_r->items = sg_arena_array(run->arena, run->manifest->step_count, sizeof *result_r->items);
	v->lease = (struct sg_lease){ .state_schema = run->manifest->state_schema,
		                      .owner = run->runner,
		                      .seconds = run->manifest->lease_seconds };
	sg_session_init(&v->session, run, false);
	sg_plugins_init(&v->plugins, run->manifest, run->arena);
}

static void end(struct verifying *v)
{
	struct sg_err why = SG_ERR_INIT;

	sg_plugins_release(&v->plugins);
	if (v->lease.fence != 0 && sg_session_open(&v->session, &why) == 0)
		sg_lease_release(&v->lease, v->session.db);
	sg_err_release(&why);
	sg_session_drop(&v->session);
	for (size_t i = 0; i < v->result->count; i++) {
		const struct sg_verify_item *item = &v->result->items[i];

		v->result->holds += item->verified == SG_VERIFIED_HOLDS;
		v->result->drift += item->verified == SG_VERIFIED_DRIFT;
		v->result->unknown += item->verified == SG_VERIFIED_UNKNOWN;
		v->result->adopted += item->adopted;
		if (item->verified == SG_VERIFIED_UNKNOWN)
			v->result->exit = sg_exit_worse(v->result->exit, sg_class_exit(item->err.class));
	}
}

/* One item with its fingerprint asked; -1 only for what ends the command. */
static int ask(struct verifying *v, const struct sg_step *step, struct sg_verify_item **item_r, struct sg_err *err)
{
	struct sg_verify_item *item = &v->result->items[v->result->count++];
	struct sg_err why = SG_ERR_INIT;
	bool holds = false;
	size_t slot;

	*item_r = item;
	item->step = step;
	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	slot = sg_plugins_add(&v->plugins, step);
	if (sg_ask_fingerprint(v->run, &v->session, &v->plugins, slot, &holds, &why) == 0) {
		item->verified = holds ? SG_VERIFIED_HOLDS : SG_VERIFIED_DRIFT;
		return 0;
	}
	item->verified = SG_VERIFIED_UNKNOWN;
	if (sg_class_exit(why.class) == 5 || sg_stop_count() > 0) {
		v->result->count--;
		sg_err_move(err, &why);
		return -1;
	}
	sg_err_defer(&item->err, v->run->arena);
	sg_err_move(&item->err, &why);
	return 0;
}

int sg_verify(struct sg_run *run, struct sg_verify_result *result_r, struct sg_err *err)
{
	struct verifying v;
	int status;

	start(&v, run, result_r);
	status = sg_ask_ledger(run, &v.session, false, &v.ledger, err);
	for (size_t i = 0; status == 0 && i < run->manifest->step_count; i++) {
		const struct sg_step *step = &run->manifest->steps[i];
		const struct sg_ledger_row *row;
		struct sg_verify_item *item;

		if (step->kind != SG_STEP_MIGRATION)
			continue;
		row = sg_ledger_find(&v.ledger, step->id);
		/* one that was undone by a later one is not drift: that one is asked instead */
		if (row == NULL || row->outcome == SG_RECORDED_SUPERSEDED ||
		    (step->superseded_by != NULL && sg_ledger_find(&v.ledger, step->superseded_by) != NULL))
			continue;
		status = ask(&v, step, &item, err);
		if (status == 0) {
			item->recorded = sg_recorded_name(row->outcome);
			if (item->verified == SG_VERIFIED_DRIFT)
				result_r->exit = sg_exit_worse(result_r->exit, sg_class_exit(SG_CLASS_VERIFY));
		}
	}
	end(&v);
	return status;
}

static int prepare(struct verifying *v, const char *id, int wait_seconds, struct sg_err *err)
{
	int64_t asked_ms;

	if (sg_manifest_step(v->run->manifest, SG_STEP_MIGRATION, id) == NULL)
		return sg_manifest_no_step_err(v->run->manifest, SG_STEP_MIGRATION, id, err);
	if (sg_ask_ledger(v->run, &v->session, false, &v->ledger, err) != 0)
		return -1;
	if (!v->ledger.installed && (sg_state_install(v->session.db, v->run->manifest->state_schema, err) != 0 ||
	                             sg_ask_ledger(v->run, &v->session, false, &v->ledger, err) != 0))
		return -1;
	if (sg_connect_lease(&v->session, &v->lease, wait_seconds, &asked_ms, err) != 0)
		return -1;
	/* Another may have recorded it while we waited. */
	return sg_ask_ledger(v->run, &v->session, false, &v->ledger, err);
}

/* The row alone, under the lease. */
static int adopt(struct verifying *v, const struct sg_step *step, const char *reason, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_begun begun;
	struct sg_record record = { .step = step, .outcome = SG_RECORDED_ADOPTED, .reason = reason, .title = step->title };
	int status = -1;

	for (size_t i = 0; i < v->plugins.count; i++) {
		if (v->plugins.slots[i].step == step) {
			if (record.title == NULL)
				record.title = v->plugins.slots[i].title;
			record.sha256 = v->plugins.slots[i].sha256[0] ? v->plugins.slots[i].sha256 : NULL;
		}
	}
	if (sg_attempt_begin(v->run, step, &v->lease, &v->session, &arena, &begun, err) == 0) {
		if (begun.recorded) {
			sg_session_rollback(&v->session);
			status = 0;
		} else if (sg_record_write(&v->session, &v->lease, &record, &arena, err) == 0) {
			status = sg_db_commit(v->session.db, err);
			if (status != 0 && err->uncertain)
				sg_err_hint(err, "It may be recorded or not: run the same command again; the ledger decides.");
		}
	}
	if (status != 0) {
		sg_session_rollback(&v->session);
		sg_err_step(err, step->id);
	}
	sg_arena_release(&arena);
	return status;
}

int sg_verify_adopt(struct sg_run *run, const char *id, int wait_seconds, struct sg_verify_result *result_r,
                    struct sg_err *err)
{
	struct verifying v;
	struct sg_verify_item *item;
	const struct sg_step *step = sg_manifest_step(run->manifest, SG_STEP_MIGRATION, id);
	int status;

	start(&v, run, result_r);
	status = prepare(&v, id, wait_seconds, err);
	if (status == 0 && sg_ledger_find(&v.ledger, id) != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "migration \"%s\" is recorded already, as %s", id,
		           sg_recorded_name(sg_ledger_find(&v.ledger, id)->outcome));
		sg_err_hint(err, "There is nothing to adopt; `sgrun verify` asks its fingerprint.");
		status = -1;
	}
	if (status == 0)
		status = ask(&v, step, &item, err);
	if (status == 0 && item->verified == SG_VERIFIED_DRIFT) {
		item->recorded = "not recorded";
		result_r->exit = sg_class_exit(SG_CLASS_VERIFY);
	} else if (status == 0 && item->verified == SG_VERIFIED_HOLDS) {
		status = adopt(&v, step, "adopted: the fingerprint holds", err);
		item->recorded = sg_recorded_name(SG_RECORDED_ADOPTED);
		item->adopted = status == 0;
	}
	end(&v);
	return status;
}

int sg_verify_adopt_to(struct sg_run *run, const char *id, const char *reason, int wait_seconds,
                       struct sg_verify_result *result_r, struct sg_err *err)
{
	struct verifying v;
	int status;

	start(&v, run, result_r);
	status = prepare(&v, id, wait_seconds, err);
	for (size_t i = 0; status == 0 && i < run->manifest->step_count; i++) {
		const struct sg_step *step = &run->manifest->steps[i];
		struct sg_verify_item *item;

		if (step->kind != SG_STEP_MIGRATION)
			continue;
		if (sg_ledger_find(&v.ledger, step->id) == NULL && step->superseded_by == NULL) {
			/* Asked and told, but the operator's word decides. */
			status = ask(&v, step, &item, err);
			if (status == 0)
				status = adopt(&v, step, reason, err);
			if (status == 0) {
				item->recorded = sg_recorded_name(SG_RECORDED_ADOPTED);
				item->adopted = true;
			}
		}
		if (strcmp(step->id, id) == 0)
			break;
	}
	end(&v);
	/* The operator's word decides; what does not hold, or could not be asked, is listed. */
	if (status == 0)
		result_r->exit = 0;
	return status;
}
