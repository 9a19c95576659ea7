/* attempts.c - writes the attempts table, outside the step's transaction. */
#include "config.h"
#include "core/state/attempts.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/state/words.h"

void sg_attempts_add(struct sg_db *db, const char *state_schema, const char *step, const char *runner,
                     const char *result, int64_t ms_ago, const struct sg_err *why)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	const char *schema = sg_db_identifier(&arena, state_schema);
	const char *fields[] = { step, runner, result, sg_class_name(why->class), why->sqlstate[0] ? why->sqlstate : NULL,
		                 sg_state_bounded(&arena, why->primary), sg_state_bounded(&arena, why->statement) };
	struct sg_buf sql = SG_BUF_INIT;

	sg_buf_addf(&sql,
	            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = pg_catalog, pg_temp;"
	            " SET LOCAL lock_timeout = '2s';"
	            " SET LOCAL statement_timeout = '5s';"
	            " INSERT INTO %s.attempts (started_at, step, runner, result, class, sqlstate, message, statement) VALUES"
	            " (pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %" PRId64 " / 1000.0)",
	            schema, ms_ago);
	for (size_t i = 0; i < SG_COUNT(fields); i++) {
		sg_buf_adds(&sql, ", ");
		sg_buf_adds(&sql, fields[i] ? sg_db_literal(&arena, fields[i]) : "NULL");
	}
	sg_buf_addf(&sql,
	            "); DELETE FROM %s.attempts WHERE step = %s AND no <="
	            " (SELECT no FROM %s.attempts WHERE step = %s ORDER BY no DESC OFFSET 20 LIMIT 1); COMMIT",
	            schema, sg_db_literal(&arena, step), schema, sg_db_literal(&arena, step));
	if (sg_db_script(db, sql.data, &err) != 0) {
		sg_log(SG_LOG_WARNING, "attempts", step, 0, "the failure could not be noted in %s.attempts: %s", state_schema,
		       err.primary);
		if (!sg_db_lost(db))
			sg_db_rollback(db);
	}
	sg_err_release(&err);
	sg_buf_release(&sql);
	sg_arena_release(&arena);
}
