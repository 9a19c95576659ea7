/* take_parts.h - what the files of take_over share: the steps as they grow, and what became of each statement. For them only. */
#ifndef SG_TAKE_PARTS_H
#define SG_TAKE_PARTS_H

#include "core/base/buf.h"
#include "core/scaffold/fingerprint.h"
#include "core/scaffold/take_over.h"
#include "core/sql/policy.h"

enum take_kind { TAKE_MIGRATION, TAKE_FILL, TAKE_INDEX };

struct take_ddl {
	const char *sql;
	int line;
	size_t statement;      /* in taken->statements */
};

struct take_step {
	enum take_kind kind;
	const char *id, *title;
	const char *path;      /* of the file that it comes of */
	int line;
	const struct take_step *after;  /* `migration =`; or NULL */
	struct take_step **requires;    /* moved steps that come before it */
	size_t require_count, require_capacity;
	/* TAKE_MIGRATION */
	bool outside;
	struct take_ddl *ddl;
	size_t ddl_count, ddl_capacity;
	struct sg_fingerprint *fingerprint;
	struct sg_relations made, body_writes;
	const char *const *added; /* values of enums that it adds, as they are written in quotes */
	size_t added_count, added_capacity;
	/* TAKE_FILL: its whole source, and further lines of its section */
	const char *source, *keys;
	struct sg_relations tables, mentions; /* that it names; of columns the name alone */
	const char *guards;    /* of its fingerprint: what later migrations take away from it, they take when it is done */
	/* TAKE_INDEX */
	struct sg_relation table;
	const char *unique, *method, *columns, *include, *with, *tablespace, *where; /* or NULL */
	bool nulls_not_distinct;
	size_t statement;      /* FILL, INDEX: in taken->statements */
	const char *gone;      /* INDEX: why there is no section after all; or NULL */
};

/* A table that was touched by a moved statement. */
struct take_touched {
	struct sg_relation table;
	struct take_step *by;
};

struct take {
	const struct sg_take_over_options *options;
	struct sg_arena *arena;
	struct sg_arena scratch;  /* of one statement */
	struct sg_scaffold *scaffold;
	struct sg_taken_over *taken;
	struct sg_model *model;
	const char *state_schema;
	struct take_step **steps; /* in order */
	size_t count, capacity;
	struct take_touched *touched;
	size_t touched_count, touched_capacity;
	/* of the file that is read */
	const struct sg_audit_migration *file;
	const char *id, *title;
	struct take_step *part;   /* the migration that statements go to; not yet a step while it has none */
	size_t part_number;       /* of the next part: 1, 2, … */
	const struct take_step *last; /* the last migration that is a step */
	const struct sg_audit_statement *statement;
	size_t number;            /* in taken->statements */
};

/* What became of the statement that is looked at. */
void take_say(struct take *take, enum sg_taken taken, const char *into, const char *note);
/* A new step that is no migration, after what is there by now; it requires what touched the table before. */
struct take_step *take_add_moved(struct take *take, enum take_kind kind, const char *id, struct sg_relation table);
/* "ID_what", or with a number behind it, as no step of that kind is called. */
const char *take_free_id(struct take *take, enum take_kind kind, const char *wanted);
void take_require(struct take *take, struct take_step *step, struct take_step *other);
bool take_same_table(struct sg_relation a, struct sg_relation b);
bool take_same(const char *a, const char *b);
/* As SQL reads them. */
const char *take_sql_name(struct sg_arena *arena, const char *name);
const char *take_sql_table(struct sg_arena *arena, struct sg_relation table);
/* schema.name, as the server keeps it: of manifests and of SG_BACKFILL. */
const char *take_bare_table(struct sg_arena *arena, struct sg_relation table);
/* Letters, digits, '_', '-' and '.', at most `limit` bytes; never "". */
const char *take_id_of(struct sg_arena *arena, const char *text, size_t limit);
/* A C literal, as an argument. */
const char *take_literal(struct sg_arena *arena, const char *text, int indent);
/* In a comment, on one line. */
const char *take_comment(struct sg_arena *arena, const char *text);

/* take_index.c: CREATE INDEX becomes a section. */
void take_index(struct take *take, const struct sg_json *tree);
/* The lines of the section, or NULL: it cannot be one, and why. */
const char *take_index_section(struct take *take, const struct take_step *step, const char **why_r);
/* take_change.c: UPDATE and DELETE become ranges. */
void take_change(struct take *take, const char *node, const struct sg_json *tree);
/* take_seed.c: INSERT … VALUES becomes rows that are written one by one. */
void take_seed(struct take *take, const struct sg_json *tree);
/* May backfill_batch() send this? Else why not. */
const char *take_judge_batch(struct take *take, const char *sql, bool drain);

/* take_fate.c: what later statements do to sections. */
/* DROP INDEX or a rename of a section's index: there is no more to do than was said here. */
bool take_is_settled(struct take *take, const struct sg_json *tree);
/* Does that section follow this rename, so that it need not be built before? */
bool take_follows(struct take *take, const struct sg_json *tree, const struct take_step *step);
/* The rename has become a statement of the part: sections follow. */
void take_follow(struct take *take, const struct sg_json *tree);
/* The statement's text, with the name that a section's index has from the beginning. */
const char *take_using_index(struct take *take, const struct sg_json *tree);
void take_settle(struct take *take);
/* Where the guards go in a backfill's source. */
#define TAKE_GUARDS "\f"
/* Tables and columns that the statement of this backfill names. */
void take_remember(struct take *take, struct take_step *step, const struct sg_json *tree);
/* The statement takes away, or renames, what a backfill before it names. */
void take_guard(struct take *take, const struct sg_json *tree);

/* take_write.c: sources, sections, files. */
void take_write(struct take *take);

/* take_text.c: pieces of a statement's own text. A clause begins with a word outside of parentheses. */
/* Where the word begins, outside of parentheses, at or after `from`; SIZE_MAX: nowhere. not_after: a word before it (in capitals) that makes
 * it another thing ("DISTINCT" FROM); or NULL. */
size_t take_find_word(const char *sql, size_t length, size_t from, const char *word, const char *not_after);
/* Without blanks and comments at its ends. */
const char *take_cut(struct sg_arena *arena, const char *sql, size_t from, size_t to);
/* Comments and line ends become one blank, outside of quotes. */
const char *take_one_line(struct sg_arena *arena, const char *sql);
/* Parts between commas outside of parentheses, of sql[from, to). */
struct sg_list take_split(struct sg_arena *arena, const char *sql, size_t from, size_t to);
/* Behind the parenthesis that opens at `from`; SIZE_MAX: it does not close. */
size_t take_close(const char *sql, size_t length, size_t from);
/* As the server folds a word. */
const char *take_lower(struct sg_arena *arena, const char *word, size_t length);
/* Does the tree name something that gives another value each time (now(), gen_random_uuid(), nextval(), …)? */
bool take_is_volatile(const struct sg_json *tree);
/* Does it read other rows, by a query inside of it? */
bool take_has_subquery(const struct sg_json *tree);
/* Does it hold a column of that name? */
bool take_names_column(const struct sg_json *tree, const char *column);

#endif
