/* schema.c - the state tables of sgrun, version 1.
 *
 * Everything is named in full, so that no search_path can lead us astray. The
 * lease's row is made here and never deleted: whoever locks it must find it. */
#include "config.h"
#include "core/state/schema.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/stop.h"

/* %s is the quoted schema. Tables that later phases fill are made now, so that
 * one release of the state serves them all. */
static const char state_sql[] =
	"CREATE SCHEMA IF NOT EXISTS %1$s;\n"
	"CREATE TABLE %1$s.meta (\n"
	"    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),\n"
	"    version integer NOT NULL\n"
	");\n"
	"CREATE TABLE %1$s.schema_migrations (\n"
	"    id text PRIMARY KEY,\n"
	"    outcome text NOT NULL CHECK (outcome IN ('applied', 'reconciled', 'adopted', 'superseded')),\n"
	"    title text,\n"
	"    plugin_sha256 text,\n"
	"    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
	"    duration_ms bigint,\n"
	"    attempts integer,\n"
	"    runner text,\n"
	"    sgrun_version text,\n"
	"    reason text\n"
	");\n"
	"CREATE TABLE %1$s.journal (\n"
	"    step text NOT NULL,\n"
	"    seq integer NOT NULL,\n"
	"    kind text NOT NULL,\n"
	"    sql text,\n"
	"    duration_ms double precision,\n"
	"    rows bigint,\n"
	"    waited_ms bigint,\n"
	"    waited_on text,\n"
	"    held_ms double precision,\n"
	"    PRIMARY KEY (step, seq)\n"
	");\n"
	"CREATE TABLE %1$s.attempts (\n"
	"    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
	"    step text NOT NULL,\n"
	"    started_at timestamptz,\n"
	"    ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
	"    runner text,\n"
	"    result text,\n"
	"    class text,\n"
	"    sqlstate text,\n"
	"    message text,\n"
	"    statement text\n"
	");\n"
	"CREATE INDEX attempts_step ON %1$s.attempts (step, no);\n"
	"CREATE TABLE %1$s.backfills (\n"
	"    key text PRIMARY KEY,\n"
	"    state text NOT NULL DEFAULT 'pending'\n"
	"        CHECK (state IN ('pending', 'running', 'paused', 'failed', 'residual', 'complete')),\n"
	"    plugin_sha256 text,\n"
	"    pass integer NOT NULL DEFAULT 1,\n"
	"    lanes integer NOT NULL DEFAULT 0,\n"
	"    rows_done bigint NOT NULL DEFAULT 0,\n"
	"    rows_estimate bigint,\n"
	"    started_at timestamptz,\n"
	"    finished_at timestamptz,\n"
	"    paused_by text,\n"
	"    paused_at timestamptz,\n"
	"    class text,\n"
	"    sqlstate text,\n"
	"    message text\n"
	");\n"
	"CREATE TABLE %1$s.backfill_ranges (\n"
	"    key text NOT NULL,\n"
	"    no bigint GENERATED ALWAYS AS IDENTITY,\n"
	"    lo text[],\n"
	"    hi text[],\n"
	"    pos text[],\n"
	"    deferred boolean NOT NULL DEFAULT false,\n"
	"    rows_done bigint NOT NULL DEFAULT 0,\n"
	"    batches bigint NOT NULL DEFAULT 0,\n"
	"    batch_size integer,\n"
	"    batch_ms double precision,\n"
	"    runner text,\n"
	"    updated_at timestamptz,\n"
	"    PRIMARY KEY (key, no)\n"
	") WITH (fillfactor = 50);\n"
	"CREATE TABLE %1$s.backfill_failures (\n"
	"    key text NOT NULL,\n"
	"    row_key text[] NOT NULL,\n"
	"    sqlstate text,\n"
	"    message text,\n"
	"    attempts integer NOT NULL DEFAULT 1,\n"
	"    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
	"    PRIMARY KEY (key, row_key)\n"
	");\n"
	"CREATE TABLE %1$s.indexes (\n"
	"    name text PRIMARY KEY,\n"
	"    state text NOT NULL\n"
	"        CHECK (state IN ('missing', 'building', 'valid', 'invalid', 'drifted', 'failed')),\n"
	"    owner text,\n"
	"    expires_at timestamptz,\n"
	"    started_at timestamptz,\n"
	"    finished_at timestamptz,\n"
	"    duration_ms bigint,\n"
	"    bytes bigint,\n"
	"    sqlstate text,\n"
	"    message text\n"
	");\n"
	"CREATE TABLE %1$s.lease (\n"
	"    name text PRIMARY KEY,\n"
	"    owner text,\n"
	"    fence bigint NOT NULL DEFAULT 0,\n"
	"    since timestamptz,\n"
	"    expires_at timestamptz,\n"
	"    doing text\n"
	") WITH (fillfactor = 10);\n"
	"INSERT INTO %1$s.lease (name) VALUES ('migrate');\n"
	"INSERT INTO %1$s.meta (version) VALUES (1);\n";

const char *sg_state_sql(const char *state_schema, struct sg_arena *arena)
{
	const char *schema = sg_db_identifier(arena, state_schema);
	struct sg_buf sql = SG_BUF_INIT;
	const char *text;

	for (const char *at = state_sql; *at != '\0';) {
		const char *mark = strstr(at, "%1$s");

		sg_buf_add(&sql, at, mark == NULL ? strlen(at) : (size_t)(mark - at));
		if (mark == NULL)
			break;
		sg_buf_adds(&sql, schema);
		at = mark + 4;
	}
	text = sg_arena_strndup(arena, sql.data, sql.length);
	sg_buf_release(&sql);
	return text;
}

bool sg_state_is_missing(const struct sg_err *err)
{
	return strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0;
}

void sg_state_explain(struct sg_err *err, const char *what, const char *state_schema)
{
	if (strcmp(err->sqlstate, "42501") != 0)
		return;
	err->class = SG_CLASS_STATE;
	sg_err_wrap(err, "cannot %s the state tables in schema \"%s\"", what, state_schema);
	sg_err_hint(err, "Grant this role USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables.");
}

static int explain(const char *state_schema, struct sg_err *err)
{
	if (strcmp(err->sqlstate, "42501") == 0) {
		err->class = SG_CLASS_STATE;
		sg_err_wrap(err, "cannot make the state tables in schema \"%s\"", state_schema);
		sg_err_hint(err, "Grant CREATE on the database (or on the schema) to this role, or have a DBA run what "
		                 "`sgrun check --state-sql` prints and grant this role all on it.");
	} else if (strcmp(err->sqlstate, "42P07") == 0) {
		err->class = SG_CLASS_STATE;
		sg_err_wrap(err, "cannot make the state tables in schema \"%s\"", state_schema);
		sg_err_hint(err, "The schema holds a table of that name that sgrun did not make: set another state_schema "
		                 "in [sgrun].");
	}
	return -1;
}

/* Takes the installers' lock and looks: 1 the tables are there, 0 they are ours
 * to make, 2 another runner makes them, -1 failed. */
static int look(struct sg_db *db, const char *state_schema, struct sg_arena *arena, struct sg_err *err)
{
	const char *literal = sg_db_literal(arena, state_schema);
	struct sg_result *result;

	/* search_path: CHECK constraints keep the operators that they were made with. */
	if (sg_db_script_rows(db,
	                      sg_arena_printf(arena,
	                                      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
	                                      "SET LOCAL search_path = pg_catalog, pg_temp;"
	                                      "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s';"
	                                      "SET LOCAL idle_in_transaction_session_timeout = '20s';"
	                                      "SELECT pg_catalog.pg_try_advisory_xact_lock(1936159089, pg_catalog.hashtext(%s)),"
	                                      " pg_catalog.to_regclass(pg_catalog.quote_ident(%s) || '.meta') IS NOT NULL",
	                                      literal, literal),
	                      arena, &result, err) != 0)
		return -1;
	if (!sg_result_true(result, 0, 0))
		return 2;
	return sg_result_true(result, 0, 1) ? 1 : 0;
}

/* In the transaction that look() began. Uncertain or not: the caller starts
 * afresh and looks again. */
static int make(struct sg_db *db, const char *state_schema, struct sg_arena *arena, struct sg_err *err)
{
	/* Another tool's schema_migrations lacks meta, and stops us at CREATE TABLE. */
	if (sg_db_script(db, sg_state_sql(state_schema, arena), err) != 0 || sg_db_commit(db, err) != 0)
		return -1;
	sg_log(SG_LOG_INFO, "install", NULL, 0, "made the state tables in schema \"%s\"", state_schema);
	return 0;
}

int sg_state_install(struct sg_db *db, const char *state_schema, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	bool again = false;
	int status = -1;

	for (int turn = 0;; turn++) {
		int found = look(db, state_schema, &arena, err);

		if (found < 0)
			break;
		if (found == 0) {
			status = make(db, state_schema, &arena, err);
			if (status == 0 || sg_db_lost(db))
				break;
			sg_db_rollback(db);
			/* A DBA may have made them since we looked: look once more. */
			if (strcmp(err->sqlstate, "42P07") != 0 || again) {
				explain(state_schema, err);
				break;
			}
			again = true;
			sg_err_clear(err);
			continue;
		}
		sg_db_rollback(db);
		if (found == 1) {
			status = 0;
			break;
		}
		if (turn == 0)
			sg_log(SG_LOG_INFO, "install", NULL, 0, "another runner is making the state tables: waiting");
		if (turn >= 600) {
			sg_err_set(err, SG_CLASS_LEASE, "another runner has been making the state tables for 60 s");
			sg_err_hint(err, "Look at pg_locks for an advisory lock of class 1936159089, and run again.");
			break;
		}
		if (!sg_stop_sleep(100)) {
			sg_stop_err(err);
			break;
		}
	}
	sg_arena_release(&arena);
	return status;
}
