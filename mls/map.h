/* A map from 32-bit indices to pointers: open addressing, entries are replaced but never removed.
 * Zero-initialised is empty.  The pointers stay their owner's.  Thread: none shared. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mls_map_entry {
    uint32_t key;
    void *value; /* NULL: free slot */
};
struct mls_map {
    struct mls_map_entry *entries;
    size_t n, cap; /* cap is a power of two */
};

void *mls_map_get(const struct mls_map *map, uint32_t key); /* NULL: not there */
/* Room for `more` new keys, so that that many mls_map_put() cannot fail.  ERR_NOMEM. */
int mls_map_reserve(struct mls_map *map, size_t more);
/* `value` is not NULL.  An older value under the key is overwritten.  ERR_NOMEM. */
int mls_map_put(struct mls_map *map, uint32_t key, void *value);
void mls_map_free(struct mls_map *map);
