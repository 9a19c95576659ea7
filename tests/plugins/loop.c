/* loop.c - run() that never ends, having blocked every signal. */
#include <sgrun/plugin.h>

#include <signal.h>

SG_MIGRATION("loop", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "loop");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE loop ()");
	{
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
	}
	for (volatile unsigned long i = 0;; i++)
		;
}
