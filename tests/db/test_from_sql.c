/*
 * Three trees of SQL migrations, taken over, built and deployed, against the same SQL run by psql: the same schema and the same rows in
 * the end; and where psql has done all of it, every fingerprint holds.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>

struct tree {
    const char *name;
    const char *files[16];  /* in the order in which their tool runs them */
    size_t before;          /* so many of them come before the rows */
    const char *to;         /* the migration that is the last of those */
    const char *rows;       /* what the application has written by then */
    const char *look;       /* rows that must be the same in the end */
};

static const struct tree flyway = {
    "flyway",
    {"V1__init.sql", "V2__countries.sql", "V3__customer_country.sql", "V4__order_number.sql", "V4.1__order_search.sql", "V5__touch.sql",
     "V6__views.sql", "V7__empty.sql", "V8__state_check.sql", "V9__names.sql", "R__totals.sql"},
    2,
    "2_countries",
    "INSERT INTO customers (email, full_name) SELECT 'c' || i || '@example.org', 'Customer ' || i FROM generate_series(1, 300) i;"
    "INSERT INTO orders (customer_id, number, state) SELECT 1 + i % 300, CASE WHEN i % 10 = 0 THEN '' ELSE 'N' || i END,"
    " CASE i % 4 WHEN 0 THEN 'odd' WHEN 1 THEN 'paid' ELSE 'void' END FROM generate_series(1, 1000) i",
    "SELECT id::text, email, name, country FROM customers UNION ALL SELECT id::text, number, state, priority::text FROM orders"
    " UNION ALL SELECT code, name, vat::text, NULL FROM countries ORDER BY 1, 2, 3"};

static const struct tree goose = {
    "goose",
    {"20240101090000_init.sql", "20240102090000_settings.sql", "20240103090000_lead_name.sql", "20240104090000_lead_phone_index.sql",
     "20240105090000_calls.sql", "20240106090000_call_outcome.sql", "20240107090000_split_columns.sql", "20240108090000_policies.sql",
     "20240109090000_history.sql"},
    1,
    "20240101090000_init",
    "INSERT INTO crm.leads (id, first_name, last_name, phone) SELECT md5(i::text)::uuid, 'F' || i, nullif('L' || i % 7, 'L3'),"
    " '+49' || i / 2 FROM generate_series(1, 500) i; INSERT INTO crm.settings (key, value) VALUES ('limits', '{\"calls\": 1}')",
    "SELECT id::text, name, phone FROM crm.leads UNION ALL SELECT key, value::text, note FROM crm.settings"
    " UNION ALL SELECT at::text, what, NULL FROM crm.history ORDER BY 1, 2, 3"};

static const struct tree prisma = {
    "prisma",
    {"20230301080000_init/migration.sql", "20230302080000_admin/migration.sql", "20230303080000_post_views/migration.sql",
     "20230304080000_post_index/migration.sql", "20230305080000_empty/migration.sql", "20230306080000_tags/migration.sql",
     "20230307080000_enum/migration.sql", "20230308080000_rename/migration.sql", "20230309080000_email/migration.sql"},
    1,
    "20230301080000_init",
    "INSERT INTO \"User\" (email, name) SELECT 'U' || i || '@Example.org', CASE WHEN i % 3 = 0 THEN NULL ELSE 'N' END FROM generate_series(1, 200) i;"
    "INSERT INTO \"Post\" (title, \"authorId\") SELECT 'T' || i, 1 + i % 200 FROM generate_series(1, 700) i",
    "SELECT email, name, role::text FROM \"User\" UNION ALL SELECT id::text, title, views::text FROM \"Post\" ORDER BY 1, 2, 3"};

struct place {
    const char *db, *conninfo, *url;
    struct sg_sql *sql;
};

static struct place new_place(void)
{
    struct sg_server *server = sg_server_shared();
    struct place place = {.db = sg_server_new_db(server)};

    place.conninfo = sg_server_conninfo(server, place.db, NULL);
    place.url = sg_server_url(server, place.db, NULL);
    place.sql = sg_sql_open(place.conninfo);
    return place;
}

/* The part of a file that goes up, run as a person would. */
static void psql(const struct place *place, const struct tree *tree, const char *name)
{
    const char *text = sg_tmp_read(sg_test_source(sg_test_strf("tests/sdk/trees/%s/%s", tree->name, name))), *down, *path;
    struct sg_run_result run;

    T_MUST_NOT_NULL(text);
    down = strstr(text, "-- +goose Down");
    path = sg_tmp_write("up.sql", down != NULL ? sg_test_strf("%.*s", (int)(down - text), text) : text);
    run = sg_run_args(sg_server_program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", place->conninfo, "-f", path);
    sg_test_check(SG_HERE_, true, run.exit == 0, "%s:\n%s", name, run.err);
}

static const char *sgrun(const struct place *place, const struct tree *tree, const char *const *words)
{
    const char *argv[10] = {sg_test_built("sgrun"), "--manifest", sg_test_strf("%s/%s/sgrun.ini", sg_tmp_dir(), tree->name)};
    struct sg_run_result run;

    for (size_t i = 0; words[i] != NULL; i++)
        argv[3 + i] = words[i];
    run = sg_run(&(struct sg_run_opts){
        .argv = argv, .env = (const char *const[]){sg_test_strf("DATABASE_URL=%s", place->url), NULL}, .timeout_ms = 120000});
    sg_test_check(SG_HERE_, true, run.exit == 0, "sgrun %s: exit %d\n%s%s", words[0], run.exit, run.out, run.err);
    return run.out;
}
#define SGRUN(place, tree, ...) sgrun((place), (tree), (const char *const[]){__VA_ARGS__, NULL})

/* Without our own tables, comments, and the key of newer pg_dumps. */
static const char *schema(const struct place *place)
{
    struct sg_run_result run = sg_run_args("/bin/sh", "-c", "\"$0\" --schema-only -N sgrun -d \"$1\" | grep -v -e '^.restrict ' -e '^.unrestrict '",
                                           sg_server_program("pg_dump"), place->conninfo);

    T_MUST_EQ_STR(run.exit == 0 ? "" : run.err, "");
    return run.out;
}

static void build(const struct tree *tree)
{
    struct sg_run_result run = sg_run_args(sg_test_built("sgrun"), "new", "--from-sql",
                                           sg_test_source(sg_test_strf("tests/sdk/trees/%s", tree->name)), "--folder",
                                           sg_test_strf("%s/%s", sg_tmp_dir(), tree->name));

    sg_test_check(SG_HERE_, true, run.exit == 0, "new: exit %d\n%s%s", run.exit, run.out, run.err);
    T_LACKS(run.out, "by hand");
    run = sg_run_args("/bin/sh", "-c",
                      "cd \"$0\" && for f in *.c; do cc -std=c99 -D_POSIX_C_SOURCE=200809L -pedantic -Wno-overlength-strings -Wall -Wextra -Werror"
                      " -shared -fPIC -I\"$1\" -o \"${f%.c}.so\" \"$f\" || exit 1; done",
                      sg_test_strf("%s/%s", sg_tmp_dir(), tree->name), sg_test_source("plugins/include"));
    sg_test_check(SG_HERE_, true, run.exit == 0, "cc:\n%s", run.err);
}

static void take_over(const struct tree *tree)
{
    struct place theirs = new_place(), ours = new_place();
    const char *wanted, *rows;

    build(tree);
    for (size_t i = 0; tree->files[i] != NULL; i++) {
        if (i == tree->before)
            sg_sql_exec(theirs.sql, tree->rows);
        psql(&theirs, tree, tree->files[i]);
    }
    wanted = schema(&theirs);
    rows = sg_sql_rows(theirs.sql, tree->look);

    (void)SGRUN(&ours, tree, "migrate", "--to", tree->to);
    sg_sql_exec(ours.sql, tree->rows);
    (void)SGRUN(&ours, tree, "deploy");
    T_EQ_STR(schema(&ours), wanted);
    T_EQ_STR(sg_sql_rows(ours.sql, tree->look), rows);
    T_CONTAINS(SGRUN(&ours, tree, "deploy"), "Up to date");
    (void)SGRUN(&ours, tree, "verify");
    (void)SGRUN(&ours, tree, "status", "--exit-code");

    /* psql has done all of it: each question is answered with yes, and nothing is done twice */
    (void)SGRUN(&theirs, tree, "deploy");
    T_EQ_STR(sg_sql_rows(theirs.sql, "SELECT id FROM sgrun.schema_migrations WHERE outcome <> 'reconciled' ORDER BY 1"), "");
    T_EQ_STR(schema(&theirs), wanted);
    T_EQ_STR(sg_sql_rows(theirs.sql, tree->look), rows);
}

SG_TEST(flyway_tree)
{
    take_over(&flyway);
}

SG_TEST(goose_tree)
{
    take_over(&goose);
}

SG_TEST(prisma_tree)
{
    take_over(&prisma);
}

static const struct sg_test tests[] = {SG_CASE(flyway_tree), SG_CASE(goose_tree), SG_CASE(prisma_tree), SG_CASES_END};
static const struct sg_suite suites[] = {{"from_sql", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
