/*
 * A backfill whose work is in the manifest, as scripted.c is a migration's.
 *
 * Compiled once for each id (local.mk says which table and key): b01 items, id; b02 the same, SG_REPEATABLE; b03 items, (a, b);
 * b04 items, code (text); b05 items, uid (uuid), SG_REPEATABLE; b06 items, at (timestamptz); b07, b08 others, id; d01, d02 drain.
 * Options of its section:
 *   option.batch, batch2 …  statements that a batch sends by sg_dml, in order. Parameters: the columns of the first key, then those
 *                           of the last; in drain mode $1 is the limit. It gets as many as it names
 *   option.read             a query that it sends before, with the same parameters
 *   option.left             the fingerprint holds if this query gives no row
 *   option.fingerprint      the fingerprint holds if this query gives a row. Without either it never holds
 *   option.sleep_ms         a batch sleeps so long before its first statement, in the plugin
 *   option.crash_at, exit_at, hang_at, fail_at
 *                           a key (of integers; in drain mode a batch's number): the batch that covers it ends so, before its
 *                           statements; crash by SIGSEGV, exit(0), an endless sleep, sg_fail
 *   option.unless           a query; as long as it gives a row, none of these four happens
 *   option.returns          what backfill_batch returns, instead of the rows changed
 */
#include <sgrun/plugin.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef SCRIPTED_FLAGS
#define SCRIPTED_FLAGS 0
#endif

#ifdef SCRIPTED_DRAIN
SG_DRAIN(SCRIPTED_ID, "scripted drain " SCRIPTED_ID);
#else
SG_BACKFILL_X(SCRIPTED_ID, "scripted backfill " SCRIPTED_ID, SCRIPTED_TABLE, SCRIPTED_KEY, SCRIPTED_FLAGS);
#endif

static void rest(long ms)
{
    struct timespec span;

    span.tv_sec = ms / 1000;
    span.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&span, NULL);
}

/* The highest $n in a statement. */
static int parameters(const char *sql)
{
    int most = 0;

    for (; *sql != '\0'; sql++)
        if (*sql == '$') {
            int n = atoi(sql + 1);

            if (n > most)
                most = n;
        }
    return most;
}

/* Puts the values of a statement's parameters into VALUES; gives how many. */
static int bind(const char *sql, const sg_batch *batch, const char *limit, const char **values)
{
    int n = parameters(sql);
    int most = batch->nkeys == 0 ? 1 : (int)(2 * batch->nkeys);
    uint32_t i;

    if (batch->nkeys == 0)
        values[0] = limit;
    for (i = 0; i < batch->nkeys; i++) {
        values[i] = batch->firsts[i];
        values[batch->nkeys + i] = batch->lasts[i];
    }
    return n < most ? n : most;
}

static int comes(sg_ctx *sg, const char *option, const sg_batch *batch)
{
    const char *at = sg_option(sg, option), *unless = sg_option(sg, "unless");
    long long key;

    if (at == NULL || (unless != NULL && sg_exists(sg, unless, SG_NOARGS)))
        return 0;
    key = atoll(at);
    return batch->nkeys == 0 ? batch->number == key : atoll(batch->first) <= key && key <= atoll(batch->last);
}

int fingerprint(sg_ctx *sg)
{
    const char *left = sg_option(sg, "left"), *there = sg_option(sg, "fingerprint");

    if (left != NULL)
        return !sg_exists(sg, left, SG_NOARGS);
    return there != NULL && sg_exists(sg, there, SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
    const char *values[2 * SG_MAX_KEYS], *sql;
    char name[16], limit[32];
    int64_t changed = 0;
    int i;

    snprintf(limit, sizeof limit, "%lld", (long long)batch->limit);
    if (comes(sg, "crash_at", batch))
        raise(SIGSEGV);
    if (comes(sg, "exit_at", batch))
        exit(0);
    if (comes(sg, "hang_at", batch))
        for (;;)
            rest(1000);
    if (comes(sg, "fail_at", batch))
        return sg_fail(sg, "scripted: no batch with %s", sg_option(sg, "fail_at"));
    if (sg_option(sg, "sleep_ms") != NULL)
        rest(atol(sg_option(sg, "sleep_ms")));
    sql = sg_option(sg, "read");
    if (sql != NULL)
        sg_query(sg, sql, bind(sql, batch, limit, values), values);
    for (i = 1; i < 100; i++) {
        snprintf(name, sizeof name, i == 1 ? "batch" : "batch%d", i);
        sql = sg_option(sg, name);
        if (sql == NULL)
            break;
        changed += sg_dml(sg, sql, bind(sql, batch, limit, values), values);
    }
    return sg_option(sg, "returns") != NULL ? atoll(sg_option(sg, "returns")) : changed;
}
