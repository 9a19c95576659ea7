/* help.c - `--help`, written from the tables of options.c. A test holds it to
 * one screen. */
#include "config.h"

#include <string.h>

#include "core/cli/options.h"

static void add_flag(struct sg_buf *out, const struct sg_flag *flag)
{
	size_t start = out->length;

	sg_buf_addf(out, "  %s", flag->name);
	if (flag->argument != NULL)
		sg_buf_addf(out, "%s%s", flag->argument[0] == '[' ? "" : " ", flag->argument);
	while (out->length - start < 27)
		sg_buf_addc(out, ' ');
	sg_buf_addf(out, " %s", flag->help);
	if (flag->environment != NULL)
		sg_buf_addf(out, " [%s]", flag->environment);
	sg_buf_addc(out, '\n');
}

/* The names alone: what each does is said by the command's own help. */
static void add_own_flags(struct sg_buf *out, const struct sg_command *command)
{
	size_t start = out->length;

	sg_buf_addf(out, "  %-9s", command->name);
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++) {
		if (!f->here || f->commands == SG_EVERY_COMMAND || !(f->commands & (1u << command->id)))
			continue;
		if (out->length - start + 1 + strlen(f->name) > 80) {
			sg_buf_adds(out, "\n           ");
			start = out->length - 11;
		}
		sg_buf_addf(out, " %s", f->name);
	}
	sg_buf_addc(out, '\n');
}

static void add_environment(struct sg_buf *out)
{
	const char *before = "\nEnvironment: ";

	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->environment != NULL) {
			sg_buf_addf(out, "%s%s", before, f->environment);
			before = ", ";
		}
	sg_buf_addc(out, '\n');
}

static void add_exit(struct sg_buf *out)
{
	sg_buf_adds(out, "Exit status: 0 done  1 failed  2 usage or manifest  3 waits for a gate\n"
	                 "  4 blocked  5 no server  6 plugin refused  7 policy  8 verification  9 found\n"
	                 "  70 a bug of sgrun  130, 143 stopped by a signal\n");
}

void sg_help_main(struct sg_buf *out)
{
	sg_buf_adds(out, "Usage: sgrun --manifest FILE [command] [options]\n\n"
	                 "Brings a PostgreSQL schema up to date from compiled migrations, exactly once.\n\n"
	                 "Commands:\n");
	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		if (c->here)
			sg_buf_addf(out, "  %-9s %s\n", c->name, c->help);
	sg_buf_adds(out, "\nOptions of every command:\n");
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->commands == SG_EVERY_COMMAND)
			add_flag(out, f);
	sg_buf_adds(out, "\nOptions of a command:\n");
	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		if (c->here)
			add_own_flags(out, c);
	add_environment(out);
	add_exit(out);
	sg_buf_adds(out, "sgrun COMMAND --help says more, and gives an example. Manual: sgrun(1).\n");
}

void sg_help_command(struct sg_buf *out, const struct sg_command *command)
{
	if (command->words != NULL)
		sg_buf_addf(out, "Usage: sgrun %s [options] [%s ...]\n", command->name, command->words);
	sg_buf_addf(out, "%ssgrun --manifest FILE %s [options]\n\n%s: %s\n\n%s\n\nOptions of %s:\n",
	            command->words != NULL ? "       " : "Usage: ", command->name, command->name, command->help, command->about,
	            command->name);
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->here && f->commands != SG_EVERY_COMMAND && (f->commands & (1u << command->id)))
			add_flag(out, f);
	sg_buf_adds(out, "\nOptions of every command:\n");
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->commands == SG_EVERY_COMMAND)
			add_flag(out, f);
	sg_buf_addc(out, '\n');
	add_exit(out);
	sg_buf_addf(out, "\nExample:\n  %s\n", command->example);
}
