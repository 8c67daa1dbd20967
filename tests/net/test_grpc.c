/* The gRPC client and server against each other over loopback. */
#include "tests/net/net_world.h"

#include <stdio.h>
#include <stdlib.h>

static void a_unary_call_is_echoed(void **state)
{
    struct world w;
    struct answer a, b;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "hello", 5, 5000, &a);
    ask(&w, "/t/Echo", "", 0, 5000, &b);
    RUN_UNTIL(&w, a.ends && b.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_string_equal((char *)a.body, "hello");
    assert_int_equal(b.status, GRPC_OK);
    assert_int_equal(b.body_len, 0);
    assert_int_equal(a.ends, 1);
    assert_int_equal(w.connections, 1);
    assert_true(grpc_client_last_heard_ms(w.client) > 0);
    answer_free(&a);
    answer_free(&b);
    world_close(&w);
    assert_int_equal(w.connections, 0);
}

static void errors_carry_status_and_text(void **state)
{
    struct world w;
    struct answer a, b;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Fail", "x", 1, 5000, &a);
    ask(&w, "/t/Nothing", "x", 1, 5000, &b);
    RUN_UNTIL(&w, a.ends && b.ends);
    assert_int_equal(a.status, GRPC_INVALID_ARGUMENT);
    assert_false(a.local);
    assert_string_equal(a.message, "no: 100% \xc3\xb6\n");
    assert_int_equal(b.status, GRPC_UNIMPLEMENTED);
    assert_string_equal(b.message, "unknown method /t/Nothing");
    answer_free(&a);
    answer_free(&b);
    world_close(&w);
}

static void request_headers_arrive(void **state)
{
    struct grpc_client_config config = {.user_agent = "me/1", .libxmtp_version = "1.9.1", .app_version = ""};
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, &config);
    ask(&w, "/t/Header", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_string_equal(w.header, "me/1|1.9.1|");
    answer_free(&a);
    world_close(&w);
}

static void a_call_without_answer_meets_its_deadline(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Hold", "x", 1, 50, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_DEADLINE_EXCEEDED);
    assert_true(a.local);
    RUN_UNTIL(&w, w.cancels == 1); /* the server was told */
    answer_free(&a);
    world_close(&w);
}

static void a_cancelled_call_ends_once_and_the_server_learns_it(void **state)
{
    struct world w;
    struct answer a, b;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Hold", "x", 1, 0, &a);
    RUN_UNTIL(&w, w.held_count == 1);
    grpc_call_cancel(a.call);
    assert_int_equal(a.ends, 0);
    RUN_UNTIL(&w, a.ends && w.cancels == 1);
    assert_int_equal(a.status, GRPC_CANCELLED);
    ask(&w, "/t/Echo", "still here", 10, 5000, &b);
    RUN_UNTIL(&w, b.ends);
    assert_int_equal(b.status, GRPC_OK);
    assert_int_equal(a.ends, 1);
    assert_int_equal(w.max_connections_seen, 1);
    answer_free(&a);
    answer_free(&b);
    world_close(&w);
}

static void a_call_cancelled_before_it_was_dialled_never_reaches_the_server(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "x", 1, 0, &a);
    grpc_call_cancel(a.call);
    RUN_UNTIL(&w, a.ends && w.connections == 1);
    assert_int_equal(a.status, GRPC_CANCELLED);
    assert_int_equal(w.requests, 0);
    answer_free(&a);
    world_close(&w);
}

static void a_late_answer_reaches_the_caller(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Hold", "x", 1, 5000, &a);
    RUN_UNTIL(&w, w.held_count == 1);
    grpc_reply(w.held[0], slice_str("later"));
    RUN_UNTIL(&w, a.ends);
    assert_string_equal((char *)a.body, "later");
    assert_int_equal(w.cancels, 0);
    answer_free(&a);
    world_close(&w);
}

static void the_largest_message_goes_up_and_down(void **state)
{
    struct world w;
    struct answer a;
    uint8_t *big = malloc(GRPC_MAX_MESSAGE);

    (void)state;
    for (size_t i = 0; i < GRPC_MAX_MESSAGE; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 13);
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", big, GRPC_MAX_MESSAGE, 30000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.body_len, GRPC_MAX_MESSAGE);
    assert_memory_equal(a.body, big, GRPC_MAX_MESSAGE);
    answer_free(&a);
    free(big);
    world_close(&w);
}

static void a_message_over_the_limit_is_refused_on_either_side(void **state)
{
    struct grpc_server_config server = {.max_message = 1000};
    struct grpc_client_config small = {.max_message = 500};
    struct world w;
    struct answer a, b;
    struct err err;
    char body[2000] = {0};

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", body, 1001, 5000, &a);
    ask(&w, "/t/Echo", body, 1000, 5000, &b);
    RUN_UNTIL(&w, a.ends && b.ends);
    assert_int_equal(a.status, GRPC_RESOURCE_EXHAUSTED);
    assert_false(a.local);
    assert_int_equal(b.status, GRPC_OK);
    answer_free(&a);
    answer_free(&b);
    world_drop_client(&w);
    world_connect(&w, &small);
    assert_int_equal(grpc_unary(w.client, "/t/Echo", slice_of(body, 501), 0, NULL, NULL, NULL, &err), ERR_TOOBIG);
    memset(&a, 0, sizeof a);
    listen_to(&w, "/t/Count", "1 501", 5, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_RESOURCE_EXHAUSTED);
    assert_true(a.local);
    world_close(&w);
}

static void many_calls_share_one_connection(void **state)
{
    enum { CALLS = 3000 };
    struct world w;
    struct answer *a = calloc(CALLS, sizeof *a);
    unsigned ends = 0;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    for (unsigned i = 0; i < CALLS; i++)
        ask(&w, "/t/Echo", &i, sizeof i, 20000, &a[i]);
    while (ends < CALLS && !w.late) {
        uv_run(&w.loop, UV_RUN_ONCE);
        ends = 0;
        for (unsigned i = 0; i < CALLS; i++)
            ends += a[i].ends;
    }
    assert_int_equal(ends, CALLS);
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(a[i].status, GRPC_OK);
        assert_memory_equal(a[i].body, &i, sizeof i);
        answer_free(&a[i]);
    }
    assert_int_equal(w.max_connections_seen, 1);
    free(a);
    world_close(&w);
}

static void a_stream_delivers_headers_messages_and_end_in_order(void **state)
{
    struct world w;
    struct answer a = {0};
    unsigned last;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Count", "1000 100", 8, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.headers, 1);
    assert_int_equal(a.messages, 1000);
    assert_int_equal(a.message_bytes, 100000);
    memcpy(&last, a.last, sizeof last);
    assert_int_equal(last, 999);
    world_close(&w);
}

static void an_open_stream_shows_its_headers_before_any_message(void **state)
{
    struct world w;
    struct answer a = {0};

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Open", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.headers);
    assert_int_equal(a.messages, 0);
    assert_int_equal(grpc_send(w.held[0], slice_str("first")), 0);
    assert_int_equal(grpc_queued(w.held[0]), 1);
    RUN_UNTIL(&w, a.messages == 1);
    assert_int_equal(grpc_queued(w.held[0]), 0);
    assert_memory_equal(a.last, "first", 5);
    assert_int_equal(grpc_send(w.held[0], slice_str("second")), 0);
    grpc_end(w.held[0], GRPC_ABORTED, "too slow");
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.messages, 2);
    assert_int_equal(a.status, GRPC_ABORTED);
    assert_string_equal(a.message, "too slow");
    assert_int_equal(w.cancels, 0);
    world_close(&w);
}

static void a_stream_without_headers_meets_its_deadline_but_lives_on_with_them(void **state)
{
    struct world w;
    struct answer a = {0}, b = {0};

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Open", "", 0, 100, &b);
    listen_to(&w, "/t/Hold", "", 0, 100, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(b.headers, 1);
    assert_int_equal(b.ends, 0);
    world_close(&w);
    assert_int_equal(b.ends, 1);
    assert_int_equal(b.status, GRPC_CANCELLED);
}

static void a_paused_stream_holds_one_window_and_others_go_on(void **state)
{
    enum { SIZE = 64 * 1024, COUNT = 400 }; /* 25 MiB in all */
    struct grpc_server_config server = {.max_queue_messages = 16};
    struct world w;
    struct answer slow = {.pause_after = 10}, quick = {0}, echo;
    unsigned last;

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Count", "400 65536", 9, 5000, &slow);
    RUN_UNTIL(&w, slow.messages == 10);
    /* The server runs into the window and its own queue while others are served. */
    listen_to(&w, "/t/Count", "400 65536", 9, 5000, &quick);
    RUN_UNTIL(&w, quick.ends);
    ask(&w, "/t/Echo", "x", 1, 5000, &echo);
    RUN_UNTIL(&w, echo.ends);
    assert_int_equal(echo.status, GRPC_OK);
    answer_free(&echo);
    assert_int_equal(quick.messages, COUNT);
    assert_int_equal(slow.messages, 10);
    assert_int_equal(slow.ends, 0);
    while (!slow.ends && !w.late) {
        unsigned before = slow.messages;

        grpc_call_resume(slow.call);
        RUN_UNTIL(&w, slow.ends || slow.messages > before);
        assert_true(slow.messages <= before + 10);
    }
    assert_int_equal(slow.status, GRPC_OK);
    assert_int_equal(slow.messages, COUNT);
    assert_int_equal(slow.message_bytes, (size_t)SIZE * COUNT);
    memcpy(&last, slow.last, sizeof last);
    assert_int_equal(last, COUNT - 1);
    assert_true(w.drains > 0);
    world_close(&w);
}

static void a_full_stream_queue_refuses_and_tells_when_it_drained(void **state)
{
    struct grpc_server_config server = {.max_queue_messages = 8, .max_queue_bytes = 1000000};
    struct world w;
    struct answer a = {.pause_after = 1};
    uint8_t *big = calloc(1, 300000);
    unsigned sent = 0;

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Open", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.headers);
    while (grpc_send(w.held[0], slice_of(big, 300000)) == 0)
        sent++;
    assert_int_equal(sent, 3); /* bytes */
    RUN_UNTIL(&w, a.messages == 1);
    sent = 0;
    while (grpc_send(w.held[0], slice_str("small")) == 0)
        sent++;
    assert_true(sent >= 5 && sent <= 8); /* messages */
    assert_int_equal(grpc_queued(w.held[0]), 8);
    free(big);
    world_close(&w);
    assert_int_equal(w.cancels, 1);
}

static void a_stream_cancelled_inside_its_message_gets_no_other(void **state)
{
    struct world w;
    struct answer a = {.cancel_in_message = true};

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Count", "1000 10", 7, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.messages, 1);
    assert_int_equal(a.ends, 1);
    assert_int_equal(a.status, GRPC_CANCELLED);
    world_close(&w);
}

static void a_stream_cancelled_while_paused_ends(void **state)
{
    struct world w;
    struct answer a = {.pause_after = 1};

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Count", "1000 10", 7, 5000, &a);
    RUN_UNTIL(&w, a.messages == 1);
    grpc_call_cancel(a.call);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.messages, 1);
    assert_int_equal(a.status, GRPC_CANCELLED);
    world_close(&w);
}

static void closing_the_client_ends_every_call_once(void **state)
{
    struct world w;
    struct answer unary, stream = {0}, paused = {.pause_after = 1}, never;
    struct err err;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Hold", "", 0, 0, &unary);
    listen_to(&w, "/t/Open", "", 0, 0, &stream);
    listen_to(&w, "/t/Count", "3 10", 4, 0, &paused);
    RUN_UNTIL(&w, w.held_count == 2 && paused.messages == 1);
    ask(&w, "/t/Hold", "", 0, 0, &never);
    grpc_client_close(w.client, NULL, NULL);
    assert_int_equal(grpc_unary(w.client, "/t/Echo", slice_of(NULL, 0), 0, NULL, NULL, NULL, &err), ERR_STATE);
    w.client = NULL;
    RUN_UNTIL(&w, unary.ends && stream.ends && paused.ends && never.ends && w.connections == 0);
    assert_int_equal(unary.status, GRPC_CANCELLED);
    assert_int_equal(stream.status, GRPC_CANCELLED);
    assert_int_equal(never.status, GRPC_CANCELLED);
    assert_int_equal(unary.ends + stream.ends + paused.ends + never.ends, 4);
    answer_free(&unary);
    answer_free(&never);
    world_close(&w);
}

static void a_client_closed_while_dialling_leaves_nothing(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "", 0, 0, &a);
    world_drop_client(&w);
    assert_int_equal(a.status, GRPC_CANCELLED);
    answer_free(&a);
    world_close(&w);
}

static void a_server_that_closes_says_unavailable_and_lets_output_out(void **state)
{
    struct world w;
    struct answer stream = {0}, held;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    listen_to(&w, "/t/Open", "", 0, 0, &stream);
    ask(&w, "/t/Hold", "", 0, 0, &held);
    RUN_UNTIL(&w, w.held_count == 2);
    assert_int_equal(grpc_send(w.held[0], slice_str("last words")), 0);
    world_stop_server(&w, 5000);
    RUN_UNTIL(&w, stream.ends && held.ends);
    assert_int_equal(stream.messages, 1);
    assert_int_equal(stream.status, GRPC_UNAVAILABLE);
    assert_false(stream.local);
    assert_string_equal(stream.message, "service is shutting down");
    assert_int_equal(held.status, GRPC_UNAVAILABLE);
    assert_int_equal(w.cancels, 2);
    answer_free(&held);
    world_close(&w);
}

static void a_restarted_server_is_found_again(void **state)
{
    struct grpc_client_config config = {.backoff_min_ms = 50, .backoff_max_ms = 100};
    struct world w;
    struct answer a, stream = {0};

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, &config);
    listen_to(&w, "/t/Open", "", 0, 0, &stream);
    RUN_UNTIL(&w, stream.headers);
    world_stop_server(&w, 0);
    RUN_UNTIL(&w, stream.ends && grpc_client_link(w.client) == GRPC_LINK_OFFLINE);
    assert_int_equal(stream.status, GRPC_UNAVAILABLE);
    ask(&w, "/t/Echo", "x", 1, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_true(a.local);
    assert_non_null(strstr(grpc_client_last_error(w.client), "connection refused"));
    answer_free(&a);
    world_serve_again(&w);
    RUN_UNTIL(&w, grpc_client_link(w.client) == GRPC_LINK_LIVE); /* by itself */
    ask(&w, "/t/Echo", "x", 1, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    answer_free(&a);
    assert_int_equal(w.links[0], GRPC_LINK_RECONNECTING);
    assert_int_equal(w.links[1], GRPC_LINK_LIVE);
    assert_int_equal(w.links[2], GRPC_LINK_RECONNECTING);
    assert_int_equal(w.links[3], GRPC_LINK_OFFLINE);
    assert_int_equal(w.links[4], GRPC_LINK_LIVE);
    assert_int_equal(w.link_count, 5);
    world_close(&w);
}

static void without_a_server_the_call_fails_and_says_why(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, NULL);
    world_stop_server(&w, 0);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_true(a.local);
    assert_non_null(strstr(a.message, "connection refused"));
    answer_free(&a);
    world_close(&w);
}

static void an_unknown_host_is_named_in_the_error(void **state)
{
    struct grpc_client_config config = {.url = "http://no-such-host.invalid:1"};
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "", 0, 20000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_non_null(strstr(a.message, "no-such-host.invalid"));
    answer_free(&a);
    world_close(&w);
}

static void ipv6_and_ipv4_loopback_are_served_alike(void **state)
{
    struct grpc_client_config config = {0};
    char v4[64], v6[64];
    struct world w;
    struct answer a;
    struct sockaddr_in6 at;
    uv_udp_t probe;
    bool have_v6;

    (void)state;
    world_open(&w, NULL);
    snprintf(v4, sizeof v4, "http://127.0.0.1:%u", grpc_server_port(w.server));
    snprintf(v6, sizeof v6, "http://[::1]:%u", grpc_server_port(w.server));
    config.url = v4;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    answer_free(&a);
    world_drop_client(&w);
    uv_udp_init(&w.loop, &probe);
    uv_ip6_addr("::1", 0, &at);
    have_v6 = uv_udp_bind(&probe, (const struct sockaddr *)&at, 0) == 0;
    uv_close((uv_handle_t *)&probe, NULL);
    config.url = v6;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, have_v6 ? GRPC_OK : GRPC_UNAVAILABLE);
    answer_free(&a);
    world_close(&w);
}

static void connections_over_the_limit_are_refused(void **state)
{
    struct grpc_server_config server = {.max_connections = 1};
    struct world w;
    struct answer a, b;
    struct grpc_client *first;

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    first = w.client;
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "", 0, 5000, &b);
    RUN_UNTIL(&w, b.ends);
    assert_int_equal(b.status, GRPC_UNAVAILABLE);
    assert_int_equal(w.max_connections_seen, 1);
    answer_free(&a);
    answer_free(&b);
    world_drop_client(&w);
    w.client = first;
    world_close(&w);
}

static void streams_over_the_limit_wait_their_turn(void **state)
{
    struct grpc_server_config server = {.max_streams = 2};
    struct world w;
    struct answer a[4];

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "", 0, 5000, &a[0]);
    RUN_UNTIL(&w, a[0].ends); /* the server's SETTINGS are known */
    answer_free(&a[0]);
    for (int i = 0; i < 3; i++)
        ask(&w, "/t/Hold", "", 0, 5000, &a[i]);
    ask(&w, "/t/Echo", "", 0, 100, &a[3]);
    RUN_UNTIL(&w, a[3].ends);
    assert_int_equal(a[3].status, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(w.held_count, 2);
    grpc_reply(w.held[0], slice_of(NULL, 0));
    RUN_UNTIL(&w, w.held_count == 3);
    world_close(&w);
    for (int i = 0; i < 4; i++)
        answer_free(&a[i]);
}

static void reply_large(struct world *w, struct grpc_request *req)
{
    enum { SIZE = 3 * 1000 * 1000 };
    uint8_t *large = calloc(1, SIZE);

    (void)w;
    grpc_reply(req, slice_of(large, SIZE));
    free(large);
}

static void a_connection_over_its_memory_is_told_resource_exhausted(void **state)
{
    struct grpc_server_config server = {.max_connection_bytes = 100000};
    struct world w;
    struct answer held[9], a;
    uint8_t *body = calloc(1, 90000);

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    for (int i = 0; i < 9; i++)
        ask(&w, "/t/Hold", body, 10000, 5000, &held[i]);
    RUN_UNTIL(&w, w.held_count == 9);
    ask(&w, "/t/Echo", body, 90000, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(w.requests, 9); /* the handler has not seen it */
    answer_free(&a);
    w.serve = reply_large;
    ask(&w, "/t/Large", body, 1, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_RESOURCE_EXHAUSTED);
    answer_free(&a);
    for (int i = 0; i < 9; i++)
        grpc_reply(w.held[i], slice_of(NULL, 0));
    for (int i = 0; i < 9; i++) {
        RUN_UNTIL(&w, held[i].ends);
        assert_int_equal(held[i].status, GRPC_OK);
        answer_free(&held[i]);
    }
    ask(&w, "/t/Echo", body, 45000, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    answer_free(&a);
    free(body);
    world_close(&w);
}

/* Many streams with one large message each are as much as one stream with many. */
static void an_empty_queue_waits_for_the_memory_of_its_connection(void **state)
{
    enum { SIZE = 2 * 1000 * 1000, STREAMS = 4 };
    struct grpc_server_config server = {.max_connection_bytes = 2 * SIZE + 100};
    struct answer a[STREAMS] = {{0}};
    uint8_t *big = calloc(1, SIZE);
    struct world w;

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    for (int i = 0; i < STREAMS; i++)
        listen_to(&w, "/t/Open", "", 0, 5000, &a[i]);
    RUN_UNTIL(&w, w.held_count == STREAMS);
    assert_int_equal(grpc_send(w.held[0], slice_of(big, SIZE)), 0);
    assert_int_equal(grpc_send(w.held[1], slice_of(big, SIZE)), 0);
    assert_int_equal(grpc_send(w.held[2], slice_of(big, SIZE)), ERR_TOOBIG);
    assert_int_equal(grpc_send(w.held[3], slice_of(big, 1000)), 0); /* its share */
    RUN_UNTIL(&w, w.drains == 1);
    assert_int_equal(grpc_send(w.held[2], slice_of(big, SIZE)), 0);
    for (int i = 0; i < STREAMS; i++)
        RUN_UNTIL(&w, a[i].messages == 1);
    assert_int_equal(w.drains, 1);
    free(big);
    world_close(&w);
}

static void all_connections_together_have_a_bound(void **state)
{
    enum { SIZE = 2 * 1000 * 1000 };
    struct grpc_server_config server = {.max_bytes = SIZE + 100, .max_connections = 10};
    struct grpc_client *greedy;
    struct answer a[2] = {{0}}, echo;
    uint8_t *big = calloc(1, SIZE);
    struct world w;

    (void)state;
    world_open(&w, &server);
    world_connect(&w, NULL);
    for (int i = 0; i < 2; i++)
        listen_to(&w, "/t/Open", "", 0, 5000, &a[i]);
    RUN_UNTIL(&w, w.held_count == 2);
    for (int i = 0; i < 2; i++)
        grpc_call_pause(a[i].call);
    assert_int_equal(grpc_send(w.held[0], slice_of(big, SIZE)), 0);
    assert_int_equal(grpc_send(w.held[1], slice_of(big, SIZE)), ERR_NOMEM);
    ask(&w, "/t/Echo", big, SIZE, 5000, &echo);
    RUN_UNTIL(&w, echo.ends);
    assert_int_equal(echo.status, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(w.requests, 2);
    answer_free(&echo);
    w.serve = reply_large;
    ask(&w, "/t/Large", big, 1, 5000, &echo);
    RUN_UNTIL(&w, echo.ends);
    assert_int_equal(echo.status, GRPC_RESOURCE_EXHAUSTED);
    answer_free(&echo);
    for (int i = 0; i < 100; i++) { /* what left for the client's window is filled up again */
        while (grpc_send(w.held[0], slice_of(big, SIZE / 100)) == 0)
            ;
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    greedy = w.client;
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", big, SIZE / 20, 5000, &echo); /* another connection has its share all the same */
    RUN_UNTIL(&w, echo.ends);
    assert_int_equal(echo.status, GRPC_OK);
    answer_free(&echo);
    world_drop_client(&w);
    w.client = greedy;
    grpc_call_resume(a[0].call);
    RUN_UNTIL(&w, grpc_queued(w.held[0]) == 0);
    ask(&w, "/t/Echo", big, SIZE / 2, 5000, &echo);
    RUN_UNTIL(&w, echo.ends);
    assert_int_equal(echo.status, GRPC_OK);
    answer_free(&echo);
    free(big);
    world_close(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_is_echoed),
        cmocka_unit_test(errors_carry_status_and_text),
        cmocka_unit_test(request_headers_arrive),
        cmocka_unit_test(a_call_without_answer_meets_its_deadline),
        cmocka_unit_test(a_cancelled_call_ends_once_and_the_server_learns_it),
        cmocka_unit_test(a_call_cancelled_before_it_was_dialled_never_reaches_the_server),
        cmocka_unit_test(a_late_answer_reaches_the_caller),
        cmocka_unit_test(the_largest_message_goes_up_and_down),
        cmocka_unit_test(a_message_over_the_limit_is_refused_on_either_side),
        cmocka_unit_test(many_calls_share_one_connection),
        cmocka_unit_test(a_stream_delivers_headers_messages_and_end_in_order),
        cmocka_unit_test(an_open_stream_shows_its_headers_before_any_message),
        cmocka_unit_test(a_stream_without_headers_meets_its_deadline_but_lives_on_with_them),
        cmocka_unit_test(a_paused_stream_holds_one_window_and_others_go_on),
        cmocka_unit_test(a_full_stream_queue_refuses_and_tells_when_it_drained),
        cmocka_unit_test(a_stream_cancelled_inside_its_message_gets_no_other),
        cmocka_unit_test(a_stream_cancelled_while_paused_ends),
        cmocka_unit_test(closing_the_client_ends_every_call_once),
        cmocka_unit_test(a_client_closed_while_dialling_leaves_nothing),
        cmocka_unit_test(a_server_that_closes_says_unavailable_and_lets_output_out),
        cmocka_unit_test(a_restarted_server_is_found_again),
        cmocka_unit_test(without_a_server_the_call_fails_and_says_why),
        cmocka_unit_test(an_unknown_host_is_named_in_the_error),
        cmocka_unit_test(ipv6_and_ipv4_loopback_are_served_alike),
        cmocka_unit_test(connections_over_the_limit_are_refused),
        cmocka_unit_test(streams_over_the_limit_wait_their_turn),
        cmocka_unit_test(a_connection_over_its_memory_is_told_resource_exhausted),
        cmocka_unit_test(an_empty_queue_waits_for_the_memory_of_its_connection),
        cmocka_unit_test(all_connections_together_have_a_bound),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
