/* example_backfill.c - the backfill of sgrun-plugin(3), word for word. */
#include <sgrun/plugin.h>

SG_BACKFILL("migration_96_lead_name", "leads.name from first and last name", "leads", "id");

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM leads WHERE name IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE leads SET name = concat_ws(' ', first_name, last_name)"
	                  " WHERE id BETWEEN $1 AND $2 AND name IS NULL",
	              SG_ARGS(batch->first, batch->last));
}
