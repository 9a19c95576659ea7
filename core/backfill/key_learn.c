/* key_learn.c - a backfill's table and key, from the catalogue.
 *
 * A key is taken only if one index has it: its columns lead the index, in their
 * default order (the operator family that ORDER BY uses, the columns' own
 * collation) and in one direction. Anything less would be walked by sorting the
 * table again for each batch, so it is refused here, where it costs nothing, with
 * the index to create. All names are qualified: whoever owns the schemas of the
 * search_path must not be able to answer for the catalogue. */
#include "config.h"
#include "core/backfill/key.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/plugin/abi.h"

/* ---- what the plugin says ---- */

/* "a, b" taken apart at the commas outside of quotes; blanks around a part are the server's to judge. */
static int split(const char *columns, const char **parts, size_t *count_r, struct sg_arena *arena, struct sg_err *err)
{
	bool quoted = false;
	size_t count = 0, start = 0;

	for (size_t at = 0;; at++) {
		if (columns[at] == '"')
			quoted = !quoted;
		if (columns[at] != '\0' && (columns[at] != ',' || quoted))
			continue;
		if (count == SG_MAX_KEYS) {
			sg_err_set(err, SG_CLASS_REFUSED, "the key has more than %d columns", SG_MAX_KEYS);
			return sg_err_hint(err, "Declare fewer: the first ones of an index; rows that share them are done together.");
		}
		parts[count++] = sg_arena_strndup(arena, columns + start, at - start);
		if (columns[at] == '\0')
			break;
		start = at + 1;
	}
	*count_r = count;
	return 0;
}

/* ---- the table and its columns ---- */

/* $1 the table, $2 the parts of the key. One row a part: of the table and, as far as it is there, of its column.
 *
 * The default operator class is GetDefaultOpClass's (commands/indexcmds.c): of the type itself, else of one that it
 * is binary-coercible to, the preferred one first. */
static const char columns_sql[] =
	"SELECT c.oid, c.relkind, n.nspname, c.relname,"
	" p.said, a.attname, a.attnum, a.attnotnull,"
	" (SELECT s.conname FROM pg_catalog.pg_constraint s WHERE s.conrelid = c.oid AND s.contype = 'n'"
	"  AND s.conkey[1] = a.attnum AND NOT s.convalidated LIMIT 1),"
	" bn.nspname, b.typname, b.oid, a.attcollation, cn.nspname, l.collname,"
	" o.opcfamily, o.opcintype, op.schema, op.names,"
	" pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),"
	" pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod),"
	" (SELECT pg_catalog.quote_ident(hn.nspname) || '.' || pg_catalog.quote_ident(h.relname)"
	"  FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class h ON h.oid = i.inhrelid"
	"  JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace"
	"  WHERE c.relkind = 'r' AND i.inhparent = c.oid ORDER BY 1 LIMIT 1),"
	" (SELECT pg_catalog.quote_ident(hn.nspname) || '.' || pg_catalog.quote_ident(h.relname)"
	"  FROM pg_catalog.pg_partition_tree(c.oid) i JOIN pg_catalog.pg_class h ON h.oid = i.relid"
	"  JOIN pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace"
	"  WHERE c.relkind = 'p' AND h.relkind = 'f' ORDER BY 1 LIMIT 1)"
	" FROM (SELECT pg_catalog.to_regclass($1) AS oid) r"
	" LEFT JOIN pg_catalog.pg_class c ON c.oid = r.oid"
	" LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" CROSS JOIN LATERAL (SELECT u.no, u.part AS said, pg_catalog.parse_ident(u.part) AS idents"
	"  FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[])) WITH ORDINALITY u(part, no)) p"
	" LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	"  AND pg_catalog.array_length(p.idents, 1) = 1 AND a.attname = p.idents[1]::pg_catalog.name"
	" LEFT JOIN LATERAL (WITH RECURSIVE d AS ("
	"   SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid"
	"   UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM d JOIN pg_catalog.pg_type t"
	"   ON t.oid = d.typbasetype WHERE d.typtype = 'd')"
	"  SELECT d.oid FROM d WHERE d.typtype <> 'd') base ON true"
	" LEFT JOIN pg_catalog.pg_type b ON b.oid = base.oid"
	" LEFT JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace"
	" LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"
	" LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = l.collnamespace"
	" LEFT JOIN LATERAL (SELECT o.opcfamily, o.opcintype FROM pg_catalog.pg_opclass o"
	"  JOIN pg_catalog.pg_type t ON t.oid = o.opcintype JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod"
	"  WHERE m.amname = 'btree' AND o.opcdefault AND (t.oid = b.oid"
	"   OR t.oid = CASE WHEN b.typtype = 'e' THEN 'pg_catalog.anyenum'::pg_catalog.regtype"
	"    WHEN b.typtype = 'r' THEN 'pg_catalog.anyrange'::pg_catalog.regtype"
	"    WHEN b.typtype = 'm' THEN 'pg_catalog.anymultirange'::pg_catalog.regtype"
	"    WHEN b.typtype = 'c' THEN 'pg_catalog.record'::pg_catalog.regtype"
	"    WHEN b.typcategory = 'A' THEN 'pg_catalog.anyarray'::pg_catalog.regtype END"
	"   OR EXISTS (SELECT FROM pg_catalog.pg_cast s WHERE s.castsource = b.oid AND s.casttarget = t.oid"
	"    AND s.castmethod = 'b' AND s.castcontext = 'i'))"
	"  ORDER BY t.oid = b.oid DESC, t.typispreferred DESC LIMIT 1) o ON true"
	" LEFT JOIN LATERAL (SELECT pg_catalog.min(q.nspname::pg_catalog.text) AS schema,"
	"  pg_catalog.string_agg(e.oprname::pg_catalog.text, ' ' ORDER BY w.amopstrategy) AS names"
	"  FROM pg_catalog.pg_amop w JOIN pg_catalog.pg_operator e ON e.oid = w.amopopr"
	"  JOIN pg_catalog.pg_namespace q ON q.oid = e.oprnamespace"
	"  WHERE w.amopfamily = o.opcfamily AND w.amoplefttype = o.opcintype AND w.amoprighttype = o.opcintype"
	"  AND w.amoppurpose = 's' AND w.amopstrategy IN (1, 2, 4, 5)) op ON true"
	" ORDER BY p.no";

enum {
	OID, KIND, SCHEMA, TABLE, SAID, COLUMN, ATTNUM, NOT_NULL, NOT_VALID, TYPE_SCHEMA, TYPE, TYPE_OID, COLLATION_OID,
	COLLATION_SCHEMA, COLLATION, FAMILY, INPUT, OPERATOR_SCHEMA, OPERATORS, SHOWN, SHOWN_COLUMN, SHOWN_TYPE,
	CHILD, FOREIGN
};

static const char *kind_text(const char *kind)
{
	static const char *const kinds[][2] = {
		{ "v", "a view" }, { "m", "a materialized view" }, { "f", "a foreign table" }, { "S", "a sequence" },
		{ "i", "an index" }, { "I", "an index" }, { "c", "a composite type" }, { "t", "a TOAST table" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind, kinds[i][0]) == 0)
			return kinds[i][1];
	return "no table";
}

static const char *qualified(struct sg_arena *arena, const char *schema, const char *name)
{
	return sg_arena_printf(arena, "%s.%s", sg_db_identifier(arena, schema), sg_db_identifier(arena, name));
}

static int check_table(const char *table, const struct sg_result *result, struct sg_err *err)
{
	const char *kind = sg_result_value(result, 0, KIND);

	if (kind == NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "the backfill's table %s does not exist", table);
		return sg_err_hint(err, "Name a table in SG_BACKFILL, with its schema unless that is [database] schema.");
	}
	if (sg_result_value(result, 0, CHILD) != NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "table %s has children by inheritance: one index does not have all of its rows",
		           sg_result_value(result, 0, SHOWN));
		sg_err_detail(err, "One is %s.", sg_result_value(result, 0, CHILD));
		return sg_err_hint(err, "Use SG_DRAIN for it.");
	}
	if (sg_result_value(result, 0, FOREIGN) != NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "partition %s of %s is a foreign table, which no index here can walk",
		           sg_result_value(result, 0, FOREIGN), sg_result_value(result, 0, SHOWN));
		return sg_err_hint(err, "Declare a backfill for each of the other partitions in SG_BACKFILL.");
	}
	if (strcmp(kind, "r") == 0 || strcmp(kind, "p") == 0)
		return 0;
	sg_err_set(err, SG_CLASS_REFUSED, "%s is %s: a backfill's ranges are of a table", sg_result_value(result, 0, SHOWN),
	           kind_text(kind));
	return sg_err_hint(err, "Name the table that holds the rows in SG_BACKFILL, or use SG_DRAIN.");
}

static int check_column(const struct sg_result *result, int row, struct sg_err *err)
{
	const char *shown = sg_result_value(result, row, SHOWN), *column = sg_result_value(result, row, SHOWN_COLUMN);

	if (column == NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "table %s has no column %s, which the backfill's key names", shown,
		           sg_result_value(result, row, SAID));
		return sg_err_hint(err, "Name columns of it in SG_BACKFILL, separated by commas.");
	}
	for (int other = 0; other < row; other++) {
		if (strcmp(sg_result_value(result, other, ATTNUM), sg_result_value(result, row, ATTNUM)) != 0)
			continue;
		sg_err_set(err, SG_CLASS_REFUSED, "the backfill's key on %s names column %s twice", shown, column);
		return sg_err_hint(err, "Name it once in SG_BACKFILL.");
	}
	if (sg_result_value(result, row, OPERATORS) == NULL || sg_result_value(result, row, FAMILY) == NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "column %s of %s is of type %s, which has no order", column, shown,
		           sg_result_value(result, row, SHOWN_TYPE));
		return sg_err_hint(err, "Declare a key in SG_BACKFILL whose columns a btree index can order.");
	}
	if (!sg_result_true(result, row, NOT_NULL)) {
		sg_err_set(err, SG_CLASS_REFUSED, "column %s of %s may be NULL: rows with NULL keys are in no range", column, shown);
		return sg_err_hint(err,
		                   "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL; or declare another key in SG_BACKFILL."
		                   " Rows with NULL keys are in no range and would never be done.",
		                   shown, column);
	}
	if (sg_result_value(result, row, NOT_VALID) != NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "column %s of %s may still hold NULLs: constraint %s is not validated", column,
		           shown, sg_result_value(result, row, NOT_VALID));
		return sg_err_hint(err, "ALTER TABLE %s VALIDATE CONSTRAINT \"%s\"; Rows with NULL keys are in no range.", shown,
		                   sg_result_value(result, row, NOT_VALID));
	}
	return 0;
}

/* Row comparison takes one operator name for all columns: OPERATOR(pg_catalog.>). */
static int check_operators(const struct sg_result *result, int row, struct sg_err *err)
{
	if (sg_result_rows(result) == 1)
		return 0;
	if (strcmp(sg_result_value(result, row, OPERATOR_SCHEMA), "pg_catalog") == 0 &&
	    strcmp(sg_result_value(result, row, OPERATORS), "< <= >= >") == 0)
		return 0;
	sg_err_set(err, SG_CLASS_REFUSED,
	           "column %s of %s is of type %s, whose operators are not PostgreSQL's own: it cannot be part of a key of"
	           " several columns",
	           sg_result_value(result, row, SHOWN_COLUMN), sg_result_value(result, row, SHOWN),
	           sg_result_value(result, row, SHOWN_TYPE));
	return sg_err_hint(err, "Declare one column as the key in SG_BACKFILL; it need not be unique.");
}

/* ---- the index ---- */

/* $1 the table, then arrays with an element a column: $2 attnum, $3 operator family, $4 its input type, $5
 * collation. The one that fits best, and what of it does not fit. */
static const char index_sql[] =
	"SELECT ic.relname, i.indisunique AND i.indnkeyatts = pg_catalog.cardinality($2::pg_catalog.int2[]),"
	" i.indisvalid AND i.indisready AND i.indislive AS usable, m.amname = 'btree' AS btree, i.indpred IS NULL AS whole,"
	" f.ordered, f.collated, f.directed, f.nulls,"
	" pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(ic.relname)"
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid"
	" JOIN pg_catalog.pg_namespace n ON n.oid = ic.relnamespace"
	" JOIN pg_catalog.pg_am m ON m.oid = ic.relam"
	" CROSS JOIN LATERAL (SELECT pg_catalog.bool_and(i.indkey[u.no - 1] = u.attnum) AS leads,"
	"  pg_catalog.bool_and(o.opcfamily = u.family AND o.opcintype = u.input) AS ordered,"
	"  pg_catalog.bool_and(i.indcollation[u.no - 1] = u.coll) AS collated,"
	"  pg_catalog.count(DISTINCT i.indoption[u.no - 1] & 1) = 1 AS directed,"
	"  pg_catalog.string_agg(CASE WHEN (i.indoption[u.no - 1] & 1 = 1) <> (i.indoption[u.no - 1] & 2 = 2)"
	"   THEN 'f' ELSE 'l' END, '' ORDER BY u.no) AS nulls"
	"  FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.int2[]), pg_catalog.unnest($3::pg_catalog.oid[]),"
	"   pg_catalog.unnest($4::pg_catalog.oid[]), pg_catalog.unnest($5::pg_catalog.oid[]))"
	"   WITH ORDINALITY u(attnum, family, input, coll, no)"
	"  LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[u.no - 1]) f"
	" WHERE i.indrelid = $1::pg_catalog.oid AND i.indnkeyatts >= pg_catalog.cardinality($2::pg_catalog.int2[]) AND f.leads"
	" ORDER BY (m.amname = 'btree' AND i.indpred IS NULL AND f.ordered AND f.collated AND f.directed"
	"  AND i.indisvalid AND i.indisready AND i.indislive) DESC NULLS LAST,"
	" (m.amname = 'btree' AND i.indpred IS NULL AND f.ordered AND f.collated AND f.directed) DESC NULLS LAST,"
	" (i.indisunique AND i.indnkeyatts = pg_catalog.cardinality($2::pg_catalog.int2[])) DESC, i.indisprimary DESC,"
	" i.indnatts, i.indexrelid LIMIT 1";

enum { NAME, UNIQUE, USABLE, BTREE, WHOLE, ORDERED, COLLATED, DIRECTED, NULLS, SHOWN_NAME };

static const char *list(struct sg_arena *arena, const char *const *texts, size_t count)
{
	const char *all = texts[0];

	for (size_t i = 1; i < count; i++)
		all = sg_arena_printf(arena, "%s, %s", all, texts[i]);
	return all;
}

/* What keeps the nearest index from being walked; NULL: nothing does. */
static const char *misfit(const struct sg_result *index, bool partitioned)
{
	if (!sg_result_true(index, 0, BTREE))
		return "is no btree";
	if (!sg_result_true(index, 0, WHOLE))
		return "is partial (WHERE): it does not have all rows";
	if (!sg_result_true(index, 0, ORDERED))
		return "has another operator class than the default";
	if (!sg_result_true(index, 0, COLLATED))
		return "has another collation than the column";
	if (!sg_result_true(index, 0, DIRECTED))
		return "has columns in both directions (ASC and DESC)";
	if (!sg_result_true(index, 0, USABLE))
		return partitioned ? "is not valid: not every partition has its part of it yet"
		                   : "is not valid: it is being built, or its build failed";
	return NULL;
}

static int refuse_index(const struct sg_key *key, const struct sg_result *index, bool partitioned, struct sg_arena *arena,
                        struct sg_err *err)
{
	const char *columns = list(arena, key->names, key->count), *shown = NULL;
	bool broken = false; /* all is well with the index but its state */

	sg_err_set(err, SG_CLASS_REFUSED, "no index of %s can walk the backfill's key (%s)", key->shown, columns);
	if (sg_result_rows(index) > 0) {
		shown = sg_result_value(index, 0, SHOWN_NAME);
		broken = sg_result_true(index, 0, BTREE) && sg_result_true(index, 0, WHOLE) && sg_result_true(index, 0, ORDERED) &&
		         sg_result_true(index, 0, COLLATED) && sg_result_true(index, 0, DIRECTED);
		sg_err_detail(err, "Index %s %s.", shown, misfit(index, partitioned));
	}
	if (broken && partitioned)
		return sg_err_hint(err,
		                   "Create the index CONCURRENTLY on each partition that lacks it, and attach it:"
		                   " ALTER INDEX %s ATTACH PARTITION …;",
		                   shown);
	if (broken)
		return sg_err_hint(err, "Let its build end; where it has failed: REINDEX INDEX CONCURRENTLY %s;", shown);
	if (partitioned)
		return sg_err_hint(err,
		                   "CREATE INDEX ON %s (%s); it is built partition by partition, and writes to the table wait"
		                   " meanwhile: better create it CONCURRENTLY on each partition first.",
		                   key->shown, columns);
	return sg_err_hint(err, "CREATE INDEX CONCURRENTLY ON %s (%s);", key->shown, columns);
}

static int learn_index(struct sg_db *db, const struct sg_result *columns, struct sg_arena *arena, struct sg_key *key,
                       const char **nulls_r, struct sg_err *err)
{
	static const int fields[] = { ATTNUM, FAMILY, INPUT, COLLATION_OID };
	const char *values[5] = { sg_result_value(columns, 0, OID) }, *of[SG_MAX_KEYS];
	bool partitioned = strcmp(sg_result_value(columns, 0, KIND), "p") == 0;
	struct sg_result *index;

	for (size_t f = 0; f < 4; f++) {
		for (size_t i = 0; i < key->count; i++)
			of[i] = sg_result_value(columns, (int)i, fields[f]);
		values[f + 1] = sg_db_text_array(arena, of, key->count);
	}
	if (sg_db_query(db, index_sql, 5, values, arena, &index, err) != 0)
		return -1;
	if (sg_result_rows(index) == 0 || misfit(index, partitioned) != NULL)
		return refuse_index(key, index, partitioned, arena, err);
	key->index = sg_result_value(index, 0, NAME);
	key->unique = sg_result_true(index, 0, UNIQUE);
	*nulls_r = sg_result_value(index, 0, NULLS);
	return 0;
}

/* ---- SQL of it ---- */

static void set_operators(struct sg_key *key, const struct sg_result *columns, struct sg_arena *arena)
{
	const char **const to[] = { &key->less, &key->less_equal, &key->greater_equal, &key->greater };
	const char *at = sg_result_value(columns, 0, OPERATORS);
	const char *schema = sg_db_identifier(arena, sg_result_value(columns, 0, OPERATOR_SCHEMA));

	for (size_t i = 0; i < 4; i++) {
		size_t length = strcspn(at, " ");

		*to[i] = sg_arena_printf(arena, "OPERATOR(%s.%.*s)", schema, (int)length, at);
		at += length + (at[length] == ' ');
	}
}

static void set_order(struct sg_key *key, const char *nulls, struct sg_arena *arena)
{
	const char **up = sg_arena_array(arena, key->count, sizeof *up);
	const char **down = sg_arena_array(arena, key->count, sizeof *down);

	/* No NULL is there, but the planner compares what is asked for with what the index promises. */
	for (size_t i = 0; i < key->count; i++) {
		up[i] = sg_arena_printf(arena, "t.%s ASC NULLS %s", key->columns[i], nulls[i] == 'f' ? "FIRST" : "LAST");
		down[i] = sg_arena_printf(arena, "t.%s DESC NULLS %s", key->columns[i], nulls[i] == 'f' ? "LAST" : "FIRST");
	}
	key->up = list(arena, up, key->count);
	key->down = list(arena, down, key->count);
}

static void set_columns(struct sg_key *key, const struct sg_result *columns, struct sg_arena *arena)
{
	const char **quoted = sg_arena_array(arena, key->count, sizeof *quoted);
	const char **names = sg_arena_array(arena, key->count, sizeof *names);
	const char **types = sg_arena_array(arena, key->count, sizeof *types);
	const char **collations = sg_arena_array(arena, key->count, sizeof *collations);

	for (size_t i = 0; i < key->count; i++) {
		int row = (int)i;

		quoted[i] = sg_db_identifier(arena, sg_result_value(columns, row, COLUMN));
		names[i] = sg_result_value(columns, row, SHOWN_COLUMN);
		types[i] = qualified(arena, sg_result_value(columns, row, TYPE_SCHEMA), sg_result_value(columns, row, TYPE));
		collations[i] = "";
		if (sg_result_value(columns, row, COLLATION) != NULL)
			collations[i] = sg_arena_printf(arena, " COLLATE %s",
			                                qualified(arena, sg_result_value(columns, row, COLLATION_SCHEMA),
			                                          sg_result_value(columns, row, COLLATION)));
	}
	key->columns = quoted;
	key->names = names;
	key->types = types;
	key->collations = collations;
}

/* What cannot be a name at all is an error of the server: 42602, 42601, 0A000 (another database), 22023. */
static int refuse_name(const char *table, const char *columns, struct sg_err *err)
{
	static const char *const states[] = { "42602", "42601", "0A000", "22023" };

	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (strcmp(err->sqlstate, states[i]) != 0)
			continue;
		err->class = SG_CLASS_REFUSED;
		sg_err_wrap(err, "the backfill's table %s or key (%s) is no name", table, columns);
		return sg_err_hint(err, "Say them in SG_BACKFILL as in SQL: \"schema.table\", \"column, column\".");
	}
	return -1;
}

int sg_key_learn(struct sg_db *db, const char *table, const char *columns, struct sg_arena *arena,
                 struct sg_key *key_r, struct sg_err *err)
{
	const char *parts[SG_MAX_KEYS], *values[2] = { table }, *nulls = NULL;
	struct sg_result *result;

	memset(key_r, 0, sizeof *key_r);
	if (split(columns, parts, &key_r->count, arena, err) != 0)
		return -1;
	values[1] = sg_db_text_array(arena, parts, key_r->count);
	if (sg_db_query(db, columns_sql, 2, values, arena, &result, err) != 0)
		return refuse_name(table, columns, err);
	if (check_table(table, result, err) != 0)
		return -1;
	for (int row = 0; row < sg_result_rows(result); row++)
		if (check_column(result, row, err) != 0 || check_operators(result, row, err) != 0)
			return -1;
	key_r->oid = (uint32_t)sg_result_int(result, 0, OID);
	key_r->table = qualified(arena, sg_result_value(result, 0, SCHEMA), sg_result_value(result, 0, TABLE));
	key_r->shown = sg_result_value(result, 0, SHOWN);
	set_columns(key_r, result, arena);
	if (learn_index(db, result, arena, key_r, &nulls, err) != 0)
		return -1;
	set_operators(key_r, result, arena);
	set_order(key_r, nulls, arena);
	return 0;
}
