/* Completion: every command and option that is here is offered by each shell's script, and nothing else is. */
#include "config.h"

#include "core/cli/completion.h"
#include "core/cli/options.h"
#include "tests/kit/test.h"

#include <string.h>

static const char *const shells[] = {"bash", "zsh", "fish"};

SG_TEST(all_is_offered)
{
    for (size_t i = 0; i < SG_COUNT(shells); i++) {
        struct sg_buf out = SG_BUF_INIT;

        T_TRUE(sg_completion(&out, shells[i]));
        for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
            sg_test_check(SG_HERE_, false, (strstr(out.data, command->name) != NULL) || !command->here, "%s: no %s", shells[i],
                          command->name);
        for (const struct sg_flag *flag = sg_flags(); flag->name != NULL; flag++) {
            bool offered = strstr(out.data, strcmp(shells[i], "fish") == 0 ? sg_test_strf("-l %s", flag->name + 2) : flag->name) != NULL;

            sg_test_check(SG_HERE_, false, offered == flag->here, "%s: %s is %soffered", shells[i], flag->name, offered ? "" : "not ");
        }
        sg_buf_release(&out);
    }
}

SG_TEST(another_shell)
{
    struct sg_buf out = SG_BUF_INIT;

    T_FALSE(sg_completion(&out, "csh"));
    T_EQ_INT(out.length, 0);
    sg_buf_release(&out);
}

static const struct sg_test tests[] = {SG_CASE(all_is_offered), SG_CASE(another_shell), SG_CASES_END};
static const struct sg_suite suites[] = {{"completion", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
