/* What all own messages have in common. */
#pragma once
#include "mls/codec.h"
#include "mls/group.h"

/* Active and not reinitialized, and the signer is that of our leaf: ERR_STATE, ERR_INVALID. */
int mls_send_check(const struct mls_group *g, const struct mls_signer *signer, struct err *err);
void mls_send_content(const struct mls_group *g, uint8_t content_type, struct slice authenticated_data,
                      struct slice body, struct mls_framed_content *out);
/* As MLSMessages.  *change: what the use of the key does; the caller applies or wipes it. */
int mls_send_private(struct mls_group *g, const struct mls_framed_content *content, const struct mls_content_auth *auth,
                     const struct rand *rand, struct mls_secret_change *change, struct bytes *out, struct err *err);
int mls_send_public(struct mls_group *g, const struct mls_framed_content *content,
                    const struct mls_content_auth *auth, struct bytes *out, struct err *err);

/* welcome.c.  A signed GroupInfo of the state (context, tree, tag) with the given extensions after
 * ratchet_tree. */
int mls_group_info_make(const struct mls_group_context *ctx, const struct mls_tree *tree,
                        const uint8_t confirmation_tag[MLS_HASH_LEN], uint32_t signer_leaf, struct slice more_extensions,
                        const struct mls_signer *signer, struct buf *out);
/* The Welcome for everybody a staged commit adds.  `keys`: of its path, NULL without one. */
int mls_welcome_make(const struct mls_staged_commit *s, const struct mls_path_keys *keys,
                     const uint8_t joiner[MLS_HASH_LEN], const struct mls_signer *signer, const struct rand *rand,
                     struct bytes *out, struct err *err);
