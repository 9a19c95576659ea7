/* index_schedule.c - one a table, in order, as many as memory holds. */
#include "config.h"
#include "core/run/index_schedule.h"

#include <string.h>

static bool at_work(const struct sg_schedule_item *items, size_t count, const char *table)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].slot == SG_SLOT_AT_WORK && strcmp(items[i].table, table) == 0)
			return true;
	return false;
}

size_t sg_schedule_next(const struct sg_schedule_item *items, size_t count, int jobs)
{
	int busy = 0;

	for (size_t i = 0; i < count; i++)
		busy += items[i].slot == SG_SLOT_AT_WORK;
	for (size_t i = 0; busy < jobs && i < count; i++)
		if (items[i].slot == SG_SLOT_READY && !at_work(items, count, items[i].table))
			return i;
	return count;
}

static bool to_come(const struct sg_schedule_item *item)
{
	return item->slot == SG_SLOT_READY || item->slot == SG_SLOT_WAITING;
}

int sg_schedule_width(const struct sg_schedule_item *items, size_t count, int jobs)
{
	int tables = 0;

	for (size_t i = 0; i < count; i++) {
		bool first = to_come(&items[i]);

		for (size_t k = 0; first && k < i; k++)
			first = !to_come(&items[k]) || strcmp(items[k].table, items[i].table) != 0;
		tables += first;
	}
	return tables < jobs ? tables : jobs;
}

int sg_schedule_jobs(int jobs, int memory_mb, int64_t work_kb)
{
	int64_t fit;

	if (memory_mb <= 0 || work_kb <= 0)
		return jobs;
	fit = (int64_t)memory_mb * 1024 / work_kb;
	if (fit < 1)
		fit = 1;
	return fit < jobs ? (int)fit : jobs;
}
