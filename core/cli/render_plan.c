/* render_plan.c - plan: a line a step with what would be done and why, and the
 * JSON. */
#include "config.h"

#include <string.h>

#include "core/cli/render.h"

#define ACTION_FIELD 12

enum sg_tone sg_render_action_tone(enum sg_action action)
{
	switch (action) {
	case SG_ACTION_SKIP:
	case SG_ACTION_LATER: return SG_TONE_FAINT;
	case SG_ACTION_RECONCILE:
	case SG_ACTION_SUPERSEDED: return SG_TONE_NOTE;
	case SG_ACTION_RUN:
	case SG_ACTION_RUN_MAYBE:
	case SG_ACTION_BUILD:
	case SG_ACTION_BUILD_MAYBE:
	case SG_ACTION_REBUILD: return SG_TONE_GOOD;
	case SG_ACTION_DRIFTED:
	case SG_ACTION_WAIT: return SG_TONE_WARN;
	case SG_ACTION_REFUSED: return SG_TONE_BAD;
	}
	return SG_TONE_PLAIN;
}

/* "index idx_a", "backfill b"; a migration is its id alone. */
static const char *name_of(const struct sg_step *step, struct sg_buf *name)
{
	sg_buf_clear(name);
	if (step->kind != SG_STEP_MIGRATION)
		sg_buf_addf(name, "%s ", sg_step_kind_name(step->kind));
	sg_buf_adds(name, step->id);
	return name->data;
}

static bool is_shown(const struct sg_look *look, const struct sg_plan_item *item)
{
	return look->verbose || (item->action != SG_ACTION_SKIP && item->action != SG_ACTION_LATER);
}

static size_t column_of(const struct sg_look *look, const struct sg_plan *plan)
{
	struct sg_buf name = SG_BUF_INIT;
	size_t longest = 0;

	for (size_t i = 0; i < plan->count; i++) {
		size_t chars;

		if (!is_shown(look, &plan->items[i]))
			continue;
		chars = sg_look_chars(name_of(plan->items[i].step, &name));
		if (chars > longest)
			longest = chars;
	}
	sg_buf_release(&name);
	return sg_look_column(look, longest);
}

static void add_item(struct sg_buf *out, const struct sg_look *look, size_t column, const struct sg_plan_item *item)
{
	struct sg_buf name = SG_BUF_INIT;

	sg_buf_adds(out, "  ");
	sg_look_field(out, look, sg_render_action_tone(item->action), sg_action_name(item->action), ACTION_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, name_of(item->step, &name), column, look->width > 0);
	if (item->title != NULL) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_PLAIN, item->title);
	}
	if (item->action == SG_ACTION_WAIT && item->waits_for != NULL) {
		sg_buf_adds(out, "  waits for ");
		sg_look_add(out, look, SG_TONE_WARN, item->waits_for);
	}
	if (item->reason != NULL && (look->verbose || item->action != SG_ACTION_RUN_MAYBE ||
	                             item->step->kind != SG_STEP_MIGRATION)) {
		struct sg_buf reason = SG_BUF_INIT;

		sg_buf_addf(&reason, "(%s)", item->reason);
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, reason.data);
		sg_buf_release(&reason);
	}
	sg_look_end(out);
	if (item->action == SG_ACTION_REFUSED)
		sg_render_err(out, look, "              ", &item->err);
	sg_buf_release(&name);
}

static void add_list(struct sg_buf *out, const struct sg_look *look, const char *label, const char *const *ids,
                     size_t count)
{
	if (count == 0)
		return;
	sg_look_add(out, look, SG_TONE_WARN, label);
	for (size_t i = 0; i < count; i++) {
		sg_buf_adds(out, i > 0 ? ", " : " ");
		sg_look_add(out, look, SG_TONE_PLAIN, ids[i]);
	}
	sg_buf_addc(out, '\n');
}

static void add_sum(struct sg_buf *out, size_t count, const char *what)
{
	if (count > 0)
		sg_buf_addf(out, "%s%zu %s", out->length > 0 ? ", " : "", count, what);
}

/* What the plan's own sums do not tell apart. */
struct counts {
	size_t recorded, superseded, later, maybe;
	size_t complete; /* backfills */
	size_t valid, build, build_maybe;
};

static struct counts count(const struct sg_plan *plan)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		enum sg_action action = plan->items[i].action;

		counts.complete += plan->items[i].step->kind == SG_STEP_BACKFILL && action == SG_ACTION_SKIP;
		counts.valid += plan->items[i].step->kind == SG_STEP_INDEX && action == SG_ACTION_SKIP;
		counts.build_maybe += action == SG_ACTION_BUILD_MAYBE;
		counts.build += action == SG_ACTION_BUILD || action == SG_ACTION_BUILD_MAYBE || action == SG_ACTION_REBUILD;
		if (plan->items[i].step->kind != SG_STEP_MIGRATION)
			continue;
		counts.recorded += action == SG_ACTION_SKIP;
		counts.superseded += action == SG_ACTION_SUPERSEDED;
		counts.later += action == SG_ACTION_LATER;
		counts.maybe += action == SG_ACTION_RUN_MAYBE;
	}
	return counts;
}

static void add_skipped(struct sg_buf *out, const struct sg_look *look, size_t count, const char *noun, const char *state)
{
	if (count == 0 || look->verbose)
		return;
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_FAINT, sg_action_name(SG_ACTION_SKIP), ACTION_FIELD, false);
	sg_look_count(out, count, noun);
	sg_buf_adds(out, state);
}

void sg_render_plan(struct sg_buf *out, const struct sg_look *look, const struct sg_run *run,
                    const struct sg_plan *plan)
{
	struct counts counts = count(plan);
	size_t column = column_of(look, plan);
	struct sg_buf sums = SG_BUF_INIT;

	sg_look_add(out, look, SG_TONE_STRONG, "Plan");
	sg_buf_adds(out, " of ");
	sg_look_add(out, look, SG_TONE_PLAIN, run->manifest->path);
	sg_buf_adds(out, " on ");
	sg_look_add(out, look, SG_TONE_PLAIN, run->dsn.text != NULL ? run->dsn.text : "?");
	sg_buf_addf(out, "%s%s\n", run->pooler_known && run->pooler ? ", behind a pooler" : "",
	            plan->installed ? "" : "; the state tables will be made");
	add_skipped(out, look, counts.recorded, "migration", " already recorded\n");
	add_skipped(out, look, counts.valid, "index", " already valid\n");
	add_skipped(out, look, counts.complete, "backfill", " already complete\n");
	for (size_t i = 0; i < plan->count; i++)
		if (is_shown(look, &plan->items[i]))
			add_item(out, look, column, &plan->items[i]);
	if (counts.maybe > 0) {
		sg_look_add(out, look, SG_TONE_FAINT,
		            "RUN? will be run, unless its fingerprint holds once those before it have run.");
		sg_buf_addc(out, '\n');
	}
	if (counts.build_maybe > 0) {
		sg_look_add(out, look, SG_TONE_FAINT, "BUILD? will be built, if what it comes after is done by then.");
		sg_buf_addc(out, '\n');
	}
	add_list(out, look, "Recorded, but not in the manifest:", plan->unlisted, plan->unlisted_count);
	add_list(out, look, "New, but listed before recorded ones:", plan->late, plan->late_count);
	add_sum(&sums, plan->run - counts.build, "to run");
	add_sum(&sums, counts.build, "to build");
	add_sum(&sums, plan->reconcile, "to reconcile");
	add_sum(&sums, counts.superseded, "superseded");
	add_sum(&sums, plan->wait, "waiting");
	add_sum(&sums, plan->drifted, "drifted");
	add_sum(&sums, plan->refused, "refused");
	add_sum(&sums, counts.later, "behind --to");
	add_sum(&sums, counts.recorded, "already recorded");
	add_sum(&sums, counts.valid, "already valid");
	add_sum(&sums, counts.complete, "already complete");
	if (plan->refused_migrations > 0)
		sg_buf_addf(out, "%s. A deploy would run nothing: mend what is refused first.\n", sums.data);
	else if (plan->run + plan->reconcile + counts.superseded + plan->wait + plan->drifted == 0)
		sg_buf_addf(out, "Nothing to do%s%s.\n", sums.length > 0 ? ": " : "", sums.data);
	else
		sg_buf_addf(out, "%s. Nothing was changed.\n", sums.data);
	sg_buf_release(&sums);
}

static struct sg_json *texts(const char *const *items, size_t count)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < count; i++)
		sg_json_add_text(list, items[i]);
	return list;
}

void sg_render_plan_json(struct sg_json *into, const struct sg_plan *plan)
{
	struct sg_json *list = sg_json_array(), *summary = sg_json_object();

	for (size_t i = 0; i < plan->count; i++) {
		const struct sg_plan_item *item = &plan->items[i];
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "id", item->step->id);
		sg_json_set_text(one, "kind", sg_step_kind_name(item->step->kind));
		sg_json_set_text(one, "action", sg_action_name(item->action));
		sg_json_set_text(one, "title", item->title);
		sg_json_set_text(one, "reason", item->reason);
		sg_json_set(one, "waits_for", texts(&item->waits_for, item->waits_for != NULL));
		sg_json_set(one, "error", sg_json_err(&item->err));
		sg_json_add(list, one);
	}
	sg_json_set_bool(into, "installed", plan->installed);
	sg_json_set(into, "steps", list);
	sg_json_set(into, "unlisted", texts(plan->unlisted, plan->unlisted_count));
	sg_json_set(into, "late", texts(plan->late, plan->late_count));
	sg_json_set_int(summary, "skip", (int64_t)plan->skip);
	sg_json_set_int(summary, "reconcile", (int64_t)plan->reconcile);
	sg_json_set_int(summary, "run", (int64_t)plan->run);
	sg_json_set_int(summary, "wait", (int64_t)plan->wait);
	sg_json_set_int(summary, "refused", (int64_t)plan->refused);
	sg_json_set_int(summary, "drifted", (int64_t)plan->drifted);
	sg_json_set(into, "summary", summary);
}
