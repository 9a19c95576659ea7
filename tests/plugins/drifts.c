/* A migration that depends on the clock: its second attempt is another. */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <time.h>

SG_MIGRATION("t01", "depends on the clock");

int fingerprint(sg_ctx *sg)
{
    return sg_exists(sg, "SELECT 1 FROM pg_catalog.pg_attribute WHERE attname LIKE 'at\\_%'", SG_NOARGS);
}

int run(sg_ctx *sg)
{
    struct timespec now;
    char sql[80];

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(sql, sizeof sql, "ALTER TABLE one ADD COLUMN at_%lld_%ld int", (long long)now.tv_sec, now.tv_nsec);
    sg_ddl(sg, sql);
    return SG_OK;
}
