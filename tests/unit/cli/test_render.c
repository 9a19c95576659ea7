/* Results as people read them (golden strings) and as scripts do (keys). */
#include "config.h"
#include "core/cli/render.h"

#include <stdlib.h>
#include <string.h>

#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;
static struct sg_json *json;
static const struct sg_look plain = { .width = 0 }, verbose = { .verbose = true };

static struct sg_step steps[] = {
	{ .kind = SG_STEP_MIGRATION, .id = "0011_order_index" }, { .kind = SG_STEP_MIGRATION, .id = "0061_hours" },
	{ .kind = SG_STEP_MIGRATION, .id = "0096_lead_name" },   { .kind = SG_STEP_MIGRATION, .id = "0113_unique_run_lead" },
	{ .kind = SG_STEP_MIGRATION, .id = "0117_last" },        { .kind = SG_STEP_BACKFILL, .id = "fill_names" },
	{ .kind = SG_STEP_INDEX, .id = "idx_calls" },
};
static const struct sg_manifest manifest = { .path = "etc/demo.ini", .steps = steps, .step_count = SG_COUNT(steps) };
static const struct sg_manifest migrations_only = { .path = "etc/demo.ini", .steps = steps, .step_count = 5 };

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

static void step(enum sg_outcome outcome, int64_t ms, int attempts, int existed, const char *note, enum sg_class class)
{
	struct sg_err err = { .class = class };

	sg_render_step(&out, &plain, 20, "0096_lead_name", outcome, ms, attempts, existed, note,
	               class == SG_CLASS_NONE ? NULL : &err);
}

SG_TEST(a_line_a_step)
{
	start();
	step(SG_OUTCOME_APPLIED, 84, 1, 0, NULL, SG_CLASS_NONE);
	step(SG_OUTCOME_APPLIED, 1234, 3, 1, NULL, SG_CLASS_NONE);
	step(SG_OUTCOME_RECONCILED, 12, 1, 0, NULL, SG_CLASS_NONE);
	step(SG_OUTCOME_WAITING, 0, 0, 0, "backfill:b", SG_CLASS_NONE);
	step(SG_OUTCOME_SKIPPED, 0, 0, 0, NULL, SG_CLASS_NONE);
	step(SG_OUTCOME_FAILED, 500, 1, 0, NULL, SG_CLASS_SQL);
	step(SG_OUTCOME_FAILED, 500, 1, 0, NULL, SG_CLASS_LOCKED);
	step(SG_OUTCOME_FAILED, 500, 1, 0, NULL, SG_CLASS_TERMINATED);
	T_EQ_STR(out.data, "  applied     0096_lead_name             84 ms\n"
	                   "  applied     0096_lead_name             1.2 s  1 object existed already; 3 attempts\n"
	                   "  reconciled  0096_lead_name             12 ms  was already there\n"
	                   "  waits       0096_lead_name        backfill:b\n"
	                   "  skipped     0096_lead_name\n"
	                   "  FAILED      0096_lead_name            500 ms\n"
	                   "  blocked     0096_lead_name            500 ms\n"
	                   "  stopped     0096_lead_name            500 ms\n");
}

SG_TEST(a_run_that_failed_says_what_to_do)
{
	struct sg_migrate_item items[] = {
		{ .step = &steps[0], .outcome = SG_OUTCOME_SKIPPED },
		{ .step = &steps[1], .outcome = SG_OUTCOME_RECONCILED, .duration_ms = 10, .attempts = 1 },
		{ .step = &steps[2], .outcome = SG_OUTCOME_APPLIED, .duration_ms = 84, .attempts = 1 },
		{ .step = &steps[3], .outcome = SG_OUTCOME_FAILED, .duration_ms = 20, .attempts = 1 },
		{ .step = &steps[4], .outcome = SG_OUTCOME_NOT_REACHED },
	};
	struct sg_migrate_result result = { .items = items, .count = 5, .skipped = 1, .applied = 1, .reconciled = 1,
		                            .failed = 1, .not_reached = 1, .exit = 1 };

	start();
	sg_err_set(&items[3].err, SG_CLASS_SQL, "relation \"runs\" does not exist");
	sg_render_migrate_end(&out, &plain, &result, NULL, 1400, 1);
	T_EQ_STR(out.data, "0113_unique_run_lead was rolled back whole and is not recorded.\n"
	                   "Not run: 0117_last\n"
	                   "1 applied, 1 reconciled, 1 failed, 1 not run, 1 already recorded (1.4 s).\n"
	                   "Mend it, then run the same command again: it starts that migration from its beginning.\n");
	sg_err_release(&items[3].err);
}

SG_TEST(of_a_failure_only_what_is_certain_is_said)
{
	static const struct { enum sg_class class; bool outside; const char *says, *sum; } cases[] = {
		{ SG_CLASS_POLICY, false, "was rolled back whole and is not recorded.", "1 failed (" },
		{ SG_CLASS_LOCKED, false, "was rolled back whole and is not recorded.", "1 blocked (" },
		{ SG_CLASS_TERMINATED, false, "was rolled back whole and is not recorded.", "1 stopped (" },
		{ SG_CLASS_CONNECTION, false, "the ledger tells the next run where it stands.", "1 failed (" },
		{ SG_CLASS_LEASE, false, "was given up.", "1 blocked (" },
		{ SG_CLASS_SQL, true, "its fingerprint will tell what is there.", "1 failed (" },
	};

	start();
	for (size_t i = 0; i < SG_COUNT(cases); i++) {
		struct sg_migrate_item item = { .step = &steps[2], .outcome = SG_OUTCOME_FAILED, .outside = cases[i].outside,
			                        .err = { .class = cases[i].class } };
		struct sg_migrate_result result = { .items = &item, .count = 1, .failed = 1 };

		sg_buf_clear(&out);
		sg_render_migrate_end(&out, &plain, &result, NULL, 1, sg_class_exit(cases[i].class));
		T_CONTAINS(out.data, cases[i].says);
		T_CONTAINS(out.data, cases[i].sum);
	}
}

SG_TEST(a_run_with_nothing_to_do)
{
	struct sg_migrate_item items[] = { { .step = &steps[0], .outcome = SG_OUTCOME_SKIPPED } };
	struct sg_migrate_result result = { .items = items, .count = 1, .skipped = 1 };

	start();
	sg_render_migrate_end(&out, &plain, &result, NULL, 31, 0);
	T_EQ_STR(out.data, "Up to date: 1 migration already recorded (31 ms).\n");
}

SG_TEST(a_run_that_waits)
{
	struct sg_migrate_item items[] = {
		{ .step = &steps[2], .outcome = SG_OUTCOME_WAITING, .waits_for = "backfill:fill_names" },
		{ .step = &steps[3], .outcome = SG_OUTCOME_NOT_REACHED },
	};
	struct sg_migrate_result result = { .items = items, .count = 2, .waiting = 1, .not_reached = 1, .exit = 3 };

	start();
	sg_render_migrate_end(&out, &plain, &result, NULL, 50, 3);
	T_EQ_STR(out.data, "0096_lead_name waits for backfill:fill_names.\n"
	                   "Not run: 0113_unique_run_lead\n"
	                   "1 waiting, 1 not run (50 ms).\n"
	                   "Run the same command again once the gate is open.\n");
}

SG_TEST(each_exit_status_has_its_advice)
{
	static const int with_advice[] = { 1, 3, 4, 5, 6, 7, 8, 130, 143 };
	struct sg_migrate_result result = { 0 };

	start();
	for (size_t i = 0; i < SG_COUNT(with_advice); i++) {
		sg_buf_clear(&out);
		sg_render_migrate_end(&out, &plain, &result, NULL, 1, with_advice[i]);
		T_CONTAINS(out.data, i == 4 ? "Mend the plugin" : i >= 7 ? "to go on" : "again");
	}
}

SG_TEST(many_ids_are_counted)
{
	static struct sg_step many[40];
	static struct sg_migrate_item items[40];
	struct sg_migrate_result result = { .items = items, .count = 40, .not_reached = 40, .failed = 1, .exit = 1 };

	start();
	for (size_t i = 0; i < 40; i++) {
		many[i].id = "0113_unique_run_lead";
		items[i] = (struct sg_migrate_item){ .step = &many[i], .outcome = SG_OUTCOME_NOT_REACHED };
	}
	sg_render_migrate_end(&out, &plain, &result, NULL, 1, 1);
	T_CONTAINS(out.data, "Not run: 0113_unique_run_lead, 0113_unique_run_lead, 0113_unique_run_lead and 37 more\n");
}

SG_TEST(migrate_in_json)
{
	struct sg_migrate_item items[] = { { .step = &steps[2], .outcome = SG_OUTCOME_WAITING,
		                             .waits_for = "backfill:fill_names" } };
	struct sg_migrate_result result = { .items = items, .count = 1, .waiting = 1 };
	struct sg_run run = { .manifest = &manifest, .dsn = { .database = "crm" } };
	struct sg_errs errs = SG_ERRS_INIT;
	char *text;

	start();
	sg_err_set(sg_errs_add(&errs), SG_CLASS_LEASE, "another runner has the lease");
	json = sg_render_run_json("migrate", &run);
	sg_render_migrate_json(json, &result);
	sg_render_finish_json(json, &errs, 4);
	text = sg_json_dump(json, 0);
	T_EQ_STR(text, "{\"sgrun\":\"" PACKAGE_VERSION "\",\"command\":\"migrate\",\"manifest\":\"etc/demo.ini\","
	               "\"database\":\"crm\",\"pooler\":null,"
	               "\"migrations\":[{\"id\":\"0096_lead_name\",\"outcome\":\"waiting\",\"duration_ms\":0,\"attempts\":0,"
	               "\"existed\":0,\"waits_for\":[\"backfill:fill_names\"],\"error\":null}],"
	               "\"summary\":{\"skipped\":0,\"applied\":0,\"reconciled\":0,\"superseded\":0,\"waiting\":1,\"failed\":0,"
	               "\"not_reached\":0},"
	               "\"errors\":[{\"class\":\"lease\",\"exit\":4,\"sqlstate\":null,\"primary\":\"another runner has the lease\","
	               "\"detail\":null,\"hint\":null,\"file\":null,\"line\":null,\"step\":null,\"statement\":null}],\"exit\":4}");
	free(text);
	sg_errs_release(&errs);
}

SG_TEST(a_plan)
{
	struct sg_plan_item items[] = {
		{ .step = &steps[0], .action = SG_ACTION_SKIP },
		{ .step = &steps[1], .action = SG_ACTION_RECONCILE, .title = "opening hours", .reason = "its fingerprint holds already" },
		{ .step = &steps[2], .action = SG_ACTION_RUN, .title = "lead names" },
		{ .step = &steps[3], .action = SG_ACTION_WAIT, .waits_for = "backfill:fill_names" },
		{ .step = &steps[4], .action = SG_ACTION_REFUSED },
		{ .step = &steps[5], .action = SG_ACTION_LATER },
		{ .step = &steps[6], .action = SG_ACTION_BUILD_MAYBE, .reason = "after migration:0096_lead_name" },
	};
	const char *unlisted[] = { "0001_gone" }, *late[] = { "0096_lead_name" };
	struct sg_plan plan = { .items = items, .count = 7, .skip = 1, .reconcile = 1, .run = 2, .wait = 1, .refused = 1, .refused_migrations = 1,
		                .installed = true, .unlisted = unlisted, .unlisted_count = 1, .late = late, .late_count = 1 };
	struct sg_run run = { .manifest = &manifest, .dsn = { .text = "localhost:5432/crm" }, .pooler = true,
		              .pooler_known = true };

	start();
	sg_err_set(&items[4].err, SG_CLASS_REFUSED, "0117_last.so is writable by others");
	sg_err_hint(&items[4].err, "Run chmod o-w.");
	sg_err_at(&items[4].err, "etc/demo.ini", 31);
	sg_render_plan(&out, &plain, &run, &plan);
	T_EQ_STR(out.data, "Plan of etc/demo.ini on localhost:5432/crm, behind a pooler\n"
	                   "  SKIP        1 migration already recorded\n"
	                   "  RECONCILE   0061_hours            opening hours  (its fingerprint holds already)\n"
	                   "  RUN         0096_lead_name        lead names\n"
	                   "  WAIT        0113_unique_run_lead  waits for backfill:fill_names\n"
	                   "  REFUSED     0117_last\n"
	                   "              etc/demo.ini:31: 0117_last.so is writable by others (refused)\n"
	                   "              hint: Run chmod o-w.\n"
	                   "  BUILD?      index idx_calls       (after migration:0096_lead_name)\n"
	                   "BUILD? will be built, if what it comes after is done by then.\n"
	                   "Recorded, but not in the manifest: 0001_gone\n"
	                   "New, but listed before recorded ones: 0096_lead_name\n"
	                   "1 to run, 1 to build, 1 to reconcile, 1 waiting, 1 refused, 1 already recorded. A deploy would run nothing: mend "
	                   "what is refused first.\n");
	sg_buf_clear(&out);
	sg_render_plan(&out, &verbose, &run, &plan);
	T_CONTAINS(out.data, "  SKIP        0011_order_index\n");
	T_CONTAINS(out.data, "  LATER       backfill fill_names\n");
	sg_err_release(&items[4].err);
}

SG_TEST(a_plan_with_nothing_to_do)
{
	struct sg_plan_item items[] = { { .step = &steps[0], .action = SG_ACTION_SKIP } };
	struct sg_plan plan = { .items = items, .count = 1, .skip = 1, .installed = true };
	struct sg_run run = { .manifest = &migrations_only, .dsn = { .text = "here" } };

	start();
	sg_render_plan(&out, &plain, &run, &plan);
	T_EQ_STR(out.data, "Plan of etc/demo.ini on here\n"
	                   "  SKIP        1 migration already recorded\n"
	                   "Nothing to do: 1 already recorded.\n");
}

SG_TEST(a_plan_of_indexes)
{
	static struct sg_step listed[] = {
		{ .kind = SG_STEP_INDEX, .id = "idx_there" }, { .kind = SG_STEP_INDEX, .id = "idx_a" },
		{ .kind = SG_STEP_INDEX, .id = "idx_broken" }, { .kind = SG_STEP_INDEX, .id = "idx_other" },
		{ .kind = SG_STEP_INDEX, .id = "uq_a" },
	};
	struct sg_plan_item items[] = {
		{ .step = &listed[0], .action = SG_ACTION_SKIP },
		{ .step = &listed[1], .action = SG_ACTION_BUILD, .title = "the calendar's order" },
		{ .step = &listed[2], .action = SG_ACTION_REBUILD, .reason = "invalid" },
		{ .step = &listed[3], .action = SG_ACTION_DRIFTED, .reason = "is (a), not (b)" },
		{ .step = &listed[4], .action = SG_ACTION_WAIT, .waits_for = "backfill:fill_names", .reason = "not started" },
	};
	struct sg_plan plan = { .items = items, .count = 5, .skip = 1, .run = 2, .drifted = 1, .wait = 1, .installed = true };
	struct sg_run run = { .manifest = &manifest, .dsn = { .text = "here" } };

	start();
	sg_render_plan(&out, &plain, &run, &plan);
	T_EQ_STR(out.data, "Plan of etc/demo.ini on here\n"
	                   "  SKIP        1 index already valid\n"
	                   "  BUILD       index idx_a       the calendar's order\n"
	                   "  REBUILD     index idx_broken  (invalid)\n"
	                   "  DRIFTED     index idx_other   (is (a), not (b))\n"
	                   "  WAIT        index uq_a        waits for backfill:fill_names  (not started)\n"
	                   "2 to build, 1 waiting, 1 drifted, 1 already valid. Nothing was changed.\n");
	plan.count = 1;
	plan.run = plan.drifted = plan.wait = 0;
	sg_buf_clear(&out);
	sg_render_plan(&out, &plain, &run, &plan);
	T_CONTAINS(out.data, "Nothing to do: 1 already valid.\n");
}

SG_TEST(a_plan_in_json)
{
	struct sg_plan_item items[] = { { .step = &steps[5], .action = SG_ACTION_LATER, .title = "t" } };
	struct sg_plan plan = { .items = items, .count = 1 };
	char *text;

	start();
	json = sg_json_object();
	sg_render_plan_json(json, &plan);
	text = sg_json_dump(json, 0);
	T_EQ_STR(text, "{\"installed\":false,\"steps\":[{\"id\":\"fill_names\",\"kind\":\"backfill\",\"action\":\"LATER\",\"title\":\"t\","
	               "\"reason\":null,\"waits_for\":[],\"error\":null}],\"unlisted\":[],\"late\":[],"
	               "\"summary\":{\"skip\":0,\"reconcile\":0,\"run\":0,\"wait\":0,\"refused\":0,\"drifted\":0}}");
	free(text);
}

static const char *const gates[] = { "backfill:fill_names" };

static struct sg_status_index never_seen[] = { { .step = &steps[6], .state = "missing" } };
static struct sg_status_backfill not_begun[] = { { .step = &steps[5], .state = "pending" } };

static struct sg_status some_status(struct sg_status_migration *m)
{
	m[0] = (struct sg_status_migration){ .step = &steps[2], .id = "0096_lead_name", .state = "applied", .title = "names",
		                             .applied_at = "2026-01-31T12:00:00.123Z", .duration_ms = 84, .attempts = 2 };
	m[1] = (struct sg_status_migration){ .step = &steps[3], .id = "0113_unique_run_lead", .state = "failed",
		                             .duration_ms = -1, .attempts = -1, .failed_at = "2026-01-31T12:00:01Z" };
	m[2] = (struct sg_status_migration){ .step = &steps[4], .id = "0117_last", .state = "waiting", .duration_ms = -1,
		                             .attempts = -1, .waits_for = gates, .waits_count = 1 };
	sg_err_set(&m[1].err, SG_CLASS_SQL, "relation \"runs\" does not exist");
	sg_err_sqlstate(&m[1].err, "42P01");
	sg_err_hint(&m[1].err, "Make it first.");
	return (struct sg_status){ .state_version = 1, .database = "crm", .migrations = m, .migration_count = 3,
		                   .backfills = not_begun, .backfill_count = 1, .indexes = never_seen, .index_count = 1,
		                   .lease_owner = "root@host:77", .lease_since = "2026-01-31T12:00:01Z", .lease_alive = true };
}

SG_TEST(a_status)
{
	struct sg_status_migration m[3];
	struct sg_status status = some_status(m);
	struct sg_run run = { .manifest = &manifest, .dsn = { .text = "localhost:5432/crm" } };

	start();
	sg_render_status(&out, &plain, &run, &status);
	T_EQ_STR(out.data, "localhost:5432/crm\n"
	                   "Lease: root@host:77 since 2026-01-31T12:00:01Z\n"
	                   "  MIGRATION             STATE       WHEN                       TOOK\n"
	                   "  0096_lead_name        applied     2026-01-31 12:00:00       84 ms  2 attempts\n"
	                   "  0113_unique_run_lead  failed      2026-01-31 12:00:01\n"
	                   "      relation \"runs\" does not exist (sql, SQLSTATE 42P01)\n"
	                   "      hint: Make it first.\n"
	                   "  0117_last             waiting                                      waits for backfill:fill_names\n"
	                   "  INDEX                 STATE       WHEN                       TOOK\n"
	                   "  idx_calls             missing\n"
	                   "  BACKFILL              STATE       WHEN                       TOOK\n"
	                   "  fill_names            pending\n"
	                   "2 pending, 1 waiting, 1 failed.\n");
	sg_err_release(&m[1].err);
}

/* Each state of an index, for people and for scripts. */
SG_TEST(a_status_of_indexes)
{
	static struct sg_step x[] = { { .kind = SG_STEP_INDEX, .id = "idx_valid" }, { .kind = SG_STEP_INDEX, .id = "idx_built_now" },
		                      { .kind = SG_STEP_INDEX, .id = "idx_waits", .critical = true },
		                      { .kind = SG_STEP_INDEX, .id = "idx_drifted" }, { .kind = SG_STEP_INDEX, .id = "idx_failed" },
		                      { .kind = SG_STEP_INDEX, .id = "idx_invalid" }, { .kind = SG_STEP_INDEX, .id = "idx_stopped" } };
	static const char *const gate[] = { "backfill:fill_names" }, *const why[] = { "not started" };
	static const struct sg_index_row valid = { .name = "idx_valid", .state = SG_INDEX_VALID, .started_at = "2026-01-31T12:00:00Z",
		.finished_at = "2026-01-31T12:00:02Z", .duration_ms = 2300, .bytes = 14680064 };
	static const struct sg_index_row building = { .name = "idx_built_now", .state = SG_INDEX_BUILDING, .owner = "root@host:77",
		.alive = true, .started_at = "2026-01-31T12:00:00Z", .duration_ms = -1, .bytes = -1 };
	static const struct sg_index_row failed = { .name = "idx_failed", .state = SG_INDEX_FAILED, .finished_at = "2026-01-31T12:00:02Z",
		.duration_ms = 812, .bytes = -1 };
	static const struct sg_index_row invalid = { .state = SG_INDEX_INVALID, .duration_ms = -1, .bytes = 8192 };
	struct sg_status_index indexes[] = {
		{ .step = &x[0], .row = &valid, .state = "valid" },
		{ .step = &x[1], .row = &building, .state = "building",
		  .progress = { .phase = "building index: scanning table", .phase_number = 2, .phases = 3, .done = 3200, .total = 7100,
		                .blocks = true, .fraction = 0.45, .seconds_left = 12 } },
		{ .step = &x[2], .state = "waiting", .waits_for = gate, .waits_why = why, .waits_count = 1 },
		{ .step = &x[3], .row = &valid, .state = "drifted" },
		{ .step = &x[4], .row = &failed, .state = "failed" },
		{ .step = &x[5], .row = &invalid, .state = "invalid" },
		{ .step = &x[6], .row = &building, .state = "stopped" },
	};
	struct sg_status status = { .state_version = 1, .database = "crm", .indexes = indexes, .index_count = SG_COUNT(indexes) };
	struct sg_run run = { .manifest = &manifest, .dsn = { .text = "here" } };
	struct sg_status_summary sum = sg_render_status_summary(&status);
	char *text;

	start();
	sg_err_set(&indexes[4].err, SG_CLASS_SQL, "could not create unique index");
	sg_err_sqlstate(&indexes[4].err, "23505");
	T_EQ_INT(sum.pending, 3);
	T_EQ_INT(sum.waiting, 1);
	T_EQ_INT(sum.failed, 2);
	sg_render_status(&out, &plain, &run, &status);
	T_EQ_STR(out.data, "here\n"
	                   "  INDEX          STATE       WHEN                       TOOK\n"
	                   "  idx_valid      valid       2026-01-31 12:00:02       2.3 s  14 MB\n"
	                   "  idx_built_now  building    2026-01-31 12:00:00              building index: scanning table, 45 %, "
	                   "3,200 of 7,100 blocks, 12 s left; by root@host:77\n"
	                   "  idx_waits      waiting                                      waits for backfill:fill_names (not started)\n"
	                   "  idx_drifted    drifted     2026-01-31 12:00:02       2.3 s  14 MB\n"
	                   "  idx_failed     failed      2026-01-31 12:00:02      812 ms\n"
	                   "      could not create unique index (sql, SQLSTATE 23505)\n"
	                   "  idx_invalid    invalid                                      the next run drops it and builds it anew\n"
	                   "  idx_stopped    stopped     2026-01-31 12:00:00              nobody is at it; the next run goes on\n"
	                   "3 pending, 1 waiting, 2 failed.\n");
	json = sg_json_object();
	sg_render_status_json(json, &status);
	text = sg_json_dump(sg_json_at(sg_json_get(json, "indexes"), 1), 0);
	T_EQ_STR(text, "{\"name\":\"idx_built_now\",\"state\":\"building\",\"duration_ms\":null,\"bytes\":null,\"error\":null,"
	               "\"waits_for\":[],\"started_at\":\"2026-01-31T12:00:00Z\",\"finished_at\":null,\"owner\":\"root@host:77\","
	               "\"critical\":false,\"progress\":{\"phase\":\"building index: scanning table\",\"phase_number\":2,\"phases\":3,"
	               "\"done\":3200,\"total\":7100,\"unit\":\"blocks\",\"seconds_left\":12,\"blocked_by\":null,\"part\":null,"
	               "\"parts\":null,\"doing\":null}}");
	free(text);
	text = sg_json_dump(sg_json_at(sg_json_get(json, "indexes"), 2), 0);
	T_CONTAINS(text, "\"waits_for\":[\"backfill:fill_names\"]");
	T_CONTAINS(text, "\"critical\":true,\"progress\":null}");
	free(text);
	sg_err_release(&indexes[4].err);
}

/* The keys are the contract's, in its order; ours come after. */
static void has_keys(const struct sg_json *object, const char *const *keys)
{
	void *iter = sg_json_next(object, NULL);

	for (; *keys != NULL; keys++, iter = sg_json_next(object, iter)) {
		T_MUST_NOT_NULL(iter);
		T_EQ_STR(sg_json_key(iter), *keys);
	}
}
#define HAS_KEYS(object, ...) has_keys(object, (const char *const[]){ __VA_ARGS__, NULL })

SG_TEST(status_keeps_the_contract)
{
	static const char *const top[] = { "sgrun",   "state_version", "manifest",   "database", "pooler",
		                           "lease",   "migrations",    "indexes",    "backfills", "summary", "exit" };
	struct sg_status_migration m[3];
	struct sg_status status = some_status(m);
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_json *list;

	start();
	json = sg_render_head_json("status", manifest.path);
	sg_render_status_json(json, &status);
	sg_render_finish_json(json, &errs, 0);
	for (size_t i = 0; i < SG_COUNT(top); i++)
		T_NOT_NULL(sg_json_get(json, top[i]));
	HAS_KEYS(sg_json_get(json, "lease"), "owner", "since", "alive");
	list = sg_json_get(json, "migrations");
	T_MUST_EQ_INT(sg_json_count(list), 3);
	for (size_t i = 0; i < 3; i++)
		HAS_KEYS(sg_json_at(list, i), "id", "state", "title", "applied_at", "duration_ms", "attempts", "waits_for", "error");
	HAS_KEYS(sg_json_get(sg_json_at(list, 1), "error"), "class", "exit", "sqlstate", "primary", "detail", "hint", "file",
	         "line", "step", "statement");
	T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(sg_json_at(list, 2), "waits_for"), 0)), "backfill:fill_names");
	HAS_KEYS(sg_json_at(sg_json_get(json, "indexes"), 0), "name", "state", "duration_ms", "bytes", "error");
	HAS_KEYS(sg_json_at(sg_json_get(json, "backfills"), 0), "key", "state", "rows_done", "rows_estimate", "rows_per_s",
	         "seconds_left", "lanes", "batch_size", "throttle", "bad_rows", "left", "error");
	HAS_KEYS(sg_json_get(json, "summary"), "pending", "waiting", "failed");
	T_EQ_INT(sg_json_int(sg_json_get(sg_json_get(json, "summary"), "pending")), 2);
	sg_err_release(&m[1].err);
}

SG_TEST(a_free_lease_is_null)
{
	struct sg_status status = { .state_version = 0, .database = "crm" };
	char *text;

	start();
	json = sg_json_object();
	sg_render_status_json(json, &status);
	text = sg_json_dump(sg_json_get(json, "lease"), 0);
	T_EQ_STR(text, "null");
	free(text);
}

SG_TEST(verified)
{
	struct sg_verify_item items[] = {
		{ .step = &steps[0], .recorded = "applied", .verified = SG_VERIFIED_HOLDS },
		{ .step = &steps[2], .recorded = "reconciled", .verified = SG_VERIFIED_DRIFT },
	};
	struct sg_verify_result result = { .items = items, .count = 2, .holds = 1, .drift = 1, .exit = 8 };

	start();
	sg_render_verify(&out, &plain, &result, false, 8);
	T_CONTAINS(out.data, "  DRIFT       0096_lead_name    reconciled  its fingerprint does not hold\n"
	                     "1 hold, 1 drifted, 0 could not be asked.\n");
	T_LACKS(out.data, "0011_order_index");
	sg_buf_clear(&out);
	result = (struct sg_verify_result){ .items = items, .count = 1, .holds = 1 };
	sg_render_verify(&out, &plain, &result, false, 0);
	T_EQ_STR(out.data, "1 fingerprint holds.\n");
}

SG_TEST(adopted_and_not)
{
	struct sg_verify_item item = { .step = &steps[2], .recorded = "not recorded", .verified = SG_VERIFIED_DRIFT };
	struct sg_verify_result result = { .items = &item, .count = 1, .drift = 1, .exit = 8 };

	start();
	sg_render_verify(&out, &plain, &result, true, 8);
	T_CONTAINS(out.data, "Nothing was recorded");
	item = (struct sg_verify_item){ .step = &steps[2], .recorded = "adopted", .verified = SG_VERIFIED_HOLDS, .adopted = true };
	result = (struct sg_verify_result){ .items = &item, .count = 1, .holds = 1, .adopted = 1 };
	sg_buf_clear(&out);
	sg_render_verify(&out, &plain, &result, true, 0);
	T_EQ_STR(out.data, "  adopted     0096_lead_name\n1 adopted; 1 fingerprint holds.\n");
	json = sg_json_object();
	sg_render_verify_json(json, &result);
	HAS_KEYS(sg_json_at(sg_json_get(json, "migrations"), 0), "id", "recorded", "verified", "adopted", "error");
	HAS_KEYS(sg_json_get(json, "summary"), "holds", "drift", "unknown", "adopted");
}

SG_TEST(what_comes_from_outside_is_cleaned)
{
	struct sg_err err = SG_ERR_INIT;

	start();
	sg_err_set(&err, SG_CLASS_SQL, "bad \033]0;title\007 name");
	sg_err_detail(&err, "first\nsecond \x9b");
	sg_render_err(&out, &plain, "  ", &err);
	T_EQ_STR(out.data, "  bad \\x1b]0;title\\x07 name (sql)\n  detail: first\n  second \\x9b\n");
	sg_err_release(&err);
}

SG_TEST(every_setting_is_listed)
{
	start();
	sg_render_settings(&out);
	T_CONTAINS(out.data, "[policy]\n");
	T_CONTAINS(out.data, "  max_retries ");
	T_CONTAINS(out.data, "[migration NAME]\n");
	T_CONTAINS(out.data, "  sha256 ");
	json = sg_json_object();
	sg_render_settings_json(json);
	T_GT_INT(sg_json_count(sg_json_get(json, "settings")), 60);
}

static const struct sg_test tests[] = {
	SG_CASE(a_line_a_step), SG_CASE(a_run_that_failed_says_what_to_do), SG_CASE(of_a_failure_only_what_is_certain_is_said),
	SG_CASE(a_run_with_nothing_to_do),
	SG_CASE(a_run_that_waits), SG_CASE(each_exit_status_has_its_advice), SG_CASE(many_ids_are_counted),
	SG_CASE(migrate_in_json), SG_CASE(a_plan), SG_CASE(a_plan_with_nothing_to_do), SG_CASE(a_plan_of_indexes), SG_CASE(a_plan_in_json),
	SG_CASE(a_status), SG_CASE(a_status_of_indexes), SG_CASE(status_keeps_the_contract), SG_CASE(a_free_lease_is_null), SG_CASE(verified),
	SG_CASE(adopted_and_not), SG_CASE(what_comes_from_outside_is_cleaned), SG_CASE(every_setting_is_listed),
	SG_CASES_END
};
static const struct sg_suite suites[] = { { "render", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
