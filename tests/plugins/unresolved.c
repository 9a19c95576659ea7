/* unresolved.c - calls a function that nobody has. */
#include <sgrun/plugin.h>

SG_MIGRATION("unresolved", "an undefined symbol");

int nobody_has_this(void);

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	(void)sg;
	return nobody_has_this();
}
