/* nursery.c - the loop of nursery.h.
 *
 * Why: exec and the dynamic loader cost a millisecond or more (the loader's CPUID
 * instructions trap in a virtual machine), fork of this small process a tenth. */
#include "config.h"
#include "plugins/process/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugins/process/channel.h"
#include "plugins/process/confine.h"

#define RULES_FD 4 /* in the child: behind socket, output twice, image */
#define SPARE 16   /* received descriptors are lifted above what they are put on */

/* 3 descriptors and the step's id, or -1. */
/* LCOV_EXCL_START: builds for tests start the program each time (core/plugin/spawn.c); the plain build tests it */
static int receive(int fds_r[3], char step_r[256])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec data = { step_r, 255 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		                  .msg_controllen = sizeof control };
	struct cmsghdr *header;
	ssize_t n;

	do {
		n = recvmsg(SG_CHANNEL_FD, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(3 * sizeof(int)))
		return -1;
	step_r[n] = '\0';
	memcpy(fds_r, CMSG_DATA(header), 3 * sizeof(int));
	return 0;
}

static int put(int from, int to)
{
	return dup2(from, to) == to ? 0 : -1;
}

/* The child's descriptors, as exec would have given them. */
static int arrange(const int fds[3])
{
	int high[4];

	for (int i = 0; i < 3; i++) {
		high[i] = fcntl(fds[i], F_DUPFD, SPARE);
		if (high[i] < 0)
			return -1;
	}
	high[3] = sg_confine_descriptor() < 0 ? -1 : fcntl(sg_confine_descriptor(), F_DUPFD, SPARE);
	if (put(high[0], 0) != 0 || put(high[1], 1) != 0 || put(high[1], 2) != 0 || put(high[2], 3) != 0)
		return -1;
	if (high[3] >= 0) {
		if (put(high[3], RULES_FD) != 0)
			return -1;
		sg_confine_set_descriptor(RULES_FD);
	}
	return (int)syscall(SYS_close_range, high[3] >= 0 ? RULES_FD + 1 : RULES_FD, ~0U, 0);
}

int sg_nursery_main(char *argument, void (*serve)(void))
{
	size_t room = strlen(argument);
	char step[256];
	int fds[3];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (syscall(SYS_close_range, 3, ~0U, 0) != 0)
		return SG_EXIT_HOST;
	sg_confine_prepare();
	while (receive(fds, step) == 0) {
		int32_t answer;
		long pid;

		/* The host's child, not ours: it reaps, and PR_SET_PDEATHSIG means it. */
		pid = syscall(SYS_clone, (long)(CLONE_PARENT | SIGCHLD), 0L, 0L, 0L, 0L);
		if (pid == 0) {
			if (arrange(fds) != 0)
				_exit(SG_EXIT_HOST);
			(void)setsid();
			/* what ps shows */
			for (size_t i = 0, end = strlen(step); i < room; i++)
				argument[i] = i < end ? step[i] : '\0';
			serve();
			_exit(SG_EXIT_HOST);
		}
		answer = pid > 0 ? (int32_t)pid : -errno;
		for (int i = 0; i < 3; i++)
			close(fds[i]);
		if (send(SG_CHANNEL_FD, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
			break;
	}
	return SG_EXIT_DONE;
}
/* LCOV_EXCL_STOP */
