/* words.h - words of SQL that the files of the state share.
 *
 * Our SQL may run under the application's search_path, where somebody may have made
 * operators of his own: ours are named in full. */
#ifndef SG_WORDS_H
#define SG_WORDS_H

#include "core/base/arena.h"

#define SG_EQ " OPERATOR(pg_catalog.=) "
#define SG_LT " OPERATOR(pg_catalog.<) "
#define SG_GT " OPERATOR(pg_catalog.>) "
#define SG_PLUS " OPERATOR(pg_catalog.+) "
#define SG_MINUS " OPERATOR(pg_catalog.-) "

/* A timestamptz for people and --json: 2026-01-31T12:00:00Z. */
#define SG_UTC(expression) \
	"pg_catalog.to_char(pg_catalog.timezone('UTC', " expression "), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
/* The same to the microsecond, to be compared with later. */
#define SG_UTC_EXACT(expression) \
	"pg_catalog.to_char(pg_catalog.timezone('UTC', " expression "), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* Valid UTF-8 of at most 4,000 bytes, for a column of ours; NULL stays NULL. */
const char *sg_state_bounded(struct sg_arena *arena, const char *text);

#endif
