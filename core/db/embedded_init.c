/* embedded_init.c - the SQL that fills a new cluster, and where in it an error is.
 *
 * The whole file goes as one message in one transaction. Syntax errors have a
 * position; of others the server tells no place, but the number of statements
 * that were answered before does. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/db/conninfo.h"
#include "core/db/embedded_parts.h"
#include "core/db/script.h"

#define CONNECT_MS 10000

int sg_init_read(const char *file, struct sg_arena *arena, char **sql_r, struct sg_err *err)
{
	return sg_script_read("embedded_init", file, arena, sql_r, err);
}

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	(void)elapsed_ms;
	return sg_stop_count() > 0 ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

static int line_of(const char *sql, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset && sql[i] != '\0'; i++)
		line += sql[i] == '\n';
	return line;
}

static int explain(const char *file, const char *sql, int answered, struct sg_err *err)
{
	size_t at = err->position > 0 ? sg_text_offset(sql, (size_t)err->position - 1) : sg_script_statement(sql, answered);
	bool meta = sql[at] == '\\' || (err->position > 0 && strstr(err->primary, "\"\\\"") != NULL);

	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	err->class = SG_CLASS_STATE;
	sg_err_wrap(err, "embedded_init failed");
	sg_err_at(err, file, line_of(sql, at));
	/* The file itself shows it better than megabytes of it. */
	free(err->statement);
	err->statement = NULL;
	err->position = 0;
	if (meta || strcmp(err->primary, "embedded_init failed: COPY between server and client is refused") == 0)
		sg_err_hint(err, "Only SQL is understood here: no psql commands, no COPY FROM stdin (pg_dump --inserts makes none).");
	else if (err->hint == NULL)
		sg_err_hint(err, "Nothing was kept: mend the file and run the command again.");
	return -1;
}

int sg_init_run(const char *dsn_text, const char *file, const char *sql, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_dsn dsn;
	struct sg_db *db = NULL;
	int answered = 0, rc;

	sg_log(SG_LOG_INFO, "embedded", NULL, 0, "loading %s", file);
	rc = sg_dsn_parse(dsn_text, &arena, &dsn, err);
	if (rc == 0)
		rc = sg_db_open(&db, &dsn, "sgrun:embedded_init", sg_clock_ms() + CONNECT_MS, err);
	if (rc == 0) {
		sg_db_on_wait(db, on_wait, NULL);
		if (sg_db_script(db, "BEGIN", err) != 0 || sg_db_script_counted(db, sql, &answered, err) != 0 ||
		    sg_db_commit(db, err) != 0)
			rc = explain(file, sql, answered, err);
	}
	sg_db_close(db);
	sg_arena_release(&arena);
	return rc;
}
