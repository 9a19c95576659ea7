/*
 * Fuzz target: an index's section. The input's lines are columns, opclass, include, with, where and method; or the first begins
 * with "CREATE", and all of it is sql. What is held besides "no crash": a mistake is told in full; what is accepted is one CREATE INDEX
 * CONCURRENTLY of that name and table, whose parts are those of the same section with one part less.
 */
#include "config.h"

#include "core/index/definition.h"
#include "core/sql/parse.h"
#include "core/sql/tree.h"

#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sg_manifest manifest = {.path = "etc/fuzz.ini", .folder = "etc", .schema = "public", .state_schema = "sgrun"};

/* The statement, or NULL where the section is refused. */
static const char *judge(const struct sg_step *step, struct sg_arena *arena)
{
    struct sg_index_definition definition;
    struct sg_errs errs = SG_ERRS_INIT;
    struct sg_err err = SG_ERR_INIT;
    int result = sg_index_define(&manifest, step, arena, &definition, &err);
    const char *sql = NULL;

    SG_ASSERT(sg_index_judge(&manifest, step, &errs) == result);
    SG_ASSERT((errs.count == 0) == (result == 0));
    for (size_t i = 0; i < errs.count; i++)
        SG_ASSERT(errs.list[i].class == SG_CLASS_REFUSED && errs.list[i].hint != NULL && errs.list[i].line == 7 &&
                  (errs.list[i].detail != NULL || errs.list[i].statement != NULL));
    if (result == 0)
        sql = sg_index_statement(&definition, SG_INDEX_CONCURRENTLY, definition.name, sg_index_relation_sql(&definition, arena), arena);
    else
        SG_ASSERT(err.class == SG_CLASS_REFUSED && strcmp(err.primary, errs.list[0].primary) == 0);
    sg_err_release(&err);
    sg_errs_release(&errs);
    return sql;
}

static void check_statement(const char *sql, const struct sg_step *step)
{
    struct sg_err err = SG_ERR_INIT;
    struct sg_json *tree, *list, *statement;

    SG_ASSERT(sg_parse(sql, strlen(sql), &tree, &err) == SG_PARSE_OK);
    list = sg_json_get(tree, "stmts");
    SG_ASSERT(sg_json_count(list) == 1);
    statement = sg_node_as(sg_json_get(sg_json_at(list, 0), "stmt"), "IndexStmt");
    SG_ASSERT(sg_node_is(statement, "idxname", "i") && sg_json_true(sg_json_get(statement, "concurrent")));
    SG_ASSERT(step->sql != NULL || sg_node_is(sg_json_get(statement, "relation"), "relname", "t"));
    SG_ASSERT(step->sql != NULL || (sg_json_get(statement, "whereClause") != NULL) == (step->where != NULL));
    SG_ASSERT(step->sql != NULL || (sg_json_get(statement, "options") != NULL) == (step->with != NULL));
    SG_ASSERT(step->sql != NULL || (sg_json_get(statement, "indexIncludingParams") != NULL) == (step->include != NULL));
    SG_ASSERT(!sg_json_true(sg_json_get(statement, "if_not_exists")));
    sg_json_free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_arena arena = SG_ARENA_INIT;
    struct sg_step step = {.kind = SG_STEP_INDEX, .id = "i", .label = "i", .line = 7, .table = "t"};
    const char **const values[] = {&step.columns, &step.opclass, &step.include, &step.with, &step.where, &step.method};
    const char *text = sg_arena_strndup(&arena, (const char *)data, size), *sql;

    if (strncasecmp(text, "CREATE", 6) == 0) {
        step.sql = text;
        step.table = NULL;
    } else {
        for (size_t i = 0; i < SG_COUNT(values); i++) {
            size_t length = strcspn(text, "\n");

            if (length > 0)
                *values[i] = sg_arena_strndup(&arena, text, length);
            text += length + (text[length] == '\n');
        }
        if (step.columns == NULL)
            step.columns = "a";
    }
    sql = judge(&step, &arena);
    if (sql != NULL)
        check_statement(sql, &step);
    sg_arena_release(&arena);
    return 0;
}
