/* compare.c - the wanted index on a copy of its table, and what the server says of both.
 *
 * The copy is a temporary table of the same name: so an expression that names its table, or takes the whole
 * row, is printed alike. Where this role may make none, a table in the state's schema does, which is
 * rolled back as well; where that cannot be either, nothing is compared, and that is said. Not every error
 * on the copy is the definition's: its row type is another one, so functions of the row are not found. */
#include "config.h"
#include "core/index/compare.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/state/words.h"

#define LOCK_MS 1000
#define READ_BACKS 3
#define COPY "sgrun copy"     /* where the table's own name is taken; a definition that takes its row does not find it there */
#define WANTED "sgrun wanted" /* the index on the copy; n-th reading back: "sgrun wanted n" */

/* What is compared of an index. */
struct shape {
	bool unique, exclusion;
	const char *body;    /* USING … (…) INCLUDE (…) NULLS NOT DISTINCT */
	const char *options; /* storage parameters, sorted; or "" */
	const char *where;   /* or "" */
	const char *def;     /* as pg_get_indexdef gives it */
	const char *tail;    /* of it, behind the table's name */
};

struct comparing {
	struct sg_session *session;
	const struct sg_index_definition *definition;
	uint32_t table;
	bool partitioned;
	struct sg_arena *arena;
	struct sg_index_comparison *out;
	/* the copy */
	bool role, temporary, odd;
	const char *schema, *relation; /* "pg_temp", and qualified; both quoted */
	int made;                      /* indexes on it */
};

/* ---- shapes ---------------------------------------------------------------- */

/* The head is printed as ruleutils.c does it (pg_get_indexdef_worker, generate_qualified_relation_name,
 * flatten_reloptions), so that it can be taken off by its length and never by what it looks like. concat: || could be
 * anybody's under the application's search_path. */
static const char shape_sql[] =
	"SELECT i.indisunique, i.indisexclusion, pg_catalog.pg_get_indexdef(i.indexrelid),"
	" pg_catalog.concat('CREATE ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, 'INDEX ', pg_catalog.quote_ident(k.relname),"
	" ' ON ', CASE WHEN k.relkind" SG_EQ "'I' THEN 'ONLY ' END, CASE WHEN n.oid" SG_EQ "pg_catalog.pg_my_temp_schema()"
	" THEN 'pg_temp' ELSE pg_catalog.quote_ident(n.nspname) END, '.', pg_catalog.quote_ident(t.relname), ' '),"
	" pg_catalog.pg_get_expr(i.indpred, i.indrelid),"
	" pg_catalog.string_agg(o.text, ', ' ORDER BY o.no), pg_catalog.string_agg(o.text, ', ' ORDER BY o.text)"
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class k ON k.oid" SG_EQ "i.indexrelid"
	" JOIN pg_catalog.pg_class t ON t.oid" SG_EQ "i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid" SG_EQ "t.relnamespace"
	" LEFT JOIN LATERAL (SELECT p.no, pg_catalog.concat(pg_catalog.quote_ident(p.name), '=',"
	" CASE WHEN pg_catalog.quote_ident(p.value)" SG_EQ "p.value THEN p.value ELSE pg_catalog.quote_literal(p.value) END) AS text"
	" FROM ROWS FROM (pg_catalog.pg_options_to_table(k.reloptions)) WITH ORDINALITY p (name, value, no)) o ON true"
	" WHERE i.indexrelid" SG_EQ "%s GROUP BY i.indexrelid, i.indrelid, k.oid, t.oid, n.oid,"
	" i.indisunique, i.indisexclusion, i.indpred, k.relname, k.relkind, n.nspname, t.relname";

/* Takes the end off, if it is that. */
static bool cut_end(char *text, const char *end)
{
	size_t length = strlen(text), cut = strlen(end);

	if (length < cut || strcmp(text + length - cut, end) != 0)
		return false;
	text[length - cut] = '\0';
	return true;
}

/* pg_get_indexdef reads the catalogue as it is now, the rest of the query as it was when it began (a REINDEX CONCURRENTLY
 * may have changed names with it meanwhile): false where they do not fit. */
static bool take_apart(struct shape *shape, const char *head, const char *where, const char *options, const char *sorted,
                       struct sg_arena *arena)
{
	char *body;

	if (!sg_text_prefix(shape->def, head))
		return false;
	shape->tail = shape->def + strlen(head);
	shape->body = body = sg_arena_strdup(arena, shape->tail);
	shape->where = where != NULL ? where : "";
	shape->options = options != NULL ? sorted : "";
	return (where == NULL || cut_end(body, sg_arena_printf(arena, " WHERE %s", where))) &&
	       (options == NULL || cut_end(body, sg_arena_printf(arena, " WITH (%s)", options)));
}

/* oid: an expression. 1: read, 0: there is no such index, or it is changed in this moment. */
static int read_shape(struct comparing *c, const char *oid, struct shape *shape_r, struct sg_err *err)
{
	struct sg_result *result;

	memset(shape_r, 0, sizeof *shape_r);
	if (sg_db_query(c->session->db, sg_arena_printf(c->arena, shape_sql, oid), 0, NULL, c->arena, &result, err) != 0)
		return -1;
	if (sg_result_rows(result) != 1 || sg_result_value(result, 0, 2) == NULL)
		return 0;
	shape_r->unique = sg_result_true(result, 0, 0);
	shape_r->exclusion = sg_result_true(result, 0, 1);
	shape_r->def = sg_result_value(result, 0, 2);
	return take_apart(shape_r, sg_result_value(result, 0, 3), sg_result_value(result, 0, 4), sg_result_value(result, 0, 5),
	                  sg_result_value(result, 0, 6), c->arena);
}

static bool same(const struct shape *a, const struct shape *b)
{
	return a->unique == b->unique && !a->exclusion && !b->exclusion && strcmp(a->body, b->body) == 0 &&
	       strcmp(a->options, b->options) == 0 && strcmp(a->where, b->where) == 0;
}

/* ---- the copy ---------------------------------------------------------------- */

static void add_copy_table(struct comparing *c, const char *partition_by)
{
	const struct sg_index_definition *definition = c->definition;
	const char *name = c->odd ? COPY : definition->table;

	c->schema = c->temporary ? "pg_temp" : sg_db_identifier(c->arena, c->session->run->manifest->state_schema);
	c->relation = sg_arena_printf(c->arena, "%s.%s", c->schema, sg_db_identifier(c->arena, name));
	sg_session_role(c->session, c->role, c->arena);
	sg_buf_addf(&c->session->pending, "CREATE %sTABLE %s (LIKE %s)%s%s", c->temporary ? "TEMPORARY " : "", c->relation,
	            sg_index_relation_sql(definition, c->arena), partition_by != NULL ? " PARTITION BY " : "",
	            partition_by != NULL ? partition_by : "");
}

static int partition_key(struct comparing *c, const char **key_r, struct sg_err *err)
{
	struct sg_result *result;

	*key_r = NULL;
	if (!c->partitioned)
		return 0;
	if (sg_db_query(c->session->db,
	                sg_arena_printf(c->arena, "SELECT pg_catalog.pg_get_partkeydef(%" PRIu32 ")", c->table), 0, NULL, c->arena,
	                &result, err) != 0)
		return -1;
	*key_r = sg_result_value(result, 0, 0);
	return 0;
}

static bool is_state(const struct sg_err *err, const char *sqlstate)
{
	return strcmp(err->sqlstate, sqlstate) == 0;
}

static int not_comparable(struct comparing *c, const char *what, struct sg_err *err)
{
	c->out->why = sg_arena_printf(c->arena, "%s: %s", what, err->primary);
	sg_err_clear(err);
	return 0;
}

/* 1: the copy is there, in a transaction that is open; 0: not (out says why); -1. */
static int make_copy(struct comparing *c, struct sg_err *err)
{
	const struct sg_step *step = c->definition->step;

	c->role = c->session->run->manifest->role != NULL;
	c->temporary = true;
	for (;;) {
		struct sg_begun begun;
		const char *key;

		if (sg_session_begin(c->session, step, NULL, NULL, LOCK_MS, c->arena, &begun, err) == 0 &&
		    partition_key(c, &key, err) == 0) {
			add_copy_table(c, key);
			if (sg_session_flush(c->session, err) == 0)
				return 1;
		}
		sg_session_rollback(c->session);
		if (err->class != SG_CLASS_SQL && !is_state(err, "25006"))
			return -1;
		if ((is_state(err, "42P07") || is_state(err, "42710")) && !c->odd) {
			c->odd = true;
		} else if (is_state(err, "42501") && c->role) {
			c->role = c->odd = false;
		} else if (is_state(err, "42501") && c->temporary) {
			c->temporary = c->odd = false;
		} else if (is_state(err, "42P01")) {
			c->out->gone = true;
			sg_err_clear(err);
			return 0;
		} else {
			return not_comparable(c, "no copy of its table can be made", err);
		}
		sg_err_clear(err);
	}
}

static bool of_a_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* Only what names the table can take its row; a name that is printed with its quotes doubled is not looked for. */
static bool may_take_the_row(const struct sg_index_definition *definition)
{
	size_t length = strlen(definition->table);

	if (strchr(definition->table, '"') != NULL)
		return true;
	for (const char *at = definition->rest; (at = strcasestr(at, definition->table)) != NULL; at++)
		if ((at == definition->rest || !of_a_name(at[-1])) && !of_a_name(at[length]))
			return true;
	return false;
}

/* The definition's own fault, on the true table too? Functions and casts of the table's row are not there for the copy's. */
static bool refused_for_certain(const struct comparing *c, const struct sg_err *err)
{
	static const char *const not_so[] = { "42501", "42P01", "42P07", "42710" };
	static const char *const of_the_row[] = { "42883", "42846", "42725" };

	if (err->class != SG_CLASS_SQL || (!sg_text_prefix(err->sqlstate, "42") && !sg_text_prefix(err->sqlstate, "0A") &&
	                                   !sg_text_prefix(err->sqlstate, "22") && !sg_text_prefix(err->sqlstate, "54")))
		return false;
	for (size_t i = 0; i < SG_COUNT(not_so); i++)
		if (is_state(err, not_so[i]))
			return false;
	for (size_t i = 0; i < SG_COUNT(of_the_row); i++)
		if (is_state(err, of_the_row[i]) && may_take_the_row(c->definition))
			return false;
	return true;
}

/* Tells it of the index itself, not of the copy. */
static int refuse(const struct comparing *c, struct sg_err *err)
{
	const struct sg_index_definition *definition = c->definition;
	struct sg_err said = SG_ERR_INIT;

	sg_err_move(&said, err);
	sg_err_set(err, SG_CLASS_SQL, "%s", said.primary);
	sg_err_sqlstate(err, said.sqlstate);
	if (said.detail != NULL)
		sg_err_detail(err, "%s", said.detail);
	if (said.hint != NULL)
		sg_err_hint(err, "%s", said.hint);
	else if (c->partitioned && definition->unique && is_state(&said, "0A000"))
		sg_err_hint(err, "Name the columns of the table's partition key among those of the index.");
	sg_err_release(&said);
	sg_err_statement(err,
	                 sg_index_statement(definition, SG_INDEX_CONCURRENTLY, definition->name,
	                                    sg_index_relation_sql(definition, c->arena), c->arena),
	                 0);
	sg_err_step(err, definition->step->id);
	return sg_err_at(err, c->session->run->manifest->path, definition->step->line);
}

static const char *nth_name(struct comparing *c)
{
	return c->made++ == 0 ? WANTED : sg_arena_printf(c->arena, WANTED " %d", c->made);
}

static const char *nth_oid(const struct comparing *c, const char *name)
{
	const char *qualified = sg_arena_printf(c->arena, "%s.%s", c->schema, sg_db_identifier(c->arena, name));

	return sg_arena_printf(c->arena, "pg_catalog.to_regclass(%s)::pg_catalog.oid", sg_db_literal(c->arena, qualified));
}

static int make_wanted(struct comparing *c, struct shape *wanted_r, struct sg_err *err)
{
	const char *name = nth_name(c);
	int found;

	if (sg_db_query(c->session->db, sg_index_statement(c->definition, SG_INDEX_PLAIN, name, c->relation, c->arena), 0, NULL,
	                c->arena, NULL, err) != 0) {
		if (refused_for_certain(c, err))
			return refuse(c, err);
		return err->class == SG_CLASS_SQL ? not_comparable(c, "it cannot be made on a copy of its table", err) : -1;
	}
	found = read_shape(c, nth_oid(c, name), wanted_r, err);
	if (found == 0)
		return sg_err_set(err, SG_CLASS_BUG, "the index that was made on a copy of %s is not there", c->definition->relation);
	return found;
}

/* What the server makes of its own words. */
static int read_back(struct comparing *c, struct shape *shape, struct sg_err *err)
{
	const char *name = nth_name(c);
	const char *sql = sg_arena_printf(c->arena, "CREATE %sINDEX %s ON %s %s%s%s", shape->unique ? "UNIQUE " : "",
	                                  sg_db_identifier(c->arena, name), c->relation, shape->body,
	                                  shape->where[0] ? " WHERE " : "", shape->where);
	const char *options = shape->options;

	if (sg_db_query(c->session->db, sql, 0, NULL, c->arena, NULL, err) != 0)
		return -1;
	if (read_shape(c, nth_oid(c, name), shape, err) <= 0)
		return -1;
	shape->options = options;
	return 0;
}

/* Equal as they stand, or once both have been read back: words differ, what they mean does not. */
static int equal_in_the_end(struct comparing *c, struct shape is, struct shape wanted, struct sg_err *err)
{
	c->out->equal = same(&is, &wanted);
	if (is.exclusion || is.unique != wanted.unique || strcmp(is.options, wanted.options) != 0)
		return 0;
	for (int i = 0; i < READ_BACKS && !c->out->equal; i++) {
		if (read_back(c, &is, err) != 0 || read_back(c, &wanted, err) != 0) {
			if (err->class != SG_CLASS_SQL && err->class != SG_CLASS_NONE)
				return -1;
			sg_err_clear(err); /* made on a copy, it is not to be had: then it is not what is wanted */
			return 0;
		}
		c->out->equal = same(&is, &wanted);
	}
	return 0;
}

/* ---- against what is there ---------------------------------------------------------------- */

static int compare_index(struct comparing *c, uint32_t index, const struct shape *wanted, struct sg_err *err)
{
	struct shape is;
	int found = read_shape(c, sg_arena_printf(c->arena, "%" PRIu32, index), &is, err);

	if (found < 0)
		return -1;
	c->out->gone = found == 0;
	if (found == 0)
		return 0;
	c->out->is = is.exclusion ? sg_arena_printf(c->arena, "the index of an exclusion constraint: %s", is.def) : is.def;
	return equal_in_the_end(c, is, *wanted, err);
}

/* ADD CONSTRAINT … USING INDEX takes a unique index over, under the constraint's name (commands/tablecmds.c,
 * ATExecAddIndexConstraint). */
static const char twins_sql[] =
	"SELECT i.indexrelid, o.conname, k.relpages::pg_catalog.int8 OPERATOR(pg_catalog.*)"
	" pg_catalog.current_setting('block_size')::pg_catalog.int8"
	" FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_index i ON i.indexrelid" SG_EQ "o.conindid"
	" JOIN pg_catalog.pg_class k ON k.oid" SG_EQ "i.indexrelid"
	" WHERE o.conrelid" SG_EQ "%" PRIu32 " AND o.contype IN ('p', 'u') AND i.indrelid" SG_EQ "o.conrelid"
	" AND i.indisvalid AND i.indisready AND i.indislive ORDER BY o.conname";

static int find_twin(struct comparing *c, const struct shape *wanted, struct sg_err *err)
{
	struct sg_result *result;

	if (!wanted->unique)
		return 0;
	if (sg_db_query(c->session->db, sg_arena_printf(c->arena, twins_sql, c->table), 0, NULL, c->arena, &result, err) != 0)
		return -1;
	for (int row = 0; row < sg_result_rows(result) && c->out->twin == 0; row++) {
		uint32_t oid = (uint32_t)sg_result_int(result, row, 0);
		struct shape is;
		int found = read_shape(c, sg_arena_printf(c->arena, "%" PRIu32, oid), &is, err);

		if (found < 0)
			return -1;
		if (found == 0 || !same(&is, wanted))
			continue;
		c->out->twin = oid;
		c->out->constraint = sg_result_value(result, row, 1);
		c->out->twin_bytes = sg_result_int(result, row, 2);
	}
	return 0;
}

int sg_index_compare(struct sg_session *session, const struct sg_index_definition *definition, uint32_t table,
                     bool partitioned, uint32_t index, struct sg_arena *arena,
                     struct sg_index_comparison *comparison_r, struct sg_err *err)
{
	struct comparing c = { .session = session, .definition = definition, .table = table, .partitioned = partitioned,
	                       .arena = arena, .out = comparison_r };
	struct shape wanted;
	int status;

	memset(comparison_r, 0, sizeof *comparison_r);
	status = make_copy(&c, err);
	if (status == 1)
		status = make_wanted(&c, &wanted, err);
	if (status == 1) {
		comparison_r->wanted = wanted.tail;
		status = index != 0 ? compare_index(&c, index, &wanted, err) : find_twin(&c, &wanted, err);
	}
	sg_session_rollback(session);
	return status;
}
