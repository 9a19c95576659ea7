/* scaffold.c - new steps of templates, and the one way in which anything is written: all or nothing, over nothing.
 *
 * A file is made under a name of its own beside its place and linked to it, which fails where something is there; only when all
 * are there are the manifest's sections added, by a copy that is renamed. What was linked before a failure is taken away again. */
#include "config.h"
#include "core/scaffold/scaffold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/manifest/checks.h"
#include "core/scaffold/c_text.h"
#include "core/scaffold/templates.h"
#include "core/sql/tree.h"

#define LONGEST_MANIFEST ((size_t)16 << 20)

/* ---- templates ----------------------------------------------------------------- */

struct word {
	const char *name; /* "ID", between @ and @ */
	const char *text;
};

static const char *filled(struct sg_arena *arena, const char *text, const struct word *words, size_t count)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *copy;

	while (*text != '\0') {
		size_t length = strcspn(text, "@");

		sg_buf_add(&out, text, length);
		text += length;
		if (*text != '@')
			break;
		length = strcspn(text + 1, "@");
		for (size_t i = 0; i <= count; i++) {
			if (i == count) {
				sg_buf_addc(&out, *text++);
			} else if (strlen(words[i].name) == length && memcmp(words[i].name, text + 1, length) == 0) {
				sg_buf_adds(&out, words[i].text);
				text += length + 2;
				break;
			}
		}
	}
	copy = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return copy;
}

/* For the inside of a C string, and of a comment at once. */
static const char *quiet(struct sg_arena *arena, const char *text)
{
	struct sg_buf out = SG_BUF_INIT, comment = SG_BUF_INIT;
	const char *copy;

	sg_c_comment(&comment, text, "", 1000);
	sg_c_literal(&out, comment.data, comment.length, 0, 4000);
	copy = sg_arena_strndup(arena, out.data + 1, out.length - 2);
	sg_buf_release(&out);
	sg_buf_release(&comment);
	return copy;
}

void sg_scaffold_add(struct sg_scaffold *scaffold, struct sg_arena *arena, const char *path, const char *text, bool append)
{
	scaffold->files = sg_arena_grow(arena, scaffold->files, &scaffold->capacity, scaffold->count + 1, sizeof *scaffold->files);
	scaffold->files[scaffold->count++] = (struct sg_scaffold_file){ path, text, strlen(text), append };
}

void sg_scaffold_note(struct sg_scaffold *scaffold, struct sg_arena *arena, const char *note)
{
	scaffold->notes = sg_arena_grow(arena, scaffold->notes, &scaffold->note_capacity, scaffold->note_count + 1,
	                                sizeof *scaffold->notes);
	scaffold->notes[scaffold->note_count++] = note;
}

static int check_id(const char *what, const char *id, struct sg_err *err)
{
	const char *hint = sg_check_step_id(id);

	if (hint == NULL && strchr(id, '/') == NULL)
		return 0;
	sg_err_set(err, SG_CLASS_USAGE, "'%.200s' cannot be the name of a %s", id, what);
	return sg_err_hint(err, "%s", hint != NULL ? hint : "It becomes a file's name: without a slash.");
}

static void add_step(const struct sg_scaffold_where *where, const char *id, const char *source, const char *section,
                     struct sg_arena *arena, struct sg_scaffold *scaffold)
{
	const struct word words[] = { { "ID", id } };

	sg_scaffold_add(scaffold, arena, sg_arena_printf(arena, "%s/%s.c", where->folder, id), source, false);
	sg_scaffold_add(scaffold, arena, sg_arena_printf(arena, "%s/%s.t", where->folder, id),
	                filled(arena, sg_template_test, words, SG_COUNT(words)), false);
	if (where->manifest != NULL)
		sg_scaffold_add(scaffold, arena, where->manifest, section, true);
	else
		sg_scaffold_note(scaffold, arena, sg_arena_printf(arena, "Add to the manifest:\n%s", section));
}

int sg_scaffold_migration(const struct sg_scaffold_where *where, const char *id, const char *title, struct sg_arena *arena,
                          struct sg_scaffold *scaffold, struct sg_err *err)
{
	const char *quiet_id = quiet(arena, id), *quiet_title = quiet(arena, title != NULL ? title : id);
	const struct word words[] = { { "ID", quiet_id }, { "TITLE", quiet_title } };

	if (check_id("migration", id, err) != 0)
		return -1;
	add_step(where, id, filled(arena, sg_template_migration, words, SG_COUNT(words)),
	         sg_arena_printf(arena, "\n[migration %s]\nplugin = %s\n", id, id), arena, scaffold);
	sg_scaffold_note(scaffold, arena,
	                 sg_arena_printf(arena, "Say in %s/%s.c what it does (run), and how that shows (fingerprint).", where->folder, id));
	return 0;
}

/* ---- a backfill's key ------------------------------------------------------------- */

struct columns {
	const char *list[16]; /* as many as SG_MAX_KEYS */
	size_t count;
};

static int split_key(const char *key, struct sg_arena *arena, struct columns *columns, struct sg_err *err)
{
	columns->count = 0;
	for (const char *p = key; *p != '\0';) {
		size_t length = strcspn(p, ","), from = strspn(p, " "), to = length;
		const char *name, *hint;

		while (to > from && p[to - 1] == ' ')
			to--;
		name = from < to ? sg_arena_strndup(arena, p + from, to - from) : "";
		hint = name[0] != '\0' ? sg_check_identifier(name) : "A column's name, or several with commas between.";
		if (hint != NULL || columns->count == SG_COUNT(columns->list)) {
			sg_err_set(err, SG_CLASS_USAGE, "--key %.200s: '%.100s' cannot be a column of a key", key, name);
			return sg_err_hint(err, "%s", hint != NULL ? hint : "A key has 16 columns at most.");
		}
		columns->list[columns->count++] = name;
		p += length + (p[length] == ',');
	}
	if (columns->count > 0)
		return 0;
	sg_err_set(err, SG_CLASS_USAGE, "--key is empty");
	return sg_err_hint(err, "Name the columns that order the table: its primary key, most often.");
}

static const char *sql_name(struct sg_arena *arena, const char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return name[plain] == '\0' && (name[0] < '0' || name[0] > '9') ? name : sg_tree_quote(arena, name);
}

/* "id BETWEEN $1 AND $2", or "(a, b) BETWEEN ($1, $2) AND ($3, $4)". */
static const char *range_of(struct sg_arena *arena, const struct columns *columns)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	if (columns->count == 1) {
		sg_buf_addf(&out, "%s BETWEEN $1 AND $2", sql_name(arena, columns->list[0]));
	} else {
		for (size_t i = 0; i < columns->count; i++)
			sg_buf_addf(&out, "%s%s", i == 0 ? "(" : ", ", sql_name(arena, columns->list[i]));
		sg_buf_adds(&out, ") BETWEEN ");
		for (size_t i = 0; i < columns->count; i++)
			sg_buf_addf(&out, "%s$%zu", i == 0 ? "(" : ", ", i + 1);
		sg_buf_adds(&out, ") AND ");
		for (size_t i = 0; i < columns->count; i++)
			sg_buf_addf(&out, "%s$%zu", i == 0 ? "(" : ", ", columns->count + i + 1);
		sg_buf_addc(&out, ')');
	}
	text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

static const char *args_of(struct sg_arena *arena, const struct columns *columns)
{
	struct sg_buf out = SG_BUF_INIT;
	const char *text;

	if (columns->count == 1) {
		sg_buf_adds(&out, "batch->first, batch->last");
	} else {
		for (size_t i = 0; i < 2 * columns->count; i++)
			sg_buf_addf(&out, "%sbatch->%s[%zu]", i == 0 ? "" : ", ", i < columns->count ? "firsts" : "lasts", i % columns->count);
	}
	text = sg_arena_strndup(arena, out.data, out.length);
	sg_buf_release(&out);
	return text;
}

/* "leads" or "crm.leads" as SQL reads it. */
static const char *sql_table(struct sg_arena *arena, const char *table)
{
	const char *dot = strchr(table, '.');

	if (dot == NULL)
		return sql_name(arena, table);
	return sg_arena_printf(arena, "%s.%s", sql_name(arena, sg_arena_strndup(arena, table, (size_t)(dot - table))),
	                       sql_name(arena, dot + 1));
}

int sg_scaffold_backfill(const struct sg_scaffold_where *where, const char *name, const char *table, const char *key,
                         const char *migration, struct sg_arena *arena, struct sg_scaffold *scaffold, struct sg_err *err)
{
	const char *hint = sg_check_table(table), *quiet_name = quiet(arena, name);
	struct columns columns = { .count = 0 };
	const char *section;

	if (check_id("backfill", name, err) != 0)
		return -1;
	if (hint != NULL) {
		sg_err_set(err, SG_CLASS_USAGE, "--table %.200s: not a table's name", table);
		return sg_err_hint(err, "%s", hint);
	}
	if (key != NULL && split_key(key, arena, &columns, err) != 0)
		return -1;
	section = sg_arena_printf(arena, "\n[backfill %s]\nplugin = %s\n%s%s%s", name, name, migration != NULL ? "migration = " : "",
	                          migration != NULL ? migration : "", migration != NULL ? "\n" : "");
	if (key != NULL) {
		const struct word words[] = { { "KEY", quiet_name },
			                      { "TITLE", quiet(arena, sg_arena_printf(arena, "rows of %s", table)) },
			                      { "TABLE", quiet(arena, sql_table(arena, table)) },
			                      { "BARE", quiet(arena, sql_table(arena, table)) },
			                      { "COLUMNS", quiet(arena, key) },
			                      { "RANGE", quiet(arena, range_of(arena, &columns)) },
			                      { "ARGS", args_of(arena, &columns) } };

		add_step(where, name, filled(arena, sg_template_backfill, words, SG_COUNT(words)), section, arena, scaffold);
	} else {
		const struct word words[] = { { "KEY", quiet_name },
			                      { "TITLE", quiet(arena, sg_arena_printf(arena, "rows of %s", table)) },
			                      { "TABLE", quiet(arena, sql_table(arena, table)) } };

		add_step(where, name, filled(arena, sg_template_drain, words, SG_COUNT(words)),
		         sg_arena_printf(arena, "%salso_writes = %s\n", section, table), arena, scaffold);
	}
	sg_scaffold_note(scaffold, arena,
	                 sg_arena_printf(arena, "Say in %s/%s.c what a batch does, and which rows are left (fingerprint).", where->folder,
	                                 name));
	return 0;
}

/* ---- writing ------------------------------------------------------------------------ */

static int make_folders(const char *path, struct sg_err *err)
{
	char *copy = sg_xstrdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
			sg_err_set(err, SG_CLASS_MANIFEST, "cannot make the folder %s: %s", copy, strerror(errno));
			free(copy);
			return -1;
		}
		*slash = '/';
	}
	free(copy);
	return 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t size = write(fd, text, length);

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return -1;
		text += size;
		length -= (size_t)size;
	}
	return 0;
}

/* A new file beside `path`, with head and text; its name, to be freed, or NULL. */
static char *beside(const char *path, const char *head, size_t head_length, const char *text, size_t length, mode_t mode,
                    struct sg_err *err)
{
	size_t size = strlen(path) + sizeof ".new-XXXXXX";
	char *name = sg_xmalloc(size);
	int fd, status;

	(void)snprintf(name, size, "%s.new-XXXXXX", path);
	fd = mkstemp(name);
	if (fd < 0) {
		sg_err_set(err, SG_CLASS_MANIFEST, "cannot write %s: %s", path, strerror(errno));
		free(name);
		return NULL;
	}
	status = fchmod(fd, mode) != 0 || write_all(fd, head, head_length) != 0 || write_all(fd, text, length) != 0 || fsync(fd) != 0;
	if (close(fd) != 0 || status != 0) {
		sg_err_set(err, SG_CLASS_MANIFEST, "cannot write %s: %s", path, strerror(errno));
		(void)unlink(name);
		free(name);
		return NULL;
	}
	return name;
}

static mode_t mode_of_new(const char *path)
{
	mode_t mask = umask(0);
	size_t length = strlen(path);

	(void)umask(mask);
	return (length > 2 && strcmp(path + length - 2, ".t") == 0 ? 0777 : 0666) & ~mask;
}

static int write_new(const struct sg_scaffold_file *file, struct sg_err *err)
{
	char *name;
	int status;

	if (make_folders(file->path, err) != 0)
		return -1;
	name = beside(file->path, "", 0, file->text, file->length, mode_of_new(file->path), err);
	if (name == NULL)
		return -1;
	status = link(name, file->path);
	if (status != 0 && errno == EEXIST) {
		sg_err_set(err, SG_CLASS_USAGE, "%s is there already", file->path);
		sg_err_hint(err, "Nothing is ever overwritten, and nothing was written now. Choose another name, or move it away.");
	} else if (status != 0) {
		sg_err_set(err, SG_CLASS_MANIFEST, "cannot write %s: %s", file->path, strerror(errno));
	}
	(void)unlink(name);
	free(name);
	return status;
}

/* All that is added to that path, at its end; the rest stays byte by byte. */
static int append_all(const struct sg_scaffold *scaffold, size_t first, struct sg_err *err)
{
	const char *path = scaffold->files[first].path;
	struct sg_buf old, added = SG_BUF_INIT;
	char buffer[65536], *name = NULL;
	struct stat st;
	ssize_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = -1;

	sg_buf_init(&old, LONGEST_MANIFEST);
	if (fd >= 0 && fstat(fd, &st) == 0)
		while ((size = read(fd, buffer, sizeof buffer)) > 0 || (size < 0 && errno == EINTR))
			if (size > 0)
				sg_buf_add(&old, buffer, (size_t)size);
	if (fd < 0 || size < 0) {
		sg_err_set(err, SG_CLASS_MANIFEST, "cannot read %s: %s", path, strerror(errno));
		goto done;
	}
	if (old.cut) {
		sg_err_set(err, SG_CLASS_MANIFEST, "%s is larger than a manifest can be", path);
		goto done;
	}
	if (old.length > 0 && old.data[old.length - 1] != '\n')
		sg_buf_addc(&added, '\n');
	for (size_t i = first; i < scaffold->count; i++)
		if (scaffold->files[i].append && strcmp(scaffold->files[i].path, path) == 0)
			sg_buf_add(&added, scaffold->files[i].text, scaffold->files[i].length);
	name = beside(path, old.data, old.length, added.data, added.length, st.st_mode & 07777, err);
	if (name == NULL)
		goto done;
	status = rename(name, path);
	if (status != 0) {
		sg_err_set(err, SG_CLASS_MANIFEST, "cannot write %s: %s", path, strerror(errno));
		(void)unlink(name);
	}
done:
	if (fd >= 0)
		(void)close(fd);
	free(name);
	sg_buf_release(&old);
	sg_buf_release(&added);
	return status;
}

static bool is_first_of_path(const struct sg_scaffold *scaffold, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (scaffold->files[i].append && strcmp(scaffold->files[i].path, scaffold->files[at].path) == 0)
			return false;
	return true;
}

int sg_scaffold_write(const struct sg_scaffold *scaffold, struct sg_err *err)
{
	size_t made = 0;
	int status = 0;

	while (made < scaffold->count && (scaffold->files[made].append || write_new(&scaffold->files[made], err) == 0))
		made++;
	status = made < scaffold->count ? -1 : 0;
	for (size_t i = 0; status == 0 && i < scaffold->count; i++)
		if (scaffold->files[i].append && is_first_of_path(scaffold, i))
			status = append_all(scaffold, i, err);
	for (size_t i = 0; status != 0 && i < made; i++)
		if (!scaffold->files[i].append)
			(void)unlink(scaffold->files[i].path);
	return status;
}
