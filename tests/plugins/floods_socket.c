/* floods_socket.c - run() that floods the socket with what looks like the start of a frame. */
#include <sgrun/plugin.h>

#include <string.h>
#include <unistd.h>

SG_MIGRATION("floods_socket", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "floods_socket");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE floods_socket ()");
	{
		static char bytes[65536];

		memcpy(bytes, "\xff\xff\x1f\x01" "\x15\0\0\0" "\x03\0\0\0", 12);
		for (;;)
			if (write(0, bytes, sizeof bytes) <= 0)
				break;
	}
	return SG_OK;
}
