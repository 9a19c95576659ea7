/* elf.h - what a plugin's file says it is and needs, read without loading it.
 *
 * Pure: bytes in, verdict out. The file is hostile: every offset is checked
 * against the size before it is followed, nothing is mapped or run. */
#ifndef SG_PROCESS_ELF_H
#define SG_PROCESS_ELF_H

#include <stdbool.h>
#include <stddef.h>

#define SG_ELF_MAX_NEEDED 64

struct sg_elf {
	/* DT_NEEDED, and whatever else makes the loader bring in another object
	 * (DT_FILTER, DT_AUXILIARY); they point into the bytes. */
	const char *needed[SG_ELF_MAX_NEEDED];
	size_t count;
};

/* NULL if it is a shared object for this machine; else what is wrong with it,
 * as a phrase that follows the path ("is not an ELF file"). */
const char *sg_elf_read(const void *bytes, size_t size, struct sg_elf *elf_r);

/* True for the libraries that any plugin may need: libc, libm, libgcc_s,
 * libstdc++, ld-linux (in instrumented builds the sanitizers' too). */
bool sg_elf_is_common(const char *needed);
/* True if `allowed` names it: in full ("libz.so.1") or without version ("libz"). */
bool sg_elf_is_named(const char *needed, const char *allowed);

#endif
