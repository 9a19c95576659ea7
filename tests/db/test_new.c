/* `sgrun new`: what it writes can be built and loaded as it is, and nothing is overwritten. */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>
#include <unistd.h>

static struct sg_run_result sgrun(int expected, const char *const *words)
{
    const char *argv[20] = {sg_test_built("sgrun"), "--manifest", sg_test_strf("%s/m.ini", sg_tmp_dir()), "new"};
    struct sg_run_result result;

    for (size_t i = 0; words[i] != NULL; i++)
        argv[4 + i] = words[i];
    result = sg_run(&(struct sg_run_opts){.argv = argv});
    sg_test_check(SG_HERE_, false, result.exit == expected, "exit %d:\n%s%s", result.exit, result.out, result.err);
    return result;
}
#define NEW(expected, ...) sgrun((expected), (const char *const[]){__VA_ARGS__, NULL})

/* It compiles without a warning, and the manifest that was added to is loaded. */
static void builds(const char *name)
{
    const char *source = sg_test_strf("%s/steps/%s.c", sg_tmp_dir(), name), *so = sg_test_strf("%s/steps/%s.so", sg_tmp_dir(), name);
    struct sg_run_result result = sg_run(&(struct sg_run_opts){
        .argv = (const char *const[]){"/usr/bin/env", "cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-pedantic", "-Wall", "-Wextra", "-Werror",
                                      "-shared", "-fPIC", sg_test_strf("-I%s", sg_test_source("plugins/include")), "-o", so, source, NULL}});

    sg_test_check(SG_HERE_, false, result.exit == 0, "%s does not compile:\n%s", name, result.err);
}

SG_TEST(what_is_new_is_ready_to_build)
{
    struct sg_run_result result;

    sg_tmp_write("m.ini", "[sgrun]\nplugin_path = steps\n[database]\ndsn = embedded:db\n");
    (void)NEW(0, "migration", "0001_x", "--title", "it's \"x\"");
    (void)NEW(0, "backfill", "fill_x", "--table", "leads", "--key", "id");
    (void)NEW(0, "backfill", "fill_y", "--table", "crm.Leads", "--key", "tenant, id", "--after", "0001_x");
    (void)NEW(0, "backfill", "fill_z", "--table", "leads");
    builds("0001_x");
    builds("fill_x");
    builds("fill_y");
    builds("fill_z");
    result = sg_run(&(struct sg_run_opts){.argv = (const char *const[]){sg_test_built("sgrun"), "--manifest",
                                                                        sg_test_strf("%s/m.ini", sg_tmp_dir()), "check", NULL}});
    sg_test_check(SG_HERE_, false, result.exit == 0, "exit %d:\n%s%s", result.exit, result.out, result.err);
    T_CONTAINS(result.out, "1 migration, 0 indexes, 3 backfills: all is well");
}

SG_TEST(what_is_there_stays)
{
    const char *manifest = sg_tmp_write("m.ini", "[sgrun]\nplugin_path = steps\n[database]\ndsn = embedded:db\n"), *before;
    struct sg_run_result result;

    (void)NEW(0, "migration", "0001_x");
    before = sg_test_strf("%s", sg_tmp_read(manifest));
    result = NEW(2, "migration", "0001_x");
    T_CONTAINS(result.err, "the manifest has a migration 0001_x already");
    sg_tmp_write("steps/0002_y.c", "mine\n");
    result = NEW(2, "migration", "0002_y");
    T_CONTAINS(result.err, "0002_y.c is there already");
    T_EQ_STR(sg_tmp_read(sg_test_strf("%s/steps/0002_y.c", sg_tmp_dir())), "mine\n");
    T_EQ_STR(sg_tmp_read(manifest), before);
}

SG_TEST(mistakes)
{
    sg_tmp_write("m.ini", "[sgrun]\nplugin_path = steps\n[database]\ndsn = embedded:db\n");
    T_CONTAINS(NEW(2, "migration").err, "the new step has no name");
    T_CONTAINS(NEW(2, "table", "x").err, "only a migration or a backfill can be new");
    T_CONTAINS(NEW(2, "migration", "a", "b").err, "a step has one name");
    T_CONTAINS(NEW(2, "migration", "../a").err, "cannot be the name of a migration");
    T_CONTAINS(NEW(2, "backfill", "k").err, "a backfill needs --table");
    T_CONTAINS(NEW(2, "migration", "a", "--table", "t").err, "are a backfill's");
    T_CONTAINS(NEW(2, "backfill", "k", "--table", "t", "--after", "nothing").err, "nothing");
    T_TRUE(access(sg_test_strf("%s/steps", sg_tmp_dir()), F_OK) != 0);
}

static const struct sg_test tests[] = {SG_CASE(what_is_new_is_ready_to_build), SG_CASE(what_is_there_stays), SG_CASE(mistakes), SG_CASES_END};
static const struct sg_suite suites[] = {{"new", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
