/* script.c - reads a script, and finds its statements by its quotes, comments and semicolons
 * (PostgreSQL documentation, "Lexical Structure"). */
#include "config.h"
#include "core/db/script.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

#define FILE_BYTES ((off_t)256 << 20)

int sg_script_read(const char *what, const char *file, struct sg_arena *arena, char **sql_r, struct sg_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;
	char *text = NULL;
	size_t length = 0, size = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) != 0)
		rc = sg_err_set(err, SG_CLASS_MANIFEST, "%s: cannot read %s: %s", what, file, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES)
		rc = sg_err_set(err, SG_CLASS_MANIFEST, "%s: %s is no file of at most 256 MiB", what, file);
	if (rc == 0) {
		size = (size_t)st.st_size;
		text = sg_arena_alloc(arena, size + 1);
	}
	while (rc == 0 && length < size && (got = read(fd, text + length, size - length)) != 0) {
		if (got < 0 && errno != EINTR)
			rc = sg_err_set(err, SG_CLASS_MANIFEST, "%s: cannot read %s: %s", what, file, strerror(errno));
		length += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (rc == 0 && !sg_text_utf8(text, length)) {
		rc = sg_err_set(err, SG_CLASS_MANIFEST, "%s: %s is not UTF-8 text", what, file);
		sg_err_hint(err, "Convert it to UTF-8; NUL bytes are not allowed.");
	}
	*sql_r = text;
	return rc;
}

static size_t skip_comment(const char *sql, size_t at)
{
	int depth = 0;

	if (sql[at] == '-' && sql[at + 1] == '-')
		return at + strcspn(sql + at, "\n");
	if (sql[at] != '/' || sql[at + 1] != '*')
		return at;
	while (sql[at] != '\0') {
		if (sql[at] == '/' && sql[at + 1] == '*') {
			depth++;
			at += 2;
		} else if (sql[at] == '*' && sql[at + 1] == '/') {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return at;
}

static size_t skip_quoted(const char *sql, size_t at, bool escapes)
{
	char quote = sql[at++];

	for (; sql[at] != '\0'; at++) {
		if (escapes && sql[at] == '\\' && sql[at + 1] != '\0')
			at++;
		else if (sql[at] == quote)
			return at + 1; /* a doubled quote begins the next, empty-handed, at once */
	}
	return at;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0;
}

/* $tag$ … $tag$; a lone $ (a parameter) is one character. */
static size_t skip_dollar(const char *sql, size_t at)
{
	size_t tag = 1;
	const char *end;

	while (is_name(sql[at + tag]) && !(tag == 1 && isdigit((unsigned char)sql[at + 1])))
		tag++;
	if (sql[at + tag] != '$')
		return at + 1;
	tag++;
	for (end = sql + at + tag; *end != '\0'; end++)
		if (strncmp(end, sql + at, tag) == 0)
			return (size_t)(end - sql) + tag;
	return (size_t)(end - sql);
}

/* One token, roughly: enough never to take a semicolon inside one for the end. */
static size_t skip_token(const char *sql, size_t at)
{
	if (sql[at] == '\'' || sql[at] == '"')
		return skip_quoted(sql, at, false);
	if ((sql[at] == 'e' || sql[at] == 'E') && sql[at + 1] == '\'')
		return skip_quoted(sql, at + 1, true);
	if (sql[at] == '$')
		return skip_dollar(sql, at);
	if (!is_name(sql[at]))
		return at + 1;
	while (is_name(sql[at]) || sql[at] == '$')
		at++;
	return at;
}

size_t sg_script_statement(const char *sql, int n)
{
	bool inside = false;
	size_t at = 0;

	while (sql[at] != '\0') {
		size_t after = skip_comment(sql, at);

		if (after != at) {
			at = after;
		} else if (sql[at] == ';') {
			n -= inside;
			inside = false;
			at++;
		} else if (isspace((unsigned char)sql[at])) {
			at++;
		} else {
			if (!inside && n <= 0)
				return at;
			inside = true;
			at = skip_token(sql, at);
		}
	}
	return at;
}

/* ---- one statement after the other --------------------------------------------------- */

size_t sg_script_begin(const char *sql, size_t at)
{
	for (;;) {
		size_t after = skip_comment(sql, at);

		if (after != at)
			at = after;
		else if (sql[at] == ';' || isspace((unsigned char)sql[at]))
			at++;
		else
			return at;
	}
}

static bool is_word(const char *sql, size_t at, size_t end, const char *word)
{
	return end - at == strlen(word) && strncasecmp(sql + at, word, end - at) == 0;
}

size_t sg_script_end(const char *sql, size_t at)
{
	int parentheses = 0, atomic = 0; /* depth of ( and of BEGIN ATOMIC, CASE … END */
	bool begin = false;              /* the word before was BEGIN */

	while (sql[at] != '\0' && !(sql[at] == ';' && parentheses <= 0 && atomic == 0)) {
		size_t after = skip_comment(sql, at);

		if (after == at) {
			after = isspace((unsigned char)sql[at]) ? at + 1 : skip_token(sql, at);
			parentheses += (sql[at] == '(') - (sql[at] == ')');
			if (is_name(sql[at])) {
				if (atomic > 0 ? is_word(sql, at, after, "case") : begin && is_word(sql, at, after, "atomic"))
					atomic++;
				else if (atomic > 0 && is_word(sql, at, after, "end"))
					atomic--;
				begin = is_word(sql, at, after, "begin");
			}
		}
		at = after;
	}
	return at;
}
