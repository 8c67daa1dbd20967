/* Joining: what a Welcome and a GroupInfo are checked for. */
#pragma once
#include "mls/group.h"
#include "mls/suite.h"

/* welcome.c: key and nonce of the encrypted GroupInfo. */
void mls_welcome_key(uint16_t suite, const uint8_t welcome_secret[MLS_HASH_LEN], uint8_t key[MLS_AEAD_KEY_MAX],
                     uint8_t nonce[MLS_NONCE_LEN]);

/* join.c: tree and context of a GroupInfo into a fresh group object, everything public verified:
 * hashes, leaves, signature.  `tree`: given out of band, empty when in the GroupInfo. */
int mls_group_from_info(struct mls_group *g, const struct mls_group_info *info, struct slice tree, struct err *err);
