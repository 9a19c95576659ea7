/* throw_away.c - see throw_away.h. */
#include "config.h"
#include "core/run/throw_away.h"

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/db/embedded.h"
#include "core/rehearse/load.h"
#include "core/rehearse/rows.h"
#include "core/rehearse/schema_from.h"
#include "core/state/schema.h"

#define CONNECT_MS 20000

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	(void)elapsed_ms;
	return sg_stop_count() > 0 ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

int sg_throw_away_connect(const struct sg_throw_away *server, const char *text, struct sg_db **db_r, struct sg_err *err)
{
	struct sg_dsn dsn;

	if (sg_dsn_parse(text, server->arena, &dsn, err) != 0 ||
	    sg_db_open(db_r, &dsn, "sgrun:throw-away", sg_clock_ms() + CONNECT_MS, err) != 0)
		return -1;
	sg_db_on_wait(*db_r, on_wait, NULL);
	return 0;
}

static int start_server(struct sg_throw_away *server, struct sg_err *err)
{
	const struct sg_embedded_spec spec = {
		.init = server->schema_from == NULL ? server->manifest->embedded_init : NULL, .bindir = server->manifest->embedded_bindir
	};

	return sg_embedded_open_once(&spec, server->arena, &server->embedded, &server->dsn, &server->folder, err);
}

/* The role that steps run as may do anything here: what the real one may do is not known. */
static int make_role(struct sg_throw_away *server, struct sg_db *db, struct sg_err *err)
{
	const char *role = server->manifest->role;
	struct sg_result *found;

	if (role == NULL)
		return 0;
	if (sg_db_query(db, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", 1, &role, server->arena, &found, err) != 0)
		return -1;
	return sg_db_script(db, sg_arena_printf(server->arena, "%s ROLE %s SUPERUSER", sg_result_rows(found) > 0 ? "ALTER" : "CREATE",
	                                        sg_db_identifier(server->arena, role)), err);
}

static int load_dump(struct sg_throw_away *server, struct sg_db *db, struct sg_err *err)
{
	const char *file = sg_arena_printf(server->arena, "%s/schema.sql", server->folder);
	const char *name = sg_arena_printf(server->arena, "dump of %s", sg_schema_from_name(server->schema_from, server->arena));

	/* The ledger's table first: the dump brings its rows, that what is recorded there is skipped here. */
	if (sg_schema_from_dump(server->schema_from, server->manifest->embedded_bindir, server->manifest->state_schema, true, file, server->arena,
	                        err) != 0 ||
	    sg_state_install(db, server->manifest->state_schema, err) != 0)
		return -1;
	return sg_schema_load(db, file, name, server->arena, server->rehearsal, err);
}

static int load_schema(struct sg_throw_away *server, struct sg_db *db, struct sg_err *err)
{
	const char *from = server->schema_from;

	if (from != NULL && sg_schema_from_is_dsn(from)) {
		server->rehearsal->schema_from = sg_schema_from_name(from, server->arena);
		return load_dump(server, db, err);
	}
	if (from != NULL) {
		server->rehearsal->schema_from = from;
		return sg_schema_load(db, from, from, server->arena, server->rehearsal, err);
	}
	if (server->manifest->embedded_init != NULL) {
		server->rehearsal->schema_from = server->manifest->embedded_init; /* the server has it from its making */
		return 0;
	}
	server->rehearsal->schema_from = "empty database";
	/* Nobody else would: migrations expect it. */
	return sg_db_script(db, sg_arena_printf(server->arena, "CREATE SCHEMA IF NOT EXISTS %s",
	                                        sg_db_identifier(server->arena, server->manifest->schema)), err);
}

int sg_throw_away_fill(struct sg_throw_away *server, const char *dsn, int64_t rows, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status = sg_throw_away_connect(server, dsn, &db, err);

	if (status == 0)
		status = sg_rows_fill(db, server->manifest->state_schema, rows, server->arena, server->rehearsal, err);
	if (status == 0)
		status = sg_db_script(db, "ANALYZE", err);
	sg_db_close(db);
	return status;
}

int sg_throw_away_start(struct sg_throw_away *server, struct sg_err *err)
{
	struct sg_db *db = NULL;
	int status;

	if (start_server(server, err) != 0)
		return -1;
	status = sg_throw_away_connect(server, server->dsn, &db, err);
	if (status == 0) {
		server->rehearsal->server_version = sg_db_server_version(db) / 10000;
		status = make_role(server, db, err) != 0 || load_schema(server, db, err) != 0 ? -1 : 0;
	}
	sg_db_close(db);
	return status;
}

void sg_throw_away_end(struct sg_throw_away *server)
{
	sg_embedded_close(server->embedded);
	server->embedded = NULL;
}
