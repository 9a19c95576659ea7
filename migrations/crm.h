/* crm.h - what this team's fingerprints have in common.
 *
 * A fingerprint that asks for a name only says "done" to a column of the same
 * name and another type, made by hand on a bad night. So ours ask for the type,
 * too, and, where the application rests on it, for NOT NULL. */
#ifndef CRM_H
#define CRM_H

#include <sgrun/plugin.h>
#include <string.h>

/* 1 if the column is there and of that type, written as format_type() writes it
 * ("character varying(255)", not "varchar(255)"). */
static inline int column_is(sg_ctx *sg, const char *table, const char *column, const char *type)
{
	const char *found = sg_column_type(sg, table, column);

	return found != NULL && strcmp(found, type) == 0;
}

/* 1 if the column is there and refuses NULL. */
static inline int column_not_null(sg_ctx *sg, const char *table, const char *column)
{
	return sg_exists(sg, "SELECT 1 FROM pg_catalog.pg_attribute"
	                     " WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 AND attnotnull",
	                 SG_ARGS(table, column));
}

/* 1 if the table has a constraint of that name whose definition contains the text. */
static inline int constraint_says(sg_ctx *sg, const char *table, const char *constraint, const char *text)
{
	const char *definition = sg_constraint_def(sg, table, constraint);

	return definition != NULL && strstr(definition, text) != NULL;
}

/* 1 if the table has a constraint of that name, and all rows were checked. */
static inline int constraint_is_valid(sg_ctx *sg, const char *table, const char *constraint)
{
	const char *definition = sg_constraint_def(sg, table, constraint);

	return definition != NULL && strstr(definition, " NOT VALID") == NULL;
}

#endif
