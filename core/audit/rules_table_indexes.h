/* rules_table_indexes.h - rows of the table of rules: index.*. Included by rules.c alone, in the middle of its list. */
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
	[SG_RULE_INDEX_REPLACE_ORDER] = { "index.replace_order", SG_SEVERITY_HINT, false,
		"index dropped before its replacement is built",
		NULL,
		"In between, and if the build fails, queries that used it read the whole table.",
		"Build the new one CONCURRENTLY under another name first, then drop the old one, then rename if "
		"need be.",
		0, 0, NULL },
	[SG_RULE_INDEX_CONCURRENTLY_REFUSED] = { "index.concurrently_refused", SG_SEVERITY_ERROR, false,
		"CONCURRENTLY where the server has none",
		NULL,
		"The statement is refused, and the migration fails wherever it runs.",
		"DROP INDEX CONCURRENTLY takes one index and no CASCADE; an index of a partitioned table is built "
		"partition by partition (ON ONLY the parent, then ATTACH PARTITION); beside a DEFAULT partition another "
		"is detached without CONCURRENTLY, with a lock_timeout.",
		0, 0, NULL },
