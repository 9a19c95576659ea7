/* main.c - sgrun-plugin: the process that a plugin runs in.
 *
 * Started by sgrun, never by hand: descriptor 0 is the socket to it, 1 and 2
 * are a pipe that it logs, 3 holds the plugin's bytes. Confines itself, loads
 * the plugin, says what it is, then runs its entry points as told. It knows no
 * server, no password and no manifest. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/process/api.h"
#include "plugins/process/channel.h"
#include "plugins/process/confine.h"
#include "plugins/process/load.h"
#include "plugins/process/nursery.h"

#define IMAGE_FD 3

__attribute__((noreturn)) static void refuse(enum sg_refusal refusal, const char *a, const char *b)
{
	struct sg_wire_out *out = sg_channel_begin(SG_WIRE_REFUSED);

	sg_wire_put_u32(out, refusal);
	sg_wire_put_text(out, a);
	sg_wire_put_text(out, b);
	(void)sg_channel_send();
	sg_channel_exit(SG_EXIT_REFUSED);
}

/* The texts stay in the memory that is never freed: one set-up, one process. */
static void set_up(struct sg_confine *confine, struct sg_load *load)
{
	struct sg_wire_frame frame;
	struct sg_wire_fields fields;
	const char **libraries;
	uint32_t version;

	sg_channel_receive(&frame);
	frame.payload = sg_channel_keep(&frame);
	sg_wire_fields_init(&fields, &frame);
	version = sg_wire_get_u32(&fields);
	if (frame.type != SG_WIRE_SETUP)
		sg_channel_exit(SG_EXIT_HOST);
	if (version != SG_WIRE_VERSION)
		refuse(SG_REFUSAL_VERSION, PACKAGE_VERSION_TEXT, NULL);
	confine->parent = sg_wire_get_u32(&fields);
	confine->mode = (enum sg_confine_mode)sg_wire_get_u32(&fields);
	confine->cpu_seconds = sg_wire_get_u32(&fields);
	load->library_count = sg_wire_get_u32(&fields);
	load->path = sg_wire_get_text(&fields);
	if (fields.bad || load->path == NULL || load->library_count > 1024)
		sg_channel_exit(SG_EXIT_HOST);
	libraries = calloc(load->library_count + 1, sizeof *libraries);
	if (libraries == NULL)
		sg_channel_exit(SG_EXIT_MEMORY);
	for (size_t i = 0; i < load->library_count; i++)
		libraries[i] = sg_wire_get_text(&fields);
	if (!sg_wire_complete(&fields))
		sg_channel_exit(SG_EXIT_HOST);
	load->libraries = libraries;
	load->fd = IMAGE_FD;
}

static void say_hello(struct sg_load *load, const struct sg_confine *confine)
{
	load->hello.missing = confine->missing;
	sg_wire_put_hello(sg_channel_begin(SG_WIRE_HELLO), &load->hello);
	(void)sg_channel_send();
}

/* One plugin, from its loading to its end. */
static void serve(void)
{
	struct sg_confine confine = { 0 };
	struct sg_load load = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up(&confine, &load);
	if (sg_confine_before_load(&confine) != 0)
		refuse(SG_REFUSAL_SANDBOX, confine.what, strerror(confine.error));
	if (sg_load_open(&load) != 0)
		refuse(load.refusal, load.a, load.b);
	close(IMAGE_FD);
	if (sg_confine_after_load(&confine) != 0)
		refuse(SG_REFUSAL_SANDBOX, confine.what, strerror(confine.error));
	if (sg_load_look(&load) != 0)
		refuse(load.refusal, load.a, load.b);
	say_hello(&load, &confine);
	for (;;) {
		struct sg_wire_frame frame;

		sg_channel_receive(&frame);
		if (frame.type == SG_WIRE_LEAVE)
			sg_channel_exit(SG_EXIT_DONE);
		if (frame.type != SG_WIRE_CALL)
			sg_channel_exit(SG_EXIT_HOST);
		sg_api_call(&load, &frame);
	}
}

static int started_by_hand(int count, char **arguments)
{
	struct stat info;

	if (count == 2 && strcmp(arguments[1], "--version") == 0) {
		puts(PACKAGE_VERSION_TEXT);
		return SG_EXIT_DONE;
	}
	if (count == 2 && strncmp(arguments[1], SG_NURSERY_ARGUMENT, strlen(SG_NURSERY_ARGUMENT)) == 0)
		return sg_nursery_main(arguments[1], serve);
	if (fstat(SG_CHANNEL_FD, &info) == 0 && S_ISSOCK(info.st_mode) && fstat(IMAGE_FD, &info) == 0)
		return -1;
	fputs("sgrun-plugin: is started by sgrun, for one plugin at a time; see sgrun(1)\n", stderr);
	return SG_EXIT_USAGE;
}

int main(int count, char **arguments)
{
	int status = started_by_hand(count, arguments);

	if (status >= 0)
		return status;
	if (close_range(IMAGE_FD + 1, ~0U, 0) != 0)
		for (int fd = IMAGE_FD + 1; fd < 1024; fd++)
			close(fd);
	serve();
}
