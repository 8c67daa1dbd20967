/* What proposals do to the tree (RFC 9420 sections 7.7 and 12.1). */
#include "base/err.h"
#include "mls/tree.h"

#include "base/alloc.h"

int mls_tree_blank_path(struct mls_tree *tree, uint32_t leaf_index)
{
    uint32_t root = mls_root(tree->width);
    int r;

    for (uint32_t x = 2 * leaf_index; x != root;) {
        x = mls_parent(x);
        if (mls_tree_node(tree, x) && (r = mls_tree_set(tree, x, NULL)) != 0)
            return r;
    }
    return 0;
}

/* Lists stay sorted: whoever is added later may get a lower leaf. */
static struct mls_node *with_unmerged(const struct mls_parent *p, uint32_t leaf)
{
    uint8_t be[4] = {(uint8_t)(leaf >> 24), (uint8_t)(leaf >> 16), (uint8_t)(leaf >> 8), (uint8_t)leaf};
    struct buf list = BUF_INIT;
    struct reader r = reader_of(p->unmerged);
    struct mls_node *n = NULL;
    size_t before = 0;

    while (reader_left(&r) && read_u32(&r) < leaf)
        before += 4;
    buf_put(&list, p->unmerged.data, before);
    buf_put(&list, be, sizeof be);
    buf_put(&list, p->unmerged.data + before, p->unmerged.len - before);
    if (buf_ok(&list))
        n = mls_node_make_parent(p->encryption_key, p->parent_hash, buf_slice(&list));
    buf_free(&list);
    return n;
}

int mls_tree_free_leaf(struct mls_tree *tree, uint32_t max_leaves, uint32_t *leaf_index)
{
    uint32_t i = 0;
    int r;

    while (i < tree->width && mls_tree_node(tree, 2 * i))
        i++;
    if (i == tree->width) {
        if (tree->width && tree->width * 2 > max_leaves)
            return ERR_TOOBIG;
        if ((r = mls_tree_resize(tree, tree->width ? tree->width * 2 : 1)) != 0)
            return r;
    }
    *leaf_index = i;
    return 0;
}

int mls_tree_add_leaf(struct mls_tree *tree, struct slice leaf, uint32_t max_leaves, uint32_t *leaf_index)
{
    uint32_t i, root;
    struct mls_node *n;
    int r;

    if ((r = mls_tree_free_leaf(tree, max_leaves, &i)) != 0)
        return r;
    if (!(n = mls_node_from_leaf(leaf)))
        return ERR_NOMEM;
    if ((r = mls_tree_set(tree, 2 * i, n)) != 0)
        return r;
    root = mls_root(tree->width);
    for (uint32_t x = 2 * i; x != root;) {
        const struct mls_node *above;

        x = mls_parent(x);
        above = mls_tree_node(tree, x);
        if (!above)
            continue;
        if (!(n = with_unmerged(&above->parent, i)))
            return ERR_NOMEM;
        if ((r = mls_tree_set(tree, x, n)) != 0)
            return r;
    }
    *leaf_index = i;
    return 0;
}

int mls_tree_update_leaf(struct mls_tree *tree, uint32_t leaf_index, struct slice leaf)
{
    struct mls_node *n = mls_node_from_leaf(leaf);
    int r;

    if (!n)
        return ERR_NOMEM;
    if ((r = mls_tree_set(tree, 2 * leaf_index, n)) != 0)
        return r;
    return mls_tree_blank_path(tree, leaf_index);
}

int mls_tree_remove_leaf(struct mls_tree *tree, uint32_t leaf_index)
{
    int r = mls_tree_set(tree, 2 * leaf_index, NULL);

    return r ? r : mls_tree_blank_path(tree, leaf_index);
}
