/* Scripts, one statement after the other. */
#include "config.h"
#include "core/db/script.h"

#include <stdlib.h>
#include <string.h>

#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

/* Its statements, each in brackets. */
static const char *cut(const char *sql)
{
	const char *all = "";
	size_t at = 0;

	while (sql[at = sg_script_begin(sql, at)] != '\0') {
		size_t end = sg_script_end(sql, at);

		all = sg_test_strf("%s[%.*s]", all, (int)(end - at), sql + at);
		at = end;
	}
	return all;
}

SG_TEST(cuts_at_semicolons)
{
	T_EQ_STR(cut(""), "");
	T_EQ_STR(cut(" ;;-- a;\n/* ; /* ; */ */ one; two"), "[one][two]");
	T_EQ_STR(cut("one ';' \";\"; two E'\\';'; three $$;$$; four $a$ ; $$ ; $a$;"),
	         "[one ';' \";\"][two E'\\';'][three $$;$$][four $a$ ; $$ ; $a$]");
	T_EQ_STR(cut("one /* ; */ two -- ;\n three; four"), "[one /* ; */ two -- ;\n three][four]");
}

SG_TEST(not_in_parentheses_or_bodies)
{
	T_EQ_STR(cut("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); two"),
	         "[CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)][two]");
	T_EQ_STR(cut("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; two"),
	         "[CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END][two]");
	T_EQ_STR(cut("begin atomic select a$end$; end; two; end; three"), "[begin atomic select a$end$; end][two][end][three]");
	/* a transaction's BEGIN and END are statements */
	T_EQ_STR(cut("BEGIN; one; END; two"), "[BEGIN][one][END][two]");
	/* one too many closes nothing */
	T_EQ_STR(cut("one ); two"), "[one )][two]");
}

SG_TEST(what_never_ends_ends_with_the_text)
{
	T_EQ_STR(cut("one 'x; two"), "[one 'x; two]");
	T_EQ_STR(cut("one $a$; two"), "[one $a$; two]");
	T_EQ_STR(cut("one ((; two"), "[one ((; two]");
	T_EQ_STR(cut("one /* ; two"), "[one /* ; two]");
	T_EQ_STR(cut("begin atomic one; two"), "[begin atomic one; two]");
}

SG_TEST(reads_a_file_of_text)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	char *sql = NULL;

	T_MUST_EQ_INT(sg_script_read("init", sg_tmp_write("a.sql", "one;\n"), &arena, &sql, &err), 0);
	T_EQ_STR(sql, "one;\n");
	T_EQ_INT(sg_script_read("init", sg_tmp_write("b.sql", "\xff"), &arena, &sql, &err), -1);
	T_CONTAINS(err.primary, "init: ");
	T_CONTAINS(err.primary, "b.sql is not UTF-8 text");
	T_EQ_INT(sg_script_read("init", sg_tmp_dir(), &arena, &sql, &err), -1);
	T_CONTAINS(err.primary, "is no file of at most 256 MiB");
	T_EQ_INT(sg_script_read("init", "/nowhere/x.sql", &arena, &sql, &err), -1);
	T_EQ_STR(err.primary, "init: cannot read /nowhere/x.sql: No such file or directory");
	T_EQ_INT(err.class, SG_CLASS_MANIFEST);
	sg_err_release(&err);
	sg_arena_release(&arena);
}

static const struct sg_test tests[] = { SG_CASE(cuts_at_semicolons), SG_CASE(not_in_parentheses_or_bodies),
	SG_CASE(what_never_ends_ends_with_the_text), SG_CASE(reads_a_file_of_text), SG_CASES_END };
static const struct sg_suite suites[] = { { "script", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
