/* run.c - opens what a command needs: DSNs, secrets, the embedded server. */
#include "config.h"
#include "core/run/run.h"

#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/db/embedded.h"

const char *sg_action_name(enum sg_action action)
{
	static const char *const names[] = { "SKIP", "RECONCILE", "RUN", "RUN?", "WAIT", "SUPERSEDED", "REFUSED", "LATER",
	                                     "BUILD", "BUILD?", "REBUILD", "DRIFTED" };

	SG_ASSERT((unsigned)action < SG_COUNT(names));
	return names[action];
}

/* user@host:pid and a random part: a pid alone comes back. */
static const char *runner_name(struct sg_arena *arena)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[HOST_NAME_MAX + 1] = "localhost";

	(void)gethostname(host, sizeof host - 1);
	return sg_arena_printf(arena, "%s@%s:%d/%04x", user != NULL ? user->pw_name : "?", host, (int)getpid(),
	                       (unsigned)sg_random(0x10000));
}

int sg_run_open(struct sg_run *run, const struct sg_manifest *manifest, const struct sg_observer *observer,
                struct sg_arena *arena, struct sg_err *err)
{
	const char *dsn = manifest->dsn;

	memset(run, 0, sizeof *run);
	run->manifest = manifest;
	run->observer = observer;
	run->arena = arena;
	run->runner = runner_name(arena);
	if (manifest->embedded != NULL) {
		struct sg_embedded_spec spec = { .folder = manifest->embedded,
			                         .init = manifest->embedded_init,
			                         .bindir = manifest->embedded_bindir };

		if (sg_embedded_open(&spec, arena, &run->embedded, &dsn, err) != 0)
			return sg_err_at(err, manifest->path, manifest->dsn_line);
	}
	if (sg_dsn_parse(dsn != NULL ? dsn : "", arena, &run->dsn, err) != 0)
		return sg_err_at(err, manifest->path, manifest->dsn_line);
	run->direct = run->dsn;
	if (manifest->direct_dsn != NULL) {
		if (sg_dsn_parse(manifest->direct_dsn, arena, &run->direct, err) != 0)
			return sg_err_at(err, manifest->path, manifest->dsn_line);
		run->has_direct = true;
	}
	sg_dsn_take_secrets(manifest->secrets.items, manifest->secrets.count);
	return 0;
}

void sg_run_close(struct sg_run *run)
{
	sg_embedded_close(run->embedded);
	run->embedded = NULL;
}
