/* model.c */
#include "config.h"
#include "core/audit/model.h"

#include <stdlib.h>

struct sg_model {
	struct sg_arena arena;
};

struct sg_model *sg_model_new(void)
{
	return sg_xcalloc(1, sizeof(struct sg_model));
}

void sg_model_free(struct sg_model *model)
{
	sg_arena_release(&model->arena);
	free(model);
}

void sg_model_begin(struct sg_model *model, const char *migration)
{
	(void)model;
	(void)migration;
}

void sg_model_apply(struct sg_model *model, const struct sg_json *tree, const char *text, size_t number)
{
	(void)model;
	(void)tree;
	(void)text;
	(void)number;
}

const struct sg_model_table *sg_model_table(const struct sg_model *model, struct sg_relation name)
{
	(void)model;
	(void)name;
	return NULL;
}

bool sg_model_is_new(const struct sg_model *model, struct sg_relation table)
{
	(void)model;
	(void)table;
	return false;
}
