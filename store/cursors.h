/* How far each ledger was read: (entity, kind, originator) → sequence id.  A cursor only grows.
 * The kinds are libxmtp's (sync.md 6.6). */
#pragma once
#include "store/store.h"

enum store_cursor_kind {
    STORE_CURSOR_WELCOME = 1,     /* entity: installation id */
    STORE_CURSOR_APPLICATION = 2, /* entity: group id, as for the rest */
    STORE_CURSOR_COMMIT_LOG_UPLOAD = 3,
    STORE_CURSOR_COMMIT_LOG_DOWNLOAD = 4,
    STORE_CURSOR_FORK_LOCAL = 5,
    STORE_CURSOR_FORK_REMOTE = 6,
    STORE_CURSOR_COMMIT = 7,
};

/* Originators of the network as it is today (sync.md section 0). */
enum {
    STORE_ORIGIN_COMMITS = 0,
    STORE_ORIGIN_IDENTITY = 1,
    STORE_ORIGIN_APPLICATION = 10,
    STORE_ORIGIN_WELCOMES = 11,
    STORE_ORIGIN_KEY_PACKAGES = 13,
    STORE_ORIGIN_COMMIT_LOG = 100,
};

/* 0 where nothing was read. */
int store_cursor_get(struct store *store, struct slice entity, enum store_cursor_kind kind,
                     uint32_t originator, int64_t *sequence_id, struct err *err);
/* Does nothing if it is that far already; *moved may be NULL. */
int store_cursor_advance(struct store *store, struct slice entity, enum store_cursor_kind kind,
                         uint32_t originator, int64_t sequence_id, bool *moved, struct err *err);
/* The greatest of the group's application and commit cursors, over all originators: where a query on the
 * centralised network starts. */
int store_cursor_of_group(struct store *store, struct slice group_id, int64_t *sequence_id, struct err *err);
/* Every originator's cursor of one entity and kind. */
int store_cursors_each(struct store *store, struct slice entity, enum store_cursor_kind kind,
                       int (*fn)(void *ctx, uint32_t originator, int64_t sequence_id), void *ctx,
                       struct err *err);
