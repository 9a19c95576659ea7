/* priority.c - the backfill audit: which migrations have data work, and how soon it must leave them.
 *
 * HIGH: it writes a hot table. LOW: nothing but de-duplication, clean-up and literal seeds, on whatever table. MEDIUM: the
 * rest. What was allowed or is in the baseline is data work all the same, and is listed. */
#include "config.h"

#include <string.h>

#include "core/audit/scope.h"

static bool is_excused(const struct sg_audit_dml *dml)
{
	return dml->kind == SG_DML_DEDUP_FOR_UNIQUE || dml->kind == SG_DML_ORPHAN_CLEANUP || dml->kind == SG_DML_SEED_INSERT ||
	       dml->verdict == SG_DML_SAFE;
}

/* Names match with or without a schema. */
static bool same_table(const char *a, const char *b)
{
	const char *dot_a = strrchr(a, '.'), *dot_b = strrchr(b, '.');

	if (dot_a != NULL && dot_b != NULL)
		return strcmp(a, b) == 0;
	return strcmp(dot_a != NULL ? dot_a + 1 : a, dot_b != NULL ? dot_b + 1 : b) == 0;
}

static const char *hot_table(const struct sg_audit_dml *dml, const struct sg_audit_options *options)
{
	for (size_t t = 0; t < dml->table_count; t++)
		for (size_t h = 0; h < options->hot_count; h++)
			if (same_table(dml->tables[t], options->hot_tables[h]))
				return dml->tables[t];
	return NULL;
}

struct texts {
	const char **list;
	size_t count, capacity;
};

static void add_once(struct sg_arena *arena, struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->list[i], text) == 0)
			return;
	texts->list = sg_arena_grow(arena, texts->list, &texts->capacity, texts->count + 1, sizeof *texts->list);
	texts->list[texts->count++] = text;
}

/* The operations [from, to) are of this migration. */
static void look_at(struct sg_audit_result *result, const struct sg_audit_options *options, struct sg_audit_seen *seen,
                    size_t from, size_t to)
{
	struct sg_arena *arena = result->arena;
	const struct sg_audit_dml *hot = NULL, *open = NULL;
	const char *hot_name = NULL;
	struct texts tables = { .count = 0 }, types = { .count = 0 };

	seen->has_dml = true;
	for (size_t i = from; i < to; i++) {
		const struct sg_audit_dml *dml = &result->dml[i];

		add_once(arena, &types, dml->type);
		for (size_t t = 0; t < dml->table_count; t++)
			add_once(arena, &tables, dml->tables[t]);
		if (is_excused(dml))
			continue;
		open = open != NULL ? open : dml;
		if (hot == NULL && (hot_name = hot_table(dml, options)) != NULL)
			hot = dml;
	}
	seen->tables = tables.list;
	seen->table_count = tables.count;
	seen->types = types.list;
	seen->type_count = types.count;
	if (hot != NULL) {
		seen->priority = SG_PRIORITY_HIGH;
		seen->why = sg_arena_printf(arena, "%s of the hot table %s", hot->type, hot_name);
	} else if (open != NULL) {
		seen->priority = SG_PRIORITY_MEDIUM;
		seen->why = sg_arena_printf(arena, "%s of %s%s", open->type,
		                            open->table_count > 0 ? open->tables[0] : "a table that is named at run time",
		                            options->hot_known ? ", which is not hot" : "; which tables are hot is not known");
	} else {
		seen->priority = SG_PRIORITY_LOW;
		seen->why = "nothing but de-duplication, clean-up, literal rows, or tables that nobody else can see";
	}
}

void sg_audit_prioritize(struct sg_audit_result *result, const struct sg_audit_options *options)
{
	for (size_t from = 0, to; from < result->dml_count; from = to) {
		size_t migration = result->dml[from].place.migration;

		for (to = from + 1; to < result->dml_count && result->dml[to].place.migration == migration; to++)
			;
		look_at(result, options, &result->migrations[migration], from, to);
	}
}
