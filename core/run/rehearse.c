/* rehearse.c - the course of a rehearsal: a private server, its schema, its rows, a deploy that is watched, the fingerprints
 * once more, and the server's end, whatever happened.
 *
 * The deploy is the real one (deploy.c), with a manifest whose database is the private server (rehearse_manifest.c): the rehearsal has no
 * course of steps of its own that could differ. The real server is spoken to by pg_dump alone, and only if --schema-from names it. */
#include "config.h"
#include "core/run/rehearse.h"

#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/db/embedded.h"
#include "core/rehearse/load.h"
#include "core/rehearse/rows.h"
#include "core/rehearse/schema_from.h"
#include "core/run/rehearse_parts.h"

#define CONNECT_MS 20000

struct rehearsing {
	const struct sg_manifest *manifest;
	const struct sg_rehearse_options *options;
	struct sg_arena *arena;
	struct sg_rehearsal *rehearsal;
	struct sg_embedded *embedded;
	const char *folder;           /* for files of ours; goes with the server */
	const char *dsn;
	struct sg_rehearse_manifest copy;
	struct sg_tracer tracer;
	struct sg_rehearse_watcher watcher;
	struct sg_run run;
	struct sg_err fill_err;       /* of filling rows while the deploy goes on */
};

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	(void)elapsed_ms;
	return sg_stop_count() > 0 ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

static int connect(const struct rehearsing *r, struct sg_db **db_r, struct sg_err *err)
{
	struct sg_dsn dsn;

	if (sg_dsn_parse(r->dsn, r->arena, &dsn, err) != 0 ||
	    sg_db_open(db_r, &dsn, "sgrun:rehearse", sg_clock_ms() + CONNECT_MS, err) != 0)
		return -1;
	sg_db_on_wait(*db_r, on_wait, NULL);
	return 0;
}

/* ---- the server, and what is in it --------------------------------------------------- */

static int start_server(struct rehearsing *r, struct sg_err *err)
{
	const struct sg_embedded_spec spec = {
		.init = r->options->schema_from == NULL ? r->manifest->embedded_init : NULL, .bindir = r->manifest->embedded_bindir
	};

	return sg_embedded_open_once(&spec, r->arena, &r->embedded, &r->dsn, &r->folder, err);
}

/* The role that steps run as may do anything here: what the real one may do is not known. */
static int make_role(struct rehearsing *r, struct sg_db *db, struct sg_err *err)
{
	const char *role = r->manifest->role;
	struct sg_result *found;

	if (role == NULL)
		return 0;
	if (sg_db_query(db, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", 1, &role, r->arena, &found, err) != 0)
		return -1;
	return sg_db_script(db, sg_arena_printf(r->arena, "%s ROLE %s SUPERUSER", sg_result_rows(found) > 0 ? "ALTER" : "CREATE",
	                                        sg_db_identifier(r->arena, role)), err);
}

static int load_dump(struct rehearsing *r, struct sg_db *db, struct sg_err *err)
{
	const char *file = sg_arena_printf(r->arena, "%s/schema.sql", r->folder);
	const char *name = sg_arena_printf(r->arena, "dump of %s", sg_schema_from_name(r->options->schema_from, r->arena));

	/* The ledger's table first: the dump brings its rows, that what is recorded there is skipped here. */
	if (sg_schema_from_dump(r->options->schema_from, r->manifest->embedded_bindir, r->manifest->state_schema, true, file, r->arena,
	                        err) != 0 ||
	    sg_state_install(db, r->manifest->state_schema, err) != 0)
		return -1;
	return sg_schema_load(db, file, name, r->arena, r->rehearsal, err);
}

static int load_schema(struct rehearsing *r, struct sg_db *db, struct sg_err *err)
{
	const char *from = r->options->schema_from;

	if (from != NULL && sg_schema_from_is_dsn(from)) {
		r->rehearsal->schema_from = sg_schema_from_name(from, r->arena);
		return load_dump(r, db, err);
	}
	if (from != NULL) {
		r->rehearsal->schema_from = from;
		return sg_schema_load(db, from, from, r->arena, r->rehearsal, err);
	}
	if (r->manifest->embedded_init != NULL) {
		r->rehearsal->schema_from = r->manifest->embedded_init; /* the server has it from its making */
		return 0;
	}
	r->rehearsal->schema_from = "empty database";
	/* Nobody else would: migrations expect it. */
	return sg_db_script(db, sg_arena_printf(r->arena, "CREATE SCHEMA IF NOT EXISTS %s",
	                                        sg_db_identifier(r->arena, r->manifest->schema)), err);
}

static int fill(struct rehearsing *r, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status;

	if (r->options->rows <= 0 || r->options->statements_only)
		return 0;
	status = connect(r, &db, err);
	if (status == 0)
		status = sg_rows_fill(db, r->manifest->state_schema, r->options->rows, r->arena, r->rehearsal, err);
	/* for estimates, as autovacuum would have made them */
	if (status == 0)
		status = sg_db_script(db, "ANALYZE", err);
	sg_db_close(db);
	return status;
}

/* After a migration: the tables that it made. */
static void fill_new(void *context)
{
	struct rehearsing *r = context;

	if (r->fill_err.class == SG_CLASS_NONE && sg_stop_count() == 0 && fill(r, &r->fill_err) != 0)
		sg_log(SG_LOG_WARNING, "rows", NULL, 0, "new tables were not filled: %s", r->fill_err.primary);
}

static int prepare(struct rehearsing *r, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status = connect(r, &db, err);

	if (status == 0) {
		r->rehearsal->server_version = sg_db_server_version(db) / 10000;
		status = make_role(r, db, err) != 0 || load_schema(r, db, err) != 0 ? -1 : 0;
	}
	sg_db_close(db);
	return status != 0 ? -1 : fill(r, err);
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

	if (connect(r, &db, &err) == 0 && sg_ledger_read(db, r->manifest->state_schema, true, r->arena, &ledger, &err) == 0)
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
	status = start_server(r, &err) != 0 || prepare(r, &err) != 0 ? -1 : 0;
	if (status == 0) {
		r->copy.manifest.dsn = r->dsn;
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
	struct rehearsing r = { .manifest = manifest, .options = options, .arena = arena, .rehearsal = rehearsal_r };
	int64_t started = sg_clock_us();
	int status;

	memset(rehearsal_r, 0, sizeof *rehearsal_r);
	rehearsal_r->rows = options->statements_only ? 0 : options->rows;
	status = rehearse(&r, observer, errs);
	sg_embedded_close(r.embedded);
	sg_tracer_release(&r.tracer);
	sg_err_release(&r.fill_err);
	rehearsal_r->us = sg_clock_us() - started;
	return status;
}
