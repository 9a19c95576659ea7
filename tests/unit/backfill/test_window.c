/*
 * Windows, over midnight and not, and the rest that duty asks for.
 */
#include "config.h"

#include "core/backfill/throttle.h"
#include "tests/kit/test.h"

static const char *state(const char *window, int hour, int minute)
{
    int left = -1;
    bool open = sg_window_open(window, hour * 60 + minute, &left);
    return sg_test_strf("%s %d", open ? "open" : "closed", left);
}

SG_TEST(a_window_by_day)
{
    T_EQ_STR(state("09:30-17:00", 9, 29), "closed 1");
    T_EQ_STR(state("09:30-17:00", 9, 30), "open 450");
    T_EQ_STR(state("09:30-17:00", 16, 59), "open 1");
    T_EQ_STR(state("09:30-17:00", 17, 0), "closed 990");
    T_EQ_STR(state("09:30-17:00", 0, 0), "closed 570");
    T_EQ_STR(state("09:30-17:00", 23, 59), "closed 571");
}

SG_TEST(a_window_over_midnight)
{
    T_EQ_STR(state("22:00-06:00", 21, 59), "closed 1");
    T_EQ_STR(state("22:00-06:00", 22, 0), "open 480");
    T_EQ_STR(state("22:00-06:00", 23, 59), "open 361");
    T_EQ_STR(state("22:00-06:00 Europe/Berlin", 0, 0), "open 360");
    T_EQ_STR(state("22:00-06:00 Europe/Berlin", 5, 59), "open 1");
    T_EQ_STR(state("22:00-06:00 Europe/Berlin", 6, 0), "closed 960");
}

SG_TEST(a_window_that_touches_midnight)
{
    T_EQ_STR(state("22:00-24:00", 23, 59), "open 1");
    T_EQ_STR(state("22:00-24:00", 0, 0), "closed 1320");
    T_EQ_STR(state("22:00-00:00", 23, 59), "open 1");
    T_EQ_STR(state("00:00-06:00", 0, 0), "open 360");
    T_EQ_STR(state("24:00-06:00", 23, 59), "closed 1");
    T_EQ_STR(state("24:00-06:00", 0, 0), "open 360");
    T_EQ_STR(state("00:00-24:00", 0, 0), "open 1440");
    T_EQ_STR(state("00:00-24:00", 12, 0), "open 720");
}

SG_TEST(each_minute_is_counted_down)
{
    /* Whatever the window: a minute later a minute less, until it changes. */
    for (int i = 0; i < 200; i++) {
        int from = (int)sg_test_rand(1440), to = (int)sg_test_rand(1440), left, later;
        if (from == to) {
            continue;
        }
        const char *window = sg_test_strf("%02d:%02d-%02d:%02d", from / 60, from % 60, to / 60, to % 60);
        int open_minutes = 0;
        for (int m = 0; m < 1440; m++) {
            bool open = sg_window_open(window, m, &left), next = sg_window_open(window, (m + 1) % 1440, &later);
            T_MUST(left >= 1 && left <= 1440);
            T_MUST(open == next ? later == left - 1 : left == 1);
            open_minutes += open;
        }
        T_EQ_INT(open_minutes, (to - from + 1440) % 1440);
    }
}

SG_TEST(the_zone_that_a_window_names)
{
    struct sg_arena arena = SG_ARENA_INIT;
    T_NULL(sg_window_zone("22:00-06:00", &arena));
    T_EQ_STR(sg_window_zone("22:00-06:00 Europe/Berlin", &arena), "Europe/Berlin");
    sg_arena_release(&arena);
}

SG_TEST(duty_is_a_share_of_the_time)
{
    T_EQ_INT(sg_duty_pause_ms(1, 200), 0);
    T_EQ_INT(sg_duty_pause_ms(0.5, 200), 200);
    T_EQ_INT(sg_duty_pause_ms(0.25, 200), 600);
    T_EQ_INT(sg_duty_pause_ms(0.01, 200), 19800);
    T_EQ_INT(sg_duty_pause_ms(0.5, 0), 0);
    T_EQ_INT(sg_duty_pause_ms(0, 200), 0);
    T_EQ_INT(sg_duty_pause_ms(0.01, 1e12), 3600000);
}

static const struct sg_test tests[] = {
    SG_CASE(a_window_by_day),
    SG_CASE(a_window_over_midnight),
    SG_CASE(a_window_that_touches_midnight),
    SG_CASE(each_minute_is_counted_down),
    SG_CASE(the_zone_that_a_window_names),
    SG_CASE(duty_is_a_share_of_the_time),
    SG_CASES_END};
static const struct sg_suite suites[] = {{"window", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
