/* The shared part of the tests of faults, as faults.h says. */
#include "config.h"

#include "tests/db/faults.h"

#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define RUN_MS 60000
#define SETTLE_MS 10000

/* ---- the place ---- */

static void open_own(struct place *place)
{
    sg_sql_close(place->sql);
    place->sql = sg_sql_open(sg_server_conninfo(place->server, place->db, NULL));
}

void place_open(struct place *place, enum route route)
{
    const char *dir;
    int port;

    memset(place, 0, sizeof *place);
    place->route = route;
    place->server = sg_server_start(NULL);
    place->db = sg_server_new_db(place->server);
    dir = sg_server_dir(place->server);
    port = sg_server_port(place->server);
    if (route == ROUTE_BEHIND) {
        place->proxy = sg_proxy_start(dir, port);
        dir = sg_proxy_dir(place->proxy);
        port = sg_proxy_port(place->proxy);
    }
    if (route != ROUTE_DIRECT) {
        place->bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = dir, .port = port, .query_wait_timeout = 2});
        dir = sg_pgbouncer_dir(place->bouncer);
        port = sg_pgbouncer_port(place->bouncer);
    }
    if (route != ROUTE_BEHIND)
        place->proxy = sg_proxy_start(dir, port);
    if (route == ROUTE_POOLED)
        place->past = sg_proxy_start(sg_server_dir(place->server), sg_server_port(place->server));
    else if (route == ROUTE_DIRECT)
        place->past = place->proxy;
    open_own(place);
}

static const char *dsn(const struct place *place)
{
    return place->route == ROUTE_BEHIND ? sg_pgbouncer_conninfo(place->bouncer, place->db, NULL)
                                        : sg_proxy_conninfo(place->proxy, place->db, NULL);
}

static const char *direct_dsn(const struct place *place)
{
    return place->route == ROUTE_POOLED   ? sg_test_strf("direct_dsn = %s\n", sg_proxy_conninfo(place->past, place->db, NULL))
           : place->route == ROUTE_BEHIND ? sg_test_strf("direct_dsn = %s\n", sg_server_conninfo(place->server, place->db, NULL))
                                          : "";
}

void place_manifest(struct place *place, const char *policy, const char *steps)
{
    static int number;

    place->manifest = sg_tmp_write(sg_test_strf("m%d.ini", ++number),
                                   sg_test_strf("[sgrun]\nplugin_path = %s\nlease_seconds = 2\n"
                                                "[database]\ndsn = %s\n%sconnect_seconds = 5\n"
                                                "[policy]\nalready_exists = fail\nidle_seconds = 1\nretry_base_ms = 20\n"
                                                "retry_cap_ms = 300\nmax_retries = 100\nretry_seconds = 30\n%s%s",
                                                sg_test_built("tests/scripted"), dsn(place), direct_dsn(place), policy, steps));
}

/* CHECK and UNIQUE have no name: done twice, they leave a second constraint and no error. */
const char *place_five(void)
{
    return "[migration s01]\nplugin = s01\n"
           "option.ddl1 = CREATE TABLE a (id int PRIMARY KEY, n int)\n"
           "option.ddl2 = ALTER TABLE a ADD CHECK (n > 0)\n"
           "option.ddl3 = ALTER TABLE people RENAME COLUMN name TO full_name\n"
           "option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('people') AND attname = 'full_name'\n"
           "[migration s02]\nplugin = s02\n"
           "option.ddl1 = ALTER TABLE people ADD CHECK (id > 0)\n"
           "option.fingerprint = SELECT 1 FROM pg_constraint WHERE conname = 'people_id_check'\n"
           "[migration s03]\nplugin = s03\nalready_exists = pass\n"
           "option.ddl1 = CREATE TABLE tags (id int, label text)\n"
           "option.ddl2 = ALTER TABLE tags ADD UNIQUE (label)\n"
           "option.fingerprint = SELECT 1 FROM pg_constraint WHERE conname = 'tags_label_key'\n"
           "[migration s04]\nplugin = s04\n"
           "option.ddl1 = CREATE TABLE there (id int)\noption.table = there\n"
           "[migration s05]\nplugin = s05\n"
           "option.ddl1 = ALTER TABLE a RENAME TO b\noption.table = b\n";
}

const char *place_outside(void)
{
    return "[migration s01]\nplugin = s01\noption.ddl1 = CREATE TABLE a (id int)\noption.table = a\n"
           "[migration x01]\nplugin = x01\noption.ddl1 = DROP INDEX CONCURRENTLY people_name\n"
           "option.fingerprint = SELECT 1 WHERE to_regclass('people_name') IS NULL\n"
           "[migration s02]\nplugin = s02\noption.ddl1 = ALTER TABLE a RENAME TO b\noption.table = b\n";
}

void place_reset(struct place *place)
{
    if (strcmp(sg_sql_try(place->sql, "SELECT 1"), "") != 0)
        open_own(place);
    sg_sql_exec(place->sql, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS sgrun CASCADE; DROP SCHEMA public CASCADE;"
                            " CREATE SCHEMA public; CREATE TABLE people (id int PRIMARY KEY, name text);"
                            " CREATE INDEX people_name ON people (name);"
                            " CREATE TABLE tags (id int, label text); CREATE TABLE there (id int)");
    sg_proxy_disarm(place->proxy);
    sg_proxy_forget(place->proxy);
    if (place->past != NULL && place->past != place->proxy) {
        sg_proxy_disarm(place->past);
        sg_proxy_forget(place->past);
    }
}

/* ---- runs ---- */

struct sg_run *place_start(struct place *place, const char *extra)
{
    return sg_run_start(&(struct sg_run_opts){.argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", place->manifest,
                                                                            "--wait", "10", extra, NULL}});
}

struct sg_run_result place_run(struct place *place, const char *extra)
{
    return sg_run_wait(place_start(place, extra), RUN_MS);
}

/* ---- what must be as if nothing had happened ---- */

static const char *ledger_of(struct place *place)
{
    return sg_sql_rows(place->sql, "SELECT id, outcome FROM sgrun.schema_migrations ORDER BY id");
}

static const char *journal_of(struct place *place)
{
    return sg_sql_rows(place->sql, "SELECT step, seq, kind, sql FROM sgrun.journal ORDER BY step, seq");
}

/* Every relation, column and constraint of schema public. */
static const char *schema_of(struct place *place)
{
    return sg_sql_rows(
        place->sql,
        "SELECT concat_ws(' ', relname, relkind, CASE WHEN relkind = 'i' THEN pg_get_indexdef(oid) END) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace UNION ALL"
        " SELECT concat_ws(' ', relname, attname, attnum, format_type(atttypid, atttypmod), attisdropped)"
        " FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' UNION ALL"
        " SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1");
}

void place_measure(struct place *place)
{
    struct sg_run_result run;

    place_reset(place);
    run = place_run(place, NULL);
    if (run.exit != 0)
        T_FATAL("the undisturbed run ended with %d: %s", run.exit, run.err);
    place->ledger = ledger_of(place);
    place->journal = journal_of(place);
    place->schema = schema_of(place);
    place->statements = sg_proxy_count(place->proxy);
    place->past_statements = place->past != NULL ? sg_proxy_count(place->past) : 0;
}

static void equals(const char *what, const char *name, const char *got, const char *want)
{
    sg_test_check(SG_HERE_, false, strcmp(got, want) == 0, "%s: %s is\n%s\nwithout the fault it is\n%s", what, name, got, want);
}

/* Waits until the query gives no row; gives the rows it still gives at the end. */
static const char *until_none(struct place *place, const char *query)
{
    int64_t until = sg_test_now_ms() + SETTLE_MS;
    const char *rows;

    while (*(rows = sg_sql_rows(place->sql, query)) != '\0' && sg_test_now_ms() < until)
        sg_test_sleep_ms(20);
    return rows;
}

static const char *until_no_orphans(void)
{
    int64_t until = sg_test_now_ms() + SETTLE_MS;
    const char *lines;

    while (*(lines = sg_run_orphans()) != '\0' && sg_test_now_ms() < until)
        sg_test_sleep_ms(5);
    return lines;
}

/* "id" of "id|outcome" lines. */
static const char *ids_of(const char *ledger)
{
    char *copy = (char *)(uintptr_t)sg_test_strf("%s", ledger);
    char *to = copy;
    bool skip = false;

    for (const char *p = copy; *p != '\0'; p++) {
        if (*p == '|')
            skip = true;
        if (*p == '\n')
            skip = false;
        if (!skip)
            *to++ = *p;
    }
    *to = '\0';
    return copy;
}

void place_settle(struct place *place, const char *what, bool exact, bool killed)
{
    struct sg_run_result run;

    sg_proxy_disarm(place->proxy);
    if (place->past != NULL)
        sg_proxy_disarm(place->past);
    if (strcmp(sg_sql_try(place->sql, "SELECT 1"), "") != 0)
        open_own(place);
    /* A dead runner's lease runs out, mostly sooner than by itself: there are many of them. */
    if (killed && sg_test_rand(sg_test_full() ? 8 : 2) != 0 && sg_sql_value(place->sql, "SELECT to_regclass('sgrun.lease')") != NULL)
        sg_sql_exec(place->sql, "UPDATE sgrun.lease SET expires_at = clock_timestamp() WHERE owner IS NOT NULL");
    run = place_run(place, NULL);
    sg_test_check(SG_HERE_, false, run.exit == 0, "%s: the next run ended with %d:\n%s%s", what, run.exit, run.out, run.err);
    if (run.exit != 0)
        return;
    equals(what, "the ledger", exact ? ledger_of(place) : ids_of(ledger_of(place)), exact ? place->ledger : ids_of(place->ledger));
    if (exact)
        equals(what, "the journal", journal_of(place), place->journal);
    equals(what, "the schema", schema_of(place), place->schema);
    equals(what, "the lease",
           killed ? until_none(place, "SELECT owner FROM sgrun.lease WHERE expires_at > clock_timestamp()")
                  : sg_sql_rows(place->sql, "SELECT owner FROM sgrun.lease"),
           "");
    equals(what, "who is at work",
           until_none(place, "SELECT pid, state, application_name, query FROM pg_stat_activity WHERE datname = current_database()"
                             " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"),
           "");
    equals(what, "held or waited for",
           until_none(place, "SELECT pid, locktype, mode, granted FROM pg_locks WHERE pid <> pg_backend_pid()"
                             " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                             " AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum%')"),
           "");
    equals(what, "left running", until_no_orphans(), "");
}

/* ---- one fault at one statement ---- */

const char *harm_name(enum harm harm)
{
    static const char *const names[HARM_COUNT] = {
        "runner killed before the statement", "runner killed with the statement under way", "runner killed before the answer",
        "backend terminated before the statement", "backend terminated before the answer",
        "connection cut before the statement", "connection cut with the statement under way", "connection cut before the answer",
        "postmaster killed before the statement", "postmaster killed before the answer"};

    return names[harm];
}

static enum sg_fault fault_of(enum harm harm)
{
    switch (harm) {
    case HARM_KILL_BEFORE:
    case HARM_KILL_SENT:
    case HARM_END_BEFORE:
    case HARM_CRASH_BEFORE:
        return SG_FAULT_PAUSE;
    case HARM_KILL_AFTER:
    case HARM_END_AFTER:
    case HARM_CRASH_AFTER:
        return SG_FAULT_PAUSE_REPLY;
    case HARM_CUT_REQUEST:
        return SG_FAULT_DROP_REQUEST;
    case HARM_CUT_SENT:
        return SG_FAULT_CUT_NOW;
    case HARM_CUT_REPLY:
        return SG_FAULT_DROP_REPLY;
    case HARM_COUNT:
        break;
    }
    T_FATAL("no such harm");
}

static bool await_hit(struct sg_proxy *proxy, struct sg_run *run)
{
    int64_t until = sg_test_now_ms() + RUN_MS;

    while (sg_test_now_ms() < until) {
        bool over = sg_run_ended(run);

        if (sg_proxy_hits(proxy) > 0)
            return true;
        if (over)
            return false;
        sg_test_sleep_ms(1);
    }
    return false;
}

/* What the proxy cannot do by itself; the statement, or its answer, waits in it. */
static void do_harm(struct place *place, struct sg_proxy *proxy, struct sg_run *run, enum harm harm)
{
    switch (harm) {
    case HARM_KILL_BEFORE:
    case HARM_KILL_AFTER:
        sg_run_signal(run, SIGKILL);
        (void)sg_run_wait(run, RUN_MS);
        sg_proxy_cut(proxy);
        break;
    case HARM_KILL_SENT:
        sg_run_signal(run, SIGKILL);
        (void)sg_run_wait(run, RUN_MS);
        sg_proxy_release(proxy);
        break;
    case HARM_END_BEFORE:
    case HARM_END_AFTER:
        /* behind a pooler the proxy does not know which; all are */
        sg_sql_exec(place->sql, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'");
        sg_proxy_release(proxy);
        break;
    case HARM_CRASH_BEFORE:
    case HARM_CRASH_AFTER:
        sg_server_kill(place->server);
        sg_proxy_release(proxy);
        sg_test_sleep_ms((int64_t)sg_test_rand(200));
        sg_server_restart(place->server);
        break;
    case HARM_CUT_REQUEST:
    case HARM_CUT_SENT:
    case HARM_CUT_REPLY:
    case HARM_COUNT:
        break;
    }
}

static bool kills_runner(enum harm harm)
{
    return harm == HARM_KILL_BEFORE || harm == HARM_KILL_SENT || harm == HARM_KILL_AFTER;
}

bool place_harm(struct place *place, struct sg_proxy *proxy, enum harm harm, const char *match, int nth, bool exact)
{
    const char *what = sg_test_strf("%s %d%s%s", harm_name(harm), nth, match != NULL ? " with " : "", match != NULL ? match : "");
    struct sg_run *run;
    bool hit, killed;

    place_reset(place);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = fault_of(harm), .match = match, .nth = nth});
    run = place_start(place, NULL);
    hit = await_hit(proxy, run);
    if (hit) {
        const char *at = sg_proxy_statement(proxy, sg_proxy_count(proxy) - 1);

        what = sg_test_strf("%s (%.60s)", what, at != NULL ? at : "");
        place->hits++;
        do_harm(place, proxy, run, harm);
    }
    killed = hit && kills_runner(harm);
    if (!killed) {
        struct sg_run_result result = sg_run_wait(run, RUN_MS);

        sg_test_check(SG_HERE_, false, result.exit == 0 && !result.timed_out, "%s: the run ended with %d (signal %d) after %lld ms:\n%s%s",
                      what, result.exit, result.signal, (long long)result.ms, result.out, result.err);
    }
    /* a lease cannot be given back to a server that is away */
    place_settle(place, what, exact, killed || harm == HARM_CRASH_BEFORE || harm == HARM_CRASH_AFTER);
    return hit;
}

/* ---- faults at all statements ---- */

/* Harm at every statement, or at N of them by chance. Gives how often it was done. */
static void at_statements(struct place *place, struct sg_proxy *proxy, enum harm harm, int statements, int n, bool exact)
{
    int before = place->hits;
    int done = 0;

    if (sg_test_full()) {
        for (int k = 1; k <= statements; k++, done++)
            (void)place_harm(place, proxy, harm, NULL, k, exact);
    } else {
        for (; done < n; done++)
            (void)place_harm(place, proxy, harm, NULL, 1 + (int)sg_test_rand((uint64_t)statements), exact);
    }
    printf("%s: %d faults in %d runs\n", harm_name(harm), place->hits - before, done);
    T_GT_INT(place->hits, before);
}

void place_migrations(enum route route, const enum harm *harms, size_t count, int n)
{
    struct place place;

    place_open(&place, route);
    place_manifest(&place, "", place_five());
    place_measure(&place);
    T_EQ_STR(place.ledger, "s01|applied\ns02|applied\ns03|applied\ns04|reconciled\ns05|applied");
    T_MUST(place.statements > 30);
    for (size_t i = 0; i < count; i++)
        at_statements(&place, place.proxy, harms[i], place.statements, n, true);
    printf("%d statements, %d faults\n", place.statements, place.hits);
}
