/* locks_drop.c - locks of DROP and TRUNCATE: those of the named, and by foreign keys, partitions and CASCADE of others. */
#include "config.h"

#include <string.h>

#include "core/audit/locks_take.h"
#include "core/sql/tree.h"

/* ---- DROP, TRUNCATE ------------------------------------------------------------------- */

/* CASCADE reaches those who hold a foreign key to the table. */
static void take_child(const struct sg_taking *taking, const struct sg_model_table *child, const struct sg_model_constraint *key,
                       const void *unused)
{
	(void)key;
	(void)unused;
	sg_locks_take_too(taking, child->name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

static void take_children(const struct sg_taking *taking, struct sg_relation parent)
{
	sg_locks_each_child(taking, sg_model_table(taking->model, parent), take_child, NULL);
}

static void drop_table(const struct sg_taking *taking, struct sg_relation name, bool cascade)
{
	const struct sg_model_table *table = sg_model_table(taking->model, name);
	const struct sg_model_table *other;

	sg_locks_take(taking, name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	for (size_t i = 0; table != NULL && i < table->constraint_count; i++)
		if (table->constraints[i].kind == 'f' && !sg_locks_same_table(taking->model, table->constraints[i].parent, name))
			sg_locks_take_too(taking, table->constraints[i].parent, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	if (table != NULL && table->partition_of.name != NULL) {
		sg_locks_take_too(taking, table->partition_of, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
		other = sg_locks_default_partition(taking->model, table->partition_of);
		if (other != NULL && other != table)
			sg_locks_take_too(taking, other->name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
	}
	if (cascade)
		take_children(taking, name);
}

static void drop_schema(const struct sg_taking *taking, const char *schema)
{
	const struct sg_model_table *table;

	for (size_t i = 0; schema != NULL && (table = sg_model_table_at(taking->model, i)) != NULL; i++)
		if (!table->dropped && sg_locks_same(table->name.schema, schema))
			sg_locks_take_too(taking, table->name, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

/* The table of a list of names that ends with the name of a trigger, policy or rule. */
struct sg_relation sg_locks_table_of_part(const struct sg_json *items)
{
	size_t count = sg_json_count(items);
	struct sg_relation table = { NULL, NULL };

	if (count >= 2)
		table.name = sg_node_string(sg_json_at(items, count - 2));
	if (count >= 3)
		table.schema = sg_node_string(sg_json_at(items, count - 3));
	return table;
}

static void drop_index(const struct sg_taking *taking, struct sg_relation name, bool concurrent)
{
	const struct sg_model_table *table = NULL;

	if (sg_model_index(taking->model, name, &table) != NULL && table != NULL)
		sg_locks_take_too(taking, table->name, concurrent ? SG_LOCK_SHARE_UPDATE_EXCLUSIVE : SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
}

void sg_locks_of_drop(const struct sg_taking *taking, const struct sg_json *body)
{
	const char *kind = sg_json_text(sg_json_get(body, "removeType"));
	const struct sg_json *objects = sg_json_get(body, "objects");
	bool cascade = sg_node_is(body, "behavior", "DROP_CASCADE");
	struct sg_relation name;

	for (size_t i = 0; kind != NULL && i < sg_json_count(objects); i++) {
		const struct sg_json *items = sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items");

		if (strcmp(kind, "OBJECT_SCHEMA") == 0 && cascade)
			drop_schema(taking, sg_node_string(sg_json_at(objects, i)));
		else if (strcmp(kind, "OBJECT_TRIGGER") == 0 || strcmp(kind, "OBJECT_POLICY") == 0 || strcmp(kind, "OBJECT_RULE") == 0)
			sg_locks_take(taking, sg_locks_table_of_part(items), SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
		else if (sg_locks_relation_kind(kind) && sg_tree_names(items, &name))
			drop_table(taking, name, cascade);
		else if (strcmp(kind, "OBJECT_INDEX") == 0 && sg_tree_names(items, &name))
			drop_index(taking, name, sg_json_true(sg_json_get(body, "concurrent")));
	}
}

void sg_locks_of_truncate(const struct sg_taking *taking, const struct sg_json *body)
{
	const struct sg_json *tables = sg_json_get(body, "relations");

	for (size_t i = 0; i < sg_json_count(tables); i++) {
		struct sg_relation table = sg_tree_relation(sg_node_as(sg_json_at(tables, i), "RangeVar"));

		sg_locks_take(taking, table, SG_LOCK_ACCESS_EXCLUSIVE, SG_LOCK_WORK_NONE);
		if (sg_node_is(body, "behavior", "DROP_CASCADE"))
			take_children(taking, table);
	}
}
