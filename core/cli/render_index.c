/* render_index.c - an index as this run leaves it: its line, the summary with the command to
 * go on, those that are critical once more, and the JSON. Never says of an index that it is
 * there unless the run has seen it valid. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cli/render.h"

#define STATE_FIELD 12
#define TIME_FIELD 12
#define SIZE_FIELD 10

const char *sg_render_index_word(enum sg_index_end end, enum sg_tone *tone_r)
{
	*tone_r = SG_TONE_WARN;
	switch (end) {
	case SG_INDEX_END_ALREADY: *tone_r = SG_TONE_FAINT; return "valid";
	case SG_INDEX_END_BUILT: *tone_r = SG_TONE_GOOD; return "built";
	case SG_INDEX_END_DRIFTED: return "drifted";
	case SG_INDEX_END_WAITING: return "waits";
	case SG_INDEX_END_LEFT: return "left";
	case SG_INDEX_END_STOPPED: return "stopped";
	case SG_INDEX_END_FAILED: *tone_r = SG_TONE_BAD; return "FAILED";
	case SG_INDEX_END_REFUSED: *tone_r = SG_TONE_BAD; return "REFUSED";
	case SG_INDEX_END_NOT_REACHED: *tone_r = SG_TONE_FAINT; return "not run";
	}
	SG_BUG("an end of an index without a word");
}

static bool is_there(enum sg_index_end end)
{
	return end == SG_INDEX_END_ALREADY || end == SG_INDEX_END_BUILT;
}

/* Builds that nobody asks about: one, or one a partition, and the one that was cut short. */
static int usual_attempts(const struct sg_index_result *r)
{
	return r->partitions + (r->partitions == 0 || !is_there(r->end));
}

void sg_render_index_remarks(struct sg_buf *out, const struct sg_index_result *r)
{
	if (r->partitions > 0) {
		sg_render_part(out);
		sg_look_count(out, (size_t)r->partitions, "partition");
		sg_buf_adds(out, is_there(r->end) ? "" : " done");
	}
	if (r->rebuilt) {
		sg_render_part(out);
		sg_buf_adds(out, "an invalid one was dropped first");
	}
	if (r->attempts > usual_attempts(r)) {
		sg_render_part(out);
		sg_buf_addf(out, "%d attempts", r->attempts);
	}
	if (r->carcass) {
		sg_render_part(out);
		sg_buf_adds(out, "an invalid index is left behind");
	}
	if (r->note != NULL && r->note[0] != '\0') {
		sg_render_part(out);
		sg_buf_adds(out, r->note);
	}
}

void sg_render_index(struct sg_buf *out, const struct sg_look *look, size_t column, const char *name,
                     const struct sg_index_result *result)
{
	enum sg_tone tone;
	const char *word = sg_render_index_word(result->end, &tone);
	struct sg_buf remarks = SG_BUF_INIT, size = SG_BUF_INIT;
	char took[32] = "";

	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone, word, STATE_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, name, column, look->width > 0);
	if (result->end == SG_INDEX_END_BUILT || result->end == SG_INDEX_END_LEFT || result->end == SG_INDEX_END_FAILED ||
	    result->end == SG_INDEX_END_STOPPED)
		sg_clock_text(result->duration_ms, took);
	if (is_there(result->end) && result->bytes >= 0)
		sg_render_bytes(&size, result->bytes);
	if (took[0] != '\0' || size.length > 0)
		sg_look_right(out, look, SG_TONE_PLAIN, took, TIME_FIELD);
	if (size.length > 0)
		sg_look_right(out, look, SG_TONE_PLAIN, size.data, SIZE_FIELD);
	sg_render_index_remarks(&remarks, result);
	if (remarks.length > 0) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, remarks.data);
	}
	sg_look_end(out);
	sg_buf_release(&remarks);
	sg_buf_release(&size);
}

/* ---- the end ---------------------------------------------------------------- */

/* The gate, and how it stands where that is known. */
static void add_gate(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_item *item)
{
	const char *gate = item->waits_for, *note = item->result.note;

	if (gate == NULL || (note != NULL && sg_text_prefix(note, gate))) {
		sg_look_add(out, look, SG_TONE_PLAIN, note != NULL ? note : "a gate");
		return;
	}
	sg_look_add(out, look, SG_TONE_PLAIN, gate);
	if (note != NULL) {
		sg_buf_adds(out, " (");
		sg_look_add(out, look, SG_TONE_PLAIN, note);
		sg_buf_addc(out, ')');
	}
}

/* Why it is not there, after its name; false: nothing to say of it alone. */
static bool add_why(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_item *item)
{
	const struct sg_index_result *r = &item->result;

	switch (r->end) {
	case SG_INDEX_END_ALREADY:
	case SG_INDEX_END_BUILT:
	case SG_INDEX_END_NOT_REACHED: return false;
	case SG_INDEX_END_DRIFTED:
		sg_buf_adds(out, " has drifted; it was left as it is");
		return true;
	case SG_INDEX_END_WAITING:
		sg_buf_adds(out, " waits for ");
		add_gate(out, look, item);
		return true;
	case SG_INDEX_END_LEFT: sg_buf_adds(out, " is not built yet"); break;
	case SG_INDEX_END_STOPPED: sg_buf_adds(out, " was stopped"); break;
	case SG_INDEX_END_FAILED: sg_buf_adds(out, " failed"); break;
	case SG_INDEX_END_REFUSED:
		sg_buf_adds(out, " was refused, and not looked at");
		return true;
	}
	if (r->carcass)
		sg_buf_adds(out, "; an invalid index is left behind, which the next run drops");
	else if (r->partitions > 0)
		sg_buf_adds(out, "; what its partitions have stays, and the next run goes on from there");
	else if (r->attempts > 0)
		sg_buf_adds(out, "; nothing of it is left behind");
	return true;
}

static void add_item(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_item *item)
{
	const struct sg_index_result *r = &item->result;
	struct sg_buf why = SG_BUF_INIT;
	enum sg_tone tone;

	(void)sg_render_index_word(r->end, &tone);
	if (add_why(&why, look, item)) {
		sg_look_add(out, look, tone, item->step->id);
		sg_buf_addf(out, "%s.\n", why.data);
		if (r->err.class != SG_CLASS_NONE) {
			sg_render_err(out, look, "      ", &r->err);
		} else if (r->note != NULL && r->end != SG_INDEX_END_WAITING) {
			sg_buf_adds(out, "      ");
			sg_look_add(out, look, SG_TONE_PLAIN, r->note);
			sg_buf_addc(out, '\n');
		}
	}
	sg_buf_release(&why);
}

struct sums {
	size_t built, already, drifted, failed, left, waiting, not_reached;
	int64_t built_bytes, bytes;         /* of those built; of all that are there */
	const struct sg_indexes_item *open; /* the one that another run may go on with */
	size_t open_count;
	size_t mend;                        /* of these: something must be mended first */
};

static struct sums sum_up(const struct sg_indexes_result *result)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < result->count; i++) {
		const struct sg_indexes_item *item = &result->items[i];
		int64_t bytes = item->result.bytes > 0 ? item->result.bytes : 0;
		bool open = false;

		switch (item->result.end) {
		case SG_INDEX_END_ALREADY: s.already++; break;
		case SG_INDEX_END_BUILT:
			s.built++;
			s.built_bytes += bytes;
			break;
		case SG_INDEX_END_DRIFTED: s.drifted++; break;
		case SG_INDEX_END_WAITING: s.waiting++; break;
		case SG_INDEX_END_FAILED:
		case SG_INDEX_END_REFUSED: s.failed++; s.mend++; open = true; break;
		case SG_INDEX_END_LEFT:
		case SG_INDEX_END_STOPPED: s.left++; open = true; break;
		case SG_INDEX_END_NOT_REACHED: s.not_reached++; open = true; break;
		}
		if (is_there(item->result.end))
			s.bytes += bytes;
		s.open_count += open;
		if (open)
			s.open = item;
	}
	return s;
}

static void add_not_reached(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_result *result)
{
	const char *before = "Not built: ";

	for (size_t i = 0; i < result->count; i++)
		if (result->items[i].result.end == SG_INDEX_END_NOT_REACHED) {
			sg_buf_adds(out, before);
			sg_look_add(out, look, SG_TONE_PLAIN, result->items[i].step->id);
			before = ", ";
		}
	sg_buf_addc(out, '\n');
}

/* ", 14 MB" */
static void add_bytes(struct sg_buf *out, const char *before, int64_t bytes)
{
	if (bytes == 0)
		return;
	sg_buf_adds(out, before);
	sg_render_bytes(out, bytes);
}

static void add_sums(struct sg_buf *out, const struct sg_look *look, const struct sums *s, bool deploy, const char *took)
{
	struct sg_buf line = SG_BUF_INIT, built = SG_BUF_INIT;

	sg_buf_adds(&built, "built");
	add_bytes(&built, " (", s->built_bytes);
	sg_buf_adds(&built, s->built_bytes > 0 ? ")" : "");
	sg_render_sum(&line, look, SG_TONE_GOOD, s->built, built.data);
	sg_render_sum(&line, look, SG_TONE_BAD, s->failed, "failed");
	sg_render_sum(&line, look, SG_TONE_WARN, s->drifted, "drifted");
	sg_render_sum(&line, look, SG_TONE_WARN, s->left, "left");
	sg_render_sum(&line, look, SG_TONE_WARN, s->waiting, "waiting");
	sg_render_sum(&line, look, SG_TONE_PLAIN, s->not_reached, "not run");
	sg_render_sum(&line, look, SG_TONE_PLAIN, s->already, "already valid");
	sg_buf_addf(out, "%s%s (%s).\n", deploy ? "Indexes: " : "", line.data, took);
	sg_buf_release(&line);
	sg_buf_release(&built);
}

/* Backfills that duplicates have shown to be undone; a deploy has run them by now. */
static void add_reopened(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest,
                         const struct sg_indexes_result *result)
{
	for (size_t i = 0; i < result->reopened_count; i++) {
		sg_buf_adds(out, "Its data must be cleaned again: sgrun --manifest ");
		sg_render_path(out, look, manifest->path);
		sg_buf_adds(out, " backfill --only ");
		sg_look_add(out, look, SG_TONE_PLAIN, result->reopened[i]);
		sg_buf_addc(out, '\n');
	}
}

void sg_render_indexes_end(struct sg_buf *out, const struct sg_look *look, const struct sg_manifest *manifest,
                           const struct sg_indexes_result *result, bool deploy, int64_t elapsed_ms)
{
	struct sums sums = sum_up(result);
	char took[32];

	for (size_t i = 0; i < result->count; i++)
		add_item(out, look, &result->items[i]);
	if (sums.not_reached > 0)
		add_not_reached(out, look, result);
	sg_clock_text(elapsed_ms, took);
	if (result->count == 0) {
		if (!deploy)
			sg_buf_adds(out, "The manifest lists no indexes.\n");
	} else if (result->count == sums.already) {
		sg_look_add(out, look, SG_TONE_GOOD, deploy ? "Indexes" : "Up to date");
		sg_buf_adds(out, ": ");
		if (deploy)
			sg_buf_addf(out, "%zu", sums.already);
		else
			sg_look_count(out, sums.already, "index");
		sg_buf_adds(out, " already valid");
		add_bytes(out, ", ", sums.bytes);
		if (!deploy)
			sg_buf_addf(out, " (%s)", took);
		sg_buf_adds(out, ".\n");
	} else {
		add_sums(out, look, &sums, deploy, took);
	}
	if (!deploy)
		add_reopened(out, look, manifest, result);
	if (sums.open_count > 0)
		sg_render_go_on(out, look, manifest, "index", sums.open_count == 1 ? sums.open->step->id : NULL,
		                sums.mend == sums.open_count);
}

void sg_render_indexes_critical(struct sg_buf *out, const struct sg_look *look, const struct sg_indexes_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct sg_indexes_item *item = &result->items[i];
		const struct sg_err *err = &item->result.err;
		struct sg_buf line = SG_BUF_INIT;

		if (!item->step->critical || is_there(item->result.end) || item->result.end == SG_INDEX_END_WAITING)
			continue;
		sg_buf_addf(&line, "CRITICAL: the index %s %s", item->step->id,
		            item->result.end == SG_INDEX_END_DRIFTED   ? "is not what the manifest says"
		            : item->result.end == SG_INDEX_END_FAILED  ? "failed"
		            : item->result.end == SG_INDEX_END_REFUSED ? "was refused"
		                                                       : "is not built");
		if (err->class != SG_CLASS_NONE && item->result.end != SG_INDEX_END_DRIFTED) {
			sg_buf_addf(&line, ": %s", err->primary != NULL ? err->primary : sg_class_text(err->class));
			if (err->sqlstate[0] != '\0')
				sg_buf_addf(&line, " (SQLSTATE %s)", err->sqlstate);
		}
		sg_look_add(out, look, SG_TONE_BAD, line.data);
		sg_buf_addc(out, '\n');
		sg_buf_release(&line);
	}
}

/* ---- JSON ------------------------------------------------------------------- */

/* As status says it: the words of the table, and "waiting". */
static const char *state_of(const struct sg_index_result *r)
{
	switch (r->end) {
	case SG_INDEX_END_ALREADY:
	case SG_INDEX_END_BUILT: return "valid";
	case SG_INDEX_END_DRIFTED: return "drifted";
	case SG_INDEX_END_WAITING: return "waiting";
	case SG_INDEX_END_FAILED: return r->carcass ? "invalid" : "failed";
	case SG_INDEX_END_LEFT:
	case SG_INDEX_END_STOPPED:
	case SG_INDEX_END_REFUSED:
	case SG_INDEX_END_NOT_REACHED: break;
	}
	return r->carcass ? "invalid" : "missing";
}

static void set_known(struct sg_json *object, const char *key, int64_t value, bool known)
{
	if (known)
		sg_json_set_int(object, key, value);
	else
		sg_json_set_null(object, key);
}

static struct sg_json *item_json(const struct sg_indexes_item *item)
{
	const struct sg_index_result *r = &item->result;
	struct sg_json *one = sg_json_object(), *waits = sg_json_array();

	sg_json_set_text(one, "name", item->step->id);
	sg_json_set_text(one, "state", state_of(r));
	set_known(one, "duration_ms", r->duration_ms, r->end != SG_INDEX_END_WAITING && r->end != SG_INDEX_END_NOT_REACHED);
	set_known(one, "bytes", r->bytes, r->bytes >= 0 && (is_there(r->end) || r->end == SG_INDEX_END_DRIFTED));
	sg_json_set(one, "error", sg_json_err(&r->err));
	sg_json_set_text(one, "end", sg_index_end_name(r->end));
	set_known(one, "build_ms", r->build_ms, r->build_ms >= 0 && r->attempts > 0);
	sg_json_set_int(one, "attempts", r->attempts);
	sg_json_set_bool(one, "rebuilt", r->rebuilt);
	sg_json_set_bool(one, "invalid_left", r->carcass);
	set_known(one, "partitions", r->partitions, r->partitions > 0);
	sg_json_set_bool(one, "critical", item->step->critical);
	if (item->waits_for != NULL)
		sg_json_add_text(waits, item->waits_for);
	sg_json_set(one, "waits_for", waits);
	sg_json_set_text(one, "note", r->note);
	return one;
}

void sg_render_indexes_json(struct sg_json *into, const struct sg_indexes_result *result)
{
	struct sg_json *list = sg_json_array(), *summary = sg_json_object(), *reopened = sg_json_array();
	struct sums sums = sum_up(result);

	for (size_t i = 0; i < result->count; i++)
		sg_json_add(list, item_json(&result->items[i]));
	sg_json_set(into, "indexes", list);
	sg_json_set_int(summary, "built", (int64_t)sums.built);
	sg_json_set_int(summary, "already", (int64_t)sums.already);
	sg_json_set_int(summary, "drifted", (int64_t)sums.drifted);
	sg_json_set_int(summary, "left", (int64_t)sums.left);
	sg_json_set_int(summary, "failed", (int64_t)sums.failed);
	sg_json_set_int(summary, "waiting", (int64_t)sums.waiting);
	sg_json_set_int(summary, "not_reached", (int64_t)sums.not_reached);
	sg_json_set_int(summary, "bytes", sums.bytes);
	sg_json_set(into, "index_summary", summary);
	for (size_t i = 0; i < result->reopened_count; i++)
		sg_json_add_text(reopened, result->reopened[i]);
	sg_json_set(into, "reopened", reopened);
}
