/* plugins.h - the plugins of the steps that are left, loaded ahead of their turn.
 *
 * All are checked before the first one runs: each in a process of its own, a
 * few at a time. The first ones stay loaded; later ones start while an earlier
 * step's SQL runs. A step's plugin is pinned to the hash that was checked. */
#ifndef SG_PLUGINS_H
#define SG_PLUGINS_H

#include "core/base/arena.h"
#include "core/manifest/manifest.h"
#include "core/plugin/process.h"

struct sg_plugin_slot {
	const struct sg_step *step;
	char sha256[SG_SHA256_HEX];
	struct sg_process *process; /* started ahead, or NULL */
	/* after the check */
	bool good;
	uint32_t kind, flags;
	const char *title;
};

struct sg_plugins {
	const struct sg_manifest *manifest;
	struct sg_arena *arena;
	struct sg_plugin_slot *slots;
	size_t count;
};

void sg_plugins_init(struct sg_plugins *plugins, const struct sg_manifest *manifest, struct sg_arena *arena);
/* Adds a step; returns its slot's number. */
size_t sg_plugins_add(struct sg_plugins *plugins, const struct sg_step *step);
/* Loads and judges each; every refusal goes to errs (SG_CLASS_REFUSED, manifest file and
 * line). keep = how many stay loaded. 0 when all are good; slots say which are. */
SG_MUST_CHECK int sg_plugins_check(struct sg_plugins *plugins, size_t keep, struct sg_errs *errs);
/* A process of the slot, loaded; the caller finishes or kills it. The next
 * slots are started ahead. */
SG_MUST_CHECK int sg_plugins_take(struct sg_plugins *plugins, size_t slot, struct sg_process **process_r,
                                  struct sg_err *err);
/* Kills what was started ahead, and the nursery. */
void sg_plugins_release(struct sg_plugins *plugins);

#endif
