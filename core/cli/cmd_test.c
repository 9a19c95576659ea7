/* cmd_test.c - test: plugins on a server that is thrown away, told as TAP. A point that does not hold gives 1, whatever its cause;
 * other statuses are of what kept the test from being made. */
#include "config.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/render_tap.h"

void sg_cmd_test(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_trial *trial = sg_arena_alloc(&cli->arena, sizeof *trial);
	struct sg_trial_options options = {
		.plugins = o->paths, .plugin_count = o->path_count, .schema_from = o->schema_from, .rows = o->rows
	};

	if (o->path_count == 0) {
		struct sg_err *err = sg_cli_err(cli);

		sg_err_set(err, SG_CLASS_USAGE, "nothing was given to test");
		sg_err_hint(err, "Name the plugin's file: sgrun test PLUGIN.so. See sgrun test --help.");
		return;
	}
	if (o->manifest == NULL && o->set_count > 0) {
		struct sg_err *err = sg_cli_err(cli);

		sg_err_set(err, SG_CLASS_USAGE, "--set without a manifest");
		sg_err_hint(err, "It replaces what a manifest says: give --manifest FILE too.");
		return;
	}
	if (o->manifest != NULL) {
		if (sg_cli_manifest(cli, true) != 0)
			return;
		options.manifest = &cli->manifest;
	}
	/* TAP says how it goes; what a run would tell of each step is not wanted between its lines */
	if (!o->verbose)
		sg_log_setup(SG_LOG_WARNING, o->log_json ? SG_LOG_JSON : SG_LOG_HUMAN);
	if (sg_trial(&options, &cli->arena, trial, &cli->errs) != 0)
		return;
	if (trial->failed > 0)
		cli->exit = 1;
	if (o->json) {
		cli->json = sg_render_head_json(o->command->name, o->manifest);
		sg_render_tap_json(cli->json, trial);
	} else {
		sg_render_tap(&cli->out, trial);
	}
}
