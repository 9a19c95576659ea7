/* Where a schema comes from: a file or a database, and how that is told; and how strong locks are. */
#include "config.h"
#include "core/rehearse/schema_from.h"

#include <stdlib.h>

#include "core/rehearse/trace.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

SG_TEST(tells_files_from_databases)
{
	T_TRUE(sg_schema_from_is_dsn("postgresql://app@db/crm"));
	T_TRUE(sg_schema_from_is_dsn("postgres://"));
	T_TRUE(sg_schema_from_is_dsn("dbname=crm"));
	T_TRUE(sg_schema_from_is_dsn("host = db dbname=crm"));
	T_FALSE(sg_schema_from_is_dsn("schema.sql"));
	T_FALSE(sg_schema_from_is_dsn("./a=b.sql"));
	T_FALSE(sg_schema_from_is_dsn("etc/version=2.sql"));
	T_FALSE(sg_schema_from_is_dsn("=x"));
	T_FALSE(sg_schema_from_is_dsn(""));
	T_FALSE(sg_schema_from_is_dsn(sg_tmp_write("dbname=x", "")));
}

SG_TEST(names_no_secret)
{
	struct sg_arena arena = SG_ARENA_INIT;

	T_EQ_STR(sg_schema_from_name("postgresql://app:pass-word@db.example:6432/crm?sslpassword=other-word", &arena),
	         "host=db.example port=6432 dbname=crm user=app");
	T_EQ_STR(sg_schema_from_name("host=a,b port=1,2 password=pass-word dbname=crm user=x", &arena),
	         "host=a,b port=1,2 dbname=crm user=x");
	/* not readable: nothing of it is repeated */
	T_EQ_STR(sg_schema_from_name("postgresql://app:pass/word@db/crm", &arena), "a database");
	T_EQ_STR(sg_schema_from_name("etc/schema.sql", &arena), "etc/schema.sql");
	sg_arena_release(&arena);
}

SG_TEST(refuses_what_would_be_seen)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;

	T_EQ_INT(sg_schema_from_dump("host=h sslpassword=pass-word", "/nowhere", "sgrun", false, "/nowhere/x", &arena, &err), -1);
	T_CONTAINS(err.primary, "sslpassword");
	T_LACKS(err.primary, "pass-word");
	T_EQ_INT(sg_schema_from_dump("host=h", "/nowhere", "sgrun", false, "/nowhere/x", &arena, &err), -1);
	T_CONTAINS(err.primary, "there is no /nowhere/pg_dump");
	T_EQ_INT(sg_schema_from_dump("host='h", "/nowhere", "sgrun", false, "/nowhere/x", &arena, &err), -1);
	T_CONTAINS(err.primary, "--schema-from: ");
	sg_err_release(&err);
	sg_arena_release(&arena);
}

SG_TEST(knows_the_eight_locks)
{
	T_EQ_INT(sg_lock_strength("AccessShareLock"), 1);
	T_EQ_INT(sg_lock_strength("ShareUpdateExclusiveLock"), 4);
	T_EQ_INT(sg_lock_strength("ShareRowExclusiveLock"), 6);
	T_EQ_INT(sg_lock_strength("AccessExclusiveLock"), 8);
	T_EQ_INT(sg_lock_strength("SIReadLock"), 0);
}

static const struct sg_test tests[] = { SG_CASE(tells_files_from_databases), SG_CASE(names_no_secret),
	SG_CASE(refuses_what_would_be_seen), SG_CASE(knows_the_eight_locks), SG_CASES_END };
static const struct sg_suite suites[] = { { "schema_from", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
