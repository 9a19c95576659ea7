/* window.c - the hours in which batches run, and the rest between them. Pure: the
 * server says what time it is, and the manifest's check has seen the text. */
#include "config.h"

#include "core/backfill/throttle.h"

#define DAY 1440              /* minutes */
#define MOST_REST_MS 3600000.0 /* whatever duty is: an hour says enough */

static int minute_of(const char *text)
{
	return ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
}

bool sg_window_open(const char *window, int minute, int *minutes_left_r)
{
	int from = minute_of(window) % DAY, to = minute_of(window + 6) % DAY;
	bool open = from < to ? minute >= from && minute < to : minute >= from || minute < to;
	int left = ((open ? to : from) - minute + DAY) % DAY;

	/* 00:00-24:00 is all of the day */
	*minutes_left_r = left > 0 ? left : DAY;
	return open;
}

const char *sg_window_zone(const char *window, struct sg_arena *arena)
{
	return window[11] == ' ' ? sg_arena_strdup(arena, window + 12) : NULL;
}

int64_t sg_duty_pause_ms(double duty, double worked_ms)
{
	double pause;

	if (!(duty > 0) || duty >= 1 || !(worked_ms > 0))
		return 0;
	pause = worked_ms / duty - worked_ms;
	return (int64_t)(pause < MOST_REST_MS ? pause + 0.5 : MOST_REST_MS);
}
