/* draft.h - a manifest while it is being read: the structs that others will see,
 * and beside them the lines that they came from. */
#ifndef SG_DRAFT_H
#define SG_DRAFT_H

#include "core/manifest/ini.h"
#include "core/manifest/manifest.h"
#include "core/manifest/settings.h"

struct sg_draft {
	struct sg_reading *reading;
	struct sg_manifest *manifest;
	struct sg_ini ini;
	struct sg_ini_section **sources; /* of each step */
	bool warned;                     /* of an unset variable in [database] */
	size_t expanded;                 /* bytes that variables added so far */
	const char **secrets;            /* names of the variables that dsn and direct_dsn used */
	size_t secret_count, secret_capacity;
};

/* The entry of that key in that section (NULL: no section), if it has a value. */
const struct sg_ini_entry *sg_draft_given(const struct sg_ini_section *section, const char *key);
/* The line of that key, else of the section. */
int sg_draft_line(const struct sg_ini_section *section, const char *key);
/* The candidate nearest to an id: the steps of that kind; NULL if none is near. */
const char *sg_draft_nearest(const struct sg_draft *draft, enum sg_step_kind kind, const char *id);

/* sections.c: the sections that stand alone, into manifest, and the defaults. */
void sg_draft_sections(struct sg_draft *draft);
/* Reads every key of the section to where target says; option.* and requires go
 * to the step. */
struct sg_value_target;
void sg_draft_entries(struct sg_draft *draft, struct sg_ini_section *section, const struct sg_section_kind *kind,
                      const struct sg_value_target *target);
/* What must hold between the settings of [policy] or of a step. */
void sg_draft_policy_check(struct sg_draft *draft, const struct sg_ini_section *section,
                           const struct sg_policy_settings *policy);
/* steps.c: the steps, each for itself. */
void sg_draft_steps(struct sg_draft *draft);
/* graph.c: the steps among each other. */
void sg_draft_graph(struct sg_draft *draft);
/* override.c: puts the --set values into ini. */
void sg_draft_overrides(struct sg_draft *draft, const struct sg_override *overrides, size_t count);

#endif
