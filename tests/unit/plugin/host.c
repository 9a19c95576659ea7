/*
 * A scripted host: every statement succeeds, every check says what the test wants. What it shares with sgrun is core/plugin alone.
 */
#include "config.h"
#include "tests/unit/plugin/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/plugin/table.h"

const char *zoo_path(const char *plugin)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/tests/plugins/.libs/%s.so", SG_TEST_BUILDDIR, plugin);
    return path;
}

int zoo_image(const char *plugin, struct sg_arena *arena, struct sg_image *image_r, struct sg_err *err)
{
    static const char *const folders[] = {SG_TEST_BUILDDIR "/tests/plugins"};

    setenv("SGRUN_PLUGIN_HOST", SG_TEST_BUILDDIR "/sgrun-plugin", 1);
    return sg_image_open(plugin, NULL, folders, 1, NULL, arena, image_r, err);
}

static const char *table_name(const void *data, int column)
{
    (void)data;
    return column == 0 ? "n" : "text";
}

static const char *table_value(const void *data, int row, int column)
{
    static char number[16];
    static char *text;
    static int length;
    const struct play *play = data;

    if (column == 0) {
        snprintf(number, sizeof number, "%d", row);
        return number;
    }
    if (play->value_length < 0)
        return NULL;
    if (text == NULL || length != play->value_length) {
        free(text);
        length = play->value_length;
        text = malloc((size_t)length + 1);
        memset(text, 'x', (size_t)length);
        text[length] = '\0';
    }
    return text;
}

static void note_sql(struct play *play, const struct sg_request *request)
{
    snprintf(play->sql, sizeof play->sql, "%s", request->sql);
    play->values[0] = '\0';
    for (int i = 0; i < request->n; i++) {
        size_t used = strlen(play->values);

        snprintf(play->values + used, sizeof play->values - used, "%s%s", i > 0 ? "|" : "",
                 request->values[i] != NULL ? request->values[i] : "NULL");
    }
}

static int answer(struct play *play, struct sg_process *process, const struct sg_request *request, struct sg_err *err)
{
    const struct sg_table table = {play, play->rows, 2, table_name, table_value};

    switch (request->kind) {
    case SG_REQUEST_DDL:
        play->ddl++;
        note_sql(play, request);
        return sg_process_answer_int(process, 0, err);
    case SG_REQUEST_DML:
        play->dml++;
        note_sql(play, request);
        return sg_process_answer_int(process, play->answer, err);
    case SG_REQUEST_QUERY:
        play->queries++;
        note_sql(play, request);
        return sg_process_answer_table(process, &table, err);
    case SG_REQUEST_EXISTS:
        play->exists++;
        note_sql(play, request);
        return sg_process_answer_int(process, play->rows > 0, err);
    case SG_REQUEST_CHECK:
        play->checks++;
        return sg_process_answer_int(process, play->answer, err);
    default:
        play->describes++;
        return sg_process_answer_text(process, play->answer != 0 ? "character varying(255)" : NULL, err);
    }
}

static int enter(struct play *play, struct sg_process *process, enum sg_entry entry, int64_t *status_r, struct sg_err *err)
{
    static const char *const firsts[] = {"1", "a"}, *const lasts[] = {"1000", "z"};
    const struct sg_process_batch batch = {2, firsts, lasts, 7, 500};

    if (sg_process_call(process, entry, play->options, play->option_count, entry == SG_ENTRY_BATCH ? &batch : NULL, err) != 0)
        return -1;
    for (;;) {
        struct sg_request request;

        if (sg_process_next(process, &request, err) != 0)
            return -1;
        if (request.kind == SG_REQUEST_DONE) {
            *status_r = request.status;
            if (request.fail != NULL)
                snprintf(play->fail, sizeof play->fail, "%s", request.fail);
            return 0;
        }
        if (answer(play, process, &request, err) != 0)
            return -1;
    }
}

void play(struct play *play)
{
    struct sg_arena arena = SG_ARENA_INIT;
    const struct sg_expected expected = {.step = play->id != NULL ? play->id : play->plugin,
                                         .migration = !play->backfill,
                                         .libraries = play->libraries,
                                         .library_count = play->library_count,
                                         .sandbox = play->sandbox,
                                         .limit_ms = play->limit_ms > 0 ? play->limit_ms : 5000};
    struct sg_process *process = NULL;
    struct sg_image image;
    struct sg_hello hello;
    int64_t fingerprint = -1;

    if (zoo_image(play->plugin, &arena, &image, &play->err) != 0) {
        sg_arena_release(&arena);
        return;
    }
    if (play->program != NULL)
        setenv("SGRUN_PLUGIN_HOST", play->program, 1);
    if (sg_process_start(&process, &image, &expected, &play->err) == 0) {
        if (sg_process_hello(process, &hello, &play->err) != 0 ||
            enter(play, process, SG_ENTRY_FINGERPRINT, &fingerprint, &play->err) != 0 ||
            enter(play, process, play->backfill ? SG_ENTRY_BATCH : SG_ENTRY_RUN, &play->status, &play->err) != 0)
            sg_process_kill(process);
        else
            (void)!sg_process_finish(process, &play->err);
        play->fingerprint = (int)fingerprint;
    }
    sg_arena_release(&arena);
}
