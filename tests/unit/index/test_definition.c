/*
 * What an index's section asks for: the statement that comes of it, and every mistake that needs no server to be seen. The
 * manifest is hostile: no value may reach beyond its own part of the statement.
 */
#include "config.h"

#include "core/index/definition.h"
#include "tests/unit/manifest/read.h"

/* The definition of the only section of the text. */
static const struct sg_index_definition *define(struct sg_here here, const char *text, struct read **read_r)
{
    struct read *r = read_good(sg_test_strf(HEAD "%s", text));
    struct sg_index_definition *d = sg_arena_alloc(&r->arena, sizeof *d);
    struct sg_err err = SG_ERR_INIT;
    int result;

    sg_test_int(here, true, "sections", "==", "1", (long long)r->manifest.step_count, 1);
    result = sg_index_define(&r->manifest, r->manifest.steps, &r->arena, d, &err);
    sg_test_check(here, true, result == 0, "refused: %s", err.primary);
    if (read_r != NULL)
        *read_r = r;
    return d;
}

static const char *statement(struct sg_here here, const char *text)
{
    struct read *r;
    const struct sg_index_definition *d = define(here, text, &r);

    return sg_index_statement(d, SG_INDEX_CONCURRENTLY, d->name, sg_index_relation_sql(d, &r->arena), &r->arena);
}
#define T_BECOMES(text, sql) sg_test_str(SG_HERE_, false, true, "statement", #sql, statement(SG_HERE_, text), sql)
/* A section of table leads with these further lines. */
#define LEADS(lines) "[index i]\ntable = leads\n" lines
#define T_REST(lines, rest) T_BECOMES(LEADS(lines), "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"leads\" USING " rest)

/* All mistakes of the first section. */
static const struct sg_errs *mistakes(struct sg_here here, const char *text)
{
    struct read *r = read_good(sg_test_strf(HEAD "%s", text));
    struct sg_index_definition d;
    struct sg_err err = SG_ERR_INIT;
    int result = sg_index_judge(&r->manifest, r->manifest.steps, &r->errs);

    sg_test_int(here, true, "refused", "==", "-1", result, -1);
    sg_test_int(here, true, "refused by define, too", "==", "-1",
                sg_index_define(&r->manifest, r->manifest.steps, &r->arena, &d, &err), -1);
    sg_test_str(here, false, true, "first primary", "that of define", r->errs.list[0].primary, err.primary);
    sg_err_release(&err);
    for (size_t i = 0; i < r->errs.count; i++) {
        const struct sg_err *e = &r->errs.list[i];

        sg_test_int(here, false, "class", "==", "SG_CLASS_REFUSED", e->class, SG_CLASS_REFUSED);
        sg_test_str(here, false, true, "step", "its id", e->step, r->manifest.steps[0].id);
        sg_test_check(here, true, e->hint != NULL && (e->detail != NULL || e->statement != NULL), "not told in full: %s", e->primary);
        sg_test_check(here, false, i == 0 || r->errs.list[i - 1].line <= e->line, "line %d comes late", e->line);
    }
    return &r->errs;
}

static void one_mistake(struct sg_here here, const char *text, int line, const char *primary, const char *hint)
{
    const struct sg_errs *errs = mistakes(here, text);

    for (size_t i = 1; i < errs->count; i++)
        sg_test_check(here, false, false, "one more: %s", errs->list[i].primary);
    sg_test_str(here, false, true, "file", "etc/m.ini", errs->list[0].file, "etc/m.ini");
    sg_test_int(here, false, "line", "==", "expected", errs->list[0].line, HEAD_LINES + line);
    sg_test_contains(here, false, true, "primary", errs->list[0].primary, primary);
    sg_test_contains(here, false, true, "hint", errs->list[0].hint, hint);
}
#define T_REFUSED(text, line, primary, hint) one_mistake(SG_HERE_, text, line, primary, hint)
/* Of LEADS with columns = a in line 3 and these lines from 4 on. */
#define T_REFUSED_WITH(lines, line, primary, hint) T_REFUSED(LEADS("columns = a\n" lines), line, primary, hint)
#define T_REFUSED_COLUMNS(columns, primary, hint) T_REFUSED(LEADS("columns = " columns "\n"), 3, primary, hint)
#define T_REFUSED_SQL(sql, primary, hint) T_REFUSED("[index i]\nsql = " sql "\n", 2, primary, hint)

SG_TEST(a_section_in_full)
{
    struct read *r;
    const struct sg_index_definition *d = define(SG_HERE_,
        "[index Uq_X]\ntable = crm.Leads\ncolumns = a COLLATE \"C\" DESC NULLS LAST, lower(b), (c || '-' || d), \"X y\"\n"
        "opclass = default text_pattern_ops, default, default\nmethod = btree\ninclude = e, f\nwith = fillfactor = 70\ntablespace = fast\nunique = yes\n"
        "nulls_not_distinct = yes\nwhere = a > 0 /* open */ AND b <> ');'\ncritical = yes\n", &r);

    T_EQ_STR(d->name, "Uq_X");
    T_EQ_STR(d->schema, "crm");
    T_EQ_STR(d->table, "Leads");
    T_EQ_STR(d->relation, "crm.Leads");
    T_TRUE(d->unique && d->nulls_not_distinct && d->step->critical);
    T_EQ_STR(d->rest, "USING btree (a COLLATE \"C\" DESC NULLS LAST, lower(b) text_pattern_ops, (c || '-' || d), \"X y\") INCLUDE (e, f)"
                      " NULLS NOT DISTINCT WITH (fillfactor = 70) TABLESPACE \"fast\" WHERE a > 0 AND b <> ');'");
    T_MUST_EQ_INT(d->key_count, 4);
    T_EQ_STR(d->keys[0], "a COLLATE \"C\"");
    T_EQ_STR(d->keys[1], "lower(b)");
    T_EQ_STR(d->keys[2], "(c || '-' || d)");
    T_EQ_STR(d->keys[3], "\"X y\"");
    T_EQ_STR(d->where, "a > 0 AND b <> ');'");
    T_EQ_STR(sg_index_relation_sql(d, &r->arena), "\"crm\".\"Leads\"");
    T_EQ_STR(sg_index_statement(d, SG_INDEX_PLAIN, "x\"y", "pg_temp.t", &r->arena),
             sg_test_strf("CREATE UNIQUE INDEX \"x\"\"y\" ON pg_temp.t %s", d->rest));
    T_EQ_STR(sg_index_statement(d, SG_INDEX_ON_ONLY, "x", "t", &r->arena), sg_test_strf("CREATE UNIQUE INDEX \"x\" ON ONLY t %s", d->rest));
    T_EQ_STR(sg_index_statement(d, SG_INDEX_CONCURRENTLY, "x", "t", &r->arena),
             sg_test_strf("CREATE UNIQUE INDEX CONCURRENTLY \"x\" ON t %s", d->rest));
}

SG_TEST(what_is_right)
{
    T_REST("columns = a\n", "btree (a)");
    T_REST("columns = business_id, created_at DESC\n", "btree (business_id, created_at DESC)");
    T_REST("columns = a ASC NULLS FIRST ,b NULLS LAST\n", "btree (a ASC NULLS FIRST, b NULLS LAST)");
    T_REST("columns = ( lower(a) )\n", "btree (( lower(a) ))");
    T_REST("columns = (a), (b)\n", "btree ((a), (b))");
    T_REST("columns = ((a->>'x')::int), s.f(a, b), coalesce(a, b), CAST(a AS text), a\n",
           "btree (((a->>'x')::int), s.f(a, b), coalesce(a, b), CAST(a AS text), a)");
    T_REST("columns = (a[1]), (array[a, b]), \"Select\", naïve\n", "btree ((a[1]), (array[a, b]), \"Select\", naïve)");
    T_REST("columns = a, b\n  DESC, c\n", "btree (a, b DESC, c)");
    T_REST("columns = email text_pattern_ops DESC\n", "btree (email text_pattern_ops DESC)");
    T_REST("columns = email COLLATE pg_catalog.\"C\" \"text_ops\"\n", "btree (email COLLATE \"pg_catalog\".\"C\" text_ops)");
    T_REST("columns = name, email\nopclass = default, varchar_pattern_ops\n", "btree (name, email varchar_pattern_ops)");
    T_REST("columns = name DESC, email\nopclass = DEFAULT default\n", "btree (name DESC, email)");
    T_REST("columns = name, name\nopclass = default text_pattern_ops\n", "btree (name, name text_pattern_ops)");
    T_REST("columns = tags\nmethod = gin\n", "gin (tags)");
    T_REST("columns = data\nmethod = gin\nopclass = jsonb_path_ops\nwith = fastupdate = off, gin_pending_list_limit = 256\n",
           "gin (data jsonb_path_ops) WITH (fastupdate = off, gin_pending_list_limit = 256)");
    T_REST("columns = data ext.gin_trgm_ops(siglen = 32)\nmethod = gist\n", "gist (data \"ext\".\"gin_trgm_ops\" (siglen = 32))");
    T_REST("columns = a, b\nmethod = gist\nopclass = ext.o(siglen = 32, x='a,b') default\n", "gist (a \"ext\".\"o\" (siglen = 32, x='a,b'), b)");
    T_REST("columns = at\nmethod = brin\nwith = pages_per_range = 32, autosummarize\n", "brin (at) WITH (pages_per_range = 32, autosummarize)");
    T_REST("columns = a\nmethod = hash\nwith = fillfactor = '90'\n", "hash (a) WITH (fillfactor = '90')");
    T_REST("columns = embedding vector_l2_ops DESC, b\nmethod = hnsw\nwith = m = 16\n", "\"hnsw\" (embedding vector_l2_ops DESC, b) WITH (m = 16)");
    T_REST("columns = a\ninclude = \"B\", c\nwhere = deleted_at IS NULL\n", "btree (a) INCLUDE (\"B\", c) WHERE deleted_at IS NULL");
    T_REST("columns = a /* one, */, /* ( */ b\nwhere = /* -- */ c = 'x''y--z' and d = E'\\'' and e = $$$$;)$$$$\n",
           "btree (a, b) WHERE c = 'x''y--z' and d = E'\\'' and e = $$;)$$");
    T_REST("columns = a\nwhere = at >= '2024-01-01'::date and s = 'now' and (comp).x > 0\n",
           "btree (a) WHERE at >= '2024-01-01'::date and s = 'now' and (comp).x > 0");
    T_REST("columns = ((true))\n", "btree (((true)))"); /* at most one row */
    T_REST("columns = max, count, now\nwhere = sum > 1\n", "btree (max, count, now) WHERE sum > 1"); /* columns, not calls */
    T_REST("columns = mine.sum(a)\n", "btree (mine.sum(a))");
    T_REST("columns = user_id\nwhere = a between 1 and 2 or b like 'a%' escape '!'\n", "btree (user_id) WHERE a between 1 and 2 or b like 'a%' escape '!'");
}

SG_TEST(a_whole_statement)
{
    struct read *r;
    const struct sg_index_definition *d = define(SG_HERE_,
        "[index i]\ntable = crm.Leads\nsql = create unique  index /* a */ concurrently if not exists i on crm.\"Leads\" using btree\n"
        "  (a desc, lower(b) text_pattern_ops, \"C\" collate \"C\") include (d, e) nulls not distinct\n"
        "  with (fillfactor=70) tablespace \"Fast\" where a > 0 and b <> ';';\n", &r);

    T_EQ_STR(sg_index_statement(d, SG_INDEX_CONCURRENTLY, d->name, sg_index_relation_sql(d, &r->arena), &r->arena),
             "CREATE UNIQUE INDEX CONCURRENTLY \"i\" ON \"crm\".\"Leads\" USING btree (a DESC, lower(b) text_pattern_ops, \"C\" COLLATE \"C\")"
             " INCLUDE (d, e) NULLS NOT DISTINCT WITH (fillfactor=70) TABLESPACE \"Fast\" WHERE a > 0 and b <> ';'");
    T_TRUE(d->unique && d->nulls_not_distinct);
    T_MUST_EQ_INT(d->key_count, 3);
    T_EQ_STR(d->keys[1], "lower(b)");
    T_EQ_STR(d->keys[2], "\"C\" COLLATE \"C\"");
    T_EQ_STR(d->where, "a > 0 and b <> ';'");
    T_BECOMES("[index i]\ntable = t\nsql = CREATE INDEX CONCURRENTLY i ON t USING gin (a jsonb_path_ops)\n",
              "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"t\" USING gin (a jsonb_path_ops)");
    T_BECOMES("[index i]\nsql = CREATE UNIQUE INDEX CONCURRENTLY i ON t * (a, b) NULLS DISTINCT WHERE (a) IS NOT NULL\n",
              "CREATE UNIQUE INDEX CONCURRENTLY \"i\" ON \"public\".\"t\" USING btree (a, b) WHERE (a) IS NOT NULL");
    /* names that need their quotes */
    d = define(SG_HERE_, "[index Idx]\nsql = CREATE INDEX CONCURRENTLY \"Idx\" ON \"My.Own\".\"a \"\"b\" (\"On\")\n", &r);
    T_EQ_STR(d->relation, "\"My.Own\".\"a \"\"b\"");
    T_EQ_STR(sg_index_statement(d, SG_INDEX_CONCURRENTLY, d->name, sg_index_relation_sql(d, &r->arena), &r->arena),
             "CREATE INDEX CONCURRENTLY \"Idx\" ON \"My.Own\".\"a \"\"b\" USING btree (\"On\")");
    /* a name that is longer than a section's may be */
    d = define(SG_HERE_, "[index long]\nname = idx_a_name_that_is_longer_than_the_name_of_a_section_may_be_63x\n"
                         "sql = CREATE INDEX CONCURRENTLY idx_a_name_that_is_longer_than_the_name_of_a_section_may_be_63x\n  ON t (a)\n", NULL);
    T_EQ_INT(strlen(d->name), 63);
    T_BECOMES("[index on]\nsql = CREATE INDEX CONCURRENTLY \"on\" ON \"using\" (a) TABLESPACE \"where\"\n",
              "CREATE INDEX CONCURRENTLY \"on\" ON \"public\".\"using\" USING btree (a) TABLESPACE \"where\"");
}

SG_TEST(statements_that_are_refused)
{
    T_REFUSED_SQL("CREATE INDEX i ON t (a)", "without CONCURRENTLY", "CREATE INDEX CONCURRENTLY");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON ONLY t (a)", "ON ONLY", "Leave ONLY out");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON ONLY (t) (a)", "ON ONLY", "Leave ONLY out");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY ON t (a)", "without a name", "CREATE INDEX CONCURRENTLY i ON");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY j ON t (a)", "it makes j", "one name");
    T_REFUSED("[index I]\nsql = CREATE INDEX CONCURRENTLY I ON t (a)\n", 2, "it makes i", "lower case");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY s.i ON t (a)", "syntax error", "name ON table");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON db.s.t (a)", "name of a database", "schema.table");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a); DROP TABLE t", "a semicolon", "alone");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a);;", "a semicolon", "alone");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a) -- WHERE b", "begins with --", "/*");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a) /* WHERE b", "does not end", "Close it");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a))", "closing bracket", "Close");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a", "opening bracket", "Close");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (now())", "now() is not IMMUTABLE", "the queries");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a) NULLS NOT DISTINCT", "without UNIQUE", "unique");
    T_REFUSED_SQL("CREATE UNIQUE INDEX CONCURRENTLY i ON t USING gin (a)", "unique with method gin", "btree");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t USING gin (a DESC)", "with method gin", "only a btree");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a) INCLUDE (a)", "a is here twice", "Leave one");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON i (a)", "the name of the index", "another name");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON sgrun.lease (a)", "sgrun's own", "Leave");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON pg_temp.t (a)", "of the system", "of your own");
    T_REFUSED("[index i]\nsql = CREATE INDEX CONCURRENTLY i ON t (a)\ntable = u\n", 3, "about another table", "one");
    T_REFUSED("[index i]\ntable = x.t\nsql = CREATE INDEX CONCURRENTLY i ON t (a)\n", 2, "about another table", "one");
    T_REFUSED("[index i]\ntable = T\nsql = CREATE INDEX CONCURRENTLY i ON T (a)\n", 2, "about another table", "one");
}

/* A value is a part of the statement, and cannot leave its place. */
SG_TEST(no_value_reaches_beyond_itself)
{
    T_REFUSED_COLUMNS("a) WHERE (b", "closing bracket", "in this value");
    T_REFUSED_COLUMNS("a) INCLUDE (b", "closing bracket", "in this value");
    T_REFUSED_COLUMNS("a); DROP TABLE leads; CREATE INDEX x ON leads (a", "closing bracket", "in this value");
    T_REFUSED_COLUMNS("a, (b", "opening bracket", "in this value");
    T_REFUSED_COLUMNS("a, (b]", "closing bracket", "in this value");
    T_REFUSED_COLUMNS("(a[1)]", "closing bracket", "in this value");
    T_REFUSED_COLUMNS("a; b", "semicolon", "Leave it out");
    T_REFUSED_COLUMNS("a --", "begins with --", "/*");
    T_REFUSED_COLUMNS("(a - --b\n  -1)", "begins with --", "/*");
    T_REFUSED_COLUMNS("a /*", "does not end", "Close it");
    T_REFUSED_COLUMNS("a /* /* */", "does not end", "Close it");
    T_REFUSED_COLUMNS("/* a */", "nothing but comments", "Write it");
    T_REFUSED_COLUMNS("lower('a)", "quote that is not closed", "twice");
    T_REFUSED_COLUMNS("\"a", "quote that is not closed", "twice");
    T_REFUSED_COLUMNS("(a = $$$$x)", "quote that is not closed", "twice");
    T_REFUSED_COLUMNS("(a = $$x$$)", "quote that is not closed", "twice"); /* $$ is one dollar sign in a manifest */
    T_REFUSED_COLUMNS("a,", "ends too early", "Write columns as");
    T_REFUSED_COLUMNS(", a", "syntax error", "Write columns as");
    T_REFUSED_COLUMNS("a b c", "syntax error", "Write columns as");
    T_REFUSED_COLUMNS("a = 1", "syntax error", "Write columns as");
    T_REFUSED_COLUMNS("1", "syntax error", "Write columns as");
    T_REFUSED_COLUMNS("(a, b)", "brackets around several", "Leave the outer");
    T_REFUSED_COLUMNS("((a, b))", "brackets around several", "Leave the outer");
    T_REFUSED_COLUMNS("a ccnew_a_name_that_is_longer_than_what_the_server_keeps_of_a_name_", "more than 63 bytes", "as the server keeps it");
    T_REFUSED_WITH("where = a > 0; DELETE FROM leads\n", 4, "semicolon", "Leave it out");
    T_REFUSED_WITH("where = a > 0) OR (true\n", 4, "closing bracket", "in this value");
    T_REFUSED_WITH("where = a > 0 -- and\n  b > 0\n", 4, "begins with --", "/*");
    T_REFUSED_WITH("where = WHERE a > 0\n", 4, "begins with WHERE", "Leave the word out");
    T_REFUSED_WITH("where = a >\n", 4, "ends too early", "the predicate alone");
    T_REFUSED_WITH("where = a > 0 b\n", 4, "syntax error", "the predicate alone");
    T_REFUSED_WITH("where = a > 0 UNION SELECT 1\n", 4, "syntax error", "the predicate alone");
    T_REFUSED_WITH("include = b) WITH (fillfactor = 70\n", 4, "closing bracket", "in this value");
    T_REFUSED_WITH("include = INCLUDE (b)\n", 4, "begins with INCLUDE", "Leave the word out");
    T_REFUSED_WITH("include = (b)\n", 4, "an expression", "without brackets");
    T_REFUSED_WITH("include = b DESC\n", 4, "b with more than its name", "without brackets");
    T_REFUSED_WITH("include = b COLLATE \"C\"\n", 4, "b with more than its name", "without brackets");
    T_REFUSED_WITH("include = b int4_ops\n", 4, "b with more than its name", "without brackets");
    T_REFUSED_WITH("with = fillfactor = 70) WHERE (a > 0\n", 4, "closing bracket", "in this value");
    T_REFUSED_WITH("with = fillfactor = 70 TABLESPACE x\n", 4, "syntax error", "without brackets");
    T_REFUSED_WITH("with = (fillfactor = 70)\n", 4, "syntax error", "without brackets");
    T_REFUSED_WITH("with = WITH (fillfactor = 70)\n", 4, "begins with WITH", "Leave the word out");
    T_REFUSED_WITH("opclass = text_ops) WHERE (a > 0\n", 4, "closing bracket", "in this value");
    T_REFUSED_WITH("opclass = text_ops; x\n", 4, "semicolon", "Leave it out");
}

SG_TEST(expressions_that_no_index_can_have)
{
    T_REFUSED_COLUMNS("(SELECT 1)", "syntax error", "Write columns as");
    T_REFUSED_COLUMNS("((SELECT 1))", "a subquery", "own columns");
    T_REFUSED_COLUMNS("a, lower((SELECT b FROM c))", "a subquery", "own columns");
    T_REFUSED_WITH("where = EXISTS (SELECT 1 FROM x)\n", 4, "a subquery", "own columns");
    T_REFUSED_WITH("where = a IN (SELECT b FROM x)\n", 4, "a subquery", "own columns");
    T_REFUSED_WITH("where = a = any (array(SELECT b FROM x))\n", 4, "a subquery", "own columns");
    T_REFUSED_COLUMNS("count(*)", "an aggregate", "own columns");
    T_REFUSED_COLUMNS("f(DISTINCT a)", "an aggregate", "own columns");
    T_REFUSED_COLUMNS("(f(a) FILTER (WHERE b))", "an aggregate", "own columns");
    T_REFUSED_COLUMNS("(f(a) OVER ())", "a window function", "own columns");
    T_REFUSED_COLUMNS("max(a)", "max() needs many rows", "own columns");
    T_REFUSED_COLUMNS("(row_number())", "needs many rows", "own columns");
    T_REFUSED_COLUMNS("pg_catalog.sum(a)", "sum() needs many rows", "own columns");
    T_REFUSED_COLUMNS("unnest(tags)", "unnest() gives a set", "gin");
    T_REFUSED_COLUMNS("(a + $$1)", "a parameter", "own columns");
    T_REFUSED_WITH("where = a > $$1\n", 4, "a parameter", "own columns");
    T_REFUSED_WITH("where = created_at > now() - interval '30 days'\n", 4, "now() is not IMMUTABLE", "the queries");
    T_REFUSED_WITH("where = created_at > current_date\n", 4, "the time", "own columns");
    T_REFUSED_WITH("where = owner = current_user\n", 4, "who is asking", "own columns");
    T_REFUSED_WITH("where = at > 'Now'::timestamptz\n", 4, "'now' is the moment", "the date itself");
    T_REFUSED_WITH("where = at > date ' yesterday'\n", 4, "'yesterday' is the moment", "the date itself");
    T_REFUSED_WITH("where = at > CAST('today 04:00' AS pg_catalog.timestamp)\n", 4, "'today' is the moment", "the date itself");
    T_REFUSED_WITH("where = leads.a > 0\n", 4, "written with its table", "name alone");
    T_REFUSED_COLUMNS("(public.leads.a)", "written with its table", "name alone");
    T_REFUSED_COLUMNS("(f(leads.*))", "written with its table", "name alone");
    T_REFUSED_COLUMNS("ctid", "ctid is a system column", "own");
    T_REFUSED_COLUMNS("(xmin::text)", "xmin is a system column", "own");
    T_REFUSED_WITH("include = tableoid\n", 4, "tableoid is a system column", "own");
    T_REFUSED_COLUMNS("(DEFAULT)", "DEFAULT", "own columns");
}

SG_TEST(the_place_in_the_value)
{
    const struct sg_errs *errs = mistakes(SG_HERE_, LEADS("columns = naïve, lower(é, now())\n"));

    T_MUST_EQ_INT(errs->count, 1);
    T_EQ_STR(errs->list[0].statement, "naïve, lower(é, now())");
    T_EQ_INT(errs->list[0].position, 17);
    errs = mistakes(SG_HERE_, LEADS("columns = naïve, a b c\n"));
    T_EQ_STR(errs->list[0].statement, "naïve, a b c");
    T_EQ_INT(errs->list[0].position, 12);
    errs = mistakes(SG_HERE_, LEADS("columns = a\nwhere = naïve) or (true\n"));
    T_EQ_STR(errs->list[0].statement, "naïve) or (true");
    T_EQ_INT(errs->list[0].position, 6);
}

SG_TEST(operator_classes)
{
    T_REFUSED_WITH("opclass = text_ops, text_ops\n", 4, "2 operator classes for 1 column", "default");
    T_REFUSED(LEADS("columns = a, b\nopclass = text_ops\n"), 4, "1 operator class for 2 columns", "default");
    T_REFUSED(LEADS("columns = a, b text_ops\nopclass = text_ops default\n"), 4, "has operator classes of its own", "one of the two");
    T_REFUSED_WITH("opclass = DESC\n", 4, "no operator class: DESC", "in columns");
    T_REFUSED_WITH("opclass = 'text_ops'\n", 4, "no operator class: 'text_ops'", "one operator class for each");
    T_REFUSED_WITH("opclass = text_ops.\n", 4, "ends too early", "one operator class for each");
    T_REFUSED_WITH("opclass = nulls first\n", 4, "2 operator classes for 1 column", "default");
}

SG_TEST(methods)
{
    T_REFUSED_WITH("method = BTree\n", 4, "method: BTree", "Write btree.");
    T_REFUSED_WITH("method = hash\nunique = yes\n", 5, "unique with method hash", "Only a btree");
    T_REFUSED(LEADS("columns = a, b\nmethod = hash\n"), 3, "more than one column with method hash", "one index for each");
    T_REFUSED(LEADS("columns = a, b\nmethod = spgist\n"), 3, "more than one column with method spgist", "one index for each");
    T_REFUSED_WITH("method = gin\ninclude = b\n", 5, "with method gin", "btree, gist and spgist");
    T_REFUSED_WITH("method = brin\ninclude = b\n", 5, "with method brin", "btree, gist and spgist");
    T_REFUSED(LEADS("columns = a ASC\nmethod = gist\n"), 3, "ASC, DESC", "only a btree");
    T_REFUSED(LEADS("columns = a NULLS LAST\nmethod = brin\n"), 3, "NULLS FIRST or LAST", "only a btree");
}

SG_TEST(columns)
{
    T_REFUSED_COLUMNS("a, b, a", "a is here twice", "Leave one");
    T_REFUSED_COLUMNS("a, A DESC", "A is here twice", "Leave one");
    T_REFUSED_COLUMNS("a, (a)", "(a) is here twice", "Leave one");
    T_REFUSED_COLUMNS("lower(a), lower( A )", "is here twice", "Leave one");
    T_REFUSED_WITH("include = b, b\n", 4, "b is here twice", "Leave one");
    T_REFUSED_WITH("include = a\n", 4, "a is here twice", "Leave one");
    T_REFUSED(LEADS("columns = a1,a2,a3,a4,a5,a6,a7,a8,a9,b1,b2,b3,b4,b5,b6,b7,b8,b9,c1,c2,c3,c4,c5,c6,c7,c8,c9,d1,d2,d3\ninclude = x, y, z\n"), 3,
              "33 columns, and an index has at most 32", "Leave some out");
}

SG_TEST(storage_parameters)
{
    T_REFUSED_WITH("with = fillfactor = 9\n", 4, "fillfactor = 9: not allowed", "from 10 to 100");
    T_REFUSED_WITH("with = fillfactor = 70.5\n", 4, "fillfactor = 70.5: not allowed", "from 10 to 100");
    T_REFUSED_WITH("with = fillfactor\n", 4, "fillfactor = : not allowed", "from 10 to 100");
    T_REFUSED_WITH("with = fillfactor = 70, fillfactor = 80\n", 4, "fillfactor is here twice", "Leave one");
    T_REFUSED_WITH("with = filfactor = 70\n", 4, "no storage parameter filfactor", "fillfactor");
    T_REFUSED_WITH("with = toast.fillfactor = 70\n", 4, "no storage parameter", "fillfactor");
    T_REFUSED_WITH("with = deduplicate_items = maybe\n", 4, "deduplicate_items = maybe: not allowed", "on or off");
    T_REFUSED_WITH("method = gist\nwith = buffering = maybe\n", 5, "buffering = maybe: not allowed", "or auto");
    T_REFUSED_WITH("method = gin\nwith = fillfactor = 70\n", 5, "gin has no storage parameter fillfactor", "fastupdate");
    T_REFUSED_WITH("method = brin\nwith = pages_per_range = 0\n", 5, "pages_per_range = 0: not allowed", "from 1 to 131072");
}

SG_TEST(names)
{
    T_REFUSED("[index leads]\ntable = leads\ncolumns = a\n", 2, "the name of the index, too", "another name");
    T_REFUSED("[index i_ccnew]\ntable = leads\ncolumns = a\n", 1, "i_ccnew", "another name");
    T_REFUSED("[index i_ccold12]\ntable = leads\ncolumns = a\n", 1, "i_ccold12", "another name");
    T_REFUSED("[index l]\nname = i_ccnew1\ntable = leads\ncolumns = a\n", 2, "i_ccnew1", "another name");
    T_REFUSED("[index i]\ntable = sgrun.lease\ncolumns = a\n", 2, "sgrun's own", "Leave");
    T_REFUSED("[index i]\ntable = pg_catalog.pg_class\ncolumns = relname\n", 2, "of the system", "of your own");
    T_REFUSED("[index i]\ntable = information_schema.x\ncolumns = relname\n", 2, "of the system", "of your own");
    T_REFUSED_WITH("tablespace = pg_global\n", 4, "pg_global", "another tablespace");
    T_REFUSED_SQL("CREATE INDEX CONCURRENTLY i ON t (a) TABLESPACE pg_global", "pg_global", "another tablespace");
    T_EQ_STR(define(SG_HERE_, "[index _ccnew]\ntable = leads\ncolumns = a\n", NULL)->name, "_ccnew");
}

/* All of a section at once, in the order of its lines; define gives the first. */
SG_TEST(every_mistake_is_told)
{
    const struct sg_errs *errs = mistakes(SG_HERE_, "[index i]\nwith = fillfactor = 5\ntable = sgrun.t\nwhere = x > now()\ncolumns = a, a, (b\nmethod = hash\n"
                                                    "unique = yes\ninclude = (c)\n");

    T_MUST_EQ_INT(errs->count, 7);
    T_CONTAINS(errs->list[0].primary, "with: fillfactor = 5");
    T_CONTAINS(errs->list[1].primary, "table: sgrun.t");
    T_CONTAINS(errs->list[2].primary, "where: now()");
    T_CONTAINS(errs->list[3].primary, "columns: an opening bracket");
    T_CONTAINS(errs->list[4].primary, "unique: ");
}

SG_TEST(from_the_command_line)
{
    static const char *const sets[] = {"index i.columns=a) WHERE (b"};
    struct read *r = read_sets(HEAD LEADS("columns = a\n"), 1, sets);
    struct sg_err err = SG_ERR_INIT;
    struct sg_index_definition d;

    T_MUST_EQ_INT(r->result, 0);
    T_EQ_INT(sg_index_define(&r->manifest, r->manifest.steps, &r->arena, &d, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_REFUSED);
    T_NULL(err.file);
    T_CONTAINS(err.primary, "--set index i.columns: a closing bracket");
    sg_err_release(&err);
}

/* However long and deep: an answer. */
SG_TEST(monsters)
{
    static const size_t depths[] = {100, 1000, 5000, 20000};

    for (size_t i = 0; i < SG_COUNT(depths); i++) {
        char *text = malloc(depths[i] * 3 + 100), *at = text;
        const char *sets[1];
        struct sg_err err = SG_ERR_INIT;
        struct sg_index_definition d;
        struct read *r;

        T_MUST(text != NULL);
        memcpy(at, "index i.where=", 14);
        at += 14;
        for (size_t k = 0; k < depths[i]; k++)
            *at++ = '(';
        *at++ = 'a';
        for (size_t k = 0; k < depths[i]; k++)
            *at++ = ')';
        *at = '\0';
        sets[0] = text;
        r = read_sets(HEAD LEADS("columns = a\n"), 1, sets);
        T_MUST_EQ_INT(r->result, 0);
        if (sg_index_define(&r->manifest, r->manifest.steps, &r->arena, &d, &err) != 0)
            T_EQ_INT(err.class, SG_CLASS_REFUSED);
        else
            T_CONTAINS(d.where, "((a))");
        sg_err_release(&err);
        free(text);
    }
}

static const struct sg_test tests[] = {
    SG_CASE(a_section_in_full), SG_CASE(what_is_right), SG_CASE(a_whole_statement), SG_CASE(statements_that_are_refused),
    SG_CASE(no_value_reaches_beyond_itself), SG_CASE(expressions_that_no_index_can_have), SG_CASE(the_place_in_the_value),
    SG_CASE(operator_classes), SG_CASE(methods), SG_CASE(columns), SG_CASE(storage_parameters), SG_CASE(names),
    SG_CASE(every_mistake_is_told), SG_CASE(from_the_command_line), SG_CASE(monsters), SG_CASES_END};
static const struct sg_suite suites[] = {{"definition", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
