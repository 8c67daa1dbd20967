/* Bytes: borrowed (slice), owned (bytes), growing (buf).
 *
 * struct buf is a sticky writer: after the first failed growth every later put does nothing and
 * buf_ok() is false, so a serialiser is written straight through and checked once at the end.
 * Thread: any; no sharing. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Somebody else's bytes, valid as long as their owner says. */
struct slice {
    const uint8_t *data;
    size_t len;
};

/* Bytes that their holder ends with bytes_free() or, for secrets, bytes_wipe(). */
struct bytes {
    uint8_t *data;
    size_t len;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){(const uint8_t *)data, len};
}

static inline struct slice bytes_slice(const struct bytes *b)
{
    return (struct slice){b->data, b->len};
}

/* The characters of a C string, without its NUL. */
struct slice slice_str(const char *text);
bool slice_eq(struct slice a, struct slice b);    /* not constant time: public values only */
bool slice_eq_secret(struct slice a, struct slice b); /* constant time in the contents */
int slice_cmp(struct slice a, struct slice b);    /* bytewise, shorter first on a tie */

/* Copies `from` into new bytes; ERR_NOMEM.  On failure *out is untouched. */
int bytes_dup(struct slice from, struct bytes *out);
void bytes_free(struct bytes *b);
void bytes_wipe(struct bytes *b); /* zeroes, then frees */

/* `secret`: growth and release zero the old memory. */
struct buf {
    uint8_t *data;
    size_t len, cap;
    bool bad;
    bool secret;
};

#define BUF_INIT ((struct buf){0})
#define BUF_SECRET ((struct buf){.secret = true})

void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v); /* big-endian, as in the TLS presentation language */
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A variable-size vector (RFC 9420 section 2.1.2): minimal 1-, 2- or 4-byte length, then the bytes.
 * Over 2^30 - 1 bytes the buffer goes bad. */
void buf_put_vec(struct buf *b, struct slice s);
/* Begins a vector whose length is known later; returns a mark for buf_end_vec(). */
size_t buf_begin_vec(struct buf *b);
void buf_end_vec(struct buf *b, size_t mark);

/* Makes room for `len` bytes at the end and returns their place, or NULL (buffer bad). */
uint8_t *buf_grow(struct buf *b, size_t len);
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->data, b->len};
}
static inline bool buf_ok(const struct buf *b)
{
    return !b->bad;
}
/* Forgets the contents, keeps the memory (wiped first where secret), clears `bad`. */
void buf_reset(struct buf *b);
/* Moves the contents to *out, which the caller then owns; ERR_NOMEM if the buffer is bad. */
int buf_take(struct buf *b, struct bytes *out);
void buf_free(struct buf *b); /* wipes where secret */
