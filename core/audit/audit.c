/* audit.c - goes through the migrations once, statement by statement: parse, look, apply to the model, free the tree. What is
 * found is kept in the run's arena; all else goes with its migration. */
#include "config.h"
#include "core/audit/audit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit/baseline.h"
#include "core/audit/scope.h"
#include "core/audit/shorten.h"
#include "core/base/buf.h"
#include "core/sql/mask.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

#define EXCERPT 300 /* bytes */

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

/* ---- what is found ------------------------------------------------------------- */

const char *sg_audit_name(struct sg_arena *arena, struct sg_relation relation)
{
	return relation.schema != NULL ? sg_arena_printf(arena, "%s.%s", relation.schema, relation.name)
	                               : sg_arena_strdup(arena, relation.name);
}

/* Secrets masked, blanks and comments between words as one blank, cut at a character's start. */
static const char *excerpt(struct sg_arena *arena, const char *text)
{
	struct sg_arena whole = SG_ARENA_INIT; /* the text may have megabytes */
	const char *masked = sg_sql_mask_secrets(&whole, text);
	char *out = sg_arena_alloc(arena, EXCERPT + sizeof "…");
	size_t length = 0;

	for (const char *p = masked; *p != '\0'; p++) {
		bool blank = strchr(" \t\r\n\f\v", *p) != NULL;

		if (length == EXCERPT) {
			while (length > 0 && ((unsigned char)out[length - 1] & 0xC0) == 0x80)
				length--;
			if (length > 0 && ((unsigned char)out[length - 1] & 0x80) != 0)
				length--;
			memcpy(out + length, "…", sizeof "…");
			sg_arena_release(&whole);
			return out;
		}
		if (!blank)
			out[length++] = *p;
		else if (length > 0 && out[length - 1] != ' ')
			out[length++] = ' ';
	}
	while (length > 0 && out[length - 1] == ' ')
		length--;
	out[length] = '\0';
	sg_arena_release(&whole);
	return out;
}

/* The findings of a migration as chains, one for each statement: a file may have very many. */
struct of_statement {
	const char *excerpt;
	size_t last;      /* place + 1, in the result's list, of its last finding */
};

struct sg_audit_found {
	struct of_statement *statements;
	size_t first;     /* place of the migration's first finding */
	size_t *previous; /* of each of them: place + 1 of the one before it of the same statement */
	size_t count, capacity;
};

static struct sg_audit_found *new_found(struct sg_audit_scope *scope)
{
	struct sg_audit_found *found = sg_arena_alloc(scope->arena, sizeof *found);

	found->statements = sg_arena_array(scope->arena, scope->migration->count, sizeof *found->statements);
	found->first = scope->result->finding_count;
	return found;
}

/* The finding that was added last to the result is of that statement. */
static void link_last(struct sg_audit_scope *scope, size_t number)
{
	struct sg_audit_found *found = scope->found;
	struct of_statement *of = &found->statements[number];

	found->previous = sg_arena_grow(scope->arena, found->previous, &found->capacity, found->count + 1, sizeof *found->previous);
	found->previous[found->count++] = of->last;
	of->last = found->first + found->count;
}

static struct sg_audit_place place_of(struct sg_audit_scope *scope, size_t number)
{
	const struct sg_audit_statement *statement = &scope->migration->statements[number];
	struct of_statement *of = &scope->found->statements[number];

	if (of->excerpt == NULL)
		of->excerpt = excerpt(scope->result->arena, statement->text);
	return (struct sg_audit_place){ .migration = scope->result->migration_count - 1,
		                        .statement = number,
		                        .line = statement->line,
		                        .column = statement->column,
		                        .text = of->excerpt };
}

/* The reason why `what` is allowed there; NULL: it is not. also: a second name ("dml"), or NULL. */
static const char *allowed(const struct sg_audit_scope *scope, size_t number, const char *what, const char *also)
{
	const struct sg_audit_statement *statement = &scope->migration->statements[number];
	const struct sg_list *lists[] = { scope->migration->allow, scope->options->allow };

	/* What is said of an allow, none of its kind takes back. */
	for (size_t i = 0; i < statement->allow_count && !sg_rule_matches("allow.*", what); i++) {
		const struct sg_audit_allow *allow = &statement->allows[i];

		if (allow->reason[0] != '\0' &&
		    (sg_rule_matches(allow->rule, what) || (also != NULL && strcmp(allow->rule, also) == 0)))
			return sg_arena_strdup(scope->result->arena, allow->reason);
	}
	for (size_t l = 0; l < SG_COUNT(lists); l++)
		for (size_t i = 0; lists[l] != NULL && i < lists[l]->count; i++)
			if (sg_rule_matches(lists[l]->items[i], what) || (also != NULL && strcmp(lists[l]->items[i], also) == 0))
				return "allow = of the manifest";
	return NULL;
}

static void find_at(struct sg_audit_scope *scope, size_t number, enum sg_rule_id id, const struct sg_relation *on,
                    const char *format, va_list args)
{
	struct sg_audit_result *result = scope->result;
	const struct sg_rule *rule = sg_rule(id);
	int version = scope->options->server_version;
	const struct sg_audit_found *found = scope->found;
	struct sg_audit_finding *finding;
	const char *detail;

	if (rule->severity == SG_SEVERITY_NONE || (rule->from != 0 && version < rule->from) ||
	    (rule->until != 0 && version >= rule->until))
		return;
	if (on != NULL) {
		const struct sg_model_table *table = sg_model_table(scope->model, *on);

		if (sg_model_is_new(scope->model, *on) || (table != NULL && table->temporary))
			return;
	}
	detail = format != NULL ? sg_arena_vprintf(result->arena, format, args) : NULL;
	for (size_t i = found->statements[number].last; i > 0; i = found->previous[i - 1 - found->first]) {
		const struct sg_audit_finding *other = &result->findings[i - 1];

		if (other->rule == id &&
		    (detail == other->detail || (detail != NULL && other->detail != NULL && strcmp(detail, other->detail) == 0)))
			return;
	}
	result->findings = sg_arena_grow(result->arena, result->findings, &result->finding_capacity, result->finding_count + 1,
	                                 sizeof *result->findings);
	finding = &result->findings[result->finding_count++];
	*finding = (struct sg_audit_finding){ .place = place_of(scope, number),
		                              .rule = id,
		                              .table = on != NULL ? sg_audit_name(result->arena, *on) : NULL,
		                              .detail = detail,
		                              .allowed = allowed(scope, number, rule->id, NULL) };
	finding->standing = finding->allowed != NULL ? SG_STANDING_ALLOWED : SG_STANDING_OPEN;
	link_last(scope, number);
}

void sg_audit_find(struct sg_audit_scope *scope, enum sg_rule_id rule, const struct sg_relation *on, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find_at(scope, scope->number, rule, on, format, args);
	va_end(args);
}

void sg_audit_find_at(struct sg_audit_scope *scope, size_t number, enum sg_rule_id rule, const struct sg_relation *on,
                      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find_at(scope, number, rule, on, format, args);
	va_end(args);
}

void sg_audit_add_dml(struct sg_audit_scope *scope, size_t number, const struct sg_audit_dml *dml)
{
	struct sg_audit_result *result = scope->result;
	struct sg_audit_dml *added;

	result->dml = sg_arena_grow(result->arena, result->dml, &result->dml_capacity, result->dml_count + 1, sizeof *result->dml);
	added = &result->dml[result->dml_count++];
	*added = *dml;
	added->place = place_of(scope, number);
	added->allowed = allowed(scope, number, sg_dml_kind_name(dml->kind), "dml");
	added->standing = added->allowed != NULL ? SG_STANDING_ALLOWED : SG_STANDING_OPEN;
}

/* ---- allow, that silences nothing -------------------------------------------------- */

/* For each statement, where in `met` its allows begin; met: which of them have silenced something. */
struct allow_marks {
	size_t *first;
	bool *met;
};

static void mark(const struct sg_audit_scope *scope, struct allow_marks *marks, size_t number, const char *what, const char *also)
{
	const struct sg_audit_statement *statement = &scope->migration->statements[number];

	for (size_t i = 0; i < statement->allow_count; i++)
		if (sg_rule_matches(statement->allows[i].rule, what) || (also != NULL && strcmp(statement->allows[i].rule, also) == 0))
			marks->met[marks->first[number] + i] = true;
}

/* Of this migration: all that was found of it stands at the ends of the lists. */
static struct allow_marks mark_met(struct sg_audit_scope *scope, size_t allows)
{
	const struct sg_audit_result *result = scope->result;
	size_t this = result->migration_count - 1, at = 0;
	struct allow_marks marks = { sg_arena_array(scope->arena, scope->migration->count, sizeof *marks.first),
		                     sg_arena_array(scope->arena, allows, sizeof *marks.met) };

	for (size_t i = 0; i < scope->migration->count; i++) {
		marks.first[i] = at;
		at += scope->migration->statements[i].allow_count;
	}
	for (size_t i = result->finding_count; i-- > 0 && result->findings[i].place.migration == this;)
		mark(scope, &marks, result->findings[i].place.statement, sg_rule(result->findings[i].rule)->id, NULL);
	for (size_t i = result->dml_count; i-- > 0 && result->dml[i].place.migration == this;)
		mark(scope, &marks, result->dml[i].place.statement, sg_dml_kind_name(result->dml[i].kind), "dml");
	return marks;
}

static bool is_rule(const char *pattern)
{
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (sg_rule_matches(pattern, sg_rule((enum sg_rule_id)i)->id))
			return true;
	for (int i = 0; i <= SG_DML_OTHER; i++)
		if (strcmp(pattern, sg_dml_kind_name((enum sg_dml_kind)i)) == 0)
			return true;
	return strcmp(pattern, "dml") == 0;
}

static void look_at_allow(struct sg_audit_scope *scope, size_t number, const struct sg_audit_allow *allow, bool met)
{
	if (allow->reason[0] == '\0')
		sg_audit_find_at(scope, number, SG_RULE_ALLOW_WITHOUT_REASON, NULL, "allow %s in line %d", allow->rule, allow->line);
	else if (!is_rule(allow->rule))
		sg_audit_find_at(scope, number, SG_RULE_ALLOW_UNKNOWN, NULL, "allow %s in line %d: there is no such rule",
		                 allow->rule, allow->line);
	else if (!met)
		sg_audit_find_at(scope, number, SG_RULE_ALLOW_UNKNOWN, NULL, "allow %s in line %d: nothing of it is found here",
		                 allow->rule, allow->line);
}

static void look_at_allows(struct sg_audit_scope *scope)
{
	struct allow_marks marks;
	size_t allows = 0;

	for (size_t s = 0; s < scope->migration->count; s++)
		allows += scope->migration->statements[s].allow_count;
	if (allows == 0)
		return;
	marks = mark_met(scope, allows);
	for (size_t s = 0; s < scope->migration->count; s++)
		for (size_t i = 0; i < scope->migration->statements[s].allow_count; i++)
			look_at_allow(scope, s, &scope->migration->statements[s].allows[i], marks.met[marks.first[s] + i]);
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

static void look_at_tree(struct sg_audit_scope *scope, const struct sg_json *tree)
{
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);

	if (node == NULL)
		return;
	sg_rules_columns(scope, node, body);
	sg_rules_constraints(scope, node, body);
	sg_rules_types(scope, node, body);
	sg_rules_indexes(scope, node, body);
	sg_rules_tables(scope, node, body);
	sg_rules_transaction(scope, node, body);
	sg_dml_look(scope, tree);
	sg_model_apply(scope->model, tree, scope->statement->text, scope->number);
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
	scope.found = new_found(&scope);
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
		look_at_allows(&scope);
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

/* ---- what counts ------------------------------------------------------------------- */

size_t sg_audit_count_dml(const struct sg_audit_result *result, enum sg_dml_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < result->dml_count; i++)
		count += result->dml[i].standing == SG_STANDING_OPEN && result->dml[i].verdict == verdict;
	return count;
}

size_t sg_audit_count_findings(const struct sg_audit_result *result, enum sg_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < result->finding_count; i++)
		count += result->findings[i].standing == SG_STANDING_OPEN && sg_rule(result->findings[i].rule)->severity == severity;
	return count;
}

static int severity_of_limit(const char *word)
{
	static const char *const words[] = { NULL, "hint", "warning", "error" };

	for (int i = SG_SEVERITY_HINT; i <= SG_SEVERITY_ERROR; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return SG_SEVERITY_NONE;
}

bool sg_audit_is_limit(const char *word)
{
	if (strcmp(word, "unsafe") == 0 || strcmp(word, "potentially-unsafe") == 0 || strcmp(word, "unread") == 0 ||
	    severity_of_limit(word) != SG_SEVERITY_NONE)
		return true;
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (strcmp(word, "*") != 0 && sg_rule_matches(word, sg_rule((enum sg_rule_id)i)->id))
			return true;
	return false;
}

bool sg_audit_exceeds(const struct sg_audit_result *result, const char *word)
{
	int severity = severity_of_limit(word);

	if (strcmp(word, "unread") == 0)
		return result->errs.count > 0;
	if (strcmp(word, "unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE) > 0;
	if (strcmp(word, "potentially-unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE) + sg_audit_count_dml(result, SG_DML_POTENTIALLY_UNSAFE) > 0;
	for (size_t i = 0; i < result->finding_count; i++) {
		const struct sg_rule *rule = sg_rule(result->findings[i].rule);

		if (result->findings[i].standing != SG_STANDING_OPEN)
			continue;
		if (severity != SG_SEVERITY_NONE ? (int)rule->severity >= severity : sg_rule_matches(word, rule->id))
			return true;
	}
	return false;
}
