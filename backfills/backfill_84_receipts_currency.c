/* backfill_84_receipts_currency.c - currency, tax rate and net amount of old receipts.
 *
 * All from the country of the receipt's business; amount includes the tax. The rate is
 * that of the day on which the receipt was issued: Israel's rose to 18 % on
 * 1 January 2025, and a receipt of 2024 says 17 for ever. Drafts have no such day yet, so
 * the day they were made counts.
 *
 * Repeatable: currency is written with the other two and is NULL until then. A
 * receipt whose business has no known country stays as it is. */
#include "countries.h"
#include <sgrun/plugin.h>

SG_BACKFILL_X("migration_84_receipts_currency", "currency and tax of old receipts",
              "receipts", "id", SG_REPEATABLE);

#define RATE                                                                                           \
	"CASE WHEN country.code = 'IL' AND coalesce(r.issued_at, r.created_at) >= '2025-01-01' THEN 18.00" \
	" ELSE country.vat END"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM receipts r JOIN business b ON b.id = r.business_id"
	                      " JOIN " COUNTRIES " ON country.code = b.country_code WHERE r.currency IS NULL", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "UPDATE receipts r SET currency = country.currency, vat_rate = " RATE ","
	                  " net_amount = round(r.amount / (1 + (" RATE ") / 100), 2)"
	                  " FROM business b JOIN " COUNTRIES " ON country.code = b.country_code"
	                  " WHERE r.id BETWEEN $1 AND $2 AND r.currency IS NULL AND b.id = r.business_id",
	              SG_ARGS(batch->first, batch->last));
}
