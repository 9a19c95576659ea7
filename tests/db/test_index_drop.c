/*
 * What is dropped: the invalid index that was looked at, and never another, whatever becomes of its name between the look and the
 * DROP. A line that holds the DROP back stands for a pool's queue, or a process that is stopped.
 */
#include "config.h"

#include "tests/db/both_ways.h"

#include <signal.h>

static struct site *fresh(enum way way)
{
    static struct site site;

    site_open(&site, way, false);
    site_manifest(&site, site_section("t_gate", ""));
    return &site;
}

static struct sg_proxy *builders_line(struct site *site)
{
    return site->way == WAY_PAST ? site->past : site->proxy;
}

#define WANTED "CREATE INDEX t_gate ON t (gate(a) slow_ops)"

/* Broken, as a failed build leaves it. */
static void break_one(struct site *site)
{
    sg_sql_expect(site->sql, "CREATE UNIQUE INDEX CONCURRENTLY t_gate ON t (b)", "23505");
    T_EQ_STR(site_index(site, "t_gate"), "invalid");
}

/* What runs is held at that statement while somebody else makes a valid one of that name; it must be there in the end. */
static void made_meanwhile(struct site *site, const char *at)
{
    struct sg_run *run;
    int64_t oid;

    break_one(site);
    sg_proxy_arm(builders_line(site), &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = at});
    run = site_start(site, "index");
    T_MUST(sg_proxy_await_hits(builders_line(site), 1, 15000));
    sg_sql_exec(site->sql, "DROP INDEX IF EXISTS t_gate");
    sg_sql_exec(site->sql, WANTED);
    oid = sg_sql_int(site->sql, "SELECT 't_gate'::regclass::oid::int8");
    sg_proxy_release(builders_line(site));
    T_EQ_INT(site_end(site, run, at).exit, 0);
    T_EQ_INT(sg_sql_int(site->sql, "SELECT coalesce(to_regclass('t_gate')::oid::int8, 0)"), oid);
    T_EQ_STR(site_index(site, "t_gate"), "valid");
    sg_proxy_disarm(builders_line(site));
    site_settle(site, "t_gate", at);
}

BOTH_WAYS(a_drop_that_is_held_back)
{
    made_meanwhile(fresh(way), "DROP INDEX CONCURRENTLY");
}

BOTH_WAYS(a_renaming_that_is_held_back)
{
    made_meanwhile(fresh(way), "ALTER INDEX");
}

SG_TEST(a_drop_that_is_held_back_past_the_pooler)
{
    made_meanwhile(fresh(WAY_PAST), "DROP INDEX CONCURRENTLY");
}

/* Killed between the renaming and the drop: the next run knows it for what it is, and so it does whose name is too long. */
static void killed_between(struct site *site, const char *name)
{
    struct sg_run *run;

    site_manifest(site, site_section("t_gate", sg_test_strf("name = %s\n", name)));
    sg_sql_expect(site->sql, sg_test_strf("CREATE UNIQUE INDEX CONCURRENTLY %s ON t (b)", name), "23505");
    sg_proxy_arm(builders_line(site), &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE, .match = "DROP INDEX CONCURRENTLY"});
    run = site_start(site, "index");
    T_MUST(sg_proxy_await_hits(builders_line(site), 1, 15000));
    sg_proxy_refuse(builders_line(site), true);
    sg_proxy_cut(builders_line(site));
    sg_run_signal(run, SIGKILL);
    (void)sg_run_wait(run, 10000);
    sg_proxy_disarm(builders_line(site));
    sg_proxy_forget(builders_line(site));
    while (*sg_run_orphans() != '\0')
        sg_test_sleep_ms(50);
    sg_proxy_refuse(builders_line(site), false);
    T_EQ_INT(sg_sql_int(site->sql, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
    T_EQ_STR(site_index(site, name), "missing");
    sg_sql_exec(site->sql, "DELETE FROM sgrun.indexes");
    site_settle(site, name, "killed");
}

SG_TEST(killed_between_the_two)
{
    struct site *site = fresh(WAY_DIRECT);

    killed_between(site, "t_gate");
    killed_between(site, "a_name_that_is_as_long_as_a_name_may_be_to_the_very_last_byte_o");
}

/* Stopped while a left-over cannot be dropped: it is told. */
BOTH_WAYS(a_left_over_that_cannot_be_dropped)
{
    struct site *site = fresh(way);
    struct sg_run_result result;
    struct sg_run *run;

    break_one(site);
    sg_sql_exec(site->sql, "ALTER INDEX t_gate RENAME TO t_gate_ccnew3");
    sg_sql_exec(site->sql, "BEGIN; SELECT FROM t LIMIT 1"); /* a reader: DROP waits for it */
    run = site_start(site, "index");
    sg_run_await(run, "t_gate_ccnew3", 15000);
    sg_run_signal(run, SIGINT);
    result = site_end(site, run, "left over");
    T_EQ_INT(result.exit, 130);
    T_CONTAINS(result.err, "t_gate_ccnew3 is left behind");
    sg_sql_exec(site->sql, "COMMIT");
    site_settle(site, "t_gate", "left over");
}

/* Who owns the index but may make no names in its schema drops it all the same, by the name that it has. */
BOTH_WAYS(without_the_right_to_rename)
{
    struct site *site = fresh(way);

    site->role = "app_owner";
    site_manifest(site, site_section("t_gate", ""));
    T_EQ_INT(site_run(site, "status").exit, 0);
    break_one(site);
    site_own(site);
    sg_sql_exec(site->sql, "ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM PUBLIC, app_owner;"
                           "GRANT USAGE ON SCHEMA public TO app_owner");
    T_CONTAINS(site_said(site_run(site, "index")), "permission denied for schema");
    T_EQ_STR(site_index(site, "t_gate"), "missing");
}

/* The renaming is done, and what says so comes late: the server has ended the session, and the next look knows what is there. */
BOTH_WAYS(a_commit_that_is_held_back)
{
    struct site *site = fresh(way);
    struct sg_run *run;

    break_one(site);
    sg_proxy_arm(builders_line(site), &(struct sg_proxy_rule){.fault = SG_FAULT_PAUSE_REPLY, .match = "ALTER INDEX"});
    run = site_start(site, "index");
    T_MUST(sg_proxy_await_hits(builders_line(site), 1, 15000));
    sg_test_sleep_ms(6000); /* idle_in_transaction_session_timeout */
    T_EQ_STR(site_index(site, "t_gate"), "invalid");
    sg_proxy_release(builders_line(site));
    T_EQ_INT(site_end(site, run, "late").exit, 0);
    T_EQ_STR(site_index(site, "t_gate"), "valid");
    site_settle(site, "t_gate", "late");
}

static const struct sg_test tests[] = {
    BOTH_CASES(a_drop_that_is_held_back), SG_CASE(a_drop_that_is_held_back_past_the_pooler),
    BOTH_CASES(a_renaming_that_is_held_back), SG_CASE(killed_between_the_two),
    BOTH_CASES(a_left_over_that_cannot_be_dropped), BOTH_CASES(without_the_right_to_rename),
    BOTH_CASES(a_commit_that_is_held_back), SG_CASES_END};
static const struct sg_suite suites[] = {{"index_drop", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
