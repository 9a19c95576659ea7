/* traces.c - run() that traces another process. */
#include <sgrun/plugin.h>

#include <sys/ptrace.h>

SG_MIGRATION("traces", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "traces");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE traces ()");
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? SG_OK : SG_FAILED;
}
