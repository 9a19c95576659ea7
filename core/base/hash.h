/* hash.h - SHA-256, by libmd. */
#ifndef SG_HASH_H
#define SG_HASH_H

#include "core/base/base.h"

#define SG_SHA256_HEX 65 /* 64 hex digits and the NUL */

/* Lower-case hex digits of the SHA-256 of the bytes. */
void sg_hash_sha256(const void *bytes, size_t length, char hex_r[SG_SHA256_HEX]);

#endif
