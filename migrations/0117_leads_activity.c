/* 0117_leads_activity.c - when something last happened with a lead.
 *
 * The dashboard asked four tables for the latest event of each lead. From now on
 * the lead knows: the application writes last_activity_at, and the backfill of
 * 117 computes it once for the old leads from messages, calls and appointments.
 * do_not_contact starts as false, a constant; it is NOT NULL, because a lead for
 * whom nobody knows may not be called either.
 *
 * Three tables in one transaction, the busiest last (see 0096). */
#include "crm.h"

SG_MIGRATION("0117_leads_activity", "last activity of leads, do not contact");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "appointments", "cancelled_reason", "text")
		&& column_is(sg, "messages", "read_at", "timestamp with time zone")
		&& column_is(sg, "leads", "last_activity_at", "timestamp with time zone")
		&& column_is(sg, "leads", "do_not_contact", "boolean")
		&& column_not_null(sg, "leads", "do_not_contact");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE appointments ADD COLUMN cancelled_reason text");
	sg_ddl(sg, "ALTER TABLE messages ADD COLUMN read_at timestamptz");
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN do_not_contact boolean NOT NULL DEFAULT false");
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN last_activity_at timestamptz");
	return SG_OK;
}
