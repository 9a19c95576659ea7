/* The two budgets of a step: attempts within a time, and the lock ladder; how long the pauses are; that neither eats the other's. */
#include "config.h"

#include "core/exec/retry.h"

#include "tests/kit/test.h"

#include <stdio.h>
#include <string.h>

static struct sg_policy_settings policy(void)
{
    return (struct sg_policy_settings){.max_retries = 4,
                                       .retry_seconds = 10,
                                       .retry_base_ms = 100,
                                       .retry_cap_ms = 1000,
                                       .lock_rungs_ms = {200, 500, 1500},
                                       .lock_rungs = 3,
                                       .lock_seconds = 20,
                                       .lock_pause_ms = 400};
}

static enum sg_again fail(struct sg_retry *retry, enum sg_class class, const char *sqlstate, int64_t now, int64_t *pause)
{
    struct sg_err err = SG_ERR_INIT;
    enum sg_again again;

    sg_err_set(&err, class, "x");
    if (sqlstate != NULL)
        sg_err_sqlstate(&err, sqlstate);
    again = sg_retry_next(retry, &err, now, pause);
    sg_err_release(&err);
    return again;
}

SG_TEST(only_what_may_pass_is_repeated)
{
    static const enum sg_class never[] = {SG_CLASS_SQL, SG_CLASS_CRASH, SG_CLASS_TIMEOUT, SG_CLASS_LATE, SG_CLASS_PROTOCOL, SG_CLASS_FAILED,
                                          SG_CLASS_LEASE, SG_CLASS_REJECTED, SG_CLASS_REFUSED, SG_CLASS_POLICY, SG_CLASS_VERIFY,
                                          SG_CLASS_STATE, SG_CLASS_INTERRUPTED, SG_CLASS_TERMINATED};
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause = 7;

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        sg_retry_init(&retry, &settings);
        T_EQ_INT(fail(&retry, never[i], NULL, 1000, &pause), SG_AGAIN_NO);
        T_EQ_INT(pause, 0);
        T_EQ_INT(retry.failures, 0);
    }
    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1000, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_TRANSIENT, "40P01", 1000, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 1000, &pause), SG_AGAIN_LOCK);
}

SG_TEST(so_many_attempts_and_no_more)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    sg_retry_init(&retry, &settings);
    for (int attempt = 1; attempt < 4; attempt++)
        T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1000 + attempt, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1004, &pause), SG_AGAIN_NO);
    for (int attempts = 0; attempts <= 1; attempts++) {
        settings.max_retries = attempts;
        sg_retry_init(&retry, &settings);
        T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1000, &pause), SG_AGAIN_NO);
    }
}

SG_TEST(so_long_and_no_longer)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    settings.max_retries = 1000;
    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 50000, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 59999, &pause), SG_AGAIN_RETRY);
    T_LE_INT(pause, 1); /* no pause goes beyond the time allowed */
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 60000, &pause), SG_AGAIN_NO);
    settings.retry_seconds = 0;
    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 50000, &pause), SG_AGAIN_NO);
}

/* Full jitter: from nothing to a ceiling that doubles until the cap; both ends are come near. */
SG_TEST(pauses_double_up_to_the_cap)
{
    static const int ceilings[] = {100, 200, 400, 800, 1000, 1000, 1000};
    struct sg_policy_settings settings = policy();
    int64_t least[7], most[7];

    settings.max_retries = 1000;
    for (int i = 0; i < 7; i++) {
        least[i] = INT64_MAX;
        most[i] = -1;
    }
    for (int round = 0; round < 400; round++) {
        struct sg_retry retry;

        sg_retry_init(&retry, &settings);
        for (int i = 0; i < 7; i++) {
            int64_t pause;

            T_MUST_EQ_INT(fail(&retry, SG_CLASS_TRANSIENT, "40001", 1000, &pause), SG_AGAIN_RETRY);
            least[i] = pause < least[i] ? pause : least[i];
            most[i] = pause > most[i] ? pause : most[i];
        }
    }
    for (int i = 0; i < 7; i++) {
        T_GE_INT(least[i], 0);
        T_LE_INT(least[i], ceilings[i] / 10);
        T_GE_INT(most[i], ceilings[i] * 9 / 10);
        T_LE_INT(most[i], ceilings[i]);
    }
}

SG_TEST(a_huge_base_is_capped_too)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    settings.retry_base_ms = 3600000;
    settings.retry_cap_ms = 50;
    settings.max_retries = 1000;
    sg_retry_init(&retry, &settings);
    for (int i = 0; i < 100; i++) {
        T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1000, &pause), SG_AGAIN_RETRY);
        T_LE_INT(pause, 50);
    }
}

SG_TEST(out_of_shared_memory_is_repeated_once)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_TRANSIENT, "53200", 1000, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 1000, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_TRANSIENT, "53200", 1000, &pause), SG_AGAIN_NO);
}

SG_TEST(the_ladder_ends_on_its_last_rung)
{
    static const int rungs[] = {200, 500, 1500, 1500, 1500};
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    sg_retry_init(&retry, &settings);
    for (int i = 0; i < 5; i++) {
        T_EQ_INT(sg_retry_lock_ms(&retry), rungs[i]);
        T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 1000 + i, &pause), SG_AGAIN_LOCK);
        T_GE_INT(pause, 200); /* lock_pause_ms, with jitter of a half */
        T_LE_INT(pause, 600);
    }
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 20999, &pause), SG_AGAIN_LOCK);
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 21000, &pause), SG_AGAIN_NO);
}

SG_TEST(a_ladder_of_one_rung)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    settings.lock_rungs = 1;
    settings.lock_pause_ms = 0;
    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 1000, &pause), SG_AGAIN_LOCK);
    T_EQ_INT(pause, 0);
    T_EQ_INT(sg_retry_lock_ms(&retry), 200);
    settings.lock_seconds = 0;
    sg_retry_init(&retry, &settings);
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 1000, &pause), SG_AGAIN_NO);
}

SG_TEST(neither_budget_eats_the_others)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    int64_t pause;

    sg_retry_init(&retry, &settings);
    for (int i = 0; i < 50; i++)
        T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 1000 + i * 300, &pause), SG_AGAIN_LOCK);
    /* the time of attempts begins with the first that counted */
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 16000, &pause), SG_AGAIN_RETRY);
    T_LE_INT(pause, 100);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 25999, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(retry.failures, 2);
    T_EQ_INT(fail(&retry, SG_CLASS_LOCKED, "55P03", 25999, &pause), SG_AGAIN_NO);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 25999, &pause), SG_AGAIN_RETRY);
    T_EQ_INT(fail(&retry, SG_CLASS_CONNECTION, NULL, 25999, &pause), SG_AGAIN_NO);
}

static void concludes(enum sg_class class, int failures, const char *expected)
{
    struct sg_policy_settings settings = policy();
    struct sg_retry retry;
    struct sg_err err = SG_ERR_INIT;
    int64_t pause;

    sg_retry_init(&retry, &settings);
    for (int i = 0; i < failures; i++)
        (void)fail(&retry, class, NULL, 1000 + i * 100, &pause);
    sg_err_set(&err, class, "it broke");
    sg_retry_conclude(&retry, 3000, &err);
    T_EQ_STR(err.primary, expected);
    T_EQ_INT(err.class, class);
    sg_err_release(&err);
}

SG_TEST(the_last_error_says_how_often)
{
    concludes(SG_CLASS_CONNECTION, 4, "4 attempts in 2.0 s, last: it broke");
    concludes(SG_CLASS_CONNECTION, 1, "it broke");
    concludes(SG_CLASS_LOCKED, 3, "3 lock time-outs in 2.0 s, last: it broke");
    concludes(SG_CLASS_SQL, 1, "it broke");
}

static const struct sg_test tests[] = {SG_CASE(only_what_may_pass_is_repeated),
                                       SG_CASE(so_many_attempts_and_no_more),
                                       SG_CASE(so_long_and_no_longer),
                                       SG_CASE(pauses_double_up_to_the_cap),
                                       SG_CASE(a_huge_base_is_capped_too),
                                       SG_CASE(out_of_shared_memory_is_repeated_once),
                                       SG_CASE(the_ladder_ends_on_its_last_rung),
                                       SG_CASE(a_ladder_of_one_rung),
                                       SG_CASE(neither_budget_eats_the_others),
                                       SG_CASE(the_last_error_says_how_often),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"retry", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
