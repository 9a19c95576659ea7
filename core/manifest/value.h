/* value.h - a value of the manifest, parsed as its row of the table says, and
 * stored where the row says. */
#ifndef SG_VALUE_H
#define SG_VALUE_H

#include "core/manifest/manifest.h"
#include "core/manifest/reading.h"
#include "core/manifest/settings.h"

/* Where the values go; a place that the section cannot have may be NULL. */
struct sg_value_target {
	struct sg_manifest *manifest;
	struct sg_policy_settings *policy;
	struct sg_backfill_settings *backfill;
	struct sg_index_settings *index;
	struct sg_step *step;
};

/* text is not empty. -1: err has primary (without the key), detail and hint.
 * SG_SETTING_SPECIAL is left to the caller: 0, and nothing is stored. */
SG_MUST_CHECK int sg_value_store(const struct sg_setting *setting, const char *text, const char *folder,
                                 struct sg_arena *arena, const struct sg_value_target *target, struct sg_err *err);
/* Stores the defaults of all rows that stand in one of those sections. */
void sg_value_defaults(unsigned sections, const char *folder, struct sg_arena *arena,
                       const struct sg_value_target *target);
/* Splits at commas and blanks. */
struct sg_list sg_value_list(const char *text, struct sg_arena *arena);
/* "../x" seen from the manifest's folder. */
const char *sg_value_path(const char *text, const char *folder, struct sg_arena *arena);
/* What the key takes, as a sentence for a hint: "Allowed are …; the default is …." */
const char *sg_value_allowed(const struct sg_setting *setting, struct sg_arena *arena);

#endif
