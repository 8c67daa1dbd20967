/* Names follow RFC 9180: labeled_extract and labeled_expand of section 4, the KEM of 4.1, the key
 * schedule of 5.1, the context of 5.2. */
#include "crypto/hpke.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/hash.h"

#include <sodium.h>
#include <string.h>

#define KDF_HKDF_SHA256 0x0001

/* "KEM" ‖ kem_id, or "HPKE" ‖ kem_id ‖ kdf_id ‖ aead_id. */
struct suite_id {
    uint8_t data[10];
    size_t len;
};

static void put_u16(struct suite_id *id, uint16_t v)
{
    id->data[id->len++] = (uint8_t)(v >> 8);
    id->data[id->len++] = (uint8_t)v;
}

static struct suite_id kem_suite(uint16_t kem_id)
{
    struct suite_id id = {.data = "KEM", .len = 3};

    put_u16(&id, kem_id);
    return id;
}

static struct suite_id hpke_suite(uint16_t kem_id, enum aead_id aead)
{
    struct suite_id id = {.data = "HPKE", .len = 4};

    put_u16(&id, kem_id);
    put_u16(&id, KDF_HKDF_SHA256);
    put_u16(&id, (uint16_t)aead);
    return id;
}

static void labeled_extract(const struct suite_id *id, struct slice salt, const char *label, struct slice ikm,
                            uint8_t prk[32])
{
    struct slice parts[] = {slice_str("HPKE-v1"), slice_of(id->data, id->len), slice_str(label), ikm};

    hkdf_sha256_extract_parts(salt, parts, 4, prk);
}

static int labeled_expand(const struct suite_id *id, const uint8_t prk[32], const char *label,
                          struct slice info, uint8_t *out, size_t len)
{
    uint8_t l[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    struct slice parts[] = {slice_of(l, 2), slice_str("HPKE-v1"), slice_of(id->data, id->len),
                            slice_str(label), info};

    return hkdf_sha256_expand_parts(slice_of(prk, 32), parts, 5, out, len);
}

void hpke_derive_key(struct slice ikm, struct x25519_key *out)
{
    struct suite_id id = kem_suite(HPKE_KEM_X25519);
    uint8_t dkp_prk[32], secret[X25519_LEN];

    labeled_extract(&id, slice_of(NULL, 0), "dkp_prk", ikm, dkp_prk);
    (void)labeled_expand(&id, dkp_prk, "sk", slice_of(NULL, 0), secret, sizeof secret);
    x25519_from_secret(secret, out);
    sodium_memzero(dkp_prk, sizeof dkp_prk);
    sodium_memzero(secret, sizeof secret);
}

/* ExtractAndExpand of section 4.1, over the Diffie-Hellman result of the two keys. */
static int kem_shared(const uint8_t secret[X25519_LEN], const uint8_t peer[X25519_LEN],
                      const uint8_t enc[X25519_LEN], const uint8_t receiver[X25519_LEN], uint8_t shared[32])
{
    struct suite_id id = kem_suite(HPKE_KEM_X25519);
    uint8_t dh[X25519_LEN], eae_prk[32], kem_context[2 * X25519_LEN];
    int r = x25519_shared(secret, peer, dh);

    if (r != 0)
        return r;
    memcpy(kem_context, enc, X25519_LEN);
    memcpy(kem_context + X25519_LEN, receiver, X25519_LEN);
    labeled_extract(&id, slice_of(NULL, 0), "eae_prk", slice_of(dh, sizeof dh), eae_prk);
    r = labeled_expand(&id, eae_prk, "shared_secret", slice_of(kem_context, sizeof kem_context), shared, 32);
    sodium_memzero(dh, sizeof dh);
    sodium_memzero(eae_prk, sizeof eae_prk);
    return r;
}

int hpke_context_from_secret(uint16_t kem_id, enum aead_id aead, struct slice shared_secret,
                             struct slice info, struct hpke_context *out)
{
    struct suite_id id = hpke_suite(kem_id, aead);
    uint8_t context[1 + 32 + 32] = {0}; /* mode_base, psk_id_hash, info_hash */
    struct slice ctx = slice_of(context, sizeof context);
    uint8_t secret[32];

    if (aead_nonce_len(aead) != sizeof out->base_nonce)
        return ERR_UNSUPPORTED;
    labeled_extract(&id, slice_of(NULL, 0), "psk_id_hash", slice_of(NULL, 0), context + 1);
    labeled_extract(&id, slice_of(NULL, 0), "info_hash", info, context + 33);
    labeled_extract(&id, shared_secret, "secret", slice_of(NULL, 0), secret);
    *out = (struct hpke_context){.aead = aead, .kem_id = kem_id};
    (void)labeled_expand(&id, secret, "key", ctx, out->key, aead_key_len(aead));
    (void)labeled_expand(&id, secret, "base_nonce", ctx, out->base_nonce, sizeof out->base_nonce);
    (void)labeled_expand(&id, secret, "exp", ctx, out->exporter_secret, sizeof out->exporter_secret);
    sodium_memzero(secret, sizeof secret);
    return 0;
}

int hpke_setup_sender_with_ephemeral(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info,
                                     const struct x25519_key *ephemeral, uint8_t enc[HPKE_ENC_LEN],
                                     struct hpke_context *out)
{
    uint8_t shared[32];
    int r = kem_shared(ephemeral->secret, peer, ephemeral->public_key, peer, shared);

    if (r != 0)
        return r;
    r = hpke_context_from_secret(HPKE_KEM_X25519, aead, slice_of(shared, sizeof shared), info, out);
    if (r == 0)
        memcpy(enc, ephemeral->public_key, HPKE_ENC_LEN);
    sodium_memzero(shared, sizeof shared);
    return r;
}

int hpke_setup_sender(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info,
                      const struct rand *rand, uint8_t enc[HPKE_ENC_LEN], struct hpke_context *out)
{
    struct x25519_key ephemeral;
    int r;

    x25519_generate(rand, &ephemeral);
    r = hpke_setup_sender_with_ephemeral(aead, peer, info, &ephemeral, enc, out);
    x25519_wipe(&ephemeral);
    return r;
}

int hpke_setup_receiver(enum aead_id aead, const struct x25519_key *key, struct slice enc, struct slice info,
                        struct hpke_context *out)
{
    uint8_t shared[32];
    int r;

    if (enc.len != HPKE_ENC_LEN)
        return ERR_AUTH;
    if ((r = kem_shared(key->secret, enc.data, enc.data, key->public_key, shared)) != 0)
        return r;
    r = hpke_context_from_secret(HPKE_KEM_X25519, aead, slice_of(shared, sizeof shared), info, out);
    sodium_memzero(shared, sizeof shared);
    return r;
}

/* ComputeNonce of section 5.2: the sequence number, 12 bytes big-endian, over the base nonce. */
static void next_nonce(const struct hpke_context *ctx, uint8_t nonce[12])
{
    memcpy(nonce, ctx->base_nonce, 12);
    for (int i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(ctx->seq >> (8 * i));
}

int hpke_seal(struct hpke_context *ctx, struct slice aad, struct slice plain, uint8_t *out)
{
    uint8_t nonce[12];
    int r;

    next_nonce(ctx, nonce);
    r = aead_seal(ctx->aead, ctx->key, nonce, aad, plain, out);
    if (r == 0)
        ctx->seq++; /* 2^64 messages do not happen */
    return r;
}

int hpke_open(struct hpke_context *ctx, struct slice aad, struct slice sealed, uint8_t *out)
{
    uint8_t nonce[12];
    int r;

    next_nonce(ctx, nonce);
    r = aead_open(ctx->aead, ctx->key, nonce, aad, sealed, out);
    if (r == 0)
        ctx->seq++;
    return r;
}

int hpke_export(const struct hpke_context *ctx, struct slice exporter_context, uint8_t *out, size_t len)
{
    struct suite_id id = hpke_suite(ctx->kem_id, ctx->aead);

    return labeled_expand(&id, ctx->exporter_secret, "sec", exporter_context, out, len);
}

void hpke_wipe(struct hpke_context *ctx)
{
    sodium_memzero(ctx, sizeof *ctx);
}

int hpke_seal_once(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info, struct slice aad,
                   struct slice plain, const struct rand *rand, uint8_t enc[HPKE_ENC_LEN], uint8_t *out)
{
    struct hpke_context ctx;
    int r = hpke_setup_sender(aead, peer, info, rand, enc, &ctx);

    if (r != 0)
        return r;
    r = hpke_seal(&ctx, aad, plain, out);
    hpke_wipe(&ctx);
    return r;
}

int hpke_open_once(enum aead_id aead, const struct x25519_key *key, struct slice enc, struct slice info,
                   struct slice aad, struct slice sealed, uint8_t *out)
{
    struct hpke_context ctx;
    int r = hpke_setup_receiver(aead, key, enc, info, &ctx);

    if (r != 0)
        return r;
    r = hpke_open(&ctx, aad, sealed, out);
    hpke_wipe(&ctx);
    return r;
}
