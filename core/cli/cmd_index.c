/* cmd_index.c - index: builds what is missing or invalid and ready. Nothing of it changes the exit
 * status but --strict, and there is no option that drops an index. */
#include "config.h"

#include "core/base/clock.h"
#include "core/cli/cli.h"
#include "core/cli/report.h"

static void work(struct sg_cli *cli, struct sg_run *run, struct sg_indexes_result *result)
{
	const struct sg_options *o = &cli->options;
	struct sg_indexes_options options = { .only = o->only, .jobs = o->jobs, .deadline_ms = sg_cli_deadline(cli) };
	size_t before = cli->errs.count;
	int64_t start = sg_clock_ms();

	if (sg_indexes_run(run, &options, NULL, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("indexes failed without saying why");
	cli->exit = sg_exit_of_indexes(result, &cli->errs, o->strict);
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, run);
		sg_render_indexes_json(cli->json, result);
	} else if (cli->errs.count == before || result->count > 0) {
		sg_render_indexes_end(&cli->out, &cli->look, &cli->manifest, result, false, sg_clock_ms() - start);
		sg_render_indexes_critical(&cli->out, &cli->look, result);
	}
}

void sg_cmd_index(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_indexes_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
	struct sg_run run = { 0 };
	struct sg_report report;
	struct sg_err err = SG_ERR_INIT;

	if (sg_cli_manifest(cli, false) != 0 || (o->only != NULL && sg_cli_step(cli, SG_STEP_INDEX, "--only", o->only) != 0))
		return;
	sg_report_open(&report, &cli->look, &cli->manifest, SG_REPORT_INDEXES, !o->json && !o->quiet);
	if (sg_run_open(&run, &cli->manifest, &report.observer, &cli->arena, &err) != 0)
		sg_err_move(sg_cli_err(cli), &err);
	else
		work(cli, &run, result);
	sg_report_close(&report);
	sg_run_close(&run);
}
