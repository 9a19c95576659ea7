/* 0102_business_tts_provider.c - which vendor speaks for a business.
 *
 * Added by hand the day a voice vendor was down, so here, too, sgrun finds it
 * done and records the migration as reconciled (compare 0061). Had the hand made
 * it varchar(10), the fingerprint would not hold, since it asks for the type; then
 * run() would be called, and fail, and say which type it found and which it
 * wanted. That is what we want: two databases that only look alike are worse
 * than one that refuses. */
#include "crm.h"

SG_MIGRATION("0102_business_tts_provider", "voice vendor of a business");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "business", "tts_provider", "text");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN tts_provider text");
	return SG_OK;
}
