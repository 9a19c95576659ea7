/*
 * The reader against other builds of inih than the one that is installed: its limits and habits are chosen when it is compiled, and
 * none of them may change what a manifest says. This program has an ini_parse_stream of its own, which the linker takes before the
 * library's, and which can be told to behave as builds do that exist or might.
 */
#include "config.h"

#include "core/manifest/ini.h"
#include "tests/unit/manifest/read.h"

#include <ctype.h>
#include <stdio.h>

/* As <ini.h> declares it; that header belongs to core/manifest/ini.c alone. */
typedef char *reader(char *str, int num, void *stream);
typedef int handler(void *user, const char *section, const char *name, const char *value);
__attribute__((visibility("default"))) int ini_parse_stream(reader *read_line, void *stream, handler *handle, void *user);

static struct {
    int room;            /* of its line buffer */
    bool grows;          /* asks for the rest of a line that fills the buffer */
    bool announces;      /* tells of sections: name NULL */
    bool no_multiline;   /* an indented line is a key like any other */
    bool hash_comments;  /* " #" ends a value */
    int names;           /* longest section that it keeps */
    int gives_up;        /* returns an error after so many lines; 0: never */
    bool invents;        /* calls the handler once more than there is reason for */
    int calls, handled;
} build;

static char *strip(char *s)
{
    char *end = s + strlen(s);

    while (end > s && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

int ini_parse_stream(reader *read_line, void *stream, handler *handle, void *user)
{
    static char line[8192];
    char section[200] = "", key[200] = "";

    build.calls++;
    for (int number = 1; read_line(line, build.room, stream) != NULL; number++) {
        char *start, *equals;

        T_MUST((int)strlen(line) < build.room);
        while (build.grows && (int)strlen(line) == build.room - 1 && line[build.room - 2] != '\n')
            if (read_line(line + build.room - 1, (int)sizeof line - build.room, stream) == NULL)
                break;
        if (build.gives_up == number)
            return number;
        start = strip(line);
        if (*start == '\0')
            continue;
        T_TRUE(*start != ';' && *start != '#');
        if (start > line && key[0] != '\0' && !build.no_multiline) {
            build.handled++;
            handle(user, section, key, start);
            continue;
        }
        if (*start == '[') {
            T_MUST(strchr(start, ']') != NULL);
            *strchr(start, ']') = '\0';
            snprintf(section, sizeof section, "%.*s", build.names, start + 1);
            key[0] = '\0';
            if (build.announces)
                handle(user, section, NULL, NULL);
            if (build.invents)
                handle(user, section, "max_retries", "99");
            continue;
        }
        equals = strchr(start, '=');
        if (equals == NULL)
            return number;
        *equals = '\0';
        snprintf(key, sizeof key, "%s", strip(start));
        start = strip(equals + 1);
        if (build.hash_comments && strstr(start, " #") != NULL)
            *strstr(start, " #") = '\0';
        build.handled++;
        handle(user, section, key, start);
    }
    return 0;
}

static void as_packaged(void)
{
    memset(&build, 0, sizeof build);
    build.room = 200;
    build.names = 49;
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
static const char text[] = HEAD "[policy]\nmax_retries = 3 ; comment\nallow = a.b,\n   c.d ; comment\n" MIGRATION("a");
/* key and value fill a line to its last byte */
static const char full[] = HEAD "[migration a]\nplugin = a\ntitle=" X50 X50 X50 X40 "xxx\ndescription = d\n";

static void is_read(void)
{
    const struct sg_manifest *m = &read_good(text)->manifest;

    T_EQ_INT(build.calls, 1); /* it is this one that was called */
    T_EQ_INT(build.handled, 6);
    T_EQ_INT(m->policy.max_retries, 3);
    T_MUST_EQ_INT(m->policy.allow.count, 2);
    T_EQ_STR(m->policy.allow.items[1], "c.d");
    T_EQ_INT(m->step_count, 1);
}

SG_TEST(builds_that_read_alike)
{
    as_packaged();
    is_read();
    T_EQ_STR(read_good(full)->manifest.steps[0].description, "d");
    T_EQ_INT(strlen(read_good(full)->manifest.steps[0].title), 193);
    as_packaged();
    build.grows = true;
    is_read();
    T_EQ_STR(read_good(full)->manifest.steps[0].description, "d");
    T_EQ_INT(strlen(read_good(full)->manifest.steps[0].title), 193);
    as_packaged();
    build.announces = true;
    is_read();
    as_packaged();
    build.room = 4096;
    is_read();
    T_ERROR(HEAD MIGRATION("a") "title = " X50 X50 X50 X50 "\n", HEAD_LINES + 3, "line of 208 bytes", "indented");
}

SG_TEST(builds_that_do_not)
{
    as_packaged();
    build.room = 80; /* the line's own limit is lower then */
    T_ERROR(HEAD MIGRATION("a") "title = " X50 X40 "\n", HEAD_LINES + 3, "line of 98 bytes", "indented");
    T_CONTAINS(read_text(HEAD MIGRATION("a") "title = " X50 X40 "\n")->errs.list[0].detail, "at most 79 bytes");
    as_packaged();
    build.room = 20; /* no room for a section */
    T_CONTAINS(read_text(text)->errs.list[0].primary, "gave up");
    as_packaged();
    build.no_multiline = true;
    T_CONTAINS(read_text(text)->errs.list[0].primary, "gave up");
    as_packaged();
    build.hash_comments = true;
    T_ERROR(HEAD MIGRATION("a") "title = issue #7\n", HEAD_LINES + 3, "in a way of its own", "another version of inih");
    as_packaged();
    build.names = 5;
    T_EQ_INT(read_text(text)->errs.list[0].line, 4);
    T_CONTAINS(read_text(text)->errs.list[0].primary, "in a way of its own");
    as_packaged();
    build.gives_up = HEAD_LINES + 2;
    T_CONTAINS(read_text(text)->errs.list[read_text(text)->errs.count - 1].primary, "gave up");
    as_packaged();
    build.invents = true;
    T_CONTAINS(read_text(text)->errs.list[0].primary, "in a way of its own");
}

static const struct sg_test tests[] = {SG_CASE(builds_that_read_alike), SG_CASE(builds_that_do_not), SG_CASES_END};
static const struct sg_suite suites[] = {{"inih", tests}, SG_SUITES_END};

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
