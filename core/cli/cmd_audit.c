/* cmd_audit.c - audit: of files and folders, or of what a manifest's plugins send, by a rehearsal or by the journal. Whatever
 * cannot be read is in the report; the command itself fails only for a path that is not there, a wrong manifest or no server. */
#include "config.h"

#include <stdlib.h>

#include "core/audit/script.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/cli/cli.h"
#include "core/cli/findings.h"
#include "core/cli/render_audit.h"
#include "core/cli/render_html.h"
#include "core/run/audited.h"
#include "core/run/rehearse.h"
#include "core/sql/parse.h"

#define HOT_MOST 50 /* tables that a sample may name */

struct audit {
	struct sg_cli *cli;
	struct sg_audit_options options;
	struct sg_audit_about about;
	struct sg_audit_result *result;
};

static int stopped(struct sg_cli *cli)
{
	return sg_stop_count() == 0 ? 0 : sg_stop_err(sg_cli_err(cli));
}

/* ---- which rules, which tables are hot --------------------------------------------- */

static void choose_version(struct audit *audit, int of_server)
{
	audit->options.server_version = atoi(sg_parse_grammar());
	audit->about.version_of = "the grammar's; --server-version N takes another";
	if (of_server > 0) {
		audit->options.server_version = of_server;
		audit->about.version_of = "the server's";
	}
	if (audit->cli->options.server_version > 0) {
		audit->options.server_version = audit->cli->options.server_version;
		audit->about.version_of = "as asked for";
	}
}

static int choose_hot(struct audit *audit, struct sg_run *run, struct sg_err *err)
{
	struct sg_cli *cli = audit->cli;
	const struct sg_options *o = &cli->options;
	const struct sg_list *named = &cli->manifest.hot_tables;

	if (o->sample_seconds > 0) {
		sg_log(SG_LOG_INFO, "sample", NULL, 0, "measuring for %d s which tables are written most", o->sample_seconds);
		if (sg_hot_tables(run, o->sample_seconds, HOT_MOST, &audit->options.hot_tables, &audit->options.hot_count, err) != 0)
			return -1;
		audit->about.hot = SG_HOT_MEASURED;
		audit->about.sample_seconds = o->sample_seconds;
	} else if (o->hot_count > 0) {
		audit->options.hot_tables = o->hot_tables;
		audit->options.hot_count = o->hot_count;
		audit->about.hot = SG_HOT_OPTION;
	} else if (named->count > 0) {
		audit->options.hot_tables = named->items;
		audit->options.hot_count = named->count;
		audit->about.hot = SG_HOT_MANIFEST;
	}
	audit->options.hot_known = audit->about.hot != SG_HOT_UNKNOWN;
	return 0;
}

/* ---- where the statements are ------------------------------------------------------- */

static int find_files(struct audit *audit, struct sg_audit_files *files, struct sg_errs *errs)
{
	struct sg_cli *cli = audit->cli;
	const struct sg_options *o = &cli->options;
	int status = 0;

	for (size_t i = 0; i < o->path_count; i++) {
		size_t before = errs->count;

		if (sg_audit_files_find(o->paths[i], &cli->arena, files, errs) == 0)
			continue;
		/* it was named: a CI that audits nothing must not be green */
		for (size_t k = before; k < errs->count; k++) {
			errs->list[k].class = SG_CLASS_USAGE;
			sg_err_move(sg_cli_err(cli), &errs->list[k]);
		}
		errs->count = before;
		status = -1;
	}
	return status;
}

static int read_files(struct audit *audit)
{
	struct sg_cli *cli = audit->cli;
	struct sg_audit_files files = { 0 };
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_audit *work;
	int status = find_files(audit, &files, &errs);

	if (status != 0) {
		sg_errs_release(&errs);
		return -1;
	}
	work = sg_audit_begin(&audit->options, &cli->arena);
	for (size_t i = 0; i < files.count && stopped(cli) == 0; i++) {
		struct sg_arena arena = SG_ARENA_INIT;
		struct sg_audit_migration migration = { 0 };

		/* what finding the files has said goes with the first of them */
		if (sg_audit_script_read(&files.list[i], &arena, &migration, &errs) == 0)
			sg_audit_migration(work, &migration, &errs);
		sg_arena_release(&arena);
	}
	sg_audit_unread(work, &errs);
	audit->result = sg_audit_end(work);
	audit->result->down = files.down;
	audit->result->other = files.other;
	return sg_stop_count() > 0 ? -1 : 0;
}

/* An audit of half of a manifest must not be green. */
static void take_failures(struct sg_cli *cli, const struct sg_rehearsal *rehearsal)
{
	for (size_t i = 0; i < rehearsal->step_count; i++)
		if (rehearsal->steps[i].outcome == SG_OUTCOME_FAILED)
			sg_err_copy(sg_cli_err(cli), &rehearsal->steps[i].err);
}

static int rehearse(struct audit *audit)
{
	static const struct sg_observer nobody;
	struct sg_cli *cli = audit->cli;
	struct sg_rehearse_options options = { .statements_only = true };
	struct sg_rehearsal *rehearsal = sg_arena_alloc(&cli->arena, sizeof *rehearsal); /* released with the arena */
	struct sg_audit *work;

	if (sg_rehearse(&cli->manifest, &nobody, &options, &cli->arena, rehearsal, &cli->errs) != 0)
		return -1;
	choose_version(audit, rehearsal->server_version);
	work = sg_audit_begin(&audit->options, &cli->arena);
	sg_audit_of_rehearsal(&cli->manifest, rehearsal, work);
	sg_audit_unrehearsed(&cli->manifest, rehearsal, work);
	audit->result = sg_audit_end(work);
	take_failures(cli, rehearsal);
	return stopped(cli);
}

static int read_ledger(struct audit *audit, struct sg_run *run, struct sg_err *err)
{
	struct sg_audit *work = sg_audit_begin(&audit->options, &audit->cli->arena);
	int status = sg_audit_of_ledger(run, work, err);

	audit->result = sg_audit_end(work);
	return status;
}

/* ---- the command --------------------------------------------------------------------- */

static int work_with_server(struct audit *audit)
{
	static const struct sg_observer nobody;
	struct sg_cli *cli = audit->cli;
	struct sg_err err = SG_ERR_INIT;
	struct sg_run run = { 0 };
	int version = 0, status = -1;

	if (sg_run_open(&run, &cli->manifest, &nobody, &cli->arena, &err) == 0 && sg_audited_server(&run, &version, &err) == 0 &&
	    choose_hot(audit, &run, &err) == 0) {
		choose_version(audit, version);
		status = audit->about.source == SG_AUDIT_LEDGER ? read_ledger(audit, &run, &err) : 0;
	}
	if (status != 0)
		sg_err_move(sg_cli_err(cli), &err);
	sg_run_close(&run);
	return status;
}

static int work(struct audit *audit)
{
	struct sg_cli *cli = audit->cli;
	struct sg_err err = SG_ERR_INIT;

	choose_version(audit, 0);
	if (cli->options.from_ledger || cli->options.sample_seconds > 0) {
		if (work_with_server(audit) != 0)
			return -1;
	} else if (choose_hot(audit, NULL, &err) != 0) {
		SG_BUG("named tables cannot fail");
	}
	switch (audit->about.source) {
	case SG_AUDIT_FILES: return read_files(audit);
	case SG_AUDIT_REHEARSAL: return rehearse(audit);
	case SG_AUDIT_LEDGER: break;
	}
	return 0;
}

static int read_manifest(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	bool server = o->from_ledger || o->sample_seconds > 0;

	if (o->manifest == NULL && o->path_count > 0) {
		cli->manifest.small_rows = 100;
		return 0;
	}
	if (o->manifest == NULL) {
		struct sg_err *err = sg_cli_err(cli);

		sg_err_set(err, SG_CLASS_USAGE, "nothing was given to audit");
		return sg_err_hint(err, "Give files or folders of SQL migrations, or --manifest FILE for its plugins. See sgrun audit --help.");
	}
	return sg_cli_manifest(cli, !server);
}

void sg_cmd_audit(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct audit audit = { .cli = cli };

	if (read_manifest(cli) != 0)
		return;
	audit.options.small_rows = cli->manifest.small_rows;
	if (o->manifest != NULL) {
		audit.options.allow = &cli->manifest.policy.allow;
		audit.options.manifest = audit.about.manifest = &cli->manifest;
		sg_findings_check_allow(&cli->manifest);
	}
	audit.about.source = o->path_count > 0 ? SG_AUDIT_FILES : o->from_ledger ? SG_AUDIT_LEDGER : SG_AUDIT_REHEARSAL;
	audit.about.paths = o->paths;
	audit.about.path_count = o->path_count;
	audit.about.options = &audit.options;
	audit.about.baseline = o->baseline;
	if (sg_findings_baseline(cli, &audit.options) != 0 || work(&audit) != 0)
		return;
	sg_findings_judge(cli, &audit.about, audit.result, 0);
	if (o->json) {
		cli->json = sg_render_head_json(o->command->name, o->manifest);
		sg_render_audit_json(cli->json, &audit.about, audit.result);
	} else if (o->html) {
		sg_render_audit_html(&cli->out, &audit.about, audit.result);
	} else {
		sg_render_audit(&cli->out, &audit.about, audit.result);
	}
}
