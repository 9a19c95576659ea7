/* good_all.c - a migration that uses every check and accessor, and says what it got. */
#include <sgrun/plugin.h>

SG_MIGRATION("good_all", "every call there is");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "t") && sg_column_exists(sg, "t", "c") && sg_index_exists(sg, "i") &&
	       sg_constraint_exists(sg, "t", "k") && sg_type_exists(sg, "mood") &&
	       sg_enum_value_exists(sg, "mood", "sad") && sg_function_exists(sg, "f(int, text)") &&
	       sg_trigger_exists(sg, "t", "g") && sg_view_exists(sg, "v") && sg_sequence_exists(sg, "s") &&
	       sg_schema_exists(sg, "public") && sg_extension_exists(sg, "plpgsql") && sg_policy_exists(sg, "t", "p") &&
	       sg_column_type(sg, "t", "c") != NULL && sg_constraint_def(sg, "t", "k") != NULL;
}

int run(sg_ctx *sg)
{
	sg_result *result = sg_query(sg, "SELECT n, text FROM t WHERE a = $1 AND b IS NOT DISTINCT FROM $2", SG_ARGS("x", NULL));
	int last = sg_rows(sg, result) - 1;

	sg_ddlf(sg, "ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) /* 100%% %L %L %L */", "odd \"name\"", "order", "a > 0",
	        "it's", "back\\slash", (const char *)NULL);
	sg_log(sg, "option %s, no option %s", sg_option(sg, "color"), sg_option(sg, "none") == NULL ? "(none)" : "?");
	sg_progress(sg, 1, 2);
	if (sg_columns(sg, result) != 2 || sg_column(sg, result, "text") != 1 || sg_column(sg, result, "none") != -1)
		return sg_fail(sg, "columns");
	if (sg_value(sg, result, last + 1, 0) != NULL || sg_value(sg, result, 0, 2) != NULL ||
	    sg_value(sg, result, -1, 0) != NULL)
		return sg_fail(sg, "a value outside the result");
	if (sg_value_int(sg, result, last, 0, -1) != last || sg_value_int(sg, result, last, 1, -7) != -7 ||
	    sg_value_bool(sg, result, 0, 0, 5) != 5)
		return sg_fail(sg, "typed values");
	if (!sg_exists(sg, "SELECT 1", SG_NOARGS) || sg_scalar(sg, "SELECT 0", SG_NOARGS)[0] != '0')
		return sg_fail(sg, "exists or scalar");
	return SG_OK;
}
