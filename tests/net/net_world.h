/* A client and a server of ours in one loop, for tests. */
#pragma once
#include "base/err.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define WORLD_HELD_MAX 64

struct world {
    uv_loop_t loop;
    uv_timer_t guard;
    bool late;
    struct grpc_server *server;
    struct grpc_client *client;
    char url[64];
    unsigned closed; /* on_closed calls */

    /* Answers the paths that the world does not know; NULL: UNIMPLEMENTED. */
    void (*serve)(struct world *w, struct grpc_request *req);
    void *serve_ctx;

    /* what the server's handler has seen */
    struct grpc_request *held[WORLD_HELD_MAX]; /* of /t/Hold and /t/Open, in order; NULL once gone */
    unsigned held_count;
    unsigned cancels, drains, requests;
    size_t connections, max_connections_seen;
    char header[80];

    /* what the client's callbacks have seen */
    enum grpc_link links[64];
    unsigned link_count;
};

/* Opens loop and server ("localhost:0"); `config` may be NULL. */
void world_open(struct world *w, const struct grpc_server_config *config);
/* A client to that server; `config` may be NULL, its url is filled in where NULL. */
void world_connect(struct world *w, const struct grpc_client_config *config);
/* Starts a server on the port that the last one had. */
void world_serve_again(struct world *w);
/* A server on "HOST:PORT", while there is none. */
void world_serve_at(struct world *w, const char *address);
void world_stop_server(struct world *w, uint64_t grace_ms);
/* Closes everything and checks that the loop is empty. */
void world_close(struct world *w);
void world_drop_client(struct world *w);

/* Runs the loop until the condition holds; half a minute at most. */
#define RUN_UNTIL(w, condition)                                                                                 \
    do {                                                                                                        \
        while (!(condition) && !(w)->late)                                                                      \
            uv_run(&(w)->loop, UV_RUN_ONCE);                                                                    \
        if (!(condition))                                                                                       \
            fail_msg("waited in vain: %s", #condition);                                                         \
    } while (0)

/* A call and what became of it. */
struct answer {
    struct grpc_call *call;
    unsigned ends; /* times it ended */
    int status;
    bool local;
    char message[300];
    uint8_t *body; /* of a unary call, NUL-terminated copy */
    size_t body_len;
    /* streams */
    unsigned headers, messages;
    size_t message_bytes;
    uint8_t last[64];
    size_t last_len;
    unsigned pause_after; /* pauses itself after this many messages */
    bool cancel_in_message;
};

void ask(struct world *w, const char *path, const void *body, size_t len, uint64_t deadline_ms, struct answer *a);
void listen_to(struct world *w, const char *path, const void *body, size_t len, uint64_t deadline_ms,
               struct answer *a);
void answer_free(struct answer *a);
