/* Memory for the many small parts of an update or a state, released together.
 * Thread: belongs to its owner. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

struct pool_block;
struct pool {
    struct pool_block *blocks;
};

#define POOL_INIT ((struct pool){0})

/* Zeroed, aligned for anything; NULL when out of memory.  Lives until pool_free(). */
void *pool_alloc(struct pool *pool, size_t count, size_t size);
/* A copy in the pool; false when out of memory. */
bool pool_dup(struct pool *pool, struct slice from, struct slice *out);
void pool_free(struct pool *pool);
