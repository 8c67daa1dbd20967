/* What client and server connections share over nghttp2. */
#pragma once
#include "base/bytes.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

struct sock;

/* Received bytes of all streams of a connection that were not looked at yet: enough for any line, since
 * only the windows of single streams are held back. */
#define H2_CONNECTION_WINDOW (16 * 1024 * 1024)
/* How much of one upload or stream may be under way. */
#define H2_STREAM_WINDOW (1024 * 1024)
/* Of what a peer sends as headers: ours are below 1 KiB, an error text has 4 KiB at most. */
#define H2_HEADER_LIST_MAX (16 * 1024)
/* Of grpc-message, decoded. */
#define H2_MESSAGE_MAX 1024

nghttp2_nv h2_nv(const char *name, const char *value);
bool h2_is(struct slice a, const char *text);
/* "application/grpc", "application/grpc+proto", "application/grpc;…" */
bool h2_is_grpc(struct slice content_type);
/* Moves the session's output into the socket until either has enough, and flushes.  False: out of memory or
 * worse, the connection cannot go on. */
bool h2_pump(nghttp2_session *session, struct sock *sock);
/* Up to `room` bytes of `from` at *at into `out`; the number. */
size_t h2_copy(const struct buf *from, size_t *at, uint8_t *out, size_t room);
