#include "node/node.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/grpc_server.h"
#include "node/service.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { STOP_GRACE_MS = 1000, MAX_JOBS = 4096 };

#define OR(value, otherwise) ((value) != 0 ? (value) : (otherwise))

static void limits_fill(struct node_limits *l)
{
    l->max_message = OR(l->max_message, NODE_MESSAGE_MAX);
    l->max_calls = OR(l->max_calls, 1000);
    l->max_connections = OR(l->max_connections, 1000);
    l->max_streams = OR(l->max_streams, 10 * 1000);
    l->max_filters = OR(l->max_filters, 1000 * 1000);
    l->max_pending_bytes = OR(l->max_pending_bytes, (size_t)256 << 20);
    l->requests_per_s = OR(l->requests_per_s, 50 * 1000);
    l->publishes_per_s = OR(l->publishes_per_s, 20 * 1000);
}

/* ---- Clients come and go ---- */

static void on_cancel(void *ctx, struct grpc_request *req)
{
    struct node *node = ctx;

    if (!streams_cancel(node->streams, req))
        batch_forget(node->batch, req);
}

static void on_drain(void *ctx, struct grpc_request *req)
{
    struct node *node = ctx;

    streams_drained(node->streams, req);
}

static void on_idle_timer(uv_timer_t *timer)
{
    struct node *node = timer->data;

    log_info("node", "no client for %llu s: ending", (unsigned long long)(node->idle_exit_ms / 1000));
    node->on_idle(node->idle_ctx);
}

static void watch_idle(struct node *node, size_t connections)
{
    if (node->idle_exit_ms == 0 || node->closing > 0)
        return;
    if (connections > 0)
        uv_timer_stop(&node->idle_timer);
    else
        uv_timer_start(&node->idle_timer, on_idle_timer, node->idle_exit_ms, 0);
}

static void on_connections(void *ctx, size_t count)
{
    watch_idle(ctx, count);
}

/* ---- Opening ---- */

static int listen_all(struct node *node, const struct node_config *config, struct err *err)
{
    size_t i;
    int r;

    for (i = 0; i < config->listen_n; i++) {
        const char *address = config->listen[i], *colon = strrchr(address, ':');
        char same_port[256];

        /* Port 0 picks one port, the same for every address. */
        if (i > 0 && colon != NULL && strcmp(colon, ":0") == 0) {
            snprintf(same_port, sizeof same_port, "%.*s:%u", (int)(colon - address), address, node_port(node));
            address = same_port;
        }
        if ((r = grpc_server_listen(node->server, address, err)) != 0)
            return r;
    }
    return 0;
}

static int open_parts(struct node *node, const struct node_config *config, struct err *err)
{
    struct batch_config batch = {.loop = node->loop,
                                 .data = &node->data,
                                 .max_jobs = MAX_JOBS,
                                 .max_pending_bytes = node->limits.max_pending_bytes,
                                 .ctx = node};
    struct streams_config streams = {
        .loop = node->loop, .max_streams = node->limits.max_streams, .max_filters = node->limits.max_filters};
    struct grpc_server_config server = {.max_message = node->limits.max_message,
                                        .max_streams = node->limits.max_calls,
                                        .max_connections = node->limits.max_connections,
                                        .tls_cert = config->tls_cert,
                                        .tls_key = config->tls_key,
                                        .handler = {.on_request = node_on_request,
                                                    .on_cancel = on_cancel,
                                                    .on_drain = on_drain,
                                                    .on_connections = on_connections,
                                                    .ctx = node}};
    int r;

    r = node_data_open(config->db_path, config->clock != NULL ? config->clock : &clock_system, &node->data, err);
    if (r != 0)
        return r;
    streams.db = node->data.reader;
    if ((r = batch_open(&batch, &node->batch, err)) != 0 || (r = streams_open(&streams, &node->streams, err)) != 0 ||
        (r = grpc_server_open(node->loop, &server, &node->server, err)) != 0)
        return r;
    return listen_all(node, config, err);
}

/* A node that failed to open is closed like one that did; its loop runs until that is done. */
int node_open(uv_loop_t *loop, const struct node_config *config, struct node **out, struct err *err)
{
    struct node *node = xm_alloc(sizeof *node);
    int r;

    if (node == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    node->loop = loop;
    node->limits = config->limits;
    limits_fill(&node->limits);
    node->idle_exit_ms = config->on_idle != NULL ? config->idle_exit_ms : 0;
    node->on_idle = config->on_idle;
    node->idle_ctx = config->ctx;
    node->idle_timer.data = node;
    uv_timer_init(loop, &node->idle_timer);
    rate_init(&node->requests, node->limits.requests_per_s, uv_now(loop));
    rate_init(&node->publishes, node->limits.publishes_per_s, uv_now(loop));
    if ((r = open_parts(node, config, err)) != 0) {
        node_close(node, NULL, NULL);
        return r;
    }
    watch_idle(node, 0);
    *out = node;
    return 0;
}

uint16_t node_port(const struct node *node)
{
    return grpc_server_port(node->server);
}

size_t node_addresses(const struct node *node)
{
    return grpc_server_listeners(node->server);
}

void node_address(const struct node *node, size_t i, char out[NODE_ADDRESS_MAX])
{
    static_assert(NODE_ADDRESS_MAX == GRPC_ADDRESS_MAX, "one text");
    grpc_server_address(node->server, i, out);
}

uint64_t node_transactions(const struct node *node)
{
    return batch_count(node->batch);
}

size_t node_open_streams(const struct node *node)
{
    return streams_count(node->streams);
}

/* ---- Closing: server, batch, streams, then the database ---- */

static void part_closed(void *ctx)
{
    struct node *node = ctx;

    if (--node->closing > 0)
        return;
    node_data_close(&node->data);
    proto_arena_free(&node->arena);
    buf_free(&node->reply);
    buf_free(&node->part);
    if (node->on_closed != NULL)
        node->on_closed(node->closed_ctx);
    xm_free(node);
}

static void timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

/* The last transaction announces its rows to the streams, so they go after it. */
static void batch_closed(void *ctx)
{
    struct node *node = ctx;

    node->batch = NULL;
    if (node->streams != NULL)
        streams_close(node->streams, part_closed, node);
    else
        part_closed(node);
}

static void server_closed(void *ctx)
{
    struct node *node = ctx;

    node->server = NULL;
    if (node->batch != NULL)
        batch_close(node->batch, batch_closed, node);
    else
        batch_closed(node);
}

void node_close(struct node *node, void (*on_closed)(void *ctx), void *ctx)
{
    node->on_closed = on_closed;
    node->closed_ctx = ctx;
    node->closing = 2;
    uv_close((uv_handle_t *)&node->idle_timer, timer_closed);
    if (node->server != NULL)
        grpc_server_close(node->server, STOP_GRACE_MS, server_closed, node);
    else
        server_closed(node);
}
