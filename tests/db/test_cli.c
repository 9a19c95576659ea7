/* The command line from outside: what goes to stdout and to stderr, what is JSON, what a terminal shows, what each end's exit status
 * is, and that no password is ever written anywhere. What the phases do to a database has tests of its own. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "tests/kit/run.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#define ESCAPE "\033["

/* Two of the example's migrations, and the tables that they are about. */
struct stage {
	const char *manifest, *conninfo;
	struct sg_sql *sql;
};

static const char steps[] = "[migration 0011_leads_order_index]\nplugin = 0011_leads_order_index\n"
                            "[migration 0114_outbound_call_runs_lock_ts]\nplugin = 0114_outbound_call_runs_lock_ts\n";

static const char *manifest_of(const char *dsn, const char *more)
{
	return sg_tmp_write("crm.ini", sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = %s\n%s%s",
	                                            sg_test_built("migrations"), dsn, steps, more));
}

static struct stage stage_new(void)
{
	struct sg_server *server = sg_server_shared();
	const char *db = sg_server_new_db(server);
	struct stage stage = { .conninfo = sg_server_conninfo(server, db, NULL) };

	stage.manifest = manifest_of(stage.conninfo, "");
	stage.sql = sg_sql_open(stage.conninfo);
	sg_sql_exec(stage.sql, "CREATE TABLE leads (id bigint PRIMARY KEY); CREATE TABLE outbound_call_runs (id bigint PRIMARY KEY)");
	return stage;
}

static struct sg_run_result sgrun(const char *const *words, const char *const *env, bool tty)
{
	const char *argv[16] = { sg_test_built("sgrun") };
	size_t count = 1;

	for (; words[count - 1] != NULL; count++) {
		T_MUST(count < SG_COUNT(argv) - 1);
		argv[count] = words[count - 1];
	}
	return sg_run(&(struct sg_run_opts){ .argv = argv, .env = env, .tty = tty });
}
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SGRUN(...) sgrun(WORDS(__VA_ARGS__), NULL, false)

static void free_json(void *json)
{
	sg_json_free(json);
}

/* All of it is one JSON document, an object. */
static const struct sg_json *json_of(const char *text)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *json = sg_json_parse(text, strlen(text), &err);

	if (json == NULL)
		T_FATAL("no JSON (%s): %s", err.primary, text);
	sg_test_defer(free_json, json);
	T_MUST(sg_json_is_object(json));
	return json;
}

static const struct sg_json *at(const struct sg_json *json, const char *list, size_t index)
{
	const struct sg_json *found = sg_json_at(sg_json_get(json, list), index);

	T_MUST_NOT_NULL(found);
	return found;
}

static const char *text(const struct sg_json *object, const char *key)
{
	return sg_json_text(sg_json_get(object, key));
}

SG_TEST(results_on_stdout_logs_on_stderr)
{
	struct stage stage = stage_new();
	struct sg_run_result run = SGRUN("--manifest", stage.manifest);

	T_EQ_INT(run.exit, 0);
	T_CONTAINS(run.out, "  applied     0011_leads_order_index ");
	T_CONTAINS(run.out, "2 applied (");
	T_CONTAINS(run.err, "made the state tables");
	T_LACKS(run.out, "state tables");
	T_LACKS(run.err, "applied");
	T_LACKS(run.out, "\033");
	T_LACKS(run.out, "\r");
	run = SGRUN("--manifest", stage.manifest, "deploy", "--quiet");
	T_EQ_STR(run.err, "");
	T_CONTAINS(run.out, "Up to date: 2 migrations already recorded");
}

SG_TEST(deploy_in_json)
{
	struct stage stage = stage_new();
	struct sg_run_result run = SGRUN("--manifest", stage.manifest, "--json");
	const struct sg_json *json = json_of(run.out);

	T_EQ_INT(run.exit, 0);
	T_EQ_STR(text(json, "command"), "deploy");
	T_EQ_STR(text(at(json, "migrations", 1), "outcome"), "applied");
	T_EQ_INT(sg_json_int(sg_json_get(sg_json_get(json, "summary"), "applied")), 2);
	T_EQ_INT(sg_json_int(sg_json_get(json, "exit")), 0);
	T_EQ_INT(sg_json_count(sg_json_get(json, "errors")), 0);
	/* meanwhile the log says what the lines say otherwise */
	T_CONTAINS(run.err, "0011_leads_order_index: applied in ");
}

/* The document without the line that differs. */
static const char *but_command(const char *out)
{
	const char *line = strstr(out, "\"command\""), *rest;

	T_MUST_NOT_NULL(line);
	rest = strchr(line, '\n');
	T_MUST_NOT_NULL(rest);
	return sg_test_strf("%.*s%s", (int)(line - out), out, rest);
}

SG_TEST(a_dry_run_is_a_plan)
{
	struct stage stage = stage_new();
	const char *plan = SGRUN("--manifest", stage.manifest, "plan", "--json").out;
	const struct sg_json *json = json_of(plan);

	T_EQ_STR(text(at(json, "steps", 0), "action"), "RUN");
	T_EQ_STR(text(at(json, "steps", 1), "action"), "RUN?");
	T_EQ_STR(but_command(SGRUN("--manifest", stage.manifest, "deploy", "--dry-run", "--json").out), but_command(plan));
	T_EQ_STR(but_command(SGRUN("--manifest", stage.manifest, "migrate", "--dry-run", "--json").out), but_command(plan));
	T_EQ_STR(SGRUN("--manifest", stage.manifest, "--dry-run").out, SGRUN("--manifest", stage.manifest, "plan").out);
	T_EQ_INT(sg_sql_int(stage.sql, "SELECT count(*) FROM pg_namespace WHERE nspname = 'sgrun'"), 0);
}

SG_TEST(status_in_json)
{
	struct stage stage = stage_new();
	const struct sg_json *json;
	struct sg_run_result run = SGRUN("--manifest", stage.manifest, "status", "--json");

	json = json_of(run.out);
	T_EQ_INT(run.exit, 0);
	T_EQ_INT(sg_json_int(sg_json_get(json, "state_version")), 0);
	T_EQ_STR(text(at(json, "migrations", 0), "state"), "pending");
	T_EQ_INT(SGRUN("--manifest", stage.manifest, "status", "--exit-code").exit, 3);
	T_EQ_INT(SGRUN("--manifest", stage.manifest, "migrate", "--to", "0011_leads_order_index").exit, 0);
	json = json_of(SGRUN("--manifest", stage.manifest, "status", "--json").out);
	T_EQ_STR(text(at(json, "migrations", 0), "state"), "applied");
	T_NOT_NULL(text(at(json, "migrations", 0), "applied_at"));
	T_EQ_STR(text(at(json, "migrations", 1), "state"), "pending");
	T_EQ_INT(SGRUN("--manifest", stage.manifest).exit, 0);
	T_EQ_INT(SGRUN("--manifest", stage.manifest, "status", "--exit-code").exit, 0);
}

SG_TEST(a_failure_in_all_its_forms)
{
	struct stage stage = stage_new();
	struct sg_run_result run;
	const struct sg_json *json, *error;

	sg_sql_exec(stage.sql, "DROP TABLE outbound_call_runs");
	run = SGRUN("--manifest", stage.manifest);
	T_EQ_INT(run.exit, 1);
	T_CONTAINS(run.out, "  FAILED      0114_outbound_call_runs_lock_ts ");
	T_CONTAINS(run.out, "0114_outbound_call_runs_lock_ts was rolled back whole and is not recorded.\n");
	T_CONTAINS(run.err, "(SQLSTATE 42P01)");
	T_CONTAINS(run.err, "STATEMENT:  ALTER TABLE outbound_call_runs");
	run = SGRUN("--manifest", stage.manifest, "--json");
	T_EQ_INT(run.exit, 1);
	json = json_of(run.out);
	T_EQ_STR(text(at(json, "migrations", 1), "outcome"), "failed");
	error = sg_json_get(at(json, "migrations", 1), "error");
	T_EQ_STR(text(error, "sqlstate"), "42P01");
	T_EQ_STR(text(error, "class"), "sql");
	T_EQ_INT(sg_json_int(sg_json_get(error, "exit")), 1);
	run = SGRUN("--manifest", stage.manifest, "status");
	T_EQ_INT(run.exit, 0);
	T_CONTAINS(run.out, "SQLSTATE 42P01");
	json = json_of(SGRUN("--manifest", stage.manifest, "status", "--json").out);
	T_EQ_STR(text(at(json, "migrations", 1), "state"), "failed");
	T_EQ_STR(text(sg_json_get(at(json, "migrations", 1), "error"), "sqlstate"), "42P01");
}

SG_TEST(errors_are_json_too)
{
	const struct { const char *const *words; int exit; const char *class; } cases[] = {
		{ WORDS("--json", "stauts"), 2, "usage" },
		{ WORDS("--json", "backfill"), 2, "usage" },
		{ WORDS("--json"), 2, "usage" },
		{ WORDS("--json", "--manifest", "/nowhere/at/all.ini", "check"), 2, "usage" },
	};

	for (size_t i = 0; i < SG_COUNT(cases); i++) {
		struct sg_run_result run = sgrun(cases[i].words, NULL, false);
		const struct sg_json *json = json_of(run.out);

		T_EQ_INT(run.exit, cases[i].exit);
		T_EQ_INT(sg_json_int(sg_json_get(json, "exit")), cases[i].exit);
		T_EQ_STR(text(at(json, "errors", 0), "class"), cases[i].class);
		T_NOT_NULL(text(at(json, "errors", 0), "hint"));
	}
}

SG_TEST(all_mistakes_of_a_manifest_in_one_go)
{
	struct sg_run_result run = SGRUN("--manifest", sg_test_source("tests/unit/manifest/twelve-mistakes.ini"), "plan", "--json");
	const struct sg_json *json = json_of(run.out);

	T_EQ_INT(run.exit, 2);
	T_EQ_INT(sg_json_count(sg_json_get(json, "errors")), 12);
	for (size_t i = 0; i < 12; i++) {
		T_GT_INT(sg_json_int(sg_json_get(at(json, "errors", i), "line")), 0);
		T_EQ_STR(text(at(json, "errors", i), "class"), "manifest");
	}
	T_CONTAINS(run.err, "12 errors");
}

SG_TEST(a_refused_plugin_is_6_before_anything_runs)
{
	struct stage stage = stage_new();
	const char *set = "--set=migration 0114_outbound_call_runs_lock_ts.sha256="
	                  "0000000000000000000000000000000000000000000000000000000000000000";
	struct sg_run_result run = SGRUN("--manifest", stage.manifest, set);

	T_EQ_INT(run.exit, 6);
	T_CONTAINS(run.err, "sha256");
	T_CONTAINS(run.out, "Not run: 0011_leads_order_index, 0114_outbound_call_runs_lock_ts\n");
	T_EQ_INT(sg_sql_int(stage.sql, "SELECT count(*) FROM pg_namespace WHERE nspname = 'sgrun'"), 0);
	T_EQ_INT(SGRUN("--manifest", stage.manifest, set, "plan").exit, 6);
	T_EQ_INT(SGRUN("--manifest", stage.manifest, set, "check").exit, 6);
	T_EQ_INT(SGRUN("--manifest", stage.manifest, "check").exit, 0);
}

SG_TEST(no_server_is_5)
{
	const char *manifest = manifest_of("host=/nowhere dbname=x", "[policy]\nmax_retries = 2\n");
	struct sg_run_result run = SGRUN("--manifest", manifest, "--json");

	T_EQ_INT(run.exit, 5);
	T_EQ_STR(text(at(json_of(run.out), "errors", 0), "class"), "connection");
}

SG_TEST(the_log_in_json)
{
	struct stage stage = stage_new();
	struct sg_run_result run = SGRUN("--manifest", stage.manifest, "--log-format", "json");
	size_t ended = 0;

	T_EQ_INT(run.exit, 0);
	T_CONTAINS(run.out, "applied");
	for (const char *line = run.err; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		const struct sg_json *json = json_of(sg_test_strf("%.*s", (int)length, line));

		T_NOT_NULL(text(json, "ts"));
		T_NOT_NULL(text(json, "level"));
		T_NOT_NULL(text(json, "message"));
		if (text(json, "event") != NULL && strcmp(text(json, "event"), "ended") == 0)
			ended++;
		line += length + (line[length] == '\n');
	}
	T_EQ_INT(ended, 2);
}

SG_TEST(a_deploy_builds_its_indexes_too)
{
	struct stage stage = stage_new();
	const char *more = "[index idx_runs]\ntable = outbound_call_runs\ncolumns = id\n";
	const char *manifest = manifest_of(stage.conninfo, more);
	struct sg_run_result run = SGRUN("--manifest", manifest, "migrate", "--strict");

	T_EQ_INT(run.exit, 0);
	T_LACKS(run.out, "idx_runs");
	T_EQ_INT(SGRUN("--manifest", manifest, "--strict", "--only-phase", "migrate").exit, 0);
	T_EQ_INT(SGRUN("--manifest", manifest, "status", "--exit-code").exit, 3);
	run = SGRUN("--manifest", manifest, "--strict");
	T_EQ_INT(run.exit, 0);
	T_CONTAINS(run.out, "  built       idx_runs");
	T_CONTAINS(run.out, "Indexes: 1 built (");
	T_EQ_INT(SGRUN("--manifest", manifest, "status", "--exit-code").exit, 0);
	T_EQ_STR(text(at(json_of(SGRUN("--manifest", manifest, "status", "--json").out), "indexes", 0), "state"), "valid");
}

SG_TEST(a_terminal_is_shown_what_happens)
{
	struct stage stage = stage_new();
	struct sg_sql *blocker = sg_sql_hold(stage.conninfo, "LOCK TABLE outbound_call_runs IN ACCESS SHARE MODE");
	const char *set = "--set=policy.lock_seconds=1", *rungs = "--set=policy.lock_rungs_ms=150, 300", *pause = "--set=policy.lock_pause_ms=50";
	const char *env[] = { "TERM=xterm", "NO_COLOR", NULL };
	struct sg_run_result run = sgrun(WORDS("--manifest", stage.manifest, set, rungs, pause), env, true);

	T_EQ_INT(run.exit, 4);
	T_CONTAINS(run.out, ESCAPE "32mapplied" ESCAPE "0m");
	T_CONTAINS(run.out, ESCAPE "1m[2/2] 0114_outbound_call_runs_lock_ts" ESCAPE "0m  ");
	T_CONTAINS(run.out, sg_test_strf("lock held by pid %d", sg_sql_pid(blocker)));
	T_CONTAINS(run.out, "\r" ESCAPE "K  " ESCAPE "33mblocked" ESCAPE "0m");
	/* the status line stepped aside for the log */
	T_CONTAINS(run.out, "\r" ESCAPE "Ksgrun: 0114_outbound_call_runs_lock_ts: no lock within");
	T_CONTAINS(run.out, "Nothing is half done. Run the same command again later.\n");
	env[1] = "NO_COLOR=1";
	run = sgrun(WORDS("--manifest", stage.manifest, set, rungs, pause), env, true);
	T_LACKS(run.out, ESCAPE "1m");
	T_CONTAINS(run.out, "[1/1] 0114_outbound_call_runs_lock_ts  ");
	env[0] = "TERM=dumb";
	run = sgrun(WORDS("--manifest", stage.manifest, set, rungs, pause), env, true);
	T_LACKS(run.out, "\033");
	T_CONTAINS(run.out, "  blocked     0114_outbound_call_runs_lock_ts ");
}

static void stopped_by(int number, int exit, const char *name)
{
	struct stage stage = stage_new();
	struct sg_sql *blocker = sg_sql_hold(stage.conninfo, "LOCK TABLE outbound_call_runs IN ACCESS SHARE MODE");
	struct sg_run *run = sg_run_start(&(struct sg_run_opts){
		.argv = WORDS(sg_test_built("sgrun"), "--manifest", stage.manifest, "--verbose") });
	struct sg_run_result result;

	sg_run_await(run, "no lock within", 20000);
	sg_run_signal(run, number);
	result = sg_run_wait(run, 20000);
	T_EQ_INT(result.exit, exit);
	T_FALSE(result.timed_out);
	T_CONTAINS(result.err, name);
	T_CONTAINS(result.out, "  stopped     0114_outbound_call_runs_lock_ts ");
	T_CONTAINS(result.out, "Nothing is half done. Run the same command again to go on.\n");
	sg_sql_close(blocker);
	T_EQ_STR(sg_sql_rows(stage.sql, "SELECT id FROM sgrun.schema_migrations"), "0011_leads_order_index");
	T_EQ_INT(SGRUN("--manifest", stage.manifest).exit, 0);
}

SG_TEST(sigterm_is_143)
{
	stopped_by(SIGTERM, 143, "stopped by SIGTERM");
}

SG_TEST(sigint_is_130)
{
	stopped_by(SIGINT, 130, "stopped by SIGINT");
}

SG_TEST(adoption_is_told)
{
	struct stage stage = stage_new();
	struct sg_run_result run = SGRUN("--manifest", stage.manifest, "verify", "--adopt", "0011_leads_order_index");

	T_EQ_INT(run.exit, 8);
	T_CONTAINS(run.out, "Nothing was recorded");
	T_EQ_INT(SGRUN("--manifest", stage.manifest, "verify", "--adopt", "0011_leads_order").exit, 2);
	run = SGRUN("--manifest", stage.manifest, "verify", "--adopt-to", "0114_outbound_call_runs_lock_ts", "--reason", "made in 2019");
	T_EQ_INT(run.exit, 0);
	T_CONTAINS(run.out, "  adopted     0011_leads_order_index           its fingerprint does not hold\n");
	T_CONTAINS(run.out, "2 adopted; ");
	T_EQ_STR(sg_sql_rows(stage.sql, "SELECT DISTINCT outcome, reason FROM sgrun.schema_migrations"), "adopted|made in 2019");
	run = SGRUN("--manifest", stage.manifest, "verify", "--json");
	T_EQ_INT(run.exit, 8);
	T_EQ_STR(text(at(json_of(run.out), "migrations", 0), "verified"), "drift");
}

SG_TEST(a_password_is_never_shown)
{
	static const char *const commands[] = { "deploy", "plan", "status", "verify", "check" };
	static const char secret[] = "hunter2-xyzzy";
	struct stage stage = stage_new();
	const char *good = manifest_of("${CRM_URL}", "");
	const char *urls[] = { sg_test_strf("%s password=%s", stage.conninfo, secret),
		               sg_test_strf("postgresql://me:%s@/x?host=/nowhere&connect_timeout=1", secret),
		               sg_test_strf("postgresql://me:%s@[broken", secret),
		               sg_test_strf("host=/nowhere password=%s options=-csearch_path=x", secret) };

	for (size_t u = 0; u < SG_COUNT(urls); u++)
		for (size_t i = 0; i < SG_COUNT(commands); i++) {
			const char *env[] = { sg_test_strf("CRM_URL=%s", urls[u]), sg_test_strf("PGPASSWORD=%s", secret), NULL };
			struct sg_run_result run = sgrun(WORDS("--manifest", good, commands[i], "--verbose", "--set=policy.max_retries=1",
			                                       i % 2 ? "--json" : "--log-format=json"), env, false);

			T_LACKS(run.out, secret);
			T_LACKS(run.err, secret);
			T_TRUE(run.out_len + run.err_len > 0);
		}
}

SG_TEST(a_result_that_cannot_be_written_is_said)
{
	struct stage stage = stage_new();
	struct sg_run_result run = sg_run_args("sh", "-c", "exec \"$0\" \"$@\" >/dev/full", sg_test_built("sgrun"), "--manifest",
	                                       stage.manifest, "plan");

	T_EQ_INT(run.exit, 2);
	T_CONTAINS(run.err, "the result could not be written");
	/* what was done to the database decides, not what became of the words */
	run = sg_run_args("sh", "-c", "exec \"$0\" \"$@\" >/dev/full", sg_test_built("sgrun"), "--manifest", stage.manifest);
	T_EQ_INT(run.exit, 0);
	T_EQ_INT(sg_sql_int(stage.sql, "SELECT count(*) FROM sgrun.schema_migrations"), 2);
}

SG_TEST(what_needs_no_server)
{
	const char *manifest = manifest_of("host=/nowhere", "");

	T_CONTAINS(SGRUN("--version").out, "SQL grammar: PostgreSQL 15");
	T_CONTAINS(SGRUN("--help").out, "Usage: sgrun");
	T_CONTAINS(SGRUN("verify", "--help").out, "--adopt-to ID");
	T_CONTAINS(SGRUN("check", "--settings").out, "lock_rungs_ms");
	T_CONTAINS(SGRUN("--manifest", manifest, "check", "--state-sql").out, "schema_migrations");
	T_CONTAINS(SGRUN("--manifest", manifest, "check").out, "2 migrations, 0 indexes, 0 backfills: all is well\n");
}

static const struct sg_test tests[] = {
	SG_CASE(results_on_stdout_logs_on_stderr), SG_CASE(deploy_in_json), SG_CASE(a_dry_run_is_a_plan),
	SG_CASE(status_in_json), SG_CASE(a_failure_in_all_its_forms), SG_CASE(errors_are_json_too),
	SG_CASE(all_mistakes_of_a_manifest_in_one_go), SG_CASE(a_refused_plugin_is_6_before_anything_runs),
	SG_CASE(no_server_is_5), SG_CASE(the_log_in_json), SG_CASE(a_deploy_builds_its_indexes_too),
	SG_CASE(a_terminal_is_shown_what_happens), SG_CASE(sigterm_is_143), SG_CASE(sigint_is_130),
	SG_CASE(adoption_is_told), SG_CASE(a_password_is_never_shown), SG_CASE(a_result_that_cannot_be_written_is_said),
	SG_CASE(what_needs_no_server), SG_CASES_END
};
static const struct sg_suite suites[] = { { "cli", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
