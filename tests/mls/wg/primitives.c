/* tree-math, deserialization, crypto-basics, key-schedule, psk_secret, transcript-hashes. */
#include "base/reader.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "mls/external.h"
#include "mls/schedule.h"
#include "mls/suite.h"
#include "mls/tree_math.h"
#include "tests/mls/wg/wg.h"

#include <string.h>

/* An optional<uint32> of a list: -1 for null or beyond. */
static int64_t at(const json_t *entry, const char *key, uint32_t x)
{
    const json_t *v = json_array_get(json_object_get(entry, key), x);

    return json_is_integer(v) ? json_integer_value(v) : -1;
}

bool wg_tree_math(struct wg *w, const json_t *entry)
{
    uint32_t width = (uint32_t)wg_int(w, entry, "n_leaves"), nodes = mls_node_width(width);

    WG(mls_is_power_of_two(width));
    WG(nodes == wg_int(w, entry, "n_nodes"));
    WG(mls_root(width) == wg_int(w, entry, "root"));
    for (uint32_t x = 0; x < nodes; x++) {
        bool leaf = mls_level(x) == 0, root = x == mls_root(width);

        WG(at(entry, "left", x) == (leaf ? -1 : (int64_t)mls_left(x)));
        WG(at(entry, "right", x) == (leaf ? -1 : (int64_t)mls_right(x)));
        WG(at(entry, "parent", x) == (root ? -1 : (int64_t)mls_parent(x)));
        WG(at(entry, "sibling", x) == (root ? -1 : (int64_t)mls_sibling(x)));
    }
    return true;
}

/* The reader insists on the vector's bytes being there, so the header gets them. */
bool wg_deserialization(struct wg *w, const json_t *entry)
{
    struct slice header = wg_hex(w, entry, "vlbytes_header");
    size_t length = wg_int(w, entry, "length");
    struct buf b = BUF_INIT;
    struct reader r;
    bool ok;

    buf_put_slice(&b, header);
    ok = length == 0 || (length <= MLS_VEC_MAX && buf_grow(&b, length));
    r = reader_of(buf_slice(&b));
    ok = ok && read_vec_len(&r, SIZE_MAX) == length && !r.bad && reader_left(&r) == length;
    buf_free(&b);
    WG(ok);
    return true;
}

static const char *label_of(struct wg *w, const json_t *o)
{
    return (const char *)wg_text(w, o, "label").data;
}

static bool labelled_kdf(struct wg *w, const json_t *entry)
{
    const json_t *o = json_object_get(entry, "ref_hash");
    uint8_t out[256];

    mls_ref_hash(label_of(w, o), wg_hex(w, o, "value"), out);
    WG(wg_is(out, MLS_HASH_LEN, wg_hex(w, o, "out")));

    o = json_object_get(entry, "expand_with_label");
    WG(wg_int(w, o, "length") <= sizeof out);
    mls_expand_with_label(wg_secret(w, o, "secret").data, wg_text(w, o, "label"), wg_hex(w, o, "context"), out,
                          wg_int(w, o, "length"));
    WG(wg_is(out, wg_int(w, o, "length"), wg_hex(w, o, "out")));

    o = json_object_get(entry, "derive_secret");
    mls_derive_secret(wg_secret(w, o, "secret").data, label_of(w, o), out);
    WG(wg_is(out, MLS_HASH_LEN, wg_hex(w, o, "out")));

    o = json_object_get(entry, "derive_tree_secret");
    WG(wg_int(w, o, "length") <= sizeof out);
    mls_derive_tree_secret(wg_secret(w, o, "secret").data, label_of(w, o),
                           (uint32_t)wg_int(w, o, "generation"), out, wg_int(w, o, "length"));
    WG(wg_is(out, wg_int(w, o, "length"), wg_hex(w, o, "out")));
    return true;
}

static bool signing(struct wg *w, const json_t *o)
{
    const char *label = label_of(w, o);
    struct slice public_key = wg_secret(w, o, "pub"), content = wg_hex(w, o, "content");
    struct mls_signer signer = {wg_signature_key(w, o, "priv", public_key).data, public_key.data};
    uint8_t signature[MLS_SIGNATURE_LEN];

    WG(!w->bad);
    WG(mls_verify_with_label(public_key, label, content, wg_hex(w, o, "signature")) == 0);
    WG(mls_sign_with_label(&signer, label, content, signature) == 0);
    WG(mls_verify_with_label(public_key, label, content, slice_of(signature, sizeof signature)) == 0);
    return true;
}

static bool opens(uint16_t suite, struct slice secret, struct slice public_key, struct slice info,
                  const struct mls_hpke_ciphertext *ct, struct slice want)
{
    struct bytes plain = {0};
    bool ok = mls_hpke_open(suite, secret.data, public_key, info, ct->kem_output, ct->ciphertext, &plain) == 0 &&
              slice_eq(bytes_slice(&plain), want);

    bytes_wipe(&plain);
    return ok;
}

static bool encrypting(struct wg *w, uint16_t suite, const json_t *o)
{
    struct slice secret = wg_secret(w, o, "priv"), public_key = wg_hex(w, o, "pub");
    struct slice plain = wg_hex(w, o, "plaintext");
    struct mls_hpke_ciphertext given = {wg_hex(w, o, "kem_output"), wg_hex(w, o, "ciphertext")}, ours;
    struct buf info = BUF_INIT, out = BUF_INIT;
    struct reader r;
    bool ok;

    mls_put_encrypt_context(&info, label_of(w, o), wg_hex(w, o, "context"));
    ok = opens(suite, secret, public_key, buf_slice(&info), &given, plain) &&
         mls_hpke_seal(suite, public_key, buf_slice(&info), plain, w->rand, &out) == 0;
    r = reader_of(buf_slice(&out));
    ok = ok && mls_parse_hpke_ciphertext(&r, &ours) && reader_done(&r) &&
         opens(suite, secret, public_key, buf_slice(&info), &ours, plain);
    buf_free(&info);
    buf_free(&out);
    WG(ok);
    return true;
}

bool wg_crypto_basics(struct wg *w, const json_t *entry)
{
    return labelled_kdf(w, entry) && signing(w, json_object_get(entry, "sign_with_label")) &&
           encrypting(w, (uint16_t)wg_int(w, entry, "cipher_suite"), json_object_get(entry, "encrypt_with_label"));
}

static bool same(struct wg *w, const json_t *o, const char *key, const uint8_t got[MLS_HASH_LEN])
{
    return wg_is(got, MLS_HASH_LEN, wg_hex(w, o, key)) || wg_fail(w, __FILE__, __LINE__, key);
}

static bool one_epoch(struct wg *w, const json_t *o, const struct mls_group_context *ctx, uint8_t init[MLS_HASH_LEN])
{
    struct slice commit_secret = wg_secret(w, o, "commit_secret"), psk_secret = wg_secret(w, o, "psk_secret");
    struct slice context;
    const json_t *exporter = json_object_get(o, "exporter");
    uint8_t joiner[MLS_HASH_LEN], welcome[MLS_HASH_LEN], external[MLS_KEY_LEN], exported[256];
    struct mls_secrets s;
    struct buf b = BUF_INIT;
    bool ok;

    mls_put_group_context(&b, ctx);
    context = wg_hex(w, o, "group_context");
    ok = slice_eq(buf_slice(&b), context);
    buf_free(&b);
    WG(ok);
    mls_schedule_joiner(init, commit_secret.data, context, joiner);
    mls_schedule_welcome(joiner, psk_secret.data, welcome);
    mls_schedule_epoch(joiner, psk_secret.data, context, &s);
    mls_external_public(s.external, external);
    memcpy(init, s.init, MLS_HASH_LEN);
    WG(wg_int(w, exporter, "length") <= sizeof exported);
    WG(mls_exporter(s.exporter, wg_text(w, exporter, "label"), wg_hex(w, exporter, "context"), exported,
                    wg_int(w, exporter, "length")) == 0);
    WG(wg_is(exported, wg_int(w, exporter, "length"), wg_hex(w, exporter, "secret")));
    return same(w, o, "joiner_secret", joiner) && same(w, o, "welcome_secret", welcome) &&
           same(w, o, "init_secret", s.init) && same(w, o, "sender_data_secret", s.sender_data) &&
           same(w, o, "encryption_secret", s.encryption) && same(w, o, "exporter_secret", s.exporter) &&
           same(w, o, "epoch_authenticator", s.authenticator) && same(w, o, "external_secret", s.external) &&
           same(w, o, "confirmation_key", s.confirmation) && same(w, o, "membership_key", s.membership) &&
           same(w, o, "resumption_psk", s.resumption) && same(w, o, "external_pub", external);
}

bool wg_key_schedule(struct wg *w, const json_t *entry)
{
    struct slice first = wg_secret(w, entry, "initial_init_secret");
    struct mls_group_context ctx = {.version = MLS_VERSION_10,
                                    .suite = (uint16_t)wg_int(w, entry, "cipher_suite"),
                                    .group_id = wg_hex(w, entry, "group_id")};
    uint8_t init[MLS_HASH_LEN];
    json_t *epoch;
    size_t i;

    memcpy(init, first.data, sizeof init);
    json_array_foreach(json_object_get(entry, "epochs"), i, epoch)
    {
        ctx.epoch = i;
        ctx.tree_hash = wg_hex(w, epoch, "tree_hash");
        ctx.confirmed_transcript_hash = wg_hex(w, epoch, "confirmed_transcript_hash");
        if (!one_epoch(w, epoch, &ctx, init))
            return false;
    }
    return i > 0;
}

bool wg_psk_secret(struct wg *w, const json_t *entry)
{
    const json_t *list = json_object_get(entry, "psks");
    uint8_t secret[MLS_HASH_LEN] = {0};
    json_t *psk;
    size_t i;

    json_array_foreach(list, i, psk)
    {
        struct mls_psk_id id = {.type = MLS_PSK_EXTERNAL, .psk_id = wg_hex(w, psk, "psk_id"),
                                .nonce = wg_hex(w, psk, "psk_nonce")};
        struct buf b = BUF_INIT;
        int e;

        mls_put_psk_id(&b, &id);
        e = mls_psk_mix(secret, buf_slice(&b), (uint16_t)i, (uint16_t)json_array_size(list), wg_hex(w, psk, "psk"));
        buf_free(&b);
        WG(e == 0);
    }
    return same(w, entry, "psk_secret", secret);
}

bool wg_transcript_hashes(struct wg *w, const json_t *entry)
{
    struct slice raw = wg_hex(w, entry, "authenticated_content"), key = wg_hex(w, entry, "confirmation_key");
    struct mls_authenticated_content content;
    struct reader r = reader_of(raw);
    uint8_t confirmed[MLS_HASH_LEN], interim[MLS_HASH_LEN], tag[MLS_HASH_LEN];

    WG(mls_parse_authenticated_content(&r, &content) && reader_done(&r));
    WG(content.content.content_type == MLS_CONTENT_COMMIT);
    WG(mls_confirmed_transcript_hash(wg_hex(w, entry, "interim_transcript_hash_before"), content.wire_format,
                                     &content.content, content.auth.signature, confirmed) == 0);
    hmac_sha256(key, slice_of(confirmed, sizeof confirmed), tag);
    WG(wg_is(tag, sizeof tag, content.auth.confirmation_tag));
    mls_interim_transcript_hash(slice_of(confirmed, sizeof confirmed), content.auth.confirmation_tag, interim);
    return same(w, entry, "confirmed_transcript_hash_after", confirmed) &&
           same(w, entry, "interim_transcript_hash_after", interim);
}
