/* hash.c - the only file that includes libmd. */
#include "config.h"
#include "core/base/hash.h"

#include <sys/types.h>

#include <sha2.h>

void sg_hash_sha256(const void *bytes, size_t length, char hex_r[SG_SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, bytes, length);
	SHA256Final(digest, &context);
	for (size_t i = 0; i < sizeof digest; i++) {
		hex_r[2 * i] = digits[digest[i] >> 4];
		hex_r[2 * i + 1] = digits[digest[i] & 15];
	}
	hex_r[2 * sizeof digest] = '\0';
}
