#include "tests/test.h"

#include "base/clock.h"
#include "base/rand.h"

static void the_same_seed_gives_the_same_stream(void **state)
{
    struct rand_seed s1, s2, s3;
    struct rand a = rand_seeded(&s1, 7), b = rand_seeded(&s2, 7), c = rand_seeded(&s3, 8);
    uint64_t first = rand_u64(&a);

    (void)state;
    assert_int_equal(first, rand_u64(&b));
    assert_int_not_equal(first, rand_u64(&c));
    assert_int_not_equal(first, rand_u64(&a));
}

static void below_stays_below_and_reaches_everything(void **state)
{
    struct rand_seed seed;
    struct rand r = rand_seeded(&seed, 1);
    int seen[5] = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = rand_below(&r, 5);

        assert_true(v < 5);
        seen[v]++;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i] > 100);
    assert_int_equal(rand_below(&r, 0), 0);
    assert_int_equal(rand_below(&r, 1), 0);
}

static void system_sources_move(void **state)
{
    (void)state;
    assert_int_not_equal(rand_u64(&rand_system), rand_u64(&rand_system));
    assert_true(clock_now_ns(&clock_system) > INT64_C(1700000000) * NS_PER_S);
    assert_true(clock_monotonic_ms(&clock_system) <= clock_monotonic_ms(&clock_system));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_stream),
        cmocka_unit_test(below_stays_below_and_reaches_everything),
        cmocka_unit_test(system_sources_move),
    };

    return cmocka_run_group_tests_name("rand", tests, NULL, NULL);
}
