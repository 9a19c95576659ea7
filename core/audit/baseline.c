/* baseline.c - see baseline.h. Lines are kept sorted by their digits; each is met once. */
#include "config.h"
#include "core/audit/baseline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/audit/bytes.h"
#include "core/base/hash.h"
#include "core/base/text.h"

#define BASELINE_LIMIT ((size_t)16 << 20)
#define DIGITS 16

struct line {
	char digits[DIGITS + 1];
	size_t count, met; /* equal lines */
};

struct sg_baseline {
	struct line *list;
	size_t count, capacity;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The statement with its blanks folded, so that laying it out anew changes nothing; quotes are not looked into. */
static void add_folded(struct sg_buf *buf, const char *text)
{
	bool some = false, blank = false;

	for (; *text != '\0'; text++) {
		if (is_blank(*text)) {
			blank = some;
			continue;
		}
		if (blank)
			sg_buf_addc(buf, ' ');
		blank = false;
		some = true;
		sg_buf_addc(buf, *text);
	}
}

static void digest(const char *migration, const char *rule, const char *statement, char digits_r[DIGITS + 1])
{
	struct sg_buf buf = SG_BUF_INIT;
	char hex[SG_SHA256_HEX];

	/* A NUL between the parts: none of them holds one. */
	sg_buf_adds(&buf, migration);
	sg_buf_addc(&buf, '\0');
	sg_buf_adds(&buf, rule);
	sg_buf_addc(&buf, '\0');
	add_folded(&buf, statement);
	sg_hash_sha256(buf.data, buf.length, hex);
	sg_buf_release(&buf);
	memcpy(digits_r, hex, DIGITS);
	digits_r[DIGITS] = '\0';
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct line *)a)->digits, ((const struct line *)b)->digits, DIGITS);
}

static bool is_entry(const char *line, size_t length)
{
	return length >= DIGITS && strspn(line, "0123456789abcdef") == DIGITS && (length == DIGITS || is_blank(line[DIGITS]));
}

static int refuse(struct sg_err *err, const char *path, int number, struct sg_arena *arena)
{
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "this line is none of a baseline");
	(void)sg_err_hint(err, "A line is 16 hexadecimal digits and what they stand for, or begins with #; write the file anew with "
	                       "--write-baseline.");
	return sg_err_at(err, sg_bytes_shown(path, arena), number);
}

/* Equal lines become one. */
static void fold(struct sg_baseline *baseline)
{
	size_t to = 0;

	if (baseline->count > 0)
		qsort(baseline->list, baseline->count, sizeof *baseline->list, compare);
	for (size_t i = 0; i < baseline->count; i++) {
		if (to > 0 && compare(&baseline->list[to - 1], &baseline->list[i]) == 0)
			baseline->list[to - 1].count++;
		else
			baseline->list[to++] = baseline->list[i];
	}
	baseline->count = to;
}

int sg_baseline_read(const char *path, struct sg_arena *arena, struct sg_baseline **baseline_r, struct sg_err *err)
{
	struct sg_baseline *baseline = sg_arena_alloc(arena, sizeof *baseline);
	size_t length, number = 1;
	char *text;

	if (sg_bytes_read(path, BASELINE_LIMIT, arena, &text, &length, err) != 0) {
		struct stat status;

		if (stat(path, &status) == 0 && (uintmax_t)status.st_size > BASELINE_LIMIT)
			(void)sg_err_hint(err, "This is no baseline: one has a line of some 60 bytes for each finding. Name another file.");
		return -1;
	}
	for (size_t at = 0; at < length; number++) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t size = end != NULL ? (size_t)(end - text) - at : length - at, skip = 0;
		struct line line = { .count = 1 };

		while (skip < size && is_blank(text[at + skip]))
			skip++;
		if (skip < size && text[at + skip] != '#') {
			if (!is_entry(text + at, size))
				return refuse(err, path, (int)number, arena);
			memcpy(line.digits, text + at, DIGITS);
			baseline->list = sg_arena_grow(arena, baseline->list, &baseline->capacity, baseline->count + 1,
			                               sizeof *baseline->list);
			baseline->list[baseline->count++] = line;
		}
		at += size + 1;
	}
	fold(baseline);
	*baseline_r = baseline;
	return 0;
}

bool sg_baseline_known(struct sg_baseline *baseline, const char *migration, const char *rule, const char *statement)
{
	struct line key = { 0 }, *line;

	if (baseline == NULL || baseline->count == 0)
		return false;
	digest(migration, rule, statement, key.digits);
	line = bsearch(&key, baseline->list, baseline->count, sizeof *baseline->list, compare);
	if (line == NULL || line->met == line->count)
		return false;
	line->met++;
	return true;
}

size_t sg_baseline_unmet(const struct sg_baseline *baseline)
{
	size_t count = 0;

	for (size_t i = 0; baseline != NULL && i < baseline->count; i++)
		count += baseline->list[i].count - baseline->list[i].met;
	return count;
}

void sg_baseline_line(struct sg_buf *out, const char *migration, const char *rule, const char *statement, const char *place)
{
	char digits[DIGITS + 1];

	digest(migration, rule, statement, digits);
	sg_buf_addf(out, "%s ", digits);
	sg_text_add_clean(out, rule, strlen(rule), false);
	sg_buf_addc(out, ' ');
	sg_text_add_clean(out, place, strlen(place), false);
	sg_buf_addc(out, '\n');
}
