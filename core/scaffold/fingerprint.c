/* fingerprint.c - follows what the statements of a migration make and take away, and at the end asks for what is left of it. Where a
 * statement leaves nothing behind that the catalogue would show for certain, it says so rather than ask something that was true before. */
#include "config.h"
#include "core/scaffold/fingerprint_parts.h"

#include <string.h>

#include "core/sql/tree.h"

/* ---- what a statement makes ------------------------------------------------------- */

static void make_column(struct sg_fingerprint *f, struct sg_relation table, const struct sg_json *column)
{
	const char *name = sg_json_text(sg_json_get(column, "colname"));
	const struct sg_json *type = sg_json_get(column, "typeName");
	const char *text = sg_tree_type_is_builtin(type) ? sg_tree_type(f->arena, type) : NULL;

	if (name == NULL)
		return;
	/* As format_type() says it: what the grammar leaves to the server's defaults is not compared. */
	if (text != NULL && text[0] != '"' && strncmp(text, "bpchar", 6) != 0 && strncmp(text, "interval", 8) != 0)
		sg_kept_make(f, SG_KEPT_COLUMN_TYPE, table, name)->extra = text;
	else
		sg_kept_make(f, SG_KEPT_COLUMN, table, name);
}

/* The constraints of the statement, by the names that the model has for them. */
static void make_constraints(struct sg_fingerprint *f, struct sg_relation name)
{
	const struct sg_model_table *table = sg_model_table(f->model, name);

	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *c = &table->constraints[i];

		if (c->name != NULL && sg_kept_same(c->made_in, f->migration) && c->made_at == f->number)
			sg_kept_make(f, SG_KEPT_CONSTRAINT, name, c->name);
	}
}

static void create_table(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(body, "relation"), *elements = sg_json_get(body, "tableElts");
	struct sg_relation name = sg_tree_relation(relation);

	if (sg_node_is(relation, "relpersistence", "t")) {
		sg_kept_none(f, "a temporary table is gone at the end");
		return;
	}
	sg_kept_make(f, SG_KEPT_TABLE, name, NULL);
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(elements, i), "ColumnDef");

		if (column != NULL)
			make_column(f, name, column);
	}
	if (sg_json_get(body, "partbound") != NULL) {
		const struct sg_json *parents = sg_json_get(body, "inhRelations");
		struct sg_relation parent = sg_tree_relation(sg_node_as(sg_json_at(parents, 0), "RangeVar"));

		if (parent.name != NULL)
			sg_kept_make(f, SG_KEPT_PARTITION, parent, name.name)->extra = sg_kept_copy(f, name.schema);
	}
}

static void alter_column(struct sg_fingerprint *f, struct sg_relation table, const char *subtype, const char *column)
{
	if (strcmp(subtype, "AT_SetNotNull") == 0)
		sg_kept_make(f, SG_KEPT_NOT_NULL, table, column);
	else if (strcmp(subtype, "AT_DropNotNull") == 0)
		sg_kept_make(f, SG_KEPT_NULLABLE, table, column);
	else
		sg_kept_none(f, "a default, an identity or a storage setting is not asked for");
}

static void alter_table_command(struct sg_fingerprint *f, struct sg_relation table, const struct sg_json *cmd)
{
	const char *subtype = sg_json_text(sg_json_get(cmd, "subtype")), *name = sg_json_text(sg_json_get(cmd, "name"));
	const struct sg_json *def = sg_json_get(cmd, "def");
	const struct sg_json *column = sg_node_as(def, "ColumnDef"), *partition = sg_node_as(def, "PartitionCmd");

	if (subtype == NULL)
		return;
	if (strcmp(subtype, "AT_AddColumn") == 0) {
		make_column(f, table, column);
		make_constraints(f, table);
	} else if (strcmp(subtype, "AT_DropColumn") == 0) {
		sg_kept_take_away(f, SG_KEPT_COLUMN, table, name);
	} else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
		const char *type = sg_tree_type_is_builtin(sg_json_get(column, "typeName"))
		                           ? sg_tree_type(f->arena, sg_json_get(column, "typeName"))
		                           : NULL;

		if (type != NULL)
			sg_kept_make(f, SG_KEPT_COLUMN_TYPE, table, name)->extra = type;
		else
			sg_kept_none(f, "a type of one's own is not compared");
	} else if (strcmp(subtype, "AT_AddConstraint") == 0) {
		make_constraints(f, table);
	} else if (strcmp(subtype, "AT_DropConstraint") == 0) {
		sg_kept_take_away(f, SG_KEPT_CONSTRAINT, table, name);
	} else if (strcmp(subtype, "AT_ValidateConstraint") == 0) {
		sg_kept_make(f, SG_KEPT_VALIDATED, table, name);
	} else if (strcmp(subtype, "AT_EnableRowSecurity") == 0) {
		sg_kept_make(f, SG_KEPT_ROW_SECURITY, table, NULL);
	} else if (strcmp(subtype, "AT_DisableRowSecurity") == 0) {
		sg_kept_take_away(f, SG_KEPT_ROW_SECURITY, table, NULL);
	} else if (strcmp(subtype, "AT_AttachPartition") == 0 || strncmp(subtype, "AT_DetachPartition", 18) == 0) {
		struct sg_relation child = sg_tree_relation(sg_json_get(partition, "name"));

		if (strcmp(subtype, "AT_AttachPartition") == 0)
			sg_kept_make(f, SG_KEPT_PARTITION, table, child.name)->extra = sg_kept_copy(f, child.schema);
		else
			sg_kept_take_away(f, SG_KEPT_PARTITION, table, child.name);
	} else if (name != NULL) {
		alter_column(f, table, subtype, name);
	} else {
		sg_kept_none(f, "a setting of a table is not asked for");
	}
}

static void alter_table(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *cmds = sg_json_get(body, "cmds");

	for (size_t i = 0; table.name != NULL && i < sg_json_count(cmds); i++)
		alter_table_command(f, table, sg_node_as(sg_json_at(cmds, i), "AlterTableCmd"));
}

static void create_index(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const char *name = sg_json_text(sg_json_get(body, "idxname"));
	const struct sg_model_table *known = sg_model_table(f->model, table);

	/* The name that the server chooses. */
	for (size_t i = 0; name == NULL && known != NULL && i < known->index_count; i++)
		if (sg_kept_same(known->indexes[i].made_in, f->migration) && known->indexes[i].made_at == f->number)
			name = known->indexes[i].name;
	if (name != NULL)
		sg_kept_make(f, SG_KEPT_INDEX, (struct sg_relation){ table.schema, name }, NULL);
	else
		sg_kept_none(f, "the server chooses the index's name");
}

/* "(integer, text)" of the parameters that make a signature; NULL: a type that cannot be said. */
static const char *arguments(struct sg_fingerprint *f, const struct sg_json *parameters)
{
	const char *text = "(";
	bool first = true;

	for (size_t i = 0; i < sg_json_count(parameters); i++) {
		const struct sg_json *parameter = sg_node_as(sg_json_at(parameters, i), "FunctionParameter");
		const char *type;

		if (sg_node_is(parameter, "mode", "FUNC_PARAM_OUT") || sg_node_is(parameter, "mode", "FUNC_PARAM_TABLE"))
			continue;
		type = sg_tree_type(f->arena, sg_json_get(parameter, "argType"));
		if (type == NULL)
			return NULL;
		text = sg_arena_printf(f->arena, "%s%s%s", text, first ? "" : ", ", type);
		first = false;
	}
	return sg_arena_printf(f->arena, "%s)", text);
}

static void create_function(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *as = sg_json_get(sg_json_get(sg_node_option(sg_json_get(body, "options"), "as"), "arg"), "List");
	const char *source = sg_json_count(sg_json_get(as, "items")) == 1 ? sg_node_string(sg_json_at(sg_json_get(as, "items"), 0)) : NULL;
	struct sg_relation name;
	struct sg_kept *o;

	if (!sg_tree_names(sg_json_get(body, "funcname"), &name))
		return;
	o = sg_kept_make(f, source != NULL ? SG_KEPT_BODY : SG_KEPT_FUNCTION, name, NULL);
	o->arguments = arguments(f, sg_json_get(body, "parameters"));
	o->extra = sg_kept_copy(f, source);
	if (o->arguments == NULL)
		o->kind = SG_KEPT_FUNCTION;
	/* One that is replaced without a body that can be compared was there before. */
	if (o->kind == SG_KEPT_FUNCTION && sg_json_true(sg_json_get(body, "replace"))) {
		f->count--;
		sg_kept_none(f, "whether a routine was replaced cannot be told of this one");
	}
}

static void create_view(struct sg_fingerprint *f, const struct sg_json *relation, bool replace)
{
	struct sg_relation name = sg_tree_relation(relation);

	if (replace)
		sg_kept_none(f, "a view's new definition is not compared");
	else if (name.name != NULL)
		sg_kept_make(f, SG_KEPT_VIEW, name, NULL);
}

static void comment(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *items = sg_json_get(sg_node_as(sg_json_get(body, "object"), "List"), "items");
	const char *text = sg_json_text(sg_json_get(body, "comment"));
	size_t count = sg_json_count(items);
	bool column = sg_node_is(body, "objtype", "OBJECT_COLUMN");
	struct sg_relation name = { NULL, NULL };

	if (text == NULL || (!column && !sg_node_is(body, "objtype", "OBJECT_TABLE"))) {
		sg_kept_none(f, "of comments only those of tables and columns are asked for");
		return;
	}
	if (column) {
		name.schema = count > 2 ? sg_node_string(sg_json_at(items, count - 3)) : NULL;
		name.name = count > 1 ? sg_node_string(sg_json_at(items, count - 2)) : NULL;
		if (name.name != NULL)
			sg_kept_make(f, SG_KEPT_COLUMN_COMMENT, name, sg_node_string(sg_json_at(items, count - 1)))->extra = sg_kept_copy(f, text);
	} else if (sg_tree_names(items, &name)) {
		sg_kept_make(f, SG_KEPT_TABLE_COMMENT, name, NULL)->extra = sg_kept_copy(f, text);
	}
}

/* ---- what it takes away or renames ------------------------------------------------- */

static const struct {
	const char *object;
	enum sg_kept_kind kind;
} object_kinds[] = {
	{ "OBJECT_TABLE", SG_KEPT_TABLE },         { "OBJECT_FOREIGN_TABLE", SG_KEPT_TABLE }, { "OBJECT_INDEX", SG_KEPT_INDEX },   { "OBJECT_VIEW", SG_KEPT_VIEW },
	{ "OBJECT_MATVIEW", SG_KEPT_VIEW },        { "OBJECT_SEQUENCE", SG_KEPT_SEQUENCE },   { "OBJECT_TYPE", SG_KEPT_TYPE },     { "OBJECT_DOMAIN", SG_KEPT_TYPE },
	{ "OBJECT_FUNCTION", SG_KEPT_FUNCTION },   { "OBJECT_PROCEDURE", SG_KEPT_FUNCTION },  { "OBJECT_ROUTINE", SG_KEPT_FUNCTION },
	{ "OBJECT_SCHEMA", SG_KEPT_SCHEMA },       { "OBJECT_EXTENSION", SG_KEPT_EXTENSION }, { "OBJECT_TRIGGER", SG_KEPT_TRIGGER }, { "OBJECT_POLICY", SG_KEPT_POLICY },
	{ "OBJECT_COLUMN", SG_KEPT_COLUMN },       { "OBJECT_TABCONSTRAINT", SG_KEPT_CONSTRAINT },
};

static bool kind_of(const struct sg_json *body, const char *member, enum sg_kept_kind *kind_r)
{
	const char *text = sg_json_text(sg_json_get(body, member));

	for (size_t i = 0; text != NULL && i < SG_COUNT(object_kinds); i++)
		if (strcmp(object_kinds[i].object, text) == 0) {
			*kind_r = object_kinds[i].kind;
			return true;
		}
	return false;
}

static void drop_one(struct sg_fingerprint *f, enum sg_kept_kind kind, const struct sg_json *object)
{
	const struct sg_json *items = sg_json_get(sg_node_as(object, "List"), "items"), *routine = sg_node_as(object, "ObjectWithArgs");
	const struct sg_json *type = sg_json_get(sg_node_as(object, "TypeName"), "names");
	struct sg_relation name = { NULL, sg_node_string(object) };
	size_t count = sg_json_count(items);

	if (kind == SG_KEPT_TRIGGER || kind == SG_KEPT_POLICY) {
		name.schema = count > 2 ? sg_node_string(sg_json_at(items, count - 3)) : NULL;
		name.name = count > 1 ? sg_node_string(sg_json_at(items, count - 2)) : NULL;
		if (name.name != NULL)
			sg_kept_take_away(f, kind, name, sg_node_string(sg_json_at(items, count - 1)));
		return;
	}
	if (name.name == NULL && !sg_tree_names(routine != NULL ? sg_json_get(routine, "objname") : type != NULL ? type : items, &name))
		return;
	sg_kept_take_away(f, kind, name, NULL);
	if (kind == SG_KEPT_FUNCTION && f->count > 0 && f->objects[f->count - 1].gone && f->objects[f->count - 1].statement == f->number)
		f->objects[f->count - 1].arguments =
			sg_json_get(routine, "args_unspecified") != NULL ? NULL : arguments(f, sg_json_get(routine, "objfuncargs"));
}

static void drop(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	enum sg_kept_kind kind;

	if (!kind_of(body, "removeType", &kind)) {
		sg_kept_none(f, "objects of this sort are not asked for");
		return;
	}
	for (size_t i = 0; i < sg_json_count(objects); i++)
		drop_one(f, kind, sg_json_at(objects, i));
}

static void rename_it(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation old = sg_tree_relation(sg_json_get(body, "relation"));
	const char *member = sg_json_text(sg_json_get(body, "subname")), *to = sg_json_text(sg_json_get(body, "newname"));
	const struct sg_json *object = sg_json_get(body, "object");
	enum sg_kept_kind kind;

	if (!kind_of(body, "renameType", &kind) || to == NULL) {
		sg_kept_none(f, "objects of this sort are not asked for");
		return;
	}
	if (old.name == NULL && kind == SG_KEPT_SCHEMA) {
		old.name = member;
		member = NULL;
	} else if (old.name == NULL) {
		const struct sg_json *routine = sg_node_as(object, "ObjectWithArgs"), *list = sg_node_as(object, "List");

		if (!sg_tree_names(routine != NULL ? sg_json_get(routine, "objname") : sg_json_get(list, "items"), &old))
			return;
	}
	sg_kept_rename_later(f, kind, old, member, NULL, to);
	if (sg_kept_rename(f, kind, old, member, NULL, to)) {
		sg_kept_none(f, "it renames what this migration made");
		return;
	}
	if (member != NULL) {
		sg_kept_take_away(f, kind, old, member);
		sg_kept_make(f, kind, old, to);
	} else {
		sg_kept_take_away(f, kind, old, NULL);
		sg_kept_make(f, kind, (struct sg_relation){ old.schema, to }, NULL);
	}
}

static void set_schema(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation old = sg_tree_relation(sg_json_get(body, "relation"));
	const char *schema = sg_json_text(sg_json_get(body, "newschema"));
	enum sg_kept_kind kind;

	if (old.name == NULL || schema == NULL || !kind_of(body, "objectType", &kind) || !sg_kept_is_relation(kind)) {
		sg_kept_none(f, "objects of this sort are not asked for");
		return;
	}
	sg_kept_rename_later(f, kind, old, NULL, schema, NULL);
	if (sg_kept_rename(f, kind, old, NULL, schema, NULL)) {
		sg_kept_none(f, "it moves what this migration made");
		return;
	}
	sg_kept_make(f, kind, (struct sg_relation){ schema, old.name }, NULL);
}

static void alter_enum(struct sg_fingerprint *f, const struct sg_json *body)
{
	const char *value = sg_json_text(sg_json_get(body, "newVal"));
	struct sg_relation name;

	if (sg_tree_names(sg_json_get(body, "typeName"), &name) && value != NULL)
		sg_kept_make(f, SG_KEPT_ENUM_VALUE, name, value);
}

static void create_by_list(struct sg_fingerprint *f, enum sg_kept_kind kind, const struct sg_json *list)
{
	struct sg_relation name;

	if (sg_tree_names(list, &name))
		sg_kept_make(f, kind, name, NULL);
}

static void create_schema(struct sg_fingerprint *f, const struct sg_json *body)
{
	const char *name = sg_json_text(sg_json_get(body, "schemaname"));

	if (name != NULL)
		sg_kept_make(f, SG_KEPT_SCHEMA, (struct sg_relation){ NULL, name }, NULL);
	if (sg_json_count(sg_json_get(body, "schemaElts")) > 0)
		sg_kept_none(f, "what is made inside of CREATE SCHEMA is not asked for");
}

void sg_fingerprint_add(struct sg_fingerprint *f, const struct sg_json *tree, size_t number)
{
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);

	f->number = number;
	f->none = NULL;
	f->before = f->count;
	if (node == NULL)
		return;
	if (strcmp(node, "CreateStmt") == 0)
		create_table(f, body);
	else if (strcmp(node, "CreateForeignTableStmt") == 0)
		create_table(f, sg_json_get(body, "base"));
	else if (strcmp(node, "AlterTableStmt") == 0)
		alter_table(f, body);
	else if (strcmp(node, "IndexStmt") == 0)
		create_index(f, body);
	else if (strcmp(node, "CreateFunctionStmt") == 0)
		create_function(f, body);
	else if (strcmp(node, "ViewStmt") == 0)
		create_view(f, sg_json_get(body, "view"), sg_json_true(sg_json_get(body, "replace")));
	else if (strcmp(node, "CreateTableAsStmt") == 0 && sg_node_is(body, "objtype", "OBJECT_MATVIEW"))
		create_view(f, sg_json_get(sg_json_get(body, "into"), "rel"), false);
	else if (strcmp(node, "CreateTrigStmt") == 0)
		sg_kept_make(f, SG_KEPT_TRIGGER, sg_tree_relation(sg_json_get(body, "relation")), sg_json_text(sg_json_get(body, "trigname")));
	else if (strcmp(node, "CreatePolicyStmt") == 0)
		sg_kept_make(f, SG_KEPT_POLICY, sg_tree_relation(sg_json_get(body, "table")), sg_json_text(sg_json_get(body, "policy_name")));
	else if (strcmp(node, "CreateExtensionStmt") == 0)
		sg_kept_make(f, SG_KEPT_EXTENSION, (struct sg_relation){ NULL, sg_json_text(sg_json_get(body, "extname")) }, NULL);
	else if (strcmp(node, "CreateSchemaStmt") == 0)
		create_schema(f, body);
	else if (strcmp(node, "CreateSeqStmt") == 0)
		sg_kept_make(f, SG_KEPT_SEQUENCE, sg_tree_relation(sg_json_get(body, "sequence")), NULL);
	else if (strcmp(node, "CreateEnumStmt") == 0 || strcmp(node, "CreateRangeStmt") == 0)
		create_by_list(f, SG_KEPT_TYPE, sg_json_get(body, "typeName"));
	else if (strcmp(node, "CreateDomainStmt") == 0)
		create_by_list(f, SG_KEPT_TYPE, sg_json_get(body, "domainname"));
	else if (strcmp(node, "CompositeTypeStmt") == 0)
		sg_kept_make(f, SG_KEPT_TYPE, sg_tree_relation(sg_json_get(body, "typevar")), NULL);
	else if (strcmp(node, "AlterEnumStmt") == 0)
		alter_enum(f, body);
	else if (strcmp(node, "CommentStmt") == 0)
		comment(f, body);
	else if (strcmp(node, "DropStmt") == 0)
		drop(f, body);
	else if (strcmp(node, "RenameStmt") == 0)
		rename_it(f, body);
	else if (strcmp(node, "AlterObjectSchemaStmt") == 0)
		set_schema(f, body);
	else if (strncmp(node, "Grant", 5) == 0 || strcmp(node, "AlterDefaultPrivilegesStmt") == 0)
		sg_kept_none(f, "privileges are not asked for");
	else
		sg_kept_none(f, "nothing that it leaves behind can be asked for");
	if (f->count == f->before)
		sg_asks_append(f, f->asks, (struct sg_asked){ .statement = number,
		                                      .why = f->none != NULL ? f->none
		                                                             : "nothing that it leaves behind can be asked for" });
}
