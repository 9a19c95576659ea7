/* findings.c - what the rules and the analysis of DML find is kept in the run's arena: where it stands, and whether a comment or
 * the manifest allows it. What an allow comment does not silence is said of the comment. */
#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "core/audit/scope.h"
#include "core/sql/mask.h"

#define EXCERPT 300 /* bytes */

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

struct sg_audit_found *sg_audit_new_found(struct sg_audit_scope *scope)
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
	if (scope->inside != NULL)
		detail = sg_arena_printf(result->arena, "%s%sin %s%s", detail != NULL ? detail : "", detail != NULL ? ", " : "",
		                         strcmp(scope->inside, "DO block") == 0 ? "a " : "", scope->inside);
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

void sg_audit_look_at_allows(struct sg_audit_scope *scope)
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
