/* Inside of the gRPC server, shared by grpc_server.c (listeners, life), server_conn.c (one connection)
 * and server_request.c (one request).
 *
 * As in the client, output is produced in server_turn(), before the loop waits; cancellations and
 * drains are told there, too, so a handler may call what it likes from them.  on_request comes while
 * bytes are looked at.  Thread: the loop's. */
#pragma once
#include "base/err.h"
#include "net/frame.h"
#include "net/grpc_server.h"
#include "net/h2.h"
#include "net/keepalive.h"
#include "net/sock.h"
#include "net/turn.h"

struct server_conn;
struct tls_ctx;

#define SERVER_LISTENERS_MAX 16

enum request_phase {
    REQUEST_READING,  /* headers or body still coming */
    REQUEST_WAITING,  /* with the handler */
    REQUEST_STREAMING,/* started by the handler, not ended */
    REQUEST_ENDED     /* the handler is through; output may be left */
};

struct grpc_request {
    struct server_conn *conn;
    struct grpc_request *prev, *next; /* of the connection; `next` of the pool */
    int32_t stream_id;
    enum request_phase phase;
    bool stream_gone;   /* nghttp2 has closed the stream */
    bool peer_done;     /* END_STREAM came */
    bool is_post, is_grpc, too_many_headers;
    bool refused;       /* READING: `status` and `message` are the answer, the body is thrown away */
    size_t discarded;
    uint64_t born_ms;
    bool has_message;
    bool in_work, want_cancel, want_drain;
    bool refused_full;  /* grpc_send() said full since the last drain */
    struct grpc_request *next_work;
    size_t header_bytes;
    char path[128];
    char user_agent[64], libxmtp_version[32], app_version[64];
    bool has_user_agent, has_libxmtp_version, has_app_version;
    struct frame_reader frames;
    struct slice body; /* in `frames` */
    size_t charged;    /* bytes counted against the connection */
    void *data;

    /* output: whole frames, from `out_at` on */
    struct buf out;
    size_t out_at;
    size_t queued;         /* messages not wholly gone */
    size_t message_left;   /* bytes of the message at out_at */
    bool deferred;         /* nghttp2 waits for grpc_send() */
    bool responded;        /* response headers submitted */
    int status;
    char message[H2_MESSAGE_MAX + 1];
};

struct server_conn {
    struct grpc_server *server;
    struct server_conn *prev, *next;
    struct sock *sock;
    nghttp2_session *session;
    uv_timer_t timer;
    struct keepalive keepalive;
    unsigned handles;
    struct grpc_request *requests;
    size_t bytes;   /* charged by its requests */
    size_t reading; /* requests in REQUEST_READING */
    bool dirty, closing, greeted, said_goaway;
    bool watches_requests; /* `timer` fires in time for them, too */
    bool starving;         /* a stream was told full for want of `bytes` */
    uint64_t born_ms;
};

struct server_listener {
    uv_tcp_t tcp;
    struct grpc_server *server;
    bool waiting; /* a client could not be accepted: libuv tells of no other before it is */
};

struct grpc_server {
    uv_loop_t *loop;
    struct grpc_server_config config; /* defaults filled in, the files' names not kept */
    struct tls_ctx *tls;
    struct sock_scratch *scratch;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct server_listener *listeners[SERVER_LISTENERS_MAX];
    unsigned listener_count;
    uint16_t port;
    struct server_conn *conns;
    size_t conn_count, told_count;
    size_t bytes; /* charged by all requests */
    struct grpc_request *work_first, *work_last;
    struct grpc_request *pool;
    unsigned pooled;

    struct turn turn;
    uv_timer_t grace;
    unsigned handles;
    bool closing, shut, expired, torn_down;
    uint64_t grace_ms;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* grpc_server.c */
void server_conn_freed(struct grpc_server *s, struct server_conn *conn);

/* server_conn.c */
int server_conn_callbacks(struct grpc_server *s, struct err *err);
/* `tcp` is the connection's, also on failure. */
void server_conn_accept(struct grpc_server *s, uv_tcp_t *tcp);
void server_conn_flush(struct server_conn *conn);
void server_conn_goaway(struct server_conn *conn);
void server_conn_drop(struct server_conn *conn);
void server_conn_request_freed(struct server_conn *conn);

/* server_request.c */
struct grpc_request *grpc_request_new(struct server_conn *conn, int32_t stream_id);
int request_on_header(struct grpc_request *req, struct slice name, struct slice value);
void request_on_headers_end(struct grpc_request *req);
void request_on_data(struct grpc_request *req, struct slice bytes);
void request_on_end(struct grpc_request *req);
/* Ends what has not come whole in time.  Milliseconds until there is more to end; 0: nothing is being read. */
uint64_t requests_expire(struct server_conn *conn, uint64_t now_ms);
/* The stream or the connection is gone. */
void request_gone(struct grpc_request *req);
/* Ends it for the server: a stream says `status`, a waiting handler is cancelled. */
void request_shut(struct grpc_request *req, int status);
void request_work(struct grpc_request *req);
/* Tells streams that the connection has memory again, if they wait for it. */
void requests_feed(struct server_conn *conn);
/* Whether anybody was told anything. */
bool request_run_work(struct grpc_server *s);
void request_pool_free(struct grpc_server *s);
ssize_t request_output(struct grpc_request *req, uint8_t *out, size_t room, uint32_t *flags);
