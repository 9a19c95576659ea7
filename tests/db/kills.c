/* The killed deploys, as kills.h says. */
#include "config.h"

#include "tests/db/kills.h"

#include "tests/db/left.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/server.h"
#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PER_DATABASE 5
#define RUN_MS 120000
#define MOST_SEEN 40000
#define MOST_STEPS 200

/* What a deploy was seen to be at. */
enum kind { KIND_BETWEEN, KIND_MIGRATION, KIND_INDEX, KIND_BACKFILL, KIND_COUNT };
static const char *const kind_names[KIND_COUNT] = {"between", "migration", "index", "backfill"};

struct sight {
    enum kind kind;
    int step;      /* of the course, in order of their beginnings; -1: before all */
    int64_t ms;    /* since the deploy began */
    bool exact;    /* of a moment: the kill waits until this kind of thing is seen again */
};

/* The course of the undisturbed deploy. */
struct course {
    struct sight seen[MOST_SEEN];
    int count;
    const char *steps[MOST_STEPS];
    int64_t begun[MOST_STEPS];
    int step_count;
};

struct kills {
    struct crm crm;
    struct sg_pgbouncer *bouncer; /* or NULL */
    struct course course;
    struct before before;
    struct left wanted;
    int hits, of_kind[KIND_COUNT], databases;
};

/* ---- looking ---- */

/* The session that works, or none: its step's name, and the phase of a build. */
#define LOOK                                                                                                               \
    "SELECT substr(application_name, 7), coalesce(p.phase, '') FROM pg_stat_activity a LEFT JOIN pg_stat_progress_create_index p" \
    " ON p.pid = a.pid AND p.command LIKE '%CONCURRENTLY' WHERE a.datname = current_database()"                            \
    " AND a.pid <> pg_backend_pid() AND application_name LIKE 'sgrun:%' AND state <> 'idle'"                               \
    " ORDER BY p.pid IS NULL, query_start LIMIT 1"

struct looked {
    enum kind kind;
    const char *name, *phase;
};

static struct looked look(struct sg_sql *sql)
{
    const char *row = sg_sql_rows(sql, LOOK), *manifest = sg_tmp_read(sg_test_source("etc/prod.ini"));
    struct looked looked = {.name = "", .phase = ""};
    size_t len = strcspn(row, "|");

    if (*row == '\0')
        return looked;
    looked.name = sg_test_strf("%.*s", (int)len, row);
    looked.phase = row + len + 1;
    looked.kind = KIND_MIGRATION;
    for (int i = 1; i < KIND_COUNT; i++)
        if (strstr(manifest, sg_test_strf("\n[%s %s]\n", kind_names[i], looked.name)) != NULL)
            looked.kind = (enum kind)i;
    if (*looked.phase != '\0')
        looked.kind = KIND_INDEX;
    return looked;
}

static int step_of(const struct course *course, const char *name)
{
    for (int i = 0; i < course->step_count; i++)
        if (strcmp(course->steps[i], name) == 0)
            return i;
    return -1;
}

/* ---- runs ---- */

/* As short as they may be, so that the next runner need not wait for long for what a dead one held. */
#define SHORT "--set=sgrun.lease_seconds=2", "--set=policy.idle_seconds=1", "--set=policy.retry_base_ms=50"

static struct sg_run *start(const struct crm *crm)
{
    return crm_start_args(crm, (const char *const[]){"deploy", "--wait=30", SHORT, NULL});
}

static struct crm new_database(struct kills *kills)
{
    struct crm crm = crm_new();

    if (kills->bouncer != NULL)
        crm.url = sg_pgbouncer_url(kills->bouncer, crm.db, NULL);
    kills->databases++;
    return crm;
}

/* All is done, all is whole, nobody is left. */
static void expect_complete(struct crm *crm, struct sg_run_result run)
{
    struct sg_run_result status;
    int64_t until = sg_test_now_ms() + 15000;

    if (run.exit != 0 || run.timed_out)
        T_FATAL("the last run ended with %d (signal %d%s):\n%s%s", run.exit, run.signal, run.timed_out ? ", did not end" : "",
                run.out, run.err);
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)"),
             "");
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT name, state, message FROM sgrun.indexes WHERE state <> 'valid'"), "");
    T_EQ_STR(sg_sql_rows(crm->sql, "SELECT key, state, message FROM sgrun.backfills WHERE state <> 'complete'"), "");
    status = crm_run(crm, "status", "--exit-code");
    if (status.exit != 0)
        T_FAIL("status --exit-code says %d:\n%s%s\nand the last run said:\n%s%s", status.exit, status.out, status.err, run.out,
               run.err);
    while (*sg_run_orphans() != '\0' && sg_test_now_ms() < until)
        sg_test_sleep_ms(10);
    T_EQ_STR(sg_run_orphans(), "");
    sg_sql_await(crm->sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                           " AND backend_type = 'client backend' AND state <> 'idle'", "0", 15000);
}

/* ---- the undisturbed deploy, and its course ---- */

static void measure(struct kills *kills)
{
    struct course *course = &kills->course;
    struct crm crm = new_database(kills);
    int64_t began;
    struct sg_run *run;

    kills->before = before_deploy(crm.sql);
    began = sg_test_now_ms();
    run = start(&crm);
    while (!sg_run_ended(run) && course->count < MOST_SEEN && sg_test_now_ms() < began + RUN_MS) {
        struct looked looked = look(crm.sql);
        struct sight *sight = &course->seen[course->count++];

        sight->kind = looked.kind;
        sight->ms = sg_test_now_ms() - began;
        if (sight->kind != KIND_BETWEEN && step_of(course, looked.name) < 0 && course->step_count < MOST_STEPS) {
            course->steps[course->step_count] = looked.name;
            course->begun[course->step_count++] = sight->ms;
        }
        sight->step = course->step_count - 1;
        sg_test_sleep_ms(2);
    }
    expect_complete(&crm, sg_run_wait(run, RUN_MS));
    kills->wanted = left_read(crm.sql, crm.conninfo, &kills->before);
    printf("undisturbed: %.1f s, %d steps seen\n", (double)course->seen[course->count - 1].ms / 1000, course->step_count);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        int seen = 0;

        for (int i = 0; i < course->count; i++)
            seen += course->seen[i].kind == (enum kind)kind;
        printf("  at %s: %d of %d looks\n", kind_names[kind], seen, course->count);
    }
}

/* ---- the kills ---- */

/* Of a database's moments three are in a migration, a build and a backfill, whatever time each kind takes; the others are even over
 * the time. */
static struct sight choose(const struct course *course, int n)
{
    struct sight sight = {0};

    for (int tries = 0; tries < 100000; tries++) {
        sight = course->seen[sg_test_rand((uint64_t)course->count)];
        sight.exact = (int)sight.kind == n;
        if (sight.exact || n == KIND_BETWEEN || n >= KIND_COUNT)
            break;
    }
    return sight;
}

static int by_time(const void *a, const void *b)
{
    const struct sight *x = a, *y = b;

    return (x->ms > y->ms) - (x->ms < y->ms);
}

/* Waits for the moment: its step, or a later one, is seen, and its time has passed since. Gives what is seen then; false if the run
 * ends before. */
static bool await_moment(struct kills *kills, struct sg_run *run, const struct sight *moment, int64_t after_ms,
                         struct looked *looked_r)
{
    int64_t until = sg_test_now_ms() + RUN_MS;
    int step = -1;

    while (step < moment->step && !sg_run_ended(run) && sg_test_now_ms() < until) {
        *looked_r = look(kills->crm.sql);
        if (looked_r->kind != KIND_BETWEEN)
            step = step_of(&kills->course, looked_r->name);
        sg_test_sleep_ms(1);
    }
    sg_test_sleep_ms(after_ms);
    do
        *looked_r = look(kills->crm.sql);
    while (moment->exact && looked_r->kind != moment->kind && !sg_run_ended(run) && sg_test_now_ms() < until);
    return !sg_run_ended(run) && sg_test_now_ms() < until;
}

/* To sgrun alone: lanes and builders find out by themselves; or to all of them. */
static void strike(struct sg_run *run, bool all)
{
    pid_t children[32];
    size_t count = all ? sg_run_lanes(run, children, 32) : 0;

    sg_run_signal(run, SIGKILL);
    for (size_t i = 0; i < count; i++)
        (void)kill(children[i], SIGKILL);
}

/* What sgrun's table calls valid is valid, at any moment. */
static void expect_truth(struct crm *crm)
{
    if (sg_sql_value(crm->sql, "SELECT to_regclass('sgrun.indexes')") != NULL)
        T_EQ_STR(sg_sql_rows(crm->sql,
            "SELECT i.name FROM sgrun.indexes i LEFT JOIN (pg_class c JOIN pg_index x ON x.indexrelid = c.oid AND x.indisvalid"
            " AND x.indisready AND x.indislive) ON c.relname = i.name WHERE i.state = 'valid' AND c.oid IS NULL"
            " AND i.name NOT IN (SELECT conname FROM pg_constraint)"), "");
}

static void one_kill(struct kills *kills, const struct sight *moment, int64_t after_ms)
{
    struct sg_run *run = start(&kills->crm);
    bool all = sg_test_rand(2) == 0;
    struct looked looked;
    struct sg_run_result result;

    if (!await_moment(kills, run, moment, after_ms, &looked)) {
        result = sg_run_wait(run, RUN_MS);
        T_EQ_INT(result.exit, 0);
        return;
    }
    strike(run, all);
    result = sg_run_wait(run, RUN_MS);
    if (result.signal != SIGKILL)
        return; /* it was over just before */
    kills->hits++;
    kills->of_kind[looked.kind]++;
    printf("kill %d%s (after %.1f s of this run): %s %s%s%s\n", kills->hits, all ? ", with its children" : "",
           (double)result.ms / 1000, kind_names[looked.kind], looked.name, *looked.phase != '\0' ? ": " : "", looked.phase);
    (void)fflush(stdout);
    expect_truth(&kills->crm);
    /* now and then the next one comes at once, to the ghosts, the lease and the claims of the dead one */
    if (sg_test_rand(2) == 0)
        sg_test_sleep_ms((int64_t)sg_test_rand(2500));
}

static void one_database(struct kills *kills, int count)
{
    struct sight moments[PER_DATABASE];
    const struct course *course = &kills->course;
    struct before before;
    struct left left;

    for (int i = 0; i < count; i++)
        moments[i] = choose(course, i);
    qsort(moments, (size_t)count, sizeof *moments, by_time);
    kills->crm = new_database(kills);
    before = before_deploy(kills->crm.sql);
    for (int i = 0; i < count; i++) {
        int64_t since = moments[i].step < 0 ? 0 : course->begun[moments[i].step];

        if (i > 0 && moments[i - 1].step == moments[i].step)
            since = moments[i - 1].ms;
        one_kill(kills, &moments[i], moments[i].ms - since);
    }
    expect_complete(&kills->crm, sg_run_wait(start(&kills->crm), RUN_MS));
    left = left_read(kills->crm.sql, kills->crm.conninfo, &before);
    left_same("after the kills", &kills->wanted, &left);
}

/* A kind that a deploy is at and that was never hit; KIND_COUNT: there is none. */
static int missed(const struct kills *kills)
{
    for (int i = 0; i < kills->course.count; i++)
        if (kills->of_kind[kills->course.seen[i].kind] == 0 && kills->course.seen[i].kind != KIND_BETWEEN)
            return (int)kills->course.seen[i].kind;
    return KIND_COUNT;
}

static void begin(struct kills *kills, bool pooled)
{
    struct sg_server *server = sg_server_shared();

    *kills = (struct kills){0};
    if (pooled)
        kills->bouncer = sg_pgbouncer_start(
            &(struct sg_pgbouncer_opts){.dir = sg_server_dir(server), .port = sg_server_port(server)});
    measure(kills);
}

void kills(bool pooled, int count)
{
    static struct kills kills;

    begin(&kills, pooled);
    for (int round = 0; (kills.hits < count || missed(&kills) != KIND_COUNT) && round < count + 5; round++)
        one_database(&kills, count - kills.hits > 0 && count - kills.hits < PER_DATABASE ? count - kills.hits : PER_DATABASE);
    printf("%d kills: %d in migrations, %d in builds of indexes, %d in backfills, %d between; %d databases\n", kills.hits,
           kills.of_kind[KIND_MIGRATION], kills.of_kind[KIND_INDEX], kills.of_kind[KIND_BACKFILL], kills.of_kind[KIND_BETWEEN],
           kills.databases);
    T_GE_INT(kills.hits, count);
    T_EQ_INT(missed(&kills), KIND_COUNT);
}

void deploys_at_once(bool pooled, int rounds)
{
    static struct kills kills;

    begin(&kills, pooled);
    for (int round = 0; round < rounds; round++) {
        size_t logged = strlen(sg_server_log(sg_server_shared()));
        struct sg_run *runs[2];
        struct sg_run_result first;
        struct before before;
        struct left left;

        kills.crm = new_database(&kills);
        before = before_deploy(kills.crm.sql);
        runs[0] = start(&kills.crm);
        sg_test_sleep_ms((int64_t)sg_test_rand(round % 2 == 0 ? 30 : 3000));
        runs[1] = start(&kills.crm);
        first = sg_run_wait(runs[0], RUN_MS);
        if (first.exit != 0)
            T_FAIL("the first of two ended with %d (signal %d):\n%s%s", first.exit, first.signal, first.out, first.err);
        expect_complete(&kills.crm, sg_run_wait(runs[1], RUN_MS));
        left = left_read(kills.crm.sql, kills.crm.conninfo, &before);
        left_same("two at once", &kills.wanted, &left);
        T_LACKS(sg_server_log(sg_server_shared()) + logged, "deadlock detected");
        printf("two at once: %.1f s\n", (double)first.ms / 1000);
    }
}
