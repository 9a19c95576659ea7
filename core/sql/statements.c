/* statements.c - the list: every statement that PostgreSQL's grammar knows, and
 * what a migration may do with it.
 *
 * Allowed are definitions. Refused is what moves rows, ends or guards the
 * transaction, lives in the session, or is an operator's work; a node that is
 * not here is refused too. Opaque says that the statement may run code which the
 * tree does not show (a cast, a constraint, an index expression of the existing
 * table): the executor then looks for TRUNCATE as well.
 *
 * Outside a transaction (SG_NO_TRANSACTION) there is no probe and no rollback,
 * so of what PostgreSQL allows only there the list takes what runs no
 * expression of users': DROP INDEX CONCURRENTLY, DETACH PARTITION CONCURRENTLY,
 * VACUUM without FULL and ANALYZE, CREATE DATABASE, CREATE and DROP TABLESPACE,
 * ALTER DATABASE … SET TABLESPACE, DROP SUBSCRIPTION. CREATE INDEX CONCURRENTLY
 * and REINDEX are the registry's; CLUSTER and VACUUM of all tables, ALTER SYSTEM
 * and DROP DATABASE are an operator's. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/base.h"
#include "core/sql/judge.h"
#include "core/sql/tree.h"

#define NOT_DDL "writes rows, and a migration is DDL only"
#define ENDS "begins, ends or splits the transaction, which is the runner's"
#define SETTING "changes settings that the runner's guards rest on"
#define IN_SESSION "lives in the session, and behind a pooler the session is someone else's"
#define HIDES "runs SQL that cannot be judged before it runs"
#define NO_OPERATOR "is no definition"

/* Settings that a role or a database must not be given by a step: the next
 * connection of the runner would be another than the one it judges for. */
static const char *const rests_on[] = { "standard_conforming_strings", "client_encoding",         "session_replication_role",
	                                "session_preload_libraries",   "local_preload_libraries", "backslash_quote",
	                                "default_transaction_read_only", "role" };

static int check_setting(struct sg_judge *judge, const struct sg_json *body)
{
	const char *name = sg_json_text(sg_json_get(sg_json_get(body, "setstmt"), "name"));

	for (size_t i = 0; i < SG_COUNT(rests_on); i++)
		if (name != NULL && strcasecmp(name, rests_on[i]) == 0)
			return sg_judge_refuse(judge, sg_judge_find(judge, 0, name), SG_HINT_OPERATOR,
			                       "the setting %s is one that the runner's guards rest on", name);
	return 0;
}

static int check_drop(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *objects = sg_json_get(body, "objects");
	const char *type = sg_json_text(sg_json_get(body, "removeType"));
	struct sg_relation name;

	judge->verdict->kind = sg_judge_kind(judge, "DROP", type);
	judge->verdict->outside = sg_json_true(sg_json_get(body, "concurrent"));
	if (type == NULL || (strcmp(type, "OBJECT_TABLE") != 0 && strcmp(type, "OBJECT_VIEW") != 0 &&
	                     strcmp(type, "OBJECT_MATVIEW") != 0 && strcmp(type, "OBJECT_INDEX") != 0 &&
	                     strcmp(type, "OBJECT_SEQUENCE") != 0 && strcmp(type, "OBJECT_FOREIGN_TABLE") != 0))
		return 0;
	for (size_t i = 0; i < sg_json_count(objects); i++)
		if (sg_tree_names(sg_json_get(sg_node_as(sg_json_at(objects, i), "List"), "items"), &name) &&
		    sg_judge_relation(judge, name, 0) != 0)
			return -1;
	return 0;
}

static int check_alter(struct sg_judge *judge, const struct sg_json *body)
{
	const char *type = sg_json_text(sg_json_get(body, "objectType"));

	if (type == NULL)
		type = sg_json_text(sg_json_get(body, "renameType"));
	/* ALTER TABLE … RENAME COLUMN says what of: relationType. */
	if (type != NULL && strcmp(type, "OBJECT_COLUMN") == 0)
		type = sg_json_text(sg_json_get(body, "relationType"));
	judge->verdict->kind = sg_judge_kind(judge, "ALTER", type);
	return 0;
}

static int check_alter_domain(struct sg_judge *judge, const struct sg_json *body)
{
	const char *kind = sg_json_text(sg_json_get(body, "subtype"));

	/* ADD CONSTRAINT and VALIDATE read every column of that domain. */
	judge->verdict->opaque |= kind == NULL || kind[0] == 'C' || kind[0] == 'V';
	return 0;
}

static int check_grant(struct sg_judge *judge, const struct sg_json *body)
{
	judge->verdict->kind = sg_json_true(sg_json_get(body, "is_grant")) ? "GRANT" : "REVOKE";
	return 0;
}

static int check_vacuum(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *options = sg_json_get(body, "options");
	bool vacuum = sg_json_true(sg_json_get(body, "is_vacuumcmd"));

	judge->verdict->kind = vacuum ? "VACUUM" : "ANALYZE";
	judge->verdict->outside = vacuum;
	/* ANALYZE computes index expressions, which are functions of users'. */
	judge->verdict->opaque |= !vacuum;
	if (sg_json_count(sg_json_get(body, "rels")) == 0)
		return sg_judge_refuse(judge, 0, "Name the tables.", "%s of every table is no step of a migration",
		                       judge->verdict->kind);
	if (vacuum && (sg_node_option_on(sg_node_option(options, "full")) || sg_node_option_on(sg_node_option(options, "analyze"))))
		return sg_judge_refuse(judge, 0, SG_HINT_OPERATOR,
		                       "VACUUM with FULL or ANALYZE computes index expressions, and outside a transaction "
		                       "nothing could be checked or rolled back");
	return 0;
}

static int check_cluster(struct sg_judge *judge, const struct sg_json *body)
{
	if (sg_json_get(body, "relation") != NULL)
		return 0;
	return sg_judge_refuse(judge, 0, SG_HINT_OPERATOR, "CLUSTER of every table is no step of a migration");
}

static int check_refresh(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *view = sg_json_get(body, "relation");

	if (sg_relations_have(judge->rules->made, sg_tree_relation(view), judge->rules->schema))
		return 0;
	return sg_judge_refuse(judge, sg_judge_at(view, 0),
	                       "Refresh it by a job of the application, or drop and make it again in this migration.",
	                       "REFRESH of a materialized view that this migration did not make rewrites its rows");
}

static int check_outside(struct sg_judge *judge, const struct sg_json *body)
{
	(void)body;
	judge->verdict->outside = true;
	return 0;
}

static int check_drop_subscription(struct sg_judge *judge, const struct sg_json *body)
{
	(void)body;
	/* With its slot only outside; after SET (slot_name = NONE) inside as well. */
	judge->verdict->outside = judge->rules->no_transaction;
	return 0;
}

static int check_alter_database(struct sg_judge *judge, const struct sg_json *body)
{
	judge->verdict->outside = sg_node_option(sg_json_get(body, "options"), "tablespace") != NULL;
	return 0;
}

/* A subscription copies the rows of another server into our tables; only one
 * that does not connect is a mere definition. */
static int check_create_subscription(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *connect = sg_node_option(sg_json_get(body, "options"), "connect");

	if (connect != NULL && !sg_node_option_on(connect))
		return 0;
	return sg_judge_refuse(judge, 0, "Create it WITH (connect = false) here, and enable it by hand.",
	                       "CREATE SUBSCRIPTION copies rows of another server, and a migration is DDL only");
}

static int check_alter_subscription(struct sg_judge *judge, const struct sg_json *body)
{
	const struct sg_json *enabled = sg_node_option(sg_json_get(body, "options"), "enabled");
	const struct sg_json *refresh = sg_node_option(sg_json_get(body, "options"), "refresh");
	bool publications = sg_node_is(body, "kind", "ALTER_SUBSCRIPTION_SET_PUBLICATION") ||
	                    sg_node_is(body, "kind", "ALTER_SUBSCRIPTION_ADD_PUBLICATION");

	if (sg_node_is(body, "kind", "ALTER_SUBSCRIPTION_REFRESH") || (enabled != NULL && sg_node_option_on(enabled)) ||
	    (publications && (refresh == NULL || sg_node_option_on(refresh))))
		return sg_judge_refuse(judge, 0, SG_HINT_OPERATOR,
		                       "ALTER SUBSCRIPTION that starts or refreshes it copies rows of another server");
	return 0;
}

static int check_define(struct sg_judge *judge, const struct sg_json *body)
{
	const char *kind = sg_json_text(sg_json_get(body, "kind"));

	judge->verdict->kind = sg_judge_kind(judge, "CREATE", kind);
	/* A dictionary's options are read by its template's init function. */
	judge->verdict->opaque |= kind != NULL && strcmp(kind, "OBJECT_TSDICTIONARY") == 0;
	return 0;
}

#define PASSES NULL, NULL
#define DEF SG_WALK_DEFINITION

/* Sorted by node. */
static const struct sg_statement statements[] = {
	{ "AlterCollationStmt", "ALTER COLLATION", PASSES, 0, false, NULL },
	{ "AlterDatabaseRefreshCollStmt", "ALTER DATABASE", PASSES, 0, false, NULL },
	{ "AlterDatabaseSetStmt", "ALTER DATABASE", PASSES, 0, false, check_setting },
	{ "AlterDatabaseStmt", "ALTER DATABASE", PASSES, 0, false, check_alter_database },
	{ "AlterDefaultPrivilegesStmt", "ALTER DEFAULT PRIVILEGES", PASSES, 0, false, NULL },
	{ "AlterDomainStmt", "ALTER DOMAIN", PASSES, 0, false, check_alter_domain },
	{ "AlterEnumStmt", "ALTER TYPE", PASSES, 0, false, NULL },
	{ "AlterEventTrigStmt", "ALTER EVENT TRIGGER", PASSES, 0, true, NULL },
	{ "AlterExtensionContentsStmt", "ALTER EXTENSION", PASSES, 0, false, NULL },
	{ "AlterExtensionStmt", "ALTER EXTENSION", PASSES, 0, true, NULL },
	{ "AlterFdwStmt", "ALTER FOREIGN DATA WRAPPER", PASSES, 0, true, NULL },
	{ "AlterForeignServerStmt", "ALTER SERVER", PASSES, 0, true, NULL },
	{ "AlterFunctionStmt", "ALTER FUNCTION", PASSES, 0, false, NULL },
	{ "AlterObjectDependsStmt", "ALTER", PASSES, 0, false, check_alter },
	{ "AlterObjectSchemaStmt", "ALTER", PASSES, 0, false, check_alter },
	{ "AlterOpFamilyStmt", "ALTER OPERATOR FAMILY", PASSES, 0, false, NULL },
	{ "AlterOperatorStmt", "ALTER OPERATOR", PASSES, 0, false, NULL },
	{ "AlterOwnerStmt", "ALTER", PASSES, 0, false, check_alter },
	{ "AlterPolicyStmt", "ALTER POLICY", PASSES, DEF, false, NULL },
	{ "AlterPublicationStmt", "ALTER PUBLICATION", PASSES, DEF, false, NULL },
	{ "AlterRoleSetStmt", "ALTER ROLE", PASSES, 0, false, check_setting },
	{ "AlterRoleStmt", "ALTER ROLE", PASSES, 0, false, NULL },
	{ "AlterSeqStmt", "ALTER SEQUENCE", PASSES, 0, false, NULL },
	{ "AlterStatsStmt", "ALTER STATISTICS", PASSES, 0, false, NULL },
	{ "AlterSubscriptionStmt", "ALTER SUBSCRIPTION", PASSES, 0, false, check_alter_subscription },
	{ "AlterSystemStmt", "ALTER SYSTEM", "changes the server, and a migration is of one database", SG_HINT_OPERATOR, 0, false, NULL },
	{ "AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION", PASSES, 0, false, NULL },
	{ "AlterTSDictionaryStmt", "ALTER TEXT SEARCH DICTIONARY", PASSES, 0, true, NULL },
	{ "AlterTableMoveAllStmt", "ALTER TABLE ALL IN TABLESPACE", PASSES, 0, true, NULL },
	{ "AlterTableSpaceOptionsStmt", "ALTER TABLESPACE", PASSES, 0, false, NULL },
	{ "AlterTableStmt", "ALTER TABLE", PASSES, 0, false, sg_check_alter_table },
	{ "AlterTypeStmt", "ALTER TYPE", PASSES, 0, false, NULL },
	{ "AlterUserMappingStmt", "ALTER USER MAPPING", PASSES, 0, true, NULL },
	{ "CallStmt", "CALL", HIDES, "Define what is to be there by statements of their own.", 0, false, NULL },
	{ "CheckPointStmt", "CHECKPOINT", NO_OPERATOR, SG_HINT_OPERATOR, 0, false, NULL },
	{ "ClosePortalStmt", "CLOSE", IN_SESSION, SG_HINT_READ, 0, false, NULL },
	{ "ClusterStmt", "CLUSTER", PASSES, 0, true, check_cluster },
	{ "CommentStmt", "COMMENT", PASSES, 0, false, NULL },
	{ "CompositeTypeStmt", "CREATE TYPE", PASSES, 0, false, sg_check_create_type },
	{ "ConstraintsSetStmt", "SET CONSTRAINTS", "is the runner's to say, before it commits", "Leave it out: deferred checks are made before COMMIT in any case.", 0, false, NULL },
	{ "CopyStmt", "COPY", NOT_DDL, SG_HINT_BACKFILL, 0, false, NULL },
	{ "CreateAmStmt", "CREATE ACCESS METHOD", PASSES, 0, false, NULL },
	{ "CreateCastStmt", "CREATE CAST", PASSES, 0, false, NULL },
	{ "CreateConversionStmt", "CREATE CONVERSION", PASSES, 0, true, NULL },
	{ "CreateDomainStmt", "CREATE DOMAIN", PASSES, DEF, false, sg_check_create_type },
	{ "CreateEnumStmt", "CREATE TYPE", PASSES, 0, false, sg_check_create_type },
	{ "CreateEventTrigStmt", "CREATE EVENT TRIGGER", PASSES, 0, true, NULL },
	{ "CreateExtensionStmt", "CREATE EXTENSION", PASSES, 0, true, sg_check_create_extension },
	{ "CreateFdwStmt", "CREATE FOREIGN DATA WRAPPER", PASSES, 0, true, NULL },
	{ "CreateForeignServerStmt", "CREATE SERVER", PASSES, 0, true, NULL },
	{ "CreateForeignTableStmt", "CREATE FOREIGN TABLE", PASSES, 0, true, sg_check_create_table },
	{ "CreateFunctionStmt", "CREATE FUNCTION", PASSES, SG_WALK_BODY | DEF, false, sg_check_create_function },
	{ "CreateOpClassStmt", "CREATE OPERATOR CLASS", PASSES, 0, false, NULL },
	{ "CreateOpFamilyStmt", "CREATE OPERATOR FAMILY", PASSES, 0, false, NULL },
	{ "CreatePLangStmt", "CREATE LANGUAGE", PASSES, 0, true, NULL },
	{ "CreatePolicyStmt", "CREATE POLICY", PASSES, DEF, false, sg_check_create_policy },
	{ "CreatePublicationStmt", "CREATE PUBLICATION", PASSES, DEF, false, NULL },
	{ "CreateRangeStmt", "CREATE TYPE", PASSES, 0, false, sg_check_create_type },
	{ "CreateRoleStmt", "CREATE ROLE", PASSES, 0, false, NULL },
	{ "CreateSchemaStmt", "CREATE SCHEMA", PASSES, SG_WALK_SCHEMA | DEF, false, sg_check_create_schema },
	{ "CreateSeqStmt", "CREATE SEQUENCE", PASSES, 0, false, sg_check_create_sequence },
	{ "CreateStatsStmt", "CREATE STATISTICS", PASSES, DEF, false, NULL },
	{ "CreateStmt", "CREATE TABLE", PASSES, 0, false, sg_check_create_table },
	{ "CreateSubscriptionStmt", "CREATE SUBSCRIPTION", PASSES, 0, false, check_create_subscription },
	{ "CreateTableAsStmt", "CREATE TABLE AS", PASSES, SG_WALK_READ, false, sg_check_create_table_as },
	{ "CreateTableSpaceStmt", "CREATE TABLESPACE", PASSES, 0, false, check_outside },
	{ "CreateTransformStmt", "CREATE TRANSFORM", PASSES, 0, false, NULL },
	{ "CreateTrigStmt", "CREATE TRIGGER", PASSES, DEF, false, NULL },
	{ "CreateUserMappingStmt", "CREATE USER MAPPING", PASSES, 0, true, NULL },
	{ "CreatedbStmt", "CREATE DATABASE", PASSES, 0, false, check_outside },
	{ "DeallocateStmt", "DEALLOCATE", IN_SESSION, NULL, 0, false, NULL },
	{ "DeclareCursorStmt", "DECLARE CURSOR", "runs its query later, WITH HOLD even at COMMIT", SG_HINT_READ, 0, false, NULL },
	{ "DefineStmt", "CREATE", PASSES, 0, false, check_define },
	{ "DeleteStmt", "DELETE", NOT_DDL, SG_HINT_BACKFILL, 0, false, NULL },
	{ "DiscardStmt", "DISCARD", SETTING, SG_HINT_GUARDS, 0, false, NULL },
	{ "DoStmt", "DO", PASSES, 0, true, sg_judge_do },
	{ "DropOwnedStmt", "DROP OWNED", "drops what it does not name, the runner's tables perhaps among it", "Drop each object by name.", 0, false, NULL },
	{ "DropRoleStmt", "DROP ROLE", PASSES, 0, false, NULL },
	{ "DropStmt", "DROP", PASSES, 0, false, check_drop },
	{ "DropSubscriptionStmt", "DROP SUBSCRIPTION", PASSES, 0, false, check_drop_subscription },
	{ "DropTableSpaceStmt", "DROP TABLESPACE", PASSES, 0, false, check_outside },
	{ "DropUserMappingStmt", "DROP USER MAPPING", PASSES, 0, false, NULL },
	{ "DropdbStmt", "DROP DATABASE", "takes a whole database, and a migration is of one", SG_HINT_OPERATOR, 0, false, NULL },
	{ "ExecuteStmt", "EXECUTE", HIDES, "Send the statement itself by sg_ddl.", 0, false, NULL },
	{ "ExplainStmt", "EXPLAIN", NO_OPERATOR, SG_HINT_READ, 0, false, NULL },
	{ "FetchStmt", "FETCH", IN_SESSION, SG_HINT_READ, 0, false, NULL },
	{ "GrantRoleStmt", "GRANT", PASSES, 0, false, check_grant },
	{ "GrantStmt", "GRANT", PASSES, 0, false, check_grant },
	{ "ImportForeignSchemaStmt", "IMPORT FOREIGN SCHEMA", PASSES, 0, true, NULL },
	{ "IndexStmt", "CREATE INDEX", PASSES, 0, false, sg_check_create_index },
	{ "InsertStmt", "INSERT", NOT_DDL, SG_HINT_BACKFILL, 0, false, NULL },
	{ "ListenStmt", "LISTEN", IN_SESSION, NULL, 0, false, NULL },
	{ "LoadStmt", "LOAD", IN_SESSION, SG_HINT_OPERATOR, 0, false, NULL },
	{ "LockStmt", "LOCK", "takes locks that no definition needs", "Leave it out: each statement takes the lock that it needs, and the runner sees to the waiting.", 0, false, NULL },
	{ "MergeStmt", "MERGE", NOT_DDL, SG_HINT_BACKFILL, 0, false, NULL },
	{ "NotifyStmt", "NOTIFY", NO_OPERATOR, NULL, 0, false, NULL },
	{ "PrepareStmt", "PREPARE", IN_SESSION, "Send the statement itself.", 0, false, NULL },
	{ "ReassignOwnedStmt", "REASSIGN OWNED", "changes what it does not name, the runner's tables perhaps among it", "Change the owner of each object by name.", 0, false, NULL },
	{ "RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW", PASSES, 0, true, check_refresh },
	{ "ReindexStmt", "REINDEX", "builds indexes, and that is the registry's work", SG_HINT_INDEX, 0, false, NULL },
	{ "RenameStmt", "ALTER", PASSES, 0, false, check_alter },
	{ "RuleStmt", "CREATE RULE", PASSES, DEF, false, NULL },
	{ "SecLabelStmt", "SECURITY LABEL", PASSES, 0, false, NULL },
	{ "SelectStmt", "SELECT", NO_OPERATOR, SG_HINT_READ, 0, false, NULL },
	{ "TransactionStmt", "transaction control", ENDS, SG_HINT_TRANSACTION, 0, false, NULL },
	{ "TruncateStmt", "TRUNCATE", "removes rows, and a migration is DDL only", SG_HINT_BACKFILL, 0, false, NULL },
	{ "UnlistenStmt", "UNLISTEN", IN_SESSION, NULL, 0, false, NULL },
	{ "UpdateStmt", "UPDATE", NOT_DDL, SG_HINT_BACKFILL, 0, false, NULL },
	{ "VacuumStmt", "VACUUM", PASSES, 0, false, check_vacuum },
	{ "VariableSetStmt", "SET", SETTING, SG_HINT_GUARDS, 0, false, NULL },
	{ "VariableShowStmt", "SHOW", NO_OPERATOR, SG_HINT_READ, 0, false, NULL },
	{ "ViewStmt", "CREATE VIEW", PASSES, DEF, false, sg_check_create_view },
};

static int order(const void *key, const void *entry)
{
	return strcmp(key, ((const struct sg_statement *)entry)->node);
}

const struct sg_statement *sg_statement_find(const char *node)
{
	return bsearch(node, statements, SG_COUNT(statements), sizeof(statements[0]), order);
}
