/* hot.c - which tables the application writes most: two readings of the server's own counters. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/exec/again.h"
#include "core/exec/session.h"
#include "core/run/audited.h"

#define HOT_PART 100 /* of all rows written, one in so many makes a table hot */

/* name, rows written; the state tables left out. In a transaction of its own, since the counters stand still within one. */
static int read_once(struct sg_session *session, struct sg_result **result_r, struct sg_err *err)
{
	struct sg_run *run = session->run;
	struct sg_arena *arena = run->arena;
	int status;

	if (sg_session_open(session, err) != 0 || sg_session_begin_look(session, arena, err) != 0)
		return -1;
	status = sg_db_query(session->db,
	                     sg_arena_printf(arena,
	                                     "SELECT CASE WHEN schemaname = %s THEN '' ELSE schemaname || '.' END || relname,"
	                                     " n_tup_ins + n_tup_upd + n_tup_del, pg_catalog.pg_is_in_recovery()"
	                                     " FROM pg_catalog.pg_stat_user_tables WHERE schemaname <> %s ORDER BY relid",
	                                     sg_db_literal(arena, run->manifest->schema),
	                                     sg_db_literal(arena, run->manifest->state_schema)),
	                     0, NULL, arena, result_r, err);
	sg_session_rollback(session);
	if (status == 0 && sg_result_rows(*result_r) > 0 && sg_result_true(*result_r, 0, 2)) {
		sg_err_set(err, SG_CLASS_STATE, "the server is a standby: it does not count what is written");
		return sg_err_hint(err, "Sample the primary, or name the tables by --hot-tables.");
	}
	return status;
}

static int read_counters(struct sg_session *session, struct sg_result **result_r, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &session->run->manifest->policy);
	while (read_once(session, result_r, err) != 0) {
		sg_session_drop(session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
	return 0;
}

/* Of one table, before: 0 if it was not there. Both readings are by oid, but tables may have come and gone. */
static int64_t before(const struct sg_result *first, int *at, const char *name)
{
	for (int row = *at; row < sg_result_rows(first); row++)
		if (strcmp(sg_result_value(first, row, 0), name) == 0) {
			*at = row + 1;
			return sg_result_int(first, row, 1);
		}
	return 0;
}

struct hot {
	const char *name;
	int64_t rows;
};

/* The busiest first. */
static void insert(struct hot *list, size_t *count, size_t most, struct hot one)
{
	size_t at = *count;

	while (at > 0 && list[at - 1].rows < one.rows)
		at--;
	if (at == most)
		return;
	*count += *count < most;
	memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
	list[at] = one;
}

static void compare(struct sg_arena *arena, const struct sg_result *first, const struct sg_result *second, size_t most,
                    const char *const **tables_r, size_t *count_r)
{
	struct hot *list = sg_arena_array(arena, most + 1, sizeof *list);
	const char **tables = sg_arena_array(arena, most + 1, sizeof *tables);
	int64_t all = 0;
	size_t count = 0;

	for (int row = 0, at = 0; row < sg_result_rows(second); row++) {
		struct hot one = { .name = sg_result_value(second, row, 0), .rows = sg_result_int(second, row, 1) };
		int64_t was = before(first, &at, one.name);

		/* fewer than before: the counters were reset meanwhile */
		one.rows -= one.rows >= was ? was : 0;
		all += one.rows;
		if (one.rows > 0)
			insert(list, &count, most, one);
	}
	*count_r = 0;
	for (size_t i = 0; i < count; i++)
		if (list[i].rows > all / HOT_PART)
			tables[(*count_r)++] = list[i].name;
	*tables_r = tables;
}

int sg_hot_tables(struct sg_run *run, int seconds, size_t most, const char *const **tables_r, size_t *count_r, struct sg_err *err)
{
	struct sg_result *first = NULL, *second = NULL;
	struct sg_session session;
	int status = -1;

	sg_session_init(&session, run, false);
	if (read_counters(&session, &first, err) == 0) {
		/* behind a pooler an idle connection is nobody's loss, but one less is better */
		sg_session_drop(&session);
		if (!sg_stop_sleep((int64_t)seconds * 1000))
			sg_stop_err(err);
		else
			status = read_counters(&session, &second, err);
	}
	sg_session_drop(&session);
	if (status == 0)
		compare(run->arena, first, second, most, tables_r, count_r);
	return status;
}
