/* audited.c - see audited.h. The journal is read as status reads its tables: in a read-only transaction that is rolled back. */
#include "config.h"
#include "core/run/audited.h"

#include <string.h>

#include "core/exec/again.h"
#include "core/exec/session.h"
#include "core/run/ask.h"
#include "core/sql/policy.h"
#include "core/state/schema.h"

/* ---- of a rehearsal ---------------------------------------------------------------- */

static void add_statement(struct sg_audit_migration *migration, size_t *capacity, const char *sql, bool outside,
                          struct sg_arena *arena)
{
	struct sg_audit_statement *statement;

	migration->statements = sg_arena_grow(arena, migration->statements, capacity, migration->count + 1,
	                                      sizeof *migration->statements);
	statement = &migration->statements[migration->count++];
	*statement = (struct sg_audit_statement){ .text = sql, .length = strlen(sql), .outside = outside };
	if (outside)
		migration->transaction = false;
}

static struct sg_audit_migration new_migration(const struct sg_manifest *manifest, const struct sg_step *step, const char *id,
                                               const char *title)
{
	return (struct sg_audit_migration){ .id = id,
		                            .title = title != NULL ? title : step != NULL ? step->title : NULL,
		                            .path = manifest->path,
		                            .line = step != NULL ? step->line : 0,
		                            .layout = SG_LAYOUT_MANIFEST,
		                            .step = step,
		                            .transaction = true,
		                            .allow = step != NULL ? &step->policy.allow : NULL };
}

bool sg_audit_rehearsed(const struct sg_rehearsal_step *step)
{
	return step->statement_count > 0 && step->step->kind != SG_STEP_BACKFILL;
}

void sg_audit_of_rehearsal(const struct sg_manifest *manifest, const struct sg_rehearsal *rehearsal, struct sg_audit *audit)
{
	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];
		struct sg_arena arena = SG_ARENA_INIT;
		struct sg_audit_migration migration = new_migration(manifest, step->step, step->step->id, step->title);
		size_t capacity = 0;

		if (!sg_audit_rehearsed(step))
			continue;
		for (size_t k = 0; k < step->statement_count; k++)
			add_statement(&migration, &capacity, step->statements[k].text,
			              step->outside || step->step->kind == SG_STEP_INDEX, &arena);
		sg_audit_migration(audit, &migration, NULL);
		sg_arena_release(&arena);
	}
}

static const char *why_unseen(const struct sg_rehearsal_step *step)
{
	switch (step->outcome) {
	case SG_OUTCOME_RECONCILED: return "its fingerprint held before it was run, so it has sent nothing";
	case SG_OUTCOME_SKIPPED: return "it was recorded there already, so it has sent nothing";
	case SG_OUTCOME_WAITING: return "it waits for a gate that the rehearsal did not open";
	case SG_OUTCOME_FAILED: return "it failed in the rehearsal: what it would have sent after that is not known";
	case SG_OUTCOME_NOT_REACHED: return "the rehearsal did not reach it";
	case SG_OUTCOME_APPLIED:
	case SG_OUTCOME_ADOPTED:
	case SG_OUTCOME_SUPERSEDED: break;
	}
	return NULL;
}

void sg_audit_unrehearsed(const struct sg_manifest *manifest, const struct sg_rehearsal *rehearsal, struct sg_audit *audit)
{
	struct sg_errs errs = SG_ERRS_INIT;

	for (size_t i = 0; i < rehearsal->step_count; i++) {
		const struct sg_rehearsal_step *step = &rehearsal->steps[i];
		const char *why = step->step->kind == SG_STEP_MIGRATION ? why_unseen(step) : NULL;
		struct sg_err *err;

		if (why == NULL)
			continue;
		err = sg_errs_add(&errs);
		sg_err_set(err, SG_CLASS_STATE, "migration %s: %s", step->step->id, why);
		sg_err_at(err, manifest->path, step->step->line);
		sg_err_step(err, step->step->id);
	}
	sg_audit_unread(audit, &errs);
}

/* ---- of the ledger ------------------------------------------------------------------- */

/* It cannot be in a transaction: its plugin says SG_NO_TRANSACTION, which no journal says. */
static bool is_outside(const char *sql, struct sg_arena *arena)
{
	struct sg_policy_rules rules = { .phase = SG_PHASE_RUN, .state_schema = "sgrun", .schema = "public",
		                         .no_transaction = true, .unparsed_allow = true };
	struct sg_verdict verdict = { 0 };
	struct sg_err err = SG_ERR_INIT;
	bool outside = sg_policy_judge(&rules, SG_CALL_DDL, sql, strlen(sql), arena, &verdict, &err) == 0 && verdict.outside;

	sg_err_release(&err);
	return outside;
}

/* Connects and begins a look, within the retry budget of [policy]. */
static int begin_look(struct sg_session *session, struct sg_err *err)
{
	struct sg_retry retry;

	sg_retry_init(&retry, &session->run->manifest->policy);
	for (;;) {
		if (sg_session_open(session, err) == 0 && sg_session_begin_look(session, session->run->arena, err) == 0)
			return 0;
		sg_session_drop(session);
		if (sg_again_after(&retry, err) != 0)
			return -1;
	}
}

static int read_journal(struct sg_session *session, struct sg_result **result_r, struct sg_err *err)
{
	struct sg_run *run = session->run;
	const char *schema = sg_db_identifier(run->arena, run->manifest->state_schema);

	if (sg_db_query(session->db,
	                sg_arena_printf(run->arena,
	                                "SELECT s.id, s.title, s.outcome, j.kind, j.sql FROM %s.schema_migrations s"
	                                " LEFT JOIN %s.journal j ON j.step = s.id ORDER BY s.applied_at, s.id, j.seq",
	                                schema, schema),
	                0, NULL, run->arena, result_r, err) == 0)
		return 0;
	sg_state_explain(err, "read", run->manifest->state_schema);
	return -1;
}

/* Why there is nothing of it to audit. */
static void say_unknown(struct sg_errs *errs, const struct sg_manifest *manifest, const struct sg_step *step, const char *id,
                        const char *outcome)
{
	struct sg_err *err = sg_errs_add(errs);

	if (outcome == NULL)
		sg_err_set(err, SG_CLASS_STATE, "migration %s is not recorded: it has not sent anything yet", id);
	else
		sg_err_set(err, SG_CLASS_STATE, "migration %s was %s, not run: what it does is in no journal", id, outcome);
	sg_err_hint(err, "Without --from-ledger its statements are those of a rehearsal.");
	sg_err_at(err, manifest->path, step != NULL ? step->line : 0);
	sg_err_step(err, id);
}

/* One recorded migration: the rows from `row` on; returns the row after its last. */
static int audit_recorded(struct sg_run *run, const struct sg_result *rows, int row, struct sg_audit *audit, struct sg_errs *errs)
{
	const struct sg_manifest *manifest = run->manifest;
	const char *id = sg_result_value(rows, row, 0), *outcome = sg_result_value(rows, row, 2);
	const struct sg_step *step = sg_manifest_step(manifest, SG_STEP_MIGRATION, id);
	struct sg_audit_migration migration = new_migration(manifest, step, id, sg_result_value(rows, row, 1));
	struct sg_arena arena = SG_ARENA_INIT;
	size_t capacity = 0;

	for (; row < sg_result_rows(rows) && strcmp(sg_result_value(rows, row, 0), id) == 0; row++) {
		const char *kind = sg_result_value(rows, row, 3), *sql = sg_result_value(rows, row, 4);

		/* "exempt" names a table that an extension wrote, not a statement */
		if (kind != NULL && sql != NULL && strcmp(kind, "exempt") != 0)
			add_statement(&migration, &capacity, sql, is_outside(sql, &arena), &arena);
	}
	if (migration.count > 0)
		sg_audit_migration(audit, &migration, NULL);
	else if (strcmp(outcome, "reconciled") == 0 || strcmp(outcome, "adopted") == 0)
		say_unknown(errs, manifest, step, id, outcome);
	sg_arena_release(&arena);
	return row;
}

static void audit_all(struct sg_run *run, const struct sg_result *rows, const struct sg_ledger *ledger, struct sg_audit *audit)
{
	const struct sg_manifest *manifest = run->manifest;
	struct sg_errs errs = SG_ERRS_INIT;

	for (int row = 0; rows != NULL && row < sg_result_rows(rows);)
		row = audit_recorded(run, rows, row, audit, &errs);
	for (size_t i = 0; i < manifest->step_count; i++) {
		const struct sg_step *step = &manifest->steps[i];

		if (step->kind == SG_STEP_MIGRATION && step->superseded_by == NULL && sg_ledger_find(ledger, step->id) == NULL)
			say_unknown(&errs, manifest, step, step->id, NULL);
	}
	sg_audit_unread(audit, &errs);
}

int sg_audit_of_ledger(struct sg_run *run, struct sg_audit *audit, struct sg_err *err)
{
	struct sg_result *rows = NULL;
	struct sg_session session;
	struct sg_ledger ledger;
	int status;

	sg_session_init(&session, run, false);
	status = sg_ask_ledger(run, &session, false, &ledger, err);
	if (status == 0 && ledger.installed) {
		status = begin_look(&session, err);
		if (status == 0)
			status = read_journal(&session, &rows, err);
	}
	sg_session_rollback(&session);
	sg_session_drop(&session);
	if (status == 0)
		audit_all(run, rows, &ledger, audit);
	return status;
}

int sg_audited_server(struct sg_run *run, int *major_r, struct sg_err *err)
{
	struct sg_session session;
	int status;

	sg_session_init(&session, run, false);
	status = begin_look(&session, err);
	if (status == 0)
		*major_r = sg_db_server_version(session.db) / 10000;
	sg_session_rollback(&session);
	sg_session_drop(&session);
	return status;
}
