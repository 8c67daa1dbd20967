/* Proposals of a commit: the rules for lists of them (RFC 9420 sections 12.1 and 12.2), and their
 * effect on the tree (12.3). */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/group.h"
#include "mls/rules.h"
#include "mls/suite.h"

#include <string.h>

int mls_staged_new(const struct mls_group *g, struct mls_staged_commit **out)
{
    struct mls_staged_commit *s = xm_alloc(sizeof *s);
    int e;

    if (!s)
        return ERR_NOMEM;
    s->base_epoch = g->ctx.epoch;
    s->extensions = g->ctx.extensions;
    if ((e = bytes_dup(g->ctx.confirmed_transcript_hash, &s->base_confirmed)) != 0 ||
        (e = mls_tree_fork(&g->tree, &s->tree)) != 0) {
        mls_staged_commit_free(s);
        return e;
    }
    s->priv = g->priv;
    *out = s;
    return 0;
}

int mls_staged_add_item(struct mls_staged_commit *s, struct slice raw, struct mls_sender sender, bool by_reference)
{
    struct mls_item *grown, *item;
    struct reader r;

    if ((s->items_n & (s->items_n - 1)) == 0) { /* room for the next power of two */
        grown = xm_realloc(s->items, s->items_n ? 2 * s->items_n : 1, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        s->items = grown;
    }
    item = &s->items[s->items_n];
    memset(item, 0, sizeof *item);
    if (bytes_dup(raw, &item->raw) != 0)
        return ERR_NOMEM;
    item->sender = sender;
    item->by_reference = by_reference;
    s->items_n++;
    r = reader_of(bytes_slice(&item->raw));
    return mls_parse_proposal(&r, &item->p) && reader_done(&r) ? 0 : ERR_MALFORMED;
}

/* ---- The list as a whole ---- */

struct list_state {
    struct mls_sender committer;
    size_t gce, reinit, external_init, adds, psks, removes, needs_path;
    uint8_t *touched; /* a bit for each leaf updated or removed */
};

static int touch(struct mls_staged_commit *s, struct list_state *list, uint32_t leaf, struct err *err)
{
    if (!mls_tree_leaf(&s->tree, leaf))
        return err_set(err, ERR_DENIED, "a proposal is about leaf %u, which is blank", leaf);
    if (list->touched[leaf / 8] & 1u << leaf % 8)
        return err_set(err, ERR_DENIED, "two proposals are about leaf %u", leaf);
    list->touched[leaf / 8] |= (uint8_t)(1u << leaf % 8);
    return 0;
}

static int check_item(struct mls_group *g, struct mls_staged_commit *s, struct mls_item *item,
                      struct list_state *list, struct err *err)
{
    bool external = list->committer.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    int e;

    switch (item->p.type) {
    case MLS_PROPOSAL_ADD:
        list->adds++;
        return 0;
    case MLS_PROPOSAL_UPDATE:
        list->needs_path++;
        item->leaf_index = item->sender.leaf;
        if (item->sender.type != MLS_SENDER_MEMBER || item->sender.leaf == list->committer.leaf)
            return err_set(err, ERR_DENIED, "an update by the committer or by no member");
        return touch(s, list, item->sender.leaf, err);
    case MLS_PROPOSAL_REMOVE:
        list->needs_path++;
        list->removes++;
        item->leaf_index = item->p.removed;
        if (!external && item->p.removed == list->committer.leaf)
            return err_set(err, ERR_DENIED, "the committer removes itself");
        if ((e = touch(s, list, item->p.removed, err)) != 0)
            return e;
        s->info.removes_us |= g->active && item->p.removed == g->own_leaf;
        return 0;
    case MLS_PROPOSAL_PSK:
        list->psks++;
        if (!mls_allows(g, MLS_ALLOW_PSK))
            return err_set(err, ERR_UNSUPPORTED, "pre-shared keys are not accepted here");
        if (item->p.psk.type == MLS_PSK_RESUMPTION && item->p.psk.usage != MLS_PSK_APPLICATION)
            return err_set(err, ERR_DENIED, "a pre-shared key of a usage that is not for commits");
        return 0;
    case MLS_PROPOSAL_REINIT:
        list->reinit++;
        if (!mls_allows(g, MLS_ALLOW_REINIT))
            return err_set(err, ERR_UNSUPPORTED, "reinit is not accepted here");
        if (item->p.version < g->ctx.version)
            return err_set(err, ERR_DENIED, "reinit to an older version");
        return 0;
    case MLS_PROPOSAL_EXTERNAL_INIT:
        list->external_init++;
        list->needs_path++;
        return 0;
    default:
        list->gce++;
        list->needs_path++;
        s->has_extensions = true;
        s->extensions = item->p.extensions;
        if (mls_allows(g, MLS_ALLOW_UNREQUIRED_EXTENSIONS))
            return mls_extensions_check(item->p.extensions, err);
        return mls_context_extensions_check(item->p.extensions, err);
    }
}

static int check_counts(const struct mls_staged_commit *s, const struct list_state *list, bool has_path,
                        struct err *err)
{
    if (list->gce > 1)
        return err_set(err, ERR_DENIED, "two lists of group extensions in one commit");
    if (list->reinit && s->items_n > 1)
        return err_set(err, ERR_DENIED, "reinit beside other proposals");
    if (list->committer.type == MLS_SENDER_NEW_MEMBER_COMMIT) {
        if (list->external_init != 1 || list->removes > 1 ||
            list->external_init + list->removes + list->psks != s->items_n)
            return err_set(err, ERR_DENIED, "an external commit with proposals that it must not have");
    } else if (list->external_init) {
        return err_set(err, ERR_DENIED, "external_init in a member's commit");
    }
    if (!has_path && (list->needs_path || s->items_n == 0))
        return err_set(err, ERR_DENIED, "a commit that needs an update path has none");
    return 0;
}

static int check_list(struct mls_group *g, struct mls_staged_commit *s, struct mls_sender committer, bool has_path,
                      struct err *err)
{
    struct list_state list = {.committer = committer};
    int e = 0;

    list.touched = xm_alloc(s->tree.width / 8 + 1);
    if (!list.touched)
        return err_set(err, ERR_NOMEM, "proposals");
    for (size_t i = 0; i < s->items_n && e == 0; i++) {
        if (committer.type == MLS_SENDER_NEW_MEMBER_COMMIT && s->items[i].by_reference)
            e = err_set(err, ERR_DENIED, "an external commit with a reference");
        else
            e = check_item(g, s, &s->items[i], &list, err);
    }
    if (e == 0)
        e = check_counts(s, &list, has_path, err);
    xm_free(list.touched);
    return e;
}

/* ---- One by one, onto the tree ---- */

static bool is_expired(const struct mls_group *g, const struct mls_leaf *leaf)
{
    return mls_allows(g, MLS_CHECK_LIFETIMES) && leaf->source == MLS_LEAF_KEY_PACKAGE &&
           (g->config.now_s <= leaf->not_before || g->config.now_s >= leaf->not_after);
}

static int apply_update(struct mls_group *g, struct mls_staged_commit *s, struct mls_item *item, struct err *err)
{
    const struct mls_leaf *leaf = &item->p.leaf, *old = mls_tree_leaf(&s->tree, item->leaf_index);
    int e;

    if (leaf->source != MLS_LEAF_UPDATE || leaf->encryption_key.len != MLS_KEY_LEN ||
        leaf->signature_key.len != MLS_KEY_LEN || slice_eq(leaf->encryption_key, old->encryption_key))
        return err_set(err, ERR_DENIED, "update of leaf %u: wrong source or keys", item->leaf_index);
    if ((e = mls_extensions_check(leaf->extensions, err)) != 0)
        return e;
    if ((e = mls_leaf_verify(leaf, g->ctx.group_id, item->leaf_index)) != 0)
        return err_set(err, e, "signature of leaf %u's update", item->leaf_index);
    if ((e = mls_tree_update_leaf(&s->tree, item->leaf_index, leaf->raw)) != 0)
        return err_set(err, e, "update of leaf %u", item->leaf_index);
    mls_indices_add(&s->updated, item->leaf_index);
    return s->updated.bad ? err_set(err, ERR_NOMEM, "update") : 0;
}

static int apply_remove(struct mls_staged_commit *s, struct mls_item *item, struct err *err)
{
    item->removed = (struct mls_node *)mls_tree_node(&s->tree, 2 * item->leaf_index);
    item->removed->refs++;
    if (mls_tree_remove_leaf(&s->tree, item->leaf_index) != 0)
        return err_set(err, ERR_NOMEM, "remove of leaf %u", item->leaf_index);
    return 0;
}

/* Our own adds were checked by the caller before, signatures are not verified twice. */
static int check_add(struct mls_group *g, const struct mls_key_package *kp, bool ours, struct err *err)
{
    unsigned which = MLS_KP_SUITE | MLS_KP_VERSION | MLS_KP_LEAF_SOURCE | MLS_KP_INIT_KEY, faults;
    int e;

    if (!mls_allows(g, MLS_ALLOW_UNLISTED_EXTENSIONS))
        which |= MLS_KP_EXTENSIONS;
    if (!ours)
        which |= MLS_KP_LEAF_SIGNATURE | MLS_KP_SIGNATURE;
    if ((e = mls_extensions_check(kp->extensions, err)) != 0 ||
        (e = mls_extensions_check(kp->leaf.extensions, err)) != 0)
        return e;
    if (kp->suite != g->ctx.suite || kp->version != g->ctx.version || kp->leaf.signature_key.len != MLS_KEY_LEN)
        return err_set(err, ERR_DENIED, "an added key package is for another suite or version");
    if ((faults = mls_key_package_faults(kp, which, 0)) & MLS_KP_NOMEM)
        return err_set(err, ERR_NOMEM, "key package");
    if (faults)
        return err_set(err, faults & (MLS_KP_LEAF_SIGNATURE | MLS_KP_SIGNATURE) ? ERR_AUTH : ERR_DENIED,
                       "an added key package is faulty: %s", mls_key_package_fault_name(faults));
    if (is_expired(g, &kp->leaf))
        return err_set(err, ERR_DENIED, "an added key package has expired");
    return 0;
}

static int apply_add(struct mls_group *g, struct mls_staged_commit *s, struct mls_item *item, bool ours,
                     struct err *err)
{
    int e = check_add(g, &item->p.key_package, ours, err);

    if (e)
        return e;
    e = mls_tree_add_leaf(&s->tree, item->p.key_package.leaf.raw, g->config.max_leaves, &item->leaf_index);
    if (e)
        return err_set(err, e, "adding a leaf");
    mls_indices_add(&s->added, item->leaf_index); /* always the leftmost blank one: ascending */
    return s->added.bad ? err_set(err, ERR_NOMEM, "add") : 0;
}

int mls_staged_apply(struct mls_group *g, struct mls_staged_commit *s, struct mls_sender committer, bool has_path,
                     struct err *err)
{
    bool ours = committer.type == MLS_SENDER_MEMBER && committer.leaf == g->own_leaf;
    int e = check_list(g, s, committer, has_path, err);

    for (size_t i = 0; i < s->items_n && e == 0; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_UPDATE)
            e = apply_update(g, s, &s->items[i], err);
    for (size_t i = 0; i < s->items_n && e == 0; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_REMOVE)
            e = apply_remove(s, &s->items[i], err);
    if (e == 0 && mls_tree_truncate(&s->tree) != 0)
        e = err_set(err, ERR_NOMEM, "tree");
    for (size_t i = 0; i < s->items_n && e == 0; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_ADD)
            e = apply_add(g, s, &s->items[i], ours, err);
    return e;
}

/* ---- Contexts and secrets ---- */

int mls_staged_provisional(const struct mls_group *g, struct mls_staged_commit *s, struct bytes *out)
{
    return mls_context_next(&g->ctx, g->ctx.epoch + 1,
                            slice_of(mls_tree_hash(&s->tree, mls_root(s->tree.width)), MLS_HASH_LEN),
                            g->ctx.confirmed_transcript_hash, s->extensions, out);
}

static int collect_psks(const struct mls_group *g, struct mls_staged_commit *s, struct err *err)
{
    struct mls_psk_id *ids = NULL;
    size_t n = 0;
    int e;

    for (size_t i = 0; i < s->items_n; i++)
        n += s->items[i].p.type == MLS_PROPOSAL_PSK;
    ids = xm_calloc(n, sizeof *ids);
    if (!ids)
        return err_set(err, ERR_NOMEM, "pre-shared keys");
    n = 0;
    for (size_t i = 0; i < s->items_n; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_PSK)
            ids[n++] = s->items[i].p.psk;
    e = mls_psk_collect(&g->config, g, ids, n, s->psk_secret, err);
    xm_free(ids);
    return e;
}

int mls_staged_finish(const struct mls_group *g, struct mls_staged_commit *s, uint16_t wire_format,
                      const struct mls_framed_content *content, struct slice signature,
                      const uint8_t commit_secret[MLS_HASH_LEN], uint8_t joiner[MLS_HASH_LEN], struct err *err)
{
    uint8_t confirmed[MLS_HASH_LEN];
    struct reader r;
    int e;

    if ((e = mls_confirmed_transcript_hash(slice_of(g->interim, MLS_HASH_LEN), wire_format, content, signature,
                                           confirmed)) != 0 ||
        (e = mls_context_next(&g->ctx, g->ctx.epoch + 1,
                              slice_of(mls_tree_hash(&s->tree, mls_root(s->tree.width)), MLS_HASH_LEN),
                              slice_of(confirmed, sizeof confirmed), s->extensions, &s->context)) != 0)
        return err_set(err, e, "new group context");
    r = reader_of(bytes_slice(&s->context));
    mls_parse_group_context(&r, &s->ctx);
    if (!commit_secret) /* we are removed */
        return 0;
    if ((e = collect_psks(g, s, err)) != 0)
        return e;
    mls_schedule_joiner(s->has_external_init ? s->external_init : g->secrets.init, commit_secret,
                        bytes_slice(&s->context), joiner);
    mls_schedule_epoch(joiner, s->psk_secret, bytes_slice(&s->context), &s->secrets);
    mls_confirmation_tag(&s->secrets, s->ctx.confirmed_transcript_hash, s->confirmation_tag);
    mls_interim_transcript_hash(s->ctx.confirmed_transcript_hash, slice_of(s->confirmation_tag, MLS_HASH_LEN),
                                s->interim);
    return 0;
}
