/* section.h - a section [index NAME] taken apart, whichever way it is written: by keys, or as the statement `sql`. Each part is
 * judged for itself; that they make what was meant is judged in definition.c, the only one to include this. Pure. */
#ifndef SG_INDEX_SECTION_H
#define SG_INDEX_SECTION_H

#include "core/index/definition.h"
#include "core/index/judge.h"

struct sg_index_section {
	struct sg_index_piece columns, opclass, include, with, where;
	struct sg_index_elements elements;
	const char *tablespace;
	bool nulls_not_distinct;
	const struct sg_json *whole; /* `sql`: what the section's own statement is */
};

/* Sets schema, table and relation of the definition, and method and unique of the reading. What is wrong is told; false: so wrong that
 * nothing can be said of the rest. Texts are in the reading's arena. */
bool sg_index_section_read(struct sg_index_reading *reading, struct sg_index_section *section_r,
                           struct sg_index_definition *definition);

#endif
