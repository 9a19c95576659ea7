/* scope.h - what a look at one statement of one migration works with; shared by the files of the audit, included by no one else.
 *
 * The driver (audit.c) goes through a migration once: for each statement parse, have each family of rules and the DML analysis
 * look, apply it to the model, free the tree. What needs to know what comes later (a DELETE is de-duplication because of a
 * UNIQUE index further down) is kept small and judged in the …_end functions. */
#ifndef SG_AUDIT_SCOPE_H
#define SG_AUDIT_SCOPE_H

#include "core/audit/audit.h"
#include "core/audit/model.h"

struct sg_audit_found;       /* findings.c: what was found so far, by statement */
struct sg_audit_dml_notes;   /* dml.c: the migration's operations so far, and what its DDL adds */
struct sg_audit_constraint_notes; /* rules_constraints.c: foreign keys of the migration, what the transaction has not validated */
struct sg_audit_type_notes;  /* rules_types.c: enum values that the transaction has added */
struct sg_audit_index_notes; /* rules_indexes.c: what was made and dropped so far */
struct sg_audit_table_notes; /* rules_tables.c: what is judged at the end */
struct sg_audit_lock_notes;  /* rules_transaction.c: what was locked in the open transaction */

struct sg_audit_scope {
	struct sg_audit_result *result;
	const struct sg_audit_options *options;
	struct sg_model *model;            /* as it is before the statement */
	struct sg_arena *arena;            /* the migration's: gone at its end */
	const struct sg_audit_migration *migration;
	size_t number;                     /* of the statement in it, from 0 */
	const struct sg_audit_statement *statement; /* in a body (inside): as if it stood alone; its place is that of `number` */
	const char *inside;                /* "DO block", "function dedupe()": the statement is one of that body; NULL: of the file */
	size_t step;                       /* counts what the rules were given, those in bodies too: what is later has more */
	size_t left_out;                   /* rows and elements of lists that the tree lacks: see shorten.h */
	bool in_transaction;               /* the statement runs in one that others run in too: the tool's, or BEGIN in the file */
	size_t transaction;                /* counts them in this migration: equal numbers, same transaction */
	struct sg_audit_found *found;
	struct sg_audit_dml_notes *dml;    /* made by dml.c at its first look; NULL at a migration's start */
	struct sg_audit_constraint_notes *constraints; /* likewise */
	struct sg_audit_type_notes *types; /* likewise */
	struct sg_audit_index_notes *indexes; /* likewise */
	struct sg_audit_table_notes *tables; /* likewise */
	struct sg_audit_lock_notes *locks; /* likewise */
};

/* Reports a rule. on: the table that it is about, or NULL: nothing is reported where that table was made in this migration, is
 * temporary, or where options->server_version is out of the rule's bounds. detail: what of the statement ("column note of
 * leads"), one line. The texts of struct sg_rule say the rest. Repeats of the same rule with the same detail for one statement
 * are reported once. */
void sg_audit_find(struct sg_audit_scope *scope, enum sg_rule_id rule, const struct sg_relation *on, const char *format, ...)
	SG_PRINTF(4, 5);
/* The same for a statement looked at before (for the …_end functions). */
void sg_audit_find_at(struct sg_audit_scope *scope, size_t number, enum sg_rule_id rule, const struct sg_relation *on,
                      const char *format, ...) SG_PRINTF(5, 6);
/* Adds an operation of the statement of that number: place, standing and allowed are filled in here; the texts must live in the result's
 * arena. */
void sg_audit_add_dml(struct sg_audit_scope *scope, size_t number, const struct sg_audit_dml *dml);
/* Before the first statement of a migration. */
struct sg_audit_found *sg_audit_new_found(struct sg_audit_scope *scope);
/* Of allow comments that silence nothing; after all else of the migration. */
void sg_audit_look_at_allows(struct sg_audit_scope *scope);
/* A statement that a body runs (dml_routines.c): the rules look at it. hidden: it has names that are not known ("?"), so that nothing
 * is said of what it holds. sg_audit_apply_inside: and then it has been sent. */
void sg_audit_look_inside(struct sg_audit_scope *scope, const struct sg_json *tree, const char *text, const char *inside, bool hidden);
void sg_audit_apply_inside(struct sg_audit_scope *scope, const struct sg_json *tree, const char *text);
/* "leads" or "crm.leads", for people; in the arena. */
const char *sg_audit_name(struct sg_arena *arena, struct sg_relation relation);

/* A family of rules: called for each statement; node: "AlterTableStmt", body: its members. */
void sg_rules_columns(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);     /* column.* */
void sg_rules_constraints(struct sg_audit_scope *scope, const char *node, const struct sg_json *body); /* constraint.* domain.* */
void sg_rules_types(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);       /* type.* enum.* name.* */
void sg_rules_indexes(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);     /* index.* */
void sg_rules_tables(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);      /* table.*, and calls: */
void sg_rules_objects(struct sg_audit_scope *scope, const char *node, const struct sg_json *body);     /* partition.* matview.* trigger.* policy.* schema.* lock.* */
void sg_rules_transaction(struct sg_audit_scope *scope, const char *node, const struct sg_json *body); /* tx.* timeouts.* dml.* */
/* After the last statement of a migration. */
void sg_rules_constraints_end(struct sg_audit_scope *scope);
void sg_rules_indexes_end(struct sg_audit_scope *scope);
void sg_rules_tables_end(struct sg_audit_scope *scope);
void sg_rules_transaction_end(struct sg_audit_scope *scope);

/* dml.c: notes what a statement writes, and what it adds that excuses a write before it. */
void sg_dml_look(struct sg_audit_scope *scope, const struct sg_json *tree);
/* Judges all of the migration's operations, and adds them to the result. */
void sg_dml_end(struct sg_audit_scope *scope);

/* priority.c: the backfill audit. Which of the migrations have DML, with which tables and types, and how soon it must go. */
void sg_audit_prioritize(struct sg_audit_result *result, const struct sg_audit_options *options);

#endif
