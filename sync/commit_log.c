/* One row a commit. */
#include "sync/commit_log.h"

#include "base/err.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "sync/core.h"
#include "sync/group.h"

#include <string.h>

void epoch_mark_take(const struct group *g, struct epoch_mark *out)
{
    struct slice a = mls_group_epoch_authenticator(g->mls);

    *out = (struct epoch_mark){.epoch = mls_group_epoch(g->mls)};
    memcpy(out->authenticator, a.data, a.len < 32 ? a.len : 32);
}

int commit_log_applied(struct core *core, const struct group *g, const struct epoch_mark *before,
                       enum store_commit_origin origin, uint32_t originator, uint64_t sequence_id,
                       const char *sender_inbox, struct err *err)
{
    return store_commit_put(core->store,
                            &(struct store_commit){.group_id = slice_of(g->id, 16),
                                                   .origin = origin,
                                                   .result = STORE_COMMIT_APPLIED,
                                                   .originator = originator,
                                                   .sequence_id = (int64_t)sequence_id,
                                                   .sender_inbox_id = sender_inbox,
                                                   .last_epoch = before->epoch,
                                                   .applied_epoch = mls_group_epoch(g->mls),
                                                   .last_authenticator = slice_of(before->authenticator, 32),
                                                   .applied_authenticator = mls_group_epoch_authenticator(g->mls),
                                                   .time_ns = core_now_ns(core)},
                            err);
}

int commit_log_failed(struct core *core, const struct group *g, const struct node_group_message *message, int code,
                      uint64_t epoch, const char *why, struct err *err)
{
    struct epoch_mark now;

    (void)epoch;
    if (!g->mls)
        return 0;
    epoch_mark_take(g, &now);
    return store_commit_put(
        core->store,
        &(struct store_commit){.group_id = slice_of(g->id, 16),
                               .origin = STORE_COMMIT_OTHER,
                               .result = code == ERR_CONFLICT ? STORE_COMMIT_WRONG_EPOCH
                                         : code == ERR_AUTH || code == ERR_NOTFOUND || code == ERR_EXISTS
                                             ? STORE_COMMIT_UNDECRYPTABLE
                                             : STORE_COMMIT_INVALID,
                               .originator = message->cursor.originator,
                               .sequence_id = (int64_t)message->cursor.sequence_id,
                               .last_epoch = now.epoch,
                               .applied_epoch = now.epoch,
                               .last_authenticator = slice_of(now.authenticator, 32),
                               .applied_authenticator = slice_of(now.authenticator, 32),
                               .time_ns = core_now_ns(core),
                               .note = why},
        err);
}
