/* batch.c - the protocol of one batch, as batch.h says.
 *
 * Nothing of a failed attempt is used again, neither connection nor process: what
 * was learned from it (a smaller size, a key that is locked or bad) is the lane's
 * memory, and is checked against the range's row before it is acted on. */
#include "config.h"
#include "core/backfill/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/executor.h"
#include "core/exec/serve.h"
#include "core/state/backfills.h"

#define CHUNK_BATCHES 8         /* a lane keeps so much of what it cuts … */
#define COLD_CHUNK 40000        /* … and so many rows while it does not know yet what a batch is */
#define COMMIT_LIMIT_MS 120000
#define LEAST_LOCK_MS 100       /* long enough to be told who holds it (FIRST_LOOK_MS of the executor) */

struct round {
	struct sg_lane *lane;
	const struct sg_backfill *backfill;
	struct sg_step step;        /* with this round's lock_ms */
	struct sg_executor executor;
	struct sg_claim claim;
	struct sg_key_batch keys;
	int64_t limit, started_us;
	struct sg_arena *arena;
	struct sg_batch_result *result;
};

/* ---- ends ------------------------------------------------------------------- */

static void drop(struct sg_lane *lane)
{
	sg_process_kill(lane->process);
	lane->process = NULL;
	sg_session_rollback(&lane->session);
	sg_session_drop(&lane->session);
}

static int commit(struct round *r, struct sg_err *err)
{
	struct sg_session *session = &r->lane->session;

	sg_executor_limit(&r->executor, COMMIT_LIMIT_MS, NULL);
	sg_buf_adds(&session->pending, "SELECT " SG_SURE_COMMIT);
	if (sg_session_flush(session, err) != 0 || sg_db_commit(session->db, err) != 0)
		return -1;
	session->backend = 0;
	session->begun = false;
	r->lane->committed_us = sg_clock_us();
	return 0;
}

/* ---- the claim -------------------------------------------------------------- */

static int claim(struct round *r, struct sg_err *err)
{
	struct sg_lane *lane = r->lane;
	const struct sg_backfill *backfill = r->backfill;
	const char *question = backfill->drain
	                               ? sg_backfills_drain_sql(&backfill->ranges, r->arena)
	                               : sg_ranges_claim_sql(&backfill->ranges, lane->mine, lane->lowest,
	                                                     lane->deferred_before, r->arena);
	struct sg_result *rows;
	int64_t fastest_us;

	if (sg_session_open(&lane->session, err) != 0)
		return -1;
	r->started_us = sg_clock_us();
	(void)sg_db_trips(lane->session.db, &fastest_us);
	sg_executor_watch(&r->executor);
	sg_executor_limit(&r->executor, SG_HOST_LIMIT_MS, NULL);
	if (sg_session_begin_batch(&lane->session, &r->step, question, r->arena, &rows, err) != 0)
		return -1;
	if (backfill->drain)
		return sg_backfills_drain_claimed(rows, SG_BATCH_COLUMNS, &r->claim, err);
	if (sg_ranges_claimed(&backfill->ranges, rows, SG_BATCH_COLUMNS, r->arena, &r->claim, err) != 0)
		return -1;
	if (r->claim.lowest > lane->lowest)
		lane->lowest = r->claim.lowest;
	return 0;
}

/* Another range than the last one: what was suspected there is not here. */
static void remember_range(struct round *r)
{
	struct sg_lane *lane = r->lane;

	if (lane->mine == r->claim.range.no)
		return;
	if (lane->mine == 0 && !r->backfill->drain)
		sg_size_init(&lane->size, &r->step.backfill, r->claim.range.batch_size);
	lane->mine = r->claim.range.no;
	lane->chunk = 0;
	sg_size_clear(&lane->size);
}

/* ---- cutting ---------------------------------------------------------------- */

static struct sg_key_span span_of(const struct sg_range *range)
{
	return (struct sg_key_span){ .after = range->pos, .from = range->lo, .to = range->hi };
}

/* Where the range is to be cut for other lanes; *at_r NULL: nowhere. */
static int find_cut(struct round *r, sg_key_values *at_r, struct sg_err *err)
{
	struct sg_lane *lane = r->lane;
	const struct sg_claim *c = &r->claim;
	struct sg_key_span span = span_of(&c->range);
	int64_t wanted = c->lanes > lane->jobs ? c->lanes : lane->jobs, free_ranges = c->ranges - c->deferred;
	int64_t size = sg_size_next(&lane->size), chunk = CHUNK_BATCHES * size, rows = 0;
	bool starving = c->lanes > free_ranges; /* somebody found all ranges held */

	*at_r = NULL;
	if (r->backfill->drain || c->range.deferred || wanted < 2 || free_ranges > wanted || lane->size.suspect > 0)
		return 0;
	if (lane->chunk == c->range.no && !starving)
		return 0;
	/* A chunk's end ends a batch: small chunks would keep the batches small. */
	if (lane->size.cold && chunk < COLD_CHUNK)
		chunk = COLD_CHUNK;
	if (sg_key_cut(lane->session.db, &r->backfill->key, &span, chunk, r->arena, at_r, &rows, err) != 0)
		return -1;
	lane->chunk = c->range.no;
	if (*at_r != NULL || !starving || rows < 2 * size)
		return 0;
	return sg_key_cut(lane->session.db, &r->backfill->key, &span, rows / 2, r->arena, at_r, &rows, err);
}

/* ---- keys ------------------------------------------------------------------- */

static bool same_key(const struct sg_backfill *backfill, sg_key_values a, sg_key_values b)
{
	for (size_t i = 0; i < backfill->key.count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

/* As the plugin's role; the table first: a lock on it is nobody's row. */
static int lock_table(struct round *r, struct sg_err *err)
{
	struct sg_session *session = &r->lane->session;

	sg_executor_role(&r->executor);
	if (!r->backfill->drain && !r->lane->no_lock)
		sg_buf_addf(&session->pending, "LOCK TABLE ONLY %s IN ROW EXCLUSIVE MODE", r->backfill->key.table);
	return sg_session_flush(session, err);
}

/* ---- what a failed batch means ---------------------------------------------- */

static bool is_data_error(const struct sg_err *err)
{
	return err->class == SG_CLASS_SQL &&
	       (strncmp(err->sqlstate, "22", 2) == 0 || strncmp(err->sqlstate, "23", 2) == 0 ||
	        strncmp(err->sqlstate, "44", 2) == 0 || strcmp(err->sqlstate, "P0001") == 0);
}

static bool is_time_out(const struct sg_err *err)
{
	return err->class == SG_CLASS_SQL && strcmp(err->sqlstate, "57014") == 0;
}

/* One key is left, and it is the culprit: acted on in the next round, on a fresh connection. */
static void suspect_key(struct round *r, struct sg_err *err)
{
	struct sg_verdict_key *verdict = &r->lane->verdict;
	size_t count = r->backfill->key.count;
	const char **values;

	sg_arena_reset(&verdict->arena);
	values = sg_arena_array(&verdict->arena, count, sizeof *values);
	for (size_t i = 0; i < count; i++)
		values[i] = sg_arena_strdup(&verdict->arena, r->keys.firsts[i]);
	verdict->key = values;
	verdict->range = r->claim.range.no;
	verdict->bad = err->class != SG_CLASS_LOCKED;
	verdict->who = sg_arena_strdup(&verdict->arena, r->executor.waited_on);
	sg_err_release(&verdict->err);
	sg_err_move(&verdict->err, err);
}

/* After backfill_batch failed. */
static enum sg_batch_end judge(struct round *r, struct sg_err *err)
{
	struct sg_lane *lane = r->lane;
	bool single = !r->backfill->drain ? same_key(r->backfill, r->keys.firsts, r->keys.lasts) : r->limit <= 1;
	int64_t rows = r->backfill->drain ? r->limit : r->keys.rows;
	bool waited;

	if (is_time_out(err) && r->executor.gave_way)
		err->class = SG_CLASS_LOCKED;
	waited = err->class == SG_CLASS_LOCKED || is_time_out(err);
	if (sg_stop_count() > 0 && (is_time_out(err) || sg_class_retries(err->class))) {
		drop(lane);
		sg_err_clear(err);
		sg_stop_err(err);
		return SG_BATCH_FAILED;
	}
	if (!waited && !is_data_error(err)) {
		/* A deadlock is met less often by a smaller batch. */
		if (err->class == SG_CLASS_TRANSIENT && !single)
			sg_size_shrink(&lane->size);
		drop(lane);
		return SG_BATCH_FAILED;
	}
	r->result->text = sg_arena_strdup(r->arena, r->executor.waited_on);
	drop(lane);
	if (err->class == SG_CLASS_LOCKED && r->executor.waited_table) {
		/* A partition, or a table of also_writes: smaller batches would meet it too. */
		sg_err_clear(err);
		return SG_BATCH_BLOCKED;
	}
	if (!single) {
		if (waited)
			sg_size_timed_out(&lane->size, rows);
		else
			sg_size_suspect(&lane->size, rows);
		sg_err_clear(err);
		return SG_BATCH_SPLIT;
	}
	if (r->backfill->drain && err->class == SG_CLASS_LOCKED) {
		sg_err_clear(err);
		return SG_BATCH_BLOCKED;
	}
	if (is_time_out(err))
		sg_err_hint(err, "%s alone takes longer than statement_seconds: is there an index for the batch's WHERE?",
		            r->backfill->drain ? "A single row" : sg_key_text(&r->backfill->key, r->keys.firsts, r->arena));
	if (r->backfill->drain || is_time_out(err))
		return SG_BATCH_FAILED;
	suspect_key(r, err);
	return SG_BATCH_SPLIT;
}

/* ---- a key that is passed over ---------------------------------------------- */

static int count_bad(struct round *r, int64_t *bad_r, struct sg_err *err)
{
	struct sg_session *session = &r->lane->session;
	const char *schema = sg_db_identifier(r->arena, r->backfill->ranges.state_schema);
	const char *key = sg_db_literal(r->arena, r->backfill->ranges.key);
	struct sg_result *rows;

	/* The row's lock: lanes that find bad rows at once count one after the other. */
	sg_buf_addf(&session->pending,
	            "SELECT 1 FROM %s.backfills WHERE key OPERATOR(pg_catalog.=) %s FOR UPDATE;"
	            "SELECT pg_catalog.count(*) FROM %s.backfill_failures WHERE key OPERATOR(pg_catalog.=) %s",
	            schema, key, schema, key);
	if (sg_session_flush_rows(session, r->arena, &rows, err) != 0)
		return -1;
	*bad_r = sg_result_int(rows, 0, 0);
	return 0;
}

static enum sg_batch_end fail_for_bad(struct round *r, const char *text, struct sg_err *err)
{
	struct sg_verdict_key *verdict = &r->lane->verdict;
	int most = r->step.backfill.max_bad_rows;

	drop(r->lane);
	verdict->key = NULL;
	sg_err_move(err, &verdict->err);
	sg_err_wrap(err, "bad row %s", text);
	sg_err_hint(err, "%s%d (max_bad_rows). Mend the row and run again, or let max_bad_rows be higher: such rows are then"
	                 " recorded and passed over. The position is kept.",
	            most == 0 ? "Bad rows that are allowed: " : "There are more bad rows than ", most);
	return SG_BATCH_FAILED;
}

static enum sg_batch_end pass_over(struct round *r, struct sg_err *err)
{
	const struct sg_backfill *backfill = r->backfill;
	const struct sg_range *range = &r->claim.range;
	struct sg_verdict_key *verdict = &r->lane->verdict;
	struct sg_buf *sql = &r->lane->session.pending;
	const char *text = sg_key_text(&backfill->key, verdict->key, r->arena);
	int64_t bad;

	r->result->text = verdict->who == NULL ? text : sg_arena_printf(r->arena, "%s, held by %s", text, verdict->who);
	if (verdict->bad) {
		r->result->text = text;
		if (count_bad(r, &bad, err) != 0)
			return SG_BATCH_FAILED;
		if (bad >= r->step.backfill.max_bad_rows)
			return fail_for_bad(r, text, err);
		sg_ranges_bad(sql, &backfill->ranges, verdict->key, &verdict->err, r->arena);
	} else if (range->deferred) {
		sg_ranges_touch(sql, &backfill->ranges, range, backfill->run->runner, r->arena);
	} else {
		sg_ranges_defer(sql, &backfill->ranges, verdict->key, verdict->key, backfill->run->runner, r->arena);
	}
	if (verdict->bad || !range->deferred) {
		/* Keys that are deferred or bad are not done: they count when they are. */
		if (r->keys.ends)
			sg_ranges_finish(sql, &backfill->ranges, range, 0, r->arena);
		else
			sg_ranges_move(sql, &backfill->ranges, range, verdict->key, 0, 0, backfill->run->runner, r->arena);
	}
	if (commit(r, err) != 0)
		return SG_BATCH_FAILED;
	sg_size_passed(&r->lane->size);
	verdict->key = NULL;
	if (!verdict->bad)
		return SG_BATCH_DEFERRED;
	sg_err_move(err, &verdict->err);
	return SG_BATCH_BAD;
}

/* ---- the batch -------------------------------------------------------------- */

/* The first statement of each kind, once a lane. */
static void add_journal(struct round *r)
{
	struct sg_lane *lane = r->lane;
	const struct sg_journal *journal = &r->executor.journal;
	const char *schema = sg_db_identifier(r->arena, r->backfill->ranges.state_schema);
	const char *step = sg_db_literal(r->arena, r->step.id);

	for (size_t i = 0; i < journal->count; i++) {
		const struct sg_journal_entry *entry = &journal->entries[i];
		const char *kind = sg_db_literal(r->arena, entry->kind);
		char mark[80];

		(void)snprintf(mark, sizeof mark, "|%.70s|", entry->kind);
		if (strstr(lane->kinds.data != NULL ? lane->kinds.data : "", mark) != NULL)
			continue;
		sg_buf_adds(&lane->kinds, mark);
		sg_buf_addf(&lane->session.pending,
		            "INSERT INTO %s.journal (step, seq, kind, sql, duration_ms, rows)"
		            " SELECT %s, coalesce(pg_catalog.max(seq), 0) OPERATOR(pg_catalog.+) 1, %s, %s, %.3f, %" PRId64
		            " FROM %s.journal WHERE step OPERATOR(pg_catalog.=) %s"
		            " HAVING NOT pg_catalog.bool_or(kind OPERATOR(pg_catalog.=) %s) IS TRUE ON CONFLICT DO NOTHING;",
		            schema, step, kind, sg_db_literal(r->arena, entry->sql),
		            (double)(entry->ended_us - entry->started_us) / 1000, entry->rows, schema, step, kind);
	}
}

static void add_position(struct round *r, int64_t changed)
{
	const struct sg_backfill *backfill = r->backfill;
	struct sg_buf *sql = &r->lane->session.pending;
	int64_t rows = r->keys.rows + r->keys.beyond;
	int64_t since = r->lane->committed_us > 0 ? r->lane->committed_us : r->started_us;

	if (backfill->drain)
		sg_backfills_drained(sql, &backfill->ranges, changed, r->arena);
	else if (r->keys.ends)
		sg_ranges_finish(sql, &backfill->ranges, &r->claim.range, rows, r->arena);
	else
		sg_ranges_move(sql, &backfill->ranges, &r->claim.range, r->keys.lasts, rows,
		               (double)(sg_clock_us() - since) / 1000, backfill->run->runner, r->arena);
}

/* Neither a new process nor the way to the server and back says anything of the rows. */
static void tell_size(struct round *r, int64_t spawned_us)
{
	int64_t fastest_us;
	int trips = sg_db_trips(r->lane->session.db, &fastest_us);

	r->lane->size.fixed_ms = (double)(fastest_us * trips) / 1000;
	sg_size_done(&r->lane->size, r->backfill->drain ? r->result->rows : r->keys.rows, (double)(r->result->work_us - spawned_us) / 1000);
}

static enum sg_batch_end send_batch(struct round *r, struct sg_err *err)
{
	struct sg_lane *lane = r->lane;
	struct sg_process_batch batch = {
		.nkeys = r->backfill->drain ? 0 : r->backfill->key.count,
		.firsts = r->keys.firsts,
		.lasts = r->keys.lasts,
		.number = r->claim.range.batches + 1,
		.limit = r->limit,
	};
	int64_t changed, spawned_us = sg_clock_us();

	if (lane->process == NULL && sg_backfill_process(r->backfill, &lane->process, err) != 0)
		return SG_BATCH_FAILED;
	spawned_us = sg_clock_us() - spawned_us;
	r->executor.process = lane->process;
	r->executor.guarded = true;
	if (sg_executor_batch(&r->executor, &batch, r->backfill->drain, &changed, err) != 0)
		return judge(r, err);
	if (r->backfill->drain && changed == 0)
		return SG_BATCH_EMPTY;
	/* A deferred trigger may meet a lock or a bad row only now. */
	if (sg_writes_ask(&r->executor, &r->backfill->writes, err) != 0)
		return judge(r, err);
	/* Whoever reads the state holds our rows for a moment, that is no reason to do the batch again. */
	if (r->step.backfill.lock_ms != r->backfill->step->backfill.lock_ms)
		sg_buf_addf(&lane->session.pending, "SET LOCAL lock_timeout = %d;", r->backfill->step->backfill.lock_ms);
	add_journal(r);
	add_position(r, changed);
	if (commit(r, err) != 0) {
		/* A lock on our own rows (who ends a range adds to its backfill's) is none of the table's keys. */
		if (err->class == SG_CLASS_LOCKED)
			sg_err_wrap(err, "sgrun's own row of %s is locked", r->step.id);
		return err->uncertain || err->class == SG_CLASS_LOCKED || sg_db_lost(lane->session.db) ? SG_BATCH_FAILED
		                                                                                          : judge(r, err);
	}
	r->result->rows = r->backfill->drain ? changed : r->keys.rows + r->keys.beyond;
	r->result->changed = changed;
	r->result->work_us = sg_clock_us() - r->started_us;
	tell_size(r, spawned_us);
	return SG_BATCH_DONE;
}

static enum sg_batch_end finish_empty(struct round *r, struct sg_err *err)
{
	/* Rows that were there when the range was made are gone. */
	sg_buf_adds(&r->lane->session.pending, "SET LOCAL ROLE NONE;");
	sg_ranges_finish(&r->lane->session.pending, &r->backfill->ranges, &r->claim.range, 0, r->arena);
	return commit(r, err) != 0 ? SG_BATCH_FAILED : SG_BATCH_DONE;
}

static enum sg_batch_end work(struct round *r, struct sg_err *err)
{
	struct sg_lane *lane = r->lane;
	struct sg_verdict_key *verdict = &lane->verdict;
	struct sg_key_span span;
	sg_key_values at;

	if (claim(r, err) != 0)
		return SG_BATCH_FAILED;
	r->result->claimed = r->claim.what;
	r->result->paused_by = r->claim.paused_by;
	if (r->claim.what != SG_CLAIMED_RANGE) {
		sg_session_rollback(&lane->session);
		return SG_BATCH_NO_RANGE;
	}
	remember_range(r);
	if (lane->begun != NULL)
		lane->begun(lane, lane->session.backend);
	if (lock_table(r, err) != 0) {
		if (strcmp(err->sqlstate, "42501") == 0 && !lane->no_lock) {
			/* Its rows are only read, perhaps. */
			lane->no_lock = true;
			sg_err_clear(err);
			drop(lane);
			return SG_BATCH_SPLIT;
		}
		if (err->class != SG_CLASS_LOCKED)
			return SG_BATCH_FAILED;
		r->result->text = sg_arena_strdup(r->arena, r->executor.waited_on);
		sg_err_clear(err);
		drop(lane);
		return SG_BATCH_BLOCKED;
	}
	r->limit = sg_size_next(&lane->size);
	if (r->backfill->drain)
		return send_batch(r, err);
	if (find_cut(r, &at, err) != 0)
		return SG_BATCH_FAILED;
	if (at != NULL) {
		sg_buf_adds(&lane->session.pending, "SET LOCAL ROLE NONE;");
		sg_ranges_cut(&lane->session.pending, &r->backfill->ranges, &r->claim.range, at, r->arena);
		return commit(r, err) != 0 ? SG_BATCH_FAILED : SG_BATCH_CUT;
	}
	span = span_of(&r->claim.range);
	if (verdict->key != NULL)
		r->limit = 1;
	if (sg_key_next(lane->session.db, &r->backfill->key, &span, r->limit, r->arena, &r->keys, err) != 0)
		return SG_BATCH_FAILED;
	if (verdict->key != NULL && verdict->range == r->claim.range.no && r->keys.firsts != NULL &&
	    same_key(r->backfill, r->keys.firsts, verdict->key)) {
		sg_buf_adds(&lane->session.pending, "SET LOCAL ROLE NONE;");
		return pass_over(r, err);
	}
	verdict->key = NULL;
	return r->keys.firsts == NULL ? finish_empty(r, err) : send_batch(r, err);
}

enum sg_batch_end sg_batch_run(struct sg_lane *lane, struct sg_arena *arena, struct sg_batch_result *result_r,
                               struct sg_err *err)
{
	struct round r = { .lane = lane, .backfill = lane->backfill, .step = *lane->backfill->step, .arena = arena,
		           .result = result_r, .started_us = sg_clock_us() };
	enum sg_batch_end end;

	memset(result_r, 0, sizeof *result_r);
	/* Who looks for a lock's key has waited already: the application gets through sooner. */
	if (lane->size.suspect > 0 || lane->deferred_before != NULL) {
		int least = r.step.backfill.lock_ms < LEAST_LOCK_MS ? r.step.backfill.lock_ms : LEAST_LOCK_MS;

		r.step.backfill.lock_ms /= 10;
		if (r.step.backfill.lock_ms < least)
			r.step.backfill.lock_ms = least;
	}
	sg_executor_init(&r.executor, r.backfill->run, &r.step, &lane->session, lane->process, &lane->watch,
	                 r.step.backfill.lock_ms, arena);
	end = work(&r, err);
	if (end == SG_BATCH_EMPTY)
		sg_session_rollback(&lane->session);
	if (end == SG_BATCH_FAILED) {
		drop(lane);
		sg_err_step(err, r.step.id);
	}
	sg_session_unwatch(&lane->session);
	return end;
}
