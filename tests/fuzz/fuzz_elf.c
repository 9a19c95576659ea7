/* fuzz_elf.c - a plugin's file, before it is loaded: any bytes. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/process/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sg_elf elf;
	const char *end = (const char *)data + size;

	if (sg_elf_read(data, size, &elf) != NULL)
		return 0;
	for (size_t i = 0; i < elf.count; i++) {
		if (elf.needed[i] < (const char *)data || elf.needed[i] >= end ||
		    memchr(elf.needed[i], '\0', (size_t)(end - elf.needed[i])) == NULL)
			abort();
		(void)sg_elf_is_common(elf.needed[i]);
	}
	return 0;
}
