#include "tests/test.h"

#include "base/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define PRODUCERS 3
#define EACH 20000

static void keeps_order_and_refuses_when_full(void **state)
{
    struct queue *q = queue_new(2);
    int a = 1, b = 2, c = 3;

    (void)state;
    assert_true(queue_put(q, &a));
    assert_true(queue_put(q, &b));
    assert_false(queue_put(q, &c));
    assert_ptr_equal(queue_take(q), &a);
    assert_true(queue_put(q, &c));
    assert_int_equal(queue_len(q), 2);
    assert_ptr_equal(queue_take(q), &b);
    assert_ptr_equal(queue_take(q), &c);
    assert_null(queue_take(q));
    queue_free(q, NULL);
}

static void frees_what_is_left(void **state)
{
    struct queue *q = queue_new(4);

    (void)state;
    queue_put(q, malloc(10));
    queue_put(q, malloc(10));
    queue_free(q, free); /* a leak here fails the sanitized run */
    queue_free(NULL, free);
}

struct producer {
    struct queue *q;
    int id;
};

static void *produce(void *ctx)
{
    struct producer *p = ctx;

    for (int i = 0; i < EACH; i++) {
        int *item = malloc(2 * sizeof *item);

        item[0] = p->id;
        item[1] = i;
        while (!queue_put(p->q, item))
            sched_yield();
    }
    return NULL;
}

static void every_item_of_every_thread_arrives_once_in_order(void **state)
{
    struct queue *q = queue_new(64);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0}, got = 0;

    (void)state;
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){q, i};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    while (got < PRODUCERS * EACH) {
        int *item = queue_take(q);

        if (!item) {
            sched_yield();
            continue;
        }
        assert_int_equal(item[1], next[item[0]]);
        next[item[0]]++;
        got++;
        free(item);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    assert_null(queue_take(q));
    queue_free(q, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_refuses_when_full),
        cmocka_unit_test(frees_what_is_left),
        cmocka_unit_test(every_item_of_every_thread_arrives_once_in_order),
    };

    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
