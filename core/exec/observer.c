/* observer.c - the names of outcomes, as --json and the log give them. */
#include "config.h"
#include "core/exec/observer.h"

const char *sg_outcome_name(enum sg_outcome outcome)
{
	static const char *const names[] = { "skipped",    "applied", "reconciled", "adopted",
		                             "superseded", "waiting", "failed",     "not_reached" };

	SG_ASSERT((unsigned)outcome < SG_COUNT(names));
	return names[outcome];
}
