/* Data work in migrations: what counts as an operation, of which kind, with which verdict, and why. */
#include "config.h"

#include "tests/unit/audit/look.h"

#include <string.h>

/* Tables that were there before; the migration that is looked at is "2". */
static const char before[] =
    "CREATE TABLE business (id int PRIMARY KEY, slug text UNIQUE, name text);\n"
    "CREATE TABLE leads (id int PRIMARY KEY, business_id int, email text, name text, status text, notes text, order_index int);\n"
    "CREATE TABLE messages (id bigint PRIMARY KEY, business_id int, lead_id int, provider_msg_id text, body text);\n"
    "CREATE TABLE templates (key text PRIMARY KEY, subject text);\n";

static const struct sg_audit_result *dml(const char *sql)
{
    const struct sg_audit_result *result = look_at(NULL, (const char *const[]){before, sql, NULL});

    if (result->errs.count > 0)
        sg_test_fatal(SG_HERE_, "%s: %s", sql, result->errs.list[0].primary);
    return result;
}

/* "bulk_update UNSAFE, seed_insert SAFE": all operations, in order. */
static const char *kinds(const char *sql)
{
    const struct sg_audit_result *result = dml(sql);
    const char *text = "";

    for (size_t i = 0; i < result->dml_count; i++)
        text = sg_test_strf("%s%s%s %s", text, i > 0 ? ", " : "", sg_dml_kind_name(result->dml[i].kind),
                            sg_dml_verdict_name(result->dml[i].verdict));
    return text;
}

static const char *reason(const char *sql)
{
    const struct sg_audit_result *result = dml(sql);

    return result->dml_count > 0 ? result->dml[0].reason : "";
}

static const char *action(const char *sql)
{
    const struct sg_audit_result *result = dml(sql);

    return result->dml_count > 0 ? result->dml[0].action : "";
}

/* "DELETE messages": types and tables. */
static const char *what(const char *sql)
{
    const struct sg_audit_result *result = dml(sql);
    const char *text = "";

    for (size_t i = 0; i < result->dml_count; i++) {
        text = sg_test_strf("%s%s%s", text, i > 0 ? ", " : "", result->dml[i].type);
        for (size_t t = 0; t < result->dml[i].table_count; t++)
            text = sg_test_strf("%s %s", text, result->dml[i].tables[t]);
        if (result->dml[i].via != NULL)
            text = sg_test_strf("%s (%s)", text, result->dml[i].via);
    }
    return text;
}

#define DEDUP "dedup_for_unique SAFE"
#define ORPHANS "orphan_cleanup_for_constraint SAFE"
#define DELETES "bulk_delete UNSAFE"
#define UPDATES "bulk_update UNSAFE"
#define COPIES "data_copy POTENTIALLY UNSAFE"
#define SEED "seed_insert SAFE"
#define ONCE "one_time_default POTENTIALLY UNSAFE"
#define FK ";\nALTER TABLE messages ADD CONSTRAINT fk FOREIGN KEY (lead_id) REFERENCES leads (id)"
#define UX ";\nCREATE UNIQUE INDEX ux_messages ON messages (provider_msg_id)"

SG_TEST(duplicates_are_found_in_many_ways)
{
    static const char *const forms[] = {
        "DELETE FROM messages WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)",
        "DELETE FROM public.messages WHERE id NOT IN (SELECT max(id) FROM public.messages GROUP BY messages.provider_msg_id)",
        "DELETE FROM messages WHERE NOT (id = ANY (SELECT min(id) FROM messages WHERE provider_msg_id IS NOT NULL GROUP BY provider_msg_id))",
        "DELETE FROM messages WHERE id <> ALL (SELECT min(id) FROM messages GROUP BY provider_msg_id)",
        "DELETE FROM messages WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY provider_msg_id ORDER BY id) AS rn"
        " FROM messages) d WHERE rn > 1)",
        "DELETE FROM messages WHERE id NOT IN (SELECT id FROM (SELECT id, row_number() OVER w AS rn FROM messages"
        " WINDOW w AS (PARTITION BY provider_msg_id ORDER BY id)) d WHERE d.rn = 1)",
        "WITH d AS (SELECT id, row_number() OVER (PARTITION BY provider_msg_id ORDER BY id) FROM messages)"
        " DELETE FROM messages WHERE id IN (SELECT id FROM d WHERE 1 < row_number)",
        "WITH d AS (SELECT ctid AS c, rank() OVER (PARTITION BY provider_msg_id ORDER BY id) AS n FROM messages)"
        " DELETE FROM messages USING d WHERE messages.ctid = d.c AND d.n >= 2",
        "DELETE FROM messages a USING messages b WHERE a.id > b.id AND a.provider_msg_id = b.provider_msg_id",
        "DELETE FROM messages a USING messages b WHERE a.ctid < b.ctid AND a.provider_msg_id IS NOT DISTINCT FROM b.provider_msg_id",
        "DELETE FROM messages m WHERE EXISTS (SELECT 1 FROM messages o WHERE o.provider_msg_id = m.provider_msg_id AND o.id < m.id)",
        "DELETE FROM messages m WHERE m.id > (SELECT min(o.id) FROM messages o WHERE o.provider_msg_id = m.provider_msg_id)",
        "DELETE FROM messages m USING (SELECT provider_msg_id, min(id) AS keep FROM messages GROUP BY provider_msg_id) d"
        " WHERE m.provider_msg_id = d.provider_msg_id AND m.id <> d.keep",
        "DELETE FROM messages a USING messages b WHERE (a.id < b.id OR (a.id = b.id AND a.ctid < b.ctid))"
        " AND (a.provider_msg_id = b.provider_msg_id OR (a.provider_msg_id IS NULL AND b.provider_msg_id IS NULL))",
        "DELETE FROM messages WHERE id NOT IN (SELECT DISTINCT ON (provider_msg_id) id FROM messages ORDER BY provider_msg_id, id)",
        "DELETE FROM messages WHERE id IN (SELECT a.id FROM messages a JOIN messages b ON a.provider_msg_id = b.provider_msg_id"
        " AND a.id > b.id)",
        "DELETE FROM messages WHERE id IN (SELECT a.id FROM messages a JOIN messages b USING (provider_msg_id) WHERE a.id > b.id)",
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages EXCEPT SELECT min(id) FROM messages GROUP BY provider_msg_id)",
        "DELETE FROM messages WHERE id IN (SELECT unnest((array_agg(id ORDER BY id))[2:]) FROM messages GROUP BY provider_msg_id)",
        "UPDATE messages SET provider_msg_id = NULL WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)",
        "UPDATE messages m SET provider_msg_id = m.provider_msg_id || '-' || d.n FROM (SELECT id, row_number() OVER (PARTITION BY"
        " provider_msg_id ORDER BY id) AS n FROM messages) d WHERE d.id = m.id AND d.n > 1",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        T_EQ_STR(sg_test_strf("%s: %s", kinds(sg_test_strf("%s" UX, forms[i])), forms[i]), sg_test_strf(DEDUP ": %s", forms[i]));
        T_LACKS(kinds(forms[i]), " SAFE");
    }
}

SG_TEST(the_constraint_must_follow_and_be_on_the_same_columns)
{
    static const char dedup[] = "DELETE FROM messages WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)";
    static const char pair[] = "DELETE FROM messages a USING messages b WHERE a.id > b.id AND a.business_id = b.business_id"
                               " AND a.provider_msg_id = b.provider_msg_id";

    T_EQ_STR(kinds(sg_test_strf("%s; ALTER TABLE messages ADD CONSTRAINT u UNIQUE (provider_msg_id)", dedup)), DEDUP);
    T_EQ_STR(kinds(sg_test_strf("%s; ALTER TABLE ONLY public.messages ADD PRIMARY KEY (provider_msg_id)", dedup)), DEDUP);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX CONCURRENTLY u ON messages (provider_msg_id) INCLUDE (id) WHERE"
                                " provider_msg_id IS NOT NULL",
                                dedup)),
             DEDUP);
    T_EQ_STR(kinds(sg_test_strf("%s; DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'u') THEN ALTER TABLE"
                                " messages ADD CONSTRAINT u UNIQUE (provider_msg_id); END IF; END $$",
                                dedup)),
             DEDUP);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX u ON messages (provider_msg_id, business_id)", pair)), DEDUP);
    T_EQ_STR(kinds("DELETE FROM leads a USING leads b WHERE a.id > b.id AND lower(a.email) = lower(b.email);"
                   "CREATE UNIQUE INDEX u ON leads (lower(email))"),
             DEDUP);
    /* not */
    T_EQ_STR(kinds(dedup), DELETES);
    T_EQ_STR(kinds(sg_test_strf("CREATE UNIQUE INDEX u ON messages (provider_msg_id); %s", dedup)), DELETES);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE INDEX u ON messages (provider_msg_id)", dedup)), DELETES);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX u ON leads (provider_msg_id)", dedup)), DELETES);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX u ON messages (body)", dedup)), DELETES);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX u ON messages (provider_msg_id, business_id)", dedup)), DELETES);
    T_EQ_STR(kinds(sg_test_strf("%s; CREATE UNIQUE INDEX u ON messages (provider_msg_id)", pair)), DELETES);
    T_EQ_STR(kinds("DELETE FROM leads a USING leads b WHERE a.id > b.id AND a.email = b.email;"
                   "CREATE UNIQUE INDEX u ON leads (lower(email))"),
             DELETES);
    T_CONTAINS(reason(sg_test_strf("SELECT 1;\n%s;\n" UX, dedup)), "unique index ux_messages (line 4) covers provider_msg_id");
    T_CONTAINS(reason(sg_test_strf("CREATE UNIQUE INDEX u ON messages (provider_msg_id);\n%s", dedup)), "u (line 1) stands before it");
    T_CONTAINS(reason(dedup), "no UNIQUE on that follows");
    T_CONTAINS(reason(sg_test_strf("%s; CREATE UNIQUE INDEX u ON messages (body)", dedup)), "is on body");
}

SG_TEST(what_takes_the_first_one_too_is_no_deduplication)
{
    T_EQ_STR(kinds("DELETE FROM messages WHERE id IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)" UX), DELETES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE provider_msg_id IN (SELECT provider_msg_id FROM messages GROUP BY provider_msg_id"
                   " HAVING count(*) > 1)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY provider_msg_id"
                   " ORDER BY id) AS rn FROM messages) d WHERE rn = 1)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages a USING messages b WHERE a.provider_msg_id = b.provider_msg_id" UX), DELETES);
    T_EQ_STR(kinds("DELETE FROM messages m WHERE EXISTS (SELECT 1 FROM messages o WHERE o.provider_msg_id = m.provider_msg_id)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM messages o WHERE o.provider_msg_id = m.provider_msg_id"
                   " AND o.id < m.id)" UX),
             DELETES);
    T_EQ_STR(kinds("UPDATE messages SET body = '' WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)" UX), UPDATES);
}

SG_TEST(a_list_that_is_made_before)
{
    T_EQ_STR(kinds("CREATE TEMP TABLE d AS SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY provider_msg_id) n FROM messages) x"
                   " WHERE n > 1; DELETE FROM messages WHERE id IN (SELECT id FROM d)" UX),
             "data_copy SAFE, " DEDUP);
    T_EQ_STR(kinds("CREATE TEMP TABLE keep AS SELECT min(id) AS id FROM messages GROUP BY provider_msg_id;"
                   "DELETE FROM messages WHERE id NOT IN (SELECT id FROM keep)" UX),
             "data_copy SAFE, " DEDUP);
    T_EQ_STR(kinds("SELECT m.id INTO TEMP lost FROM messages m LEFT JOIN leads l ON l.id = m.lead_id WHERE l.id IS NULL;"
                   "DELETE FROM messages USING lost WHERE lost.id = messages.id" FK),
             "data_copy SAFE, " ORPHANS);
    /* not */
    T_EQ_STR(kinds("CREATE TEMP TABLE d AS SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY provider_msg_id) n FROM messages) x"
                   " WHERE n > 1; DELETE FROM messages WHERE id NOT IN (SELECT id FROM d)" UX),
             "data_copy POTENTIALLY UNSAFE, " DELETES);
    T_EQ_STR(kinds("CREATE TEMP TABLE keep AS SELECT min(id) AS id FROM messages GROUP BY provider_msg_id;"
                   "DELETE FROM messages WHERE id IN (SELECT id FROM keep)" UX),
             "data_copy POTENTIALLY UNSAFE, " DELETES);
    T_EQ_STR(kinds("CREATE TEMP TABLE d AS SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY provider_msg_id) n FROM messages) x"
                   " WHERE n > 1; DELETE FROM leads WHERE id IN (SELECT id FROM d)" UX),
             "data_copy POTENTIALLY UNSAFE, " DELETES);
}

/* An excuse under an OR is none for the other side, and a query that is not joined with says nothing. */
SG_TEST(excuses_must_hold_for_all_rows)
{
    T_EQ_STR(kinds("UPDATE messages SET provider_msg_id = (SELECT min(provider_msg_id) FROM messages GROUP BY provider_msg_id HAVING true)"
                   UX),
             UPDATES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE body IS NULL OR id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages a USING messages b WHERE a.id = 4 OR (a.id > b.id AND a.provider_msg_id = b.provider_msg_id)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages a USING messages b WHERE (a.id < b.id OR b.body = '') AND a.provider_msg_id = b.provider_msg_id"
                   UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages a USING messages b WHERE a.id < b.id AND (a.provider_msg_id = b.provider_msg_id OR"
                   " (a.provider_msg_id IS NULL OR b.provider_msg_id IS NULL))" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE provider_msg_id IN (SELECT provider_msg_id FROM (SELECT provider_msg_id, row_number() OVER"
                   " (PARTITION BY provider_msg_id ORDER BY id) AS rn FROM messages) d WHERE rn > 1)" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages USING (SELECT id, row_number() OVER (PARTITION BY provider_msg_id ORDER BY id) AS rn FROM"
                   " messages) d WHERE rn > 1" UX),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE lead_id NOT IN (SELECT id FROM leads) OR body = '';"
                   "ALTER TABLE messages ADD FOREIGN KEY (lead_id) REFERENCES leads (id)"),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages USING messages m LEFT JOIN leads l ON l.id = m.lead_id WHERE l.id IS NULL;"
                   "ALTER TABLE messages ADD FOREIGN KEY (lead_id) REFERENCES leads (id)"),
             DELETES);
    T_EQ_STR(kinds("DELETE FROM messages WHERE lead_id NOT IN (SELECT id FROM leads) OR business_id NOT IN (SELECT id FROM business);"
                   "ALTER TABLE messages ADD FOREIGN KEY (lead_id) REFERENCES leads (id)"),
             DELETES);
    /* each side has a foreign key of its own; what is ANDed only leaves out more */
    T_EQ_STR(kinds("DELETE FROM messages WHERE lead_id NOT IN (SELECT id FROM leads) OR business_id NOT IN (SELECT id FROM business);"
                   "ALTER TABLE messages ADD FOREIGN KEY (lead_id) REFERENCES leads (id), ADD FOREIGN KEY (business_id) REFERENCES business"),
             ORPHANS);
    T_EQ_STR(kinds("DELETE FROM messages WHERE (body = '' OR body IS NULL) AND id NOT IN (SELECT min(id) FROM messages GROUP BY"
                   " provider_msg_id)" UX),
             DEDUP);
}

/* GROUP BY takes NULLs for equal. */
SG_TEST(rows_without_a_value)
{
    T_CONTAINS(reason("DELETE FROM messages WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id)" UX),
               "rows without provider_msg_id count as duplicates");
    T_LACKS(reason("DELETE FROM messages WHERE provider_msg_id <> '' AND id NOT IN (SELECT min(id) FROM messages GROUP BY"
                   " provider_msg_id)" UX),
            "rows without");
    T_LACKS(reason("DELETE FROM messages a USING messages b WHERE a.id > b.id AND a.provider_msg_id = b.provider_msg_id" UX),
            "rows without");
}

SG_TEST(orphans_are_found_in_many_ways)
{
    static const char *const forms[] = {
        "DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id)",
        "DELETE FROM messages WHERE NOT EXISTS (SELECT 1 FROM leads WHERE leads.id = lead_id)",
        "DELETE FROM messages WHERE NOT EXISTS (SELECT FROM leads WHERE id = lead_id)",
        "DELETE FROM messages WHERE lead_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM public.leads l WHERE messages.lead_id = l.id)",
        "DELETE FROM messages WHERE lead_id NOT IN (SELECT id FROM leads)",
        "DELETE FROM messages WHERE lead_id <> ALL (SELECT id FROM leads WHERE id IS NOT NULL)",
        "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m LEFT JOIN leads l ON l.id = m.lead_id WHERE l.id IS NULL)",
        "DELETE FROM messages USING messages m LEFT JOIN leads l ON l.id = m.lead_id WHERE messages.id = m.id AND l.id IS NULL",
        "WITH lost AS (SELECT m.id FROM messages m LEFT OUTER JOIN leads l ON (m.lead_id = l.id) WHERE m.lead_id IS NOT NULL AND l.id IS"
        " NULL) DELETE FROM messages WHERE id IN (SELECT id FROM lost)",
        "UPDATE messages SET lead_id = NULL WHERE lead_id NOT IN (SELECT id FROM leads)",
        "UPDATE messages m SET lead_id = NULL WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id)",
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        T_EQ_STR(sg_test_strf("%s: %s", kinds(sg_test_strf("%s" FK, forms[i])), forms[i]), sg_test_strf(ORPHANS ": %s", forms[i]));
        T_EQ_STR(kinds(sg_test_strf("%s" FK " NOT VALID", forms[i])), ORPHANS);
        T_LACKS(kinds(forms[i]), " SAFE");
    }
    T_EQ_STR(kinds(sg_test_strf("ALTER TABLE messages ADD CONSTRAINT fk FOREIGN KEY (lead_id) REFERENCES leads NOT VALID; %s;"
                                "ALTER TABLE messages VALIDATE CONSTRAINT fk",
                                forms[0])),
             ORPHANS);
    T_CONTAINS(reason(sg_test_strf("%s" FK, forms[0])), "foreign key fk (line 2) joins lead_id with leads");
}

SG_TEST(orphans_of_something_else)
{
    static const char *const forms[] = {
        "ALTER TABLE messages ADD CONSTRAINT fk FOREIGN KEY (lead_id) REFERENCES leads (id);"
        "DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id)",
        "DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.business_id)" FK,
        "DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM business l WHERE l.id = m.lead_id)" FK,
        "DELETE FROM messages m WHERE EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id)" FK,
        "DELETE FROM messages m WHERE lead_id IN (SELECT id FROM leads)" FK,
        "DELETE FROM messages m WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = m.lead_id AND l.status = 'new')" FK,
        "DELETE FROM messages m WHERE lead_id NOT IN (SELECT id FROM leads WHERE status = 'new')" FK,
        "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m LEFT JOIN leads l ON l.id = m.lead_id AND l.status = 'new'"
        " WHERE l.id IS NULL)" FK,
        "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m LEFT JOIN leads l ON l.id = m.lead_id)" FK,
        "DELETE FROM messages WHERE lead_id NOT IN (SELECT business_id FROM leads)" FK,
        "DELETE FROM leads l WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE l.id = m.lead_id)" FK,
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        T_EQ_STR(sg_test_strf("%s: %s", kinds(forms[i]), forms[i]), sg_test_strf(DELETES ": %s", forms[i]));
    T_EQ_STR(kinds("UPDATE messages SET body = '' WHERE lead_id NOT IN (SELECT id FROM leads)" FK), UPDATES);
}

SG_TEST(clean_up_for_other_constraints)
{
    T_EQ_STR(kinds("DELETE FROM leads WHERE business_id IS NULL; ALTER TABLE leads ALTER COLUMN business_id SET NOT NULL"), ORPHANS);
    T_EQ_STR(kinds("UPDATE leads SET name = 'unknown' WHERE name IS NULL; ALTER TABLE leads ALTER name SET NOT NULL"), ORPHANS);
    T_EQ_STR(kinds("UPDATE leads SET status = 'new' WHERE status NOT IN ('new', 'won');"
                   "ALTER TABLE leads ADD CHECK (status IN ('new', 'won'))"),
             ORPHANS);
    T_EQ_STR(kinds("UPDATE leads SET email = NULL WHERE email = ''; CREATE UNIQUE INDEX u ON leads (email)"), ORPHANS);
    /* not */
    T_EQ_STR(kinds("UPDATE leads SET name = 'x' WHERE business_id > 4; ALTER TABLE leads ALTER name SET NOT NULL"), UPDATES);
    T_EQ_STR(kinds("DELETE FROM leads WHERE business_id > 4; ALTER TABLE leads ALTER COLUMN business_id SET NOT NULL"), DELETES);
    T_EQ_STR(kinds("DELETE FROM leads WHERE email IS NOT NULL; CREATE UNIQUE INDEX u ON leads (email)"), DELETES);
    T_EQ_STR(kinds("ALTER TABLE leads ADD CHECK (status IN ('new', 'won'));"
                   "UPDATE leads SET status = 'new' WHERE status NOT IN ('new', 'won')"),
             UPDATES);
    /* all rows have NULL in a column that was just added */
    T_EQ_STR(kinds("ALTER TABLE leads ADD COLUMN lang text; UPDATE leads SET lang = 'en' WHERE lang IS NULL;"
                   "ALTER TABLE leads ALTER lang SET NOT NULL"),
             ONCE);
    T_EQ_STR(kinds("ALTER TABLE leads ADD COLUMN lang text; DELETE FROM leads WHERE lang IS NULL;"
                   "ALTER TABLE leads ALTER lang SET NOT NULL"),
             "bulk_delete POTENTIALLY UNSAFE");
}

SG_TEST(defaults)
{
    T_EQ_STR(kinds("UPDATE leads SET order_index = id WHERE order_index = 0"), ONCE);
    T_EQ_STR(kinds("UPDATE leads SET name = email, status = 'x' WHERE name IS NULL OR name = ''"), ONCE);
    T_EQ_STR(kinds("UPDATE leads SET name = 'x' WHERE coalesce(name, '') = '' AND business_id > 7"), ONCE);
    T_EQ_STR(kinds("ALTER TABLE leads ADD lang text NOT NULL DEFAULT 'en'; UPDATE leads SET lang = 'de' WHERE lang = 'en'"), ONCE);
    T_EQ_STR(kinds("DELETE FROM leads WHERE email IS NULL"), "bulk_delete POTENTIALLY UNSAFE");
    /* not */
    T_EQ_STR(kinds("UPDATE leads SET status = 'lost' WHERE status = 'gone'"), UPDATES);
    T_EQ_STR(kinds("UPDATE leads SET name = 'x' WHERE email IS NULL"), UPDATES);
    T_EQ_STR(kinds("UPDATE leads SET name = 'x' WHERE name IS NULL OR business_id = 4"), UPDATES);
    T_EQ_STR(kinds("UPDATE leads SET name = 'x' WHERE name IS NOT NULL"), UPDATES);
}

SG_TEST(whole_tables)
{
    T_EQ_STR(kinds("UPDATE leads SET name = 'x'"), UPDATES);
    T_EQ_STR(kinds("UPDATE leads l SET name = b.name FROM business b WHERE b.id = l.business_id"), UPDATES);
    T_EQ_STR(kinds("UPDATE leads SET email = lower(email)"), UPDATES);
    T_EQ_STR(kinds("DELETE FROM leads"), DELETES);
    T_EQ_STR(kinds("DELETE FROM leads WHERE status = 'lost'"), DELETES);
    T_EQ_STR(kinds("TRUNCATE leads, messages"), DELETES);
    T_EQ_STR(what("TRUNCATE leads, messages"), "TRUNCATE leads messages");
    T_CONTAINS(reason("DELETE FROM leads"), "no WHERE: every row of leads");
    /* two tables are two backfills */
    T_CONTAINS(action("DELETE FROM leads; DELETE FROM messages"), "manifest: [backfill migration_2_leads] migration = 2.");
    T_CONTAINS(action("DELETE FROM leads"), "table = leads, key = id (SG_BACKFILL in its plugin); manifest: [backfill migration_2] migration = 2.");
    T_CONTAINS(action("UPDATE nobody_knows SET a = 1"), "table = nobody_knows, key = its primary key (SG_");
    /* a row or two, by the key */
    T_EQ_STR(kinds("UPDATE business SET name = 'x' WHERE id = 4"), "other POTENTIALLY UNSAFE");
    T_EQ_STR(kinds("DELETE FROM business WHERE slug IN ('a', 'b')"), "other POTENTIALLY UNSAFE");
    T_EQ_STR(kinds("DELETE FROM business WHERE name IN ('a', 'b')"), DELETES);
}

SG_TEST(seeds)
{
    T_EQ_STR(kinds("INSERT INTO templates VALUES ('a', 'A'), ('b', 'B')"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates (key, subject) VALUES ('a', 'A') ON CONFLICT (key) DO UPDATE SET subject = excluded.subject"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT 'a', 'A'"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT 'a', 'A' WHERE NOT EXISTS (SELECT 1 FROM templates WHERE key = 'a')"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT 'a', 'A' UNION ALL SELECT 'b', 'B'"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT v.* FROM (VALUES ('a', 'A'), ('b', 'B')) v (key, subject)"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT v.* FROM (VALUES ('a', 'A')) v (k, s) LEFT JOIN templates t ON t.key = v.k WHERE t.key IS NULL"),
             SEED);
    T_EQ_STR(kinds("WITH v (k, s) AS (VALUES ('a', 'A')) INSERT INTO templates SELECT * FROM v"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT k, 'x' FROM unnest(ARRAY['a', 'b']) AS k"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates SELECT n::text, 'x' FROM generate_series(1, 20) AS n"), SEED);
    T_EQ_STR(kinds("INSERT INTO templates DEFAULT VALUES"), SEED);
    T_EQ_STR(action("INSERT INTO templates DEFAULT VALUES"), "None.");
    /* not */
    T_EQ_STR(kinds("INSERT INTO templates SELECT n::text, 'x' FROM generate_series(1, 100) AS n"), COPIES);
    T_EQ_STR(kinds("INSERT INTO templates SELECT generate_series(1, 1000)::text"), COPIES);
    T_EQ_STR(kinds("INSERT INTO templates SELECT slug, name FROM business"), COPIES);
    T_EQ_STR(kinds("INSERT INTO templates SELECT v.k, b.name FROM (VALUES ('a')) v (k) JOIN business b ON true"), COPIES);
    T_EQ_STR(kinds("INSERT INTO templates SELECT v.k, b.name FROM (VALUES ('a')) v (k) LEFT JOIN business b ON true"), COPIES);
    T_EQ_STR(kinds("INSERT INTO templates SELECT 'a', 'A' UNION ALL SELECT slug, name FROM business"), COPIES);
    T_EQ_STR(kinds("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
                   " INSERT INTO templates SELECT i::text FROM n"),
             COPIES);
    T_CONTAINS(action("INSERT INTO templates SELECT slug, name FROM business"), "table = business, key = id (SG_BACKFILL in its plugin); manifest: [backfill migration_2] migration = 2, also_writes = templates.");
    T_CONTAINS(reason("INSERT INTO templates SELECT slug, name FROM business"), "as long as business is large");
}

SG_TEST(small_rows)
{
    const struct look look = {.small_rows = 3};
    const struct sg_audit_result *result = look_at(
        &look, (const char *const[]){"INSERT INTO a VALUES (1), (2); INSERT INTO a VALUES (1), (2), (3)", NULL});

    T_MUST_EQ_INT(result->dml_count, 2);
    T_EQ_INT(result->dml[0].kind, SG_DML_SEED_INSERT);
    T_EQ_INT(result->dml[1].kind, SG_DML_DATA_COPY);
    T_EQ_INT(result->dml[1].verdict, SG_DML_POTENTIALLY_UNSAFE);
    T_CONTAINS(result->dml[1].reason, "3 rows written out, and small_rows is 3");
}

SG_TEST(copies)
{
    T_EQ_STR(kinds("COPY leads FROM '/tmp/leads.csv'"), COPIES);
    T_EQ_STR(kinds("COPY leads TO '/tmp/leads.csv'"), "");
    T_EQ_STR(kinds("CREATE TABLE n AS SELECT * FROM leads WITH NO DATA"), "");
    T_EQ_STR(what("CREATE TABLE n AS SELECT * FROM leads"), "CREATE TABLE AS n");
    T_EQ_STR(what("SELECT * INTO n FROM leads"), "SELECT INTO n");
    T_EQ_STR(what("COPY (DELETE FROM leads RETURNING *) TO STDOUT"), "DELETE leads");
    T_EQ_STR(kinds("MERGE INTO leads l USING business b ON b.id = l.id WHEN NOT MATCHED THEN INSERT VALUES (1)"), COPIES);
    T_EQ_STR(kinds("MERGE INTO leads l USING business b ON b.id = l.id WHEN MATCHED THEN UPDATE SET name = b.name"), UPDATES);
    T_EQ_STR(kinds("MERGE INTO leads l USING business b ON b.id = l.id WHEN MATCHED THEN DELETE"), DELETES);
    T_EQ_STR(kinds("MERGE INTO templates t USING (VALUES ('a')) v (k) ON v.k = t.key WHEN NOT MATCHED THEN INSERT VALUES ('a')"), SEED);
}

SG_TEST(where_it_stands)
{
    T_EQ_STR(what("WITH gone AS (DELETE FROM messages RETURNING *) INSERT INTO leads SELECT id FROM gone"),
             "INSERT … SELECT leads, DELETE messages");
    T_EQ_STR(what("WITH a AS (UPDATE leads SET id = 1 RETURNING 1), b AS (DELETE FROM messages RETURNING 1) SELECT 1"),
             "UPDATE leads, DELETE messages");
    T_EQ_STR(what("EXPLAIN ANALYZE DELETE FROM leads"), "DELETE leads");
    T_EQ_STR(what("EXPLAIN DELETE FROM leads"), "");
    T_EQ_STR(what("PREPARE p AS DELETE FROM leads"), "DELETE leads");
    T_EQ_STR(what("CREATE TABLE n AS WITH d AS (DELETE FROM leads RETURNING *) SELECT * FROM d"), "CREATE TABLE AS n, DELETE leads");
    /* kept, not run; words, not statements */
    T_EQ_STR(what("CREATE RULE r AS ON INSERT TO leads DO ALSO DELETE FROM messages"), "");
    T_EQ_STR(what("CREATE VIEW v AS SELECT * FROM leads"), "");
    T_EQ_STR(what("-- UPDATE leads SET name = 1\nSELECT 'DELETE FROM leads' /* INSERT INTO leads */"), "");
    T_EQ_STR(what("COMMENT ON TABLE leads IS 'UPDATE leads'"), "");
    T_EQ_STR(what("SELECT setval('leads_id_seq', 4), nextval('leads_id_seq')"), "");
    T_EQ_STR(what("SELECT * FROM leads FOR UPDATE"), "");
    T_EQ_STR(what("CREATE TRIGGER t BEFORE UPDATE OR DELETE ON leads EXECUTE FUNCTION f()"), "");
}

SG_TEST(tables_that_nobody_sees)
{
    T_EQ_STR(kinds("CREATE TABLE n (id int); UPDATE n SET id = 1; DELETE FROM n; TRUNCATE n"),
             "bulk_update SAFE, bulk_delete SAFE, bulk_delete SAFE");
    T_EQ_STR(kinds("CREATE TABLE n (id int); INSERT INTO n VALUES (1), (2)"), "seed_insert SAFE");
    T_EQ_STR(kinds("CREATE TABLE n AS SELECT 1 AS id"), "seed_insert SAFE");
    T_EQ_STR(kinds("CREATE TABLE n (id int); TRUNCATE n, leads"), DELETES);
    T_EQ_STR(kinds("CREATE TABLE n (id int); DELETE FROM leads USING n WHERE n.id = leads.id"), DELETES);
    /* a view shows other tables; a name may change hands */
    T_EQ_STR(kinds("CREATE VIEW v AS SELECT * FROM leads; UPDATE v SET name = ''"), UPDATES);
    T_EQ_STR(kinds("CREATE TABLE n (id int); ALTER TABLE leads RENAME TO old; ALTER TABLE n RENAME TO leads; DELETE FROM leads;"
                   "DELETE FROM old"),
             "bulk_delete SAFE, " DELETES);
    T_EQ_STR(kinds("CREATE TABLE n (id int); ALTER TABLE n RENAME TO m; ALTER TABLE leads RENAME TO n; DELETE FROM n"), DELETES);
    T_CONTAINS(reason("CREATE TABLE n (id int); DELETE FROM n"), "n is made by this migration");
    T_CONTAINS(reason("CREATE TEMP TABLE n (id int); DELETE FROM n"), "n is temporary");
}

/* Nobody sees the new table, but the transaction lasts as long as the old one is large. */
SG_TEST(a_new_table_is_filled_from_an_old_one)
{
#define COPY "data_copy POTENTIALLY UNSAFE"
    T_EQ_STR(kinds("CREATE TABLE n (id int); INSERT INTO n SELECT id FROM leads"), COPY);
    T_EQ_STR(kinds("CREATE TEMP TABLE n (id int); INSERT INTO n SELECT id FROM leads"), COPY);
    T_EQ_STR(kinds("CREATE TABLE n AS SELECT * FROM leads"), COPY);
    T_EQ_STR(kinds("SELECT * INTO n FROM leads"), COPY);
    T_EQ_STR(kinds("CREATE TABLE n (id int); INSERT INTO n SELECT f.id FROM read_all() f"), COPY);
    T_EQ_STR(kinds("CREATE TABLE n (id int); DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM leads LOOP"
                   " INSERT INTO n VALUES (r.id); END LOOP; END $$"),
             COPY);
    T_EQ_STR(kinds("CREATE TEMP TABLE n AS SELECT id FROM leads; DELETE FROM n"), COPY ", bulk_delete SAFE");
    /* what was copied once is not counted again, but an old table beside it is seen */
    T_EQ_STR(kinds("CREATE TABLE a AS SELECT * FROM leads; CREATE TABLE b AS SELECT * FROM a"), COPY ", data_copy SAFE");
    T_EQ_STR(kinds("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO b SELECT a.id FROM a, leads"), COPY);
    T_CONTAINS(reason("CREATE TABLE n AS SELECT * FROM leads"),
               "nobody else can see n yet, but the migration's transaction lasts as long as leads is large");
#undef COPY
}

static const struct sg_test tests[] = {SG_CASE(duplicates_are_found_in_many_ways),
                                       SG_CASE(a_new_table_is_filled_from_an_old_one),
                                       SG_CASE(the_constraint_must_follow_and_be_on_the_same_columns),
                                       SG_CASE(what_takes_the_first_one_too_is_no_deduplication),
                                       SG_CASE(a_list_that_is_made_before),
                                       SG_CASE(excuses_must_hold_for_all_rows),
                                       SG_CASE(rows_without_a_value),
                                       SG_CASE(orphans_are_found_in_many_ways),
                                       SG_CASE(orphans_of_something_else),
                                       SG_CASE(clean_up_for_other_constraints),
                                       SG_CASE(defaults),
                                       SG_CASE(whole_tables),
                                       SG_CASE(seeds),
                                       SG_CASE(small_rows),
                                       SG_CASE(copies),
                                       SG_CASE(where_it_stands),
                                       SG_CASE(tables_that_nobody_sees),
                                       SG_CASES_END};
static const struct sg_suite suites[] = {{"dml", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
