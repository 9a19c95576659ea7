/* stop.c - counts SIGINT and SIGTERM, as stop.h says. */
#include "config.h"
#include "core/base/stop.h"

#include <signal.h>

#include "core/base/clock.h"

static volatile sig_atomic_t stop_count;
static volatile sig_atomic_t first_signal;

static void on_signal(int number)
{
	if (stop_count == 0)
		first_signal = number;
	if (stop_count < 1000)
		stop_count = stop_count + 1;
}

void sg_stop_install(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* no SA_RESTART: a sleep is to end when a signal comes */
	sigemptyset(&action.sa_mask);
	sigemptyset(&ignore.sa_mask);
	if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		SG_BUG("signal handlers cannot be installed");
}

void sg_stop_mute(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	if (sigaction(SIGINT, &ignore, NULL) != 0 || sigaction(SIGTERM, &ignore, NULL) != 0)
		SG_BUG("signals cannot be ignored");
}

void sg_stop_tell(int count, int signal)
{
	if (stop_count == 0)
		first_signal = signal;
	if (count > stop_count)
		stop_count = count;
}

int sg_stop_count(void)
{
	return stop_count;
}

enum sg_class sg_stop_class(void)
{
	if (stop_count == 0)
		return SG_CLASS_NONE;
	return first_signal == SIGTERM ? SG_CLASS_TERMINATED : SG_CLASS_INTERRUPTED;
}

int sg_stop_err(struct sg_err *err)
{
	enum sg_class class = sg_stop_class();

	return sg_err_set(err, class == SG_CLASS_NONE ? SG_CLASS_INTERRUPTED : class, "stopped by %s",
	                  class == SG_CLASS_TERMINATED ? "SIGTERM" : "SIGINT");
}

bool sg_stop_sleep(int64_t ms)
{
	int64_t end = sg_clock_ms() + ms;

	while (stop_count == 0) {
		int64_t left = end - sg_clock_ms();

		if (left <= 0)
			return true;
		(void)sg_clock_sleep(left < 50 ? left : 50);
	}
	return false;
}
