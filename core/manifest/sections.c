/* sections.c - the keys of a section, one by one, and the sections that stand
 * alone: [sgrun], [database], [policy], [backfills], [indexes], [audit]. */
#include "config.h"
#include "core/manifest/draft.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/manifest/expand.h"
#include "core/manifest/value.h"

#define SHOWN_BYTES 60 /* of a value in a message */

const struct sg_ini_entry *sg_draft_given(const struct sg_ini_section *section, const char *key)
{
	const struct sg_ini_entry *entry = section ? sg_ini_entry(section, key) : NULL;

	return entry != NULL && entry->text != NULL ? entry : NULL;
}

int sg_draft_line(const struct sg_ini_section *section, const char *key)
{
	const struct sg_ini_entry *entry = sg_draft_given(section, key);

	return entry ? entry->line : section ? section->line : 0;
}

/* "[policy]", "[migration …]" of each section that has the key, for a hint. */
static void add_homes(struct sg_buf *out, unsigned sections)
{
	const char *between = "";

	for (const struct sg_section_kind *kind = sg_section_kinds(); kind->word != NULL; kind++)
		if (sections & kind->section) {
			sg_buf_addf(out, "%s[%s%s]", between, kind->word, kind->named ? " …" : "");
			between = ", ";
		}
}

static void unknown_key(struct sg_draft *draft, const struct sg_ini_section *section,
                        const struct sg_section_kind *kind, const struct sg_ini_entry *entry)
{
	unsigned homes = sg_setting_sections(entry->key);
	struct sg_err *err = sg_reading_error(draft->reading, entry->line, homes ? "key %s does not belong in [%s]"
	                                      : "unknown key %s in [%s]", entry->key, section->name);
	struct sg_buf hint = SG_BUF_INIT;
	const char *nearest = NULL;

	if (homes == 0 && !sg_reading_full(draft->reading))
		nearest = sg_setting_nearest(entry->key, kind->section);
	(void)sg_err_detail(err, "It is not among the keys of [%s%s]; the section begins in line %d.", kind->word,
	                    kind->named ? " …" : "", section->line);
	if (homes != 0) {
		sg_buf_adds(&hint, "It is a key of ");
		add_homes(&hint, homes);
		sg_buf_addc(&hint, '.');
	} else if (nearest != NULL) {
		sg_buf_addf(&hint, "Did you mean %s?", nearest);
	} else {
		sg_buf_adds(&hint, "The keys of each section are in sgrun.ini(5).");
	}
	(void)sg_err_hint(err, "%s", hint.data);
	sg_buf_release(&hint);
}

/* "key = value" for a message, or "key" alone where the value may be secret. */
static const char *shown(struct sg_arena *arena, const struct sg_ini_section *section,
                         const struct sg_ini_entry *entry, const struct sg_setting *setting)
{
	const char *set = entry->line == SG_READING_OVERRIDE ? "--set " : "";
	const char *place = *set ? sg_arena_printf(arena, "--set %s.", section->name) : "";
	size_t length = strlen(entry->value);

	if (setting->flags & SG_SETTING_IS_SECRET)
		return sg_arena_printf(arena, "%s%s", place, entry->key);
	if (length <= SHOWN_BYTES)
		return sg_arena_printf(arena, "%s%s = %s", place, entry->key, entry->value);
	for (length = SHOWN_BYTES; ((unsigned char)entry->value[length] & 0xC0) == 0x80; length--)
		;
	return sg_arena_printf(arena, "%s%s = %.*s…", place, entry->key, (int)length, entry->value);
}

static void moved(struct sg_draft *draft, const struct sg_ini_section *section, const struct sg_ini_entry *entry,
                  const struct sg_setting *setting, struct sg_err *cause)
{
	struct sg_err *err = sg_reading_error(draft->reading, entry->line, "%s: %s",
	                                      shown(draft->reading->arena, section, entry, setting), cause->primary);

	if (cause->detail != NULL)
		(void)sg_err_detail(err, "%s", cause->detail);
	if (cause->hint != NULL)
		(void)sg_err_hint(err, "%s", cause->hint);
	sg_err_release(cause);
}

static void unset(struct sg_draft *draft, const struct sg_ini_entry *entry, unsigned section, const char *name)
{
	struct sg_err *err;

	if (draft->reading->lenient && section == SG_IN_DATABASE) {
		sg_log(SG_LOG_WARNING, "manifest", NULL, 0, "%s:%d: %s: the environment variable %s is not set",
		       draft->reading->path, entry->line, entry->key, name);
		draft->warned = true;
		return;
	}
	err = sg_reading_error(draft->reading, entry->line, "%s: the environment variable %s is not set", entry->key, name);
	(void)sg_err_detail(err, "The value is taken from it, and names no default.");
	(void)sg_err_hint(err, "Set %s, or write ${%s:-default}; $$ is a dollar sign.", name, name);
}

/* Fills entry->text. False if the value is not to be used. */
static bool expand(struct sg_draft *draft, const struct sg_ini_section *section, struct sg_ini_entry *entry,
                   const struct sg_setting *setting)
{
	struct sg_expansion expansion;
	struct sg_err cause = SG_ERR_INIT;

	if (entry->refused) {
		entry->text = entry->value; /* given, though wrong: one message is enough */
		return false;
	}
	if (entry->line == SG_READING_OVERRIDE) { /* the shell has had its turn */
		entry->text = entry->value[0] ? entry->value : NULL;
		return entry->text != NULL;
	}
	if (sg_expand(entry->value, draft->reading->arena, &draft->expanded, &expansion, &cause) != 0) {
		moved(draft, section, entry, setting, &cause);
		entry->text = entry->value;
		return false;
	}
	for (size_t i = 0; (setting->flags & SG_SETTING_IS_SECRET) && i < expansion.count; i++) {
		draft->secrets = sg_arena_grow(draft->reading->arena, draft->secrets, &draft->secret_capacity,
		                               draft->secret_count + 1, sizeof *draft->secrets);
		draft->secrets[draft->secret_count++] = expansion.names[i];
	}
	if (expansion.unset != NULL) {
		unset(draft, entry, setting->sections, expansion.unset);
		entry->text = draft->reading->lenient && setting->sections == SG_IN_DATABASE ? NULL : entry->value;
		return false;
	}
	entry->text = expansion.text[strspn(expansion.text, " \t")] != '\0' ? expansion.text : NULL;
	return entry->text != NULL;
}

static bool require_kind(const char *word, size_t length, enum sg_step_kind *kind_r)
{
	for (int kind = SG_STEP_MIGRATION; kind <= SG_STEP_INDEX; kind++) {
		const char *name = sg_step_kind_name((enum sg_step_kind)kind);

		if (strlen(name) == length && strncmp(name, word, length) == 0) {
			*kind_r = (enum sg_step_kind)kind;
			return true;
		}
	}
	return false;
}

static void read_requires(struct sg_draft *draft, struct sg_step *step, const struct sg_ini_entry *entry)
{
	struct sg_arena *arena = draft->reading->arena;
	struct sg_list list = sg_value_list(entry->text, arena);
	struct sg_require *requires = sg_arena_array(arena, list.count, sizeof *requires);
	size_t count = 0;

	for (size_t i = 0; i < list.count; i++) {
		const char *colon = strchr(list.items[i], ':');
		struct sg_require *require = &requires[count];
		struct sg_err *err;

		if (colon != NULL && colon[1] != '\0' &&
		    require_kind(list.items[i], (size_t)(colon - list.items[i]), &require->kind)) {
			require->id = colon + 1;
			require->line = entry->line;
			count++;
			continue;
		}
		err = sg_reading_error(draft->reading, entry->line, "requires: %.80s names no step", list.items[i]);
		(void)sg_err_detail(err, "What is required is written as kind and id.");
		(void)sg_err_hint(err, "Write migration:ID, backfill:ID or index:NAME.");
	}
	step->requires = requires;
	step->require_count = count;
}

void sg_draft_entries(struct sg_draft *draft, struct sg_ini_section *section, const struct sg_section_kind *kind,
                      const struct sg_value_target *target)
{
	struct sg_arena *arena = draft->reading->arena;
	struct sg_option *options = NULL;
	size_t option_count = 0, option_capacity = 0;

	for (size_t i = 0; i < section->count; i++) {
		struct sg_ini_entry *entry = &section->entries[i];
		const struct sg_setting *setting = sg_setting_find(entry->key, kind->section);
		struct sg_err cause = SG_ERR_INIT;

		if (setting == NULL) {
			unknown_key(draft, section, kind, entry);
			continue;
		}
		if (!expand(draft, section, entry, setting))
			continue;
		if (setting->type != SG_SETTING_SPECIAL) {
			if (sg_value_store(setting, entry->text, draft->reading->folder, arena, target, &cause) != 0)
				moved(draft, section, entry, setting, &cause);
			continue;
		}
		SG_ASSERT(target->step != NULL); /* by the table of settings, these are of steps only */
		if (strcmp(entry->key, "requires") == 0) {
			read_requires(draft, target->step, entry);
		} else {
			options = sg_arena_grow(arena, options, &option_capacity, option_count + 1, sizeof *options);
			options[option_count++] = (struct sg_option){ entry->key + strlen("option."), entry->text, entry->line };
		}
	}
	if (target->step != NULL && option_count > 0) {
		target->step->options = options;
		target->step->option_count = option_count;
	}
}

void sg_draft_policy_check(struct sg_draft *draft, const struct sg_ini_section *section,
                           const struct sg_policy_settings *policy)
{
	struct sg_err *err;

	if (policy->retry_base_ms > policy->retry_cap_ms) {
		err = sg_reading_error(draft->reading, sg_draft_line(section, sg_draft_given(section, "retry_base_ms")
		                       ? "retry_base_ms" : "retry_cap_ms"), "retry_base_ms is above retry_cap_ms");
		(void)sg_err_detail(err, "The first pause is %d ms, the longest %d ms.", policy->retry_base_ms,
		                    policy->retry_cap_ms);
		(void)sg_err_hint(err, "Lower retry_base_ms or raise retry_cap_ms.");
	}
	if (policy->idle_seconds >= draft->manifest->lease_seconds) {
		err = sg_reading_error(draft->reading, sg_draft_line(section, "idle_seconds"),
		                       "idle_seconds = %d is not below lease_seconds = %d", policy->idle_seconds,
		                       draft->manifest->lease_seconds);
		(void)sg_err_detail(err, "A runner that hangs must lose its transaction before it loses the lease.");
		(void)sg_err_hint(err, "Set idle_seconds in [policy] below lease_seconds in [sgrun] (20 and 30 by default).");
	}
	if (policy->unparsed_allow && policy->reason == NULL) {
		err = sg_reading_error(draft->reading, sg_draft_line(section, "unparsed"), "unparsed = allow without a reason");
		(void)sg_err_detail(err, "What the parser cannot read, only the server's checks can stop.");
		(void)sg_err_hint(err, "Add reason = … that says why it is needed, or leave unparsed out.");
	}
}

/* ---- the sections that stand alone ------------------------------------------ */

static void check_database(struct sg_draft *draft)
{
	static const char embedded[] = "embedded:";
	struct sg_manifest *manifest = draft->manifest;
	const struct sg_ini_section *section = sg_ini_section(&draft->ini, "database");
	const struct sg_ini_entry *entry = section ? sg_ini_entry(section, "dsn") : NULL;
	struct sg_err *err;

	if (entry != NULL)
		manifest->dsn_line = entry->line > 0 ? entry->line : 0;
	if (entry != NULL && entry->text == NULL && draft->reading->lenient) {
		if (!draft->warned)
			sg_log(SG_LOG_WARNING, "manifest", NULL, 0, "%s:%d: dsn is empty", manifest->path, entry->line);
	} else if (entry == NULL || entry->text == NULL) {
		err = sg_reading_error(draft->reading, entry ? entry->line : section ? section->line : 1,
		                       entry ? "dsn is empty" : section ? "[database] has no dsn" : "no section [database]");
		(void)sg_err_detail(err, "sgrun does not guess which database is meant.");
		(void)sg_err_hint(err, "Write dsn = ${DATABASE_URL} and set DATABASE_URL, or dsn = embedded:FOLDER for a private "
		                       "server.");
	} else if (manifest->dsn != NULL && sg_text_prefix(manifest->dsn, embedded)) {
		const char *folder = manifest->dsn + strlen(embedded);

		folder += strspn(folder, " \t");
		if (*folder != '\0') {
			manifest->embedded = sg_value_path(folder, draft->reading->folder, draft->reading->arena);
		} else {
			err = sg_reading_error(draft->reading, entry->line, "dsn: embedded: without a folder");
			(void)sg_err_detail(err, "The private server's cluster lives in that folder.");
			(void)sg_err_hint(err, "Write dsn = embedded:FOLDER.");
		}
	}
	manifest->secrets = (struct sg_list){ draft->secrets, draft->secret_count };
}

static void check_sgrun(struct sg_draft *draft)
{
	const struct sg_manifest *manifest = draft->manifest;
	const struct sg_ini_section *section = sg_ini_section(&draft->ini, "sgrun");
	struct sg_err *err;

	if (strcmp(manifest->state_schema, manifest->schema) == 0) {
		const struct sg_ini_section *at = sg_draft_given(section, "state_schema") ? section
		                                  : sg_ini_section(&draft->ini, "database");

		err = sg_reading_error(draft->reading, sg_draft_line(at, at == section ? "state_schema" : "schema"),
		                       "state_schema and schema are both %s", manifest->schema);
		(void)sg_err_detail(err, "No migration may name the schema of sgrun's own tables.");
		(void)sg_err_hint(err, "Give sgrun a schema of its own; the default is sgrun.");
	}
}

void sg_draft_sections(struct sg_draft *draft)
{
	struct sg_manifest *manifest = draft->manifest;
	const struct sg_value_target target = { manifest, &manifest->policy, &manifest->backfill, &manifest->index, NULL };

	sg_value_defaults(SG_IN_SGRUN | SG_IN_DATABASE | SG_IN_POLICY | SG_IN_BACKFILLS | SG_IN_INDEXES | SG_IN_AUDIT,
	                  draft->reading->folder, draft->reading->arena, &target);
	for (size_t i = 0; i < draft->ini.count; i++) {
		struct sg_ini_section *section = &draft->ini.sections[i];
		const struct sg_section_kind *kind;
		const char *label;

		if (sg_section_parse(section->name, &kind, &label) == SG_SECTION_FINE && !kind->named && !section->twice)
			sg_draft_entries(draft, section, kind, &target);
	}
	check_database(draft);
	check_sgrun(draft);
	sg_draft_policy_check(draft, sg_ini_section(&draft->ini, "policy"), &manifest->policy);
}
