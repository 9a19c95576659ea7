/* existing.c - compares what exists with what a statement would have made.
 *
 * Only SQLSTATE brings us here; this decides whether "already exists" may pass. */
#include "config.h"
#include "core/exec/existing.h"

#include <string.h>

#include "core/base/buf.h"

static const char *qualified(const struct sg_relation *relation, struct sg_arena *arena)
{
	const char *name = sg_db_identifier(arena, relation->name);

	return relation->schema == NULL ? name
	                                : sg_arena_printf(arena, "%s.%s", sg_db_identifier(arena, relation->schema), name);
}

static int differs(struct sg_err *err, const char *what, const char *there, const char *wanted)
{
	sg_err_set(err, SG_CLASS_SQL, "%s is there already, and is not what the statement wants", what);
	sg_err_detail(err, "There: %s. Wanted: %s.", there, wanted);
	return sg_err_hint(err, "Bring the database or the migration in line by hand; nothing was changed.");
}

static int compare_kind(struct sg_db *db, const struct sg_verdict *verdict, const char *kinds, const char *wanted,
                        struct sg_arena *arena, struct sg_err *err)
{
	const char *name = qualified(&verdict->object, arena);
	struct sg_result *result;
	const char *kind;

	if (sg_db_query(db, "SELECT relkind FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1)", 1,
	                (const char *[]){ name }, arena, &result, err) != 0)
		return -1;
	kind = sg_result_rows(result) > 0 ? sg_result_value(result, 0, 0) : NULL;
	if (kind == NULL || strchr(kinds, kind[0]) == NULL)
		return differs(err, name, kind == NULL ? "a type of that name" : "another kind of relation", wanted);
	return 0;
}

/* What the letters of the catalogue's kind columns stand for. */
struct kind {
	char letter;
	const char *text;
};

static const struct kind constraint_kinds[] = { { 'c', "a CHECK constraint" },     { 'f', "a foreign key" },
	                                        { 'p', "a primary key" },          { 'u', "a UNIQUE constraint" },
	                                        { 'x', "an exclusion constraint" }, { 0, "an index or relation of that name" } };
static const struct kind type_kinds[] = { { 'c', "a composite type" }, { 'd', "a domain" }, { 'e', "an enum" },
	                                  { 'r', "a range type" },     { 0, "another kind of type" } };
static const struct kind routine_kinds[] = { { 'f', "a function" }, { 'p', "a procedure" },
	                                     { 0, "another kind of routine" } };

static const char *kind_text(const struct kind *kinds, char letter)
{
	while (kinds->letter != 0 && kinds->letter != letter)
		kinds++;
	return kinds->text;
}

/* sql gives the kind's letter for two parameters. */
static int compare_catalogue(struct sg_db *db, const struct sg_verdict *verdict, const char *sql, const char *const *values,
                             const char *what, const struct kind *kinds, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *result;
	char there;

	if (sg_db_query(db, sql, 2, values, arena, &result, err) != 0)
		return -1;
	there = sg_result_rows(result) > 0 ? sg_result_value(result, 0, 0)[0] : '\0';
	if (there == verdict->catalogue_kind)
		return 0;
	return differs(err, what, kind_text(kinds, there), kind_text(kinds, verdict->catalogue_kind));
}

/* The types as the server itself reads them: format_type of the declared text. */
static int compare_columns(struct sg_db *db, const struct sg_verdict *verdict, bool all, struct sg_arena *arena,
                           struct sg_err *err)
{
	const char *name = qualified(&verdict->object, arena);
	struct sg_buf there = SG_BUF_INIT, wanted = SG_BUF_INIT;
	struct sg_result *result;
	int status = -1;

	if (sg_db_query(db,
	                "SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute"
	                " WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
	                1, (const char *[]){ name }, arena, &result, err) != 0)
		goto done;
	for (size_t i = 0; i < verdict->column_count; i++) {
		const struct sg_wanted_column *column = &verdict->columns[i];
		const char *type = NULL;

		for (int row = 0; row < sg_result_rows(result); row++)
			if (strcmp(sg_result_value(result, row, 0), column->name) == 0)
				type = sg_result_value(result, row, 1);
		if (type == NULL) {
			sg_buf_addf(&there, "%sno column %s", there.length ? ", " : "", column->name);
			sg_buf_addf(&wanted, "%s%s %s", wanted.length ? ", " : "", column->name, column->type ? column->type : "");
		} else if (column->type != NULL) {
			struct sg_result *same;

			/* A cast to regtype drops the length; a column of a throw-away
			 * record keeps it. */
			const char *sql = sg_arena_printf(arena,
			                                  "SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM"
			                                  " pg_catalog.pg_attribute a WHERE a.attrelid ="
			                                  " 'pg_temp.sgrun_wanted'::pg_catalog.regclass AND a.attnum = 1");

			if (sg_db_script(db,
			                 sg_arena_printf(arena,
			                                 "SAVEPOINT sgrun_type; CREATE TEMPORARY TABLE sgrun_wanted (c %s) ON COMMIT DROP",
			                                 column->type),
			                 err) != 0 ||
			    sg_db_query(db, sql, 0, NULL, arena, &same, err) != 0 ||
			    sg_db_script(db, "ROLLBACK TO SAVEPOINT sgrun_type; RELEASE SAVEPOINT sgrun_type", err) != 0)
				goto done;
			if (strcmp(sg_result_value(same, 0, 0), type) != 0) {
				sg_buf_addf(&there, "%s%s %s", there.length ? ", " : "", column->name, type);
				sg_buf_addf(&wanted, "%s%s %s", wanted.length ? ", " : "", column->name, sg_result_value(same, 0, 0));
			}
		}
	}
	for (int row = 0; all && row < sg_result_rows(result); row++) {
		bool declared = false;

		for (size_t i = 0; i < verdict->column_count; i++)
			declared = declared || strcmp(verdict->columns[i].name, sg_result_value(result, row, 0)) == 0;
		if (!declared) {
			sg_buf_addf(&there, "%scolumn %s %s", there.length ? ", " : "", sg_result_value(result, row, 0),
			            sg_result_value(result, row, 1));
			sg_buf_addf(&wanted, "%sno column %s", wanted.length ? ", " : "", sg_result_value(result, row, 0));
		}
	}
	status = there.length == 0 ? 0 : differs(err, name, there.data, wanted.data);
done:
	sg_buf_release(&there);
	sg_buf_release(&wanted);
	return status;
}

int sg_existing_compare(struct sg_db *db, const struct sg_verdict *verdict, struct sg_arena *arena, struct sg_err *err)
{
	switch (verdict->makes) {
	case SG_MAKES_TABLE:
		if (compare_kind(db, verdict, "rp", "a table", arena, err) != 0)
			return -1;
		return compare_columns(db, verdict, true, arena, err);
	case SG_MAKES_COLUMN:
		return compare_columns(db, verdict, false, arena, err);
	case SG_MAKES_VIEW:
		return compare_kind(db, verdict, "v", "a view", arena, err);
	case SG_MAKES_SEQUENCE:
		return compare_kind(db, verdict, "S", "a sequence", arena, err);
	case SG_MAKES_CONSTRAINT:
		/* 42P07 names an index: without a constraint on this very table it is another's. */
		return compare_catalogue(db, verdict,
		                         "SELECT contype FROM pg_catalog.pg_constraint"
		                         " WHERE conrelid = pg_catalog.to_regclass($1) AND conname = $2",
		                         (const char *[]){ qualified(&verdict->object, arena), verdict->member },
		                         verdict->member, constraint_kinds, arena, err);
	case SG_MAKES_TYPE:
		if (compare_catalogue(db, verdict,
		                      "SELECT typtype FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype($1) AND $2::text IS NULL",
		                      (const char *[]){ qualified(&verdict->object, arena), NULL },
		                      qualified(&verdict->object, arena), type_kinds, arena, err) != 0)
			return -1;
		return verdict->catalogue_kind == 'c' ? compare_columns(db, verdict, true, arena, err) : 0;
	case SG_MAKES_FUNCTION:
		return compare_catalogue(db, verdict,
		                         "SELECT prokind FROM pg_catalog.pg_proc"
		                         " WHERE oid = pg_catalog.to_regprocedure($1) AND $2::text IS NULL",
		                         (const char *[]){ verdict->signature, NULL }, verdict->signature, routine_kinds, arena,
		                         err);
	case SG_MAKES_SCHEMA:
	case SG_MAKES_POLICY:
	case SG_MAKES_EXTENSION:
		return 0; /* the SQLSTATE says all that the catalogue would */
	case SG_MAKES_NOTHING:
		break;
	}
	SG_BUG("compared an object that no statement makes");
}
