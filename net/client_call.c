/* One call: its request waiting to go out, its answer checked against gRPC's rules as it comes in, its
 * end told once.
 *
 * The happy path of a unary call: headers (200, application/grpc), one message, trailers with
 * grpc-status 0.  Everything else is an outcome with a status and a sentence: the peer's own
 * (local = false) or ours about the peer (local = true). */
#include "net/client_internal.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define POOL_MAX 64
#define POOL_BUFFER_MAX (64 * 1024)
#define REQUEUE_MAX 3

/* ---- lists ---- */

void call_list_add(struct call_list *list, struct grpc_call *call)
{
    call->list = list;
    call->next = NULL;
    call->prev = list->last;
    if (list->last)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
}

void call_list_remove(struct grpc_call *call)
{
    struct call_list *list = call->list;

    if (!list)
        return;
    if (call->prev)
        call->prev->next = call->next;
    else
        list->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    else
        list->last = call->prev;
    call->list = NULL;
    call->prev = call->next = NULL;
}

/* The next turn looks at this call. */
void call_work(struct grpc_call *call)
{
    struct grpc_client *c = call->client;

    if (call->in_work)
        return;
    call->in_work = true;
    call->next_work = NULL;
    if (c->work_last)
        c->work_last->next_work = call;
    else
        c->work_first = call;
    c->work_last = call;
}

/* ---- making and freeing ---- */

static void trim(struct buf *b)
{
    if (b->cap > POOL_BUFFER_MAX)
        buf_free(b);
    buf_reset(b);
}

static struct grpc_call *call_new(struct grpc_client *c)
{
    struct grpc_call *call = c->pool;
    struct buf out = BUF_INIT, held = BUF_INIT, body = BUF_INIT;

    if (call) {
        c->pool = call->next;
        c->pooled--;
        out = call->out;
        held = call->held;
        body = call->frames.body;
    } else {
        call = xm_alloc(sizeof *call);
        if (!call)
            return NULL;
    }
    memset(call, 0, offsetof(struct grpc_call, message));
    call->message[0] = 0;
    call->client = c;
    call->out = out;
    call->held = held;
    frame_init(&call->frames, c->max_message);
    call->frames.body = body;
    call->grpc_status = -1;
    c->open_calls++;
    return call;
}

static void call_destroy(struct grpc_call *call)
{
    buf_free(&call->out);
    buf_free(&call->held);
    frame_deinit(&call->frames);
    xm_free(call);
}

static void call_free(struct grpc_call *call)
{
    struct grpc_client *c = call->client;

    c->open_calls--;
    call_list_remove(call);
    call->phase = CALL_FREE;
    if (c->pooled >= POOL_MAX) {
        call_destroy(call);
        return;
    }
    trim(&call->out);
    trim(&call->held);
    trim(&call->frames.body);
    call->next = c->pool;
    c->pool = call;
    c->pooled++;
}

void call_pool_free(struct grpc_client *c)
{
    while (c->pool) {
        struct grpc_call *call = c->pool;

        c->pool = call->next;
        call_destroy(call);
    }
}

static int start(struct grpc_client *c, const char *path, struct slice body, uint64_t deadline_ms,
                 struct grpc_call **out, struct err *err)
{
    struct grpc_call *call;

    if (c->state == CLIENT_CLOSING)
        return err_set(err, ERR_STATE, "the client is closing");
    if (body.len > c->max_message)
        return err_set(err, ERR_TOOBIG, "a request of %zu bytes, over the limit of %zu", body.len, c->max_message);
    if (strlen(path) >= sizeof call->path)
        return err_set(err, ERR_INVALID, "method name too long");
    call = call_new(c);
    if (!call)
        return err_set(err, ERR_NOMEM, "no memory for a call");
    frame_put(&call->out, body);
    if (!buf_ok(&call->out)) {
        call_free(call);
        return err_set(err, ERR_NOMEM, "no memory for a request of %zu bytes", body.len);
    }
    strcpy(call->path, path);
    call->phase = CALL_PENDING;
    if (deadline_ms) {
        call->deadline_ms = uv_now(c->loop) + deadline_ms;
        client_watch_deadline(c, call->deadline_ms);
    }
    *out = call;
    return 0;
}

static void submit(struct grpc_call *call)
{
    struct grpc_client *c = call->client;

    if (c->current && client_conn_takes_calls(c->current) && client_conn_submit(c->current, call))
        return;
    call_list_add(&c->pending, call);
    client_want_connection(c);
}

int grpc_unary(struct grpc_client *c, const char *path, struct slice body, uint64_t deadline_ms,
               void (*done)(void *ctx, const struct grpc_outcome *outcome), void *ctx, struct grpc_call **out,
               struct err *err)
{
    struct grpc_call *call = NULL;
    int r;

    if ((r = start(c, path, body, deadline_ms, &call, err)) != 0)
        return r;
    call->done = done;
    call->ctx = ctx;
    call->frames.keep = true; /* the message outlives the bytes it came in, until the turn */
    submit(call);
    if (out)
        *out = call;
    return 0;
}

int grpc_stream_open(struct grpc_client *c, const char *path, struct slice body, uint64_t deadline_ms,
                     const struct grpc_stream_events *events, void *ctx, struct grpc_call **out, struct err *err)
{
    struct grpc_call *call = NULL;
    int r;

    if ((r = start(c, path, body, deadline_ms, &call, err)) != 0)
        return r;
    call->is_stream = true;
    call->events = *events;
    call->ctx = ctx;
    submit(call);
    if (out)
        *out = call;
    return 0;
}

/* ---- the end ---- */

static void leave_stream(struct grpc_call *call, uint32_t reset_code)
{
    struct client_conn *conn = call->conn;

    call_list_remove(call);
    call->conn = NULL;
    if (!conn || conn->closing)
        return;
    if (!call->stream_gone) {
        nghttp2_session_set_stream_user_data(conn->session, call->stream_id, NULL);
        if (reset_code != NGHTTP2_NO_ERROR)
            nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, call->stream_id, reset_code);
        conn->dirty = true;
    }
    client_conn_maybe_drained(conn);
}

static void end_with(struct grpc_call *call, int status, bool local, uint32_t reset_code)
{
    call->status = status;
    call->local = local;
    leave_stream(call, reset_code);
    call->phase = CALL_ENDED;
    call_list_add(&call->client->ended, call);
    call_work(call);
}

void call_end(struct grpc_call *call, int status, bool local, const char *fmt, ...)
{
    va_list ap;

    if (call->phase == CALL_ENDED || call->phase == CALL_FREE)
        return;
    va_start(ap, fmt);
    vsnprintf(call->message, sizeof call->message, fmt, ap);
    va_end(ap);
    end_with(call, status, local, NGHTTP2_CANCEL);
}

void grpc_call_cancel(struct grpc_call *call)
{
    call->cancelled = true;
    if (call->phase == CALL_ENDED) { /* ended by itself, not told yet: the caller's word stands */
        call->status = GRPC_CANCELLED;
        call->local = true;
        strcpy(call->message, "canceled");
        call_work(call);
        return;
    }
    call_end(call, GRPC_CANCELLED, true, "canceled");
}

bool call_requeue(struct grpc_call *call)
{
    if (call->headers_done || call->requeued >= REQUEUE_MAX || call->phase != CALL_OPEN)
        return false;
    call->requeued++;
    leave_stream(call, NGHTTP2_NO_ERROR);
    call->phase = CALL_PENDING;
    call->out_at = 0;
    call->header_bytes = 0;
    call->stream_gone = false;
    call_list_add(&call->client->pending, call);
    client_want_connection(call->client);
    return true;
}

/* ---- the answer ---- */

int call_on_header(struct grpc_call *call, struct slice name, struct slice value)
{
    call->header_bytes += name.len + value.len + 32; /* RFC 9113 6.5.2 counts so */
    if (call->header_bytes > H2_HEADER_LIST_MAX) {
        call->too_many_headers = true;
        return -1;
    }
    if (h2_is(name, ":status")) {
        call->http_status = 0;
        for (size_t i = 0; i < value.len && i < 3; i++)
            call->http_status = call->http_status * 10 + (value.data[i] - '0');
    } else if (h2_is(name, "content-type")) {
        call->content_type_ok = h2_is_grpc(value);
    } else if (h2_is(name, "grpc-status")) {
        call->grpc_status = grpc_status_parse(value);
    } else if (h2_is(name, "grpc-message")) {
        grpc_message_decode(value, call->message, sizeof call->message);
    }
    return 0;
}

void call_on_headers_end(struct grpc_call *call, bool end_stream)
{
    if (call->headers_done || end_stream) /* trailers, or trailers only */
        return;
    if (call->http_status >= 100 && call->http_status < 200) /* the real ones follow */
        return;
    if (call->http_status != 200) {
        call_end(call, grpc_status_of_http(call->http_status), false, "HTTP status %d", call->http_status);
        return;
    }
    if (!call->content_type_ok) {
        call_end(call, GRPC_UNKNOWN, true, "the answer is not gRPC (content-type)");
        return;
    }
    call->headers_done = true;
    if (!call->is_stream)
        return;
    call->deadline_ms = 0; /* it was for these headers */
    if (call->events.on_headers)
        call->events.on_headers(call->ctx);
}

/* Status for what frame_read() or the message rules refuse. */
static void end_bad_message(struct grpc_call *call, int code, const struct err *err)
{
    call_end(call, code == ERR_TOOBIG || code == ERR_NOMEM ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL, true,
             "bad answer: %s", err->text);
}

static void on_message(struct grpc_call *call, struct slice message)
{
    call->messages++;
    if (call->is_stream)
        call->events.on_message(call->ctx, message);
    else if (call->messages > 1)
        call_end(call, GRPC_INTERNAL, true, "bad answer: more than one message");
}

/* Goes through `in` until it is empty, the call paused, or over. */
static void feed(struct grpc_call *call, struct slice *in)
{
    struct slice message;
    struct err err;
    int r;

    while (!call->paused && !call->cancelled) {
        if (!call->is_stream && call->messages == 1 && in->len > 0) {
            /* Nothing may follow; and the kept message must stay where it is. */
            call_end(call, GRPC_INTERNAL, true, "bad answer: more than one message");
            return;
        }
        if (!call->is_stream && call->messages == 1)
            return;
        r = frame_read(&call->frames, in, &message, &err);
        if (r == 0)
            return;
        if (r < 0) {
            end_bad_message(call, r, &err);
            return;
        }
        on_message(call, message);
    }
}

static void consume(struct grpc_call *call, size_t len)
{
    if (call->conn && len > 0) {
        nghttp2_session_consume_stream(call->conn->session, call->stream_id, len);
        call->conn->dirty = true;
    }
}

void call_on_data(struct grpc_call *call, struct slice bytes)
{
    size_t len = bytes.len;

    if (!call->headers_done) {
        call_end(call, GRPC_INTERNAL, true, "bad answer: data before headers");
        return;
    }
    if (call->held.len == call->held_at)
        feed(call, &bytes);
    if (call->phase != CALL_OPEN)
        return;
    consume(call, len - bytes.len);
    if (bytes.len == 0)
        return;
    buf_put_slice(&call->held, bytes);
    if (!buf_ok(&call->held))
        call_end(call, GRPC_RESOURCE_EXHAUSTED, true, "no memory for what came while paused");
}

void call_on_end_stream(struct grpc_call *call)
{
    bool sent_all = call->out_at == call->out.len;

    if (call->phase != CALL_OPEN)
        return;
    if (!call->headers_done && call->http_status != 200) {
        call_end(call, grpc_status_of_http(call->http_status), false, "HTTP status %d", call->http_status);
        return;
    }
    if (call->grpc_status < 0) {
        call_end(call, GRPC_UNKNOWN, true, "bad answer: it has no grpc-status");
        return;
    }
    if (call->grpc_status == GRPC_OK && call->held_at == call->held.len) {
        if (!frame_at_boundary(&call->frames)) {
            call_end(call, GRPC_INTERNAL, true, "bad answer: cut off in a message");
            return;
        }
        if (!call->is_stream && call->messages == 0) {
            call_end(call, GRPC_INTERNAL, true, "bad answer: missing response message");
            return;
        }
    }
    /* An early answer leaves our request unfinished: the reset tells the server to forget it. */
    end_with(call, call->grpc_status, false, sent_all ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
}

void call_on_reset(struct grpc_call *call, uint32_t error_code)
{
    char why[sizeof call->conn->why];

    if (call->phase != CALL_OPEN)
        return;
    call->stream_gone = true;
    if (error_code == NGHTTP2_REFUSED_STREAM && call_requeue(call))
        return;
    if (call->too_many_headers) {
        call_end(call, GRPC_RESOURCE_EXHAUSTED, true, "bad answer: headers of more than %d bytes",
                 H2_HEADER_LIST_MAX);
    } else if (call->conn->why[0]) {
        snprintf(why, sizeof why, "%s", call->conn->why);
        call->conn->why[0] = 0; /* it was about this stream */
        call_end(call, GRPC_INTERNAL, true, "bad answer: %s", why);
    } else {
        call_end(call, grpc_status_of_h2(error_code), false, "the node reset the stream (%s)",
                 nghttp2_http2_strerror(error_code));
    }
}

/* ---- back-pressure ---- */

void grpc_call_pause(struct grpc_call *call)
{
    call->paused = true;
}

void grpc_call_resume(struct grpc_call *call)
{
    if (!call->paused)
        return;
    call->paused = false;
    call_work(call);
}

static void deliver_held(struct grpc_call *call)
{
    size_t len = call->held.len - call->held_at;
    struct slice in;

    if (len == 0)
        return;
    in = slice_of(call->held.data + call->held_at, len);
    feed(call, &in);
    call->held_at += len - in.len;
    if (call->phase == CALL_OPEN)
        consume(call, len - in.len);
    if (call->held_at == call->held.len) {
        trim(&call->held);
        call->held_at = 0;
    }
}

/* ---- telling ---- */

static void tell_end(struct grpc_call *call)
{
    struct grpc_outcome outcome = {call->status, call->local, call->message, {NULL, 0}};

    if (!call->is_stream && call->status == GRPC_OK)
        outcome.body = buf_slice(&call->frames.body);
    if (call->is_stream)
        call->events.on_end(call->ctx, &outcome);
    else
        call->done(call->ctx, &outcome);
    call_free(call);
}

bool call_run_work(struct grpc_client *c)
{
    bool any = c->work_first != NULL;
    struct grpc_call *call;

    while ((call = c->work_first) != NULL) {
        bool closing = c->state == CLIENT_CLOSING;

        c->work_first = call->next_work;
        if (!c->work_first)
            c->work_last = NULL;
        call->in_work = false;
        if (!call->paused && !call->cancelled && !closing)
            deliver_held(call);
        if (call->in_work) /* its callback did something: the next round looks again */
            continue;
        if (call->phase == CALL_ENDED && (!call->paused || call->cancelled || closing))
            tell_end(call);
    }
    return any;
}
