/* A received commit: from verified content to the staged state it leads to (RFC 9420 section
 * 12.4.2). */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/external.h"
#include "mls/process.h"

#include <sodium.h>

static const struct mls_pending *find_pending(const struct mls_group *g, struct slice ref)
{
    for (uint32_t i = 0; i < g->pending_n; i++)
        if (slice_eq(slice_of(g->pending[i].ref, MLS_HASH_LEN), ref))
            return &g->pending[i];
    return NULL;
}

static int collect_items(const struct mls_group *g, struct mls_staged_commit *s,
                         const struct mls_framed_content *content, struct err *err)
{
    struct slice list = content->commit.proposals;
    struct mls_proposal_or_ref one;
    const struct mls_pending *known;
    int e = 0;

    while (e == 0 && mls_next_proposal(&list, &one)) {
        if (!one.is_ref) {
            e = mls_staged_add_item(s, one.proposal.raw, content->sender, false);
            continue;
        }
        known = find_pending(g, one.ref);
        if (!known)
            return err_set(err, ERR_DENIED, "a commit refers to a proposal that we do not have");
        e = mls_staged_add_item(s, bytes_slice(&known->raw), known->sender, true);
    }
    return e ? err_set(err, e, "proposals of a commit") : 0;
}

static int external_secret(const struct mls_group *g, struct mls_staged_commit *s, struct err *err)
{
    for (size_t i = 0; i < s->items_n; i++) {
        int e;

        if (s->items[i].p.type != MLS_PROPOSAL_EXTERNAL_INIT)
            continue;
        e = mls_external_init_open(g->ctx.suite, g->secrets.external, s->items[i].p.kem_output, s->external_init);
        if (e)
            return err_set(err, e, "external_init");
        s->has_external_init = true;
    }
    return 0;
}

static int apply_path(struct mls_group *g, struct mls_staged_commit *s, const struct mls_update_path *path,
                      struct err *err)
{
    uint32_t leaf = s->info.committer_leaf;
    int e = mls_leaf_verify(&path->leaf, g->ctx.group_id, leaf);

    if (e)
        return err_set(err, e, "signature of the new leaf of %u", leaf);
    if ((e = mls_path_apply(&s->tree, leaf, path, err)) != 0)
        return e;
    s->info.path_leaf = mls_tree_leaf(&s->tree, leaf);
    return 0;
}

static int open_path(struct mls_group *g, struct mls_staged_commit *s, const struct mls_update_path *path,
                     uint8_t commit_secret[MLS_HASH_LEN], struct err *err)
{
    struct bytes context = {0};
    int e = mls_staged_provisional(g, s, &context);

    if (e)
        return err_set(err, e, "commit");
    e = mls_path_decrypt(&s->tree, &s->priv, g->own_leaf, s->info.committer_leaf, path, g->ctx.suite,
                         bytes_slice(&context), &s->added, NULL, commit_secret, err);
    bytes_free(&context);
    return e;
}

static int finish(struct mls_group *g, struct mls_staged_commit *s, uint16_t wire_format,
                  const struct mls_framed_content *content, const struct mls_content_auth *auth, struct err *err)
{
    uint8_t commit_secret[MLS_HASH_LEN] = {0}, joiner[MLS_HASH_LEN];
    int e = 0;

    if (content->commit.has_path && !s->info.removes_us)
        e = open_path(g, s, &content->commit.path, commit_secret, err);
    if (e == 0)
        e = mls_staged_finish(g, s, wire_format, content, auth->signature, s->info.removes_us ? NULL : commit_secret,
                              joiner, err);
    sodium_memzero(commit_secret, sizeof commit_secret);
    sodium_memzero(joiner, sizeof joiner);
    if (e)
        return e;
    if (!s->info.removes_us &&
        !slice_eq_secret(auth->confirmation_tag, slice_of(s->confirmation_tag, MLS_HASH_LEN)))
        return err_set(err, ERR_AUTH, "confirmation tag");
    mls_private_prune(&s->priv, g->own_leaf, &s->tree);
    return 0;
}

static int stage(struct mls_group *g, struct mls_staged_commit *s, uint16_t wire_format,
                 const struct mls_framed_content *content, const struct mls_content_auth *auth, struct err *err)
{
    const struct mls_commit *commit = &content->commit;
    int e;

    s->info.is_external = content->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    s->info.committer_leaf = content->sender.leaf;
    if ((e = collect_items(g, s, content, err)) != 0 ||
        (e = mls_staged_apply(g, s, content->sender, commit->has_path, err)) != 0)
        return e;
    if (s->info.is_external) {
        if ((e = external_secret(g, s, err)) != 0)
            return e;
        if ((e = mls_tree_free_leaf(&s->tree, g->config.max_leaves, &s->info.committer_leaf)) != 0)
            return err_set(err, e, "a leaf for an external commit");
    }
    if (commit->has_path && (e = apply_path(g, s, &commit->path, err)) != 0)
        return e;
    if ((e = mls_staged_check_leaves(g, s, s->info.path_leaf, err)) != 0)
        return e;
    return finish(g, s, wire_format, content, auth, err);
}

int mls_process_commit(struct mls_group *g, uint16_t wire_format, const struct mls_framed_content *content,
                       const struct mls_content_auth *auth, struct mls_staged_commit **out, struct err *err)
{
    struct mls_staged_commit *s = NULL;
    int e = mls_staged_new(g, &s);

    if (e)
        return err_set(err, e, "commit");
    if ((e = stage(g, s, wire_format, content, auth, err)) != 0) {
        mls_staged_commit_free(s);
        return e;
    }
    mls_staged_describe(s);
    *out = s;
    return 0;
}
