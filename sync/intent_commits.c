/* Commits on their way to the node. */
#include "sync/intents_parts.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "mls/mls.h"
#include "sync/commit_build.h"
#include "sync/commit_check.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/receive_group.h"

static int store_built(struct core *core, struct group *g, const struct store_intent *intent,
                       const struct built_commit *built, struct err *err)
{
    struct bytes staged = {0};
    uint8_t hash[32];
    int r = mls_staged_commit_write(built->mls.staged, g->mls, &staged, err);

    if (r != 0)
        return r;
    hash_sha256(bytes_slice(&built->mls.message), hash);
    if ((r = core_begin(core, true, err)) == 0) {
        if ((r = store_intent_set_published(core->store, intent->id, slice_of(hash, 32), bytes_slice(&staged),
                                            bytes_slice(&built->welcomes), mls_group_epoch(g->mls), err)) == 0)
            r = core_commit(core, err);
        else
            core_rollback(core);
    }
    bytes_wipe(&staged);
    return r;
}

/* Would the others accept it?  Asked before it is sent, so that the person hears why not. */
static int check_built(struct core *core, struct group *g, const struct built_commit *built, struct err *err)
{
    struct commit_outcome outcome = {0};
    int r = commit_load_logs(core, g, built->mls.staged, err);

    if (r == 0)
        r = commit_check(core, g, built->mls.staged, mls_group_own_leaf_index(g->mls), &outcome, NULL, err);
    commit_outcome_free(&outcome);
    return r;
}

static int make_commit(struct core *core, struct group *g, const struct store_intent *intent,
                       struct built_commit *out, struct err *err)
{
    int r = commit_build(core, g, intent, out, err);

    if (r != 0 || out->nothing)
        return r;
    if ((r = check_built(core, g, out, err)) == 0)
        r = store_built(core, g, intent, out, err);
    return r;
}

static bool is_refusal(int code)
{
    return code == ERR_DENIED || code == ERR_NOTFOUND || code == ERR_TOOBIG;
}

/* A refusal holds for the newest epoch alone: in one that we had not read, we may have been given the right
 * (libxmtp sends without asking, loses the epoch and builds again).  *refused: it is final. */
static int make_commit_up_to_date(struct core *core, struct group *g, const struct store_intent *intent,
                                  struct built_commit *out, bool *refused, struct err *err)
{
    uint64_t epoch = mls_group_epoch(g->mls);
    struct err why = {0};
    int r = make_commit(core, g, intent, out, err), read;

    *refused = false;
    if (!is_refusal(r))
        return r;
    if ((read = group_receive(core, g, NULL, &why)) != 0 || (read = group_load_mls(core, g, &why)) != 0)
        return err_set(err, read, "%s", why.text);
    *refused = true;
    if ((read = group_check_active(g, err)) != 0)
        return read;
    if (mls_group_epoch(g->mls) == epoch)
        return r;
    built_commit_free(out);
    *out = (struct built_commit){0};
    r = make_commit(core, g, intent, out, err);
    *refused = is_refusal(r);
    return r;
}

int intents_publish_commit(struct core *core, struct group *g, int64_t id, enum commit_fate *fate, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    struct built_commit built = {0};
    struct wire_message message;
    bool refused = false, counts;
    int r;

    *fate = COMMIT_KEPT;
    if ((r = store_intent_get(core->store, id, &mem, &intent, err)) != 0)
        goto done;
    if ((r = make_commit_up_to_date(core, g, &intent, &built, &refused, err)) == 0 && built.nothing) {
        r = store_intent_delete(core->store, id, err);
        goto done;
    }
    /* What the node refuses counts, be it what a commit needs: else it would be in the way for ever. */
    counts = r == ERR_REMOTE || !err_is_transient(r);
    if (r == 0) {
        message = (struct wire_message){bytes_slice(&built.mls.message), intent.should_push};
        r = intent_send(core, g, &message, 1, err);
        counts = r == ERR_REMOTE || r == ERR_TOOBIG;
    }
    if (r == 0)
        *fate = COMMIT_SENT;
    else if (counts && intent_note_failure(core, g, &intent, refused, NULL) == 0 &&
             intent_is_given_up(&intent, refused))
        *fate = COMMIT_GIVEN_UP;
done:
    built_commit_free(&built);
    store_mem_free(&mem);
    return r;
}
