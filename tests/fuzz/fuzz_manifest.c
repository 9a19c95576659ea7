/*
 * Fuzz target: the manifest reader. An input that begins with "--set " is a line for sg_override_parse, then the manifest. What is
 * held besides "no crash": every error has primary, detail and hint, and they are in the order of the lines; a manifest without
 * errors has what the rest of sgrun relies on.
 */
#include "config.h"

#include "core/base/log.h"
#include "core/manifest/manifest.h"
#include "core/manifest/reading.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(const struct sg_errs *errs)
{
    for (size_t i = 0; i < errs->count; i++) {
        const struct sg_err *err = &errs->list[i];

        SG_ASSERT(err->class == SG_CLASS_MANIFEST || err->class == SG_CLASS_USAGE);
        SG_ASSERT(err->primary != NULL && err->primary[0] != '\0' && err->hint != NULL);
        SG_ASSERT(err->detail != NULL || i == SG_READING_MAX_ERRORS);
        SG_ASSERT(i == 0 || errs->list[i - 1].line <= err->line);
        SG_ASSERT((err->class == SG_CLASS_USAGE) == (err->file == NULL));
    }
}

static void check_step(const struct sg_manifest *manifest, const struct sg_step *step)
{
    SG_ASSERT(step->id != NULL && step->id[0] != '\0' && step->label != NULL && step->line > 0);
    SG_ASSERT(sg_manifest_step(manifest, step->kind, step->id) == step);
    SG_ASSERT((step->plugin != NULL) == (step->kind != SG_STEP_INDEX));
    SG_ASSERT(step->kind != SG_STEP_INDEX || (step->sql != NULL) != (step->table != NULL && step->columns != NULL));
    SG_ASSERT(step->sha256 == NULL || strlen(step->sha256) == 64);
    SG_ASSERT(step->policy.lock_rungs >= 1 && step->policy.lock_rungs <= SG_MAX_RUNGS);
    SG_ASSERT(step->policy.idle_seconds < manifest->lease_seconds);
    SG_ASSERT(!step->policy.unparsed_allow || step->policy.reason != NULL);
    for (size_t i = 0; i < step->require_count; i++) {
        const struct sg_step *need = sg_manifest_step(manifest, step->requires[i].kind, step->requires[i].id);

        SG_ASSERT(need != NULL && need != step);
        SG_ASSERT(step->kind != SG_STEP_MIGRATION || need->kind != SG_STEP_MIGRATION || need < step);
    }
    SG_ASSERT(step->migration == NULL || sg_manifest_step(manifest, SG_STEP_MIGRATION, step->migration) != NULL);
    SG_ASSERT(step->superseded_by == NULL || sg_manifest_step(manifest, SG_STEP_MIGRATION, step->superseded_by) > step);
}

static void read_one(const char *bytes, size_t size, const struct sg_override *override, bool lenient)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_manifest manifest;
    int result = sg_manifest_parse("etc/fuzz.ini", bytes, size, override, override != NULL, lenient, &arena, &manifest, &errs);

    SG_ASSERT(result == (errs.count ? -1 : 0));
    check_errors(&errs);
    if (result == 0) {
        SG_ASSERT(manifest.dsn != NULL || lenient);
        for (size_t i = 0; i < manifest.step_count; i++)
            check_step(&manifest, &manifest.steps[i]);
    }
    sg_errs_release(&errs);
    sg_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char set[] = "--set ";
    const char *bytes = (const char *)data;
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_override override;
    struct sg_err err = SG_ERR_INIT;
    bool overridden = false;

    sg_log_setup(SG_LOG_ERROR, SG_LOG_HUMAN);
    (void)setenv("SGRUN_FUZZ", "host=fuzz ; $$ ${SGRUN_FUZZ}", 1);
    if (size >= strlen(set) && memcmp(bytes, set, strlen(set)) == 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size;

        overridden = sg_override_parse(sg_arena_strndup(&arena, bytes + strlen(set), length - strlen(set)), &arena, &override, &err) == 0;
        SG_ASSERT(overridden || (err.class == SG_CLASS_USAGE && err.primary != NULL && err.hint != NULL && err.detail != NULL));
        sg_err_release(&err);
        length += end != NULL;
        bytes += length;
        size -= length;
    }
    read_one(bytes, size, overridden ? &override : NULL, false);
    read_one(bytes, size, overridden ? &override : NULL, true);
    sg_arena_release(&arena);
    return 0;
}
