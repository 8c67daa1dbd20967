#include "base/bytes.h"

#include "base/alloc.h"
#include "base/err.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VEC_MAX ((1u << 30) - 1) /* RFC 9420 section 2.1.2: 30 bits of length */

struct slice slice_str(const char *text)
{
    return slice_of(text, text ? strlen(text) : 0);
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_eq_secret(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.data, b.data, a.len) == 0);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;

    if (c)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

int bytes_dup(struct slice from, struct bytes *out)
{
    uint8_t *data = xm_alloc(from.len);

    if (!data)
        return ERR_NOMEM;
    if (from.len)
        memcpy(data, from.data, from.len);
    *out = (struct bytes){data, from.len};
    return 0;
}

void bytes_free(struct bytes *b)
{
    xm_free(b->data);
    *b = (struct bytes){0};
}

void bytes_wipe(struct bytes *b)
{
    xm_free_secret(b->data, b->len);
    *b = (struct bytes){0};
}

/* Growth of a secret never goes through realloc, which could leave a copy behind. */
static bool reserve(struct buf *b, size_t more)
{
    size_t need, cap;
    uint8_t *data;

    if (b->bad)
        return false;
    if (__builtin_add_overflow(b->len, more, &need)) {
        b->bad = true;
        return false;
    }
    if (need <= b->cap)
        return true;
    cap = b->cap ? b->cap : 64;
    while (cap < need) {
        if (__builtin_mul_overflow(cap, 2, &cap)) {
            b->bad = true;
            return false;
        }
    }
    if (b->secret) {
        data = xm_alloc(cap);
        if (data && b->len)
            memcpy(data, b->data, b->len);
        if (data)
            xm_free_secret(b->data, b->cap);
    } else {
        data = xm_realloc(b->data, cap, 1);
    }
    if (!data) {
        b->bad = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
    if (!reserve(b, len))
        return NULL;
    b->len += len;
    return b->data + b->len - len;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    uint8_t *at = len ? buf_grow(b, len) : NULL;

    if (at)
        memcpy(at, data, len);
}

void buf_put_slice(struct buf *b, struct slice s)
{
    buf_put(b, s.data, s.len);
}

static void put_be(struct buf *b, uint64_t v, size_t width)
{
    uint8_t *at = buf_grow(b, width);

    for (size_t i = 0; at && i < width; i++)
        at[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

void buf_put_u8(struct buf *b, uint8_t v)
{
    put_be(b, v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
    put_be(b, v, 2);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    put_be(b, v, 8);
}

void buf_put_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !reserve(b, (size_t)n + 1)) {
        b->bad = true;
    } else {
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

static size_t vec_prefix(size_t len, uint8_t out[4])
{
    if (len < 1u << 6) {
        out[0] = (uint8_t)len;
        return 1;
    }
    if (len < 1u << 14) {
        out[0] = (uint8_t)(0x40 | len >> 8);
        out[1] = (uint8_t)len;
        return 2;
    }
    out[0] = (uint8_t)(0x80 | len >> 24);
    out[1] = (uint8_t)(len >> 16);
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    return 4;
}

void buf_put_vec(struct buf *b, struct slice s)
{
    uint8_t prefix[4];

    if (s.len > VEC_MAX) {
        b->bad = true;
        return;
    }
    buf_put(b, prefix, vec_prefix(s.len, prefix));
    buf_put_slice(b, s);
}

size_t buf_begin_vec(struct buf *b)
{
    return b->len;
}

void buf_end_vec(struct buf *b, size_t mark)
{
    uint8_t prefix[4];
    size_t len = b->len - mark, n;

    if (b->bad)
        return;
    if (len > VEC_MAX) {
        b->bad = true;
        return;
    }
    n = vec_prefix(len, prefix);
    if (!buf_grow(b, n))
        return;
    memmove(b->data + mark + n, b->data + mark, len);
    memcpy(b->data + mark, prefix, n);
}

void buf_reset(struct buf *b)
{
    if (b->secret && b->data)
        sodium_memzero(b->data, b->cap);
    b->len = 0;
    b->bad = false;
}

int buf_take(struct buf *b, struct bytes *out)
{
    if (b->bad) {
        buf_free(b);
        return ERR_NOMEM;
    }
    if (!b->data && !reserve(b, 1))
        return ERR_NOMEM;
    *out = (struct bytes){b->data, b->len};
    *b = (struct buf){.secret = b->secret};
    return 0;
}

void buf_free(struct buf *b)
{
    if (b->secret)
        xm_free_secret(b->data, b->cap);
    else
        xm_free(b->data);
    *b = (struct buf){.secret = b->secret};
}
