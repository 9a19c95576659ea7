/* rehearse.c - the course of a rehearsal: a private server, its schema, its rows, a deploy that is watched, the fingerprints
 * once more, and the server's end, whatever happened.
 *
 * The deploy is the real one (deploy.c), with a manifest whose database is the private server (rehearse_manifest.c): the rehearsal has no
 * course of steps of its own that could differ. The real server is spoken to by pg_dump alone, and only if --schema-from names it. */
#include "config.h"
#include "core/run/rehearse.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/run/rehearse_parts.h"
#include "core/run/throw_away.h"

struct rehearsing {
	const struct sg_manifest *manifest;
	const struct sg_rehearse_options *options;
	struct sg_arena *arena;
	struct sg_rehearsal *rehearsal;
	struct sg_throw_away server;
	struct sg_rehearse_manifest copy;
	struct sg_tracer tracer;
	struct sg_rehearse_watcher watcher;
	struct sg_run run;
	struct sg_err fill_err;       /* of filling rows while the deploy goes on */
};

static int fill(struct rehearsing *r, struct sg_err *err)
{
	if (r->options->rows <= 0 || r->options->statements_only)
		return 0;
	return sg_throw_away_fill(&r->server, r->server.dsn, r->options->rows, err);
}

/* After a migration: the tables that it made. */
static void fill_new(void *context)
{
	struct rehearsing *r = context;

	if (r->fill_err.class == SG_CLASS_NONE && sg_stop_count() == 0 && fill(r, &r->fill_err) != 0)
		sg_log(SG_LOG_WARNING, "rows", NULL, 0, "new tables were not filled: %s", r->fill_err.primary);
}

/* ---- the deploy, and afterwards -------------------------------------------------------- */

static int deploy(struct rehearsing *r, struct sg_errs *errs)
{
	const struct sg_deploy_options options = { .migrations = true, .indexes = true, .backfills = true };
	struct sg_deploy_result result;
	size_t before = errs->count;

	if (sg_deploy(&r->run, &options, &result, errs) != 0)
		return -1;
	sg_rehearse_conclude(&r->watcher, &result);
	if (sg_stop_count() > 0 && errs->count == before)
		return sg_stop_err(sg_errs_add(errs));
	return sg_stop_count() > 0 ? -1 : 0;
}

/* Once more, after all: by a new session, when every transaction is over. What does not hold any more was undone by a later step. */
static void prove(struct rehearsing *r)
{
	struct sg_verify_result result;
	struct sg_err err = SG_ERR_INIT;

	if (sg_verify(&r->run, &result, &err) != 0) {
		sg_log_err(SG_LOG_WARNING, "verify", 0, &err);
		sg_err_release(&err);
		return;
	}
	for (size_t i = 0; i < result.count; i++) {
		const struct sg_verify_item *item = &result.items[i];
		struct sg_rehearsal_step *at = sg_tracer_step(&r->tracer, item->step);
		const char *what;

		if (item->verified == SG_VERIFIED_HOLDS)
			continue;
		what = item->verified == SG_VERIFIED_DRIFT
		               ? "at the end its fingerprint does not hold any more: a later step has undone it"
		               : sg_arena_printf(r->arena, "at the end its fingerprint could not be asked: %s", item->err.primary);
		at->note = at->note == NULL ? what : sg_arena_printf(r->arena, "%s; %s", at->note, what);
	}
}

/* A plugin's own title is in the ledger. */
static void take_titles(struct rehearsing *r)
{
	struct sg_ledger ledger;
	struct sg_err err = SG_ERR_INIT;
	struct sg_db *db = NULL;

	if (sg_throw_away_connect(&r->server, r->server.dsn, &db, &err) == 0 && sg_ledger_read(db, r->manifest->state_schema, true, r->arena, &ledger, &err) == 0)
		for (size_t i = 0; i < r->rehearsal->step_count; i++) {
			struct sg_rehearsal_step *at = &r->rehearsal->steps[i];
			const struct sg_ledger_row *row = at->step->kind == SG_STEP_MIGRATION && at->title == NULL
			                                          ? sg_ledger_find(&ledger, at->step->id)
			                                          : NULL;

			if (row != NULL)
				at->title = row->title;
		}
	sg_err_release(&err);
	sg_db_close(db);
}

static int rehearse(struct rehearsing *r, const struct sg_observer *observer, struct sg_errs *errs)
{
	struct sg_err err = SG_ERR_INIT;
	int status;

	sg_rehearse_manifest_make(r->manifest, r->options->statements_only, r->arena, &r->copy);
	r->rehearsal->steps = sg_arena_array(r->arena, r->copy.manifest.step_count, sizeof *r->rehearsal->steps);
	r->rehearsal->step_capacity = r->copy.manifest.step_count;
	sg_tracer_init(&r->tracer, r->arena, r->rehearsal);
	r->tracer.copies = r->copy.manifest.steps;
	r->tracer.originals = r->copy.originals;
	r->tracer.schema = r->manifest->schema;
	r->tracer.state_schema = r->manifest->state_schema;
	r->tracer.measure = !r->options->statements_only;
	sg_rehearse_watch(&r->watcher, &r->copy, &r->tracer, observer, r->arena);
	if (r->options->rows > 0 && !r->options->statements_only) {
		r->watcher.migrated = fill_new;
		r->watcher.migrated_context = r;
	}
	status = sg_throw_away_start(&r->server, &err) != 0 || fill(r, &err) != 0 ? -1 : 0;
	if (status == 0) {
		r->copy.manifest.dsn = r->server.dsn;
		status = sg_run_open(&r->run, &r->copy.manifest, &r->watcher.observer, r->arena, &err);
	}
	if (status == 0) {
		r->tracer.dsn = &r->run.direct;
		r->run.trace = &r->tracer.trace;
		status = deploy(r, errs);
		if (status == 0) {
			take_titles(r);
			if (!r->options->statements_only)
				prove(r);
		}
		sg_run_close(&r->run);
	}
	if (err.class != SG_CLASS_NONE)
		sg_err_move(sg_errs_add(errs), &err);
	return status;
}

int sg_rehearse(const struct sg_manifest *manifest, const struct sg_observer *observer,
                const struct sg_rehearse_options *options, struct sg_arena *arena, struct sg_rehearsal *rehearsal_r,
                struct sg_errs *errs)
{
	struct rehearsing r = {
		.manifest = manifest, .options = options, .arena = arena, .rehearsal = rehearsal_r,
		.server = { .manifest = manifest, .schema_from = options->schema_from, .arena = arena, .rehearsal = rehearsal_r }
	};
	int64_t started = sg_clock_us();
	int status;

	memset(rehearsal_r, 0, sizeof *rehearsal_r);
	rehearsal_r->rows = options->statements_only ? 0 : options->rows;
	status = rehearse(&r, observer, errs);
	sg_throw_away_end(&r.server);
	sg_tracer_release(&r.tracer);
	sg_err_release(&r.fill_err);
	rehearsal_r->us = sg_clock_us() - started;
	return status;
}
