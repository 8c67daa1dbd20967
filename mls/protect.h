/* Message protection (RFC 9420 sections 6.1 to 6.3): signatures over framed content, the membership
 * tag of public messages, the two encryptions of private ones.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "mls/codec.h"
#include "mls/secret_tree.h"

#include <stdint.h>

struct err;

/* FramedContentTBS.  `context`: the serialised GroupContext, counted for members and new members. */
void mls_put_content_tbs(struct buf *b, uint16_t wire_format, const struct mls_framed_content *content,
                         struct slice context);
int mls_content_sign(uint16_t wire_format, const struct mls_framed_content *content, struct slice context,
                     const struct mls_signer *signer, uint8_t signature[MLS_SIGNATURE_LEN]);
int mls_content_verify(uint16_t wire_format, const struct mls_framed_content *content, struct slice context,
                       struct slice signature_key, struct slice signature);

/* ProposalRef of an authenticated proposal (section 5.2). */
int mls_proposal_ref(uint16_t wire_format, const struct mls_framed_content *content,
                     const struct mls_content_auth *auth, uint8_t ref[MLS_HASH_LEN]);

int mls_membership_tag(const uint8_t membership_key[MLS_HASH_LEN], const struct mls_framed_content *content,
                       struct slice context, const struct mls_content_auth *auth, uint8_t tag[MLS_HASH_LEN]);
/* Appends an MLSMessage.  ERR_DENIED for application content, which is never sent in the open. */
int mls_public_seal(const struct mls_framed_content *content, const struct mls_content_auth *auth,
                    const uint8_t membership_key[MLS_HASH_LEN], struct slice context, struct buf *out);

struct mls_sender_data {
    uint32_t leaf, generation;
    uint8_t reuse_guard[4];
};
/* Key and nonce for the sender data, from a sample of the ciphertext (section 6.3.2). */
void mls_sender_data_key(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN], struct slice ciphertext,
                         uint8_t key[MLS_AEAD_KEY_MAX], uint8_t nonce[MLS_NONCE_LEN]);
/* Appends an MLSMessage.  `key` is of the sender's ratchet. */
int mls_private_seal(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN],
                     const struct mls_framed_content *content, const struct mls_content_auth *auth,
                     const struct mls_message_key *key, const struct rand *rand, struct buf *out);
int mls_private_open_sender(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN],
                            const struct mls_private_message *message, struct mls_sender_data *out);
/* `plain` gets the PrivateMessageContent, into which `content` and `auth` point.  Padding that is not
 * zero is malformed. */
int mls_private_open(uint16_t suite, const struct mls_private_message *message, const struct mls_sender_data *sender,
                     const struct mls_message_key *key, struct bytes *plain, struct mls_framed_content *content,
                     struct mls_content_auth *auth);
