/* together.c - the one short transaction that makes an index of the partitions' indexes.
 *
 * From the lowest of the partitioned levels to the topmost a plain CREATE INDEX: it takes SHARE on
 * the tables, which readers do not feel, finds each partition's index, attaches it, and builds
 * nothing (commands/indexcmds.c, DefineIndex). Before that the tables are locked and looked at
 * again, so that no new partition can be among them without its index; after it, and before COMMIT,
 * that the topmost is valid and that only equal ones were attached.
 *
 * ON ONLY and ATTACH PARTITION are for where they are needed: an invalid index of a partitioned level that is
 * there already, and partitions of which the server would attach another index than ours. They take
 * ACCESS EXCLUSIVE on each partition's index, and with a foreign partition never come to a valid end
 * (commands/tablecmds.c, validatePartitionedIndex), measured. Both go up the lock ladder. */
#include "config.h"
#include "core/index/parted.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"

#define LEAST_MS 1000   /* for the statements of the last transaction, whatever the rung */
#define LOOK_MS 500     /* between two looks at who blocks */
#define FIRST_LOOK_MS 100

/* ---- the wait for locks --------------------------------------------------------- */

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct sg_parted *p = context;
	struct sg_blockers blockers;

	if (sg_stop_count() > 1)
		return sg_session_stopping();
	if (sg_stop_count() > 0 || sg_clock_ms() >= p->until_ms)
		return SG_WAIT_CANCEL;
	if (elapsed_ms < p->first_ms || sg_clock_ms() - p->looked_ms < LOOK_MS)
		return SG_WAIT_ON;
	p->looked_ms = sg_clock_ms();
	sg_watch_blockers(&p->work->watch, p->work->session.backend, &p->pass, &blockers);
	if (blockers.text != NULL) {
		p->blockers = blockers.text;
		p->work->doing = sg_arena_printf(&p->pass, "puts the partitions together; waits for %s", blockers.text);
	}
	sg_index_tell(p->work, NULL);
	return SG_WAIT_ON;
}

/* A statement that we cancelled because its time was over has met a lock, and says whose. */
static int met_lock(struct sg_parted *p, int lock_ms, struct sg_err *err)
{
	if (strcmp(err->sqlstate, "57014") == 0 && sg_stop_count() > 0)
		return sg_stop_err(err);
	if (strcmp(err->sqlstate, "57014") == 0)
		sg_err_set(err, SG_CLASS_LOCKED, "the partitions of %s could not be locked and put together within %d ms",
		           p->definition->relation, lock_ms);
	if (err->class == SG_CLASS_LOCKED && p->blockers != NULL)
		(void)sg_err_detail(err, "blocked by %s", p->blockers);
	return -1;
}

/* ---- putting them together ---------------------------------------------------------------- */

/* The children of a level, attached to its index where they are not yet. */
static void add_attach(struct sg_parted *p, struct sg_buf *sql, const struct sg_tree_member *level, const char *name,
                       const char *const *names)
{
	const struct sg_tree_member *again = NULL;
	struct sg_arena *arena = &p->pass;
	bool any = false;

	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];

		if (member->parent != level || member->foreign)
			continue;
		again = member;
		if (member->index != NULL && member->index->parent_oid != 0)
			continue;
		any = true;
		sg_buf_addf(sql, "ALTER INDEX %s.%s ATTACH PARTITION %s.%s;", sg_db_identifier(arena, level->schema),
		            sg_db_identifier(arena, name), sg_db_identifier(arena, member->schema), sg_db_identifier(arena, names[i]));
	}
	/* all are attached, and one of them has become valid since: only another ATTACH makes the server count */
	if (!any && again != NULL)
		sg_buf_addf(sql, "ALTER INDEX %s.%s ATTACH PARTITION %s.%s;", sg_db_identifier(arena, level->schema),
		            sg_db_identifier(arena, name), sg_db_identifier(arena, again->schema),
		            sg_db_identifier(arena, names[again - p->tree.members]));
}

/* The name of each member's index, those that are still to be made included. */
static const char **name_all(struct sg_parted *p, struct sg_err *err)
{
	const char **names = sg_arena_array(&p->pass, p->tree.count, sizeof *names);

	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];

		if (member->index != NULL)
			names[i] = member->index->name;
		else if (member->parent == NULL)
			names[i] = p->definition->name;
		else if (member->partitioned && !member->covered && (names[i] = sg_parted_name(p, member, err)) == NULL)
			return NULL;
	}
	return names;
}

/* From the lowest level upwards. */
static int make_levels(struct sg_parted *p, struct sg_err *err)
{
	const char **names = name_all(p, err);
	struct sg_buf sql = SG_BUF_INIT;
	int status = 0;

	if (names == NULL)
		return -1;
	for (size_t i = p->tree.count; i-- > 0;) {
		const struct sg_tree_member *member = &p->tree.members[i];

		if (!member->partitioned || sg_parted_done(member))
			continue;
		if (member->index == NULL)
			sg_buf_addf(&sql, "%s;", sg_index_statement(p->definition, p->attach ? SG_INDEX_ON_ONLY : SG_INDEX_PLAIN, names[i],
			                                            member->sql, &p->pass));
		if (member->index != NULL || p->attach)
			add_attach(p, &sql, member, names[i], names);
	}
	if (sql.length > 0)
		status = sg_db_script(p->work->session.db, sql.data, err);
	sg_buf_release(&sql);
	return status;
}

static const struct sg_tree_index *index_of_oid(const struct sg_tree *tree, uint32_t oid)
{
	for (size_t i = 0; oid != 0 && i < tree->index_count; i++)
		if (tree->indexes[i].oid == oid)
			return &tree->indexes[i];
	return NULL;
}

/* Whether every index that hangs under the topmost, at whatever level, is of the wanted definition. */
static bool all_equal(const struct sg_parted *p)
{
	const struct sg_tree_index *top = p->tree.members[0].index;

	for (size_t i = 0; p->shape != NULL && i < p->tree.index_count; i++) {
		const struct sg_tree_index *index = &p->tree.indexes[i], *above = index;

		if (strcmp(index->shape, p->shape) == 0)
			continue;
		while (above != NULL && above != top)
			above = index_of_oid(&p->tree, above->parent_oid);
		if (above == top)
			return false;
	}
	return true;
}

static int refuse_invalid(const struct sg_parted *p, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_SQL, "index %s is not valid though each partition of %s has its own", p->definition->name,
	           p->definition->relation);
	for (size_t i = 0; i < p->tree.count; i++)
		if (p->tree.members[i].foreign) {
			(void)sg_err_detail(err, "Partition %s is a foreign table: an index made with ON ONLY never becomes valid then.",
			                    p->tree.members[i].relation);
			break;
		}
	return sg_err_hint(err, "Nothing was changed. Drop the invalid index of the parent (DROP INDEX), and run it again.");
}

/* How long all locks together may be waited for, with those that are had already held. Longer than deadlock_timeout, or no
 * autovacuum would make way; but a session that comes to wait for us, while we wait for it, looks for a deadlock only
 * after that time: before it has passed twice, it is we who have found it, or have gone (storage/lmgr/proc.c, ProcSleep). */
static int lock_limit(struct sg_parted *p, int lock_ms, int *limit_r, struct sg_err *err)
{
	struct sg_result *result;
	int64_t deadlock_ms;

	if (sg_db_query(p->work->session.db, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'", 0, NULL,
	                &p->pass, &result, err) != 0)
		return -1;
	deadlock_ms = sg_result_rows(result) > 0 ? sg_result_int(result, 0, 0) : 0;
	*limit_r = deadlock_ms > 0 && lock_ms > deadlock_ms * 19 / 10 ? (int)(deadlock_ms * 19 / 10) : lock_ms;
	return 0;
}

/* The last transaction, up to COMMIT. SG_PARTED_DONE: only that is left; SG_PARTED_AGAIN: something was not as it was. */
static enum sg_parted_step put_together(struct sg_parted *p, int *limit_r, struct sg_err *err)
{
	struct sg_session *session = &p->work->session;
	bool tried = p->attach;
	int lock_ms;

	if (sg_parted_begin(p, *limit_r, err) != 0 || lock_limit(p, *limit_r, limit_r, err) != 0)
		return SG_PARTED_FAILED;
	lock_ms = *limit_r;
	p->until_ms = sg_clock_ms() + lock_ms;
	p->looked_ms = 0;
	p->first_ms = lock_ms / 2 < FIRST_LOOK_MS ? lock_ms / 2 : FIRST_LOOK_MS;
	sg_db_on_wait(session->db, on_wait, p);
	/* partitions and all: nothing is written, attached or detached from here on. The time is for all of them together. */
	sg_buf_addf(&session->pending, "SET LOCAL statement_timeout = %d;LOCK TABLE %s IN SHARE MODE;SET LOCAL statement_timeout = 0",
	            lock_ms, p->tree.members[0].sql);
	if (sg_session_flush(session, err) != 0)
		return SG_PARTED_FAILED;
	p->until_ms = sg_clock_ms() + (lock_ms > LEAST_MS ? lock_ms : LEAST_MS);
	if (sg_parted_read(p, err) != 0)
		return SG_PARTED_FAILED;
	for (size_t i = 0; i < p->tree.count; i++)
		if (sg_parted_leaf(&p->tree.members[i]) && !sg_parted_done(&p->tree.members[i]))
			return SG_PARTED_AGAIN;
	if (make_levels(p, err) != 0 || sg_parted_read(p, err) != 0)
		return SG_PARTED_FAILED;
	if (p->tree.members[0].index != NULL && p->tree.members[0].index->valid && all_equal(p))
		return SG_PARTED_DONE;
	p->attach = true;
	return tried ? (refuse_invalid(p, err), SG_PARTED_FAILED) : SG_PARTED_AGAIN;
}

enum sg_parted_step sg_parted_finish(struct sg_parted *p, struct sg_err *err)
{
	int lock_ms = sg_retry_lock_ms(&p->retry);
	enum sg_parted_step step;

	sg_parted_tell(p, "puts the partitions together");
	step = put_together(p, &lock_ms, err);
	if (step == SG_PARTED_FAILED)
		(void)met_lock(p, lock_ms, err);
	if (step == SG_PARTED_DONE && sg_db_commit(p->work->session.db, err) != 0)
		step = SG_PARTED_FAILED;
	else if (step == SG_PARTED_DONE)
		p->work->session.begun = false;
	sg_parted_end(p);
	return step == SG_PARTED_FAILED ? sg_parted_again(p, err) : step;
}
