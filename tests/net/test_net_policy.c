/* The pure decisions: backoff, retry, keepalive; and texts: addresses, statuses. */
#include "base/err.h"
#include "base/rand.h"
#include "net/backoff.h"
#include "net/keepalive.h"
#include "net/retry.h"
#include "net/status.h"
#include "net/url.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* "Random" numbers that are all zeros: no jitter. */
static void fill_zero(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0, len);
}
static const struct rand no_jitter = {fill_zero, NULL};

static void waits_double_up_to_the_cap(void **state)
{
    static const uint64_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct backoff b;

    (void)state;
    backoff_init(&b, 1000, 60000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(backoff_next_ms(&b, &no_jitter), expected[i]);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(backoff_next_ms(&b, &no_jitter), 60000);
    backoff_reset(&b);
    assert_int_equal(backoff_next_ms(&b, &no_jitter), 1000);
}

static void jitter_takes_up_to_half_away(void **state)
{
    struct rand_seed seed;
    struct rand rand = rand_seeded(&seed, 1);
    struct backoff b;
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    backoff_init(&b, 1000, 60000);
    for (int i = 0; i < 2000; i++) {
        uint64_t wait;

        backoff_reset(&b);
        wait = backoff_next_ms(&b, &rand);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_in_range(least, 500, 520);
    assert_in_range(most, 980, 1000);
}

static void a_busy_node_is_asked_five_times_more_at_growing_intervals(void **state)
{
    static const uint64_t expected[] = {50, 50, 150, 450, 1350};
    static const int statuses[] = {GRPC_UNAVAILABLE, GRPC_DEADLINE_EXCEEDED, GRPC_RESOURCE_EXHAUSTED, GRPC_ABORTED};
    uint64_t wait;

    (void)state;
    for (int s = 0; s < 4; s++) {
        struct retry r = {0};

        for (int i = 0; i < 5; i++) {
            assert_true(retry_next(&r, statuses[s], 30000, &no_jitter, &wait));
            assert_int_equal(wait, expected[i]);
        }
        assert_false(retry_next(&r, statuses[s], 30000, &no_jitter, &wait));
    }
}

static void a_bug_is_given_two_more_chances_and_a_refusal_none(void **state)
{
    static const int finals[] = {GRPC_CANCELLED, GRPC_INVALID_ARGUMENT, GRPC_NOT_FOUND, GRPC_PERMISSION_DENIED,
                                 GRPC_UNIMPLEMENTED, GRPC_UNAUTHENTICATED, GRPC_FAILED_PRECONDITION};
    struct retry r = {0};
    uint64_t wait;

    (void)state;
    assert_true(retry_next(&r, GRPC_INTERNAL, 30000, &no_jitter, &wait));
    assert_true(retry_next(&r, GRPC_UNKNOWN, 30000, &no_jitter, &wait));
    assert_false(retry_next(&r, GRPC_INTERNAL, 30000, &no_jitter, &wait));
    for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
        r.attempts = 0;
        assert_false(retry_next(&r, finals[i], 30000, &no_jitter, &wait));
    }
}

static void a_wait_past_the_deadline_is_not_begun(void **state)
{
    struct retry r = {0};
    uint64_t wait;

    (void)state;
    assert_false(retry_next(&r, GRPC_UNAVAILABLE, 50, &no_jitter, &wait));
    assert_true(retry_next(&r, GRPC_UNAVAILABLE, 51, &no_jitter, &wait));
    assert_false(retry_next(&r, GRPC_UNAVAILABLE, 0, &no_jitter, &wait));
}

static void a_silent_peer_is_pinged_and_then_given_up(void **state)
{
    struct keepalive k;
    uint64_t wait = 0;

    (void)state;
    keepalive_init(&k, 16000, 10000, 1000);
    assert_int_equal(keepalive_step(&k, 1000, &wait), KEEPALIVE_WAIT);
    assert_int_equal(wait, 16000);
    keepalive_heard(&k, 5000);
    assert_int_equal(keepalive_step(&k, 17000, &wait), KEEPALIVE_WAIT);
    assert_int_equal(wait, 4000);
    assert_int_equal(keepalive_step(&k, 21000, &wait), KEEPALIVE_PING);
    assert_int_equal(wait, 10000);
    assert_int_equal(keepalive_step(&k, 25000, &wait), KEEPALIVE_WAIT);
    assert_int_equal(wait, 6000);
    keepalive_heard(&k, 30999); /* data counts as well as the acknowledgement */
    assert_int_equal(keepalive_step(&k, 31000, &wait), KEEPALIVE_WAIT);
    assert_int_equal(keepalive_step(&k, 46999, &wait), KEEPALIVE_PING);
    assert_int_equal(keepalive_step(&k, 56998, &wait), KEEPALIVE_WAIT);
    assert_int_equal(wait, 1);
    assert_int_equal(keepalive_step(&k, 56999, &wait), KEEPALIVE_DEAD);
}

static void addresses_of_nodes_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host, *authority;
        uint16_t port;
        bool tls;
    } good[] = {
        {"http://127.0.0.1:5556", "127.0.0.1", "127.0.0.1:5556", 5556, false},
        {"http://localhost:5556/", "localhost", "localhost:5556", 5556, false},
        {"https://grpc.dev.xmtp.network:443", "grpc.dev.xmtp.network", "grpc.dev.xmtp.network", 443, true},
        {"https://a-b.c", "a-b.c", "a-b.c", 443, true},
        {"http://h", "h", "h", 80, false},
        {"http://[::1]:5556", "::1", "[::1]:5556", 5556, false},
        {"https://[fe80::1%eth0]", "fe80::1%eth0", "[fe80::1%eth0]", 443, true},
    };
    static const char *const bad[] = {"", "localhost:5556", "ftp://h:1", "http://", "http://:80", "http://h:",
                                      "http://h:0", "http://h:65536", "http://h:1x", "http://h/path",
                                      "http://u@h:1", "http://h:1?q", "http://[::1:5556", "http://[::1]x",
                                      "http://a b:1", "http://h:000000080", "http://::1"};
    struct url url;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(url_parse(good[i].text, &url, &err), 0);
        assert_string_equal(url.host, good[i].host);
        assert_string_equal(url.authority, good[i].authority);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.tls, good[i].tls);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(url_parse(bad[i], &url, &err), ERR_INVALID);
}

static void addresses_to_listen_on_need_a_port(void **state)
{
    char host[URL_HOST_MAX];
    uint16_t port = 1;
    struct err err;

    (void)state;
    assert_int_equal(url_parse_listen("localhost:0", host, &port, &err), 0);
    assert_string_equal(host, "localhost");
    assert_int_equal(port, 0);
    assert_int_equal(url_parse_listen("[::1]:5556", host, &port, &err), 0);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 5556);
    assert_int_equal(url_parse_listen("localhost", host, &port, &err), ERR_INVALID);
    assert_int_equal(url_parse_listen(":5556", host, &port, &err), ERR_INVALID);
}

static void messages_survive_their_encoding(void **state)
{
    static const char text[] = "100% \xc3\xb6\n\x7f end";
    char wire[100], back[100];
    size_t len;

    (void)state;
    len = grpc_message_encode(text, wire, sizeof wire);
    assert_string_equal(wire, "100%25 %C3%B6%0A%7F end");
    assert_int_equal(len, strlen(wire));
    grpc_message_decode(slice_of(wire, len), back, sizeof back);
    assert_string_equal(back, text);
    for (size_t room = 1; room <= len; room++) { /* cut, never inside an escape */
        size_t n = grpc_message_encode(text, wire, room);

        assert_true(n < room);
        grpc_message_decode(slice_of(wire, n), back, sizeof back);
        assert_memory_equal(back, text, strlen(back));
    }
    grpc_message_decode(slice_str("50%, %zz %4"), back, sizeof back);
    assert_string_equal(back, "50%, %zz %4");
    grpc_message_decode(slice_str("a%00b"), back, sizeof back);
    assert_string_equal(back, "a?b");
}

static void statuses_have_numbers_and_names(void **state)
{
    (void)state;
    assert_int_equal(grpc_status_parse(slice_str("0")), GRPC_OK);
    assert_int_equal(grpc_status_parse(slice_str("14")), GRPC_UNAVAILABLE);
    assert_int_equal(grpc_status_parse(slice_str("17")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(slice_str("-1")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(slice_str("")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(slice_str("014")), GRPC_UNKNOWN);
    assert_string_equal(grpc_status_name(8), "RESOURCE_EXHAUSTED");
    assert_string_equal(grpc_status_name(99), "UNKNOWN");
    assert_string_equal(grpc_status_name(-5), "UNKNOWN");
    assert_int_equal(grpc_status_of_http(503), GRPC_UNAVAILABLE);
    assert_int_equal(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
    assert_int_equal(grpc_status_of_http(302), GRPC_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_cap),
        cmocka_unit_test(jitter_takes_up_to_half_away),
        cmocka_unit_test(a_busy_node_is_asked_five_times_more_at_growing_intervals),
        cmocka_unit_test(a_bug_is_given_two_more_chances_and_a_refusal_none),
        cmocka_unit_test(a_wait_past_the_deadline_is_not_begun),
        cmocka_unit_test(a_silent_peer_is_pinged_and_then_given_up),
        cmocka_unit_test(addresses_of_nodes_are_taken_apart),
        cmocka_unit_test(addresses_to_listen_on_need_a_port),
        cmocka_unit_test(messages_survive_their_encoding),
        cmocka_unit_test(statuses_have_numbers_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
