/* Inside of the node: what the methods share.  Thread: the loop's, but for what batch.h says. */
#pragma once
#include "base/bytes.h"
#include "node/batch.h"
#include "node/data.h"
#include "node/node.h"
#include "node/rate.h"
#include "node/streams.h"
#include "proto/check.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct grpc_request;
struct grpc_server;

/* Entries in one request: libxmtp sends at most 1,000, and each is a look-up on the loop. */
#define NODE_MAX_LIST 10000
/* Rows in one reply; what the public network gives. */
#define NODE_PAGE 100
/* What clients of the network read at most in one message: a larger row could be stored but never read. */
#define NODE_MESSAGE_MAX ((size_t)25 * 1024 * 1024)
/* A key package has 2 or 3 KiB.  One that is much larger could not be fetched together with the 500 others of a
 * group, and whoever put it there would keep all of them from being invited. */
#define NODE_KEY_PACKAGE_MAX ((size_t)32 * 1024)
/* What ids, times and framing add to a message between its request and its reply. */
#define NODE_REPLY_SLACK 1024

struct node {
    uv_loop_t *loop;
    struct node_limits limits;
    struct node_data data;
    struct grpc_server *server;
    struct batch *batch;
    struct streams *streams;
    struct proto_arena arena; /* the request being read */
    struct buf reply, part;   /* the answer being written */
    struct rate requests, publishes;
    uv_timer_t idle_timer;
    uint64_t idle_exit_ms;
    void (*on_idle)(void *ctx);
    void *idle_ctx;
    unsigned closing; /* things still open */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* For grpc_server: looks the method up and calls it. */
void node_on_request(void *ctx, struct grpc_request *req);

/* The gRPC status that stands for one of our errors. */
int node_status(int code);
/* Answers with node->reply, or that memory is short, or that the answer would be too large. */
void node_reply(struct node *node, struct grpc_request *req);
void node_fail(struct grpc_request *req, const struct err *err);
/* Unpacks the body into a job of `kind`; `keep` copies it as received to job->copy, too.  NULL: `req` has
 * been answered. */
struct job *node_job(struct node *node, struct grpc_request *req, const struct job_kind *kind,
                     const ProtobufCMessageDescriptor *type, bool keep);
/* Takes the job, with which `count` things are published, or answers its request. */
void node_submit(struct node *node, struct job *job, size_t count);

/* One method.  Ends or starts `req`, now or later. */
typedef void node_method(struct node *node, struct grpc_request *req, struct slice body);

/* rpc_publish.c */
node_method rpc_upload_key_package, rpc_register_installation, rpc_send_group_messages, rpc_send_welcome_messages,
    rpc_batch_publish_commit_log, rpc_publish_identity_update;
/* rpc_query.c */
node_method rpc_fetch_key_packages, rpc_query_group_messages, rpc_query_welcome_messages,
    rpc_get_newest_group_message, rpc_batch_query_commit_log;
/* rpc_subscribe.c */
node_method rpc_subscribe_group_messages, rpc_subscribe_welcome_messages;
/* rpc_identity.c */
node_method rpc_get_identity_updates, rpc_get_inbox_ids, rpc_verify_smart_contract_wallet_signatures;
