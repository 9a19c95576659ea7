/* bytes.c - see bytes.h. */
#include "config.h"
#include "core/audit/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

#define TRIES 3

const char *sg_bytes_kind(unsigned mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

const char *sg_bytes_shown(const char *path, struct sg_arena *arena)
{
	size_t length = strlen(path);
	struct sg_buf buf = SG_BUF_INIT;
	bool odd = !sg_text_utf8(path, length);

	for (size_t i = 0; i < length && !odd; i++)
		odd = (unsigned char)path[i] < 0x20 || path[i] == 0x7F;
	if (!odd)
		return path;
	for (size_t i = 0; i < length;) {
		size_t step = strcspn(path + i, "\n\t");

		sg_text_add_clean(&buf, path + i, step, false);
		i += step;
		if (i < length)
			sg_buf_adds(&buf, path[i++] == '\n' ? "\\n" : "\\t");
	}
	path = sg_arena_strndup(arena, buf.data, buf.length);
	sg_buf_release(&buf);
	return path;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Fills up to size bytes. -1: errno. */
static int fill(int fd, char *bytes, size_t size, size_t *length_r)
{
	*length_r = 0;
	while (*length_r < size) {
		ssize_t n = read(fd, bytes + *length_r, size - *length_r);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		*length_r += (size_t)n;
	}
	return 0;
}

static int failed(struct sg_err *err, const char *what)
{
	int cause = errno;

	(void)sg_err_set(err, SG_CLASS_MANIFEST, "%s: %s", what, strerror(cause));
	return sg_err_hint(err, cause == EACCES ? "Let the user who runs sgrun read the file and enter its folders."
	                                        : "Check the path and the disk it is on.");
}

static int read_open(int fd, size_t limit, struct sg_arena *arena, char **bytes_r, size_t *length_r, struct sg_err *err)
{
	struct stat before, after;

	for (int i = 0; i < TRIES; i++) {
		size_t size;

		if (fstat(fd, &before) != 0)
			return failed(err, "the file cannot be read");
		if (!S_ISREG(before.st_mode)) {
			(void)sg_err_set(err, SG_CLASS_MANIFEST, "this is %s, not a file", sg_bytes_kind(before.st_mode));
			return sg_err_hint(err, "Name a regular file; what another program writes goes into a file first.");
		}
		if ((uintmax_t)before.st_size > limit) {
			(void)sg_err_set(err, SG_CLASS_MANIFEST, "the file is too large: %jd bytes, at most %zu are read",
			                 (intmax_t)before.st_size, limit);
			return sg_err_hint(err, "Data belongs into a file of its own, beside the migrations; or leave this file out.");
		}
		size = (size_t)before.st_size;
		*bytes_r = sg_arena_alloc(arena, size + 1);
		if (lseek(fd, 0, SEEK_SET) != 0 || fill(fd, *bytes_r, size, length_r) != 0 || fstat(fd, &after) != 0)
			return failed(err, "the file cannot be read");
		if (*length_r == size && is_same(&before, &after)) {
			(*bytes_r)[size] = '\0';
			return 0;
		}
	}
	(void)sg_err_set(err, SG_CLASS_MANIFEST, "the file changed while it was read");
	return sg_err_hint(err, "Run again when whatever writes it is done.");
}

/* The type is looked at first: to open a device can do something. */
static int open_regular(const char *path, struct sg_err *err)
{
	struct stat status;
	int fd;

	if (stat(path, &status) != 0)
		return failed(err, "the file cannot be read");
	if (!S_ISREG(status.st_mode)) {
		(void)sg_err_set(err, SG_CLASS_MANIFEST, "this is %s, not a file", sg_bytes_kind(status.st_mode));
		return sg_err_hint(err, "Name a regular file; what another program writes goes into a file first.");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return failed(err, "the file cannot be read");
	return fd;
}

int sg_bytes_read(const char *path, size_t limit, struct sg_arena *arena, char **bytes_r, size_t *length_r, struct sg_err *err)
{
	int fd = open_regular(path, err), result = -1;

	if (fd >= 0) {
		result = read_open(fd, limit, arena, bytes_r, length_r, err);
		close(fd);
	}
	if (result != 0)
		return sg_err_at(err, sg_bytes_shown(path, arena), 0);
	return 0;
}

int sg_bytes_head(const char *path, char *buffer, size_t size, size_t *length_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), result;
	struct stat status;

	if (fd < 0)
		return -1;
	result = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fill(fd, buffer, size, length_r) : -1;
	close(fd);
	return result;
}
