/* See states.h. */
#include "config.h"
#include "tests/db/states.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"

struct sg_arena arena;
struct sg_err err;

static void release(void *unused)
{
    (void)unused;
    sg_err_clear(&err);
    sg_arena_release(&arena);
}

static void close_db(void *db)
{
    sg_db_close(db);
}

void must(int status)
{
    if (status != 0)
        T_FATAL("%s: %s (%s)", sg_class_name(err.class), err.primary, err.statement ? err.statement : "");
}

void run(struct sg_db *db, const char *sql)
{
    must(sg_db_script(db, sql, &err));
}

void begin(struct sg_db *db)
{
    run(db, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = public, pg_temp");
}

void begin_hostile(struct sg_db *db)
{
    run(db, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = evil, pg_temp, pg_catalog");
}

void commit(struct sg_db *db)
{
    must(sg_db_commit(db, &err));
}

struct sg_db *states_open(const struct states *states)
{
    struct sg_db *db = NULL;
    struct sg_dsn dsn;

    must(sg_dsn_parse(states->conninfo, &arena, &dsn, &err));
    must(sg_db_open(&db, &dsn, "sgrun:test", sg_clock_ms() + 10000, &err));
    sg_test_defer(close_db, db);
    return db;
}

struct states states_new(void)
{
    struct sg_server *server = sg_server_shared();
    struct states states = {.conninfo = sg_server_conninfo(server, sg_server_new_db(server), NULL)};

    sg_test_defer(release, NULL);
    states.sql = sg_sql_open(states.conninfo);
    states.db = states_open(&states);
    must(sg_state_install(states.db, STATE, &err));
    /* found before pg_catalog's where a name is not given in full */
    sg_sql_exec(states.sql,
                "CREATE SCHEMA evil;"
                "CREATE FUNCTION evil.no(text, text) RETURNS boolean LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'evil operator'; END $$;"
                "CREATE FUNCTION evil.no(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'evil operator'; END $$;"
                "CREATE FUNCTION evil.sum2(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'evil operator'; END $$;"
                "CREATE FUNCTION evil.no(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'evil operator'; END $$;"
                "CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'evil function'; END $$;"
                "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.no);"
                "CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.no);"
                "CREATE OPERATOR evil.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.no);"
                "CREATE OPERATOR evil.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.sum2);"
                "CREATE OPERATOR evil.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.no);"
                "CREATE OPERATOR evil.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.no);"
                "CREATE AGGREGATE evil.count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '1000');"
                "CREATE AGGREGATE evil.sum(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '1000');");
    return states;
}

struct sg_claim claim(struct sg_db *db, const struct sg_ranges *of, int64_t mine, const char *deferred_before)
{
    const char *question = sg_ranges_claim_sql(of, mine, 0, deferred_before, &arena);
    struct sg_result *result;
    struct sg_claim found;

    must(sg_db_script_rows(db, sg_arena_printf(&arena, "SELECT 'a', 'b', q.* FROM (SELECT 1) one LEFT JOIN LATERAL (%s) q ON true", question),
                           &arena, &result, &err));
    must(sg_ranges_claimed(of, result, 2, &arena, &found, &err));
    return found;
}

const char *claimed(const struct sg_claim *claim)
{
    static const char *const names[] = {"range", "busy", "nothing", "paused", "over"};
    const struct sg_range *range = &claim->range;

    if (claim->what != SG_CLAIMED_RANGE)
        return names[claim->what];
    return sg_test_strf("range %" PRId64 " %s..%s after %s%s", range->no, range->lo[0], range->hi[0],
                        range->pos ? range->pos[0] : "nothing", range->deferred ? " deferred" : "");
}

void flush(struct sg_db *db, struct sg_buf *sql)
{
    T_MUST(!sql->cut);
    run(db, sql->data);
    sg_buf_clear(sql);
}

sg_range_key key1(const char *value)
{
    const char **key = sg_arena_array(&arena, 1, sizeof *key);

    key[0] = sg_arena_strdup(&arena, value);
    return key;
}
