/* confine.h - takes everything from the process that a plugin does not need.
 *
 * Twice: before the plugin is loaded (its constructors are code too), and once
 * more after, when no file need be opened any longer. Nothing can be given back. */
#ifndef SG_PROCESS_CONFINE_H
#define SG_PROCESS_CONFINE_H

#include <stdint.h>

/* As enum sg_sandbox of core/plugin/process.h. */
enum sg_confine_mode { SG_CONFINE_REQUIRED, SG_CONFINE_BEST_EFFORT, SG_CONFINE_OFF };

struct sg_confine {
	enum sg_confine_mode mode;
	uint32_t parent;      /* process id of the host */
	uint32_t cpu_seconds; /* a backstop: the host's deadlines come first */
	/* out */
	uint32_t missing;     /* SG_WIRE_NO_… of wire.h */
	const char *what;     /* after -1: what could not be had */
	int error;            /* after -1: errno */
};

/* Makes what is the same for every plugin, the landlock rules. A nursery does it
 * once for all its children; without it the first of the calls below does. Never
 * fails: what could not be made is missing then. */
void sg_confine_prepare(void);
/* The descriptor of the landlock rules, which must stay open until
 * sg_confine_before_load; -1 if there is none. */
int sg_confine_descriptor(void);
/* They are now under this number. */
void sg_confine_set_descriptor(int fd);

/* -1 if the mode is REQUIRED and something that it stands on could not be had
 * (landlock is only noted as missing). Ends the process if the host is gone. */
int sg_confine_before_load(struct sg_confine *confine);
int sg_confine_after_load(struct sg_confine *confine);

#endif
