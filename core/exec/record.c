/* record.c - journal, ledger and lease in one round trip. */
#include "config.h"
#include "core/exec/record.h"

#include <inttypes.h>

#include "core/base/clock.h"
#include "core/state/schema.h"

static void add_text(struct sg_buf *sql, struct sg_arena *arena, const char *text)
{
	sg_buf_adds(sql, text != NULL ? sg_db_literal(arena, text) : "NULL");
}

static void add_journal(struct sg_buf *sql, const char *schema, const struct sg_record *record, struct sg_arena *arena)
{
	int64_t now = sg_clock_us();

	/* of a run whose ledger row somebody took out, to have it again */
	sg_buf_addf(sql, "DELETE FROM %s.journal WHERE step = ", schema);
	add_text(sql, arena, record->step->id);
	sg_buf_adds(sql, ";");
	if (record->journal == NULL || record->journal->count == 0)
		return;
	sg_buf_addf(sql,
	            "INSERT INTO %s.journal (step, seq, kind, sql, duration_ms, rows, waited_ms, waited_on, held_ms) VALUES ",
	            schema);
	for (size_t i = 0; i < record->journal->count; i++) {
		const struct sg_journal_entry *entry = &record->journal->entries[i];
		/* the lock was there once the wait was over */
		int64_t locked = entry->started_us + entry->waited_ms * 1000;

		sg_buf_adds(sql, i > 0 ? ", (" : "(");
		add_text(sql, arena, record->step->id);
		sg_buf_addf(sql, ", %zu, ", i + 1);
		add_text(sql, arena, entry->existed ? sg_arena_printf(arena, "%s (existed)", entry->kind) : entry->kind);
		sg_buf_adds(sql, ", ");
		add_text(sql, arena, entry->sql);
		sg_buf_addf(sql, ", %.3f, %" PRId64 ", %" PRId64 ", ", (double)(entry->ended_us - entry->started_us) / 1000,
		            entry->rows, entry->waited_ms);
		add_text(sql, arena, entry->waited_on);
		sg_buf_addf(sql, ", %.3f)", (double)(now > locked ? now - locked : 0) / 1000);
	}
	sg_buf_adds(sql, ";");
}

static void add_ledger(struct sg_buf *sql, const char *schema, const struct sg_lease *lease,
                       const struct sg_record *record, struct sg_arena *arena)
{
	const char *texts[] = { record->step->id, sg_recorded_name(record->outcome), record->title,  record->sha256,
		                lease->owner,     PACKAGE_VERSION,                      record->reason };

	sg_buf_addf(sql,
	            "INSERT INTO %s.schema_migrations (duration_ms, attempts, id, outcome, title, plugin_sha256, runner,"
	            " sgrun_version, reason) VALUES (%" PRId64 ", %d",
	            schema, record->duration_ms, record->attempts);
	for (size_t i = 0; i < SG_COUNT(texts); i++) {
		sg_buf_adds(sql, ", ");
		add_text(sql, arena, texts[i]);
	}
	sg_buf_adds(sql, ");");
	for (size_t i = 0; i < record->superseded_count; i++) {
		sg_buf_addf(sql, "INSERT INTO %s.schema_migrations (id, outcome, runner, sgrun_version, reason) VALUES (", schema);
		add_text(sql, arena, record->superseded[i]);
		sg_buf_adds(sql, ", 'superseded', ");
		add_text(sql, arena, lease->owner);
		sg_buf_adds(sql, ", '" PACKAGE_VERSION "', ");
		add_text(sql, arena, sg_arena_printf(arena, "superseded by %s", record->step->id));
		sg_buf_adds(sql, ") ON CONFLICT DO NOTHING;");
	}
}

int sg_record_write(struct sg_session *session, const struct sg_lease *lease, const struct sg_record *record,
                    struct sg_arena *arena, struct sg_err *err)
{
	const char *schema = sg_db_identifier(arena, session->run->manifest->state_schema);
	struct sg_buf *sql = &session->pending;
	struct sg_result *result;

	/* One string of plain statements: the server reads it in half the time that
	 * one statement with parameters and common table expressions takes. */
	sg_buf_clear(sql);
	add_journal(sql, schema, record, arena);
	add_ledger(sql, schema, lease, record, arena);
	sg_buf_addf(sql,
	            "UPDATE %s.lease SET expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => %d)"
	            " WHERE name = 'migrate' AND owner = %s AND fence = %" PRId64 " RETURNING fence, " SG_SURE_COMMIT,
	            schema, lease->seconds, sg_db_literal(arena, lease->owner), lease->fence);
	if (sg_session_flush_rows(session, arena, &result, err) != 0) {
		sg_state_explain(err, "write to", session->run->manifest->state_schema);
		return -1;
	}
	if (sg_result_rows(result) != 1)
		return sg_lease_lost_err(lease, err);
	return 0;
}
