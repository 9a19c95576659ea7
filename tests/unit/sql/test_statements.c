/* The policy against the lists of tests/kit/statements.c: what the parser alone says to each. */
#include "config.h"

#include "core/sql/policy.h"
#include "core/sql/tree.h"
#include "tests/kit/statements.h"
#include "tests/kit/test.h"

#include <string.h>

static const struct sg_policy_rules run_rules = {.phase = SG_PHASE_RUN, .state_schema = "sgrun", .schema = "public"};

/* Judges SQL; what it makes is added to MADE. */
static int judge(const char *sql, enum sg_call call, struct sg_relations *made, struct sg_arena *arena, struct sg_verdict *verdict,
                 struct sg_err *err)
{
    struct sg_policy_rules rules = run_rules;
    int result;

    rules.made = made;
    result = sg_policy_judge(&rules, call, sql, strlen(sql), arena, verdict, err);
    for (size_t i = 0; result == 0 && i < verdict->made.count; i++)
        sg_relations_add(arena, made, verdict->made.list[i]);
    return result;
}

SG_TEST(writes_are_refused_or_left_to_the_probe)
{
    for (size_t i = 0; i < sg_test_writes_count; i++) {
        const struct sg_test_write *write = &sg_test_writes[i];
        struct sg_arena arena = SG_ARENA_INIT;
        struct sg_relations made = {NULL, 0, 0};
        struct sg_verdict verdict;
        struct sg_err err = SG_ERR_INIT;
        int result = judge(write->sql, write->call == SG_TRY_DDL ? SG_CALL_DDL : SG_CALL_QUERY, &made, &arena, &verdict, &err);

        if (write->stop == SG_STOP_PARSER) {
            if (result == 0)
                T_FAIL("%s: not refused", write->name);
            else
                T_CONTAINS(err.primary, write->by);
            if (result != 0 && (err.class != SG_CLASS_POLICY || err.statement == NULL || err.position < 1))
                T_FAIL("%s: class %d, position %d", write->name, (int)err.class, err.position);
        } else if (result != 0) {
            T_FAIL("%s: refused: %s", write->name, err.primary);
        } else if (!verdict.opaque) {
            T_FAIL("%s: taken for transparent", write->name);
        } else {
            T_TRUE(verdict.opaque);
        }
        sg_err_release(&err);
        sg_arena_release(&arena);
    }
    T_GE_INT(sg_test_writes_count, 70);
}

SG_TEST(legal_ddl_passes)
{
    for (size_t i = 0; i < sg_test_legals_count; i++) {
        const struct sg_test_legal *legal = &sg_test_legals[i];
        struct sg_arena arena = SG_ARENA_INIT;
        struct sg_relations made = {NULL, 0, 0};
        struct sg_verdict verdict;
        struct sg_err err = SG_ERR_INIT;

        if (legal->before != NULL && judge(legal->before, SG_CALL_DDL, &made, &arena, &verdict, &err) != 0)
            T_FAIL("%s: refused: %s", legal->before, err.primary);
        else if (judge(legal->sql, SG_CALL_DDL, &made, &arena, &verdict, &err) != 0)
            T_FAIL("%s: refused: %s", legal->sql, err.primary);
        else
            T_FALSE(verdict.outside || verdict.unparsed);
        sg_err_release(&err);
        sg_arena_release(&arena);
    }
    T_GE_INT(sg_test_legals_count, 70);
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(writes_are_refused_or_left_to_the_probe), SG_CASE(legal_ddl_passes), SG_CASES_END};
    static const struct sg_suite suites[] = {{"statements", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
