/* 0114_outbound_call_runs_lock_ts.c - when a worker took a campaign.
 *
 * The statement is done in a millisecond, once it has its lock. The workers,
 * though, keep a row of this table locked for as long as a campaign rings, and an
 * ALTER TABLE that waits for them stands in the queue with everyone who comes
 * later behind it: that is how adding one nullable column stopped all campaigns.
 * So sgrun does not stand in the queue. It tries for a moment, gives up, lets the
 * others through and tries again a little longer, and says for whom it waits.
 * Nothing of that has to be written here. No other migration touches this table. */
#include "crm.h"

SG_MIGRATION("0114_outbound_call_runs_lock_ts", "when a worker took a campaign");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "outbound_call_runs", "lock_ts", "timestamp with time zone");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE outbound_call_runs ADD COLUMN lock_ts timestamptz");
	return SG_OK;
}
