/* cmd_backfill.c - backfill: runs those that are ready; or, with --pause, --resume, --retry,
 * --again, asks something of one, which whoever runs it hears of from the state tables. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/cli/cli.h"
#include "core/cli/report.h"

static enum sg_backfill_ask asked(enum sg_flag_id flag)
{
	switch (flag) {
	case SG_FLAG_PAUSE: return SG_BACKFILL_ASK_PAUSE;
	case SG_FLAG_RESUME: return SG_BACKFILL_ASK_RESUME;
	case SG_FLAG_RETRY: return SG_BACKFILL_ASK_RETRY;
	case SG_FLAG_AGAIN: return SG_BACKFILL_ASK_AGAIN;
	default: SG_BUG("an option that asks nothing of a backfill");
	}
}

static void ask(struct sg_cli *cli, struct sg_run *run)
{
	const struct sg_options *o = &cli->options;
	struct sg_err err = SG_ERR_INIT;
	const char *text = NULL;

	if (sg_backfills_ask(run, asked(o->ask), o->ask_key, &text, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, run);
		sg_json_set_text(cli->json, "key", o->ask_key);
		sg_json_set_text(cli->json, "asked", sg_flags()[o->ask].name + strlen("--"));
		sg_json_set_text(cli->json, "text", text);
	} else {
		sg_look_add(&cli->out, &cli->look, SG_TONE_PLAIN, text);
		sg_buf_addc(&cli->out, '\n');
	}
}

static void work(struct sg_cli *cli, struct sg_run *run, struct sg_backfills_result *result)
{
	const struct sg_options *o = &cli->options;
	struct sg_backfills_options options = { .only = o->only, .jobs = o->jobs, .deadline_ms = sg_cli_deadline(cli) };
	size_t before = cli->errs.count;
	int64_t start = sg_clock_ms();

	if (sg_backfills_run(run, &options, NULL, result, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("backfills failed without saying why");
	cli->exit = sg_exit_of_backfills(result, &cli->errs, o->strict);
	if (o->json) {
		cli->json = sg_render_run_json(o->command->name, run);
		sg_render_backfills_json(cli->json, result);
	} else if (cli->errs.count == before || result->count > 0) {
		sg_render_backfills_end(&cli->out, &cli->look, &cli->manifest, result, false, sg_clock_ms() - start);
	}
}

void sg_cmd_backfill(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_backfills_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
	struct sg_run run = { 0 };
	struct sg_report report;
	struct sg_err err = SG_ERR_INIT;

	/* one that the manifest has no longer can still be paused */
	if (sg_cli_manifest(cli, false) != 0 || (o->only != NULL && sg_cli_step(cli, SG_STEP_BACKFILL, "--only", o->only) != 0))
		return;
	sg_report_open(&report, &cli->look, &cli->manifest, SG_REPORT_BACKFILLS, !o->json && !o->quiet);
	if (sg_run_open(&run, &cli->manifest, &report.observer, &cli->arena, &err) != 0)
		sg_err_move(sg_cli_err(cli), &err);
	else if (o->ask_key != NULL)
		ask(cli, &run);
	else
		work(cli, &run, result);
	sg_report_close(&report);
	sg_run_close(&run);
}
