/* audit.c - goes through the migrations once, statement by statement: parse, look, apply to the model, free the tree. What is
 * found is kept in the run's arena; all else goes with its migration. */
#include "config.h"
#include "core/audit/audit.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/baseline.h"
#include "core/audit/scope.h"
#include "core/audit/shorten.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

struct sg_audit {
	const struct sg_audit_options *options;
	struct sg_audit_result *result;
	struct sg_model *model;
};

static void release_errs(void *errs)
{
	sg_errs_release(errs);
}

struct sg_audit *sg_audit_begin(const struct sg_audit_options *options, struct sg_arena *arena)
{
	struct sg_audit *audit = sg_xmalloc(sizeof *audit);

	audit->options = options;
	audit->result = sg_arena_alloc(arena, sizeof *audit->result);
	audit->result->arena = arena;
	audit->model = sg_model_new();
	sg_arena_defer(arena, release_errs, &audit->result->errs);
	return audit;
}

/* ---- one migration --------------------------------------------------------------- */

static struct sg_audit_seen *new_seen(struct sg_audit_result *result, const struct sg_audit_migration *migration)
{
	struct sg_arena *arena = result->arena;
	const char *description = migration->title != NULL ? migration->title : migration->comment;
	struct sg_audit_seen *seen;

	result->migrations = sg_arena_grow(arena, result->migrations, &result->migration_capacity, result->migration_count + 1,
	                                   sizeof *result->migrations);
	seen = &result->migrations[result->migration_count++];
	*seen = (struct sg_audit_seen){ .id = sg_arena_strdup(arena, migration->id),
		                        .title = sg_arena_strdup(arena, migration->title),
		                        .path = sg_arena_strdup(arena, migration->path),
		                        .line = migration->line,
		                        .layout = migration->layout,
		                        .description = description != NULL ? sg_arena_strdup(arena, description) : "",
		                        .statements = migration->count,
		                        .meta_commands = migration->meta_commands,
		                        .placeholders = migration->placeholders };
	return seen;
}

static void look_with_rules(struct sg_audit_scope *scope, const char *node, const struct sg_json *body, bool hidden)
{
	scope->step++;
	sg_rules_columns(scope, node, body);
	sg_rules_constraints(scope, node, body);
	sg_rules_types(scope, node, body);
	sg_rules_indexes(scope, node, body);
	sg_rules_tables(scope, node, body);
	if (!hidden)
		sg_rules_transaction(scope, node, body);
}

static void look_at_tree(struct sg_audit_scope *scope, const struct sg_json *tree)
{
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);

	if (node == NULL)
		return;
	look_with_rules(scope, node, body, false);
	sg_dml_look(scope, tree);
	sg_model_apply(scope->model, tree, scope->statement->text, scope->number);
}

/* Whatever runs a body makes one transaction of it. */
void sg_audit_look_inside(struct sg_audit_scope *scope, const struct sg_json *tree, const char *text, const char *inside, bool hidden)
{
	const struct sg_audit_statement *statement = scope->statement;
	const struct sg_audit_statement alone = { .text = text, .length = strlen(text), .outside = statement->outside };
	const char *node = sg_node_name(tree), *around = scope->inside;
	bool in_transaction = scope->in_transaction;

	if (node == NULL || strcmp(node, "TransactionStmt") == 0)
		return;
	scope->statement = &alone;
	scope->inside = inside;
	scope->in_transaction = true;
	look_with_rules(scope, node, sg_node_body(tree), hidden);
	scope->in_transaction = in_transaction;
	scope->inside = around;
	scope->statement = statement;
}

/* Whether it is run, an IF may decide; that it may be is what counts. */
void sg_audit_apply_inside(struct sg_audit_scope *scope, const struct sg_json *tree, const char *text)
{
	sg_model_apply(scope->model, tree, text, scope->number);
}

/* BEGIN and COMMIT of the file itself. */
static void follow_transaction(struct sg_audit_scope *scope, bool *begun, const struct sg_json *tree)
{
	const struct sg_json *body = sg_node_as(tree, "TransactionStmt");

	if (body == NULL)
		return;
	if (sg_node_is(body, "kind", "TRANS_STMT_BEGIN") || sg_node_is(body, "kind", "TRANS_STMT_START")) {
		*begun = true;
		scope->transaction++;
	} else if (sg_node_is(body, "kind", "TRANS_STMT_COMMIT") || sg_node_is(body, "kind", "TRANS_STMT_ROLLBACK") ||
	           sg_node_is(body, "kind", "TRANS_STMT_PREPARE")) {
		*begun = false;
		scope->transaction++;
	}
}

static void not_read(struct sg_audit_scope *scope, struct sg_audit_seen *seen, struct sg_err *err)
{
	const struct sg_audit_statement *statement = scope->statement;
	int line = statement->line;

	/* The caret's own line: a statement of a file may have hundreds. */
	for (size_t i = 0, chars = 0; line > 0 && i < statement->length && err->position > 0; i++) {
		if (((unsigned char)statement->text[i] & 0xC0) != 0x80 && ++chars >= (size_t)err->position)
			break;
		line += statement->text[i] == '\n';
	}
	sg_err_at(err, seen->path, line > 0 ? line : seen->line);
	/* the parser's hint is for a plugin's step */
	if (scope->migration->layout != SG_LAYOUT_MANIFEST)
		sg_err_hint(err, "The statement was left out; if the server takes it, look at it yourself.");
	sg_err_move(sg_errs_add(&scope->result->errs), err);
	seen->unread++;
}

/* A statement that is too long because of its rows is read without most of them. */
static enum sg_parse_result parse(struct sg_audit_scope *scope, struct sg_json **tree_r, struct sg_err *err)
{
	const struct sg_audit_statement *statement = scope->statement;
	struct sg_err of_shorter = SG_ERR_INIT;
	enum sg_parse_result result = SG_PARSE_REFUSED;
	const char *shorter = NULL;

	scope->left_out = 0;
	if (statement->length > SG_PARSE_LIMIT)
		shorter = sg_audit_shorten(scope->arena, statement->text, statement->length, &scope->left_out);
	if (shorter != NULL)
		result = sg_parse(shorter, strlen(shorter), tree_r, &of_shorter);
	sg_err_release(&of_shorter);
	if (result == SG_PARSE_OK)
		return result;
	scope->left_out = 0;
	return sg_parse(statement->text, statement->length, tree_r, err);
}

static void look_at(struct sg_audit_scope *scope, struct sg_audit_seen *seen, bool *begun)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const struct sg_json *list;

	if (parse(scope, &tree, &err) != SG_PARSE_OK) {
		not_read(scope, seen, &err);
		return;
	}
	list = sg_json_get(tree, "stmts");
	for (size_t i = 0; i < sg_json_count(list); i++) {
		const struct sg_json *one = sg_json_get(sg_json_at(list, i), "stmt");
		bool outside = scope->statement->outside;

		if (sg_node_as(one, "TransactionStmt") != NULL)
			follow_transaction(scope, begun, one);
		scope->in_transaction = *begun || (scope->migration->transaction && !outside);
		if (!scope->in_transaction)
			scope->transaction++;
		look_at_tree(scope, one);
	}
	sg_json_free(tree);
}

void sg_audit_unread(struct sg_audit *audit, struct sg_errs *errs)
{
	for (size_t i = 0; i < errs->count; i++)
		sg_err_move(sg_errs_add(&audit->result->errs), &errs->list[i]);
	sg_errs_release(errs);
}

void sg_audit_migration(struct sg_audit *audit, const struct sg_audit_migration *migration, struct sg_errs *errs)
{
	struct sg_audit_result *result = audit->result;
	struct sg_audit_seen *seen = new_seen(result, migration);
	size_t index = result->migration_count - 1;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_audit_scope scope = { .result = result,
		                        .options = audit->options,
		                        .model = audit->model,
		                        .arena = &arena,
		                        .migration = migration };
	bool begun = false;

	if (errs != NULL)
		sg_audit_unread(audit, errs);
	scope.found = sg_audit_new_found(&scope);
	sg_model_begin(audit->model, migration->id);
	for (size_t i = 0; i < migration->count; i++) {
		scope.number = i;
		scope.statement = &migration->statements[i];
		look_at(&scope, seen, &begun);
	}
	if (migration->count > 0) {
		sg_rules_constraints_end(&scope);
		sg_rules_indexes_end(&scope);
		sg_rules_tables_end(&scope);
		sg_rules_transaction_end(&scope);
		sg_dml_end(&scope);
		sg_audit_look_at_allows(&scope);
	}
	seen = &result->migrations[index];
	result->statements += seen->statements;
	result->unread += seen->unread;
	result->meta_commands += seen->meta_commands;
	result->placeholders += seen->placeholders;
	sg_arena_release(&arena);
}

/* ---- the end ---------------------------------------------------------------------- */

static void compare_with_baseline(struct sg_audit_result *result, struct sg_baseline *baseline)
{
	for (size_t i = 0; i < result->dml_count; i++) {
		struct sg_audit_dml *dml = &result->dml[i];
		char rule[64] = "dml:";

		strncat(rule, sg_dml_kind_name(dml->kind), sizeof rule - 5);
		if (dml->standing == SG_STANDING_OPEN &&
		    sg_baseline_known(baseline, result->migrations[dml->place.migration].id, rule, dml->place.text))
			dml->standing = SG_STANDING_KNOWN;
	}
	for (size_t i = 0; i < result->finding_count; i++) {
		struct sg_audit_finding *finding = &result->findings[i];

		if (finding->standing == SG_STANDING_OPEN &&
		    sg_baseline_known(baseline, result->migrations[finding->place.migration].id, sg_rule(finding->rule)->id,
		                      finding->place.text))
			finding->standing = SG_STANDING_KNOWN;
	}
}

struct sg_audit_result *sg_audit_end(struct sg_audit *audit)
{
	struct sg_audit_result *result = audit->result;

	if (audit->options->baseline != NULL)
		compare_with_baseline(result, audit->options->baseline);
	sg_audit_prioritize(result, audit->options);
	sg_model_free(audit->model);
	free(audit);
	return result;
}
