#include "identity/pool.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct pool_block {
    struct pool_block *next;
    alignas(max_align_t) uint8_t data[];
};

void *pool_alloc(struct pool *pool, size_t count, size_t size)
{
    struct pool_block *block;

    if (size > 0 && count > (SIZE_MAX - sizeof *block) / size)
        return NULL;
    block = xm_alloc(sizeof *block + count * size);
    if (block == NULL)
        return NULL;
    block->next = pool->blocks;
    pool->blocks = block;
    return block->data;
}

bool pool_dup(struct pool *pool, struct slice from, struct slice *out)
{
    uint8_t *to = pool_alloc(pool, from.len + 1, 1); /* one more: never a zero-sized allocation */

    if (to == NULL)
        return false;
    if (from.len > 0)
        memcpy(to, from.data, from.len);
    *out = slice_of(to, from.len);
    return true;
}

void pool_free(struct pool *pool)
{
    while (pool->blocks != NULL) {
        struct pool_block *next = pool->blocks->next;

        xm_free(pool->blocks);
        pool->blocks = next;
    }
}
