/* Whole flows between installations of our own, through a node in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/groups.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "tests/sync/peers.h"

#include <string.h>

static int setup(void **state)
{
    static struct world w;

    world_open(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    return 0;
}

#define OK(call)                                                                                                    \
    do {                                                                                                            \
        struct err err = {0};                                                                                       \
        if ((call) != 0)                                                                                            \
            fail_msg("%s: %s", #call, err.text);                                                                    \
    } while (0)

static void dm_both_ways(struct world *w)
{
    struct peer *alix = world_installation(w, 1), *bo = world_installation(w, 2);
    uint8_t id[16];

    OK(dm_find_or_create(&alix->core, bo->core.self.inbox_id, id, NULL, &err));
    peer_send(alix, id, "hi");
    peer_sync(bo);
    assert_string_equal(peer_texts(bo, id), "hi");
    peer_send(bo, id, "hello");
    peer_sync(alix);
    peer_sync(bo);
    assert_string_equal(peer_texts(alix, id), "hi|hello");
    assert_string_equal(peer_texts(bo, id), "hi|hello");
    assert_same_epoch(alix, bo, id);
}

static void two_people_chat_in_a_dm(void **state)
{
    world_run(*state, dm_both_ways);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_people_chat_in_a_dm, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
