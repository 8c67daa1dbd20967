/* The unary methods: batches cut, requests written, answers handed to node_rows.c and node_answers.c.
 *
 * Requests are written field by field (proto/wire.h); the numbers are those of the .proto files. */
#include "net/node_v3_internal.h"

#include "base/err.h"
#include "net/node_answers.h"
#include "net/node_memory.h"
#include "net/node_rows.h"
#include "proto/wire.h"

#include <string.h>

/* What a node takes in one call (node and client of the public network agree on these). */
#define BATCH_IDENTITY 50
#define BATCH_WELCOMES 50
#define BATCH_NEWEST 1000
#define BATCH_KEY_PACKAGES 500 /* about 1 MiB of packages */
#define BATCH_GROUP_MESSAGES 500
#define BATCH_PUBLISH_LOG 10
#define BATCH_QUERY_LOG 20
/* A batch is closed before its request exceeds this: one more message still fits the limit. */
#define BATCH_BYTES (4 * 1024 * 1024)
#define PAGE_LIMIT 100
#define DIRECTION_ASCENDING 1

static struct node_v3 *of(struct node_api *api)
{
    return (struct node_v3 *)api;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "no memory for a request to the node");
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Sends what was written and ends the request's buffer. */
static int call(struct node_v3 *v, enum proto_method method, struct buf *request, struct slice *answer,
                struct err *err)
{
    int r;

    r = buf_ok(request) ? v3_call(v, method, buf_slice(request), answer, err) : no_memory(err);
    v3_give_buf(v, request);
    return r;
}

static int check_key(struct slice key, struct err *err)
{
    return key.len == NODE_KEY_LEN ? 0 : err_set(err, ERR_INVALID, "an installation key of %zu bytes", key.len);
}

/* ---- key packages ---- */

int v3_upload_key_package(struct node_api *api, struct slice key_package, struct err *err)
{
    struct node_v3 *v = of(api);
    struct buf b = v3_take_buf(v);

    /* UploadKeyPackageRequest{1 KeyPackageUpload{1 bytes}, 2 is_inbox_id_credential} */
    wire_put_head(&b, 1, wire_size_message(1, key_package.len));
    wire_put_message(&b, 1, key_package);
    wire_put_u64(&b, 2, 1);
    return call(v, PROTO_MLS_UPLOAD_KEY_PACKAGE, &b, NULL, err);
}

int v3_fetch_key_packages(struct node_api *api, const struct slice *installation_keys, size_t count,
                          struct node_key_packages *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_key_packages result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.packages = node_memory_array(memory, count, sizeof *result.packages))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t i = 0; i < count; i++)
        if ((r = check_key(installation_keys[i], err)) != 0)
            goto fail;
    for (size_t at = 0; at < count; at += BATCH_KEY_PACKAGES) {
        size_t n = min(count - at, BATCH_KEY_PACKAGES);
        struct buf b = v3_take_buf(v);

        for (size_t i = 0; i < n; i++)
            wire_put_message(&b, 1, installation_keys[at + i]);
        if ((r = call(v, PROTO_MLS_FETCH_KEY_PACKAGES, &b, &answer, err)) != 0 ||
            (r = node_answer_key_packages(answer, n, memory, result.packages + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

/* ---- publishing messages ---- */

/* One GroupMessageInput{1 V1{1 data, 2 sender_hmac, 3 should_push}} as field 1. */
static void put_group_message(struct buf *b, const struct node_group_send *m)
{
    size_t v1 = wire_size_bytes(1, m->data.len) + wire_size_bytes(2, m->sender_hmac.len) +
                wire_size_u64(3, m->should_push);

    wire_put_head(b, 1, wire_size_message(1, v1));
    wire_put_head(b, 1, v1);
    wire_put_bytes(b, 1, m->data);
    wire_put_bytes(b, 2, m->sender_hmac);
    wire_put_u64(b, 3, m->should_push);
}

int v3_send_group_messages(struct node_api *api, const struct node_group_send *messages, size_t count,
                           struct err *err)
{
    struct node_v3 *v = of(api);
    size_t at = 0;
    int r;

    if (count == 0)
        return err_set(err, ERR_INVALID, "no group messages to send");
    while (at < count) {
        struct buf b = v3_take_buf(v);
        size_t n = 0;

        do
            put_group_message(&b, &messages[at++]);
        while (at < count && ++n < BATCH_GROUP_MESSAGES && b.len + messages[at].data.len < BATCH_BYTES);
        if ((r = call(v, PROTO_MLS_SEND_GROUP_MESSAGES, &b, NULL, err)) != 0)
            return r;
    }
    return 0;
}

/* One WelcomeMessageInput as field 1: V1{1 key, 2 data, 3 hpke, 4 algorithm, 7 metadata} in its field 1, or
 * WelcomePointer{1 key, 2 pointer, 3 hpke, 4 algorithm} in 2. */
static void put_welcome(struct buf *b, const struct node_welcome_send *w)
{
    bool v1 = w->kind == NODE_WELCOME_V1;
    uint32_t version = v1 ? 1 : 2;
    size_t size = wire_size_bytes(1, w->installation_key.len) + wire_size_bytes(2, w->data.len) +
                  wire_size_bytes(3, w->hpke_public_key.len) + wire_size_u64(4, w->wrapper_algorithm) +
                  (v1 ? wire_size_bytes(7, w->metadata.len) : 0);

    wire_put_head(b, 1, wire_size_message(version, size));
    wire_put_head(b, version, size);
    wire_put_bytes(b, 1, w->installation_key);
    wire_put_bytes(b, 2, w->data);
    wire_put_bytes(b, 3, w->hpke_public_key);
    wire_put_u64(b, 4, w->wrapper_algorithm);
    if (v1)
        wire_put_bytes(b, 7, w->metadata);
}

int v3_send_welcome_messages(struct node_api *api, const struct node_welcome_send *welcomes, size_t count,
                             struct err *err)
{
    struct node_v3 *v = of(api);
    size_t at = 0;
    int r;

    if (count == 0)
        return err_set(err, ERR_INVALID, "no welcomes to send");
    for (size_t i = 0; i < count; i++)
        if ((r = check_key(welcomes[i].installation_key, err)) != 0)
            return r;
    while (at < count) {
        struct buf b = v3_take_buf(v);
        size_t n = 0;

        do
            put_welcome(&b, &welcomes[at++]);
        while (at < count && ++n < BATCH_WELCOMES && b.len + welcomes[at].data.len < BATCH_BYTES);
        if ((r = call(v, PROTO_MLS_SEND_WELCOME_MESSAGES, &b, NULL, err)) != 0)
            return r;
    }
    return 0;
}

/* ---- queries ---- */

/* {1 topic, `paging` PagingInfo{1 direction, 2 limit, 3 id_cursor}} */
static void put_query(struct buf *b, struct slice topic, uint64_t after)
{
    wire_put_bytes(b, 1, topic);
    wire_put_head(b, 2, wire_size_u64(1, DIRECTION_ASCENDING) + wire_size_u64(2, PAGE_LIMIT) +
                            wire_size_u64(3, after));
    wire_put_u64(b, 1, DIRECTION_ASCENDING);
    wire_put_u64(b, 2, PAGE_LIMIT);
    wire_put_u64(b, 3, after);
}

static size_t query_size(struct slice topic, uint64_t after)
{
    size_t paging = wire_size_u64(1, DIRECTION_ASCENDING) + wire_size_u64(2, PAGE_LIMIT) + wire_size_u64(3, after);

    return wire_size_bytes(1, topic.len) + wire_size_message(2, paging);
}

int v3_query_group_messages(struct node_api *api, struct slice group_id, struct node_position after,
                            struct node_group_page *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct slice answer;
    struct buf b;
    int r;

    if (group_id.len == 0)
        return err_set(err, ERR_INVALID, "no group to query");
    b = v3_take_buf(v);
    put_query(&b, group_id, v3_after(after));
    if ((r = call(v, PROTO_MLS_QUERY_GROUP_MESSAGES, &b, &answer, err)) != 0)
        return r;
    return node_page_group(answer, group_id, v3_after(after), out, err);
}

int v3_query_welcome_messages(struct node_api *api, struct slice installation_key, struct node_position after,
                              struct node_welcome_page *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct slice answer;
    struct buf b;
    int r;

    if ((r = check_key(installation_key, err)) != 0)
        return r;
    b = v3_take_buf(v);
    put_query(&b, installation_key, v3_after(after));
    if ((r = call(v, PROTO_MLS_QUERY_WELCOME_MESSAGES, &b, &answer, err)) != 0)
        return r;
    return node_page_welcome(answer, installation_key, v3_after(after), out, err);
}

int v3_newest_group_messages(struct node_api *api, const struct slice *group_ids, size_t count,
                             struct node_newest *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_newest result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.entries = node_memory_array(memory, count, sizeof *result.entries))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t at = 0; at < count; at += BATCH_NEWEST) {
        size_t n = min(count - at, BATCH_NEWEST);
        struct buf b = v3_take_buf(v);

        for (size_t i = 0; i < n; i++)
            wire_put_message(&b, 1, group_ids[at + i]); /* 2 include_content stays false */
        if ((r = call(v, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &b, &answer, err)) != 0 ||
            (r = node_answer_newest(answer, group_ids + at, n, memory, result.entries + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

/* ---- identity ---- */

int v3_publish_identity_update(struct node_api *api, struct slice update, struct err *err)
{
    struct node_v3 *v = of(api);
    struct buf b = v3_take_buf(v);

    wire_put_message(&b, 1, update);
    return call(v, PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE, &b, NULL, err);
}

int v3_get_identity_updates(struct node_api *api, const struct node_inbox_request *requests, size_t count,
                            struct node_inbox_updates *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_inbox_updates result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.inboxes = node_memory_array(memory, count, sizeof *result.inboxes))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t at = 0; at < count; at += BATCH_IDENTITY) {
        size_t n = min(count - at, BATCH_IDENTITY);
        struct buf b = v3_take_buf(v);

        for (size_t i = at; i < at + n; i++) {
            struct slice id = slice_str(requests[i].inbox_id);

            wire_put_head(&b, 1, wire_size_bytes(1, id.len) + wire_size_u64(2, requests[i].after_sequence_id));
            wire_put_bytes(&b, 1, id);
            wire_put_u64(&b, 2, requests[i].after_sequence_id);
        }
        if ((r = call(v, PROTO_IDENTITY_GET_IDENTITY_UPDATES, &b, &answer, err)) != 0 ||
            (r = node_answer_identity_updates(answer, requests + at, n, memory, result.inboxes + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

int v3_get_inbox_ids(struct node_api *api, const struct node_identifier *identifiers, size_t count,
                     struct node_inbox_ids *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_inbox_ids result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.inbox_ids = node_memory_array(memory, count, sizeof *result.inbox_ids))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t at = 0; at < count; at += BATCH_IDENTITY) {
        size_t n = min(count - at, BATCH_IDENTITY);
        struct buf b = v3_take_buf(v);

        for (size_t i = at; i < at + n; i++) {
            struct slice text = slice_str(identifiers[i].text);

            wire_put_head(&b, 1, wire_size_bytes(1, text.len) + wire_size_u64(2, identifiers[i].kind));
            wire_put_bytes(&b, 1, text);
            wire_put_u64(&b, 2, identifiers[i].kind);
        }
        if ((r = call(v, PROTO_IDENTITY_GET_INBOX_IDS, &b, &answer, err)) != 0 ||
            (r = node_answer_inbox_ids(answer, identifiers + at, n, memory, result.inbox_ids + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

/* {1 account_id, 2 optional block_number, 3 signature, 4 hash} as field 1. */
static void put_wallet_check(struct buf *b, const struct node_wallet_check *c)
{
    struct slice account = slice_str(c->account_id);
    struct buf one = BUF_INIT;

    wire_put_bytes(&one, 1, account);
    if (c->has_block_number) { /* explicit zero is written, too */
        wire_put_varint(&one, 2 << 3 | WIRE_VARINT);
        wire_put_varint(&one, c->block_number);
    }
    wire_put_bytes(&one, 3, c->signature);
    wire_put_bytes(&one, 4, c->hash);
    if (!buf_ok(&one))
        b->bad = true;
    wire_put_message(b, 1, buf_slice(&one));
    buf_free(&one);
}

int v3_verify_wallet_signatures(struct node_api *api, const struct node_wallet_check *checks, size_t count,
                                struct node_wallet_verdicts *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_wallet_verdicts result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.verdicts = node_memory_array(memory, count, sizeof *result.verdicts))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t at = 0; at < count; at += BATCH_IDENTITY) {
        size_t n = min(count - at, BATCH_IDENTITY);
        struct buf b = v3_take_buf(v);

        for (size_t i = at; i < at + n; i++)
            put_wallet_check(&b, &checks[i]);
        if ((r = call(v, PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES, &b, &answer, err)) != 0 ||
            (r = node_answer_verdicts(answer, n, memory, result.verdicts + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

/* ---- commit log ---- */

/* PublishCommitLogRequest{1 group_id, 2 entry, 3 signature{1 bytes, 2 public_key}} as field 1. */
static void put_log_entry(struct buf *b, const struct node_commit_log_send *e)
{
    size_t signature = wire_size_bytes(1, e->signature.len) + wire_size_bytes(2, e->public_key.len);

    wire_put_head(b, 1, wire_size_bytes(1, e->group_id.len) + wire_size_bytes(2, e->entry.len) +
                            wire_size_message(3, signature));
    wire_put_bytes(b, 1, e->group_id);
    wire_put_bytes(b, 2, e->entry);
    wire_put_head(b, 3, signature);
    wire_put_bytes(b, 1, e->signature);
    wire_put_bytes(b, 2, e->public_key);
}

int v3_publish_commit_log(struct node_api *api, const struct node_commit_log_send *entries, size_t count,
                          struct err *err)
{
    struct node_v3 *v = of(api);
    int r;

    for (size_t at = 0; at < count; at += BATCH_PUBLISH_LOG) {
        size_t n = min(count - at, BATCH_PUBLISH_LOG);
        struct buf b = v3_take_buf(v);

        for (size_t i = at; i < at + n; i++)
            put_log_entry(&b, &entries[i]);
        if ((r = call(v, PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG, &b, NULL, err)) != 0)
            return r;
    }
    return 0;
}

int v3_query_commit_log(struct node_api *api, const struct node_commit_log_request *requests, size_t count,
                        struct node_commit_logs *out, struct err *err)
{
    struct node_v3 *v = of(api);
    struct node_memory *memory = node_memory_new();
    struct node_commit_logs result = {.count = count, .memory = memory};
    struct slice answer;
    int r = 0;

    if (!memory || !(result.logs = node_memory_array(memory, count, sizeof *result.logs))) {
        r = no_memory(err);
        goto fail;
    }
    for (size_t at = 0; at < count; at += BATCH_QUERY_LOG) {
        size_t n = min(count - at, BATCH_QUERY_LOG);
        struct buf b = v3_take_buf(v);

        for (size_t i = at; i < at + n; i++) {
            wire_put_head(&b, 1, query_size(requests[i].group_id, requests[i].after_sequence_id));
            put_query(&b, requests[i].group_id, requests[i].after_sequence_id);
        }
        if ((r = call(v, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &b, &answer, err)) != 0 ||
            (r = node_answer_commit_logs(answer, requests + at, n, memory, result.logs + at, err)) != 0)
            goto fail;
    }
    *out = result;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}
