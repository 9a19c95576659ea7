/* abi.h - the plugin ABI's numbers and limits, for the host: <sgrun/plugin.h>
 * without what a plugin defines and calls, whose names (sg_log, run) are ours
 * too. */
#ifndef SG_ABI_H
#define SG_ABI_H

#define SG_HOST_SIDE 1
#include <sgrun/plugin.h>

#endif
