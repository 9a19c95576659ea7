/* finding.c - the errors of what a look found where nothing is built: for the builder, and for
 * whoever only looks. One wording for both. */
#include "config.h"
#include "core/index/build.h"

int sg_index_drift_err(const struct sg_run *run, const struct sg_index_definition *definition, const struct sg_index_look *look,
                       struct sg_err *err)
{
	bool taken = look->index_oid == 0; /* by what is no index, or one of another table */

	if (taken)
		sg_err_set(err, SG_CLASS_VERIFY, "the name %s is taken by something else; nothing was changed", definition->name);
	else
		sg_err_set(err, SG_CLASS_VERIFY, "index %s is valid, but not what the manifest says; nothing was changed", definition->name);
	sg_err_detail(err, "is: %s\nwanted: %s", look->is != NULL ? look->is : "?", look->wanted != NULL ? look->wanted : "?");
	if (taken)
		sg_err_hint(err, "Give the index of this section another name.");
	else
		sg_err_hint(err, "Make the section say what is there; or give the wanted one another name, and drop the old one when it is not needed any more.");
	sg_err_step(err, definition->step->id);
	return sg_err_at(err, run->manifest->path, definition->step->line);
}

int sg_index_no_table_err(const struct sg_run *run, const struct sg_index_definition *definition, struct sg_err *err)
{
	const char *migration = definition->step->migration;

	sg_err_set(err, SG_CLASS_SQL, "table %s does not exist", definition->relation);
	sg_err_sqlstate(err, "42P01");
	if (migration != NULL)
		sg_err_hint(err, "The section says that migration %s comes first, and it is recorded: does that one make the table, and in this schema?",
		            migration);
	else
		sg_err_hint(err, "Name the migration that makes it (migration = ID), so that the index waits for it; or correct table.");
	sg_err_step(err, definition->step->id);
	return sg_err_at(err, run->manifest->path, definition->step->line);
}
