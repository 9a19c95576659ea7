/* cli.c - from argv to the exit status: reads the command line, runs one
 * command, and gives its result. Errors are printed here and nowhere else
 * (but for a failed step's, which report.c prints under its line). */
#include "config.h"
#include "core/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/cli/version.h"

struct sg_err *sg_cli_err(struct sg_cli *cli)
{
	return sg_errs_add(&cli->errs);
}

int sg_cli_wait_seconds(const struct sg_cli *cli)
{
	return cli->options.wait_seconds >= 0 ? cli->options.wait_seconds : cli->manifest.wait_seconds;
}

int64_t sg_cli_deadline(const struct sg_cli *cli)
{
	return cli->options.max_minutes < 0 ? 0 : sg_clock_ms() + (int64_t)cli->options.max_minutes * 60000;
}

int sg_cli_manifest(struct sg_cli *cli, bool lenient)
{
	const struct sg_options *o = &cli->options;
	struct sg_override *overrides = sg_arena_array(&cli->arena, o->set_count + 1, sizeof *overrides);
	int status = 0;

	if (o->manifest == NULL) {
		struct sg_err *err = sg_cli_err(cli);

		sg_err_set(err, SG_CLASS_USAGE, "no manifest was given");
		return sg_err_hint(err, "Give --manifest FILE, or set SGRUN_MANIFEST. See sgrun --help.");
	}
	for (size_t i = 0; i < o->set_count; i++) {
		struct sg_err err = SG_ERR_INIT;

		if (sg_override_parse(o->sets[i], &cli->arena, &overrides[i], &err) != 0) {
			sg_err_move(sg_cli_err(cli), &err);
			status = -1;
		}
	}
	if (status != 0)
		return -1;
	return sg_manifest_read(o->manifest, overrides, o->set_count, lenient, &cli->arena, &cli->manifest, &cli->errs);
}

int sg_cli_step(struct sg_cli *cli, enum sg_step_kind kind, const char *option, const char *id)
{
	struct sg_err *err;

	if (sg_manifest_step(&cli->manifest, kind, id) != NULL)
		return 0;
	err = sg_cli_err(cli);
	(void)sg_manifest_no_step_err(&cli->manifest, kind, id, err);
	return sg_err_wrap(err, "%s", option);
}

static void run_command(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;

	if (o->version) {
		sg_version_text(&cli->out);
		return;
	}
	if (o->help) {
		if (o->command_given)
			sg_help_command(&cli->out, o->command);
		else
			sg_help_main(&cli->out);
		return;
	}
	switch (o->command->id) {
	case SG_COMMAND_DEPLOY:
	case SG_COMMAND_MIGRATE:
		if (o->dry_run)
			sg_cmd_plan(cli);
		else
			sg_cmd_deploy(cli);
		return;
	case SG_COMMAND_INDEX: sg_cmd_index(cli); return;
	case SG_COMMAND_BACKFILL: sg_cmd_backfill(cli); return;
	case SG_COMMAND_PLAN: sg_cmd_plan(cli); return;
	case SG_COMMAND_STATUS: sg_cmd_status(cli); return;
	case SG_COMMAND_VERIFY: sg_cmd_verify(cli); return;
	case SG_COMMAND_CHECK: sg_cmd_check(cli); return;
	case SG_COMMAND_AUDIT: sg_cmd_audit(cli); return;
	case SG_COMMAND_REHEARSE: sg_cmd_rehearse(cli); return;
	case SG_COMMAND_NEW: sg_cmd_new(cli); return;
	case SG_COMMAND_TEST: sg_cmd_test(cli); return;
	}
	SG_BUG("a command without a case");
}

static bool reads_only(const struct sg_options *o)
{
	return o->dry_run || (o->command->id != SG_COMMAND_DEPLOY && o->command->id != SG_COMMAND_MIGRATE &&
	                      o->command->id != SG_COMMAND_INDEX && o->command->id != SG_COMMAND_BACKFILL && o->adopt == NULL && o->adopt_to == NULL);
}

/* A result that nobody got is an error, but never hides what was done to the
 * database. A reader that left early (| head) has what it wants. */
static void write_out(struct sg_cli *cli, const char *text, size_t length)
{
	errno = 0;
	if (length > 0 && fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0)
		return;
	if (length == 0 || errno == EPIPE)
		return;
	sg_log(SG_LOG_ERROR, "output", NULL, 0, "the result could not be written: %s", strerror(errno));
	if (reads_only(&cli->options))
		cli->exit = sg_exit_worse(cli->exit, sg_class_exit(SG_CLASS_USAGE));
}

static void finish(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;

	cli->exit = sg_exit_worse(cli->exit, sg_exit_of_errs(&cli->errs));
	sg_log_errs(SG_LOG_ERROR, "error", &cli->errs);
	if (o->json && !o->help && !o->version) {
		struct sg_buf text = SG_BUF_INIT;
		char *dump;

		if (cli->json == NULL)
			cli->json = sg_render_head_json(o->command->name, o->manifest);
		sg_render_finish_json(cli->json, &cli->errs, cli->exit);
		/* as large as it is: half of a document is none */
		dump = sg_json_dump(cli->json, 2);
		sg_buf_init(&text, SIZE_MAX / 2);
		sg_buf_adds(&text, dump);
		sg_buf_addc(&text, '\n');
		free(dump);
		write_out(cli, text.data, text.length);
		sg_buf_release(&text);
		return;
	}
	write_out(cli, cli->out.data, cli->out.length);
}

int sg_cli_main(int argc, char **argv)
{
	struct sg_cli cli = { .arena = SG_ARENA_INIT, .errs = SG_ERRS_INIT, .out = SG_BUF_INIT };
	const struct sg_options *o = &cli.options;
	struct sg_err err = SG_ERR_INIT;

#ifndef SG_INSTRUMENTED
	/* Passwords are in our memory: no core dumps, no ptrace by the same user.
	 * (LeakSanitizer traces us to find leaks.) */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	sg_stop_install();
	if (sg_options_parse(argc, argv, getenv, &cli.arena, &cli.options, &err) != 0) {
		sg_err_move(sg_cli_err(&cli), &err);
	} else {
		sg_log_setup(o->verbose ? SG_LOG_DEBUG : o->quiet ? SG_LOG_WARNING : SG_LOG_INFO,
		             o->log_json ? SG_LOG_JSON : SG_LOG_HUMAN);
		sg_look_of_stdout(&cli.look, o->no_color, o->verbose);
		run_command(&cli);
	}
	finish(&cli);
	if (cli.json != NULL)
		sg_json_free(cli.json);
	sg_errs_release(&cli.errs);
	sg_buf_release(&cli.out);
	sg_arena_release(&cli.arena);
	return cli.exit;
}
