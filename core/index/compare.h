/* compare.h - is an index what the manifest wants? The server itself says so.
 *
 * In a transaction that is rolled back the wanted index is made on an empty copy of its table, and what
 * pg_get_indexdef says of both is compared: without the names that it begins with, storage
 * parameters in any order, and with expressions that have been through a dump (pg_get_indexdef
 * of `status IN (…)` on a varchar, read back, is printed otherwise: it is read back here, too). For look.c alone. */
#ifndef SG_INDEX_COMPARE_H
#define SG_INDEX_COMPARE_H

#include "core/exec/session.h"
#include "core/index/definition.h"

struct sg_index_comparison {
	bool gone;               /* the table, or the index, has gone meanwhile: look again */
	const char *why;         /* the wanted one could not be made here, and why; or NULL */
	bool equal;
	const char *is;          /* its definition, for people; or NULL */
	const char *wanted;      /* the wanted one's as the server prints it, from USING on; or NULL */
	uint32_t twin;           /* an equal index that backs a constraint, 0: none; looked for where no index was given */
	const char *constraint;
	int64_t twin_bytes;
};

/* session: open, no transaction, and none is left open. index 0: there is none. -1: SG_CLASS_LOCKED, the connection, or the server
 * refuses the definition for certain. */
SG_MUST_CHECK int sg_index_compare(struct sg_session *session, const struct sg_index_definition *definition,
                                   uint32_t table, bool partitioned, uint32_t index, struct sg_arena *arena,
                                   struct sg_index_comparison *comparison_r, struct sg_err *err);

#endif
