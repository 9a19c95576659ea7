/* naming.c - see naming.h. */
#include "config.h"
#include "core/audit/naming.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit/bytes.h"
#include "core/audit/folder.h"
#include "core/audit/marks.h"

#define SIDE_LIMIT ((size_t)64 << 10) /* of metadata.toml and the like */

/* ---- names ------------------------------------------------------------------------- */

bool sg_naming_ends(const char *name, const char *end)
{
	size_t length = strlen(name), size = strlen(end);

	return length >= size && strcmp(name + length - size, end) == 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *sg_naming_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

const char *sg_naming_folder(const char *path, struct sg_arena *arena)
{
	size_t length = strlen(path);
	const char *name;

	while (length > 1 && path[length - 1] == '/')
		length--;
	name = sg_naming_last(sg_arena_strndup(arena, path, length));
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		char *real = realpath(path, NULL);

		name = real != NULL ? sg_naming_last(sg_arena_strdup(arena, real)) : name;
		free(real);
	}
	return name;
}

struct sg_look sg_naming_look(struct sg_naming *naming, const char *path, const char *name)
{
	struct sg_look look = { .role = SG_ROLE_OTHER };
	size_t length;

	if (!sg_naming_ends(name, ".sql"))
		return look;
	if (strcmp(name, "up.sql") == 0 || strcmp(name, "migration.sql") == 0) {
		look.role = name[0] == 'u' ? SG_ROLE_FOLDER_UP : SG_ROLE_PRISMA;
		return look;
	}
	if (strcmp(name, "down.sql") == 0 || sg_naming_ends(name, ".down.sql")) {
		look.role = SG_ROLE_DOWN;
		return look;
	}
	if (sg_naming_ends(name, ".up.sql")) {
		look.role = SG_ROLE_UP;
		return look;
	}
	sg_flyway_name(name, naming->arena, &look.flyway);
	if (look.flyway.kind != 0) {
		look.role = look.flyway.kind == 'U' ? SG_ROLE_DOWN : SG_ROLE_FLYWAY;
		return look;
	}
	look.role = SG_ROLE_UNMARKED;
	if (sg_bytes_head(path, naming->head, SG_NAMING_HEAD, &length) == 0)
		look.layout = sg_marks_layout(naming->head, length);
	if (look.layout == SG_LAYOUT_GOOSE || look.layout == SG_LAYOUT_DBMATE)
		look.role = SG_ROLE_MARKED;
	return look;
}

/* ---- what stands beside ------------------------------------------------------------------ */

/* Is there a line `key = false`, but for blanks? */
static bool says_false(struct sg_naming *naming, const char *path, const char *key)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	size_t length, size = strlen(key);
	bool found = false;
	char *text;

	if (access(path, F_OK) != 0)
		return false;
	if (sg_bytes_read(path, SIDE_LIMIT, &arena, &text, &length, &err) != 0) {
		sg_err_move(sg_errs_add(naming->errs), &err);
		sg_arena_release(&arena);
		return false;
	}
	for (char *line = text, *next = NULL; line != NULL && !found; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			next++;
		line += strspn(line, " \t");
		if (strncmp(line, key, size) != 0)
			continue;
		line += size + strspn(line + size, " \t");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t");
		found = strncmp(line, "false", 5) == 0 && strchr(" \t\r\n#", line[5]) != NULL;
	}
	sg_arena_release(&arena);
	return found;
}

bool sg_naming_exists(const char *folder, const char *name, struct sg_arena *arena)
{
	return access(sg_folder_join(folder, name, arena), F_OK) == 0;
}

bool sg_naming_is_rust(const char *folder, struct sg_arena *arena)
{
	static const char *const signs[] = { "../Cargo.toml", "../sqlx.toml", "../.sqlx", "../../Cargo.toml" };

	for (size_t i = 0; i < SG_COUNT(signs); i++)
		if (sg_naming_exists(folder, signs[i], arena))
			return true;
	return false;
}

/* ---- migrations ------------------------------------------------------------------------------ */

static const char *shown(struct sg_naming *naming, const char *text)
{
	return text != NULL ? sg_bytes_shown(text, naming->arena) : NULL;
}

static const char *without(struct sg_naming *naming, const char *name, const char *end)
{
	return sg_arena_strndup(naming->arena, name, strlen(name) - (sg_naming_ends(name, end) ? strlen(end) : 0));
}

/* A file whose name begins with a number, or any other: the layouts that go by the file's name. */
struct sg_audit_file sg_naming_by_file(struct sg_naming *naming, const char *path, const char *name, enum sg_audit_layout layout)
{
	struct sg_arena *arena = naming->arena;
	const char *stem = without(naming, name, layout != SG_LAYOUT_PLAIN && sg_naming_ends(name, ".up.sql") ? ".up.sql" : ".sql"), *id = NULL;

	if (layout == SG_LAYOUT_DBMATE && is_digit(stem[0]))
		id = sg_arena_strndup(arena, stem, strspn(stem, "0123456789"));
	else if (layout != SG_LAYOUT_PLAIN)
		id = sg_name_number(stem, arena);
	return (struct sg_audit_file){ .path = path,
		                       .id = shown(naming, id != NULL ? id : stem),
		                       .title = shown(naming, sg_name_title(stem, strlen(stem), arena)),
		                       .layout = layout,
		                       .transaction = true };
}

/* Its folder's name is its own. */
struct sg_audit_file sg_naming_by_folder(struct sg_naming *naming, const char *path, const char *folder, enum sg_audit_layout layout)
{
	const char *name = sg_naming_folder(folder, naming->arena), *id = name;
	bool diesel = layout == SG_LAYOUT_DIESEL;

	if (diesel && is_digit(name[0])) {
		/* diesel's version: up to the first underscore, without dashes */
		char *version = sg_arena_strndup(naming->arena, name, strcspn(name, "_"));
		size_t to = 0;

		for (const char *at = version; *at != '\0'; at++)
			if (*at != '-')
				version[to++] = *at;
		version[to] = '\0';
		id = version;
	}
	return (struct sg_audit_file){ .path = path,
		                       .id = shown(naming, id),
		                       .title = shown(naming, sg_name_title(name, strlen(name), naming->arena)),
		                       .layout = layout,
		                       .transaction = !diesel || !says_false(naming, sg_folder_join(folder, "metadata.toml", naming->arena),
		                                                             "run_in_transaction") };
}

struct sg_audit_file sg_naming_by_flyway(struct sg_naming *naming, const char *path, const char *name, const struct sg_flyway_name *flyway)
{
	return (struct sg_audit_file){
		.path = path,
		.id = flyway->version != NULL ? flyway->version : shown(naming, without(naming, name, ".sql")),
		.title = shown(naming, flyway->title != NULL && flyway->title[0] != '\0' ? flyway->title : NULL),
		.layout = SG_LAYOUT_FLYWAY,
		.transaction = !says_false(naming, sg_arena_printf(naming->arena, "%s.conf", path), "executeInTransaction")
	};
}
