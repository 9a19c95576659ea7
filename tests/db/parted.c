#include "config.h"

#include "tests/db/parted.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/run/run.h"
#include "core/state/schema.h"
#include "tests/kit/pgbouncer.h"

struct one one;

static void note_line(const char *line, size_t length)
{
    sg_buf_add(&one.logged, line, length);
    sg_buf_addc(&one.logged, '\n');
}

static void on_progress(void *context, const struct sg_index_progress *progress)
{
    (void)context;
    sg_buf_addf(&one.told, "%d/%d %s %s\n", progress->part, progress->parts, progress->doing != NULL ? progress->doing : "",
                progress->phase != NULL ? progress->phase : "");
    if (one.meanwhile != NULL)
        one.meanwhile(progress);
}

static void release(void *unused)
{
    (void)unused;
    sg_log_divert(NULL);
    sg_err_release(&one.result.err);
    sg_buf_release(&one.logged);
    sg_buf_release(&one.told);
    sg_arena_release(&one.arena);
}

static void must(int status, struct sg_err *err)
{
    if (status != 0)
        T_FATAL("%s: %s (%s)", sg_class_name(err->class), err->primary, err->detail != NULL ? err->detail : "");
}

static const char *from_dsn, *db_name;

void one_section(const char *policy, const char *section)
{
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_err err = SG_ERR_INIT;
    const char *text = sg_test_strf("[sgrun]\nplugin_path = .\n[database]\ndsn = %s\n[policy]\nretry_base_ms = 10\nretry_cap_ms = 200\n"
                                    "%s%s", from_dsn, policy, section);

    if (sg_manifest_parse("etc/test.ini", text, strlen(text), NULL, 0, false, &one.arena, &one.manifest, &errs) != 0)
        T_FATAL("%s", errs.list[0].primary);
    sg_errs_release(&errs);
    must(sg_run_open(&one.run, &one.manifest, NULL, &one.arena, &err), &err);
    must(sg_index_define(&one.manifest, &one.manifest.steps[one.manifest.step_count - 1], &one.arena, &one.definition, &err), &err);
    one.build = (struct sg_index_build){.run = &one.run, .definition = &one.definition, .progress = on_progress};
}

void one_section_as(const char *role, const char *section)
{
    from_dsn = sg_server_conninfo(sg_server_shared(), db_name, role);
    one_section("", section);
}

void one_begin(const char *setup, bool pooled, const char *policy, const char *section)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_db *db;

    memset(&one, 0, sizeof one);
    sg_buf_init(&one.logged, 0);
    sg_buf_init(&one.told, 0);
    sg_test_defer(release, NULL);
    sg_log_setup(SG_LOG_INFO, SG_LOG_HUMAN);
    sg_log_divert(note_line);
    db_name = sg_server_new_db(sg_server_shared());
    one.conninfo = sg_server_conninfo(sg_server_shared(), db_name, NULL);
    one.sql = sg_sql_open(one.conninfo);
    sg_sql_exec(one.sql, setup);
    from_dsn = one.conninfo;
    if (pooled)
        from_dsn = sg_pgbouncer_conninfo(sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
                                             .dir = sg_server_dir(sg_server_shared()), .port = sg_server_port(sg_server_shared())}), db_name, NULL);
    one_section(policy, section);
    must(sg_db_open(&db, &one.run.dsn, "sgrun", sg_clock_ms() + 10000, &err), &err);
    must(sg_state_install(db, "sgrun", &err), &err);
    sg_db_close(db);
}

const char *one_built(void)
{
    sg_err_release(&one.result.err);
    sg_buf_clear(&one.told);
    sg_buf_clear(&one.logged);
    sg_index_build(&one.build, &one.result);
    return sg_index_end_name(one.result.end);
}

const char *one_built_apart(void)
{
    struct sg_index_result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid;

    T_MUST(shared != MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        one_built();
        *shared = one.result;
        _exit(0);
    }
    T_MUST(waitpid(pid, &status, 0) == pid);
    one.result = (struct sg_index_result){.end = shared->end, .attempts = shared->attempts, .carcass = shared->carcass};
    munmap(shared, sizeof *shared);
    return WIFSIGNALED(status) ? "killed" : sg_index_end_name(one.result.end);
}

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

const char *one_primary(void)
{
    return or_nothing(one.result.err.primary);
}

const char *one_detail(void)
{
    return or_nothing(one.result.err.detail);
}

const char *one_hint(void)
{
    return or_nothing(one.result.err.hint);
}

const char *one_note(void)
{
    return or_nothing(one.result.note);
}
