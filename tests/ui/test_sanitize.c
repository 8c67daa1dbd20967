/* The door: what it lets through, what it marks; thousands of hostile strings through a terminal. */
#include "tests/test.h"
#include "base/alloc.h"
#include "tests/ui/hostile.h"
#include "ui/canvas.h"
#include "ui/sanitize.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

static void is(const char *from, size_t len, enum sanitize_mode mode, const char *want)
{
    char *got = sanitize(from, len, mode);

    assert_string_equal(got, want);
    xm_free(got);
}

#define LINE(from, want) is(from, sizeof(from) - 1, SANITIZE_LINE, want)
#define BODY(from, want) is(from, sizeof(from) - 1, SANITIZE_BODY, want)

static void keeps_what_people_write(void **state)
{
    (void)state;
    LINE("plain text, 100%", "plain text, 100%");
    LINE("Grüße, Привет, 你好, שלום", "Grüße, Привет, 你好, שלום");
    LINE("e\xcc\x81", "e\xcc\x81");
    LINE("👍🏽 👨‍👩‍👧‍👦 ❤️ 🇩🇪 1️⃣", "👍🏽 👨‍👩‍👧‍👦 ❤️ 🇩🇪 1️⃣");
    LINE("می\xe2\x80\x8cخواهم", "می\xe2\x80\x8cخواهم"); /* Persian needs its non-joiner */
}

static void marks_what_moves_hides_or_talks_to_the_terminal(void **state)
{
    (void)state;
    LINE("\033]0;title\007", "^[]0;title^G");
    LINE("\033[2J\r\n", "^[[2J^M^J");
    LINE("a\0b\x7f", "a^@b^?");
    LINE("\xc2\x9b" "31m\xc2\x85", "<U+009B>31m<U+0085>");
    LINE("\xe2\x80\xaetxt.exe\xe2\x81\xa6", "<U+202E>txt.exe<U+2066>");
    LINE("a\xe2\x80\x8b" "b\xef\xbb\xbf", "a<U+200B>b<U+FEFF>");
    LINE("admin\xe2\x80\x8d", "admin<U+200D>");
    LINE("x\xef\xb8\x8f", "x<U+FE0F>");
    LINE("\xf3\xa0\x81\x81\xf3\xa0\x84\x80", "<U+E0041><U+E0100>");
    LINE("\xcd\xb8\xee\x80\x80", "<U+0378><U+E000>"); /* unassigned, private use */
    LINE("\xe3\x85\xa4\xe2\xa0\x80\xc2\xad", "<U+3164><U+2800><U+00AD>");
}

static void marks_bytes_that_are_no_utf8(void **state)
{
    (void)state;
    LINE("a\xff\xc0\xaf", "a<ff><c0><af>");
    LINE("\xed\xa0\x80", "<ed><a0><80>"); /* a surrogate */
    LINE("\xe2\x82", "<e2><82>");
    LINE("\xf4\x90\x80\x80", "<f4><90><80><80>");
}

static void bodies_keep_their_lines(void **state)
{
    (void)state;
    BODY("a\r\nb\nc\rd", "a\nb\nc^Md");
    BODY("a\tb\n\tc", "a       b\n        c");
    LINE("a\tb", "a b");
    BODY("\xe2\x80\xa8", "<U+2028>");
}

static void a_mark_without_a_base_gets_a_space(void **state)
{
    (void)state;
    LINE("\xcc\x81x", " \xcc\x81x");
    BODY("a\n\xcc\x81", "a\n \xcc\x81");
}

static void cuts_at_a_character(void **state)
{
    char out[6];

    (void)state;
    sanitize_into(out, sizeof out, "abcdé", SANITIZE_LINE);
    assert_string_equal(out, "abcd");
    sanitize_into(out, sizeof out, NULL, SANITIZE_LINE);
    assert_string_equal(out, "");
}

static bool is_clean(const char *text, enum sanitize_mode mode)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;

    while (*at) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t n = utf8proc_iterate(at, -1, &cp);

        if (n <= 0 || (cp == '\n' ? mode == SANITIZE_LINE : cp < 0x20 || (cp >= 0x7f && cp < 0xa0)))
            return false;
        if (!sanitize_cell_ok((uint32_t)cp) && cp != '\n' && cp != 0x200c && cp != 0x200d && cp != 0xfe0e && cp != 0xfe0f)
            return false;
        at += n;
    }
    return true;
}

static void twenty_thousand_hostile_strings_come_out_clean(void **state)
{
    struct rand_seed seed;
    struct rand r = rand_seeded(&seed, 1);
    struct canvas c = {0};

    (void)state;
    assert_true(canvas_resize(&c, 3, 20));
    for (int i = 0; i < 20000; i++) {
        char raw[512];
        size_t len = hostile_text(&r, raw, sizeof raw, false);
        enum sanitize_mode mode = i % 2 ? SANITIZE_LINE : SANITIZE_BODY;
        char *clean = sanitize(raw, len, mode), *again = sanitize(clean, strlen(clean), mode);

        assert_true(is_clean(clean, mode));
        assert_true(strlen(clean) <= len * SANITIZE_GROWTH);
        assert_true(is_clean(again, mode));
        canvas_clear(&c);
        canvas_text(&c, 1, 5, 10, STYLE_NORMAL, clean);
        for (int k = 0; k < 60; k++) { /* only the ten cells asked for were touched */
            bool inside = k >= 25 && k < 35;

            for (int n = 0; n < c.cells[k].n; n++)
                assert_true(inside ? sanitize_cell_ok(c.cells[k].cp[n]) : c.cells[k].cp[n] == ' ');
            assert_true(inside || c.cells[k].n == 1);
        }
        xm_free(clean);
        xm_free(again);
    }
    canvas_free(&c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_people_write),
        cmocka_unit_test(marks_what_moves_hides_or_talks_to_the_terminal),
        cmocka_unit_test(marks_bytes_that_are_no_utf8),
        cmocka_unit_test(bodies_keep_their_lines),
        cmocka_unit_test(a_mark_without_a_base_gets_a_space),
        cmocka_unit_test(cuts_at_a_character),
        cmocka_unit_test(twenty_thousand_hostile_strings_come_out_clean),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
