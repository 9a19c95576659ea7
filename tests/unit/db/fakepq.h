/* fakepq.h - a libpq that does as it is told.
 *
 * It provides the PQ* calls of core/db/db.c, with which a test program is linked
 * in front of the real library: what takes a killed server or a cut network to
 * provoke becomes a line in a table. A test tells what comes, call by call, and
 * afterwards reads what was called. */
#ifndef SG_TESTS_FAKEPQ_H
#define SG_TESTS_FAKEPQ_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

struct fake_result {
	ExecStatusType status;
	const char *sqlstate, *severity, *v, *primary, *schema; /* fields; v: the untranslated severity */
	const char *tag, *affected;
	int columns, rows;      /* rows of `cell`, NULL = NULL */
	const char *cell;
	int busy;               /* so often PQisBusy says yes before; -1: until it is cancelled */
	const char *warning;    /* a WARNING that comes before */
	bool drop;              /* the connection is bad from then on */
};

/* One statement: what is expected to be sent, and what is answered. */
struct fake_exchange {
	const char *sql;
	int count;
	struct fake_result results[6];
	bool send_fails, drop_at_send;
};

/* One connect. */
struct fake_connect {
	const char *host;       /* expected */
	const char *message;    /* NULL: it succeeds */
	bool hangs, needs_password, bad_at_once;
	int version;            /* 0: 150020 */
	const char *encoding, *strings; /* NULL: UTF8, on */
};

/* Both tables have to live as long as the test. */
void fake_script(const struct fake_connect *connects, int nconnects, const struct fake_exchange *exchanges,
                 int nexchanges);
/* Everything that was called and matters, each followed by ";": connect, send, single, cancel, copyend, finish. */
const char *fake_calls(void);
/* True if all that was told has been asked for, no result is left uncleared, and no connection open. */
bool fake_done(void);

#define FAKE(connects, exchanges) \
	fake_script((connects), (int)(sizeof(connects) / sizeof((connects)[0])), (exchanges), \
	            (int)(sizeof(exchanges) / sizeof((exchanges)[0])))

#endif
