/* One request on the server: read whole, handed over, answered once.
 *
 * READING until the client's END_STREAM, then WAITING with the handler, STREAMING after grpc_start(),
 * ENDED once the handler is through.  What is refused meanwhile goes on READING, see refuse().  The memory
 * goes when nghttp2 has closed the stream and the handler is through: whichever comes second.  A stream that
 * closes under the handler is told to it in the next turn. */
#include "net/server_internal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ME "grpc"
#define POOL_MAX 64
#define POOL_BUFFER_MAX (64 * 1024)
#define COMPACT_AT (64 * 1024)
#define TOO_MUCH "too much is under way"

/* ---- making and freeing ---- */

static void trim(struct buf *b)
{
    if (b->cap > POOL_BUFFER_MAX)
        buf_free(b);
    buf_reset(b);
}

struct grpc_request *grpc_request_new(struct server_conn *conn, int32_t stream_id)
{
    struct grpc_server *s = conn->server;
    struct grpc_request *req = s->pool;
    struct buf out = BUF_INIT, body = BUF_INIT;

    if (req) {
        s->pool = req->next;
        s->pooled--;
        out = req->out;
        body = req->frames.body;
    } else {
        req = xm_alloc(sizeof *req);
        if (!req)
            return NULL;
    }
    memset(req, 0, offsetof(struct grpc_request, message));
    req->message[0] = 0;
    req->conn = conn;
    req->stream_id = stream_id;
    req->out = out;
    frame_init(&req->frames, s->config.max_message);
    req->frames.body = body;
    req->frames.keep = true;
    req->next = conn->requests;
    if (req->next)
        req->next->prev = req;
    conn->requests = req;
    req->born_ms = uv_now(s->loop);
    conn->reading++;
    return req;
}

static void request_destroy(struct grpc_request *req)
{
    buf_free(&req->out);
    frame_deinit(&req->frames);
    xm_free(req);
}

/* What the request keeps in memory counts against its connection. */
static void recharge(struct grpc_request *req)
{
    size_t now = req->frames.body.len + (req->out.len - req->out_at);

    req->conn->bytes += now - req->charged;
    req->conn->server->bytes += now - req->charged;
    req->charged = now;
}

/* Whether the connection may hold `len` bytes more for this request.  One that holds nothing may take any. */
static bool fits_connection(const struct grpc_request *req, size_t len)
{
    const struct server_conn *conn = req->conn;
    const struct grpc_server_config *config = &conn->server->config;

    return conn->bytes == 0 || conn->bytes + len <= config->max_connection_bytes ||
           req->charged + len <= config->max_connection_bytes / config->max_streams;
}

static bool fits_server(const struct grpc_request *req, size_t len)
{
    const struct grpc_server *s = req->conn->server;
    const struct grpc_server_config *config = &s->config;

    return s->bytes + len <= config->max_bytes ||
           req->conn->bytes + len <= config->max_bytes / config->max_connections;
}

static void request_free(struct grpc_request *req)
{
    struct server_conn *conn = req->conn;
    struct grpc_server *s = conn->server;

    conn->bytes -= req->charged;
    s->bytes -= req->charged;
    if (req->prev)
        req->prev->next = req->next;
    else
        conn->requests = req->next;
    if (req->next)
        req->next->prev = req->prev;
    if (s->pooled < POOL_MAX) {
        trim(&req->out);
        trim(&req->frames.body);
        req->next = s->pool;
        s->pool = req;
        s->pooled++;
    } else {
        request_destroy(req);
    }
    server_conn_request_freed(conn);
}

void request_pool_free(struct grpc_server *s)
{
    while (s->pool) {
        struct grpc_request *req = s->pool;

        s->pool = req->next;
        request_destroy(req);
    }
}

void request_work(struct grpc_request *req)
{
    struct grpc_server *s = req->conn->server;

    if (req->in_work)
        return;
    req->in_work = true;
    req->next_work = NULL;
    if (s->work_last)
        s->work_last->next_work = req;
    else
        s->work_first = req;
    s->work_last = req;
}

static void move(struct grpc_request *req, enum request_phase to)
{
    if (req->phase == REQUEST_READING)
        req->conn->reading--;
    req->phase = to;
}

/* ---- output ---- */

static void put_trailers(struct grpc_request *req, nghttp2_nv *nv, size_t *n, char *code, char *text, size_t room)
{
    snprintf(code, 12, "%d", req->status);
    nv[(*n)++] = h2_nv("grpc-status", code);
    if (req->message[0]) {
        grpc_message_encode(req->message, text, room);
        nv[(*n)++] = h2_nv("grpc-message", text);
    }
}

static void count_gone(struct grpc_request *req, size_t from, size_t len)
{
    while (len > 0) {
        size_t step;

        if (req->message_left == 0) {
            const uint8_t *head = req->out.data + from;

            req->message_left = FRAME_HEAD_LEN + ((size_t)head[1] << 24 | (size_t)head[2] << 16 |
                                                  (size_t)head[3] << 8 | head[4]);
        }
        step = len < req->message_left ? len : req->message_left;
        req->message_left -= step;
        from += step;
        len -= step;
        if (req->message_left == 0)
            req->queued--;
    }
}

static void compact(struct grpc_request *req)
{
    if (req->out_at == req->out.len) {
        trim(&req->out);
        req->out_at = 0;
    } else if (req->out_at > COMPACT_AT && req->out_at > req->out.len / 2) {
        memmove(req->out.data, req->out.data + req->out_at, req->out.len - req->out_at);
        req->out.len -= req->out_at;
        req->out_at = 0;
    }
}

static void maybe_drained(struct grpc_request *req)
{
    const struct grpc_server_config *config = &req->conn->server->config;

    if (!req->refused_full || req->phase != REQUEST_STREAMING || req->queued > config->max_queue_messages / 4 ||
        req->out.len - req->out_at > config->max_queue_bytes / 4)
        return;
    req->refused_full = false;
    req->want_drain = true;
    request_work(req);
}

void requests_feed(struct server_conn *conn)
{
    if (!conn->starving || conn->bytes > conn->server->config.max_connection_bytes / 2)
        return;
    conn->starving = false;
    for (struct grpc_request *req = conn->requests; req; req = req->next)
        maybe_drained(req);
}

/* nghttp2 asks for bytes of the answer. */
ssize_t request_output(struct grpc_request *req, uint8_t *out, size_t room, uint32_t *flags)
{
    size_t from = req->out_at, n = h2_copy(&req->out, &req->out_at, out, room);
    char code[12], text[3 * H2_MESSAGE_MAX + 1];
    nghttp2_nv nv[2];
    size_t nv_len = 0;

    count_gone(req, from, n);
    compact(req);
    recharge(req);
    maybe_drained(req);
    if (req->out_at < req->out.len)
        return (ssize_t)n;
    if (req->phase == REQUEST_ENDED) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        put_trailers(req, nv, &nv_len, code, text, sizeof text);
        if (nghttp2_submit_trailer(req->conn->session, req->stream_id, nv, nv_len) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        return (ssize_t)n;
    }
    if (n > 0)
        return (ssize_t)n;
    req->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
}

static ssize_t on_output(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user_data)
{
    struct grpc_request *req = nghttp2_session_get_stream_user_data(session, stream_id);

    (void)source;
    (void)user_data;
    return req ? request_output(req, out, room, flags) : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void wake_output(struct grpc_request *req)
{
    req->conn->dirty = true;
    if (req->deferred) {
        req->deferred = false;
        nghttp2_session_resume_data(req->conn->session, req->stream_id);
    }
}

static void reset_stream(struct grpc_request *req)
{
    nghttp2_submit_rst_stream(req->conn->session, NGHTTP2_FLAG_NONE, req->stream_id, NGHTTP2_INTERNAL_ERROR);
    req->conn->dirty = true;
}

/* Headers with messages to follow. */
static void respond(struct grpc_request *req)
{
    const nghttp2_nv nv[] = {h2_nv(":status", "200"), h2_nv("content-type", "application/grpc")};
    nghttp2_data_provider body = {.read_callback = on_output};

    req->responded = true;
    req->conn->dirty = true;
    if (nghttp2_submit_response(req->conn->session, req->stream_id, nv, 2, &body) != 0)
        reset_stream(req);
}

/* Headers that are the whole answer. */
static void respond_status_only(struct grpc_request *req)
{
    char code[12], text[3 * H2_MESSAGE_MAX + 1];
    nghttp2_nv nv[4] = {h2_nv(":status", "200"), h2_nv("content-type", "application/grpc")};
    size_t n = 2;

    put_trailers(req, nv, &n, code, text, sizeof text);
    req->responded = true;
    req->conn->dirty = true;
    if (nghttp2_submit_response(req->conn->session, req->stream_id, nv, n, NULL) != 0)
        reset_stream(req);
}

/* For those who are no gRPC clients at all. */
static void respond_http(struct grpc_request *req, const char *status)
{
    const nghttp2_nv nv[] = {h2_nv(":status", status)};

    move(req, REQUEST_ENDED);
    req->responded = true;
    req->conn->dirty = true;
    if (nghttp2_submit_response(req->conn->session, req->stream_id, nv, 1, NULL) != 0)
        reset_stream(req);
}

static void decide(struct grpc_request *req, int status, const char *message)
{
    req->status = status;
    snprintf(req->message, sizeof req->message, "%s", message ? message : "");
    grpc_request_drop_body(req);
}

/* The one way to end a request that was decided: phase, whatever of the answer is still owed. */
static void conclude(struct grpc_request *req)
{
    move(req, REQUEST_ENDED);
    if (req->stream_gone)
        request_work(req); /* freed there */
    else if (!req->responded)
        respond_status_only(req);
    else
        wake_output(req);
}

static void end(struct grpc_request *req, int status, const char *message)
{
    decide(req, status, message);
    conclude(req);
}

/* ---- input ---- */

/* No, but the client still sends: the answer waits for the rest, which is thrown away.  HTTP/2 in Node.js,
 * for one, takes no answer while much of its own is waiting to go out, and none that a reset overtakes. */
static void refuse(struct grpc_request *req, int status, const char *message)
{
    decide(req, status, message);
    req->refused = true;
}

static void discard(struct grpc_request *req, size_t len)
{
    req->discarded += len;
    if (req->discarded > req->conn->server->config.max_discard)
        conclude(req); /* and on_sent() resets */
}

uint64_t requests_expire(struct server_conn *conn, uint64_t now_ms)
{
    uint64_t limit_ms = conn->server->config.body_timeout_ms, next_ms = 0;

    for (struct grpc_request *req = conn->requests; req; req = req->next) {
        uint64_t age_ms = now_ms - req->born_ms;

        if (req->phase != REQUEST_READING)
            continue;
        if (age_ms < limit_ms)
            next_ms = next_ms && next_ms < limit_ms - age_ms ? next_ms : limit_ms - age_ms;
        else if (req->refused)
            conclude(req);
        else
            end(req, GRPC_DEADLINE_EXCEEDED, "the request did not come whole in time");
    }
    return next_ms;
}

static void keep_value(char *out, size_t room, bool *has, struct slice value)
{
    snprintf(out, room, "%.*s", (int)(value.len < room ? value.len : room - 1), (const char *)value.data);
    *has = true;
}

int request_on_header(struct grpc_request *req, struct slice name, struct slice value)
{
    req->header_bytes += name.len + value.len + 32; /* RFC 9113 6.5.2 counts so */
    if (req->header_bytes > req->conn->server->config.max_header_list) {
        req->too_many_headers = true;
        return 0;
    }
    if (h2_is(name, ":method")) {
        req->is_post = h2_is(value, "POST");
    } else if (h2_is(name, ":path")) {
        if (value.len < sizeof req->path) /* longer ones are no method of anybody's: empty */
            snprintf(req->path, sizeof req->path, "%.*s", (int)value.len, (const char *)value.data);
    } else if (h2_is(name, "content-type")) {
        req->is_grpc = h2_is_grpc(value);
    } else if (h2_is(name, "user-agent")) {
        keep_value(req->user_agent, sizeof req->user_agent, &req->has_user_agent, value);
    } else if (h2_is(name, "x-libxmtp-version")) {
        keep_value(req->libxmtp_version, sizeof req->libxmtp_version, &req->has_libxmtp_version, value);
    } else if (h2_is(name, "x-app-version")) {
        keep_value(req->app_version, sizeof req->app_version, &req->has_app_version, value);
    }
    return 0;
}

void request_on_headers_end(struct grpc_request *req)
{
    if (req->phase != REQUEST_READING || req->refused)
        return;
    if (req->too_many_headers)
        refuse(req, GRPC_RESOURCE_EXHAUSTED, "headers too large");
    else if (!req->is_post)
        respond_http(req, "405");
    else if (!req->is_grpc)
        respond_http(req, "415");
    else if (req->conn->server->closing)
        end(req, GRPC_UNAVAILABLE, "service is shutting down");
}

void request_on_data(struct grpc_request *req, struct slice bytes)
{
    struct slice message;
    struct err err;
    int r;

    if (req->phase != REQUEST_READING || bytes.len == 0)
        return;
    if (req->refused) {
        discard(req, bytes.len);
        return;
    }
    if (req->has_message) {
        refuse(req, GRPC_UNIMPLEMENTED, "more than one request message");
        return;
    }
    if (!fits_connection(req, bytes.len) || !fits_server(req, bytes.len)) {
        refuse(req, GRPC_RESOURCE_EXHAUSTED, TOO_MUCH);
        return;
    }
    r = frame_read(&req->frames, &bytes, &message, &err);
    recharge(req);
    if (r < 0) {
        refuse(req, r == ERR_UNSUPPORTED ? GRPC_UNIMPLEMENTED : GRPC_RESOURCE_EXHAUSTED, err.text);
        return;
    }
    if (r == 0)
        return;
    req->has_message = true;
    req->body = message;
    if (bytes.len > 0)
        refuse(req, GRPC_UNIMPLEMENTED, "more than one request message");
}

void request_on_end(struct grpc_request *req)
{
    struct grpc_server *s = req->conn->server;

    req->peer_done = true;
    if (req->phase != REQUEST_READING)
        return;
    if (req->refused) {
        conclude(req);
        return;
    }
    if (!req->has_message) {
        end(req, GRPC_INTERNAL,
            frame_at_boundary(&req->frames) ? "missing request message" : "request cut off in a message");
        return;
    }
    move(req, REQUEST_WAITING);
    s->config.handler.on_request(s->config.handler.ctx, req);
}

void request_gone(struct grpc_request *req)
{
    req->stream_gone = true;
    if (req->phase == REQUEST_WAITING || req->phase == REQUEST_STREAMING) {
        req->want_cancel = true;
        request_work(req);
    } else if (!req->in_work) {
        move(req, REQUEST_ENDED);
        request_free(req);
    }
}

void request_shut(struct grpc_request *req, int status)
{
    if (req->phase == REQUEST_READING) {
        end(req, status, "service is shutting down");
    } else if (req->phase != REQUEST_ENDED) {
        req->status = status;
        req->want_cancel = true;
        request_work(req);
    }
}

/* ---- the turn ---- */

static void work_on(struct grpc_request *req)
{
    const struct grpc_handler *handler = &req->conn->server->config.handler;

    if (req->want_cancel && req->phase != REQUEST_ENDED) {
        handler->on_cancel(handler->ctx, req);
        if (req->phase != REQUEST_ENDED)
            end(req, req->status, "service is shutting down");
    } else if (req->want_drain && req->phase == REQUEST_STREAMING && !req->stream_gone) {
        req->want_drain = false;
        if (handler->on_drain)
            handler->on_drain(handler->ctx, req);
    }
    if (req->phase == REQUEST_ENDED && req->stream_gone && !req->in_work)
        request_free(req);
}

bool request_run_work(struct grpc_server *s)
{
    bool any = s->work_first != NULL;
    struct grpc_request *req;

    while ((req = s->work_first) != NULL) {
        s->work_first = req->next_work;
        if (!s->work_first)
            s->work_last = NULL;
        req->in_work = false;
        work_on(req);
    }
    return any;
}

/* ---- the handler's calls ---- */

const char *grpc_request_path(const struct grpc_request *req)
{
    return req->path;
}

struct slice grpc_request_body(const struct grpc_request *req)
{
    return req->body;
}

void grpc_request_drop_body(struct grpc_request *req)
{
    req->body = slice_of(NULL, 0);
    frame_reset(&req->frames);
    recharge(req);
}

const char *grpc_request_header(const struct grpc_request *req, const char *name)
{
    if (strcmp(name, "user-agent") == 0)
        return req->has_user_agent ? req->user_agent : NULL;
    if (strcmp(name, "x-libxmtp-version") == 0)
        return req->has_libxmtp_version ? req->libxmtp_version : NULL;
    if (strcmp(name, "x-app-version") == 0)
        return req->has_app_version ? req->app_version : NULL;
    return NULL;
}

void grpc_request_set_data(struct grpc_request *req, void *data)
{
    req->data = data;
}

void *grpc_request_data(const struct grpc_request *req)
{
    return req->data;
}

void grpc_reply(struct grpc_request *req, struct slice body)
{
    assert(req->phase == REQUEST_WAITING);
    if (req->stream_gone) {
        end(req, GRPC_CANCELLED, NULL);
        return;
    }
    if (!fits_connection(req, body.len) || !fits_server(req, body.len)) {
        end(req, GRPC_RESOURCE_EXHAUSTED, TOO_MUCH);
        return;
    }
    frame_put(&req->out, body); /* `body` may be the request's own */
    grpc_request_drop_body(req);
    if (!buf_ok(&req->out)) {
        buf_free(&req->out);
        req->out = BUF_INIT;
        end(req, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    req->queued = 1;
    move(req, REQUEST_ENDED);
    req->status = GRPC_OK;
    recharge(req);
    respond(req);
}

void grpc_fail(struct grpc_request *req, int status, const char *fmt, ...)
{
    char text[H2_MESSAGE_MAX + 1];
    va_list ap;

    assert(req->phase == REQUEST_WAITING || req->phase == REQUEST_STREAMING);
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    end(req, status, text);
}

void grpc_end(struct grpc_request *req, int status, const char *message)
{
    assert(req->phase == REQUEST_STREAMING);
    end(req, status, message);
}

void grpc_start(struct grpc_request *req)
{
    assert(req->phase == REQUEST_WAITING);
    move(req, REQUEST_STREAMING);
    if (!req->stream_gone)
        respond(req);
}

int grpc_send(struct grpc_request *req, struct slice message)
{
    const struct grpc_server_config *config = &req->conn->server->config;
    size_t waiting = req->out.len - req->out_at;

    assert(req->phase == REQUEST_STREAMING);
    if (req->stream_gone)
        return ERR_CANCELED;
    if (message.len > UINT32_MAX)
        return ERR_NOMEM;
    if (!fits_connection(req, message.len)) {
        req->conn->starving = req->refused_full = true;
        return ERR_TOOBIG;
    }
    if (req->queued > 0 &&
        (req->queued >= config->max_queue_messages || waiting + message.len > config->max_queue_bytes)) {
        req->refused_full = true;
        return ERR_TOOBIG;
    }
    if (!fits_server(req, message.len) || !buf_grow(&req->out, FRAME_HEAD_LEN + message.len)) {
        req->out.bad = false; /* what is queued stays good */
        req->refused_full = req->queued > 0;
        return req->refused_full ? ERR_TOOBIG : ERR_NOMEM;
    }
    req->out.len -= FRAME_HEAD_LEN + message.len;
    frame_put(&req->out, message);
    req->queued++;
    recharge(req);
    wake_output(req);
    return 0;
}

size_t grpc_queued(const struct grpc_request *req)
{
    return req->queued;
}
