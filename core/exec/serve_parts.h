/* serve_parts.h - what serve.c, serve_ddl.c and serve_dml.c share; for these alone. */
#ifndef SG_SERVE_PARTS_H
#define SG_SERVE_PARTS_H

#include "core/exec/serve.h"

/* As sg_policy_judge, by the phase's rules; what its error shows is free of secrets. */
SG_MUST_CHECK int sg_serve_judge(struct sg_executor *executor, enum sg_call call, const struct sg_request *request,
                                 struct sg_arena *arena, struct sg_verdict *verdict_r, struct sg_err *err);
/* Guards again, since SQL of the plugin may have undone them; and in run, from the
 * second statement on, the server's word on the one before. */
SG_MUST_CHECK int sg_serve_prepare(struct sg_executor *executor, bool ddl, bool savepoint, struct sg_err *err);
/* Before an opaque statement of run. */
SG_MUST_CHECK int sg_serve_snapshot(struct sg_executor *executor, struct sg_err *err);
/* Adds to a server's error what the operator needs to know; sql as it may be shown, or NULL. Returns -1. */
int sg_serve_fail(struct sg_executor *executor, const char *sql, struct sg_err *err);
/* The host's own limit for a read or, in a batch, any statement: the server's comes first. */
int64_t sg_serve_limit_ms(const struct sg_executor *executor);

SG_MUST_CHECK int sg_serve_ddl(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err);
SG_MUST_CHECK int sg_serve_dml(struct sg_executor *executor, const struct sg_request *request, struct sg_err *err);

#endif
