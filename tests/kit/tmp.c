/*
 * The folders of a test program. One base folder holds everything, so that one removal at the end is enough, whoever does it: the
 * program, its supervisor, or, if both were killed, the next test program that starts.
 */
#include "config.h"

#include "tests/kit/tmp.h"

#include "tests/kit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BASE_PREFIX "sgt-"
#define BASE_MAX 40
#define STALE_SECONDS 60 /* a base folder without its lock file is being made, unless it is older than this */

static char base[BASE_MAX + 1];
static int lock_fd = -1;

/* ---- removal ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_DP || kind == FTW_D || kind == FTW_DNR)
        (void)rmdir(path);
    else
        (void)unlink(path);
    return 0;
}

static int open_up(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if ((kind == FTW_D || kind == FTW_DNR) && (st->st_mode & 0700) != 0700)
        (void)chmod(path, 0700);
    return 0;
}

/* A killed postmaster leaves its System V segment, named in line 7 of postmaster.pid. Nobody is attached any more: remove it. */
static void remove_segment(const char *folder)
{
    char path[1024];
    char line[128];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/data/postmaster.pid", folder);
    if ((f = fopen(path, "re")) == NULL)
        return;
    for (int i = 1; fgets(line, sizeof line, f) != NULL; i++) {
        struct shmid_ds ds;
        int id;

        if (i == 7 && sscanf(line, "%*s %d", &id) == 1 && shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 0)
            (void)shmctl(id, IPC_RMID, NULL);
    }
    (void)fclose(f);
}

void sg_tmp_remove(const char *path)
{
    remove_segment(path);
    (void)nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
    if (access(path, F_OK) == 0) { /* a folder that its owner may not enter */
        (void)nftw(path, open_up, 16, FTW_PHYS);
        (void)nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
    }
}

static void wipe(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        char path[512];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, ".lock") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        sg_tmp_remove(path);
    }
    (void)closedir(dir);
}

static bool keep(void)
{
    const char *wish = getenv("SGRUN_TEST_KEEP");

    return wish != NULL && strcmp(wish, "1") == 0;
}

void sg_tmp_wipe(void)
{
    if (base[0] != '\0' && !keep())
        wipe(base);
}

void sg_tmp_remove_base(void)
{
    char path[BASE_MAX + 16];

    if (base[0] == '\0')
        return;
    if (keep()) {
        printf("kept: %s\n", base);
    } else {
        wipe(base);
        (void)snprintf(path, sizeof path, "%s/.lock", base);
        (void)unlink(path);
        (void)rmdir(base);
    }
    sg_tmp_unlock();
    base[0] = '\0';
}

void sg_tmp_unlock(void)
{
    if (lock_fd >= 0)
        (void)close(lock_fd);
    lock_fd = -1;
}

/* ---- the base folder ---- */

/* Removes FOLDER if the program that made it, with its supervisor, is no more. */
static void remove_if_stale(const char *folder)
{
    char path[600];
    struct stat st;
    int fd;

    if (lstat(folder, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return;
    (void)snprintf(path, sizeof path, "%s/.lock", folder);
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 ? st.st_mtime + STALE_SECONDS < time(NULL) : flock(fd, LOCK_EX | LOCK_NB) == 0) {
        wipe(folder);
        (void)unlink(path);
        (void)rmdir(folder);
    }
    if (fd >= 0)
        (void)close(fd);
}

static void remove_stale(const char *tmp)
{
    DIR *dir = opendir(tmp);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, BASE_PREFIX, strlen(BASE_PREFIX)) == 0) {
            char path[BASE_MAX + NAME_MAX + 2];

            (void)snprintf(path, sizeof path, "%s/%s", tmp, entry->d_name);
            remove_if_stale(path);
        }
    (void)closedir(dir);
}

/* False if the folder could not be made, or was taken for a stale one by a program that looked between its making and its lock. */
static bool make_base(const char *tmp)
{
    char path[BASE_MAX + 16];
    int saved;

    (void)snprintf(base, sizeof base, "%s/" BASE_PREFIX "XXXXXX", tmp);
    if (mkdtemp(base) == NULL) {
        base[0] = '\0';
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/.lock", base);
    lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_fd >= 0 && flock(lock_fd, LOCK_EX | LOCK_NB) == 0 && chmod(base, 0711) == 0)
        return true;
    saved = errno;
    sg_tmp_remove_base();
    errno = saved;
    return false;
}

const char *sg_tmp_base(void)
{
    const char *tmp = getenv("TMPDIR");

    if (base[0] != '\0')
        return base;
    if (tmp == NULL || tmp[0] != '/' || strlen(tmp) + strlen("/" BASE_PREFIX "XXXXXX") > BASE_MAX || access(tmp, W_OK | X_OK) != 0)
        tmp = "/tmp";
    remove_stale(tmp);
    for (int tries = 0; tries < 20; tries++)
        if (make_base(tmp))
            return base;
    return NULL;
}

/* ---- for tests ---- */

const char *sg_tmp_new(const char *prefix, mode_t mode, uid_t uid, gid_t gid)
{
    const char *in = sg_tmp_base();

    if (in == NULL)
        T_FATAL("no temporary folder: %s", strerror(errno));
    for (int n = 1; n < 100000; n++) {
        const char *path = sg_test_strf("%s/%.8s%d", in, prefix, n);

        if (mkdir(path, 0700) != 0) {
            if (errno == EEXIST)
                continue;
            T_FATAL("mkdir %s: %s", path, strerror(errno));
        }
        if (chmod(path, mode) != 0 || (uid != (uid_t)-1 && geteuid() == 0 && chown(path, uid, gid) != 0))
            T_FATAL("cannot set up %s: %s", path, strerror(errno));
        return path;
    }
    T_FATAL("no free name for a folder in %s", in);
}

static const char *test_dir; /* of the running test */

static void forget_dir(void *arg)
{
    if (!keep())
        sg_tmp_remove(test_dir);
    (void)arg;
    test_dir = NULL;
}

const char *sg_tmp_dir(void)
{
    if (test_dir == NULL) {
        test_dir = sg_tmp_new("t", 0755, (uid_t)-1, (gid_t)-1);
        sg_test_defer(forget_dir, NULL);
    }
    return test_dir;
}

const char *sg_tmp_write(const char *name, const char *text)
{
    const char *dir = sg_tmp_dir();
    const char *path = sg_test_strf("%s/%s", dir, name);
    FILE *f;
    bool good;

    for (size_t at = 0; name[at] != '\0'; at++)
        if (name[at] == '/') {
            const char *folder = sg_test_strf("%s/%.*s", dir, (int)at, name);

            if (mkdir(folder, 0755) == 0 ? chmod(folder, 0755) != 0 : errno != EEXIST)
                T_FATAL("mkdir %s: %s", folder, strerror(errno));
        }
    if ((f = fopen(path, "we")) == NULL)
        T_FATAL("cannot write %s: %s", path, strerror(errno));
    good = fputs(text, f) >= 0 && fchmod(fileno(f), 0644) == 0;
    if (fclose(f) != 0 || !good)
        T_FATAL("cannot write %s: %s", path, strerror(errno));
    return path;
}

static void free_text(void *text)
{
    free(text);
}

const char *sg_tmp_read(const char *path)
{
    size_t max = (size_t)16 << 20;
    size_t room = 4096;
    size_t n = 0;
    char *text = malloc(room);
    FILE *f = fopen(path, "re");

    if (f == NULL || text == NULL) {
        free(text);
        if (f != NULL)
            (void)fclose(f);
        return NULL;
    }
    for (size_t got; n < max && (got = fread(text + n, 1, room - n - 1, f)) > 0;) {
        n += got;
        if (n == room - 1) {
            char *more = realloc(text, room *= 2);

            if (more == NULL)
                abort();
            text = more;
        }
    }
    (void)fclose(f);
    text[n] = '\0';
    sg_test_defer(free_text, text);
    return text;
}
