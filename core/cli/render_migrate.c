/* render_migrate.c - deploy and migrate: a line a step, the summary with what
 * to do next, and the JSON. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/render.h"

#define STATE_FIELD 12
#define TIME_FIELD 12

size_t sg_render_longest_id(const struct sg_manifest *manifest, unsigned kinds)
{
	size_t longest = 0;

	for (size_t i = 0; i < manifest->step_count; i++) {
		size_t chars = strlen(manifest->steps[i].id);

		if (kinds & (1u << manifest->steps[i].kind))
			longest = chars > longest ? chars : longest;
	}
	return longest;
}

const char *sg_render_outcome(enum sg_outcome outcome, const struct sg_err *err, enum sg_tone *tone_r)
{
	switch (outcome) {
	case SG_OUTCOME_SKIPPED: *tone_r = SG_TONE_FAINT; return "skipped";
	case SG_OUTCOME_APPLIED: *tone_r = SG_TONE_GOOD; return "applied";
	case SG_OUTCOME_RECONCILED: *tone_r = SG_TONE_NOTE; return "reconciled";
	case SG_OUTCOME_ADOPTED: *tone_r = SG_TONE_NOTE; return "adopted";
	case SG_OUTCOME_SUPERSEDED: *tone_r = SG_TONE_NOTE; return "superseded";
	case SG_OUTCOME_WAITING: *tone_r = SG_TONE_WARN; return "waits";
	case SG_OUTCOME_NOT_REACHED: *tone_r = SG_TONE_FAINT; return "not run";
	case SG_OUTCOME_FAILED: break;
	}
	*tone_r = SG_TONE_WARN;
	switch (err != NULL ? err->class : SG_CLASS_NONE) {
	case SG_CLASS_LOCKED:
	case SG_CLASS_LEASE: return "blocked";
	case SG_CLASS_INTERRUPTED:
	case SG_CLASS_TERMINATED: return "stopped";
	default: break;
	}
	*tone_r = SG_TONE_BAD;
	return "FAILED";
}

static void add_remark(struct sg_buf *out, const struct sg_look *look, bool *first, const char *text)
{
	sg_buf_adds(out, *first ? "  " : "; ");
	sg_look_add(out, look, SG_TONE_FAINT, text);
	*first = false;
}

void sg_render_step(struct sg_buf *out, const struct sg_look *look, size_t column, const char *id,
                    enum sg_outcome outcome, int64_t duration_ms, int attempts, int existed, const char *note,
                    const struct sg_err *err)
{
	enum sg_tone tone;
	const char *state = sg_render_outcome(outcome, err, &tone);
	struct sg_buf remark = SG_BUF_INIT;
	bool worked = outcome != SG_OUTCOME_SKIPPED && outcome != SG_OUTCOME_WAITING && outcome != SG_OUTCOME_NOT_REACHED;
	char took[32] = "";
	bool first = true;

	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone, state, STATE_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, id, column, look->width > 0);
	if (worked && duration_ms >= 0)
		sg_clock_text(duration_ms, took);
	if (took[0] != '\0')
		sg_look_right(out, look, SG_TONE_PLAIN, took, TIME_FIELD);
	if (outcome == SG_OUTCOME_RECONCILED)
		add_remark(out, look, &first, "was already there");
	if (existed > 0) {
		sg_buf_clear(&remark);
		sg_look_count(&remark, (size_t)existed, "object");
		sg_buf_adds(&remark, " existed already");
		add_remark(out, look, &first, remark.data);
	}
	if (attempts > 1) {
		sg_buf_clear(&remark);
		sg_buf_addf(&remark, "%d attempts", attempts);
		add_remark(out, look, &first, remark.data);
	}
	if (note != NULL && note[0] != '\0')
		add_remark(out, look, &first, note);
	sg_look_end(out);
	sg_buf_release(&remark);
}

/* ---- the end ---------------------------------------------------------------- */

/* "0114_a, 0115_b and 3 more", within what a line holds. */
static void add_ids(struct sg_buf *out, const struct sg_look *look, const struct sg_migrate_result *result,
                    enum sg_outcome outcome, size_t total)
{
	size_t room = look->width > 0 ? look->width - 2 : 100, named = 0, used = 0;

	for (size_t i = 0; i < result->count; i++) {
		const struct sg_migrate_item *item = &result->items[i];

		if (item->outcome != outcome)
			continue;
		used += sg_look_chars(item->step->id) + 2;
		if (named > 0 && used + 30 > room && !look->verbose)
			break;
		sg_buf_adds(out, named > 0 ? ", " : " ");
		sg_look_add(out, look, SG_TONE_PLAIN, item->step->id);
		named++;
	}
	if (named < total)
		sg_buf_addf(out, " and %zu more", total - named);
}

static const char *advice(int exit)
{
	switch (exit) {
	case 1: return "Mend it, then run the same command again: it starts that migration from its beginning.";
	case 3: return "Run the same command again once the gate is open.";
	case 4: return "Nothing is half done. Run the same command again later.";
	case 5: return "Nothing is half done. Run the same command again once the connection works.";
	case 6: return "No migration was run. Mend the plugin or the manifest, then run the same command again.";
	case 7: return "Take out what the rule forbids, then run the same command again.";
	case 8: return "Look at what the fingerprint asks, and at what is there; then run the same command again.";
	case 130:
	case 143: return "Nothing is half done. Run the same command again to go on.";
	default: return NULL;
	}
}

/* What is certain, and no more: the answer to a COMMIT may be lost with the
 * connection, or read by whoever took the lease. */
static const char *fate(const struct sg_migrate_item *item)
{
	if (item->outside)
		return "is not recorded; its statement runs outside a transaction, so its fingerprint will tell what is there";
	switch (sg_class_exit(item->err.class)) {
	case 5: return "did not get to its end; the ledger tells the next run where it stands";
	case 4: return item->err.class == SG_CLASS_LEASE ? "was given up" : "was rolled back whole and is not recorded";
	default: return "was rolled back whole and is not recorded";
	}
}

static void add_failed(struct sg_buf *out, const struct sg_look *look, const struct sg_migrate_item *item)
{
	enum sg_tone tone;

	(void)sg_render_outcome(item->outcome, &item->err, &tone);
	sg_look_add(out, look, tone, item->step->id);
	sg_buf_addf(out, " %s.\n", fate(item));
}

static void add_waiting(struct sg_buf *out, const struct sg_look *look, const struct sg_migrate_item *item)
{
	sg_look_add(out, look, SG_TONE_WARN, item->step->id);
	sg_buf_adds(out, " waits for ");
	sg_look_add(out, look, SG_TONE_PLAIN, item->waits_for != NULL ? item->waits_for : "a gate");
	if (item->waits_why != NULL) {
		sg_buf_adds(out, " (");
		sg_look_add(out, look, SG_TONE_FAINT, item->waits_why);
		sg_buf_addc(out, ')');
	}
	sg_buf_adds(out, ".\n");
}

void sg_render_migrate_end(struct sg_buf *out, const struct sg_look *look, const struct sg_migrate_result *result,
                           const char *to, int64_t elapsed_ms, int exit)
{
	size_t changed = result->applied + result->reconciled + result->superseded;
	size_t open = result->failed + result->waiting + result->not_reached;
	struct sg_buf sums = SG_BUF_INIT;
	bool later = to != NULL && result->failed + result->waiting == 0; /* behind --to: nobody asked for them */
	const char *failed = "failed";
	enum sg_tone tone = SG_TONE_BAD;
	char took[32];

	for (size_t i = 0; i < result->count; i++) {
		if (result->items[i].outcome == SG_OUTCOME_FAILED) {
			const char *word = sg_render_outcome(SG_OUTCOME_FAILED, &result->items[i].err, &tone);

			failed = strcmp(word, "FAILED") != 0 ? word : failed;
			add_failed(out, look, &result->items[i]);
		}
		if (result->items[i].outcome == SG_OUTCOME_WAITING)
			add_waiting(out, look, &result->items[i]);
	}
	if (result->not_reached > 0) {
		sg_buf_adds(out, later ? "Left for later:" : "Not run:");
		add_ids(out, look, result, SG_OUTCOME_NOT_REACHED, result->not_reached);
		sg_buf_addc(out, '\n');
	}
	sg_clock_text(elapsed_ms, took);
	if (changed + open == 0 && exit == 0) {
		sg_look_add(out, look, SG_TONE_GOOD, "Up to date");
		sg_buf_adds(out, ": ");
		sg_look_count(out, result->skipped, "migration");
		sg_buf_addf(out, " already recorded (%s).\n", took);
	} else if (result->count > 0) {
		sg_render_sum(&sums, look, SG_TONE_GOOD, result->applied, "applied");
		sg_render_sum(&sums, look, SG_TONE_NOTE, result->reconciled, "reconciled");
		sg_render_sum(&sums, look, SG_TONE_NOTE, result->superseded, "superseded");
		sg_render_sum(&sums, look, tone, result->failed, failed);
		sg_render_sum(&sums, look, SG_TONE_WARN, result->waiting, "waiting");
		sg_render_sum(&sums, look, SG_TONE_PLAIN, result->not_reached, later ? "left for later" : "not run");
		sg_render_sum(&sums, look, SG_TONE_PLAIN, result->skipped, "already recorded");
		sg_buf_addf(out, "%s (%s).\n", sums.data, took);
	}
	if (advice(exit) != NULL)
		sg_buf_addf(out, "%s\n", advice(exit));
	sg_buf_release(&sums);
}

void sg_render_migrate_json(struct sg_json *into, const struct sg_migrate_result *result)
{
	struct sg_json *list = sg_json_array(), *summary = sg_json_object();

	for (size_t i = 0; i < result->count; i++) {
		const struct sg_migrate_item *item = &result->items[i];
		struct sg_json *one = sg_json_object(), *waits = sg_json_array();

		sg_json_set_text(one, "id", item->step->id);
		sg_json_set_text(one, "outcome", sg_outcome_name(item->outcome));
		sg_json_set_int(one, "duration_ms", item->duration_ms);
		sg_json_set_int(one, "attempts", item->attempts);
		sg_json_set_int(one, "existed", item->existed);
		if (item->waits_for != NULL)
			sg_json_add_text(waits, item->waits_for);
		sg_json_set(one, "waits_for", waits);
		sg_json_set(one, "error", sg_json_err(&item->err));
		sg_json_add(list, one);
	}
	sg_json_set(into, "migrations", list);
	sg_json_set_int(summary, "skipped", (int64_t)result->skipped);
	sg_json_set_int(summary, "applied", (int64_t)result->applied);
	sg_json_set_int(summary, "reconciled", (int64_t)result->reconciled);
	sg_json_set_int(summary, "superseded", (int64_t)result->superseded);
	sg_json_set_int(summary, "waiting", (int64_t)result->waiting);
	sg_json_set_int(summary, "failed", (int64_t)result->failed);
	sg_json_set_int(summary, "not_reached", (int64_t)result->not_reached);
	sg_json_set(into, "summary", summary);
}
