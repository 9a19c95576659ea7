/*
 * sgrun-plugin(3) is the manual of <sgrun/plugin.h>: it names all of it, and its examples are plugins that build and run.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/test.h"
#include "tests/kit/tmp.h"
#include "tests/unit/plugin/host.h"

static const char *read_source(const char *file)
{
    const char *text = sg_tmp_read(sg_test_source(file));

    T_MUST_NOT_NULL(text);
    return text;
}

/* The name that begins at `at`; NULL if none does. */
static const char *name_at(const char *at)
{
    size_t length = 0;

    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    return length > 0 ? sg_test_strf("%.*s", (int)length, at) : NULL;
}

SG_TEST(the_manual_names_every_function)
{
    const char *manual = read_source("man/sgrun-plugin.3"), *at = read_source("plugins/include/sgrun/plugin.h");
    int count = 0;

    while ((at = strstr(at, "static inline ")) != NULL) {
        const char *open = strchr(at, '('), *start = open;

        while (isalnum((unsigned char)start[-1]) || start[-1] == '_')
            start--;
        T_CONTAINS(manual, sg_test_strf("%s(", name_at(start)));
        at = open;
        count++;
    }
    T_GE_INT(count, 28);
}

SG_TEST(the_manual_names_what_a_plugin_uses)
{
    static const char *const names[] = {"SG_MIGRATION(",  "SG_MIGRATION_X(", "SG_BACKFILL(", "SG_BACKFILL_X(", "SG_DRAIN(",
                                        "SG_ARGS(",       "SG_NOARGS",       "SG_OK",        "SG_EXISTED",     "SG_NO_TRANSACTION",
                                        "SG_REPEATABLE",  "SG_USE_ABI_MINOR", "nkeys",       "firsts",         "lasts",
                                        "number",         "limit",           "64 KiB",       "1 MiB",          "16 MiB",
                                        "65,535",         "8 KiB"};
    const char *manual = read_source("man/sgrun-plugin.3"), *header = read_source("plugins/include/sgrun/plugin.h");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        T_CONTAINS(manual, names[i]);
        if (i < 17)
            T_CONTAINS(header, names[i]);
    }
}

SG_TEST(its_examples_are_plugins)
{
    static const char *const files[] = {"tests/plugins/example_migration.c", "tests/plugins/example_backfill.c"};
    const char *at = read_source("man/sgrun-plugin.3");
    struct play migration = {.plugin = "example_migration", .id = "0096_lead_name"};
    struct play backfill = {.plugin = "example_backfill", .id = "migration_96_lead_name", .backfill = true, .rows = 1, .answer = 9};

    for (size_t i = 0; i < 2; i++) {
        const char *end;

        at = strstr(at, "#include <sgrun/plugin.h>\n\n");
        T_MUST_NOT_NULL(at);
        end = strstr(at, ".EE\n");
        T_MUST_NOT_NULL(end);
        T_CONTAINS(read_source(files[i]), sg_test_strf("%.*s", (int)(end - at), at));
        at = end;
    }
    play(&migration);
    T_EQ_STR(migration.err.primary, NULL);
    T_EQ_INT(migration.ddl, 2);
    play(&backfill);
    T_EQ_STR(backfill.err.primary, NULL);
    T_EQ_INT(backfill.status, 9);
    T_EQ_STR(backfill.values, "1|1000");
}

static const struct sg_test manual[] = {SG_CASE(the_manual_names_every_function), SG_CASE(the_manual_names_what_a_plugin_uses),
                                        SG_CASE(its_examples_are_plugins), SG_CASES_END};
static const struct sg_suite suites[] = {{"manual", manual}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
