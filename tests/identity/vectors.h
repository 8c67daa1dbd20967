/* tests/vectors/identity.json: the updates that the real libxmtp published, and the states that it
 * had in the end. */
#pragma once
#include "base/bytes.h"
#include "identity/state.h"

#include <jansson.h>

struct vector_update {
    uint64_t sequence_id;
    const char *inbox_id, *text;
    struct slice data;
};

struct vectors {
    struct vector_update update[16];
    size_t n;
    json_t *states; /* by name */
    json_t *root;
};

void vectors_load(struct vectors *out);
void vectors_free(struct vectors *vectors);
/* The updates of one inbox in order; returns their number. */
size_t vectors_log(const struct vectors *vectors, const char *inbox_id, struct identity_log_entry *out);

/* A file of tests/vectors. */
json_t *vectors_file(const char *name);
/* A member in hex → bytes that the caller frees. */
struct bytes vectors_hex(const json_t *object, const char *member);
