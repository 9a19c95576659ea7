/* checks.h - what single values of the manifest may look like.
 *
 * Each takes a text that is not empty and is valid UTF-8 without control
 * characters, and answers NULL when it is fine, else what is allowed, as a
 * sentence for a hint. The server has the last word on names; these refuse what
 * can never be right, or was surely not meant. */
#ifndef SG_CHECKS_H
#define SG_CHECKS_H

#include "core/base/base.h"

const char *sg_check_identifier(const char *text); /* one name, as the server keeps it */
const char *sg_check_schema(const char *text);
const char *sg_check_role(const char *text);
const char *sg_check_table(const char *text);      /* name or schema.name */
const char *sg_check_rule(const char *text);       /* index.create_blocking, index.*, dml, bulk_update */
const char *sg_check_window(const char *text);     /* HH:MM-HH:MM [ZONE] */
const char *sg_check_plugin(const char *text);
const char *sg_check_sha256(const char *text);     /* either case */
const char *sg_check_library(const char *text);
const char *sg_check_direct_dsn(const char *text);
const char *sg_check_index_sql(const char *text);
const char *sg_check_step_id(const char *text);    /* migrations and backfills */
const char *sg_check_index_name(const char *text);

#endif
