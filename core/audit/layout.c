/* layout.c - see layout.h. A folder is looked at as a whole: what one of its files is says what the others are. */
#include "config.h"
#include "core/audit/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/audit/bytes.h"
#include "core/audit/flyway.h"
#include "core/audit/folder.h"
#include "core/audit/naming.h"
#include "core/audit/sqitch.h"

#define MAX_DEPTH 64

struct facts {
	bool folder_up, flyway, dbmate, up, sqlx, prisma;
};

struct walk {
	struct sg_arena *arena;
	struct sg_audit_files *files;
	struct sg_errs *errs;
	struct sg_flyway flyway;
	const char **owned; /* folders of sqitch projects, which were looked at already */
	size_t owned_count, owned_capacity;
	struct sg_naming naming;
};

const char *sg_audit_layout_name(enum sg_audit_layout layout)
{
	static const char *const names[] = { "plain", "flyway", "goose", "dbmate", "golang-migrate",
		                             "diesel", "sqlx",  "prisma", "sqitch", "manifest" };

	return names[layout];
}

void sg_audit_files_add(struct sg_audit_files *files, struct sg_arena *arena, const struct sg_audit_file *file)
{
	files->list = sg_arena_grow(arena, files->list, &files->capacity, files->count + 1, sizeof *files->list);
	files->list[files->count++] = *file;
}

static void tell(struct walk *walk, const char *path, const char *primary, const char *hint)
{
	struct sg_err *err = sg_errs_add(walk->errs);

	(void)sg_err_set(err, SG_CLASS_MANIFEST, "%s", primary);
	(void)sg_err_hint(err, "%s", hint);
	(void)sg_err_at(err, sg_bytes_shown(path, walk->arena), 0);
}

/* A FIFO, a socket, a device. */
static void tell_odd(struct walk *walk, const char *path, const char *hint)
{
	struct stat status;
	const char *kind = stat(path, &status) == 0 ? sg_bytes_kind(status.st_mode) : "gone";

	tell(walk, path, sg_arena_printf(walk->arena, "this is %s, and is not read", kind), hint);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- order ---------------------------------------------------------------------------------------- */

static bool by_bytes(enum sg_audit_layout layout)
{
	return layout == SG_LAYOUT_DBMATE || layout == SG_LAYOUT_DIESEL || layout == SG_LAYOUT_PRISMA;
}

static const char *own_name(const struct sg_audit_file *file)
{
	const char *end = strrchr(file->path, '/'), *start = end;

	if (end == NULL || (file->layout != SG_LAYOUT_DIESEL && file->layout != SG_LAYOUT_PRISMA))
		return sg_naming_last(file->path);
	while (start > file->path && start[-1] != '/')
		start--;
	return start;
}

static int compare(const void *x, const void *y)
{
	const struct sg_audit_file *a = x, *b = y;
	int order = by_bytes(a->layout) ? 0 : sg_natural_compare(own_name(a), own_name(b));

	/* diesel goes by version, and the number of a goose file is all that counts: names as a whole do both */
	return order != 0 ? order : strcmp(own_name(a), own_name(b));
}

/* Some tools order names as bytes, which differs from their natural order where numbers are of different lengths. */
static void reorder(struct walk *walk, size_t begin)
{
	struct sg_audit_file *list = walk->files->list + begin;
	size_t count = walk->files->count - begin;

	for (size_t i = 0; i < count; i++)
		if (!by_bytes(list[i].layout) || list[i].layout != list[0].layout)
			return;
	if (count > 1)
		qsort(list, count, sizeof *list, compare);
}

/* ---- folders ------------------------------------------------------------------------------------------ */

static void take_file(struct walk *walk, const struct sg_folder *folder, const char *name, const struct sg_look *look,
                      const struct facts *facts, size_t location)
{
	const char *path = sg_folder_join(folder->path, name, walk->arena);
	struct sg_audit_file file;

	switch (look->role) {
	case SG_ROLE_OTHER:
		walk->files->other++;
		return;
	case SG_ROLE_DOWN:
		walk->files->down++;
		return;
	case SG_ROLE_FLYWAY:
		file = sg_naming_by_flyway(&walk->naming, path, name, &look->flyway);
		sg_flyway_add(&walk->flyway, walk->arena, &look->flyway, &file, location);
		return;
	case SG_ROLE_UP:
		file = sg_naming_by_file(&walk->naming, path, name, facts->sqlx ? SG_LAYOUT_SQLX : SG_LAYOUT_GOLANG_MIGRATE);
		break;
	case SG_ROLE_FOLDER_UP:
		file = sg_naming_by_folder(&walk->naming, path, folder->path, SG_LAYOUT_DIESEL);
		break;
	case SG_ROLE_PRISMA:
		if (facts->prisma)
			file = sg_naming_by_folder(&walk->naming, path, folder->path, SG_LAYOUT_PRISMA);
		else
			file = sg_naming_by_file(&walk->naming, path, name, SG_LAYOUT_PLAIN);
		break;
	case SG_ROLE_MARKED:
		file = sg_naming_by_file(&walk->naming, path, name, look->layout);
		break;
	case SG_ROLE_UNMARKED:
		if (facts->sqlx && is_digit(name[0])) {
			file = sg_naming_by_file(&walk->naming, path, name, SG_LAYOUT_SQLX);
			break;
		}
		if (facts->folder_up || facts->flyway || facts->up || facts->sqlx ||
		    (facts->dbmate && (!is_digit(name[0]) || strcmp(name, "schema.sql") == 0))) {
			walk->files->other++;
			return;
		}
		file = sg_naming_by_file(&walk->naming, path, name, SG_LAYOUT_PLAIN);
		break;
	}
	sg_audit_files_add(walk->files, walk->arena, &file);
}

static struct facts learn(struct walk *walk, const struct sg_folder *folder, const struct sg_look *looks, bool locked)
{
	struct facts facts = { .prisma = locked || is_digit(sg_naming_folder(folder->path, walk->arena)[0]) };
	bool unmarked = false;

	for (size_t i = 0; i < folder->count; i++) {
		facts.folder_up = facts.folder_up || looks[i].role == SG_ROLE_FOLDER_UP;
		facts.flyway = facts.flyway || looks[i].role == SG_ROLE_FLYWAY;
		facts.up = facts.up || looks[i].role == SG_ROLE_UP;
		facts.dbmate = facts.dbmate || (looks[i].role == SG_ROLE_MARKED && looks[i].layout == SG_LAYOUT_DBMATE);
		facts.sqlx = facts.sqlx || (looks[i].role == SG_ROLE_UNMARKED && looks[i].layout == SG_LAYOUT_SQLX);
		unmarked = unmarked || (looks[i].role == SG_ROLE_UNMARKED && is_digit(folder->list[i].name[0]));
	}
	if (!facts.sqlx && (facts.up || unmarked) && !facts.flyway && !facts.dbmate)
		facts.sqlx = sg_naming_is_rust(folder->path, walk->arena);
	return facts;
}

static int walk_folder(struct walk *walk, const char *path, int depth, bool locked);

static bool is_owned(const struct walk *walk, const char *path)
{
	for (size_t i = 0; i < walk->owned_count; i++)
		if (strcmp(walk->owned[i], path) == 0)
			return true;
	return false;
}

static void take_project(struct walk *walk, const struct sg_folder *folder)
{
	struct sg_sqitch_folders folders;

	sg_sqitch_find(folder, walk->arena, walk->files, walk->errs, &folders);
	walk->owned = sg_arena_grow(walk->arena, walk->owned, &walk->owned_capacity, walk->owned_count + 3, sizeof *walk->owned);
	walk->owned[walk->owned_count++] = folders.deploy;
	walk->owned[walk->owned_count++] = folders.revert;
	walk->owned[walk->owned_count++] = folders.verify;
}

/* What is no regular file: folders are entered, the rest is told if its name is one of SQL. */
static void take_entry(struct walk *walk, const struct sg_folder *folder, const struct sg_entry *entry, int depth, bool locked)
{
	const char *path = sg_folder_join(folder->path, entry->name, walk->arena);

	if (entry->kind == SG_ENTRY_LINK) {
		tell(walk, path, "a symbolic link to a folder is not followed", "Name the folder itself if it holds migrations.");
	} else if (entry->kind == SG_ENTRY_FOLDER) {
		if (strcmp(entry->name, "node_modules") == 0)
			walk->files->other++;
		else if (is_owned(walk, path))
			return;
		else if (depth >= MAX_DEPTH)
			tell(walk, path, "folders are nested too deeply to go on", "Name the folder with the migrations itself.");
		else
			(void)walk_folder(walk, path, depth + 1, locked);
	} else if (!sg_naming_ends(entry->name, ".sql")) {
		walk->files->other++;
	} else if (entry->kind == SG_ENTRY_BROKEN) {
		tell(walk, path, "a symbolic link that leads to no file", "Mend it, or take it away.");
	} else {
		tell_odd(walk, path, "Put a file in its place, or take it away.");
	}
}

/* schema.sql beside dbmate's folder is what dbmate writes. */
static void drop_dump(struct walk *walk, size_t begin, size_t dump)
{
	bool dbmate = false;

	for (size_t i = begin; i < walk->files->count; i++)
		dbmate = dbmate || walk->files->list[i].layout == SG_LAYOUT_DBMATE;
	if (!dbmate || walk->files->list[dump].layout != SG_LAYOUT_PLAIN)
		return;
	memmove(walk->files->list + dump, walk->files->list + dump + 1, (walk->files->count - dump - 1) * sizeof *walk->files->list);
	walk->files->count--;
	walk->files->other++;
}

static int walk_folder(struct walk *walk, const char *path, int depth, bool locked)
{
	size_t begin = walk->files->count, flyway = walk->flyway.count, dump = SIZE_MAX, location;
	struct sg_err err = SG_ERR_INIT;
	struct sg_folder folder;
	struct facts facts;
	struct sg_look *looks;
	bool lock;

	if (sg_folder_read(path, walk->arena, &folder, &err) != 0) {
		sg_err_move(sg_errs_add(walk->errs), &err);
		return -1;
	}
	walk->files->other += folder.hidden;
	location = walk->flyway.locations++;
	looks = sg_arena_array(walk->arena, folder.count + 1, sizeof *looks);
	for (size_t i = 0; i < folder.count; i++)
		if (folder.list[i].kind == SG_ENTRY_FILE)
			looks[i] = sg_naming_look(&walk->naming, sg_folder_join(path, folder.list[i].name, walk->arena), folder.list[i].name);
	facts = learn(walk, &folder, looks, locked);
	lock = sg_folder_find(&folder, "migration_lock.toml") != NULL;
	if (sg_folder_find(&folder, SG_SQITCH_PLAN) != NULL)
		take_project(walk, &folder);
	for (size_t i = 0; i < folder.count; i++) {
		const struct sg_entry *entry = &folder.list[i];

		if (strcmp(entry->name, "schema.sql") == 0)
			dump = walk->files->count;
		if (entry->kind == SG_ENTRY_FILE)
			take_file(walk, &folder, entry->name, &looks[i], &facts, location);
		else
			take_entry(walk, &folder, entry, depth, lock);
	}
	if (dump < walk->files->count && strcmp(sg_naming_last(walk->files->list[dump].path), "schema.sql") == 0)
		drop_dump(walk, begin, dump);
	reorder(walk, begin);
	sg_flyway_close(&walk->flyway, flyway, location, walk->arena, walk->files);
	return 0;
}

/* ---- a file that is named -------------------------------------------------------------------------------- */

static size_t folder_length(const char *path)
{
	return (size_t)(sg_naming_last(path) - path);
}

/* Flyway's versions and other numbers, for files that were named one by one; what has no number stays where it was named. */
static int compare_named(const struct sg_audit_file *a, const struct sg_audit_file *b, struct sg_arena *arena)
{
	struct sg_flyway_name x, y;

	if (a->layout != SG_LAYOUT_FLYWAY || b->layout != SG_LAYOUT_FLYWAY)
		return is_digit(own_name(a)[0]) && is_digit(own_name(b)[0]) ? compare(a, b) : 0;
	sg_flyway_name(sg_naming_last(a->path), arena, &x);
	sg_flyway_name(sg_naming_last(b->path), arena, &y);
	if ((x.kind == 'R') != (y.kind == 'R'))
		return x.kind == 'R' ? 1 : -1;
	return x.kind == 'R' ? strcmp(x.title, y.title) : sg_version_compare(x.version, y.version);
}

static void insert_named(struct walk *walk, const struct sg_audit_file *file)
{
	struct sg_audit_files *files = walk->files;
	struct sg_arena arena = SG_ARENA_INIT;
	size_t at, length = folder_length(file->path);

	sg_audit_files_add(files, walk->arena, file);
	for (at = files->count - 1; at > 0; at--) {
		const struct sg_audit_file *before = &files->list[at - 1];

		if (folder_length(before->path) != length || memcmp(before->path, file->path, length) != 0 ||
		    compare_named(file, before, &arena) >= 0)
			break;
	}
	memmove(files->list + at + 1, files->list + at, (files->count - 1 - at) * sizeof *files->list);
	files->list[at] = *file;
	sg_arena_release(&arena);
}

static void take_named(struct walk *walk, const char *path)
{
	const char *name = sg_naming_last(path);
	const char *parent = name == path ? "." : sg_arena_strndup(walk->arena, path, folder_length(path));
	struct sg_look look = sg_naming_look(&walk->naming, path, name);
	struct sg_audit_file file;
	bool planned;

	if (look.role == SG_ROLE_DOWN) {
		walk->files->down++;
		return;
	}
	planned = strcmp(sg_naming_folder(parent, walk->arena), "deploy") == 0 && sg_naming_exists(parent, "../" SG_SQITCH_PLAN, walk->arena);
	if (planned) {
		file = sg_naming_by_file(&walk->naming, path, name, SG_LAYOUT_PLAIN);
		file.layout = SG_LAYOUT_SQITCH;
		file.transaction = false;
	} else if (look.role == SG_ROLE_FLYWAY) {
		file = sg_naming_by_flyway(&walk->naming, path, name, &look.flyway);
	} else if (look.role == SG_ROLE_FOLDER_UP) {
		file = sg_naming_by_folder(&walk->naming, path, parent, SG_LAYOUT_DIESEL);
	} else if (look.role == SG_ROLE_PRISMA && (is_digit(sg_naming_folder(parent, walk->arena)[0]) ||
	                                        sg_naming_exists(parent, "../migration_lock.toml", walk->arena))) {
		file = sg_naming_by_folder(&walk->naming, path, parent, SG_LAYOUT_PRISMA);
	} else if (look.role == SG_ROLE_UP || (look.role == SG_ROLE_UNMARKED && is_digit(name[0]))) {
		bool sqlx = look.layout == SG_LAYOUT_SQLX || sg_naming_is_rust(parent, walk->arena);

		file = sg_naming_by_file(&walk->naming, path, name,
		               sqlx                      ? SG_LAYOUT_SQLX
		               : look.role == SG_ROLE_UP ? SG_LAYOUT_GOLANG_MIGRATE
		                                      : SG_LAYOUT_PLAIN);
	} else {
		file = sg_naming_by_file(&walk->naming, path, name, look.role == SG_ROLE_UNMARKED || look.role == SG_ROLE_MARKED ? look.layout : SG_LAYOUT_PLAIN);
	}
	insert_named(walk, &file);
}

int sg_audit_files_find(const char *path, struct sg_arena *arena, struct sg_audit_files *files, struct sg_errs *errs)
{
	struct walk walk = { .arena = arena, .files = files, .errs = errs };
	struct stat status;
	const char *copy = sg_arena_strdup(arena, path);
	int result = 0;

	if (stat(path, &status) != 0) {
		struct sg_err *err = sg_errs_add(errs);

		(void)sg_err_set(err, SG_CLASS_MANIFEST, "cannot be read: %s", strerror(errno));
		(void)sg_err_hint(err, "Check the path.");
		return sg_err_at(err, sg_bytes_shown(copy, arena), 0);
	}
	walk.naming = (struct sg_naming){ .arena = arena, .errs = errs, .head = sg_xmalloc(SG_NAMING_HEAD) };
	if (S_ISDIR(status.st_mode)) {
		result = walk_folder(&walk, copy, 0, false);
		sg_flyway_end(&walk.flyway, arena, files);
	} else if (S_ISREG(status.st_mode)) {
		take_named(&walk, copy);
	} else {
		tell_odd(&walk, copy, "Name a file or a folder.");
		result = -1;
	}
	free(walk.naming.head);
	return result;
}
