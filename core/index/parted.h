/* parted.h - the index of a partitioned table in the making, for partitions.c, partition.c and
 * together.c alone. */
#ifndef SG_INDEX_PARTED_H
#define SG_INDEX_PARTED_H

#include "core/exec/retry.h"
#include "core/index/build.h"
#include "core/index/tree.h"

struct sg_parted {
	struct sg_index_work *work;
	const struct sg_index_definition *definition;
	struct sg_arena *arena;    /* the run's */
	struct sg_arena pass;      /* reset before each look */
	struct sg_tree tree;       /* in it */
	const char *shape;         /* of the wanted index, or NULL */
	struct sg_retry retry;
	bool attach;               /* the server would choose otherwise: ON ONLY and ATTACH */
	bool told;                 /* which others were taken */
	int surprises;
	/* while the last transaction runs */
	int64_t until_ms, looked_ms, first_ms;
	const char *blockers;
};

enum sg_parted_step { SG_PARTED_DONE, SG_PARTED_AGAIN, SG_PARTED_FAILED };

/* A partition with an index of its own. */
static inline bool sg_parted_leaf(const struct sg_tree_member *member)
{
	return !member->partitioned && !member->foreign;
}

static inline bool sg_parted_done(const struct sg_tree_member *member)
{
	return member->covered || (member->index != NULL && member->index->valid);
}

/* ---- partitions.c ---- */
/* doing: a text that lives until the next look */
void sg_parted_tell(struct sg_parted *p, const char *doing);
/* After a failure of a transaction of ours: SG_PARTED_AGAIN, after a pause, for what the lock ladder is for; else FAILED. */
enum sg_parted_step sg_parted_again(struct sg_parted *p, struct sg_err *err);
/* BEGIN, guards, role. And its end, whatever became of it; a connection that is lost stays so: the caller of all closes it. */
SG_MUST_CHECK int sg_parted_begin(struct sg_parted *p, int lock_ms, struct sg_err *err);
void sg_parted_end(struct sg_parted *p);
SG_MUST_CHECK int sg_parted_read(struct sg_parted *p, struct sg_err *err);

/* ---- partition.c ---- */
/* The name for a partition's index: free, or, of a leaf, that of an invalid one of ours, which is dropped before. NULL: err. */
const char *sg_parted_name(struct sg_parted *p, const struct sg_tree_member *member, struct sg_err *err);
/* Builds the index of one leaf. AGAIN: look again, whether it was built or not. */
enum sg_parted_step sg_parted_build(struct sg_parted *p, const struct sg_tree_member *leaf, struct sg_err *err);

/* ---- together.c ---- */
/* Every leaf has its index: the last transaction. AGAIN: something was not as it was, or had to be waited for. */
enum sg_parted_step sg_parted_finish(struct sg_parted *p, struct sg_err *err);

#endif
