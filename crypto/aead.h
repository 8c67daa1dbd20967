/* Authenticated encryption with associated data, one call each way.
 *
 * The numbers are those of the HPKE registry (RFC 9180 section 7.3) where it has one.
 * `out` may be the plaintext's or ciphertext's own memory; otherwise the two do not overlap.
 * Thread: any after crypto_init(). */
#pragma once
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

enum aead_id {
    AEAD_AES_128_GCM = 0x0001,
    AEAD_AES_256_GCM = 0x0002,
    AEAD_CHACHA20_POLY1305 = 0x0003,  /* RFC 8439, 96-bit nonce */
    AEAD_XCHACHA20_POLY1305 = 0x10001 /* 192-bit nonce: random ones are safe; not of the registry */
};

#define AEAD_TAG_LEN   16
#define AEAD_KEY_MAX   32
#define AEAD_NONCE_MAX 24

/* 0 for an unknown id. */
size_t aead_key_len(enum aead_id id);
size_t aead_nonce_len(enum aead_id id);

/* Writes plain.len + AEAD_TAG_LEN bytes: ciphertext, then tag.  ERR_NOMEM, ERR_UNSUPPORTED
 * (unknown id), ERR_TOOBIG (over 2^30 bytes: larger things are cut into pieces by their formats). */
int aead_seal(enum aead_id id, const uint8_t *key, const uint8_t *nonce, struct slice aad, struct slice plain,
              uint8_t *out);

/* Writes sealed.len - AEAD_TAG_LEN bytes.  ERR_AUTH when the tag does not fit or the input is
 * shorter than a tag; then `out` holds nothing of the plaintext.  Else as aead_seal(). */
int aead_open(enum aead_id id, const uint8_t *key, const uint8_t *nonce, struct slice aad,
              struct slice sealed, uint8_t *out);

/* For crypto_init() alone. */
int aead_init(void);
