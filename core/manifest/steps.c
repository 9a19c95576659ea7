/* steps.c - the sections that are steps, each checked for itself, and sections
 * that are nothing known. */
#include "config.h"
#include "core/manifest/draft.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/manifest/checks.h"
#include "core/manifest/names.h"
#include "core/manifest/value.h"

static enum sg_step_kind step_kind(const struct sg_section_kind *kind)
{
	return kind->section == SG_IN_MIGRATION ? SG_STEP_MIGRATION
	       : kind->section == SG_IN_BACKFILL ? SG_STEP_BACKFILL : SG_STEP_INDEX;
}

static void wrong_section(struct sg_draft *draft, const struct sg_ini_section *section, enum sg_section_fault fault,
                          const struct sg_section_kind *kind)
{
	const char *words[16], *nearest, *first;
	struct sg_buf list = SG_BUF_INIT;
	struct sg_err *err;
	size_t count = 0;

	if (fault == SG_SECTION_NAMELESS) {
		err = sg_reading_error(draft->reading, section->line, "[%s] without a name", section->name);
		(void)sg_err_detail(err, "Each %s is named in its section.", kind->word);
		(void)sg_err_hint(err, "Write [%s NAME].", kind->word);
		return;
	}
	if (fault == SG_SECTION_NAMED) {
		err = sg_reading_error(draft->reading, section->line, "[%s] takes no name", section->name);
		(void)sg_err_detail(err, "[%s] is there once: %s.", kind->word, kind->help);
		(void)sg_err_hint(err, kind->section == SG_IN_BACKFILLS || kind->section == SG_IN_INDEXES
		                  ? "Write [%s], or [backfill NAME] or [index NAME] for a step." : "Write [%s].", kind->word);
		return;
	}
	for (kind = sg_section_kinds(); kind->word != NULL; kind++) {
		words[count++] = kind->word;
		sg_buf_addf(&list, "%s[%s%s]", count > 1 ? ", " : "", kind->word, kind->named ? " NAME" : "");
	}
	first = sg_arena_strndup(draft->reading->arena, section->name, strcspn(section->name, " "));
	nearest = sg_reading_full(draft->reading) ? NULL : sg_text_nearest(first, words, count);
	err = sg_reading_error(draft->reading, section->line, "unknown section [%s]", section->name);
	(void)sg_err_detail(err, "Sections are %s.", list.data);
	if (nearest != NULL)
		(void)sg_err_hint(err, "Did you mean [%s%s]?", nearest, section->name + strlen(first));
	else
		(void)sg_err_hint(err, "Rename it to one of these, or make it a comment.");
	sg_buf_release(&list);
}

static void check_id(struct sg_draft *draft, struct sg_step *step, const struct sg_ini_section *section)
{
	const struct sg_ini_entry *id = sg_draft_given(section, "id"), *name = sg_draft_given(section, "name");
	const char *hint;
	struct sg_err *err;
	int line = id ? id->line : name ? name->line : section->line;

	if (id != NULL && name != NULL) {
		err = sg_reading_error(draft->reading, name->line, "both id and name");
		(void)sg_err_detail(err, "Each gives the step's identity.");
		(void)sg_err_hint(err, "Keep one of them.");
	}
	if (step->id == NULL)
		step->id = step->label;
	hint = step->kind == SG_STEP_INDEX ? sg_check_index_name(step->id) : sg_check_step_id(step->id);
	if (hint == NULL)
		return;
	err = sg_reading_error(draft->reading, line, "%s %.210s: not allowed as %s", sg_step_kind_name(step->kind), step->id,
	                       step->kind == SG_STEP_INDEX ? "a name" : "an id");
	(void)sg_err_detail(err, "It comes from %s.", id ? "the key id" : name ? "the key name" : "the section's name");
	(void)sg_err_hint(err, "%s", hint);
}

/* Rows that are SG_SETTING_REQUIRED in this kind of section. */
static void check_required(struct sg_draft *draft, const struct sg_ini_section *section,
                           const struct sg_section_kind *kind)
{
	for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++) {
		struct sg_err *err;

		if (!(setting->flags & SG_SETTING_REQUIRED) || !(setting->sections & kind->section) ||
		    sg_draft_given(section, setting->key) != NULL)
			continue;
		err = sg_reading_error(draft->reading, section->line, "[%s] has no %s", section->name, setting->key);
		(void)sg_err_detail(err, "%s: %s.", setting->key, setting->help);
		(void)sg_err_hint(err, "Add %s = …; an empty value counts as not given.", setting->key);
	}
}

static void check_index(struct sg_draft *draft, const struct sg_step *step, const struct sg_ini_section *section)
{
	/* the first two make an index; table may stand beside sql, and is compared with it */
	static const char *const parts[] = { "table", "columns", "opclass", "unique", "method", "where", "include", "with",
	                                     "tablespace", "nulls_not_distinct" };
	bool sql = sg_draft_given(section, "sql") != NULL;
	struct sg_err *err;

	for (size_t i = 1; sql && i < SG_COUNT(parts); i++) {
		const struct sg_ini_entry *entry = sg_draft_given(section, parts[i]);

		if (entry == NULL)
			continue;
		err = sg_reading_error(draft->reading, entry->line, "both sql and %s", parts[i]);
		(void)sg_err_detail(err, "sql is the whole statement; it stands in line %d.", sg_draft_line(section, "sql"));
		(void)sg_err_hint(err, "Keep sql, or table and columns with what belongs to them.");
	}
	for (size_t i = 0; !sql && i < 2; i++) {
		if (sg_draft_given(section, parts[i]) != NULL)
			continue;
		err = sg_reading_error(draft->reading, section->line, "[%s] has no %s", section->name, parts[i]);
		(void)sg_err_detail(err, "An index is given by table and columns, or by sql.");
		(void)sg_err_hint(err, "Add %s = …, or give the whole statement as sql = CREATE INDEX CONCURRENTLY ….", parts[i]);
	}
	if (!sql && step->nulls_not_distinct && !step->unique) {
		err = sg_reading_error(draft->reading, sg_draft_line(section, "nulls_not_distinct"),
		                       "nulls_not_distinct without unique");
		(void)sg_err_detail(err, "It says what is equal in a unique index.");
		(void)sg_err_hint(err, "Add unique = yes, or leave it out.");
	}
}

static void note_keys(struct sg_arena *arena, struct sg_step *step, const struct sg_ini_section *section)
{
	struct sg_key_place *keys = sg_arena_array(arena, section->count, sizeof *keys);

	for (size_t i = 0; i < section->count; i++)
		if (section->entries[i].text != NULL)
			keys[step->key_count++] = (struct sg_key_place){ section->entries[i].key, section->entries[i].line };
	step->keys = keys;
}

static void lower_hash(struct sg_arena *arena, struct sg_step *step)
{
	char *hash;

	if (step->sha256 == NULL)
		return;
	hash = sg_arena_strdup(arena, step->sha256);
	for (char *c = hash; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	step->sha256 = hash;
}

/* Own settings that can break a rule between settings: the file's were judged already. */
static bool own_policy(const struct sg_ini_section *section)
{
	return sg_draft_given(section, "retry_base_ms") || sg_draft_given(section, "retry_cap_ms") ||
	       sg_draft_given(section, "idle_seconds") || sg_draft_given(section, "unparsed");
}

static void read_step(struct sg_draft *draft, struct sg_ini_section *section, const struct sg_section_kind *kind,
                      const char *label, struct sg_step *step)
{
	const struct sg_value_target target = { NULL, &step->policy, &step->backfill, &step->index, step };

	step->kind = step_kind(kind);
	step->label = label;
	step->line = section->line;
	step->policy = draft->manifest->policy;
	step->backfill = draft->manifest->backfill;
	step->index = draft->manifest->index;
	sg_draft_entries(draft, section, kind, &target);
	step->plugin_line = sg_draft_line(section, "plugin");
	check_id(draft, step, section);
	if (section->count > 0) /* a section without keys was told of */
		check_required(draft, section, kind);
	if (section->count > 0 && step->kind == SG_STEP_INDEX) {
		check_index(draft, step, section);
		note_keys(draft->reading->arena, step, section);
	}
	if (own_policy(section))
		sg_draft_policy_check(draft, section, &step->policy);
	lower_hash(draft->reading->arena, step);
}

static void check_plugin_path(struct sg_draft *draft)
{
	const struct sg_manifest *manifest = draft->manifest;
	const struct sg_ini_section *section = sg_ini_section(&draft->ini, "sgrun");

	if (manifest->plugin_path.count != 0 || sg_draft_given(section, "plugin_path") != NULL)
		return;
	for (size_t i = 0; i < manifest->step_count; i++) {
		const char *plugin = manifest->steps[i].plugin;
		struct sg_err *err;

		if (plugin == NULL || strchr(plugin, '/') != NULL)
			continue;
		err = sg_reading_error(draft->reading, section ? section->line : manifest->steps[i].plugin_line,
		                       "no plugin_path in [sgrun]");
		(void)sg_err_detail(err, "%s %s names its plugin %s without a folder.",
		                    sg_step_kind_name(manifest->steps[i].kind), manifest->steps[i].id, plugin);
		(void)sg_err_hint(err, "Add plugin_path = FOLDER to [sgrun]; folders are relative to the manifest's.");
		return;
	}
}

static int compare(const void *a, const void *b)
{
	const struct sg_step *x = *(const struct sg_step *const *)a, *y = *(const struct sg_step *const *)b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->id, y->id);
}

static void index_steps(struct sg_draft *draft)
{
	struct sg_manifest *manifest = draft->manifest;
	const struct sg_step **by_id = sg_arena_array(draft->reading->arena, manifest->step_count, sizeof *by_id);
	struct sg_names names;

	sg_names_init(&names, draft->reading->arena);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];
		struct sg_err *err;
		size_t first;

		by_id[i] = step;
		if (sg_names_add(&names, (size_t)step->kind, step->id, i, &first))
			continue;
		err = sg_reading_error(draft->reading, sg_draft_line(draft->sources[i], sg_draft_given(draft->sources[i], "id")
		                       ? "id" : "name"), "%s %.210s is here twice", sg_step_kind_name(step->kind), step->id);
		(void)sg_err_detail(err, "The first is [%s %s] in line %d.", sg_step_kind_name(step->kind),
		                    manifest->steps[first].label, manifest->steps[first].line);
		(void)sg_err_hint(err, "Give one of them another id: the ledger knows steps by it.");
	}
	if (manifest->step_count > 0)
		qsort(by_id, manifest->step_count, sizeof *by_id, compare);
	manifest->by_id = by_id;
}

void sg_draft_steps(struct sg_draft *draft)
{
	struct sg_manifest *manifest = draft->manifest;
	struct sg_arena *arena = draft->reading->arena;
	struct sg_step standard = { 0 };
	const struct sg_value_target target = { NULL, &standard.policy, &standard.backfill, &standard.index, &standard };

	sg_value_defaults(SG_IN_STEPS, draft->reading->folder, arena, &target);
	manifest->steps = sg_arena_array(arena, draft->ini.count, sizeof *manifest->steps);
	draft->sources = sg_arena_array(arena, draft->ini.count, sizeof *draft->sources);
	for (size_t i = 0; i < draft->ini.count; i++) {
		struct sg_ini_section *section = &draft->ini.sections[i];
		const struct sg_section_kind *kind;
		const char *label;
		enum sg_section_fault fault = sg_section_parse(section->name, &kind, &label);

		if (fault != SG_SECTION_FINE) {
			wrong_section(draft, section, fault, kind);
		} else if (kind->named && !section->twice) {
			manifest->steps[manifest->step_count] = standard;
			draft->sources[manifest->step_count] = section;
			read_step(draft, section, kind, label, &manifest->steps[manifest->step_count++]);
		}
	}
	check_plugin_path(draft);
	index_steps(draft);
}
