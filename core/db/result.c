/* result.c - the rows of db.h, kept in an arena. A row is one block of memory:
 * its cells' pointers, then their bytes. Out of range is a bug of ours. */
#include "config.h"
#include "core/db/result.h"

#include <stdlib.h>
#include <string.h>

struct sg_result {
	struct sg_arena *arena;
	int columns, rows;
	const char **names;
	const char ***cells; /* [row][column] */
	size_t capacity;
	const char *tag;
	int64_t affected;
};

struct sg_result *sg_result_new(struct sg_arena *arena, int columns)
{
	struct sg_result *result = sg_arena_alloc(arena, sizeof *result);

	SG_ASSERT(columns >= 0);
	result->arena = arena;
	result->columns = columns;
	result->names = sg_arena_array(arena, (size_t)columns, sizeof *result->names);
	for (int i = 0; i < columns; i++)
		result->names[i] = "";
	result->tag = "";
	return result;
}

void sg_result_set_name(struct sg_result *result, int column, const char *name)
{
	SG_ASSERT(column >= 0 && column < result->columns);
	result->names[column] = sg_arena_strdup(result->arena, name);
}

void sg_result_add_row(struct sg_result *result, const char *const *values, const int *lengths)
{
	size_t size = (size_t)result->columns * sizeof(char *);
	const char **row;
	char *at;

	for (int i = 0; i < result->columns; i++)
		if (lengths[i] >= 0)
			size += (size_t)lengths[i] + 1;
	row = sg_arena_alloc(result->arena, size);
	at = (char *)(row + result->columns);
	for (int i = 0; i < result->columns; i++) {
		if (lengths[i] < 0)
			continue; /* arenas give zeroed memory: NULL */
		memcpy(at, values[i], (size_t)lengths[i]);
		at[lengths[i]] = '\0';
		row[i] = at;
		at += lengths[i] + 1;
	}
	result->cells = sg_arena_grow(result->arena, result->cells, &result->capacity, (size_t)result->rows + 1,
	                              sizeof *result->cells);
	result->cells[result->rows++] = row;
}

void sg_result_set_tag(struct sg_result *result, const char *tag, int64_t affected)
{
	result->tag = sg_arena_strdup(result->arena, tag);
	result->affected = affected;
}

int sg_result_rows(const struct sg_result *result)
{
	return result->rows;
}

int sg_result_columns(const struct sg_result *result)
{
	return result->columns;
}

const char *sg_result_name(const struct sg_result *result, int column)
{
	SG_ASSERT(column >= 0 && column < result->columns);
	return result->names[column];
}

const char *sg_result_value(const struct sg_result *result, int row, int column)
{
	SG_ASSERT(row >= 0 && row < result->rows && column >= 0 && column < result->columns);
	return result->cells[row][column];
}

int64_t sg_result_int(const struct sg_result *result, int row, int column)
{
	const char *text = sg_result_value(result, row, column);

	return text == NULL ? 0 : (int64_t)strtoll(text, NULL, 10);
}

int64_t sg_result_int_or(const struct sg_result *result, int row, int column, int64_t null)
{
	return sg_result_value(result, row, column) != NULL ? sg_result_int(result, row, column) : null;
}

bool sg_result_true(const struct sg_result *result, int row, int column)
{
	const char *text = sg_result_value(result, row, column);

	return text != NULL && text[0] == 't';
}

int64_t sg_result_affected(const struct sg_result *result)
{
	return result->affected;
}

const char *sg_result_tag(const struct sg_result *result)
{
	return result->tag;
}
