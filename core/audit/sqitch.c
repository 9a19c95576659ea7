/* sqitch.c - see sqitch.h. */
#include "config.h"
#include "core/audit/sqitch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/audit/bytes.h"

#define PLAN_LIMIT ((size_t)4 << 20)
#define CONF_LIMIT ((size_t)64 << 10)
#define DEPTH 16 /* folders below deploy/ that are counted */

struct change {
	const char *name, *note;
	const char *id;       /* the name; of an older one, with its tag */
	const char *script;   /* NULL: missing */
	int line;
	size_t tags;          /* how many there were before it */
};

struct plan {
	const char *path;
	struct change *list;
	size_t count, capacity;
	const char **tags;
	size_t tag_count, tag_capacity;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line that ends with a NUL. */
static char *take_word(char **at)
{
	char *word = *at;

	while (is_blank(*word))
		word++;
	for (*at = word; **at != '\0' && !is_blank(**at);)
		(*at)++;
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

/* A script's name must stay in deploy/. */
static bool stays_inside(const char *name)
{
	return name[0] != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && strstr(name, "/../") == NULL &&
	       (strlen(name) < 3 || strcmp(name + strlen(name) - 3, "/..") != 0);
}

static void take_line(struct plan *plan, char *line, int number, struct sg_arena *arena, struct sg_errs *errs)
{
	char *note = strchr(line, '#'), *word;

	if (note != NULL) {
		*note++ = '\0';
		while (is_blank(*note))
			note++;
		for (size_t length = strlen(note); length > 0 && is_blank(note[length - 1]);)
			note[--length] = '\0';
	}
	word = take_word(&line);
	if (word[0] == '\0' || word[0] == '%')
		return;
	if (word[0] == '@') {
		plan->tags = sg_arena_grow(arena, plan->tags, &plan->tag_capacity, plan->tag_count + 1, sizeof *plan->tags);
		plan->tags[plan->tag_count++] = word;
		return;
	}
	if (word[0] == '-' || word[0] == '+') {
		bool reverts = word[0] == '-';

		word = word[1] == '\0' ? take_word(&line) : word + 1;
		if (reverts || word[0] == '\0')
			return;
	}
	if (!stays_inside(word)) {
		struct sg_err *err = sg_errs_add(errs);

		(void)sg_err_set(err, SG_CLASS_MANIFEST, "the change's name leads out of deploy/");
		(void)sg_err_hint(err, "Name a change by a path below deploy/.");
		(void)sg_err_at(err, sg_bytes_shown(plan->path, arena), number);
		return;
	}
	plan->list = sg_arena_grow(arena, plan->list, &plan->capacity, plan->count + 1, sizeof *plan->list);
	plan->list[plan->count++] = (struct change){ .name = word,
		                                     .id = word,
		                                     .note = note != NULL && note[0] != '\0' ? note : NULL,
		                                     .line = number,
		                                     .tags = plan->tag_count };
}

static void read_plan(struct plan *plan, char *text, size_t length, struct sg_arena *arena, struct sg_errs *errs)
{
	int number = 1;

	for (size_t at = 0; at < length; number++) {
		char *end = memchr(text + at, '\n', length - at);
		size_t next = end != NULL ? (size_t)(end - text) + 1 : length;

		if (end != NULL)
			*end = '\0';
		take_line(plan, text + at, number, arena, errs);
		at = next;
	}
}

static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static int compare(const void *x, const void *y)
{
	const struct change *const *a = x, *const *b = y;
	int order = strcmp((*a)->name, (*b)->name);

	if (order != 0)
		return order;
	return (*a)->line < (*b)->line ? -1 : (*a)->line > (*b)->line;
}

/* The older of two changes of one name: its script bears a tag that is set before the newer one, the latest that has a file
 * (App::Sqitch::Plan::Change, path_segments). */
static void find_old_script(const struct plan *plan, struct change *old, const struct change *newer, const char *deploy,
                            struct sg_arena *arena)
{
	for (size_t i = newer->tags; i-- > old->tags && old->script == NULL;) {
		const char *path;

		old->id = sg_arena_printf(arena, "%s%s", old->name, plan->tags[i]);
		path = sg_arena_printf(arena, "%s/%s.sql", deploy, old->id);
		if (is_file(path))
			old->script = path;
	}
}

static void find_scripts(struct plan *plan, const char *deploy, struct sg_arena *arena)
{
	struct change **sorted = sg_arena_array(arena, plan->count + 1, sizeof *sorted);

	for (size_t i = 0; i < plan->count; i++)
		sorted[i] = &plan->list[i];
	if (plan->count > 0)
		qsort(sorted, plan->count, sizeof *sorted, compare);
	for (size_t i = 0; i < plan->count; i++) {
		const char *path;

		if (i + 1 < plan->count && strcmp(sorted[i]->name, sorted[i + 1]->name) == 0) {
			find_old_script(plan, sorted[i], sorted[i + 1], deploy, arena);
			continue;
		}
		path = sg_arena_printf(arena, "%s/%s.sql", deploy, sorted[i]->name);
		sorted[i]->script = is_file(path) ? path : NULL;
	}
}

/* The .sql files below a folder. */
static size_t count_files(const char *path, int depth, struct sg_arena *arena)
{
	struct sg_err err = SG_ERR_INIT;
	struct sg_folder folder;
	size_t count = 0;

	if (depth == 0 || sg_folder_read(path, arena, &folder, &err) != 0) {
		sg_err_release(&err);
		return 0;
	}
	for (size_t i = 0; i < folder.count; i++) {
		const char *name = folder.list[i].name;
		size_t length = strlen(name);

		if (folder.list[i].kind == SG_ENTRY_FOLDER)
			count += count_files(sg_folder_join(path, name, arena), depth - 1, arena);
		else
			count += length > 4 && strcmp(name + length - 4, ".sql") == 0;
	}
	return count;
}

/* `top_dir = NAME` of sqitch.conf, without slashes around it; NULL: the plan's folder. */
static const char *top_folder(const struct sg_folder *folder, struct sg_arena *arena)
{
	struct sg_err err = SG_ERR_INIT;
	size_t length;
	char *text;

	if (sg_folder_find(folder, "sqitch.conf") == NULL ||
	    sg_bytes_read(sg_folder_join(folder->path, "sqitch.conf", arena), CONF_LIMIT, arena, &text, &length, &err) != 0) {
		sg_err_release(&err);
		return NULL;
	}
	for (char *line = text, *next = NULL; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (strncmp(line, "top_dir", 7) != 0)
			continue;
		line += 7 + strspn(line + 7, " \t");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t");
		while (line[0] == '.' && line[1] == '/')
			line += 2;
		length = strcspn(line, " \t\r#;");
		while (length > 0 && line[length - 1] == '/')
			length--;
		if (length == 0 || (length == 1 && line[0] == '.'))
			return NULL;
		line[length] = '\0';
		return stays_inside(line) ? line : NULL;
	}
	return NULL;
}

void sg_sqitch_find(const struct sg_folder *folder, struct sg_arena *arena, struct sg_audit_files *files, struct sg_errs *errs,
                    struct sg_sqitch_folders *folders_r)
{
	struct plan plan = { .path = sg_folder_join(folder->path, SG_SQITCH_PLAN, arena) };
	const char *top = top_folder(folder, arena), *path = top != NULL ? sg_folder_join(folder->path, top, arena) : folder->path;
	const char *deploy = sg_folder_join(path, "deploy", arena);
	struct sg_err err = SG_ERR_INIT;
	size_t length, added = files->count, scripts;
	char *text;

	*folders_r = (struct sg_sqitch_folders){ .deploy = deploy,
		                                 .revert = sg_folder_join(path, "revert", arena),
		                                 .verify = sg_folder_join(path, "verify", arena) };
	if (sg_bytes_read(plan.path, PLAN_LIMIT, arena, &text, &length, &err) != 0) {
		sg_err_move(sg_errs_add(errs), &err);
		return;
	}
	read_plan(&plan, text, length, arena, errs);
	find_scripts(&plan, deploy, arena);
	for (size_t i = 0; i < plan.count; i++) {
		const struct change *change = &plan.list[i];

		if (change->script == NULL) {
			struct sg_err *missing = sg_errs_add(errs);

			(void)sg_err_set(missing, SG_CLASS_MANIFEST, "the plan names a change whose script is missing");
			(void)sg_err_hint(missing, "Put its deploy script into deploy/, or take the change out of the plan.");
			(void)sg_err_at(missing, sg_bytes_shown(plan.path, arena), change->line);
			continue;
		}
		sg_audit_files_add(files, arena,
		                   &(struct sg_audit_file){ .path = change->script,
		                                            .id = sg_bytes_shown(change->id, arena),
		                                            .title = change->note != NULL ? sg_bytes_shown(change->note, arena) : NULL,
		                                            .layout = SG_LAYOUT_SQITCH });
	}
	scripts = count_files(deploy, DEPTH, arena);
	added = files->count - added;
	files->other += scripts > added ? scripts - added : 0;
	files->down += count_files(folders_r->revert, DEPTH, arena);
	files->other += count_files(folders_r->verify, DEPTH, arena);
}
