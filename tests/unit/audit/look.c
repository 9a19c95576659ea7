/* look.c - see look.h. */
#include "config.h"
#include "tests/unit/audit/look.h"

#include <stdlib.h>
#include <string.h>

#include "core/audit/script.h"
#include "core/base/buf.h"

const char look_tables[] =
    "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, c varchar(20), d timestamptz, n numeric(10,2), j jsonb, other_id bigint);\n"
    "CREATE TABLE other (id bigint PRIMARY KEY, name text NOT NULL, email text, kind text);\n"
    "CREATE TABLE parent (id bigint PRIMARY KEY, name text);\n"
    "CREATE TABLE part (id bigint NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);\n"
    "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n"
    "CREATE TABLE cand (id bigint NOT NULL, at timestamptz NOT NULL);\n"
    "CREATE INDEX t_a ON t (a);\n"
    "CREATE TYPE mood AS ENUM ('sad', 'ok');\n"
    "CREATE DOMAIN posint AS int CHECK (value > 0);\n"
    "CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;\n"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;\n"
    "CREATE TRIGGER t_touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();\n";

static void release(void *arg)
{
    struct sg_arena *arena = arg;

    sg_arena_release(arena);
    free(arena);
}

const struct sg_audit_result *look_at(const struct look *look, const char *const *migrations)
{
    static const struct look plain;
    struct sg_arena *arena = sg_xcalloc(1, sizeof *arena);
    struct sg_audit_options *options = sg_arena_alloc(arena, sizeof *options);
    struct sg_audit *audit;

    sg_test_defer(release, arena);
    if (look == NULL)
        look = &plain;
    options->server_version = look->server_version > 0 ? look->server_version : 15;
    options->small_rows = look->small_rows > 0 ? look->small_rows : 100;
    if (look->hot != NULL) {
        const char **hot = sg_arena_array(arena, 1, sizeof *hot);

        hot[0] = look->hot;
        options->hot_tables = hot;
        options->hot_count = 1;
        options->hot_known = true;
    }
    audit = sg_audit_begin(options, arena);
    for (int i = 0; migrations[i] != NULL; i++) {
        struct sg_audit_file file = {.path = sg_test_strf("%d.sql", i + 1), .id = sg_test_strf("%d", i + 1),
                                     .transaction = !look->no_transaction, .layout = look->layout};
        struct sg_audit_migration migration;
        struct sg_errs errs = SG_ERRS_INIT;

        sg_audit_script_split(&file, migrations[i], strlen(migrations[i]), arena, &migration, &errs);
        sg_audit_migration(audit, &migration, &errs);
        sg_errs_release(&errs);
    }
    return sg_audit_end(audit);
}

/* "index. tx.": does the rule begin with one of them? */
static bool is_of(const char *families, const char *id)
{
    for (const char *at = families; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");

        if (strncmp(id, at, length) == 0)
            return true;
        at += length;
    }
    return families == NULL;
}

const char *look_rules_after(const struct look *look, const char *families, const char *before, const char *sql)
{
    const struct sg_audit_result *result = look_at(look, (const char *const[]){before, sql, NULL});
    const char *text = "";

    if (result->errs.count > 0)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, result->errs.list[0].primary);
    for (size_t s = 0; s < result->migrations[1].statements; s++)
        for (int rule = 0; rule < SG_RULE_COUNT; rule++)
            for (size_t i = 0; i < result->finding_count; i++) {
                const struct sg_audit_finding *f = &result->findings[i];

                if (f->place.migration != 1 || f->place.statement != s || (int)f->rule != rule ||
                    f->standing != SG_STANDING_OPEN || !is_of(families, sg_rule(f->rule)->id))
                    continue;
                text = sg_test_strf("%s%s%s", text, text[0] != '\0' ? " " : "", sg_rule(f->rule)->id);
                break;
            }
    return text;
}

const char *look_rules(const struct look *look, const char *families, const char *sql)
{
    return look_rules_after(look, families, look_tables, sql);
}
