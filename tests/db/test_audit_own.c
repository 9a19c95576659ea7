/* The project keeps its own rules: no data work hides in its migrations; and the history of the application whose they are, as it was
 * before, would not have passed. */
#include "config.h"

#include <string.h>

#include "tests/kit/run.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#define HOT "leads,call_log,receipts,messages,appointments"

static struct sg_run_result must(int status, const char *const *argv)
{
	struct sg_run_result run = sg_run(&(struct sg_run_opts){ .argv = argv, .timeout_ms = 100000 });

	sg_test_check(SG_HERE_, false, run.exit == status, "exit status %d (signal %d), not %d; it said:\n%s%s", run.exit, run.signal,
	              status, run.out, run.err);
	return run;
}
#define MUST(status, ...) must((status), (const char *const[]){ sg_test_built("sgrun"), __VA_ARGS__, NULL })

static const char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);

	T_MUST(at != NULL);
	return sg_test_strf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

/* The example's database has by hand what two migrations add: they send nothing there. On one that has not, they do. */
static const char *manifest_where_all_is_run(void)
{
	const char *text = sg_tmp_read(sg_test_built("etc/demo.ini"));
	const char *legacy = sg_tmp_read(sg_test_built("etc/demo-legacy.sql"));
	const char *init = sg_tmp_write("legacy.sql", sg_test_strf("%s\nALTER TABLE business DROP COLUMN timezone, DROP COLUMN tts_provider;\n", legacy));

	text = replaced(text, "../migrations ../backfills", sg_test_strf("%s %s", sg_test_built("migrations"), sg_test_built("backfills")));
	return sg_tmp_write("own.ini", replaced(text, "embedded_init = demo-legacy.sql", sg_test_strf("embedded_init = %s", init)));
}

SG_TEST(every_one_of_our_migrations_is_read)
{
	struct sg_run_result run = MUST(0, "--manifest", manifest_where_all_is_run(), "audit", "--fail-on", "unsafe,potentially-unsafe,unread");

	T_CONTAINS(run.out, "Looked at: 14 migrations");
	T_LACKS(run.out, "## DML safety analysis");
}

SG_TEST(no_data_work_in_our_migrations)
{
	struct sg_run_result run = MUST(0, "--manifest", sg_test_built("etc/demo.ini"), "audit", "--fail-on", "unsafe,potentially-unsafe");

	T_CONTAINS(run.out, "Looked at: ");
	T_LACKS(run.out, "Looked at: 0 ");
	T_LACKS(run.out, "## DML safety analysis");
	/* the manifest builds the index of each foreign key that has rows to look for */
	T_LACKS(run.out, "notes (lead_id) to leads");
}

SG_TEST(the_history_is_stopped)
{
	struct sg_run_result run = MUST(9, "audit", "--fail-on", "unsafe", "--hot-tables", HOT, sg_test_source("tests/audit/history"));

	T_CONTAINS(run.err, "found what --fail-on names: unsafe (");
	T_CONTAINS(run.out, "## DML safety analysis");
	T_CONTAINS(run.out, "### HIGH (");
	T_CONTAINS(run.out, "[backfill migration_0096_lead_name]");
	T_LACKS(run.out, "Not read");
}

static const struct sg_test tests[] = { SG_CASE(every_one_of_our_migrations_is_read), SG_CASE(no_data_work_in_our_migrations), SG_CASE(the_history_is_stopped), SG_CASES_END };
static const struct sg_suite suites[] = { { "audit_own", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
