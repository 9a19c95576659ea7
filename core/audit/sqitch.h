/* sqitch.h - the order of a sqitch project's changes: sqitch.plan (sqitchtutorial, sqitch-plan "Format"). */
#ifndef SG_AUDIT_SQITCH_H
#define SG_AUDIT_SQITCH_H

#include "core/audit/folder.h"
#include "core/audit/layout.h"

#define SG_SQITCH_PLAN "sqitch.plan"

/* The project's folders: below the plan's, or below top_dir of the sqitch.conf beside it. */
struct sg_sqitch_folders {
	const char *deploy, *revert, *verify;
};

/* Adds the deploy scripts of the plan in that folder, in its order. A change that was reworked is there several times: the older
 * script is deploy/NAME@TAG.sql. A script that the plan names and that is missing is an error with the plan's line. What lies in deploy/
 * and is not in the plan is not run, and counted in files->other; revert/ counts in files->down, verify/ in files->other: who
 * searches the tree passes these folders over. */
void sg_sqitch_find(const struct sg_folder *folder, struct sg_arena *arena, struct sg_audit_files *files, struct sg_errs *errs,
                    struct sg_sqitch_folders *folders_r);

#endif
