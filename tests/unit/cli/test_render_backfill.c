/* Backfills as people see them, while they run and as they end, and as scripts read them. */
#include "config.h"
#include "core/cli/render.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;
static struct sg_json *json;
static const struct sg_look plain = { .width = 0 };

static struct sg_step steps[] = {
    { .kind = SG_STEP_MIGRATION, .id = "0096_lead_name_that_is_long" },
    { .kind = SG_STEP_BACKFILL, .id = "migration_96_lead_name" },
    { .kind = SG_STEP_BACKFILL, .id = "dedupe" },
    { .kind = SG_STEP_BACKFILL, .id = "calendars" },
    { .kind = SG_STEP_BACKFILL, .id = "seed" },
};
static const struct sg_manifest manifest = { .path = "etc/prod.ini", .steps = steps, .step_count = SG_COUNT(steps) };

static void release(void *unused)
{
    (void)unused;
    sg_buf_release(&out);
    if (json != NULL)
        sg_json_free(json);
    json = NULL;
}

static void start(void)
{
    sg_test_defer(release, NULL);
    sg_buf_clear(&out);
}

static const struct sg_backfill_progress half = { .rows_done = 520000, .rows_estimate = 1000000, .rows_per_s = 48200.4,
                                                  .seconds_left = 10, .lanes = 2, .batch_size = 9600, .pass = 1 };

static const char *bar(size_t width, const struct sg_backfill_progress *progress)
{
    struct sg_look look = { .width = width };

    start();
    sg_render_fill_bar(&out, &look, "migration_96_lead_name", progress);
    return out.data;
}

static const char *text(const struct sg_backfill_progress *progress)
{
    start();
    sg_render_fill_text(&out, progress);
    return out.data;
}

SG_TEST(a_bar)
{
    T_EQ_STR(bar(200, &half), "  migration_96_lead_name  [##########..........]  52 %  520,000 of ~1,000,000  48,200 rows/s  10 s left"
                              "  2 lanes  batch 9,600");
    T_EQ_STR(bar(120, &half), "  migration_96_lead_name  [#####.....]  52 %  520,000 of ~1,000,000  48,200 rows/s  10 s left  2 lanes  batch 9,600");
    T_EQ_STR(bar(110, &half), "  migration_96_lead_name  [#####.....]  52 %  520,000 of ~1,000,000  48,200 rows/s  10 s left  2 lanes");
    T_EQ_STR(bar(80, &half), "  migration_96_lead_name  [#####.....]  52 %  48,200 rows/s  10 s left");
    T_EQ_STR(bar(40, &half), "  migrati...d_name  52 %  10 s left");
}

/* Whatever the width: the last column stays free, how far it is and how long it takes are there. */
SG_TEST(a_bar_fits)
{
    struct sg_backfill_progress p = half;

    for (size_t width = 40; width <= 200; width++) {
        p = half;
        T_LT_INT(sg_text_chars(bar(width, &p), strlen(bar(width, &p))), width);
        T_CONTAINS(bar(width, &p), "  52 %");
        T_CONTAINS(bar(width, &p), "10 s left");
        p.throttle = "replication lag: standby1 is 93 MB behind (max_lag_mb = 64)";
        p.doing = "ein Gru\xc3\x9f, der l\xc3\xa4nger ist";
        p.pass = 3;
        p.deferred = 12;
        p.bad_rows = 7;
        p.idle = 1;
        T_LT_INT(sg_text_chars(bar(width, &p), strlen(bar(width, &p))), width);
        T_TRUE(sg_text_utf8(out.data, out.length));
        T_CONTAINS(out.data, "52 %  ");
        T_CONTAINS(out.data, "  held: rep");
        p = (struct sg_backfill_progress){ .rows_estimate = -1, .seconds_left = -1 };
        T_LT_INT(sg_text_chars(bar(width, &p), strlen(bar(width, &p))), width);
    }
}

SG_TEST(what_a_bar_says_besides)
{
    struct sg_backfill_progress p = half;

    p.pass = 2;
    p.deferred = 3;
    p.bad_rows = 1;
    p.lanes = 4;
    p.idle = 1;
    p.throttle = "paused by root@host";
    p.doing = "trying again in 2 s";
    T_EQ_STR(bar(250, &p), "  migration_96_lead_name  [##########..........]  52 %  520,000 of ~1,000,000  48,200 rows/s  10 s left"
                           "  4 lanes (1 idle)  batch 9,600  pass 2  3 deferred  1 bad row  held: paused by root@host; trying again in 2 s");
}

SG_TEST(an_estimate_is_not_believed)
{
    struct sg_backfill_progress p = { .rows_done = 1500, .rows_estimate = 1000, .seconds_left = -1, .pass = 1 };

    T_EQ_STR(bar(100, &p), "  migration_96_lead_name  [#########.]  99 %  1,500 of ~1,000");
    p.rows_done = 0;
    T_CONTAINS(bar(100, &p), "  [..........]  0 %  0 of ~1,000");
    p.rows_estimate = -1;
    p.rows_done = 1;
    T_EQ_STR(bar(100, &p), "  migration_96_lead_name  1 row");
    p.rows_done = INT64_MAX;
    p.rows_estimate = 1;
    p.rows_per_s = 1e300;
    p.seconds_left = INT64_MAX / 2000;
    T_CONTAINS(bar(200, &p), "99 %");
}

SG_TEST(a_line_of_the_log)
{
    struct sg_backfill_progress p = half;

    T_EQ_STR(text(&p), "52 %, 520,000 of about 1,000,000 rows, 48,200 rows/s, 10 s left, 2 lanes, batches of 9,600");
    p.rows_per_s = 3.14;
    p.seconds_left = 250;
    p.lanes = 1;
    p.idle = 1;
    p.pass = 2;
    p.deferred = 1;
    p.bad_rows = 2;
    p.throttle = "window: opens at 22:00, in 3 h 10 min";
    T_EQ_STR(text(&p), "52 %, 520,000 of about 1,000,000 rows, 3.1 rows/s, 4 min 10 s left, 1 lane (1 without a range), batches of 9,600, "
                       "pass 2, 1 row deferred, 2 bad rows; held: window: opens at 22:00, in 3 h 10 min");
    p = (struct sg_backfill_progress){ .rows_done = 12, .rows_estimate = -1, .seconds_left = 200000, .doing = "connecting" };
    T_EQ_STR(text(&p), "12 rows, 2 days left; connecting");
}

/* ---- the end ---------------------------------------------------------------- */

static const char *line(const struct sg_backfill_result *result)
{
    start();
    sg_render_fill(&out, &plain, 24, "migration_96_lead_name", result);
    return out.data;
}
#define LINE(...) line(&(struct sg_backfill_result){ __VA_ARGS__ })

SG_TEST(a_line_a_backfill)
{
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_COMPLETE, .rows = 1000000, .changed = 1000000, .left = 0, .duration_ms = 12345, .lanes = 1),
             "  complete    migration_96_lead_name        12.3 s  1,000,000 rows\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_COMPLETE, .rows = 1000, .changed = 998, .left = 0, .duration_ms = 84, .lanes = 4),
             "  complete    migration_96_lead_name         84 ms  1,000 rows, 998 changed; 4 lanes\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_COMPLETE, .left = 0, .duration_ms = 3),
             "  complete    migration_96_lead_name          3 ms  no row was left to do\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_LEFT, .rows = 520000, .changed = 520000, .left = 480000, .rows_estimate = 1000000,
                  .duration_ms = 60000, .deferred = 3, .note = "pid 77 (crm, user web) holds one"),
             "  left        migration_96_lead_name    1 min 00 s  520,000 rows; 480,000 left, about 56 s; 3 locked rows deferred; "
             "pid 77 (crm, user web) holds one\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_WAITING, .note = "migration:0096_lead_name"),
             "  waits       migration_96_lead_name    migration:0096_lead_name\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_FAILED, .duration_ms = 20, .bad_rows = 1),
             "  FAILED      migration_96_lead_name         20 ms  1 bad row\n");
    T_EQ_STR(LINE(.end = SG_BACKFILL_END_ALREADY), "  skipped     migration_96_lead_name\n");
}

SG_TEST(each_end_has_its_word)
{
    static const struct { enum sg_backfill_end end; const char *word; enum sg_tone tone; } cases[] = {
        { SG_BACKFILL_END_COMPLETE, "complete", SG_TONE_GOOD }, { SG_BACKFILL_END_RESIDUAL, "residual", SG_TONE_WARN },
        { SG_BACKFILL_END_LEFT, "left", SG_TONE_WARN },         { SG_BACKFILL_END_PAUSED, "paused", SG_TONE_WARN },
        { SG_BACKFILL_END_CLOSED, "closed", SG_TONE_WARN },     { SG_BACKFILL_END_WAITING, "waits", SG_TONE_WARN },
        { SG_BACKFILL_END_FAILED, "FAILED", SG_TONE_BAD },      { SG_BACKFILL_END_REFUSED, "REFUSED", SG_TONE_BAD },
        { SG_BACKFILL_END_STOPPED, "stopped", SG_TONE_WARN },   { SG_BACKFILL_END_NOT_REACHED, "not run", SG_TONE_FAINT },
    };

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        enum sg_tone tone;

        T_EQ_STR(sg_render_fill_word(cases[i].end, &tone), cases[i].word);
        T_EQ_INT(tone, cases[i].tone);
    }
}

static const char *end_of(const struct sg_backfills_item *items, size_t count, bool deploy)
{
    struct sg_backfills_result result = { .items = (struct sg_backfills_item *)(uintptr_t)items, .count = count };

    start();
    sg_render_backfills_end(&out, &plain, &manifest, &result, deploy, 1400);
    return out.data;
}

SG_TEST(nothing_is_left)
{
    struct sg_backfills_item items[] = {
        { .step = &steps[1], .result = { .end = SG_BACKFILL_END_COMPLETE } }, { .step = &steps[2], .result = { .end = SG_BACKFILL_END_ALREADY } },
    };

    T_EQ_STR(end_of(items, 2, false), "1 complete, 1 already complete (1.4 s).\n");
    T_EQ_STR(end_of(items, 2, true), "Backfills: 1 complete, 1 already complete (1.4 s).\n");
    T_EQ_STR(end_of(items + 1, 1, false), "Up to date: 1 backfill already complete (1.4 s).\n");
    T_EQ_STR(end_of(items + 1, 1, true), "Backfills: 1 already complete.\n");
    T_EQ_STR(end_of(NULL, 0, false), "The manifest lists no backfills.\n");
    T_EQ_STR(end_of(NULL, 0, true), "");
}

SG_TEST(what_is_left_comes_with_the_command_to_go_on)
{
    struct sg_backfills_item items[] = {
        { .step = &steps[1], .result = { .end = SG_BACKFILL_END_LEFT, .rows = 520000, .duration_ms = 10000, .left = 480000,
                                         .rows_done = 520000, .rows_estimate = 1000000 } },
        { .step = &steps[3], .waits_for = "migration:0115_calendars", .result = { .end = SG_BACKFILL_END_WAITING, .left = -1 } },
    };

    T_EQ_STR(end_of(items, 2, false), "migration_96_lead_name is not finished; 480,000 of about 1,000,000 rows are left, about 10 s.\n"
                                      "calendars waits for migration:0115_calendars (not recorded yet; deploy or migrate runs it).\n"
                                      "1 left, 1 waiting (1.4 s).\n"
                                      "To go on: sgrun --manifest etc/prod.ini backfill --only migration_96_lead_name\n");
    items[1].result.end = SG_BACKFILL_END_NOT_REACHED;
    items[0].result.end = SG_BACKFILL_END_STOPPED;
    items[0].result.left = -1;
    T_EQ_STR(end_of(items, 2, false), "migration_96_lead_name was stopped; its position is kept.\n"
                                      "Not run: calendars\n"
                                      "1 left, 1 not run (1.4 s).\n"
                                      "To go on: sgrun --manifest etc/prod.ini backfill\n");
}

SG_TEST(what_failed_comes_with_its_error)
{
    struct sg_backfills_item items[] = {
        { .step = &steps[2], .result = { .end = SG_BACKFILL_END_FAILED, .left = -1 } },
        { .step = &steps[3], .result = { .end = SG_BACKFILL_END_REFUSED, .left = -1 } },
        { .step = &steps[1], .result = { .end = SG_BACKFILL_END_COMPLETE } },
    };

    sg_err_set(&items[0].result.err, SG_CLASS_SQL, "column \"na\033me\" does not exist");
    sg_err_sqlstate(&items[0].result.err, "42703");
    sg_err_hint(&items[0].result.err, "Mend the plugin.");
    sg_err_set(&items[1].result.err, SG_CLASS_REFUSED, "it is writable by others");
    T_EQ_STR(end_of(items, 3, true), "dedupe failed; its position is kept.\n"
                                     "      column \"na\\x1bme\" does not exist (sql, SQLSTATE 42703)\n"
                                     "      hint: Mend the plugin.\n"
                                     "calendars was refused, and not begun.\n"
                                     "      it is writable by others (refused)\n"
                                     "Backfills: 1 complete, 2 failed (1.4 s).\n"
                                     "Once that is mended: sgrun --manifest etc/prod.ini backfill\n");
    /* one that is only unfinished need not wait for that */
    items[2].result = (struct sg_backfill_result){ .end = SG_BACKFILL_END_LEFT, .left = -1 };
    T_CONTAINS(end_of(items, 3, true), "\nTo go on: sgrun --manifest etc/prod.ini backfill\n");
    sg_err_release(&items[0].result.err);
    sg_err_release(&items[1].result.err);
}

SG_TEST(what_a_person_must_decide_is_said)
{
    struct sg_backfills_item items[] = {
        { .step = &steps[1], .result = { .end = SG_BACKFILL_END_RESIDUAL, .bad_rows = 2, .left = 2, .rows_estimate = -1 } },
        { .step = &steps[2], .result = { .end = SG_BACKFILL_END_RESIDUAL, .left = 1, .rows_estimate = -1 } },
        { .step = &steps[3], .result = { .end = SG_BACKFILL_END_PAUSED, .left = -1 } },
    };

    T_EQ_STR(end_of(items, 3, false), "migration_96_lead_name has bad rows left: mend them, and --retry has the next run do them; 2 rows are left.\n"
                                      "dedupe has done all rows of its sweep, but its fingerprint does not hold: --again has the next run go over all rows once"
                                      " more, the done ones too; 1 row is left.\n"
                                      "calendars is paused: --resume lets it go on.\n"
                                      "3 left (1.4 s).\n");
    items[0].result = (struct sg_backfill_result){ .end = SG_BACKFILL_END_CLOSED, .note = "window: opens at 22:00", .left = -1 };
    T_CONTAINS(end_of(items, 1, false), "migration_96_lead_name is outside its window: opens at 22:00.\n");
}

SG_TEST(the_command_can_be_pasted)
{
    struct sg_manifest odd = manifest;
    struct sg_backfills_item item = { .step = &steps[2], .result = { .end = SG_BACKFILL_END_LEFT, .left = -1 } };
    struct sg_backfills_result result = { .items = &item, .count = 1 };

    start();
    odd.path = "/srv/the crm's/$x.ini";
    sg_render_backfills_end(&out, &plain, &odd, &result, false, 1);
    T_CONTAINS(out.data, "sgrun --manifest '/srv/the crm'\\''s/$x.ini' backfill --only dedupe\n");
}

SG_TEST(backfills_in_json)
{
    struct sg_backfills_item items[] = {
        { .step = &steps[1], .result = { .end = SG_BACKFILL_END_LEFT, .rows = 1000, .changed = 900, .rows_done = 5000, .rows_estimate = 9000,
                                         .left = 4000, .duration_ms = 2000, .lanes = 2, .batch_size = 100, .idle = 0.25 } },
        { .step = &steps[2], .waits_for = "backfill:seed",
          .result = { .end = SG_BACKFILL_END_WAITING, .rows_done = -1, .rows_estimate = -1, .left = -1, .bad_rows = -1 } },
    };
    struct sg_backfills_result result = { .items = items, .count = 2 };
    char *dump;

    start();
    json = sg_json_object();
    sg_render_backfills_json(json, &result);
    dump = sg_json_dump(json, 0);
    T_EQ_STR(dump, "{\"backfills\":[{\"key\":\"migration_96_lead_name\",\"state\":\"pending\",\"rows_done\":5000,\"rows_estimate\":9000,"
                   "\"rows_per_s\":500.0,\"seconds_left\":8,\"lanes\":2,\"batch_size\":100,\"idle\":0.25,\"throttle\":null,\"bad_rows\":0,\"left\":4000,"
                   "\"error\":null,\"end\":\"left\",\"duration_ms\":2000,\"rows\":1000,\"changed\":900,\"waits_for\":[],\"note\":null},"
                   "{\"key\":\"dedupe\",\"state\":\"waiting\",\"rows_done\":null,\"rows_estimate\":null,\"rows_per_s\":null,"
                   "\"seconds_left\":null,\"lanes\":null,\"batch_size\":null,\"idle\":null,\"throttle\":null,\"bad_rows\":null,\"left\":null,"
                   "\"error\":null,\"end\":\"waiting\",\"duration_ms\":0,\"rows\":0,\"changed\":0,\"waits_for\":[\"backfill:seed\"],"
                   "\"note\":null}],"
                   "\"backfill_summary\":{\"complete\":0,\"already\":0,\"left\":1,\"failed\":0,\"waiting\":1,\"not_reached\":0}}");
    free(dump);
}

/* ---- status ------------------------------------------------------------------ */

static const char *const gates[] = { "migration:0096_lead_name_that_is_long" };

SG_TEST(status_of_backfills)
{
    struct sg_backfill_row rows[] = {
        { .state = SG_BACKFILL_RUNNING, .begun = true, .pass = 1, .rows_done = 520000, .rows_estimate = 1000000, .left = 480000,
          .started_at = "2026-01-31T12:00:00.123Z", .lanes = 2, .rows_per_s = 48200, .seconds_left = 10, .batch_size = 9600 },
        { .state = SG_BACKFILL_RUNNING, .begun = true, .pass = 1, .rows_done = 10, .rows_estimate = 20, .left = 10, .seconds_left = -1,
          .silent_s = 3600, .batch_size = 5, .lanes = 1, .rows_per_s = 7, .started_at = "2026-01-31T12:00:00Z" },
        { .state = SG_BACKFILL_COMPLETE, .begun = true, .pass = 1, .rows_done = 1234567, .rows_estimate = 7, .seconds_left = -1,
          .started_at = "2026-01-31 12:00:00.5Z", .finished_at = "2026-01-31T12:34:56Z" },
    };
    struct sg_status_backfill b[] = {
        { .step = &steps[1], .row = &rows[0], .state = "running", .throttle = "WAL backlog" },
        { .step = &steps[2], .row = &rows[1], .state = "stopped" },
        { .step = &steps[3], .row = &rows[2], .state = "complete" },
        { .step = &steps[4], .state = "waiting", .waits_for = gates, .waits_count = 1 },
    };
    struct sg_status status = { .state_version = 1, .database = "crm", .backfills = b, .backfill_count = 4 };
    struct sg_run run = { .manifest = &manifest, .dsn = { .text = "localhost:5432/crm" } };
    struct sg_status_summary sum = sg_render_status_summary(&status);
    const struct sg_json *list;

    start();
    sg_render_status(&out, &plain, &run, &status);
    T_LACKS(out.data, "MIGRATION");
    T_CONTAINS(out.data, "  BACKFILL                STATE       WHEN                       TOOK\n"
                         "  migration_96_lead_name  running     2026-01-31 12:00:00              52 %, 520,000 of about 1,000,000 rows, 48,200 rows/s, "
                         "10 s left, 2 lanes, batches of 9,600; held: WAL backlog\n"
                         "  dedupe                  stopped     2026-01-31 12:00:00              50 %, 10 of about 20 rows; nobody is at it, the last "
                         "batch was 1 h 00 min ago\n"
                         "  calendars               complete    2026-01-31 12:34:56  34 min 56 s  1,234,567 rows\n"
                         "  seed                    waiting                                      waits for migration:0096_lead_name_that_is_long\n");
    T_EQ_INT(sum.pending, 2);
    T_EQ_INT(sum.waiting, 1);
    T_EQ_INT(sum.failed, 0);
    b[1].state = "residual";
    T_EQ_INT(sg_render_status_summary(&status).failed, 1);
    b[1].state = "stopped";
    json = sg_json_object();
    sg_render_status_json(json, &status);
    list = sg_json_get(json, "backfills");
    T_MUST_EQ_INT(sg_json_count(list), 4);
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(list, 0), "throttle")), "WAL backlog");
    T_EQ_INT(sg_json_int(sg_json_get(sg_json_at(list, 0), "rows_done")), 520000);
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(list, 1), "state")), "stopped");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(sg_json_at(list, 3), "waits_for"), 0)), gates[0]);
}

static const struct sg_test tests[] = {
    SG_CASE(a_bar), SG_CASE(a_bar_fits), SG_CASE(what_a_bar_says_besides), SG_CASE(an_estimate_is_not_believed),
    SG_CASE(a_line_of_the_log), SG_CASE(a_line_a_backfill), SG_CASE(each_end_has_its_word),
    SG_CASE(nothing_is_left), SG_CASE(what_is_left_comes_with_the_command_to_go_on), SG_CASE(what_failed_comes_with_its_error),
    SG_CASE(what_a_person_must_decide_is_said), SG_CASE(the_command_can_be_pasted), SG_CASE(backfills_in_json),
    SG_CASE(status_of_backfills), SG_CASES_END
};
static const struct sg_suite suites[] = { { "render backfills", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
