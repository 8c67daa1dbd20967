/* One TCP connection on the loop, with or without TLS: plain bytes in by callback, plain bytes out
 * through a bounded buffer.  Used by both ends.
 *
 * Happy path: wire_new(), wire_start(), on_ready (after the TLS handshake, at once without), on_bytes…
 * The owner fills wire_put() while wire_room() and calls wire_flush(); when the socket takes no more,
 * on_writable comes once it does.  Any failure, and the peer's end, is on_down, once; afterwards no
 * other callback comes.  The owner ends it with wire_close() in every case.
 *
 * Callbacks come from the loop or from within wire_start() and wire_flush().  wire_close() inside any
 * of them is fine: memory goes only when the socket's close callback has run.  Thread: the loop's. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <uv.h>

struct tls;
struct wire;

struct wire_events {
    void (*on_ready)(void *ctx);
    void (*on_bytes)(void *ctx, struct slice bytes); /* borrowed */
    void (*on_writable)(void *ctx);
    void (*on_down)(void *ctx, const struct err *why);
    void (*on_closed)(void *ctx); /* after wire_close(): the handle and the wire are gone */
};

/* Shared by the connections of one owner: bytes are looked at before the next read. */
#define WIRE_READ_SIZE (64 * 1024)
struct wire_scratch {
    char cipher[WIRE_READ_SIZE];
    char plain[WIRE_READ_SIZE];
};

/* `tcp` is connected and on the heap (xm_alloc); it and `tls` (NULL: plain) become the wire's.
 * NULL when out of memory: both stay the caller's. */
struct wire *wire_new(uv_tcp_t *tcp, struct tls *tls, struct wire_scratch *scratch,
                      const struct wire_events *events, void *ctx);
void wire_start(struct wire *w);
bool wire_ready(const struct wire *w);
bool wire_resumed(const struct wire *w); /* TLS session resumption */
/* Whether to produce more output now. */
bool wire_room(const struct wire *w);
void wire_put(struct wire *w, struct slice bytes); /* out of memory shows at wire_flush() */
void wire_flush(struct wire *w);
/* True when all output was handed to the kernel. */
bool wire_idle(const struct wire *w);
/* Ends the connection; on_closed follows from the loop. */
void wire_close(struct wire *w);
