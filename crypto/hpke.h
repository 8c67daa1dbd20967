/* HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and an AEAD of 96-bit nonce
 * (ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM).
 *
 * A context encrypts in one direction: the sender seals, the receiver opens, in the same order.
 * It holds secrets: end it with hpke_wipe(), never copy it by assignment.
 * Thread: a context belongs to one; the rest any. */
#pragma once
#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/x25519.h"

#include <stdint.h>

struct rand;

#define HPKE_KEM_X25519 0x0020
#define HPKE_KEM_XWING  0x004d /* X-Wing's code point of draft 6, which XMTP stays with */
#define HPKE_ENC_LEN    X25519_LEN

struct hpke_context {
    enum aead_id aead;
    uint16_t kem_id;
    uint8_t key[32];
    uint8_t base_nonce[12];
    uint8_t exporter_secret[32];
    uint64_t seq;
};

/* DeriveKeyPair of the KEM (RFC 9180 section 7.1.3).  Any bytes give a key. */
void hpke_derive_key(struct slice ikm, struct x25519_key *out);

/* Encapsulates to `peer`.  Writes `enc`, which the receiver needs.
 * ERR_AUTH: `peer` is a point of small order.  ERR_UNSUPPORTED: not an HPKE AEAD. */
int hpke_setup_sender(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info,
                      const struct rand *rand, uint8_t enc[HPKE_ENC_LEN], struct hpke_context *out);
/* The same with an ephemeral key given: for test vectors, and nothing else. */
int hpke_setup_sender_with_ephemeral(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info,
                                     const struct x25519_key *ephemeral, uint8_t enc[HPKE_ENC_LEN],
                                     struct hpke_context *out);
/* `enc` of another length than HPKE_ENC_LEN, or of small order: ERR_AUTH. */
int hpke_setup_receiver(enum aead_id aead, const struct x25519_key *key, struct slice enc, struct slice info,
                        struct hpke_context *out);
/* The key schedule alone, for a KEM that is done elsewhere. */
int hpke_context_from_secret(uint16_t kem_id, enum aead_id aead, struct slice shared_secret,
                             struct slice info, struct hpke_context *out);

/* As aead_seal() and aead_open() with the next sequence number.  A failed open does not count. */
int hpke_seal(struct hpke_context *ctx, struct slice aad, struct slice plain, uint8_t *out);
int hpke_open(struct hpke_context *ctx, struct slice aad, struct slice sealed, uint8_t *out);

/* ERR_TOOBIG for len over HKDF_SHA256_MAX. */
int hpke_export(const struct hpke_context *ctx, struct slice exporter_context, uint8_t *out, size_t len);
void hpke_wipe(struct hpke_context *ctx);

/* Set up, use once, wipe. */
int hpke_seal_once(enum aead_id aead, const uint8_t peer[X25519_LEN], struct slice info, struct slice aad,
                   struct slice plain, const struct rand *rand, uint8_t enc[HPKE_ENC_LEN], uint8_t *out);
int hpke_open_once(enum aead_id aead, const struct x25519_key *key, struct slice enc, struct slice info,
                   struct slice aad, struct slice sealed, uint8_t *out);
