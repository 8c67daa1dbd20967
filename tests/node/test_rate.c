#include "node/rate.h"

#include "tests/test.h"

static void a_full_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    struct rate r;
    int i;

    (void)state;
    rate_init(&r, 10, 1000);
    for (i = 0; i < 50; i++)
        assert_true(rate_take(&r, 1, 1000));
    assert_false(rate_take(&r, 1, 1000));
    assert_false(rate_take(&r, 1, 1099));
    assert_true(rate_take(&r, 1, 1100));
    assert_false(rate_take(&r, 1, 1100));
}

static void a_long_pause_fills_it_no_further(void **state)
{
    struct rate r;

    (void)state;
    rate_init(&r, 10, 0);
    assert_true(rate_take(&r, 50, 0));
    assert_true(rate_take(&r, 50, UINT64_MAX / 2));
    assert_false(rate_take(&r, 1, UINT64_MAX / 2));
}

static void more_than_the_burst_is_granted_to_a_full_bucket_only(void **state)
{
    struct rate r;

    (void)state;
    rate_init(&r, 10, 0);
    assert_true(rate_take(&r, 1000, 0));
    assert_false(rate_take(&r, 1000, 4999));
    assert_true(rate_take(&r, 1000, 10000));
}

static void time_that_goes_back_gives_nothing(void **state)
{
    struct rate r;

    (void)state;
    rate_init(&r, 1, 1000);
    assert_true(rate_take(&r, 5, 1000));
    assert_false(rate_take(&r, 1, 0));
    assert_true(rate_take(&r, 1, 1000));
}

static void no_rate_is_no_limit(void **state)
{
    struct rate r;

    (void)state;
    rate_init(&r, 0, 0);
    assert_true(rate_take(&r, UINT64_MAX, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(a_long_pause_fills_it_no_further),
        cmocka_unit_test(more_than_the_burst_is_granted_to_a_full_bucket_only),
        cmocka_unit_test(time_that_goes_back_gives_nothing),
        cmocka_unit_test(no_rate_is_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
