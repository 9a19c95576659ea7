/* fingerprint_parts.h - what the files of the fingerprint share: the objects that a migration has made or taken away, by their names.
 * Included by fingerprint*.c alone. */
#ifndef SG_FINGERPRINT_PARTS_H
#define SG_FINGERPRINT_PARTS_H

#include "core/scaffold/fingerprint.h"

enum sg_kept_kind {
	SG_KEPT_TABLE, SG_KEPT_COLUMN, SG_KEPT_COLUMN_TYPE, SG_KEPT_NOT_NULL, SG_KEPT_NULLABLE, SG_KEPT_INDEX, SG_KEPT_CONSTRAINT, SG_KEPT_VALIDATED, SG_KEPT_TYPE, SG_KEPT_ENUM_VALUE, SG_KEPT_FUNCTION, SG_KEPT_BODY, SG_KEPT_TRIGGER, SG_KEPT_VIEW,
	SG_KEPT_POLICY, SG_KEPT_EXTENSION, SG_KEPT_SCHEMA, SG_KEPT_SEQUENCE, SG_KEPT_TABLE_COMMENT, SG_KEPT_COLUMN_COMMENT, SG_KEPT_ROW_SECURITY, SG_KEPT_PARTITION, SG_KEPT_KINDS
};

struct sg_kept {
	enum sg_kept_kind kind;
	bool gone;                 /* ask that it is not there */
	struct sg_relation name;   /* EXTENSION, SCHEMA: name alone */
	const char *member, *extra;
	const char *arguments;     /* FUNCTION: "(integer, text)"; or NULL */
	size_t statement;
	const char *undone;        /* why it is not asked for any more */
	const char *later;         /* … by a later migration: why it will not hold when all has run */
	struct sg_relation now;    /* what later migrations have renamed it to; name NULL: nothing */
	const char *now_member;
};

struct sg_fingerprint {
	const struct sg_model *model;
	const char *migration;
	struct sg_arena *arena;
	struct sg_kept *objects;
	size_t count, capacity;
	struct sg_asks *asks;
	size_t number;
	const char *none;          /* of the statement that is looked at: why nothing is asked */
	size_t before;             /* objects before it */
	struct sg_fingerprint *earlier; /* of the migration before; or NULL */
	bool in_tree;
};

/* fingerprint_kept.c */
void sg_asks_append(struct sg_fingerprint *f, struct sg_asks *to, struct sg_asked asked_);
const char *sg_kept_copy(struct sg_fingerprint *f, const char *text); /* NULL stays NULL */
bool sg_kept_same(const char *a, const char *b);
bool sg_kept_same_relation(struct sg_relation a, struct sg_relation b);
bool sg_kept_is_of_table(enum sg_kept_kind kind); /* goes with its table */
/* Why the statement that is looked at gives no question; the first reason stays. */
void sg_kept_none(struct sg_fingerprint *f, const char *why);
/* It is made: a question for its absence, of an earlier statement, is no longer one. */
struct sg_kept *sg_kept_make(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member);
/* It is taken away: what was made of it here is no longer asked for, and where nothing was, its absence is. */
void sg_kept_take_away(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member);
/* Everything kept under the old name is under the new one now. true: this migration made it. */
bool sg_kept_rename(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation old, const char *member, const char *schema,
                    const char *to);
bool sg_kept_is_relation(enum sg_kept_kind kind);
/* What earlier migrations of the tree asked for is called otherwise from here on. */
void sg_kept_rename_later(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation old, const char *member,
                          const char *schema, const char *to);
/* As later migrations have renamed it. */
struct sg_relation sg_kept_name_now(const struct sg_kept *o);
const char *sg_kept_member_now(const struct sg_kept *o);

#endif
