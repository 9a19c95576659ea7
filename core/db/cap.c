/* cap.c - bounds libpq's memory by the process's address space.
 *
 * libpq gives a row to us only when it has all of it, makes room for a message
 * as soon as it knows its length (fe-protocol3.c, pqParseInput3), and reads as
 * long as the server sends (fe-misc.c, pqReadData): a single value of 1 GB is in
 * our memory before we can count it. No option of libpq bounds that; an address
 * space that ends does: its realloc() fails and it gives the connection up. */
#include "config.h"
#include "core/db/cap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef SG_SANITIZED
/* Bytes of address space in use; 0 if unknown. */
static rlim_t in_use(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	return (rlim_t)strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}
#endif

void sg_cap_begin(struct sg_cap *cap, size_t more)
{
	cap->set = false;
#ifndef SG_SANITIZED
	rlim_t used = in_use();
	struct rlimit capped;

	if (used == 0 || getrlimit(RLIMIT_AS, &cap->before) != 0)
		return;
	capped = cap->before;
	if (capped.rlim_cur != RLIM_INFINITY && capped.rlim_cur <= used + more)
		return;
	capped.rlim_cur = used + more;
	cap->set = setrlimit(RLIMIT_AS, &capped) == 0;
#else
	(void)more;
#endif
}

void sg_cap_end(struct sg_cap *cap)
{
	if (cap->set)
		(void)setrlimit(RLIMIT_AS, &cap->before);
	cap->set = false;
}
