/* trial_migration.c - the points of a migration: its fingerprint before and after, a second attempt after a rollback, and what
 * happens where it is there already.
 *
 * Watched by the hook of core/exec/trace.h, by which an attempt is also made to fail: the retry is then the real one. */
#include "config.h"
#include "core/run/trial_parts.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/abi.h"

/* What an attempt did. */
struct seen {
	int before, after;     /* its fingerprint: -1 not asked */
	const char **texts;
	size_t count, capacity;
	bool outside;          /* in no transaction */
};

struct watcher {
	struct sg_trace trace;
	struct trial *trial;
	struct seen first, last; /* the first attempt, and the latest */
	int attempts;
	size_t fail_at;        /* the first attempt fails at this statement, from 1; 0: at none */
	size_t sent;           /* by the attempt that runs */
};

static void begun(void *context, const struct sg_step *step)
{
	struct watcher *watcher = context;

	(void)step;
	if (watcher->attempts == 1)
		watcher->first = watcher->last;
	watcher->attempts++;
	watcher->sent = 0;
	watcher->last = (struct seen){ .before = -1, .after = -1 };
}

static void asked(void *context, const struct sg_step *step, bool holds)
{
	struct watcher *watcher = context;

	(void)step;
	if (watcher->last.before < 0)
		watcher->last.before = holds;
	else
		watcher->last.after = holds;
}

static int fail(struct sg_err *err)
{
	return sg_err_set(err, SG_CLASS_TRANSIENT, "rolled back on purpose");
}

/* Outside any transaction there is nothing to roll back: it fails before anything was done. */
static int before(void *context, const struct sg_step *step, struct sg_db *db, bool outside, struct sg_err *err)
{
	struct watcher *watcher = context;

	(void)step;
	(void)db;
	watcher->sent++;
	watcher->last.outside = outside;
	return outside && watcher->attempts == 1 && watcher->sent == watcher->fail_at ? fail(err) : 0;
}

static int after(void *context, const struct sg_step *step, struct sg_db *db, const char *kind, const char *sql, bool existed,
                 struct sg_err *err)
{
	struct watcher *watcher = context;
	struct seen *seen = &watcher->last;

	(void)step;
	(void)db;
	(void)kind;
	(void)existed;
	seen->texts = sg_arena_grow(watcher->trial->arena, seen->texts, &seen->capacity, seen->count + 1, sizeof *seen->texts);
	seen->texts[seen->count++] = sg_arena_strdup(watcher->trial->arena, sql);
	return !seen->outside && watcher->attempts == 1 && watcher->sent == watcher->fail_at ? fail(err) : 0;
}

/* ---- one run -------------------------------------------------------------------------- */

static void drop_line(const char *line, size_t length)
{
	(void)line;
	(void)length;
}

/* What it came to; texts and errors are the trial's. */
struct ran {
	enum sg_outcome outcome;
	struct sg_err *err;    /* where it failed */
	struct watcher watcher;
};

static int run_once(struct trial *trial, const struct trial_subject *subject, const char *name, size_t fail_at, struct ran *ran_r,
               struct sg_err *err)
{
	const struct sg_migrate_options options = { .to = NULL };
	static const struct sg_observer nobody;
	const struct sg_manifest *manifest = trial_manifest(trial, NULL, subject->step, name);
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_migrate_result result;
	struct sg_run run;

	*ran_r = (struct ran){ .watcher = { .trial = trial, .fail_at = fail_at,
		                            .trace = { .begun = begun, .asked = asked, .before = before, .after = after } } };
	ran_r->watcher.trace.context = &ran_r->watcher;
	ran_r->err = sg_arena_alloc(trial->arena, sizeof *ran_r->err);
	sg_err_defer(ran_r->err, trial->arena);
	if (sg_run_open(&run, manifest, &nobody, trial->arena, err) != 0)
		return -1;
	run.trace = &ran_r->watcher.trace;
	/* a failure on purpose is nobody's business */
	if (fail_at > 0)
		sg_log_divert(drop_line);
	if (sg_migrate(&run, &options, &result, &errs) != 0 && errs.count == 0)
		SG_BUG("a run failed without saying why");
	sg_log_divert(NULL);
	sg_run_close(&run);
	ran_r->outcome = SG_OUTCOME_FAILED;
	if (result.count == 1) {
		ran_r->outcome = result.items[0].outcome;
		sg_err_copy(ran_r->err, &result.items[0].err);
	}
	if (errs.count > 0) {
		ran_r->outcome = SG_OUTCOME_FAILED;
		sg_err_move(ran_r->err, &errs.list[0]);
	}
	sg_errs_release(&errs);
	return sg_stop_count() > 0 ? sg_stop_err(err) : 0;
}

static bool is_same(const struct seen *a, const struct seen *b, size_t *where_r)
{
	size_t i = 0;

	while (i < a->count && i < b->count && strcmp(a->texts[i], b->texts[i]) == 0)
		i++;
	*where_r = i;
	return i == a->count && i == b->count;
}

static const char *text_at(const struct seen *seen, size_t i)
{
	return i < seen->count ? seen->texts[i] : "(none)";
}

/* ---- the points ------------------------------------------------------------------------ */

/* false: nothing more can be told. */
static bool judge_first(struct trial *trial, const struct trial_subject *subject, struct ran *ran)
{
	const char *id = subject->step->id;
	const struct seen *seen = &ran->watcher.last;
	struct sg_trial_point *point = trial_point(trial, id, "its fingerprint does not hold before it has run");

	if (seen->before < 0) {
		trial_fail(trial, point, ran->err);
		return false;
	}
	if (seen->before == 1) {
		trial_failf(trial, point,
		            "A deploy would record it without running it (RECONCILE). Ask for what run() makes; or begin with a schema that "
		            "lacks it (--schema-from).",
		            "its fingerprint holds before it has run");
		return false;
	}
	point = trial_point(trial, id, "it runs");
	if (ran->outcome != SG_OUTCOME_APPLIED && (seen->after < 0 || ran->err->class != SG_CLASS_VERIFY)) {
		trial_fail(trial, point, ran->err);
		return false;
	}
	if (seen->count == 0)
		trial_note(trial, point, "it sent no statement");
	point = trial_point(trial, id, "its fingerprint holds afterwards");
	if (ran->outcome != SG_OUTCOME_APPLIED) {
		trial_fail(trial, point, ran->err);
		return false;
	}
	return true;
}

/* What a new attempt does, once the first was rolled back: a new process on a new connection. */
static int try_again(struct trial *trial, const struct trial_subject *subject, const char *base, const struct seen *first,
                     struct sg_err *err)
{
	const char *id = subject->step->id, *name;
	struct sg_trial_point *point;
	struct ran ran;
	size_t where;

	if (trial_copy(trial, base, true, &name, err) != 0 || run_once(trial, subject, name, first->count, &ran, err) != 0 ||
	    trial_drop(trial, name, err) != 0)
		return -1;
	point = trial_point(trial, id, first->outside ? "after a failure it runs again" : "rolled back, it runs again");
	if (first->count == 0) {
		trial_skip(trial, point, "it sends no statement");
	} else if (ran.outcome != SG_OUTCOME_APPLIED) {
		trial_fail(trial, point, ran.err);
	} else if (ran.watcher.attempts < 2) {
		trial_failf(trial, point, "It must send the same statements each time: it depends on nothing but the database.",
		            "on an equal database it sent %zu statement%s, the first time %zu", ran.watcher.last.count,
		            ran.watcher.last.count == 1 ? "" : "s", first->count);
	}
	point = trial_point(trial, id, "it sends the same statements each time");
	if (ran.outcome != SG_OUTCOME_APPLIED) {
		trial_skip(trial, point, "it did not run again");
	} else if (!is_same(first, &ran.watcher.last, &where)) {
		trial_failf(trial, point,
		            "What was rolled back must not be seen by the next attempt: no clock, no random numbers, no sequence, nothing but "
		            "the database.",
		            "on an equal database its statement %zu is another", where + 1);
		trial_note(trial, point, "the first time: %s", text_at(first, where));
		trial_note(trial, point, "then: %s", text_at(&ran.watcher.last, where));
	}
	return 0;
}

/* Which an executor lets pass. */
static bool is_there(const struct sg_err *err)
{
	static const char *const states[] = { "42701", "42710", "42723", "42P06", "42P07" };

	for (size_t i = 0; i < SG_COUNT(states); i++)
		if (strcmp(err->sqlstate, states[i]) == 0)
			return true;
	return false;
}

/* Its statements once more by force, as one would who does not ask the fingerprint: of interest to its author, nothing that it must
 * be able to do. */
static int force(struct trial *trial, const struct seen *seen, const char *name, struct sg_trial_point *point, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status = -1;

	if (trial_connect(trial, name, &db, err) == 0 &&
	    sg_db_script(db, sg_arena_printf(trial->arena, "BEGIN; SET LOCAL search_path = %s, pg_temp",
	                                     sg_db_identifier(trial->arena, trial->whole.schema)), err) == 0)
		status = 0;
	for (size_t i = 0; status == 0 && i < seen->count; i++) {
		struct sg_err why = SG_ERR_INIT;

		status = sg_db_script(db, "SAVEPOINT sgrun", err);
		if (status == 0 && sg_db_query(db, seen->texts[i], 0, NULL, trial->arena, NULL, &why) != 0) {
			if (!is_there(&why))
				trial_note(trial, point, "by force, without asking its fingerprint: statement %zu of %zu fails, %s%s%s", i + 1,
				           seen->count, why.primary, why.sqlstate[0] ? ", SQLSTATE " : "", why.sqlstate);
			if (sg_db_lost(db))
				break;
			status = sg_db_script(db, "ROLLBACK TO sgrun", err);
		}
		sg_err_release(&why);
	}
	sg_db_close(db);
	return sg_stop_count() > 0 ? sg_stop_err(err) : status;
}

/* The ledger is lost, or somebody has done it by hand. */
static int try_there(struct trial *trial, const struct trial_subject *subject, const char *name, const struct seen *first,
                     struct sg_err *err)
{
	struct sg_trial_point *point;
	struct ran ran;

	if (trial_forget(trial, name, err) != 0 || run_once(trial, subject, name, 0, &ran, err) != 0)
		return -1;
	point = trial_point(trial, subject->step->id, "where it is there already, it is recorded and not run (RECONCILE)");
	if (ran.outcome == SG_OUTCOME_FAILED)
		trial_fail(trial, point, ran.err);
	else if (ran.outcome != SG_OUTCOME_RECONCILED)
		trial_failf(trial, point, "Ask the fingerprint for what run() leaves, by nothing that changes by itself.",
		            "it was run once more: its fingerprint did not hold in a new session");
	return first->outside ? 0 : force(trial, first, name, point, err);
}

/* Made-up rows, where they were asked for: in a copy, since others rest on the base. */
static int fill(struct trial *trial, const char **base, struct sg_err *err)
{
	if (trial->options->rows <= 0)
		return 0;
	return trial_copy(trial, *base, true, base, err) != 0 ||
	                       sg_throw_away_fill(&trial->server, trial_dsn(trial, *base), trial->options->rows, err) != 0
	               ? -1
	               : 0;
}

int trial_migration(struct trial *trial, const struct trial_subject *subject, const char *base, struct sg_err *err)
{
	const char *name;
	struct ran ran;

	if (fill(trial, &base, err) != 0 || trial_copy(trial, base, true, &name, err) != 0 ||
	    run_once(trial, subject, name, 0, &ran, err) != 0)
		return -1;
	if (judge_first(trial, subject, &ran)) {
		if (try_again(trial, subject, base, &ran.watcher.last, err) != 0 ||
		    try_there(trial, subject, name, &ran.watcher.last, err) != 0)
			return -1;
	}
	return trial_drop(trial, name, err);
}
