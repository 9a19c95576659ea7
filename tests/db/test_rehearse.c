/*
 * Rehearsals: what a statement locks, rewrites and reads, by PostgreSQL's own word; their course; and that nothing is left.
 */
#include "config.h"

#include "tests/db/rehearsed.h"
#include "tests/kit/tmp.h"

#include <string.h>

static const struct sg_rehearsal_statement *statement(const struct rehearsed *r, const char *id, size_t number)
{
    const struct sg_rehearsal_step *step = rehearsed_step(r, id);

    if (number >= step->statement_count)
        T_FATAL("%s has %zu statements:\n%s", id, step->statement_count, rehearsed_all(r));
    return &step->statements[number];
}

SG_TEST(rehearses_the_example)
{
    struct rehearsed *r = rehearse_manifest(sg_test_built("etc/demo.ini"), NULL);
    const struct sg_rehearsal_step *step;

    T_EQ_INT(r->status, 0);
    if (!r->rehearsal.complete)
        T_FAIL("%s", rehearsed_all(r));
    T_EQ_INT(r->rehearsal.step_count, r->manifest.step_count);
    T_EQ_STR(rehearsed_did(statement(r, "0071_notes", 0), true), "business:ShareRowExclusive leads:ShareRowExclusive");
    T_EQ_STR(rehearsed_did(statement(r, "0081_business_language", 0), true), "messages:ShareUpdateExclusive scan:messages(90000)");
    T_TRUE(statement(r, "0110_call_log_outcome", 1)->existed);
    step = rehearsed_step(r, "0061_business_timezone");
    T_EQ_INT(step->outcome, SG_OUTCOME_RECONCILED);
    T_EQ_INT(step->before, 1);
    T_EQ_STR(rehearsed_step(r, "0113_unique_run_lead")->title, "one call of a lead in each campaign");
    step = rehearsed_step(r, "leads_order_index");
    T_EQ_INT(step->before, 0);
    T_EQ_INT(step->after, 1);
    T_CONTAINS(step->note, "50000 changed");
    T_EQ_STR(rehearsed_left(), "");
}

static const struct sg_test course[] = {SG_CASE(rehearses_the_example), SG_CASES_END};
static const struct sg_suite suites[] = {{"course", course}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
