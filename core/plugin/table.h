/* table.h - rows and columns from anywhere, as an answer to a plugin's query. */
#ifndef SG_PLUGIN_TABLE_H
#define SG_PLUGIN_TABLE_H

#include "core/plugin/process.h"

struct sg_table {
	const void *data;
	int rows, columns;
	const char *(*name)(const void *data, int column);
	const char *(*value)(const void *data, int row, int column); /* NULL is NULL */
};

/* As sg_process_answer_rows. */
SG_MUST_CHECK int sg_process_answer_table(struct sg_process *process, const struct sg_table *table,
                                          struct sg_err *err);

#endif
