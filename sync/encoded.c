/* Bounded reading of EncodedContent. */
#include "sync/encoded.h"

#include "base/err.h"
#include "proto/wire.h"

#include <string.h>
#include <zlib.h>

/* A compressed text of 25 MiB could unfold to 25 GiB; nobody reads more than this at once. */
#define BODY_MAX ((size_t)16 << 20)

static void parse_type(struct slice bytes, struct encoded *out)
{
    struct reader r = reader_of(bytes);
    struct wire_field f;

    while (wire_next(&r, &f)) {
        if (f.number == 1 && f.type == WIRE_LEN)
            out->authority = f.bytes;
        else if (f.number == 2 && f.type == WIRE_LEN)
            out->type = f.bytes;
        else if (f.number == 3 && f.type == WIRE_VARINT)
            out->major = (uint32_t)f.value;
        else if (f.number == 4 && f.type == WIRE_VARINT)
            out->minor = (uint32_t)f.value;
    }
}

static void parse_param(struct slice bytes, struct encoded *out)
{
    struct encoded_param p = {0};

    if (out->n_params == ENCODED_PARAMS_MAX)
        return;
    wire_find(bytes, 1, &p.key);
    wire_find(bytes, 2, &p.value);
    out->params[out->n_params++] = p;
}

int encoded_parse(struct slice bytes, struct encoded *out)
{
    struct reader r = reader_of(bytes);
    struct wire_field f;

    *out = (struct encoded){0};
    while (wire_next(&r, &f)) {
        if (f.type == WIRE_VARINT && f.number == 5) {
            out->has_compression = true;
            out->compression = (uint32_t)f.value;
        }
        if (f.type != WIRE_LEN)
            continue;
        if (f.number == 1) {
            parse_type(f.bytes, out);
        } else if (f.number == 2) {
            parse_param(f.bytes, out);
        } else if (f.number == 3) {
            out->has_fallback = true;
            out->fallback = f.bytes;
        } else if (f.number == 4) {
            out->content = f.bytes;
        }
    }
    return r.bad ? ERR_MALFORMED : 0;
}

struct slice encoded_param(const struct encoded *e, const char *key)
{
    for (size_t i = e->n_params; i-- > 0;)
        if (slice_eq(e->params[i].key, slice_str(key)))
            return e->params[i].value;
    return slice_of(NULL, 0);
}

/* window_bits: 47 takes zlib and gzip framing, -15 none. */
static int inflate_all(struct slice in, int window_bits, struct bytes *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (uInt)in.len};
    struct buf b = BUF_INIT;
    int rc = Z_OK, r = ERR_MALFORMED;

    if (inflateInit2(&z, window_bits) != Z_OK)
        return ERR_NOMEM;
    while (rc == Z_OK) {
        size_t step = 16384;
        uint8_t *at;
        if (b.len >= BODY_MAX) {
            r = ERR_TOOBIG;
            goto done;
        }
        at = buf_grow(&b, step);
        if (!at) {
            r = ERR_NOMEM;
            goto done;
        }
        z.next_out = at;
        z.avail_out = (uInt)step;
        rc = inflate(&z, Z_NO_FLUSH);
        b.len -= z.avail_out;
        if (rc == Z_OK && z.avail_in == 0 && z.avail_out > 0)
            break; /* cut off */
    }
    if (rc == Z_STREAM_END)
        r = buf_take(&b, out);
done:
    inflateEnd(&z);
    buf_free(&b);
    return r;
}

int encoded_body(const struct encoded *e, struct bytes *memory, struct slice *body)
{
    int r;

    *memory = (struct bytes){0};
    if (!e->has_compression) {
        *body = e->content;
        return 0;
    }
    if (e->compression > 1)
        return ERR_UNSUPPORTED;
    if (e->content.len > BODY_MAX)
        return ERR_TOOBIG;
    r = inflate_all(e->content, 47, memory);
    if (r == ERR_MALFORMED && e->compression == 0)
        r = inflate_all(e->content, -15, memory); /* some writers leave the frame out */
    if (r == 0)
        *body = bytes_slice(memory);
    return r;
}

int encoded_unfold(struct encoded *e, struct bytes *memory)
{
    int r = encoded_body(e, memory, &e->content);

    if (r == 0)
        e->has_compression = false;
    return r;
}
