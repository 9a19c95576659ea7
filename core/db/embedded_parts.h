/* embedded_parts.h - what the files of the embedded server share; for them only. */
#ifndef SG_EMBEDDED_PARTS_H
#define SG_EMBEDDED_PARTS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/db/child.h"

/* ---- embedded_home.c: where it lives, and whose it is ---- */
struct sg_home {
	const char *path;
	const char *data, *log, *making, *socket; /* in path */
	struct sg_child_user user;
	const char *user_name;
	bool once; /* for a single use */
};
/* Chooses and makes the folder. */
SG_MUST_CHECK int sg_home_choose(const char *folder, struct sg_arena *arena, struct sg_home *home_r,
                                 struct sg_err *err);
/* Removes the cluster, half made or not; as its user, since that user could
 * otherwise lead root astray with a symbolic link. */
SG_MUST_CHECK int sg_home_remove_data(const struct sg_home *home, struct sg_err *err);

/* ---- embedded_once.c: folders for a single use ---- */
/* Makes one, and removes those whose process is gone. *lock_r says that it is ours, until it is closed. */
SG_MUST_CHECK int sg_once_make(struct sg_arena *arena, const char **folder_r, int *lock_r, struct sg_err *err);
/* Stops the server in that folder, if there is one, and removes all. */
void sg_once_remove(const char *folder);

/* ---- embedded_programs.c: initdb and postgres ---- */
struct sg_programs {
	const char *bindir;
	int major;
};
/* major: of the cluster that is there, or 0. */
SG_MUST_CHECK int sg_programs_find(const char *bindir, int major, const struct sg_home *home, struct sg_arena *arena,
                                   struct sg_programs *programs_r, struct sg_err *err);
/* The cluster's major version, 0 if there is none, -1 if what is there is none. */
int sg_programs_cluster(const struct sg_home *home);

/* ---- embedded_server.c: one postmaster ---- */
#define SOCKET_BYTES 100
enum sg_server_state { SG_SERVER_GONE, SG_SERVER_STARTING, SG_SERVER_READY, SG_SERVER_STOPPING };
struct sg_postmaster {
	pid_t pid;
	int port;
	char socket[SOCKET_BYTES];
	enum sg_server_state state;
};
/* What postmaster.pid says, if that process is really this cluster's. */
void sg_postmaster_look(const struct sg_home *home, struct sg_postmaster *postmaster_r);
SG_MUST_CHECK int sg_postmaster_init(const struct sg_home *home, const struct sg_programs *programs,
                                     struct sg_err *err);
SG_MUST_CHECK int sg_postmaster_start(const struct sg_home *home, const struct sg_programs *programs,
                                      struct sg_postmaster *postmaster_r, struct sg_err *err);
/* Waits until it is ready; gives up at a signal. */
SG_MUST_CHECK int sg_postmaster_await(const struct sg_home *home, struct sg_postmaster *postmaster_r,
                                      struct sg_err *err);
/* Fast shutdown, and if need be a harder one; with its socket's folder. */
void sg_postmaster_stop(const struct sg_home *home, const struct sg_postmaster *postmaster);
const char *sg_postmaster_dsn(const struct sg_postmaster *postmaster, struct sg_arena *arena);

/* ---- embedded_init.c: the SQL of a new cluster ---- */
/* Reads the file now, so that a missing one is known before a cluster is made. */
SG_MUST_CHECK int sg_init_read(const char *file, struct sg_arena *arena, char **sql_r, struct sg_err *err);
SG_MUST_CHECK int sg_init_run(const char *dsn, const char *file, const char *sql, struct sg_err *err);

#endif
