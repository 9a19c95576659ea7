/* clock.h - time that only goes forward, for deadlines; all in milliseconds. */
#ifndef SG_CLOCK_H
#define SG_CLOCK_H

#include "core/base/base.h"

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t sg_clock_ms(void);
/* Microseconds of CLOCK_MONOTONIC. */
int64_t sg_clock_us(void);
/* Milliseconds until deadline (a sg_clock_ms value), clamped to 0 … INT_MAX: what poll() wants. */
int sg_clock_left(int64_t deadline);
/* Sleeps, but no longer than until a signal arrives; true if it slept to the end. */
bool sg_clock_sleep(int64_t ms);
/* UTC wall clock as 2026-01-31T12:00:00.123Z. */
void sg_clock_utc(char text_r[32]);
/* "840 ms", "3.2 s", "4 min 10 s", "2 h 05 min", for people. */
void sg_clock_text(int64_t ms, char text_r[32]);

/* A pseudo-random integer in 0 … limit-1 (jitter, names; never secrets). */
uint32_t sg_random(uint32_t limit);

#endif
