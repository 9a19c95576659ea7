/* backfill_81_business_language.c - the language a business writes in, from its country.
 *
 * Not from voice_language, which is what its telephone speaks and was often left as
 * the vendor had it. As with 61, an unknown country leaves NULL, which the application
 * reads as English. */
#include "countries.h"
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_81_business_language", "languages of businesses, by country",
              "business", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM business b JOIN " COUNTRIES " ON country.code = b.country_code"
	                      " WHERE b.default_language IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE business b SET default_language = country.language FROM " COUNTRIES
	                  " WHERE b.id BETWEEN $1 AND $2 AND b.default_language IS NULL AND country.code = b.country_code",
	              SG_ARGS(batch->first, batch->last));
}
