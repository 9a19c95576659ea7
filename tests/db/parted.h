/*
 * One index built by sg_index_build in the test's own process, for tests of partitioned tables and of duplicates: a database of its own, a
 * manifest of one section, and what was logged and told meanwhile.
 */
#ifndef SG_TESTS_DB_PARTED_H
#define SG_TESTS_DB_PARTED_H

#include "core/index/build.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

struct one {
    struct sg_arena arena;
    struct sg_manifest manifest;
    struct sg_run run;
    struct sg_index_definition definition;
    struct sg_index_build build;
    struct sg_index_result result;
    struct sg_buf logged, told; /* told: a line a call, "part/parts doing phase" */
    struct sg_sql *sql;         /* the test's own look */
    const char *conninfo;       /* straight to the server */
    void (*meanwhile)(const struct sg_index_progress *progress);
};
extern struct one one;

/* A new database with what SETUP makes, the state tables, and a manifest whose last section is SECTION. policy: lines of [policy],
 * or "". pooled: through a PgBouncer. */
void one_begin(const char *setup, bool pooled, const char *policy, const char *section);
/* Another section for the same database. */
void one_section(const char *policy, const char *section);
/* The same as another role of the server. */
void one_section_as(const char *role, const char *section);
/* Builds; "built", "failed", … */
const char *one_built(void);
/* The same in a process of its own, that may stop or die: of the result only end, attempts, carcass are known; "killed". */
const char *one_built_apart(void);
/* Never NULL. */
const char *one_primary(void);
const char *one_detail(void);
const char *one_hint(void);
const char *one_note(void);

#endif
