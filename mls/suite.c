#include "mls/suite.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "mls/codec.h"

#include <string.h>

static const char prefix[] = "MLS 1.0 ";
#define PREFIX_LEN (sizeof prefix - 1)

bool mls_suite_known(uint16_t suite)
{
    return suite == MLS_SUITE_AES128 || suite == MLS_SUITE_CHACHA20;
}

enum aead_id mls_suite_aead(uint16_t suite)
{
    return suite == MLS_SUITE_AES128 ? AEAD_AES_128_GCM : AEAD_CHACHA20_POLY1305;
}

size_t mls_suite_key_len(uint16_t suite)
{
    return suite == MLS_SUITE_AES128 ? 16 : 32;
}

/* KDFLabel is fed to HKDF in parts, so that deriving allocates nothing. */
void mls_expand_with_label(const uint8_t secret[MLS_HASH_LEN], struct slice label, struct slice context, uint8_t *out,
                           size_t len)
{
    uint8_t head[6], context_head[4];
    struct slice parts[5];

    head[0] = (uint8_t)(len >> 8);
    head[1] = (uint8_t)len;
    parts[0] = slice_of(head, 2 + mls_vec_prefix(PREFIX_LEN + label.len, head + 2));
    parts[1] = slice_of(prefix, PREFIX_LEN);
    parts[2] = label;
    parts[3] = slice_of(context_head, mls_vec_prefix(context.len, context_head));
    parts[4] = context;
    hkdf_sha256_expand_parts(slice_of(secret, MLS_HASH_LEN), parts, 5, out, len);
}

void mls_derive_secret(const uint8_t secret[MLS_HASH_LEN], const char *label, uint8_t out[MLS_HASH_LEN])
{
    mls_expand_with_label(secret, slice_str(label), (struct slice){0}, out, MLS_HASH_LEN);
}

void mls_derive_tree_secret(const uint8_t secret[MLS_HASH_LEN], const char *label, uint32_t generation, uint8_t *out,
                            size_t len)
{
    uint8_t be[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16), (uint8_t)(generation >> 8),
                     (uint8_t)generation};

    mls_expand_with_label(secret, slice_str(label), slice_of(be, 4), out, len);
}

void mls_ref_hash(const char *label, struct slice value, uint8_t out[MLS_HASH_LEN])
{
    uint8_t label_head[4], value_head[4];
    struct slice text = slice_str(label);
    struct slice parts[4] = {
        slice_of(label_head, mls_vec_prefix(text.len, label_head)),
        text,
        slice_of(value_head, mls_vec_prefix(value.len, value_head)),
        value,
    };

    hash_sha256_parts(parts, 4, out);
}

/* SignContent and EncryptContext begin alike. */
static void put_labelled(struct buf *b, const char *label, struct slice content)
{
    size_t mark = buf_begin_vec(b);

    buf_put(b, prefix, PREFIX_LEN);
    buf_put_str(b, label);
    buf_end_vec(b, mark);
    buf_put_vec(b, content);
}

int mls_sign_with_label(const struct mls_signer *signer, const char *label, struct slice content,
                        uint8_t signature[MLS_SIGNATURE_LEN])
{
    struct buf b = BUF_SECRET; /* the content may be a message */
    struct ed25519_key key;
    int r = 0;

    put_labelled(&b, label, content);
    if (!buf_ok(&b)) {
        r = ERR_NOMEM;
        goto done;
    }
    memcpy(key.seed, signer->seed, sizeof key.seed);
    memcpy(key.public_key, signer->public_key, sizeof key.public_key);
    ed25519_sign(&key, buf_slice(&b), signature);
    ed25519_wipe(&key);
done:
    buf_free(&b);
    return r;
}

int mls_verify_with_label(struct slice public_key, const char *label, struct slice content, struct slice signature)
{
    struct buf b = BUF_SECRET; /* the content may be a message */
    int r;

    put_labelled(&b, label, content);
    r = buf_ok(&b) ? ed25519_verify(public_key, buf_slice(&b), signature) : ERR_NOMEM;
    buf_free(&b);
    return r;
}

void mls_put_encrypt_context(struct buf *info, const char *label, struct slice context)
{
    put_labelled(info, label, context);
}

int mls_hpke_seal(uint16_t suite, struct slice public_key, struct slice info, struct slice plain,
                  const struct rand *rand, struct buf *out)
{
    uint8_t enc[HPKE_ENC_LEN];
    struct bytes sealed = {0};
    int r;

    if (public_key.len != MLS_KEY_LEN)
        return ERR_MALFORMED;
    sealed.len = plain.len + AEAD_TAG_LEN;
    sealed.data = xm_alloc(sealed.len);
    if (!sealed.data)
        return ERR_NOMEM;
    r = hpke_seal_once(mls_suite_aead(suite), public_key.data, info, (struct slice){0}, plain, rand, enc, sealed.data);
    if (r == 0) {
        buf_put_vec(out, slice_of(enc, sizeof enc));
        buf_put_vec(out, bytes_slice(&sealed));
        r = buf_ok(out) ? 0 : ERR_NOMEM;
    }
    bytes_free(&sealed);
    return r;
}

int mls_hpke_open(uint16_t suite, const uint8_t secret[MLS_KEY_LEN], struct slice public_key, struct slice info,
                  struct slice kem_output, struct slice ciphertext, struct bytes *out)
{
    struct x25519_key key;
    struct bytes plain = {0};
    int r;

    if (public_key.len != MLS_KEY_LEN)
        return ERR_MALFORMED;
    if (ciphertext.len < AEAD_TAG_LEN)
        return ERR_AUTH;
    plain.len = ciphertext.len - AEAD_TAG_LEN;
    plain.data = xm_alloc(plain.len);
    if (!plain.data)
        return ERR_NOMEM;
    memcpy(key.secret, secret, MLS_KEY_LEN);
    memcpy(key.public_key, public_key.data, MLS_KEY_LEN);
    r = hpke_open_once(mls_suite_aead(suite), &key, kem_output, info, (struct slice){0}, ciphertext, plain.data);
    x25519_wipe(&key);
    if (r == 0)
        *out = plain;
    else
        bytes_wipe(&plain);
    return r;
}
