/*
 * Which files are plugins at all: found once, trusted or pinned, held as they were when they were checked.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plugin/image.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

struct opened {
    struct sg_arena arena;
    struct sg_image image;
    struct sg_err err;
    int status;
};

static struct opened open_pinned(const char *name, const char *folder, const char *pin)
{
    struct opened o = {.arena = SG_ARENA_INIT};
    const char *path = sg_test_strf("%s/%s", sg_tmp_dir(), folder);

    o.status = sg_image_open(name, sg_tmp_dir(), &path, 1, pin, &o.arena, &o.image, &o.err);
    return o;
}

static void close_it(struct opened *o)
{
    sg_arena_release(&o->arena);
    sg_err_release(&o->err);
}

#define MUST_OPEN(name, folder, pin)                   \
    do {                                               \
        struct opened o_ = open_pinned(name, folder, pin); \
        T_EQ_STR(o_.err.primary, NULL);                \
        T_EQ_INT(o_.status, 0);                        \
        close_it(&o_);                                 \
    } while (0)
#define MUST_REFUSE(name, folder, pin, text)           \
    do {                                               \
        struct opened o_ = open_pinned(name, folder, pin); \
        T_EQ_INT(o_.status, -1);                       \
        T_EQ_INT(o_.err.class, SG_CLASS_REFUSED);      \
        T_MUST_NOT_NULL(o_.err.primary);               \
        T_CONTAINS(o_.err.primary, text);              \
        T_NOT_NULL(o_.err.hint);                       \
        close_it(&o_);                                 \
    } while (0)

SG_TEST(it_is_looked_for_where_it_may_be)
{
    const char *path = sg_tmp_write("one/a.so", "a");

    sg_tmp_write("two/.libs/b.so", "b");
    MUST_OPEN("a", "one", NULL);
    MUST_OPEN("a.so", "one", NULL);
    MUST_OPEN("b", "two", NULL);
    MUST_OPEN("one/a.so", "elsewhere", NULL);
    MUST_OPEN("one/a", "elsewhere", NULL);
    MUST_OPEN(path, "elsewhere", NULL);
    MUST_REFUSE("c", "one", NULL, "plugin \"c\" was not found");
    MUST_REFUSE("one/c", "one", NULL, "plugin \"one/c\" was not found");
}

SG_TEST(where_it_was_looked_for_is_said)
{
    struct opened o = open_pinned("c", "one", NULL);

    T_CONTAINS(o.err.detail, "There is no folder ");
    T_CONTAINS(o.err.detail, "/one.");
    close_it(&o);
    sg_tmp_write("one/a.so", "a");
    o = open_pinned("c", "one", NULL);
    T_CONTAINS(o.err.detail, "Looked for its .so in /");
    T_CONTAINS(o.err.detail, "/one/.libs.");
    close_it(&o);
    o = open_pinned("c", "one/a.so", NULL);
    T_CONTAINS(o.err.detail, "/one/a.so is no folder.");
    close_it(&o);
    o = open_pinned("one/c", "one", NULL);
    T_CONTAINS(o.err.detail, "/one/c, also with .so.");
    close_it(&o);
    o = (struct opened){.arena = SG_ARENA_INIT};
    T_EQ_INT(sg_image_open("c", ".", NULL, 0, NULL, &o.arena, &o.image, &o.err), -1);
    T_CONTAINS(o.err.hint, "Set plugin_path");
    close_it(&o);
}

SG_TEST(two_files_are_one_too_many)
{
    const char *one = sg_test_strf("%s/one", sg_tmp_dir()), *two = sg_test_strf("%s/two", sg_tmp_dir());
    const char *const twice[] = {one, one}, *const both[] = {one, two};
    struct opened o = {.arena = SG_ARENA_INIT};

    sg_tmp_write("one/a.so", "a");
    /* the same file by two ways is one file */
    T_EQ_INT(sg_image_open("a", sg_tmp_dir(), twice, 2, NULL, &o.arena, &o.image, &o.err), 0);
    sg_tmp_write("two/a.so", "a");
    T_EQ_INT(sg_image_open("a", sg_tmp_dir(), both, 2, NULL, &o.arena, &o.image, &o.err), -1);
    T_EQ_STR(o.err.primary, "plugin \"a\" was found 2 times");
    T_CONTAINS(o.err.detail, "one/a.so");
    T_CONTAINS(o.err.detail, "two/a.so");
    close_it(&o);
    sg_tmp_write("one/.libs/a.so", "x");
    MUST_REFUSE("a", "one", NULL, "was found 2 times");
}

SG_TEST(a_copy_is_held_and_sealed)
{
    const char *path = sg_tmp_write("one/a.so", "abc");
    struct opened o = open_pinned("a", "one", NULL);
    char bytes[8] = "";

    T_MUST_EQ_INT(o.status, 0);
    T_EQ_STR(o.image.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    T_CONTAINS(o.image.path, "/one/a.so");
    sg_tmp_write("one/a.so", "changed");
    unlink(path);
    T_EQ_INT(pread(o.image.fd, bytes, sizeof bytes, 0), 3);
    T_EQ_MEM(bytes, 3, "abc", 3);
    T_EQ_INT(pwrite(o.image.fd, "x", 1, 0), -1);
    T_EQ_INT(ftruncate(o.image.fd, 1), -1);
    T_TRUE(mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, o.image.fd, 0) == MAP_FAILED);
    T_TRUE((fcntl(o.image.fd, F_GETFD) & FD_CLOEXEC) != 0);
    close_it(&o);
    T_EQ_INT(fcntl(o.image.fd, F_GETFD), -1);
}

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define UPPER "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"

SG_TEST(a_pin_must_fit)
{
    struct opened o;

    sg_tmp_write("one/a.so", "abc");
    MUST_OPEN("a", "one", ABC);
    MUST_OPEN("a", "one", UPPER);
    sg_tmp_write("one/a.so", "abd");
    o = open_pinned("a", "one", ABC);
    T_EQ_INT(o.status, -1);
    T_CONTAINS(o.err.primary, "/one/a.so: its sha256 is not the one that is pinned");
    T_CONTAINS(o.err.detail, "Pinned is " ABC ", the file has a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9");
    close_it(&o);
}

SG_TEST(what_others_can_write_is_not_trusted)
{
    const char *path = sg_tmp_write("one/a.so", "abc");
    const char *folder = sg_test_strf("%s/one", sg_tmp_dir());

    chmod(path, 0666);
    MUST_REFUSE("a", "one", NULL, "one/a.so: the file can be written by others");
    MUST_OPEN("a", "one", ABC);
    chmod(path, 0644);
    MUST_OPEN("a", "one", NULL);
    chmod(folder, 01777);
    MUST_REFUSE("a", "one", NULL, "the file's folder can be written by others");
    MUST_OPEN("a", "one", ABC);
    chmod(folder, 0755);
    /* its group: for root only */
    chmod(path, 0664);
    if (geteuid() == 0)
        MUST_REFUSE("a", "one", NULL, "the file can be written by its group, and sgrun runs as root");
    else
        MUST_OPEN("a", "one", NULL);
    chmod(path, 0644);
    chmod(folder, 0775);
    if (geteuid() == 0)
        MUST_REFUSE("a", "one", NULL, "the file's folder can be written by its group");
    else
        MUST_OPEN("a", "one", NULL);
    chmod(folder, 0755);
}

SG_TEST(what_belongs_to_others_is_not_trusted)
{
    const char *path = sg_tmp_write("one/a.so", "abc");
    const char *folder = sg_test_strf("%s/one", sg_tmp_dir());
    int status;
    pid_t child;

    if (geteuid() != 0)
        T_SKIP("only root can give files away");
    T_EQ_INT(chown(path, 1234, 0), 0);
    MUST_REFUSE("a", "one", NULL, "one/a.so: the file belongs to neither root nor you");
    MUST_OPEN("a", "one", ABC);
    T_EQ_INT(chown(path, 0, 0), 0);
    T_EQ_INT(chown(folder, 1234, 0), 0);
    MUST_REFUSE("a", "one", NULL, "the file's folder belongs to neither root nor you");
    T_EQ_INT(chown(folder, 0, 0), 0);
    /* for another user, root's files are good, and so are group-writable ones of his own */
    child = fork();
    if (child == 0) {
        struct opened o;

        if (chown(path, 1234, 1234) != 0 || chmod(path, 0664) != 0 || setgid(1234) != 0 || setuid(1234) != 0)
            _exit(2);
        o = open_pinned("a", "one", NULL);
        _exit(o.status == 0 ? 0 : 1);
    }
    T_EQ_INT(waitpid(child, &status, 0), child);
    T_EQ_INT(status, 0);
}

SG_TEST(links_are_followed_with_open_eyes)
{
    const char *folder = sg_test_strf("%s/links", sg_tmp_dir());
    const char *path = sg_tmp_write("one/a.so", "abc");

    T_EQ_INT(mkdir(folder, 0755), 0);
    T_EQ_INT(symlink(path, sg_test_strf("%s/l.so", folder)), 0);
    MUST_OPEN("l", "links", NULL);
    /* who can change the link could let it show elsewhere */
    chmod(folder, 01777);
    MUST_REFUSE("l", "links", NULL, "links/l.so: the file's folder can be written by others");
    chmod(folder, 0755);
    T_EQ_INT(symlink("nowhere", sg_test_strf("%s/d.so", folder)), 0);
    MUST_REFUSE("d", "links", NULL, "plugin \"d\" was not found");
}

SG_TEST(what_is_no_file_is_refused)
{
    const char *folder = sg_test_strf("%s/odd", sg_tmp_dir());

    T_EQ_INT(mkdir(folder, 0755), 0);
    T_EQ_INT(mkdir(sg_test_strf("%s/d.so", folder), 0755), 0);
    T_EQ_INT(mkfifo(sg_test_strf("%s/f.so", folder), 0644), 0);
    MUST_REFUSE("d", "odd", NULL, "odd/d.so: is not a file");
    MUST_REFUSE("f", "odd", NULL, "odd/f.so: is not a file"); /* and does not hang */
    MUST_REFUSE("/dev/zero", "odd", ABC, "/dev/zero: is not a file");
    sg_tmp_write("odd/e.so", "");
    MUST_REFUSE("e", "odd", NULL, "odd/e.so: has 0 bytes");
    if (geteuid() != 0) {
        chmod(sg_tmp_write("odd/u.so", "abc"), 0);
        MUST_REFUSE("u", "odd", NULL, "odd/u.so: cannot open it: Permission denied");
    }
}

SG_TEST(more_plugins_than_descriptors)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct rlimit limit;
    const char *const folder = sg_test_strf("%s/one", sg_tmp_dir());
    struct sg_image image;

    sg_tmp_write("one/a.so", "abc");
    T_EQ_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 300)
        T_SKIP("the hard limit of open files is below 300");
    limit.rlim_cur = 100;
    T_EQ_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < 200; i++)
        T_MUST_EQ_INT(sg_image_open("a", sg_tmp_dir(), &folder, 1, NULL, &arena, &image, &err), 0);
    limit.rlim_cur = limit.rlim_max = 220;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        sg_arena_release(&arena);
        T_SKIP("the hard limit of open files cannot be lowered here"); /* valgrind */
    }
    for (int i = 0; i < 50; i++)
        if (sg_image_open("a", sg_tmp_dir(), &folder, 1, NULL, &arena, &image, &err) != 0)
            break;
    T_MUST_NOT_NULL(err.primary);
    T_CONTAINS(err.primary, "Too many open files");
    sg_err_release(&err);
    sg_arena_release(&arena);
}

static const struct sg_test image[] = {SG_CASE(it_is_looked_for_where_it_may_be),
                                       SG_CASE(where_it_was_looked_for_is_said),
                                       SG_CASE(two_files_are_one_too_many),
                                       SG_CASE(a_copy_is_held_and_sealed),
                                       SG_CASE(a_pin_must_fit),
                                       SG_CASE(what_others_can_write_is_not_trusted),
                                       SG_CASE(what_belongs_to_others_is_not_trusted),
                                       SG_CASE(links_are_followed_with_open_eyes),
                                       SG_CASE(what_is_no_file_is_refused),
                                       SG_CASE(more_plugins_than_descriptors),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"image", image}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
