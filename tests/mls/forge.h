/* What a member can send whose program keeps no rule: every signature and tag is in order as far as they
 * depend on the sender, only the content is not. */
#pragma once
#include "mls/codec.h"
#include "mls/group.h"
#include "tests/mls/kit.h"

/* A key package of `m` after `edit` has changed its fields; both signatures are made anew. */
struct bytes forge_key_package(const struct kit_member *m, void (*edit)(struct mls_key_package *kp));
/* The same for a leaf that goes into a tree or an update: `group_id` and `leaf_index` are signed too. */
struct bytes forge_leaf(const struct kit_member *m, struct mls_leaf leaf, struct slice group_id, uint32_t leaf_index);

/* Lists of proposals: these put an inline one into `list`. */
void forge_put_add(struct buf *list, struct slice key_package);
void forge_put_remove(struct buf *list, uint32_t leaf_index);
void forge_put_extensions(struct buf *list, struct slice extensions);
void forge_put_raw(struct buf *list, struct slice proposal);
void forge_put_ref(struct buf *list, const uint8_t ref[MLS_HASH_LEN]);

/* A commit of `by` in a PublicMessage, made by the rules with an update path and then changed by `edit`
 * before it is signed.  Without an edit it is good. */
struct forge_commit {
    const struct mls_commit_params *params; /* NULL: an empty commit with a path */
    void (*edit)(struct mls_commit *commit, void *ctx);
    void (*edit_content)(struct mls_framed_content *content, void *ctx);
    void *ctx;
};
struct bytes forge_commit(struct kit_member *by, const struct forge_commit *f, const struct rand *rand);

/* A public message with this content, signed by `by` whatever the content says about its sender. */
struct bytes forge_public(const struct kit_member *by, const struct mls_framed_content *content,
                          struct slice confirmation_tag);

/* The GroupInfo of `by` after `edit` has changed tree and context of the copy; the tree hash is put right
 * afterwards unless `keep_hash`. */
struct forge_info {
    struct mls_group_context ctx;
    struct mls_tree tree;
    uint32_t signer;
    struct mls_signer key;
    bool keep_hash;
    struct buf extensions; /* after ratchet_tree; begins with external_pub */
};
struct bytes forge_group_info(const struct kit_member *by, void (*edit)(struct forge_info *info, void *ctx), void *ctx);

/* A Welcome made by the rules, opened with the joiner's key, changed and sealed again. */
struct forge_welcome {
    uint16_t suite;
    struct mls_group_secrets secrets;
    struct mls_group_info info;
    bool longer_secrets, longer_info; /* a byte more inside the seal */
    bool no_info;                     /* nothing sealed that could be opened */
    struct slice psk; /* the value of each key in secrets.psks; empty: sealed as if there were none */
};
struct bytes forge_welcome(const struct kit_member *by, const struct kit_member *joiner, struct slice welcome,
                           void (*edit)(struct forge_welcome *w, void *ctx), void *ctx, const struct rand *rand);
