/* schema_from.c - see schema_from.h: pg_dump as a child of ours.
 *
 * It gets the connection as libpq reads it, all but the password, on its command line; the password in its environment, which only
 * its own user can read. It runs as we do, since that is how the connection is meant. */
#include "config.h"
#include "core/rehearse/schema_from.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/db/child.h"
#include "core/db/db.h"
#include "core/db/dsn.h"
#include "core/db/embedded.h"

#define DUMP_MS (15 * 60 * 1000)
#define LOCK_WAIT "--lock-wait-timeout=10000"
#define SAYS_BYTES 4000
#define FILE_BYTES ((size_t)64 << 20)

bool sg_schema_from_is_dsn(const char *from)
{
	const char *equals = strchr(from, '=');

	if (sg_text_prefix(from, "postgres://") || sg_text_prefix(from, "postgresql://"))
		return true;
	/* "dbname=crm", "host = db": a word of libpq's and an equals sign; a file of such a name can be given as ./name */
	if (equals == NULL || access(from, F_OK) == 0)
		return false;
	for (const char *at = from; at < equals; at++)
		if (strchr("abcdefghijklmnopqrstuvwxyz_ \t", *at) == NULL)
			return false;
	return equals > from;
}

static bool is_secret(const char *keyword)
{
	return strcmp(keyword, "password") == 0 || strcmp(keyword, "sslpassword") == 0;
}

static const char *get(const struct sg_dsn *dsn, const char *keyword)
{
	for (size_t i = 0; dsn->keywords[i] != NULL; i++)
		if (strcmp(dsn->keywords[i], keyword) == 0)
			return dsn->values[i];
	return NULL;
}

const char *sg_schema_from_name(const char *from, struct sg_arena *arena)
{
	static const char *const told[] = { "host", "hostaddr", "port", "dbname", "user" };
	struct sg_err err = SG_ERR_INIT;
	struct sg_buf text = SG_BUF_INIT;
	struct sg_dsn dsn;
	const char *name;

	if (!sg_schema_from_is_dsn(from))
		return from;
	if (sg_dsn_parse(from, arena, &dsn, &err) == 0)
		for (size_t i = 0; i < SG_COUNT(told); i++)
			if (get(&dsn, told[i]) != NULL)
				sg_buf_addf(&text, "%s%s=%s", text.length > 0 ? " " : "", told[i], get(&dsn, told[i]));
	sg_err_release(&err);
	name = text.length > 0 ? sg_arena_strdup(arena, text.data) : "a database";
	sg_buf_release(&text);
	return name;
}

/* ---- running it --------------------------------------------------------------------- */

static const char *conninfo(const struct sg_dsn *dsn, struct sg_arena *arena)
{
	struct sg_buf text = SG_BUF_INIT;
	const char *copy;

	for (size_t i = 0; dsn->keywords[i] != NULL; i++) {
		if (is_secret(dsn->keywords[i]) || dsn->values[i] == NULL)
			continue;
		sg_buf_addf(&text, "%s='", dsn->keywords[i]);
		for (const char *at = dsn->values[i]; *at != '\0'; at++) {
			if (*at == '\'' || *at == '\\')
				sg_buf_addc(&text, '\\');
			sg_buf_addc(&text, *at);
		}
		sg_buf_adds(&text, "' ");
	}
	sg_buf_adds(&text, "connect_timeout='20' application_name='sgrun'");
	copy = sg_arena_strdup(arena, text.data);
	sg_buf_release(&text);
	return copy;
}

/* What it wrote to stderr, at most its end; in the arena. */
static const char *said(int fd, struct sg_arena *arena)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char *text = sg_arena_alloc(arena, SAYS_BYTES + 1);
	ssize_t got = pread(fd, text, SAYS_BYTES, end > SAYS_BYTES ? end - SAYS_BYTES : 0);

	got = got > 0 ? got : 0;
	while (got > 0 && text[got - 1] == '\n')
		got--;
	text[got] = '\0';
	return text;
}

/* "pg_dump: detail: server version: 17.5; pg_dump version: 15.20" */
static int explain_version(const char *program, const char *says, struct sg_err *err)
{
	const char *server = strstr(says, "server version: "), *own = strstr(says, "pg_dump version: ");

	sg_err_set(err, SG_CLASS_STATE, "pg_dump is older than the server: %s is of version %d, the server of %d", program,
	           own != NULL ? atoi(own + strlen("pg_dump version: ")) : 0,
	           server != NULL ? atoi(server + strlen("server version: ")) : 0);
	return sg_err_hint(err, "Install the client programs of the server's version, and name their folder in embedded_bindir; or dump"
	                        " the schema with them, and give the file to --schema-from.");
}

static int explain(const char *program, int status, const char *says, struct sg_err *err)
{
	if (strstr(says, "server version mismatch") != NULL)
		return explain_version(program, says, err);
	if (strstr(says, "cannot run ") != NULL && strstr(says, "sgrun: ") != NULL) {
		sg_err_set(err, SG_CLASS_STATE, "pg_dump cannot be run: there is no %s", program);
		return sg_err_hint(err, "Install PostgreSQL's client programs (Debian package: postgresql-client), or dump the schema"
		                        " elsewhere, and give the file to --schema-from.");
	}
	sg_err_set(err, strstr(says, "connection to server") != NULL ? SG_CLASS_CONNECTION : SG_CLASS_STATE,
	           "pg_dump could not read the schema");
	if (says[0] != '\0')
		sg_err_detail(err, "%s", says);
	else
		sg_err_detail(err, "Its wait status is %d, and it said nothing.", status);
	return sg_err_hint(err, "The role needs USAGE on the schemas and SELECT on the tables. Or dump the schema with a role that may, and"
	                        " give the file to --schema-from.");
}

/* To its end; says_r: its messages. */
static int run(const char *const *argv, const char *const *settings, int64_t deadline, const char **says_r,
               struct sg_arena *arena, struct sg_err *err)
{
	const struct sg_child_user self = { geteuid(), getegid(), false };
	int fd = memfd_create("pg_dump", MFD_CLOEXEC), status = -1, rc = 0;
	pid_t pid = fd >= 0 ? sg_child_start_with(&self, argv, settings, fd, true) : -1;

	*says_r = "";
	if (pid < 0)
		rc = sg_err_set(err, SG_CLASS_STATE, "cannot start pg_dump: %s", strerror(errno));
	while (rc == 0 && !sg_child_ended(pid, 20, &status)) {
		if (sg_stop_count() > 0)
			rc = sg_stop_err(err);
		else if (sg_clock_left(deadline) == 0)
			rc = sg_err_set(err, SG_CLASS_STATE, "pg_dump has not come to an end in %d minutes", DUMP_MS / 60000);
		if (rc != 0)
			sg_child_kill(pid);
	}
	if (rc == 0)
		*says_r = said(fd, arena);
	if (rc == 0 && status != 0)
		rc = explain(argv[0], status, *says_r, err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* ---- the two parts --------------------------------------------------------------------- */

/* A pattern of pg_dump's that means this name and no other: in double quotes nothing in it is special. */
static const char *pattern(const char *option, const char *schema, const char *rest, struct sg_arena *arena)
{
	return sg_arena_printf(arena, "%s%s%s", option, sg_db_identifier(arena, schema), rest);
}

static int append(const char *from, const char *to, struct sg_err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = open(to, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	char block[65536];
	size_t total = 0;
	ssize_t got = in >= 0 && out >= 0 ? 1 : -1;

	while (got > 0 && (got = read(in, block, sizeof block)) > 0 && total <= FILE_BYTES) {
		total += (size_t)got;
		if (write(out, block, (size_t)got) != got)
			got = -1;
	}
	if (in >= 0)
		(void)close(in);
	if (out >= 0 && close(out) != 0)
		got = -1;
	return got < 0 ? sg_err_set(err, SG_CLASS_STATE, "cannot write %s: %s", to, strerror(errno)) : 0;
}

/* The rows of the ledger, if there is one: a pattern that matches no table is an error of pg_dump's. */
static int dump_ledger(const char *program, const char *info, const char *const *settings, const char *state_schema,
                       const char *file, int64_t deadline, struct sg_arena *arena, struct sg_err *err)
{
	const char *part = sg_arena_printf(arena, "%s.ledger", file), *says;
	const char *const argv[] = {
		program, "--data-only", "--column-inserts", "--no-owner", "--no-privileges", "--no-password", "--encoding=UTF8", LOCK_WAIT,
		pattern("--table=", state_schema, ".schema_migrations", arena), "--file", part, "--dbname", info, NULL };
	int status = run(argv, settings, deadline, &says, arena, err);

	if (status != 0 && err->detail != NULL && strstr(err->detail, "no matching tables were found") != NULL) {
		sg_err_clear(err);
		status = 0;
	} else if (status == 0) {
		status = append(part, file, err);
	}
	(void)unlink(part);
	return status;
}

int sg_schema_from_dump(const char *dsn_text, const char *bindir, const char *state_schema, bool ledger, const char *file,
                        struct sg_arena *arena, struct sg_err *err)
{
	const char *program = sg_embedded_program(bindir, "pg_dump", arena), *settings[4] = { NULL }, *info, *says;
	int64_t deadline = sg_clock_ms() + DUMP_MS;
	struct sg_dsn dsn;
	size_t count = 0;
	int status;

	if (sg_dsn_parse(dsn_text, arena, &dsn, err) != 0) {
		sg_err_wrap(err, "--schema-from");
		return -1;
	}
	if (get(&dsn, "sslpassword") != NULL) {
		sg_err_set(err, SG_CLASS_STATE, "--schema-from: sslpassword cannot be handed to pg_dump without being seen");
		return sg_err_hint(err, "Use a key without one, or dump the schema yourself, and give the file to --schema-from.");
	}
	info = conninfo(&dsn, arena);
	if (get(&dsn, "password") != NULL)
		settings[count++] = sg_arena_printf(arena, "PGPASSWORD=%s", get(&dsn, "password"));
	if (getenv("HOME") != NULL) /* ~/.pgpass, ~/.postgresql */
		settings[count++] = sg_arena_printf(arena, "HOME=%s", getenv("HOME"));
	if (getenv("PGPASSFILE") != NULL)
		settings[count++] = sg_arena_printf(arena, "PGPASSFILE=%s", getenv("PGPASSFILE"));
	{
		const char *const argv[] = {
			program, "--schema-only", "--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications",
			"--no-subscriptions", "--no-security-labels", "--no-password", "--encoding=UTF8", LOCK_WAIT,
			pattern("--exclude-schema=", state_schema, "", arena), "--file", file, "--dbname", info, NULL };

		sg_log(SG_LOG_INFO, "schema", NULL, 0, "reading the schema of %s with %s", dsn.text, program);
		status = run(argv, settings, deadline, &says, arena, err);
	}
	if (status == 0 && says[0] != '\0')
		sg_log(SG_LOG_WARNING, "schema", NULL, 0, "%s", says);
	if (status == 0 && ledger)
		status = dump_ledger(program, info, settings, state_schema, file, deadline, arena, err);
	return status;
}
