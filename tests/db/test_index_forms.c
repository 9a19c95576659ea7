/*
 * Every form in which an index can be written, at a server: what a section is accepted for is what the server makes, and on the next
 * look it is what was wanted.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

static const char tables[] =
    "CREATE SCHEMA \"My.Own\"; CREATE SCHEMA crm;"
    "CREATE TABLE t (id int, a text, b text, \"Select\" int, \"X y\" text, tags text[], data jsonb, at timestamptz, n int[], span int4range,"
    " email varchar(100));"
    "CREATE TABLE \"My.Own\".\"a \"\"b\" (\"On\" int);"
    "CREATE TABLE crm.\"Leads\" (a int, \"C\" text);"
    "CREATE TABLE \"using\" (a int);"
    "CREATE FUNCTION f(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1 || $2';"
    "INSERT INTO t SELECT g, 'a' || g, 'b', g, 'x', '{a}', '{\"a\": 1}', now(), '{1}', '[1,3)', 'e' FROM generate_series(1, 200) g";

static const struct {
    const char *section, *definition; /* what the server says, behind CREATE */
} forms[] = {
    {"[index i1]\ntable = t\ncolumns = a COLLATE \"C\" DESC NULLS LAST, lower(b), (a || '-' || b), \"X y\"\n"
     "opclass = default text_pattern_ops, default, text_pattern_ops\ninclude = id, at\nwith = fillfactor = 70, deduplicate_items = off\n"
     "where = id > 0 /* open */ AND b <> ');'\n",
     "INDEX i1 ON public.t USING btree (a COLLATE \"C\" DESC NULLS LAST, lower(b) text_pattern_ops, (((a || '-'::text) || b)),"
     " \"X y\" text_pattern_ops) INCLUDE (id, at) WITH (fillfactor='70', deduplicate_items=off) WHERE ((id > 0) AND (b <> ');'::text))"},
    {"[index i2]\ntable = t\ncolumns = ((data->>'a')::int), public.f(a, b), coalesce(a, b), CAST(id AS text), \"Select\"\n",
     "INDEX i2 ON public.t USING btree ((((data ->> 'a'::text))::integer), f(a, b), COALESCE(a, b), ((id)::text), \"Select\")"},
    {"[index i3]\ntable = t\ncolumns = (n[1]), (array[a, b])\n", "INDEX i3 ON public.t USING btree ((n[1]), (ARRAY[a, b]))"},
    {"[index i4]\ntable = t\ncolumns = data\nmethod = gin\nopclass = jsonb_path_ops\nwith = fastupdate = off, gin_pending_list_limit = 256\n",
     "INDEX i4 ON public.t USING gin (data jsonb_path_ops) WITH (fastupdate=off, gin_pending_list_limit='256')"},
    {"[index i5]\ntable = t\ncolumns = at\nmethod = brin\nopclass = timestamptz_minmax_multi_ops(values_per_range = 16)\n"
     "with = pages_per_range = 32, autosummarize\n",
     "INDEX i5 ON public.t USING brin (at timestamptz_minmax_multi_ops (values_per_range='16')) WITH (pages_per_range='32',"
     " autosummarize='true')"},
    {"[index i6]\ntable = t\ncolumns = a\nmethod = hash\nwith = fillfactor = '90'\n", "INDEX i6 ON public.t USING hash (a) WITH (fillfactor='90')"},
    {"[index i7]\ntable = t\ncolumns = span\nmethod = gist\ninclude = id\nwith = buffering = auto\n",
     "INDEX i7 ON public.t USING gist (span) INCLUDE (id) WITH (buffering=auto)"},
    {"[index i8]\ntable = t\ncolumns = span\nmethod = spgist\n", "INDEX i8 ON public.t USING spgist (span)"},
    {"[index i9]\ntable = t\ncolumns = a /* one, */, /* ( */ b\nwhere = a = 'x''y--z' or b = E'\\'' or b = $$$$;)$$$$ or U&'d\\0061t' = a\n",
     "INDEX i9 ON public.t USING btree (a, b) WHERE ((a = 'x''y--z'::text) OR (b = ''''::text) OR (b = ';)'::text) OR ('dat'::text = a))"},
    {"[index i10]\ntable = t\ncolumns = a, a\nopclass = default text_pattern_ops\nunique = yes\n",
     "UNIQUE INDEX i10 ON public.t USING btree (a, a text_pattern_ops)"},
    {"[index I11]\nsql = CREATE INDEX CONCURRENTLY \"I11\" ON \"My.Own\".\"a \"\"b\" (\"On\")\n",
     "INDEX \"I11\" ON \"My.Own\".\"a \"\"b\" USING btree (\"On\")"},
    {"[index i12]\ntable = crm.Leads\nsql = create unique index concurrently if not exists i12 on crm.\"Leads\" using btree\n"
     "  (a desc, \"C\" collate \"C\") where a > 0;\n",
     "UNIQUE INDEX i12 ON crm.\"Leads\" USING btree (a DESC, \"C\" COLLATE \"C\") WHERE (a > 0)"},
    {"[index i13]\ntable = using\ncolumns = a\n", "INDEX i13 ON public.\"using\" USING btree (a)"},
    {"[index i14]\ntable = t\ncolumns = ((true))\nwhere = id < 0\nunique = yes\n", "UNIQUE INDEX i14 ON public.t USING btree ((true)) WHERE (id < 0)"},
    {"[index i15]\ntable = t\ncolumns = email text_pattern_ops, U&\"d\\0061ta\" jsonb_ops\n",
     "INDEX i15 ON public.t USING btree (email text_pattern_ops, data)"},
    {"[index i16]\ntable = t\ncolumns = (id between 1 and 2), (a is not null), (case when id > 1 then a else b end)\n", NULL},
    {"[index i17]\ntable = t\ncolumns = extract(year from at at time zone 'UTC'), \"Select\"\n", NULL},
    {"[index i18]\ntable = t\ncolumns = tags array_ops, n\nmethod = gin\n", "INDEX i18 ON public.t USING gin (tags, n)"},
    {"[index long]\nname = idx_its_name_is_longer_than_what_a_section_has_room_for_in_all\ntable = t\ncolumns = id\n",
     "INDEX idx_its_name_is_longer_than_what_a_section_has_room_for_in_all ON public.t USING btree (id)"}};
enum { FORMS = sizeof forms / sizeof *forms };

SG_TEST(what_is_accepted_is_what_is_made)
{
    struct sg_server *server = sg_server_shared();
    const char *db = sg_server_new_db(server), *file, *before = NULL, *all = "";
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));
    const char *text = sg_test_strf("[database]\ndsn = %s\n", sg_server_conninfo(server, db, NULL));

    for (size_t i = 0; i < FORMS; i++)
        text = sg_test_strf("%s%s", text, forms[i].section);
    file = sg_tmp_write("m.ini", text);
    sg_sql_exec(sql, tables);
    for (int round = 1; round <= 2; round++) {
        struct sg_run_result run = sg_run_args(sg_test_built("sgrun"), "--manifest", file, "deploy", "--strict");

        T_EQ_STR(run.exit == 0 ? "" : run.err, "");
        T_EQ_STR(sg_sql_rows(sql, "SELECT name, state, message FROM sgrun.indexes WHERE state <> 'valid'"), "");
        T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM sgrun.indexes"), FORMS);
        all = sg_sql_rows(sql, "SELECT indexrelid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indisvalid AND indexrelid >= 16384"
                               " AND indrelid::regclass::text !~ '^sgrun\\.' ORDER BY 1");
        if (before != NULL)
            T_EQ_STR(all, before);
        before = all;
    }
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].definition != NULL)
            T_CONTAINS(all, sg_test_strf("|CREATE %s", forms[i].definition));
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(what_is_accepted_is_what_is_made, 180), SG_CASES_END};
static const struct sg_suite suites[] = {{"index forms", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
