/* elf.c - reads the dynamic section of a shared object's bytes, so that a
 * plugin that brings a library along is refused by that library's name, before
 * one constructor has run. See elf(5). */
#include "config.h"
#include "plugins/process/elf.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

/* Our own header: what "this machine" means. The linker defines it. */
/* NOLINTNEXTLINE(cert-dcl51-cpp,bugprone-reserved-identifier): its name is the linker's */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct file {
	const unsigned char *bytes;
	size_t size;
	ElfW(Ehdr) header;
};

/* Copies, since nothing in a hostile file is aligned. */
static bool copy_from(const struct file *file, uint64_t offset, void *to, size_t size)
{
	if (offset > file->size || file->size - offset < size)
		return false;
	memcpy(to, file->bytes + offset, size);
	return true;
}

static bool segment(const struct file *file, size_t i, ElfW(Phdr) *segment_r)
{
	return copy_from(file, file->header.e_phoff + (uint64_t)i * sizeof *segment_r, segment_r, sizeof *segment_r);
}

/* Where in the file the loader finds an address; false if nowhere. */
static bool offset_of(const struct file *file, uint64_t address, uint64_t *offset_r)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		ElfW(Phdr) load;

		if (!segment(file, i, &load))
			return false;
		if (load.p_type != PT_LOAD || address < load.p_vaddr || address - load.p_vaddr >= load.p_filesz)
			continue;
		*offset_r = address - load.p_vaddr + load.p_offset;
		return *offset_r >= load.p_offset; /* no wrap */
	}
	return false;
}

static const char *check_header(struct file *file)
{
	const unsigned char *ident = file->header.e_ident;

	if (file->size == 0)
		return "is empty";
	if (file->size < SELFMAG || memcmp(file->bytes, ELFMAG, SELFMAG) != 0)
		return "is not an ELF file";
	if (!copy_from(file, 0, &file->header, sizeof file->header))
		return "is cut short: its ELF header is not whole";
	if (ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] || ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    file->header.e_machine != __ehdr_start.e_machine)
		return "is an ELF file for another kind of machine";
	if (file->header.e_type == ET_EXEC)
		return "is a program, not a shared object";
	if (file->header.e_type == ET_REL)
		return "is an object file (.o), not a shared object";
	if (file->header.e_type != ET_DYN)
		return "is an ELF file, but not a shared object";
	if (file->header.e_phentsize != sizeof(ElfW(Phdr)) || file->header.e_phnum == 0 ||
	    file->header.e_phnum == PN_XNUM || file->header.e_phoff > file->size ||
	    (file->size - file->header.e_phoff) / sizeof(ElfW(Phdr)) < file->header.e_phnum)
		return "is cut short or damaged: its program headers lie outside the file";
	return NULL;
}

/* Each segment's bytes must be in the file: the loader maps them unasked, and
 * touching what is not there is SIGBUS. */
static const char *check_segments(const struct file *file, ElfW(Phdr) *dynamic_r)
{
	bool found = false;

	for (size_t i = 0; i < file->header.e_phnum; i++) {
		ElfW(Phdr) one;

		if (!segment(file, i, &one))
			return "is cut short or damaged: its program headers lie outside the file";
		if (one.p_type != PT_LOAD && one.p_type != PT_DYNAMIC)
			continue;
		if (one.p_offset > file->size || file->size - one.p_offset < one.p_filesz)
			return "is cut short: a segment lies outside the file";
		if (one.p_type == PT_DYNAMIC) {
			if (found)
				return "is damaged: it has two dynamic sections";
			found = true;
			*dynamic_r = one;
		}
	}
	return found ? NULL : "is damaged: it has no dynamic section";
}

static const char *add_needed(const struct file *file, uint64_t strings, uint64_t size, uint64_t name,
                              struct sg_elf *elf)
{
	const char *text;

	if (name >= size)
		return "is damaged: the name of a library lies outside its string table";
	text = (const char *)file->bytes + strings + name;
	if (memchr(text, '\0', size - name) == NULL)
		return "is damaged: the name of a library has no end";
	if (elf->count == SG_ELF_MAX_NEEDED)
		return "needs more libraries than any plugin should";
	elf->needed[elf->count++] = text;
	return NULL;
}

const char *sg_elf_read(const void *bytes, size_t size, struct sg_elf *elf_r)
{
	struct file file = { .bytes = bytes, .size = size };
	ElfW(Phdr) dynamic = { 0 };
	uint64_t table = 0, strings = 0, table_size = 0;
	const char *problem = check_header(&file);
	size_t entries;

	elf_r->count = 0;
	if (problem == NULL)
		problem = check_segments(&file, &dynamic);
	if (problem != NULL)
		return problem;
	entries = dynamic.p_filesz / sizeof(ElfW(Dyn));
	/* twice: the string table may come after the names that point into it */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < entries; i++) {
			ElfW(Dyn) entry;

			if (!copy_from(&file, dynamic.p_offset + (uint64_t)i * sizeof entry, &entry, sizeof entry))
				return "is damaged: its dynamic section lies outside the file";
			if (entry.d_tag == DT_NULL)
				break;
			if (round == 0 && entry.d_tag == DT_STRTAB)
				table = entry.d_un.d_ptr;
			else if (round == 0 && entry.d_tag == DT_STRSZ)
				table_size = entry.d_un.d_val;
			else if (round == 1 && (entry.d_tag == DT_NEEDED || entry.d_tag == DT_FILTER ||
			                        entry.d_tag == DT_AUXILIARY))
				problem = add_needed(&file, strings, table_size, entry.d_un.d_val, elf_r);
			if (problem != NULL)
				return problem;
		}
		if (!offset_of(&file, table, &strings) || strings > file.size || file.size - strings < table_size)
			return "is damaged: its string table lies outside the file";
	}
	return NULL;
}

/* "libc.so.6" is libc; "libcrypt.so.1" is not. */
static bool is_library(const char *needed, const char *stem)
{
	size_t length = strlen(stem);

	return strncmp(needed, stem, length) == 0 && strncmp(needed + length, ".so", 3) == 0 &&
	       (needed[length + 3] == '\0' || needed[length + 3] == '.');
}

bool sg_elf_is_common(const char *needed)
{
	static const char *const stems[] = { "libc", "libm", "libgcc_s", "libstdc++",
#ifdef SG_SANITIZED
		                             "libasan", "libubsan",
#endif
	};

	if (strchr(needed, '/') != NULL)
		return false;
	if (strncmp(needed, "ld-linux", 8) == 0)
		return true;
	for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++)
		if (is_library(needed, stems[i]))
			return true;
	return false;
}

bool sg_elf_is_named(const char *needed, const char *allowed)
{
	return strcmp(needed, allowed) == 0 || (strchr(needed, '/') == NULL && is_library(needed, allowed));
}
