/* embedded_once.c - folders of embedded servers for a single use: made, told apart from left-overs, removed.
 *
 * Each holds a file `once` that is locked while its process lives: the kernel's lock dies with it, so a folder whose
 * lock can be had is a left-over. Whoever removes one holds that lock; and whoever has just made one looks, once it has
 * the lock, whether its file is still there. Only folders of our own user are looked at. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/db/embedded_parts.h"

#define PREFIX "sgrun-r-"
#define LOCK "once"
#define OLD_S 3600 /* one without a lock is being made, or its maker died at it */

/* TMPDIR, where its path leaves room for what PostgreSQL makes in it. */
static const char *temporary(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp != NULL && tmp[0] == '/' && strlen(tmp) <= 60 && strpbrk(tmp, "'\\,\n") == NULL ? tmp : "/tmp";
}

/* ---- removing ------------------------------------------------------------------ */

static void remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, LOCK) != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	/* the last, so that what could not be removed is found again */
	if (dir != NULL) {
		(void)unlinkat(dirfd(dir), LOCK, 0);
		(void)closedir(dir);
	}
	if (rmdir(folder) != 0 && errno != ENOENT)
		sg_log(SG_LOG_WARNING, "embedded", NULL, 0, "cannot remove %s: %s", folder, strerror(errno));
}

void sg_once_remove(const char *folder)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	struct sg_postmaster postmaster;
	struct sg_home home;

	if (sg_home_choose(folder, &arena, &home, &err) == 0) {
		home.once = true;
		sg_postmaster_look(&home, &postmaster);
		sg_postmaster_stop(&home, &postmaster);
		if (sg_home_remove_data(&home, &err) != 0)
			sg_log_err(SG_LOG_WARNING, "embedded", 0, &err);
		if (strcmp(home.path, folder) != 0)
			remove_files(home.path);
	} else {
		sg_log_err(SG_LOG_WARNING, "embedded", 0, &err);
	}
	remove_files(folder);
	sg_err_release(&err);
	sg_arena_release(&arena);
}

/* ---- left-overs ---------------------------------------------------------------- */

static void look_at(const char *folder)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct stat st;
	int fd = -1;

	if (lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0) {
		fd = open(sg_arena_printf(&arena, "%s/" LOCK, folder), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 ? flock(fd, LOCK_EX | LOCK_NB) == 0 : errno == ENOENT && time(NULL) - st.st_mtime > OLD_S) {
			sg_log(SG_LOG_INFO, "embedded", NULL, 0, "removing %s, which a process that was killed left", folder);
			sg_once_remove(folder);
		}
	}
	if (fd >= 0)
		(void)close(fd);
	sg_arena_release(&arena);
}

static void sweep(const char *tmp)
{
	struct sg_arena arena = SG_ARENA_INIT;
	DIR *dir = opendir(tmp);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (sg_text_prefix(entry->d_name, PREFIX))
			look_at(sg_arena_printf(&arena, "%s/%s", tmp, entry->d_name));
	if (dir != NULL)
		(void)closedir(dir);
	sg_arena_release(&arena);
}

/* ---- making -------------------------------------------------------------------- */

/* Ours, unless somebody took it for a left-over before we had the lock. */
static bool claim(const char *folder, int *lock_r)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *path = sg_arena_printf(&arena, "%s/" LOCK, folder);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	bool good = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && lstat(path, &st) == 0;

	if (!good && fd >= 0)
		(void)close(fd);
	*lock_r = good ? fd : -1;
	sg_arena_release(&arena);
	return good;
}

int sg_once_make(struct sg_arena *arena, const char **folder_r, int *lock_r, struct sg_err *err)
{
	/* root's server runs as another user, who has to pass */
	mode_t mode = geteuid() == 0 ? 0711 : 0700;
	const char *tmp = temporary(), *folder;
	int why = 0;

	sweep(tmp);
	for (int attempt = 0; attempt < 8; attempt++) {
		folder = sg_arena_printf(arena, "%s/" PREFIX "%07x", tmp, sg_random(0xFFFFFFF));
		if (mkdir(folder, mode) != 0) {
			why = errno;
			continue;
		}
		if (chmod(folder, mode) == 0 && claim(folder, lock_r)) {
			*folder_r = folder;
			return 0;
		}
		why = errno;
		(void)rmdir(folder);
	}
	sg_err_set(err, SG_CLASS_STATE, "no folder for a private server can be made in %s: %s", tmp, strerror(why));
	return sg_err_hint(err, "Let TMPDIR name a folder that you can write to.");
}
