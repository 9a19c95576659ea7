/* trial_backfill.c - the points of a backfill: however it is cut into batches, killed, begun again or kept from rows, the tables are the
 * same in the end. */
#include "config.h"
#include "core/run/trial_parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/abi.h"
#include "core/plugin/nursery.h"

#define ROWS 1000        /* where nothing else was asked for */
#define WHOLE 50000      /* a batch that is all there is, mostly */
#define SMALL 7          /* no divisor of anything */
#define SMALL_MOST 100   /* small batches in one run, about: of many rows they are larger */
#define TURN_SECONDS 120 /* of one run */
#define LOCK_MS 50
#define KILL_MS 20000

/* How it is to be run. */
struct how {
	int batch_size;
	bool slowly;           /* pauses between batches, so that it can be killed there */
	bool quiet;            /* what it says is to be expected */
	bool again;            /* --again first */
};

/* What it came to; texts and errors are the trial's. */
struct filled {
	enum sg_backfill_end end;
	struct sg_err *err;
	const char *note;
	int64_t rows;          /* that it went over */
	int first, last;       /* its fingerprint, as it was asked: -1 never */
};

struct filling {
	struct trial *trial;
	const struct trial_subject *subject;
	const char *base, *done;          /* before it has run, and after it has run by large batches */
	struct trial_tables tables;
	const char *const *contents;      /* of done */
	int small;
};

static void drop_line(const char *line, size_t length)
{
	(void)line;
	(void)length;
}

static void asked(void *context, const struct sg_step *step, bool holds)
{
	struct filled *filled = context;

	(void)step;
	if (filled->first < 0)
		filled->first = holds;
	filled->last = holds;
}

static struct sg_manifest *prepare(const struct filling *f, const char *name, const struct how *how)
{
	struct sg_manifest *manifest = trial_manifest(f->trial, NULL, f->subject->step, name);
	struct sg_backfill_settings *settings = &manifest->steps[0].backfill;

	settings->batch_size = how->batch_size;
	settings->max_seconds = TURN_SECONDS;
	settings->jobs = 1;
	settings->max_passes = 1;
	settings->lock_ms = LOCK_MS;
	if (how->slowly)
		settings->duty = 0.05;
	return manifest;
}

/* -1 only where there is nothing to tell. */
static int fill(const struct filling *f, const char *name, const struct how *how, struct filled *filled_r, struct sg_err *err)
{
	const struct sg_backfills_options options = { .only = NULL };
	static const struct sg_observer nobody;
	struct sg_trace trace = { .context = filled_r, .asked = asked };
	struct sg_arena *arena = f->trial->arena;
	struct sg_backfills_result result;
	struct sg_errs errs = SG_ERRS_INIT;
	const char *text;
	struct sg_run run;
	int status = 0;

	*filled_r = (struct filled){ .first = -1, .last = -1, .end = SG_BACKFILL_END_NOT_REACHED };
	filled_r->err = sg_arena_alloc(arena, sizeof *filled_r->err);
	sg_err_defer(filled_r->err, arena);
	if (sg_run_open(&run, prepare(f, name, how), &nobody, arena, err) != 0)
		return -1;
	run.trace = &trace;
	if (how->quiet)
		sg_log_divert(drop_line);
	if (how->again)
		status = sg_backfills_ask(&run, SG_BACKFILL_ASK_AGAIN, f->subject->step->id, &text, err);
	if (status == 0 && sg_backfills_run(&run, &options, NULL, &result, &errs) == 0) {
		filled_r->end = result.items[0].result.end;
		filled_r->note = result.items[0].result.note;
		filled_r->rows = result.items[0].result.rows;
		sg_err_copy(filled_r->err, &result.items[0].result.err);
	} else if (status == 0) {
		filled_r->end = SG_BACKFILL_END_FAILED;
		sg_err_move(filled_r->err, &errs.list[0]);
	}
	sg_log_divert(NULL);
	sg_run_close(&run);
	sg_errs_release(&errs);
	return sg_stop_count() > 0 ? sg_stop_err(err) : status;
}

static bool is_done(const struct filled *filled)
{
	return filled->end == SG_BACKFILL_END_COMPLETE || filled->end == SG_BACKFILL_END_ALREADY;
}

static void fail_end(const struct filling *f, struct sg_trial_point *point, const struct filled *filled)
{
	if (filled->err->class != SG_CLASS_NONE)
		trial_fail(f->trial, point, filled->err);
	else
		trial_failf(f->trial, point, NULL, "it ended as %s%s%s", sg_backfill_end_name(filled->end), filled->note != NULL ? ": " : "",
		            filled->note != NULL ? filled->note : "");
}

/* Is in `name` what the first run has made? */
static int compare(const struct filling *f, struct sg_trial_point *point, const char *name, const char *hint, struct sg_err *err)
{
	const char *const *contents;

	if (trial_contents(f->trial, &f->tables, name, &contents, err) != 0)
		return -1;
	for (size_t i = 0; i < f->tables.count; i++)
		if (strcmp(contents[i], f->contents[i]) != 0) {
			trial_failf(f->trial, point, hint, "table %s has other contents", f->tables.list[i].shown);
			return 0;
		}
	return 0;
}

/* ---- the points ------------------------------------------------------------------------ */

/* false: nothing more can be told. */
static bool judge_first(const struct filling *f, struct filled *filled)
{
	const char *id = f->subject->step->id;
	struct sg_trial_point *point;

	if (filled->first < 0) {
		fail_end(f, trial_point(f->trial, id, "its tables and its key are accepted, and its fingerprint can be asked"), filled);
		return false;
	}
	point = trial_point(f->trial, id, "its fingerprint does not hold before it has run");
	if (filled->first == 1) {
		trial_skip(f->trial, point, "with these rows it has nothing to do; a file of --schema-from may bring some that it has to change");
		return false;
	}
	point = trial_point(f->trial, id, "it runs to its end");
	if (!is_done(filled) && filled->end != SG_BACKFILL_END_RESIDUAL) {
		fail_end(f, point, filled);
		return false;
	}
	point = trial_point(f->trial, id, "its fingerprint holds afterwards");
	if (is_done(filled))
		return true;
	fail_end(f, point, filled);
	return false;
}

static int note_written(const struct filling *f, struct sg_err *err)
{
	struct sg_trial_point *point = trial_point(f->trial, f->subject->step->id, "it writes to what it declares alone");
	const char *const *before;

	if (trial_contents(f->trial, &f->tables, f->base, &before, err) != 0)
		return -1;
	for (size_t i = 0; i < f->tables.count; i++)
		if (strcmp(before[i], f->contents[i]) != 0)
			trial_note(f->trial, point, "it has written to %s", f->tables.list[i].shown);
	return 0;
}

static int try_split(const struct filling *f, struct sg_err *err)
{
	const struct how how = { .batch_size = f->small };
	struct sg_trial_point *point;
	struct filled filled;
	const char *name;

	if (trial_copy(f->trial, f->base, true, &name, err) != 0 || fill(f, name, &how, &filled, err) != 0)
		return -1;
	point = trial_point(f->trial, f->subject->step->id, "by small batches it does the same");
	if (!is_done(&filled))
		fail_end(f, point, &filled);
	else if (compare(f, point, name,
	                 "What a batch does must depend on its own rows alone, and leave all others as they are: it may be cut anywhere.",
	                 err) != 0)
		return -1;
	return trial_drop(f->trial, name, err);
}

/* Has anything of it been committed there? */
static int begun(const struct filling *f, struct sg_db *db, bool *begun_r, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_backfill_row *rows;
	const struct sg_backfill_row *row;
	size_t count;
	int status = sg_backfills_read(db, f->trial->whole.state_schema, &arena, &rows, &count, err);

	if (status != 0 && sg_state_is_missing(err)) {
		sg_err_clear(err);
		count = 0;
		status = 0;
	}
	row = status == 0 && count > 0 ? sg_backfills_find(rows, count, f->subject->step->id) : NULL;
	*begun_r = row != NULL && row->rows_done > 0;
	sg_arena_release(&arena);
	return status;
}

/* Until nobody but us is in that database. */
static int await_empty(const struct filling *f, struct sg_db *db, struct sg_err *err)
{
	int64_t end = sg_clock_ms() + KILL_MS;

	for (;;) {
		struct sg_arena arena = SG_ARENA_INIT;
		struct sg_result *result;
		int status = sg_db_query(db, "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database()"
		                             " AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'",
		                         0, NULL, &arena, &result, err);
		bool empty = status == 0 && sg_result_rows(result) == 0;

		sg_arena_release(&arena);
		if (status != 0 || empty || sg_clock_ms() > end)
			return status;
		if (!sg_stop_sleep(10))
			return sg_stop_err(err);
	}
	(void)f;
}

/* A process of its own runs it, and is killed once something was done. killed_r: before it was over. */
static int run_and_kill(const struct filling *f, const char *name, struct sg_db *db, bool *killed_r, struct sg_err *err)
{
	const struct how how = { .batch_size = f->small, .slowly = true, .quiet = true };
	int64_t end = sg_clock_ms() + KILL_MS;
	bool some = false;
	int status = 0, ended = 0;
	pid_t child;

	sg_nursery_stop(); /* its socket is not to be shared */
	child = fork();
	if (child < 0)
		return sg_err_set(err, SG_CLASS_BUG, "fork: %s", strerror(errno));
	if (child == 0) {
		struct sg_err why = SG_ERR_INIT;
		struct filled filled;

		_exit(fill(f, name, &how, &filled, &why) == 0 && is_done(&filled) ? 0 : 1);
	}
	*killed_r = false;
	while (status == 0 && !some && sg_clock_ms() < end) {
		if (waitpid(child, &ended, WNOHANG) == child)
			return 0;
		status = begun(f, db, &some, err);
		if (status == 0 && !some && !sg_stop_sleep(2))
			status = sg_stop_err(err);
	}
	(void)kill(child, SIGKILL);
	while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
		continue;
	*killed_r = WIFSIGNALED(ended);
	return status;
}

static int try_kill(const struct filling *f, struct sg_err *err)
{
	const struct how how = { .batch_size = f->small };
	struct sg_trial_point *point;
	struct filled filled;
	struct sg_db *db = NULL;
	const char *name;
	bool killed = false;
	int status = -1;

	if (trial_copy(f->trial, f->base, true, &name, err) != 0)
		return -1;
	if (trial_connect(f->trial, name, &db, err) == 0 && sg_state_install(db, f->trial->whole.state_schema, err) == 0 &&
	    run_and_kill(f, name, db, &killed, err) == 0)
		status = await_empty(f, db, err);
	sg_db_close(db);
	if (status != 0 || fill(f, name, &how, &filled, err) != 0)
		return -1;
	point = trial_point(f->trial, f->subject->step->id, "killed between batches, it goes on and does the same");
	if (!killed)
		trial_note(f->trial, point, "it was over before it could be killed");
	if (!is_done(&filled))
		fail_end(f, point, &filled);
	else if (compare(f, point, name, "What was committed is never batched again: a batch must not count on what an earlier one left in "
	                                 "memory.", err) != 0)
		return -1;
	return trial_drop(f->trial, name, err);
}

/* A second run over what is done: after --again where that is meant to be done, and with the state lost. */
static int try_twice(const struct filling *f, struct sg_err *err)
{
	bool sweeps = (f->subject->flags & SG_REPEATABLE) != 0 || f->subject->kind == SG_KIND_DRAIN;
	struct sg_trial_point *point = trial_point(f->trial, f->subject->step->id, "run once more, it changes nothing");
	size_t at = f->trial->result->count - 1;

	for (int turn = sweeps ? 0 : 1; turn < 2; turn++) {
		const struct how how = { .batch_size = WHOLE, .again = turn == 0 };
		struct filled filled;

		if ((turn == 1 && trial_forget(f->trial, f->done, err) != 0) || fill(f, f->done, &how, &filled, err) != 0)
			return -1;
		point = &f->trial->result->points[at];
		if (point->end == SG_TRIAL_NOT_OK)
			break;
		if (!is_done(&filled))
			fail_end(f, point, &filled);
		else if (compare(f, point, f->done,
		                 turn == 0 ? "Let its WHERE leave out rows that are done: SG_REPEATABLE promises it."
		                           : "Its fingerprint holds, so nothing must be left to do.", err) != 0)
			return -1;
	}
	if (!sweeps)
		trial_note(f->trial, point, "it is not SG_REPEATABLE: only with its state lost");
	return 0;
}

/* Locks in a session of ours what the first run has changed. 1: nothing is there to be locked. */
static int hold(const struct filling *f, const char *const *where, struct sg_db *db, struct sg_err *err)
{
	int held = 1;

	if (sg_db_script(db, "BEGIN", err) != 0)
		return -1;
	for (size_t i = 0; i < f->tables.count; i++) {
		struct sg_result *result;

		if (where[i] == NULL)
			continue;
		if (sg_db_query(db, sg_arena_printf(f->trial->arena, "SELECT 1 FROM ONLY %s WHERE %s FOR UPDATE", f->tables.list[i].relation, where[i]),
		                0, NULL, f->trial->arena, &result, err) != 0)
			return -1;
		if (sg_result_rows(result) > 0)
			held = 0;
	}
	return held;
}

static int try_locked(const struct filling *f, struct sg_err *err)
{
	const char *what = "rows that others hold are left for later, and none is lost";
	const struct how how = { .batch_size = f->small, .quiet = true };
	const char *const *where, *name;
	struct filled meanwhile, after;
	struct sg_trial_point *point;
	struct sg_db *db = NULL;
	int held = -1, status = -1;

	if (trial_changed(f->trial, &f->tables, f->base, f->done, &where, err) != 0 ||
	    trial_copy(f->trial, f->base, true, &name, err) != 0)
		return -1;
	if (trial_connect(f->trial, name, &db, err) == 0)
		held = hold(f, where, db, err);
	if (held == 0)
		status = fill(f, name, &how, &meanwhile, err);
	if (status == 0 && !is_done(&meanwhile))
		sg_db_rollback(db);
	if (status == 0)
		status = fill(f, name, &how, &after, err);
	sg_db_close(db);
	if (held < 0 || (held == 0 && status != 0))
		return -1;
	point = trial_point(f->trial, f->subject->step->id, what);
	if (held == 1) {
		trial_skip(f->trial, point, "it changes no row that is there");
	} else if (meanwhile.end == SG_BACKFILL_END_FAILED || meanwhile.end == SG_BACKFILL_END_REFUSED) {
		fail_end(f, point, &meanwhile);
	} else if (!is_done(&after)) {
		fail_end(f, point, &after);
	} else if (compare(f, point, name, "Do not pass over rows that are locked: the host sees to them.", err) != 0) {
		return -1;
	}
	return trial_drop(f->trial, name, err);
}

static int try_all(struct filling *f, struct sg_err *err)
{
	const struct how how = { .batch_size = WHOLE };
	struct filled filled;

	if (trial_tables_read(f->trial, f->base, &f->tables, err) != 0 || trial_copy(f->trial, f->base, true, &f->done, err) != 0 ||
	    fill(f, f->done, &how, &filled, err) != 0)
		return -1;
	if (!judge_first(f, &filled))
		return 0;
	f->small = filled.rows / SMALL_MOST > SMALL ? (int)(filled.rows / SMALL_MOST) | 1 : SMALL;
	if (trial_contents(f->trial, &f->tables, f->done, &f->contents, err) != 0)
		return -1;
	return note_written(f, err) != 0 || try_split(f, err) != 0 || try_kill(f, err) != 0 || try_locked(f, err) != 0 ||
	                       try_twice(f, err) != 0
	               ? -1
	               : 0;
}

int trial_backfill(struct trial *trial, const struct trial_subject *subject, const char *base, struct sg_err *err)
{
	int64_t rows = trial->options->rows < 0 ? ROWS : trial->options->rows;
	struct filling f = { .trial = trial, .subject = subject };

	/* others rest on the base: the rows are for this one alone */
	if (trial_copy(trial, base, true, &f.base, err) != 0 ||
	    (rows > 0 && sg_throw_away_fill(&trial->server, trial_dsn(trial, f.base), rows, err) != 0) || try_all(&f, err) != 0)
		return -1;
	return trial_drop(trial, f.base, err);
}
