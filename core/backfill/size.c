/* size.c - how many rows the next batch aims for.
 *
 * Two things that must not mix: the size that suits the server (auto: moved by the
 * time that batches took), and the search for one bad key (halves of what is
 * suspect). While a search is on, batches are small on purpose, and their time
 * says nothing of the size; so does a batch that the range's end cut short,
 * as a good deal of it is the cost that every batch has. Neither may make
 * the size smaller, or a few holes in a table would leave it at one row. */
#include "config.h"

#include "core/backfill/size.h"

#define START 500          /* rows of auto's first batch */
#define COLD_FACTOR 8.0    /* most that a batch grows by while it is cold */
#define COLD_AIM 0.75      /* of the target: small batches promise more than large ones keep */
#define STEP_UP 1.2
#define STEP_DOWN 0.8
#define CALM 0.1           /* so near to the target is near enough */

static int64_t clamped(const struct sg_size *size, int64_t rows)
{
	return rows < 1 ? 1 : rows > size->most ? size->most : rows;
}

void sg_size_init(struct sg_size *size, const struct sg_backfill_settings *settings, int64_t start)
{
	*size = (struct sg_size){ .fixed = settings->batch_size > 0,
	                          .most = settings->max_batch > 0 ? settings->max_batch : 1,
	                          .target_ms = settings->target_batch_ms > 0 ? settings->target_batch_ms : 1 };
	if (size->fixed) {
		size->size = settings->batch_size;
		return;
	}
	/* A last batch smaller than a beginner's may have been the search for a bad key. */
	size->cold = start < START;
	size->size = clamped(size, start > 0 ? start : START);
}

int64_t sg_size_next(const struct sg_size *size)
{
	int64_t half = size->suspect / 2;
	if (size->suspect == 0)
		return size->size;
	return half < 1 ? 1 : half < size->size ? half : size->size;
}

/* At least one row more, or a size of one would stay for ever. */
static int64_t grown(int64_t size, double factor)
{
	int64_t more = (int64_t)((double)size * factor);
	return more > size ? more : size + 1;
}

void sg_size_done(struct sg_size *size, int64_t rows, double ms)
{
	if (rows <= 0)
		return;
	if (size->suspect > 0) {
		size->suspect = rows < size->suspect ? size->suspect - rows : 0;
		return;
	}
	if (size->fixed)
		return;
	if (ms < 0.001)
		ms = 0.001;
	/* The time of size rows; a short batch foretells too much, never too little. */
	double foretold = rows < size->size ? ms * (double)size->size / (double)rows : ms;
	double aim = (double)size->target_ms;
	double target = size->fixed_ms > aim / 2 ? size->fixed_ms + aim / 2 : aim;
	bool is_short = rows < size->size - size->size / 4;
	if (ms >= target / 4)
		size->cold = false;
	if (is_short) {
		/* Too long even so: that is evidence. Too little of it to grow on. */
		if (ms > target)
			size->size = clamped(size, (int64_t)((double)size->size * STEP_DOWN));
		return;
	}
	double factor = target / foretold;
	if (size->cold && foretold < target / 4) {
		factor *= COLD_AIM;
		size->size = clamped(size, grown(size->size, factor < COLD_FACTOR ? factor : COLD_FACTOR));
	} else if (factor > 1 + CALM) {
		size->size = clamped(size, grown(size->size, factor < STEP_UP ? factor : STEP_UP));
	} else if (factor < 1 - CALM) {
		size->size = clamped(size, (int64_t)((double)size->size * (factor > STEP_DOWN ? factor : STEP_DOWN)));
	}
}

void sg_size_suspect(struct sg_size *size, int64_t rows)
{
	int64_t asked = sg_size_next(size);
	if (rows <= 0)
		rows = asked;
	/* Many equal keys can be more than was asked for, again and again: the search gets smaller all the same. */
	size->suspect = size->suspect > 0 && rows > asked ? asked : rows;
}

static void halve(struct sg_size *size)
{
	if (size->fixed)
		return;
	size->cold = false;
	size->size = clamped(size, size->size / 2);
}

void sg_size_timed_out(struct sg_size *size, int64_t rows)
{
	bool first = size->suspect == 0;
	sg_size_suspect(size, rows);
	if (first)
		halve(size);
}

void sg_size_clear(struct sg_size *size)
{
	size->suspect = 0;
}

void sg_size_passed(struct sg_size *size)
{
	size->suspect = 2;
}

void sg_size_shrink(struct sg_size *size)
{
	size->suspect = 0;
	halve(size);
}
