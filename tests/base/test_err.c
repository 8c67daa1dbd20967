#include "tests/test.h"

#include "base/err.h"

static void context_goes_in_front(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set(&err, ERR_AUTH, "signature of leaf %d", 7), ERR_AUTH);
    assert_int_equal(err_wrap(&err, ERR_AUTH, "joining %s", "c7c1"), ERR_AUTH);
    assert_string_equal(err.text, "joining c7c1: signature of leaf 7");
    assert_int_equal(err.code, ERR_AUTH);
    err_set(&err, ERR_DENIED, "reading is not permitted");
    assert_int_equal(err_wrap(&err, ERR_DENIED, "reading"), ERR_DENIED);
    assert_string_equal(err.text, "reading is not permitted"); /* which says it already */
}

static void a_long_text_loses_its_end_not_its_context(void **state)
{
    struct err err = {0};
    char big[300];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    err_set(&err, ERR_IO, "%s", big);
    err_wrap(&err, ERR_IO, "reading");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "reading: xxx", 12);
    err_wrap(&err, ERR_IO, "%s", big);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void nobody_listening_is_fine(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_int_equal(err_wrap(NULL, ERR_IO, "x"), ERR_IO);
    assert_string_equal(err_name(ERR_UNSUPPORTED), "unsupported");
    assert_string_equal(err_name(0), "ok");
    assert_string_equal(err_name(-99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(a_long_text_loses_its_end_not_its_context),
        cmocka_unit_test(nobody_listening_is_fine),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
