/* json_tree.h - JSON texts as trees that are only read: included by json.c alone, which gives them out as struct sg_json.
 *
 * The trees of SQL statements are read by the thousand, looked into here and there, and freed. A tree is one copy of its text, in
 * which strings are ended in place, and nodes in an arena: nothing is hashed and nothing freed one by one. What the reader is not
 * sure of (a duplicate member, a surrogate, a number with a point, ill-formed UTF-8, any mistake) it leaves to jansson. */
#ifndef SG_JSON_TREE_H
#define SG_JSON_TREE_H

#include "core/base/base.h"

/* Above all of jansson's types, and like those the first member: that is how the two are told apart. */
enum sg_json_kind {
	SG_JSON_OBJECT = 100, SG_JSON_ARRAY, SG_JSON_STRING, SG_JSON_INTEGER, SG_JSON_TRUE, SG_JSON_FALSE, SG_JSON_NULL
};

struct sg_json_node {
	enum sg_json_kind kind;
	uint32_t count;               /* members or elements */
	const char *key;              /* of a member */
	struct sg_json_node *next;    /* member */
	union {
		struct sg_json_node *first;  /* member of an object */
		struct sg_json_node **items; /* of an array */
		const char *text;            /* of a string */
		int64_t number;
	};
};

/* NULL: let jansson read it. Freed with the root. */
struct sg_json_node *sg_json_tree_read(const char *text, size_t length);
void sg_json_tree_free(struct sg_json_node *root);
const struct sg_json_node *sg_json_tree_get(const struct sg_json_node *object, const char *key);

#endif
