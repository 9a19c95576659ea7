/* pages.c - see pages.h. A small reader of tags: as strict as XML, which our pages keep to. */
#include "tests/unit/cli/pages.h"

#include <stdio.h>
#include <string.h>

#define DEEP 64

static char fault[160];

static const char *bad(const char *what, const char *at)
{
    snprintf(fault, sizeof fault, "%s: %.80s", what, at);
    return fault;
}

/* After the name: attributes, then '>' or '/>'. NULL: none such. */
static const char *end_of_tag(const char *at, bool *empty_r)
{
    *empty_r = false;
    for (;;) {
        at += strspn(at, " \n");
        if (*at == '>')
            return at + 1;
        if (at[0] == '/' && at[1] == '>') {
            *empty_r = true;
            return at + 2;
        }
        at += strcspn(at, "=<> \"");
        if (at[0] != '=' || at[1] != '"')
            return NULL;
        at += 2 + strcspn(at + 2, "\"<");
        if (*at++ != '"')
            return NULL;
    }
}

static bool is_entity(const char *at)
{
    static const char *const all[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strncmp(at, all[i], strlen(all[i])) == 0)
            return true;
    return false;
}

const char *page_fault(const char *html)
{
    char open[DEEP][24];
    size_t depth = 0;

    for (const char *at = html; *at != '\0';) {
        size_t length;
        bool empty;

        if (*at == '&' && !is_entity(at))
            return bad("an ampersand", at);
        if (*at != '<') {
            at++;
            continue;
        }
        if (strncmp(at, "<!DOCTYPE html>", 15) == 0) {
            at += 15;
            continue;
        }
        if (at[1] == '/') {
            length = strcspn(at + 2, ">");
            if (depth == 0 || strlen(open[depth - 1]) != length || strncmp(open[depth - 1], at + 2, length) != 0)
                return bad("closed out of turn", at);
            depth--;
            at += length + 3;
            continue;
        }
        length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
        if (length == 0 || length >= sizeof open[0] || depth == DEEP)
            return bad("no tag", at);
        memcpy(open[depth], at + 1, length);
        open[depth][length] = '\0';
        html = at;
        at = end_of_tag(at + 1 + length, &empty);
        if (at == NULL)
            return bad("a tag", html);
        depth += !empty;
    }
    return depth == 0 ? NULL : bad("not closed", open[depth - 1]);
}

bool page_is_alone(const char *html)
{
    static const char *const never[] = { "<script", "<link", "<img", "<iframe", "<object", "<form", "src=", "url(", "@import", "http:",
                                         "https:", "javascript:", " onclick", " onload", "style=\"" };

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(html, never[i]) != NULL)
            return false;
    return strstr(html, "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"") != NULL;
}
