/* The pages of an audit and of a rehearsal: well-formed, alone, hostile names stay text, and their numbers are the result's. */
#include "core/cli/render_html.h"

#include <stdlib.h>
#include <string.h>

#include "core/manifest/checks.h"
#include "tests/kit/test.h"
#include "tests/unit/cli/pages.h"

#define EVIL "\"><script>alert('1')</script>&\xff\033[31m|`*_\u202e"

static struct sg_buf out = SG_BUF_INIT;
static struct sg_arena arena;

static void release(void *unused)
{
    (void)unused;
    sg_buf_release(&out);
    sg_arena_release(&arena);
}

static size_t count(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* ---- audit ---------------------------------------------------------------------------- */

static const char *const tables[] = { EVIL }, *const paths[] = { "db/" EVIL }, *const types[] = { "UPDATE" };

static struct sg_audit_seen seen[] = {
    { .id = EVIL, .title = EVIL, .description = EVIL, .path = EVIL, .line = 1, .layout = SG_LAYOUT_FLYWAY, .statements = 2,
      .has_dml = true, .priority = SG_PRIORITY_HIGH, .why = EVIL, .tables = tables, .table_count = 1, .types = types, .type_count = 1 },
};

static struct sg_audit_dml dml[] = {
    { .place = { 0, 0, 3, 1, "UPDATE t SET a = '" EVIL "'" }, .type = "UPDATE", .tables = tables, .table_count = 1, .via = EVIL,
      .kind = SG_DML_BULK_UPDATE, .verdict = SG_DML_UNSAFE, .reason = EVIL, .action = EVIL },
    { .place = { 0, 0, 4, 1, "INSERT" }, .type = "INSERT", .tables = tables, .table_count = 1, .kind = SG_DML_SEED_INSERT,
      .verdict = SG_DML_SAFE, .reason = "literal", .action = "None." },
};

static struct sg_audit_options options;

static struct sg_audit_about about(void)
{
    sg_test_defer(release, NULL);
    options = (struct sg_audit_options){ .server_version = 15, .small_rows = 100, .hot_tables = tables, .hot_count = 1, .hot_known = true };
    return (struct sg_audit_about){ .source = SG_AUDIT_FILES, .paths = paths, .path_count = 1, .options = &options,
                                    .version_of = "as asked for", .hot = SG_HOT_OPTION };
}

static const char *page_of_audit(const struct sg_audit_about *of, const struct sg_audit_result *result)
{
    sg_buf_clear(&out);
    sg_render_audit_html(&out, of, result);
    T_NULL(page_fault(out.data));
    T_TRUE(page_is_alone(out.data));
    return out.data;
}

/* So many findings, one of three of each severity, all at the same place. */
static struct sg_audit_finding *make(size_t number)
{
    static const enum sg_rule_id rules[] = { SG_RULE_INDEX_CREATE_BLOCKING, SG_RULE_TIMEOUTS_LOCK, SG_RULE_TYPE_CHAR };
    struct sg_audit_finding *findings = sg_arena_array(&arena, number, sizeof *findings);

    for (size_t i = 0; i < number; i++)
        findings[i] = (struct sg_audit_finding){ .place = { 0, i, (int)i + 1, 1, "CREATE INDEX " EVIL }, .rule = rules[i % 3],
                                                 .table = EVIL, .detail = i % 2 == 0 ? EVIL : NULL };
    return findings;
}

SG_TEST(hostile_names_stay_text)
{
    struct sg_audit_about of = about();
    struct sg_audit_finding *findings = make(6);
    struct sg_audit_result result = { .arena = &arena, .migrations = seen, .migration_count = 1, .dml = dml, .dml_count = 2,
                                      .findings = findings, .finding_count = 6, .statements = 2 };
    const char *page;

    findings[4].standing = SG_STANDING_ALLOWED;
    findings[4].allowed = EVIL;
    page = page_of_audit(&of, &result);
    T_LACKS(page, "<script");
    T_LACKS(page, "\033");
    T_LACKS(page, "\xff");
    T_LACKS(page, "\u202e");
    T_CONTAINS(page, "<h1>Audit of <code>db/&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\\xff\\x1b[31m\\|`*_\\u202e</code></h1>");
    T_CONTAINS(page, "<h2 id=\"allowed\">Allowed</h2>");
}

SG_TEST(an_audits_numbers_are_the_results)
{
    struct sg_audit_about of = about();
    struct sg_audit_result result = { .arena = &arena, .migrations = seen, .migration_count = 1, .dml = dml, .dml_count = 2,
                                      .findings = make(7), .finding_count = 7, .statements = 2 };
    const char *page = page_of_audit(&of, &result);

    T_CONTAINS(page, "<dt>Data work</dt><dd>1 <small>UNSAFE</small>");
    T_CONTAINS(page, "<dt>Data work</dt><dd>0 <small>POTENTIALLY UNSAFE</small>");
    T_CONTAINS(page, "<dt>Data work</dt><dd>1 <small>SAFE</small>");
    T_CONTAINS(page, sg_test_strf("<dd>%zu <small>errors</small>", sg_audit_count_findings(&result, SG_SEVERITY_ERROR)));
    T_CONTAINS(page, sg_test_strf("<dd>%zu <small>hints</small>", sg_audit_count_findings(&result, SG_SEVERITY_HINT)));
    T_CONTAINS(page, "<label for=\"show-error\">Errors: 3</label>");
    T_CONTAINS(page, "<label for=\"show-warning\">Warnings: 2</label>");
    T_CONTAINS(page, "<label for=\"show-unsafe\">UNSAFE: 1</label>");
    T_CONTAINS(page, "1 of 2 operations is safe.");
    T_EQ_INT(count(page, "<details class=\"unsafe\""), 1);
    T_EQ_INT(count(page, "<details class=\"safe\""), 1);
    T_CONTAINS(page, "<code>index.create_blocking</code>");
    T_CONTAINS(page, "3 findings</span></summary>\n<div id=\"rule-index-create-blocking\">");
    T_CONTAINS(page, sg_rule(SG_RULE_INDEX_CREATE_BLOCKING)->title);
}

SG_TEST(long_lists_are_cut)
{
    struct sg_audit_about of = about();
    struct sg_audit_result result = { .arena = &arena, .migrations = seen, .migration_count = 1, .findings = make(3000),
                                      .finding_count = 3000, .statements = 2 };
    const char *page = page_of_audit(&of, &result);

    T_CONTAINS(page, "<label for=\"show-error\">Errors: 1,000</label>");
    T_EQ_INT(count(page, "<li>and 800 more: <code>--json</code> has them all</li>"), 3);
    T_LT_INT(out.length, 1 << 20);
}

SG_TEST(a_clean_tree_is_told_so)
{
    struct sg_audit_about of = about();
    struct sg_audit_seen clean = { .id = "1", .path = "1.sql", .line = 1, .statements = 1 };
    struct sg_audit_result result = { .arena = &arena, .migrations = &clean, .migration_count = 1, .statements = 1 };
    const char *page = page_of_audit(&of, &result);

    T_CONTAINS(page, "<strong>All is well:</strong>");
    T_LACKS(page, "class=\"tiles\"");
    T_LACKS(page, "type=\"checkbox\"");
}

/* ---- rehearsal ---------------------------------------------------------------------------- */

static const char *const rewritten[] = { "crm." EVIL };
static int64_t rows[] = { 5000 };

static struct sg_rehearsal_statement statements[] = {
    { .text = "SET " EVIL, .kind = "SET", .us = 1000 },
    { .text = "ALTER TABLE t " EVIL, .kind = "ALTER TABLE", .us = 4000, .rewritten = rewritten, .rewritten_count = 1,
      .scanned = tables, .scanned_count = 1, .scanned_rows = rows },
};
static struct sg_rehearsal_held held[] = { { EVIL, "AccessExclusiveLock", 8, 7000, 1 }, { "other", "ShareLock", 5, 90000, 1 } };
static struct sg_rehearsal_held shorter[] = { { EVIL, "AccessExclusiveLock", 8, 2000, 0 } };
static const struct sg_step one = { .id = EVIL, .kind = SG_STEP_MIGRATION }, two = { .id = "second", .kind = SG_STEP_MIGRATION },
                            fill = { .id = "fill", .kind = SG_STEP_BACKFILL };

static struct sg_rehearsal_step steps[] = {
    { .step = &one, .title = EVIL, .outcome = SG_OUTCOME_APPLIED, .note = EVIL, .us = 120000, .before = 0, .after = 1,
      .statements = statements, .statement_count = 2, .held = held, .held_count = 2 },
    { .step = &two, .outcome = SG_OUTCOME_APPLIED, .us = 3000, .before = 0, .after = 1, .statements = statements, .statement_count = 1,
      .held = shorter, .held_count = 1 },
    { .step = &fill, .outcome = SG_OUTCOME_APPLIED, .us = 1500000, .before = 0, .after = 1 },
};

static const char *page_of(const struct sg_rehearsal *rehearsal)
{
    struct sg_manifest manifest = { .path = "etc/" EVIL };
    struct sg_audit_about of = about();
    struct sg_audit_result result = { .arena = &arena, .migrations = seen, .migration_count = 1, .findings = make(3), .finding_count = 3 };

    of.source = SG_AUDIT_REHEARSAL;
    of.manifest = &manifest;
    of.rehearsal = rehearsal;
    sg_buf_clear(&out);
    sg_render_rehearsal_html(&out, &of, rehearsal, &result);
    T_NULL(page_fault(out.data));
    T_TRUE(page_is_alone(out.data));
    T_LACKS(out.data, "<script");
    T_LACKS(out.data, "\u202e");
    return out.data;
}

SG_TEST(a_rehearsals_numbers_are_the_results)
{
    struct sg_rehearsal rehearsal = { .server_version = 15, .steps = steps, .step_count = 3, .complete = true, .us = 2000000 };
    const char *page = page_of(&rehearsal), *bar, *lane;

    T_CONTAINS(page, "<dt>Steps done</dt><dd>3 of 3 <small>in 2.00 s</small>");
    T_CONTAINS(page, "<dt>Strongest lock, held at most</dt><dd>7.0 ms <small>AccessExclusiveLock on ");
    T_CONTAINS(page, "<dt>Tables rewritten</dt><dd>1 <small>1 full scan</small>");
    T_CONTAINS(page, "<dt>Errors found</dt><dd>1 <small>1 warning, 1 hint</small>");
    /* the longest of each table and mode, by strength: 7 of 90 ms, then all of 90 ms */
    bar = strstr(page, "<rect class=\"s8\"");
    T_MUST_NOT_NULL(bar);
    T_CONTAINS(bar, "<rect class=\"s8\" x=\"0.00%\" y=\"0\" width=\"7.78%\" height=\"14\">");
    T_EQ_INT(count(page, "class=\"bar\""), 2);
    T_CONTAINS(page, "<rect class=\"s5\" x=\"0.00%\" y=\"0\" width=\"100.00%\" height=\"14\">");
    /* the lane: COMMIT comes 91 ms after the first statement began, so the second began 7 ms before it at the latest */
    lane = strstr(page, "<svg class=\"lane\" height=\"20\"");
    T_MUST_NOT_NULL(lane);
    T_CONTAINS(lane, "<rect class=\"box\" x=\"0.00%\" y=\"5\" width=\"1.10%\" height=\"10\">");
    T_CONTAINS(lane, "<rect class=\"box rewrite\" ");
    T_CONTAINS(lane, "; rewritten: crm.");
    T_CONTAINS(page, "<strong>7.0 ms</strong> in ");
    T_CONTAINS(page, "backfill: 1.50 s");
}

SG_TEST(a_rehearsal_that_failed)
{
    static char primary[] = EVIL;
    struct sg_rehearsal_step broken[] = { { .step = &one, .outcome = SG_OUTCOME_FAILED, .before = 0, .after = -1,
                                            .err = { .class = SG_CLASS_FAILED, .primary = primary } },
                                          { .step = &two, .outcome = SG_OUTCOME_NOT_REACHED, .before = -1, .after = -1 } };
    struct sg_rehearsal rehearsal = { .server_version = 15, .steps = broken, .step_count = 2, .us = 5 };
    const char *page = page_of(&rehearsal);

    T_CONTAINS(page, "<strong>FAILED: 1 step</strong>");
    T_CONTAINS(page, "<dd>0 of 2 <small>in 5 us, 1 failed</small>");
    T_CONTAINS(page, "<details class=\"failed\" open=\"open\">");
    T_CONTAINS(page, "No step was seen to hold a lock on a table that was there before it.");
    T_LACKS(page, "nan");
}

/* Times of all sizes, none, and more than fits: nothing leaves the drawing. */
SG_TEST(odd_times_are_drawn)
{
    static const int64_t times[] = { 0, 1, 999, INT64_C(3600000000) * 30, -5 };

    for (size_t i = 0; i < SG_COUNT(times); i++) {
        struct sg_rehearsal_statement statement = { .text = "X", .kind = NULL, .us = times[i] };
        struct sg_rehearsal_held lock = { "t", "AccessExclusiveLock", 8, times[SG_COUNT(times) - 1 - i], 7 };
        struct sg_rehearsal_step step = { .step = &two, .outcome = SG_OUTCOME_APPLIED, .us = times[i], .before = -1, .after = -1,
                                          .statements = &statement, .statement_count = 1, .held = &lock, .held_count = 1 };
        struct sg_rehearsal rehearsal = { .server_version = 15, .steps = &step, .step_count = 1, .complete = true, .us = times[i] };
        const char *page = page_of(&rehearsal);

        T_LACKS(page, "nan");
        T_LACKS(page, "x=\"-");
        T_LACKS(page, "width=\"-");
    }
}

static const struct sg_test tests[] = { SG_CASE(hostile_names_stay_text), SG_CASE(an_audits_numbers_are_the_results),
                                        SG_CASE(long_lists_are_cut), SG_CASE(a_clean_tree_is_told_so),
                                        SG_CASE(a_rehearsals_numbers_are_the_results), SG_CASE(a_rehearsal_that_failed),
                                        SG_CASE(odd_times_are_drawn), SG_CASES_END };
static const struct sg_suite suites[] = { { "render_html", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
