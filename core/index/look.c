/* look.c - what the catalogue has of an index, or of many.
 *
 * One short transaction that reads pg_class and pg_index, and, where there is something to compare, a
 * second one for compare.c. Most indexes need no second one: they have neither expression nor
 * predicate, and pg_get_indexdef says of them, word for word, what their section says; and words
 * that are all names of columns, operator classes and collations mean the same under any
 * search_path that shows pg_catalog first. Sizes are what the catalogue has (relpages): asking for a file's
 * length waits for locks on the relation. All is asked anew when something goes away meanwhile. */
#include "config.h"
#include "core/index/look.h"

#include <string.h>

#include "core/base/text.h"
#include "core/index/compare.h"
#include "core/index/leftover.h"

#define MOST_LOOKS 3
#define MOST_AT_ONCE 200

#define BEGIN_LOOK \
	"BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp;" \
	"SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '60s';" \
	"SET LOCAL idle_in_transaction_session_timeout = '20s';"

const char *sg_index_found_name(enum sg_index_found found)
{
	static const char *const names[] = { "no table", "missing", "valid", "drifted", "invalid" };

	SG_ASSERT((size_t)found < SG_COUNT(names));
	return names[found];
}

/* A row for each invalid index of the table that may be a left-over of this one; at least one row for each that is asked for.
 * The head of a definition is as ruleutils.c prints it (pg_get_indexdef_worker). */
static const char look_begin[] =
	BEGIN_LOOK
	" SELECT v.n, t.oid, t.relkind, k.oid, k.relkind, i.indrelid = t.oid, i.indisvalid AND i.indisready AND i.indislive,"
	" (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.oid = i.indrelid), pg_is_in_recovery(), k.relpages::int8 * current_setting('block_size')::int8,"
	" CASE WHEN t.reltuples >= 0 THEN t.reltuples::int8 END,"
	" CASE WHEN t.reltuples >= 0 THEN t.relpages::int8 * current_setting('block_size')::int8 END,"
	" format('INDEX %I ON %I.%I ', v.k, v.s, v.t),"
	" CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL AND i.indisunique = v.u AND NOT i.indisexclusion"
	" THEN pg_get_indexdef(i.indexrelid) = concat('CREATE ', CASE WHEN v.u THEN 'UNIQUE ' END,"
	" format('INDEX %I ON %s%I.%I ', k.relname, CASE WHEN k.relkind = 'I' THEN 'ONLY ' END, s.nspname, t.relname), v.rest)"
	" ELSE false END, l.relname"
	" FROM (VALUES ";
static const char look_end[] =
	") v (n, s, t, k, u, rest) LEFT JOIN pg_namespace s ON s.nspname = v.s"
	" LEFT JOIN pg_class t ON t.relnamespace = s.oid AND t.relname = v.t"
	" LEFT JOIN pg_class k ON k.relnamespace = s.oid AND k.relname = v.k"
	" LEFT JOIN pg_index i ON i.indexrelid = k.oid"
	" LEFT JOIN LATERAL (SELECT c.relname FROM pg_index b JOIN pg_class c ON c.oid = b.indexrelid WHERE b.indrelid = t.oid"
	" AND NOT (b.indisvalid AND b.indisready AND b.indislive) AND c.relname ~ '_cc(new|old)[0-9]*$') l ON true"
	" ORDER BY v.n, l.relname; COMMIT";

enum {
	NUMBER, TABLE, TABLE_KIND, INDEX, INDEX_KIND, OF_TABLE, VALID, OTHER_TABLE, RECOVERY, BYTES, TABLE_ROWS, TABLE_BYTES, HEAD,
	EQUAL, LEFTOVER
};

/* A table that is partitioned is as large as its parts, and so is its index. */
#define TREE(root) \
	"(WITH RECURSIVE d (oid) AS (SELECT " root "::oid UNION ALL SELECT h.inhrelid FROM d JOIN pg_class p ON p.oid = d.oid" \
	" AND p.relkind IN ('p', 'I') JOIN pg_inherits h ON h.inhparent = d.oid)" \
	" SELECT sum(c.relpages)::int8 * current_setting('block_size')::int8 AS bytes," \
	" sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind <> 'p')::int8 AS rows, bool_and(c.reltuples >= 0 OR c.relkind IN ('p', 'I')) AS known" \
	" FROM d JOIN pg_class c ON c.oid = d.oid)"

static const char tree_sql[] =
	BEGIN_LOOK
	" SELECT k.bytes, CASE WHEN t.known THEN t.rows END, CASE WHEN t.known THEN t.bytes END"
	" FROM " TREE("%1$u") " t, " TREE("%2$u") " k; COMMIT";

/* Of a standby, where no copy can be made: the index of a constraint that has taken this one over, if it says so word for word. */
static const char twin_sql[] =
	BEGIN_LOOK
	" SELECT i.indexrelid, o.conname, k.relpages::int8 * current_setting('block_size')::int8"
	" FROM pg_constraint o JOIN pg_index i ON i.indexrelid = o.conindid JOIN pg_class k ON k.oid = i.indexrelid"
	" JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace"
	" WHERE o.conrelid = %u AND o.contype IN ('p', 'u') AND i.indrelid = o.conrelid"
	" AND i.indisvalid AND i.indisready AND i.indislive AND pg_get_indexdef(i.indexrelid) ="
	" concat(format('CREATE UNIQUE INDEX %%I ON %%s%%I.%%I ', k.relname, CASE WHEN k.relkind = 'I' THEN 'ONLY ' END, s.nspname, t.relname), %s)"
	" ORDER BY o.conname LIMIT 1; COMMIT";

/* What a catalogue's row leaves open. */
struct glance {
	bool seen;      /* there is a row of it */
	bool sure;      /* look is all there is to say */
	bool recovery;  /* this is a standby */
	const char *odd; /* the table is none; or NULL */
	const char *head; /* "INDEX i ON s.t " */
};

static const char *kind_text(const char *kind)
{
	switch (kind[0]) {
	case 'r': return "a table";
	case 'p': return "a partitioned table";
	case 'v': return "a view";
	case 'm': return "a materialized view";
	case 'S': return "a sequence";
	case 'f': return "a foreign table";
	case 'c': return "a type";
	case 't': return "a TOAST table";
	case 'i': return "an index";
	case 'I': return "a partitioned index";
	default: return "something else";
	}
}

static int refuse_kind(const struct sg_session *session, const struct sg_index_definition *definition, const char *kind,
                       struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_SQL, "%s is %s: no index can be made on it", definition->relation, kind_text(kind));
	sg_err_sqlstate(err, "42809");
	sg_err_hint(err, "Name a table in `table =`.");
	sg_err_step(err, definition->step->id);
	return sg_err_at(err, session->run->manifest->path, definition->step->line);
}

/* Its first row, and those after it that are of left-overs. */
static void take_row(const struct sg_index_definition *definition, const struct sg_result *result, int row, struct sg_arena *arena,
                     struct sg_index_look *look, struct glance *glance)
{
	const char *kind = sg_result_value(result, row, TABLE_KIND), *other = sg_result_value(result, row, OTHER_TABLE);

	glance->seen = true;
	glance->recovery = sg_result_true(result, row, RECOVERY);
	glance->head = sg_arena_printf(arena, "CREATE %s%s", definition->unique ? "UNIQUE " : "", sg_result_value(result, row, HEAD));
	look->bytes = look->table_bytes = look->table_rows = -1;
	if (kind == NULL) {
		look->found = SG_INDEX_FOUND_NO_TABLE;
		glance->sure = true;
		return;
	}
	look->table_bytes = sg_result_int_or(result, row, TABLE_BYTES, -1);
	look->table_rows = sg_result_int_or(result, row, TABLE_ROWS, -1);
	if (strchr("rpm", kind[0]) == NULL) {
		glance->odd = kind;
		return;
	}
	look->table_oid = (uint32_t)sg_result_int(result, row, TABLE);
	look->partitioned = kind[0] == 'p';
	kind = sg_result_value(result, row, INDEX_KIND);
	if (kind == NULL) {
		look->found = SG_INDEX_FOUND_MISSING;
		return;
	}
	look->bytes = sg_result_int_or(result, row, BYTES, -1);
	glance->sure = true;
	if (kind[0] != 'i' && kind[0] != 'I') {
		look->found = SG_INDEX_FOUND_DRIFTED;
		look->is = kind_text(kind);
	} else if (!sg_result_true(result, row, OF_TABLE)) {
		look->found = SG_INDEX_FOUND_DRIFTED;
		look->is = sg_arena_printf(arena, "an index of another table, %s", other != NULL ? other : "unknown");
	} else {
		look->index_oid = (uint32_t)sg_result_int(result, row, INDEX);
		look->found = sg_result_true(result, row, VALID) ? SG_INDEX_FOUND_VALID : SG_INDEX_FOUND_INVALID;
		glance->sure = look->found == SG_INDEX_FOUND_INVALID || sg_result_true(result, row, EQUAL);
	}
	if (look->found == SG_INDEX_FOUND_DRIFTED)
		look->wanted = sg_arena_printf(arena, "%s%s", glance->head, definition->rest);
}

static void take_leftover(const struct sg_index_definition *definition, const char *name, struct sg_arena *arena,
                          struct sg_index_look *look)
{
	const char **leftovers;

	if (name == NULL || !sg_index_is_leftover(definition->name, name))
		return;
	leftovers = sg_arena_array(arena, look->leftover_count + 1, sizeof *leftovers);
	for (size_t i = 0; i < look->leftover_count; i++)
		leftovers[i] = look->leftovers[i];
	leftovers[look->leftover_count++] = name;
	look->leftovers = leftovers;
}

/* What the catalogue says of each; what is to be compared yet is VALID or MISSING. */
static int read_catalogue(struct sg_session *session, const struct sg_index_definition *const *definitions, size_t count,
                          struct sg_arena *arena, struct sg_index_look *looks, struct glance *glances, struct sg_err *err)
{
	struct sg_buf sql = SG_BUF_INIT;
	struct sg_result *result;
	int status;

	memset(looks, 0, count * sizeof *looks);
	memset(glances, 0, count * sizeof *glances);
	sg_buf_adds(&sql, look_begin);
	for (size_t i = 0; i < count; i++)
		sg_buf_addf(&sql, "%s(%zu, %s::name, %s::name, %s::name, %s, %s)", i > 0 ? ", " : "", i,
		            sg_db_literal(arena, definitions[i]->schema), sg_db_literal(arena, definitions[i]->table),
		            sg_db_literal(arena, definitions[i]->name), definitions[i]->unique ? "true" : "false",
		            sg_db_literal(arena, definitions[i]->rest));
	sg_buf_adds(&sql, look_end);
	session->begun = true;
	status = sg_db_script_rows(session->db, sql.data, arena, &result, err);
	sg_buf_release(&sql);
	if (status != 0) {
		sg_session_rollback(session);
		return -1;
	}
	session->begun = false;
	for (int row = 0; row < sg_result_rows(result); row++) {
		size_t i = (size_t)sg_result_int(result, row, NUMBER);

		if (i >= count)
			continue;
		if (!glances[i].seen)
			take_row(definitions[i], result, row, arena, &looks[i], &glances[i]);
		if (looks[i].table_oid != 0)
			take_leftover(definitions[i], sg_result_value(result, row, LEFTOVER), arena, &looks[i]);
	}
	return 0;
}

/* The sizes of a partitioned table. */
static int read_tree(struct sg_session *session, struct sg_arena *arena, struct sg_index_look *look, struct sg_err *err)
{
	struct sg_result *result;

	session->begun = true;
	if (sg_db_script_rows(session->db, sg_arena_printf(arena, tree_sql, look->table_oid, look->index_oid), arena, &result, err) != 0) {
		sg_session_rollback(session);
		return -1;
	}
	session->begun = false;
	if (look->index_oid != 0)
		look->bytes = sg_result_int_or(result, 0, 0, -1);
	look->table_rows = sg_result_int_or(result, 0, 1, -1);
	look->table_bytes = sg_result_int_or(result, 0, 2, -1);
	return 0;
}

static int compare(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                   struct sg_index_look *look, const char *head, bool *gone_r, struct sg_err *err)
{
	struct sg_index_comparison found;

	if (sg_index_compare(session, definition, look->table_oid, look->partitioned, look->index_oid, arena, &found, err) != 0)
		return -1;
	*gone_r = found.gone;
	if (look->index_oid == 0) {
		if (found.twin != 0) {
			look->found = SG_INDEX_FOUND_VALID;
			look->index_oid = found.twin;
			look->bytes = found.twin_bytes;
			look->constraint = found.constraint;
		}
		return 0;
	}
	if (found.why != NULL) {
		look->not_compared = true;
		look->why = found.why;
	} else if (!found.equal) {
		look->found = SG_INDEX_FOUND_DRIFTED;
		look->is = found.is;
		look->wanted = sg_arena_printf(arena, "%s%s", head, found.wanted);
	}
	return 0;
}

static int find_twin(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                     struct sg_index_look *look, struct sg_err *err)
{
	struct sg_result *result;

	session->begun = true;
	if (sg_db_script_rows(session->db,
	                      sg_arena_printf(arena, twin_sql, look->table_oid, sg_db_literal(arena, definition->rest)), arena,
	                      &result, err) != 0) {
		sg_session_rollback(session);
		return -1;
	}
	session->begun = false;
	if (sg_result_rows(result) == 0)
		return 0;
	look->found = SG_INDEX_FOUND_VALID;
	look->index_oid = (uint32_t)sg_result_int(result, 0, 0);
	look->constraint = sg_result_value(result, 0, 1);
	look->bytes = sg_result_int_or(result, 0, 2, -1);
	return 0;
}

/* The table is locked by somebody: which one, and what to do. */
static int explain_lock(const struct sg_index_definition *definition, struct sg_err *err)
{
	if (err->class != SG_CLASS_LOCKED)
		return -1;
	sg_err_wrap(err, "table %s is locked", definition->relation);
	return sg_err_hint(err, "Somebody holds it exclusively (see pg_locks): run again when it is free.");
}

/* 0: done; 1: something went away meanwhile; -1: err. */
static int look_once(struct sg_session *session, const struct sg_index_definition *definition, bool made, struct sg_arena *arena,
                     struct sg_index_look *look, struct sg_err *err)
{
	struct glance glance;
	bool gone = false;

	if (read_catalogue(session, &definition, 1, arena, look, &glance, err) != 0)
		return -1;
	if (glance.odd != NULL)
		return refuse_kind(session, definition, glance.odd, err);
	if (look->partitioned && read_tree(session, arena, look, err) != 0)
		return -1;
	/* only a unique one may be there under a constraint's name */
	if (glance.sure || (made && look->found == SG_INDEX_FOUND_MISSING && !definition->unique))
		return 0;
	if (glance.recovery && look->found == SG_INDEX_FOUND_MISSING && definition->unique)
		return find_twin(session, definition, arena, look, err);
	if (glance.recovery) {
		look->not_compared = look->found == SG_INDEX_FOUND_VALID;
		look->why = look->not_compared ? "this server is a standby, where nothing can be made" : NULL;
		return 0;
	}
	if (compare(session, definition, arena, look, glance.head, &gone, err) != 0)
		return -1;
	return gone ? 1 : 0;
}

static int look_at(struct sg_session *session, const struct sg_index_definition *definition, bool made, struct sg_arena *arena,
                   struct sg_index_look *look_r, struct sg_err *err)
{
	for (int turn = 1;; turn++) {
		int status = look_once(session, definition, made, arena, look_r, err);

		/* XX000: the catalogue moved under the server's own feet ("could not open relation with OID …") */
		if (turn < MOST_LOOKS && (status > 0 || (status < 0 && strcmp(err->sqlstate, "XX000") == 0 && !sg_db_lost(session->db)))) {
			sg_err_clear(err);
			continue;
		}
		if (status > 0 && look_r->found == SG_INDEX_FOUND_VALID) {
			look_r->not_compared = true;
			look_r->why = "it is changed all the time: look again later";
		}
		return status < 0 ? explain_lock(definition, err) : 0;
	}
}

int sg_index_look(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                  struct sg_index_look *look_r, struct sg_err *err)
{
	return look_at(session, definition, false, arena, look_r, err);
}

int sg_index_look_made(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                       struct sg_index_look *look_r, struct sg_err *err)
{
	return look_at(session, definition, true, arena, look_r, err);
}

int sg_index_look_many(struct sg_session *session, const struct sg_index_definition *const *definitions, size_t count,
                       struct sg_arena *arena, struct sg_index_look *looks_r, bool *sure_r, struct sg_err *err)
{
	for (size_t first = 0; first < count; first += MOST_AT_ONCE) {
		struct glance glances[MOST_AT_ONCE];
		size_t n = count - first < MOST_AT_ONCE ? count - first : MOST_AT_ONCE;

		/* pg_get_indexdef opens the table (ruleutils.c, set_relation_column_names): one that is locked must not
		 * keep the others from being seen */
		if (read_catalogue(session, definitions + first, n, arena, looks_r + first, glances, err) != 0) {
			if (err->class != SG_CLASS_LOCKED || sg_db_lost(session->db))
				return -1;
			sg_err_clear(err);
			memset(glances, 0, sizeof glances);
		}
		for (size_t i = 0; i < n; i++)
			sure_r[first + i] = glances[i].sure && !looks_r[first + i].partitioned;
	}
	return 0;
}
