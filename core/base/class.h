/* class.h - the one table of error classes: name, text, exit status, retry.
 *
 * The name is what --json and the attempts table show; the exit status is a
 * contract (sgrun(1)); "retry" says whether a fresh attempt may help. */
#ifndef SG_CLASS_H
#define SG_CLASS_H

#include <stdbool.h>

/*        enumerator          name              exit retry  what it means                                        */
#define SG_CLASS_MAP(X) \
	X(SG_CLASS_NONE,        "none",             0, false, "no error")                                           \
	X(SG_CLASS_USAGE,       "usage",            2, false, "wrong use of the command line")                      \
	X(SG_CLASS_MANIFEST,    "manifest",         2, false, "the manifest is wrong")                              \
	X(SG_CLASS_STATE,       "state",            2, false, "the state tables or the server do not fit this sgrun") \
	X(SG_CLASS_SQL,         "sql",              1, false, "the server refused a statement")                     \
	X(SG_CLASS_CRASH,       "plugin-crash",     1, false, "the plugin's process died")                          \
	X(SG_CLASS_TIMEOUT,     "plugin-timeout",   1, false, "the plugin did not answer in time")                  \
	X(SG_CLASS_LATE,        "time-limit",       1, false, "not done within the time that it was given")         \
	X(SG_CLASS_PROTOCOL,    "plugin-protocol",  1, false, "the plugin broke the protocol")                      \
	X(SG_CLASS_FAILED,      "plugin-failed",    1, false, "the plugin reported a failure")                      \
	X(SG_CLASS_WAIT,        "waiting",          3, false, "a migration waits for a gate")                       \
	X(SG_CLASS_LOCKED,      "locked",           4, true,  "a lock could not be had in time")                    \
	X(SG_CLASS_LEASE,       "lease",            4, false, "another runner has the lease")                       \
	X(SG_CLASS_CONNECTION,  "connection",       5, true,  "the server could not be reached")                    \
	X(SG_CLASS_REJECTED,    "rejected",         5, false, "the server rejected the connection")                 \
	X(SG_CLASS_TRANSIENT,   "transient",        5, true,  "the server asked to try again")                      \
	X(SG_CLASS_REFUSED,     "refused",          6, false, "the plugin was refused")                             \
	X(SG_CLASS_POLICY,      "policy",           7, false, "the step tried what its kind may not do")            \
	X(SG_CLASS_VERIFY,      "verification",     8, false, "a fingerprint does not hold")                        \
	X(SG_CLASS_FINDINGS,    "findings",         9, false, "audit or rehearsal found something")                 \
	X(SG_CLASS_BUG,         "bug",             70, false, "a bug of sgrun")                                     \
	X(SG_CLASS_INTERRUPTED, "interrupted",    130, false, "stopped by SIGINT")                                  \
	X(SG_CLASS_TERMINATED,  "terminated",     143, false, "stopped by SIGTERM")

enum sg_class {
#define X(enumerator, name, exit, retry, text) enumerator,
	SG_CLASS_MAP(X)
#undef X
	SG_CLASS_COUNT
};

const char *sg_class_name(enum sg_class class);
const char *sg_class_text(enum sg_class class);
int sg_class_exit(enum sg_class class);
bool sg_class_retries(enum sg_class class);

/* Of two exit statuses the one that a run with both causes ends with: a signal
 * (130, 143) beats all, then 70, 2, 6, 7, 8, 1, 5, 4, 3, 9, 0. */
int sg_exit_worse(int a, int b);

#endif
