/* render_taken.h - what new --from-sql has made of SQL: for people in Markdown, and as JSON. */
#ifndef SG_RENDER_TAKEN_H
#define SG_RENDER_TAKEN_H

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/scaffold/take_over.h"

void sg_render_taken(struct sg_buf *out, const struct sg_taken_over *taken);
/* Adds its members to the result. */
void sg_render_taken_json(struct sg_json *result, const struct sg_taken_over *taken);

#endif
