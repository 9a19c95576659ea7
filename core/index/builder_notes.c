/* builder_notes.c - progress and results of a build as notes, and back. What does not fit into
 * its field is refused: numbers cross as they are in memory, but nothing is believed. */
#include "config.h"

#include <string.h>

#include "core/index/builder.h"

static int64_t from_double(double d)
{
	int64_t bits;

	_Static_assert(sizeof d == sizeof bits, "a double travels as an integer of its size");
	memcpy(&bits, &d, sizeof bits);
	return bits;
}

static double to_double(int64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof d);
	return d;
}

static bool fits(int64_t n)
{
	return n >= 0 && n <= INT32_MAX;
}

void sg_builder_pack_progress(const struct sg_index_progress *progress, struct sg_note *note_r)
{
	*note_r = (struct sg_note){
		.kind = SG_BUILDER_PROGRESS,
		.n = { progress->phase_number, progress->phases, progress->done, progress->total, progress->blocks,
		       from_double(progress->fraction), progress->seconds_left, progress->waits_ms, progress->part,
		       progress->parts, progress->elapsed_ms },
		.texts = { progress->phase, progress->waits_for, progress->doing },
	};
}

int sg_builder_unpack_progress(const struct sg_note *note, struct sg_index_progress *progress_r)
{
	const int64_t *n = note->n;
	double fraction = to_double(n[5]);

	if (note->kind != SG_BUILDER_PROGRESS || !fits(n[0]) || !fits(n[1]) || !fits(n[8]) || !fits(n[9]))
		return -1;
	if (!(fraction <= 1))
		fraction = fraction > 1 ? 1 : -1;
	*progress_r = (struct sg_index_progress){
		.phase = note->texts[0], .phase_number = (int)n[0], .phases = (int)n[1], .done = n[2], .total = n[3],
		.blocks = n[4] != 0, .fraction = fraction, .seconds_left = n[6], .waits_for = note->texts[1],
		.waits_ms = n[7], .doing = note->texts[2], .part = (int)n[8], .parts = (int)n[9], .elapsed_ms = n[10],
	};
	return 0;
}

enum { REBUILT = 1, CARCASS = 2, DUPLICATES = 4 };

void sg_builder_pack_result(const struct sg_index_result *result, struct sg_note *note_r)
{
	int flags = (result->rebuilt ? REBUILT : 0) | (result->carcass ? CARCASS : 0) |
	            (result->duplicates ? DUPLICATES : 0);

	*note_r = (struct sg_note){
		.kind = SG_BUILDER_RESULT,
		.n = { result->end, result->duration_ms, result->build_ms, result->bytes, result->attempts,
		       result->partitions, flags },
		.texts = { result->note },
		.err = result->err,
	};
}

int sg_builder_unpack_result(const struct sg_note *note, struct sg_index_result *result_r)
{
	const int64_t *n = note->n;

	if (note->kind != SG_BUILDER_RESULT || n[0] < 0 || n[0] > SG_INDEX_END_NOT_REACHED || !fits(n[4]) || !fits(n[5]))
		return -1;
	*result_r = (struct sg_index_result){
		.end = (enum sg_index_end)n[0], .duration_ms = n[1], .build_ms = n[2], .bytes = n[3], .attempts = (int)n[4],
		.partitions = (int)n[5], .rebuilt = n[6] & REBUILT, .carcass = n[6] & CARCASS,
		.duplicates = n[6] & DUPLICATES, .note = note->texts[0], .err = note->err,
	};
	return 0;
}
