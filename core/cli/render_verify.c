/* render_verify.c - verify: what holds, what has drifted, what was adopted. */
#include "config.h"

#include <string.h>

#include "core/cli/render.h"

#define STATE_FIELD 12

static const char *word_of(const struct sg_verify_item *item, enum sg_tone *tone_r)
{
	switch (item->verified) {
	case SG_VERIFIED_HOLDS: *tone_r = SG_TONE_GOOD; return item->adopted ? "adopted" : "holds";
	case SG_VERIFIED_DRIFT: *tone_r = SG_TONE_BAD; return item->adopted ? "adopted" : "DRIFT";
	case SG_VERIFIED_UNKNOWN: break;
	}
	*tone_r = SG_TONE_WARN;
	return item->adopted ? "adopted" : "unknown";
}

static const char *name_of(enum sg_verified verified)
{
	return verified == SG_VERIFIED_HOLDS ? "holds" : verified == SG_VERIFIED_DRIFT ? "drift" : "unknown";
}

static void add_item(struct sg_buf *out, const struct sg_look *look, size_t column, const struct sg_verify_item *item)
{
	enum sg_tone tone;
	const char *word = word_of(item, &tone);

	sg_buf_adds(out, "  ");
	sg_look_field(out, look, tone, word, STATE_FIELD, false);
	sg_look_field(out, look, SG_TONE_PLAIN, item->step->id, column, look->width > 0);
	if (item->recorded != NULL && !item->adopted) {
		sg_buf_adds(out, "  ");
		sg_look_add(out, look, SG_TONE_FAINT, item->recorded);
	}
	if (item->verified == SG_VERIFIED_DRIFT)
		sg_buf_adds(out, "  its fingerprint does not hold");
	sg_look_end(out);
	if (item->verified == SG_VERIFIED_UNKNOWN && item->err.class != SG_CLASS_NONE)
		sg_render_err(out, look, "              ", &item->err);
}

void sg_render_verify(struct sg_buf *out, const struct sg_look *look, const struct sg_verify_result *result,
                      bool adopting, int exit)
{
	size_t longest = 0, column;

	for (size_t i = 0; i < result->count; i++) {
		size_t chars = sg_look_chars(result->items[i].step->id);

		longest = chars > longest ? chars : longest;
	}
	column = sg_look_column(look, longest);
	for (size_t i = 0; i < result->count; i++) {
		const struct sg_verify_item *item = &result->items[i];

		if (look->verbose || item->adopted || item->verified != SG_VERIFIED_HOLDS)
			add_item(out, look, column, item);
	}
	if (adopting)
		sg_buf_addf(out, "%zu adopted; ", result->adopted);
	if (result->drift + result->unknown == 0 && exit == 0) {
		sg_look_count(out, result->holds, "fingerprint");
		sg_buf_adds(out, result->holds == 1 ? " holds.\n" : " hold.\n");
	} else {
		sg_buf_addf(out, "%zu hold, %zu drifted, %zu could not be asked.\n", result->holds, result->drift,
		            result->unknown);
	}
	if (exit == 8 && adopting && result->adopted == 0)
		sg_buf_adds(out, "Nothing was recorded: --adopt takes a migration only if its fingerprint holds.\n");
	else if (exit == 8 && !adopting)
		sg_buf_adds(out, "What has drifted was changed by other means than sgrun: look at the schema, and put it right\n"
		                 "with a new migration. Nothing is run a second time.\n");
}

void sg_render_verify_json(struct sg_json *into, const struct sg_verify_result *result)
{
	struct sg_json *list = sg_json_array(), *summary = sg_json_object();

	for (size_t i = 0; i < result->count; i++) {
		const struct sg_verify_item *item = &result->items[i];
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "id", item->step->id);
		sg_json_set_text(one, "recorded", item->recorded);
		sg_json_set_text(one, "verified", name_of(item->verified));
		sg_json_set_bool(one, "adopted", item->adopted);
		sg_json_set(one, "error", sg_json_err(&item->err));
		sg_json_add(list, one);
	}
	sg_json_set(into, "migrations", list);
	sg_json_set_int(summary, "holds", (int64_t)result->holds);
	sg_json_set_int(summary, "drift", (int64_t)result->drift);
	sg_json_set_int(summary, "unknown", (int64_t)result->unknown);
	sg_json_set_int(summary, "adopted", (int64_t)result->adopted);
	sg_json_set(into, "summary", summary);
}
