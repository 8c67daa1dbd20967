/* Queuing membership changes: what the identity logs say now, compared with what the group lists. */
#include "sync/membership.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "mls/mls.h"
#include "store/groups.h"
#include "sync/commit_build.h"
#include "sync/commit_validate.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/inboxes.h"
#include "sync/intents.h"
#include "sync/membership_locked.h"

#include <string.h>

/* The adder's limit (libxmtp); receivers do not check. */
#define INBOXES_MAX 250

/* Loads the logs of all members and of `more`, then notes who has gone on. */
static int find_updates(struct core *core, struct group *g, const char *const *more, size_t n_more,
                        struct membership_intent *out, struct err *err)
{
    const struct group_membership *m = &g->ext.membership;
    const char **ids = xm_calloc(m->n_members + n_more + 1, sizeof *ids);
    struct group_membership now = {0};
    uint64_t latest;
    int r;

    if (!ids)
        return err_set(err, ERR_NOMEM, "out of memory");
    /* The list in the group may change while we wait. */
    if (group_membership_dup(m, &now) != 0) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < now.n_members; i++)
        ids[i] = now.members[i].inbox_id;
    for (size_t i = 0; i < n_more; i++)
        ids[now.n_members + i] = more[i];
    if ((r = inbox_load(core, ids, now.n_members + n_more, err)) != 0)
        goto done;
    for (size_t i = 0; r == 0 && i < now.n_members + n_more; i++) {
        if ((r = inbox_latest(core, ids[i], &latest, err)) != 0)
            break;
        if (latest == 0 && i >= now.n_members)
            r = err_set(err, ERR_NOTFOUND, _("inbox %.16s… is not known to this network"), ids[i]);
        else if ((i >= now.n_members && !group_membership_find(&now, ids[i])) ||
                 (i < now.n_members && latest > now.members[i].sequence_id))
            r = group_membership_set(&out->updates, ids[i], latest);
    }
done:
    group_membership_free(&now);
    xm_free(ids);
    return r;
}

static int run_intent(struct core *core, struct group *g, const struct membership_intent *intent,
                      enum intent_turn turn, struct err *err)
{
    struct buf data = BUF_INIT;
    int r;

    membership_intent_write(intent, &data);
    r = buf_ok(&data) ? intent_run(core, g, STORE_INTENT_UPDATE_MEMBERSHIP, buf_slice(&data), turn, err)
                      : err_set(err, ERR_NOMEM, "out of memory");
    buf_free(&data);
    return r;
}

int check_installations_locked(struct core *core, struct group *g, struct err *err)
{
    struct membership_intent intent = {0};
    int r;

    if ((r = group_load_mls(core, g, err)) != 0)
        return r;
    if (!mls_group_is_active(g->mls))
        return 0;
    if ((r = group_read_extensions(core, g, err)) == 0 &&
        (r = find_updates(core, g, NULL, 0, &intent, err)) == 0 && intent.updates.n_members > 0)
        r = run_intent(core, g, &intent, INTENT_AHEAD, err);
    /* What cannot succeed is not tried again with every message. */
    if (r == 0 || !err_is_transient(r)) {
        int stored = store_group_set_installations_checked(core->store, slice_of(g->id, 16), core_now_ns(core), NULL);
        r = r != 0 ? r : stored;
    }
    membership_intent_free(&intent);
    return r;
}

int group_check_installations(struct core *core, const uint8_t id[16], int64_t min_age_ns, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    struct group *g;
    bool due;
    int r;

    if ((r = store_group_get(core->store, slice_of(id, 16), &mem, &row, err)) != 0)
        goto done;
    due = row.active && row.membership != STORE_MEMBER_RESTORED && !row.paused_for_version &&
          (row.type == STORE_GROUP || row.type == STORE_DM) &&
          core_is_past(core, row.installations_checked_ns, min_age_ns);
    if (!due || (r = group_open(core, id, &g, err)) != 0)
        goto done;
    r = check_installations_locked(core, g, err);
    group_close(core, g);
done:
    store_mem_free(&mem);
    return r;
}

int add_members_locked(struct core *core, struct group *g, const char *const *inbox_ids, size_t n, struct err *err)
{
    struct membership_intent intent = {0};
    int r;

    if ((r = group_load_mls(core, g, err)) != 0 || (r = group_read_extensions(core, g, err)) != 0)
        return r;
    if (g->ext.membership.n_members + n > INBOXES_MAX)
        return err_set(err, ERR_TOOBIG, _("a group has at most %d members"), INBOXES_MAX);
    if ((r = find_updates(core, g, inbox_ids, n, &intent, err)) == 0 && intent.updates.n_members > 0)
        r = run_intent(core, g, &intent, INTENT_IN_TURN, err);
    membership_intent_free(&intent);
    return r;
}

static int may_change(struct group *g, struct err *err)
{
    if (g->type == CONVERSATION_DM)
        return err_set(err, ERR_INVALID, "%s", _("a 1:1 chat has its two members for good"));
    return 0;
}

int group_add_members(struct core *core, const uint8_t id[16], const char *const *inbox_ids, size_t n,
                      struct err *err)
{
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    if ((r = may_change(g, err)) == 0)
        r = add_members_locked(core, g, inbox_ids, n, err);
    group_close(core, g);
    return r == 0 ? 0 : err_wrap(err, r, "adding members");
}

static int remove_open(struct core *core, struct group *g, const char *const *inbox_ids, size_t n, struct err *err)
{
    struct membership_intent intent = {0};
    int r;

    if ((r = may_change(g, err)) != 0 || (r = group_read_extensions(core, g, err)) != 0 ||
        (r = find_updates(core, g, NULL, 0, &intent, err)) != 0)
        goto done;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(inbox_ids[i], core->self.inbox_id) == 0) {
            r = err_set(err, ERR_INVALID, "%s", _("nobody removes himself: leave the group instead"));
            goto done;
        }
        if (!group_membership_find(&g->ext.membership, inbox_ids[i])) {
            r = err_set(err, ERR_NOTFOUND, _("inbox %.16s… is not in this group"), inbox_ids[i]);
            goto done;
        }
        group_membership_drop(&intent.updates, inbox_ids[i]);
        if (inbox_list_add(&intent.removed, inbox_ids[i]) != 0) {
            r = err_set(err, ERR_NOMEM, "out of memory");
            goto done;
        }
    }
    r = run_intent(core, g, &intent, INTENT_IN_TURN, err);
done:
    membership_intent_free(&intent);
    return r;
}

int group_remove_members(struct core *core, const uint8_t id[16], const char *const *inbox_ids, size_t n,
                         struct err *err)
{
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    r = remove_open(core, g, inbox_ids, n, err);
    group_close(core, g);
    return r == 0 ? 0 : err_wrap(err, r, "removing members");
}
