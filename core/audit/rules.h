/* rules.h - the one table of rules: what is found in a statement, how bad it is, what it locks, why it hurts, what to do
 * instead, and for which server versions that holds.
 *
 * Every operation that was measured is a rule here, or stands at the end of the list with the reason why it is none. */
#ifndef SG_AUDIT_RULES_H
#define SG_AUDIT_RULES_H

#include <stdbool.h>

/*        enumerator                            id                                  */
#define SG_RULE_MAP(X) \
	X(SG_RULE_INDEX_CREATE_BLOCKING           , "index.create_blocking") \
	X(SG_RULE_INDEX_CREATE_ON_PARTITIONED     , "index.create_on_partitioned") \
	X(SG_RULE_INDEX_DROP_BLOCKING             , "index.drop_blocking") \
	X(SG_RULE_INDEX_CONCURRENTLY_IN_TX        , "index.concurrently_in_tx") \
	X(SG_RULE_INDEX_REINDEX_BLOCKING          , "index.reindex_blocking") \
	X(SG_RULE_INDEX_IF_NOT_EXISTS_INVALID     , "index.if_not_exists_invalid") \
	X(SG_RULE_INDEX_CORRUPTION_14             , "index.corruption_14") \
	X(SG_RULE_INDEX_TOO_WIDE                  , "index.too_wide") \
	X(SG_RULE_INDEX_DUPLICATE                 , "index.duplicate") \
	X(SG_RULE_INDEX_HASH                      , "index.hash") \
	X(SG_RULE_COLUMN_ADD_VOLATILE_DEFAULT     , "column.add_volatile_default") \
	X(SG_RULE_COLUMN_ADD_CONST_DEFAULT        , "column.add_const_default") \
	X(SG_RULE_COLUMN_ADD_NOT_NULL_NO_DEFAULT  , "column.add_not_null_no_default") \
	X(SG_RULE_COLUMN_ADD_SERIAL               , "column.add_serial") \
	X(SG_RULE_COLUMN_ADD_IDENTITY             , "column.add_identity") \
	X(SG_RULE_COLUMN_ADD_GENERATED_STORED     , "column.add_generated_stored") \
	X(SG_RULE_COLUMN_ADD_WITH_CONSTRAINT      , "column.add_with_constraint") \
	X(SG_RULE_COLUMN_ADD_DOMAIN               , "column.add_domain") \
	X(SG_RULE_COLUMN_ADD_JSON                 , "column.add_json") \
	X(SG_RULE_COLUMN_DROP                     , "column.drop") \
	X(SG_RULE_COLUMN_RENAME                   , "column.rename") \
	X(SG_RULE_COLUMN_TYPE_REWRITE             , "column.type_rewrite") \
	X(SG_RULE_COLUMN_TYPE_NO_REWRITE          , "column.type_no_rewrite") \
	X(SG_RULE_COLUMN_TYPE_RECHECK             , "column.type_recheck") \
	X(SG_RULE_COLUMN_SET_NOT_NULL             , "column.set_not_null") \
	X(SG_RULE_COLUMN_SET_NOT_NULL_AFTER_CHECK , "column.set_not_null_after_check") \
	X(SG_RULE_COLUMN_DROP_NOT_NULL            , "column.drop_not_null") \
	X(SG_RULE_COLUMN_CHANGE_DEFAULT           , "column.change_default") \
	X(SG_RULE_CONSTRAINT_ADD_CHECK            , "constraint.add_check") \
	X(SG_RULE_CONSTRAINT_ADD_FK               , "constraint.add_fk") \
	X(SG_RULE_CONSTRAINT_ADD_FK_NOT_VALID     , "constraint.add_fk_not_valid") \
	X(SG_RULE_CONSTRAINT_VALIDATE_SAME_TX     , "constraint.validate_same_tx") \
	X(SG_RULE_CONSTRAINT_ADD_UNIQUE           , "constraint.add_unique") \
	X(SG_RULE_CONSTRAINT_ADD_PK               , "constraint.add_pk") \
	X(SG_RULE_CONSTRAINT_PK_USING_INDEX_NULLABLE, "constraint.pk_using_index_nullable") \
	X(SG_RULE_CONSTRAINT_ADD_EXCLUSION        , "constraint.add_exclusion") \
	X(SG_RULE_CONSTRAINT_DROP                 , "constraint.drop") \
	X(SG_RULE_CONSTRAINT_FK_WITHOUT_INDEX     , "constraint.fk_without_index") \
	X(SG_RULE_CONSTRAINT_FK_TYPE_MISMATCH     , "constraint.fk_type_mismatch") \
	X(SG_RULE_CONSTRAINT_MULTIPLE_FKS         , "constraint.multiple_fks") \
	X(SG_RULE_TABLE_CREATE_WITH_FK            , "table.create_with_fk") \
	X(SG_RULE_TABLE_DROP                      , "table.drop") \
	X(SG_RULE_TABLE_RENAME                    , "table.rename") \
	X(SG_RULE_TABLE_SET_SCHEMA                , "table.set_schema") \
	X(SG_RULE_TABLE_TRUNCATE                  , "table.truncate") \
	X(SG_RULE_TABLE_CLUSTER_VACUUM_FULL       , "table.cluster_vacuum_full") \
	X(SG_RULE_TABLE_SET_LOGGED                , "table.set_logged") \
	X(SG_RULE_TABLE_REWRITE_OTHER             , "table.rewrite_other") \
	X(SG_RULE_PARTITION_CREATE                , "partition.create") \
	X(SG_RULE_PARTITION_ATTACH                , "partition.attach") \
	X(SG_RULE_PARTITION_DETACH                , "partition.detach") \
	X(SG_RULE_MATVIEW_REFRESH                 , "matview.refresh") \
	X(SG_RULE_TRIGGER_CREATE                  , "trigger.create") \
	X(SG_RULE_TRIGGER_DROP                    , "trigger.drop") \
	X(SG_RULE_TRIGGER_TOGGLE                  , "trigger.toggle") \
	X(SG_RULE_POLICY_RLS                      , "policy.rls") \
	X(SG_RULE_ENUM_ADD_VALUE                  , "enum.add_value") \
	X(SG_RULE_ENUM_RENAME_VALUE               , "enum.rename_value") \
	X(SG_RULE_ENUM_CREATE                     , "enum.create") \
	X(SG_RULE_DOMAIN_CONSTRAINT               , "domain.constraint") \
	X(SG_RULE_DML_UPDATE_NO_WHERE             , "dml.update_no_where") \
	X(SG_RULE_DML_ANY                         , "dml.any") \
	X(SG_RULE_TX_WIDE                         , "tx.wide") \
	X(SG_RULE_TX_MULTIPLE_ALTER               , "tx.multiple_alter") \
	X(SG_RULE_TX_NESTING                      , "tx.nesting") \
	X(SG_RULE_TIMEOUTS_LOCK                   , "timeouts.lock") \
	X(SG_RULE_TIMEOUTS_STATEMENT              , "timeouts.statement") \
	X(SG_RULE_TYPE_CHAR                       , "type.char") \
	X(SG_RULE_TYPE_VARCHAR                    , "type.varchar") \
	X(SG_RULE_TYPE_INT                        , "type.int") \
	X(SG_RULE_TYPE_TIMESTAMP                  , "type.timestamp") \
	X(SG_RULE_TYPE_SERIAL                     , "type.serial") \
	X(SG_RULE_TYPE_MONEY_FLOAT                , "type.money_float") \
	X(SG_RULE_TABLE_NO_PK                     , "table.no_pk") \
	X(SG_RULE_TABLE_UNLOGGED                  , "table.unlogged") \
	X(SG_RULE_TABLE_IF_EXISTS                 , "table.if_exists") \
	X(SG_RULE_NAME_IDENTIFIERS                , "name.identifiers") \
	X(SG_RULE_SCHEMA_DROP                     , "schema.drop") \
	X(SG_RULE_INDEX_REPLACE_ORDER             , "index.replace_order") \
	X(SG_RULE_DML_DUPLICATE_ASSIGNMENT        , "dml.duplicate_assignment") \
	X(SG_RULE_TYPE_ALIGNMENT                  , "type.alignment") \
	X(SG_RULE_ORM_ONLY                        , "orm.only") \
	X(SG_RULE_LOCK_EXPLICIT                   , "lock.explicit") \
	X(SG_RULE_INDEX_CONCURRENTLY_REFUSED      , "index.concurrently_refused") \
	X(SG_RULE_PARTITION_DEFAULT_SCAN          , "partition.default_scan") \
	X(SG_RULE_TX_SEVERAL_TABLES               , "tx.several_tables") \
	X(SG_RULE_ALLOW_WITHOUT_REASON, "allow.without_reason") \
	X(SG_RULE_ALLOW_UNKNOWN, "allow.unknown")

enum sg_rule_id {
#define X(enumerator, id) enumerator,
	SG_RULE_MAP(X)
#undef X
	SG_RULE_COUNT
};

enum sg_severity {
	SG_SEVERITY_NONE,    /* not a rule: `why` says for what reason */
	SG_SEVERITY_HINT,    /* a better way to write it; nothing is locked for long */
	SG_SEVERITY_WARNING, /* a strong lock for a moment, writes blocked, or the application may break */
	SG_SEVERITY_ERROR    /* fails on a table with rows, or blocks readers or writers for as long as the table is large */
};
const char *sg_severity_name(enum sg_severity severity); /* "error", "warning", "hint" */

struct sg_rule {
	const char *id;
	enum sg_severity severity;
	bool measurable;     /* it speaks of locks, scans or rewrites: a rehearsal can agree or not */
	const char *title;   /* "index built without CONCURRENTLY": lower case, no full stop */
	const char *locks;   /* "SHARE on the table while it is scanned", or NULL: nothing */
	const char *why;     /* a sentence: what that does to the application */
	const char *instead; /* a sentence: the safe way */
	/* It is found for servers from `from` up to before `until`; 0: no bound. */
	int from, until;
	const char *since;   /* "CONCURRENTLY since 8.2", or NULL */
};

const struct sg_rule *sg_rule(enum sg_rule_id id);
/* By id ("index.create_blocking"); -1: there is none. */
int sg_rule_find(const char *id);
/* Does a pattern of `allow` mean the rule? Its id, its family ("index.*"), or "*". */
bool sg_rule_matches(const char *pattern, const char *id);

#endif
