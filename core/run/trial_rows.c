/* trial_rows.c - what is in the tables of a database, to be compared with another's.
 *
 * Two runs of one backfill never give the same now(), and a rolled back batch leaves a gap in a sequence: a time that is later than the
 * trial's beginning and a number beyond those that were given before stand for one another. */
#include "config.h"
#include "core/run/trial_parts.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ROWS 100000 /* to look at one by one */
#define HELD 3           /* rows of a table, at the most */

static const char read_columns[] =
	"SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),"
	" CASE WHEN n.nspname = $2 THEN c.relname::text ELSE n.nspname || '.' || c.relname END,"
	" pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, NULL),"
	" a.attidentity <> '' OR COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false),"
	" pg_catalog.clock_timestamp()::text"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	" LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
	" WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', $1) AND n.nspname NOT LIKE 'pg\\_%'"
	" ORDER BY n.nspname, c.relname, a.attnum";

/* The highest number that its sequence has given. */
static int highest(struct trial *trial, struct sg_db *db, const char *relation, const char *column, const char **text_r,
                   struct sg_err *err)
{
	struct sg_result *result;

	if (sg_db_query(db, sg_arena_printf(trial->arena, "SELECT COALESCE(pg_catalog.max(%s), 0) FROM ONLY %s", column, relation), 0,
	                NULL, trial->arena, &result, err) != 0)
		return -1;
	*text_r = sg_result_value(result, 0, 0);
	return 0;
}

static int add_column(struct trial *trial, struct sg_db *db, const struct sg_result *columns, int i, struct sg_buf *row,
                      struct sg_err *err)
{
	const char *relation = sg_result_value(columns, i, 1), *column = sg_result_value(columns, i, 3);
	const char *type = sg_result_value(columns, i, 4), *now = sg_result_value(columns, i, 6), *last;

	sg_buf_adds(row, row->length > 0 ? ", " : "ROW(");
	if (sg_result_true(columns, i, 5)) {
		if (highest(trial, db, relation, column, &last, err) != 0)
			return -1;
		sg_buf_addf(row, "CASE WHEN %s > %s THEN NULL ELSE %s END", column, last, column);
	} else if (strncmp(type, "timestamp", strlen("timestamp")) == 0) {
		sg_buf_addf(row, "CASE WHEN %s >= (%s)::timestamptz THEN NULL ELSE %s END", column, sg_db_literal(trial->arena, now), column);
	} else if (strcmp(type, "date") == 0) {
		sg_buf_addf(row, "CASE WHEN %s >= (%s)::timestamptz::date THEN NULL ELSE %s END", column, sg_db_literal(trial->arena, now),
		            column);
	} else {
		sg_buf_adds(row, column);
	}
	return 0;
}

static int add_tables(struct trial *trial, struct sg_db *db, const struct sg_result *columns, struct trial_tables *tables, struct sg_err *err)
{
	struct sg_buf row = SG_BUF_INIT;
	int count = sg_result_rows(columns), status = 0;

	for (int i = 0; status == 0 && i < count; i++) {
		status = add_column(trial, db, columns, i, &row, err);
		if (i + 1 < count && strcmp(sg_result_value(columns, i, 0), sg_result_value(columns, i + 1, 0)) == 0)
			continue;
		sg_buf_adds(&row, ")::text");
		tables->list[tables->count++] = (struct trial_table){
			.relation = sg_result_value(columns, i, 1), .shown = sg_result_value(columns, i, 2),
			.row = sg_arena_strdup(trial->arena, row.data)
		};
		sg_buf_clear(&row);
	}
	sg_buf_release(&row);
	return status;
}

int trial_tables_read(struct trial *trial, const char *base, struct trial_tables *tables_r, struct sg_err *err)
{
	const char *values[] = { trial->whole.state_schema, trial->whole.schema };
	struct sg_result *columns;
	struct sg_db *db = NULL;
	int status = -1;

	if (trial_connect(trial, base, &db, err) == 0 && sg_db_script(db, "SET TimeZone = 'UTC'", err) == 0 &&
	    sg_db_query(db, read_columns, 2, values, trial->arena, &columns, err) == 0) {
		*tables_r = (struct trial_tables){
			.list = sg_arena_array(trial->arena, (size_t)sg_result_rows(columns), sizeof *tables_r->list)
		};
		status = add_tables(trial, db, columns, tables_r, err);
	}
	sg_db_close(db);
	return status;
}

int trial_contents(struct trial *trial, const struct trial_tables *tables, const char *name, const char *const **contents_r,
                   struct sg_err *err)
{
	const char **contents = sg_arena_array(trial->arena, tables->count, sizeof *contents);
	struct sg_db *db = NULL;
	int status = trial_connect(trial, name, &db, err);

	if (status == 0)
		status = sg_db_script(db, "SET TimeZone = 'UTC'", err);
	for (size_t i = 0; status == 0 && i < tables->count; i++) {
		const struct trial_table *table = &tables->list[i];
		struct sg_result *result;

		/* of each row its hash, so that no text becomes as long as the table */
		status = sg_db_query(db, sg_arena_printf(trial->arena,
		                                         "SELECT pg_catalog.count(*) || ' ' || COALESCE(pg_catalog.md5(pg_catalog.string_agg("
		                                         "h, '' ORDER BY h COLLATE \"C\")), '') FROM (SELECT pg_catalog.md5(%s) AS h"
		                                         " FROM ONLY %s) r", table->row, table->relation), 0, NULL, trial->arena, &result, err);
		if (status == 0)
			contents[i] = sg_result_value(result, 0, 0);
	}
	sg_db_close(db);
	*contents_r = contents;
	return status;
}

/* ---- which rows were changed ------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_hashes(struct trial *trial, struct sg_db *db, const struct trial_table *table, struct sg_result **result_r, struct sg_err *err)
{
	return sg_db_query(db, sg_arena_printf(trial->arena, "SELECT pg_catalog.md5(%s), ctid FROM ONLY %s ORDER BY ctid LIMIT %d",
	                                       table->row, table->relation, MOST_ROWS), 0, NULL, trial->arena, result_r, err);
}

/* The first, one in the middle and the last of those that are gone. */
static const char *choose(struct trial *trial, const struct sg_result *old, const struct sg_result *new)
{
	size_t count = (size_t)sg_result_rows(new), gone = 0;
	const char **hashes = sg_arena_array(trial->arena, count + 1, sizeof *hashes);
	int *lost = sg_arena_array(trial->arena, (size_t)sg_result_rows(old) + 1, sizeof *lost);
	const char *where = NULL;

	for (size_t i = 0; i < count; i++)
		hashes[i] = sg_result_value(new, (int)i, 0);
	qsort(hashes, count, sizeof *hashes, by_text);
	for (int i = 0; i < sg_result_rows(old); i++) {
		const char *hash = sg_result_value(old, i, 0);

		if (count == 0 || bsearch(&hash, hashes, count, sizeof *hashes, by_text) == NULL)
			lost[gone++] = i;
	}
	for (size_t i = 0; i < HELD && i < gone; i++) {
		size_t at = gone <= HELD ? i : i * (gone - 1) / (HELD - 1);

		where = sg_arena_printf(trial->arena, "%s%s'%s'::pg_catalog.tid", where != NULL ? where : "ctid IN (", where != NULL ? ", " : "",
		                        sg_result_value(old, lost[at], 1));
	}
	return where != NULL ? sg_arena_printf(trial->arena, "%s)", where) : NULL;
}

int trial_changed(struct trial *trial, const struct trial_tables *tables, const char *base, const char *name,
                  const char *const **where_r, struct sg_err *err)
{
	const char **where = sg_arena_array(trial->arena, tables->count, sizeof *where);
	const char *const *before, *const *after;
	struct sg_db *old = NULL, *new = NULL;
	int status = -1;

	if (trial_contents(trial, tables, base, &before, err) == 0 && trial_contents(trial, tables, name, &after, err) == 0 &&
	    trial_connect(trial, base, &old, err) == 0 && trial_connect(trial, name, &new, err) == 0 &&
	    sg_db_script(old, "SET TimeZone = 'UTC'", err) == 0 && sg_db_script(new, "SET TimeZone = 'UTC'", err) == 0)
		status = 0;
	for (size_t i = 0; status == 0 && i < tables->count; i++) {
		struct sg_result *a, *b;

		if (strcmp(before[i], after[i]) == 0)
			continue;
		status = read_hashes(trial, old, &tables->list[i], &a, err) != 0 || read_hashes(trial, new, &tables->list[i], &b, err) != 0
		                 ? -1
		                 : 0;
		if (status == 0)
			where[i] = choose(trial, a, b);
	}
	sg_db_close(old);
	sg_db_close(new);
	*where_r = where;
	return status;
}
