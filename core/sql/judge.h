/* judge.h - what the files of the policy share; no one else includes it.
 *
 * A judge is one text under judgement. The statements of a DO block are texts
 * of their own with the outer judge's rules and verdict. */
#ifndef SG_SQL_JUDGE_H
#define SG_SQL_JUDGE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/sql/policy.h"

struct sg_judge {
	const struct sg_policy_rules *rules;
	enum sg_call call;
	const char *sql;   /* ends with a NUL */
	size_t length;
	struct sg_arena *arena;
	struct sg_verdict *verdict;
	struct sg_err *err;
	bool in_do;      /* a statement of a DO block */
	bool unread;     /* set: the grammar could not read the text */
};

/* Where such a statement belongs: the hints. */
#define SG_HINT_BACKFILL \
	"Rows are changed by a backfill: a plugin of its own with backfill_batch(), in a [backfill ...] section with " \
	"migration = this step."
#define SG_HINT_INDEX \
	"An index on a table that is in use belongs in the manifest's registry: a section [index NAME] with table and " \
	"columns, or sql. There it is built concurrently and blocks no one."
#define SG_HINT_READ "Read with sg_query, sg_exists or sg_scalar."
#define SG_HINT_DDL "Definitions are changed by sg_ddl in run()."
#define SG_HINT_GUARDS \
	"Time-outs, search_path and role are set by the runner; what they are is said in the manifest ([policy] and " \
	"[database])."
#define SG_HINT_TRANSACTION "The runner begins and commits by itself; leave the statement out."
#define SG_HINT_OUTSIDE \
	"Make it the only statement of a migration declared with SG_MIGRATION_X(..., SG_NO_TRANSACTION)."
#define SG_HINT_OPERATOR "That is an operator's work, not a step's: do it by hand, with psql."
#define SG_HINT_STATE "The runner's own tables are changed by the runner alone; see `sgrun status` and `sgrun --help`."

/* Sets err: class, statement with the caret at the byte offset, rule, hint. -1. */
int sg_judge_refuse(const struct sg_judge *judge, size_t offset, const char *hint, const char *format, ...)
	SG_PRINTF(4, 5);
/* Byte offset of the first such word at or after `from`. */
size_t sg_judge_find(const struct sg_judge *judge, size_t from, const char *word);
/* The node's own location, or `near` if it has none. */
size_t sg_judge_at(const struct sg_json *body, size_t near);
/* "ALTER TABLE", of the prefix and the tree's object type ("OBJECT_TABLE"). */
const char *sg_judge_kind(struct sg_judge *judge, const char *prefix, const char *object_type);

/* policy.c: a text by the rules of its call (a DO block's statement included). */
int sg_judge_text(struct sg_judge *judge);
/* A statement of the tree by the list and the walk (an element of CREATE SCHEMA too). */
int sg_judge_ddl(struct sg_judge *judge, const char *node, const struct sg_json *tree, const struct sg_json *body);

/* statements.c: by list. */
struct sg_statement {
	const char *node;
	const char *kind;
	/* Refused: rule (the words after "KIND ") and hint. Allowed: NULL. */
	const char *rule, *hint;
	unsigned walk;  /* SG_WALK_… */
	bool opaque;
	/* More than the list can say; may be NULL. Sets kind, opaque, outside, makes, … */
	int (*check)(struct sg_judge *judge, const struct sg_json *body);
};
/* NULL for a node that the list does not know. */
const struct sg_statement *sg_statement_find(const char *node);

/* walk.c: the whole tree. */
#define SG_WALK_DML 1u          /* INSERT, UPDATE, DELETE, MERGE may stand in it */
#define SG_WALK_LOCKS 2u        /* FOR UPDATE and its kin may */
#define SG_WALK_READ 4u         /* a query that is run: what it reads may run code */
#define SG_WALK_DEFINITION 8u   /* kept, not run: a view, policy, trigger, default of a parameter */
#define SG_WALK_BODY 16u        /* a routine's body: names only */
#define SG_WALK_SCHEMA 32u      /* CREATE SCHEMA: its elements were judged one by one */
int sg_judge_walk(struct sg_judge *judge, const struct sg_json *tree, unsigned flags);

/* names.c: does a node name the runner's own tables? */
int sg_judge_names(struct sg_judge *judge, const char *node, const struct sg_json *body, size_t near);
int sg_judge_relation(struct sg_judge *judge, struct sg_relation relation, size_t offset);
/* The same, without noting it among verdict.named. */
int sg_judge_reference(struct sg_judge *judge, struct sg_relation relation, size_t offset);
/* A list of Strings under that key. */
int sg_judge_name_list(struct sg_judge *judge, const char *key, const struct sg_json *list, size_t near);
/* A literal that is read as a name ('sgrun.lease'::regclass). */
int sg_judge_name_literal(struct sg_judge *judge, const struct sg_json *node, size_t near);
/* A routine's body, a text in SQL or PL/pgSQL. */
int sg_judge_name_body(struct sg_judge *judge, const char *body, size_t near);

/* functions.c */
enum sg_function {
	SG_FUNCTION_UNKNOWN,  /* runs we know not what */
	SG_FUNCTION_PLAIN,    /* of pg_catalog for certain, and without effects */
	SG_FUNCTION_SEQUENCE, /* nextval: fine in a DEFAULT */
	SG_FUNCTION_DENIED
};
/* what_r: for DENIED, what is wrong with it ("changes the runner's guards"). */
enum sg_function sg_function_kind(struct sg_relation name, bool arguments, const char **what_r);
bool sg_operator_is_plain(const char *name);

/* doblock.c */
int sg_judge_do(struct sg_judge *judge, const struct sg_json *body);
/* unparsed.c: the text is not read by the grammar, and unparsed = allow. */
int sg_judge_unparsed(struct sg_judge *judge);

/* alter.c, create.c: checks of the list. */
int sg_check_alter_table(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_table(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_table_as(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_view(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_sequence(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_schema(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_function(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_type(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_policy(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_extension(struct sg_judge *judge, const struct sg_json *body);
int sg_check_create_index(struct sg_judge *judge, const struct sg_json *body);

#endif
