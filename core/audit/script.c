/* script.c */
#include "config.h"
#include "core/audit/script.h"

#include "core/sql/lex.h"

static void add(struct sg_audit_migration *migration, size_t *capacity, struct sg_arena *arena, const char *text, size_t from,
                size_t to)
{
	struct sg_audit_statement *statement;
	int line = 1, column = 1;

	migration->statements = sg_arena_grow(arena, migration->statements, capacity, migration->count + 1,
	                                      sizeof *migration->statements);
	statement = &migration->statements[migration->count++];
	for (size_t i = 0; i < from; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	*statement = (struct sg_audit_statement){ .text = sg_arena_strndup(arena, text + from, to - from),
		                                  .length = to - from,
		                                  .line = line,
		                                  .column = column };
}

void sg_audit_script_split(const struct sg_audit_file *file, const char *text, size_t length, struct sg_arena *arena,
                           struct sg_audit_migration *migration_r, struct sg_errs *errs)
{
	struct sg_lex lex;
	struct sg_token token;
	size_t capacity = 0, from = 0, to = 0;
	bool some = false;

	(void)errs;
	*migration_r = (struct sg_audit_migration){ .id = file->id,
		                                    .title = file->title,
		                                    .path = file->path,
		                                    .line = 1,
		                                    .layout = file->layout,
		                                    .transaction = file->transaction };
	sg_lex_init(&lex, text, length);
	while (sg_lex_next(&lex, &token)) {
		if (sg_lex_char(&lex, &token, ';')) {
			if (some)
				add(migration_r, &capacity, arena, text, from, to);
			some = false;
			continue;
		}
		if (!some)
			from = token.start;
		to = token.end;
		some = true;
	}
	if (some)
		add(migration_r, &capacity, arena, text, from, to);
}
