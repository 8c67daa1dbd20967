#include "sync/group_ids.h"

#include "base/alloc.h"
#include "base/err.h"
#include "store/groups.h"

#include <string.h>

int group_ids_add(struct group_ids *list, struct slice id)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 32;
        void *grown = xm_realloc(list->at, cap, sizeof *list->at);

        if (!grown)
            return ERR_NOMEM;
        list->at = grown;
        list->cap = cap;
    }
    memcpy(list->at[list->n++], id.data, sizeof *list->at);
    return 0;
}

void group_ids_free(struct group_ids *list)
{
    xm_free(list->at);
    *list = (struct group_ids){0};
}

int group_ids_add_conversation(void *ctx, const struct store_conversation *row)
{
    return row->group.active ? group_ids_add(ctx, row->group.id) : 0;
}

int group_ids_add_active(void *ctx, const struct store_group *row)
{
    return row->active ? group_ids_add(ctx, row->id) : 0;
}

int group_ids_add_trusted(void *ctx, const struct store_group *row)
{
    return row->trusted ? group_ids_add_active(ctx, row) : 0;
}
