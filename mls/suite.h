/* What the two ciphersuites have in common and where they differ (RFC 9420 sections 5 and 17.1).
 *
 * Both are X25519, SHA-256, HKDF-SHA256 and Ed25519; only the AEAD differs.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "crypto/aead.h"
#include "mls/mls.h"

#include <stdbool.h>
#include <stdint.h>

#define MLS_VERSION_10 1
#define MLS_NONCE_LEN 12
#define MLS_AEAD_KEY_MAX 32

bool mls_suite_known(uint16_t suite);
enum aead_id mls_suite_aead(uint16_t suite);
size_t mls_suite_key_len(uint16_t suite); /* of the AEAD */

/* RFC 9420 section 8: the labelled KDF.  `len` is at most HKDF_SHA256_MAX. */
void mls_expand_with_label(const uint8_t secret[MLS_HASH_LEN], struct slice label, struct slice context, uint8_t *out,
                           size_t len);
void mls_derive_secret(const uint8_t secret[MLS_HASH_LEN], const char *label, uint8_t out[MLS_HASH_LEN]);
void mls_derive_tree_secret(const uint8_t secret[MLS_HASH_LEN], const char *label, uint32_t generation, uint8_t *out,
                            size_t len);

/* RefHash (section 5.2). */
void mls_ref_hash(const char *label, struct slice value, uint8_t out[MLS_HASH_LEN]);

/* SignWithLabel, VerifyWithLabel (section 5.1.2).  ERR_NOMEM; ERR_AUTH from the second. */
int mls_sign_with_label(const struct mls_signer *signer, const char *label, struct slice content,
                        uint8_t signature[MLS_SIGNATURE_LEN]);
int mls_verify_with_label(struct slice public_key, const char *label, struct slice content, struct slice signature);

/* EncryptWithLabel, DecryptWithLabel (section 5.1.3) in two steps, since one context may serve many
 * receivers: the EncryptContext, then seal or open. */
void mls_put_encrypt_context(struct buf *info, const char *label, struct slice context);
/* Appends an HPKECiphertext.  ERR_MALFORMED when `public_key` is no X25519 key, ERR_AUTH when it is
 * of small order. */
int mls_hpke_seal(uint16_t suite, struct slice public_key, struct slice info, struct slice plain,
                  const struct rand *rand, struct buf *out);
/* *out is secret: the caller wipes it. */
int mls_hpke_open(uint16_t suite, const uint8_t secret[MLS_KEY_LEN], struct slice public_key, struct slice info,
                  struct slice kem_output, struct slice ciphertext, struct bytes *out);
