/*
 * The example's whole deploy, killed again and again: sgrun gets SIGKILL, alone or with its lanes and builders at once, at
 * moments that are chosen over the course of an undisturbed deploy, and is started again; then one last run, and what it leaves
 * is compared with what the undisturbed one left (left.h).
 *
 * A moment is a step of the undisturbed deploy and a time after that step was begun: it keeps its place in the course though
 * each new start, and each wait for a dead runner's lease, takes its time.
 */
#ifndef SG_TESTS_DB_KILLS_H
#define SG_TESTS_DB_KILLS_H

#include "tests/db/crm.h"

/* A test: so many kills, over as many databases as that takes; POOLED: through PgBouncer in transaction mode, without
 * direct_dsn. Prints where each hit. */
void kills(bool pooled, int count);

/* A test: two whole deploys at once, ROUNDS times, each on a database of its own: both end with 0, and what they leave is what one
 * leaves. */
void deploys_at_once(bool pooled, int rounds);

#endif
