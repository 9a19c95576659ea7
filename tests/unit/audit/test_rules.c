/* The table of rules. */
#include "config.h"

#include "core/audit/rules.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <ctype.h>
#include <string.h>

/* What a person is told is whole: title, why, and what to do; or the reason why it is no rule. */
SG_TEST(every_rule_says_all)
{
    for (int i = 0; i < SG_RULE_COUNT; i++) {
        const struct sg_rule *rule = sg_rule((enum sg_rule_id)i);

        T_EQ_INT(sg_rule_find(rule->id), i);
        sg_test_check(SG_HERE_, false, rule->title != NULL && rule->why != NULL, "%s: no title, or no reason", rule->id);
        if (rule->severity == SG_SEVERITY_NONE)
            continue;
        sg_test_check(SG_HERE_, false, rule->instead != NULL && rule->instead[strlen(rule->instead) - 1] == '.' &&
                                           rule->why[strlen(rule->why) - 1] == '.' && isupper((unsigned char)rule->instead[0]),
                      "%s: not a sentence", rule->id);
        sg_test_check(SG_HERE_, false, !rule->measurable || rule->locks != NULL, "%s: speaks of no lock", rule->id);
    }
    T_EQ_INT(sg_rule_find("index.nothing"), -1);
}

/* docs/AUDIT.md has every rule as the table has it. */
SG_TEST(the_document_says_the_same)
{
    const char *document = sg_tmp_read(sg_test_source("docs/AUDIT.md"));
    static const char *const severities[] = {NULL, "hint", "warning", "error"};

    for (int i = 0; i < SG_RULE_COUNT; i++) {
        const struct sg_rule *rule = sg_rule((enum sg_rule_id)i);
        const char *versions = rule->since != NULL ? rule->since : "", *line;

        if (rule->severity == SG_SEVERITY_NONE) {
            line = sg_test_strf("\n| `%s` | %s | ", rule->id, rule->title);
        } else {
            if (rule->from > 0 && rule->until == rule->from + 1)
                versions = sg_test_strf("%s%sfound for %d", versions, versions[0] != '\0' ? "; " : "", rule->from);
            else if (rule->from > 0 && rule->until > 0)
                versions = sg_test_strf("%s%sfound for %d to %d", versions, versions[0] != '\0' ? "; " : "", rule->from, rule->until - 1);
            else if (rule->until > 0)
                versions = sg_test_strf("%s%sfound before %d", versions, versions[0] != '\0' ? "; " : "", rule->until);
            else if (rule->from > 0)
                versions = sg_test_strf("%s%sfound from %d on", versions, versions[0] != '\0' ? "; " : "", rule->from);
            line = sg_test_strf("\n| `%s` | %s%s | %s | %s | %s |\n", rule->id, severities[rule->severity], rule->measurable ? " (m)" : "",
                                rule->title, rule->locks != NULL ? rule->locks : "-", versions[0] != '\0' ? versions : "-");
        }
        sg_test_check(SG_HERE_, false, strstr(document, line) != NULL, "docs/AUDIT.md lacks this line:%s", line);
    }
}

SG_TEST(patterns)
{
    T_TRUE(sg_rule_matches("index.hash", "index.hash"));
    T_TRUE(sg_rule_matches("index.*", "index.hash"));
    T_TRUE(sg_rule_matches("*", "index.hash"));
    T_FALSE(sg_rule_matches("ind*", "index.hash"));
    T_FALSE(sg_rule_matches("index", "index.hash"));
    T_FALSE(sg_rule_matches(".*", "index.hash"));
    T_FALSE(sg_rule_matches("column.*", "index.hash"));
}

static const struct sg_test tests[] = {SG_CASE(every_rule_says_all), SG_CASE(the_document_says_the_same), SG_CASE(patterns), SG_CASES_END};
static const struct sg_suite suites[] = {{"rules", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
