/* size.h - how many rows the next batch aims for. Pure.
 *
 * auto moves towards target_batch_ms, by a fifth a step at most, and halves at
 * once on a time-out; a number is used as it is. What every batch costs, however
 * small, leaves at least half of the target to the rows: else a server that is far
 * away would get them one by one. Either way trouble is bisected: a
 * batch that met a lock or a bad row is cut in halves until one key is left. */
#ifndef SG_SIZE_H
#define SG_SIZE_H

#include "core/manifest/manifest.h"

struct sg_size {
	bool fixed;
	int64_t size;      /* rows that a batch without trouble aims for */
	int64_t most;      /* max_batch */
	int64_t target_ms;
	int64_t suspect;   /* rows from the position on that are known to hold trouble; 0: none known */
	bool cold;         /* auto: no batch has reached a quarter of the target yet */
	double fixed_ms;   /* what the last batch cost besides its rows (its round trips), as its user knows; 0: not known */
};

/* start: rows of the range's last batch, to go on from; 0: none (auto then starts
 * small, and may grow faster until the first batch has reached a quarter of the target). */
void sg_size_init(struct sg_size *size, const struct sg_backfill_settings *settings, int64_t start);
/* Rows for the next batch, at least 1. */
int64_t sg_size_next(const struct sg_size *size);
/* A batch of so many rows was committed after so many milliseconds of work. */
void sg_size_done(struct sg_size *size, int64_t rows, double ms);
/* A lock or statement time-out: size is halved at once (auto; not again while these rows are
 * looked through), and the rows are suspect. Calls that follow each other narrow what is
 * suspect each time: one key is asked for after log2 of them. rows 0: as many as were asked. */
void sg_size_timed_out(struct sg_size *size, int64_t rows);
/* A bad row somewhere among these rows; rows likewise. */
void sg_size_suspect(struct sg_size *size, int64_t rows);
/* Sessions are blocked by us, or a deadlock was met: halved (auto), nothing is suspect. */
void sg_size_shrink(struct sg_size *size);
/* Another range is worked on: nothing is suspect. */
void sg_size_clear(struct sg_size *size);
/* The culprit was found and passed. The key after it is tried alone: what is locked or bad often comes in rows,
 * and each of them would be searched for anew. */
void sg_size_passed(struct sg_size *size);

#endif
