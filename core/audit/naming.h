/* naming.h - what a file is by its name, its first lines and what stands beside it; and what its migration is called. */
#ifndef SG_AUDIT_NAMING_H
#define SG_AUDIT_NAMING_H

#include "core/audit/layout.h"
#include "core/audit/versions.h"

#define SG_NAMING_HEAD ((size_t)64 << 10) /* bytes of a file that are looked at */

enum sg_role {
	SG_ROLE_OTHER,     /* no .sql file */
	SG_ROLE_DOWN,      /* by its name */
	SG_ROLE_FLYWAY,
	SG_ROLE_UP,        /* x.up.sql */
	SG_ROLE_FOLDER_UP, /* up.sql: its folder is the migration */
	SG_ROLE_PRISMA,    /* migration.sql, likewise */
	SG_ROLE_MARKED,    /* goose, dbmate */
	SG_ROLE_UNMARKED
};

struct sg_look {
	enum sg_role role;
	enum sg_audit_layout layout; /* MARKED; UNMARKED: SQLX if its first line says so */
	struct sg_flyway_name flyway;
};

struct sg_naming {
	struct sg_arena *arena;
	struct sg_errs *errs; /* a file beside a migration that cannot be read is told here */
	char *head;           /* SG_NAMING_HEAD bytes, for the beginning of a file */
};

/* By its name; where that does not tell, the file is opened. name: the last part of path. */
struct sg_look sg_naming_look(struct sg_naming *naming, const char *path, const char *name);
/* The folder's own name, without slashes at its end; "." and ".." as they are really called. */
const char *sg_naming_folder(const char *path, struct sg_arena *arena);
/* The last part. */
const char *sg_naming_last(const char *path);
bool sg_naming_ends(const char *name, const char *end);
/* A Rust project is above the folder's files, or sqlx's own folder: then x.up.sql is sqlx's. */
bool sg_naming_is_rust(const char *folder, struct sg_arena *arena);
/* Is there such a file, seen from the folder ("../Cargo.toml")? */
bool sg_naming_exists(const char *folder, const char *name, struct sg_arena *arena);

/* The migration of a file, for layouts that go by the file's name; by its folder's (diesel with metadata.toml, Prisma); for Flyway
 * (with NAME.sql.conf). */
struct sg_audit_file sg_naming_by_file(struct sg_naming *naming, const char *path, const char *name, enum sg_audit_layout layout);
struct sg_audit_file sg_naming_by_folder(struct sg_naming *naming, const char *path, const char *folder,
                                         enum sg_audit_layout layout);
struct sg_audit_file sg_naming_by_flyway(struct sg_naming *naming, const char *path, const char *name,
                                         const struct sg_flyway_name *flyway);

#endif
