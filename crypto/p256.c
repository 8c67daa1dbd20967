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
    uint8_t rs[64];
    int r = ERR_MALFORMED;

    /* SEC1 also knows a hybrid form and the point at infinity, which nobody sends. */
    if (!(public_key.len == 33 && (public_key.data[0] | 1) == 3) &&
        !(public_key.len == 65 && public_key.data[0] == 4))
        return r;
    if ((r = split_der(signature, rs)) != 0 || (r = load_key(public_key, &key)) != 0)
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
