/* look.h - an audit of texts, for the tests of its parts: what is found in migrations that are written in the test. */
#ifndef SG_TEST_AUDIT_LOOK_H
#define SG_TEST_AUDIT_LOOK_H

#include "core/audit/audit.h"
#include "tests/kit/test.h"

struct look {
    int server_version;    /* 0: 15 */
    int64_t small_rows;    /* 0: 100 */
    const char *hot;       /* one table; NULL: not known */
    bool no_transaction;   /* the tool runs no migration in one */
    enum sg_audit_layout layout; /* 0: PLAIN */
};

/* Audits the texts, each a migration of its own ("1", "2", …); NULL ends the list. Freed with the test. */
const struct sg_audit_result *look_at(const struct look *look, const char *const *migrations);
/* The tables that the tests of rules work on, as migration "1"; what is tested is migration "2". LOOK_TABLES says what they are. */
extern const char look_tables[];
/* The rules found in `sql` as migration "2", in the order of statements, then of the list: "index.create_blocking tx.wide"; only those
 * of the families named ("index. tx."), or all where families is NULL. What was allowed is left out. */
const char *look_rules(const struct look *look, const char *families, const char *sql);
/* The same with a first migration of one's own. */
const char *look_rules_after(const struct look *look, const char *families, const char *before, const char *sql);

/* Exactly these rules of the family ("" for none) are found in the statement(s). */
#define T_RULES(families, sql, rules) T_EQ_STR(look_rules(NULL, (families), (sql)), (rules))

#endif
