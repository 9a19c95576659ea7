/* seed_business_contact_channels.c - a first contact channel for each business without any.
 *
 * Its telephone number, or its owner's address where it has none; a business with
 * neither is no work that is left. It walks business and writes another table, hence
 * `also_writes` in the manifest.
 *
 * Repeatable: a business that has a channel is left out, whoever entered it. If
 * somebody enters the very same one while a batch runs, ON CONFLICT lets theirs be. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("seed_business_contact_channels", "a contact channel for each business",
              "business", "id", SG_REPEATABLE);

#define LEFT_TO_DO                                    \
	"coalesce(nullif(btrim(b.phone), ''), nullif(btrim(b.owner_email), '')) IS NOT NULL" \
	" AND NOT EXISTS (SELECT 1 FROM business_contact_channels c WHERE c.business_id = b.id)"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM business b WHERE " LEFT_TO_DO, SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "INSERT INTO business_contact_channels (business_id, kind, address, is_default)"
	                  " SELECT b.id, CASE WHEN btrim(b.phone) <> '' THEN 'phone' ELSE 'email' END,"
	                  " coalesce(nullif(btrim(b.phone), ''), btrim(b.owner_email)), true"
	                  " FROM business b WHERE b.id BETWEEN $1 AND $2 AND " LEFT_TO_DO
	                  " ON CONFLICT DO NOTHING",
	              SG_ARGS(batch->first, batch->last));
}
