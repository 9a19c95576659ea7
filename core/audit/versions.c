/* versions.c - see versions.h. */
#include "config.h"
#include "core/audit/versions.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(const char *text)
{
	size_t count = 0;

	while (is_digit(text[count]))
		count++;
	return count;
}

static size_t zeros(const char *text, size_t count)
{
	size_t some = 0;

	while (some < count && text[some] == '0')
		some++;
	return some;
}

/* Two runs of digits, as numbers. */
static int compare_numbers(const char *a, size_t a_count, const char *b, size_t b_count)
{
	size_t a_skip = zeros(a, a_count), b_skip = zeros(b, b_count);

	a_count -= a_skip;
	b_count -= b_skip;
	if (a_count != b_count)
		return a_count < b_count ? -1 : 1;
	return memcmp(a + a_skip, b + b_skip, a_count);
}

int sg_natural_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x != '\0' && *y != '\0') {
		if (is_digit(*x) && is_digit(*y)) {
			size_t m = digits(x), n = digits(y);
			int order = compare_numbers(x, m, y, n);

			if (order != 0)
				return order;
			x += m;
			y += n;
		} else if (*x != *y) {
			return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
		} else {
			x++;
			y++;
		}
	}
	if (*x != *y)
		return *x == '\0' ? -1 : 1;
	return strcmp(a, b);
}

int sg_version_compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		size_t m = digits(a), n = digits(b);
		int order = compare_numbers(a, m, b, n);

		if (order != 0)
			return order;
		a += m;
		b += n;
		a += *a != '\0';
		b += *b != '\0';
	}
	return 0;
}

/* "add_leads_name" as "add leads name". */
static const char *words(const char *text, size_t length, struct sg_arena *arena)
{
	char *copy = sg_arena_strndup(arena, text, length);

	for (size_t i = 0; i < length; i++)
		if (copy[i] == '_' || copy[i] == '-')
			copy[i] = ' ';
	return copy;
}

/* Digits, with single dots or underscores between them; their length, or 0. */
static size_t version_length(const char *text)
{
	size_t length = 0, some;

	while ((some = digits(text + length)) > 0) {
		length += some;
		if ((text[length] != '.' && text[length] != '_') || !is_digit(text[length + 1]))
			return length;
		length++;
	}
	return 0;
}

static const char *version(const char *text, size_t length, struct sg_arena *arena)
{
	char *copy = sg_arena_alloc(arena, length + 1);
	size_t to = 0;

	for (size_t at = 0; at < length;) {
		size_t some = digits(text + at), skip;

		if (some > length - at)
			some = length - at;
		skip = zeros(text + at, some);
		if (skip == some && some > 0)
			skip--;
		memcpy(copy + to, text + at + skip, some - skip);
		to += some - skip;
		at += some;
		if (at++ < length)
			copy[to++] = '.';
	}
	copy[to] = '\0';
	return copy;
}

void sg_flyway_name(const char *name, struct sg_arena *arena, struct sg_flyway_name *name_r)
{
	size_t length = strlen(name), size;

	*name_r = (struct sg_flyway_name){ 0 };
	if (length < 5 || strcmp(name + length - 4, ".sql") != 0 || strchr("VUBR", name[0]) == NULL)
		return;
	length -= 4;
	size = name[0] == 'R' ? 0 : version_length(name + 1);
	if (name[0] != 'R' && size == 0)
		return;
	/* V1.sql has no title, which Flyway lets pass; R.sql would be nothing. */
	if (1 + size < length || name[0] == 'R') {
		if (strncmp(name + 1 + size, "__", 2) != 0 || 3 + size > length)
			return;
		name_r->title = words(name + 3 + size, length - 3 - size, arena);
	}
	name_r->kind = name[0];
	if (size > 0)
		name_r->version = version(name + 1, size, arena);
}

const char *sg_name_number(const char *name, struct sg_arena *arena)
{
	size_t count = digits(name), skip = zeros(name, count);

	if (count == 0)
		return NULL;
	if (skip == count)
		skip--;
	return sg_arena_strndup(arena, name + skip, count - skip);
}

const char *sg_name_title(const char *name, size_t length, struct sg_arena *arena)
{
	size_t at = 0, start;

	/* "2024-01-01-120000_x": the dashes are the number's */
	while (at < length && (is_digit(name[at]) || (name[at] == '-' && at > 0 && at + 1 < length && is_digit(name[at + 1]))))
		at++;
	start = at;
	while (at < length && (name[at] == '_' || name[at] == '-' || name[at] == '.' || name[at] == ' '))
		at++;
	if (start > 0 && at == start && at < length)
		at = 0; /* "2fa": no number in front */
	while (at < length && (name[at] == '_' || name[at] == '-'))
		at++;
	return at < length ? words(name + at, length - at, arena) : NULL;
}
