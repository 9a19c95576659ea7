/* Does what a rehearsal saw agree with what a rule claims? And: every rule that can be measured says in its words what it claims. */
#include "core/run/audited.h"

#include <string.h>

#include "tests/kit/test.h"

static struct sg_arena arena;

static void release(void *unused)
{
	(void)unused;
	sg_arena_release(&arena);
}

SG_TEST(a_claim_is_read_from_words)
{
	struct sg_audit_claim claim = sg_audit_claim("ACCESS EXCLUSIVE on the table while it is rewritten");

	T_EQ_INT(claim.strength, 8);
	T_TRUE(claim.rewrites);
	T_FALSE(claim.scans);
	claim = sg_audit_claim("SHARE ROW EXCLUSIVE on both tables while one is scanned");
	T_EQ_INT(claim.strength, 6);
	T_TRUE(claim.scans);
	T_EQ_INT(sg_audit_claim("SHARE on the table").strength, 5);
	T_EQ_INT(sg_audit_claim("SHARE UPDATE EXCLUSIVE on it, and ACCESS EXCLUSIVE on the other").strength, 4);
	T_EQ_INT(sg_audit_claim("nothing for long").strength, 0);
	T_EQ_INT(sg_audit_claim(NULL).strength, 0);
}

SG_TEST(every_measurable_rule_claims_something)
{
	for (int i = 0; i < SG_RULE_COUNT; i++) {
		const struct sg_rule *rule = sg_rule((enum sg_rule_id)i);

		/* LOCK names its own */
		if (rule->severity == SG_SEVERITY_NONE || !rule->measurable || i == SG_RULE_LOCK_EXPLICIT)
			continue;
		if (sg_audit_claim(rule->locks).strength == 0)
			T_FAIL("%s names no lock as PostgreSQL writes it: %s", rule->id, rule->locks != NULL ? rule->locks : "NULL");
		else
			T_TRUE(rule->locks != NULL);
	}
}

/* A finding of one statement with one lock and so many rewritten and scanned tables. */
static struct sg_audit_finding measured(enum sg_rule_id rule, const char *mode, int strength, size_t rewritten, size_t scanned,
                                        int64_t rows)
{
	static const char *const names[] = { "leads" };
	static struct sg_step step = { .kind = SG_STEP_MIGRATION, .id = "a" };
	static int64_t scanned_rows[] = { 1000 };
	struct sg_rehearsal_lock lock = { "leads", 'r', mode, strength };
	struct sg_rehearsal_statement statement = { .text = "x", .locks = &lock, .lock_count = mode != NULL, .rewritten = names,
		                                    .rewritten_count = rewritten, .scanned = names, .scanned_count = scanned,
		                                    .scanned_rows = scanned_rows };
	struct sg_rehearsal_step one = { .step = &step, .statements = &statement, .statement_count = 1 };
	struct sg_rehearsal rehearsal = { .rows = rows, .steps = &one, .step_count = 1 };
	struct sg_audit_seen seen = { .id = "a" };
	struct sg_audit_finding finding = { .rule = rule, .table = "leads" };
	struct sg_audit_result result = { .arena = &arena, .migrations = &seen, .migration_count = 1, .findings = &finding,
		                          .finding_count = 1 };

	sg_test_defer(release, NULL);
	sg_audit_measure(&rehearsal, &result);
	return finding;
}

SG_TEST(what_agrees)
{
	struct sg_audit_finding finding = measured(SG_RULE_COLUMN_TYPE_REWRITE, "AccessExclusiveLock", 8, 1, 0, 1000);

	T_EQ_INT(finding.seen, SG_SEEN_SO);
	T_EQ_STR(finding.seen_what, "AccessExclusiveLock on leads, leads rewritten");
	finding = measured(SG_RULE_INDEX_CREATE_BLOCKING, "ShareLock", 5, 0, 1, 1000);
	T_EQ_INT(finding.seen, SG_SEEN_SO);
	T_EQ_STR(finding.seen_what, "ShareLock on leads, leads scanned (1000 rows)");
}

SG_TEST(what_does_not)
{
	struct sg_audit_finding finding = measured(SG_RULE_COLUMN_TYPE_REWRITE, "AccessExclusiveLock", 8, 0, 0, 1000);

	T_EQ_INT(finding.seen, SG_SEEN_OTHERWISE);
	T_EQ_STR(finding.seen_what, "AccessExclusiveLock on leads");
	finding = measured(SG_RULE_INDEX_CREATE_BLOCKING, NULL, 0, 0, 0, 0);
	T_EQ_INT(finding.seen, SG_SEEN_OTHERWISE);
	T_EQ_STR(finding.seen_what, "no lock on what was there before");
	T_EQ_INT(measured(SG_RULE_INDEX_CREATE_BLOCKING, "ShareUpdateExclusiveLock", 4, 0, 1, 10).seen, SG_SEEN_OTHERWISE);
}

SG_TEST(an_empty_table_is_not_scanned)
{
	T_EQ_INT(measured(SG_RULE_INDEX_CREATE_BLOCKING, "ShareLock", 5, 0, 0, 0).seen, SG_SEEN_SO);
	T_EQ_INT(measured(SG_RULE_INDEX_CREATE_BLOCKING, "ShareLock", 5, 0, 0, 10).seen, SG_SEEN_OTHERWISE);
}

SG_TEST(what_cannot_be_measured_stays_read)
{
	struct sg_audit_finding finding = measured(SG_RULE_CONSTRAINT_FK_WITHOUT_INDEX, "AccessExclusiveLock", 8, 0, 0, 0);

	T_EQ_INT(finding.seen, SG_SEEN_NOT);
	T_NULL(finding.seen_what);
}

/* Locks are shown where they are newly taken: one that an earlier statement of the step took is held all the same. */
SG_TEST(a_lock_of_an_earlier_statement)
{
	static struct sg_step step = { .kind = SG_STEP_MIGRATION, .id = "a" };
	struct sg_rehearsal_lock lock = { "leads", 'r', "AccessExclusiveLock", 8 };
	struct sg_rehearsal_statement statements[2] = { { .text = "x", .locks = &lock, .lock_count = 1 }, { .text = "y" } };
	struct sg_rehearsal_step one = { .step = &step, .statements = statements, .statement_count = 2 };
	struct sg_rehearsal rehearsal = { .steps = &one, .step_count = 1 };
	struct sg_audit_seen seen = { .id = "a" };
	struct sg_audit_finding findings[2] = { { .rule = SG_RULE_COLUMN_DROP, .table = "leads", .place.statement = 1 },
		                                { .rule = SG_RULE_COLUMN_DROP, .table = "calls", .place.statement = 1 } };
	struct sg_audit_result result = { .arena = &arena, .migrations = &seen, .migration_count = 1, .findings = findings,
		                          .finding_count = 2 };

	sg_test_defer(release, NULL);
	sg_audit_measure(&rehearsal, &result);
	T_EQ_INT(findings[0].seen, SG_SEEN_SO);
	T_EQ_STR(findings[0].seen_what, "AccessExclusiveLock on leads since statement 1");
	T_EQ_INT(findings[1].seen, SG_SEEN_OTHERWISE);
	one.outside = true;
	findings[0].seen = SG_SEEN_NOT;
	sg_audit_measure(&rehearsal, &result);
	T_EQ_INT(findings[0].seen, SG_SEEN_NOT);
}

static const struct sg_test tests[] = { SG_CASE(a_claim_is_read_from_words), SG_CASE(every_measurable_rule_claims_something),
	                                SG_CASE(what_agrees), SG_CASE(what_does_not), SG_CASE(an_empty_table_is_not_scanned),
	                                SG_CASE(what_cannot_be_measured_stays_read),
	                                SG_CASE(a_lock_of_an_earlier_statement), SG_CASES_END };
static const struct sg_suite suites[] = { { "measured", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
