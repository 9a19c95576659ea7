/* example_migration.c - the migration of sgrun-plugin(3), word for word. */
#include <sgrun/plugin.h>

SG_MIGRATION("0096_lead_name", "lead names and the WhatsApp prompt");

int fingerprint(sg_ctx *sg)
{
	return sg_column_exists(sg, "leads", "name")
	    && sg_column_exists(sg, "business", "whatsapp_system_prompt");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN name varchar(255)");
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN whatsapp_system_prompt text");
	return SG_OK;
}
