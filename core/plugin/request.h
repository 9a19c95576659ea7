/* request.h - a plugin's request, from its frame: within the limits of
 * <sgrun/plugin.h>, and of a known kind, or not at all. */
#ifndef SG_REQUEST_H
#define SG_REQUEST_H

#include "core/base/arena.h"
#include "core/plugin/process.h"
#include "plugins/wire/wire.h"

enum sg_request_read {
	SG_REQUEST_READ,  /* done; texts lie in the frame, arrays in the arena */
	SG_REQUEST_OTHER, /* the frame is no request */
	SG_REQUEST_BAD    /* one that no honest plugin sends */
};

/* answer_r is the type of frame that answers it (unset for DONE, which wants none). */
SG_MUST_CHECK enum sg_request_read sg_request_read(const struct sg_wire_frame *frame, struct sg_arena *arena,
                                                   struct sg_request *request_r, enum sg_wire_type *answer_r);

#endif
