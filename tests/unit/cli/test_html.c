/* HTML: what comes from outside stays text, and what our Markdown says becomes what it means. */
#include "core/cli/html.h"

#include <string.h>

#include "core/cli/markdown.h"
#include "tests/kit/test.h"
#include "tests/unit/cli/pages.h"

static struct sg_buf out = SG_BUF_INIT;

static void release(void *unused)
{
    (void)unused;
    sg_buf_release(&out);
}

static struct sg_buf *fresh(void)
{
    sg_test_defer(release, NULL);
    sg_buf_clear(&out);
    return &out;
}

static const char *of(const char *markdown)
{
    sg_html_markdown(fresh(), markdown);
    T_NULL(page_fault(out.data));
    return out.data;
}

SG_TEST(text_is_no_markup)
{
    sg_html_text(fresh(), "<script>alert(\"1\" & '2')</script>");
    T_EQ_STR(out.data, "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
    sg_html_text(fresh(), "a\nb\tc\033[31m\x7f");
    T_EQ_STR(out.data, "a\nb\tc\\x1b[31m\\x7f");
    sg_html_text(fresh(), "\xff\xc3(\xed\xa0\x80 \xc2\x9b ä€😀");
    T_EQ_STR(out.data, "\\xff\\xc3(\\xed\\xa0\\x80 \\u009b ä€😀");
}

SG_TEST(what_turns_the_direction_is_seen)
{
    sg_html_text(fresh(), "a\u202eb\u2066c\u200fd\u2026");
    T_EQ_STR(out.data, "a\\u202eb\\u2066c\\u200fd…");
}

SG_TEST(an_id_has_letters_digits_and_dashes)
{
    sg_html_id(fresh(), "DDL findings");
    T_EQ_STR(out.data, "ddl-findings");
    sg_html_id(fresh(), " \"><b>Known (baseline) ");
    T_EQ_STR(out.data, "b-known-baseline");
}

SG_TEST(headings_and_paragraphs)
{
    T_EQ_STR(of("# A `b`\n\none **two** three\nfour\n\n## Not read\n\n### c\n"),
             "<h1>A <code>b</code></h1>\n<p>one <strong>two</strong> three<br/>four</p>\n<h2 id=\"not-read\">Not read</h2>\n<h3>c</h3>\n");
    T_EQ_STR(of("one **two"), "<p>one <strong>two</strong></p>\n");
    T_EQ_STR(of("#no `heading"), "<p>#no `heading</p>\n");
    T_EQ_STR(of(""), "");
}

SG_TEST(lists)
{
    T_EQ_STR(of("- a\n  - b\n  - c\n- d  \n  `e`\n\n1. f\n2. g\n"),
             "<ul>\n<li>a<ul><li>b</li><li>c</li></ul></li>\n<li>d<br/><code>e</code></li>\n</ul>\n<ol>\n<li>f</li>\n<li>g</li>\n</ol>\n");
}

SG_TEST(tables)
{
    T_EQ_STR(of("| A | N |\n|---|---:|\n| `a\\|b` | 1 |\n"),
             "<table>\n<thead><tr><th scope=\"col\">A</th><th scope=\"col\" class=\"number\">N</th></tr></thead>\n<tbody>\n"
             "<tr><th scope=\"row\" data-head=\"A\"><div><code>a|b</code></div></th>"
             "<td class=\"number\" data-head=\"N\"><div>1</div></td></tr>\n</tbody>\n</table>\n");
    T_EQ_STR(of("|"), "<table>\n<thead><tr></tr></thead>\n<tbody>\n</tbody>\n</table>\n");
}

SG_TEST(fences)
{
    T_EQ_STR(of("````sql\nSELECT '<b>';\n```\n- x\n````\nafter"), "<pre>SELECT &#39;&lt;b&gt;&#39;;\n```\n- x\n</pre>\n<p>after</p>\n");
    T_EQ_STR(of("```\nnever closed"), "<pre>never closed\n</pre>\n");
}

/* Whatever is put into the Markdown as text, code or a cell comes out as it was. */
SG_TEST(there_and_back)
{
    static const char *const texts[] = { "plain", "a_b __c__ *d* **e**", "`x` ``y", "\\ \\| |", "<script>&amp;", "[a](b)", "# - 1. |",
                                         "a\\`b|c\\\\|d", "R&D &#60;", "'\"" };

    for (size_t i = 0; i < SG_COUNT(texts); i++) {
        struct sg_buf markdown = SG_BUF_INIT, expected = SG_BUF_INIT;

        sg_html_text(&expected, texts[i]);
        sg_md_text(&markdown, texts[i]);
        sg_html_inline(fresh(), markdown.data);
        T_EQ_STR(out.data, expected.data);
        sg_buf_clear(&markdown);
        sg_md_head(&markdown, "A|B");
        sg_buf_adds(&markdown, "| ");
        sg_md_cell(&markdown, texts[i]);
        sg_buf_adds(&markdown, " | ");
        sg_md_cell_code(&markdown, texts[i], SIZE_MAX);
        sg_buf_adds(&markdown, " |\n");
        T_CONTAINS(of(markdown.data), sg_test_strf("<div>%s</div></th><td data-head=\"B\"><div><code>%s</code></div></td></tr>",
                                                   expected.data, expected.data));
        sg_buf_release(&markdown);
        sg_buf_release(&expected);
    }
}

/* Markdown that nobody writes makes no page that is not one. */
SG_TEST(any_bytes_are_well_formed)
{
    static const char letters[] = "a`*|\\-#<>& \n1._\"";
    unsigned state = 12345;
    int faults = 0;

    for (int round = 0; round < 20000; round++) {
        char text[25];
        size_t length;

        state = state * 1103515245u + 12345u;
        length = state >> 16 & 15u;
        for (size_t i = 0; i < length; i++) {
            state = state * 1103515245u + 12345u;
            text[i] = letters[(state >> 16) % (sizeof letters - 1)];
        }
        text[length] = '\0';
        sg_html_markdown(fresh(), text);
        faults += page_fault(out.data) != NULL;
    }
    T_EQ_INT(faults, 0);
}

SG_TEST(a_page_stands_alone)
{
    struct sg_buf body = SG_BUF_INIT;

    sg_html_markdown(&body, "# T\n\n## One\n\ntext\n\n## Two `x`\n");
    sg_html_page(fresh(), "<title>", &body);
    sg_buf_release(&body);
    T_NULL(page_fault(out.data));
    T_TRUE(page_is_alone(out.data));
    T_CONTAINS(out.data, "<title>&lt;title&gt;</title>");
    T_CONTAINS(out.data, "<li><a href=\"#one\">One</a></li><li><a href=\"#two-x\">Two <code>x</code></a></li>");
}

static const struct sg_test tests[] = { SG_CASE(text_is_no_markup), SG_CASE(what_turns_the_direction_is_seen),
                                        SG_CASE(an_id_has_letters_digits_and_dashes), SG_CASE(headings_and_paragraphs),
                                        SG_CASE(lists), SG_CASE(tables), SG_CASE(fences), SG_CASE(there_and_back),
                                        SG_CASE(any_bytes_are_well_formed), SG_CASE(a_page_stands_alone), SG_CASES_END };
static const struct sg_suite suites[] = { { "html", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
    return sg_test_main(argc, argv, suites);
}
