/* text.c - UTF-8, nearest names and numbers, as text.h says. */
#include "config.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed sequence at s (n bytes are there), 0 if ill-formed. */
static size_t sequence(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF) {
		length = 2;
	} else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
		length = 3;
		if (s[0] == 0xE0)
			low = 0xA0;
		if (s[0] == 0xED)
			high = 0x9F;
	} else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
		length = 4;
		if (s[0] == 0xF0)
			low = 0x90;
		if (s[0] == 0xF4)
			high = 0x8F;
	} else {
		return 0;
	}
	if (n < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;
	return length;
}

bool sg_text_utf8(const char *bytes, size_t length)
{
	const unsigned char *s = (const unsigned char *)bytes;

	for (size_t i = 0; i < length;) {
		size_t step;
		uint64_t word;

		/* Eight characters of ASCII, none of them NUL: most of what is ever looked at. */
		if (length - i >= sizeof word) {
			memcpy(&word, s + i, sizeof word);
			if (((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof word;
				continue;
			}
		}
		step = s[i] == 0 ? 0 : sequence(s + i, length - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

size_t sg_text_chars(const char *text, size_t bytes)
{
	size_t chars = 0;

	for (size_t i = 0; i < bytes; i++)
		chars += ((unsigned char)text[i] & 0xC0) != 0x80;
	return chars;
}

size_t sg_text_offset(const char *text, size_t chars)
{
	size_t i = 0;

	for (; text[i] != '\0'; i++) {
		if (((unsigned char)text[i] & 0xC0) == 0x80)
			continue;
		if (chars-- == 0)
			break;
	}
	return i;
}

bool sg_text_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Marks that end a line (U+2028, 2029) or make text run backwards (U+200E, 200F, 202A to 202E, 2066 to 2069): what is shown would not be
 * what is there. */
static bool is_directing(const unsigned char *s)
{
	return (s[1] == 0x80 && (s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xA8 && s[2] <= 0xAE))) ||
	       (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9);
}

void sg_text_add_clean(struct sg_buf *buf, const char *text, size_t length, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < length;) {
		size_t plain = 0, step;

		while (i + plain < length && s[i + plain] >= 0x20 && s[i + plain] < 0x7F)
			plain++;
		if (plain > 0) {
			sg_buf_add(buf, s + i, plain);
			i += plain;
			continue;
		}
		step = sequence(s + i, length - i);
		if (s[i] == '\n' || s[i] == '\t') {
			sg_buf_addc(buf, lines ? (char)s[i] : ' ');
			i++;
		} else if (step == 0 || s[i] < 0x20 || s[i] == 0x7F) {
			sg_buf_addf(buf, "\\x%02x", s[i]);
			i++;
		} else if (step == 2 && s[i] == 0xC2 && s[i + 1] < 0xA0) {
			/* C1 control characters: terminals obey these too */
			sg_buf_addf(buf, "\\u%04x", (unsigned)s[i + 1]);
			i += 2;
		} else if (step == 3 && s[i] == 0xE2 && is_directing(s + i)) {
			sg_buf_addf(buf, "\\u%04x", 0x2000u | (unsigned)(s[i + 1] & 0x3F) << 6 | (unsigned)(s[i + 2] & 0x3F));
			i += 3;
		} else {
			sg_buf_add(buf, s + i, step);
			i += step;
		}
	}
}

int sg_text_distance(const char *a, const char *b, int limit)
{
	size_t n = strlen(b);
	int row[128];

	if (strlen(a) >= 127 || n >= 127)
		return limit + 1;
	for (size_t j = 0; j <= n; j++)
		row[j] = (int)j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		int corner = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= n; j++) {
			int above = row[j];
			int best = corner + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			corner = above;
		}
	}
	return row[n] <= limit ? row[n] : limit + 1;
}

const char *sg_text_nearest(const char *text, const char *const *candidates, size_t count)
{
	int limit = strlen(text) <= 4 ? 1 : strlen(text) <= 8 ? 2 : 3;
	const char *nearest = NULL;
	int best = limit + 1;

	for (size_t i = 0; i < count; i++) {
		int distance = sg_text_distance(text, candidates[i], limit);

		if (distance < best) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

bool sg_text_int(const char *text, int64_t min, int64_t max, int64_t *value_r)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	long long value;
	char *end;

	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return false;
	*value_r = value;
	return true;
}

bool sg_text_double(const char *text, double min, double max, double *value_r)
{
	size_t whole = strspn(text, "0123456789");
	double value = 0, scale = 1;

	if (whole == 0 || whole > 15)
		return false;
	for (size_t i = 0; i < whole; i++)
		value = value * 10 + (text[i] - '0');
	if (text[whole] == '.') {
		size_t rest = strspn(text + whole + 1, "0123456789");

		if (rest == 0 || rest > 15 || text[whole + 1 + rest] != '\0')
			return false;
		for (size_t i = 0; i < rest; i++) {
			scale /= 10;
			value += (text[whole + 1 + i] - '0') * scale;
		}
	} else if (text[whole] != '\0') {
		return false;
	}
	if (value < min || value > max)
		return false;
	*value_r = value;
	return true;
}
