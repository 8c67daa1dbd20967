/* The inside of a processed message; for process.c, process_commit.c and own messages. */
#pragma once
#include "mls/group.h"

struct mls_processed {
    struct mls_message_info info;
    struct bytes plain; /* what the slices of `info` point into */
    struct bytes authenticated_data;
    struct mls_node *sender_node;
    struct mls_staged_commit *staged;
    bool has_change; /* private messages: what the key's use does to the secret tree */
    enum mls_ratchet_type type;
    struct mls_secret_change change;
};

/* process_commit.c: a commit whose signature was verified. */
int mls_process_commit(struct mls_group *g, uint16_t wire_format, const struct mls_framed_content *content,
                       const struct mls_content_auth *auth, struct mls_staged_commit **out, struct err *err);

/* Remembers a proposal for commits that refer to it. */
int mls_pending_add(struct mls_group *g, const uint8_t ref[MLS_HASH_LEN], struct mls_sender sender, struct slice raw,
                    struct err *err);
