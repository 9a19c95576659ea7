/* cmd_status.c - status: what is recorded, what is left, what failed last. */
#include "config.h"

#include "core/cli/cli.h"

void sg_cmd_status(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	static const struct sg_observer nobody;
	struct sg_run run = { 0 };
	struct sg_status *status = sg_arena_alloc(&cli->arena, sizeof *status); /* released with the arena */
	struct sg_err err = SG_ERR_INIT;

	if (sg_cli_manifest(cli, false) != 0)
		return;
	if (sg_run_open(&run, &cli->manifest, &nobody, &cli->arena, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	if (sg_status_read(&run, status, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
	} else {
		cli->exit = sg_exit_of_status(sg_render_status_summary(status), o->exit_code);
		if (o->json) {
			cli->json = sg_render_head_json(o->command->name, cli->manifest.path);
			sg_render_status_json(cli->json, status);
		} else {
			sg_render_status(&cli->out, &cli->look, &run, status);
		}
	}
	sg_run_close(&run);
}
