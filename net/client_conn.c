/* One HTTP/2 connection of the client: the nghttp2 session between a socket and the calls on it.
 *
 * Happy path: SETTINGS out, pending calls opened as streams at once (no round trip is waited for), the
 * peer's SETTINGS make it live, PINGs in silence.  It ends by the socket, a broken rule, an unanswered
 * PING, no SETTINGS in time: all through client_conn_fail(); or, after a GOAWAY, when its last call
 * has gone.  Memory goes when socket and timer have closed. */
#include "net/client_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#define ME "grpc"

/* ---- nghttp2's callbacks ---- */

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    struct grpc_call *call = call_of(session, frame->hd.stream_id);

    (void)flags;
    (void)user_data;
    if (call && call_on_header(call, slice_of(name, name_len), slice_of(value, value_len)) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
    return 0;
}

static void on_goaway(struct client_conn *conn, const nghttp2_goaway *frame)
{
    if (conn->draining)
        return;
    log_debug(ME, "GOAWAY from the node (%s)", nghttp2_http2_strerror(frame->error_code));
    conn->draining = true;
    client_conn_lost(conn->client, conn, NULL);
}

static void on_settings(struct client_conn *conn)
{
    if (conn->live)
        return;
    conn->live = true;
    conn->client->connections++;
    keepalive_heard(&conn->keepalive, uv_now(conn->client->loop));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct client_conn *conn = user_data;
    struct grpc_call *call;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            on_settings(conn);
        return 0;
    case NGHTTP2_GOAWAY:
        on_goaway(conn, &frame->goaway);
        return 0;
    case NGHTTP2_HEADERS:
        conn->useful = true;
        call = call_of(session, frame->hd.stream_id);
        if (call)
            call_on_headers_end(call, end);
        break;
    case NGHTTP2_DATA:
        break;
    default:
        return 0;
    }
    call = call_of(session, frame->hd.stream_id); /* a callback may have cancelled it */
    if (call && end)
        call_on_end_stream(call);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *user_data)
{
    struct grpc_call *call = call_of(session, stream_id);

    (void)flags;
    (void)user_data;
    nghttp2_session_consume_connection(session, len); /* a paused stream must not hold up the others */
    if (call)
        call_on_data(call, slice_of(data, len));
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data)
{
    struct grpc_call *call = call_of(session, stream_id);

    (void)user_data;
    if (call)
        call_on_reset(call, error_code);
    return 0;
}

/* A request that could not even be sent: the connection had become unfit in between. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    struct client_conn *conn = user_data;
    struct grpc_call *call;

    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    call = call_of(session, frame->hd.stream_id);
    if (!call || call->cancelled)
        return 0;
    if (!conn->draining) {
        conn->draining = true;
        client_conn_lost(conn->client, conn, NULL);
    }
    call->stream_gone = true;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, NULL);
    if (!call_requeue(call))
        call_end(call, GRPC_UNAVAILABLE, true, "the request could not be sent: %s", nghttp2_strerror(error));
    return 0;
}

static int on_error(nghttp2_session *session, int lib_error, const char *msg, size_t len, void *user_data)
{
    struct client_conn *conn = user_data;

    (void)session;
    (void)lib_error;
    snprintf(conn->why, sizeof conn->why, "%.*s", (int)len, msg);
    return 0;
}

static ssize_t on_body_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t room,
                              uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct grpc_call *call = call_of(session, stream_id);
    size_t n;

    (void)source; /* the call may be gone; the stream's user data says so */
    (void)user_data;
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    n = h2_copy(&call->out, &call->out_at, out, room);
    if (call->out_at == call->out.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

int client_conn_callbacks(struct grpc_client *c, struct err *err)
{
    if (nghttp2_session_callbacks_new(&c->callbacks) != 0 || nghttp2_option_new(&c->option) != 0)
        return err_set(err, ERR_NOMEM, "no memory for HTTP/2");
    nghttp2_session_callbacks_set_on_header_callback(c->callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c->callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c->callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c->callbacks, on_not_sent);
    nghttp2_session_callbacks_set_error_callback2(c->callbacks, on_error);
    nghttp2_option_set_no_auto_window_update(c->option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(c->option, 100); /* until its SETTINGS say */
    return 0;
}

/* ---- the socket's callbacks ---- */

static void watch(struct client_conn *conn);

static void on_sock_ready(void *ctx)
{
    struct client_conn *conn = ctx;
    struct grpc_client *c = conn->client;
    struct grpc_call *call;

    if (sock_resumed(conn->sock))
        c->resumed++;
    while ((call = c->pending.first) != NULL && client_conn_takes_calls(conn))
        if (!client_conn_submit(conn, call))
            break;
    conn->dirty = true;
}

static void on_sock_bytes(void *ctx, struct slice bytes)
{
    struct client_conn *conn = ctx;
    struct grpc_client *c = conn->client;
    struct err err;
    ssize_t n;

    conn->heard = true;
    keepalive_heard(&conn->keepalive, uv_now(c->loop));
    c->last_heard_ms = uv_now(c->loop);
    conn->dirty = true;
    n = nghttp2_session_mem_recv(conn->session, bytes.data, bytes.len);
    if (n >= 0 || conn->closing)
        return;
    err_set(&err, ERR_OFFLINE, "what answers there is no HTTP/2: %s", nghttp2_strerror((int)n));
    client_conn_fail(conn, &err);
}

static void on_sock_writable(void *ctx)
{
    struct client_conn *conn = ctx;

    conn->dirty = true;
}

/* A TLS server hangs up on plain talk, and many say nothing before. */
static void on_sock_down(void *ctx, const struct err *why)
{
    struct client_conn *conn = ctx;
    struct err err;

    if (conn->heard || conn->client->tls) {
        client_conn_fail(conn, why);
        return;
    }
    err_set(&err, why->code, "%s before it said a word (https:// instead of http://?)", why->text);
    client_conn_fail(conn, &err);
}

static void maybe_freed(struct client_conn *conn)
{
    if (--conn->handles > 0)
        return;
    nghttp2_session_del(conn->session);
    client_conn_freed(conn->client, conn);
    xm_free(conn);
}

static void on_sock_closed(void *ctx)
{
    maybe_freed(ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    maybe_freed(handle->data);
}

/* ---- life ---- */

int client_conn_new(struct grpc_client *c, uv_tcp_t *tcp, struct client_conn **out, struct err *err)
{
    static const struct sock_events events = {on_sock_ready, on_sock_bytes, on_sock_writable, on_sock_down,
                                              on_sock_closed};
    struct client_conn *conn = xm_alloc(sizeof *conn);
    struct tls *tls = NULL;
    int r = ERR_NOMEM;

    if (!conn)
        goto nomem;
    conn->client = c;
    conn->born_ms = uv_now(c->loop);
    if (nghttp2_session_client_new2(&conn->session, c->callbacks, conn, c->option) != 0)
        goto nomem;
    if (c->tls && (r = tls_new(c->tls, c->url.host, &tls, err)) != 0)
        goto fail;
    conn->sock = sock_new(tcp, tls, c->scratch, &events, conn);
    if (!conn->sock)
        goto nomem;
    uv_timer_init(c->loop, &conn->timer);
    conn->timer.data = conn;
    conn->handles = 2;
    keepalive_init(&conn->keepalive, c->ping_interval_ms, c->ping_timeout_ms, uv_now(c->loop));
    *out = conn;
    return 0;
nomem:
    r = err_set(err, ERR_NOMEM, "no memory for a connection");
fail:
    tls_free(tls);
    if (conn)
        nghttp2_session_del(conn->session);
    xm_free(conn);
    return r;
}

void client_conn_start(struct client_conn *conn)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEADER_LIST_MAX},
    };

    nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof settings[0]);
    nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_WINDOW);
    watch(conn);
    sock_start(conn->sock);
}

bool client_conn_takes_calls(const struct client_conn *conn)
{
    return !conn->closing && !conn->draining && sock_ready(conn->sock);
}

bool client_conn_submit(struct client_conn *conn, struct grpc_call *call)
{
    struct grpc_client *c = conn->client;
    nghttp2_data_provider body = {.read_callback = on_body_wanted};
    nghttp2_nv nv[10];
    size_t n = 0;
    int32_t id;

    nv[n++] = h2_nv(":method", "POST");
    nv[n++] = h2_nv(":scheme", c->url.tls ? "https" : "http");
    nv[n++] = h2_nv(":authority", c->url.authority);
    nv[n++] = h2_nv(":path", call->path);
    nv[n++] = h2_nv("content-type", "application/grpc");
    nv[n++] = h2_nv("te", "trailers");
    nv[n++] = h2_nv("user-agent", c->user_agent);
    if (c->libxmtp_version)
        nv[n++] = h2_nv("x-libxmtp-version", c->libxmtp_version);
    if (c->app_version)
        nv[n++] = h2_nv("x-app-version", c->app_version);
    id = nghttp2_submit_request(conn->session, NULL, nv, n, &body, call);
    if (id < 0) { /* stream ids used up, after 2^30 calls */
        conn->draining = true;
        client_conn_lost(c, conn, NULL);
        return false;
    }
    call_list_remove(call);
    call->stream_id = id;
    call->conn = conn;
    call->phase = CALL_OPEN;
    call_list_add(&conn->calls, call);
    conn->dirty = true;
    return true;
}

void client_conn_flush(struct client_conn *conn)
{
    struct err err;

    conn->dirty = false;
    if (conn->closing || !sock_ready(conn->sock))
        return;
    if (!h2_pump(conn->session, conn->sock)) {
        err_set(&err, ERR_NOMEM, "HTTP/2: out of memory");
        client_conn_fail(conn, &err);
        return;
    }
    if (conn->closing || nghttp2_session_want_read(conn->session) || nghttp2_session_want_write(conn->session) ||
        !sock_idle(conn->sock))
        return;
    /* A rule was broken and our GOAWAY said so, or the peer's GOAWAY left nothing to do. */
    if (!conn->draining)
        err_set(&err, ERR_OFFLINE, "what answers there breaks HTTP/2%s%s", conn->why[0] ? ": " : "", conn->why);
    else
        err_set(&err, ERR_OFFLINE, "the node ended the connection");
    client_conn_fail(conn, &err);
}

static void close_handles(struct client_conn *conn)
{
    conn->closing = true;
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
    sock_close(conn->sock);
}

void client_conn_fail(struct client_conn *conn, const struct err *why)
{
    struct grpc_call *call;

    if (conn->closing)
        return;
    close_handles(conn);
    while ((call = conn->calls.first) != NULL)
        call_end(call, GRPC_UNAVAILABLE, true, "%s", why->text);
    client_conn_lost(conn->client, conn, why);
}

void client_conn_close(struct client_conn *conn)
{
    if (conn->closing)
        return;
    if (sock_ready(conn->sock)) {
        nghttp2_session_terminate_session(conn->session, NGHTTP2_NO_ERROR);
        h2_pump(conn->session, conn->sock);
    }
    if (!conn->closing)
        close_handles(conn);
}

void client_conn_maybe_drained(struct client_conn *conn)
{
    if (conn->draining && !conn->calls.first)
        conn->dirty = true; /* the flush sees it */
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
    struct client_conn *conn = timer->data;

    watch(conn);
}

/* Before it is live: the rest of the time to connect.  Then: keepalive. */
static void watch(struct client_conn *conn)
{
    struct grpc_client *c = conn->client;
    uint64_t now = uv_now(c->loop), wait_ms = 0, age = now - conn->born_ms;
    struct err err;

    if (!conn->live) {
        if (age >= c->connect_timeout_ms) {
            err_set(&err, ERR_OFFLINE, sock_ready(conn->sock) ? "no HTTP/2 answer in time" : "no TLS answer in time");
            client_conn_fail(conn, &err);
            return;
        }
        wait_ms = c->connect_timeout_ms - age;
        if (wait_ms > c->ping_interval_ms)
            wait_ms = c->ping_interval_ms;
    } else {
        switch (keepalive_step(&conn->keepalive, now, &wait_ms)) {
        case KEEPALIVE_DEAD:
            err_set(&err, ERR_OFFLINE, "the node has not answered a ping for %llu ms",
                    (unsigned long long)c->ping_timeout_ms);
            client_conn_fail(conn, &err);
            return;
        case KEEPALIVE_PING:
            nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
            conn->dirty = true;
            break;
        case KEEPALIVE_WAIT:
            break;
        }
    }
    uv_timer_start(&conn->timer, on_timer, wait_ms, 0);
}
