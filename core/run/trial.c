/* trial.c - the course of a trial: the plugins are asked who they are, a server is prepared, and each is tried. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/stop.h"
#include "core/plugin/abi.h"
#include "core/plugin/nursery.h"
#include "core/plugin/process.h"
#include "core/run/plugins.h"
#include "core/run/rehearse_parts.h"
#include "core/run/trial_parts.h"

#define ACCEPTED "the plugin is accepted"
#define PEEK_MS 10000

/* ---- points --------------------------------------------------------------------------- */

struct sg_trial_point *trial_point(struct trial *trial, const char *step, const char *what)
{
	struct sg_trial *result = trial->result;
	struct sg_trial_point *point;

	result->points = sg_arena_grow(trial->arena, result->points, &result->capacity, result->count + 1, sizeof *result->points);
	point = &result->points[result->count++];
	*point = (struct sg_trial_point){ .step = step, .what = what };
	return point;
}

void trial_note(struct trial *trial, struct sg_trial_point *point, const char *format, ...)
{
	va_list args;

	point->notes = sg_arena_grow(trial->arena, point->notes, &point->note_capacity, point->note_count + 1, sizeof *point->notes);
	va_start(args, format);
	point->notes[point->note_count++] = sg_arena_vprintf(trial->arena, format, args);
	va_end(args);
}

static void forget_place(struct sg_err *err)
{
	free(err->file);
	err->file = NULL;
	err->line = 0;
}

void trial_fail(struct trial *trial, struct sg_trial_point *point, struct sg_err *err)
{
	if (point->end != SG_TRIAL_NOT_OK) {
		if (trial->options->manifest == NULL)
			forget_place(err); /* the manifest is one of ours */
		point->err = sg_arena_alloc(trial->arena, sizeof *point->err);
		sg_err_defer(point->err, trial->arena);
		sg_err_move(point->err, err);
		trial->result->failed++;
	}
	sg_err_release(err);
	sg_err_init(err);
	point->end = SG_TRIAL_NOT_OK;
}

void trial_failf(struct trial *trial, struct sg_trial_point *point, const char *hint, const char *format, ...)
{
	struct sg_err err = SG_ERR_INIT;
	va_list args;

	va_start(args, format);
	sg_err_set(&err, SG_CLASS_FAILED, "%s", sg_arena_vprintf(trial->arena, format, args));
	va_end(args);
	if (hint != NULL)
		sg_err_hint(&err, "%s", hint);
	trial_fail(trial, point, &err);
}

void trial_skip(struct trial *trial, struct sg_trial_point *point, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	point->why = sg_arena_vprintf(trial->arena, format, args);
	va_end(args);
	point->end = SG_TRIAL_SKIPPED;
	trial->result->skipped++;
}

/* ---- who they are --------------------------------------------------------------------- */

static bool stopping(void *context)
{
	(void)context;
	return sg_stop_count() > 0;
}

struct identity {
	const char *id;
	uint32_t kind, flags;
};

/* Loads it as a run would, and asks. */
static int peek(struct trial *trial, const char *path, struct identity *identity_r, struct sg_err *err)
{
	const struct sg_manifest *manifest = trial->options->manifest;
	struct sg_expected expected = { .step = path, .anything = true, .limit_ms = PEEK_MS,
		                        .sandbox = manifest != NULL ? (enum sg_sandbox)manifest->sandbox : SG_SANDBOX_REQUIRED };
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_process *process = NULL;
	struct sg_image image;
	struct sg_hello hello;
	int status = -1;

	/* which library a section allows is not known yet: that is judged with the section */
	if (manifest != NULL) {
		const char **all = NULL;
		size_t count = 0, room = 0;

		for (size_t i = 0; i < manifest->step_count; i++)
			for (size_t k = 0; k < manifest->steps[i].libraries.count; k++) {
				all = sg_arena_grow(&arena, all, &room, count + 1, sizeof *all);
				all[count++] = manifest->steps[i].libraries.items[k];
			}
		expected.libraries = all;
		expected.library_count = count;
	}
	if (sg_image_open(path, ".", NULL, 0, NULL, &arena, &image, err) == 0 &&
	    sg_process_start(&process, &image, &expected, err) == 0) {
		sg_process_on_wait(process, stopping, NULL);
		status = sg_process_hello(process, &hello, err);
		if (status == 0)
			*identity_r = (struct identity){ sg_arena_strdup(trial->arena, hello.id), hello.kind, hello.flags };
	}
	sg_process_kill(process);
	sg_arena_release(&arena);
	return status;
}

static void take_refusal(struct trial *trial, const char *path, struct sg_err *err)
{
	sg_err_step(err, path);
	trial_fail(trial, trial_point(trial, path, ACCEPTED), err);
}

/* Of a name without a slash sg_image_open would look in plugin_path. */
static const char *resolve(struct trial *trial, const char *path, struct sg_err *err)
{
	char *real = realpath(path, NULL);
	const char *kept = real != NULL ? sg_arena_strdup(trial->arena, real) : NULL;

	free(real);
	if (kept == NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "there is no file %s", path);
		sg_err_hint(err, "Name the plugin's file: sgrun test PLUGIN.so");
	}
	return kept;
}

static void add_sections(struct sg_buf *text, const struct identity *identities, size_t count)
{
	sg_buf_adds(text, "[database]\ndsn = dbname=postgres\n");
	for (size_t i = 0; i < count; i++)
		if (identities[i].id != NULL)
			sg_buf_addf(text, "[%s p%zu]\nid = %s\nplugin = ./p%zu\n",
			            identities[i].kind == SG_KIND_MIGRATION ? "migration" : "backfill", i + 1, identities[i].id, i + 1);
}

/* A manifest of the plugins alone, by the reader that reads all manifests. */
static int make_manifest(struct trial *trial, const struct identity *identities, struct sg_manifest *manifest_r)
{
	struct sg_buf text = SG_BUF_INIT;
	size_t before = trial->errs->count;
	int status;

	add_sections(&text, identities, trial->options->plugin_count);
	status = sg_manifest_parse("sgrun-test.ini", text.data, text.length, NULL, 0, true, trial->arena, manifest_r, trial->errs);
	sg_buf_release(&text);
	/* a file that nobody has */
	for (size_t i = before; i < trial->errs->count; i++)
		forget_place(&trial->errs->list[i]);
	return status;
}

static int find_step(struct trial *trial, const struct identity *identity, struct trial_subject *subject)
{
	enum sg_step_kind kind = identity->kind == SG_KIND_MIGRATION ? SG_STEP_MIGRATION : SG_STEP_BACKFILL;
	const struct sg_step *step = sg_manifest_step(&trial->whole, kind, identity->id);

	if (step == NULL) {
		struct sg_err *err = sg_errs_add(trial->errs);

		(void)sg_manifest_no_step_err(&trial->whole, kind, identity->id, err);
		return sg_err_wrap(err, "%s", subject->path);
	}
	subject->step = &trial->whole.steps[step - trial->whole.steps];
	subject->step->plugin = subject->path;
	return 0;
}

/* An attempt that was rolled back on purpose is tried again, at once. */
static void hasten(struct sg_policy_settings *policy)
{
	policy->retry_base_ms = policy->retry_cap_ms = 1;
	if (policy->max_retries < 3)
		policy->max_retries = 3;
	if (policy->retry_seconds < 5)
		policy->retry_seconds = 5;
}

static int learn(struct trial *trial, struct trial_subject *subjects)
{
	const struct sg_trial_options *options = trial->options;
	struct identity *identities = sg_arena_array(trial->arena, options->plugin_count, sizeof *identities);
	struct sg_rehearse_manifest relieved;
	struct sg_manifest made;
	int status = 0;

	for (size_t i = 0; i < options->plugin_count; i++) {
		struct sg_err err = SG_ERR_INIT;

		subjects[i].path = resolve(trial, options->plugins[i], &err);
		if (subjects[i].path == NULL) {
			sg_err_move(sg_errs_add(trial->errs), &err);
			status = -1;
		} else if (peek(trial, subjects[i].path, &identities[i], &err) != 0) {
			if (sg_stop_count() > 0) {
				sg_err_move(sg_errs_add(trial->errs), &err);
				return -1;
			}
			take_refusal(trial, options->plugins[i], &err);
		}
	}
	if (status != 0 || (options->manifest == NULL && make_manifest(trial, identities, &made) != 0))
		return -1;
	sg_rehearse_manifest_make(options->manifest != NULL ? options->manifest : &made, false, trial->arena, &relieved);
	trial->whole = relieved.manifest;
	hasten(&trial->whole.policy);
	for (size_t i = 0; i < trial->whole.step_count; i++)
		hasten(&trial->whole.steps[i].policy);
	for (size_t i = 0; i < options->plugin_count; i++) {
		subjects[i].kind = identities[i].kind;
		subjects[i].flags = identities[i].flags;
		if (identities[i].id != NULL && find_step(trial, &identities[i], &subjects[i]) != 0)
			status = -1;
	}
	return status;
}

/* ---- the trial ------------------------------------------------------------------------ */

/* As its section says: hash, libraries, id and kind. */
static int accept(struct trial *trial, const struct trial_subject *subject, bool *accepted_r, struct sg_err *err)
{
	struct sg_trial_point *point = trial_point(trial, subject->step->id, ACCEPTED);
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_plugins plugins;

	sg_plugins_init(&plugins, &trial->whole, trial->arena);
	(void)sg_plugins_add(&plugins, subject->step);
	*accepted_r = sg_plugins_check(&plugins, 0, &errs) == 0;
	sg_plugins_release(&plugins);
	if (!*accepted_r && sg_stop_count() == 0)
		trial_fail(trial, point, &errs.list[0]);
	sg_errs_release(&errs);
	return sg_stop_count() > 0 ? sg_stop_err(err) : 0;
}

static int try_one(struct trial *trial, const struct trial_subject *subject, struct sg_err *err)
{
	struct sg_err *failed = NULL;
	const char *base;
	bool accepted;

	if (accept(trial, subject, &accepted, err) != 0)
		return -1;
	if (!accepted)
		return 0;
	if (trial_rest(trial, subject, &base, &failed, err) != 0)
		return -1;
	if (failed != NULL) {
		trial_fail(trial, trial_point(trial, subject->step->id, "the steps before it run"), failed);
		return 0;
	}
	return subject->kind == SG_KIND_MIGRATION ? trial_migration(trial, subject, base, err)
	                                          : trial_backfill(trial, subject, base, err);
}

static int try_all(struct trial *trial, struct sg_err *err)
{
	struct trial_subject *subjects = sg_arena_array(trial->arena, trial->options->plugin_count, sizeof *subjects);
	size_t good = 0;

	if (learn(trial, subjects) != 0)
		return -1;
	for (size_t i = 0; i < trial->options->plugin_count; i++)
		good += subjects[i].step != NULL;
	if (good == 0)
		return 0;
	trial->server = (struct sg_throw_away){
		.manifest = trial->options->manifest != NULL ? trial->options->manifest : &trial->whole,
		.schema_from = trial->options->schema_from, .arena = trial->arena, .rehearsal = &trial->rehearsal
	};
	if (sg_throw_away_start(&trial->server, err) != 0)
		return -1;
	for (size_t i = 0; i < trial->options->plugin_count; i++)
		if (subjects[i].step != NULL && try_one(trial, &subjects[i], err) != 0)
			return -1;
	return 0;
}

int sg_trial(const struct sg_trial_options *options, struct sg_arena *arena, struct sg_trial *trial_r, struct sg_errs *errs)
{
	struct trial trial = { .options = options, .arena = arena, .result = trial_r, .errs = errs };
	struct sg_err err = SG_ERR_INIT;
	int status;

	memset(trial_r, 0, sizeof *trial_r);
	status = try_all(&trial, &err);
	sg_throw_away_end(&trial.server);
	sg_nursery_stop();
	if (err.class != SG_CLASS_NONE)
		sg_err_move(sg_errs_add(errs), &err);
	trial_r->server_version = trial.rehearsal.server_version;
	trial_r->schema_from = trial.rehearsal.schema_from;
	trial_r->left_out = trial.rehearsal.left_out;
	trial_r->left_out_count = trial.rehearsal.left_out_count;
	return status;
}
