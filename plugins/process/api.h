/* api.h - the functions that a plugin calls, and the calls of its entry points. */
#ifndef SG_PROCESS_API_H
#define SG_PROCESS_API_H

#include "plugins/process/load.h"
#include "plugins/wire/wire.h"

/* Runs the entry point that a CALL frame names and tells the host what it
 * returned. Everything that the plugin was given is freed then. */
void sg_api_call(const struct sg_load *load, const struct sg_wire_frame *frame);

#endif
