#include "tests/net/net_world.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

static void on_guard(uv_timer_t *timer)
{
    struct world *w = timer->data;

    w->late = true;
}

/* /t/Echo, /t/Fail, /t/Hold (no answer), /t/Open (a stream, nothing sent), /t/Count (a stream of as many
 * messages of as many bytes as the body says in text, as far as the queue takes them, then the rest),
 * /t/Header (answers with a request header). */
struct counting {
    unsigned sent, count;
    size_t size;
};

static void send_some(struct grpc_request *req)
{
    struct counting *c = grpc_request_data(req);
    uint8_t *message = calloc(1, c->size ? c->size : 1);

    while (c->sent < c->count) {
        if (c->size >= 4)
            memcpy(message, &c->sent, 4);
        if (grpc_send(req, slice_of(message, c->size)) != 0)
            break;
        c->sent++;
    }
    free(message);
    if (c->sent == c->count) {
        free(c);
        grpc_end(req, GRPC_OK, NULL);
    }
}

static void hold(struct world *w, struct grpc_request *req)
{
    assert_true(w->held_count < WORLD_HELD_MAX);
    w->held[w->held_count++] = req;
}

static void on_request(void *ctx, struct grpc_request *req)
{
    struct world *w = ctx;
    const char *path = grpc_request_path(req);
    char text[64] = "";

    w->requests++;
    if (strcmp(path, "/t/Echo") == 0) {
        grpc_reply(req, grpc_request_body(req));
    } else if (strcmp(path, "/t/Fail") == 0) {
        grpc_fail(req, GRPC_INVALID_ARGUMENT, "no: 100%% \xc3\xb6\n");
    } else if (strcmp(path, "/t/Hold") == 0) {
        hold(w, req);
    } else if (strcmp(path, "/t/Open") == 0) {
        grpc_start(req);
        hold(w, req);
    } else if (strcmp(path, "/t/Header") == 0) {
        snprintf(w->header, sizeof w->header, "%s|%s|%s", grpc_request_header(req, "user-agent"),
                 grpc_request_header(req, "x-libxmtp-version"), grpc_request_header(req, "x-app-version"));
        grpc_reply(req, slice_of(NULL, 0));
    } else if (strcmp(path, "/t/Count") == 0) {
        struct counting *c = calloc(1, sizeof *c);

        memcpy(text, grpc_request_body(req).data, grpc_request_body(req).len);
        sscanf(text, "%u %zu", &c->count, &c->size);
        grpc_request_set_data(req, c);
        grpc_start(req);
        send_some(req);
    } else if (w->serve) {
        w->serve(w, req);
    } else {
        grpc_fail(req, GRPC_UNIMPLEMENTED, "unknown method %s", path);
    }
}

static void on_cancel(void *ctx, struct grpc_request *req)
{
    struct world *w = ctx;

    w->cancels++;
    for (unsigned i = 0; i < w->held_count; i++)
        if (w->held[i] == req)
            w->held[i] = NULL;
    if (strcmp(grpc_request_path(req), "/t/Count") == 0)
        free(grpc_request_data(req));
}

static void on_drain(void *ctx, struct grpc_request *req)
{
    struct world *w = ctx;

    w->drains++;
    if (grpc_request_data(req))
        send_some(req);
}

static void on_connections(void *ctx, size_t count)
{
    struct world *w = ctx;

    w->connections = count;
    if (count > w->max_connections_seen)
        w->max_connections_seen = count;
}

static void serve(struct world *w, const struct grpc_server_config *config, const char *address)
{
    struct grpc_server_config c = config ? *config : (struct grpc_server_config){0};
    struct err err = {0};

    c.handler = (struct grpc_handler){on_request, on_cancel, on_drain, on_connections, w};
    if (grpc_server_open(&w->loop, &c, &w->server, &err) != 0 || grpc_server_listen(w->server, address, &err) != 0)
        fail_msg("%s", err.text);
    snprintf(w->url, sizeof w->url, "%s://localhost:%u", c.tls_cert ? "https" : "http",
             grpc_server_port(w->server));
}

void world_open(struct world *w, const struct grpc_server_config *config)
{
    memset(w, 0, sizeof *w);
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->guard);
    w->guard.data = w;
    uv_timer_start(&w->guard, on_guard, 30000, 0);
    serve(w, config, "localhost:0");
}

static void on_link(void *ctx, enum grpc_link link)
{
    struct world *w = ctx;

    if (w->link_count < 64)
        w->links[w->link_count++] = link;
}

void world_connect(struct world *w, const struct grpc_client_config *config)
{
    struct grpc_client_config c = config ? *config : (struct grpc_client_config){0};
    struct err err = {0};

    if (!c.url)
        c.url = w->url;
    c.on_link = on_link;
    c.ctx = w;
    if (grpc_client_open(&w->loop, &c, &w->client, &err) != 0)
        fail_msg("%s", err.text);
}

static void on_closed(void *ctx)
{
    struct world *w = ctx;

    w->closed++;
}

void world_stop_server(struct world *w, uint64_t grace_ms)
{
    unsigned before = w->closed;

    grpc_server_close(w->server, grace_ms, on_closed, w);
    RUN_UNTIL(w, w->closed == before + 1);
    w->server = NULL;
}

void world_serve_at(struct world *w, const char *address)
{
    char copy[64];

    snprintf(copy, sizeof copy, "%s", address); /* it may be part of w->url */
    serve(w, NULL, copy);
}

void world_serve_again(struct world *w)
{
    world_serve_at(w, strstr(w->url, "localhost"));
}

void world_drop_client(struct world *w)
{
    unsigned before = w->closed;

    grpc_client_close(w->client, on_closed, w);
    RUN_UNTIL(w, w->closed == before + 1);
    w->client = NULL;
}

void world_close(struct world *w)
{
    if (w->client)
        world_drop_client(w);
    if (w->server)
        world_stop_server(w, 100);
    uv_close((uv_handle_t *)&w->guard, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0); /* no handle was left */
}

/* ---- calls ---- */

static void note_outcome(struct answer *a, const struct grpc_outcome *outcome)
{
    a->ends++;
    a->call = NULL;
    a->status = outcome->status;
    a->local = outcome->local;
    snprintf(a->message, sizeof a->message, "%s", outcome->message);
}

static void on_done(void *ctx, const struct grpc_outcome *outcome)
{
    struct answer *a = ctx;

    note_outcome(a, outcome);
    a->body_len = outcome->body.len;
    a->body = calloc(1, outcome->body.len + 1);
    if (outcome->body.len)
        memcpy(a->body, outcome->body.data, outcome->body.len);
}

void ask(struct world *w, const char *path, const void *body, size_t len, uint64_t deadline_ms, struct answer *a)
{
    struct err err = {0};

    memset(a, 0, sizeof *a);
    if (grpc_unary(w->client, path, slice_of(body, len), deadline_ms, on_done, a, &a->call, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(a->ends, 0);
}

static void on_headers(void *ctx)
{
    struct answer *a = ctx;

    a->headers++;
}

static void on_message(void *ctx, struct slice message)
{
    struct answer *a = ctx;

    a->messages++;
    a->message_bytes += message.len;
    a->last_len = message.len < sizeof a->last ? message.len : sizeof a->last;
    if (a->last_len)
        memcpy(a->last, message.data, a->last_len);
    if (a->pause_after && a->messages % a->pause_after == 0)
        grpc_call_pause(a->call);
    if (a->cancel_in_message)
        grpc_call_cancel(a->call);
}

static void on_end(void *ctx, const struct grpc_outcome *outcome)
{
    note_outcome(ctx, outcome);
}

void listen_to(struct world *w, const char *path, const void *body, size_t len, uint64_t deadline_ms,
               struct answer *a)
{
    static const struct grpc_stream_events events = {on_headers, on_message, on_end};
    struct err err = {0};
    unsigned pause_after = a->pause_after;
    bool cancel = a->cancel_in_message;

    memset(a, 0, sizeof *a);
    a->pause_after = pause_after;
    a->cancel_in_message = cancel;
    if (grpc_stream_open(w->client, path, slice_of(body, len), deadline_ms, &events, a, &a->call, &err) != 0)
        fail_msg("%s", err.text);
}

void answer_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
}
