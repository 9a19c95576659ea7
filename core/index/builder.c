/* builder.c - what runs in a builder's process, as builder.h says. The work itself is
 * sg_index_build's.
 *
 * The thread that listens to the supervisor hands an order over, the one that builds waits for it. An
 * order that has come is always answered by a result: only the supervisor ends what waits. */
#include "config.h"
#include "core/index/builder.h"

#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/stop.h"

#define IDLE_LOOK_NS 100000000 /* that the supervisor is gone is told as a stop, which wakes nobody */

/* From the thread that listens to the one that builds; a post is the handing over. There is one order at a time, since the next
 * comes after its result. */
static struct {
	sem_t given;
	bool leave, made;
	int64_t place, deadline_ms;
	char *siblings; /* heap: places in the manifest, each followed by a blank */
} order;

static void tell_progress(void *context, const struct sg_index_progress *progress)
{
	struct sg_note note;

	(void)context;
	sg_builder_pack_progress(progress, &note);
	sg_worker_spare(&note);
}

/* ---- orders -------------------------------------------------------------------------- */

/* -1: it is none of the manifest's. */
static int64_t place_of(const struct sg_manifest *manifest, const char *step_id)
{
	for (size_t i = 0; manifest != NULL && i < manifest->step_count; i++)
		if (manifest->steps[i].kind == SG_STEP_INDEX && strcmp(manifest->steps[i].id, step_id) == 0)
			return (int64_t)i;
	return -1;
}

static const struct sg_step *step_at(const struct sg_manifest *manifest, int64_t place)
{
	if (place < 0 || (uint64_t)place >= manifest->step_count || manifest->steps[place].kind != SG_STEP_INDEX)
		SG_BUG("a builder was given a step that the manifest does not have");
	return &manifest->steps[place];
}

bool sg_builder_employ(int socket, const struct sg_index_build *build)
{
	const struct sg_manifest *manifest = build->run->manifest;
	struct sg_note note = { .kind = SG_BUILDER_NEXT, .n = { place_of(manifest, build->definition->step->id), build->deadline_ms, build->made } };
	struct sg_buf siblings = SG_BUF_INIT;
	bool told = note.n[0] >= 0;

	sg_buf_adds(&siblings, "");
	for (size_t i = 0; i < build->sibling_count && told; i++) {
		int64_t place = place_of(manifest, build->siblings[i]);

		sg_buf_addf(&siblings, "%" PRId64 " ", place);
		told = place >= 0 && siblings.length < SG_NOTE_LIMIT / 2; /* a longer text would be cut */
	}
	note.texts[0] = siblings.data;
	told = told && sg_note_send(socket, &note);
	sg_buf_release(&siblings);
	return told;
}

void sg_builder_dismiss(int socket)
{
	const struct sg_note note = { .kind = SG_BUILDER_LEAVE };

	(void)sg_note_send(socket, &note);
}

/* On the listening thread. */
static void hear(const struct sg_note *note)
{
	if (note->kind == SG_BUILDER_NEXT) {
		order.place = note->n[0];
		order.deadline_ms = note->n[1];
		order.made = note->n[2] != 0;
		order.siblings = sg_xstrdup(note->texts[0] != NULL ? note->texts[0] : "");
	} else if (note->kind == SG_BUILDER_LEAVE) {
		order.leave = true;
	} else {
		return;
	}
	(void)sem_post(&order.given);
}

/* false: to end. One that came before a stop is taken all the same: whoever gave it waits for its result. */
static bool await_order(void)
{
	for (;;) {
		bool stopping = sg_stop_count() > 0;
		struct timespec until;

		if (sem_trywait(&order.given) == 0)
			return !order.leave;
		if (stopping)
			return false;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += IDLE_LOOK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (sem_clockwait(&order.given, CLOCK_MONOTONIC, &until) == 0)
			return !order.leave;
	}
}

static void take_siblings(struct sg_index_build *build)
{
	const struct sg_manifest *manifest = build->run->manifest;
	size_t count = strlen(order.siblings) / 2; /* a digit and a blank at least */
	const char **names = sg_arena_array(build->run->arena, count, sizeof *names);
	char *at = order.siblings;

	build->sibling_count = 0;
	while (*at != '\0') {
		names[build->sibling_count++] = step_at(manifest, strtoll(at, &at, 10))->id;
		at += *at == ' ';
	}
	build->siblings = names;
	free(order.siblings);
	order.siblings = NULL;
}

/* Makes the order a build. -1: its section is refused, which the supervisor would have seen before. */
static int take_order(struct sg_index_build *build, struct sg_err *err)
{
	const struct sg_manifest *manifest = build->run->manifest;
	struct sg_index_definition *definition = sg_arena_alloc(build->run->arena, sizeof *definition);

	build->deadline_ms = order.deadline_ms;
	build->made = order.made;
	take_siblings(build);
	build->definition = definition;
	return sg_index_define(manifest, step_at(manifest, order.place), build->run->arena, definition, err);
}

/* ---- the process ------------------------------------------------------------------------ */

static void tell_result(const struct sg_index_result *result, bool stays)
{
	struct sg_note note;

	sg_builder_pack_result(result, &note);
	note.n[SG_BUILDER_STAYS] = stays;
	sg_worker_send(&note);
}

static void be_builder(void *context)
{
	static const struct sg_observer nobody = { .context = NULL };
	struct sg_index_build build = *(const struct sg_index_build *)context;
	struct sg_run run = *build.run;
	struct sg_index_line line = { .kept = false };
	/* in the arena: it is this process's own copy, and goes with it */
	struct sg_index_result *result = sg_arena_alloc(run.arena, sizeof *result);
	bool stays;

	run.observer = &nobody;
	run.embedded = NULL; /* the supervisor's to stop */
	build.run = &run;
	build.progress = tell_progress;
	build.context = NULL;
	build.line = &line;
	do {
		memset(result, 0, sizeof *result);
		sg_index_build(&build, result);
		stays = line.kept;
		tell_result(result, stays);
		if (!stays || !await_order())
			break;
		if (take_order(&build, &result->err) != 0) {
			result->end = SG_INDEX_END_REFUSED;
			tell_result(result, false);
			break;
		}
	} while (stays);
	sg_index_line_release(&line);
}

int sg_builder_fork(const struct sg_index_build *build, pid_t *pid_r, int *socket_r, struct sg_err *err)
{
	struct sg_index_build copy = *build;
	const struct sg_worker worker = { .work = be_builder, .hear = hear, .context = &copy, .keep = -1,
		                          .patience_ms = SG_BUILDER_PATIENCE_MS };

	if (sem_init(&order.given, 0, 0) != 0)
		SG_BUG("a semaphore cannot be made");
	return sg_worker_fork(&worker, pid_r, socket_r, err);
}
