/* 0113_unique_run_lead.c - a campaign calls a lead once.
 *
 * The fingerprint asks for table AND constraint. Names of constraints are not
 * unique: archive.outbound_call_jobs has a unique_run_lead, too, and a version of
 * this that looked for the name alone in pg_constraint found that one, said
 * "done", and campaigns went on calling people twice.
 *
 * A UNIQUE constraint builds its index here and now, under a lock that stops the
 * table's readers. It may, since the table is small and is worked by one
 * service. On a large one: a unique index in the manifest, which is built
 * concurrently, and then ADD CONSTRAINT … UNIQUE USING INDEX with
 * `requires = index:NAME`. Duplicates would make it fail (23505: that is data,
 * and no retry helps); removing them is a backfill's work, before this. So the
 * manifest says `requires = backfill:clean_outbound_call_jobs`. */
#include "crm.h"

SG_MIGRATION("0113_unique_run_lead", "one call of a lead in each campaign");

int fingerprint(sg_ctx *sg)
{
	return sg_constraint_exists(sg, "outbound_call_jobs", "unique_run_lead")
		&& constraint_says(sg, "outbound_call_jobs", "unique_run_lead", "UNIQUE (run_id, lead_id)");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE outbound_call_jobs ADD CONSTRAINT unique_run_lead UNIQUE (run_id, lead_id)");
	return SG_OK;
}
