/* The input line and the machine that makes keys. */
#include "tests/test.h"
#include "base/alloc.h"
#include "ui/input.h"

#include <locale.h>
#include <utf8proc.h>

static struct input in;

static int start(void **state)
{
    (void)state;
    input_init(&in);
    return 0;
}

static int end(void **state)
{
    (void)state;
    input_free(&in);
    return 0;
}

static void ch(uint32_t c)
{
    input_key(&in, (struct key){.kind = KEY_CHAR, .ch = c});
}

static void type(const char *text)
{
    utf8proc_int32_t cp;

    for (; *text; ch((uint32_t)cp))
        text += utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &cp);
}

static void ctrl(char c)
{
    input_key(&in, (struct key){.kind = KEY_CTRL, .ch = (uint32_t)c});
}

static void alt(char c)
{
    input_key(&in, (struct key){.kind = KEY_CHAR, .ch = (uint32_t)c, .alt = true});
}

static void press(enum key_kind kind)
{
    input_key(&in, (struct key){.kind = kind});
}

static void assert_line(const char *text, size_t at)
{
    assert_string_equal(input_text(&in), text);
    assert_int_equal(in.at, at);
}

static void edits_like_readline(void **state)
{
    (void)state;
    type("the quick brown fox");
    ctrl('a');
    assert_line("the quick brown fox", 0);
    alt('f');
    assert_line("the quick brown fox", 3);
    ctrl('k');
    assert_line("the", 3);
    ctrl('y');
    assert_line("the quick brown fox", 19);
    alt('b');
    alt('b');
    assert_line("the quick brown fox", 10);
    alt('d');
    assert_line("the quick  fox", 10);
    ctrl('w');
    assert_line("the  fox", 4);
    ctrl('y');
    assert_line("the quick brown fox", 15); /* both cuts, in their order */
    ctrl('u');
    assert_line(" fox", 0);
    ctrl('f');
    ctrl('d');
    assert_line(" ox", 1);
    ctrl('e');
    ctrl('h');
    assert_line(" o", 2);
    ctrl('b');
    press(KEY_DELETE);
    assert_line(" ", 1);
}

static void deletes_whole_clusters(void **state)
{
    (void)state;
    type("a👨‍👩‍👧b");
    press(KEY_BACK);
    press(KEY_BACK);
    assert_line("a", 1);
    type("e\xcc\x81");
    press(KEY_LEFT_);
    assert_line("ae\xcc\x81", 1);
    press(KEY_DELETE);
    assert_line("a", 1);
}

static void several_lines(void **state)
{
    int line, lines;

    (void)state;
    type("one");
    input_key(&in, (struct key){.kind = KEY_ENTER_, .alt = true});
    type("second");
    ctrl('j');
    type("3");
    input_lines(&in, &line, &lines);
    assert_int_equal(line, 3);
    assert_int_equal(lines, 3);
    press(KEY_UP_);
    assert_line("one\nsecond\n3", 5);
    press(KEY_UP_);
    assert_line("one\nsecond\n3", 1);
    press(KEY_END_);
    assert_line("one\nsecond\n3", 3);
    press(KEY_DOWN_);
    assert_line("one\nsecond\n3", 7);
    assert_int_equal(input_key(&in, (struct key){.kind = KEY_ENTER_}), INPUT_SUBMIT);
}

static void history_goes_back_and_keeps_the_line_in_hand(void **state)
{
    (void)state;
    type("first");
    input_done(&in);
    type("second");
    input_done(&in);
    type("in hand");
    press(KEY_UP_);
    assert_line("second", 6);
    press(KEY_UP_);
    assert_line("first", 5);
    press(KEY_UP_);
    assert_line("first", 5);
    press(KEY_DOWN_);
    press(KEY_DOWN_);
    assert_line("in hand", 7);
}

static void a_masked_line_is_neither_drawn_nor_remembered(void **state)
{
    struct canvas c = {0};
    char *drawn;

    (void)state;
    in.masked = in.single = true;
    type("s3cret");
    assert_true(canvas_resize(&c, 1, 20));
    input_draw(&in, &c, (struct rect){0, 0, 1, 20}, true);
    drawn = canvas_dump(&c);
    assert_string_equal(drawn, "******\n");
    assert_int_equal(c.cursor_col, 6);
    input_done(&in);
    in.masked = false;
    press(KEY_UP_);
    assert_line("", 0);
    canvas_free(&c);
    xm_free(drawn);
}

static void draws_marks_for_what_it_must_not_print(void **state)
{
    struct canvas c = {0};
    char *drawn;

    (void)state;
    input_insert(&in, "a\033b\xe2\x80\xaeс\xff", 9);
    assert_true(canvas_resize(&c, 2, 20));
    input_draw(&in, &c, (struct rect){0, 0, 2, 20}, true);
    drawn = canvas_dump(&c);
    assert_string_equal(drawn, "a^[b<U+202E>с<ff>\n\n");
    canvas_free(&c);
    xm_free(drawn);
}

static void a_long_line_wraps_and_the_cursor_stays_in_sight(void **state)
{
    struct canvas c = {0};
    char *drawn;

    (void)state;
    type("abcdefghij");
    assert_int_equal(input_rows(&in, 5), 3); /* the cursor after a full row takes a new one */
    assert_true(canvas_resize(&c, 2, 5));
    input_draw(&in, &c, (struct rect){0, 0, 2, 5}, true);
    drawn = canvas_dump(&c);
    assert_string_equal(drawn, "fghij\n\n");
    assert_int_equal(c.cursor_row, 1);
    assert_int_equal(c.cursor_col, 0);
    canvas_free(&c);
    xm_free(drawn);
}

static void refuses_more_than_a_message_holds(void **state)
{
    static char big[INPUT_MAX + 1];

    (void)state;
    memset(big, 'x', sizeof big);
    assert_false(input_insert(&in, big, sizeof big));
    assert_true(input_insert(&in, big, INPUT_MAX));
    assert_int_equal(input_key(&in, (struct key){.kind = KEY_CHAR, .ch = 'y'}), INPUT_MOVED);
}

/* ---- keys ---- */

static void esc_and_a_key_are_alt_and_a_lone_esc_is_esc(void **state)
{
    struct key_feed f = {0};
    struct key out;

    (void)state;
    assert_int_equal(key_feed_put(&f, (struct key){.kind = KEY_ESC_}, 0, &out), FEED_NONE);
    assert_int_equal(key_feed_put(&f, (struct key){.kind = KEY_CHAR, .ch = 'g'}, 0, &out), FEED_KEY);
    assert_true(out.alt && out.ch == 'g');
    key_feed_put(&f, (struct key){.kind = KEY_ESC_}, 0, &out);
    assert_int_equal(key_feed_idle(&f, 0, &out), FEED_KEY);
    assert_int_equal(out.kind, KEY_ESC_);
    assert_int_equal(key_feed_idle(&f, 0, &out), FEED_NONE);
    key_feed_free(&f);
}

static void a_paste_is_one_text_with_its_line_ends_and_controls(void **state)
{
    struct key_feed f = {0};
    struct key out;
    static const struct key keys[] = {{.kind = KEY_PASTE_BEGIN}, {.kind = KEY_CHAR, .ch = 'a'}, {.kind = KEY_ENTER_},
                                      {.kind = KEY_ESC_},        {.kind = KEY_CHAR, .ch = 0xe9}, {.kind = KEY_CTRL, .ch = 'c'},
                                      {.kind = KEY_UP_},         {.kind = KEY_TAB_}};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(key_feed_put(&f, keys[i], 0, &out), FEED_NONE);
    assert_int_equal(key_feed_put(&f, (struct key){.kind = KEY_PASTE_END}, 0, &out), FEED_PASTE);
    assert_int_equal(f.paste.len, 7);
    assert_memory_equal(f.paste.data, "a\n\033\xc3\xa9\003\t", 7);
    key_feed_free(&f);
}

static void a_paste_that_lost_its_end_is_over_after_a_second(void **state)
{
    struct key_feed f = {0};
    struct key out;

    (void)state;
    key_feed_put(&f, (struct key){.kind = KEY_PASTE_BEGIN}, 5000, &out);
    key_feed_put(&f, (struct key){.kind = KEY_CHAR, .ch = 'a'}, 5100, &out);
    assert_int_equal(key_feed_idle(&f, 5200, &out), FEED_NONE);
    assert_int_equal(key_feed_wait_ms(&f, 5200), 900);
    assert_int_equal(key_feed_idle(&f, 6100, &out), FEED_PASTE);
    buf_reset(&f.paste);
    assert_int_equal(key_feed_put(&f, (struct key){.kind = KEY_CHAR, .ch = 'b'}, 6200, &out), FEED_KEY);
    key_feed_free(&f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(edits_like_readline),
        T(deletes_whole_clusters),
        T(several_lines),
        T(history_goes_back_and_keeps_the_line_in_hand),
        T(a_masked_line_is_neither_drawn_nor_remembered),
        T(draws_marks_for_what_it_must_not_print),
        T(a_long_line_wraps_and_the_cursor_stays_in_sight),
        T(refuses_more_than_a_message_holds),
        cmocka_unit_test(esc_and_a_key_are_alt_and_a_lone_esc_is_esc),
        cmocka_unit_test(a_paste_is_one_text_with_its_line_ends_and_controls),
        cmocka_unit_test(a_paste_that_lost_its_end_is_over_after_a_second),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
