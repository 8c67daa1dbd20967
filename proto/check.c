#include "proto/check.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/utf8.h"
#include "proto/wire.h"

#include <stdint.h>
#include <string.h>

const struct proto_limits proto_limits_default = {.depth = 64, .elements = 100 * 1000, .memory = 64u << 20};

/* protobuf-c notes each field of a message before it decodes them: 16 on the stack, further ones in
 * slabs of 32, 64, ... from the allocator.  Its note has 40 bytes in version 1.4. */
enum { NOTE_SIZE = 48, FIRST_SLAB = 16 };

/* What every allocation is rounded up to: the structs hold pointers and 64-bit integers. */
enum { ALIGN = 8 };

struct walk {
    const struct proto_limits *limits;
    size_t elements, memory;
    size_t nuls; /* in strings */
    const char *where; /* full name of the message where it failed */
    const char *why;
    int code;
};

static bool refuse(struct walk *w, int code, const ProtobufCMessageDescriptor *type, const char *why)
{
    w->code = code;
    w->where = type->name;
    w->why = why;
    return false;
}

/* The input is at most 2^31 bytes and costs at most some 150 bytes of memory a byte, so the sum stays
 * far from wrapping before it meets the limit. */
static bool take(struct walk *w, size_t bytes, const ProtobufCMessageDescriptor *type)
{
    w->memory += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return w->memory <= w->limits->memory || refuse(w, ERR_TOOBIG, type, "takes too much memory");
}

static bool count(struct walk *w, size_t n, const ProtobufCMessageDescriptor *type)
{
    w->elements += n;
    return w->elements <= w->limits->elements || refuse(w, ERR_TOOBIG, type, "has too many elements");
}

static size_t slab_bytes(size_t fields)
{
    size_t room = FIRST_SLAB, slab = FIRST_SLAB, bytes = 0;

    while (room < fields) {
        slab *= 2;
        room += slab;
        bytes += slab * NOTE_SIZE;
    }
    return bytes;
}

static enum wire_type wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_I32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_I64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LEN;
    default:
        return WIRE_VARINT;
    }
}

/* Elements of a packed field, or -1. */
static long packed_count(ProtobufCType type, struct slice data)
{
    struct reader r = reader_of(data);
    size_t width = wire_type_of(type) == WIRE_I32 ? 4 : 8;
    long n = 0;

    if (wire_type_of(type) != WIRE_VARINT)
        return data.len % width == 0 ? (long)(data.len / width) : -1;
    for (; reader_left(&r) > 0; n++)
        wire_read_varint(&r);
    return r.bad ? -1 : n;
}

static bool walk_message(struct walk *w, const ProtobufCMessageDescriptor *type, struct slice message,
                         unsigned depth);

static size_t count_nuls(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.data[i] == 0;
    return n;
}

static bool walk_len(struct walk *w, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *known,
                     struct slice bytes, unsigned depth)
{
    size_t nuls;

    switch (known->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!utf8_valid(bytes))
            return refuse(w, ERR_MALFORMED, type, "has a string that is not UTF-8");
        nuls = count_nuls(bytes);
        if (nuls > 0 && !w->limits->allow_nul)
            return refuse(w, ERR_MALFORMED, type, "has a string with a NUL");
        w->nuls += nuls;
        return take(w, bytes.len + nuls + 1, type);
    case PROTOBUF_C_TYPE_BYTES:
        return take(w, bytes.len, type);
    case PROTOBUF_C_TYPE_MESSAGE:
        return count(w, 1, type) && walk_message(w, known->descriptor, bytes, depth + 1);
    default:
        return true;
    }
}

/* One field of the schema: its wire type, its place in an array, its contents. */
static bool walk_known(struct walk *w, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *known,
                       const struct wire_field *field, unsigned depth)
{
    enum wire_type expected = wire_type_of(known->type);
    bool repeated = known->label == PROTOBUF_C_LABEL_REPEATED;
    long n = 1;

    if (repeated && field->type == WIRE_LEN && expected != WIRE_LEN) {
        n = packed_count(known->type, field->bytes);
        if (n < 0)
            return refuse(w, ERR_MALFORMED, type, "has a damaged list of numbers");
    } else if (field->type != expected) {
        return refuse(w, ERR_MALFORMED, type, "has a field of another type than the schema's");
    }
    /* 16 bytes hold the widest element, the length and pointer of a bytes field. */
    if (repeated && !(count(w, (size_t)n, type) && take(w, (size_t)n * sizeof(ProtobufCBinaryData), type)))
        return false;
    return expected != WIRE_LEN || walk_len(w, type, known, field->bytes, depth);
}

static bool walk_message(struct walk *w, const ProtobufCMessageDescriptor *type, struct slice message,
                         unsigned depth)
{
    struct reader r = reader_of(message);
    struct wire_field field;
    uint64_t seen = 0; /* singular sub-messages, by index; no schema of ours has 64 fields */
    size_t fields = 0;

    if (depth > w->limits->depth)
        return refuse(w, ERR_TOOBIG, type, "is nested too deeply");
    if (!take(w, type->sizeof_message, type))
        return false;
    for (; wire_next(&r, &field); fields++) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.number);

        if (known == NULL) {
            /* protobuf-c keeps it as it stands; ten bytes bound its length prefix. */
            if (!count(w, 1, type) ||
                !take(w, sizeof(ProtobufCMessageUnknownField) + 2 * ALIGN + field.bytes.len, type))
                return false;
            continue;
        }
        if (known->label != PROTOBUF_C_LABEL_REPEATED && known->type == PROTOBUF_C_TYPE_MESSAGE) {
            uint64_t bit = UINT64_C(1) << ((known - type->fields) & 63);

            if (seen & bit)
                return refuse(w, ERR_MALFORMED, type, "has a sub-message twice");
            seen |= bit;
        }
        if (!walk_known(w, type, known, &field, depth))
            return false;
    }
    if (r.bad)
        return refuse(w, ERR_MALFORMED, type, "is cut off or no protobuf");
    return take(w, slab_bytes(fields), type);
}

static int walk_all(struct walk *w, const ProtobufCMessageDescriptor *type, struct slice message, struct err *err)
{
    if (message.len > INT32_MAX)
        return err_set(err, ERR_TOOBIG, "%s of %zu bytes", type->short_name, message.len);
    if (!walk_message(w, type, message, 1))
        return err_set(err, (enum err_code)w->code, "%s of %zu bytes: %s %s", type->short_name, message.len, w->where,
                       w->why);
    return 0;
}

int proto_check(const ProtobufCMessageDescriptor *type, struct slice message, const struct proto_limits *limits,
                size_t *memory, struct err *err)
{
    struct walk w = {.limits = limits};
    int r = walk_all(&w, type, message, err);

    if (r == 0 && memory != NULL)
        *memory = w.memory;
    return r;
}

/* ---- NULs ---- */

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == 0)
            buf_put_str(out, PROTO_NUL);
        else
            buf_put_u8(out, text.data[i]);
}

/* `message`, which was checked, with PROTO_NUL for every NUL in a string; all else to the byte. */
static void escape_message(const ProtobufCMessageDescriptor *type, struct slice message, struct buf *out)
{
    struct reader r = reader_of(message);
    const uint8_t *before = r.at;
    struct wire_field field;

    for (; wire_next(&r, &field); before = r.at) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, field.number);
        struct buf inner = BUF_SECRET;

        if (known && field.type == WIRE_LEN && known->type == PROTOBUF_C_TYPE_STRING) {
            put_escaped(&inner, field.bytes);
        } else if (known && field.type == WIRE_LEN && known->type == PROTOBUF_C_TYPE_MESSAGE) {
            escape_message(known->descriptor, field.bytes, &inner);
        } else {
            buf_put(out, before, (size_t)(r.at - before));
            continue;
        }
        wire_put_message(out, field.number, buf_slice(&inner));
        out->bad |= inner.bad;
        buf_free(&inner);
    }
}

static size_t nul_at(const char *text)
{
    const char *nul = strstr(text, PROTO_NUL);

    return nul ? (size_t)(nul - text) : strlen(text);
}

size_t proto_string_len(const char *text)
{
    size_t len = strlen(text);

    while ((text = strstr(text, PROTO_NUL))) {
        text += 2;
        len--;
    }
    return len;
}

void proto_put_string(struct buf *out, const char *text)
{
    for (size_t n = nul_at(text);; text += n + 2, n = nul_at(text)) {
        buf_put(out, text, n);
        if (!text[n])
            return;
        buf_put_u8(out, 0);
    }
}

struct slice proto_string_shown(const char *text)
{
    return slice_of(text, nul_at(text));
}

/* ---- Arena ---- */

struct proto_chunk {
    struct proto_chunk *next;
    size_t size, used; /* of data */
    _Alignas(16) uint8_t data[];
};

static void chunk_free(struct proto_chunk *chunk, bool secret)
{
    if (secret)
        xm_free_secret(chunk, sizeof *chunk + chunk->size);
    else
        xm_free(chunk);
}

void proto_arena_reset(struct proto_arena *arena)
{
    struct proto_chunk *keep = arena->chunks, *at, *next;

    for (at = arena->chunks; at != NULL; at = at->next)
        if (at->size > keep->size)
            keep = at;
    for (at = arena->chunks; at != NULL; at = next) {
        next = at->next;
        if (at != keep)
            chunk_free(at, arena->secret);
    }
    arena->chunks = keep;
    if (keep == NULL)
        return;
    if (arena->secret)
        explicit_bzero(keep->data, keep->used);
    keep->next = NULL;
    keep->used = 0;
}

void proto_arena_free(struct proto_arena *arena)
{
    while (arena->chunks != NULL) {
        struct proto_chunk *next = arena->chunks->next;

        chunk_free(arena->chunks, arena->secret);
        arena->chunks = next;
    }
}

size_t proto_arena_size(const struct proto_arena *arena)
{
    size_t size = 0;

    for (const struct proto_chunk *at = arena->chunks; at != NULL; at = at->next)
        size += sizeof *at + at->size;
    return size;
}

/* A chunk at the head of the list with `len` bytes left. */
static struct proto_chunk *chunk_with(struct proto_arena *arena, size_t len)
{
    enum { SMALLEST = 2048 }; /* most messages are below, and the next ones share it */
    size_t size = len < SMALLEST ? SMALLEST : len;
    struct proto_chunk *chunk = arena->chunks;

    if (chunk != NULL && chunk->size - chunk->used >= len)
        return chunk;
    chunk = xm_alloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

static void *arena_alloc(void *data, size_t size)
{
    struct proto_chunk *chunk = data;
    size_t need = (size + ALIGN - 1) / ALIGN * ALIGN;
    uint8_t *at = chunk->data + chunk->used;

    if (need < size || chunk->size - chunk->used < need)
        return NULL;
    chunk->used += need;
    return at;
}

static void arena_keep(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

int proto_unpack_within(const ProtobufCMessageDescriptor *type, struct slice message,
                        const struct proto_limits *limits, struct proto_arena *arena, void *out, struct err *err)
{
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_keep};
    struct walk w = {.limits = limits};
    struct buf escaped = BUF_SECRET;
    struct proto_chunk *chunk = NULL;
    ProtobufCMessage *unpacked;
    size_t used;
    int r = walk_all(&w, type, message, err);

    if (r != 0)
        return r;
    if (w.nuls > 0) {
        escape_message(type, message, &escaped);
        message = buf_slice(&escaped);
    }
    if (buf_ok(&escaped))
        chunk = chunk_with(arena, w.memory);
    if (chunk == NULL) {
        buf_free(&escaped);
        return err_set(err, ERR_NOMEM, "out of memory for a %s", type->short_name);
    }
    used = chunk->used;
    allocator.allocator_data = chunk;
    unpacked = protobuf_c_message_unpack(type, &allocator, message.len, message.data);
    buf_free(&escaped);
    if (unpacked == NULL) {
        /* protobuf-c is stricter about over-long varints than the check. */
        chunk->used = used;
        return err_set(err, ERR_MALFORMED, "%s of %zu bytes does not parse", type->short_name, message.len);
    }
    memcpy(out, &unpacked, sizeof unpacked);
    return 0;
}

int proto_unpack(const ProtobufCMessageDescriptor *type, struct slice message, struct proto_arena *arena, void *out,
                 struct err *err)
{
    return proto_unpack_within(type, message, &proto_limits_default, arena, out, err);
}

void proto_pack(struct buf *out, const void *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *at;

    if (len == 0)
        return;
    at = buf_grow(out, len);
    if (at != NULL)
        protobuf_c_message_pack(message, at);
}
