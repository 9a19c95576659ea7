/* tree.h - a partitioned table, its partitions at every level, and the indexes on them, as
 * the catalogue has them at one moment.
 *
 * Of each table one index is chosen: equal to the wanted one, and attached to the one that was chosen
 * above it, or free to be attached. Reading takes no lock on any of the tables. */
#ifndef SG_INDEX_TREE_H
#define SG_INDEX_TREE_H

#include "core/db/db.h"
#include "core/index/definition.h"

#define SG_INDEX_NAME_BYTES 63 /* NAMEDATALEN - 1 */

struct sg_tree_index {
	uint32_t oid, table_oid;
	uint32_t parent_oid;       /* of the index it is attached to; 0: free */
	const char *name;          /* not quoted; in its table's schema */
	bool valid;                /* and ready */
	const char *shape;         /* its definition without names: "UNIQUE USING btree (a)" */
};

struct sg_tree_member {
	uint32_t oid;
	const struct sg_tree_member *parent; /* NULL: the topmost */
	const char *schema, *table;
	const char *relation;      /* "schema.table", for people */
	const char *sql;           /* the same, quoted */
	bool partitioned, foreign; /* else a leaf of its own */
	const char *partition_key; /* "RANGE (at)", or NULL */
	const struct sg_tree_index *index; /* chosen; NULL: none is there */
	bool covered;              /* a valid index above holds for it: nothing is to be done here or below */
};

struct sg_tree {
	struct sg_tree_member *members; /* parents before their children; the first is the topmost; none: there is no such table */
	size_t count;
	struct sg_tree_index *indexes;
	size_t index_count;
};

/* name: of the topmost's index. shape: of the wanted index, or NULL where it could not be learned: then only what is attached
 * or has a name of ours is chosen. All in the arena. */
SG_MUST_CHECK int sg_tree_read(struct sg_db *db, const struct sg_index_definition *definition, const char *shape,
                               struct sg_arena *arena, struct sg_tree *tree_r, struct sg_err *err);

/* The index of that name on that table, or NULL. */
const struct sg_tree_index *sg_tree_index_named(const struct sg_tree *tree, const struct sg_tree_member *member,
                                                const char *name);

/* "<index>_<table>", the same on every run; cut to what a name may be, with a hash of both, if it is longer or hashed asks for it. */
const char *sg_tree_name(struct sg_arena *arena, const char *index, const char *table, bool hashed);

#endif
