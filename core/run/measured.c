/* measured.c - do the findings of an audit agree with what a rehearsal saw? What a rule claims is read from its own words, so that
 * there is one table of rules and no second one to keep in step; a test holds the words to it. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/run/audited.h"

/* Longer names first: the shorter ones are part of them. */
static const struct { const char *name; int strength; } modes[] = {
	{ "ACCESS EXCLUSIVE", 8 },       { "SHARE ROW EXCLUSIVE", 6 }, { "SHARE UPDATE EXCLUSIVE", 4 }, { "ROW EXCLUSIVE", 3 },
	{ "EXCLUSIVE", 7 },              { "ACCESS SHARE", 1 },        { "ROW SHARE", 2 },              { "SHARE", 5 },
};

struct sg_audit_claim sg_audit_claim(const char *locks)
{
	struct sg_audit_claim claim = { 0, false, false };

	if (locks == NULL)
		return claim;
	for (const char *at = locks; *at != '\0' && claim.strength == 0; at++)
		for (size_t i = 0; i < SG_COUNT(modes) && claim.strength == 0; i++)
			if (strncmp(at, modes[i].name, strlen(modes[i].name)) == 0)
				claim.strength = modes[i].strength;
	claim.rewrites = strstr(locks, "rewrit") != NULL || strstr(locks, "rewrote") != NULL;
	claim.scans = strstr(locks, "scan") != NULL || strstr(locks, "read from end to end") != NULL;
	return claim;
}

struct held {
	const struct sg_rehearsal_lock *lock; /* or NULL */
	size_t since;                         /* the statement that took it */
};

/* The strongest lock that is held when the statement is done, be it of an earlier one: on that table if there is one, else the
 * strongest that the statement itself took. */
static struct held strongest(const struct sg_rehearsal_step *step, size_t number, const char *table)
{
	struct held on_table = { NULL, 0 }, anywhere = { NULL, 0 };

	for (size_t s = 0; s <= number; s++)
		for (size_t i = 0; i < step->statements[s].lock_count; i++) {
			const struct sg_rehearsal_lock *lock = &step->statements[s].locks[i];

			if (table != NULL && strcmp(lock->relation, table) == 0 &&
			    (on_table.lock == NULL || lock->strength > on_table.lock->strength))
				on_table = (struct held){ lock, s };
			if (s == number && (anywhere.lock == NULL || lock->strength > anywhere.lock->strength))
				anywhere = (struct held){ lock, s };
		}
	return on_table.lock != NULL ? on_table : anywhere;
}

static bool agrees(const struct sg_rehearsal *rehearsal, const struct sg_rehearsal_statement *statement,
                   struct sg_audit_claim claim, const struct sg_rehearsal_lock *lock)
{
	if (lock == NULL ? claim.strength > 0 : lock->strength < claim.strength)
		return false;
	if (claim.rewrites)
		return statement->rewritten_count > 0;
	/* in an empty table there is nothing to scan */
	return !claim.scans || rehearsal->rows == 0 || statement->scanned_count + statement->rewritten_count > 0;
}

static const char *describe(struct sg_arena *arena, const struct sg_rehearsal_statement *statement,
                            struct held held, size_t number)
{
	struct sg_buf text = SG_BUF_INIT;
	const char *result;

	if (held.lock != NULL)
		sg_buf_addf(&text, "%s on %s", held.lock->mode, held.lock->relation);
	if (held.lock != NULL && held.since < number)
		sg_buf_addf(&text, " since statement %zu", held.since + 1);
	if (held.lock == NULL)
		sg_buf_adds(&text, "no lock on what was there before");
	for (size_t i = 0; i < statement->rewritten_count; i++)
		sg_buf_addf(&text, ", %s rewritten", statement->rewritten[i]);
	for (size_t i = 0; i < statement->scanned_count; i++)
		sg_buf_addf(&text, ", %s scanned (%" PRId64 " rows)", statement->scanned[i], statement->scanned_rows[i]);
	result = sg_arena_strndup(arena, text.data, text.length);
	sg_buf_release(&text);
	return result;
}

static void measure(const struct sg_rehearsal *rehearsal, const struct sg_rehearsal_step *step, struct sg_arena *arena,
                    struct sg_audit_finding *finding)
{
	const struct sg_rule *rule = sg_rule(finding->rule);
	struct sg_audit_claim claim = sg_audit_claim(rule->locks);
	const struct sg_rehearsal_statement *statement;
	size_t number = finding->place.statement;
	struct held held;

	/* outside of a transaction nobody could look on */
	if (!rule->measurable || claim.strength == 0 || step->outside || number >= step->statement_count)
		return;
	statement = &step->statements[number];
	held = strongest(step, number, finding->table);
	finding->seen = agrees(rehearsal, statement, claim, held.lock) ? SG_SEEN_SO : SG_SEEN_OTHERWISE;
	finding->seen_what = describe(arena, statement, held, number);
}

void sg_audit_measure(const struct sg_rehearsal *rehearsal, struct sg_audit_result *result)
{
	const struct sg_rehearsal_step **steps = sg_arena_array(result->arena, rehearsal->step_count, sizeof *steps);
	size_t count = 0;

	for (size_t i = 0; i < rehearsal->step_count; i++)
		if (sg_audit_rehearsed(&rehearsal->steps[i]))
			steps[count++] = &rehearsal->steps[i];
	SG_ASSERT(count == result->migration_count);
	for (size_t i = 0; i < result->finding_count; i++)
		measure(rehearsal, steps[result->findings[i].place.migration], result->arena, &result->findings[i]);
}
