/* cmd_verify.c - verify: do the fingerprints of what is recorded still hold?
 * And --adopt, --adopt-to: record what was done by other means. */
#include "config.h"

#include "core/cli/cli.h"
#include "core/cli/report.h"

static int verify(struct sg_cli *cli, struct sg_run *run, struct sg_verify_result *result, struct sg_err *err)
{
	const struct sg_options *o = &cli->options;

	if (o->adopt != NULL)
		return sg_verify_adopt(run, o->adopt, sg_cli_wait_seconds(cli), result, err);
	if (o->adopt_to != NULL)
		return sg_verify_adopt_to(run, o->adopt_to, o->reason, sg_cli_wait_seconds(cli), result, err);
	return sg_verify(run, result, err);
}

void sg_cmd_verify(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	static const struct sg_observer nobody;
	struct sg_verify_result *result = sg_arena_alloc(&cli->arena, sizeof *result); /* released with the arena */
	struct sg_run run = { 0 };
	struct sg_err err = SG_ERR_INIT;

	if (sg_cli_manifest(cli, false) != 0 || (o->adopt != NULL && sg_cli_step(cli, SG_STEP_MIGRATION, "--adopt", o->adopt) != 0) ||
	    (o->adopt_to != NULL && sg_cli_step(cli, SG_STEP_MIGRATION, "--adopt-to", o->adopt_to) != 0))
		return;
	if (sg_run_open(&run, &cli->manifest, &nobody, &cli->arena, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	if (verify(cli, &run, result, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
	} else {
		cli->exit = result->exit;
		if (o->json) {
			cli->json = sg_render_run_json(o->command->name, &run);
			sg_render_verify_json(cli->json, result);
		} else {
			sg_render_verify(&cli->out, &cli->look, result, o->adopt != NULL || o->adopt_to != NULL, cli->exit);
		}
	}
	sg_run_close(&run);
}
