/* flyway.c - see flyway.h. */
#include "config.h"
#include "core/audit/flyway.h"

#include <stdlib.h>
#include <string.h>

void sg_flyway_add(struct sg_flyway *flyway, struct sg_arena *arena, const struct sg_flyway_name *name,
                   const struct sg_audit_file *file, size_t location)
{
	flyway->list = sg_arena_grow(arena, flyway->list, &flyway->capacity, flyway->count + 1, sizeof *flyway->list);
	flyway->list[flyway->count++] = (struct sg_flyway_file){ .name = *name, .file = *file, .location = location };
}

static int compare_names(const struct sg_flyway_name *a, const struct sg_flyway_name *b)
{
	if ((a->kind == 'R') != (b->kind == 'R'))
		return a->kind == 'R' ? 1 : -1;
	if (a->kind == 'R')
		return strcmp(a->title, b->title);
	return sg_version_compare(a->version, b->version);
}

static int compare_tie(const struct sg_flyway_file *a, const struct sg_flyway_file *b)
{
	if (a->name.kind != b->name.kind)
		return a->name.kind < b->name.kind ? -1 : 1;
	return strcmp(a->file.path, b->file.path);
}

static int compare(const void *x, const void *y)
{
	const struct sg_flyway_file *a = x, *b = y;
	int order = compare_names(&a->name, &b->name);

	return order != 0 ? order : compare_tie(a, b);
}

static int compare_locations(const void *x, const void *y)
{
	const struct sg_flyway_file *a = x, *b = y;

	if (a->location != b->location)
		return a->location < b->location ? -1 : 1;
	return compare(x, y);
}

/* In order. */
static void add(struct sg_audit_files *files, struct sg_arena *arena, const struct sg_flyway_file *list, size_t count)
{
	const char *least = NULL;

	for (size_t i = 0; i < count && least == NULL; i++)
		if (list[i].name.kind == 'V')
			least = list[i].name.version;
	for (size_t i = 0; i < count; i++) {
		if (list[i].name.kind == 'B' && least != NULL && sg_version_compare(least, list[i].name.version) <= 0)
			files->other++;
		else
			sg_audit_files_add(files, arena, &list[i].file);
	}
}

static void add_locations(struct sg_flyway *flyway, size_t begin, struct sg_arena *arena, struct sg_audit_files *files)
{
	if (flyway->count > begin)
		qsort(flyway->list + begin, flyway->count - begin, sizeof *flyway->list, compare_locations);
	for (size_t from = begin, to; from < flyway->count; from = to) {
		for (to = from + 1; to < flyway->count && flyway->list[to].location == flyway->list[from].location;)
			to++;
		add(files, arena, flyway->list + from, to - from);
	}
	flyway->count = begin;
}

void sg_flyway_close(struct sg_flyway *flyway, size_t begin, size_t location, struct sg_arena *arena, struct sg_audit_files *files)
{
	struct sg_flyway_file *list = flyway->list + begin;
	size_t count = flyway->count - begin;
	bool several = false;

	for (size_t i = 1; i < count && !several; i++)
		several = list[i].location != list[0].location;
	if (several) {
		qsort(list, count, sizeof *list, compare);
		for (size_t i = 1; i < count; i++)
			if (list[i - 1].location != list[i].location && list[i - 1].name.kind == list[i].name.kind &&
			    compare_names(&list[i - 1].name, &list[i].name) == 0) {
				add_locations(flyway, begin, arena, files);
				return;
			}
	}
	for (size_t i = 0; i < count; i++)
		list[i].location = location;
}

void sg_flyway_end(struct sg_flyway *flyway, struct sg_arena *arena, struct sg_audit_files *files)
{
	add_locations(flyway, 0, arena, files);
}
