/* Commits: others' as they come, ours when they come back. */
#include "base/err.h"
#include "base/log.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/groups.h"
#include "store/intents.h"
#include "sync/commit_check.h"
#include "sync/commit_log.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/intents.h"
#include "sync/receive_group.h"
#include "sync/transcript.h"

#include <string.h>

/* Inside the transaction, the MLS group already moved on: everything else that follows from it. */
static int store_applied(struct core *core, struct group *g, const struct node_group_message *message,
                         const struct commit_outcome *outcome, const struct epoch_mark *before,
                         enum store_commit_origin origin, struct err *err)
{
    struct core_event changed = {.kind = CORE_CONVERSATION_CHANGED};
    int r;

    if ((r = group_save_mls(core, g, err)) != 0 ||
        (r = commit_log_applied(core, g, before, origin, message->cursor.originator, message->cursor.sequence_id,
                                outcome->actor_inbox_id, err)) != 0 ||
        (r = transcript_commit(core, g, outcome, message->created_ns, message->cursor.originator,
                               message->cursor.sequence_id, err)) != 0 ||
        (r = receive_move_cursor(core, g, message, err)) != 0)
        return r;
    /* It is ours now to take those out who asked for it before. */
    g->has_leaver |= inbox_list_has(&outcome->super_admins_added, core->self.inbox_id);
    if (mls_group_is_active(g->mls))
        r = group_refresh_row(core, g, err);
    else if ((r = store_group_set_active(core->store, slice_of(g->id, 16), false, err)) == 0)
        r = intents_give_up(core, g, err);
    memcpy(changed.group_id, g->id, 16);
    return r == 0 ? core_note(core, &changed, err) : r;
}

static int finish(struct core *core, struct group *g, int r, struct err *err)
{
    if (r == 0)
        r = core_commit(core, err);
    else
        core_rollback(core);
    if (r != 0)
        group_evict(core, g); /* in memory it has moved on, on disk it has not */
    return r;
}

/* The group waits for a newer program; the cursor stays before this commit. */
static int pause_group(struct core *core, struct group *g, const char *version, enum envelope_fate *fate,
                       struct err *err)
{
    log_warn("receive", "a conversation wants version %s: paused", version);
    *fate = ENVELOPE_PAUSED;
    return store_group_set_paused(core->store, slice_of(g->id, 16), version, err);
}

int receive_commit(struct core *core, struct group *g, const struct node_group_message *message,
                   struct mls_processed *processed, enum envelope_fate *fate, struct err *err)
{
    const struct mls_message_info *info = mls_processed_info(processed);
    struct commit_outcome outcome = {0};
    struct epoch_mark before;
    struct err why = {0};
    char version[64];
    int r;

    *fate = ENVELOPE_DONE;
    if ((r = commit_load_logs(core, g, info->commit, &why)) == 0)
        r = commit_check(core, g, info->commit, info->sender_leaf, &outcome, version, &why);
    if (r == ERR_PAUSED) {
        r = pause_group(core, g, version, fate, err);
        goto done;
    }
    if (r != 0 && err_is_transient(r)) {
        if (err)
            *err = why;
        goto done;
    }
    if (r != 0) {
        r = receive_pass_over(core, g, message, STORE_COMMIT_INVALID, info->epoch, why.text, err);
        goto done;
    }
    epoch_mark_take(g, &before);
    if ((r = core_begin(core, false, err)) != 0)
        goto done;
    r = mls_group_accept(g->mls, processed, err);
    processed = NULL;
    if (r == 0)
        r = store_applied(core, g, message, &outcome, &before, STORE_COMMIT_OTHER, err);
    r = finish(core, g, r, err);
done:
    mls_processed_free(processed);
    commit_outcome_free(&outcome);
    return r;
}

/* Ours came too late, or cannot be used any more: built again from the present state, or given up. */
static int own_commit_lost(struct core *core, struct group *g, const struct node_group_message *message,
                           const struct store_intent *intent, int code, const char *why, struct err *err)
{
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    r = code == ERR_CONFLICT ? store_intent_set_to_publish(core->store, intent->id, false, 0, err)
                             : store_intent_set_error(core->store, intent->id, err);
    if (r == 0)
        r = commit_log_failed(core, g, message,
                              code == ERR_CONFLICT ? STORE_COMMIT_WRONG_EPOCH : STORE_COMMIT_INVALID,
                              intent->published_epoch, why, err);
    if (r == 0)
        r = receive_move_cursor(core, g, message, err);
    g->nothing_queued = false;
    return finish(core, g, r, err);
}

static int apply_own(struct core *core, struct group *g, const struct node_group_message *message,
                     const struct store_intent *intent, struct mls_staged_commit **staged,
                     const struct commit_outcome *outcome, struct err *err)
{
    struct epoch_mark before;
    int r;

    epoch_mark_take(g, &before);
    if ((r = core_begin(core, true, err)) != 0)
        return r;
    r = mls_group_merge(g->mls, *staged, err);
    *staged = NULL;
    if (r == 0)
        r = store_applied(core, g, message, outcome, &before, STORE_COMMIT_OWN, err);
    if (r == 0)
        r = store_group_set_rotated(core->store, slice_of(g->id, 16), core_now_ns(core), err);
    if (r == 0 && intent->post_commit.len > 0)
        r = store_intent_set_committed(core->store, intent->id, message->cursor.originator,
                                       (int64_t)message->cursor.sequence_id, err);
    else if (r == 0)
        r = store_intent_delete(core->store, intent->id, err);
    return finish(core, g, r, err);
}

int receive_own_commit(struct core *core, struct group *g, const struct node_group_message *message,
                       const struct store_intent *intent, uint64_t epoch, enum envelope_fate *fate, struct err *err)
{
    struct mls_staged_commit *staged = NULL;
    struct commit_outcome outcome = {0};
    struct err why = {0};
    char version[64];
    int r;

    *fate = ENVELOPE_DONE;
    if (intent->state != STORE_INTENT_PUBLISHED)
        return receive_move_cursor(core, g, message, err); /* it was merged before */
    if (epoch != mls_group_epoch(g->mls))
        return own_commit_lost(core, g, message, intent, ERR_CONFLICT, "another commit was first", err);
    if ((r = mls_staged_commit_read(g->mls, intent->staged_commit, &staged, &why)) == 0 &&
        (r = commit_load_logs(core, g, staged, &why)) == 0)
        r = commit_check(core, g, staged, mls_group_own_leaf_index(g->mls), &outcome, version, &why);
    if (r == ERR_PAUSED)
        r = pause_group(core, g, version, fate, err);
    else if (r == 0)
        r = apply_own(core, g, message, intent, &staged, &outcome, err);
    else if (err_is_transient(r) && r != ERR_CONFLICT) {
        if (err)
            *err = why;
    } else {
        r = own_commit_lost(core, g, message, intent, r, why.text, err);
    }
    mls_staged_commit_free(staged);
    commit_outcome_free(&outcome);
    return r;
}
