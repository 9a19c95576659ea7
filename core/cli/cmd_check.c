/* cmd_check.c - check: the manifest, its plugins and indexes, without a server; and what
 * else can be told without one: the state tables' SQL, the table of settings. */
#include "config.h"

#include "core/cli/cli.h"
#include "core/manifest/settings.h"

static void say_fine(struct sg_cli *cli)
{
	struct sg_sections sections = sg_render_sections(&cli->manifest);
	size_t migrations = cli->manifest.step_count - sections.indexes - sections.backfills;

	sg_look_add(&cli->out, &cli->look, SG_TONE_PLAIN, cli->manifest.path);
	sg_buf_adds(&cli->out, ": ");
	sg_look_count(&cli->out, migrations, "migration");
	sg_buf_adds(&cli->out, ", ");
	sg_look_count(&cli->out, sections.indexes, "index");
	sg_buf_adds(&cli->out, ", ");
	sg_look_count(&cli->out, sections.backfills, "backfill");
	sg_buf_adds(&cli->out, ": ");
	if (cli->errs.count == 0)
		sg_look_add(&cli->out, &cli->look, SG_TONE_GOOD, "all is well");
	else
		sg_look_add(&cli->out, &cli->look, SG_TONE_BAD, "not fit to run");
	sg_buf_addc(&cli->out, '\n');
}

static struct sg_json *counts(const struct sg_manifest *manifest)
{
	struct sg_sections sections = sg_render_sections(manifest);
	struct sg_json *object = sg_json_object();

	sg_json_set_int(object, "migrations", (int64_t)(manifest->step_count - sections.indexes - sections.backfills));
	sg_json_set_int(object, "indexes", (int64_t)sections.indexes);
	sg_json_set_int(object, "backfills", (int64_t)sections.backfills);
	return object;
}

static void check_all(struct sg_cli *cli)
{
	size_t before = cli->errs.count;

	if (sg_check_steps(&cli->manifest, &cli->errs) != 0 && cli->errs.count == before)
		SG_BUG("a step was refused without saying why");
	if (cli->options.json) {
		cli->json = sg_render_head_json(cli->options.command->name, cli->manifest.path);
		sg_json_set(cli->json, "steps", counts(&cli->manifest));
	} else {
		say_fine(cli);
	}
}

static void state_sql(struct sg_cli *cli)
{
	const char *sql = sg_state_sql(cli->manifest.state_schema, &cli->arena);

	if (cli->options.json) {
		cli->json = sg_render_head_json(cli->options.command->name, cli->manifest.path);
		sg_json_set_text(cli->json, "state_sql", sql);
	} else {
		sg_buf_adds(&cli->out, sql);
	}
}

void sg_cmd_check(struct sg_cli *cli)
{
	if (cli->options.settings) {
		if (cli->options.json) {
			cli->json = sg_render_head_json(cli->options.command->name, cli->options.manifest);
			sg_render_settings_json(cli->json);
		} else {
			sg_render_settings(&cli->out);
		}
		return;
	}
	if (sg_cli_manifest(cli, true) != 0)
		return;
	if (cli->options.state_sql)
		state_sql(cli);
	else
		check_all(cli);
}
