/* rows_shapes.c - see rows_parts.h: values for a column that the plain one was refused for.
 *
 * Two sources: the words and numbers that stand in the constraint itself (a list of states, a bound, a length, a pattern), and
 * shapes that columns often have (an address of mail, a telephone number, a slug). Nothing here is believed: each is tried.
 * Ways with many values come first, single values last, so that what is chosen stays as different from row to row as it can. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/rehearse/rows_parts.h"

#define WORDS 48
#define LONGEST 20000

struct words {
	const char *texts[WORDS]; /* 'quoted' again, by us */
	const char *plain[WORDS];
	size_t text_count;
	const char *numbers[WORDS];
	size_t number_count;
};

static void add_text(struct rows *rows, struct words *words, const char *plain)
{
	if (words->text_count == WORDS || strchr(plain, ROWS_I[0]) != NULL || strstr(plain, "$i") != NULL)
		return;
	for (size_t i = 0; i < words->text_count; i++)
		if (strcmp(words->plain[i], plain) == 0)
			return;
	words->plain[words->text_count] = plain;
	words->texts[words->text_count++] = sg_db_literal(&rows->scratch, plain);
}

static void add_number(struct words *words, const char *number)
{
	for (size_t i = 0; i < words->number_count; i++)
		if (strcmp(words->numbers[i], number) == 0)
			return;
	if (words->number_count < WORDS && strlen(number) < 30)
		words->numbers[words->number_count++] = number;
}

/* ruleutils.c writes literals as 'it''s', never as E'', and numbers as they are or in quotes with a sign. */
static void read_words(struct rows *rows, const char *rule, struct words *words)
{
	struct sg_buf word = SG_BUF_INIT;
	const char *at = rule;

	while (*at != '\0') {
		sg_buf_clear(&word);
		if (*at == '\'') {
			for (at++; *at != '\0' && (*at != '\'' || at[1] == '\''); at++) {
				sg_buf_addc(&word, *at);
				at += *at == '\'';
			}
			at += *at == '\'';
			add_text(rows, words, sg_arena_strdup(&rows->scratch, word.data));
			if (strspn(word.data, "-0123456789.") == word.length && word.length > 0)
				add_number(words, sg_arena_strdup(&rows->scratch, word.data));
		} else if (*at == '"') {
			for (at++; *at != '\0' && *at != '"'; at++)
				;
			at += *at == '"';
		} else if ((*at >= '0' && *at <= '9') || (*at == '-' && at[1] >= '0' && at[1] <= '9')) {
			for (sg_buf_addc(&word, *at++); (*at >= '0' && *at <= '9') || (*at == '.' && at[1] >= '0' && at[1] <= '9'); at++)
				sg_buf_addc(&word, *at);
			add_number(words, sg_arena_strdup(&rows->scratch, word.data));
		} else if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_') {
			while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_' || (*at >= '0' && *at <= '9'))
				at++;
		} else
			at++;
	}
	sg_buf_release(&word);
}

/* '{a,b}' is written where somebody wrote ANY (ARRAY[…]) with casts. */
static int open_arrays(struct rows *rows, struct words *words, struct sg_err *err)
{
	size_t count = words->text_count;

	for (size_t i = 0; i < count; i++) {
		const char *const values[] = { words->plain[i] };
		struct sg_result *result;
		struct sg_err lost = SG_ERR_INIT;

		if (values[0][0] != '{')
			continue;
		if (sg_db_query(rows->db, "SELECT w FROM unnest($1::text[]) AS w WHERE w IS NOT NULL LIMIT 48", 1, values, &rows->scratch,
		                &result, &lost) != 0) {
			if (sg_db_lost(rows->db)) {
				sg_err_move(err, &lost);
				return -1;
			}
			sg_err_release(&lost);
			continue;
		}
		for (int k = 0; k < sg_result_rows(result); k++)
			add_text(rows, words, sg_result_value(result, k, 0));
	}
	return 0;
}

/* ---- by category ---- */

/* A regular expression or a LIKE pattern as a value that fits it, where it is of a simple form. */
static void add_pattern(struct rows *rows, struct rows_column *column, const char *pattern)
{
	struct sg_buf sql = SG_BUF_INIT, piece = SG_BUF_INIT;
	bool numbered = false;

	if (strpbrk(pattern, "%_") == NULL || strlen(pattern) > 200)
		return;
	for (const char *at = pattern; *at != '\0'; at++) {
		if (*at == '%' && !numbered) {
			sg_buf_addf(&sql, "%s || " ROWS_I " || ", sg_db_literal(&rows->scratch, piece.data));
			sg_buf_clear(&piece);
			numbered = true;
		} else if (*at == '_')
			sg_buf_addc(&piece, 'x');
		else if (*at != '%')
			sg_buf_addc(&piece, *at);
	}
	sg_buf_adds(&sql, sg_db_literal(&rows->scratch, piece.data));
	rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s)", sql.data), numbered ? 0 : 1);
	sg_buf_release(&sql);
	sg_buf_release(&piece);
}

static void add_texts(struct rows *rows, struct rows_column *column, const struct words *words)
{
	static const struct { const char *sql; int64_t distinct; } shapes[] = {
		{ "('user' || $i || '@example.com')", 0 }, { "('+1555' || lpad(($i)::text, 7, '0'))", 0 },
		{ "('word' || $i)", 0 }, { "('WORD' || $i)", 0 }, { "('Word' || $i)", 0 }, { "('word-' || $i)", 0 }, { "('word_' || $i)", 0 },
		{ "(($i)::text)", 0 }, { "('https://example.com/' || $i)", 0 }, { "('http://example.com/' || $i)", 0 },
		{ "('word' || $i || '.example.com')", 0 }, { "('/word/' || $i)", 0 }, { "('word.' || $i)", 0 }, { "('1.0.' || $i)", 0 },
		{ "('W-' || $i)", 0 }, { "(to_hex($i))", 0 }, { "md5(($i)::text)", 0 }, { "lpad(to_hex($i), 40, '0')", 0 },
		{ "lpad(to_hex($i), 64, '0')", 0 }, { "('00000000-0000-4000-8000-' || lpad(to_hex($i), 12, '0'))", 0 },
		{ "(chr((65 + ($i - 1) % 26)::int4) || chr((65 + ($i - 1) / 26 % 26)::int4))", 676 },
		{ "(chr((97 + ($i - 1) % 26)::int4) || chr((97 + ($i - 1) / 26 % 26)::int4))", 676 },
		{ "(chr((65 + ($i - 1) % 26)::int4) || chr((65 + ($i - 1) / 26 % 26)::int4) || chr((65 + ($i - 1) / 676 % 26)::int4))", 17576 },
		{ "(chr((97 + ($i - 1) % 26)::int4) || chr((97 + ($i - 1) / 26 % 26)::int4) || chr((97 + ($i - 1) / 676 % 26)::int4))", 17576 },
		{ "chr((97 + ($i - 1) % 26)::int4)", 26 }, { "chr((65 + ($i - 1) % 26)::int4)", 26 },
		{ "('#' || lpad(to_hex($i % 16777216), 6, '0'))", 16777216 }, { "upper(lpad(to_hex($i), 16, '0'))", 0 },
		{ "translate(($i)::text, '0123456789', 'abcdefghij')", 0 }, { "translate(($i)::text, '0123456789', 'ABCDEFGHIJ')", 0 },
		{ "lpad(($i)::text, 10, '0')", 0 }, { "('10.0.' || $i / 256 % 256 || '.' || $i % 256)", 65536 },
		{ "to_char(DATE '2024-01-01' - (($i - 1) % 3650)::int4, 'YYYY-MM-DD')", 3650 },
		{ "to_char(TIME '00:00' + (($i - 1) % 1440) * INTERVAL '1 minute', 'HH24:MI')", 1440 },
		{ "('{\"n\": ' || $i || '}')", 0 }, { "repeat('word ' || $i || ' ', 30)", 0 },
		{ "'en-US'", 1 }, { "'en_US'", 1 }, { "'UTC'", 1 }, { "'Europe/Berlin'", 1 }, { "'text/plain'", 1 }, { "''", 1 },
	};

	for (size_t i = 0; i < words->text_count; i++)
		add_pattern(rows, column, words->plain[i]);
	for (size_t i = 0; i < words->number_count; i++) {
		int64_t length;

		if (!sg_text_int(words->numbers[i], 1, LONGEST, &length))
			continue;
		for (int64_t l = length - 1; l <= length + 1; l++) {
			if (l < 1)
				continue;
			rows_ways_addf(rows, &column->ways, 0, "rpad('word ' || $i, %lld, 'x')", (long long)l);
			rows_ways_addf(rows, &column->ways, 0, "lpad(($i)::text, %lld, '0')", (long long)l);
			rows_ways_addf(rows, &column->ways, 0, "lpad(translate(($i)::text, '0123456789', 'ABCDEFGHIJ'), %lld, 'A')", (long long)l);
			rows_ways_addf(rows, &column->ways, 0, "lpad(translate(($i)::text, '0123456789', 'abcdefghij'), %lld, 'a')", (long long)l);
		}
	}
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && !column->shaped; i++)
		rows_ways_addf(rows, &column->ways, shapes[i].distinct, "%s", shapes[i].sql);
}

static void add_numbers(struct rows *rows, struct rows_column *column, const struct words *words)
{
	static const struct { const char *sql; int64_t distinct; } shapes[] = {
		{ "(-$i)", 0 }, { "($i % 100 + 1)", 100 }, { "($i % 100)", 100 }, { "($i % 10 + 1)", 10 }, { "($i % 10)", 10 },
		{ "($i % 5 + 1)", 5 }, { "(($i % 100)::numeric / 100)", 100 }, { "(2000 + $i % 25)", 25 }, { "($i % 2)", 2 },
		{ "($i * 2)", 0 }, { "($i * 10)", 0 }, { "($i * 100)", 0 }, { "($i + 1)", 0 }, { "($i - 1)", 0 }, { "0", 1 }, { "1", 1 },
		{ "(-1)", 1 }, { "2", 1 },
	};

	for (size_t i = 0; i < words->number_count; i++) {
		const char *n = words->numbers[i];

		rows_ways_addf(rows, &column->ways, 0, "((%s) + $i)", n);
		rows_ways_addf(rows, &column->ways, 0, "((%s) - $i)", n);
		rows_ways_addf(rows, &column->ways, 0, "((%s) * $i)", n);
		for (size_t k = 0; k < words->number_count && k < 6; k++) /* between two of them, both included or not */
			if (k != i) {
				rows_ways_addf(rows, &column->ways, 1, "((%s) + $i %% greatest(((%s) - (%s))::bigint + 1, 1))", n, words->numbers[k], n);
				rows_ways_addf(rows, &column->ways, 1, "((%s) + 1 + $i %% greatest(((%s) - (%s))::bigint - 1, 1))", n,
				               words->numbers[k], n);
				rows_ways_addf(rows, &column->ways, 1, "((%s) + ((%s) - (%s))::numeric * ($i %% 100) / 100)", n, words->numbers[k], n);
			}
		rows_ways_addf(rows, &column->ways, 10, "((%s) + $i %% 10)", n);
		rows_ways_addf(rows, &column->ways, 10, "((%s) - $i %% 10)", n);
		rows_ways_addf(rows, &column->ways, 1, "(%s)", n);
		rows_ways_addf(rows, &column->ways, 1, "((%s) + 1)", n);
		rows_ways_addf(rows, &column->ways, 1, "((%s) - 1)", n);
	}
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && !column->shaped; i++)
		rows_ways_addf(rows, &column->ways, shapes[i].distinct, "%s", shapes[i].sql);
}

static void add_times(struct rows *rows, struct rows_column *column, const struct words *words)
{
	static const char *const shapes[] = {
		"(TIMESTAMPTZ '2024-01-02 00:00:00+00' - $i * INTERVAL '1 minute')",
		"(TIMESTAMPTZ '2023-12-31 00:00:00+00' - $i * INTERVAL '1 minute')",
		"(TIMESTAMPTZ '2024-01-01 00:00:00+00' + $i * INTERVAL '1 minute')",
		"(TIMESTAMPTZ '2100-01-01 00:00:00+00' + $i * INTERVAL '1 minute')",
		"(TIMESTAMPTZ '2024-01-01 00:00:00+00' - $i * INTERVAL '1 day')",
		"date_trunc('day', TIMESTAMPTZ '2024-01-01 00:00:00+00' - $i * INTERVAL '1 day')",
		"date_trunc('month', TIMESTAMPTZ '2024-01-01 00:00:00+00' - $i * INTERVAL '1 month')",
		"(DATE '2024-01-02' - (($i - 1) % 3650)::int4)", "(DATE '2025-01-01' - (($i - 1) % 3650)::int4)",
		"(DATE '2023-01-01' - (($i - 1) % 3650)::int4)", "(DATE '2100-01-01' + ($i % 3650)::int4)",
		"(TIME '12:00:00' + ($i % 3600) * INTERVAL '1 second')", "(TIME '08:00:00' + ($i % 3600) * INTERVAL '1 second')",
		"($i * INTERVAL '1 day')", "'infinity'", "'-infinity'",
	};

	for (size_t i = 0; i < words->text_count; i++) {
		const char *t = words->texts[i];

		rows_ways_addf(rows, &column->ways, 0, "((%s)::%s + $i * INTERVAL '1 minute')", t, column->type);
		rows_ways_addf(rows, &column->ways, 0, "((%s)::%s - $i * INTERVAL '1 minute')", t, column->type);
		rows_ways_addf(rows, &column->ways, 0, "((%s)::%s + (1 + $i %% 28) * INTERVAL '1 day')", t, column->type);
	}
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && !column->shaped; i++)
		rows_ways_addf(rows, &column->ways, 0, "%s", shapes[i]);
}

/* ---- all of them ---- */

/* Those of the rule's words that the rule takes, one after the other. */
static void add_list(struct rows *rows, struct rows_column *column, const char *const *texts, size_t count)
{
	struct sg_buf sql = SG_BUF_INIT;

	if (count < 2) {
		sg_buf_release(&sql);
		return;
	}
	sg_buf_addf(&sql, "(CASE (" ROWS_I " - 1) %% %zu", count);
	for (size_t i = 0; i < count; i++)
		sg_buf_addf(&sql, " WHEN %zu THEN (%s)::%s", i, texts[i], column->type);
	sg_buf_adds(&sql, " END)");
	rows_ways_add(rows, &column->ways, sg_arena_strdup(&rows->scratch, sql.data), (int64_t)count);
	sg_buf_release(&sql);
}

/* Which of the words the rule takes, as the only value of its only column. */
static int taken(struct rows *rows, const struct rows_column *column, const char *rule, const char *const *words, size_t count,
                 const char **taken_r, size_t *count_r, struct sg_err *err)
{
	bool domain = strstr(rule, "VALUE") != NULL;

	*count_r = 0;
	for (size_t i = 0; i < count; i++) {
		const char *sql = sg_arena_printf(&rows->scratch, "SELECT %s FROM (SELECT (%s)::%s AS %s) AS t",
		                                  domain ? "true" : sg_arena_printf(&rows->scratch, "(%s) IS NOT FALSE", rule), words[i],
		                                  column->type, column->name);
		int is = rows_true(rows, sql, err);

		if (is < 0)
			return -1;
		if (is > 0)
			taken_r[(*count_r)++] = words[i];
	}
	return 0;
}

int rows_shapes_add(struct rows *rows, struct rows_column *column, const char *rule, struct sg_err *err)
{
	struct words words = { 0 };
	const char *texts[WORDS];
	size_t count;

	if (strchr(column->type, ROWS_I[0]) != NULL || strstr(column->type, "$i") != NULL)
		return 0;
	read_words(rows, rule, &words);
	if (open_arrays(rows, &words, err) != 0)
		return -1;
	if (taken(rows, column, rule, words.texts, words.text_count, texts, &count, err) != 0)
		return -1;
	add_list(rows, column, texts, count);
	if (column->category == 'N') {
		if (taken(rows, column, rule, words.numbers, words.number_count, texts, &count, err) != 0)
			return -1;
		add_list(rows, column, texts, count);
	}
	if (column->category == 'S' || column->category == 'U' || column->category == 'Z')
		add_texts(rows, column, &words);
	else if (column->category == 'N')
		add_numbers(rows, column, &words);
	else if (column->category == 'D' || column->category == 'T')
		add_times(rows, column, &words);
	if (!column->shaped && column->fallback != NULL && strchr(column->fallback, ROWS_I[0]) == NULL)
		rows_ways_add(rows, &column->ways, sg_arena_printf(&rows->scratch, "(%s)", column->fallback), 1);
	for (size_t i = 0; i < words.text_count; i++)
		rows_ways_add(rows, &column->ways, words.texts[i], 1);
	column->shaped = true;
	return 0;
}
