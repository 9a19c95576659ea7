/* record.c - journal, ledger and lease in one statement. */
#include "config.h"
#include "core/exec/record.h"

#include <inttypes.h>

#include "core/base/clock.h"

/* A text[] literal of one field of the journal. */
struct column {
	const char **values;
};

static const char *number(struct sg_arena *arena, double value)
{
	return sg_arena_printf(arena, "%.3f", value);
}

/* The journal as arrays, so that one statement writes any number of rows. */
static void journal_arrays(const struct sg_journal *journal, struct sg_arena *arena, const char *arrays_r[7])
{
	size_t n = journal == NULL ? 0 : journal->count;
	int64_t now = sg_clock_us();
	struct column columns[7];

	for (size_t c = 0; c < SG_COUNT(columns); c++)
		columns[c].values = sg_arena_array(arena, n, sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		const struct sg_journal_entry *entry = &journal->entries[i];
		/* the lock was there once the wait was over */
		int64_t locked = entry->started_us + entry->waited_ms * 1000;

		columns[0].values[i] = entry->existed ? sg_arena_printf(arena, "%s (existed)", entry->kind) : entry->kind;
		columns[1].values[i] = entry->sql;
		columns[2].values[i] = number(arena, (double)(entry->ended_us - entry->started_us) / 1000);
		columns[3].values[i] = sg_arena_printf(arena, "%" PRId64, entry->rows);
		columns[4].values[i] = sg_arena_printf(arena, "%" PRId64, entry->waited_ms);
		columns[5].values[i] = entry->waited_on;
		columns[6].values[i] = number(arena, (double)(now > locked ? now - locked : 0) / 1000);
	}
	for (size_t c = 0; c < SG_COUNT(columns); c++)
		arrays_r[c] = sg_db_text_array(arena, columns[c].values, n);
}

int sg_record_write(struct sg_session *session, const struct sg_lease *lease, const struct sg_record *record,
                    struct sg_arena *arena, struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, session->run->manifest->state_schema);
	const char *values[20];
	struct sg_result *result;
	const char *sql;
	int n = 0;

	values[n++] = record->step->id;                                               /* $1 */
	values[n++] = sg_recorded_name(record->outcome);                              /* $2 */
	values[n++] = record->title;                                                  /* $3 */
	values[n++] = record->sha256;                                                 /* $4 */
	values[n++] = sg_arena_printf(arena, "%" PRId64, record->duration_ms);        /* $5 */
	values[n++] = sg_arena_printf(arena, "%d", record->attempts);                 /* $6 */
	values[n++] = lease->owner;                                                   /* $7 */
	values[n++] = PACKAGE_VERSION;                                                /* $8 */
	values[n++] = record->reason;                                                 /* $9 */
	values[n++] = sg_arena_printf(arena, "%" PRId64, lease->fence);               /* $10 */
	values[n++] = sg_arena_printf(arena, "%d", lease->seconds);                   /* $11 */
	values[n++] = sg_db_text_array(arena, record->superseded, record->superseded_count); /* $12 */
	journal_arrays(record->journal, arena, &values[n]);                           /* $13 … $19 */
	n += 7;
	sql = sg_arena_printf(
		arena,
		"WITH j AS (INSERT INTO %s.journal (step, seq, kind, sql, duration_ms, rows, waited_ms, waited_on, held_ms)"
		" SELECT $1, e.seq, e.kind, e.sql, e.ms::float8, e.rows::int8, e.waited::int8, e.blocker, e.held::float8"
		" FROM ROWS FROM (pg_catalog.unnest($13::text[]), pg_catalog.unnest($14::text[]), pg_catalog.unnest($15::text[]),"
		" pg_catalog.unnest($16::text[]), pg_catalog.unnest($17::text[]), pg_catalog.unnest($18::text[]),"
		" pg_catalog.unnest($19::text[])) WITH ORDINALITY e (kind, sql, ms, rows, waited, blocker, held, seq)),"
		" l AS (INSERT INTO %s.schema_migrations"
		" (id, outcome, title, plugin_sha256, duration_ms, attempts, runner, sgrun_version, reason)"
		" VALUES ($1, $2, $3, $4, $5::int8, $6::int4, $7, $8, $9)),"
		" s AS (INSERT INTO %s.schema_migrations (id, outcome, runner, sgrun_version, reason)"
		" SELECT old, 'superseded', $7, $8, 'superseded by ' || $1 FROM pg_catalog.unnest($12::text[]) old"
		" ON CONFLICT DO NOTHING)"
		" UPDATE %s.lease SET expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $11::int4)"
		" WHERE name = 'migrate' AND owner = $7 AND fence = $10::int8",
		schema, schema, schema, schema);
	if (sg_db_query(session->db, sql, n, values, arena, &result, err) != 0)
		return -1;
	if (sg_result_affected(result) != 1)
		return sg_lease_lost_err(lease, err);
	return 0;
}
