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

static int note_origin(void *ctx, const struct store_commit *row)
{
    *(enum store_commit_origin *)ctx = row->origin;
    return 0;
}

int commit_log_failed(struct core *core, const struct group *g, const struct node_group_message *message,
                      enum store_commit_result result, uint64_t epoch, const char *why, struct err *err)
{
    enum store_commit_origin newest = STORE_COMMIT_WELCOME; /* where there is no row, as in libxmtp */
    struct epoch_mark now;
    int r;

    if (!g->mls)
        return 0;
    if ((r = store_commits_each(core->store, slice_of(g->id, 16), 1, note_origin, &newest, err)) != 0)
        return r;
    epoch_mark_take(g, &now);
    if (newest == STORE_COMMIT_WELCOME && epoch <= now.epoch)
        return 0;
    return store_commit_put(
        core->store,
        &(struct store_commit){.group_id = slice_of(g->id, 16),
                               .origin = STORE_COMMIT_OTHER,
                               .result = result,
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
