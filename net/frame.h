/* gRPC message framing: a compressed flag, a 32-bit big-endian length, the message.
 *
 * Frames may be cut anywhere.  The length is a claim of the peer's: it is checked against the limit,
 * and memory grows with the bytes that arrived, not with it.  Pure.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

#define FRAME_HEAD_LEN 5

struct frame_reader {
    size_t max_message;
    bool keep; /* messages always end up in `body` */
    uint8_t head[FRAME_HEAD_LEN];
    unsigned head_len;
    struct buf body; /* of a message that came in pieces; its memory is reused */
};

void frame_init(struct frame_reader *r, size_t max_message);
/* Ready for another message; large memory is given back. */
void frame_reset(struct frame_reader *r);
void frame_deinit(struct frame_reader *r);

/* Takes bytes off *in.  1: *message is whole, and valid until the next call and while `in`'s bytes are;
 * 0: more bytes are needed, *in is empty; or ERR_UNSUPPORTED (compressed), ERR_TOOBIG, ERR_NOMEM. */
int frame_read(struct frame_reader *r, struct slice *in, struct slice *message, struct err *err);
/* True between two messages: an end here cuts nothing. */
bool frame_at_boundary(const struct frame_reader *r);

void frame_put_head(uint8_t head[FRAME_HEAD_LEN], uint32_t len);
/* Head and message. */
void frame_put(struct buf *out, struct slice message);
