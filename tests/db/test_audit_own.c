/* The project keeps its own rules: no data work hides in its migrations; and the history of the application whose they are, as it was
 * before, would not have passed. */
#include "config.h"

#include <string.h>

#include "tests/kit/run.h"
#include "tests/kit/test.h"

#define HOT "leads,call_log,receipts,messages,appointments"

static struct sg_run_result must(int status, const char *const *argv)
{
	struct sg_run_result run = sg_run(&(struct sg_run_opts){ .argv = argv, .timeout_ms = 100000 });

	sg_test_check(SG_HERE_, false, run.exit == status, "exit status %d (signal %d), not %d; it said:\n%s%s", run.exit, run.signal,
	              status, run.out, run.err);
	return run;
}
#define MUST(status, ...) must((status), (const char *const[]){ sg_test_built("sgrun"), __VA_ARGS__, NULL })

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

static const struct sg_test tests[] = { SG_CASE(no_data_work_in_our_migrations), SG_CASE(the_history_is_stopped), SG_CASES_END };
static const struct sg_suite suites[] = { { "audit_own", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
