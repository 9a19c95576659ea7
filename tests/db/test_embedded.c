/* The embedded server: made, shared, stopped, and put right after whatever broke it. */
#include "config.h"
#include "core/db/embedded.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "tests/kit/proc.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

static struct sg_arena arena;
static struct sg_err err;
static struct sg_embedded *embedded;
static const char *dsn;

static void release(void *unused)
{
	(void)unused;
	sg_embedded_close(embedded);
	embedded = NULL;
	sg_err_clear(&err);
	sg_arena_release(&arena);
}

/* A folder of this test's own; nothing in it yet. */
static const char *begin(void)
{
	const char *folder = sg_test_strf("%s/emb", sg_tmp_dir()); /* removed after the server was stopped */

	sg_log_setup(SG_LOG_WARNING, SG_LOG_HUMAN);
	dsn = NULL;
	sg_test_defer(release, NULL);
	return folder;
}

static int try_open(const char *folder, const char *init, const char *bindir)
{
	struct sg_embedded_spec spec = { folder, init, bindir };

	sg_err_clear(&err);
	return sg_embedded_open(&spec, &arena, &embedded, &dsn, &err);
}

static void open_it(const char *folder, const char *init)
{
	if (try_open(folder, init, NULL) != 0)
		T_FATAL("%s (%s)", err.primary, err.detail ? err.detail : "-");
}

static void close_it(void)
{
	sg_embedded_close(embedded);
	embedded = NULL;
}

static const char *value(const char *sql)
{
	struct sg_sql *session = sg_sql_open(dsn);
	const char *text = sg_sql_value(session, sql);

	sg_sql_close(session);
	return text;
}

static pid_t postmaster(const char *folder)
{
	const char *text = sg_tmp_read(sg_test_strf("%s/data/postmaster.pid", folder));

	return text != NULL ? (pid_t)atoi(text) : 0;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* No server runs, no folder of a socket is left. */
static void all_quiet(const char *folder)
{
	T_FALSE(is_there(sg_test_strf("%s/data/postmaster.pid", folder)));
	T_FALSE(is_there(sg_test_strf("%s/socket", folder)));
	if (dsn != NULL) {
		char socket[128];

		T_MUST_EQ_INT(sscanf(dsn, "host='%127[^']'", socket), 1);
		T_FALSE(is_there(socket));
	}
}

SG_TEST(makes_keeps_and_stops)
{
	const char *folder = begin();
	struct stat st;
	char socket[128];
	int64_t began;

	open_it(folder, NULL);
	T_EQ_STR(value("SELECT current_setting('listen_addresses') || current_setting('fsync') ||"
	               " current_setting('server_encoding')"), "onUTF8");
	T_MUST_EQ_INT(sscanf(dsn, "host='%127[^']'", socket), 1);
	T_EQ_INT(stat(socket, &st), 0);
	T_EQ_INT(st.st_mode & 0777, 0700);
	T_NE_INT(st.st_uid, 0);
	T_LT_INT(strlen(socket), 90);
	value("SELECT set_config('x.y', 'z', false)");
	{
		struct sg_sql *sql = sg_sql_open(dsn);

		sg_sql_exec(sql, "CREATE TABLE kept AS SELECT 42 AS a");
		sg_sql_close(sql);
	}
	close_it();
	all_quiet(folder);
	began = sg_clock_ms();
	open_it(folder, "/nonexistent.sql"); /* is not looked at: the cluster is made */
	T_LT_INT(sg_clock_ms() - began, 20000);
	T_EQ_STR(value("SELECT a FROM kept"), "42");
	close_it();
	all_quiet(folder);
}

SG_TEST(runs_its_sql_once)
{
	const char *folder = begin();
	const char *init = sg_tmp_write("init.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\n"
	                                            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$;\n");

	open_it(folder, init);
	T_EQ_STR(value("SELECT count(*) FROM a"), "1");
	close_it();
	open_it(folder, init);
	T_EQ_STR(value("SELECT count(*) FROM a"), "1");
	close_it();
}

static void sql_fails(const char *folder, const char *text, int line, const char *primary, const char *hint)
{
	const char *init = sg_tmp_write("bad.sql", text);

	T_EQ_INT(try_open(folder, init, NULL), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_EQ_STR(err.file, init);
	T_EQ_INT(err.line, line);
	T_CONTAINS(err.primary, primary);
	T_CONTAINS(err.hint, hint);
	T_NULL(err.statement);
	T_FALSE(is_there(sg_test_strf("%s/data", folder)));
	T_FALSE(is_there(sg_test_strf("%s/making", folder)));
}

SG_TEST(names_the_line_of_a_mistake)
{
	const char *folder = begin();

	sql_fails(folder, "CREATE TABLE a (x int);\n-- ; no\nINSERT INTO a VALUES (1);\n\nINSERT INTO a\nSELECT 1/(x-1) FROM a;\n", 5,
	          "division by zero", "mend the file");
	sql_fails(folder, "CREATE TABLE a ();\n\nSELEC 1;\n", 3, "syntax error", "mend the file");
	sql_fails(folder, "CREATE TABLE a (x int);\nCOPY a FROM stdin;\n1\n\\.\n", 3, "syntax error", "mend the file");
	sql_fails(folder, "CREATE TABLE a (x int);\nCOPY a FROM stdin;\n", 2, "COPY", "Only SQL");
	sql_fails(folder, "CREATE TABLE a (x int);\n\\connect x\n", 2, "syntax error", "Only SQL");
	T_EQ_INT(try_open(folder, "/nonexistent.sql", NULL), -1);
	T_EQ_INT(err.class, SG_CLASS_MANIFEST);
	T_CONTAINS(err.primary, "/nonexistent.sql");
	T_EQ_INT(try_open(folder, sg_tmp_write("latin.sql", "SELECT '\xe4'"), NULL), -1);
	T_CONTAINS(err.primary, "UTF-8");
	T_FALSE(is_there(sg_test_strf("%s/data", folder)));
	/* and then it can be made */
	open_it(folder, sg_tmp_write("good.sql", "CREATE TABLE b ();"));
	T_EQ_STR(value("SELECT count(*) FROM b"), "0");
}

/* ---- several users -------------------------------------------------------- */

/* A process that opens it, says so, and closes it when told; or after ms. */
static pid_t user(const char *folder, const char *init, int64_t ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		sg_stop_install();
		if (try_open(folder, init, NULL) != 0)
			_exit(err.class == SG_CLASS_INTERRUPTED ? 2 : 1);
		(void)sg_stop_sleep(ms);
		sg_embedded_close(embedded);
		_exit(0);
	}
	T_MUST(pid > 0);
	return pid;
}

static int exit_of(pid_t pid)
{
	int status = -1;

	T_TRUE(sg_proc_wait(pid, 60000, &status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *init_once(void)
{
	return sg_tmp_write("once.sql", "CREATE TABLE once AS SELECT 1 AS a; SELECT pg_sleep(0.2); INSERT INTO once VALUES (2);");
}

SG_TEST(is_shared_by_all_who_come)
{
	const char *folder = begin(), *init = init_once();
	pid_t users[8];

	for (int i = 0; i < 8; i++)
		users[i] = user(folder, init, 300);
	for (int i = 0; i < 8; i++)
		T_EQ_INT(exit_of(users[i]), 0);
	all_quiet(folder);
	open_it(folder, init);
	T_EQ_STR(value("SELECT count(*) FROM once"), "2");
}

SG_TEST(is_stopped_by_the_last)
{
	const char *folder = begin();
	pid_t other, server;

	open_it(folder, NULL);
	server = postmaster(folder);
	other = user(folder, NULL, 1500);
	sg_test_sleep_ms(500);
	close_it();
	T_EQ_INT(postmaster(folder), server);
	T_EQ_STR(value("SELECT 1"), "1");
	T_EQ_INT(exit_of(other), 0);
	all_quiet(folder);
	/* a user who died leaves it running; the next takes it over and stops it */
	other = user(folder, NULL, 60000);
	for (int i = 0; i < 500 && postmaster(folder) == 0; i++)
		sg_test_sleep_ms(10);
	sg_test_sleep_ms(300);
	server = postmaster(folder);
	T_GT_INT(server, 1);
	kill(other, SIGKILL);
	T_EQ_INT(exit_of(other), -1);
	T_EQ_INT(kill(server, 0), 0);
	open_it(folder, NULL);
	T_EQ_INT(postmaster(folder), server);
	close_it();
	all_quiet(folder);
}

/* ---- what breaks ---------------------------------------------------------- */

SG_TEST(survives_being_killed_while_it_is_made)
{
	const char *folder = begin(), *init = init_once();

	for (int ms = 5; ms < 900; ms = ms * 2 + 20) {
		pid_t pid = user(folder, init, 0);

		sg_test_sleep_ms(ms);
		kill(pid, SIGKILL);
		(void)exit_of(pid);
	}
	open_it(folder, init);
	T_EQ_STR(value("SELECT count(*) FROM once"), "2");
	T_FALSE(is_there(sg_test_strf("%s/making", folder)));
}

SG_TEST(leaves_nothing_when_interrupted)
{
	const char *folder = begin(), *init = init_once();
	int interrupted = 0;

	for (int ms = 20; ms < 900; ms = ms * 2 + 20) {
		pid_t pid = user(folder, init, 0);
		int status;

		sg_test_sleep_ms(ms);
		kill(pid, SIGINT);
		status = exit_of(pid);
		if (status != 2)
			continue; /* before its handler was there, or after it was done */
		interrupted++;
		T_FALSE(is_there(sg_test_strf("%s/data", folder)));
		T_FALSE(is_there(sg_test_strf("%s/making", folder)));
	}
	T_GT_INT(interrupted, 0);
}

SG_TEST(starts_after_its_postmaster_was_killed)
{
	const char *folder = begin();
	struct sg_sql *busy;

	open_it(folder, NULL);
	busy = sg_sql_open(dsn);
	sg_sql_send(busy, "SELECT count(*) FROM generate_series(1, 20000000)");
	kill(postmaster(folder), SIGKILL);
	sg_test_sleep_ms(50);
	close_it(); /* nothing to stop: no harm */
	open_it(folder, NULL);
	T_EQ_STR(value("SELECT 1"), "1");
	close_it();
	all_quiet(folder);
}

SG_TEST(believes_no_stale_pid)
{
	const char *folder = begin(), *path = sg_test_strf("%s/data/postmaster.pid", folder);
	FILE *file;

	open_it(folder, NULL);
	close_it();
	file = fopen(path, "w"); /* a process that lives, and is none of ours to stop: this one */
	T_MUST(file != NULL);
	fprintf(file, "%d\n%s/data\n1\n5432\n/tmp\n\n\nready   \n", (int)getpid(), folder);
	fclose(file);
	open_it(folder, NULL);
	T_NE_INT(postmaster(folder), getpid());
	T_EQ_STR(value("SELECT 1"), "1");
	close_it();
	all_quiet(folder);
}

SG_TEST(comes_back_when_its_socket_was_swept_away)
{
	const char *folder = begin();
	char socket[128];
	pid_t other = user(folder, NULL, 60000);

	for (int i = 0; i < 500 && postmaster(folder) == 0; i++)
		sg_test_sleep_ms(10);
	sg_test_sleep_ms(300);
	kill(other, SIGKILL);
	(void)exit_of(other);
	open_it(folder, NULL);
	T_MUST_EQ_INT(sscanf(dsn, "host='%127[^']'", socket), 1);
	sg_embedded_close(NULL);
	T_EQ_INT(unlink(sg_test_strf("%s/.s.PGSQL.5432", socket)), 0);
	{
		struct sg_embedded *first = embedded;

		open_it(folder, NULL);
		T_EQ_STR(value("SELECT 1"), "1");
		close_it();
		sg_embedded_close(first);
	}
	all_quiet(folder);
}

SG_TEST(shows_the_log_when_it_does_not_start)
{
	const char *folder = begin();
	FILE *file;

	open_it(folder, NULL);
	close_it();
	file = fopen(sg_test_strf("%s/data/postgresql.conf", folder), "a");
	T_MUST(file != NULL);
	fputs("nonsense = 1\n", file);
	fclose(file);
	T_EQ_INT(try_open(folder, NULL, NULL), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.detail, "unrecognized configuration parameter \"nonsense\"");
	T_CONTAINS(err.hint, "log");
}

SG_TEST(refuses_what_is_not_ours)
{
	const char *folder = begin();
	FILE *file;

	T_MUST(mkdir(folder, 0755) == 0 && mkdir(sg_test_strf("%s/data", folder), 0755) == 0);
	if (geteuid() == 0)
		T_MUST_EQ_INT(chown(sg_test_strf("%s/data", folder), sg_proc_user()->uid, sg_proc_user()->gid), 0);
	file = fopen(sg_test_strf("%s/data/precious", folder), "w");
	T_MUST(file != NULL);
	fclose(file);
	T_EQ_INT(try_open(folder, NULL, NULL), -1);
	T_CONTAINS(err.primary, "no PostgreSQL cluster of ours");
	T_TRUE(is_there(sg_test_strf("%s/data/precious", folder)));
	/* a cluster of another version */
	file = fopen(sg_test_strf("%s/data/PG_VERSION", folder), "w");
	T_MUST(file != NULL);
	fputs("12\n", file);
	fclose(file);
	T_EQ_INT(try_open(folder, NULL, NULL), -1);
	T_EQ_INT(err.class, SG_CLASS_STATE);
	T_CONTAINS(err.primary, "made by PostgreSQL 12");
	T_EQ_INT(try_open(sg_test_strf("%s/new", folder), NULL, "/nonexistent"), -1);
	T_CONTAINS(err.primary, "embedded_bindir");
}

SG_TEST(lives_elsewhere_if_it_must)
{
	const char *base = begin(), *closed = sg_test_strf("%s-closed", base), *folder = sg_test_strf("%s/emb", closed);

	if (geteuid() != 0)
		T_SKIP("only root has folders that the server's user cannot enter");
	T_MUST_EQ_INT(mkdir(closed, 0700), 0);
	open_it(folder, NULL);
	T_FALSE(is_there(folder));
	T_CONTAINS(value("SHOW data_directory"), "/var/tmp/sgrun-0-");
	T_EQ_STR(value("SELECT 1"), "1");
	{
		char *data = strdup(value("SHOW data_directory"));
		struct stat st;

		close_it();
		T_MUST(data != NULL && strlen(data) > 5);
		data[strlen(data) - 5] = '\0'; /* "/data" */
		T_EQ_INT(stat(data, &st), 0);
		T_EQ_INT(st.st_mode & 022, 0);
		sg_tmp_remove(data);
		/* somebody else was there first */
		T_EQ_INT(symlink("/tmp", data), 0);
		T_EQ_INT(try_open(folder, NULL, NULL), -1);
		T_CONTAINS(err.primary, "can be used");
		T_EQ_INT(unlink(data), 0);
		free(data);
	}
}

SG_TEST(finds_room_for_its_socket)
{
	const char *folder = begin();
	char name[80];

	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	setenv("TMPDIR", sg_test_strf("%s/%s", sg_tmp_dir(), name), 1);
	open_it(folder, NULL);
	T_CONTAINS(dsn, "host='/tmp/sgrun-");
	T_EQ_STR(value("SELECT 1"), "1");
	close_it();
	unsetenv("TMPDIR");
}

static const struct sg_test tests[] = {
	SG_CASE(makes_keeps_and_stops), SG_CASE(runs_its_sql_once), SG_CASE(names_the_line_of_a_mistake),
	SG_CASE(is_shared_by_all_who_come), SG_CASE(is_stopped_by_the_last), SG_CASE(survives_being_killed_while_it_is_made),
	SG_CASE(leaves_nothing_when_interrupted), SG_CASE(starts_after_its_postmaster_was_killed),
	SG_CASE(believes_no_stale_pid), SG_CASE(comes_back_when_its_socket_was_swept_away),
	SG_CASE(shows_the_log_when_it_does_not_start), SG_CASE(refuses_what_is_not_ours), SG_CASE(lives_elsewhere_if_it_must),
	SG_CASE(finds_room_for_its_socket), SG_CASES_END
};
static const struct sg_suite suites[] = { { "embedded", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
