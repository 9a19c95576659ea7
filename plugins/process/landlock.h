/* landlock.h - which files the process can reach at all: libraries, to read and
 * execute, and nothing else. */
#ifndef SG_PROCESS_LANDLOCK_H
#define SG_PROCESS_LANDLOCK_H

/* Makes the rules: a descriptor, or -1 with errno ENOSYS or EOPNOTSUPP where the
 * kernel has no landlock (or has it turned off), another errno where it failed. */
int sg_landlock_make(void);
/* Puts them on, for good. Needs PR_SET_NO_NEW_PRIVS. 0 or -1 with errno. */
int sg_landlock_restrict(int rules);

#endif
