/* end.c - how a run ends with an index, by its word for scripts and for the log. */
#include "config.h"
#include "core/index/build.h"

const char *sg_index_end_name(enum sg_index_end end)
{
	static const char *const names[] = { "already", "built", "drifted", "waiting", "left", "failed", "refused", "stopped",
		                             "not_reached" };

	SG_ASSERT((unsigned)end < SG_COUNT(names));
	return names[end];
}
