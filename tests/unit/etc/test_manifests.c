/*
 * The example's two manifests hold the same steps in the same order, and every migration of the folder is one of them: a step that
 * is forgotten in one of them would only be noticed in production.
 */
#include "config.h"

#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <dirent.h>
#include <string.h>

/* What the manifest's lines from its first "[migration " on say, without comments and blank lines. */
static const char *steps_of(const char *file)
{
    const char *text = sg_tmp_read(sg_test_source(file)), *line;
    const char *steps = "";

    T_MUST_NOT_NULL(text);
    line = strstr(text, "\n[migration ");
    T_MUST_NOT_NULL(line);
    while (*++line != '\0') {
        size_t len = strcspn(line, "\n");

        if (len > 0 && *line != ';')
            steps = sg_test_strf("%s%.*s\n", steps, (int)len, line);
        line += len;
        if (*line == '\0')
            break;
    }
    return steps;
}

SG_TEST(both_have_the_same_steps)
{
    T_EQ_STR(steps_of("etc/prod.ini"), steps_of("etc/demo.ini.in"));
}

SG_TEST(each_migration_is_a_step)
{
    const char *steps = steps_of("etc/demo.ini.in");
    DIR *dir = opendir(sg_test_source("migrations"));
    const struct dirent *entry;
    int sources = 0, sections = 0;

    T_MUST(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len < 3 || strcmp(entry->d_name + len - 2, ".c") != 0)
            continue;
        sources++;
        /* section, plugin and the id in the source are one name */
        T_CONTAINS(steps, sg_test_strf("[migration %.*s]\nplugin = %.*s\n", (int)len - 2, entry->d_name, (int)len - 2,
                                       entry->d_name));
        T_CONTAINS(sg_tmp_read(sg_test_source(sg_test_strf("migrations/%s", entry->d_name))),
                   sg_test_strf("\nSG_MIGRATION(\"%.*s\", ", (int)len - 2, entry->d_name));
    }
    closedir(dir);
    for (const char *at = steps; (at = strstr(at, "[migration ")) != NULL; at++)
        sections++;
    T_EQ_INT(sections, sources);
    T_GT_INT(sources, 0);
}

/* Beside it: a path from the root of the file system may be longer than a line of a manifest can be. */
SG_TEST(demo_names_the_sql_that_is_there)
{
    const char *text = sg_tmp_read(sg_test_built("etc/demo.ini")), *at, *path;

    T_MUST_NOT_NULL(text);
    at = strstr(text, "\nembedded_init = ");
    T_MUST_NOT_NULL(at);
    at += strlen("\nembedded_init = ");
    path = sg_test_strf("%.*s", (int)strcspn(at, "\n"), at);
    T_NULL(strchr(path, '/'));
    T_CONTAINS(sg_tmp_read(sg_test_built(sg_test_strf("etc/%s", path))), "CREATE TABLE leads");
}

static const struct sg_test tests[] = {SG_CASE(both_have_the_same_steps), SG_CASE(each_migration_is_a_step),
                                       SG_CASE(demo_names_the_sql_that_is_there), SG_CASES_END};
static const struct sg_suite suites[] = {{"manifests", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
