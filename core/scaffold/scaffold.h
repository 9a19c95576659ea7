/* scaffold.h - new steps: files that are written once, ready to build, and belong to their author from then on.
 *
 * Nothing is ever overwritten: where a file is there already, or the manifest has a section of that name, nothing is written at all
 * and the error names what is in the way. Files are written beside their place and renamed; a folder that is missing is made. */
#ifndef SG_SCAFFOLD_H
#define SG_SCAFFOLD_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* A file to be written, or to be added to (the manifest: sections go to its end, the rest stays byte by byte). */
struct sg_scaffold_file {
	const char *path;
	const char *text;
	size_t length;
	bool append;
};

struct sg_scaffold {
	struct sg_scaffold_file *files;
	size_t count, capacity;
	const char **notes;    /* for people: what is left to do by hand, a line each */
	size_t note_count, note_capacity;
};

struct sg_scaffold_where {
	const char *folder;    /* of sources: "migrations", beside the manifest where there is one */
	const char *manifest;  /* or NULL: the section is only shown */
	const char *state_schema;
};

/* Adds source, manifest section and test of a migration (title may be NULL). SG_CLASS_USAGE for an id that cannot be one. */
SG_MUST_CHECK int sg_scaffold_migration(const struct sg_scaffold_where *where, const char *id, const char *title,
                                        struct sg_arena *arena, struct sg_scaffold *scaffold, struct sg_err *err);
/* The same of a backfill of that table and key ("id", or "tenant, id"); key NULL: SG_DRAIN. migration: which it comes after, or NULL. */
SG_MUST_CHECK int sg_scaffold_backfill(const struct sg_scaffold_where *where, const char *name, const char *table,
                                       const char *key, const char *migration, struct sg_arena *arena,
                                       struct sg_scaffold *scaffold, struct sg_err *err);
/* For those who make steps of their own: a file, a note. Texts live in the arena. */
void sg_scaffold_add(struct sg_scaffold *scaffold, struct sg_arena *arena, const char *path, const char *text, bool append);
void sg_scaffold_note(struct sg_scaffold *scaffold, struct sg_arena *arena, const char *note);
/* Writes all of it, or nothing. SG_CLASS_USAGE: a file is there; SG_CLASS_MANIFEST: it cannot be written. */
SG_MUST_CHECK int sg_scaffold_write(const struct sg_scaffold *scaffold, struct sg_err *err);

#endif
