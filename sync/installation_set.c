/* Linear search on purpose: see the header. */
#include "sync/installation_set.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static size_t find(const struct installation_set *set, const uint8_t id[32])
{
    for (size_t i = 0; i < set->n; i++)
        if (memcmp(set->at[i].id, id, 32) == 0)
            return i;
    return SIZE_MAX;
}

int installation_set_add(struct installation_set *set, const uint8_t id[32], const char *inbox_id)
{
    struct installation *at;

    if (find(set, id) != SIZE_MAX)
        return 0;
    if (set->n == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 8;
        struct installation *grown = xm_realloc(set->at, cap, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        set->at = grown;
        set->cap = cap;
    }
    at = &set->at[set->n++];
    memcpy(at->id, id, 32);
    snprintf(at->inbox_id, sizeof at->inbox_id, "%s", inbox_id);
    return 0;
}

bool installation_set_has(const struct installation_set *set, const uint8_t id[32])
{
    return find(set, id) != SIZE_MAX;
}

bool installation_set_remove(struct installation_set *set, const uint8_t id[32])
{
    size_t i = find(set, id);

    if (i == SIZE_MAX)
        return false;
    memmove(&set->at[i], &set->at[i + 1], (set->n - i - 1) * sizeof *set->at);
    set->n--;
    return true;
}

void installation_set_free(struct installation_set *set)
{
    xm_free(set->at);
    *set = (struct installation_set){0};
}
