/* checks.h - the questions of plugin.h (sg_column_exists, …), asked of the catalogue.
 *
 * Table, type and function names are read as SQL reads them (folded unless
 * quoted, schema-qualified or by search_path); columns, constraints, triggers,
 * policies and enum values are compared as they are. No lock on the table is
 * taken but where pg_get_constraintdef() takes ACCESS SHARE. */
#ifndef SG_CHECKS_H
#define SG_CHECKS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

/* what is SG_CHECK_… of plugin.h. 0 or 1 in *answer_r. */
SG_MUST_CHECK int sg_check_ask(struct sg_db *db, uint32_t what, const char *a, const char *b, struct sg_arena *arena,
                               int *answer_r, struct sg_err *err);
/* what is SG_DESCRIBE_…; *text_r is NULL where there is no such thing. */
SG_MUST_CHECK int sg_check_describe(struct sg_db *db, uint32_t what, const char *a, const char *b,
                                    struct sg_arena *arena, const char **text_r, struct sg_err *err);

#endif
