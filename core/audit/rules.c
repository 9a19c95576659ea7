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
		"SHARE on the table while it is read from end to end",
		"Nobody can insert, update or delete until the index is built: seconds on a small table, an hour on "
		"a large one.",
		"CREATE INDEX CONCURRENTLY, alone and outside of a transaction; with sgrun an [index …] section "
		"does it after the deployment.",
		0, 0, "CONCURRENTLY since 8.2" },
	[SG_RULE_INDEX_CREATE_ON_PARTITIONED] = { "index.create_on_partitioned", SG_SEVERITY_ERROR, true,
		"index built on a partitioned table and all its partitions at once",
		"SHARE on the table and on each partition while they are read from end to end",
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
		"SHARE on the table while it is read from end to end, ACCESS EXCLUSIVE on the index",
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
		"column added with a volatile default",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"Each row gets a value of its own, so the whole table is written anew while nobody can read or "
		"write it.",
		"Add the column without a default, SET DEFAULT in the next statement (new rows have it), fill old "
		"rows with a backfill, then make it NOT NULL.", 0, 0,
		"constants and STABLE defaults like now() cost nothing since 11" },
	[SG_RULE_COLUMN_ADD_CONST_DEFAULT] = { "column.add_const_default", SG_SEVERITY_ERROR, true,
		"column added with a default, on a server before 11",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"Before 11 a default is written into every row while nobody can read or write the table.",
		"Add the column without a default, SET DEFAULT, fill old rows with a backfill.", 0, 11,
		"safe since 11" },
	[SG_RULE_COLUMN_ADD_NOT_NULL_NO_DEFAULT] = { "column.add_not_null_no_default", SG_SEVERITY_ERROR, false,
		"column added NOT NULL without a default",
		"ACCESS EXCLUSIVE on the table; then it fails if there is a row",
		"The rows that are there would be NULL: the statement fails on any table that is not empty "
		"(SQLSTATE 23502).",
		"Add it nullable and backfill it, or give it a constant DEFAULT.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_ADD_SERIAL] = { "column.add_serial", SG_SEVERITY_ERROR, true,
		"serial column added",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"Every row is given a number of the sequence, so the whole table is written anew while nobody can "
		"read or write it.",
		"Add a plain bigint column, then a sequence as its DEFAULT, and fill old rows with a backfill.", 0, 0,
		"in all versions to 18" },
	[SG_RULE_COLUMN_ADD_IDENTITY] = { "column.add_identity", SG_SEVERITY_ERROR, true,
		"identity column added",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"Every row is given a number of the sequence, so the whole table is written anew while nobody can "
		"read or write it.",
		"Add a plain bigint column, fill it with a backfill, SET NOT NULL, then ADD GENERATED … AS "
		"IDENTITY: that is instant.", 0, 0,
		"in all versions to 18" },
	[SG_RULE_COLUMN_ADD_GENERATED_STORED] = { "column.add_generated_stored", SG_SEVERITY_ERROR, true,
		"stored generated column added",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"The expression is computed for every row and the whole table written anew while nobody can read "
		"or write it.",
		"Add a plain column, keep it by a trigger and fill old rows with a backfill; since 18 make it "
		"VIRTUAL.", 0, 0,
		"VIRTUAL, which rewrites nothing, since 18" },
	[SG_RULE_COLUMN_ADD_WITH_CONSTRAINT] = { "column.add_with_constraint", SG_SEVERITY_ERROR, true,
		"column added together with a constraint that is checked at once",
		"ACCESS EXCLUSIVE on the table, which is scanned (CHECK, REFERENCES with a default) or indexed "
		"(UNIQUE, PRIMARY KEY)",
		"All rows are read, or an index is built, while nobody can read or write the table.",
		"Add the column alone; then CHECK or FOREIGN KEY as NOT VALID and VALIDATE it in another "
		"transaction, or build a unique index CONCURRENTLY and add the constraint USING INDEX.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_ADD_DOMAIN] = { "column.add_domain", SG_SEVERITY_ERROR, true,
		"column added of a domain that checks its values",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"The server tests the domain for each row and writes the whole table anew while nobody can read "
		"or write it, even if all values are NULL.",
		"Use the domain's base type, and a CHECK on the table: NOT VALID, then VALIDATE.", 0, 0,
		"measured on 15 to 18" },
	[SG_RULE_COLUMN_ADD_JSON] = { "column.add_json", SG_SEVERITY_HINT, false,
		"json where jsonb is meant",
		NULL,
		"json keeps the text as it came: it has no equality (DISTINCT and GROUP BY fail), no index of its "
		"own, and is parsed again at each look.",
		"Use jsonb, unless blanks, the order of keys and duplicates of them must be kept.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_DROP] = { "column.drop", SG_SEVERITY_WARNING, true,
		"column dropped",
		"ACCESS EXCLUSIVE on the table, for a moment",
		"Code that is still running and names the column fails at once; so do views, and prepared "
		"statements with *. What was in it is gone.",
		"Deploy code that does not use the column, wait until the old code is gone, then drop it in a "
		"later migration.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_RENAME] = { "column.rename", SG_SEVERITY_WARNING, true,
		"column renamed",
		"ACCESS EXCLUSIVE on the table, for a moment",
		"Code that is still running knows the old name only and fails at once; no deploy changes code and "
		"name in the same moment.",
		"Add a column of the new name, keep both alike by a trigger, backfill, move the code over, drop "
		"the old one later; or leave the name and offer the new one in a view.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_TYPE_REWRITE] = { "column.type_rewrite", SG_SEVERITY_ERROR, true,
		"column type changed in a way that writes the table anew",
		"ACCESS EXCLUSIVE on the table, which is rewritten with all its indexes",
		"All rows and indexes are written anew while nobody can read or write the table, and twice the "
		"space is needed; its views and generated columns refuse it.",
		"Add a column of the new type, keep both alike by a trigger, backfill, then swap the names in one "
		"short transaction.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_TYPE_NO_REWRITE] = { "column.type_no_rewrite", SG_SEVERITY_HINT, true,
		"column type changed, rows stay as they are",
		"ACCESS EXCLUSIVE on the table, for a moment",
		"The change is instant once the lock is there, but waiting for the lock makes everyone behind it "
		"wait; plans are made anew.",
		"Nothing else is needed: keep lock_timeout short and try again.", 0, 0,
		"varchar, numeric and varbit since 9.2; timestamp to timestamptz under UTC since 12" },
	[SG_RULE_COLUMN_TYPE_RECHECK] = { "column.type_recheck", SG_SEVERITY_ERROR, true,
		"column type changed: rows stay, but all are read again",
		"ACCESS EXCLUSIVE on the table, which is scanned: constraints are verified, indexes built again",
		"No row is written, but CHECKs over the column are verified again and indexes whose operators or "
		"collation change are rebuilt while nobody can read or write the table.",
		"Drop the CHECK, change the type, add the CHECK again NOT VALID and VALIDATE it in another "
		"transaction; drop an index first and build it CONCURRENTLY afterwards.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_SET_NOT_NULL] = { "column.set_not_null", SG_SEVERITY_ERROR, true,
		"SET NOT NULL without a proof",
		"ACCESS EXCLUSIVE on the table, which is scanned",
		"All rows are read for a NULL while nobody can read or write the table.",
		"ADD CHECK (column IS NOT NULL) NOT VALID; VALIDATE it in another transaction; then SET NOT NULL "
		"reads nothing, and the CHECK can go.", 0, 0,
		"a validated CHECK spares the scan since 12" },
	[SG_RULE_COLUMN_SET_NOT_NULL_AFTER_CHECK] = { "column.set_not_null_after_check", SG_SEVERITY_NONE, false,
		"SET NOT NULL with a validated CHECK",
		NULL,
		"This is the safe way: since 12 the CHECK proves it and no row is read. The lock is held for a "
		"moment, as by any ALTER TABLE.",
		NULL, 0, 0,
		"safe since 12" },
	[SG_RULE_COLUMN_DROP_NOT_NULL] = { "column.drop_not_null", SG_SEVERITY_HINT, true,
		"NOT NULL dropped",
		"ACCESS EXCLUSIVE on the table, for a moment",
		"Code that reads the column has never seen a NULL there, and may not be ready for the first one.",
		"Deploy code that can read NULL first; if the column is about to go, say so in the migration.", 0, 0,
		NULL },
	[SG_RULE_COLUMN_CHANGE_DEFAULT] = { "column.change_default", SG_SEVERITY_HINT, true,
		"default changed while code runs",
		"ACCESS EXCLUSIVE on the table, for a moment",
		"INSERTs that leave the column out get another value from this moment on (or NULL, after DROP "
		"DEFAULT), whatever version of the code sends them. Rows that are there keep theirs.",
		"Deploy code that names the column in its INSERTs first, then change the default.", 0, 0,
		NULL },
	/* constraint */
	[SG_RULE_CONSTRAINT_ADD_CHECK] = { "constraint.add_check", SG_SEVERITY_ERROR, true,
		"CHECK added without NOT VALID",
		"ACCESS EXCLUSIVE on the table, which is scanned",
		"All rows are tested while nobody can read or write the table.",
		"ADD CONSTRAINT … CHECK (…) NOT VALID: new rows are tested from then on. VALIDATE CONSTRAINT "
		"in another transaction: it reads the table under a lock that lets reads and writes go on.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_ADD_FK] = { "constraint.add_fk", SG_SEVERITY_ERROR, true,
		"foreign key added without NOT VALID",
		"SHARE ROW EXCLUSIVE on both tables, which are scanned",
		"Nobody can write to either table while all rows of one are looked up in the other.",
		"ADD … FOREIGN KEY … NOT VALID: new rows are checked from then on. VALIDATE CONSTRAINT in "
		"another transaction: it reads under locks that let writes go on.", 0, 0,
		"NOT VALID on a partitioned referencing table only since 18" },
	[SG_RULE_CONSTRAINT_ADD_FK_NOT_VALID] = { "constraint.add_fk_not_valid", SG_SEVERITY_HINT, true,
		"foreign key added: both tables are locked for a moment",
		"SHARE ROW EXCLUSIVE on both tables, for a moment",
		"Nothing is read, but writes to both tables wait behind the lock, and so behind every transaction "
		"that the lock waits for.",
		"Keep lock_timeout short and try again; one foreign key in a transaction.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_VALIDATE_SAME_TX] = { "constraint.validate_same_tx", SG_SEVERITY_ERROR, true,
		"constraint validated by the transaction that added it",
		"the lock of ADD CONSTRAINT, ACCESS EXCLUSIVE or for foreign keys SHARE ROW EXCLUSIVE, is kept "
		"while the table is scanned",
		"The strong lock of ADD CONSTRAINT lives until the transaction ends, so NOT VALID has won "
		"nothing: the table is read under it.",
		"VALIDATE CONSTRAINT in a migration of its own, or in its own transaction.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_ADD_UNIQUE] = { "constraint.add_unique", SG_SEVERITY_ERROR, true,
		"UNIQUE added without USING INDEX",
		"ACCESS EXCLUSIVE on the table, which is scanned for an index",
		"The index is built while nobody can read or write the table, and duplicates are found only at "
		"its end.",
		"CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … UNIQUE USING INDEX: that is instant.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_ADD_PK] = { "constraint.add_pk", SG_SEVERITY_ERROR, true,
		"PRIMARY KEY added without USING INDEX",
		"ACCESS EXCLUSIVE on the table, which is scanned for an index, and once more where a column is "
		"nullable",
		"The index is built, and nullable columns are searched for NULLs, while nobody can read or write "
		"the table.",
		"CREATE UNIQUE INDEX CONCURRENTLY; make the columns NOT NULL by a validated CHECK; then ADD "
		"PRIMARY KEY USING INDEX.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_PK_USING_INDEX_NULLABLE] = { "constraint.pk_using_index_nullable", SG_SEVERITY_ERROR, true,
		"PRIMARY KEY USING INDEX over a column that may be NULL",
		"ACCESS EXCLUSIVE on the table, which is scanned",
		"The column is made NOT NULL on the way: all rows are read for a NULL while nobody can read or "
		"write the table.",
		"ADD CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in another transaction, and then add the "
		"key: nothing is read.", 0, 0,
		"a validated CHECK spares the scan since 12" },
	[SG_RULE_CONSTRAINT_ADD_EXCLUSION] = { "constraint.add_exclusion", SG_SEVERITY_ERROR, true,
		"exclusion constraint added",
		"ACCESS EXCLUSIVE on the table, which is scanned for an index",
		"Its index is built while nobody can read or write the table, and there is no way to build it "
		"concurrently.",
		"Make a new table with the constraint, fill it with a backfill and a trigger, and swap the names; "
		"or do it in an announced pause.", 0, 0,
		"neither USING INDEX nor NOT VALID to 18" },
	[SG_RULE_CONSTRAINT_DROP] = { "constraint.drop", SG_SEVERITY_WARNING, true,
		"constraint dropped",
		"ACCESS EXCLUSIVE on the table, for a moment; of a foreign key also on the table that it points "
		"to",
		"A foreign key locks the other table against reads too, which few expect. A dropped key takes its "
		"index with it: queries that used it turn slow at once.",
		"Keep lock_timeout short and try again, with nothing else in the transaction; have the index that "
		"queries need before a key goes.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_FK_WITHOUT_INDEX] = { "constraint.fk_without_index", SG_SEVERITY_HINT, false,
		"foreign key without an index on its columns",
		NULL,
		"Each DELETE or change of a key in the other table reads this whole table to find rows that point "
		"to it.",
		"Create an index that begins with these columns (CONCURRENTLY where the table has rows).", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_FK_TYPE_MISMATCH] = { "constraint.fk_type_mismatch", SG_SEVERITY_WARNING, false,
		"foreign key between columns of different types",
		NULL,
		"Keys that fit into the one column need not fit into the other: an integer ends at 2,147,483,647 "
		"while a bigint goes on, and then every INSERT fails. Some pairs of types the server refuses.",
		"Give the referencing column the type of the one that it points to.", 0, 0,
		NULL },
	[SG_RULE_CONSTRAINT_MULTIPLE_FKS] = { "constraint.multiple_fks", SG_SEVERITY_WARNING, true,
		"foreign keys lock several tables in one transaction",
		"SHARE ROW EXCLUSIVE on all the tables at once",
		"The locks are taken one after another and kept to the end: while the last is waited for, writes "
		"to all the others stand still, and a transaction that takes them in another order is a deadlock.",
		"One foreign key in a transaction.", 0, 0,
		NULL },
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
		"ACCESS EXCLUSIVE on the table while it and its indexes are rewritten",
		"Nobody can even read the table until it is written anew, and for that time the disk holds it "
		"twice.",
		"Plain VACUUM in quiet hours; to give space back, pg_repack or pg_squeeze; not in a migration.",
		0, 0, "REPACK (CONCURRENTLY) is planned for 19" },
	[SG_RULE_TABLE_SET_LOGGED] = { "table.set_logged", SG_SEVERITY_ERROR, true,
		"SET LOGGED, UNLOGGED, TABLESPACE or ACCESS METHOD",
		"ACCESS EXCLUSIVE on the table while it is rewritten (not where it is so before)",
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
		"ACCESS EXCLUSIVE on the table that is attached while it is read from end to end, SHARE UPDATE "
		"EXCLUSIVE on the parent",
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
		"ACCESS EXCLUSIVE on the view while its query runs and it is rewritten",
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
	[SG_RULE_ENUM_ADD_VALUE] = { "enum.add_value", SG_SEVERITY_ERROR, false,
		"new value of an enum used by the transaction that adds it",
		NULL,
		"The server refuses it (SQLSTATE 55P04: unsafe use of new value) until the addition is committed, "
		"so the migration fails.",
		"Add the value in a migration of its own, before the one that uses it.", 0, 0,
		"ADD VALUE in a transaction since 12" },
	[SG_RULE_ENUM_RENAME_VALUE] = { "enum.rename_value", SG_SEVERITY_WARNING, false,
		"value of an enum renamed",
		NULL,
		"Nothing is locked, but code that is still running sends the old word, which is no value any "
		"more, and does not know the new one when it reads it.",
		"Add the new value, deploy code that knows both, change the rows by a backfill; the old value can "
		"stay.", 0, 0,
		NULL },
	[SG_RULE_ENUM_CREATE] = { "enum.create", SG_SEVERITY_NONE, false,
		"CREATE TYPE … AS ENUM",
		NULL,
		"It locks nothing and breaks nothing. Values can be added at any time; that none can be taken "
		"away matters to some, and a lookup table is then the better choice, but that is a design, not a "
		"danger of this deploy.",
		NULL, 0, 0,
		NULL },
	/* domain */
	[SG_RULE_DOMAIN_CONSTRAINT] = { "domain.constraint", SG_SEVERITY_ERROR, true,
		"domain made stricter",
		"SHARE on each table that has a column of the domain, which is scanned",
		"Nobody can write to any of those tables while all of them are read, one after another; VALIDATE "
		"holds the same lock.",
		"Put the CHECK on the tables, NOT VALID and then VALIDATE, which lets writes go on; or ADD it to "
		"the domain NOT VALID and leave it so.", 0, 0,
		NULL },
	/* dml */
	[SG_RULE_DML_UPDATE_NO_WHERE] = { "dml.update_no_where", SG_SEVERITY_ERROR, true,
		"UPDATE or DELETE of all rows",
		"ROW EXCLUSIVE on the table, which is read from end to end, and a lock on every row until the "
		"transaction ends",
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
	[SG_RULE_TX_WIDE] = { "tx.wide", SG_SEVERITY_ERROR, false,
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
		NULL,
		"It is filled up with blanks, which some functions see and others do not; it saves nothing, and "
		"to make it longer rewrites the table.",
		"Use text, with a CHECK on its length if that is a rule.", 0, 0,
		NULL },
	[SG_RULE_TYPE_VARCHAR] = { "type.varchar", SG_SEVERITY_HINT, false,
		"varchar(n)",
		NULL,
		"It is no faster than text. A longer limit is instant, a shorter one rewrites the table, and "
		"views over the column refuse either.",
		"Use text, and a CHECK for a length that is a rule of the business.", 0, 0,
		"widening rewrites nothing since 9.2" },
	[SG_RULE_TYPE_INT] = { "type.int", SG_SEVERITY_HINT, false,
		"integer for a key that counts up",
		NULL,
		"It ends at 2,147,483,647 (smallint at 32,767), then every INSERT fails; to change it later "
		"rewrites the table and all that point to it.",
		"Use bigint.", 0, 0,
		NULL },
	[SG_RULE_TYPE_TIMESTAMP] = { "type.timestamp", SG_SEVERITY_HINT, false,
		"timestamp without time zone",
		NULL,
		"It says no moment in time: what it means depends on who wrote it and in which zone, and the hour "
		"of the clock change is there twice.",
		"Use timestamptz; it takes the same 8 bytes.", 0, 0,
		NULL },
	[SG_RULE_TYPE_SERIAL] = { "type.serial", SG_SEVERITY_HINT, false,
		"serial column",
		NULL,
		"Its sequence is a loose thing: it needs rights of its own, any INSERT that names the column goes "
		"past it, and tables made by LIKE … INCLUDING DEFAULTS share it.",
		"Use bigint GENERATED ALWAYS AS IDENTITY.", 0, 0,
		"identity columns since 10" },
	[SG_RULE_TYPE_MONEY_FLOAT] = { "type.money_float", SG_SEVERITY_HINT, false,
		"money, or a floating-point number for an amount",
		NULL,
		"money takes its currency and cents from the server's settings; real and double precision do not "
		"hold 0.10, and sums drift.",
		"Use numeric with a scale, or bigint of the smallest unit.", 0, 0,
		NULL },
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
	[SG_RULE_NAME_IDENTIFIERS] = { "name.identifiers", SG_SEVERITY_WARNING, false,
		"name longer than 63 bytes",
		NULL,
		"The server cuts it at 63 bytes with no more than a notice: two long names may become the same "
		"one, and code that looks it up by its full name does not find it.",
		"Choose a name of at most 63 bytes.", 0, 0,
		NULL },
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
	[SG_RULE_TYPE_ALIGNMENT] = { "type.alignment", SG_SEVERITY_NONE, false,
		"order of columns that wastes padding",
		NULL,
		"It is a few bytes a row, and later columns can only be added at the end: not worth a word on the "
		"day of a deploy.",
		NULL, 0, 0,
		NULL },
	/* orm */
	[SG_RULE_ORM_ONLY] = { "orm.only", SG_SEVERITY_NONE, false,
		"what only some object-relational mapper writes",
		NULL,
		"No rule: what an ORM's migration does is seen in the SQL that it sends, and the rules of that SQL "
		"hold.",
		NULL,
		0, 0, NULL },
	/* lock */
	[SG_RULE_LOCK_EXPLICIT] = { "lock.explicit", SG_SEVERITY_WARNING, false,
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
		"ACCESS EXCLUSIVE on the DEFAULT partition while it is read from end to end",
		"The server looks for rows there that belong to the new one; nobody can read or write them until it "
		"is done, and one such row makes it fail.",
		"First give the DEFAULT partition a CHECK that excludes the new bounds, NOT VALID, and VALIDATE it "
		"in another transaction; or keep it empty.",
		0, 0, NULL },
	[SG_RULE_TX_SEVERAL_TABLES] = { "tx.several_tables", SG_SEVERITY_WARNING, false,
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
