/*
 * The example under test: its legacy database, loaded once and copied for each test, and the built sgrun with etc/prod.ini on it.
 */
#ifndef SG_TESTS_DB_CRM_H
#define SG_TESTS_DB_CRM_H

#include "tests/kit/run.h"
#include "tests/kit/sql.h"

struct crm {
    const char *db;
    const char *url;      /* what sgrun is told; a test may write another way there */
    const char *conninfo; /* the test's own way */
    struct sg_sql *sql; /* a session on it */
};

/* A fresh copy of the legacy database; the running test's. */
struct crm crm_new(void);

/* Runs the built sgrun on it, with these further arguments. */
#define crm_run(crm, ...) crm_run_args((crm), (const char *const[]){__VA_ARGS__, NULL})
struct sg_run_result crm_run_args(const struct crm *crm, const char *const *args);
/* The same in the background. */
struct sg_run *crm_start_args(const struct crm *crm, const char *const *args);

/* Without the gate of 0113, for a test of migrations alone. */
#define CRM_NO_GATE "--set=migration 0113_unique_run_lead.requires="
/* What stands in the way of 0113, by hand. */
void crm_clean_jobs(const struct crm *crm);

/* Lines "id|outcome", in order of their numbers; and what they are when all is done. */
const char *crm_ledger(const struct crm *crm);
extern const char crm_all_recorded[];

/* For each table the number of rows and the sum of their versions: another one if a row was inserted, updated or deleted. Tables
 * that 0071 and 0115 make are left out. */
const char *crm_row_versions(const struct crm *crm);

#endif
