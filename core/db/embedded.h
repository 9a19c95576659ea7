/* embedded.h - the private server of `dsn = embedded:FOLDER`.
 *
 * Any command starts it if it is not alive, takes it over if it is, and the last
 * user stops it. It listens on a unix socket in a folder that only its owner can
 * enter, and nowhere else. As root it runs as `postgres`, else as `nobody`.
 *
 * FOLDER holds data/ (the cluster), log (the server's), socket (the name of its
 * socket's folder, while it runs), start.lock (held while someone starts or stops
 * it), users.lock (held, shared, by every user), and while a cluster is being
 * made, `making`: what is there together with it is half done and is made anew.
 * If the server's user cannot work in FOLDER, all that lives in
 * /var/tmp/sgrun-UID-HASH, which is said in the log.
 *
 * One for a single use (a rehearsal) lives in a folder sgrun-r-NAME of the temporary one, and nothing of it is to
 * last: no fsync, no autovacuum; it dies with its process, and what a killed one left is removed by the next. */
#ifndef SG_EMBEDDED_H
#define SG_EMBEDDED_H

#include "core/base/arena.h"
#include "core/base/err.h"

struct sg_embedded_spec {
	const char *folder;
	const char *init;   /* SQL file, run once in one transaction when the cluster is made; or NULL */
	const char *bindir; /* folder of initdb and postgres; NULL: of pg_config --bindir, else the highest installed */
};

struct sg_embedded;

/* On success the server is ready, and *dsn_r (in the arena) leads to its database
 * `postgres` as superuser. Errors: SG_CLASS_STATE (with the end of the server's
 * log as detail), SG_CLASS_MANIFEST (no such init file), or the class of the
 * signal that stopped it; then nothing half made is left running. */
SG_MUST_CHECK int sg_embedded_open(const struct sg_embedded_spec *spec, struct sg_arena *arena,
                                   struct sg_embedded **embedded_r, const char **dsn_r, struct sg_err *err);
/* As sg_embedded_open, but a new server in a folder of its own, which is *folder_r: spec->folder is not looked at. Closing
 * it removes that folder and all in it, files that others made there included. */
SG_MUST_CHECK int sg_embedded_open_once(const struct sg_embedded_spec *spec, struct sg_arena *arena,
                                        struct sg_embedded **embedded_r, const char **dsn_r, const char **folder_r,
                                        struct sg_err *err);
/* One of PostgreSQL's programs ("pg_dump"), the newest that is installed: in bindir if that is given, else where initdb is
 * looked for, else by PATH. Its path, or its bare name. */
const char *sg_embedded_program(const char *bindir, const char *name, struct sg_arena *arena);
/* Stops the server (fast) if nobody else uses it, and waits for that. NULL is
 * allowed. Close all connections before: it ends them. */
void sg_embedded_close(struct sg_embedded *embedded);

#endif
