/* versions.h - what the names of files say: numbers, versions, titles; and how they are ordered. */
#ifndef SG_AUDIT_VERSIONS_H
#define SG_AUDIT_VERSIONS_H

#include "core/base/arena.h"

/* By characters, but runs of digits as numbers of any length: "V2" before "V10". Equal numbers: fewer leading zeros last. A total
 * order. */
int sg_natural_compare(const char *a, const char *b);
/* Flyway's versions, "1.2.3" or "1_2_3": part by part as numbers; a part that is missing is 0. */
int sg_version_compare(const char *a, const char *b);

struct sg_flyway_name {
	char kind;           /* V, U, B, R; 0: it is no migration of Flyway's */
	const char *version; /* with dots, parts without leading zeros; R: NULL */
	const char *title;   /* with blanks for underscores */
};
/* PREFIX[VERSION]__TITLE.sql; V and U and B need a version, R has none. (Flyway's default prefixes, separator, suffix.) */
void sg_flyway_name(const char *name, struct sg_arena *arena, struct sg_flyway_name *name_r);

/* The digits that a name begins with, without leading zeros ("0" for zeros only); NULL: it begins with none. */
const char *sg_name_number(const char *name, struct sg_arena *arena);
/* What follows the digits (and dashes of a date) and separators in `name` of that length: "add leads name"; NULL: nothing. */
const char *sg_name_title(const char *name, size_t length, struct sg_arena *arena);

#endif
