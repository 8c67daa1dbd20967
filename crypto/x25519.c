#include "crypto/x25519.h"

#include "base/err.h"
#include "base/rand.h"

#include <sodium.h>
#include <string.h>

void x25519_from_secret(const uint8_t secret[X25519_LEN], struct x25519_key *out)
{
    memmove(out->secret, secret, X25519_LEN);
    /* Cannot fail: the base point has full order, and clamping keeps the scalar from being zero. */
    (void)crypto_scalarmult_base(out->public_key, out->secret);
}

void x25519_generate(const struct rand *rand, struct x25519_key *out)
{
    rand_fill(rand, out->secret, X25519_LEN);
    (void)crypto_scalarmult_base(out->public_key, out->secret);
}

void x25519_wipe(struct x25519_key *key)
{
    sodium_memzero(key, sizeof *key);
}

int x25519_shared(const uint8_t secret[X25519_LEN], const uint8_t peer[X25519_LEN], uint8_t out[X25519_LEN])
{
    /* libsodium answers -1 for small-order points and for an all-zero result. */
    return crypto_scalarmult(out, secret, peer) == 0 ? 0 : ERR_AUTH;
}
