/* dedupe_messages_provider_msg_id.c - one row a message that a webhook brought twice.
 *
 * The lowest id stays. NULL (never sent) and '' (an old gateway) are no ids, and
 * no duplicates of each other.
 *
 * Where the other one is, nobody knows: it has to be looked for in all of messages, and
 * there is no index on provider_msg_id (the unique one comes after this). An EXISTS
 * for each row would make the server hash the whole table in every batch. So the
 * statement goes the other way round: the batch's ids are the small side, kept in memory;
 * the table, up to the batch's end, is read past them once; what matches is grouped to
 * its lowest id. That is one scan a batch, whatever the size of the batch: hence a
 * large fixed batch_size in the manifest, since `auto` would make batches smaller to
 * be quick, and get more scans. With an index on provider_msg_id the planner turns the
 * same statement into lookups, once the table is so large that these are cheaper.
 *
 * Drain mode could group the whole table once a batch, but could not share the work
 * among lanes. Repeatable: a row that is gone is left out by itself. */
#include <sgrun/plugin.h>

SG_BACKFILL_X("dedupe_messages_provider_msg_id", "messages that a webhook brought twice",
              "messages", "id", SG_REPEATABLE);

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM messages WHERE provider_msg_id <> ''"
	                      " GROUP BY provider_msg_id HAVING count(*) > 1", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	return sg_dml(sg, "DELETE FROM messages m USING"
	                  " (SELECT o.provider_msg_id, min(o.id) AS keep FROM messages o"
	                  "   WHERE o.id <= $2 AND o.provider_msg_id IN (SELECT i.provider_msg_id FROM messages i"
	                  "    WHERE i.id BETWEEN $1 AND $2 AND i.provider_msg_id <> '')"
	                  "   GROUP BY o.provider_msg_id) d"
	                  " WHERE m.id BETWEEN $1 AND $2 AND m.provider_msg_id = d.provider_msg_id AND m.id > d.keep",
	              SG_ARGS(batch->first, batch->last));
}
