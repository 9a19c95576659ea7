/* cli.h - what the commands work with: one struct from main() to the exit status. */
#ifndef SG_CLI_H
#define SG_CLI_H

#include "core/base/arena.h"
#include "core/cli/exits.h"
#include "core/cli/look.h"
#include "core/cli/options.h"
#include "core/cli/render.h"
#include "core/manifest/manifest.h"
#include "core/run/run.h"

struct sg_cli {
	struct sg_arena arena; /* the run's */
	struct sg_options options;
	struct sg_look look;
	struct sg_manifest manifest;
	struct sg_errs errs;   /* what concerns no single step; logged and given as JSON at the end */
	struct sg_buf out;     /* the result for people, written at the end */
	struct sg_json *json;  /* the result with --json, but for errors and exit; or NULL */
	int exit;              /* from the result; that of errs is added at the end */
};

/* All of main(). */
int sg_cli_main(int argc, char **argv);

/* The commands. Each reads what it needs, acts, and leaves result and exit in
 * cli; errors in cli->errs. */
void sg_cmd_deploy(struct sg_cli *cli); /* and migrate */
void sg_cmd_index(struct sg_cli *cli);
void sg_cmd_backfill(struct sg_cli *cli);
void sg_cmd_plan(struct sg_cli *cli);   /* and --dry-run */
void sg_cmd_status(struct sg_cli *cli);
void sg_cmd_verify(struct sg_cli *cli);
void sg_cmd_check(struct sg_cli *cli);
void sg_cmd_new(struct sg_cli *cli);
void sg_cmd_audit(struct sg_cli *cli);
void sg_cmd_rehearse(struct sg_cli *cli);
void sg_cmd_test(struct sg_cli *cli);

/* For the commands: reads the manifest with --set on top; lenient as in
 * sg_manifest_read. */
SG_MUST_CHECK int sg_cli_manifest(struct sg_cli *cli, bool lenient);
/* An ID from the command line must be a step of that kind of the manifest. */
SG_MUST_CHECK int sg_cli_step(struct sg_cli *cli, enum sg_step_kind kind, const char *option, const char *id);
/* A new error of cli->errs. */
struct sg_err *sg_cli_err(struct sg_cli *cli);
/* --wait, else the manifest's wait_seconds. */
int sg_cli_wait_seconds(const struct sg_cli *cli);
/* --max-minutes from now on, as sg_clock_ms says it; 0: not given. */
int64_t sg_cli_deadline(const struct sg_cli *cli);

#endif
