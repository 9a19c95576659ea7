/* cmd_new.c - new: a step that begins. Where its files go: --folder, else the first folder of plugin_path, else `migrations` or
 * `backfills` beside the manifest. */
#include "config.h"

#include <string.h>

#include "core/cli/cli.h"
#include "core/cli/render_taken.h"
#include "core/scaffold/scaffold.h"
#include "core/scaffold/take_over.h"

static int usage(struct sg_cli *cli, const char *what)
{
	struct sg_err *err = sg_cli_err(cli);

	sg_err_set(err, SG_CLASS_USAGE, "%s", what);
	return sg_err_hint(err, "Write sgrun new migration ID [--title TEXT], or sgrun new backfill KEY --table NAME [--key COLUMNS] "
	                        "[--after ID]; of SQL: sgrun new migration ID --from-sql FILE.sql, or sgrun new --from-sql FOLDER.");
}

static const char *last_migration(const struct sg_manifest *manifest)
{
	const char *last = NULL;

	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].kind == SG_STEP_MIGRATION)
			last = manifest->steps[i].id;
	return last;
}

/* "./x" and "x" are one folder; only for what is shown and written. */
static const char *beside(struct sg_arena *arena, const char *folder, const char *name)
{
	if (folder == NULL || folder[0] == '\0' || strcmp(folder, ".") == 0)
		return name;
	return sg_arena_printf(arena, "%s/%s", folder, name);
}

static const char *choose_folder(struct sg_cli *cli, bool migration)
{
	const struct sg_options *o = &cli->options;
	const struct sg_list *path = &cli->manifest.plugin_path;
	const char *wanted = migration ? "migrations" : "backfills";

	if (o->folder != NULL)
		return o->folder;
	if (o->manifest == NULL || (o->from_sql != NULL && o->path_count == 0))
		return wanted;
	for (size_t i = 0; i < path->count; i++) {
		const char *name = strrchr(path->items[i], '/');

		if (strcmp(name != NULL ? name + 1 : path->items[i], wanted) == 0)
			return path->items[i];
	}
	return path->count > 0 ? path->items[0] : beside(&cli->arena, cli->manifest.folder, wanted);
}

static int check_name(struct sg_cli *cli, enum sg_step_kind kind, const char *name)
{
	const struct sg_step *there = cli->options.manifest != NULL ? sg_manifest_step(&cli->manifest, kind, name) : NULL;
	struct sg_err *err;

	if (there == NULL)
		return 0;
	err = sg_cli_err(cli);
	sg_err_set(err, SG_CLASS_USAGE, "the manifest has a %s %s already", sg_step_kind_name(kind), name);
	sg_err_at(err, cli->manifest.path, there->line);
	return sg_err_hint(err, "Choose another name; nothing was written.");
}

static void say(struct sg_cli *cli, const struct sg_scaffold *scaffold)
{
	for (size_t i = 0; i < scaffold->count; i++) {
		sg_look_add(&cli->out, &cli->look, SG_TONE_GOOD, scaffold->files[i].append ? "added to " : "wrote ");
		sg_buf_adds(&cli->out, scaffold->files[i].path);
		sg_buf_addc(&cli->out, '\n');
	}
	for (size_t i = 0; i < scaffold->note_count; i++) {
		sg_buf_adds(&cli->out, scaffold->notes[i]);
		sg_buf_addc(&cli->out, '\n');
	}
}

static void say_json(struct sg_cli *cli, const struct sg_scaffold *scaffold)
{
	struct sg_json *files = sg_json_array(), *notes = sg_json_array();

	cli->json = sg_render_head_json(cli->options.command->name, cli->options.manifest);
	for (size_t i = 0; i < scaffold->count; i++) {
		struct sg_json *file = sg_json_object();

		sg_json_set_text(file, "path", scaffold->files[i].path);
		sg_json_set_bool(file, "added_to", scaffold->files[i].append);
		sg_json_add(files, file);
	}
	for (size_t i = 0; i < scaffold->note_count; i++)
		sg_json_add_text(notes, scaffold->notes[i]);
	sg_json_set(cli->json, "files", files);
	sg_json_set(cli->json, "notes", notes);
}

static int plan(struct sg_cli *cli, bool migration, const char *name, struct sg_scaffold *scaffold)
{
	const struct sg_options *o = &cli->options;
	struct sg_scaffold_where where = { .folder = choose_folder(cli, migration),
		                           .manifest = o->manifest != NULL ? cli->manifest.path : NULL };
	struct sg_err err = SG_ERR_INIT;
	int status;

	if (migration)
		status = sg_scaffold_migration(&where, name, o->title, &cli->arena, scaffold, &err);
	else
		status = sg_scaffold_backfill(&where, name, o->table, o->key,
		                              o->after != NULL      ? o->after
		                              : o->manifest != NULL ? last_migration(&cli->manifest)
		                                                    : NULL,
		                              &cli->arena, scaffold, &err);
	if (status == 0)
		status = sg_scaffold_write(scaffold, &err);
	if (status != 0)
		sg_err_move(sg_cli_err(cli), &err);
	return status;
}

/* Of a file (id: of its migration) or a tree (id NULL). */
static void take_over(struct sg_cli *cli, const char *id)
{
	const struct sg_options *o = &cli->options;
	bool manifest = id != NULL && o->manifest != NULL;
	struct sg_take_over_options options = { .where = { .folder = choose_folder(cli, true),
		                                           .manifest = manifest ? cli->manifest.path : NULL,
		                                           .state_schema = manifest ? cli->manifest.state_schema : NULL },
		                                .id = id,
		                                .title = o->title };
	struct sg_scaffold scaffold = { 0 };
	struct sg_taken_over taken;
	struct sg_err err = SG_ERR_INIT;

	if (sg_take_over(&options, &o->from_sql, 1, &cli->arena, &scaffold, &taken, &err) != 0 || sg_scaffold_write(&scaffold, &err) != 0) {
		sg_err_move(sg_cli_err(cli), &err);
	} else if (o->json) {
		say_json(cli, &scaffold);
		sg_render_taken_json(cli->json, &taken);
	} else {
		say(cli, &scaffold);
		sg_render_taken(&cli->out, &taken);
	}
	sg_errs_release(&taken.errs);
}

/* true: there is a mistake, which was said. */
static bool is_misused(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;

	if (o->table != NULL || o->key != NULL || o->after != NULL)
		return usage(cli, "--table, --key and --after do not go with --from-sql") != 0;
	if (o->path_count == 0 && o->title != NULL)
		return usage(cli, "--title is one migration's") != 0;
	if (o->path_count > 0 && (strcmp(o->paths[0], "migration") != 0 || o->path_count != 2))
		return usage(cli, "--from-sql makes `migration ID` of a file, or all steps of a folder") != 0;
	return false;
}

static void from_sql(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;

	if (is_misused(cli))
		return;
	if (o->path_count == 0)
		take_over(cli, NULL);
	else if ((o->manifest == NULL || sg_cli_manifest(cli, true) == 0) && check_name(cli, SG_STEP_MIGRATION, o->paths[1]) == 0)
		take_over(cli, o->paths[1]);
}

void sg_cmd_new(struct sg_cli *cli)
{
	const struct sg_options *o = &cli->options;
	struct sg_scaffold scaffold = { 0 };
	bool migration = o->path_count > 0 && strcmp(o->paths[0], "migration") == 0;
	bool backfill = o->path_count > 0 && strcmp(o->paths[0], "backfill") == 0;

	if (o->from_sql != NULL)
		from_sql(cli);
	else if (!migration && !backfill)
		(void)usage(cli, o->path_count > 0 ? "only a migration or a backfill can be new" : "new what?");
	else if (o->path_count != 2)
		(void)usage(cli, o->path_count < 2 ? "the new step has no name" : "a step has one name");
	else if (migration && (o->table != NULL || o->key != NULL || o->after != NULL))
		(void)usage(cli, "--table, --key and --after are a backfill's");
	else if (backfill && o->table == NULL)
		(void)usage(cli, "a backfill needs --table");
	else if (o->manifest != NULL && sg_cli_manifest(cli, true) != 0)
		return;
	else if (check_name(cli, migration ? SG_STEP_MIGRATION : SG_STEP_BACKFILL, o->paths[1]) != 0 ||
	         (o->after != NULL && o->manifest != NULL && sg_cli_step(cli, SG_STEP_MIGRATION, "--after", o->after) != 0))
		return;
	else if (plan(cli, migration, o->paths[1], &scaffold) == 0) {
		if (o->json)
			say_json(cli, &scaffold);
		else
			say(cli, &scaffold);
	}
}
