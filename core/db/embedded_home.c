/* embedded_home.c - where an embedded server lives and as whom it runs.
 *
 * PostgreSQL refuses to run as root, and an unprivileged user often cannot enter
 * root's folders: hence the choice between FOLDER and one in /var/tmp. */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/db/embedded_parts.h"

#define PERSISTENT "/var/tmp"
#define REMOVE_MS 5000

static void set_paths(struct sg_home *home, struct sg_arena *arena, const char *path)
{
	home->path = path;
	home->data = sg_arena_printf(arena, "%s/data", path);
	home->log = sg_arena_printf(arena, "%s/log", path);
	home->making = sg_arena_printf(arena, "%s/making", path);
	home->socket = sg_arena_printf(arena, "%s/socket", path);
}

static void set_user(struct sg_home *home, struct sg_arena *arena, const struct passwd *user, bool drop)
{
	home->user = (struct sg_child_user) { user->pw_uid, user->pw_gid, drop };
	home->user_name = sg_arena_strdup(arena, user->pw_name);
}

/* The caller; for root postgres, else nobody. */
static int default_user(struct sg_home *home, struct sg_arena *arena, struct sg_err *err)
{
	const struct passwd *user;

	if (geteuid() != 0) {
		home->user = (struct sg_child_user) { geteuid(), getegid(), false };
		home->user_name = sg_arena_printf(arena, "user %u", (unsigned)geteuid());
		return 0;
	}
	user = getpwnam("postgres");
	if (user == NULL || user->pw_uid == 0)
		user = getpwnam("nobody");
	if (user == NULL || user->pw_uid == 0) {
		sg_err_set(err, SG_CLASS_STATE, "there is neither a user postgres nor a user nobody to run the embedded server");
		return sg_err_hint(err, "PostgreSQL does not run as root: create one of them, or run sgrun as another user.");
	}
	set_user(home, arena, user, true);
	return 0;
}

/* A cluster that is there belongs to someone: root takes that user; others can only use their own. */
static bool adopt_owner(struct sg_home *home, struct sg_arena *arena, const char *path)
{
	const char *data = sg_arena_printf(arena, "%s/data", path);
	const struct passwd *owner;
	struct stat st;

	if (lstat(data, &st) != 0)
		return errno == ENOENT;
	if (geteuid() != 0)
		return st.st_uid == geteuid();
	if (st.st_uid == home->user.uid)
		return true;
	owner = st.st_uid != 0 ? getpwuid(st.st_uid) : NULL;
	if (owner == NULL)
		return st.st_uid == 0; /* told as what it is when it is looked at */
	set_user(home, arena, owner, true);
	return true;
}

/* mkdir -p; what root makes on the way, others may enter. */
static bool make_folders(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
		return false;
	for (char *at = copy + 1;; at++) {
		char kept = *at;

		if (kept != '/' && kept != '\0')
			continue;
		*at = '\0';
		if (mkdir(copy, 0755) == 0) {
			if (geteuid() == 0 && chmod(copy, 0755) != 0)
				return false;
		} else if (errno != EEXIST && errno != EISDIR) {
			return false;
		}
		*at = kept;
		if (kept == '\0')
			return true;
	}
}

static int can_enter(const char *path)
{
	return access(path, X_OK);
}

static bool usable(struct sg_home *home, struct sg_arena *arena, const char *path)
{
	struct stat st;

	return make_folders(path) && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, R_OK | W_OK | X_OK) == 0 &&
	       adopt_owner(home, arena, path) && sg_child_do(&home->user, can_enter, path);
}

/* The real path of what exists of it, and the rest as it is. */
static const char *canonical(struct sg_arena *arena, const char *path)
{
	char real[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (realpath(path, real) != NULL)
		return sg_arena_strdup(arena, real);
	if (slash == NULL || slash == path)
		return path;
	return sg_arena_printf(arena, "%s%s", canonical(arena, sg_arena_strndup(arena, path, (size_t)(slash - path))), slash);
}

/* Anyone may make names in /var/tmp: ours must be a real folder, and ours alone. */
static int fall_back(const char *folder, struct sg_arena *arena, struct sg_home *home, struct sg_err *err)
{
	char hash[SG_SHA256_HEX];
	struct stat st;
	const char *path;

	sg_hash_sha256(folder, strlen(folder), hash);
	path = sg_arena_printf(arena, "%s/sgrun-%u-%.12s", PERSISTENT, (unsigned)geteuid(), hash);
	if (mkdir(path, 0711) == 0 && chmod(path, geteuid() == 0 ? 0711 : 0700) != 0)
		return sg_err_set(err, SG_CLASS_STATE, "cannot set up %s: %s", path, strerror(errno));
	if (lstat(path, &st) != 0)
		return sg_err_set(err, SG_CLASS_STATE, "cannot make %s for the embedded server: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0 || !usable(home, arena, path)) {
		sg_err_set(err, SG_CLASS_STATE, "neither %s nor %s can be used for the embedded server", folder, path);
		return sg_err_hint(err, "Choose a folder in embedded:FOLDER that %s can enter, and you can write to.",
		                   home->user_name);
	}
	set_paths(home, arena, path);
	sg_log(SG_LOG_INFO, "embedded", NULL, 0, "%s cannot use %s: the embedded server lives in %s", home->user_name, folder,
	       path);
	return 0;
}

int sg_home_choose(const char *folder, struct sg_arena *arena, struct sg_home *home_r, struct sg_err *err)
{
	struct sg_home home = { 0 };
	char cwd[PATH_MAX];
	bool was_there;

	if (default_user(&home, arena, err) != 0)
		return -1;
	if (folder[0] != '/') {
		if (getcwd(cwd, sizeof cwd) == NULL)
			return sg_err_set(err, SG_CLASS_STATE, "the working folder cannot be read: %s", strerror(errno));
		folder = sg_arena_printf(arena, "%s/%s", cwd, folder);
	}
	folder = canonical(arena, folder);
	was_there = access(folder, F_OK) == 0;
	if (usable(&home, arena, folder)) {
		set_paths(&home, arena, folder);
	} else {
		if (!was_there)
			(void)rmdir(folder);
		if (default_user(&home, arena, err) != 0 || fall_back(folder, arena, &home, err) != 0)
			return -1;
	}
	*home_r = home;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	/* The top folder lies in a place that its owner may not write to. What else
	 * cannot be removed shows when that is. */
	if (walk->level > 0)
		(void)(kind == FTW_DP ? rmdir(path) : unlink(path));
	return 0;
}

static int empty_folder(const char *path)
{
	return nftw(path, remove_one, 32, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
}

int sg_home_remove_data(const struct sg_home *home, struct sg_err *err)
{
	int64_t deadline = sg_clock_ms() + REMOVE_MS;
	struct stat st;

	while (lstat(home->data, &st) == 0) {
		(void)sg_child_do(&home->user, empty_folder, home->data);
		if (rmdir(home->data) == 0)
			return 0;
		/* The last child of a killed initdb may still be writing. */
		if (sg_clock_left(deadline) == 0) {
			sg_err_set(err, SG_CLASS_STATE, "the unfinished cluster in %s cannot be removed: %s", home->data, strerror(errno));
			return sg_err_hint(err, "Remove it by hand.");
		}
		(void)sg_clock_sleep(50);
	}
	return 0;
}
