/* rows_source.c - see rows_parts.h: the SELECT that gives a table's rows, as its columns' ways stand now.
 *
 * The same text is tried with the rules and is inserted in the end, so what was tried is what is inserted. Parents are joined by
 * number, and the rows come in the order of i, so that the server's own numbers (serial, identity) go with it. */
#include "config.h"

#include "core/rehearse/rows_parts.h"

int rows_true(struct rows *rows, const char *sql, struct sg_err *err)
{
	struct sg_arena arena;
	struct sg_result *result;
	struct sg_err failed = SG_ERR_INIT;
	int answer = 0;

	sg_arena_init(&arena);
	if (sg_db_query(rows->db, sql, 0, NULL, &arena, &result, &failed) == 0)
		answer = sg_result_rows(result) == 0 || sg_result_value(result, 0, 0) == NULL || sg_result_true(result, 0, 0);
	else if (sg_db_lost(rows->db)) {
		sg_err_move(err, &failed);
		answer = -1;
	}
	sg_err_release(&failed);
	sg_arena_release(&arena);
	return answer;
}

/* ---- the SELECT ---- */

static void add_numbered(struct sg_buf *sql, const char *way, int64_t stride)
{
	for (; *way != '\0'; way++)
		if (*way != ROWS_I[0])
			sg_buf_addc(sql, *way);
		else if (stride == 1)
			sg_buf_adds(sql, "i");
		else
			sg_buf_addf(sql, "((i - 1) / %lld + 1)", (long long)stride);
}

void rows_add_column(struct sg_buf *sql, const struct rows_column *column)
{
	bool none = column->nulls == ROWS_NULLS_ALL || (column->key < 0 && column->way >= column->ways.count);

	if (none) {
		sg_buf_addf(sql, "NULL::%s", column->type);
		return;
	}
	if (column->nulls == ROWS_NULLS_TENTH)
		sg_buf_adds(sql, "CASE WHEN i % 10 <> 0 THEN ");
	sg_buf_adds(sql, "(");
	if (column->key >= 0)
		sg_buf_addf(sql, "p%d.k%d", column->key, column->key_column);
	else
		add_numbered(sql, column->ways.list[column->way].sql, column->stride);
	sg_buf_addf(sql, ")::%s", column->type);
	if (column->nulls == ROWS_NULLS_TENTH)
		sg_buf_adds(sql, " END");
}

/* The parent's keys, numbered; of a key whose first columns come from elsewhere, one for each value of these. */
static void add_parent(struct sg_buf *sql, const struct rows_table *table, size_t k)
{
	const struct rows_key *key = &table->keys[k];
	struct sg_buf names = SG_BUF_INIT, taken = SG_BUF_INIT, on = SG_BUF_INIT;

	for (size_t c = 0; c < key->count; c++) {
		const struct rows_column *column = rows_column_of(table, key->numbers[c]);

		sg_buf_addf(&names, "%s%s AS k%zu", c ? ", " : "", key->columns[c], c);
		if (column != NULL && column->key >= 0 && column->key != (int)k) {
			sg_buf_addf(&taken, "%s%s", taken.length ? ", " : "", key->columns[c]);
			sg_buf_addf(&on, " AND p%zu.k%zu = p%d.k%d", k, c, column->key, column->key_column);
		}
	}
	if (key->partial)
		sg_buf_addf(sql, " LEFT JOIN (SELECT DISTINCT ON (%s) %s FROM %s ORDER BY %s) AS p%zu ON true%s", taken.data, names.data,
		            key->parent, taken.data, k, on.data);
	else {
		sg_buf_addf(sql, " LEFT JOIN (SELECT row_number() OVER () AS n, k.* FROM (SELECT %s FROM %s WHERE ", names.data, key->parent);
		for (size_t c = 0; c < key->count; c++)
			sg_buf_addf(sql, "%s%s IS NOT NULL", c ? " AND " : "", key->columns[c]);
		sg_buf_adds(sql, " ORDER BY ");
		for (size_t c = 0; c < key->count; c++)
			sg_buf_addf(sql, "%s%s", c ? ", " : "", key->columns[c]);
		sg_buf_addf(sql, " LIMIT %lld) AS k) AS p%zu ON p%zu.n = (i - 1) / %lld %% %lld + 1", (long long)key->parents, k, k,
		            (long long)key->stride, (long long)key->parents);
	}
	sg_buf_release(&names);
	sg_buf_release(&taken);
	sg_buf_release(&on);
}

const char *rows_source(struct rows *rows, const struct rows_table *table, int64_t n, bool all)
{
	struct sg_buf sql = SG_BUF_INIT, generated = SG_BUF_INIT;
	const char *text;
	bool first = true, joined = false;

	sg_buf_adds(&sql, "SELECT ");
	for (size_t i = 0; i < table->column_count; i++) {
		const struct rows_column *column = &table->columns[i];

		if (column->generated != NULL) {
			sg_buf_addf(&generated, ", (%s)::%s AS %s", column->generated, column->type, column->name);
			continue;
		}
		if (column->by_server && !all)
			continue;
		sg_buf_adds(&sql, first ? "" : ", ");
		rows_add_column(&sql, column);
		sg_buf_addf(&sql, " AS %s", column->name);
		first = false;
	}
	sg_buf_addf(&sql, " FROM generate_series(1::bigint, %lld::bigint) AS g(i)", (long long)n);
	for (int partial = 0; partial < 2; partial++)
		for (size_t k = 0; k < table->key_count; k++)
			if (table->keys[k].used && table->keys[k].partial == (partial == 1)) {
				add_parent(&sql, table, k);
				joined = true;
			}
	if (joined)
		sg_buf_adds(&sql, " ORDER BY i");
	text = all && generated.length > 0 ? sg_arena_printf(&rows->scratch, "SELECT s.*%s FROM (%s) AS s", generated.data, sql.data)
	                                   : sg_arena_strdup(&rows->scratch, sql.data);
	sg_buf_release(&sql);
	sg_buf_release(&generated);
	return text;
}
