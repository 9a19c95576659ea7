/* index_glance.c - a look at the indexes that migrations are about to rest on.
 *
 * The index phase comes after the migrations, and only then does the table indexes follow
 * what is there. A migration whose gate it holds open for an index that was dropped by hand would fail
 * (ADD CONSTRAINT … USING INDEX: 42704), and the phase that builds it again would never be reached. */
#include "config.h"

#include <string.h>

#include "core/run/index_phase.h"

/* Rows of indexes that unrecorded migrations require; each once. Those that do not say valid, too: another runner that looked before we
 * had built it may have noted it missing since, or claimed it, and finds out a moment later. */
static size_t collect(const struct sg_manifest *manifest, const struct sg_ledger *ledger, const struct sg_index_row *rows,
                      size_t count, const struct sg_step **steps_r)
{
	size_t found = 0;

	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];

		if (step->kind != SG_STEP_MIGRATION || sg_ledger_find(ledger, step->id) != NULL)
			continue;
		for (size_t k = 0; k < step->require_count; k++) {
			const struct sg_index_row *row = sg_indexes_find(rows, count, step->requires[k].id);
			const struct sg_step *index = sg_manifest_step(manifest, SG_STEP_INDEX, step->requires[k].id);
			bool known = step->requires[k].kind != SG_STEP_INDEX || index == NULL || row == NULL;

			for (size_t n = 0; !known && n < found; n++)
				known = steps_r[n] == index;
			if (!known)
				steps_r[found++] = index;
		}
	}
	return found;
}

static int glance(struct sg_session *session, struct sg_err *err)
{
	struct sg_run *run = session->run;
	const struct sg_manifest *manifest = run->manifest;
	const struct sg_step **steps = sg_arena_array(run->arena, manifest->step_count, sizeof *steps);
	struct sg_index_row *rows;
	struct sg_ledger ledger;
	size_t row_count, count;

	if (sg_session_open(session, err) != 0 ||
	    sg_ledger_read(session->db, manifest->state_schema, false, run->arena, &ledger, err) != 0)
		return -1;
	if (!ledger.installed)
		return 0;
	if (sg_indexes_read(session->db, manifest->state_schema, run->arena, &rows, &row_count, err) != 0)
		return -1;
	count = collect(manifest, &ledger, rows, row_count, steps);
	for (size_t i = 0; i < count; i++) {
		struct sg_index_definition definition;
		struct sg_index_look look;

		if (sg_index_define(manifest, steps[i], run->arena, &definition, err) != 0) {
			sg_err_clear(err); /* refused: its gate is shut without a look */
			continue;
		}
		if (sg_index_look(session, &definition, run->arena, &look, err) != 0 ||
		    sg_index_note_seen(session, &definition, &look, sg_indexes_find(rows, row_count, steps[i]->id), NULL, err) != 0)
			return -1;
	}
	return 0;
}

void sg_index_glance(struct sg_run *run)
{
	const struct sg_manifest *manifest = run->manifest;
	struct sg_session session;
	struct sg_err why = SG_ERR_INIT;
	bool any = false;

	for (size_t i = 0; i < manifest->step_count; i++)
		for (size_t k = 0; manifest->steps[i].kind == SG_STEP_MIGRATION && k < manifest->steps[i].require_count; k++)
			any |= manifest->steps[i].requires[k].kind == SG_STEP_INDEX;
	if (!any)
		return;
	sg_session_init(&session, run, false);
	(void)glance(&session, &why);
	sg_session_drop(&session);
	sg_err_release(&why);
}
