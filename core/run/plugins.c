/* plugins.c - checks and starts plugin processes, as plugins.h says. */
#include "config.h"
#include "core/run/plugins.h"

#include <string.h>

#include "core/base/stop.h"
#include "core/plugin/nursery.h"

#define CHECK_WINDOW 4 /* processes that load at the same time while checking */
#define AHEAD 3        /* slots that are started ahead of their turn */

void sg_plugins_init(struct sg_plugins *plugins, const struct sg_manifest *manifest, struct sg_arena *arena)
{
	memset(plugins, 0, sizeof *plugins);
	plugins->manifest = manifest;
	plugins->arena = arena;
	plugins->slots = sg_arena_array(arena, manifest->step_count, sizeof *plugins->slots);
}

size_t sg_plugins_add(struct sg_plugins *plugins, const struct sg_step *step)
{
	SG_ASSERT(plugins->count < plugins->manifest->step_count);
	plugins->slots[plugins->count].step = step;
	return plugins->count++;
}

static bool stopping(void *context)
{
	(void)context;
	return sg_stop_count() > 0;
}

/* The image is only needed until the process has it. */
static int start(struct sg_plugins *plugins, struct sg_plugin_slot *slot, struct sg_err *err)
{
	const struct sg_manifest *manifest = plugins->manifest;
	const struct sg_step *step = slot->step;
	struct sg_expected expected = {
		.step = step->id,
		.migration = step->kind == SG_STEP_MIGRATION,
		.libraries = step->libraries.items,
		.library_count = step->libraries.count,
		.sandbox = (enum sg_sandbox)manifest->sandbox,
		.limit_ms = (int64_t)step->policy.plugin_seconds * 1000,
	};
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_image image;
	int status = -1;

	if (slot->process != NULL)
		return 0;
	if (sg_image_open(step->plugin, manifest->folder, manifest->plugin_path.items, manifest->plugin_path.count,
	                  slot->sha256[0] ? slot->sha256 : step->sha256, &arena, &image, err) == 0 &&
	    sg_process_start(&slot->process, &image, &expected, err) == 0) {
		memcpy(slot->sha256, image.sha256, sizeof slot->sha256);
		sg_process_on_wait(slot->process, stopping, NULL);
		status = 0;
	}
	sg_arena_release(&arena);
	return status;
}

static int place(const struct sg_plugins *plugins, const struct sg_plugin_slot *slot, struct sg_err *err)
{
	sg_err_step(err, slot->step->id);
	return sg_err_at(err, plugins->manifest->path, slot->step->plugin_line);
}

static int judge(struct sg_plugins *plugins, struct sg_plugin_slot *slot, struct sg_err *err)
{
	struct sg_hello hello;

	if (sg_process_hello(slot->process, &hello, err) != 0)
		return -1;
	slot->kind = hello.kind;
	slot->flags = hello.flags;
	if (slot->title == NULL)
		slot->title = sg_arena_strdup(plugins->arena, slot->step->title ? slot->step->title : hello.title);
	return 0;
}

static void drop(struct sg_plugin_slot *slot)
{
	sg_process_kill(slot->process);
	slot->process = NULL;
}

int sg_plugins_check(struct sg_plugins *plugins, size_t keep, struct sg_errs *errs)
{
	size_t started = 0, kept = 0;
	int status = 0;

	for (size_t i = 0; i < plugins->count; i++) {
		struct sg_plugin_slot *slot = &plugins->slots[i];
		struct sg_err err = SG_ERR_INIT;

		/* Errors of the ones started ahead are found again in their turn. */
		for (; started < plugins->count && started < i + CHECK_WINDOW; started++) {
			if (started > i && start(plugins, &plugins->slots[started], &err) != 0)
				sg_err_clear(&err);
		}
		if (start(plugins, slot, &err) != 0 || judge(plugins, slot, &err) != 0) {
			place(plugins, slot, &err);
			sg_err_move(sg_errs_add(errs), &err);
			drop(slot);
			status = -1;
			if (sg_stop_count() > 0)
				break;
			continue;
		}
		slot->good = true;
		if (kept < keep)
			kept++;
		else
			drop(slot);
	}
	return status;
}

int sg_plugins_take(struct sg_plugins *plugins, size_t number, struct sg_process **process_r, struct sg_err *err)
{
	struct sg_plugin_slot *slot = &plugins->slots[number];

	if (start(plugins, slot, err) != 0 || judge(plugins, slot, err) != 0) {
		drop(slot);
		return place(plugins, slot, err);
	}
	*process_r = slot->process;
	slot->process = NULL;
	for (size_t i = number + 1; i < plugins->count && i <= number + AHEAD; i++) {
		struct sg_err later = SG_ERR_INIT;

		/* told in its own turn */
		if (start(plugins, &plugins->slots[i], &later) != 0)
			sg_err_release(&later);
	}
	return 0;
}

void sg_plugins_release(struct sg_plugins *plugins)
{
	for (size_t i = 0; i < plugins->count; i++)
		drop(&plugins->slots[i]);
	sg_nursery_stop();
}
