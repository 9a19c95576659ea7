/* settings.c - the one table of the manifest's keys, and lookups in it.
 *
 * A new key is one row here, and the place that acts on it. Nothing else may
 * hold a default or a range. */
#include "config.h"
#include "core/manifest/settings.h"

#include <stddef.h>
#include <string.h>

#include "core/base/text.h"
#include "core/manifest/checks.h"
#include "core/manifest/manifest.h"

#define ON_MANIFEST(member) SG_PLACE_MANIFEST, offsetof(struct sg_manifest, member)
#define ON_POLICY(member) SG_PLACE_POLICY, offsetof(struct sg_policy_settings, member)
#define ON_BACKFILL(member) SG_PLACE_BACKFILL, offsetof(struct sg_backfill_settings, member)
#define ON_INDEX(member) SG_PLACE_INDEX, offsetof(struct sg_index_settings, member)
#define ON_STEP(member) SG_PLACE_STEP, offsetof(struct sg_step, member)

#define POLICY (SG_IN_POLICY | SG_IN_STEPS)
#define BACKFILLS (SG_IN_BACKFILLS | SG_IN_BACKFILL)
#define INDEXES (SG_IN_INDEXES | SG_IN_INDEX)
#define PLUGINS (SG_IN_MIGRATION | SG_IN_BACKFILL)

#define DAY 86400
#define WEEK (7 * DAY)
#define HOUR_MS 3600000

/* key, sections, type, default, min, max, words, help, flags, place, check */
static const struct sg_setting table[] = {
	/* [sgrun] */
	{ "plugin_path", SG_IN_SGRUN, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "folders where plugins are looked up, each with its .libs", SG_SETTING_IS_PATHS, ON_MANIFEST(plugin_path), NULL },
	{ "state_schema", SG_IN_SGRUN, SG_SETTING_TEXT, "sgrun", 0, 0, NULL,
	  "schema of sgrun's own tables; no migration may name it", 0, ON_MANIFEST(state_schema), sg_check_schema },
	{ "sandbox", SG_IN_SGRUN, SG_SETTING_WORD, "required", 0, 0, "required best-effort off",
	  "confinement of plugin processes: refuse to run without it, warn, or none (debugging)", 0,
	  ON_MANIFEST(sandbox), NULL },
	{ "lease_seconds", SG_IN_SGRUN, SG_SETTING_INT, "30", 2, 3600, NULL,
	  "how long a runner that gives no sign of life keeps the lease", 0, ON_MANIFEST(lease_seconds), NULL },
	{ "wait_seconds", SG_IN_SGRUN, SG_SETTING_INT, "0", 0, WEEK, NULL,
	  "how long to wait for another runner (--wait)", 0, ON_MANIFEST(wait_seconds), NULL },

	/* [database] */
	{ "dsn", SG_IN_DATABASE, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "the database: a libpq URI or conninfo string, or embedded:FOLDER for a private server",
	  SG_SETTING_IS_SQL | SG_SETTING_IS_SECRET, ON_MANIFEST(dsn), NULL },
	{ "direct_dsn", SG_IN_DATABASE, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "the same database past the pooler, for what needs a session",
	  SG_SETTING_IS_SQL | SG_SETTING_IS_SECRET, ON_MANIFEST(direct_dsn), sg_check_direct_dsn },
	{ "schema", SG_IN_DATABASE, SG_SETTING_TEXT, "public", 0, 0, NULL,
	  "schema that unqualified names mean", 0, ON_MANIFEST(schema), sg_check_schema },
	{ "role", SG_IN_DATABASE, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "role that steps run as (SET LOCAL ROLE); none: the user who connects", 0, ON_MANIFEST(role), sg_check_role },
	{ "connect_seconds", SG_IN_DATABASE, SG_SETTING_INT, "10", 1, 3600, NULL,
	  "how long one attempt to connect may take", 0, ON_MANIFEST(connect_seconds), NULL },
	{ "embedded_init", SG_IN_DATABASE, SG_SETTING_PATH, NULL, 0, 0, NULL,
	  "SQL file that is run once, when the private server's cluster is made", 0, ON_MANIFEST(embedded_init), NULL },
	{ "embedded_bindir", SG_IN_DATABASE, SG_SETTING_PATH, NULL, 0, 0, NULL,
	  "folder of the private server's programs; none: pg_config --bindir, else the highest installed", 0,
	  ON_MANIFEST(embedded_bindir), NULL },

	/* [policy] */
	{ "max_retries", POLICY, SG_SETTING_INT, "10", 0, 1000, NULL,
	  "attempts at a step after a failure that may pass (lost connection, deadlock, failover)", 0,
	  ON_POLICY(max_retries), NULL },
	{ "retry_seconds", POLICY, SG_SETTING_INT, "120", 0, DAY, NULL,
	  "time within which a step is tried again", 0, ON_POLICY(retry_seconds), NULL },
	{ "retry_base_ms", POLICY, SG_SETTING_INT, "100", 1, HOUR_MS, NULL,
	  "first pause between attempts; it doubles, with jitter", 0, ON_POLICY(retry_base_ms), NULL },
	{ "retry_cap_ms", POLICY, SG_SETTING_INT, "10000", 1, HOUR_MS, NULL,
	  "longest pause between attempts", 0, ON_POLICY(retry_cap_ms), NULL },
	{ "lock_rungs_ms", POLICY, SG_SETTING_INTS, "200, 500, 1500, 3000", 1, HOUR_MS, NULL,
	  "the lock ladder: lock_timeout of each try; the last repeats, one must exceed deadlock_timeout", 0,
	  ON_POLICY(lock_rungs_ms), NULL },
	/* in an index's section lock_seconds is that of [indexes] */
	{ "lock_seconds", POLICY & ~SG_IN_INDEX, SG_SETTING_INT, "300", 0, WEEK, NULL,
	  "time after which the ladder gives up (exit status 4)", 0, ON_POLICY(lock_seconds), NULL },
	{ "lock_pause_ms", POLICY, SG_SETTING_INT, "1000", 0, HOUR_MS, NULL,
	  "pause between two rungs, with jitter, in which others get through", 0, ON_POLICY(lock_pause_ms), NULL },
	{ "ddl_seconds", POLICY, SG_SETTING_INT, "0", 0, WEEK, NULL,
	  "statement_timeout of a statement of run(); 0 is no limit", 0, ON_POLICY(ddl_seconds), NULL },
	{ "read_seconds", POLICY, SG_SETTING_INT, "60", 1, DAY, NULL,
	  "statement_timeout of a read (fingerprints, checks)", 0, ON_POLICY(read_seconds), NULL },
	{ "idle_seconds", POLICY, SG_SETTING_INT, "20", 1, 3599, NULL,
	  "idle_in_transaction_session_timeout; must be below lease_seconds", 0, ON_POLICY(idle_seconds), NULL },
	{ "plugin_seconds", POLICY, SG_SETTING_INT, "10", 1, DAY, NULL,
	  "time that a plugin may think, not counting its SQL", 0, ON_POLICY(plugin_seconds), NULL },
	{ "already_exists", POLICY, SG_SETTING_WORD, "pass", 0, 0, "fail pass",
	  "whether a statement passes whose object is there already, as wanted", SG_SETTING_IS_FLAG,
	  ON_POLICY(already_exists_pass), NULL },
	{ "trigger_tables", POLICY, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "tables that DDL event triggers of yours write to", 0, ON_POLICY(trigger_tables), sg_check_table },
	{ "unparsed", POLICY, SG_SETTING_WORD, "refuse", 0, 0, "refuse allow",
	  "statements that the built-in grammar cannot parse; allow needs a reason", SG_SETTING_IS_FLAG,
	  ON_POLICY(unparsed_allow), NULL },
	{ "reason", POLICY, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "why unparsed = allow is needed", SG_SETTING_IS_PROSE, ON_POLICY(reason), NULL },
	{ "waiting", POLICY, SG_SETTING_WORD, "fail", 0, 0, "fail allow",
	  "exit status while a migration waits for a gate: 3, or 0", SG_SETTING_IS_FLAG, ON_POLICY(waiting_allow), NULL },
	{ "allow", POLICY, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "rules of audit and rehearse whose findings are accepted", 0, ON_POLICY(allow), sg_check_rule },

	/* [backfills] */
	{ "batch_size", BACKFILLS, SG_SETTING_INT, "auto", 1, 1000000, "auto",
	  "rows of a batch; auto moves towards target_batch_ms", 0, ON_BACKFILL(batch_size), NULL },
	{ "target_batch_ms", BACKFILLS, SG_SETTING_INT, "200", 1, 600000, NULL,
	  "how long a batch should take", 0, ON_BACKFILL(target_batch_ms), NULL },
	{ "max_batch", BACKFILLS, SG_SETTING_INT, "50000", 1, 10000000, NULL,
	  "most rows of a batch that auto chooses", 0, ON_BACKFILL(max_batch), NULL },
	{ "jobs", BACKFILLS, SG_SETTING_INT, "1", 1, 64, NULL,
	  "lanes: processes that work on a backfill at once", 0, ON_BACKFILL(jobs), NULL },
	{ "max_seconds", BACKFILLS, SG_SETTING_INT, "600", 0, WEEK, NULL,
	  "time for backfills in one run; 0 is no limit; the next run goes on", 0, ON_BACKFILL(max_seconds), NULL },
	{ "max_passes", BACKFILLS, SG_SETTING_INT, "5", 1, 10000, NULL,
	  "passes over rows that were locked", 0, ON_BACKFILL(max_passes), NULL },
	{ "pass_pause_seconds", BACKFILLS, SG_SETTING_INT, "5", 0, 3600, NULL,
	  "pause between passes", 0, ON_BACKFILL(pass_pause_seconds), NULL },
	{ "max_bad_rows", BACKFILLS, SG_SETTING_INT, "0", 0, 1000000, NULL,
	  "rows that may fail for their own data before the backfill stops", 0, ON_BACKFILL(max_bad_rows), NULL },
	{ "lock_ms", BACKFILLS, SG_SETTING_INT, "1000", 1, HOUR_MS, NULL,
	  "lock_timeout of a batch", 0, ON_BACKFILL(lock_ms), NULL },
	{ "statement_seconds", BACKFILLS, SG_SETTING_INT, "30", 1, DAY, NULL,
	  "statement_timeout of a batch", 0, ON_BACKFILL(statement_seconds), NULL },
	{ "duty", BACKFILLS, SG_SETTING_REAL, "1.0", 1, 100, NULL,
	  "share of the time in which a lane works; it rests for the remainder", 0, ON_BACKFILL(duty), NULL },
	{ "window", BACKFILLS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "hours in which batches run, HH:MM-HH:MM [TIME ZONE]; none: at any time", 0, ON_BACKFILL(window), sg_check_window },
	{ "max_lag_mb", BACKFILLS, SG_SETTING_INT, "64", 0, 1000000, NULL,
	  "replication lag above which batches pause", 0, ON_BACKFILL(max_lag_mb), NULL },
	{ "max_lag_seconds", BACKFILLS, SG_SETTING_INT, "10", 0, DAY, NULL,
	  "the same in time", 0, ON_BACKFILL(max_lag_seconds), NULL },
	{ "max_wal_backlog_mb", BACKFILLS, SG_SETTING_INT, "512", 0, 1000000, NULL,
	  "WAL not yet archived or kept by slots above which batches pause", 0, ON_BACKFILL(max_wal_backlog_mb), NULL },
	{ "max_blocked", BACKFILLS, SG_SETTING_INT, "0", 0, 10000, NULL,
	  "sessions that a backfill may block before it pauses", 0, ON_BACKFILL(max_blocked), NULL },
	{ "unknown_signal", BACKFILLS, SG_SETTING_WORD, "go", 0, 0, "go stop",
	  "what to do where the role may not see a signal", SG_SETTING_IS_FLAG, ON_BACKFILL(unknown_signal_stop), NULL },

	/* [indexes] */
	{ "jobs", INDEXES, SG_SETTING_INT, "1", 1, 64, NULL,
	  "indexes built at once, on different tables", 0, ON_INDEX(jobs), NULL },
	{ "max_seconds", INDEXES, SG_SETTING_INT, "0", 0, WEEK, NULL,
	  "time for one build; 0 is no limit", 0, ON_INDEX(max_seconds), NULL },
	{ "lock_seconds", INDEXES, SG_SETTING_INT, "0", 0, WEEK, NULL,
	  "how long a build may wait for others; 0 is no limit", 0, ON_INDEX(lock_seconds), NULL },
	{ "memory_mb", SG_IN_INDEXES, SG_SETTING_INT, "2048", 0, 16777216, NULL,
	  "builds at once times the server's maintenance_work_mem stay below it; 0 is no limit", 0, ON_INDEX(memory_mb),
	  NULL },

	/* [audit] */
	{ "hot_tables", SG_IN_AUDIT, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "tables where DML is of HIGH priority; none: measured", 0, ON_MANIFEST(hot_tables), sg_check_table },
	{ "small_rows", SG_IN_AUDIT, SG_SETTING_INT, "100", 0, 1000000, NULL,
	  "a literal INSERT of fewer rows is safe", 0, ON_MANIFEST(small_rows), NULL },

	/* steps */
	{ "plugin", PLUGINS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "the plugin: NAME.so in plugin_path, or a path", SG_SETTING_REQUIRED, ON_STEP(plugin), sg_check_plugin },
	{ "id", SG_IN_STEPS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "identity in the ledger; none: the section's name", 0, ON_STEP(id), NULL },
	{ "name", SG_IN_STEPS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "the same as id; reads better for an index", 0, ON_STEP(id), NULL },
	{ "title", SG_IN_STEPS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "one line for people; none: the plugin's", SG_SETTING_IS_PROSE, ON_STEP(title), NULL },
	{ "description", SG_IN_STEPS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "more for people", SG_SETTING_IS_PROSE, ON_STEP(description), NULL },
	{ "sha256", PLUGINS, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "pin: the plugin's file must have this hash", 0, ON_STEP(sha256), sg_check_sha256 },
	{ "libraries", PLUGINS, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "shared libraries that the plugin may need besides libc and its kin", 0, ON_STEP(libraries), sg_check_library },
	{ "requires", SG_IN_STEPS, SG_SETTING_SPECIAL, NULL, 0, 0, NULL,
	  "steps that must be done before: migration:ID, backfill:ID, index:NAME", 0, ON_STEP(requires), NULL },
	{ "migration", SG_IN_BACKFILL | SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "migration after which the step may run", 0, ON_STEP(migration), NULL },
	{ "superseded_by", SG_IN_MIGRATION, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "later migration that undid or replaced this one: verify asks that one instead", 0, ON_STEP(superseded_by), NULL },
	{ "priority", SG_IN_BACKFILL | SG_IN_INDEX, SG_SETTING_WORD, "MEDIUM", 0, 0, "HIGH MEDIUM LOW",
	  "order of execution among the steps that are ready", 0, ON_STEP(priority), NULL },
	{ "also_writes", SG_IN_BACKFILL, SG_SETTING_LIST, NULL, 0, 0, NULL,
	  "tables that the backfill writes to besides its own (triggers, cascades)", 0, ON_STEP(also_writes), sg_check_table },
	{ "option.*", PLUGINS, SG_SETTING_SPECIAL, NULL, 0, 0, NULL,
	  "text for the plugin: sg_option(sg, \"KEY\")", SG_SETTING_IS_SQL | SG_SETTING_NO_COMMENT, ON_STEP(options), NULL },
	{ "table", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "table of the index", 0, ON_STEP(table), sg_check_table },
	{ "columns", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "columns or (expressions), as in CREATE INDEX", SG_SETTING_IS_SQL, ON_STEP(columns), NULL },
	{ "opclass", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "operator class of each column, in their order; default: the type's own", SG_SETTING_IS_SQL, ON_STEP(opclass),
	  NULL },
	{ "unique", SG_IN_INDEX, SG_SETTING_BOOL, "no", 0, 0, NULL,
	  "a unique index", 0, ON_STEP(unique), NULL },
	{ "method", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "access method; none: btree", 0, ON_STEP(method), sg_check_identifier },
	{ "where", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "predicate of a partial index", SG_SETTING_IS_SQL, ON_STEP(where), NULL },
	{ "include", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "columns that are only carried along", SG_SETTING_IS_SQL, ON_STEP(include), NULL },
	{ "with", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "storage parameters", SG_SETTING_IS_SQL, ON_STEP(with), NULL },
	{ "tablespace", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "tablespace of the index", 0, ON_STEP(tablespace), sg_check_identifier },
	{ "nulls_not_distinct", SG_IN_INDEX, SG_SETTING_BOOL, "no", 0, 0, NULL,
	  "NULLs are equal in a unique index (PostgreSQL 15 and later)", 0, ON_STEP(nulls_not_distinct), NULL },
	{ "sql", SG_IN_INDEX, SG_SETTING_TEXT, NULL, 0, 0, NULL,
	  "the whole CREATE INDEX statement instead of table and columns", SG_SETTING_IS_SQL | SG_SETTING_NO_COMMENT,
	  ON_STEP(sql), sg_check_index_sql },
	{ "critical", SG_IN_INDEX, SG_SETTING_BOOL, "no", 0, 0, NULL,
	  "repeat a failure of this index at the end, in red", 0, ON_STEP(critical), NULL },
	{ .key = NULL }
};

static const struct sg_section_kind kinds[] = {
	{ "sgrun", SG_IN_SGRUN, false, "the runner itself" },
	{ "database", SG_IN_DATABASE, false, "where the database is" },
	{ "policy", SG_IN_POLICY, false, "time limits, retries and rules of every step" },
	{ "backfills", SG_IN_BACKFILLS, false, "what holds for all backfills" },
	{ "indexes", SG_IN_INDEXES, false, "what holds for all indexes" },
	{ "audit", SG_IN_AUDIT, false, "the audit command" },
	{ "migration", SG_IN_MIGRATION, true, "a migration; their order in the file is their order of execution" },
	{ "backfill", SG_IN_BACKFILL, true, "a backfill" },
	{ "index", SG_IN_INDEX, true, "an index of the registry" },
	{ .word = NULL }
};

const struct sg_setting *sg_settings(void)
{
	return table;
}

const struct sg_section_kind *sg_section_kinds(void)
{
	return kinds;
}

static bool matches(const struct sg_setting *setting, const char *key)
{
	size_t length;

	if (setting->key[0] != key[0])
		return false;
	length = strlen(setting->key);
	if (setting->key[length - 1] == '*')
		return strncmp(setting->key, key, length - 1) == 0 && key[length - 1] != '\0';
	return strcmp(setting->key, key) == 0;
}

const struct sg_setting *sg_setting_find(const char *key, unsigned section)
{
	for (const struct sg_setting *setting = table; setting->key != NULL; setting++)
		if ((setting->sections & section) && matches(setting, key))
			return setting;
	return NULL;
}

unsigned sg_setting_sections(const char *key)
{
	unsigned sections = 0;

	for (const struct sg_setting *setting = table; setting->key != NULL; setting++)
		if (matches(setting, key))
			sections |= setting->sections;
	return sections;
}

bool sg_setting_known(const char *key)
{
	return sg_setting_sections(key) != 0;
}

const char *sg_setting_nearest(const char *text, unsigned section)
{
	const char *keys[SG_COUNT(table)];
	size_t count = 0;

	for (const struct sg_setting *setting = table; setting->key != NULL; setting++)
		if ((section == 0 || (setting->sections & section)) && strchr(setting->key, '*') == NULL)
			keys[count++] = setting->key;
	return sg_text_nearest(text, keys, count);
}

enum sg_section_fault sg_section_parse(const char *text, const struct sg_section_kind **kind_r, const char **label_r)
{
	size_t word = strcspn(text, " \t");
	const char *label = text + word + strspn(text + word, " \t");

	*kind_r = NULL;
	*label_r = *label ? label : NULL;
	for (const struct sg_section_kind *kind = kinds; kind->word != NULL; kind++) {
		if (strlen(kind->word) != word || strncmp(kind->word, text, word) != 0)
			continue;
		*kind_r = kind;
		if (kind->named && *label == '\0')
			return SG_SECTION_NAMELESS;
		return !kind->named && *label != '\0' ? SG_SECTION_NAMED : SG_SECTION_FINE;
	}
	return SG_SECTION_UNKNOWN;
}
