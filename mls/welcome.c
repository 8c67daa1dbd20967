/* GroupInfo and Welcome made (RFC 9420 sections 12.4.3). */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "mls/external.h"
#include "mls/group.h"
#include "mls/protect.h"
#include "mls/schedule.h"
#include "mls/send.h"
#include "mls/suite.h"
#include "mls/welcome.h"

#include <sodium.h>

int mls_group_info_make(const struct mls_group_context *ctx, const struct mls_tree *tree,
                        const uint8_t confirmation_tag[MLS_HASH_LEN], uint32_t signer_leaf, struct slice more_extensions,
                        const struct mls_signer *signer, struct buf *out)
{
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct buf b = BUF_INIT;
    size_t list, extension, vec;
    int e;

    mls_put_group_context(&b, ctx);
    list = buf_begin_vec(&b);
    buf_put_u16(&b, MLS_EXT_RATCHET_TREE);
    extension = buf_begin_vec(&b);
    vec = buf_begin_vec(&b);
    mls_tree_put(&b, tree);
    buf_end_vec(&b, vec);
    buf_end_vec(&b, extension);
    buf_put_slice(&b, more_extensions);
    buf_end_vec(&b, list);
    buf_put_vec(&b, slice_of(confirmation_tag, MLS_HASH_LEN));
    buf_put_u32(&b, signer_leaf);
    e = buf_ok(&b) ? mls_sign_with_label(signer, "GroupInfoTBS", buf_slice(&b), signature) : ERR_NOMEM;
    if (e == 0) {
        buf_put_slice(out, buf_slice(&b));
        buf_put_vec(out, slice_of(signature, sizeof signature));
        e = buf_ok(out) ? 0 : ERR_NOMEM;
    }
    buf_free(&b);
    return e;
}

void mls_welcome_key(uint16_t suite, const uint8_t welcome_secret[MLS_HASH_LEN], uint8_t key[MLS_AEAD_KEY_MAX],
                     uint8_t nonce[MLS_NONCE_LEN])
{
    mls_expand_with_label(welcome_secret, slice_str("key"), (struct slice){0}, key, mls_suite_key_len(suite));
    mls_expand_with_label(welcome_secret, slice_str("nonce"), (struct slice){0}, nonce, MLS_NONCE_LEN);
}

static int seal_group_info(const struct mls_staged_commit *s, const uint8_t joiner[MLS_HASH_LEN],
                           const struct mls_signer *signer, struct bytes *out)
{
    uint8_t welcome[MLS_HASH_LEN], key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
    struct buf info = BUF_INIT;
    struct bytes sealed = {0};
    int e = mls_group_info_make(&s->ctx, &s->tree, s->confirmation_tag, s->info.committer_leaf, (struct slice){0},
                                signer, &info);

    if (e)
        goto done;
    mls_schedule_welcome(joiner, s->psk_secret, welcome);
    mls_welcome_key(s->ctx.suite, welcome, key, nonce);
    sealed.len = info.len + AEAD_TAG_LEN;
    sealed.data = xm_alloc(sealed.len);
    e = sealed.data ? aead_seal(mls_suite_aead(s->ctx.suite), key, nonce, (struct slice){0}, buf_slice(&info),
                                sealed.data)
                    : ERR_NOMEM;
    sodium_memzero(welcome, sizeof welcome);
    sodium_memzero(key, sizeof key);
done:
    buf_free(&info);
    if (e)
        bytes_free(&sealed);
    else
        *out = sealed;
    return e;
}

/* The path secret of the lowest node on the committer's path above the new leaf. */
static struct slice path_secret_for(const struct mls_path_keys *keys, uint32_t leaf)
{
    for (size_t i = 0; keys && i < keys->nodes.n; i++)
        if (mls_is_below(2 * leaf, keys->nodes.v[i]))
            return slice_of(keys->secrets[i], MLS_HASH_LEN);
    return (struct slice){0};
}

static int put_joiner(const struct mls_staged_commit *s, const struct mls_item *item, const struct mls_path_keys *keys,
                      struct slice joiner, struct slice psks, struct slice info, const struct rand *rand,
                      struct buf *out)
{
    struct mls_group_secrets secrets = {
        .joiner_secret = joiner,
        .has_path_secret = keys != NULL,
        .path_secret = path_secret_for(keys, item->leaf_index),
        .psks = psks,
    };
    uint8_t ref[MLS_HASH_LEN];
    struct buf plain = BUF_SECRET;
    int e;

    mls_put_group_secrets(&plain, &secrets);
    mls_key_package_ref(item->p.key_package.raw, ref);
    buf_put_vec(out, slice_of(ref, sizeof ref));
    e = buf_ok(&plain) ? mls_hpke_seal(s->ctx.suite, item->p.key_package.init_key, info, buf_slice(&plain), rand, out)
                       : ERR_NOMEM;
    buf_free(&plain);
    return e;
}

int mls_welcome_make(const struct mls_staged_commit *s, const struct mls_path_keys *keys,
                     const uint8_t joiner[MLS_HASH_LEN], const struct mls_signer *signer, const struct rand *rand,
                     struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT, psks = BUF_INIT, info = BUF_INIT;
    struct bytes group_info = {0};
    size_t mark;
    int e = seal_group_info(s, joiner, signer, &group_info);

    if (e)
        goto done;
    for (size_t i = 0; i < s->items_n; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_PSK)
            buf_put_slice(&psks, s->items[i].p.psk.raw);
    mls_put_encrypt_context(&info, "Welcome", bytes_slice(&group_info));
    if (!buf_ok(&psks) || !buf_ok(&info)) {
        e = ERR_NOMEM;
        goto done;
    }
    mls_put_message_head(&b, MLS_WIRE_WELCOME);
    buf_put_u16(&b, s->ctx.suite);
    mark = buf_begin_vec(&b);
    for (size_t i = 0; i < s->items_n && e == 0; i++)
        if (s->items[i].p.type == MLS_PROPOSAL_ADD)
            e = put_joiner(s, &s->items[i], keys, slice_of(joiner, MLS_HASH_LEN), buf_slice(&psks), buf_slice(&info),
                           rand, &b);
    buf_end_vec(&b, mark);
    buf_put_vec(&b, bytes_slice(&group_info));
    if (e == 0)
        e = buf_take(&b, out);
done:
    buf_free(&b);
    buf_free(&psks);
    buf_free(&info);
    bytes_free(&group_info);
    return e ? err_set(err, e, "making a welcome") : 0;
}

int mls_group_info_create(const struct mls_group *group, const struct mls_signer *signer, struct bytes *out,
                          struct err *err)
{
    uint8_t external[MLS_KEY_LEN];
    struct buf extension = BUF_INIT, key = BUF_INIT, b = BUF_INIT;
    int e = mls_send_check(group, signer, err);

    if (e)
        return e;
    mls_external_public(group->secrets.external, external);
    buf_put_vec(&key, slice_of(external, sizeof external));
    mls_extension_put(&extension, MLS_EXT_EXTERNAL_PUB, buf_slice(&key));
    mls_put_message_head(&b, MLS_WIRE_GROUP_INFO);
    e = buf_ok(&key) && buf_ok(&extension)
            ? mls_group_info_make(&group->ctx, &group->tree, group->confirmation_tag, group->own_leaf,
                                  buf_slice(&extension), signer, &b)
            : ERR_NOMEM;
    if (e == 0)
        e = buf_take(&b, out);
    buf_free(&key);
    buf_free(&extension);
    buf_free(&b);
    return e ? err_set(err, e, "making a group info") : 0;
}
