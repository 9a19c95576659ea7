/* help.c - `--help`, written from the tables of options.c. A test holds it to
 * one screen. */
#include "config.h"

#include <string.h>

#include "core/cli/options.h"

static void add_names(struct sg_buf *out, bool here)
{
	const char *comma = "";

	for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
		if (c->here == here) {
			sg_buf_addf(out, "%s%s", comma, c->name);
			comma = ", ";
		}
}

/* commands: in the list of all of them, where some share a line. */
static void add_flag(struct sg_buf *out, const struct sg_flag *flag, bool commands)
{
	const struct sg_flag *last = flag;
	size_t start = out->length;

	sg_buf_addf(out, "  %s", flag->name);
	while (commands && flag->joint != NULL && last[1].joint != NULL && last[1].joint[0] == '\0')
		sg_buf_addf(out, ", %s", (++last)->name);
	if (last->argument != NULL)
		sg_buf_addf(out, "%s%s", last->argument[0] == '[' ? "" : " ", last->argument);
	while (out->length - start < 27)
		sg_buf_addc(out, ' ');
	sg_buf_addf(out, " %s", commands && flag->joint != NULL ? flag->joint : flag->help);
	if (!commands && flag->environment != NULL)
		sg_buf_addf(out, " [%s]", flag->environment);
	if (commands && flag->commands != SG_EVERY_COMMAND) {
		const char *before = " (";

		for (const struct sg_command *c = sg_commands(); c->name != NULL; c++)
			if (flag->commands & (1u << c->id)) {
				sg_buf_addf(out, "%s%s", before, c->name);
				before = ", ";
			}
		sg_buf_adds(out, flag->here ? ")" : "; not yet)");
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
	sg_buf_adds(out, "\nExit status: 0 done  1 failed  2 usage or manifest  3 waits for a gate\n"
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
	sg_buf_adds(out, "Not in this version yet: ");
	add_names(out, false);
	sg_buf_adds(out, "\n\nOptions:\n");
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->joint == NULL || f->joint[0] != '\0')
			add_flag(out, f, true);
	add_environment(out);
	add_exit(out);
	sg_buf_adds(out, "\nsgrun COMMAND --help says more, and gives an example. Manual: sgrun(1).\n");
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
			add_flag(out, f, false);
	sg_buf_adds(out, "\nOptions of every command:\n");
	for (const struct sg_flag *f = sg_flags(); f->name != NULL; f++)
		if (f->commands == SG_EVERY_COMMAND)
			add_flag(out, f, false);
	add_exit(out);
	sg_buf_addf(out, "\nExample:\n  %s\n", command->example);
}
