/* concurrently.c - the one long statement, and all that is watched meanwhile.
 *
 * While CREATE or DROP INDEX CONCURRENTLY runs, libpq's wait hook is where everything else happens:
 * the claim is renewed, progress told, limits and stops are judged, on the watch's connection, in short
 * transactions that are over before the hook returns: a snapshot of ours would be one more that
 * the build waits for. The limits are ours, not lock_timeout's: what waits is cancelled from outside, and
 * what the cancelled statement left behind is for the caller to look at. */
#include "config.h"
#include "core/index/build.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/sql/mask.h"

#define LOOK_MS 500        /* from look to look */
#define FIRST_LOOK_MS 200
#define CANCEL_AGAIN_MS 500 /* a request that comes before its statement cancels nothing */
#define CANCEL_MS 3000     /* from the first request to giving the connection up */
#define LAST_CANCEL_MS 1000 /* the same, at a second signal */
#define STOP_CLEAN_MS 6000 /* for a carcass, once a stop has come */
#define SILENT_LOOKS 10    /* the server has been done with it for so long, and no answer comes */

/* ---- limits, claim, progress ---------------------------------------------------------- */

/* A carcass of a failed build may be given a minute; whoever says stop meanwhile does not wait that long. */
static void hurry(struct sg_index_work *work, int64_t now)
{
	if (work->hurried || sg_stop_count() == 0)
		return;
	work->hurried = true;
	if (work->cleaning_ms > now + STOP_CLEAN_MS)
		work->cleaning_ms = now + STOP_CLEAN_MS;
}

int sg_index_check(struct sg_index_work *work, struct sg_err *err)
{
	const struct sg_index_build *build = work->build;
	int64_t now = sg_clock_ms();

	if (work->cleaning_ms != 0)
		hurry(work, now);

	if (sg_stop_count() >= (work->cleaning_ms != 0 ? 2 : 1))
		return sg_stop_err(err);
	if (work->cleaning_ms != 0)
		return now < work->cleaning_ms ? 0
		                               : sg_err_set(err, SG_CLASS_LATE, "the invalid index could not be dropped in time");
	if (work->limit_ms == 0 || now < work->limit_ms)
		return 0;
	if (build->deadline_ms != 0 && now >= build->deadline_ms)
		return sg_err_set(err, SG_CLASS_LATE, "the time of this run is over");
	sg_err_set(err, SG_CLASS_LATE, "not done within max_seconds (%d s)", build->definition->step->index.max_seconds);
	return sg_err_hint(err, "Give the section a larger max_seconds (0: no limit), or let it be built when the server has less to do.");
}

/* Behind the lock budget: for whom. */
static int check_locks(const struct sg_index_work *work, struct sg_err *err)
{
	if (work->cleaning_ms != 0 || work->lock_ms == 0 || work->waited_ms < work->lock_ms)
		return 0;
	sg_err_set(err, SG_CLASS_LOCKED, "waited for others longer than lock_seconds (%d s)",
	           work->build->definition->step->index.lock_seconds);
	if (work->waited_for.length > 0)
		sg_err_detail(err, "It waited for %s.", work->waited_for.data);
	return sg_err_hint(err, "Have those sessions end their transactions, or give the section a larger lock_seconds (0: no limit).");
}

/* What comes after the build is over, one way or the other, is no wait of its. */
static void remember(struct sg_index_work *work, const char *whom, int64_t ms)
{
	if (work->cleaning_ms != 0)
		return;
	work->waited_ms += ms;
	if (whom == NULL)
		return;
	sg_buf_clear(&work->waited_for);
	sg_buf_adds(&work->waited_for, whom);
}

/* A renewal that fails is tried again soon; a claim that another has is not contested: pg_index is the truth. */
static void keep_claim(struct sg_index_work *work)
{
	int64_t now = sg_clock_ms(), third = (int64_t)work->claim.seconds * 1000 / 3;
	struct sg_err err = SG_ERR_INIT;
	int held;

	if (work->renewed_ms == 0 || now - work->renewed_ms < third)
		return;
	held = sg_watch_open(&work->watch, &err) != 0 ? -1 : sg_index_claim_renew(&work->claim, work->watch.session.db, &err);
	if (held > 0) {
		work->renewed_ms = sg_clock_ms();
	} else if (held == 0) {
		work->renewed_ms = 0;
		sg_log(SG_LOG_WARNING, "claim", work->claim.name, 0, "another runner has taken the claim on this index; what it finds is built here");
	} else {
		sg_session_drop(&work->watch.session);
		work->renewed_ms += third / 2 > 0 ? third / 2 : 1;
	}
	sg_err_release(&err);
}

void sg_index_tell(struct sg_index_work *work, const struct sg_index_progress *progress)
{
	const struct sg_index_build *build = work->build;
	struct sg_index_progress told = { .fraction = -1, .seconds_left = -1 };

	keep_claim(work);
	if (build->progress == NULL)
		return;
	if (progress != NULL)
		told = *progress;
	told.doing = work->doing;
	told.part = work->part;
	told.parts = work->parts;
	told.elapsed_ms = sg_clock_ms() - work->started_ms;
	build->progress(build->context, &told);
}

int sg_index_pause(struct sg_index_work *work, int64_t ms, struct sg_err *err)
{
	int64_t end = sg_clock_ms() + ms, told = 0, now;

	while ((now = sg_clock_ms()) < end) {
		if (sg_index_check(work, err) != 0)
			return -1;
		if (now - told >= LOOK_MS)
			sg_index_tell(work, NULL);
		told = now - told >= LOOK_MS ? now : told;
		(void)sg_clock_sleep(end - now < 50 ? end - now : 50);
	}
	return sg_index_check(work, err);
}

int sg_index_wait(struct sg_index_work *work, const char *whom, struct sg_err *err)
{
	int64_t begun = sg_clock_ms();
	const char *before = work->doing;
	struct sg_arena arena = SG_ARENA_INIT;
	int status;

	work->doing = sg_arena_printf(&arena, "waits for %s", whom);
	status = sg_index_pause(work, LOOK_MS, err);
	work->doing = before;
	sg_arena_release(&arena);
	remember(work, whom, sg_clock_ms() - begun);
	return status != 0 ? -1 : check_locks(work, err);
}

/* ---- the statement ---------------------------------------------------------------------- */

struct sending {
	struct sg_index_work *work;
	const char *sql;
	int64_t looked_ms;           /* sg_clock_ms of the last look */
	int64_t cancelled_ms, again_ms; /* of the first cancel request, and of the last; 0: none */
	int silent;                  /* looks, one after the other, that found the backend idle or gone */
	struct sg_err why;           /* why it was cancelled */
};

/* One number from the watch's connection; -1: no answer, or none. */
static int ask(struct sg_index_work *work, const char *question, struct sg_arena *arena)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_result *result;
	int answer = -1;

	if (sg_watch_open(&work->watch, &err) != 0 ||
	    sg_db_script_rows(work->watch.session.db,
	                      sg_arena_printf(arena, "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; %s; COMMIT", question),
	                      arena, &result, &err) != 0)
		sg_session_drop(&work->watch.session);
	else if (sg_result_rows(result) == 1)
		answer = (int)sg_result_int(result, 0, 0);
	sg_err_release(&err);
	return answer;
}

/* Behind a pooler the backend is found by what it runs: only our claim's holder sends this text (and its parallel workers
 * bear it, who end while it goes on). */
static void find_backend(struct sending *sending, struct sg_arena *arena)
{
	int pid = ask(sending->work,
	              sg_arena_printf(arena,
	                              "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
	                              " AND leader_pid IS NULL AND pid <> pg_backend_pid() AND length(query) > 30 AND starts_with(%s, query)"
	                              " ORDER BY query_start DESC LIMIT 1",
	                              sg_db_literal(arena, sending->sql)),
	              arena);

	sending->work->meter.pid = pid > 0 ? pid : 0;
}

/* It waits for the table's lock, and one who has it builds an index: he will come to wait for our snapshot, and
 * the server would end one of us, perhaps him. */
static bool must_give_way(struct sg_index_work *work, struct sg_arena *arena)
{
	return ask(work,
	           sg_arena_printf(arena,
	                           "SELECT count(*) FROM unnest(pg_blocking_pids(%d)) b (pid)"
	                           " JOIN pg_stat_progress_create_index p ON p.pid = b.pid",
	                           work->meter.pid),
	           arena) > 0;
}

/* A line that swallows what is sent on it leaves us waiting for an answer that was given long ago. What this role may
 * not see counts as being at work. */
static bool is_over(struct sg_index_work *work, struct sg_arena *arena)
{
	return ask(work,
	           sg_arena_printf(arena, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state IS DISTINCT FROM 'idle'",
	                           work->meter.pid),
	           arena) == 0;
}

/* The look of every half second. -1: it is to be cancelled, sending->why says why. */
static int look(struct sending *sending, int64_t now)
{
	struct sg_index_work *work = sending->work;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_index_progress progress;
	bool waiting, begun, answers = now >= work->meter.again_ms;
	int status;

	if (work->meter.pid == 0 && answers)
		find_backend(sending, &arena);
	sg_index_meter_read(&work->meter, &arena, &progress, &waiting);
	begun = progress.phase != NULL;
	if (waiting)
		remember(work, progress.waits_for, now - sending->looked_ms);
	sending->looked_ms = now;
	sg_index_tell(work, &progress);
	status = check_locks(work, &sending->why);
	if (begun || waiting || work->meter.pid == 0 || !answers || !is_over(work, &arena))
		sending->silent = 0;
	else
		sending->silent++;
	if (status == 0 && waiting && !begun && work->meter.pid != 0 && must_give_way(work, &arena)) {
		work->gave_way = true;
		status = sg_err_set(&sending->why, SG_CLASS_LOCKED, "another session builds an index on the table");
	}
	sg_arena_release(&arena);
	return status;
}

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct sending *sending = context;
	int64_t now = sg_clock_ms(), patience;

	(void)elapsed_ms;
	if (sending->cancelled_ms == 0) {
		if (sg_index_check(sending->work, &sending->why) == 0 &&
		    (now - sending->looked_ms < LOOK_MS || look(sending, now) == 0))
			return sending->silent < SILENT_LOOKS ? SG_WAIT_ON : SG_WAIT_ABANDON;
		sending->cancelled_ms = sending->again_ms = sg_clock_ms();
		return SG_WAIT_CANCEL;
	}
	patience = sg_stop_count() >= 2 ? LAST_CANCEL_MS : CANCEL_MS;
	if (now - sending->cancelled_ms >= patience)
		return SG_WAIT_ABANDON;
	if (now - sending->again_ms >= CANCEL_AGAIN_MS) {
		sending->again_ms = now;
		sg_db_cancel(sending->work->session.db);
	}
	return SG_WAIT_CANCEL;
}

/* What the server's words do not say: a cancel that was not ours, and settings that are not ours. */
static void explain(const struct sg_index_work *work, struct sg_err *err)
{
	if (strcmp(err->sqlstate, "42501") == 0 && err->hint == NULL)
		sg_err_hint(err, "An index is made by its table's owner, who may create in its schema: connect as a member of that role%s.",
		            work->own_session ? ", or name it as role in [database]" : ", or give [database] a direct_dsn, and name it as role");
	else if (strcmp(err->sqlstate, "57014") == 0 && work->own_session)
		sg_err_hint(err, "Somebody ended it (pg_cancel_backend): the next run builds it again.");
	else if (strcmp(err->sqlstate, "57014") == 0 || strcmp(err->sqlstate, "55P03") == 0)
		sg_err_hint(err, "The pooled session's %s ended it: give [database] a direct_dsn past the pooler, where sgrun sets its own.",
		            strcmp(err->sqlstate, "57014") == 0 ? "statement_timeout" : "lock_timeout");
	else if (!work->own_session && work->pooled_read_only && strcmp(err->sqlstate, "25006") == 0)
		sg_err_hint(err, "The pooled session's default_transaction_read_only keeps it from being built: give [database] a direct_dsn"
		                 " past the pooler, where sgrun sets its own, or take the setting off the role or the database.");
	else if (!work->own_session && err->hint == NULL &&
	         (strcmp(err->sqlstate, "42883") == 0 || strcmp(err->sqlstate, "42704") == 0))
		sg_err_hint(err, "Behind a pooler the search_path of the server's role holds, not schema of [database]: qualify the"
		                 " name, or give [database] a direct_dsn.");
}

int sg_index_send(struct sg_index_work *work, const char *sql, struct sg_err *err)
{
	const struct sg_run *run = work->build->run;
	struct sending sending = { .work = work, .sql = sql, .why = SG_ERR_INIT };
	struct sg_err ignored = SG_ERR_INIT;
	struct sg_arena arena = SG_ARENA_INIT;
	int status;

	work->gave_way = false;
	if (sg_index_check(work, err) != 0 || sg_index_own_alive(work, err) != 0 || sg_index_own_role(work, true, err) != 0)
		return -1;
	sg_index_meter_reset(&work->meter, work->own_session ? sg_db_pid(work->session.db) : 0);
	sending.looked_ms = sg_clock_ms() - LOOK_MS + FIRST_LOOK_MS;
	sg_db_on_wait(work->session.db, on_wait, &sending);
	status = sg_db_script(work->session.db, sql, err);
	sg_session_unwatch(&work->session);
	/* An error that is not our cancel's tells more than why we cancelled. */
	if (status != 0 && sending.cancelled_ms != 0 && (sg_db_lost(work->session.db) || strcmp(err->sqlstate, "57014") == 0)) {
		sg_err_clear(err);
		sg_err_move(err, &sending.why);
	} else if (status != 0) {
		work->gave_way = false;
		explain(work, err);
		sg_err_statement(err, sg_sql_mask_secrets(&arena, sql), err->position);
		sg_err_at(err, run->manifest->path, work->build->definition->step->line);
	} else {
		work->gave_way = false;
	}
	if (!sg_db_lost(work->session.db) && sg_index_own_role(work, false, &ignored) != 0 && !sg_db_lost(work->session.db)) {
		sg_session_drop(&work->session); /* whose rights it has nobody knows */
		if (status == 0)
			status = sg_err_set(err, SG_CLASS_CONNECTION, "the session was closed: its role could not be taken back (%s)",
			                    ignored.primary);
	}
	sg_err_release(&ignored);
	sg_err_release(&sending.why);
	sg_arena_release(&arena);
	return status;
}
