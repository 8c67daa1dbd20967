/* One TCP connection on the loop, with or without TLS: plain bytes in by callback, plain bytes out
 * through a bounded buffer.  Used by both ends.
 *
 * Happy path: sock_new(), sock_start(), on_ready (after the TLS handshake, at once without), on_bytes…
 * The owner fills sock_put() while sock_room() and calls sock_flush(); when the socket takes no more,
 * on_writable comes once it does.  Any failure, and the peer's end, is on_down, once; afterwards no
 * other callback comes.  The owner ends it with sock_close() in every case.
 *
 * Callbacks come from the loop or from within sock_start() and sock_flush().  sock_close() inside any
 * of them is fine: memory goes only when the socket's close callback has run.  Thread: the loop's. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <uv.h>

struct tls;
struct sock;

struct sock_events {
    void (*on_ready)(void *ctx);
    void (*on_bytes)(void *ctx, struct slice bytes); /* borrowed */
    void (*on_writable)(void *ctx);
    void (*on_down)(void *ctx, const struct err *why);
    void (*on_closed)(void *ctx); /* after sock_close(): the handle and the socket are gone */
};

/* Shared by the connections of one owner: bytes are looked at before the next read. */
#define SOCK_READ_SIZE (64 * 1024)
struct sock_scratch {
    char cipher[SOCK_READ_SIZE];
    char plain[SOCK_READ_SIZE];
};

/* `tcp` is connected and on the heap (xm_alloc); it and `tls` (NULL: plain) become the socket's.
 * NULL when out of memory: both stay the caller's. */
struct sock *sock_new(uv_tcp_t *tcp, struct tls *tls, struct sock_scratch *scratch,
                      const struct sock_events *events, void *ctx);
void sock_start(struct sock *w);
bool sock_ready(const struct sock *w);
bool sock_resumed(const struct sock *w); /* TLS session resumption */
/* Whether to produce more output now. */
bool sock_room(const struct sock *w);
void sock_put(struct sock *w, struct slice bytes); /* out of memory shows at sock_flush() */
void sock_flush(struct sock *w);
/* True when all output was handed to the kernel. */
bool sock_idle(const struct sock *w);
/* Ends the connection; on_closed follows from the loop. */
void sock_close(struct sock *w);
