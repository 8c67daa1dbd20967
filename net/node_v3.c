/* The V3 node API object: the table, opening, cancelling, closing.
 *
 * Closing: everything that waits is cancelled; when the last fiber has left v3_call(), the gRPC client
 * closes (which ends the subscriptions), then the timer, then the memory goes. */
#include "net/node_v3.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/node_v3_internal.h"

#define CALL_TIMEOUT_MS 30000

uint64_t v3_after(struct node_position position)
{
    uint64_t max = 0;

    for (size_t i = 0; i < position.count; i++)
        if (position.cursors[i].sequence_id > max)
            max = position.cursors[i].sequence_id;
    return max;
}

static enum grpc_link link_of(struct node_api *api)
{
    return grpc_client_link(((struct node_v3 *)api)->client);
}

static uint64_t last_heard_of(struct node_api *api)
{
    return grpc_client_last_heard_ms(((struct node_v3 *)api)->client);
}

struct grpc_client *node_v3_client(struct node_api *api)
{
    return ((struct node_v3 *)api)->client;
}

static void cancel_all(struct node_api *api)
{
    struct node_v3 *v = (struct node_v3 *)api;

    v->canceled = true;
    v3_cancel_waiters(v);
    v3_cancel_streams(v);
}

/* ---- closing ---- */

static void handle_gone(struct node_v3 *v)
{
    void (*on_closed)(void *ctx) = v->on_closed;
    void *ctx = v->closed_ctx;

    if (--v->handles > 0)
        return;
    buf_free(&v->spare);
    xm_free(v);
    if (on_closed)
        on_closed(ctx);
}

static void on_client_closed(void *ctx)
{
    handle_gone(ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

void v3_maybe_torn_down(struct node_v3 *v)
{
    if (!v->closing || v->torn_down || v->waiters)
        return;
    v->torn_down = true;
    grpc_client_close(v->client, on_client_closed, v);
    uv_close((uv_handle_t *)&v->sleep, on_timer_closed);
}

static void close_api(struct node_api *api, void (*on_closed)(void *ctx), void *ctx)
{
    struct node_v3 *v = (struct node_v3 *)api;

    if (v->closing)
        return;
    v->closing = true;
    v->on_closed = on_closed;
    v->closed_ctx = ctx;
    cancel_all(api);
    v3_maybe_torn_down(v);
}

/* ---- opening ---- */

static const struct node_api_ops ops = {
    .upload_key_package = v3_upload_key_package,
    .fetch_key_packages = v3_fetch_key_packages,
    .send_group_messages = v3_send_group_messages,
    .send_welcome_messages = v3_send_welcome_messages,
    .query_group_messages = v3_query_group_messages,
    .query_welcome_messages = v3_query_welcome_messages,
    .newest_group_messages = v3_newest_group_messages,
    .publish_identity_update = v3_publish_identity_update,
    .get_identity_updates = v3_get_identity_updates,
    .get_inbox_ids = v3_get_inbox_ids,
    .verify_wallet_signatures = v3_verify_wallet_signatures,
    .publish_commit_log = v3_publish_commit_log,
    .query_commit_log = v3_query_commit_log,
    .subscribe_group_messages = v3_subscribe_groups,
    .subscribe_welcome_messages = v3_subscribe_welcomes,
    .stream_pause = v3_stream_pause,
    .stream_resume = v3_stream_resume,
    .stream_close = v3_stream_close,
    .link = link_of,
    .last_heard_ms = last_heard_of,
    .cancel_all = cancel_all,
    .close = close_api,
};

int node_v3_open(uv_loop_t *loop, const struct node_v3_config *config, struct node_api **out, struct err *err)
{
    struct node_v3 *v = xm_alloc(sizeof *v);
    int r;

    if (!v)
        return err_set(err, ERR_NOMEM, "no memory for the node's API");
    v->api.ops = &ops;
    v->loop = loop;
    v->call_timeout_ms = config->call_timeout_ms ? config->call_timeout_ms : CALL_TIMEOUT_MS;
    v->rand = config->client.rand ? *config->client.rand : rand_system;
    if ((r = grpc_client_open(loop, &config->client, &v->client, err)) != 0) {
        xm_free(v);
        return r;
    }
    v3_sleep_init(v);
    v->handles = 2;
    *out = &v->api;
    return 0;
}
