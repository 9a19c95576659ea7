/* slow_reader.c - prints a lot before it reads a large result: neither side may wait for the other. */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <string.h>

SG_MIGRATION("slow_reader", "a large result");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t");
}

int run(sg_ctx *sg)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < 300; i++) {
		char line[1000];

		memset(line, 'o', sizeof line);
		line[sizeof line - 1] = '\0';
		puts(line);
	}
	for (i = 0; i < 3; i++) {
		sg_result *result = sg_query(sg, "SELECT n, text FROM large", SG_NOARGS);
		int row;

		for (row = 0; row < sg_rows(sg, result); row++)
			bytes += strlen(sg_value(sg, result, row, 1));
	}
	return bytes == 3 * 16000000 ? SG_OK : sg_fail(sg, "got %lu bytes", (unsigned long)bytes);
}
