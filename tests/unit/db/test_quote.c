/* Text made into SQL, and rows in an arena. */
#include "config.h"
#include "core/db/db.h"
#include "core/db/result.h"
#include "tests/kit/test.h"

SG_TEST(quotes_names_and_texts)
{
	struct sg_arena arena = SG_ARENA_INIT;

	T_EQ_STR(sg_db_identifier(&arena, "leads"), "\"leads\"");
	T_EQ_STR(sg_db_identifier(&arena, "a\"b"), "\"a\"\"b\"");
	T_EQ_STR(sg_db_identifier(&arena, ""), "\"\"");
	T_EQ_STR(sg_db_literal(&arena, "it's"), "'it''s'");
	T_EQ_STR(sg_db_literal(&arena, "back\\slash"), "'back\\slash'");
	T_EQ_STR(sg_db_literal(&arena, "'';--"), "''''';--'");
	T_EQ_STR(sg_db_literal(&arena, "ä"), "'ä'");
	sg_arena_release(&arena);
}

SG_TEST(writes_arrays)
{
	static const char *const values[] = { "a", "b c", NULL, "", "q\"\\", "NULL", "{,}" };
	struct sg_arena arena = SG_ARENA_INIT;

	T_EQ_STR(sg_db_text_array(&arena, values, 7), "{\"a\",\"b c\",NULL,\"\",\"q\\\"\\\\\",\"NULL\",\"{,}\"}");
	T_EQ_STR(sg_db_text_array(&arena, NULL, 0), "{}");
	T_EQ_STR(sg_db_text_array(&arena, values + 2, 1), "{NULL}");
	sg_arena_release(&arena);
}

SG_TEST(keeps_rows)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_result *result = sg_result_new(&arena, 3);
	static const char *const values[] = { "12345", "t", NULL };
	static const int lengths[] = { 2, 1, -1 };

	T_EQ_INT(sg_result_rows(result), 0);
	T_EQ_STR(sg_result_tag(result), "");
	sg_result_set_name(result, 0, "id");
	for (int i = 0; i < 100; i++)
		sg_result_add_row(result, values, lengths);
	sg_result_set_tag(result, "SELECT 100", 100);
	T_EQ_INT(sg_result_rows(result), 100);
	T_EQ_INT(sg_result_columns(result), 3);
	T_EQ_STR(sg_result_name(result, 0), "id");
	T_EQ_STR(sg_result_name(result, 2), "");
	T_EQ_STR(sg_result_value(result, 99, 0), "12");
	T_EQ_INT(sg_result_int(result, 0, 0), 12);
	T_TRUE(sg_result_true(result, 50, 1));
	T_NULL(sg_result_value(result, 0, 2));
	T_EQ_INT(sg_result_int(result, 0, 2), 0);
	T_FALSE(sg_result_true(result, 0, 2));
	T_EQ_INT(sg_result_affected(result), 100);
	sg_arena_release(&arena);
}

static const struct sg_test tests[] = { SG_CASE(quotes_names_and_texts), SG_CASE(writes_arrays), SG_CASE(keeps_rows),
	SG_CASES_END };
static const struct sg_suite suites[] = { { "quote", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
