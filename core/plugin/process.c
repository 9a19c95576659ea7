/* process.c - the life of a plugin's process, as process.h tells it: a small
 * state machine over the channel. Everything that comes from the plugin is
 * checked here before a caller sees it; what is wrong with it is blame.c's. */
#include "config.h"
#include "core/plugin/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/plugin/abi.h"
#include "core/plugin/channel.h"
#include "core/plugin/blame.h"
#include "core/plugin/request.h"
#include "core/plugin/spawn.h"
#include "core/plugin/table.h"

#define SLICE_MS 50        /* how often the caller's hook is asked */
#define FROZEN_MS 1000     /* a slice that lasted so much longer was no waiting */
#define DEATH_MS 2000      /* from the end of the socket to the end of the process */
#define PROGRESS_US 100000 /* no more often than this is progress passed on */

enum state { LOADING, READY, RUNNING, ASKED, ENDING };

struct sg_process {
	struct sg_arena arena;   /* as long as the process */
	struct sg_arena request; /* of the request at hand */
	struct sg_expected expected;
	const char *path;
	pid_t pid;
	int pidfd;
	struct sg_channel channel;
	enum state state;
	const char *where;       /* for messages */
	int64_t spent_us;        /* by the plugin, since the call */
	int64_t progress_us;     /* when progress was last passed on */
	uint32_t asked;          /* sequence number of the request at hand */
	enum sg_wire_type answer; /* that it wants */
	struct sg_hello hello;
	bool (*stop)(void *);
	void *stop_context;
	void (*progress)(void *, int64_t, int64_t);
	void *progress_context;
};

/* ---- start and end ----------------------------------------------------------- */

static void put_setup(struct sg_wire_out *out, const struct sg_process *process)
{
	const struct sg_expected *expected = &process->expected;
	/* a backstop for a plugin that outlives us: three entry points of a
	 * migration, or the many batches of a backfill */
	int64_t cpu = expected->migration ? expected->limit_ms / 1000 * 4 + 10 : 24 * 3600;

	sg_wire_begin(out, SG_WIRE_SETUP, 0);
	sg_wire_put_u32(out, SG_WIRE_VERSION);
	sg_wire_put_u32(out, (uint32_t)getpid());
	sg_wire_put_u32(out, (uint32_t)expected->sandbox);
	sg_wire_put_u32(out, (uint32_t)(cpu < INT32_MAX ? cpu : INT32_MAX));
	sg_wire_put_u32(out, (uint32_t)expected->library_count);
	sg_wire_put_text(out, process->path);
	for (size_t i = 0; i < expected->library_count; i++)
		sg_wire_put_text(out, expected->libraries[i]);
}

int sg_process_start(struct sg_process **process_r, const struct sg_image *image,
                     const struct sg_expected *expected, struct sg_err *err)
{
	struct sg_process *process;
	struct sg_spawned spawned;

	if (sg_spawn(expected->step, image->fd, &spawned, err) != 0)
		return -1;
	process = sg_xcalloc(1, sizeof *process);
	process->expected = *expected;
	process->expected.step = sg_arena_strdup(&process->arena, expected->step);
	process->path = sg_arena_strdup(&process->arena, image->path);
	process->pid = spawned.pid;
	process->pidfd = spawned.pidfd;
	process->state = LOADING;
	process->where = "while it was loaded";
	sg_channel_init(&process->channel, spawned.socket, spawned.output, process->expected.step);
	put_setup(&process->channel.out, process);
	process->expected.libraries = NULL; /* the caller's */
	if (sg_channel_send(&process->channel, err) != 0) {
		sg_process_kill(process);
		return -1;
	}
	*process_r = process;
	return 0;
}

static void destroy(struct sg_process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	sg_channel_release(&process->channel);
	sg_arena_release(&process->request);
	sg_arena_release(&process->arena);
	free(process);
}

/* Until it ends, but no longer than ms: true with its wait status. */
static bool reap(struct sg_process *process, int64_t ms, int *status_r)
{
	int64_t deadline = sg_clock_ms() + ms;

	for (;;) {
		pid_t pid = waitpid(process->pid, status_r, WNOHANG);

		if (pid < 0 && errno != EINTR) {
			*status_r = 0; /* someone else reaped it: nothing is known */
			pid = process->pid;
		}
		if (pid == process->pid) {
			process->pid = 0;
			return true;
		}
		if (sg_clock_ms() >= deadline)
			return false;
		if (process->pidfd >= 0) {
			struct pollfd ready = { process->pidfd, POLLIN, 0 };

			(void)poll(&ready, 1, sg_clock_left(deadline));
		} else {
			sg_clock_sleep(1);
		}
	}
}

/* Kills and reaps; what it printed is logged. */
static int end(struct sg_process *process)
{
	int status = 0;

	if (process->pid > 0) {
		kill(process->pid, SIGKILL);
		while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
			;
		process->pid = 0;
	}
	sg_channel_last_words(&process->channel);
	return status;
}

void sg_process_kill(struct sg_process *process)
{
	if (process == NULL)
		return;
	end(process);
	destroy(process);
}

void sg_process_on_wait(struct sg_process *process, bool (*stop)(void *), void *context)
{
	process->stop = stop;
	process->stop_context = context;
}

int64_t sg_process_spent_ms(const struct sg_process *process)
{
	return process->spent_us / 1000;
}

void sg_process_on_progress(struct sg_process *process, void (*progress)(void *, int64_t done, int64_t total),
                            void *context)
{
	process->progress = progress;
	process->progress_context = context;
}

/* ---- waiting ------------------------------------------------------------------ */

static int fail(struct sg_process *process, struct sg_err *err)
{
	sg_err_step(err, process->expected.step);
	return -1;
}

/* The socket is at its end: of what did it die? */
static int died(struct sg_process *process, struct sg_err *err)
{
	int status;

	if (!reap(process, DEATH_MS, &status)) {
		sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin closed its connection to sgrun %s", process->where);
		return sg_err_hint(err, "Descriptor 0 is not the plugin's to close.");
	}
	sg_channel_last_words(&process->channel);
	return sg_blame_death(status, process->where, process->channel.last.data, err);
}

/* What a slice cost the plugin. Far more than it was to last: we were stopped
 * ourselves, and perhaps the plugin with us (a frozen container); that is not its time. */
static int64_t waited(int64_t before_us)
{
	int64_t us = sg_clock_us() - before_us;

	return us > (SLICE_MS + FROZEN_MS) * INT64_C(1000) ? SLICE_MS * INT64_C(1000) : us;
}

/* A frame, before the plugin's time is up. Only what it makes us wait for counts. */
static int await(struct sg_process *process, struct sg_wire_frame *frame_r, struct sg_err *err)
{
	int64_t limit_us = process->expected.limit_ms * 1000;

	for (;;) {
		int64_t before, left;
		int taken = sg_channel_take(&process->channel, frame_r, err);

		if (taken != 0)
			return taken > 0 ? 0 : -1;
		if (process->channel.socket < 0)
			return died(process, err);
		left = (limit_us - process->spent_us + 999) / 1000;
		if (left <= 0)
			return sg_blame_timeout(process->expected.limit_ms, process->where, err);
		if (process->stop != NULL && process->stop(process->stop_context))
			return sg_stop_err(err);
		before = sg_clock_us();
		if (sg_channel_pump(&process->channel, (int)(left < SLICE_MS ? left : SLICE_MS), err) != 0)
			return -1;
		process->spent_us += waited(before);
	}
}

/* ---- hello --------------------------------------------------------------------- */

static void warn_once(uint32_t missing)
{
	static uint32_t said;
	uint32_t now = missing & ~said;

	said |= missing;
	if ((now & SG_WIRE_NO_SECCOMP) != 0)
		sg_log(SG_LOG_WARNING, "sandbox", NULL, 0,
		       "plugins run without seccomp: this kernel has no filters, so they can make any system call");
	if ((now & SG_WIRE_NO_LANDLOCK) != 0)
		sg_log(SG_LOG_WARNING, "sandbox", NULL, 0,
		       "plugins run without landlock, which this kernel lacks: while they are loaded they can read files");
	if ((now & SG_WIRE_STILL_ROOT) != 0)
		sg_log(SG_LOG_WARNING, "sandbox", NULL, 0, "plugins run as root: the user could not be changed");
}

static int take_hello(struct sg_process *process, const struct sg_wire_frame *frame, struct sg_err *err)
{
	struct sg_wire_fields fields;
	struct sg_wire_hello hello;

	sg_wire_fields_init(&fields, frame);
	sg_wire_get_hello(&fields, &hello);
	if (!sg_wire_complete(&fields))
		return sg_blame_violation(frame, process->where, err);
	if (sg_blame_hello(&hello, &process->expected, process->path, err) != 0)
		return -1;
	warn_once(hello.missing);
	process->hello.kind = hello.kind;
	process->hello.flags = hello.flags;
	process->hello.id = sg_arena_strdup(&process->arena, hello.id);
	process->hello.title = sg_arena_strdup(&process->arena, hello.title);
	process->hello.table = sg_arena_strdup(&process->arena, hello.table);
	process->hello.key = sg_arena_strdup(&process->arena, hello.key);
	process->state = READY;
	return 0;
}

int sg_process_hello(struct sg_process *process, struct sg_hello *hello_r, struct sg_err *err)
{
	while (process->state == LOADING) {
		struct sg_wire_frame frame;
		struct sg_wire_fields fields;
		const char *a, *b;
		uint32_t refusal;
		int status;

		if (await(process, &frame, err) != 0)
			return fail(process, err);
		switch (frame.type) {
		case SG_WIRE_HELLO:
			status = take_hello(process, &frame, err);
			break;
		case SG_WIRE_REFUSED:
			sg_wire_fields_init(&fields, &frame);
			refusal = sg_wire_get_u32(&fields);
			a = sg_wire_get_text(&fields);
			b = sg_wire_get_text(&fields);
			status = sg_wire_complete(&fields) ? sg_blame_refusal(refusal, a, b, process->path, err)
			                                   : sg_blame_violation(&frame, process->where, err);
			break;
		default:
			status = sg_blame_frame(&frame, process->where, err);
			if (status == 0)
				status = sg_blame_violation(&frame, process->where, err);
		}
		if (status != 0)
			return fail(process, err);
	}
	*hello_r = process->hello;
	return 0;
}

/* ---- calls ----------------------------------------------------------------------- */

static void put_batch(struct sg_wire_out *out, const struct sg_process_batch *batch)
{
	size_t nkeys = batch != NULL ? batch->nkeys : 0;

	sg_wire_put_u32(out, (uint32_t)nkeys);
	for (size_t i = 0; i < nkeys; i++)
		sg_wire_put_text(out, batch->firsts[i]);
	for (size_t i = 0; i < nkeys; i++)
		sg_wire_put_text(out, batch->lasts[i]);
	sg_wire_put_i64(out, batch != NULL ? batch->number : 0);
	sg_wire_put_i64(out, batch != NULL ? batch->limit : 0);
}

int sg_process_call(struct sg_process *process, enum sg_entry entry, const char *const *options,
                    size_t option_count, const struct sg_process_batch *batch, struct sg_err *err)
{
	static const char *const where[] = { "in fingerprint()", "in run()", "in backfill_batch()" };
	struct sg_wire_out *out = &process->channel.out;

	SG_ASSERT(process->state == READY);
	SG_ASSERT((entry == SG_ENTRY_BATCH) == (batch != NULL));
	if (sg_channel_unasked(&process->channel)) {
		sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin went on %s after it was done", process->where);
		return fail(process, err);
	}
	process->state = RUNNING;
	process->where = where[entry];
	process->spent_us = 0;
	sg_channel_new_call(&process->channel);
	sg_wire_begin(out, SG_WIRE_CALL, 0);
	sg_wire_put_u32(out, (uint32_t)entry);
	sg_wire_put_u32(out, (uint32_t)option_count);
	for (size_t i = 0; i < 2 * option_count; i++)
		sg_wire_put_text(out, options[i]);
	put_batch(out, batch);
	return sg_channel_send(&process->channel, err) != 0 ? fail(process, err) : 0;
}

static void pass_progress(struct sg_process *process, struct sg_wire_fields *fields)
{
	int64_t done = sg_wire_get_i64(fields), total = sg_wire_get_i64(fields), now = sg_clock_us();

	if (process->progress == NULL || fields->bad || now - process->progress_us < PROGRESS_US)
		return;
	process->progress_us = now;
	process->progress(process->progress_context, done, total);
}

/* 1: a request; 0: dealt with; -1. */
static int take_request(struct sg_process *process, const struct sg_wire_frame *frame, struct sg_request *request,
                        struct sg_err *err)
{
	struct sg_wire_fields fields;
	const char *text;
	size_t length;

	sg_wire_fields_init(&fields, frame);
	switch (frame->type) {
	case SG_WIRE_LOG:
		text = sg_wire_get_bytes(&fields, &length);
		if (text == NULL || !sg_wire_complete(&fields))
			return sg_blame_violation(frame, process->where, err);
		return sg_channel_log(&process->channel, "plugin-log", text, length, err);
	case SG_WIRE_PROGRESS:
		pass_progress(process, &fields);
		return sg_wire_complete(&fields) ? 0 : sg_blame_violation(frame, process->where, err);
	default:
		switch (sg_request_read(frame, &process->request, request, &process->answer)) {
		case SG_REQUEST_READ:
			process->state = request->kind == SG_REQUEST_DONE ? READY : ASKED;
			process->asked = frame->seq;
			return 1;
		case SG_REQUEST_OTHER:
			if (sg_blame_frame(frame, process->where, err) != 0)
				return -1;
			break;
		case SG_REQUEST_BAD:
			break;
		}
		return sg_blame_violation(frame, process->where, err);
	}
}

int sg_process_next(struct sg_process *process, struct sg_request *request_r, struct sg_err *err)
{
	SG_ASSERT(process->state == RUNNING);
	sg_arena_reset(&process->request);
	for (;;) {
		struct sg_wire_frame frame;
		int status;

		if (await(process, &frame, err) != 0)
			return fail(process, err);
		status = take_request(process, &frame, request_r, err);
		if (status != 0)
			return status > 0 ? 0 : fail(process, err);
	}
}

/* ---- answers ---------------------------------------------------------------------- */

static struct sg_wire_out *begin_answer(struct sg_process *process, enum sg_wire_type answer)
{
	SG_ASSERT(process->state == ASKED && process->answer == answer);
	process->state = RUNNING;
	sg_wire_begin(&process->channel.out, answer, process->asked);
	return &process->channel.out;
}

static int send_answer(struct sg_process *process, struct sg_err *err)
{
	return sg_channel_send(&process->channel, err) != 0 ? fail(process, err) : 0;
}

int sg_process_answer_int(struct sg_process *process, int64_t value, struct sg_err *err)
{
	sg_wire_put_i64(begin_answer(process, SG_WIRE_ANSWER_INT), value);
	return send_answer(process, err);
}

int sg_process_answer_text(struct sg_process *process, const char *text, struct sg_err *err)
{
	sg_wire_put_text(begin_answer(process, SG_WIRE_ANSWER_TEXT), text);
	return send_answer(process, err);
}

int sg_process_answer_table(struct sg_process *process, const struct sg_table *table, struct sg_err *err)
{
	struct sg_wire_out *out = begin_answer(process, SG_WIRE_ANSWER_ROWS);

	sg_wire_put_u32(out, (uint32_t)table->rows);
	sg_wire_put_u32(out, (uint32_t)table->columns);
	for (int column = 0; column < table->columns; column++)
		sg_wire_put_value(out, table->name(table->data, column));
	for (int row = 0; row < table->rows && !out->failed; row++)
		for (int column = 0; column < table->columns; column++)
			sg_wire_put_value(out, table->value(table->data, row, column));
	return send_answer(process, err);
}

/* ---- leaving ------------------------------------------------------------------------ */

static int leave(struct sg_process *process, struct sg_err *err)
{
	struct sg_wire_frame frame;
	int64_t limit_us = process->expected.limit_ms * 1000;
	int status;

	if (sg_channel_unasked(&process->channel))
		return sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin went on %s after it was done", process->where);
	process->state = ENDING;
	process->where = "while it ended";
	process->spent_us = 0;
	sg_wire_begin(&process->channel.out, SG_WIRE_LEAVE, 0);
	if (sg_channel_send(&process->channel, err) != 0)
		return -1;
	while (process->channel.socket >= 0) {
		int64_t before = sg_clock_us();

		if (process->spent_us >= limit_us)
			return sg_blame_timeout(process->expected.limit_ms, process->where, err);
		if (sg_channel_pump(&process->channel, SLICE_MS, err) != 0)
			return -1;
		process->spent_us += sg_clock_us() - before;
		switch (sg_channel_take(&process->channel, &frame, err)) {
		case 0:
			break;
		case 1:
			if (sg_blame_frame(&frame, process->where, err) == 0)
				(void)sg_blame_violation(&frame, process->where, err);
			return -1;
		default:
			return -1;
		}
	}
	if (!reap(process, DEATH_MS, &status))
		return sg_blame_timeout(DEATH_MS, process->where, err);
	sg_channel_last_words(&process->channel);
	return status == 0 ? 0 : sg_blame_death(status, process->where, process->channel.last.data, err);
}

int sg_process_finish(struct sg_process *process, struct sg_err *err)
{
	int status;

	SG_ASSERT(process->state == READY);
	status = leave(process, err);
	if (status != 0)
		fail(process, err);
	sg_process_kill(process);
	return status;
}
