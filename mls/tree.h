/* The ratchet tree (RFC 9420 sections 4 and 7): nodes, blanks, hashes.
 *
 * Slots lie in small reference-counted blocks: 16 leaves, or the 15 parents of four levels above
 * 16 nodes.  mls_tree_fork() shares all blocks, and a change copies only the blocks it touches, so
 * that a commit can be tried out on a group of thousands and dropped again.  The same blocks are
 * the stored pieces.  A node never changes once it is in a tree; it is replaced.
 *
 * Each slot caches its tree hash (section 7.8).  A change clears the hashes on the way to the root,
 * so a hash that is there is right.  Thread: a tree and its forks belong to one thread. */
#pragma once
#include "base/bytes.h"
#include "base/reader.h"
#include "mls/mls.h"
#include "mls/tree_math.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct mls_parent {
    struct slice encryption_key, parent_hash;
    struct slice unmerged; /* big-endian leaf indices, 4 bytes each, ascending */
};

struct mls_node {
    uint32_t refs;
    bool is_leaf;
    union {
        struct mls_leaf leaf;
        struct mls_parent parent;
    };
    size_t raw_len;
    uint8_t raw[]; /* the serialised LeafNode or ParentNode, which the slices point into */
};

/* New nodes have one reference, the caller's.  NULL when out of memory or `raw` does not parse. */
struct mls_node *mls_node_from_leaf(struct slice raw);
struct mls_node *mls_node_from_parent(struct slice raw);
struct mls_node *mls_node_make_parent(struct slice encryption_key, struct slice parent_hash, struct slice unmerged);
void mls_node_unref(struct mls_node *node); /* NULL is fine */
static inline struct slice mls_node_key(const struct mls_node *node)
{
    return node->is_leaf ? node->leaf.encryption_key : node->parent.encryption_key;
}
static inline struct slice mls_node_raw(const struct mls_node *node)
{
    return slice_of(node->raw, node->raw_len);
}

#define MLS_BLOCK_SLOTS 16
#define MLS_BANDS 4 /* of four levels each */
/* What the bands hold.  A group of today has a few thousand; a tree of this size takes 20 MB. */
#define MLS_MAX_LEAVES 65536

struct mls_slot {
    struct mls_node *node; /* NULL: blank */
    uint32_t key_tag;      /* first bytes of the node's key: a search looks at few nodes themselves */
    bool hashed;
    uint8_t hash[MLS_HASH_LEN];
};
struct mls_block {
    uint32_t refs;
    bool stored; /* by the owning group, since the last change */
    struct mls_slot slot[MLS_BLOCK_SLOTS];
};
/* Zero-initialised is an empty tree. */
struct mls_tree {
    uint32_t width; /* leaves, a power of two */
    uint32_t blocks_n[MLS_BANDS + 1]; /* [0]: leaves; [1..]: bands of parents */
    struct mls_block **blocks[MLS_BANDS + 1];
};

int mls_tree_fork(const struct mls_tree *from, struct mls_tree *out); /* ERR_NOMEM */
void mls_tree_free(struct mls_tree *tree);
/* Grows or shrinks to `width` leaves; what lies beyond is dropped. */
int mls_tree_resize(struct mls_tree *tree, uint32_t width);
/* Halves the tree while its right half has no leaf (section 7.7). */
int mls_tree_truncate(struct mls_tree *tree);

/* NULL: blank, or out of range. */
const struct mls_node *mls_tree_node(const struct mls_tree *tree, uint32_t x);
static inline const struct mls_leaf *mls_tree_leaf(const struct mls_tree *tree, uint32_t leaf_index)
{
    const struct mls_node *n = leaf_index < tree->width ? mls_tree_node(tree, 2 * leaf_index) : NULL;

    return n ? &n->leaf : NULL;
}
/* For the hash cache alone. */
struct mls_slot *mls_tree_slot(struct mls_tree *tree, uint32_t x);
/* Takes the caller's reference of `node` in any case; NULL blanks.  ERR_NOMEM: tree unchanged. */
int mls_tree_set(struct mls_tree *tree, uint32_t x, struct mls_node *node);

/* One more than the highest leaf in use; the number of leaves in use. */
uint32_t mls_tree_leaf_count(const struct mls_tree *tree);
uint32_t mls_tree_member_count(const struct mls_tree *tree);
bool mls_tree_find_signature_key(const struct mls_tree *tree, struct slice key, uint32_t *leaf_index);
/* Is one of these keys that of any node?  (n is small: a path.) */
bool mls_tree_has_key(const struct mls_tree *tree, const struct slice *keys, size_t n);
uint32_t mls_key_tag(struct slice key);

/* A list of node indices that grows. */
struct mls_indices {
    uint32_t *v;
    size_t n, cap;
    bool bad; /* out of memory */
};
void mls_indices_add(struct mls_indices *list, uint32_t x);
void mls_indices_free(struct mls_indices *list);
/* The resolution of a node (section 4.1.1), appended; leaves in the sorted list `without` are left
 * out (NULL: none).  ERR_NOMEM. */
int mls_tree_resolution(const struct mls_tree *tree, uint32_t x, const struct mls_indices *without,
                        struct mls_indices *out);
bool mls_tree_resolves_to_nothing(const struct mls_tree *tree, uint32_t x);
/* The filtered direct path of a leaf (section 4.1.2), bottom up, appended. */
int mls_tree_filtered_path(const struct mls_tree *tree, uint32_t leaf_index, struct mls_indices *out);

/* tree_ops.c: the changes that proposals make (sections 7.7 and 12.1). */
int mls_tree_blank_path(struct mls_tree *tree, uint32_t leaf_index);
/* The leftmost blank leaf, for which the tree grows if need be.  ERR_TOOBIG over `max_leaves`. */
int mls_tree_free_leaf(struct mls_tree *tree, uint32_t max_leaves, uint32_t *leaf_index);
int mls_tree_add_leaf(struct mls_tree *tree, struct slice leaf, uint32_t max_leaves, uint32_t *leaf_index);
int mls_tree_update_leaf(struct mls_tree *tree, uint32_t leaf_index, struct slice leaf);
/* Without truncation, which follows the last remove. */
int mls_tree_remove_leaf(struct mls_tree *tree, uint32_t leaf_index);

/* tree_codec.c: ratchet_tree (section 7.4.3): the bytes inside the vector.  `max_leaves` bounds the
 * width.  ERR_MALFORMED, ERR_TOOBIG, ERR_NOMEM. */
int mls_tree_parse(struct slice nodes, uint32_t max_leaves, struct mls_tree *out, struct err *err);
void mls_tree_put(struct buf *b, const struct mls_tree *tree);

/* tree_hash.c.  The tree hash of a node (section 7.8). */
const uint8_t *mls_tree_hash(struct mls_tree *tree, uint32_t x);
/* The parent hash of parent node `p` towards its child `copath_child` (section 7.9): over its key, its
 * own parent hash and the hash of the child's subtree, without the unmerged leaves of `p`. */
int mls_parent_hash(struct mls_tree *tree, uint32_t p, uint32_t copath_child, uint8_t out[MLS_HASH_LEN]);
/* Everything a joiner checks: parent hashes (7.9.2), unmerged leaves, key lengths, leaf signatures.
 * ERR_AUTH, ERR_DENIED, ERR_NOMEM. */
int mls_tree_verify_parent_hashes(struct mls_tree *tree, struct err *err);
int mls_tree_verify_unmerged(const struct mls_tree *tree, struct err *err);
int mls_tree_verify_leaves(const struct mls_tree *tree, struct slice group_id, struct err *err);
