/* timed.c - runs a command and says what it cost.
 *
 *   timed FILE COMMAND [ARGUMENT]…
 *
 * Appends one line to FILE: wall time in microseconds, CPU time of the command
 * and all its children in microseconds, and the peak memory in KiB of the largest
 * of these processes. Its exit status is the command's. A program, not the
 * shell's `time`, since a shell's own fork is a tenth of what is measured here. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long us(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	long long start, end;
	pid_t pid, waited;
	int status, error;
	FILE *file;

	if (argc < 3) {
		fprintf(stderr, "usage: timed FILE COMMAND [ARGUMENT]...\n");
		return 2;
	}
	start = now_us();
	error = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
	if (error != 0) {
		fprintf(stderr, "timed: %s: %s\n", argv[2], strerror(error));
		return 127;
	}
	while ((waited = wait4(pid, &status, 0, &usage)) < 0 && errno == EINTR)
		;
	end = now_us();
	if (waited < 0) {
		fprintf(stderr, "timed: wait4: %s\n", strerror(errno));
		return 127;
	}
	file = fopen(argv[1], "a");
	if (file == NULL) {
		fprintf(stderr, "timed: %s: %s\n", argv[1], strerror(errno));
		return 127;
	}
	fprintf(file, "%lld %lld %ld\n", end - start, us(usage.ru_utime) + us(usage.ru_stime), usage.ru_maxrss);
	if (fclose(file) != 0) {
		fprintf(stderr, "timed: %s: %s\n", argv[1], strerror(errno));
		return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
