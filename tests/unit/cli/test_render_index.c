/* Indexes as people see them, while they are built and as they end, and as scripts read them. */
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
    { .kind = SG_STEP_INDEX, .id = "idx_business_calendars_priority" },
    { .kind = SG_STEP_INDEX, .id = "uq_call_log_call_sid", .critical = true },
    { .kind = SG_STEP_INDEX, .id = "idx_c" },
    { .kind = SG_STEP_INDEX, .id = "idx_d" },
    { .kind = SG_STEP_INDEX, .id = "idx_e", .critical = true },
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

/* ---- while it is built ---- */

static const struct sg_index_progress scanning = { .phase = "building index: scanning table", .phase_number = 2, .phases = 3,
                                                   .done = 3200, .total = 7100, .blocks = true, .fraction = 0.4507,
                                                   .seconds_left = 12, .elapsed_ms = 10100 };
static const struct sg_index_progress waiting = { .phase = "waiting for old snapshots", .fraction = -1, .seconds_left = -1,
                                                  .waits_for = "pid 4711 (psql, user app, idle in transaction for 34 s: UPDATE t SET a = ?)",
                                                  .waits_ms = 12300, .elapsed_ms = 60000 };
static const struct sg_index_progress unknown = { .fraction = -1, .seconds_left = -1 };

static const char *bar(size_t width, size_t count, const struct sg_index_progress *const *progress)
{
    struct sg_look look = { .width = width };
    struct sg_render_build builds[8];

    for (size_t i = 0; i < count; i++)
        builds[i] = (struct sg_render_build){ steps[1 + i].id, progress[i] };
    start();
    sg_render_build_bar(&out, &look, builds, count);
    return out.data;
}
#define BAR(width, ...) \
    bar(width, sizeof((const struct sg_index_progress *const[]){ __VA_ARGS__ }) / sizeof(void *), \
        (const struct sg_index_progress *const[]){ __VA_ARGS__ })

static const char *text(const struct sg_index_progress *progress)
{
    start();
    sg_render_build_text(&out, progress);
    return out.data;
}

SG_TEST(a_bar)
{
    T_EQ_STR(BAR(200, &scanning), "  idx_business_calendars_priority  building index: scanning table  [#########...........]  45 %"
                                  "  3,200 of 7,100 blocks  12 s left");
    T_EQ_STR(BAR(120, &scanning), "  idx_business_calendars_priority  building index: scanning table  [####......]  45 %  3,200 of 7,100 blocks  12 s left");
    T_EQ_STR(BAR(105, &scanning), "  idx_business_calendars_priority  scanning table  [####......]  45 %  3,200 of 7,100 blocks  12 s left");
    T_EQ_STR(BAR(80, &scanning), "  idx_business...rs_priority  scanning table  [####......]  45 %  12 s left");
    T_EQ_STR(BAR(40, &scanning), "  idx_bus...iority  45 %  12 s left");
    T_EQ_STR(BAR(80, &unknown), "  idx_business...rs_priority  at work");
}

SG_TEST(a_bar_of_one_that_waits)
{
    T_EQ_STR(BAR(0, &waiting), "  idx_business_calendars_priority  1 min 00 s  waiting for old snapshots: pid 4711 (psql, user app, idle in "
                               "transaction for 34 s: UPDATE t SET a = ?), 12 s so far");
    T_EQ_STR(BAR(80, &waiting), "  idx_business...rs_priority  waiting for old snapshots: pid 4711 (psql, use...");
}

SG_TEST(several_on_one_line)
{
    T_EQ_STR(BAR(0, &scanning, &waiting, &scanning, &unknown),
             "  idx_business_calendars_priority  building index: scanning table  [#########...........]  45 %  3,200 of 7,100 blocks"
             "  12 s left  + uq_call_log_call_sid waits, idx_c 45 %, idx_d");
    T_CONTAINS(BAR(120, &scanning, &waiting, &scanning), "  12 s left  +2 more");
    T_EQ_STR(BAR(80, &waiting, &scanning), "  idx_business...rs_priority  waiting for old snapshots: pid 4711 (...  +1 more");
}

/* Whoever has to act on something sees it, whichever began first. */
SG_TEST(the_one_that_waits_comes_first)
{
    struct sg_index_progress shortly = waiting, longer = waiting;
    struct sg_render_build builds[] = { { "a", &scanning }, { "b", &shortly }, { "c", &waiting }, { "d", &longer } };

    shortly.waits_ms = 900;
    longer.waits_ms = 40000;
    T_EQ_INT(sg_render_build_foremost(builds, 1), 0);
    T_EQ_INT(sg_render_build_foremost(builds, 2), 0);
    T_EQ_INT(sg_render_build_foremost(builds, 3), 2);
    T_EQ_INT(sg_render_build_foremost(builds, 4), 3);
}

static size_t chars(const char *line)
{
    return sg_text_chars(line, strlen(line));
}

/* Whatever the width: the last column stays free, and what matters most is there. */
SG_TEST(a_bar_fits)
{
    struct sg_index_progress part = scanning;

    part.part = 3;
    part.parts = 12;
    part.doing = "ein Gru\xc3\x9f, der l\xc3\xa4nger ist\033[2J";
    for (size_t width = 40; width <= 220; width++) {
        T_LT_INT(chars(BAR(width, &scanning)), width);
        T_CONTAINS(out.data, "  45 %");
        T_CONTAINS(out.data, "12 s left");
        T_LT_INT(chars(BAR(width, &waiting)), width);
        T_CONTAINS(out.data, "  waiting for old ");
        T_LT_INT(chars(BAR(width, &waiting, &scanning, &scanning)), width);
        T_CONTAINS(out.data, "  waiting");
        T_LT_INT(chars(BAR(width, &scanning, &waiting, &unknown, &part)), width);
        T_TRUE(strstr(out.data, "+3 more") != NULL || strstr(out.data, "+ uq_call_log_call_sid waits, idx_c, idx_d 45 %") != NULL);
        T_LT_INT(chars(BAR(width, &part)), width);
        T_TRUE(sg_text_utf8(out.data, out.length));
        T_LACKS(out.data, "\033");
    }
}

SG_TEST(a_line_of_the_log)
{
    struct sg_index_progress p = scanning;

    T_EQ_STR(text(&p), "building index: scanning table, 45 %, 3,200 of 7,100 blocks, 12 s left");
    p.part = 3;
    p.parts = 12;
    p.blocks = false;
    p.total = 1;
    p.done = 1;
    p.fraction = -1;
    p.seconds_left = -1;
    T_EQ_STR(text(&p), "partition 3 of 12: building index: scanning table, 100 %, 1 of 1 tuple");
    T_EQ_STR(text(&waiting), "waiting for old snapshots: pid 4711 (psql, user app, idle in transaction for 34 s: UPDATE t SET a = ?), 12 s so far");
    p = unknown;
    T_EQ_STR(text(&p), "at work");
    p.doing = "dropping the invalid one";
    T_EQ_STR(text(&p), "dropping the invalid one");
    p.waits_for = "pid 7 (x)";
    T_EQ_STR(text(&p), "waiting for pid 7 (x), dropping the invalid one");
    p = (struct sg_index_progress){ .phase = "building index: loading tuples in tree", .done = 1500, .fraction = -1, .seconds_left = -1 };
    T_EQ_STR(text(&p), "building index: loading tuples in tree, 1,500 tuples");
}

SG_TEST(sizes)
{
    static const struct { int64_t bytes; const char *text; } cases[] = {
        { 0, "0 kB" }, { 8192, "8 kB" }, { 1047552, "1,023 kB" }, { 1048200, "1.0 MB" }, { 1048576, "1.0 MB" }, { 14680064, "14 MB" },
        { 1023LL << 20, "1,023 MB" }, { 3LL << 29, "1.5 GB" }, { 5000LL << 40, "5,000 TB" },
    };

    start();
    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        sg_buf_clear(&out);
        sg_render_bytes(&out, cases[i].bytes);
        T_EQ_STR(out.data, cases[i].text);
    }
}

/* ---- as it ends ---- */

static void line(struct sg_index_result result)
{
    sg_render_index(&out, &plain, 6, "idx_c", &result);
}

SG_TEST(a_line_an_index)
{
    start();
    line((struct sg_index_result){ .end = SG_INDEX_END_BUILT, .duration_ms = 2300, .bytes = 14680064, .attempts = 1 });
    line((struct sg_index_result){ .end = SG_INDEX_END_BUILT, .duration_ms = 70000, .bytes = 14680064, .attempts = 14, .rebuilt = true,
                                   .partitions = 12, .note = "waited 30 s for pid 7" });
    line((struct sg_index_result){ .end = SG_INDEX_END_BUILT, .duration_ms = 900, .bytes = 8192, .attempts = 3, .partitions = 3 });
    line((struct sg_index_result){ .end = SG_INDEX_END_STOPPED, .duration_ms = 900, .bytes = -1, .attempts = 3, .partitions = 2 });
    line((struct sg_index_result){ .end = SG_INDEX_END_ALREADY, .duration_ms = 3, .bytes = 8192, .note = "is now constraint uq_x" });
    line((struct sg_index_result){ .end = SG_INDEX_END_DRIFTED, .duration_ms = 3, .bytes = 8192 });
    line((struct sg_index_result){ .end = SG_INDEX_END_FAILED, .duration_ms = 812, .bytes = -1, .attempts = 1, .carcass = true });
    line((struct sg_index_result){ .end = SG_INDEX_END_LEFT, .duration_ms = 60000, .bytes = -1 });
    line((struct sg_index_result){ .end = SG_INDEX_END_STOPPED, .duration_ms = 500, .bytes = -1 });
    line((struct sg_index_result){ .end = SG_INDEX_END_WAITING, .bytes = -1, .note = "backfill:b (not started)" });
    line((struct sg_index_result){ .end = SG_INDEX_END_REFUSED, .bytes = -1 });
    line((struct sg_index_result){ .end = SG_INDEX_END_NOT_REACHED, .bytes = -1 });
    T_EQ_STR(out.data, "  built       idx_c        2.3 s     14 MB\n"
                       "  built       idx_c   1 min 10 s     14 MB  12 partitions; an invalid one was dropped first; 14 attempts; waited 30 s for pid 7\n"
                       "  built       idx_c       900 ms      8 kB  3 partitions\n"
                       "  stopped     idx_c       900 ms  2 partitions done\n"
                       "  valid       idx_c                   8 kB  is now constraint uq_x\n"
                       "  drifted     idx_c\n"
                       "  FAILED      idx_c       812 ms  an invalid index is left behind\n"
                       "  left        idx_c   1 min 00 s\n"
                       "  stopped     idx_c       500 ms\n"
                       "  waits       idx_c   backfill:b (not started)\n"
                       "  REFUSED     idx_c\n"
                       "  not run     idx_c\n");
}

static struct sg_indexes_item items[5];

static struct sg_indexes_result result_of(size_t count)
{
    for (size_t i = 0; i < count; i++)
        items[i] = (struct sg_indexes_item){ .step = &steps[1 + i],
                                             .result = { .end = SG_INDEX_END_ALREADY, .bytes = 1 << 20, .build_ms = -1 } };
    return (struct sg_indexes_result){ .items = items, .count = count };
}

static const char *end_of(const struct sg_indexes_result *result, bool deploy)
{
    start();
    sg_render_indexes_end(&out, &plain, &manifest, result, deploy, 12000);
    sg_render_indexes_critical(&out, &plain, result);
    return out.data;
}

SG_TEST(an_end_with_nothing_to_do)
{
    struct sg_indexes_result none = { 0 }, all = result_of(5);

    T_EQ_STR(end_of(&none, false), "The manifest lists no indexes.\n");
    T_EQ_STR(end_of(&none, true), "");
    T_EQ_STR(end_of(&all, false), "Up to date: 5 indexes already valid, 5.0 MB (12.0 s).\n");
    T_EQ_STR(end_of(&all, true), "Indexes: 5 already valid, 5.0 MB.\n");
}

SG_TEST(an_end_that_says_what_to_do)
{
    struct sg_indexes_result result = result_of(5);

    items[0].result = (struct sg_index_result){ .end = SG_INDEX_END_BUILT, .bytes = 61 << 20 };
    T_EQ_STR(end_of(&result, true), "Indexes: 1 built (61 MB), 4 already valid (12.0 s).\n");
    items[1].result = (struct sg_index_result){ .end = SG_INDEX_END_FAILED, .attempts = 1, .bytes = -1, .duplicates = true };
    sg_err_set(&items[1].result.err, SG_CLASS_SQL, "could not create unique index \"uq_call_log_call_sid\"");
    sg_err_sqlstate(&items[1].result.err, "23505");
    sg_err_detail(&items[1].result.err, "(call_sid)=(a): 3 rows\n(call_sid)=(b): 2 rows");
    sg_err_hint(&items[1].result.err, "Remove them.");
    items[2].result = (struct sg_index_result){ .end = SG_INDEX_END_DRIFTED, .note = "is (a), wanted (b)" };
    items[3].result = (struct sg_index_result){ .end = SG_INDEX_END_WAITING, .note = "backfill:b (not started)" };
    items[3].waits_for = "backfill:b";
    T_EQ_STR(end_of(&result, false),
             "uq_call_log_call_sid failed; nothing of it is left behind.\n"
             "      could not create unique index \"uq_call_log_call_sid\" (sql, SQLSTATE 23505)\n"
             "      detail: (call_sid)=(a): 3 rows\n"
             "      (call_sid)=(b): 2 rows\n"
             "      hint: Remove them.\n"
             "idx_c has drifted; it was left as it is.\n"
             "      is (a), wanted (b)\n"
             "idx_d waits for backfill:b (not started).\n"
             "1 built (61 MB), 1 failed, 1 drifted, 1 waiting, 1 already valid (12.0 s).\n"
             "Once that is mended: sgrun --manifest etc/prod.ini index --only uq_call_log_call_sid\n"
             "CRITICAL: the index uq_call_log_call_sid failed: could not create unique index \"uq_call_log_call_sid\" (SQLSTATE 23505)\n");
    items[3].result.note = "not started";
    items[2].result = (struct sg_index_result){ .end = SG_INDEX_END_LEFT, .carcass = true };
    T_CONTAINS(end_of(&result, false), "idx_d waits for backfill:b (not started).\n");
    T_CONTAINS(out.data, "idx_c is not built yet; an invalid index is left behind, which the next run drops.\n");
    T_CONTAINS(out.data, "1 left, 1 waiting");
    T_CONTAINS(out.data, "To go on: sgrun --manifest etc/prod.ini index\n");
    sg_err_release(&items[1].result.err);
}

SG_TEST(what_was_not_reached)
{
    struct sg_indexes_result result = result_of(3);

    items[1].result.end = items[2].result.end = SG_INDEX_END_NOT_REACHED;
    T_EQ_STR(end_of(&result, true), "Not built: uq_call_log_call_sid, idx_c\n"
                                    "Indexes: 2 not run, 1 already valid (12.0 s).\n"
                                    "To go on: sgrun --manifest etc/prod.ini index\n"
                                    "CRITICAL: the index uq_call_log_call_sid is not built\n");
}

SG_TEST(what_was_reopened_is_said_where_nothing_runs_it)
{
    const char *keys[] = { "dedupe" };
    struct sg_indexes_result result = result_of(1);

    result.reopened = keys;
    result.reopened_count = 1;
    items[0].result.end = SG_INDEX_END_FAILED;
    T_CONTAINS(end_of(&result, false), "\nIts data must be cleaned again: sgrun --manifest etc/prod.ini backfill --only dedupe\n");
    T_LACKS(end_of(&result, true), "cleaned again");
}

/* Which ends of a critical one are shouted. */
SG_TEST(the_critical_ones)
{
    static const struct { enum sg_index_end end; const char *says; } cases[] = {
        { SG_INDEX_END_ALREADY, "" }, { SG_INDEX_END_BUILT, "" }, { SG_INDEX_END_WAITING, "" },
        { SG_INDEX_END_DRIFTED, "CRITICAL: the index idx_e is not what the manifest says\n" },
        { SG_INDEX_END_FAILED, "CRITICAL: the index idx_e failed: no such table\n" },
        { SG_INDEX_END_REFUSED, "CRITICAL: the index idx_e was refused: no such table\n" },
        { SG_INDEX_END_LEFT, "CRITICAL: the index idx_e is not built: no such table\n" },
        { SG_INDEX_END_STOPPED, "CRITICAL: the index idx_e is not built: no such table\n" },
        { SG_INDEX_END_NOT_REACHED, "CRITICAL: the index idx_e is not built: no such table\n" },
    };
    struct sg_look color = { .color = true };

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        struct sg_indexes_item item = { .step = &steps[5], .result = { .end = cases[i].end } };
        struct sg_indexes_result result = { .items = &item, .count = 1 };

        start();
        sg_err_set(&item.result.err, SG_CLASS_SQL, "no such table");
        sg_render_indexes_critical(&out, &plain, &result);
        T_EQ_STR(out.data, cases[i].says);
        sg_buf_clear(&out);
        sg_render_indexes_critical(&out, &color, &result);
        if (cases[i].says[0] != '\0')
            T_CONTAINS(out.data, "\033[1;31mCRITICAL: the index idx_e ");
        item.step = &steps[1];
        sg_buf_clear(&out);
        sg_render_indexes_critical(&out, &plain, &result);
        T_EQ_STR(out.data, "");
        sg_err_release(&item.result.err);
    }
}

SG_TEST(in_json)
{
    const char *keys[] = { "dedupe" };
    struct sg_indexes_result result = result_of(4);
    char *dump;

    items[0].result = (struct sg_index_result){ .end = SG_INDEX_END_BUILT, .duration_ms = 2300, .build_ms = 2100, .bytes = 8192,
                                                .attempts = 2, .rebuilt = true };
    items[1].result = (struct sg_index_result){ .end = SG_INDEX_END_WAITING, .build_ms = -1, .bytes = -1 };
    items[1].waits_for = "backfill:dedupe";
    items[2].result = (struct sg_index_result){ .end = SG_INDEX_END_STOPPED, .duration_ms = 5, .build_ms = -1, .bytes = -1, .carcass = true };
    items[3].result = (struct sg_index_result){ .end = SG_INDEX_END_FAILED, .duration_ms = 5, .build_ms = -1, .bytes = -1 };
    result.reopened = keys;
    result.reopened_count = 1;
    start();
    json = sg_json_object();
    sg_render_indexes_json(json, &result);
    dump = sg_json_dump(json, 0);
    T_EQ_STR(dump,
             "{\"indexes\":[{\"name\":\"idx_business_calendars_priority\",\"state\":\"valid\",\"duration_ms\":2300,\"bytes\":8192,\"error\":null,"
             "\"end\":\"built\",\"build_ms\":2100,\"attempts\":2,\"rebuilt\":true,\"invalid_left\":false,\"partitions\":null,\"critical\":false,"
             "\"waits_for\":[],\"note\":null},"
             "{\"name\":\"uq_call_log_call_sid\",\"state\":\"waiting\",\"duration_ms\":null,\"bytes\":null,\"error\":null,"
             "\"end\":\"waiting\",\"build_ms\":null,\"attempts\":0,\"rebuilt\":false,\"invalid_left\":false,\"partitions\":null,\"critical\":true,"
             "\"waits_for\":[\"backfill:dedupe\"],\"note\":null},"
             "{\"name\":\"idx_c\",\"state\":\"invalid\",\"duration_ms\":5,\"bytes\":null,\"error\":null,"
             "\"end\":\"stopped\",\"build_ms\":null,\"attempts\":0,\"rebuilt\":false,\"invalid_left\":true,\"partitions\":null,\"critical\":false,"
             "\"waits_for\":[],\"note\":null},"
             "{\"name\":\"idx_d\",\"state\":\"failed\",\"duration_ms\":5,\"bytes\":null,\"error\":null,"
             "\"end\":\"failed\",\"build_ms\":null,\"attempts\":0,\"rebuilt\":false,\"invalid_left\":false,\"partitions\":null,\"critical\":false,"
             "\"waits_for\":[],\"note\":null}],"
             "\"index_summary\":{\"built\":1,\"already\":0,\"drifted\":0,\"left\":1,\"failed\":1,\"waiting\":1,\"not_reached\":0,\"bytes\":8192},"
             "\"reopened\":[\"dedupe\"]}");
    free(dump);
}

static const struct sg_test tests[] = { SG_CASE(a_bar), SG_CASE(a_bar_of_one_that_waits), SG_CASE(several_on_one_line),
    SG_CASE(the_one_that_waits_comes_first), SG_CASE(a_bar_fits),
                                        SG_CASE(a_line_of_the_log), SG_CASE(sizes), SG_CASE(a_line_an_index),
                                        SG_CASE(an_end_with_nothing_to_do), SG_CASE(an_end_that_says_what_to_do),
                                        SG_CASE(what_was_not_reached), SG_CASE(what_was_reopened_is_said_where_nothing_runs_it),
                                        SG_CASE(the_critical_ones), SG_CASE(in_json), SG_CASES_END };
static const struct sg_suite suites[] = { { "render index", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
