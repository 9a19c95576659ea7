/*
 * The manifest's reader when the file is read in pieces of any size, the disk fails in the middle, memory does not suffice, or the INI
 * library gives up: the whole manifest is read or none, with the reason.
 */
#include "config.h"

#include "core/base/buf.h"
#include "core/manifest/manifest.h"
#include "tests/kit/tmp.h"
#include "tests/unit/fault.h"
#include "tests/unit/manifest/read.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TEXT HEAD MIGRATION("0001_a") "[policy]\nmax_retries = 7\n" MIGRATION("0002_b") "title = the second\n"

static int gives_up; /* what the INI library returns, before it has read a line */

int __real_ini_parse_stream(void *reader, void *stream, void *handler, void *user);
int __wrap_ini_parse_stream(void *reader, void *stream, void *handler, void *user);

int __wrap_ini_parse_stream(void *reader, void *stream, void *handler, void *user)
{
    return gives_up != 0 ? gives_up : __real_ini_parse_stream(reader, stream, handler, user);
}

/* The descriptor that open() gives next. */
static int next_fd(void)
{
    int fd = open("/dev/null", O_RDONLY);

    T_MUST(fd >= 0);
    close(fd);
    return fd;
}

static struct read *read_file(const char *path)
{
    struct read *r = calloc(1, sizeof *r);

    T_MUST(r != NULL);
    sg_test_defer(read_release, r);
    r->result = sg_manifest_read(path, NULL, 0, false, &r->arena, &r->manifest, &r->errs);
    fault_none();
    return r;
}

static void is_whole(const struct read *r)
{
    if (r->errs.count > 0)
        T_FAIL("%s", r->errs.list[0].primary);
    T_MUST_EQ_INT(r->result, 0);
    T_EQ_INT(r->manifest.step_count, 2);
    T_EQ_INT(r->manifest.policy.max_retries, 7);
}

SG_TEST(read_in_pieces_of_any_size)
{
    const char *path = sg_tmp_write("m.ini", TEXT);
    const long bytes[] = {1, -EINTR};

    for (size_t cut = 1; cut < strlen(TEXT); cut++) {
        const long plan[] = {-EINTR, (long)cut, -EINTR, 1};

        fault_reads(next_fd(), plan, SG_COUNT(plan));
        is_whole(read_file(path));
    }
    fault_reads(next_fd(), bytes, SG_COUNT(bytes));
    fault_repeat();
    is_whole(read_file(path));
}

/* A manifest cut in the middle can be a well-formed one that lacks steps. */
SG_TEST(a_disk_that_fails_after_each_byte)
{
    static const int errors[] = {EIO, EAGAIN, ESTALE, ENOMEM};
    const char *path = sg_tmp_write("m.ini", TEXT);

    for (size_t cut = 1; cut < strlen(TEXT); cut++) {
        int error = errors[cut % SG_COUNT(errors)];
        const long plan[] = {(long)cut, -error};
        const struct read *r;

        fault_reads(next_fd(), plan, SG_COUNT(plan));
        r = read_file(path);
        T_EQ_INT(r->result, -1);
        T_MUST_EQ_INT(r->errs.count, 1);
        T_EQ_INT(r->errs.list[0].class, SG_CLASS_USAGE);
        T_CONTAINS(r->errs.list[0].primary, "cannot read the manifest");
        T_CONTAINS(r->errs.list[0].primary, strerror(error));
        T_NOT_NULL(r->errs.list[0].hint);
    }
}

SG_TEST(a_file_that_ends_too_early_after_each_byte)
{
    const char *path = sg_tmp_write("m.ini", TEXT);

    for (size_t cut = 1; cut < strlen(TEXT); cut++) {
        const long plan[] = {(long)cut, 0};
        const struct read *r;

        fault_reads(next_fd(), plan, SG_COUNT(plan));
        r = read_file(path);
        T_EQ_INT(r->result, -1);
        T_MUST_EQ_INT(r->errs.count, 1);
        T_CONTAINS(r->errs.list[0].primary, "changed while it was read");
    }
}

struct scene {
    const char *path;
    size_t fail_at;
};

static void read_without(void *context)
{
    const struct scene *scene = context;
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_manifest manifest;
    int result;

    fault_memory(scene->fail_at);
    result = sg_manifest_read(scene->path, NULL, 0, false, &arena, &manifest, &errs);
    if (result == 0 && (manifest.step_count != 40 || errs.count != 0))
        _exit(99);
    if (fault_allocations() >= scene->fail_at)
        _exit(98);
    fault_memory(0);
    sg_errs_release(&errs);
    sg_arena_release(&arena);
    if (result != 0)
        _exit(1);
}

/* Each allocation in turn: exit status 70 and one line that says why, until there is enough. */
static size_t until_enough(const char *path, int in_the_end)
{
    struct scene scene = {.path = path};
    char said[512];

    for (;;) {
        int status;

        T_MUST(++scene.fail_at < 2000);
        status = fault_child(read_without, &scene, said, sizeof said);
        if (status == in_the_end)
            return scene.fail_at - 1;
        T_MUST_EQ_INT(status, 70);
        if (strncmp(said, "sgrun: out of memory (", 22) != 0 || strchr(said, '\n') != strrchr(said, '\n'))
            T_FAIL("allocation %zu: %s", scene.fail_at, said);
    }
}

SG_TEST(without_memory_it_ends_and_says_so)
{
    struct sg_buf text;

    sg_buf_init(&text, 0);
    sg_buf_adds(&text, HEAD);
    for (int i = 1; i <= 40; i++)
        sg_buf_addf(&text, "[migration %04d_a]\nplugin = %04d_a\n", i, i);
    T_GT_INT(until_enough(sg_tmp_write("large.ini", text.data), 0), 3);
    /* and while errors are put together */
    sg_buf_adds(&text, "[migration 0041_a]\nplugin = x\nno_such_key = 1\n[policy]\nmax_retries = many\n");
    T_GT_INT(until_enough(sg_tmp_write("wrong.ini", text.data), 1), 10);
    sg_buf_release(&text);
}

SG_TEST(a_library_that_gives_up_is_an_error)
{
    const struct read *r;

    gives_up = -2; /* of inih: no memory */
    r = read_file(sg_tmp_write("m.ini", TEXT));
    gives_up = 0;
    T_EQ_INT(r->result, -1);
    T_MUST(r->errs.count >= 1);
    T_CONTAINS(r->errs.list[0].primary, "the INI library gave up");
    T_CONTAINS(r->errs.list[0].detail, "It returned -2");
}

static const struct sg_test tests[] = {SG_CASE(read_in_pieces_of_any_size),
                                       SG_CASE(a_disk_that_fails_after_each_byte),
                                       SG_CASE(a_file_that_ends_too_early_after_each_byte),
                                       SG_CASE(without_memory_it_ends_and_says_so),
                                       SG_CASE(a_library_that_gives_up_is_an_error),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"manifest_faults", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
