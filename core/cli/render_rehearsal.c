/* render_rehearsal.c - what a rehearsal saw. What went wrong first: steps that failed, errors, fingerprints that prove nothing; then the
 * strongest locks by time, every step, and each step with its statements, the locks that it held, and what the audit says of them.
 * Indexes that were built concurrently are one table: their locks stop nobody. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/cli/look.h"
#include "core/cli/markdown.h"
#include "core/cli/render.h"
#include "core/cli/render_audit.h"
#include "core/run/audited.h"

#define TOP 20       /* locks in the summary */

/* ---- the head ------------------------------------------------------------------ */

static size_t count_outcome(const struct sg_rehearsal *rehearsal, enum sg_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < rehearsal->step_count; i++)
		count += rehearsal->steps[i].outcome == outcome;
	return count;
}

static void add_end(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	size_t failed = count_outcome(rehearsal, SG_OUTCOME_FAILED), unreached = count_outcome(rehearsal, SG_OUTCOME_NOT_REACHED);

	if (failed > 0) {
		sg_buf_adds(out, "**FAILED: ");
		sg_md_count(out, failed, "step");
		sg_buf_adds(out, "**");
		if (unreached > 0)
			sg_buf_addf(out, ", and %zu %s not run", unreached, unreached == 1 ? "was" : "were");
	} else if (rehearsal->complete) {
		sg_buf_adds(out, "**Everything in the manifest was done**");
	} else {
		sg_buf_adds(out, "**Not everything was done:** see the steps that wait");
	}
	sg_buf_adds(out, ", in ");
	sg_md_time(out, rehearsal->us);
	sg_buf_adds(out, ".\n\n");
}

static void add_rows(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	size_t filled = 0;

	if (rehearsal->rows == 0 && rehearsal->filled_count == 0) {
		sg_buf_adds(out, "none (`--rows N` makes some up, so that rewrites and scans take their time)\n");
		return;
	}
	for (size_t i = 0; i < rehearsal->filled_count; i++)
		filled += rehearsal->filled[i].rows > 0;
	sg_look_number(out, rehearsal->rows);
	sg_buf_adds(out, " made up for each table that had none: ");
	sg_md_count(out, filled, "table");
	sg_buf_addc(out, '\n');
	for (size_t i = 0; i < rehearsal->filled_count; i++) {
		const struct sg_rehearsal_table *table = &rehearsal->filled[i];

		if (table->rows >= rehearsal->rows)
			continue;
		sg_buf_adds(out, "  - ");
		sg_md_code(out, table->relation);
		if (table->rows > 0) {
			sg_buf_adds(out, " took ");
			sg_look_number(out, table->rows);
			sg_buf_adds(out, " only");
		} else {
			sg_buf_adds(out, " stayed empty");
		}
		if (table->why != NULL) {
			sg_buf_adds(out, ": ");
			sg_md_text(out, table->why);
		}
		sg_buf_addc(out, '\n');
	}
}

void sg_render_rehearsal_head(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal)
{
	sg_buf_adds(out, "# Rehearsal of ");
	sg_md_code(out, about->manifest->path);
	sg_buf_adds(out, "\n\n");
	add_end(out, rehearsal);
	sg_buf_addf(out, "- Server: PostgreSQL %d, private, thrown away\n- Schema at the start: ", rehearsal->server_version);
	sg_md_text(out, rehearsal->schema_from != NULL ? rehearsal->schema_from : "empty database");
	if (rehearsal->schema_from == NULL || strcmp(rehearsal->schema_from, "empty database") == 0)
		sg_buf_adds(out, " (`--schema-from DSN|FILE` takes another)");
	sg_buf_addc(out, '\n');
	if (rehearsal->left_out_count > 0) {
		sg_buf_adds(out, "- Left out of the schema, since they could not be run here: ");
		sg_md_count(out, rehearsal->left_out_count, "statement");
		sg_buf_addc(out, '\n');
		for (size_t i = 0; i < rehearsal->left_out_count; i++) {
			sg_buf_adds(out, "  - ");
			sg_md_text(out, rehearsal->left_out[i]);
			sg_buf_addc(out, '\n');
		}
	}
	sg_buf_adds(out, "- Rows: ");
	add_rows(out, rehearsal);
	sg_buf_addc(out, '\n');
}

/* ---- the summary ----------------------------------------------------------------- */

struct longest {
	const struct sg_rehearsal_held *held;
	const struct sg_rehearsal_step *step;
};

static int by_strength_and_time(const void *a, const void *b)
{
	const struct sg_rehearsal_held *one = ((const struct longest *)a)->held, *other = ((const struct longest *)b)->held;

	if (one->strength != other->strength)
		return one->strength > other->strength ? -1 : 1;
	if (one->us != other->us)
		return one->us > other->us ? -1 : 1;
	return strcmp(one->relation, other->relation);
}

void sg_render_rehearsal_locks(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	size_t count = 0, all = 0;
	struct longest *list;

	for (size_t i = 0; i < rehearsal->step_count; i++)
		all += rehearsal->steps[i].held_count;
	if (all == 0) {
		sg_buf_adds(out, "No step was seen to hold a lock on a table that was there before it.\n\n");
		return;
	}
	list = sg_xcalloc(all, sizeof *list);
	for (size_t i = 0; i < rehearsal->step_count; i++)
		for (size_t k = 0; k < rehearsal->steps[i].held_count; k++)
			list[count++] = (struct longest){ &rehearsal->steps[i].held[k], &rehearsal->steps[i] };
	qsort(list, count, sizeof *list, by_strength_and_time);
	sg_buf_adds(out, "The strongest locks on tables that were there before the step, and of the same strength the longest first:\n\n");
	sg_md_head(out, "Table|Lock|Held:|Step|Taken by statement:");
	for (size_t i = 0; i < count && i < TOP; i++) {
		sg_buf_adds(out, "| ");
		sg_md_cell_code(out, list[i].held->relation, SIZE_MAX);
		sg_buf_addf(out, " | %s | ", list[i].held->mode);
		sg_md_time(out, list[i].held->us);
		sg_buf_adds(out, " | ");
		sg_md_cell_code(out, list[i].step->step->id, SIZE_MAX);
		sg_buf_addf(out, " | %zu |\n", list[i].held->statement + 1);
	}
	if (count > TOP)
		sg_buf_addf(out, "\nAnd %zu more, with their steps.\n", count - TOP);
	sg_buf_addc(out, '\n');
	free(list);
}

/* What the fingerprint proves; false: something is wrong with it. */
static bool proof_of(const struct sg_rehearsal_step *step, const char **text_r)
{
	if (step->before < 0 && step->after < 0) {
		*text_r = "-";
		return true;
	}
	if (step->before == 1) {
		*text_r = "**held before: nothing was run**";
		return false;
	}
	if (step->after == 0) {
		*text_r = "**false -> false: does not hold after**";
		return false;
	}
	*text_r = step->after == 1 ? "false -> true" : "false, not asked after";
	return true;
}

void sg_render_rehearsal_proofs(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	size_t proved = 0, asked = 0;
	const char *text;

	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		asked += step->before >= 0;
		proved += step->before == 0 && step->after == 1 && proof_of(step, &text);
	}
	if (asked == 0)
		return;
	sg_buf_addf(out, "Fingerprints: %zu of %zu are proved (false before, true after).\n", proved, asked);
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		if (proof_of(&rehearsal->steps[i], &text))
			continue;
		sg_buf_adds(out, "- ");
		sg_md_code(out, rehearsal->steps[i].step->id);
		sg_buf_addf(out, ": %s\n", text);
	}
	sg_buf_addc(out, '\n');
}

static void add_errors(struct sg_buf *out, const struct sg_audit_result *audit)
{
	size_t count = 0;

	for (size_t i = 0; i < audit->finding_count; i++) {
		const struct sg_audit_finding *finding = &audit->findings[i];

		if (finding->standing != SG_STANDING_OPEN || sg_rule(finding->rule)->severity != SG_SEVERITY_ERROR)
			continue;
		if (++count > TOP)
			continue;
		sg_buf_adds(out, "- ");
		sg_md_code(out, audit->migrations[finding->place.migration].id);
		sg_buf_addf(out, ", statement %zu: **%s** ", finding->place.statement + 1, sg_rule(finding->rule)->id);
		sg_render_finding_what(out, finding);
		sg_buf_adds(out, " (");
		sg_render_seen(out, finding);
		sg_buf_adds(out, ")\n");
	}
	if (count > TOP)
		sg_buf_addf(out, "- and %zu more, with their steps\n", count - TOP);
}

void sg_render_rehearsal_measured(struct sg_buf *out, const struct sg_audit_result *audit)
{
	size_t seen[3] = { 0 };

	for (size_t i = 0; i < audit->finding_count; i++)
		if (audit->findings[i].standing == SG_STANDING_OPEN)
			seen[audit->findings[i].seen]++;
	if (seen[0] + seen[1] + seen[2] == 0)
		return;
	sg_buf_adds(out, "Findings: ");
	sg_md_count(out, sg_audit_count_findings(audit, SG_SEVERITY_ERROR), "error");
	sg_buf_adds(out, ", ");
	sg_md_count(out, sg_audit_count_findings(audit, SG_SEVERITY_WARNING), "warning");
	sg_buf_adds(out, ", ");
	sg_md_count(out, sg_audit_count_findings(audit, SG_SEVERITY_HINT), "hint");
	sg_buf_addf(out, "; %zu measured, %zu measured otherwise, %zu read only.%s\n", seen[SG_SEEN_SO], seen[SG_SEEN_OTHERWISE],
	            seen[SG_SEEN_NOT], sg_audit_count_findings(audit, SG_SEVERITY_ERROR) > 0 ? " The errors:" : "");
	add_errors(out, audit);
	sg_buf_addc(out, '\n');
}

void sg_render_rehearsal_failed(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	if (count_outcome(rehearsal, SG_OUTCOME_FAILED) == 0)
		return;
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		if (step->outcome != SG_OUTCOME_FAILED)
			continue;
		sg_buf_adds(out, "- ");
		sg_md_code(out, step->step->id);
		sg_buf_adds(out, " **failed**: ");
		sg_md_text(out, step->err.primary != NULL ? step->err.primary : sg_class_text(step->err.class));
		sg_buf_addc(out, '\n');
	}
	sg_buf_addc(out, '\n');
}

static const char *outcome_of(const struct sg_rehearsal_step *step)
{
	enum sg_tone tone;

	return sg_render_outcome(step->outcome, step->outcome == SG_OUTCOME_FAILED ? &step->err : NULL, &tone);
}

void sg_render_rehearsal_steps(struct sg_buf *out, const struct sg_rehearsal *rehearsal)
{
	sg_buf_adds(out, "## Steps\n\n");
	sg_md_head(out, "Step|Kind|Outcome|Duration:|Fingerprint|Note");
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];
		const char *proof;

		(void)proof_of(step, &proof);
		sg_buf_adds(out, "| ");
		sg_md_cell_code(out, step->step->id, SIZE_MAX);
		sg_buf_addf(out, " | %s | %s | ", sg_step_kind_name(step->step->kind), outcome_of(step));
		sg_md_time(out, step->us);
		sg_buf_addf(out, " | %s | ", proof);
		sg_md_cell(out, step->outcome == SG_OUTCOME_FAILED ? step->err.primary : step->note);
		sg_buf_adds(out, " |\n");
	}
	sg_buf_addc(out, '\n');
}

/* ---- one step --------------------------------------------------------------------- */

static void add_statement(struct sg_buf *out, const struct sg_rehearsal_statement *statement, size_t number)
{
	sg_buf_addf(out, "| %zu | ", number);
	sg_md_cell_code(out, statement->text, SG_RENDER_EXCERPT);
	if (statement->existed)
		sg_buf_adds(out, " (existed)");
	sg_buf_adds(out, " | ");
	sg_md_time(out, statement->us);
	sg_buf_adds(out, " | ");
	if (statement->lock_count == 0)
		sg_buf_adds(out, "-");
	for (size_t i = 0; i < statement->lock_count; i++) {
		sg_buf_addf(out, "%s%s on ", i > 0 ? ", " : "", statement->locks[i].mode);
		sg_md_cell_code(out, statement->locks[i].relation, SIZE_MAX);
	}
	sg_buf_adds(out, " | ");
	sg_md_codes(out, statement->rewritten, statement->rewritten_count);
	sg_buf_adds(out, " | ");
	if (statement->scanned_count == 0)
		sg_buf_adds(out, "-");
	for (size_t i = 0; i < statement->scanned_count; i++) {
		sg_buf_adds(out, i > 0 ? ", " : "");
		sg_md_cell_code(out, statement->scanned[i], SIZE_MAX);
		sg_buf_adds(out, " (");
		sg_md_count(out, (size_t)statement->scanned_rows[i], "row");
		sg_buf_addc(out, ')');
	}
	sg_buf_adds(out, " |\n");
}

static void add_held(struct sg_buf *out, const struct sg_rehearsal_step *step)
{
	if (step->held_count == 0)
		return;
	sg_md_head(out, "Table|Strongest lock|Held until the end:|Taken by statement:");
	for (size_t i = 0; i < step->held_count; i++) {
		sg_buf_adds(out, "| ");
		sg_md_cell_code(out, step->held[i].relation, SIZE_MAX);
		sg_buf_addf(out, " | %s | ", step->held[i].mode);
		sg_md_time(out, step->held[i].us);
		sg_buf_addf(out, " | %zu |\n", step->held[i].statement + 1);
	}
	sg_buf_addc(out, '\n');
}

static void add_error(struct sg_buf *out, const struct sg_err *err)
{
	static const struct sg_look plain = { .live = false };
	struct sg_buf text = SG_BUF_INIT;

	sg_render_err(&text, &plain, "", err);
	sg_md_fence(out, "", text.data);
	sg_buf_addc(out, '\n');
	sg_buf_release(&text);
}

static void add_findings(struct sg_buf *out, const struct sg_audit_result *audit, size_t migration)
{
	bool some = false;

	for (size_t i = 0; i < audit->finding_count; i++) {
		const struct sg_audit_finding *finding = &audit->findings[i];

		if (finding->place.migration != migration || finding->standing != SG_STANDING_OPEN)
			continue;
		some = true;
		sg_buf_addf(out, "- Statement %zu, %s **%s** ", finding->place.statement + 1,
		            sg_severity_name(sg_rule(finding->rule)->severity), sg_rule(finding->rule)->id);
		sg_render_finding_what(out, finding);
		sg_buf_adds(out, " (");
		sg_render_seen(out, finding);
		sg_buf_adds(out, ")\n");
	}
	if (some)
		sg_buf_addc(out, '\n');
}

/* Nothing is to be told of it but that it was built. */
static bool is_built(const struct sg_rehearsal_step *step, const struct sg_audit_result *audit, size_t migration)
{
	if (step->step->kind != SG_STEP_INDEX || step->outcome != SG_OUTCOME_APPLIED || step->statement_count != 1 || !step->outside)
		return false;
	for (size_t i = 0; i < audit->finding_count; i++)
		if (audit->findings[i].place.migration == migration && audit->findings[i].standing == SG_STANDING_OPEN)
			return false;
	return true;
}

void sg_render_rehearsal_built(struct sg_buf *out, const struct sg_rehearsal *rehearsal, const struct sg_audit_result *audit)
{
	bool some = false;

	for (size_t i = 0, migration = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];

		if (is_built(step, audit, migration)) {
			if (!some) {
				sg_buf_adds(out, "### Indexes\n\nBuilt outside of any transaction, while the table is read and written.\n\n");
				sg_md_head(out, "Index|Statement|Duration:");
			}
			some = true;
			sg_buf_adds(out, "| ");
			sg_md_cell_code(out, step->step->id, SIZE_MAX);
			sg_buf_adds(out, " | ");
			sg_md_cell_code(out, step->statements[0].text, SG_RENDER_EXCERPT);
			sg_buf_adds(out, " | ");
			sg_md_time(out, step->us);
			sg_buf_adds(out, " |\n");
		}
		migration += sg_audit_rehearsed(step);
	}
	if (some)
		sg_buf_addc(out, '\n');
}

void sg_render_rehearsal_step(struct sg_buf *out, const struct sg_rehearsal_step *step, const struct sg_audit_result *audit,
                              size_t migration)
{
	const char *proof;
	bool fine = proof_of(step, &proof);

	if (is_built(step, audit, migration) || (step->statement_count == 0 && step->outcome != SG_OUTCOME_FAILED && fine))
		return;
	sg_buf_adds(out, "### ");
	sg_md_code(out, step->step->id);
	if (step->title != NULL) {
		sg_buf_adds(out, ": ");
		sg_md_text(out, step->title);
	}
	sg_buf_addf(out, " (%s)\n\n", outcome_of(step));
	if (!fine)
		sg_buf_addf(out, "Fingerprint: %s.\n\n", proof);
	if (step->outcome == SG_OUTCOME_FAILED)
		add_error(out, &step->err);
	if (step->outside)
		sg_buf_addf(out, "It ran outside of any transaction: its locks are %s.\n\n",
		            step->sampled ? "those that were seen from aside while it ran" : "not measured");
	if (step->statement_count > 0) {
		sg_md_head(out, "No:|Statement|Duration:|Locks newly taken|Rewritten|Scanned");
		for (size_t i = 0; i < step->statement_count; i++)
			add_statement(out, &step->statements[i], i + 1);
		sg_buf_addc(out, '\n');
	}
	add_held(out, step);
	if (sg_audit_rehearsed(step))
		add_findings(out, audit, migration);
}

void sg_render_rehearsal(struct sg_buf *out, const struct sg_audit_about *about, const struct sg_rehearsal *rehearsal,
                         const struct sg_audit_result *audit)
{
	sg_render_rehearsal_head(out, about, rehearsal);
	sg_buf_adds(out, "## Summary\n\n");
	sg_render_rehearsal_failed(out, rehearsal);
	sg_render_rehearsal_measured(out, audit);
	sg_render_rehearsal_proofs(out, rehearsal);
	sg_render_rehearsal_locks(out, rehearsal);
	sg_render_rehearsal_steps(out, rehearsal);
	sg_buf_adds(out, SG_RENDER_STATEMENTS);
	for (size_t i = 0, migration = 0; i < rehearsal->step_count; i++) {
		sg_render_rehearsal_step(out, &rehearsal->steps[i], audit, migration);
		migration += sg_audit_rehearsed(&rehearsal->steps[i]);
	}
	sg_render_rehearsal_built(out, rehearsal, audit);
	sg_render_rules(out, audit);
	sg_render_audit_dml(out, audit);
	sg_render_audit_silent(out, about, audit);
	sg_render_audit_unread(out, audit);
}
