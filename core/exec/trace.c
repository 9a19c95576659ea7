/* trace.c - see trace.h: a call where somebody looks, nothing where nobody does. */
#include "config.h"
#include "core/exec/trace.h"

void sg_trace_begun(const struct sg_run *run, const struct sg_step *step)
{
	if (run->trace != NULL && run->trace->begun != NULL)
		run->trace->begun(run->trace->context, step);
}

void sg_trace_asked(const struct sg_run *run, const struct sg_step *step, bool holds)
{
	if (run->trace != NULL && run->trace->asked != NULL)
		run->trace->asked(run->trace->context, step, holds);
}

int sg_trace_before(const struct sg_run *run, const struct sg_step *step, struct sg_db *db, bool outside, struct sg_err *err)
{
	if (run->trace == NULL || run->trace->before == NULL)
		return 0;
	return run->trace->before(run->trace->context, step, db, outside, err);
}

int sg_trace_after(const struct sg_run *run, const struct sg_step *step, struct sg_db *db, const char *kind,
                   const char *sql, bool existed, struct sg_err *err)
{
	if (run->trace == NULL || run->trace->after == NULL)
		return 0;
	return run->trace->after(run->trace->context, step, db, kind, sql, existed, err);
}

void sg_trace_committed(const struct sg_run *run, const struct sg_step *step)
{
	if (run->trace != NULL && run->trace->committed != NULL)
		run->trace->committed(run->trace->context, step);
}
