/* render_settings.c - `check --settings`: every key that a manifest may have,
 * from the table that the reader itself works by. */
#include "config.h"

#include <inttypes.h>

#include "core/cli/render.h"
#include "core/manifest/settings.h"

static const struct { unsigned bit; const char *name; } sections[] = {
	{ SG_IN_SGRUN, "sgrun" },         { SG_IN_DATABASE, "database" },   { SG_IN_POLICY, "policy" },
	{ SG_IN_BACKFILLS, "backfills" }, { SG_IN_INDEXES, "indexes" },     { SG_IN_AUDIT, "audit" },
	{ SG_IN_MIGRATION, "migration" }, { SG_IN_BACKFILL, "backfill" },   { SG_IN_INDEX, "index" },
};

static void add_setting(struct sg_buf *out, const struct sg_setting *s)
{
	sg_buf_addf(out, "  %-20s %s", s->key, s->help);
	if (s->type == SG_SETTING_WORD && s->allowed != NULL)
		sg_buf_addf(out, "; one of: %s", s->allowed);
	if (s->standard != NULL)
		sg_buf_addf(out, " (default: %s)", s->standard);
	sg_buf_addc(out, '\n');
}

/* Each key once, under the section where it is a default for all steps; keys
 * of [policy], [backfills] and [indexes] may stand in a step's section too. */
static bool belongs(const struct sg_setting *s, unsigned bit)
{
	unsigned general = s->sections & (SG_IN_SGRUN | SG_IN_DATABASE | SG_IN_POLICY | SG_IN_BACKFILLS |
	                                  SG_IN_INDEXES | SG_IN_AUDIT);

	return (s->sections & bit) && (general == 0 || (general & bit));
}

void sg_render_settings(struct sg_buf *out)
{
	for (size_t i = 0; i < SG_COUNT(sections); i++) {
		sg_buf_addf(out, "%s[%s%s]\n", i > 0 ? "\n" : "", sections[i].name,
		            sections[i].bit & (SG_IN_MIGRATION | SG_IN_BACKFILL | SG_IN_INDEX) ? " NAME" : "");
		for (const struct sg_setting *s = sg_settings(); s->key != NULL; s++)
			if (belongs(s, sections[i].bit))
				add_setting(out, s);
	}
	sg_buf_adds(out, "\nEvery key of [policy], [backfills] and [indexes] may also stand in the section of a\n"
	                 "step of that kind, and then holds for that step. See sgrun.ini(5).\n");
}

void sg_render_settings_json(struct sg_json *into)
{
	struct sg_json *list = sg_json_array();

	for (const struct sg_setting *s = sg_settings(); s->key != NULL; s++) {
		struct sg_json *one = sg_json_object(), *in = sg_json_array();

		sg_json_set_text(one, "key", s->key);
		for (size_t i = 0; i < SG_COUNT(sections); i++)
			if (s->sections & sections[i].bit)
				sg_json_add_text(in, sections[i].name);
		sg_json_set(one, "sections", in);
		sg_json_set_text(one, "default", s->standard);
		sg_json_set_text(one, "allowed", s->allowed);
		sg_json_set_text(one, "help", s->help);
		sg_json_add(list, one);
	}
	sg_json_set(into, "settings", list);
}
