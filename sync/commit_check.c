/* Gathers what the rules need to know: the proposals from MLS, the identities from the logs. */
#include "sync/commit_check.h"

#include "base/alloc.h"
#include "base/err.h"
#include "mls/mls.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/inboxes.h"
#include "sync/installation_set.h"

#include <string.h>

/* ---- identity logs ---- */

struct log_list {
    struct inbox_at *at;
    size_t n, cap;
};

static int list_log(struct log_list *l, const char *inbox_id, uint64_t sequence_id)
{
    if (sequence_id == 0)
        return 0;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct inbox_at *grown = xm_realloc(l->at, cap, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        l->at = grown;
        l->cap = cap;
    }
    l->at[l->n++] = (struct inbox_at){inbox_id, sequence_id};
    return 0;
}

static int list_change(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, bool was, bool is)
{
    struct log_list *l = ctx;

    (void)was;
    (void)is;
    return list_log(l, inbox_id, from) != 0 || list_log(l, inbox_id, to) != 0 ? ERR_NOMEM : 0;
}

int commit_load_logs(struct core *core, struct group *g, const struct mls_staged_commit *staged, struct err *err)
{
    const struct mls_commit_info *info = mls_staged_commit_info(staged);
    struct group_membership after = {0};
    struct log_list logs = {0};
    struct slice raw;
    char inbox[65];
    int r;

    if ((r = group_read_extensions(core, g, err)) != 0)
        return r;
    if (!mls_extension_find(info->extensions, EXT_GROUP_MEMBERSHIP, &raw))
        return err_set(err, ERR_MALFORMED, "a commit that takes the membership list away");
    if ((r = group_membership_decode(raw, &after, err)) != 0)
        return r;
    if (membership_changes(&g->ext.membership, &after, list_change, &logs) != 0) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    if (info->path_leaf && leaf_inbox(info->path_leaf, inbox) == 0) {
        const struct group_member_at *actor = group_membership_find(&after, inbox);
        if (actor && list_log(&logs, actor->inbox_id, actor->sequence_id) != 0) {
            r = err_set(err, ERR_NOMEM, "out of memory");
            goto done;
        }
    }
    if (!inbox_has_all(core, logs.at, logs.n))
        r = inbox_load_missing(core, logs.at, logs.n, err);
done:
    group_membership_free(&after);
    xm_free(logs.at);
    return r;
}

/* ---- the view ---- */

struct gathered {
    struct commit_view view;
    char actor[65];
    uint8_t (*added)[32];
    uint8_t (*removed)[32];
    struct installation *updated;
};

static void gathered_free(struct gathered *in)
{
    xm_free(in->added);
    xm_free(in->removed);
    xm_free(in->updated);
}

static int copy_key(struct slice key, uint8_t out[32])
{
    if (key.len != 32)
        return ERR_MALFORMED;
    memcpy(out, key.data, 32);
    return 0;
}

static int gather_proposal(struct gathered *in, const struct mls_proposal_info *p, uint32_t committer)
{
    struct commit_view *v = &in->view;

    if (p->sender_type != MLS_SENDER_MEMBER || p->sender_leaf != committer)
        v->one_member_sends_all = false;
    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        return copy_key(p->leaf->signature_key, in->added[v->n_added++]);
    case MLS_PROPOSAL_REMOVE:
        return copy_key(p->leaf->signature_key, in->removed[v->n_removed++]);
    case MLS_PROPOSAL_UPDATE:
        if (leaf_inbox(p->leaf, in->updated[v->n_updated].inbox_id) != 0)
            return ERR_MALFORMED;
        return copy_key(p->leaf->signature_key, in->updated[v->n_updated++].id);
    case MLS_PROPOSAL_PSK:
        v->has_psk = true;
        return 0;
    default:
        return 0;
    }
}

static int gather_proposals(struct gathered *in, const struct mls_staged_commit *staged, size_t n,
                            uint32_t committer, struct err *err)
{
    struct mls_proposal_info p;
    int r;

    in->added = xm_calloc(n + 1, sizeof *in->added);
    in->removed = xm_calloc(n + 1, sizeof *in->removed);
    in->updated = xm_calloc(n + 1, sizeof *in->updated);
    if (!in->added || !in->removed || !in->updated)
        return err_set(err, ERR_NOMEM, "out of memory");
    in->view.one_member_sends_all = true;
    for (size_t i = 0; mls_staged_commit_proposal(staged, i, &p); i++)
        if ((r = gather_proposal(in, &p, committer)) != 0)
            return err_set(err, r, "a leaf with a credential or key that is not XMTP's");
    in->view.added = (const uint8_t(*)[32])in->added;
    in->view.removed = (const uint8_t(*)[32])in->removed;
    in->view.updated = in->updated;
    return 0;
}

static int gather_actor(struct gathered *in, const struct group *g, const struct mls_commit_info *info,
                        uint32_t committer, struct err *err)
{
    const struct mls_leaf *before = mls_group_leaf(g->mls, committer);
    const struct mls_leaf *leaf = info->path_leaf ? info->path_leaf : before;

    if (!before || info->is_external)
        return err_set(err, ERR_DENIED, "a commit by somebody who is no member");
    if (leaf_inbox(leaf, in->actor) != 0 || copy_key(leaf->signature_key, in->view.actor_installation) != 0)
        return err_set(err, ERR_MALFORMED, "the committer's credential is not XMTP's");
    in->view.actor_inbox_id = in->actor;
    /* libxmtp knows a sender by its proposals: where there are none, the new leaf is looked at alone. */
    in->view.path_key_is_senders =
        info->proposals_n == 0 || slice_eq(leaf->signature_key, before->signature_key);
    return 0;
}

static int gather_extensions(struct gathered *in, const struct group *g, const struct mls_commit_info *info,
                             struct err *err)
{
    struct slice list = mls_group_extensions(g->mls);

    in->view.old = &g->ext;
    if (!mls_extension_find(list, EXT_MUTABLE_METADATA, &in->view.old_mutable_raw) ||
        !mls_extension_find(info->extensions, EXT_MUTABLE_METADATA, &in->view.new_mutable_raw) ||
        !mls_extension_find(info->extensions, EXT_GROUP_MEMBERSHIP, &in->view.new_membership_raw) ||
        !mls_extension_find(info->extensions, EXT_GROUP_PERMISSIONS, &in->view.new_permissions_raw))
        return err_set(err, ERR_MALFORMED, "a commit that takes one of the group's extensions away");
    return 0;
}

/* ---- answers ---- */

struct asked {
    struct core *core;
    struct group *g;
};

static int ask_diff(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, struct installation_set *added,
                    struct installation_set *removed, struct err *err)
{
    return inbox_diff(((struct asked *)ctx)->core, inbox_id, from, to, added, removed, err);
}

static int ask_installation(void *ctx, const char *inbox_id, uint64_t sequence_id, const uint8_t id[32], bool *has,
                            struct err *err)
{
    return inbox_has_installation(((struct asked *)ctx)->core, inbox_id, sequence_id, id, has, err);
}

static bool ask_leaf(void *ctx, const uint8_t id[32])
{
    uint32_t index;

    return mls_group_find_leaf(((struct asked *)ctx)->g->mls, slice_of(id, 32), &index);
}

static const char *own_version(const struct core *core)
{
    return core->protocol_version ? core->protocol_version : PROTOCOL_VERSION;
}

bool commit_version_suffices(const struct core *core, const char *wanted)
{
    int cmp;

    return version_compare(own_version(core), wanted, &cmp) == 0 && cmp >= 0;
}

int commit_check(struct core *core, struct group *g, const struct mls_staged_commit *staged, uint32_t committer,
                 struct commit_outcome *out, char min_version[64], struct err *err)
{
    const struct mls_commit_info *info = mls_staged_commit_info(staged);
    struct asked asked = {core, g};
    struct commit_lookups lookups = {&asked, ask_diff, ask_installation, ask_leaf};
    struct gathered in = {0};
    int r;

    if ((r = group_read_extensions(core, g, err)) == 0 && g->ext.immutable_lost)
        r = err_set(err, ERR_MALFORMED, "a commit to a group that has lost its immutable metadata");
    if (r != 0 || (r = gather_extensions(&in, g, info, err)) != 0 ||
        (r = gather_actor(&in, g, info, committer, err)) != 0 ||
        (r = gather_proposals(&in, staged, info->proposals_n, committer, err)) != 0)
        goto done;
    in.view.own_version = own_version(core);
    r = commit_validate(&in.view, &lookups, out, min_version, err);
done:
    gathered_free(&in);
    return r;
}
