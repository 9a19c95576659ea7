/* What an old tree is forgiven: which changes keep a finding known, and which make it new. */
#include "config.h"

#include "core/audit/baseline.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct sg_arena arena;
static struct sg_err err;

static void release(void *arg)
{
    (void)arg;
    sg_arena_release(&arena);
    sg_err_release(&err);
    sg_err_init(&err);
}

static const char *write_file(const char *text, size_t length)
{
    const char *path = sg_test_strf("%s/baseline", sg_tmp_new("base", 0755, (uid_t)-1, (gid_t)-1));
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        T_FATAL("%s cannot be written", path);
    return path;
}

static struct sg_baseline *read_text(const char *text)
{
    struct sg_baseline *baseline = NULL;

    release(NULL);
    sg_test_defer(release, NULL);
    if (sg_baseline_read(write_file(text, strlen(text)), &arena, &baseline, &err) != 0)
        T_FATAL("%s", err.primary);
    return baseline;
}

static const char *line(const char *migration, const char *rule, const char *statement, const char *place)
{
    struct sg_buf buf = SG_BUF_INIT;
    const char *text;

    sg_baseline_line(&buf, migration, rule, statement, place);
    text = sg_test_strf("%s", buf.data);
    sg_buf_release(&buf);
    return text;
}

/* Is the finding of the line known, if it is that one now? */
static bool knows(const char *migration, const char *rule, const char *statement)
{
    const char *text = line("12", "index.create_blocking", "CREATE INDEX i ON t (a)", "db/V12__x.sql:3");

    return sg_baseline_known(read_text(text), migration, rule, statement);
}

SG_TEST(what_stays_known)
{
    T_TRUE(knows("12", "index.create_blocking", "CREATE INDEX i ON t (a)"));
    /* laid out anew */
    T_TRUE(knows("12", "index.create_blocking", "CREATE INDEX i\n    ON t (a)"));
    T_TRUE(knows("12", "index.create_blocking", "  CREATE  INDEX\ti ON t (a)\r\n"));
    /* the place is for people only: the line can move, the file be renamed */
    T_EQ_STR(line("1", "a", "b", "f.sql:3"), sg_test_strf("%.16s a f.sql:3\n", line("1", "a", "b", "g.sql:9")));
}

SG_TEST(what_is_new)
{
    T_FALSE(knows("13", "index.create_blocking", "CREATE INDEX i ON t (a)"));
    T_FALSE(knows("12", "index.hash", "CREATE INDEX i ON t (a)"));
    T_FALSE(knows("12", "index.create_blocking", "CREATE INDEX i ON t (b)"));
    T_FALSE(knows("12", "index.create_blocking", "CREATE INDEX i ON T (a)"));
    T_FALSE(knows("12", "index.create_blocking", "CREATE INDEX i ON t(a)"));
    /* nothing slips from one part into the other */
    T_FALSE(sg_baseline_known(read_text(line("1", "2a", "b", "x")), "12", "a", "b"));
    T_FALSE(sg_baseline_known(NULL, "12", "a", "b"));
    T_EQ_INT(sg_baseline_unmet(NULL), 0);
}

SG_TEST(each_line_counts_once)
{
    const char *one = line("1", "a", "b", "f:1"), *other = line("1", "c", "b", "f:1");
    struct sg_baseline *baseline = read_text(sg_test_strf("# known\n\n%s%s%s   \n%.16s", one, other, one, line("2", "c", "b", "f:1")));

    T_EQ_INT(sg_baseline_unmet(baseline), 4);
    T_TRUE(sg_baseline_known(baseline, "1", "a", "b"));
    T_TRUE(sg_baseline_known(baseline, "1", "a", "b"));
    T_FALSE(sg_baseline_known(baseline, "1", "a", "b"));
    T_TRUE(sg_baseline_known(baseline, "2", "c", "b"));
    T_EQ_INT(sg_baseline_unmet(baseline), 1);
    T_TRUE(sg_baseline_known(baseline, "1", "c", "b"));
    T_EQ_INT(sg_baseline_unmet(baseline), 0);
    T_EQ_INT(sg_baseline_unmet(read_text("")), 0);
    T_EQ_INT(sg_baseline_unmet(read_text(sg_test_strf("%.16s a f:1\r\n", one))), 1);
}

/* "line: what" */
static const char *refused(const char *text, size_t length)
{
    struct sg_baseline *baseline;

    release(NULL);
    sg_test_defer(release, NULL);
    if (sg_baseline_read(write_file(text, length), &arena, &baseline, &err) == 0)
        return "read";
    T_EQ_INT(err.class, SG_CLASS_MANIFEST);
    T_NOT_NULL(err.hint);
    T_NOT_NULL(err.file);
    return sg_test_strf("%d: %s", err.line, err.primary);
}

SG_TEST(hostile_files)
{
    struct sg_baseline *baseline;
    const char *path;

    T_EQ_STR(refused("# a\nCREATE TABLE t", 18), "2: this line is none of a baseline");
    T_EQ_STR(refused("0123456789abcde", 15), "1: this line is none of a baseline");
    T_EQ_STR(refused("0123456789ABCDEF a", 18), "1: this line is none of a baseline");
    T_EQ_STR(refused("0123456789abcdef0 a", 19), "1: this line is none of a baseline");
    T_EQ_STR(refused(" 0123456789abcdef a", 19), "1: this line is none of a baseline");
    T_EQ_STR(refused("0123456789abcdef\n\0\0\0", 20), "2: this line is none of a baseline");
    T_EQ_STR(refused("0123456789\nabcdef", 17), "1: this line is none of a baseline");
    path = write_file("", 0);
    T_EQ_INT(truncate(path, ((off_t)16 << 20) + 1), 0);
    T_EQ_INT(sg_baseline_read(path, &arena, &baseline, &err), -1);
    T_CONTAINS(err.primary, "too large");
    sg_err_clear(&err);
    T_EQ_INT(sg_baseline_read(sg_test_strf("%s/none", sg_tmp_base()), &arena, &baseline, &err), -1);
    T_CONTAINS(err.primary, "No such file");
    sg_err_clear(&err);
    T_EQ_INT(sg_baseline_read("/dev/zero", &arena, &baseline, &err), -1);
    T_CONTAINS(err.primary, "a device");
}

/* A line of a baseline is one line, whatever the place is called. */
SG_TEST(odd_places)
{
    T_EQ_STR(line("1", "a", "b", "a\nb\x1b.sql:1"), sg_test_strf("%.16s a a b\\x1b.sql:1\n", line("1", "a", "b", "")));
}

static const struct sg_test tests[] = {SG_CASE(what_stays_known), SG_CASE(what_is_new), SG_CASE(each_line_counts_once),
                                       SG_CASE(hostile_files), SG_CASE(odd_places), SG_CASES_END};
static const struct sg_suite suites[] = {{"baseline", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
