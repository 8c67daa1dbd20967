/* TreeKEM (RFC 9420 sections 7.4 to 7.6): update paths and the private keys they give.
 *
 * Both ways work on a fork of the tree to which the commit's proposals have been applied.
 * Thread: that of the tree. */
#pragma once
#include "base/bytes.h"
#include "mls/codec.h"
#include "mls/mls.h"
#include "mls/tree.h"

#include <stdint.h>

struct err;

#define MLS_PATH_MAX 17 /* levels above a leaf in a tree of MLS_MAX_LEAVES, and one */

/* The private keys of one member: its leaf, and the nodes above it that it knows.  Holds secrets. */
struct mls_private {
    uint8_t leaf[MLS_KEY_LEN];
    uint32_t n;
    struct {
        uint32_t node;
        uint8_t secret[MLS_KEY_LEN];
    } path[MLS_PATH_MAX];
};
void mls_private_wipe(struct mls_private *priv);
/* NULL: no key of that node. */
const uint8_t *mls_private_key(const struct mls_private *priv, uint32_t own_leaf, uint32_t node);
/* Drops keys of nodes that are blank in `tree` or no longer above the leaf. */
void mls_private_prune(struct mls_private *priv, uint32_t own_leaf, const struct mls_tree *tree);
/* Sets the keys from `node` (above `own_leaf`) to the top from its path secret, checks each against
 * the public key in the tree, and gives the commit secret (may be NULL).  `sender_leaf`'s filtered
 * path is the one to follow.  ERR_AUTH, ERR_NOMEM. */
int mls_private_from_path_secret(struct mls_private *priv, const struct mls_tree *tree, uint32_t sender_leaf,
                                 uint32_t node, const uint8_t path_secret[MLS_HASH_LEN],
                                 uint8_t commit_secret[MLS_HASH_LEN]);

/* A path being made.  Holds secrets. */
struct mls_path_keys {
    struct mls_indices nodes;         /* the filtered direct path */
    uint8_t secrets[MLS_PATH_MAX][MLS_HASH_LEN]; /* path secret of each */
    uint8_t commit_secret[MLS_HASH_LEN];
    struct mls_private priv; /* ours afterwards */
};
void mls_path_keys_wipe(struct mls_path_keys *keys);

/* Draws new keys for the leaf and everything above it, and puts them into the tree; the new leaf
 * keeps what `old` says apart from key, source and signature. */
int mls_path_generate(struct mls_tree *tree, uint32_t leaf_index, const struct mls_leaf *old, struct slice group_id,
                      const struct mls_signer *signer, const struct rand *rand, struct mls_path_keys *keys,
                      struct err *err);
/* The UpdatePath: path secrets encrypted under `context` (the provisional GroupContext) to all but
 * `added` (ascending leaf indices). */
int mls_path_encrypt(const struct mls_tree *tree, uint32_t leaf_index, const struct mls_path_keys *keys,
                     uint16_t suite, struct slice context, const struct mls_indices *added, const struct rand *rand,
                     struct buf *out, struct err *err);

/* Checks a received path (key lengths, keys new, parent hashes) and puts it into the tree.  The leaf's
 * signature is checked by the caller.  ERR_AUTH, ERR_DENIED, ERR_NOMEM. */
int mls_path_apply(struct mls_tree *tree, uint32_t sender_leaf, const struct mls_update_path *path, struct err *err);
/* Opens our part of it.  `path_secret` (may be NULL) gets the secret that was encrypted to us. */
int mls_path_decrypt(const struct mls_tree *tree, struct mls_private *priv, uint32_t own_leaf, uint32_t sender_leaf,
                     const struct mls_update_path *path, uint16_t suite, struct slice context,
                     const struct mls_indices *added, uint8_t path_secret[MLS_HASH_LEN],
                     uint8_t commit_secret[MLS_HASH_LEN], struct err *err);
