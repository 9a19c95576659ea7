/* tree.c - the partitions of a table and their indexes, read and chosen from. */
#include "config.h"
#include "core/index/tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"

#define HASH_CHARS 8
#define TABLE_BYTES 32 /* of a table's name in one that is cut, from its end: that is where partitions differ */

/* A recursive query takes no locks; pg_partition_tree would take one on each table. A partition
 * that is being detached concurrently has no part in its parent's index any more
 * (catalog/partition.c: find_inheritance_children omits it). */
#define TREE \
	"WITH RECURSIVE tree (oid, parent, level) AS (SELECT pg_catalog.to_regclass(%1$s)::pg_catalog.oid, 0::pg_catalog.oid, 0" \
	" WHERE pg_catalog.to_regclass(%1$s) IS NOT NULL UNION ALL" \
	" SELECT i.inhrelid, i.inhparent, t.level + 1 FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid" \
	" WHERE NOT i.inhdetachpending) "

static const char members_sql[] =
	TREE "SELECT t.oid, t.parent, n.nspname, c.relname, c.relkind = 'p', c.relkind = 'f',"
	" CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END"
	" FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" ORDER BY t.level, n.nspname, c.relname";

/* What follows the names in pg_get_indexdef (utils/adt/ruleutils.c, pg_get_indexdef_worker). */
static const char indexes_sql[] =
	TREE "SELECT i.indexrelid, i.indrelid, coalesce(h.inhparent, 0), x.relname, i.indisvalid AND i.indisready AND i.indislive,"
	" CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || pg_catalog.substr(pg_catalog.pg_get_indexdef(i.indexrelid),"
	" pg_catalog.length(pg_catalog.format('CREATE %%sINDEX %%I ON %%s%%I.%%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,"
	" x.relname, CASE WHEN x.relkind = 'I' THEN 'ONLY ' ELSE '' END, n.nspname, c.relname)) + 1)"
	" FROM tree t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
	" JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid ORDER BY i.indexrelid";

static size_t cut_start(const char *text, size_t most)
{
	size_t length = strlen(text), at = length > most ? length - most : 0;

	while (((unsigned char)text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t cut_end(const char *text, size_t most)
{
	size_t length = strlen(text);

	if (length <= most)
		return length;
	while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

const char *sg_tree_name(struct sg_arena *arena, const char *index, const char *table, bool hashed)
{
	const char *plain = sg_arena_printf(arena, "%s_%s", index, table), *both, *tail;
	char hash[SG_SHA256_HEX];

	if (!hashed && strlen(plain) <= SG_INDEX_NAME_BYTES)
		return plain;
	both = sg_arena_printf(arena, "%zu %s", strlen(index), plain); /* "a" of "b_c" is not "a_b" of "c" */
	sg_hash_sha256(both, strlen(both), hash);
	tail = table + cut_start(table, TABLE_BYTES);
	return sg_arena_printf(arena, "%.*s_%s_%.*s",
	                       (int)cut_end(index, SG_INDEX_NAME_BYTES - HASH_CHARS - 2 - strlen(tail)), index, tail, HASH_CHARS, hash);
}

const struct sg_tree_index *sg_tree_index_named(const struct sg_tree *tree, const struct sg_tree_member *member,
                                                const char *name)
{
	for (size_t i = 0; i < tree->index_count; i++)
		if (tree->indexes[i].table_oid == member->oid && strcmp(tree->indexes[i].name, name) == 0)
			return &tree->indexes[i];
	return NULL;
}

/* How gladly that index is taken for the member; 0: it cannot be. */
static int liking(const struct sg_tree_index *index, const struct sg_tree_member *member,
                  const struct sg_index_definition *definition, const char *shape, struct sg_arena *arena)
{
	bool attached = member->parent->index != NULL && index->parent_oid == member->parent->index->oid;
	bool ours = strcmp(index->name, sg_tree_name(arena, definition->name, member->table, false)) == 0 ||
	            strcmp(index->name, sg_tree_name(arena, definition->name, member->table, true)) == 0;

	if (attached) /* whatever it is: there can be only one */
		return 8;
	if (index->parent_oid != 0 || (shape != NULL ? strcmp(index->shape, shape) != 0 : !ours))
		return 0;
	/* an invalid one of somebody else may be being built */
	if (!index->valid)
		return ours || member->partitioned ? 1 : 0;
	return ours ? 4 : 2;
}

static void choose(struct sg_tree *tree, struct sg_tree_member *member, const struct sg_index_definition *definition,
                   const char *shape, struct sg_arena *arena)
{
	int best = 0;

	if (member->parent == NULL) {
		member->index = sg_tree_index_named(tree, member, definition->name);
		return;
	}
	member->covered = member->parent->covered || (member->parent->index != NULL && member->parent->index->valid);
	if (member->covered || member->foreign)
		return;
	for (size_t i = 0; i < tree->index_count; i++) {
		int likes;

		if (tree->indexes[i].table_oid != member->oid)
			continue;
		likes = liking(&tree->indexes[i], member, definition, shape, arena);
		if (likes > best) {
			best = likes;
			member->index = &tree->indexes[i];
		}
	}
}

static uint32_t oid_at(const struct sg_result *result, int row, int column)
{
	return (uint32_t)sg_result_int(result, row, column);
}

static void add_member(struct sg_tree *tree, const struct sg_result *result, int row, struct sg_arena *arena)
{
	struct sg_tree_member *member = &tree->members[tree->count];
	uint32_t parent = oid_at(result, row, 1);

	member->oid = oid_at(result, row, 0);
	/* the last ones of the level above are nearest; a tree is wide, not deep */
	for (size_t i = tree->count; parent != 0 && i-- > 0 && member->parent == NULL;)
		if (tree->members[i].oid == parent)
			member->parent = &tree->members[i];
	/* detached between two looks of the query: its parent is not there */
	if (parent != 0 && member->parent == NULL)
		return;
	member->schema = sg_result_value(result, row, 2);
	member->table = sg_result_value(result, row, 3);
	member->relation = sg_arena_printf(arena, "%s.%s", member->schema, member->table);
	member->sql = sg_arena_printf(arena, "%s.%s", sg_db_identifier(arena, member->schema),
	                              sg_db_identifier(arena, member->table));
	member->partitioned = sg_result_true(result, row, 4);
	member->foreign = sg_result_true(result, row, 5);
	member->partition_key = sg_result_value(result, row, 6);
	tree->count++;
}

int sg_tree_read(struct sg_db *db, const struct sg_index_definition *definition, const char *shape,
                 struct sg_arena *arena, struct sg_tree *tree_r, struct sg_err *err)
{
	const char *root = sg_db_literal(arena, sg_index_relation_sql(definition, arena));
	struct sg_result *members, *indexes;

	memset(tree_r, 0, sizeof *tree_r);
	if (sg_db_query(db, sg_arena_printf(arena, members_sql, root), 0, NULL, arena, &members, err) != 0 ||
	    sg_db_query(db, sg_arena_printf(arena, indexes_sql, root), 0, NULL, arena, &indexes, err) != 0)
		return -1;
	tree_r->members = sg_arena_array(arena, (size_t)sg_result_rows(members) + 1, sizeof *tree_r->members);
	for (int row = 0; row < sg_result_rows(members); row++)
		add_member(tree_r, members, row, arena);
	tree_r->index_count = (size_t)sg_result_rows(indexes);
	tree_r->indexes = sg_arena_array(arena, tree_r->index_count + 1, sizeof *tree_r->indexes);
	for (int row = 0; row < sg_result_rows(indexes); row++)
		tree_r->indexes[row] = (struct sg_tree_index){
			.oid = oid_at(indexes, row, 0), .table_oid = oid_at(indexes, row, 1), .parent_oid = oid_at(indexes, row, 2),
			.name = sg_result_value(indexes, row, 3), .valid = sg_result_true(indexes, row, 4),
			.shape = sg_result_value(indexes, row, 5)
		};
	for (size_t i = 0; i < tree_r->count; i++)
		choose(tree_r, &tree_r->members[i], definition, shape, arena);
	return 0;
}
