/* render_status_json.c - status for scripts: the keys are a contract, in its order; ours come after. */
#include "config.h"

#include <string.h>

#include "core/cli/render.h"

static struct sg_json *texts(const char *const *items, size_t count)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < count; i++)
		sg_json_add_text(list, items[i]);
	return list;
}

static void set_count(struct sg_json *object, const char *key, int64_t value)
{
	if (value >= 0)
		sg_json_set_int(object, key, value);
	else
		sg_json_set_null(object, key);
}

static struct sg_json *migration_json(const struct sg_status_migration *m)
{
	struct sg_json *one = sg_json_object();

	sg_json_set_text(one, "id", m->id);
	sg_json_set_text(one, "state", m->state);
	sg_json_set_text(one, "title", m->title);
	sg_json_set_text(one, "applied_at", m->applied_at);
	set_count(one, "duration_ms", m->duration_ms);
	set_count(one, "attempts", m->attempts);
	sg_json_set(one, "waits_for", texts(m->waits_for, m->waits_count));
	sg_json_set(one, "error", sg_json_err(&m->err));
	sg_json_set_text(one, "failed_at", m->failed_at);
	sg_json_set_text(one, "reason", m->reason);
	sg_json_set_bool(one, "in_manifest", m->step != NULL);
	return one;
}

static struct sg_json *index_json(const struct sg_status_index *x)
{
	static const struct sg_index_row none = { .duration_ms = -1, .bytes = -1 };
	const struct sg_index_row *row = x->row != NULL ? x->row : &none;
	struct sg_json *one = sg_json_object();
	bool building = strcmp(x->state, "building") == 0;

	sg_json_set_text(one, "name", x->step->id);
	sg_json_set_text(one, "state", x->state);
	set_count(one, "duration_ms", row->duration_ms);
	set_count(one, "bytes", row->bytes);
	sg_json_set(one, "error", sg_json_err(&x->err));
	sg_json_set(one, "waits_for", texts(x->waits_for, x->waits_count));
	sg_json_set_text(one, "started_at", row->started_at);
	sg_json_set_text(one, "finished_at", building ? NULL : row->finished_at);
	sg_json_set_text(one, "owner", building ? row->owner : NULL);
	sg_json_set_bool(one, "critical", x->step->critical);
	sg_render_build_json(one, "progress", &x->progress);
	return one;
}

static struct sg_json *bad_rows(const struct sg_status_backfill *b)
{
	struct sg_json *all = sg_json_array();

	for (size_t i = 0; i < b->bad_count; i++) {
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "key", b->bad[i].key);
		sg_json_set_text(one, "sqlstate", b->bad[i].sqlstate);
		sg_json_set_text(one, "message", b->bad[i].message);
		sg_json_add(all, one);
	}
	return all;
}

static struct sg_json *backfill_json(const struct sg_status_backfill *b)
{
	static const struct sg_backfill_row none = { .rows_done = -1, .rows_estimate = -1, .seconds_left = -1, .left = -1,
		                                     .bad_rows = -1 };
	const struct sg_backfill_row *row = b->row != NULL ? b->row : &none;
	struct sg_json *one = sg_json_object();

	sg_json_set_text(one, "key", b->step->id);
	sg_json_set_text(one, "state", b->state);
	set_count(one, "rows_done", row->rows_done);
	set_count(one, "rows_estimate", row->rows_estimate);
	if (row->rows_per_s > 0)
		sg_json_set_real(one, "rows_per_s", row->rows_per_s);
	else
		sg_json_set_null(one, "rows_per_s");
	set_count(one, "seconds_left", row->seconds_left);
	set_count(one, "lanes", b->row == NULL ? -1 : strcmp(b->state, "running") == 0 ? row->lanes : 0);
	set_count(one, "batch_size", row->batch_size > 0 ? row->batch_size : -1);
	sg_json_set_text(one, "throttle", b->throttle);
	set_count(one, "bad_rows", row->bad_rows);
	set_count(one, "left", row->left);
	sg_json_set(one, "error", sg_json_err(&row->err));
	sg_json_set(one, "waits_for", texts(b->waits_for, b->waits_count));
	set_count(one, "pass", row->pass > 0 ? row->pass : -1);
	set_count(one, "deferred", b->row != NULL ? row->deferred : -1);
	sg_json_set_text(one, "started_at", row->started_at);
	sg_json_set_text(one, "finished_at", row->finished_at);
	sg_json_set_text(one, "paused_by", row->paused_by);
	sg_json_set_text(one, "message", row->message);
	sg_json_set(one, "failed_rows", bad_rows(b));
	return one;
}

void sg_render_status_json(struct sg_json *into, const struct sg_status *status)
{
	struct sg_status_summary sum = sg_render_status_summary(status);
	struct sg_json *migrations = sg_json_array(), *indexes = sg_json_array(), *backfills = sg_json_array();
	struct sg_json *summary = sg_json_object();

	sg_json_set_int(into, "state_version", status->state_version);
	sg_json_set_text(into, "database", status->database);
	sg_json_set_bool(into, "pooler", status->pooler);
	if (status->lease_owner != NULL) {
		struct sg_json *lease = sg_json_object();

		sg_json_set_text(lease, "owner", status->lease_owner);
		sg_json_set_text(lease, "since", status->lease_since);
		sg_json_set_bool(lease, "alive", status->lease_alive);
		sg_json_set_text(lease, "doing", status->lease_doing);
		sg_json_set(into, "lease", lease);
	} else {
		sg_json_set_null(into, "lease");
	}
	for (size_t i = 0; i < status->migration_count; i++)
		sg_json_add(migrations, migration_json(&status->migrations[i]));
	for (size_t i = 0; i < status->index_count; i++)
		sg_json_add(indexes, index_json(&status->indexes[i]));
	for (size_t i = 0; i < status->backfill_count; i++)
		sg_json_add(backfills, backfill_json(&status->backfills[i]));
	sg_json_set(into, "migrations", migrations);
	sg_json_set(into, "indexes", indexes);
	sg_json_set(into, "backfills", backfills);
	sg_json_set_int(summary, "pending", (int64_t)sum.pending);
	sg_json_set_int(summary, "waiting", (int64_t)sum.waiting);
	sg_json_set_int(summary, "failed", (int64_t)sum.failed);
	sg_json_set(into, "summary", summary);
}
