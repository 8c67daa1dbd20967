#include "crypto/p256.h"

#include "base/err.h"
#include "crypto/openssl.h"

#include <string.h>

#define DER_MAX 72 /* two integers of at most 33 bytes, with their headers */

static int load_key(struct slice public_key, EVP_PKEY **out)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public_key.data, public_key.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    int r = ERR_NOMEM;

    if (ctx == NULL)
        return r;
    if (EVP_PKEY_fromdata_init(ctx) == 1)
        r = EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) == 1 ? 0 : ERR_MALFORMED;
    EVP_PKEY_CTX_free(ctx);
    return r;
}

/* (p - 1) / 2 */
static const uint8_t half[32] = {
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff,
};

/* x alone: of the two points that have it, the one with the smaller y. */
static int load_compact_key(struct slice public_key, EVP_PKEY **out)
{
    uint8_t compressed[33] = {2}, y[32];
    BIGNUM *number = NULL;
    int r;

    memcpy(compressed + 1, public_key.data + 1, 32);
    if ((r = load_key(slice_of(compressed, sizeof compressed), out)) != 0)
        return r;
    if (EVP_PKEY_get_bn_param(*out, OSSL_PKEY_PARAM_EC_PUB_Y, &number) != 1 || BN_bn2binpad(number, y, 32) != 32)
        r = ERR_NOMEM;
    BN_free(number);
    if (r != 0 || memcmp(y, half, sizeof y) <= 0)
        return r;
    EVP_PKEY_free(*out);
    *out = NULL;
    compressed[0] = 3;
    return load_key(slice_of(compressed, sizeof compressed), out);
}

/* DER → r ‖ s.  Strict: re-encoding must give the same bytes (none left over), so that nobody can bend
 * one signature into several. */
static int split_der(struct slice der, uint8_t raw[64])
{
    const uint8_t *at = der.data;
    uint8_t again[DER_MAX], *to = again;
    ECDSA_SIG *sig = NULL;
    int r = ERR_MALFORMED;

    if (der.len == 0 || der.len > DER_MAX)
        return r;
    sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    if (sig == NULL)
        goto done;
    if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) != 32)
        goto done;
    if (i2d_ECDSA_SIG(sig, NULL) != (int)der.len || i2d_ECDSA_SIG(sig, &to) != (int)der.len ||
        memcmp(again, der.data, der.len) != 0)
        goto done;
    r = 0;
done:
    ECDSA_SIG_free(sig);
    return r;
}

int p256_verify(struct slice public_key, struct slice message, struct slice signature, uint8_t raw[64])
{
    EVP_PKEY *key = NULL;
    EVP_MD_CTX *md = NULL;
    uint8_t rs[64], form = public_key.len > 0 ? public_key.data[0] : 0;
    int r = ERR_MALFORMED;

    /* SEC1 also knows a hybrid form and the point at infinity, which libxmtp's library refuses as well. */
    if (!(public_key.len == 33 && (form == 2 || form == 3 || form == 5)) && !(public_key.len == 65 && form == 4))
        return r;
    if ((r = split_der(signature, rs)) != 0 ||
        (r = form == 5 ? load_compact_key(public_key, &key) : load_key(public_key, &key)) != 0)
        goto done;
    md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestVerifyInit_ex(md, NULL, "SHA256", NULL, NULL, key, NULL) != 1) {
        r = ERR_NOMEM;
        goto done;
    }
    r = EVP_DigestVerify(md, signature.data, signature.len, message.data, message.len) == 1 ? 0 : ERR_AUTH;
    if (r == 0 && raw != NULL)
        memcpy(raw, rs, sizeof rs);
done:
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    return r;
}
