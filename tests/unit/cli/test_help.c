/* --help fits a screen, and neither it nor the manual lacks a command or an option. */
#include "core/cli/options.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/kit/test.h"

static struct sg_buf out = SG_BUF_INIT;

static void release(void *unused)
{
	(void)unused;
	sg_buf_release(&out);
}

static const char *help_of(const struct sg_command *command)
{
	sg_test_defer(release, NULL);
	sg_buf_clear(&out);
	if (command != NULL)
		sg_help_command(&out, command);
	else
		sg_help_main(&out);
	return out.data;
}

static void fits(const char *text, size_t most_lines)
{
	size_t lines = 0;

	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1, lines++)
		if (sg_text_chars(line, strcspn(line, "\n")) > 80)
			T_FAIL("wider than 80 columns: %.*s", (int)strcspn(line, "\n"), line);
	T_LE_INT(lines, most_lines);
}

SG_TEST(fits_a_screen)
{
	fits(help_of(NULL), 50);
	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		if (c->here)
			fits(help_of(c), 50);
}

SG_TEST(names_everything)
{
	const char *text = help_of(NULL);

	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		T_CONTAINS(text, c->name);
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++) {
		T_TRUE(strstr(text, sg_test_strf(" %s ", f->name)) != NULL || strstr(text, sg_test_strf(" %s\n", f->name)) != NULL);
		if (f->environment != NULL)
			T_CONTAINS(text, f->environment);
	}
}

SG_TEST(each_command_has_its_options_and_an_example)
{
	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++) {
		const char *text;

		if (!c->here)
			continue;
		text = help_of(c);
		T_CONTAINS(text, "Example:\n  sgrun ");
		T_CONTAINS(strstr(text, "Example:\n"), c->name);
		T_EQ_INT(strstr(text, sg_test_strf("Usage: sgrun %s [options] [%s ...]", c->name, c->words != NULL ? c->words : "")) != NULL, c->words != NULL);
		for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++) {
			bool expected = f->here && (f->commands & (1u << c->id));
			const char *after = f->argument != NULL && f->argument[0] == '[' ? "[" : " ";

			if (expected)
				T_CONTAINS(text, sg_test_strf("\n  %s%s", f->name, after));
			else
				T_LACKS(text, sg_test_strf("\n  %s%s", f->name, after));
		}
	}
}

/* Every word of the tables as troff writes it: "\-\-only\-phase". */
static const char *in_troff(const char *name)
{
	struct sg_buf text = SG_BUF_INIT;
	const char *result;

	for (const char *c = name; *c != '\0'; c++)
		sg_buf_addf(&text, "%s%c", *c == '-' ? "\\" : "", *c);
	result = sg_test_strf("%s", text.data);
	sg_buf_release(&text);
	return result;
}

SG_TEST(the_manual_lacks_nothing)
{
	static char page[100000];
	FILE *file = fopen(sg_test_source("man/sgrun.1"), "r");
	size_t length;

	T_MUST_NOT_NULL(file);
	length = fread(page, 1, sizeof page - 1, file);
	T_MUST_EQ_INT(fclose(file), 0);
	T_MUST(length > 0 && length < sizeof page - 1);
	page[length] = '\0';
	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		T_CONTAINS(page, c->here ? sg_test_strf(".SS %s\n", c->name) : c->name);
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++) {
		T_CONTAINS(page, sg_test_strf("\n.B%s %s%s", f->argument ? "I" : "", in_troff(f->name), f->argument ? " " : "\n"));
		if (f->environment != NULL)
			T_CONTAINS(page, sg_test_strf("\n.B %s\n", f->environment));
	}
	for (int class = 0; class < SG_CLASS_COUNT; class++)
		T_CONTAINS(page, sg_test_strf("\n.B %d\n", sg_class_exit((enum sg_class)class)));
}

static const struct sg_test tests[] = { SG_CASE(fits_a_screen), SG_CASE(names_everything),
	                                SG_CASE(each_command_has_its_options_and_an_example),
	                                SG_CASE(the_manual_lacks_nothing), SG_CASES_END };
static const struct sg_suite suites[] = { { "help", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
