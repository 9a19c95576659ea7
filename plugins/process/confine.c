/* confine.c - user, limits, landlock and seccomp, in the order that each needs;
 * the only file that includes <seccomp.h>.
 *
 * The system calls are an allow-list. What is not on it traps to a handler that
 * tells the host which one it was and ends the process; a plugin that blocks
 * SIGSYS is killed by it instead. The handler cannot be replaced: rt_sigaction
 * for SIGSYS is not on the list. */
#include "config.h"
#include "plugins/process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "plugins/process/channel.h"
#include "plugins/process/landlock.h"
#include "plugins/wire/wire.h"

/* The kernel's overflow user, "nobody" on every distribution: owns nothing. */
#define NOBODY 65534

#define MEMORY_LIMIT ((rlim_t)1 << 30)
#define FILE_LIMIT 32 /* the loader opens one library at a time */

#ifdef SG_INSTRUMENTED
#define REFUSE SCMP_ACT_LOG /* sanitizers need calls that no plugin needs */
#else
#define REFUSE SCMP_ACT_TRAP
#endif

/* Without these no program runs, or they tell and change nothing outside. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(close),
	SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigpending),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(pause), SCMP_SYS(getpid), SCMP_SYS(getppid),
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
	SCMP_SYS(getrusage), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(getrlimit),
};

/* What the dynamic loader needs besides, gone once the plugin is loaded.
 * seccomp is how the second filter is put on; a further one can only take away. */
static const int while_loading[] = {
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(seccomp), SCMP_SYS(prctl),
};

/* Names for the message: what plugins are likely to be caught at. By number
 * alone the rest; nothing here may allocate, it is read in a signal handler. */
static const struct {
	int number;
	const char *name;
} names[] = {
#define NAME(call) { SCMP_SYS(call), #call }
	NAME(open), NAME(openat), NAME(openat2), NAME(creat), NAME(stat), NAME(lstat), NAME(newfstatat), NAME(statx),
	NAME(access), NAME(faccessat), NAME(faccessat2), NAME(readlink), NAME(readlinkat), NAME(getcwd), NAME(chdir),
	NAME(getdents64), NAME(unlink), NAME(unlinkat), NAME(rename), NAME(renameat), NAME(renameat2), NAME(mkdir),
	NAME(mkdirat), NAME(rmdir), NAME(link), NAME(linkat), NAME(symlink), NAME(symlinkat), NAME(chmod),
	NAME(fchmod), NAME(fchmodat), NAME(chown), NAME(fchown), NAME(fchownat), NAME(truncate), NAME(ftruncate),
	NAME(mknod), NAME(mknodat), NAME(mount), NAME(umount2), NAME(chroot), NAME(pivot_root), NAME(socket),
	NAME(socketpair), NAME(connect), NAME(bind), NAME(listen), NAME(accept), NAME(accept4), NAME(sendto),
	NAME(recvfrom), NAME(sendmsg), NAME(recvmsg), NAME(shutdown), NAME(setsockopt), NAME(getsockopt), NAME(fork),
	NAME(vfork), NAME(clone), NAME(clone3), NAME(execve), NAME(execveat), NAME(wait4), NAME(waitid), NAME(kill),
	NAME(tkill), NAME(tgkill), NAME(pidfd_open), NAME(pidfd_send_signal), NAME(rt_sigqueueinfo), NAME(ptrace),
	NAME(process_vm_readv), NAME(process_vm_writev), NAME(rt_sigaction), NAME(setuid), NAME(setgid),
	NAME(setresuid), NAME(setresgid), NAME(setgroups), NAME(capset), NAME(setsid), NAME(setpgid), NAME(setrlimit),
	NAME(prlimit64), NAME(prctl), NAME(seccomp), NAME(bpf), NAME(perf_event_open), NAME(userfaultfd),
	NAME(io_uring_setup), NAME(memfd_create), NAME(pipe), NAME(pipe2), NAME(dup), NAME(dup2), NAME(dup3),
	NAME(fcntl), NAME(ioctl), NAME(eventfd2), NAME(epoll_create1), NAME(timer_create), NAME(setitimer),
	NAME(alarm), NAME(inotify_init1), NAME(shmget), NAME(shmat), NAME(msgget), NAME(semget), NAME(mq_open),
	NAME(keyctl), NAME(add_key), NAME(unshare), NAME(setns), NAME(reboot), NAME(init_module), NAME(mlock),
	NAME(mlockall), NAME(sched_setaffinity), NAME(setpriority), NAME(syslog), NAME(getdents),
#undef NAME
};

static void on_forbidden(int signal, siginfo_t *info, void *context)
{
	const char *name = NULL;

	(void)signal;
	(void)context;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number == info->si_syscall && info->si_syscall >= 0)
			name = names[i].name;
	sg_channel_forbidden(info->si_syscall, name);
	_exit(SG_EXIT_FORBIDDEN);
}

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

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

		if (status != 0)
			return status;
	}
	return 0;
}

/* Those whose arguments matter. */
static int allow_some(scmp_filter_ctx filter)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();
	/* O_RDONLY is 0: every flag that writes or makes a file must be clear */
	const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
	const struct {
		unsigned action;
		int call;
		struct scmp_arg_cmp argument;
	} rules[] = {
		{ SCMP_ACT_ALLOW, SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), SCMP_A0(SCMP_CMP_NE, SIGSYS) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, self) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(kill), SCMP_A0(SCMP_CMP_EQ, self) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD) },
		/* isatty() of a stream: no */
		{ SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS */) },
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		int status = seccomp_rule_add(filter, rules[i].action, rules[i].call, 1, rules[i].argument);

		if (status != 0)
			return status;
	}
	return 0;
}

static int first_filter(void)
{
	struct sigaction action;
	scmp_filter_ctx filter = seccomp_init(REFUSE);
	int status;

	if (filter == NULL)
		return -ENOMEM;
	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_forbidden;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSYS, &action, NULL);
	status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (status == 0)
		status = allow_all(filter, allowed, sizeof allowed / sizeof allowed[0]);
	if (status == 0)
		status = allow_all(filter, while_loading, sizeof while_loading / sizeof while_loading[0]);
	if (status == 0)
		status = allow_some(filter);
	if (status == 0)
		status = seccomp_load(filter);
	seccomp_release(filter);
	return status;
}

/* On top of the first: of two filters the stricter verdict holds. */
static int second_filter(void)
{
	static const int more[] = { SCMP_SYS(open), SCMP_SYS(openat) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int status;

	if (filter == NULL)
		return -ENOMEM;
	status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; status == 0 && i < sizeof more / sizeof more[0]; i++)
		status = seccomp_rule_add(filter, REFUSE, more[i], 0);
	for (size_t i = 0; status == 0 && i < sizeof while_loading / sizeof while_loading[0]; i++)
		status = seccomp_rule_add(filter, REFUSE, while_loading[i], 0);
	/* fstat() is newfstatat with an empty path; a path is none of its business */
	if (status == 0)
		status = seccomp_rule_add(filter, REFUSE, SCMP_SYS(newfstatat), 1,
		                          SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
	if (status == 0)
		status = seccomp_load(filter);
	seccomp_release(filter);
	return status;
}

int sg_confine_before_load(struct sg_confine *confine)
{
	bool required = confine->mode == SG_CONFINE_REQUIRED;
	int status;

	if (confine->mode != SG_CONFINE_OFF && drop_user() != 0) {
		if (required)
			return failed(confine, "to become an unprivileged user", errno);
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
	if (sg_landlock_restrict() != 0)
		confine->missing |= SG_WIRE_NO_LANDLOCK;
#endif
	if (limit_all(confine->cpu_seconds) != 0)
		return failed(confine, "resource limits", errno);
	status = first_filter();
	if (status != 0) {
		if (required)
			return failed(confine, "a seccomp filter", -status);
		confine->missing |= SG_WIRE_NO_SECCOMP;
	}
	return 0;
}

int sg_confine_after_load(struct sg_confine *confine)
{
	int status;

	if (confine->mode == SG_CONFINE_OFF || (confine->missing & SG_WIRE_NO_SECCOMP) != 0)
		return 0;
	status = second_filter();
	if (status == 0)
		return 0;
	if (confine->mode == SG_CONFINE_REQUIRED)
		return failed(confine, "a second seccomp filter", -status);
	confine->missing |= SG_WIRE_NO_SECCOMP;
	return 0;
}
