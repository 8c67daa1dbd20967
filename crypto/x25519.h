/* X25519 (RFC 7748).  Thread: any. */
#pragma once
#include <stdint.h>

struct rand;

#define X25519_LEN 32

struct x25519_key {
    uint8_t secret[X25519_LEN];
    uint8_t public_key[X25519_LEN];
};

void x25519_generate(const struct rand *rand, struct x25519_key *out);
void x25519_from_secret(const uint8_t secret[X25519_LEN], struct x25519_key *out);
void x25519_wipe(struct x25519_key *key);

/* ERR_AUTH when the result is all zeros: a peer that sends a point of small order would otherwise
 * choose our secret (RFC 7748 section 6.1, RFC 9180 section 7.1.4). */
int x25519_shared(const uint8_t secret[X25519_LEN], const uint8_t peer[X25519_LEN], uint8_t out[X25519_LEN]);
