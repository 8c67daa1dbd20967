/* ECDSA over P-256 with SHA-256, verification only: what a passkey signs.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdint.h>

/* `public_key`: SEC1, compressed or compact (33 bytes, the latter with a 5 in front) or uncompressed (65): what
 * libxmtp's library takes.  `signature`: DER; high s is as good as low.  `raw` (may be NULL) gets r and s, 32 bytes
 * each, once the signature is good.  ERR_MALFORMED (no such point, not DER), ERR_AUTH (wrong signature), ERR_NOMEM. */
int p256_verify(struct slice public_key, struct slice message, struct slice signature, uint8_t raw[64]);
