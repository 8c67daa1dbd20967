/* The members after a commit: keys unique, capabilities enough (RFC 9420 sections 7.3 and 12.1.7). */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/group.h"
#include "mls/rules.h"

#include <stdlib.h>

/* Up to here each new leaf is compared with all; beyond, all keys are sorted. */
#define FEW 8

static int compare_keys(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static struct slice key_of(const struct mls_leaf *leaf, bool signature)
{
    return signature ? leaf->signature_key : leaf->encryption_key;
}

static bool has_twice(struct slice *keys, size_t n)
{
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1; i < n; i++)
        if (slice_eq(keys[i - 1], keys[i]))
            return true;
    return false;
}

static int all_unique(const struct mls_tree *tree, bool signature, struct err *err)
{
    struct slice *keys = xm_calloc(tree->width, sizeof *keys);
    size_t n = 0;
    bool twice;

    if (!keys)
        return err_set(err, ERR_NOMEM, "keys of the members");
    for (uint32_t i = 0; i < tree->width; i++)
        if (mls_tree_leaf(tree, i))
            keys[n++] = key_of(mls_tree_leaf(tree, i), signature);
    twice = has_twice(keys, n);
    xm_free(keys);
    return twice ? err_set(err, ERR_DENIED, "two members have the same key") : 0;
}

static int one_unique(const struct mls_tree *tree, uint32_t index, struct err *err)
{
    const struct mls_leaf *leaf = mls_tree_leaf(tree, index);

    for (uint32_t i = 0; i < tree->width; i++) {
        const struct mls_leaf *other = mls_tree_leaf(tree, i);

        if (other && i != index &&
            (slice_eq(leaf->signature_key, other->signature_key) ||
             slice_eq(leaf->encryption_key, other->encryption_key)))
            return err_set(err, ERR_DENIED, "leaves %u and %u have a key in common", index, i);
    }
    return 0;
}

static int leaves_unique(const struct mls_tree *tree, struct err *err)
{
    int e = all_unique(tree, true, err);

    return e ? e : all_unique(tree, false, err);
}

int mls_keys_unique(const struct mls_tree *tree, struct err *err)
{
    uint32_t nodes = mls_node_width(tree->width);
    struct slice *keys;
    size_t n = 0;
    bool twice;
    int e = leaves_unique(tree, err);

    if (e)
        return e;
    if (!(keys = xm_calloc(nodes, sizeof *keys)))
        return err_set(err, ERR_NOMEM, "keys of the tree");
    for (uint32_t x = 0; x < nodes; x++)
        if (mls_tree_node(tree, x))
            keys[n++] = mls_node_key(mls_tree_node(tree, x));
    twice = has_twice(keys, n);
    xm_free(keys);
    return twice ? err_set(err, ERR_DENIED, "two nodes of the tree have the same key") : 0;
}

static int keys_unique(const struct mls_staged_commit *s, struct err *err)
{
    int e = 0;

    if (s->added.n + s->updated.n > FEW)
        return leaves_unique(&s->tree, err);
    for (size_t i = 0; i < s->added.n && e == 0; i++)
        e = one_unique(&s->tree, s->added.v[i], err);
    for (size_t i = 0; i < s->updated.n && e == 0; i++)
        e = one_unique(&s->tree, s->updated.v[i], err);
    return e;
}

/* ---- Init keys of those who are added: each is used once, and for nothing else ----
 * RFC 9420 compares an init key with its own leaf alone; OpenMLS refuses the commit (its ValSem102 and
 * 104), so whoever took it would be alone with it. */

static bool is_among(struct slice key, const struct slice *sorted, size_t n)
{
    return bsearch(&key, sorted, n, sizeof *sorted, compare_keys) != NULL;
}

static bool leaf_has_one(const struct mls_leaf *leaf, const struct slice *sorted, size_t n)
{
    return leaf && is_among(leaf->encryption_key, sorted, n);
}

/* The members after the commit, what those who stay had before it, and the new path. */
static bool in_use(const struct mls_group *g, const struct mls_staged_commit *s, const struct slice *sorted, size_t n)
{
    uint32_t committer = s->info.committer_leaf;

    for (uint32_t i = 0; i < s->tree.width; i++)
        if (leaf_has_one(mls_tree_leaf(&s->tree, i), sorted, n))
            return true;
    for (size_t i = 0; i < s->updated.n; i++)
        if (leaf_has_one(mls_tree_leaf(&g->tree, s->updated.v[i]), sorted, n))
            return true;
    if (leaf_has_one(mls_tree_leaf(&g->tree, committer), sorted, n))
        return true;
    for (uint32_t x = 2 * committer; s->info.path_leaf && x != mls_root(s->tree.width);) {
        x = mls_parent(x);
        if (mls_tree_node(&s->tree, x) && is_among(mls_node_key(mls_tree_node(&s->tree, x)), sorted, n))
            return true;
    }
    return false;
}

static int init_keys_new(const struct mls_group *g, const struct mls_staged_commit *s, struct err *err)
{
    struct slice *keys = xm_calloc(s->added.n, sizeof *keys);
    size_t n = 0;
    bool bad;

    if (!keys)
        return err_set(err, ERR_NOMEM, "init keys");
    for (size_t i = 0; i < s->items_n; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_ADD)
            keys[n++] = s->items[i].p.key_package.init_key;
    bad = has_twice(keys, n) || in_use(g, s, keys, n);
    xm_free(keys);
    return bad ? err_set(err, ERR_DENIED, "an added key package has an init key that is in use elsewhere") : 0;
}

/* Each type in use is listed by everybody.  Basic credentials are all there is in practice, so one
 * pass finds the types, and a second one only runs over leaves that may lack one. */
static int credentials_known(const struct mls_tree *tree, struct err *err)
{
    uint16_t types[4];
    size_t n = 0;

    for (uint32_t i = 0; i < tree->width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(tree, i);
        size_t j = 0;

        while (leaf && j < n && types[j] != leaf->credential_type)
            j++;
        if (!leaf || j < n)
            continue;
        if (n == sizeof types / sizeof *types)
            return err_set(err, ERR_TOOBIG, "more than %zu types of credentials in one group", n);
        types[n++] = leaf->credential_type;
    }
    for (uint32_t i = 0; i < tree->width; i++)
        for (size_t j = 0; j < n; j++)
            if (mls_tree_leaf(tree, i) && !mls_u16_list_has(mls_tree_leaf(tree, i)->capabilities.credentials, types[j]))
                return err_set(err, ERR_DENIED, "leaf %u does not list credential type %u", i, types[j]);
    return 0;
}

static int fits(const struct mls_group *g, const struct mls_staged_commit *s, uint32_t index, struct err *err)
{
    return mls_leaf_fits(&g->config, mls_tree_leaf(&s->tree, index), g->ctx.suite, s->extensions, err);
}

int mls_staged_check_leaves(struct mls_group *g, struct mls_staged_commit *s, const struct mls_leaf *path_leaf,
                            struct err *err)
{
    bool path_moves = path_leaf != NULL;
    int e = 0;

    if (path_leaf) {
        const struct mls_leaf *old = mls_tree_leaf(&g->tree, s->info.committer_leaf);

        if (path_leaf->signature_key.len != MLS_KEY_LEN)
            return err_set(err, ERR_MALFORMED, "signature key of the committer's new leaf");
        path_moves = s->info.is_external || !old || !slice_eq(old->signature_key, path_leaf->signature_key) ||
                     old->credential_type != path_leaf->credential_type;
        if ((e = mls_extensions_check(path_leaf->extensions, err)) != 0 ||
            (e = fits(g, s, s->info.committer_leaf, err)) != 0)
            return e;
        if (path_moves && (e = one_unique(&s->tree, s->info.committer_leaf, err)) != 0)
            return e;
    }
    if (s->has_extensions) {
        for (uint32_t i = 0; i < s->tree.width && e == 0; i++)
            e = mls_tree_leaf(&s->tree, i) ? fits(g, s, i, err) : 0;
    } else {
        for (size_t i = 0; i < s->added.n && e == 0; i++)
            e = fits(g, s, s->added.v[i], err);
        for (size_t i = 0; i < s->updated.n && e == 0; i++)
            e = fits(g, s, s->updated.v[i], err);
    }
    if (e == 0)
        e = keys_unique(s, err);
    if (e == 0 && s->added.n)
        e = init_keys_new(g, s, err);
    if (e == 0 && (path_moves || s->added.n || s->updated.n))
        e = credentials_known(&s->tree, err);
    return e;
}
