/* The methods of the node's gRPC API: path, messages, and how they may be treated.
 * protobuf-c generates no transport and forgets which methods stream, so the table is ours.
 * Thread: any. */
#pragma once
#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

enum proto_method {
    PROTO_MLS_UPLOAD_KEY_PACKAGE,
    PROTO_MLS_REGISTER_INSTALLATION, /* old name of the former */
    PROTO_MLS_FETCH_KEY_PACKAGES,
    PROTO_MLS_SEND_GROUP_MESSAGES,
    PROTO_MLS_SEND_WELCOME_MESSAGES,
    PROTO_MLS_QUERY_GROUP_MESSAGES,
    PROTO_MLS_QUERY_WELCOME_MESSAGES,
    PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES,
    PROTO_MLS_SUBSCRIBE_WELCOME_MESSAGES,
    PROTO_MLS_GET_NEWEST_GROUP_MESSAGE,
    PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG,
    PROTO_MLS_BATCH_QUERY_COMMIT_LOG,
    PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE,
    PROTO_IDENTITY_GET_IDENTITY_UPDATES,
    PROTO_IDENTITY_GET_INBOX_IDS,
    PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES,
    PROTO_HEALTH_CHECK,
    PROTO_METHOD_COUNT
};

struct proto_method_info {
    const char *path; /* "/package.Service/Method" */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply; /* NULL: google.protobuf.Empty, zero bytes */
    bool server_stream;
    bool writes;     /* changes what the node stores */
    bool idempotent; /* a repeat of the same bytes changes nothing more */
};

/* `method` below PROTO_METHOD_COUNT; static. */
const struct proto_method_info *proto_method_info(enum proto_method method);
/* PROTO_METHOD_COUNT for a path that is not in the table. */
enum proto_method proto_method_find(const char *path);
