/* context.h - the run that a step is executed in: what every layer from the
 * executor up works with. It is opened and closed by core/run/run.h. */
#ifndef SG_CONTEXT_H
#define SG_CONTEXT_H

#include "core/base/arena.h"
#include "core/db/dsn.h"
#include "core/exec/observer.h"
#include "core/manifest/manifest.h"

struct sg_embedded;
struct sg_trace;

struct sg_run {
	const struct sg_manifest *manifest;
	struct sg_arena *arena;         /* the run's */
	const struct sg_observer *observer;
	const struct sg_trace *trace;   /* core/exec/trace.h; NULL but in a rehearsal */
	struct sg_dsn dsn, direct;      /* direct = dsn where no direct_dsn is given */
	bool has_direct;
	struct sg_embedded *embedded;   /* or NULL */
	const char *runner;             /* "user@host:pid", unique part included: the lease's owner */
	bool pooler;                    /* seen in between; said once */
	bool pooler_known;
	bool index_pooler_said;         /* and what the index phase cannot do there */
	bool rungs_known;               /* lock_rungs_ms was compared with the server's deadlock_timeout */
	const char *state_oids, *lease_oid; /* of our own tables (core/exec/probe.h), or NULL */
	bool event_triggers;            /* enabled ones: DDL may run code that nobody sees */
};

#endif
