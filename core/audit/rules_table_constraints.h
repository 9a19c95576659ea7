/* rules_table_constraints.h - rows of the table of rules: constraint.*. Included by rules.c alone, in the middle of its list. */
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
