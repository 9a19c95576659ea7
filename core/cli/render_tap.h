/* render_tap.h - the result of `sgrun test` as TAP (version 13, testanything.org) and as JSON.
 *
 * Pure: results in, a buffer or a JSON tree out. A line a point; what failed has its error as a block of YAML whose texts are quoted
 * as JSON, which YAML is a superset of. */
#ifndef SG_RENDER_TAP_H
#define SG_RENDER_TAP_H

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/run/trial.h"

void sg_render_tap(struct sg_buf *out, const struct sg_trial *trial);
/* "postgresql", "schema", "points": [{"number", "ok", "step", "point", "skip", "notes", "error"}], "failed", "skipped". */
void sg_render_tap_json(struct sg_json *into, const struct sg_trial *trial);

#endif
