/* 0061_business_timezone.c - a time zone for each business.
 *
 * On our database this column is there already: someone added it by hand in the
 * night when reminders went out at 4 a.m. Nobody has to remember that. sgrun
 * asks fingerprint() first; it holds, so the migration is recorded as
 * "reconciled" and run() is never called. On a new database run() does it.
 *
 * Without a default, and NULL is allowed: it says "not known yet", and the
 * backfill of 61 fills it in from the country. Text, since the list of time
 * zones is not ours; the application checks it against pg_timezone_names. */
#include "crm.h"

SG_MIGRATION("0061_business_timezone", "businesses have a time zone");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "business", "timezone", "text");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE business ADD COLUMN timezone text");
	return SG_OK;
}
