/* Exactly once under faults, as once.h says. */
#include "config.h"

#include "tests/db/once.h"

#include "tests/kit/tmp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNNERS 2
#define HOLDERS 3
#define POISON 5 /* rows */
#define WAIT_MS 60000

/* What is done to it. */
enum blow {
    BLOW_KILL,            /* SIGKILL to an sgrun process alone */
    BLOW_KILL_LANES,      /* to it and its lanes at once */
    BLOW_KILL_LANE,       /* to one lane */
    BLOW_FREEZE,          /* sgrun and its lanes stand still until the server has given them up, and go on */
    BLOW_KILL_BEFORE,     /* to all, while a COMMIT has not left their machine, */
    BLOW_KILL_SENT,       /* while it is under way, */
    BLOW_KILL_AFTER,      /* and after it was done, without the answer */
    BLOW_TERMINATE,       /* pg_terminate_backend of one, */
    BLOW_TERMINATE_ALL,   /* of all */
    BLOW_KILL_BACKEND,    /* SIGKILL of a backend: the server restarts itself */
    BLOW_CUT_BEFORE,      /* the connection is cut before COMMIT, */
    BLOW_CUT_DURING,      /* with it, */
    BLOW_CUT_AFTER,       /* after it, without its answer; */
    BLOW_CUT_ANY,         /* at some statement */
    BLOW_CUT_ALL,         /* all connections at once */
    BLOW_CRASH,           /* the postmaster is killed and started again, */
    BLOW_CRASH_AT_COMMIT, /* before the answer to a COMMIT went out */
    BLOW_BOUNCER_KILL,    /* PgBouncer is killed, or stopped, and started again */
    BLOW_BOUNCER_STOP,
    BLOW_COUNT,
};

static const char *const blow_names[BLOW_COUNT] = {
    "sgrun killed", "sgrun and its lanes killed", "a lane killed", "sgrun and its lanes frozen",
    "all killed before COMMIT", "all killed with COMMIT under way",
    "all killed before the answer to COMMIT", "a backend terminated", "all backends terminated", "a backend killed",
    "connection cut before COMMIT", "connection cut with COMMIT under way", "connection cut before the answer to COMMIT",
    "connection cut at some statement", "all connections cut", "postmaster killed", "postmaster killed before the answer to COMMIT",
    "PgBouncer killed", "PgBouncer restarted"};

struct once {
    struct place place;
    const struct once_opts *opts;
    struct sg_sql *holders[HOLDERS]; /* sessions that hold rows; NULL: none */
    int held;
    struct sg_run *runners[RUNNERS]; /* NULL: none */
    int rows, started;
    const char *last;                /* what the last run said that ended by itself */
    int hits[BLOW_COUNT], all;
    enum blow deck[BLOW_COUNT];
    int left;                        /* of the deck */
};

/* ---- the runners ---- */

static const char *dsn(const struct place *place)
{
    return place->route == ROUTE_BEHIND ? sg_pgbouncer_conninfo(place->bouncer, place->db, NULL)
                                        : sg_proxy_conninfo(place->proxy, place->db, NULL);
}

static void write_manifest(struct once *once)
{
    once->place.manifest = sg_tmp_write(
        "once.ini", sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = %s\nconnect_seconds = 5\n"
                                 "[policy]\nidle_seconds = 1\nretry_base_ms = 20\nretry_cap_ms = 300\nmax_retries = 100\n"
                                 "retry_seconds = 30\n"
                                 "[backfill b01]\nplugin = b01\npass_pause_seconds = 0\nmax_passes = 100\nlock_ms = 100\n"
                                 "max_bad_rows = %d\n%s"
                                 "option.left = SELECT 1 FROM items WHERE n < 1\n",
                                 sg_test_built("tests/scripted"), dsn(&once->place), POISON,
                                 once->opts->lines != NULL ? once->opts->lines
                                                           : "batch_size = 10\noption.sleep_ms = 5\n"
                                                             "option.batch = UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2\n"));
}

static void start(struct once *once, int i)
{
    if (once->started >= (sg_test_full() ? 1000 : 200))
        T_FATAL("run after run: %s\nranges:\n%s\nthe last said:\n%s", sg_sql_rows(once->place.sql, "SELECT * FROM sgrun.backfills"),
                sg_sql_rows(once->place.sql, "SELECT * FROM sgrun.backfill_ranges"), once->last != NULL ? once->last : "");
    once->runners[i] = sg_run_start(
        &(struct sg_run_opts){.argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", once->place.manifest, "backfill",
                                                            "--jobs", "2", NULL}});
    once->started++;
}

/* What a run may come to while servers are away: an end with whatever is left, or that nothing could be reached. */
static void judge(struct once *once, int i)
{
    struct sg_run_result run = sg_run_wait(once->runners[i], WAIT_MS);

    once->runners[i] = NULL;
    if (run.signal == 0)
        once->last = sg_test_strf("%s%s", run.out, run.err);
    sg_test_check(SG_HERE_, false, !run.timed_out && (run.signal == SIGKILL || run.exit == 0 || run.exit == 5),
                  "a run ended with %d (signal %d%s):\n%s%s", run.exit, run.signal, run.timed_out ? ", did not end" : "", run.out,
                  run.err);
}

static void start_ended(struct once *once)
{
    for (int i = 0; i < RUNNERS; i++) {
        if (once->runners[i] != NULL && sg_run_ended(once->runners[i]))
            judge(once, i);
        if (once->runners[i] == NULL)
            start(once, i);
    }
}

/* A server that crashes has a word for each of its clients. */
static void quiet(struct once *once)
{
    sg_sql_exec(once->place.sql, "SET client_min_messages = error");
}

static void open_own(struct once *once)
{
    if (strcmp(sg_sql_try(once->place.sql, "SELECT 1"), "") == 0)
        return;
    sg_sql_close(once->place.sql);
    once->place.sql = sg_sql_open(sg_server_conninfo(once->place.server, once->place.db, NULL));
    quiet(once);
}

static long long done(struct once *once)
{
    if (sg_sql_value(once->place.sql, "SELECT to_regclass('sgrun.backfill_failures')") == NULL)
        return 0;
    return sg_sql_int(once->place.sql, "SELECT coalesce((SELECT sum(rows_done) FROM sgrun.backfill_ranges), 0)"
                                       " + coalesce((SELECT sum(rows_done) FROM sgrun.backfills), 0)");
}

static const char *state(struct once *once)
{
    const char *text = NULL;

    if (sg_sql_value(once->place.sql, "SELECT to_regclass('sgrun.backfill_failures')") != NULL)
        text = sg_sql_value(once->place.sql, "SELECT state FROM sgrun.backfills WHERE key = 'b01'");
    return text != NULL ? text : "";
}

/* The application: now this row is held, now that. A server that is away is none of its business here. */
static void move_locks(struct once *once)
{
    struct sg_sql **holder = &once->holders[sg_test_rand(HOLDERS)];
    long long id = 3 * (1 + (long long)sg_test_rand((uint64_t)once->rows));

    if (!once->opts->beside_locks || sg_test_rand(10) != 0)
        return;
    sg_sql_close(*holder);
    *holder = sg_sql_try_open(sg_server_conninfo(once->place.server, once->place.db, NULL), NULL);
    if (*holder != NULL)
        once->held += strcmp(sg_sql_try(*holder, sg_test_strf("SET client_min_messages = error; BEGIN; SELECT 1 FROM items"
                                                              " WHERE id BETWEEN %lld AND %lld + 60 FOR UPDATE SKIP LOCKED",
                                                              id, id)), "") == 0;
}

static void let_go(struct once *once)
{
    for (int i = 0; i < HOLDERS; i++) {
        sg_sql_close(once->holders[i]);
        once->holders[i] = NULL;
    }
}

/* With restarts of what ended, until so many rows are done. */
static void await_done(struct once *once, long long rows)
{
    int64_t until = sg_test_now_ms() + WAIT_MS;

    for (;;) {
        long long now = done(once);

        if (now >= rows)
            return;
        if (strcmp(state(once), "failed") == 0)
            T_FATAL("failed: %s",
                    sg_sql_value(once->place.sql, "SELECT concat_ws(' ', class, sqlstate, message) FROM sgrun.backfills"));
        if (sg_test_now_ms() > until)
            T_FATAL("%lld rows of %d are done, and no more come:\n%s\n%s\n%s", now, once->rows,
                    sg_sql_rows(once->place.sql, "SELECT * FROM sgrun.backfill_ranges"),
                    sg_sql_rows(once->place.sql,
                                "SELECT pid, state, wait_event, query FROM pg_stat_activity WHERE pid <> pg_backend_pid()"),
                    once->runners[0] != NULL ? sg_run_err(once->runners[0]) : "");
        start_ended(once);
        move_locks(once);
        sg_test_sleep_ms(3);
    }
}

/* ---- faults; each gives how often it hit ---- */

static struct sg_run *some_runner(struct once *once)
{
    return once->runners[sg_test_rand(RUNNERS)];
}

/* A kill counts if there was something to kill: a run with a lane. */
static int kill_some(struct once *once, enum blow blow)
{
    struct sg_run *run = some_runner(once);
    pid_t lanes[8];
    size_t count = sg_run_lanes(run, lanes, 8);

    if (sg_run_ended(run) || count == 0)
        return 0;
    if (blow == BLOW_KILL_LANE)
        return kill(lanes[sg_test_rand(count)], SIGKILL) == 0;
    sg_run_signal(run, SIGKILL);
    if (blow == BLOW_KILL_LANES)
        for (size_t i = 0; i < count; i++)
            (void)kill(lanes[i], SIGKILL);
    return 1;
}

static int freeze(struct once *once)
{
    struct sg_run *run = some_runner(once);
    pid_t lanes[8];
    size_t count = sg_run_lanes(run, lanes, 8);
    const char *open =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sgrun:%'"
        " AND xact_start IS NOT NULL";
    long long transactions;

    if (sg_run_ended(run) || count == 0)
        return 0;
    sg_run_signal(run, SIGSTOP);
    for (size_t i = 0; i < count; i++)
        (void)kill(lanes[i], SIGSTOP);
    transactions = sg_sql_int(once->place.sql, open);
    sg_test_sleep_ms(1300);
    for (size_t i = 0; i < count; i++)
        (void)kill(lanes[i], SIGCONT);
    sg_run_signal(run, SIGCONT);
    return transactions > 0;
}

static int terminate(struct once *once, const char *limit)
{
    return (int)sg_sql_int(
        once->place.sql,
        sg_test_strf("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) AS done FROM (SELECT pid"
                     " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                     " AND backend_type = 'client backend' AND (state <> 'idle' OR xact_start IS NOT NULL) %s) p) d"
                     " WHERE done",
                     limit));
}

static int kill_backend(struct once *once)
{
    const char *pid = sg_sql_value(once->place.sql, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                                                    " AND pid <> pg_backend_pid() AND application_name LIKE 'sgrun:%'"
                                                    " AND xact_start IS NOT NULL LIMIT 1");
    int64_t until = sg_test_now_ms() + 20000;
    struct sg_sql *own = NULL;

    if (pid == NULL)
        return 0;
    if (!sg_server_kill_backend(once->place.server, (pid_t)strtol(pid, NULL, 10)))
        return 0; /* it has ended meanwhile */
    while (strcmp(sg_sql_try(once->place.sql, "SELECT 1"), "") == 0 && sg_test_now_ms() < until)
        sg_test_sleep_ms(5);
    while (own == NULL && sg_test_now_ms() < until) {
        own = sg_sql_try_open(sg_server_conninfo(once->place.server, once->place.db, NULL), NULL);
        if (own == NULL)
            sg_test_sleep_ms(20);
    }
    T_MUST_NOT_NULL(own);
    sg_sql_close(own);
    return 1;
}

/* Arms the proxy at one of the next COMMITs, or statements, and waits until it was hit; restarts meanwhile what ended. */
static bool at_statement(struct once *once, enum sg_fault fault, const char *match)
{
    struct sg_proxy *proxy = once->place.proxy;
    int before = sg_proxy_hits(proxy);
    int64_t until = sg_test_now_ms() + 20000;
    bool hit = false;

    sg_proxy_arm(proxy,
                 &(struct sg_proxy_rule){.fault = fault, .match = match, .whole = match != NULL, .nth = 1 + (int)sg_test_rand(9)});
    while (!hit && sg_test_now_ms() < until) {
        sg_test_sleep_ms(1);
        start_ended(once);
        hit = sg_proxy_hits(proxy) > before;
    }
    sg_proxy_disarm(proxy);
    return hit;
}

static int kill_at_commit(struct once *once, enum blow blow)
{
    if (!at_statement(once, blow == BLOW_KILL_AFTER ? SG_FAULT_PAUSE_REPLY : SG_FAULT_PAUSE, "COMMIT"))
        return 0;
    for (int i = 0; i < RUNNERS; i++) {
        sg_run_signal(once->runners[i], SIGKILL);
        judge(once, i);
    }
    if (blow == BLOW_KILL_SENT)
        sg_proxy_release(once->place.proxy);
    else
        sg_proxy_cut(once->place.proxy);
    return 1;
}

static int crash(struct once *once, enum blow blow)
{
    bool paused = blow == BLOW_CRASH_AT_COMMIT;

    if (paused && !at_statement(once, SG_FAULT_PAUSE_REPLY, "COMMIT"))
        return 0;
    sg_server_kill(once->place.server);
    if (paused)
        sg_proxy_cut(once->place.proxy);
    sg_test_sleep_ms((int64_t)sg_test_rand(200));
    sg_server_restart(once->place.server);
    return 1;
}

static int restart_bouncer(struct once *once, enum blow blow)
{
    if (blow == BLOW_BOUNCER_KILL)
        sg_pgbouncer_kill(once->place.bouncer);
    else
        sg_pgbouncer_stop(once->place.bouncer);
    sg_test_sleep_ms((int64_t)sg_test_rand(100));
    sg_pgbouncer_restart(once->place.bouncer);
    return 1;
}

static int strike(struct once *once, enum blow blow)
{
    switch (blow) {
    case BLOW_KILL:
    case BLOW_KILL_LANES:
    case BLOW_KILL_LANE:
        return kill_some(once, blow);
    case BLOW_FREEZE:
        return freeze(once);
    case BLOW_KILL_BEFORE:
    case BLOW_KILL_SENT:
    case BLOW_KILL_AFTER:
        return kill_at_commit(once, blow);
    case BLOW_TERMINATE:
        return terminate(once, "LIMIT 1");
    case BLOW_TERMINATE_ALL:
        return terminate(once, "") > 0;
    case BLOW_KILL_BACKEND:
        return kill_backend(once);
    case BLOW_CUT_BEFORE:
        return at_statement(once, SG_FAULT_DROP_REQUEST, "COMMIT");
    case BLOW_CUT_DURING:
        return at_statement(once, SG_FAULT_CUT_NOW, "COMMIT");
    case BLOW_CUT_AFTER:
        return at_statement(once, SG_FAULT_DROP_REPLY, "COMMIT");
    case BLOW_CUT_ANY:
        return at_statement(once, sg_test_rand(2) == 0 ? SG_FAULT_DROP_REPLY : SG_FAULT_CUT_NOW, NULL);
    case BLOW_CUT_ALL:
        if (sg_proxy_open(once->place.proxy) == 0)
            return 0;
        sg_proxy_cut(once->place.proxy);
        return 1;
    case BLOW_CRASH:
    case BLOW_CRASH_AT_COMMIT:
        return crash(once, blow);
    case BLOW_BOUNCER_KILL:
    case BLOW_BOUNCER_STOP:
        return restart_bouncer(once, blow);
    case BLOW_COUNT:
        break;
    }
    T_FATAL("no such blow");
}

/* One after the other of all kinds, in an order by chance, again and again. */
static enum blow draw(struct once *once)
{
    int at;
    enum blow blow;

    if (once->left == 0)
        for (int i = 0; i < BLOW_COUNT; i++)
            if (once->place.bouncer != NULL || (i != BLOW_BOUNCER_KILL && i != BLOW_BOUNCER_STOP))
                once->deck[once->left++] = (enum blow)i;
    at = (int)sg_test_rand((uint64_t)once->left);
    blow = once->deck[at];
    once->deck[at] = once->deck[--once->left];
    return blow;
}

/* ---- the test ---- */

static void expect_once_so_far(struct once *once, const char *what)
{
    const char *twice = sg_sql_rows(once->place.sql, "SELECT id, n FROM items WHERE n > 1 ORDER BY id LIMIT 50");

    if (*twice != '\0')
        T_FATAL("after \"%s\" rows were done more than once (id|n):\n%s\nranges:\n%s", what, twice,
                sg_sql_rows(once->place.sql,
                            "SELECT no, lo, hi, pos, deferred, rows_done, runner FROM sgrun.backfill_ranges ORDER BY no"));
}

static void finish(struct once *once, const char *wanted)
{
    int64_t until = sg_test_now_ms() + WAIT_MS;

    let_go(once);
    while (strcmp(state(once), wanted) != 0) {
        if (sg_test_now_ms() > until)
            T_FATAL("not %s: %s\nranges:\n%s\n%s", wanted, sg_sql_rows(once->place.sql, "SELECT * FROM sgrun.backfills"),
                    sg_sql_rows(once->place.sql, "SELECT * FROM sgrun.backfill_ranges"),
                    once->runners[0] != NULL ? sg_run_err(once->runners[0]) : "");
        start_ended(once);
        sg_test_sleep_ms(20);
    }
    for (int i = 0; i < RUNNERS; i++)
        if (once->runners[i] != NULL)
            judge(once, i);
}

static const char *until_none(struct once *once, const char *query)
{
    int64_t until = sg_test_now_ms() + 10000;
    const char *rows;

    while (*(rows = sg_sql_rows(once->place.sql, query)) != '\0' && sg_test_now_ms() < until)
        sg_test_sleep_ms(20);
    return rows;
}

static void expect_once(struct once *once)
{
    struct sg_sql *sql = once->place.sql;
    int64_t until = sg_test_now_ms() + 10000;

    T_EQ_STR(sg_sql_rows(sql, "SELECT n, count(*) FROM items GROUP BY n ORDER BY n"), sg_test_strf("1|%d", once->rows));
    T_EQ_STR(sg_sql_rows(sql, "SELECT state, rows_done FROM sgrun.backfills"), sg_test_strf("complete|%d", once->rows));
    T_EQ_STR(sg_sql_rows(sql, "SELECT * FROM sgrun.backfill_ranges"), "");
    T_EQ_STR(sg_sql_rows(sql, "SELECT * FROM sgrun.backfill_failures"), "");
    T_EQ_STR(until_none(once, "SELECT pid, state, query FROM pg_stat_activity WHERE datname = current_database()"
                              " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"), "");
    while (*sg_run_orphans() != '\0' && sg_test_now_ms() < until)
        sg_test_sleep_ms(10);
    T_EQ_STR(sg_run_orphans(), "");
}

/* These are the rows that were found to be bad, all of them and no other; mended, they are done. */
static void mend(struct once *once)
{
    struct sg_sql *sql = once->place.sql;
    struct sg_run_result run;

    finish(once, "residual");
    T_EQ_STR(sg_sql_rows(sql, "SELECT row_key[1]::bigint, sqlstate FROM sgrun.backfill_failures ORDER BY 1"),
             sg_sql_rows(sql, "SELECT id, '23514' FROM items WHERE poison ORDER BY id"));
    T_EQ_STR(sg_sql_rows(sql, "SELECT id FROM items WHERE n <> 1 ORDER BY id"),
             sg_sql_rows(sql, "SELECT id FROM items WHERE poison ORDER BY id"));
    sg_sql_exec(sql, "ALTER TABLE items DROP CONSTRAINT poisoned");
    run = sg_run(&(struct sg_run_opts){.argv = (const char *const[]){sg_test_built("sgrun"), "--manifest", once->place.manifest,
                                                                     "backfill", "--retry", "b01", NULL}});
    T_EQ_INT(run.exit, 0);
}

static void make_items(struct once *once)
{
    sg_sql_execf(once->place.sql,
                 "CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, poison boolean NOT NULL)"
                 " WITH (fillfactor = 50); INSERT INTO items SELECT 3 * i, 0, false FROM generate_series(1, %d) i;"
                 " ALTER TABLE items ADD CONSTRAINT poisoned CHECK (n < 1 OR NOT poison); ANALYZE items",
                 once->rows);
    for (int i = 0; once->opts->with_poison && i < POISON; i++)
        sg_sql_execf(once->place.sql, "UPDATE items SET poison = true WHERE id = (SELECT min(id) FROM items WHERE id >= %llu"
                                      " AND NOT poison)", (unsigned long long)sg_test_rand((uint64_t)once->rows * 3 - 30));
}

void once_route(const struct once_opts *opts, int rows, int faults)
{
    struct once once = {.opts = opts, .rows = rows * (sg_test_full() ? 10 : 1)};

    faults *= sg_test_full() ? 10 : 1;
    place_open(&once.place, opts->route);
    quiet(&once);
    make_items(&once);
    write_manifest(&once);
    for (int i = 0; i < RUNNERS; i++)
        start(&once, i);
    for (int i = 0; i < faults; i++) {
        enum blow blow;
        int hits = 0;

        await_done(&once, (long long)once.rows * (i + 1) / (faults + 4));
        blow = draw(&once);
        for (int64_t until = sg_test_now_ms() + 30000; hits == 0 && sg_test_now_ms() < until;) {
            start_ended(&once);
            hits = strike(&once, blow);
            if (hits == 0)
                sg_test_sleep_ms(1);
        }
        open_own(&once);
        once.hits[blow] += hits > 0;
        once.all += hits > 0;
        expect_once_so_far(&once, blow_names[blow]);
    }
    if (opts->with_poison)
        mend(&once);
    finish(&once, "complete");
    expect_once(&once);
    for (int i = 0; i < BLOW_COUNT; i++)
        if (once.hits[i] > 0)
            printf("%s: %d\n", blow_names[i], once.hits[i]);
    printf("%d faults hit, %d runs, %d rows, held by others %d times\n", once.all, once.started, once.rows, once.held);
    T_GE_INT(once.all, faults);
    if (opts->beside_locks)
        T_GT_INT(once.held, 0);
}
