/* Inside of the gRPC client, shared by grpc_client.c (the link), client_conn.c (one connection) and
 * client_call.c (one call).
 *
 * Everything that a caller is told, except a stream's messages, is told from client_turn(), which the
 * loop runs before it waits: there no nghttp2 call is on the stack, so a callback may start, cancel
 * and close as it likes.  Thread: the loop's. */
#pragma once
#include "base/err.h"
#include "base/rand.h"
#include "net/backoff.h"
#include "net/frame.h"
#include "net/grpc_client.h"
#include "net/h2.h"
#include "net/keepalive.h"
#include "net/sock.h"
#include "net/status.h"
#include "net/turn.h"
#include "net/url.h"

struct client_conn;
struct dial;
struct tls_ctx;

/* First in, first out. */
struct call_list {
    struct grpc_call *first, *last;
};

enum call_phase {
    CALL_FREE,    /* in the pool */
    CALL_PENDING, /* waits for a connection */
    CALL_OPEN,    /* a stream of `conn` */
    CALL_ENDED    /* outcome known, caller not told yet */
};

struct grpc_call {
    struct grpc_client *client;
    struct client_conn *conn; /* CALL_OPEN */
    struct grpc_call *prev, *next; /* in the list of its phase */
    struct call_list *list;
    struct grpc_call *next_work;
    bool in_work;
    enum call_phase phase;

    bool is_stream;
    char path[128];
    struct buf out; /* the framed request */
    size_t out_at;
    uint64_t deadline_ms; /* uv_now() time, 0 none */
    unsigned requeued;
    void (*done)(void *ctx, const struct grpc_outcome *outcome);
    struct grpc_stream_events events;
    void *ctx;

    /* the answer */
    int32_t stream_id;
    int http_status;
    int grpc_status; /* -1: none seen */
    bool content_type_ok, headers_done, too_many_headers;
    bool stream_gone; /* nghttp2 has closed the stream: nothing to reset */
    size_t header_bytes;
    struct frame_reader frames;
    unsigned messages;
    bool paused, cancelled;
    struct buf held; /* received while paused, not consumed from the stream's window */
    size_t held_at;

    /* the outcome */
    int status;
    bool local;
    char message[H2_MESSAGE_MAX + 1];
};

struct client_conn {
    struct grpc_client *client;
    struct client_conn *next;
    struct sock *sock;
    nghttp2_session *session;
    struct keepalive keepalive;
    uv_timer_t timer;
    unsigned handles;
    struct call_list calls;
    bool dirty;    /* has output */
    bool heard;    /* the peer said anything */
    bool live;     /* the peer's SETTINGS came */
    bool useful;   /* it answered a call */
    bool draining; /* no new calls */
    bool closing;
    uint64_t born_ms;
    char why[160]; /* nghttp2's words on a broken rule */
};

enum client_state { CLIENT_IDLE, CLIENT_DIALING, CLIENT_UP, CLIENT_WAITING, CLIENT_CLOSING };

struct grpc_client {
    uv_loop_t *loop;
    struct url url;
    char *user_agent, *libxmtp_version, *app_version;
    size_t max_message;
    uint64_t connect_timeout_ms, ping_interval_ms, ping_timeout_ms;
    struct rand rand;
    void (*on_link)(void *ctx, enum grpc_link link);
    void *ctx;
    struct tls_ctx *tls;
    struct sock_scratch *scratch;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    enum client_state state;
    enum grpc_link told;
    struct dial *dial;
    struct client_conn *current; /* takes new calls */
    struct client_conn *conns;   /* all that are not freed yet */
    struct backoff backoff;
    uint64_t attempt_ended_ms;
    char last_error[200];
    uint64_t last_heard_ms;
    unsigned resumed, connections;

    struct call_list pending;
    struct call_list ended; /* not told yet */
    struct grpc_call *work_first, *work_last;
    struct grpc_call *pool;
    unsigned pooled;
    size_t open_calls;

    struct turn turn;
    uv_timer_t deadline, redial;
    uint64_t deadline_at; /* when `deadline` fires, 0: not running */
    unsigned handles;
    bool torn_down;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* grpc_client.c */
void client_want_connection(struct grpc_client *c);
/* A connection stopped taking calls: GOAWAY, or it is gone (`why`, NULL for GOAWAY). */
void client_conn_lost(struct grpc_client *c, struct client_conn *conn, const struct err *why);
void client_conn_freed(struct grpc_client *c, struct client_conn *conn);
void client_watch_deadline(struct grpc_client *c, uint64_t deadline_ms);

/* client_conn.c */
int client_conn_new(struct grpc_client *c, uv_tcp_t *tcp, struct client_conn **out, struct err *err);
int client_conn_callbacks(struct grpc_client *c, struct err *err);
void client_conn_start(struct client_conn *conn);
bool client_conn_takes_calls(const struct client_conn *conn);
/* Opens a stream for a pending call; false: this connection takes no more. */
bool client_conn_submit(struct client_conn *conn, struct grpc_call *call);
void client_conn_flush(struct client_conn *conn);
/* Ends it; its calls fail with `why`. */
void client_conn_fail(struct client_conn *conn, const struct err *why);
/* Says GOAWAY and closes; no calls are left on it. */
void client_conn_close(struct client_conn *conn);
void client_conn_maybe_drained(struct client_conn *conn);

/* client_call.c */
void call_list_add(struct call_list *list, struct grpc_call *call);
void call_list_remove(struct grpc_call *call);
void call_work(struct grpc_call *call);
/* Whether anybody was told anything. */
bool call_run_work(struct grpc_client *c);
/* The call is over: its stream (if still there) is reset, the caller told in the next turn. */
void call_end(struct grpc_call *call, int status, bool local, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Back to the queue: the server said that it did not look at it. */
bool call_requeue(struct grpc_call *call);
int call_on_header(struct grpc_call *call, struct slice name, struct slice value);
void call_on_headers_end(struct grpc_call *call, bool end_stream);
void call_on_data(struct grpc_call *call, struct slice bytes);
void call_on_end_stream(struct grpc_call *call);
void call_on_reset(struct grpc_call *call, uint32_t error_code);
void call_pool_free(struct grpc_client *c);
