/* starts_thread.c - run() that starts a thread. */
#include <sgrun/plugin.h>

#include <pthread.h>

static void *idle(void *what)
{
	return what;
}

SG_MIGRATION("starts_thread", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "starts_thread");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE starts_thread ()");
	{
		pthread_t thread;

		return pthread_create(&thread, NULL, idle, NULL) == 0 ? SG_OK : SG_FAILED;
	}
}
