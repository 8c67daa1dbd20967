/* External commits (RFC 9420 section 12.4.3.2): the init secret that an outsider and the group share
 * through the group's external key. */
#pragma once
#include "base/bytes.h"
#include "mls/mls.h"

#include <stdint.h>

/* The key pair's public part, for the external_pub extension. */
void mls_external_public(const uint8_t external_secret[MLS_HASH_LEN], uint8_t out[MLS_KEY_LEN]);
/* ERR_AUTH. */
int mls_external_init_open(uint16_t suite, const uint8_t external_secret[MLS_HASH_LEN], struct slice kem_output,
                           uint8_t init_secret[MLS_HASH_LEN]);
/* The outsider's side.  ERR_MALFORMED, ERR_AUTH. */
int mls_external_init_make(uint16_t suite, struct slice external_public, const struct rand *rand,
                           uint8_t kem_output[MLS_KEY_LEN], uint8_t init_secret[MLS_HASH_LEN]);
