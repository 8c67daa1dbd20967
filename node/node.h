/* xmtui-node as an object: the V3 API of an XMTP node for one machine, over one SQLite file.
 *
 * main.c is a thin face over this; tests run it in their own process.  Thread: the loop's. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct clock;
struct err;
struct node;

/* Over a limit a request is answered with RESOURCE_EXHAUSTED.  Zero stands for the default in brackets,
 * which is far above what the clients and benchmarks of one machine do. */
struct node_limits {
    size_t max_message;       /* bytes of one request [25 MiB, what the reference client allows] */
    uint32_t max_calls;       /* open calls of one connection [1,000] */
    size_t max_connections;   /* [1,000] */
    size_t max_streams;       /* open server streams [10,000] */
    size_t max_filters;       /* of all streams together [1,000,000] */
    size_t max_pending_bytes; /* publishes that wait to be stored [256 MiB] */
    uint64_t requests_per_s;  /* of all clients together, with bursts of five seconds' worth [50,000] */
    uint64_t publishes_per_s; /* messages, welcomes, key packages, identity updates [20,000] */
};

struct node_config {
    const char *db_path;
    const char *const *listen; /* "ADDR:PORT" each; port 0: any free one */
    size_t listen_n;
    const char *tls_cert, *tls_key; /* PEM files; both or neither */
    struct node_limits limits;
    uint64_t idle_exit_ms;     /* on_idle comes so long after the last client has gone, or after the start; 0: never */
    void (*on_idle)(void *ctx);
    void *ctx;
    const struct clock *clock; /* NULL: clock_system */
};

/* Opens the database and listens.  *out is ended by node_close().  Errors as node_data_open() and
 * grpc_server_open(), grpc_server_listen(). */
int node_open(uv_loop_t *loop, const struct node_config *config, struct node **out, struct err *err);
/* The port of the first address. */
uint16_t node_port(const struct node *node);
/* Where it listens, "127.0.0.1:5556" or "[::1]:5556"; "localhost" of the configuration may have become two. */
#define NODE_ADDRESS_MAX 64
size_t node_addresses(const struct node *node);
void node_address(const struct node *node, size_t i, char out[NODE_ADDRESS_MAX]);
/* Ends streams with UNAVAILABLE, lets what is under way be stored, closes the database and calls
 * `on_closed` from the loop. */
void node_close(struct node *node, void (*on_closed)(void *ctx), void *ctx);

/* For tests and the log. */
uint64_t node_transactions(const struct node *node);
size_t node_open_streams(const struct node *node);
