/* rules_table_tables.h - rows of the table of rules: table.*, partition.*, matview.*, trigger.*, policy.*, schema.*, orm.*. Included by rules.c alone, in the middle of its list. */
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
	[SG_RULE_PARTITION_DEFAULT_SCAN] = { "partition.default_scan", SG_SEVERITY_ERROR, true,
		"new partition beside a DEFAULT partition",
		"ACCESS EXCLUSIVE on the DEFAULT partition while it is read from end to end",
		"The server looks for rows there that belong to the new one; nobody can read or write them until it "
		"is done, and one such row makes it fail.",
		"First give the DEFAULT partition a CHECK that excludes the new bounds, NOT VALID, and VALIDATE it "
		"in another transaction; or keep it empty.",
		0, 0, NULL },
	[SG_RULE_MATVIEW_REFRESH] = { "matview.refresh", SG_SEVERITY_ERROR, true,
		"materialized view refreshed without CONCURRENTLY",
		"ACCESS EXCLUSIVE on the view while its query runs and it is rewritten",
		"Nobody can read the view for as long as its query takes, and the deployment waits for it.",
		"REFRESH MATERIALIZED VIEW CONCURRENTLY (the view needs a unique index over plain columns), and by "
		"a job, not by a migration.",
		0, 0, "CONCURRENTLY since 9.4" },
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
	[SG_RULE_POLICY_RLS] = { "policy.rls", SG_SEVERITY_WARNING, true,
		"row level security changed on a table in use",
		"ACCESS EXCLUSIVE on the table",
		"Reads and writes wait for the lock; security that is enabled before there is a policy shows no row "
		"to anybody but the owner.",
		"Policies first, ENABLE ROW LEVEL SECURITY last, in one short transaction with a lock_timeout.",
		0, 0, NULL },
	[SG_RULE_SCHEMA_DROP] = { "schema.drop", SG_SEVERITY_WARNING, true,
		"schema, database, or all that a role owns dropped",
		"ACCESS EXCLUSIVE on each table that goes, and on those that their foreign keys point to",
		"Everything in it goes, named or not, in one transaction that needs the lock of every table at "
		"once; nothing brings it back.",
		"Drop table by table, each after a rename and some days of waiting; then DROP SCHEMA without "
		"CASCADE.",
		0, 0, NULL },
	[SG_RULE_ORM_ONLY] = { "orm.only", SG_SEVERITY_NONE, false,
		"what only some object-relational mapper writes",
		NULL,
		"No rule: what an ORM's migration does is seen in the SQL that it sends, and the rules of that SQL "
		"hold.",
		NULL,
		0, 0, NULL },
