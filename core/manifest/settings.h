/* settings.h - every key of the manifest, in one table.
 *
 * The reader, `sgrun --help`, the man page's list and the check of etc/prod.ini
 * all come from it, so that none can lag behind. */
#ifndef SG_SETTINGS_H
#define SG_SETTINGS_H

#include "core/base/base.h"

/* Sections where a key may stand, as a bit set. */
#define SG_IN_SGRUN 1u
#define SG_IN_DATABASE 2u
#define SG_IN_POLICY 4u
#define SG_IN_BACKFILLS 8u
#define SG_IN_INDEXES 16u
#define SG_IN_AUDIT 32u
#define SG_IN_MIGRATION 64u
#define SG_IN_BACKFILL 128u
#define SG_IN_INDEX 256u

enum sg_setting_type { SG_SETTING_TEXT, SG_SETTING_INT, SG_SETTING_REAL, SG_SETTING_BOOL, SG_SETTING_WORD, SG_SETTING_LIST,
	SG_SETTING_INTS, SG_SETTING_PATH, SG_SETTING_SPECIAL };

struct sg_setting {
	const char *key;
	unsigned sections;
	enum sg_setting_type type;
	const char *standard;  /* the default as one would write it, or NULL */
	int64_t min, max;      /* INT, INTS */
	const char *allowed;   /* WORD: "pass fail" */
	const char *help;      /* one line */
};

/* The table, ended by key = NULL. */
const struct sg_setting *sg_settings(void);

#endif
