/* Secrets are put out, positions stay; another session's literals never show. */
#include "config.h"

#include "core/sql/mask.h"
#include "tests/kit/test.h"

#include <string.h>

static const char *secrets(const char *sql)
{
    struct sg_arena arena = SG_ARENA_INIT;
    const char *text = sg_test_strf("%s", sg_sql_mask_secrets(&arena, sql));

    sg_arena_release(&arena);
    return text;
}

static const char *literals(const char *sql)
{
    struct sg_arena arena = SG_ARENA_INIT;
    const char *text = sg_test_strf("%s", sg_sql_mask_literals(&arena, sql));

    sg_arena_release(&arena);
    return text;
}

SG_TEST(passwords)
{
    T_EQ_STR(secrets("ALTER ROLE a PASSWORD 'geheim' VALID UNTIL 'infinity'"),
             "ALTER ROLE a PASSWORD '******' VALID UNTIL 'infinity'");
    T_EQ_STR(secrets("CREATE ROLE a ENCRYPTED password E'ge\\'heim'"), "CREATE ROLE a ENCRYPTED password E'********'");
    T_EQ_STR(secrets("CREATE ROLE a PASSWORD $x$geheim$x$ LOGIN"), "CREATE ROLE a PASSWORD $x$******$x$ LOGIN");
    T_EQ_STR(secrets("ALTER ROLE a PASSWORD 'ge'\n 'heim'"), "ALTER ROLE a PASSWORD '**'\n '****'");
    T_EQ_STR(secrets("ALTER ROLE a PASSWORD /* x */ 'geheim"), "ALTER ROLE a PASSWORD /* x */ '******");
    T_EQ_STR(secrets("ALTER ROLE a PASSWORD 'gehe\xc3\xafm'"), "ALTER ROLE a PASSWORD '******'");
}

SG_TEST(what_takes_a_password)
{
    T_EQ_STR(secrets("UPDATE u SET h = crypt('geheim', gen_salt('bf')), a = 'b'"), "UPDATE u SET h = crypt('******', gen_salt('**')), a = 'b'");
    T_EQ_STR(secrets("SELECT pgp_sym_encrypt(x, 'geheim')"), "SELECT pgp_sym_encrypt(x, '******')");
    T_EQ_STR(secrets("COPY t FROM PROGRAM 'curl -u a:geheim h' CSV"), "COPY t FROM PROGRAM '******************' CSV");
    T_EQ_STR(secrets("INSERT INTO u (name, \"Password\") VALUES ('a', 'geheim'); SELECT 'b'"),
             "INSERT INTO u (name, \"Password\") VALUES ('*', '******'); SELECT 'b'");
    T_EQ_STR(secrets("INSERT INTO u (api_token) SELECT 'geheim'"), "INSERT INTO u (api_token) SELECT '******'");
    T_EQ_STR(secrets("INSERT INTO u (name, kind) VALUES ('token', 'secret')"), "INSERT INTO u (name, kind) VALUES ('token', 'secret')");
    T_EQ_STR(secrets("DO $$ BEGIN INSERT INTO u (passwd) VALUES ('geheim'); END $$"),
             "DO $$ BEGIN INSERT INTO u (passwd) VALUES ('******'); END $$");
    T_EQ_STR(secrets("SELECT crypt, 'a' FROM digest WHERE token = 'b'"), "SELECT crypt, 'a' FROM digest WHERE token = 'b'");
}

SG_TEST(connections_and_options)
{
    T_EQ_STR(secrets("CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p"),
             "CREATE SUBSCRIPTION s CONNECTION '*****************' PUBLICATION p");
    T_EQ_STR(secrets("CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'b', password 'c')"),
             "CREATE USER MAPPING FOR a SERVER s OPTIONS (user '*', password '*')");
    T_EQ_STR(secrets("ALTER SERVER s OPTIONS (SET host 'hh') VERSION '1'"), "ALTER SERVER s OPTIONS (SET host '**') VERSION '1'");
    T_EQ_STR(secrets("SELECT dblink('postgres://u:p@h/d', 'x')"), "SELECT dblink('******************', 'x')");
    T_EQ_STR(secrets("SELECT dblink('host=h password = p')"), "SELECT dblink('*******************')");
}

SG_TEST(inside_bodies)
{
    T_EQ_STR(secrets("DO $$ BEGIN ALTER ROLE a PASSWORD 'geheim'; END $$"), "DO $$ BEGIN ALTER ROLE a PASSWORD '******'; END $$");
    T_LACKS(secrets("DO 'BEGIN ALTER ROLE a PASSWORD ''geheim''; END'"), "geheim");
    T_LACKS(secrets("DO $$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''geheim'''; END $$"), "geheim");
}

SG_TEST(what_is_no_secret_stays)
{
    static const char *const same[] = {
        "ALTER TABLE users ADD COLUMN password text DEFAULT 'x'", "COMMENT ON COLUMN u.password IS 'the password hash, of old'",
        "ALTER TABLE t ADD COLUMN url text DEFAULT 'https://example.org/'", "", "'", "CREATE TABLE options (connection int)"};

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        T_EQ_STR(secrets(same[i]), same[i]);
}

SG_TEST(literals_of_others)
{
    T_EQ_STR(literals("UPDATE t SET a = 'x', b=1.5 WHERE c = $1 -- geheim"), "UPDATE t SET a = ?, b=? WHERE c = $1");
    T_EQ_STR(literals("select $$geheim$$, E'a\\'b' /* geheim */ from \"T\""), "select ?, ? from \"T\"");
    T_EQ_STR(literals("select 'cut off in the midd"), "select ?");
    T_EQ_STR(literals("select 'a\\', geheim --'"), "select ? …");
    T_EQ_STR(literals("select \xff 'geheim'"), "…");
    T_EQ_STR(literals(""), "");
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(passwords), SG_CASE(what_takes_a_password), SG_CASE(connections_and_options), SG_CASE(inside_bodies),
                                           SG_CASE(what_is_no_secret_stays), SG_CASE(literals_of_others), SG_CASES_END};
    static const struct sg_suite suites[] = {{"mask", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
