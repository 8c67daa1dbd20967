/* Peers that misbehave: raw sockets that say what they like to our client and to our server. */
#include "tests/net/net_world.h"

#include "base/alloc.h"
#include "base/rand.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* A server that is a raw socket: sends `script` as soon as a client is there, then reads and says
 * nothing more; closes after the script where told to. */
struct raw {
    uv_tcp_t listener, peer;
    bool accepted, close_after;
    uv_write_t write;
    const void *script;
    size_t script_len;
    uint8_t got[65536];
    size_t got_len;
    bool said, ended;
    char buffer[65536];
};

static void raw_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct raw *raw = handle->data;

    (void)suggested;
    *buf = uv_buf_init(raw->buffer, sizeof raw->buffer);
}

static void raw_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct raw *raw = stream->data;

    if (n < 0) {
        raw->ended = true;
        uv_read_stop(stream);
        return;
    }
    if (raw->got_len + (size_t)n <= sizeof raw->got) {
        memcpy(raw->got + raw->got_len, buf->base, (size_t)n);
        raw->got_len += (size_t)n;
    }
}

static void raw_written(uv_write_t *req, int status)
{
    struct raw *raw = req->data;

    (void)status;
    raw->said = true;
    if (raw->close_after && !uv_is_closing((uv_handle_t *)&raw->peer)) {
        uv_close((uv_handle_t *)&raw->peer, NULL);
        raw->accepted = false;
    }
}

static void raw_say(struct raw *raw)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)raw->script, (unsigned)raw->script_len);

    raw->write.data = raw;
    uv_write(&raw->write, (uv_stream_t *)&raw->peer, &b, 1, raw_written);
}

static void raw_connection(uv_stream_t *listener, int status)
{
    struct raw *raw = listener->data;

    assert_int_equal(status, 0);
    if (raw->accepted)
        return; /* a second attempt stays in the backlog */
    uv_tcp_init(listener->loop, &raw->peer);
    raw->peer.data = raw;
    uv_accept(listener, (uv_stream_t *)&raw->peer);
    raw->accepted = true;
    uv_read_start((uv_stream_t *)&raw->peer, raw_alloc, raw_read);
    if (raw->script_len)
        raw_say(raw);
}

static void raw_serve(struct world *w, struct raw *raw, const void *script, size_t len)
{
    struct sockaddr_in at;
    int at_len = sizeof at;

    memset(raw, 0, sizeof *raw);
    raw->script = script;
    raw->script_len = len;
    uv_tcp_init(&w->loop, &raw->listener);
    raw->listener.data = raw;
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_bind(&raw->listener, (const struct sockaddr *)&at, 0);
    uv_listen((uv_stream_t *)&raw->listener, 8, raw_connection);
    uv_tcp_getsockname(&raw->listener, (struct sockaddr *)&at, &at_len);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", ntohs(at.sin_port));
}

static void raw_close(struct raw *raw)
{
    uv_close((uv_handle_t *)&raw->listener, NULL);
    if (raw->accepted)
        uv_close((uv_handle_t *)&raw->peer, NULL);
}

/* HTTP/2 frames, written by hand. */
static void put_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
    buf_put_u8(b, (uint8_t)(len >> 16));
    buf_put_u16(b, (uint16_t)len);
    buf_put_u8(b, type);
    buf_put_u8(b, flags);
    buf_put_u32(b, stream);
    buf_put(b, payload, len);
}

enum { DATA = 0, HEADERS = 1, RST = 3, SETTINGS = 4, PUSH = 5, PING = 6, GOAWAY = 7, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4 };

/* A literal header field without indexing, names and values below 127 bytes (RFC 7541 6.2.2). */
static void put_header(struct buf *b, const char *name, const char *value)
{
    buf_put_u8(b, 0);
    buf_put_u8(b, (uint8_t)strlen(name));
    buf_put_str(b, name);
    buf_put_u8(b, (uint8_t)strlen(value));
    buf_put_str(b, value);
}

static void put_answer_headers(struct buf *b, const char *status, const char *content_type)
{
    struct buf h = BUF_INIT;

    put_header(&h, ":status", status);
    put_header(&h, "content-type", content_type);
    put_frame(b, HEADERS, END_HEADERS, 1, h.data, h.len);
    buf_free(&h);
}

static void put_trailers(struct buf *b, const char *status)
{
    struct buf h = BUF_INIT;

    if (status)
        put_header(&h, "grpc-status", status);
    else
        put_header(&h, "other", "x");
    put_frame(b, HEADERS, END_HEADERS | END_STREAM, 1, h.data, h.len);
    buf_free(&h);
}

/* Asks a server that answers `script` to the first stream; what the caller is told is in *a. */
static void ask_raw(const struct buf *script, struct answer *a)
{
    struct grpc_client_config config = {.connect_timeout_ms = 2000};
    struct raw raw;
    struct world w;

    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, script->data, script->len);
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "x", 1, 3000, a);
    RUN_UNTIL(&w, a->ends);
    world_drop_client(&w);
    raw_close(&raw);
    world_close(&w);
    assert_int_equal(a->ends, 1);
    answer_free(a);
}

#define FAILS(script_, status_, text_)                                                                          \
    do {                                                                                                        \
        struct answer a_;                                                                                       \
        ask_raw(&(script_), &a_);                                                                               \
        buf_free(&(script_));                                                                                   \
        if (a_.status != (status_) || !strstr(a_.message, (text_)))                                             \
            fail_msg("status %d, \"%s\"", a_.status, a_.message);                                               \
    } while (0)

static struct buf hello(void)
{
    struct buf b = BUF_INIT;

    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    return b;
}

static void a_good_answer_by_hand_is_taken(void **state)
{
    struct buf b = hello();
    struct answer a;

    (void)state;
    put_answer_headers(&b, "200", "application/grpc+proto");
    put_frame(&b, DATA, 0, 1, "\0\0\0", 3);
    put_frame(&b, DATA, 0, 1, "\0\2o", 3);
    put_frame(&b, DATA, 0, 1, "k", 1);
    put_trailers(&b, "0");
    ask_raw(&b, &a);
    buf_free(&b);
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.body_len, 2);
}

static void what_is_no_http2_is_named_so(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_put_str(&b, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    FAILS(b, GRPC_UNAVAILABLE, "HTTP");
    b = BUF_INIT;
    buf_put_str(&b, "SSH-2.0-OpenSSH_9.2\r\n");
    FAILS(b, GRPC_UNAVAILABLE, "HTTP/2");
}

static void random_bytes_are_refused(void **state)
{
    struct rand_seed seed;
    struct rand rand = rand_seeded(&seed, 7);

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct buf b = i % 2 ? hello() : BUF_INIT;
        uint8_t noise[300];

        rand_fill(&rand, noise, sizeof noise);
        noise[0] = 0; /* keep lengths small, so that frames come to be */
        noise[1] = 0;
        buf_put(&b, noise, sizeof noise);
        /* A wrong frame fails at once; one that looks like the first half of a good one waits. */
        struct answer a;
        ask_raw(&b, &a);
        buf_free(&b);
        assert_int_not_equal(a.status, GRPC_OK);
    }
}

static void http_errors_become_statuses(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "503", "text/html");
    put_frame(&b, DATA, END_STREAM, 1, "<html>", 6);
    FAILS(b, GRPC_UNAVAILABLE, "HTTP status 503");
    b = hello();
    put_answer_headers(&b, "404", "text/html");
    FAILS(b, GRPC_UNIMPLEMENTED, "HTTP status 404");
    b = hello(); /* headers that are the whole answer */
    put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, "\x48\x03" "429", 5);
    FAILS(b, GRPC_UNAVAILABLE, "HTTP status 429");
}

static void headers_that_go_before_the_answer_are_passed_over(void **state)
{
    struct buf b = hello();
    struct answer a;

    (void)state;
    put_answer_headers(&b, "103", "text/html");
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\0", 5);
    put_trailers(&b, "0");
    ask_raw(&b, &a);
    assert_string_equal(a.message, "");
    assert_int_equal(a.status, GRPC_OK);
    buf_free(&b);
}

static void another_content_type_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "text/html");
    put_frame(&b, DATA, END_STREAM, 1, "<html>", 6);
    FAILS(b, GRPC_UNKNOWN, "not gRPC");
}

static void a_compressed_answer_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\1\0\0\0\1x", 6);
    put_trailers(&b, "0");
    FAILS(b, GRPC_INTERNAL, "compressed");
}

static void a_length_over_the_limit_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\xff\xff\xff\xffx", 6);
    FAILS(b, GRPC_RESOURCE_EXHAUSTED, "over the limit");
}

static void an_answer_cut_off_in_its_message_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\5x", 6);
    put_trailers(&b, "0");
    FAILS(b, GRPC_INTERNAL, "cut off");
}

static void an_answer_without_message_or_with_two_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "application/grpc");
    put_trailers(&b, "0");
    FAILS(b, GRPC_INTERNAL, "missing response message");
    b = hello();
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\0\0\0\0\0\0", 10);
    put_trailers(&b, "0");
    FAILS(b, GRPC_INTERNAL, "more than one message");
}

static void an_answer_without_status_is_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\0", 5);
    put_trailers(&b, NULL);
    FAILS(b, GRPC_UNKNOWN, "no grpc-status");
}

static void a_huge_header_list_is_refused(void **state)
{
    struct buf b = hello(), h = BUF_INIT;
    char value[121];

    (void)state;
    memset(value, 'v', 120);
    value[120] = 0;
    put_header(&h, ":status", "200");
    for (int i = 0; i < 110; i++)
        put_header(&h, "x", value); /* 14 KiB of bytes, 17 KiB as HTTP/2 counts */
    put_frame(&b, HEADERS, END_HEADERS, 1, h.data, h.len);
    buf_free(&h);
    FAILS(b, GRPC_RESOURCE_EXHAUSTED, "headers of more than");
}

static void an_endless_header_block_is_refused(void **state)
{
    struct buf b = hello();
    uint8_t piece[16000] = {0};

    (void)state;
    put_frame(&b, HEADERS, 0, 1, "\x88", 1);
    for (int i = 0; i < 40; i++)
        put_frame(&b, CONTINUATION, 0, 1, piece, sizeof piece);
    FAILS(b, GRPC_UNAVAILABLE, "");
}

static void a_pushed_stream_and_a_reset_are_refused(void **state)
{
    struct buf b = hello();

    (void)state;
    put_frame(&b, SETTINGS, 1, 0, NULL, 0); /* "no push" is agreed */
    put_frame(&b, PUSH, END_HEADERS, 1, "\0\0\0\2\x88", 5);
    FAILS(b, GRPC_UNAVAILABLE, "HTTP/2");
    b = hello();
    put_frame(&b, RST, 0, 1, "\0\0\0\2", 4);
    FAILS(b, GRPC_INTERNAL, "INTERNAL_ERROR");
    b = hello();
    put_frame(&b, RST, 0, 1, "\0\0\0\xb", 4);
    FAILS(b, GRPC_RESOURCE_EXHAUSTED, "ENHANCE_YOUR_CALM");
}

static void a_server_that_refuses_the_stream_is_asked_again_a_few_times(void **state)
{
    struct buf b = hello();

    (void)state;
    put_frame(&b, RST, 0, 1, "\0\0\0\7", 4);
    put_frame(&b, RST, 0, 3, "\0\0\0\7", 4); /* before it was opened: breaks HTTP/2 */
    FAILS(b, GRPC_UNAVAILABLE, "");
}

static void a_server_that_hangs_up_in_the_handshake_is_unavailable(void **state)
{
    struct buf b = hello();
    struct grpc_client_config config = {0};
    struct raw raw;
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, b.data, 3);
    raw.close_after = true;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "x", 1, 3000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_true(grpc_client_link(w.client) == GRPC_LINK_OFFLINE);
    answer_free(&a);
    world_drop_client(&w);
    raw_close(&raw);
    world_close(&w);
    buf_free(&b);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    struct grpc_client_config config = {.connect_timeout_ms = 100};
    struct raw raw;
    struct world w;
    struct answer a;

    (void)state;
    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, NULL, 0);
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "x", 1, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_string_equal(a.message, "no HTTP/2 answer in time");
    answer_free(&a);
    world_drop_client(&w);
    raw_close(&raw);
    world_close(&w);
}

static void an_unanswered_ping_ends_the_connection_and_all_on_it(void **state)
{
    struct grpc_client_config config = {.ping_interval_ms = 50, .ping_timeout_ms = 50};
    struct buf b = hello();
    struct raw raw;
    struct world w;
    struct answer a, stream = {0};

    (void)state;
    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, b.data, b.len);
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "x", 1, 0, &a);
    listen_to(&w, "/t/Open", "", 0, 0, &stream);
    RUN_UNTIL(&w, a.ends && stream.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_string_equal(a.message, "the node has not answered a ping for 50 ms");
    assert_int_equal(stream.status, GRPC_UNAVAILABLE);
    RUN_UNTIL(&w, raw.ended);
    answer_free(&a);
    world_drop_client(&w);
    raw_close(&raw);
    world_close(&w);
    buf_free(&b);
}

static void an_answered_ping_keeps_the_connection(void **state)
{
    struct grpc_client_config config = {.ping_interval_ms = 20, .ping_timeout_ms = 500};
    struct world w;
    struct answer a;
    uint64_t heard;

    (void)state;
    world_open(&w, NULL);
    world_connect(&w, &config);
    ask(&w, "/t/Hold", "x", 1, 0, &a);
    RUN_UNTIL(&w, w.held_count == 1);
    heard = grpc_client_last_heard_ms(w.client);
    RUN_UNTIL(&w, grpc_client_last_heard_ms(w.client) > heard + 60); /* three pings */
    assert_int_equal(a.ends, 0);
    assert_int_equal(grpc_client_connections(w.client), 1);
    world_close(&w);
    answer_free(&a);
}

static void after_goaway_new_calls_take_a_new_connection_and_refused_ones_follow(void **state)
{
    struct buf b = hello();
    struct raw raw;
    struct world w;
    struct answer a;

    (void)state;
    /* The raw server says that it looked at no stream and wants none; the call must be asked again of
     * whoever listens there next: our own server, on the same port. */
    put_frame(&b, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, b.data, b.len);
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "again", 5, 10000, &a);
    RUN_UNTIL(&w, raw.accepted);
    uv_close((uv_handle_t *)&raw.listener, NULL);
    world_serve_at(&w, strrchr(w.url, '/') + 1);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_string_equal((char *)a.body, "again");
    assert_int_equal(a.ends, 1);
    answer_free(&a);
    world_drop_client(&w);
    uv_close((uv_handle_t *)&raw.peer, NULL);
    world_close(&w);
    buf_free(&b);
}

static void a_call_under_way_is_answered_after_goaway(void **state)
{
    struct buf b = hello();
    struct answer a;

    (void)state;
    put_frame(&b, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8); /* stream 1 is the last */
    put_answer_headers(&b, "200", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\2ok", 7);
    put_trailers(&b, "0");
    ask_raw(&b, &a);
    buf_free(&b);
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.body_len, 2);
}

/* ---- clients that misbehave ---- */

struct bad_client {
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct raw io;
    unsigned pings;
};

static void client_connected(uv_connect_t *req, int status)
{
    struct bad_client *c = req->data;

    assert_int_equal(status, 0);
    uv_read_start((uv_stream_t *)&c->io.peer, raw_alloc, raw_read);
    raw_say(&c->io);
}

/* Says `script` to our server; afterwards a good client must still be served. */
static void say_to_server(struct world *w, struct bad_client *c, const void *script, size_t len)
{
    struct sockaddr_in at;

    memset(c, 0, sizeof *c);
    uv_ip4_addr("127.0.0.1", grpc_server_port(w->server), &at);
    uv_tcp_init(&w->loop, &c->io.peer);
    c->io.peer.data = &c->io;
    c->io.script = script;
    c->io.script_len = len;
    c->connect.data = c;
    uv_tcp_connect(&c->connect, &c->io.peer, (const struct sockaddr *)&at, client_connected);
}

static void assert_serves(struct world *w)
{
    struct answer a;

    world_connect(w, NULL);
    ask(w, "/t/Echo", "well?", 5, 5000, &a);
    RUN_UNTIL(w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    answer_free(&a);
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void put_request_to(struct buf *b, uint32_t stream, uint8_t flags, const char *path, const char *method,
                           const char *type)
{
    struct buf h = BUF_INIT;

    put_header(&h, ":method", method);
    put_header(&h, ":scheme", "http");
    put_header(&h, ":path", path);
    put_header(&h, ":authority", "x");
    put_header(&h, "content-type", type);
    put_frame(b, HEADERS, (uint8_t)(END_HEADERS | flags), stream, h.data, h.len);
    buf_free(&h);
}

static void put_request(struct buf *b, uint32_t stream, uint8_t flags, const char *method, const char *type)
{
    put_request_to(b, stream, flags, "/t/Echo", method, type);
}

static void a_client_that_speaks_no_http2_is_dropped(void **state)
{
    struct bad_client c;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    say_to_server(&w, &c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    RUN_UNTIL(&w, c.io.ended);
    RUN_UNTIL(&w, w.connections == 0);
    assert_serves(&w);
    uv_close((uv_handle_t *)&c.io.peer, NULL);
    world_close(&w);
}

static void garbage_after_the_preface_is_dropped(void **state)
{
    struct rand_seed seed;
    struct rand rand = rand_seeded(&seed, 11);
    uint8_t noise[400];

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct buf b = BUF_INIT;
        struct bad_client c;
        struct world w;

        rand_fill(&rand, noise, sizeof noise);
        noise[0] = noise[1] = 0;
        buf_put_str(&b, preface);
        buf_put(&b, noise, sizeof noise);
        world_open(&w, NULL);
        say_to_server(&w, &c, b.data, b.len);
        RUN_UNTIL(&w, c.io.ended);
        assert_int_equal(w.requests, 0);
        assert_serves(&w);
        uv_close((uv_handle_t *)&c.io.peer, NULL);
        world_close(&w);
        buf_free(&b);
    }
}

/* Sends one request of this body to our server and waits until `expected` is in what comes back. */
static void assert_answer_has(const struct buf *requests, const char *expected, size_t len)
{
    struct buf b = BUF_INIT;
    struct bad_client c;
    struct world w;
    bool found = false;

    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    buf_put(&b, requests->data, requests->len);
    world_open(&w, NULL);
    say_to_server(&w, &c, b.data, b.len);
    while (!found && !w.late) {
        uv_run(&w.loop, UV_RUN_ONCE);
        for (size_t i = 0; i + len <= c.io.got_len && !found; i++)
            found = memcmp(c.io.got + i, expected, len) == 0;
    }
    assert_true(found);
    assert_int_equal(w.requests, 0);
    assert_serves(&w);
    uv_close((uv_handle_t *)&c.io.peer, NULL);
    world_close(&w);
    buf_free(&b);
}

/* ---- clients that write a dialogue, frame by frame ---- */

/* Says more, and waits until it has left. */
static void say_on(struct world *w, struct bad_client *c, const struct buf *b)
{
    c->io.script = b->data;
    c->io.script_len = b->len;
    c->io.said = false;
    raw_say(&c->io);
    RUN_UNTIL(w, c->io.said);
}

/* What came are whole frames from the first byte on.  The n-th of a kind (from 1), or NULL. */
static const uint8_t *nth_frame(const struct bad_client *c, uint8_t type, uint8_t flags, uint32_t stream, unsigned n)
{
    size_t at = 0;

    while (c->io.got_len - at >= 9) {
        const uint8_t *head = c->io.got + at;
        size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];

        if (c->io.got_len - at < 9 + len)
            return NULL;
        if (head[3] == type && (head[4] & flags) == flags && head[8] == stream && --n == 0)
            return head;
        at += 9 + len;
    }
    return NULL;
}

static const uint8_t *frame_of(const struct bad_client *c, uint8_t type, uint8_t flags, uint32_t stream)
{
    return nth_frame(c, type, flags, stream, 1);
}

/* All that the server has to say about what came so far has been said when it answers a ping. */
static void ask_ping(struct world *w, struct bad_client *c)
{
    struct buf b = BUF_INIT;

    put_frame(&b, PING, 0, 0, "whatever", 8);
    say_on(w, c, &b);
    c->pings++;
    RUN_UNTIL(w, nth_frame(c, PING, 1, 0, c->pings));
    buf_free(&b);
}

/* The grpc-status of the one answer; -1: it has none. */
static int status_of(const struct bad_client *c)
{
    const uint8_t *head = frame_of(c, HEADERS, END_STREAM, 1), *at = head ? head + 9 : NULL;
    size_t left = head ? (size_t)head[1] << 8 | head[2] : 0;
    nghttp2_hd_inflater *inflater;
    int status = -1, flags = 0;

    nghttp2_hd_inflate_new(&inflater);
    while (at && !(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        nghttp2_nv nv;
        ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, left, 1);

        assert_true(n >= 0);
        at += n;
        left -= (size_t)n;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && nv.namelen == 11 && memcmp(nv.name, "grpc-status", 11) == 0)
            status = atoi((const char *)nv.value);
    }
    nghttp2_hd_inflate_del(inflater);
    return status;
}

/* A client that has said its preface and the beginning of a request whose message has 65,536 bytes. */
static void begin_upload(struct world *w, struct bad_client *c, const struct grpc_server_config *config)
{
    struct buf b = BUF_INIT;

    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    put_request(&b, 1, 0, "POST", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\1\0\0", 5);
    world_open(w, config);
    say_to_server(w, c, b.data, b.len);
    RUN_UNTIL(w, c->io.said);
    buf_free(&b);
}

static void close_bad_client(struct world *w, struct bad_client *c)
{
    assert_int_equal(w->requests, 0);
    assert_serves(w);
    uv_close((uv_handle_t *)&c->io.peer, NULL);
    world_close(w);
}

/* As HTTP/2 in Node.js needs it: while a lot waits to be sent, that takes no answer; and one that is followed by
 * a reset it may drop. */
static void a_refused_upload_is_answered_at_its_end_and_not_reset(void **state)
{
    struct grpc_server_config config = {.max_message = 1000};
    struct buf b = BUF_INIT;
    uint8_t piece[16000] = {0};
    struct bad_client c;
    struct world w;

    (void)state;
    begin_upload(&w, &c, &config);
    put_frame(&b, DATA, 0, 1, piece, sizeof piece);
    say_on(&w, &c, &b);
    ask_ping(&w, &c);
    assert_null(frame_of(&c, HEADERS, 0, 1));
    buf_reset(&b);
    put_frame(&b, DATA, END_STREAM, 1, piece, sizeof piece);
    say_on(&w, &c, &b);
    ask_ping(&w, &c);
    assert_int_equal(status_of(&c), GRPC_RESOURCE_EXHAUSTED);
    assert_null(frame_of(&c, RST, 0, 1));
    buf_free(&b);
    close_bad_client(&w, &c);
}

static void a_refused_upload_that_does_not_end_is_answered_and_reset(void **state)
{
    struct grpc_server_config config = {.max_message = 1000, .max_discard = 40000};
    struct buf b = BUF_INIT;
    uint8_t piece[16000] = {0};
    struct bad_client c;
    struct world w;

    (void)state;
    begin_upload(&w, &c, &config);
    put_frame(&b, DATA, 0, 1, piece, sizeof piece);
    put_frame(&b, DATA, 0, 1, piece, sizeof piece);
    say_on(&w, &c, &b);
    ask_ping(&w, &c);
    assert_null(frame_of(&c, HEADERS, 0, 1));
    buf_reset(&b);
    put_frame(&b, DATA, 0, 1, piece, sizeof piece);
    say_on(&w, &c, &b);
    ask_ping(&w, &c);
    assert_int_equal(status_of(&c), GRPC_RESOURCE_EXHAUSTED);
    assert_non_null(frame_of(&c, RST, 0, 1));
    assert_memory_equal(frame_of(&c, RST, 0, 1) + 9, "\0\0\0\0", 4); /* NO_ERROR */
    buf_free(&b);
    close_bad_client(&w, &c);
}

static void an_upload_that_stops_in_the_middle_is_given_up(void **state)
{
    static const struct {
        size_t max_message;
        int status;
    } uploads[] = {{0, GRPC_DEADLINE_EXCEEDED}, {1000, GRPC_RESOURCE_EXHAUSTED}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct grpc_server_config config = {.max_message = uploads[i].max_message, .body_timeout_ms = 30};
        struct bad_client c;
        struct world w;

        begin_upload(&w, &c, &config);
        RUN_UNTIL(&w, frame_of(&c, RST, 0, 1));
        assert_int_equal(status_of(&c), uploads[i].status);
        assert_memory_equal(frame_of(&c, RST, 0, 1) + 9, "\0\0\0\0", 4);
        close_bad_client(&w, &c);
    }
}

static void a_client_that_does_not_get_through_its_greeting_is_dropped(void **state)
{
    struct grpc_server_config config = {.greeting_timeout_ms = 100};

    (void)state;
    for (size_t len = 0; len <= sizeof preface - 1; len += 8) {
        struct bad_client c;
        struct world w;

        world_open(&w, &config);
        say_to_server(&w, &c, preface, len);
        RUN_UNTIL(&w, c.io.ended && w.max_connections_seen == 1 && w.connections == 0);
        assert_serves(&w);
        uv_close((uv_handle_t *)&c.io.peer, NULL);
        world_close(&w);
    }
}

/* ---- memory ---- */

static void a_silent_client_is_pinged_and_dropped_unless_it_answers(void **state)
{
    struct grpc_server_config config = {.ping_interval_ms = 50, .ping_timeout_ms = 100};

    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        struct buf b = BUF_INIT;
        struct bad_client c;
        struct world w;

        buf_put_str(&b, preface);
        put_frame(&b, SETTINGS, 0, 0, NULL, 0);
        world_open(&w, &config);
        say_to_server(&w, &c, b.data, b.len);
        RUN_UNTIL(&w, frame_of(&c, PING, 0, 0));
        if (answers) {
            buf_reset(&b);
            put_frame(&b, PING, 1, 0, frame_of(&c, PING, 0, 0) + 9, 8);
            say_on(&w, &c, &b);
            RUN_UNTIL(&w, nth_frame(&c, PING, 0, 0, 2)); /* asked again, so it was not dropped */
        }
        RUN_UNTIL(&w, c.io.ended && w.connections == 0);
        buf_free(&b);
        close_bad_client(&w, &c);
    }
}

/* Whoever opens connections and says nothing on them must not keep those out who do. */
static void who_has_not_greeted_makes_room_for_the_next(void **state)
{
    struct grpc_server_config config = {.max_connections = 2};
    struct bad_client quiet[2];
    struct answer a;
    struct world w;

    (void)state;
    world_open(&w, &config);
    for (int i = 0; i < 2; i++) {
        say_to_server(&w, &quiet[i], preface, 10);
        RUN_UNTIL(&w, w.connections == (size_t)i + 1);
    }
    world_connect(&w, NULL);
    ask(&w, "/t/Echo", "well?", 5, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    RUN_UNTIL(&w, quiet[0].io.ended); /* the one that has waited longest */
    assert_false(quiet[1].io.ended);
    assert_int_equal(w.max_connections_seen, 2);
    answer_free(&a);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&quiet[i].io.peer, NULL);
    world_close(&w);
}

/* Whatever the server misses, the client hears of it, and the next one is served. */
static void each_allocation_may_fail_while_a_client_is_served(void **state)
{
    struct buf b = BUF_INIT;
    unsigned answered = 0, hung_up = 0;

    (void)state;
    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    put_request(&b, 1, 0, "POST", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\0\0\x5" "ab", 7);
    put_frame(&b, DATA, END_STREAM, 1, "cde", 3);
    for (unsigned long n = 1; n <= 12; n++) {
        struct bad_client c;
        struct world w;

        world_open(&w, NULL);
        alloc_fail_after(n);
        say_to_server(&w, &c, b.data, b.len);
        RUN_UNTIL(&w, frame_of(&c, HEADERS, END_STREAM, 1) || frame_of(&c, RST, 0, 1) || c.io.ended);
        alloc_fail_after(0);
        if (c.io.ended)
            hung_up++;
        else if (status_of(&c) == GRPC_OK || status_of(&c) == GRPC_RESOURCE_EXHAUSTED)
            answered++;
        assert_serves(&w);
        uv_close((uv_handle_t *)&c.io.peer, NULL);
        world_close(&w);
    }
    assert_true(hung_up > 0 && answered > 0);
    buf_free(&b);
}

/* ---- floods ---- */

static void put_reset_request(struct buf *b, uint32_t stream)
{
    put_request(b, stream, 0, "POST", "application/grpc");
    put_frame(b, RST, 0, stream, "\0\0\0\x8", 4);
}

/* The server hangs up on who says this after the preface. */
static void assert_hung_up(const struct buf *said)
{
    struct buf b = BUF_INIT;
    struct bad_client c;
    struct world w;

    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    buf_put(&b, said->data, said->len);
    world_open(&w, NULL);
    say_to_server(&w, &c, b.data, b.len);
    RUN_UNTIL(&w, c.io.ended && w.connections == 0);
    buf_free(&b);
    close_bad_client(&w, &c);
}

static void requests_taken_back_in_masses_end_the_connection(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (uint32_t i = 0; i < 6000; i++)
        put_reset_request(&b, 2 * i + 1);
    assert_hung_up(&b);
    buf_free(&b);
}

static void request_headers_without_end_end_the_connection(void **state)
{
    struct buf b = BUF_INIT;
    uint8_t piece[16000] = {0};

    (void)state;
    put_frame(&b, HEADERS, 0, 1, "\x83", 1);
    for (int i = 0; i < 40; i++)
        put_frame(&b, CONTINUATION, 0, 1, piece, sizeof piece);
    assert_hung_up(&b);
    buf_free(&b);
}

/* A client that has a stream of 64 MB open and does not read a byte of it from its socket. */
static void open_deaf(struct world *w, struct bad_client *c, const struct grpc_server_config *config)
{
    struct buf b = BUF_INIT;

    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, "\0\4\x7f\xff\xff\xff", 6); /* windows as wide as they get */
    put_frame(&b, 8, 0, 0, "\x7f\xff\0\0", 4);
    put_request_to(&b, 1, 0, "/t/Count", "POST", "application/grpc");
    put_frame(&b, DATA, END_STREAM, 1, "\0\0\0\0\x0a" "64 1000000", 15);
    world_open(w, config);
    say_to_server(w, c, b.data, b.len);
    RUN_UNTIL(w, c->io.got_len > 0);
    uv_read_stop((uv_stream_t *)&c->io.peer);
    buf_free(&b);
}

/* A stopping node does not wait for a client that does not read. */
static void after_the_grace_the_server_ends_whoever_is_left(void **state)
{
    struct bad_client c;
    struct world w;

    (void)state;
    open_deaf(&w, &c, NULL);
    world_stop_server(&w, 50);
    uv_close((uv_handle_t *)&c.io.peer, NULL);
    world_close(&w);
}

static void what_waits_for_a_client_that_never_reads_is_bounded(void **state)
{
    struct grpc_server_config config = {.max_streams = 10};

    (void)state;
    for (int pings = 0; pings < 2; pings++) {
        struct bad_client c;
        struct world w;

        open_deaf(&w, &c, &config);
        for (uint32_t i = 1; i < 3000 && w.connections > 0; i++) {
            struct buf b = BUF_INIT;

            if (pings)
                put_frame(&b, PING, 0, 0, "whatever", 8);
            else
                put_request(&b, 2 * i + 1, END_STREAM, "GET", "application/grpc");
            if (!pings)
                put_frame(&b, RST, 0, 2 * i + 1, "\0\0\0\x8", 4);
            say_on(&w, &c, &b);
            buf_free(&b);
        }
        RUN_UNTIL(&w, w.connections == 0);
        assert_serves(&w);
        uv_close((uv_handle_t *)&c.io.peer, NULL);
        world_close(&w);
    }
}

static void requests_that_are_no_grpc_get_an_http_status(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    put_request(&b, 1, END_STREAM, "GET", "application/grpc");
    assert_answer_has(&b, "405", 3);
    buf_reset(&b);
    put_request(&b, 1, END_STREAM, "POST", "application/json");
    assert_answer_has(&b, "415", 3);
    buf_free(&b);
}

/* Says the request on stream 1 to our server; the grpc-status of the answer, which must be a whole one. */
static int status_for(const struct buf *request)
{
    struct buf b = BUF_INIT;
    struct bad_client c;
    struct world w;
    int status;

    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    buf_put(&b, request->data, request->len);
    world_open(&w, NULL);
    say_to_server(&w, &c, b.data, b.len);
    RUN_UNTIL(&w, frame_of(&c, HEADERS, END_STREAM | END_HEADERS, 1));
    status = status_of(&c);
    close_bad_client(&w, &c);
    buf_free(&b);
    return status;
}

static void bad_request_bodies_are_refused(void **state)
{
    static const struct {
        const char *body;
        size_t len, first; /* of the first of two frames */
        int status;
    } bad[] = {
        {"", 0, 0, GRPC_INTERNAL},                                  /* none */
        {"\0\0\0", 3, 0, GRPC_INTERNAL},                           /* cut off */
        {"\0\0\0\0\5x", 6, 0, GRPC_INTERNAL},
        {"\1\0\0\0\1x", 6, 0, GRPC_UNIMPLEMENTED},                /* compressed */
        {"\0\xff\xff\xff\xffx", 6, 0, GRPC_RESOURCE_EXHAUSTED},   /* too large */
        {"\0\0\0\0\1x\0\0\0\0\1x", 12, 0, GRPC_UNIMPLEMENTED},   /* two */
        {"\0\0\0\0\1x\0\0\0\0\1x", 12, 6, GRPC_UNIMPLEMENTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf b = BUF_INIT;

        put_request(&b, 1, 0, "POST", "application/grpc");
        if (bad[i].first > 0)
            put_frame(&b, DATA, 0, 1, bad[i].body, bad[i].first);
        put_frame(&b, DATA, END_STREAM, 1, bad[i].body + bad[i].first, bad[i].len - bad[i].first);
        assert_int_equal(status_for(&b), bad[i].status);
        buf_free(&b);
    }
}

static void a_huge_request_header_list_is_refused(void **state)
{
    struct buf b = BUF_INIT, h = BUF_INIT;
    char value[121];

    (void)state;
    memset(value, 'v', 120);
    value[120] = 0;
    put_header(&h, ":method", "POST");
    put_header(&h, ":scheme", "http");
    put_header(&h, ":path", "/t/Echo");
    put_header(&h, ":authority", "x");
    put_header(&h, "content-type", "application/grpc");
    for (int i = 0; i < 110; i++)
        put_header(&h, "x", value);
    put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, h.data, h.len);
    assert_int_equal(status_for(&b), GRPC_RESOURCE_EXHAUSTED);
    buf_free(&h);
    buf_free(&b);
}

static void a_client_that_dies_in_the_middle_leaves_nothing_behind(void **state)
{
    struct buf b = BUF_INIT;
    struct bad_client c;
    struct world w;

    (void)state;
    buf_put_str(&b, preface);
    put_frame(&b, SETTINGS, 0, 0, NULL, 0);
    put_request(&b, 1, 0, "POST", "application/grpc");
    put_frame(&b, DATA, 0, 1, "\0\0\1\0\0abc", 8);
    world_open(&w, NULL);
    say_to_server(&w, &c, b.data, b.len);
    RUN_UNTIL(&w, c.io.got_len > 0 && w.connections == 1);
    uv_close((uv_handle_t *)&c.io.peer, NULL);
    RUN_UNTIL(&w, w.connections == 0);
    assert_int_equal(w.cancels, 0); /* the handler never heard of it */
    assert_serves(&w);
    world_close(&w);
    buf_free(&b);
}

/* "name: value" lines of the first HEADERS frame after the preface. */
static void request_headers(const struct raw *raw, char *out, size_t room)
{
    struct bad_client c = {0}; /* frames are found in what one of those got */
    nghttp2_hd_inflater *inflater;
    const uint8_t *head;
    size_t n = 0, left;
    int flags = 0;

    c.io.got_len = raw->got_len - (sizeof preface - 1);
    memcpy(c.io.got, raw->got + sizeof preface - 1, c.io.got_len);
    head = frame_of(&c, HEADERS, END_HEADERS, 1);
    left = (size_t)head[1] << 8 | head[2];
    head += 9;
    nghttp2_hd_inflate_new(&inflater);
    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, head, left, 1);

        assert_true(used >= 0);
        head += used;
        left -= (size_t)used;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            n += (size_t)snprintf(out + n, room - n, "%.*s: %.*s\n", (int)nv.namelen, (const char *)nv.name,
                                  (int)nv.valuelen, (const char *)nv.value);
    }
    nghttp2_hd_inflate_del(inflater);
}

static void a_request_has_the_headers_of_the_network_and_no_others(void **state)
{
    struct grpc_client_config config = {.user_agent = "me/1", .libxmtp_version = "1.9.1", .app_version = "app/2"};
    struct buf b = hello();
    char got[600] = "", expected[600], authority[32];
    struct answer a;
    struct world w;
    struct raw raw;

    (void)state;
    put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, "\x48\x03" "404", 5);
    world_open(&w, NULL);
    world_stop_server(&w, 0);
    raw_serve(&w, &raw, b.data, b.len);
    world_connect(&w, &config);
    ask(&w, "/package.Service/Method", "x", 1, 3000, &a);
    RUN_UNTIL(&w, a.ends);
    answer_free(&a);
    snprintf(authority, sizeof authority, "%.31s", w.url + strlen("http://"));
    snprintf(expected, sizeof expected,
             ":method: POST\n:scheme: http\n:authority: %s\n:path: /package.Service/Method\n"
             "content-type: application/grpc\nte: trailers\nuser-agent: me/1\nx-libxmtp-version: 1.9.1\n"
             "x-app-version: app/2\n",
             authority);
    request_headers(&raw, got, sizeof got);
    assert_string_equal(got, expected);
    world_drop_client(&w);
    RUN_UNTIL(&w, raw.ended);
    raw_close(&raw);
    world_close(&w);
    buf_free(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_the_headers_of_the_network_and_no_others),
        cmocka_unit_test(a_good_answer_by_hand_is_taken),
        cmocka_unit_test(what_is_no_http2_is_named_so),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(http_errors_become_statuses),
        cmocka_unit_test(headers_that_go_before_the_answer_are_passed_over),
        cmocka_unit_test(another_content_type_is_refused),
        cmocka_unit_test(a_compressed_answer_is_refused),
        cmocka_unit_test(a_length_over_the_limit_is_refused),
        cmocka_unit_test(an_answer_cut_off_in_its_message_is_refused),
        cmocka_unit_test(an_answer_without_message_or_with_two_is_refused),
        cmocka_unit_test(an_answer_without_status_is_refused),
        cmocka_unit_test(a_huge_header_list_is_refused),
        cmocka_unit_test(an_endless_header_block_is_refused),
        cmocka_unit_test(a_pushed_stream_and_a_reset_are_refused),
        cmocka_unit_test(a_server_that_refuses_the_stream_is_asked_again_a_few_times),
        cmocka_unit_test(a_server_that_hangs_up_in_the_handshake_is_unavailable),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
        cmocka_unit_test(an_unanswered_ping_ends_the_connection_and_all_on_it),
        cmocka_unit_test(an_answered_ping_keeps_the_connection),
        cmocka_unit_test(after_goaway_new_calls_take_a_new_connection_and_refused_ones_follow),
        cmocka_unit_test(a_call_under_way_is_answered_after_goaway),
        cmocka_unit_test(a_client_that_speaks_no_http2_is_dropped),
        cmocka_unit_test(garbage_after_the_preface_is_dropped),
        cmocka_unit_test(requests_that_are_no_grpc_get_an_http_status),
        cmocka_unit_test(bad_request_bodies_are_refused),
        cmocka_unit_test(a_huge_request_header_list_is_refused),
        cmocka_unit_test(a_client_that_dies_in_the_middle_leaves_nothing_behind),
        cmocka_unit_test(a_refused_upload_is_answered_at_its_end_and_not_reset),
        cmocka_unit_test(a_refused_upload_that_does_not_end_is_answered_and_reset),
        cmocka_unit_test(an_upload_that_stops_in_the_middle_is_given_up),
        cmocka_unit_test(a_client_that_does_not_get_through_its_greeting_is_dropped),
        cmocka_unit_test(a_silent_client_is_pinged_and_dropped_unless_it_answers),
        cmocka_unit_test(after_the_grace_the_server_ends_whoever_is_left),
        cmocka_unit_test(who_has_not_greeted_makes_room_for_the_next),
        cmocka_unit_test(each_allocation_may_fail_while_a_client_is_served),
        cmocka_unit_test(requests_taken_back_in_masses_end_the_connection),
        cmocka_unit_test(request_headers_without_end_end_the_connection),
        cmocka_unit_test(what_waits_for_a_client_that_never_reads_is_bounded),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
