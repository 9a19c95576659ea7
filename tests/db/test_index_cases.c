/*
 * An index, whatever it is found to be: not there, valid, something else under its name, broken; duplicates in its data;
 * left-overs of a REINDEX; no table, or no table any more. Each is made for real on a server.
 */
#include "config.h"

#include "tests/db/both_ways.h"

#include <string.h>

#define NAME "t_b"
#define ON_B "[index " NAME "]\ntable = t\ncolumns = b, id\n"

static struct site *fresh(enum way way, const char *lines)
{
    static struct site site;

    site_open(&site, way, false);
    site_manifest(&site, lines);
    return &site;
}

static struct sg_run_result build(struct site *site, int status, const char *option)
{
    struct sg_run_result run = option != NULL ? site_run(site, "index", option) : site_run(site, "index");

    if (run.exit != status)
        T_FATAL("exit status %d, not %d:\n%s", run.exit, status, site_said(run));
    return run;
}

/* Its oid and definition; what tells that nobody touched it. */
static const char *identity(struct site *site, const char *name)
{
    return sg_sql_rows(site->sql, sg_test_strf("SELECT indexrelid, relfilenode, pg_get_indexdef(indexrelid) FROM pg_index"
                                               " JOIN pg_class c ON c.oid = indexrelid WHERE relname = '%s'", name));
}

/* A session of somebody else's that fails at STATEMENT as it is killed in that phase. */
static void leave_broken(struct site *site, enum phase phase, const char *statement)
{
    struct sg_sql *other = sg_sql_open(site->direct);

    site_hold_before(site, phase);
    sg_sql_exec(other, "SET client_min_messages = error");
    sg_sql_send(other, statement);
    site_hold_after(site, phase, NULL);
    sg_sql_execf(site->sql, "SELECT pg_terminate_backend(%d)", site_builder_backend(site));
    T_EQ_STR(sg_sql_finish(other, 10000), "57P01");
    site_release(site);
    sg_sql_close(other);
}

BOTH_WAYS(missing_is_built_and_valid_is_left)
{
    struct site *site = fresh(way, ON_B);
    struct sg_run_result run = build(site, 0, NULL);
    const char *first;

    T_CONTAINS(run.out, "built");
    T_EQ_STR(site_index(site, NAME), "valid");
    T_EQ_STR(site_state(site, NAME), "valid");
    first = identity(site, NAME);
    sg_proxy_forget(site->proxy);
    run = build(site, 0, NULL);
    T_LACKS(run.out, "built");
    T_EQ_STR(identity(site, NAME), first);
    T_LACKS(sg_proxy_statements(site->proxy), "CONCURRENTLY");
    site_quiet(site, "valid");
}

/* Each of these is not what the section says; it is left as it is, and said. */
BOTH_WAYS(what_is_different_stays)
{
    static const char *const others[] = {
        "CREATE INDEX t_b ON t (id, b)",
        "CREATE INDEX t_b ON t (b)",
        "CREATE INDEX t_b ON t (b DESC, id)",
        "CREATE INDEX t_b ON t (b NULLS FIRST, id)",
        "CREATE INDEX t_b ON t (b slow_ops, id)",
        "CREATE INDEX t_b ON t (b, id) WHERE b > 3",
        "CREATE INDEX t_b ON t (b, id) INCLUDE (note)",
        "CREATE UNIQUE INDEX t_b ON t (b, id)",
        "CREATE INDEX t_b ON t (b, (id + 0))",
        "CREATE INDEX t_b ON t USING brin (b, id)",
        "CREATE INDEX t_b ON elsewhere (id)",
        "CREATE VIEW t_b AS SELECT 1 AS one",
        "CREATE TABLE t_b (id int)",
    };
    struct site *site = fresh(way, ON_B);

    (void)build(site, 0, NULL); /* sgrun's own tables are there from now on */
    sg_sql_exec(site->sql, "DROP INDEX t_b");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct sg_run_result run;
        const char *before;

        if (way == WAY_POOLED && i % 4 != 0)
            continue;
        sg_sql_exec(site->sql, others[i]);
        before = sg_sql_rows(site->sql, "SELECT oid, relkind, relfilenode FROM pg_class WHERE relname = 't_b'");
        run = build(site, 0, NULL);
        T_CONTAINS(site_said(run), "drifted");
        T_CONTAINS(site_said(run), NAME);
        T_EQ_INT(build(site, 3, "--strict").exit, 3);
        T_EQ_STR(site_state(site, NAME), "drifted");
        T_EQ_STR(sg_sql_rows(site->sql, "SELECT oid, relkind, relfilenode FROM pg_class WHERE relname = 't_b'"), before);
        if (strstr(others[i], "INDEX") != NULL)
            sg_sql_exec(site->sql, "DROP INDEX t_b");
        else
            sg_sql_exec(site->sql, strstr(others[i], "VIEW") != NULL ? "DROP VIEW t_b" : "DROP TABLE t_b");
    }
    site_settle(site, NAME, "the other one is gone");
}

/* Valid, and equal, though written otherwise. */
SG_TEST(the_same_in_other_words)
{
    struct site *site = fresh(WAY_DIRECT, "[index t_expression]\ntable = public.t\ncolumns = lower(note) ASC NULLS LAST, b\n"
                                          "where = ((b) > 3::integer)\nunique = no\nmethod = btree\n"
                                          "[index t_whole]\ntable = t\n"
                                          "sql = create index concurrently if not exists t_whole on t (b asc) include (id)\n");
    const char *before;

    sg_sql_exec(site->sql, "CREATE INDEX t_expression ON t (lower(note), b) WHERE b > 3;"
                           "CREATE INDEX t_whole ON t (b) INCLUDE (id)");
    before = sg_test_strf("%s\n%s", identity(site, "t_expression"), identity(site, "t_whole"));
    T_LACKS(build(site, 0, "--strict").out, "built");
    T_EQ_STR(sg_test_strf("%s\n%s", identity(site, "t_expression"), identity(site, "t_whole")), before);
    site_quiet(site, "the same");
}

/* Somebody's build was killed in some phase; what it left is dropped, and built anew. */
BOTH_WAYS(broken_is_built_anew)
{
    struct site *site = fresh(way, site_section("t_gate", ""));

    SOME_PHASE(phase, 4, PHASE_WRITERS, PHASE_SCAN, PHASE_VALIDATE, PHASE_SNAPSHOTS) {
        const char *before;
        struct sg_run_result run;

        leave_broken(site, phase, "CREATE INDEX CONCURRENTLY t_gate ON t (gate(a) slow_ops)");
        T_CONTAINS(site_index(site, "t_gate"), "invalid");
        before = identity(site, "t_gate");
        run = build(site, 0, NULL);
        T_CONTAINS(run.out, "an invalid one was dropped first");
        T_EQ_STR(site_index(site, "t_gate"), "valid");
        T_NE_STR(identity(site, "t_gate"), before);
        site_quiet(site, phase_name(phase));
        site_clear(site);
    }
}

/* An invalid one of another definition is dropped just the same: it is nobody's index. */
SG_TEST(broken_and_different_is_built_anew)
{
    struct site *site = fresh(WAY_DIRECT, site_section("t_gate", ""));

    leave_broken(site, PHASE_SCAN, "CREATE INDEX CONCURRENTLY t_gate ON t (b, gate(a))");
    T_EQ_STR(site_index(site, "t_gate"), "invalid");
    site_settle(site, "t_gate", "another definition");
    T_CONTAINS(identity(site, "t_gate"), "(gate(a) slow_ops)");
}

BOTH_WAYS(duplicates_are_named)
{
    struct site *site = fresh(way, "[index t_once]\ntable = t\ncolumns = b, lower(note)\nunique = yes\nwhere = b < 6\n"
                                   "critical = yes\n");
    struct sg_run_result run;

    sg_sql_exec(site->sql, "INSERT INTO t SELECT 1000 + i, 1, 5, 'TWICE' FROM generate_series(1, 3) i;"
                           "INSERT INTO t SELECT 1100 + i, 1, 4, 'again ' || i % 12 FROM generate_series(1, 24) i;"
                           "INSERT INTO t SELECT 1200 + i, 1, 6, 'not in it' FROM generate_series(1, 5) i;"
                           "INSERT INTO t SELECT 1300 + i, 1, NULL, 'null is not equal' FROM generate_series(1, 5) i");
    run = build(site, 0, NULL);
    T_CONTAINS(site_said(run), "23505");
    T_CONTAINS(site_said(run), "twice");
    T_CONTAINS(site_said(run), "again 1");
    T_CONTAINS(site_said(run), "CRITICAL");
    T_LACKS(site_said(run), "not in it");
    T_LACKS(site_said(run), "null is not equal");
    T_EQ_STR(site_index(site, "t_once"), "missing");
    T_EQ_STR(site_state(site, "t_once"), "failed");
    T_EQ_STR(sg_sql_value(site->sql, "SELECT sqlstate FROM sgrun.indexes"), "23505");
    /* a carcass would still refuse it */
    sg_sql_expect(site->sql, "INSERT INTO t VALUES (1001 + 1000, 1, 5, 'twice')", "");
    (void)build(site, 3, "--strict");
    site_quiet(site, "duplicates");
    sg_sql_exec(site->sql, "DELETE FROM t WHERE id > 1000");
    site_settle(site, "t_once", "without duplicates");
    sg_sql_expect(site->sql, "INSERT INTO t VALUES (2000, 1, 5, 'x'), (2001, 1, 5, 'X')", "23505");
}

/* The duplicate comes while the index is built: found by the validation, whose carcass is ready, and refuses every such row. */
BOTH_WAYS(a_duplicate_that_comes_meanwhile)
{
    struct site *site = fresh(way, "[index t_once]\ntable = t\ncolumns = gate(a) slow_ops, b\nunique = yes\n");
    struct sg_run *run = site_hold(site, PHASE_SCAN);
    struct sg_run_result result;

    sg_sql_exec(site->sql, "INSERT INTO t VALUES (1001, 5, 5, 'as 5')");
    site_release(site);
    result = site_end(site, run, "a duplicate that came meanwhile");
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "23505");
    T_EQ_STR(site_index(site, "t_once"), "missing");
    sg_sql_expect(site->sql, "INSERT INTO t VALUES (1002, 5, 5, 'as 5')", "");
    site_quiet(site, "a duplicate that came meanwhile");
    sg_sql_exec(site->sql, "DELETE FROM t WHERE id > 1000");
    site_settle(site, "t_once", "without it");
}

/* ---- left-overs ---- */

/* REINDEX CONCURRENTLY is killed: while it builds the new one, NAME_ccnew stays; after it has swapped them, NAME_ccold. */
static void break_reindex(struct site *site, bool swapped)
{
    struct sg_sql *other = sg_sql_open(site->direct), *reader;
    const char *query = sg_test_strf("SELECT count(*) FROM pg_stat_progress_create_index WHERE phase = '%s'",
                                     swapped ? "waiting for readers before marking dead" : phase_name(PHASE_SCAN));

    sg_sql_exec(other, "SET client_min_messages = error");
    if (!swapped)
        site_hold_before(site, PHASE_SCAN);
    reader = sg_sql_hold(site->direct, swapped ? "SELECT FROM t LIMIT 1" : "SELECT 1");
    sg_sql_send(other, "REINDEX INDEX CONCURRENTLY t_gate");
    sg_sql_await(site->sql, query, "1", 10000);
    sg_sql_exec(site->sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index");
    T_EQ_STR(sg_sql_finish(other, 10000), "57P01");
    sg_sql_close(reader);
    sg_sql_close(other);
    site_release(site);
}

#define COUNT_LIKE(site, name) \
    sg_sql_int((site)->sql, "SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relname LIKE '" name "'")

BOTH_WAYS(left_overs_of_a_reindex)
{
    struct site *site = fresh(way, site_section("t_gate", ""));
    const char *before;

    (void)build(site, 0, NULL);
    break_reindex(site, false);
    break_reindex(site, false);
    T_EQ_INT(COUNT_LIKE(site, "t_gate_ccnew%"), 2);
    /* by hand, and not invalid: somebody's */
    sg_sql_exec(site->sql, "CREATE INDEX t_gate_ccnew_of_eva ON t (b)");
    before = identity(site, "t_gate");
    site_settle(site, "t_gate", "_ccnew");
    T_EQ_STR(identity(site, "t_gate"), before);
    T_EQ_INT(COUNT_LIKE(site, "t_gate_ccnew%"), 1);
    break_reindex(site, true);
    T_EQ_INT(COUNT_LIKE(site, "t_gate_ccold%"), 1);
    before = identity(site, "t_gate");
    site_settle(site, "t_gate", "_ccold");
    T_EQ_STR(identity(site, "t_gate"), before);
    T_EQ_INT(COUNT_LIKE(site, "t_gate%"), 2);
    /* a broken one beside a broken one */
    sg_sql_exec(site->sql, "DROP INDEX t_gate");
    leave_broken(site, PHASE_SCAN, "CREATE INDEX CONCURRENTLY t_gate ON t (gate(a) slow_ops)");
    break_reindex(site, false);
    site_settle(site, "t_gate", "both broken");
    T_EQ_INT(COUNT_LIKE(site, "t_gate%"), 2);
}

/* ---- tables ---- */

BOTH_WAYS(a_table_that_is_missing)
{
    struct site *site = fresh(way, ON_B "[index later_id]\ntable = later\ncolumns = id\ncritical = yes\n");
    struct sg_run_result run = build(site, 0, NULL);

    T_CONTAINS(site_said(run), "later");
    T_CONTAINS(site_said(run), "42P01");
    T_CONTAINS(site_said(run), "CRITICAL");
    T_EQ_STR(site_index(site, NAME), "valid");
    (void)build(site, 3, "--strict");
    site_quiet(site, "no table");
    sg_sql_exec(site->sql, "CREATE TABLE later (id int)");
    site_own(site);
    site_settle(site, NAME " later_id", "the table has come");
}

/* DROP TABLE waits for the build; the build's session ends, and the table is gone when it is looked for again. */
BOTH_WAYS(a_table_that_goes_meanwhile)
{
    struct site *site =
        fresh(way, site_section("t_gate", "[index elsewhere_id]\ntable = elsewhere\ncolumns = id\npriority = LOW\n"));
    struct sg_run *run = site_hold(site, PHASE_SCAN);
    struct sg_sql *other = sg_sql_open(site->direct);
    struct sg_run_result result;

    sg_sql_send(other, "DROP TABLE t");
    sg_sql_await_queued(site->sql, "t", 20000);
    sg_sql_execf(site->sql, "SELECT pg_terminate_backend(%d)", site_builder_backend(site));
    T_EQ_STR(sg_sql_finish(other, 10000), "");
    result = site_end(site, run, "the table went");
    T_EQ_INT(result.exit, 0);
    T_CONTAINS(site_said(result), "42P01");
    T_EQ_STR(site_index(site, "elsewhere_id"), "valid");
    T_EQ_STR(site_state(site, "t_gate"), "failed");
    site_quiet(site, "the table went");
}

static const struct sg_test tests[] = {
    BOTH_CASES(missing_is_built_and_valid_is_left), BOTH_CASES(what_is_different_stays), SG_CASE(the_same_in_other_words),
    BOTH_CASES(broken_is_built_anew), SG_CASE(broken_and_different_is_built_anew), BOTH_CASES(duplicates_are_named),
    BOTH_CASES(a_duplicate_that_comes_meanwhile), BOTH_CASES(left_overs_of_a_reindex), BOTH_CASES(a_table_that_is_missing),
    BOTH_CASES(a_table_that_goes_meanwhile), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_cases", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
