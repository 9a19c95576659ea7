/* folder.c - see folder.h. */
#include "config.h"
#include "core/audit/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/audit/bytes.h"
#include "core/audit/versions.h"

static enum sg_entry_kind kind_of(int folder, const struct dirent *entry)
{
	struct stat status;
	bool link;

	if (entry->d_type == DT_REG)
		return SG_ENTRY_FILE;
	if (entry->d_type == DT_DIR)
		return SG_ENTRY_FOLDER;
	if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return SG_ENTRY_BROKEN;
	link = S_ISLNK(status.st_mode);
	if (link && fstatat(folder, entry->d_name, &status, 0) != 0)
		return SG_ENTRY_BROKEN;
	if (S_ISDIR(status.st_mode))
		return link ? SG_ENTRY_LINK : SG_ENTRY_FOLDER;
	return S_ISREG(status.st_mode) ? SG_ENTRY_FILE : SG_ENTRY_ODD;
}

static int compare(const void *a, const void *b)
{
	return sg_natural_compare(((const struct sg_entry *)a)->name, ((const struct sg_entry *)b)->name);
}

static int failed(const char *path, int cause, struct sg_arena *arena, struct sg_err *err)
{
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "the folder cannot be read: %s", strerror(cause));
	(void)sg_err_hint(err, cause == EACCES ? "Let the user who runs sgrun read the folder and enter it."
	                                       : "Check the path and the disk it is on.");
	return sg_err_at(err, sg_bytes_shown(path, arena), 0);
}

int sg_folder_read(const char *path, struct sg_arena *arena, struct sg_folder *folder_r, struct sg_err *err)
{
	DIR *stream = opendir(path);
	const struct dirent *entry;
	int cause;

	*folder_r = (struct sg_folder){ .path = path };
	if (stream == NULL)
		return failed(path, errno, arena, err);
	while (errno = 0, (entry = readdir(stream)) != NULL) {
		enum sg_entry_kind kind;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		kind = kind_of(dirfd(stream), entry);
		if (entry->d_name[0] == '.') {
			folder_r->hidden += kind == SG_ENTRY_FILE;
			continue;
		}
		folder_r->list = sg_arena_grow(arena, folder_r->list, &folder_r->capacity, folder_r->count + 1,
		                               sizeof *folder_r->list);
		folder_r->list[folder_r->count++] =
			(struct sg_entry){ .name = sg_arena_strdup(arena, entry->d_name), .kind = kind };
	}
	cause = errno;
	closedir(stream);
	if (cause != 0)
		return failed(path, cause, arena, err);
	if (folder_r->count > 0)
		qsort(folder_r->list, folder_r->count, sizeof *folder_r->list, compare);
	return 0;
}

const struct sg_entry *sg_folder_find(const struct sg_folder *folder, const char *name)
{
	struct sg_entry key = { .name = name };

	return folder->count > 0 ? bsearch(&key, folder->list, folder->count, sizeof *folder->list, compare) : NULL;
}

const char *sg_folder_join(const char *path, const char *name, struct sg_arena *arena)
{
	size_t length = strlen(path);

	return sg_arena_printf(arena, "%s%s%s", path, length > 0 && path[length - 1] == '/' ? "" : "/", name);
}
