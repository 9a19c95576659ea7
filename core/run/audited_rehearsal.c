/* audited_rehearsal.c - the statements of a rehearsal as migrations of an audit.
 *
 * A step that was reconciled, or not reached, has none: that is said as an error of the audit at the step's section, for what
 * was not looked at must not look fine. */
#include "config.h"
#include "core/run/audited.h"

#include <string.h>

#include "core/exec/observer.h"

static void say_unseen(const struct sg_rehearsal_step *step, const char *path, struct sg_errs *errs)
{
	struct sg_err *err = sg_errs_add(errs);

	if (step->outcome == SG_OUTCOME_FAILED && step->err.class != SG_CLASS_NONE) {
		sg_err_copy(err, &step->err);
		sg_err_wrap(err, "its rehearsal failed");
	} else {
		sg_err_set(err, SG_CLASS_STATE, "its statements are not known: in the rehearsal it was %s",
		           sg_outcome_name(step->outcome));
		if (step->note != NULL)
			sg_err_detail(err, "%s", step->note);
	}
	sg_err_step(err, step->step->id);
	sg_err_at(err, path, step->step->line);
}

static void add(const struct sg_rehearsal_step *step, const char *path, struct sg_audit *audit)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_errs errs = SG_ERRS_INIT;
	struct sg_audit_migration migration = {
		.id = step->step->id, .title = step->title, .path = path, .line = step->step->line, .layout = SG_LAYOUT_MANIFEST,
		.step = step->step, .transaction = !step->outside, .count = step->statement_count, .allow = &step->step->policy.allow
	};

	migration.statements = sg_arena_array(&arena, step->statement_count, sizeof *migration.statements);
	for (size_t i = 0; i < step->statement_count; i++) {
		migration.statements[i].text = step->statements[i].text;
		migration.statements[i].length = strlen(step->statements[i].text);
		migration.statements[i].outside = step->outside;
	}
	if (step->outcome != SG_OUTCOME_APPLIED && step->outcome != SG_OUTCOME_SUPERSEDED)
		say_unseen(step, path, &errs);
	sg_audit_migration(audit, &migration, &errs);
	sg_errs_release(&errs);
	sg_arena_release(&arena);
}

/* Migrations run in the order of the manifest, and what was not reached comes last: so they stand here already. */
void sg_audit_of_rehearsal(const struct sg_rehearsal *rehearsal, struct sg_audit *audit)
{
	for (size_t i = 0; i < rehearsal->step_count; i++)
		if (rehearsal->steps[i].step->kind == SG_STEP_MIGRATION)
			add(&rehearsal->steps[i], rehearsal->manifest->path, audit);
}
