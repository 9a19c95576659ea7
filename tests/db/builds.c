/* Builds of indexes under test, as builds.h says. */
#include "config.h"

#include "tests/db/builds.h"

#include "tests/kit/tmp.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 30000
#define OWNER "app_owner"
#define GATE_SCAN 77
#define GATE_SORT 78
#define GATE_VALIDATE 79

/* ---- the site ---- */

/* A function that an index may use must be immutable, or say so. A try-lock in a loop and not a lock: whoever waits for a lock
 * would be looked at by the deadlock detector, and by sgrun. */
static const char functions[] =
    "CREATE FUNCTION pass(gate int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
    " WHILE NOT pg_catalog.pg_try_advisory_lock_shared(gate) LOOP PERFORM pg_catalog.pg_sleep(0.005); END LOOP;"
    " PERFORM pg_catalog.pg_advisory_unlock_shared(gate); END $$;"
    "CREATE FUNCTION gate(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
    " IF a = -1 THEN PERFORM public.pass(77); ELSIF a = -2 THEN PERFORM public.pass(79); END IF; RETURN a; END $$;"
    "CREATE FUNCTION slow_cmp(x int, y int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
    " IF x = -1 OR y = -1 THEN PERFORM public.pass(78); END IF; RETURN pg_catalog.btint4cmp(x, y); END $$;"
    "CREATE OPERATOR CLASS slow_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=,"
    " OPERATOR 5 >, FUNCTION 1 slow_cmp(int, int)";

void site_open(struct site *site, enum way way, bool own)
{
    site_open_with(site, way, own ? "" : NULL, 0, NULL);
}

static void fill(struct site *site)
{
    site->db = sg_server_new_db(site->server);
    site->direct = sg_server_conninfo(site->server, site->db, NULL);
    site->sql = sg_sql_open(site->direct);
    sg_sql_exec(site->sql, "SET client_min_messages = error");
    if (sg_sql_value(site->sql, "SELECT 1 FROM pg_roles WHERE rolname = '" OWNER "'") == NULL)
        sg_sql_exec(site->sql, "CREATE ROLE " OWNER " LOGIN");
    sg_sql_execf(site->sql, "GRANT CREATE ON DATABASE %s TO " OWNER "; ALTER SCHEMA public OWNER TO " OWNER, site->db);
    sg_sql_exec(site->sql, "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, b int, note text);"
                           "INSERT INTO t SELECT i, i, i % 7, 'row ' || i FROM generate_series(1, 300) i;"
                           "INSERT INTO t VALUES (0, -1, 0, 'the gate'); CREATE TABLE elsewhere (id int);"
                           "INSERT INTO elsewhere VALUES (1); ANALYZE t");
    sg_sql_exec(site->sql, functions);
}

void site_open_with(struct site *site, enum way way, const char *conf, int pool_size, const char *bouncer_conf)
{
    const char *dir;
    int port;

    *site = (struct site){.way = way, .server = conf != NULL ? sg_server_start(conf) : sg_server_shared()};
    site->role = sg_test_rand(2) == 0 ? OWNER : "postgres";
    printf("as %s\n", site->role);
    dir = sg_server_dir(site->server);
    port = sg_server_port(site->server);
    if (way == WAY_PAST)
        site->past = sg_proxy_start(dir, port);
    if (way != WAY_DIRECT) {
        site->bouncer = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){
            .dir = dir, .port = port, .roles = (const char *const[]){OWNER, NULL}, .pool_size = pool_size, .conf = bouncer_conf});
        dir = sg_pgbouncer_dir(site->bouncer);
        port = sg_pgbouncer_port(site->bouncer);
    }
    site->proxy = sg_proxy_start(dir, port);
    fill(site);
}

void site_renew(struct site *site)
{
    site_release(site);
    sg_sql_close(site->sql);
    fill(site);
}

void site_own(struct site *site)
{
    sg_sql_exec(site->sql, "DO $$ DECLARE t text; BEGIN FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p')"
                           " AND relnamespace = 'public'::regnamespace LOOP EXECUTE 'ALTER TABLE ' || t || ' OWNER TO " OWNER "';"
                           " END LOOP; END $$");
}

void site_manifest(struct site *site, const char *lines)
{
    static int number;

    if (strcmp(site->role, OWNER) == 0)
        site_own(site);
    site->manifest = sg_tmp_write(
        sg_test_strf("site%d.ini", ++number),
        sg_test_strf("[sgrun]\nplugin_path = %s\nlease_seconds = 2\n[database]\ndsn = %s\n%s%s\nconnect_seconds = 5\n"
                     "[policy]\nidle_seconds = 1\nretry_base_ms = 20\nretry_cap_ms = 300\nretry_seconds = 30\nmax_retries = 50\n"
                     "lock_pause_ms = 100\n%s\n",
                     sg_test_built("tests/scripted"), sg_proxy_conninfo(site->proxy, site->db, site->role),
                     site->past != NULL ? "direct_dsn = " : "",
                     site->past != NULL ? sg_proxy_conninfo(site->past, site->db, site->role) : "", lines));
}

const char *site_section(const char *name, const char *lines)
{
    return sg_test_strf("[index %s]\ntable = t\ncolumns = gate(a) slow_ops\n%s", name, lines);
}

static struct sg_run_opts opts(struct site *site, const char *const *args, const char **argv, size_t max)
{
    size_t count = 0;

    argv[count++] = sg_test_built("sgrun");
    argv[count++] = "--manifest";
    argv[count++] = site->manifest;
    for (; *args != NULL; args++) {
        T_MUST(count < max - 1);
        argv[count++] = *args;
    }
    argv[count] = NULL;
    return (struct sg_run_opts){.argv = argv};
}

struct sg_run *site_start_args(struct site *site, const char *const *args)
{
    const char *argv[16];
    struct sg_run_opts how = opts(site, args, argv, 16);

    return sg_run_start(&how);
}

struct sg_run_result site_run_args(struct site *site, const char *const *args)
{
    return site_end(site, site_start_args(site, args), "a run");
}

const char *site_said(struct sg_run_result run)
{
    return sg_test_strf("%s%s", run.out, run.err);
}

struct sg_run_result site_end_at(struct sg_here here, struct site *site, struct sg_run *run, const char *what)
{
    struct sg_run_result result = sg_run_wait(run, 2 * WAIT_MS);

    sg_test_check(here, false, !result.timed_out, "%s: it did not end; it said:\n%s\nsessions:\n%s", what, site_said(result),
                  sg_sql_rows(site->sql, "SELECT pid, application_name, state, wait_event_type, wait_event, query FROM"
                                         " pg_stat_activity WHERE datname = current_database()"));
    if (result.signal == 0 && !result.timed_out)
        site_honest(here, site, &result, what);
    return result;
}

void site_again(struct site *site)
{
    int64_t until = sg_test_now_ms() + WAIT_MS;
    struct sg_sql *own = NULL;

    if (strcmp(sg_sql_try(site->sql, "SELECT 1"), "") == 0)
        return;
    sg_sql_close(site->sql);
    while ((own = sg_sql_try_open(site->direct, NULL)) == NULL && sg_test_now_ms() < until)
        sg_test_sleep_ms(20);
    T_MUST_NOT_NULL(own);
    site->sql = own;
    sg_sql_exec(site->sql, "SET client_min_messages = error");
}

/* ---- what there is, and what must hold ---- */

const char *site_index(struct site *site, const char *name)
{
    bool taken = site->taken != NULL && strcmp(site->taken, name) == 0;
    const char *found = sg_sql_value(site->sql, sg_test_strf(
        "SELECT CASE WHEN indisvalid AND indisready AND indislive THEN 'valid' WHEN indisready THEN 'invalid, ready'"
        " ELSE 'invalid' END FROM pg_index x JOIN pg_class c ON c.oid = indexrelid"
        " WHERE relname = '%s' AND relnamespace = 'public'::regnamespace", name));

    if (found == NULL && taken)
        return site_index(site, site->taken_as);
    return found != NULL ? found : "missing";
}

static bool installed(struct site *site)
{
    return sg_sql_value(site->sql, "SELECT to_regclass('sgrun.indexes')") != NULL;
}

const char *site_state(struct site *site, const char *name)
{
    const char *state = !installed(site) ? NULL : sg_sql_value(
        site->sql, sg_test_strf("SELECT state FROM sgrun.indexes WHERE name = '%s'", name));

    return state != NULL ? state : "";
}

#define INVALID                                                                                                            \
    "SELECT relname FROM pg_index x JOIN pg_class c ON c.oid = indexrelid WHERE NOT (indisvalid AND indisready AND indislive)" \
    " AND c.relnamespace = 'public'::regnamespace ORDER BY 1"

/* A line of the table of results, "  built       NAME   …": its name; NULL: another kind of line. */
static const char *named_done(const char *line)
{
    static const char *const words[] = {"  built ", "  valid "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(line, words[i], strlen(words[i])) == 0) {
            line += strlen(words[i]);
            line += strspn(line, " ");
            return sg_test_strf("%.*s", (int)strcspn(line, " \n"), line);
        }
    return NULL;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

void site_honest(struct sg_here here, struct site *site, const struct sg_run_result *run, const char *what)
{
    const char *said = site_said(*run), *invalid;

    if (strcmp(sg_sql_try(site->sql, "SELECT 1"), "") != 0)
        return; /* the server is away; what is asked after it came back says it all */
    for (const char *line = said; *line != '\0'; line = next_line(line)) {
        const char *name = named_done(line);

        if (name != NULL)
            sg_test_check(here, false, strcmp(site_index(site, name), "valid") == 0, "%s: %s is called done, and is %s:\n%s", what,
                          name, site_index(site, name), said);
    }
    invalid = sg_sql_rows(site->sql, INVALID);
    for (const char *line = invalid; *line != '\0'; line = next_line(line)) {
        const char *name = sg_test_strf("%.*s", (int)strcspn(line, "\n"), line);

        sg_test_check(here, false, strstr(said, name) != NULL && strstr(said, "invalid") != NULL,
                      "%s: %s is left behind invalid, and not named:\n%s", what, name, said);
    }
}

void site_quiet_at(struct sg_here here, struct site *site, const char *what)
{
    static const char busy[] =
        "SELECT pid, application_name, state, query FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND (state <> 'idle' OR xact_start IS NOT NULL)"
        " AND application_name LIKE 'sgrun%'";
    int64_t until = sg_test_now_ms() + WAIT_MS;
    const char *valid, *rows = "";

    while ((*sg_run_orphans() != '\0' || *(rows = sg_sql_rows(site->sql, busy)) != '\0') && sg_test_now_ms() < until)
        sg_test_sleep_ms(20);
    sg_test_check(here, false, *sg_run_orphans() == '\0', "%s: processes are left:\n%s", what, sg_run_orphans());
    sg_test_check(here, false, *rows == '\0', "%s: sessions are left:\n%s", what, rows);
    if (!installed(site))
        return;
    valid = sg_sql_rows(site->sql, "SELECT name FROM sgrun.indexes WHERE state = 'valid'");
    for (const char *line = valid; *line != '\0'; line = next_line(line)) {
        const char *name = sg_test_strf("%.*s", (int)strcspn(line, "\n"), line);

        sg_test_check(here, false, strcmp(site_index(site, name), "valid") == 0, "%s: sgrun's table calls %s valid, and it is %s",
                      what, name, site_index(site, name));
    }
}

void site_settle_at(struct sg_here here, struct site *site, const char *names, const char *what)
{
    struct sg_run_result run = site_end_at(here, site, site_start(site, "index"), what);
    const char *invalid = sg_sql_rows(site->sql, INVALID);

    sg_test_check(here, false, run.exit == 0, "%s: the last run ended with %d (signal %d):\n%s", what, run.exit, run.signal,
                  site_said(run));
    for (const char *name = names; *name != '\0'; name += strcspn(name, " "), name += strspn(name, " ")) {
        const char *one = sg_test_strf("%.*s", (int)strcspn(name, " "), name);

        sg_test_check(here, false, strcmp(site_index(site, one), "valid") == 0 && strcmp(site_state(site, one), "valid") == 0,
                      "%s: in the end %s is %s, and sgrun calls it %s:\n%s", what, one, site_index(site, one),
                      site_state(site, one), site_said(run));
    }
    sg_test_check(here, false, *invalid == '\0', "%s: left in the end, invalid:\n%s\n%s", what, invalid, site_said(run));
    site_quiet_at(here, site, what);
}

void site_clear(struct site *site)
{
    site_release(site);
    site_again(site);
    sg_sql_exec(site->sql, "DO $$ DECLARE i text; BEGIN FOR i IN SELECT indexrelid::regclass FROM pg_index x WHERE"
                           " indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
                           " AND NOT indisprimary"
                           " LOOP EXECUTE 'DROP INDEX IF EXISTS ' || i; END LOOP; END $$; DELETE FROM t WHERE id > 300");
    if (installed(site))
        sg_sql_exec(site->sql, "DELETE FROM sgrun.indexes");
}

/* ---- holding a build ---- */

static const char *const phase_names[PHASE_COUNT] = {
    "before any phase",
    "waiting for writers before build",
    "building index: scanning table",
    "building index: sorting live tuples",
    "waiting for writers before validation",
    "index validation: scanning table",
    "waiting for old snapshots",
    "the drop of a broken one",
};

const char *phase_name(enum phase phase)
{
    return phase_names[phase];
}

struct phases phases_some(int want, const enum phase *all, int count)
{
    struct phases phases = {.count = count, .left = want < count && !sg_test_full() ? want : count};

    T_MUST(count <= PHASE_COUNT);
    for (int i = 0; i < count; i++)
        phases.list[i] = all[i];
    return phases;
}

bool phases_next(struct phases *phases, enum phase *phase_r)
{
    int at;

    if (phases->left-- <= 0)
        return false;
    at = (int)sg_test_rand((uint64_t)phases->count);
    *phase_r = phases->list[at];
    phases->list[at] = phases->list[--phases->count];
    return true;
}

static void hold_as(struct site *site, const char *conninfo, const char *text)
{
    T_MUST(site->holder_count < MOST_HOLDERS);
    site->holders[site->holder_count] = sg_sql_open(conninfo);
    sg_sql_exec(site->holders[site->holder_count], "SET application_name = 'holder'; SET client_min_messages = error");
    sg_sql_exec(site->holders[site->holder_count++], text);
}

static void hold(struct site *site, const char *text)
{
    hold_as(site, site->direct, text);
}

static void shut(struct site *site, int gate)
{
    hold(site, sg_test_strf("SELECT pg_advisory_lock(%d)", gate));
}

/* Lets the oldest holder go. */
static void open_first(struct site *site)
{
    sg_sql_close(site->holders[0]);
    memmove(site->holders, site->holders + 1, (size_t)--site->holder_count * sizeof *site->holders);
}

#define WRITE "BEGIN; INSERT INTO t VALUES (1001, 1001, 0, 'open')"

void site_hold_before(struct site *site, enum phase phase)
{
    site_release(site);
    switch (phase) {
    case PHASE_LOCK: /* whose statement sgrun may see: else it might be a build, and nothing is sent */
        hold_as(site, sg_server_conninfo(site->server, site->db, site->role), "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE");
        break;
    case PHASE_WRITERS:
        hold(site, WRITE);
        break;
    case PHASE_SCAN:
    case PHASE_WRITERS_AGAIN:
    case PHASE_VALIDATE:
        shut(site, GATE_SCAN);
        break;
    case PHASE_SORT:
        shut(site, GATE_SORT);
        break;
    case PHASE_SNAPSHOTS:
        hold(site, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM elsewhere");
        break;
    case PHASE_DROP:
        sg_sql_expect(site->sql, "CREATE UNIQUE INDEX CONCURRENTLY t_gate ON t (b)", "23505"); /* what it leaves is broken */
        hold(site, "BEGIN; SELECT FROM t LIMIT 1");
        break;
    case PHASE_COUNT:
        break;
    }
}

static const char *phase_query(enum phase phase)
{
    if (phase == PHASE_LOCK)
        return "SELECT 1 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'ShareUpdateExclusiveLock' AND NOT granted";
    if (phase == PHASE_DROP)
        return "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^DROP INDEX CONCURRENTLY'"
               " AND wait_event_type = 'Lock'";
    /* At a gate it sleeps. The phase alone is told before the scan has its snapshot, and would see rows that come now. */
    return sg_test_strf("SELECT 1 FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid)"
                        " WHERE p.relid = 't'::regclass AND phase = '%s'%s LIMIT 1", phase_names[phase],
                        phase == PHASE_SCAN || phase == PHASE_SORT || phase == PHASE_VALIDATE ? " AND wait_event = 'PgSleep'" : "");
}

static void await_phase(struct site *site, enum phase phase, struct sg_run *run)
{
    int64_t until = sg_test_now_ms() + WAIT_MS;
    const char *query = phase_query(phase);

    while (sg_sql_value(site->sql, query) == NULL) {
        if ((run != NULL && sg_run_ended(run)) || sg_test_now_ms() > until)
            T_FATAL("the build never came to \"%s\":\n%s%s\n%s\nsessions:\n%s", phase_names[phase],
                    run != NULL ? sg_run_out(run) : "", run != NULL ? sg_run_err(run) : "",
                    sg_sql_rows(site->sql, "SELECT * FROM pg_stat_progress_create_index"),
                    sg_sql_rows(site->sql, "SELECT pid, application_name, state, wait_event, query FROM pg_stat_activity"
                                           " WHERE datname = current_database()"));
        sg_test_sleep_ms(5);
    }
}

void site_hold_after(struct site *site, enum phase phase, struct sg_run *run)
{
    if (phase == PHASE_WRITERS_AGAIN || phase == PHASE_VALIDATE) {
        await_phase(site, PHASE_SCAN, run);
        if (phase == PHASE_WRITERS_AGAIN) {
            hold(site, WRITE);
        } else {
            sg_sql_exec(site->sql, "INSERT INTO t VALUES (1002, -2, 0, 'only the validation sees it')");
            shut(site, GATE_VALIDATE);
        }
        open_first(site);
    }
    await_phase(site, phase, run);
}

struct sg_run *site_hold(struct site *site, enum phase phase)
{
    struct sg_run *run;

    site_hold_before(site, phase);
    run = site_start(site, "index");
    site_hold_after(site, phase, run);
    return run;
}

int site_builder_backend(struct site *site)
{
    return (int)sg_sql_int(site->sql,
        "SELECT coalesce((SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state = 'active' AND query ~* '(create|drop)( unique)? index concurrently' LIMIT 1), 0)");
}

void site_release(struct site *site)
{
    while (site->holder_count > 0)
        sg_sql_close(site->holders[--site->holder_count]);
}
