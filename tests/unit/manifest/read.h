/*
 * What the tests of the manifest reader share: a text is read, and what came of it, values or errors, can be asked for.
 */
#ifndef SG_TESTS_UNIT_MANIFEST_READ_H
#define SG_TESTS_UNIT_MANIFEST_READ_H

#include "core/manifest/manifest.h"
#include "tests/kit/test.h"

#include <stdlib.h>
#include <string.h>

/* The sections that nearly every manifest needs; five lines. */
#define HEAD "[sgrun]\nplugin_path = ../migrations\n[database]\ndsn = host=example\n\n"
#define HEAD_LINES 5
/* A migration of two lines. */
#define MIGRATION(id) "[migration " id "]\nplugin = " id "\n"

struct read {
    struct sg_arena arena;
    struct sg_manifest manifest;
    struct sg_errs errs;
    int result;
};

static void read_release(void *what)
{
    struct read *r = what;

    sg_errs_release(&r->errs);
    sg_arena_release(&r->arena);
    free(r);
}

/* Reads the bytes; COUNT overrides as on the command line. Released with the test. */
SG_UNUSED static struct read *read_bytes(const char *bytes, size_t length, bool lenient, size_t count, const char *const *sets)
{
    struct read *r = calloc(1, sizeof *r);
    struct sg_override overrides[8];
    struct sg_err err = SG_ERR_INIT;

    T_MUST(r != NULL && count <= 8);
    sg_test_defer(read_release, r);
    for (size_t i = 0; i < count; i++)
        if (sg_override_parse(sets[i], &r->arena, &overrides[i], &err) != 0)
            T_FATAL("--set %s: %s", sets[i], err.primary);
    r->result = sg_manifest_parse("etc/m.ini", bytes, length, overrides, count, lenient, &r->arena, &r->manifest, &r->errs);
    T_EQ_INT(r->result, r->errs.count == 0 ? 0 : -1);
    for (size_t i = 0; i < r->errs.count; i++) {
        const struct sg_err *e = &r->errs.list[i];

        /* whatever is wrong, it is told in full */
        T_MUST(e->primary != NULL && e->hint != NULL);
        if (e->detail == NULL && strstr(e->primary, "not shown") == NULL)
            T_FAIL("no detail: %s", e->primary);
        T_FALSE(e->primary[strlen(e->primary) - 1] == '.' && strstr(e->primary, "..") == NULL);
        if (i > 0 && r->errs.list[i - 1].line > e->line)
            T_FAIL("line %d after line %d", e->line, r->errs.list[i - 1].line);
    }
    return r;
}

SG_UNUSED static struct read *read_text(const char *text)
{
    return read_bytes(text, strlen(text), false, 0, NULL);
}

/* Reads what must be right. */
SG_UNUSED static struct read *read_good(const char *text)
{
    struct read *r = read_text(text);

    for (size_t i = 0; i < r->errs.count; i++)
        T_FAIL("line %d: %s", r->errs.list[i].line, r->errs.list[i].primary);
    T_MUST_EQ_INT(r->result, 0);
    return r;
}

SG_UNUSED static struct read *read_sets(const char *text, size_t count, const char *const *sets)
{
    return read_bytes(text, strlen(text), false, count, sets);
}

/* The one error of a text, which must be in that line and say these words in primary and hint. */
SG_UNUSED static void one_error(struct sg_here here, const char *text, int line, const char *primary, const char *hint)
{
    const struct read *r = read_text(text);

    sg_test_int(here, true, "errors", "==", "1", (long long)r->errs.count, 1);
    sg_test_int(here, false, "line", "==", "expected", r->errs.list[0].line, line);
    sg_test_contains(here, false, true, "primary", r->errs.list[0].primary, primary);
    sg_test_contains(here, false, true, "hint", r->errs.list[0].hint, hint);
    sg_test_str(here, false, true, "file", "etc/m.ini", r->errs.list[0].file, "etc/m.ini");
    sg_test_int(here, false, "class", "==", "SG_CLASS_MANIFEST", r->errs.list[0].class, SG_CLASS_MANIFEST);
}
#define T_ERROR(text, line, primary, hint) one_error(SG_HERE_, text, line, primary, hint)
/* The same, of lines that follow HEAD; LINE counts from the first of them. */
#define T_ERROR_IN(text, line, primary, hint) one_error(SG_HERE_, HEAD text, HEAD_LINES + (line), primary, hint)

#endif
