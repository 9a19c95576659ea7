/* embedded_server.c - one postmaster: made, started, looked at, stopped.
 *
 * It is no daemon of ours and no pg_ctl stands in between: postmaster.pid tells
 * all (src/include/utils/pidfile.h). That file is its owner's to write, so what
 * it says is believed only of a process that has this cluster as its working
 * folder and that user as its owner. fsync stays on: people keep these. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/db/embedded_parts.h"

#define INIT_MS 120000
#define START_MS 120000   /* recovery after a crash included */
#define ATTACHED_MS 10000 /* backends of a killed postmaster may take that long to notice */
#define FAST_MS 20000
#define HARD_MS 5000
#define LOOK_MS 3
#define PORT "5432"
#define TAIL_BYTES 2000
#define LOG_BYTES (4 << 20)

/* ---- its log -------------------------------------------------------------- */

static int open_log(const struct sg_home *home, off_t *start_r)
{
	int fd = open(home->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	*start_r = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (st.st_size > LOG_BYTES && ftruncate(fd, 0) == 0)
			st.st_size = 0;
		*start_r = st.st_size;
	}
	return fd;
}

/* What was written since start, at most its end. Returns the number of bytes. */
static size_t read_tail(const struct sg_home *home, off_t start, char text_r[TAIL_BYTES + 1])
{
	int fd = open(home->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	ssize_t got;

	text_r[0] = '\0';
	if (end > start + TAIL_BYTES)
		start = end - TAIL_BYTES;
	got = fd >= 0 ? pread(fd, text_r, TAIL_BYTES, start) : 0;
	if (fd >= 0)
		(void)close(fd);
	got = got > 0 ? got : 0;
	while (got > 0 && text_r[got - 1] == '\n')
		got--;
	text_r[got] = '\0';
	return (size_t)got;
}

static int fail_with_log(const struct sg_home *home, off_t start, struct sg_err *err, const char *what)
{
	char tail[TAIL_BYTES + 1];

	sg_err_set(err, SG_CLASS_STATE, "%s", what);
	if (read_tail(home, start, tail) > 0)
		sg_err_detail(err, "%s", tail);
	return sg_err_hint(err, "The server's log is %s. If nothing in %s is needed, remove it to start anew.", home->log,
	                   home->path);
}

/* ---- postmaster.pid ------------------------------------------------------- */

static bool is_this_clusters(const struct sg_home *home, pid_t pid)
{
	struct stat process, folder, data;
	char path[64], text[512] = "", *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (stat(path, &process) != 0 || process.st_uid != home->user.uid)
		return false;
	snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
	if (stat(path, &folder) != 0 || stat(home->data, &data) != 0 || folder.st_dev != data.st_dev ||
	    folder.st_ino != data.st_ino)
		return false;
	/* A zombie that nobody reaps is gone. */
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		(void)close(fd);
	at = got > 0 ? strrchr(text, ')') : NULL;
	return at != NULL && at[1] == ' ' && at[2] != 'Z' && at[2] != 'X';
}

static enum sg_server_state state_of(const char *word)
{
	if (sg_text_prefix(word, "ready"))
		return SG_SERVER_READY;
	return sg_text_prefix(word, "stopping") ? SG_SERVER_STOPPING : SG_SERVER_STARTING;
}

/* pid, data folder, start time, port, socket folder, address, memory key, state */
void sg_postmaster_look(const struct sg_home *home, struct sg_postmaster *postmaster_r)
{
	struct sg_postmaster found = { 0 };
	char path[4096], text[2048], *rest = text;
	int64_t number;
	ssize_t got = -1;
	int fd = -1;

	*postmaster_r = found;
	if (snprintf(path, sizeof path, "%s/postmaster.pid", home->data) < (int)sizeof path)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		got = read(fd, text, sizeof text - 1);
		(void)close(fd);
	}
	if (got <= 0)
		return;
	text[got] = '\0';
	for (int i = 1; i <= 8; i++) {
		char *line = strsep(&rest, "\n");

		if (line == NULL)
			break;
		if (i == 1 && sg_text_int(line, 2, INT32_MAX, &number))
			found.pid = (pid_t)number;
		else if (i == 4 && sg_text_int(line, 1, 65535, &number))
			found.port = (int)number;
		else if (i == 5 && line[0] == '/' && strpbrk(line, "'\\") == NULL)
			snprintf(found.socket, sizeof found.socket, "%s", line);
		else if (i == 8)
			found.state = state_of(line);
	}
	if (found.pid <= 1 || !is_this_clusters(home, found.pid))
		found.state = SG_SERVER_GONE;
	else if (found.state == SG_SERVER_GONE)
		found.state = SG_SERVER_STARTING;
	*postmaster_r = found;
}

const char *sg_postmaster_dsn(const struct sg_postmaster *postmaster, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "host='%s' port=%d dbname=postgres user=postgres sslmode=disable", postmaster->socket,
	                       postmaster->port);
}

/* ---- its socket ----------------------------------------------------------- */

static int empty_socket_folder(const char *folder)
{
	char path[160];

	snprintf(path, sizeof path, "%s/.s.PGSQL." PORT, folder);
	(void)unlink(path);
	snprintf(path, sizeof path, "%s/.s.PGSQL." PORT ".lock", folder);
	(void)unlink(path);
	return rmdir(folder);
}

/* The folder's name is written down before it is made, so that whoever comes
 * after a crash can remove it. */
static void remove_socket_folder(const struct sg_home *home)
{
	int fd = open(home->socket, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char folder[SOCKET_BYTES];
	ssize_t got = fd >= 0 ? read(fd, folder, sizeof folder - 1) : 0;

	if (fd >= 0)
		(void)close(fd);
	if (got > 0) {
		folder[got] = '\0';
		(void)sg_child_do(&home->user, empty_socket_folder, folder);
		(void)unlink(home->socket);
	}
}

static bool write_down(const struct sg_home *home, const char *folder)
{
	int fd = open(home->socket, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, folder, strlen(folder)) == (ssize_t)strlen(folder);

	return (fd < 0 || close(fd) == 0) && good;
}

static int can_enter(const char *path)
{
	return access(path, X_OK);
}

/* In the temporary folder, since a socket's path is at most 107 bytes; 0700, and
 * new: a name that somebody else made first is not taken. */
static int make_socket_folder(const struct sg_home *home, char folder_r[SOCKET_BYTES], struct sg_err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > 60 || strpbrk(tmp, "'\\,") != NULL)
		tmp = "/tmp";
	for (int attempt = 0; attempt < 8; attempt++) {
		snprintf(folder_r, SOCKET_BYTES, "%s/sgrun-%07x", attempt < 4 ? tmp : "/tmp", sg_random(0xFFFFFFF));
		if (!write_down(home, folder_r))
			return sg_err_set(err, SG_CLASS_STATE, "cannot write %s: %s", home->socket, strerror(errno));
		if (mkdir(folder_r, 0700) != 0)
			continue;
		if ((!home->user.drop || chown(folder_r, home->user.uid, home->user.gid) == 0) &&
		    sg_child_do(&home->user, can_enter, folder_r))
			return 0;
		(void)rmdir(folder_r);
	}
	return sg_err_set(err, SG_CLASS_STATE, "no folder for the embedded server's socket can be made in %s: %s", tmp,
	                  strerror(errno));
}

/* ---- making, starting, stopping ------------------------------------------- */

static bool has_locale(const char *name)
{
	locale_t found = newlocale(LC_ALL_MASK, name, (locale_t)0);

	if (found == (locale_t)0)
		return false;
	freelocale(found);
	return true;
}

int sg_postmaster_init(const struct sg_home *home, const struct sg_programs *programs, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *const argv[] = {
		sg_arena_printf(&arena, "%s/initdb", programs->bindir), "-N", "-E", "UTF8", "-U", "postgres", "--auth-local=trust",
		"--auth-host=reject", sg_arena_printf(&arena, "--locale=%s", has_locale("C.UTF-8") ? "C.UTF-8" : "C"),
		"-D", home->data, NULL };
	int64_t deadline = sg_clock_ms() + INIT_MS;
	int status = -1, fd, rc = 0;
	off_t start;
	pid_t pid;

	if (mkdir(home->data, 0700) != 0 || (home->user.drop && chown(home->data, home->user.uid, home->user.gid) != 0)) {
		sg_arena_release(&arena);
		return sg_err_set(err, SG_CLASS_STATE, "cannot make %s: %s", home->data, strerror(errno));
	}
	fd = open_log(home, &start);
	pid = fd >= 0 ? sg_child_start(&home->user, argv, fd, true) : -1;
	if (pid < 0)
		rc = sg_err_set(err, SG_CLASS_STATE, "cannot run initdb with its output in %s: %s", home->log, strerror(errno));
	while (rc == 0 && !sg_child_ended(pid, 20, &status)) {
		if (sg_stop_count() > 0)
			rc = sg_stop_err(err);
		else if (sg_clock_left(deadline) == 0)
			rc = fail_with_log(home, start, err, "initdb did not come to an end");
		if (rc != 0)
			sg_child_kill(pid);
	}
	if (rc == 0 && status != 0)
		rc = fail_with_log(home, start, err, "initdb failed");
	if (fd >= 0)
		(void)close(fd);
	sg_arena_release(&arena);
	return rc;
}

/* Ready (1), given up by itself (0), or an error (-1). */
static int await_child(const struct sg_home *home, pid_t pid, struct sg_postmaster *postmaster_r, struct sg_err *err)
{
	int64_t deadline = sg_clock_ms() + START_MS;

	for (;;) {
		int status;

		sg_postmaster_look(home, postmaster_r);
		if (postmaster_r->state == SG_SERVER_READY && (pid == 0 || postmaster_r->pid == pid))
			return 1;
		if (pid != 0 ? sg_child_ended(pid, LOOK_MS, &status) : postmaster_r->state == SG_SERVER_GONE)
			return 0;
		if (pid == 0)
			(void)sg_clock_sleep(LOOK_MS);
		if (sg_stop_count() > 0)
			return sg_stop_err(err);
		if (sg_clock_left(deadline) == 0)
			return fail_with_log(home, 0, err, "the embedded server is not ready after two minutes");
	}
}

int sg_postmaster_await(const struct sg_home *home, struct sg_postmaster *postmaster_r, struct sg_err *err)
{
	int rc = await_child(home, 0, postmaster_r, err);

	return rc == 1 ? 0 : rc == 0 ? fail_with_log(home, 0, err, "the embedded server gave up starting") : -1;
}

/* One for a single use: nothing has to last, and no autovacuum shall be in the way of what is measured. */
static size_t add_once(const char **argv, size_t n)
{
	static const char *const settings[] = { "fsync=off", "full_page_writes=off", "autovacuum=off", "max_wal_size=4GB",
		                                "checkpoint_timeout=1h" };

	for (size_t i = 0; i < SG_COUNT(settings); i++) {
		argv[n++] = "-c";
		argv[n++] = settings[i];
	}
	return n;
}

static pid_t launch(const struct sg_home *home, const struct sg_programs *programs, const char *socket, int log)
{
	struct sg_arena arena = SG_ARENA_INIT;
	const char *argv[32] = {
		sg_arena_printf(&arena, "%s/postgres", programs->bindir), "-D", home->data, "-k", socket, "-p", PORT,
		"-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "logging_collector=off",
		"-c", "log_destination=stderr" };
	size_t count = 0;
	pid_t pid;

	while (argv[count] != NULL)
		count++;
	if (home->once)
		(void)add_once(argv, count);
	pid = sg_child_start(&home->user, argv, log, home->once);
	sg_arena_release(&arena);
	return pid;
}

int sg_postmaster_start(const struct sg_home *home, const struct sg_programs *programs,
                        struct sg_postmaster *postmaster_r, struct sg_err *err)
{
	int64_t patience = sg_clock_ms() + ATTACHED_MS;
	char socket[SOCKET_BYTES], path[4096], tail[TAIL_BYTES + 1];
	struct sg_postmaster old;
	int rc = 0, fd;
	off_t start;

	/* A file that a crash left, or whose number is another's by now, would keep it from starting. */
	sg_postmaster_look(home, &old);
	remove_socket_folder(home);
	if (old.pid != 0 && snprintf(path, sizeof path, "%s/postmaster.pid", home->data) < (int)sizeof path)
		(void)sg_child_do(&home->user, unlink, path);
	if (make_socket_folder(home, socket, err) != 0)
		return -1;
	fd = open_log(home, &start);
	while (rc == 0) {
		pid_t pid = fd >= 0 ? launch(home, programs, socket, fd) : -1;

		if (pid < 0) {
			rc = sg_err_set(err, SG_CLASS_STATE, "cannot run postgres with its output in %s: %s", home->log, strerror(errno));
			break;
		}
		rc = await_child(home, pid, postmaster_r, err);
		if (rc < 0) {
			int status;

			(void)kill(pid, SIGINT);
			if (!sg_child_ended(pid, FAST_MS, &status))
				sg_child_kill(pid);
		}
		if (rc != 0)
			break;
		(void)read_tail(home, start, tail);
		if (sg_clock_left(patience) == 0 || strstr(tail, "shared memory block") == NULL)
			rc = fail_with_log(home, start, err, "the embedded server did not start");
		else if (!sg_stop_sleep(200))
			rc = sg_stop_err(err);
	}
	if (fd >= 0)
		(void)close(fd);
	if (rc != 1)
		remove_socket_folder(home);
	return rc == 1 ? 0 : -1;
}

/* True once that postmaster is gone, or its place taken. */
static bool await_end(const struct sg_home *home, pid_t pid, int64_t timeout_ms)
{
	int64_t deadline = sg_clock_ms() + timeout_ms;
	struct sg_postmaster now;

	for (;;) {
		(void)waitpid(pid, NULL, WNOHANG); /* it may be our child */
		sg_postmaster_look(home, &now);
		if (now.pid != pid || now.state == SG_SERVER_GONE)
			return true;
		if (sg_clock_left(deadline) == 0)
			return false;
		(void)sg_clock_sleep(LOOK_MS);
	}
}

void sg_postmaster_stop(const struct sg_home *home, const struct sg_postmaster *postmaster)
{
	if (postmaster->state != SG_SERVER_GONE)
		(void)kill(postmaster->pid, home->once ? SIGQUIT : SIGINT);
	if (postmaster->state != SG_SERVER_GONE && !await_end(home, postmaster->pid, FAST_MS)) {
		(void)kill(postmaster->pid, SIGQUIT);
		if (!await_end(home, postmaster->pid, HARD_MS))
			sg_log(SG_LOG_WARNING, "embedded", NULL, 0, "the embedded server (process %d) does not stop",
			       (int)postmaster->pid);
	}
	remove_socket_folder(home);
}
