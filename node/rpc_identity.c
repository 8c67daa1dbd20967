/* Methods of IdentityApi that only read. */
#include "node/service.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "net/grpc_server.h"
#include "node/inbox_log.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"

#include <string.h>

#define TYPE(name) &xmtp__identity__api__v1__##name##__descriptor

static bool too_long(struct grpc_request *req, size_t n)
{
    if (n <= NODE_MAX_LIST)
        return false;
    grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "%zu entries in one request, at most %d", n, NODE_MAX_LIST);
    return true;
}

/* One answer a request, in order, the inbox id as it was asked for; never paged. */
static int put_updates(struct node *node, const char *inbox_id, uint64_t cursor, struct err *err)
{
    uint8_t key[INBOX_KEY_LEN];
    struct inbox_rows rows;
    struct inbox_row row;
    int r;

    if (!hex_decode(inbox_id, strlen(inbox_id), key, sizeof key))
        return err_set(err, ERR_MALFORMED, "an inbox id is not 64 hex digits");
    buf_reset(&node->part);
    wire_put_bytes(&node->part, 1, slice_str(inbox_id));
    inbox_rows_start(&rows, node->data.reader, slice_of(key, sizeof key),
                     cursor > INT64_MAX ? INT64_MAX : (int64_t)cursor);
    while ((r = inbox_rows_next(&rows, &row, err)) == DB_ROW) {
        /* IdentityUpdateLog, with the update as it was received: signatures cover it. */
        wire_put_head(&node->part, 2,
                      wire_size_u64(1, (uint64_t)row.sequence_id) + wire_size_u64(2, (uint64_t)row.created_ns) +
                          wire_size_message(3, row.update.len));
        wire_put_u64(&node->part, 1, (uint64_t)row.sequence_id);
        wire_put_u64(&node->part, 2, (uint64_t)row.created_ns);
        wire_put_message(&node->part, 3, row.update);
    }
    inbox_rows_end(&rows);
    node->reply.bad |= node->part.bad;
    wire_put_message(&node->reply, 1, buf_slice(&node->part));
    return r;
}

void rpc_get_identity_updates(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(get_identity_updates_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (too_long(req, msg->n_requests))
        return;
    for (i = 0; i < msg->n_requests && node->reply.len <= NODE_MESSAGE_MAX; i++) {
        if (put_updates(node, msg->requests[i]->inbox_id, msg->requests[i]->sequence_id, &err) != 0) {
            node_fail(req, &err);
            return;
        }
    }
    node_reply(node, req);
}

/* An identifier that cannot be anybody's is as unknown as any other.  `room` holds a passkey. */
static bool read_ident(const Xmtp__Identity__Api__V1__GetInboxIdsRequest__Request *request, uint8_t room[64],
                       struct ident *out)
{
    struct slice text = slice_str(request->identifier);

    if (request->identifier_kind != XMTP__IDENTITY__ASSOCIATIONS__IDENTIFIER_KIND__IDENTIFIER_KIND_PASSKEY) {
        *out = (struct ident){IDENT_ETHEREUM, text};
        return true;
    }
    if (text.len % 2 != 0 || text.len / 2 > 64 || !hex_decode(request->identifier, text.len, room, text.len / 2))
        return false;
    *out = ident_passkey(slice_of(room, text.len / 2));
    return true;
}

/* The kind is told for passkeys only, as the reference client wants it: it matches answers by kind and
 * identifier, and takes none for Ethereum. */
static int put_inbox_id(struct node *node, const Xmtp__Identity__Api__V1__GetInboxIdsRequest__Request *request,
                        struct err *err)
{
    uint8_t room[64], key[INBOX_KEY_LEN];
    char inbox_id[INBOX_ID_LEN + 1] = "";
    struct ident account;
    int r = DB_DONE;

    if (read_ident(request, room, &account) && (r = address_log_find(node->data.reader, account, key, err)) == DB_ROW)
        hex_encode(key, sizeof key, inbox_id);
    if (r < 0)
        return r;
    buf_reset(&node->part);
    wire_put_bytes(&node->part, 1, slice_str(request->identifier));
    wire_put_bytes(&node->part, 2, slice_str(inbox_id));
    if (request->identifier_kind == XMTP__IDENTITY__ASSOCIATIONS__IDENTIFIER_KIND__IDENTIFIER_KIND_PASSKEY)
        wire_put_u64(&node->part, 3, (uint64_t)request->identifier_kind);
    node->reply.bad |= node->part.bad;
    wire_put_message(&node->reply, 1, buf_slice(&node->part));
    return 0;
}

void rpc_get_inbox_ids(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Identity__Api__V1__GetInboxIdsRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(get_inbox_ids_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (too_long(req, msg->n_requests))
        return;
    for (i = 0; i < msg->n_requests; i++) {
        if (put_inbox_id(node, msg->requests[i], &err) != 0) {
            node_fail(req, &err);
            return;
        }
    }
    node_reply(node, req);
}

/* This node has no chain to ask.  One answer each: an empty list makes the reference client panic. */
void rpc_verify_smart_contract_wallet_signatures(struct node *node, struct grpc_request *req, struct slice body)
{
    static const char unsupported[] = "unsupported: this node asks no chain";
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(verify_smart_contract_wallet_signatures_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (too_long(req, msg->n_signatures))
        return;
    for (i = 0; i < msg->n_signatures; i++) {
        wire_put_head(&node->reply, 1, wire_size_bytes(3, sizeof unsupported - 1));
        wire_put_bytes(&node->reply, 3, slice_str(unsupported));
    }
    node_reply(node, req);
}
