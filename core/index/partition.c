/* partition.c - the index of one partition.
 *
 * As build.c does it for a table, but told and limited as a part of the whole: its turn is
 * waited for, what is invalid under its name is dropped, and it is built concurrently. One that is
 * invalid and attached cannot be dropped (the parent's index requires it): REINDEX
 * CONCURRENTLY makes it anew. What a failure leaves is dropped here, since only here its name is
 * known, or told. */
#include "config.h"
#include "core/index/leftover.h"
#include "core/index/parted.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define CLEAN_MS 60000     /* for a carcass, after a failure of its own */
#define CLEAN_SOON_MS 8000 /* after a stop, or when the time is over */
#define MOST_SURPRISES 20 /* partitions that were gone, names that were taken, between look and build */

/* ---- one partition -------------------------------------------------------------------- */

/* The work, on one partition instead of the whole table. */
struct narrowed {
	struct sg_index_definition definition;
	struct sg_index_build build;
	const struct sg_index_build *was;
	const struct sg_index_definition *meant;
};

static void narrow(struct sg_parted *p, const struct sg_tree_member *leaf, const char *name, struct narrowed *n)
{
	struct sg_index_work *work = p->work;

	n->was = work->build;
	n->meant = work->meter.definition;
	n->definition = *p->definition;
	n->definition.name = name;
	n->definition.schema = leaf->schema;
	n->definition.table = leaf->table;
	n->definition.relation = leaf->relation;
	n->build = *work->build;
	n->build.definition = &n->definition;
	work->build = &n->build;
	work->meter.definition = &n->definition;
}

static void widen(struct sg_parted *p, const struct narrowed *n)
{
	p->work->build = n->was;
	p->work->meter.definition = n->meant;
}

/* Is there anything of that name in the partition's schema? 1, 0, -1: err. */
static int is_taken(struct sg_parted *p, const struct sg_tree_member *leaf, const char *name, struct sg_err *err)
{
	const char *const values[] = { leaf->schema, name };
	struct sg_result *result;

	if (sg_db_query(p->work->session.db,
	                "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	                " WHERE n.nspname = $1 AND c.relname = $2",
	                2, values, &p->pass, &result, err) != 0)
		return -1;
	return sg_result_rows(result) > 0;
}

/* The name for a partition's index: free, or, of a leaf, that of an invalid one of ours, which is dropped. */
const char *sg_parted_name(struct sg_parted *p, const struct sg_tree_member *leaf, struct sg_err *err)
{
	const char *name = NULL;

	for (int hashed = 0; hashed <= 1; hashed++) {
		const struct sg_tree_index *index;
		int taken;

		name = sg_tree_name(&p->pass, p->definition->name, leaf->table, hashed == 1);
		index = sg_tree_index_named(&p->tree, leaf, name);
		if (index != NULL && !index->valid && index->parent_oid == 0 && sg_parted_leaf(leaf))
			return name;
		taken = is_taken(p, leaf, name, err);
		if (taken == 0)
			return name;
		if (taken < 0)
			return NULL;
	}
	sg_err_set(err, SG_CLASS_SQL, "the name for the index of partition %s is taken: %s", leaf->relation, name);
	(void)sg_err_hint(err, "What bears it is no index like the wanted one: rename it or drop it.");
	return NULL;
}

/* Waits while somebody else builds on the partition: for hours, perhaps, so each turn has an arena of its own. */
static int wait_turn(struct sg_parted *p, struct sg_err *err)
{
	struct sg_index_work *work = p->work;
	const char *relation = work->build->definition->relation;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_index_busy busy = { .building = true };
	bool said = false;
	int status = 0;

	while (status == 0 && busy.building) {
		sg_arena_reset(&arena);
		if (sg_index_check(work, err) != 0 ||
		    sg_index_busy(&work->session, work->build->definition, 0, &arena, &busy, err) != 0) {
			status = -1;
		} else if (busy.building) {
			if (!said)
				sg_log(SG_LOG_INFO, "index-busy", p->definition->step->id, 0, "another session builds on partition %s: %s",
				       relation, busy.text);
			said = true;
			status = sg_index_wait(
				work, sg_arena_printf(&arena, "a build on partition %s by another session: %s", relation, busy.text), err);
		}
	}
	sg_arena_release(&arena);
	return status;
}

/* What a failed build left behind, if it can be dropped soon; the next look finds it otherwise. */
static void drop_carcass(struct sg_parted *p, const char *name, const struct sg_err *failure)
{
	struct sg_index_work *work = p->work;
	struct sg_err err = SG_ERR_INIT;
	int dropped = 0;

	work->cleaning_ms = sg_clock_ms() + (failure->class == SG_CLASS_SQL ? CLEAN_MS : CLEAN_SOON_MS);
	work->doing = "drops what the failed build left";
	while (dropped == 0) {
		dropped = sg_index_own_open(work, &err) == 0 ? sg_index_drop_invalid(work, name, &err) : -1;
		if (dropped == 0 && work->obstacle.length == 0)
			break; /* the server has finished what we had given up: it is valid */
		if (dropped == 0 && sg_index_wait(work, work->obstacle.data, &err) != 0)
			dropped = -1;
	}
	work->cleaning_ms = 0;
	if (dropped < 0) {
		work->result->carcass = true;
		sg_log(SG_LOG_WARNING, "carcass", p->definition->step->id, 0,
		       "an invalid index %s may be left on partition %s; the next run drops it: %s",
		       sg_index_carcass_name(work, name), work->build->definition->relation, err.primary);
	}
	sg_err_release(&err);
}

/* _ccnew and _ccold of the index, of builds that were broken off. */
static int drop_leftovers(struct sg_parted *p, const struct sg_tree_member *leaf, const char *name, struct sg_err *err)
{
	for (size_t i = 0; i < p->tree.index_count; i++) {
		const struct sg_tree_index *index = &p->tree.indexes[i];

		if (index->table_oid != leaf->oid || index->valid || index->parent_oid != 0 ||
		    !sg_index_is_leftover(name, index->name))
			continue;
		if (sg_index_drop_invalid(p->work, index->name, err) < 0)
			return -1;
	}
	return 0;
}

static int build_one(struct sg_parted *p, const struct sg_tree_member *leaf, const char *name, bool attached,
                     struct sg_err *err)
{
	struct sg_arena *arena = &p->pass;
	const char *sql;

	if (drop_leftovers(p, leaf, name, err) != 0)
		return -1;
	if (attached) {
		/* it cannot be dropped: the parent's index requires it */
		p->work->doing = sg_arena_printf(arena, "rebuilds the invalid index of partition %s", leaf->relation);
		sql = sg_arena_printf(arena, "REINDEX INDEX CONCURRENTLY %s.%s", sg_db_identifier(arena, leaf->schema),
		                      sg_db_identifier(arena, name));
	} else {
		if (sg_tree_index_named(&p->tree, leaf, name) != NULL) {
			int dropped = sg_index_drop_invalid(p->work, name, err);

			p->work->result->rebuilt |= dropped > 0;
			if (dropped == 0)
				return sg_index_wait(p->work, p->work->obstacle.length > 0 ? p->work->obstacle.data : "another look", err);
			if (dropped < 0)
				return -1;
		}
		p->work->doing = sg_arena_printf(arena, "partition %s", leaf->relation);
		sql = sg_index_statement(p->definition, SG_INDEX_CONCURRENTLY, name, leaf->sql, arena);
	}
	p->work->result->attempts++;
	if (sg_index_send(p->work, sql, err) == 0)
		return 0;
	if (p->work->gave_way) {
		p->work->gave_way = false;
		p->work->result->attempts--; /* it was not begun */
		sg_err_clear(err);
		return sg_index_wait(p->work, "another session's build on this partition", err);
	}
	if (!attached)
		drop_carcass(p, name, err);
	return -1;
}

enum sg_parted_step sg_parted_build(struct sg_parted *p, const struct sg_tree_member *leaf, struct sg_err *err)
{
	bool attached = leaf->index != NULL && leaf->index->parent_oid != 0;
	const char *name = attached ? leaf->index->name : sg_parted_name(p, leaf, err);
	struct narrowed n;
	int status;

	if (name == NULL)
		return SG_PARTED_FAILED;
	sg_parted_tell(p, sg_arena_printf(&p->pass, "partition %s", leaf->relation));
	narrow(p, leaf, name, &n);
	status = wait_turn(p, err);
	if (status == 0)
		status = build_one(p, leaf, name, attached, err);
	widen(p, &n);
	p->work->doing = NULL;
	if (status == 0)
		return SG_PARTED_AGAIN;
	/* the partition itself is gone, or somebody else made an index of that name meanwhile: look again */
	if ((strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "42P07") == 0) && p->surprises++ < MOST_SURPRISES) {
		sg_log(SG_LOG_INFO, "index", p->definition->step->id, 0, "%s; looking at the partitions again", err->primary);
		sg_err_clear(err);
		return SG_PARTED_AGAIN;
	}
	return SG_PARTED_FAILED;
}
