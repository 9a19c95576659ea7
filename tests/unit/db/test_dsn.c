/* Connection strings: what they become, what is refused, and that no password is told. */
#include "config.h"
#include "core/db/dsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/db/conninfo.h"
#include "tests/kit/test.h"

static struct sg_arena arena;

static void release(void *unused)
{
	(void)unused;
	sg_arena_release(&arena);
}

/* A clean slate: no PG* of whoever runs the tests, no service file, no memory left at the end. */
static void begin(void)
{
	static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD",
		"PGSERVICE", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE", "PGGSSENCMODE", "PGPASSFILE", "PGCLIENTENCODING" };

	for (size_t i = 0; i < SG_COUNT(names); i++)
		unsetenv(names[i]);
	setenv("PGSERVICEFILE", "/nonexistent", 1);
	setenv("PGUSER", "me", 1);
	sg_test_defer(release, NULL);
}

static struct sg_dsn parse(const char *text)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_dsn dsn = { 0 };

	if (sg_dsn_parse(text, &arena, &dsn, &err) != 0)
		T_FATAL("%s: %s", text, err.primary);
	return dsn;
}

static void refuses(const char *text, const char *part)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_dsn dsn = { 0 };

	T_EQ_INT(sg_dsn_parse(text, &arena, &dsn, &err), -1);
	T_EQ_INT(err.class, SG_CLASS_MANIFEST);
	T_CONTAINS(err.primary, part);
	T_NOT_NULL(err.hint);
	T_LACKS(sg_test_strf("%s %s %s", err.primary, err.detail ? err.detail : "", err.hint ? err.hint : ""), "s3cret");
	sg_err_release(&err);
}

SG_TEST(reads_a_uri)
{
	struct sg_dsn dsn;

	begin();
	dsn = parse("postgresql://app:s3c%40ret@db.example.com:6432/crm?sslmode=require");
	T_EQ_STR(dsn.text, "crm at db.example.com:6432 as app");
	T_EQ_STR(dsn.database, "crm");
	T_EQ_STR(sg_dsn_get(&dsn, "password"), "s3c@ret");
	T_EQ_STR(sg_dsn_get(&dsn, "sslmode"), "require");
	T_EQ_STR(sg_dsn_get(&dsn, "gssencmode"), "disable");
	T_EQ_STR(sg_dsn_get(&dsn, "tcp_user_timeout"), "30000");
}

SG_TEST(lets_the_user_decide)
{
	struct sg_dsn dsn;

	begin();
	dsn = parse("host=a gssencmode=prefer keepalives_idle=60 application_name=x connect_timeout=3 client_encoding=latin1");
	T_EQ_STR(sg_dsn_get(&dsn, "gssencmode"), "prefer");
	T_EQ_STR(sg_dsn_get(&dsn, "keepalives_idle"), "60");
	T_NULL(sg_dsn_get(&dsn, "application_name"));
	T_NULL(sg_dsn_get(&dsn, "client_encoding"));
	T_NULL(sg_dsn_get(&dsn, "connect_timeout"));
}

SG_TEST(takes_the_environment)
{
	struct sg_dsn dsn;

	begin();
	setenv("PGHOST", "envhost", 1);
	setenv("PGPASSWORD", "s3cret", 1);
	setenv("PGGSSENCMODE", "require", 1);
	dsn = parse("");
	T_EQ_STR(dsn.text, "me at envhost:5432 as me");
	T_EQ_STR(dsn.database, "me");
	T_EQ_STR(sg_dsn_get(&dsn, "password"), "s3cret");
	T_EQ_STR(sg_dsn_get(&dsn, "gssencmode"), "require");
	dsn = parse("host=given dbname=d");
	T_EQ_STR(dsn.text, "d at given:5432 as me");
}

SG_TEST(reads_service_files)
{
	char path[] = "/tmp/sgdsnXXXXXX";
	int fd = mkstemp(path);
	FILE *file;
	struct sg_dsn dsn;

	begin();
	T_MUST(fd >= 0);
	file = fdopen(fd, "w");
	T_MUST(file != NULL);
	fputs("[crm]\nhost=svchost\nport=7000\ndbname=svcdb\n[bad]\noptions=-cfoo=1\n", file);
	fclose(file);
	setenv("PGSERVICEFILE", path, 1);
	setenv("PGPORT", "1234", 1);
	dsn = parse("service=crm dbname=mine");
	T_EQ_STR(dsn.text, "mine at svchost:7000 as me");
	T_NULL(getenv("PGSERVICE"));
	setenv("PGSERVICE", "crm", 1);
	dsn = parse("");
	T_EQ_STR(dsn.text, "svcdb at svchost:7000 as me");
	refuses("service=bad", "options");
	T_EQ_STR(getenv("PGSERVICE"), "crm");
	unlink(path);
}

SG_TEST(refuses_options)
{
	begin();
	refuses("host=a options='-c lock_timeout=0'", "options");
	refuses("postgres://a/b?options=-cfoo%3D1", "options");
	refuses("host=a replication=database", "replication");
	setenv("PGOPTIONS", "-c foo=1", 1);
	refuses("host=a", "PGOPTIONS");
}

SG_TEST(never_repeats_a_password)
{
	begin();
	refuses("postgresql://u:s3cret%zz@h/d", "cannot be read");
	refuses("host=h pasword=s3cret", "cannot be read");
	refuses("s3cret", "cannot be read");
	refuses("host=h password='s3cret", "cannot be read");
	/* not percent-encoded: libpq would take parts of it for host, port, database */
	refuses("postgresql://u:x/s3cret@h/d", "cannot be read");
	refuses("postgresql://u:x@s3cret@h/d", "cannot be read");
	refuses("postgresql://u:12/s3cret@h/d", "cannot be read");
	T_LACKS(parse("postgresql://u:s3cret@h/d").text, "s3cret");
	T_LACKS(parse("host=h user=u password=s3cret").text, "s3cret");
}

SG_TEST(takes_secrets_away)
{
	static const char *const names[] = { "SG_T_URL", "SG_T_NONE", NULL, "SG_T_URL", "" };
	char *password, *url;

	begin();
	setenv("PGPASSWORD", "s3cret", 1);
	setenv("SG_T_URL", "postgres://u:s3cret@h/d", 1);
	password = getenv("PGPASSWORD");
	url = getenv("SG_T_URL");
	sg_dsn_take_secrets(names, SG_COUNT(names));
	T_NULL(getenv("PGPASSWORD"));
	T_NULL(getenv("SG_T_URL"));
	/* /proc/PID/environ shows these bytes: glibc frees none of them */
	T_EQ_INT(password[0], 0);
	T_EQ_INT(url[12], 0);
}

static struct sg_target *targets_of(const char *text, size_t *count_r)
{
	struct sg_dsn dsn = parse(text);
	struct sg_target *targets;

	*count_r = sg_dsn_targets(&dsn, &arena, &targets);
	return targets;
}

static const char *value_of(const struct sg_target *target, const char *keyword)
{
	struct sg_dsn dsn = { target->keywords, target->values, NULL, NULL };

	return sg_dsn_get(&dsn, keyword);
}

SG_TEST(tries_each_host)
{
	struct sg_target *t;
	size_t n;

	begin();
	t = targets_of("host=/a,127.0.0.1,/c port=1,,3 dbname=d", &n);
	T_MUST_EQ_INT(n, 3);
	T_EQ_STR(t[0].text, "/a:1");
	T_EQ_STR(t[1].text, "127.0.0.1");
	T_NULL(value_of(&t[1], "port"));
	T_EQ_STR(t[2].text, "/c:3");
	T_EQ_STR(value_of(&t[2], "host"), "/c");
	T_EQ_STR(value_of(&t[2], "dbname"), "d");
	t = targets_of("hostaddr=127.0.0.1,127.0.0.2 host=x,y port=9", &n);
	T_MUST_EQ_INT(n, 2);
	T_EQ_STR(t[1].text, "y:9 (127.0.0.2)");
	T_EQ_STR(value_of(&t[1], "hostaddr"), "127.0.0.2");
	t = targets_of("port=9", &n);
	T_MUST_EQ_INT(n, 1);
	T_EQ_STR(t[0].text, "the local socket:9");
	/* lists that do not match are left to libpq, which refuses them */
	t = targets_of("host=/a,/b,/c port=1,2", &n);
	T_MUST_EQ_INT(n, 1);
	T_EQ_STR(value_of(&t[0], "host"), "/a,/b,/c");
}

SG_TEST(puts_keywords)
{
	struct sg_dsn dsn;

	begin();
	dsn = parse("host=/a");
	sg_dsn_put(&dsn, &arena, "host", "/b");
	sg_dsn_put(&dsn, &arena, "application_name", "x");
	T_EQ_STR(sg_dsn_get(&dsn, "host"), "/b");
	T_EQ_STR(sg_dsn_get(&dsn, "application_name"), "x");
}

static const struct sg_test tests[] = {
	SG_CASE(reads_a_uri), SG_CASE(lets_the_user_decide), SG_CASE(takes_the_environment), SG_CASE(reads_service_files),
	SG_CASE(refuses_options), SG_CASE(never_repeats_a_password), SG_CASE(takes_secrets_away), SG_CASE(tries_each_host),
	SG_CASE(puts_keywords), SG_CASES_END
};
static const struct sg_suite suites[] = { { "dsn", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
