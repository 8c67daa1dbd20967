/* New conversations: groups, 1:1 chats, preferences groups (groups.md section 2).
 * Thread: background; all calls wait. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "sync/policy.h"

struct core;
struct err;

struct group_options {
    const char *name, *description, *image_url, *app_data; /* NULL: empty */
    enum policy_preset permissions;
    int64_t disappear_from_ns, disappear_in_ns; /* both > 0: on */
};

/* A group with these inboxes (not ours) as members.  The group is stored and allowed before the
 * members are added; when adding fails for want of a network (ERR_OFFLINE) it stays, the adding is
 * queued, and `id` is written all the same. */
int group_create(struct core *core, const struct group_options *options, const char *const *inbox_ids, size_t n,
                 uint8_t id[16], struct err *err);

/* The 1:1 chat with an inbox: the most recently active one there is, else a new one.  *created may
 * be NULL. */
int dm_find_or_create(struct core *core, const char *inbox_id, uint8_t id[16], bool *created, struct err *err);

/* Local only: the listed 1:1 chat with this inbox.  ERR_NOTFOUND. */
int dm_find(struct core *core, const char *inbox_id, uint8_t id[16], struct err *err);

/* A new preferences group: stored, our installations added, synced. */
int sync_group_create(struct core *core, uint8_t id[16], struct err *err);
/* Step 3 of sync.md 1.2 for one that was begun: its first commit is still missing. */
int sync_group_finish(struct core *core, const uint8_t id[16], struct err *err);
/* Whether its membership still has us at sequence id 0. */
int sync_group_is_unfinished(struct core *core, const uint8_t id[16], bool *unfinished, struct err *err);
