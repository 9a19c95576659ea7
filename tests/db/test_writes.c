/*
 * What a batch wrote to, asked of real servers: what was declared passes, all else is named, with the way there and the line that
 * would declare it. No plugin is needed: statements are sent as a batch sends them.
 */
#include "config.h"

#include "core/base/clock.h"
#include "core/exec/writes.h"
#include "core/run/run.h"
#include "core/state/schema.h"
#include "tests/kit/server.h"
#include "tests/kit/sql.h"
#include "tests/kit/test.h"

#include <stdio.h>
#include <string.h>

/* A backfill "b" of public.leads, with its transaction open. */
struct place {
    struct sg_arena arena;
    struct sg_manifest manifest;
    struct sg_run run;
    struct sg_session session;
    struct sg_executor executor;
    struct sg_writes writes;
    struct sg_err err;
    struct sg_sql *sql;
    const char *conninfo;
};

static const char world[] =
    "CREATE TABLE leads (id int PRIMARY KEY, name text, done boolean);"
    "CREATE TABLE notes (id int PRIMARY KEY, lead_id int CONSTRAINT notes_lead REFERENCES leads ON DELETE CASCADE ON UPDATE CASCADE);"
    "CREATE TABLE tags (id int PRIMARY KEY, note_id int CONSTRAINT tags_note REFERENCES notes ON DELETE SET NULL);"
    "CREATE TABLE plain (id int PRIMARY KEY, n int DEFAULT 0, uid serial);"
    "CREATE SCHEMA other; CREATE TABLE other.plain (id int, n int);"
    "INSERT INTO leads SELECT g, 'x' FROM generate_series(1, 10) g; INSERT INTO notes VALUES (1, 1); INSERT INTO tags VALUES (1, 1);"
    "INSERT INTO plain VALUES (1), (2)";

static void release(void *arg)
{
    struct place *p = arg;

    sg_session_drop(&p->session);
    sg_run_close(&p->run);
    sg_err_release(&p->err);
    sg_arena_release(&p->arena);
}

static struct place *place_new(const char *also, const char *more)
{
    static struct place places[16];
    static size_t used;
    struct place *p = &places[used++];
    struct sg_server *server = sg_server_shared();
    struct sg_errs errs = SG_ERRS_INIT;
    const char *db = sg_server_new_db(server), *text;

    T_MUST(used <= sizeof(places) / sizeof(places[0]));
    sg_test_defer(release, p);
    p->conninfo = sg_server_conninfo(server, db, NULL);
    p->sql = sg_sql_open(p->conninfo);
    sg_sql_exec(p->sql, world);
    text = sg_test_strf("[sgrun]\nplugin_path = .\n[database]\ndsn = %s\n[backfill b]\nplugin = b\n%s%s\n%s", sg_server_url(server, db, NULL),
                        also != NULL ? "also_writes = " : "", also != NULL ? also : "", more != NULL ? more : "");
    if (sg_manifest_parse("test.ini", text, strlen(text), NULL, 0, false, &p->arena, &p->manifest, &errs) != 0)
        T_FATAL("%s", errs.list[0].primary);
    T_MUST_EQ_INT(sg_run_open(&p->run, &p->manifest, NULL, &p->arena, &p->err), 0);
    sg_session_init(&p->session, &p->run, false);
    T_MUST_EQ_INT(sg_session_open(&p->session, &p->err), 0);
    T_MUST_EQ_INT(sg_state_install(p->session.db, "sgrun", &p->err), 0);
    return p;
}

static void begin(struct place *p)
{
    struct sg_result *rows;

    T_MUST_EQ_INT(sg_session_begin_batch(&p->session, &p->manifest.steps[0], "SELECT 7 AS a", &p->arena, &rows, &p->err), 0);
    sg_executor_init(&p->executor, &p->run, &p->manifest.steps[0], &p->session, NULL, NULL, 1000, &p->arena);
    sg_executor_watch(&p->executor);
    p->executor.phase = SG_PHASE_BATCH;
}

static int learn(struct place *p, const char *table)
{
    uint32_t oid = table == NULL ? 0 : (uint32_t)sg_sql_int(p->sql, sg_test_strf("SELECT '%s'::regclass::oid::bigint", table));

    sg_err_clear(&p->err);
    begin(p);
    return sg_writes_learn(&p->session, &p->manifest.steps[0], oid, &p->arena, &p->writes, &p->err);
}

/* Sends SQL in a batch's transaction and asks; the transaction goes on. */
static int ask(struct place *p, const char *sql)
{
    sg_err_clear(&p->err);
    sg_session_rollback(&p->session);
    begin(p);
    if (sg_db_script(p->session.db, sql, &p->err) != 0)
        T_FATAL("%s: %s", sql, p->err.primary);
    return sg_writes_ask(&p->executor, &p->writes, &p->err);
}

static void passes(struct place *p, const char *sql)
{
    if (ask(p, sql) != 0)
        T_FAIL("%s: %s (%s)", sql, p->err.primary, p->err.detail != NULL ? p->err.detail : "");
    else
        T_EQ_INT(p->err.class, SG_CLASS_NONE);
}

/* LINE: what also_writes should be; NULL: nothing helps. WAY: what the detail holds. */
static void refused(struct place *p, const char *sql, const char *primary, const char *way, const char *line)
{
    const char *said;

    if (ask(p, sql) == 0) {
        T_FAIL("not refused: %s", sql);
        return;
    }
    T_EQ_INT(p->err.class, SG_CLASS_POLICY);
    T_CONTAINS(p->err.primary, primary);
    T_CONTAINS(p->err.detail, way);
    if (line == NULL) {
        T_LACKS(p->err.hint, "also_writes");
        return;
    }
    said = p->err.hint != NULL ? strstr(p->err.hint, "also_writes = ") : NULL;
    T_EQ_STR(said != NULL ? said + strlen("also_writes = ") : NULL, line);
}

SG_TEST(what_is_declared_passes)
{
    struct place *p = place_new(NULL, NULL);

    T_MUST_EQ_INT(learn(p, "leads"), 0);
    T_EQ_STR(p->writes.shown, "public.leads");
    passes(p, "SELECT 1");
    passes(p, "UPDATE leads SET name = 'y'");
    passes(p, "INSERT INTO leads VALUES (99); SELECT * FROM plain");
    passes(p, "SELECT * FROM plain FOR UPDATE");
    passes(p, "SELECT * FROM sgrun.backfills; SELECT * FROM sgrun.backfill_ranges FOR UPDATE SKIP LOCKED");
    passes(p, "LOCK TABLE ONLY leads IN ROW EXCLUSIVE MODE; INSERT INTO leads VALUES (100)");
    passes(p, "CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT 1 AS a; UPDATE mine SET a = 2; UPDATE leads SET name = 'y'");
    passes(p, "SELECT nextval('plain_uid_seq')");
    refused(p, "UPDATE plain SET n = 1", "wrote to \"public\".\"plain\"", "public.plain was written to by the plugin's own statement",
            "plain");
    T_CONTAINS(p->err.detail, "Declared: public.leads.");
    refused(p, "UPDATE plain SET n = 1 WHERE false", "wrote to \"public\".\"plain\"", "", "plain");
    refused(p, "INSERT INTO other.plain SELECT id FROM leads; DELETE FROM plain", "wrote to", "other.plain was", "other.plain, plain");
    refused(p, "WITH d AS (DELETE FROM plain RETURNING id) UPDATE leads SET name = 'n' FROM d WHERE d.id = leads.id", "public",
            "public.plain was written", "plain");
}

SG_TEST(cascades_are_named)
{
    struct place *p = place_new(NULL, NULL);

    T_MUST_EQ_INT(learn(p, "leads"), 0);
    passes(p, "UPDATE leads SET name = 'y' WHERE id = 1");
    refused(p, "DELETE FROM leads WHERE id = 1", "wrote to", "by foreign key notes_lead (ON DELETE CASCADE, ON UPDATE CASCADE)",
            "notes, tags");
    T_CONTAINS(p->err.detail, "public.tags was written to by foreign key tags_note (ON DELETE SET NULL)");
    sg_sql_exec(p->sql, "INSERT INTO leads VALUES (50); INSERT INTO notes VALUES (50, 50)");
    refused(p, "UPDATE leads SET id = 51 WHERE id = 50", "wrote to", "by foreign key notes_lead", "notes");
    p = place_new("notes tags", NULL);
    T_MUST_EQ_INT(learn(p, "leads"), 0);
    T_EQ_STR(p->writes.shown, "public.leads, public.notes, public.tags");
    passes(p, "DELETE FROM leads WHERE id = 1");
    refused(p, "DELETE FROM leads WHERE id = 1; DELETE FROM plain", "\"plain\"", "public.plain", "notes, tags, plain");
}

SG_TEST(triggers_rules_and_functions_are_seen)
{
    struct place *p = place_new(NULL, NULL);

    sg_sql_exec(p->sql,
                "CREATE TABLE audit (id int);"
                "CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.audit VALUES (NEW.id); RETURN NEW; END';"
                "CREATE TRIGGER log_lead AFTER UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION log_it();"
                "CREATE FUNCTION quiet() RETURNS int LANGUAGE sql AS 'UPDATE public.plain SET n = 1; SELECT 1';"
                "CREATE FUNCTION touch() RETURNS bigint LANGUAGE sql AS 'UPDATE sgrun.backfills SET pass = 7; SELECT 1::bigint';"
                "CREATE FUNCTION hold() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM (SELECT 1 FROM sgrun.lease FOR UPDATE) q';"
                "CREATE FUNCTION empty() RETURNS int LANGUAGE plpgsql AS 'BEGIN TRUNCATE public.plain; RETURN 1; END';"
                "CREATE FUNCTION alters() RETURNS int LANGUAGE plpgsql AS 'BEGIN ALTER TABLE public.leads DISABLE TRIGGER USER; RETURN 1; END';"
                "CREATE FUNCTION drops() RETURNS int LANGUAGE plpgsql AS 'BEGIN DROP TABLE sgrun.backfill_failures; RETURN 1; END'");
    T_MUST_EQ_INT(learn(p, "leads"), 0);
    refused(p, "UPDATE leads SET name = 'y' WHERE id = 1", "wrote to \"public\".\"audit\"", "a trigger: log_lead of public.leads", "audit");
    passes(p, "UPDATE leads SET name = 'y' WHERE id = 999");
    refused(p, "UPDATE leads SET done = quiet() = 1 WHERE id = 999; SELECT quiet()", "\"plain\"", "own statement, a function in it, or a trigger", "plain");
    refused(p, "SELECT touch()", "touched sgrun's own tables", "sgrun.backfills is locked in mode RowExclusiveLock", NULL);
    refused(p, "SELECT hold()", "touched sgrun's own tables", "sgrun.lease is locked in mode RowShareLock", NULL);
    refused(p, "SELECT drops()", "touched sgrun's own tables", "a table that was dropped", NULL);
    refused(p, "SELECT empty()", "did more than change rows", "public.plain is locked in mode AccessExclusiveLock", NULL);
    refused(p, "SELECT alters()", "did more than change rows", "public.leads is locked", NULL);
    sg_session_rollback(&p->session);
    sg_sql_exec(p->sql, "DROP TRIGGER log_lead ON leads; CREATE RULE copy AS ON UPDATE TO leads DO ALSO INSERT INTO audit VALUES (NEW.id)");
    refused(p, "UPDATE leads SET name = 'y' WHERE id = 1", "\"audit\"", "public.audit was written to by rule copy of public.leads", "audit");
    /* a view is written to through its table, and has to be declared too */
    sg_session_rollback(&p->session);
    sg_sql_exec(p->sql, "DROP RULE copy ON leads; CREATE VIEW shown AS SELECT id, name FROM leads");
    refused(p, "UPDATE shown SET name = 'z'", "\"shown\"", "public.shown was", "shown");
}

SG_TEST(deferred_triggers_fire_before_the_look)
{
    struct place *p = place_new(NULL, NULL);

    sg_sql_exec(p->sql,
                "CREATE TABLE audit (id int, who text);"
                "CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN INSERT INTO public.audit VALUES (NEW.id, current_user); RETURN NULL; END';"
                "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON leads DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_it()");
    T_MUST_EQ_INT(learn(p, "leads"), 0);
    refused(p, "UPDATE leads SET name = 'y' WHERE id = 1", "\"audit\"", "late of public.leads", "audit");
    /* and it waits no longer than the batch, whatever the plugin's SQL set */
    sg_sql_exec(p->sql,
                "CREATE OR REPLACE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN UPDATE public.leads SET done = true WHERE id = 2; RETURN NULL; END'");
    (void)sg_sql_hold(p->conninfo, "SELECT 1 FROM leads WHERE id = 2 FOR UPDATE");
    T_EQ_INT(ask(p, "SET LOCAL lock_timeout = 0; UPDATE leads SET name = 'y' WHERE id = 1"), -1);
    T_EQ_INT(p->err.class, SG_CLASS_LOCKED);
    T_CONTAINS(p->err.hint, "lock_ms");
    /* as the batch's role, too, even if a function of its last statement went back to the one that logged in */
    sg_sql_exec(p->sql,
                "CREATE ROLE late_worker; GRANT SELECT, UPDATE ON leads TO late_worker;"
                "CREATE OR REPLACE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN IF current_user <> 'late_worker' THEN RAISE 'fired as %', current_user; END IF; RETURN NULL; END $$");
    p->manifest.role = "late_worker";
    passes(p, "SET LOCAL ROLE late_worker; UPDATE leads SET name = 'y' WHERE id = 1; SET LOCAL ROLE NONE");
    p->manifest.role = NULL;
    /* a cursor WITH HOLD would run its query at COMMIT */
    sg_sql_exec(p->sql, "CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'UPDATE public.plain SET n = 1; SELECT 1'");
    passes(p, "DECLARE c CURSOR WITH HOLD FOR SELECT writes()");
}

SG_TEST(parts_count_as_their_parents)
{
    struct place *p = place_new("old", NULL);

    sg_sql_exec(p->sql,
                "CREATE TABLE events (id int, at int) PARTITION BY RANGE (id);"
                "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (at);"
                "CREATE TABLE events_1a PARTITION OF events_1 FOR VALUES FROM (0) TO (100);"
                "CREATE TABLE events_1b PARTITION OF events_1 FOR VALUES FROM (100) TO (200);"
                "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);"
                "INSERT INTO events SELECT g, g FROM generate_series(1, 150) g;"
                "CREATE TABLE old (id int); CREATE TABLE old_child () INHERITS (old); INSERT INTO old_child VALUES (1);"
                "CREATE FUNCTION part() RETURNS int LANGUAGE plpgsql AS"
                " 'BEGIN INSERT INTO public.events_3 VALUES (250, 1); RETURN 1; END'");
    T_MUST_EQ_INT(learn(p, "events"), 0);
    passes(p, "UPDATE events SET at = at + 0");
    passes(p, "UPDATE events_1a SET at = 1; UPDATE events_2 SET at = 1");
    passes(p, "UPDATE old SET id = 2; UPDATE old_child SET id = 3");
    /* a partition that is newer than what was learned */
    sg_sql_exec(p->sql, "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (200) TO (300); CREATE TABLE old_2 () INHERITS (old)");
    passes(p, "INSERT INTO events VALUES (201, 1); SELECT part(); INSERT INTO old_2 VALUES (4)");
    /* one part declared is not the whole */
    sg_session_rollback(&p->session);
    T_MUST_EQ_INT(learn(p, "events_1"), 0);
    passes(p, "UPDATE events_1 SET at = at + 1 WHERE at < 90");
    passes(p, "UPDATE events_1b SET at = 101");
    refused(p, "UPDATE events SET at = at + 0", "\"public\".\"events\"", "public.events was", "old, events");
    refused(p, "DELETE FROM events_2", "\"events\"", "public.events was", "old, events");
    /* many parts: the quick look knows the parent alone */
    sg_sql_exec(p->sql, "CREATE TABLE wide (id int) PARTITION BY RANGE (id);"
                        "DO $$ BEGIN FOR i IN 0 .. 599 LOOP EXECUTE format('CREATE TABLE wide_%s PARTITION OF wide FOR VALUES FROM (%s) TO (%s)',"
                        " i, i, i + 1); END LOOP; END $$");
    sg_session_rollback(&p->session);
    T_MUST_EQ_INT(learn(p, "wide"), 0);
    T_LT_INT(strlen(p->writes.oids), 40);
    passes(p, "INSERT INTO wide SELECT generate_series(1, 50)");
    refused(p, "INSERT INTO wide SELECT generate_series(1, 50); DELETE FROM plain", "\"plain\"", "public.plain", "old, plain");
}

SG_TEST(names_of_also_writes_are_looked_up)
{
    struct place *p = place_new("plain, other.plain", NULL);

    T_MUST_EQ_INT(learn(p, NULL), 0);
    T_EQ_STR(p->writes.shown, "public.plain, other.plain");
    passes(p, "DELETE FROM plain; DELETE FROM other.plain");
    refused(p, "UPDATE leads SET name = 'y'", "\"leads\"", "Declared: public.plain, other.plain.", "plain, other.plain, leads");
    p = place_new("plain nowhere", NULL);
    T_EQ_INT(learn(p, "leads"), -1);
    T_EQ_INT(p->err.class, SG_CLASS_MANIFEST);
    T_CONTAINS(p->err.primary, "also_writes names \"nowhere\", and there is no such table");
    T_EQ_STR(p->err.file, "test.ini");
    T_EQ_INT(p->err.line, 5);
    p = place_new("other.leads", NULL);
    T_EQ_INT(learn(p, "leads"), -1);
    T_CONTAINS(p->err.primary, "\"other.leads\", and there is no such table");
    p = place_new("leads_pkey", NULL);
    T_EQ_INT(learn(p, "leads"), -1);
    T_CONTAINS(p->err.primary, "\"leads_pkey\", which is no table");
    /* oddly named, as the server keeps it */
    p = place_new("Odd", NULL);
    sg_sql_exec(p->sql, "CREATE TABLE \"Odd\" (id int); CREATE TABLE odd (id int)");
    T_MUST_EQ_INT(learn(p, "leads"), 0);
    passes(p, "INSERT INTO \"Odd\" VALUES (1)");
    refused(p, "INSERT INTO odd VALUES (1)", "\"odd\"", "", "Odd, odd");
}

SG_TEST(exempt_tables_are_noted)
{
    struct place *p = place_new(NULL, "[policy]\ntrigger_tables = plain\n");

    T_MUST_EQ_INT(learn(p, "leads"), 0);
    passes(p, "UPDATE plain SET n = 1; UPDATE leads SET name = 'y'");
    T_MUST_EQ_INT((int)p->executor.journal.count, 1);
    T_EQ_STR(p->executor.journal.entries[0].kind, "exempt");
    T_EQ_STR(p->executor.journal.entries[0].sql, "public.plain");
    refused(p, "UPDATE plain SET n = 1; DELETE FROM tags", "\"tags\"", "", "tags");
}

SG_TEST(a_look_is_cheap)
{
    struct place *p = place_new(NULL, NULL);
    int64_t best = INT64_MAX;

    T_MUST_EQ_INT(learn(p, "leads"), 0);
    for (int i = 0; i < 30; i++) {
        int64_t before;

        sg_session_rollback(&p->session);
        begin(p);
        T_MUST_EQ_INT(sg_db_script(p->session.db, "UPDATE leads SET name = 'y'", &p->err), 0);
        before = sg_clock_us();
        T_MUST_EQ_INT(sg_writes_ask(&p->executor, &p->writes, &p->err), 0);
        if (sg_clock_us() - before < best)
            best = sg_clock_us() - before;
    }
    printf("a look took %.3f ms at best\n", (double)best / 1000);
    if (!sg_test_valgrind())
        T_LT_INT(best, 5000);
}

int main(int argc, char **argv)
{
    static const struct sg_test tests[] = {SG_CASE(what_is_declared_passes), SG_CASE(cascades_are_named),
                                           SG_CASE(triggers_rules_and_functions_are_seen),
                                           SG_CASE(deferred_triggers_fire_before_the_look), SG_CASE(parts_count_as_their_parents),
                                           SG_CASE(names_of_also_writes_are_looked_up), SG_CASE(exempt_tables_are_noted),
                                           SG_CASE(a_look_is_cheap), SG_CASES_END};
    static const struct sg_suite suites[] = {{"writes", tests}, SG_SUITES_END};

    return sg_test_main(argc, argv, suites);
}
