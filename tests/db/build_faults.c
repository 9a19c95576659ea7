/* Faults while an index is built, as build_faults.h says. */
#include "config.h"

#include "tests/db/build_faults.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NAME "t_gate"

static const char *const blow_names[BLOW_COUNT] = {
    "sgrun killed", "sgrun and its builder killed", "the builder killed", "stopped, and killed when the next run is at it",
    "builder frozen",
    "backend terminated", "backend cancelled", "connections cut", "SIGINT", "SIGTERM", "SIGINT twice", "SIGTERM twice",
    "PgBouncer killed", "postmaster killed"};

struct faults {
    struct site site;
    int hits[BLOW_COUNT], of_phase[PHASE_COUNT], all;
};

/* ---- faults; what the run came to is judged by them ---- */

static size_t signal_all(struct sg_run *run, bool itself, int sig)
{
    pid_t builders[8];
    size_t count = sg_run_lanes(run, builders, 8);

    if (itself)
        sg_run_signal(run, sig);
    for (size_t i = 0; i < count; i++)
        (void)kill(builders[i], sig);
    return count;
}

static void kill_builders(struct sg_run *run, bool itself, int sig)
{
    T_GT_INT(signal_all(run, itself, sig), 0);
}

/* The end of a run that was not killed: its exit status, whatever it says is true (site_end), and it takes no longer than that. */
static struct sg_run_result end(struct site *site, struct sg_run *run, int status, const char *what)
{
    struct sg_run_result result = site_end(site, run, what);

    if (result.exit != status)
        T_FAIL("%s: exit status %d (signal %d), not %d:\n%s", what, result.exit, result.signal, status, site_said(result));
    return result;
}

static void killed(struct site *site, struct sg_run *run, const char *what)
{
    T_EQ_INT(site_end(site, run, what).signal, SIGKILL);
}

/* What is interrupted leaves at once, or within the ten seconds that dropping the carcass may take; and says what it left. */
static void interrupt(struct site *site, struct sg_run *run, int sig, bool twice, const char *what)
{
    int64_t since = sg_test_now_ms();
    struct sg_run_result result;

    sg_run_signal(run, sig);
    if (twice) {
        sg_test_sleep_ms(300);
        since = sg_test_now_ms();
        sg_run_signal(run, sig);
    }
    result = end(site, run, 128 + sig, what);
    if (sg_test_now_ms() - since > (twice ? 5000 : 15000))
        T_FAIL("%s: it left after %lld ms:\n%s", what, (long long)(sg_test_now_ms() - since), site_said(result));
}

/* Frozen with all that is its own; the next run begins while the ghost's backend is at it, and then the ghost is killed. */
static void ghost(struct site *site, struct sg_run *run, const char *what)
{
    struct sg_run *next;

    kill_builders(run, true, SIGSTOP);
    sg_test_sleep_ms(2200); /* its claim has run out */
    next = site_start(site, "index");
    sg_test_sleep_ms(700);
    if (sg_test_rand(2) == 0) {
        kill_builders(run, true, SIGKILL);
        killed(site, run, what);
        site_release(site);
    } else {
        site_release(site);
        sg_test_sleep_ms(100);
        kill_builders(run, true, SIGKILL);
        killed(site, run, what);
    }
    end(site, next, 0, what);
    T_EQ_STR(site_index(site, NAME), "valid");
}

/* As if its machine had slept: it goes on beside another run, and both end well. */
static void freeze(struct site *site, struct sg_run *run, const char *what)
{
    struct sg_run *next;

    kill_builders(run, false, SIGSTOP);
    sg_test_sleep_ms(2200);
    next = site_start(site, "index");
    sg_test_sleep_ms(700 + (int64_t)sg_test_rand(700));
    if (sg_test_rand(2) == 0)
        site_release(site);
    sg_test_sleep_ms((int64_t)sg_test_rand(300));
    kill_builders(run, false, SIGCONT);
    site_release(site);
    end(site, run, 0, what);
    end(site, next, 0, what);
    T_EQ_STR(site_index(site, NAME), "valid");
}

/* Goes on by itself once it may: the same run ends with the index. */
static void survived(struct site *site, struct sg_run *run, const char *what)
{
    struct sg_run_result result;

    sg_test_sleep_ms((int64_t)sg_test_rand(400));
    site_release(site);
    result = end(site, run, 0, what);
    site_again(site);
    if (strcmp(site_index(site, NAME), "valid") != 0)
        T_FAIL("%s: it did not go on: %s is %s\n%s", what, NAME, site_index(site, NAME), site_said(result));
}

static void strike(struct site *site, struct sg_run *run, enum blow blow, const char *what)
{
    int backend = site_builder_backend(site);

    switch (blow) {
    case BLOW_KILL:
        sg_run_signal(run, SIGKILL);
        killed(site, run, what);
        break;
    case BLOW_KILL_ALL:
        kill_builders(run, true, SIGKILL);
        killed(site, run, what);
        break;
    case BLOW_KILL_BUILDER:
        kill_builders(run, false, SIGKILL);
        survived(site, run, what);
        break;
    case BLOW_GHOST:
        ghost(site, run, what);
        break;
    case BLOW_FREEZE:
        freeze(site, run, what);
        break;
    case BLOW_TERMINATE:
    case BLOW_CANCEL:
        T_MUST(backend != 0);
        sg_sql_execf(site->sql, "SELECT pg_%s_backend(%d)", blow == BLOW_CANCEL ? "cancel" : "terminate", backend);
        if (blow == BLOW_CANCEL) {
            sg_test_sleep_ms(200);
            site_release(site);
            end(site, run, 0, what);
        } else {
            survived(site, run, what);
        }
        break;
    case BLOW_CUT:
        sg_proxy_cut(site->past != NULL && sg_test_rand(2) == 0 ? site->past : site->proxy);
        survived(site, run, what);
        break;
    case BLOW_INT:
    case BLOW_INT_TWICE:
        interrupt(site, run, SIGINT, blow == BLOW_INT_TWICE, what);
        break;
    case BLOW_TERM:
    case BLOW_TERM_TWICE:
        interrupt(site, run, SIGTERM, blow == BLOW_TERM_TWICE, what);
        break;
    case BLOW_BOUNCER:
        sg_pgbouncer_kill(site->bouncer);
        sg_pgbouncer_restart(site->bouncer);
        survived(site, run, what);
        break;
    case BLOW_CRASH:
        sg_server_kill(site->server);
        site_release(site);
        sg_server_restart(site->server);
        site_again(site);
        survived(site, run, what);
        break;
    case BLOW_COUNT:
        T_FATAL("no such blow");
    }
}

/* ---- the test ---- */

static void one(struct faults *faults, enum phase phase, enum blow blow)
{
    struct site *site = &faults->site;
    const char *what = sg_test_strf("%s, at \"%s\"", blow_names[blow], phase_name(phase));
    int64_t began = sg_test_now_ms();
    struct sg_run *run = site_hold(site, phase);

    strike(site, run, blow, what);
    site_release(site);
    site_again(site);
    site_settle(site, NAME, what);
    site_clear(site);
    faults->hits[blow]++;
    faults->of_phase[phase]++;
    faults->all++;
    printf("%s (%.1f s)\n", what, (double)(sg_test_now_ms() - began) / 1000);
    (void)fflush(stdout);
}

static bool fits(const struct site *site, enum blow blow)
{
    return blow != BLOW_BOUNCER || site->bouncer != NULL;
}

struct cell {
    enum phase phase;
    enum blow blow;
};

/* One of those from FROM on: first those whose fault was not there yet, in phases that were not. */
static int draw(const struct faults *faults, const struct cell *cells, int from, int count)
{
    int start = (int)sg_test_rand((uint64_t)(count - from)), best = from, newest = -1;

    for (int j = 0; j < count - from; j++) {
        int at = from + (start + j) % (count - from);
        int newness = 2 * (faults->hits[cells[at].blow] == 0) + (faults->of_phase[cells[at].phase] == 0);

        if (newness > newest) {
            newest = newness;
            best = at;
        }
    }
    return best;
}

void build_faults(enum way way, int n)
{
    static struct faults faults;
    struct cell cells[PHASE_COUNT * BLOW_COUNT];
    int count = 0;

    site_open(&faults.site, way, true);
    site_manifest(&faults.site, site_section(NAME, ""));
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        for (int blow = 0; blow < BLOW_COUNT; blow++)
            if (fits(&faults.site, (enum blow)blow))
                cells[count++] = (struct cell){(enum phase)phase, (enum blow)blow};
    if (sg_test_full() || n > count)
        n = count;
    for (int i = 0; i < n; i++) {
        int at = draw(&faults, cells, i, count);
        struct cell cell = cells[at];

        cells[at] = cells[i];
        cells[i] = cell;
        one(&faults, cell.phase, cell.blow);
    }
    printf("%d faults hit:", faults.all);
    for (int i = 0; i < BLOW_COUNT; i++)
        if (faults.hits[i] > 0)
            printf(" %s %d;", blow_names[i], faults.hits[i]);
    printf("\n");
    T_GE_INT(faults.all, n);
}

/* ---- moments by chance ---- */

#define MOST_PHASES 16

struct seen {
    const char *phases[MOST_PHASES];
    int hits[MOST_PHASES], count;
};

static void count_phase(struct seen *seen, const char *phase)
{
    int i = 0;

    while (i < seen->count && strcmp(seen->phases[i], phase) != 0)
        i++;
    if (i == seen->count && seen->count < MOST_PHASES)
        seen->phases[seen->count++] = phase;
    seen->hits[i < MOST_PHASES ? i : MOST_PHASES - 1]++;
}

#define BIG "big_idx"
#define PHASE_NOW "SELECT phase FROM pg_stat_progress_create_index WHERE relid = 'big'::regclass LIMIT 1"

static bool await_begin(struct site *site, struct sg_run *run)
{
    int64_t until = sg_test_now_ms() + 20000;

    while (sg_sql_value(site->sql, PHASE_NOW) == NULL) {
        if (sg_run_ended(run) || sg_test_now_ms() > until)
            return false;
        sg_test_sleep_ms(1);
    }
    return true;
}

static void kill_once(struct site *site, int64_t length, struct seen *seen, int *hits)
{
    struct sg_run *run = site_start(site, "index");
    bool all = sg_test_rand(2) == 0, begun = await_begin(site, run);
    const char *phase;

    if (begun)
        sg_test_sleep_ms((int64_t)sg_test_rand((uint64_t)length + 1));
    phase = sg_sql_value(site->sql, PHASE_NOW);
    if (all)
        (void)signal_all(run, true, SIGKILL);
    else
        sg_run_signal(run, SIGKILL);
    if (site_end(site, run, "at some moment").signal == SIGKILL && phase != NULL) {
        (*hits)++;
        count_phase(seen, phase);
    }
    site_settle(site, BIG, phase != NULL ? phase : "after the build");
    sg_sql_exec(site->sql, "DROP INDEX " BIG "; DELETE FROM sgrun.indexes");
}

void build_kills(enum way way, int n)
{
    static struct site site;
    struct seen seen = {.count = 0};
    struct sg_run *run;
    int64_t length;
    int hits = 0;

    n *= sg_test_full() ? 6 : 1;
    site_open(&site, way, false);
    sg_sql_exec(site.sql, "CREATE TABLE big (id int, note text);"
                          "INSERT INTO big SELECT i, md5(i::text) FROM generate_series(1, 150000) i");
    site_manifest(&site, "[index " BIG "]\ntable = big\ncolumns = note, id\nunique = yes\n");
    run = site_start(&site, "index");
    T_MUST(await_begin(&site, run));
    length = sg_test_now_ms();
    while (sg_sql_value(site.sql, PHASE_NOW) != NULL)
        sg_test_sleep_ms(1);
    length = sg_test_now_ms() - length;
    T_EQ_INT(site_end(&site, run, "undisturbed").exit, 0);
    sg_sql_exec(site.sql, "DROP INDEX " BIG "; DELETE FROM sgrun.indexes");
    for (int i = 0; hits < n && i < 4 * n; i++)
        kill_once(&site, length, &seen, &hits);
    printf("%d kills hit in a build of %lld ms:", hits, (long long)length);
    for (int i = 0; i < seen.count; i++)
        printf(" %s %d;", seen.phases[i], seen.hits[i]);
    printf("\n");
    T_GE_INT(hits, n);
    T_GE_INT(seen.count, n < 20 ? 1 : 4);
}
