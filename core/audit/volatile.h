/* volatile.h - does an expression give every row a value of its own?
 *
 * A DEFAULT that does makes ADD COLUMN rewrite the table (ATExecAddColumn and contain_volatile_functions_not_nextval of the
 * server); one that does not is kept once, in pg_attribute, since 11. Functions are judged by name: those of pg_catalog and of
 * the extensions most used by a table here, others by their CREATE FUNCTION in the model. */
#ifndef SG_AUDIT_VOLATILE_H
#define SG_AUDIT_VOLATILE_H

#include "core/audit/model.h"

enum sg_volatility {
	SG_VOLATILITY_FIXED,   /* constant, immutable or stable */
	SG_VOLATILITY_UNKNOWN, /* calls a function of which nothing is known */
	SG_VOLATILITY_VOLATILE
};

/* The worst of all functions that the expression calls. *function_r: the one that decides; untouched for FIXED. */
enum sg_volatility sg_volatility_of(const struct sg_model *model, const struct sg_json *expression, struct sg_relation *function_r);
/* Of one function. */
enum sg_volatility sg_volatility_of_function(const struct sg_model *model, struct sg_relation function);

#endif
