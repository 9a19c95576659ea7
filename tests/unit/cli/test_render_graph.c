/* The graph as people read it, as Graphviz does, and as scripts do. */
#include "config.h"
#include "core/cli/render.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_manifest manifest;
static struct sg_plan plan;
static struct sg_graph graph;
static struct sg_run run;
static struct sg_buf out = SG_BUF_INIT;
static const struct sg_look plain = {.width = 0}, verbose = {.verbose = true}, narrow = {.width = 60};

static void release(void *unused)
{
    (void)unused;
    sg_buf_release(&out);
    sg_arena_release(&arena);
}

static void make(const char *steps, const enum sg_action *actions)
{
    const char *text = sg_test_strf("[sgrun]\nplugin_path = x\n[database]\ndsn = host=x\n%s", steps);
    struct sg_errs errs = SG_ERRS_INIT;

    sg_test_defer(release, NULL);
    if (sg_manifest_parse("etc/t.ini", text, strlen(text), NULL, 0, false, &arena, &manifest, &errs) != 0)
        T_FATAL("%s", errs.list[0].primary);
    sg_errs_release(&errs);
    plan = (struct sg_plan){.count = manifest.step_count,
                            .items = sg_arena_array(&arena, manifest.step_count + 1, sizeof *plan.items)};
    for (size_t i = 0; i < plan.count; i++)
        plan.items[i] = (struct sg_plan_item){.step = &manifest.steps[i], .action = actions[i],
                                              .waits_for = actions[i] == SG_ACTION_WAIT ? "x" : NULL};
    run = (struct sg_run){.manifest = &manifest, .dsn = {.text = "crm@db"}};
    sg_graph_make(&manifest, &plan, &arena, &graph);
}

static const char *text_of(const struct sg_look *look)
{
    sg_buf_clear(&out);
    sg_render_graph(&out, look, &run, &plan, &graph);
    return out.data;
}

static const char *dot_of(const struct sg_look *look)
{
    sg_buf_clear(&out);
    sg_render_graph_dot(&out, look, &run, &plan, &graph);
    return out.data;
}

static const char team[] =
    "[migration 0001_old]\nplugin = p\n[migration 0002_new]\nplugin = p\n"
    "[backfill dedupe]\nplugin = p\nmigration = 0002_new\n"
    "[index uq_calls]\ntable = t\ncolumns = c\nrequires = backfill:dedupe migration:0001_old\n"
    "[migration 0003_using]\nplugin = p\nrequires = index:uq_calls\n"
    "[backfill held]\nplugin = p\nrequires = migration:0003_using\n";
static const enum sg_action actions[] = {SG_ACTION_SKIP, SG_ACTION_RUN, SG_ACTION_RUN_MAYBE, SG_ACTION_BUILD_MAYBE,
                                         SG_ACTION_WAIT, SG_ACTION_REFUSED};

SG_TEST(stages_with_what_each_comes_after)
{
    make(team, actions);
    T_EQ_STR(text_of(&plain), "Graph of etc/t.ini on crm@db: the stages of a deploy, if each step succeeds\n"
                              "done already: 1 migration\n"
                              "1. migrations\n"
                              "  RUN         0002_new\n"
                              "2. backfills\n"
                              "  RUN?        dedupe         after migration:0002_new\n"
                              "3. indexes\n"
                              "  BUILD?      uq_calls       after backfill:dedupe\n"
                              "4. migrations\n"
                              "  WAIT        0003_using     after index:uq_calls\n"
                              "not in this deploy: 1 backfill\n"
                              "  REFUSED     backfill:held  after migration:0003_using\n");
}

SG_TEST(verbose_names_what_is_done)
{
    make(team, actions);
    T_CONTAINS(text_of(&verbose), "done already: 1 migration\n  SKIP        migration:0001_old\n");
    T_CONTAINS(out.data, "after backfill:dedupe, migration:0001_old\n");
}

SG_TEST(many_needs_are_cut)
{
    struct sg_buf steps = SG_BUF_INIT;
    enum sg_action many[12];

    for (int i = 0; i < 11; i++)
        sg_buf_addf(&steps, "[backfill b%d]\nplugin = p\n", i);
    sg_buf_adds(&steps, "[index i]\ntable = t\ncolumns = c\nrequires =");
    for (int i = 0; i < 11; i++)
        sg_buf_addf(&steps, " backfill:b%d", i);
    sg_buf_adds(&steps, "\n");
    for (int i = 0; i < 12; i++)
        many[i] = i < 11 ? SG_ACTION_RUN : SG_ACTION_BUILD_MAYBE;
    make(steps.data, many);
    sg_buf_release(&steps);
    T_CONTAINS(text_of(&plain), "after backfill:b0, backfill:b1, backfill:b2, backfill:b3 and 7 more\n");
    T_CONTAINS(text_of(&verbose), "backfill:b9, backfill:b10\n");
}

/* Hundreds that are recorded are one line; a narrow terminal cuts names in their middle. */
SG_TEST(a_wide_manifest_stays_readable)
{
    struct sg_buf steps = SG_BUF_INIT;
    enum sg_action wide[301];
    size_t lines = 0;

    for (int i = 0; i < 300; i++) {
        sg_buf_addf(&steps, "[migration m%04d]\nplugin = p\n", i);
        wide[i] = SG_ACTION_SKIP;
    }
    sg_buf_adds(&steps, "[migration with_a_name_that_is_too_long_for_it]\nplugin = p\n");
    wide[300] = SG_ACTION_RUN;
    make(steps.data, wide);
    sg_buf_release(&steps);
    text_of(&narrow);
    for (const char *at = out.data; *at != '\0'; at++)
        lines += *at == '\n';
    T_EQ_INT(lines, 4);
    T_CONTAINS(out.data, "300 migrations\n");
    T_CONTAINS(out.data, "...");
    dot_of(&plain);
    T_CONTAINS(out.data, "done already:\\n300 migrations");
    T_CONTAINS(out.data, "done -> n300 [style=dotted];");
    T_LACKS(out.data, "m0001");
    T_CONTAINS(dot_of(&verbose), "n0 -> n1 [style=dotted];");
}

SG_TEST(nothing_to_do_says_so)
{
    static const enum sg_action skip[] = {SG_ACTION_SKIP};

    make("[migration a]\nplugin = p\n", skip);
    T_CONTAINS(text_of(&plain), "Nothing to do.\n");
    make("", skip);
    T_CONTAINS(text_of(&plain), "Nothing to do.\n");
    T_CONTAINS(dot_of(&plain), "digraph sgrun {");
}

/* ---- Graphviz's grammar, as far as it is used: graph: 'digraph' id '{' stmts '}'; a statement: id '=' id, or id, or an edge,
 * with attributes in brackets, and ';' ---- */

struct lexer {
    const char *at;
    char word[4096];
};

static char next(struct lexer *l)
{
    size_t length = 0;

    while (isspace((unsigned char)*l->at))
        l->at++;
    if (*l->at == '"') {
        for (l->at++; *l->at != '"'; l->at++) {
            T_MUST(*l->at != '\0' && (unsigned char)*l->at >= ' ');
            if (*l->at == '\\') {
                l->at++;
                T_MUST(*l->at == '"' || *l->at == '\\' || *l->at == 'n');
            }
            T_MUST(length < sizeof l->word - 1);
            l->word[length++] = *l->at;
        }
        l->at++;
        l->word[length] = '\0';
        return 'i';
    }
    if (isalnum((unsigned char)*l->at) || *l->at == '_') {
        while (isalnum((unsigned char)*l->at) || *l->at == '_')
            l->word[length++] = *l->at++;
        l->word[length] = '\0';
        return 'i';
    }
    if (l->at[0] == '-' && l->at[1] == '>')
        return l->at += 2, '>';
    return *l->at == '\0' ? '\0' : *l->at++;
}

static void must_parse(const char *dot, size_t *nodes_r, size_t *edges_r)
{
    struct lexer l = {.at = dot};
    char token;

    *nodes_r = *edges_r = 0;
    T_MUST_EQ_INT(next(&l), 'i');
    T_MUST_EQ_STR(l.word, "digraph");
    T_MUST_EQ_INT(next(&l), 'i');
    T_MUST_EQ_INT(next(&l), '{');
    while ((token = next(&l)) == 'i') {
        bool named = strcmp(l.word, "node") != 0, edge = false;

        token = next(&l);
        if (token == '=') {
            T_MUST_EQ_INT(next(&l), 'i');
            T_MUST_EQ_INT(next(&l), ';');
            continue;
        }
        if (token == '>') {
            edge = true;
            T_MUST_EQ_INT(next(&l), 'i');
            token = next(&l);
        }
        T_MUST_EQ_INT(token, '[');
        do {
            T_MUST_EQ_INT(next(&l), 'i');
            T_MUST_EQ_INT(next(&l), '=');
            T_MUST_EQ_INT(next(&l), 'i');
            token = next(&l);
        } while (token == ',');
        T_MUST_EQ_INT(token, ']');
        T_MUST_EQ_INT(next(&l), ';');
        *edges_r += edge;
        *nodes_r += !edge && named;
    }
    T_MUST_EQ_INT(token, '}');
    T_MUST_EQ_INT(next(&l), '\0');
}

SG_TEST(dot_is_well_formed)
{
    size_t nodes, edge_count;

    make(team, actions);
    must_parse(dot_of(&plain), &nodes, &edge_count);
    T_EQ_INT(nodes, 6);      /* what is done is one */
    T_EQ_INT(edge_count, 6); /* but that to what is done by requires */
    T_CONTAINS(out.data, "n1 [shape=box, fillcolor=\"#b7e1b0\", label=\"0002_new\\nRUN\"];");
    T_CONTAINS(out.data, "n2 [shape=ellipse");
    T_CONTAINS(out.data, "n3 [shape=hexagon");
    T_CONTAINS(out.data, "n5 [shape=ellipse, fillcolor=\"#f1a9a0\"");
    T_CONTAINS(out.data, "n1 -> n2 [style=dashed];");
    T_CONTAINS(out.data, "n2 -> n3 [style=solid];");
    T_CONTAINS(out.data, "n1 -> n4 [style=dotted];");
    must_parse(dot_of(&verbose), &nodes, &edge_count);
    T_EQ_INT(nodes, 6);
    T_EQ_INT(edge_count, graph.edge_count);
}

SG_TEST(labels_are_quoted)
{
    static const enum sg_action run_it[] = {SG_ACTION_RUN};
    size_t nodes, edge_count;

    make("[migration a]\nplugin = p\n", run_it);
    plan.items[0].title = "a \"quote\", a \\G and\na \x1b[31mline -> } ] ; é \xff";
    manifest.path = "etc/\"odd\\\".ini";
    must_parse(dot_of(&plain), &nodes, &edge_count);
    T_EQ_INT(nodes, 1);
    T_CONTAINS(out.data, "a \\\"quote\\\", a \\\\G and");
    T_CONTAINS(out.data, "label=\"etc/\\\"odd\\\\\\\".ini\"");
    T_LACKS(out.data, "\x1b");
    T_LACKS(out.data, "\xff");
}

SG_TEST(the_json_has_edges_and_stages)
{
    struct sg_json *json = sg_json_object();
    const struct sg_json *edges, *stages;

    make(team, actions);
    sg_render_graph_json(json, &plan, &graph);
    edges = sg_json_get(json, "edges");
    stages = sg_json_get(json, "stages");
    T_EQ_INT(sg_json_count(edges), 7);
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(edges, 0), "step")), "migration:0002_new");
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(edges, 0), "needs")), "migration:0001_old");
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(edges, 0), "why")), "order");
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(edges, 1), "why")), "migration");
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(edges, 2), "needs")), "backfill:dedupe");
    T_EQ_INT(sg_json_count(stages), 4);
    T_EQ_STR(sg_json_text(sg_json_get(sg_json_at(stages, 2), "kind")), "index");
    T_EQ_STR(sg_json_text(sg_json_at(sg_json_get(sg_json_at(stages, 2), "steps"), 0)), "uq_calls");
    sg_json_free(json);
}

static const struct sg_test tests[] = {
    SG_CASE(stages_with_what_each_comes_after), SG_CASE(verbose_names_what_is_done), SG_CASE(many_needs_are_cut),
    SG_CASE(a_wide_manifest_stays_readable), SG_CASE(nothing_to_do_says_so), SG_CASE(dot_is_well_formed),
    SG_CASE(labels_are_quoted), SG_CASE(the_json_has_edges_and_stages), SG_CASES_END};
static const struct sg_suite suites[] = {{"render graph", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
