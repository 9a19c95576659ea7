/* cmd_deploy.c - deploy and migrate: the migrations; and with deploy the backfills that are ready,
 * and what else the manifest lists is said. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/report.h"

static bool has_phase(const struct sg_cli *cli, unsigned phase)
{
	if (cli->options.command->id != SG_COMMAND_DEPLOY)
		return phase == SG_PHASES_MIGRATE;
	return cli->options.phases == 0 || (cli->options.phases & phase);
}

/* Indexes that deploy leaves undone, as far as it was asked for them. */
static size_t unrun(const struct sg_cli *cli)
{
	return has_phase(cli, SG_PHASES_INDEX) ? sg_render_sections(&cli->manifest).indexes : 0;
}

static void say_unrun(size_t indexes)
{
	struct sg_buf text = SG_BUF_INIT;

	if (indexes > 0) {
		sg_render_unrun_text(&text, indexes);
		sg_log(SG_LOG_WARNING, "not-run", NULL, 0, "%s", text.data);
	}
	sg_buf_release(&text);
}

static void run_phases(struct sg_cli *cli, struct sg_run *run, struct sg_deploy_result *result)
{
	struct sg_deploy_options options = {
		.migrate = { .to = cli->options.to, .wait_seconds = sg_cli_wait_seconds(cli) },
		.migrations = has_phase(cli, SG_PHASES_MIGRATE),
		.backfills = has_phase(cli, SG_PHASES_BACKFILL),
		.deadline_ms = sg_cli_deadline(cli),
		.jobs = cli->options.jobs,
	};
	size_t before = cli->errs.count;

	if (sg_deploy(run, &options, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("a deployment failed without saying why");
}

static void give(struct sg_cli *cli, const struct sg_run *run, const struct sg_deploy_result *result, int64_t elapsed_ms)
{
	const struct sg_options *o = &cli->options;
	int migrations = sg_exit_of_migrate(&result->migrate, &cli->errs, o->strict, 0);
	int64_t filling_ms = 0;

	for (size_t i = 0; i < result->backfills.count; i++)
		filling_ms += result->backfills.items[i].result.duration_ms;
	cli->exit = sg_exit_of_migrate(&result->migrate, &cli->errs, o->strict, unrun(cli));
	cli->exit = sg_exit_worse(cli->exit, sg_exit_of_backfills(&result->backfills, &cli->errs, o->strict));
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, run);
		sg_render_migrate_json(cli->json, &result->migrate);
		if (has_phase(cli, SG_PHASES_BACKFILL))
			sg_render_backfills_json(cli->json, &result->backfills);
		return;
	}
	if (has_phase(cli, SG_PHASES_MIGRATE))
		sg_render_migrate_end(&cli->out, &cli->look, &result->migrate, o->to, elapsed_ms - filling_ms, migrations);
	sg_render_backfills_end(&cli->out, &cli->look, &cli->manifest, &result->backfills, true, filling_ms);
}

void sg_cmd_deploy(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_deploy_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
	struct sg_run run = { 0 };
	struct sg_report report;
	struct sg_err err = SG_ERR_INIT;
	int64_t start = sg_clock_ms();
	unsigned shown = (has_phase(cli, SG_PHASES_MIGRATE) ? SG_REPORT_MIGRATIONS : 0) |
	                 (has_phase(cli, SG_PHASES_BACKFILL) ? SG_REPORT_BACKFILLS : 0);

	if (sg_cli_manifest(cli, false) != 0 || (o->to != NULL && sg_cli_step(cli, SG_STEP_MIGRATION, "--to", o->to) != 0))
		return;
	sg_report_open(&report, &cli->look, &cli->manifest, shown, !o->json && !o->quiet);
	if (sg_run_open(&run, &cli->manifest, &report.observer, &cli->arena, &err) != 0) {
		sg_report_close(&report);
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	run_phases(cli, &run, result);
	sg_report_close(&report);
	say_unrun(unrun(cli));
	give(cli, &run, result, sg_clock_ms() - start);
	sg_run_close(&run);
}
