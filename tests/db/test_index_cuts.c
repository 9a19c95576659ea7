/*
 * The connection is cut at each statement of a build, or the backend's answer never comes: before the statement, with it, after
 * it was done. The run goes on by itself and ends with 0 and the index valid: built once, or taken as it is if the build got
 * through.
 */
#include "config.h"

#include "tests/db/both_ways.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NAME "t_b"
#define SECTION "[index " NAME "]\ntable = t\ncolumns = b, id\n"

struct cut {
    const char *name;
    enum sg_fault fault;
    bool kill;        /* sgrun and its builder are killed there */
};
static const struct cut cuts[] = {
    {"the request is lost", SG_FAULT_DROP_REQUEST, false}, {"the answer is lost", SG_FAULT_DROP_REPLY, false},
    {"cut at once", SG_FAULT_CUT_NOW, false},              {"killed before the request", SG_FAULT_PAUSE, true},
    {"killed before the answer", SG_FAULT_PAUSE_REPLY, true}};
#define CUTS (int)(sizeof cuts / sizeof *cuts)

static void kill_all(struct sg_run *run)
{
    pid_t builders[8];
    size_t count = sg_run_lanes(run, builders, 8);

    sg_run_signal(run, SIGKILL);
    for (size_t i = 0; i < count; i++)
        (void)kill(builders[i], SIGKILL);
}

/* False: there was no such statement. */
static bool one(struct site *site, struct sg_proxy *proxy, const struct cut *cut, const char *match, int nth)
{
    const char *what = sg_test_strf("%s at \"%s\" number %d", cut->name, match != NULL ? match : "any", nth);
    struct sg_run *run;
    struct sg_run_result result;
    bool hit;

    sg_proxy_forget(proxy);
    sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = cut->fault, .match = match, .nth = nth});
    run = site_start(site, "index");
    if (cut->kill) {
        int64_t until = sg_test_now_ms() + 20000;

        while (!sg_run_ended(run) && sg_proxy_hits(proxy) == 0 && sg_test_now_ms() < until)
            sg_test_sleep_ms(1);
        if (!sg_run_ended(run))
            kill_all(run);
        if (sg_test_rand(2) == 0)
            sg_proxy_release(proxy);
        sg_proxy_cut(proxy);
    }
    result = site_end(site, run, what);
    hit = sg_proxy_hits(proxy) > 0;
    sg_proxy_disarm(proxy);
    if (!cut->kill && (result.exit != 0 || strcmp(site_index(site, NAME), "valid") != 0))
        T_FAIL("%s: exit status %d, and the index is %s:\n%s\n%s", what, result.exit, site_index(site, NAME), site_said(result),
               sg_proxy_statements(proxy));
    site_settle(site, NAME, what);
    return hit;
}

/* PROXY: where the statements of the build go, or those of the watch and the state. */
static int at_each(struct site *site, struct sg_proxy *proxy, int some)
{
    int count, hits = 0;

    site_clear(site);
    sg_proxy_forget(proxy);
    T_EQ_INT(site_run(site, "index").exit, 0);
    count = sg_proxy_count(proxy);
    T_MUST(count > 0);
    for (int i = 0; i < (sg_test_full() ? CUTS * count : some); i++) {
        site_clear(site);
        hits += one(site, proxy, &cuts[sg_test_full() ? i % CUTS : (int)sg_test_rand(CUTS)], NULL,
                    sg_test_full() ? 1 + i / CUTS : 1 + (int)sg_test_rand((uint64_t)count));
    }
    printf("%d faults hit at %d statements\n", hits, count);
    return hits;
}

static struct site *fresh(enum way way)
{
    static struct site site;

    site_open(&site, way, false);
    site_manifest(&site, SECTION);
    T_EQ_INT(site_run(&site, "index").exit, 0); /* sgrun's own tables are there from now on */
    return &site;
}

/* The statement itself, every way. */
BOTH_WAYS(at_the_build)
{
    struct site *site = fresh(way);

    for (int i = 0; i < CUTS; i++) {
        site_clear(site);
        T_TRUE(one(site, site->proxy, &cuts[i], "CREATE INDEX CONCURRENTLY", 1));
    }
}

BOTH_WAYS(at_any_statement)
{
    struct site *site = fresh(way);

    T_GE_INT(at_each(site, site->proxy, 6), 3);
}

/* direct_dsn: two ways, each is cut for itself. */
SG_TEST(past_the_pooler)
{
    struct site *site = fresh(WAY_PAST);

    site_clear(site);
    T_TRUE(one(site, site->past, &cuts[sg_test_rand((uint64_t)CUTS)], "CREATE INDEX CONCURRENTLY", 1));
    T_GE_INT(at_each(site, site->past, 3), 1);
    T_GE_INT(at_each(site, site->proxy, 3), 1);
}

/* The drop of a carcass, and its renaming before. */
BOTH_WAYS(at_the_drop)
{
    static const char *const matches[] = {"DROP INDEX CONCURRENTLY", "RENAME TO"};
    struct site *site = fresh(way);

    for (int i = 0; i < CUTS * 2; i++) {
        const struct cut *cut = &cuts[i / 2];

        if (i % 2 != (int)sg_test_rand(2) && !sg_test_full())
            continue;
        site_clear(site);
        sg_sql_exec(site->sql, "INSERT INTO t VALUES (1001, 1, 1, 'row 1')");
        sg_sql_expect(site->sql, "CREATE UNIQUE INDEX CONCURRENTLY " NAME " ON t (a)", "23505");
        T_EQ_STR(site_index(site, NAME), "invalid");
        T_TRUE(one(site, site->proxy, cut, matches[i % 2], 1));
    }
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(at_the_build_direct, 600), SG_CASE_SECONDS(at_the_build_pooled, 600),
                                       SG_CASE_SECONDS(at_any_statement_direct, 2400),
                                       SG_CASE_SECONDS(at_any_statement_pooled, 2400),
                                       SG_CASE_SECONDS(past_the_pooler, 2400), BOTH_CASES(at_the_drop), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_cuts", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
