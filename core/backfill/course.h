/* course.h - what the parts of the supervisor share: settle.c (what the state says,
 * and what comes next), tend.c (the lanes, while they work), backfill.c (the order of it).
 * Nobody else includes it. */
#ifndef SG_COURSE_H
#define SG_COURSE_H

#include "core/backfill/backfill.h"
#include "core/backfill/lanes.h"
#include "core/backfill/throttle.h"
#include "core/exec/retry.h"
#include "core/state/backfills.h"

struct sg_course {
	struct sg_run *run;
	const struct sg_step *step;
	const struct sg_backfill_limits *limits;
	struct sg_backfill_result *result;
	struct sg_backfill backfill;
	bool opened;                 /* backfill is of use */
	struct sg_session session;   /* the supervisor's own */
	struct sg_throttle throttle; /* of use when opened */
	struct sg_lanes lanes;       /* of use when opened */
	int64_t started_ms, deadline_ms; /* sg_clock_ms; deadline 0: none */
	/* as the state said last, and the rows of our lanes when it did */
	struct sg_arena row_arena;
	struct sg_backfill_row row;  /* key NULL: there is none yet */
	int64_t row_ms, row_rows, shown_rows;
	int64_t progress_ms;
	/* of this run */
	bool running;                /* the state was set to running by us */
	int pass;                    /* from 1, of this run's sweep */
	int sweeps;                  /* begun by this run */
	int64_t swept_changed;       /* lanes.changed when the last of them began */
	bool emptied;                /* our lanes found nothing left since the state was settled last */
	bool timed_out, closed;      /* why the lanes were told to stop */
	/* what stands in backfills.message */
	bool message_set;
	char message[SG_LANES_TEXT];
	int64_t message_ms;
	char held_by[SG_LANES_TEXT]; /* the last throttle that held */
	int64_t held_ms, held_since_ms; /* by a throttle, all in all; 0: none holds now */
};

/* What to do next. */
enum sg_next {
	SG_NEXT_WORK,  /* there is work for lanes */
	SG_NEXT_SETTLE, /* ask the state again */
	SG_NEXT_ENDED  /* result->end says how */
};

/* -- settle.c -- */

typedef int (*sg_course_act)(struct sg_course *course, void *what, struct sg_arena *arena, struct sg_err *err);
/* 0: the statements of act() were committed. Tries again within the retry budget of
 * the step, each time on a new connection; a lost answer to COMMIT too, so act()
 * must look before it writes. -1: err, concluded. */
SG_MUST_CHECK int sg_course_transact(struct sg_course *course, sg_course_act act, void *what,
                                     struct sg_err *err);
/* Reads the row; course->row.key is NULL where there is none. Once, without a retry. */
SG_MUST_CHECK int sg_course_look(struct sg_course *course, struct sg_err *err);
/* What the state says, and what comes next: begins the sweep, or the next, or ends it. */
SG_MUST_CHECK int sg_course_settle(struct sg_course *course, enum sg_next *next_r, struct sg_err *err);
/* pass + 1; before_r as sg_backfills_pass, in the run's arena. */
SG_MUST_CHECK int sg_course_pass(struct sg_course *course, const char **before_r, struct sg_err *err);
/* Best effort: message of a running backfill (NULL: none), and its state again, should another have left it. */
void sg_course_message(struct sg_course *course, const char *message);
/* Best effort: pending, unless others are at work on it. */
void sg_course_leave(struct sg_course *course);
/* Best effort: failed, with why. */
void sg_course_fail(struct sg_course *course, struct sg_err *why);
/* Shall a failed try be repeated? Sleeps, and clears err. */
SG_MUST_CHECK int sg_course_again(struct sg_course *course, struct sg_retry *retry, struct sg_err *err);

/* -- tend.c -- */

/* A turn of lanes: until all have ended. -1: they could not be started, err. What
 * became of them is in course->lanes, timed_out and closed. */
SG_MUST_CHECK int sg_course_tend(struct sg_course *course, int count, const char *deferred_before, struct sg_err *err);
/* A pause between passes; false: stopped, or time is over. */
bool sg_course_pause(struct sg_course *course, int64_t ms, const char *doing);
/* Time is over, or will be before `ms` from now. */
bool sg_course_over(const struct sg_course *course, int64_t ms);
/* Tells the observer how it goes; doing: what else is worth a word, or NULL. now: even if it was told just now. */
void sg_course_show(struct sg_course *course, const char *doing, bool now);
int64_t sg_course_rows(struct sg_course *course); /* done, of the whole sweep, as far as known */

#endif
