/* source.c - opens the manifest and refuses what is no text file.
 *
 * Refusing is on purpose strict: a carriage return would become the last
 * character of a value, a byte order mark the first of a section's name, and a
 * file whose last line has no end may have been cut off in copying, in the
 * middle of a number. */
#include "config.h"
#include "core/manifest/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

static const char *file_kind(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

static int read_all(int fd, const char *path, struct sg_arena *arena, size_t size, const char **bytes_r,
                    size_t *length_r, struct sg_err *err)
{
	/* One byte more than wanted shows a file that grows meanwhile. */
	char *bytes = sg_arena_alloc(arena, size + 2);
	size_t length = 0;

	while (length < size + 1) {
		ssize_t n = read(fd, bytes + length, size + 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)sg_err_set(err, SG_CLASS_USAGE, "cannot read the manifest %s: %s", path, strerror(errno));
			return sg_err_hint(err, "Check the file and the disk it is on.");
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	if (length != size) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "the manifest %s changed while it was read", path);
		return sg_err_hint(err, "Run again when whatever writes it is done.");
	}
	bytes[length] = '\0';
	*bytes_r = bytes;
	*length_r = length;
	return 0;
}

int sg_source_load(const char *path, struct sg_arena *arena, const char **bytes_r, size_t *length_r,
                   struct sg_err *err)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result;

	if (fd < 0) {
		int cause = errno;

		(void)sg_err_set(err, SG_CLASS_USAGE, "cannot open the manifest %s: %s", path, strerror(cause));
		if (cause == ENOENT)
			return sg_err_hint(err, "Name it with --manifest FILE or in SGRUN_MANIFEST.");
		return sg_err_hint(err, cause == EACCES ? "Let the user who runs sgrun read the file and enter its folders."
		                                        : "Check the path.");
	}
	if (fstat(fd, &status) != 0) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "cannot look at the manifest %s: %s", path, strerror(errno));
		result = sg_err_hint(err, "Check the path.");
	} else if (!S_ISREG(status.st_mode)) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "the manifest %s is %s", path, file_kind(status.st_mode));
		result = sg_err_hint(err, "Name a regular file; what another program writes goes into a file first.");
	} else if ((uintmax_t)status.st_size > SG_SOURCE_LIMIT) {
		(void)sg_err_set(err, SG_CLASS_USAGE, "the manifest %s is too large: %jd bytes, at most %zu", path,
		                 (intmax_t)status.st_size, SG_SOURCE_LIMIT);
		result = sg_err_hint(err, "Check that it is a manifest; ten thousand steps fit.");
	} else {
		result = read_all(fd, path, arena, (size_t)status.st_size, bytes_r, length_r, err);
	}
	close(fd);
	return result;
}

bool sg_source_text(const char *bytes, size_t length, const char **what_r)
{
	*what_r = NULL;
	for (size_t i = 0; i < length && *what_r == NULL; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\r')
			*what_r = "a carriage return";
		else if ((c < 0x20 && c != '\t') || c == 0x7F)
			*what_r = "a control character";
	}
	if (*what_r == NULL && !sg_text_utf8(bytes, length))
		*what_r = "bytes that are not UTF-8";
	return *what_r == NULL;
}

static int line_of(const char *bytes, const char *place)
{
	int line = 1;

	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(place - at))) != NULL; at++)
		line++;
	return line;
}

bool sg_source_judge(struct sg_reading *reading, const char *bytes, size_t length)
{
	const char *place;
	struct sg_err *err;

	if (length >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0)) {
		err = sg_reading_error(reading, 1, "the file is UTF-16");
		(void)sg_err_detail(err, "It begins with the byte order mark of UTF-16.");
		(void)sg_err_hint(err, "Save it as UTF-8 without byte order mark.");
		return false;
	}
	place = length ? memchr(bytes, '\0', length) : NULL;
	if (place != NULL) {
		err = sg_reading_error(reading, line_of(bytes, place), "NUL byte");
		(void)sg_err_detail(err, "It is byte %zu of the file, which is no text file then.", (size_t)(place - bytes) + 1);
		(void)sg_err_hint(err, "Check that this is the manifest, saved as UTF-8.");
		return false;
	}
	if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
		err = sg_reading_error(reading, 1, "the file begins with a byte order mark");
		(void)sg_err_detail(err, "It would become part of the first line.");
		(void)sg_err_hint(err, "Save it as UTF-8 without byte order mark.");
	}
	place = length ? memmem(bytes, length, "\r\n", 2) : NULL;
	if (place != NULL) {
		err = sg_reading_error(reading, line_of(bytes, place), "the line ends with CRLF");
		(void)sg_err_detail(err, "The carriage return would become part of the value; only the first such line is named.");
		(void)sg_err_hint(err, "Save the file with Unix line ends, for instance by sed -i 's/\\r$//'.");
	}
	if (length > 0 && bytes[length - 1] != '\n') {
		err = sg_reading_error(reading, line_of(bytes, bytes + length), "the last line has no newline");
		(void)sg_err_detail(err, "The file may have been cut off in copying, in the middle of a value.");
		(void)sg_err_hint(err, "Compare it with the original, and end the line with a newline.");
	}
	return true;
}
