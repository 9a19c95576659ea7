/* loops.c - the loops that a backfill is measured against. Not a part of sgrun.
 *
 *   loops CONNINFO keyset SIZE [LANES]
 *   loops CONNINFO skip SIZE
 *
 * keyset: what an honest program cannot do without: BEGIN, the position's row, the key
 * of the SIZE-th row from there, the UPDATE, the position, COMMIT; each lane is a process
 * with an equal part of the ids. skip: the loop that teams write first, again and
 * again `WHERE name IS NULL LIMIT n FOR UPDATE SKIP LOCKED`, from the beginning of the table. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static PGconn *connection;

static PGresult *ask(const char *sql, int n, const char *const *values)
{
	PGresult *result = PQexecParams(connection, sql, n, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
		fprintf(stderr, "loops: %s: %s", sql, PQerrorMessage(connection));
		exit(1);
	}
	return result;
}

static void run(const char *sql, int n, const char *const *values)
{
	PQclear(ask(sql, n, values));
}

static void connect_to(const char *conninfo)
{
	connection = PQconnectdb(conninfo);
	if (PQstatus(connection) != CONNECTION_OK) {
		fprintf(stderr, "loops: %s", PQerrorMessage(connection));
		exit(1);
	}
}

static void keyset(const char *lane, const char *size)
{
	for (;;) {
		char first[32], last[32];
		PGresult *result;

		run("BEGIN", 0, NULL);
		result = ask("SELECT pos, hi FROM positions WHERE lane = $1 FOR UPDATE", 1, &lane);
		snprintf(first, sizeof first, "%s", PQgetvalue(result, 0, 0));
		snprintf(last, sizeof last, "%s", PQgetvalue(result, 0, 1));
		PQclear(result);
		result = ask("SELECT id FROM leads WHERE id > $1 AND id <= $2 ORDER BY id OFFSET $3::bigint - 1 LIMIT 1", 3,
		             (const char *const[]){ first, last, size });
		if (PQntuples(result) == 1)
			snprintf(last, sizeof last, "%s", PQgetvalue(result, 0, 0));
		PQclear(result);
		if (strcmp(first, last) == 0) {
			run("ROLLBACK", 0, NULL);
			return;
		}
		run("UPDATE leads SET name = concat_ws(' ', first_name, last_name) WHERE id > $1 AND id <= $2 AND name IS NULL", 2,
		    (const char *const[]){ first, last });
		run("UPDATE positions SET pos = $1 WHERE lane = $2", 2, (const char *const[]){ last, lane });
		run("COMMIT", 0, NULL);
	}
}

static void skip(const char *size)
{
	long rows;

	do {
		PGresult *result = ask("UPDATE leads SET name = concat_ws(' ', first_name, last_name) WHERE id IN"
		                       " (SELECT id FROM leads WHERE name IS NULL LIMIT $1 FOR UPDATE SKIP LOCKED)",
		                       1, &size);

		rows = atol(PQcmdTuples(result));
		PQclear(result);
	} while (rows > 0);
}

static void make_positions(int lanes)
{
	char sql[512];

	run("CREATE TABLE positions (lane int PRIMARY KEY, pos bigint, hi bigint)", 0, NULL);
	snprintf(sql, sizeof sql,
	         "INSERT INTO positions SELECT l, (l - 1) * n / %d, l * n / %d FROM generate_series(1, %d) l,"
	         " (SELECT max(id) n FROM leads) m",
	         lanes, lanes, lanes);
	run(sql, 0, NULL);
}

int main(int argc, char **argv)
{
	int lanes = argc > 4 ? atoi(argv[4]) : 1, status = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: loops CONNINFO keyset|skip SIZE [LANES]\n");
		return 2;
	}
	connect_to(argv[1]);
	if (strcmp(argv[2], "skip") == 0) {
		skip(argv[3]);
		PQfinish(connection);
		return 0;
	}
	make_positions(lanes);
	PQfinish(connection);
	for (int lane = 1; lane <= lanes; lane++) {
		if (fork() == 0) {
			char number[16];

			snprintf(number, sizeof number, "%d", lane);
			connect_to(argv[1]);
			keyset(number, argv[3]);
			PQfinish(connection);
			exit(0);
		}
	}
	for (int lane = 1; lane <= lanes; lane++) {
		int ended;

		if (wait(&ended) < 0 || !WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
			status = 1;
	}
	return status;
}
