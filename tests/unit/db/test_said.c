/* What servers and libpq say, made into errors; and where in a script they mean. */
#include "config.h"
#include "core/db/said.h"

#include <string.h>

#include "core/db/script.h"
#include "tests/kit/test.h"

SG_TEST(tells_all_that_was_said)
{
	struct sg_said said = { .sqlstate = "23505", .severity = "FEHLER", .severity_plain = "ERROR", .primary = "duplicate key",
		.detail = "Key (id)=(1) already exists.", .hint = "Do not.", .position = "8", .schema = "public", .table = "leads",
		.constraint = "leads_pkey", .context = "PL/pgSQL function f() line 3" };
	struct sg_verdict verdict = sg_said_judge(&said, SG_PHASE_STATEMENT, false);
	struct sg_err err = SG_ERR_INIT;

	T_EQ_INT(sg_said_fail(&said, &verdict, "insert x", &err), -1);
	T_EQ_INT(err.class, SG_CLASS_SQL);
	T_EQ_STR(err.sqlstate, "23505");
	T_EQ_STR(err.primary, "duplicate key");
	T_EQ_STR(err.detail, "Key (id)=(1) already exists. (schema public, table leads, constraint leads_pkey)\n"
	                     "in PL/pgSQL function f() line 3");
	T_EQ_STR(err.hint, "Do not.");
	T_EQ_STR(err.statement, "insert x");
	T_EQ_INT(err.position, 8);
	T_FALSE(err.uncertain);
	sg_err_release(&err);
}

SG_TEST(leaves_passwords_out)
{
	struct sg_said said = { .sqlstate = "42710", .severity_plain = "ERROR", .primary = "role \"r\" already exists",
		.context = "SQL statement \"CREATE ROLE r PassWord 's3cret'\"" };
	struct sg_verdict verdict = sg_said_judge(&said, SG_PHASE_STATEMENT, false);
	struct sg_err err = SG_ERR_INIT;

	sg_said_fail(&said, &verdict, NULL, &err);
	T_NULL(err.detail);
	T_NULL(err.statement);
	sg_err_release(&err);
}

static void refused(const char *message, bool password, enum sg_class class, const char *sqlstate, const char *primary,
                    const char *detail, const char *hint)
{
	struct sg_err err = SG_ERR_INIT;

	T_EQ_INT(sg_said_refused(message, password, "h:1", &err), -1);
	T_EQ_STR(sg_class_name(err.class), sg_class_name(class));
	T_EQ_STR(err.sqlstate, sqlstate);
	T_EQ_STR(err.primary, primary);
	T_EQ_STR(err.detail, detail);
	if (hint == NULL)
		T_NULL(err.hint);
	else
		T_CONTAINS(err.hint, hint);
	sg_err_release(&err);
}

SG_TEST(finds_the_sqlstate_of_a_refusal)
{
	refused("connection to server on socket \"/x\" failed: FATAL:  53300: sorry, too many clients already\n"
	        "LOCATION:  InitProcess, proc.c:361\n", false, SG_CLASS_TRANSIENT, "53300",
	        "could not connect to h:1: sorry, too many clients already", NULL, NULL);
	refused("connection to server at \"h\" failed: ВАЖНО:  3D000: нет такой базы\nDETAIL:  d.\nHINT:  t.\n", false,
	        SG_CLASS_REJECTED, "3D000", "could not connect to h:1: нет такой базы", "d.", "t.");
	refused("connection to server on socket \"/x\" failed: FATAL:  08P01: no such database: x\n", false,
	        SG_CLASS_REJECTED, "08P01", "could not connect to h:1: no such database: x", NULL,
	        "correct dsn in [database]");
	refused("connection to server on socket \"/x\" failed: FATAL:  28P01: password authentication failed for user \"u\"\n", false,
	        SG_CLASS_REJECTED, "28P01", "could not connect to h:1: password authentication failed for user \"u\"", NULL,
	        "pg_hba.conf");
	refused("connection to server on socket \"/x\" failed: FATAL:  3D000: database \"x\" does not exist\n", false,
	        SG_CLASS_REJECTED, "3D000", "could not connect to h:1: database \"x\" does not exist", NULL, "create the database");
	refused("connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running on that host"
	        " and accepting TCP/IP connections?\n", false, SG_CLASS_CONNECTION, "",
	        "could not connect to h:1: Connection refused", NULL, "Is the server running");
	refused("connection to server at \"h\" failed: fe_sendauth: no password supplied\n", true, SG_CLASS_REJECTED, "",
	        "could not connect to h:1: fe_sendauth: no password supplied", NULL, "~/.pgpass");
	refused("invalid sslmode value: \"x\"\n", false, SG_CLASS_REJECTED, "",
	        "could not connect to h:1: invalid sslmode value: \"x\"", NULL, "correct dsn");
	/* not taken for a code: lower case, too long, cut off */
	refused("a:  12345x: y\n", false, SG_CLASS_CONNECTION, "", "could not connect to h:1: a:  12345x: y", NULL,
	        "Is the server");
	refused("a:  1234", false, SG_CLASS_CONNECTION, "", "could not connect to h:1: a:  1234", NULL, "Is the server");
	refused("", false, SG_CLASS_CONNECTION, "", "could not connect to h:1: ", NULL, "Is the server");
}

static void statement_is(const char *sql, int n, const char *start)
{
	T_EQ_STR(sql + sg_script_statement(sql, n), start);
}

SG_TEST(finds_statements_in_scripts)
{
	statement_is("one; two;\n three", 0, "one; two;\n three");
	statement_is("one; two;\n three", 1, "two;\n three");
	statement_is("one; two;\n three", 2, "three");
	statement_is("one; two;\n three", 3, "");
	statement_is(" ;;; one;; /* ; /* ; */ ; */ two -- ;\n; three", 1, "two -- ;\n; three");
	statement_is("-- a;\none 'x;''y;'; two", 1, "two");
	statement_is("one E'\\';'; two", 1, "two");
	statement_is("one e';\\\\'; two", 1, "two");
	statement_is("one name'\\'; two", 1, "two");
	statement_is("one \";\"\";\"; two", 1, "two");
	statement_is("do $$ ; $x$ ; $$; two", 1, "two");
	statement_is("do $x$ ; $$ ; $y$ ; $x$; two", 1, "two");
	statement_is("select $1; two", 1, "two");
	statement_is("select a$b$c; two$b$", 1, "two$b$");
	statement_is("unclosed 'x; two", 1, "");
	statement_is("unclosed $a$x; two", 1, "");
	statement_is("unclosed /* x; two", 1, "");
	statement_is("", 0, "");
}

static const struct sg_test tests[] = { SG_CASE(tells_all_that_was_said), SG_CASE(leaves_passwords_out),
	SG_CASE(finds_the_sqlstate_of_a_refusal), SG_CASE(finds_statements_in_scripts), SG_CASES_END };
static const struct sg_suite suites[] = { { "said", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
