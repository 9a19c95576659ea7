/* partitions.c - the index of a partitioned table, which cannot be built concurrently as a whole.
 *
 * First each partition's own, concurrently, one after the other, under names of ours (partition.c);
 * whatever is there already, valid and equal, is taken, so that a run goes on where another was
 * killed. Then, in one short transaction, those of the partitioned levels (together.c). Between
 * any two steps the catalogue is looked at anew: partitions come and go.
 *
 * Nothing valid is ever dropped here, and nothing that somebody builds. */
#include "config.h"
#include "core/index/parted.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define LEAST_MS 1000   /* for the lock on the table, of which an empty copy is made */
#define MOST_NAMED 5    /* indexes under other names that are told by name */

/* ---- waiting ---------------------------------------------------------------- */

/* doing: a text that lives until the next look */
void sg_parted_tell(struct sg_parted *p, const char *doing)
{
	p->work->doing = doing;
	sg_index_tell(p->work, NULL);
}

/* After a failure of a transaction of ours: whether to try it again. */
enum sg_parted_step sg_parted_again(struct sg_parted *p, struct sg_err *err)
{
	int64_t pause;
	enum sg_again again = SG_AGAIN_NO;

	if (!sg_db_lost(p->work->session.db) && (err->class == SG_CLASS_LOCKED || strcmp(err->sqlstate, "40P01") == 0))
		again = sg_retry_next(&p->retry, err, sg_clock_ms(), &pause);
	if (again == SG_AGAIN_NO) {
		sg_retry_conclude(&p->retry, sg_clock_ms(), err);
		return SG_PARTED_FAILED;
	}
	sg_log(SG_LOG_INFO, "lock-wait", p->definition->step->id, 0, "%s%s%s; trying again", err->primary,
	       err->detail != NULL ? ": " : "", err->detail != NULL ? err->detail : "");
	sg_err_clear(err);
	p->work->doing = "lets others through before the partitions are put together";
	return sg_index_pause(p->work, pause, err) == 0 ? SG_PARTED_AGAIN : SG_PARTED_FAILED;
}

/* ---- transactions of ours ------------------------------------------------------ */

/* BEGIN, guards, role. */
int sg_parted_begin(struct sg_parted *p, int lock_ms, struct sg_err *err)
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
void sg_parted_end(struct sg_parted *p)
{
	struct sg_session *session = &p->work->session;

	sg_session_unwatch(session);
	sg_session_rollback(session);
	if (p->work->own_session)
		session->backend = sg_db_pid(session->db);
}

/* ---- what is wanted --------------------------------------------------------------- */

/* What may be wrong with the definition is the server's to say, and before anything is built: on an empty copy that is
 * partitioned as the table is. */
static int ask_shape(struct sg_parted *p, const struct sg_tree_member *member, struct sg_err *err)
{
	struct sg_arena *arena = &p->pass;
	/* by the table's own name, for the server's messages; but for the mark by which the definition is cut */
	const char *name = strstr(member->table, " USING ") == NULL ? member->table : "sgrun_copy";
	const char *copy = sg_arena_printf(arena, "pg_temp.%s", sg_db_identifier(arena, name));
	struct sg_session *session = &p->work->session;
	struct sg_result *result;

	if (sg_parted_begin(p, LEAST_MS, err) != 0)
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

static int refuse_foreign(const struct sg_parted *p, struct sg_err *err)
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

static void hint_key(const struct sg_parted *p, const struct sg_tree_member *member, struct sg_err *err)
{
	if (p->definition->unique && strcmp(err->sqlstate, "0A000") == 0)
		(void)sg_err_hint(err, "Name the columns of the partition key of %s, %s, among those of the index.",
		                  member->relation, member->partition_key);
}

static enum sg_parted_step learn(struct sg_parted *p, struct sg_err *err)
{
	if (refuse_foreign(p, err) != 0)
		return SG_PARTED_FAILED;
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];
		int status;

		if (!member->partitioned || (i > 0 && !p->definition->unique))
			continue;
		status = ask_shape(p, member, err);
		sg_parted_end(p);
		if (status != 0 && strcmp(err->sqlstate, "42501") == 0) {
			sg_log(SG_LOG_INFO, "index", p->definition->step->id, 0,
			       "indexes that the partitions have already cannot be compared with what is wanted: %s", err->primary);
			sg_err_clear(err);
			return SG_PARTED_DONE;
		}
		if (status != 0) {
			hint_key(p, member, err);
			return sg_parted_again(p, err);
		}
	}
	return SG_PARTED_DONE;
}

/* ---- looking ------------------------------------------------------------------------ */

int sg_parted_read(struct sg_parted *p, struct sg_err *err)
{
	return sg_tree_read(p->work->session.db, p->definition, p->shape, &p->pass, &p->tree, err);
}

static int look(struct sg_parted *p, struct sg_err *err)
{
	p->work->doing = "looks at the partitions";
	sg_arena_reset(&p->pass);
	memset(&p->tree, 0, sizeof p->tree);
	p->blockers = NULL;
	if (sg_index_check(p->work, err) != 0 || sg_index_own_alive(p->work, err) != 0 || sg_parted_read(p, err) != 0)
		return -1;
	if (p->tree.count == 0 || !p->tree.members[0].partitioned) {
		sg_err_set(err, SG_CLASS_SQL, "there is no partitioned table %s any more", p->definition->relation);
		return sg_err_hint(err, "Run it again: every run looks anew.");
	}
	return 0;
}

/* An index of the wanted name with another definition is not ours to change. */
static int refuse_drift(struct sg_parted *p, struct sg_err *err)
{
	const struct sg_tree_index *index = p->tree.members[0].index;

	if (index == NULL || p->shape == NULL || strcmp(index->shape, p->shape) == 0)
		return 0;
	sg_err_set(err, SG_CLASS_VERIFY, "index %s is there, not valid on all partitions, and not what the manifest says",
	           index->name);
	(void)sg_err_detail(err, "is: %s\nwanted: %s", index->shape, p->shape);
	return sg_err_hint(err, "Nothing was changed. Drop it yourself if it is of no use, or give the wanted one another name.");
}

static void count_parts(struct sg_parted *p)
{
	int parts = 0, done = 0;

	for (size_t i = 0; i < p->tree.count; i++) {
		parts += sg_parted_leaf(&p->tree.members[i]);
		done += sg_parted_leaf(&p->tree.members[i]) && sg_parted_done(&p->tree.members[i]);
	}
	p->work->parts = parts;
	p->work->part = done < parts ? done + 1 : parts;
	p->work->result->partitions = done;
}

/* Equal indexes that bear other names than ours would: said once. */
static void tell_others(struct sg_parted *p)
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

/* ---- all of it ----------------------------------------------------------------------------- */

static enum sg_parted_step one_pass(struct sg_parted *p, struct sg_err *err)
{
	if (look(p, err) != 0 || refuse_drift(p, err) != 0)
		return SG_PARTED_FAILED;
	count_parts(p);
	if (p->tree.members[0].index != NULL && p->tree.members[0].index->valid)
		return SG_PARTED_DONE;
	tell_others(p);
	for (size_t i = 0; i < p->tree.count; i++) {
		const struct sg_tree_member *member = &p->tree.members[i];

		/* the shape that could not be asked for is that of the first that we built */
		if (sg_parted_leaf(member) && p->shape == NULL && p->work->result->attempts > 0 && member->index != NULL &&
		    member->index->valid)
			p->shape = sg_arena_strdup(p->arena, member->index->shape);
		if (sg_parted_leaf(member) && !sg_parted_done(member))
			return sg_parted_build(p, member, err);
	}
	return sg_parted_finish(p, err) == SG_PARTED_FAILED ? SG_PARTED_FAILED : SG_PARTED_AGAIN;
}

int sg_index_build_partitioned(struct sg_index_work *work, const struct sg_index_look *found, struct sg_err *err)
{
	struct sg_parted p = { .work = work, .definition = work->build->definition, .arena = work->build->run->arena,
		            .pass = SG_ARENA_INIT };
	enum sg_parted_step step;

	(void)found; /* it is looked at anew, each time */
	sg_retry_init(&p.retry, &p.definition->step->policy);
	do
		step = look(&p, err) != 0 ? SG_PARTED_FAILED : learn(&p, err);
	while (step == SG_PARTED_AGAIN);
	while (step != SG_PARTED_FAILED && (step = one_pass(&p, err)) == SG_PARTED_AGAIN) {}
	work->part = work->parts = 0;
	work->doing = NULL;
	if (step == SG_PARTED_DONE)
		work->result->carcass = false; /* what an attempt before this one left has been built upon */
	sg_arena_release(&p.pass);
	return step == SG_PARTED_DONE ? 0 : -1;
}
