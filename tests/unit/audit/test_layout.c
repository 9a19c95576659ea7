/* Which files of a tree are migrations, in which order; trees of every tool, and what may lie in them. */
#include "config.h"

#include "core/audit/layout.h"
#include "core/audit/script.h"
#include "core/audit/versions.h"
#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sg_errs errs;
static struct sg_arena arena;
static struct sg_audit_files files;
static int found; /* what sg_audit_files_find gave last */

static void release(void *arg)
{
    (void)arg;
    sg_errs_release(&errs);
    sg_arena_release(&arena);
    memset(&files, 0, sizeof files);
}

static void begin(void)
{
    release(NULL);
    sg_test_defer(release, NULL);
}

/* "flyway 1.1 path [title]" a line, "*" behind the layout where it is in no transaction; then "down 1 other 2", and each error. Paths
 * without the root. */
static const char *show(const char *root)
{
    const char *text = "";
    size_t length = strlen(root);

    for (size_t i = 0; i < files.count; i++) {
        const struct sg_audit_file *f = &files.list[i];

        T_EQ_INT(strncmp(f->path, root, length), 0);
        text = sg_test_strf("%s%s%s %s %s [%s]\n", text, sg_audit_layout_name(f->layout), f->transaction ? "" : "*", f->id,
                            f->path + length + 1, f->title != NULL ? f->title : "");
    }
    text = sg_test_strf("%sdown %zu other %zu\n", text, files.down, files.other);
    for (size_t i = 0; i < errs.count; i++) {
        const char *file = errs.list[i].file;

        T_NOT_NULL(errs.list[i].hint);
        if (strncmp(file, root, length) == 0)
            file += length + (file[length] == '/');
        text = sg_test_strf("%s! %s:%d %s\n", text, file, errs.list[i].line, errs.list[i].primary);
    }
    return text;
}

static const char *find(const char *root)
{
    begin();
    found = sg_audit_files_find(root, &arena, &files, &errs);
    return show(root);
}

static const char *tree(const char *name)
{
    return find(sg_test_source(sg_test_strf("tests/audit/trees/%s", name)));
}

SG_TEST(flyway)
{
    T_EQ_STR(tree("flyway/src/main/resources/db/migration"), "flyway 1 V1__create_leads.sql [create leads]\n"
                                                             "flyway 1.1 V1_1__leads_source.sql [leads source]\n"
                                                             "flyway 2 V2__roles.sql [roles]\n"
                                                             "flyway* 10 V10__leads_email_index.sql [leads email index]\n"
                                                             "flyway 2024.3.1.1 2024/V2024.03.01.1__calls.sql [calls]\n"
                                                             "flyway* 2024.3.1.2 2024/V2024.3.1.2__calls_unique.sql [calls unique]\n"
                                                             "flyway R__call_counts views/R__call_counts.sql [call counts]\n"
                                                             "flyway R__lead_counts views/R__lead_counts.sql [lead counts]\n"
                                                             /* beforeMigrate.sql, V3__Import.java, two .conf, the baseline */
                                                             "down 1 other 5\n");
}

SG_TEST(goose)
{
    T_EQ_STR(tree("goose"), "goose 1 00001_init.sql [init]\n"
                            "goose 2 00002_dedupe.sql [dedupe]\n"
                            "goose 9 00009_concurrently.sql [concurrently]\n"
                            "goose 10 00010_touch.sql [touch]\n"
                            "goose 11 00011_owner.sql [owner]\n"
                            "down 0 other 1\n");
}

SG_TEST(dbmate)
{
    T_EQ_STR(tree("dbmate"), "dbmate 20240105093000 migrations/20240105093000_create_receipts.sql [create receipts]\n"
                             "dbmate 20240212110000 migrations/20240212110000_receipts_total_index.sql [receipts total index]\n"
                             "dbmate 20240301120000 migrations/20240301120000_receipts_state.sql [receipts state]\n"
                             /* schema.sql is what it writes */
                             "down 0 other 2\n");
}

SG_TEST(golang_migrate)
{
    T_EQ_STR(tree("golang-migrate"), "golang-migrate 1 000001_create_teams.up.sql [create teams]\n"
                                     "golang-migrate 2 000002_teams_name_index.up.sql [teams name index]\n"
                                     "golang-migrate 10 000010_teams_size.up.sql [teams size]\n"
                                     "golang-migrate 11 000011_empty.up.sql [empty]\n"
                                     "down 3 other 1\n");
}

SG_TEST(diesel)
{
    T_EQ_STR(tree("diesel"), "diesel 00000000000000 migrations/00000000000000_diesel_initial_setup/up.sql [diesel initial setup]\n"
                             "diesel 20240210081500 migrations/2024-02-10-081500_create_posts/up.sql [create posts]\n"
                             "diesel* 20240301120000 migrations/2024-03-01-120000_posts_title_index/up.sql [posts title index]\n"
                             "down 3 other 1\n");
}

SG_TEST(sqlx)
{
    T_EQ_STR(tree("sqlx"), "sqlx 20240101000000 migrations/20240101000000_users.sql [users]\n"
                           "sqlx 20240115000000 migrations/20240115000000_users_email.sql [users email]\n"
                           "sqlx 20240201000000 migrations/20240201000000_orders.up.sql [orders]\n"
                           "down 1 other 2\n");
}

SG_TEST(prisma)
{
    T_EQ_STR(tree("prisma"), "prisma 20240110101010_init migrations/20240110101010_init/migration.sql [init]\n"
                             "prisma 20240222111111_user_role migrations/20240222111111_user_role/migration.sql [user role]\n"
                             "down 0 other 2\n");
}

SG_TEST(sqitch)
{
    T_EQ_STR(tree("sqitch"), "sqitch* roles deploy/roles.sql [The application's roles.]\n"
                             "sqitch* schema/app deploy/schema/app.sql [The schema.]\n"
                             "sqitch* customers@v1 deploy/customers@v1.sql [Customers.]\n"
                             "sqitch* customers deploy/customers.sql [Adds the phone number.]\n"
                             "sqitch* data deploy/data.sql []\n"
                             /* forgotten.sql, two of verify/, the plan and the configuration */
                             "down 3 other 5\n");
}

SG_TEST(plain)
{
    T_EQ_STR(tree("plain"), "plain 1_leads 1_leads.sql [leads]\n"
                            "plain 2_index 2_index.sql [index]\n"
                            "plain a 10_functions/a.sql [a]\n"
                            "plain 10_functions 10_functions.sql [functions]\n"
                            "down 0 other 1\n");
}

SG_TEST(mixed)
{
    /* versions that are there twice make two locations of Flyway's */
    T_EQ_STR(tree("mixed"), "golang-migrate 1 billing/migrations/1_init.up.sql [init]\n"
                            "plain report crm/scripts/report.sql [report]\n"
                            "goose 1 web/00001_goose.sql [goose]\n"
                            "diesel 20240101 web/20240101_a/up.sql [a]\n"
                            "flyway 1 crm/db/V1__init.sql [init]\n"
                            "flyway 2 crm/db/V2__more.sql [more]\n"
                            "flyway 1 hr/db/V1__init.sql [init]\n"
                            "down 2 other 1\n");
}

/* ---- names ---- */

SG_TEST(natural_order)
{
    static const char *const sorted[] = {"", "1", "2", "10", "10a", "9999999999999999999999", "10000000000000000000000", "V1__a", "V2__a",
                                         "V2__b", "V10__a", "a", "a01", "a1", "a1b", "a2", "b"};

    for (size_t i = 0; i < SG_COUNT(sorted); i++)
        for (size_t k = 0; k < SG_COUNT(sorted); k++) {
            int order = sg_natural_compare(sorted[i], sorted[k]);

            sg_test_check(SG_HERE_, false, (order < 0) == (i < k) && (order > 0) == (i > k), "%s and %s: %d", sorted[i], sorted[k], order);
        }
}

SG_TEST(versions)
{
    T_EQ_INT(sg_version_compare("1.2", "1.2.0"), 0);
    T_TRUE(sg_version_compare("1.2", "1.10") < 0);
    T_TRUE(sg_version_compare("2", "1.10") > 0);
    T_TRUE(sg_version_compare("1", "1.0.1") < 0);
    T_TRUE(sg_version_compare("20240101", "3") > 0);
}

/* "V 1.2 title" */
static const char *name_of(const char *name)
{
    struct sg_flyway_name n;

    sg_flyway_name(name, &arena, &n);
    return n.kind == 0 ? "" : sg_test_strf("%c %s %s", n.kind, n.version != NULL ? n.version : "-", n.title != NULL ? n.title : "-");
}

SG_TEST(flyway_names)
{
    begin();
    T_EQ_STR(name_of("V12__add_name.sql"), "V 12 add name");
    T_EQ_STR(name_of("V1.2.3__x.sql"), "V 1.2.3 x");
    T_EQ_STR(name_of("V1_2__x_y.sql"), "V 1.2 x y");
    T_EQ_STR(name_of("V001.010__x.sql"), "V 1.10 x");
    T_EQ_STR(name_of("V0__x.sql"), "V 0 x");
    T_EQ_STR(name_of("V7.sql"), "V 7 -");
    T_EQ_STR(name_of("V2024_01_02_1200__x__y.sql"), "V 2024.1.2.1200 x  y");
    T_EQ_STR(name_of("U3__x.sql"), "U 3 x");
    T_EQ_STR(name_of("B3__x.sql"), "B 3 x");
    T_EQ_STR(name_of("R__a_view.sql"), "R - a view");
    T_EQ_STR(name_of("R1__x.sql"), "");
    T_EQ_STR(name_of("V__x.sql"), "");
    T_EQ_STR(name_of("V1_x.sql"), "");
    T_EQ_STR(name_of("Views.sql"), "");
    T_EQ_STR(name_of("v1__x.sql"), "");
    T_EQ_STR(name_of("V1__x.java"), "");
    T_EQ_STR(name_of("V1.__x.sql"), "");
}

/* ---- trees that are made here ---- */

static const char *root;

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    const char *path = sg_test_strf("%s/%s", root, name);
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        T_FATAL("%s cannot be written", path);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void make_folder(const char *name)
{
    if (mkdir(sg_test_strf("%s/%s", root, name), 0755) != 0)
        T_FATAL("%s cannot be made", name);
}

static void make_link(const char *to, const char *name)
{
    if (symlink(to, sg_test_strf("%s/%s", root, name)) != 0)
        T_FATAL("%s cannot be made", name);
}

static void new_root(void)
{
    root = sg_tmp_new("tree", 0755, (uid_t)-1, (gid_t)-1);
    T_MUST_NOT_NULL(root);
}

SG_TEST(order_of_bytes)
{
    new_root();
    /* dbmate, diesel and Prisma order names as bytes, goose goes by number */
    make_folder("d");
    write_text("d/9_a.sql", "-- migrate:up\n-- migrate:down\n");
    write_text("d/10_b.sql", "-- migrate:up\n-- migrate:down\n");
    write_text("d/stray.sql", "SELECT 1");
    make_folder("g");
    write_text("g/9_a.sql", "-- +goose Up\n");
    write_text("g/10_b.sql", "-- +goose Up\n");
    write_text("g/11_c.sql", "SELECT 1");
    make_folder("p");
    write_text("p/migration_lock.toml", "");
    make_folder("p/9_a");
    make_folder("p/10_b");
    make_folder("p/init");
    write_text("p/9_a/migration.sql", "");
    write_text("p/10_b/migration.sql", "");
    write_text("p/init/migration.sql", "");
    T_EQ_STR(find(root), "dbmate 10 d/10_b.sql [b]\ndbmate 9 d/9_a.sql [a]\n"
                         "goose 9 g/9_a.sql [a]\ngoose 10 g/10_b.sql [b]\nplain 11_c g/11_c.sql [c]\n"
                         "prisma 10_b p/10_b/migration.sql [b]\nprisma 9_a p/9_a/migration.sql [a]\nprisma init p/init/migration.sql [init]\n"
                         "down 0 other 2\n");
}

SG_TEST(sqitch_elsewhere)
{
    new_root();
    write_text("sqitch.conf", "[core]\n\tengine = pg\n\ttop_dir = ./db/\n");
    write_text("sqitch.plan", "%project=x\na 2024\n  b [a] 2024\n-a 2024\n../c 2024\nmissing 2024 # gone\n");
    make_folder("db");
    make_folder("db/deploy");
    make_folder("db/revert");
    make_folder("other");
    write_text("db/deploy/a.sql", "");
    write_text("db/deploy/b.sql", "");
    write_text("db/revert/a.sql", "");
    write_text("other/1.sql", "");
    T_EQ_STR(find(root), "sqitch* a db/deploy/a.sql []\nsqitch* b db/deploy/b.sql []\nplain 1 other/1.sql []\ndown 1 other 2\n"
                         "! sqitch.plan:5 the change's name leads out of deploy/\n"
                         "! sqitch.plan:6 the plan names a change whose script is missing\n");
}

SG_TEST(files_that_are_named)
{
    new_root();
    for (const char *const *name = (const char *const[]){"V10__j.sql", "V1__a.sql", "V2__b.sql", "R__v.sql", "U1__a.sql", "10_x.sql", "2_y.sql",
                                                         "x.txt", "3_z.up.sql", "3_z.down.sql", NULL};
         *name != NULL; name++)
        write_text(*name, "SELECT 1;");
    begin();
    /* as a shell orders them */
    for (const char *const *name = (const char *const[]){"10_x.sql", "2_y.sql", "R__v.sql", "U1__a.sql", "V10__j.sql", "V1__a.sql", "V2__b.sql", NULL};
         *name != NULL; name++)
        T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/%s", root, *name), &arena, &files, &errs), 0);
    T_EQ_STR(show(root), "plain 2_y 2_y.sql [y]\nplain 10_x 10_x.sql [x]\n"
                         "flyway 1 V1__a.sql [a]\nflyway 2 V2__b.sql [b]\nflyway 10 V10__j.sql [j]\nflyway R__v R__v.sql [v]\ndown 1 other 0\n");
    begin();
    T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/x.txt", root), &arena, &files, &errs), 0);
    T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/R__v.sql", root), &arena, &files, &errs), 0);
    T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/3_z.up.sql", root), &arena, &files, &errs), 0);
    T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/3_z.down.sql", root), &arena, &files, &errs), 0);
    T_EQ_STR(show(root), "plain x.txt x.txt [x.txt]\nflyway R__v R__v.sql [v]\ngolang-migrate 3 3_z.up.sql [z]\ndown 1 other 0\n");
    begin();
    T_EQ_INT(sg_audit_files_find(sg_test_source("tests/audit/trees/diesel/migrations/2024-03-01-120000_posts_title_index/up.sql"), &arena,
                                 &files, &errs),
             0);
    T_EQ_INT(sg_audit_files_find(sg_test_source("tests/audit/trees/prisma/migrations/20240110101010_init/migration.sql"), &arena, &files,
                                 &errs),
             0);
    T_EQ_INT(sg_audit_files_find(sg_test_source("tests/audit/trees/sqitch/deploy/data.sql"), &arena, &files, &errs), 0);
    T_MUST_EQ_INT(files.count, 3);
    T_EQ_STR(files.list[0].id, "20240301120000");
    T_FALSE(files.list[0].transaction);
    T_EQ_STR(files.list[1].id, "20240110101010_init");
    T_EQ_INT(files.list[2].layout, SG_LAYOUT_SQITCH);
    begin();
    T_EQ_INT(sg_audit_files_find(sg_test_strf("%s/none", root), &arena, &files, &errs), -1);
    T_EQ_STR(show(root), "down 0 other 0\n! none:0 cannot be read: No such file or directory\n");
}

/* ---- hostile trees ---- */

SG_TEST(what_is_no_file)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sg_audit_migration migration;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    new_root();
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket.sql", root);
    T_MUST(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    close(fd);
    T_MUST_EQ_INT(mkfifo(sg_test_strf("%s/fifo.sql", root), 0644), 0);
    make_folder("folder.sql");
    make_folder("deep");
    make_link(".", "loop");
    make_link("loop.sql", "loop.sql");
    make_link("/dev/zero", "device.sql");
    make_link("nowhere", "dangling.sql");
    make_link("nowhere", "dangling.txt");
    make_link("1.sql", "2.sql");
    make_link("..", "deep/up");
    write_text("1.sql", "SELECT 1");
    write_text(".hidden.sql", "SELECT 1");
    T_EQ_STR(find(root), "plain 1 1.sql []\nplain 2 2.sql []\ndown 0 other 2\n"
                         "! dangling.sql:0 a symbolic link that leads to no file\n"
                         "! deep/up:0 a symbolic link to a folder is not followed\n"
                         "! device.sql:0 this is a device, and is not read\n"
                         "! fifo.sql:0 this is a FIFO, and is not read\n"
                         "! loop:0 a symbolic link to a folder is not followed\n"
                         "! loop.sql:0 a symbolic link that leads to no file\n"
                         "! socket.sql:0 this is a socket, and is not read\n");
    T_EQ_INT(found, 0);
    /* nor does reading one wait */
    for (const char *const *name = (const char *const[]){"fifo.sql", "device.sql", "socket.sql", "folder.sql", "loop.sql", NULL}; *name != NULL; name++) {
        struct sg_audit_file file = {.path = sg_test_strf("%s/%s", root, *name), .id = "1"};

        begin();
        T_EQ_INT(sg_audit_script_read(&file, &arena, &migration, &errs), -1);
        T_EQ_INT(errs.count, 1);
        begin();
        (void)!sg_audit_files_find(file.path, &arena, &files, &errs);
        T_EQ_INT(files.count, 0);
        T_EQ_INT(errs.count, strcmp(*name, "folder.sql") != 0);
    }
}

SG_TEST(odd_names)
{
    struct sg_audit_migration migration;

    new_root();
    write_text("1_a\nb.sql", "SELECT '");
    write_text("2_\xff\x1b[31m.sql", "SELECT 2;");
    write_text("3 with blanks.sql", "SELECT 3;");
    T_EQ_STR(find(root), "plain 1_a\\nb 1_a\nb.sql [a\\nb]\nplain 2_\\xff\\x1b[31m 2_\xff\x1b[31m.sql [\\xff\\x1b[31m]\n"
                         "plain 3 with blanks 3 with blanks.sql [with blanks]\ndown 0 other 0\n");
    T_EQ_INT(sg_audit_script_read(&files.list[0], &arena, &migration, &errs), 0);
    T_MUST_EQ_INT(errs.count, 1);
    T_EQ_STR(errs.list[0].file, sg_test_strf("%s/1_a\\nb.sql", root));
    T_EQ_STR(migration.path, errs.list[0].file);
    T_EQ_INT(sg_audit_script_read(&files.list[1], &arena, &migration, &errs), 0);
    T_EQ_INT(migration.count, 1);
    T_EQ_STR(migration.path, sg_test_strf("%s/2_\\xff\\x1b[31m.sql", root));
}

SG_TEST(deep_folders)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    new_root();
    write_text("1.sql", "SELECT 1");
    T_MUST(here >= 0 && chdir(root) == 0);
    for (int i = 0; i < 300; i++)
        if (mkdir("d", 0755) != 0 || chdir("d") != 0)
            T_FATAL("no folder %d", i);
    T_MUST_EQ_INT(fchdir(here), 0);
    close(here);
    (void)find(root);
    T_EQ_INT(files.count, 1);
    T_MUST_EQ_INT(errs.count, 1);
    T_CONTAINS(errs.list[0].primary, "nested too deeply");
}

SG_TEST(unreadable)
{
    new_root();
    make_folder("closed");
    write_text("closed/1.sql", "SELECT 1");
    write_text("1.sql", "SELECT 1");
    write_text("2.sql", "SELECT 1");
    T_EQ_INT(chmod(sg_test_strf("%s/closed", root), 0), 0);
    T_EQ_INT(chmod(sg_test_strf("%s/1.sql", root), 0), 0);
    if (geteuid() == 0) {
        T_EQ_INT(chmod(root, 0755), 0);
        if (seteuid(65534) != 0)
            T_SKIP("root cannot become another user here");
    }
    T_EQ_STR(find(root), "plain 1 1.sql []\nplain 2 2.sql []\ndown 0 other 0\n! closed:0 the folder cannot be read: Permission denied\n");
    if (files.count == 2) {
        struct sg_audit_migration migration;

        T_EQ_INT(sg_audit_script_read(&files.list[0], &arena, &migration, &errs), -1);
        T_EQ_STR(errs.list[errs.count - 1].primary, "the file cannot be read: Permission denied");
        T_EQ_INT(sg_audit_script_read(&files.list[1], &arena, &migration, &errs), 0);
    }
    T_EQ_INT(find(sg_test_strf("%s/closed", root))[0], 'd');
    T_EQ_INT(found, -1);
    if (getuid() == 0)
        T_EQ_INT(seteuid(0), 0);
    T_EQ_INT(chmod(sg_test_strf("%s/closed", root), 0755), 0);
}

SG_TEST(large_files)
{
    struct sg_audit_migration migration;

    new_root();
    write_text("1.sql", "SELECT 1");
    T_EQ_INT(truncate(sg_test_strf("%s/1.sql", root), (off_t)64 << 20), 0);
    write_text("2.sql", "SELECT 2");
    (void)find(root);
    T_MUST_EQ_INT(files.count, 2);
    T_EQ_INT(sg_audit_script_read(&files.list[0], &arena, &migration, &errs), -1);
    T_MUST_EQ_INT(errs.count, 1);
    T_EQ_STR(errs.list[0].primary, "the file is too large: 67108864 bytes, at most 33554432 are read");
    T_EQ_INT(sg_audit_script_read(&files.list[1], &arena, &migration, &errs), 0);
    T_EQ_INT(migration.count, 1);
}

/* Time grows with the length: what would take minutes if it grew with the square is done in seconds, under valgrind too. */
SG_TEST(long_files)
{
    static const char *const pieces[] = {"a;", "a\n;\n", "$a$ ", "/* ", "COPY t FROM stdin;\n\\.\n", "\\x\n", "(", "-- sgrun: allow a b\n",
                                         "SELECT '\xff';\n", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n",
                                         "${", "[", ":'", "E'\\"};
    size_t size = sg_test_valgrind() ? (size_t)1 << 17 : (size_t)4 << 20;
    int64_t begun = sg_test_now_ms();

    for (size_t i = 0; i < SG_COUNT(pieces); i++) {
        struct sg_audit_file file = {.path = "f.sql", .id = "1", .layout = i % 2 ? SG_LAYOUT_GOOSE : SG_LAYOUT_PLAIN};
        struct sg_audit_migration migration;
        size_t length = strlen(pieces[i]), count = size / length;
        char *text;

        begin();
        text = sg_arena_alloc(&arena, count * length + 1);
        for (size_t k = 0; k < count; k++)
            memcpy(text + k * length, pieces[i], length);
        sg_audit_script_split(&file, text, count * length, &arena, &migration, &errs);
        T_LE_INT(errs.count, 12);
    }
    T_LT_INT(sg_test_now_ms() - begun, 60000);
}

SG_TEST(two_thousand_files)
{
    int64_t begun, took = INT64_MAX;

    new_root();
    for (int i = 0; i < 2000; i++)
        write_text(sg_test_strf("%05d_step.sql", i), sg_test_strf("-- step %d\nALTER TABLE t ADD COLUMN c%d int;\nUPDATE t SET c%d = 1;\n", i, i, i));
    /* the best of some: others work on this machine too */
    for (int round = 0; round < 5 && took > 200; round++) {
        begun = sg_test_now_ms();
        (void)!find(root);
        T_MUST_EQ_INT(files.count, 2000);
        for (size_t i = 0; i < files.count; i++) {
            struct sg_audit_migration migration;

            if (sg_audit_script_read(&files.list[i], &arena, &migration, &errs) != 0 || migration.count != 2)
                T_FATAL("%s is not read", files.list[i].path);
        }
        if (sg_test_now_ms() - begun < took)
            took = sg_test_now_ms() - begun;
    }
    T_EQ_STR(files.list[1999].id, "01999_step");
    if (!sg_test_valgrind())
        T_LT_INT(took, 1000);
}

static const struct sg_test tests[] = {
    SG_CASE(flyway), SG_CASE(goose), SG_CASE(dbmate), SG_CASE(golang_migrate), SG_CASE(diesel), SG_CASE(sqlx),
    SG_CASE(prisma), SG_CASE(sqitch), SG_CASE(plain), SG_CASE(mixed), SG_CASE(natural_order), SG_CASE(versions),
    SG_CASE(flyway_names), SG_CASE(order_of_bytes), SG_CASE(sqitch_elsewhere), SG_CASE(files_that_are_named),
    SG_CASE(what_is_no_file), SG_CASE(odd_names), SG_CASE(deep_folders), SG_CASE(unreadable), SG_CASE(large_files),
    SG_CASE(long_files), SG_CASE(two_thousand_files), SG_CASES_END};
static const struct sg_suite suites[] = {{"layout", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
