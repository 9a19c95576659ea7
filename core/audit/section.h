/* section.h - what the section of the manifest is called to which a migration's data work moves: each part of the report says the
 * same name. */
#ifndef SG_AUDIT_SECTION_H
#define SG_AUDIT_SECTION_H

#include "core/audit/migration.h"
#include "core/base/arena.h"

/* "migration_0096_lead_name", in the arena: of the migration's id, and of its title where the id does not tell it (Flyway's
 * V12__add_leads is 12, "add leads"); lower-case letters, digits and underscores, as a section's name, and a file's, takes them, and
 * no longer than it takes them. */
const char *sg_audit_section(struct sg_arena *arena, const char *id, const char *title, enum sg_audit_layout layout);
/* The same, where a migration's data work is more than one backfill: of one table. */
const char *sg_audit_section_of(struct sg_arena *arena, const char *section, const char *table);

#endif
