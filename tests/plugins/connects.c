/* connects.c - run() that connects to the server by itself. */
#include <sgrun/plugin.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

SG_MIGRATION("connects", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "connects");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE connects ()");
	{
		struct sockaddr_un address;
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		memset(&address, 0, sizeof address);
		address.sun_family = AF_UNIX;
		strncpy(address.sun_path, "/var/run/postgresql/.s.PGSQL.5432", sizeof address.sun_path - 1);
		(void)!connect(fd, (struct sockaddr *)&address, sizeof address);
	}
	return SG_OK;
}
