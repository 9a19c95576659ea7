/* definition.h - what a section [index NAME] asks for, taken apart and judged. Pure.
 *
 * `columns`, `where`, `include`, `with` are pieces of SQL from a file: each is parsed alone
 * and the whole again, so that none can reach into its neighbour or hold a second
 * statement. With `sql` the statement is taken apart in the same way: one CREATE INDEX
 * CONCURRENTLY of that name (and table, where the section says one); IF NOT EXISTS is dropped. */
#ifndef SG_INDEX_DEFINITION_H
#define SG_INDEX_DEFINITION_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/manifest/manifest.h"

struct sg_index_definition {
	const struct sg_step *step;
	const char *name;    /* as the server keeps it; in its table's schema */
	const char *schema;  /* never NULL: the manifest's where none is written */
	const char *table;
	const char *relation; /* "schema.table", for people, and as the key of claims and locks */
	bool unique, nulls_not_distinct;
	const char *rest;    /* all that follows the table: "USING btree (a, lower(b) DESC) INCLUDE (c) WHERE …" */
	/* what is unique, for the naming of duplicates */
	const char *const *keys; /* each key's expression as SQL, with its COLLATE, without operator class and direction */
	size_t key_count;
	const char *where;   /* the predicate, or NULL */
};

/* SG_CLASS_REFUSED, with the manifest's file and the line of the key that is wrong, and what is expected.
 * What needs a server (do table and columns exist, is the expression immutable) is not judged here. */
SG_MUST_CHECK int sg_index_define(const struct sg_manifest *manifest, const struct sg_step *step,
                                  struct sg_arena *arena, struct sg_index_definition *definition_r, struct sg_err *err);

/* The same for all that is wrong in the section: every mistake goes to errs, in order of their lines. 0 if there is none. */
SG_MUST_CHECK int sg_index_judge(const struct sg_manifest *manifest, const struct sg_step *step, struct sg_errs *errs);

enum sg_index_how {
	SG_INDEX_CONCURRENTLY,
	SG_INDEX_PLAIN,   /* on an empty copy of the table, to learn its definition */
	SG_INDEX_ON_ONLY  /* the parent of partitions: CREATE INDEX … ON ONLY */
};
/* The statement, never with IF NOT EXISTS. name: not quoted, unqualified; relation: SQL text, quoted and qualified. */
const char *sg_index_statement(const struct sg_index_definition *definition, enum sg_index_how how, const char *name,
                               const char *relation, struct sg_arena *arena);
/* schema.table, quoted, for SQL. */
const char *sg_index_relation_sql(const struct sg_index_definition *definition, struct sg_arena *arena);

#endif
