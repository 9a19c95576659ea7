/* check.c - every plugin and every index of a manifest, judged without a server. */
#include "config.h"

#include "core/index/definition.h"
#include "core/run/plugins.h"
#include "core/run/run.h"

int sg_check_steps(const struct sg_manifest *manifest, struct sg_errs *errs)
{
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_plugins plugins;
	int status;

	sg_plugins_init(&plugins, manifest, &arena);
	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].kind != SG_STEP_INDEX)
			(void)sg_plugins_add(&plugins, &manifest->steps[i]);
	status = sg_plugins_check(&plugins, 0, errs);
	sg_plugins_release(&plugins);
	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].kind == SG_STEP_INDEX && sg_index_judge(manifest, &manifest->steps[i], errs) != 0)
			status = -1;
	sg_arena_release(&arena);
	return status;
}
