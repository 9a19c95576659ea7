/*
 * The file: what is no readable regular file of a sensible size is refused before it can block or fill the memory; and the manifest of
 * twelve mistakes, read from its file.
 */
#include "config.h"

#include "core/manifest/source.h"
#include "tests/kit/tmp.h"
#include "tests/unit/manifest/read.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void refused(struct sg_here here, const char *path, const char *primary, const char *hint)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_manifest manifest;

    sg_test_int(here, true, "result", "==", "-1", sg_manifest_read(path, NULL, 0, false, &arena, &manifest, &errs), -1);
    sg_test_int(here, true, "errors", "==", "1", (long long)errs.count, 1);
    sg_test_int(here, false, "class", "==", "usage", errs.list[0].class, SG_CLASS_USAGE);
    sg_test_contains(here, false, true, "primary", errs.list[0].primary, primary);
    sg_test_contains(here, false, true, "primary", errs.list[0].primary, path);
    sg_test_contains(here, false, true, "hint", errs.list[0].hint, hint);
    sg_errs_release(&errs);
    sg_arena_release(&arena);
}
#define T_REFUSED(path, primary, hint) refused(SG_HERE_, path, primary, hint)

static const char *in_dir(const char *name)
{
    return sg_test_strf("%s/%s", sg_tmp_dir(), name);
}

SG_TEST(what_is_no_file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *fifo = in_dir("fifo"), *link = in_dir("link"), *sock = in_dir("sock");
    int fd;

    T_REFUSED(in_dir("nothing"), "cannot open the manifest", "--manifest FILE");
    T_REFUSED(sg_tmp_dir(), "is a folder", "regular file");
    T_MUST(mkfifo(fifo, 0600) == 0);
    T_REFUSED(fifo, "is a FIFO", "regular file"); /* and does not wait for a writer */
    T_REFUSED("/dev/zero", "is a device", "regular file");
    T_MUST(symlink("link", link) == 0);
    T_REFUSED(link, "cannot open the manifest", "Check the path");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    T_MUST(fd >= 0 && strlen(sock) < sizeof address.sun_path);
    memcpy(address.sun_path, sock, strlen(sock) + 1);
    T_MUST(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    close(fd);
    T_REFUSED(sock, "cannot open the manifest", "Check the path");
}

SG_TEST(what_cannot_be_read)
{
    const char *path = sg_tmp_write("m.ini", "[sgrun]\n");

    if (geteuid() == 0) {
        T_MUST(chmod(sg_tmp_dir(), 0711) == 0 && seteuid(65534) == 0);
        T_MUST(seteuid(0) == 0 && chmod(path, 0600) == 0 && seteuid(65534) == 0);
    } else {
        T_MUST(chmod(path, 0) == 0);
    }
    T_REFUSED(path, "Permission denied", "Let the user who runs sgrun read the file");
    if (getuid() == 0)
        T_MUST(seteuid(0) == 0);
}

SG_TEST(what_is_too_large)
{
    const char *path = sg_tmp_write("m.ini", "");

    T_MUST(truncate(path, (off_t)SG_SOURCE_LIMIT + 1) == 0);
    T_REFUSED(path, "is too large: 4194305 bytes", "ten thousand steps fit");
    T_MUST(truncate(path, (off_t)1 << 40) == 0);
    T_REFUSED(path, "is too large", "ten thousand steps fit");
}

/* /proc/self/status says it is empty, and is not: as a file that grows while it is read. */
SG_TEST(what_changes_meanwhile)
{
    T_REFUSED("/proc/self/status", "changed while it was read", "Run again");
}

SG_TEST(the_largest)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_manifest manifest;
    char *text = malloc(SG_SOURCE_LIMIT + 1);
    const char *path;

    T_MUST(text != NULL);
    memset(text, '\n', SG_SOURCE_LIMIT);
    memcpy(text, "[database]\ndsn = x\n;", 20);
    text[SG_SOURCE_LIMIT] = '\0';
    path = sg_tmp_write("m.ini", text);
    free(text);
    T_EQ_INT(sg_manifest_read(path, NULL, 0, false, &arena, &manifest, &errs), 0);
    T_EQ_STR(manifest.dsn, "x");
    T_EQ_STR(manifest.path, path);
    T_EQ_STR(manifest.folder, sg_tmp_dir());
    sg_errs_release(&errs);
    sg_arena_release(&arena);
}

SG_TEST(folders)
{
    static const struct {
        const char *path, *folder, *plugins;
    } cases[] = {{"m.ini", ".", "x"}, {"etc/m.ini", "etc", "etc/x"}, {"/m.ini", "/", "/x"}, {"./m.ini", ".", "x"},
                 {"../a/m.ini", "../a", "../a/x"}};
    static const char text[] = "[sgrun]\nplugin_path = x\n[database]\ndsn = x\n";

    for (size_t i = 0; i < SG_COUNT(cases); i++) {
        struct sg_arena arena = SG_ARENA_INIT;
        struct sg_errs errs = SG_ERRS_INIT;
        struct sg_manifest manifest;

        T_MUST_EQ_INT(sg_manifest_parse(cases[i].path, text, strlen(text), NULL, 0, false, &arena, &manifest, &errs), 0);
        T_EQ_STR(manifest.folder, cases[i].folder);
        T_EQ_STR(manifest.plugin_path.items[0], cases[i].plugins);
        sg_arena_release(&arena);
    }
}

/* Twelve mistakes, twelve messages, each with its line and a hint. */
SG_TEST(twelve_mistakes)
{
    static const struct {
        int line;
        const char *primary, *hint;
    } mistakes[] = {
        {5, "sandbox = best_effort: not an allowed word", "Allowed are required, best-effort or off; the default is required."},
        {6, "unknown key lease_second in [sgrun]", "Did you mean lease_seconds?"},
        {12, "max_retries = ten: not a whole number", "Allowed are whole numbers from 0 to 1000; the default is 10."},
        {13, "idle_seconds = 45 is not below lease_seconds = 30",
         "Set idle_seconds in [policy] below lease_seconds in [sgrun] (20 and 30 by default)."},
        {14, "trigger_tables: the environment variable SGRUN_TEST_TWELVE is not set",
         "Set SGRUN_TEST_TWELVE, or write ${SGRUN_TEST_TWELVE:-default}; $$ is a dollar sign."},
        {18, "indented key sha256", "Begin the key in column 1; if it belongs to the value, put it at the end of the line before."},
        {22, "line of 262 bytes", "Go on with the value on the next line, indented: the lines are joined by one blank."},
        {23, "superseded_by: migration 0096_lead_name is not a later one", "Name a migration further down in the file."},
        {24, "migration 0102_business_tts_provider requires backfill migration_114_lock_ts, which can only come after it",
         "Move this migration down, or let the backfill need an earlier one."},
        {26, "unknown section [migrations 0110_call_log_outcome]", "Did you mean [migration 0110_call_log_outcome]?"},
        {31, "requires: there is no index uq_call_log_call_sit", "Did you mean index:uq_call_log_call_sid?"},
        {41, "\" ;\" in sql may be a comment or part of the value",
         "Leave out the blank if ';' belongs to the value; put a comment on a line of its own that begins with ';'."},
    };
    const char *path = sg_test_source("tests/unit/manifest/twelve-mistakes.ini");
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_manifest manifest;

    T_EQ_INT(sg_manifest_read(path, NULL, 0, true, &arena, &manifest, &errs), -1); /* as `sgrun check` does */
    T_MUST_EQ_INT(errs.count, SG_COUNT(mistakes));
    T_MUST_EQ_INT(errs.count, 12);
    for (size_t i = 0; i < errs.count; i++) {
        T_EQ_INT(errs.list[i].line, mistakes[i].line);
        T_EQ_STR(errs.list[i].file, path);
        T_EQ_STR(errs.list[i].primary, mistakes[i].primary);
        T_EQ_STR(errs.list[i].hint, mistakes[i].hint);
        T_NOT_NULL(errs.list[i].detail);
        T_EQ_INT(sg_class_exit(errs.list[i].class), 2);
    }
    sg_errs_release(&errs);
    sg_arena_release(&arena);
}

static const struct sg_test tests[] = {
    SG_CASE(what_is_no_file), SG_CASE(what_cannot_be_read), SG_CASE(what_is_too_large), SG_CASE(what_changes_meanwhile),
    SG_CASE(the_largest), SG_CASE(folders), SG_CASE(twelve_mistakes), SG_CASES_END};
static const struct sg_suite suites[] = {{"source", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
