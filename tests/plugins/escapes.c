/* escapes.c - prints and logs what would take over a terminal. */
#include <sgrun/plugin.h>

#include <stdio.h>

SG_MIGRATION("escapes", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "escapes");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE escapes ()");
	fputs("\033[2Jcleared \xff\n", stderr);
	sg_log(sg, "\033]0;title\007 of the log");
	return SG_OK;
}
