/*
 * Plugin processes, good and bad, without a server: each plugin of the zoo gets its own clear end, and nothing of it is left.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/plugin/nursery.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"
#include "tests/unit/plugin/host.h"

static int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

/* Plays it with what is logged in a file, and sees that no process and no descriptor is left. */
static const char *play_logged(struct play *p)
{
    const char *path = sg_tmp_write("log", "");
    int saved = dup(STDERR_FILENO), before;

    T_MUST(freopen(path, "a", stderr) != NULL);
    sg_nursery_stop();
    before = open_descriptors();
    play(p);
    sg_nursery_stop(); /* it outlives its children */
    T_EQ_INT(open_descriptors(), before);
    T_EQ_INT(waitpid(-1, NULL, WNOHANG), -1);
    T_EQ_INT(errno, ECHILD);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    return sg_tmp_read(path);
}

static void must_be_good(struct play *p)
{
    const char *log = play_logged(p);

    T_EQ_STR(p->err.primary, NULL);
    T_EQ_STR(p->err.detail, NULL);
    T_EQ_INT(p->err.class, SG_CLASS_NONE);
    T_NOT_NULL(log);
    sg_err_release(&p->err);
}

static void must_fail(struct play *p, enum sg_class class, const char *text)
{
    play_logged(p);
    T_EQ_STR(sg_class_name(p->err.class), sg_class_name(class));
    T_MUST_NOT_NULL(p->err.primary);
    T_CONTAINS(p->err.primary, text);
    sg_err_release(&p->err);
}

/* ---- good ones ---- */

SG_TEST(a_migration_issues_its_statements)
{
    const char *const options[] = {"color", "red", "count", "300"};
    struct play p = {.plugin = "good_ddl", .options = options, .option_count = 2};
    const char *log = play_logged(&p);

    T_EQ_STR(p.err.primary, NULL);
    T_EQ_INT(p.fingerprint, 0);
    T_EQ_INT(p.status, 0);
    T_EQ_INT(p.checks, 1);
    T_EQ_INT(p.ddl, 300);
    T_EQ_STR(p.sql, "CREATE TABLE t300 (id bigint)");
    T_CONTAINS(log, "good_ddl: made 300 tables");
    sg_err_release(&p.err);
}

SG_TEST(a_migration_uses_every_call)
{
    const char *const options[] = {"color", "red"};
    struct play p = {.plugin = "good_all", .options = options, .option_count = 1, .answer = 1, .rows = 3, .value_length = 5};
    const char *log = play_logged(&p);

    T_EQ_STR(p.err.primary, NULL);
    T_EQ_STR(p.fail, "");
    T_EQ_INT(p.fingerprint, 1);
    T_EQ_INT(p.status, 0);
    T_EQ_INT(p.checks, 13);
    T_EQ_INT(p.describes, 2);
    T_EQ_INT(p.queries, 2);
    T_EQ_INT(p.exists, 1);
    T_EQ_INT(p.ddl, 1);
    T_CONTAINS(log, "option red, no option (none)");
    sg_err_release(&p.err);
}

SG_TEST(sql_is_quoted_as_asked)
{
    struct play p = {.plugin = "good_all", .answer = 0, .rows = 0};

    must_fail(&(struct play){.plugin = "misuses_format"}, SG_CLASS_PROTOCOL, "sg_ddlf: a directive is none of %I, %L, %s and %%");
    play_logged(&p); /* no rows: its last call crashes, but its statement was sent before */
    T_EQ_INT(p.ddl, 1);
    sg_err_release(&p.err);
}

SG_TEST(a_migration_in_cxx)
{
    struct play p = {.plugin = "good_cxx", .rows = 1};
    const char *log = play_logged(&p);

    T_EQ_STR(p.err.primary, NULL);
    T_EQ_INT(p.fingerprint, 1);
    T_EQ_INT(p.ddl, 2);
    T_EQ_STR(p.sql, "CREATE TABLE b (id bigint)");
    T_CONTAINS(log, "good_cxx: caught");
    sg_err_release(&p.err);
}

SG_TEST(a_backfill_does_a_batch)
{
    struct play p = {.plugin = "good_backfill", .backfill = true, .answer = 412, .rows = 1};

    must_be_good(&p);
    T_EQ_INT(p.fingerprint, 0);
    T_EQ_INT(p.status, 412);
    T_EQ_INT(p.dml, 1);
    T_EQ_STR(p.values, "1|a|1000|z");
    p = (struct play){.plugin = "good_drain", .backfill = true, .answer = 100};
    must_be_good(&p);
    T_EQ_INT(p.fingerprint, 1);
    T_EQ_INT(p.status, 100);
}

SG_TEST(flags_and_names_reach_the_host)
{
    const struct sg_expected expected = {.step = "good_backfill", .limit_ms = 5000};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_process *process;
    struct sg_image image;
    struct sg_hello hello;

    T_MUST_EQ_INT(zoo_image("good_backfill", &arena, &image, &err), 0);
    T_MUST_EQ_INT(sg_process_start(&process, &image, &expected, &err), 0);
    T_MUST_EQ_INT(sg_process_hello(process, &hello, &err), 0);
    T_MUST_EQ_INT(sg_process_hello(process, &hello, &err), 0);
    T_EQ_INT(hello.kind, 2);
    T_EQ_INT(hello.flags, 2);
    T_EQ_STR(hello.id, "good_backfill");
    T_EQ_STR(hello.title, "fills a column");
    T_EQ_STR(hello.table, "leads");
    T_EQ_STR(hello.key, "id, name");
    T_EQ_INT(sg_process_finish(process, &err), 0);
    sg_arena_release(&arena);
}

SG_TEST(a_large_result_to_a_plugin_that_prints)
{
    struct play p = {.plugin = "slow_reader", .rows = 1000, .value_length = 16000};

    must_be_good(&p);
    T_EQ_STR(p.fail, "");
    T_EQ_INT(p.status, 0);
    T_EQ_INT(p.queries, 3);
}

SG_TEST(results_with_null_and_without_rows)
{
    struct play p = {.plugin = "good_cxx", .rows = 0, .value_length = -1};

    must_be_good(&p);
    T_EQ_INT(p.fingerprint, 0);
    p = (struct play){.plugin = "good_cxx", .rows = 5, .value_length = -1};
    must_be_good(&p);
    T_EQ_INT(p.fingerprint, 1);
}

SG_TEST(the_sandbox_can_be_off)
{
    struct play p = {.plugin = "good_ddl", .sandbox = SG_SANDBOX_OFF};

    must_be_good(&p);
    T_EQ_INT(p.ddl, 1);
}

SG_TEST(a_kernel_without_landlock_is_said_once)
{
    struct play p = {.plugin = "good_ddl", .program = SG_TEST_BUILDDIR "/tests/unit/plugin/no-landlock"};
    const char *log = play_logged(&p);

#ifdef SG_COVERAGE
    T_SKIP("a build for coverage uses no landlock: its counters are files");
#endif
    T_EQ_STR(p.err.primary, NULL);
    T_EQ_INT(p.ddl, 1);
    T_CONTAINS(log, "warning: plugins run without landlock, which this kernel lacks");
    log = play_logged(&p);
    T_EQ_STR(p.err.primary, NULL);
    T_LACKS(log, "landlock");
    /* the other walls stand */
    p = (struct play){.plugin = "reads_pgpass", .program = p.program};
#ifndef SG_INSTRUMENTED
    must_fail(&p, SG_CLASS_POLICY, "the plugin made a forbidden system call in run(): openat");
#endif
}

SG_TEST(a_kernel_without_seccomp_is_refused_or_said_once)
{
    struct play p = {.plugin = "good_ddl", .program = SG_TEST_BUILDDIR "/tests/unit/plugin/no-seccomp"};
    const char *log;

    must_fail(&p, SG_CLASS_REFUSED, "cannot confine the plugin's process: no seccomp filter (Function not implemented)");
    p.sandbox = SG_SANDBOX_BEST_EFFORT;
    p.err = (struct sg_err)SG_ERR_INIT;
    log = play_logged(&p);
    T_EQ_STR(p.err.primary, NULL);
    T_EQ_INT(p.ddl, 1);
    T_CONTAINS(log, "warning: plugins run without seccomp");
    log = play_logged(&p);
    T_LACKS(log, "seccomp");
    /* not asked for, not missed */
    p.sandbox = SG_SANDBOX_OFF;
    log = play_logged(&p);
    T_EQ_STR(p.err.primary, NULL);
}

SG_TEST(many_at_once)
{
    const struct sg_expected expected = {.step = "good_ddl", .migration = true, .limit_ms = 10000};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_process *list[16];
    struct sg_image image;
    struct sg_hello hello;
    int before;

    sg_nursery_stop();
    before = open_descriptors();

    T_MUST_EQ_INT(zoo_image("good_ddl", &arena, &image, &err), 0);
    for (int i = 0; i < 16; i++)
        T_MUST_EQ_INT(sg_process_start(&list[i], &image, &expected, &err), 0);
    for (int i = 15; i >= 0; i--)
        T_EQ_INT(sg_process_hello(list[i], &hello, &err), 0);
    for (int i = 0; i < 8; i++)
        T_EQ_INT(sg_process_finish(list[i], &err), 0);
    for (int i = 8; i < 16; i++)
        sg_process_kill(list[i]);
    sg_process_kill(NULL);
    sg_arena_release(&arena);
    sg_nursery_stop(); /* it outlives its children */
    T_EQ_INT(open_descriptors(), before);
    T_EQ_INT(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- refused ---- */

#define REFUSED(plugin_, text) must_fail(&(struct play){.plugin = plugin_}, SG_CLASS_REFUSED, text)

SG_TEST(what_is_no_plugin_is_refused)
{
    REFUSED("no_info", "no_info.so: has no sg_plugin");
    REFUSED("null_info", "its sg_plugin() returns NULL");
    REFUSED("wrong_magic", "its sg_plugin() is not one of sgrun's");
    REFUSED("too_small", "its sg_plugin() gives too little");
    REFUSED("wrong_kind", "of a kind that this sgrun does not know (77)");
    REFUSED("odd_flags", "has flags that a migration cannot have (0x2)");
}

SG_TEST(the_abi_must_fit)
{
    REFUSED("newer_major", "is for plugin ABI 2, this sgrun has ABI 1");
    REFUSED("newer_minor", "needs sgrun >= 1.7");
}

/* Built for 1.0 it never calls what came later; built for this one it does. */
SG_TEST(an_older_plugin_goes_on)
{
    struct play older = {.plugin = "older_minor", .backfill = true, .answer = 12, .rows = 3};
    struct play now = {.plugin = "good_backfill", .backfill = true, .answer = 12, .rows = 0};

    play(&older);
    T_EQ_STR(older.err.primary, NULL);
    T_EQ_INT(older.fingerprint, 0);
    T_EQ_INT(older.queries, 1);
    T_EQ_INT(older.exists, 0);
    T_EQ_INT(older.status, 12);
    play(&now);
    T_EQ_STR(now.err.primary, NULL);
    T_EQ_INT(now.fingerprint, 1);
    T_EQ_INT(now.queries, 0);
    T_EQ_INT(now.exists, 1);
    sg_err_release(&older.err);
    sg_err_release(&now.err);
}

SG_TEST(the_section_must_fit)
{
    REFUSED("wrong_id", "its id is \"some_other_id\", the section's is \"wrong_id\"");
    REFUSED("good_backfill", "is a backfill, the section is a migration");
    must_fail(&(struct play){.plugin = "good_ddl", .backfill = true}, SG_CLASS_REFUSED, "is a migration, the section is a backfill");
}

SG_TEST(the_entries_must_be_its_own)
{
    static const char *const lender[] = {"libzoo_lender"};

    REFUSED("no_run", "has no run, which a migration must have");
    REFUSED("extra_entry", "has backfill_batch, which a migration must not have");
    REFUSED("borrowed_entry", "needs libzoo_lender.so");
    /* its library lies in the build tree, out of the sandbox's reach */
    must_fail(&(struct play){.plugin = "borrowed_entry", .libraries = lender, .library_count = 1, .sandbox = SG_SANDBOX_OFF}, SG_CLASS_REFUSED,
              "has no run of its own");
}

SG_TEST(what_does_not_resolve_is_refused_by_name)
{
    static const char *const pq[] = {"libpq.so.5"};
    struct play p = {.plugin = "unresolved"};

    play_logged(&p);
    T_EQ_INT(p.err.class, SG_CLASS_REFUSED);
    T_CONTAINS(p.err.primary, "unresolved.so: undefined symbol: nobody_has_this");
    T_LACKS(p.err.primary, "/proc/self/fd");
    sg_err_release(&p.err);
    REFUSED("needs_libpq", "needs_libpq.so: needs libpq.so.5");
#ifndef SG_INSTRUMENTED
    /* named, it is loaded, and dies at its first socket */
    must_fail(&(struct play){.plugin = "needs_libpq", .libraries = pq, .library_count = 1}, SG_CLASS_POLICY, "in run(): ");
#else
    (void)pq;
#endif
}

SG_TEST(what_is_no_elf_file_is_refused)
{
    const char *path = sg_tmp_write("text.so", "this is not a plugin\n");
    struct play p = {.plugin = path, .id = "text"};

    chmod(sg_tmp_dir(), 0755);
    must_fail(&p, SG_CLASS_REFUSED, "text.so: is not an ELF file");
    p = (struct play){.plugin = "/bin/sh", .id = "sh"};
    must_fail(&p, SG_CLASS_REFUSED, "/bin/sh: ");
}

SG_TEST(without_its_program_nothing_starts)
{
    const struct sg_expected expected = {.step = "good_ddl", .migration = true, .limit_ms = 1000};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_process *process;
    struct sg_image image;
    struct sg_hello hello;

    if (sg_test_valgrind())
        T_SKIP("under valgrind it is not told that exec failed");
    T_MUST_EQ_INT(zoo_image("good_ddl", &arena, &image, &err), 0);
    sg_nursery_stop();
    setenv("SGRUN_PLUGIN_HOST", "/nowhere/sgrun-plugin", 1);
    T_EQ_INT(sg_process_start(&process, &image, &expected, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_REFUSED);
    T_CONTAINS(err.primary, "cannot start /nowhere/sgrun-plugin: No such file");
    /* another program in its place says nothing */
    setenv("SGRUN_PLUGIN_HOST", "/bin/true", 1);
    T_MUST_EQ_INT(sg_process_start(&process, &image, &expected, &err), 0);
    T_EQ_INT(sg_process_hello(process, &hello, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_CRASH);
    T_EQ_STR(err.primary, "the plugin's process ended with exit status 0 while it was loaded");
    sg_process_kill(process);
    sg_err_release(&err);
    sg_arena_release(&arena);
}

/* ---- constructors ---- */

SG_TEST(constructors_are_confined_too)
{
#ifdef SG_INSTRUMENTED
    T_SKIP("instrumented builds only log forbidden system calls");
#else
    struct play p = {.plugin = "ctor_read"};
    const char *log;

    must_fail(&(struct play){.plugin = "ctor_socket"}, SG_CLASS_POLICY,
              "the plugin made a forbidden system call while it was loaded: socket");
    must_fail(&(struct play){.plugin = "ctor_write"}, SG_CLASS_POLICY,
              "the plugin made a forbidden system call while it was loaded: openat");
    T_NE_INT(access("/tmp/sgrun-zoo-was-here", F_OK), 0);
    log = play_logged(&p);
    T_EQ_STR(p.err.primary, NULL);
    /* without landlock a file can be read while loading; then the host's log said so */
    if (strstr(log, "landlock") == NULL)
        T_CONTAINS(log, "passwd: Permission denied, environ: Permission denied");
    sg_err_release(&p.err);
#endif
}

SG_TEST(a_constructor_that_crashes_or_hangs)
{
    must_fail(&(struct play){.plugin = "ctor_crash"}, SG_CLASS_CRASH, "the plugin died of SIGABRT (Aborted) while it was loaded");
    must_fail(&(struct play){.plugin = "ctor_loop", .limit_ms = 200}, SG_CLASS_TIMEOUT,
              "the plugin did not answer within 200 ms while it was loaded");
}

/* ---- at work ---- */

SG_TEST(crashes_are_named)
{
    struct play p = {.plugin = "aborts"};

#ifndef SG_INSTRUMENTED
    must_fail(&(struct play){.plugin = "crash"}, SG_CLASS_CRASH, "the plugin died of SIGSEGV (Segmentation fault) in run()");
    must_fail(&(struct play){.plugin = "eats_memory"}, SG_CLASS_CRASH, "the plugin died of SIG");
#endif
    play_logged(&p);
    T_EQ_INT(p.err.class, SG_CLASS_CRASH);
    T_EQ_STR(p.err.primary, "the plugin died of SIGABRT (Aborted) in run()");
    T_EQ_STR(p.err.detail, "The last that it printed was: this cannot be");
    T_EQ_STR(p.err.step, "aborts");
    sg_err_release(&p.err);
    must_fail(&(struct play){.plugin = "exits"}, SG_CLASS_CRASH, "the plugin's process ended with exit status 0 in run()");
}

SG_TEST(what_hangs_is_killed_in_time)
{
    static const char *const names[] = {"loop", "stops_itself", "oversleeps"};

    for (size_t i = 0; i < 3; i++) {
        struct play p = {.plugin = names[i], .limit_ms = 300};
        int64_t start = sg_clock_ms();

        must_fail(&p, SG_CLASS_TIMEOUT, "the plugin did not answer within 300 ms in run()");
        T_LE_INT(sg_clock_ms() - start, 1500);
        T_EQ_INT(p.ddl, 1);
    }
}

SG_TEST(forbidden_calls_are_named)
{
#ifdef SG_INSTRUMENTED
    T_SKIP("instrumented builds only log forbidden system calls");
#else
    static const char *const cases[][2] = {
        {"executes", "execve"},   {"connects", "socket"}, {"reads_pgpass", "openat"},         {"reads_parent", "openat"},
        {"kills_parent", "kill"}, {"traces", "ptrace"},   {"catches_sigsys", "rt_sigaction"},
        {"sneaks_sigsys", "rt_sigaction"},
    };
    /* these block all signals around the call, so the handler cannot speak */
    static const char *const mute[] = {"forks", "starts_thread", "hides_sigsys"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        must_fail(&(struct play){.plugin = cases[i][0]}, SG_CLASS_POLICY,
                  sg_test_strf("the plugin made a forbidden system call in run(): %s", cases[i][1]));
    for (size_t i = 0; i < sizeof mute / sizeof mute[0]; i++)
        must_fail(&(struct play){.plugin = mute[i]}, SG_CLASS_POLICY, "the plugin made a forbidden system call in run()");
#endif
}

SG_TEST(the_protocol_is_kept)
{
    must_fail(&(struct play){.plugin = "garbage"}, SG_CLASS_PROTOCOL, "the plugin sent garbage instead of a request");
    must_fail(&(struct play){.plugin = "forges_number"}, SG_CLASS_PROTOCOL, "the plugin sent a forged \"done\"");
    must_fail(&(struct play){.plugin = "forges_done"}, SG_CLASS_PROTOCOL, "the plugin ");
    must_fail(&(struct play){.plugin = "floods_socket"}, SG_CLASS_PROTOCOL, "the plugin sent ");
    must_fail(&(struct play){.plugin = "closes_socket", .limit_ms = 10000}, SG_CLASS_PROTOCOL,
              "the plugin closed its connection to sgrun in run()");
    must_fail(&(struct play){.plugin = "misuses"}, SG_CLASS_PROTOCOL, "sg_ddl: the statement is NULL");
    must_fail(&(struct play){.plugin = "too_big"}, SG_CLASS_POLICY, "sg_ddl in run() has too much: 2097152 bytes of a statement");
}

SG_TEST(floods_are_dammed)
{
    must_fail(&(struct play){.plugin = "floods_log"}, SG_CLASS_PROTOCOL, "the plugin floods the log");
    must_fail(&(struct play){.plugin = "floods_output"}, SG_CLASS_PROTOCOL, "the plugin floods the log");
}

SG_TEST(failures_reach_the_host_as_they_are)
{
    struct play p = {.plugin = "says_no"};

    must_be_good(&p);
    T_EQ_INT(p.status, 1);
    T_EQ_STR(p.fail, "found 7 rows too many");
    p = (struct play){.plugin = "ok_after_fail"};
    must_be_good(&p);
    T_EQ_INT(p.status, 0);
    T_EQ_STR(p.fail, "the table odd is not what it should be");
    p = (struct play){.plugin = "odd_status"};
    must_be_good(&p);
    T_EQ_INT(p.status, 42);
    T_EQ_STR(p.fail, "");
    /* policy is the executor's: it is given the request and the entry point it came from */
    p = (struct play){.plugin = "dml_in_run"};
    must_be_good(&p);
    T_EQ_INT(p.dml, 1);
    p = (struct play){.plugin = "ddl_in_fingerprint"};
    must_be_good(&p);
    T_EQ_INT(p.ddl, 2);
}

SG_TEST(no_escape_reaches_a_terminal)
{
    struct play p = {.plugin = "escapes"};
    const char *log = play_logged(&p);

    T_EQ_STR(p.err.primary, NULL);
    T_CONTAINS(log, "cleared");
    T_CONTAINS(log, "of the log");
    T_NULL(strchr(log, '\033'));
    T_NULL(strchr(log, '\007'));
    T_NULL(strchr(log, '\xff'));
    sg_err_release(&p.err);
}

static bool stop_at_once(void *count)
{
    return ++*(int *)count > 1;
}

SG_TEST(waiting_can_be_stopped)
{
    const struct sg_expected expected = {.step = "oversleeps", .migration = true, .limit_ms = 10000};
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_process *process;
    struct sg_request request;
    struct sg_image image;
    struct sg_hello hello;
    int64_t start = sg_clock_ms();
    int count = 0;

    T_MUST_EQ_INT(zoo_image("oversleeps", &arena, &image, &err), 0);
    T_MUST_EQ_INT(sg_process_start(&process, &image, &expected, &err), 0);
    T_MUST_EQ_INT(sg_process_hello(process, &hello, &err), 0);
    T_MUST_EQ_INT(sg_process_call(process, SG_ENTRY_RUN, NULL, 0, NULL, &err), 0);
    T_MUST_EQ_INT(sg_process_next(process, &request, &err), 0);
    T_EQ_INT(request.kind, SG_REQUEST_DDL);
    T_MUST_EQ_INT(sg_process_answer_int(process, 0, &err), 0);
    sg_process_on_wait(process, stop_at_once, &count);
    T_EQ_INT(sg_process_next(process, &request, &err), -1);
    T_EQ_INT(err.class, SG_CLASS_INTERRUPTED);
    T_LE_INT(sg_clock_ms() - start, 2000);
    sg_process_kill(process);
    sg_err_release(&err);
    sg_arena_release(&arena);
}

/* Of "sgrun-plugin STEP"; 0 if there is none. */
static pid_t find_process(const char *step)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (folder != NULL && found == 0 && (entry = readdir(folder)) != NULL) {
        char line[256] = "";
        FILE *file = fopen(sg_test_strf("/proc/%s/cmdline", entry->d_name), "r");

        if (file == NULL)
            continue;
        if (fread(line, 1, sizeof line - 1, file) > 0 && strcmp(line, "sgrun-plugin") == 0 && strcmp(line + 13, step) == 0)
            found = (pid_t)atoi(entry->d_name);
        fclose(file);
    }
    if (folder != NULL)
        closedir(folder);
    return found;
}

SG_TEST(it_ends_with_its_host)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_err err = SG_ERR_INIT;
    struct sg_image image;
    int64_t end;
    pid_t host;

    T_MUST_EQ_INT(zoo_image("ctor_loop", &arena, &image, &err), 0);
    host = fork();
    if (host == 0) {
        const struct sg_expected expected = {.step = "ctor_loop", .migration = true, .limit_ms = 10000};
        struct sg_process *process;

        (void)!sg_process_start(&process, &image, &expected, &err);
        for (;;)
            pause();
    }
    for (end = sg_clock_ms() + 2000; find_process("ctor_loop") == 0 && sg_clock_ms() < end;)
        sg_test_sleep_ms(5);
    T_NE_INT(find_process("ctor_loop"), 0);
    sg_test_sleep_ms(50); /* it loops now, and would for ever */
    kill(host, SIGKILL);
    T_EQ_INT(waitpid(host, NULL, 0), host);
    for (end = sg_clock_ms() + 2000; find_process("ctor_loop") != 0 && sg_clock_ms() < end;)
        sg_test_sleep_ms(5);
    T_EQ_INT(find_process("ctor_loop"), 0);
    sg_arena_release(&arena);
}

/* ---- the table ---- */

static const struct sg_test good[] = {SG_CASE(a_migration_issues_its_statements),
                                      SG_CASE(a_migration_uses_every_call),
                                      SG_CASE(sql_is_quoted_as_asked),
                                      SG_CASE(a_migration_in_cxx),
                                      SG_CASE(a_backfill_does_a_batch),
                                      SG_CASE(flags_and_names_reach_the_host),
                                      SG_CASE(a_large_result_to_a_plugin_that_prints),
                                      SG_CASE(results_with_null_and_without_rows),
                                      SG_CASE(the_sandbox_can_be_off),
                                      SG_CASE(a_kernel_without_landlock_is_said_once),
                                      SG_CASE(a_kernel_without_seccomp_is_refused_or_said_once),
                                      SG_CASE(many_at_once),
                                      SG_CASES_END};
static const struct sg_test refused[] = {SG_CASE(what_is_no_plugin_is_refused),
                                         SG_CASE(the_abi_must_fit), SG_CASE(an_older_plugin_goes_on),
                                         SG_CASE(the_section_must_fit),
                                         SG_CASE(the_entries_must_be_its_own),
                                         SG_CASE(what_does_not_resolve_is_refused_by_name),
                                         SG_CASE(what_is_no_elf_file_is_refused),
                                         SG_CASE(without_its_program_nothing_starts),
                                         SG_CASE(constructors_are_confined_too),
                                         SG_CASE(a_constructor_that_crashes_or_hangs),
                                         SG_CASES_END};
static const struct sg_test bad[] = {SG_CASE(crashes_are_named),
                                     SG_CASE(what_hangs_is_killed_in_time),
                                     SG_CASE(forbidden_calls_are_named),
                                     SG_CASE(the_protocol_is_kept),
                                     SG_CASE(floods_are_dammed),
                                     SG_CASE(failures_reach_the_host_as_they_are),
                                     SG_CASE(no_escape_reaches_a_terminal),
                                     SG_CASE(waiting_can_be_stopped),
                                     SG_CASE(it_ends_with_its_host),
                                     SG_CASES_END};
static const struct sg_suite suites[] = {{"good", good}, {"refused", refused}, {"bad", bad}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
