/* Hashes and what is built on them: SHA-256, SHA-512, HMAC-SHA256 (RFC 2104), HKDF-SHA256 (RFC 5869).
 *
 * The `parts` forms hash a concatenation without building it.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_LEN 32
#define HASH_SHA512_LEN 64
/* The longest HKDF-Expand output: 255 blocks (RFC 5869 section 2.3). */
#define HKDF_SHA256_MAX (255 * HASH_SHA256_LEN)

void hash_sha256(struct slice data, uint8_t out[HASH_SHA256_LEN]);
void hash_sha256_parts(const struct slice *parts, size_t count, uint8_t out[HASH_SHA256_LEN]);
void hash_sha512(struct slice data, uint8_t out[HASH_SHA512_LEN]);
void hash_sha512_parts(const struct slice *parts, size_t count, uint8_t out[HASH_SHA512_LEN]);

/* `key` of any length. */
void hmac_sha256(struct slice key, struct slice data, uint8_t out[HASH_SHA256_LEN]);
void hmac_sha256_parts(struct slice key, const struct slice *parts, size_t count,
                       uint8_t out[HASH_SHA256_LEN]);

void hkdf_sha256_extract(struct slice salt, struct slice ikm, uint8_t prk[HASH_SHA256_LEN]);
void hkdf_sha256_extract_parts(struct slice salt, const struct slice *ikm, size_t count,
                               uint8_t prk[HASH_SHA256_LEN]);
/* `prk` may have any length, as HPKE and MLS feed it 32 bytes.  ERR_TOOBIG for len over
 * HKDF_SHA256_MAX, with `out` untouched. */
int hkdf_sha256_expand(struct slice prk, struct slice info, uint8_t *out, size_t len);
int hkdf_sha256_expand_parts(struct slice prk, const struct slice *info, size_t count, uint8_t *out,
                             size_t len);
