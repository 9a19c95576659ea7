/* worker.c - forks a worker, ties it to its supervisor, ends and reaps it, as worker.h says.
 *
 * A thread listens to the supervisor, so that a stop is seen while a statement runs; it
 * only sets flags. That the supervisor is gone is told by the end of the socket: nobody
 * else has its other end, since every worker closes what it does not need. */
#include "config.h"
#include "core/exec/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/nursery.h"

/* A worker is a process: there is one. */
static struct {
	int socket;
	int patience_ms;
	void (*hear)(const struct sg_note *note);
} self = { .socket = -1 };

/* ---- to and from the supervisor ---------------------------------------------- */

static void orphaned(void)
{
	sg_stop_tell(1, SIGTERM);
}

static void sleep_ms(int64_t ms)
{
	int64_t end = sg_clock_ms() + ms;

	while (sg_clock_ms() < end)
		(void)sg_clock_sleep(sg_clock_left(end));
}

static void *listen_to_supervisor(void *unused)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct pollfd wait = { .fd = self.socket, .events = POLLIN };

	(void)unused;
	for (;;) {
		struct sg_note note;
		int got;

		sg_arena_reset(&arena);
		if (poll(&wait, 1, -1) < 0 && errno != EINTR)
			break;
		got = sg_note_receive(self.socket, &arena, &note);
		if (got == 0)
			continue;
		if (got < 0)
			break;
		if (note.kind == SG_WORKER_STOP)
			sg_stop_tell((int)note.n[0], (int)note.n[1]);
		else if (self.hear != NULL)
			self.hear(&note);
	}
	sg_arena_release(&arena);
	/* The supervisor is gone: what runs is brought to its end, and nothing is begun. */
	orphaned();
	if (self.patience_ms > 0) {
		sleep_ms(self.patience_ms);
		sg_stop_tell(2, SIGTERM);
		sleep_ms(SG_WORKER_LAST_MS);
		_exit(1);
	}
	return NULL;
}

void sg_worker_send(const struct sg_note *note)
{
	if (!sg_note_send(self.socket, note))
		orphaned();
}

void sg_worker_spare(const struct sg_note *note)
{
	if (!sg_note_spare(self.socket, note))
		orphaned();
}

void sg_worker_say(int kind, const char *text)
{
	struct sg_note note = { .kind = kind, .texts = { text } };

	sg_worker_send(&note);
}

static void send_log(const char *line, size_t length)
{
	struct sg_arena arena = SG_ARENA_INIT;

	sg_worker_say(SG_WORKER_LOG, sg_arena_strndup(&arena, line, length));
	sg_arena_release(&arena);
}

/* ---- the process ---------------------------------------------------------------- */

/* All but the first three and these two belongs to the supervisor. keep may be -1. */
static void close_others(int socket, int keep)
{
	int low = socket < keep ? socket : keep, high = socket < keep ? keep : socket;

	if (low <= STDERR_FILENO)
		low = STDERR_FILENO;
	if (low > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0U, 0);
}

/* What a process would do at its exit for an instrumented build: a worker ends without what its supervisor has registered. */
#ifdef SG_COVERAGE
void __gcov_dump(void);
#elif defined SG_SANITIZED
void __lsan_do_leak_check(void);
#endif

static _Noreturn void end_worker(void)
{
#ifdef SG_COVERAGE
	__gcov_dump();
#elif defined SG_SANITIZED
	__lsan_do_leak_check();
#endif
	_exit(0);
}

/* The terminal goes, and takes the supervisor with it: what was begun is still brought to its end. */
static void ignore_hangup(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	if (sigaction(SIGHUP, &ignore, NULL) != 0 || sigaction(SIGQUIT, &ignore, NULL) != 0)
		SG_BUG("signals cannot be ignored");
}

static _Noreturn void be_worker(const struct sg_worker *worker, int socket, pid_t supervisor)
{
	pthread_t listener;

	sg_stop_mute();
	if (worker->patience_ms > 0)
		ignore_hangup();
	else if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != supervisor)
		_exit(1);
	self.socket = socket;
	self.patience_ms = worker->patience_ms;
	self.hear = worker->hear;
	sg_log_divert(send_log);
	sg_nursery_stop(); /* the supervisor's; ours is started when it is needed */
	close_others(socket, worker->keep);
	if (pthread_create(&listener, NULL, listen_to_supervisor, NULL) != 0)
		SG_BUG("a worker cannot listen");
	worker->work(worker->context);
	end_worker();
}

int sg_worker_fork(const struct sg_worker *worker, pid_t *pid_r, int *socket_r, struct sg_err *err)
{
	pid_t supervisor = getpid(), pid;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0)
		return sg_err_set(err, SG_CLASS_CONNECTION, "a process cannot be started: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		(void)close(sockets[0]);
		be_worker(worker, sockets[1], supervisor);
	}
	(void)close(sockets[1]);
	if (pid < 0) {
		(void)close(sockets[0]);
		return sg_err_set(err, SG_CLASS_CONNECTION, "a process cannot be started: %s", strerror(errno));
	}
	*pid_r = pid;
	*socket_r = sockets[0];
	return 0;
}

void sg_worker_stop(int socket, int count, int signal)
{
	const struct sg_note note = { .kind = SG_WORKER_STOP, .n = { count, signal } };

	(void)sg_note_send(socket, &note);
}

int sg_worker_reap(pid_t *pid, int *socket, int64_t patience_ms)
{
	int64_t end = sg_clock_ms() + patience_ms;
	int status = 0;
	pid_t got;

	if (*socket >= 0)
		(void)close(*socket);
	*socket = -1;
	if (*pid == 0)
		return 0;
	while ((got = waitpid(*pid, &status, WNOHANG)) == 0 && sg_clock_ms() < end)
		(void)sg_clock_sleep(1);
	if (got == 0) {
		(void)kill(*pid, SIGKILL);
		while ((got = waitpid(*pid, &status, 0)) < 0 && errno == EINTR)
			continue;
	}
	*pid = 0;
	return got > 0 ? status : 0;
}
