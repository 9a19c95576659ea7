/* rows_types.c - see rows_parts.h: ways to make a value of a type out of a row's number.
 *
 * What is built into the server is a table; what is made of other types (domains, arrays, ranges, composite types) is made
 * of their ways; of a type of an extension that is not known by name, the commonest forms of a text are offered, and the
 * server says which it takes. Never random, never of today: the same number gives the same value. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/rehearse/rows_parts.h"

#define DEEPEST 8
#define LABELS 200

void rows_ways_add(struct rows *rows, struct rows_ways *ways, const char *sql, int64_t distinct)
{
	ways->list = sg_arena_grow(&rows->scratch, ways->list, &ways->capacity, ways->count + 1, sizeof *ways->list);
	ways->list[ways->count++] = (struct rows_way){ sql, distinct };
}

/* "$i" to ROWS_I, in place. */
static const char *numbered(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++)
		if (from[0] == '$' && from[1] == 'i') {
			*to++ = ROWS_I[0];
			from++;
		} else
			*to++ = *from;
	*to = '\0';
	return text;
}

void rows_ways_addf(struct rows *rows, struct rows_ways *ways, int64_t distinct, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	rows_ways_add(rows, ways, numbered(sg_arena_vprintf(&rows->scratch, format, args)), distinct);
	va_end(args);
}

/* ---- what the server brings ---- */

static const struct builtin {
	const char *name;
	int64_t distinct;
	const char *sql;
} builtins[] = {
	{ "bool", 2, "($i % 2 = 1)" }, { "bool", 1, "false" }, { "bool", 1, "true" },
	{ "int2", 32767, "(($i - 1) % 32767 + 1)::int2" },
	{ "int4", 2147483647, "(($i - 1) % 2147483647 + 1)::int4" },
	{ "int8", 0, "($i)" },
	{ "float4", 16777216, "(($i - 1) % 16777216 + 1)::float4" },
	{ "float8", 0, "($i)::float8" },
	{ "money", 0, "($i)::numeric::money" },
	{ "oid", 2147483647, "(($i - 1) % 2147483647 + 1)::oid" },
	{ "\"char\"", 26, "chr((97 + ($i - 1) % 26)::int4)::\"char\"" },
	{ "name", 0, "('word_' || $i)::name" },
	{ "bytea", 0, "decode(lpad(to_hex($i), 16, '0'), 'hex')" },
	{ "date", 3650, "(DATE '2024-01-01' - (($i - 1) % 3650)::int4)" },
	{ "date", 2000000, "(DATE '2024-01-01' - (($i - 1) % 2000000)::int4)" },
	{ "timestamp", 0, "(TIMESTAMP '2024-01-01 00:00:00' - $i * INTERVAL '1 minute')" },
	{ "timestamp", 2000000, "(TIMESTAMP '2024-01-01 00:00:00' - (($i - 1) % 2000000) * INTERVAL '1 day')" },
	{ "timestamptz", 0, "(TIMESTAMPTZ '2024-01-01 00:00:00+00' - $i * INTERVAL '1 minute')" },
	{ "timestamptz", 2000000, "(TIMESTAMPTZ '2024-01-01 00:00:00+00' - (($i - 1) % 2000000) * INTERVAL '1 day')" },
	{ "time", 86400, "(TIME '00:00:00' + (($i - 1) % 86400) * INTERVAL '1 second')" },
	{ "timetz", 86400, "(TIMETZ '00:00:00+00' + (($i - 1) % 86400) * INTERVAL '1 second')" },
	{ "interval", 0, "($i * INTERVAL '1 second')" }, { "interval", 0, "($i * INTERVAL '1 year')" },
	{ "uuid", 0, "('00000000-0000-4000-8000-' || lpad(to_hex($i), 12, '0'))::uuid" },
	{ "json", 0, "('{\"n\": ' || $i || '}')::json" }, { "json", 0, "('[' || $i || ']')::json" },
	{ "json", 1, "'{}'::json" },
	{ "jsonb", 0, "('{\"n\": ' || $i || '}')::jsonb" }, { "jsonb", 0, "('[' || $i || ']')::jsonb" },
	{ "jsonb", 0, "to_jsonb('word ' || $i)" }, { "jsonb", 1, "'{}'::jsonb" },
	{ "jsonpath", 0, "('$.n' || $i)::jsonpath" },
	{ "xml", 0, "('<row n=\"' || $i || '\"/>')::xml" },
	{ "inet", 16777216, "(INET '10.0.0.0' + ($i - 1) % 16777216)" },
	{ "cidr", 16777216, "(INET '10.0.0.0' + ($i - 1) % 16777216)::cidr" },
	{ "macaddr", 4294967296, "('0200' || lpad(to_hex($i % 4294967296), 8, '0'))::macaddr" },
	{ "macaddr8", 0, "lpad(to_hex($i), 16, '0')::macaddr8" },
	{ "point", 0, "point(($i)::float8, ($i)::float8)" },
	{ "line", 0, "line(point(0, ($i)::float8), point(1, ($i)::float8))" },
	{ "lseg", 0, "lseg(point(0, ($i)::float8), point(1, ($i)::float8))" },
	{ "box", 0, "box(point(($i)::float8, 0), point(($i)::float8 + 0.5, 1))" },
	{ "path", 0, "('[(0,' || $i || '),(1,1)]')::path" },
	{ "polygon", 0, "polygon(box(point(($i)::float8, 0), point(($i)::float8 + 0.5, 1)))" },
	{ "circle", 0, "circle(point(($i)::float8, 0), 0.25)" },
	{ "tsvector", 0, "('word:1 w' || $i || ':2')::tsvector" },
	{ "tsquery", 0, "('w' || $i)::tsquery" },
	{ "pg_lsn", 0, "('0/' || to_hex($i % 4294967296))::pg_lsn" },
	{ "xid", 2147483647, "(($i % 2147483647)::text)::xid" }, { "cid", 2147483647, "(($i % 2147483647)::text)::cid" },
	{ "xid8", 0, "(($i)::text)::xid8" },
	{ "tid", 0, "('(' || $i % 2147483647 || ',1)')::tid" },
	{ "txid_snapshot", 0, "($i || ':' || $i || ':')::txid_snapshot" },
	{ "pg_snapshot", 0, "($i || ':' || $i || ':')::pg_snapshot" },
	{ "int2vector", 32767, "((($i - 1) % 32767 + 1)::text)::int2vector" },
	{ "oidvector", 2147483647, "((($i - 1) % 2147483647 + 1)::text)::oidvector" },
	{ "refcursor", 0, "('word ' || $i)::refcursor" },
	{ "regclass", 1, "'pg_catalog.pg_class'::regclass" }, { "regtype", 1, "'pg_catalog.int4'::regtype" },
	{ "regproc", 1, "'pg_catalog.now'::regproc" }, { "regprocedure", 1, "'pg_catalog.now()'::regprocedure" },
	{ "regoper", 1, "'pg_catalog.||/'::regoper" },
	{ "regoperator", 1, "'pg_catalog.+(integer,integer)'::regoperator" },
	{ "regrole", 1, "current_user::regrole" }, { "regnamespace", 1, "'pg_catalog'::regnamespace" },
	{ "regconfig", 1, "'pg_catalog.simple'::regconfig" }, { "regdictionary", 1, "'pg_catalog.simple'::regdictionary" },
	{ "regcollation", 1, "'pg_catalog.\"C\"'::regcollation" },
	{ "regdatabase", 1, "current_database()::regdatabase" },
};

static void builtin(struct rows *rows, const char *name, struct rows_ways *ways)
{
	for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
		if (strcmp(builtins[i].name, name) == 0)
			rows_ways_addf(rows, ways, builtins[i].distinct, "%s", builtins[i].sql);
}

static int64_t power(int64_t base, int exponent)
{
	int64_t value = 1;

	while (exponent-- > 0 && value <= INT64_C(1000000000000000000) / base)
		value *= base;
	return value;
}

/* A text of at most `limit` characters; 0: of any length. */
static void text(struct rows *rows, int limit, struct rows_ways *ways)
{
	struct sg_buf sql = SG_BUF_INIT;
	int digits = 1;

	for (int64_t n = rows->n; n >= 10; n /= 10)
		digits++;
	if (limit == 0 || limit >= 5 + digits) {
		rows_ways_addf(rows, ways, 0, "('word ' || $i)");
		return;
	}
	if (limit >= digits) {
		rows_ways_addf(rows, ways, 0, "(($i)::text)");
		return;
	}
	for (int i = limit - 1; i >= 0; i--)
		sg_buf_addf(&sql, "%schr((65 + ((" ROWS_I " - 1) / %lld) %% 26)::int4)", i == limit - 1 ? "(" : " || ",
		            (long long)power(26, i));
	sg_buf_addc(&sql, ')');
	rows_ways_add(rows, ways, sg_arena_strdup(&rows->scratch, sql.data), power(26, limit));
	sg_buf_release(&sql);
}

/* pg_type.c's typmod of numeric: precision above 16 bits, scale in the 11 below (a signed number since version 15). */
static void numeric(struct rows *rows, int typmod, struct rows_ways *ways)
{
	int precision, scale;
	int64_t most;

	if (typmod < 4) {
		rows_ways_addf(rows, ways, 0, "($i)::numeric");
		return;
	}
	precision = ((typmod - 4) >> 16) & 0xffff;
	scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
	most = power(10, precision > 17 ? 17 : precision) - 1;
	rows_ways_addf(rows, ways, most, "((($i - 1) %% %lld + 1)::numeric * 1e%d)", (long long)most, -scale);
}

static void bits(struct rows *rows, int length, bool varying, struct rows_ways *ways)
{
	int wide = length < 1 ? (varying ? 64 : 1) : length;
	int64_t most = wide >= 62 ? 0 : power(2, wide);

	if (varying && wide > 64)
		wide = 64;
	rows_ways_addf(rows, ways, most, "($i)::bit(%d)%s", wide, varying ? "::varbit" : "");
}

/* True if it is a type of the server's own that a length or precision says more about. */
static bool sized(struct rows *rows, const char *name, int typmod, struct rows_ways *ways)
{
	if (strcmp(name, "text") == 0)
		text(rows, 0, ways);
	else if (strcmp(name, "varchar") == 0 || strcmp(name, "bpchar") == 0)
		text(rows, typmod > 4 ? typmod - 4 : 0, ways);
	else if (strcmp(name, "numeric") == 0)
		numeric(rows, typmod, ways);
	else if (strcmp(name, "bit") == 0)
		bits(rows, typmod, false, ways);
	else if (strcmp(name, "varbit") == 0)
		bits(rows, typmod, true, ways);
	else
		return false;
	return true;
}

/* A type of an extension: by its name, else what texts often look like. The server judges. */
static void foreign(struct rows *rows, const char *name, const char *type, int typmod, struct rows_ways *ways)
{
	static const char *const forms[] = {
		"(($i)::text)", "('word' || $i)", "('(' || $i || ',1)')", "('{' || $i || '}')", "('[' || $i || ']')", "('1.0.' || $i)",
		"('POINT(' || $i % 180 || ' ' || $i % 90 || ')')", "('SRID=4326;POINT(' || $i % 180 || ' ' || $i % 90 || ')')",
		"('LINESTRING(0 0,1 ' || $i % 90 || ')')", "('SRID=4326;LINESTRING(0 0,1 ' || $i % 90 || ')')",
		"('POLYGON((0 0,0 1,1 ' || $i % 90 + 1 || ',0 0))')", "('SRID=4326;POLYGON((0 0,0 1,1 ' || $i % 90 + 1 || ',0 0))')",
		"('SRID=4326;MULTIPOLYGON(((0 0,0 1,1 ' || $i % 90 + 1 || ',0 0)))')", "('SRID=3857;POINT(' || $i || ' 1)')",
	};
	struct sg_buf sql = SG_BUF_INIT;

	if (strchr(type, ROWS_I[0]) != NULL)
		return;
	if (strcmp(name, "citext") == 0)
		rows_ways_addf(rows, ways, 0, "('word ' || $i)");
	else if (strcmp(name, "hstore") == 0)
		rows_ways_addf(rows, ways, 0, "('n=>' || $i)");
	else if (strcmp(name, "ltree") == 0)
		rows_ways_addf(rows, ways, 0, "('top.n' || $i)");
	else if (strcmp(name, "vector") == 0 || strcmp(name, "halfvec") == 0)
		rows_ways_addf(rows, ways, 0, "('[' || $i %% 60000 || repeat(',1', %d) || ']')", typmod > 0 ? typmod - 1 : 2);
	else if (strcmp(name, "sparsevec") == 0)
		rows_ways_addf(rows, ways, 0, "('{1:' || $i || '}/%d')", typmod > 0 ? typmod : 3);
	else
		for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
			rows_ways_addf(rows, ways, strstr(forms[i], "90") != NULL ? 1 : 0, "%s", forms[i]);
	for (size_t i = 0; i < ways->count; i++) {
		sg_buf_clear(&sql);
		sg_buf_addf(&sql, "%s::text::%s", ways->list[i].sql, type);
		ways->list[i].sql = sg_arena_strdup(&rows->scratch, sql.data);
	}
	sg_buf_release(&sql);
}

/* ---- what is made of other types ---- */

static int labels(struct rows *rows, const char *oid, const char *type, struct rows_ways *ways, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int count = 0;

	if (sg_db_query(rows->db, "SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = $1::oid ORDER BY enumsortorder", 1, &oid,
	                &rows->scratch, &result, err) != 0)
		return -1;
	sg_buf_adds(&sql, "(ARRAY[");
	for (int i = 0; i < sg_result_rows(result) && count < LABELS; i++)
		if (strchr(sg_result_value(result, i, 0), ROWS_I[0]) == NULL)
			sg_buf_addf(&sql, "%s%s", count++ ? ", " : "", sg_db_literal(&rows->scratch, sg_result_value(result, i, 0)));
	sg_buf_addf(&sql, "]::%s[])[(" ROWS_I " - 1) %% %d + 1]", type, count);
	if (count > 0)
		rows_ways_add(rows, ways, sg_arena_strdup(&rows->scratch, sql.data), count);
	sg_buf_release(&sql);
	return 0;
}

/* The way with the most values. */
static const struct rows_way *widest(const struct rows_ways *ways)
{
	const struct rows_way *best = ways->list;

	for (size_t i = 1; i < ways->count && best->distinct != 0; i++)
		if (ways->list[i].distinct == 0 || ways->list[i].distinct > best->distinct)
			best = &ways->list[i];
	return best;
}

/* The way's expression with another number in it. */
static const char *at(struct rows *rows, const char *sql, const char *number)
{
	struct sg_buf buf = SG_BUF_INIT;
	const char *text;

	for (; *sql != '\0'; sql++)
		if (*sql == ROWS_I[0])
			sg_buf_adds(&buf, number);
		else
			sg_buf_addc(&buf, *sql);
	text = sg_arena_strdup(&rows->scratch, buf.data);
	sg_buf_release(&buf);
	return text;
}

/* Ranges do not overlap: each begins where its neighbour ends. */
static int range(struct rows *rows, const char *subtype, const char *type, int depth, struct rows_ways *ways, struct sg_err *err)
{
	struct rows_ways inner = { 0 };
	const struct rows_way *way;
	const char *low, *high;

	if (rows_type_ways(rows, subtype, -1, depth, &inner, err) != 0)
		return -1;
	if (inner.count == 0)
		return 0;
	way = widest(&inner);
	low = at(rows, way->sql, ROWS_I);
	high = at(rows, way->sql, "(" ROWS_I " + 1)");
	rows_ways_add(rows, ways, sg_arena_printf(&rows->scratch, "%s(least(%s, %s), greatest(%s, %s))", type, low, high, low, high),
	              way->distinct == 0 ? 0 : way->distinct - 1);
	return 0;
}

static int composite(struct rows *rows, const char *relation, const char *type, int depth, struct rows_ways *ways, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int64_t distinct = 1;

	if (sg_db_query(rows->db, "SELECT atttypid::text, atttypmod, format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute"
	                " WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum", 1, &relation, &rows->scratch,
	                &result, err) != 0)
		return -1;
	sg_buf_adds(&sql, "ROW(");
	for (int i = 0; i < sg_result_rows(result); i++) {
		struct rows_ways inner = { 0 };

		if (rows_type_ways(rows, sg_result_value(result, i, 0), (int)sg_result_int(result, i, 1), depth, &inner, err) != 0) {
			sg_buf_release(&sql);
			return -1;
		}
		sg_buf_addf(&sql, "%s(%s)::%s", i ? ", " : "", inner.count > 0 ? inner.list[0].sql : "NULL", sg_result_value(result, i, 2));
		if (inner.count > 0 && inner.list[0].distinct == 0)
			distinct = 0;
		else if (inner.count > 0 && distinct != 0 && inner.list[0].distinct > distinct)
			distinct = inner.list[0].distinct;
	}
	sg_buf_addf(&sql, ")::%s", type);
	rows_ways_add(rows, ways, sg_arena_strdup(&rows->scratch, sql.data), distinct);
	sg_buf_release(&sql);
	return 0;
}

/* Every way of another type, with a text before and after it. */
static int wrapped(struct rows *rows, const char *oid, int typmod, int depth, const char *before, const char *after,
                   struct rows_ways *ways, struct sg_err *err)
{
	struct rows_ways inner = { 0 };

	if (rows_type_ways(rows, oid, typmod, depth, &inner, err) != 0)
		return -1;
	for (size_t i = 0; i < inner.count; i++)
		rows_ways_add(rows, ways, sg_arena_printf(&rows->scratch, "%s%s%s", before, inner.list[i].sql, after), inner.list[i].distinct);
	return 0;
}

int rows_type_ways(struct rows *rows, const char *oid, int typmod, int depth, struct rows_ways *ways, struct sg_err *err)
{
	const char *const values[] = { oid, sg_arena_printf(&rows->scratch, "%d", typmod) };
	struct sg_result *result;
	const char *name, *type, *kind;

	if (depth > DEEPEST)
		return 0;
	if (sg_db_query(rows->db,
	                "SELECT CASE WHEN t.oid = '\"char\"'::regtype THEN '\"char\"' ELSE t.typname END, n.nspname = 'pg_catalog',"
	                " CASE WHEN t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A' THEN 'a'"
	                " ELSE t.typtype::text END,"
	                " format_type(t.oid, $2::int4), t.typbasetype::text, t.typtypmod, t.typelem::text, t.typrelid::text,"
	                " (SELECT r.rngsubtype::text FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),"
	                " (SELECT r.rngtypid::text FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid),"
	                " quote_ident(n.nspname) || '.' || quote_ident(t.typname)"
	                " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = $1::oid",
	                2, values, &rows->scratch, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) != 1)
		return 0;
	name = sg_result_value(result, 0, 0);
	kind = sg_result_value(result, 0, 2);
	type = sg_result_value(result, 0, 3);
	if (strchr(type, ROWS_I[0]) != NULL)
		return 0;
	switch (*kind) {
	case 'a':
		return wrapped(rows, sg_result_value(result, 0, 6), typmod, depth + 1, "ARRAY[",
		               sg_arena_printf(&rows->scratch, "]::%s", type), ways, err);
	case 'd':
		return wrapped(rows, sg_result_value(result, 0, 4), (int)sg_result_int(result, 0, 5), depth + 1, "(",
		               sg_arena_printf(&rows->scratch, ")::%s", type), ways, err);
	case 'e':
		return labels(rows, oid, type, ways, err);
	case 'c':
		return composite(rows, sg_result_value(result, 0, 7), type, depth + 1, ways, err);
	case 'r':
		return range(rows, sg_result_value(result, 0, 8), sg_result_value(result, 0, 10), depth + 1, ways, err);
	case 'm':
		return wrapped(rows, sg_result_value(result, 0, 9), -1, depth + 1,
		               sg_arena_printf(&rows->scratch, "%s(", sg_result_value(result, 0, 10)), ")", ways, err);
	case 'b':
		break;
	default:
		return 0;
	}
	if (!sg_result_true(result, 0, 1))
		foreign(rows, name, type, typmod, ways);
	else if (!sized(rows, name, typmod, ways))
		builtin(rows, name, ways);
	return 0;
}
