/* rows.c - a result of the server as an answer to a plugin; apart from
 * process.c, which is of no database. */
#include "config.h"
#include "core/db/db.h"
#include "core/plugin/process.h"
#include "core/plugin/table.h"

static const char *name_at(const void *result, int column)
{
	return sg_result_name(result, column);
}

static const char *value_at(const void *result, int row, int column)
{
	return sg_result_value(result, row, column);
}

int sg_process_answer_rows(struct sg_process *process, const struct sg_result *result, struct sg_err *err)
{
	const struct sg_table table = { result, sg_result_rows(result), sg_result_columns(result), name_at, value_at };

	return sg_process_answer_table(process, &table, err);
}
