/* look.c - what the catalogue has of an index.
 *
 * One short transaction that reads pg_class and pg_index, and, where there is something to compare, a
 * second one for compare.c. Sizes are what the catalogue has (relpages): asking for a file's
 * length waits for locks on the relation. All is asked anew when something goes away meanwhile. */
#include "config.h"
#include "core/index/look.h"

#include <string.h>

#include "core/base/text.h"
#include "core/index/compare.h"

#define MOST_LOOKS 3
#define LONGEST_NAME 63 /* NAMEDATALEN - 1 */

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

/* A table that is partitioned is as large as its parts, and so is its index. */
#define TREE(root) \
	"(WITH RECURSIVE d (oid) AS (SELECT " root " UNION ALL SELECT h.inhrelid FROM d JOIN pg_class p ON p.oid = d.oid" \
	" AND p.relkind IN ('p', 'I') JOIN pg_inherits h ON h.inhparent = d.oid)" \
	" SELECT sum(c.relpages)::int8 * current_setting('block_size')::int8 AS bytes," \
	" sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind <> 'p')::int8 AS rows, bool_and(c.reltuples >= 0 OR c.relkind IN ('p', 'I')) AS known" \
	" FROM d JOIN pg_class c ON c.oid = d.oid)"

/* A row for each invalid index of the table that may be a left-over of this one; at least one row. */
static const char look_sql[] =
	BEGIN_LOOK
	" SELECT t.oid, t.relkind, k.oid, k.relkind, i.indrelid = t.oid, i.indisvalid AND i.indisready AND i.indislive,"
	" (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.oid = i.indrelid), pg_is_in_recovery(), ks.bytes, CASE WHEN ts.known THEN ts.rows END,"
	" CASE WHEN ts.known THEN ts.bytes END, format('INDEX %%I ON %%I.%%I ', %3$s, %1$s, %2$s), l.relname"
	" FROM (SELECT 1) one LEFT JOIN pg_namespace s ON s.nspname = %1$s"
	" LEFT JOIN pg_class t ON t.relnamespace = s.oid AND t.relname = %2$s"
	" LEFT JOIN pg_class k ON k.relnamespace = s.oid AND k.relname = %3$s"
	" LEFT JOIN pg_index i ON i.indexrelid = k.oid"
	" LEFT JOIN LATERAL " TREE("t.oid") " ts ON t.oid IS NOT NULL"
	" LEFT JOIN LATERAL " TREE("k.oid") " ks ON i.indexrelid IS NOT NULL"
	" LEFT JOIN LATERAL (SELECT c.relname FROM pg_index b JOIN pg_class c ON c.oid = b.indexrelid WHERE b.indrelid = t.oid"
	" AND NOT (b.indisvalid AND b.indisready AND b.indislive) AND c.relname ~ '_cc(new|old)[0-9]*$') l ON true"
	" ORDER BY l.relname; COMMIT";

enum {
	TABLE, TABLE_KIND, INDEX, INDEX_KIND, OF_TABLE, VALID, OTHER_TABLE, RECOVERY, BYTES, TABLE_ROWS, TABLE_BYTES, HEAD,
	LEFTOVER
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

/* As REINDEX CONCURRENTLY names what it makes: NAME_ccnew, NAME_ccnew1, …, the name cut where that gets too long
 * (commands/indexcmds.c, makeObjectName: at a character's start). */
static bool is_leftover(const char *name, const char *candidate)
{
	const char *label = strrchr(candidate, '_');
	size_t length = strlen(name), room;

	if (label == NULL || (!sg_text_prefix(label, "_ccnew") && !sg_text_prefix(label, "_ccold")))
		return false;
	room = LONGEST_NAME - strlen(label);
	if (length > room)
		for (length = room; length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80;)
			length--;
	return (size_t)(label - candidate) == length && memcmp(name, candidate, length) == 0;
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

static int64_t number_or_unknown(const struct sg_result *result, int column)
{
	return sg_result_value(result, 0, column) != NULL ? sg_result_int(result, 0, column) : -1;
}

/* What the catalogue says; what is to be compared yet is VALID or MISSING. */
static int read_catalogue(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                          struct sg_index_look *look, bool *recovery_r, struct sg_err *err)
{
	struct sg_result *result;
	const char *kind, **leftovers;

	session->begun = true;
	if (sg_db_script_rows(session->db,
	                      sg_arena_printf(arena, look_sql, sg_db_literal(arena, definition->schema),
	                                      sg_db_literal(arena, definition->table), sg_db_literal(arena, definition->name)),
	                      arena, &result, err) != 0) {
		sg_session_rollback(session);
		return -1;
	}
	session->begun = false;
	*recovery_r = sg_result_true(result, 0, RECOVERY);
	look->table_rows = number_or_unknown(result, TABLE_ROWS);
	look->table_bytes = number_or_unknown(result, TABLE_BYTES);
	look->bytes = -1;
	kind = sg_result_value(result, 0, TABLE_KIND);
	if (kind == NULL) {
		look->found = SG_INDEX_FOUND_NO_TABLE;
		return 0;
	}
	if (strchr("rpm", kind[0]) == NULL)
		return refuse_kind(session, definition, kind, err);
	look->table_oid = (uint32_t)sg_result_int(result, 0, TABLE);
	look->partitioned = kind[0] == 'p';
	leftovers = sg_arena_array(arena, (size_t)sg_result_rows(result), sizeof *leftovers);
	for (int row = 0; row < sg_result_rows(result); row++)
		if (sg_result_value(result, row, LEFTOVER) != NULL && is_leftover(definition->name, sg_result_value(result, row, LEFTOVER)))
			leftovers[look->leftover_count++] = sg_result_value(result, row, LEFTOVER);
	look->leftovers = leftovers;
	kind = sg_result_value(result, 0, INDEX_KIND);
	if (kind == NULL) {
		look->found = SG_INDEX_FOUND_MISSING;
		return 0;
	}
	look->bytes = number_or_unknown(result, BYTES);
	if (kind[0] != 'i' && kind[0] != 'I') {
		look->found = SG_INDEX_FOUND_DRIFTED;
		look->is = kind_text(kind);
	} else if (!sg_result_true(result, 0, OF_TABLE)) {
		look->found = SG_INDEX_FOUND_DRIFTED;
		look->is = sg_arena_printf(arena, "an index of another table, %s",
		                           sg_result_value(result, 0, OTHER_TABLE) ? sg_result_value(result, 0, OTHER_TABLE) : "unknown");
	} else {
		look->index_oid = (uint32_t)sg_result_int(result, 0, INDEX);
		look->found = sg_result_true(result, 0, VALID) ? SG_INDEX_FOUND_VALID : SG_INDEX_FOUND_INVALID;
	}
	/* the end of it is compare.c's to say as the server does, where there is something to compare */
	look->wanted = sg_arena_printf(arena, "CREATE %s%s%s", definition->unique ? "UNIQUE " : "", sg_result_value(result, 0, HEAD),
	                               look->found == SG_INDEX_FOUND_DRIFTED ? definition->rest : "");
	return 0;
}

static int compare(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                   struct sg_index_look *look, bool *gone_r, struct sg_err *err)
{
	struct sg_index_comparison found;
	const char *head = look->wanted;

	look->wanted = NULL;
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

/* The table is locked by somebody: which one, and what to do. */
static int explain_lock(const struct sg_index_definition *definition, struct sg_err *err)
{
	if (err->class != SG_CLASS_LOCKED)
		return -1;
	sg_err_wrap(err, "table %s is locked", definition->relation);
	return sg_err_hint(err, "Somebody holds it exclusively (see pg_locks): run again when it is free.");
}

int sg_index_look(struct sg_session *session, const struct sg_index_definition *definition, struct sg_arena *arena,
                  struct sg_index_look *look_r, struct sg_err *err)
{
	for (int turn = 1;; turn++) {
		bool recovery, gone = false;
		int status;

		memset(look_r, 0, sizeof *look_r);
		if (read_catalogue(session, definition, arena, look_r, &recovery, err) != 0)
			return explain_lock(definition, err);
		if (look_r->found != SG_INDEX_FOUND_VALID && look_r->found != SG_INDEX_FOUND_MISSING) {
			if (look_r->found != SG_INDEX_FOUND_DRIFTED)
				look_r->wanted = NULL;
			return 0;
		}
		if (recovery) {
			look_r->wanted = NULL;
			look_r->not_compared = look_r->found == SG_INDEX_FOUND_VALID;
			look_r->why = look_r->not_compared ? "this server is a standby, where nothing can be made" : NULL;
			return 0;
		}
		status = compare(session, definition, arena, look_r, &gone, err);
		/* XX000: the catalogue moved under the server's own feet ("could not open relation with OID …") */
		if (turn < MOST_LOOKS && ((status == 0 && gone) || (status != 0 && strcmp(err->sqlstate, "XX000") == 0 &&
		                                                    !sg_db_lost(session->db)))) {
			sg_err_clear(err);
			continue;
		}
		return status != 0 ? explain_lock(definition, err) : 0;
	}
}
