/* Ed25519 (RFC 8032), plain and prehashed with a context.
 *
 * MLS signs with the plain form, identity updates with Ed25519ph under a non-empty context: the
 * same installation key in two domains that cannot be confused.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct rand;

#define ED25519_SEED_LEN      32
#define ED25519_PUBLIC_LEN    32
#define ED25519_SIGNATURE_LEN 64
#define ED25519PH_CONTEXT_MAX 255

/* Seed, then public key: the layout libsodium calls a secret key. */
struct ed25519_key {
    uint8_t seed[ED25519_SEED_LEN];
    uint8_t public_key[ED25519_PUBLIC_LEN];
};

void ed25519_generate(const struct rand *rand, struct ed25519_key *out);
void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN], struct ed25519_key *out);
void ed25519_wipe(struct ed25519_key *key);

void ed25519_sign(const struct ed25519_key *key, struct slice message,
                  uint8_t signature[ED25519_SIGNATURE_LEN]);
/* ERR_AUTH: wrong, or not 64 and 32 bytes. */
int ed25519_verify(struct slice public_key, struct slice message, struct slice signature);
/* Do these 32 bytes decode to a point?  Weak points do, as for libxmtp. */
bool ed25519_is_point(const uint8_t public_key[ED25519_PUBLIC_LEN]);

/* `context` has at most ED25519PH_CONTEXT_MAX bytes; longer is ERR_INVALID. */
int ed25519ph_sign(const struct ed25519_key *key, struct slice context, struct slice message,
                   uint8_t signature[ED25519_SIGNATURE_LEN]);
/* The check without cofactor, for any key that is a point, of small or mixed order too: whoever makes such
 * a one does it to be read by some and not by others, and libxmtp reads it. */
int ed25519ph_verify(struct slice public_key, struct slice context, struct slice message,
                     struct slice signature);
