/* dedupe_whatsapp_message.c - one row a WhatsApp message of a business.
 *
 * Within a business: the provider's sandbox gives everybody the same id, and those
 * are different messages. The lowest id stays; NULL and '' are no ids. How it looks for
 * the other one, and why its batches are large, is said in
 * dedupe_messages_provider_msg_id.c. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("dedupe_whatsapp_message", "WhatsApp messages that came twice",
              "whatsapp_message", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM whatsapp_message WHERE provider_message_id <> ''"
	                      " GROUP BY business_id, provider_message_id HAVING count(*) > 1", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "DELETE FROM whatsapp_message w USING"
	                  " (SELECT o.business_id, o.provider_message_id, min(o.id) AS keep FROM whatsapp_message o"
	                  "   WHERE o.id <= $2 AND (o.business_id, o.provider_message_id) IN"
	                  "    (SELECT i.business_id, i.provider_message_id FROM whatsapp_message i"
	                  "     WHERE i.id BETWEEN $1 AND $2 AND i.provider_message_id <> '')"
	                  "   GROUP BY o.business_id, o.provider_message_id) d"
	                  " WHERE w.id BETWEEN $1 AND $2 AND w.business_id = d.business_id"
	                  " AND w.provider_message_id = d.provider_message_id AND w.id > d.keep",
	              SG_ARGS(batch->first, batch->last));
}
