/* Messages taken back by their sender or an admin, and members who asked to leave. */
#pragma once
#include "store/store.h"

struct store_deletion {
    struct slice id; /* of the message that says so */
    struct slice group_id;
    struct slice target; /* id of the message taken back; it may not be here yet */
    const char *by_inbox_id;
    bool by_super_admin;
    int64_t deleted_at_ns;
};

int store_deletion_put(struct store *store, const struct store_deletion *in,
                       struct err *err); /* known: ignored */
/* Every claim on one target; whether it counts is the reader's to decide.  Non-zero stops. */
int store_deletions_of(struct store *store, struct slice target,
                       int (*fn)(void *ctx, const struct store_deletion *row), void *ctx, struct err *err);

int store_leave_put(struct store *store, struct slice group_id, const char *inbox_id, struct slice message_id,
                    int64_t now_ns, struct err *err);
/* `inbox_id` NULL: all of the group. */
int store_leave_delete(struct store *store, struct slice group_id, const char *inbox_id, struct err *err);
/* All inboxes waiting to be removed; group_id empty: of all groups. */
int store_leaves_each(struct store *store, struct slice group_id,
                      int (*fn)(void *ctx, struct slice group_id, const char *inbox_id), void *ctx,
                      struct err *err);
