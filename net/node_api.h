/* The node API as C calls: what the client core asks of the network, whichever network it is.
 *
 * One interface, today with the V3 API behind it (net/node_v3.h), later the decentralised one; callers
 * never see which.  A test puts its own table of functions there and scripts a node.
 *
 * Unary calls wait: they are made inside a fiber (base/fiber.h) on the loop's thread, suspend it,
 * and return 0 or
 *   ERR_OFFLINE    no connection, or the node keeps being unavailable; the text says why
 *   ERR_REMOTE     the node refused (the text has the status and its words) or breaks the API
 *   ERR_MALFORMED  the answer does not parse
 *   ERR_CANCELED   node_cancel_all() or the end of the API object
 *   ERR_TOOBIG     a message over GRPC_MAX_MESSAGE
 *   ERR_INVALID    arguments (wrong key length, empty list where one is needed), ERR_NOMEM.
 * On failure outputs are untouched.  Failed attempts are repeated by status (net/retry.h) within an
 * overall deadline (30 s); publishing is idempotent, the node drops doubles.  Lists of any length are
 * accepted and cut into batches the node takes.
 *
 * Results live in one allocation each, which the matching _free ends; slices and strings point into it.
 * Thread: the loop's. */
#pragma once
#include "base/bytes.h"
#include "net/grpc_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct node_api;
struct node_stream;

#define NODE_KEY_LEN 32 /* installation keys */

/* A place in a log: `sequence_id` counts per originator; 0 is before everything. */
struct node_cursor {
    uint32_t originator;
    uint64_t sequence_id;
};

/* The V3 node has one sequence a table; its rows are given the originators that libxmtp gives them. */
enum node_originator {
    NODE_ORIGINATOR_COMMITS = 0,   /* commits only; libxmtp counts proposals among the others on V3 */
    NODE_ORIGINATOR_IDENTITY = 1,
    NODE_ORIGINATOR_MESSAGES = 10,
    NODE_ORIGINATOR_WELCOMES = 11,
    NODE_ORIGINATOR_COMMIT_LOG = 100
};

/* Where a reader stands in one topic: at most one cursor an originator, none at all = the beginning. */
struct node_position {
    const struct node_cursor *cursors;
    size_t count;
};

/* ---- publishing ---- */

struct node_group_send {
    struct slice data;        /* TLS-serialised MLSMessage */
    struct slice sender_hmac; /* 32 bytes or empty */
    bool should_push;
};

enum node_welcome_kind { NODE_WELCOME_V1, NODE_WELCOME_POINTER };

struct node_welcome_send {
    enum node_welcome_kind kind;
    struct slice installation_key; /* 32 bytes */
    struct slice data;             /* wrapped Welcome, or wrapped WelcomePointer */
    struct slice hpke_public_key;
    uint32_t wrapper_algorithm;    /* 1 Curve25519, 2 X-Wing, 3 symmetric key */
    struct slice metadata;         /* V1: wrapped WelcomeMetadata */
};

struct node_commit_log_send {
    struct slice group_id, entry;
    struct slice signature;  /* 64 bytes */
    struct slice public_key; /* 32 bytes */
};

/* ---- answers ---- */

struct node_group_message {
    struct node_cursor cursor;
    uint64_t created_ns; /* server time */
    struct slice group_id;
    struct slice data; /* empty from node_newest_group_messages() */
    struct slice sender_hmac;
    bool should_push;
    bool is_commit; /* from the MLS framing of `data` where there is one, else as the node says */
};

struct node_welcome_message {
    struct node_cursor cursor;
    uint64_t created_ns;
    enum node_welcome_kind kind;
    struct slice installation_key;
    struct slice data;
    struct slice hpke_public_key;
    uint32_t wrapper_algorithm;
    struct slice metadata;
};

/* Rows of a page that could not be understood are left out of it with a logged error; their cursors
 * stand in `skipped` so that the reader can move past them.  `more`: ask again from the last row. */
struct node_group_page {
    struct node_group_message *messages; /* ascending in each originator */
    size_t count;
    struct node_cursor *skipped;
    size_t skipped_count;
    bool more;
    void *memory;
};

struct node_welcome_page {
    struct node_welcome_message *welcomes;
    size_t count;
    struct node_cursor *skipped;
    size_t skipped_count;
    bool more;
    void *memory;
};

/* One entry a request, in order; `found` false where the group has no messages. */
struct node_newest {
    struct node_newest_entry {
        bool found;
        struct node_group_message message;
    } *entries;
    size_t count;
    void *memory;
};

/* One entry a request, in order; empty where the installation has no key package. */
struct node_key_packages {
    struct slice *packages;
    size_t count;
    void *memory;
};

struct node_inbox_request {
    const char *inbox_id; /* 64 lower-case hex digits */
    uint64_t after_sequence_id;
};

struct node_identity_update {
    struct node_cursor cursor;
    uint64_t server_time_ns;
    struct slice update; /* serialised IdentityUpdate, the bytes that were published */
};

/* One entry a request, in order; updates ascending. */
struct node_inbox_updates {
    struct node_inbox_log {
        const char *inbox_id;
        struct node_identity_update *updates;
        size_t count;
    } *inboxes;
    size_t count;
    void *memory;
};

enum node_identifier_kind { NODE_IDENTIFIER_ETHEREUM = 1, NODE_IDENTIFIER_PASSKEY = 2 };

struct node_identifier {
    enum node_identifier_kind kind;
    const char *text; /* lower-case 0x address, or lower-case hex of a passkey */
};

/* One entry a request, in order; NULL where the identifier has no inbox. */
struct node_inbox_ids {
    const char **inbox_ids;
    size_t count;
    void *memory;
};

struct node_wallet_check {
    const char *account_id; /* CAIP-10: eip155:CHAIN:ADDRESS */
    bool has_block_number;
    uint64_t block_number;
    struct slice signature;
    struct slice hash; /* 32 bytes */
};

/* One entry a request, in order. */
struct node_wallet_verdicts {
    struct node_wallet_verdict {
        bool is_valid;
        bool has_block_number;
        uint64_t block_number;
        const char *error; /* NULL when the node gave none */
    } *verdicts;
    size_t count;
    void *memory;
};

struct node_commit_log_request {
    struct slice group_id;
    uint64_t after_sequence_id;
};

/* One entry a request, in order; a page of at most 100, ascending. */
struct node_commit_logs {
    struct node_commit_log {
        struct slice group_id;
        struct node_commit_log_entry {
            struct node_cursor cursor;
            struct slice entry, signature, public_key;
        } *entries;
        size_t count;
        bool more;
    } *logs;
    size_t count;
    void *memory;
};

void node_group_page_free(struct node_group_page *page); /* each: NULL and zeroed are fine */
void node_welcome_page_free(struct node_welcome_page *page);
void node_newest_free(struct node_newest *newest);
void node_key_packages_free(struct node_key_packages *packages);
void node_inbox_updates_free(struct node_inbox_updates *updates);
void node_inbox_ids_free(struct node_inbox_ids *ids);
void node_wallet_verdicts_free(struct node_wallet_verdicts *verdicts);
void node_commit_logs_free(struct node_commit_logs *logs);

/* ---- subscriptions ---- */

struct node_group_filter {
    struct slice group_id;
    struct node_position after;
};

struct node_welcome_filter {
    struct slice installation_key;
    struct node_position after;
};

/* Callbacks of a subscription; items are borrowed for the callback.  Any member may be NULL.
 * on_end comes exactly once, with an ERR_ code as above (0: the node ended it in good order), and the
 * stream is gone after it; no callback comes after node_stream_close().  Resubscribing is the caller's. */
struct node_stream_events {
    void (*on_live)(void *ctx); /* the node has the subscription; history and live messages follow */
    void (*on_group_message)(void *ctx, const struct node_group_message *message);
    void (*on_welcome)(void *ctx, const struct node_welcome_message *welcome);
    void (*on_skipped)(void *ctx, struct node_cursor cursor); /* a row that could not be understood */
    void (*on_end)(void *ctx, int code, const struct err *err);
};

/* ---- the table behind it ---- */

struct node_api_ops {
    int (*upload_key_package)(struct node_api *api, struct slice key_package, struct err *err);
    int (*fetch_key_packages)(struct node_api *api, const struct slice *installation_keys, size_t count,
                              struct node_key_packages *out, struct err *err);
    int (*send_group_messages)(struct node_api *api, const struct node_group_send *messages, size_t count,
                               struct err *err);
    int (*send_welcome_messages)(struct node_api *api, const struct node_welcome_send *welcomes, size_t count,
                                 struct err *err);
    int (*query_group_messages)(struct node_api *api, struct slice group_id, struct node_position after,
                                struct node_group_page *out, struct err *err);
    int (*query_welcome_messages)(struct node_api *api, struct slice installation_key, struct node_position after,
                                  struct node_welcome_page *out, struct err *err);
    int (*newest_group_messages)(struct node_api *api, const struct slice *group_ids, size_t count,
                                 struct node_newest *out, struct err *err);
    int (*publish_identity_update)(struct node_api *api, struct slice update, struct err *err);
    int (*get_identity_updates)(struct node_api *api, const struct node_inbox_request *requests, size_t count,
                                struct node_inbox_updates *out, struct err *err);
    int (*get_inbox_ids)(struct node_api *api, const struct node_identifier *identifiers, size_t count,
                         struct node_inbox_ids *out, struct err *err);
    int (*verify_wallet_signatures)(struct node_api *api, const struct node_wallet_check *checks, size_t count,
                                    struct node_wallet_verdicts *out, struct err *err);
    int (*publish_commit_log)(struct node_api *api, const struct node_commit_log_send *entries, size_t count,
                              struct err *err);
    int (*query_commit_log)(struct node_api *api, const struct node_commit_log_request *requests, size_t count,
                            struct node_commit_logs *out, struct err *err);
    int (*subscribe_group_messages)(struct node_api *api, const struct node_group_filter *filters, size_t count,
                                    const struct node_stream_events *events, void *ctx, struct node_stream **out,
                                    struct err *err);
    int (*subscribe_welcome_messages)(struct node_api *api, const struct node_welcome_filter *filters, size_t count,
                                      const struct node_stream_events *events, void *ctx,
                                      struct node_stream **out, struct err *err);
    void (*stream_pause)(struct node_stream *stream);
    void (*stream_resume)(struct node_stream *stream);
    void (*stream_close)(struct node_stream *stream);
    enum grpc_link (*link)(struct node_api *api);
    uint64_t (*last_heard_ms)(struct node_api *api);
    void (*cancel_all)(struct node_api *api);
    void (*close)(struct node_api *api, void (*on_closed)(void *ctx), void *ctx);
};

/* First member of every implementation, its own and its streams'. */
struct node_api {
    const struct node_api_ops *ops;
};
struct node_stream {
    struct node_api *api;
};

/* ---- calls; fibers only ---- */

static inline int node_upload_key_package(struct node_api *api, struct slice key_package, struct err *err)
{
    return api->ops->upload_key_package(api, key_package, err);
}

static inline int node_fetch_key_packages(struct node_api *api, const struct slice *installation_keys, size_t count,
                                          struct node_key_packages *out, struct err *err)
{
    return api->ops->fetch_key_packages(api, installation_keys, count, out, err);
}

/* In order; at least one.  The node takes all or refuses all of one batch (as many as fit a message). */
static inline int node_send_group_messages(struct node_api *api, const struct node_group_send *messages,
                                           size_t count, struct err *err)
{
    return api->ops->send_group_messages(api, messages, count, err);
}

/* In order, 50 a batch: put pointees before the pointers to them. */
static inline int node_send_welcome_messages(struct node_api *api, const struct node_welcome_send *welcomes,
                                             size_t count, struct err *err)
{
    return api->ops->send_welcome_messages(api, welcomes, count, err);
}

/* One page, ascending, after `after`. */
static inline int node_query_group_messages(struct node_api *api, struct slice group_id, struct node_position after,
                                            struct node_group_page *out, struct err *err)
{
    return api->ops->query_group_messages(api, group_id, after, out, err);
}

/* One page, ascending.  `installation_key` may be a pointee's random destination. */
static inline int node_query_welcome_messages(struct node_api *api, struct slice installation_key,
                                              struct node_position after, struct node_welcome_page *out,
                                              struct err *err)
{
    return api->ops->query_welcome_messages(api, installation_key, after, out, err);
}

static inline int node_newest_group_messages(struct node_api *api, const struct slice *group_ids, size_t count,
                                             struct node_newest *out, struct err *err)
{
    return api->ops->newest_group_messages(api, group_ids, count, out, err);
}

/* `update`: a serialised IdentityUpdate. */
static inline int node_publish_identity_update(struct node_api *api, struct slice update, struct err *err)
{
    return api->ops->publish_identity_update(api, update, err);
}

static inline int node_get_identity_updates(struct node_api *api, const struct node_inbox_request *requests,
                                            size_t count, struct node_inbox_updates *out, struct err *err)
{
    return api->ops->get_identity_updates(api, requests, count, out, err);
}

static inline int node_get_inbox_ids(struct node_api *api, const struct node_identifier *identifiers, size_t count,
                                     struct node_inbox_ids *out, struct err *err)
{
    return api->ops->get_inbox_ids(api, identifiers, count, out, err);
}

static inline int node_verify_wallet_signatures(struct node_api *api, const struct node_wallet_check *checks,
                                                size_t count, struct node_wallet_verdicts *out, struct err *err)
{
    return api->ops->verify_wallet_signatures(api, checks, count, out, err);
}

static inline int node_publish_commit_log(struct node_api *api, const struct node_commit_log_send *entries,
                                          size_t count, struct err *err)
{
    return api->ops->publish_commit_log(api, entries, count, err);
}

static inline int node_query_commit_log(struct node_api *api, const struct node_commit_log_request *requests,
                                        size_t count, struct node_commit_logs *out, struct err *err)
{
    return api->ops->query_commit_log(api, requests, count, out, err);
}

/* ---- subscriptions; from a fiber or not, they do not wait ---- */

/* No filters is a legal, silent stream. */
static inline int node_subscribe_group_messages(struct node_api *api, const struct node_group_filter *filters,
                                                size_t count, const struct node_stream_events *events, void *ctx,
                                                struct node_stream **out, struct err *err)
{
    return api->ops->subscribe_group_messages(api, filters, count, events, ctx, out, err);
}

/* At least one filter. */
static inline int node_subscribe_welcome_messages(struct node_api *api, const struct node_welcome_filter *filters,
                                                  size_t count, const struct node_stream_events *events, void *ctx,
                                                  struct node_stream **out, struct err *err)
{
    return api->ops->subscribe_welcome_messages(api, filters, count, events, ctx, out, err);
}

/* Pausing inside an item callback takes effect with the next item. */
static inline void node_stream_pause(struct node_stream *stream)
{
    stream->api->ops->stream_pause(stream);
}

static inline void node_stream_resume(struct node_stream *stream)
{
    stream->api->ops->stream_resume(stream);
}

/* Ends it without a further callback.  NULL is fine.  Not after on_end.  Allowed in its callbacks. */
static inline void node_stream_close(struct node_stream *stream)
{
    if (stream)
        stream->api->ops->stream_close(stream);
}

/* ---- the connection ---- */

static inline enum grpc_link node_link(struct node_api *api)
{
    return api->ops->link(api);
}

/* uv_now() of the last byte from the node, 0 before the first. */
static inline uint64_t node_last_heard_ms(struct node_api *api)
{
    return api->ops->last_heard_ms(api);
}

/* Every waiting call returns ERR_CANCELED soon, from the loop, and so does every later one at once;
 * subscriptions end with on_end(ERR_CANCELED).  For shutdown: let the fibers unwind, then close. */
static inline void node_cancel_all(struct node_api *api)
{
    api->ops->cancel_all(api);
}

/* node_cancel_all(), then frees the object when no call waits any more; `on_closed` (may be NULL)
 * is called from the loop.  NULL is fine. */
static inline void node_api_close(struct node_api *api, void (*on_closed)(void *ctx), void *ctx)
{
    if (api)
        api->ops->close(api, on_closed, ctx);
    else if (on_closed)
        on_closed(ctx);
}
