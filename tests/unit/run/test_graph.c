/* Who needs whom, and the order in which a deploy comes to the steps. */
#include "config.h"
#include "core/run/graph.h"

#include <string.h>

#include "tests/kit/test.h"

static struct sg_arena arena;
static struct sg_manifest manifest;
static struct sg_plan plan;
static struct sg_graph graph;

static void release(void *unused)
{
    (void)unused;
    sg_arena_release(&arena);
}

/* The steps of that text, each with what its plan says of it; actions: "id ACTION id ACTION …". */
static void make(const char *steps, const char *actions)
{
    const char *text = sg_test_strf("[sgrun]\nplugin_path = x\n[database]\ndsn = host=x\n%s", steps);
    struct sg_errs errs = SG_ERRS_INIT;

    sg_test_defer(release, NULL);
    if (sg_manifest_parse("t.ini", text, strlen(text), NULL, 0, false, &arena, &manifest, &errs) != 0)
        T_FATAL("%s", errs.list[0].primary);
    sg_errs_release(&errs);
    plan = (struct sg_plan){.count = manifest.step_count,
                            .items = sg_arena_array(&arena, manifest.step_count, sizeof *plan.items)};
    for (size_t i = 0; i < plan.count; i++) {
        const char *id = manifest.steps[i].id, *at = strstr(actions, sg_test_strf(" %s=", id));
        int action = SG_ACTION_SKIP;

        T_MUST_NOT_NULL(at);
        at += strlen(id) + 2;
        while (strncmp(at, sg_action_name((enum sg_action)action), strcspn(at, " ")) != 0 ||
               sg_action_name((enum sg_action)action)[strcspn(at, " ")] != '\0')
            action++;
        plan.items[i] = (struct sg_plan_item){.step = &manifest.steps[i], .action = (enum sg_action)action, .waits_for = "x"};
    }
    sg_graph_make(&manifest, &plan, &arena, &graph);
}

static const char *list(const size_t *places, size_t count)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = sg_test_strf("%s%s%s", text, i > 0 ? " " : "", manifest.steps[places[i]].id);
    return text;
}

/* "migration: a b | index: x" */
static const char *stages(void)
{
    const char *text = "";

    for (size_t i = 0; i < graph.stage_count; i++)
        text = sg_test_strf("%s%s%s: %s", text, i > 0 ? " | " : "", sg_step_kind_name(graph.stages[i].kind),
                            list(graph.stages[i].steps, graph.stages[i].count));
    return text;
}

static const char *edges(void)
{
    const char *text = "";

    for (size_t i = 0; i < graph.edge_count; i++)
        text = sg_test_strf("%s%s>%s %s\n", text, manifest.steps[graph.edges[i].step].id,
                            manifest.steps[graph.edges[i].needs].id, sg_graph_why_name(graph.edges[i].why));
    return text;
}

#define M(id, more) "[migration " id "]\nplugin = p\n" more
#define B(id, more) "[backfill " id "]\nplugin = p\n" more
#define I(id, more) "[index " id "]\ntable = t\ncolumns = c\n" more

static const char team[] = M("a", "") M("b", "") B("dedupe", "migration = a\n") I("uq", "requires = backfill:dedupe\n")
    M("c", "requires = index:uq\n") I("plain", "") B("late", "requires = migration:c index:plain\n");

SG_TEST(every_need_is_an_edge)
{
    make(team, " a=RUN b=RUN dedupe=RUN uq=BUILD? c=WAIT plain=BUILD late=RUN?");
    T_EQ_STR(edges(), "b>a order\ndedupe>a migration\nuq>dedupe requires\nc>b order\nc>uq requires\n"
                      "late>c requires\nlate>plain requires\n");
}

SG_TEST(the_edges_of_one_step_are_found)
{
    const struct sg_graph_edge *of;
    size_t count;

    make(team, " a=RUN b=RUN dedupe=RUN uq=BUILD? c=WAIT plain=BUILD late=RUN?");
    for (size_t i = 0; i < plan.count; i++) {
        static const size_t counts[] = {0, 1, 1, 1, 2, 0, 2};

        of = sg_graph_edges(&graph, i, &count);
        T_EQ_INT(count, counts[i]);
        for (size_t j = 0; j < count; j++)
            T_EQ_INT(of[j].step, i);
    }
}

SG_TEST(a_deploy_goes_round)
{
    make(team, " a=RUN b=RUN dedupe=RUN uq=BUILD? c=WAIT plain=BUILD late=RUN?");
    T_EQ_STR(stages(), "migration: a b | index: plain | backfill: dedupe | index: uq | migration: c | backfill: late");
    T_EQ_INT(graph.done_count, 0);
    T_EQ_INT(graph.never_count, 0);
}

SG_TEST(what_is_done_needs_no_stage)
{
    make(team, " a=SKIP b=SKIP dedupe=SKIP uq=SKIP c=RUN plain=SKIP late=RUN?");
    T_EQ_STR(stages(), "migration: c | backfill: late");
    T_EQ_STR(list(graph.done, graph.done_count), "a b dedupe uq plain");
}

SG_TEST(one_that_cannot_come_keeps_back_what_needs_it)
{
    make(team, " a=RUN b=RUN dedupe=REFUSED uq=WAIT c=WAIT plain=DRIFTED late=WAIT");
    T_EQ_STR(stages(), "migration: a b");
    T_EQ_STR(list(graph.never, graph.never_count), "dedupe uq c plain late");
}

SG_TEST(a_paused_backfill_does_not_come)
{
    make(team, " a=RUN b=RUN dedupe=RUN uq=BUILD? c=WAIT plain=BUILD late=RUN?");
    plan.items[2].action = SG_ACTION_WAIT;
    plan.items[2].waits_for = NULL;
    sg_graph_make(&manifest, &plan, &arena, &graph);
    T_EQ_STR(stages(), "migration: a b | index: plain");
    T_EQ_STR(list(graph.never, graph.never_count), "dedupe uq c late");
}

SG_TEST(migrations_come_in_the_order_of_the_file_alone)
{
    make(M("a", "requires = backfill:x\n") M("b", "") B("x", ""), " a=WAIT b=WAIT x=RUN");
    T_EQ_STR(stages(), "backfill: x | migration: a b");
    make(M("a", "") M("b", "") M("c", ""), " a=RUN b=REFUSED c=RUN");
    T_EQ_STR(stages(), "migration: a");
    make(M("a", "") M("b", "") M("c", ""), " a=RECONCILE b=SUPERSEDED c=LATER");
    T_EQ_STR(stages(), "migration: a b");
}

SG_TEST(indexes_and_backfills_come_by_priority)
{
    make(I("low", "priority = LOW\n") I("mid", "") I("high", "priority = HIGH\n") B("y", "") B("z", "priority = HIGH\n"),
         " low=BUILD mid=REBUILD high=BUILD y=RUN z=RUN");
    T_EQ_STR(stages(), "index: high mid low | backfill: z y");
}

SG_TEST(an_index_opens_the_gate_of_one_of_higher_priority)
{
    make(I("first", "priority = HIGH\nrequires = index:last\n") I("last", "priority = LOW\n") I("mid", ""), " first=BUILD? last=BUILD mid=BUILD");
    T_EQ_STR(stages(), "index: mid last first");
}

/* Backfills wait while a migration can go on. */
SG_TEST(a_migration_goes_before_a_backfill)
{
    make(M("a", "requires = index:i\n") I("i", "") B("x", ""), " a=WAIT i=BUILD x=RUN");
    T_EQ_STR(stages(), "index: i | migration: a | backfill: x");
}

/* As deploy does: what a backfill has opened goes before the next backfill. */
SG_TEST(an_opened_gate_ends_the_backfills)
{
    make(M("a", "") B("x", "priority = HIGH\n") B("y", "") I("i", "requires = backfill:x\n"), " a=RUN x=RUN y=RUN i=BUILD?");
    T_EQ_STR(stages(), "migration: a | backfill: x | index: i | backfill: y");
}

SG_TEST(a_long_chain_is_no_matter)
{
    struct sg_buf text = SG_BUF_INIT, actions = SG_BUF_INIT;

    for (int i = 0; i < 500; i++) {
        sg_buf_addf(&text, i == 0 ? "[backfill s%d]\nplugin = p\n" : "[backfill s%d]\nplugin = p\nrequires = backfill:s%d\n", i, i - 1);
        sg_buf_addf(&actions, " s%d=RUN", i);
    }
    make(text.data, actions.data);
    sg_buf_release(&text);
    sg_buf_release(&actions);
    T_EQ_INT(graph.stage_count, 1 + 0);
    T_EQ_INT(graph.stages[0].count, 500);
}

SG_TEST(nothing_at_all)
{
    make("", "");
    T_EQ_INT(graph.stage_count + graph.edge_count + graph.done_count + graph.never_count, 0);
}

static const struct sg_test tests[] = {
    SG_CASE(every_need_is_an_edge), SG_CASE(the_edges_of_one_step_are_found), SG_CASE(a_deploy_goes_round),
    SG_CASE(what_is_done_needs_no_stage), SG_CASE(one_that_cannot_come_keeps_back_what_needs_it),
    SG_CASE(a_paused_backfill_does_not_come), SG_CASE(migrations_come_in_the_order_of_the_file_alone),
    SG_CASE(indexes_and_backfills_come_by_priority), SG_CASE(an_opened_gate_ends_the_backfills), SG_CASE(an_index_opens_the_gate_of_one_of_higher_priority),
    SG_CASE(a_migration_goes_before_a_backfill),
    SG_CASE(a_long_chain_is_no_matter), SG_CASE(nothing_at_all), SG_CASES_END};
static const struct sg_suite suites[] = {{"graph", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
