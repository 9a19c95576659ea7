/* rules_names.c - names of more than 63 bytes: the server cuts them with no more than a notice (truncate_identifier() in
 * src/backend/parser/scansup.c; NAMEDATALEN is 64). */
#include "config.h"

#include "core/audit/rules_types.h"
#include "core/sql/lex.h"

#define NAME_BYTES 63

/* A doubled quote inside counts once. U&"…" is left alone: its escapes are longer than what they stand for. */
static size_t bytes_of(const char *sql, const struct sg_token *token)
{
	size_t count = 0;

	if (token->kind == SG_TOKEN_WORD)
		return token->end - token->start;
	if (token->kind != SG_TOKEN_QUOTED || sql[token->start] != '"')
		return 0;
	for (size_t i = token->inner; i < token->inner_end; i++) {
		i += sql[i] == '"';
		count++;
	}
	return count;
}

/* Most statements have none, and are not taken apart: a run of letters, or the distance between two quotes, would be longer. */
static bool may_have_one(const char *sql, size_t length)
{
	size_t run = 0, quoted = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)sql[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80;

		run = letter ? run + 1 : 0;
		quoted = c == '"' ? 1 : quoted > 0 ? quoted + 1 : 0;
		if (run > NAME_BYTES || quoted > NAME_BYTES + 1)
			return true;
	}
	return false;
}

void sg_rules_names(struct sg_audit_scope *scope)
{
	const struct sg_audit_statement *statement = scope->statement;
	struct sg_lex lex;
	struct sg_token token;

	if (!may_have_one(statement->text, statement->length))
		return;
	sg_lex_init(&lex, statement->text, statement->length);
	while (sg_lex_next(&lex, &token)) {
		size_t bytes = bytes_of(statement->text, &token);

		if (bytes > NAME_BYTES)
			sg_audit_find(scope, SG_RULE_NAME_IDENTIFIERS, NULL, "%.*s has %zu bytes",
			              (int)(token.end - token.start > 200 ? 200 : token.end - token.start),
			              statement->text + token.start, bytes);
	}
}
