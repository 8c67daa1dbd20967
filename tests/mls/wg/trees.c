/* tree-operations, tree-validation, treekem. */
#include "crypto/hpke.h"
#include "crypto/x25519.h"
#include "mls/suite.h"
#include "mls/tree.h"
#include "mls/treekem.h"
#include "tests/mls/wg/wg.h"

#include <string.h>

static bool parse_tree(struct wg *w, struct slice raw, struct mls_tree *out)
{
    struct reader r = reader_of(raw);

    WG(mls_tree_parse(read_vec(&r, MLS_VEC_MAX), MLS_MAX_LEAVES, out, &w->err) == 0 && reader_done(&r));
    return true;
}

static bool root_hash_is(struct mls_tree *tree, struct slice want)
{
    return wg_is(mls_tree_hash(tree, mls_root(tree->width)), MLS_HASH_LEN, want);
}

/* ---- tree-operations ---- */

static bool apply(struct wg *w, struct mls_tree *tree, const struct mls_proposal *p, uint32_t sender)
{
    uint32_t leaf;

    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        WG(mls_tree_add_leaf(tree, p->key_package.leaf.raw, MLS_MAX_LEAVES, &leaf) == 0);
        return true;
    case MLS_PROPOSAL_UPDATE:
        WG(mls_tree_leaf(tree, sender) && mls_tree_update_leaf(tree, sender, p->leaf.raw) == 0);
        return true;
    default:
        WG(p->type == MLS_PROPOSAL_REMOVE);
        WG(mls_tree_leaf(tree, p->removed) && mls_tree_remove_leaf(tree, p->removed) == 0);
        WG(mls_tree_truncate(tree) == 0);
        return true;
    }
}

static bool serialises_to(const struct mls_tree *tree, struct slice want)
{
    struct buf b = BUF_INIT;
    size_t mark = buf_begin_vec(&b);
    bool ok;

    mls_tree_put(&b, tree);
    buf_end_vec(&b, mark);
    ok = buf_ok(&b) && slice_eq(buf_slice(&b), want);
    buf_free(&b);
    return ok;
}

/* The operation runs on a fork, and the original must not feel it. */
static bool operate(struct wg *w, const json_t *entry, struct mls_tree *before, struct mls_tree *after)
{
    struct slice raw = wg_hex(w, entry, "proposal");
    struct reader r = reader_of(raw);
    struct mls_proposal p;

    WG(mls_parse_proposal(&r, &p) && reader_done(&r));
    WG(root_hash_is(before, wg_hex(w, entry, "tree_hash_before")));
    WG(mls_tree_fork(before, after) == 0);
    if (!apply(w, after, &p, (uint32_t)wg_int(w, entry, "proposal_sender")))
        return false;
    WG(serialises_to(after, wg_hex(w, entry, "tree_after")));
    WG(root_hash_is(after, wg_hex(w, entry, "tree_hash_after")));
    WG(serialises_to(before, wg_hex(w, entry, "tree_before")));
    WG(root_hash_is(before, wg_hex(w, entry, "tree_hash_before")));
    return true;
}

bool wg_tree_operations(struct wg *w, const json_t *entry)
{
    struct mls_tree before = {0}, after = {0};
    bool ok = parse_tree(w, wg_hex(w, entry, "tree_before"), &before) && operate(w, entry, &before, &after);

    mls_tree_free(&before);
    mls_tree_free(&after);
    return ok;
}

/* ---- tree-validation ---- */

static bool resolution_is(struct wg *w, const struct mls_tree *tree, uint32_t x, const json_t *want)
{
    struct mls_indices res = {0};
    bool ok = mls_tree_resolution(tree, x, NULL, &res) == 0 && res.n == json_array_size(want);

    for (size_t i = 0; ok && i < res.n; i++)
        ok = json_integer_value(json_array_get(want, i)) == res.v[i];
    mls_indices_free(&res);
    WG(ok);
    return true;
}

static bool validate(struct wg *w, const json_t *entry, struct mls_tree *tree)
{
    const json_t *hashes = json_object_get(entry, "tree_hashes"), *resolutions = json_object_get(entry, "resolutions");
    uint32_t nodes = mls_node_width(tree->width);

    WG(json_array_size(hashes) == nodes && json_array_size(resolutions) == nodes);
    for (uint32_t x = 0; x < nodes; x++) {
        WG(wg_is(mls_tree_hash(tree, x), MLS_HASH_LEN, wg_hex_value(w, json_array_get(hashes, x))));
        if (!resolution_is(w, tree, x, json_array_get(resolutions, x)))
            return false;
    }
    WG(mls_tree_verify_unmerged(tree, &w->err) == 0);
    WG(mls_tree_verify_parent_hashes(tree, &w->err) == 0);
    WG(mls_tree_verify_leaves(tree, wg_hex(w, entry, "group_id"), &w->err) == 0);
    return true;
}

bool wg_tree_validation(struct wg *w, const json_t *entry)
{
    struct mls_tree tree = {0};
    bool ok = parse_tree(w, wg_hex(w, entry, "tree"), &tree) && validate(w, entry, &tree);

    mls_tree_free(&tree);
    return ok;
}

/* ---- treekem ---- */

struct kem {
    const json_t *entry;
    uint16_t suite;
    struct slice group_id;
    struct mls_tree tree;
};

static bool private_of(struct wg *w, const struct kem *k, const json_t *leaf, struct mls_private *out)
{
    struct slice secret = wg_secret(w, leaf, "encryption_priv");
    uint32_t index = (uint32_t)wg_int(w, leaf, "index");
    struct x25519_key key;
    json_t *step;
    size_t i;

    memset(out, 0, sizeof *out);
    WG(mls_tree_leaf(&k->tree, index));
    x25519_from_secret(secret.data, &key);
    WG(wg_is(key.public_key, MLS_KEY_LEN, mls_node_key(mls_tree_node(&k->tree, 2 * index))));
    memcpy(out->leaf, key.secret, MLS_KEY_LEN);
    json_array_foreach(json_object_get(leaf, "path_secrets"), i, step)
    {
        uint32_t x = (uint32_t)wg_int(w, step, "node");
        uint8_t node_secret[MLS_HASH_LEN];

        WG(i < MLS_PATH_MAX && mls_tree_node(&k->tree, x));
        mls_derive_secret(wg_secret(w, step, "path_secret").data, "node", node_secret);
        hpke_derive_key(slice_of(node_secret, sizeof node_secret), &key);
        WG(wg_is(key.public_key, MLS_KEY_LEN, mls_node_key(mls_tree_node(&k->tree, x))));
        out->path[out->n].node = x;
        memcpy(out->path[out->n++].secret, key.secret, MLS_KEY_LEN);
    }
    return true;
}

static bool context_of(struct wg *w, const struct kem *k, struct mls_tree *tree, struct buf *out)
{
    struct mls_group_context ctx = {
        .version = MLS_VERSION_10,
        .suite = k->suite,
        .group_id = k->group_id,
        .epoch = wg_int(w, k->entry, "epoch"),
        .tree_hash = slice_of(mls_tree_hash(tree, mls_root(tree->width)), MLS_HASH_LEN),
        .confirmed_transcript_hash = wg_hex(w, k->entry, "confirmed_transcript_hash"),
    };

    mls_put_group_context(out, &ctx);
    return buf_ok(out);
}

/* Every other member opens the path; `path_secrets` NULL: only the commit secret is known. */
static bool all_open(struct wg *w, const struct kem *k, uint32_t sender, struct mls_tree *tree,
                     const struct mls_update_path *path, struct slice context, const json_t *path_secrets,
                     struct slice commit_secret)
{
    const struct mls_indices nobody = {0};
    uint8_t path_secret[MLS_HASH_LEN], got[MLS_HASH_LEN];
    struct mls_private priv;
    json_t *leaf;
    size_t i;

    json_array_foreach(json_object_get(k->entry, "leaves_private"), i, leaf)
    {
        uint32_t index = (uint32_t)wg_int(w, leaf, "index");

        if (index == sender)
            continue;
        if (!private_of(w, k, leaf, &priv))
            return false;
        WG(mls_path_decrypt(tree, &priv, index, sender, path, k->suite, context, &nobody, path_secret, got, &w->err) ==
           0);
        WG(wg_is(got, sizeof got, commit_secret));
        if (path_secrets)
            WG(wg_is(path_secret, sizeof path_secret, wg_hex_value(w, json_array_get(path_secrets, index))));
    }
    return true;
}

static bool receive(struct wg *w, const struct kem *k, const json_t *update, struct mls_tree *tree, struct buf *context)
{
    struct slice raw = wg_hex(w, update, "update_path");
    uint32_t sender = (uint32_t)wg_int(w, update, "sender");
    struct mls_update_path path;
    struct reader r = reader_of(raw);

    WG(mls_parse_update_path(&r, &path) && reader_done(&r));
    WG(mls_leaf_verify(&path.leaf, k->group_id, sender) == 0);
    WG(mls_tree_fork(&k->tree, tree) == 0);
    WG(mls_path_apply(tree, sender, &path, &w->err) == 0);
    WG(root_hash_is(tree, wg_hex(w, update, "tree_hash_after")));
    WG(context_of(w, k, tree, context));
    return all_open(w, k, sender, tree, &path, buf_slice(context), json_object_get(update, "path_secrets"),
                    wg_hex(w, update, "commit_secret"));
}

static const json_t *leaf_entry(const struct kem *k, uint32_t index)
{
    json_t *leaf;
    size_t i;

    json_array_foreach(json_object_get(k->entry, "leaves_private"), i, leaf)
        if (json_integer_value(json_object_get(leaf, "index")) == index)
            return leaf;
    return NULL;
}

/* A path of our own from the same sender opens for everybody as well. */
static bool make(struct wg *w, const struct kem *k, uint32_t sender, struct mls_tree *ours, struct mls_tree *theirs,
                 struct buf *context, struct buf *raw, struct mls_path_keys *keys)
{
    const struct mls_indices nobody = {0};
    const struct mls_leaf *old = mls_tree_leaf(&k->tree, sender);
    struct mls_signer signer = {
        wg_signature_key(w, leaf_entry(k, sender), "signature_priv", old->signature_key).data,
        old->signature_key.data};
    struct mls_update_path path;
    struct reader r;

    WG(mls_tree_fork(&k->tree, ours) == 0 && mls_tree_fork(&k->tree, theirs) == 0);
    WG(mls_path_generate(ours, sender, old, k->group_id, &signer, w->rand, keys, &w->err) == 0);
    WG(context_of(w, k, ours, context));
    WG(mls_path_encrypt(ours, sender, keys, k->suite, buf_slice(context), &nobody, w->rand, raw, &w->err) == 0);
    r = reader_of(buf_slice(raw));
    WG(mls_parse_update_path(&r, &path) && reader_done(&r));
    WG(mls_leaf_verify(&path.leaf, k->group_id, sender) == 0);
    WG(mls_path_apply(theirs, sender, &path, &w->err) == 0);
    WG(root_hash_is(theirs, slice_of(mls_tree_hash(ours, mls_root(ours->width)), MLS_HASH_LEN)));
    return all_open(w, k, sender, theirs, &path, buf_slice(context), NULL,
                    slice_of(keys->commit_secret, MLS_HASH_LEN));
}

static bool one_update(struct wg *w, const struct kem *k, const json_t *update)
{
    struct mls_tree received = {0}, ours = {0}, theirs = {0};
    struct buf context = BUF_INIT, our_context = BUF_INIT, raw = BUF_INIT;
    struct mls_path_keys keys = {0};
    bool ok = receive(w, k, update, &received, &context) &&
              make(w, k, (uint32_t)wg_int(w, update, "sender"), &ours, &theirs, &our_context, &raw, &keys);

    mls_path_keys_wipe(&keys);
    mls_tree_free(&received);
    mls_tree_free(&ours);
    mls_tree_free(&theirs);
    buf_free(&context);
    buf_free(&our_context);
    buf_free(&raw);
    return ok;
}

bool wg_treekem(struct wg *w, const json_t *entry)
{
    struct kem k = {entry, (uint16_t)wg_int(w, entry, "cipher_suite"), wg_hex(w, entry, "group_id"), {0}};
    bool ok = parse_tree(w, wg_hex(w, entry, "ratchet_tree"), &k.tree);
    json_t *update;
    size_t i;

    json_array_foreach(json_object_get(entry, "update_paths"), i, update) ok = ok && one_update(w, &k, update);
    mls_tree_free(&k.tree);
    return ok;
}
