/* options.c - the two tables of the command line, and the parser that reads
 * argv by them. It knows nothing of what a command does: options come out as
 * plain values, checked for form and for fitting the command. */
#include "config.h"
#include "core/cli/options.h"

#include <stdio.h>
#include <string.h>

#include "core/audit/audit.h"
#include "core/base/text.h"

#define ON(command) (1u << SG_COMMAND_##command)
#define RUNS (ON(DEPLOY) | ON(MIGRATE))
#define WORKS (ON(DEPLOY) | ON(BACKFILL) | ON(INDEX))
#define FINDS (ON(AUDIT) | ON(REHEARSE))

static const struct sg_command commands[] = {
	{ SG_COMMAND_DEPLOY, "deploy", true, "bring the database up to date (the default)",
	  "Runs every migration that is not recorded yet, in the manifest's order: SKIP\n"
	  "what is recorded, RECONCILE what is already there, RUN the rest. Each is done\n"
	  "and recorded in one transaction. The first failure stops the run. Then the\n"
	  "indexes and the backfills that are ready, and what waited for them, until\n"
	  "nothing new is ready. What is unfinished or fails of indexes and backfills\n"
	  "does not change the exit status, unless --strict. Running it again goes on\n"
	  "where it stopped.",
	  "sgrun --manifest etc/prod.ini deploy --wait 60", NULL },
	{ SG_COMMAND_MIGRATE, "migrate", true, "the migrations only",
	  "As deploy, but leaving indexes and backfills alone; --to stops after one\n"
	  "migration.",
	  "sgrun --manifest etc/prod.ini migrate --to 0096_lead_name", NULL },
	{ SG_COMMAND_INDEX, "index", true, "the indexes only: build what is missing or invalid",
	  "Builds each index of the manifest that is not there, or there but invalid,\n"
	  "concurrently, once its migration is recorded and its gates are open: --jobs\n"
	  "at once, never two on one table. One that is there with another definition is\n"
	  "reported and left alone; nothing valid is ever dropped. It may be killed at\n"
	  "any moment and run again: what a broken build left is dropped, by the next\n"
	  "run at the latest.",
	  "sgrun --manifest etc/prod.ini index --jobs 2", NULL },
	{ SG_COMMAND_BACKFILL, "backfill", true, "the backfills only; pause and resume them",
	  "Runs the backfills whose migration is recorded and whose gates are open, by\n"
	  "priority, in batches, while the application goes on. It may be killed at any\n"
	  "moment, and started again here or on another host, also several at a time:\n"
	  "every row is done exactly once. --pause and the others act on one, from any\n"
	  "host, and run nothing.",
	  "sgrun --manifest etc/prod.ini backfill --only migration_96_lead_name", NULL },
	{ SG_COMMAND_PLAN, "plan", true, "what deploy would do, a line a step; changes nothing",
	  "Reads the ledger and asks the fingerprints of what is not recorded, in\n"
	  "transactions that are rolled back. RUN? is a step that depends on what one\n"
	  "before it does.",
	  "sgrun --manifest etc/prod.ini plan", NULL },
	{ SG_COMMAND_STATUS, "status", true, "every step: state, progress, duration, last failure",
	  "Reads our own tables only: no plugin is loaded, no fingerprint asked. Of\n"
	  "backfills and of indexes that are built now also how far they are, whoever\n"
	  "runs them.",
	  "sgrun --manifest etc/prod.ini status --json", NULL },
	{ SG_COMMAND_VERIFY, "verify", true, "ask the fingerprint of everything recorded; name drift",
	  "Asks whether what is recorded still holds. --adopt records a migration that\n"
	  "was done by other means, if its fingerprint holds; --adopt-to records all up\n"
	  "to one, with a reason, and lists those whose fingerprint does not hold.",
	  "sgrun --manifest etc/prod.ini verify --adopt 0096_lead_name", NULL },
	{ SG_COMMAND_CHECK, "check", true, "check the manifest, plugins and indexes; needs no server",
	  "Reports every mistake of the manifest in one go, with file and line, then\n"
	  "loads each plugin in its sandbox, parses each section of an index, and\n"
	  "reports each that would be refused.",
	  "sgrun --manifest etc/prod.ini check", NULL },
	{ SG_COMMAND_AUDIT, "audit", true, "data work, locks and rewrites hidden in migrations",
	  "Reads SQL migrations (files, and folders as Flyway, goose, dbmate,\n"
	  "golang-migrate, diesel, sqlx, Prisma and sqitch lay them out), or without a\n"
	  "PATH the statements of the manifest's plugins: by a rehearsal, or with\n"
	  "--from-ledger of the real runs. Says which of them change rows and whether\n"
	  "that is safe, what must become a backfill, and what each definition locks or\n"
	  "rewrites, with the safe way. In Markdown; needs no server for a PATH.",
	  "sgrun audit --fail-on unsafe migrations/", "PATH" },
	{ SG_COMMAND_REHEARSE, "rehearse", true, "all of it on a throw-away server: locks, rewrites, scans",
	  "Runs the whole manifest on a private server in a temporary folder and shows,\n"
	  "of each statement, how long it took, which locks it took on what was there\n"
	  "before, what it rewrote or read from end to end, and how long locks were held;\n"
	  "and proves each fingerprint: false before, true after. The real server is\n"
	  "never spoken to, but by the pg_dump of --schema-from.",
	  "sgrun --manifest etc/prod.ini rehearse --rows 10000", NULL },
	{ SG_COMMAND_NEW, "new", true, "a new step: source, manifest section and test",
	  "`new migration ID` and `new backfill KEY --table T --key K` write a source of\n"
	  "the template, a test of it, and a section at the end of the manifest, ready to\n"
	  "build. Without --key the backfill selects its own rows (a drain). Nothing is\n"
	  "overwritten: where a file is there already, nothing is written at all.\n"
	  "`new migration ID --from-sql FILE.sql` and `new --from-sql FOLDER` make steps\n"
	  "of SQL (in the layouts that audit knows), the folder with a manifest and a\n"
	  "Makefile in --folder, and report what became of each statement.",
	  "sgrun --manifest etc/prod.ini new migration 0118_lead_source", "migration|backfill NAME" },
	{ SG_COMMAND_TEST, "test", true, "plugins on a throw-away server, as TAP",
	  "Tries each plugin on a private server in a temporary folder, each point in a\n"
	  "database of its own: its fingerprint before and after, a second attempt after\n"
	  "a rollback, what it does where it is there already; of a backfill also other\n"
	  "batches, a kill between them, a second run, rows that others hold. Exit status\n"
	  "1 if a point does not hold. Without a manifest each plugin rests on those\n"
	  "before it; with one its section holds, and what comes before it is run first.",
	  "sgrun test --schema-from schema.sql migrations/0096_lead_name.so", "PLUGIN" },
	{ 0, NULL, false, NULL, NULL, NULL, NULL }
};

static const struct sg_flag flags[] = {
	{ SG_FLAG_MANIFEST, "--manifest", "FILE", SG_EVERY_COMMAND, "SGRUN_MANIFEST", true, "the manifest to work from" },
	{ SG_FLAG_SET, "--set", "SECTION.KEY=VALUE", SG_EVERY_COMMAND, NULL, true, "beats the file; may be repeated" },
	{ SG_FLAG_JSON, "--json", NULL, SG_EVERY_COMMAND, NULL, true, "the result as JSON on stdout, errors included" },
	{ SG_FLAG_LOG_FORMAT, "--log-format", "FORMAT", SG_EVERY_COMMAND, "SGRUN_LOG_FORMAT", true,
	  "log on stderr as text or json" },
	{ SG_FLAG_VERBOSE, "--verbose", NULL, SG_EVERY_COMMAND, NULL, true, "name what is skipped too; log more" },
	{ SG_FLAG_QUIET, "--quiet", NULL, SG_EVERY_COMMAND, NULL, true, "no line a step; log warnings and errors only" },
	{ SG_FLAG_NO_COLOR, "--no-color", NULL, SG_EVERY_COMMAND, "NO_COLOR", true, "no colours on a terminal" },
	{ SG_FLAG_HELP, "--help", NULL, SG_EVERY_COMMAND, NULL, true, "this text, or that of the command" },
	{ SG_FLAG_VERSION, "--version", NULL, SG_EVERY_COMMAND, NULL, true, "versions of sgrun and what it is built with" },
	{ SG_FLAG_TO, "--to", "ID", ON(MIGRATE) | ON(PLAN), NULL, true, "the last migration to do" },
	{ SG_FLAG_WAIT, "--wait", "SECONDS", RUNS | ON(VERIFY), "SGRUN_WAIT", true, "wait for another runner" },
	{ SG_FLAG_DRY_RUN, "--dry-run", NULL, RUNS, NULL, true, "the same as plan" },
	{ SG_FLAG_STRICT, "--strict", NULL, RUNS | ON(BACKFILL) | ON(INDEX), NULL, true,
	  "exit 3 if anything is left or has failed" },
	{ SG_FLAG_ONLY_PHASE, "--only-phase", "LIST", ON(DEPLOY), NULL, true, "of migrate,index,backfill" },
	{ SG_FLAG_MAX_MINUTES, "--max-minutes", "N", WORKS, NULL, true, "bounds all but migrations" },
	{ SG_FLAG_JOBS, "--jobs", "N", WORKS, NULL, true, "lanes or builds, 1 to 64" },
	{ SG_FLAG_EXIT_CODE, "--exit-code", NULL, ON(STATUS), NULL, true, "exit 3 if anything is left or failed" },
	{ SG_FLAG_REASON, "--reason", "TEXT", ON(VERIFY), NULL, true, "why, for the ledger" },
	{ SG_FLAG_ADOPT, "--adopt", "ID", ON(VERIFY), NULL, true, "record it unrun, if its fingerprint holds" },
	{ SG_FLAG_ADOPT_TO, "--adopt-to", "ID", ON(VERIFY), NULL, true, "record all up to it; needs --reason" },
	{ SG_FLAG_STATE_SQL, "--state-sql", NULL, ON(CHECK), NULL, true, "print the state tables' SQL, for a DBA" },
	{ SG_FLAG_SETTINGS, "--settings", NULL, ON(CHECK), NULL, true, "print every key of the manifest" },
	{ SG_FLAG_GRAPH, "--graph", "[=FORMAT]", ON(PLAN), NULL, true, "the steps as a graph; text or dot" },
	{ SG_FLAG_ALL, "--all", NULL, ON(BACKFILL) | ON(INDEX), NULL, true, "every one that is ready (the default)" },
	{ SG_FLAG_ONLY, "--only", "NAME", ON(BACKFILL) | ON(INDEX), NULL, true, "this one only" },
	{ SG_FLAG_PAUSE, "--pause", "KEY", ON(BACKFILL), NULL, true, "stop it within a batch, wherever it runs" },
	{ SG_FLAG_RESUME, "--resume", "KEY", ON(BACKFILL), NULL, true, "let it go on" },
	{ SG_FLAG_RETRY, "--retry", "KEY", ON(BACKFILL), NULL, true, "have its bad rows done by the next run" },
	{ SG_FLAG_AGAIN, "--again", "KEY", ON(BACKFILL), NULL, true, "have the next run begin a new sweep over all rows" },
	{ SG_FLAG_HTML, "--html", NULL, FINDS, NULL, true, "the report as one page of HTML on stdout" },
	{ SG_FLAG_FAIL_ON, "--fail-on", "LIST", FINDS, NULL, true, "exit 9 for unsafe, error, RULE ..." },
	{ SG_FLAG_WRITE_BASELINE, "--write-baseline", NULL, FINDS, NULL, true, "write the file of --baseline anew" },
	{ SG_FLAG_BASELINE, "--baseline", "FILE", FINDS, NULL, true, "what is in this file is known, and does not count" },
	{ SG_FLAG_HOT_TABLES, "--hot-tables", "LIST", ON(AUDIT), NULL, true, "tables that are written all the time" },
	{ SG_FLAG_FROM_LEDGER, "--from-ledger", NULL, ON(AUDIT), NULL, true, "what the real runs have sent" },
	{ SG_FLAG_SAMPLE, "--sample", "SECONDS", ON(AUDIT), NULL, true, "measure for so long which tables are hot" },
	{ SG_FLAG_SERVER_VERSION, "--server-version", "N", ON(AUDIT), NULL, true, "rules of PostgreSQL N, 10 to 19" },
	{ SG_FLAG_SCHEMA_FROM, "--schema-from", "DSN|FILE", ON(REHEARSE) | ON(TEST), NULL, true, "start with this schema" },
	{ SG_FLAG_ROWS, "--rows", "N", ON(REHEARSE) | ON(TEST), NULL, true, "fill each table with so many made-up rows" },
	{ SG_FLAG_TITLE, "--title", "TEXT", ON(NEW), NULL, true, "one line: what it is for" },
	{ SG_FLAG_TABLE, "--table", "NAME", ON(NEW), NULL, true, "of a backfill: the table that it changes" },
	{ SG_FLAG_KEY, "--key", "COLUMNS", ON(NEW), NULL, true, "of a backfill: what orders the table" },
	{ SG_FLAG_AFTER, "--after", "ID", ON(NEW), NULL, true, "of a backfill: the migration before it" },
	{ SG_FLAG_FOLDER, "--folder", "PATH", ON(NEW), NULL, true, "of the sources; else beside the manifest" },
	{ SG_FLAG_FROM_SQL, "--from-sql", "PATH", ON(NEW), NULL, true, "make steps of a file, or a folder, of SQL migrations" },
	{ 0, NULL, NULL, 0, NULL, false, NULL }
};

const struct sg_command *sg_commands(void)
{
	return commands;
}

const struct sg_flag *sg_flags(void)
{
	return flags;
}

const struct sg_command *sg_command(enum sg_command_id id)
{
	SG_ASSERT(commands[id].id == id);
	return &commands[id];
}

/* ---- names that are not known ---------------------------------------------- */

static const char *see_help = "See sgrun --help.";

static int unknown_command(const char *word, struct sg_err *err)
{
	const char *names[SG_COUNT(commands)], *nearest;
	size_t count = 0;

	for (const struct sg_command *c = commands; c->name != NULL; c++)
		names[count++] = c->name;
	nearest = sg_text_nearest(word, names, count);
	sg_err_set(err, SG_CLASS_USAGE, "unknown command '%s'", word);
	return nearest != NULL ? sg_err_hint(err, "Did you mean '%s'?", nearest) : sg_err_hint(err, "%s", see_help);
}

static int unknown_flag(const char *name, struct sg_err *err)
{
	const char *names[SG_COUNT(flags)], *nearest;
	size_t count = 0;

	for (const struct sg_flag *f = flags; f->name != NULL; f++)
		names[count++] = f->name;
	nearest = sg_text_nearest(name, names, count);
	sg_err_set(err, SG_CLASS_USAGE, "unknown option '%s'", name);
	return nearest != NULL ? sg_err_hint(err, "Did you mean '%s'?", nearest) : sg_err_hint(err, "%s", see_help);
}

static int not_here(const char *what, struct sg_err *err)
{
	struct sg_buf list = SG_BUF_INIT;

	for (const struct sg_command *c = commands; c->name != NULL; c++)
		if (c->here)
			sg_buf_addf(&list, "%s%s", list.length > 0 ? ", " : "", c->name);
	sg_err_set(err, SG_CLASS_USAGE, "this version of sgrun does not have '%s' yet", what);
	sg_err_hint(err, "It has the commands %s.", list.data);
	sg_buf_release(&list);
	return -1;
}

/* ---- values ---------------------------------------------------------------- */

static int bad_value(const struct sg_flag *flag, const char *source, const char *value, const char *allowed,
                     struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_USAGE, "%s: '%s' is not %s", source, value, allowed);
	return sg_err_hint(err, "%s takes %s.", flag->name, allowed);
}

static int read_number(const struct sg_flag *flag, const char *source, const char *value, int least, int most,
                       int *number_r, struct sg_err *err)
{
	char allowed[64];
	int64_t number;

	snprintf(allowed, sizeof allowed, "a whole number from %d to %d", least, most);
	if (!sg_text_int(value, least, most, &number))
		return bad_value(flag, source, value, allowed, err);
	*number_r = (int)number;
	return 0;
}

/* One of those that act on a backfill from any host. */
static int read_ask(struct sg_options *o, const struct sg_flag *flag, const char *key, struct sg_err *err)
{
	if (o->ask_key != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "%s and %s together", flags[o->ask].name, flag->name);
		return sg_err_hint(err, "One of them at a time, for one backfill.");
	}
	o->ask = flag->id;
	o->ask_key = key;
	return 0;
}

static int read_phases(const struct sg_flag *flag, const char *source, const char *value, unsigned *phases_r,
                       struct sg_err *err)
{
	static const struct { const char *name; unsigned bit; } names[] = {
		{ "migrate", SG_PHASES_MIGRATE }, { "index", SG_PHASES_INDEX }, { "backfill", SG_PHASES_BACKFILL },
	};
	unsigned phases = 0;

	for (const char *at = value;;) {
		size_t length = strcspn(at, ","), i = 0;

		while (i < SG_COUNT(names) && (strlen(names[i].name) != length || strncmp(at, names[i].name, length) != 0))
			i++;
		if (i == SG_COUNT(names))
			return bad_value(flag, source, value, "a list of migrate, index, backfill, separated by commas", err);
		phases |= names[i].bit;
		if (at[length] == '\0')
			break;
		at += length + 1;
	}
	*phases_r = phases;
	return 0;
}

static int read_format(const struct sg_flag *flag, const char *source, const char *value, bool *json_r,
                       struct sg_err *err)
{
	if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
		return bad_value(flag, source, value, "text or json", err);
	*json_r = strcmp(value, "json") == 0;
	return 0;
}

static int read_graph(const struct sg_flag *flag, const char *source, const char *value, enum sg_graph_form *form_r,
                      struct sg_err *err)
{
	if (strcmp(value, "text") != 0 && strcmp(value, "dot") != 0)
		return bad_value(flag, source, value, "text or dot", err);
	*form_r = strcmp(value, "dot") == 0 ? SG_GRAPH_FORM_DOT : SG_GRAPH_FORM_TEXT;
	return 0;
}

/* The words of a list, separated by commas or blanks, behind those that are there already. */
static void split(const char *text, struct sg_arena *arena, const char *const **words_r, size_t *count_r)
{
	const char **words = sg_arena_array(arena, *count_r + strlen(text) / 2 + 1, sizeof *words);
	size_t count = *count_r;

	for (size_t i = 0; i < count; i++)
		words[i] = (*words_r)[i];
	for (const char *at = text + strspn(text, ", \t\n"); *at != '\0'; at += strspn(at, ", \t\n")) {
		size_t length = strcspn(at, ", \t\n");

		words[count++] = sg_arena_strndup(arena, at, length);
		at += length;
	}
	*words_r = words;
	*count_r = count;
}

static const char *const limits[] = { "unsafe", "potentially-unsafe", "error", "warning", "hint", "unread", "failed" };

static bool is_failed(const struct sg_options *o, const char *word)
{
	return o->command->id == SG_COMMAND_REHEARSE && strcmp(word, "failed") == 0;
}

/* Of --fail-on: what it may name, and what is nearest. */
static int unknown_limit(const struct sg_options *o, const char *source, const char *word, struct sg_err *err)
{
	const char *names[SG_COUNT(limits) + SG_RULE_COUNT], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < SG_COUNT(limits); i++)
		if (strcmp(limits[i], "failed") != 0 || o->command->id == SG_COMMAND_REHEARSE)
			names[count++] = limits[i];
	for (int i = 0; i < SG_RULE_COUNT; i++)
		names[count++] = sg_rule((enum sg_rule_id)i)->id;
	nearest = sg_text_nearest(word, names, count);
	sg_err_set(err, SG_CLASS_USAGE, "%s: nothing that can be found is called '%s'", source, word);
	if (nearest != NULL)
		return sg_err_hint(err, "Did you mean '%s'?", nearest);
	return sg_err_hint(err, "It takes unsafe, potentially-unsafe, error, warning, hint, unread%s, a rule's id or a family as "
	                        "\"index.*\".", o->command->id == SG_COMMAND_REHEARSE ? ", failed" : "");
}

static int read_limits(struct sg_options *o, const struct sg_flag *flag, const char *source, const char *value,
                       struct sg_arena *arena, struct sg_err *err)
{
	size_t before = o->fail_on_count;

	split(value, arena, &o->fail_on, &o->fail_on_count);
	for (size_t i = before; i < o->fail_on_count; i++)
		if (!sg_audit_is_limit(o->fail_on[i]) && !is_failed(o, o->fail_on[i]))
			return unknown_limit(o, source, o->fail_on[i], err);
	return o->fail_on_count > before ? 0 : bad_value(flag, source, value, "a list, separated by commas", err);
}

/* source: the option or the variable that the value comes from, for messages. */
static int assign(struct sg_options *o, const struct sg_flag *flag, const char *source, const char *value,
                  struct sg_arena *arena, struct sg_err *err)
{
	if (flag->argument != NULL && value[0] == '\0') {
		sg_err_set(err, SG_CLASS_USAGE, "%s is empty", source);
		return sg_err_hint(err, "%s takes %s.", flag->name, flag->argument);
	}
	switch (flag->id) {
	case SG_FLAG_MANIFEST: o->manifest = value; return 0;
	case SG_FLAG_SET: return 0; /* collected by the caller */
	case SG_FLAG_JSON: o->json = true; return 0;
	case SG_FLAG_LOG_FORMAT: return read_format(flag, source, value, &o->log_json, err);
	case SG_FLAG_VERBOSE: o->verbose = true; return 0;
	case SG_FLAG_QUIET: o->quiet = true; return 0;
	case SG_FLAG_NO_COLOR: o->no_color = true; return 0;
	case SG_FLAG_HELP: o->help = true; return 0;
	case SG_FLAG_VERSION: o->version = true; return 0;
	case SG_FLAG_TO: o->to = value; return 0;
	case SG_FLAG_WAIT: return read_number(flag, source, value, 0, 1000000, &o->wait_seconds, err);
	case SG_FLAG_DRY_RUN: o->dry_run = true; return 0;
	case SG_FLAG_STRICT: o->strict = true; return 0;
	case SG_FLAG_ONLY_PHASE: return read_phases(flag, source, value, &o->phases, err);
	case SG_FLAG_MAX_MINUTES: return read_number(flag, source, value, 1, 1000000, &o->max_minutes, err);
	case SG_FLAG_EXIT_CODE: o->exit_code = true; return 0;
	case SG_FLAG_ADOPT: o->adopt = value; return 0;
	case SG_FLAG_ADOPT_TO: o->adopt_to = value; return 0;
	case SG_FLAG_REASON: o->reason = value; return 0;
	case SG_FLAG_STATE_SQL: o->state_sql = true; return 0;
	case SG_FLAG_SETTINGS: o->settings = true; return 0;
	case SG_FLAG_GRAPH: return read_graph(flag, source, value, &o->graph, err);
	case SG_FLAG_ALL: o->all = true; return 0;
	case SG_FLAG_ONLY: o->only = value; return 0;
	case SG_FLAG_JOBS: return read_number(flag, source, value, 1, 64, &o->jobs, err);
	case SG_FLAG_PAUSE:
	case SG_FLAG_RESUME:
	case SG_FLAG_RETRY:
	case SG_FLAG_AGAIN: return read_ask(o, flag, value, err);
	case SG_FLAG_HTML: o->html = true; return 0;
	case SG_FLAG_FAIL_ON: return read_limits(o, flag, source, value, arena, err);
	case SG_FLAG_WRITE_BASELINE: o->write_baseline = true; return 0;
	case SG_FLAG_BASELINE: o->baseline = value; return 0;
	case SG_FLAG_HOT_TABLES:
		o->hot_count = 0;
		split(value, arena, &o->hot_tables, &o->hot_count);
		return o->hot_count > 0 ? 0 : bad_value(flag, source, value, "a list of tables, separated by commas", err);
	case SG_FLAG_FROM_LEDGER: o->from_ledger = true; return 0;
	case SG_FLAG_SAMPLE: return read_number(flag, source, value, 1, 3600, &o->sample_seconds, err);
	case SG_FLAG_SERVER_VERSION: return read_number(flag, source, value, 10, 19, &o->server_version, err);
	case SG_FLAG_SCHEMA_FROM: o->schema_from = value; return 0;
	case SG_FLAG_ROWS: return read_number(flag, source, value, 0, 10000000, &o->rows, err);
	case SG_FLAG_TITLE: o->title = value; return 0;
	case SG_FLAG_TABLE: o->table = value; return 0;
	case SG_FLAG_KEY: o->key = value; return 0;
	case SG_FLAG_AFTER: o->after = value; return 0;
	case SG_FLAG_FOLDER: o->folder = value; return 0;
	case SG_FLAG_FROM_SQL: o->from_sql = value; return 0;
	}
	SG_BUG("option without a case");
}

/* ---- parsing --------------------------------------------------------------- */

struct given {
	const struct sg_flag *flag;
	const char *value; /* "" for a switch */
};

/* "--name" or "--name=value" */
static const struct sg_flag *find_flag(const char *word, size_t length)
{
	if (strcmp(word, "-h") == 0)
		return &flags[SG_FLAG_HELP];
	for (const struct sg_flag *f = flags; f->name != NULL; f++)
		if (strlen(f->name) == length && strncmp(f->name, word, length) == 0)
			return f;
	return NULL;
}

static int take_flag(int argc, char *const *argv, int *at, struct sg_arena *arena, struct given *given_r,
                     struct sg_err *err)
{
	const char *word = argv[*at];
	size_t length = strcspn(word, "=");
	const struct sg_flag *flag = find_flag(word, length);

	if (flag == NULL)
		return unknown_flag(sg_arena_strndup(arena, word, length), err);
	*given_r = (struct given){ flag, "" };
	if (flag->argument == NULL) {
		if (word[length] == '\0')
			return 0;
		sg_err_set(err, SG_CLASS_USAGE, "%s takes no value", flag->name);
		return sg_err_hint(err, "Write %s alone.", flag->name);
	}
	if (word[length] == '=') {
		given_r->value = word + length + 1;
		return 0;
	}
	if (flag->argument[0] == '[') {
		given_r->value = "text";
		return 0;
	}
	if (*at + 1 >= argc || sg_text_prefix(argv[*at + 1], "--")) {
		sg_err_set(err, SG_CLASS_USAGE, "%s needs a value", flag->name);
		return sg_err_hint(err, "Write %s %s.", flag->name, flag->argument);
	}
	given_r->value = argv[++*at];
	return 0;
}

static int take_word(const char *word, const char **paths, struct sg_options *o, struct sg_err *err)
{
	if (o->command_given && o->command->words != NULL) {
		if (word[0] == '\0') {
			sg_err_set(err, SG_CLASS_USAGE, "an empty %s", o->command->words);
			return sg_err_hint(err, "Is a variable not set? See sgrun %s --help.", o->command->name);
		}
		paths[o->path_count++] = word;
		return 0;
	}
	if (o->command_given) {
		sg_err_set(err, SG_CLASS_USAGE, "'%s' is one word too many after '%s'", word, o->command->name);
		return sg_err_hint(err, "One command at a time; see sgrun %s --help.", o->command->name);
	}
	for (const struct sg_command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, word) == 0) {
			o->command = c;
			o->command_given = c->here;
			return c->here ? 0 : not_here(word, err);
		}
	return unknown_command(word, err);
}

static int misplaced(const struct sg_flag *flag, const struct sg_command *command, struct sg_err *err)
{
	struct sg_buf list = SG_BUF_INIT;

	for (const struct sg_command *c = commands; c->name != NULL; c++)
		if (flag->commands & (1u << c->id))
			sg_buf_addf(&list, "%s%s", list.length > 0 ? ", " : "", c->name);
	sg_err_set(err, SG_CLASS_USAGE, "%s does not go with '%s'", flag->name, command->name);
	sg_err_hint(err, "It is an option of %s.", list.data);
	sg_buf_release(&list);
	return -1;
}

/* An option that means nothing for --pause and the like, or NULL. */
static const char *idle_option(const struct sg_options *o)
{
	if (o->all)
		return "--all";
	if (o->only != NULL)
		return "--only";
	if (o->max_minutes >= 0)
		return "--max-minutes";
	if (o->jobs > 0)
		return "--jobs";
	return o->strict ? "--strict" : NULL;
}

static int check_work(const struct sg_options *o, struct sg_err *err)
{
	if (o->ask_key != NULL && idle_option(o) != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "%s and %s together", flags[o->ask].name, idle_option(o));
		return sg_err_hint(err, "%s acts on one backfill and runs nothing.", flags[o->ask].name);
	}
	if (o->all && o->only != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--all and --only together");
		return sg_err_hint(err, "--all is every one that is ready, --only one of them.");
	}
	if (o->phases == SG_PHASES_MIGRATE && (o->jobs > 0 || o->max_minutes >= 0)) {
		sg_err_set(err, SG_CLASS_USAGE, "%s, and --only-phase without index and backfill",
		           o->jobs > 0 ? "--jobs" : "--max-minutes");
		return sg_err_hint(err, "It is for indexes and backfills: name one of them in --only-phase too.");
	}
	return 0;
}

static int check_audit(const struct sg_options *o, struct sg_err *err)
{
	if (o->html && o->json) {
		sg_err_set(err, SG_CLASS_USAGE, "--html and --json together");
		return sg_err_hint(err, "--html gives the report as a page for people, --json for programs: one of them.");
	}
	if (o->write_baseline && o->baseline == NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--write-baseline without --baseline");
		return sg_err_hint(err, "Name the file that is to be written: --baseline FILE.");
	}
	if (o->from_ledger && o->path_count > 0) {
		sg_err_set(err, SG_CLASS_USAGE, "--from-ledger and '%s' together", o->paths[0]);
		return sg_err_hint(err, "--from-ledger audits what the manifest's plugins have sent; a PATH is audited instead of it.");
	}
	if (o->sample_seconds > 0 && o->hot_count > 0) {
		sg_err_set(err, SG_CLASS_USAGE, "--sample and --hot-tables together");
		return sg_err_hint(err, "--sample measures which tables are hot, --hot-tables names them.");
	}
	if (o->sample_seconds > 0 && o->manifest == NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--sample without a manifest");
		return sg_err_hint(err, "It measures at the manifest's dsn: give --manifest FILE too.");
	}
	return 0;
}

static int check_together(const struct sg_options *o, struct sg_err *err)
{
	if (o->graph == SG_GRAPH_FORM_DOT && o->json) {
		sg_err_set(err, SG_CLASS_USAGE, "--graph=dot and --json together");
		return sg_err_hint(err, "--graph --json gives the edges in the JSON; --graph=dot is for Graphviz.");
	}
	if (o->verbose && o->quiet) {
		sg_err_set(err, SG_CLASS_USAGE, "--verbose and --quiet together");
		return sg_err_hint(err, "Give one of them.");
	}
	if (o->adopt != NULL && o->adopt_to != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--adopt and --adopt-to together");
		return sg_err_hint(err, "--adopt records one migration, --adopt-to all up to one.");
	}
	if (o->adopt_to != NULL && o->reason == NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--adopt-to needs --reason");
		return sg_err_hint(err, "Say why they are recorded without having been run: --reason TEXT. The ledger keeps it.");
	}
	if (o->reason != NULL && o->adopt_to == NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--reason without --adopt-to");
		return sg_err_hint(err, "--reason says why --adopt-to records migrations that were not run.");
	}
	return check_work(o, err) != 0 ? -1 : check_audit(o, err);
}

int sg_options_parse(int argc, char *const *argv, char *(*lookup)(const char *name), struct sg_arena *arena,
                     struct sg_options *o, struct sg_err *err)
{
	struct given *given = sg_arena_array(arena, (size_t)argc + 1, sizeof *given);
	const char **sets = sg_arena_array(arena, (size_t)argc + 1, sizeof *sets);
	const char **paths = sg_arena_array(arena, (size_t)argc + 1, sizeof *paths);
	size_t count = 0;
	bool options_end = false;

	*o = (struct sg_options){ .command = sg_command(SG_COMMAND_DEPLOY), .wait_seconds = -1, .max_minutes = -1, .rows = -1,
		                  .ask = SG_FLAG_ALL, .sets = sets, .paths = paths };
	/* whatever else is wrong: the error is given in the form that was asked for */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		o->json = o->json || strcmp(argv[i], "--json") == 0;

	for (int i = 1; i < argc; i++) {
		if (!options_end && strcmp(argv[i], "--") == 0) {
			options_end = true;
		} else if (!options_end && argv[i][0] == '-') {
			if (take_flag(argc, argv, &i, arena, &given[count], err) != 0)
				return -1;
			count++;
		} else {
			if (take_word(argv[i], paths, o, err) != 0)
				return -1;
		}
	}
	for (const struct sg_flag *f = flags; f->name != NULL; f++) {
		const char *value = f->environment != NULL ? lookup(f->environment) : NULL;

		if (value != NULL && value[0] != '\0' && (f->commands & (1u << o->command->id)) &&
		    assign(o, f, f->environment, value, arena, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (!(given[i].flag->commands & (1u << o->command->id)))
			return misplaced(given[i].flag, o->command, err);
		if (assign(o, given[i].flag, given[i].flag->name, given[i].value, arena, err) != 0)
			return -1;
		if (given[i].flag->id == SG_FLAG_SET)
			sets[o->set_count++] = given[i].value;
	}
	return o->help || o->version ? 0 : check_together(o, err);
}
