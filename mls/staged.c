/* Staged commits: what they tell, how they are kept, how they become the group's state. */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/group.h"
#include "mls/state.h"

#include <sodium.h>
#include <string.h>

void mls_staged_commit_free(struct mls_staged_commit *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->items_n; i++) {
        bytes_free(&s->items[i].raw);
        mls_node_unref(s->items[i].removed);
    }
    xm_free(s->items);
    bytes_free(&s->base_confirmed);
    bytes_free(&s->context);
    mls_tree_free(&s->tree);
    mls_indices_free(&s->added);
    mls_indices_free(&s->updated);
    mls_secret_change_wipe(&s->change);
    xm_free_secret(s, sizeof *s);
}

void mls_staged_describe(struct mls_staged_commit *s)
{
    struct mls_commit_info *i = &s->info;

    i->epoch = s->ctx.epoch;
    i->proposals_n = s->items_n;
    i->group_context = bytes_slice(&s->context);
    i->extensions = s->ctx.extensions;
    i->tree_hash = s->ctx.tree_hash;
    i->confirmed_transcript_hash = s->ctx.confirmed_transcript_hash;
    i->epoch_authenticator = i->removes_us ? (struct slice){0} : slice_of(s->secrets.authenticator, MLS_HASH_LEN);
}

const struct mls_commit_info *mls_staged_commit_info(const struct mls_staged_commit *staged)
{
    return &staged->info;
}

bool mls_staged_commit_proposal(const struct mls_staged_commit *staged, size_t i, struct mls_proposal_info *out)
{
    const struct mls_item *item;

    if (i >= staged->items_n)
        return false;
    item = &staged->items[i];
    *out = (struct mls_proposal_info){
        .type = item->p.type,
        .sender_type = item->sender.type,
        .sender_leaf = item->sender.leaf,
        .by_reference = item->by_reference,
        .leaf_index = item->leaf_index,
        .key_package = item->p.key_package,
        .extensions = item->p.extensions,
        .raw = bytes_slice(&item->raw),
    };
    if (item->p.type == MLS_PROPOSAL_ADD)
        out->leaf = &item->p.key_package.leaf;
    else if (item->p.type == MLS_PROPOSAL_UPDATE)
        out->leaf = &item->p.leaf;
    else if (item->removed)
        out->leaf = &item->removed->leaf;
    return true;
}

uint32_t mls_staged_commit_leaf_count(const struct mls_staged_commit *staged)
{
    return mls_tree_leaf_count(&staged->tree);
}

const struct mls_leaf *mls_staged_commit_leaf(const struct mls_staged_commit *staged, uint32_t leaf_index)
{
    return mls_tree_leaf(&staged->tree, leaf_index);
}

/* ---- Merging ---- */

/* Both trees share the block that leaf i is in: nothing to compare. */
static bool shared_block(const struct mls_tree *a, const struct mls_tree *b, uint32_t i)
{
    uint32_t block = i / MLS_BLOCK_SLOTS;

    return block < a->blocks_n[0] && block < b->blocks_n[0] && a->blocks[0][block] == b->blocks[0][block];
}

static bool same_person(const struct mls_node *a, const struct mls_node *b)
{
    return a == b || (a && b && a->leaf.credential_type == b->leaf.credential_type &&
                      slice_eq(a->leaf.signature_key, b->leaf.signature_key) &&
                      slice_eq(a->leaf.credential, b->leaf.credential));
}

/* Leaves whose member changes, as they are now. */
static int remember_leaves(const struct mls_tree *now, const struct mls_tree *then, struct mls_epoch *p)
{
    uint32_t width = now->width > then->width ? now->width : then->width;

    for (uint32_t i = 0; i < width; i++) {
        const struct mls_node *a, *b;
        struct mls_past_leaf *grown;

        if (shared_block(now, then, i)) {
            i |= MLS_BLOCK_SLOTS - 1; /* on to the next one */
            continue;
        }
        a = mls_tree_node(now, 2 * i);
        b = mls_tree_node(then, 2 * i);
        if (same_person(a, b))
            continue;
        grown = xm_realloc(p->leaves, p->leaves_n + 1, sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        p->leaves = grown;
        grown[p->leaves_n++] = (struct mls_past_leaf){i, (struct mls_node *)a};
        if (a)
            grown[p->leaves_n - 1].node->refs++;
    }
    return 0;
}

/* Everything a merge needs memory for. */
struct merge {
    struct mls_epoch *epoch; /* what the current one becomes */
    struct mls_secret_tree secret_tree;
};

static void merge_end(struct merge *m)
{
    mls_epoch_free(m->epoch);
    mls_secret_tree_wipe(&m->secret_tree);
}

static int merge_prepare(struct mls_group *g, struct mls_staged_commit *s, struct merge *m)
{
    struct mls_epoch **past = xm_realloc(g->past, g->past_n + 1, sizeof *past);
    uint64_t *gone;
    struct mls_resumption *resumption;
    int e;

    if (!past)
        return ERR_NOMEM;
    g->past = past;
    if (!(gone = xm_realloc(g->gone, g->gone_n + g->past_n + 2, sizeof *gone)))
        return ERR_NOMEM;
    g->gone = gone;
    if (g->config.resumption_psks) {
        resumption = xm_calloc(g->resumption_n + 1, sizeof *resumption);
        if (!resumption)
            return ERR_NOMEM;
        if (g->resumption_n)
            memcpy(resumption, g->resumption, g->resumption_n * sizeof *resumption);
        xm_free_secret(g->resumption, g->resumption_n * sizeof *resumption);
        g->resumption = resumption;
    }
    if (!(m->epoch = xm_alloc(sizeof *m->epoch)) ||
        remember_leaves(&g->tree, &s->tree, m->epoch) != 0)
        return ERR_NOMEM;
    if (s->info.removes_us)
        return 0;
    if ((e = mls_secret_tree_init(&m->secret_tree, s->ctx.suite, s->ctx.epoch, s->tree.width,
                                  s->secrets.encryption)) != 0)
        return e;
    return 0;
}

/* The used handshake key goes; if the tree moved on meanwhile, it is looked up again. */
static int burn_handshake(struct mls_group *g, struct mls_staged_commit *s)
{
    struct mls_message_key key;
    int e;

    if (!s->has_change)
        return 0;
    e = mls_secret_tree_apply(&g->secret_tree, &s->change);
    if (e != ERR_STATE)
        return e;
    mls_secret_change_wipe(&s->change);
    e = mls_secret_tree_key(&g->secret_tree, &g->config, s->info.committer_leaf, MLS_RATCHET_HANDSHAKE,
                            s->generation, &key, &s->change, NULL);
    if (e)
        return e;
    mls_message_key_wipe(&key);
    return mls_secret_tree_apply(&g->secret_tree, &s->change);
}

static void drop_oldest(struct mls_group *g)
{
    g->gone[g->gone_n++] = g->past[0]->epoch;
    mls_epoch_free(g->past[0]);
    g->past_n--;
    memmove(g->past, g->past + 1, g->past_n * sizeof *g->past);
}

/* From here on nothing fails. */
static void retire_epoch(struct mls_group *g, struct merge *m, uint32_t keep)
{
    struct mls_epoch *p = m->epoch;

    m->epoch = NULL;
    p->epoch = g->ctx.epoch;
    p->loaded = p->dirty = true;
    memcpy(p->sender_data, g->secrets.sender_data, sizeof p->sender_data);
    p->context = g->context;
    p->tree = g->secret_tree;
    g->context = (struct bytes){0};
    memset(&g->secret_tree, 0, sizeof g->secret_tree);
    mls_secret_tree_end_handshake(&p->tree);
    g->past[g->past_n++] = p;
    while (g->past_n > keep)
        drop_oldest(g);
}

static void keep_resumption(struct mls_group *g)
{
    uint32_t keep = g->config.resumption_psks;

    if (!keep)
        return;
    g->resumption[g->resumption_n].epoch = g->ctx.epoch;
    memcpy(g->resumption[g->resumption_n++].secret, g->secrets.resumption, MLS_HASH_LEN);
    while (g->resumption_n > keep) {
        g->resumption_n--;
        memmove(g->resumption, g->resumption + 1, g->resumption_n * sizeof *g->resumption);
        sodium_memzero(&g->resumption[g->resumption_n], sizeof *g->resumption);
    }
}

static void forget_secrets(struct mls_group *g)
{
    uint8_t authenticator[MLS_HASH_LEN];

    memcpy(authenticator, g->secrets.authenticator, sizeof authenticator);
    mls_secrets_wipe(&g->secrets);
    memcpy(g->secrets.authenticator, authenticator, sizeof authenticator);
    mls_private_wipe(&g->priv);
    g->active = false;
}

static void clear_pending(struct mls_group *g)
{
    g->pending_dirty |= g->pending_n > 0;
    for (uint32_t i = 0; i < g->pending_n; i++)
        bytes_free(&g->pending[i].raw);
    g->pending_n = 0;
}

/* RFC 9420 section 12.4.2: from then on nobody sends here. */
static bool reinitializes(const struct mls_staged_commit *s)
{
    return s->items_n == 1 && s->items[0].p.type == MLS_PROPOSAL_REINIT; /* it stands alone */
}

static void become(struct mls_group *g, struct mls_staged_commit *s, struct merge *m)
{
    keep_resumption(g);
    retire_epoch(g, m, s->info.removes_us ? 0 : g->config.past_epochs);
    clear_pending(g);
    mls_tree_free(&g->tree);
    g->tree = s->tree;
    s->tree = (struct mls_tree){0};
    g->reinitialized |= reinitializes(s);
    g->context = s->context;
    g->ctx = s->ctx;
    s->context = (struct bytes){0};
    g->state_dirty = true;
    if (s->info.removes_us) {
        forget_secrets(g);
        return;
    }
    g->secrets = s->secrets;
    sodium_memzero(g->secrets.encryption, sizeof g->secrets.encryption);
    memcpy(g->interim, s->interim, sizeof g->interim);
    memcpy(g->confirmation_tag, s->confirmation_tag, sizeof g->confirmation_tag);
    g->priv = s->priv;
    g->secret_tree = m->secret_tree;
    memset(&m->secret_tree, 0, sizeof m->secret_tree);
}

static bool is_of_this_epoch(const struct mls_group *g, const struct mls_staged_commit *s)
{
    return s->base_epoch == g->ctx.epoch &&
           slice_eq(bytes_slice(&s->base_confirmed), g->ctx.confirmed_transcript_hash);
}

int mls_group_merge(struct mls_group *group, struct mls_staged_commit *staged, struct err *err)
{
    struct merge m = {0};
    int e;

    if (!group->active)
        e = err_set(err, ERR_STATE, "the group is no longer active");
    else if (!is_of_this_epoch(group, staged))
        e = err_set(err, ERR_CONFLICT, "the commit was made in epoch %llu, the group is in %llu",
                    (unsigned long long)staged->base_epoch, (unsigned long long)group->ctx.epoch);
    else if ((e = merge_prepare(group, staged, &m)) != 0 || (e = burn_handshake(group, staged)) != 0)
        err_set(err, e, "merging a commit");
    else
        become(group, staged, &m);
    merge_end(&m);
    mls_staged_commit_free(staged);
    return e;
}
