/* nursery.c - starts the nursery and asks it for processes. */
#include "config.h"
#include "core/plugin/nursery.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

#define ANSWER_MS 5000

static int control = -1;
static pid_t nursery;
static pid_t owner; /* who started it: after a fork it is the parent's, not ours */

void sg_nursery_stop(void)
{
	if (control < 0)
		return;
	close(control);
	control = -1;
	if (owner != getpid())
		return;
	(void)kill(nursery, SIGKILL);
	while (waitpid(nursery, NULL, 0) < 0 && errno == EINTR)
		;
}

/* LCOV_EXCL_START: builds for tests start the program each time (core/plugin/spawn.c); the plain build tests it */
static int start(const char *program, char *const *environment)
{
	/* the blanks are room for the ids of its children's steps */
	char name[] = "sgrun-plugin", argument[] = "--nursery                                                       ";
	char *arguments[] = { name, argument, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int sockets[2], status = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		return -1;
	sigfillset(&all);
	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&actions) == 0) {
		if (posix_spawnattr_init(&attributes) == 0) {
			if (posix_spawn_file_actions_adddup2(&actions, sockets[1], 0) == 0 &&
			    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1 /* O_WRONLY */, 0) == 0 &&
			    posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0 &&
			    posix_spawnattr_setsigdefault(&attributes, &all) == 0 &&
			    posix_spawnattr_setsigmask(&attributes, &none) == 0 &&
			    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
			                                                      POSIX_SPAWN_SETSID) == 0 &&
			    posix_spawn(&nursery, program, &actions, &attributes, arguments, environment) == 0)
				status = 0;
			posix_spawnattr_destroy(&attributes);
		}
		posix_spawn_file_actions_destroy(&actions);
	}
	close(sockets[1]);
	owner = getpid();
	if (status == 0)
		control = sockets[0];
	else
		close(sockets[0]);
	return status;
}

static int ask(const char *step, const int fds[3])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} space;
	size_t length = strnlen(step, 200);
	char text[201] = "?";
	struct iovec data = { text, length > 0 ? length : 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space };
	struct cmsghdr *header;

	memcpy(text, step, length);
	memset(&space, 0, sizeof space);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(3 * sizeof(int));
	memcpy(CMSG_DATA(header), fds, 3 * sizeof(int));
	return sendmsg(control, &message, MSG_NOSIGNAL) > 0 ? 0 : -1;
}

static int answer(pid_t *pid_r)
{
	int64_t deadline = sg_clock_ms() + ANSWER_MS;
	struct pollfd wait = { .fd = control, .events = POLLIN };
	int32_t pid;
	int n;

	do {
		n = poll(&wait, 1, sg_clock_left(deadline));
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || recv(control, &pid, sizeof pid, 0) != (ssize_t)sizeof pid || pid <= 0)
		return -1;
	*pid_r = pid;
	return 0;
}

int sg_nursery_spawn(const char *step, const char *program, char *const *environment, int socket, int output, int image,
                     pid_t *pid_r)
{
	const int fds[3] = { socket, output, image };

	if (control >= 0 && owner != getpid())
		sg_nursery_stop();
	/* Twice: one that somebody killed is replaced. */
	for (int turn = 0; turn < 2; turn++) {
		if (control < 0 && start(program, environment) != 0)
			return -1;
		if (ask(step, fds) == 0 && answer(pid_r) == 0)
			return 0;
		sg_nursery_stop();
	}
	return -1;
}
/* LCOV_EXCL_STOP */
