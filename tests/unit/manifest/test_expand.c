/*
 * ${NAME} in values, and --set.
 */
#include "config.h"

#include "core/manifest/expand.h"
#include "tests/unit/manifest/read.h"

#include <stdlib.h>

#define NAME "SGRUN_TEST_VALUE"

static void forget(void *name)
{
    unsetenv(name);
}

static void set(const char *value)
{
    static char name[] = NAME;

    T_MUST(setenv(NAME, value, 1) == 0);
    sg_test_defer(forget, name);
}

static const char *title(const char *value)
{
    return read_good(sg_test_strf(HEAD MIGRATION("a") "title = %s\n", value))->manifest.steps[0].title;
}

SG_TEST(variables)
{
    set("in");
    T_EQ_STR(title("${" NAME "}"), "in");
    T_EQ_STR(title("a ${" NAME "}${" NAME "} b"), "a inin b");
    T_EQ_STR(title("${" NAME ":-out}"), "in");
    T_EQ_STR(title("${SGRUN_TEST_NOT_SET:-out}"), "out");
    T_EQ_STR(title("${SGRUN_TEST_NOT_SET:-a:-b c}"), "a:-b c");
    T_EQ_STR(title("x${SGRUN_TEST_NOT_SET:-}y"), "xy");
    T_EQ_STR(title("${SGRUN_TEST_NOT_SET:-}"), NULL);
    T_EQ_STR(title("$$ $$$$ $" NAME " $ $1 $ {" NAME "} $"), "$ $$ $" NAME " $ $1 $ {" NAME "} $");
    T_EQ_STR(title("$${" NAME "}"), "${" NAME "}");
    T_EQ_STR(title("$$${" NAME "}"), "$in");
    set("");
    T_EQ_STR(title("${" NAME ":-out}"), "out");
    T_EQ_STR(title("${" NAME "}"), NULL);
    /* what a variable holds is taken as it is: no comment, no variable, no second key */
    set("a ; b ${HOME} $$");
    T_EQ_STR(title("${" NAME "}"), "a ; b ${HOME} $$");
}

SG_TEST(variables_in_other_types)
{
    set("7");
    T_EQ_INT(read_good(HEAD "[policy]\nmax_retries = ${" NAME "}\n")->manifest.policy.max_retries, 7);
    T_EQ_INT(read_good(HEAD "[policy]\nmax_retries = ${SGRUN_TEST_NOT_SET:-8}\n")->manifest.policy.max_retries, 8);
    T_EQ_INT(read_good(HEAD "[policy]\nmax_retries = ${SGRUN_TEST_NOT_SET:-}\n")->manifest.policy.max_retries, 10);
    T_EQ_STR(read_good("[sgrun]\nplugin_path = ${" NAME "}/x ${" NAME "}\n[database]\ndsn = x\n")->manifest.plugin_path.items[1], "etc/7");
    set("many");
    /* the message shows what stands in the file, since a variable may hold what is nobody's business */
    T_ERROR_IN("[policy]\nmax_retries = ${" NAME "}\n", 2, "max_retries = ${" NAME "}: not a whole number", "0 to 1000");
    T_LACKS(read_text(HEAD "[policy]\nmax_retries = ${" NAME "}\n")->errs.list[0].detail, "many");
}

SG_TEST(variables_that_are_wrong)
{
    T_ERROR_IN(MIGRATION("a") "title = ${SGRUN_TEST_NOT_SET}\n", 3, "title: the environment variable SGRUN_TEST_NOT_SET is not set",
               "${SGRUN_TEST_NOT_SET:-default}");
    T_ERROR_IN(MIGRATION("a") "title = ${" NAME "\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    T_ERROR_IN(MIGRATION("a") "title = ${}\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    T_ERROR_IN(MIGRATION("a") "title = ${1A}\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    T_ERROR_IN(MIGRATION("a") "title = ${A B}\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    T_ERROR_IN(MIGRATION("a") "title = ${A:b}\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    T_ERROR_IN(MIGRATION("a") "title = ${A:-b\n", 3, "\"${\" that is no variable", "$$ for a dollar sign");
    set("a\nb");
    T_ERROR_IN(MIGRATION("a") "title = ${" NAME "}\n", 3, NAME " holds a control character", "plain text");
    set("\xFF");
    T_ERROR_IN(MIGRATION("a") "title = ${" NAME "}\n", 3, NAME " holds bytes that are not UTF-8", "plain text");
}

/* Small in the file, huge once the variables are put in. */
SG_TEST(variables_are_bounded)
{
    char *large = malloc(100001);
    const char *text = HEAD MIGRATION("a") "title = ${" NAME "}\n";

    T_MUST(large != NULL);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    set(large);
    free(large);
    T_EQ_INT(strlen(read_good(text)->manifest.steps[0].title), 100000);
    for (int i = 0; i < 11; i++)
        text = sg_test_strf("%s  ${" NAME "}\n", text);
    T_ERROR(text, HEAD_LINES + 3, "too large once its variables are put in", "environment variables");
    text = HEAD;
    for (int i = 0; i < 180; i++)
        text = sg_test_strf("%s[migration m%d]\nplugin = p\ntitle = ${" NAME "}\n", text, i);
    T_CONTAINS(read_text(text)->errs.list[0].primary, "too large once its variables are put in");
}

SG_TEST(secrets_and_leniency)
{
    const char *text = "[database]\ndsn = ${" NAME "}\ndirect_dsn = ${SGRUN_TEST_NOT_SET:-host=x} ${" NAME "}\n";
    const struct read *r;

    T_ERROR("[database]\ndsn = ${" NAME "}\n", 2, "dsn: the environment variable " NAME " is not set", "Set " NAME);
    r = read_bytes(text, strlen(text), true, 0, NULL);
    T_EQ_INT(r->result, 0);
    T_NULL(r->manifest.dsn);
    T_NULL(r->manifest.direct_dsn);
    T_EQ_INT(r->manifest.dsn_line, 2);
    text = "[database]\ndsn = ${SGRUN_TEST_NOT_SET:-}\n";
    T_EQ_INT(read_bytes(text, strlen(text), true, 0, NULL)->result, 0);
    T_ERROR(text, 2, "dsn is empty", "DATABASE_URL");
    /* only there */
    text = "[database]\ndsn = x\n[policy]\nmax_retries = ${" NAME "}\n";
    T_EQ_INT(read_bytes(text, strlen(text), true, 0, NULL)->errs.count, 1);

    set("postgresql://u:hunter2@h/db");
    r = read_good("[database]\ndsn = ${" NAME "}\ndirect_dsn = ${SGRUN_TEST_NOT_SET:-host=x} ${HOME}\nschema = ${USER_SCHEMA:-crm}\n");
    T_EQ_STR(r->manifest.dsn, "postgresql://u:hunter2@h/db");
    T_MUST_EQ_INT(r->manifest.secrets.count, 2);
    T_EQ_STR(r->manifest.secrets.items[0], NAME);
    T_EQ_STR(r->manifest.secrets.items[1], "HOME");
}

SG_TEST(set_beats_the_file)
{
    static const char *const sets[] = {"policy.lock_seconds=60",       "migration  a.title = set = here ",
                                       "migration a.option.a.b=${1}", "audit.small_rows=5", "policy.lock_seconds=61",
                                       "index i.1.where=a ; b",       "migration a.option.jobs=7", "policy.max_retries="};
    const struct sg_manifest *m = &read_sets(HEAD "[policy]\nlock_seconds = nonsense\nmax_retries = 3\n" MIGRATION("a")
                                             "title = file\n[index i.1]\nname = i1\ntable = t\ncolumns = c\n", 8, sets)->manifest;

    T_EQ_INT(m->policy.lock_seconds, 61);
    T_EQ_INT(m->policy.max_retries, 10); /* empty: not given */
    T_EQ_INT(m->small_rows, 5);
    T_EQ_STR(m->steps[0].title, "set = here ");
    T_MUST_EQ_INT(m->steps[0].option_count, 2);
    T_EQ_STR(m->steps[0].options[0].value, "${1}"); /* the shell has had its turn */
    T_EQ_STR(m->steps[0].options[1].key, "jobs");
    T_EQ_STR(m->steps[1].where, "a ; b");
}

SG_TEST(set_that_is_wrong)
{
    static const struct {
        const char *text, *primary, *hint;
    } bad[] = {
        {"", "--set without SECTION.KEY=VALUE", "policy.lock_seconds=60"},
        {"policy", "--set without SECTION.KEY=VALUE", "policy.lock_seconds=60"},
        {"policy.lock_seconds", "--set without SECTION.KEY=VALUE", "policy.lock_seconds=60"},
        {"lock_seconds=1.5", "--set without SECTION.KEY=VALUE", "policy.lock_seconds=60"},
        {"policy.lock_second=1", "--set policy.lock_second: no such section or key", "Did you mean lock_seconds?"},
        {"polici.lock_seconds=1", "--set polici.lock_seconds: no such section or key", "sgrun.ini(5)"},
        {"migration.title=1", "no such section or key", "sgrun.ini(5)"},
        {"policy x.max_retries=1", "no such section or key", "sgrun.ini(5)"},
        {"migration a.batch_size=1", "no such section or key", "sgrun.ini(5)"},
        {"migration a.option.=1", "no such section or key", "sgrun.ini(5)"},
        {".=", "no such section or key", "sgrun.ini(5)"},
        {"policy.reason=a\nb", "--set with a control character", "plain text"},
        {"policy.reason=\xFF", "--set with bytes that are not UTF-8", "plain text"},
    };
    static const char *const unknown[] = {"migration 0001_laed.title=x"}, *const wrong[] = {"policy.max_retries=ten"};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_override override;
    const struct read *r;

    for (size_t i = 0; i < SG_COUNT(bad); i++) {
        struct sg_err err = SG_ERR_INIT;

        T_EQ_INT(sg_override_parse(bad[i].text, &arena, &override, &err), -1);
        T_EQ_INT(err.class, SG_CLASS_USAGE);
        T_CONTAINS(err.primary, bad[i].primary);
        T_CONTAINS(err.hint, bad[i].hint);
        T_NOT_NULL(err.detail);
        sg_err_release(&err);
    }
    sg_arena_release(&arena);
    r = read_sets(HEAD MIGRATION("0001_lead"), 1, unknown);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_INT(r->errs.list[0].class, SG_CLASS_USAGE);
    T_NULL(r->errs.list[0].file);
    T_EQ_STR(r->errs.list[0].primary, "--set migration 0001_laed.title: the manifest has no such step");
    T_EQ_STR(r->errs.list[0].hint, "Did you mean migration 0001_lead?");
    r = read_sets(HEAD, 1, unknown);
    T_CONTAINS(r->errs.list[0].hint, "Name the section as the file does");
    r = read_sets(HEAD, 1, wrong);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_INT(r->errs.list[0].class, SG_CLASS_USAGE);
    T_EQ_STR(r->errs.list[0].primary, "--set policy.max_retries = ten: not a whole number");
}

static const struct sg_test tests[] = {
    SG_CASE(variables), SG_CASE(variables_in_other_types), SG_CASE(variables_that_are_wrong), SG_CASE(variables_are_bounded),
    SG_CASE(secrets_and_leniency), SG_CASE(set_beats_the_file), SG_CASE(set_that_is_wrong), SG_CASES_END};
static const struct sg_suite suites[] = {{"expand", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
