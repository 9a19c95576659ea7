/* image.h - a plugin's file: found, trusted, and held.
 *
 * The file is opened once, checked by its descriptor, and copied into a sealed
 * memfd that every attempt loads: what was checked and hashed is what runs. The
 * host never maps or loads it. */
#ifndef SG_IMAGE_H
#define SG_IMAGE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/hash.h"

struct sg_image {
	const char *path;           /* where it was found */
	char sha256[SG_SHA256_HEX]; /* of what the memfd holds */
	int fd;                     /* sealed memfd; closed with the arena */
};

/* name is looked up as NAME.so in each folder of plugin_path (as it stands, not
 * relative to base) and its .libs; a name with a slash is a path, relative to base. pin is the manifest's
 * sha256 or NULL. Errors: SG_CLASS_REFUSED, without file and line: the caller
 * adds the manifest's. */
SG_MUST_CHECK int sg_image_open(const char *name, const char *base, const char *const *plugin_path, size_t folders,
                                const char *pin, struct sg_arena *arena, struct sg_image *image_r,
                                struct sg_err *err);

#endif
