/* flyway.h - Flyway's files of a tree, in the order in which Flyway runs them.
 *
 * A location of Flyway's is searched with all folders below it, and its versions are ordered as one: what lies in sibling folders
 * belongs together. Where a version is there twice (folders by database, or several services under one roof), each folder is a
 * location of its own. Baselines (B) are for empty databases only: they are passed over if there is a version that they replace. */
#ifndef SG_AUDIT_FLYWAY_H
#define SG_AUDIT_FLYWAY_H

#include "core/audit/layout.h"
#include "core/audit/versions.h"

struct sg_flyway_file {
	struct sg_flyway_name name;
	struct sg_audit_file file;
	size_t location;
};

struct sg_flyway {
	struct sg_flyway_file *list;
	size_t count, capacity;
	size_t locations; /* counts them */
};

void sg_flyway_add(struct sg_flyway *flyway, struct sg_arena *arena, const struct sg_flyway_name *name,
                   const struct sg_audit_file *file, size_t location);
/* A folder is done: what was added since (begin: the count before it) is one location now, if no version is there twice; else its
 * locations are added to files. */
void sg_flyway_close(struct sg_flyway *flyway, size_t begin, size_t location, struct sg_arena *arena, struct sg_audit_files *files);
/* Adds what is left to files. */
void sg_flyway_end(struct sg_flyway *flyway, struct sg_arena *arena, struct sg_audit_files *files);

#endif
