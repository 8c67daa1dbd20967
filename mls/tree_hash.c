/* Tree hashes, parent hashes, and what a joiner verifies about a tree (RFC 9420 sections 7.8, 7.9
 * and 12.4.3.1). */
#include "base/err.h"
#include "crypto/hash.h"
#include "mls/codec.h"
#include "mls/tree.h"

#include <string.h>

enum { NODE_LEAF = 1, NODE_PARENT = 2 };

static void be32(uint32_t v, uint8_t out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* TreeHashInput of a leaf. */
static void hash_leaf(uint32_t leaf_index, const struct mls_node *n, uint8_t out[MLS_HASH_LEN])
{
    uint8_t head[6] = {NODE_LEAF, 0, 0, 0, 0, n != NULL};
    struct slice parts[2] = {slice_of(head, sizeof head), n ? mls_node_raw(n) : (struct slice){0}};

    be32(leaf_index, head + 1);
    hash_sha256_parts(parts, 2, out);
}

static void hash_parent(struct slice raw, bool present, const uint8_t left[MLS_HASH_LEN],
                        const uint8_t right[MLS_HASH_LEN], uint8_t out[MLS_HASH_LEN])
{
    static const uint8_t hash_len = MLS_HASH_LEN;
    uint8_t head[2] = {NODE_PARENT, present};
    struct slice parts[6] = {
        slice_of(head, sizeof head),      raw,
        slice_of(&hash_len, 1),           slice_of(left, MLS_HASH_LEN),
        slice_of(&hash_len, 1),           slice_of(right, MLS_HASH_LEN),
    };

    hash_sha256_parts(parts, 6, out);
}

/* Filling the cache changes no block's meaning, so shared blocks may be filled in place. */
const uint8_t *mls_tree_hash(struct mls_tree *tree, uint32_t x)
{
    struct mls_slot *slot = mls_tree_slot(tree, x);

    if (slot->hashed)
        return slot->hash;
    if (mls_level(x) == 0) {
        hash_leaf(x / 2, slot->node, slot->hash);
    } else {
        const uint8_t *left = mls_tree_hash(tree, mls_left(x)), *right = mls_tree_hash(tree, mls_right(x));

        hash_parent(slot->node ? mls_node_raw(slot->node) : (struct slice){0}, slot->node != NULL, left, right,
                    slot->hash);
    }
    slot->hashed = true;
    return slot->hash;
}

static uint32_t u32_at(struct slice list, size_t i)
{
    struct reader r = reader_of(slice_of(list.data + 4 * i, 4));

    return read_u32(&r);
}

/* The place of the first entry that is not below `x`; lists are ascending. */
static size_t u32s_lower(struct slice list, uint32_t x)
{
    size_t lo = 0, hi = list.len / 4;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (u32_at(list, mid) < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool u32s_have(struct slice list, uint32_t x)
{
    size_t i = u32s_lower(list, x);

    return i < list.len / 4 && u32_at(list, i) == x;
}

/* How many of these leaves lie at or below node x. */
static size_t u32s_below(struct slice list, uint32_t x)
{
    uint32_t half = 1u << mls_level(x), first = (x + 1 - half) / 2;

    return u32s_lower(list, first + half) - u32s_lower(list, first);
}

/* The tree hash as it was before the leaves in `without` were added: their leaf blank, and their
 * index off the unmerged lists on the way. */
static int original_hash(struct mls_tree *tree, uint32_t x, struct slice without, uint8_t out[MLS_HASH_LEN])
{
    const struct mls_node *n = mls_tree_node(tree, x);
    uint8_t left[MLS_HASH_LEN], right[MLS_HASH_LEN];
    struct buf kept = BUF_INIT, raw = BUF_INIT;
    struct reader r;
    int e;

    if (!u32s_below(without, x)) {
        memcpy(out, mls_tree_hash(tree, x), MLS_HASH_LEN);
        return 0;
    }
    if (mls_level(x) == 0) {
        hash_leaf(x / 2, NULL, out);
        return 0;
    }
    if ((e = original_hash(tree, mls_left(x), without, left)) != 0 ||
        (e = original_hash(tree, mls_right(x), without, right)) != 0)
        return e;
    if (n) {
        for (r = reader_of(n->parent.unmerged); reader_left(&r);) {
            uint32_t leaf = read_u32(&r);

            if (!u32s_have(without, leaf))
                buf_put_u32(&kept, leaf);
        }
        buf_put_vec(&raw, n->parent.encryption_key);
        buf_put_vec(&raw, n->parent.parent_hash);
        buf_put_vec(&raw, buf_slice(&kept));
    }
    if (buf_ok(&kept) && buf_ok(&raw))
        hash_parent(buf_slice(&raw), n != NULL, left, right, out);
    else
        e = ERR_NOMEM;
    buf_free(&kept);
    buf_free(&raw);
    return e;
}

int mls_parent_hash(struct mls_tree *tree, uint32_t p, uint32_t copath_child, uint8_t out[MLS_HASH_LEN])
{
    const struct mls_node *n = mls_tree_node(tree, p);
    uint8_t sibling[MLS_HASH_LEN], key_head[4], hash_head[4];
    static const uint8_t hash_len = MLS_HASH_LEN;
    struct slice parts[6];
    int e = original_hash(tree, copath_child, n->parent.unmerged, sibling);

    if (e)
        return e;
    parts[0] = slice_of(key_head, mls_vec_prefix(n->parent.encryption_key.len, key_head));
    parts[1] = n->parent.encryption_key;
    parts[2] = slice_of(hash_head, mls_vec_prefix(n->parent.parent_hash.len, hash_head));
    parts[3] = n->parent.parent_hash;
    parts[4] = slice_of(&hash_len, 1);
    parts[5] = slice_of(sibling, sizeof sibling);
    hash_sha256_parts(parts, 6, out);
    return 0;
}

static struct slice parent_hash_of(const struct mls_node *n)
{
    return n->is_leaf ? n->leaf.parent_hash : n->parent.parent_hash;
}

/* Is `p` parent-hash valid with respect to a node D in the resolution of `child`: D carries the hash
 * of `p`, and what else the child resolves to are the unmerged leaves of `p` below it. */
static int child_confirms(struct mls_tree *tree, uint32_t p, uint32_t child, uint32_t other, bool *out)
{
    struct slice unmerged = mls_tree_node(tree, p)->parent.unmerged;
    struct mls_indices res = {0};
    uint8_t hash[MLS_HASH_LEN];
    size_t others = 0, confirming = 0;
    int e = mls_parent_hash(tree, p, other, hash);

    *out = false;
    if (e || (e = mls_tree_resolution(tree, child, NULL, &res)) != 0)
        goto done;
    for (size_t i = 0; i < res.n; i++) {
        uint32_t x = res.v[i];

        if (mls_level(x) == 0 && u32s_have(unmerged, x / 2))
            others++;
        else if (slice_eq(parent_hash_of(mls_tree_node(tree, x)), slice_of(hash, sizeof hash)))
            confirming++;
    }
    *out = confirming == 1 && others == res.n - 1 && others == u32s_below(unmerged, child);
done:
    mls_indices_free(&res);
    return e;
}

/* Hostile trees could name many unmerged leaves at every level; the sum of the work stays in
 * bounds because mls_tree_verify_unmerged() has run before. */
int mls_tree_verify_parent_hashes(struct mls_tree *tree, struct err *err)
{
    bool left, right;
    int e;

    for (uint32_t x = 1; x < mls_node_width(tree->width); x += 2) {
        if (!mls_tree_node(tree, x))
            continue;
        if ((e = child_confirms(tree, x, mls_left(x), mls_right(x), &left)) != 0 ||
            (e = child_confirms(tree, x, mls_right(x), mls_left(x), &right)) != 0)
            return err_set(err, e, "checking parent hashes");
        if (!left && !right)
            return err_set(err, ERR_AUTH, "parent hash of node %u is not confirmed by one of its children", x);
    }
    return 0;
}

/* Section 7.9.2 and 12.4.3.1: each entry is a leaf in use below the node, in ascending order, and
 * every parent between lists it too. */
static bool unmerged_entry_ok(const struct mls_tree *tree, uint32_t x, uint32_t leaf)
{
    if (leaf >= tree->width || !mls_tree_node(tree, 2 * leaf) || !mls_is_below(2 * leaf, x))
        return false;
    for (uint32_t y = mls_parent(2 * leaf); y != x; y = mls_parent(y)) {
        const struct mls_node *n = mls_tree_node(tree, y);

        if (n && !u32s_have(n->parent.unmerged, leaf))
            return false;
    }
    return true;
}

static int parent_shape(const struct mls_parent *p, uint32_t x, struct err *err)
{
    if (p->encryption_key.len != MLS_KEY_LEN ||
        (p->parent_hash.len != 0 && p->parent_hash.len != MLS_HASH_LEN))
        return err_set(err, ERR_MALFORMED, "node %u has a key or hash of a wrong length", x);
    for (size_t i = 1; i < p->unmerged.len / 4; i++)
        if (u32_at(p->unmerged, i) <= u32_at(p->unmerged, i - 1))
            return err_set(err, ERR_DENIED, "unmerged leaves of node %u out of order", x);
    return 0;
}

/* All lists are seen to be ascending before the first is searched. */
int mls_tree_verify_unmerged(const struct mls_tree *tree, struct err *err)
{
    const struct mls_node *n;
    int e;

    for (uint32_t x = 1; x < mls_node_width(tree->width); x += 2)
        if ((n = mls_tree_node(tree, x)) && (e = parent_shape(&n->parent, x, err)) != 0)
            return e;
    for (uint32_t x = 1; x < mls_node_width(tree->width); x += 2) {
        if (!(n = mls_tree_node(tree, x)))
            continue;
        for (size_t i = 0; i < n->parent.unmerged.len / 4; i++)
            if (!unmerged_entry_ok(tree, x, u32_at(n->parent.unmerged, i)))
                return err_set(err, ERR_DENIED, "unmerged leaf %u of node %u", u32_at(n->parent.unmerged, i), x);
    }
    return 0;
}

int mls_tree_verify_leaves(const struct mls_tree *tree, struct slice group_id, struct err *err)
{
    for (uint32_t i = 0; i < tree->width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(tree, i);
        int e;

        if (!leaf)
            continue;
        if (leaf->encryption_key.len != MLS_KEY_LEN || leaf->signature_key.len != MLS_KEY_LEN)
            return err_set(err, ERR_MALFORMED, "leaf %u has a key of a wrong length", i);
        if ((e = mls_leaf_verify(leaf, group_id, i)) != 0)
            return err_set(err, e, "signature of leaf %u", i);
    }
    return 0;
}
