/* cmd_deploy.c - deploy and migrate: the migrations; and with deploy the indexes and backfills that are
 * ready. What an operator must not overlook, an index that is critical and is not there, comes last. */
#include "config.h"

#include "core/base/clock.h"
#include "core/cli/cli.h"
#include "core/cli/report.h"
#include "core/cli/report_index.h"

static bool has_phase(const struct sg_cli *cli, unsigned phase)
{
	if (cli->options.command->id != SG_COMMAND_DEPLOY)
		return phase == SG_PHASES_MIGRATE;
	return cli->options.phases == 0 || (cli->options.phases & phase);
}

static void run_phases(struct sg_cli *cli, struct sg_run *run, struct sg_deploy_result *result)
{
	struct sg_deploy_options options = {
		.migrate = { .to = cli->options.to, .wait_seconds = sg_cli_wait_seconds(cli) },
		.migrations = has_phase(cli, SG_PHASES_MIGRATE),
		.indexes = has_phase(cli, SG_PHASES_INDEX),
		.backfills = has_phase(cli, SG_PHASES_BACKFILL),
		.deadline_ms = sg_cli_deadline(cli),
		.jobs = cli->options.jobs,
	};
	size_t before = cli->errs.count;

	if (sg_deploy(run, &options, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("a deployment failed without saying why");
}

static void give(struct sg_cli *cli, const struct sg_run *run, const struct sg_deploy_result *result, int64_t elapsed_ms,
                 int64_t indexing_ms)
{
	const struct sg_options *o = &cli->options;
	int migrations = sg_exit_of_migrate(&result->migrate, &cli->errs, o->strict);
	int64_t filling_ms = 0;

	for (size_t i = 0; i < result->backfills.count; i++)
		filling_ms += result->backfills.items[i].result.duration_ms;
	cli->exit = sg_exit_worse(migrations, sg_exit_of_indexes(&result->indexes, &cli->errs, o->strict));
	cli->exit = sg_exit_worse(cli->exit, sg_exit_of_backfills(&result->backfills, &cli->errs, o->strict));
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, run);
		sg_render_migrate_json(cli->json, &result->migrate);
		if (has_phase(cli, SG_PHASES_INDEX))
			sg_render_indexes_json(cli->json, &result->indexes);
		if (has_phase(cli, SG_PHASES_BACKFILL))
			sg_render_backfills_json(cli->json, &result->backfills);
		return;
	}
	if (has_phase(cli, SG_PHASES_MIGRATE))
		sg_render_migrate_end(&cli->out, &cli->look, &result->migrate, o->to, elapsed_ms - filling_ms - indexing_ms,
		                      migrations);
	sg_render_indexes_end(&cli->out, &cli->look, &cli->manifest, &result->indexes, true, indexing_ms);
	sg_render_backfills_end(&cli->out, &cli->look, &cli->manifest, &result->backfills, true, filling_ms);
	sg_render_indexes_critical(&cli->out, &cli->look, &result->indexes);
}

void sg_cmd_deploy(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_deploy_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
	struct sg_run run = { 0 };
	struct sg_report report;
	struct sg_err err = SG_ERR_INIT;
	int64_t start = sg_clock_ms(), indexing_ms;
	unsigned shown = (has_phase(cli, SG_PHASES_MIGRATE) ? SG_REPORT_MIGRATIONS : 0) |
	                 (has_phase(cli, SG_PHASES_INDEX) ? SG_REPORT_INDEXES : 0) |
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
	indexing_ms = sg_report_indexing_ms(&report);
	sg_report_close(&report);
	give(cli, &run, result, sg_clock_ms() - start, indexing_ms);
	sg_run_close(&run);
}
