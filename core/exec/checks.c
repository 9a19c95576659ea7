/* checks.c - one constant query for each question of plugin.h. */
#include "config.h"
#include "core/exec/checks.h"

#include "core/plugin/abi.h"

/* The relation that $1 names, but none of pg_temp: behind a pooler that is another
 * client's, on the same backend. */
#define RELATION \
	"(SELECT r.oid FROM pg_catalog.pg_class r WHERE r.oid = pg_catalog.to_regclass($1) AND r.relpersistence <> 't')"

static const struct question {
	uint32_t what;
	int parameters;
	const char *sql;
} questions[] = {
	{ SG_CHECK_TABLE, 1, "SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = " RELATION " AND c.relkind IN ('r', 'p', 'f')" },
	{ SG_CHECK_COLUMN, 2,
	  "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = " RELATION " AND attname = $2"
	  " AND attnum > 0 AND NOT attisdropped" },
	{ SG_CHECK_INDEX, 1, "SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid = " RELATION " AND indisvalid AND indisready" },
	{ SG_CHECK_CONSTRAINT, 2, "SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = " RELATION " AND conname = $2" },
	{ SG_CHECK_TYPE, 1,
	  "SELECT 1 FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype($1)"
	  " AND typnamespace <> pg_catalog.pg_my_temp_schema()" },
	{ SG_CHECK_ENUM_VALUE, 2,
	  "SELECT 1 FROM pg_catalog.pg_enum WHERE enumtypid = pg_catalog.to_regtype($1) AND enumlabel = $2" },
	/* to_regproc answers NULL for an overloaded name, too: look that up by hand */
	{ SG_CHECK_FUNCTION, 1,
	  "SELECT 1 WHERE CASE WHEN pg_catalog.strpos($1, '(') > 0 THEN pg_catalog.to_regprocedure($1) IS NOT NULL"
	  " ELSE pg_catalog.to_regproc($1) IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_proc p"
	  " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace,"
	  " LATERAL (SELECT pg_catalog.parse_ident($1) AS part) i"
	  " WHERE p.proname = part[pg_catalog.array_upper(part, 1)]"
	  " AND CASE WHEN pg_catalog.array_length(part, 1) = 1 THEN pg_catalog.pg_function_is_visible(p.oid)"
	  " ELSE n.nspname = part[1] END) END" },
	{ SG_CHECK_TRIGGER, 2,
	  "SELECT 1 FROM pg_catalog.pg_trigger WHERE tgrelid = " RELATION " AND tgname = $2 AND NOT tgisinternal" },
	{ SG_CHECK_VIEW, 1, "SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = " RELATION " AND c.relkind IN ('v', 'm')" },
	{ SG_CHECK_SEQUENCE, 1, "SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = " RELATION " AND c.relkind = 'S'" },
	{ SG_CHECK_SCHEMA, 1, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1" },
	{ SG_CHECK_EXTENSION, 1, "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = $1" },
	{ SG_CHECK_POLICY, 2, "SELECT 1 FROM pg_catalog.pg_policy WHERE polrelid = " RELATION " AND polname = $2" },
	{ SG_DESCRIBE_COLUMN_TYPE, 2,
	  "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute"
	  " WHERE attrelid = " RELATION " AND attname = $2 AND attnum > 0 AND NOT attisdropped" },
	{ SG_DESCRIBE_CONSTRAINT, 2,
	  "SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint"
	  " WHERE conrelid = " RELATION " AND conname = $2" },
};

static int ask(struct sg_db *db, uint32_t what, const char *a, const char *b, struct sg_arena *arena,
               struct sg_result **result_r, struct sg_err *err)
{
	const char *values[] = { a, b };

	for (size_t i = 0; i < SG_COUNT(questions); i++) {
		if (questions[i].what != what)
			continue;
		if (a == NULL || (questions[i].parameters == 2 && b == NULL)) {
			sg_err_set(err, SG_CLASS_FAILED, "a check was called with a NULL name");
			return sg_err_hint(err, "Give the check a table and a name.");
		}
		return sg_db_query(db, questions[i].sql, questions[i].parameters, values, arena, result_r, err);
	}
	return sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin asked for check %u, which does not exist", (unsigned)what);
}

int sg_check_ask(struct sg_db *db, uint32_t what, const char *a, const char *b, struct sg_arena *arena, int *answer_r,
                 struct sg_err *err)
{
	struct sg_result *result;

	if (ask(db, what, a, b, arena, &result, err) != 0)
		return -1;
	*answer_r = sg_result_rows(result) > 0;
	return 0;
}

int sg_check_describe(struct sg_db *db, uint32_t what, const char *a, const char *b, struct sg_arena *arena,
                      const char **text_r, struct sg_err *err)
{
	struct sg_result *result;

	if (ask(db, what, a, b, arena, &result, err) != 0)
		return -1;
	*text_r = sg_result_rows(result) > 0 ? sg_result_value(result, 0, 0) : NULL;
	return 0;
}
