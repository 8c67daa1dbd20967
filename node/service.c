/* Which path goes to which method, and how answers and errors leave. */
#include "node/service.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/grpc_server.h"
#include "proto/methods.h"

#define KEEP_CAPACITY (1024 * 1024)

int node_status(int code)
{
    switch (code) {
    case ERR_MALFORMED:
    case ERR_INVALID:
    case ERR_AUTH:
    case ERR_DENIED:
        return GRPC_INVALID_ARGUMENT;
    case ERR_TOOBIG:
    case ERR_NOMEM:
        return GRPC_RESOURCE_EXHAUSTED;
    case ERR_IO:
    case ERR_LOCKED:
    case ERR_STATE:
        return GRPC_UNAVAILABLE;
    case ERR_UNSUPPORTED:
        return GRPC_UNIMPLEMENTED;
    default:
        return GRPC_INTERNAL;
    }
}

void node_fail(struct grpc_request *req, const struct err *err)
{
    grpc_fail(req, node_status(err->code), "%s", err->text);
}

void node_reply(struct node *node, struct grpc_request *req)
{
    if (!buf_ok(&node->reply))
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    else if (node->reply.len > NODE_MESSAGE_MAX)
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "the answer has %zu bytes, over the limit of %zu: ask for less",
                  node->reply.len, NODE_MESSAGE_MAX);
    else
        grpc_reply(req, buf_slice(&node->reply));
}

struct job *node_job(struct node *node, struct grpc_request *req, const struct job_kind *kind,
                     const ProtobufCMessageDescriptor *type, bool keep)
{
    struct slice body = grpc_request_body(req);
    struct job *job = job_new(kind, req);
    struct proto_limits limits = proto_limits_default;
    struct err err = {0};

    limits.allow_nul = kind->allow_nul;
    if (job == NULL || (keep && bytes_dup(body, &job->copy) != 0)) {
        err_set(&err, ERR_NOMEM, "out of memory");
        goto fail;
    }
    job->now_ns = clock_now_ns(node->data.clock);
    if (proto_unpack_within(type, body, &limits, &job->arena, &job->message, &err) != 0)
        goto fail;
    /* A small request may take fifty times its size. */
    job->cost = sizeof *job + job->copy.len + proto_arena_size(&job->arena);
    return job;
fail:
    job_free(job);
    node_fail(req, &err);
    return NULL;
}

void node_submit(struct node *node, struct job *job, size_t count)
{
    struct grpc_request *req = job->req;
    struct err err = {0};

    if (!rate_take(&node->publishes, count, uv_now(node->loop)))
        err_set(&err, ERR_TOOBIG, "more than %llu publishes a second: try again later",
                (unsigned long long)node->publishes.per_s);
    else if (batch_submit(node->batch, job, &err) == 0) {
        /* The message was copied out of it. */
        grpc_request_drop_body(req);
        return;
    }
    job_free(job);
    node_fail(req, &err);
}

static void rpc_health(struct node *node, struct grpc_request *req, struct slice body)
{
    static const uint8_t serving[] = {0x08, 0x01}; /* HealthCheckResponse{1: SERVING} */

    (void)node;
    (void)body;
    grpc_reply(req, slice_of(serving, sizeof serving));
}

static node_method *const methods[PROTO_METHOD_COUNT] = {
    [PROTO_MLS_UPLOAD_KEY_PACKAGE] = rpc_upload_key_package,
    [PROTO_MLS_REGISTER_INSTALLATION] = rpc_register_installation,
    [PROTO_MLS_FETCH_KEY_PACKAGES] = rpc_fetch_key_packages,
    [PROTO_MLS_SEND_GROUP_MESSAGES] = rpc_send_group_messages,
    [PROTO_MLS_SEND_WELCOME_MESSAGES] = rpc_send_welcome_messages,
    [PROTO_MLS_QUERY_GROUP_MESSAGES] = rpc_query_group_messages,
    [PROTO_MLS_QUERY_WELCOME_MESSAGES] = rpc_query_welcome_messages,
    [PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES] = rpc_subscribe_group_messages,
    [PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES] = rpc_subscribe_welcome_messages,
    [PROTO_MLS_GET_NEWEST_GROUP_MESSAGE] = rpc_get_newest_group_message,
    [PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG] = rpc_batch_publish_commit_log,
    [PROTO_MLS_BATCH_QUERY_COMMIT_LOG] = rpc_batch_query_commit_log,
    [PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE] = rpc_publish_identity_update,
    [PROTO_IDENTITY_GET_IDENTITY_UPDATES] = rpc_get_identity_updates,
    [PROTO_IDENTITY_GET_INBOX_IDS] = rpc_get_inbox_ids,
    [PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES] = rpc_verify_smart_contract_wallet_signatures,
    [PROTO_HEALTH_CHECK] = rpc_health,
};

/* Empty; what a large answer needed is given back. */
static void trim(struct buf *b)
{
    if (b->cap > KEEP_CAPACITY)
        buf_free(b);
    buf_reset(b);
}

/* Unknown paths are ordinary: newer clients try what this node does not have (the bidirectional Subscribe,
 * the cutover time) and go on by what they read in the status. */
void node_on_request(void *ctx, struct grpc_request *req)
{
    struct node *node = ctx;
    enum proto_method method = proto_method_find(grpc_request_path(req));

    if (method == PROTO_METHOD_COUNT) {
        log_debug("node", "unknown method %s", grpc_request_path(req));
        grpc_fail(req, GRPC_UNIMPLEMENTED, "unknown method %s", grpc_request_path(req));
        return;
    }
    if (!rate_take(&node->requests, 1, uv_now(node->loop))) {
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "more than %llu requests a second: try again later",
                  (unsigned long long)node->requests.per_s);
        return;
    }
    proto_arena_reset(&node->arena);
    trim(&node->reply);
    trim(&node->part);
    methods[method](node, req, grpc_request_body(req));
}
