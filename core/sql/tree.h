/* tree.h - reading libpg_query's JSON trees: nodes, names, types.
 *
 * A node is an object with one member, {"SelectStmt": {…}}; where the grammar's
 * C struct has a typed pointer ("relation", "typeName", "larg") the wrapper is
 * left out. Zero, false, NULL and empty lists are left out as well. */
#ifndef SG_TREE_H
#define SG_TREE_H

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/sql/policy.h"

/* The node's name, and its members; NULL for what is no node. */
const char *sg_node_name(const struct sg_json *node);
struct sg_json *sg_node_body(const struct sg_json *node);
/* The members of `node` if it is of that name, else NULL. */
struct sg_json *sg_node_as(const struct sg_json *node, const char *name);
/* Text of a String node ("" if empty), NULL for any other. */
const char *sg_node_string(const struct sg_json *node);
/* A member that is text equal to value. */
bool sg_node_is(const struct sg_json *body, const char *member, const char *value);
/* The option (DefElem) of that name in a list, or NULL. */
struct sg_json *sg_node_option(const struct sg_json *list, const char *name);
/* A DefElem's boolean as defGetBoolean() reads it: no argument is true; what is
 * neither true nor false counts as true. */
bool sg_node_option_on(const struct sg_json *option);

/* The last one or two Strings of a list of names ("a.b.c": b and c). False for
 * an empty list. The texts live as long as the tree. */
bool sg_tree_names(const struct sg_json *list, struct sg_relation *name_r);
/* A RangeVar's names, borrowed. */
struct sg_relation sg_tree_relation(const struct sg_json *rangevar);

/* "name" or "schema"."name", quoted where need be. */
const char *sg_tree_quote(struct sg_arena *arena, const char *name);

/* SQL text of a TypeName ("character varying(255)", "public.mood[]"), made of
 * nothing but quoted names and constants; serial types become what their column
 * has. NULL when it cannot be said (%TYPE, SETOF, odd modifiers). */
const char *sg_tree_type(struct sg_arena *arena, const struct sg_json *type);
/* smallserial, serial, bigserial: they make a sequence too. */
bool sg_tree_type_is_serial(const struct sg_json *type);
/* A type of pg_catalog whose input function runs no code of users'. */
bool sg_tree_type_is_builtin(const struct sg_json *type);

/* Copies into the arena and appends; a duplicate is left out. */
void sg_relations_add(struct sg_arena *arena, struct sg_relations *list, struct sg_relation relation);
/* Is it in the list? A missing schema means `schema` on both sides. */
bool sg_relations_have(const struct sg_relations *list, struct sg_relation relation, const char *schema);

#endif
