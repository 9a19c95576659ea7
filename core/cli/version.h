/* version.h - what this sgrun is and what it is built with (--version). */
#ifndef SG_VERSION_H
#define SG_VERSION_H

#include "core/base/buf.h"

void sg_version_text(struct sg_buf *out);

#endif
