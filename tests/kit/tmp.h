/*
 * Folders for tests. Each test program has one short base folder under the system's temporary folder, in which all else is made and
 * which is removed whole at the end; what a program that was killed together with its supervisor left is removed by the next one
 * (the base folder holds a lock file that is locked while its program lives).
 */
#ifndef SG_TESTS_KIT_TMP_H
#define SG_TESTS_KIT_TMP_H

#include <stddef.h>
#include <sys/types.h>

/* The base folder, made on first use (mode 0711). At most 40 bytes: a socket's path has to fit into 107. NULL and errno if it cannot
 * be made. TMPDIR counts if it is short enough, else it is /tmp. */
const char *sg_tmp_base(void);

/* Removes what is in the base folder; also the base folder itself. With SGRUN_TEST_KEEP=1 they only say where it is. */
void sg_tmp_wipe(void);
void sg_tmp_remove_base(void);

/* In a forked child: leaves the base folder's lock to the parent alone, or a process of a test that outlives all would keep it. */
void sg_tmp_unlock(void);

/* Removes PATH and all below it, as far as it can; never follows a symbolic link. If PATH/data is what a killed server left, its System
 * V memory is removed too. */
void sg_tmp_remove(const char *path);

/* Makes a new folder PREFIXn in the base folder (PREFIX at most 8 bytes), with this mode and, for root, this owner (uid -1: as is).
 * The path's lifetime is the test's. Ends the test if it cannot. */
const char *sg_tmp_new(const char *prefix, mode_t mode, uid_t uid, gid_t gid);

/* A folder for the running test, mode 0755, so that an unprivileged process may read it; made on first use, removed with the test. */
const char *sg_tmp_dir(void);

/* Writes TEXT to NAME in sg_tmp_dir(), making folders as needed, mode 0644 whatever the umask; gives its path, until the test's end. */
const char *sg_tmp_write(const char *name, const char *text);

/* The text of the file PATH (at most 16 MiB of it), until the test's end; NULL if it cannot be read. */
const char *sg_tmp_read(const char *path);

#endif
