/* clock.c - the clock, interruptible sleep and jitter of clock.h. */
#include "config.h"
#include "core/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int64_t sg_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sg_clock_ms(void)
{
	return sg_clock_us() / 1000;
}

int sg_clock_left(int64_t deadline)
{
	int64_t left = deadline - sg_clock_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

bool sg_clock_sleep(int64_t ms)
{
	struct timespec wanted = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	return ms <= 0 || nanosleep(&wanted, NULL) == 0 || errno != EINTR;
}

void sg_clock_utc(char text_r[32])
{
	struct timespec now;
	struct tm utc;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text_r, 32, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000) % 1000);
}

void sg_clock_text(int64_t ms, char text_r[32])
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(text_r, 32, "%" PRId64 " ms", ms);
	else if (s < 60)
		snprintf(text_r, 32, "%" PRId64 ".%d s", s, (int)(ms % 1000) / 100);
	else if (s < 3600)
		snprintf(text_r, 32, "%" PRId64 " min %02d s", s / 60, (int)(s % 60));
	else
		snprintf(text_r, 32, "%" PRId64 " h %02d min", s / 3600, (int)(s % 3600 / 60));
}

uint32_t sg_random(uint32_t limit)
{
	static uint64_t state;
	static pid_t owner; /* forked processes must not all wait for the same time */

	SG_ASSERT(limit > 0);
	if (state == 0 || owner != getpid()) {
		owner = getpid();
		if (getrandom(&state, sizeof state, GRND_NONBLOCK) != (ssize_t)sizeof state || state == 0)
			state = (uint64_t)sg_clock_us() | 1;
	}
	/* xorshift64*: plenty for jitter */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717ULL) >> 32) % limit;
}
