/* fingerprint_kept.c - the objects that a migration has made or taken away so far: kept by their names, so that a rename changes what
 * was kept before, in this migration and in those before it. */
#include "config.h"
#include "core/scaffold/fingerprint_parts.h"

#include <string.h>

void sg_asks_append(struct sg_fingerprint *f, struct sg_asks *to, struct sg_asked asked_)
{
	to->list = sg_arena_grow(f->arena, to->list, &to->capacity, to->count + 1, sizeof *to->list);
	to->list[to->count++] = asked_;
}

const char *sg_kept_copy(struct sg_fingerprint *f, const char *text)
{
	return sg_arena_strdup(f->arena, text);
}

bool sg_kept_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_default(const char *schema)
{
	return schema == NULL || strcmp(schema, "public") == 0;
}

bool sg_kept_same_relation(struct sg_relation a, struct sg_relation b)
{
	return sg_kept_same(a.name, b.name) && (sg_kept_same(a.schema, b.schema) || (is_default(a.schema) && is_default(b.schema)));
}

static struct sg_kept *add(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	struct sg_kept *o;

	f->objects = sg_arena_grow(f->arena, f->objects, &f->capacity, f->count + 1, sizeof *f->objects);
	o = &f->objects[f->count++];
	*o = (struct sg_kept){ .kind = kind,
		              .name = { sg_kept_copy(f, name.schema), sg_kept_copy(f, name.name) },
		              .member = sg_kept_copy(f, member),
		              .statement = f->number };
	return o;
}

void sg_kept_none(struct sg_fingerprint *f, const char *why)
{
	if (f->none == NULL)
		f->none = why;
}

static const char *undone_by(struct sg_fingerprint *f)
{
	return sg_arena_printf(f->arena, "undone by statement %zu", f->number + 1);
}

/* Kinds that are of a table and go with it. */
bool sg_kept_is_of_table(enum sg_kept_kind kind)
{
	return kind == SG_KEPT_COLUMN || kind == SG_KEPT_COLUMN_TYPE || kind == SG_KEPT_NOT_NULL || kind == SG_KEPT_NULLABLE || kind == SG_KEPT_CONSTRAINT || kind == SG_KEPT_VALIDATED ||
	       kind == SG_KEPT_TRIGGER || kind == SG_KEPT_POLICY || kind == SG_KEPT_TABLE_COMMENT || kind == SG_KEPT_COLUMN_COMMENT || kind == SG_KEPT_ROW_SECURITY ||
	       kind == SG_KEPT_PARTITION;
}

/* Kinds that are of a column. */
static bool is_of_column(enum sg_kept_kind kind)
{
	return kind == SG_KEPT_COLUMN || kind == SG_KEPT_COLUMN_TYPE || kind == SG_KEPT_NOT_NULL || kind == SG_KEPT_NULLABLE || kind == SG_KEPT_COLUMN_COMMENT;
}

bool sg_kept_is_relation(enum sg_kept_kind kind)
{
	return kind == SG_KEPT_TABLE || kind == SG_KEPT_VIEW || kind == SG_KEPT_SEQUENCE || kind == SG_KEPT_INDEX;
}

/* ---- what becomes of it later -------------------------------------------------------- */

struct sg_relation sg_kept_name_now(const struct sg_kept *o)
{
	return o->now.name != NULL ? o->now : o->name;
}

const char *sg_kept_member_now(const struct sg_kept *o)
{
	return o->now_member != NULL ? o->now_member : o->member;
}

/* Is it taken away with an object of that kind and name? */
static bool goes_with(const struct sg_kept *o, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	bool relation = sg_kept_same_relation(sg_kept_name_now(o), name), all = relation && sg_kept_same(sg_kept_member_now(o), member);

	return (o->kind == kind && all) || (kind == SG_KEPT_TABLE && sg_kept_is_of_table(o->kind) && relation) ||
	       (kind == SG_KEPT_COLUMN && is_of_column(o->kind) && all) || (kind == SG_KEPT_CONSTRAINT && o->kind == SG_KEPT_VALIDATED && all) ||
	       (kind == SG_KEPT_FUNCTION && o->kind == SG_KEPT_BODY && relation) || (kind == SG_KEPT_TYPE && o->kind == SG_KEPT_ENUM_VALUE && relation);
}

static const char *undone_later(const struct sg_fingerprint *f)
{
	return sg_arena_printf(f->arena, "undone by %s", f->migration);
}

static void take_away_later(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++)
			if (e->objects[i].undone == NULL && !e->objects[i].gone && goes_with(&e->objects[i], kind, name, member))
				e->objects[i].later = undone_later(f);
}

/* Made, or made otherwise: an absence, a type, a body, a comment of before is no more. */
static void make_later(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++) {
			struct sg_kept *o = &e->objects[i];
			bool it = sg_kept_same_relation(sg_kept_name_now(o), name) && sg_kept_same(sg_kept_member_now(o), member);

			if (!it || o->undone != NULL)
				continue;
			if (kind == SG_KEPT_COLUMN_TYPE && o->kind == SG_KEPT_COLUMN_TYPE && !o->gone)
				o->later = undone_later(f);
			else if ((kind == SG_KEPT_NOT_NULL && o->kind == SG_KEPT_NULLABLE) || (kind == SG_KEPT_NULLABLE && o->kind == SG_KEPT_NOT_NULL))
				o->later = undone_later(f);
			else if (o->kind == kind && (kind == SG_KEPT_BODY || kind == SG_KEPT_TABLE_COMMENT || kind == SG_KEPT_COLUMN_COMMENT))
				o->later = undone_later(f);
			else if (o->gone && (o->kind == kind || (o->kind == SG_KEPT_COLUMN && kind == SG_KEPT_COLUMN_TYPE) || (o->kind == SG_KEPT_FUNCTION && kind == SG_KEPT_BODY)))
				o->later = undone_later(f);
		}
}

/* Was there something of that name before? Then it proves nothing. */
static bool was_there(const struct sg_fingerprint *f, const struct sg_kept *than, struct sg_relation name, const char *member)
{
	for (; f != NULL; f = f->earlier)
		for (size_t i = 0; i < f->count; i++)
			if (&f->objects[i] != than && f->objects[i].kind == than->kind && !f->objects[i].gone &&
			    sg_kept_same_relation(f->objects[i].name, name) && sg_kept_same(f->objects[i].member, member))
				return true;
	return false;
}

/* What earlier migrations made has another name now; member NULL: the thing itself, to or schema may be NULL (as it was). */
void sg_kept_rename_later(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation old, const char *member, const char *schema,
                         const char *to)
{
	for (struct sg_fingerprint *e = f->earlier; e != NULL; e = e->earlier)
		for (size_t i = 0; i < e->count; i++) {
			struct sg_kept *o = &e->objects[i];

			if (o->undone != NULL || o->gone || !goes_with(o, kind, old, member))
				continue;
			if (member != NULL)
				o->now_member = sg_kept_copy(f, to);
			else
				o->now = (struct sg_relation){ schema != NULL ? sg_kept_copy(f, schema) : sg_kept_name_now(o).schema,
					                       to != NULL ? sg_kept_copy(f, to) : sg_kept_name_now(o).name };
			if (was_there(e, o, sg_kept_name_now(o), sg_kept_member_now(o)))
				o->later = undone_later(f);
		}
}

/* The object is taken away: what was made of it here is no longer asked for, and where nothing was, its absence is. */
void sg_kept_take_away(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	bool made_here = false;

	take_away_later(f, kind, name, member);
	for (size_t i = 0; i < f->count; i++) {
		struct sg_kept *o = &f->objects[i];
		bool itself = o->kind == kind && sg_kept_same_relation(o->name, name) && sg_kept_same(o->member, member);
		bool part = (kind == SG_KEPT_TABLE && sg_kept_is_of_table(o->kind) && sg_kept_same_relation(o->name, name)) ||
		            (kind == SG_KEPT_COLUMN && is_of_column(o->kind) && sg_kept_same_relation(o->name, name) && sg_kept_same(o->member, member)) ||
		            (kind == SG_KEPT_CONSTRAINT && o->kind == SG_KEPT_VALIDATED && sg_kept_same_relation(o->name, name) && sg_kept_same(o->member, member)) ||
		            (kind == SG_KEPT_FUNCTION && o->kind == SG_KEPT_BODY && sg_kept_same_relation(o->name, name)) ||
		            (kind == SG_KEPT_TYPE && o->kind == SG_KEPT_ENUM_VALUE && sg_kept_same_relation(o->name, name));

		if (o->undone != NULL || (!itself && !part))
			continue;
		made_here |= !o->gone && (itself || (kind == SG_KEPT_COLUMN && o->kind == SG_KEPT_COLUMN_TYPE) || (kind == SG_KEPT_FUNCTION && o->kind == SG_KEPT_BODY));
		o->undone = undone_by(f);
	}
	if (made_here)
		sg_kept_none(f, "it takes away what this migration made");
	else
		add(f, kind, name, member)->gone = true;
}

/* It is made: a question for its absence, of an earlier statement, is no longer one. */
struct sg_kept *sg_kept_make(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation name, const char *member)
{
	make_later(f, kind, name, member);
	for (size_t i = 0; i < f->count; i++) {
		struct sg_kept *o = &f->objects[i];

		if (o->undone == NULL && (o->kind == kind || (kind == SG_KEPT_COLUMN_TYPE && o->kind == SG_KEPT_COLUMN) ||
		                          (kind == SG_KEPT_NOT_NULL && o->kind == SG_KEPT_NULLABLE) || (kind == SG_KEPT_NULLABLE && o->kind == SG_KEPT_NOT_NULL)) &&
		    sg_kept_same_relation(o->name, name) && sg_kept_same(o->member, member))
			o->undone = undone_by(f);
	}
	return add(f, kind, name, member);
}

/* Everything kept under the old name is under the new one now. */
bool sg_kept_rename(struct sg_fingerprint *f, enum sg_kept_kind kind, struct sg_relation old, const char *member, const char *schema,
                        const char *to)
{
	bool found = false;

	for (size_t i = 0; i < f->count; i++) {
		struct sg_kept *o = &f->objects[i];

		if (o->undone != NULL || !sg_kept_same_relation(o->name, old) || (member != NULL && !sg_kept_same(o->member, member)))
			continue;
		if (member != NULL ? o->kind == kind || (kind == SG_KEPT_COLUMN && is_of_column(o->kind)) ||
		                             (kind == SG_KEPT_CONSTRAINT && o->kind == SG_KEPT_VALIDATED)
		                   : o->kind == kind || (kind == SG_KEPT_TABLE && sg_kept_is_of_table(o->kind)) || (kind == SG_KEPT_FUNCTION && o->kind == SG_KEPT_BODY) ||
		                             (kind == SG_KEPT_TYPE && o->kind == SG_KEPT_ENUM_VALUE)) {
			found |= !o->gone && (o->kind == kind || o->kind == SG_KEPT_BODY || (kind == SG_KEPT_COLUMN && o->kind == SG_KEPT_COLUMN_TYPE));
			if (member != NULL)
				o->member = sg_kept_copy(f, to);
			else if (to != NULL)
				o->name.name = sg_kept_copy(f, to);
			if (schema != NULL)
				o->name.schema = sg_kept_copy(f, schema);
		}
	}
	return found;
}
