/* The report of an audit: its summary first, every operation and finding with its place, what was silenced, and a glad word for
 * a clean tree; and the same as JSON. */
#include "core/cli/render_audit.h"

#include <stdlib.h>
#include <string.h>

#include "core/manifest/checks.h"
#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;
static struct sg_arena arena;
static struct sg_json *json;

static void release(void *unused)
{
	(void)unused;
	sg_buf_release(&out);
	sg_arena_release(&arena);
	if (json != NULL)
		sg_json_free(json);
	json = NULL;
}

static const char *const leads[] = { "leads" }, *const messages[] = { "messages" };
static const char *const update[] = { "UPDATE" }, *const delete[] = { "DELETE" };
static const char *const paths[] = { "db/migrations" };

static struct sg_audit_seen seen[] = {
	{ .id = "6", .title = "messages unique", .description = "messages unique", .path = "db/migrations/V6__messages_unique.sql", .line = 1,
	  .layout = SG_LAYOUT_FLYWAY, .statements = 2, .has_dml = true, .priority = SG_PRIORITY_LOW, .why = "de-duplication",
	  .tables = messages, .table_count = 1, .types = delete, .type_count = 1 },
	{ .id = "11", .title = "leads: order | index", .description = "leads: order | index", .path = "db/migrations/V11__leads.sql",
	  .line = 1, .layout = SG_LAYOUT_FLYWAY, .statements = 3, .has_dml = true, .priority = SG_PRIORITY_HIGH,
	  .why = "UPDATE of the hot table leads", .tables = leads, .table_count = 1, .types = update, .type_count = 1 },
};

static struct sg_audit_dml dml[] = {
	{ .place = { 0, 0, 3, 1, "DELETE FROM messages WHERE id NOT IN (SELECT min(id) FROM messages)" }, .type = "DELETE",
	  .tables = messages, .table_count = 1, .kind = SG_DML_DEDUP_FOR_UNIQUE, .verdict = SG_DML_SAFE,
	  .reason = "unique index ux (line 5) covers it", .action = "None." },
	{ .place = { 1, 1, 4, 1, "UPDATE leads SET order_index = id" }, .type = "UPDATE", .tables = leads, .table_count = 1,
	  .via = "DO block", .kind = SG_DML_BULK_UPDATE, .verdict = SG_DML_UNSAFE, .reason = "every row of leads",
	  .action = "Move it to a backfill." },
	{ .place = { 1, 2, 9, 1, "UPDATE leads SET a = 1 WHERE a = 0" }, .type = "UPDATE", .tables = leads, .table_count = 1,
	  .kind = SG_DML_ONE_TIME_DEFAULT, .verdict = SG_DML_POTENTIALLY_UNSAFE, .reason = "a default", .action = "Look how many.",
	  .standing = SG_STANDING_ALLOWED, .allowed = "three rows" },
};

static struct sg_audit_finding findings[] = {
	{ .place = { 0, 1, 5, 1, "CREATE UNIQUE INDEX ux ON messages (a)" }, .rule = SG_RULE_INDEX_CREATE_BLOCKING, .table = "messages",
	  .detail = "index ux of messages" },
	{ .place = { 1, 0, 2, 1, "ALTER TABLE leads DROP COLUMN x" }, .rule = SG_RULE_COLUMN_DROP, .table = "leads" },
	{ .place = { 1, 0, 2, 1, "ALTER TABLE leads DROP COLUMN x" }, .rule = SG_RULE_TIMEOUTS_LOCK, .standing = SG_STANDING_KNOWN },
};

static struct sg_audit_options options;

static struct sg_audit_result all(void)
{
	sg_test_defer(release, NULL);
	options = (struct sg_audit_options){ .server_version = 15, .small_rows = 100, .hot_tables = leads, .hot_count = 1,
		                             .hot_known = true };
	return (struct sg_audit_result){ .arena = &arena, .migrations = seen, .migration_count = 2, .dml = dml, .dml_count = 3,
		                         .findings = findings, .finding_count = 3, .statements = 5, .meta_commands = 1,
		                         .placeholders = 2, .down = 3, .other = 0 };
}

static struct sg_audit_about about_files(void)
{
	return (struct sg_audit_about){ .source = SG_AUDIT_FILES, .paths = paths, .path_count = 1, .options = &options,
		                        .version_of = "as asked for", .hot = SG_HOT_OPTION };
}

static const char *report(const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	sg_buf_clear(&out);
	sg_render_audit(&out, about, result);
	return out.data;
}

/* Where it stands; the test ends if it does not. */
static size_t at(const char *text, const char *part)
{
	T_MUST_CONTAIN(text, part);
	return (size_t)(strstr(text, part) - text);
}

SG_TEST(the_summary_comes_first)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	const char *text = report(&about, &result);

	T_EQ_INT(at(text, "# Audit of `db/migrations`\n"), 0);
	T_CONTAINS(text, "Looked at: 2 migrations (flyway: 2), 5 statements; by the rules for PostgreSQL 15 (as asked for).");
	T_CONTAINS(text, "Passed over: 1 psql command, 2 statements with placeholders, 3 files that go down.");
	T_CONTAINS(text, "| DML operations | 2 | 1 SAFE, 0 POTENTIALLY UNSAFE, 1 UNSAFE |");
	T_CONTAINS(text, "| Migrations that change rows | 2 | 1 HIGH, 0 MEDIUM, 1 LOW |");
	T_CONTAINS(text, "| DDL findings | 2 | 1 error, 1 warning, 0 hints |");
	T_CONTAINS(text, "| Allowed, with a reason | 1 |");
	T_CONTAINS(text, "| Known, of the baseline | 1 |");
	T_CONTAINS(text, "**Needs action: 1 DML operation.**\n\n- `db/migrations/V11__leads.sql:4`: UNSAFE, UPDATE on `leads` by DO block"
	                 " (bulk_update)\n");
	T_LT_INT(at(text, "## Summary"), at(text, "## DML safety analysis"));
	T_LT_INT(at(text, "## DML safety analysis"), at(text, "## Backfill audit"));
	T_LT_INT(at(text, "## Backfill audit"), at(text, "## DDL findings"));
	T_LT_INT(at(text, "## DDL findings"), at(text, "## Allowed"));
	T_LACKS(text, "\033");
}

SG_TEST(each_operation_is_told)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	const char *text = report(&about, &result);

	T_CONTAINS(text, "### 2. `db/migrations/V11__leads.sql:4`: UNSAFE\n\n```sql\nUPDATE leads SET order_index = id\n```\n\n"
	                 "- Tables: `leads`\n- Kind: bulk_update (UPDATE, by DO block)\n- Verdict: **UNSAFE**\n"
	                 "- Reason: every row of leads\n- Action: Move it to a backfill.\n");
	T_CONTAINS(text, "1 of 2 operations is safe.");
	T_CONTAINS(text, "| dedup_for_unique | 1 | 0 | 0 | 1 |\n| bulk_update | 0 | 0 | 1 | 1 |\n");
	T_CONTAINS(text, "### Action items\n\n1. Move it to a backfill. (`db/migrations/V11__leads.sql:4`)\n");
	T_LACKS(text, "| one_time_default | 0");
}

SG_TEST(an_action_is_told_once_with_its_places)
{
	struct sg_audit_dml two[] = { dml[1], dml[1], dml[1] };
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();

	two[1].action = "Another.";
	two[2].place.line = 7;
	result.dml = two;
	T_CONTAINS(report(&about, &result), "### Action items\n\n1. Move it to a backfill. (`db/migrations/V11__leads.sql:4`,"
	                                    " `db/migrations/V11__leads.sql:7`)\n2. Another. (`db/migrations/V11__leads.sql:4`)\n");
}

SG_TEST(the_backfill_audit_says_what_is_hot_and_what_to_paste)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	const char *text = report(&about, &result);

	T_CONTAINS(text, "Hot tables: `leads` (named by `--hot-tables`).");
	T_CONTAINS(text, "- HIGH: ");
	T_CONTAINS(text, "- MEDIUM: ");
	T_CONTAINS(text, "- LOW: ");
	T_CONTAINS(text, "| `11` | leads: order \\| index | `leads` | UPDATE | UPDATE of the hot table leads |");
	T_CONTAINS(text, "1. First, before they run on a database in use, move what changes rows into backfills: `11` (`leads`).");
	T_CONTAINS(text, "```ini\n[backfill migration_11_leads_order_index]\n; UPDATE on leads; now in db/migrations/V11__leads.sql\n"
	                 "plugin = migration_11_leads_order_index\n");
	T_CONTAINS(text, "priority = HIGH\n```");
	about.hot = SG_HOT_MEASURED;
	about.sample_seconds = 30;
	T_CONTAINS(report(&about, &result), "Hot tables: `leads` (measured: the rows written over 30 s).");
	options.hot_count = 0;
	T_CONTAINS(report(&about, &result), "Hot tables: none (measured: the rows written over 30 s).");
	about.hot = SG_HOT_UNKNOWN;
	T_CONTAINS(report(&about, &result), "Hot tables: not known, so nothing is HIGH.");
}

SG_TEST(a_section_to_paste_fits_a_manifest)
{
	struct sg_audit_seen odd[] = { seen[1], seen[1] }; /* findings are of the second, too */
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_manifest manifest;
	const char *line;

	T_CONTAINS(report(&about, &result), "[backfill migration_11_leads_order_index]");
	result.migrations = odd;
	result.migration_count = 1;
	result.dml_count = result.finding_count = 0; /* which are of the other */
	odd[0].id = "0011_leads_order_index";
	T_CONTAINS(report(&about, &result), "[backfill migration_0011_leads_order_index]");
	odd[0].id = "20240101120000";
	odd[0].title = "Übung -- macht [den] Meister, und noch viel mehr als das";
	line = strstr(report(&about, &result), "[backfill ");
	T_MUST_NOT_NULL(line);
	T_LE_INT(strcspn(line, "]") - 1, 49);
	T_EQ_INT(strspn(line + 10, "abcdefghijklmnopqrstuvwxyz0123456789_"), strcspn(line + 10, "]"));
	T_NE_INT(line[strcspn(line, "]") - 1], '_');
	/* and the manifest takes all of it */
	line = sg_test_strf("[sgrun]\nplugin_path = .\n[database]\ndsn = host=x\n%.*s", (int)(strstr(line, "```") - line), line);
	T_EQ_INT(sg_manifest_parse("m.ini", line, strlen(line), NULL, 0, false, &arena, &manifest, &errs), 0);
	T_EQ_INT(manifest.step_count, 1);
	T_EQ_INT(manifest.steps[0].priority, SG_PRIORITY_HIGH);
	sg_errs_release(&errs);
}

SG_TEST(findings_by_severity_and_what_their_rules_say_once)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	const char *text = report(&about, &result);

	T_CONTAINS(text, "### Errors (1)\n");
	T_CONTAINS(text, "- `db/migrations/V6__messages_unique.sql:5` **index.create_blocking** index ux of messages  \n"
	                 "  `CREATE UNIQUE INDEX ux ON messages (a)`\n");
	T_LT_INT(at(text, "### Errors (1)"), at(text, "### Warnings (1)"));
	T_CONTAINS(text, sg_test_strf("- **column.drop**: %s.\n", sg_rule(SG_RULE_COLUMN_DROP)->title));
	T_CONTAINS(text, sg_test_strf("  - Safe way: %s\n", sg_rule(SG_RULE_INDEX_CREATE_BLOCKING)->instead));
	T_LACKS(text, "timeouts.lock");
}

SG_TEST(what_was_silenced_is_listed)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();

	T_CONTAINS(report(&about, &result), "## Allowed\n\n| Place | What | Reason |\n|---|---|---|\n"
	                                    "| `db/migrations/V11__leads.sql:9` | one_time_default | three rows |\n");
	T_LACKS(out.data, "## Known");
	about.baseline = "old.txt";
	about.baseline_unmet = 2;
	T_CONTAINS(report(&about, &result), "## Known (baseline)\n\n1 finding is known by `old.txt` and does not count. 2 lines of it met nothing");
	about.baseline_written = true;
	about.baseline_lines = 3;
	T_CONTAINS(report(&about, &result), "`old.txt` was written anew: 3 lines.");
}

SG_TEST(what_could_not_be_read_is_named)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();

	sg_err_set(sg_errs_add(&result.errs), SG_CLASS_MANIFEST, "it has a NUL byte");
	sg_err_at(&result.errs.list[0], "a.sql", 7);
	T_CONTAINS(report(&about, &result), "**Not read: 1 place**");
	T_CONTAINS(out.data, "## Not read\n\n- `a.sql:7` it has a NUL byte\n");
	sg_errs_release(&result.errs);
}

SG_TEST(a_clean_tree_is_short_and_glad)
{
	struct sg_audit_seen clean[] = { { .id = "1", .path = "a.sql", .layout = SG_LAYOUT_PLAIN, .statements = 1 } };
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();

	result.migrations = clean;
	result.migration_count = 1;
	result.dml_count = result.finding_count = 0;
	T_CONTAINS(report(&about, &result), "**All is well:**");
	T_LACKS(out.data, "##");
	T_LT_INT(out.length, 600);
	result.migration_count = 0;
	T_CONTAINS(report(&about, &result), "no migration was found");
	sg_err_set(sg_errs_add(&result.errs), SG_CLASS_MANIFEST, "it is too large");
	T_CONTAINS(report(&about, &result), "Nothing could be read.");
	sg_errs_release(&result.errs);
}

SG_TEST(a_journal_has_no_lines)
{
	static struct sg_manifest manifest = { .path = "etc/prod.ini" };
	struct sg_audit_finding one = findings[1];
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();

	one.place.line = one.place.column = 0;
	result.findings = &one;
	result.finding_count = 1;
	about.source = SG_AUDIT_LEDGER;
	about.manifest = &manifest;
	T_CONTAINS(report(&about, &result), "# Audit of `etc/prod.ini` (what its plugins have sent in the real runs)");
	T_CONTAINS(out.data, "- `11, statement 1` **column.drop** ");
}

SG_TEST(all_of_it_is_in_the_json)
{
	struct sg_audit_result result = all();
	struct sg_audit_about about = about_files();
	const struct sg_json *one;

	json = sg_json_object();
	sg_render_audit_json(json, &about, &result);
	T_EQ_STR(sg_json_text(sg_json_get(json, "source")), "files");
	T_EQ_STR(sg_json_text(sg_json_get(sg_json_get(json, "hot_tables"), "known_by")), "option");
	T_EQ_INT(sg_json_int(sg_json_get(sg_json_get(sg_json_get(json, "summary"), "dml"), "unsafe")), 1);
	T_EQ_INT(sg_json_int(sg_json_get(sg_json_get(json, "summary"), "known")), 1);
	T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "dml")), 3);
	one = sg_json_at(sg_json_get(json, "dml"), 1);
	T_EQ_STR(sg_json_text(sg_json_get(one, "migration")), "11");
	T_EQ_INT(sg_json_int(sg_json_get(one, "line")), 4);
	T_EQ_INT(sg_json_int(sg_json_get(one, "statement")), 2);
	T_EQ_STR(sg_json_text(sg_json_get(one, "verdict")), "UNSAFE");
	T_EQ_STR(sg_json_text(sg_json_get(one, "via")), "DO block");
	T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(sg_json_get(json, "dml"), 2), "standing")), "allowed");
	T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "findings")), 3);
	one = sg_json_at(sg_json_get(json, "findings"), 0);
	T_EQ_STR(sg_json_text(sg_json_get(one, "rule")), "index.create_blocking");
	T_EQ_STR(sg_json_text(sg_json_get(one, "severity")), "error");
	T_EQ_STR(sg_json_text(sg_json_get(one, "seen")), "read");
	T_NOT_NULL(sg_json_text(sg_json_get(sg_json_get(sg_json_get(json, "rules"), "column.drop"), "instead")));
	T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "migrations")), 2);
	T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(sg_json_get(json, "migrations"), 1), "priority")), "HIGH");
}

/* allow = of a manifest takes every kind, though the manifest's layer knows nothing of audits. */
SG_TEST(a_manifest_may_allow_each_kind)
{
	for (int kind = SG_DML_DEDUP_FOR_UNIQUE; kind <= SG_DML_OTHER; kind++)
		T_NULL(sg_check_rule(sg_dml_kind_name((enum sg_dml_kind)kind)));
	for (int i = 0; i < SG_RULE_COUNT; i++)
		T_NULL(sg_check_rule(sg_rule((enum sg_rule_id)i)->id));
	T_NULL(sg_check_rule("index.*"));
	T_NULL(sg_check_rule("dml"));
	T_NOT_NULL(sg_check_rule("*"));
	T_NOT_NULL(sg_check_rule("index."));
	T_NOT_NULL(sg_check_rule("everything"));
	T_NOT_NULL(sg_check_rule("a.b.c"));
}

static const struct sg_test tests[] = {
	SG_CASE(the_summary_comes_first), SG_CASE(each_operation_is_told), SG_CASE(an_action_is_told_once_with_its_places),
	SG_CASE(the_backfill_audit_says_what_is_hot_and_what_to_paste), SG_CASE(a_section_to_paste_fits_a_manifest),
	SG_CASE(findings_by_severity_and_what_their_rules_say_once), SG_CASE(what_was_silenced_is_listed),
	SG_CASE(what_could_not_be_read_is_named), SG_CASE(a_clean_tree_is_short_and_glad), SG_CASE(a_journal_has_no_lines),
	SG_CASE(all_of_it_is_in_the_json), SG_CASE(a_manifest_may_allow_each_kind), SG_CASES_END
};
static const struct sg_suite suites[] = { { "render_audit", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
