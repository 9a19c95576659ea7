/* Rehearsals under test: see rehearsed.h. */
#include "config.h"

#include "tests/db/rehearsed.h"

#include "core/base/buf.h"
#include "tests/kit/run.h"
#include "tests/kit/tmp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void release(void *arg)
{
    struct rehearsed *rehearsed = arg;

    sg_errs_release(&rehearsed->errs);
    sg_arena_release(&rehearsed->arena);
    free(rehearsed);
}

static const char *take(struct sg_buf *buf)
{
    const char *text = sg_test_strf("%s", buf->length > 0 ? buf->data : "");

    sg_buf_release(buf);
    return text;
}

static const char *errors(const struct sg_errs *errs)
{
    struct sg_buf text = SG_BUF_INIT;

    for (size_t i = 0; i < errs->count; i++)
        sg_buf_addf(&text, "%s%s%s%s%s\n", errs->list[i].primary, errs->list[i].detail != NULL ? " | " : "",
                    errs->list[i].detail != NULL ? errs->list[i].detail : "", errs->list[i].hint != NULL ? " | " : "",
                    errs->list[i].hint != NULL ? errs->list[i].hint : "");
    return take(&text);
}

struct rehearsed *rehearse_manifest(const char *path, const struct sg_rehearse_options *options)
{
    static const struct sg_rehearse_options none;
    struct rehearsed *rehearsed = calloc(1, sizeof *rehearsed);

    if (rehearsed == NULL)
        abort();
    sg_test_defer(release, rehearsed);
    rehearsed_apart();
    T_MUST_EQ_INT(setenv("SGRUN_PLUGIN_HOST", sg_test_built("sgrun-plugin"), 1), 0);
    if (sg_manifest_read(path, NULL, 0, false, &rehearsed->arena, &rehearsed->manifest, &rehearsed->errs) != 0)
        T_FATAL("the manifest is not good:\n%s", errors(&rehearsed->errs));
    rehearsed->status = sg_rehearse(&rehearsed->manifest, NULL, options != NULL ? options : &none, &rehearsed->arena,
                                    &rehearsed->rehearsal, &rehearsed->errs);
    return rehearsed;
}

struct rehearsed *rehearse(const char *settings, const char *steps, const struct sg_rehearse_options *options)
{
    static int number;
    const char *path = sg_tmp_write(sg_test_strf("rehearse%d.ini", ++number),
                                    sg_test_strf("[sgrun]\nplugin_path = %s\n[database]\ndsn = postgresql://nobody@127.0.0.1:1/nothing\n"
                                                 "%s\n%s", sg_test_built("tests/scripted"), settings != NULL ? settings : "", steps));

    return rehearse_manifest(path, options);
}

const char *rehearsed_schema(const char *sql)
{
    static int number;

    return sg_tmp_write(sg_test_strf("schema%d.sql", ++number), sql);
}

const char *rehearsed_one(const char *id, const char *sql, const char *holds)
{
    return sg_test_strf("[migration %s]\nplugin = %s\noption.ddl1 = %s\noption.fingerprint = %s\n", id, id, sql, holds);
}

const struct sg_rehearsal_step *rehearsed_step(const struct rehearsed *rehearsed, const char *id)
{
    for (size_t i = 0; i < rehearsed->rehearsal.step_count; i++)
        if (strcmp(rehearsed->rehearsal.steps[i].step->id, id) == 0)
            return &rehearsed->rehearsal.steps[i];
    T_FATAL("no step %s:\n%s%s", id, rehearsed_all(rehearsed), errors(&rehearsed->errs));
}

const char *rehearsed_did(const struct sg_rehearsal_statement *statement, bool rows)
{
    struct sg_buf text = SG_BUF_INIT;

    for (size_t i = 0; i < statement->lock_count; i++)
        sg_buf_addf(&text, "%s%s:%.*s", text.length > 0 ? " " : "", statement->locks[i].relation,
                    (int)(strlen(statement->locks[i].mode) - strlen("Lock")), statement->locks[i].mode);
    for (size_t i = 0; i < statement->rewritten_count; i++)
        sg_buf_addf(&text, "%srewrite:%s", text.length > 0 ? " " : "", statement->rewritten[i]);
    for (size_t i = 0; i < statement->scanned_count; i++) {
        sg_buf_addf(&text, "%sscan:%s", text.length > 0 ? " " : "", statement->scanned[i]);
        if (rows)
            sg_buf_addf(&text, "(%" PRId64 ")", statement->scanned_rows[i]);
    }
    return take(&text);
}

const char *rehearsed_course(const struct rehearsed *rehearsed)
{
    struct sg_buf text = SG_BUF_INIT;

    for (size_t i = 0; i < rehearsed->rehearsal.step_count; i++) {
        const struct sg_rehearsal_step *step = &rehearsed->rehearsal.steps[i];

        sg_buf_addf(&text, "%s %s %d %d%s%s\n", step->step->id, sg_outcome_name(step->outcome), step->before, step->after,
                    step->err.class != SG_CLASS_NONE ? " " : "", step->err.class != SG_CLASS_NONE ? step->err.primary : "");
    }
    return take(&text);
}

const char *rehearsed_all(const struct rehearsed *rehearsed)
{
    const struct sg_rehearsal *all = &rehearsed->rehearsal;
    struct sg_buf text = SG_BUF_INIT;

    sg_buf_addf(&text, "PostgreSQL %d, %s, %s, %" PRId64 " ms\n%s", all->server_version,
                all->schema_from != NULL ? all->schema_from : "?", all->complete ? "complete" : "not complete", all->us / 1000,
                errors(&rehearsed->errs));
    for (size_t i = 0; i < all->left_out_count; i++)
        sg_buf_addf(&text, "left out: %s\n", all->left_out[i]);
    for (size_t i = 0; i < all->filled_count; i++)
        sg_buf_addf(&text, "filled: %s %" PRId64 " %s\n", all->filled[i].relation, all->filled[i].rows,
                    all->filled[i].why != NULL ? all->filled[i].why : "");
    for (size_t i = 0; i < all->step_count; i++) {
        const struct sg_rehearsal_step *step = &all->steps[i];

        sg_buf_addf(&text, "%s: %s, %s, %" PRId64 " us, fingerprint %d -> %d%s%s%s%s\n", step->step->id,
                    step->title != NULL ? step->title : "-", sg_outcome_name(step->outcome), step->us, step->before, step->after,
                    step->note != NULL ? ", " : "", step->note != NULL ? step->note : "",
                    step->err.class != SG_CLASS_NONE ? ", ERROR " : "", step->err.class != SG_CLASS_NONE ? step->err.primary : "");
        for (size_t k = 0; k < step->statement_count; k++)
            sg_buf_addf(&text, "    %" PRId64 " us%s %s: %.70s -> %s\n", step->statements[k].us,
                        step->statements[k].existed ? " (existed)" : "", step->statements[k].kind, step->statements[k].text,
                        rehearsed_did(&step->statements[k], true));
        for (size_t k = 0; k < step->held_count; k++)
            sg_buf_addf(&text, "    held %s %s %" PRId64 " us (statement %zu)\n", step->held[k].relation, step->held[k].mode,
                        step->held[k].us, step->held[k].statement);
    }
    return take(&text);
}

static const char *apart; /* of the running test */

static void together(void *arg)
{
    (void)arg;
    sg_tmp_remove(apart);
    apart = NULL;
    (void)unsetenv("TMPDIR");
}

void rehearsed_apart(void)
{
    if (apart != NULL)
        return;
    apart = sg_tmp_new("r", 0777, (uid_t)-1, (gid_t)-1);
    T_MUST_EQ_INT(setenv("TMPDIR", apart, 1), 0);
    sg_test_defer(together, NULL);
}

const char *rehearsed_left(void)
{
    struct sg_run_result run = sg_run_args(
        "sh", "-c", "ls -d $TMPDIR/sgrun-r-* 2>/dev/null; grep -sla $TMPDIR/sgrun-r- /proc/[0-9]*/cmdline | while read f; do"
                    " tr '\\0' ' ' <$f; echo; done | grep -a postgres | grep -av grep; true");

    return run.out;
}
