/*
 * The host of a plugin without a server: finds a plugin of the zoo, starts it, and answers what it asks from a script.
 */
#ifndef SG_TESTS_PLUGIN_HOST_H
#define SG_TESTS_PLUGIN_HOST_H

#include "core/base/err.h"
#include "core/plugin/image.h"
#include "core/plugin/process.h"

/* What a plugin did, and how it ended. */
struct play {
    /* in: defaults are a migration of the plugin's name, all of the sandbox, 5 s */
    const char *plugin;
    const char *id; /* NULL: the plugin's name */
    const char *const *libraries;
    size_t library_count;
    const char *const *options;
    size_t option_count;
    bool backfill;
    enum sg_sandbox sandbox;
    const char *program; /* of the build tree, in place of sgrun-plugin */
    int64_t limit_ms;
    int rows;         /* of each answer to a query: two columns "n" and "text" */
    int value_length; /* of each text */
    int64_t answer;   /* to DML and checks */
    /* out */
    int ddl, dml, queries, exists, checks, describes;
    int fingerprint;        /* what it returned */
    int64_t status;         /* what run or backfill_batch returned */
    char fail[512];         /* the text of sg_fail, or "" */
    char sql[2048];         /* the last statement */
    char values[512];       /* the last parameters, separated by | */
    struct sg_err err;      /* SG_CLASS_NONE: it was finished with exit status 0 */
};

/* fingerprint, then run or one batch, then finish. Statements succeed. */
void play(struct play *play);
/* The path of a zoo plugin's .so in the build tree. */
const char *zoo_path(const char *plugin);
/* Opens one as an image, unpinned. */
int zoo_image(const char *plugin, struct sg_arena *arena, struct sg_image *image_r, struct sg_err *err);

#endif
