/* 0081_business_language.c - the language a business writes in, and its switches.
 *
 * The language is NULL until the backfill of 81 has set it from the country. The
 * switches start as an empty object, which is a constant: no row is touched.
 *
 * The first statement ends what 0080 began: VALIDATE reads the whole of messages,
 * but under a lock that reading and writing pass. It comes first because the
 * others stop everybody at business until COMMIT: who locks hard, locks last. */
#include "crm.h"

SG_MIGRATION("0081_business_language", "language and switches of a business");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "business", "default_language", "text")
		&& column_is(sg, "business", "feature_flags", "jsonb")
		&& constraint_is_valid(sg, "messages", "messages_channel_check");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE messages VALIDATE CONSTRAINT messages_channel_check");
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN default_language text");
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN feature_flags jsonb NOT NULL DEFAULT '{}'");
	return SG_OK;
}
