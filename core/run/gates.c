/* gates.c - reads and judges `requires`. */
#include "config.h"
#include "core/run/gates.h"

#include <string.h>

#include "core/base/text.h"
#include "core/index/definition.h"

static bool among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* What was valid when its section could still be read is not what the section asks for now. */
static void find_refused(const struct sg_manifest *manifest, struct sg_arena *arena, struct sg_gates *gates)
{
	size_t capacity = 0;

	for (size_t i = 0; i < manifest->step_count; i++)
		for (size_t k = 0; k < manifest->steps[i].require_count; k++) {
			const struct sg_require *require = &manifest->steps[i].requires[k];
			const struct sg_step *step = require->kind == SG_STEP_INDEX ? sg_manifest_step(manifest, SG_STEP_INDEX, require->id) : NULL;
			struct sg_index_definition definition;
			struct sg_err why = SG_ERR_INIT;

			if (step != NULL && !among(gates->refused, gates->refused_count, step->id) &&
			    sg_index_define(manifest, step, arena, &definition, &why) != 0) {
				gates->refused = sg_arena_grow(arena, gates->refused, &capacity, gates->refused_count + 1, sizeof *gates->refused);
				gates->refused[gates->refused_count++] = step->id;
			}
			sg_err_release(&why);
		}
}

int sg_gates_read(struct sg_db *db, const struct sg_manifest *manifest, const struct sg_ledger *ledger,
                  struct sg_arena *arena, struct sg_gates *gates_r, struct sg_err *err)
{
	bool any = false;

	memset(gates_r, 0, sizeof *gates_r);
	gates_r->ledger = ledger;
	for (size_t i = 0; i < manifest->step_count; i++)
		any = any || manifest->steps[i].require_count > 0 || manifest->steps[i].kind != SG_STEP_MIGRATION;
	if (!any || !ledger->installed)
		return 0;
	find_refused(manifest, arena, gates_r);
	if (sg_backfills_read(db, manifest->state_schema, arena, &gates_r->backfills, &gates_r->backfill_count, err) != 0)
		return -1;
	return sg_indexes_read(db, manifest->state_schema, arena, &gates_r->indexes, &gates_r->index_count, err);
}

void sg_gates_done(struct sg_gates *gates, const char *id, struct sg_arena *arena)
{
	gates->done = sg_arena_grow(arena, gates->done, &gates->done_capacity, gates->done_count + 1, sizeof *gates->done);
	gates->done[gates->done_count++] = id;
}

static bool is_open(const struct sg_gates *gates, enum sg_step_kind kind, const char *id)
{
	const struct sg_backfill_row *row;
	const struct sg_index_row *index;

	switch (kind) {
	case SG_STEP_MIGRATION:
		return sg_ledger_find(gates->ledger, id) != NULL || among(gates->done, gates->done_count, id);
	case SG_STEP_BACKFILL:
		row = sg_backfills_find(gates->backfills, gates->backfill_count, id);
		return row != NULL && row->state == SG_BACKFILL_COMPLETE;
	case SG_STEP_INDEX:
		index = sg_indexes_find(gates->indexes, gates->index_count, id);
		return index != NULL && index->state == SG_INDEX_VALID && !among(gates->refused, gates->refused_count, id);
	}
	return false;
}

const char *sg_gates_closed(const struct sg_gates *gates, const struct sg_step *step, size_t skip,
                            struct sg_arena *arena)
{
	if (step->migration != NULL && !is_open(gates, SG_STEP_MIGRATION, step->migration) && skip-- == 0)
		return sg_arena_printf(arena, "%s:%s", sg_step_kind_name(SG_STEP_MIGRATION), step->migration);
	for (size_t i = 0; i < step->require_count; i++) {
		const struct sg_require *require = &step->requires[i];

		if (!is_open(gates, require->kind, require->id) && skip-- == 0)
			return sg_arena_printf(arena, "%s:%s", sg_step_kind_name(require->kind), require->id);
	}
	return NULL;
}

const char *sg_gates_why(const struct sg_gates *gates, const char *closed, struct sg_arena *arena)
{
	const struct sg_backfill_row *row;

	if (sg_text_prefix(closed, "index:") && among(gates->refused, gates->refused_count, closed + strlen("index:")))
		return "its section is refused";
	if (sg_text_prefix(closed, "index:"))
		return sg_index_row_text(sg_indexes_find(gates->indexes, gates->index_count, closed + strlen("index:")), arena);
	if (!sg_text_prefix(closed, "backfill:"))
		return NULL;
	row = sg_backfills_find(gates->backfills, gates->backfill_count, closed + strlen("backfill:"));
	return row != NULL ? sg_backfill_row_text(row, arena) : "not started";
}
