/* cap.h - a bound on the memory that libpq may take for one message. */
#ifndef SG_CAP_H
#define SG_CAP_H

#include <sys/resource.h>

#include "core/base/base.h"

struct sg_cap {
	struct rlimit before;
	bool set;
};

/* Until sg_cap_end() the process can grow by about `more` bytes, no further:
 * what asks for more gets NULL. Does nothing in builds with sanitizers, whose
 * address space says nothing, nor where the system does not let us. */
void sg_cap_begin(struct sg_cap *cap, size_t more);
void sg_cap_end(struct sg_cap *cap);

#endif
