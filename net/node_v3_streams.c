/* Subscriptions: a gRPC server stream each, its messages checked row by row and handed on.
 *
 * A stream is in the object's list until its end is known.  Closed by the caller it leaves the list at
 * once and its memory goes with the call's own end, which nobody hears of. */
#include "net/node_v3_internal.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "net/node_rows.h"
#include "net/status.h"
#include "proto/check.h"
#include "proto/wire.h"

#define ME "node"

struct v3_stream {
    struct node_stream base;
    struct v3_stream *prev, *next;
    struct grpc_call *call;
    enum proto_method method;
    struct node_stream_events events;
    void *ctx;
    bool closed; /* by the caller: no callback any more */
    struct proto_arena arena; /* of the item being handed on */
};

static struct node_v3 *owner(const struct v3_stream *s)
{
    return (struct node_v3 *)s->base.api;
}

static void enlist(struct node_v3 *v, struct v3_stream *s)
{
    s->next = v->streams;
    if (s->next)
        s->next->prev = s;
    v->streams = s;
}

static void delist(struct v3_stream *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        owner(s)->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

static void on_headers(void *ctx)
{
    struct v3_stream *s = ctx;

    if (!s->closed && s->events.on_live)
        s->events.on_live(s->ctx);
}

static void refused(struct v3_stream *s, const char *what, struct node_cursor cursor, const struct err *why)
{
    log_error(ME, "skipping a streamed %s, %llu: %s", what, (unsigned long long)cursor.sequence_id, why->text);
    if (cursor.sequence_id && s->events.on_skipped)
        s->events.on_skipped(s->ctx, cursor);
}

static void on_group_message(struct v3_stream *s, struct slice row)
{
    struct node_group_message message;
    struct node_cursor cursor;
    struct err why;

    if (node_row_group(row, true, &s->arena, &message, &cursor, &why) != 0)
        refused(s, "group message", cursor, &why);
    else if (s->events.on_group_message)
        s->events.on_group_message(s->ctx, &message);
}

static void on_welcome(struct v3_stream *s, struct slice row)
{
    struct node_welcome_message welcome;
    struct node_cursor cursor;
    struct err why;

    if (node_row_welcome(row, &s->arena, &welcome, &cursor, &why) != 0)
        refused(s, "welcome", cursor, &why);
    else if (s->events.on_welcome)
        s->events.on_welcome(s->ctx, &welcome);
}

static void on_message(void *ctx, struct slice row)
{
    struct v3_stream *s = ctx;

    if (s->closed)
        return;
    if (s->method == PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES)
        on_group_message(s, row);
    else
        on_welcome(s, row);
    proto_arena_reset(&s->arena); /* the stream lives until on_end, even if it was closed in there */
}

static void stream_free(struct v3_stream *s)
{
    proto_arena_free(&s->arena);
    xm_free(s);
}

static void on_end(void *ctx, const struct grpc_outcome *outcome)
{
    struct v3_stream *s = ctx;
    struct err err = {0};
    int code = 0;

    if (!s->closed) {
        delist(s);
        if (outcome->status != GRPC_OK)
            code = v3_error(s->method, outcome, &err);
        if (s->events.on_end)
            s->events.on_end(s->ctx, code, &err);
    }
    stream_free(s);
}

static int subscribe(struct node_v3 *v, enum proto_method method, struct buf *request,
                     const struct node_stream_events *events, void *ctx, struct node_stream **out, struct err *err)
{
    static const struct grpc_stream_events callbacks = {on_headers, on_message, on_end};
    struct v3_stream *s = xm_alloc(sizeof *s);
    int r;

    if (!s || !buf_ok(request)) {
        xm_free(s);
        return err_set(err, ERR_NOMEM, "no memory for a subscription");
    }
    s->base.api = &v->api;
    s->method = method;
    s->events = *events;
    s->ctx = ctx;
    r = grpc_stream_open(v->client, proto_method_info(method)->path, buf_slice(request), v->call_timeout_ms,
                         &callbacks, s, &s->call, err);
    if (r != 0) {
        stream_free(s);
        return r;
    }
    enlist(v, s);
    *out = &s->base;
    return 0;
}

static int refuse_if_canceled(const struct node_v3 *v, struct err *err)
{
    return v->canceled ? err_set(err, ERR_CANCELED, "canceled") : 0;
}

/* Filter{1 topic, 2 id_cursor} as field 1, for both. */
static void put_filter(struct buf *b, struct slice topic, struct node_position after)
{
    uint64_t id = v3_after(after);

    wire_put_head(b, 1, wire_size_bytes(1, topic.len) + wire_size_u64(2, id));
    wire_put_bytes(b, 1, topic);
    wire_put_u64(b, 2, id);
}

int v3_subscribe_groups(struct node_api *api, const struct node_group_filter *filters, size_t count,
                        const struct node_stream_events *events, void *ctx, struct node_stream **out,
                        struct err *err)
{
    struct node_v3 *v = (struct node_v3 *)api;
    struct buf b = v3_take_buf(v);
    int r;

    for (size_t i = 0; i < count; i++)
        put_filter(&b, filters[i].group_id, filters[i].after);
    if ((r = refuse_if_canceled(v, err)) == 0)
        r = subscribe(v, PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES, &b, events, ctx, out, err);
    v3_give_buf(v, &b);
    return r;
}

int v3_subscribe_welcomes(struct node_api *api, const struct node_welcome_filter *filters, size_t count,
                          const struct node_stream_events *events, void *ctx, struct node_stream **out,
                          struct err *err)
{
    struct node_v3 *v = (struct node_v3 *)api;
    struct buf b;
    int r;

    if (count == 0)
        return err_set(err, ERR_INVALID, "a subscription to welcomes of nobody");
    for (size_t i = 0; i < count; i++)
        if (filters[i].installation_key.len != NODE_KEY_LEN)
            return err_set(err, ERR_INVALID, "an installation key of %zu bytes", filters[i].installation_key.len);
    b = v3_take_buf(v);
    for (size_t i = 0; i < count; i++)
        put_filter(&b, filters[i].installation_key, filters[i].after);
    if ((r = refuse_if_canceled(v, err)) == 0)
        r = subscribe(v, PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES, &b, events, ctx, out, err);
    v3_give_buf(v, &b);
    return r;
}

void v3_stream_pause(struct node_stream *stream)
{
    grpc_call_pause(((struct v3_stream *)stream)->call);
}

void v3_stream_resume(struct node_stream *stream)
{
    grpc_call_resume(((struct v3_stream *)stream)->call);
}

void v3_stream_close(struct node_stream *stream)
{
    struct v3_stream *s = (struct v3_stream *)stream;

    if (s->closed)
        return;
    s->closed = true;
    delist(s);
    grpc_call_cancel(s->call);
}

void v3_cancel_streams(struct node_v3 *v)
{
    for (struct v3_stream *s = v->streams; s; s = s->next)
        grpc_call_cancel(s->call);
}
