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

#define REDRAW_MS 100
#define REDRAW_NS (REDRAW_MS * 1000000L)
#define ERASE "\r\033[K"

static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static bool opened, running, ending, shown, drawn, finished; /* finished: text_now is a whole line */
static struct sg_look look_now;
static struct sg_buf head_now = SG_BUF_INIT, text_now = SG_BUF_INIT;
static int64_t since_now, drawn_at;

void sg_live_render(struct sg_buf *out, const struct sg_look *look, const char *head, const char *text,
                    int64_t elapsed_ms)
{
	struct sg_buf middle = SG_BUF_INIT;
	size_t head_chars = sg_look_chars(head), chars, room = SIZE_MAX;
	char time_text[32];

	sg_clock_text(elapsed_ms, time_text);
	sg_text_add_clean(&middle, text, strlen(text), false);
	chars = sg_text_chars(middle.data, middle.length);
	if (look->width > 0) {
		/* the last column stays free: a line that fills it wraps on some terminals */
		size_t all = look->width - 1 - strlen("      ") - strlen(time_text);

		if (head_chars + chars > all && head_chars > all / 2)
			head_chars = chars < all - all / 2 ? all - chars : all / 2;
		room = all - head_chars;
	}
	sg_buf_adds(out, "  ");
	sg_look_field(out, look, SG_TONE_STRONG, head, head_chars, true);
	sg_buf_adds(out, "  ");
	if (chars > room)
		sg_buf_addf(out, "%.*s...", (int)sg_text_offset(middle.data, room - 3), middle.data);
	else
		sg_buf_adds(out, middle.data);
	if (chars > 0)
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
		if (finished)
			sg_buf_adds(&line, text_now.data);
		else
			sg_live_render(&line, &look_now, head_now.data, text_now.data, sg_clock_ms() - since_now);
		fwrite(line.data, 1, line.length, stdout);
		drawn = true;
		drawn_at = sg_clock_ms();
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
	drawn_at = sg_clock_ms();
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

static void show(const char *head, const char *text, int64_t since, bool line)
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
	finished = line;
	shown = true;
	/* what changes faster than an eye follows is left to the thread */
	if (!running || sg_clock_ms() - drawn_at >= REDRAW_MS)
		draw();
	pthread_mutex_unlock(&terminal);
}

void sg_live_show(const char *head, const char *text, int64_t since)
{
	show(head, text, since, false);
}

void sg_live_line(const char *line)
{
	show("", line, 0, true);
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
