#include "tests/test.h"

#include "base/fiber.h"

#include <stdio.h>

static char trace[256];

static void note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

struct job {
    const char *name;
    struct fiber *fiber;
};

static void two_steps(void *ctx)
{
    struct job *job = ctx;
    char text[16];

    job->fiber = fiber_self();
    snprintf(text, sizeof text, "%s1 ", job->name);
    note(text);
    fiber_suspend();
    snprintf(text, sizeof text, "%s2 ", job->name);
    note(text);
}

static void fibers_take_turns_at_their_waits(void **state)
{
    struct job a = {.name = "a"}, b = {.name = "b"};

    (void)state;
    trace[0] = 0;
    assert_int_equal(fiber_start(two_steps, &a, NULL), 0);
    assert_int_equal(fiber_start(two_steps, &b, NULL), 0);
    assert_int_equal(fiber_count(), 2);
    note("- ");
    fiber_resume(b.fiber);
    fiber_resume(a.fiber);
    assert_string_equal(trace, "a1 b1 - b2 a2 ");
    assert_int_equal(fiber_count(), 0);
    assert_null(fiber_self());
}

static void starts_another(void *ctx)
{
    struct job *inner = ctx;

    note("outer1 ");
    assert_int_equal(fiber_start(two_steps, inner, NULL), 0);
    note("outer2 ");
    fiber_resume(inner->fiber);
    note("outer3 ");
}

static void a_fiber_can_start_and_resume_another(void **state)
{
    struct job inner = {.name = "in"};

    (void)state;
    trace[0] = 0;
    assert_int_equal(fiber_start(starts_another, &inner, NULL), 0);
    assert_string_equal(trace, "outer1 in1 outer2 in2 outer3 ");
}

struct locked_job {
    struct fiber_lock *lock;
    const char *name;
    struct fiber *fiber;
};

static void under_lock(void *ctx)
{
    struct locked_job *job = ctx;

    job->fiber = fiber_self();
    fiber_lock_take(job->lock);
    note(job->name);
    note("+ ");
    fiber_suspend();
    note(job->name);
    note("- ");
    fiber_lock_drop(job->lock);
}

static void the_lock_passes_in_order(void **state)
{
    struct fiber_lock lock = {0};
    struct locked_job a = {&lock, "a", NULL}, b = {&lock, "b", NULL}, c = {&lock, "c", NULL};

    (void)state;
    trace[0] = 0;
    assert_int_equal(fiber_start(under_lock, &a, NULL), 0);
    assert_int_equal(fiber_start(under_lock, &b, NULL), 0);
    assert_int_equal(fiber_start(under_lock, &c, NULL), 0);
    fiber_resume(a.fiber);
    fiber_resume(b.fiber);
    fiber_resume(c.fiber);
    assert_string_equal(trace, "a+ a- b+ b- c+ c- ");
    assert_false(lock.held);
    assert_int_equal(fiber_count(), 0);
}

struct lined_job {
    struct fiber_line *line;
    const char *name;
};

static void in_line(void *ctx)
{
    struct lined_job *job = ctx;

    fiber_line_wait(job->line);
    note(job->name);
    note("+ ");
    fiber_line_wait(job->line);
    note(job->name);
    note("- ");
}

static void who_waits_in_line_goes_on_in_order(void **state)
{
    struct fiber_line line = {0};
    struct lined_job a = {&line, "a"}, b = {&line, "b"}, c = {&line, "c"};

    (void)state;
    trace[0] = 0;
    assert_int_equal(fiber_start(in_line, &a, NULL), 0);
    assert_int_equal(fiber_start(in_line, &b, NULL), 0);
    assert_int_equal(fiber_start(in_line, &c, NULL), 0);
    fiber_line_go(&line);
    note("| ");
    fiber_line_go(&line);
    fiber_line_go(&line);
    assert_string_equal(trace, "a+ b+ c+ | a- b- c- ");
    assert_int_equal(fiber_count(), 0);
}

static void count_up(void *ctx)
{
    volatile char deep[64 * 1024]; /* a stack that is really there */

    memset((char *)deep, 1, sizeof deep);
    *(int *)ctx += deep[sizeof deep - 1];
}

static void a_thousand_fibers_reuse_their_stacks(void **state)
{
    int n = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fiber_start(count_up, &n, NULL), 0);
    assert_int_equal(n, 1000);
    fiber_pool_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_take_turns_at_their_waits),
        cmocka_unit_test(a_fiber_can_start_and_resume_another),
        cmocka_unit_test(the_lock_passes_in_order),
        cmocka_unit_test(who_waits_in_line_goes_on_in_order),
        cmocka_unit_test(a_thousand_fibers_reuse_their_stacks),
    };

    return cmocka_run_group_tests_name("fiber", tests, NULL, NULL);
}
