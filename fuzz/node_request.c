/* Fuzz target: the same bytes as the request of every method of the node, and as the message, key package,
 * welcome and identity update inside of one.
 *
 * The node is the real one down to its database; the transport is this file: a request is two slices, and
 * what counts is that each is answered exactly once. */
#include "base/clock.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "fuzz/fuzz.h"
#include "net/grpc_server.h"
#include "node/service.h"
#include "proto/methods.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The transport ---- */

struct grpc_request {
    const char *path;
    struct slice body;
    void *data;
    bool started, ended;
};

const char *grpc_request_path(const struct grpc_request *req)
{
    return req->path;
}

struct slice grpc_request_body(const struct grpc_request *req)
{
    return req->body;
}

void grpc_request_drop_body(struct grpc_request *req)
{
    (void)req;
}

void grpc_request_set_data(struct grpc_request *req, void *data)
{
    req->data = data;
}

void *grpc_request_data(const struct grpc_request *req)
{
    return req->data;
}

void grpc_reply(struct grpc_request *req, struct slice body)
{
    (void)body;
    must(!req->started && !req->ended);
    req->ended = true;
}

void grpc_fail(struct grpc_request *req, int status, const char *fmt, ...)
{
    (void)fmt;
    must(!req->started && !req->ended && status != GRPC_OK);
    req->ended = true;
}

void grpc_end(struct grpc_request *req, int status, const char *message)
{
    (void)status;
    (void)message;
    must(req->started && !req->ended);
    req->ended = true;
}

void grpc_start(struct grpc_request *req)
{
    must(!req->started && !req->ended);
    req->started = true;
}

int grpc_send(struct grpc_request *req, struct slice message)
{
    must(req->started && !req->ended && message.len > 0);
    return 0;
}

size_t grpc_queued(const struct grpc_request *req)
{
    (void)req;
    return 0;
}

/* ---- The node ---- */

static char dir[64];

static void remove_database(void)
{
    static const char *const files[] = {"/node.db", "/node.db-wal", "/node.db-shm", "/node.db.lock", ""};
    char path[96];
    size_t i;

    for (i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s%s", dir, files[i]);
        if (files[i][0] != 0)
            unlink(path);
        else
            rmdir(path);
    }
}

static struct node *open_node(void)
{
    static struct node node;
    static uv_loop_t loop;
    struct batch_config batch = {.loop = &loop, .data = &node.data, .max_jobs = 100, .max_pending_bytes = 1 << 30, .ctx = &node};
    struct streams_config streams = {.loop = &loop, .max_streams = 100, .max_filters = 1000 * 1000};
    char path[96];

    /* Memory where there is such a file system: the disk is not what is tested. */
    snprintf(dir, sizeof dir, "%s/fuzz-node-XXXXXX", scratch_root());
    must(mkdtemp(dir) != NULL && atexit(remove_database) == 0);
    snprintf(path, sizeof path, "%s/node.db", dir);
    must(crypto_init(NULL) == 0 && uv_loop_init(&loop) == 0);
    must(node_data_open(path, &clock_system, &node.data, NULL) == 0);
    streams.db = node.data.reader;
    node.loop = &loop;
    node.limits.max_message = NODE_MESSAGE_MAX;
    must(batch_open(&batch, &node.batch, NULL) == 0 && streams_open(&streams, &node.streams, NULL) == 0);
    return &node;
}

static void ask(struct node *node, enum proto_method method, struct slice body)
{
    struct grpc_request req = {.path = proto_method_info(method)->path, .body = body};

    node_on_request(node, &req);
    uv_run(node->loop, UV_RUN_DEFAULT); /* until the transaction is over and the stream has read */
    must(req.ended || req.started);
    if (req.started && !req.ended)
        must(streams_cancel(node->streams, &req));
    must(streams_count(node->streams) == 0);
}

/* `bytes` inside of `depth` messages, each field 1 of the next. */
static void ask_inside(struct node *node, enum proto_method method, struct slice bytes, unsigned depth)
{
    struct buf inner = BUF_INIT, outer = BUF_INIT;

    buf_put_slice(&inner, bytes);
    for (; depth > 0; depth--) {
        buf_reset(&outer);
        wire_put_message(&outer, 1, buf_slice(&inner));
        buf_reset(&inner);
        buf_put_slice(&inner, buf_slice(&outer));
    }
    if (buf_ok(&inner) && buf_ok(&outer))
        ask(node, method, buf_slice(&inner));
    buf_free(&inner);
    buf_free(&outer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct node *node;
    struct slice bytes = slice_of(data, size);
    unsigned method;

    if (node == NULL)
        node = open_node();
    for (method = 0; method < PROTO_METHOD_COUNT; method++)
        ask(node, (enum proto_method)method, bytes);
    ask_inside(node, PROTO_MLS_SEND_GROUP_MESSAGES, bytes, 3); /* messages, v1, data */
    ask_inside(node, PROTO_MLS_UPLOAD_KEY_PACKAGE, bytes, 2);  /* key_package, its bytes */
    ask_inside(node, PROTO_MLS_SEND_WELCOME_MESSAGES, bytes, 1);
    ask_inside(node, PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE, bytes, 1);
    return 0;
}
