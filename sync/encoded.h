/* EncodedContent, taken apart without copying (package xmtp.mls.message_contents). */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

/* XMTP's own types have at most nine parameters; further ones are passed over. */
#define ENCODED_PARAMS_MAX 16

struct encoded {
    struct slice authority, type;
    uint32_t major, minor;
    struct encoded_param {
        struct slice key, value;
    } params[ENCODED_PARAMS_MAX];
    size_t n_params;
    bool has_fallback, has_compression;
    struct slice fallback;
    struct slice content;
    uint32_t compression; /* 0 deflate, 1 gzip */
};

/* Slices point into `bytes`.  ERR_MALFORMED; the fields read so far stay. */
int encoded_parse(struct slice bytes, struct encoded *out);
/* Empty where there is none. */
struct slice encoded_param(const struct encoded *e, const char *key);
/* The content, uncompressed where it has to be: then *memory owns it, else it points into `bytes`.
 * ERR_MALFORMED, ERR_TOOBIG (over 16 MiB), ERR_UNSUPPORTED (unknown compression), ERR_NOMEM. */
int encoded_body(const struct encoded *e, struct bytes *memory, struct slice *body);
/* The same in place: e->content is the uncompressed one afterwards, and lives with *memory. */
int encoded_unfold(struct encoded *e, struct bytes *memory);
