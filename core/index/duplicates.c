/* duplicates.c - which keys kept a unique index from being built.
 *
 * The server names one key and stops there; whoever has to mend the data needs more. So the
 * table is read once more, as the index would see it: the same expressions and collations, only
 * the rows of its predicate, keys with NULLs left out unless NULLS NOT DISTINCT, and without
 * the children of an inheritance parent, which a partitioned table alone has as its own. One read-only
 * transaction, no longer than read_seconds, on the session that was to build: nothing is built
 * by us on this table meanwhile. What cannot be learned is said; it is never a failure of its own. */
#include "config.h"
#include "core/index/build.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/base/text.h"

#define MOST 10        /* keys that are named */
#define VALUE_CHARS 80 /* of a value */
#define LABEL_CHARS 60 /* of an expression */
#define GRACE_MS 2000  /* for the server's own time-out to arrive */
#define TOLD_MS 500

struct reading {
	struct sg_index_work *work;
	int64_t limit_ms, told_ms;
};

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct reading *reading = context;

	if (sg_clock_ms() - reading->told_ms >= TOLD_MS) {
		reading->told_ms = sg_clock_ms();
		sg_index_tell(reading->work, NULL);
	}
	if (elapsed_ms > reading->limit_ms + GRACE_MS)
		return SG_WAIT_ABANDON;
	return sg_stop_count() == 1 ? SG_WAIT_CANCEL : sg_session_stopping();
}

/* The keys, one a row, those of most rows first; beside each how many such keys there are. */
static const char *question(const struct sg_index_definition *definition, bool partitioned, struct sg_arena *arena)
{
	struct sg_buf sql = SG_BUF_INIT;
	const char *text;

	sg_buf_adds(&sql, "SELECT t.total, t.n");
	for (size_t i = 0; i < definition->key_count; i++)
		sg_buf_addf(&sql, ", pg_catalog.left(t.k%zu::text, %d)", i, VALUE_CHARS + 1);
	sg_buf_adds(&sql, " FROM (SELECT d.*, count(*) OVER () AS total FROM (SELECT ");
	for (size_t i = 0; i < definition->key_count; i++)
		sg_buf_addf(&sql, "r.k%zu, ", i);
	sg_buf_adds(&sql, "count(*) AS n FROM (SELECT ");
	for (size_t i = 0; i < definition->key_count; i++)
		sg_buf_addf(&sql, "%s(%s) AS k%zu", i > 0 ? ", " : "", definition->keys[i], i);
	sg_buf_addf(&sql, " FROM %s%s", partitioned ? "" : "ONLY ", sg_index_relation_sql(definition, arena));
	if (definition->where != NULL)
		sg_buf_addf(&sql, " WHERE (%s)", definition->where);
	/* a fence: no expression is asked of a row that the predicate leaves out */
	sg_buf_adds(&sql, " OFFSET 0) r");
	for (size_t i = 0; !definition->nulls_not_distinct && i < definition->key_count; i++)
		/* IS NOT NULL is false of a row value with a NULL in it, which is not NULL to an index */
		sg_buf_addf(&sql, "%s r.k%zu IS DISTINCT FROM NULL", i > 0 ? " AND" : " WHERE", i);
	sg_buf_adds(&sql, " GROUP BY ");
	for (size_t i = 0; i < definition->key_count; i++)
		sg_buf_addf(&sql, "%sr.k%zu", i > 0 ? ", " : "", i);
	sg_buf_adds(&sql, " HAVING count(*) > 1) d ORDER BY d.n DESC");
	for (size_t i = 0; i < definition->key_count; i++)
		sg_buf_addf(&sql, ", d.k%zu", i);
	sg_buf_addf(&sql, " LIMIT %d) t", MOST);
	text = sg_arena_strndup(arena, sql.data, sql.length);
	sg_buf_release(&sql);
	return text;
}

/* BEGIN READ ONLY, the guards, and what kind of table it is. */
static int begin(struct sg_index_work *work, struct sg_arena *arena, bool *partitioned_r, struct sg_err *err)
{
	const struct sg_index_definition *definition = work->build->definition;
	struct sg_session *session = &work->session;
	struct sg_result *result;

	if (sg_index_own_open(work, err) != 0 || sg_session_begin_look(session, arena, err) != 0)
		return -1;
	sg_session_role(session, true, arena);
	sg_buf_addf(&session->pending,
	            "SET LOCAL statement_timeout = %" PRId64 ";"
	            "SELECT c.relkind = 'p' FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)",
	            (int64_t)definition->step->policy.read_seconds * 1000,
	            sg_db_literal(arena, sg_index_relation_sql(definition, arena)));
	if (sg_session_flush_rows(session, arena, &result, err) != 0)
		return -1;
	*partitioned_r = sg_result_rows(result) > 0 && sg_result_true(result, 0, 0);
	return 0;
}

static int read_keys(struct sg_index_work *work, struct sg_arena *arena, struct sg_result **result_r, struct sg_err *err)
{
	struct reading reading = { work, (int64_t)work->build->definition->step->policy.read_seconds * 1000, 0 };
	struct sg_session *session = &work->session;
	bool partitioned;
	int status = begin(work, arena, &partitioned, err);

	if (status == 0) {
		sg_db_on_wait(session->db, on_wait, &reading);
		status = sg_db_query(session->db, question(work->build->definition, partitioned, arena), 0, NULL, arena, result_r, err);
		sg_session_unwatch(session);
	}
	if (session->db != NULL && sg_db_lost(session->db))
		sg_session_drop(session);
	else
		sg_session_rollback(session);
	if (session->db != NULL && work->own_session)
		session->backend = sg_db_pid(session->db);
	return status;
}

/* No more than that many characters of text, which may be anything, on one line. */
static void add_short(struct sg_buf *out, const char *text, size_t chars)
{
	size_t length = strlen(text), kept = sg_text_offset(text, chars);

	sg_text_add_clean(out, text, kept, false);
	if (kept < length)
		sg_buf_adds(out, "…");
}

static void add_key(struct sg_buf *out, const struct sg_index_definition *definition, const struct sg_result *result, int row)
{
	sg_buf_adds(out, "(");
	for (size_t i = 0; i < definition->key_count; i++) {
		sg_buf_adds(out, i > 0 ? ", " : "");
		add_short(out, definition->keys[i], LABEL_CHARS);
	}
	sg_buf_adds(out, ") = (");
	for (size_t i = 0; i < definition->key_count; i++) {
		const char *value = sg_result_value(result, row, (int)i + 2);

		sg_buf_adds(out, i > 0 ? ", " : "");
		if (value != NULL)
			add_short(out, value, VALUE_CHARS);
		else
			sg_buf_adds(out, "NULL");
	}
	sg_buf_addf(out, "): %s rows", sg_result_value(result, row, 1));
}

static void add_keys(struct sg_err *err, const struct sg_index_definition *definition, const struct sg_result *result)
{
	int rows = sg_result_rows(result);
	struct sg_buf text = SG_BUF_INIT;

	for (int row = 0; row < rows; row++) {
		sg_buf_adds(&text, row > 0 ? "\n" : "");
		add_key(&text, definition, result, row);
	}
	if (sg_result_int(result, 0, 0) > rows)
		sg_buf_addf(&text, "\nand %" PRId64 " more keys of several rows", sg_result_int(result, 0, 0) - rows);
	(void)sg_err_detail(err, "%s", text.data);
	sg_buf_release(&text);
}

static void add_why(struct sg_err *err, const struct sg_index_definition *definition, const struct sg_err *why)
{
	struct sg_buf text = SG_BUF_INIT;

	if (err->detail != NULL)
		sg_buf_addf(&text, "%s\n", err->detail);
	if (why == NULL)
		sg_buf_adds(&text, "No key has more than one row any more: the rows have changed since.");
	else if (strcmp(why->sqlstate, "57014") == 0 && sg_stop_count() == 0)
		sg_buf_addf(&text, "Which other keys are not unique could not be read within read_seconds (%d s).",
		            definition->step->policy.read_seconds);
	else
		sg_buf_addf(&text, "Which other keys are not unique could not be read: %s",
		            why->primary != NULL ? why->primary : sg_class_text(why->class));
	(void)sg_err_detail(err, "%s", text.data);
	sg_buf_release(&text);
}

/* The backfill that was to make the keys unique is one of those that the index requires. */
static void add_hint(struct sg_err *err, const struct sg_index_definition *definition)
{
	const struct sg_step *step = definition->step;
	struct sg_buf names = SG_BUF_INIT;
	const char *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < step->require_count; i++) {
		if (step->requires[i].kind != SG_STEP_BACKFILL)
			continue;
		sg_buf_addf(&names, "%sbackfill:%s", count++ > 0 ? ", " : "", step->requires[i].id);
		if (first == NULL)
			first = step->requires[i].id;
	}
	if (count == 0)
		(void)sg_err_hint(err, "Have a backfill make the keys unique, and name it in [index %s]: requires = backfill:KEY.",
		                  step->label);
	else if (count == 1)
		(void)sg_err_hint(err, "The index requires %s: see what it leaves, or what has come since; sgrun backfill --again %s"
		                  " has it go over all rows once more.", names.data, first);
	else
		(void)sg_err_hint(err, "The index requires %s: see what they leave, or what has come since; sgrun backfill --again KEY"
		                  " has one go over all rows once more.", names.data);
	sg_buf_release(&names);
}

void sg_index_name_duplicates(struct sg_index_work *work, struct sg_err *err)
{
	const struct sg_index_definition *definition = work->build->definition;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err why = SG_ERR_INIT;
	struct sg_result *result = NULL;

	if (definition->key_count > 0 && sg_stop_count() == 0) {
		work->doing = "looks for the duplicates";
		if (read_keys(work, &arena, &result, &why) != 0)
			add_why(err, definition, &why);
		else if (sg_result_rows(result) == 0)
			add_why(err, definition, NULL);
		else
			add_keys(err, definition, result);
	}
	work->doing = NULL;
	add_hint(err, definition);
	sg_err_release(&why);
	sg_arena_release(&arena);
}
