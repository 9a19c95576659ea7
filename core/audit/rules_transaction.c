/* rules_transaction.c - tx.*, timeouts.*, dml.*: what a transaction holds while it goes on, for how long it would wait, and writes
 * to whole tables. What is held is known by core/audit/locks.h; only tables that others can see count. */
#include "config.h"

#include <string.h>

#include "core/audit/locks.h"
#include "core/audit/scope.h"
#include "core/sql/tree.h"

#define HELD_MAX 64 /* tables of a transaction: beyond that nothing new can be said */

struct held {
	struct sg_relation table;
	enum sg_lock_mode mode;
	size_t number;             /* of the statement that took it */
	size_t step;
	bool foreign_key;          /* … for a foreign key only: constraint.multiple_fks says it */
};

struct altered {
	struct sg_relation table;
	size_t number;
	bool said;
};

/* A setting that holds for the session, or until the transaction ends. */
struct timeout {
	bool session;
	bool local;
	size_t transaction;        /* of local */
};

struct sg_audit_lock_notes {
	/* The open transaction: */
	bool open;
	size_t transaction;
	struct held *held;
	size_t held_count, held_capacity;
	struct altered *altered;
	size_t altered_count, altered_capacity;
	bool wide_said, several_said;
	/* The migration: */
	struct timeout lock_timeout, statement_timeout;
	bool lock_said, statement_said, nesting_said;
};

static const char *name(struct sg_audit_scope *scope, struct sg_relation relation)
{
	return sg_audit_name(scope->arena, relation);
}

static struct sg_audit_lock_notes *notes_of(struct sg_audit_scope *scope)
{
	struct sg_audit_lock_notes *notes = scope->locks;

	if (notes == NULL)
		notes = scope->locks = sg_arena_alloc(scope->arena, sizeof *notes);
	if (!notes->open || notes->transaction != scope->transaction || !scope->in_transaction) {
		notes->open = scope->in_transaction;
		notes->transaction = scope->transaction;
		notes->held_count = notes->altered_count = 0;
		notes->wide_said = notes->several_said = false;
	}
	return notes;
}

static bool is_same_table(const struct sg_model *model, struct sg_relation a, struct sg_relation b)
{
	const struct sg_model_table *table = sg_model_table(model, a);

	if (table != NULL && table == sg_model_table(model, b))
		return true;
	return strcmp(a.name, b.name) == 0 && (a.schema == NULL || b.schema == NULL || strcmp(a.schema, b.schema) == 0);
}

/* Others see it. A view counts as a table: who reads it waits as well. */
static bool matters(const struct sg_audit_scope *scope, struct sg_relation relation)
{
	const struct sg_model_table *table = sg_model_table(scope->model, relation);

	return !sg_model_is_new(scope->model, relation) && (table == NULL || !table->temporary);
}

static int line_of(const struct sg_audit_scope *scope, size_t number)
{
	return scope->migration->statements[number].line;
}

/* "in line 3", or of a journal "by statement 3". */
static const char *where(struct sg_audit_scope *scope, size_t number)
{
	return line_of(scope, number) > 0 ? sg_arena_printf(scope->arena, "in line %d", line_of(scope, number))
	                                  : sg_arena_printf(scope->arena, "by statement %zu", number + 1);
}

/* ---- what is held --------------------------------------------------------------------- */

/* What is locked for everybody, and would not be for the sake of this statement alone. */
static const struct held *held_meanwhile(const struct sg_audit_scope *scope, const struct sg_audit_lock_notes *notes,
                                         const struct sg_lock *lock)
{
	for (size_t i = 0; i < notes->held_count; i++) {
		const struct held *held = &notes->held[i];

		if (held->step < scope->step && held->mode == SG_LOCK_ACCESS_EXCLUSIVE &&
		    (lock->mode < SG_LOCK_ACCESS_EXCLUSIVE || !is_same_table(scope->model, held->table, lock->relation)))
			return held;
	}
	return NULL;
}

/* A statement that takes as long as a table is large, while a table is locked for everybody. */
static void find_wide(struct sg_audit_scope *scope, struct sg_audit_lock_notes *notes, const struct sg_lock *lock)
{
	const struct held *held;

	if (notes->wide_said || lock->work == SG_LOCK_WORK_NONE)
		return;
	held = held_meanwhile(scope, notes, lock);
	if (held == NULL)
		return;
	sg_audit_find(scope, SG_RULE_TX_WIDE, NULL, "%s is locked %s %s, and stays so while %s is %s", name(scope, held->table),
	              sg_lock_mode_name(held->mode), where(scope, held->number), name(scope, lock->relation),
	              lock->work == SG_LOCK_WORK_REWRITE ? "rewritten"
	              : lock->mode == SG_LOCK_ROW_EXCLUSIVE ? "written"
	                                                    : "read");
	notes->wide_said = notes->several_said = true;
}

/* A second table: the first is held while the lock on it is waited for. */
static void find_several(struct sg_audit_scope *scope, struct sg_audit_lock_notes *notes, const struct sg_lock *lock, bool foreign_key)
{
	for (size_t i = 0; i < notes->held_count && !notes->several_said; i++) {
		const struct held *held = &notes->held[i];

		if (held->step == scope->step || (held->foreign_key && foreign_key) ||
		    is_same_table(scope->model, held->table, lock->relation))
			continue;
		sg_audit_find(scope, SG_RULE_TX_SEVERAL_TABLES, NULL, "%s is locked %s %s; now %s is locked %s", name(scope, held->table),
		              sg_lock_mode_name(held->mode), where(scope, held->number), name(scope, lock->relation),
		              sg_lock_mode_name(lock->mode));
		notes->several_said = true;
	}
}

static void hold(struct sg_audit_scope *scope, struct sg_audit_lock_notes *notes, const struct sg_lock *lock, bool foreign_key)
{
	/* One of a table is enough, if it is as strong; and what is said is said of the first. */
	for (size_t i = 0; i < notes->held_count; i++)
		if (notes->held[i].mode >= lock->mode && notes->held[i].foreign_key == foreign_key &&
		    is_same_table(scope->model, notes->held[i].table, lock->relation))
			return;
	if (notes->held_count >= HELD_MAX)
		return;
	notes->held = sg_arena_grow(scope->arena, notes->held, &notes->held_capacity, notes->held_count + 1, sizeof *notes->held);
	notes->held[notes->held_count++] =
		(struct held){ { sg_arena_strdup(scope->arena, lock->relation.schema), sg_arena_strdup(scope->arena, lock->relation.name) },
		               lock->mode, scope->number, scope->step, foreign_key };
}

/* ---- timeouts -------------------------------------------------------------------------------- */

static bool holds(const struct sg_audit_scope *scope, const struct timeout *timeout)
{
	return timeout->session || (timeout->local && timeout->transaction == scope->transaction && scope->in_transaction);
}

/* 0, also with a unit, switches it off. */
static bool is_off(const struct sg_json *value)
{
	const struct sg_json *constant = sg_node_as(value, "A_Const"), *sval = sg_json_get(constant, "sval");
	const char *text = sg_json_text(sg_json_get(sval, "sval"));

	if (sg_json_get(constant, "ival") != NULL)
		return sg_json_int(sg_json_get(sg_json_get(constant, "ival"), "ival")) == 0;
	return sval != NULL && (text == NULL || strpbrk(text, "123456789") == NULL);
}

static void set(struct sg_audit_scope *scope, const char *setting, bool local, bool on)
{
	struct sg_audit_lock_notes *notes = notes_of(scope);
	struct timeout *timeout;

	if (setting == NULL)
		return;
	if (strcmp(setting, "lock_timeout") == 0)
		timeout = &notes->lock_timeout;
	else if (strcmp(setting, "statement_timeout") == 0 || strcmp(setting, "transaction_timeout") == 0)
		timeout = &notes->statement_timeout;
	else
		return;
	if (local) {
		/* Outside of a transaction it changes nothing: the server only warns. */
		timeout->local = on && scope->in_transaction;
		timeout->transaction = scope->transaction;
	} else {
		timeout->session = on;
		timeout->local = timeout->local && on;
	}
}

static void of_set(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const char *setting = sg_json_text(sg_json_get(body, "name"));
	bool value = sg_node_is(body, "kind", "VAR_SET_VALUE");

	if (sg_node_is(body, "kind", "VAR_RESET_ALL")) {
		set(scope, "lock_timeout", false, false);
		set(scope, "statement_timeout", false, false);
		return;
	}
	set(scope, setting, sg_json_true(sg_json_get(body, "is_local")), value && !is_off(sg_json_at(sg_json_get(body, "args"), 0)));
}

/* SELECT set_config('lock_timeout', '5s', true) */
static void of_select(struct sg_audit_scope *scope, const struct sg_json *body)
{
	const struct sg_json *targets = sg_json_get(body, "targetList");

	for (size_t i = 0; i < sg_json_count(targets); i++) {
		const struct sg_json *value = sg_json_get(sg_node_as(sg_json_at(targets, i), "ResTarget"), "val");
		const struct sg_json *call = sg_node_as(value, "FuncCall"), *args = sg_json_get(call, "args"), *local;
		struct sg_relation function;

		if (call == NULL || sg_json_count(args) != 3 || !sg_tree_names(sg_json_get(call, "funcname"), &function) ||
		    function.name == NULL || strcmp(function.name, "set_config") != 0)
			continue;
		local = sg_json_get(sg_node_as(sg_json_at(args, 2), "A_Const"), "boolval");
		set(scope, sg_json_text(sg_json_get(sg_json_get(sg_node_as(sg_json_at(args, 0), "A_Const"), "sval"), "sval")),
		    sg_json_true(sg_json_get(local, "boolval")), !is_off(sg_json_at(args, 1)));
	}
}

/* A manifest's steps have theirs from the runner. */
static void find_timeouts(struct sg_audit_scope *scope, struct sg_audit_lock_notes *notes, const struct sg_lock *lock)
{
	if (scope->migration->layout == SG_LAYOUT_MANIFEST)
		return;
	if (!notes->lock_said && lock->mode == SG_LOCK_ACCESS_EXCLUSIVE && !holds(scope, &notes->lock_timeout)) {
		sg_audit_find(scope, SG_RULE_TIMEOUTS_LOCK, &lock->relation, "%s is locked %s", name(scope, lock->relation),
		              sg_lock_mode_name(lock->mode));
		notes->lock_said = true;
	}
	if (!notes->statement_said && lock->mode >= SG_LOCK_SHARE && lock->work != SG_LOCK_WORK_NONE &&
	    !holds(scope, &notes->statement_timeout)) {
		sg_audit_find(scope, SG_RULE_TIMEOUTS_STATEMENT, &lock->relation, "%s is %s under a lock", name(scope, lock->relation),
		              lock->work == SG_LOCK_WORK_REWRITE ? "rewritten" : "read");
		notes->statement_said = true;
	}
}

/* ---- the transaction's own statements ------------------------------------------------------------- */

/* Does that tool put BEGIN and COMMIT around a file? Of the others none is known to, and their files bring their own. */
static bool is_wrapped(const struct sg_audit_migration *migration)
{
	switch (migration->layout) {
	case SG_LAYOUT_FLYWAY:
	case SG_LAYOUT_GOOSE:
	case SG_LAYOUT_DBMATE:
	case SG_LAYOUT_DIESEL:
	case SG_LAYOUT_SQLX:
	case SG_LAYOUT_MANIFEST:
		return migration->transaction;
	case SG_LAYOUT_PLAIN:
	case SG_LAYOUT_GOLANG_MIGRATE:
	case SG_LAYOUT_PRISMA:
	case SG_LAYOUT_SQITCH:
		break;
	}
	return false;
}

static void of_transaction(struct sg_audit_scope *scope, const struct sg_json *body)
{
	static const char *const kinds[] = { "TRANS_STMT_BEGIN", "TRANS_STMT_START", "TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK" };
	struct sg_audit_lock_notes *notes = notes_of(scope);

	for (size_t i = 0; i < SG_COUNT(kinds); i++) {
		if (!sg_node_is(body, "kind", kinds[i]) || notes->nesting_said || !is_wrapped(scope->migration) ||
		    scope->statement->outside)
			continue;
		sg_audit_find(scope, SG_RULE_TX_NESTING, NULL, "%s runs this file in a transaction of its own",
		              scope->migration->layout == SG_LAYOUT_MANIFEST ? "sgrun" : sg_audit_layout_name(scope->migration->layout));
		notes->nesting_said = true;
	}
}

/* VALIDATE must not be in the statement that adds the constraint, nor a partition's attaching in others. */
static bool can_be_combined(const struct sg_json *body)
{
	const struct sg_json *cmds = sg_json_get(body, "cmds");

	for (size_t i = 0; i < sg_json_count(cmds); i++) {
		const struct sg_json *cmd = sg_node_as(sg_json_at(cmds, i), "AlterTableCmd");

		if (sg_node_is(cmd, "subtype", "AT_ValidateConstraint") || sg_node_is(cmd, "subtype", "AT_AttachPartition") ||
		    sg_node_is(cmd, "subtype", "AT_DetachPartition") || sg_node_is(cmd, "subtype", "AT_DetachPartitionFinalize"))
			return false;
	}
	return sg_node_is(body, "objtype", "OBJECT_TABLE");
}

static void of_alter(struct sg_audit_scope *scope, const struct sg_json *body)
{
	struct sg_audit_lock_notes *notes = notes_of(scope);
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));

	if (table.name == NULL || !scope->in_transaction || !can_be_combined(body) || !matters(scope, table))
		return;
	for (size_t i = 0; i < notes->altered_count; i++) {
		struct altered *altered = &notes->altered[i];

		if (!is_same_table(scope->model, altered->table, table))
			continue;
		if (!altered->said)
			sg_audit_find(scope, SG_RULE_TX_MULTIPLE_ALTER, &table, "%s is altered %s already", name(scope, table),
			              where(scope, altered->number));
		altered->said = true;
		return;
	}
	if (notes->altered_count >= HELD_MAX)
		return;
	notes->altered = sg_arena_grow(scope->arena, notes->altered, &notes->altered_capacity, notes->altered_count + 1,
	                               sizeof *notes->altered);
	notes->altered[notes->altered_count++] = (struct altered){
		{ sg_arena_strdup(scope->arena, table.schema), sg_arena_strdup(scope->arena, table.name) }, scope->number, false
	};
}

/* ---- dml.* ------------------------------------------------------------------------------------------ */

/* No WHERE, or one that is true of every row. */
static bool is_of_all_rows(const struct sg_json *where_clause)
{
	const struct sg_json *equal = sg_node_as(where_clause, "A_Expr");
	const struct sg_json *constant = sg_json_get(sg_node_as(where_clause, "A_Const"), "boolval");
	const struct sg_json *left = sg_json_get(sg_node_as(sg_json_get(equal, "lexpr"), "A_Const"), "ival"),
	                     *right = sg_json_get(sg_node_as(sg_json_get(equal, "rexpr"), "A_Const"), "ival");
	const char *operator= sg_node_string(sg_json_at(sg_json_get(equal, "name"), 0));

	if (where_clause == NULL || sg_json_true(sg_json_get(constant, "boolval")))
		return true;
	return left != NULL && right != NULL && operator!= NULL && strcmp(operator, "=") == 0 &&
	       sg_json_int(sg_json_get(left, "ival")) == sg_json_int(sg_json_get(right, "ival"));
}

/* SET a = 1, a = 2; or INSERT INTO t (a, a). Elements of an array, fields of a row may be named again. */
static void find_twice(struct sg_audit_scope *scope, const struct sg_json *targets, struct sg_relation table)
{
	for (size_t i = 0; i < sg_json_count(targets); i++) {
		const struct sg_json *one = sg_node_as(sg_json_at(targets, i), "ResTarget");
		const char *column = sg_json_text(sg_json_get(one, "name"));

		for (size_t j = 0; column != NULL && sg_json_get(one, "indirection") == NULL && j < i; j++) {
			const struct sg_json *other = sg_node_as(sg_json_at(targets, j), "ResTarget");

			if (!sg_node_is(other, "name", column) || sg_json_get(other, "indirection") != NULL)
				continue;
			sg_audit_find(scope, SG_RULE_DML_DUPLICATE_ASSIGNMENT, NULL, "column %s of %s", column, name(scope, table));
			break;
		}
	}
}

static void of_dml(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	struct sg_relation table = sg_tree_relation(sg_json_get(body, "relation"));
	const struct sg_json *ctes = sg_json_get(sg_json_get(body, "withClause"), "ctes");

	for (size_t i = 0; i < sg_json_count(ctes); i++) {
		const struct sg_json *query = sg_json_get(sg_node_as(sg_json_at(ctes, i), "CommonTableExpr"), "ctequery");

		if (sg_node_name(query) != NULL)
			of_dml(scope, sg_node_name(query), sg_node_body(query));
	}
	if (table.name == NULL)
		return;
	if (strcmp(node, "UpdateStmt") == 0) {
		find_twice(scope, sg_json_get(body, "targetList"), table);
	} else if (strcmp(node, "InsertStmt") == 0) {
		find_twice(scope, sg_json_get(body, "cols"), table);
		find_twice(scope, sg_json_get(sg_json_get(body, "onConflictClause"), "targetList"), table);
		return;
	} else if (strcmp(node, "DeleteStmt") != 0) {
		return;
	}
	if (is_of_all_rows(sg_json_get(body, "whereClause")) && sg_json_get(body, "fromClause") == NULL &&
	    sg_json_get(body, "usingClause") == NULL)
		sg_audit_find(scope, SG_RULE_DML_UPDATE_NO_WHERE, &table, "%s of %s", node[0] == 'U' ? "UPDATE" : "DELETE",
		              name(scope, table));
}

/* ---- each statement ------------------------------------------------------------------------------------ */

/* Locks that it takes only because of foreign keys. */
static bool is_foreign_key(const char *node, const struct sg_lock *lock)
{
	return lock->mode == SG_LOCK_SHARE_ROW_EXCLUSIVE && (strcmp(node, "AlterTableStmt") == 0 || strcmp(node, "CreateStmt") == 0);
}

/* CONCURRENTLY of indexes does not run in a transaction: index.concurrently_in_tx says it. */
static bool is_refused(const char *node, const struct sg_json *body)
{
	if (strcmp(node, "IndexStmt") == 0 || strcmp(node, "DropStmt") == 0)
		return sg_json_true(sg_json_get(body, "concurrent"));
	return strcmp(node, "ReindexStmt") == 0 && sg_node_option(sg_json_get(body, "params"), "concurrently") != NULL;
}

/* What is held bears another name from here on. */
static void follow_rename(struct sg_audit_scope *scope, struct sg_relation old, const char *schema, const char *table)
{
	struct sg_audit_lock_notes *notes = notes_of(scope);
	struct sg_relation now = { sg_arena_strdup(scope->arena, schema != NULL ? schema : old.schema),
		                   sg_arena_strdup(scope->arena, table != NULL ? table : old.name) };

	for (size_t i = 0; old.name != NULL && i < notes->held_count; i++)
		if (is_same_table(scope->model, notes->held[i].table, old))
			notes->held[i].table = now;
	for (size_t i = 0; old.name != NULL && i < notes->altered_count; i++)
		if (is_same_table(scope->model, notes->altered[i].table, old))
			notes->altered[i].table = now;
}

static void of_rename(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	struct sg_relation old = sg_tree_relation(sg_json_get(body, "relation"));

	if (strcmp(node, "RenameStmt") == 0 && sg_node_is(body, "renameType", "OBJECT_TABLE"))
		follow_rename(scope, old, NULL, sg_json_text(sg_json_get(body, "newname")));
	else if (strcmp(node, "AlterObjectSchemaStmt") == 0 && sg_node_is(body, "objectType", "OBJECT_TABLE"))
		follow_rename(scope, old, sg_json_text(sg_json_get(body, "newschema")), NULL);
}

static void of_locks(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	bool refused = is_refused(node, body);
	struct sg_locks locks = { NULL, 0, 0 };
	struct sg_audit_lock_notes *notes;

	sg_locks_of(scope->model, node, body, scope->arena, &locks);
	if (locks.count == 0)
		return;
	notes = notes_of(scope);
	for (size_t i = 0; i < locks.count; i++) {
		const struct sg_lock *lock = &locks.list[i];
		bool strong = lock->mode >= SG_LOCK_SHARE;

		if (!matters(scope, lock->relation))
			continue;
		find_timeouts(scope, notes, lock);
		if (!scope->in_transaction || refused)
			continue;
		find_wide(scope, notes, lock);
		if (strong) {
			find_several(scope, notes, lock, is_foreign_key(node, lock));
			hold(scope, notes, lock, is_foreign_key(node, lock));
		}
	}
}

void sg_rules_transaction(struct sg_audit_scope *scope, const char *node, const struct sg_json *body)
{
	if (strcmp(node, "TransactionStmt") == 0) {
		of_transaction(scope, body);
		return;
	}
	if (strcmp(node, "VariableSetStmt") == 0) {
		of_set(scope, body);
		return;
	}
	if (strcmp(node, "SelectStmt") == 0)
		of_select(scope, body);
	else if (strcmp(node, "AlterTableStmt") == 0)
		of_alter(scope, body);
	of_dml(scope, node, body);
	of_locks(scope, node, body);
	of_rename(scope, node, body);
}

void sg_rules_transaction_end(struct sg_audit_scope *scope)
{
	(void)scope; /* all is said where it is met */
}
