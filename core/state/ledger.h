/* ledger.h - schema_migrations, the one source of truth: what is recorded.
 *
 * A row is written only in the transaction that makes it true. All SQL here
 * names state_schema in full and needs no search_path. */
#ifndef SG_LEDGER_H
#define SG_LEDGER_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

enum sg_recorded { SG_RECORDED_APPLIED, SG_RECORDED_RECONCILED, SG_RECORDED_ADOPTED, SG_RECORDED_SUPERSEDED };

struct sg_ledger_row {
	const char *id;
	enum sg_recorded outcome;
	/* the rest only when read in full */
	const char *title, *plugin_sha256, *applied_at, *runner, *sgrun_version, *reason;
	int64_t duration_ms;
	int attempts;
};

struct sg_ledger {
	bool installed;             /* the state tables are there */
	int version;                /* of the state tables */
	struct sg_ledger_row *rows; /* read in full: in the order of recording */
	size_t count;
	size_t *index;              /* hash index of ids; use sg_ledger_find */
	size_t index_size;
};

/* The ledger as it is now, in one round trip, outside any transaction. full
 * reads every column. No tables: installed = false, no rows. Refuses a
 * schema_migrations that another tool made, and a state of a newer sgrun
 * (SG_CLASS_STATE). */
SG_MUST_CHECK int sg_ledger_read(struct sg_db *db, const char *state_schema, bool full, struct sg_arena *arena,
                                 struct sg_ledger *ledger_r, struct sg_err *err);
const struct sg_ledger_row *sg_ledger_find(const struct sg_ledger *ledger, const char *id);
const char *sg_recorded_name(enum sg_recorded outcome); /* "applied", … as in the table */

#endif
