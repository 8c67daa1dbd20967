#include "crypto/eth.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/rand.h"
#include "crypto/keccak.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static secp256k1_context *secp; /* read-only after eth_init() */

int eth_init(void)
{
    secp256k1_context *ctx;
    uint8_t blind[32];
    int r;

    if (secp != NULL)
        return 0;
    ctx = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    if (ctx == NULL)
        return ERR_NOMEM;
    rand_fill(&rand_system, blind, sizeof blind); /* blinds the signing operations */
    r = secp256k1_context_randomize(ctx, blind) == 1 ? 0 : ERR_STATE;
    sodium_memzero(blind, sizeof blind);
    if (r != 0) {
        secp256k1_context_destroy(ctx);
        return r;
    }
    secp = ctx;
    return 0;
}

void eth_generate(const struct rand *rand, struct eth_key *out)
{
    do { /* once, but for a chance of 2^-128 */
        rand_fill(rand, out->secret, sizeof out->secret);
    } while (secp256k1_ec_seckey_verify(secp, out->secret) != 1);
}

int eth_from_secret(const uint8_t secret[ETH_SECRET_LEN], struct eth_key *out)
{
    if (secp256k1_ec_seckey_verify(secp, secret) != 1)
        return ERR_INVALID;
    memmove(out->secret, secret, sizeof out->secret);
    return 0;
}

void eth_wipe(struct eth_key *key)
{
    sodium_memzero(key, sizeof *key);
}

static void serialize(const secp256k1_pubkey *point, uint8_t out[ETH_PUBLIC_LEN])
{
    size_t len = ETH_PUBLIC_LEN;

    (void)secp256k1_ec_pubkey_serialize(secp, out, &len, point, SECP256K1_EC_UNCOMPRESSED);
}

static void address_of_xy(const uint8_t xy[64], char out[ETH_ADDRESS_LEN + 1])
{
    uint8_t hash[32];

    keccak_256(slice_of(xy, 64), hash);
    out[0] = '0';
    out[1] = 'x';
    hex_encode(hash + 12, 20, out + 2);
}

void eth_public_key(const struct eth_key *key, uint8_t out[ETH_PUBLIC_LEN])
{
    secp256k1_pubkey point;

    memset(out, 0, ETH_PUBLIC_LEN);
    if (secp256k1_ec_pubkey_create(secp, &point, key->secret) == 1)
        serialize(&point, out);
}

void eth_address(const struct eth_key *key, char out[ETH_ADDRESS_LEN + 1])
{
    uint8_t public_key[ETH_PUBLIC_LEN];

    eth_public_key(key, public_key);
    address_of_xy(public_key + 1, out);
}

int eth_address_of_public_key(struct slice public_key, char out[ETH_ADDRESS_LEN + 1])
{
    secp256k1_pubkey point;
    uint8_t whole[ETH_PUBLIC_LEN];

    /* libsecp256k1 also reads a hybrid form (06, 07), which others refuse. */
    if (public_key.len == 0 || public_key.data[0] > 0x04 ||
        secp256k1_ec_pubkey_parse(secp, &point, public_key.data, public_key.len) != 1)
        return ERR_MALFORMED;
    serialize(&point, whole);
    address_of_xy(whole + 1, out);
    return 0;
}

void eth_personal_hash(struct slice text, uint8_t out[32])
{
    char head[64];
    int n = snprintf(head, sizeof head,
                     "\x19"
                     "Ethereum Signed Message:\n%zu",
                     text.len);
    struct slice parts[] = {slice_of(head, (size_t)n), text};

    keccak_256_parts(parts, 2, out);
}

void eth_sign_personal(const struct eth_key *key, struct slice text, uint8_t out[ETH_SIGNATURE_LEN])
{
    secp256k1_ecdsa_recoverable_signature sig;
    uint8_t hash[32];
    int parity = 0;

    memset(out, 0, ETH_SIGNATURE_LEN);
    eth_personal_hash(text, hash);
    if (secp256k1_ecdsa_sign_recoverable(secp, &sig, hash, key->secret, NULL, NULL) != 1)
        return; /* only for a key that eth_from_secret() refuses */
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(secp, out, &parity, &sig);
    out[64] = (uint8_t)(27 + parity);
}

/* r and s in 1 .. n-1, and s lowered; *was_high says whether it had to be. */
static int lower_s(const uint8_t rs[64], uint8_t out[64], bool *was_high)
{
    static const uint8_t zero[32];
    secp256k1_ecdsa_signature sig;

    if (memcmp(rs, zero, 32) == 0 || memcmp(rs + 32, zero, 32) == 0)
        return ERR_AUTH;
    if (secp256k1_ecdsa_signature_parse_compact(secp, &sig, rs) != 1)
        return ERR_AUTH;
    *was_high = secp256k1_ecdsa_signature_normalize(secp, &sig, &sig) == 1;
    (void)secp256k1_ecdsa_signature_serialize_compact(secp, out, &sig);
    return 0;
}

/* The parity bit in v, or -1.  Values from 35 on carry a chain id (EIP-155). */
static int parity_of(uint8_t v)
{
    if (v == 0 || v == 27)
        return 0;
    if (v == 1 || v == 28)
        return 1;
    return v >= 35 ? (v - 35) % 2 : -1;
}

int eth_recover_personal(struct slice text, struct slice signature, char address[ETH_ADDRESS_LEN + 1],
                         uint8_t used[ETH_SIGNATURE_LEN])
{
    secp256k1_ecdsa_recoverable_signature sig;
    secp256k1_pubkey point;
    uint8_t hash[32], low[64], public_key[ETH_PUBLIC_LEN];
    bool was_high;
    int parity;

    if (signature.len != ETH_SIGNATURE_LEN || (parity = parity_of(signature.data[64])) < 0)
        return ERR_MALFORMED;
    if (lower_s(signature.data, low, &was_high) != 0)
        return ERR_AUTH;
    eth_personal_hash(text, hash);
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(secp, &sig, low, parity) != 1 ||
        secp256k1_ecdsa_recover(secp, &point, &sig, hash) != 1)
        return ERR_AUTH;
    serialize(&point, public_key);
    address_of_xy(public_key + 1, address);
    if (used != NULL) {
        memcpy(used, low, 64);
        used[64] = signature.data[64];
    }
    return 0;
}

int eth_normalise_signature(struct slice signature, uint8_t out[ETH_SIGNATURE_LEN])
{
    bool was_high;
    int parity;

    if (signature.len != ETH_SIGNATURE_LEN || (parity = parity_of(signature.data[64])) < 0)
        return ERR_MALFORMED;
    if (lower_s(signature.data, out, &was_high) != 0)
        return ERR_AUTH;
    out[64] = (uint8_t)(27 + (parity ^ (was_high ? 1 : 0)));
    return 0;
}
