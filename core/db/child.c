/* child.c - children of child.h: fork, become the user, do it. Between fork and
 * exec nothing is kept: no descriptor, no group, no environment, no signal mask. */
#include "config.h"
#include "core/db/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

#define ASK_MS 10000

static bool become(const struct sg_child_user *user)
{
	if (!user->drop)
		return true;
	return setgroups(0, NULL) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0 && setuid(0) != 0;
}

static void plain_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&action.sa_mask);
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

SG_NORETURN static void run_program(const struct sg_child_user *user, const char *const *argv,
                                    const char *const *settings, int output, bool mortal, pid_t parent)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	const char *zone = getenv("TZ");
	char zone_setting[256], *env[4 + SG_CHILD_MORE] = { path, locale };
	size_t count = 2;
	int null = open("/dev/null", O_RDWR);

	if (zone != NULL && strlen(zone) < sizeof zone_setting - 4) {
		snprintf(zone_setting, sizeof zone_setting, "TZ=%s", zone);
		env[count++] = zone_setting;
	}
	for (size_t i = 0; settings != NULL && settings[i] != NULL && i < SG_CHILD_MORE; i++)
		env[count++] = (char *)(uintptr_t)settings[i];
	plain_signals();
	(void)setsid();
	umask(077);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	if (close_range(3, ~0u, 0) != 0 || chdir("/") != 0)
		_exit(127);
	if (!become(user)) {
		fprintf(stderr, "sgrun: cannot become user %u: %s\n", (unsigned)user->uid, strerror(errno));
		_exit(127);
	}
	/* After the change of user, which clears it. */
	if (mortal && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(127);
	execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
	fprintf(stderr, "sgrun: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t sg_child_start_with(const struct sg_child_user *user, const char *const *argv, const char *const *settings,
                          int output, bool mortal)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		run_program(user, argv, settings, output, mortal, parent);
	return pid;
}

pid_t sg_child_start(const struct sg_child_user *user, const char *const *argv, int output, bool mortal)
{
	return sg_child_start_with(user, argv, NULL, output, mortal);
}

bool sg_child_ended(pid_t pid, int64_t timeout_ms, int *status_r)
{
	int64_t deadline = sg_clock_ms() + timeout_ms;

	for (;;) {
		pid_t got = waitpid(pid, status_r, WNOHANG);

		if (got == pid)
			return true;
		if (got < 0 && errno == ECHILD) {
			*status_r = -1;
			return true;
		}
		if (sg_clock_left(deadline) == 0)
			return false;
		(void)sg_clock_sleep(2);
	}
}

void sg_child_kill(pid_t pid)
{
	int status;

	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL); /* it may not have made its session yet */
	(void)sg_child_ended(pid, 5000, &status);
}

bool sg_child_do(const struct sg_child_user *user, int (*deed)(const char *), const char *what)
{
	pid_t pid;
	int status;

	if (!user->drop)
		return deed(what) == 0;
	pid = fork();
	if (pid == 0)
		_exit(become(user) && deed(what) == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool sg_child_ask(const struct sg_child_user *user, const char *const *argv, char *line_r, size_t size)
{
	int ends[2], status = -1;
	size_t length = 0;
	ssize_t got = 1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	pid = sg_child_start(user, argv, ends[1], true);
	(void)close(ends[1]);
	while (pid > 0 && length < size - 1 && (got = read(ends[0], line_r + length, size - 1 - length)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		length += got > 0 ? (size_t)got : 0;
	}
	(void)close(ends[0]);
	line_r[length] = '\0';
	line_r[strcspn(line_r, "\n")] = '\0';
	if (pid > 0 && !sg_child_ended(pid, ASK_MS, &status))
		sg_child_kill(pid);
	return pid > 0 && status == 0;
}
