/*
 * The reader of lines: what inih would cut, split, swallow or invent, and what is no text.
 */
#include "config.h"

#include "core/manifest/ini.h"
#include "tests/unit/manifest/read.h"

#include <stdio.h>

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char *title(const char *lines)
{
    const struct read *r = read_good(sg_test_strf(HEAD MIGRATION("a") "%s", lines));

    T_MUST_EQ_INT(r->manifest.step_count, 1);
    return r->manifest.steps[0].title;
}

static const char *where(const char *lines)
{
    return read_good(sg_test_strf(HEAD "[index a]\ntable = t\ncolumns = c\n%s", lines))->manifest.steps[0].where;
}

SG_TEST(values_are_trimmed_and_joined)
{
    T_EQ_STR(title("title = one\n"), "one");
    T_EQ_STR(title("title=one\n"), "one");
    T_EQ_STR(title("title\t=\tone two \t\n"), "one two");
    T_EQ_STR(title("title = one\n  two\n\tthree  \n"), "one two three");
    T_EQ_STR(title("title = one\n\n  two\n"), "one two");
    T_EQ_STR(title("title =\n  two\n"), "two");
    T_EQ_STR(title("title = a = b : c\n"), "a = b : c");
    T_EQ_STR(title("title = [x]\n"), "[x]");
    T_EQ_STR(title("title = \"quoted\"\n"), "\"quoted\"");
    T_EQ_STR(title("title = größer €\n"), "größer €");
    T_EQ_STR(title("title =\n"), NULL);
    T_EQ_STR(title("title = ; nothing\n"), NULL);
}

SG_TEST(comments)
{
    T_EQ_STR(title("; title = x\n# title = y\ntitle = z\n"), "z");
    T_EQ_STR(title("title = one ; two\n"), "one");
    T_EQ_STR(title("title = one\t; two\n"), "one");
    T_EQ_STR(title("title = one;two\n"), "one;two");
    T_EQ_STR(title("title =;two\n"), ";two");
    T_EQ_STR(title("title = one # two\n"), "one # two");
    T_EQ_STR(title("title = don't ; two\n"), "don't");
    /* a continuation is read like a first line, which inih does not do */
    T_EQ_STR(title("title = one\n  two ; three\n  four\n"), "one two four");
    T_EQ_STR(title("title = one\n; between\n  two\n"), "one two");
    /* indented comments, where they cannot be part of a value */
    T_EQ_STR(title("title = one\n      ; two\n      # three\n  four\n"), "one four");
    T_EQ_STR(read_good(HEAD "[policy]\n  ; first\nmax_retries = 3\n")->manifest.path, "etc/m.ini");
    /* however long they are */
    T_EQ_STR(title("; " X50 X50 X50 X50 X50 "\n" "title = x ; " X50 X50 X50 X50 "\n"), "x");
}

SG_TEST(sql_is_not_cut_in_silence)
{
    T_EQ_STR(where("where = a <> ';' ; no deleted ones\n"), "a <> ';'");
    T_EQ_STR(where("where = a <> 'x;y'\n"), "a <> 'x;y'");
    T_EQ_STR(where("where = a <> 'it''s'\n  AND b ; why\n"), "a <> 'it''s' AND b");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nwhere = a <> 'x ; y'\n", 4, "\" ;\" in where", "Leave out the blank");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = \"a ;b\"\n", 3, "\" ;\" in columns", "Leave out the blank");
    /* a quote that a line opens is still open in the next */
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nwhere = a <> 'x\n  y ; z'\n", 5, "\" ;\" in where", "Leave out the blank");
    T_ERROR("[sgrun]\nplugin_path = a\n[database]\ndsn = host=x password='a ;b'\n", 4, "\" ;\" in dsn", "Leave out the blank");
    /* in a whole statement, and in text for a plugin, never */
    T_ERROR_IN("[index a]\nsql = CREATE INDEX CONCURRENTLY a ON t (c) ; WHERE d\n", 2, "\" ;\" in sql", "comment on a line");
    T_ERROR_IN("[index a]\nsql = CREATE INDEX CONCURRENTLY a\n  ON t (c) ; done\n", 3, "\" ;\" in sql", "comment on a line");
    T_ERROR_IN(MIGRATION("a") "option.query = SELECT 1 ; SELECT 2\n", 3, "\" ;\" in option.query", "comment on a line");
    T_EQ_STR(read_good(HEAD "[index a]\nsql = CREATE INDEX CONCURRENTLY a\n  ON t (c);\n")->manifest.steps[0].sql,
             "CREATE INDEX CONCURRENTLY a ON t (c);");
    /* an operator at the start of a line would vanish */
    T_ERROR_IN("[index a]\ntable = t\ncolumns = (doc\n  #>> '{a}')\n", 4, "begins with '#' in the value of columns", "operator");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\n  ; or d\n", 4, "begins with ';' in the value of columns", "column 1");
}

SG_TEST(long_lines)
{
    /* 199 bytes fit, 200 do not: what inih would read as the key of another line is nothing but refused */
    T_EQ_INT(strlen(title("title = " X50 X50 X50 X40 "x\n")), 191);
    T_ERROR_IN(MIGRATION("a") "title = " X50 X50 X50 X40 "xx\n", 3, "line of 200 bytes", "next line, indented");
    T_ERROR_IN(MIGRATION("a") "title = " X50 X50 X50 X40 "xxsha256 = x\n", 3, "line of 210 bytes", "next line, indented");
    T_ERROR_IN(MIGRATION("a") "title = a\n  " X50 X50 X50 X50 "\n", 4, "line of 202 bytes", "next line, indented");
    /* joined, a value may be as long as it likes */
    T_EQ_INT(strlen(title("title = a\n  " X50 X50 X50 X40 "\n  " X50 X50 X50 X40 "\n  b\n")), 1 + 191 + 191 + 2);
}

SG_TEST(long_names)
{
    const char *name = "x123456789x123456789x123456789x12345678"; /* with "migration ": 49 bytes */
    const struct read *r = read_good(sg_test_strf(HEAD "[migration %s]\nplugin = a\n", name));

    T_EQ_STR(r->manifest.steps[0].id, name);
    T_ERROR(sg_test_strf(HEAD "[migration %sx]\nplugin = a\n", name), HEAD_LINES + 1, "longer than 49 bytes", "id = …");
    /* the way out */
    r = read_good(sg_test_strf(HEAD "[migration short]\nid = %s-and-more-than-fits-into-a-section\nplugin = a\n", name));
    T_EQ_STR(r->manifest.steps[0].id, sg_test_strf("%s-and-more-than-fits-into-a-section", name));
    T_EQ_STR(r->manifest.steps[0].label, "short");
    /* keys are cut for their continuations */
    T_ERROR_IN(MIGRATION("a") "option." X50 " = 1\n  2\n", 3, "more than 49 bytes", "key = value");
    r = read_good(HEAD MIGRATION("a") "option.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1\n  2\n");
    T_EQ_STR(r->manifest.steps[0].options[0].value, "1 2");
}

SG_TEST(indented_keys_and_sections)
{
    T_ERROR_IN(MIGRATION("a") "  sha256 = 00\n", 3, "indented key sha256", "column 1");
    T_ERROR_IN("[migration a]\ntitle = b\nplugin = c\n\tplugin_path=d\n", 4, "indented key plugin_path", "column 1");
    T_ERROR_IN(MIGRATION("a") "  option.x = 00\n", 3, "indented key option.x", "column 1");
    /* misspelt too, but not in SQL, where a line may begin with any word */
    T_ERROR_IN(MIGRATION("a") "title = t\n  sha265 = 00\n", 4, "indented key sha265", "column 1");
    T_EQ_STR(where("where = a AND\n  b = 1\n"), "a AND b = 1");
    T_EQ_STR(read_good("[sgrun]\nplugin_path = x\n[database]\ndsn = host=a\n  port=5\n  dbname=b\n")->manifest.dsn,
             "host=a port=5 dbname=b");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nwhere = a AND\n  title = 'x'\n", 5, "indented key title", "end of the line before");
    T_ERROR_IN(MIGRATION("a") "title = a\n  [migration b]\n", 4, "indented section", "column 1");
    T_ERROR_IN("[migration a]\n  plugin = a\nplugin = b\n", 2, "continues nothing", "Remove the blanks");
    T_EQ_STR(where("where = a = ANY (ARRAY\n  [1, 2])\n"), "a = ANY (ARRAY [1, 2])");
}

SG_TEST(sections)
{
    const struct read *r = read_good(HEAD "[ migration \t a ] ; comment\nplugin = x\n");

    T_EQ_STR(r->manifest.steps[0].id, "a");
    T_ERROR_IN("[policy]\n[backfills]\njobs = 2\n", 1, "section without keys", "comment");
    T_ERROR_IN("[policy]\n; max_retries = 3\n", 1, "section without keys", "comment");
    T_ERROR_IN("[migration a]\n", 1, "section without keys", "comment");
    T_ERROR_IN(MIGRATION("a") MIGRATION("b") "[migration  a]\ntitle = x\n", 5, "section [migration a] is here twice", "another name");
    T_ERROR_IN("[policy] max_retries = 3\nlock_seconds = 1\n", 1, "text after a section's closing bracket", "line of its own");
    T_ERROR_IN("[policy\nmax_retries = 3\n", 1, "without closing bracket", "Write [policy]");
    T_ERROR_IN("[]\nmax_retries = 3\n", 1, "section without name", "Write [policy]");
    T_ERROR_IN("[policy ; x]\nmax_retries = 3\n", 1, "';' or '['", "Write [policy]");
    T_ERROR_IN("[policies]\nmax_retries = 3\n", 1, "unknown section [policies]", "Rename it");
    T_ERROR_IN("[polcy]\nmax_retries = 3\n", 1, "unknown section [polcy]", "Did you mean [policy]?");
    T_ERROR_IN("[migratoin 0001_x]\nplugin = a\n", 1, "unknown section", "Did you mean [migration 0001_x]?");
    T_ERROR_IN("[migration]\nplugin = a\n", 1, "[migration] without a name", "[migration NAME]");
    T_ERROR_IN("[policy x]\nmax_retries = 3\n", 1, "[policy x] takes no name", "Write [policy].");
    T_ERROR_IN("[backfills x]\njobs = 3\n", 1, "[backfills x] takes no name", "[backfill NAME]");
}

SG_TEST(keys)
{
    T_ERROR("max_retries = 3\n  4\n" HEAD, 1, "max_retries before the first section", "header");
    T_ERROR_IN("[policy]\nmax_retries = 3\nlock_seconds = 1\nmax_retries = 4\n", 4, "key max_retries is in [policy] twice", "Keep one");
    T_ERROR_IN(MIGRATION("a") "option.x = 1\noption.x = 2\n", 4, "key option.x is in [migration a] twice", "Keep one");
    T_ERROR_IN("[policy]\nmax_retries: 3\n", 2, "':' after a key", "max_retries = …");
    T_ERROR_IN("[policy]\nmax_retries\nlock_seconds = 1\n", 2, "neither a key nor", "key = value");
    T_ERROR_IN("[policy]\nmax_retries\n   4\n   5\nlock_seconds = 1\n", 2, "neither a key nor", "key = value");
    T_ERROR_IN("[policy]\n= 3\nlock_seconds = 1\n", 2, "neither a key nor", "key = value");
    T_ERROR_IN("[policy]\nmax retries = 3\n", 2, "blank in a key's name", "key = value");
    T_ERROR_IN("[policy]\nmax_retrys = 3\n", 2, "unknown key max_retrys in [policy]", "Did you mean max_retries?");
    T_ERROR_IN("[policy]\nfrobnicate = 3\n", 2, "unknown key frobnicate in [policy]", "sgrun.ini(5)");
    T_ERROR_IN("[policy]\nMAX_RETRIES = 3\n", 2, "unknown key MAX_RETRIES", "sgrun.ini(5)");
    T_ERROR_IN("[policy]\nlease_seconds = 3\n", 2, "lease_seconds does not belong in [policy]", "key of [sgrun]");
    T_ERROR_IN(MIGRATION("a") "batch_size = 3\n", 3, "batch_size does not belong in [migration a]", "[backfills], [backfill …]");
    T_ERROR_IN(MIGRATION("a") "option. = 3\n", 3, "unknown key option.", "sgrun.ini(5)");
}

/* What a line holds that is no key may be part of a DSN. */
SG_TEST(passwords_are_not_repeated)
{
    static const char *const texts[] = {
        "[database]\ndsn = host=x\npassword hunter2\n",
        "[database]\ndsn = host=x\npostgres://u:hunter2@h/db\n",
        "[database]\ndsn = postgres://u:hunter2@h/db'?a=b ;x\n",
        "[database]\ndsn: postgres://u:hunter2@h/db\n",
        "[database]\ndns = postgres://u:hunter2@h/db\n",
        "[database]\ndsn = postgres://u:hunter2@h/db" X50 X50 X50 X50 "\n",
        "[database]\ndsn = host=x\n  password='hunter2 ;'\n",
        "[database]\ndsn = host=x\n  dsn = hunter2\n",
        "[database]\ndsn = host=x password=${hunter2\n",
        "[database]\ndsn = x\ndirect_dsn = embedded:hunter2\n",
        "[database]\ndsn = x\rhunter2\n",
    };

    for (size_t i = 0; i < SG_COUNT(texts); i++) {
        const struct read *r = read_text(texts[i]);

        T_GE_INT(r->errs.count, 1);
        for (size_t j = 0; j < r->errs.count; j++) {
            T_LACKS(r->errs.list[j].primary, "hunter2");
            T_LACKS(r->errs.list[j].detail, "hunter2");
            T_LACKS(r->errs.list[j].hint, "hunter2");
        }
    }
}

SG_TEST(what_is_no_text)
{
    const struct read *r;

    T_ERROR_IN("[policy]\nmax_retries = 3\x01\n", 2, "a control character", "sed -n '7l'");
    T_ERROR_IN("[policy]\nmax_retries = \xFF\n", 2, "not UTF-8", "Remove it");
    T_ERROR_IN("[policy]\nmax_retries = \xC0\xAF\n", 2, "not UTF-8", "Remove it");
    T_ERROR_IN("[policy]\nmax_retries = 3\r4\n", 2, "a carriage return", "Remove it");
    T_ERROR_IN(MIGRATION("a") "title = a\n  b\x7F\n  c\n", 4, "a control character", "Remove it");
    T_ERROR_IN("; \xED\xA0\x80\n", 1, "not UTF-8", "Remove it");
    T_ERROR("\xEF\xBB\xBF" HEAD, 1, "byte order mark", "without byte order mark");
    T_ERROR_IN("[policy]\r\nmax_retries = 3\r\nlock_seconds = 4\r\n", 1, "CRLF", "sed -i");
    T_ERROR_IN("[policy]\nmax_retries = 3", 2, "the last line has no newline", "end the line");
    T_ERROR("\xFF\xFE[\0s\0", 1, "UTF-16", "UTF-8");
    r = read_bytes("[sgrun]\na\0b = 1\n", 16, false, 0, NULL);
    T_MUST_EQ_INT(r->errs.count, 1);
    T_EQ_INT(r->errs.list[0].line, 2);
    T_CONTAINS(r->errs.list[0].primary, "NUL byte");
    /* nothing at all is a manifest without a database */
    T_ERROR("", 1, "no section [database]", "dsn = ${DATABASE_URL}");
    T_ERROR("; only a comment\n", 1, "no section [database]", "dsn = ${DATABASE_URL}");
}

/* All at once, in the order of the lines; and a flood has an end. */
SG_TEST(many_errors)
{
    const char *flood = "[policy]\n";
    struct read *r;
    char *text;
    size_t length = 0;

    r = read_text(HEAD "[policy]\nmax_retries = x\nnonsense\n lock_seconds = 4\n[audit]\nhot_tables = a.b.c\n");
    T_MUST_EQ_INT(r->errs.count, 3);
    T_EQ_INT(r->errs.list[0].line, 7);
    T_EQ_INT(r->errs.list[1].line, 8);
    T_EQ_INT(r->errs.list[2].line, 11);

    text = malloc(20000 * 16);
    T_MUST(text != NULL);
    memcpy(text, flood, strlen(flood));
    length = strlen(flood);
    for (int i = 0; i < 20000; i++)
        length += (size_t)snprintf(text + length, 16, "k%d = 1\n", i);
    r = read_bytes(text, length, false, 0, NULL);
    free(text);
    T_MUST_EQ_INT(r->errs.count, SG_READING_MAX_ERRORS + 1);
    T_EQ_STR(r->errs.list[SG_READING_MAX_ERRORS].primary, "19601 more errors are not shown");
}

static const struct sg_test tests[] = {
    SG_CASE(values_are_trimmed_and_joined), SG_CASE(comments), SG_CASE(sql_is_not_cut_in_silence), SG_CASE(long_lines),
    SG_CASE(long_names), SG_CASE(indented_keys_and_sections), SG_CASE(sections), SG_CASE(keys),
    SG_CASE(passwords_are_not_repeated), SG_CASE(what_is_no_text), SG_CASE(many_errors), SG_CASES_END};
static const struct sg_suite suites[] = {{"ini", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
