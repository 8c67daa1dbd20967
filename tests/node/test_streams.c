/* Subscriptions: headers, replay, live rows, slow readers. */
#include "mls/mls.h"
#include "net/grpc_client.h"
#include "net/status.h"
#include "node/messages.h"
#include "node/service.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "tests/node/world.h"

#include "base/alloc.h"

#include "tests/test.h"

#define APPLICATION MLS_CONTENT_APPLICATION

static const char group_a[] = "aaaaaaaaaaaaaaaa", group_b[] = "bbbbbbbbbbbbbbbb";

/* Up to two groups, each NULL for none. */
static void subscribe(struct world_stream *s, struct world *w, const char *a, uint64_t a_cursor, const char *b,
                      uint64_t b_cursor)
{
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest request = XMTP__MLS__API__V1__SUBSCRIBE_GROUP_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest__Filter one =
        XMTP__MLS__API__V1__SUBSCRIBE_GROUP_MESSAGES_REQUEST__FILTER__INIT, two = one, *filters[] = {&one, &two};

    request.filters = filters;
    if (a != NULL) {
        one.group_id = proto_bytes(slice_str(a));
        one.id_cursor = a_cursor;
        request.n_filters = 1;
    }
    if (b != NULL) {
        two.group_id = proto_bytes(slice_str(b));
        two.id_cursor = b_cursor;
        request.n_filters = 2;
    }
    world_stream_open(s, w, PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES, &request);
}

static uint64_t id_of(const struct world_stream *s, size_t i, const char *group)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__Api__V1__GroupMessage *msg;
    uint64_t id;

    assert_int_equal(proto_unpack(&xmtp__mls__api__v1__group_message__descriptor, bytes_slice(&s->messages[i]), &arena,
                                  &msg, NULL),
                     0);
    assert_int_equal(msg->version_case, XMTP__MLS__API__V1__GROUP_MESSAGE__VERSION_V1);
    if (group != NULL)
        assert_true(slice_eq(proto_slice(msg->v1->group_id), slice_str(group)));
    id = msg->v1->id;
    proto_arena_free(&arena);
    return id;
}

static void no_filter_is_an_open_silent_stream(void **state)
{
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    subscribe(&s, &w, NULL, 0, NULL, 0);
    assert_true(s.open && !s.ended);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "x"), GRPC_OK);
    assert_int_equal(s.n, 0);
    assert_false(s.ended);
    world_stream_close(&s);
    world_close(&w);
}

static void history_comes_first_then_what_is_sent_now(void **state)
{
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1"); /* id 2 */
    send_message(&w, group_b, APPLICATION, "2");
    send_message(&w, group_a, APPLICATION, "3"); /* id 4 */
    subscribe(&s, &w, group_a, 0, NULL, 0);
    world_stream_wait(&s, 2);
    send_message(&w, group_b, APPLICATION, "4");
    send_message(&w, group_a, APPLICATION, "5"); /* id 6 */
    world_stream_wait(&s, 3);
    assert_int_equal(id_of(&s, 0, group_a), 2);
    assert_int_equal(id_of(&s, 1, group_a), 4);
    assert_int_equal(id_of(&s, 2, group_a), 6);
    assert_int_equal(s.n, 3);
    world_stream_close(&s);
    world_close(&w);
}

static void cursors_are_exclusive_and_a_group_named_twice_keeps_the_lower(void **state)
{
    struct world_stream s = {0}, t = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1");
    send_message(&w, group_a, APPLICATION, "2");
    send_message(&w, group_a, APPLICATION, "3");
    subscribe(&s, &w, group_a, 3, group_b, 0);
    subscribe(&t, &w, group_a, 4, group_a, 2);
    world_stream_wait(&s, 1);
    world_stream_wait(&t, 2);
    send_message(&w, group_b, APPLICATION, "4");
    send_message(&w, group_a, APPLICATION, "5");
    world_stream_wait(&s, 3);
    world_stream_wait(&t, 3);
    assert_int_equal(id_of(&s, 0, group_a), 4);
    assert_int_equal(id_of(&s, 1, group_b), 5);
    assert_int_equal(id_of(&s, 2, group_a), 6);
    assert_int_equal(id_of(&t, 0, group_a), 3);
    assert_int_equal(id_of(&t, 1, group_a), 4);
    assert_int_equal(id_of(&t, 2, group_a), 6);
    assert_int_equal(s.n, 3);
    assert_int_equal(t.n, 3);
    world_stream_close(&s);
    world_stream_close(&t);
    world_close(&w);
}

/* What no row can have disturbs nothing: a name of 300 bytes, and a cursor that no id ever reaches. */
static void impossible_filters_are_silent(void **state)
{
    char endless[301];
    struct world_stream s = {0}, t = {0};
    struct world w;

    (void)state;
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1"); /* id 2 */
    send_message(&w, group_b, APPLICATION, "2"); /* id 3 */
    subscribe(&s, &w, endless, 0, group_a, 0);
    subscribe(&t, &w, group_a, UINT64_MAX, group_b, 0);
    world_stream_wait(&s, 1);
    world_stream_wait(&t, 1);
    send_message(&w, group_a, APPLICATION, "3"); /* id 4 */
    send_message(&w, group_b, APPLICATION, "4"); /* id 5 */
    world_stream_wait(&s, 2);
    world_stream_wait(&t, 2);
    assert_int_equal(id_of(&s, 0, group_a), 2);
    assert_int_equal(id_of(&s, 1, group_a), 4);
    assert_int_equal(id_of(&t, 0, group_b), 3);
    assert_int_equal(id_of(&t, 1, group_b), 5);
    world_stream_close(&s);
    world_stream_close(&t);
    world_close(&w);
}

static void an_empty_name_ends_the_stream(void **state)
{
    Xmtp__Mls__Api__V1__SubscribeWelcomeMessagesRequest none =
        XMTP__MLS__API__V1__SUBSCRIBE_WELCOME_MESSAGES_REQUEST__INIT, one = none;
    Xmtp__Mls__Api__V1__SubscribeWelcomeMessagesRequest__Filter filter =
        XMTP__MLS__API__V1__SUBSCRIBE_WELCOME_MESSAGES_REQUEST__FILTER__INIT, *filters[] = {&filter};
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    subscribe(&s, &w, group_a, 0, "", 0);
    world_until(&w, &s.ended);
    assert_int_equal(s.status, GRPC_UNKNOWN);
    assert_string_equal(s.text, "group is required");
    world_stream_open(&s, &w, PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES, &none);
    world_until(&w, &s.ended);
    assert_int_equal(s.status, GRPC_INVALID_ARGUMENT);
    assert_string_equal(s.text, "no valid filters provided");
    one.filters = filters;
    one.n_filters = 1;
    world_stream_open(&s, &w, PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES, &one);
    world_until(&w, &s.ended);
    assert_int_equal(s.status, GRPC_INVALID_ARGUMENT);
    assert_int_equal(node_open_streams(w.node), 0);
    world_close(&w);
}

static void welcomes_are_streamed_alike(void **state)
{
    static const char installation[] = "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii";
    Xmtp__Mls__Api__V1__WelcomeMessageInput__V1 v1 = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__V1__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessageInput input = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__INIT, *inputs[] = {&input};
    Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest send = XMTP__MLS__API__V1__SEND_WELCOME_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__SubscribeWelcomeMessagesRequest request = XMTP__MLS__API__V1__SUBSCRIBE_WELCOME_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__SubscribeWelcomeMessagesRequest__Filter filter =
        XMTP__MLS__API__V1__SUBSCRIBE_WELCOME_MESSAGES_REQUEST__FILTER__INIT, *filters[] = {&filter};
    Xmtp__Mls__Api__V1__WelcomeMessage *msg;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    v1.installation_key = proto_bytes(slice_str(installation));
    v1.data = proto_bytes(slice_str("one"));
    v1.hpke_public_key = proto_bytes(slice_str("key"));
    v1.wrapper_algorithm = XMTP__MLS__MESSAGE_CONTENTS__WELCOME_WRAPPER_ALGORITHM__WELCOME_WRAPPER_ALGORITHM_CURVE25519;
    input.version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_V1;
    input.v1 = &v1;
    send.messages = inputs;
    send.n_messages = 1;
    assert_int_equal(world_call(&w, PROTO_MLS_SEND_WELCOME_MESSAGES, &send, NULL), GRPC_OK);
    filter.installation_key = proto_bytes(slice_str(installation));
    request.filters = filters;
    request.n_filters = 1;
    world_stream_open(&s, &w, PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES, &request);
    world_stream_wait(&s, 1);
    v1.data = proto_bytes(slice_str("two"));
    assert_int_equal(world_call(&w, PROTO_MLS_SEND_WELCOME_MESSAGES, &send, NULL), GRPC_OK);
    world_stream_wait(&s, 2);
    assert_int_equal(proto_unpack(&xmtp__mls__api__v1__welcome_message__descriptor, bytes_slice(&s.messages[1]), &arena,
                                  &msg, NULL),
                     0);
    assert_int_equal(msg->v1->id, 2);
    assert_true(slice_eq(proto_slice(msg->v1->data), slice_str("two")));
    proto_arena_free(&arena);
    world_stream_close(&s);
    world_close(&w);
}

static void a_cancelled_stream_is_gone_at_once_and_the_others_live_on(void **state)
{
    struct world_stream s = {0}, t = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    subscribe(&s, &w, group_a, 0, NULL, 0);
    subscribe(&t, &w, group_a, 0, NULL, 0);
    assert_int_equal(node_open_streams(w.node), 2);
    world_stream_close(&s);
    send_message(&w, group_a, APPLICATION, "1");
    world_stream_wait(&t, 1);
    assert_int_equal(node_open_streams(w.node), 1);
    world_stream_close(&t);
    world_close(&w);
}

/* Larger than queue and windows together, so that the reader is behind, catches up by reading, and goes on
 * live; nothing is missing, nothing comes twice. */
static void a_slow_reader_gets_everything_once_and_in_order(void **state)
{
    enum { N = 400, SIZE = 200 * 1024 };
    char *mark = xm_alloc(SIZE + 1);
    struct world_stream s = {.pause_at = 3};
    struct world w;
    size_t i;

    (void)state;
    memset(mark, 'x', SIZE);
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1");
    send_message(&w, group_a, APPLICATION, "2");
    subscribe(&s, &w, group_a, 0, NULL, 0);
    world_stream_wait(&s, 2);
    for (i = 2; i < N; i++) {
        mark[0] = (char)('A' + i % 26);
        mark[1] = (char)('A' + i / 26);
        assert_int_equal(send_message(&w, group_a, APPLICATION, mark), GRPC_OK);
    }
    assert_true(s.paused && s.n < N);
    grpc_call_resume(s.call);
    world_stream_wait(&s, N);
    mark[2] = 'y';
    assert_int_equal(send_message(&w, group_a, APPLICATION, mark), GRPC_OK);
    world_stream_wait(&s, N + 1);
    for (i = 0; i <= N; i++)
        assert_int_equal(id_of(&s, i, group_a), i + 2);
    assert_int_equal(s.n, N + 1);
    world_stream_close(&s);
    xm_free(mark);
    world_close(&w);
}

/* Five streams of one connection, none of them read for a while: one row each would be 100 MiB for the node. */
static void streams_wait_for_the_memory_of_their_connection_and_lose_nothing(void **state)
{
    enum { STREAMS = 5, ROWS = 2, SIZE = 20 * 1024 * 1024 };
    char *mark = xm_alloc(SIZE + 1);
    struct world_stream s[STREAMS] = {{0}};
    struct world w;
    size_t i, j;

    (void)state;
    memset(mark, 'x', SIZE);
    world_open(&w, NULL);
    for (i = 0; i < ROWS; i++) {
        mark[0] = (char)('A' + i);
        assert_int_equal(send_message(&w, group_a, APPLICATION, mark), GRPC_OK);
    }
    for (i = 0; i < STREAMS; i++) {
        subscribe(&s[i], &w, group_a, 0, NULL, 0);
        grpc_call_pause(s[i].call);
    }
    for (i = 0; i < STREAMS; i++)
        grpc_call_resume(s[i].call);
    for (i = 0; i < STREAMS; i++) {
        world_stream_wait(&s[i], ROWS);
        for (j = 0; j < ROWS; j++)
            assert_int_equal(id_of(&s[i], j, group_a), j + 2);
        world_stream_close(&s[i]);
    }
    xm_free(mark);
    world_close(&w);
}

/* A row may be in the database when a stream reads it, and be announced afterwards: its transaction ended in the
 * pool, the loop hears of it a moment later. */
static void a_row_that_was_read_already_is_not_announced_again(void **state)
{
    struct group_row row = {.id = 2, .group_id = {(const uint8_t *)group_a, 16}, .data = {(const uint8_t *)"x", 1}};
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1");
    subscribe(&s, &w, group_a, 0, NULL, 0);
    world_stream_wait(&s, 1);
    streams_announce_group(w.node->streams, &row);
    send_message(&w, group_a, APPLICATION, "2");
    world_stream_wait(&s, 2);
    assert_int_equal(id_of(&s, 1, group_a), 3);
    world_stream_close(&s);
    world_close(&w);
}

static void streams_that_open_under_load_get_everything_once(void **state)
{
    enum { N = 2000, STREAMS = 12 };
    struct buf *requests = xm_calloc(N, sizeof *requests);
    struct world_stream s[STREAMS] = {{0}};
    struct world_calls calls;
    struct world w;
    size_t i, k;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < N; i++)
        make_send_request(&requests[i], group_a, APPLICATION, &i, sizeof i);
    world_calls_start(&calls, &w, PROTO_MLS_SEND_GROUP_MESSAGES, requests, N);
    for (k = 0; k < STREAMS; k++) {
        size_t until = calls.left > N / STREAMS ? calls.left - N / STREAMS : 0;

        subscribe(&s[k], &w, group_a, 0, NULL, 0);
        while (calls.left > until)
            uv_run(&w.loop, UV_RUN_ONCE);
    }
    world_calls_wait(&calls);
    for (k = 0; k < STREAMS; k++) {
        world_stream_wait(&s[k], N);
        for (i = 0; i < N; i++)
            assert_int_equal(id_of(&s[k], i, group_a), i + 2);
    }
    send_message(&w, group_a, APPLICATION, "last");
    for (k = 0; k < STREAMS; k++) {
        world_stream_wait(&s[k], N + 1);
        assert_int_equal(s[k].n, N + 1);
        world_stream_close(&s[k]);
    }
    for (i = 0; i < N; i++)
        buf_free(&requests[i]);
    xm_free(requests);
    world_close(&w);
}

static void a_stopping_node_tells_its_streams(void **state)
{
    struct world_stream s = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    subscribe(&s, &w, group_a, 0, NULL, 0);
    world_stop_node(&w);
    world_until(&w, &s.ended);
    assert_int_equal(s.status, GRPC_UNAVAILABLE);
    world_stream_close(&s);
    world_close(&w);
}

static void more_streams_or_filters_than_allowed_are_refused(void **state)
{
    struct node_limits limits = {.max_streams = 2, .max_filters = 3};
    struct world_stream s = {0}, t = {0}, u = {0};
    struct world w;

    (void)state;
    world_open(&w, &limits);
    subscribe(&s, &w, group_a, 0, group_b, 0);
    subscribe(&t, &w, group_a, 0, group_b, 0);
    world_until(&w, &t.ended);
    assert_int_equal(t.status, GRPC_RESOURCE_EXHAUSTED);
    subscribe(&t, &w, group_a, 0, NULL, 0);
    assert_false(t.ended);
    subscribe(&u, &w, NULL, 0, NULL, 0);
    world_until(&w, &u.ended);
    assert_int_equal(u.status, GRPC_RESOURCE_EXHAUSTED);
    world_stream_close(&s);
    send_message(&w, group_a, APPLICATION, "the node has seen the reset by now");
    subscribe(&u, &w, group_b, 0, NULL, 0);
    assert_false(u.ended);
    world_stream_close(&t);
    world_stream_close(&u);
    world_close(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_filter_is_an_open_silent_stream),
        cmocka_unit_test(history_comes_first_then_what_is_sent_now),
        cmocka_unit_test(cursors_are_exclusive_and_a_group_named_twice_keeps_the_lower),
        cmocka_unit_test(impossible_filters_are_silent),
        cmocka_unit_test(an_empty_name_ends_the_stream),
        cmocka_unit_test(welcomes_are_streamed_alike),
        cmocka_unit_test(a_cancelled_stream_is_gone_at_once_and_the_others_live_on),
        cmocka_unit_test(a_slow_reader_gets_everything_once_and_in_order),
        cmocka_unit_test(streams_wait_for_the_memory_of_their_connection_and_lose_nothing),
        cmocka_unit_test(a_row_that_was_read_already_is_not_announced_again),
        cmocka_unit_test(streams_that_open_under_load_get_everything_once),
        cmocka_unit_test(a_stopping_node_tells_its_streams),
        cmocka_unit_test(more_streams_or_filters_than_allowed_are_refused),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
