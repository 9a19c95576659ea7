/*
 * Whatever breaks at whatever statement of the protocol: afterwards, and after one more run, every migration is applied exactly once
 * and recorded, and nothing is left behind. The statements of an undisturbed run are counted first; then each kind of harm is done
 * at each of them (SGRUN_TEST_FULL), or at some by chance.
 *
 * That a migration was done twice cannot hide: "already exists" fails here, some constraints have no name and would be there twice,
 * and what is compared is the whole catalogue, the ledger with its outcomes, and the journal.
 */
#include "config.h"

#include "tests/db/faults.h"

#include <stdio.h>

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

static void migrations(enum route route, const enum harm *harms, size_t count, int n)
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

#define MIGRATIONS(route, n, ...)                                               \
    do {                                                                        \
        static const enum harm harms[] = {__VA_ARGS__};                         \
        migrations((route), harms, sizeof harms / sizeof *harms, (n));          \
    } while (0)

SG_TEST(runner_killed_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 1, HARM_KILL_BEFORE, HARM_KILL_SENT, HARM_KILL_AFTER);
}

SG_TEST(runner_killed_pooled)
{
    MIGRATIONS(ROUTE_POOLED, 1, HARM_KILL_BEFORE, HARM_KILL_SENT, HARM_KILL_AFTER);
}

SG_TEST(backend_terminated_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 2, HARM_END_BEFORE, HARM_END_AFTER);
}

SG_TEST(backend_terminated_pooled)
{
    MIGRATIONS(ROUTE_POOLED, 2, HARM_END_BEFORE, HARM_END_AFTER);
}

SG_TEST(connection_cut_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 2, HARM_CUT_REQUEST, HARM_CUT_SENT, HARM_CUT_REPLY);
}

SG_TEST(connection_cut_before_the_pooler)
{
    MIGRATIONS(ROUTE_POOLED, 2, HARM_CUT_REQUEST, HARM_CUT_SENT, HARM_CUT_REPLY);
}

SG_TEST(connection_cut_behind_the_pooler)
{
    MIGRATIONS(ROUTE_BEHIND, 2, HARM_CUT_REQUEST, HARM_CUT_SENT, HARM_CUT_REPLY);
}

SG_TEST(postmaster_killed_direct)
{
    MIGRATIONS(ROUTE_DIRECT, 1, HARM_CRASH_BEFORE, HARM_CRASH_AFTER);
}

SG_TEST(postmaster_killed_pooled)
{
    MIGRATIONS(ROUTE_POOLED, 1, HARM_CRASH_BEFORE, HARM_CRASH_AFTER);
}

static const struct sg_test tests[] = {SG_CASE_SECONDS(runner_killed_direct, 1200),
                                       SG_CASE_SECONDS(runner_killed_pooled, 1200),
                                       SG_CASE_SECONDS(backend_terminated_direct, 1200),
                                       SG_CASE_SECONDS(backend_terminated_pooled, 1200),
                                       SG_CASE_SECONDS(connection_cut_direct, 1200),
                                       SG_CASE_SECONDS(connection_cut_before_the_pooler, 1200),
                                       SG_CASE_SECONDS(connection_cut_behind_the_pooler, 1200),
                                       SG_CASE_SECONDS(postmaster_killed_direct, 1200),
                                       SG_CASE_SECONDS(postmaster_killed_pooled, 1200),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
