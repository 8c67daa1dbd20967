/* A node in this process with a client beside it, for the tests of node/. */
#pragma once
#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/ident.h"
#include "net/grpc_client.h"
#include "node/node.h"
#include "proto/check.h"
#include "proto/methods.h"

#include <stdbool.h>
#include <uv.h>

struct world {
    uv_loop_t loop;
    struct node *node;
    struct grpc_client *client;
    char dir[64], db_path[96];
    struct node_config config;
    struct proto_arena arena; /* of the last reply; reset by the next call */
    int status;               /* of the last call */
    char text[256];
};

/* A fresh directory, node and client; `limits` may be NULL. */
void world_open(struct world *w, const struct node_limits *limits);
/* The same at another time. */
void world_open_at(struct world *w, const struct clock *clock);
void world_close(struct world *w);
/* Ends node and client, keeps the database, starts both again. */
void world_restart(struct world *w);
/* Ends one of them alone and waits for it. */
void world_stop_node(struct world *w);
void world_stop_client(struct world *w);
/* Runs the loop until *flag, or fails after some seconds. */
void world_until(struct world *w, const bool *flag);

/* Calls and waits.  The reply is unpacked into *reply (may be NULL); returns the gRPC status, with its words
 * in w->text. */
int world_call(struct world *w, enum proto_method method, const void *request, void *reply);
int world_call_bytes(struct world *w, const char *path, struct slice request, struct bytes *reply);

/* Calls that are all under way at once.  All must be answered OK. */
struct world_calls {
    struct world *world;
    size_t left;
};
void world_calls_start(struct world_calls *calls, struct world *w, enum proto_method method, const struct buf *requests,
                       size_t n);
void world_calls_wait(struct world_calls *calls);

/* ---- Streams ---- */

struct world_stream {
    struct world *world;
    struct grpc_call *call;
    bool open, ended;
    int status;
    char text[256];
    struct bytes *messages;
    size_t n;
    bool paused; /* by the test, after the message number `pause_at` */
    size_t pause_at;
};

/* Opens and waits for the headers, or the end. */
void world_stream_open(struct world_stream *s, struct world *w, enum proto_method method, const void *request);
/* Waits until `n` messages have come. */
void world_stream_wait(struct world_stream *s, size_t n);
void world_stream_close(struct world_stream *s);

/* ---- Content ---- */

/* A PrivateMessage of `group` (16 bytes) that no key opens; `mark` makes it one of its kind. */
void make_message(struct buf *out, const char *group, uint8_t content_type, const void *mark, size_t mark_len);
/* A SendGroupMessagesRequest with it. */
void make_send_request(struct buf *out, const char *group, uint8_t content_type, const void *mark, size_t mark_len);
/* Sends it; returns the status. */
int send_message(struct world *w, const char *group, uint8_t content_type, const char *mark);

struct person {
    struct eth_key wallet;
    struct ed25519_key installation;
    char address[ETH_ADDRESS_LEN + 1];
    char inbox_id[INBOX_ID_LEN + 1];
};
void person_make(struct person *p, uint64_t seed);
/* Bytes of the IdentityUpdate that creates the person's inbox with the installation. */
void person_registration(struct person *p, struct bytes *update);
/* Publishes an update; returns the status. */
int publish_update(struct world *w, struct slice update);
void make_key_package(const struct person *p, struct bytes *out);
int upload_key_package(struct world *w, struct slice key_package);
