/* value.c - one parser for all keys: the table's types and nothing else. */
#include "config.h"
#include "core/manifest/value.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

static void *place_of(const struct sg_setting *setting, const struct sg_value_target *target)
{
	char *base = NULL;

	switch (setting->place) {
	case SG_PLACE_MANIFEST: base = (char *)target->manifest; break;
	case SG_PLACE_POLICY: base = (char *)target->policy; break;
	case SG_PLACE_BACKFILL: base = (char *)target->backfill; break;
	case SG_PLACE_INDEX: base = (char *)target->index; break;
	case SG_PLACE_STEP: base = (char *)target->step; break;
	}
	SG_ASSERT(base != NULL);
	return base + setting->offset;
}

struct sg_list sg_value_list(const char *text, struct sg_arena *arena)
{
	const char **items = NULL;
	size_t count = 0, capacity = 0;

	for (;;) {
		size_t length;

		text += strspn(text, ", \t");
		length = strcspn(text, ", \t");
		if (length == 0)
			return (struct sg_list){ items, count };
		items = sg_arena_grow(arena, items, &capacity, count + 1, sizeof *items);
		items[count++] = sg_arena_strndup(arena, text, length);
		text += length;
	}
}

const char *sg_value_path(const char *text, const char *folder, struct sg_arena *arena)
{
	if (text[0] == '/' || strcmp(folder, ".") == 0)
		return sg_arena_strdup(arena, text);
	return sg_arena_printf(arena, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", text);
}

/* The words of `allowed`: word_r is the nth, length 0 after the last. */
static size_t nth_word(const char *allowed, size_t n, const char **word_r)
{
	for (;; n--) {
		size_t length = strcspn(allowed, " ");

		*word_r = allowed;
		if (n == 0 || length == 0)
			return length;
		allowed += length + strspn(allowed + length, " ");
	}
}

static void add_words(struct sg_buf *out, const char *allowed)
{
	const char *word, *next;
	size_t length;

	for (size_t n = 0; (length = nth_word(allowed, n, &word)) != 0; n++) {
		if (n > 0)
			sg_buf_adds(out, nth_word(allowed, n + 1, &next) == 0 ? " or " : ", ");
		sg_buf_add(out, word, length);
	}
}

const char *sg_value_allowed(const struct sg_setting *setting, struct sg_arena *arena)
{
	struct sg_buf out;
	const char *text;

	sg_buf_init(&out, 1024);
	switch (setting->type) {
	case SG_SETTING_INT:
		sg_buf_addf(&out, "Allowed are whole numbers from %jd to %jd", (intmax_t)setting->min, (intmax_t)setting->max);
		if (setting->allowed != NULL)
			sg_buf_addf(&out, ", or %s", setting->allowed);
		break;
	case SG_SETTING_REAL:
		sg_buf_addf(&out, "Allowed are numbers from %.2f to %.2f", (double)setting->min / 100,
		            (double)setting->max / 100);
		break;
	case SG_SETTING_BOOL:
		sg_buf_adds(&out, "Allowed are yes and no");
		break;
	case SG_SETTING_WORD:
		sg_buf_adds(&out, "Allowed are ");
		add_words(&out, setting->allowed);
		break;
	case SG_SETTING_INTS:
		sg_buf_addf(&out, "Allowed are 1 to %d whole numbers from %jd to %jd, none smaller than the one before",
		            SG_MAX_RUNGS, (intmax_t)setting->min, (intmax_t)setting->max);
		break;
	case SG_SETTING_TEXT:
	case SG_SETTING_LIST:
	case SG_SETTING_PATH:
	case SG_SETTING_SPECIAL:
		sg_buf_addf(&out, "It is: %s", setting->help);
		break;
	}
	if (setting->standard != NULL)
		sg_buf_addf(&out, "; the default is %s", setting->standard);
	sg_buf_addc(&out, '.');
	text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

static int refuse(const struct sg_setting *setting, struct sg_arena *arena, struct sg_err *err, const char *what,
                  const char *hint)
{
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "%s", what);
	(void)sg_err_detail(err, "%s: %s.", setting->key, setting->help);
	return sg_err_hint(err, "%s", hint ? hint : sg_value_allowed(setting, arena));
}

static int store_int(const struct sg_setting *setting, const char *text, struct sg_arena *arena, int *place,
                     struct sg_err *err)
{
	int64_t value;

	if (setting->allowed != NULL && strcmp(text, setting->allowed) == 0) {
		*place = 0;
		return 0;
	}
	if (!sg_text_int(text, INT64_MIN, INT64_MAX, &value)) {
		const char *digits = text + (text[0] == '-');

		return refuse(setting, arena, err, digits[0] && digits[strspn(digits, "0123456789")] == '\0'
		              ? "out of range" : "not a whole number", NULL);
	}
	if (value < setting->min || value > setting->max)
		return refuse(setting, arena, err, "out of range", NULL);
	*place = (int)value;
	return 0;
}

static int store_word(const struct sg_setting *setting, const char *text, struct sg_arena *arena, void *place,
                      struct sg_err *err)
{
	const char *word;
	size_t length;

	for (size_t n = 0; (length = nth_word(setting->allowed, n, &word)) != 0; n++) {
		if (strlen(text) != length || strncmp(text, word, length) != 0)
			continue;
		if (setting->flags & SG_SETTING_IS_FLAG)
			*(bool *)place = n == 1;
		else
			*(int *)place = (int)n;
		return 0;
	}
	return refuse(setting, arena, err, "not an allowed word", NULL);
}

static int store_rungs(const struct sg_setting *setting, const char *text, struct sg_arena *arena,
                       struct sg_policy_settings *policy, struct sg_err *err)
{
	struct sg_list list = sg_value_list(text, arena);
	int rungs[SG_MAX_RUNGS];

	if (list.count == 0 || list.count > SG_MAX_RUNGS)
		return refuse(setting, arena, err, list.count ? "too many rungs" : "no rungs", NULL);
	for (size_t i = 0; i < list.count; i++) {
		if (store_int(setting, list.items[i], arena, &rungs[i], err) != 0)
			return -1;
		if (i > 0 && rungs[i] < rungs[i - 1])
			return refuse(setting, arena, err, "a rung is shorter than the one before", NULL);
	}
	memcpy(policy->lock_rungs_ms, rungs, list.count * sizeof *rungs);
	policy->lock_rungs = list.count;
	return 0;
}

static int store_list(const struct sg_setting *setting, const char *text, const char *folder, struct sg_arena *arena,
                      struct sg_list *place, struct sg_err *err)
{
	struct sg_list list = sg_value_list(text, arena);

	if (list.count == 0)
		return refuse(setting, arena, err, "a list without items", NULL);
	for (size_t i = 0; setting->check != NULL && i < list.count; i++) {
		const char *hint = setting->check(list.items[i]);

		if (hint != NULL)
			return refuse(setting, arena, err, "an item that is not allowed", hint);
	}
	if (setting->flags & SG_SETTING_IS_PATHS) {
		const char **paths = sg_arena_array(arena, list.count, sizeof *paths);

		for (size_t i = 0; i < list.count; i++)
			paths[i] = sg_value_path(list.items[i], folder, arena);
		list.items = paths;
	}
	*place = list;
	return 0;
}

int sg_value_store(const struct sg_setting *setting, const char *text, const char *folder, struct sg_arena *arena,
                   const struct sg_value_target *target, struct sg_err *err)
{
	const char *hint;
	void *place;
	double real;

	if (setting->type == SG_SETTING_SPECIAL)
		return 0;
	place = place_of(setting, target);
	switch (setting->type) {
	case SG_SETTING_TEXT:
	case SG_SETTING_PATH:
		hint = setting->check ? setting->check(text) : NULL;
		if (hint != NULL)
			return refuse(setting, arena, err, "not allowed", hint);
		*(const char **)place = setting->type == SG_SETTING_PATH ? sg_value_path(text, folder, arena)
		                                                         : sg_arena_strdup(arena, text);
		return 0;
	case SG_SETTING_INT:
		return store_int(setting, text, arena, place, err);
	case SG_SETTING_REAL:
		if (!sg_text_double(text, (double)setting->min / 100, (double)setting->max / 100, &real))
			return refuse(setting, arena, err, "not a number in range", NULL);
		*(double *)place = real;
		return 0;
	case SG_SETTING_BOOL:
		if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
			return refuse(setting, arena, err, "neither yes nor no", NULL);
		*(bool *)place = text[0] == 'y';
		return 0;
	case SG_SETTING_WORD:
		return store_word(setting, text, arena, place, err);
	case SG_SETTING_LIST:
		return store_list(setting, text, folder, arena, place, err);
	case SG_SETTING_INTS:
		return store_rungs(setting, text, arena, target->policy, err);
	case SG_SETTING_SPECIAL:
		break;
	}
	SG_BUG("unknown type of setting");
}

void sg_value_defaults(unsigned sections, const char *folder, struct sg_arena *arena,
                       const struct sg_value_target *target)
{
	struct sg_err err = SG_ERR_INIT;

	for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++)
		if ((setting->sections & sections) && setting->standard != NULL &&
		    sg_value_store(setting, setting->standard, folder, arena, target, &err) != 0)
			SG_BUG("a default that is not allowed");
}
