/* Fields, cuts, colours, and the status line, for terminals of several widths. */
#include "core/cli/live.h"
#include "core/cli/look.h"

#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;
static const struct sg_look plain = { .width = 0 };
static const struct sg_look colored = { .live = true, .color = true, .width = 80 };

static void release(void *unused)
{
	(void)unused;
	sg_buf_release(&out);
}

static void start(void)
{
	sg_test_defer(release, NULL);
	sg_buf_clear(&out);
}

SG_TEST(fields_are_padded_by_characters)
{
	start();
	sg_look_field(&out, &plain, SG_TONE_GOOD, "né", 4, false);
	sg_buf_addc(&out, '|');
	sg_look_right(&out, &plain, SG_TONE_PLAIN, "né", 4);
	T_EQ_STR(out.data, "né  |  né");
}

SG_TEST(cut_in_the_middle)
{
	start();
	sg_look_field(&out, &colored, SG_TONE_PLAIN, "0113_unique_run_lead_constraint", 15, true);
	T_EQ_STR(out.data, "0113_u...traint");
	sg_buf_clear(&out);
	sg_look_field(&out, &colored, SG_TONE_PLAIN, "ééééééééééééé", 9, true);
	T_EQ_STR(out.data, "ééé...ééé");
	sg_buf_clear(&out);
	sg_look_field(&out, &colored, SG_TONE_PLAIN, "too long", 4, false);
	T_EQ_STR(out.data, "too long");
}

SG_TEST(colours_only_where_wanted)
{
	start();
	sg_look_add(&out, &colored, SG_TONE_BAD, "x");
	T_EQ_STR(out.data, "\033[1;31mx\033[0m");
	sg_buf_clear(&out);
	sg_look_field(&out, &colored, SG_TONE_GOOD, "x", 3, false);
	T_EQ_STR(out.data, "\033[32mx\033[0m  "); /* padding counts characters, not colours */
	sg_buf_clear(&out);
	sg_look_add(&out, &plain, SG_TONE_BAD, "x");
	T_EQ_STR(out.data, "x");
}

SG_TEST(what_comes_from_outside_cannot_move_the_cursor)
{
	start();
	sg_look_add(&out, &plain, SG_TONE_PLAIN, "a\033[2Jb\nc\xff");
	T_EQ_STR(out.data, "a\\x1b[2Jb c\\xff");
	T_EQ_INT(sg_look_chars("a\033b"), 6);
}

SG_TEST(a_column_leaves_room)
{
	T_EQ_INT(sg_look_column(&plain, 200), 200);
	T_EQ_INT(sg_look_column(&colored, 200), 40);
	T_EQ_INT(sg_look_column(&colored, 20), 20);
}

SG_TEST(counts_read_well)
{
	start();
	sg_look_count(&out, 1, "index");
	sg_buf_addc(&out, ' ');
	sg_look_count(&out, 2, "index");
	sg_buf_addc(&out, ' ');
	sg_look_count(&out, 1, "backfill");
	sg_buf_addc(&out, ' ');
	sg_look_count(&out, 0, "migration");
	T_EQ_STR(out.data, "1 index 2 indexes 1 backfill 0 migrations");
}

SG_TEST(the_status_line_fits)
{
	struct sg_look narrow = { .live = true, .width = 50 };

	start();
	sg_live_render(&out, &narrow, "[3/7] 0096_lead_name", "ALTER TABLE leads", 3210);
	T_EQ_STR(out.data, "  [3/7] 0096_lead_name  ALTER TABLE leads  3.2 s");
	sg_buf_clear(&out);
	sg_live_render(&out, &narrow, "[3/7] 0096_lead_name", "waits for a lock on leads, held by pid 4711", 3210);
	T_EQ_STR(out.data, "  [3/7] 00...ead_name  waits for a lock...  3.2 s");
	T_EQ_INT(sg_look_chars(out.data), 49);
	sg_buf_clear(&out);
	sg_live_render(&out, &narrow, "[3/7] 0113_a_very_long_identity_that_takes_all_room", "text", 3210);
	T_EQ_INT(sg_look_chars(out.data), 49);
	T_CONTAINS(out.data, "...");
	T_CONTAINS(out.data, "  text  3.2 s");
	sg_buf_clear(&out);
	sg_live_render(&out, &narrow, "[3/7] 0096_lead_name", "", 10);
	T_EQ_STR(out.data, "  [3/7] 0096_lead_name  10 ms");
	sg_buf_clear(&out);
	sg_live_render(&out, &plain, "head", "text", 5);
	T_EQ_STR(out.data, "  head  text  5 ms");
}

static const struct sg_test tests[] = {
	SG_CASE(fields_are_padded_by_characters), SG_CASE(cut_in_the_middle), SG_CASE(colours_only_where_wanted),
	SG_CASE(what_comes_from_outside_cannot_move_the_cursor), SG_CASE(a_column_leaves_room), SG_CASE(counts_read_well),
	SG_CASE(the_status_line_fits), SG_CASES_END
};
static const struct sg_suite suites[] = { { "look", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
