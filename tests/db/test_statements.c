/*
 * The lists of tests/kit/statements.c, each statement as a migration's of its own, through the built sgrun against a real server:
 * whatever tries to write is stopped, by whom the list says, and changes nothing; whatever is legal is done and recorded.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/statements.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <stdio.h>
#include <string.h>

/* SQL as a value of the manifest: dollars doubled, long lines continued (the reader joins them by a blank). */
static const char *value(const char *sql)
{
    static char text[4096];
    size_t out = 0, column = 0;

    for (const char *c = sql; *c != '\0' && out + 8 < sizeof(text); c++) {
        bool turn = *c == ' ' && column > 90 && c[1] != ' ' && c[1] != ';' && c[1] != '#' && c[-1] != ' ';

        if (*c == '$')
            text[out++] = '$';
        text[out++] = turn ? '\n' : *c;
        column = turn ? 0 : column + 1;
        if (turn)
            text[out++] = '\t';
    }
    text[out] = '\0';
    return sg_test_strf("%s", text);
}

/* One migration that sends these; the table scripted_done says that it was here. */
static struct sg_run_result migrate(const char *url, const char *read, const char *before, const char *sql)
{
    const char *steps = "";
    int n = 0;

    if (read != NULL)
        steps = sg_test_strf("option.read1 = %s\n", value(read));
    if (before != NULL)
        steps = sg_test_strf("%soption.ddl%d = %s\n", steps, ++n, value(before));
    if (sql != NULL)
        steps = sg_test_strf("%soption.ddl%d = %s\n", steps, ++n, value(sql));
    steps = sg_test_strf("%soption.ddl%d = CREATE TABLE scripted_done (done int)\n", steps, ++n);
    return sg_run_args(sg_test_built("sgrun"), "--manifest",
                       sg_tmp_write("statements.ini",
                                    sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = %s\n[migration s01]\nplugin = s01\n"
                                                 "option.table = scripted_done\n%s",
                                                 sg_test_built("tests/scripted"), url, steps)),
                       "migrate");
}

/* A database with what the statements need, a copy of one that is made once; the server is the program's own. */
static const char *new_db(struct sg_sql *admin)
{
    static bool made;
    static int count;
    const char *db = sg_test_strf("statements_%d", ++count);

    if (!made) {
        struct sg_sql *base;

        sg_sql_exec(admin, "SET client_min_messages = error");
        sg_sql_exec(admin, "DROP DATABASE IF EXISTS statements_base");
        sg_sql_exec(admin, "CREATE DATABASE statements_base TEMPLATE template0");
        base = sg_sql_open(sg_server_conninfo(sg_server_shared(), "statements_base", NULL));
        sg_sql_exec(base, sg_test_statements_base);
        sg_sql_close(base);
        made = true;
    }
    sg_sql_execf(admin, "CREATE DATABASE %s TEMPLATE statements_base", db);
    return db;
}

static void drop_db(struct sg_sql *admin, struct sg_sql *sql, const char *db)
{
    sg_sql_close(sql);
    sg_sql_execf(admin, "DROP DATABASE %s WITH (FORCE)", db);
}

/* Changes if a row of theirs does. */
static const char *contents(struct sg_sql *sql)
{
    return sg_sql_rows(sql, "SELECT (SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM t x),"
                            " (SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM u x),"
                            " (SELECT md5(string_agg(x::text, ',' ORDER BY id, what)) FROM log x),"
                            " (SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM e x),"
                            " (SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM m x),"
                            " (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace)");
}

SG_TEST(writes_are_stopped)
{
    struct sg_server *server = sg_server_shared();
    struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));
    const char *db = new_db(admin);
    struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));

    for (size_t i = 0; i < sg_test_writes_count; i++) {
        const struct sg_test_write *write = &sg_test_writes[i];
        bool query = write->call == SG_TRY_QUERY;
        const char *before;
        struct sg_run_result run;

        if (write->setup != NULL)
            sg_sql_exec(sql, write->setup);
        before = contents(sql);
        run = migrate(sg_server_url(server, db, NULL), query ? write->sql : NULL, NULL, query ? NULL : write->sql);
        if (run.exit != 7 || strstr(run.err, write->by) == NULL)
            T_FAIL("%s: exit %d, not 7 with \"%s\":\n%s%s", write->name, run.exit, write->by, run.out, run.err);
        T_EQ_STR(contents(sql), before);
        if (write->setup != NULL)
            sg_sql_exec(sql, "SET client_min_messages = error; DROP INDEX IF EXISTS e_lie; DROP TABLE IF EXISTS ml, ml1");
    }
    T_EQ_INT(sg_sql_int(sql, "SELECT count(*) FROM sgrun.schema_migrations"), 0);
    drop_db(admin, sql, db);
}

SG_TEST(legal_ddl_is_done)
{
    struct sg_server *server = sg_server_shared();
    struct sg_sql *admin = sg_sql_open(sg_server_conninfo(server, "postgres", NULL));

    for (size_t i = 0; i < sg_test_legals_count; i++) {
        const struct sg_test_legal *legal = &sg_test_legals[i];
        const char *db = new_db(admin);
        struct sg_sql *sql = sg_sql_open(sg_server_conninfo(server, db, NULL));
        struct sg_run_result run;

        if (legal->setup != NULL)
            sg_sql_exec(sql, legal->setup);
        run = migrate(sg_server_url(server, db, NULL), NULL, legal->before, legal->sql);
        if (run.exit != 0)
            T_FAIL("%s: exit %d:\n%s%s", legal->sql, run.exit, run.out, run.err);
        else
            T_EQ_STR(sg_sql_rows(sql, "SELECT id, outcome FROM sgrun.schema_migrations"), "s01|applied");
        drop_db(admin, sql, db);
    }
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE_SECONDS(writes_are_stopped, 300), SG_CASE_SECONDS(legal_ddl_is_done, 300),
                                           SG_CASES_END};
    static const struct sg_suite suites[] = {{"statements", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
