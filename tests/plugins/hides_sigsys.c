/* hides_sigsys.c - run() that blocks SIGSYS so as not to be found out. */
#include <sgrun/plugin.h>

#include <signal.h>
#include <sys/socket.h>

SG_MIGRATION("hides_sigsys", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "hides_sigsys");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE hides_sigsys ()");
	{
		sigset_t mask;

		sigemptyset(&mask);
		sigaddset(&mask, SIGSYS);
		sigprocmask(SIG_BLOCK, &mask, NULL);
	}
	(void)!socket(AF_INET, SOCK_STREAM, 0);
	return SG_OK;
}
