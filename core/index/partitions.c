/* partitions.c - the index of a partitioned table, which cannot be built concurrently as a whole.
 *
 * First each partition's own, concurrently, one after the other, under names of ours; whatever
 * is there already, valid and equal, is taken, so that a run goes on where another was
 * killed. Then, in one short transaction, the indexes of the partitioned levels, from the lowest to
 * the topmost, by a plain CREATE INDEX: it takes SHARE on the tables, which readers do not feel,
 * finds each partition's index, attaches it, and builds nothing (commands/indexcmds.c, DefineIndex).
 * Before that the tables are locked and looked at again, so that no new partition can be among
 * them without its index; after it, and before COMMIT, that the topmost is valid and that only
 * equal ones were attached.
 *
 * ON ONLY and ATTACH PARTITION are for where they are needed: an invalid index of a partitioned level that is
 * there already, and partitions of which the server would attach another index than ours. They take
 * ACCESS EXCLUSIVE on each partition's index, and with a foreign partition never come to a valid end
 * (commands/tablecmds.c, validatePartitionedIndex), measured. Both go up the lock ladder.
 *
 * Nothing valid is ever dropped here, and nothing that somebody builds. */
#include "config.h"
#include "core/index/build.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/exec/retry.h"
#include "core/index/tree.h"

#define LEAST_MS 1000   /* for the statements of the last transaction, whatever the rung */
#define LOOK_MS 500     /* between two looks at who blocks */
#define FIRST_LOOK_MS 100
#define CLEAN_MS 60000     /* for a carcass, after a failure of its own */
#define CLEAN_SOON_MS 8000 /* after a stop, or when the time is over */
#define MOST_SURPRISES 20 /* partitions that were gone, names that were taken, between look and build */
#define MOST_NAMED 5    /* indexes under other names that are told by name */

struct parted {
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

enum step { DONE, AGAIN, FAILED };

/* ---- waiting ---------------------------------------------------------------- */

/* doing: a text that lives until the next look */
static void tell(struct parted *p, const char *doing)
{
	p->work->doing = doing;
	sg_index_tell(p->work, NULL);
}

/* After a failure of a transaction of ours: whether to try it again. */
static enum step try_again(struct parted *p, struct sg_err *err)
{
	int64_t pause;
	enum sg_again again = SG_AGAIN_NO;

	if (!sg_db_lost(p->work->session.db) && (err->class == SG_CLASS_LOCKED || strcmp(err->sqlstate, "40P01") == 0))
		again = sg_retry_next(&p->retry, err, sg_clock_ms(), &pause);
	if (again == SG_AGAIN_NO) {
		sg_retry_conclude(&p->retry, sg_clock_ms(), err);
		return FAILED;
	}
	sg_log(SG_LOG_INFO, "lock-wait", p->definition->step->id, 0, "%s%s%s; trying again", err->primary,
	       err->detail != NULL ? ": " : "", err->detail != NULL ? err->detail : "");
	sg_err_clear(err);
	p->work->doing = "lets others through before the partitions are put together";
	return sg_index_pause(p->work, pause, err) == 0 ? AGAIN : FAILED;
}

/* ---- transactions of ours ------------------------------------------------------ */

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	struct parted *p = context;
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

/* BEGIN, guards, role. */
static int begin(struct parted *p, int lock_ms, struct sg_err *err)
{
	struct sg_session *session = &p->work->session;
	struct sg_begun begun;

	p->blockers = NULL;
	if (sg_session_begin(session, p->definition->step, NULL, NULL, lock_ms, &p->pass, &begun, err) != 0)
		return -1;
	sg_session_role(session, true, &p->pass);
	return sg_session_flush(session, err);
}

/* Whatever became of it. A connection that is lost stays so: the caller closes it and begins anew. */
static void end(struct parted *p)
{
	struct sg_session *session = &p->work->session;

	sg_session_unwatch(session);
	sg_session_rollback(session);
	if (p->work->own_session)
		session->backend = sg_db_pid(session->db);
}

/* A statement that we cancelled because its time was over has met a lock, and says whose. */
static int met_lock(struct parted *p, int lock_ms, struct sg_err *err)
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

/* ---- what is wanted --------------------------------------------------------------- */

/* What may be wrong with the definition is the server's to say, and before anything is built: on an empty copy that is
 * partitioned as the table is. */
static int ask_shape(struct parted *p, const struct sg_tree_member *member, struct sg_err *err)
{
	struct sg_arena *arena = &p->pass;
	const char *copy = sg_arena_printf(arena, "pg_temp.%s", sg_db_identifier(arena, member->table));
	struct sg_session *session = &p->work->session;
	struct sg_result *result;

	if (begin(p, LEAST_MS, err) != 0)
		return -1;
	sg_buf_addf(&session->pending, "CREATE TEMP TABLE %s (LIKE %s) PARTITION BY %s;%s;", copy, member->sql,
	            member->partition_key, sg_index_statement(p->definition, SG_INDEX_PLAIN, "sgrun_wanted", copy, arena));
	sg_buf_addf(&session->pending,
	            "SELECT CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END"
	            " || pg_catalog.substr(d.def, pg_catalog.strpos(d.def, ' USING ') + 1)"
	            " FROM pg_catalog.pg_index i, LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS def) d"
	            " WHERE i.indexrelid = 'pg_temp.sgrun_wanted'::pg_catalog.regclass");
	if (sg_session_flush_rows(session, arena, &result, err) != 0)
		return -1;
	if (member->parent == NULL)
		p->shape = sg_arena_strdup(p->arena, sg_result_value(result, 0, 0));
	return 0;
}

static int refuse_foreign(const struct parted *p, struct sg_err *err)
{
	for (size_t i = 0; p->definition->unique && i < p->tree.count; i++) {
		if (!p->tree.members[i].foreign)
			continue;
		sg_err_set(err, SG_CLASS_SQL, "cannot create unique index on partitioned table \"%s\"", p->definition->table);
		sg_err_sqlstate(err, "42809");
		(void)sg_err_detail(err, "Its partition %s is a foreign table.", p->tree.members[i].relation);
		return sg_err_hint(err, "Detach the foreign partition, or do without a unique index over all partitions.");
	}
	return 0;
}

static void hint_key(const struct parted *p, const struct sg_tree_member *member, struct sg_err *err)
{
	if (p->definition->unique && strcmp(err->sqlstate, "0A000") == 0)
		(void)sg_err_hint(err, "Name the columns of the partition key of %s, %s, among those of the index.",
		                  member->relation, member->partition_key);
}

static enum step learn(struct parted *p, struct sg_err *err)
{
	if (refuse_foreign(p, err) != 0)
		return FAILED;
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];
		int status;

		if (!member->partitioned || (i > 0 && !p->definition->unique))
			continue;
		status = ask_shape(p, member, err);
		end(p);
		if (status != 0 && strcmp(err->sqlstate, "42501") == 0) {
			sg_log(SG_LOG_INFO, "index", p->definition->step->id, 0,
			       "indexes that the partitions have already cannot be compared with what is wanted: %s", err->primary);
			sg_err_clear(err);
			return DONE;
		}
		if (status != 0) {
			hint_key(p, member, err);
			return try_again(p, err);
		}
	}
	return DONE;
}

/* ---- looking ------------------------------------------------------------------------ */

static int read_tree(struct parted *p, struct sg_err *err)
{
	return sg_tree_read(p->work->session.db, p->definition, p->shape, &p->pass, &p->tree, err);
}

static int look(struct parted *p, struct sg_err *err)
{
	p->work->doing = "looks at the partitions";
	sg_arena_reset(&p->pass);
	memset(&p->tree, 0, sizeof p->tree);
	p->blockers = NULL;
	if (sg_index_check(p->work, err) != 0 || read_tree(p, err) != 0)
		return -1;
	if (p->tree.count == 0 || !p->tree.members[0].partitioned) {
		sg_err_set(err, SG_CLASS_SQL, "there is no partitioned table %s any more", p->definition->relation);
		return sg_err_hint(err, "Run it again: every run looks anew.");
	}
	return 0;
}

/* An index of the wanted name with another definition is not ours to change. */
static int refuse_drift(struct parted *p, struct sg_err *err)
{
	const struct sg_tree_index *index = p->tree.members[0].index;

	if (index == NULL || p->shape == NULL || strcmp(index->shape, p->shape) == 0)
		return 0;
	sg_err_set(err, SG_CLASS_VERIFY, "index %s is there, not valid on all partitions, and not what the manifest says",
	           index->name);
	(void)sg_err_detail(err, "is: %s\nwanted: %s", index->shape, p->shape);
	return sg_err_hint(err, "Nothing was changed. Drop it yourself if it is of no use, or give the wanted one another name.");
}

static bool is_leaf(const struct sg_tree_member *member)
{
	return !member->partitioned && !member->foreign;
}

static bool is_done(const struct sg_tree_member *member)
{
	return member->covered || (member->index != NULL && member->index->valid);
}

static void count_parts(struct parted *p)
{
	int parts = 0, done = 0;

	for (size_t i = 0; i < p->tree.count; i++) {
		parts += is_leaf(&p->tree.members[i]);
		done += is_leaf(&p->tree.members[i]) && is_done(&p->tree.members[i]);
	}
	p->work->parts = parts;
	p->work->part = done < parts ? done + 1 : parts;
	p->work->result->partitions = done;
}

/* Equal indexes that bear other names than ours would: said once. */
static void tell_others(struct parted *p)
{
	struct sg_buf text = SG_BUF_INIT;
	size_t count = 0;

	for (size_t i = 1; i < p->tree.count && !p->told; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];
		const char *name = member->index != NULL ? member->index->name : NULL;

		if (name == NULL || !member->index->valid || member->index->parent_oid != 0 ||
		    strcmp(name, sg_tree_name(&p->pass, p->definition->name, member->table, false)) == 0 ||
		    strcmp(name, sg_tree_name(&p->pass, p->definition->name, member->table, true)) == 0)
			continue;
		if (count < MOST_NAMED)
			sg_buf_addf(&text, "%s%s on %s", count > 0 ? ", " : "", name, member->relation);
		count++;
	}
	if (count > MOST_NAMED)
		sg_buf_addf(&text, " and %zu more", count - MOST_NAMED);
	if (count > 0) {
		p->work->result->note = sg_arena_printf(p->arena, "took what was there and is equal: %s", text.data);
		sg_log(SG_LOG_INFO, "index", p->definition->step->id, 0, "takes what is there and is equal: %s", text.data);
	}
	p->told = true;
	sg_buf_release(&text);
}

/* ---- one partition -------------------------------------------------------------------- */

/* The work, on one partition instead of the whole table. */
struct narrowed {
	struct sg_index_definition definition;
	struct sg_index_build build;
	const struct sg_index_build *was;
	const struct sg_index_definition *meant;
};

static void narrow(struct parted *p, const struct sg_tree_member *leaf, const char *name, struct narrowed *n)
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

static void widen(struct parted *p, const struct narrowed *n)
{
	p->work->build = n->was;
	p->work->meter.definition = n->meant;
}

/* Is there anything of that name in the partition's schema? 1, 0, -1: err. */
static int is_taken(struct parted *p, const struct sg_tree_member *leaf, const char *name, struct sg_err *err)
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
static const char *find_name(struct parted *p, const struct sg_tree_member *leaf, struct sg_err *err)
{
	const char *name = NULL;

	for (int hashed = 0; hashed <= 1; hashed++) {
		const struct sg_tree_index *index;
		int taken;

		name = sg_tree_name(&p->pass, p->definition->name, leaf->table, hashed == 1);
		index = sg_tree_index_named(&p->tree, leaf, name);
		if (index != NULL && !index->valid && index->parent_oid == 0 && is_leaf(leaf))
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

/* Waits while somebody else builds on the partition. */
static int wait_turn(struct parted *p, struct sg_err *err)
{
	struct sg_index_work *work = p->work;
	struct sg_index_busy busy;
	bool said = false;

	for (;;) {
		if (sg_index_check(work, err) != 0 ||
		    sg_index_busy(&work->session, work->build->definition, 0, &p->pass, &busy, err) != 0)
			return -1;
		if (!busy.building)
			return 0;
		if (!said)
			sg_log(SG_LOG_INFO, "index-busy", p->definition->step->id, 0, "another session builds on partition %s: %s",
			       work->build->definition->relation, busy.text);
		said = true;
		if (sg_index_wait(work, sg_arena_printf(&p->pass, "a build on partition %s by another session: %s",
		                                        work->build->definition->relation, busy.text), err) != 0)
			return -1;
	}
}

/* What a failed build left behind, if it can be dropped soon; the next look finds it otherwise. */
static void drop_carcass(struct parted *p, const char *name, const struct sg_err *failure)
{
	struct sg_index_work *work = p->work;
	struct sg_err err = SG_ERR_INIT;
	int dropped = 0;

	work->cleaning_ms = sg_clock_ms() + (failure->class == SG_CLASS_SQL ? CLEAN_MS : CLEAN_SOON_MS);
	work->doing = "drops what the failed build left";
	while (dropped == 0) {
		dropped = sg_index_own_open(work, &err) == 0 ? sg_index_drop_invalid(work, name, &err) : -1;
		if (dropped == 0 && sg_index_wait(work, "a session that works on the partition", &err) != 0)
			dropped = -1;
	}
	work->cleaning_ms = 0;
	if (dropped < 0) {
		work->result->carcass = true;
		sg_log(SG_LOG_WARNING, "carcass", p->definition->step->id, 0,
		       "an invalid index %s may be left on partition %s; the next run drops it: %s", name,
		       work->build->definition->relation, err.primary);
	}
	sg_err_release(&err);
}

/* _ccnew and _ccold of the index, of builds that were broken off. */
static int drop_leftovers(struct parted *p, const struct sg_tree_member *leaf, const char *name, struct sg_err *err)
{
	for (size_t i = 0; i < p->tree.index_count; i++) {
		const struct sg_tree_index *index = &p->tree.indexes[i];
		const char *rest = index->name + strlen(name);

		if (index->table_oid != leaf->oid || index->valid || index->parent_oid != 0 ||
		    strncmp(index->name, name, strlen(name)) != 0 ||
		    (strncmp(rest, "_ccnew", 6) != 0 && strncmp(rest, "_ccold", 6) != 0) || rest[6 + strspn(rest + 6, "0123456789")] != '\0')
			continue;
		if (sg_index_drop_invalid(p->work, index->name, err) < 0)
			return -1;
	}
	return 0;
}

static int build_one(struct parted *p, const struct sg_tree_member *leaf, const char *name, bool attached, struct sg_err *err)
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
				return sg_index_wait(p->work, "a session that works on the partition", err);
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

static enum step build_leaf(struct parted *p, const struct sg_tree_member *leaf, struct sg_err *err)
{
	bool attached = leaf->index != NULL && leaf->index->parent_oid != 0;
	const char *name = attached ? leaf->index->name : find_name(p, leaf, err);
	struct narrowed n;
	int status;

	if (name == NULL)
		return FAILED;
	tell(p, sg_arena_printf(&p->pass, "partition %s", leaf->relation));
	narrow(p, leaf, name, &n);
	status = wait_turn(p, err);
	if (status == 0)
		status = build_one(p, leaf, name, attached, err);
	widen(p, &n);
	p->work->doing = NULL;
	if (status == 0)
		return AGAIN;
	/* the partition itself is gone, or somebody else made an index of that name meanwhile: look again */
	if ((strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "42P07") == 0) && p->surprises++ < MOST_SURPRISES) {
		sg_log(SG_LOG_INFO, "index", p->definition->step->id, 0, "%s; looking at the partitions again", err->primary);
		sg_err_clear(err);
		return AGAIN;
	}
	return FAILED;
}

/* ---- putting them together ---------------------------------------------------------------- */

/* The children of a level, attached to its index where they are not yet. */
static void add_attach(struct parted *p, struct sg_buf *sql, const struct sg_tree_member *level, const char *name,
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
static const char **name_all(struct parted *p, struct sg_err *err)
{
	const char **names = sg_arena_array(&p->pass, p->tree.count, sizeof *names);

	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];

		if (member->index != NULL)
			names[i] = member->index->name;
		else if (member->parent == NULL)
			names[i] = p->definition->name;
		else if (member->partitioned && !member->covered && (names[i] = find_name(p, member, err)) == NULL)
			return NULL;
	}
	return names;
}

/* From the lowest level upwards. */
static int make_levels(struct parted *p, struct sg_err *err)
{
	const char **names = name_all(p, err);
	struct sg_buf sql = SG_BUF_INIT;
	int status = 0;

	if (names == NULL)
		return -1;
	for (size_t i = p->tree.count; i-- > 0;) {
		const struct sg_tree_member *member = &p->tree.members[i];

		if (!member->partitioned || is_done(member))
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
static bool all_equal(const struct parted *p)
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

static int refuse_invalid(const struct parted *p, struct sg_err *err)
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
 * autovacuum would make way; but a session that comes to wait for us, while we wait for it, looks for a deadlock only after that time:
 * before it has passed twice, it is we who have found it, or have gone (storage/lmgr/proc.c, ProcSleep). */
static int lock_limit(struct parted *p, int lock_ms, int *limit_r, struct sg_err *err)
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

/* The last transaction, up to COMMIT. DONE: only that is left; AGAIN: something was not as it was. */
static enum step put_together(struct parted *p, int *limit_r, struct sg_err *err)
{
	struct sg_session *session = &p->work->session;
	bool tried = p->attach;
	int lock_ms;

	if (begin(p, *limit_r, err) != 0 || lock_limit(p, *limit_r, limit_r, err) != 0)
		return FAILED;
	lock_ms = *limit_r;
	p->until_ms = sg_clock_ms() + lock_ms;
	p->looked_ms = 0;
	p->first_ms = lock_ms / 2 < FIRST_LOOK_MS ? lock_ms / 2 : FIRST_LOOK_MS;
	sg_db_on_wait(session->db, on_wait, p);
	/* partitions and all: nothing is written, attached or detached from here on. The time is for all of them together. */
	sg_buf_addf(&session->pending, "SET LOCAL statement_timeout = %d;LOCK TABLE %s IN SHARE MODE;SET LOCAL statement_timeout = 0",
	            lock_ms, p->tree.members[0].sql);
	if (sg_session_flush(session, err) != 0)
		return FAILED;
	p->until_ms = sg_clock_ms() + (lock_ms > LEAST_MS ? lock_ms : LEAST_MS);
	if (read_tree(p, err) != 0)
		return FAILED;
	for (size_t i = 0; i < p->tree.count; i++)
		if (is_leaf(&p->tree.members[i]) && !is_done(&p->tree.members[i]))
			return AGAIN;
	if (make_levels(p, err) != 0 || read_tree(p, err) != 0)
		return FAILED;
	if (p->tree.members[0].index != NULL && p->tree.members[0].index->valid && all_equal(p))
		return DONE;
	p->attach = true;
	return tried ? (refuse_invalid(p, err), FAILED) : AGAIN;
}

static enum step finish(struct parted *p, struct sg_err *err)
{
	int lock_ms = sg_retry_lock_ms(&p->retry);
	enum step step;

	tell(p, "puts the partitions together");
	step = put_together(p, &lock_ms, err);
	if (step == FAILED)
		(void)met_lock(p, lock_ms, err);
	if (step == DONE && sg_db_commit(p->work->session.db, err) != 0)
		step = FAILED;
	else if (step == DONE)
		p->work->session.begun = false;
	end(p);
	return step == FAILED ? try_again(p, err) : step;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static enum step one_pass(struct parted *p, struct sg_err *err)
{
	if (look(p, err) != 0 || refuse_drift(p, err) != 0)
		return FAILED;
	count_parts(p);
	if (p->tree.members[0].index != NULL && p->tree.members[0].index->valid)
		return DONE;
	tell_others(p);
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];

		/* the shape that could not be asked for is that of the first that we built */
		if (is_leaf(member) && p->shape == NULL && p->work->result->attempts > 0 && member->index != NULL && member->index->valid)
			p->shape = sg_arena_strdup(p->arena, member->index->shape);
		if (is_leaf(member) && !is_done(member))
			return build_leaf(p, member, err);
	}
	return finish(p, err) == FAILED ? FAILED : AGAIN;
}

int sg_index_build_partitioned(struct sg_index_work *work, const struct sg_index_look *found, struct sg_err *err)
{
	struct parted p = { .work = work, .definition = work->build->definition, .arena = work->build->run->arena,
		            .pass = SG_ARENA_INIT };
	enum step step;

	(void)found; /* it is looked at anew, each time */
	sg_retry_init(&p.retry, &p.definition->step->policy);
	do
		step = look(&p, err) != 0 ? FAILED : learn(&p, err);
	while (step == AGAIN);
	while (step != FAILED && (step = one_pass(&p, err)) == AGAIN) {}
	work->part = work->parts = 0;
	work->doing = NULL;
	sg_arena_release(&p.pass);
	return step == DONE ? 0 : -1;
}
