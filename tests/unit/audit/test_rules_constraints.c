/* Constraints of tables and domains, foreign keys above all. */
#include "config.h"

#include "tests/unit/audit/look.h"

#define FAMILY "constraint. domain."
#define T_CONSTRAINT(sql, rules) T_RULES(FAMILY, sql, rules)
#define T_AFTER(before, sql, rules) T_EQ_STR(look_rules_after(NULL, FAMILY, (before), (sql)), (rules))
/* No transaction but those of the text. */
#define T_ALONE(sql, rules) T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, FAMILY, sql), (rules))
/* What a foreign key needs besides is not looked at. */
#define T_LOCKS(sql, rules) T_RULES("constraint.add_ constraint.multiple", sql, rules)

SG_TEST(check)
{
    T_CONSTRAINT("ALTER TABLE t ADD CHECK (a > 0)", "constraint.add_check");
    T_CONSTRAINT("ALTER TABLE public.t ADD y int, ADD CONSTRAINT \"Positive\" CHECK (a > 0) NO INHERIT", "constraint.add_check");
    T_CONSTRAINT("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID", "");
    T_CONSTRAINT("CREATE TABLE fresh (a int CHECK (a > 0)); ALTER TABLE fresh ADD CHECK (a < 9)", "");
}

SG_TEST(foreign_key)
{
    T_LOCKS("ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other", "constraint.add_fk");
    T_LOCKS("ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (other_id) REFERENCES other(id) ON DELETE CASCADE", "constraint.add_fk");
    T_LOCKS("CREATE TABLE fresh (id bigint REFERENCES other)", "");
    T_LOCKS("CREATE TABLE p2 (id int PRIMARY KEY); CREATE TABLE c2 (id int); ALTER TABLE c2 ADD FOREIGN KEY (id) REFERENCES p2", "");

    T_LOCKS("ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID", "constraint.add_fk_not_valid");
    T_LOCKS("ALTER TABLE t ADD z bigint REFERENCES parent", "constraint.add_fk_not_valid");
    T_LOCKS("CREATE TABLE fresh (id bigint); ALTER TABLE fresh ADD FOREIGN KEY (id) REFERENCES other",
            "constraint.add_fk_not_valid");
    T_LOCKS("ALTER TABLE t ADD z bigint DEFAULT 1 REFERENCES parent", ""); /* column.add_with_constraint */
    T_LOCKS("ALTER TABLE t VALIDATE CONSTRAINT f", "");
}

SG_TEST(foreign_key_of_a_partitioned_table)
{
    const char *add = "ALTER TABLE part ADD FOREIGN KEY (id) REFERENCES parent NOT VALID";

    T_LOCKS(add, "constraint.add_fk");
    T_LOCKS("ALTER TABLE part ADD FOREIGN KEY (id) REFERENCES parent", "constraint.add_fk");
    T_EQ_STR(look_rules(&(struct look){.server_version = 18}, "constraint.add_", add), "constraint.add_fk_not_valid");
    T_LOCKS("ALTER TABLE part_1 ADD FOREIGN KEY (id) REFERENCES parent NOT VALID", "constraint.add_fk_not_valid");
}

SG_TEST(several_foreign_keys)
{
    const char *two = "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID;"
                      "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES parent NOT VALID";

    T_RULES("constraint.multiple", two, "constraint.multiple_fks");
    T_RULES("constraint.multiple", "ALTER TABLE t ADD z bigint REFERENCES other, ADD y bigint REFERENCES parent",
            "constraint.multiple_fks");
    T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, "constraint.multiple", two), "");
    T_RULES("constraint.multiple", "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID;"
                                   "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES other NOT VALID", "");
    T_RULES("constraint.multiple", "CREATE TABLE p2 (id bigint PRIMARY KEY);"
                                   "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID;"
                                   "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p2 NOT VALID", "");
}

SG_TEST(validated_at_once)
{
    const char *both = "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k";

    T_RULES("constraint.validate", both, "constraint.validate_same_tx");
    T_RULES("constraint.validate", "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (other_id) REFERENCES other NOT VALID;"
                                   "ALTER TABLE other ADD x int; ALTER TABLE public.t VALIDATE CONSTRAINT f",
            "constraint.validate_same_tx");
    T_RULES("constraint.validate", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT k",
            "constraint.validate_same_tx");
    /* The server's own name for it */
    T_RULES("constraint.validate", "ALTER TABLE t ADD CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT t_a_check",
            "constraint.validate_same_tx");
    T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, "constraint.validate", both), "");
    T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, "constraint.validate",
                        "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID; COMMIT;"
                        "BEGIN; ALTER TABLE t VALIDATE CONSTRAINT k; COMMIT"), "");
    T_EQ_STR(look_rules(&(struct look){.no_transaction = true}, "constraint.validate",
                        "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID;"
                        "ALTER TABLE t VALIDATE CONSTRAINT k; COMMIT"), "constraint.validate_same_tx");
    T_RULES("constraint.validate", "ALTER TABLE t VALIDATE CONSTRAINT k", "");
    T_RULES("constraint.validate", "CREATE TABLE fresh (a int); ALTER TABLE fresh ADD CONSTRAINT k CHECK (a > 0) NOT VALID;"
                                   "ALTER TABLE fresh VALIDATE CONSTRAINT k", "");
}

SG_TEST(keys)
{
    T_CONSTRAINT("ALTER TABLE t ADD UNIQUE (a)", "constraint.add_unique");
    T_CONSTRAINT("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b) DEFERRABLE", "constraint.add_unique");
    T_CONSTRAINT("ALTER TABLE part ADD UNIQUE (id, at)", "constraint.add_unique");
    T_CONSTRAINT("ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX ux", "");
    T_CONSTRAINT("ALTER TABLE ONLY part ADD CONSTRAINT u UNIQUE (id, at)", "");
    T_CONSTRAINT("CREATE TABLE fresh (a int UNIQUE); ALTER TABLE fresh ADD UNIQUE (a)", "");

    T_CONSTRAINT("ALTER TABLE cand ADD PRIMARY KEY (id)", "constraint.add_pk");
    T_CONSTRAINT("ALTER TABLE ONLY cand ADD CONSTRAINT cand_pkey PRIMARY KEY (id, at)", "constraint.add_pk");
    T_CONSTRAINT("ALTER TABLE cand ADD CONSTRAINT cand_pkey PRIMARY KEY USING INDEX cx", "");
    T_CONSTRAINT("CREATE TABLE fresh (id int); ALTER TABLE fresh ADD PRIMARY KEY (id)", "");
}

SG_TEST(primary_key_using_an_index)
{
    static const char before[] = "CREATE TABLE k (a int, b int NOT NULL, c int, CONSTRAINT c_there CHECK (c IS NOT NULL));"
                                 "CREATE UNIQUE INDEX ka ON k (a); CREATE UNIQUE INDEX kb ON k (b); CREATE UNIQUE INDEX kc ON k (c);"
                                 "CREATE UNIQUE INDEX kab ON k (b, a);";

    T_AFTER(before, "ALTER TABLE k ADD PRIMARY KEY USING INDEX ka", "constraint.pk_using_index_nullable");
    T_AFTER(before, "ALTER TABLE k ADD CONSTRAINT kk PRIMARY KEY USING INDEX kab", "constraint.pk_using_index_nullable");
    T_AFTER(before, "ALTER TABLE k ADD PRIMARY KEY USING INDEX kb", "");
    T_AFTER(before, "ALTER TABLE k ADD PRIMARY KEY USING INDEX kc", "");
    T_AFTER(before, "ALTER TABLE k ADD CONSTRAINT ku UNIQUE USING INDEX ka", "");
}

SG_TEST(exclusion)
{
    T_CONSTRAINT("ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)", "constraint.add_exclusion");
    T_CONSTRAINT("ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (a WITH =, d WITH &&) WHERE (b IS NULL)", "constraint.add_exclusion");
    T_CONSTRAINT("CREATE TABLE fresh (a int, EXCLUDE USING gist (a WITH =))", "");
    T_CONSTRAINT("CREATE TABLE fresh (a int); ALTER TABLE fresh ADD EXCLUDE USING gist (a WITH =)", "");
}

SG_TEST(drop)
{
    static const char before[] = "CREATE TABLE p (id int PRIMARY KEY);"
                                 "CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT c_p REFERENCES p, a int UNIQUE,"
                                 " CONSTRAINT there CHECK (p IS NOT NULL)); CREATE INDEX c_px ON c (p);";

    T_AFTER(before, "ALTER TABLE c DROP CONSTRAINT c_p", "constraint.drop");
    T_AFTER(before, "ALTER TABLE c DROP CONSTRAINT IF EXISTS c_a_key CASCADE", "constraint.drop");
    T_AFTER(before, "ALTER TABLE unseen DROP CONSTRAINT thing", "constraint.drop");
    T_AFTER(before, "ALTER TABLE c DROP CONSTRAINT there", "");
    T_AFTER(before, "ALTER TABLE c DROP CONSTRAINT IF EXISTS never_there", "");
    T_AFTER(before, "ALTER TABLE c ADD CONSTRAINT k CHECK (a > 0) NOT VALID; ALTER TABLE c DROP CONSTRAINT k", "");
}

SG_TEST(without_index)
{
    static const char family[] = "constraint.fk_without";

    T_RULES(family, "CREATE TABLE fresh (id bigint PRIMARY KEY, other_id bigint REFERENCES other)", "constraint.fk_without_index");
    T_RULES(family, "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID", "constraint.fk_without_index");
    T_RULES(family, "ALTER TABLE t ADD z bigint REFERENCES other", "constraint.fk_without_index");
    T_RULES(family, "ALTER TABLE unseen ADD z bigint REFERENCES other", "constraint.fk_without_index");
    T_RULES(family, "ALTER TABLE t ADD z bigint REFERENCES other; CREATE INDEX ON t (z, id)", "");
    T_RULES(family, "CREATE TABLE fresh (other_id bigint PRIMARY KEY REFERENCES other)", "");
    T_RULES(family, "CREATE TABLE fresh (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES pair); CREATE INDEX ON fresh (b, a)", "");
    T_RULES(family, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES parent NOT VALID", ""); /* t_a */
    T_RULES(family, "ALTER TABLE unseen ADD FOREIGN KEY (x) REFERENCES other NOT VALID", ""); /* it may have one */
    T_RULES(family, "CREATE TABLE fresh (a bigint REFERENCES other); DROP TABLE fresh", "");
}

SG_TEST(types)
{
    static const char family[] = "constraint.fk_type";

    T_RULES(family, "CREATE TABLE fresh (id bigint PRIMARY KEY, other_id int REFERENCES other)", "constraint.fk_type_mismatch");
    T_RULES(family, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES parent(id) NOT VALID", "constraint.fk_type_mismatch");
    T_RULES(family, "CREATE TABLE fresh (id int, name varchar(20), FOREIGN KEY (id, name) REFERENCES other (id, name))",
            "constraint.fk_type_mismatch");
    T_RULES(family, "CREATE TABLE fresh (other_id bigint REFERENCES other)", "");
    T_RULES(family, "ALTER TABLE t ADD FOREIGN KEY (other_id) REFERENCES other NOT VALID", "");
    T_RULES(family, "CREATE TABLE fresh (email varchar(20) REFERENCES other (email))", "");
    T_RULES(family, "CREATE TABLE fresh (x int REFERENCES unseen)", "");
}

SG_TEST(domains)
{
    T_CONSTRAINT("ALTER DOMAIN posint ADD CHECK (value > 1)", "domain.constraint");
    T_CONSTRAINT("ALTER DOMAIN posint SET NOT NULL", "domain.constraint");
    T_CONSTRAINT("ALTER DOMAIN unseen.d VALIDATE CONSTRAINT k", "domain.constraint");
    T_CONSTRAINT("ALTER DOMAIN posint ADD CONSTRAINT k CHECK (value > 1) NOT VALID", "");
    T_CONSTRAINT("CREATE DOMAIN fresh AS int CHECK (value > 1)", "");
    T_CONSTRAINT("CREATE DOMAIN fresh AS int; ALTER DOMAIN fresh ADD CHECK (value > 1)", "");
    T_CONSTRAINT("ALTER DOMAIN posint DROP NOT NULL; ALTER DOMAIN posint SET DEFAULT 1; ALTER DOMAIN posint DROP CONSTRAINT k", "");
}

static const struct sg_test tests[] = {SG_CASE(check), SG_CASE(foreign_key), SG_CASE(foreign_key_of_a_partitioned_table),
                                       SG_CASE(several_foreign_keys), SG_CASE(validated_at_once), SG_CASE(keys),
                                       SG_CASE(primary_key_using_an_index), SG_CASE(exclusion), SG_CASE(drop),
                                       SG_CASE(without_index), SG_CASE(types), SG_CASE(domains), SG_CASES_END};
static const struct sg_suite suites[] = {{"constraints", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
