/* Small additions to proto/wire.h for messages that we write field by field.  Thread: any. */
#pragma once
#include "proto/check.h"
#include "proto/wire.h"

/* A string field, there even when it is empty; what stands for a NUL becomes one again. */
static inline void pb_put_text(struct buf *b, uint32_t field, const char *text)
{
    wire_put_head(b, field, proto_string_len(text));
    proto_put_string(b, text);
}

/* The same, left out when NULL or empty. */
static inline void pb_put_string(struct buf *b, uint32_t field, const char *text)
{
    if (text && *text)
        pb_put_text(b, field, text);
}

/* Takes a nested message that was written into `part`, and empties `part` for the next. */
static inline void pb_put_part(struct buf *b, uint32_t field, struct buf *part)
{
    if (!buf_ok(part))
        b->bad = true;
    wire_put_message(b, field, buf_slice(part));
    buf_reset(part);
}

/* One entry of a map<string, string>; empty parts are left out, as libxmtp's encoder does. */
static inline void pb_put_map_string(struct buf *b, uint32_t field, const char *key, const char *value)
{
    struct buf entry = BUF_INIT;

    pb_put_string(&entry, 1, key);
    pb_put_string(&entry, 2, value);
    pb_put_part(b, field, &entry);
    buf_free(&entry);
}
