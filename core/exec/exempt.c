/* exempt.c - see exempt.h. */
#include "config.h"
#include "core/exec/exempt.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/db/db.h"

#define EXEMPT "exempt" /* the journal's kind of such an entry */

/* Tables of extensions are theirs to write to: of one that was there before and
 * whose member the table was, or that this transaction made. A membership that
 * is younger than its extension is a disguise. (In a transaction, age() counts
 * from its own xid, and its subtransactions are younger.) */
#define AN_EXTENSIONS \
	"EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid" \
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'" \
	" AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	" AND (pg_catalog.age(d.xmin) > 0 OR pg_catalog.age(e.xmin) <= 0))"

void sg_exempt_add(struct sg_buf *sql, const struct sg_manifest *manifest, const struct sg_step *step,
                   struct sg_arena *arena)
{
	const struct sg_list *exempt = &step->policy.trigger_tables;
	const char *names = sg_db_literal(arena, sg_db_text_array(arena, exempt->items, exempt->count));

	sg_buf_adds(sql, "(" AN_EXTENSIONS);
	if (exempt->count > 0)
		sg_buf_addf(sql,
		            " OR n.nspname <> %s AND (c.relname = ANY (%s::text[]) AND n.nspname = %s"
		            " OR n.nspname || '.' || c.relname = ANY (%s::text[]))",
		            sg_db_literal(arena, manifest->state_schema), names, sg_db_literal(arena, manifest->schema), names);
	sg_buf_addc(sql, ')');
}

/* The lock stays to the end, and is found again and again. */
void sg_exempt_note(struct sg_journal *journal, const char *schema, const char *name, struct sg_arena *arena)
{
	const char *table = sg_arena_printf(arena, "%s.%s", schema, name);
	struct sg_journal_entry *entry;

	for (size_t i = 0; i < journal->count; i++)
		if (strcmp(journal->entries[i].kind, EXEMPT) == 0 && strcmp(journal->entries[i].sql, table) == 0)
			return;
	entry = sg_journal_add(journal, arena);
	entry->kind = EXEMPT;
	entry->sql = table;
	entry->started_us = entry->ended_us = sg_clock_us();
}
