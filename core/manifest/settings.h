/* settings.h - every key of the manifest, in one table.
 *
 * The reader, `sgrun --help`, the man page's list and the check of etc/prod.ini
 * all come from it, so that none can lag behind. The values are stored by it
 * too: a row says which struct of manifest.h holds the key, and where in it. */
#ifndef SG_SETTINGS_H
#define SG_SETTINGS_H

#include "core/base/base.h"

/* Sections where a key may stand, as a bit set. The first six stand alone
 * ("[policy]"), the others need a name ("[migration 0096_lead_name]"). */
#define SG_IN_SGRUN 1u
#define SG_IN_DATABASE 2u
#define SG_IN_POLICY 4u
#define SG_IN_BACKFILLS 8u
#define SG_IN_INDEXES 16u
#define SG_IN_AUDIT 32u
#define SG_IN_MIGRATION 64u
#define SG_IN_BACKFILL 128u
#define SG_IN_INDEX 256u
#define SG_IN_STEPS (SG_IN_MIGRATION | SG_IN_BACKFILL | SG_IN_INDEX)

enum sg_setting_type {
	SG_SETTING_TEXT,    /* const char * */
	SG_SETTING_INT,     /* int, from min to max; `allowed` may name one word that stands for 0 */
	SG_SETTING_REAL,    /* double; min and max are hundredths */
	SG_SETTING_BOOL,    /* bool: yes or no */
	SG_SETTING_WORD,    /* int: the word's place in `allowed`, from 0; bool with SG_SETTING_IS_FLAG */
	SG_SETTING_LIST,    /* struct sg_list: separated by commas or blanks */
	SG_SETTING_INTS,    /* the lock ladder's rungs */
	SG_SETTING_PATH,    /* const char *, resolved against the manifest's folder */
	SG_SETTING_SPECIAL  /* kept by the code that knows the key */
};

/* Which struct holds the value. */
enum sg_setting_place { SG_PLACE_MANIFEST, SG_PLACE_POLICY, SG_PLACE_BACKFILL, SG_PLACE_INDEX, SG_PLACE_STEP };

#define SG_SETTING_IS_FLAG 1u    /* WORD with two words: stored as bool, true for the second */
#define SG_SETTING_IS_PROSE 2u   /* a quote in it is an apostrophe */
#define SG_SETTING_IS_SQL 4u     /* free text: a line of it may look like a key; see ini.h */
#define SG_SETTING_NO_COMMENT 8u /* " ;" in it is refused: it may be meant */
#define SG_SETTING_IS_SECRET 16u /* never in a message */
#define SG_SETTING_IS_PATHS 32u  /* LIST: each is resolved like a PATH */
#define SG_SETTING_REQUIRED 64u  /* its section is wrong without it */

struct sg_setting {
	const char *key;       /* "option.*" stands for all that begin so */
	unsigned sections;
	enum sg_setting_type type;
	const char *standard;  /* the default as one would write it, or NULL */
	int64_t min, max;      /* INT, INTS, REAL */
	const char *allowed;   /* WORD: "fail pass"; INT: "auto" */
	const char *help;      /* one line */
	unsigned flags;
	enum sg_setting_place place;
	size_t offset;
	/* TEXT, PATH and each item of a LIST: NULL when it is fine, else what is
	 * allowed, as a sentence. */
	const char *(*check)(const char *text);
};

/* The table, ended by key = NULL. */
const struct sg_setting *sg_settings(void);

/* The row for that key in that section (one SG_IN_ bit), or NULL. */
const struct sg_setting *sg_setting_find(const char *key, unsigned section);
/* Whether any section has that key. */
bool sg_setting_known(const char *key);
/* The sections that have that key. */
unsigned sg_setting_sections(const char *key);
/* The key of that section (0: of any) that is nearest to text, or NULL. */
const char *sg_setting_nearest(const char *text, unsigned section);

/* "policy", "migration", …: the word that opens the section; NULL after the last. */
struct sg_section_kind {
	const char *word;
	unsigned section; /* SG_IN_ bit */
	bool named;       /* needs a name */
	const char *help; /* one line */
};
const struct sg_section_kind *sg_section_kinds(void);

enum sg_section_fault { SG_SECTION_FINE, SG_SECTION_UNKNOWN, SG_SECTION_NAMELESS, SG_SECTION_NAMED };
/* Takes "policy" or "migration 0096_lead_name" apart (kind_r is set where the
 * first word is known, label_r points into text). */
enum sg_section_fault sg_section_parse(const char *text, const struct sg_section_kind **kind_r, const char **label_r);

#endif
