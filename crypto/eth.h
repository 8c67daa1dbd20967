/* Ethereum accounts: addresses and "personal_sign" signatures (EIP-191, version 0x45).
 *
 * An address is text: "0x" and 40 lower-case digits.  A signature is 65 bytes: r, s, v.
 * Thread: any after crypto_init(). */
#pragma once
#include "base/bytes.h"

#include <stdint.h>

struct rand;

#define ETH_SECRET_LEN    32
#define ETH_ADDRESS_LEN   42 /* characters, without NUL */
#define ETH_SIGNATURE_LEN 65
#define ETH_PUBLIC_LEN    65 /* 04, X, Y */

struct eth_key {
    uint8_t secret[ETH_SECRET_LEN];
};

void eth_generate(const struct rand *rand, struct eth_key *out);
/* ERR_INVALID: zero, or not below the group order. */
int eth_from_secret(const uint8_t secret[ETH_SECRET_LEN], struct eth_key *out);
void eth_wipe(struct eth_key *key);

void eth_public_key(const struct eth_key *key, uint8_t out[ETH_PUBLIC_LEN]);
void eth_address(const struct eth_key *key, char out[ETH_ADDRESS_LEN + 1]);
/* The address of a public key, compressed (33 bytes) or not (65).  ERR_MALFORMED: no such point. */
int eth_address_of_public_key(struct slice public_key, char out[ETH_ADDRESS_LEN + 1]);

/* Keccak-256 of 0x19 "Ethereum Signed Message:\n", the text's length in decimal, the text. */
void eth_personal_hash(struct slice text, uint8_t out[32]);
/* Nonce by RFC 6979, low s, v = 27 + parity. */
void eth_sign_personal(const struct eth_key *key, struct slice text, uint8_t out[ETH_SIGNATURE_LEN]);

/* Who signed `text`?  There is no separate verification: a wrong signature has another signer.
 * To the letter what libxmtp does, since all participants must reach the same state: a high s is
 * lowered with v left alone, v is 0, 1, 27, 28 or at least 35.
 * `used` (may be NULL) gets the bytes that replay protection remembers: r, the lowered s, v as
 * received.  ERR_MALFORMED (length, v), ERR_AUTH (r or s out of range, no such point). */
int eth_recover_personal(struct slice text, struct slice signature, char address[ETH_ADDRESS_LEN + 1],
                         uint8_t used[ETH_SIGNATURE_LEN]);

/* Brings a signature from some wallet into the form that eth_recover_personal() accepts from
 * everybody: low s with v flipped where s was high, v 27 or 28.  ERR_MALFORMED, ERR_AUTH. */
int eth_normalise_signature(struct slice signature, uint8_t out[ETH_SIGNATURE_LEN]);

/* For crypto_init() alone. */
int eth_init(void);
