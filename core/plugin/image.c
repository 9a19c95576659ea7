/* image.c - finds a plugin's file, decides whether it may be trusted, and
 * copies it into a sealed memfd.
 *
 * The order matters: the file is opened below its opened folder, both are
 * judged by their descriptors, and what is hashed is the copy, so that nobody
 * can put another file between the check and the use. */
#include "config.h"
#include "core/plugin/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"

#define SIZE_LIMIT ((off_t)256 << 20) /* larger than any plugin with debug information */

struct found {
	char *path;
	dev_t device;
	ino_t inode;
};

static void close_fd(void *what)
{
	close((int)(intptr_t)what);
}

static char *join(struct sg_arena *arena, const char *base, const char *path)
{
	return path[0] == '/' || base == NULL ? sg_arena_strdup(arena, path) : sg_arena_printf(arena, "%s/%s", base, path);
}

/* ---- finding ---------------------------------------------------------------- */

struct search {
	struct sg_arena *arena;
	struct found hits[2];
	size_t count;
	struct sg_buf tried; /* what was looked for, or kept us from looking; for people */
};

static void tell(struct search *search, const char *format, ...) SG_PRINTF(2, 3);

static void tell(struct search *search, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (search->tried.length > 0)
		sg_buf_addc(&search->tried, ' ');
	sg_buf_vaddf(&search->tried, format, args);
	va_end(args);
}

/* Notes the file if it is there; the same file under two names is one hit. */
static void look(struct search *search, const char *path)
{
	struct found *hits = search->hits;
	struct stat info;

	if (stat(path, &info) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			tell(search, "%s: %s.", path, strerror(errno));
		return;
	}
	if (search->count > 0 && hits[0].device == info.st_dev && hits[0].inode == info.st_ino)
		return;
	if (search->count < 2) {
		hits[search->count].path = sg_arena_strdup(search->arena, path);
		hits[search->count].device = info.st_dev;
		hits[search->count].inode = info.st_ino;
	}
	search->count++;
}

/* The same words for each plugin that is not there, so that they are said once for all of them. */
static void look_in(struct search *search, const char *folder, const char *file)
{
	struct stat info;

	look(search, sg_arena_printf(search->arena, "%s/%s", folder, file));
	look(search, sg_arena_printf(search->arena, "%s/.libs/%s", folder, file));
	if (stat(folder, &info) != 0)
		tell(search, errno == ENOENT ? "There is no folder %s." : "%s cannot be looked into.", folder);
	else if (!S_ISDIR(info.st_mode))
		tell(search, "%s is no folder.", folder);
	else
		tell(search, "Looked for its .so in %s and %s/.libs.", folder, folder);
}

static int locate(const char *name, const char *base, const char *const *plugin_path, size_t folders,
                  struct sg_arena *arena, struct found *found_r, struct sg_err *err)
{
	const char *suffix = strlen(name) > 3 && strcmp(name + strlen(name) - 3, ".so") == 0 ? "" : ".so";
	struct search search = { .arena = arena, .tried = SG_BUF_INIT };
	bool by_path = strchr(name, '/') != NULL;
	int status = -1;

	if (by_path) {
		look(&search, join(arena, base, name));
		if (search.count == 0 && *suffix != '\0')
			look(&search, sg_arena_printf(arena, "%s.so", join(arena, base, name)));
		if (search.tried.length == 0)
			tell(&search, "Looked for %s%s%s.", join(arena, base, name), *suffix ? ", also with " : "", suffix);
	} else {
		for (size_t i = 0; i < folders; i++)
			look_in(&search, plugin_path[i], sg_arena_printf(arena, "%s%s", name, suffix));
	}
	if (search.count == 1) {
		*found_r = search.hits[0];
		status = 0;
	} else if (search.count == 0) {
		sg_err_set(err, SG_CLASS_REFUSED, "plugin \"%s\" was not found", name);
		if (search.tried.length > 0)
			sg_err_detail(err, "%s", search.tried.data);
		sg_err_hint(err, folders == 0 && !by_path ? "Set plugin_path in [sgrun] to the folder of the plugins."
		                                          : "Build it, or correct the step's plugin or plugin_path in [sgrun].");
	} else {
		sg_err_set(err, SG_CLASS_REFUSED, "plugin \"%s\" was found %zu times", name, search.count);
		sg_err_detail(err, "%s and %s are different files.", search.hits[0].path, search.hits[1].path);
		sg_err_hint(err, "Remove one, or give the step's plugin as a path with a slash.");
	}
	sg_buf_release(&search.tried);
	return status;
}

/* ---- trusting --------------------------------------------------------------- */

static int distrust(struct sg_err *err, const char *path, const char *what, const struct stat *info,
                    const char *why, const char *hint)
{
	sg_err_set(err, SG_CLASS_REFUSED, "%s: the %s %s", path, what, why);
	sg_err_detail(err, "It belongs to user %ju and group %ju and has mode %04o.", (uintmax_t)info->st_uid,
	              (uintmax_t)info->st_gid, (unsigned)info->st_mode & 07777u);
	return sg_err_hint(err, "%s, or pin the plugin by sha256 in its section.", hint);
}

/* A plugin decides over the schema: whoever can change its file could. */
static int trust(const char *path, const char *what, const struct stat *info, struct sg_err *err)
{
	if ((info->st_mode & S_IWOTH) != 0)
		return distrust(err, path, what, info, "can be written by others", "Take that away (chmod o-w)");
	if (info->st_uid != 0 && info->st_uid != geteuid())
		return distrust(err, path, what, info, "belongs to neither root nor you",
		                "Let it belong to root or to the user that runs sgrun");
	if (geteuid() == 0 && (info->st_mode & S_IWGRP) != 0)
		return distrust(err, path, what, info, "can be written by its group, and sgrun runs as root",
		                "Take that away (chmod g-w)");
	return 0;
}

static int cannot(struct sg_err *err, const char *path, const char *what)
{
	int why = errno;

	sg_err_set(err, SG_CLASS_REFUSED, "%s: cannot %s: %s", path, what, strerror(why));
	return sg_err_hint(err, why == EMFILE ? "Raise the hard limit of open files (ulimit -Hn)."
	                        : why == EACCES ? "The user that runs sgrun must be able to read it."
	                                        : "See that the file is whole, and not just being built.");
}

/* With a link in the way, the link's folder decides as well. */
static int check_link(const char *path, const char *real, struct sg_err *err)
{
	char *folder = sg_xstrdup(path), *slash = strrchr(folder, '/');
	struct stat info;
	int status = 0;

	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	if (strcmp(path, real) != 0) {
		if (stat(slash != NULL ? folder : ".", &info) != 0)
			status = cannot(err, path, "look at its folder");
		else
			status = trust(path, "file's folder", &info, err);
	}
	free(folder);
	return status;
}

/* Opens the file; *info_r is of what was opened. */
static int open_trusted(const char *path, bool pinned, int *fd_r, struct stat *info_r, struct sg_err *err)
{
	char *real = realpath(path, NULL), *slash = real != NULL ? strrchr(real, '/') : NULL;
	struct stat folder;
	int dir = -1, fd = -1, status = -1;

	if (slash == NULL) {
		cannot(err, path, "find it");
		goto done;
	}
	*slash = '\0';
	dir = open(slash == real ? "/" : real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* O_NONBLOCK: a FIFO must not make us wait for its writer */
	if (dir >= 0)
		fd = openat(dir, slash + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	*slash = '/';
	if (fd < 0 || fstat(dir, &folder) != 0 || fstat(fd, info_r) != 0) {
		cannot(err, path, "open it");
		goto done;
	}
	if (!S_ISREG(info_r->st_mode)) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: is not a file", path);
		sg_err_hint(err, "The step's plugin must be a shared object.");
		goto done;
	}
	if (!pinned && (trust(path, "file", info_r, err) != 0 || trust(path, "file's folder", &folder, err) != 0 ||
	                check_link(path, real, err) != 0))
		goto done;
	*fd_r = fd;
	fd = -1;
	status = 0;
done:
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	free(real);
	return status;
}

/* ---- holding ---------------------------------------------------------------- */

/* Every image holds a descriptor, and a manifest may have more steps than the
 * usual soft limit allows (select(), for which that is kept low, nobody uses here). */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int read_all(int fd, char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ESTALE : errno; /* it became shorter under our hands */
			return -1;
		}
		done += (size_t)n;
	}
	return 0;
}

static int copy_sealed(int from, const char *path, size_t size, int *fd_r, char sha256_r[SG_SHA256_HEX],
                       struct sg_err *err)
{
	int fd = memfd_create("sgrun-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *bytes = MAP_FAILED;
	int status = -1;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
		cannot(err, path, "make a copy in memory");
		goto done;
	}
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		cannot(err, path, "make a copy in memory");
		goto done;
	}
	if (read_all(from, bytes, size) != 0) {
		cannot(err, path, "read it");
		goto done;
	}
	/* sealing needs the writable mapping gone; the hash is of what is sealed */
	munmap(bytes, size);
	bytes = MAP_FAILED;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
		cannot(err, path, "seal the copy");
		goto done;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		cannot(err, path, "read the copy");
		goto done;
	}
	sg_hash_sha256(bytes, size, sha256_r);
	*fd_r = fd;
	fd = -1;
	status = 0;
done:
	if (bytes != MAP_FAILED)
		munmap(bytes, size);
	if (fd >= 0)
		close(fd);
	return status;
}

static int check_pin(const char *path, const char *pin, const char *found, struct sg_err *err)
{
	if (pin == NULL || strcasecmp(pin, found) == 0)
		return 0;
	sg_err_set(err, SG_CLASS_REFUSED, "%s: its sha256 is not the one that is pinned", path);
	sg_err_detail(err, "Pinned is %s, the file has %s.", pin, found);
	return sg_err_hint(err, "If the file is meant to have changed, pin its new sha256; else find out who changed it.");
}

int sg_image_open(const char *name, const char *base, const char *const *plugin_path, size_t folders,
                  const char *pin, struct sg_arena *arena, struct sg_image *image_r, struct sg_err *err)
{
	struct found found = { NULL, 0, 0 };
	struct stat info;
	int from = -1, fd = -1, status = -1;

	raise_limit();
	if (locate(name, base, plugin_path, folders, arena, &found, err) != 0 ||
	    open_trusted(found.path, pin != NULL, &from, &info, err) != 0)
		return -1;
	if (info.st_size == 0 || info.st_size > SIZE_LIMIT) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: has %jd bytes, at least 1 and at most %jd are allowed", found.path,
		           (intmax_t)info.st_size, (intmax_t)SIZE_LIMIT);
		sg_err_hint(err, "The step's plugin must be a shared object.");
		goto done;
	}
	if (copy_sealed(from, found.path, (size_t)info.st_size, &fd, image_r->sha256, err) != 0)
		goto done;
	if (check_pin(found.path, pin, image_r->sha256, err) != 0) {
		close(fd);
		goto done;
	}
	sg_arena_defer(arena, close_fd, (void *)(intptr_t)fd);
	image_r->path = found.path;
	image_r->fd = fd;
	status = 0;
done:
	close(from);
	return status;
}
