/* result.h - rows that live in an arena; how db.c fills a struct sg_result.
 *
 * For core/db only: everyone else reads results through db.h. Rows are copied
 * out of libpq, so that no PGresult lives longer than the call that got it. */
#ifndef SG_RESULT_H
#define SG_RESULT_H

#include "core/base/arena.h"
#include "core/db/db.h"

struct sg_result *sg_result_new(struct sg_arena *arena, int columns);
void sg_result_set_name(struct sg_result *result, int column, const char *name);
/* lengths[i] < 0: NULL. values[i] need not end in a NUL. */
void sg_result_add_row(struct sg_result *result, const char *const *values, const int *lengths);
void sg_result_set_tag(struct sg_result *result, const char *tag, int64_t affected);

#endif
