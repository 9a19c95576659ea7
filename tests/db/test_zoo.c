/*
 * The zoo from end to end: each plugin of tests/plugins between two good migrations, through the built program, to a real server.
 * Whatever it does: it is rolled back and not recorded, what comes after it is not run, the exit status is the one of its kind, the
 * message says what it did, the lease is free, no process is left. One that is refused at load stops the run before anything is
 * done. As root and as an unprivileged user.
 *
 * And who may be loaded at all: of which owner, mode, hash, by which path.
 */
#include "config.h"

#include "tests/db/project.h"
#include "tests/kit/proc.h"
#include "tests/kit/tmp.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What it comes to. */
struct animal {
    const char *name;
    int exit;           /* 6: refused before anything ran */
    const char *class;
    const char *words;  /* of the primary message */
    bool confined;      /* stopped by the sandbox alone: nothing stops it in an instrumented build */
};

static const struct animal zoo[] = {
    /* refused at load */
    {"no_info", 6, "refused", "has no sg_plugin", false},
    {"null_info", 6, "refused", "its sg_plugin() returns NULL", false},
    {"wrong_magic", 6, "refused", "is not one of sgrun's", false},
    {"too_small", 6, "refused", "its sg_plugin() gives too little", false},
    {"wrong_kind", 6, "refused", "of a kind that this sgrun does not know (77)", false},
    {"odd_flags", 6, "refused", "has flags that a migration cannot have", false},
    {"newer_major", 6, "refused", "is for plugin ABI 2, this sgrun has ABI 1", false},
    {"newer_minor", 6, "refused", "needs sgrun >= 1.7", false},
    {"wrong_id", 6, "refused", "its id is \"some_other_id\"", false},
    {"good_backfill", 6, "refused", "is a backfill, the section is a migration", false},
    {"no_run", 6, "refused", "has no run, which a migration must have", false},
    {"extra_entry", 6, "refused", "has backfill_batch, which a migration must not have", false},
    {"borrowed_entry", 6, "refused", "needs libzoo_lender.so", false},
    {"unresolved", 6, "refused", "undefined symbol: nobody_has_this", false},
    {"needs_libpq", 6, "refused", "needs libpq.so.5", false},
    {"nothing_of_that_name", 6, "refused", "nothing_of_that_name", false},
    /* constructors run in the check, before anything else */
    {"ctor_socket", 7, "policy", "forbidden system call while it was loaded: socket", true},
    {"ctor_write", 7, "policy", "forbidden system call while it was loaded: openat", true},
    {"ctor_crash", 1, "plugin-crash", "died of SIGABRT (Aborted) while it was loaded", false},
    {"ctor_loop", 1, "plugin-timeout", "did not answer within 1", false},
    /* at work */
    {"crash", 1, "plugin-crash", "died of SIGSEGV (Segmentation fault) in run()", true},
    {"aborts", 1, "plugin-crash", "died of SIGABRT (Aborted) in run()", false},
    {"eats_memory", 1, "plugin-crash", "died of SIG", true},
    {"exits", 1, "plugin-crash", "ended with exit status 0 in run()", false},
    {"loop", 1, "plugin-timeout", "did not answer within 1", false},
    {"stops_itself", 1, "plugin-timeout", "did not answer within 1", false},
    {"oversleeps", 1, "plugin-timeout", "did not answer within 1", false},
    {"garbage", 1, "plugin-protocol", "sent garbage instead of a request", false},
    {"forges_number", 1, "plugin-protocol", "sent a forged \"done\"", false},
    {"forges_done", 1, "plugin-protocol", "the plugin ", false},
    {"floods_socket", 1, "plugin-protocol", "the plugin sent ", false},
    {"closes_socket", 1, "plugin-protocol", "closed its connection to sgrun in run()", false},
    {"misuses", 1, "plugin-protocol", "sg_ddl: the statement is NULL", false},
    {"misuses_format", 1, "plugin-protocol", "sg_ddlf: a directive is none of", false},
    {"floods_log", 1, "plugin-protocol", "floods the log", false},
    {"floods_output", 1, "plugin-protocol", "floods the log", false},
    {"says_no", 1, "plugin-failed", "found 7 rows too many", false},
    {"ok_after_fail", 1, "plugin-failed", "the table odd is not what it should be", false},
    {"odd_status", 1, "plugin-failed", "run returned 42", false},
    {"too_big", 7, "policy", "has too much: 2097152 bytes of a statement", false},
    {"ddl_in_fingerprint", 7, "policy", "fingerprint called sg_ddl", false},
    {"dml_in_run", 7, "policy", "run called sg_dml", false},
    {"executes", 7, "policy", "forbidden system call in run(): execve", true},
    {"connects", 7, "policy", "forbidden system call in run(): socket", true},
    {"reads_pgpass", 7, "policy", "forbidden system call in run(): openat", true},
    {"reads_parent", 7, "policy", "forbidden system call in run(): openat", true},
    {"kills_parent", 7, "policy", "forbidden system call in run(): kill", true},
    {"traces", 7, "policy", "forbidden system call in run(): ptrace", true},
    {"catches_sigsys", 7, "policy", "forbidden system call in run(): rt_sigaction", true},
    {"sneaks_sigsys", 7, "policy", "forbidden system call in run(): rt_sigaction", true},
    {"forks", 7, "policy", "forbidden system call in run()", true},
    {"starts_thread", 7, "policy", "forbidden system call in run()", true},
    {"hides_sigsys", 7, "policy", "forbidden system call in run()", true},
};

static const char *scripted(const char *id, const char *more)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.table = made_by_%s\noption.ddl1 = CREATE TABLE made_by_%s ()\n%s", id, id,
                        id, id, more);
}

static void start_anew(struct project *project)
{
    sg_sql_exec(project->sql, "SET client_min_messages = error; DROP SCHEMA IF EXISTS sgrun CASCADE;"
                              "DROP TABLE IF EXISTS made_by_s01, made_by_s02, made_by_s03");
}

static const char *tables(struct project *project)
{
    return sg_sql_rows(project->sql, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1");
}

/* Whatever is left of sgrun and its children. */
static bool left_behind(void)
{
    return strstr(sg_run_orphans(), "sgrun") != NULL;
}

static void meet(struct project *project, const struct animal *animal)
{
    bool at_load = animal->exit == 6 || strncmp(animal->name, "ctor_", 5) == 0;
    const char *section = strcmp(animal->name, "wrong_kind") == 0 ? "wrong_kind" : animal->name;
    struct sg_run_result run;
    struct sg_json *error;

    start_anew(project);
    project_write(project, sg_test_strf("%s[migration %s]\nplugin = %s\n%s", scripted("s01", ""), section, animal->name, scripted("s02", "")));
    run = project_run(project, "--json");
    error = project_error(&run);
    printf("  %-22s %d  %5lld ms  %s\n", animal->name, run.exit, (long long)run.ms, project_text(error, "primary"));
    if (run.exit != animal->exit)
        T_FAIL("%s: exit status %d (signal %d), not %d:\n%s%s", animal->name, run.exit, run.signal, animal->exit, run.out, run.err);
    T_EQ_STR(project_text(error, "class"), animal->class);
    T_CONTAINS(project_text(error, "primary"), animal->words);
    T_LACKS(project_text(error, "primary"), "/proc/self/fd");
    T_EQ_STR(project_text(error, "step"), section);
    /* manifest file and line */
    T_EQ_STR(project_text(error, "file"), project->manifest);
    T_GT_INT(sg_json_int(sg_json_get(error, "line")), 0);
    T_LE_INT(run.ms, 20000);
    /* what came before stays, but of a refused one nothing came before; itself and what comes after leave nothing */
    if (strcmp(project_ledger(project), at_load ? "" : "s01|applied") != 0)
        T_FAIL("%s: the ledger says \"%s\"", animal->name, project_ledger(project));
    if (strcmp(tables(project), at_load ? "" : "made_by_s01") != 0)
        T_FAIL("%s: there are the tables \"%s\"", animal->name, tables(project));
    T_EQ_STR(project_lease(project), "");
    if (left_behind())
        T_FAIL("%s: left processes:\n%s", animal->name, sg_run_orphans());
    if (!at_load)
        T_EQ_STR(sg_sql_rows(project->sql, "SELECT step, result, class FROM sgrun.attempts"),
                 sg_test_strf("%s|failed|%s", section, animal->class));
}

static struct project *zoo_project(void)
{
    struct project *project = project_new(NULL, NULL);

    project->path = sg_test_strf("%s %s", sg_test_built("tests/plugins"), sg_test_built("tests/scripted"));
    project->policy = "plugin_seconds = 1\n";
    return project;
}

static void meet_all(bool drop)
{
    struct project *project = zoo_project();

    project->drop = drop;
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++) {
#ifdef SG_INSTRUMENTED
        if (zoo[i].confined)
            continue;
#endif
        meet(project, &zoo[i]);
    }
    T_NE_INT(access("/tmp/sgrun-zoo-was-here", F_OK), 0);
    /* the runner is none the worse for it */
    start_anew(project);
    project_write(project, sg_test_strf("%s%s", scripted("s01", ""), scripted("s02", "")));
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied\ns02|applied");
}

SG_TEST(each_bad_plugin_has_its_own_end)
{
    meet_all(false);
}

SG_TEST(also_for_an_unprivileged_user)
{
    if (geteuid() != 0)
        T_SKIP("these tests do not run as root: the one before this was it");
    meet_all(true);
}

/* Every refusal of a manifest is told in one go. */
SG_TEST(all_that_is_refused_is_told_at_once)
{
    struct project *project = zoo_project();
    struct sg_run_result run;

    project_write(project, sg_test_strf("%s[migration no_info]\nplugin = no_info\n[migration newer_minor]\nplugin = newer_minor\n"
                                        "[migration needs_libpq]\nplugin = needs_libpq\n", scripted("s01", "")));
    run = project_must(project, 6, NULL);
    T_CONTAINS(run.err, "no_info");
    T_CONTAINS(run.err, "needs sgrun >= 1.7");
    T_CONTAINS(run.err, "libpq.so.5");
    T_CONTAINS(run.err, sg_test_strf("%s:", project->manifest));
    T_EQ_STR(tables(project), "");
    /* `check` says the same without a server */
    project->dsn = "postgres://nobody@/nowhere?host=/nowhere";
    project_write(project, sg_test_strf("%s[migration no_info]\nplugin = no_info\n[migration newer_minor]\nplugin = newer_minor\n",
                                        scripted("s01", "")));
    run = project_must(project, 6, "check");
    T_CONTAINS(run.err, "no_info");
    T_CONTAINS(run.err, "needs sgrun >= 1.7");
    project_write(project, scripted("s01", ""));
    project_must(project, 0, "check");
}

/* Of steps that are recorded the plugin is not even looked at. */
SG_TEST(recorded_plugins_are_not_opened)
{
    struct project *project = zoo_project();

    project_write(project, scripted("s01", ""));
    project_must(project, 0, NULL);
    project->path = "/nowhere";
    project_write(project, scripted("s01", ""));
    project_must(project, 0, NULL);
}

/* ---- the good ones, against a real server ---- */

SG_TEST(every_call_of_the_abi)
{
    struct project *project = zoo_project();
    struct sg_run_result run;

    sg_sql_exec(project->sql,
                "CREATE TABLE t (n int, text text, a text, b text, c numeric(8,2)); CREATE INDEX i ON t (n);"
                "INSERT INTO t (n, text, a) SELECT g, 'row ' || g, 'x' FROM generate_series(0, 2) g; INSERT INTO t (a, b) VALUES ('x', 'b'), ('y', NULL);"
                "CREATE TYPE mood AS ENUM ('sad'); CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
                "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
                "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf(); CREATE VIEW v AS SELECT 1 AS one; CREATE SEQUENCE s;"
                "CREATE POLICY p ON t USING (true); CREATE TABLE \"odd \"\"name\"\"\" (a int);"
                /* what makes the fingerprint hold after run: DDL behind DDL */
                "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'k') THEN ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0); END IF; END $$;"
                "CREATE EVENT TRIGGER et ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION ef()");
    project_write(project, "[migration good_all]\nplugin = good_all\noption.color = red\n");
    run = project_must(project, 0, NULL);
    T_CONTAINS(run.err, "option red, no option (none)");
    T_EQ_STR(project_ledger(project), "good_all|applied");
    T_EQ_STR(sg_sql_rows(project->sql, "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '\"odd \"\"name\"\"\"'::regclass"),
             "order|CHECK ((a > 0))");
    T_CONTAINS(sg_sql_value(project->sql, "SELECT sql FROM sgrun.journal"), "ALTER TABLE \"odd \"\"name\"\"\" ADD CONSTRAINT \"order\" CHECK (a > 0) /* 100%");
    project_must(project, 0, "verify");
}

SG_TEST(the_good_ones)
{
    struct project *project = zoo_project();
    struct sg_run_result run;

    sg_sql_exec(project->sql, "CREATE TYPE mood AS ENUM ('sad')");
    project_write(project, "[migration good_ddl]\nplugin = good_ddl\noption.count = 40\n[migration good_no_transaction]\nplugin = good_no_transaction\n"
                           "[migration escapes]\nplugin = escapes\n");
    run = project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "escapes|applied\ngood_ddl|applied\ngood_no_transaction|applied");
    T_EQ_INT(sg_sql_int(project->sql, "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'"), 40);
    T_EQ_STR(sg_sql_value(project->sql, "SELECT enum_range(NULL::mood)::text"), "{sad,glad}");
    T_NULL(strchr(run.err, '\033'));
    T_NULL(strchr(run.out, '\033'));
    T_NULL(strchr(run.err, '\007'));
    T_CONTAINS(run.err, "cleared");
}

SG_TEST(in_cxx)
{
    struct project *project = zoo_project();

    /* its fingerprint asks for a row with b = NULL: it never holds, and so the whole is rolled back */
    sg_sql_exec(project->sql, "CREATE TABLE t (a text, b text)");
    project_write(project, "[migration good_cxx]\nplugin = good_cxx\n");
    T_CONTAINS(project_must(project, 8, NULL).err, "the fingerprint does not hold");
    T_EQ_STR(tables(project), "t");
    T_EQ_STR(project_ledger(project), "");
    T_EQ_STR(project_lease(project), "");
}

SG_TEST(a_result_as_large_as_may_be)
{
    struct project *project = zoo_project();

    sg_sql_exec(project->sql, "CREATE TABLE large (n int, text text); ALTER TABLE large ALTER text SET STORAGE EXTERNAL;"
                              "INSERT INTO large SELECT g, repeat('x', 16000) FROM generate_series(1, 1000) g");
    project_write(project, "[migration slow_reader]\nplugin = slow_reader\n");
    /* it reads 16 MB three times and makes no table: its fingerprint then does not hold */
    T_CONTAINS(project_must(project, 8, NULL).err, "the fingerprint does not hold");
    sg_sql_exec(project->sql, "INSERT INTO large SELECT g, repeat('x', 16000) FROM generate_series(1, 60) g");
    T_CONTAINS(project_must(project, 7, NULL).err, "16");
    T_EQ_STR(project_lease(project), "");
}

/* ---- who may be loaded ---- */

/* A copy of a plugin in a folder of the test's; gives the folder. */
static const char *copy_of(const char *folder, const char *id)
{
    const char *from = sg_test_built(sg_test_strf("tests/scripted/.libs/%s.so", id)), *to;
    struct sg_run_result run;

    to = sg_tmp_write(sg_test_strf("%s/%s.so", folder, id), "");
    run = sg_run_args("cp", from, to);
    T_MUST_EQ_INT(run.exit, 0);
    T_MUST(chmod(to, 0755) == 0);
    return sg_test_strf("%s/%s", sg_tmp_dir(), folder);
}

static const char *hash_of(const char *path)
{
    struct sg_run_result run = sg_run_args("sha256sum", path);

    T_MUST_EQ_INT(run.exit, 0);
    return sg_test_strf("%.64s", run.out);
}

static void must_be_refused(struct project *project, const char *words)
{
    struct sg_run_result run = project_must(project, 6, "--json");
    struct sg_json *error = project_error(&run);

    T_CONTAINS(project_text(error, "primary"), words);
    T_NE_STR(project_text(error, "hint"), "");
    T_EQ_STR(project_text(error, "file"), project->manifest);
    T_EQ_STR(tables(project), "");
    T_EQ_STR(project_ledger(project), "");
}

static void trust(bool drop)
{
    struct project *project = zoo_project();
    const char *one = copy_of("one", "s01"), *two = copy_of("two", "s01"), *file = sg_test_strf("%s/s01.so", one);
    struct sg_run_result run;

    project->drop = drop;
    /* two of that name */
    project->path = sg_test_strf("%s %s", one, two);
    project_write(project, scripted("s01", ""));
    must_be_refused(project, "s01");
    run = project_run(project, "--json");
    T_CONTAINS(project_text(project_error(&run), "detail"), "are different files");
    project->path = one;
    project_write(project, scripted("s01", ""));
    T_MUST(chmod(file, 0757) == 0);
    must_be_refused(project, "the file can be written by others");
    T_MUST(chmod(file, 0755) == 0 && chmod(one, 0777) == 0);
    must_be_refused(project, "the file's folder can be written by others");
    if (geteuid() == 0 && !drop) {
        T_MUST(chmod(one, 0775) == 0);
        must_be_refused(project, "the file's folder can be written by its group, and sgrun runs as root");
        T_MUST(chmod(one, 0755) == 0 && chmod(file, 0775) == 0);
        must_be_refused(project, "the file can be written by its group, and sgrun runs as root");
        T_MUST(chmod(file, 0755) == 0 && chown(file, 12345, 12345) == 0);
        must_be_refused(project, "the file belongs to neither root nor you");
        T_MUST(chown(file, 0, 0) == 0);
    } else if (geteuid() == 0) {
        /* its own is as good as root's; another's is not */
        T_MUST(chmod(one, 0755) == 0 && chown(file, 12345, 12345) == 0);
        must_be_refused(project, "the file belongs to neither root nor you");
        T_MUST(chown(file, sg_proc_user()->uid, sg_proc_user()->gid) == 0);
        project_must(project, 0, "check");
    }
    T_MUST(chmod(one, 0777) == 0);
    /* a pin is as good as an owner; a wrong one is worse */
    project_write(project, scripted("s01", sg_test_strf("sha256 = %064d\n", 1)));
    must_be_refused(project, "its sha256 is not the one that is pinned");
    project_write(project, scripted("s01", sg_test_strf("sha256 = %s\n", hash_of(file))));
    project_must(project, 0, NULL);
    T_EQ_STR(project_ledger(project), "s01|applied");
    T_EQ_STR(sg_sql_value(project->sql, "SELECT plugin_sha256 FROM sgrun.schema_migrations"), hash_of(file));
    /* pinned, and changed since */
    start_anew(project);
    T_MUST_EQ_INT(sg_run_args("sh", "-c", sg_test_strf("printf x >>%s", file)).exit, 0);
    must_be_refused(project, "its sha256 is not the one that is pinned");
    /* no ELF file */
    file = sg_tmp_write("two/s01.so", "this is not a plugin\n");
    project->path = two;
    project_write(project, scripted("s01", ""));
    must_be_refused(project, "is not an ELF file");
}

SG_TEST(who_may_be_loaded)
{
    trust(false);
}

SG_TEST(who_may_be_loaded_by_an_unprivileged_user)
{
    if (geteuid() != 0)
        T_SKIP("these tests do not run as root: the one before this was it");
    trust(true);
}

static const struct sg_test tests[] = {SG_CASE(each_bad_plugin_has_its_own_end),
                                       SG_CASE(also_for_an_unprivileged_user),
                                       SG_CASE(all_that_is_refused_is_told_at_once),
                                       SG_CASE(recorded_plugins_are_not_opened),
                                       SG_CASE(every_call_of_the_abi),
                                       SG_CASE(the_good_ones),
                                       SG_CASE(in_cxx),
                                       SG_CASE(a_result_as_large_as_may_be),
                                       SG_CASE(who_may_be_loaded),
                                       SG_CASE(who_may_be_loaded_by_an_unprivileged_user),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"zoo", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
