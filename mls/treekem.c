#include "mls/treekem.h"

#include "base/err.h"
#include "crypto/hpke.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

void mls_private_wipe(struct mls_private *priv)
{
    sodium_memzero(priv, sizeof *priv);
}

const uint8_t *mls_private_key(const struct mls_private *priv, uint32_t own_leaf, uint32_t node)
{
    if (node == 2 * own_leaf)
        return priv->leaf;
    for (uint32_t i = 0; i < priv->n; i++)
        if (priv->path[i].node == node)
            return priv->path[i].secret;
    return NULL;
}

static void private_drop(struct mls_private *priv, uint32_t i)
{
    priv->n--;
    memmove(&priv->path[i], &priv->path[i + 1], (priv->n - i) * sizeof priv->path[0]);
    sodium_memzero(&priv->path[priv->n], sizeof priv->path[0]);
}

void mls_private_prune(struct mls_private *priv, uint32_t own_leaf, const struct mls_tree *tree)
{
    for (uint32_t i = 0; i < priv->n;) {
        uint32_t x = priv->path[i].node;

        if (mls_tree_node(tree, x) && mls_is_below(2 * own_leaf, x))
            i++;
        else
            private_drop(priv, i);
    }
}

static int private_set(struct mls_private *priv, uint32_t node, const uint8_t secret[MLS_KEY_LEN])
{
    uint32_t i = 0;

    while (i < priv->n && priv->path[i].node != node)
        i++;
    if (i == MLS_PATH_MAX)
        return ERR_TOOBIG;
    if (i == priv->n)
        priv->n++;
    priv->path[i].node = node;
    memcpy(priv->path[i].secret, secret, MLS_KEY_LEN);
    return 0;
}

/* node_secret, then DeriveKeyPair (section 7.4). */
static void node_key(const uint8_t path_secret[MLS_HASH_LEN], struct x25519_key *out)
{
    uint8_t node_secret[MLS_HASH_LEN];

    mls_derive_secret(path_secret, "node", node_secret);
    hpke_derive_key(slice_of(node_secret, sizeof node_secret), out);
    sodium_memzero(node_secret, sizeof node_secret);
}

static int follow_path(struct mls_private *priv, const struct mls_tree *tree, const struct mls_indices *path,
                       size_t from, uint8_t secret[MLS_HASH_LEN])
{
    struct x25519_key key;
    uint8_t next[MLS_HASH_LEN];
    int e = 0;

    for (size_t i = from; i < path->n && e == 0; i++) {
        const struct mls_node *n = mls_tree_node(tree, path->v[i]);

        node_key(secret, &key);
        if (!n || !slice_eq(mls_node_key(n), slice_of(key.public_key, MLS_KEY_LEN)))
            e = ERR_AUTH;
        else
            e = private_set(priv, path->v[i], key.secret);
        mls_derive_secret(secret, "path", next);
        memcpy(secret, next, sizeof next);
    }
    x25519_wipe(&key);
    sodium_memzero(next, sizeof next);
    return e;
}

int mls_private_from_path_secret(struct mls_private *priv, const struct mls_tree *tree, uint32_t sender_leaf,
                                 uint32_t node, const uint8_t path_secret[MLS_HASH_LEN],
                                 uint8_t commit_secret[MLS_HASH_LEN])
{
    struct mls_indices path = {0};
    uint8_t secret[MLS_HASH_LEN];
    size_t from = 0;
    int e = mls_tree_filtered_path(tree, sender_leaf, &path);

    memcpy(secret, path_secret, sizeof secret);
    if (e)
        goto done;
    while (from < path.n && path.v[from] != node)
        from++;
    if (from == path.n) {
        e = ERR_AUTH;
        goto done;
    }
    e = follow_path(priv, tree, &path, from, secret);
    if (e == 0 && commit_secret)
        memcpy(commit_secret, secret, sizeof secret);
done:
    sodium_memzero(secret, sizeof secret);
    mls_indices_free(&path);
    return e;
}

/* ---- Making a path ---- */

void mls_path_keys_wipe(struct mls_path_keys *keys)
{
    mls_indices_free(&keys->nodes);
    sodium_memzero(keys, sizeof *keys);
}

/* Puts keys into the nodes of the path from the top down, each with the parent hash of the one
 * above; gives the parent hash of the leaf. */
static int set_path_nodes(struct mls_tree *tree, uint32_t leaf_index, const struct mls_indices *path,
                          const struct slice *keys, uint8_t leaf_parent_hash[MLS_HASH_LEN], size_t *leaf_parent_hash_len)
{
    uint8_t hash[MLS_HASH_LEN];
    size_t hash_len = 0;
    int e;

    for (size_t i = path->n; i--;) {
        uint32_t x = path->v[i];
        struct mls_node *n = mls_node_make_parent(keys[i], slice_of(hash, hash_len), (struct slice){0});

        if (!n)
            return ERR_NOMEM;
        if ((e = mls_tree_set(tree, x, n)) != 0 ||
            (e = mls_parent_hash(tree, x, mls_sibling(mls_child_towards(x, 2 * leaf_index)), hash)) != 0)
            return e;
        hash_len = sizeof hash;
    }
    memcpy(leaf_parent_hash, hash, hash_len);
    *leaf_parent_hash_len = hash_len;
    return 0;
}

static int make_leaf(const struct mls_leaf *old, struct slice encryption_key, struct slice parent_hash,
                     struct slice group_id, uint32_t leaf_index, const struct mls_signer *signer, struct buf *out)
{
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_leaf leaf = *old;
    struct buf tbs = BUF_INIT;
    int e;

    leaf.encryption_key = encryption_key;
    leaf.source = MLS_LEAF_COMMIT;
    leaf.parent_hash = parent_hash;
    leaf.signature_key = slice_of(signer->public_key, MLS_KEY_LEN);
    mls_put_leaf_tbs(&tbs, &leaf, group_id, leaf_index);
    e = buf_ok(&tbs) ? mls_sign_with_label(signer, "LeafNodeTBS", buf_slice(&tbs), signature) : ERR_NOMEM;
    if (e == 0) {
        leaf.signature = slice_of(signature, sizeof signature);
        mls_put_leaf(out, &leaf);
        e = buf_ok(out) ? 0 : ERR_NOMEM;
    }
    buf_free(&tbs);
    return e;
}

static int draw_path(struct mls_path_keys *keys, const struct rand *rand, uint8_t public_keys[][MLS_KEY_LEN])
{
    uint8_t secret[MLS_HASH_LEN], next[MLS_HASH_LEN];
    struct x25519_key key;
    int e = 0;

    rand_fill(rand, secret, sizeof secret);
    for (size_t i = 0; i < keys->nodes.n && e == 0; i++) {
        memcpy(keys->secrets[i], secret, sizeof secret);
        node_key(secret, &key);
        memcpy(public_keys[i], key.public_key, MLS_KEY_LEN);
        e = private_set(&keys->priv, keys->nodes.v[i], key.secret);
        mls_derive_secret(secret, "path", next);
        memcpy(secret, next, sizeof secret);
    }
    memcpy(keys->commit_secret, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(next, sizeof next);
    x25519_wipe(&key);
    return e;
}

int mls_path_generate(struct mls_tree *tree, uint32_t leaf_index, const struct mls_leaf *old, struct slice group_id,
                      const struct mls_signer *signer, const struct rand *rand, struct mls_path_keys *keys,
                      struct err *err)
{
    uint8_t public_keys[MLS_PATH_MAX][MLS_KEY_LEN], parent_hash[MLS_HASH_LEN];
    struct slice key_slices[MLS_PATH_MAX];
    struct x25519_key leaf_key;
    struct buf leaf = BUF_INIT;
    struct mls_node *n;
    size_t parent_hash_len = 0;
    int e;

    *keys = (struct mls_path_keys){0};
    x25519_generate(rand, &leaf_key);
    memcpy(keys->priv.leaf, leaf_key.secret, MLS_KEY_LEN);
    if ((e = mls_tree_filtered_path(tree, leaf_index, &keys->nodes)) != 0)
        goto done;
    if (keys->nodes.n > MLS_PATH_MAX) {
        e = ERR_TOOBIG;
        goto done;
    }
    if ((e = draw_path(keys, rand, public_keys)) != 0)
        goto done;
    for (size_t i = 0; i < keys->nodes.n; i++)
        key_slices[i] = slice_of(public_keys[i], MLS_KEY_LEN);
    if ((e = mls_tree_blank_path(tree, leaf_index)) != 0 ||
        (e = set_path_nodes(tree, leaf_index, &keys->nodes, key_slices, parent_hash, &parent_hash_len)) != 0)
        goto done;
    e = make_leaf(old, slice_of(leaf_key.public_key, MLS_KEY_LEN), slice_of(parent_hash, parent_hash_len), group_id,
                  leaf_index, signer, &leaf);
    if (e)
        goto done;
    n = mls_node_from_leaf(buf_slice(&leaf));
    e = n ? mls_tree_set(tree, 2 * leaf_index, n) : ERR_NOMEM;
done:
    x25519_wipe(&leaf_key);
    buf_free(&leaf);
    if (e) {
        mls_path_keys_wipe(keys);
        return err_set(err, e, "making an update path");
    }
    return 0;
}

/* One UpdatePathNode: the key, and the secret sealed to everybody below the copath child. */
static int encrypt_node(const struct mls_tree *tree, uint32_t x, uint32_t leaf_index, const uint8_t *path_secret,
                        uint16_t suite, struct slice info, const struct mls_indices *added, const struct rand *rand,
                        struct buf *out)
{
    struct mls_indices to = {0};
    uint32_t copath = mls_sibling(mls_child_towards(x, 2 * leaf_index));
    size_t mark;
    int e = mls_tree_resolution(tree, copath, added, &to);

    buf_put_vec(out, mls_node_key(mls_tree_node(tree, x)));
    mark = buf_begin_vec(out);
    for (size_t i = 0; i < to.n && e == 0; i++)
        e = mls_hpke_seal(suite, mls_node_key(mls_tree_node(tree, to.v[i])), info,
                          slice_of(path_secret, MLS_HASH_LEN), rand, out);
    buf_end_vec(out, mark);
    mls_indices_free(&to);
    return e;
}

int mls_path_encrypt(const struct mls_tree *tree, uint32_t leaf_index, const struct mls_path_keys *keys,
                     uint16_t suite, struct slice context, const struct mls_indices *added, const struct rand *rand,
                     struct buf *out, struct err *err)
{
    struct buf info = BUF_INIT;
    size_t mark;
    int e = 0;

    mls_put_encrypt_context(&info, "UpdatePathNode", context);
    buf_put_slice(out, mls_tree_leaf(tree, leaf_index)->raw);
    mark = buf_begin_vec(out);
    for (size_t i = 0; i < keys->nodes.n && e == 0; i++)
        e = buf_ok(&info) ? encrypt_node(tree, keys->nodes.v[i], leaf_index, keys->secrets[i], suite,
                                         buf_slice(&info), added, rand, out)
                          : ERR_NOMEM;
    buf_end_vec(out, mark);
    if (e == 0 && !buf_ok(out))
        e = ERR_NOMEM;
    buf_free(&info);
    return e ? err_set(err, e, "encrypting an update path") : 0;
}

/* ---- Receiving a path ---- */

/* No key of the path may be in the tree already, or twice in the path (section 12.4.2). */
static int keys_are_new(const struct mls_tree *tree, uint32_t sender_leaf, const struct slice *keys, size_t n,
                        struct err *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (slice_eq(keys[i], keys[j]))
                return err_set(err, ERR_DENIED, "an update path has a key twice");
    if (mls_tree_has_key(tree, keys, n))
        return err_set(err, ERR_DENIED, "a key of leaf %u's update path is in the tree already", sender_leaf);
    return 0;
}

/* keys[0 .. n - 1] are the path's, keys[n] is the leaf's. */
static int collect_keys(const struct mls_update_path *path, const struct mls_indices *filtered, struct slice *keys,
                        struct err *err)
{
    struct slice rest = path->nodes;
    struct mls_path_node node;
    size_t n = 0;

    if (path->nodes_n != filtered->n || filtered->n > MLS_PATH_MAX)
        return err_set(err, ERR_DENIED, "an update path has %u nodes, the tree %zu", path->nodes_n, filtered->n);
    while (mls_next_path_node(&rest, &node))
        keys[n++] = node.encryption_key;
    keys[n++] = path->leaf.encryption_key;
    for (size_t i = 0; i < n; i++)
        if (keys[i].len != MLS_KEY_LEN)
            return err_set(err, ERR_MALFORMED, "an update path has a key of %zu bytes", keys[i].len);
    return 0;
}

int mls_path_apply(struct mls_tree *tree, uint32_t sender_leaf, const struct mls_update_path *path, struct err *err)
{
    struct mls_indices filtered = {0};
    struct slice keys[MLS_PATH_MAX + 1];
    uint8_t hash[MLS_HASH_LEN];
    size_t hash_len = 0;
    struct mls_node *n;
    int e;

    if (path->leaf.source != MLS_LEAF_COMMIT)
        return err_set(err, ERR_DENIED, "the leaf of an update path is not of source commit");
    if ((e = mls_tree_filtered_path(tree, sender_leaf, &filtered)) != 0 ||
        (e = collect_keys(path, &filtered, keys, err)) != 0 ||
        (e = keys_are_new(tree, sender_leaf, keys, filtered.n + 1, err)) != 0 ||
        (e = mls_tree_blank_path(tree, sender_leaf)) != 0 ||
        (e = set_path_nodes(tree, sender_leaf, &filtered, keys, hash, &hash_len)) != 0)
        goto done;
    if (!slice_eq(path->leaf.parent_hash, slice_of(hash, hash_len))) {
        e = err_set(err, ERR_AUTH, "the parent hash of an update path is wrong");
        goto done;
    }
    n = mls_node_from_leaf(path->leaf.raw);
    e = n ? mls_tree_set(tree, 2 * sender_leaf, n) : ERR_NOMEM;
done:
    mls_indices_free(&filtered);
    return e == ERR_NOMEM ? err_set(err, e, "update path") : e;
}

/* The ciphertext for the first node of `to` whose key we have. */
static int open_ours(const struct mls_tree *tree, const struct mls_private *priv, uint32_t own_leaf,
                     const struct mls_indices *to, struct slice secrets, uint16_t suite, struct slice context,
                     uint8_t out[MLS_HASH_LEN], struct err *err)
{
    struct reader r = reader_of(secrets);
    struct mls_hpke_ciphertext ct;
    struct buf info = BUF_INIT;
    struct bytes plain = {0};
    const uint8_t *key = NULL;
    size_t i;
    int e;

    if (mls_count_ciphertexts(secrets) != to->n)
        return err_set(err, ERR_DENIED, "an update path node has the wrong number of ciphertexts");
    for (i = 0; i < to->n; i++) {
        mls_parse_hpke_ciphertext(&r, &ct);
        if ((key = mls_private_key(priv, own_leaf, to->v[i])))
            break;
    }
    if (!key)
        return err_set(err, ERR_STATE, "no key for any ciphertext of the update path");
    mls_put_encrypt_context(&info, "UpdatePathNode", context);
    e = buf_ok(&info) ? mls_hpke_open(suite, key, mls_node_key(mls_tree_node(tree, to->v[i])), buf_slice(&info),
                                      ct.kem_output, ct.ciphertext, &plain)
                      : ERR_NOMEM;
    if (e == 0 && plain.len != MLS_HASH_LEN)
        e = ERR_AUTH;
    if (e == 0)
        memcpy(out, plain.data, MLS_HASH_LEN);
    bytes_wipe(&plain);
    buf_free(&info);
    return e ? err_set(err, e, "opening the path secret") : 0;
}

int mls_path_decrypt(const struct mls_tree *tree, struct mls_private *priv, uint32_t own_leaf, uint32_t sender_leaf,
                     const struct mls_update_path *path, uint16_t suite, struct slice context,
                     const struct mls_indices *added, uint8_t path_secret[MLS_HASH_LEN],
                     uint8_t commit_secret[MLS_HASH_LEN], struct err *err)
{
    struct mls_indices filtered = {0}, to = {0};
    struct slice rest = path->nodes;
    uint8_t secret[MLS_HASH_LEN];
    struct mls_path_node node;
    size_t i = 0;
    int e = mls_tree_filtered_path(tree, sender_leaf, &filtered);

    if (e)
        goto done;
    while (mls_next_path_node(&rest, &node) && i < filtered.n && !mls_is_below(2 * own_leaf, filtered.v[i]))
        i++;
    if (i == filtered.n) {
        e = err_set(err, ERR_DENIED, "the update path does not reach us");
        goto done;
    }
    if ((e = mls_tree_resolution(tree, mls_child_towards(filtered.v[i], 2 * own_leaf), added, &to)) != 0 ||
        (e = open_ours(tree, priv, own_leaf, &to, node.secrets, suite, context, secret, err)) != 0)
        goto done;
    if (path_secret)
        memcpy(path_secret, secret, sizeof secret);
    e = follow_path(priv, tree, &filtered, i, secret);
    if (e)
        err_set(err, e, "the path secret does not give the keys of the path");
    else
        memcpy(commit_secret, secret, sizeof secret);
done:
    sodium_memzero(secret, sizeof secret);
    mls_indices_free(&filtered);
    mls_indices_free(&to);
    return e == ERR_NOMEM ? err_set(err, e, "update path") : e;
}
