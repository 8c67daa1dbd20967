/* Joining by Welcome (RFC 9420 section 12.4.3.1). */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "mls/group.h"
#include "mls/rules.h"
#include "mls/schedule.h"
#include "mls/suite.h"
#include "mls/welcome.h"

#include <sodium.h>
#include <string.h>

/* ---- The public part: GroupInfo and tree ---- */

static int take_tree(struct mls_group *g, const struct mls_group_info *info, struct slice given, struct err *err)
{
    struct slice body = given, nodes;
    struct reader r;

    if (!given.len && !mls_extension_find(info->extensions, MLS_EXT_RATCHET_TREE, &body))
        return err_set(err, ERR_NOTFOUND, "no ratchet tree");
    r = reader_of(body);
    nodes = read_vec(&r, MLS_VEC_MAX);
    if (!reader_done(&r))
        return err_set(err, ERR_MALFORMED, "ratchet tree does not parse");
    return mls_tree_parse(nodes, g->config.max_leaves, &g->tree, err);
}

static int check_members(struct mls_group *g, struct err *err)
{
    for (uint32_t i = 0; i < g->tree.width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(&g->tree, i);
        int e;

        if (!leaf)
            continue;
        if ((e = mls_extensions_check(leaf->extensions, err)) != 0 ||
            (e = mls_leaf_fits(&g->config, leaf, g->ctx.suite, g->ctx.extensions, err)) != 0)
            return err_wrap(err, e, "leaf %u", i);
        if (mls_allows(g, MLS_CHECK_LIFETIMES) && leaf->source == MLS_LEAF_KEY_PACKAGE &&
            (g->config.now_s <= leaf->not_before || g->config.now_s >= leaf->not_after))
            return err_set(err, ERR_DENIED, "leaf %u has expired", i);
    }
    return mls_keys_unique(&g->tree, err);
}

static int check_signer(const struct mls_group *g, const struct mls_group_info *info, struct err *err)
{
    const struct mls_leaf *signer = mls_tree_leaf(&g->tree, info->signer);

    int e;

    if (!signer)
        return err_set(err, ERR_DENIED, "the signer of the group info is no member");
    e = mls_verify_with_label(signer->signature_key, "GroupInfoTBS", info->tbs, info->signature);
    return e ? err_set(err, e, "signature of the group info") : 0;
}

int mls_group_from_info(struct mls_group *g, const struct mls_group_info *info, struct slice tree, struct err *err)
{
    struct bytes context = {0};
    int e;

    if (!mls_suite_known(info->context.suite) || info->context.version != MLS_VERSION_10)
        return err_set(err, ERR_UNSUPPORTED, "a group of suite 0x%04x", info->context.suite);
    if ((e = mls_extensions_check(info->context.extensions, err)) != 0 ||
        (e = mls_extensions_check(info->extensions, err)) != 0 || (e = take_tree(g, info, tree, err)) != 0 ||
        (e = check_signer(g, info, err)) != 0)
        return e;
    if ((e = bytes_dup(info->context_raw, &context)) != 0 || (e = mls_group_set_context(g, &context)) != 0) {
        bytes_free(&context);
        return err_set(err, e, "group context");
    }
    if (!slice_eq(slice_of(mls_tree_hash(&g->tree, mls_root(g->tree.width)), MLS_HASH_LEN), g->ctx.tree_hash))
        return err_set(err, ERR_AUTH, "the tree is not that of the group context");
    if ((e = mls_tree_verify_unmerged(&g->tree, err)) != 0 ||
        (e = mls_tree_verify_parent_hashes(&g->tree, err)) != 0 ||
        (e = mls_tree_verify_leaves(&g->tree, g->ctx.group_id, err)) != 0)
        return e;
    return check_members(g, err);
}

/* ---- The secret part ---- */

/* A Welcome on its way to a group. */
struct joining {
    const struct mls_join_params *params;
    struct mls_key_package kp;
    struct mls_welcome welcome;
    struct bytes secrets_raw; /* GroupSecrets, opened */
    struct mls_group_secrets secrets;
    uint8_t joiner[MLS_HASH_LEN], psk_secret[MLS_HASH_LEN];
    bool begins_group; /* by reinit or branch: its first commit (sections 11.2 and 11.3) */
    struct bytes info_raw; /* GroupInfo, opened */
    struct mls_group_info info;
};

static int parse_welcome(struct joining *j, struct err *err)
{
    struct mls_message_view view;
    struct reader r;
    int e = mls_message_peek(j->params->welcome, &view, err);

    if (e)
        return e;
    if (view.wire_format != MLS_WIRE_WELCOME)
        return err_set(err, ERR_MALFORMED, "wire format %u is no welcome", view.wire_format);
    r = reader_of(view.body);
    mls_parse_welcome(&r, &j->welcome);
    if ((e = mls_key_package_parse(j->params->key_package, &j->kp, err)) != 0)
        return e;
    if (!mls_suite_known(j->welcome.suite) || j->welcome.suite != j->kp.suite)
        return err_set(err, ERR_UNSUPPORTED, "a welcome of suite 0x%04x", j->welcome.suite);
    return 0;
}

static int find_secrets(const struct joining *j, struct mls_encrypted_secrets *out, struct err *err)
{
    struct slice list = j->welcome.secrets;
    uint8_t ref[MLS_HASH_LEN];

    mls_key_package_ref(j->kp.raw, ref);
    while (mls_next_encrypted_secrets(&list, out))
        if (slice_eq(out->ref, slice_of(ref, sizeof ref)))
            return 0;
    return err_set(err, ERR_NOTFOUND, "the welcome is not for this key package");
}

static int open_secrets(struct joining *j, struct err *err)
{
    struct mls_encrypted_secrets ours;
    struct buf info = BUF_INIT;
    struct reader r;
    int e = find_secrets(j, &ours, err);

    if (e)
        return e;
    mls_put_encrypt_context(&info, "Welcome", j->welcome.encrypted_group_info);
    e = buf_ok(&info) ? mls_hpke_open(j->welcome.suite, j->params->init_private, j->kp.init_key, buf_slice(&info),
                                      ours.ciphertext.kem_output, ours.ciphertext.ciphertext, &j->secrets_raw)
                      : ERR_NOMEM;
    buf_free(&info);
    if (e)
        return err_set(err, e, "the group secrets do not open");
    r = reader_of(bytes_slice(&j->secrets_raw));
    if (!mls_parse_group_secrets(&r, &j->secrets) || !reader_done(&r) ||
        j->secrets.joiner_secret.len != MLS_HASH_LEN ||
        (j->secrets.has_path_secret && j->secrets.path_secret.len != MLS_HASH_LEN))
        return err_set(err, ERR_MALFORMED, "the group secrets do not parse");
    memcpy(j->joiner, j->secrets.joiner_secret.data, sizeof j->joiner);
    return 0;
}

/* A key that ties this group to another one stands alone (section 12.4.3.1). */
static int check_psk_usage(const struct mls_psk_id *ids, size_t n, struct err *err)
{
    for (size_t i = 0; i < n && n > 1; i++)
        if (ids[i].type == MLS_PSK_RESUMPTION && ids[i].usage != MLS_PSK_APPLICATION)
            return err_set(err, ERR_DENIED, "a welcome with a reinit or branch key among others");
    return 0;
}

static int welcome_psks(const struct mls_config *config, struct joining *j, struct err *err)
{
    struct reader r = reader_of(j->secrets.psks);
    struct mls_psk_id id, *ids;
    size_t n = 0;
    int e;

    if (!j->secrets.psks.len)
        return 0;
    if (!(config->flags & MLS_ALLOW_PSK))
        return err_set(err, ERR_UNSUPPORTED, "a welcome with pre-shared keys is not accepted here");
    while (reader_left(&r) && mls_parse_psk_id(&r, &id))
        n++;
    if (!(ids = xm_calloc(n, sizeof *ids)))
        return err_set(err, ERR_NOMEM, "pre-shared keys");
    r = reader_of(j->secrets.psks);
    for (size_t i = 0; i < n; i++)
        mls_parse_psk_id(&r, &ids[i]);
    j->begins_group = n == 1 && ids[0].type == MLS_PSK_RESUMPTION && ids[0].usage != MLS_PSK_APPLICATION;
    if ((e = check_psk_usage(ids, n, err)) == 0)
        e = mls_psk_collect(config, NULL, ids, n, j->psk_secret, err);
    xm_free(ids);
    return e;
}

static int open_info(struct joining *j, struct err *err)
{
    uint8_t welcome[MLS_HASH_LEN], key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
    struct slice sealed = j->welcome.encrypted_group_info;
    struct reader r;
    int e;

    if (sealed.len < AEAD_TAG_LEN)
        return err_set(err, ERR_AUTH, "the group info does not open");
    mls_schedule_welcome(j->joiner, j->psk_secret, welcome);
    mls_welcome_key(j->welcome.suite, welcome, key, nonce);
    j->info_raw.len = sealed.len - AEAD_TAG_LEN;
    j->info_raw.data = xm_alloc(j->info_raw.len);
    e = j->info_raw.data ? aead_open(mls_suite_aead(j->welcome.suite), key, nonce, (struct slice){0}, sealed,
                                     j->info_raw.data)
                         : ERR_NOMEM;
    sodium_memzero(welcome, sizeof welcome);
    sodium_memzero(key, sizeof key);
    if (e)
        return err_set(err, e, "the group info does not open");
    r = reader_of(bytes_slice(&j->info_raw));
    if (!mls_parse_group_info(&r, &j->info) || !reader_done(&r))
        return err_set(err, ERR_MALFORMED, "the group info does not parse");
    if (j->info.context.suite != j->kp.suite)
        return err_set(err, ERR_DENIED, "the group info is of another suite than the welcome");
    if (j->begins_group && j->info.context.epoch != 1)
        return err_set(err, ERR_DENIED, "a welcome with a reinit or branch key to a group that is past its beginning");
    return 0;
}

static int find_own_leaf(struct mls_group *g, const struct mls_key_package *kp, struct err *err)
{
    for (uint32_t i = 0; i < g->tree.width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(&g->tree, i);

        if (leaf && slice_eq(leaf->raw, kp->leaf.raw)) {
            g->own_leaf = i;
            return 0;
        }
    }
    return err_set(err, ERR_DENIED, "our key package's leaf is not in the tree");
}

static uint32_t common_ancestor(uint32_t a, uint32_t b)
{
    uint32_t x = 2 * a;

    while (!mls_is_below(2 * b, x))
        x = mls_parent(x);
    return x;
}

static int take_private(struct mls_group *g, const struct joining *j, struct err *err)
{
    int e = 0;

    memcpy(g->priv.leaf, j->params->leaf_private, MLS_KEY_LEN);
    if (j->secrets.has_path_secret && j->info.signer != g->own_leaf)
        e = mls_private_from_path_secret(&g->priv, &g->tree, j->info.signer,
                                         common_ancestor(g->own_leaf, j->info.signer), j->secrets.path_secret.data,
                                         NULL);
    return e ? err_set(err, e, "the path secret does not fit the tree") : 0;
}

static int begin_epoch(struct mls_group *g, const struct joining *j, struct err *err)
{
    int e;

    mls_schedule_epoch(j->joiner, j->psk_secret, bytes_slice(&g->context), &g->secrets);
    mls_confirmation_tag(&g->secrets, g->ctx.confirmed_transcript_hash, g->confirmation_tag);
    if (!slice_eq_secret(j->info.confirmation_tag, slice_of(g->confirmation_tag, MLS_HASH_LEN)))
        return err_set(err, ERR_AUTH, "confirmation tag");
    mls_interim_transcript_hash(g->ctx.confirmed_transcript_hash, j->info.confirmation_tag, g->interim);
    e = mls_secret_tree_init(&g->secret_tree, g->ctx.suite, g->ctx.epoch, g->tree.width, g->secrets.encryption);
    sodium_memzero(g->secrets.encryption, sizeof g->secrets.encryption);
    g->state_dirty = true;
    return e ? err_set(err, e, "secret tree") : 0;
}

static int join(const struct mls_config *config, struct joining *j, struct mls_group *g, struct err *err)
{
    int e;

    if ((e = parse_welcome(j, err)) != 0 || (e = open_secrets(j, err)) != 0 ||
        (e = welcome_psks(config, j, err)) != 0 || (e = open_info(j, err)) != 0 ||
        (e = mls_group_from_info(g, &j->info, j->params->ratchet_tree, err)) != 0 ||
        (e = find_own_leaf(g, &j->kp, err)) != 0 || (e = take_private(g, j, err)) != 0)
        return e;
    return begin_epoch(g, j, err);
}

int mls_group_join(const struct mls_config *config, const struct mls_join_params *params, struct mls_group **out,
                   uint32_t *adder_leaf, struct err *err)
{
    struct joining j = {.params = params};
    struct mls_group *g = mls_group_alloc(config);
    int e = g ? join(config, &j, g, err) : err_set(err, ERR_NOMEM, "group");

    if (e == 0) {
        if (adder_leaf)
            *adder_leaf = j.info.signer;
        *out = g;
        g = NULL;
    }
    mls_group_free(g);
    bytes_wipe(&j.secrets_raw);
    bytes_wipe(&j.info_raw);
    sodium_memzero(&j, sizeof j);
    return e ? err_wrap(err, e, "joining") : 0;
}
