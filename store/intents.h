/* Intents: what a group must do on the network, kept until it is done (sync.md 8.2, groups.md 4.4).
 *
 * States: to publish → published (hash, staged commit and epoch are on disk before the network sees the
 * bytes) → committed (seen on the network) → processed, when the row goes; or error.  Kinds are libxmtp's
 * numbers. */
#pragma once
#include "store/store.h"

enum store_intent_kind {
    STORE_INTENT_SEND_MESSAGE = 1,
    STORE_INTENT_KEY_UPDATE = 2,
    STORE_INTENT_METADATA_UPDATE = 3,
    STORE_INTENT_UPDATE_MEMBERSHIP = 4,
    STORE_INTENT_UPDATE_ADMIN_LIST = 5,
    STORE_INTENT_UPDATE_PERMISSION = 6,
    STORE_INTENT_READD_INSTALLATIONS = 7,
};

enum store_intent_state {
    STORE_INTENT_TO_PUBLISH = 1,
    STORE_INTENT_PUBLISHED = 2,
    STORE_INTENT_COMMITTED = 3,
    STORE_INTENT_ERROR = 4,
};
#define STORE_INTENT_BIT(state) (1u << (state))

struct store_intent {
    int64_t id; /* ascending: the order of publishing */
    enum store_intent_kind kind;
    enum store_intent_state state;
    struct slice group_id;
    struct slice data;          /* sealed */
    struct slice payload_hash;  /* SHA-256 of the published bytes; data NULL before */
    struct slice staged_commit; /* sealed; data NULL: none */
    struct slice post_commit;   /* sealed; data NULL: none */
    struct slice message_id;    /* of the message being sent; data NULL: none */
    uint64_t published_epoch;
    bool should_push;
    unsigned attempts;
    uint32_t originator; /* of the envelope that confirmed it */
    int64_t sequence_id;
    int64_t created_at_ns;
    int64_t next_attempt_ns; /* 0: at once */
};

/* Uses kind, group_id, data, message_id, should_push, created_at_ns; the state is "to publish", or, where
 * payload_hash is given, "published" in published_epoch (for a message sealed in the same transaction). */
int store_intent_put(struct store *store, const struct store_intent *in, int64_t *id, struct err *err);
int store_intent_get(struct store *store, int64_t id, struct store_mem *mem, struct store_intent *out,
                     struct err *err); /* ERR_NOTFOUND */
/* The published or committed intent with this payload hash: is this envelope our own?  ERR_NOTFOUND. */
int store_intent_by_hash(struct store *store, struct slice payload_hash, struct store_mem *mem,
                         struct store_intent *out, struct err *err);

/* To publish → published. */
int store_intent_set_published(struct store *store, int64_t id, struct slice payload_hash,
                               struct slice staged_commit, struct slice post_commit, uint64_t epoch,
                               struct err *err);
/* Published → committed, at this place of the ledger. */
int store_intent_set_committed(struct store *store, int64_t id, uint32_t originator, int64_t sequence_id,
                               struct err *err);
/* Back to be rebuilt: hash, staged commit and post-commit data go.  `failed`: counts an attempt.  ERR_STATE
 * for a commit that the network has. */
int store_intent_set_to_publish(struct store *store, int64_t id, bool failed, int64_t next_attempt_ns,
                                struct err *err);
/* What follows a committed one was refused by the node: counted. */
int store_intent_refused(struct store *store, int64_t id, struct err *err);
int store_intent_set_error(struct store *store, int64_t id, struct err *err);
/* Processed: the row goes, and ERR_NOTFOUND means done from then on.  Unknown ids are fine. */
int store_intent_delete(struct store *store, int64_t id, struct err *err);
/* All of a group in any of these states (bits), in order.  Borrowed rows; non-zero stops. */
int store_intents_each(struct store *store, struct slice group_id, unsigned states,
                       int (*fn)(void *ctx, const struct store_intent *row), void *ctx, struct err *err);
#define STORE_INTENT_REFUSALS_MAX 20
/* Groups that have such intents: what the outbox has to look at.  Of the committed ones those count that have
 * something to send still, and have not been refused too often. */
int store_intents_groups(struct store *store, unsigned states, int (*fn)(void *ctx, struct slice group_id),
                         void *ctx, struct err *err);
int store_intents_count(struct store *store, unsigned states, int64_t *out, struct err *err);
