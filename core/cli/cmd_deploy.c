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
	if (cli->options.phases != 0 && !(cli->options.phases & SG_PHASES_BACKFILL))
		sections.backfills = 0;
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

static void migrate(struct sg_cli *cli, struct sg_run *run, struct sg_migrate_result *result)
{
	struct sg_migrate_options options = { .to = cli->options.to, .wait_seconds = sg_cli_wait_seconds(cli) };
	size_t before = cli->errs.count;

	if (sg_migrate(run, &options, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("a migrate phase failed without saying why");
}

void sg_cmd_deploy(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_migrate_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
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
	migrate(cli, &run, result);
	sg_report_close(&report);
	say_unrun(unrun(cli));
	cli->exit = sg_exit_of_migrate(result, &cli->errs, o->strict, unrun(cli));
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, &run);
		sg_render_migrate_json(cli->json, result);
	} else {
		sg_render_migrate_end(&cli->out, &cli->look, result, o->to, sg_clock_ms() - start, cli->exit);
	}
	sg_run_close(&run);
}
