/* dsn.c - the connection string: read, checked, completed, told to people.
 *
 * Everything is resolved once (service file, environment, defaults), because
 * afterwards the secrets are taken out of the environment. Never repeats the
 * text it was given, nor libpq's message about it: either may hold a password. */
#include "config.h"
#include "core/db/dsn.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/db/conninfo.h"

/* What we want unless the user said otherwise. Half-open connections are found
 * within half a minute, about the time of a lease; negotiating GSSAPI first
 * costs a round trip that hardly anyone needs. */
static const struct { const char *keyword, *value; } wishes[] = {
	{ "gssencmode", "disable" },
	{ "keepalives_idle", "15" },
	{ "keepalives_interval", "5" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "30000" },
};

/* What we decide, whatever the user said. */
static bool is_ours(const char *keyword)
{
	return strcmp(keyword, "application_name") == 0 || strcmp(keyword, "fallback_application_name") == 0 ||
	       strcmp(keyword, "client_encoding") == 0 || strcmp(keyword, "connect_timeout") == 0;
}

const char *sg_dsn_get(const struct sg_dsn *dsn, const char *keyword)
{
	for (size_t i = 0; dsn->keywords[i] != NULL; i++)
		if (strcmp(dsn->keywords[i], keyword) == 0)
			return dsn->values[i];
	return NULL;
}

void sg_dsn_put(struct sg_dsn *dsn, struct sg_arena *arena, const char *keyword, const char *value)
{
	const char **keywords, **values;
	size_t count = 0, at;

	while (dsn->keywords[count] != NULL)
		count++;
	keywords = sg_arena_array(arena, count + 2, sizeof *keywords);
	values = sg_arena_array(arena, count + 2, sizeof *values);
	for (at = 0; at < count && strcmp(dsn->keywords[at], keyword) != 0; at++)
		;
	for (size_t i = 0; i < count; i++) {
		keywords[i] = dsn->keywords[i];
		values[i] = dsn->values[i];
	}
	keywords[at] = sg_arena_strdup(arena, keyword);
	values[at] = sg_arena_strdup(arena, value);
	dsn->keywords = keywords;
	dsn->values = values;
}

static const char *say(const struct sg_dsn *dsn, const char *database, struct sg_arena *arena)
{
	const char *host = sg_dsn_get(dsn, "host"), *port = sg_dsn_get(dsn, "port"), *user = sg_dsn_get(dsn, "user");

	if (host == NULL)
		host = sg_dsn_get(dsn, "hostaddr");
	return sg_arena_printf(arena, "%s at %s%s%s as %s", database, host ? host : "the local socket", port ? ":" : "",
	                       port ? port : "", user ? user : "?");
}

static int refuse_options(struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_MANIFEST, "the connection has server options (options=… or PGOPTIONS), which are refused");
	return sg_err_hint(err, "Remove them, and unset PGOPTIONS: a pooler drops them in silence."
	                        " Time limits belong in [policy], everything else to the role (ALTER ROLE … SET).");
}

static int refuse_text(struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_MANIFEST, "the connection string cannot be read");
	return sg_err_hint(err, "Write postgresql://user@host:5432/dbname, or host=… port=5432 dbname=… user=…;"
	                        " in a URI, characters like @ : / ? # %% in a password are written as %%40 and so on.");
}

/* postgresql://u:pa/ss@host/db is host u, port pa, database ss@host/db to libpq:
 * a password that was not encoded would turn up in messages as something else. */
static bool looks_torn(const char *text, const struct sg_dsn *dsn)
{
	const char *host = sg_dsn_get(dsn, "host"), *port = sg_dsn_get(dsn, "port"), *database = sg_dsn_get(dsn, "dbname");
	bool uri = sg_text_prefix(text, "postgresql://") || sg_text_prefix(text, "postgres://");

	if (port != NULL && strspn(port, "0123456789,") != strlen(port))
		return true;
	return uri && ((host != NULL && strchr(host, '@') > host) || (database != NULL && strpbrk(database, "@/:") != NULL));
}

int sg_dsn_parse(const char *text, struct sg_arena *arena, struct sg_dsn *dsn_r, struct sg_err *err)
{
	struct sg_conninfo *list;
	struct sg_dsn dsn = { 0 };
	const char **keywords, **values;
	size_t count, n = 0;

	if (sg_conninfo_read(text, arena, &list, &count) != 0)
		return refuse_text(err);
	keywords = sg_arena_array(arena, count + SG_COUNT(wishes) + 1, sizeof *keywords);
	values = sg_arena_array(arena, count + SG_COUNT(wishes) + 1, sizeof *values);
	for (size_t i = 0; i < count; i++) {
		bool wished = false;

		if (strcmp(list[i].keyword, "options") == 0)
			return refuse_options(err);
		if (strcmp(list[i].keyword, "replication") == 0) {
			sg_err_set(err, SG_CLASS_MANIFEST, "a replication connection cannot run migrations");
			return sg_err_hint(err, "Remove replication=… from the connection string.");
		}
		for (size_t j = 0; j < SG_COUNT(wishes); j++)
			wished = wished || strcmp(list[i].keyword, wishes[j].keyword) == 0;
		if (is_ours(list[i].keyword) || (wished && !list[i].given))
			continue;
		keywords[n] = list[i].keyword;
		values[n++] = list[i].value;
	}
	dsn.keywords = keywords;
	dsn.values = values;
	for (size_t j = 0; j < SG_COUNT(wishes); j++)
		if (sg_dsn_get(&dsn, wishes[j].keyword) == NULL) {
			keywords[n] = wishes[j].keyword;
			values[n++] = wishes[j].value;
		}
	if (looks_torn(text, &dsn))
		return refuse_text(err);
	dsn.database = sg_dsn_get(&dsn, "dbname");
	if (dsn.database == NULL)
		dsn.database = sg_dsn_get(&dsn, "user");
	if (dsn.database == NULL)
		dsn.database = "?";
	dsn.text = say(&dsn, dsn.database, arena);
	*dsn_r = dsn;
	return 0;
}

/* In place first: what a process was started with stays readable in
 * /proc/PID/environ after unsetenv(). */
static void forget(const char *name)
{
	char *value;

	while ((value = getenv(name)) != NULL) {
		explicit_bzero(value, strlen(value));
		if (unsetenv(name) != 0)
			return; /* an impossible name, "" or with '=' */
	}
}

void sg_dsn_take_secrets(const char *const *names, size_t count)
{
	forget("PGPASSWORD");
	for (size_t i = 0; i < count; i++)
		if (names[i] != NULL)
			forget(names[i]);
}
