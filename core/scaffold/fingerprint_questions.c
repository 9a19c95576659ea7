/* fingerprint_questions.c - an object of the catalogue as a C expression that is true when it is there, and the functions that such
 * expressions call. */
#include "config.h"
#include "core/scaffold/fingerprint_parts.h"

#include <string.h>

#include "core/scaffold/c_text.h"
#include "core/sql/tree.h"

/* How each is asked for: %r the relation or name, %m the member, %x what else. A helper of ours, or one of the header. */
static const struct {
	const char *question;
	const char *helper; /* its source, or NULL */
	const char *name;   /* of the helper */
} asked[SG_KEPT_KINDS] = {
	[SG_KEPT_TABLE] = { "sg_table_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_COLUMN] = { "sg_column_exists(sg, %r, %m)", NULL, NULL },
	[SG_KEPT_COLUMN_TYPE] = { "column_is(sg, %r, %m, %x)",
	                  "/* The type as format_type() writes it. */\n"
	                  "static int column_is(sg_ctx *sg, const char *table, const char *column, const char *type)\n"
	                  "{\n"
	                  "\tconst char *found = sg_column_type(sg, table, column);\n\n"
	                  "\treturn found != NULL && strcmp(found, type) == 0;\n"
	                  "}\n\n",
	                  "column_is(" },
	[SG_KEPT_NOT_NULL] = { "column_not_null(sg, %r, %m)",
	               "static int column_not_null(sg_ctx *sg, const char *table, const char *column)\n"
	               "{\n"
	               "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	               "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND attnotnull\",\n"
	               "\t                 SG_ARGS(table, column));\n"
	               "}\n\n",
	               "column_not_null(" },
	[SG_KEPT_NULLABLE] = { "column_nullable(sg, %r, %m)",
	               "static int column_nullable(sg_ctx *sg, const char *table, const char *column)\n"
	               "{\n"
	               "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	               "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND NOT attnotnull\",\n"
	               "\t                 SG_ARGS(table, column));\n"
	               "}\n\n",
	               "column_nullable(" },
	[SG_KEPT_INDEX] = { "sg_index_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_CONSTRAINT] = { "sg_constraint_exists(sg, %r, %m)", NULL, NULL },
	[SG_KEPT_VALIDATED] = { "constraint_is_valid(sg, %r, %m)",
	                "/* All rows were checked. */\n"
	                "static int constraint_is_valid(sg_ctx *sg, const char *table, const char *constraint)\n"
	                "{\n"
	                "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_constraint\"\n"
	                "\t                     \" WHERE conrelid = pg_catalog.to_regclass($1) AND conname = $2 AND convalidated\",\n"
	                "\t                 SG_ARGS(table, constraint));\n"
	                "}\n\n",
	                "constraint_is_valid(" },
	[SG_KEPT_TYPE] = { "sg_type_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_ENUM_VALUE] = { "sg_enum_value_exists(sg, %r, %m)", NULL, NULL },
	[SG_KEPT_FUNCTION] = { "sg_function_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_BODY] = { "function_is(sg, %r,\n\t                   %x)",
	           "/* A function or procedure, with this body. */\n"
	           "static int function_is(sg_ctx *sg, const char *signature, const char *body)\n"
	           "{\n"
	           "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_proc\"\n"
	           "\t                     \" WHERE oid = pg_catalog.to_regprocedure($1) AND prosrc = $2\",\n"
	           "\t                 SG_ARGS(signature, body));\n"
	           "}\n\n",
	           "function_is(" },
	[SG_KEPT_TRIGGER] = { "sg_trigger_exists(sg, %r, %m)", NULL, NULL },
	[SG_KEPT_VIEW] = { "sg_view_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_POLICY] = { "sg_policy_exists(sg, %r, %m)", NULL, NULL },
	[SG_KEPT_EXTENSION] = { "sg_extension_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_SCHEMA] = { "sg_schema_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_SEQUENCE] = { "sg_sequence_exists(sg, %r)", NULL, NULL },
	[SG_KEPT_TABLE_COMMENT] = { "table_comment_is(sg, %r, %x)",
	                    "static int table_comment_is(sg_ctx *sg, const char *table, const char *comment)\n"
	                    "{\n"
	                    "\treturn sg_exists(sg, \"SELECT 1 WHERE pg_catalog.obj_description(pg_catalog.to_regclass($1), 'pg_class') = $2\",\n"
	                    "\t                 SG_ARGS(table, comment));\n"
	                    "}\n\n",
	                    "table_comment_is(" },
	[SG_KEPT_COLUMN_COMMENT] = { "column_comment_is(sg, %r, %m, %x)",
	                     "static int column_comment_is(sg_ctx *sg, const char *table, const char *column, const char *comment)\n"
	                     "{\n"
	                     "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_attribute\"\n"
	                     "\t                     \" WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2\"\n"
	                     "\t                     \" AND pg_catalog.col_description(attrelid, attnum) = $3\",\n"
	                     "\t                 SG_ARGS(table, column, comment));\n"
	                     "}\n\n",
	                     "column_comment_is(" },
	[SG_KEPT_ROW_SECURITY] = { "row_security_is_on(sg, %r)",
	                   "static int row_security_is_on(sg_ctx *sg, const char *table)\n"
	                   "{\n"
	                   "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_class\"\n"
	                   "\t                     \" WHERE oid = pg_catalog.to_regclass($1) AND relrowsecurity\", SG_ARGS(table));\n"
	                   "}\n\n",
	                   "row_security_is_on(" },
	[SG_KEPT_PARTITION] = { "is_partition(sg, %r, %m)",
	                "static int is_partition(sg_ctx *sg, const char *parent, const char *child)\n"
	                "{\n"
	                "\treturn sg_exists(sg, \"SELECT 1 FROM pg_catalog.pg_inherits WHERE inhparent = pg_catalog.to_regclass($1)\"\n"
	                "\t                     \" AND inhrelid = pg_catalog.to_regclass($2)\", SG_ARGS(parent, child));\n"
	                "}\n\n",
	                "is_partition(" },
};

/* As SQL reads it: what is no plain name is quoted. */
static const char *sql_name(struct sg_fingerprint *f, const char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return name[plain] == '\0' && name[0] != '\0' && (name[0] < '0' || name[0] > '9') ? name : sg_tree_quote(f->arena, name);
}

static const char *relation_name(struct sg_fingerprint *f, const struct sg_kept *o)
{
	const char *name;

	if (o->kind == SG_KEPT_EXTENSION || o->kind == SG_KEPT_SCHEMA)
		return o->name.name;
	name = sql_name(f, o->name.name);
	if (o->name.schema != NULL)
		name = sg_arena_printf(f->arena, "%s.%s", sql_name(f, o->name.schema), name);
	return o->arguments != NULL ? sg_arena_printf(f->arena, "%s%s", name, o->arguments) : name;
}

static const char *question(struct sg_fingerprint *f, const struct sg_kept *o)
{
	const char *member = o->kind == SG_KEPT_PARTITION && o->extra != NULL
	                             ? sg_arena_printf(f->arena, "%s.%s", sql_name(f, o->extra), sql_name(f, o->member))
	                     : o->kind == SG_KEPT_PARTITION ? sql_name(f, o->member)
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
static const char *whole_question(struct sg_fingerprint *f, const struct sg_kept *o)
{
	struct sg_kept table = { .kind = SG_KEPT_TABLE, .name = o->name };
	const char *text = question(f, o);

	return o->gone && sg_kept_is_of_table(o->kind) ? sg_arena_printf(f->arena, "%s && %s", question(f, &table), text) : text;
}

/* A question of the name that it had, or the one that it has when all has run. */
static const char *lasting_question(struct sg_fingerprint *f, const struct sg_kept *o)
{
	struct sg_kept now = *o;

	if (o->now.name == NULL && o->now_member == NULL)
		return whole_question(f, o);
	now.name = sg_kept_name_now(o);
	now.member = sg_kept_member_now(o);
	return sg_arena_printf(f->arena, "(%s || %s)", whole_question(f, o), whole_question(f, &now));
}

/* Went with its table or column, which the model follows. */
static void look_at_the_end(struct sg_fingerprint *f, struct sg_kept *o)
{
	const struct sg_model_table *table = sg_model_table(f->model, sg_kept_name_now(o));

	if (o->gone || o->later != NULL)
		return;
	if (o->kind == SG_KEPT_INDEX && sg_model_index(f->model, sg_kept_name_now(o), NULL) == NULL)
		o->later = "gone when all has run";
	else if ((o->kind == SG_KEPT_CONSTRAINT || o->kind == SG_KEPT_VALIDATED) && table != NULL && table->known &&
	         sg_model_constraint(table, sg_kept_member_now(o)) == NULL)
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
		const struct sg_kept *o = &f->objects[i];

		while (next < f->asks->count && f->asks->list[next].statement < o->statement)
			sg_asks_append(f, asks, f->asks->list[next++]);
		if (o->name.name != NULL)
			sg_asks_append(f, asks, (struct sg_asked){ .statement = o->statement,
			                                   .question = o->undone == NULL ? lasting_question(f, o) : NULL,
			                                   .why = o->undone });
	}
	while (next < f->asks->count)
		sg_asks_append(f, asks, f->asks->list[next++]);
	return asks;
}

void sg_fingerprint_helpers(struct sg_buf *out, const struct sg_asks *asks)
{
	for (size_t k = 0; k < SG_KEPT_KINDS; k++)
		for (size_t i = 0; asked[k].helper != NULL && i < asks->count; i++)
			if (asks->list[i].question != NULL && strstr(asks->list[i].question, asked[k].name) != NULL) {
				sg_buf_adds(out, asked[k].helper);
				break;
			}
}
