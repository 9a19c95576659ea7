/* trace.c - see trace.h. A look before each statement and one after it; what differs is what the statement did.
 *
 * The relations that were there before are looked up once an attempt, at its first statement: nothing can have made any in the
 * transaction before. They are known by oid, so that one that is dropped or renamed later still has the name that others know. */
#include "config.h"
#include "core/rehearse/trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"

struct sg_trace_relation {
	uint32_t oid, table;     /* table: of an index, else 0 */
	const char *name;        /* in the run's arena */
	char kind;
	int64_t file;            /* pg_relation_filenode; 0: it has none */
	int64_t scans, rows;     /* the backend's counters */
	int held;                /* strongest lock so far, by strength; 0: none but ACCESS SHARE */
	/* of that lock */
	const char *mode;
	int64_t since_us, since_own_us, sampled_us;
	size_t statement;
	/* of the statement that was looked at last */
	int newly;               /* strength newly taken, or 0 */
	bool new_file, scanned;
	int64_t scanned_rows;
};

static const char *const modes[] = { "AccessShareLock",     "RowShareLock",          "RowExclusiveLock",
	                             "ShareUpdateExclusiveLock", "ShareLock",        "ShareRowExclusiveLock",
	                             "ExclusiveLock",       "AccessExclusiveLock" };

int sg_lock_strength(const char *mode)
{
	for (size_t i = 0; i < SG_COUNT(modes); i++)
		if (strcmp(modes[i], mode) == 0)
			return (int)i + 1;
	return 0;
}

/* ---- steps ---------------------------------------------------------------------- */

struct sg_rehearsal_step *sg_tracer_step(struct sg_tracer *tracer, const struct sg_step *copy)
{
	const struct sg_step *step = tracer->originals[copy - tracer->copies];
	struct sg_rehearsal *rehearsal = tracer->rehearsal;
	struct sg_rehearsal_step *at;

	/* most often it is the last one */
	for (size_t i = rehearsal->step_count; i > 0; i--)
		if (rehearsal->steps[i - 1].step == step)
			return &rehearsal->steps[i - 1];
	SG_ASSERT(rehearsal->step_count < rehearsal->step_capacity);
	at = &rehearsal->steps[rehearsal->step_count++];
	at->step = step;
	at->title = step->title;
	at->outcome = SG_OUTCOME_NOT_REACHED;
	at->before = at->after = -1;
	return at;
}

static void begun(void *context, const struct sg_step *step)
{
	struct sg_tracer *tracer = context;
	struct sg_rehearsal_step *at = sg_tracer_step(tracer, step);

	at->before = at->after = -1;
	at->statements = NULL;
	at->statement_count = at->held_count = 0;
	tracer->statement_capacity = 0;
	tracer->looked = false;
	tracer->relations = NULL;
	tracer->relation_count = 0;
	at->sampled = false;
	sg_sampler_drop(&tracer->sampler);
	sg_arena_reset(&tracer->attempt);
}

static void asked(void *context, const struct sg_step *step, bool holds)
{
	struct sg_rehearsal_step *at = sg_tracer_step(context, step);

	if (at->before < 0)
		at->before = holds;
	else
		at->after = holds;
}

/* ---- what is there before ------------------------------------------------------- */

/* Outside a transaction the backend reports its counters when it likes: then what it has reported is added. */
#define SCANS(outside) \
	((outside) ? "pg_catalog.pg_stat_get_numscans(c.oid) + pg_catalog.pg_stat_get_xact_numscans(c.oid)" \
	           : "pg_catalog.pg_stat_get_xact_numscans(c.oid)")
#define ROWS(outside) \
	((outside) ? "pg_catalog.pg_stat_get_tuples_returned(c.oid) + pg_catalog.pg_stat_get_xact_tuples_returned(c.oid)" \
	           : "pg_catalog.pg_stat_get_xact_tuples_returned(c.oid)")

/* Tables, materialized views, indexes, sequences, views of users; not ours, and nothing temporary. */
#define THERE \
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace" \
	" LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid" \
	" WHERE c.oid OPERATOR(pg_catalog.>=) 16384 AND c.relpersistence OPERATOR(pg_catalog.<>) 't'" \
	" AND n.nspname OPERATOR(pg_catalog.<>) ALL (ARRAY['pg_catalog', 'information_schema', 'pg_toast', %s]::name[])"

static int learn(struct sg_tracer *tracer, struct sg_db *db, struct sg_err *err)
{
	struct sg_arena *arena = &tracer->attempt;
	struct sg_result *rows;
	const char *sql = sg_arena_printf(arena, "SELECT c.oid, coalesce(i.indrelid, 0), n.nspname, c.relname, c.relkind,"
	                                         " coalesce(pg_catalog.pg_relation_filenode(c.oid), 0), %s, %s" THERE
	                                         " ORDER BY c.oid",
	                                  SCANS(tracer->outside), ROWS(tracer->outside),
	                                  sg_db_literal(arena, tracer->state_schema));

	if (sg_db_query(db, sql, 0, NULL, arena, &rows, err) != 0)
		return -1;
	tracer->relation_count = (size_t)sg_result_rows(rows);
	tracer->relations = sg_arena_array(arena, tracer->relation_count + 1, sizeof *tracer->relations);
	for (size_t i = 0; i < tracer->relation_count; i++) {
		struct sg_trace_relation *at = &tracer->relations[i];
		const char *schema = sg_result_value(rows, (int)i, 2), *name = sg_result_value(rows, (int)i, 3);

		at->oid = (uint32_t)sg_result_int(rows, (int)i, 0);
		at->table = (uint32_t)sg_result_int(rows, (int)i, 1);
		at->name = strcmp(schema, tracer->schema) == 0 ? name : sg_arena_printf(arena, "%s.%s", schema, name);
		at->kind = sg_result_value(rows, (int)i, 4)[0];
		at->file = sg_result_int(rows, (int)i, 5);
		at->scans = sg_result_int(rows, (int)i, 6);
		at->rows = sg_result_int(rows, (int)i, 7);
	}
	tracer->looked = true;
	return 0;
}

static int by_oid(const void *a, const void *b)
{
	const uint32_t *oid = a;
	const struct sg_trace_relation *relation = b;

	return (*oid > relation->oid) - (*oid < relation->oid);
}

static struct sg_trace_relation *find(const struct sg_tracer *tracer, uint32_t oid)
{
	return tracer->relation_count == 0 ? NULL
	                                   : bsearch(&oid, tracer->relations, tracer->relation_count,
	                                             sizeof *tracer->relations, by_oid);
}

/* ---- a look ---------------------------------------------------------------------- */

/* In a transaction only what we hold alone can have a new file. */
#define TOUCHED \
	" AND (pg_catalog.pg_stat_get_xact_numscans(c.oid) OPERATOR(pg_catalog.>) 0 OR c.oid IN" \
	" (SELECT l.relation FROM pg_catalog.pg_locks l WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()" \
	" AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'))"

static int look_at_locks(struct sg_tracer *tracer, struct sg_db *db, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_result *rows;

	if (sg_db_query(db,
	                "SELECT l.relation, l.mode FROM pg_catalog.pg_locks l"
	                " WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()"
	                " AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted"
	                " AND l.relation OPERATOR(pg_catalog.>=) 16384 AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock'",
	                0, NULL, arena, &rows, err) != 0)
		return -1;
	for (int i = 0; i < sg_result_rows(rows); i++) {
		struct sg_trace_relation *at = find(tracer, (uint32_t)sg_result_int(rows, i, 0));
		int strength = sg_lock_strength(sg_result_value(rows, i, 1));

		if (at != NULL && strength > at->held && strength > at->newly)
			at->newly = strength;
	}
	return 0;
}

static int look_at_files(struct sg_tracer *tracer, struct sg_db *db, struct sg_arena *arena, struct sg_err *err)
{
	const char *sql = sg_arena_printf(arena, "SELECT c.oid, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0), %s, %s"
	                                         THERE "%s",
	                                  SCANS(tracer->outside), ROWS(tracer->outside),
	                                  sg_db_literal(arena, tracer->state_schema), tracer->outside ? "" : TOUCHED);
	struct sg_result *rows;

	if (sg_db_query(db, sql, 0, NULL, arena, &rows, err) != 0)
		return -1;
	for (int i = 0; i < sg_result_rows(rows); i++) {
		struct sg_trace_relation *at = find(tracer, (uint32_t)sg_result_int(rows, i, 0));
		int64_t file = sg_result_int(rows, i, 1), scans = sg_result_int(rows, i, 2), read = sg_result_int(rows, i, 3);

		if (at == NULL)
			continue;
		at->new_file = file != 0 && at->file != 0 && file != at->file;
		at->scanned = scans > at->scans;
		at->scanned_rows = at->scanned && read > at->rows ? (read - at->rows) / (scans - at->scans) : 0;
		at->file = file;
		at->scans = scans;
		at->rows = read;
	}
	return 0;
}

/* Of what was there before; what is gone by now is named by what it was. */
static int take_samples(struct sg_tracer *tracer, struct sg_rehearsal_step *step, struct sg_arena *arena, struct sg_err *err)
{
	struct sg_sampled *list;
	size_t count;

	if (sg_sampler_end(&tracer->sampler, arena, &list, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct sg_trace_relation *at = find(tracer, list[i].relation);

		if (at == NULL)
			continue;
		at->newly = list[i].strength;
		at->sampled_us = list[i].us;
		/* none at all: it was over before anybody looked */
		step->sampled = true;
	}
	return 0;
}

static void forget(struct sg_tracer *tracer)
{
	for (size_t i = 0; i < tracer->relation_count; i++) {
		tracer->relations[i].newly = 0;
		tracer->relations[i].new_file = tracer->relations[i].scanned = false;
	}
}

/* What was held before the first statement, by the plugin's own questions, is none of its doing; and what was read
 * since the last statement is none of this one's. */
static int before(void *context, const struct sg_step *step, struct sg_db *db, bool outside, struct sg_err *err)
{
	struct sg_tracer *tracer = context;
	struct sg_arena scratch = SG_ARENA_INIT;
	int64_t started = sg_clock_us();
	int status = 0;

	sg_tracer_step(tracer, step)->outside = outside;
	tracer->outside = outside;
	if (tracer->measure) {
		status = tracer->looked ? look_at_files(tracer, db, &scratch, err) : learn(tracer, db, err);
		if (status == 0 && !outside)
			status = look_at_locks(tracer, db, &scratch, err);
		for (size_t i = 0; status == 0 && i < tracer->relation_count; i++)
			if (tracer->relations[i].newly > tracer->relations[i].held)
				tracer->relations[i].held = tracer->relations[i].newly;
		forget(tracer);
	}
	if (status == 0 && tracer->measure && outside)
		status = sg_sampler_start(&tracer->sampler, tracer->dsn, sg_db_pid(db), err);
	sg_arena_release(&scratch);
	tracer->sent_us = sg_clock_us();
	tracer->own_us += tracer->sent_us - started;
	return status;
}

/* ---- what the statement did -------------------------------------------------------- */

/* Whoever is kept from the table is kept from its index anyway. */
static bool is_covered(const struct sg_tracer *tracer, const struct sg_trace_relation *at)
{
	const struct sg_trace_relation *table = at->table != 0 ? find(tracer, at->table) : NULL;

	return table != NULL && table->held >= at->held;
}

static int by_strength(const void *a, const void *b)
{
	const struct sg_rehearsal_lock *x = a, *y = b;

	if (x->strength != y->strength)
		return y->strength - x->strength;
	return strcmp(x->relation, y->relation);
}

static void note_locks(struct sg_tracer *tracer, struct sg_rehearsal_step *step, struct sg_rehearsal_statement *statement)
{
	struct sg_arena *arena = tracer->arena;
	size_t count = 0;

	for (size_t i = 0; i < tracer->relation_count; i++) {
		struct sg_trace_relation *at = &tracer->relations[i];

		if (at->newly <= at->held)
			continue;
		at->held = at->newly;
		at->mode = modes[at->held - 1];
		at->since_us = tracer->sent_us;
		at->since_own_us = tracer->own_us;
		at->statement = step->statement_count - 1;
		count++;
	}
	statement->locks = sg_arena_array(arena, count, sizeof *statement->locks);
	for (size_t i = 0; i < tracer->relation_count && count > 0; i++) {
		const struct sg_trace_relation *at = &tracer->relations[i];

		if (at->newly == 0 || at->newly != at->held || at->mode == NULL || at->statement != step->statement_count - 1 ||
		    is_covered(tracer, at))
			continue;
		statement->locks[statement->lock_count++] = (struct sg_rehearsal_lock){
			.relation = sg_arena_strdup(arena, at->name), .kind = at->kind, .mode = at->mode, .strength = at->held
		};
	}
	if (statement->lock_count > 1)
		qsort(statement->locks, statement->lock_count, sizeof *statement->locks, by_strength);
}

static void note_files(struct sg_tracer *tracer, struct sg_rehearsal_statement *statement)
{
	struct sg_arena *arena = tracer->arena;
	const char **rewritten, **scanned;
	size_t count = 0;

	for (size_t i = 0; i < tracer->relation_count; i++)
		count += tracer->relations[i].new_file || tracer->relations[i].scanned;
	if (count == 0)
		return;
	rewritten = sg_arena_array(arena, count, sizeof *rewritten);
	scanned = sg_arena_array(arena, count, sizeof *scanned);
	statement->scanned_rows = sg_arena_array(arena, count, sizeof *statement->scanned_rows);
	for (size_t i = 0; i < tracer->relation_count; i++) {
		const struct sg_trace_relation *at = &tracer->relations[i];
		const struct sg_trace_relation *table = at->table != 0 ? find(tracer, at->table) : NULL;

		/* a table's new file means new ones of its indexes */
		if (at->new_file && strchr("rmi", at->kind) != NULL && (table == NULL || !table->new_file))
			rewritten[statement->rewritten_count++] = sg_arena_strdup(arena, at->name);
		/* after TRUNCATE its indexes are built from an empty file: nothing of what was there was read */
		if (!at->scanned || strchr("rm", at->kind) == NULL || (at->new_file && at->scanned_rows == 0))
			continue;
		statement->scanned_rows[statement->scanned_count] = at->scanned_rows;
		scanned[statement->scanned_count++] = sg_arena_strdup(arena, at->name);
	}
	statement->rewritten = rewritten;
	statement->scanned = scanned;
}

/* ---- how long tables were held ------------------------------------------------------- */

static int by_strength_held(const void *a, const void *b)
{
	const struct sg_rehearsal_held *x = a, *y = b;

	if (x->strength != y->strength)
		return y->strength - x->strength;
	return x->us != y->us ? (x->us < y->us) - (x->us > y->us) : strcmp(x->relation, y->relation);
}

static void note_held(struct sg_tracer *tracer, struct sg_rehearsal_step *at)
{
	int64_t now = sg_clock_us();
	size_t count = 0;

	for (size_t i = 0; i < tracer->relation_count; i++)
		count += tracer->relations[i].mode != NULL;
	at->held = sg_arena_array(tracer->arena, count, sizeof *at->held);
	at->held_count = 0;
	for (size_t i = 0; i < tracer->relation_count && count > 0; i++) {
		const struct sg_trace_relation *relation = &tracer->relations[i];

		if (relation->mode == NULL || is_covered(tracer, relation))
			continue;
		at->held[at->held_count++] = (struct sg_rehearsal_held){
			.relation = sg_arena_strdup(tracer->arena, relation->name), .mode = relation->mode, .strength = relation->held,
			.us = tracer->outside ? relation->sampled_us
			                      : now - relation->since_us - (tracer->own_us - relation->since_own_us),
			.statement = relation->statement
		};
	}
	if (at->held_count > 1)
		qsort(at->held, at->held_count, sizeof *at->held, by_strength_held);
}

static void committed(void *context, const struct sg_step *step)
{
	struct sg_tracer *tracer = context;

	if (!tracer->outside)
		note_held(tracer, sg_tracer_step(tracer, step));
}

/* ---- after a statement -------------------------------------------------------------------- */

static int after(void *context, const struct sg_step *step, struct sg_db *db, const char *kind, const char *sql,
                 bool existed, struct sg_err *err)
{
	struct sg_tracer *tracer = context;
	struct sg_arena scratch = SG_ARENA_INIT;
	int64_t ended = sg_clock_us();
	struct sg_rehearsal_step *at = sg_tracer_step(tracer, step);
	struct sg_rehearsal_statement *statement;
	int status = 0;

	at->statements = sg_arena_grow(tracer->arena, at->statements, &tracer->statement_capacity, at->statement_count + 1,
	                               sizeof *at->statements);
	statement = &at->statements[at->statement_count++];
	*statement = (struct sg_rehearsal_statement){
		.text = sg_arena_strdup(tracer->arena, sql), .kind = sg_arena_strdup(tracer->arena, kind),
		.us = ended - tracer->sent_us, .existed = existed
	};
	if (tracer->measure) {
		status = look_at_files(tracer, db, &scratch, err);
		if (status == 0)
			status = tracer->outside ? take_samples(tracer, at, &scratch, err) : look_at_locks(tracer, db, &scratch, err);
		if (status == 0) {
			note_locks(tracer, at, statement);
			note_files(tracer, statement);
			if (tracer->outside)
				note_held(tracer, at);
		}
		forget(tracer);
	}
	sg_arena_release(&scratch);
	tracer->own_us += sg_clock_us() - ended;
	return status;
}

/* ---- the tracer ------------------------------------------------------------------------ */

void sg_tracer_init(struct sg_tracer *tracer, struct sg_arena *arena, struct sg_rehearsal *rehearsal)
{
	memset(tracer, 0, sizeof *tracer);
	tracer->arena = arena;
	tracer->rehearsal = rehearsal;
	tracer->trace = (struct sg_trace){
		.context = tracer, .begun = begun, .asked = asked, .before = before, .after = after, .committed = committed
	};
}

void sg_tracer_release(struct sg_tracer *tracer)
{
	sg_sampler_drop(&tracer->sampler);
	sg_arena_release(&tracer->attempt);
}
