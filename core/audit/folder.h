/* folder.h - the names in a folder, and what each is. */
#ifndef SG_AUDIT_FOLDER_H
#define SG_AUDIT_FOLDER_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum sg_entry_kind {
	SG_ENTRY_FILE,   /* or a symbolic link to one */
	SG_ENTRY_FOLDER,
	SG_ENTRY_LINK,   /* a symbolic link to a folder */
	SG_ENTRY_BROKEN, /* a symbolic link that leads nowhere, or in a circle; or it cannot be looked at */
	SG_ENTRY_ODD     /* a FIFO, a socket, a device */
};

struct sg_entry {
	const char *name;
	enum sg_entry_kind kind;
};

struct sg_folder {
	const char *path;
	struct sg_entry *list; /* in natural order of the names; without those that begin with a dot */
	size_t count, capacity;
	size_t hidden;         /* files whose names begin with a dot */
};

/* -1: it cannot be read; err is SG_CLASS_MANIFEST, with the path as file. */
SG_MUST_CHECK int sg_folder_read(const char *path, struct sg_arena *arena, struct sg_folder *folder_r, struct sg_err *err);
/* The entry of that name, or NULL. */
const struct sg_entry *sg_folder_find(const struct sg_folder *folder, const char *name);
/* "path/name" */
const char *sg_folder_join(const char *path, const char *name, struct sg_arena *arena);

#endif
