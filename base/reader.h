/* The only place that does pointer arithmetic over bytes from outside.
 *
 * Sticky: after the first short read every later one fails and yields zeros or empty slices, so a
 * parser reads like the format's grammar and is checked once, with reader_done() or `bad`.
 * Slices point into the input.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

struct reader reader_of(struct slice s);
size_t reader_left(const struct reader *r); /* 0 once bad */
/* True if nothing failed and nothing is left: trailing bytes are malformed. */
bool reader_done(const struct reader *r);

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r); /* big-endian */
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct slice read_bytes(struct reader *r, size_t len);

/* The length prefix of a variable-size vector (RFC 9420 section 2.1.2).  A length that is not
 * minimally encoded, over `max`, or over what is left makes the reader bad. */
size_t read_vec_len(struct reader *r, size_t max);
/* The vector's bytes. */
struct slice read_vec(struct reader *r, size_t max);
/* A reader bounded by the vector, so that an inner parser cannot reach past its field. */
struct reader read_vec_reader(struct reader *r, size_t max);
