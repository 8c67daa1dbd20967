/* welcome, passive-client: whole groups. */
#include "crypto/aead.h"
#include "crypto/ed25519.h"
#include "crypto/x25519.h"
#include "mls/codec.h"
#include "mls/schedule.h"
#include "mls/suite.h"
#include "mls/welcome.h"
#include "tests/mls/wg/wg.h"

#include <string.h>

/* ---- welcome: no tree, so not a group yet ---- */

static bool bare_key_package(struct wg *w, struct slice message, struct slice *out)
{
    struct mls_message_view view;

    WG(mls_message_peek(message, &view, &w->err) == 0 && view.wire_format == MLS_WIRE_KEY_PACKAGE);
    *out = view.body;
    return true;
}

static bool check_info(struct wg *w, const struct mls_group_info *info, const uint8_t joiner[MLS_HASH_LEN],
                       struct slice signer)
{
    static const uint8_t no_psk[MLS_HASH_LEN];
    uint8_t tag[MLS_HASH_LEN];
    struct mls_secrets secrets;

    WG(mls_verify_with_label(signer, "GroupInfoTBS", info->tbs, info->signature) == 0);
    mls_schedule_epoch(joiner, no_psk, info->context_raw, &secrets);
    mls_confirmation_tag(&secrets, info->context.confirmed_transcript_hash, tag);
    WG(wg_is(tag, sizeof tag, info->confirmation_tag));
    return true;
}

static bool open_info(struct wg *w, uint16_t suite, struct slice sealed, struct slice secrets_raw, struct slice signer)
{
    static const uint8_t no_psk[MLS_HASH_LEN];
    uint8_t welcome[MLS_HASH_LEN], key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN], plain[20000];
    struct reader r = reader_of(secrets_raw);
    struct mls_group_secrets secrets;
    struct mls_group_info info;

    WG(mls_parse_group_secrets(&r, &secrets) && reader_done(&r));
    WG(secrets.joiner_secret.len == MLS_HASH_LEN && secrets.psks.len == 0);
    WG(sealed.len >= AEAD_TAG_LEN && sealed.len <= sizeof plain);
    mls_schedule_welcome(secrets.joiner_secret.data, no_psk, welcome);
    mls_welcome_key(suite, welcome, key, nonce);
    WG(aead_open(mls_suite_aead(suite), key, nonce, (struct slice){0}, sealed, plain) == 0);
    r = reader_of(slice_of(plain, sealed.len - AEAD_TAG_LEN));
    WG(mls_parse_group_info(&r, &info) && reader_done(&r));
    return check_info(w, &info, secrets.joiner_secret.data, signer);
}

bool wg_welcome(struct wg *w, const json_t *entry)
{
    uint16_t suite = (uint16_t)wg_int(w, entry, "cipher_suite");
    struct slice init = wg_secret(w, entry, "init_priv"), raw;
    struct mls_encrypted_secrets one;
    struct mls_message_view view;
    struct mls_key_package kp;
    struct mls_welcome welcome;
    struct buf info = BUF_INIT;
    struct bytes secrets = {0};
    uint8_t ref[MLS_HASH_LEN];
    struct reader r;
    bool ok;

    if (!bare_key_package(w, wg_hex(w, entry, "key_package"), &raw))
        return false;
    WG(mls_key_package_parse(raw, &kp, &w->err) == 0);
    mls_key_package_ref(raw, ref);
    WG(mls_welcome_is_for(wg_hex(w, entry, "welcome"), ref));
    WG(mls_message_peek(wg_hex(w, entry, "welcome"), &view, &w->err) == 0);
    r = reader_of(view.body);
    WG(mls_parse_welcome(&r, &welcome) && welcome.suite == suite);
    do
        WG(mls_next_encrypted_secrets(&welcome.secrets, &one));
    while (!wg_is(ref, sizeof ref, one.ref));
    mls_put_encrypt_context(&info, "Welcome", welcome.encrypted_group_info);
    ok = mls_hpke_open(suite, init.data, kp.init_key, buf_slice(&info), one.ciphertext.kem_output,
                       one.ciphertext.ciphertext, &secrets) == 0;
    buf_free(&info);
    WG(ok);
    ok = open_info(w, suite, welcome.encrypted_group_info, bytes_slice(&secrets), wg_hex(w, entry, "signer_pub"));
    bytes_wipe(&secrets);
    return ok;
}

/* ---- passive-client ---- */

struct passive {
    struct wg *w;
    const json_t *psks;
};

static int find_psk(void *ctx, struct slice psk_id, struct slice group_id, uint64_t epoch, struct bytes *out)
{
    struct passive *p = ctx;
    json_t *psk;
    size_t i;

    (void)epoch;
    if (group_id.len)
        return ERR_NOTFOUND;
    json_array_foreach(p->psks, i, psk)
        if (slice_eq(wg_hex(p->w, psk, "psk_id"), psk_id))
            return bytes_dup(wg_hex(p->w, psk, "psk"), out);
    return ERR_NOTFOUND;
}

static bool keys_fit(struct wg *w, const json_t *entry, const struct mls_key_package *kp)
{
    struct x25519_key init, leaf;
    struct ed25519_key signer;

    x25519_from_secret(wg_secret(w, entry, "init_priv").data, &init);
    x25519_from_secret(wg_secret(w, entry, "encryption_priv").data, &leaf);
    ed25519_from_seed(wg_signature_key(w, entry, "signature_priv", kp->leaf.signature_key).data, &signer);
    WG(wg_is(init.public_key, MLS_KEY_LEN, kp->init_key));
    WG(wg_is(leaf.public_key, MLS_KEY_LEN, kp->leaf.encryption_key));
    WG(wg_is(signer.public_key, MLS_KEY_LEN, kp->leaf.signature_key));
    return true;
}

static bool receive(struct wg *w, struct mls_group *g, struct slice message)
{
    struct mls_processed *p;

    WG(mls_group_process(g, message, &p, &w->err) == 0);
    WG(mls_group_accept(g, p, &w->err) == 0);
    return true;
}

static bool follow(struct wg *w, struct mls_group *g, const json_t *entry)
{
    json_t *epoch, *proposal;
    size_t i, j;

    WG(slice_eq(mls_group_epoch_authenticator(g), wg_hex(w, entry, "initial_epoch_authenticator")));
    json_array_foreach(json_object_get(entry, "epochs"), i, epoch)
    {
        json_array_foreach(json_object_get(epoch, "proposals"), j, proposal)
            if (!receive(w, g, wg_hex_value(w, proposal)))
                return false;
        if (!receive(w, g, wg_hex(w, epoch, "commit")))
            return false;
        WG(slice_eq(mls_group_epoch_authenticator(g), wg_hex(w, epoch, "epoch_authenticator")));
    }
    return true;
}

bool wg_passive_client(struct wg *w, const json_t *entry)
{
    struct passive passive = {w, json_object_get(entry, "external_psks")};
    struct mls_config config = mls_config_default();
    struct mls_join_params params = {.welcome = wg_hex(w, entry, "welcome")};
    struct slice init = wg_secret(w, entry, "init_priv"), leaf = wg_secret(w, entry, "encryption_priv");
    struct mls_key_package kp;
    struct mls_group *g = NULL;
    bool ok;

    if (!bare_key_package(w, wg_hex(w, entry, "key_package"), &params.key_package))
        return false;
    WG(mls_key_package_parse(params.key_package, &kp, &w->err) == 0);
    if (!keys_fit(w, entry, &kp))
        return false;
    config.flags = MLS_ALLOW_PUBLIC_MESSAGE | MLS_ALLOW_PROPOSALS | MLS_ALLOW_PSK | MLS_ALLOW_EXTERNAL |
                   MLS_ALLOW_REINIT | MLS_ALLOW_UNREQUIRED_EXTENSIONS | MLS_ALLOW_UNLISTED_EXTENSIONS;
    config.resumption_psks = 16;
    config.psk = find_psk;
    config.psk_ctx = &passive;
    params.init_private = init.data;
    params.leaf_private = leaf.data;
    if (json_is_string(json_object_get(entry, "ratchet_tree")))
        params.ratchet_tree = wg_hex(w, entry, "ratchet_tree");
    WG(mls_group_join(&config, &params, &g, NULL, &w->err) == 0);
    ok = follow(w, g, entry);
    mls_group_free(g);
    return ok;
}
