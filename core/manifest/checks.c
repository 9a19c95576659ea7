/* checks.c - the shape of single values: names, tables, hashes, windows. */
#include "config.h"
#include "core/manifest/checks.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1: longer names are cut by the server in silence */
#define ID_MAX_BYTES 200  /* SG_MAX_ID of the plugin ABI */

static bool only(const char *text, const char *set)
{
	return text[strspn(text, set)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const char *sg_check_identifier(const char *text)
{
	if (strlen(text) > NAME_MAX_BYTES)
		return "Names in PostgreSQL have at most 63 bytes.";
	if (strpbrk(text, " \t,\"'();") != NULL)
		return "Write one name as the server keeps it, without quotes, blanks and commas.";
	return NULL;
}

const char *sg_check_schema(const char *text)
{
	if (strncmp(text, "pg_", 3) == 0 || strcmp(text, "information_schema") == 0)
		return "Schemas of the system cannot be used here.";
	return sg_check_identifier(text);
}

const char *sg_check_role(const char *text)
{
	if (strcasecmp(text, "none") == 0 || strcmp(text, "public") == 0 || strncmp(text, "pg_", 3) == 0)
		return "Name a role of your own; leave the key out to run as the user who connects.";
	return sg_check_identifier(text);
}

const char *sg_check_table(const char *text)
{
	const char *dot = strchr(text, '.');
	size_t schema = dot ? (size_t)(dot - text) : 0;
	const char *name = dot ? dot + 1 : text;

	if (strpbrk(text, " \t,\"'();") != NULL || (dot != NULL && (schema == 0 || *name == '\0')) ||
	    strchr(name, '.') != NULL)
		return "Write a table as name or schema.name, as the server keeps it, without quotes.";
	if (schema > NAME_MAX_BYTES || strlen(name) > NAME_MAX_BYTES)
		return "Names in PostgreSQL have at most 63 bytes.";
	return NULL;
}

/* What an audit says of data work; a test holds it to the audit's own names. */
static const char *const verdicts[] = { "dml", "dedup_for_unique", "seed_insert", "orphan_cleanup_for_constraint", "one_time_default",
	                                "bulk_update", "bulk_delete", "data_copy", "other" };

/* family.rule, family.*, or one of those */
const char *sg_check_rule(const char *text)
{
	size_t word = strspn(text, LOWER DIGITS "_");

	for (size_t i = 0; i < SG_COUNT(verdicts); i++)
		if (strcmp(text, verdicts[i]) == 0)
			return NULL;
	if (word == 0 || text[word] != '.' ||
	    (strcmp(text + word + 1, "*") != 0 && (text[word + 1] == '\0' || !only(text + word + 1, LOWER DIGITS "_"))))
		return "Rules are named as in the report, such as index.create_blocking; index.* is a family, dml every verdict on data work,"
		       " bulk_update one kind of it.";
	return NULL;
}

/* HH:MM; 24:00 is the end of the day. */
static bool clock_time(const char *text)
{
	int hour, minute;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
			return false;
	hour = (text[0] - '0') * 10 + (text[1] - '0');
	minute = (text[3] - '0') * 10 + (text[4] - '0');
	return minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
}

const char *sg_check_window(const char *text)
{
	const char *zone;

	if (!clock_time(text) || text[5] != '-' || !clock_time(text + 6))
		return "Write a window as HH:MM-HH:MM, such as 22:00-06:00, and a time zone if the server's is not meant.";
	if (strncmp(text, text + 6, 5) == 0)
		return "A window needs two different times; without one, batches run at any time.";
	zone = text + 11;
	if (*zone == '\0')
		return NULL;
	if (*zone != ' ' || zone[1] == '\0' || strlen(zone + 1) > NAME_MAX_BYTES ||
	    !only(zone + 1, LOWER UPPER DIGITS "_+-/"))
		return "After the times only the name of a time zone may stand, such as Europe/Berlin.";
	return NULL;
}

const char *sg_check_plugin(const char *text)
{
	size_t length = strlen(text);

	if (strchr(text, '/') != NULL)
		return NULL;
	if (strpbrk(text, " \t,;=") != NULL)
		return "Write the plugin's name without .so, or a path with a slash; further keys start in column 1.";
	if (length > 3 && strcmp(text + length - 3, ".so") == 0)
		return "Leave out .so, or write a path with a slash.";
	return NULL;
}

const char *sg_check_sha256(const char *text)
{
	if (strlen(text) != 64 || !only(text, DIGITS "abcdefABCDEF"))
		return "A pin has 64 hexadecimal digits, as sha256sum prints them.";
	return NULL;
}

const char *sg_check_library(const char *text)
{
	if (strchr(text, '/') != NULL || strstr(text, ".so") == NULL)
		return "Name libraries as the plugin asks for them (objdump -p, NEEDED), such as libz.so.1.";
	return NULL;
}

const char *sg_check_direct_dsn(const char *text)
{
	if (sg_text_prefix(text, "embedded:"))
		return "An embedded server has no pooler: leave direct_dsn out.";
	return NULL;
}

/* The word at text, then blanks, are skipped; NULL when it is another word. */
static const char *after_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(text, word, length) != 0 || (text[length] != ' ' && text[length] != '\t'))
		return NULL;
	text += length;
	return text + strspn(text, " \t");
}

const char *sg_check_index_sql(const char *text)
{
	const char *rest = after_word(text, "CREATE");
	const char *unique = rest ? after_word(rest, "UNIQUE") : NULL;

	rest = unique ? unique : rest;
	if (rest == NULL || after_word(rest, "INDEX") == NULL)
		return "Write one statement: CREATE [UNIQUE] INDEX CONCURRENTLY name ON table (…).";
	return NULL;
}

const char *sg_check_step_id(const char *text)
{
	if (strlen(text) > ID_MAX_BYTES)
		return "An id has at most 200 bytes.";
	if (!only(text, LOWER UPPER DIGITS "_.-"))
		return "An id is made of letters, digits, '_', '-' and '.'.";
	return NULL;
}

const char *sg_check_index_name(const char *text)
{
	if (strlen(text) > NAME_MAX_BYTES)
		return "Names in PostgreSQL have at most 63 bytes: a longer one would be cut.";
	if (strpbrk(text, " \t,\"'();.:=") != NULL)
		return "Write the index's name as the server keeps it, without quotes, blanks and commas; its schema is its table's.";
	return NULL;
}
