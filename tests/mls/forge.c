#include "tests/mls/forge.h"

#include "crypto/aead.h"
#include "mls/external.h"
#include "mls/protect.h"
#include "mls/send.h"
#include "mls/suite.h"
#include "mls/welcome.h"
#include "tests/test.h"

#include <stdlib.h>

static struct bytes taken(struct buf *b)
{
    struct bytes out = {0};

    assert_int_equal(buf_take(b, &out), 0);
    return out;
}

/* ---- Key packages and leaves ---- */

struct bytes forge_leaf(const struct kit_member *m, struct mls_leaf leaf, struct slice group_id, uint32_t leaf_index)
{
    struct mls_signer signer = kit_signer(m);
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct buf tbs = BUF_INIT, raw = BUF_INIT;

    mls_put_leaf_tbs(&tbs, &leaf, group_id, leaf_index);
    assert_int_equal(mls_sign_with_label(&signer, "LeafNodeTBS", buf_slice(&tbs), signature), 0);
    buf_free(&tbs);
    leaf.signature = slice_of(signature, sizeof signature);
    mls_put_leaf(&raw, &leaf);
    return taken(&raw);
}

struct bytes forge_key_package(const struct kit_member *m, void (*edit)(struct mls_key_package *kp))
{
    struct mls_signer signer = kit_signer(m);
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_key_package kp;
    struct buf b = BUF_INIT;
    struct bytes leaf;

    assert_int_equal(mls_key_package_parse(bytes_slice(&m->kp.data), &kp, NULL), 0);
    edit(&kp);
    leaf = forge_leaf(m, kp.leaf, (struct slice){0}, 0);
    buf_put_u16(&b, kp.version);
    buf_put_u16(&b, kp.suite);
    buf_put_vec(&b, kp.init_key);
    buf_put_slice(&b, bytes_slice(&leaf));
    buf_put_vec(&b, kp.extensions);
    assert_int_equal(mls_sign_with_label(&signer, "KeyPackageTBS", buf_slice(&b), signature), 0);
    buf_put_vec(&b, slice_of(signature, sizeof signature));
    bytes_free(&leaf);
    return taken(&b);
}

/* ---- Proposals ---- */

enum { INLINE_PROPOSAL = 1, PROPOSAL_REFERENCE = 2 };

void forge_put_raw(struct buf *list, struct slice proposal)
{
    buf_put_u8(list, INLINE_PROPOSAL);
    buf_put_slice(list, proposal);
}

void forge_put_ref(struct buf *list, const uint8_t ref[MLS_HASH_LEN])
{
    buf_put_u8(list, PROPOSAL_REFERENCE);
    buf_put_vec(list, slice_of(ref, MLS_HASH_LEN));
}

void forge_put_add(struct buf *list, struct slice key_package)
{
    buf_put_u8(list, INLINE_PROPOSAL);
    buf_put_u16(list, MLS_PROPOSAL_ADD);
    buf_put_slice(list, key_package);
}

void forge_put_remove(struct buf *list, uint32_t leaf_index)
{
    buf_put_u8(list, INLINE_PROPOSAL);
    buf_put_u16(list, MLS_PROPOSAL_REMOVE);
    buf_put_u32(list, leaf_index);
}

void forge_put_extensions(struct buf *list, struct slice extensions)
{
    buf_put_u8(list, INLINE_PROPOSAL);
    buf_put_u16(list, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
    buf_put_vec(list, extensions);
}

/* ---- Messages ---- */

struct bytes forge_public(const struct kit_member *by, const struct mls_framed_content *content,
                          struct slice confirmation_tag)
{
    struct mls_signer signer = kit_signer(by);
    uint8_t signature[MLS_SIGNATURE_LEN], tag[MLS_HASH_LEN];
    struct mls_public_message message = {.content = *content};
    struct slice context = bytes_slice(&by->g->context);
    struct buf b = BUF_INIT;

    assert_int_equal(mls_content_sign(MLS_WIRE_PUBLIC_MESSAGE, content, context, &signer, signature), 0);
    message.auth.signature = slice_of(signature, sizeof signature);
    message.auth.confirmation_tag = confirmation_tag;
    assert_int_equal(mls_membership_tag(by->g->secrets.membership, content, context, &message.auth, tag), 0);
    message.membership_tag = slice_of(tag, sizeof tag);
    mls_put_message_head(&b, MLS_WIRE_PUBLIC_MESSAGE);
    mls_put_public_message(&b, &message);
    return taken(&b);
}

struct bytes forge_commit(struct kit_member *by, const struct forge_commit *f, const struct rand *rand)
{
    struct mls_commit_params params = f->params ? *f->params : (struct mls_commit_params){0};
    struct mls_commit_result result;
    struct mls_public_message m;
    struct err err = {0};
    struct buf body = BUF_INIT;
    struct bytes out;
    struct reader r;

    params.signer = kit_signer(by);
    params.public_message = true;
    params.force_path = true;
    if (mls_commit_create(by->g, &params, rand, &result, &err) != 0)
        fail_msg("%s", err.text);
    r = reader_of(slice_of(result.message.data + 4, result.message.len - 4));
    assert_true(mls_parse_public_message(&r, &m) && reader_done(&r));
    if (f->edit)
        f->edit(&m.content.commit, f->ctx);
    mls_put_commit(&body, &m.content.commit);
    m.content.body = buf_slice(&body);
    if (f->edit_content)
        f->edit_content(&m.content, f->ctx);
    out = forge_public(by, &m.content, m.auth.confirmation_tag);
    buf_free(&body);
    mls_commit_result_free(&result);
    return out;
}

/* ---- GroupInfo ---- */

struct bytes forge_group_info(const struct kit_member *by, void (*edit)(struct forge_info *info, void *ctx), void *ctx)
{
    struct forge_info info = {.ctx = by->g->ctx, .signer = by->g->own_leaf, .key = kit_signer(by)};
    uint8_t external[MLS_KEY_LEN], hash[MLS_HASH_LEN];
    struct buf key = BUF_INIT, b = BUF_INIT;

    mls_external_public(by->g->secrets.external, external);
    buf_put_vec(&key, slice_of(external, sizeof external));
    mls_extension_put(&info.extensions, MLS_EXT_EXTERNAL_PUB, buf_slice(&key));
    assert_int_equal(mls_tree_fork(&by->g->tree, &info.tree), 0);
    if (edit)
        edit(&info, ctx);
    if (!info.keep_hash) {
        memcpy(hash, mls_tree_hash(&info.tree, mls_root(info.tree.width)), sizeof hash);
        info.ctx.tree_hash = slice_of(hash, sizeof hash);
    }
    mls_put_message_head(&b, MLS_WIRE_GROUP_INFO);
    assert_int_equal(mls_group_info_make(&info.ctx, &info.tree, by->g->confirmation_tag, info.signer,
                                         buf_slice(&info.extensions), &info.key, &b), 0);
    mls_tree_free(&info.tree);
    buf_free(&info.extensions);
    buf_free(&key);
    return taken(&b);
}

/* ---- Welcome ---- */

static void welcome_keys(uint16_t suite, struct slice joiner, const uint8_t psk[MLS_HASH_LEN],
                         uint8_t key[MLS_AEAD_KEY_MAX], uint8_t nonce[MLS_NONCE_LEN])
{
    uint8_t secret[MLS_HASH_LEN];

    mls_schedule_welcome(joiner.data, psk, secret);
    mls_welcome_key(suite, secret, key, nonce);
}

static const uint8_t no_psk[MLS_HASH_LEN];

static struct bytes open_info(const struct mls_welcome *w, struct slice joiner)
{
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
    struct slice sealed = w->encrypted_group_info;
    struct bytes out = {malloc(sealed.len), sealed.len - AEAD_TAG_LEN};

    welcome_keys(w->suite, joiner, no_psk, key, nonce);
    assert_int_equal(aead_open(mls_suite_aead(w->suite), key, nonce, (struct slice){0}, sealed, out.data), 0);
    return out;
}

static struct bytes seal_info(const struct kit_member *by, const struct forge_welcome *w, struct slice joiner)
{
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN], signature[MLS_SIGNATURE_LEN];
    struct mls_signer signer = kit_signer(by);
    uint8_t psk[MLS_HASH_LEN] = {0};
    struct mls_group_info info = w->info;
    struct reader ids = reader_of(w->secrets.psks);
    struct mls_psk_id id;
    struct buf tbs = BUF_INIT, b = BUF_INIT;
    struct bytes out;

    mls_put_group_context(&tbs, &info.context);
    buf_put_vec(&tbs, info.extensions);
    buf_put_vec(&tbs, info.confirmation_tag);
    buf_put_u32(&tbs, info.signer);
    assert_int_equal(mls_sign_with_label(&signer, "GroupInfoTBS", buf_slice(&tbs), signature), 0);
    info.signature = slice_of(signature, sizeof signature);
    mls_put_group_info(&b, &info);
    if (w->longer_info)
        buf_put_u8(&b, 0);
    out = (struct bytes){malloc(b.len + AEAD_TAG_LEN), b.len + AEAD_TAG_LEN};
    if (w->psk.len && mls_parse_psk_id(&ids, &id)) /* one is enough here */
        assert_int_equal(mls_psk_mix(psk, id.raw, 0, 1, w->psk), 0);
    welcome_keys(MLS_SUITE_CHACHA20, joiner, psk, key, nonce);
    assert_int_equal(aead_seal(AEAD_CHACHA20_POLY1305, key, nonce, (struct slice){0}, buf_slice(&b), out.data), 0);
    buf_free(&tbs);
    buf_free(&b);
    return out;
}

struct bytes forge_welcome(const struct kit_member *by, const struct kit_member *joiner, struct slice welcome,
                           void (*edit)(struct forge_welcome *w, void *ctx), void *ctx, const struct rand *rand)
{
    struct buf context = BUF_INIT, secrets = BUF_INIT, list = BUF_INIT, b = BUF_INIT;
    struct forge_welcome f = {.suite = MLS_SUITE_CHACHA20};
    struct mls_encrypted_secrets one;
    struct bytes opened, info, sealed;
    struct mls_welcome w;
    struct reader r = reader_of(slice_of(welcome.data + 4, welcome.len - 4));
    uint8_t joiner_secret[MLS_HASH_LEN];

    assert_true(mls_parse_welcome(&r, &w) && mls_next_encrypted_secrets(&w.secrets, &one));
    mls_put_encrypt_context(&context, "Welcome", w.encrypted_group_info);
    assert_int_equal(mls_hpke_open(w.suite, joiner->kp.init_private, slice_of(joiner->kp.init_public, MLS_KEY_LEN),
                                   buf_slice(&context), one.ciphertext.kem_output, one.ciphertext.ciphertext, &opened),
                     0);
    r = reader_of(bytes_slice(&opened));
    assert_true(mls_parse_group_secrets(&r, &f.secrets));
    memcpy(joiner_secret, f.secrets.joiner_secret.data, sizeof joiner_secret);
    info = open_info(&w, slice_of(joiner_secret, sizeof joiner_secret));
    r = reader_of(bytes_slice(&info));
    assert_true(mls_parse_group_info(&r, &f.info));
    if (edit)
        edit(&f, ctx);
    sealed = seal_info(by, &f, slice_of(joiner_secret, sizeof joiner_secret));
    if (f.no_info)
        sealed.len = AEAD_TAG_LEN - 1;
    buf_reset(&context);
    mls_put_encrypt_context(&context, "Welcome", bytes_slice(&sealed));
    mls_put_group_secrets(&secrets, &f.secrets);
    if (f.longer_secrets)
        buf_put_u8(&secrets, 0);
    buf_put_vec(&list, one.ref);
    assert_int_equal(mls_hpke_seal(MLS_SUITE_CHACHA20, slice_of(joiner->kp.init_public, MLS_KEY_LEN),
                                   buf_slice(&context), buf_slice(&secrets), rand, &list), 0);
    w = (struct mls_welcome){f.suite, buf_slice(&list), bytes_slice(&sealed)};
    mls_put_message_head(&b, MLS_WIRE_WELCOME);
    mls_put_welcome(&b, &w);
    bytes_free(&opened);
    free(info.data);
    free(sealed.data);
    buf_free(&context);
    buf_free(&secrets);
    buf_free(&list);
    return taken(&b);
}
