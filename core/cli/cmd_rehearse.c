/* cmd_rehearse.c - rehearse: the whole manifest on a server that is thrown away, and what an audit says of its statements. A step that
 * fails gives the exit status that it would give in a deploy; what is found gives none, but for --fail-on. */
#include "config.h"

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/cli/cli.h"
#include "core/cli/findings.h"
#include "core/cli/render_html.h"
#include "core/run/audited.h"
#include "core/run/rehearse.h"

/* ---- while it runs: a line a step in the log, for the report comes at the end ---- */

static void say_started(void *context, const struct sg_step *step, size_t number, size_t total)
{
	(void)context;
	sg_log(SG_LOG_INFO, "rehearse", step->id, 0, "%s %zu of %zu", sg_step_kind_name(step->kind), number, total);
}

static const struct sg_observer teller = { .started = say_started, .fill_started = say_started, .index_started = say_started };

/* ---- what it comes to ---- */

static size_t judge_steps(struct sg_cli *cli, const struct sg_rehearsal *rehearsal)
{
	size_t failed = 0;

	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		/* as in a deploy */
		if (step->outcome == SG_OUTCOME_WAITING && step->step->kind == SG_STEP_MIGRATION && !step->step->policy.waiting_allow)
			cli->exit = sg_exit_worse(cli->exit, SG_EXIT_LEFT);
		if (step->outcome != SG_OUTCOME_FAILED)
			continue;
		failed++;
		cli->exit = sg_exit_worse(cli->exit, sg_class_exit(step->err.class == SG_CLASS_NONE ? SG_CLASS_FAILED : step->err.class));
	}
	return failed;
}

static void give(struct sg_cli *cli, struct sg_rehearsal *rehearsal, struct sg_audit_options *options)
{
	struct sg_audit_about about = { .source = SG_AUDIT_REHEARSAL, .manifest = &cli->manifest, .options = options,
		                        .version_of = "the server's", .baseline = cli->options.baseline, .rehearsal = rehearsal };
	struct sg_audit *audit = sg_audit_begin(options, &cli->arena);
	struct sg_audit_result *result;

	if (options->hot_count > 0)
		about.hot = SG_HOT_MANIFEST;
	sg_audit_of_rehearsal(&cli->manifest, rehearsal, audit);
	result = sg_audit_end(audit);
	sg_audit_measure(rehearsal, result);
	sg_findings_judge(cli, &about, result, judge_steps(cli, rehearsal));
	if (cli->options.json) {
		cli->json = sg_render_head_json(cli->options.command->name, cli->manifest.path);
		sg_render_rehearsal_json(cli->json, &about, rehearsal, result);
	} else if (cli->options.html) {
		sg_render_rehearsal_html(&cli->out, &about, rehearsal, result);
	} else {
		sg_render_rehearsal(&cli->out, &about, rehearsal, result);
	}
}

void sg_cmd_rehearse(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_rehearse_options how = { .schema_from = o->schema_from, .rows = o->rows > 0 ? o->rows : 0 };
	struct sg_rehearsal *rehearsal = sg_arena_alloc(&cli->arena, sizeof *rehearsal); /* released with the arena */
	struct sg_audit_options options = { 0 };

	/* the manifest's server is never spoken to: what only it needs may be missing */
	if (sg_cli_manifest(cli, true) != 0 || sg_findings_baseline(cli, &options) != 0)
		return;
	sg_findings_check_allow(&cli->manifest);
	if (sg_rehearse(&cli->manifest, &teller, &how, &cli->arena, rehearsal, &cli->errs) != 0)
		return;
	if (sg_stop_count() > 0) {
		(void)sg_stop_err(sg_cli_err(cli));
		return;
	}
	options.server_version = rehearsal->server_version;
	options.small_rows = cli->manifest.small_rows;
	options.allow = &cli->manifest.policy.allow;
	options.manifest = &cli->manifest;
	options.hot_tables = cli->manifest.hot_tables.items;
	options.hot_count = cli->manifest.hot_tables.count;
	options.hot_known = options.hot_count > 0;
	give(cli, rehearsal, &options);
}
