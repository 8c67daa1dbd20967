/* OpenSSL's ML-KEM is reached by name, so that one program runs with and without it. */
#include "crypto/xwing.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/keccak.h"
#include "crypto/openssl.h"
#include "crypto/x25519.h"

#include <sodium.h>
#include <string.h>

#define ML_KEM        "ML-KEM-768"
#define ML_PUBLIC_LEN 1184
#define ML_SEED_LEN   64 /* d and z of FIPS 203 */
#define ML_ENC_LEN    1088

static bool available; /* set once, before there are threads */

void xwing_init(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, ML_KEM, NULL);

    available = ctx != NULL;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error(); /* that there is none is no error */
}

bool xwing_is_available(void)
{
    return available;
}

/* ---- ML-KEM-768 ---- */

static EVP_PKEY *ml_key(int selection, const char *param, const uint8_t *data, size_t len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(param, (void *)(uintptr_t)data, len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, ML_KEM, NULL);
    EVP_PKEY *key = NULL;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, selection, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int ml_encapsulate(const uint8_t public_key[ML_PUBLIC_LEN], uint8_t entropy[32],
                          uint8_t enc[ML_ENC_LEN], uint8_t shared[32])
{
    EVP_PKEY *key = ml_key(EVP_PKEY_PUBLIC_KEY, OSSL_PKEY_PARAM_PUB_KEY, public_key, ML_PUBLIC_LEN);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string("ikme", entropy, 32), /* our generator, not OpenSSL's */
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    size_t enc_len = ML_ENC_LEN, shared_len = 32;
    int r = ERR_AUTH;

    if (ctx != NULL && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
        EVP_PKEY_encapsulate(ctx, enc, &enc_len, shared, &shared_len) == 1 && enc_len == ML_ENC_LEN &&
        shared_len == 32)
        r = 0;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return r;
}

static int ml_decapsulate(EVP_PKEY *key, const uint8_t enc[ML_ENC_LEN], uint8_t shared[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t shared_len = 32;
    int r = ERR_AUTH;

    if (ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
        EVP_PKEY_decapsulate(ctx, shared, &shared_len, enc, ML_ENC_LEN) == 1 && shared_len == 32)
        r = 0;
    EVP_PKEY_CTX_free(ctx);
    return r;
}

/* ---- X-Wing ---- */

/* Both private keys from the seed.  *ml is the caller's. */
static int expand_seed(const uint8_t seed[XWING_SEED_LEN], EVP_PKEY **ml, struct x25519_key *x)
{
    uint8_t expanded[ML_SEED_LEN + X25519_LEN];

    shake_256(slice_of(seed, XWING_SEED_LEN), expanded, sizeof expanded);
    *ml = ml_key(EVP_PKEY_KEYPAIR, "seed", expanded, ML_SEED_LEN);
    x25519_from_secret(expanded + ML_SEED_LEN, x);
    sodium_memzero(expanded, sizeof expanded);
    return *ml != NULL ? 0 : ERR_NOMEM;
}

static void combine(const uint8_t ml_shared[32], const uint8_t x_shared[32], const uint8_t x_enc[32],
                    const uint8_t x_public[32], uint8_t out[XWING_SHARED_LEN])
{
    struct slice parts[] = {slice_of(ml_shared, 32), slice_of(x_shared, 32), slice_of(x_enc, 32),
                            slice_of(x_public, 32), slice_str("\\.//^\\")};

    sha3_256_parts(parts, sizeof parts / sizeof parts[0], out);
}

int xwing_public_key(const uint8_t seed[XWING_SEED_LEN], uint8_t out[XWING_PUBLIC_LEN])
{
    struct x25519_key x;
    EVP_PKEY *ml = NULL;
    size_t len = 0;
    int r;

    if (!available)
        return ERR_UNSUPPORTED;
    if ((r = expand_seed(seed, &ml, &x)) == 0) {
        if (EVP_PKEY_get_octet_string_param(ml, OSSL_PKEY_PARAM_PUB_KEY, out, ML_PUBLIC_LEN, &len) != 1 ||
            len != ML_PUBLIC_LEN)
            r = ERR_NOMEM;
        memcpy(out + ML_PUBLIC_LEN, x.public_key, X25519_LEN);
    }
    EVP_PKEY_free(ml);
    x25519_wipe(&x);
    return r;
}

int xwing_encapsulate(struct slice public_key, const struct rand *rand, uint8_t enc[XWING_ENC_LEN],
                      uint8_t shared[XWING_SHARED_LEN])
{
    uint8_t entropy[32], ml_shared[32], x_shared[32];
    struct x25519_key x;
    int r;

    if (!available)
        return ERR_UNSUPPORTED;
    if (public_key.len != XWING_PUBLIC_LEN)
        return ERR_AUTH;
    rand_fill(rand, entropy, sizeof entropy);
    x25519_generate(rand, &x);
    if ((r = ml_encapsulate(public_key.data, entropy, enc, ml_shared)) != 0 ||
        (r = x25519_shared(x.secret, public_key.data + ML_PUBLIC_LEN, x_shared)) != 0)
        goto done;
    memcpy(enc + ML_ENC_LEN, x.public_key, X25519_LEN);
    combine(ml_shared, x_shared, x.public_key, public_key.data + ML_PUBLIC_LEN, shared);
done:
    x25519_wipe(&x);
    sodium_memzero(entropy, sizeof entropy);
    sodium_memzero(ml_shared, sizeof ml_shared);
    sodium_memzero(x_shared, sizeof x_shared);
    return r;
}

int xwing_decapsulate(const uint8_t seed[XWING_SEED_LEN], struct slice enc, uint8_t shared[XWING_SHARED_LEN])
{
    uint8_t ml_shared[32], x_shared[32];
    struct x25519_key x;
    EVP_PKEY *ml = NULL;
    int r;

    if (!available)
        return ERR_UNSUPPORTED;
    if (enc.len != XWING_ENC_LEN)
        return ERR_AUTH;
    if ((r = expand_seed(seed, &ml, &x)) != 0 || (r = ml_decapsulate(ml, enc.data, ml_shared)) != 0 ||
        (r = x25519_shared(x.secret, enc.data + ML_ENC_LEN, x_shared)) != 0)
        goto done;
    combine(ml_shared, x_shared, enc.data + ML_ENC_LEN, x.public_key, shared);
done:
    EVP_PKEY_free(ml);
    x25519_wipe(&x);
    sodium_memzero(ml_shared, sizeof ml_shared);
    sodium_memzero(x_shared, sizeof x_shared);
    return r;
}
