/* libsodium 1.0.18 has the hashes and HMAC with keys of any length, but not HKDF. */
#include "crypto/hash.h"

#include "base/err.h"
#include "crypto/openssl.h"

#include <sodium.h>
#include <string.h>

/* From here on OpenSSL, which uses the SHA instructions that most processors have and is four times as fast then,
 * makes up for its setting up. */
#define LONG_INPUT 128

static size_t total(const struct slice *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    return len;
}

/* False where it has no memory. */
static bool sha256_long(const struct slice *parts, size_t count, uint8_t out[HASH_SHA256_LEN])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

void hash_sha256_parts(const struct slice *parts, size_t count, uint8_t out[HASH_SHA256_LEN])
{
    crypto_hash_sha256_state st;

    if (total(parts, count) >= LONG_INPUT && sha256_long(parts, count, out))
        return;
    crypto_hash_sha256_init(&st);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha256_update(&st, parts[i].data, parts[i].len);
    crypto_hash_sha256_final(&st, out);
    sodium_memzero(&st, sizeof st);
}

void hash_sha256(struct slice data, uint8_t out[HASH_SHA256_LEN])
{
    hash_sha256_parts(&data, 1, out);
}

void hash_sha512_parts(const struct slice *parts, size_t count, uint8_t out[HASH_SHA512_LEN])
{
    crypto_hash_sha512_state st;

    crypto_hash_sha512_init(&st);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha512_update(&st, parts[i].data, parts[i].len);
    crypto_hash_sha512_final(&st, out);
    sodium_memzero(&st, sizeof st);
}

void hash_sha512(struct slice data, uint8_t out[HASH_SHA512_LEN])
{
    hash_sha512_parts(&data, 1, out);
}

void hmac_sha256_parts(struct slice key, const struct slice *parts, size_t count,
                       uint8_t out[HASH_SHA256_LEN])
{
    static const uint8_t empty[1];
    crypto_auth_hmacsha256_state st;

    crypto_auth_hmacsha256_init(&st, key.len > 0 ? key.data : empty, key.len);
    for (size_t i = 0; i < count; i++)
        crypto_auth_hmacsha256_update(&st, parts[i].data, parts[i].len);
    crypto_auth_hmacsha256_final(&st, out);
    sodium_memzero(&st, sizeof st);
}

void hmac_sha256(struct slice key, struct slice data, uint8_t out[HASH_SHA256_LEN])
{
    hmac_sha256_parts(key, &data, 1, out);
}

/* An empty salt and one of 32 zeros give the same key, since HMAC pads with zeros. */
void hkdf_sha256_extract_parts(struct slice salt, const struct slice *ikm, size_t count,
                               uint8_t prk[HASH_SHA256_LEN])
{
    hmac_sha256_parts(salt, ikm, count, prk);
}

void hkdf_sha256_extract(struct slice salt, struct slice ikm, uint8_t prk[HASH_SHA256_LEN])
{
    hmac_sha256_parts(salt, &ikm, 1, prk);
}

int hkdf_sha256_expand_parts(struct slice prk, const struct slice *info, size_t count, uint8_t *out,
                             size_t len)
{
    crypto_auth_hmacsha256_state keyed, st;
    uint8_t block[HASH_SHA256_LEN];
    uint8_t number = 0;

    if (len > HKDF_SHA256_MAX)
        return ERR_TOOBIG;
    crypto_auth_hmacsha256_init(&keyed, prk.data, prk.len);
    for (size_t at = 0; at < len; at += sizeof block) {
        size_t take = len - at < sizeof block ? len - at : sizeof block;

        st = keyed; /* the padded key is hashed once for all blocks */
        if (number > 0)
            crypto_auth_hmacsha256_update(&st, block, sizeof block);
        for (size_t i = 0; i < count; i++)
            crypto_auth_hmacsha256_update(&st, info[i].data, info[i].len);
        number++;
        crypto_auth_hmacsha256_update(&st, &number, 1);
        crypto_auth_hmacsha256_final(&st, block);
        memcpy(out + at, block, take);
    }
    sodium_memzero(&keyed, sizeof keyed);
    sodium_memzero(&st, sizeof st);
    sodium_memzero(block, sizeof block);
    return 0;
}

int hkdf_sha256_expand(struct slice prk, struct slice info, uint8_t *out, size_t len)
{
    return hkdf_sha256_expand_parts(prk, &info, 1, out, len);
}
