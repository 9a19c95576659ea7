/* load.c - dlopen of a descriptor; the only file that includes <dlfcn.h>.
 *
 * RTLD_NOW, so that what does not resolve is said now and not in the middle of
 * a migration; RTLD_LOCAL, so that nothing of the plugin is offered to others.
 * dlsym looks into a plugin's dependencies too: a symbol counts as the
 * plugin's own only if its link map is the plugin's. */
#include "config.h"
#include "plugins/process/load.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "plugins/process/elf.h"

#define TEXT_LIMIT 1024 /* of what a plugin says of itself; the host has the true limits */

static int refuse(struct sg_load *load, enum sg_refusal refusal, const char *a, const char *b)
{
	load->refusal = refusal;
	load->a = a;
	load->b = b;
	return -1;
}

static int check_needed(struct sg_load *load, const struct sg_elf *elf)
{
	for (size_t i = 0; i < elf->count; i++) {
		bool named = sg_elf_is_common(elf->needed[i]);

		for (size_t k = 0; k < load->library_count && !named; k++)
			named = sg_elf_is_named(elf->needed[i], load->libraries[k]);
		if (!named) {
			/* a copy, bounded: the file is about to be unmapped */
			load->a = strndup(elf->needed[i], TEXT_LIMIT);
			return refuse(load, SG_REFUSAL_NEEDED, load->a, NULL);
		}
	}
	return 0;
}

static int check_file(struct sg_load *load)
{
	struct sg_elf elf;
	struct stat info;
	const char *problem;
	void *bytes;
	int status;

	if (fstat(load->fd, &info) != 0)
		return refuse(load, SG_REFUSAL_ELF, "cannot be read", NULL);
	if (info.st_size == 0)
		return refuse(load, SG_REFUSAL_ELF, "is empty", NULL);
	bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, load->fd, 0);
	if (bytes == MAP_FAILED)
		return refuse(load, SG_REFUSAL_ELF, "cannot be mapped", NULL);
	problem = sg_elf_read(bytes, (size_t)info.st_size, &elf);
	status = problem == NULL ? check_needed(load, &elf) : refuse(load, SG_REFUSAL_ELF, problem, NULL);
	munmap(bytes, (size_t)info.st_size);
	return status;
}

/* The loader knows the plugin as /proc/self/fd/N; people know it by its path. */
static const char *with_path(const char *message, const char *name, const char *path)
{
	const char *at = strstr(message, name);
	size_t size = strlen(message) + strlen(path) + 1;
	char *text;

	if (at == NULL)
		return strdup(message);
	text = malloc(size);
	if (text != NULL)
		snprintf(text, size, "%.*s%s%s", (int)(at - message), message, path, at + strlen(name));
	return text;
}

int sg_load_open(struct sg_load *load)
{
	char name[32];

	if (check_file(load) != 0)
		return -1;
	snprintf(name, sizeof name, "/proc/self/fd/%d", load->fd);
	load->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (load->handle == NULL)
		return refuse(load, SG_REFUSAL_DLOPEN, with_path(dlerror(), name, load->path), NULL);
	return 0;
}

/* The symbol, if there is one; from_r is NULL if it is the plugin's own, else
 * the file that it comes from. */
static void *find(const struct sg_load *load, const char *name, const char **from_r)
{
	void *symbol = dlsym(load->handle, name);
	struct link_map *own = NULL;
	void *other = NULL;
	Dl_info info;

	*from_r = NULL;
	if (symbol == NULL)
		return NULL;
	if (dlinfo(load->handle, RTLD_DI_LINKMAP, &own) != 0 || dladdr1(symbol, &info, &other, RTLD_DL_LINKMAP) == 0) {
		*from_r = "an unknown object";
		return symbol;
	}
	if (other != (void *)own)
		*from_r = ((struct link_map *)other)->l_name;
	return symbol;
}

static const char *bounded(const char *text)
{
	return text != NULL && strnlen(text, TEXT_LIMIT + 1) > TEXT_LIMIT ? strndup(text, TEXT_LIMIT) : text;
}

/* ISO C has no cast from void * to a function; POSIX promises this much. */
static void entry(struct sg_load *load, int which, const char *name, void *function_r)
{
	const char *from;
	void *symbol = find(load, name, &from);

	load->hello.entries[which].found = symbol == NULL ? SG_WIRE_ABSENT : from == NULL ? SG_WIRE_OWN : SG_WIRE_BORROWED;
	load->hello.entries[which].from = bounded(from);
	memcpy(function_r, &symbol, sizeof symbol);
}

int sg_load_look(struct sg_load *load)
{
	const sg_plugin_info *(*plugin)(void);
	const sg_plugin_info *info;
	const char *from;
	void *symbol = find(load, "sg_plugin", &from);

	if (symbol == NULL || from != NULL)
		return refuse(load, SG_REFUSAL_NO_INFO, NULL, from);
	memcpy(&plugin, &symbol, sizeof symbol);
	info = plugin();
	if (info == NULL)
		return refuse(load, SG_REFUSAL_NULL_INFO, NULL, NULL);
	load->hello.size = info->size;
	load->hello.magic = info->magic;
	/* beyond size and magic only what these two vouch for */
	if (info->magic == SG_PLUGIN_MAGIC && info->size >= sizeof *info) {
		load->hello.abi_major = info->abi_major;
		load->hello.abi_minor = info->abi_minor;
		load->hello.kind = info->kind;
		load->hello.flags = info->flags;
		if (info->abi_major == SG_ABI_MAJOR) {
			load->hello.id = bounded(info->id);
			load->hello.title = bounded(info->title);
			load->hello.table = bounded(info->table);
			load->hello.key = bounded(info->key);
		}
	}
	entry(load, SG_WIRE_FINGERPRINT, "fingerprint", &load->fingerprint);
	entry(load, SG_WIRE_RUN, "run", &load->run);
	entry(load, SG_WIRE_BATCH, "backfill_batch", &load->batch);
	return 0;
}
