/* X-Wing (draft-connolly-cfrg-xwing-kem-06): ML-KEM-768 and X25519 in one KEM.
 *
 * Only where the OpenSSL at run time has ML-KEM (3.5 and later); elsewhere xwing_is_available() is
 * false and every call returns ERR_UNSUPPORTED.  The shared secret goes straight into
 * hpke_context_from_secret() under HPKE_KEM_XWING.  Thread: any after crypto_init(). */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct rand;

#define XWING_SEED_LEN   32 /* the private key */
#define XWING_PUBLIC_LEN 1216
#define XWING_ENC_LEN    1120
#define XWING_SHARED_LEN 32

bool xwing_is_available(void);

/* ERR_UNSUPPORTED, ERR_NOMEM. */
int xwing_public_key(const uint8_t seed[XWING_SEED_LEN], uint8_t out[XWING_PUBLIC_LEN]);
/* ERR_AUTH for a key or ciphertext of another length, or that ML-KEM or X25519 refuses. */
int xwing_encapsulate(struct slice public_key, const struct rand *rand, uint8_t enc[XWING_ENC_LEN],
                      uint8_t shared[XWING_SHARED_LEN]);
int xwing_decapsulate(const uint8_t seed[XWING_SEED_LEN], struct slice enc, uint8_t shared[XWING_SHARED_LEN]);

/* For crypto_init() alone. */
void xwing_init(void);
