/* 0096_lead_name.c - one name for a lead, and the WhatsApp prompt.
 *
 * leads.name will replace first_name and last_name, which are missing in every
 * way there is. It is nullable and without default: NULL is how the backfill
 * migration_96_lead_name finds the rows that are left to do. The UPDATE once
 * stood here, over a table that everybody writes to, and the deployment that
 * waited for it was rolled back by a load balancer's time-out.
 *
 * Two tables in one transaction: each lock is held until COMMIT. So the quiet
 * table comes first and leads, the busiest we have, comes last. */
#include "crm.h"

SG_MIGRATION("0096_lead_name", "lead names and the WhatsApp prompt");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "business", "whatsapp_system_prompt", "text")
		&& column_is(sg, "business", "whatsapp_enabled", "boolean")
		&& column_not_null(sg, "business", "whatsapp_enabled")
		&& column_is(sg, "leads", "preferred_channel", "character varying(20)")
		&& column_is(sg, "leads", "name", "character varying(255)");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN whatsapp_system_prompt text");
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN whatsapp_enabled boolean NOT NULL DEFAULT false");
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN preferred_channel varchar(20)");
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN name varchar(255)");
	return SG_OK;
}
