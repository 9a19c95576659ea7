/* embedded_programs.c - which initdb and postgres an embedded server is run with, and where pg_dump is. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/db/embedded.h"
#include "core/db/embedded_parts.h"

#define INSTALLED "/usr/lib/postgresql"

int sg_programs_cluster(const struct sg_home *home)
{
	char path[4096], text[16] = "";
	struct stat st;
	int64_t major;
	ssize_t got;
	int fd;

	if (lstat(home->data, &st) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISDIR(st.st_mode) || snprintf(path, sizeof path, "%s/PG_VERSION", home->data) >= (int)sizeof path)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[got > 0 ? strcspn(text, "\n") : 0] = '\0';
	return sg_text_int(text, 1, 1000, &major) ? (int)major : -1;
}

/* The major version of the programs there, 0 if they are not. */
static int version_of(const char *bindir, const struct sg_home *home, struct sg_arena *arena)
{
	const char *postgres = sg_arena_printf(arena, "%s/postgres", bindir);
	const char *const argv[] = { postgres, "--version", NULL };
	static const char start[] = "postgres (PostgreSQL) ";
	char line[128];

	if (access(postgres, X_OK) != 0 || access(sg_arena_printf(arena, "%s/initdb", bindir), X_OK) != 0)
		return 0;
	if (!sg_child_ask(&home->user, argv, line, sizeof line) || !sg_text_prefix(line, start))
		return 0;
	return atoi(line + strlen(start));
}

static bool try_bindir(const char *bindir, int major, const struct sg_home *home, struct sg_arena *arena,
                       struct sg_programs *programs_r)
{
	int found = version_of(bindir, home, arena);

	if (found == 0 || (programs_r->major != 0 && found != major))
		return false; /* the first that works is kept for the message, until one fits */
	programs_r->bindir = sg_arena_strdup(arena, bindir);
	programs_r->major = found;
	return major == 0 || found == major;
}

static int highest_installed(int below)
{
	DIR *dir = opendir(INSTALLED);
	const struct dirent *entry;
	int64_t best = 0, major;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (sg_text_int(entry->d_name, best + 1, below - 1, &major))
			best = major;
	if (dir != NULL)
		(void)closedir(dir);
	return (int)best;
}

static bool search(int major, const struct sg_home *home, struct sg_arena *arena, struct sg_programs *programs_r)
{
	static const char *const argv[] = { "pg_config", "--bindir", NULL };
	char line[1024];

	if (sg_child_ask(&home->user, argv, line, sizeof line) && line[0] == '/' &&
	    try_bindir(line, major, home, arena, programs_r))
		return true;
	for (int n = highest_installed(1000); n > 0; n = highest_installed(n))
		if (try_bindir(sg_arena_printf(arena, "%s/%d/bin", INSTALLED, n), major, home, arena, programs_r))
			return true;
	return false;
}

int sg_programs_find(const char *bindir, int major, const struct sg_home *home, struct sg_arena *arena,
                     struct sg_programs *programs_r, struct sg_err *err)
{
	struct sg_programs found = { NULL, 0 };
	bool good = bindir != NULL ? try_bindir(bindir, major, home, arena, &found) : search(major, home, arena, &found);

	if (good) {
		*programs_r = found;
		return 0;
	}
	if (found.major != 0) {
		sg_err_set(err, SG_CLASS_STATE, "the cluster in %s was made by PostgreSQL %d, but the server in %s is PostgreSQL %d",
		           home->path, major, found.bindir, found.major);
		return sg_err_hint(err, "Name the folder of PostgreSQL %d's programs in embedded_bindir, or remove %s to start anew.",
		                   major, home->path);
	}
	if (bindir != NULL) {
		sg_err_set(err, SG_CLASS_STATE, "there is no PostgreSQL server in embedded_bindir %s that %s can run", bindir,
		           home->user_name);
		return sg_err_hint(err, "It has to hold the programs initdb and postgres.");
	}
	sg_err_set(err, SG_CLASS_STATE, "no PostgreSQL server is installed here, and the embedded server needs one");
	return sg_err_hint(err, "Install one (Debian package: postgresql), or name the folder of initdb in embedded_bindir.");
}

/* Not the one beside the server that is chosen: pg_dump has to be as new as the server that it reads. */
const char *sg_embedded_program(const char *bindir, const char *name, struct sg_arena *arena)
{
	static const char *const argv[] = { "pg_config", "--bindir", NULL };
	const struct sg_child_user self = { geteuid(), getegid(), false };
	const char *path;
	char line[1024];

	if (bindir != NULL)
		return sg_arena_printf(arena, "%s/%s", bindir, name);
	for (int n = highest_installed(1000); n > 0; n = highest_installed(n)) {
		path = sg_arena_printf(arena, "%s/%d/bin/%s", INSTALLED, n, name);
		if (access(path, X_OK) == 0)
			return path;
	}
	if (sg_child_ask(&self, argv, line, sizeof line) && line[0] == '/') {
		path = sg_arena_printf(arena, "%s/%s", line, name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return name;
}
