/*
 * Runners that meet, as runners.h says.
 */
#include "config.h"

#include "tests/db/runners.h"

const char *add_column(const char *id, const char *column, const char *lines)
{
    return step(id, sg_test_strf("option.fingerprint = SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('t') AND attname = '%s'\n"
                                 "option.ddl1 = ALTER TABLE t ADD COLUMN %s int\n%s", column, column, lines));
}

int columns(const struct place *place)
{
    return (int)sg_sql_int(place->sql, "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0");
}

const char *recorded_by(const struct place *place, const char *id)
{
    return sg_sql_value(place->sql, sg_test_strf("SELECT runner FROM sgrun.schema_migrations WHERE id = '%s'", id));
}

void expect_runner(const char *owner, struct sg_run *run)
{
    T_CONTAINS(owner != NULL ? owner : "(nobody)", sg_test_strf(":%d/", (int)sg_run_pid(run)));
}

const char drop_index[] = "[migration x01]\nplugin = x01\noption.fingerprint = SELECT 1 WHERE to_regclass('t_a') IS NULL\n"
                          "option.ddl1 = DROP INDEX CONCURRENTLY t_a\n";

void await_drop(const struct place *place)
{
    sg_sql_await(place->sql, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
                             " AND query LIKE 'DROP INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'", "t", 10000);
}
