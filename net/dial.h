/* Connects to a host: look-up off the loop, then its addresses one after the other, the next one
 * started when the last has failed or has been silent for 250 ms (after RFC 8305); the first to answer wins.
 *
 * Addresses written as numbers, and "localhost", need no look-up.  Thread: the loop's. */
#pragma once
#include <stdint.h>
#include <uv.h>

struct err;
struct dial;

/* `done` comes exactly once, from the loop or inside dial_cancel(): with a connected socket, now the receiver's (xm_alloc'd), or
 * with NULL and the reason (ERR_OFFLINE; ERR_CANCELED after dial_cancel()).  `gone` comes when the last
 * handle has closed and the dial is freed, not before `done`.
 * ERR_NOMEM, ERR_OFFLINE at once: neither is called. */
int dial_start(uv_loop_t *loop, const char *host, uint16_t port, uint64_t timeout_ms,
               void (*done)(void *ctx, uv_tcp_t *tcp, const struct err *err), void (*gone)(void *ctx), void *ctx,
               struct dial **out, struct err *err);
/* Before `done` only. */
void dial_cancel(struct dial *d);
