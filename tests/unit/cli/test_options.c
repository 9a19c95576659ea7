/* The command line: what is read, what beats what, and how a mistake is answered. */
#include "core/cli/options.h"

#include <string.h>

#include "tests/kit/test.h"

static char *environment[5]; /* "NAME", "value", …, NULL */

static char *lookup(const char *name)
{
	for (size_t i = 0; environment[i] != NULL; i += 2)
		if (strcmp(environment[i], name) == 0)
			return environment[i + 1];
	return NULL;
}

static struct sg_arena arena;
static struct sg_options options;
static struct sg_err err;

static void release(void *unused)
{
	(void)unused;
	environment[0] = NULL;
	sg_err_release(&err);
	sg_arena_release(&arena);
}

static void set_environment(const char *name, const char *value)
{
	size_t i = 0;

	while (environment[i] != NULL)
		i += 2;
	T_MUST(i + 2 < SG_COUNT(environment));
	environment[i] = sg_arena_strdup(&arena, name);
	environment[i + 1] = sg_arena_strdup(&arena, value);
	environment[i + 2] = NULL;
}

static int parse(const char *const *words)
{
	char *argv[17] = { sg_arena_strdup(&arena, "sgrun") };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++) {
		T_MUST(argc < 16);
		argv[argc] = sg_arena_strdup(&arena, words[argc - 1]);
	}
	sg_err_clear(&err);
	sg_test_defer(release, NULL);
	return sg_options_parse(argc, argv, lookup, &arena, &options, &err);
}
#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void refused(int status, const char *primary, const char *hint)
{
	T_EQ_INT(status, -1);
	T_EQ_INT(err.class, SG_CLASS_USAGE);
	T_EQ_INT(sg_class_exit(err.class), 2);
	T_EQ_STR(err.primary, primary);
	T_CONTAINS(err.hint, hint);
}

SG_TEST(deploy_is_the_default)
{
	T_MUST_EQ_INT(parse((const char *const[]){ NULL }), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_DEPLOY);
	T_FALSE(options.command_given);
	T_NULL(options.manifest);
	T_EQ_INT(options.wait_seconds, -1);
	T_EQ_INT(options.phases, 0);
	T_FALSE(options.json);
}

SG_TEST(both_forms_of_a_value)
{
	T_MUST_EQ_INT(PARSE("--manifest", "a.ini", "migrate", "--to=0096_lead_name", "--wait", "7"), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_MIGRATE);
	T_EQ_STR(options.manifest, "a.ini");
	T_EQ_STR(options.to, "0096_lead_name");
	T_EQ_INT(options.wait_seconds, 7);
	T_MUST_EQ_INT(PARSE("--manifest=b=c.ini", "plan"), 0);
	T_EQ_STR(options.manifest, "b=c.ini");
}

SG_TEST(options_may_stand_before_the_command)
{
	T_MUST_EQ_INT(PARSE("--json", "--exit-code", "status"), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_STATUS);
	T_TRUE(options.command_given);
	T_TRUE(options.json);
	T_TRUE(options.exit_code);
}

SG_TEST(set_is_kept_in_order)
{
	T_MUST_EQ_INT(PARSE("--set", "policy.waiting=allow", "plan", "--set=sgrun.sandbox=off"), 0);
	T_MUST_EQ_INT(options.set_count, 2);
	T_EQ_STR(options.sets[0], "policy.waiting=allow");
	T_EQ_STR(options.sets[1], "sgrun.sandbox=off");
}

SG_TEST(flag_beats_environment)
{
	set_environment("SGRUN_MANIFEST", "env.ini");
	set_environment("SGRUN_WAIT", "5");
	T_MUST_EQ_INT(PARSE("deploy"), 0);
	T_EQ_STR(options.manifest, "env.ini");
	T_EQ_INT(options.wait_seconds, 5);
	T_MUST_EQ_INT(PARSE("deploy", "--manifest", "flag.ini", "--wait=0"), 0);
	T_EQ_STR(options.manifest, "flag.ini");
	T_EQ_INT(options.wait_seconds, 0);
}

SG_TEST(an_empty_variable_counts_as_not_set)
{
	set_environment("NO_COLOR", "");
	set_environment("SGRUN_LOG_FORMAT", "json");
	T_MUST_EQ_INT(PARSE("plan"), 0);
	T_FALSE(options.no_color);
	T_TRUE(options.log_json);
}

SG_TEST(a_bad_variable_is_named)
{
	set_environment("SGRUN_WAIT", "soon");
	refused(PARSE("deploy"), "SGRUN_WAIT: 'soon' is not a whole number from 0 to 1000000", "--wait takes");
	T_MUST_EQ_INT(PARSE("status"), 0); /* which does not wait */
}

SG_TEST(no_color_by_variable)
{
	set_environment("NO_COLOR", "1");
	T_MUST_EQ_INT(PARSE("plan"), 0);
	T_TRUE(options.no_color);
}

SG_TEST(unknown_names_get_the_nearest)
{
	refused(PARSE("stauts"), "unknown command 'stauts'", "Did you mean 'status'?");
	refused(PARSE("--manfest=x"), "unknown option '--manfest'", "Did you mean '--manifest'?");
	refused(PARSE("frobnicate"), "unknown command 'frobnicate'", "sgrun --help");
	refused(PARSE("-x"), "unknown option '-x'", "sgrun --help");
	refused(PARSE("deploy", "now"), "'now' is one word too many after 'deploy'", "sgrun deploy --help");
}

SG_TEST(options_must_fit_the_command)
{
	refused(PARSE("status", "--to", "x"), "--to does not go with 'status'", "migrate, plan");
	refused(PARSE("--adopt", "x"), "--adopt does not go with 'deploy'", "verify");
	refused(PARSE("--strict", "plan"), "--strict does not go with 'plan'", "deploy, migrate");
}

SG_TEST(values_are_checked)
{
	refused(PARSE("--wait", "-1"), "--wait: '-1' is not a whole number from 0 to 1000000", "--wait takes");
	refused(PARSE("--wait"), "--wait needs a value", "--wait SECONDS");
	refused(PARSE("--manifest", "--json"), "--manifest needs a value", "--manifest FILE");
	refused(PARSE("--manifest="), "--manifest is empty", "FILE");
	refused(PARSE("--json=yes"), "--json takes no value", "alone");
	refused(PARSE("--log-format=xml"), "--log-format: 'xml' is not text or json", "text or json");
	refused(PARSE("--only-phase=migrate,indexes"),
	        "--only-phase: 'migrate,indexes' is not a list of migrate, index, backfill, separated by commas", "migrate");
}

SG_TEST(what_must_go_together)
{
	refused(PARSE("verify", "--adopt-to", "x"), "--adopt-to needs --reason", "--reason TEXT");
	refused(PARSE("verify", "--reason", "x"), "--reason without --adopt-to", "--adopt-to");
	refused(PARSE("verify", "--adopt=a", "--adopt-to=b", "--reason=c"), "--adopt and --adopt-to together", "one migration");
	refused(PARSE("--verbose", "--quiet"), "--verbose and --quiet together", "one of them");
	T_MUST_EQ_INT(PARSE("verify", "--adopt-to", "x", "--reason", "made by hand in 2019"), 0);
	T_EQ_STR(options.reason, "made by hand in 2019");
}

SG_TEST(phases)
{
	T_MUST_EQ_INT(PARSE("--only-phase", "migrate,backfill"), 0);
	T_EQ_INT(options.phases, SG_PHASES_MIGRATE | SG_PHASES_BACKFILL);
	T_MUST_EQ_INT(PARSE("--only-phase=backfill", "--jobs=2", "--max-minutes=5"), 0);
	T_EQ_INT(options.phases, SG_PHASES_BACKFILL);
	T_MUST_EQ_INT(PARSE("--only-phase=index", "--jobs=2", "--max-minutes=5"), 0);
	T_EQ_INT(options.phases, SG_PHASES_INDEX);
	refused(PARSE("--only-phase", "migrate", "--jobs=2"), "--jobs, and --only-phase without index and backfill", "name one");
	refused(PARSE("--only-phase", "migrate", "--max-minutes=2"), "--max-minutes, and --only-phase without index and backfill",
	        "name one");
}

SG_TEST(backfills_of_the_command)
{
	T_MUST_EQ_INT(PARSE("backfill"), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_BACKFILL);
	T_FALSE(options.all);
	T_NULL(options.only);
	T_NULL(options.ask_key);
	T_EQ_INT(options.jobs, 0);
	T_EQ_INT(options.max_minutes, -1);
	T_MUST_EQ_INT(PARSE("backfill", "--all", "--jobs", "64", "--max-minutes=30", "--strict", "--json"), 0);
	T_TRUE(options.all);
	T_TRUE(options.strict);
	T_EQ_INT(options.jobs, 64);
	T_EQ_INT(options.max_minutes, 30);
	T_MUST_EQ_INT(PARSE("backfill", "--only", "leads_name"), 0);
	T_EQ_STR(options.only, "leads_name");
	refused(PARSE("backfill", "--all", "--only", "a"), "--all and --only together", "one of them");
	refused(PARSE("backfill", "--jobs=0"), "--jobs: '0' is not a whole number from 1 to 64", "--jobs takes");
	refused(PARSE("backfill", "--jobs=65"), "--jobs: '65' is not a whole number from 1 to 64", "--jobs takes");
	refused(PARSE("backfill", "--max-minutes=0"), "--max-minutes: '0' is not a whole number from 1 to 1000000", "takes");
	refused(PARSE("backfill", "--to=a"), "--to does not go with 'backfill'", "migrate, plan");
	refused(PARSE("migrate", "--jobs=2"), "--jobs does not go with 'migrate'", "deploy, index, backfill");
}

SG_TEST(indexes_of_the_command)
{
	T_MUST_EQ_INT(PARSE("index"), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_INDEX);
	T_NULL(options.only);
	T_EQ_INT(options.jobs, 0);
	T_EQ_INT(options.max_minutes, -1);
	T_MUST_EQ_INT(PARSE("index", "--only", "idx_a", "--jobs=3", "--max-minutes=30", "--strict", "--json", "--quiet"), 0);
	T_EQ_STR(options.only, "idx_a");
	T_EQ_INT(options.jobs, 3);
	T_EQ_INT(options.max_minutes, 30);
	T_TRUE(options.strict && options.json && options.quiet);
	refused(PARSE("index", "--all", "--only", "a"), "--all and --only together", "one of them");
	refused(PARSE("index", "--pause", "a"), "--pause does not go with 'index'", "backfill");
	/* nothing drops an index that sgrun did not find invalid by itself */
	refused(PARSE("index", "--drop-unlisted"), "unknown option '--drop-unlisted'", "sgrun --help");
	refused(PARSE("index", "idx_a"), "'idx_a' is one word too many after 'index'", "sgrun index --help");
}

SG_TEST(what_is_asked_of_a_backfill_is_asked_alone)
{
	static const struct { const char *name; enum sg_flag_id flag; } asks[] = {
		{ "--pause", SG_FLAG_PAUSE }, { "--resume", SG_FLAG_RESUME }, { "--retry", SG_FLAG_RETRY },
		{ "--again", SG_FLAG_AGAIN },
	};
	static const char *const idle[] = { "--all", "--only", "--max-minutes", "--jobs", "--strict" };

	for (size_t i = 0; i < SG_COUNT(asks); i++) {
		const char *next = asks[(i + 1) % SG_COUNT(asks)].name;

		T_MUST_EQ_INT(PARSE("backfill", asks[i].name, "leads_name", "--json", "--quiet"), 0);
		T_EQ_INT(options.ask, asks[i].flag);
		T_EQ_STR(options.ask_key, "leads_name");
		refused(PARSE("backfill", asks[i].name, "a", next, "b"), sg_test_strf("%s and %s together", asks[i].name, next),
		        "One of them");
		refused(PARSE("backfill", asks[i].name), sg_test_strf("%s needs a value", asks[i].name), "KEY");
		refused(PARSE("deploy", asks[i].name, "a"), sg_test_strf("%s does not go with 'deploy'", asks[i].name), "backfill");
	}
	refused(PARSE("backfill", "--pause=a", "--pause=b"), "--pause and --pause together", "one backfill");
	for (size_t i = 0; i < SG_COUNT(idle); i++) {
		const char *value = i == 1 ? "=a" : i == 2 || i == 3 ? "=2" : "";

		refused(PARSE("backfill", "--retry=a", sg_test_strf("%s%s", idle[i], value)),
		        sg_test_strf("--retry and %s together", idle[i]), "runs nothing");
	}
}

SG_TEST(what_to_audit)
{
	T_MUST_EQ_INT(PARSE("audit", "a.sql", "--json", "db/migrations", "--", "--odd.sql", "check"), 0);
	T_EQ_INT(options.command->id, SG_COMMAND_AUDIT);
	T_MUST_EQ_INT(options.path_count, 4);
	T_EQ_STR(options.paths[0], "a.sql");
	T_EQ_STR(options.paths[1], "db/migrations");
	T_EQ_STR(options.paths[2], "--odd.sql");
	T_EQ_STR(options.paths[3], "check");
	T_MUST_EQ_INT(PARSE("audit"), 0);
	T_EQ_INT(options.path_count, 0);
	refused(PARSE("audit", ""), "an empty PATH", "variable");
	refused(PARSE("rehearse", "a.sql"), "'a.sql' is one word too many after 'rehearse'", "sgrun rehearse --help");
	refused(PARSE("audit", "--from-ledger", "a.sql"), "--from-ledger and 'a.sql' together", "instead");
}

SG_TEST(what_an_audit_fails_on)
{
	T_MUST_EQ_INT(PARSE("audit", "a", "--fail-on", "unsafe, error", "--fail-on=index.*,unread"), 0);
	T_MUST_EQ_INT(options.fail_on_count, 4);
	T_EQ_STR(options.fail_on[0], "unsafe");
	T_EQ_STR(options.fail_on[1], "error");
	T_EQ_STR(options.fail_on[2], "index.*");
	T_EQ_STR(options.fail_on[3], "unread");
	refused(PARSE("audit", "a", "--fail-on", "unsaef"), "--fail-on: nothing that can be found is called 'unsaef'", "'unsafe'");
	refused(PARSE("audit", "a", "--fail-on", "index.create_blockin"),
	        "--fail-on: nothing that can be found is called 'index.create_blockin'", "'index.create_blocking'");
	refused(PARSE("audit", "a", "--fail-on", "everything"), "--fail-on: nothing that can be found is called 'everything'",
	        "a rule's id");
	refused(PARSE("audit", "a", "--fail-on", ", ,"), "--fail-on: ', ,' is not a list, separated by commas", "--fail-on");
	refused(PARSE("audit", "a", "--fail-on", "failed"), "--fail-on: nothing that can be found is called 'failed'", "unsafe");
	T_MUST_EQ_INT(PARSE("rehearse", "--fail-on", "failed,warning"), 0);
	T_EQ_INT(options.fail_on_count, 2);
}

SG_TEST(values_of_audit_and_rehearse)
{
	T_MUST_EQ_INT(PARSE("audit", "a", "--hot-tables", "leads crm.calls,x", "--server-version", "12", "--baseline", "b",
	                    "--write-baseline"), 0);
	T_MUST_EQ_INT(options.hot_count, 3);
	T_EQ_STR(options.hot_tables[1], "crm.calls");
	T_EQ_INT(options.server_version, 12);
	T_EQ_STR(options.baseline, "b");
	T_TRUE(options.write_baseline);
	T_MUST_EQ_INT(PARSE("test", "a.so", "./b.so", "--rows", "10"), 0);
	T_EQ_INT(options.path_count, 2);
	T_EQ_STR(options.paths[1], "./b.so");
	T_EQ_INT(options.rows, 10);
	T_MUST_EQ_INT(PARSE("test", "a.so"), 0);
	T_EQ_INT(options.rows, -1);
	refused(PARSE("test", ""), "an empty PLUGIN", "--help");
	T_MUST_EQ_INT(PARSE("rehearse", "--rows", "10000000", "--schema-from", "x.sql"), 0);
	T_EQ_INT(options.rows, 10000000);
	T_EQ_STR(options.schema_from, "x.sql");
	refused(PARSE("audit", "a", "--write-baseline"), "--write-baseline without --baseline", "--baseline FILE");
	refused(PARSE("audit", "a", "--sample", "5"), "--sample without a manifest", "--manifest");
	refused(PARSE("audit", "--manifest", "m", "--sample", "5", "--hot-tables", "x"), "--sample and --hot-tables together", "names");
	refused(PARSE("audit", "a", "--sample", "3601"), "--sample: '3601' is not a whole number from 1 to 3600", "--sample");
	refused(PARSE("audit", "a", "--server-version", "9"), "--server-version: '9' is not a whole number from 10 to 19", "");
	refused(PARSE("rehearse", "--rows", "10000001"), "--rows: '10000001' is not a whole number from 0 to 10000000", "--rows");
	refused(PARSE("rehearse", "--from-ledger"), "--from-ledger does not go with 'rehearse'", "audit");
	refused(PARSE("audit", "a", "--rows", "1"), "--rows does not go with 'audit'", "rehearse");
}

SG_TEST(the_form_of_a_graph_may_be_left_out)
{
	T_EQ_INT(PARSE("plan"), 0);
	T_EQ_INT(options.graph, SG_GRAPH_FORM_NONE);
	T_EQ_INT(PARSE("plan", "--graph"), 0);
	T_EQ_INT(options.graph, SG_GRAPH_FORM_TEXT);
	T_EQ_INT(PARSE("plan", "--graph=text"), 0);
	T_EQ_INT(options.graph, SG_GRAPH_FORM_TEXT);
	T_EQ_INT(PARSE("--graph=dot", "plan"), 0);
	T_EQ_INT(options.graph, SG_GRAPH_FORM_DOT);
	/* what follows is not its value */
	T_EQ_INT(PARSE("--graph", "plan", "--to", "x"), 0);
	T_EQ_INT(options.graph, SG_GRAPH_FORM_TEXT);
	T_EQ_STR(options.to, "x");
	refused(PARSE("plan", "--graph=svg"), "--graph: 'svg' is not text or dot", "--graph");
	refused(PARSE("plan", "--graph="), "--graph is empty", "--graph takes [=FORMAT]");
	refused(PARSE("plan", "--graph", "dot"), "'dot' is one word too many after 'plan'", "One command");
	refused(PARSE("audit", "--html", "--json", "a.sql"), "--html and --json together", "one of them");
	refused(PARSE("deploy", "--html"), "--html does not go with 'deploy'", "audit, rehearse");
	T_MUST_EQ_INT(PARSE("rehearse", "--html"), 0);
	T_TRUE(options.html);
	refused(PARSE("plan", "--graph=dot", "--json"), "--graph=dot and --json together", "Graphviz");
	T_EQ_INT(PARSE("plan", "--graph", "--json"), 0);
	refused(PARSE("status", "--graph"), "--graph does not go with 'status'", "plan");
}

SG_TEST(json_is_known_even_after_a_mistake)
{
	T_EQ_INT(PARSE("--oops", "--json"), -1);
	T_TRUE(options.json);
	T_NOT_NULL(options.command);
	T_EQ_INT(PARSE("--oops", "--", "--json"), -1);
	T_FALSE(options.json);
}

SG_TEST(help_and_version_need_nothing_else)
{
	T_MUST_EQ_INT(PARSE("verify", "--adopt-to", "x", "--help"), 0);
	T_TRUE(options.help);
	T_MUST_EQ_INT(PARSE("-h"), 0);
	T_TRUE(options.help);
	T_MUST_EQ_INT(PARSE("--version"), 0);
	T_TRUE(options.version);
}

static const struct sg_test tests[] = {
	SG_CASE(deploy_is_the_default), SG_CASE(both_forms_of_a_value), SG_CASE(options_may_stand_before_the_command),
	SG_CASE(set_is_kept_in_order), SG_CASE(flag_beats_environment), SG_CASE(an_empty_variable_counts_as_not_set),
	SG_CASE(a_bad_variable_is_named), SG_CASE(no_color_by_variable), SG_CASE(unknown_names_get_the_nearest),
	SG_CASE(options_must_fit_the_command), SG_CASE(values_are_checked), SG_CASE(what_must_go_together),
	SG_CASE(phases), SG_CASE(backfills_of_the_command), SG_CASE(indexes_of_the_command), SG_CASE(what_is_asked_of_a_backfill_is_asked_alone), SG_CASE(what_to_audit), SG_CASE(what_an_audit_fails_on),
	SG_CASE(values_of_audit_and_rehearse), SG_CASE(the_form_of_a_graph_may_be_left_out), SG_CASE(json_is_known_even_after_a_mistake),
	SG_CASE(help_and_version_need_nothing_else), SG_CASES_END
};
static const struct sg_suite suites[] = { { "options", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
