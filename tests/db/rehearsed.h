/*
 * Rehearsals in tests: a manifest of scripted steps whose dsn leads nowhere, rehearsed by sg_rehearse in the test's own process; and what
 * it saw as text, one line each, to be compared.
 *
 * Everything belongs to the running test.
 */
#ifndef SG_TESTS_DB_REHEARSED_H
#define SG_TESTS_DB_REHEARSED_H

#include "core/run/rehearse.h"
#include "tests/kit/test.h"

struct rehearsed {
    struct sg_arena arena;
    struct sg_manifest manifest;
    struct sg_rehearsal rehearsal;
    struct sg_errs errs;
    int status;
};

/* SETTINGS: further lines of [database], or NULL; STEPS: sections. OPTIONS NULL: none. Ends the test if the manifest is not good. */
struct rehearsed *rehearse(const char *settings, const char *steps, const struct sg_rehearse_options *options);
/* The same for a manifest that is there. */
struct rehearsed *rehearse_manifest(const char *path, const struct sg_rehearse_options *options);
/* A schema file with this text; and a manifest's section of a migration with one statement (its line breaks become blanks), that never
 * holds before and holds after: by a query that gives a row where it was run. */
const char *rehearsed_schema(const char *sql);
const char *rehearsed_one(const char *id, const char *sql, const char *holds);

/* The step by its id; ends the test if there is none. */
const struct sg_rehearsal_step *rehearsed_step(const struct rehearsed *rehearsed, const char *id);
/* "t:AccessExclusiveLock parent:ShareRowExclusiveLock rewrite:t scan:t(1000)", "" for nothing. Rows are left out where ROWS is false. */
const char *rehearsed_did(const struct sg_rehearsal_statement *statement, bool rows);
/* "id outcome before after" lines, by the order of the rehearsal; with errors. */
const char *rehearsed_course(const struct rehearsed *rehearsed);
/* All that it says, for failures. */
const char *rehearsed_all(const struct rehearsed *rehearsed);

/* From here on the test's rehearsals, sgrun's too, live in a temporary folder of the test's own; rehearse() sees to it itself. */
void rehearsed_apart(void);
/* Folders of rehearsals that are there now, and servers of theirs that run: "" if there are none. */
const char *rehearsed_left(void);

#endif
