/* embedded.c - who may start, use and stop the embedded server when.
 *
 * Two locks: start.lock is held (alone) by whoever looks at the server and
 * starts or stops it, so that two never do; users.lock is held (shared) by every
 * user for as long as he lives, so that the last one knows that he is. Both are
 * the kernel's, and die with their holder. */
#include "config.h"
#include "core/db/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/db/embedded_parts.h"

#define LOCK_LOOK_MS 10
#define LOCK_SAY_MS 1000

struct sg_embedded {
	struct sg_arena arena;
	struct sg_home home;
	int start_lock, users_lock;
	char *init; /* SQL, or NULL */
	const char *once; /* its folder, for a single use; or NULL */
	int once_lock;
};

/* ---- locks ---------------------------------------------------------------- */

static int open_lock(struct sg_embedded *embedded, const char *name, int *fd_r, struct sg_err *err)
{
	const char *path = sg_arena_printf(&embedded->arena, "%s/%s", embedded->home.path, name);

	*fd_r = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd_r >= 0 ? 0 : sg_err_set(err, SG_CLASS_STATE, "cannot open %s: %s", path, strerror(errno));
}

static int lock(int fd, int how, const char *where, struct sg_err *err)
{
	int64_t began = sg_clock_ms();
	bool said = false;

	while (flock(fd, how | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return sg_err_set(err, SG_CLASS_STATE, "cannot lock the embedded server in %s: %s", where, strerror(errno));
		if (!said && sg_clock_ms() - began > LOCK_SAY_MS) {
			said = true;
			sg_log(SG_LOG_INFO, "embedded", NULL, 0, "another process is starting or stopping the server in %s; waiting",
			       where);
		}
		if (!sg_stop_sleep(LOCK_LOOK_MS))
			return sg_stop_err(err);
	}
	return 0;
}

/* ---- making a cluster ----------------------------------------------------- */

/* Leaves the folder as if nothing had been begun. */
static int clear_making(const struct sg_embedded *embedded, struct sg_err *err)
{
	struct sg_postmaster postmaster;

	sg_postmaster_look(&embedded->home, &postmaster);
	sg_postmaster_stop(&embedded->home, &postmaster);
	if (sg_home_remove_data(&embedded->home, err) != 0)
		return -1;
	if (unlink(embedded->home.making) != 0 && errno != ENOENT)
		return sg_err_set(err, SG_CLASS_STATE, "cannot remove %s: %s", embedded->home.making, strerror(errno));
	return 0;
}

static int make(const struct sg_embedded *embedded, const struct sg_embedded_spec *spec,
                const struct sg_programs *programs, struct sg_postmaster *postmaster_r, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err ignored = SG_ERR_INIT;
	int fd = open(embedded->home.making, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0)
		return sg_err_set(err, SG_CLASS_STATE, "cannot write %s: %s", embedded->home.making, strerror(errno));
	(void)close(fd);
	sg_log(SG_LOG_INFO, "embedded", NULL, 0, "making a private PostgreSQL %d in %s", programs->major, embedded->home.path);
	rc = sg_postmaster_init(&embedded->home, programs, err);
	if (rc == 0)
		rc = sg_postmaster_start(&embedded->home, programs, postmaster_r, err);
	if (rc == 0 && embedded->init != NULL)
		rc = sg_init_run(sg_postmaster_dsn(postmaster_r, &arena), spec->init, embedded->init, err);
	if (rc == 0 && unlink(embedded->home.making) != 0)
		rc = sg_err_set(err, SG_CLASS_STATE, "cannot remove %s: %s", embedded->home.making, strerror(errno));
	if (rc != 0 && clear_making(embedded, &ignored) != 0)
		sg_log_err(SG_LOG_WARNING, "embedded", 0, &ignored);
	sg_err_release(&ignored);
	sg_arena_release(&arena);
	return rc;
}

/* ---- one server, whatever state it is in ---------------------------------- */

static bool socket_is_there(const struct sg_postmaster *postmaster)
{
	char path[160];

	snprintf(path, sizeof path, "%s/.s.PGSQL.%d", postmaster->socket, postmaster->port);
	return access(path, F_OK) == 0;
}

/* True if it runs, or is about to. One that is stopping is waited for; one whose
 * socket some cleaner of temporary folders took away cannot be reached any more. */
static int take_over(const struct sg_embedded *embedded, struct sg_postmaster *postmaster_r, bool *alive_r,
                     struct sg_err *err)
{
	const struct sg_home *home = &embedded->home;

	*alive_r = false;
	sg_postmaster_look(home, postmaster_r);
	if (postmaster_r->state == SG_SERVER_STARTING && sg_postmaster_await(home, postmaster_r, err) != 0)
		return -1;
	if (postmaster_r->state == SG_SERVER_STOPPING ||
	    (postmaster_r->state == SG_SERVER_READY && !socket_is_there(postmaster_r))) {
		sg_postmaster_stop(home, postmaster_r);
		sg_postmaster_look(home, postmaster_r);
	}
	*alive_r = postmaster_r->state == SG_SERVER_READY;
	if (*alive_r)
		sg_log(SG_LOG_DEBUG, "embedded", NULL, 0, "the server in %s is alive", home->path);
	return 0;
}

static int refuse_folder(const struct sg_embedded *embedded, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_STATE, "%s is no PostgreSQL cluster of ours", embedded->home.data);
	return sg_err_hint(err, "embedded:FOLDER wants a folder for itself, new or empty: name another one.");
}

static int bring_up(struct sg_embedded *embedded, const struct sg_embedded_spec *spec,
                    struct sg_postmaster *postmaster_r, struct sg_err *err)
{
	struct sg_programs programs;
	bool alive;
	int major;

	if (access(embedded->home.making, F_OK) == 0) {
		sg_log(SG_LOG_INFO, "embedded", NULL, 0, "the cluster in %s was not finished; it is made anew", embedded->home.path);
		if (clear_making(embedded, err) != 0)
			return -1;
	}
	if (take_over(embedded, postmaster_r, &alive, err) != 0 || alive)
		return alive ? 0 : -1;
	major = sg_programs_cluster(&embedded->home);
	if (major < 0)
		return refuse_folder(embedded, err);
	if (major == 0 && spec->init != NULL && sg_init_read(spec->init, &embedded->arena, &embedded->init, err) != 0)
		return -1;
	if (sg_programs_find(spec->bindir, major, &embedded->home, &embedded->arena, &programs, err) != 0)
		return -1;
	if (major == 0)
		return make(embedded, spec, &programs, postmaster_r, err);
	sg_log(SG_LOG_INFO, "embedded", NULL, 0, "starting a private PostgreSQL %d in %s", major, embedded->home.path);
	return sg_postmaster_start(&embedded->home, &programs, postmaster_r, err);
}

/* ---- the interface -------------------------------------------------------- */

/* Unlocks by word, since closing does not while a forked child has the descriptor too. */
static void drop_lock(int fd)
{
	if (fd < 0)
		return;
	(void)flock(fd, LOCK_UN);
	(void)close(fd);
}

static void release(struct sg_embedded *embedded)
{
	drop_lock(embedded->users_lock);
	drop_lock(embedded->start_lock);
	drop_lock(embedded->once_lock);
	sg_arena_release(&embedded->arena);
	free(embedded);
}

static struct sg_embedded *new_embedded(void)
{
	struct sg_embedded *embedded = sg_xcalloc(1, sizeof *embedded);

	embedded->start_lock = embedded->users_lock = embedded->once_lock = -1;
	return embedded;
}

static int open_in(struct sg_embedded *embedded, const char *folder, const struct sg_embedded_spec *spec,
                   struct sg_arena *arena, const char **dsn_r, struct sg_err *err)
{
	struct sg_postmaster postmaster;

	if (sg_home_choose(folder, &embedded->arena, &embedded->home, err) != 0)
		return -1;
	embedded->home.once = embedded->once != NULL;
	if (open_lock(embedded, "start.lock", &embedded->start_lock, err) != 0 ||
	    open_lock(embedded, "users.lock", &embedded->users_lock, err) != 0 ||
	    lock(embedded->start_lock, LOCK_EX, embedded->home.path, err) != 0 ||
	    bring_up(embedded, spec, &postmaster, err) != 0 ||
	    lock(embedded->users_lock, LOCK_SH, embedded->home.path, err) != 0)
		return -1;
	(void)flock(embedded->start_lock, LOCK_UN);
	*dsn_r = sg_postmaster_dsn(&postmaster, arena);
	return 0;
}

int sg_embedded_open(const struct sg_embedded_spec *spec, struct sg_arena *arena, struct sg_embedded **embedded_r,
                     const char **dsn_r, struct sg_err *err)
{
	struct sg_embedded *embedded = new_embedded();

	if (open_in(embedded, spec->folder, spec, arena, dsn_r, err) != 0) {
		release(embedded);
		return -1;
	}
	*embedded_r = embedded;
	return 0;
}

int sg_embedded_open_once(const struct sg_embedded_spec *spec, struct sg_arena *arena, struct sg_embedded **embedded_r,
                          const char **dsn_r, const char **folder_r, struct sg_err *err)
{
	struct sg_embedded *embedded = new_embedded();

	if (sg_once_make(&embedded->arena, &embedded->once, &embedded->once_lock, err) != 0 ||
	    open_in(embedded, embedded->once, spec, arena, dsn_r, err) != 0) {
		if (embedded->once != NULL)
			sg_once_remove(embedded->once);
		release(embedded);
		return -1;
	}
	*folder_r = sg_arena_strdup(arena, embedded->once);
	*embedded_r = embedded;
	return 0;
}

void sg_embedded_close(struct sg_embedded *embedded)
{
	struct sg_postmaster postmaster;

	if (embedded == NULL)
		return;
	if (embedded->once != NULL) {
		sg_once_remove(embedded->once);
		release(embedded);
		return;
	}
	/* Whoever starts it now waits for us, or we for him; then he is a user. */
	while (flock(embedded->start_lock, LOCK_EX) != 0 && errno == EINTR)
		;
	if (flock(embedded->users_lock, LOCK_EX | LOCK_NB) == 0) {
		sg_postmaster_look(&embedded->home, &postmaster);
		sg_postmaster_stop(&embedded->home, &postmaster);
	}
	release(embedded);
}
