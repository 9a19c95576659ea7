/* fuzz_model.c - any statements, parsed and applied to the model one after another.
 *
 * The statements of a text are applied in order, each twice in a migration of its own. What must hold afterwards: whatever the
 * model has is found under its name, and is as large as it says. */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "core/audit/model.h"
#include "core/base/base.h"
#include "core/sql/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct sg_model *model, const struct sg_model_table *table)
{
	SG_ASSERT(table->name.name != NULL && strlen(table->name.name) < 64);
	SG_ASSERT(table->column_count <= 1600);
	for (size_t i = 0; i < table->column_count; i++)
		SG_ASSERT(sg_model_column(table, table->columns[i].name) == &table->columns[i]);
	for (size_t i = 0; i < table->constraint_count; i++)
		SG_ASSERT(sg_model_constraint(table, table->constraints[i].name) == &table->constraints[i]);
	for (size_t i = 0; i < table->index_count && !table->temporary; i++)
		SG_ASSERT(sg_model_index(model, (struct sg_relation){ table->name.schema, table->indexes[i].name }, NULL) ==
		          &table->indexes[i] ||
		          table->name.schema == NULL);
	SG_ASSERT(!table->dropped || (table->constraint_count == 0 && table->index_count == 0));
}

static void check(const struct sg_model *model)
{
	const struct sg_model_table *table;

	for (size_t i = 0; (table = sg_model_table_at(model, i)) != NULL; i++) {
		check_table(model, table);
		if (!table->dropped && table->name.schema != NULL)
			SG_ASSERT(sg_model_table(model, table->name) == table);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sg_model *model = sg_model_new();
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;

	if (sg_parse((const char *)data, size, &tree, &err) == SG_PARSE_OK) {
		const struct sg_json *list = sg_json_get(tree, "stmts");

		for (int round = 0; round < 2; round++) {
			sg_model_begin(model, round == 0 ? "1" : "2");
			for (size_t i = 0; i < sg_json_count(list); i++)
				sg_model_apply(model, sg_json_get(sg_json_at(list, i), "stmt"), "", i);
			check(model);
		}
		sg_json_free(tree);
	}
	sg_err_release(&err);
	sg_model_free(model);
	return 0;
}
