/* landlock.c - restricts the file system, see landlock.h and landlock(7). libc
 * has no wrappers for these system calls. Must run before the plugin's file is
 * opened: a constructor can then read no /proc, no ~/.pgpass, no key. The
 * plugin itself is a memfd, which no path rule concerns. */
#include "config.h"
#include "plugins/process/landlock.h"

#include <errno.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

/* All access rights of each ABI version: what is handled and not allowed by a
 * rule is denied. By number, since the header may be older than the kernel. */
/* LCOV_EXCL_START: not used in a build for coverage, whose counters are files; the plain build tests it */
static const uint64_t handled[] = { 0, (UINT64_C(1) << 13) - 1, (UINT64_C(1) << 14) - 1, (UINT64_C(1) << 15) - 1,
	                            (UINT64_C(1) << 15) - 1, (UINT64_C(1) << 16) - 1 };

/* Where the dynamic loader looks: the system's folders, and the stores of Nix and Guix. */
static const char *const folders[] = { "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib",
	                               "/usr/local/lib64", "/nix/store", "/gnu/store" };

static bool same_file(const char *a, const char *b)
{
	/* merged /usr: /lib is a link to usr/lib, one rule does for both */
	char target[64];
	ssize_t n = readlink(a, target, sizeof target);

	if (n <= 0 || (size_t)n == sizeof target)
		return false;
	target[n] = '\0';
	for (size_t i = target[0] == '/' ? 1 : 0, k = 1;; i++, k++) {
		if (target[i] != b[k])
			return false;
		if (target[i] == '\0')
			return true;
	}
}

static int allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	int status;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		/* cppcheck-suppress memleak ; it was not opened */
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -1;
	status = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return status;
}

int sg_landlock_make(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { 0 };
	size_t last = sizeof handled / sizeof handled[0] - 1;
	int rules, saved;

	if (version < 1)
		return -1;
	attr.handled_access_fs = handled[(size_t)version < last ? (size_t)version : last];
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (rules < 0)
		return -1;
	if (allow(rules, "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE) != 0)
		goto failed;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		if ((i == 2 && same_file("/lib", "/usr/lib")) || (i == 3 && same_file("/lib64", "/usr/lib64")))
			continue;
		if (allow(rules, folders[i],
		          LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR) != 0)
			goto failed;
	}
	return rules;
failed:
	saved = errno;
	close(rules);
	errno = saved;
	return -1;
}

int sg_landlock_restrict(int rules)
{
	return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}

#else

int sg_landlock_make(void)
{
	errno = ENOSYS;
	return -1;
}

int sg_landlock_restrict(int rules)
{
	(void)rules;
	errno = ENOSYS;
	return -1;
}

#endif
/* LCOV_EXCL_STOP */
