/* The gate that every protobuf from outside passes: check first, then unpack into an arena.
 *
 * protobuf-c alone recurses without limit (33 KB of nested messages end the process), takes any bytes
 * for a string, and turns 2 MiB of input into 126 MB of memory.  The check walks the bytes along the
 * generated descriptor without allocating, and adds up exactly what unpacking will take; so an
 * unpacked message is one allocation, and a hostile one is refused before the first.
 *
 * Refused besides malformed bytes: nesting deeper than `depth`, more than `elements` sub-messages,
 * repeated and unknown fields, memory over `memory`, strings that are not UTF-8 or hold a NUL (a C
 * string would end there), wire types that differ from the schema's, and a sub-message that comes
 * twice where there is one (three libraries read that in three ways).  A scalar or string that comes
 * twice counts as it came last; map keys that come twice stay twice, and the last one counts.
 *
 * Thread: any; an arena belongs to one. */
#pragma once
#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

struct proto_limits {
    unsigned depth;  /* of messages within messages; XMTP's own stay under 10 */
    size_t elements; /* the largest honest reply, 50 full identity logs, has about 60,000 */
    size_t memory;   /* bytes after unpacking; the largest message on the wire has 25 MiB */
    bool allow_nul;  /* a NUL in a string is let through, and stands in the C string as PROTO_NUL: for data
                      * that every member of a group must accept alike */
};

/* What stands for a NUL where allow_nul let one through: two bytes that no UTF-8 has, so that strings which
 * differ stay different, and one can be written again as it came (proto_put_string). */
#define PROTO_NUL "\xc0\x80"

extern const struct proto_limits proto_limits_default; /* 64, 100 000, 64 MiB, false */

/* Walks `message` as a `type`.  *memory (may be NULL) gets the bytes that unpacking takes.
 * ERR_MALFORMED, ERR_TOOBIG. */
int proto_check(const ProtobufCMessageDescriptor *type, struct slice message, const struct proto_limits *limits,
                size_t *memory, struct err *err);

/* Memory of unpacked messages: any number of them, released together. */
struct proto_chunk;
struct proto_arena {
    struct proto_chunk *chunks;
    bool secret; /* zeroed before release and reuse */
};

#define PROTO_ARENA_INIT ((struct proto_arena){0})
#define PROTO_ARENA_SECRET ((struct proto_arena){.secret = true})

/* Forgets all messages but keeps the largest piece of memory for the next ones. */
void proto_arena_reset(struct proto_arena *arena);
void proto_arena_free(struct proto_arena *arena);
/* Bytes that it holds on to. */
size_t proto_arena_size(const struct proto_arena *arena);

/* Checks and unpacks.  `out` is the address of a pointer to the generated struct; the message lives
 * until the arena is reset or freed, and must not be given to a _free_unpacked function.
 * Nothing points into `message` afterwards.
 * ERR_MALFORMED, ERR_TOOBIG, ERR_NOMEM; *out is untouched then. */
int proto_unpack(const ProtobufCMessageDescriptor *type, struct slice message, struct proto_arena *arena, void *out,
                 struct err *err);
int proto_unpack_within(const ProtobufCMessageDescriptor *type, struct slice message,
                        const struct proto_limits *limits, struct proto_arena *arena, void *out, struct err *err);

/* Appends the packed form of `message` (any generated struct) to `out`; a failed allocation shows in
 * buf_ok(), as with every other put. */
void proto_pack(struct buf *out, const void *message);

/* A string of a message unpacked with allow_nul, with its NULs again: its length in bytes, its bytes, and the
 * part before the first NUL, which is what can be shown. */
size_t proto_string_len(const char *text);
void proto_put_string(struct buf *out, const char *text);
struct slice proto_string_shown(const char *text);

static inline struct slice proto_slice(ProtobufCBinaryData data)
{
    return (struct slice){data.data, data.len};
}

/* For packing only: the generated structs are not const, but packing does not write. */
static inline ProtobufCBinaryData proto_bytes(struct slice s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.data};
}
