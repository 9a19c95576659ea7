/* model_index.c - CREATE INDEX, and constraints with the indexes that they make. */
#include "config.h"
#include "core/audit/model_parts.h"

bool sg_model_apply_index(struct sg_model *model, const char *node, const struct sg_json *body)
{
	(void)model;
	(void)node;
	(void)body;
	return false;
}
