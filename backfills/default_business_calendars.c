/* default_business_calendars.c - a first calendar for each business (0115).
 *
 * In the business's time zone, so the manifest has it wait for backfill 61: a calendar
 * in the wrong zone books people for the wrong hour, which is worse than none. It
 * walks business and writes another table, hence `also_writes`.
 *
 * Repeatable: a business that has a calendar is left out. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("default_business_calendars", "a first calendar for each business",
              "business", "id", SG_REPEATABLE);

#define LEFT_TO_DO "NOT EXISTS (SELECT 1 FROM business_calendars c WHERE c.business_id = b.id)"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM business b WHERE " LEFT_TO_DO, SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "INSERT INTO business_calendars (business_id, name, timezone)"
	                  " SELECT b.id, b.name, b.timezone FROM business b WHERE b.id BETWEEN $1 AND $2 AND " LEFT_TO_DO
	                  " ORDER BY b.id",
	              SG_ARGS(batch->first, batch->last));
}
