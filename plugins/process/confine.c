/* confine.c - user, limits, landlock and seccomp, in the order that each needs.
 * Which system calls are left is filter_make.c's; its filters are compiled in. */
#include "config.h"
#include "plugins/process/confine.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "plugins/process/channel.h"
#include "plugins/process/filter.h"
#include "plugins/process/filters.h"
#include "plugins/process/landlock.h"
#include "plugins/wire/wire.h"

/* The kernel's overflow user, "nobody" on every distribution: owns nothing. */
#define NOBODY 65534

#define MEMORY_LIMIT ((rlim_t)1 << 30)
#define FILE_LIMIT 32 /* the loader opens one library at a time */

/* LCOV_EXCL_START: in a build for coverage the filters only log */
static void on_forbidden(int signal, siginfo_t *info, void *context)
{
	const char *name = NULL;

	(void)signal;
	(void)context;
	for (size_t i = 0; i < sizeof call_names / sizeof call_names[0]; i++)
		if (call_names[i].number == info->si_syscall)
			name = call_names[i].name;
	sg_channel_forbidden(info->si_syscall, name);
	_exit(SG_EXIT_FORBIDDEN);
}

/* LCOV_EXCL_STOP */

static int failed(struct sg_confine *confine, const char *what, int error)
{
	confine->what = what;
	confine->error = error;
	return -1;
}

static int drop_user(void)
{
#ifndef SG_COVERAGE /* whose counters are files of the builder's */
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	                       setresuid(NOBODY, NOBODY, NOBODY) != 0))
		return -1;
	/* ambient and file capabilities of a host that is not root */
	if (syscall(SYS_capset, &header, none) != 0)
		return -1;
#endif
	return 0;
}

static int limit(int resource, rlim_t value)
{
	struct rlimit now = { value, value }, old;

	if (getrlimit(resource, &old) == 0 && old.rlim_max < value)
		now.rlim_cur = now.rlim_max = old.rlim_max;
	return setrlimit(resource, &now);
}

static int limit_all(uint32_t cpu_seconds)
{
	if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NOFILE, FILE_LIMIT) != 0 || limit(RLIMIT_CPU, cpu_seconds) != 0)
		return -1;
#ifndef SG_INSTRUMENTED
	if (limit(RLIMIT_AS, MEMORY_LIMIT) != 0 || limit(RLIMIT_FSIZE, 0) != 0)
		return -1;
#endif
	return 0;
}

/* Puts the process's own id where filter_make.c left a mark: a plugin may send
 * signals to nobody else. */
static int load_filter(const struct sock_filter *filter, size_t count)
{
	struct sock_filter own[1024];
	const struct sock_fprog program = { (unsigned short)count, own };

	if (count > sizeof own / sizeof own[0])
		return -1;
	memcpy(own, filter, count * sizeof own[0]);
	for (size_t i = 0; i < count; i++)
		if (own[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && own[i].k == SG_FILTER_SELF)
			own[i].k = (uint32_t)getpid();
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int first_filter(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_forbidden;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSYS, &action, NULL);
	return load_filter(filter_load, sizeof filter_load / sizeof filter_load[0]);
}

static int rules = -1; /* of landlock */
static int rules_error;
static bool prepared;

/* LCOV_EXCL_START: landlock is not used in a build for coverage, whose counters are files */
void sg_confine_prepare(void)
{
	if (prepared)
		return;
	prepared = true;
	rules = sg_landlock_make();
	rules_error = rules < 0 ? errno : 0;
}

int sg_confine_descriptor(void)
{
	return rules;
}

void sg_confine_set_descriptor(int fd)
{
	rules = fd;
}

/* LCOV_EXCL_STOP */

#ifndef SG_COVERAGE
static int landlock(void)
{
	int status;

	sg_confine_prepare();
	if (rules < 0) {
		errno = rules_error;
		return -1;
	}
	status = sg_landlock_restrict(rules);
	close(rules);
	rules = -1;
	return status;
}
#endif

int sg_confine_before_load(struct sg_confine *confine)
{
	bool required = confine->mode == SG_CONFINE_REQUIRED;

	if (confine->mode != SG_CONFINE_OFF && drop_user() != 0) {
		if (required)
			return failed(confine, "change to an unprivileged user", errno);
		confine->missing |= SG_WIRE_STILL_ROOT;
	}
	/* after the change of user, which clears both */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if ((uint32_t)getppid() != confine->parent)
		sg_channel_exit(SG_EXIT_HOST);
	if (confine->mode == SG_CONFINE_OFF)
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(confine, "PR_SET_NO_NEW_PRIVS", errno);
#ifndef SG_COVERAGE
	if (landlock() != 0)
		confine->missing |= SG_WIRE_NO_LANDLOCK;
#endif
	if (limit_all(confine->cpu_seconds) != 0)
		return failed(confine, "resource limits", errno);
	if (first_filter() != 0) {
		if (required)
			return failed(confine, "seccomp filter", errno);
		confine->missing |= SG_WIRE_NO_SECCOMP;
	}
	return 0;
}

int sg_confine_after_load(struct sg_confine *confine)
{
	if (confine->mode == SG_CONFINE_OFF || (confine->missing & SG_WIRE_NO_SECCOMP) != 0)
		return 0;
	/* on top of the first: of two filters the stricter verdict holds */
	if (load_filter(filter_run, sizeof filter_run / sizeof filter_run[0]) == 0)
		return 0;
	if (confine->mode == SG_CONFINE_REQUIRED)
		return failed(confine, "second seccomp filter", errno);
	confine->missing |= SG_WIRE_NO_SECCOMP;
	return 0;
}
