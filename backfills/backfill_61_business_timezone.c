/* backfill_61_business_timezone.c - the time zone of a business, from its country.
 *
 * The twenty that were filled in by hand, the night 0061 tells of, stay as they are:
 * whoever got up at 4 a.m. knew better than a table of countries. Repeatable: only
 * NULL is filled in, and only where the country is known; the others are no work
 * that is left, or this could never be complete. */
#include "countries.h"
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_61_business_timezone", "time zones of businesses, by country",
              "business", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM business b JOIN " COUNTRIES " ON country.code = b.country_code"
	                      " WHERE b.timezone IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE business b SET timezone = country.timezone FROM " COUNTRIES
	                  " WHERE b.id BETWEEN $1 AND $2 AND b.timezone IS NULL AND country.code = b.country_code",
	              SG_ARGS(batch->first, batch->last));
}
