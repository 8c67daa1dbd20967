/* Our own record of each group's commits (groups.md 4.6).  Thread: background, inside a transaction. */
#pragma once
#include <stdint.h>

#include "base/bytes.h"
#include "store/commit_log.h"

struct core;
struct err;
struct group;
struct node_group_message;

/* The authenticator of the epoch before a change, kept while the group moves on. */
struct epoch_mark {
    uint64_t epoch;
    uint8_t authenticator[32];
};
void epoch_mark_take(const struct group *g, struct epoch_mark *out);

/* The group in hand has just been changed by this. */
int commit_log_applied(struct core *core, const struct group *g, const struct epoch_mark *before,
                       enum store_commit_origin origin, uint32_t originator, uint64_t sequence_id,
                       const char *sender_inbox, struct err *err);
/* A commit of epoch `epoch` that was not.  As long as nothing was applied since we were asked in, those of our
 * epoch and before are not put down: they are what led to the invitation. */
int commit_log_failed(struct core *core, const struct group *g, const struct node_group_message *message,
                      enum store_commit_result result, uint64_t epoch, const char *why, struct err *err);
