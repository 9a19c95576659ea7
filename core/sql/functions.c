/* functions.c - what is known of functions by their names.
 *
 * Short lists. Denied: functions of pg_catalog and of well-known extensions
 * that write, change the runner's guards, or act on other sessions; a statement
 * that calls one is refused wherever it would run. Plain: functions that do
 * nothing but compute, so that `DEFAULT now()` is not taken for unknown code.
 * All else is unknown, which is allowed and watched (verdict.opaque). The lists
 * need not be complete: the server's own checks come after them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"

#define GUARDS "changes settings that the runner's guards rest on"
#define LARGE "writes a large object"
#define SESSION "locks for the session, and behind a pooler the session is someone else's"
#define OTHERS "acts on other sessions or on the whole server"
#define SEQUENCE "moves a sequence, which no rollback undoes"
#define AWAY "runs SQL on another connection, which no rollback reaches"
#define TEXT "runs SQL that is given as text"
#define SLOT "changes replication"
#define SENDS "sends what no rollback calls back"

struct denied {
	const char *name;
	bool prefix;
	bool anywhere; /* an extension's: in any schema */
	const char *what;
};

static const struct denied denied[] = {
	{ "set_config", false, false, GUARDS },
	{ "setval", false, false, SEQUENCE },
	{ "lo_get", false, false, NULL }, /* a read, before the prefix */
	{ "lo_", true, false, LARGE },
	{ "lowrite", false, false, LARGE },
	{ "loread", false, false, LARGE },
	{ "lo_manage", false, true, LARGE },
	{ "pg_advisory_", true, false, SESSION },
	{ "pg_try_advisory_", true, false, SESSION },
	{ "pg_terminate_backend", false, false, OTHERS },
	{ "pg_cancel_backend", false, false, OTHERS },
	{ "pg_reload_conf", false, false, OTHERS },
	{ "pg_rotate_logfile", true, false, OTHERS },
	{ "pg_log_backend_memory_contexts", false, false, OTHERS },
	{ "pg_promote", false, false, OTHERS },
	{ "pg_wal_replay_", true, false, OTHERS },
	{ "pg_switch_wal", false, false, OTHERS },
	{ "pg_create_restore_point", false, false, OTHERS },
	{ "pg_backup_", true, false, OTHERS },
	{ "pg_start_backup", false, false, OTHERS },
	{ "pg_stop_backup", false, false, OTHERS },
	{ "pg_stat_reset", true, false, OTHERS },
	{ "pg_stat_statements_reset", false, true, OTHERS },
	{ "pg_export_snapshot", false, false, OTHERS },
	{ "pg_import_system_collations", false, false, OTHERS },
	{ "pg_restore_", true, false, OTHERS },
	{ "pg_clear_", true, false, OTHERS },
	{ "pg_file_", true, true, OTHERS },
	{ "binary_upgrade_", true, false, OTHERS },
	{ "brin_summarize_", true, false, OTHERS },
	{ "brin_desummarize_range", false, false, OTHERS },
	{ "gin_clean_pending_list", false, false, OTHERS },
	{ "pg_notify", false, false, SENDS },
	{ "pg_logical_emit_message", false, false, SENDS },
	{ "pg_logical_slot_", true, false, SLOT },
	{ "pg_create_physical_replication_slot", false, false, SLOT },
	{ "pg_create_logical_replication_slot", false, false, SLOT },
	{ "pg_copy_", true, false, SLOT },
	{ "pg_drop_replication_slot", false, false, SLOT },
	{ "pg_replication_slot_advance", false, false, SLOT },
	{ "pg_replication_origin_", true, false, SLOT },
	{ "pg_sync_replication_slots", false, false, SLOT },
	{ "query_to_xml", true, false, TEXT },
	{ "cursor_to_xml", true, false, TEXT },
	{ "ts_stat", false, false, TEXT },
	{ "dblink", true, true, AWAY },
};

/* Sorted. Without arguments no other function can answer to these names, since
 * pg_catalog is searched first. */
static const char *const clock[] = {
	"clock_timestamp", "current_database", "current_schema", "gen_random_uuid", "now",
	"random",          "statement_timestamp", "transaction_timestamp", "version",
};

/* Sorted. With arguments a user's overload may fit better (lower(varchar) beats
 * pg_catalog's lower(text)), so these count only where pg_catalog is said. */
static const char *const qualified[] = {
	"abs",         "array_length", "array_to_string", "btrim",      "ceil",        "char_length",    "concat",
	"concat_ws",   "date_part",    "date_trunc",      "decode",     "encode",      "extract",        "floor",
	"format_type", "initcap",      "left",            "length",     "lower",       "lpad",           "ltrim",
	"md5",         "now",          "octet_length",    "replace",    "right",       "round",          "rpad",
	"rtrim",       "sha256",       "split_part",      "substr",     "substring",   "timezone",       "to_char",
	"to_date",     "to_number",    "to_regclass",     "to_regtype", "to_timestamp", "translate",     "trunc",
	"upper",
};

static int order(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

static bool listed(const char *name, const char *const *list, size_t count)
{
	return bsearch(name, list, count, sizeof(*list), order) != NULL;
}

enum sg_function sg_function_kind(struct sg_relation name, bool arguments, const char **what_r)
{
	bool catalog = name.schema == NULL || strcmp(name.schema, "pg_catalog") == 0;

	*what_r = NULL;
	for (size_t i = 0; i < SG_COUNT(denied); i++) {
		const struct denied *entry = &denied[i];

		if ((!catalog && !entry->anywhere) ||
		    (entry->prefix ? strncmp(name.name, entry->name, strlen(entry->name)) != 0
		                   : strcmp(name.name, entry->name) != 0))
			continue;
		if (entry->what == NULL)
			break;
		*what_r = entry->what;
		return SG_FUNCTION_DENIED;
	}
	if (!catalog)
		return SG_FUNCTION_UNKNOWN;
	if (strcmp(name.name, "nextval") == 0) {
		*what_r = SEQUENCE;
		return SG_FUNCTION_SEQUENCE;
	}
	if (!arguments && listed(name.name, clock, SG_COUNT(clock)))
		return SG_FUNCTION_PLAIN;
	return name.schema != NULL && listed(name.name, qualified, SG_COUNT(qualified)) ? SG_FUNCTION_PLAIN
	                                                                                : SG_FUNCTION_UNKNOWN;
}

bool sg_operator_is_plain(const char *name)
{
	static const char *const known[] = { "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "~",
		                             "~*", "!~", "!~*", "~~", "!~~", "~~*", "!~~*", "^", "->", "->>", "#>",
		                             "#>>", "@>", "<@", "?", "?|", "?&", "&&", "&", "|", "#", "<<", ">>" };

	for (size_t i = 0; i < SG_COUNT(known); i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}
