/* policy.c - the judgement of policy.h: by call and phase, then by the list of
 * statements, then over the whole tree.
 *
 * Pure: text in, verdict out. It never guesses in favour of a statement: what
 * the list does not know, what is more than one statement or none, and what the
 * parser cannot read is refused. */
#include "config.h"

#include "core/sql/policy.h"

#include <string.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/lex.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

const char *sg_policy_grammar(void)
{
	return sg_parse_grammar();
}

int sg_judge_refuse(const struct sg_judge *judge, size_t offset, const char *hint, const char *format, ...)
{
	struct sg_arena arena;
	va_list args;

	sg_arena_init(&arena);
	va_start(args, format);
	sg_err_set(judge->err, SG_CLASS_POLICY, "%s", sg_arena_vprintf(&arena, format, args));
	va_end(args);
	sg_arena_release(&arena);
	sg_err_hint(judge->err, "%s", hint != NULL ? hint : "Leave it out: it has no place in a step; what needs it is done by the application.");
	return sg_parse_place(judge->err, judge->sql, judge->length, offset);
}

size_t sg_judge_find(const struct sg_judge *judge, size_t from, const char *word)
{
	char first[32];
	size_t size = strcspn(word, " ");

	/* "CREATE TABLE": its first word will do */
	if (size >= sizeof(first))
		return from;
	memcpy(first, word, size);
	first[size] = '\0';
	return sg_lex_find(judge->sql, judge->length, from, first);
}

size_t sg_judge_at(const struct sg_json *body, size_t near)
{
	int64_t location = sg_json_int(sg_json_get(body, "location"));

	return location > 0 ? (size_t)location : near;
}

const char *sg_judge_kind(struct sg_judge *judge, const char *prefix, const char *object_type)
{
	static const struct {
		const char *type, *text;
	} odd[] = { { "OBJECT_MATVIEW", "MATERIALIZED VIEW" }, { "OBJECT_TABCONSTRAINT", "TABLE" },
		    { "OBJECT_DOMCONSTRAINT", "DOMAIN" },      { "OBJECT_COLUMN", "TABLE" },
		    { "OBJECT_ATTRIBUTE", "TYPE" },            { "OBJECT_STATISTIC_EXT", "STATISTICS" },
		    { "OBJECT_FDW", "FOREIGN DATA WRAPPER" },  { "OBJECT_FOREIGN_SERVER", "SERVER" },
		    { "OBJECT_OPCLASS", "OPERATOR CLASS" },    { "OBJECT_OPFAMILY", "OPERATOR FAMILY" },
		    { "OBJECT_LARGEOBJECT", "LARGE OBJECT" },  { "OBJECT_TSDICTIONARY", "TEXT SEARCH DICTIONARY" },
		    { "OBJECT_TSPARSER", "TEXT SEARCH PARSER" }, { "OBJECT_TSTEMPLATE", "TEXT SEARCH TEMPLATE" },
		    { "OBJECT_TSCONFIGURATION", "TEXT SEARCH CONFIGURATION" } };
	char *text;
	size_t start;

	if (object_type == NULL || strncmp(object_type, "OBJECT_", 7) != 0)
		return sg_arena_strdup(judge->arena, prefix);
	for (size_t i = 0; i < SG_COUNT(odd); i++)
		if (strcmp(odd[i].type, object_type) == 0)
			return sg_arena_printf(judge->arena, "%s %s", prefix, odd[i].text);
	text = sg_arena_printf(judge->arena, "%s %s", prefix, object_type + 7);
	for (start = strlen(prefix); text[start] != '\0'; start++)
		if (text[start] == '_')
			text[start] = ' ';
	return text;
}

/* The first token at or after the offset: a statement's location includes the blanks before it. */
static size_t first_token(const struct sg_judge *judge, size_t offset)
{
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, judge->sql, judge->length);
	lex.at = offset < judge->length ? offset : judge->length;
	return sg_lex_next(&lex, &token) ? token.start : offset;
}

static int judge_query(struct sg_judge *judge, const char *node, const struct sg_json *tree, const struct sg_json *body)
{
	const struct sg_statement *statement = sg_statement_find(node);
	bool batch = judge->rules->phase == SG_PHASE_BATCH;
	struct sg_json *analyze = sg_node_option(sg_json_get(body, "options"), "analyze");

	if (statement != NULL)
		judge->verdict->kind = statement->kind;
	if (strcmp(node, "ExplainStmt") == 0) {
		if (sg_node_option_on(analyze))
			return sg_judge_refuse(judge, sg_judge_at(analyze, 0), "EXPLAIN without ANALYZE is a read.",
			                       "EXPLAIN ANALYZE runs the statement");
		node = sg_node_name(sg_json_get(body, "query"));
		/* A table that is made, a prepared statement: nothing to explain before a change. */
		if (node == NULL || strcmp(node, "SelectStmt") != 0)
			node = "ExplainStmt";
	}
	if (strcmp(node, "VariableShowStmt") == 0)
		return 0;
	/* What writes in it is the better thing to name. */
	if (sg_judge_walk(judge, tree, SG_WALK_READ | (batch ? SG_WALK_LOCKS : 0u)) != 0)
		return -1;
	if (strcmp(node, "SelectStmt") == 0)
		return 0;
	return sg_judge_refuse(judge, first_token(judge, 0), batch ? "Rows are changed by sg_dml." : SG_HINT_DDL,
	                       "%s is not a read; sg_query takes SELECT, VALUES, TABLE, SHOW and EXPLAIN without ANALYZE",
	                       statement != NULL ? statement->kind : node);
}

static int judge_dml(struct sg_judge *judge, const char *node, const struct sg_json *tree)
{
	const struct sg_statement *statement = sg_statement_find(node);

	if (statement != NULL)
		judge->verdict->kind = statement->kind;
	if (strcmp(node, "InsertStmt") != 0 && strcmp(node, "UpdateStmt") != 0 && strcmp(node, "DeleteStmt") != 0 &&
	    strcmp(node, "MergeStmt") != 0)
		return sg_judge_refuse(judge, first_token(judge, 0),
		                       strcmp(node, "SelectStmt") == 0 ? SG_HINT_READ : "Definitions are changed by a migration.",
		                       "%s is not one of INSERT, UPDATE, DELETE and MERGE, which is what sg_dml takes",
		                       statement != NULL ? statement->kind : node);
	/* Triggers of the table may run anything: the probe knows where to look. */
	judge->verdict->opaque = true;
	return sg_judge_walk(judge, tree, SG_WALK_DML | SG_WALK_LOCKS);
}

int sg_judge_ddl(struct sg_judge *judge, const char *node, const struct sg_json *tree, const struct sg_json *body)
{
	const struct sg_statement *statement = sg_statement_find(node);
	struct sg_verdict *verdict = judge->verdict;
	size_t start = first_token(judge, 0);

	if (statement == NULL)
		return sg_judge_refuse(judge, start, NULL, "%s is not known to be allowed", node);
	verdict->kind = statement->kind;
	/* What writes in it is the better thing to name. */
	if (statement->rule != NULL && sg_judge_walk(judge, tree, statement->walk) != 0)
		return -1;
	if (statement->rule != NULL)
		return sg_judge_refuse(judge, start, statement->hint, "%s %s", statement->kind, statement->rule);
	verdict->opaque |= statement->opaque;
	if (statement->check != NULL && statement->check(judge, body) != 0)
		return -1;
	if (sg_judge_walk(judge, tree, statement->walk) != 0)
		return -1;
	if (judge->in_do && verdict->outside)
		return sg_judge_refuse(judge, start, SG_HINT_OUTSIDE, "%s cannot run in a DO block", verdict->kind);
	if (verdict->outside && !judge->rules->no_transaction)
		return sg_judge_refuse(judge, start, SG_HINT_OUTSIDE,
		                       "%s cannot run in a transaction here, and a migration is one transaction", verdict->kind);
	/* ALTER TYPE … ADD VALUE may be either: a value cannot be used in the transaction that adds it. */
	if (judge->rules->no_transaction && !verdict->outside && strcmp(node, "AlterEnumStmt") != 0)
		return sg_judge_refuse(judge, start, "Put it into a migration of its own, without SG_NO_TRANSACTION.",
		                       "%s can run in a transaction, and an SG_NO_TRANSACTION migration is for the one statement "
		                       "that cannot",
		                       verdict->kind);
	return 0;
}

static int judge_tree(struct sg_judge *judge, const struct sg_json *tree)
{
	const struct sg_json *list = sg_json_get(tree, "stmts");
	const struct sg_json *wrapped = sg_json_get(sg_json_at(list, 0), "stmt");
	const char *node = sg_node_name(wrapped);

	if (sg_json_count(list) == 0)
		return sg_judge_refuse(judge, 0, "Leave the call out.", "the text holds no statement");
	if (sg_json_count(list) > 1) {
		int64_t location = sg_json_int(sg_json_get(sg_json_at(list, 1), "stmt_location"));

		return sg_judge_refuse(judge, first_token(judge, (size_t)location), "Give each statement a call of its own.",
		                       "the text holds %zu statements, and a call sends one", sg_json_count(list));
	}
	if (node == NULL)
		return sg_judge_refuse(judge, 0, NULL, "the text holds no statement that is known");
	switch (judge->call) {
	case SG_CALL_QUERY:
		return judge_query(judge, node, wrapped, sg_node_body(wrapped));
	case SG_CALL_DML:
		return judge_dml(judge, node, wrapped);
	case SG_CALL_DDL:
		/* In a DO block reads are part of the procedure. */
		if (judge->in_do && (strcmp(node, "SelectStmt") == 0))
			return sg_judge_walk(judge, wrapped, SG_WALK_READ);
		return sg_judge_ddl(judge, node, wrapped, sg_node_body(wrapped));
	}
	SG_BUG("unknown call");
}

int sg_judge_text(struct sg_judge *judge)
{
	struct sg_err syntax = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	int result = -1;

	switch (sg_parse(judge->sql, judge->length, &tree, &syntax)) {
	case SG_PARSE_OK:
		result = judge_tree(judge, tree);
		sg_json_free(tree);
		break;
	case SG_PARSE_SYNTAX:
		if (judge->rules->unparsed_allow && !judge->in_do) {
			result = sg_judge_unparsed(judge);
			break;
		}
		judge->unread = true;
		sg_err_move(judge->err, &syntax);
		break;
	case SG_PARSE_REFUSED:
		sg_err_move(judge->err, &syntax);
		break;
	}
	sg_err_release(&syntax);
	return result;
}

/* Where a routine's body has left write locks, those of unseen code would not show. */
static int check_order(const struct sg_judge *judge)
{
	const struct sg_relations *bodies = judge->rules->body_writes;

	if (judge->rules->phase != SG_PHASE_RUN || bodies == NULL || bodies->count == 0 || !judge->verdict->opaque)
		return 0;
	return sg_judge_refuse(judge, first_token(judge, 0),
	                       "Send it before the CREATE FUNCTION, or give the routine a migration of its own.",
	                       "%s may run code that the server could not be asked about after a routine was made whose SQL body "
	                       "writes to \"%s\"",
	                       judge->verdict->kind, bodies->list[0].name);
}

/* Which call is legal in which phase. */
static int check_call(const struct sg_judge *judge)
{
	static const char *const calls[] = { [SG_CALL_QUERY] = "sg_query", [SG_CALL_DDL] = "sg_ddl", [SG_CALL_DML] = "sg_dml" };
	static const char *const phases[] = { [SG_PHASE_FINGERPRINT] = "fingerprint", [SG_PHASE_RUN] = "run",
		                              [SG_PHASE_BATCH] = "backfill_batch" };
	enum sg_phase phase = judge->rules->phase;

	if (judge->call == SG_CALL_QUERY || (judge->call == SG_CALL_DDL && phase == SG_PHASE_RUN) ||
	    (judge->call == SG_CALL_DML && phase == SG_PHASE_BATCH))
		return 0;
	return sg_judge_refuse(judge, 0,
	                       phase == SG_PHASE_FINGERPRINT ? "A fingerprint only looks: it uses the checks and sg_query."
	                       : phase == SG_PHASE_RUN       ? SG_HINT_BACKFILL
	                                                     : "Definitions are changed by a migration; a batch changes rows.",
	                       "%s may not be called from %s", calls[judge->call], phases[phase]);
}

int sg_policy_judge(const struct sg_policy_rules *rules, enum sg_call call, const char *sql, size_t length,
                    struct sg_arena *arena, struct sg_verdict *verdict_r, struct sg_err *err)
{
	struct sg_judge judge = { .rules = rules, .call = call, .sql = sg_arena_strndup(arena, sql, length),
		                  .length = length, .arena = arena, .verdict = verdict_r, .err = err };

	memset(verdict_r, 0, sizeof(*verdict_r));
	verdict_r->kind = "statement";
	/* Before the text is shown in any message: it must be text. */
	if (memchr(sql, '\0', length) == NULL && check_call(&judge) != 0)
		return -1;
	return sg_judge_text(&judge) != 0 ? -1 : check_order(&judge);
}
