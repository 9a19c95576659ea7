/* lanes.h - the lanes that one run has at a backfill: their processes, their notes,
 * what they have done so far and how fast.
 *
 * A lane that dies without a last word is replaced (its transaction died with it), a few
 * times; whatever else becomes of lanes is told, and judged by the caller. None
 * outlives sg_lanes_release. */
#ifndef SG_LANES_H
#define SG_LANES_H

#include <sys/types.h>

#include "core/backfill/backfill.h"
#include "core/backfill/lane.h"

#define SG_LANES_DEATHS 3   /* of lane processes, in one run; the next one fails the backfill */
#define SG_LANES_SLOTS 20   /* of the recent past */
#define SG_LANES_SLOT_MS 500
#define SG_LANES_TEXT 512

struct sg_lanes_one {
	pid_t pid;             /* 0: reaped */
	int socket;            /* -1: closed */
	int number;
	bool ended;            /* its last note came */
	int backend;           /* of the transaction that is open; 0: none */
	bool idle;             /* without a range */
	int64_t started_ms, idle_since_ms;
	int64_t next_size;     /* rows that its next batch aims for */
	char doing[SG_LANES_TEXT]; /* what it waits for; "": nothing */
};

struct sg_lanes {
	const struct sg_backfill *backfill;
	struct sg_arena scratch;     /* of the notes that are read now */
	struct sg_lane_start start;  /* for replacements */
	struct sg_lanes_one *list;   /* heap */
	size_t count;
	int deaths;
	/* of this turn */
	bool failed, gave_up, over;  /* a lane's last word */
	bool nothing;                /* likewise: nothing is left */
	bool paused_said;            /* a lane has something to say about why it has no range */
	int stop_sent;               /* count of the last STOP */
	bool hold_sent;
	/* of the whole run */
	struct sg_err err;           /* the first of a lane that failed or gave up; heap */
	int64_t rows, changed, batches;
	int64_t lane_ms, idle_ms;
	int most;                    /* at a time */
	int64_t deferred;            /* keys */
	char held[SG_LANES_TEXT];    /* the last locked key, and who held it */
	/* rows of the recent past */
	int64_t slots[SG_LANES_SLOTS], slot, since_ms;
};

void sg_lanes_init(struct sg_lanes *lanes, const struct sg_backfill *backfill);
/* Kills and reaps what is left. */
void sg_lanes_release(struct sg_lanes *lanes);

/* A new turn: forks that many. deferred_before as of lane.h; lives as long as the
 * turn. -1: none could be started. */
SG_MUST_CHECK int sg_lanes_start(struct sg_lanes *lanes, int count, const char *deferred_before, struct sg_err *err);
/* Waits up to ms for notes, and reads what is there; reaps and replaces. */
void sg_lanes_listen(struct sg_lanes *lanes, int ms);
/* Those whose last note has not come. */
int sg_lanes_alive(const struct sg_lanes *lanes);
int sg_lanes_idle(const struct sg_lanes *lanes);

/* count as sg_stop_count, signal the first one's number; 0: time is over. */
void sg_lanes_stop(struct sg_lanes *lanes, int count, int signal);
void sg_lanes_hold(struct sg_lanes *lanes, bool hold);
void sg_lanes_shrink(struct sg_lanes *lanes);
/* Those that do not listen: SIGKILL. */
void sg_lanes_kill(struct sg_lanes *lanes);

double sg_lanes_rate(const struct sg_lanes *lanes); /* rows/s over the last 10 s */
int64_t sg_lanes_batch_size(const struct sg_lanes *lanes); /* 0: not known */
const char *sg_lanes_doing(const struct sg_lanes *lanes);  /* or NULL */
/* Backends of open transactions; room for all lanes. */
size_t sg_lanes_backends(const struct sg_lanes *lanes, int *backends_r);

#endif
