/* Plain signatures are libsodium's.  Its prehashed form has no context argument, so Ed25519ph is
 * put together from the group operations, by RFC 8032 sections 5.1.6 and 5.1.7. */
#include "crypto/ed25519.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/hash.h"

#include <sodium.h>
#include <string.h>

void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN], struct ed25519_key *out)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    (void)crypto_sign_seed_keypair(out->public_key, secret, seed); /* has no way to fail */
    memmove(out->seed, seed, ED25519_SEED_LEN);
    sodium_memzero(secret, sizeof secret);
}

void ed25519_generate(const struct rand *rand, struct ed25519_key *out)
{
    uint8_t seed[ED25519_SEED_LEN];

    rand_fill(rand, seed, sizeof seed);
    ed25519_from_seed(seed, out);
    sodium_memzero(seed, sizeof seed);
}

void ed25519_wipe(struct ed25519_key *key)
{
    sodium_memzero(key, sizeof *key);
}

_Static_assert(sizeof(struct ed25519_key) == crypto_sign_SECRETKEYBYTES,
               "seed and public key, nothing between");

void ed25519_sign(const struct ed25519_key *key, struct slice message,
                  uint8_t signature[ED25519_SIGNATURE_LEN])
{
    (void)crypto_sign_detached(signature, NULL, message.data, message.len, (const uint8_t *)key);
}

int ed25519_verify(struct slice public_key, struct slice message, struct slice signature)
{
    if (public_key.len != ED25519_PUBLIC_LEN || signature.len != ED25519_SIGNATURE_LEN)
        return ERR_AUTH;
    return crypto_sign_verify_detached(signature.data, message.data, message.len, public_key.data) == 0
               ? 0
               : ERR_AUTH;
}

static const uint8_t neutral[ED25519_PUBLIC_LEN] = {1};

bool ed25519_is_point(const uint8_t public_key[ED25519_PUBLIC_LEN])
{
    uint8_t sum[ED25519_PUBLIC_LEN];

    /* The addition only decodes its operands, while crypto_core_ed25519_is_valid_point() also
     * refuses every point outside of the prime-order subgroup. */
    return crypto_core_ed25519_add(sum, public_key, neutral) == 0;
}

/* SHA-512(dom2(1, context) ‖ a ‖ b ‖ c) mod L */
static void hash_to_scalar(struct slice context, struct slice a, struct slice b, struct slice c,
                           uint8_t out[32])
{
    uint8_t flags[2] = {1, (uint8_t)context.len};
    struct slice parts[] = {
        slice_str("SigEd25519 no Ed25519 collisions"), slice_of(flags, sizeof flags), context, a, b, c};
    uint8_t wide[HASH_SHA512_LEN];

    hash_sha512_parts(parts, sizeof parts / sizeof parts[0], wide);
    crypto_core_ed25519_scalar_reduce(out, wide);
    sodium_memzero(wide, sizeof wide);
}

/* The secret scalar a mod L and the nonce prefix, both from the seed. */
static void expand_seed(const struct ed25519_key *key, uint8_t scalar[32], uint8_t prefix[32])
{
    uint8_t h[HASH_SHA512_LEN], wide[64] = {0};

    hash_sha512(slice_of(key->seed, sizeof key->seed), h);
    h[0] &= 248;
    h[31] &= 127;
    h[31] |= 64;
    memcpy(wide, h, 32);
    crypto_core_ed25519_scalar_reduce(scalar, wide);
    memcpy(prefix, h + 32, 32);
    sodium_memzero(h, sizeof h);
    sodium_memzero(wide, sizeof wide);
}

int ed25519ph_sign(const struct ed25519_key *key, struct slice context, struct slice message,
                   uint8_t signature[ED25519_SIGNATURE_LEN])
{
    uint8_t a[32], prefix[32], r[32], k[32], prehash[HASH_SHA512_LEN];
    struct slice ph = slice_of(prehash, sizeof prehash);

    if (context.len > ED25519PH_CONTEXT_MAX)
        return ERR_INVALID;
    expand_seed(key, a, prefix);
    hash_sha512(message, prehash);
    hash_to_scalar(context, slice_of(prefix, sizeof prefix), slice_of(NULL, 0), ph, r);
    (void)crypto_scalarmult_ed25519_base_noclamp(signature, r); /* fails for r = 0 only */
    hash_to_scalar(context, slice_of(signature, 32), slice_of(key->public_key, 32), ph, k);
    crypto_core_ed25519_scalar_mul(k, k, a);
    crypto_core_ed25519_scalar_add(signature + 32, r, k);
    sodium_memzero(a, sizeof a);
    sodium_memzero(prefix, sizeof prefix);
    sodium_memzero(r, sizeof r);
    sodium_memzero(k, sizeof k);
    return 0;
}

/* S < L: the group order, little-endian.  Without it (R, S + L) would be a second signature. */
static bool is_reduced(const uint8_t s[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

    for (int i = 31; i >= 0; i--)
        if (s[i] != order[i])
            return s[i] < order[i];
    return false;
}

/* k·A for a point of any order, bit by bit: libsodium's multiplication refuses those outside of the
 * prime-order subgroup, its addition takes them.  Public values only.  Some ten milliseconds. */
static bool multiply_any(const uint8_t k[32], const uint8_t point[32], uint8_t out[32])
{
    memcpy(out, neutral, sizeof neutral);
    for (int bit = 252; bit >= 0; bit--)
        if (crypto_core_ed25519_add(out, out, out) != 0 ||
            ((k[bit / 8] >> bit % 8 & 1) && crypto_core_ed25519_add(out, out, point) != 0))
            return false;
    return true;
}

static bool multiply_base(const uint8_t s[32], uint8_t out[32])
{
    if (!sodium_is_zero(s, 32))
        return crypto_scalarmult_ed25519_base_noclamp(out, s) == 0;
    memcpy(out, neutral, sizeof neutral);
    return true;
}

int ed25519ph_verify(struct slice public_key, struct slice context, struct slice message,
                     struct slice signature)
{
    uint8_t prehash[HASH_SHA512_LEN], k[32], sb[32], ka[32], expect[32];

    if (public_key.len != ED25519_PUBLIC_LEN || signature.len != ED25519_SIGNATURE_LEN ||
        context.len > ED25519PH_CONTEXT_MAX || !is_reduced(signature.data + 32))
        return ERR_AUTH;
    hash_sha512(message, prehash);
    hash_to_scalar(context, slice_of(signature.data, 32), public_key, slice_of(prehash, sizeof prehash), k);
    if (!multiply_base(signature.data + 32, sb) ||
        (crypto_scalarmult_ed25519_noclamp(ka, k, public_key.data) != 0 && !multiply_any(k, public_key.data, ka)) ||
        crypto_core_ed25519_sub(expect, sb, ka) != 0)
        return ERR_AUTH;
    return sodium_memcmp(expect, signature.data, sizeof expect) == 0 ? 0 : ERR_AUTH;
}
