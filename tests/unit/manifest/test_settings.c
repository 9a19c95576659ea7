/*
 * The table of keys: every key is read into its place, has the default that the design names, refuses what is out of range, and is in
 * etc/prod.ini and in the manual.
 */
#include "config.h"

#include "core/manifest/settings.h"
#include "core/plugin/process.h"
#include "tests/kit/tmp.h"
#include "tests/unit/manifest/read.h"

#include <stdlib.h>

/* The contract's own words: section, key, default (NULL: none). */
static const struct {
    unsigned section;
    const char *key, *standard;
} contract[] = {
    {SG_IN_SGRUN, "plugin_path", NULL},
    {SG_IN_SGRUN, "state_schema", "sgrun"},
    {SG_IN_SGRUN, "sandbox", "required"},
    {SG_IN_SGRUN, "lease_seconds", "30"},
    {SG_IN_SGRUN, "wait_seconds", "0"},
    {SG_IN_DATABASE, "dsn", NULL},
    {SG_IN_DATABASE, "direct_dsn", NULL},
    {SG_IN_DATABASE, "schema", "public"},
    {SG_IN_DATABASE, "role", NULL},
    {SG_IN_DATABASE, "connect_seconds", "10"},
    {SG_IN_DATABASE, "embedded_init", NULL},
    {SG_IN_DATABASE, "embedded_bindir", NULL},
    {SG_IN_POLICY, "max_retries", "10"},
    {SG_IN_POLICY, "retry_seconds", "120"},
    {SG_IN_POLICY, "retry_base_ms", "100"},
    {SG_IN_POLICY, "retry_cap_ms", "10000"},
    {SG_IN_POLICY, "lock_rungs_ms", "200, 500, 1500, 3000"},
    {SG_IN_POLICY, "lock_seconds", "300"},
    {SG_IN_POLICY, "lock_pause_ms", "1000"},
    {SG_IN_POLICY, "ddl_seconds", "0"},
    {SG_IN_POLICY, "read_seconds", "60"},
    {SG_IN_POLICY, "idle_seconds", "20"},
    {SG_IN_POLICY, "plugin_seconds", "10"},
    {SG_IN_POLICY, "already_exists", "pass"},
    {SG_IN_POLICY, "trigger_tables", NULL},
    {SG_IN_POLICY, "unparsed", "refuse"},
    {SG_IN_POLICY, "reason", NULL},
    {SG_IN_POLICY, "waiting", "fail"},
    {SG_IN_POLICY, "allow", NULL},
    {SG_IN_BACKFILLS, "batch_size", "auto"},
    {SG_IN_BACKFILLS, "target_batch_ms", "200"},
    {SG_IN_BACKFILLS, "max_batch", "50000"},
    {SG_IN_BACKFILLS, "jobs", "1"},
    {SG_IN_BACKFILLS, "max_seconds", "600"},
    {SG_IN_BACKFILLS, "max_passes", "5"},
    {SG_IN_BACKFILLS, "pass_pause_seconds", "5"},
    {SG_IN_BACKFILLS, "max_bad_rows", "0"},
    {SG_IN_BACKFILLS, "lock_ms", "1000"},
    {SG_IN_BACKFILLS, "statement_seconds", "30"},
    {SG_IN_BACKFILLS, "duty", "1.0"},
    {SG_IN_BACKFILLS, "window", NULL},
    {SG_IN_BACKFILLS, "max_lag_mb", "64"},
    {SG_IN_BACKFILLS, "max_lag_seconds", "10"},
    {SG_IN_BACKFILLS, "max_wal_backlog_mb", "512"},
    {SG_IN_BACKFILLS, "max_blocked", "0"},
    {SG_IN_BACKFILLS, "unknown_signal", "go"},
    {SG_IN_INDEXES, "jobs", "1"},
    {SG_IN_INDEXES, "max_seconds", "0"},
    {SG_IN_INDEXES, "lock_seconds", "0"},
    {SG_IN_INDEXES, "memory_mb", "2048"},
    {SG_IN_AUDIT, "hot_tables", NULL},
    {SG_IN_AUDIT, "small_rows", "100"},
    {SG_IN_MIGRATION, "plugin", NULL},
    {SG_IN_BACKFILL, "plugin", NULL},
    {SG_IN_MIGRATION, "id", NULL},
    {SG_IN_INDEX, "name", NULL},
    {SG_IN_MIGRATION, "title", NULL},
    {SG_IN_MIGRATION, "description", NULL},
    {SG_IN_INDEX, "description", NULL},
    {SG_IN_MIGRATION, "sha256", NULL},
    {SG_IN_BACKFILL, "libraries", NULL},
    {SG_IN_INDEX, "requires", NULL},
    {SG_IN_BACKFILL, "migration", NULL},
    {SG_IN_MIGRATION, "superseded_by", NULL},
    {SG_IN_BACKFILL, "priority", "MEDIUM"},
    {SG_IN_BACKFILL, "also_writes", NULL},
    {SG_IN_BACKFILL, "option.anything", NULL},
    {SG_IN_INDEX, "table", NULL},
    {SG_IN_INDEX, "columns", NULL},
    {SG_IN_INDEX, "opclass", NULL},
    {SG_IN_INDEX, "unique", "no"},
    {SG_IN_INDEX, "method", NULL},
    {SG_IN_INDEX, "where", NULL},
    {SG_IN_INDEX, "include", NULL},
    {SG_IN_INDEX, "with", NULL},
    {SG_IN_INDEX, "tablespace", NULL},
    {SG_IN_INDEX, "nulls_not_distinct", "no"},
    {SG_IN_INDEX, "sql", NULL},
    {SG_IN_INDEX, "critical", "no"},
};

SG_TEST(every_key_of_the_contract)
{
    size_t rows = 0;

    for (size_t i = 0; i < SG_COUNT(contract); i++) {
        const struct sg_setting *setting = sg_setting_find(contract[i].key, contract[i].section);

        if (setting == NULL)
            T_FATAL("no key %s", contract[i].key);
        T_EQ_STR(setting->standard, contract[i].standard);
    }
    /* and no key besides */
    for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++, rows++) {
        bool found = false;

        for (size_t i = 0; i < SG_COUNT(contract) && !found; i++)
            found = sg_setting_find(contract[i].key, contract[i].section) == setting;
        if (!found)
            T_FAIL("key %s is not in the contract", setting->key);
    }
    T_EQ_INT(rows, SG_COUNT(contract) - 2); /* plugin and description stand twice above */
}

SG_TEST(the_table_is_whole)
{
    for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++) {
        T_TRUE(setting->help != NULL && setting->help[0] != '\0' && setting->help[strlen(setting->help) - 1] != '.');
        T_TRUE(setting->sections != 0);
        T_TRUE((setting->type == SG_SETTING_WORD) <= (setting->allowed != NULL));
        if (setting->type == SG_SETTING_INT || setting->type == SG_SETTING_INTS || setting->type == SG_SETTING_REAL)
            T_TRUE(setting->min < setting->max && setting->max <= INT32_MAX);
        /* the same key in the same section would hide the second */
        for (const struct sg_setting *other = sg_settings(); other != setting; other++)
            T_FALSE(strcmp(other->key, setting->key) == 0 && (other->sections & setting->sections));
        T_TRUE(sg_setting_known(setting->key));
    }
    T_FALSE(sg_setting_known("option."));
    T_TRUE(sg_setting_known("option.x"));
    T_FALSE(sg_setting_known("optional"));
    T_FALSE(sg_setting_known(""));
    T_EQ_STR(sg_setting_nearest("lockseconds", 0), "lock_seconds");
    T_NULL(sg_setting_nearest("lease_second", SG_IN_POLICY));
}

SG_TEST(defaults)
{
    const struct sg_manifest *m = &read_good(HEAD MIGRATION("a"))->manifest;
    const struct sg_policy_settings *p = &m->steps[0].policy;
    const struct sg_backfill_settings *b = &m->steps[0].backfill;

    T_EQ_STR(m->state_schema, "sgrun");
    T_EQ_INT(m->sandbox, SG_SANDBOX_REQUIRED);
    T_EQ_INT(m->lease_seconds, 30);
    T_EQ_INT(m->wait_seconds, 0);
    T_EQ_STR(m->schema, "public");
    T_NULL(m->role);
    T_NULL(m->direct_dsn);
    T_NULL(m->embedded);
    T_NULL(m->embedded_init);
    T_NULL(m->embedded_bindir);
    T_EQ_INT(m->connect_seconds, 10);
    T_EQ_INT(p->max_retries, 10);
    T_EQ_INT(p->retry_seconds, 120);
    T_EQ_INT(p->retry_base_ms, 100);
    T_EQ_INT(p->retry_cap_ms, 10000);
    T_EQ_INT(p->lock_rungs, 4);
    T_EQ_INT(p->lock_rungs_ms[0], 200);
    T_EQ_INT(p->lock_rungs_ms[3], 3000);
    T_EQ_INT(p->lock_seconds, 300);
    T_EQ_INT(p->lock_pause_ms, 1000);
    T_EQ_INT(p->ddl_seconds, 0);
    T_EQ_INT(p->read_seconds, 60);
    T_EQ_INT(p->idle_seconds, 20);
    T_EQ_INT(p->plugin_seconds, 10);
    T_TRUE(p->already_exists_pass);
    T_EQ_INT(p->trigger_tables.count, 0);
    T_FALSE(p->unparsed_allow);
    T_NULL(p->reason);
    T_FALSE(p->waiting_allow);
    T_EQ_INT(p->allow.count, 0);
    T_EQ_INT(b->batch_size, 0);
    T_EQ_INT(b->target_batch_ms, 200);
    T_EQ_INT(b->max_batch, 50000);
    T_EQ_INT(b->jobs, 1);
    T_EQ_INT(b->max_seconds, 600);
    T_EQ_INT(b->max_passes, 5);
    T_EQ_INT(b->pass_pause_seconds, 5);
    T_EQ_INT(b->max_bad_rows, 0);
    T_EQ_INT(b->lock_ms, 1000);
    T_EQ_INT(b->statement_seconds, 30);
    T_TRUE(b->duty > 0.999 && b->duty < 1.001);
    T_NULL(b->window);
    T_EQ_INT(b->max_lag_mb, 64);
    T_EQ_INT(b->max_lag_seconds, 10);
    T_EQ_INT(b->max_wal_backlog_mb, 512);
    T_EQ_INT(b->max_blocked, 0);
    T_FALSE(b->unknown_signal_stop);
    T_EQ_INT(m->steps[0].index.jobs, 1);
    T_EQ_INT(m->steps[0].index.max_seconds, 0);
    T_EQ_INT(m->steps[0].index.lock_seconds, 0);
    T_EQ_INT(m->steps[0].index.memory_mb, 2048);
    T_EQ_INT(m->hot_tables.count, 0);
    T_EQ_INT(m->small_rows, 100);
    T_EQ_INT(m->steps[0].priority, SG_PRIORITY_MEDIUM);
    /* the words of the table are the enumerators of others, in their order */
    T_EQ_INT(read_good("[sgrun]\nsandbox = best-effort\n[database]\ndsn = x\n")->manifest.sandbox, SG_SANDBOX_BEST_EFFORT);
    T_EQ_INT(read_good("[sgrun]\nsandbox = off\n[database]\ndsn = x\n")->manifest.sandbox, SG_SANDBOX_OFF);
}

SG_TEST(general_values)
{
    const struct sg_manifest *m = &read_good(
        "[sgrun]\nplugin_path = ../migrations, /opt/plugins\n   backfills\nstate_schema = ops\nlease_seconds = 60\nwait_seconds = 5\n"
        "[database]\ndsn = postgresql://u@h/db?sslmode=require\ndirect_dsn = host=h dbname=db\nschema = crm\nrole = migrator\n"
        "connect_seconds = 3\nembedded_init = demo.sql\nembedded_bindir = /usr/lib/postgresql/15/bin\n"
        "[audit]\nhot_tables = leads,crm.messages\nsmall_rows = 7\n")->manifest;

    T_MUST_EQ_INT(m->plugin_path.count, 3);
    T_EQ_STR(m->plugin_path.items[0], "etc/../migrations");
    T_EQ_STR(m->plugin_path.items[1], "/opt/plugins");
    T_EQ_STR(m->plugin_path.items[2], "etc/backfills");
    T_EQ_STR(m->state_schema, "ops");
    T_EQ_INT(m->lease_seconds, 60);
    T_EQ_INT(m->wait_seconds, 5);
    T_EQ_STR(m->dsn, "postgresql://u@h/db?sslmode=require");
    T_EQ_INT(m->dsn_line, 8);
    T_EQ_STR(m->direct_dsn, "host=h dbname=db");
    T_EQ_STR(m->schema, "crm");
    T_EQ_STR(m->role, "migrator");
    T_EQ_INT(m->connect_seconds, 3);
    T_EQ_STR(m->embedded_init, "etc/demo.sql");
    T_EQ_STR(m->embedded_bindir, "/usr/lib/postgresql/15/bin");
    T_MUST_EQ_INT(m->hot_tables.count, 2);
    T_EQ_STR(m->hot_tables.items[0], "leads");
    T_EQ_STR(m->hot_tables.items[1], "crm.messages");
    T_EQ_INT(m->small_rows, 7);
    T_EQ_STR(m->folder, "etc");
    T_EQ_STR(m->path, "etc/m.ini");
}

/* A value that is not the default, for each key of [policy], [backfills] and [indexes]. */
static const char policy[] =
    "max_retries = 1\nretry_seconds = 2\nretry_base_ms = 3\nretry_cap_ms = 4\nlock_rungs_ms = 5 6,6\nlock_seconds = 7\nlock_pause_ms = 8\n"
    "ddl_seconds = 9\nread_seconds = 10\nidle_seconds = 11\nplugin_seconds = 12\nalready_exists = fail\ntrigger_tables = ddl_log audit.ddl\n"
    "unparsed = allow\nreason = newer syntax; don't ask ; really\nwaiting = allow\nallow = index.create_blocking, column.drop\n";
static const char backfills[] =
    "batch_size = 101\ntarget_batch_ms = 102\nmax_batch = 103\njobs = 4\nmax_seconds = 105\nmax_passes = 106\npass_pause_seconds = 107\n"
    "max_bad_rows = 108\nlock_ms = 109\nstatement_seconds = 110\nduty = 0.25\nwindow = 22:00-06:00 Europe/Berlin\nmax_lag_mb = 111\n"
    "max_lag_seconds = 112\nmax_wal_backlog_mb = 113\nmax_blocked = 114\nunknown_signal = stop\n";
static const char indexes[] = "jobs = 3\nmax_seconds = 202\nlock_seconds = 203\nmemory_mb = 204\n";

static void policy_is_set(const struct sg_policy_settings *p, int lock_seconds)
{
    T_EQ_INT(p->max_retries, 1);
    T_EQ_INT(p->retry_seconds, 2);
    T_EQ_INT(p->retry_base_ms, 3);
    T_EQ_INT(p->retry_cap_ms, 4);
    T_MUST_EQ_INT(p->lock_rungs, 3);
    T_EQ_INT(p->lock_rungs_ms[0], 5);
    T_EQ_INT(p->lock_rungs_ms[1], 6);
    T_EQ_INT(p->lock_rungs_ms[2], 6);
    T_EQ_INT(p->lock_seconds, lock_seconds);
    T_EQ_INT(p->lock_pause_ms, 8);
    T_EQ_INT(p->ddl_seconds, 9);
    T_EQ_INT(p->read_seconds, 10);
    T_EQ_INT(p->idle_seconds, 11);
    T_EQ_INT(p->plugin_seconds, 12);
    T_FALSE(p->already_exists_pass);
    T_MUST_EQ_INT(p->trigger_tables.count, 2);
    T_EQ_STR(p->trigger_tables.items[1], "audit.ddl");
    T_TRUE(p->unparsed_allow);
    T_EQ_STR(p->reason, "newer syntax; don't ask");
    T_TRUE(p->waiting_allow);
    T_MUST_EQ_INT(p->allow.count, 2);
    T_EQ_STR(p->allow.items[0], "index.create_blocking");
}

static void backfill_is_set(const struct sg_backfill_settings *b)
{
    T_EQ_INT(b->batch_size, 101);
    T_EQ_INT(b->target_batch_ms, 102);
    T_EQ_INT(b->max_batch, 103);
    T_EQ_INT(b->jobs, 4);
    T_EQ_INT(b->max_seconds, 105);
    T_EQ_INT(b->max_passes, 106);
    T_EQ_INT(b->pass_pause_seconds, 107);
    T_EQ_INT(b->max_bad_rows, 108);
    T_EQ_INT(b->lock_ms, 109);
    T_EQ_INT(b->statement_seconds, 110);
    T_TRUE(b->duty > 0.249 && b->duty < 0.251);
    T_EQ_STR(b->window, "22:00-06:00 Europe/Berlin");
    T_EQ_INT(b->max_lag_mb, 111);
    T_EQ_INT(b->max_lag_seconds, 112);
    T_EQ_INT(b->max_wal_backlog_mb, 113);
    T_EQ_INT(b->max_blocked, 114);
    T_TRUE(b->unknown_signal_stop);
}

/* In the file's sections they hold for all steps, in a step's for that one. */
SG_TEST(settings_of_steps)
{
    const struct sg_manifest *m = &read_good(sg_test_strf(
        HEAD "[policy]\n%s[backfills]\n%s[indexes]\n%s" MIGRATION("a") "[backfill b]\nplugin = b\nlock_seconds = 70\n"
        "[index c]\ntable = t\ncolumns = c\n", policy, backfills, indexes))->manifest;

    policy_is_set(&m->policy, 7);
    policy_is_set(&m->steps[0].policy, 7);
    policy_is_set(&m->steps[1].policy, 70);
    backfill_is_set(&m->backfill);
    backfill_is_set(&m->steps[1].backfill);
    T_EQ_INT(m->steps[2].index.jobs, 3);
    T_EQ_INT(m->steps[2].index.max_seconds, 202);
    T_EQ_INT(m->steps[2].index.lock_seconds, 203);
    T_EQ_INT(m->steps[2].index.memory_mb, 204);
    T_EQ_INT(m->index.memory_mb, 204);
    policy_is_set(&m->steps[2].policy, 7);

    m = &read_good(sg_test_strf(HEAD MIGRATION("a") "%s" "[backfill b]\nplugin = b\n%s%s" MIGRATION("c"), policy, policy, backfills))
             ->manifest;
    policy_is_set(&m->steps[0].policy, 7);
    policy_is_set(&m->steps[1].policy, 7);
    backfill_is_set(&m->steps[1].backfill);
    T_EQ_INT(m->policy.max_retries, 10);
    T_EQ_INT(m->steps[2].policy.max_retries, 10);
    T_EQ_INT(m->steps[2].backfill.batch_size, 0);
    /* jobs, max_seconds and lock_seconds mean what they mean in that kind of step */
    m = &read_good(HEAD "[index c]\ntable = t\ncolumns = c\njobs = 3\nmax_seconds = 202\nlock_seconds = 203\n")->manifest;
    T_EQ_INT(m->steps[0].index.jobs, 3);
    T_EQ_INT(m->steps[0].index.max_seconds, 202);
    T_EQ_INT(m->steps[0].backfill.jobs, 1);
    T_EQ_INT(m->steps[0].index.lock_seconds, 203);
    T_EQ_INT(m->steps[0].policy.lock_seconds, 300);
}

/* Each whole number: its least and its most are read, one less and one more are not. */
SG_TEST(ranges)
{
    static const char *const sections[] = {"sgrun", "database", "policy", "backfills", "indexes", "audit"};
    /* settings with which no value breaks a rule between two */
    static const char wide[] = "[sgrun]\nlease_seconds = 3600\n[database]\ndsn = x\n[policy]\nretry_cap_ms = 3600000\n";
    static const char narrow[] = "[database]\ndsn = x\n[policy]\nidle_seconds = 1\nretry_base_ms = 1\n";
    int checked = 0;

    for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++)
        for (size_t i = 0; setting->type == SG_SETTING_INT && i < SG_COUNT(sections); i++) {
            const char *const tries[] = {sg_test_strf("%jd", (intmax_t)setting->min), sg_test_strf("%jd", (intmax_t)setting->max),
                                         sg_test_strf("%jd", (intmax_t)setting->min - 1),
                                         sg_test_strf("%jd", (intmax_t)setting->max + 1), "x", "1.5", "+1", "0x10", "1 2",
                                         "99999999999999999999"};

            const char *calm = strcmp(setting->key, "lease_seconds") == 0 || strcmp(setting->key, "retry_cap_ms") == 0 ? narrow : wide;

            if (!(setting->sections & (1u << i)))
                continue;
            for (size_t t = 0; t < SG_COUNT(tries); t++) {
                const char *sets[] = {sg_test_strf("%s.%s=%s", sections[i], setting->key, tries[t])};
                const struct read *r = read_sets(calm, 1, sets);
                const char *said = r->errs.count ? r->errs.list[0].primary : "";

                if (t < 2) {
                    T_EQ_STR(said, "");
                } else {
                    T_MUST_EQ_INT(r->errs.count, 1);
                    T_CONTAINS(said, sg_test_strf("%s = %s: ", setting->key, tries[t]));
                    T_CONTAINS(r->errs.list[0].hint,
                               sg_test_strf("from %jd to %jd", (intmax_t)setting->min, (intmax_t)setting->max));
                    checked++;
                }
            }
        }
    T_EQ_INT(checked, 32 * 8);
}

SG_TEST(words_and_others)
{
    T_ERROR_IN("[policy]\nalready_exists = maybe\n", 2, "already_exists = maybe: not an allowed word", "fail or pass; the default is pass.");
    T_ERROR_IN("[policy]\nwaiting = FAIL\n", 2, "waiting = FAIL: not an allowed word", "fail or allow");
    T_ERROR("[sgrun]\nsandbox = none\n[database]\ndsn = x\n", 2, "sandbox = none", "required, best-effort or off");
    T_ERROR_IN("[backfill b]\nplugin = b\npriority = high\n", 3, "priority = high", "HIGH, MEDIUM or LOW; the default is MEDIUM.");
    T_ERROR_IN("[backfills]\nbatch_size = autos\n", 2, "batch_size = autos: not a whole number", "1 to 1000000, or auto; the default is auto.");
    T_ERROR_IN("[backfills]\nduty = 0\n", 2, "duty = 0: not a number in range", "0.01 to 1.00");
    T_ERROR_IN("[backfills]\nduty = 1,5\n", 2, "duty = 1,5: not a number in range", "0.01 to 1.00");
    T_ERROR_IN("[backfills]\nduty = nan\n", 2, "duty = nan: not a number in range", "0.01 to 1.00");
    T_ERROR_IN("[index a]\ntable = t\ncolumns = c\nunique = true\n", 4, "unique = true: neither yes nor no", "yes and no; the default is no.");
    T_ERROR_IN("[policy]\nlock_rungs_ms = 500, 200\n", 2, "a rung is shorter than the one before", "1 to 16");
    T_ERROR_IN("[policy]\nlock_rungs_ms = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", 2, "too many rungs", "1 to 16");
    T_ERROR_IN("[policy]\nlock_rungs_ms = 200, x\n", 2, "not a whole number", "1 to 16");
    T_ERROR_IN("[policy]\nlock_rungs_ms = ,\n", 2, "no rungs", "1 to 16");
    T_ERROR_IN("[policy]\ntrigger_tables = ,,\n", 2, "a list without items", "tables that DDL event triggers");
    T_ERROR_IN("[policy]\nallow = everything\n", 2, "allow = everything", "index.create_blocking");
    T_ERROR_IN("[policy]\nretry_base_ms = 20000\n", 2, "retry_base_ms is above retry_cap_ms", "Lower");
    T_ERROR_IN("[policy]\nretry_cap_ms = 99\n", 2, "retry_base_ms is above retry_cap_ms", "Lower");
    T_ERROR_IN("[policy]\nidle_seconds = 30\n", 2, "idle_seconds = 30 is not below lease_seconds = 30", "below lease_seconds");
    T_ERROR_IN(MIGRATION("a") "idle_seconds = 31\n", 3, "idle_seconds = 31 is not below", "below lease_seconds");
    T_ERROR_IN("[policy]\nunparsed = allow\n", 2, "unparsed = allow without a reason", "reason = …");
    T_ERROR_IN(MIGRATION("a") "unparsed = allow\n", 3, "unparsed = allow without a reason", "reason = …");
    T_ERROR_IN(MIGRATION("a") "unparsed = allow\nreason =\n", 3, "unparsed = allow without a reason", "reason = …");
    T_ERROR("[database]\ndsn = x\nschema = sgrun\n", 3, "state_schema and schema are both sgrun", "schema of its own");
    T_ERROR("[sgrun]\nstate_schema = public\n[database]\ndsn = x\n", 2, "state_schema and schema are both public", "schema of its own");
    T_ERROR("[database]\ndsn = x\nschema = pg_catalog\n", 3, "schema = pg_catalog: not allowed", "Schemas of the system");
    T_ERROR("[database]\ndsn = x\nschema = a, b\n", 3, "schema = a, b: not allowed", "one name");
    T_ERROR("[database]\ndsn = x\nrole = none\n", 3, "role = none: not allowed", "role of your own");
    T_ERROR("[database]\ndsn = x\nrole = pg_monitor\n", 3, "role = pg_monitor: not allowed", "role of your own");
    T_ERROR(sg_test_strf("[database]\ndsn = x\nrole = %0*d\n", 64, 0), 3, "…: not allowed", "63 bytes");
    T_ERROR(sg_test_strf("[database]\ndsn = x\n[audit]\nhot_tables = %0*d.t\n", 64, 0), 4, "an item that is not allowed", "63 bytes");
    T_ERROR("[database]\ndsn = x\ndirect_dsn = embedded:y\n", 3, "direct_dsn: not allowed", "no pooler");
    T_ERROR("[database]\ndsn = embedded:\n", 2, "embedded: without a folder", "embedded:FOLDER");
    T_ERROR("[database]\nschema = a\n", 1, "[database] has no dsn", "DATABASE_URL");
    T_ERROR("[database]\ndsn =\n", 2, "dsn is empty", "DATABASE_URL");
    T_EQ_STR(read_good("[database]\ndsn = embedded:../data\n")->manifest.embedded, "etc/../data");
    T_EQ_STR(read_good("[database]\ndsn = embedded:/var/data\n")->manifest.embedded, "/var/data");
}

SG_TEST(windows)
{
    static const char *const good[] = {"22:00-06:00", "00:00-24:00", "09:30-17:45 UTC", "22:00-06:00 America/Port-au-Prince", "01:00-02:00 Etc/GMT+3"};
    static const char *const bad[] = {"22:00", "22:00-6:00", "22-06", "25:00-06:00", "22:60-06:00", "24:01-06:00", "22:00-22:00", "22:00 - 06:00",
                                      "22:00-06:00Z", "22:00-06:00 UTC; DROP", "night", "22:00-06:00 '"};

    for (size_t i = 0; i < SG_COUNT(good); i++)
        T_EQ_STR(read_good(sg_test_strf(HEAD "[backfills]\nwindow = %s\n", good[i]))->manifest.backfill.window, good[i]);
    for (size_t i = 0; i < SG_COUNT(bad); i++)
        T_ERROR(sg_test_strf(HEAD "[backfills]\nwindow = %s\n", bad[i]), HEAD_LINES + 2, sg_test_strf("window = %s: ", bad[i]), "");
}

/* Whether a line of TEXT is "key =", maybe behind ';'. */
static bool has_key_line(const char *text, const char *key)
{
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += strspn(at, "\n;# ");
        if (strncmp(at, key, strlen(key)) == 0 && at[strlen(key) + strspn(at + strlen(key), " ")] == '=')
            return true;
        if (*at == '\0')
            break;
    }
    return false;
}

SG_TEST(every_key_is_in_prod_ini)
{
    const char *text = sg_tmp_read(sg_test_source("etc/prod.ini"));

    T_MUST_NOT_NULL(text);
    for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++) {
        const char *key = strcmp(setting->key, "option.*") == 0 ? "option.country" : setting->key;

        if (!has_key_line(text, key))
            T_FAIL("etc/prod.ini lacks %s", key);
        if (setting->standard != NULL && strstr(text, sg_test_strf("%s = %s", key, setting->standard)) == NULL)
            T_FAIL("etc/prod.ini lacks %s = %s, the default", key, setting->standard);
    }
}

/* The example is a manifest itself: as it stands, and with its commented steps made real. */
SG_TEST(prod_ini_can_be_read)
{
    const char *text = sg_tmp_read(sg_test_source("etc/prod.ini")), *at = strstr(text, "; ---- every key of a step");
    const struct read *r;
    char *whole;
    size_t length;

    T_MUST(at != NULL);
    T_MUST(setenv("DATABASE_URL", "host=x", 1) == 0);
    r = read_good(text);
    T_EQ_INT(r->manifest.policy.max_retries, 10);
    T_NULL(r->manifest.role);
    whole = malloc(strlen(text) + 1);
    T_MUST(whole != NULL);
    at += strcspn(at, "\n") + 1;
    length = (size_t)(at - text);
    memcpy(whole, text, length);
    for (; *at != '\0'; at++) {
        T_MUST_EQ_INT(*at, ';');
        while (*++at != '\n')
            whole[length++] = *at;
        whole[length++] = '\n';
    }
    whole[length] = '\0';
    at = sg_test_strf("%s", whole);
    free(whole);
    T_EQ_INT(read_good(at)->manifest.step_count, r->manifest.step_count + 5);
    unsetenv("DATABASE_URL");
}

SG_TEST(every_key_is_in_the_manual)
{
    const char *text = sg_tmp_read(sg_test_source("man/sgrun.ini.5"));

    T_MUST_NOT_NULL(text);
    for (const struct sg_setting *setting = sg_settings(); setting->key != NULL; setting++) {
        const char *key = strcmp(setting->key, "option.*") == 0 ? "option.KEY" : setting->key;

        const char *entry = setting->standard != NULL ? sg_test_strf("\n.BR %s \" = %s\"\n", key, setting->standard)
                                                      : sg_test_strf("\n.B %s\n", key);

        if (strstr(text, entry) == NULL)
            T_FAIL("man/sgrun.ini.5 lacks:%s", entry);
    }
}

static const struct sg_test tests[] = {
    SG_CASE(every_key_of_the_contract), SG_CASE(the_table_is_whole), SG_CASE(defaults), SG_CASE(general_values),
    SG_CASE(settings_of_steps), SG_CASE(ranges), SG_CASE(words_and_others), SG_CASE(windows),
    SG_CASE(every_key_is_in_prod_ini), SG_CASE(prod_ini_can_be_read),
    SG_CASE(every_key_is_in_the_manual), SG_CASES_END};
static const struct sg_suite suites[] = {{"settings", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
