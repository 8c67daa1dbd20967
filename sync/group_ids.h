/* A list of group ids, collected before anything waits: rows may have changed when a fiber goes on.
 * Thread: background. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct store_conversation;
struct store_group;

struct group_ids {
    uint8_t (*at)[16];
    size_t n, cap;
};

/* ERR_NOMEM. */
int group_ids_add(struct group_ids *list, struct slice id);
void group_ids_free(struct group_ids *list);

/* As callbacks of the store, `ctx` being the list: conversations and groups that we are in, and of those the ones
 * that are ours to trust (preferences groups). */
int group_ids_add_conversation(void *ctx, const struct store_conversation *row);
int group_ids_add_active(void *ctx, const struct store_group *row);
int group_ids_add_trusted(void *ctx, const struct store_group *row);
