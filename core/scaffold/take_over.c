/* take_over.c - goes through the files once, statement by statement, and decides what each becomes.
 *
 * A file is one migration, in as many parts as its order needs: what DDL does after rows were changed (SET NOT NULL, UNIQUE) must wait for
 * the backfill that the change has become, so it begins a new part that requires it. The policy that the runner applies is asked of
 * each statement here, with the same facts, so that what is taken over is what will be let through. */
#include "config.h"
#include "core/scaffold/take_over.h"

#include <string.h>
#include <strings.h>

#include "core/audit/script.h"
#include "core/manifest/checks.h"
#include "core/scaffold/take_parts.h"
#include "core/sql/mask.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

#define EXCERPT 100 /* bytes */

/* ---- what became of each ----------------------------------------------------------------------- */

static const char *excerpt(struct take *take, const char *text)
{
	const char *line = take_one_line(&take->scratch, sg_sql_mask_secrets(&take->scratch, text));
	size_t length = strlen(line);

	if (length <= EXCERPT)
		return sg_arena_strdup(take->arena, line);
	length = EXCERPT;
	while (length > 0 && ((unsigned char)line[length] & 0xC0) == 0x80)
		length--;
	return sg_arena_printf(take->arena, "%.*s…", (int)length, line);
}

static void begin_statement(struct take *take, int line, const char *text)
{
	struct sg_taken_over *taken = take->taken;

	taken->statements = sg_arena_grow(take->arena, taken->statements, &taken->capacity, taken->count + 1, sizeof *taken->statements);
	taken->statements[taken->count] = (struct sg_taken_statement){ .path = take->file->path,
		                                                       .line = line,
		                                                       .text = text,
		                                                       .taken = SG_TAKEN_NOT,
		                                                       .note = "nothing is known of it" };
	take->number = taken->count++;
}

void take_say(struct take *take, enum sg_taken how, const char *into, const char *note)
{
	struct sg_taken_statement *statement = &take->taken->statements[take->number];

	statement->taken = how;
	statement->into = sg_arena_strdup(take->arena, into);
	statement->note = sg_arena_strdup(take->arena, note);
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* Migrations and backfills are files of one folder. */
static bool is_free(const struct take *take, enum take_kind kind, const char *id)
{
	for (size_t i = 0; i < take->count; i++)
		if ((take->steps[i]->kind == TAKE_INDEX) == (kind == TAKE_INDEX) && strcmp(take->steps[i]->id, id) == 0)
			return false;
	return true;
}

const char *take_free_id(struct take *take, enum take_kind kind, const char *wanted)
{
	const char *id = wanted;

	for (size_t n = 2; !is_free(take, kind, id); n++)
		id = sg_arena_printf(take->arena, "%s_%zu", wanted, n);
	return id;
}

static void add_step(struct take *take, struct take_step *step)
{
	take->steps = sg_arena_grow(take->arena, take->steps, &take->capacity, take->count + 1, sizeof *take->steps);
	take->steps[take->count++] = step;
}

void take_require(struct take *take, struct take_step *step, struct take_step *other)
{
	for (size_t i = 0; i < step->require_count; i++)
		if (step->requires[i] == other)
			return;
	step->requires = sg_arena_grow(take->arena, step->requires, &step->require_capacity, step->require_count + 1, sizeof *step->requires);
	step->requires[step->require_count++] = other;
}

static struct sg_relation keep(struct take *take, struct sg_relation table)
{
	return (struct sg_relation){ sg_arena_strdup(take->arena, table.schema), sg_arena_strdup(take->arena, table.name) };
}

struct take_step *take_add_moved(struct take *take, enum take_kind kind, const char *id, struct sg_relation table)
{
	struct take_step *step = sg_arena_alloc(take->arena, sizeof *step);

	step->kind = kind;
	step->id = id;
	step->title = take->title;
	step->path = take->file->path;
	step->line = take->statement->line;
	step->after = take->last;
	step->table = keep(take, table);
	step->statement = take->number;
	for (size_t i = 0; i < take->touched_count; i++)
		if (take_same_table(take->touched[i].table, table) && (kind == TAKE_FILL || take->touched[i].by->kind == TAKE_FILL))
			take_require(take, step, take->touched[i].by);
	take->touched = sg_arena_grow(take->arena, take->touched, &take->touched_capacity, take->touched_count + 1, sizeof *take->touched);
	take->touched[take->touched_count++] = (struct take_touched){ step->table, step };
	add_step(take, step);
	return step;
}

/* The next part of this file. It is a step as soon as it has a statement. */
static void begin_part(struct take *take)
{
	const char *wanted = take->part_number == 1 ? take->id : sg_arena_printf(take->arena, "%s_%zu", take->id, take->part_number);
	struct take_step *part = sg_arena_alloc(take->arena, sizeof *part);

	part->kind = TAKE_MIGRATION;
	part->id = take_free_id(take, TAKE_MIGRATION, wanted);
	part->title = take->title;
	part->path = take->file->path;
	part->line = 1;
	take->part = part;
	sg_model_begin(take->model, part->id);
	part->fingerprint = sg_fingerprint_begin(take->model, part->id, take->arena);
	sg_fingerprint_follow(part->fingerprint, take->last != NULL ? take->last->fingerprint : NULL);
}

static void add_relations(struct take *take, struct sg_relations *to, const struct sg_relations *from)
{
	for (size_t i = 0; i < from->count; i++)
		sg_relations_add(take->arena, to, from->list[i]);
}

static void apply(struct take *take, const struct sg_json *tree, size_t number)
{
	sg_model_apply(take->model, tree, take->statement->text, number);
}

static void add_ddl(struct take *take, const struct sg_json *tree, const struct sg_verdict *verdict)
{
	struct take_step *part = take->part;

	if (part->ddl_count == 0) {
		part->line = take->statement->line;
		add_step(take, part);
		take->last = part;
		take->part_number++;
	}
	part->ddl = sg_arena_grow(take->arena, part->ddl, &part->ddl_capacity, part->ddl_count + 1, sizeof *part->ddl);
	part->ddl[part->ddl_count] = (struct take_ddl){ .sql = sg_arena_strdup(take->arena, take_using_index(take, tree)),
		                                        .line = take->statement->line,
		                                        .statement = take->number };
	apply(take, tree, part->ddl_count);
	sg_fingerprint_add(part->fingerprint, tree, part->ddl_count);
	part->ddl_count++;
	part->outside = verdict->outside;
	add_relations(take, &part->made, &verdict->made);
	add_relations(take, &part->body_writes, &verdict->body_writes);
	take_say(take, verdict->outside ? SG_TAKEN_OUTSIDE : SG_TAKEN_DDL, part->id, NULL);
}

/* ---- DDL ------------------------------------------------------------------------------------------ */

static int judge(struct take *take, bool outside, struct sg_verdict *verdict, struct sg_err *err)
{
	struct sg_policy_rules rules = { .phase = SG_PHASE_RUN,
		                         .state_schema = take->state_schema,
		                         .schema = "public",
		                         .no_transaction = outside,
		                         .made = &take->part->made,
		                         .body_writes = &take->part->body_writes };

	return sg_policy_judge(&rules, SG_CALL_DDL, take->statement->text, take->statement->length, &take->scratch, verdict, err);
}

struct names {
	struct sg_arena *arena;
	struct sg_relations list;
};

/* Every RangeVar of the tree: what a foreign key points to as well, whose rows must be there. */
static void collect(struct names *names, const struct sg_json *tree)
{
	const char *name = sg_json_text(sg_json_get(tree, "relname"));

	if (name != NULL)
		sg_relations_add(names->arena, &names->list, (struct sg_relation){ sg_json_text(sg_json_get(tree, "schemaname")), name });
	if (sg_json_is_array(tree))
		for (size_t i = 0; i < sg_json_count(tree); i++)
			collect(names, sg_json_at(tree, i));
	for (void *iter = sg_json_is_object(tree) ? sg_json_next(tree, NULL) : NULL; iter != NULL; iter = sg_json_next(tree, iter))
		collect(names, sg_json_value(iter));
}

/* Rows that change now or later are the same to these. */
static bool heeds_no_rows(const struct sg_json *tree)
{
	const struct sg_json *alter = sg_node_as(tree, "AlterTableStmt"), *cmds = sg_json_get(alter, "cmds");

	if (sg_node_as(tree, "ViewStmt") != NULL || sg_node_as(tree, "CreateFunctionStmt") != NULL || sg_node_as(tree, "GrantStmt") != NULL ||
	    sg_node_as(tree, "CommentStmt") != NULL)
		return true;
	for (size_t i = 0; i < sg_json_count(cmds); i++)
		if (!sg_node_is(sg_node_as(sg_json_at(cmds, i), "AlterTableCmd"), "subtype", "AT_AddColumn"))
			return false;
	return sg_json_count(cmds) > 0 && sg_node_is(alter, "objtype", "OBJECT_TABLE");
}

/* What the statement names: itself (what it changes or reads), or at all (what a foreign key points to, too). */
struct named {
	struct sg_relations itself, all;
};

static bool has(const struct sg_relations *list, struct sg_relation table)
{
	for (size_t i = 0; i < list->count; i++)
		if (take_same_table(list->list[i], table))
			return true;
	return false;
}

static bool has_name(const struct sg_relations *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (take_same(list->list[i].name, name))
			return true;
	return false;
}

/* Must it wait for that? */
static bool waits_for(struct take *take, const struct sg_json *tree, const struct named *named, const struct take_touched *touched)
{
	if (touched->by->kind == TAKE_INDEX && take_follows(take, tree, touched->by))
		return false;
	if (touched->by->kind == TAKE_INDEX && touched->by->unique == NULL)
		return has(&named->itself, touched->table) || has_name(&named->all, touched->by->id);
	return has(&named->all, touched->table) || (touched->by->kind == TAKE_INDEX && has_name(&named->all, touched->by->id));
}

static struct named names_of(struct take *take, const struct sg_json *tree, const struct sg_verdict *verdict)
{
	struct names all = { .arena = &take->scratch };
	struct named named = { { 0 }, { 0 } };

	if (heeds_no_rows(tree))
		return named;
	collect(&all, tree);
	add_relations(take, &all.list, &verdict->named);
	named.all = all.list;
	add_relations(take, &named.itself, &verdict->named);
	return named;
}

/* Values that an earlier statement of the part has added to an enum cannot be used in its transaction. */
static bool uses_added(struct take *take)
{
	for (size_t i = 0; i < take->part->added_count; i++)
		if (strstr(take->statement->text, take->part->added[i]) != NULL)
			return true;
	return false;
}

static void note_added(struct take *take, const struct sg_json *tree)
{
	const char *value = sg_json_text(sg_json_get(sg_node_as(tree, "AlterEnumStmt"), "newVal"));

	if (value == NULL)
		return;
	take->part->added = sg_arena_grow(take->arena, (void *)(uintptr_t)take->part->added, &take->part->added_capacity,
	                                  take->part->added_count + 1, sizeof *take->part->added);
	((const char **)(uintptr_t)take->part->added)[take->part->added_count++] = sg_arena_printf(take->arena, "'%s'", value);
}

static void refused(struct take *take, const struct sg_err *err)
{
	take_say(take, SG_TAKEN_NOT, NULL,
	         sg_arena_printf(&take->scratch, "%s%s%s", err->primary, err->hint != NULL ? ". " : "", err->hint != NULL ? err->hint : ""));
}

/* false: the policy does not let it through; said in err. */
static bool take_ddl(struct take *take, const struct sg_json *tree, struct sg_err *err)
{
	struct sg_err outside_err = SG_ERR_INIT;
	struct sg_verdict verdict;
	struct named named;
	bool outside = false, waits = false;

	if (judge(take, false, &verdict, err) != 0) {
		outside = judge(take, true, &verdict, &outside_err) == 0;
		sg_err_release(&outside_err);
		if (!outside)
			return false;
		sg_err_clear(err);
	}
	named = names_of(take, tree, &verdict);
	for (size_t i = 0; i < take->touched_count; i++)
		waits |= waits_for(take, tree, &named, &take->touched[i]);
	if (take->part->ddl_count > 0 && (waits || outside || take->part->outside || uses_added(take))) {
		begin_part(take);
		/* What the part before has made is there before this one. */
		if (judge(take, outside, &verdict, err) != 0)
			return false;
	}
	for (size_t i = 0, kept = 0; i <= take->touched_count; i++) {
		if (i == take->touched_count) {
			take->touched_count = kept;
			break;
		}
		/* All later migrations come after this one: they need not wait again. */
		if (waits_for(take, tree, &named, &take->touched[i]))
			take_require(take, take->part, take->touched[i].by);
		else
			take->touched[kept++] = take->touched[i];
	}
	add_ddl(take, tree, &verdict);
	take_follow(take, tree);
	take_guard(take, tree);
	note_added(take, tree);
	return true;
}

/* ---- what is no DDL ----------------------------------------------------------------------------------- */

static void take_transaction(struct take *take, const struct sg_json *body)
{
	if (sg_node_is(body, "kind", "TRANS_STMT_BEGIN") || sg_node_is(body, "kind", "TRANS_STMT_START") ||
	    sg_node_is(body, "kind", "TRANS_STMT_COMMIT") || sg_json_get(body, "kind") == NULL)
		take_say(take, SG_TAKEN_OFF, NULL, "the runner begins and commits");
	else
		take_say(take, SG_TAKEN_NOT, NULL, "savepoints, ROLLBACK and prepared transactions have no place in a step: what do they undo?");
}

static bool is_guard(const char *name)
{
	static const char *const guards[] = { "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "client_encoding",
		                              "standard_conforming_strings", "check_function_bodies", "xmloption", "client_min_messages",
		                              "row_security", "default_tablespace", "default_table_access_method", "default_with_oids",
		                              "timezone", "datestyle", "intervalstyle", "extra_float_digits", "synchronous_commit",
		                              "search_path", "transaction_timeout", "maintenance_work_mem", "work_mem",
		                              "escape_string_warning", "transaction_isolation", "application_name", "bytea_output" };

	for (size_t i = 0; name != NULL && i < SG_COUNT(guards); i++)
		if (strcasecmp(name, guards[i]) == 0)
			return true;
	return false;
}

/* Does it say something else than "public", nothing, or what is set anyway? */
static bool is_other_path(const struct sg_json *args, size_t first)
{
	for (size_t i = first; i < sg_json_count(args); i++) {
		const struct sg_json *constant = sg_node_as(sg_json_at(args, i), "A_Const");
		const char *text = sg_json_text(sg_json_get(sg_json_get(constant, "sval"), "sval"));

		if (text == NULL)
			text = sg_node_string(sg_json_get(constant, "val"));
		if (text != NULL && text[0] != '\0' && strcmp(text, "public") != 0 && strcmp(text, "$user") != 0 &&
		    strcmp(text, "pg_catalog") != 0 && strcmp(text, "\"$user\", public") != 0 && strcmp(text, "public, pg_catalog") != 0)
			return true;
	}
	return false;
}

static void take_set(struct take *take, const char *name, const struct sg_json *args, size_t first)
{
	if (name != NULL && strcasecmp(name, "search_path") == 0 && is_other_path(args, first))
		take_say(take, SG_TAKEN_NOT, NULL,
		         "the search_path is the manifest's (schema =): write the schema before each name that follows");
	else if (name == NULL || is_guard(name))
		take_say(take, SG_TAKEN_OFF, NULL, "the runner sets what a step needs");
	else
		take_say(take, SG_TAKEN_NOT, NULL, "a setting of the session does not last behind a pooler; set it for the role or the database");
}

static void take_select(struct take *take, const struct sg_json *body)
{
	const struct sg_json *targets = sg_json_get(body, "targetList");
	const struct sg_json *call = sg_node_as(sg_json_get(sg_node_as(sg_json_at(targets, 0), "ResTarget"), "val"), "FuncCall");
	const struct sg_json *args = sg_json_get(call, "args");
	const struct sg_json *first = sg_node_as(sg_json_at(args, 0), "A_Const");
	struct sg_relation name;

	if (sg_json_count(targets) != 1 || sg_json_get(body, "fromClause") != NULL || !sg_tree_names(sg_json_get(call, "funcname"), &name))
		take_say(take, SG_TAKEN_NOT, NULL, "a query: what it calls or shows is for a person to decide");
	else if (strcmp(name.name, "set_config") == 0)
		take_set(take, sg_json_text(sg_json_get(sg_json_get(first, "sval"), "sval")) != NULL
		                       ? sg_json_text(sg_json_get(sg_json_get(first, "sval"), "sval"))
		                       : sg_node_string(sg_json_get(first, "val")),
		         args, 1);
	else if (strcmp(name.name, "setval") == 0)
		take_say(take, SG_TAKEN_NOT, NULL,
		         "setval moves a sequence past rows that a backfill may write later: do it by hand when they are there");
	else
		take_say(take, SG_TAKEN_NOT, NULL, sg_arena_printf(&take->scratch, "a call of %s: no DDL", name.name));
}

/* ---- one statement ---------------------------------------------------------------------------------------- */

static void take_tree(struct take *take, const struct sg_json *tree)
{
	const char *node = sg_node_name(tree);
	const struct sg_json *body = sg_node_body(tree);
	struct sg_err err = SG_ERR_INIT;

	if (strcmp(node, "TransactionStmt") == 0) {
		take_transaction(take, body);
	} else if (strcmp(node, "VariableSetStmt") == 0) {
		take_set(take, sg_json_text(sg_json_get(body, "name")), sg_json_get(body, "args"), 0);
	} else if (strcmp(node, "VariableShowStmt") == 0) {
		take_say(take, SG_TAKEN_OFF, NULL, "it changes nothing");
	} else if (strcmp(node, "SelectStmt") == 0) {
		take_select(take, body);
	} else if (strcmp(node, "UpdateStmt") == 0 || strcmp(node, "DeleteStmt") == 0) {
		take_change(take, node, tree);
	} else if (strcmp(node, "InsertStmt") == 0) {
		take_seed(take, tree);
	} else if (strcmp(node, "CopyStmt") == 0) {
		take_say(take, SG_TAKEN_NOT, NULL,
		         sg_arena_printf(&take->scratch, "COPY (%zu lines of data): load them by hand, or write a backfill that inserts them",
		                         take->statement->copy_rows));
	} else if (strcmp(node, "VacuumStmt") == 0 && !sg_json_true(sg_json_get(body, "is_vacuumcmd"))) {
		take_say(take, SG_TAKEN_OFF, NULL, "ANALYZE is autovacuum's");
	} else if (strcmp(node, "VacuumStmt") == 0) {
		take_say(take, SG_TAKEN_NOT, NULL, "VACUUM leaves nothing that could be asked for: run it by hand, or leave it to autovacuum");
	} else if (!take_is_settled(take, tree) && !take_ddl(take, tree, &err)) {
		if (strcmp(node, "IndexStmt") == 0)
			take_index(take, tree);
		else
			refused(take, &err);
	}
	sg_err_release(&err);
}

static void take_statement(struct take *take, const struct sg_audit_statement *statement)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_json *tree = NULL;
	const struct sg_json *list, *one;

	take->statement = statement;
	begin_statement(take, statement->line, excerpt(take, statement->text));
	if (sg_parse(statement->text, statement->length, &tree, &err) != SG_PARSE_OK) {
		take_say(take, SG_TAKEN_NOT, NULL, sg_arena_printf(&take->scratch, "it cannot be read: %s", err.primary));
		sg_err_at(&err, take->file->path, statement->line);
		sg_err_move(sg_errs_add(&take->taken->errs), &err);
	} else {
		list = sg_json_get(tree, "stmts");
		one = sg_json_get(sg_json_at(list, 0), "stmt");
		if (sg_json_count(list) == 0)
			take_say(take, SG_TAKEN_OFF, NULL, "it holds no statement");
		else if (sg_json_count(list) > 1 || sg_node_name(one) == NULL)
			take_say(take, SG_TAKEN_NOT, NULL, "several statements in one block of the tool's marks: give each a block of its own");
		else
			take_tree(take, one);
		sg_json_free(tree);
	}
	sg_err_release(&err);
	sg_arena_reset(&take->scratch);
}

/* What the reader passed over, in its place among the statements. */
static void take_passed(struct take *take, const struct sg_audit_passed *passed)
{
	begin_statement(take, passed->line, excerpt(take, passed->text));
	if (passed->harmless)
		take_say(take, SG_TAKEN_OFF, NULL, "a command of psql that changes nothing");
	else
		take_say(take, SG_TAKEN_NOT, NULL, passed->why);
	sg_arena_reset(&take->scratch);
}

static void take_file(struct take *take, const struct sg_audit_file *file)
{
	struct sg_audit_migration migration;
	struct sg_arena arena = SG_ARENA_INIT;
	size_t passed = 0;
	const char *name;

	take->taken->files++;
	if (sg_audit_script_read(file, &arena, &migration, &take->taken->errs) != 0) {
		sg_arena_release(&arena);
		return;
	}
	migration.path = sg_arena_strdup(take->arena, migration.path);
	name = migration.title == NULL || strstr(take_id_of(&arena, migration.id, 200), take_id_of(&arena, migration.title, 200)) != NULL
	               ? migration.id
	               : sg_arena_printf(&arena, "%s_%s", migration.id, migration.title);
	take->file = &migration;
	take->title = sg_arena_strdup(take->arena, take->options->title != NULL ? take->options->title
	                                           : migration.comment != NULL  ? migration.comment
	                                           : migration.title != NULL    ? migration.title
	                                                                        : migration.id);
	take->id = take->options->id != NULL ? take->options->id : take_id_of(take->arena, name, 120);
	take->part_number = 1;
	begin_part(take);
	for (size_t i = 0; i <= migration.count; i++) {
		while (passed < migration.passed_count && (i == migration.count || migration.passed[passed].line <= migration.statements[i].line))
			take_passed(take, &migration.passed[passed++]);
		if (i < migration.count)
			take_statement(take, &migration.statements[i]);
	}
	if (migration.count + migration.passed_count == 0)
		take->taken->empty++;
	take->file = NULL; /* it goes with this call */
	sg_arena_release(&arena);
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void count(struct take *take)
{
	struct sg_taken_over *taken = take->taken;

	for (size_t i = 0; i < taken->count; i++)
		taken->per[taken->statements[i].taken]++;
	for (size_t i = 0; i < take->count; i++) {
		taken->migrations += take->steps[i]->kind == TAKE_MIGRATION;
		taken->indexes += take->steps[i]->kind == TAKE_INDEX && take->steps[i]->gone == NULL;
		taken->backfills += take->steps[i]->kind == TAKE_FILL;
	}
}

int sg_take_over(const struct sg_take_over_options *options, const char *const *paths, size_t path_count, struct sg_arena *arena,
                 struct sg_scaffold *scaffold, struct sg_taken_over *taken_r, struct sg_err *err)
{
	struct sg_audit_files files = { 0 };
	struct take take = { .options = options,
		             .arena = arena,
		             .scratch = SG_ARENA_INIT,
		             .scaffold = scaffold,
		             .taken = taken_r,
		             .state_schema = options->where.state_schema != NULL ? options->where.state_schema : "sgrun" };

	*taken_r = (struct sg_taken_over){ 0 };
	if (options->id != NULL && sg_check_step_id(options->id) != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "'%.200s' cannot be the name of a migration", options->id);
		return sg_err_hint(err, "%s", sg_check_step_id(options->id));
	}
	for (size_t i = 0; i < path_count; i++)
		if (sg_audit_files_find(paths[i], arena, &files, &taken_r->errs) != 0) {
			sg_err_move(err, &taken_r->errs.list[taken_r->errs.count - 1]);
			taken_r->errs.count--;
			return -1;
		}
	if (files.count == 0 || (options->id != NULL && files.count > 1)) {
		sg_err_set(err, SG_CLASS_USAGE, files.count == 0 ? "no SQL migration is there" : "%zu migrations are there, and one ID was given",
		           files.count);
		return sg_err_hint(err, "sgrun new migration ID --from-sql takes one FILE.sql, sgrun new --from-sql a FOLDER of migrations.");
	}
	take.model = sg_model_new();
	for (size_t i = 0; i < files.count; i++)
		take_file(&take, &files.list[i]);
	take_settle(&take);
	take_write(&take);
	count(&take);
	sg_model_free(take.model);
	sg_arena_release(&take.scratch);
	return 0;
}
