/* The result of `sgrun test` as TAP and as JSON. */
#include "core/cli/render_tap.h"

#include <stdlib.h>

#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;
static struct sg_err err = SG_ERR_INIT;

static void release(void *unused)
{
	(void)unused;
	sg_buf_release(&out);
	sg_err_release(&err);
}

static const char *tap(const struct sg_trial *trial)
{
	sg_test_defer(release, NULL);
	sg_buf_clear(&out);
	sg_render_tap(&out, trial);
	return out.data;
}

static const char *notes[] = { "sent: ALTER TABLE t\n; not ok 9" };
static const char *left_out[] = { "x.sql, line 3" };
static struct sg_trial_point points[3];

static struct sg_trial make(void)
{
	points[0] = (struct sg_trial_point){ .step = "0096 #1\\", .what = "it runs" };
	points[1] = (struct sg_trial_point){ .step = "b\nok 7 - x", .what = "it runs", .end = SG_TRIAL_NOT_OK, .err = &err,
		                             .notes = notes, .note_count = 1 };
	points[2] = (struct sg_trial_point){ .step = "c", .what = "again", .end = SG_TRIAL_SKIPPED, .why = "it # is \xff" };
	sg_err_set(&err, SG_CLASS_SQL, "column \"n\" is there");
	sg_err_sqlstate(&err, "42701");
	sg_err_hint(&err, "Say \\n.");
	sg_err_statement(&err, "ALTER TABLE t\n\tADD n int\x1b", 0);
	sg_err_at(&err, "m.ini", 12);
	return (struct sg_trial){ .server_version = 15, .schema_from = "x.sql", .left_out = left_out, .left_out_count = 1,
		                  .points = points, .count = 3, .failed = 1, .skipped = 1 };
}

SG_TEST(gives_a_line_a_point)
{
	struct sg_trial trial = make();

	T_EQ_STR(tap(&trial), "TAP version 13\n"
	                      "1..3\n"
	                      "# on PostgreSQL 15, x.sql\n"
	                      "# left out of the schema: x.sql, line 3\n"
	                      "ok 1 - 0096 \\#1\\\\: it runs\n"
	                      "not ok 2 - b ok 7 - x: it runs\n"
	                      "  ---\n"
	                      "  message: \"column \\\"n\\\" is there\"\n"
	                      "  class: \"sql\"\n"
	                      "  sqlstate: \"42701\"\n"
	                      "  hint: \"Say \\\\n.\"\n"
	                      "  statement: \"ALTER TABLE t\\n\\tADD n int\\\\x1b\"\n"
	                      "  file: \"m.ini\"\n"
	                      "  line: 12\n"
	                      "  ...\n"
	                      "# sent: ALTER TABLE t ; not ok 9\n"
	                      "ok 3 - c: again # SKIP it \\# is \\\\xff\n");
}

SG_TEST(without_a_server)
{
	struct sg_trial trial = { .count = 0 };

	T_EQ_STR(tap(&trial), "TAP version 13\n1..0\n");
}

SG_TEST(as_json)
{
	struct sg_trial trial = make();
	struct sg_json *json = sg_json_object(), *point;
	char *text;

	sg_test_defer(release, NULL);
	sg_render_tap_json(json, &trial);
	T_EQ_INT(sg_json_int(sg_json_get(json, "postgresql")), 15);
	T_EQ_INT(sg_json_int(sg_json_get(json, "failed")), 1);
	T_EQ_INT(sg_json_int(sg_json_get(json, "skipped")), 1);
	T_EQ_STR(sg_json_text(sg_json_get(json, "schema")), "x.sql");
	T_MUST_EQ_INT(sg_json_count(sg_json_get(json, "points")), 3);
	point = sg_json_at(sg_json_get(json, "points"), 1);
	T_FALSE(sg_json_true(sg_json_get(point, "ok")));
	T_EQ_INT(sg_json_int(sg_json_get(point, "number")), 2);
	T_EQ_STR(sg_json_text(sg_json_get(sg_json_get(point, "error"), "sqlstate")), "42701");
	T_EQ_INT(sg_json_count(sg_json_get(point, "notes")), 1);
	point = sg_json_at(sg_json_get(json, "points"), 2);
	T_TRUE(sg_json_true(sg_json_get(point, "ok")));
	T_CONTAINS(sg_json_text(sg_json_get(point, "skip")), "it #");
	text = sg_json_dump(json, 0);
	T_LACKS(text, "\x1b");
	free(text);
	sg_json_free(json);
}

static const struct sg_test tests[] = { SG_CASE(gives_a_line_a_point), SG_CASE(without_a_server), SG_CASE(as_json), SG_CASES_END };
static const struct sg_suite suites[] = { { "render_tap", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
