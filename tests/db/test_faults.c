/*
 * Whatever breaks at whatever statement of the protocol: afterwards, and after one more run, every migration is applied exactly once
 * and recorded, and nothing is left behind. The statements of an undisturbed run are counted first; then each kind of harm is done
 * at each of them (SGRUN_TEST_FULL), or at some by chance. Here connections are lost; runners are killed in test_killed, servers in
 * test_crashed, so that they run side by side.
 *
 * That a migration was done twice cannot hide: "already exists" fails here, some constraints have no name and would be there twice,
 * and what is compared is the whole catalogue, the ledger with its outcomes, and the journal.
 */
#include "config.h"

#include "tests/db/faults.h"

#include <stdio.h>

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

/* What is asked between the ledger and the first step is asked again too. */
SG_TEST(lost_while_the_state_is_read)
{
    struct place place;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "", place_five());
    place_measure(&place);
    for (int nth = 1; nth <= 2; nth++)
        T_TRUE(place_harm(&place, place.proxy, HARM_END_AFTER, "SELECT m.version", nth, true));
}

/* Each statement once, in a short run too, with one of those harms that cost no time. */
SG_TEST(every_statement)
{
    static const enum harm quick[] = {HARM_END_BEFORE, HARM_END_AFTER, HARM_CUT_REQUEST, HARM_CUT_SENT, HARM_CUT_REPLY};
    struct place place;

    place_open(&place, ROUTE_DIRECT);
    place_manifest(&place, "", place_five());
    place_measure(&place);
    for (int k = 1; k <= place.statements; k++)
        T_TRUE(place_harm(&place, place.proxy, quick[sg_test_rand(sizeof quick / sizeof *quick)], NULL, k, true));
    T_EQ_INT(place.hits, place.statements);
    printf("%d statements, %d faults\n", place.statements, place.hits);
}

static const struct sg_test tests[] = {SG_CASE(every_statement),
                                       SG_CASE(lost_while_the_state_is_read),
                                       SG_CASE_SECONDS(backend_terminated_direct, 1200),
                                       SG_CASE_SECONDS(backend_terminated_pooled, 1200),
                                       SG_CASE_SECONDS(connection_cut_direct, 1200),
                                       SG_CASE_SECONDS(connection_cut_before_the_pooler, 1200),
                                       SG_CASE_SECONDS(connection_cut_behind_the_pooler, 1200),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
