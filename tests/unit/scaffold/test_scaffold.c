/* New steps: what is written, that nothing is overwritten, and that it is all or nothing. */
#include "config.h"

#include "core/scaffold/scaffold.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sg_arena arena;
static struct sg_scaffold scaffold;
static struct sg_scaffold_where where;
static struct sg_err err;

static void release(void *arg)
{
    (void)arg;
    sg_arena_release(&arena);
    sg_err_clear(&err);
}

static const char *setup(void)
{
    const char *folder = sg_tmp_dir();

    memset(&scaffold, 0, sizeof scaffold);
    sg_test_defer(release, NULL);
    where = (struct sg_scaffold_where){.folder = sg_test_strf("%s/steps", folder), .manifest = sg_tmp_write("m.ini", "[sgrun]\nplugin_path = steps"),
                                       .state_schema = "sgrun"};
    return folder;
}

SG_TEST(a_migration)
{
    const char *folder = setup(), *source;
    struct stat st;

    T_EQ_INT(sg_scaffold_migration(&where, "0118_x", "an \"x\" */ for all", &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_write(&scaffold, &err), 0);
    source = sg_tmp_read(sg_test_strf("%s/steps/0118_x.c", folder));
    T_CONTAINS(source, "SG_MIGRATION(\"0118_x\", \"an \\\"x\\\" * / for all\");");
    T_CONTAINS(source, "/* 0118_x.c - an \\\"x\\\" * / for all\n");
    T_LACKS(source, "@");
    T_EQ_STR(sg_tmp_read(where.manifest), "[sgrun]\nplugin_path = steps\n\n[migration 0118_x]\nplugin = 0118_x\n");
    T_EQ_INT(stat(sg_test_strf("%s/steps/0118_x.t", folder), &st), 0);
    T_TRUE((st.st_mode & 0100) != 0);
}

SG_TEST(backfills)
{
    const char *folder = setup(), *source;

    T_EQ_INT(sg_scaffold_backfill(&where, "fill_x", "crm.\303\244pfel", "id", "0118_x", &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_backfill(&where, "fill_y", "leads", "tenant, Id", NULL, &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_backfill(&where, "fill_z", "leads", NULL, NULL, &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_write(&scaffold, &err), 0);
    source = sg_tmp_read(sg_test_strf("%s/steps/fill_x.c", folder));
    T_CONTAINS(source, "\"crm.\\\"\303\244pfel\\\"\", \"id\", SG_REPEATABLE");
    T_CONTAINS(source, "FROM crm.\\\"\303\244pfel\\\" WHERE");
    T_CONTAINS(source, "id BETWEEN $1 AND $2");
    source = sg_tmp_read(sg_test_strf("%s/steps/fill_y.c", folder));
    T_CONTAINS(source, "(tenant, \\\"Id\\\") BETWEEN ($1, $2) AND ($3, $4)");
    T_CONTAINS(source, "SG_ARGS(batch->firsts[0], batch->firsts[1], batch->lasts[0], batch->lasts[1])");
    T_CONTAINS(sg_tmp_read(sg_test_strf("%s/steps/fill_z.c", folder)), "SG_DRAIN(\"fill_z\"");
    T_CONTAINS(sg_tmp_read(where.manifest), "[backfill fill_x]\nplugin = fill_x\nmigration = 0118_x\n");
    T_CONTAINS(sg_tmp_read(where.manifest), "[backfill fill_z]\nplugin = fill_z\nalso_writes = leads\n");
}

SG_TEST(nothing_is_overwritten)
{
    const char *folder = setup();

    sg_tmp_write("steps/0118_x.t", "mine\n");
    T_EQ_INT(sg_scaffold_migration(&where, "0118_x", NULL, &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_write(&scaffold, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_USAGE);
    T_CONTAINS(err.primary, "0118_x.t is there already");
    T_EQ_STR(sg_tmp_read(sg_test_strf("%s/steps/0118_x.t", folder)), "mine\n");
    T_TRUE(access(sg_test_strf("%s/steps/0118_x.c", folder), F_OK) != 0);
    T_EQ_STR(sg_tmp_read(where.manifest), "[sgrun]\nplugin_path = steps");
}

SG_TEST(all_or_nothing)
{
    const char *folder = setup();

    T_EQ_INT(unlink(where.manifest), 0);
    T_EQ_INT(sg_scaffold_migration(&where, "0118_x", NULL, &arena, &scaffold, &err), 0);
    T_EQ_INT(sg_scaffold_write(&scaffold, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_MANIFEST);
    T_TRUE(access(sg_test_strf("%s/steps/0118_x.c", folder), F_OK) != 0);
    T_TRUE(access(sg_test_strf("%s/steps/0118_x.t", folder), F_OK) != 0);
}

SG_TEST(names_that_cannot_be)
{
    static const char *const bad[] = {"a/b", "../x", "a]b", "a\nb"};

    setup();
    for (size_t i = 0; i < SG_COUNT(bad); i++) {
        T_EQ_INT(sg_scaffold_migration(&where, bad[i], NULL, &arena, &scaffold, &err), -1);
        T_EQ_INT(err.class, SG_CLASS_USAGE);
        sg_err_clear(&err);
    }
    T_EQ_INT(sg_scaffold_backfill(&where, "k", "a.b.c.d", "id", NULL, &arena, &scaffold, &err), -1);
    sg_err_clear(&err);
    T_EQ_INT(sg_scaffold_backfill(&where, "k", "t", "a,,b", NULL, &arena, &scaffold, &err), -1);
    sg_err_clear(&err);
    T_EQ_INT(sg_scaffold_backfill(&where, "k", "t", "", NULL, &arena, &scaffold, &err), -1);
}

static const struct sg_test tests[] = {SG_CASE(a_migration), SG_CASE(backfills), SG_CASE(nothing_is_overwritten), SG_CASE(all_or_nothing),
                                       SG_CASE(names_that_cannot_be), SG_CASES_END};
static const struct sg_suite suites[] = {{"scaffold", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
