/* spawn.c - a process of sgrun-plugin: forked from the nursery, or else by
 * posix_spawn; either way no copy of the host's memory (with its password) is in
 * the child, as a fork of the host would make.
 *
 * The child gets an empty environment, default signals, a session of its own
 * (a Ctrl-C is for the host to judge), and descriptors 0 = socket, 1 and 2 =
 * pipe, 3 = image. Its confinement is its own first act (plugins/process). */
#include "config.h"
#include "core/plugin/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/plugin/nursery.h"

#define PROGRAM "sgrun-plugin"

static const char *own_folder(struct sg_arena *arena)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (length <= 0)
		return NULL;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return NULL;
	*slash = '\0';
	if (slash - path > 6 && strcmp(slash - 6, "/.libs") == 0)
		slash[-6] = '\0'; /* libtool keeps the true program there */
	return sg_arena_strdup(arena, path);
}

const char *sg_spawn_program(struct sg_arena *arena)
{
	const char *named = secure_getenv("SGRUN_PLUGIN_HOST");
	const char *folder, *path;

	if (named != NULL && *named != '\0')
		return sg_arena_strdup(arena, named);
	folder = own_folder(arena);
	if (folder != NULL && strcmp(folder, SG_BINDIR) != 0) {
		/* a build tree, or an installation that was moved as a whole */
		path = sg_arena_printf(arena, "%s/" PROGRAM, folder);
		if (access(path, X_OK) == 0)
			return path;
		path = sg_arena_printf(arena, "%s/../libexec/sgrun/" PROGRAM, folder);
		if (access(path, X_OK) == 0)
			return path;
	}
	return SG_LIBEXECDIR "/" PROGRAM;
}

/* Above what the file actions write to: they must not run over each other. */
static int lift(int *fd)
{
	int high;

	if (*fd > 3)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, 4);
	if (high < 0)
		return -1;
	close(*fd);
	*fd = high;
	return 0;
}

static int make_channels(int sockets[2], int pipes[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 || pipe2(pipes, O_CLOEXEC) != 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (lift(&sockets[i]) != 0 || lift(&pipes[i]) != 0)
			return -1;
	return fcntl(sockets[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0 ? -1 : 0;
}

/* Empty; only a build for tests passes on what its instrumentation reads. */
static char **environment(struct sg_arena *arena)
{
	char **list = sg_arena_array(arena, 8, sizeof *list);
#ifdef SG_INSTRUMENTED
	static const char *const kept[] = { "UBSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP", "GCOV_ERROR_FILE",
		                            "LLVM_PROFILE_FILE" };
	const char *options = getenv("ASAN_OPTIONS");
	size_t count = 0;

	list[count++] = sg_arena_printf(arena, "ASAN_OPTIONS=%s%sdetect_leaks=0", options != NULL ? options : "",
	                                options != NULL ? ":" : "");
	for (size_t i = 0; i < SG_COUNT(kept); i++)
		if (getenv(kept[i]) != NULL)
			list[count++] = sg_arena_printf(arena, "%s=%s", kept[i], getenv(kept[i]));
#endif
	return list;
}

static int start(const char *program, const char *step, int socket, int output, int image, pid_t *pid_r,
                 struct sg_arena *arena)
{
	char *arguments[] = { sg_arena_strdup(arena, PROGRAM), sg_arena_strdup(arena, step), NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int status;

	sigfillset(&all);
	sigemptyset(&none);
	status = posix_spawn_file_actions_init(&actions);
	if (status != 0)
		return status;
	status = posix_spawnattr_init(&attributes);
	if (status != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return status;
	}
	if ((status = posix_spawn_file_actions_adddup2(&actions, socket, 0)) == 0 &&
	    (status = posix_spawn_file_actions_adddup2(&actions, output, 1)) == 0 &&
	    (status = posix_spawn_file_actions_adddup2(&actions, output, 2)) == 0 &&
	    (status = posix_spawn_file_actions_adddup2(&actions, image, 3)) == 0 &&
	    (status = posix_spawnattr_setsigdefault(&attributes, &all)) == 0 &&
	    (status = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
	    (status = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
	                                                            POSIX_SPAWN_SETSID)) == 0)
		status = posix_spawn(pid_r, program, &actions, &attributes, arguments, environment(arena));
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

/* Forked from the nursery, at a third of the cost. Builds for tests start the
 * program each time: what instruments them does not like a raw clone. */
static bool nursed(const char *step, const char *program, int socket, int output, int image, pid_t *pid_r, struct sg_arena *arena)
{
#ifdef SG_INSTRUMENTED
	(void)step, (void)program, (void)socket, (void)output, (void)image, (void)pid_r, (void)arena;
	return false;
#else
	return sg_nursery_spawn(step, program, environment(arena), socket, output, image, pid_r) == 0;
#endif
}

int sg_spawn(const char *step, int image, struct sg_spawned *spawned_r, struct sg_err *err)
{
	int sockets[2] = { -1, -1 }, pipes[2] = { -1, -1 }, copy = -1, status = -1, problem;
	struct sg_arena arena = SG_ARENA_INIT;
	const char *program = sg_spawn_program(&arena);

	if (image <= 3)
		copy = fcntl(image, F_DUPFD_CLOEXEC, 4);
	if ((image <= 3 && copy < 0) || make_channels(sockets, pipes) != 0) {
		sg_err_set(err, SG_CLASS_REFUSED, "cannot make a socket and a pipe for the plugin: %s", strerror(errno));
		sg_err_hint(err, "Raise the limit of open files (ulimit -n).");
		goto done;
	}
	problem = 0;
	if (!nursed(step, program, sockets[1], pipes[1], copy >= 0 ? copy : image, &spawned_r->pid, &arena))
		problem = start(program, step, sockets[1], pipes[1], copy >= 0 ? copy : image, &spawned_r->pid, &arena);
	if (problem != 0) {
		sg_err_set(err, SG_CLASS_REFUSED, "cannot start %s: %s", program, strerror(problem));
		sg_err_hint(err, problem == ENOENT || problem == EACCES
		                         ? "Install sgrun anew: " PROGRAM " is a part of it."
		                         : "The system lacks memory or processes; try again later.");
		goto done;
	}
	spawned_r->pidfd = (int)syscall(SYS_pidfd_open, spawned_r->pid, 0);
	spawned_r->socket = sockets[0];
	spawned_r->output = pipes[0];
	sockets[0] = pipes[0] = -1;
	status = 0;
done:
	for (int i = 0; i < 2; i++) {
		if (sockets[i] >= 0)
			close(sockets[i]);
		if (pipes[i] >= 0)
			close(pipes[i]);
	}
	if (copy >= 0)
		close(copy);
	sg_arena_release(&arena);
	return status;
}
