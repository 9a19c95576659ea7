/* render_audit_dml.c - "DML safety analysis": each operation that changes rows, with kind and verdict; how many of each kind are
 * safe; and what is to be done. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/cli/look.h"
#include "core/cli/markdown.h"
#include "core/cli/render_audit.h"

static bool counts(const struct sg_audit_dml *dml)
{
	return dml->standing == SG_STANDING_OPEN;
}

static bool needs_action(const struct sg_audit_dml *dml)
{
	return counts(dml) && dml->verdict != SG_DML_SAFE;
}

static void add_place(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_dml *dml)
{
	struct sg_arena arena = SG_ARENA_INIT;

	sg_md_code(out, sg_render_place(result, &dml->place, &arena));
	sg_arena_release(&arena);
}

/* "UPDATE on `leads`" */
static void add_what(struct sg_buf *out, const struct sg_audit_dml *dml)
{
	sg_buf_adds(out, dml->type);
	if (dml->table_count > 0) {
		sg_buf_adds(out, " on ");
		sg_md_codes(out, dml->tables, dml->table_count);
	}
	if (dml->via != NULL) {
		sg_buf_adds(out, " by ");
		sg_md_text(out, dml->via);
	}
}

void sg_render_dml_operation(struct sg_buf *out, const struct sg_audit_result *result, const struct sg_audit_dml *dml, size_t number)
{
	sg_buf_addf(out, "### %zu. ", number);
	add_place(out, result, dml);
	sg_buf_addf(out, ": %s\n\n", sg_dml_verdict_name(dml->verdict));
	sg_md_fence(out, "sql", dml->place.text);
	sg_buf_adds(out, "\n- Tables: ");
	if (dml->table_count > 0)
		sg_md_codes(out, dml->tables, dml->table_count);
	else
		sg_buf_adds(out, "not known: dynamic SQL hides them");
	sg_buf_addf(out, "\n- Kind: %s (", sg_dml_kind_name(dml->kind));
	sg_buf_adds(out, dml->type);
	if (dml->via != NULL) {
		sg_buf_adds(out, ", by ");
		sg_md_text(out, dml->via);
	}
	sg_buf_addf(out, ")\n- Verdict: **%s**\n- Reason: ", sg_dml_verdict_name(dml->verdict));
	sg_md_text(out, dml->reason != NULL ? dml->reason : "-");
	sg_buf_adds(out, "\n- Action: ");
	sg_md_text(out, dml->action != NULL ? dml->action : "-");
	sg_buf_adds(out, "\n\n");
}

void sg_render_dml_kinds(struct sg_buf *out, const struct sg_audit_result *result)
{
	size_t count = 0, safe = sg_audit_count_dml(result, SG_DML_SAFE);

	for (size_t i = 0; i < result->dml_count; i++)
		count += counts(&result->dml[i]);
	sg_buf_addf(out, "### DML summary\n\n%zu of ", safe);
	sg_md_count(out, count, "operation");
	sg_buf_adds(out, safe == 1 ? " is safe.\n\n" : " are safe.\n\n");
	sg_md_head(out, "Kind|Safe:|Potentially unsafe:|Unsafe:|All:");
	for (int kind = SG_DML_DEDUP_FOR_UNIQUE; kind <= SG_DML_OTHER; kind++) {
		size_t by[3] = { 0 };

		for (size_t i = 0; i < result->dml_count; i++)
			if (counts(&result->dml[i]) && (int)result->dml[i].kind == kind)
				by[result->dml[i].verdict]++;
		if (by[0] + by[1] + by[2] > 0)
			sg_buf_addf(out, "| %s | %zu | %zu | %zu | %zu |\n", sg_dml_kind_name((enum sg_dml_kind)kind), by[0], by[1], by[2],
			            by[0] + by[1] + by[2]);
	}
	sg_buf_addc(out, '\n');
}

size_t sg_render_audit_actions(struct sg_buf *out, const struct sg_audit_result *result, size_t most)
{
	size_t count = 0;

	/* the worst first */
	for (int verdict = SG_DML_UNSAFE; verdict > SG_DML_SAFE; verdict--)
		for (size_t i = 0; i < result->dml_count; i++) {
			const struct sg_audit_dml *dml = &result->dml[i];

			if (!needs_action(dml) || (int)dml->verdict != verdict || count++ >= most)
				continue;
			sg_buf_adds(out, "- ");
			add_place(out, result, dml);
			sg_buf_addf(out, ": %s, ", sg_dml_verdict_name(dml->verdict));
			add_what(out, dml);
			sg_buf_addf(out, " (%s)\n", sg_dml_kind_name(dml->kind));
		}
	if (most == SG_RENDER_MOST)
		sg_render_more(out, count, SG_RENDER_MOST);
	else if (count > most)
		sg_buf_addf(out, "- and %zu more, see below\n", count - most);
	return count;
}

/* ---- what to do, each thing once with all its places ---- */

struct item {
	const char *action;
	size_t index, first; /* of the operation, and of the first with that action */
};

static const char *action_of(const struct sg_audit_dml *dml)
{
	return dml->action != NULL ? dml->action : "Look at it.";
}

static int by_action(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = strcmp(one->action, other->action);

	return order != 0 ? order : one->index < other->index ? -1 : 1;
}

static int by_first(const void *a, const void *b)
{
	const struct item *one = a, *other = b;

	if (one->first != other->first)
		return one->first < other->first ? -1 : 1;
	return one->index < other->index ? -1 : 1;
}

/* In the order of the first place of each; a tree may have very many. */
static size_t collect(const struct sg_audit_result *result, enum sg_dml_verdict verdict, struct item *items)
{
	size_t count = 0;

	for (size_t i = 0; i < result->dml_count; i++)
		if (needs_action(&result->dml[i]) && result->dml[i].verdict == verdict)
			items[count++] = (struct item){ .action = action_of(&result->dml[i]), .index = i };
	if (count == 0)
		return 0;
	qsort(items, count, sizeof *items, by_action);
	for (size_t i = 0; i < count; i++)
		items[i].first = i > 0 && strcmp(items[i].action, items[i - 1].action) == 0 ? items[i - 1].first : items[i].index;
	qsort(items, count, sizeof *items, by_first);
	return count;
}

static void add_action_items(struct sg_buf *out, const struct sg_audit_result *result)
{
	struct item *items = sg_xcalloc(result->dml_count, sizeof *items);
	size_t number = 0;

	for (int verdict = SG_DML_UNSAFE; verdict > SG_DML_SAFE; verdict--) {
		size_t count = collect(result, (enum sg_dml_verdict)verdict, items);

		for (size_t i = 0; i < count && i < SG_RENDER_MOST; i++) {
			bool first = items[i].index == items[i].first;

			if (first) {
				sg_buf_addf(out, "%zu. ", ++number);
				sg_md_text(out, items[i].action);
			}
			sg_buf_adds(out, first ? " (" : ", ");
			add_place(out, result, &result->dml[items[i].index]);
			if (i + 1 == count || i + 1 == SG_RENDER_MOST || items[i + 1].first != items[i].first)
				sg_buf_adds(out, ")\n");
		}
	}
	free(items);
}

void sg_render_dml_actions(struct sg_buf *out, const struct sg_audit_result *result)
{
	sg_buf_adds(out, "Needs action:\n\n");
	if (sg_render_audit_actions(out, result, SG_RENDER_MOST) == 0) {
		sg_buf_adds(out, "- nothing\n\n");
		return;
	}
	sg_buf_adds(out, "\n### Action items\n\n");
	add_action_items(out, result);
	sg_buf_addc(out, '\n');
}

void sg_render_audit_dml(struct sg_buf *out, const struct sg_audit_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->dml_count; i++)
		count += counts(&result->dml[i]);
	if (count == 0)
		return;
	sg_buf_adds(out, "## DML safety analysis\n\n");
	for (size_t i = 0, number = 0; i < result->dml_count; i++)
		if (counts(&result->dml[i]) && number < SG_RENDER_MOST)
			sg_render_dml_operation(out, result, &result->dml[i], ++number);
	sg_render_more(out, count, SG_RENDER_MOST);
	sg_render_dml_kinds(out, result);
	sg_render_dml_actions(out, result);
}
