/* render_rehearsal_json.c - a rehearsal as JSON: all that was seen. The members are a contract (sgrun(1), OUTPUT). */
#include "config.h"

#include "core/cli/render_audit.h"

static struct sg_json *names_json(const char *const *names, size_t count)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < count; i++)
		sg_json_add_text(list, names[i]);
	return list;
}

static void set_ms(struct sg_json *into, const char *key, int64_t us)
{
	sg_json_set_real(into, key, (double)us / 1000);
}

/* -1: null */
static void set_answer(struct sg_json *into, const char *key, int answer)
{
	if (answer < 0)
		sg_json_set_null(into, key);
	else
		sg_json_set_bool(into, key, answer > 0);
}

static struct sg_json *statement_json(const struct sg_rehearsal_statement *statement)
{
	struct sg_json *one = sg_json_object(), *locks = sg_json_array(), *scanned = sg_json_array();

	sg_json_set_text(one, "text", statement->text);
	sg_json_set_text(one, "kind", statement->kind);
	set_ms(one, "duration_ms", statement->us);
	sg_json_set_bool(one, "existed", statement->existed);
	for (size_t i = 0; i < statement->lock_count; i++) {
		const struct sg_rehearsal_lock *lock = &statement->locks[i];
		const char kind[] = { lock->kind, '\0' };
		struct sg_json *item = sg_json_object();

		sg_json_set_text(item, "relation", lock->relation);
		sg_json_set_text(item, "relkind", kind);
		sg_json_set_text(item, "mode", lock->mode);
		sg_json_set_int(item, "strength", lock->strength);
		sg_json_add(locks, item);
	}
	sg_json_set(one, "locks", locks);
	sg_json_set(one, "rewritten", names_json(statement->rewritten, statement->rewritten_count));
	for (size_t i = 0; i < statement->scanned_count; i++) {
		struct sg_json *item = sg_json_object();

		sg_json_set_text(item, "relation", statement->scanned[i]);
		sg_json_set_int(item, "rows", statement->scanned_rows[i]);
		sg_json_add(scanned, item);
	}
	sg_json_set(one, "scanned", scanned);
	return one;
}

static struct sg_json *step_json(const struct sg_rehearsal_step *step)
{
	struct sg_json *one = sg_json_object(), *statements = sg_json_array(), *held = sg_json_array();

	sg_json_set_text(one, "id", step->step->id);
	sg_json_set_text(one, "kind", sg_step_kind_name(step->step->kind));
	sg_json_set_text(one, "title", step->title);
	sg_json_set_text(one, "outcome", sg_outcome_name(step->outcome));
	sg_json_set_text(one, "note", step->note);
	sg_json_set_bool(one, "outside", step->outside);
	sg_json_set_bool(one, "sampled", step->sampled);
	set_ms(one, "duration_ms", step->us);
	set_answer(one, "fingerprint_before", step->before);
	set_answer(one, "fingerprint_after", step->after);
	sg_json_set(one, "error", sg_json_err(&step->err));
	for (size_t i = 0; i < step->statement_count; i++)
		sg_json_add(statements, statement_json(&step->statements[i]));
	sg_json_set(one, "statements", statements);
	for (size_t i = 0; i < step->held_count; i++) {
		struct sg_json *item = sg_json_object();

		sg_json_set_text(item, "relation", step->held[i].relation);
		sg_json_set_text(item, "mode", step->held[i].mode);
		sg_json_set_int(item, "strength", step->held[i].strength);
		set_ms(item, "held_ms", step->held[i].us);
		sg_json_set_int(item, "statement", (int64_t)step->held[i].statement + 1);
		sg_json_add(held, item);
	}
	sg_json_set(one, "held", held);
	return one;
}

void sg_render_rehearsal_json(struct sg_json *into, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                              const struct sg_audit_result *audit)
{
	struct sg_json *filled = sg_json_array(), *steps = sg_json_array(), *found = sg_json_object();

	sg_json_set_int(into, "server_version", rehearsal->server_version);
	sg_json_set_text(into, "schema_from", rehearsal->schema_from);
	sg_json_set_int(into, "rows", rehearsal->rows);
	sg_json_set_bool(into, "complete", rehearsal->complete);
	set_ms(into, "duration_ms", rehearsal->us);
	for (size_t i = 0; i < rehearsal->filled_count; i++) {
		struct sg_json *item = sg_json_object();

		sg_json_set_text(item, "relation", rehearsal->filled[i].relation);
		sg_json_set_int(item, "rows", rehearsal->filled[i].rows);
		sg_json_set_text(item, "why", rehearsal->filled[i].why);
		sg_json_add(filled, item);
	}
	sg_json_set(into, "filled", filled);
	sg_json_set(into, "left_out", names_json(rehearsal->left_out, rehearsal->left_out_count));
	for (size_t i = 0; i < rehearsal->step_count; i++)
		sg_json_add(steps, step_json(&rehearsal->steps[i]));
	sg_json_set(into, "steps", steps);
	sg_render_audit_json(found, about, audit);
	sg_json_set(into, "audit", found);
}
