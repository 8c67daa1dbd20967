/* ChaCha20 family by libsodium; AES-GCM by OpenSSL, because libsodium's needs AES instructions. */
#include "crypto/aead.h"

#include "base/err.h"
#include "crypto/openssl.h"

#include <sodium.h>

#define PIECE_MAX ((size_t)1 << 30) /* EVP lengths are int */

/* Fetched once: a fetch per call costs more than the encryption of a text message. */
static EVP_CIPHER *aes_128_gcm, *aes_256_gcm;

int aead_init(void)
{
    if (aes_128_gcm == NULL)
        aes_128_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    if (aes_256_gcm == NULL)
        aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    return aes_128_gcm != NULL && aes_256_gcm != NULL ? 0 : ERR_STATE;
}

size_t aead_key_len(enum aead_id id)
{
    switch (id) {
    case AEAD_AES_128_GCM:
        return 16;
    case AEAD_AES_256_GCM:
    case AEAD_CHACHA20_POLY1305:
    case AEAD_XCHACHA20_POLY1305:
        return 32;
    }
    return 0;
}

size_t aead_nonce_len(enum aead_id id)
{
    switch (id) {
    case AEAD_AES_128_GCM:
    case AEAD_AES_256_GCM:
    case AEAD_CHACHA20_POLY1305:
        return 12;
    case AEAD_XCHACHA20_POLY1305:
        return 24;
    }
    return 0;
}

static int gcm_seal(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *nonce, struct slice aad,
                    struct slice plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t none[1];
    int n, r = ERR_NOMEM;

    if (ctx == NULL)
        return r;
    if (EVP_EncryptInit_ex2(ctx, cipher, key, nonce, NULL) != 1)
        goto done;
    if (aad.len > 0 && EVP_EncryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) != 1)
        goto done;
    if (plain.len > 0 && EVP_EncryptUpdate(ctx, out, &n, plain.data, (int)plain.len) != 1)
        goto done;
    if (EVP_EncryptFinal_ex(ctx, none, &n) != 1)
        goto done;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, out + plain.len) != 1)
        goto done;
    r = 0;
done:
    EVP_CIPHER_CTX_free(ctx);
    return r;
}

static int gcm_open(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *nonce, struct slice aad,
                    struct slice sealed, uint8_t *out)
{
    size_t len = sealed.len - AEAD_TAG_LEN;
    uint8_t tag[AEAD_TAG_LEN], none[1];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n, r = ERR_NOMEM;

    if (ctx == NULL)
        return r;
    for (size_t i = 0; i < sizeof tag; i++)
        tag[i] = sealed.data[len + i];
    if (EVP_DecryptInit_ex2(ctx, cipher, key, nonce, NULL) != 1)
        goto done;
    if (aad.len > 0 && EVP_DecryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) != 1)
        goto done;
    if (len > 0 && EVP_DecryptUpdate(ctx, out, &n, sealed.data, (int)len) != 1)
        goto done;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) == 1)
        r = EVP_DecryptFinal_ex(ctx, none, &n) == 1 ? 0 : ERR_AUTH;
done:
    EVP_CIPHER_CTX_free(ctx);
    if (r != 0)
        sodium_memzero(out, len); /* GCM decrypts before it knows */
    return r;
}

int aead_seal(enum aead_id id, const uint8_t *key, const uint8_t *nonce, struct slice aad, struct slice plain,
              uint8_t *out)
{
    if (plain.len > PIECE_MAX || aad.len > PIECE_MAX)
        return ERR_TOOBIG;
    switch (id) {
    case AEAD_AES_128_GCM:
        return gcm_seal(aes_128_gcm, key, nonce, aad, plain, out);
    case AEAD_AES_256_GCM:
        return gcm_seal(aes_256_gcm, key, nonce, aad, plain, out);
    case AEAD_CHACHA20_POLY1305:
        return crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.data, plain.len, aad.data, aad.len,
                                                         NULL, nonce, key);
    case AEAD_XCHACHA20_POLY1305:
        return crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.data, plain.len, aad.data, aad.len,
                                                          NULL, nonce, key);
    }
    return ERR_UNSUPPORTED;
}

int aead_open(enum aead_id id, const uint8_t *key, const uint8_t *nonce, struct slice aad,
              struct slice sealed, uint8_t *out)
{
    int r = -1;

    if (sealed.len > PIECE_MAX || aad.len > PIECE_MAX)
        return ERR_TOOBIG;
    if (sealed.len < AEAD_TAG_LEN)
        return ERR_AUTH;
    switch (id) {
    case AEAD_AES_128_GCM:
        return gcm_open(aes_128_gcm, key, nonce, aad, sealed, out);
    case AEAD_AES_256_GCM:
        return gcm_open(aes_256_gcm, key, nonce, aad, sealed, out);
    case AEAD_CHACHA20_POLY1305:
        r = crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.len, aad.data,
                                                      aad.len, nonce, key);
        break;
    case AEAD_XCHACHA20_POLY1305:
        r = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.len, aad.data,
                                                       aad.len, nonce, key);
        break;
    default:
        return ERR_UNSUPPORTED;
    }
    return r == 0 ? 0 : ERR_AUTH;
}
