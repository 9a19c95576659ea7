/*
 * Fuzz target: an SQL file of any tool's layout. The first byte chooses the layout, the rest is the text. What is held besides "no
 * crash": statements are pieces of the text, in order, at the line and column that they claim, of UTF-8 without a NUL; what is said
 * of them is whole, and little; the same text gives the same again.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit/script.h"
#include "core/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The byte of the text at that line and column. */
static size_t offset_of(const char *text, size_t length, int line, int column)
{
	size_t at = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	for (int i = 1; i < line; i++) {
		const char *end = memchr(text + at, '\n', length - at);

		SG_ASSERT(end != NULL);
		at = (size_t)(end - text) + 1;
	}
	return at + (size_t)column - 1;
}

static void check_statement(const struct sg_audit_statement *statement, const char *text, size_t length, size_t *from)
{
	size_t at;

	SG_ASSERT(statement->length > 0 && strlen(statement->text) == statement->length);
	SG_ASSERT(sg_text_utf8(statement->text, statement->length));
	SG_ASSERT(statement->line >= 1 && statement->column >= 1);
	at = offset_of(text, length, statement->line, statement->column);
	SG_ASSERT(at >= *from && length - at >= statement->length);
	/* psql's commands in the middle became blanks */
	for (size_t i = 0; i < statement->length; i++)
		SG_ASSERT(statement->text[i] == text[at + i] || statement->text[i] == ' ');
	SG_ASSERT(statement->text[0] == text[at] && strchr(" \t\n\r\f\v", text[at]) == NULL);
	*from = at + statement->length;
	for (size_t i = 0; i < statement->allow_count; i++)
		SG_ASSERT(statement->allows[i].rule[0] != '\0' && statement->allows[i].reason != NULL && statement->allows[i].line >= 1);
}

static void split(const struct sg_audit_file *file, const char *text, size_t length, struct sg_arena *arena,
                  struct sg_audit_migration *migration)
{
	struct sg_errs errs = SG_ERRS_INIT;
	size_t from = 0;

	sg_audit_script_split(file, text, length, arena, migration, &errs);
	SG_ASSERT(errs.count <= 11);
	for (size_t i = 0; i < errs.count; i++)
		SG_ASSERT(errs.list[i].class == SG_CLASS_MANIFEST && errs.list[i].line >= 1 && errs.list[i].hint != NULL &&
		          strcmp(errs.list[i].file, "f.sql") == 0);
	for (size_t i = 0; i < migration->count; i++)
		check_statement(&migration->statements[i], text, length, &from);
	SG_ASSERT(migration->comment == NULL ||
	          (migration->comment[0] != '\0' && sg_text_utf8(migration->comment, strlen(migration->comment))));
	sg_errs_release(&errs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_audit_file file = { .path = "f.sql", .id = "1" };
	struct sg_audit_migration first, second;

	if (size == 0)
		return 0;
	file.layout = (enum sg_audit_layout)(data[0] % SG_LAYOUT_MANIFEST);
	file.transaction = (data[0] & 0x80) == 0;
	split(&file, (const char *)data + 1, size - 1, &arena, &first);
	split(&file, (const char *)data + 1, size - 1, &arena, &second);
	SG_ASSERT(first.count == second.count && first.transaction == second.transaction &&
	          first.placeholders == second.placeholders && first.meta_commands == second.meta_commands);
	sg_arena_release(&arena);
	return 0;
}
