/*
 * The table indexes on a real server: who gets a claim and who does not, how it ends, and what is noted when. Claims are asked for by
 * many at once, through PgBouncer too, and with answers lost: never do two live that must not.
 */
#include "config.h"
#include "core/state/indexes.h"

#include "tests/db/states.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/kit/pgbouncer.h"
#include "tests/kit/proxy.h"

#define HAMMERS 8

static const char *const siblings_of_a[] = {"b", "it's {\"c\"}"};
static const char *const siblings_of_b[] = {"a", "it's {\"c\"}"};

static struct sg_index_claim claim_of(const char *name, const char *owner)
{
    return (struct sg_index_claim){.state_schema = STATE, .name = name, .relation = "public.t", .owner = owner, .seconds = 30,
                                   .siblings = strcmp(name, "a") == 0 ? siblings_of_a : siblings_of_b, .sibling_count = 2};
}

static int take(struct sg_db *db, const struct sg_index_claim *claim, const char **holder_r)
{
    int taken = sg_index_claim_take(claim, db, &arena, holder_r, &err);

    must(taken < 0 ? -1 : 0);
    return taken;
}

static int renew(struct sg_db *db, const struct sg_index_claim *claim)
{
    int renewed = sg_index_claim_renew(claim, db, &err);

    must(renewed < 0 ? -1 : 0);
    return renewed;
}

static const struct sg_index_row *row(struct sg_db *db, const char *name)
{
    struct sg_index_row *rows;
    size_t count;

    must(sg_indexes_read(db, STATE, &arena, &rows, &count, &err));
    return sg_indexes_find(rows, count, name);
}

static void note(struct sg_db *db, const char *name, const char *owner, enum sg_index_state state, int64_t duration, int64_t bytes,
                 const struct sg_err *why)
{
    must(sg_indexes_note(db, STATE, name, owner, &(struct sg_index_seen){state, duration, bytes, why}, &err));
}

static void expire(const struct states *s, const char *name)
{
    sg_sql_execf(s->sql, "UPDATE " SCHEMA ".indexes SET expires_at = clock_timestamp() - interval '1 ms' WHERE name = '%s'", name);
}

SG_TEST(a_claim_is_taken_renewed_and_given_up)
{
    struct states s = states_new();
    struct sg_index_claim claim = claim_of("a", "me");
    const struct sg_index_row *r;
    const char *holder, *before;

    T_NULL(row(s.db, "a"));
    T_EQ_INT(renew(s.db, &claim), 0);
    T_NULL(row(s.db, "a"));
    T_EQ_INT(take(s.db, &claim, &holder), 1);
    r = row(s.db, "a");
    T_MUST_NOT_NULL(r);
    T_EQ_STR(sg_index_state_name(r->state), "building");
    T_EQ_STR(r->owner, "me");
    T_TRUE(r->alive);
    T_NOT_NULL(r->started_at);
    T_EQ_INT(r->duration_ms, -1);
    T_EQ_INT(r->bytes, -1);
    /* asked twice: it is ours as before, and as old */
    before = sg_sql_value(s.sql, "SELECT started_at FROM " SCHEMA ".indexes");
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".indexes SET expires_at = clock_timestamp() + interval '2 s'");
    T_EQ_INT(take(s.db, &claim, &holder), 1);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT started_at FROM " SCHEMA ".indexes"), before);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT expires_at > clock_timestamp() + interval '25 s' FROM " SCHEMA ".indexes"), "t");
    sg_sql_exec(s.sql, "UPDATE " SCHEMA ".indexes SET expires_at = clock_timestamp() + interval '2 s'");
    T_EQ_INT(renew(s.db, &claim), 1);
    T_EQ_STR(sg_sql_value(s.sql, "SELECT expires_at > clock_timestamp() + interval '25 s' FROM " SCHEMA ".indexes"), "t");
    sg_index_claim_drop(&claim, s.db);
    r = row(s.db, "a");
    T_EQ_STR(sg_index_state_name(r->state), "missing");
    T_NULL(r->owner);
    T_FALSE(r->alive);
    sg_index_claim_drop(&claim, s.db);
    T_EQ_INT(renew(s.db, &claim), 0);
    /* nothing is left open */
    T_EQ_INT(sg_sql_int(s.sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"), 0);
}

SG_TEST(whoever_lives_keeps_the_table)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_index_claim mine = claim_of("a", "me"), same = claim_of("a", "you"), sibling = claim_of("b", "you");
    struct sg_index_claim stranger = claim_of("z", "you"), own = claim_of("b", "me");
    const char *holder;

    stranger.relation = "public.other";
    T_EQ_INT(take(s.db, &mine, &holder), 1);
    T_EQ_INT(take(other, &same, &holder), 0);
    T_CONTAINS(holder, "me, since 20");
    T_CONTAINS(holder, "Z: a");
    T_CONTAINS(holder, "runs out in 30 s"); /* whoever was killed keeps nobody for ever */
    T_EQ_INT(take(other, &sibling, &holder), 0);
    T_CONTAINS(holder, "Z: a");
    T_NULL(row(other, "b"));
    stranger.sibling_count = 0;
    T_EQ_INT(take(other, &stranger, &holder), 1);
    /* of one's own there may be several */
    T_EQ_INT(take(s.db, &own, &holder), 1);
    sg_index_claim_drop(&own, s.db);
    T_EQ_INT(renew(other, &same), 0);
    sg_index_claim_drop(&same, other);
    T_EQ_STR(row(other, "a")->owner, "me");
    /* given up, it is anybody's */
    sg_index_claim_drop(&mine, s.db);
    T_EQ_INT(take(other, &sibling, &holder), 1);
    T_EQ_INT(take(s.db, &mine, &holder), 0);
    T_CONTAINS(holder, "you, since 20");
    T_CONTAINS(holder, "Z: b");
}

SG_TEST(an_expired_claim_is_anybodys)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_index_claim mine = claim_of("a", "me"), same = claim_of("a", "you"), sibling = claim_of("b", "you");
    const char *holder;

    T_EQ_INT(take(s.db, &mine, &holder), 1);
    expire(&s, "a");
    T_FALSE(row(s.db, "a")->alive);
    T_EQ_STR(row(s.db, "a")->owner, "me");
    /* as long as nobody wants it, its owner may have it back */
    T_EQ_INT(renew(s.db, &mine), 1);
    T_TRUE(row(s.db, "a")->alive);
    expire(&s, "a");
    T_EQ_INT(take(other, &same, &holder), 1);
    T_EQ_STR(row(s.db, "a")->owner, "you");
    T_EQ_INT(renew(s.db, &mine), 0);
    T_EQ_INT(take(s.db, &mine, &holder), 0);
    sg_index_claim_drop(&mine, s.db);
    T_EQ_STR(row(s.db, "a")->owner, "you");
    sg_index_claim_drop(&same, other);
    /* a sibling's, which has come meanwhile, keeps an expired one from living again */
    T_EQ_INT(take(s.db, &mine, &holder), 1);
    expire(&s, "a");
    T_EQ_INT(take(other, &sibling, &holder), 1);
    T_EQ_INT(renew(s.db, &mine), 0);
    T_FALSE(row(s.db, "a")->alive);
    T_TRUE(row(s.db, "b")->alive);
}

SG_TEST(nobody_is_waited_for)
{
    struct states s = states_new();
    struct sg_index_claim mine = claim_of("a", "me");
    struct sg_sql *lock;
    const char *holder;
    int64_t from;

    note(s.db, "a", NULL, SG_INDEX_MISSING, -1, -1, NULL);
    lock = sg_sql_hold(s.conninfo, "SELECT FROM " SCHEMA ".indexes FOR UPDATE");
    from = sg_test_now_ms();
    T_EQ_INT(take(s.db, &mine, &holder), 0);
    T_EQ_STR(holder, "somebody who holds a lock on the claims of public.t");
    T_TRUE(sg_test_now_ms() - from < 3000);
    T_EQ_INT(sg_index_claim_renew(&mine, s.db, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "locked");
    sg_err_clear(&err);
    sg_sql_close(lock);
    T_EQ_INT(take(s.db, &mine, &holder), 1);
    lock = sg_sql_hold(s.conninfo, sg_test_strf("SELECT pg_advisory_xact_lock(%d, hashtext('public.t'))", SG_INDEX_CLAIM_LOCK));
    T_EQ_INT(take(s.db, &mine, &holder), 0);
    T_EQ_INT(sg_index_claim_renew(&mine, s.db, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "locked");
    sg_err_clear(&err);
    T_TRUE(row(s.db, "a")->alive);
    sg_sql_close(lock);
    T_EQ_INT(renew(s.db, &mine), 1);
}

SG_TEST(what_came_of_it_is_noted)
{
    struct states s = states_new();
    struct sg_index_claim mine = claim_of("a", "me");
    struct sg_err why = SG_ERR_INIT, *read = sg_arena_alloc(&arena, 2 * sizeof *read);
    const struct sg_index_row *r;
    const char *holder;

    T_EQ_INT(take(s.db, &mine, &holder), 1);
    note(s.db, "a", "me", SG_INDEX_VALID, 1234, 8192, NULL);
    r = row(s.db, "a");
    T_EQ_STR(sg_index_state_name(r->state), "valid");
    T_NULL(r->owner);
    T_NOT_NULL(r->started_at);
    T_NOT_NULL(r->finished_at);
    T_EQ_INT(r->duration_ms, 1234);
    T_EQ_INT(r->bytes, 8192);
    T_NULL(r->message);
    /* a look adds what it sees, and keeps what it cannot know */
    note(s.db, "a", NULL, SG_INDEX_VALID, -1, 16384, NULL);
    r = row(s.db, "a");
    T_EQ_INT(r->duration_ms, 1234);
    T_EQ_INT(r->bytes, 16384);
    T_EQ_INT(take(s.db, &mine, &holder), 1);
    /* whoever claims what another has just built shuts no gate while he finds that out */
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, finished_at IS NOT NULL, duration_ms, bytes FROM " SCHEMA ".indexes"), "valid|t|1234|16384");
    sg_index_claim_drop(&mine, s.db);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, owner IS NULL FROM " SCHEMA ".indexes"), "valid|t");
    T_EQ_INT(take(s.db, &mine, &holder), 1);
    T_EQ_INT(renew(s.db, &mine), 1);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state FROM " SCHEMA ".indexes"), "valid");
    sg_err_set(&why, SG_CLASS_SQL, "could not create unique index \"a\"");
    sg_err_sqlstate(&why, "23505");
    sg_err_detail(&why, "Key (x)=(1) is duplicated.");
    note(s.db, "a", "me", SG_INDEX_FAILED, 77, -1, &why);
    r = row(s.db, "a");
    T_EQ_STR(sg_index_state_name(r->state), "failed");
    T_EQ_STR(r->sqlstate, "23505");
    T_EQ_INT(r->duration_ms, 77);
    T_EQ_INT(r->bytes, -1);
    sg_index_row_err(r, &arena, read);
    T_EQ_STR(read->primary, "could not create unique index \"a\"");
    T_EQ_STR(read->detail, "Key (x)=(1) is duplicated.");
    T_EQ_STR(read->sqlstate, "23505");
    T_EQ_STR(read->step, "a");
    /* whoever sees that it is not there knows no better; a run's own word is new */
    note(s.db, "a", NULL, SG_INDEX_MISSING, -1, -1, NULL);
    T_EQ_STR(row(s.db, "a")->sqlstate, "23505");
    note(s.db, "a", NULL, SG_INDEX_INVALID, -1, 8192, NULL);
    r = row(s.db, "a");
    T_EQ_STR(sg_index_state_name(r->state), "invalid");
    T_NULL(r->message);
    note(s.db, "a", "me", SG_INDEX_INVALID, -1, -1, &why);
    note(s.db, "a", NULL, SG_INDEX_INVALID, -1, 8192, NULL);
    T_CONTAINS(row(s.db, "a")->message, "could not create");
    note(s.db, "a", NULL, SG_INDEX_VALID, -1, -1, NULL);
    r = row(s.db, "a");
    T_NULL(r->message);
    T_NULL(r->sqlstate);
    T_EQ_INT(r->bytes, 8192);
    sg_index_row_err(r, &arena, &read[1]);
    T_EQ_INT(read[1].class, SG_CLASS_NONE);
    note(s.db, "a", NULL, SG_INDEX_MISSING, -1, -1, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, duration_ms, bytes FROM " SCHEMA ".indexes"), "missing|77|");
    sg_err_release(&why);
}

SG_TEST(only_what_is_new_is_written)
{
    struct states s = states_new();
    struct sg_err why = SG_ERR_INIT;
    const char *at;

    sg_err_set(&why, SG_CLASS_VERIFY, "drifted");
    note(s.db, "a", NULL, SG_INDEX_DRIFTED, -1, 8192, &why);
    at = sg_sql_rows(s.sql, "SELECT ctid, xmin, xmax FROM " SCHEMA ".indexes");
    note(s.db, "a", NULL, SG_INDEX_DRIFTED, -1, 8192, &why);
    note(s.db, "a", "me", SG_INDEX_DRIFTED, -1, -1, &why);
    note(s.db, "a", NULL, SG_INDEX_DRIFTED, -1, 8192, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT ctid, xmin, xmax FROM " SCHEMA ".indexes"), at);
    sg_err_primary(&why, "drifted otherwise");
    note(s.db, "a", NULL, SG_INDEX_DRIFTED, -1, 8192, &why);
    T_EQ_STR(row(s.db, "a")->message, "drifted otherwise");
    sg_err_release(&why);
}

SG_TEST(anothers_living_claim_is_left_alone)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_index_claim mine = claim_of("a", "me");
    const char *holder, *at;

    T_EQ_INT(take(s.db, &mine, &holder), 1);
    at = sg_sql_rows(s.sql, "SELECT ctid, xmin, xmax FROM " SCHEMA ".indexes");
    note(other, "a", NULL, SG_INDEX_MISSING, -1, -1, NULL);
    note(other, "a", NULL, SG_INDEX_INVALID, -1, 8192, NULL);
    note(other, "a", "you", SG_INDEX_FAILED, 12, -1, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT ctid, xmin, xmax FROM " SCHEMA ".indexes"), at);
    expire(&s, "a");
    note(other, "a", NULL, SG_INDEX_INVALID, -1, 8192, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, owner, expires_at, bytes FROM " SCHEMA ".indexes"), "invalid|||8192");
    T_EQ_INT(renew(s.db, &mine), 0);
}

/* Its owner was killed when the server had just made it valid: no gate waits until his claim has run out. */
SG_TEST(what_is_valid_is_noted_whoever_claims_it)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    struct sg_index_claim mine = claim_of("a", "me"), sibling = claim_of("b", "you");
    const char *holder;

    T_EQ_INT(take(s.db, &mine, &holder), 1);
    T_EQ_INT(take(other, &sibling, &holder), 0);
    note(other, "a", NULL, SG_INDEX_VALID, -1, 8192, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, owner, expires_at, bytes FROM " SCHEMA ".indexes"), "valid|||8192");
    T_EQ_INT(take(other, &sibling, &holder), 1);
    /* he was alive, and notes how long it took */
    T_EQ_INT(renew(s.db, &mine), 0);
    note(s.db, "a", "me", SG_INDEX_VALID, 77, 8192, NULL);
    T_EQ_STR(sg_sql_rows(s.sql, "SELECT state, duration_ms FROM " SCHEMA ".indexes WHERE name = 'a'"), "valid|77");
}

/* The same, whatever the search_path and the defaults of the role are. */
SG_TEST(names_and_surroundings_do_no_harm)
{
    struct states s = states_new();
    struct sg_db *other = states_open(&s);
    static const char *const siblings[] = {"x\\y", "{", "NULL", ""};
    struct sg_index_claim claim = {STATE, "it's {\"c\"}", "a'b.\"c\"", siblings, 4, "o'w\\ner", 30};
    struct sg_index_claim sibling = {STATE, "NULL", "a'b.\"c\"", NULL, 0, "you", 30};
    const char *holder;

    run(s.db, "SET search_path = evil, pg_catalog; SET default_transaction_isolation = 'serializable'; SET default_transaction_read_only = on");
    T_EQ_INT(take(s.db, &claim, &holder), 1);
    T_EQ_INT(renew(s.db, &claim), 1);
    T_EQ_STR(row(s.db, claim.name)->owner, "o'w\\ner");
    note(s.db, claim.name, claim.owner, SG_INDEX_VALID, 5, 8192, NULL);
    T_EQ_STR(sg_index_state_name(row(s.db, claim.name)->state), "valid");
    T_EQ_INT(take(other, &sibling, &holder), 1);
    T_EQ_INT(take(s.db, &claim, &holder), 0);
    T_CONTAINS(holder, "Z: NULL");
}

SG_TEST(a_role_without_rights_is_told)
{
    struct states s = states_new();
    struct sg_index_claim mine = claim_of("a", "me");
    struct sg_index_row *rows;
    const char *holder;
    size_t count;

    sg_sql_exec(s.sql, "DO $$ BEGIN CREATE ROLE nobody_at_all; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    run(s.db, "SET ROLE nobody_at_all");
    T_EQ_INT(sg_index_claim_take(&mine, s.db, &arena, &holder, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "state");
    T_CONTAINS(err.hint, "Grant this role");
    sg_err_clear(&err);
    T_EQ_INT(sg_indexes_read(s.db, STATE, &arena, &rows, &count, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "state");
    sg_err_clear(&err);
    T_EQ_INT(sg_indexes_note(s.db, STATE, "a", NULL, &(struct sg_index_seen){SG_INDEX_VALID, -1, -1, NULL}, &err), -1);
    T_EQ_STR(sg_class_name(err.class), "state");
    T_EQ_INT(sg_sql_int(s.sql, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"), 0);
}

/* ---- answers that are lost ---- */

static struct sg_db *open_at(const char *conninfo)
{
    struct sg_db *db = NULL;
    struct sg_dsn dsn;

    must(sg_dsn_parse(conninfo, &arena, &dsn, &err));
    must(sg_db_open(&db, &dsn, "sgrun:test", sg_clock_ms() + 10000, &err));
    return db;
}

SG_TEST(a_lost_answer_may_be_asked_for_again)
{
    static const enum sg_fault faults[] = {SG_FAULT_DROP_REQUEST, SG_FAULT_DROP_REPLY, SG_FAULT_CUT_NOW};
    static const char *const at[] = {"pg_try_advisory_xact_lock", "NOWAIT"};
    struct states s = states_new();
    struct sg_proxy *proxy = sg_proxy_start(sg_server_dir(sg_server_shared()), sg_server_port(sg_server_shared()));
    const char *db_name = sg_sql_value(s.sql, "SELECT current_database()"), *holder;
    struct sg_index_claim mine = claim_of("a", "me"), sibling = claim_of("b", "you");

    for (size_t i = 0; i < SG_COUNT(faults) * SG_COUNT(at); i++) {
        struct sg_db *db = open_at(sg_proxy_conninfo(proxy, db_name, NULL));
        int status;

        sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = faults[i / 2], .match = at[i % 2]});
        T_EQ_INT(sg_index_claim_take(&mine, db, &arena, &holder, &err), -1);
        T_EQ_STR(sg_class_name(err.class), "connection");
        sg_err_clear(&err);
        sg_db_close(db);
        sg_proxy_disarm(proxy);
        db = open_at(sg_proxy_conninfo(proxy, db_name, NULL));
        T_EQ_INT(take(db, &mine, &holder), 1);
        T_EQ_INT(take(s.db, &sibling, &holder), 0);
        sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = faults[i / 2], .match = at[i % 2]});
        T_EQ_INT(sg_index_claim_renew(&mine, db, &err), -1);
        sg_err_clear(&err);
        sg_db_close(db);
        sg_proxy_disarm(proxy);
        db = open_at(sg_proxy_conninfo(proxy, db_name, NULL));
        T_EQ_INT(renew(db, &mine), 1);
        sg_proxy_arm(proxy, &(struct sg_proxy_rule){.fault = faults[i / 2], .match = "INSERT INTO"});
        status = sg_indexes_note(db, STATE, "a", "me", &(struct sg_index_seen){SG_INDEX_VALID, 7, 8192, NULL}, &err);
        T_EQ_INT(status, -1);
        sg_err_clear(&err);
        sg_db_close(db);
        sg_proxy_disarm(proxy);
        note(s.db, "a", "me", SG_INDEX_VALID, 7, 8192, NULL);
        T_EQ_STR(sg_sql_rows(s.sql, "SELECT name, state, owner, duration_ms FROM " SCHEMA ".indexes"), "a|valid||7");
        sg_sql_exec(s.sql, "DELETE FROM " SCHEMA ".indexes");
    }
}

/* ---- many at once ---- */

static void fail(const char *what)
{
    fprintf(stderr, "hammer: %s: %s\n", what, err.primary ? err.primary : "");
    kill(0, SIGKILL); /* the test, too: whatever came after would be told of what is left of this one */
    _exit(1);
}

/* Claims one of three names on one table, again and again; holds the one place in the table held while it has it. */
static void hammer(int number, const char *conninfo, int64_t until)
{
    static const char *const names[] = {"a", "b", "it's {\"c\"}"};
    struct sg_db *db = open_at(conninfo);
    const char *owner = sg_test_strf("owner %d", number), *holder, *others[2];
    int held = 0;

    srand((unsigned)number);
    while (sg_clock_ms() < until || held == 0) {
        struct sg_arena scratch = SG_ARENA_INIT;
        struct sg_index_claim claim = claim_of(names[rand() % 3], owner);
        size_t count = 0;
        int taken;

        for (size_t i = 0; i < 3; i++)
            if (strcmp(names[i], claim.name) != 0)
                others[count++] = names[i];
        claim.siblings = others;
        taken = sg_index_claim_take(&claim, db, &scratch, &holder, &err);
        if (taken < 0)
            fail("take");
        if (taken == 1) {
            held++;
            if (sg_db_script(db, "INSERT INTO held VALUES (1)", &err) != 0)
                fail("two claims live");
            sg_test_sleep_ms(rand() % 4);
            /* nobody is waited for long: on a busy machine it may have to be asked again */
            taken = rand() % 2 ? sg_index_claim_renew(&claim, db, &err) : 1;
            if (taken < 0 && err.class == SG_CLASS_LOCKED)
                sg_err_clear(&err);
            else if (taken != 1)
                fail("a living claim is not renewed");
            if (sg_db_script(db, "DELETE FROM held", &err) != 0)
                fail("delete");
            if (rand() % 2)
                sg_index_claim_drop(&claim, db);
            else if (sg_indexes_note(db, STATE, claim.name, owner, &(struct sg_index_seen){SG_INDEX_VALID, 1, 8192, NULL}, &err) != 0)
                fail("note");
        } else {
            if (rand() % 2 && sg_indexes_note(db, STATE, claim.name, NULL, &(struct sg_index_seen){SG_INDEX_MISSING, -1, -1, NULL}, &err) != 0)
                fail("look");
            sg_test_sleep_ms(rand() % 20);
        }
        sg_arena_release(&scratch);
    }
    sg_db_close(db);
    _exit(0);
}

static void hammer_all(const struct states *s, const char *conninfo)
{
    int64_t until = sg_clock_ms() + (sg_test_full() ? 20000 : 3000);
    pid_t pids[HAMMERS];

    sg_sql_exec(s->sql, "CREATE TABLE held (one int PRIMARY KEY)");
    for (int i = 0; i < HAMMERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            hammer(i, conninfo, until);
    }
    while (sg_clock_ms() < until)
        T_MUST(sg_sql_int(s->sql, "SELECT count(*) FROM " SCHEMA ".indexes WHERE owner IS NOT NULL AND expires_at > clock_timestamp()") <= 1);
    for (int i = 0; i < HAMMERS; i++) {
        int status = -1;

        T_MUST_EQ_INT(waitpid(pids[i], &status, 0), pids[i]);
        T_EQ_INT(status, 0);
    }
    T_EQ_INT(sg_sql_int(s->sql, "SELECT count(*) FROM " SCHEMA ".indexes WHERE owner IS NOT NULL"), 0);
    T_EQ_INT(sg_sql_int(s->sql, "SELECT count(*) FROM " SCHEMA ".indexes WHERE state = 'building'"), 0);
}

SG_TEST(many_ask_and_one_gets_it)
{
    struct states s = states_new();

    hammer_all(&s, s.conninfo);
}

SG_TEST(many_ask_through_a_pooler)
{
    struct states s = states_new();
    struct sg_server *server = sg_server_shared();
    struct sg_pgbouncer *pooler = sg_pgbouncer_start(&(struct sg_pgbouncer_opts){.dir = sg_server_dir(server), .port = sg_server_port(server),
                                                                                 .pool_size = 3});

    hammer_all(&s, sg_pgbouncer_conninfo(pooler, sg_sql_value(s.sql, "SELECT current_database()"), NULL));
}

/* Leases so short that they run out while they are held: who renews too late does not get his back while another's lives. */
SG_TEST(late_ones_do_not_live_beside_others)
{
    struct states s = states_new();
    int64_t until = sg_clock_ms() + (sg_test_full() ? 20000 : 4000);
    pid_t pids[HAMMERS];

    for (int i = 0; i < HAMMERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct sg_db *db = open_at(s.conninfo);

            srand((unsigned)i);
            while (sg_clock_ms() < until) {
                struct sg_arena scratch = SG_ARENA_INIT;
                struct sg_index_claim claim = claim_of(rand() % 2 ? "a" : "b", sg_test_strf("owner %d", i));
                const char *holder;

                claim.seconds = 1;
                if (sg_index_claim_take(&claim, db, &scratch, &holder, &err) == 1)
                    for (int turn = 0; turn < 3; turn++) {
                        sg_test_sleep_ms(980 + rand() % 40);
                        if (sg_index_claim_renew(&claim, db, &err) < 0)
                            sg_err_clear(&err);
                    }
                sg_err_clear(&err);
                sg_arena_release(&scratch);
            }
            _exit(0);
        }
    }
    while (sg_clock_ms() < until)
        T_MUST(sg_sql_int(s.sql, "SELECT count(*) FROM " SCHEMA ".indexes WHERE owner IS NOT NULL AND expires_at > clock_timestamp()") <= 1);
    for (int i = 0; i < HAMMERS; i++) {
        int status = -1;

        T_MUST_EQ_INT(waitpid(pids[i], &status, 0), pids[i]);
        T_EQ_INT(status, 0);
    }
}

static const struct sg_test tests[] = {
    SG_CASE(a_claim_is_taken_renewed_and_given_up),
    SG_CASE(whoever_lives_keeps_the_table),
    SG_CASE(an_expired_claim_is_anybodys),
    SG_CASE(nobody_is_waited_for),
    SG_CASE(what_came_of_it_is_noted),
    SG_CASE(only_what_is_new_is_written),
    SG_CASE(anothers_living_claim_is_left_alone),
    SG_CASE(what_is_valid_is_noted_whoever_claims_it),
    SG_CASE(names_and_surroundings_do_no_harm),
    SG_CASE(a_role_without_rights_is_told),
    SG_CASE(a_lost_answer_may_be_asked_for_again),
    SG_CASE(many_ask_and_one_gets_it),
    SG_CASE(many_ask_through_a_pooler),
    SG_CASE(late_ones_do_not_live_beside_others),
    SG_CASES_END,
};
static const struct sg_suite suites[] = {{"index_state", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
