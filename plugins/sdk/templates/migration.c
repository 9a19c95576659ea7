/* @ID@.c - @TITLE@
 *
 * A migration is DDL only, one transaction, and starts from its beginning after any failure. sgrun-plugin(3) is the manual. */
#include <sgrun/plugin.h>

SG_MIGRATION("@ID@", "@TITLE@");

/* Is everything there that run() makes? 1 or 0. Ask for what only this migration makes. */
int fingerprint(sg_ctx *sg)
{
	return sg_column_exists(sg, "some_table", "some_column");
}

/* The statements, in order. A call that fails never returns: no error handling. */
int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE some_table ADD COLUMN some_column text");
	return SG_OK;
}
