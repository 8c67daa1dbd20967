/* One connection of the server: nghttp2 between a socket and its requests.
 *
 * A silent client is pinged after five minutes, since its end may never have reached us; one that does not get
 * through its greeting is dropped, however much it says.  The memory goes when socket and timer
 * have closed and the last request is freed. */
#include "net/server_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/tls.h"

#include <stdio.h>

#define ME "grpc"
/* Clients re-subscribe with each new group, which resets the old stream; only a flood exceeds this. */
#define RESET_BURST 5000
#define RESET_RATE 500
/* Frames without DATA that wait for a client to read: a handful for each of its streams and a thousand
 * acknowledgements of pings.  Only one that asks and never reads exceeds it. */
#define WAITING_FRAMES 2000
#define WAITING_FRAMES_PER_STREAM 4

/* ---- nghttp2's callbacks ---- */

static struct grpc_request *request_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct grpc_request *req;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    req = grpc_request_new(user_data, frame->hd.stream_id);
    if (!req)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, req);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    struct grpc_request *req = request_of(session, frame->hd.stream_id);

    (void)flags;
    (void)user_data;
    return req ? request_on_header(req, slice_of(name, name_len), slice_of(value, value_len)) : 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct server_conn *conn = user_data;
    struct grpc_request *req;

    if (frame->hd.type == NGHTTP2_SETTINGS) {
        conn->greeted = true;
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    req = request_of(session, frame->hd.stream_id);
    if (!req)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        request_on_headers_end(req);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        request_on_end(req);
    return 0;
}

/* Bodies are bounded by the limits on messages and connections, so all is taken at once. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *user_data)
{
    struct grpc_request *req = request_of(session, stream_id);

    (void)flags;
    (void)user_data;
    nghttp2_session_consume(session, stream_id, len);
    if (req)
        request_on_data(req, slice_of(data, len));
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data)
{
    struct grpc_request *req = request_of(session, stream_id);

    (void)error_code;
    (void)user_data;
    if (!req)
        return 0;
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    request_gone(req);
    return 0;
}

/* The whole answer is out and the client still sends: tell it to stop (RFC 9113 8.1). */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct grpc_request *req;

    (void)user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    req = request_of(session, frame->hd.stream_id);
    if (req && !req->peer_done)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

static int on_error(nghttp2_session *session, int lib_error, const char *msg, size_t len, void *user_data)
{
    (void)session;
    (void)lib_error;
    (void)user_data;
    log_debug(ME, "a client breaks HTTP/2: %.*s", (int)len, msg);
    return 0;
}

int server_conn_callbacks(struct grpc_server *s, struct err *err)
{
    if (nghttp2_session_callbacks_new(&s->callbacks) != 0 || nghttp2_option_new(&s->option) != 0)
        return err_set(err, ERR_NOMEM, "no memory for HTTP/2");
    nghttp2_session_callbacks_set_on_begin_headers_callback(s->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(s->callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(s->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(s->callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(s->callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(s->callbacks, on_sent);
    nghttp2_session_callbacks_set_error_callback2(s->callbacks, on_error);
    nghttp2_option_set_no_auto_window_update(s->option, 1);
    nghttp2_option_set_no_closed_streams(s->option, 1);
    nghttp2_option_set_stream_reset_rate_limit(s->option, RESET_BURST, RESET_RATE);
    return 0;
}

/* ---- the socket's callbacks ---- */

static void on_sock_ready(void *ctx)
{
    struct server_conn *conn = ctx;

    conn->dirty = true;
}

static void on_sock_bytes(void *ctx, struct slice bytes)
{
    struct server_conn *conn = ctx;
    ssize_t n;

    keepalive_heard(&conn->keepalive, uv_now(conn->server->loop));
    conn->dirty = true;
    n = nghttp2_session_mem_recv(conn->session, bytes.data, bytes.len);
    if (n >= 0 || conn->closing)
        return;
    log_debug(ME, "dropping a client: %s", nghttp2_strerror((int)n));
    server_conn_drop(conn);
}

static void on_sock_writable(void *ctx)
{
    struct server_conn *conn = ctx;

    conn->dirty = true;
}

static void on_sock_down(void *ctx, const struct err *why)
{
    log_debug(ME, "client gone: %s", why->text);
    server_conn_drop(ctx);
}

static void maybe_freed(struct server_conn *conn)
{
    if (conn->handles > 0 || conn->requests)
        return;
    nghttp2_session_del(conn->session);
    server_conn_freed(conn->server, conn);
    xm_free(conn);
}

void server_conn_request_freed(struct server_conn *conn)
{
    if (conn->closing)
        maybe_freed(conn);
}

static void on_sock_closed(void *ctx)
{
    struct server_conn *conn = ctx;

    conn->handles--;
    maybe_freed(conn);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct server_conn *conn = handle->data;

    conn->handles--;
    maybe_freed(conn);
}

/* ---- life ---- */

static void watch(struct server_conn *conn);

static void greet(struct server_conn *conn)
{
    const struct grpc_server_config *config = &conn->server->config;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)config->max_header_list},
    };

    nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]);
    nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_WINDOW);
    conn->dirty = true;
}

static void on_unused_closed(uv_handle_t *tcp)
{
    struct grpc_server *s = tcp->data;

    xm_free(tcp);
    server_conn_freed(s, NULL);
}

void server_conn_accept(struct grpc_server *s, uv_tcp_t *tcp)
{
    static const struct sock_events events = {on_sock_ready, on_sock_bytes, on_sock_writable, on_sock_down,
                                              on_sock_closed};
    struct server_conn *conn = xm_alloc(sizeof *conn);
    struct tls *tls = NULL;
    struct err err;

    if (!conn)
        goto fail;
    conn->server = s;
    conn->born_ms = uv_now(s->loop);
    if (nghttp2_session_server_new2(&conn->session, s->callbacks, conn, s->option) != 0)
        goto fail;
    if (s->tls && tls_new(s->tls, NULL, &tls, &err) != 0)
        goto fail;
    conn->sock = sock_new(tcp, tls, s->scratch, &events, conn);
    if (!conn->sock)
        goto fail;
    uv_timer_init(s->loop, &conn->timer);
    conn->timer.data = conn;
    conn->handles = 2;
    keepalive_init(&conn->keepalive, s->config.ping_interval_ms, s->config.ping_timeout_ms, uv_now(s->loop));
    conn->next = s->conns;
    if (conn->next)
        conn->next->prev = conn;
    s->conns = conn;
    s->conn_count++;
    greet(conn);
    watch(conn);
    sock_start(conn->sock);
    return;
fail:
    log_warn(ME, "no memory for another client");
    tls_free(tls);
    if (conn)
        nghttp2_session_del(conn->session);
    xm_free(conn);
    tcp->data = s;
    s->handles++;
    uv_close((uv_handle_t *)tcp, on_unused_closed);
}

void server_conn_drop(struct server_conn *conn)
{
    struct grpc_request *req, *next;

    if (conn->closing)
        return;
    conn->closing = true;
    conn->server->conn_count--;
    for (req = conn->requests; req; req = next) {
        next = req->next;
        request_gone(req);
    }
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
    sock_close(conn->sock);
}

void server_conn_flush(struct server_conn *conn)
{
    conn->dirty = false;
    if (conn->closing || !sock_ready(conn->sock))
        return;
    if (!h2_pump(conn->session, conn->sock)) {
        log_warn(ME, "dropping a client: out of memory");
        server_conn_drop(conn);
        return;
    }
    if (conn->closing)
        return;
    if (nghttp2_session_get_outbound_queue_size(conn->session) >
        WAITING_FRAMES + (size_t)WAITING_FRAMES_PER_STREAM * conn->server->config.max_streams) {
        log_debug(ME, "dropping a client that does not read");
        server_conn_drop(conn);
        return;
    }
    requests_feed(conn);
    if (!nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session) &&
        sock_idle(conn->sock))
        server_conn_drop(conn);
    else if (conn->reading > 0 && !conn->watches_requests)
        watch(conn);
}

void server_conn_goaway(struct server_conn *conn)
{
    if (conn->closing || conn->said_goaway)
        return;
    conn->said_goaway = true;
    nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(conn->session), NGHTTP2_NO_ERROR, NULL, 0);
    conn->dirty = true;
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
    watch(timer->data);
}

static void watch(struct server_conn *conn)
{
    uint64_t greeting_ms = conn->server->config.greeting_timeout_ms;
    uint64_t now = uv_now(conn->server->loop), wait_ms, expiry_ms;

    if (!conn->greeted) {
        if (now - conn->born_ms >= greeting_ms) {
            log_debug(ME, "dropping a client that does not greet");
            server_conn_drop(conn);
            return;
        }
        wait_ms = greeting_ms - (now - conn->born_ms);
    } else {
        switch (keepalive_step(&conn->keepalive, now, &wait_ms)) {
        case KEEPALIVE_DEAD:
            log_debug(ME, "dropping a client that does not answer a ping");
            server_conn_drop(conn);
            return;
        case KEEPALIVE_PING:
            nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
            conn->dirty = true;
            break;
        case KEEPALIVE_WAIT:
            break;
        }
    }
    expiry_ms = requests_expire(conn, now);
    conn->watches_requests = expiry_ms > 0;
    if (expiry_ms > 0 && expiry_ms < wait_ms)
        wait_ms = expiry_ms;
    uv_timer_start(&conn->timer, on_timer, wait_ms, 0);
}
