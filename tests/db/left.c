/* What a deploy leaves, as left.h says. */
#include "config.h"

#include "tests/db/left.h"

#include "tests/kit/run.h"
#include "tests/kit/server.h"

#include <stdlib.h>
#include <string.h>

/* Columns that a sequence feeds, of the application's tables. */
#define FED                                                                                                              \
    "fed AS (SELECT a.attrelid, a.attnum, a.attname FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid" \
    " AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped"                                                   \
    " AND (a.attidentity <> '' OR left(pg_get_expr(d.adbin, d.adrelid), 8) = 'nextval('))"
#define OURS "c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sgrun')"

struct before before_deploy(struct sg_sql *sql)
{
    struct before before;
    const char *query;

    sg_sql_exec(sql, "SET TimeZone = 'UTC'");
    query = sg_sql_value(sql, "WITH " FED " SELECT string_agg(format('SELECT format(''(%%L, %%L, %%s)'', %L, %L,"
                              " coalesce(max(%I), 0)) AS t FROM %s', f.attrelid::regclass, f.attname, f.attname,"
                              " f.attrelid::regclass), ' UNION ALL ') FROM fed f JOIN pg_class c ON c.oid = f.attrelid"
                              " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " OURS);
    T_MUST_NOT_NULL(query);
    before.highest = sg_sql_value(sql, sg_test_strf("SELECT string_agg(t, ', ') FROM (%s) s", query));
    before.at = sg_sql_value(sql, "SELECT clock_timestamp()");
    return before;
}

/* SQL that gives the rows of a table, each as one text without what may differ. */
static const char *rows_query(struct sg_sql *sql, const struct before *before, const char *table)
{
    const char *columns = sg_sql_value(sql, sg_test_strf(
        "WITH highest (tab, col, value) AS (VALUES %s), " FED ","
        /* where its value came from: its own sequence, or the one of the column that it refers to */
        " source AS (SELECT attrelid, attnum, attrelid AS s_rel, attname AS s_col FROM fed"
        "  UNION ALL SELECT k.conrelid, k.conkey[1], f.attrelid, f.attname FROM pg_constraint k JOIN fed f"
        "   ON f.attrelid = k.confrelid AND k.confkey = ARRAY[f.attnum] WHERE k.contype = 'f')"
        " SELECT string_agg(DISTINCT CASE"
        "  WHEN s.attrelid IS NOT NULL THEN format('CASE WHEN %%I <= %%s THEN %%1$I END AS %%1$I', a.attname, coalesce("
        "   (SELECT h.value FROM highest h WHERE h.tab = s.s_rel::regclass::text AND h.col = s.s_col), 0))"
        "  WHEN a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype)"
        "   THEN format('CASE WHEN %%I::text BETWEEN left(%%L, length(%%1$I::text)) AND clock_timestamp()::text"
        "    THEN ''deploy'' ELSE %%1$I::text END AS %%1$I',"
        "    a.attname, '%s')"
        "  ELSE quote_ident(a.attname) END, ', ') FROM pg_attribute a LEFT JOIN source s USING (attrelid, attnum)"
        " WHERE a.attrelid = '%s'::regclass AND a.attnum > 0 AND NOT a.attisdropped",
        before->highest, before->at, table));

    T_MUST_NOT_NULL(columns);
    return sg_test_strf("SELECT r::text COLLATE \"C\" AS line FROM (SELECT %s FROM %s) r", columns, table);
}

static const char *digests(struct sg_sql *sql, const struct before *before)
{
    const char *tables = sg_sql_rows(sql, "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                                          " WHERE " OURS " ORDER BY n.nspname, c.relname");
    const char *all = "";

    for (size_t len; *tables != '\0'; tables += len + (tables[len] == '\n')) {
        const char *table;

        len = strcspn(tables, "\n");
        table = sg_test_strf("%.*s", (int)len, tables);
        all = sg_test_strf("%s%s|%s\n", all, table, sg_sql_rows(sql, sg_test_strf(
            "SELECT count(*), md5(coalesce(string_agg(line, E'\\n' ORDER BY line), '')) FROM (%s) l",
            rows_query(sql, before, table))));
    }
    return all;
}

/* The lines \restrict and \unrestrict, of newer pg_dumps, hold a key that is another one each time. */
static const char *schema(const char *conninfo)
{
    struct sg_run_result run = sg_run_args(sg_server_program("pg_dump"), "--schema-only", "--dbname", conninfo);
    char *out, *to;

    T_MUST_EQ_STR(run.exit == 0 ? "" : run.err, "");
    out = to = strdup(run.out);
    T_MUST_NOT_NULL(out);
    for (const char *line = run.out; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        len += line[len] == '\n';
        if (strncmp(line, "\\restrict ", 10) != 0 && strncmp(line, "\\unrestrict ", 12) != 0) {
            memcpy(to, line, len);
            to += len;
        }
        line += len;
    }
    *to = '\0';
    run.out = sg_test_strf("%s", out);
    free(out);
    return run.out;
}

struct left left_read(struct sg_sql *sql, const char *conninfo, const struct before *before)
{
    struct left left = {.sql = sql, .before = *before};

    sg_sql_exec(sql, "SET TimeZone = 'UTC'");
    left.schema = schema(conninfo);
    left.ledger = sg_sql_rows(sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id");
    left.state = sg_sql_rows(sql, "SELECT 'backfill ' || key, state FROM sgrun.backfills UNION ALL SELECT 'index ' || name, state"
                                  " FROM sgrun.indexes UNION ALL SELECT 'range of ' || key, no::text FROM sgrun.backfill_ranges"
                                  " UNION ALL SELECT 'bad row of ' || key, row_key::text FROM sgrun.backfill_failures"
                                  " ORDER BY 1, 2");
    left.rows = digests(sql, before);
    return left;
}

/* ---- where two differ ---- */

/* The first line of A that B does not have at its place, and B's. */
static const char *first_difference(const char *a, const char *b)
{
    int number = 1;

    for (;;) {
        size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

        if (la != lb || memcmp(a, b, la) != 0 || a[la] != b[lb])
            return sg_test_strf("line %d, wanted:\n  %.*s\nis:\n  %.*s", number, (int)la, a, (int)lb, b);
        if (a[la] == '\0')
            return "";
        a += la + 1;
        b += lb + 1;
        number++;
    }
}

static const char *sorted(const struct left *left, const char *table)
{
    return sg_sql_rows(left->sql, sg_test_strf("%s ORDER BY line LIMIT 20000",
                                               rows_query(left->sql, &left->before, table)));
}

static void differing_rows(const char *what, const struct left *wanted, const struct left *is)
{
    const char *a = wanted->rows, *b = is->rows;

    while (*a != '\0' && *b != '\0') {
        size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

        if (la != lb || memcmp(a, b, la) != 0) {
            const char *table = sg_test_strf("%.*s", (int)strcspn(a, "|"), a);

            T_FAIL("%s: rows of %s: %.*s instead of %.*s\n%s", what, table, (int)lb, b, (int)la, a,
                   strncmp(a, b, strlen(table) + 1) != 0 ? "" : first_difference(sorted(wanted, table), sorted(is, table)));
        }
        a += la + 1;
        b += lb + 1;
    }
}

void left_same(const char *what, const struct left *wanted, const struct left *is)
{
    const char *schemas = first_difference(wanted->schema, is->schema);

    if (*schemas != '\0')
        T_FAIL("%s: the schema is another, %s", what, schemas);
    T_EQ_STR(is->ledger, wanted->ledger);
    T_EQ_STR(is->state, wanted->state);
    if (strcmp(wanted->rows, is->rows) != 0)
        differing_rows(what, wanted, is);
    T_EQ_STR(is->rows, wanted->rows);
}
