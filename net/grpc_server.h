/* gRPC server: unary calls and server streams over HTTP/2, plain (prior knowledge) or TLS.
 *
 * A request reaches the handler whole: path and one message.  The handler answers at once or later
 * (after a group commit, say) with exactly one of grpc_reply, grpc_fail, or grpc_start and later
 * grpc_end; unless on_cancel comes first, which also ends the request.  Method names are the
 * handler's affair, UNIMPLEMENTED included.
 *
 * PINGs are acknowledged by themselves.  Over a limit the single request is refused with
 * RESOURCE_EXHAUSTED, the connection lives on; a peer that breaks HTTP/2 loses its connection.
 * A request that is refused in the middle of its body is answered when the rest has come and gone, since
 * some clients cannot read while they write; one that does not end is answered and reset.
 *
 * Thread: the loop's.  No callback fires inside a call of this header. */
#pragma once
#include "base/bytes.h"
#include "net/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct err;
struct grpc_server;
struct grpc_request;

struct grpc_handler {
    /* A whole request.  It and its body live until the handler ends it or on_cancel returns. */
    void (*on_request)(void *ctx, struct grpc_request *req);
    /* The client reset the stream or went away, or the server closes.  Not called for a request that
     * the handler has ended.  The request is gone when this returns. */
    void (*on_cancel)(void *ctx, struct grpc_request *req);
    /* After grpc_send() said full: the stream's queue fell to a quarter of its bounds, or what the connection
     * holds to half of its bound.  History may go on.  May be NULL. */
    void (*on_drain)(void *ctx, struct grpc_request *req);
    /* The number of connections changed (for --idle-exit).  May be NULL. */
    void (*on_connections)(void *ctx, size_t count);
    void *ctx;
};

/* Zero stands for the default in brackets: far above what the clients of one machine do. */
struct grpc_server_config {
    size_t max_message;            /* bytes of a request message [25 MiB] */
    size_t max_header_list;        /* bytes of a request's headers [16 KiB] */
    uint32_t max_streams;          /* concurrent, per connection [1,000] */
    size_t max_connections;        /* a further one takes the place of one that has not greeted, or is closed
                                    * at once [1,000] */
    /* Request bodies and queued answers.  Whatever the others hold, a connection may have its equal share of
     * the first, a request its equal share of the second. */
    size_t max_bytes;              /* of all connections [1 GiB] */
    size_t max_connection_bytes;   /* of one connection [64 MiB] */
    size_t max_discard;            /* bytes of a refused body that are still taken [64 MiB] */
    uint64_t greeting_timeout_ms;  /* for a client's TLS handshake, preface and SETTINGS [20,000] */
    uint64_t body_timeout_ms;      /* for a request to come whole [120,000] */
    uint64_t ping_interval_ms;     /* a client that is silent for so long is pinged [300,000] */
    uint64_t ping_timeout_ms;      /* and dropped where it does not answer [20,000] */
    size_t max_queue_messages;     /* of one server stream [1,024] */
    size_t max_queue_bytes;        /* of one server stream; one message always fits [32 MiB] */
    const char *tls_cert, *tls_key; /* PEM files; both or neither */
    struct grpc_handler handler;
};

/* ERR_NOMEM, ERR_IO (certificate or key), ERR_INVALID. */
int grpc_server_open(uv_loop_t *loop, const struct grpc_server_config *config, struct grpc_server **out,
                     struct err *err);

/* Listens on "HOST:PORT"; may be called several times.  "localhost:PORT" listens on 127.0.0.1 and,
 * where the system has it, on [::1]; port 0 picks one port, the same for both.
 * ERR_INVALID, ERR_IO (address in use), ERR_NOMEM. */
int grpc_server_listen(struct grpc_server *server, const char *address, struct err *err);
/* The port of the first listener, 0 before. */
uint16_t grpc_server_port(const struct grpc_server *server);
/* The listeners, in the order in which they came; the text of the i-th is "127.0.0.1:5556" or "[::1]:5556". */
#define GRPC_ADDRESS_MAX 64
size_t grpc_server_listeners(const struct grpc_server *server);
void grpc_server_address(const struct grpc_server *server, size_t i, char out[GRPC_ADDRESS_MAX]);
size_t grpc_server_connections(const struct grpc_server *server);

/* Stops listening, ends every stream with `status` (UNAVAILABLE for a restart), cancels requests that
 * wait for an answer, says GOAWAY, lets what is queued go out for at most `grace_ms`, then frees the
 * server and calls `on_closed` (may be NULL) from the loop. */
void grpc_server_close(struct grpc_server *server, uint64_t grace_ms, void (*on_closed)(void *ctx), void *ctx);

const char *grpc_request_path(const struct grpc_request *req);
struct slice grpc_request_body(const struct grpc_request *req);
/* Frees the body early, for streams that live long. */
void grpc_request_drop_body(struct grpc_request *req);
/* A request header by its lower-case name ("x-libxmtp-version"); only user-agent,
 * x-libxmtp-version and x-app-version are kept.  NULL when absent. */
const char *grpc_request_header(const struct grpc_request *req, const char *name);
/* The handler's own pointer. */
void grpc_request_set_data(struct grpc_request *req, void *data);
void *grpc_request_data(const struct grpc_request *req);

/* Each of these three ends the request: the pointer is dead afterwards.  Memory short, they answer
 * RESOURCE_EXHAUSTED or reset the stream; there is nothing for the handler to do about it. */
void grpc_reply(struct grpc_request *req, struct slice body);
void grpc_fail(struct grpc_request *req, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* After grpc_start: what is queued goes out, then the status.  `message` may be NULL. */
void grpc_end(struct grpc_request *req, int status, const char *message);

/* Response headers go out now; messages follow.  Also drops nothing: the body stays. */
void grpc_start(struct grpc_request *req);
/* Queues a message (copied), or nothing.  ERR_TOOBIG: the queue or the connection is full; wait for on_drain or
 * give up with grpc_end.  ERR_NOMEM: give up, no on_drain will come.  ERR_CANCELED: the client has gone,
 * on_cancel is on its way. */
int grpc_send(struct grpc_request *req, struct slice message);
/* Messages that have not left for the network yet. */
size_t grpc_queued(const struct grpc_request *req);
