/* model_other.c - types and routines. */
#include "config.h"
#include "core/audit/model_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

#define ROUTINE_BYTES ((size_t)1 << 20)

/* ---- types ----------------------------------------------------------------------- */

static struct sg_type *type_of(const struct sg_model *model, const struct sg_json *names)
{
	struct sg_relation name;

	return sg_tree_names(names, &name) ? (struct sg_type *)(uintptr_t)sg_model_type(model, name) : NULL;
}

static struct sg_type *make_type(struct sg_model *model, struct sg_relation name, enum sg_model_type_kind kind)
{
	struct sg_map_entry *entry;
	struct sg_type *type;

	if (name.name == NULL)
		return NULL;
	entry = sg_map_put(&model->types, sg_model_schema(model, name.schema), sg_model_keep(model, name.name));
	if (entry->what == NULL)
		entry->what = sg_arena_alloc(&model->arena, sizeof *type);
	type = entry->what;
	*type = (struct sg_type){ .seen = { .name = { sg_model_keep(model, name.schema), entry->name },
		                            .kind = kind,
		                            .made_in = model->migration } };
	return type;
}

/* A domain over one that has a CHECK has it too. */
static void judge_domain(struct sg_type *domain)
{
	domain->seen.constrained = domain->checks > 0 || domain->not_null || domain->over_constrained;
}

static void create_composite(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *list = sg_json_get(body, "coldeflist");
	size_t count = sg_json_count(list) < SG_MODEL_COLUMNS_MAX ? sg_json_count(list) : SG_MODEL_COLUMNS_MAX;
	struct sg_type *type = make_type(model, sg_tree_relation(sg_json_get(body, "typevar")), SG_MODEL_COMPOSITE);
	struct sg_model_column *columns;

	if (type == NULL)
		return;
	columns = sg_arena_array(&model->arena, count, sizeof *columns);
	for (size_t i = 0; i < count; i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(list, i), "ColumnDef");

		columns[type->column_count].name = sg_model_keep(model, sg_json_text(sg_json_get(column, "colname")));
		columns[type->column_count].type = sg_model_type_text(model, sg_json_get(column, "typeName"));
		type->column_count += columns[type->column_count].name != NULL;
	}
	type->columns = columns;
	type->whole = true;
}

/* ALTER TYPE … ADD ATTRIBUTE and the like: what it is made of is not followed. */
static void alter_composite(struct sg_model *model, const struct sg_json *body)
{
	struct sg_type *type =
		(struct sg_type *)(uintptr_t)sg_model_type(model, sg_tree_relation(sg_json_get(body, "relation")));

	if (type != NULL)
		type->whole = false;
}

static void create_domain(struct sg_model *model, const struct sg_json *body)
{
	const struct sg_json *constraints = sg_json_get(body, "constraints"), *base = sg_json_get(body, "typeName");
	struct sg_relation name;
	struct sg_type *domain = sg_tree_names(sg_json_get(body, "domainname"), &name) ? make_type(model, name, SG_MODEL_DOMAIN) : NULL;
	const struct sg_type *over = type_of(model, sg_json_get(base, "names"));

	if (domain == NULL)
		return;
	domain->seen.base = sg_model_type_text(model, base);
	domain->over_constrained = over != NULL && over != domain && over->seen.constrained;
	for (size_t i = 0; i < sg_json_count(constraints); i++) {
		const struct sg_json *constraint = sg_node_as(sg_json_at(constraints, i), "Constraint");

		domain->checks += sg_node_is(constraint, "contype", "CONSTR_CHECK");
		domain->not_null |= sg_node_is(constraint, "contype", "CONSTR_NOTNULL");
	}
	judge_domain(domain);
}

static void alter_domain(struct sg_model *model, const struct sg_json *body)
{
	struct sg_type *domain = type_of(model, sg_json_get(body, "typeName"));
	const char *subtype = sg_json_text(sg_json_get(body, "subtype"));

	if (domain == NULL || domain->seen.kind != SG_MODEL_DOMAIN || subtype == NULL)
		return;
	if (subtype[0] == 'O' || subtype[0] == 'N')
		domain->not_null = subtype[0] == 'O';
	else if (subtype[0] == 'C')
		domain->checks++;
	else if (subtype[0] == 'X' && domain->checks > 0)
		domain->checks--;
	judge_domain(domain);
}

static void alter_enum(struct sg_model *model, const struct sg_json *body)
{
	const char *value = sg_json_text(sg_json_get(body, "newVal"));
	struct sg_relation name;
	struct sg_type *type;
	const char **added;

	if (value == NULL || sg_json_text(sg_json_get(body, "oldVal")) != NULL || !sg_tree_names(sg_json_get(body, "typeName"), &name))
		return;
	type = type_of(model, sg_json_get(body, "typeName"));
	if (type == NULL) {
		type = make_type(model, name, SG_MODEL_ENUM);
		type->seen.made_in = NULL;
	}
	if (type->seen.added_count == 0) {
		if (model->changed_count == model->changed_capacity) {
			model->changed_capacity = model->changed_capacity > 0 ? model->changed_capacity * 2 : 4;
			model->changed = sg_xrealloc(model->changed, model->changed_capacity * sizeof(struct sg_type *));
		}
		model->changed[model->changed_count++] = type;
	}
	added = sg_arena_grow(&model->arena, (void *)(uintptr_t)type->seen.added, &type->added_capacity, type->seen.added_count + 1,
	                      sizeof *added);
	added[type->seen.added_count++] = sg_model_keep(model, value);
	type->seen.added = added;
}

bool sg_model_apply_type(struct sg_model *model, const char *node, const struct sg_json *body)
{
	struct sg_relation name;

	if (strcmp(node, "CreateEnumStmt") == 0 && sg_tree_names(sg_json_get(body, "typeName"), &name))
		make_type(model, name, SG_MODEL_ENUM);
	else if (strcmp(node, "CreateRangeStmt") == 0 && sg_tree_names(sg_json_get(body, "typeName"), &name))
		make_type(model, name, SG_MODEL_RANGE);
	else if (strcmp(node, "CompositeTypeStmt") == 0)
		create_composite(model, body);
	else if (strcmp(node, "AlterTableStmt") == 0 && sg_node_is(body, "objtype", "OBJECT_TYPE"))
		alter_composite(model, body);
	else if (strcmp(node, "CreateDomainStmt") == 0)
		create_domain(model, body);
	else if (strcmp(node, "AlterDomainStmt") == 0)
		alter_domain(model, body);
	else if (strcmp(node, "AlterEnumStmt") == 0)
		alter_enum(model, body);
	else
		return false;
	return true;
}

/* ---- routines -------------------------------------------------------------------- */

/* What a DefElem says: a String's text. */
static const char *option(const struct sg_json *list, const char *name)
{
	return sg_node_string(sg_json_get(sg_node_option(list, name), "arg"));
}

static char volatility(const char *word, char otherwise)
{
	return word == NULL ? otherwise : word[0] == 'i' || word[0] == 's' || word[0] == 'v' ? word[0] : otherwise;
}

static void create_routine(struct sg_model *model, const struct sg_json *body, const char *text)
{
	const struct sg_json *options = sg_json_get(body, "options");
	struct sg_relation name, returns;
	struct sg_map_entry *entry;
	struct sg_routine *routine;
	const char *language = option(options, "language");

	if (!sg_tree_names(sg_json_get(body, "funcname"), &name))
		return;
	entry = sg_map_put(&model->routines, sg_model_schema(model, name.schema), sg_model_keep(model, name.name));
	if (entry->what == NULL)
		entry->what = sg_arena_alloc(&model->arena, sizeof *routine);
	routine = entry->what;
	free(routine->text);
	*routine = (struct sg_routine){
		.text = text != NULL && strnlen(text, ROUTINE_BYTES + 1) <= ROUTINE_BYTES ? sg_xstrdup(text) : NULL,
		.seen = { .name = { sg_model_keep(model, name.schema), entry->name },
		          .trigger = sg_tree_names(sg_json_get(sg_json_get(body, "returnType"), "names"), &returns) &&
		                     strcmp(returns.name, "trigger") == 0,
		          .language = sg_model_keep(model, language != NULL ? language : "sql"),
		          .volatility = volatility(option(options, "volatility"), 'v'),
		          .made_in = model->migration }
	};
	routine->seen.statement = routine->text;
}

static void alter_routine(struct sg_model *model, const struct sg_json *body)
{
	struct sg_relation name;
	struct sg_routine *routine;

	if (!sg_tree_names(sg_json_get(sg_json_get(body, "func"), "objname"), &name))
		return;
	routine = (struct sg_routine *)(uintptr_t)sg_model_routine(model, name);
	if (routine != NULL)
		routine->seen.volatility = volatility(option(sg_json_get(body, "actions"), "volatility"), routine->seen.volatility);
}

bool sg_model_apply_routine(struct sg_model *model, const char *node, const struct sg_json *body, const char *text)
{
	if (strcmp(node, "CreateFunctionStmt") == 0)
		create_routine(model, body, text);
	else if (strcmp(node, "AlterFunctionStmt") == 0)
		alter_routine(model, body);
	else
		return false;
	return true;
}
