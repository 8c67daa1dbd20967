/* Memory that runs out at every point of reading and sending: nothing is lost, nothing happens twice. */
#include "tests/test.h"

#include "base/alloc.h"
#include "store/groups.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/receive.h"
#include "sync/send.h"
#include "sync/welcome_receive.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>

/* How many points in a row no failure showed any more: then all were tried. */
#define QUIET_ENOUGH 3
/* Points tried between two restarts: each restart of a home is slow. */
#define STEP 3

static void reading(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    char want[4096] = "", text[32];
    unsigned quiet = 0;
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    for (unsigned n = 1; quiet < QUIET_ENOUGH && n < 3000; n += STEP) {
        int r;
        snprintf(text, sizeof text, "%u", n);
        peer_send(a, id, text);
        if (n % 2)
            OK(group_update_key(&a->core, id, &err));
        if (want[0])
            strcat(want, "|");
        strcat(want, text);
        alloc_fail_after(n);
        r = group_sync(&b->core, id, NULL, &err);
        alloc_fail_after(0);
        quiet = r == 0 ? quiet + 1 : 0;
        OK(group_sync(&b->core, id, NULL, &err));
        assert_same_epoch(a, b, id);
        if (strlen(want) > 3000)
            break;
    }
    assert_string_equal(peer_texts(b, id), want);
}

static void an_envelope_read_without_memory_is_read_again(void **state)
{
    world_run(*state, reading);
}

static void sending(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    char want[4096] = "", text[32];
    unsigned quiet = 0;
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    for (unsigned n = 1; quiet < QUIET_ENOUGH && n < 3000; n += STEP) {
        enum send_status status = 0;
        struct bytes content = {0};
        uint8_t message[32];
        size_t waiting;
        int r;

        snprintf(text, sizeof text, "%u", n);
        OK(content_text(text, &content, &err));
        alloc_fail_after(n);
        r = group_send(&a->core, id, bytes_slice(&content), NULL, message, &status, &err);
        alloc_fail_after(0);
        bytes_free(&content);
        quiet = r == 0 && status == SEND_PUBLISHED ? quiet + 1 : 0;
        OK(group_publish(&a->core, id, NULL, &err));
        OK(outbox_size(&a->core, &waiting, &err));
        assert_int_equal(waiting, 0);
        OK(group_sync(&a->core, id, NULL, &err));
        if (strlen(want) > 3000)
            break;
    }
    peer_sync(b);
    peer_sync(a);
    /* Whatever was kept was sent, once, and both sides agree on it. */
    assert_string_equal(peer_texts(b, id), peer_texts(a, id));
    assert_same_epoch(a, b, id);
}

static void a_text_sent_without_memory_is_kept_or_refused_as_a_whole(void **state)
{
    world_run(*state, sending);
}

static void joining(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    unsigned quiet = 0;

    for (unsigned n = 1; quiet < QUIET_ENOUGH && n < 4000; n += 37) {
        uint8_t id[16];
        size_t joined = 0;
        int r;

        OK(group_create(&a->core, &options, &b_id, 1, id, &err));
        alloc_fail_after(n);
        r = welcomes_sync(&b->core, &joined, &err);
        alloc_fail_after(0);
        quiet = r == 0 ? quiet + 1 : 0;
        OK(welcomes_sync(&b->core, &joined, &err));
        OK(group_sync(&b->core, id, NULL, &err));
        assert_same_epoch(a, b, id);
    }
}

static void a_welcome_read_without_memory_is_read_again(void **state)
{
    world_run(*state, joining);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_envelope_read_without_memory_is_read_again),
        TEST(a_text_sent_without_memory_is_kept_or_refused_as_a_whole),
        TEST(a_welcome_read_without_memory_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
