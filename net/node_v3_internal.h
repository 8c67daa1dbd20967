/* Inside of the V3 node API: the object, the waiting call (node_v3_call.c), the methods
 * (node_v3_methods.c) and the subscriptions (node_v3_streams.c).  Thread: the loop's. */
#pragma once
#include "base/rand.h"
#include "net/node_v3.h"
#include "proto/methods.h"

struct waiter;
struct v3_stream;

struct node_v3 {
    struct node_api api;
    uv_loop_t *loop;
    struct grpc_client *client;
    uint64_t call_timeout_ms;
    struct rand rand;
    struct waiter *waiters;    /* fibers in v3_call(), on their stacks */
    struct v3_stream *streams;
    uv_timer_t sleep;          /* set to the earliest waiter that waits to try again */
    bool canceled;
    bool closing, torn_down;
    unsigned handles;
    struct buf spare;          /* memory of the last request, for the next */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* ---- node_v3_call.c ---- */

/* Makes one call with all its attempts, from a fiber.  *answer is borrowed: it is valid until the fiber
 * waits again. */
int v3_call(struct node_v3 *v, enum proto_method method, struct slice request, struct slice *answer,
            struct err *err);
void v3_cancel_waiters(struct node_v3 *v);
void v3_sleep_init(struct node_v3 *v);
/* What an outcome that is no success means to us. */
int v3_error(enum proto_method method, const struct grpc_outcome *outcome, struct err *err);
/* A buffer for a request, and back. */
struct buf v3_take_buf(struct node_v3 *v);
void v3_give_buf(struct node_v3 *v, struct buf *b);

/* ---- node_v3_streams.c ---- */
int v3_subscribe_groups(struct node_api *api, const struct node_group_filter *filters, size_t count,
                        const struct node_stream_events *events, void *ctx, struct node_stream **out,
                        struct err *err);
int v3_subscribe_welcomes(struct node_api *api, const struct node_welcome_filter *filters, size_t count,
                          const struct node_stream_events *events, void *ctx, struct node_stream **out,
                          struct err *err);
void v3_stream_pause(struct node_stream *stream);
void v3_stream_resume(struct node_stream *stream);
void v3_stream_close(struct node_stream *stream);
void v3_cancel_streams(struct node_v3 *v);

/* ---- node_v3.c ---- */
void v3_maybe_torn_down(struct node_v3 *v);
/* The one sequence of the V3 node: it counts commits and messages together. */
uint64_t v3_after(struct node_position position);

/* ---- node_v3_methods.c: the table's functions ---- */
int v3_upload_key_package(struct node_api *api, struct slice key_package, struct err *err);
int v3_fetch_key_packages(struct node_api *api, const struct slice *installation_keys, size_t count,
                          struct node_key_packages *out, struct err *err);
int v3_send_group_messages(struct node_api *api, const struct node_group_send *messages, size_t count,
                           struct err *err);
int v3_send_welcome_messages(struct node_api *api, const struct node_welcome_send *welcomes, size_t count,
                             struct err *err);
int v3_query_group_messages(struct node_api *api, struct slice group_id, struct node_position after,
                            struct node_group_page *out, struct err *err);
int v3_query_welcome_messages(struct node_api *api, struct slice installation_key, struct node_position after,
                              struct node_welcome_page *out, struct err *err);
int v3_newest_group_messages(struct node_api *api, const struct slice *group_ids, size_t count,
                             struct node_newest *out, struct err *err);
int v3_publish_identity_update(struct node_api *api, struct slice update, struct err *err);
int v3_get_identity_updates(struct node_api *api, const struct node_inbox_request *requests, size_t count,
                            struct node_inbox_updates *out, struct err *err);
int v3_get_inbox_ids(struct node_api *api, const struct node_identifier *identifiers, size_t count,
                     struct node_inbox_ids *out, struct err *err);
int v3_verify_wallet_signatures(struct node_api *api, const struct node_wallet_check *checks, size_t count,
                                struct node_wallet_verdicts *out, struct err *err);
int v3_publish_commit_log(struct node_api *api, const struct node_commit_log_send *entries, size_t count,
                          struct err *err);
int v3_query_commit_log(struct node_api *api, const struct node_commit_log_request *requests, size_t count,
                        struct node_commit_logs *out, struct err *err);
