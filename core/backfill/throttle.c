/* throttle.c - shall the lanes hold still?
 *
 * One read-only transaction a look, of one statement that gives a row for
 * everything that there is to see (its first column says what), judged here. A
 * connection of its own, since the supervisor has no other, and everything
 * bounded: what asks after the server's health must not wait for a server that
 * is not well. What a row does not say (NULL) is never taken for a good sign. */
#include "config.h"

#include "core/backfill/throttle.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#define EVERY_MS 1000
#define TRY_AGAIN_MS 15000 /* at most, after failures */
#define CONNECT_MS 2000
#define ANSWER_MS 2000
#define STATEMENT_MS 1500
#define VACUUM_MS 30000
#define REPORT_MS 10000    /* wal_receiver_status_interval: so old a standby's word may be where nothing is written */
#define MB 1048576

/* search_path: another role's would do; not what is in it. */
#define BEGIN_LOOK \
	"BEGIN READ ONLY;SET LOCAL search_path = pg_catalog, pg_temp;SET LOCAL statement_timeout = %d;" \
	"SET LOCAL lock_timeout = %d;"

void sg_throttle_init(struct sg_throttle *throttle, struct sg_run *run, const struct sg_step *step, uint32_t table)
{
	memset(throttle, 0, sizeof *throttle);
	throttle->run = run;
	throttle->step = step;
	throttle->table = table;
	sg_session_init(&throttle->session, run, false);
	throttle->session.connect_ms = CONNECT_MS;
	sg_arena_init(&throttle->arena);
}

void sg_throttle_release(struct sg_throttle *throttle)
{
	sg_session_drop(&throttle->session);
	sg_arena_release(&throttle->arena);
	throttle->holds = throttle->unknown = NULL;
}

static enum sg_wait bounded(void *context, int64_t elapsed_ms)
{
	(void)context;
	return elapsed_ms > ANSWER_MS ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

/* ---- the question ---- */

enum { KIND, NAME, AMOUNT, MS, COLUMNS };

static void add(struct sg_buf *sql, const char *select)
{
	sg_buf_addf(sql, "%s%s", sql->length > 0 ? " UNION ALL " : "", select);
}

static void add_lag(struct sg_buf *sql)
{
	/* A receiver of WAL that replays nothing (pg_receivewal) tells what it wrote; a base backup is no standby. */
	add(sql, "SELECT CASE WHEN state IS NULL THEN 'lag?' WHEN replay_lsn IS NULL THEN 'receiver' ELSE 'lag' END,"
	         " coalesce(nullif(application_name, ''), 'pid ' || pid) || coalesce(' at ' || host(client_addr), ''),"
	         " (pg_current_wal_lsn() - coalesce(replay_lsn, write_lsn))::int8,"
	         " (extract(epoch FROM replay_lag) * 1000)::int8"
	         " FROM pg_stat_replication WHERE state IS NULL OR state IN ('streaming', 'catchup')");
	add(sql, "SELECT 'receiver', 'slot ' || slot_name,"
	         " (pg_current_wal_lsn() - coalesce(confirmed_flush_lsn, restart_lsn))::int8, NULL"
	         " FROM pg_replication_slots WHERE active AND NOT pg_has_role('pg_read_all_stats', 'USAGE')");
}

static void add_backlog(struct sg_buf *sql)
{
	add(sql, "SELECT 'slot', slot_name, (pg_current_wal_lsn() - restart_lsn)::int8, NULL"
	         " FROM pg_replication_slots WHERE restart_lsn IS NOT NULL");
	/* The end of the last archived segment, by its name (access/xlog_internal.h, XLogFromFileName). */
	add(sql, "SELECT 'archive', NULL, (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8 - CASE"
	         " WHEN a.last_archived_wal ~ '^[0-9A-F]{24}' THEN ('x' || substr(a.last_archived_wal, 9, 8))::bit(32)::int8"
	         " * 4294967296 + (('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::int8 + 1) * s.setting::int8 END, NULL"
	         " FROM pg_stat_archiver a, pg_settings s"
	         " WHERE s.name = 'wal_segment_size' AND current_setting('archive_mode') <> 'off'");
}

/* Lanes of the same step, here or on another host, wait for each other as they must. */
static void add_blocked(struct sg_buf *sql, const struct sg_throttle *throttle, const int *backends, size_t count,
                        struct sg_arena *arena)
{
	struct sg_buf pids = SG_BUF_INIT;

	for (size_t i = 0; i < count; i++)
		if (backends[i] > 0)
			sg_buf_addf(&pids, "%s%d", pids.length > 0 ? "," : "", backends[i]);
	if (pids.length > 0)
		add(sql, sg_arena_printf(arena,
		                         "SELECT 'blocked', NULL, w.pid, NULL FROM (SELECT DISTINCT pid FROM pg_locks"
		                         " WHERE NOT granted AND pid <> ALL ('{%1$s}'::int[])) w"
		                         " LEFT JOIN pg_stat_activity a ON a.pid = w.pid"
		                         " WHERE coalesce(a.application_name, '') <> left(%2$s, 63)"
		                         " AND pg_blocking_pids(w.pid) && '{%1$s}'::int[]",
		                         pids.data,
		                         sg_db_literal(arena, sg_arena_printf(arena, "sgrun:%s", throttle->step->id))));
	sg_buf_release(&pids);
}

/* A plain role sees no backend_type: a worker of the server's own has no user, and takes this lock only to vacuum or
 * analyze. pg_partition_tree would lock the table, and wait for whoever has it. */
static void add_vacuum(struct sg_buf *sql, uint32_t table, struct sg_arena *arena)
{
	add(sql, sg_arena_printf(arena,
	                         "SELECT 'vacuum', l.relation::regclass::text, l.pid, NULL"
	                         " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.usesysid IS NULL"
	                         " WHERE l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted"
	                         " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	                         " AND l.relation IN (WITH RECURSIVE t (id) AS (SELECT %" PRIu32 "::oid UNION SELECT i.inhrelid"
	                         " FROM t JOIN pg_inherits i ON i.inhparent = t.id) SELECT id FROM t)"
	                         " AND coalesce(a.query, '') NOT LIKE '%%(to prevent wraparound)'"
	                         " AND coalesce(a.query, '') NOT LIKE 'autovacuum: ANALYZE%%'",
	                         table));
}

static const char *question(const struct sg_throttle *throttle, const int *backends, size_t count, struct sg_arena *arena)
{
	const struct sg_backfill_settings *limits = &throttle->step->backfill;
	struct sg_buf sql = SG_BUF_INIT;
	const char *text;

	add(&sql, "SELECT 'now'::text, NULL::text, (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8, NULL::int8");
	if (limits->max_lag_mb > 0 || limits->max_lag_seconds > 0)
		add_lag(&sql);
	if (limits->max_wal_backlog_mb > 0)
		add_backlog(&sql);
	add_blocked(&sql, throttle, backends, count, arena);
	if (throttle->table != 0)
		add_vacuum(&sql, throttle->table, arena);
	text = sg_arena_printf(arena, BEGIN_LOOK "%s;COMMIT", STATEMENT_MS, STATEMENT_MS, sql.data);
	sg_buf_release(&sql);
	return text;
}

/* ---- the answer ---- */

/* The first that holds is the one that is named. */
static void hold(struct sg_throttle *throttle, const char *text)
{
	if (throttle->holds == NULL)
		throttle->holds = text;
}

static bool is(const struct sg_result *result, int row, const char *kind)
{
	return strcmp(sg_result_value(result, row, KIND), kind) == 0;
}

static void judge_blocked(struct sg_throttle *throttle, const struct sg_result *result)
{
	int limit = throttle->step->backfill.max_blocked, blocked = 0, first = 0;

	for (int i = 0; i < sg_result_rows(result); i++)
		if (is(result, i, "blocked") && blocked++ == 0)
			first = (int)sg_result_int(result, i, AMOUNT);
	if (blocked <= limit)
		return;
	throttle->blocking = true;
	hold(throttle, blocked == 1
	               ? sg_arena_printf(&throttle->arena, "blocked sessions: pid %d waits for this backfill (max_blocked = %d)",
	                                 first, limit)
	               : sg_arena_printf(&throttle->arena,
	                                 "blocked sessions: %d wait for this backfill, pid %d among them (max_blocked = %d)",
	                                 blocked, first, limit));
}

/* How long ago the server was where that standby is: since the first look that found it further on. */
static int64_t behind_ms(const struct sg_throttle *throttle, int64_t position, int64_t now)
{
	for (size_t i = 0; i < throttle->sample_count; i++)
		if (throttle->samples[i].lsn > position)
			return now - throttle->samples[i].ms;
	return 0;
}

static void keep_sample(struct sg_throttle *throttle, int64_t lsn, int64_t now)
{
	int64_t reach = (int64_t)throttle->step->backfill.max_lag_seconds * 1000 + REPORT_MS + 2 * EVERY_MS;
	size_t *count = &throttle->sample_count;

	/* another server, after a failover */
	if (*count > 0 && lsn < throttle->samples[*count - 1].lsn)
		*count = 0;
	if (*count > 0 && now - throttle->samples[*count - 1].ms < reach / (SG_THROTTLE_SAMPLES - 2))
		return;
	if (*count == SG_THROTTLE_SAMPLES) {
		memmove(throttle->samples, throttle->samples + 1, (SG_THROTTLE_SAMPLES - 1) * sizeof throttle->samples[0]);
		--*count;
	}
	throttle->samples[*count].ms = now;
	throttle->samples[(*count)++].lsn = lsn;
}

/* Returns whether a standby's lag cannot be seen. */
static bool judge_lag(struct sg_throttle *throttle, const struct sg_result *result)
{
	const struct sg_backfill_settings *limits = &throttle->step->backfill;
	int64_t now = sg_clock_ms(), current = 0, worst = -1, slowest = -1;
	const char *worst_name = NULL, *slowest_name = NULL;
	bool unknown = false;
	char text[32];

	for (int i = 0; i < sg_result_rows(result); i++)
		if (is(result, i, "now"))
			current = sg_result_int(result, i, AMOUNT);
	keep_sample(throttle, current, now);
	for (int i = 0; i < sg_result_rows(result); i++) {
		const char *name = sg_result_value(result, i, NAME);
		int64_t bytes = sg_result_int(result, i, AMOUNT), ms = sg_result_int(result, i, MS);

		unknown |= is(result, i, "lag?");
		if ((!is(result, i, "lag") && !is(result, i, "receiver")) || sg_result_value(result, i, AMOUNT) == NULL)
			continue;
		if (bytes > worst) {
			worst = bytes;
			worst_name = name;
		}
		if (!is(result, i, "lag"))
			continue;
		/* What nobody waits for any more was slow once: replay_lag stays until the standby tells again. */
		if (bytes == 0)
			ms = 0;
		int64_t seen = behind_ms(throttle, current - bytes, now) - REPORT_MS;
		if (seen > ms)
			ms = seen;
		if (ms > slowest) {
			slowest = ms;
			slowest_name = name;
		}
	}
	if (limits->max_lag_mb > 0 && worst > (int64_t)limits->max_lag_mb * MB)
		hold(throttle, sg_arena_printf(&throttle->arena, "replication lag: %s is %" PRId64 " MB behind (max_lag_mb = %d)",
		                               worst_name, worst / MB, limits->max_lag_mb));
	if (limits->max_lag_seconds > 0 && slowest > (int64_t)limits->max_lag_seconds * 1000) {
		sg_clock_text(slowest, text);
		hold(throttle, sg_arena_printf(&throttle->arena, "replication lag: %s is %s behind (max_lag_seconds = %d)",
		                               slowest_name, text, limits->max_lag_seconds));
	}
	return unknown;
}

/* Returns whether the backlog of the archive cannot be known. */
static bool judge_backlog(struct sg_throttle *throttle, const struct sg_result *result)
{
	int limit = throttle->step->backfill.max_wal_backlog_mb;
	bool unknown = false;

	for (int i = 0; i < sg_result_rows(result); i++) {
		const char *name = sg_result_value(result, i, NAME);
		int64_t bytes = sg_result_int(result, i, AMOUNT);
		bool archive = is(result, i, "archive");

		if (!archive && !is(result, i, "slot"))
			continue;
		if (sg_result_value(result, i, AMOUNT) == NULL)
			unknown = true;
		else if (bytes > (int64_t)limit * MB && archive)
			hold(throttle, sg_arena_printf(&throttle->arena,
			                               "WAL backlog: %" PRId64 " MB are not archived yet (max_wal_backlog_mb = %d)",
			                               bytes / MB, limit));
		else if (bytes > (int64_t)limit * MB)
			hold(throttle, sg_arena_printf(&throttle->arena,
			                               "WAL backlog: replication slot %s keeps %" PRId64 " MB (max_wal_backlog_mb = %d)",
			                               name, bytes / MB, limit));
	}
	return unknown;
}

static void judge_vacuum(struct sg_throttle *throttle, const struct sg_result *result)
{
	int64_t now = sg_clock_ms();
	int row = -1;
	char left[32];

	/* the one that is known, if it is there still */
	for (int i = 0; i < sg_result_rows(result); i++)
		if (is(result, i, "vacuum") &&
		    (row < 0 || (int)sg_result_int(result, i, AMOUNT) == throttle->vacuum_pid))
			row = i;
	if (row < 0) {
		throttle->vacuum_pid = 0;
		return;
	}
	if ((int)sg_result_int(result, row, AMOUNT) != throttle->vacuum_pid) {
		throttle->vacuum_pid = (int)sg_result_int(result, row, AMOUNT);
		throttle->vacuum_ms = now;
	}
	if (now - throttle->vacuum_ms >= VACUUM_MS)
		return;
	sg_clock_text(VACUUM_MS - (now - throttle->vacuum_ms), left);
	hold(throttle, sg_arena_printf(&throttle->arena, "autovacuum: pid %d works on %s (waiting for it for %s more)",
	                               throttle->vacuum_pid, sg_result_value(result, row, NAME), left));
}

static void judge_unknown(struct sg_throttle *throttle, bool lag, bool backlog)
{
	if (!lag && !backlog)
		return;
	throttle->unknown = sg_arena_printf(&throttle->arena, "%s%s%s", lag ? "replication lag" : "",
	                                    lag && backlog ? ", " : "", backlog ? "WAL backlog" : "");
	if (throttle->step->backfill.unknown_signal_stop)
		hold(throttle, sg_arena_printf(&throttle->arena, "not known: %s%s (unknown_signal = stop)", throttle->unknown,
		                               lag ? ", which this role may not see without pg_monitor" : ""));
	else if (!throttle->unknown_said)
		sg_log(SG_LOG_WARNING, "throttle", throttle->step->id, 0, "going on without knowing: %s%s (unknown_signal = go)",
		       throttle->unknown, lag ? ", which this role may not see without pg_monitor" : "");
	throttle->unknown_said = true;
}

/* ---- the window ---- */

static int ask_minute(struct sg_throttle *throttle, const char *zone, struct sg_arena *arena, struct sg_err *err)
{
	const char *name = zone != NULL ? sg_db_literal(arena, zone) : "current_setting('TimeZone')";
	struct sg_result *result;

	if (sg_db_script_rows(throttle->session.db,
	                      sg_arena_printf(arena,
	                                      BEGIN_LOOK "SELECT (extract(hour FROM t) * 60 + extract(minute FROM t))::int"
	                                      " FROM (SELECT clock_timestamp() AT TIME ZONE %s AS t) q;COMMIT",
	                                      STATEMENT_MS, STATEMENT_MS, name),
	                      arena, &result, err) != 0)
		return -1;
	throttle->minute = (int)sg_result_int(result, 0, 0);
	throttle->minute_ms = sg_clock_ms();
	return 0;
}

/* By the server's clock, as it was or as it must be now. */
static void judge_window(struct sg_throttle *throttle)
{
	const char *window = throttle->step->backfill.window;
	int64_t minute = throttle->minute + (sg_clock_ms() - throttle->minute_ms) / 60000;
	char text[32];
	int left;

	if (window == NULL)
		return;
	if (throttle->minute_ms == 0) {
		throttle->closed = true;
		hold(throttle, sg_arena_printf(&throttle->arena, "window: the server's time is not known yet (window = %s)", window));
	} else if (!sg_window_open(window, (int)(minute % 1440), &left)) {
		throttle->closed = true;
		sg_clock_text((int64_t)left * 60000, text);
		hold(throttle, sg_arena_printf(&throttle->arena, "window: closed for %s more (window = %s)", text, window));
	}
}

/* Returns -1 if the server could not be asked. */
static int look_window(struct sg_throttle *throttle, struct sg_arena *arena, struct sg_err *err)
{
	const char *window = throttle->step->backfill.window, *zone;

	if (window == NULL)
		return 0;
	zone = sg_window_zone(window, arena);
	if (ask_minute(throttle, zone, arena, err) == 0) {
		judge_window(throttle);
		return 0;
	}
	/* 22023, time zone "x" not recognized */
	if (zone == NULL || strcmp(err->sqlstate, "22023") != 0 || sg_db_lost(throttle->session.db))
		return -1;
	sg_err_clear(err);
	sg_db_rollback(throttle->session.db);
	throttle->closed = true;
	hold(throttle, sg_arena_printf(&throttle->arena, "window: the server knows no time zone %s (window = %s)", zone, window));
	return 0;
}

/* ---- the look ---- */

static int look(struct sg_throttle *throttle, const int *backends, size_t count, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *result;
	bool lag, backlog;

	if (sg_session_open(&throttle->session, err) != 0)
		return -1;
	sg_db_on_wait(throttle->session.db, bounded, NULL);
	if (look_window(throttle, arena, err) != 0 ||
	    sg_db_script_rows(throttle->session.db, question(throttle, backends, count, arena), arena, &result, err) != 0)
		return -1;
	SG_ASSERT(sg_result_columns(result) == COLUMNS);
	judge_blocked(throttle, result);
	lag = judge_lag(throttle, result);
	backlog = judge_backlog(throttle, result);
	judge_vacuum(throttle, result);
	judge_unknown(throttle, lag, backlog);
	return 0;
}

static int64_t pause_ms(const struct sg_throttle *throttle)
{
	int64_t ms = EVERY_MS;

	for (int i = 0; i < throttle->failures && ms < TRY_AGAIN_MS; i++)
		ms *= 2;
	return ms < TRY_AGAIN_MS ? ms : TRY_AGAIN_MS;
}

void sg_throttle_look(struct sg_throttle *throttle, const int *backends, size_t count, bool now)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;

	if (!now && throttle->looked_ms != 0 && sg_clock_ms() - throttle->looked_ms < pause_ms(throttle))
		return;
	sg_arena_reset(&throttle->arena);
	throttle->holds = throttle->unknown = NULL;
	throttle->closed = throttle->blocking = false;
	if (look(throttle, backends, count, &arena, &err) == 0) {
		throttle->failures = 0;
	} else {
		sg_session_drop(&throttle->session);
		/* Whatever was judged before it failed, the window too. */
		throttle->holds = throttle->unknown = NULL;
		throttle->closed = throttle->blocking = false;
		if (throttle->failures++ == 0)
			sg_log(SG_LOG_WARNING, "throttle", throttle->step->id, 0,
			       "the server's health cannot be asked for, trying again: %s", err.primary);
		judge_window(throttle);
		if (throttle->step->backfill.unknown_signal_stop)
			hold(throttle, "not known: the server's health cannot be asked for (unknown_signal = stop)");
	}
	throttle->looked_ms = sg_clock_ms();
	sg_err_release(&err);
	sg_arena_release(&arena);
}
