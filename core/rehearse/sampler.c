/* sampler.c - see sampler.h: a worker that asks until it is told to stop, and then tells. */
#include "config.h"
#include "core/rehearse/sampler.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/stop.h"
#include "core/db/db.h"
#include "core/exec/worker.h"
#include "core/rehearse/trace.h"

#define CONNECT_MS 10000
#define ANSWER_MS 5000
#define REAP_MS 2000

enum { LOOKED = SG_WORKER_OWN, SEEN, FAILED };

struct work {
	const struct sg_dsn *dsn;
	int backend;
};

struct seen {
	uint32_t relation;
	int strength;
	int64_t first_us, last_us;
};

/* ---- the process that looks ----------------------------------------------------------- */

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	return elapsed_ms > ANSWER_MS ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

static struct seen *add(struct seen *list, size_t *count, size_t *capacity, uint32_t relation, struct sg_arena *arena)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i].relation == relation)
			return list;
	list = sg_arena_grow(arena, list, capacity, *count + 1, sizeof *list);
	list[(*count)++] = (struct seen){ .relation = relation, .first_us = sg_clock_us() };
	return list;
}

static int look(struct sg_db *db, const char *sql, struct seen **list, size_t *count, size_t *capacity, struct sg_arena *arena,
                struct sg_err *err)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	struct sg_result *rows;
	int status = sg_db_query(db, sql, 0, NULL, &scratch, &rows, err);

	for (int i = 0; status == 0 && i < sg_result_rows(rows); i++) {
		uint32_t relation = (uint32_t)sg_result_int(rows, i, 0);
		int strength = sg_lock_strength(sg_result_value(rows, i, 1));

		*list = add(*list, count, capacity, relation, arena);
		for (size_t k = 0; k < *count; k++)
			if ((*list)[k].relation == relation) {
				(*list)[k].last_us = sg_clock_us();
				if (strength > (*list)[k].strength)
					(*list)[k].strength = strength;
			}
	}
	sg_arena_release(&scratch);
	return status;
}

static void work(void *context)
{
	const struct work *what = context;
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_note failed = { .kind = FAILED };
	struct seen *list = NULL;
	size_t count = 0, capacity = 0;
	struct sg_db *db = NULL;
	bool first = true;
	const char *sql = sg_arena_printf(&arena, "SELECT l.relation, l.mode FROM pg_catalog.pg_locks l WHERE l.pid = %d"
	                                          " AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384"
	                                          " AND l.mode <> 'AccessShareLock'", what->backend);
	int status = sg_db_open(&db, what->dsn, "sgrun:sampler", sg_clock_ms() + CONNECT_MS, &failed.err);

	if (status == 0)
		sg_db_on_wait(db, on_wait, NULL);
	while (status == 0 && (first || sg_stop_count() == 0)) {
		status = look(db, sql, &list, &count, &capacity, &arena, &failed.err);
		if (first && status == 0)
			sg_worker_say(LOOKED, NULL);
		first = false;
	}
	sg_db_close(db);
	for (size_t i = 0; status == 0 && i < count; i++)
		sg_worker_send(&(struct sg_note){ .kind = SEEN, .n = { list[i].relation, list[i].strength,
		                                                       list[i].last_us - list[i].first_us } });
	if (status != 0)
		sg_worker_send(&failed);
	sg_err_release(&failed.err);
	sg_arena_release(&arena);
}

/* ---- whoever wants to know ---------------------------------------------------------------- */

static int gone(struct sg_err *err)
{
	return sg_err_set(err, SG_CLASS_CONNECTION, "the process that looks at the locks from aside does not answer");
}

/* The next note that is no line of a log; 0: it has ended. */
static int next(const struct sg_sampler *sampler, int64_t deadline, struct sg_arena *arena, struct sg_note *note_r,
                struct sg_err *err)
{
	struct pollfd wait = { .fd = sampler->socket, .events = POLLIN };

	for (;;) {
		int got = sg_note_receive(sampler->socket, arena, note_r);

		if (got < 0)
			return 0;
		if (got > 0 && note_r->kind == FAILED) {
			sg_err_copy(err, &note_r->err);
			return -1;
		}
		if (got > 0 && note_r->kind >= SG_WORKER_OWN)
			return 1;
		if (got == 0 && sg_clock_left(deadline) == 0)
			return gone(err);
		if (got == 0)
			(void)poll(&wait, 1, 10);
	}
}

int sg_sampler_start(struct sg_sampler *sampler, const struct sg_dsn *dsn, int backend, struct sg_err *err)
{
	struct work what = { .dsn = dsn, .backend = backend };
	const struct sg_worker worker = { .work = work, .context = &what, .keep = -1 };
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_note note;
	int status = -1;

	sg_sampler_drop(sampler);
	if (sg_worker_fork(&worker, &sampler->pid, &sampler->socket, err) == 0) {
		status = next(sampler, sg_clock_ms() + CONNECT_MS, &arena, &note, err);
		if (status == 0)
			gone(err);
		status = status == 1 ? 0 : -1;
	}
	if (status != 0)
		sg_sampler_drop(sampler);
	sg_arena_release(&arena);
	return status;
}

int sg_sampler_end(struct sg_sampler *sampler, struct sg_arena *arena, struct sg_sampled **list_r, size_t *count_r,
                   struct sg_err *err)
{
	int64_t deadline = sg_clock_ms() + ANSWER_MS;
	struct sg_arena scratch = SG_ARENA_INIT;
	size_t capacity = 0;
	struct sg_note note;
	int got = -1;

	*list_r = NULL;
	*count_r = 0;
	if (sampler->pid == 0)
		return gone(err);
	sg_worker_stop(sampler->socket, 1, SIGTERM);
	while ((got = next(sampler, deadline, &scratch, &note, err)) > 0) {
		*list_r = sg_arena_grow(arena, *list_r, &capacity, *count_r + 1, sizeof **list_r);
		(*list_r)[(*count_r)++] = (struct sg_sampled){ .relation = (uint32_t)note.n[0], .strength = (int)note.n[1], .us = note.n[2] };
	}
	sg_arena_release(&scratch);
	(void)sg_worker_reap(&sampler->pid, &sampler->socket, got == 0 ? REAP_MS : 0);
	return got;
}

void sg_sampler_drop(struct sg_sampler *sampler)
{
	if (sampler->pid != 0)
		(void)sg_worker_reap(&sampler->pid, &sampler->socket, 0);
}
