/* rules.c - the table of rules.h. What stands here was measured on PostgreSQL 15, 17 and 18 (docs/AUDIT.md says how): locks are
 * those on tables that were there before. */
#include "config.h"
#include "core/audit/rules.h"

#include <string.h>

#include "core/base/base.h"

static const struct sg_rule rules[SG_RULE_COUNT] = {
	/* index */
	[SG_RULE_INDEX_CREATE_BLOCKING] = { "index.create_blocking", SG_SEVERITY_ERROR, true,
		"index built without CONCURRENTLY",
		"SHARE on the table while all of it is read",
		"Nobody can insert, update or delete until the index is built: seconds on a small table, an hour on "
		"a large one.",
		"CREATE INDEX CONCURRENTLY, alone and outside of a transaction; with sgrun an [index …] section "
		"does it after the deployment.",
		0, 0, "CONCURRENTLY since 8.2" },
	[SG_RULE_INDEX_CREATE_ON_PARTITIONED] = { "index.create_on_partitioned", SG_SEVERITY_ERROR, true,
		"index built on a partitioned table and all its partitions at once",
		"SHARE on the table and on each partition while all of them are read",
		"Writes to every partition wait until the last of the indexes is built, and CONCURRENTLY is refused "
		"on the parent.",
		"CREATE INDEX ON ONLY the parent, CREATE INDEX CONCURRENTLY on each partition, then ALTER INDEX … "
		"ATTACH PARTITION for each.",
		0, 0, "ON ONLY since 11; still no CONCURRENTLY on a parent in 18" },
	[SG_RULE_INDEX_DROP_BLOCKING] = { "index.drop_blocking", SG_SEVERITY_WARNING, true,
		"index dropped without CONCURRENTLY",
		"ACCESS EXCLUSIVE on the table of the index",
		"It is quick once it has the lock, but it waits for every running query on the table, and all that "
		"come later wait behind it.",
		"DROP INDEX CONCURRENTLY, one index a statement, outside of a transaction.",
		0, 0, "CONCURRENTLY since 9.2" },
	[SG_RULE_INDEX_CONCURRENTLY_IN_TX] = { "index.concurrently_in_tx", SG_SEVERITY_ERROR, false,
		"CONCURRENTLY inside a transaction",
		NULL,
		"The server refuses it (25001, cannot run inside a transaction block), so this migration fails "
		"wherever it runs.",
		"Put it into a file of its own, and mark that file as one without a transaction; with sgrun: an "
		"[index …] section, or SG_NO_TRANSACTION.",
		0, 0, NULL },
	[SG_RULE_INDEX_REINDEX_BLOCKING] = { "index.reindex_blocking", SG_SEVERITY_ERROR, true,
		"index rebuilt without CONCURRENTLY",
		"SHARE on the table while all of it is read, ACCESS EXCLUSIVE on the index",
		"Writes wait until it is rebuilt, and so do nearly all reads: the planner looks at every index of a "
		"table, the locked one too.",
		"REINDEX … CONCURRENTLY, outside of a transaction.",
		0, 0, "CONCURRENTLY since 12" },
	[SG_RULE_INDEX_IF_NOT_EXISTS_INVALID] = { "index.if_not_exists_invalid", SG_SEVERITY_WARNING, false,
		"CONCURRENTLY with IF NOT EXISTS",
		NULL,
		"A build that failed or was cancelled leaves an INVALID index of that name; the second try passes "
		"over it and says success, and the index is never used (a UNIQUE one never enforced for the old "
		"rows).",
		"Leave IF NOT EXISTS out; before a retry look at pg_index.indisvalid, and drop an invalid one with "
		"DROP INDEX CONCURRENTLY. sgrun does so itself.",
		0, 0, NULL },
	[SG_RULE_INDEX_CORRUPTION_14] = { "index.corruption_14", SG_SEVERITY_WARNING, false,
		"index built or rebuilt CONCURRENTLY on PostgreSQL 14",
		NULL,
		"14.0 to 14.3 may leave rows out of an index that is built concurrently while others write: queries "
		"then miss rows without an error.",
		"Make sure that the server is 14.4 or later; indexes built before that need REINDEX INDEX "
		"CONCURRENTLY.",
		14, 15, "fixed in 14.4" },
	[SG_RULE_INDEX_TOO_WIDE] = { "index.too_wide", SG_SEVERITY_HINT, false,
		"index of more than three columns",
		NULL,
		"The columns behind the first two or three seldom narrow a search; every write pays for them, and "
		"updates of them are never HOT.",
		"Keep the columns that queries filter by, the most selective first; what is only to be read goes "
		"into INCLUDE.",
		0, 0, NULL },
	[SG_RULE_INDEX_DUPLICATE] = { "index.duplicate", SG_SEVERITY_HINT, false,
		"an index that another one covers",
		NULL,
		"Both are written at each change and kept in memory, and only one of them is needed.",
		"Keep the wider one; drop the other with DROP INDEX CONCURRENTLY once pg_stat_user_indexes shows "
		"that nobody uses it.",
		0, 0, NULL },
	[SG_RULE_INDEX_HASH] = { "index.hash", SG_SEVERITY_HINT, false,
		"hash index",
		NULL,
		"It serves = only: no order, no ranges, no uniqueness, no second column, no index-only scan.",
		"A btree; on long texts a btree over a hash of them (md5, or hashtextextended) is as small.",
		0, 0, "crash-safe since 10" },
	/* column */
	[SG_RULE_COLUMN_ADD_VOLATILE_DEFAULT] = { "column.add_volatile_default", SG_SEVERITY_ERROR, true,
		"ADD COLUMN with volatile DEFAULT (clock_timestamp(), random(), gen_random_uuid(), nextval)",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"Add nullable, SET DEFAULT, batched backfill, then NOT NULL.", 0, 0, "now()/stable and constants are fast since 11; before 11 every default rewrote" },
	[SG_RULE_COLUMN_ADD_CONST_DEFAULT] = { "column.add_const_default", SG_SEVERITY_WARNING, true,
		"ADD COLUMN with constant or STABLE DEFAULT",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"See the documentation of PostgreSQL.", 0, 0, "safe since 11" },
	[SG_RULE_COLUMN_ADD_NOT_NULL_NO_DEFAULT] = { "column.add_not_null_no_default", SG_SEVERITY_ERROR, false,
		"ADD COLUMN NOT NULL without DEFAULT",
		"ERR 23502 column \"c1\" of relation \"t\" contai", "It locks the table while the application works on it.",
		"Nullable, backfill, NOT NULL; or constant default.", 0, 0, NULL },
	[SG_RULE_COLUMN_ADD_SERIAL] = { "column.add_serial", SG_SEVERITY_ERROR, true,
		"ADD COLUMN serial/bigserial",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"New column + sequence default + backfill.", 0, 0, "rewrites in all versions to 18" },
	[SG_RULE_COLUMN_ADD_IDENTITY] = { "column.add_identity", SG_SEVERITY_ERROR, true,
		"ADD COLUMN ... GENERATED AS IDENTITY",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"Nullable column, backfill, then ADD GENERATED.", 0, 0, "rewrites in all versions to 18" },
	[SG_RULE_COLUMN_ADD_GENERATED_STORED] = { "column.add_generated_stored", SG_SEVERITY_ERROR, true,
		"ADD COLUMN GENERATED ... STORED",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"Plain column + trigger, or VIRTUAL on 18+.", 0, 0, "VIRTUAL (18+) does not rewrite; on 18 the bare form is VIRTUAL" },
	[SG_RULE_COLUMN_ADD_WITH_CONSTRAINT] = { "column.add_with_constraint", SG_SEVERITY_ERROR, true,
		"ADD COLUMN with inline CHECK / UNIQUE / PRIMARY KEY / REFERENCES",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"Add the column alone, then NOT VALID / USING INDEX.", 0, 0, NULL },
	[SG_RULE_COLUMN_ADD_DOMAIN] = { "column.add_domain", SG_SEVERITY_ERROR, true,
		"ADD COLUMN of a domain with a constraint",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"Base type + NOT VALID CHECK.", 0, 0, "rewrites on 15-18" },
	[SG_RULE_COLUMN_ADD_JSON] = { "column.add_json", SG_SEVERITY_WARNING, true,
		"ADD COLUMN json",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Jsonb.", 0, 0, NULL },
	[SG_RULE_COLUMN_DROP] = { "column.drop", SG_SEVERITY_WARNING, true,
		"DROP COLUMN",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Stop using first, drop later.", 0, 0, NULL },
	[SG_RULE_COLUMN_RENAME] = { "column.rename", SG_SEVERITY_WARNING, true,
		"RENAME COLUMN",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"New column + sync + swap, or view.", 0, 0, NULL },
	[SG_RULE_COLUMN_TYPE_REWRITE] = { "column.type_rewrite", SG_SEVERITY_ERROR, true,
		"ALTER COLUMN TYPE needing a rewrite",
		"t:AccessExclusive **rewrite**", "It locks the table while the application works on it.",
		"New column, trigger, backfill, swap.", 0, 0, NULL },
	[SG_RULE_COLUMN_TYPE_NO_REWRITE] = { "column.type_no_rewrite", SG_SEVERITY_WARNING, true,
		"ALTER COLUMN TYPE that needs no rewrite (widen varchar, varchar to text, numeric precision up at the same scale, timestamp precision up, varbit widen, cidr to inet, timestamp to timestamptz when TimeZone is UTC)",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Set lock_timeout; recreate CHECKs NOT VALID.", 0, 0, "varchar/numeric/varbit since 9.2, timestamptz under UTC since 12" },
	[SG_RULE_COLUMN_TYPE_RECHECK] = { "column.type_recheck", SG_SEVERITY_ERROR, true,
		"ALTER COLUMN TYPE (no rewrite) on a column with CHECK, or collation change",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"Drop CHECK, change, re-add NOT VALID, VALIDATE.", 0, 0, NULL },
	[SG_RULE_COLUMN_SET_NOT_NULL] = { "column.set_not_null", SG_SEVERITY_ERROR, true,
		"SET NOT NULL",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"CHECK (c IS NOT NULL) NOT VALID; VALIDATE; SET NOT NULL; DROP CHECK.", 0, 0, "scan skipped with a validated CHECK since 12; 18 has NOT NULL NOT VALID" },
	[SG_RULE_COLUMN_SET_NOT_NULL_AFTER_CHECK] = { "column.set_not_null_after_check", SG_SEVERITY_WARNING, true,
		"SET NOT NULL with a validated CHECK",
		"tck:AccessExclusive", "It locks the table while the application works on it.",
		"See the documentation of PostgreSQL.", 0, 0, "safe since 12" },
	[SG_RULE_COLUMN_DROP_NOT_NULL] = { "column.drop_not_null", SG_SEVERITY_WARNING, true,
		"DROP NOT NULL",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Review.", 0, 0, NULL },
	[SG_RULE_COLUMN_CHANGE_DEFAULT] = { "column.change_default", SG_SEVERITY_WARNING, true,
		"SET DEFAULT while old code writes the old default",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Deploy first.", 0, 0, NULL },
	/* constraint */
	[SG_RULE_CONSTRAINT_ADD_CHECK] = { "constraint.add_check", SG_SEVERITY_ERROR, true,
		"ADD CHECK without NOT VALID",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"NOT VALID, then VALIDATE.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_ADD_FK] = { "constraint.add_fk", SG_SEVERITY_ERROR, true,
		"ADD FOREIGN KEY without NOT VALID",
		"parent:ShareRowExclusive t:ShareRowExclusive scan", "It locks the table while the application works on it.",
		"NOT VALID, then VALIDATE.", 0, 0, "NOT VALID on a partitioned referencing table only since 18" },
	[SG_RULE_CONSTRAINT_ADD_FK_NOT_VALID] = { "constraint.add_fk_not_valid", SG_SEVERITY_WARNING, true,
		"ADD FOREIGN KEY NOT VALID",
		"parent:ShareRowExclusive t:ShareRowExclusive", "It locks the table while the application works on it.",
		"Lock_timeout.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_VALIDATE_SAME_TX] = { "constraint.validate_same_tx", SG_SEVERITY_ERROR, true,
		"NOT VALID and VALIDATE in one transaction",
		"t:ShareUpdateExclusive scan", "It locks the table while the application works on it.",
		"Separate transaction.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_ADD_UNIQUE] = { "constraint.add_unique", SG_SEVERITY_ERROR, true,
		"ADD UNIQUE without USING INDEX",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"CREATE UNIQUE INDEX CONCURRENTLY + USING INDEX.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_ADD_PK] = { "constraint.add_pk", SG_SEVERITY_ERROR, true,
		"ADD PRIMARY KEY without USING INDEX",
		"nopk:AccessExclusive scan", "It locks the table while the application works on it.",
		"Unique index concurrently + NOT NULL + USING INDEX.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_PK_USING_INDEX_NULLABLE] = { "constraint.pk_using_index_nullable", SG_SEVERITY_ERROR, true,
		"PRIMARY KEY USING INDEX over nullable columns",
		"nopk:AccessExclusive scan", "It locks the table while the application works on it.",
		"Make NOT NULL first.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_ADD_EXCLUSION] = { "constraint.add_exclusion", SG_SEVERITY_ERROR, true,
		"ADD EXCLUDE",
		"t:AccessExclusive scan", "It locks the table while the application works on it.",
		"New table.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_DROP] = { "constraint.drop", SG_SEVERITY_WARNING, true,
		"DROP CONSTRAINT",
		"t:AccessExclusive", "It locks the table while the application works on it.",
		"Lock_timeout.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_FK_WITHOUT_INDEX] = { "constraint.fk_without_index", SG_SEVERITY_HINT, false,
		"FK without an index on the referencing column",
		NULL, "It is hard to change later.",
		"Create the index.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_FK_TYPE_MISMATCH] = { "constraint.fk_type_mismatch", SG_SEVERITY_HINT, false,
		"FK columns of different types",
		NULL, "It is hard to change later.",
		"Same type.", 0, 0, NULL },
	[SG_RULE_CONSTRAINT_MULTIPLE_FKS] = { "constraint.multiple_fks", SG_SEVERITY_HINT, false,
		"more than one FK (or table lock) in one transaction",
		NULL, "It is hard to change later.",
		"One per transaction.", 0, 0, NULL },
	/* table */
	[SG_RULE_TABLE_CREATE_WITH_FK] = { "table.create_with_fk", SG_SEVERITY_WARNING, true,
		"new table with a foreign key to one that is in use",
		"SHARE ROW EXCLUSIVE on the referenced table",
		"Writes to the referenced table wait, from the moment the lock is asked for until the transaction "
		"ends.",
		"Create the table alone, then ALTER TABLE … ADD FOREIGN KEY … NOT VALID in a short transaction of "
		"its own with a lock_timeout: the lock is the same, but held for a moment.",
		0, 0, NULL },
	[SG_RULE_TABLE_DROP] = { "table.drop", SG_SEVERITY_WARNING, true,
		"table dropped",
		"ACCESS EXCLUSIVE on the table, on each table that its foreign keys point to, and on the parent of "
		"a partition",
		"Readers and writers of the referenced tables wait too, and code that still uses the table fails at "
		"once; nothing brings the rows back.",
		"Release the code first; rename the table and wait some days; drop its foreign keys one by one, "
		"each with a lock_timeout; then drop it.",
		0, 0, NULL },
	[SG_RULE_TABLE_RENAME] = { "table.rename", SG_SEVERITY_WARNING, true,
		"table renamed",
		"ACCESS EXCLUSIVE on the table",
		"Every running version of the application that asks for the old name fails from the commit on.",
		"In the same transaction CREATE VIEW with the old name over the new table (a simple view can be "
		"written to), and drop it when no code uses it any more.",
		0, 0, NULL },
	[SG_RULE_TABLE_SET_SCHEMA] = { "table.set_schema", SG_SEVERITY_WARNING, true,
		"table moved to another schema, or a schema renamed",
		"ACCESS EXCLUSIVE on a table that is moved; none for a schema's name",
		"Code that names the old schema, or finds the table by its search_path, fails from the commit on.",
		"Leave a view of the old name behind in the same transaction, or add the new schema to every "
		"search_path first.",
		0, 0, NULL },
	[SG_RULE_TABLE_TRUNCATE] = { "table.truncate", SG_SEVERITY_ERROR, true,
		"TRUNCATE",
		"ACCESS EXCLUSIVE on each table that is emptied; with CASCADE on all that refer to them",
		"All rows are gone, also for transactions that began before, and CASCADE takes rows of tables that "
		"are not named.",
		"Delete what must go in batches, by a backfill; where really all must go, name each table, without "
		"CASCADE, with a lock_timeout.",
		0, 0, NULL },
	[SG_RULE_TABLE_CLUSTER_VACUUM_FULL] = { "table.cluster_vacuum_full", SG_SEVERITY_ERROR, true,
		"CLUSTER or VACUUM FULL",
		"ACCESS EXCLUSIVE on the table while it and its indexes are written anew",
		"Nobody can even read the table until it is written anew, and for that time the disk holds it "
		"twice.",
		"Plain VACUUM in quiet hours; to give space back, pg_repack or pg_squeeze; not in a migration.",
		0, 0, "REPACK (CONCURRENTLY) is planned for 19" },
	[SG_RULE_TABLE_SET_LOGGED] = { "table.set_logged", SG_SEVERITY_ERROR, true,
		"SET LOGGED, UNLOGGED, TABLESPACE or ACCESS METHOD",
		"ACCESS EXCLUSIVE on the table while it is written anew (not where it is there already)",
		"Nobody can even read the table until every row is copied; SET LOGGED writes all of it to the WAL, "
		"too.",
		"Make a new table as it should be, copy by a backfill with a trigger that keeps both alike, and "
		"swap the names.",
		0, 0, NULL },
	[SG_RULE_TABLE_REWRITE_OTHER] = { "table.rewrite_other", SG_SEVERITY_NONE, false,
		"ALTER COLUMN SET EXPRESSION",
		NULL,
		"No rule: the statement is new in 17 and unknown to the grammar that is used here, so that it is "
		"reported as not read; a rehearsal on 17 or later measures it (it rewrites the table).",
		NULL,
		0, 0, NULL },
	/* partition */
	[SG_RULE_PARTITION_CREATE] = { "partition.create", SG_SEVERITY_WARNING, true,
		"partition made in place",
		"ACCESS EXCLUSIVE on the partitioned table",
		"All reads and writes of all partitions wait for the lock, behind every query that runs on any of "
		"them.",
		"CREATE TABLE (LIKE parent INCLUDING ALL), add a CHECK of the bounds, then ALTER TABLE parent "
		"ATTACH PARTITION: the parent can be read and written meanwhile.",
		0, 0, "ATTACH takes no more than SHARE UPDATE EXCLUSIVE on the parent since 12" },
	[SG_RULE_PARTITION_ATTACH] = { "partition.attach", SG_SEVERITY_ERROR, true,
		"partition attached without a CHECK that proves its bounds",
		"ACCESS EXCLUSIVE on the table that is attached while all of it is read, SHARE UPDATE EXCLUSIVE on "
		"the parent",
		"Whoever reads or writes the table under its own name waits until every row has been compared with "
		"the bounds.",
		"First ADD CONSTRAINT … CHECK (key >= … AND key < …) NOT VALID, VALIDATE it in another transaction, "
		"with key NOT NULL; after ATTACH drop it.",
		0, 0, "the parent is no more locked ACCESS EXCLUSIVE since 12" },
	[SG_RULE_PARTITION_DETACH] = { "partition.detach", SG_SEVERITY_WARNING, true,
		"partition detached without CONCURRENTLY",
		"ACCESS EXCLUSIVE on the partitioned table, on the partition, and on the DEFAULT partition",
		"All reads and writes of all partitions wait for the lock, behind every query that runs on any of "
		"them.",
		"DETACH PARTITION … CONCURRENTLY, outside of a transaction (not where there is a DEFAULT partition: "
		"then with a lock_timeout).",
		0, 0, "CONCURRENTLY since 14" },
	/* matview */
	[SG_RULE_MATVIEW_REFRESH] = { "matview.refresh", SG_SEVERITY_ERROR, true,
		"materialized view refreshed without CONCURRENTLY",
		"ACCESS EXCLUSIVE on the view while its query runs",
		"Nobody can read the view for as long as its query takes, and the deployment waits for it.",
		"REFRESH MATERIALIZED VIEW CONCURRENTLY (the view needs a unique index over plain columns), and by "
		"a job, not by a migration.",
		0, 0, "CONCURRENTLY since 9.4" },
	/* trigger */
	[SG_RULE_TRIGGER_CREATE] = { "trigger.create", SG_SEVERITY_WARNING, true,
		"trigger made on a table in use",
		"SHARE ROW EXCLUSIVE on the table, and on each partition of it",
		"Writes wait for the lock and until the transaction ends; afterwards each write runs the function "
		"too.",
		"A transaction of its own with a lock_timeout, and the function made and tried out before.",
		0, 0, NULL },
	[SG_RULE_TRIGGER_DROP] = { "trigger.drop", SG_SEVERITY_WARNING, true,
		"trigger dropped, or a function with CASCADE that triggers may call",
		"ACCESS EXCLUSIVE on the table of each trigger",
		"Reads and writes wait for the lock; CASCADE takes every trigger of the function, on tables that "
		"are not named.",
		"DROP TRIGGER table by table, each in a transaction of its own with a lock_timeout; then DROP "
		"FUNCTION without CASCADE.",
		0, 0, NULL },
	[SG_RULE_TRIGGER_TOGGLE] = { "trigger.toggle", SG_SEVERITY_WARNING, true,
		"triggers switched off or on",
		"SHARE ROW EXCLUSIVE on the table",
		"Writes wait for the lock; while triggers are off nothing that they keep right is kept right, "
		"foreign keys included with ALL, for every session that writes.",
		"Let the function look at a setting that only the backfill's session has, rather than switching it "
		"off for all.",
		0, 0, NULL },
	/* policy */
	[SG_RULE_POLICY_RLS] = { "policy.rls", SG_SEVERITY_WARNING, true,
		"row level security changed on a table in use",
		"ACCESS EXCLUSIVE on the table",
		"Reads and writes wait for the lock; security that is enabled before there is a policy shows no row "
		"to anybody but the owner.",
		"Policies first, ENABLE ROW LEVEL SECURITY last, in one short transaction with a lock_timeout.",
		0, 0, NULL },
	/* enum */
	[SG_RULE_ENUM_ADD_VALUE] = { "enum.add_value", SG_SEVERITY_HINT, false,
		"ALTER TYPE ADD VALUE",
		NULL, "It is hard to change later.",
		"Separate transaction; BEFORE/AFTER explicit.", 0, 0, "allowed in a transaction since 12" },
	[SG_RULE_ENUM_RENAME_VALUE] = { "enum.rename_value", SG_SEVERITY_HINT, false,
		"ALTER TYPE RENAME VALUE",
		NULL, "It is hard to change later.",
		"Add value + backfill.", 0, 0, NULL },
	[SG_RULE_ENUM_CREATE] = { "enum.create", SG_SEVERITY_HINT, false,
		"CREATE TYPE AS ENUM",
		NULL, "It is hard to change later.",
		"Lookup table.", 0, 0, NULL },
	/* domain */
	[SG_RULE_DOMAIN_CONSTRAINT] = { "domain.constraint", SG_SEVERITY_ERROR, true,
		"CREATE/ALTER DOMAIN with constraint",
		"t:Share scan", "It locks the table while the application works on it.",
		"NOT VALID + VALIDATE.", 0, 0, NULL },
	/* dml */
	[SG_RULE_DML_UPDATE_NO_WHERE] = { "dml.update_no_where", SG_SEVERITY_ERROR, true,
		"UPDATE or DELETE of all rows",
		"ROW EXCLUSIVE on the table, and a lock on every row of it until the end of the transaction",
		"Whoever writes one of the rows waits until the last one is done; the table grows to twice its "
		"size, and replicas fall behind.",
		"A backfill in batches, after the deployment ([backfill …]).",
		0, 0, NULL },
	[SG_RULE_DML_ANY] = { "dml.any", SG_SEVERITY_NONE, false,
		"any DML in a migration",
		NULL,
		"No rule: the DML safety analysis tells of each operation what it is and whether it is safe.",
		NULL,
		0, 0, NULL },
	/* tx */
	[SG_RULE_TX_WIDE] = { "tx.wide", SG_SEVERITY_ERROR, true,
		"slow statement while a table is locked for everybody",
		"ACCESS EXCLUSIVE on the first table until the end of the transaction",
		"A lock is held until COMMIT: nobody can read or write the locked table while the later statement "
		"works.",
		"Move what takes time into a transaction before, or after, the one with the lock; data work into a "
		"backfill.",
		0, 0, NULL },
	[SG_RULE_TX_MULTIPLE_ALTER] = { "tx.multiple_alter", SG_SEVERITY_HINT, false,
		"several ALTER TABLE of the same table",
		NULL,
		"Each of those that scan or rewrite goes through the table once more, all under the same lock.",
		"Put the actions into one ALTER TABLE, separated by commas.",
		0, 0, NULL },
	[SG_RULE_TX_NESTING] = { "tx.nesting", SG_SEVERITY_WARNING, false,
		"BEGIN or COMMIT in a file that the tool runs in a transaction",
		NULL,
		"BEGIN is only warned of, but COMMIT ends the tool's own transaction: what follows is not undone "
		"when it fails, and the migration is recorded apart from what it did.",
		"Leave them out, or mark the file as one without a transaction.",
		0, 0, NULL },
	/* timeouts */
	[SG_RULE_TIMEOUTS_LOCK] = { "timeouts.lock", SG_SEVERITY_WARNING, false,
		"ACCESS EXCLUSIVE lock without a lock_timeout",
		NULL,
		"While it waits for one long query on the table, every later query waits behind it: the application "
		"stands still before anything has been changed.",
		"SET lock_timeout = '2s' before it (SET LOCAL inside a transaction), and try again when it fails; "
		"sgrun does both.",
		0, 0, NULL },
	[SG_RULE_TIMEOUTS_STATEMENT] = { "timeouts.statement", SG_SEVERITY_HINT, false,
		"table read or rewritten under a lock without a statement_timeout",
		NULL,
		"Nothing ends it when it takes longer than anybody thought.",
		"SET statement_timeout to the time for which the application can do without the table.",
		0, 0, "transaction_timeout since 17" },
	/* type */
	[SG_RULE_TYPE_CHAR] = { "type.char", SG_SEVERITY_HINT, false,
		"char(n)",
		NULL, "It is hard to change later.",
		"Text.", 0, 0, NULL },
	[SG_RULE_TYPE_VARCHAR] = { "type.varchar", SG_SEVERITY_HINT, false,
		"varchar(n)",
		NULL, "It is hard to change later.",
		"Text + CHECK.", 0, 0, NULL },
	[SG_RULE_TYPE_INT] = { "type.int", SG_SEVERITY_HINT, false,
		"int/smallint keys",
		NULL, "It is hard to change later.",
		"Bigint.", 0, 0, NULL },
	[SG_RULE_TYPE_TIMESTAMP] = { "type.timestamp", SG_SEVERITY_HINT, false,
		"timestamp without time zone",
		NULL, "It is hard to change later.",
		"Timestamptz.", 0, 0, NULL },
	[SG_RULE_TYPE_SERIAL] = { "type.serial", SG_SEVERITY_HINT, false,
		"serial",
		NULL, "It is hard to change later.",
		"Identity.", 0, 0, "10+" },
	[SG_RULE_TYPE_MONEY_FLOAT] = { "type.money_float", SG_SEVERITY_HINT, false,
		"money / float",
		NULL, "It is hard to change later.",
		"Numeric.", 0, 0, NULL },
	/* table */
	[SG_RULE_TABLE_NO_PK] = { "table.no_pk", SG_SEVERITY_HINT, false,
		"table without a primary key",
		NULL,
		"Logical replication cannot update or delete its rows, a backfill cannot walk it in batches, and "
		"duplicates cannot be told apart.",
		"Give it one: id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, or the columns that identify a "
		"row.",
		0, 0, NULL },
	[SG_RULE_TABLE_UNLOGGED] = { "table.unlogged", SG_SEVERITY_HINT, false,
		"unlogged table",
		NULL,
		"It is emptied after a crash, is empty on every replica, and to make it a logged one later rewrites "
		"it.",
		"A logged table, but for what can be made again at any time.",
		0, 0, NULL },
	[SG_RULE_TABLE_IF_EXISTS] = { "table.if_exists", SG_SEVERITY_NONE, false,
		"missing or redundant IF [NOT] EXISTS",
		NULL,
		"No rule: in a transaction a guard is not needed (all or nothing), outside of one it is; and "
		"whether the object that is there is the one that was meant is compared by sgrun at run time, not "
		"by a style.",
		NULL,
		0, 0, NULL },
	/* name */
	[SG_RULE_NAME_IDENTIFIERS] = { "name.identifiers", SG_SEVERITY_HINT, false,
		"identifier over 63 bytes, unqualified or quoted names",
		NULL, "It is hard to change later.",
		"Short, qualified names.", 0, 0, NULL },
	/* schema */
	[SG_RULE_SCHEMA_DROP] = { "schema.drop", SG_SEVERITY_WARNING, true,
		"schema, database, or all that a role owns dropped",
		"ACCESS EXCLUSIVE on each table that goes, and on those that their foreign keys point to",
		"Everything in it goes, named or not, in one transaction that needs the lock of every table at "
		"once; nothing brings it back.",
		"Drop table by table, each after a rename and some days of waiting; then DROP SCHEMA without "
		"CASCADE.",
		0, 0, NULL },
	/* index */
	[SG_RULE_INDEX_REPLACE_ORDER] = { "index.replace_order", SG_SEVERITY_HINT, false,
		"index dropped before its replacement is built",
		NULL,
		"In between, and if the build fails, queries that used it read the whole table.",
		"Build the new one CONCURRENTLY under another name first, then drop the old one, then rename if "
		"need be.",
		0, 0, NULL },
	/* dml */
	[SG_RULE_DML_DUPLICATE_ASSIGNMENT] = { "dml.duplicate_assignment", SG_SEVERITY_ERROR, false,
		"a column named twice",
		NULL,
		"The server refuses the statement (42601 or 42701), so this migration fails wherever it runs.",
		"Name each column once.",
		0, 0, NULL },
	/* type */
	[SG_RULE_TYPE_ALIGNMENT] = { "type.alignment", SG_SEVERITY_HINT, false,
		"column order wastes padding",
		NULL, "It is hard to change later.",
		"Order by alignment.", 0, 0, NULL },
	/* orm */
	[SG_RULE_ORM_ONLY] = { "orm.only", SG_SEVERITY_NONE, false,
		"what only some object-relational mapper writes",
		NULL,
		"No rule: what an ORM's migration does is seen in the SQL that it sends, and the rules of that SQL "
		"hold.",
		NULL,
		0, 0, NULL },
	/* lock */
	[SG_RULE_LOCK_EXPLICIT] = { "lock.explicit", SG_SEVERITY_WARNING, true,
		"LOCK TABLE",
		"the lock that it names, until the end of the transaction",
		"Others wait from the moment it is asked for until the transaction ends, whatever else that does.",
		"Leave it to the statement, which takes the weakest lock that it needs; else lock last, in a short "
		"transaction with a lock_timeout.",
		0, 0, NULL },
	/* found on the way */
	[SG_RULE_INDEX_CONCURRENTLY_REFUSED] = { "index.concurrently_refused", SG_SEVERITY_ERROR, false,
		"CONCURRENTLY where the server has none",
		NULL,
		"The statement is refused, and the migration fails wherever it runs.",
		"DROP INDEX CONCURRENTLY takes one index and no CASCADE; an index of a partitioned table is built "
		"partition by partition (ON ONLY the parent, then ATTACH PARTITION).",
		0, 0, NULL },
	[SG_RULE_PARTITION_DEFAULT_SCAN] = { "partition.default_scan", SG_SEVERITY_ERROR, true,
		"new partition beside a DEFAULT partition",
		"ACCESS EXCLUSIVE on the DEFAULT partition while all of it is read",
		"The server looks for rows there that belong to the new one; nobody can read or write them until it "
		"is done, and one such row makes it fail.",
		"First give the DEFAULT partition a CHECK that excludes the new bounds, NOT VALID, and VALIDATE it "
		"in another transaction; or keep it empty.",
		0, 0, NULL },
	[SG_RULE_TX_SEVERAL_TABLES] = { "tx.several_tables", SG_SEVERITY_WARNING, true,
		"several tables locked in one transaction",
		"the lock of each table until the end of the transaction",
		"The first table stays locked while the lock on the second is waited for, and two transactions that "
		"lock them in different order deadlock.",
		"One table a transaction, each with a lock_timeout.",
		0, 0, NULL },
	/* what is said of the reader's own marks */
	[SG_RULE_ALLOW_WITHOUT_REASON] = { "allow.without_reason", SG_SEVERITY_WARNING, false,
		"a finding is to be allowed, and nobody says why",
		NULL,
		"Whoever reads it later cannot tell whether the reason still holds; so nothing is silenced.",
		"Write the reason after the rule: -- sgrun: allow RULE reason.",
		0, 0, NULL },
	[SG_RULE_ALLOW_UNKNOWN] = { "allow.unknown", SG_SEVERITY_WARNING, false,
		"an allow that silences nothing",
		NULL,
		"There is no rule of that name, or the statement below it has no such finding (any more): the line "
		"misleads whoever reads it.",
		"Correct the name, put it above the statement it is meant for, or take it out.",
		0, 0, NULL },
};

const char *sg_severity_name(enum sg_severity severity)
{
	static const char *const names[] = { "none", "hint", "warning", "error" };

	return names[severity];
}

const struct sg_rule *sg_rule(enum sg_rule_id id)
{
	SG_ASSERT(id < SG_RULE_COUNT && rules[id].id != NULL);
	return &rules[id];
}

int sg_rule_find(const char *id)
{
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (strcmp(rules[i].id, id) == 0)
			return i;
	return -1;
}

bool sg_rule_matches(const char *pattern, const char *id)
{
	size_t length = strlen(pattern);

	if (strcmp(pattern, "*") == 0 || strcmp(pattern, id) == 0)
		return true;
	return length > 2 && strcmp(pattern + length - 2, ".*") == 0 && strncmp(pattern, id, length - 1) == 0;
}
