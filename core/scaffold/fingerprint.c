/* fingerprint.c - follows what the statements of a migration make and take away, and at the end asks for what is left of it.
 *
 * An object is kept by its names, not as text: a rename changes what was kept before. Where a statement leaves nothing behind
 * that the catalogue would show for certain, it says so rather than ask something that was true before. */
#include "config.h"
#include "core/scaffold/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "core/scaffold/c_text.h"
#include "core/sql/tree.h"

enum kind {
	TABLE, COLUMN, COLUMN_TYPE, NOT_NULL, NULLABLE, INDEX, CONSTRAINT, VALIDATED, TYPE, ENUM_VALUE, FUNCTION, BODY, TRIGGER, VIEW,
	POLICY, EXTENSION, SCHEMA, SEQUENCE, TABLE_COMMENT, COLUMN_COMMENT, ROW_SECURITY, PARTITION, KINDS
};

/* How each is asked for: %r the relation or name, %m the member, %x what else. A helper of ours, or one of the header. */
static const struct {
	const char *question;
	const char *helper; /* its source, or NULL */
	const char *name;   /* of the helper */
} asked[KINDS] = {
	[TABLE] = { "sg_table_exists(sg, %r)", NULL, NULL },
	[COLUMN] = { "sg_column_exists(sg, %r, %m)", NULL, NULL },
	[COLUMN_TYPE] = { "column_is(sg, %r, %m, %x)",
	                  "/* The type as format_type() writes it. */\n"
	                  "static int column_is(sg_ctx *sg, const char *table, const char *column, const char *type)\n"
	                  "{\n"
	                  "\tconst char *found = sg_column_type(sg, table, column);\n\n"
	                  "\treturn found != NULL && strcmp(found, type) == 0;\n"
	                  "}\n\n",
	                  "column_is(" },
	[NOT_NULL] = { "column_not_null(sg, %r, %m)",
	               "static int column_not_null(sg_ctx *sg, const char *table, const char *column)\n"
	               "{\n"
	               "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	               "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND attnotnull\",\n"
	               "\t                 SG_ARGS(table, column));\n"
	               "}\n\n",
	               "column_not_null(" },
	[NULLABLE] = { "column_nullable(sg, %r, %m)",
	               "static int column_nullable(sg_ctx *sg, const char *table, const char *column)\n"
	               "{\n"
	               "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	               "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND NOT attnotnull\",\n"
	               "\t                 SG_ARGS(table, column));\n"
	               "}\n\n",
	               "column_nullable(" },
	[INDEX] = { "sg_index_exists(sg, %r)", NULL, NULL },
	[CONSTRAINT] = { "sg_constraint_exists(sg, %r, %m)", NULL, NULL },
	[VALIDATED] = { "constraint_is_valid(sg, %r, %m)",
	                "/* All rows were checked. */\n"
	                "static int constraint_is_valid(sg_ctx *sg, const char *table, const char *constraint)\n"
	                "{\n"
	                "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_constraint\"\n"
	                "\t                     \" WHERE conrelid = pg_catalog.to_regclass($1) AND conname = $2 AND convalidated\",\n"
	                "\t                 SG_ARGS(table, constraint));\n"
	                "}\n\n",
	                "constraint_is_valid(" },
	[TYPE] = { "sg_type_exists(sg, %r)", NULL, NULL },
	[ENUM_VALUE] = { "sg_enum_value_exists(sg, %r, %m)", NULL, NULL },
	[FUNCTION] = { "sg_function_exists(sg, %r)", NULL, NULL },
	[BODY] = { "function_is(sg, %r,\n\t                   %x)",
	           "/* A function or procedure, with this body. */\n"
	           "static int function_is(sg_ctx *sg, const char *signature, const char *body)\n"
	           "{\n"
	           "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_proc\"\n"
	           "\t                     \" WHERE oid = pg_catalog.to_regprocedure($1) AND prosrc = $2\",\n"
	           "\t                 SG_ARGS(signature, body));\n"
	           "}\n\n",
	           "function_is(" },
	[TRIGGER] = { "sg_trigger_exists(sg, %r, %m)", NULL, NULL },
	[VIEW] = { "sg_view_exists(sg, %r)", NULL, NULL },
	[POLICY] = { "sg_policy_exists(sg, %r, %m)", NULL, NULL },
	[EXTENSION] = { "sg_extension_exists(sg, %r)", NULL, NULL },
	[SCHEMA] = { "sg_schema_exists(sg, %r)", NULL, NULL },
	[SEQUENCE] = { "sg_sequence_exists(sg, %r)", NULL, NULL },
	[TABLE_COMMENT] = { "table_comment_is(sg, %r, %x)",
	                    "static int table_comment_is(sg_ctx *sg, const char *table, const char *comment)\n"
	                    "{\n"
	                    "\treturn sg_exists(sg, \"SELECT 1 WHERE pg_catalog.obj_description(pg_catalog.to_regclass($1), 'pg_class') = $2\",\n"
	                    "\t                 SG_ARGS(table, comment));\n"
	                    "}\n\n",
	                    "table_comment_is(" },
	[COLUMN_COMMENT] = { "column_comment_is(sg, %r, %m, %x)",
	                     "static int column_comment_is(sg_ctx *sg, const char *table, const char *column, const char *comment)\n"
	                     "{\n"
	                     "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	                     "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2\"\n"
	                     "\t                     \" AND pg_catalog.col_description(attrelid, attnum) = $3\",\n"
	                     "\t                 SG_ARGS(table, column, comment));\n"
	                     "}\n\n",
	                     "column_comment_is(" },
	[ROW_SECURITY] = { "row_security_is_on(sg, %r)",
	                   "static int row_security_is_on(sg_ctx *sg, const char *table)\n"
	                   "{\n"
	                   "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_class\"\n"
	                   "\t                     \" WHERE oid = pg_catalog.to_regclass($1) AND relrowsecurity\", SG_ARGS(table));\n"
	                   "}\n\n",
	                   "row_security_is_on(" },
	[PARTITION] = { "is_partition(sg, %r, %m)",
	                "static int is_partition(sg_ctx *sg, const char *parent, const char *child)\n"
	                "{\n"
	                "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_inherits WHERE inhparent = pg_catalog.to_regclass($1)\"\n"
	                "\t                     \" AND inhrelid = pg_catalog.to_regclass($2)\", SG_ARGS(parent, child));\n"
	                "}\n\n",
	                "is_partition(" },
};

struct object {
	enum kind kind;
	bool gone;                 /* ask that it is not there */
	struct sg_relation name;   /* EXTENSION, SCHEMA: name alone */
	const char *member, *extra;
	const char *arguments;     /* FUNCTION: "(integer, text)"; or NULL */
	size_t statement;
	const char *undone;        /* why it is not asked for any more */
	const char *later;         /* … by a later migration: why it will not hold when all has run */
	struct sg_relation now;    /* what later migrations have renamed it to; name NULL: nothing */
	const char *now_member;
};

struct sg_fingerprint {
	const struct sg_model *model;
	const char *migration;
	struct sg_arena *arena;
	struct object *objects;
	size_t count, capacity;
	struct sg_asks *asks;
	size_t number;
	const char *none;          /* of the statement that is looked at: why nothing is asked */
	size_t before;             /* objects before it */
	struct sg_fingerprint *earlier; /* of the migration before; or NULL */
	bool in_tree;
};

static void append(struct sg_fingerprint *f, struct sg_asks *to, struct sg_asked asked_)
{
	to->list = sg_arena_grow(f->arena, to->list, &to->capacity, to->count + 1, sizeof *to->list);
	to->list[to->count++] = asked_;
}

static const char *copy(struct sg_fingerprint *f, const char *text)
{
	return sg_arena_strdup(f->arena, text);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_default(const char *schema)
{
	return schema == NULL || strcmp(schema, "public") == 0;
}

static bool same_relation(struct sg_relation a, struct sg_relation b)
{
	return same(a.name, b.name) && (same(a.schema, b.schema) || (is_default(a.schema) && is_default(b.schema)));
}

static struct object *add(struct sg_fingerprint *f, enum kind kind, struct sg_relation name, const char *member)
{
	struct object *o;

	f->objects = sg_arena_grow(f->arena, f->objects, &f->capacity, f->count + 1, sizeof *f->objects);
	o = &f->objects[f->count++];
	*o = (struct object){ .kind = kind,
		              .name = { copy(f, name.schema), copy(f, name.name) },
		              .member = copy(f, member),
		              .statement = f->number };
	return o;
}

static void none(struct sg_fingerprint *f, const char *why)
{
	if (f->none == NULL)
		f->none = why;
}

static const char *undone_by(struct sg_fingerprint *f)
{
	return sg_arena_printf(f->arena, "undone by statement %zu", f->number + 1);
}

/* Kinds that are of a table and go with it. */
static bool is_of_table(enum kind kind)
{
	return kind == COLUMN || kind == COLUMN_TYPE || kind == NOT_NULL || kind == NULLABLE || kind == CONSTRAINT || kind == VALIDATED ||
	       kind == TRIGGER || kind == POLICY || kind == TABLE_COMMENT || kind == COLUMN_COMMENT || kind == ROW_SECURITY ||
	       kind == PARTITION;
}

/* Kinds that are of a column. */
static bool is_of_column(enum kind kind)
{
	return kind == COLUMN || kind == COLUMN_TYPE || kind == NOT_NULL || kind == NULLABLE || kind == COLUMN_COMMENT;
}

static bool is_relation(enum kind kind)
{
	return kind == TABLE || kind == VIEW || kind == SEQUENCE || kind == INDEX;
}

/* ---- what becomes of it later -------------------------------------------------------- */

static struct sg_relation name_now(const struct object *o)
{
	return o->now.name != NULL ? o->now : o->name;
}

static const char *member_now(const struct object *o)
{
	return o->now_member != NULL ? o->now_member : o->member;
}

/* Is it taken away with an object of that kind and name? */
static bool goes_with(const struct object *o, enum kind kind, struct sg_relation name, const char *member)
{
	bool relation = same_relation(name_now(o), name), all = relation && same(member_now(o), member);

	return (o->kind == kind && all) || (kind == TABLE && is_of_table(o->kind) && relation) ||
	       (kind == COLUMN && is_of_column(o->kind) && all) || (kind == CONSTRAINT && o->kind == VALIDATED && all) ||
	       (kind == FUNCTION && o->kind == BODY && relation) || (kind == TYPE && o->kind == ENUM_VALUE && relation);
}

static const char *undone_later(const struct sg_fingerprint *f)
{
	return sg_arena_printf(f->arena, "undone by %s", f->migration);
}

static void take_away_later(struct sg_fingerprint *f, enum kind kind, struct sg_relation name, const char *member)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++)
			if (e->objects[i].undone == NULL && !e->objects[i].gone && goes_with(&e->objects[i], kind, name, member))
				e->objects[i].later = undone_later(f);
}

/* Made, or made otherwise: an absence, a type, a body, a comment of before is no more. */
static void make_later(struct sg_fingerprint *f, enum kind kind, struct sg_relation name, const char *member)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++) {
			struct object *o = &e->objects[i];
			bool it = same_relation(name_now(o), name) && same(member_now(o), member);

			if (!it || o->undone != NULL)
				continue;
			if (kind == COLUMN_TYPE && o->kind == COLUMN_TYPE && !o->gone)
				o->later = undone_later(f);
			else if ((kind == NOT_NULL && o->kind == NULLABLE) || (kind == NULLABLE && o->kind == NOT_NULL))
				o->later = undone_later(f);
			else if (o->kind == kind && (kind == BODY || kind == TABLE_COMMENT || kind == COLUMN_COMMENT))
				o->later = undone_later(f);
			else if (o->gone && (o->kind == kind || (o->kind == COLUMN && kind == COLUMN_TYPE) || (o->kind == FUNCTION && kind == BODY)))
				o->later = undone_later(f);
		}
}

/* Was there something of that name before? Then it proves nothing. */
static bool was_there(const struct sg_fingerprint *f, const struct object *than, struct sg_relation name, const char *member)
{
	for (; f != NULL; f = f->earlier)
		for (size_t i = 0; i < f->count; i++)
			if (&f->objects[i] != than && f->objects[i].kind == than->kind && !f->objects[i].gone &&
			    same_relation(f->objects[i].name, name) && same(f->objects[i].member, member))
				return true;
	return false;
}

/* What earlier migrations made has another name now; member NULL: the thing itself, to or schema may be NULL (as it was). */
static void rename_later(struct sg_fingerprint *f, enum kind kind, struct sg_relation old, const char *member, const char *schema,
                         const char *to)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++) {
			struct object *o = &e->objects[i];

			if (o->undone != NULL || o->gone || !goes_with(o, kind, old, member))
				continue;
			if (member != NULL)
				o->now_member = copy(f, to);
			else
				o->now = (struct sg_relation){ schema != NULL ? copy(f, schema) : name_now(o).schema,
					                       to != NULL ? copy(f, to) : name_now(o).name };
			if (was_there(e, o, name_now(o), member_now(o)))
				o->later = undone_later(f);
		}
}

/* The object is taken away: what was made of it here is no longer asked for, and where nothing was, its absence is. */
static void take_away(struct sg_fingerprint *f, enum kind kind, struct sg_relation name, const char *member)
{
	bool made_here = false;

	take_away_later(f, kind, name, member);
	for (size_t i = 0; i < f->count; i++) {
		struct object *o = &f->objects[i];
		bool itself = o->kind == kind && same_relation(o->name, name) && same(o->member, member);
		bool part = (kind == TABLE && is_of_table(o->kind) && same_relation(o->name, name)) ||
		            (kind == COLUMN && is_of_column(o->kind) && same_relation(o->name, name) && same(o->member, member)) ||
		            (kind == CONSTRAINT && o->kind == VALIDATED && same_relation(o->name, name) && same(o->member, member)) ||
		            (kind == FUNCTION && o->kind == BODY && same_relation(o->name, name)) ||
		            (kind == TYPE && o->kind == ENUM_VALUE && same_relation(o->name, name));

		if (o->undone != NULL || (!itself && !part))
			continue;
		made_here |= !o->gone && (itself || (kind == COLUMN && o->kind == COLUMN_TYPE) || (kind == FUNCTION && o->kind == BODY));
		o->undone = undone_by(f);
	}
	if (made_here)
		none(f, "it takes away what this migration made");
	else
		add(f, kind, name, member)->gone = true;
}

/* It is made: a question for its absence, of an earlier statement, is no longer one. */
static struct object *make(struct sg_fingerprint *f, enum kind kind, struct sg_relation name, const char *member)
{
	make_later(f, kind, name, member);
	for (size_t i = 0; i < f->count; i++) {
		struct object *o = &f->objects[i];

		if (o->undone == NULL && (o->kind == kind || (kind == COLUMN_TYPE && o->kind == COLUMN) ||
		                          (kind == NOT_NULL && o->kind == NULLABLE) || (kind == NULLABLE && o->kind == NOT_NULL)) &&
		    same_relation(o->name, name) && same(o->member, member))
			o->undone = undone_by(f);
	}
	return add(f, kind, name, member);
}

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
		make(f, COLUMN_TYPE, table, name)->extra = text;
	else
		make(f, COLUMN, table, name);
}

/* The constraints of the statement, by the names that the model has for them. */
static void make_constraints(struct sg_fingerprint *f, struct sg_relation name)
{
	const struct sg_model_table *table = sg_model_table(f->model, name);

	for (size_t i = 0; table != NULL && i < table->constraint_count; i++) {
		const struct sg_model_constraint *c = &table->constraints[i];

		if (c->name != NULL && same(c->made_in, f->migration) && c->made_at == f->number)
			make(f, CONSTRAINT, name, c->name);
	}
}

static void create_table(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *relation = sg_json_get(body, "relation"), *elements = sg_json_get(body, "tableElts");
	struct sg_relation name = sg_tree_relation(relation);

	if (sg_node_is(relation, "relpersistence", "t")) {
		none(f, "a temporary table is gone at the end");
		return;
	}
	make(f, TABLE, name, NULL);
	for (size_t i = 0; i < sg_json_count(elements); i++) {
		const struct sg_json *column = sg_node_as(sg_json_at(elements, i), "ColumnDef");

		if (column != NULL)
			make_column(f, name, column);
	}
	if (sg_json_get(body, "partbound") != NULL) {
		const struct sg_json *parents = sg_json_get(body, "inhRelations");
		struct sg_relation parent = sg_tree_relation(sg_node_as(sg_json_at(parents, 0), "RangeVar"));

		if (parent.name != NULL)
			make(f, PARTITION, parent, name.name)->extra = copy(f, name.schema);
	}
}

static void alter_column(struct sg_fingerprint *f, struct sg_relation table, const char *subtype, const char *column)
{
	if (strcmp(subtype, "AT_SetNotNull") == 0)
		make(f, NOT_NULL, table, column);
	else if (strcmp(subtype, "AT_DropNotNull") == 0)
		make(f, NULLABLE, table, column);
	else
		none(f, "a default, an identity or a storage setting is not asked for");
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
		take_away(f, COLUMN, table, name);
	} else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
		const char *type = sg_tree_type_is_builtin(sg_json_get(column, "typeName"))
		                           ? sg_tree_type(f->arena, sg_json_get(column, "typeName"))
		                           : NULL;

		if (type != NULL)
			make(f, COLUMN_TYPE, table, name)->extra = type;
		else
			none(f, "a type of one's own is not compared");
	} else if (strcmp(subtype, "AT_AddConstraint") == 0) {
		make_constraints(f, table);
	} else if (strcmp(subtype, "AT_DropConstraint") == 0) {
		take_away(f, CONSTRAINT, table, name);
	} else if (strcmp(subtype, "AT_ValidateConstraint") == 0) {
		make(f, VALIDATED, table, name);
	} else if (strcmp(subtype, "AT_EnableRowSecurity") == 0) {
		make(f, ROW_SECURITY, table, NULL);
	} else if (strcmp(subtype, "AT_DisableRowSecurity") == 0) {
		take_away(f, ROW_SECURITY, table, NULL);
	} else if (strcmp(subtype, "AT_AttachPartition") == 0 || strncmp(subtype, "AT_DetachPartition", 18) == 0) {
		struct sg_relation child = sg_tree_relation(sg_json_get(partition, "name"));

		if (strcmp(subtype, "AT_AttachPartition") == 0)
			make(f, PARTITION, table, child.name)->extra = copy(f, child.schema);
		else
			take_away(f, PARTITION, table, child.name);
	} else if (name != NULL) {
		alter_column(f, table, subtype, name);
	} else {
		none(f, "a setting of a table is not asked for");
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
		if (same(known->indexes[i].made_in, f->migration) && known->indexes[i].made_at == f->number)
			name = known->indexes[i].name;
	if (name != NULL)
		make(f, INDEX, (struct sg_relation){ table.schema, name }, NULL);
	else
		none(f, "the server chooses the index's name");
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
	struct object *o;

	if (!sg_tree_names(sg_json_get(body, "funcname"), &name))
		return;
	o = make(f, source != NULL ? BODY : FUNCTION, name, NULL);
	o->arguments = arguments(f, sg_json_get(body, "parameters"));
	o->extra = copy(f, source);
	if (o->arguments == NULL)
		o->kind = FUNCTION;
	/* One that is replaced without a body that can be compared was there before. */
	if (o->kind == FUNCTION && sg_json_true(sg_json_get(body, "replace"))) {
		f->count--;
		none(f, "whether a routine was replaced cannot be told of this one");
	}
}

static void create_view(struct sg_fingerprint *f, const struct sg_json *relation, bool replace)
{
	struct sg_relation name = sg_tree_relation(relation);

	if (replace)
		none(f, "a view's new definition is not compared");
	else if (name.name != NULL)
		make(f, VIEW, name, NULL);
}

static void comment(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *items = sg_json_get(sg_node_as(sg_json_get(body, "object"), "List"), "items");
	const char *text = sg_json_text(sg_json_get(body, "comment"));
	size_t count = sg_json_count(items);
	bool column = sg_node_is(body, "objtype", "OBJECT_COLUMN");
	struct sg_relation name = { NULL, NULL };

	if (text == NULL || (!column && !sg_node_is(body, "objtype", "OBJECT_TABLE"))) {
		none(f, "of comments only those of tables and columns are asked for");
		return;
	}
	if (column) {
		name.schema = count > 2 ? sg_node_string(sg_json_at(items, count - 3)) : NULL;
		name.name = count > 1 ? sg_node_string(sg_json_at(items, count - 2)) : NULL;
		if (name.name != NULL)
			make(f, COLUMN_COMMENT, name, sg_node_string(sg_json_at(items, count - 1)))->extra = copy(f, text);
	} else if (sg_tree_names(items, &name)) {
		make(f, TABLE_COMMENT, name, NULL)->extra = copy(f, text);
	}
}

/* ---- what it takes away or renames ------------------------------------------------- */

static const struct {
	const char *object;
	enum kind kind;
} object_kinds[] = {
	{ "OBJECT_TABLE", TABLE },         { "OBJECT_FOREIGN_TABLE", TABLE }, { "OBJECT_INDEX", INDEX },   { "OBJECT_VIEW", VIEW },
	{ "OBJECT_MATVIEW", VIEW },        { "OBJECT_SEQUENCE", SEQUENCE },   { "OBJECT_TYPE", TYPE },     { "OBJECT_DOMAIN", TYPE },
	{ "OBJECT_FUNCTION", FUNCTION },   { "OBJECT_PROCEDURE", FUNCTION },  { "OBJECT_ROUTINE", FUNCTION },
	{ "OBJECT_SCHEMA", SCHEMA },       { "OBJECT_EXTENSION", EXTENSION }, { "OBJECT_TRIGGER", TRIGGER }, { "OBJECT_POLICY", POLICY },
	{ "OBJECT_COLUMN", COLUMN },       { "OBJECT_TABCONSTRAINT", CONSTRAINT },
};

static bool kind_of(const struct sg_json *body, const char *member, enum kind *kind_r)
{
	const char *text = sg_json_text(sg_json_get(body, member));

	for (size_t i = 0; text != NULL && i < SG_COUNT(object_kinds); i++)
		if (strcmp(object_kinds[i].object, text) == 0) {
			*kind_r = object_kinds[i].kind;
			return true;
		}
	return false;
}

static void drop_one(struct sg_fingerprint *f, enum kind kind, const struct sg_json *object)
{
	const struct sg_json *items = sg_json_get(sg_node_as(object, "List"), "items"), *routine = sg_node_as(object, "ObjectWithArgs");
	const struct sg_json *type = sg_json_get(sg_node_as(object, "TypeName"), "names");
	struct sg_relation name = { NULL, sg_node_string(object) };
	size_t count = sg_json_count(items);

	if (kind == TRIGGER || kind == POLICY) {
		name.schema = count > 2 ? sg_node_string(sg_json_at(items, count - 3)) : NULL;
		name.name = count > 1 ? sg_node_string(sg_json_at(items, count - 2)) : NULL;
		if (name.name != NULL)
			take_away(f, kind, name, sg_node_string(sg_json_at(items, count - 1)));
		return;
	}
	if (name.name == NULL && !sg_tree_names(routine != NULL ? sg_json_get(routine, "objname") : type != NULL ? type : items, &name))
		return;
	take_away(f, kind, name, NULL);
	if (kind == FUNCTION && f->count > 0 && f->objects[f->count - 1].gone && f->objects[f->count - 1].statement == f->number)
		f->objects[f->count - 1].arguments =
			sg_json_get(routine, "args_unspecified") != NULL ? NULL : arguments(f, sg_json_get(routine, "objfuncargs"));
}

static void drop(struct sg_fingerprint *f, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	enum kind kind;

	if (!kind_of(body, "removeType", &kind)) {
		none(f, "objects of this sort are not asked for");
		return;
	}
	for (size_t i = 0; i < sg_json_count(objects); i++)
		drop_one(f, kind, sg_json_at(objects, i));
}

/* Everything kept under the old name is under the new one now. */
static bool rename_kept(struct sg_fingerprint *f, enum kind kind, struct sg_relation old, const char *member, const char *schema,
                        const char *to)
{
	bool found = false;

	for (size_t i = 0; i < f->count; i++) {
		struct object *o = &f->objects[i];

		if (o->undone != NULL || !same_relation(o->name, old) || (member != NULL && !same(o->member, member)))
			continue;
		if (member != NULL ? o->kind == kind || (kind == COLUMN && is_of_column(o->kind)) ||
		                             (kind == CONSTRAINT && o->kind == VALIDATED)
		                   : o->kind == kind || (kind == TABLE && is_of_table(o->kind)) || (kind == FUNCTION && o->kind == BODY) ||
		                             (kind == TYPE && o->kind == ENUM_VALUE)) {
			found |= !o->gone && (o->kind == kind || o->kind == BODY || (kind == COLUMN && o->kind == COLUMN_TYPE));
			if (member != NULL)
				o->member = copy(f, to);
			else if (to != NULL)
				o->name.name = copy(f, to);
			if (schema != NULL)
				o->name.schema = copy(f, schema);
		}
	}
	return found;
}

static void rename_it(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation old = sg_tree_relation(sg_json_get(body, "relation"));
	const char *member = sg_json_text(sg_json_get(body, "subname")), *to = sg_json_text(sg_json_get(body, "newname"));
	const struct sg_json *object = sg_json_get(body, "object");
	enum kind kind;

	if (!kind_of(body, "renameType", &kind) || to == NULL) {
		none(f, "objects of this sort are not asked for");
		return;
	}
	if (old.name == NULL && kind == SCHEMA) {
		old.name = member;
		member = NULL;
	} else if (old.name == NULL) {
		const struct sg_json *routine = sg_node_as(object, "ObjectWithArgs"), *list = sg_node_as(object, "List");

		if (!sg_tree_names(routine != NULL ? sg_json_get(routine, "objname") : sg_json_get(list, "items"), &old))
			return;
	}
	rename_later(f, kind, old, member, NULL, to);
	if (rename_kept(f, kind, old, member, NULL, to)) {
		none(f, "it renames what this migration made");
		return;
	}
	if (member != NULL) {
		take_away(f, kind, old, member);
		make(f, kind, old, to);
	} else {
		take_away(f, kind, old, NULL);
		make(f, kind, (struct sg_relation){ old.schema, to }, NULL);
	}
}

static void set_schema(struct sg_fingerprint *f, const struct sg_json *body)
{
	struct sg_relation old = sg_tree_relation(sg_json_get(body, "relation"));
	const char *schema = sg_json_text(sg_json_get(body, "newschema"));
	enum kind kind;

	if (old.name == NULL || schema == NULL || !kind_of(body, "objectType", &kind) || !is_relation(kind)) {
		none(f, "objects of this sort are not asked for");
		return;
	}
	rename_later(f, kind, old, NULL, schema, NULL);
	if (rename_kept(f, kind, old, NULL, schema, NULL)) {
		none(f, "it moves what this migration made");
		return;
	}
	make(f, kind, (struct sg_relation){ schema, old.name }, NULL);
}

static void alter_enum(struct sg_fingerprint *f, const struct sg_json *body)
{
	const char *value = sg_json_text(sg_json_get(body, "newVal"));
	struct sg_relation name;

	if (sg_tree_names(sg_json_get(body, "typeName"), &name) && value != NULL)
		make(f, ENUM_VALUE, name, value);
}

static void create_by_list(struct sg_fingerprint *f, enum kind kind, const struct sg_json *list)
{
	struct sg_relation name;

	if (sg_tree_names(list, &name))
		make(f, kind, name, NULL);
}

static void create_schema(struct sg_fingerprint *f, const struct sg_json *body)
{
	const char *name = sg_json_text(sg_json_get(body, "schemaname"));

	if (name != NULL)
		make(f, SCHEMA, (struct sg_relation){ NULL, name }, NULL);
	if (sg_json_count(sg_json_get(body, "schemaElts")) > 0)
		none(f, "what is made inside of CREATE SCHEMA is not asked for");
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
		make(f, TRIGGER, sg_tree_relation(sg_json_get(body, "relation")), sg_json_text(sg_json_get(body, "trigname")));
	else if (strcmp(node, "CreatePolicyStmt") == 0)
		make(f, POLICY, sg_tree_relation(sg_json_get(body, "table")), sg_json_text(sg_json_get(body, "policy_name")));
	else if (strcmp(node, "CreateExtensionStmt") == 0)
		make(f, EXTENSION, (struct sg_relation){ NULL, sg_json_text(sg_json_get(body, "extname")) }, NULL);
	else if (strcmp(node, "CreateSchemaStmt") == 0)
		create_schema(f, body);
	else if (strcmp(node, "CreateSeqStmt") == 0)
		make(f, SEQUENCE, sg_tree_relation(sg_json_get(body, "sequence")), NULL);
	else if (strcmp(node, "CreateEnumStmt") == 0 || strcmp(node, "CreateRangeStmt") == 0)
		create_by_list(f, TYPE, sg_json_get(body, "typeName"));
	else if (strcmp(node, "CreateDomainStmt") == 0)
		create_by_list(f, TYPE, sg_json_get(body, "domainname"));
	else if (strcmp(node, "CompositeTypeStmt") == 0)
		make(f, TYPE, sg_tree_relation(sg_json_get(body, "typevar")), NULL);
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
		none(f, "privileges are not asked for");
	else
		none(f, "nothing that it leaves behind can be asked for");
	if (f->count == f->before)
		append(f, f->asks, (struct sg_asked){ .statement = number,
		                                      .why = f->none != NULL ? f->none
		                                                             : "nothing that it leaves behind can be asked for" });
}

/* ---- the questions ------------------------------------------------------------------ */

/* As SQL reads it: what is no plain name is quoted. */
static const char *sql_name(struct sg_fingerprint *f, const char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return name[plain] == '\0' && name[0] != '\0' && (name[0] < '0' || name[0] > '9') ? name : sg_tree_quote(f->arena, name);
}

static const char *relation_name(struct sg_fingerprint *f, const struct object *o)
{
	const char *name;

	if (o->kind == EXTENSION || o->kind == SCHEMA)
		return o->name.name;
	name = sql_name(f, o->name.name);
	if (o->name.schema != NULL)
		name = sg_arena_printf(f->arena, "%s.%s", sql_name(f, o->name.schema), name);
	return o->arguments != NULL ? sg_arena_printf(f->arena, "%s%s", name, o->arguments) : name;
}

static const char *question(struct sg_fingerprint *f, const struct object *o)
{
	const char *member = o->kind == PARTITION && o->extra != NULL
	                             ? sg_arena_printf(f->arena, "%s.%s", sql_name(f, o->extra), sql_name(f, o->member))
	                     : o->kind == PARTITION ? sql_name(f, o->member)
	                                            : o->member;
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	if (o->gone)
		sg_buf_addc(&out, '!');
	for (const char *p = asked[o->kind].question; *p != '\0'; p++) {
		const char *part;

		if (*p != '%') {
			sg_buf_addc(&out, *p);
			continue;
		}
		p++;
		part = *p == 'r' ? relation_name(f, o) : *p == 'm' ? member : o->extra;
		sg_c_literal(&out, part != NULL ? part : "", part != NULL ? strlen(part) : 0, 3, 90);
	}
	text = sg_arena_strndup(f->arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

/* A question that holds where the thing itself is missing asks for its table, too. */
static const char *whole_question(struct sg_fingerprint *f, const struct object *o)
{
	struct object table = { .kind = TABLE, .name = o->name };
	const char *text = question(f, o);

	return o->gone && is_of_table(o->kind) ? sg_arena_printf(f->arena, "%s && %s", question(f, &table), text) : text;
}

/* A question of the name that it had, or the one that it has when all has run. */
static const char *lasting_question(struct sg_fingerprint *f, const struct object *o)
{
	struct object now = *o;

	if (o->now.name == NULL && o->now_member == NULL)
		return whole_question(f, o);
	now.name = name_now(o);
	now.member = member_now(o);
	return sg_arena_printf(f->arena, "(%s || %s)", whole_question(f, o), whole_question(f, &now));
}

/* Went with its table or column, which the model follows. */
static void look_at_the_end(struct sg_fingerprint *f, struct object *o)
{
	const struct sg_model_table *table = sg_model_table(f->model, name_now(o));

	if (o->gone || o->later != NULL)
		return;
	if (o->kind == INDEX && sg_model_index(f->model, name_now(o), NULL) == NULL)
		o->later = "gone when all has run";
	else if ((o->kind == CONSTRAINT || o->kind == VALIDATED) && table != NULL && table->known &&
	         sg_model_constraint(table, member_now(o)) == NULL)
		o->later = "gone when all has run";
}

/* One that lasts is asked for; of those that do not, the first, where there is no other. */
static void leave_out_later(struct sg_fingerprint *f)
{
	size_t lasting = 0;

	for (size_t i = 0; i < f->count; i++) {
		look_at_the_end(f, &f->objects[i]);
		lasting += f->objects[i].undone == NULL && f->objects[i].later == NULL;
	}
	for (size_t i = 0; lasting > 0 && i < f->count; i++)
		if (f->objects[i].undone == NULL && f->objects[i].later != NULL)
			f->objects[i].undone = f->objects[i].later;
}

void sg_fingerprint_follow(struct sg_fingerprint *f, struct sg_fingerprint *before)
{
	f->earlier = before;
	f->in_tree = true;
}

struct sg_fingerprint *sg_fingerprint_begin(const struct sg_model *model, const char *migration, struct sg_arena *arena)
{
	struct sg_fingerprint *f = sg_arena_alloc(arena, sizeof *f);

	f->model = model;
	f->migration = migration;
	f->arena = arena;
	f->asks = sg_arena_alloc(arena, sizeof *f->asks);
	return f;
}

/* Both lists are in the order of statements already. */
const struct sg_asks *sg_fingerprint_end(struct sg_fingerprint *f)
{
	struct sg_asks *asks = sg_arena_alloc(f->arena, sizeof *asks);
	size_t next = 0;

	if (f->in_tree)
		leave_out_later(f);
	for (size_t i = 0; i < f->count; i++) {
		const struct object *o = &f->objects[i];

		while (next < f->asks->count && f->asks->list[next].statement < o->statement)
			append(f, asks, f->asks->list[next++]);
		if (o->name.name != NULL)
			append(f, asks, (struct sg_asked){ .statement = o->statement,
			                                   .question = o->undone == NULL ? lasting_question(f, o) : NULL,
			                                   .why = o->undone });
	}
	while (next < f->asks->count)
		append(f, asks, f->asks->list[next++]);
	return asks;
}

void sg_fingerprint_helpers(struct sg_buf *out, const struct sg_asks *asks)
{
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; asked[k].helper != NULL && i < asks->count; i++)
			if (asks->list[i].question != NULL && strstr(asks->list[i].question, asked[k].name) != NULL) {
				sg_buf_adds(out, asked[k].helper);
				break;
			}
}
