#include "mls/map.h"

#include "base/alloc.h"
#include "base/err.h"

static struct mls_map_entry *find(struct mls_map_entry *entries, size_t cap, uint32_t key)
{
    size_t i = (key * 2654435761u) & (cap - 1);

    while (entries[i].value && entries[i].key != key)
        i = (i + 1) & (cap - 1);
    return &entries[i];
}

void *mls_map_get(const struct mls_map *map, uint32_t key)
{
    return map->cap ? find(map->entries, map->cap, key)->value : NULL;
}

int mls_map_reserve(struct mls_map *map, size_t more)
{
    size_t cap = map->cap ? map->cap : 16;
    struct mls_map_entry *grown;

    while (cap < 2 * (map->n + more))
        cap *= 2;
    if (cap == map->cap)
        return 0;
    grown = xm_calloc(cap, sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    for (size_t i = 0; i < map->cap; i++)
        if (map->entries[i].value)
            *find(grown, cap, map->entries[i].key) = map->entries[i];
    xm_free(map->entries);
    map->entries = grown;
    map->cap = cap;
    return 0;
}

int mls_map_put(struct mls_map *map, uint32_t key, void *value)
{
    struct mls_map_entry *e;

    if (mls_map_reserve(map, 1) != 0)
        return ERR_NOMEM;
    e = find(map->entries, map->cap, key);
    map->n += !e->value;
    *e = (struct mls_map_entry){key, value};
    return 0;
}

void mls_map_free(struct mls_map *map)
{
    xm_free(map->entries);
    *map = (struct mls_map){0};
}
