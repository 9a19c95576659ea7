/* sneaks_sigsys.c - run() that takes over SIGSYS by a number of 64 bits, of which the kernel reads 32. */
#define _GNU_SOURCE
#include <sgrun/plugin.h>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

SG_MIGRATION("sneaks_sigsys", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "sneaks_sigsys");
}

int run(sg_ctx *sg)
{
	unsigned long ignore[4] = { 1 /* SIG_IGN */, 0, 0, 0 };

	sg_ddl(sg, "CREATE TABLE sneaks_sigsys ()");
	return syscall(SYS_rt_sigaction, (1L << 32) | SIGSYS, ignore, NULL, 8) == 0 ? SG_OK : SG_FAILED;
}
