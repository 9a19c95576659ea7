/* live.c - the status line of live.h. One mutex guards the terminal: whoever
 * writes to it (the result, a log line, the thread) erases the line first and
 * draws it again after. The thread blocks every signal, so that SIGINT always
 * ends a wait of the main thread. */
#include "config.h"
#include "core/cli/live.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"

#define REDRAW_NS 100000000L
#define ERASE "\r\033[K"

static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static bool opened, running, ending, shown, drawn;
static struct sg_look look_now;
static struct sg_buf head_now = SG_BUF_INIT, text_now = SG_BUF_INIT;
static int64_t since_now;

void sg_live_render(struct sg_buf *out, const struct sg_look *look, const char *head, const char *text,
                    int64_t elapsed_ms)
{
	struct sg_buf middle = SG_BUF_INIT;
	char time_text[32];
	size_t room, used;

	sg_clock_text(elapsed_ms, time_text);
	/* the last column stays free: a line that fills it wraps on some terminals */
	room = look->width > 0 ? look->width - 1 : SIZE_MAX;
	used = 2 + sg_look_chars(head) + 2 + 2 + strlen(time_text);
	sg_buf_adds(out, "  ");
	if (used + 8 > room) {
		sg_look_field(out, look, SG_TONE_STRONG, head, room - 2, true);
		return;
	}
	sg_look_add(out, look, SG_TONE_STRONG, head);
	sg_text_add_clean(&middle, text, strlen(text), false);
	if (room != SIZE_MAX && sg_text_chars(middle.data, middle.length) > room - used) {
		size_t keep = sg_text_offset(middle.data, room - used - 3);

		sg_buf_addf(out, "  %.*s...", (int)keep, middle.data);
	} else {
		sg_buf_addf(out, "  %s", middle.data);
	}
	sg_buf_adds(out, "  ");
	sg_look_add(out, look, SG_TONE_FAINT, time_text);
	sg_buf_release(&middle);
}

/* All below: with the mutex held. */

static void erase(void)
{
	if (drawn)
		fputs(ERASE, stdout);
	drawn = false;
}

static void draw(void)
{
	struct sg_buf line = SG_BUF_INIT;

	if (shown && look_now.live) {
		sg_buf_adds(&line, ERASE);
		sg_live_render(&line, &look_now, head_now.data, text_now.data, sg_clock_ms() - since_now);
		fwrite(line.data, 1, line.length, stdout);
		drawn = true;
	}
	fflush(stdout);
	sg_buf_release(&line);
}

static void *redraw(void *unused)
{
	pthread_mutex_lock(&terminal);
	while (!ending) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&wake, &terminal, &until);
		if (!ending && shown)
			draw();
	}
	pthread_mutex_unlock(&terminal);
	return unused;
}

static void before_log(void)
{
	pthread_mutex_lock(&terminal);
	erase();
	fflush(stdout);
}

static void after_log(void)
{
	draw();
	pthread_mutex_unlock(&terminal);
}

static void start_thread(void)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* without the thread the line is still drawn whenever something changes */
	running = pthread_create(&thread, NULL, redraw, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void sg_live_open(const struct sg_look *look)
{
	SG_ASSERT(!opened);
	opened = true;
	look_now = *look;
	ending = shown = drawn = running = false;
	sg_log_hook(before_log, after_log);
}

void sg_live_close(void)
{
	if (!opened)
		return;
	sg_live_hide();
	if (running) {
		pthread_mutex_lock(&terminal);
		ending = true;
		pthread_cond_signal(&wake);
		pthread_mutex_unlock(&terminal);
		pthread_join(thread, NULL);
		running = false;
	}
	sg_log_hook(NULL, NULL);
	sg_buf_release(&head_now);
	sg_buf_release(&text_now);
	opened = false;
}

void sg_live_show(const char *head, const char *text, int64_t since)
{
	if (!opened || !look_now.live)
		return;
	if (!running)
		start_thread();
	pthread_mutex_lock(&terminal);
	sg_buf_clear(&head_now);
	sg_buf_adds(&head_now, head);
	sg_buf_clear(&text_now);
	sg_buf_adds(&text_now, text);
	since_now = since;
	shown = true;
	draw();
	pthread_mutex_unlock(&terminal);
}

void sg_live_hide(void)
{
	pthread_mutex_lock(&terminal);
	shown = false;
	erase();
	fflush(stdout);
	pthread_mutex_unlock(&terminal);
}

void sg_live_print(const struct sg_buf *lines)
{
	pthread_mutex_lock(&terminal);
	erase();
	fwrite(lines->data, 1, lines->length, stdout);
	draw();
	pthread_mutex_unlock(&terminal);
}
