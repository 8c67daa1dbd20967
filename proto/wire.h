/* Protobuf's wire format, field by field: for bytes that must be kept exactly as they came, and for
 * writing messages straight from a database row.
 *
 * Reading is sticky like base/reader.h: after malformed input nothing more comes and `bad` is set.
 * Slices point into the input.  Thread: any.  Source: protobuf.dev/programming-guides/encoding. */
#pragma once
#include "base/bytes.h"
#include "base/reader.h"

#include <stdbool.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_I32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;     /* WIRE_VARINT, WIRE_I64, WIRE_I32 */
    struct slice bytes; /* WIRE_LEN */
};

/* At most ten bytes; the value is taken modulo 2^64, as every implementation does. */
uint64_t wire_read_varint(struct reader *r);
/* The next field, or false at the end and on bad input (then r->bad is set): number 0, groups, short data. */
bool wire_next(struct reader *r, struct wire_field *out);
/* The bytes of the last WIRE_LEN field `number` of `message`; false if there is none or the message
 * is malformed before its end. */
bool wire_find(struct slice message, uint32_t number, struct slice *out);

void wire_put_varint(struct buf *b, uint64_t value);
/* As proto3 does, zero and empty write nothing; wire_put_message writes in any case. */
void wire_put_u64(struct buf *b, uint32_t number, uint64_t value);
void wire_put_bytes(struct buf *b, uint32_t number, struct slice value);
void wire_put_message(struct buf *b, uint32_t number, struct slice value);
/* The tag and length of a message of `len` bytes, which the caller writes next. */
void wire_put_head(struct buf *b, uint32_t number, size_t len);
/* What the two first would write. */
size_t wire_size_u64(uint32_t number, uint64_t value);
size_t wire_size_bytes(uint32_t number, size_t len);
/* Tag, length and `len` bytes, zero or not. */
size_t wire_size_message(uint32_t number, size_t len);
