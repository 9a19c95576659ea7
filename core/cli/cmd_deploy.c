/* cmd_deploy.c - deploy and migrate: in this version both run the migrations;
 * deploy says besides what else the manifest lists. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/report.h"

/* What deploy leaves undone, as far as it was asked for. */
static struct sg_sections unrun(const struct sg_cli *cli)
{
	struct sg_sections sections = { 0, 0 };

	if (cli->options.command->id != SG_COMMAND_DEPLOY)
		return sections;
	sections = sg_render_sections(&cli->manifest);
	if (cli->options.phases != 0 && !(cli->options.phases & SG_PHASES_INDEX))
		sections.indexes = 0;
	sections.backfills = 0; /* they are run */
	return sections;
}

static void say_unrun(struct sg_sections sections)
{
	struct sg_buf text = SG_BUF_INIT;

	if (sections.indexes + sections.backfills > 0) {
		sg_render_sections_text(&text, sections);
		sg_log(SG_LOG_WARNING, "not-run", NULL, 0, "%s", text.data);
	}
	sg_buf_release(&text);
}

static void deploy(struct sg_cli *cli, struct sg_run *run, struct sg_deploy_result *result)
{
	const struct sg_options *o = &cli->options;
	struct sg_deploy_options options = {
		.migrate = { .to = o->to, .wait_seconds = sg_cli_wait_seconds(cli) },
		.migrations = o->phases == 0 || (o->phases & SG_PHASES_MIGRATE) != 0,
		.backfills = o->command->id == SG_COMMAND_DEPLOY && (o->phases == 0 || (o->phases & SG_PHASES_BACKFILL) != 0),
		.deadline_ms = o->max_minutes > 0 ? sg_clock_ms() + (int64_t)o->max_minutes * 60000 : 0,
	};
	size_t before = cli->errs.count;

	if (sg_deploy(run, &options, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("a deployment failed without saying why");
}

void sg_cmd_deploy(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_deploy_result *deployed = sg_arena_alloc(&cli->arena, sizeof *deployed); /* released with the arena */
	struct sg_migrate_result *result = &deployed->migrate;
	struct sg_run run = { 0 };
	struct sg_report report;
	struct sg_err err = SG_ERR_INIT;
	int64_t start = sg_clock_ms();

	if (sg_cli_manifest(cli, false) != 0 || (o->to != NULL && sg_cli_migration(cli, "--to", o->to) != 0))
		return;
	sg_report_open(&report, &cli->look, &cli->manifest, !o->json && !o->quiet);
	if (sg_run_open(&run, &cli->manifest, &report.observer, &cli->arena, &err) != 0) {
		sg_report_close(&report);
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	deploy(cli, &run, deployed);
	sg_report_close(&report);
	say_unrun(unrun(cli));
	cli->exit = sg_exit_worse(sg_exit_of_migrate(result, &cli->errs, o->strict, unrun(cli)), deployed->backfills.exit);
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, &run);
		sg_render_migrate_json(cli->json, result);
	} else {
		sg_render_migrate_end(&cli->out, &cli->look, result, o->to, sg_clock_ms() - start, cli->exit);
	}
	sg_run_close(&run);
}
