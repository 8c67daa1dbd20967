/* Clusters, columns and lines. */
#include "tests/test.h"
#include "base/alloc.h"
#include "ui/canvas.h"
#include "ui/text.h"

#include <locale.h>

static void clusters_have_the_width_that_is_drawn(void **state)
{
    static const struct {
        const char *text;
        int width;
        size_t count;
        const char *drawn;
    } table[] = {
        {"abc", 3, 3, "abc"},
        {"e\xcc\x81", 1, 1, "e\xcc\x81"},
        {"你好", 4, 2, "你好"},
        {"👍🏽", 2, 1, "👍"},         /* without its skin tone */
        {"👨‍👩‍👧‍👦", 2, 1, "👨"},   /* the family is its first member */
        {"🇩🇪", 2, 1, "DE"},          /* a flag is its letters */
        {"🇩", 1, 1, "D"},
        {"❤️", 1, 1, "❤"},
        {"1️⃣", 1, 1, "1\xe2\x83\xa3"},
        {"🏳️‍🌈", 1, 1, "🏳"},
        {"\xf0\x9f\xa9\xb7", 1, 1, "\xef\xbf\xbd"}, /* newer than this C library */
        {"שלום", 4, 4, "שלום"},
        {"", 0, 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct canvas c = {0};
        char *drawn;

        assert_int_equal(text_width(table[i].text), table[i].width);
        assert_int_equal(text_count(table[i].text, strlen(table[i].text)), table[i].count);
        assert_true(canvas_resize(&c, 1, 10));
        canvas_text(&c, 0, 0, 10, STYLE_NORMAL, table[i].text);
        drawn = canvas_dump(&c);
        drawn[strlen(drawn) - 1] = 0;
        assert_string_equal(drawn, table[i].drawn);
        xm_free(drawn);
        canvas_free(&c);
    }
}

static void a_cell_holds_a_pile_of_marks(void **state)
{
    char pile[4 + 2 * 50 + 1] = "z";
    struct cluster c;

    (void)state;
    for (int i = 0; i < 50; i++)
        strcat(pile, "\xcc\x81");
    c = text_cluster(pile, pile + strlen(pile));
    assert_int_equal(c.len, 101);
    assert_int_equal(c.n, CLUSTER_CPS);
    assert_int_equal(c.width, 1);
}

static void wrapped(const char *text, int cols, const char *want)
{
    struct text_wrap w = text_wrap(text, strlen(text), cols);
    char got[400] = "";
    const char *line;
    size_t len;

    while (text_wrap_next(&w, &line, &len)) {
        strncat(got, line, len);
        strcat(got, "|");
    }
    assert_string_equal(got, want);
}

static void lines_break_at_spaces(void **state)
{
    (void)state;
    wrapped("the quick brown fox", 10, "the quick|brown fox|");
    wrapped("the quick  brown fox", 9, "the quick|brown fox|");
    wrapped("the quick \nbrown \n\nfox", 5, "the|quick|brown||fox|");
    wrapped("quick   ", 5, "quick|");
    wrapped("quick \n", 5, "quick||");
    wrapped("https://example.org/x y", 10, "https://ex|ample.org/|x y|");
    wrapped("a\n\nb\n", 10, "a||b||");
    wrapped("", 10, "|");
    wrapped("你好吗", 3, "你|好|吗|");
    wrapped("你", 1, "你|"); /* wider than the line: alone on it */
    wrapped("  indented", 20, "  indented|");
}

static void cuts_with_dots(void **state)
{
    char *cut;

    (void)state;
    cut = text_cut("a long name", 8);
    assert_string_equal(cut, "a long..");
    xm_free(cut);
    cut = text_cut("short", 8);
    assert_string_equal(cut, "short");
    xm_free(cut);
    cut = text_cut("你好吗", 5);
    assert_string_equal(cut, "你..");
    xm_free(cut);
}

static void a_wide_character_that_is_half_overwritten_goes(void **state)
{
    struct canvas c = {0};
    char *drawn;

    (void)state;
    assert_true(canvas_resize(&c, 2, 4));
    canvas_text(&c, 0, 0, 4, STYLE_NORMAL, "你好");
    canvas_text(&c, 0, 1, 1, STYLE_NORMAL, "x");
    canvas_text(&c, 0, 3, 4, STYLE_NORMAL, "你"); /* no room for its right half */
    drawn = canvas_dump(&c);
    assert_string_equal(drawn, " x好\n\n");
    xm_free(drawn);
    canvas_free(&c);
}

static void moves_over_whole_clusters(void **state)
{
    const char *text = "a👨‍👩‍👧e\xcc\x81\n🇩🇪🇫🇷";
    const char *end = text + strlen(text);
    const size_t steps[] = {1, 18, 3, 1, 8, 8};
    const char *at = text;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(text_raw_next(at, end), steps[i]);
        at += steps[i];
    }
    for (size_t i = 6; i > 0; i--) {
        assert_int_equal(text_raw_prev(text, at), steps[i - 1]);
        at -= steps[i - 1];
    }
    assert_int_equal(text_raw_prev(text, text), 0);
}

static void without_utf8_everything_strange_is_a_question_mark(void **state)
{
    const char *e = "é", *naive = "nï", *accent = "e\xcc\x81";

    (void)state;
    setlocale(LC_ALL, "C");
    assert_int_equal(text_width("你e\xcc\x81"), 2);
    assert_int_equal(text_cluster(e, e + 2).cp[0], '?');
    assert_int_equal(text_cluster(naive, naive + 3).cp[0], 'n'); /* what stands before it is not strange */
    assert_int_equal(text_cluster(accent, accent + 3).cp[0], 'e');
    setlocale(LC_ALL, "C.UTF-8");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_have_the_width_that_is_drawn),
        cmocka_unit_test(a_cell_holds_a_pile_of_marks),
        cmocka_unit_test(lines_break_at_spaces),
        cmocka_unit_test(cuts_with_dots),
        cmocka_unit_test(a_wide_character_that_is_half_overwritten_goes),
        cmocka_unit_test(moves_over_whole_clusters),
        cmocka_unit_test(without_utf8_everything_strange_is_a_question_mark),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
