/* load.h - brings a plugin into the process and says what it is. */
#ifndef SG_PROCESS_LOAD_H
#define SG_PROCESS_LOAD_H

#include <stddef.h>

#include "plugins/wire/wire.h"

#include <sgrun/plugin.h>

struct sg_load {
	int fd;                        /* in: the plugin's bytes */
	const char *path;              /* in: for messages */
	const char *const *libraries;  /* in: that it may need besides the common ones */
	size_t library_count;
	/* out */
	struct sg_wire_hello hello;
	int (*fingerprint)(sg_ctx *);
	int (*run)(sg_ctx *);
	int64_t (*batch)(sg_ctx *, const sg_batch *);
	/* out, after -1 */
	enum sg_refusal refusal;
	const char *a, *b;
	/* private */
	void *handle;
};

/* Reads the file's own word on what it needs, then loads it: constructors run. */
int sg_load_open(struct sg_load *load);
/* Asks sg_plugin() and looks for the entry points; what they mean is judged by the host. */
int sg_load_look(struct sg_load *load);

#endif
