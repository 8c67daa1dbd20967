#include "base/reader.h"

struct reader reader_of(struct slice s)
{
    static const uint8_t nothing[1];

    if (!s.data)
        return (struct reader){nothing, nothing, s.len != 0};
    return (struct reader){s.data, s.data + s.len, false};
}

size_t reader_left(const struct reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

bool reader_done(const struct reader *r)
{
    return !r->bad && r->at == r->end;
}

struct slice read_bytes(struct reader *r, size_t len)
{
    const uint8_t *at = r->at;

    if (r->bad || (size_t)(r->end - r->at) < len) {
        r->bad = true;
        return (struct slice){0};
    }
    r->at += len;
    return (struct slice){at, len};
}

static uint64_t read_be(struct reader *r, size_t width)
{
    struct slice s = read_bytes(r, width);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | s.data[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_be(r, 8);
}

size_t read_vec_len(struct reader *r, size_t max)
{
    uint8_t first = read_u8(r);
    size_t len = first & 0x3f;
    unsigned kind = first >> 6;

    if (kind == 1) {
        len = len << 8 | read_u8(r);
        r->bad |= len < 1u << 6;
    } else if (kind == 2) {
        len = len << 24 | (size_t)read_be(r, 3);
        r->bad |= len < 1u << 14;
    } else if (kind == 3) {
        r->bad = true;
    }
    if (r->bad || len > max || len > reader_left(r)) {
        r->bad = true;
        return 0;
    }
    return len;
}

struct slice read_vec(struct reader *r, size_t max)
{
    return read_bytes(r, read_vec_len(r, max));
}

struct reader read_vec_reader(struct reader *r, size_t max)
{
    struct slice s = read_vec(r, max);
    struct reader inner = reader_of(s);

    inner.bad = r->bad;
    return inner;
}
