/* layout.h - which files of the given files and folders are migrations, by which tool's layout, in which order.
 *
 * Only names and, where names do not tell (goose, dbmate), the first 64 KiB of a file are looked at. Symbolic links to
 * folders are not followed (a loop would have no end), links to files are. Whatever cannot be read is an error in errs, with
 * the path, and the rest goes on. */
#ifndef SG_AUDIT_LAYOUT_H
#define SG_AUDIT_LAYOUT_H

#include "core/audit/migration.h"

struct sg_audit_file {
	const char *path;      /* to open it by */
	const char *id, *title;
	enum sg_audit_layout layout;
	bool transaction;      /* by the layout's default and what stands beside the file (metadata.toml, NAME.sql.conf) */
};

struct sg_audit_files {
	struct sg_audit_file *list; /* in the order in which they would run */
	size_t count, capacity;
	size_t down, other;    /* files passed over: parts that go down; what is no migration (not .sql, verify/, …) */
};

/* Adds what is under path: a file is a migration whatever it is called, unless its name says that it goes down (x.down.sql, U12__x.sql);
 * a folder is searched with all below it. A tree may hold several layouts, folder by folder. Numbered files of one folder that are given
 * one after the other (a shell's *.sql, which puts 10 before 2) are put in their order. Errors are SG_CLASS_MANIFEST with the path as
 * file. -1 only if path itself cannot be read. */
SG_MUST_CHECK int sg_audit_files_find(const char *path, struct sg_arena *arena, struct sg_audit_files *files,
                                      struct sg_errs *errs);
/* For those that find them: one more at the end. */
void sg_audit_files_add(struct sg_audit_files *files, struct sg_arena *arena, const struct sg_audit_file *file);

#endif
