/* completion.c - what a shell is told of sgrun's command line. One shell function each that knows the commands, the options of
 * each, and of an option's argument: words, files, or the steps of the manifest on the line. Written by a program of the build,
 * so nothing here is ever part of a run. */
#include "config.h"
#include "core/cli/completion.h"

#include <string.h>

#include "core/cli/options.h"

/* What an argument can be, where its name in the table does not say it. */
static const struct {
	enum sg_flag_id flag;
	const char *words; /* or NULL */
	const char *kinds; /* sections of the manifest whose names are meant, for sed; or NULL */
} values[] = {
	{ SG_FLAG_LOG_FORMAT, "text json", NULL },    { SG_FLAG_ONLY_PHASE, "migrate index backfill", NULL },
	{ SG_FLAG_GRAPH, "text dot", NULL },          { SG_FLAG_TO, NULL, "migration" },
	{ SG_FLAG_ADOPT, NULL, "migration" },         { SG_FLAG_ADOPT_TO, NULL, "migration" },
	{ SG_FLAG_ONLY, NULL, "\\(backfill\\|index\\)" }, { SG_FLAG_PAUSE, NULL, "backfill" },
	{ SG_FLAG_RESUME, NULL, "backfill" },         { SG_FLAG_RETRY, NULL, "backfill" },
	{ SG_FLAG_AGAIN, NULL, "backfill" },
	{ SG_FLAG_FAIL_ON, "unsafe potentially-unsafe error warning hint unread", NULL },
};

static const char *words_of(const struct sg_flag *flag)
{
	for (size_t i = 0; i < SG_COUNT(values); i++)
		if (values[i].flag == flag->id)
			return values[i].words;
	return NULL;
}

static const char *kinds_of(const struct sg_flag *flag)
{
	for (size_t i = 0; i < SG_COUNT(values); i++)
		if (values[i].flag == flag->id)
			return values[i].kinds;
	return NULL;
}

static bool is_file(const struct sg_flag *flag)
{
	return flag->argument != NULL && (strstr(flag->argument, "FILE") != NULL || strstr(flag->argument, "PATH") != NULL);
}

static bool takes_files(const struct sg_command *command)
{
	return command->words != NULL && (strcmp(command->words, "PATH") == 0 || strcmp(command->words, "PLUGIN") == 0);
}

/* "[=FORMAT]" takes no word of its own. */
static bool takes_word(const struct sg_flag *flag)
{
	return flag->argument != NULL && flag->argument[0] != '[';
}

static bool is_on(const struct sg_flag *flag, const struct sg_command *command)
{
	return flag->here && (flag->commands & (1u << command->id)) != 0;
}

/* In single quotes of any of the three shells; no help text has a quote or a backslash. */
static void add_plain(struct sg_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (strchr("'\\`$[]:", *text) == NULL)
			sg_buf_addc(out, *text);
}

/* ---- bash ------------------------------------------------------------------------ */

static void bash_options(struct sg_buf *out, const struct sg_command *command)
{
	for (const struct sg_flag *flag = sg_flags(); flag->name != NULL; flag++)
		if (command == NULL ? flag->here && flag->commands == SG_EVERY_COMMAND : is_on(flag, command))
			sg_buf_addf(out, "%s ", flag->name);
}

static void bash(struct sg_buf *out)
{
	sg_buf_adds(out, "# bash completion for sgrun; made of its table of options.\n"
	                 "_sgrun_steps()\n{\n"
	                 "    local manifest=${SGRUN_MANIFEST-} i\n"
	                 "    for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do\n"
	                 "        if [ \"${COMP_WORDS[i]}\" = --manifest ]; then manifest=${COMP_WORDS[i + 1]}; fi\n"
	                 "    done\n"
	                 "    [ -r \"$manifest\" ] && sed -n \"s/^\\[$1  *\\([^]]*[^] ]\\) *\\].*/\\\\$2/p\" \"$manifest\" 2>/dev/null\n"
	                 "}\n\n"
	                 "_sgrun()\n{\n"
	                 "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i options\n"
	                 "    case $before in\n");
	for (const struct sg_flag *flag = sg_flags(); flag->name != NULL; flag++) {
		const char *words = words_of(flag), *kinds = kinds_of(flag);

		if (!flag->here || !takes_word(flag))
			continue;
		sg_buf_addf(out, "    %s) ", flag->name);
		if (words != NULL)
			sg_buf_addf(out, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")", words);
		else if (kinds != NULL)
			sg_buf_addf(out, "mapfile -t COMPREPLY < <(compgen -W \"$(_sgrun_steps '%s' %d)\" -- \"$word\")", kinds,
			            kinds[0] == '\\' ? 2 : 1);
		else if (is_file(flag))
			sg_buf_adds(out, "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o filenames 2>/dev/null");
		else
			sg_buf_adds(out, "COMPREPLY=()");
		sg_buf_adds(out, "; return ;;\n");
	}
	sg_buf_adds(out, "    esac\n"
	                 "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
	                 "        case ${COMP_WORDS[i]} in\n        ");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
		if (command->here)
			sg_buf_addf(out, "%s%s", command == sg_commands() ? "" : " | ", command->name);
	sg_buf_adds(out, ") command=${COMP_WORDS[i]} ;;\n"
	                 "        esac\n"
	                 "    done\n"
	                 "    case $command in\n");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++) {
		if (!command->here)
			continue;
		sg_buf_addf(out, "    %s) options='", command->name);
		bash_options(out, command);
		sg_buf_adds(out, "' ;;\n");
	}
	sg_buf_adds(out, "    *) options='");
	bash_options(out, NULL);
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
		if (command->here)
			sg_buf_addf(out, "%s ", command->name);
	sg_buf_adds(out, "' ;;\n"
	                 "    esac\n"
	                 "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
		if (command->here && takes_files(command))
			sg_buf_addf(out,
			            "    if [ \"$command\" = %s ] && [ \"${word#-}\" = \"$word\" ]; then\n"
			            "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o filenames 2>/dev/null\n"
			            "    fi\n",
			            command->name);
	sg_buf_adds(out, "}\ncomplete -F _sgrun sgrun\n");
}

/* ---- zsh ------------------------------------------------------------------------- */

static void zsh_option(struct sg_buf *out, const struct sg_flag *flag)
{
	const char *words = words_of(flag), *kinds = kinds_of(flag);

	sg_buf_addf(out, "'%s%s[", flag->name, flag->argument == NULL ? "" : takes_word(flag) ? "" : "=-");
	add_plain(out, flag->help);
	sg_buf_addc(out, ']');
	if (flag->argument != NULL) {
		sg_buf_adds(out, takes_word(flag) ? ":" : "::");
		for (const char *p = flag->argument; *p != '\0'; p++)
			if (strchr("[]=.", *p) == NULL)
				sg_buf_addc(out, *p);
		sg_buf_addc(out, ':');
		if (words != NULL)
			sg_buf_addf(out, "(%s)", words);
		else if (kinds != NULL)
			sg_buf_addf(out, "_sgrun_steps %s", kinds[0] == '\\' ? "backfill index" : kinds);
		else if (is_file(flag))
			sg_buf_adds(out, "_files");
	}
	sg_buf_addc(out, '\'');
}

static void zsh_options(struct sg_buf *out, const struct sg_command *command)
{
	for (const struct sg_flag *flag = sg_flags(); flag->name != NULL; flag++)
		if (command == NULL ? flag->here && flag->commands == SG_EVERY_COMMAND : is_on(flag, command)) {
			sg_buf_adds(out, " \\\n            ");
			zsh_option(out, flag);
		}
}

static void zsh(struct sg_buf *out)
{
	sg_buf_adds(out, "#compdef sgrun\n"
	                 "# zsh completion for sgrun; made of its table of options.\n"
	                 "_sgrun_steps() {\n"
	                 "    local manifest=${opt_args[--manifest]:-$SGRUN_MANIFEST} kind\n"
	                 "    local -a steps\n"
	                 "    [[ -r $manifest ]] || return 1\n"
	                 "    for kind in \"$@\"; do\n"
	                 "        [[ $kind = (migration|backfill|index) ]] || continue\n"
	                 "        steps+=(${(f)\"$(sed -n \"s/^\\[$kind  *\\([^]]*[^] ]\\) *\\].*/\\1/p\" $manifest 2>/dev/null)\"})\n"
	                 "    done\n"
	                 "    compadd -a steps\n"
	                 "}\n\n"
	                 "_sgrun() {\n"
	                 "    local word command\n"
	                 "    for word in ${words[2,CURRENT-1]}; do\n"
	                 "        case $word in\n        ");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
		if (command->here)
			sg_buf_addf(out, "%s%s", command == sg_commands() ? "" : "|", command->name);
	sg_buf_adds(out, ") command=$word ;;\n        esac\n    done\n    case $command in\n");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++) {
		if (!command->here)
			continue;
		sg_buf_addf(out, "    %s)\n        _arguments", command->name);
		zsh_options(out, command);
		sg_buf_addf(out, " \\\n            '*:: :%s' ;;\n", takes_files(command) ? "_files" : "");
	}
	sg_buf_adds(out, "    *)\n        _arguments");
	zsh_options(out, NULL);
	sg_buf_adds(out, " \\\n            '1:command:((");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++) {
		if (!command->here)
			continue;
		sg_buf_addf(out, "%s%s\\:\"", command == sg_commands() ? "" : " ", command->name);
		add_plain(out, command->help);
		sg_buf_addc(out, '"');
	}
	sg_buf_adds(out, "))' ;;\n    esac\n}\n_sgrun \"$@\"\n");
}

/* ---- fish ------------------------------------------------------------------------ */

static void fish_option(struct sg_buf *out, const struct sg_flag *flag, const struct sg_command *command)
{
	const char *words = words_of(flag), *kinds = kinds_of(flag);

	sg_buf_adds(out, "complete -c sgrun ");
	if (command != NULL)
		sg_buf_addf(out, "-n '__fish_seen_subcommand_from %s' ", command->name);
	sg_buf_addf(out, "-l %s", flag->name + 2);
	if (flag->argument != NULL)
		sg_buf_adds(out, is_file(flag) ? " -r -F" : takes_word(flag) ? " -x" : " -f");
	if (words != NULL)
		sg_buf_addf(out, " -a '%s'", words);
	else if (kinds != NULL)
		sg_buf_addf(out, " -a '(__sgrun_steps %s)'", kinds[0] == '\\' ? "backfill index" : kinds);
	sg_buf_adds(out, " -d '");
	add_plain(out, flag->help);
	sg_buf_adds(out, "'\n");
}

static void fish(struct sg_buf *out)
{
	sg_buf_adds(out, "# fish completion for sgrun; made of its table of options.\n"
	                 "function __sgrun_steps\n"
	                 "    set -l manifest $SGRUN_MANIFEST\n"
	                 "    set -l words (commandline -opc)\n"
	                 "    for i in (seq (count $words))\n"
	                 "        if test \"$words[$i]\" = --manifest; and test $i -lt (count $words)\n"
	                 "            set manifest $words[(math $i + 1)]\n"
	                 "        end\n"
	                 "    end\n"
	                 "    test -r \"$manifest\"; or return\n"
	                 "    for kind in $argv\n"
	                 "        sed -n \"s/^\\[$kind  *\\([^]]*[^] ]\\) *\\].*/\\1/p\" $manifest 2>/dev/null\n"
	                 "    end\n"
	                 "end\n"
	                 "complete -c sgrun -f\n");
	for (const struct sg_command *command = sg_commands(); command->name != NULL; command++) {
		if (!command->here)
			continue;
		sg_buf_addf(out, "complete -c sgrun -n __fish_use_subcommand -a %s -d '", command->name);
		add_plain(out, command->help);
		sg_buf_adds(out, "'\n");
		if (takes_files(command))
			sg_buf_addf(out, "complete -c sgrun -n '__fish_seen_subcommand_from %s' -F\n", command->name);
	}
	for (const struct sg_flag *flag = sg_flags(); flag->name != NULL; flag++) {
		if (!flag->here)
			continue;
		if (flag->commands == SG_EVERY_COMMAND) {
			fish_option(out, flag, NULL);
			continue;
		}
		for (const struct sg_command *command = sg_commands(); command->name != NULL; command++)
			if (command->here && is_on(flag, command))
				fish_option(out, flag, command);
	}
}

bool sg_completion(struct sg_buf *out, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		bash(out);
	else if (strcmp(shell, "zsh") == 0)
		zsh(out);
	else if (strcmp(shell, "fish") == 0)
		fish(out);
	else
		return false;
	return true;
}
