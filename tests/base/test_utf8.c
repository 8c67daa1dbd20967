#include "base/utf8.h"

#include "tests/test.h"

static bool valid(const char *bytes, size_t len)
{
    return utf8_valid(slice_of(bytes, len));
}
#define VALID(text) valid(text, sizeof(text) - 1)

static void accepts_each_length_at_its_bounds(void **state)
{
    (void)state;
    assert_true(VALID(""));
    assert_true(VALID("a\x7f"));
    assert_true(VALID("\xc2\x80\xdf\xbf"));
    assert_true(VALID("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    assert_true(VALID("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void refuses_overlong_forms(void **state)
{
    (void)state;
    assert_false(VALID("\xc0\x80"));
    assert_false(VALID("\xc1\xbf"));
    assert_false(VALID("\xe0\x9f\xbf"));
    assert_false(VALID("\xf0\x8f\xbf\xbf"));
}

static void refuses_surrogates_and_values_past_the_end(void **state)
{
    (void)state;
    assert_false(VALID("\xed\xa0\x80"));
    assert_false(VALID("\xed\xbf\xbf"));
    assert_false(VALID("\xf4\x90\x80\x80"));
    assert_false(VALID("\xf5\x80\x80\x80"));
}

static void refuses_a_character_cut_short_or_out_of_place(void **state)
{
    static const char euro[] = "\xe2\x82\xac";
    size_t len;

    (void)state;
    for (len = 1; len < 3; len++)
        assert_false(valid(euro, len));
    assert_true(valid(euro, 3));
    assert_false(VALID("\x80"));
    assert_false(VALID("\xe2\x82z"));
    assert_false(VALID("\xff"));
}

static size_t first(const char *bytes, size_t len)
{
    return utf8_first(slice_of(bytes, len));
}

static void tells_the_first_character_from_what_follows(void **state)
{
    (void)state;
    assert_int_equal(first("", 0), 0);
    assert_int_equal(first("\0", 1), 1);
    assert_int_equal(first("z\xff", 2), 1);
    assert_int_equal(first("\xc3\xa9z", 3), 2);
    assert_int_equal(first("\xe2\x82\xac\x80", 4), 3);
    assert_int_equal(first("\xf0\x9f\x98\x80", 4), 4);
    assert_int_equal(first("\xf0\x9f\x98", 3), 0);
    assert_int_equal(first("\x80z", 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_each_length_at_its_bounds),
        cmocka_unit_test(refuses_overlong_forms),
        cmocka_unit_test(refuses_surrogates_and_values_past_the_end),
        cmocka_unit_test(refuses_a_character_cut_short_or_out_of_place),
        cmocka_unit_test(tells_the_first_character_from_what_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
