/* good_no_transaction.c - the one statement that no transaction may hold. */
#include <sgrun/plugin.h>

SG_MIGRATION_X("good_no_transaction", "a new value of an enum, usable at once", SG_NO_TRANSACTION);

int fingerprint(sg_ctx *sg)
{
	return sg_enum_value_exists(sg, "mood", "glad");
}

int run(sg_ctx *sg)
{
	return sg_ddl(sg, "ALTER TYPE mood ADD VALUE 'glad'");
}
