#include "node/topics.h"

#include "base/alloc.h"
#include "base/err.h"

#include "tests/test.h"

static struct slice name(uint32_t n, uint8_t room[16])
{
    memset(room, 'n', 16);
    memcpy(room, &n, sizeof n);
    return slice_of(room, 16);
}

static unsigned watchers(const struct topics *t, enum topic_kind kind, struct slice s)
{
    const struct topic *topic = topics_find(t, kind, s);
    const struct watch *w;
    unsigned n = 0;

    for (w = topic != NULL ? topic->watches : NULL; w != NULL; w = w->topic_next)
        n++;
    return n;
}

static void a_topic_lives_as_long_as_it_is_watched(void **state)
{
    struct watch a = {0}, b = {0}, c = {0};
    struct topics *t;
    uint8_t room[16];

    (void)state;
    assert_int_equal(topics_new(&t, NULL), 0);
    assert_int_equal(topics_watch(t, TOPIC_GROUP, name(1, room), &a, NULL), 0);
    assert_int_equal(topics_watch(t, TOPIC_GROUP, name(1, room), &b, NULL), 0);
    assert_int_equal(topics_watch(t, TOPIC_GROUP, name(1, room), &c, NULL), 0);
    assert_int_equal(watchers(t, TOPIC_GROUP, name(1, room)), 3);
    assert_int_equal(watchers(t, TOPIC_INSTALLATION, name(1, room)), 0);
    topics_unwatch(t, &b);
    assert_int_equal(watchers(t, TOPIC_GROUP, name(1, room)), 2);
    topics_unwatch(t, &c);
    topics_unwatch(t, &a);
    assert_null(topics_find(t, TOPIC_GROUP, name(1, room)));
    topics_free(t);
}

static void thousands_of_topics_are_each_found(void **state)
{
    enum { N = 5000 };
    struct watch *all = xm_calloc(N, sizeof *all);
    struct topics *t;
    uint8_t room[16];
    uint32_t i;

    (void)state;
    assert_int_equal(topics_new(&t, NULL), 0);
    for (i = 0; i < N; i++)
        assert_int_equal(topics_watch(t, TOPIC_GROUP, name(i, room), &all[i], NULL), 0);
    for (i = 0; i < N; i++)
        assert_ptr_equal(topics_find(t, TOPIC_GROUP, name(i, room)), all[i].topic);
    assert_null(topics_find(t, TOPIC_GROUP, name(N, room)));
    for (i = 0; i < N; i += 2)
        topics_unwatch(t, &all[i]);
    for (i = 0; i < N; i++)
        assert_int_equal(topics_find(t, TOPIC_GROUP, name(i, room)) != NULL, i % 2);
    for (i = 1; i < N; i += 2)
        topics_unwatch(t, &all[i]);
    topics_free(t);
    xm_free(all);
}

static void without_memory_nothing_changes(void **state)
{
    struct watch a = {0};
    struct topics *t;
    uint8_t room[16];

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(topics_new(&t, NULL), ERR_NOMEM);
    alloc_fail_after(2);
    assert_int_equal(topics_new(&t, NULL), ERR_NOMEM);
    assert_int_equal(topics_new(&t, NULL), 0);
    alloc_fail_after(1);
    assert_int_equal(topics_watch(t, TOPIC_GROUP, name(1, room), &a, NULL), ERR_NOMEM);
    assert_null(topics_find(t, TOPIC_GROUP, name(1, room)));
    topics_free(t);
}

static void names_that_no_row_can_have_are_never_found(void **state)
{
    uint8_t longer[TOPIC_NAME_MAX + 1] = {0};
    struct topics *t;

    (void)state;
    assert_int_equal(topics_new(&t, NULL), 0);
    assert_null(topics_find(t, TOPIC_GROUP, slice_of(longer, sizeof longer)));
    assert_null(topics_find(t, TOPIC_GROUP, slice_of(longer, 0)));
    topics_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_lives_as_long_as_it_is_watched),
        cmocka_unit_test(thousands_of_topics_are_each_found),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(names_that_no_row_can_have_are_never_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
