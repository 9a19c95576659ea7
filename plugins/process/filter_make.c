/* filter_make.c - writes the seccomp filters of sgrun-plugin as C, when sgrun is
 * built; the only file that includes <seccomp.h>.
 *
 * Every plugin's process starts with these filters, so they are computed once:
 * linking libseccomp and building them anew took a third of the process's
 * start. It runs on the machine that builds, for that machine.
 *
 * The system calls are an allow-list. What is not on it traps to a handler that
 * tells the host which one it was and ends the process; a plugin that blocks
 * SIGSYS is killed by it instead. The handler cannot be replaced: rt_sigaction
 * for SIGSYS is not on the list. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/filter.h>
#include <seccomp.h>

#include "plugins/process/filter.h"

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
	SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(seccomp),
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

/* A tree instead of a list: the kernel walks the filter once for every system
 * call that exists when it is loaded. */
static scmp_filter_ctx begin(uint32_t action)
{
	scmp_filter_ctx filter = seccomp_init(action);

	if (filter != NULL && (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	                       seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)) {
		seccomp_release(filter);
		return NULL;
	}
	return filter;
}

static int write_filter(const char *name, scmp_filter_ctx filter)
{
	FILE *file = tmpfile();
	struct sock_filter one;
	int status = file == NULL ? -errno : seccomp_export_bpf(filter, fileno(file));

	if (status == 0) {
		rewind(file);
		printf("static const struct sock_filter %s[] = {\n", name);
		while (fread(&one, sizeof one, 1, file) == 1)
			printf("\t{ 0x%02x, %u, %u, 0x%08xu },\n", one.code, one.jt, one.jf, one.k);
		printf("};\n");
	}
	if (file != NULL)
		fclose(file);
	return status;
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
	const scmp_datum_t self = SG_FILTER_SELF;
	/* O_RDONLY is 0: every flag that writes or makes a file must be clear */
	const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
	const struct {
		unsigned action;
		int call;
		struct scmp_arg_cmp argument;
	} rules[] = {
		{ SCMP_ACT_ALLOW, SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0) },
		/* arguments are compared in 64 bits, and the kernel reads 32 of this one: a "not SIGSYS" can be
		 * passed by, a "below SIGSYS" cannot; the real-time signals above it are no loss */
		{ SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), SCMP_A0(SCMP_CMP_LT, SIGSYS, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, self, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(kill), SCMP_A0(SCMP_CMP_EQ, self, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0) },
		{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0) },
		/* isatty() of a stream: no */
		{ SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS */, 0) },
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		int status = seccomp_rule_add(filter, rules[i].action, rules[i].call, 1, rules[i].argument);

		if (status != 0)
			return status;
	}
	return 0;
}

static int write_first(void)
{
	scmp_filter_ctx filter = begin(REFUSE);
	int status = filter == NULL ? -ENOMEM : 0;

	if (status == 0)
		status = allow_all(filter, allowed, sizeof allowed / sizeof allowed[0]);
	if (status == 0)
		status = allow_all(filter, while_loading, sizeof while_loading / sizeof while_loading[0]);
	if (status == 0)
		status = allow_some(filter);
	if (status == 0)
		status = write_filter("filter_load", filter);
	seccomp_release(filter);
	return status;
}

/* On top of the first: of two filters the stricter verdict holds. */
static int write_second(void)
{
	static const int more[] = { SCMP_SYS(open), SCMP_SYS(openat) };
	scmp_filter_ctx filter = begin(SCMP_ACT_ALLOW);
	int status = filter == NULL ? -ENOMEM : 0;

	for (size_t i = 0; status == 0 && i < sizeof more / sizeof more[0]; i++)
		status = seccomp_rule_add(filter, REFUSE, more[i], 0);
	for (size_t i = 0; status == 0 && i < sizeof while_loading / sizeof while_loading[0]; i++)
		status = seccomp_rule_add(filter, REFUSE, while_loading[i], 0);
	/* fstat() is newfstatat with an empty path; a path is none of its business */
	if (status == 0)
		status = seccomp_rule_add(filter, REFUSE, SCMP_SYS(newfstatat), 1,
		                          SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
	if (status == 0)
		status = write_filter("filter_run", filter);
	seccomp_release(filter);
	return status;
}

static void write_names(void)
{
	printf("static const struct {\n\tint number;\n\tconst char *name;\n} call_names[] = {\n");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number >= 0) /* less: this architecture has no such call */
			printf("\t{ %d, \"%s\" },\n", names[i].number, names[i].name);
	printf("};\n");
}

int main(void)
{
	int status;

	printf("/* Written by filter_make.c when sgrun was built. */\n");
	status = write_first();
	if (status == 0)
		status = write_second();
	if (status != 0) {
		fprintf(stderr, "filter_make: cannot build the filters: %s\n", strerror(-status));
		return EXIT_FAILURE;
	}
	write_names();
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
