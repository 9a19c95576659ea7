/*
 * The example's two manifests hold the same steps in the same order, and every migration and backfill of its folders is one of
 * them: a step that is forgotten in one of them would only be noticed in production. And sgrun can load them all.
 */
#include "config.h"

#include "tests/kit/run.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <dirent.h>
#include <string.h>

/* What the manifest's lines from its first "[migration " on say, without comments and blank lines. */
static const char *steps_of(const char *file)
{
    const char *text = sg_tmp_read(sg_test_source(file)), *line;
    const char *steps = "";

    T_MUST_NOT_NULL(text);
    line = strstr(text, "\n[migration ");
    T_MUST_NOT_NULL(line);
    while (*++line != '\0') {
        size_t len = strcspn(line, "\n");

        if (len > 0 && *line != ';')
            steps = sg_test_strf("%s%.*s\n", steps, (int)len, line);
        line += len;
        if (*line == '\0')
            break;
    }
    return steps;
}

SG_TEST(both_have_the_same_steps)
{
    T_EQ_STR(steps_of("etc/prod.ini"), steps_of("etc/demo.ini.in"));
}

/* How often WHAT stands in TEXT. */
static int count_of(const char *text, const char *what)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

/* Calls EACH with the name, without its ".c", of each source in FOLDER; gives how many there are. */
static int sources_in(const char *folder, void (*each)(const char *name, const char *text))
{
    DIR *dir = opendir(sg_test_source(folder));
    const struct dirent *entry;
    int sources = 0;

    T_MUST(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len < 3 || strcmp(entry->d_name + len - 2, ".c") != 0)
            continue;
        sources++;
        each(sg_test_strf("%.*s", (int)len - 2, entry->d_name),
             sg_tmp_read(sg_test_source(sg_test_strf("%s/%s", folder, entry->d_name))));
    }
    closedir(dir);
    T_GT_INT(sources, 0);
    return sources;
}

/* Section, plugin and the id in the source are one name. */
static void migration_is_a_step(const char *name, const char *text)
{
    T_CONTAINS(steps_of("etc/demo.ini.in"), sg_test_strf("[migration %s]\nplugin = %s\n", name, name));
    T_CONTAINS(text, sg_test_strf("\nSG_MIGRATION(\"%s\", ", name));
}

SG_TEST(each_migration_is_a_step)
{
    T_EQ_INT(count_of(steps_of("etc/demo.ini.in"), "[migration "), sources_in("migrations", migration_is_a_step));
}

/* "backfill_96_lead_name" is the plugin of "migration_96_lead_name", any other has its id's name. Each says after which migration
 * it comes, and how urgent it is. */
static void backfill_is_a_step(const char *name, const char *text)
{
    const char *steps = steps_of("etc/demo.ini.in");
    const char *id = strncmp(name, "backfill_", 9) == 0 ? sg_test_strf("migration_%s", name + 9) : name;
    const char *section = strstr(steps, sg_test_strf("[backfill %s]\nplugin = %s\nmigration = ", id, name)), *end;

    T_CONTAINS(text, sg_test_strf("(\"%s\", ", id));
    if (section == NULL) {
        T_FAIL("no section [backfill %s] with plugin = %s and a migration", id, name);
        return;
    }
    end = strstr(section, "\n[");
    section = sg_test_strf("%.*s\n", end == NULL ? (int)strlen(section) : (int)(end - section), section);
    T_EQ_INT(count_of(section, "\npriority = HIGH\n") + count_of(section, "\npriority = MEDIUM\n") +
             count_of(section, "\npriority = LOW\n"), 1);
}

SG_TEST(each_backfill_is_a_step)
{
    T_EQ_INT(count_of(steps_of("etc/demo.ini.in"), "[backfill "), sources_in("backfills", backfill_is_a_step));
}

SG_TEST(all_plugins_can_be_loaded)
{
    const char *steps = steps_of("etc/demo.ini.in");
    struct sg_run_result run = sg_run_args(sg_test_built("sgrun"), "--manifest", sg_test_built("etc/demo.ini"), "check");

    T_EQ_STR(run.exit == 0 ? "" : run.err, "");
    T_CONTAINS(run.out, sg_test_strf("%d migrations, %d indexes, %d backfills: all is well", count_of(steps, "[migration "),
                                     count_of(steps, "[index "), count_of(steps, "[backfill ")));
}

/* Of a registry all mistakes are told at once, and the plugins are judged besides. */
SG_TEST(refused_indexes_are_told)
{
    struct sg_run_result run = sg_run_args(sg_test_built("sgrun"), "--manifest", sg_test_built("etc/demo.ini"), "check",
                                           "--set=index idx_leads_tags.where=tags IS NOT NULL) OR (true",
                                           "--set=index idx_leads_board.with=fillfactor = 5",
                                           "--set=index idx_leads_board.columns=a, a", "--set=migration 0071_notes.plugin=nobody_has_it");

    T_EQ_INT(run.exit, 6);
    T_CONTAINS(run.out, "not fit to run");
    T_CONTAINS(run.err, "nobody_has_it");
    T_CONTAINS(run.err, "idx_leads_tags: --set index idx_leads_tags.where: a closing bracket");
    T_CONTAINS(run.err, "idx_leads_board.with: fillfactor = 5");
    T_CONTAINS(run.err, "idx_leads_board.columns: a is here twice");
    T_CONTAINS(run.err, "4 errors in all");
}

/* The lines of the section [index NAME]. */
static const char *index_section(const char *name)
{
    const char *steps = steps_of("etc/demo.ini.in"), *section = strstr(steps, sg_test_strf("[index %s]\n", name)), *end;

    if (section == NULL)
        T_FATAL("no section [index %s]", name);
    end = strstr(section, "\n[");
    return sg_test_strf("%.*s\n", end == NULL ? (int)strlen(section) : (int)(end - section), section);
}

/* What the team asked for, to the letter. */
SG_TEST(the_five_of_the_calendars)
{
    static const struct {
        const char *name, *table, *columns;
    } five[] = {{"idx_business_calendars_business_active", "business_calendars", "business_id, is_active"},
                {"idx_business_calendars_priority", "business_calendars", "business_id, priority"},
                {"idx_calendar_routing_business_active", "calendar_routing_rules", "business_id, is_active"},
                {"idx_calendar_routing_calendar", "calendar_routing_rules", "calendar_id"},
                {"idx_appointments_calendar_id", "appointments", "calendar_id"}};

    for (size_t i = 0; i < sizeof five / sizeof *five; i++) {
        const char *section = index_section(five[i].name);

        T_CONTAINS(section, sg_test_strf("\ntable = %s\ncolumns = %s\n", five[i].table, five[i].columns));
        T_CONTAINS(section, "\nmigration = 0115_business_calendars\n"); /* which makes what they are on */
        T_CONTAINS(section, "\ndescription = ");
        T_LACKS(section, "unique = yes");
    }
}

/* A unique index says in its predicate what its clean-up says in its statement: what that left is what this takes. */
SG_TEST(unique_indexes_come_after_their_clean_up)
{
    static const struct {
        const char *name, *backfill, *column;
    } each[] = {{"uq_messages_provider_msg_id", "dedupe_messages_provider_msg_id", "provider_msg_id"},
                {"uq_call_log_call_sid", "dedupe_call_log_call_sid", "call_sid"},
                {"uq_whatsapp_message_provider_id", "dedupe_whatsapp_message", "provider_message_id"}};

    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        const char *section = index_section(each[i].name);
        const char *source = sg_tmp_read(sg_test_source(sg_test_strf("backfills/%s.c", each[i].backfill)));

        T_CONTAINS(section, sg_test_strf("\nrequires = backfill:%s\n", each[i].backfill));
        T_CONTAINS(section, sg_test_strf("\nwhere = %s <> ''\n", each[i].column));
        T_CONTAINS(section, "\nunique = yes\n");
        T_CONTAINS(section, "\ncritical = yes\n");
        T_CONTAINS(source, sg_test_strf("WHERE %s <> ''", each[i].column));
    }
    T_EQ_INT(count_of(steps_of("etc/demo.ini.in"), "\nunique = yes\n"), sizeof each / sizeof *each);
}

/* Each says what it is for. */
SG_TEST(each_index_is_described)
{
    const char *steps = steps_of("etc/demo.ini.in");
    int indexes = 0;

    for (const char *at = steps; (at = strstr(at, "\n[index ")) != NULL; at++, indexes++)
        T_CONTAINS(index_section(sg_test_strf("%.*s", (int)strcspn(at + 8, "]"), at + 8)), "\ndescription = ");
    T_GT_INT(indexes, 25);
}

/* Beside it: a path from the root of the file system may be longer than a line of a manifest can be. */
SG_TEST(demo_names_the_sql_that_is_there)
{
    const char *text = sg_tmp_read(sg_test_built("etc/demo.ini")), *at, *path;

    T_MUST_NOT_NULL(text);
    at = strstr(text, "\nembedded_init = ");
    T_MUST_NOT_NULL(at);
    at += strlen("\nembedded_init = ");
    path = sg_test_strf("%.*s", (int)strcspn(at, "\n"), at);
    T_NULL(strchr(path, '/'));
    T_CONTAINS(sg_tmp_read(sg_test_built(sg_test_strf("etc/%s", path))), "CREATE TABLE leads");
}

static const struct sg_test tests[] = {SG_CASE(both_have_the_same_steps), SG_CASE(each_migration_is_a_step),
                                       SG_CASE(each_backfill_is_a_step), SG_CASE(all_plugins_can_be_loaded), SG_CASE(refused_indexes_are_told),
                                       SG_CASE(the_five_of_the_calendars), SG_CASE(unique_indexes_come_after_their_clean_up),
                                       SG_CASE(each_index_is_described),
                                       SG_CASE(demo_names_the_sql_that_is_there), SG_CASES_END};
static const struct sg_suite suites[] = {{"manifests", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
