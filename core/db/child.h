/* child.h - programs of the server, and dangerous deeds, done as its user. */
#ifndef SG_CHILD_H
#define SG_CHILD_H

#include <sys/types.h>

#include "core/base/base.h"

/* Who runs the server: ourselves, or whom root becomes. */
struct sg_child_user {
	uid_t uid;
	gid_t gid;
	bool drop; /* we are root and have to become that user */
};

/* Starts argv (argv[0] is searched in PATH) in a session of its own, so that a
 * terminal's Ctrl-C does not reach it, with an environment of its own, its output
 * to the descriptor. mortal: it is killed when we die. -1 with errno. */
pid_t sg_child_start(const struct sg_child_user *user, const char *const *argv, int output, bool mortal);
/* The same with up to SG_CHILD_MORE settings "NAME=value" more, ended by NULL: what must not stand on a command line. */
#define SG_CHILD_MORE 4
pid_t sg_child_start_with(const struct sg_child_user *user, const char *const *argv, const char *const *settings,
                          int output, bool mortal);
/* True once it has ended (it is reaped): *status_r as of waitpid. Waits at most that long. */
bool sg_child_ended(pid_t pid, int64_t timeout_ms, int *status_r);
/* Kills it with its session's process group, and reaps it. */
void sg_child_kill(pid_t pid);
/* Calls deed(what) in a child process as that user; true if it returned 0. */
bool sg_child_do(const struct sg_child_user *user, int (*deed)(const char *), const char *what);
/* Runs it to its end, and gives the first line of its output; false if it failed. */
bool sg_child_ask(const struct sg_child_user *user, const char *const *argv, char *line_r, size_t size);

#endif
