/* The secret tree of one epoch (RFC 9420 section 9): a key for each message of each member.
 *
 * Nothing is derived before a message needs it, and what was used is deleted: a node secret once
 * its children are derived, a ratchet secret once it has moved on.  Looking up a key changes
 * nothing; it gives a struct mls_secret_change that mls_secret_tree_apply() puts into effect once
 * the message is accepted.
 *
 * Stored pieces: a node secret, a ratchet; each is read from `source` when first needed.
 * Holds secrets.  Thread: that of the group. */
#pragma once
#include "base/bytes.h"
#include "mls/map.h"
#include "mls/mls.h"
#include "mls/suite.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum mls_ratchet_type { MLS_RATCHET_HANDSHAKE = 0, MLS_RATCHET_APPLICATION = 1 };

/* Kinds of pieces; the rest of them in state.c. */
enum { MLS_PIECE_SECRET_NODE = 5, MLS_PIECE_HANDSHAKE_RATCHET = 6, MLS_PIECE_APPLICATION_RATCHET = 7 };

struct mls_message_key {
    uint32_t generation;
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
};
void mls_message_key_wipe(struct mls_message_key *key);

/* `generation` is the next one to be derived; `skipped` are keys below it that no message has used. */
struct mls_ratchet {
    uint32_t generation;
    uint8_t secret[MLS_HASH_LEN];
    struct mls_message_key *skipped; /* ascending */
    uint32_t skipped_n;
    bool dirty;
};

struct mls_secret_tree {
    uint16_t suite;
    uint64_t epoch;
    uint32_t width;
    struct mls_map nodes;       /* node index → struct secret_node */
    struct mls_map ratchets[2]; /* leaf index → struct mls_ratchet */
    uint64_t version;           /* counts the changes applied */
    const struct mls_piece_source *source; /* NULL: everything there is, is in the maps */
};

struct mls_secret_change {
    uint64_t version; /* of the tree it was made from */
    uint32_t leaf;
    struct mls_ratchet *ratchet[2]; /* the new states; NULL: as before */
    bool derived;                   /* the leaf's ratchets come from a node secret */
    uint32_t from;                  /* that node, to be deleted */
    uint32_t nodes_n;               /* nodes derived on the way and left to be used */
    struct {
        uint32_t node;
        uint8_t secret[MLS_HASH_LEN];
    } nodes[20];
};

/* Begins with the root secret, which is copied.  ERR_NOMEM. */
int mls_secret_tree_init(struct mls_secret_tree *tree, uint16_t suite, uint64_t epoch, uint32_t width,
                         const uint8_t encryption_secret[MLS_HASH_LEN]);
/* All of it still in the store. */
void mls_secret_tree_stored(struct mls_secret_tree *tree, uint16_t suite, uint64_t epoch, uint32_t width,
                            const struct mls_piece_source *source);
void mls_secret_tree_wipe(struct mls_secret_tree *tree);

/* The key of that generation.  ERR_NOTFOUND used or too old, ERR_TOOBIG too far ahead. */
int mls_secret_tree_key(struct mls_secret_tree *tree, const struct mls_config *config, uint32_t leaf,
                        enum mls_ratchet_type type, uint32_t generation, struct mls_message_key *key,
                        struct mls_secret_change *change, struct err *err);
/* The key to send the next message with. */
int mls_secret_tree_next(struct mls_secret_tree *tree, const struct mls_config *config, uint32_t leaf,
                         enum mls_ratchet_type type, struct mls_message_key *key, struct mls_secret_change *change,
                         struct err *err);
/* Takes over what `change` holds.  ERR_STATE: the tree has changed since, look the key up again;
 * ERR_NOMEM.  On error nothing is applied, and `change` is still the caller's. */
int mls_secret_tree_apply(struct mls_secret_tree *tree, struct mls_secret_change *change);
void mls_secret_change_wipe(struct mls_secret_change *change);

bool mls_secret_tree_is_dirty(const struct mls_secret_tree *tree);
int mls_secret_tree_write(const struct mls_secret_tree *tree, const struct mls_piece_sink *sink, struct err *err);
void mls_secret_tree_written(struct mls_secret_tree *tree); /* all of it, just now */
/* Forgets the handshake ratchets: the epoch is over. */
void mls_secret_tree_end_handshake(struct mls_secret_tree *tree);
