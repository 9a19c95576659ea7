/* baseline.c - what applying migrations costs when nobody thinks of anything.
 *
 *   baseline CONNINFO FILE
 *
 * FILE has one migration a line: its id, a tab, its one statement. For each:
 * BEGIN, the statement, a row in schema_migrations, COMMIT, each in its own round
 * trip over one connection. The least that an honest runner can do, so it is the
 * measure of ours. Not a part of sgrun. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PGconn *connection;

static void finish(PGresult *result, const char *what)
{
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		fprintf(stderr, "baseline: %s: %s", what, PQerrorMessage(connection));
		exit(1);
	}
	PQclear(result);
}

static void run(const char *sql)
{
	finish(PQexec(connection, sql), sql);
}

int main(int argc, char **argv)
{
	static char line[8192];
	FILE *file;

	if (argc != 3) {
		fprintf(stderr, "usage: baseline CONNINFO FILE\n");
		return 2;
	}
	file = fopen(argv[2], "r");
	if (file == NULL) {
		perror(argv[2]);
		return 2;
	}
	connection = PQconnectdb(argv[1]);
	if (PQstatus(connection) != CONNECTION_OK) {
		fprintf(stderr, "baseline: %s", PQerrorMessage(connection));
		return 1;
	}
	run("CREATE TABLE schema_migrations (id text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
	while (fgets(line, sizeof line, file) != NULL) {
		char *tab = strchr(line, '\t'), *end = strchr(line, '\n');
		const char *values[1] = { line };

		if (tab == NULL || end == NULL || tab > end) {
			fprintf(stderr, "baseline: %s: a line is no migration\n", argv[2]);
			return 2;
		}
		*tab = *end = '\0';
		run("BEGIN");
		run(tab + 1);
		finish(PQexecParams(connection, "INSERT INTO schema_migrations (id) VALUES ($1)", 1, NULL, values, NULL,
		                    NULL, 0),
		       "INSERT INTO schema_migrations");
		run("COMMIT");
	}
	fclose(file);
	PQfinish(connection);
	return 0;
}
