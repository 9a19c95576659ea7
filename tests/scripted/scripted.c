/*
 * A migration whose work is in the manifest: tests need many of them, each a little different, and no compiler.
 *
 * Compiled once for each id (s01 … s12; x01, x02 as SG_NO_TRANSACTION). Options of its section:
 *   option.fingerprint    a query; it holds if the query gives a row. Without it: only once `made` below would be true, i.e. never
 *   option.table          the fingerprint holds if this table exists
 *   option.read1 …        queries that run sends first, in order
 *   option.ddl1 …         statements that run sends by sg_ddl, in order
 *   option.sleep_ms       run sleeps so long before each statement
 *   option.fail           run ends with sg_fail(this)
 *   option.newline        this text, wherever it stands in the statements, is a line break (a manifest's value has none)
 */
#include <sgrun/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef SCRIPTED_FLAGS
#define SCRIPTED_FLAGS 0
#endif

SG_MIGRATION_X(SCRIPTED_ID, "scripted " SCRIPTED_ID, SCRIPTED_FLAGS);

static void rest(sg_ctx *sg)
{
    const char *text = sg_option(sg, "sleep_ms");

    if (text != NULL) {
        long ms = atol(text);
        struct timespec span;

        span.tv_sec = ms / 1000;
        span.tv_nsec = ms % 1000 * 1000000;
        nanosleep(&span, NULL);
    }
}

/* The option's text with its line breaks; the process ends before anybody would free it. */
static const char *statement(sg_ctx *sg, const char *key)
{
    const char *text = sg_option(sg, key), *mark = sg_option(sg, "newline"), *from, *at;
    char *copy, *to;

    if (text == NULL || mark == NULL)
        return text;
    copy = to = malloc(strlen(text) + 1);
    if (copy == NULL)
        abort();
    for (from = text; (at = strstr(from, mark)) != NULL; from = at + strlen(mark)) {
        memcpy(to, from, (size_t)(at - from));
        to += at - from;
        *to++ = '\n';
    }
    memcpy(to, from, strlen(from) + 1);
    return copy;
}

int fingerprint(sg_ctx *sg)
{
    const char *query = sg_option(sg, "fingerprint");
    const char *table = sg_option(sg, "table");

    if (query != NULL)
        return sg_exists(sg, query, SG_NOARGS);
    return table != NULL && sg_table_exists(sg, table);
}

int run(sg_ctx *sg)
{
    const char *sql;
    char key[16];
    int i;

    for (i = 1; i < 100; i++) {
        snprintf(key, sizeof key, "read%d", i);
        sql = statement(sg, key);
        if (sql == NULL)
            break;
        sg_query(sg, sql, SG_NOARGS);
    }
    for (i = 1; i < 100; i++) {
        snprintf(key, sizeof key, "ddl%d", i);
        sql = statement(sg, key);
        if (sql == NULL)
            break;
        rest(sg);
        sg_ddl(sg, sql);
    }
    if (sg_option(sg, "fail") != NULL)
        return sg_fail(sg, "%s", sg_option(sg, "fail"));
    return SG_OK;
}
