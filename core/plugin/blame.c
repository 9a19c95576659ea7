/* blame.c - turns hellos, refusals and deaths of plugins into errors. All that
 * the user reads about a bad plugin is here. */
#include "config.h"
#include "core/plugin/blame.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/plugin/abi.h"

#define NO_NEED "A plugin has no files, no network, no processes and no threads: all it needs goes through <sgrun/plugin.h>."
#define REBUILD "Build the plugin against this sgrun's <sgrun/plugin.h>."
/* struct sg_plugin_info as of ABI 1.0: what every plugin has at least */
#define LEAST_SIZE (6 * sizeof(uint32_t) + 4 * sizeof(void *))

static const char *const entry_names[] = { "fingerprint", "run", "backfill_batch" };

static const char *kind_name(uint32_t kind)
{
	return kind == SG_KIND_MIGRATION ? "migration"
	       : kind == SG_KIND_BACKFILL ? "backfill"
	       : kind == SG_KIND_DRAIN ? "drain backfill"
	                               : NULL;
}

/* Magic, size and version: until they fit, nothing else means anything. */
static int judge_abi(const struct sg_wire_hello *hello, const char *path, struct sg_err *err)
{
	if (hello->magic != SG_PLUGIN_MAGIC) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its sg_plugin() is not one of sgrun's", path);
		sg_err_detail(err, "Its magic number is 0x%08x, expected is 0x%08x.", hello->magic, SG_PLUGIN_MAGIC);
		return sg_err_hint(err, "Let SG_MIGRATION, SG_BACKFILL or SG_DRAIN write sg_plugin().");
	}
	if (hello->size < LEAST_SIZE) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its sg_plugin() gives too little", path);
		sg_err_detail(err, "It says %u bytes, at least %zu are expected.", hello->size, LEAST_SIZE);
		return sg_err_hint(err, REBUILD);
	}
	if (hello->abi_major != SG_ABI_MAJOR) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: is for plugin ABI %u, this sgrun has ABI %d", path,
		           hello->abi_major, SG_ABI_MAJOR);
		sg_err_detail(err, "It was built for ABI %u.%u, this sgrun has %d.%d.", hello->abi_major, hello->abi_minor,
		              SG_ABI_MAJOR, SG_ABI_MINOR);
		return sg_err_hint(err, hello->abi_major > SG_ABI_MAJOR ? "Use a newer sgrun, or build the plugin against this one's <sgrun/plugin.h>."
		                                                        : REBUILD);
	}
	if (hello->abi_minor > SG_ABI_MINOR) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: needs sgrun >= %u.%u", path, hello->abi_major, hello->abi_minor);
		sg_err_detail(err, "It was built for plugin ABI %u.%u, this sgrun has %d.%d.", hello->abi_major,
		              hello->abi_minor, SG_ABI_MAJOR, SG_ABI_MINOR);
		return sg_err_hint(err, "Use a newer sgrun, or define SG_USE_ABI_MINOR as %d before the include if the plugin uses nothing newer.",
		                   SG_ABI_MINOR);
	}
	return 0;
}

static int judge_kind(const struct sg_wire_hello *hello, const struct sg_expected *expected, const char *path,
                      struct sg_err *err)
{
	const char *kind = kind_name(hello->kind), *wanted = expected->migration ? "migration" : "backfill";
	uint32_t known = hello->kind == SG_KIND_MIGRATION ? SG_NO_TRANSACTION
	                 : hello->kind == SG_KIND_BACKFILL ? SG_REPEATABLE
	                                                   : 0;

	if (kind == NULL) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: is of a kind that this sgrun does not know (%u)", path, hello->kind);
		return sg_err_hint(err, "Let SG_MIGRATION, SG_BACKFILL or SG_DRAIN write sg_plugin().");
	}
	if (!expected->anything && (hello->kind == SG_KIND_MIGRATION) != expected->migration) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: is a %s, the section is a %s", path, kind, wanted);
		return sg_err_hint(err, "Name a %s as plugin, or make it a [%s …] section.", wanted,
		                   expected->migration ? "backfill" : "migration");
	}
	if ((hello->flags & ~known) != 0) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: has flags that a %s cannot have (0x%x)", path, kind,
		           hello->flags & ~known);
		return sg_err_hint(err, "SG_NO_TRANSACTION is for migrations, SG_REPEATABLE for backfills with a key.");
	}
	return 0;
}

static int judge_texts(const struct sg_wire_hello *hello, const struct sg_expected *expected, const char *path,
                       struct sg_err *err)
{
	const char *const texts[] = { hello->id, hello->title, hello->table, hello->key };
	static const char *const names[] = { "id", "title", "table", "key" };

	for (size_t i = 0; i < SG_COUNT(texts); i++) {
		if (texts[i] != NULL && sg_text_utf8(texts[i], strlen(texts[i])))
			continue;
		if (texts[i] == NULL && (i == 1 || (i > 1 && hello->kind != SG_KIND_BACKFILL)))
			continue;
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its %s is %s", path, names[i], texts[i] == NULL ? "missing" : "not valid UTF-8");
		return sg_err_hint(err, "Give it in SG_MIGRATION, SG_BACKFILL or SG_DRAIN.");
	}
	if (strlen(hello->id) > SG_MAX_ID) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its id has %zu bytes, at most %d are allowed", path, strlen(hello->id),
		           SG_MAX_ID);
		return sg_err_hint(err, "Choose a shorter id.");
	}
	if (!expected->anything && strcmp(hello->id, expected->step) != 0) {
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its id is \"%s\", the section's is \"%s\"", path, hello->id,
		           expected->step);
		return sg_err_hint(err, "Name the right plugin, or give both the same id.");
	}
	return 0;
}

static int judge_entries(const struct sg_wire_hello *hello, const char *path, struct sg_err *err)
{
	bool migration = hello->kind == SG_KIND_MIGRATION;
	const bool wanted[] = { true, migration, !migration };

	for (int i = 0; i < SG_WIRE_ENTRIES; i++) {
		uint32_t found = hello->entries[i].found;

		if (wanted[i] && found == SG_WIRE_BORROWED) {
			sg_err_set(err, SG_CLASS_REFUSED, "%s: has no %s of its own", path, entry_names[i]);
			sg_err_detail(err, "The one that was found comes from %s.",
			              hello->entries[i].from != NULL ? hello->entries[i].from : "a library");
			return sg_err_hint(err, "Define %s in the plugin itself.", entry_names[i]);
		}
		if (wanted[i] && found != SG_WIRE_OWN) {
			sg_err_set(err, SG_CLASS_REFUSED, "%s: has no %s, which a %s must have", path, entry_names[i],
			           kind_name(hello->kind));
			return sg_err_hint(err, "Define it as <sgrun/plugin.h> declares it, neither static nor hidden.");
		}
		if (!wanted[i] && found == SG_WIRE_OWN) {
			sg_err_set(err, SG_CLASS_REFUSED, "%s: has %s, which a %s must not have", path, entry_names[i],
			           kind_name(hello->kind));
			return sg_err_hint(err, "Remove it, or move it to a plugin of its own: a step does one thing.");
		}
	}
	return 0;
}

int sg_blame_hello(const struct sg_wire_hello *hello, const struct sg_expected *expected, const char *path,
                   struct sg_err *err)
{
	return judge_abi(hello, path, err) != 0 || judge_kind(hello, expected, path, err) != 0 ||
	                       judge_texts(hello, expected, path, err) != 0 || judge_entries(hello, path, err) != 0
	               ? -1
	               : 0;
}

int sg_blame_refusal(uint32_t refusal, const char *a, const char *b, const char *path, struct sg_err *err)
{
	const char *text = a != NULL ? a : "";

	switch (refusal) {
	case SG_REFUSAL_VERSION:
		sg_err_set(err, SG_CLASS_REFUSED, "sgrun-plugin is not of the same version as sgrun");
		sg_err_detail(err, "This is %s, it is %s.", PACKAGE_VERSION_TEXT, text);
		return sg_err_hint(err, "Install sgrun anew; SGRUN_PLUGIN_HOST must name this version's sgrun-plugin.");
	case SG_REFUSAL_SANDBOX:
		sg_err_set(err, SG_CLASS_REFUSED, "cannot confine the plugin's process: no %s (%s)", text, b != NULL ? b : "");
		return sg_err_hint(err, "sandbox = best-effort in [sgrun] runs plugins without what this system lacks.");
	case SG_REFUSAL_ELF:
		sg_err_set(err, SG_CLASS_REFUSED, "%s: %s", path, text);
		return sg_err_hint(err, "A plugin is a shared object built on this machine's architecture (cc -shared -fPIC).");
	case SG_REFUSAL_NEEDED:
		sg_err_set(err, SG_CLASS_REFUSED, "%s: needs %s", path, text);
		sg_err_detail(err, "A plugin may need libc, libm, libgcc_s and libstdc++.");
		return sg_err_hint(err, sg_text_prefix(text, "libpq.so")
		                                ? "A plugin has no connection of its own: use sg_ddl, sg_dml and sg_query."
		                                : "Do without it, or name it in the section: libraries = %s", text);
	case SG_REFUSAL_DLOPEN:
		sg_err_set(err, SG_CLASS_REFUSED, "%s%s%s", strstr(text, path) == NULL ? path : "", strstr(text, path) == NULL ? ": " : "", text);
		return sg_err_hint(err, strstr(text, "undefined symbol") != NULL
		                                ? "Define it, or link the library that has it."
		                                : "The dynamic loader cannot load it.");
	case SG_REFUSAL_NO_INFO:
		sg_err_set(err, SG_CLASS_REFUSED, "%s: has no sg_plugin%s%s", path, b != NULL ? " of its own, but finds one in " : "",
		           b != NULL ? b : "");
		return sg_err_hint(err, "SG_MIGRATION(id, title), SG_BACKFILL(id, title, table, key) or SG_DRAIN(id, title) writes it.");
	case SG_REFUSAL_NULL_INFO:
		sg_err_set(err, SG_CLASS_REFUSED, "%s: its sg_plugin() returns NULL", path);
		return sg_err_hint(err, "Let SG_MIGRATION, SG_BACKFILL or SG_DRAIN write sg_plugin().");
	default:
		return sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin's process refused it for no known reason (%u)", refusal);
	}
}

int sg_blame_forbidden(uint32_t number, const char *name, const char *where, struct sg_err *err)
{
	if (name != NULL)
		sg_err_set(err, SG_CLASS_POLICY, "the plugin made a forbidden system call %s: %s", where, name);
	else
		sg_err_set(err, SG_CLASS_POLICY, "the plugin made a forbidden system call %s: number %u", where, number);
	return sg_err_hint(err, NO_NEED);
}

int sg_blame_timeout(int64_t limit_ms, const char *where, struct sg_err *err)
{
	char text[32];

	sg_clock_text(limit_ms, text);
	sg_err_set(err, SG_CLASS_TIMEOUT, "the plugin did not answer within %s %s", text, where);
	return sg_err_hint(err, "The time of its SQL does not count. Raise plugin_seconds if its own work takes longer.");
}

int sg_blame_death(int status, const char *where, const char *last, struct sg_err *err)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const char *name = number > 0 ? sigabbrev_np(number) : NULL;

	if (number == SIGSYS) {
		sg_err_set(err, SG_CLASS_POLICY, "the plugin made a forbidden system call %s", where);
		sg_err_detail(err, "It died of SIGSYS with that signal blocked, as in fork() and pthread_create(), so nothing says which call it was.");
		sg_err_hint(err, NO_NEED);
	} else if (number == SIGXCPU) {
		sg_err_set(err, SG_CLASS_TIMEOUT, "the plugin used up its processor time %s", where);
	} else if (number > 0) {
		sg_err_set(err, SG_CLASS_CRASH, "the plugin died of SIG%s (%s) %s", name != NULL ? name : "?",
		           sigdescr_np(number) != NULL ? sigdescr_np(number) : "unknown signal", where);
		sg_err_hint(err, number == SIGKILL ? "Another process killed it; if the system was out of memory, its log says so."
		                                   : "This is a bug of the plugin. sgrun-plugin(3) says how to debug one.");
	} else {
		sg_err_set(err, SG_CLASS_CRASH, "the plugin's process ended with exit status %d %s", WEXITSTATUS(status), where);
		sg_err_hint(err, "A plugin must return from its entry points, never call exit().");
	}
	if (last[0] != '\0' && err->detail == NULL)
		sg_err_detail(err, "The last that it printed was: %s", last);
	return -1;
}

int sg_blame_violation(const struct sg_wire_frame *frame, const char *where, struct sg_err *err)
{
	sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin sent a \"%s\" that makes no sense %s", sg_wire_name(frame->type),
	           where);
	return sg_err_hint(err, "A plugin talks to sgrun only through <sgrun/plugin.h>.");
}

int sg_blame_frame(const struct sg_wire_frame *frame, const char *where, struct sg_err *err)
{
	struct sg_wire_fields fields;
	const char *a, *b;
	uint32_t number;
	int64_t had, limit;

	sg_wire_fields_init(&fields, frame);
	switch (frame->type) {
	case SG_WIRE_FORBIDDEN:
		number = sg_wire_get_u32(&fields);
		a = sg_wire_get_text(&fields);
		return sg_wire_complete(&fields) ? sg_blame_forbidden(number, a, where, err)
		                                 : sg_blame_violation(frame, where, err);
	case SG_WIRE_MISUSE:
		a = sg_wire_get_text(&fields);
		if (a == NULL || !sg_wire_complete(&fields))
			return sg_blame_violation(frame, where, err);
		return sg_err_set(err, SG_CLASS_PROTOCOL, "the plugin misused %s (%s)", a, where);
	case SG_WIRE_TOO_BIG:
		a = sg_wire_get_text(&fields);
		had = sg_wire_get_i64(&fields);
		limit = sg_wire_get_i64(&fields);
		b = sg_wire_get_text(&fields);
		if (a == NULL || b == NULL || !sg_wire_complete(&fields))
			return sg_blame_violation(frame, where, err);
		sg_err_set(err, SG_CLASS_POLICY, "%s %s has too much: %jd %s", a, where, (intmax_t)had, b);
		return sg_err_hint(err, "At most %jd are allowed.", (intmax_t)limit);
	default:
		return 0;
	}
}
