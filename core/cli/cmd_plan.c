/* cmd_plan.c - plan, and deploy and migrate with --dry-run: what would be done. */
#include "config.h"

#include "core/cli/cli.h"

void sg_cmd_plan(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	static const struct sg_observer nobody;
	struct sg_run run = { 0 };
	struct sg_plan *plan = sg_arena_alloc(&cli->arena, sizeof *plan); /* released with the arena */
	struct sg_graph graph;
	struct sg_err err = SG_ERR_INIT;

	if (sg_cli_manifest(cli, false) != 0 || (o->to != NULL && sg_cli_step(cli, SG_STEP_MIGRATION, "--to", o->to) != 0))
		return;
	if (sg_run_open(&run, &cli->manifest, &nobody, &cli->arena, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
		return;
	}
	if (sg_plan_make(&run, o->to, plan, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
	} else {
		cli->exit = sg_exit_of_plan(plan);
		if (o->graph != SG_GRAPH_FORM_NONE)
			sg_graph_make(&cli->manifest, plan, &cli->arena, &graph);
		if (o->json) {
			cli->json = sg_render_run_json(o->command->name, &run);
			sg_render_plan_json(cli->json, plan);
			if (o->graph != SG_GRAPH_FORM_NONE)
				sg_render_graph_json(cli->json, plan, &graph);
		} else if (o->graph == SG_GRAPH_FORM_DOT) {
			sg_render_graph_dot(&cli->out, &cli->look, &run, plan, &graph);
		} else if (o->graph == SG_GRAPH_FORM_TEXT) {
			sg_render_graph(&cli->out, &cli->look, &run, plan, &graph);
		} else {
			sg_render_plan(&cli->out, &cli->look, &run, plan);
		}
	}
	sg_run_close(&run);
}
