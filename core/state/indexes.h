/* indexes.h - the table indexes: what was seen last of each index of the registry, and
 * the claim of whoever builds it.
 *
 * Whether an index is there and valid is known by pg_index alone (core/index/look.h); this
 * table is what `status` and the gates read, and, behind a pooler, what keeps two runners
 * apart: owner and expires_at, by clock_timestamp(), renewed every third of lease_seconds on
 * another connection than the one that builds. Nobody waits for a claim inside a transaction. */
#ifndef SG_INDEXES_H
#define SG_INDEXES_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/db.h"

enum sg_index_state {
	SG_INDEX_MISSING,
	SG_INDEX_BUILDING,
	SG_INDEX_VALID,
	SG_INDEX_INVALID,  /* a broken one is there; the next run drops it and builds anew */
	SG_INDEX_DRIFTED,  /* valid, but not what the manifest says */
	SG_INDEX_FAILED    /* sqlstate and message say why; nothing of it is there. The next run tries again */
};
const char *sg_index_state_name(enum sg_index_state state); /* "missing", … as in the table */

struct sg_index_row {
	const char *name;
	enum sg_index_state state;
	const char *owner;      /* of the claim, or NULL */
	bool alive;             /* the claim has not expired */
	const char *started_at, *finished_at; /* of the last build, or NULL */
	int64_t duration_ms;    /* of the last build that came out valid, or failed; -1: not known */
	int64_t bytes;          /* -1: not known */
	const char *sqlstate, *message; /* of FAILED, INVALID, DRIFTED; or NULL */
};

/* Every row, in the order of the names. The tables must be installed. */
SG_MUST_CHECK int sg_indexes_read(struct sg_db *db, const char *state_schema, struct sg_arena *arena,
                                  struct sg_index_row **rows_r, size_t *count_r, struct sg_err *err);
const struct sg_index_row *sg_indexes_find(const struct sg_index_row *rows, size_t count, const char *name);

/* What its message says, as an error: primary, and what stands behind the first line break as detail; class NONE where there
 * is none. err_r lives in the arena, or as long. */
void sg_index_row_err(const struct sg_index_row *row, struct sg_arena *arena, struct sg_err *err_r);

/* "not built yet", "being built by …", "failed: …", in one line: for gates and reports. row NULL: never looked at. */
const char *sg_index_row_text(const struct sg_index_row *row, struct sg_arena *arena);

/* pg_try_advisory_xact_lock(this, hashtext(relation)) is held while a claim is taken or renewed, some milliseconds. Not
 * for a lock of the building session's own: claims would not get it. */
#define SG_INDEX_CLAIM_LOCK 1936159090

/* Who asks for a claim, and what for. */
struct sg_index_claim {
	const char *state_schema;
	const char *name;
	const char *relation;           /* "schema.table": claims on one table are told apart one after the other */
	const char *const *siblings;    /* names of the registry's other indexes on that table */
	size_t sibling_count;
	const char *owner;              /* unique to this run */
	int seconds;                    /* lease_seconds */
};
/* Each is a transaction of its own, begun and committed here, and safe to repeat after a lost answer. */

/* 1: ours, state is building (one that is valid stays so: gates stay open while it is looked at); 0:
 * somebody else's claim on it or on a sibling lives (holder_r: "owner, since …: NAME (its claim runs out in 23 s …)", in the
 * arena); -1: err. A claim of our own is taken again. Waits for nobody. */
SG_MUST_CHECK int sg_index_claim_take(const struct sg_index_claim *claim, struct sg_db *db, struct sg_arena *arena,
                                      const char **holder_r, struct sg_err *err);
/* 1: renewed; 0: another took it, or a sibling's after ours had expired (harmless: pg_index is the truth); -1: err. */
SG_MUST_CHECK int sg_index_claim_renew(const struct sg_index_claim *claim, struct sg_db *db, struct sg_err *err);

/* What became of it, or what was seen of it without a claim. */
struct sg_index_seen {
	enum sg_index_state state;      /* never BUILDING */
	int64_t duration_ms;            /* of a build of ours; -1: there was none, what is known stays */
	int64_t bytes;                  /* -1: not known */
	const struct sg_err *why;       /* or NULL: what is known of the same state stays; missing does not displace failed then, unless
	                                 * owner is given */
};
/* Notes it, and gives the claim up if it is ours; where another's claim lives, its row stays as it is, unless the
 * index is valid: then there is nothing left to claim, and gates are not to wait for a dead runner's claim to run out. Rows that
 * say it already are not written. owner NULL: of one who only looked. */
SG_MUST_CHECK int sg_indexes_note(struct sg_db *db, const char *state_schema, const char *name, const char *owner,
                                  const struct sg_index_seen *seen, struct sg_err *err);
/* Gives the claim up, best effort: what is not given up expires. The state is missing then, or valid if it was. */
void sg_index_claim_drop(const struct sg_index_claim *claim, struct sg_db *db);

#endif
