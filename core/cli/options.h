/* options.h - the command line: one table of commands, one of options.
 *
 * Parsing, `--help`, `COMMAND --help` and the check of the man page all come
 * from these two tables, so that none can lag behind. Commands that the design
 * names and this version lacks stand in the table too, and say so when asked. */
#ifndef SG_OPTIONS_H
#define SG_OPTIONS_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

enum sg_command_id {
	SG_COMMAND_DEPLOY, SG_COMMAND_MIGRATE, SG_COMMAND_INDEX, SG_COMMAND_BACKFILL, SG_COMMAND_PLAN, SG_COMMAND_STATUS,
	SG_COMMAND_VERIFY, SG_COMMAND_CHECK, SG_COMMAND_AUDIT, SG_COMMAND_REHEARSE, SG_COMMAND_NEW, SG_COMMAND_TEST
};

struct sg_command {
	enum sg_command_id id;
	const char *name;
	bool here;           /* this version has it */
	const char *help;    /* one line */
	const char *about;   /* a paragraph, lines of at most 78 columns; NULL when not here */
	const char *example; /* a command line; NULL when not here */
	const char *words;   /* what it takes besides options: "PATH"; NULL: nothing */
};

enum sg_flag_id {
	SG_FLAG_MANIFEST, SG_FLAG_SET, SG_FLAG_JSON, SG_FLAG_LOG_FORMAT, SG_FLAG_VERBOSE, SG_FLAG_QUIET, SG_FLAG_NO_COLOR,
	SG_FLAG_HELP, SG_FLAG_VERSION, SG_FLAG_TO, SG_FLAG_WAIT, SG_FLAG_DRY_RUN, SG_FLAG_STRICT, SG_FLAG_ONLY_PHASE,
	SG_FLAG_MAX_MINUTES, SG_FLAG_JOBS, SG_FLAG_EXIT_CODE, SG_FLAG_REASON, SG_FLAG_ADOPT, SG_FLAG_ADOPT_TO, SG_FLAG_STATE_SQL,
	SG_FLAG_SETTINGS, SG_FLAG_GRAPH, SG_FLAG_ALL, SG_FLAG_ONLY, SG_FLAG_PAUSE, SG_FLAG_RESUME, SG_FLAG_RETRY, SG_FLAG_AGAIN,
	SG_FLAG_HTML, SG_FLAG_FAIL_ON, SG_FLAG_WRITE_BASELINE, SG_FLAG_BASELINE, SG_FLAG_HOT_TABLES, SG_FLAG_FROM_LEDGER, SG_FLAG_SAMPLE,
	SG_FLAG_SERVER_VERSION, SG_FLAG_SCHEMA_FROM, SG_FLAG_ROWS, SG_FLAG_TITLE, SG_FLAG_TABLE, SG_FLAG_KEY, SG_FLAG_AFTER,
	SG_FLAG_FOLDER, SG_FLAG_FROM_SQL
};

struct sg_flag {
	enum sg_flag_id id;
	const char *name;        /* "--to" */
	const char *argument;    /* "ID"; "[=FORMAT]": may be left out; or NULL: a switch */
	unsigned commands;       /* bit set of 1u << enum sg_command_id */
	const char *environment; /* variable that gives the default, or NULL */
	bool here;               /* this version has it */
	const char *help;        /* one line */
};

#define SG_EVERY_COMMAND (~0u)

/* The tables, each ended by name = NULL. */
const struct sg_command *sg_commands(void);
const struct sg_flag *sg_flags(void);
/* The entry of that command. */
const struct sg_command *sg_command(enum sg_command_id id);

/* Phases of deploy, as --only-phase names them. */
#define SG_PHASES_MIGRATE 1u
#define SG_PHASES_INDEX 2u
#define SG_PHASES_BACKFILL 4u

/* plan --graph */
enum sg_graph_form { SG_GRAPH_FORM_NONE, SG_GRAPH_FORM_TEXT, SG_GRAPH_FORM_DOT };

struct sg_options {
	bool command_given;               /* by name, not by default */
	const struct sg_command *command; /* never NULL after sg_options_parse, also when it fails */
	const char *manifest;             /* or NULL */
	const char *const *sets;          /* --set, as given, in order */
	size_t set_count;
	bool help, version, json, log_json, verbose, quiet, no_color;
	bool dry_run, strict, exit_code, state_sql, settings;
	const char *to, *adopt, *adopt_to, *reason; /* or NULL */
	int wait_seconds;                 /* -1: not given */
	int max_minutes;                  /* -1: not given */
	int jobs;                         /* 0: not given */
	bool all;
	const char *only;                 /* of backfill and index: one name, or NULL */
	/* --pause, --resume, --retry, --again: the one that was given (else SG_FLAG_ALL), and its key */
	enum sg_flag_id ask;
	const char *ask_key;              /* or NULL */
	unsigned phases;                  /* SG_PHASES_…; 0: not given */
	enum sg_graph_form graph;
	/* audit and rehearse */
	const char *const *paths;         /* what to audit, or the words after `new`; as given */
	size_t path_count;
	const char *const *fail_on;       /* each is a word of sg_audit_is_limit, or "failed" */
	size_t fail_on_count;
	const char *baseline;             /* or NULL */
	bool write_baseline, from_ledger, html;
	const char *const *hot_tables;
	size_t hot_count;                 /* 0: not given */
	int sample_seconds;               /* 0: not given */
	int server_version;               /* 0: not given */
	const char *schema_from;          /* or NULL; may hold a password: never print it */
	int rows;                         /* -1: not given */
	const char *title, *table, *key, *after, *folder, *from_sql; /* of new; or NULL */
};

/* argv as main() has it; lookup is getenv, or a test's. Flag beats environment.
 * Errors are SG_CLASS_USAGE with the nearest name as hint; `json` is right even
 * then, so that the error can be given as it was asked for. */
SG_MUST_CHECK int sg_options_parse(int argc, char *const *argv, char *(*lookup)(const char *name),
                                   struct sg_arena *arena, struct sg_options *options_r, struct sg_err *err);

/* `sgrun --help`: at most 50 lines of 80 columns. */
void sg_help_main(struct sg_buf *out);
/* `sgrun COMMAND --help`. */
void sg_help_command(struct sg_buf *out, const struct sg_command *command);

#endif
