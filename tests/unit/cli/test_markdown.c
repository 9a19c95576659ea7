/* Markdown: what comes from outside stays text, and stays in its cell. */
#include "core/cli/markdown.h"

#include <string.h>

#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;

static void release(void *unused)
{
	(void)unused;
	sg_buf_release(&out);
}

static struct sg_buf *fresh(void)
{
	sg_test_defer(release, NULL);
	sg_buf_clear(&out);
	return &out;
}

SG_TEST(text_is_no_markup)
{
	sg_md_text(fresh(), "a_b *c* <script> `x` [y](z) \\ | &amp; R&D __x_");
	T_EQ_STR(out.data, "a_b \\*c\\* \\<script> \\`x\\` [y]\\(z) \\\\ | \\&amp; R\\&D \\__x\\_");
	sg_md_text(fresh(), "one\ntwo\033[31m");
	T_EQ_STR(out.data, "one two\\\\x1b[31m");
	/* text that runs backwards, and lines that end where none seems to */
	sg_md_code(fresh(), "a\xe2\x80\xae" "b\xe2\x80\xa8" "c\xe2\x81\xa6" "d\xe2\x80\x93" "e");
	T_EQ_STR(out.data, "`a\\u202eb\\u2028c\\u2066d\xe2\x80\x93" "e`");
	sg_md_text(fresh(), "[backfill x] 3 < 4 & 5");
	T_EQ_STR(out.data, "[backfill x] 3 \\< 4 & 5");
}

SG_TEST(a_pipe_does_not_end_a_cell)
{
	sg_md_cell(fresh(), "a|b");
	T_EQ_STR(out.data, "a\\|b");
	sg_md_cell_code(fresh(), "SELECT a || b", SIZE_MAX);
	T_EQ_STR(out.data, "`SELECT a \\|\\| b`");
	sg_md_code(fresh(), "SELECT a || b");
	T_EQ_STR(out.data, "`SELECT a || b`");
	sg_md_cell(fresh(), "");
	T_EQ_STR(out.data, "-");
	sg_md_cell(fresh(), NULL);
	T_EQ_STR(out.data, "-");
}

SG_TEST(code_holds_backticks)
{
	sg_md_code(fresh(), "a`b``c");
	T_EQ_STR(out.data, "``` a`b``c ```");
	sg_md_code(fresh(), "");
	T_EQ_STR(out.data, "`''`");
	sg_md_code_cut(fresh(), "äöüß", 2);
	T_EQ_STR(out.data, "`äö…`");
	sg_md_code_cut(fresh(), "äöüß", 4);
	T_EQ_STR(out.data, "`äöüß`");
}

SG_TEST(a_fence_is_longer_than_those_in_it)
{
	sg_md_fence(fresh(), "sql", "SELECT 1\n````\nSELECT 2");
	T_EQ_STR(out.data, "`````sql\nSELECT 1\n````\nSELECT 2\n`````\n");
	sg_md_fence(fresh(), "", "x\n");
	T_EQ_STR(out.data, "```\nx\n```\n");
}

SG_TEST(heads_lists_and_numbers)
{
	static const char *const names[] = { "leads", "a|b" };

	sg_md_head(fresh(), "What|Count:");
	T_EQ_STR(out.data, "| What | Count |\n|---|---:|\n");
	sg_md_codes(fresh(), names, 2);
	T_EQ_STR(out.data, "`leads`, `a\\|b`");
	sg_md_codes(fresh(), names, 0);
	T_EQ_STR(out.data, "-");
	sg_md_count(fresh(), 1234, "index");
	T_EQ_STR(out.data, "1,234 indexes");
	sg_md_count(fresh(), 1, "row");
	T_EQ_STR(out.data, "1 row");
}

SG_TEST(times)
{
	sg_md_time(fresh(), 850);
	T_EQ_STR(out.data, "850 us");
	sg_md_time(fresh(), 12345);
	T_EQ_STR(out.data, "12.3 ms");
	sg_md_time(fresh(), 1240000);
	T_EQ_STR(out.data, "1.24 s");
	sg_md_time(fresh(), 125000000);
	T_EQ_STR(out.data, "2 min 5 s");
}

static const struct sg_test tests[] = { SG_CASE(text_is_no_markup), SG_CASE(a_pipe_does_not_end_a_cell),
	                                SG_CASE(code_holds_backticks), SG_CASE(a_fence_is_longer_than_those_in_it),
	                                SG_CASE(heads_lists_and_numbers), SG_CASE(times), SG_CASES_END };
static const struct sg_suite suites[] = { { "markdown", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
