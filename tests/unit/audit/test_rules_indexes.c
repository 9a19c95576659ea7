/* index.*: each rule, where it must be found and where not. The tables are those of look_tables. */
#include "config.h"

#include "tests/unit/audit/look.h"

#define INDEXES(sql, rules) T_RULES("index.", sql, rules)
#define FOUND(id, sql) T_EQ_STR(look_rules(NULL, id, sql), id)
#define NONE(id, sql) T_EQ_STR(look_rules(NULL, id, sql), "")

static const struct look outside = {.no_transaction = true};
static const struct look fourteen = {.server_version = 14, .no_transaction = true};

SG_TEST(create_blocking)
{
    INDEXES("CREATE INDEX i ON t (b)", "index.create_blocking");
    INDEXES("CREATE UNIQUE INDEX ON public.other (email)", "index.create_blocking");
    INDEXES("CREATE INDEX IF NOT EXISTS i ON never_seen (b)", "index.create_blocking");
    INDEXES("CREATE TABLE n (id bigint PRIMARY KEY, a int); CREATE INDEX ON n (a)", "");
    INDEXES("CREATE UNIQUE INDEX ON mv (id)", "");
    INDEXES("CREATE INDEX ON ONLY part (id)", "");
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY i ON t (b)"), "");
    INDEXES("CREATE TEMP TABLE n (id bigint); CREATE INDEX ON n (id)", "");
}

SG_TEST(create_on_partitioned)
{
    INDEXES("CREATE INDEX ON part (id)", "index.create_on_partitioned");
    INDEXES("CREATE UNIQUE INDEX i ON public.part (id, at)", "index.create_on_partitioned");
    INDEXES("CREATE INDEX i ON ONLY part (id)", "");
    INDEXES("CREATE TABLE n (id int, PRIMARY KEY (id)) PARTITION BY HASH (id); CREATE INDEX ON n (id)", "index.duplicate");
    INDEXES("CREATE INDEX i ON part_1 (id)", "index.create_blocking");
}

SG_TEST(concurrently_refused)
{
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY ON part (id)"), "index.concurrently_refused");
    T_EQ_STR(look_rules(&outside, "index.", "DROP INDEX CONCURRENTLY t_a, i2"), "index.concurrently_refused");
    T_EQ_STR(look_rules(&outside, "index.", "DROP INDEX CONCURRENTLY t_a CASCADE"), "index.concurrently_refused");
    T_EQ_STR(look_rules(&outside, "index.", "DROP INDEX CONCURRENTLY IF EXISTS t_a"), "");
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY ON part_1 (id)"), "");
}

SG_TEST(drop_blocking)
{
    INDEXES("DROP INDEX t_a", "index.drop_blocking");
    INDEXES("DROP INDEX IF EXISTS public.never_seen", "index.drop_blocking");
    T_EQ_STR(look_rules(&outside, "index.", "DROP INDEX CONCURRENTLY t_a"), "");
    NONE("index.drop_blocking", "CREATE TABLE n (id bigint PRIMARY KEY, a int); CREATE INDEX n_a ON n (a); DROP INDEX n_a");
    NONE("index.drop_blocking", "DROP TABLE t");
}

SG_TEST(every_index_that_is_dropped)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){look_tables, "DROP INDEX t_a, unknown", NULL});
    int seen = 0;

    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].place.migration == 1 && result->findings[i].rule == SG_RULE_INDEX_DROP_BLOCKING)
            T_EQ_STR(result->findings[i].detail,
                     seen++ == 0 ? "index t_a of t" : "index unknown (of which table is not known)");
    T_EQ_INT(seen, 2);
}

SG_TEST(concurrently_in_tx)
{
    static const char id[] = "index.concurrently_in_tx";

    FOUND(id, "BEGIN; CREATE INDEX CONCURRENTLY i ON t (b); COMMIT");
    FOUND(id, "BEGIN; DROP INDEX CONCURRENTLY t_a; COMMIT");
    FOUND(id, "BEGIN; REINDEX TABLE CONCURRENTLY t; COMMIT");
    FOUND(id, "BEGIN; ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY; COMMIT");
    T_EQ_STR(look_rules(&outside, id, "CREATE INDEX CONCURRENTLY i ON t (b)"), "");
    T_EQ_STR(look_rules(&outside, id, "BEGIN; ALTER TABLE t ADD COLUMN z int; COMMIT; CREATE INDEX CONCURRENTLY i ON t (z)"), "");
    NONE(id, "BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY mv; COMMIT");
    NONE(id, "BEGIN; CREATE INDEX i ON t (b); COMMIT");
}

SG_TEST(reindex_blocking)
{
    INDEXES("REINDEX INDEX t_a", "index.reindex_blocking");
    INDEXES("REINDEX TABLE t", "index.reindex_blocking");
    INDEXES("REINDEX (VERBOSE) SCHEMA public", "index.reindex_blocking");
    INDEXES("REINDEX DATABASE app", "index.reindex_blocking");
    INDEXES("REINDEX SYSTEM app", "index.reindex_blocking");
    T_EQ_STR(look_rules(&outside, "index.", "REINDEX INDEX CONCURRENTLY t_a"), "");
    T_EQ_STR(look_rules(&outside, "index.", "REINDEX (CONCURRENTLY TRUE) TABLE t"), "");
    INDEXES("CREATE TABLE n (id bigint PRIMARY KEY); REINDEX TABLE n", "");
    T_EQ_STR(look_rules(&outside, "index.", "REINDEX (CONCURRENTLY OFF) TABLE t"), "index.reindex_blocking");
}

SG_TEST(if_not_exists_invalid)
{
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)"), "index.if_not_exists_invalid");
    T_EQ_STR(look_rules(&outside, "index.", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON never_seen (b)"),
             "index.if_not_exists_invalid");
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY i ON t (b)"), "");
    NONE("index.if_not_exists_invalid", "CREATE INDEX IF NOT EXISTS i ON t (b)");
}

SG_TEST(corruption_14)
{
    T_EQ_STR(look_rules(&fourteen, "index.", "CREATE INDEX CONCURRENTLY i ON t (b)"), "index.corruption_14");
    T_EQ_STR(look_rules(&fourteen, "index.", "REINDEX INDEX CONCURRENTLY t_a"), "index.corruption_14");
    T_EQ_STR(look_rules(&outside, "index.", "CREATE INDEX CONCURRENTLY i ON t (b)"), "");
    T_EQ_STR(look_rules(&fourteen, "index.corruption_14", "CREATE INDEX i ON t (b)"), "");
}

SG_TEST(too_wide)
{
    FOUND("index.too_wide", "CREATE INDEX i ON t (a, b, c, d)");
    FOUND("index.too_wide", "CREATE TABLE n (a int PRIMARY KEY, b int, c int, d int); CREATE INDEX ON n (b, c, d, (a + 1))");
    NONE("index.too_wide", "CREATE INDEX i ON t (a, b, c) INCLUDE (d, n)");
    NONE("index.too_wide", "CREATE UNIQUE INDEX i ON t (a, b, c, d)");
}

SG_TEST(duplicate)
{
    static const char id[] = "index.duplicate";

    FOUND(id, "CREATE INDEX i ON t (a)");                            /* t_a */
    FOUND(id, "CREATE INDEX i ON t (a, b)");                         /* t_a is needless */
    FOUND(id, "CREATE INDEX i ON t (b, c); CREATE INDEX j ON t (b)");
    FOUND(id, "CREATE INDEX i ON t (id)");                           /* the primary key */
    NONE(id, "CREATE INDEX i ON t (b, a)");
    NONE(id, "CREATE INDEX i ON t (a) WHERE b IS NULL");
    NONE(id, "CREATE INDEX i ON t (a DESC, b)");
    NONE(id, "CREATE INDEX i ON t USING hash (a)");
    NONE(id, "CREATE UNIQUE INDEX i ON t (b); CREATE INDEX j ON t (b, c)");
    NONE(id, "CREATE INDEX i ON t (lower(b)); CREATE INDEX j ON t (lower(b), c)");
    NONE(id, "CREATE INDEX i ON t (b text_pattern_ops); CREATE INDEX j ON t (b)");
    NONE(id, "CREATE INDEX i ON t (a, b); DROP INDEX t_a");
    NONE(id, "CREATE INDEX i ON other (kind)");
}

SG_TEST(hash)
{
    FOUND("index.hash", "CREATE INDEX i ON t USING hash (b)");
    FOUND("index.hash", "CREATE TABLE n (a int PRIMARY KEY); CREATE INDEX ON n USING hash (a)");
    NONE("index.hash", "CREATE INDEX i ON t USING gin (j)");
    NONE("index.hash", "CREATE INDEX hash ON t (b)");
}

SG_TEST(replace_order)
{
    static const char id[] = "index.replace_order";

    FOUND(id, "DROP INDEX t_a; CREATE INDEX i ON t (a, b)");
    FOUND(id, "DROP INDEX never_seen; CREATE INDEX never_seen ON t (b)");
    NONE(id, "CREATE INDEX i ON t (a, b); DROP INDEX t_a");
    NONE(id, "DROP INDEX t_a; CREATE INDEX i ON t (b)");
    NONE(id, "DROP INDEX t_a; CREATE INDEX i ON other (name)");
    NONE(id, "CREATE TABLE n (a int PRIMARY KEY); CREATE INDEX x ON n (a); DROP INDEX x; CREATE INDEX x ON n (a)");
}

static const struct sg_test tests[] = {SG_CASE(create_blocking), SG_CASE(create_on_partitioned), SG_CASE(concurrently_refused),
                                       SG_CASE(drop_blocking), SG_CASE(every_index_that_is_dropped), SG_CASE(concurrently_in_tx),
                                       SG_CASE(reindex_blocking), SG_CASE(if_not_exists_invalid), SG_CASE(corruption_14),
                                       SG_CASE(too_wide), SG_CASE(duplicate), SG_CASE(hash), SG_CASE(replace_order),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"rules: index", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
