/*
 * Passwords: a server that wants one, and a runner that shows it nowhere, whatever it says and whoever looks at its processes.
 */
#include "config.h"

#include "tests/db/deploys.h"
#include "tests/kit/proc.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD "hunter2-Zx9"

/* The whole of /proc/PID/NAME; "" if it cannot be read. Holds NULs: they become blanks. */
static const char *proc_read(pid_t pid, const char *name)
{
    static char text[65536];
    FILE *file = fopen(sg_test_strf("/proc/%d/%s", (int)pid, name), "r");
    size_t got = 0;

    if (file != NULL) {
        got = fread(text, 1, sizeof text - 1, file);
        (void)fclose(file);
    }
    for (size_t i = 0; i < got; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[got] = '\0';
    return text;
}

static void lacks_password(struct sg_run_result run)
{
    T_LACKS(run.out, "hunter2");
    T_LACKS(run.err, "hunter2");
}

static struct sg_run_opts with_url(const char *const *argv, const char *url)
{
    static const char *env[3];

    env[0] = sg_test_strf("DATABASE_URL=%s", url);
    env[1] = "PGPASSWORD=" PASSWORD;
    return (struct sg_run_opts){.argv = argv, .env = env};
}

SG_TEST(passwords_are_nowhere)
{
    struct sg_server *server = sg_server_start(NULL);
    struct place place = place_new(server, false, 0);
    const char *hba = sg_test_strf("%s/pg_hba.conf", sg_server_data(server));
    const char *manifest = manifest_new(&place, &(struct manifest){.dsn = "${DATABASE_URL}",
        .steps = sg_test_strf("%s%s", step("s01", "option.ddl1 = CREATE TABLE made ()\noption.sleep_ms = 1500\noption.table = made\n"),
                              step("s02", "option.ddl1 = CREATE TABLE made2 (x nosuchtype)\n"))});
    const char *binary = sg_test_built("sgrun");
    const char *url, *wrong, *why;
    FILE *file = fopen(hba, "w");
    struct sg_run_result result;
    struct sg_run_opts opts;
    struct sg_run *run;
    pid_t plugins[8];
    size_t count;

    T_MUST_NOT_NULL(file);
    fputs("local all postgres trust\nlocal all all scram-sha-256\n", file);
    T_MUST_EQ_INT(fclose(file), 0);
    sg_sql_execf(place.sql, "CREATE ROLE keeper LOGIN PASSWORD '" PASSWORD "'; GRANT CREATE ON DATABASE %s TO keeper; GRANT ALL ON SCHEMA public TO keeper",
                 place.db);
    sg_server_configure(server, "");
    url = sg_test_strf("postgresql://keeper:" PASSWORD "@/%s?host=%s&port=%d", place.db, sg_server_dir(server), sg_server_port(server));
    wrong = sg_test_strf("postgresql://keeper:" PASSWORD "x@/%s?host=%s&port=%d", place.db, sg_server_dir(server), sg_server_port(server));
    for (int64_t end = sg_test_now_ms() + 5000; sg_sql_try_open(sg_server_conninfo(server, place.db, "keeper"), &why) != NULL;) {
        T_MUST(sg_test_now_ms() < end);
        sg_test_sleep_ms(50);
    }

    /* while it works */
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "deploy", "--verbose", NULL}, url);
    run = sg_run_start(&opts);
    sg_sql_await(place.sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'sgrun:s01'", "t", 10000);
    count = sg_proc_children(sg_run_pid(run), plugins, 8);
    T_MUST(count >= 1 && count <= 8);
    T_LACKS(proc_read(sg_run_pid(run), "environ"), "hunter2");
    T_LACKS(proc_read(sg_run_pid(run), "cmdline"), "hunter2");
    for (size_t i = 0; i < count; i++) {
        T_LACKS(proc_read(plugins[i], "environ"), "hunter2");
        T_LACKS(proc_read(plugins[i], "environ"), "DATABASE_URL");
        T_LACKS(proc_read(plugins[i], "cmdline"), "hunter2");
    }
    lacks_password(ended(sg_run_wait(run, 20000), 1));
    T_EQ_STR(ledger(&place), "s01|applied");
    T_LACKS(sg_sql_rows(place.sql, "SELECT a::text FROM sgrun.attempts a UNION ALL SELECT m::text FROM sgrun.schema_migrations m"), "hunter2");

    /* whatever is said, in any form */
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "deploy", "--json", "--log-format", "json", "--verbose", NULL}, url);
    lacks_password(ended(sg_run(&opts), 1));
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "status", NULL}, url);
    result = ended(sg_run(&opts), 0);
    T_CONTAINS(result.out, "keeper");
    lacks_password(result);
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "status", "--json", NULL}, url);
    lacks_password(ended(sg_run(&opts), 0));
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "check", NULL}, url);
    lacks_password(ended(sg_run(&opts), 0));
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "deploy", "--json", "--verbose", NULL}, wrong);
    result = ended(sg_run(&opts), 5);
    T_CONTAINS(result.out, "password authentication failed");
    lacks_password(result);
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "deploy", NULL}, "postgresql://keeper:" PASSWORD "/x@[nonsense");
    lacks_password(ended(sg_run(&opts), 2));
    opts = with_url((const char *const[]){binary, "--manifest", manifest, "--set", "database.dsn=host=" PASSWORD " nonsense", "deploy", NULL}, url);
    lacks_password(ended(sg_run(&opts), 2));
}

static const struct sg_test tests[] = {SG_CASE(passwords_are_nowhere), SG_CASES_END};
static const struct sg_suite suites[] = {{"passwords", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
