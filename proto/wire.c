#include "proto/wire.h"

#define VARINT_MAX 10

uint64_t wire_read_varint(struct reader *r)
{
    uint64_t value = 0;
    unsigned i;

    for (i = 0; i < VARINT_MAX; i++) {
        uint8_t byte = read_u8(r);

        if (r->bad)
            return 0;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return value;
    }
    r->bad = true;
    return 0;
}

/* Little-endian, unlike everything of MLS. */
static uint64_t read_fixed(struct reader *r, size_t len)
{
    struct slice s = read_bytes(r, len);
    uint64_t value = 0;
    size_t i;

    for (i = 0; i < s.len; i++)
        value |= (uint64_t)s.data[i] << (8 * i);
    return value;
}

bool wire_next(struct reader *r, struct wire_field *out)
{
    uint64_t tag;

    if (r->bad || reader_left(r) == 0)
        return false;
    *out = (struct wire_field){0};
    tag = wire_read_varint(r);
    if (tag >> 3 == 0 || tag > UINT32_MAX)
        r->bad = true;
    out->number = (uint32_t)tag >> 3;
    out->type = (enum wire_type)(tag & 7);
    switch (out->type) {
    case WIRE_VARINT:
        out->value = wire_read_varint(r);
        break;
    case WIRE_I64:
        out->value = read_fixed(r, 8);
        break;
    case WIRE_I32:
        out->value = read_fixed(r, 4);
        break;
    case WIRE_LEN:
        out->value = wire_read_varint(r);
        if (out->value > reader_left(r))
            r->bad = true;
        else
            out->bytes = read_bytes(r, (size_t)out->value);
        break;
    default: /* groups: retired before XMTP began */
        r->bad = true;
    }
    return !r->bad;
}

bool wire_find(struct slice message, uint32_t number, struct slice *out)
{
    struct reader r = reader_of(message);
    struct wire_field field;
    struct slice found = {0};
    bool seen = false;

    while (wire_next(&r, &field)) {
        if (field.number != number || field.type != WIRE_LEN)
            continue;
        found = field.bytes;
        seen = true;
    }
    if (!seen || r.bad)
        return false;
    *out = found;
    return true;
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

void wire_put_varint(struct buf *b, uint64_t value)
{
    uint8_t out[VARINT_MAX];
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        out[len++] = (uint8_t)(value | 0x80);
    out[len++] = (uint8_t)value;
    buf_put(b, out, len);
}

static void put_tag(struct buf *b, uint32_t number, enum wire_type type)
{
    wire_put_varint(b, (uint64_t)number << 3 | type);
}

void wire_put_u64(struct buf *b, uint32_t number, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(b, number, WIRE_VARINT);
    wire_put_varint(b, value);
}

void wire_put_head(struct buf *b, uint32_t number, size_t len)
{
    put_tag(b, number, WIRE_LEN);
    wire_put_varint(b, len);
}

void wire_put_message(struct buf *b, uint32_t number, struct slice value)
{
    wire_put_head(b, number, value.len);
    buf_put_slice(b, value);
}

void wire_put_bytes(struct buf *b, uint32_t number, struct slice value)
{
    if (value.len > 0)
        wire_put_message(b, number, value);
}

size_t wire_size_u64(uint32_t number, uint64_t value)
{
    return value == 0 ? 0 : varint_size((uint64_t)number << 3) + varint_size(value);
}

size_t wire_size_message(uint32_t number, size_t len)
{
    return varint_size((uint64_t)number << 3) + varint_size(len) + len;
}

size_t wire_size_bytes(uint32_t number, size_t len)
{
    return len == 0 ? 0 : wire_size_message(number, len);
}
