/* gRPC client for one endpoint: calls and server streams multiplexed over one HTTP/2 connection.
 *
 * Nothing is dialled before the first call.  From then on the client keeps itself connected: a lost
 * connection fails the calls on it (UNAVAILABLE, each exactly once) and is dialled again with
 * jittered exponential backoff, 1 s to 60 s; a new call meanwhile pulls the next attempt forward, so
 * a caller that retries meets a restarted node within moments.  A GOAWAY moves new calls to a new
 * connection while the old one finishes what it has.
 *
 * Thread: the loop's, all of it.  No callback fires inside the call that started it. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct err;
struct rand;
struct grpc_client;
struct grpc_call;

/* Largest message in either direction.  The public network's clients allow this much, six times
 * gRPC's usual 4 MiB. */
#define GRPC_MAX_MESSAGE (25u * 1024 * 1024)

/* What a status bar shows.  RECONNECTING: the first attempt, or the first one after a loss, is under
 * way.  OFFLINE: the last attempt failed; others follow. */
enum grpc_link { GRPC_LINK_IDLE, GRPC_LINK_LIVE, GRPC_LINK_RECONNECTING, GRPC_LINK_OFFLINE };

const char *grpc_link_name(enum grpc_link link); /* "idle", "live", "reconnecting", "offline" */

/* Zero-initialised fields stand for the defaults in brackets.  Everything is copied. */
struct grpc_client_config {
    const char *url;             /* http://HOST[:PORT] (h2c, prior knowledge; 80) or https://… (TLS; 443);
                                  * HOST a name, IPv4, or IPv6 in brackets */
    const char *user_agent;      /* ["xmtui/VERSION"] */
    const char *libxmtp_version; /* x-libxmtp-version; NULL: header absent */
    const char *app_version;     /* x-app-version; NULL: header absent */
    const char *ca_file;         /* PEM; trusted instead of the system's roots [system] */
    size_t max_message;          /* [GRPC_MAX_MESSAGE] */
    uint64_t connect_timeout_ms; /* look-up, TCP and TLS together [10,000] */
    uint64_t ping_interval_ms;   /* also when idle [16,000]; public nodes refuse less than 15 s */
    uint64_t ping_timeout_ms;    /* [10,000] */
    uint64_t backoff_min_ms;     /* [1,000] */
    uint64_t backoff_max_ms;     /* [60,000] */
    const struct rand *rand;     /* jitter [rand_system] */
    /* `link` has changed.  Never called inside a call of this header. */
    void (*on_link)(void *ctx, enum grpc_link link);
    void *ctx;
};

/* ERR_INVALID (url), ERR_NOMEM, ERR_IO (ca_file).  *out is ended by grpc_client_close(). */
int grpc_client_open(uv_loop_t *loop, const struct grpc_client_config *config, struct grpc_client **out,
                     struct err *err);

/* Every call still open calls back with GRPC_CANCELLED; then all handles close, the client is freed
 * and `on_closed` (may be NULL) is called, later, from the loop. */
void grpc_client_close(struct grpc_client *client, void (*on_closed)(void *ctx), void *ctx);

enum grpc_link grpc_client_link(const struct grpc_client *client);
/* uv_now() of the last byte from the peer; 0 before the first. */
uint64_t grpc_client_last_heard_ms(const struct grpc_client *client);
/* Why the last attempt or connection failed; "" if none has. */
const char *grpc_client_last_error(const struct grpc_client *client);
/* Calls that have not ended (for tests and the status bar). */
size_t grpc_client_open_calls(const struct grpc_client *client);
/* TLS handshakes that resumed an earlier session, and connections that got as far as live. */
unsigned grpc_client_resumed(const struct grpc_client *client);
unsigned grpc_client_connections(const struct grpc_client *client);

/* How a call ended. */
struct grpc_outcome {
    int status;          /* enum grpc_status (net/status.h) */
    bool local;          /* this side decided it: no connection, deadline, cancel, malformed reply */
    const char *message; /* printable or not: it may be the peer's text.  Valid during the callback */
    struct slice body;   /* unary and GRPC_OK: the message.  Valid during the callback */
};

/* Calls `path` ("/package.Service/Method") with the message `body`, which is copied.
 * `deadline_ms` from now, 0 for none; waiting for a connection counts.
 * `done` is called exactly once.  The call may be cancelled until then.
 * ERR_NOMEM, ERR_TOOBIG (body over max_message), ERR_STATE (client closing): `done` is not called. */
int grpc_unary(struct grpc_client *client, const char *path, struct slice body, uint64_t deadline_ms,
               void (*done)(void *ctx, const struct grpc_outcome *outcome), void *ctx, struct grpc_call **out,
               struct err *err);

/* A server stream.  Order: on_headers at most once, on_message any number of times, on_end exactly
 * once, after which the call is gone. */
struct grpc_stream_events {
    void (*on_headers)(void *ctx);                       /* the server accepted; may be NULL */
    void (*on_message)(void *ctx, struct slice message); /* borrowed */
    void (*on_end)(void *ctx, const struct grpc_outcome *outcome);
};

/* As grpc_unary; `deadline_ms` bounds the wait for response headers only. */
int grpc_stream_open(struct grpc_client *client, const char *path, struct slice body, uint64_t deadline_ms,
                     const struct grpc_stream_events *events, void *ctx, struct grpc_call **out, struct err *err);

/* Back-pressure: while paused, no on_message and no on_end; at most one stream window of bytes
 * (GRPC_STREAM_WINDOW) is held here, the rest waits at the server.  Other calls go on.  May be
 * called inside on_message; what is already held is delivered later, from the loop. */
void grpc_call_pause(struct grpc_call *call);
void grpc_call_resume(struct grpc_call *call);

/* RST_STREAM(CANCEL); `done` or `on_end` follows from the loop with GRPC_CANCELLED, and nothing
 * before it.  Allowed inside the call's own on_headers and on_message. */
void grpc_call_cancel(struct grpc_call *call);

#define GRPC_STREAM_WINDOW (1024 * 1024)
