#include "mls/external.h"

#include "base/err.h"
#include "crypto/hpke.h"
#include "mls/suite.h"

#include <string.h>

static int export_init(const struct hpke_context *ctx, uint8_t init_secret[MLS_HASH_LEN])
{
    return hpke_export(ctx, slice_str("MLS 1.0 external init secret"), init_secret, MLS_HASH_LEN);
}

void mls_external_public(const uint8_t external_secret[MLS_HASH_LEN], uint8_t out[MLS_KEY_LEN])
{
    struct x25519_key key;

    hpke_derive_key(slice_of(external_secret, MLS_HASH_LEN), &key);
    memcpy(out, key.public_key, MLS_KEY_LEN);
    x25519_wipe(&key);
}

int mls_external_init_open(uint16_t suite, const uint8_t external_secret[MLS_HASH_LEN], struct slice kem_output,
                           uint8_t init_secret[MLS_HASH_LEN])
{
    struct hpke_context ctx = {0};
    struct x25519_key key;
    int e;

    hpke_derive_key(slice_of(external_secret, MLS_HASH_LEN), &key);
    e = hpke_setup_receiver(mls_suite_aead(suite), &key, kem_output, (struct slice){0}, &ctx);
    if (e == 0)
        e = export_init(&ctx, init_secret);
    x25519_wipe(&key);
    hpke_wipe(&ctx);
    return e;
}

int mls_external_init_make(uint16_t suite, struct slice external_public, const struct rand *rand,
                           uint8_t kem_output[MLS_KEY_LEN], uint8_t init_secret[MLS_HASH_LEN])
{
    struct hpke_context ctx = {0};
    int e;

    if (external_public.len != MLS_KEY_LEN)
        return ERR_MALFORMED;
    e = hpke_setup_sender(mls_suite_aead(suite), external_public.data, (struct slice){0}, rand, kem_output, &ctx);
    if (e == 0)
        e = export_init(&ctx, init_secret);
    hpke_wipe(&ctx);
    return e;
}
